/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_static.h
 * The complete struct iot_device, and those of its parts, for the one file that owns their storage:
 *
 *     static struct iot_device lamp;
 *
 * Needs src/ on the include path beside include/; no lwIP header is drawn in. Fields stay private.
 */
#ifndef IOT_STATIC_H
#define IOT_STATIC_H

#include "device/iot_device_state.h"
#if IOT_FEATURE_COAP
#include "coap/iot_coap_client.h"
#endif
#if IOT_FEATURE_COAP_SERVER
#include "coap/iot_coap_listen.h"
#endif
#if IOT_FEATURE_HTTP
#include "http/iot_http_client.h"
#endif
#include "iot/iot.h"
#if IOT_FEATURE_WEB
#include "link/iot_link_web.h"
#endif
#if IOT_FEATURE_UPLINK
#include "link/iot_link_uplink.h"
#endif
#if IOT_FEATURE_OTA
#include "device/iot_device_upgrade.h"
#include "ota/iot_ota_engine.h"
#endif

#endif

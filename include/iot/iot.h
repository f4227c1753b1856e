/* SPDX-License-Identifier: Apache-2.0 */
/** @file iot.h  Everything an application includes. The file that owns the storage of a device
 *  includes iot_static.h as well. */
#ifndef IOT_H
#define IOT_H

#include "iot/iot_alink.h"
#include "iot/iot_base.h"
#include "iot/iot_cbor.h"
#include "iot/iot_cloud.h"
#include "iot/iot_coap.h"
#include "iot/iot_coap_server.h"
#include "iot/iot_device.h"
#include "iot/iot_dgram.h"
#include "iot/iot_dtls.h"
#include "iot/iot_http.h"
#include "iot/iot_json.h"
#include "iot/iot_link.h"
#include "iot/iot_mqtt.h"
#include "iot/iot_ota.h"
#include "iot/iot_port.h"
#include "iot/iot_register.h"
#include "iot/iot_shadow.h"
#include "iot/iot_slot.h"
#include "iot/iot_socket.h"
#include "iot/iot_stream.h"
#include "iot/iot_thing.h"
#include "iot/iot_tls.h"
#include "iot/iot_upgrade.h"
#include "iot/iot_uplink.h"
#include "iot/iot_web.h"

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* All of src/mqtt, for tests that look into it; and, for what is not built in, words in its place: a test that needs
 * it fails and says so, unless tests/check/switches.txt names it among those that are left out. */
#ifndef MQTT_ROOMS_H
#define MQTT_ROOMS_H

#include "mqtt/iot_mqtt_client.h"
#include "mqtt/iot_mqtt_decline.h"
#include "mqtt/iot_mqtt_hear.h"
#include "mqtt/iot_mqtt_held.h"
#include "mqtt/iot_mqtt_keep.h"
#include "mqtt/iot_mqtt_parts.h"
#include "mqtt/iot_mqtt_ref.h"
#include "mqtt/iot_mqtt_rel.h"
#include "mqtt/iot_mqtt_say.h"
#include "mqtt/iot_mqtt_source.h"
#include "mqtt/iot_mqtt_unsub.h"
#include "mqtt/iot_mqtt_writer.h"
#include "mqtt/iot_mqtt_yield.h"
#include "test.h"

/* Nobody takes what has still to come of a message larger than the window. */
static inline void mqtt_rooms_skip_rest(struct iot_mqtt_session *s)
{
#if IOT_FEATURE_PARTS
    s->body_wanted = false;
#else
    (void)s;
#endif
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A rest: for a while nothing is connected, as the device needs the memory of the link for something else. What is up is
 * drained and ends in good order, so that no will fires; messages stay as over any lost link. */
#ifndef IOT_MQTT_REST_H
#define IOT_MQTT_REST_H

#include "mqtt/iot_mqtt_client.h"

#if IOT_FEATURE_OTA

/** From inside of a tick: rest from now on; or connect again, at once where the rest had ended a link, else when the wait before it
 *  ends. */
void iot_mqtt_client_rest(struct iot_mqtt_client *c, bool wanted);

static inline bool iot_mqtt_rest_wanted(const struct iot_mqtt_client *c)
{
    return c->rest;
}

#else

static inline bool iot_mqtt_rest_wanted(const struct iot_mqtt_client *c)
{
    (void)c;
    return false;
}

#endif
#endif

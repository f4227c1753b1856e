/* SPDX-License-Identifier: Apache-2.0 */
/* What a client does while its stream is up: received bytes are digested and handed to handlers, what
 * the session has to say goes to the stream. */
#ifndef IOT_MQTT_PUMP_H
#define IOT_MQTT_PUMP_H

#include "mqtt/iot_mqtt_client.h"

/** Nothing is received, nothing is being offered to anybody; the window is wiped. */
void iot_mqtt_pump_reset(struct iot_mqtt_client *c);

/** Digest IOT_POLL_PACKETS packets at most. IOT_OK; anything else: the connection has to end, and
 *  `*detail` is beside the reason. */
iot_err iot_mqtt_pump_up(struct iot_mqtt_client *c, int32_t *detail);

/** Offer the stream what is due. IOT_OK; IOT_ERR_MQTT_UNFINISHED: the connection has to end, as a
 *  message was begun and cannot be finished. */
iot_err iot_mqtt_pump_down(struct iot_mqtt_client *c);

/* For those who hand out messages. */

/** `used` bytes at the front of the window are finished with. */
void iot_mqtt_pump_done(struct iot_mqtt_client *c, uint32_t used);

/** Get more bytes behind those that wait. */
void iot_mqtt_pump_refill(struct iot_mqtt_client *c);

#endif

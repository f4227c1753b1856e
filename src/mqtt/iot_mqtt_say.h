/* SPDX-License-Identifier: Apache-2.0 */
/* What a session says to the broker: CONNECT, then what is owed before messages. */
#ifndef IOT_MQTT_SAY_H
#define IOT_MQTT_SAY_H

#include "mqtt/iot_mqtt_session.h"

/** CONNECT is not out whole yet. */
bool iot_mqtt_sending_connect(const struct iot_mqtt_session *s);

/** The next bytes for the wire, len 0: none. The same again until some of them are taken. */
struct iot_bytes iot_mqtt_pending(struct iot_mqtt_session *s, enum iot_stream_write_flag *how);

/** The stream took `n` of them; `written` counts all that it took since it was opened. */
void iot_mqtt_sent(struct iot_mqtt_session *s, uint32_t n, uint32_t written);

#endif

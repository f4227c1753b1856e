/* SPDX-License-Identifier: Apache-2.0 */
/* What a session says to the broker: CONNECT, then what is owed before messages. */
#ifndef IOT_MQTT_SAY_H
#define IOT_MQTT_SAY_H

#include "mqtt/iot_mqtt_session.h"

/** CONNECT is not out whole yet. */
bool iot_mqtt_sending_connect(const struct iot_mqtt_session *s);

/** The next bytes for the wire, len 0: none. The same again until some of them are taken. */
struct iot_bytes iot_mqtt_pending(struct iot_mqtt_session *s, iot_time now,
                                  enum iot_stream_write_flag *how);

/** The stream took `n` of them; `written` counts all that it took since it was opened. */
void iot_mqtt_sent(struct iot_mqtt_session *s, uint32_t n, uint32_t written, iot_time now);

/** Nothing is pending because a streamed message waits for its source. */
bool iot_mqtt_wants_pull(const struct iot_mqtt_session *s);

struct iot_mqtt_pull {
    iot_mqtt_source source;
    void *ctx;
    uint32_t offset;
    struct iot_writer w;
};

/** Whom to ask for what; `pulled` says that `n` bytes were written. */
void iot_mqtt_pull(struct iot_mqtt_session *s, struct iot_mqtt_pull *p);
void iot_mqtt_pulled(struct iot_mqtt_session *s, uint32_t n);

/** Its source fails: the message ends with the connection, which has to end, too. */
void iot_mqtt_unfinished(struct iot_mqtt_session *s);

#endif

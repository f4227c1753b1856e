/* SPDX-License-Identifier: Apache-2.0 */
/* A message that is written straight into the ring: reserved, filled by the application, committed. */
#ifndef IOT_MQTT_WRITER_H
#define IOT_MQTT_WRITER_H

#include "mqtt/iot_mqtt_outbox.h"

#if IOT_FEATURE_WRITER

static inline bool iot_mqtt_writer_open(const struct iot_mqtt_outbox *box)
{
    return box->writer.len != 0;
}

static inline void iot_mqtt_writer_drop(struct iot_mqtt_outbox *box)
{
    box->writer.len = 0;
}

/** Reserve; errors as iot_mqtt_outbox_put. */
iot_err iot_mqtt_outbox_begin(struct iot_mqtt_outbox *box, const struct iot_msg *msg, uint32_t max,
                              struct iot_writer *w);
iot_err iot_mqtt_outbox_commit(struct iot_mqtt_outbox *box, struct iot_writer *w, uint16_t id,
                               iot_ticket ticket);

/** Topic of the open writer, or of the one that was committed last; in the ring. */
static inline struct iot_bytes iot_mqtt_writer_topic(const struct iot_mqtt_outbox *box)
{
    uint32_t behind = box->writer.topic_len + (box->writer.qos != 0 ? 2u : 0u);
    struct iot_bytes topic = {&box->tx[box->writer.body - behind], box->writer.topic_len};
    return topic;
}

struct iot_mqtt_session;

/* As in iot_mqtt.h, but for the device's state. */
iot_err iot_mqtt_session_begin(struct iot_mqtt_session *s, const struct iot_msg *msg, uint32_t max,
                               struct iot_writer *w);
iot_err iot_mqtt_session_commit(struct iot_mqtt_session *s, struct iot_writer *w,
                                iot_ticket *ticket);

#else

static inline bool iot_mqtt_writer_open(const struct iot_mqtt_outbox *box)
{
    (void)box;
    return false;
}

static inline void iot_mqtt_writer_drop(struct iot_mqtt_outbox *box)
{
    (void)box;
}

#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_writer.h"

#include "mqtt/iot_mqtt_codec.h"
#include "mqtt/iot_mqtt_room.h"
#include "mqtt/iot_mqtt_session.h"

#include <string.h>

#if IOT_FEATURE_WRITER

iot_err iot_mqtt_outbox_begin(struct iot_mqtt_outbox *box, const struct iot_msg *msg, uint32_t max,
                              struct iot_writer *w)
{
    if (msg->flags & IOT_MSG_BY_REF)
        return IOT_ERR_ARG;
    if (max > IOT_MQTT_TX_BYTES)
        return IOT_ERR_SIZE;
    uint32_t room = iot_mqtt_publish_head_size(msg->topic.len, msg->qos, max);
    uint32_t at;
    iot_err err = iot_mqtt_room_make(box, msg, room + max, &at);
    if (err != IOT_OK)
        return err;

    box->writer.len = room + max;
    box->writer.body = at + room;
    box->writer.topic_len = msg->topic.len;
    box->writer.qos = msg->qos;
    box->writer.first = iot_mqtt_outbox_first(msg);
    box->writer.flags = msg->flags;
    /* The topic lies where it will be sent from; the id between it and the payload is still open. */
    struct iot_bytes topic = iot_mqtt_writer_topic(box);
    memcpy(box->tx + (topic.ptr - box->tx), msg->topic.text, topic.len);

    memset(w, 0, sizeof *w);
    w->ptr = &box->tx[box->writer.body];
    w->cap = max;
    return IOT_OK;
}

iot_err iot_mqtt_outbox_commit(struct iot_mqtt_outbox *box, struct iot_writer *w, uint16_t id,
                               iot_ticket ticket)
{
    if (!iot_mqtt_writer_open(box) || w->ptr != &box->tx[box->writer.body])
        return IOT_ERR_STATE;
    box->writer.len = 0;
    if (w->overflow)
        return IOT_ERR_SIZE;

    /* The header goes in last, right-aligned before the body: its length field has 1..4 bytes and
     * was unknown until now. */
    uint8_t qos = box->writer.qos;
    uint32_t head = iot_mqtt_publish_head_size(box->writer.topic_len, qos, w->len);
    uint32_t at = box->writer.body - head;
    struct iot_bytes topic = iot_mqtt_writer_topic(box);
    iot_mqtt_encode_publish_head(&box->tx[at], box->writer.first, topic, id, w->len);

    struct iot_mqtt_out *m = iot_mqtt_outbox_append(box, at, head + w->len, box->writer.flags);
    m->ticket = (box->writer.flags & IOT_MSG_SILENT) != 0 ? 0 : ticket;
    m->id = id;
    m->qos = qos & 3u;
    return IOT_OK;
}

iot_err iot_mqtt_session_begin(struct iot_mqtt_session *s, const struct iot_msg *msg, uint32_t max,
                               struct iot_writer *w)
{
    struct iot_msg head = *msg;
    head.payload = (struct iot_bytes){NULL, 0};
    head.flags &= (uint8_t)~IOT_MSG_SILENT;
    iot_err err = iot_mqtt_outbox_check(&head);
    head.flags = msg->flags;
    if (err == IOT_OK)
        err = iot_mqtt_outbox_begin(&s->box, &head, max, w);
    iot_mqtt_follow(s);
    return err;
}

iot_err iot_mqtt_session_commit(struct iot_mqtt_session *s, struct iot_writer *w,
                                iot_ticket *ticket)
{
    uint16_t id;
    if (!iot_mqtt_id_for(s, s->box.writer.qos, &id)) {
        iot_mqtt_writer_drop(&s->box);
        return IOT_ERR_AGAIN;
    }
    iot_err err = iot_mqtt_outbox_commit(&s->box, w, id, s->next_ticket);
    return iot_mqtt_accepted(s, err, id, ticket);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_say.h"

#include "core/iot_core_assert.h"
#include "mqtt/iot_mqtt_errand.h"
#include "mqtt/iot_mqtt_ref.h"
#include "mqtt/iot_mqtt_rel.h"
#include "mqtt/iot_mqtt_request.h"
#include "mqtt/iot_mqtt_source.h"

bool iot_mqtt_sending_connect(const struct iot_mqtt_session *s)
{
    return s->part == IOT_MQTT_PART_CONNECT;
}

static bool slot_has(const struct iot_mqtt_session *s, uint32_t n)
{
    return n <= (uint32_t)IOT_MQTT_CONTROL_BYTES - s->ctl_len;
}

static void put_ack(struct iot_mqtt_session *s, uint8_t type, uint16_t id)
{
    iot_mqtt_encode_ack(&s->ctl[s->ctl_len], (enum iot_mqtt_type)type, id);
    s->ctl_len = (uint16_t)(s->ctl_len + 4);
}

static void put_acks(struct iot_mqtt_session *s)
{
    uint32_t n = 0;
    while (n < s->inbox.owed && slot_has(s, 4)) {
        put_ack(s, s->inbox.ack[n].type, s->inbox.ack[n].id);
        n++;
    }
    iot_mqtt_inbox_paid(&s->inbox, n);
}

/* Write what is owed into the control slot. */
static void put_control(struct iot_mqtt_session *s)
{
    s->ctl_len = 0;
    put_acks(s);
    uint16_t rel;
    while (!iot_mqtt_errand(s) && slot_has(s, 4) && (rel = iot_mqtt_rels_next(&s->box)) != 0)
        put_ack(s, IOT_MQTT_PUBREL, rel);
    if (s->watch.want_ping && slot_has(s, 2)) {
        iot_mqtt_encode_empty(&s->ctl[s->ctl_len], IOT_MQTT_PINGREQ);
        s->ctl_len = (uint16_t)(s->ctl_len + 2);
        iot_mqtt_watch_pinged(&s->watch, s->now);
    }
    if (!iot_mqtt_errand(s))
        iot_mqtt_put_requests(s);
}

static void set_part(struct iot_mqtt_session *s, enum iot_mqtt_part part, const uint8_t *ptr,
                     uint32_t len)
{
    s->part = (uint8_t)part;
    s->part_ptr = ptr;
    s->part_left = len;
}

/* Choose what goes next: what is owed before messages. */
static void begin_part(struct iot_mqtt_session *s)
{
    if (s->phase == IOT_MQTT_PH_BYE && !s->bye_put) {
        iot_mqtt_encode_empty(s->ctl, IOT_MQTT_DISCONNECT);
        s->bye_put = true;
        set_part(s, IOT_MQTT_PART_CTL, s->ctl, 2);
    }
    if (s->phase != IOT_MQTT_PH_UP)
        return;
    if (s->inbox.owed != 0 || s->watch.want_ping || iot_mqtt_subs_is_due(&s->subs) ||
        iot_mqtt_rels_due(&s->box)) {
        put_control(s);
        if (s->ctl_len != 0) {
            set_part(s, IOT_MQTT_PART_CTL, s->ctl, s->ctl_len);
            return;
        }
    }
    const struct iot_mqtt_out *m = iot_mqtt_outbox_next(&s->box);
    if (m == NULL || iot_mqtt_errand(s))
        return;
    if (iot_mqtt_needs_clearing(s, m)) {
        s->ctl_len = 0;
        put_ack(s, IOT_MQTT_PUBREL, m->id);
        iot_mqtt_cleared(s, m->id);
        set_part(s, IOT_MQTT_PART_CTL, s->ctl, s->ctl_len);
    } else {
        iot_mqtt_cleared(s, 0);
        set_part(s, IOT_MQTT_PART_HEAD, &s->box.tx[m->at], m->len);
        s->box.sending = true;
    }
}

struct iot_bytes iot_mqtt_pending(struct iot_mqtt_session *s, enum iot_stream_write_flag *how)
{
    if (s->part == IOT_MQTT_PART_NONE)
        begin_part(s);
    struct iot_bytes left = {s->part_ptr, s->part == IOT_MQTT_PART_NONE ? 0 : s->part_left};
    *how = s->part == IOT_MQTT_PART_REF ? IOT_STREAM_REF : IOT_STREAM_COPY;
    return left;
}

void iot_mqtt_sent(struct iot_mqtt_session *s, uint32_t n, uint32_t written)
{
    IOT_ASSERT(s->part != IOT_MQTT_PART_NONE && n <= s->part_left);
    s->part_ptr += n;
    s->part_left -= n;
    if (s->part_left != 0)
        return;

    uint8_t part = s->part;
    if (part == IOT_MQTT_PART_HEAD) {
        struct iot_bytes ref = iot_mqtt_ref(iot_mqtt_outbox_next(&s->box));
        if (ref.ptr != NULL) {
            set_part(s, IOT_MQTT_PART_REF, ref.ptr, ref.len);
            return;
        }
    }
    if (part >= IOT_MQTT_PART_HEAD && iot_mqtt_source_goes_on(&s->box)) {
        s->part = IOT_MQTT_PART_SOURCE;
        return;
    }
    s->part = IOT_MQTT_PART_NONE;
    s->watch.last_sent = s->now;
    if (part >= IOT_MQTT_PART_HEAD && iot_mqtt_outbox_sent(&s->box, written))
        iot_mqtt_watch_await(&s->watch, s->now);
}

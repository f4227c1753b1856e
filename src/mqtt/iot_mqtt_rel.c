/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_rel.h"

#if IOT_FEATURE_QOS2

uint16_t iot_mqtt_rels_next(struct iot_mqtt_outbox *box)
{
    return iot_mqtt_rels_due(box) ? box->out[box->rels.sent++].id : 0;
}

/* The message at `from` goes to `to`, those between move by one. */
static struct iot_mqtt_out *shift(struct iot_mqtt_out *from, struct iot_mqtt_out *to)
{
    while (from != to) {
        struct iot_mqtt_out *next = from < to ? from + 1 : from - 1;
        struct iot_mqtt_out m = *from;
        *from = *next;
        *next = m;
        from = next;
    }
    return to;
}

bool iot_mqtt_outbox_pubrec(struct iot_mqtt_outbox *box, uint16_t id)
{
    struct iot_mqtt_out *m = iot_mqtt_outbox_find(box, id, IOT_OUT_SENT, 2);
    if (m == NULL)
        return false;
    iot_mqtt_outbox_give_back(box, m);
    m->state = IOT_OUT_REL;
    (void)shift(m, &box->out[box->rels.count++]);
    return true;
}

bool iot_mqtt_outbox_pubcomp(struct iot_mqtt_outbox *box, uint16_t id)
{
    struct iot_mqtt_out *m = iot_mqtt_outbox_find(box, id, IOT_OUT_REL, 2);
    if (m == NULL)
        return false;
    if ((uint32_t)(m - box->out) < box->rels.sent)
        box->rels.sent--;
    iot_mqtt_outbox_done(box, shift(m, &box->out[--box->rels.count]));
    return true;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_keep.h"

#include "core/iot_core_assert.h"
#include "mqtt/iot_mqtt_codec.h"
#include "mqtt/iot_mqtt_rel.h"

#if IOT_FEATURE_SESSION_KEEP

bool iot_mqtt_keep_use_id(struct iot_mqtt_session *s)
{
    if (s->id_left == 0)
        return false;
    if (s->id_left != UINT16_MAX)
        s->id_left--;
    return true;
}

void iot_mqtt_keep_return_ids(struct iot_mqtt_session *s, uint16_t n)
{
    if (s->id_left != UINT16_MAX)
        s->id_left = (uint16_t)(s->id_left + n);
}

/* All messages behind the RELs are sent again, in their old order. Called when no event waits. */
static uint32_t requeue(struct iot_mqtt_outbox *box, bool dup)
{
    uint32_t resent = 0;
    for (uint32_t i = iot_mqtt_rels(box); i < box->count; i++) {
        struct iot_mqtt_out *m = &box->out[i];
        uint8_t *first = &box->tx[m->at];
        if (m->state == IOT_OUT_ENDED)
            continue;
        if (!dup)
            m->again = 0;
        *first = (uint8_t)(m->again ? *first | IOT_MQTT_DUP : *first & ~IOT_MQTT_DUP);
        if (m->state == IOT_OUT_SENT)
            resent++;
        m->state = IOT_OUT_QUEUED;
    }
    box->queued = (uint8_t)(box->count - iot_mqtt_rels(box) - box->ended);
    return resent;
}

uint32_t iot_mqtt_outbox_resume(struct iot_mqtt_outbox *box)
{
    IOT_ASSERT(box->ended == 0);
    return requeue(box, true);
}

uint32_t iot_mqtt_outbox_renew(struct iot_mqtt_outbox *box, bool hand_back)
{
    IOT_ASSERT(box->ended == 0);
    uint32_t rels = iot_mqtt_rels(box);
    for (uint32_t i = rels; hand_back && i < box->count; i++)
        if (box->out[i].again)
            iot_mqtt_outbox_end(box, &box->out[i], IOT_ERR_UNKNOWN);
    uint32_t resent = requeue(box, false);
    for (uint32_t i = 0; i < rels; i++)
        iot_mqtt_outbox_end(box, &box->out[i], IOT_ERR_UNKNOWN);
    iot_mqtt_rels_lost(box, false);
    return resent;
}

#endif

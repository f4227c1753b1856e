/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_ref.h"

#include "mqtt/iot_mqtt_rel.h"

#if IOT_FEATURE_BY_REF

bool iot_mqtt_ref_hold(struct iot_mqtt_outbox *box, struct iot_mqtt_out *m)
{
    if (m->ref.ptr == NULL)
        return false;
    iot_mqtt_outbox_give_back(box, m);
    m->state = IOT_OUT_REF_HELD;
    return true;
}

void iot_mqtt_ref_released(struct iot_mqtt_outbox *box, uint32_t count)
{
    for (uint32_t i = iot_mqtt_rels(box); i < (uint32_t)box->count - box->queued; i++) {
        struct iot_mqtt_out *m = &box->out[i];
        if (m->state == IOT_OUT_REF_HELD && (int32_t)(count - m->ref_end) >= 0)
            iot_mqtt_outbox_end(box, m, IOT_OK);
    }
}

bool iot_mqtt_ref_lost(struct iot_mqtt_out *m)
{
    if (m->state == IOT_OUT_REL)
        m->ref.ptr = NULL; /* it is not sent again */
    return m->state == IOT_OUT_REF_HELD;
}

#endif

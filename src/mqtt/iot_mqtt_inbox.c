/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_inbox.h"

#include "core/iot_core_assert.h"
#include "core/iot_core_stats.h"
#include "mqtt/iot_mqtt_codec.h"
#include "mqtt/iot_mqtt_held.h"

#include <string.h>

bool iot_mqtt_inbox_can_owe(const struct iot_mqtt_inbox *in)
{
    return in->mute || in->owed < IOT_MQTT_ACKS_MAX;
}

void iot_mqtt_inbox_owe(struct iot_mqtt_inbox *in, uint8_t type, uint16_t id)
{
    if (in->mute)
        return;
    IOT_ASSERT(in->owed < IOT_MQTT_ACKS_MAX);
    in->ack[in->owed].type = type;
    in->ack[in->owed].id = id;
    in->owed++;
    IOT_HIGH(in->owed_high, in->owed);
}

void iot_mqtt_inbox_paid(struct iot_mqtt_inbox *in, uint32_t n)
{
    in->owed = (uint8_t)(in->owed - n);
    memmove(in->ack, &in->ack[n], in->owed * sizeof in->ack[0]);
}

iot_err iot_mqtt_inbox_judge(const struct iot_mqtt_inbox *in, uint8_t qos, uint16_t id, bool dup,
                             struct iot_mqtt_ack *answer, bool *known)
{
    static const uint8_t answers[] = {0, IOT_MQTT_PUBACK, IOT_MQTT_PUBREC};
    *known = false;
    if (qos > IOT_MQTT_QOS_MAX)
        return IOT_ERR_MQTT_PROTOCOL;
    if (qos != 0 && !iot_mqtt_inbox_can_owe(in))
        return IOT_ERR_FULL;
    answer->id = id;
    answer->type = answers[qos];
    return qos == 2 ? iot_mqtt_held_judge(in, id, dup, known) : IOT_OK;
}

void iot_mqtt_inbox_take(struct iot_mqtt_inbox *in, struct iot_mqtt_ack *answer)
{
    if (answer->type == IOT_MQTT_PUBREC)
        iot_mqtt_held_add(in, answer->id);
    if (answer->type != 0)
        iot_mqtt_inbox_owe(in, answer->type, answer->id);
    answer->type = 0;
}

void iot_mqtt_inbox_lost(struct iot_mqtt_inbox *in, bool keep)
{
    in->owed = 0;
    in->mute = false;
    iot_mqtt_held_lost(in, keep);
}

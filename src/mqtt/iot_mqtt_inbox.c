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

void iot_mqtt_inbox_lost(struct iot_mqtt_inbox *in, bool keep)
{
    in->owed = 0;
    in->mute = false;
    iot_mqtt_held_lost(in, keep);
}

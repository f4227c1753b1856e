/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_inbox.h"

#include "core/iot_core_assert.h"
#include "mqtt/iot_mqtt_codec.h"

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
    if (in->owed > in->owed_high)
        in->owed_high = in->owed;
}

void iot_mqtt_inbox_paid(struct iot_mqtt_inbox *in, uint32_t n)
{
    in->owed = (uint8_t)(in->owed - n);
    memmove(in->ack, &in->ack[n], in->owed * sizeof in->ack[0]);
}

/* Its place among the held ones, or `held`. */
static uint32_t find(const struct iot_mqtt_inbox *in, uint16_t id)
{
    uint32_t i = 0;
    while (i < in->held && in->qos2[i] != id)
        i++;
    return i;
}

/* An id of the time before this connection says that the message was delivered only if the broker repeats
 * it, and then it says DUP (MQTT-3.3.1-1). Without DUP it is sent for the first time: a message of a new
 * session, of which the CONNACK never told us. */
iot_err iot_mqtt_inbox_judge(const struct iot_mqtt_inbox *in, uint8_t qos, uint16_t id, bool dup,
                             struct iot_mqtt_ack *answer, bool *known)
{
    uint32_t at = qos == 2 ? find(in, id) : in->held;
    *known = at < in->sure || (at < in->held && dup);
    if (qos != 0 && !iot_mqtt_inbox_can_owe(in))
        return IOT_ERR_FULL;
    if (qos == 2 && at == in->held && in->held == IOT_MQTT_QOS2_IN_MAX)
        return IOT_ERR_MQTT_QOS2_FULL;
    answer->id = id;
    answer->type = qos == 0 ? 0 : qos == 1 ? IOT_MQTT_PUBACK : IOT_MQTT_PUBREC;
    return IOT_OK;
}

/* The broker has named the id at `i`. */
static void make_sure(struct iot_mqtt_inbox *in, uint32_t i)
{
    if (i < in->sure)
        return;
    uint16_t id = in->qos2[i];
    in->qos2[i] = in->qos2[in->sure];
    in->qos2[in->sure++] = id;
}

void iot_mqtt_inbox_take(struct iot_mqtt_inbox *in, struct iot_mqtt_ack *answer)
{
    if (answer->type == IOT_MQTT_PUBREC) {
        uint32_t i = find(in, answer->id);
        if (i == in->held) {
            IOT_ASSERT(in->held < IOT_MQTT_QOS2_IN_MAX);
            in->qos2[in->held++] = answer->id;
            if (in->held > in->held_high)
                in->held_high = in->held;
        }
        make_sure(in, i);
    }
    if (answer->type != 0)
        iot_mqtt_inbox_owe(in, answer->type, answer->id);
    answer->type = 0;
}

void iot_mqtt_inbox_settle(struct iot_mqtt_inbox *in)
{
    in->held = in->sure;
}

void iot_mqtt_inbox_release(struct iot_mqtt_inbox *in, uint16_t id)
{
    uint32_t i = find(in, id);
    if (i == in->held)
        return;
    make_sure(in, i);
    i = find(in, id);
    in->qos2[i] = in->qos2[--in->sure];
    in->qos2[in->sure] = in->qos2[--in->held];
}

void iot_mqtt_inbox_lost(struct iot_mqtt_inbox *in, bool keep)
{
    in->owed = in->sure = 0;
    in->mute = false;
    if (!keep)
        in->held = 0;
}

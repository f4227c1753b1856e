/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_held.h"

#include "core/iot_core_assert.h"
#include "core/iot_core_stats.h"

#if IOT_FEATURE_QOS2 && IOT_FEATURE_RECEIVE

/* Its place among the held ones, or their count. */
static uint32_t find(const struct iot_mqtt_inbox *in, uint16_t id)
{
    uint32_t i = 0;
    while (i < in->held.count && in->held.id[i] != id)
        i++;
    return i;
}

/* An id of the time before this connection says that the message was delivered only if the broker repeats
 * it, and then it says DUP (MQTT-3.3.1-1). Without DUP it is sent for the first time: a message of a new
 * session, of which the CONNACK never told us. */
iot_err iot_mqtt_held_judge(const struct iot_mqtt_inbox *in, uint16_t id, bool dup, bool *known)
{
    uint32_t at = find(in, id);
    *known = at < in->held.sure || (at < in->held.count && dup);
    return at == IOT_MQTT_QOS2_IN_MAX ? IOT_ERR_MQTT_QOS2_FULL : IOT_OK;
}

/* The broker has named the id at `i`: it stands among the sure ones now, last. */
static void make_sure(struct iot_mqtt_inbox *in, uint32_t i)
{
    if (i < in->held.sure)
        return;
    uint16_t id = in->held.id[i];
    in->held.id[i] = in->held.id[in->held.sure];
    in->held.id[in->held.sure++] = id;
}

void iot_mqtt_held_add(struct iot_mqtt_inbox *in, uint16_t id)
{
    uint32_t i = find(in, id);
    if (i == in->held.count) {
        IOT_ASSERT(in->held.count < IOT_MQTT_QOS2_IN_MAX);
        in->held.id[in->held.count++] = id;
        IOT_HIGH(in->held_high, in->held.count);
    }
    make_sure(in, i);
}

void iot_mqtt_held_settle(struct iot_mqtt_inbox *in)
{
    in->held.count = in->held.sure;
}

void iot_mqtt_held_release(struct iot_mqtt_inbox *in, uint16_t id)
{
    uint32_t i = find(in, id);
    if (i == in->held.count)
        return;
    make_sure(in, i);
    i = find(in, id);
    in->held.id[i] = in->held.id[--in->held.sure];
    in->held.id[in->held.sure] = in->held.id[--in->held.count];
}

#endif

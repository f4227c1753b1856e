/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_codec.h"

#include "core/iot_core_assert.h"
#include "core/iot_core_utf8.h"

#if IOT_FEATURE_RECEIVE

static uint32_t get_u16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

iot_err iot_mqtt_decode_publish(const uint8_t *body, uint32_t len, uint32_t have,
                                struct iot_mqtt_packet *p)
{
    uint32_t id_size = p->qos != 0 ? 2 : 0;

    if (len < 3 + id_size)
        return IOT_ERR_MQTT_MALFORMED;
    if (have == 0)
        return IOT_ERR_AGAIN;

    /* The high byte alone may already point beyond the packet. */
    struct iot_bytes topic = {body + 2, have >= 2 ? get_u16(body) : (uint32_t)body[0] << 8};
    if (topic.len > len - 2 - id_size)
        return IOT_ERR_MQTT_MALFORMED;
    if (have < 2)
        return IOT_ERR_AGAIN;

    have -= 2;
    if (topic.len == 0 || !iot_utf8_valid_so_far(topic, have < topic.len ? have : topic.len, "#+"))
        return IOT_ERR_MQTT_MALFORMED; /* 4.7.3-1, 1.5.3-1, 1.5.3-2, 3.3.2-2 */
    if (have < topic.len)
        return IOT_ERR_AGAIN;
    if (id_size != 0) {
        iot_err err = iot_mqtt_decode_id(topic.ptr + topic.len, have - topic.len, p);
        if (err != IOT_OK)
            return err;
    }
    p->topic = topic;
    p->head = 2 + topic.len + id_size;
    return IOT_OK;
}

/* SUBSCRIBE and UNSUBSCRIBE differ in what follows the filter: the QoS or nothing. */
static uint32_t encode_request(uint8_t *into, uint32_t cap, uint32_t first, uint16_t id,
                               struct iot_bytes filter, uint32_t tail)
{
    uint32_t len = 2 + 2 + filter.len + tail;

    IOT_ASSERT(id != 0);
    if (filter.len > IOT_MQTT_FIELD_MAX || 1 + iot_mqtt_length_size(len) + len > cap)
        return 0;
    uint8_t *at = iot_mqtt_put_u16(iot_mqtt_put_header(into, first, len), id);
    return (uint32_t)(iot_mqtt_put_field(at, filter) - into);
}

uint32_t iot_mqtt_encode_subscribe(uint8_t *into, uint32_t cap, uint16_t id,
                                   struct iot_bytes filter, uint8_t qos)
{
    IOT_ASSERT(qos <= 2);

    uint32_t n =
        encode_request(into, cap, IOT_MQTT_SUBSCRIBE << 4 | IOT_MQTT_PUBREL_FLAGS, id, filter, 1);
    if (n != 0)
        into[n++] = qos;
    return n;
}

uint32_t iot_mqtt_encode_unsubscribe(uint8_t *into, uint32_t cap, uint16_t id,
                                     struct iot_bytes filter)
{
    return encode_request(into, cap, IOT_MQTT_UNSUBSCRIBE << 4 | IOT_MQTT_PUBREL_FLAGS, id, filter,
                          0);
}

#endif

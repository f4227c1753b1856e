/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_codec.h"

#include "core/iot_core_assert.h"

#include <string.h>

enum connect_flag {
    CLEAN = 0x02,
    WILL = 0x04,
    WILL_QOS_SHIFT = 3,
    WILL_RETAIN = 0x20,
    PASSWORD = 0x40,
    USER_NAME = 0x80,
};

/* What may come after the first byte, by type. The small ones are Remaining Length itself. */
enum shape { EMPTY = 0, TWO_BYTES = 2, LONG, CLIENT_ONLY, RESERVED };

static const uint8_t shapes[16] = {
    [0] = RESERVED,
    [IOT_MQTT_CONNECT] = CLIENT_ONLY,
    [IOT_MQTT_CONNACK] = TWO_BYTES,
    [IOT_MQTT_PUBLISH] = IOT_FEATURE_RECEIVE ? LONG : CLIENT_ONLY,
    [IOT_MQTT_PUBACK] = TWO_BYTES,
    [IOT_MQTT_PUBREC] = TWO_BYTES,
    [IOT_MQTT_PUBREL] = TWO_BYTES,
    [IOT_MQTT_PUBCOMP] = TWO_BYTES,
    [IOT_MQTT_SUBSCRIBE] = CLIENT_ONLY,
    [IOT_MQTT_SUBACK] = LONG,
    [IOT_MQTT_UNSUBSCRIBE] = CLIENT_ONLY,
    [IOT_MQTT_UNSUBACK] = TWO_BYTES,
    [IOT_MQTT_PINGREQ] = CLIENT_ONLY,
    [IOT_MQTT_PINGRESP] = EMPTY,
    [IOT_MQTT_DISCONNECT] = CLIENT_ONLY,
    [15] = RESERVED,
};

/* The body decoders see `have` bytes of a body of `len`; have <= len. They return IOT_OK when what
 * they look at is there; whether the payload is complete is the caller's question. */

static iot_err decode_connack(const uint8_t *body, uint32_t have, struct iot_mqtt_packet *p)
{
    if (have >= 1 && body[0] > 1)
        return IOT_ERR_MQTT_MALFORMED;
    if (have < 2)
        return IOT_ERR_AGAIN;
    p->session_present = body[0];
    p->code = body[1];
    return p->session_present && p->code != 0 ? IOT_ERR_MQTT_MALFORMED : IOT_OK;
}

iot_err iot_mqtt_decode_id(const uint8_t *at, uint32_t have, struct iot_mqtt_packet *p)
{
    if (have < 2)
        return IOT_ERR_AGAIN;
    p->id = (uint16_t)(at[0] << 8 | at[1]);
    return p->id == 0 ? IOT_ERR_MQTT_MALFORMED : IOT_OK;
}

/* Everything that begins with an id. Only SUBACK has more: a code per filter. */
static iot_err decode_ack(const uint8_t *body, uint32_t len, uint32_t have,
                          struct iot_mqtt_packet *p)
{
    if (p->type == IOT_MQTT_SUBACK && len < 3)
        return IOT_ERR_MQTT_MALFORMED;

    iot_err err = iot_mqtt_decode_id(body, have, p);
    for (uint32_t i = 2; err == IOT_OK && i < have; i++) {
        if (body[i] > 2 && body[i] != 0x80)
            err = IOT_ERR_MQTT_MALFORMED;
    }
    return err;
}

iot_err iot_mqtt_decode(struct iot_bytes in, struct iot_mqtt_packet *p)
{
    memset(p, 0, sizeof *p);
    if (in.len == 0)
        return IOT_ERR_AGAIN;

    uint32_t flags = in.ptr[0] & 0x0fu;
    uint32_t type = in.ptr[0] >> 4;
    uint32_t shape = shapes[type];

    p->type = (uint8_t)type;
    if (shape == CLIENT_ONLY)
        return IOT_ERR_MQTT_PROTOCOL;
    if (iot_mqtt_is_message(type)) {
        p->retain = (flags & IOT_MQTT_RETAIN) != 0;
        p->qos = flags >> IOT_MQTT_QOS_SHIFT & 3;
        p->dup = (flags & IOT_MQTT_DUP) != 0;
        if (p->qos == 3 || (p->dup && p->qos == 0)) /* 3.3.1-4, 3.3.1-2 */
            return IOT_ERR_MQTT_MALFORMED;
    } else if (shape == RESERVED ||
               flags != (type == IOT_MQTT_PUBREL ? IOT_MQTT_PUBREL_FLAGS : 0)) {
        return IOT_ERR_MQTT_MALFORMED;
    }

    uint32_t len = 0;
    uint32_t head = 1; /* bytes of the fixed header */
    for (uint32_t shift = 0;; shift += 7) {
        if (head == in.len)
            return IOT_ERR_AGAIN;
        uint32_t byte = in.ptr[head++];
        if (shape <= TWO_BYTES && byte != shape)
            return IOT_ERR_MQTT_MALFORMED;
        len |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            if (byte == 0 && shift != 0) /* 3.1.1 leaves it open, MQTT 5 forbids it, so do we */
                return IOT_ERR_MQTT_MALFORMED;
            break;
        }
        if (shift == 21)
            return IOT_ERR_MQTT_MALFORMED;
    }
    p->total = head + len;

    const uint8_t *body = in.ptr + head;
    uint32_t have = in.len - head < len ? in.len - head : len;
    uint32_t payload = 2; /* where it begins; behind the id, unless this is PUBLISH */
    iot_err err = IOT_OK;

    if (iot_mqtt_is_message(type)) {
        err = iot_mqtt_decode_publish(body, len, have, p);
        if (err != IOT_OK)
            return err;
        payload = p->head;
        p->head += head;
    } else if (type == IOT_MQTT_CONNACK) {
        err = decode_connack(body, have, p);
    } else if (shape != EMPTY) {
        err = decode_ack(body, len, have, p);
    }
    if (err == IOT_OK && have < len)
        err = IOT_ERR_AGAIN;
    if (err == IOT_OK && shape == LONG)
        p->payload = (struct iot_bytes){body + payload, len - payload};
    return err;
}

uint32_t iot_mqtt_length_size(uint32_t value)
{
    return 1u + (value >= 1u << 7) + (value >= 1u << 14) + (value >= 1u << 21);
}

/* The writers below return where to go on. */

uint8_t *iot_mqtt_put_u16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    return at + 2;
}

uint8_t *iot_mqtt_put_field(uint8_t *at, struct iot_bytes text)
{
    at = iot_mqtt_put_u16(at, text.len);
    if (text.len != 0) /* ptr may be NULL */
        memcpy(at, text.ptr, text.len);
    return at + text.len;
}

uint8_t *iot_mqtt_put_header(uint8_t *at, uint32_t first, uint32_t len)
{
    *at++ = (uint8_t)first;
    for (; len >= 0x80; len >>= 7)
        *at++ = (uint8_t)(len | 0x80);
    *at++ = (uint8_t)len;
    return at;
}

static struct iot_bytes field_at(const struct iot_mqtt_connect *c, uint32_t offset)
{
    struct iot_bytes field;

    memcpy(&field, (const uint8_t *)c + offset, sizeof field);
    return field;
}

iot_err iot_mqtt_encode_connect(const struct iot_mqtt_connect *c, uint8_t *into, uint32_t cap,
                                uint32_t *len)
{
    static const uint8_t name_and_level[] = {0, 4, 'M', 'Q', 'T', 'T', 4};
    /* In the order of 3.1.3-1, with the flag that tells of each; 0: always there. */
    static const struct {
        uint8_t offset, flag;
    } fields[] = {
        {offsetof(struct iot_mqtt_connect, client_id), 0},
        {offsetof(struct iot_mqtt_connect, will_topic), WILL},
        {offsetof(struct iot_mqtt_connect, will_payload), WILL},
        {offsetof(struct iot_mqtt_connect, user_name), USER_NAME},
        {offsetof(struct iot_mqtt_connect, password), PASSWORD},
    };
    uint32_t flags = c->clean ? CLEAN : 0;
    uint32_t body = sizeof name_and_level + 1 + 2;

    IOT_ASSERT(c->will_qos <= 2);                                    /* 3.1.2-14 */
    IOT_ASSERT(c->user_name.ptr != NULL || c->password.ptr == NULL); /* 3.1.2-22 */

    if (c->will_topic.ptr != NULL)
        flags |=
            WILL | (uint32_t)c->will_qos << WILL_QOS_SHIFT | (c->will_retain ? WILL_RETAIN : 0);
    if (c->user_name.ptr != NULL)
        flags |= USER_NAME;
    if (c->password.ptr != NULL)
        flags |= PASSWORD;

    for (uint32_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if ((fields[i].flag & ~flags) != 0)
            continue;
        uint32_t n = field_at(c, fields[i].offset).len;
        if (n > IOT_MQTT_FIELD_MAX)
            return IOT_ERR_SIZE;
        body += 2 + n;
    }
    *len = 1 + iot_mqtt_length_size(body) + body;
    if (*len > cap)
        return IOT_ERR_SIZE;

    into = iot_mqtt_put_header(into, IOT_MQTT_CONNECT << 4, body);
    memcpy(into, name_and_level, sizeof name_and_level);
    into += sizeof name_and_level;
    *into++ = (uint8_t)flags;
    into = iot_mqtt_put_u16(into, c->keepalive_s);
    for (uint32_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if ((fields[i].flag & ~flags) == 0)
            into = iot_mqtt_put_field(into, field_at(c, fields[i].offset));
    }
    return IOT_OK;
}

uint32_t iot_mqtt_publish_head_size(uint32_t topic_len, uint8_t qos, uint32_t payload_len)
{
    uint32_t head = 2 + topic_len + (qos != 0 ? 2 : 0);

    return 1 + iot_mqtt_length_size(head + payload_len) + head;
}

uint32_t iot_mqtt_encode_publish_head(uint8_t *into, uint8_t flags, struct iot_bytes topic,
                                      uint16_t id, uint32_t payload_len)
{
    bool has_id = (flags >> IOT_MQTT_QOS_SHIFT & 3) != 0;
    uint32_t len = 2 + topic.len + (has_id ? 2 : 0) + payload_len;

    IOT_ASSERT(has_id == (id != 0)); /* 2.3.1-1, 2.3.1-5 */
    IOT_ASSERT(topic.len <= IOT_MQTT_FIELD_MAX && len <= IOT_MQTT_LENGTH_MAX);

    uint8_t *at = iot_mqtt_put_header(into, (uint32_t)IOT_MQTT_PUBLISH << 4 | flags, len);
    at = iot_mqtt_put_field(at, topic);
    if (has_id)
        at = iot_mqtt_put_u16(at, id);
    return (uint32_t)(at - into);
}

void iot_mqtt_encode_ack(uint8_t *into, enum iot_mqtt_type type, uint16_t id)
{
    IOT_ASSERT(id != 0);
    iot_mqtt_put_u16(into, (uint32_t)type << 12 |
                               (type == IOT_MQTT_PUBREL ? IOT_MQTT_PUBREL_FLAGS << 8 : 0) | 2);
    iot_mqtt_put_u16(into + 2, id);
}

void iot_mqtt_encode_empty(uint8_t *into, enum iot_mqtt_type type)
{
    iot_mqtt_put_u16(into, (uint32_t)type << 12);
}

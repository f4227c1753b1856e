/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_codec.h"

#include "core/iot_core_assert.h"
#include "core/iot_core_utf8.h"

#include <string.h>

#define PUBREL_FLAGS 0x02u  /* 2.2.2: also of SUBSCRIBE and UNSUBSCRIBE */
#define FIELD_MAX    65535u /* what a 16-bit length can say */

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
    [IOT_MQTT_PUBLISH] = LONG,
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

static uint32_t get_u16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

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

static iot_err decode_id(const uint8_t *at, uint32_t have, struct iot_mqtt_packet *p)
{
    if (have < 2)
        return IOT_ERR_AGAIN;
    p->id = (uint16_t)get_u16(at);
    return p->id == 0 ? IOT_ERR_MQTT_MALFORMED : IOT_OK;
}

static iot_err decode_publish(const uint8_t *body, uint32_t len, uint32_t have,
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
        iot_err err = decode_id(topic.ptr + topic.len, have - topic.len, p);
        if (err != IOT_OK)
            return err;
    }
    p->topic = topic;
    p->head = 2 + topic.len + id_size;
    return IOT_OK;
}

/* Everything that begins with an id. Only SUBACK has more: a code per filter. */
static iot_err decode_ack(const uint8_t *body, uint32_t len, uint32_t have,
                          struct iot_mqtt_packet *p)
{
    if (p->type == IOT_MQTT_SUBACK && len < 3)
        return IOT_ERR_MQTT_MALFORMED;

    iot_err err = decode_id(body, have, p);
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
    if (type == IOT_MQTT_PUBLISH) {
        p->retain = (flags & IOT_MQTT_RETAIN) != 0;
        p->qos = flags >> IOT_MQTT_QOS_SHIFT & 3;
        p->dup = (flags & IOT_MQTT_DUP) != 0;
        if (p->qos == 3 || (p->dup && p->qos == 0)) /* 3.3.1-4, 3.3.1-2 */
            return IOT_ERR_MQTT_MALFORMED;
    } else if (shape == RESERVED || flags != (type == IOT_MQTT_PUBREL ? PUBREL_FLAGS : 0)) {
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

    if (type == IOT_MQTT_PUBLISH) {
        err = decode_publish(body, len, have, p);
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

static uint8_t *put_u16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    return at + 2;
}

static uint8_t *put_field(uint8_t *at, struct iot_bytes text)
{
    at = put_u16(at, text.len);
    if (text.len != 0) /* ptr may be NULL */
        memcpy(at, text.ptr, text.len);
    return at + text.len;
}

static uint8_t *put_fixed_header(uint8_t *at, uint32_t first, uint32_t len)
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
        if (n > FIELD_MAX)
            return IOT_ERR_SIZE;
        body += 2 + n;
    }
    *len = 1 + iot_mqtt_length_size(body) + body;
    if (*len > cap)
        return IOT_ERR_SIZE;

    into = put_fixed_header(into, IOT_MQTT_CONNECT << 4, body);
    memcpy(into, name_and_level, sizeof name_and_level);
    into += sizeof name_and_level;
    *into++ = (uint8_t)flags;
    into = put_u16(into, c->keepalive_s);
    for (uint32_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if ((fields[i].flag & ~flags) == 0)
            into = put_field(into, field_at(c, fields[i].offset));
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
    IOT_ASSERT(topic.len <= FIELD_MAX && len <= IOT_MQTT_LENGTH_MAX);

    uint8_t *at = put_fixed_header(into, (uint32_t)IOT_MQTT_PUBLISH << 4 | flags, len);
    at = put_field(at, topic);
    if (has_id)
        at = put_u16(at, id);
    return (uint32_t)(at - into);
}

void iot_mqtt_encode_ack(uint8_t *into, enum iot_mqtt_type type, uint16_t id)
{
    IOT_ASSERT(id != 0);
    put_u16(into, (uint32_t)type << 12 | (type == IOT_MQTT_PUBREL ? PUBREL_FLAGS << 8 : 0) | 2);
    put_u16(into + 2, id);
}

/* SUBSCRIBE and UNSUBSCRIBE differ in what follows the filter: the QoS or nothing. */
static uint32_t encode_request(uint8_t *into, uint32_t cap, uint32_t first, uint16_t id,
                               struct iot_bytes filter, uint32_t tail)
{
    uint32_t len = 2 + 2 + filter.len + tail;

    IOT_ASSERT(id != 0);
    if (filter.len > FIELD_MAX || 1 + iot_mqtt_length_size(len) + len > cap)
        return 0;
    uint8_t *at = put_u16(put_fixed_header(into, first, len), id);
    return (uint32_t)(put_field(at, filter) - into);
}

uint32_t iot_mqtt_encode_subscribe(uint8_t *into, uint32_t cap, uint16_t id,
                                   struct iot_bytes filter, uint8_t qos)
{
    IOT_ASSERT(qos <= 2);

    uint32_t n = encode_request(into, cap, IOT_MQTT_SUBSCRIBE << 4 | PUBREL_FLAGS, id, filter, 1);
    if (n != 0)
        into[n++] = qos;
    return n;
}

uint32_t iot_mqtt_encode_unsubscribe(uint8_t *into, uint32_t cap, uint16_t id,
                                     struct iot_bytes filter)
{
    return encode_request(into, cap, IOT_MQTT_UNSUBSCRIBE << 4 | PUBREL_FLAGS, id, filter, 0);
}

void iot_mqtt_encode_empty(uint8_t *into, enum iot_mqtt_type type)
{
    put_u16(into, (uint32_t)type << 12);
}

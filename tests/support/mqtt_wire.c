/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt_wire.h"

#include "test.h"

void wire_clear(struct wire *w)
{
    w->len = 0;
}

void wire_put(struct wire *w, const void *bytes, uint32_t n)
{
    if (n > WIRE_MAX - w->len)
        fail_msg("wire: full");
    if (n != 0)
        memcpy(w->bytes + w->len, bytes, n);
    w->len += n;
}

static void put_u8(struct wire *w, uint32_t value)
{
    uint8_t byte = (uint8_t)value;
    wire_put(w, &byte, 1);
}

static void put_u16(struct wire *w, uint32_t value)
{
    put_u8(w, value >> 8);
    put_u8(w, value & 0xff);
}

static void put_header(struct wire *w, uint8_t first, uint32_t len)
{
    put_u8(w, first);
    do {
        put_u8(w, (len % 128) | (len >= 128 ? 0x80u : 0));
        len /= 128;
    } while (len != 0);
}

void wire_hex(struct wire *w, const char *hex)
{
    w->len += from_hex(hex, w->bytes + w->len, WIRE_MAX - w->len);
}

struct iot_bytes wire_bytes(const struct wire *w)
{
    return (struct iot_bytes){w->bytes, w->len};
}

void wire_connack(struct wire *w, uint8_t session_present, uint8_t code)
{
    put_header(w, 0x20, 2);
    put_u8(w, session_present);
    put_u8(w, code);
}

static void publish_head(struct wire *w, uint8_t flags, const char *topic, uint16_t id, uint32_t n)
{
    uint32_t topic_len = (uint32_t)strlen(topic);
    bool has_id = (flags & 6) != 0;
    put_header(w, (uint8_t)(0x30 | flags), 2 + topic_len + (has_id ? 2 : 0) + n);
    put_u16(w, topic_len);
    wire_put(w, topic, topic_len);
    if (has_id)
        put_u16(w, id);
}

void wire_publish(struct wire *w, uint8_t flags, const char *topic, uint16_t id,
                  const void *payload, uint32_t n)
{
    publish_head(w, flags, topic, id, n);
    wire_put(w, payload, n);
}

void wire_publish_filled(struct wire *w, uint8_t flags, const char *topic, uint16_t id,
                         uint8_t fill, uint32_t n)
{
    publish_head(w, flags, topic, id, n);
    while (n-- != 0)
        put_u8(w, fill);
}

void wire_ack(struct wire *w, uint8_t first, uint16_t id)
{
    put_header(w, first, 2);
    put_u16(w, id);
}

void wire_suback(struct wire *w, uint16_t id, uint8_t code)
{
    put_header(w, 0x90, 3);
    put_u16(w, id);
    put_u8(w, code);
}

void wire_pingresp(struct wire *w)
{
    put_header(w, 0xd0, 0);
}

static uint32_t u16_at(struct iot_bytes b, uint32_t at)
{
    if (b.len < 2 || at > b.len - 2)
        fail_msg("client's packet is too short");
    return (uint32_t)(b.ptr[at] << 8 | b.ptr[at + 1]);
}

static struct iot_bytes text_at(struct iot_bytes b, uint32_t at)
{
    uint32_t n = u16_at(b, at);
    if (n > b.len - at - 2)
        fail_msg("client's text is longer than its packet");
    return (struct iot_bytes){b.ptr + at + 2, n};
}

static struct iot_bytes from(struct iot_bytes b, uint32_t at)
{
    return (struct iot_bytes){b.ptr + at, b.len - at};
}

static void split_publish(struct iot_bytes body, struct wire_packet *p)
{
    uint32_t qos = p->flags >> 1 & 3u;
    p->topic = text_at(body, 0);
    uint32_t at = 2 + p->topic.len;
    assert_true(p->topic.len != 0);
    assert_true(qos <= 2);
    if (qos == 0)
        assert_int_equal(p->flags & 8, 0); /* MQTT-3.3.1-2 */
    if (qos != 0) {
        p->id = (uint16_t)u16_at(body, at);
        assert_int_not_equal(p->id, 0);
        at += 2;
    }
    p->payload = from(body, at);
}

static void split(struct iot_bytes body, struct wire_packet *p)
{
    switch (p->type) {
    case 1: /* CONNECT */
        assert_int_equal(p->flags, 0);
        break;
    case 3:
        split_publish(body, p);
        break;
    case 4: /* PUBACK, PUBREC, PUBREL, PUBCOMP */
    case 5:
    case 6:
    case 7:
        assert_int_equal(p->flags, p->type == 6 ? 2 : 0);
        assert_int_equal(body.len, 2);
        p->id = (uint16_t)u16_at(body, 0);
        assert_int_not_equal(p->id, 0);
        break;
    case 8: /* SUBSCRIBE, UNSUBSCRIBE */
    case 10:
        assert_int_equal(p->flags, 2);
        p->id = (uint16_t)u16_at(body, 0);
        assert_int_not_equal(p->id, 0);
        p->topic = text_at(body, 2);
        p->payload = from(body, 4 + p->topic.len);
        assert_int_equal(p->payload.len, p->type == 8 ? 1 : 0);
        break;
    case 12: /* PINGREQ, DISCONNECT */
    case 14:
        assert_int_equal(p->flags, 0);
        assert_int_equal(body.len, 0);
        break;
    default:
        fail_msg("no client sends packets of type %u", p->type);
    }
}

bool wire_next(struct iot_bytes *rest, struct wire_packet *p)
{
    uint32_t len = 0;
    uint32_t at = 1;

    memset(p, 0, sizeof *p);
    for (uint32_t shift = 0;; shift += 7) {
        if (at >= rest->len)
            return false;
        assert_true(shift <= 21);
        len |= (rest->ptr[at] & 0x7fu) << shift;
        if ((rest->ptr[at++] & 0x80) == 0)
            break;
    }
    if (rest->len - at < len)
        return false;
    p->type = rest->ptr[0] >> 4;
    p->flags = rest->ptr[0] & 15;
    p->whole = (struct iot_bytes){rest->ptr, at + len};
    split((struct iot_bytes){rest->ptr + at, len}, p);
    *rest = from(*rest, at + len);
    return true;
}

const char *wire_words(struct iot_bytes sent)
{
    static const char *const names[] = {"?",         "CONNECT",  "CONNACK",     "PUBLISH",
                                        "PUBACK",    "PUBREC",   "PUBREL",      "PUBCOMP",
                                        "SUBSCRIBE", "SUBACK",   "UNSUBSCRIBE", "UNSUBACK",
                                        "PINGREQ",   "PINGRESP", "DISCONNECT"};
    static char text[8192];
    struct wire_packet p;
    size_t at = 0;

    text[0] = '\0';
    while (wire_next(&sent, &p)) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s%s", at != 0 ? " " : "",
                               names[p.type], p.type == 3 && (p.flags & 8) ? "+DUP" : "");
        if (p.id != 0)
            at += (size_t)snprintf(text + at, sizeof text - at, "(%u)", p.id);
        if (at > sizeof text - 64)
            fail_msg("wire_words: too many packets");
    }
    if (sent.len != 0)
        snprintf(text + at, sizeof text - at, "%s...", at != 0 ? " " : "");
    return text;
}

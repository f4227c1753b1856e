/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_mqtt.h"

#include <stdlib.h>
#include <string.h>

/* ---- Bytes that grow -------------------------------------------------------------------------- */

void world_bytes_put(struct world_bytes *b, const void *bytes, uint32_t n)
{
    if (b->at != 0 && n > b->cap - b->len) { /* what is gone makes room */
        memmove(b->ptr, b->ptr + b->at, b->len - b->at);
        b->len -= b->at;
        b->at = 0;
    }
    if (n > b->cap - b->len) {
        uint32_t cap = b->cap < 256 ? 256 : b->cap;
        while (cap - b->len < n)
            cap *= 2;
        b->ptr = realloc(b->ptr, cap);
        if (b->ptr == NULL)
            abort();
        b->cap = cap;
    }
    if (n != 0)
        memcpy(b->ptr + b->len, bytes, n);
    b->len += n;
}

void world_bytes_drop(struct world_bytes *b, uint32_t n)
{
    b->at += n;
    if (b->at == b->len)
        b->at = b->len = 0;
}

struct iot_bytes world_bytes_left(const struct world_bytes *b)
{
    return (struct iot_bytes){b->len == b->at ? NULL : b->ptr + b->at, b->len - b->at};
}

void world_bytes_free(struct world_bytes *b)
{
    free(b->ptr);
    memset(b, 0, sizeof *b);
}

/* ---- Texts ------------------------------------------------------------------------------------ */

/* One character at a time, by its value: RFC 3629, and no NUL (1.5.3-1, -2). */
static bool is_text(struct iot_bytes t)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};

    for (uint32_t at = 0; at < t.len;) {
        uint32_t c = t.ptr[at++], more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
        if ((c >= 0x80 && c < 0xc0) || c >= 0xf8 || more > t.len - at)
            return false;
        c &= more == 0 ? 0x7fu : 0x3fu >> more;
        for (uint32_t i = 0; i < more; i++, at++) {
            if ((t.ptr[at] & 0xc0) != 0x80)
                return false;
            c = c << 6 | (t.ptr[at] & 0x3fu);
        }
        if (c == 0 || c < least[more] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
            return false;
    }
    return true;
}

static bool has(struct iot_bytes t, char c)
{
    return t.len != 0 && memchr(t.ptr, c, t.len) != NULL;
}

static bool is_name(struct iot_bytes t)
{
    return t.len != 0 && is_text(t) && !has(t, '+') && !has(t, '#');
}

static bool is_filter(struct iot_bytes t)
{
    if (t.len == 0 || !is_text(t))
        return false;
    for (uint32_t i = 0; i < t.len; i++) {
        bool alone = (i == 0 || t.ptr[i - 1] == '/') && (i + 1 == t.len || t.ptr[i + 1] == '/');
        if ((t.ptr[i] == '+' || t.ptr[i] == '#') && !alone)
            return false; /* 4.7.1-2, -3 */
        if (t.ptr[i] == '#' && i + 1 != t.len)
            return false;
    }
    return true;
}

bool world_mqtt_match(const char *filter, const char *name)
{
    if (*name == '$' && *filter != '$')
        return false; /* 4.7.2-1 */
    for (;;) {
        if (*filter == '#')
            return true;
        if (*filter == '+') {
            filter++;
            name += strcspn(name, "/");
        } else {
            while (*filter != 0 && *filter != '/' && *filter == *name) {
                filter++;
                name++;
            }
        }
        /* both stand at the end of a level, or they differ */
        if (*name == 0 && (*filter == 0 || strcmp(filter, "/#") == 0))
            return true;
        if (*filter != '/' || *name != '/')
            return false;
        filter++;
        name++;
    }
}

/* ---- Reading ---------------------------------------------------------------------------------- */

static enum world_mqtt_said bad(const char **why, const char *what)
{
    *why = what;
    return WORLD_MQTT_BAD;
}

static bool take_u8(struct iot_bytes *in, uint8_t *value)
{
    if (in->len < 1)
        return false;
    *value = in->ptr[0];
    *in = (struct iot_bytes){in->ptr + 1, in->len - 1};
    return true;
}

static bool take_u16(struct iot_bytes *in, uint16_t *value)
{
    if (in->len < 2)
        return false;
    *value = (uint16_t)(in->ptr[0] << 8 | in->ptr[1]);
    *in = (struct iot_bytes){in->ptr + 2, in->len - 2};
    return true;
}

static bool take_slice(struct iot_bytes *in, struct iot_bytes *slice)
{
    uint16_t n;

    if (!take_u16(in, &n) || n > in->len)
        return false;
    *slice = (struct iot_bytes){in->ptr, n};
    *in = (struct iot_bytes){in->ptr + n, in->len - n};
    return true;
}

static enum world_mqtt_said read_connect(struct iot_bytes in, struct world_mqtt_connect *c,
                                         const char **why)
{
    struct iot_bytes name;
    uint8_t flags;

    if (!take_slice(&in, &name) || name.len != 4 || memcmp(name.ptr, "MQTT", 4) != 0)
        return bad(why, "3.1.2-1: the protocol's name is not MQTT");
    if (!take_u8(&in, &c->level))
        return bad(why, "3.1.2.2: no protocol level");
    if (c->level != 4)
        return WORLD_MQTT_OK;
    if (!take_u8(&in, &flags) || !take_u16(&in, &c->keepalive_s))
        return bad(why, "3.1.2: CONNECT ends within its header");
    if (flags & 1)
        return bad(why, "3.1.2-3: the reserved flag of CONNECT is set");
    c->clean = (flags & 2) != 0;
    bool will = (flags & 4) != 0;
    c->will_qos = flags >> 3 & 3;
    c->will_retain = (flags & 0x20) != 0;
    if (c->will_qos == 3 || (!will && (c->will_qos != 0 || c->will_retain)))
        return bad(why, "3.1.2-11..15: flags of the will contradict each other");
    if ((flags & 0xc0) == 0x40)
        return bad(why, "3.1.2-22: a password without user name");
    if (!take_slice(&in, &c->client_id) || !is_text(c->client_id))
        return bad(why, "3.1.3-3, -4: no client id, or one that is not UTF-8");
    if (will && (!take_slice(&in, &c->will_topic) || !is_name(c->will_topic) ||
                 !take_slice(&in, &c->will_payload)))
        return bad(why, "3.1.3-10: the will's topic or payload is missing or ill-formed");
    if ((flags & 0x80) && (!take_slice(&in, &c->user_name) || !is_text(c->user_name)))
        return bad(why, "3.1.3-11: the user name is missing or not UTF-8");
    if ((flags & 0x40) && !take_slice(&in, &c->password))
        return bad(why, "3.1.3.5: the password is missing");
    if (in.len != 0)
        return bad(why, "3.1.3-1: more than its flags say is in CONNECT");
    return WORLD_MQTT_OK;
}

static enum world_mqtt_said read_publish(struct iot_bytes in, struct world_mqtt_packet *p,
                                         const char **why)
{
    p->qos = p->flags >> 1 & 3;
    if (p->qos == 3)
        return bad(why, "3.3.1-4: QoS 3");
    if (p->qos == 0 && (p->flags & 8))
        return bad(why, "3.3.1-2: DUP with QoS 0");
    if (!take_slice(&in, &p->topic) || !is_name(p->topic))
        return bad(why, "3.3.2-1, -2: the topic is missing, ill-formed or has a wildcard");
    if (p->qos != 0 && (!take_u16(&in, &p->id) || p->id == 0))
        return bad(why, "2.3.1-1: PUBLISH without id");
    p->body = in;
    return WORLD_MQTT_OK;
}

static enum world_mqtt_said read_filters(struct iot_bytes in, struct world_mqtt_packet *p,
                                         const char **why)
{
    struct iot_bytes filter;
    uint8_t qos = 0;

    if (!take_u16(&in, &p->id) || p->id == 0)
        return bad(why, "2.3.1-1: SUBSCRIBE or UNSUBSCRIBE without id");
    p->body = in;
    if (in.len == 0)
        return bad(why, "3.8.3-3, 3.10.3-2: no filter");
    while (in.len != 0) {
        if (!take_slice(&in, &filter) || !is_filter(filter))
            return bad(why, "3.8.3-1, 4.7.1: not a filter");
        if (p->type == WORLD_MQTT_SUBSCRIBE && (!take_u8(&in, &qos) || qos > 2))
            return bad(why, "3.8.3-4: no QoS, or a wrong one, with a filter");
    }
    return WORLD_MQTT_OK;
}

/* The Remaining Length: 1 read, 0 incomplete, -1 wrong. */
static int read_length(struct iot_bytes in, uint32_t *length, uint32_t *head)
{
    *length = 0;
    for (uint32_t i = 1; i <= 4; i++) {
        if (i >= in.len)
            return 0;
        *length |= (uint32_t)(in.ptr[i] & 0x7f) << (7 * (i - 1));
        if (!(in.ptr[i] & 0x80)) {
            *head = i + 1;
            return 1;
        }
    }
    return -1;
}

enum world_mqtt_said world_mqtt_read(struct iot_bytes in, uint32_t max, struct world_mqtt_packet *p,
                                     const char **why)
{
    uint32_t length, head;

    memset(p, 0, sizeof *p);
    if (in.len == 0)
        return WORLD_MQTT_MORE;
    p->type = in.ptr[0] >> 4;
    p->flags = in.ptr[0] & 15;
    bool two = p->type == WORLD_MQTT_PUBREL || p->type == WORLD_MQTT_SUBSCRIBE ||
               p->type == WORLD_MQTT_UNSUBSCRIBE;
    if (p->type == 0 || p->type == 15 || p->type == WORLD_MQTT_CONNACK ||
        p->type == WORLD_MQTT_SUBACK || p->type == WORLD_MQTT_UNSUBACK ||
        p->type == WORLD_MQTT_PINGRESP)
        return bad(why, "2.2.1: no client sends a packet of this type");
    if (p->type != WORLD_MQTT_PUBLISH && p->flags != (two ? 2 : 0))
        return bad(why, "2.2.2-1: reserved flags");
    int known = read_length(in, &length, &head);
    if (known < 0)
        return bad(why, "2.2.3: a Remaining Length of five bytes");
    if (known == 0)
        return WORLD_MQTT_MORE;
    if (length > max)
        return bad(why, "larger than this broker takes");
    if (in.len - head < length)
        return WORLD_MQTT_MORE;
    p->total = head + length;
    struct iot_bytes body = {in.ptr + head, length};
    switch ((enum world_mqtt_type)p->type) {
    case WORLD_MQTT_CONNECT:
        return read_connect(body, &p->connect, why);
    case WORLD_MQTT_PUBLISH:
        return read_publish(body, p, why);
    case WORLD_MQTT_SUBSCRIBE:
    case WORLD_MQTT_UNSUBSCRIBE:
        return read_filters(body, p, why);
    case WORLD_MQTT_PUBACK:
    case WORLD_MQTT_PUBREC:
    case WORLD_MQTT_PUBREL:
    case WORLD_MQTT_PUBCOMP:
        if (length != 2 || !take_u16(&body, &p->id) || p->id == 0)
            return bad(why, "2.3.1, 3.4.2: an acknowledgement without id, or with more than that");
        return WORLD_MQTT_OK;
    case WORLD_MQTT_PINGREQ:
    case WORLD_MQTT_DISCONNECT:
        return length == 0 ? WORLD_MQTT_OK : bad(why, "3.12, 3.14: there is something in it");
    case WORLD_MQTT_CONNACK:
    case WORLD_MQTT_SUBACK:
    case WORLD_MQTT_UNSUBACK:
    case WORLD_MQTT_PINGRESP:
        break;
    }
    return bad(why, "2.2.1: no client sends a packet of this type");
}

bool world_mqtt_filter(struct iot_bytes *body, struct iot_bytes *filter, uint8_t *qos)
{
    return take_slice(body, filter) && (qos == NULL || take_u8(body, qos));
}

/* ---- Writing ---------------------------------------------------------------------------------- */

static void put_u8(struct world_bytes *b, uint32_t value)
{
    uint8_t byte = (uint8_t)value;

    world_bytes_put(b, &byte, 1);
}

static void put_u16(struct world_bytes *b, uint32_t value)
{
    put_u8(b, value >> 8);
    put_u8(b, value);
}

static void put_head(struct world_bytes *b, uint32_t first, uint32_t length)
{
    put_u8(b, first);
    for (; length >= 128; length /= 128)
        put_u8(b, (length & 0x7f) | 0x80);
    put_u8(b, length);
}

void world_mqtt_connack(struct world_bytes *b, uint8_t flags, uint8_t code)
{
    put_head(b, WORLD_MQTT_CONNACK << 4, 2);
    put_u8(b, flags);
    put_u8(b, code);
}

void world_mqtt_publish(struct world_bytes *b, uint8_t flags, const char *topic, uint16_t id,
                        struct iot_bytes payload)
{
    uint32_t topic_len = (uint32_t)strlen(topic);
    bool with_id = (flags & 6) != 0;

    put_head(b, WORLD_MQTT_PUBLISH << 4 | flags, 2 + topic_len + (with_id ? 2 : 0) + payload.len);
    put_u16(b, topic_len);
    world_bytes_put(b, topic, topic_len);
    if (with_id)
        put_u16(b, id);
    world_bytes_put(b, payload.ptr, payload.len);
}

void world_mqtt_ack(struct world_bytes *b, enum world_mqtt_type type, uint16_t id)
{
    put_head(b, (uint32_t)type << 4 | (type == WORLD_MQTT_PUBREL ? 2 : 0), 2);
    put_u16(b, id);
}

void world_mqtt_suback(struct world_bytes *b, uint16_t id, const uint8_t *codes, uint32_t count)
{
    put_head(b, WORLD_MQTT_SUBACK << 4, 2 + count);
    put_u16(b, id);
    world_bytes_put(b, codes, count);
}

void world_mqtt_pingresp(struct world_bytes *b)
{
    put_head(b, WORLD_MQTT_PINGRESP << 4, 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_packet.h"

#include "world/world_serial.h"

#include <string.h>

enum reader_place { AT_FIRST, AT_LENGTH, AT_BODY, AT_GARBLED };

/* ---- Framing ----------------------------------------------------------------------------- */

void world_reader_reset(struct world_reader *r)
{
    r->place = AT_FIRST;
    r->first = r->length_bytes = 0;
    r->length = r->seen = 0;
}

static enum world_reader_said take_length(struct world_reader *r, uint8_t byte)
{
    r->length |= (byte & 0x7fu) << 7 * r->length_bytes;
    r->length_bytes++;
    if (byte & 0x80) {
        if (r->length_bytes < 4)
            return WORLD_READ_MORE;
        r->place = AT_GARBLED;
        return WORLD_READ_GARBLED;
    }
    r->place = r->length == 0 ? AT_FIRST : AT_BODY;
    return r->length == 0 ? WORLD_READ_PACKET : WORLD_READ_MORE;
}

static enum world_reader_said take_body(struct world_reader *r, struct iot_bytes *in)
{
    uint32_t n = r->length - r->seen;
    if (n > in->len)
        n = in->len;
    if (r->seen < WORLD_PACKET_KEPT) {
        uint32_t keep = WORLD_PACKET_KEPT - r->seen;
        memcpy(r->kept + r->seen, in->ptr, keep < n ? keep : n);
    }
    r->seen += n;
    in->ptr += n;
    in->len -= n;
    if (r->seen < r->length)
        return WORLD_READ_MORE;
    r->place = AT_FIRST;
    return WORLD_READ_PACKET;
}

enum world_reader_said world_reader_take(struct world_reader *r, struct iot_bytes *in)
{
    while (in->len != 0) {
        enum world_reader_said said = WORLD_READ_MORE;
        switch ((enum reader_place)r->place) {
        case AT_FIRST:
            world_reader_reset(r);
            r->first = *in->ptr++;
            in->len--;
            r->place = AT_LENGTH;
            return WORLD_READ_BEGIN;
        case AT_LENGTH:
            in->len--;
            said = take_length(r, *in->ptr++);
            break;
        case AT_BODY:
            said = take_body(r, in);
            break;
        case AT_GARBLED:
            in->len = 0;
            break;
        }
        if (said != WORLD_READ_MORE)
            return said;
    }
    return WORLD_READ_MORE;
}

/* ---- Fields ------------------------------------------------------------------------------ */

/* What is left of a body; `bad` once something was not there. */
struct cursor {
    struct iot_bytes left;
    bool bad;
};

static struct iot_bytes take(struct cursor *c, uint32_t n)
{
    struct iot_bytes got = {c->left.ptr, n};
    if (n > c->left.len) {
        c->bad = true;
        got.len = 0;
        return got;
    }
    c->left.ptr += n;
    c->left.len -= n;
    return got;
}

static uint32_t take_u8(struct cursor *c)
{
    struct iot_bytes b = take(c, 1);
    return c->bad ? 0 : b.ptr[0];
}

static uint32_t take_u16(struct cursor *c)
{
    struct iot_bytes b = take(c, 2);
    return c->bad ? 0 : (uint32_t)(b.ptr[0] << 8 | b.ptr[1]);
}

static struct iot_bytes take_text(struct cursor *c)
{
    return take(c, take_u16(c));
}

/* Length of the well-formed UTF-8 sequence at the start; 0: it is none (RFC 3629, table 3-7 of Unicode). */
static uint32_t utf8_length(const uint8_t *p, uint32_t n)
{
    uint8_t low = 0x80, high = 0xbf;
    uint32_t want = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (want == 0 || p[0] > 0xf4 || want > n)
        return 0;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed) /* surrogates */
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    for (uint32_t i = 1; i < want; i++) {
        if (p[i] < low || p[i] > high)
            return 0;
        low = 0x80;
        high = 0xbf;
    }
    return want;
}

static const char *judge_text(struct iot_bytes t)
{
    for (uint32_t i = 0; i < t.len;) {
        uint32_t n = utf8_length(t.ptr + i, t.len - i);
        if (n == 0)
            return "MQTT-1.5.3-1: ill-formed UTF-8";
        if (t.ptr[i] == 0)
            return "MQTT-1.5.3-2: U+0000 in a text";
        i += n;
    }
    return NULL;
}

static const char *judge_name(struct iot_bytes t)
{
    if (t.len == 0)
        return "MQTT-4.7.3-1: an empty topic name";
    if (memchr(t.ptr, '+', t.len) != NULL || memchr(t.ptr, '#', t.len) != NULL)
        return "MQTT-3.3.2-2: a wildcard in a topic name";
    return judge_text(t);
}

static const char *judge_filter(struct iot_bytes t)
{
    if (t.len == 0)
        return "MQTT-4.7.3-1: an empty topic filter";
    for (uint32_t i = 0; i < t.len; i++) {
        bool first = i == 0 || t.ptr[i - 1] == '/';
        bool last = i + 1 == t.len || t.ptr[i + 1] == '/';
        if (t.ptr[i] == '#' && (!first || i + 1 != t.len))
            return "MQTT-4.7.1-2: # not alone in the last level";
        if (t.ptr[i] == '+' && (!first || !last))
            return "MQTT-4.7.1-3: + not alone in its level";
    }
    return judge_text(t);
}

/* ---- A client's packets ------------------------------------------------------------------ */

static const char *const too_short = "a packet shorter than its fields";
static const char *const too_long = "bytes behind the last field";

static const char *judge_connect(struct cursor c, struct world_packet *p)
{
    struct iot_bytes name = take_text(&c);
    if (c.bad || name.len != 4 || memcmp(name.ptr, "MQTT", 4) != 0)
        return "MQTT-3.1.2-1: the protocol name is not MQTT";
    if (take_u8(&c) != 4)
        return "MQTT-3.1.2-2: the protocol level is not 4";
    uint32_t flags = take_u8(&c);
    bool will = (flags & 4) != 0, user = (flags & 128) != 0, password = (flags & 64) != 0;
    p->clean = (flags & 2) != 0;
    p->keepalive_s = (uint16_t)take_u16(&c);
    if (flags & 1)
        return "MQTT-3.1.2-3: the reserved flag of CONNECT is set";
    if (!will && (flags & 0x38) != 0)
        return "MQTT-3.1.2-11: will QoS or will retain without a will";
    if ((flags & 0x18) == 0x18)
        return "MQTT-3.1.2-14: will QoS 3";
    if (!user && password)
        return "MQTT-3.1.2-22: a password without a user name";

    struct iot_bytes id = take_text(&c);
    const char *bad = judge_text(id);
    if (!c.bad && bad == NULL && id.len == 0 && !p->clean)
        bad = "MQTT-3.1.3-7: an empty client id, and the session is not clean";
    if (bad == NULL && will) {
        bad = judge_name(take_text(&c));
        take_text(&c);
    }
    if (bad == NULL && user)
        bad = judge_text(take_text(&c));
    if (password)
        take_text(&c);
    if (c.bad)
        return too_short;
    return bad == NULL && c.left.len != 0 ? too_long : bad;
}

/* Finds topic, id and serial. */
static const char *split_publish(struct cursor c, struct world_packet *p, struct iot_bytes *topic)
{
    p->qos = p->flags >> 1 & 3;
    p->dup = (p->flags & 8) != 0;
    *topic = take_text(&c);
    if (p->qos != 0)
        p->id = (uint16_t)take_u16(&c);
    if (c.bad)
        return too_short;
    p->serial = world_serial_decode(c.left);
    if (p->qos == 3)
        return "MQTT-3.3.1-4: QoS 3";
    if (p->qos == 0 && p->dup)
        return "MQTT-3.3.1-2: DUP with QoS 0";
    if (p->qos != 0 && p->id == 0)
        return "MQTT-2.3.1-1: packet id 0";
    return NULL;
}

static const char *judge_subscribe(struct cursor c, struct world_packet *p)
{
    bool sub = p->type == WORLD_SUBSCRIBE;
    p->id = (uint16_t)take_u16(&c);
    if (!c.bad && p->id == 0)
        return "MQTT-2.3.1-1: packet id 0";
    if (!c.bad && c.left.len == 0)
        return sub ? "MQTT-3.8.3-3: SUBSCRIBE without a filter"
                   : "MQTT-3.10.3-2: UNSUBSCRIBE without a filter";
    while (!c.bad && c.left.len != 0) {
        struct iot_bytes filter = take_text(&c);
        const char *bad = c.bad ? NULL : judge_filter(filter);
        if (bad != NULL)
            return bad;
        if (sub && take_u8(&c) > 2)
            return "MQTT-3.8.3-4: more than a QoS in the QoS byte";
    }
    return c.bad ? too_short : NULL;
}

static uint8_t flags_of(uint8_t type)
{
    return type == WORLD_PUBREL || type == WORLD_SUBSCRIBE || type == WORLD_UNSUBSCRIBE ? 2 : 0;
}

static struct cursor begin(const struct world_reader *r, struct world_packet *p)
{
    memset(p, 0, sizeof *p);
    p->type = r->first >> 4;
    p->flags = r->first & 15;
    p->bytes = 1u + r->length_bytes + r->length;
    p->body.ptr = r->kept;
    p->body.len = r->seen < WORLD_PACKET_KEPT ? r->seen : WORLD_PACKET_KEPT;
    struct cursor c = {p->body, false};
    return c;
}

static const char *judge_fields(struct cursor c, struct world_packet *p)
{
    struct iot_bytes topic;
    const char *bad;

    switch (p->type) {
    case WORLD_CONNECT:
        return judge_connect(c, p);
    case WORLD_PUBLISH:
        bad = split_publish(c, p, &topic);
        return bad != NULL ? bad : judge_name(topic);
    case WORLD_PUBACK:
    case WORLD_PUBREC:
    case WORLD_PUBREL:
    case WORLD_PUBCOMP:
        p->id = (uint16_t)take_u16(&c);
        if (c.bad)
            return too_short;
        if (c.left.len != 0)
            return too_long;
        return p->id == 0 ? "MQTT-2.3.1-6: an acknowledgement of packet id 0" : NULL;
    case WORLD_SUBSCRIBE:
    case WORLD_UNSUBSCRIBE:
        return judge_subscribe(c, p);
    case WORLD_PINGREQ:
    case WORLD_DISCONNECT:
        return c.left.len != 0 ? too_long : NULL;
    default:
        return "(2.2.1): a type that no client may send";
    }
}

const char *world_packet_judge(const struct world_reader *r, struct world_packet *p)
{
    struct cursor c = begin(r, p);
    if (p->type != WORLD_PUBLISH && p->flags != flags_of(p->type))
        return "MQTT-2.2.2-1: reserved flags";
    if (r->length_bytes > 1 && r->length >> 7 * (r->length_bytes - 1) == 0)
        return "(2.2.3): a needlessly long Remaining Length";
    if (p->type != WORLD_PUBLISH && r->length > WORLD_PACKET_KEPT)
        return "a packet longer than this linter can judge";

    const char *bad = judge_fields(c, p);
    /* What was not kept of a PUBLISH is payload, or should be. */
    if (bad == too_short && p->type == WORLD_PUBLISH && r->length > WORLD_PACKET_KEPT)
        return "a topic longer than this linter can judge";
    return bad;
}

/* ---- A server's packets, torn packets ---------------------------------------------------- */

const char *world_packet_name(uint8_t type)
{
    static const char *const names[] = {"?",         "CONNECT",  "CONNACK",     "PUBLISH",
                                        "PUBACK",    "PUBREC",   "PUBREL",      "PUBCOMP",
                                        "SUBSCRIBE", "SUBACK",   "UNSUBSCRIBE", "UNSUBACK",
                                        "PINGREQ",   "PINGRESP", "DISCONNECT",  "?"};
    return names[type & 15];
}

bool world_packet_split(const struct world_reader *r, struct world_packet *p)
{
    struct cursor c = begin(r, p);
    struct iot_bytes topic;

    if (p->type != WORLD_PUBLISH && p->flags != flags_of(p->type))
        return false;
    switch (p->type) {
    case WORLD_CONNACK:
        p->session_present = (take_u8(&c) & 1) != 0;
        p->code = (uint8_t)take_u8(&c);
        return !c.bad && c.left.len == 0;
    case WORLD_PUBLISH:
        return split_publish(c, p, &topic) == NULL;
    case WORLD_PUBACK:
    case WORLD_PUBREC:
    case WORLD_PUBREL:
    case WORLD_PUBCOMP:
    case WORLD_UNSUBACK:
        p->id = (uint16_t)take_u16(&c);
        return p->id != 0 && c.left.len == 0;
    case WORLD_SUBACK:
        p->id = (uint16_t)take_u16(&c);
        return p->id != 0 && c.left.len != 0;
    case WORLD_PINGRESP:
        return c.left.len == 0;
    default:
        return false;
    }
}

bool world_packet_glimpse(const struct world_reader *r, struct world_packet *p)
{
    struct cursor c = begin(r, p);
    struct iot_bytes topic;
    return r->place == AT_BODY && p->type == WORLD_PUBLISH && split_publish(c, p, &topic) == NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The TSL is larger than any window, so its reply is not read as JSON: a scan over the bytes as they come finds the
 * members of the envelope and hands on those of `data`. */
#include "link/iot_link_alink.h"

#include <string.h>

#if IOT_FEATURE_CLOUD

#define CODE_OK   200
#define DEPTH_MAX 100

/* ---- The scan ------------------------------------------------------------------------------ */

enum {
    AT_START, /* of the message */
    AT_FIRST, /* a name or the end of the envelope */
    AT_NAME,  /* a name */
    IN_NAME,
    AT_COLON,
    AT_VALUE,
    IN_VALUE,  /* a string or brackets: its own end ends it */
    IN_SCALAR, /* what is behind it ends it */
    AT_COMMA,
    AT_END,
    BROKEN
};

enum { HAS_ID = 1, HAS_CODE = 2, HAS_DATA = 4 };

/* Names as numbers: their letters one after the other; longer ones are none of ours. */
enum { NAME_ID = 0x6964, NAME_CODE = 0x636f6465, NAME_DATA = 0x64617461 };
#define NAME_LONG 0xffffffffu

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A digit of `id` or `code`, which may stand in quotes. */
static void add_digit(struct iot_tsl_scan *s, uint8_t c)
{
    uint32_t *value = s->name == NAME_ID ? &s->id : &s->code;
    uint32_t digit = (uint32_t)c - '0';

    if ((s->name != NAME_ID && s->name != NAME_CODE) || c == '"')
        return;
    if (digit > 9 || *value > (UINT32_MAX - digit) / 10)
        s->where = BROKEN;
    *value = *value * 10 + digit;
}

static uint8_t member_of(uint32_t name)
{
    return name == NAME_ID     ? HAS_ID
           : name == NAME_CODE ? HAS_CODE
           : name == NAME_DATA ? HAS_DATA
                               : 0;
}

static void begin_value(struct iot_tsl_scan *s, uint8_t c)
{
    uint8_t member = member_of(s->name);

    s->depth = c == '{' || c == '[';
    s->text = c == '"';
    s->where = s->depth != 0 || s->text ? IN_VALUE : IN_SCALAR;
    if (c == ',' || c == '}' || c == ']' || c == ':')
        s->where = BROKEN;
    if (s->has & member) /* of two with the same name the first counts */
        s->name = NAME_LONG;
    s->has |= member;
    add_digit(s, c);
}

/* In a string, in brackets. */
static void go_on(struct iot_tsl_scan *s, uint8_t c)
{
    if (s->escaped)
        s->escaped = false;
    else if (s->text)
        s->escaped = c == '\\', s->text = c != '"';
    else if (c == '"')
        s->text = true;
    else if (c == '{' || c == '[')
        s->depth++;
    else if (c == '}' || c == ']')
        s->depth--;
    if (!s->text && s->depth == 0)
        s->where = AT_COMMA;
    if (s->depth > DEPTH_MAX)
        s->where = BROKEN;
    add_digit(s, c);
}

static void expect(struct iot_tsl_scan *s, uint8_t c, uint8_t wanted, uint8_t next)
{
    s->where = c == wanted ? next : BROKEN;
}

/* Behind a value. */
static void go_over(struct iot_tsl_scan *s, uint8_t c)
{
    if (c == '}')
        s->where = AT_END;
    else
        expect(s, c, ',', AT_NAME);
}

static void in_name(struct iot_tsl_scan *s, uint8_t c)
{
    if (c == '"' && !s->escaped) {
        s->where = AT_COLON;
        return;
    }
    s->escaped = c == '\\' && !s->escaped;
    s->name = s->name > 0xffffff ? NAME_LONG : s->name << 8 | c;
}

/* True: the byte is one of a value of the envelope. */
static bool scan(struct iot_tsl_scan *s, uint8_t c)
{
    s->at++;
    if (s->where == IN_NAME)
        return in_name(s, c), false;
    if (s->where == IN_VALUE)
        return go_on(s, c), true;
    if (s->where == IN_SCALAR) {
        if (c != ',' && c != '}' && !is_blank(c))
            return add_digit(s, c), true;
        s->where = AT_COMMA;
    }
    if (is_blank(c))
        return false;
    if (s->where == AT_VALUE)
        return begin_value(s, c), true;
    if (s->where == AT_COMMA || (s->where == AT_FIRST && c == '}')) {
        go_over(s, c);
    } else if (s->where == AT_START) {
        expect(s, c, '{', AT_FIRST);
    } else if (s->where == AT_COLON) {
        expect(s, c, ':', AT_VALUE);
    } else {
        expect(s, c, '"', s->where == AT_END ? BROKEN : IN_NAME);
        s->name = 0;
    }
    return false;
}

/* The bytes of `data` in a part: they follow each other. */
static struct iot_bytes scan_part(struct iot_tsl_scan *s, struct iot_bytes part)
{
    struct iot_bytes data = {part.ptr, 0};

    for (uint32_t i = 0; i < part.len && s->where != BROKEN; i++) {
        if (!scan(s, part.ptr[i]) || s->name != NAME_DATA)
            continue;
        if (data.len == 0)
            data.ptr = part.ptr + i;
        data.len++;
    }
    return data;
}

/* As far as is known it answers request `id`, and well. */
static bool is_wanted(const struct iot_tsl_scan *s, uint32_t id)
{
    bool open = s->where == IN_VALUE || s->where == IN_SCALAR; /* more digits may follow */

    if (s->where == BROKEN || ((s->has & HAS_ID) && s->id != id && !(open && s->name == NAME_ID)))
        return false;
    return !(s->has & HAS_CODE) || s->code == CODE_OK || (open && s->name == NAME_CODE);
}

/* ---- The request --------------------------------------------------------------------------- */

iot_err iot_tsl_get(struct iot_device *dev, bool dynamic, iot_tsl_sink sink, void *ctx,
                    iot_ticket *ticket)
{
    static const char reduced[] = "{\"nodes\":[\"type\",\"identifier\"],\"addDefault\":false}";
    struct iot_alink *a = iot_alink_of(dev);
    const char *params = dynamic ? reduced : "{}";
    struct iot_bytes bytes = {(const uint8_t *)params, (uint32_t)strlen(params)};

    if (sink == NULL)
        return IOT_ERR_ARG;
    if (iot_alink_find_kind(a, IOT_ALINK_TSL) != NULL)
        return IOT_ERR_FULL;
    iot_err err = iot_alink_ask_bytes(a, dynamic ? "thing/dynamicTsl/get" : "thing/dsltemplate/get",
                                      IOT_ALINK_TSL, 0, bytes, ticket);
    if (err != IOT_OK)
        return err;
    a->cloud.sink = sink;
    a->cloud.sink_ctx = ctx;
    return IOT_OK;
}

/* The rest of a message is not looked at. */
static iot_err turn_deaf(struct iot_alink *a, const struct iot_msg *msg, iot_err why)
{
    a->cloud.tsl.deaf = true;
    return iot_alink_drop(a, msg, why);
}

static iot_err finish(struct iot_alink *a, struct iot_alink_request *r, iot_err err, int32_t code)
{
    struct iot_reply reply = {{NULL, 0}, {NULL, 0}};
    struct iot_event ev = {.kind = IOT_EV_REPLY, .err = err, .detail = code, .reply = &reply};

    iot_alink_finish(a, r, &ev);
    return IOT_OK;
}

/* What the sink says ends the request. */
static iot_err give_up(struct iot_alink *a, struct iot_alink_request *r, iot_err why)
{
    struct iot_event ev = {.kind = IOT_EV_FAILED, .err = why};

    a->cloud.tsl.deaf = true;
    iot_alink_finish(a, r, &ev);
    return IOT_OK;
}

iot_err iot_link_take_tsl(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest)
{
    struct iot_tsl_scan s = a->cloud.tsl;
    struct iot_alink_request *r = iot_alink_find_kind(a, IOT_ALINK_TSL);
    (void)rest;

    if (msg->offset == 0)
        memset(&s, 0, sizeof s);
    else if (s.deaf || s.at != msg->offset)
        return IOT_OK;
    if (r == NULL || !iot_alink_is_reply(r, msg))
        return turn_deaf(a, msg, IOT_ERR_LINK_REPLY);

    /* Nothing is changed before the sink has taken it: it may decline. */
    struct iot_bytes data = scan_part(&s, msg->payload);
    if (data.len != 0 && is_wanted(&s, r->ticket)) {
        iot_err err = a->cloud.sink(a->cloud.sink_ctx, iot_alink_device(a), s.told, data);
        if (err == IOT_ERR_AGAIN || err == IOT_ERR_FULL)
            return err;
        if (err != IOT_OK)
            return give_up(a, r, err);
    }
    s.told += data.len;
    a->cloud.tsl = s;
    r->late = 0;
    r->deadline = (uint32_t)a->now + IOT_REQUEST_MS;
    if (s.where == BROKEN)
        return turn_deaf(a, msg, IOT_ERR_JSON_SYNTAX);
    if (s.at < msg->total)
        return IOT_OK;
    if (s.where != AT_END)
        return iot_alink_drop(a, msg, IOT_ERR_JSON_SYNTAX);
    if ((s.has & (HAS_ID | HAS_CODE)) != (HAS_ID | HAS_CODE))
        return iot_alink_drop(a, msg, IOT_ERR_JSON_MISSING);
    if (s.id != r->ticket)
        return iot_alink_drop(a, msg, IOT_ERR_LINK_REPLY);
    return finish(a, r, s.code == CODE_OK ? IOT_OK : IOT_ERR_LINK_CODE, (int32_t)s.code);
}

#endif

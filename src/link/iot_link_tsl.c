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
    AT_END
};

static bool is_name(const struct iot_tsl_scan *s, const char *name)
{
    return s->name_len == strlen(name) && memcmp(s->name, name, s->name_len) == 0;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A digit of `id` or `code`, which may stand in quotes. */
static void add_digit(struct iot_tsl_scan *s, uint8_t c)
{
    uint32_t *value = is_name(s, "id") ? &s->id : is_name(s, "code") ? &s->code : NULL;
    uint32_t digit = (uint32_t)c - '0';

    if (value == NULL || c == '"')
        return;
    s->bad |= digit > 9 || *value > (UINT32_MAX - digit) / 10;
    *value = *value * 10 + digit;
}

static void begin_value(struct iot_tsl_scan *s, uint8_t c)
{
    bool brackets = c == '{' || c == '[';

    s->where = brackets || c == '"' ? IN_VALUE : IN_SCALAR;
    s->depth = brackets;
    s->text = c == '"';
    s->bad |= c == ',' || c == '}' || c == ']' || c == ':';
    /* Of two of a name the first counts. */
    if ((is_name(s, "id") && s->has_id) || (is_name(s, "code") && s->has_code) ||
        (is_name(s, "data") && s->has_data))
        s->name_len = 0;
    s->has_id |= is_name(s, "id");
    s->has_code |= is_name(s, "code");
    s->has_data |= is_name(s, "data");
    add_digit(s, c);
}

/* In a string, in brackets. */
static void go_on(struct iot_tsl_scan *s, uint8_t c)
{
    add_digit(s, c);
    if (s->escaped)
        s->escaped = false;
    else if (s->text && c == '\\')
        s->escaped = true;
    else if (c == '"')
        s->text = !s->text;
    else if (!s->text && (c == '{' || c == '['))
        s->bad |= ++s->depth > DEPTH_MAX;
    else if (!s->text && (c == '}' || c == ']'))
        s->depth--;
    if (!s->text && s->depth == 0)
        s->where = AT_COMMA;
}

/* Between two members. */
static void go_over(struct iot_tsl_scan *s, uint8_t c)
{
    if (c == ',')
        s->where = AT_NAME;
    else if (c == '}')
        s->where = AT_END;
    else if (is_blank(c))
        s->where = AT_COMMA;
    else
        s->bad = true;
}

static void in_name(struct iot_tsl_scan *s, uint8_t c)
{
    if (c == '"' && !s->escaped) {
        s->where = AT_COLON;
        return;
    }
    s->escaped = c == '\\' && !s->escaped;
    if (s->name_len < sizeof s->name)
        s->name[s->name_len] = (char)c;
    if (s->name_len <= sizeof s->name) /* longer ones are no name of ours */
        s->name_len++;
}

static void expect(struct iot_tsl_scan *s, uint8_t c, uint8_t wanted, uint8_t next)
{
    s->bad |= c != wanted;
    s->where = next;
}

/* True: the byte is one of `data`. */
static bool scan(struct iot_tsl_scan *s, uint8_t c)
{
    bool blank = is_blank(c);

    s->at++;
    switch (s->where) {
    case AT_START:
        if (!blank)
            expect(s, c, '{', AT_FIRST);
        return false;
    case AT_FIRST:
        if (c == '}')
            s->where = AT_END;
        else if (!blank)
            expect(s, c, '"', IN_NAME);
        s->name_len = 0;
        return false;
    case AT_NAME:
        if (!blank)
            expect(s, c, '"', IN_NAME);
        s->name_len = 0;
        return false;
    case IN_NAME:
        in_name(s, c);
        return false;
    case AT_COLON:
        if (!blank)
            expect(s, c, ':', AT_VALUE);
        return false;
    case AT_VALUE:
        if (blank)
            return false;
        begin_value(s, c);
        return is_name(s, "data");
    case IN_VALUE:
        go_on(s, c);
        return is_name(s, "data");
    case IN_SCALAR:
        if (c == ',' || c == '}' || blank) {
            go_over(s, c);
            return false;
        }
        add_digit(s, c);
        return is_name(s, "data");
    case AT_COMMA:
        go_over(s, c);
        return false;
    case AT_END:
        s->bad |= !blank;
        return false;
    }
    return false;
}

/* The bytes of `data` in a part: they follow each other. */
static struct iot_bytes scan_part(struct iot_tsl_scan *s, struct iot_bytes part)
{
    struct iot_bytes data = {part.ptr, 0};

    for (uint32_t i = 0; i < part.len && !s->bad; i++) {
        if (!scan(s, part.ptr[i]))
            continue;
        if (data.len == 0)
            data.ptr = part.ptr + i;
        data.len++;
    }
    return data;
}

static bool is_known(const struct iot_tsl_scan *s, bool has, const char *name)
{
    return has && !(is_name(s, name) && (s->where == IN_VALUE || s->where == IN_SCALAR));
}

/* As far as is known it answers request `id`, and well. */
static bool is_wanted(const struct iot_tsl_scan *s, uint32_t id)
{
    return !s->bad && !(is_known(s, s->has_id, "id") && s->id != id) &&
           !(is_known(s, s->has_code, "code") && s->code != CODE_OK);
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
    r->deadline = (uint32_t)a->now + IOT_REQUEST_MS;
    if (s.bad)
        return turn_deaf(a, msg, IOT_ERR_JSON_SYNTAX);
    if (s.at < msg->total)
        return IOT_OK;
    if (s.where != AT_END)
        return iot_alink_drop(a, msg, IOT_ERR_JSON_SYNTAX);
    if (!s.has_id || !s.has_code)
        return iot_alink_drop(a, msg, IOT_ERR_JSON_MISSING);
    if (s.id != r->ticket)
        return iot_alink_drop(a, msg, IOT_ERR_LINK_REPLY);
    return finish(a, r, s.code == CODE_OK ? IOT_OK : IOT_ERR_LINK_CODE, (int32_t)s.code);
}

#endif

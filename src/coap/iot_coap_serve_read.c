/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/iot_coap_guest.h"

#if IOT_FEATURE_COAP_SERVER

/* Options that mean something in a request, how long they may be, and whether there may be several (RFC 7252 5.10, 7641 2, 7959 2.1, 9175
 * 2.2.1, 3.2.1). */
static const struct {
    uint16_t number;
    uint8_t min, max;
} known[] = {
    {IOT_COAP_IF_MATCH, 0, 8},      {IOT_COAP_URI_HOST, 1, 255},     {IOT_COAP_ETAG, 1, 8},
    {IOT_COAP_IF_NONE_MATCH, 0, 0}, {IOT_COAP_OBSERVE, 0, 3},        {IOT_COAP_URI_PORT, 0, 2},
    {IOT_COAP_URI_PATH, 0, 255},    {IOT_COAP_CONTENT_FORMAT, 0, 2}, {IOT_COAP_URI_QUERY, 0, 255},
    {IOT_COAP_ACCEPT, 0, 2},        {IOT_COAP_BLOCK2, 0, 3},         {IOT_COAP_BLOCK1, 0, 3},
    {IOT_COAP_ECHO, 1, 40},         {IOT_COAP_REQUEST_TAG, 0, 8},
};

static bool may_repeat(uint16_t number)
{
    return number == IOT_COAP_IF_MATCH || number == IOT_COAP_ETAG || number == IOT_COAP_URI_PATH ||
           number == IOT_COAP_URI_QUERY || number == IOT_COAP_REQUEST_TAG;
}

static bool is_known(const struct iot_coap_option *o)
{
    for (uint32_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].number == o->number)
            return o->value.len >= known[i].min && o->value.len <= known[i].max;
    }
    return false;
}

uint32_t iot_coap_hash(uint32_t hash, const void *bytes, uint32_t len)
{
    const uint8_t *p = bytes;

    while (len-- != 0)
        hash = (hash ^ *p++) * 16777619u + 0x9e3779b9u;
    return hash;
}

/* One more segment. What has a '/' in it is another resource than two segments are; such, ends of texts, and dots have no place in a
 * table (RFC 7252 6.5). */
static void add_segment(struct iot_coap_heard *ask, struct iot_bytes s, bool first)
{
    char *at = ask->path + ask->path_len;

    if (s.len + !first > IOT_COAP_PATH_MAX - ask->path_len ||
        (s.len - 1 < 2 && memcmp(s.ptr, "..", s.len) == 0)) {
        ask->nowhere = true;
        return;
    }
    if (!first)
        *at++ = '/';
    for (uint32_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '/' || s.ptr[i] == '\0')
            ask->nowhere = true;
        *at++ = (char)s.ptr[i];
    }
    ask->path_len = (uint8_t)(at - ask->path); /* all of it was 0 before */
}

static void read_option(struct iot_coap_serve *x, struct iot_coap_heard *ask,
                        const struct iot_coap_option *o, bool first, iot_time now)
{
    uint32_t value = iot_coap_uint(o);
    struct iot_coap_block block;

    switch (o->number) {
    case IOT_COAP_ETAG:
        ask->say.etags = ask->m.options;
        break;
    case IOT_COAP_OBSERVE:
        ask->has_observe = true;
        ask->observe = value;
        break;
    case IOT_COAP_URI_PATH:
        add_segment(ask, o->value, first);
        ask->key = iot_coap_hash(ask->key, "/", 1);
        ask->key = iot_coap_hash(ask->key, o->value.ptr, o->value.len);
        break;
    case IOT_COAP_URI_QUERY:
        ask->key = iot_coap_hash(ask->key, "?", 1);
        ask->key = iot_coap_hash(ask->key, o->value.ptr, o->value.len);
        break;
    case IOT_COAP_CONTENT_FORMAT:
        ask->call.has_format = true;
        ask->call.format = (uint16_t)value;
        break;
    case IOT_COAP_ACCEPT:
        ask->call.has_accept = true;
        ask->call.accept = (uint16_t)value;
        break;
    case IOT_COAP_BLOCK2:
        if (!iot_coap_block_read(o, &block))
            ask->blocked = true;
        ask->say.block2 = block.number;
        ask->say.szx = block.szx;
        break;
    case IOT_COAP_BLOCK1:
        if (!iot_coap_block_read(o, &ask->block1))
            ask->blocked = true;
        ask->say.has_block1 = true;
        ask->say.block1 = value;
        break;
    case IOT_COAP_ECHO:
        value = iot_coap_echo_age(x, &ask->say.via.peer, o->value, now);
        ask->known |= value != IOT_MS_NEVER;
        ask->fresh |= value <= IOT_COAP_FRESH_MS && now - value > x->echo_after;
        break;
    case IOT_COAP_REQUEST_TAG:
        ask->tag = iot_coap_hash(ask->tag + 1, o->value.ptr, o->value.len);
        break;
    default:
        break;
    }
}

void iot_coap_heard_read(struct iot_coap_serve *x, struct iot_coap_heard *ask, iot_time now)
{
    struct iot_coap_cursor at = {ask->m.options, 0};
    struct iot_coap_option o;
    uint16_t before = 0;

    ask->say.szx = IOT_COAP_SZX_NONE;
    ask->key = ask->m.code;
    ask->known = ask->fresh = ask->secure;
    while (iot_coap_next(&at, &o)) {
        bool first = o.number != before;
        if (o.number == IOT_COAP_PROXY_URI || o.number == IOT_COAP_PROXY_SCHEME)
            ask->proxy = true;
        else if (is_known(&o) && (first || may_repeat(o.number)))
            read_option(x, ask, &o, first, now);
        else if ((o.number & 1) != 0)
            ask->bad = true;
        before = o.number;
    }
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/iot_coap_slot.h"

#if IOT_FEATURE_COAP

#include "coap/iot_coap_path.h"
#include "core/iot_core_assert.h"

#include <string.h>

#define TAG_BYTES 4u

/* The options that are ours, in their order; the caller's go between. */
static const uint16_t ours[] = {
    IOT_COAP_URI_HOST,       IOT_COAP_OBSERVE,   IOT_COAP_URI_PORT, IOT_COAP_URI_PATH,
    IOT_COAP_CONTENT_FORMAT, IOT_COAP_URI_QUERY, IOT_COAP_ACCEPT,   IOT_COAP_BLOCK2,
    IOT_COAP_BLOCK1,         IOT_COAP_SIZE1,     IOT_COAP_ECHO,     IOT_COAP_REQUEST_TAG,
};
#define OURS (sizeof ours / sizeof ours[0])

/* ---- Checking ---------------------------------------------------------------------------- */

/* How long those may be that the caller may add and that we know (RFC 7252 5.10). */
static const struct {
    uint8_t number, min;
    uint16_t max;
} lengths[] = {
    {IOT_COAP_IF_MATCH, 0, 8}, {IOT_COAP_ETAG, 1, 8},         {IOT_COAP_IF_NONE_MATCH, 0, 0},
    {IOT_COAP_SIZE2, 0, 4},    {IOT_COAP_PROXY_URI, 1, 1034}, {IOT_COAP_PROXY_SCHEME, 1, 255},
};

static bool may_add(const struct iot_coap_option *o)
{
    for (uint32_t i = 0; i < OURS; i++) {
        if (ours[i] == o->number)
            return false;
    }
    for (uint32_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        if (lengths[i].number == o->number)
            return o->value.len >= lengths[i].min && o->value.len <= lengths[i].max;
    }
    return o->value.len <= IOT_COAP_BYTES;
}

/* Every option at its longest, but for Echo, which is rarely wanted: what the message takes at most without its payload. */
static uint32_t most(const struct iot_coap_exchange *x, const struct iot_coap_request *req)
{
    uint32_t n = IOT_COAP_HEAD_BYTES + IOT_COAP_TOKEN_MAX + 1 /* the marker */ + 2 + 3 + 3 + 4 + 4 +
                 5 + 2 + TAG_BYTES;

    if (x->rules.uri_host != NULL)
        n += (uint32_t)strlen(x->rules.uri_host) + 2;
    for (const char *p = req->path; p != NULL && *p != '\0' && n < IOT_COAP_BYTES; p++)
        n += *p == '/' || *p == '?' || *p == '&' ? 2 : 1;
    for (uint32_t i = 0; i < req->option_count && n < IOT_COAP_BYTES; i++)
        n += req->options[i].value.len + 5;
    return n;
}

/* Is it what can be asked with this method? */
static bool is_allowed(const struct iot_coap_request *req)
{
    bool body = iot_coap_has_body(req);

    switch ((enum iot_coap_method)req->method) {
    case IOT_COAP_PING:
        return req->path == NULL && !body && req->option_count == 0 && !req->non && !req->observe &&
               req->token.len == 0 && !req->has_format && !req->has_accept;
    case IOT_COAP_GET:
    case IOT_COAP_DELETE:
        return !body && !req->has_format && (req->method == IOT_COAP_GET || !req->observe);
    case IOT_COAP_FETCH:
        return true;
    case IOT_COAP_POST:
    case IOT_COAP_PUT:
    case IOT_COAP_PATCH:
    case IOT_COAP_IPATCH:
        return !req->observe;
    }
    return false;
}

iot_err iot_coap_request_check(const struct iot_coap_exchange *x,
                               const struct iot_coap_request *req)
{
    uint32_t size = req->block_bytes;

    if (req->on == NULL || !is_allowed(req) || req->token.len > IOT_COAP_TOKEN_MAX ||
        (req->body.len != 0 && req->source != NULL) ||
        (size != 0 && (iot_coap_block_szx(size) > IOT_COAP_SZX_MAX ||
                       size != iot_coap_block_bytes(iot_coap_block_szx(size)))))
        return IOT_ERR_ARG;
    for (uint32_t i = 0; i < req->option_count; i++) {
        if (!may_add(&req->options[i]))
            return IOT_ERR_ARG;
    }
    if (iot_coap_path_check(req->path) != IOT_OK)
        return IOT_ERR_COAP_URI;
    return most(x, req) + 16 <= IOT_COAP_BYTES ? IOT_OK : IOT_ERR_SIZE;
}

/* ---- Writing ----------------------------------------------------------------------------- */

/* Part of our body that a message carries. */
struct part {
    struct iot_bytes bytes;
    bool last;
    bool block; /* not all of it: Block1 and Request-Tag are there */
};

/* The caller's options of numbers from `from` to before `below`, in order. */
static void put_theirs(struct iot_coap_encoder *e, const struct iot_coap_request *req,
                       uint32_t from, uint32_t below)
{
    for (uint32_t next = below; from < below; from = next + 1, next = below) {
        for (uint32_t i = 0; i < req->option_count; i++) {
            uint16_t number = req->options[i].number;
            if (number >= from && number < next)
                next = number;
        }
        for (uint32_t i = 0; i < req->option_count; i++) {
            if (req->options[i].number == next)
                iot_coap_put(e, (uint16_t)next, req->options[i].value);
        }
    }
}

static void put_ours(struct iot_coap_encoder *e, const struct iot_coap_exchange *x,
                     const struct iot_coap_slot *s, const struct part *part, uint16_t number)
{
    const struct iot_coap_request *req = s->req;
    struct iot_coap_block block;
    uint32_t tag = x->salt ^ s->tag; /* another after each reboot */

    switch (number) {
    case IOT_COAP_URI_HOST:
        if (x->rules.uri_host != NULL)
            iot_coap_put(e, number,
                         (struct iot_bytes){(const uint8_t *)x->rules.uri_host,
                                            (uint32_t)strlen(x->rules.uri_host)});
        break;
    case IOT_COAP_OBSERVE:
        if (req->observe && s->ask != IOT_COAP_ASK_REST)
            iot_coap_put_uint(e, number, s->ask == IOT_COAP_ASK_CANCEL);
        break;
    case IOT_COAP_URI_PATH:
    case IOT_COAP_URI_QUERY:
        iot_coap_path_put(e, req->path, number);
        break;
    case IOT_COAP_CONTENT_FORMAT:
        if (req->has_format)
            iot_coap_put_uint(e, number, req->format);
        break;
    case IOT_COAP_ACCEPT:
        if (req->has_accept)
            iot_coap_put_uint(e, number, req->accept);
        break;
    case IOT_COAP_BLOCK2: /* once our body is there (RFC 7959 3.3) */
        if (part->last && iot_coap_block_wanted(s, &block))
            iot_coap_put_uint(e, number, iot_coap_block_value(&block));
        break;
    case IOT_COAP_BLOCK1:
        if (part->block) {
            block.number = s->at >> (4 + s->up);
            block.more = !part->last;
            block.szx = s->up;
            iot_coap_put_uint(e, number, iot_coap_block_value(&block));
        }
        break;
    case IOT_COAP_SIZE1:
        if (part->block && s->at == 0 && req->source == NULL)
            iot_coap_put_uint(e, number, req->body.len);
        break;
    case IOT_COAP_ECHO:
        if ((s->flags & IOT_COAP_ECHOES) != 0)
            iot_coap_put(e, number, (struct iot_bytes){x->echo, x->echo_len});
        break;
    case IOT_COAP_REQUEST_TAG: /* with what belongs to the body, too: blocks of the response (RFC 9175 3.3) */
        if (s->tag != 0)
            iot_coap_put(e, number, (struct iot_bytes){(const uint8_t *)&tag, TAG_BYTES});
        break;
    }
}

/* All but the payload. */
static void put_head(struct iot_coap_encoder *e, const struct iot_coap_exchange *x,
                     const struct iot_coap_slot *s, const struct part *part, uint8_t *into,
                     uint32_t room)
{
    const struct iot_coap_request *req = s->req;
    uint16_t id = s->phase == IOT_COAP_PH_QUEUED ? x->next_id : s->id;
    uint8_t token[IOT_COAP_TOKEN_MAX];
    uint32_t from = 0;

    if (req->method == IOT_COAP_PING) {
        iot_coap_encode(e, into, room, IOT_COAP_CON, 0, id, (struct iot_bytes){NULL, 0});
        return;
    }
    iot_coap_encode(e, into, room, req->non ? IOT_COAP_NON : IOT_COAP_CON, req->method, id,
                    iot_coap_token(x, req, s->token, token));
    for (uint32_t i = 0; i < OURS; from = ours[i++] + 1u) {
        put_theirs(e, req, from, ours[i]);
        put_ours(e, x, s, part, ours[i]);
    }
    put_theirs(e, req, from, 0x10000);
}

/* Before a part of a body leaves: it has to fit into `room`, with a longer number than the first one's. Datagrams may have become
 * smaller since the last one, or the options more. */
static iot_err choose_size(const struct iot_coap_exchange *x, struct iot_coap_slot *s,
                           uint8_t *into, uint32_t room)
{
    struct part part = {{NULL, 0}, true, true};
    struct iot_coap_encoder e;
    uint32_t tag = s->tag, beside = s->at == 0 ? 4 : 1; /* the marker; the first number is short */
    uint8_t szx;

    s->tag = 1;
    put_head(&e, x, s, &part, into, room);
    s->tag = tag;
    szx = e.overflow || room - e.len < beside ? IOT_COAP_SZX_NONE
                                              : iot_coap_block_szx(room - e.len - beside);
    if (szx == IOT_COAP_SZX_NONE)
        return IOT_ERR_SIZE;
    if (s->up > szx)
        s->up = szx;
    return IOT_OK;
}

/* What of the body goes into this message: of a source, read to the end of `room`. */
static iot_err read_part(struct iot_coap_slot *s, uint8_t *into, uint32_t room, struct part *part)
{
    const struct iot_coap_request *req = s->req;
    uint32_t size = iot_coap_block_bytes(s->up), left = req->body.len - s->at;
    iot_err err;

    part->last = false;
    if (size > room)
        return IOT_ERR_SIZE;
    if (req->source == NULL) {
        part->last = left <= size;
        part->bytes.ptr = req->body.ptr + s->at;
        part->bytes.len = part->last ? left : size;
    } else {
        part->bytes.ptr = into + room - size;
        part->bytes.len = 0;
        err = req->source(req->ctx, s->at, into + room - size, size, &part->bytes.len, &part->last);
        if (err != IOT_OK)
            return err;
        if (part->bytes.len > size || (part->bytes.len < size && !part->last))
            return IOT_ERR_ARG;
    }
    part->block = s->at != 0 || !part->last;
    return part->block && s->at >> (4 + s->up) > 0xfffffu ? IOT_ERR_SIZE : IOT_OK;
}

iot_err iot_coap_request_write(struct iot_coap_exchange *x, struct iot_coap_slot *s, uint8_t *into,
                               uint32_t room, uint32_t *len)
{
    struct part part = {{NULL, 0}, true, false};
    struct iot_coap_encoder e;
    bool body = iot_coap_has_body(s->req);
    iot_err err = IOT_OK;

    /* What asks for more of a response has no body but FETCH's, as that says what is asked for; in blocks it is there, and
     * Request-Tag names it. */
    if (body && ((s->flags & IOT_COAP_UPLOADED) == 0 ||
                 (s->req->method == IOT_COAP_FETCH && s->tag == 0))) {
        if (s->phase == IOT_COAP_PH_QUEUED)
            err = choose_size(x, s, into, room);
        if (err == IOT_OK)
            err = read_part(s, into, room, &part);
        if (err != IOT_OK)
            return err;
        if (part.block && s->tag == 0)
            s->tag = ++x->count;
    }
    s->flags &= (uint8_t)~IOT_COAP_MORE_UP;
    if (!part.last)
        s->flags |= IOT_COAP_MORE_UP;
    put_head(&e, x, s, &part, into, room);
    iot_coap_put_payload(&e, part.bytes);
    *len = e.len;
    return e.overflow ? IOT_ERR_SIZE : IOT_OK;
}

#endif

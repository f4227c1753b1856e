/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/iot_coap_guest.h"

#if IOT_FEATURE_COAP_SERVER

/* What head, token and options may need beside a block. */
#define HEAD_MAX   (IOT_COAP_HEAD_BYTES + IOT_COAP_TOKEN_MAX + 48u)
#define SZX_MAX    6u
#define NUMBER_MAX 0xfffffu
#define ECHO_BYTES 12u

/* ---- A block of a body ------------------------------------------------------------------- */

/* The piece of a body that is said. */
struct piece {
    struct iot_bytes bytes, etag;
    bool blocked; /* has Block2 */
    bool more;
    uint8_t szx;
    uint8_t made[4]; /* ETag, of the body */
    uint32_t at;     /* where it begins */
    uint32_t total;  /* of the body; 0: not known */
};

static uint32_t way(struct iot_coap_serve *x, const struct iot_coap_via *via)
{
    uint32_t room = x->rules.room(x->rules.ctx, via);

    return room < IOT_COAP_BYTES ? room : IOT_COAP_BYTES;
}

/* From a source: 0, or the code that is said instead. */
static uint8_t read_source(struct iot_coap_serve *x, const struct iot_coap_answer *a, uint32_t at,
                           void *ctx, struct piece *p)
{
    uint32_t cap = iot_coap_block_bytes(p->szx), got = 0;
    bool last = false;
    iot_err err = a->source(ctx, at, x->body, cap, &got, &last);

    if (err == IOT_ERR_AGAIN)
        return IOT_COAP_CODE(5, 3);
    if (err != IOT_OK || got > cap || (!last && got < cap))
        return IOT_COAP_CODE(5, 0);
    p->bytes = (struct iot_bytes){x->body, got};
    p->more = !last;
    return 0;
}

static bool has_etag(struct iot_bytes options, struct iot_bytes etag)
{
    struct iot_coap_cursor at = {options, 0};
    struct iot_coap_option o;

    while (etag.len != 0 && iot_coap_next(&at, &o)) {
        if (o.number == IOT_COAP_ETAG && o.value.len == etag.len &&
            memcmp(o.value.ptr, etag.ptr, etag.len) == 0)
            return true;
    }
    return false;
}

/* Which piece of its body (RFC 7959 2.4): 0, or the code that is said instead. */
static uint8_t cut(struct iot_coap_serve *x, const struct iot_coap_say *say,
                   struct iot_coap_answer *a, struct piece *p)
{
    uint32_t room = way(x, &say->via), len = a->body.len, size, at;
    bool sourced = a->source != NULL, asked = say->szx <= SZX_MAX && a->code >> 5 == 2;

    p->szx = say->szx < SZX_MAX ? say->szx : (uint8_t)SZX_MAX;
    while (p->szx != 0 && (iot_coap_block_bytes(p->szx) + HEAD_MAX > room ||
                           (sourced && iot_coap_block_bytes(p->szx) > sizeof x->body)))
        p->szx--;
    size = iot_coap_block_bytes(p->szx);
    p->at = at = asked ? say->block2 << (4 + say->szx) : 0;
    p->etag = a->etag;
    p->total = sourced ? a->total : len;
    if (sourced) {
        uint8_t code = read_source(x, a, at, say->ctx, p);
        if (code != 0)
            return code;
        len = at + p->bytes.len;
    } else {
        uint32_t left = at < len ? len - at : 0;
        if (left != 0)
            p->bytes = (struct iot_bytes){a->body.ptr + at, left < size ? left : size};
        p->more = left > size;
    }
    if ((at != 0 && at >= len) || (p->more && at / size >= NUMBER_MAX))
        return IOT_COAP_CODE(4, 0);
    p->blocked = p->more || asked;
    if (a->code != IOT_COAP_CODE(2, 5) || sourced)
        return 0;
    if (p->etag.len == 0 && (p->more || at != 0 || say->etags.len != 0)) {
        uint32_t hash = iot_coap_hash(a->format, a->body.ptr, len);
        memcpy(p->made, &hash, sizeof p->made);
        p->etag = (struct iot_bytes){p->made, sizeof p->made};
    }
    return 0;
}

/* ---- Messages ---------------------------------------------------------------------------- */

static void leave(struct iot_coap_serve *x, const struct iot_coap_via *via,
                  const struct iot_coap_encoder *e)
{
    x->out_len = e->overflow ? 0 : (uint16_t)e->len;
    x->out_to = *via;
}

static void begin(struct iot_coap_serve *x, const struct iot_coap_say *say, uint8_t code,
                  struct iot_coap_encoder *e)
{
    iot_coap_encode(e, x->bytes, way(x, &say->via), say->type, code, say->id,
                    (struct iot_bytes){say->token, say->token_len});
}

static void put_uint_if(struct iot_coap_encoder *e, bool is, uint16_t number, uint32_t value)
{
    if (is)
        iot_coap_put_uint(e, number, value);
}

void iot_coap_plain(struct iot_coap_serve *x, struct iot_coap_answer *a, uint8_t code)
{
    memset(a, 0, sizeof *a);
    a->code = code;
    if (code == IOT_COAP_CODE(5, 3)) {
        x->counters.refused++;
        a->has_max_age = true;
        a->max_age_s = IOT_COAP_RETRY_S;
    }
}

void iot_coap_say(struct iot_coap_serve *x, const struct iot_coap_say *say,
                  struct iot_coap_answer *a)
{
    struct piece p = {{NULL, 0}, {NULL, 0}, false, false, 0, {0}, 0, 0};
    uint8_t code = cut(x, say, a, &p);
    bool too_large = a->code == IOT_COAP_CODE(4, 13);
    struct iot_coap_encoder e;

    if (code == 0 && a->code == IOT_COAP_CODE(2, 5)) {
        if (say->has_accept && (!a->has_format || a->format != say->accept))
            code = IOT_COAP_CODE(4, 6);
        else if (has_etag(say->etags, p.etag))
            code = IOT_COAP_CODE(2, 3);
    }
    if (code != 0) {
        iot_coap_plain(x, a, code);
        p.bytes.len = 0;
        p.blocked = false;
        if (code >> 5 != 2)
            p.etag.len = 0;
    }
    begin(x, say, a->code, &e);
    if (p.etag.len != 0)
        iot_coap_put(&e, IOT_COAP_ETAG, p.etag);
    put_uint_if(&e, say->has_order && a->code >> 5 == 2, IOT_COAP_OBSERVE, say->order & 0xffffffu);
    put_uint_if(&e, a->has_format, IOT_COAP_CONTENT_FORMAT, a->format);
    put_uint_if(&e, a->has_max_age, IOT_COAP_MAX_AGE, a->max_age_s);
    if (p.blocked) {
        struct iot_coap_block block = {p.at >> (4 + p.szx), p.more, p.szx};
        iot_coap_put_uint(&e, IOT_COAP_BLOCK2, iot_coap_block_value(&block));
    }
    put_uint_if(&e, say->has_block1, IOT_COAP_BLOCK1, say->block1);
    put_uint_if(&e, p.blocked && p.at == 0 && p.total != 0, IOT_COAP_SIZE2, p.total);
    put_uint_if(&e, too_large && a->total != 0, IOT_COAP_SIZE1, a->total);
    iot_coap_put_payload(&e, p.bytes);
    leave(x, &say->via, &e);
}

void iot_coap_say_code(struct iot_coap_serve *x, const struct iot_coap_say *say, uint8_t code)
{
    struct iot_coap_answer a;

    iot_coap_plain(x, &a, code);
    iot_coap_say(x, say, &a);
}

void iot_coap_say_empty(struct iot_coap_serve *x, const struct iot_coap_via *via, uint8_t type,
                        uint16_t id)
{
    struct iot_coap_encoder e;

    iot_coap_encode(&e, x->bytes, sizeof x->bytes, type, 0, id, (struct iot_bytes){NULL, 0});
    leave(x, via, &e);
}

uint16_t iot_coap_new_id(struct iot_coap_serve *x, const struct iot_peer *peer)
{
    uint8_t mix[8];

    x->rules.mac(x->rules.ctx, (struct iot_bytes){(const uint8_t *)peer, sizeof *peer}, mix);
    return (uint16_t)(x->next_id++ ^ (mix[0] | (uint32_t)mix[1] << 8));
}

/* ---- Echo (RFC 9175 2) ------------------------------------------------------------------- */

/* A moment, and what only we can make of it and the peer. */
static void make_echo(struct iot_coap_serve *x, const struct iot_peer *peer, iot_time when,
                      uint8_t out[ECHO_BYTES])
{
    uint8_t text[sizeof *peer + sizeof when];

    memcpy(text, peer, sizeof *peer);
    memcpy(text + sizeof *peer, &when, sizeof when);
    for (uint32_t i = 0; i < 4; i++)
        out[i] = (uint8_t)(when >> 8 * i);
    x->rules.mac(x->rules.ctx, (struct iot_bytes){text, sizeof text}, out + 4);
}

uint32_t iot_coap_echo_age(struct iot_coap_serve *x, const struct iot_peer *peer,
                           struct iot_bytes echo, iot_time now)
{
    uint8_t right[ECHO_BYTES];
    uint32_t age, differs = 0;

    if (echo.len != ECHO_BYTES)
        return IOT_MS_NEVER;
    age = (uint32_t)now - (echo.ptr[0] | (uint32_t)echo.ptr[1] << 8 | (uint32_t)echo.ptr[2] << 16 |
                           (uint32_t)echo.ptr[3] << 24);
    if (age > IOT_COAP_THERE_MS || age > now)
        return IOT_MS_NEVER;
    make_echo(x, peer, now - age, right);
    for (uint32_t i = 0; i < ECHO_BYTES; i++)
        differs |= (uint32_t)(right[i] ^ echo.ptr[i]);
    return differs == 0 ? age : IOT_MS_NEVER;
}

void iot_coap_say_echo(struct iot_coap_serve *x, const struct iot_coap_say *say, iot_time now)
{
    struct iot_coap_encoder e;
    uint8_t echo[ECHO_BYTES];

    make_echo(x, &say->via.peer, now, echo);
    begin(x, say, IOT_COAP_CODE(4, 1), &e);
    iot_coap_put(&e, IOT_COAP_ECHO, (struct iot_bytes){echo, sizeof echo});
    leave(x, &say->via, &e);
    x->counters.echoes++;
}

/* ---- Answers that are kept --------------------------------------------------------------- */

bool iot_coap_keep(struct iot_coap_kept *k, const struct iot_coap_answer *a)
{
    bool fits = a->source == NULL && a->body.len <= sizeof k->bytes - a->etag.len;

    k->code = fits ? a->code : IOT_COAP_CODE(5, 0);
    k->has_format = fits && a->has_format;
    k->has_max_age = fits && a->has_max_age;
    k->format = a->format;
    k->max_age_s = a->max_age_s;
    k->total = a->total;
    k->etag_len = fits ? (uint8_t)a->etag.len : 0;
    k->len = fits ? (uint16_t)a->body.len : 0;
    if (k->etag_len != 0)
        memcpy(k->bytes, a->etag.ptr, k->etag_len);
    if (k->len != 0)
        memcpy(k->bytes + k->etag_len, a->body.ptr, k->len);
    return fits;
}

void iot_coap_say_kept(struct iot_coap_serve *x, const struct iot_coap_say *say,
                       struct iot_coap_kept *k)
{
    struct iot_coap_answer a;

    memset(&a, 0, sizeof a);
    a.code = k->code;
    a.has_format = k->has_format;
    a.has_max_age = k->has_max_age;
    a.format = k->format;
    a.max_age_s = k->max_age_s;
    a.total = k->total;
    a.etag = (struct iot_bytes){k->bytes, k->etag_len};
    a.body.ptr = k->bytes + k->etag_len;
    a.body.len = k->len;
    iot_coap_say(x, say, &a);
}

#endif

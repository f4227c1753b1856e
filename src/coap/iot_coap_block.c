/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/iot_coap_slot.h"

#if IOT_FEATURE_COAP

#include <string.h>

#define BODY_MAX   65536u   /* of a response, if the request says nothing */
#define NUMBER_MAX 0xfffffu /* 20 bits */
/* Blocks as they fit into our buffer beside head and options: if not all do, the server is told at once. */
#define BESIDE 64
#define LARGEST                                                                                    \
    (IOT_COAP_BYTES >= 1024 + BESIDE  ? 6                                                          \
     : IOT_COAP_BYTES >= 512 + BESIDE ? 5                                                          \
     : IOT_COAP_BYTES >= 256 + BESIDE ? 4                                                          \
     : IOT_COAP_BYTES >= 128 + BESIDE ? 3                                                          \
                                      : 2)

uint8_t iot_coap_block_szx(uint32_t bytes)
{
    uint8_t szx = IOT_COAP_SZX_MAX;

    if (bytes < 16)
        return IOT_COAP_SZX_NONE;
    while (iot_coap_block_bytes(szx) > bytes)
        szx--;
    return szx;
}

void iot_coap_block_init(struct iot_coap_slot *s)
{
    uint32_t bytes = s->req->block_bytes;

    s->up = IOT_COAP_SZX_MAX;
    s->down = LARGEST < IOT_COAP_SZX_MAX ? LARGEST : IOT_COAP_SZX_NONE;
    if (bytes != 0)
        s->up = s->down = iot_coap_block_szx(bytes);
}

void iot_coap_block_begin(struct iot_coap_slot *s)
{
    s->at = s->from = s->tag = 0;
    s->flags &= (uint8_t)~IOT_COAP_UPLOADED;
}

bool iot_coap_block_wanted(const struct iot_coap_slot *s, struct iot_coap_block *out)
{
    if (s->down == IOT_COAP_SZX_NONE)
        return false;
    out->number = s->from >> (4 + s->down);
    out->more = false;
    out->szx = s->down;
    return true;
}

/* ---- Our body ---------------------------------------------------------------------------- */

/* The server has a block, and wants the next. It may have said that it wants smaller ones. */
static void on_block(struct iot_coap_exchange *x, struct iot_coap_slot *s,
                     const struct iot_coap_reply *r)
{
    const struct iot_coap_block *block = &r->block1;

    if (!r->has_block1 || block->number != s->at >> (4 + s->up)) {
        iot_coap_over(s, IOT_ERR_COAP_BLOCK, r->head.code);
        return;
    }
    s->at += iot_coap_block_bytes(s->up);
    if (block->szx < s->up)
        s->up = block->szx;
    iot_coap_queue(x, s, true, 0);
}

bool iot_coap_block_sent(struct iot_coap_exchange *x, struct iot_coap_slot *s,
                         const struct iot_coap_reply *r)
{
    uint8_t code = r->head.code;
    bool good = code >> 5 == 2, more = (s->flags & IOT_COAP_MORE_UP) != 0;
    bool ours = iot_coap_has_body(s->req) && (s->flags & IOT_COAP_UPLOADED) == 0;

    /* Success for a part: each is executed as it comes, if Block1 says so (RFC 7959 2.3). */
    if (good && more) {
        on_block(x, s, r);
        return true;
    }
    if (code == IOT_COAP_CODE(2, 31)) {
        iot_coap_over(s, IOT_ERR_COAP_BLOCK, code);
        return true;
    }
    if (ours && code == IOT_COAP_CODE(4, 13) && r->has_block1 && r->block1.szx < s->up) {
        s->up = r->block1.szx;
    } else if (ours && code == IOT_COAP_CODE(4, 8) && s->tag != 0 &&
               s->restarts < IOT_COAP_RESTARTS) {
        s->restarts++;
    } else {
        if (good)
            s->flags |= IOT_COAP_UPLOADED;
        return false;
    }
    iot_coap_block_begin(s);
    iot_coap_queue(x, s, true, 0);
    return true;
}

/* ---- The response's ---------------------------------------------------------------------- */

static bool is_other(const struct iot_coap_slot *s, struct iot_bytes etag)
{
    return etag.len != s->etag_len || (etag.len != 0 && memcmp(etag.ptr, s->etag, etag.len) != 0);
}

/* The body is another now. Only what changes nothing can be asked once more. */
static void restart(struct iot_coap_exchange *x, struct iot_coap_slot *s)
{
    if (!iot_coap_safe(s) || s->restarts++ >= IOT_COAP_RESTARTS) {
        iot_coap_over(s, IOT_ERR_COAP_CHANGED, 0);
        return;
    }
    iot_coap_block_begin(s);
    iot_coap_queue(x, s, true, 0);
}

/* RFC 7959 2.2: each block but the last is full. None is larger than was asked for; at a beginning that does no harm, and there are
 * servers that do not keep in mind for a notification what was asked for. */
static bool fits(const struct iot_coap_slot *s, const struct iot_coap_block *block, uint32_t len)
{
    uint32_t size = iot_coap_block_bytes(block->szx);

    return (s->from == 0 || block->szx <= s->down) &&
           block->number << (4 + block->szx) == s->from &&
           (block->more ? len == size : len <= size);
}

void iot_coap_block_came(struct iot_coap_exchange *x, struct iot_coap_slot *s,
                         const struct iot_coap_reply *r, struct iot_bytes part,
                         struct iot_coap_event *ev)
{
    uint32_t most = s->req->max_bytes != 0 ? s->req->max_bytes : BODY_MAX;
    bool good = r->head.code >> 5 == 2, more = false;

    if (good ? s->from != 0 && is_other(s, r->head.etag)
             : s->from != 0 && r->head.code == IOT_COAP_CODE(4, 8)) {
        restart(x, s);
        return;
    }
    if (!good) {
        s->from = 0; /* in place of what had come */
    } else if (r->has_block2) {
        if (!fits(s, &r->block2, part.len)) {
            iot_coap_over(s, IOT_ERR_COAP_BLOCK, (int32_t)r->block2.number);
            return;
        }
        more = r->block2.more;
        if (r->block2.szx < s->down)
            s->down = r->block2.szx;
    } else if (s->from != 0) {
        iot_coap_over(s, IOT_ERR_COAP_BLOCK, 0);
        return;
    }
    if (r->head.code == IOT_COAP_CODE(2, 3)) {
        part.len = 0; /* RFC 7252 5.9.1.3 */
        more = false;
    }
    if (part.len > most - s->from || (more && r->block2.number == NUMBER_MAX)) {
        iot_coap_over(s, IOT_ERR_COAP_LIMIT, 0);
        return;
    }
    if (s->from == 0) {
        s->etag_len = (uint8_t)r->head.etag.len;
        if (s->etag_len != 0)
            memcpy(s->etag, r->head.etag.ptr, s->etag_len);
    }
    s->phase = IOT_COAP_PH_HANDED;
    s->got = (uint16_t)part.len;
    s->flags &= (uint8_t)~IOT_COAP_MORE;
    if (more)
        s->flags |= IOT_COAP_MORE;
    ev->what = IOT_COAP_PART;
    ev->first = s->from == 0;
    ev->last = !more;
    ev->slot = s;
    ev->req = s->req;
    ev->head = r->head;
    ev->head.observed = (s->flags & IOT_COAP_WATCHED) != 0;
    ev->offset = s->from;
    ev->part = part;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP client that is none, in the place of the real one, with the server behind it: it has one resource and every bad
 * habit. Only for programs that link no other iot_http_...; fake_tick is its share of a tick. */
#ifndef FAKE_HTTP_H
#define FAKE_HTTP_H

#include "test.h"

#include "iot/iot_http.h"

#define FAKE_SCRIPT 64u

enum fake_phase { FAKE_READY, FAKE_HEAD, FAKE_BODY, FAKE_END };

struct iot_http {
    /* The server; to be set. */
    const uint8_t *bytes;
    uint32_t size;
    const char *etag; /* "": none */
    uint32_t portion; /* of a body, in one tick; 0: all */
    uint32_t head_bytes;
    bool no_ranges;                 /* 200, always */
    bool no_if_range;               /* 206, whatever If-Range says */
    bool no_total;                  /* Content-Range: bytes a-b/ * */
    bool no_length;                 /* chunked, or to the connection's end */
    bool waits;                     /* what was not taken is offered after iot_http_resume only */
    uint32_t extra;                 /* bytes behind the resource's end */
    int32_t wrong_from;             /* a 206 begins so much elsewhere */
    uint32_t short_by;              /* a body ends earlier, in good order */
    uint32_t limit;                 /* a 206 has no more than so many bytes; 0: any */
    uint32_t record;                /* head and body larger than this do not fit; 0: any */
    uint16_t status[FAKE_SCRIPT];   /* of the n-th request; 0: as it should be */
    iot_err no_answer[FAKE_SCRIPT]; /* of the n-th request: it ends by this before its head */
    uint32_t cut_at;    /* after so many bytes of bodies, counted over all, the connection ends */
    uint32_t cut_every; /* and then again; 0: not */
    iot_err cut_err;
    iot_err start_err; /* iot_http_start says so */
    /* What was seen. */
    uint32_t requests, starts, sent, resumes, hang_ups;
    struct iot_http_request last;
    char last_if_range[IOT_HTTP_ETAG_MAX + 1];
    bool connected; /* the connection is kept until it is hung up */
    /* private */
    enum fake_phase phase;
    uint32_t at, end; /* of the body, in the resource */
    iot_err result;
    bool cancelled, cut, stalled;
};

iot_err iot_http_start(struct iot_http *h, const struct iot_http_request *request)
{
    h->starts++;
    if (h->start_err != IOT_OK)
        return h->start_err;
    if (h->phase != FAKE_READY)
        return IOT_ERR_STATE;
    h->last = *request;
    h->last_if_range[0] = '\0';
    if (request->if_range != NULL)
        strcpy(h->last_if_range, request->if_range);
    if (strncmp(request->url, "http", 4) != 0)
        return IOT_ERR_HTTP_URL;
    h->requests++;
    h->phase = FAKE_HEAD;
    h->cancelled = h->cut = h->stalled = false;
    h->result = IOT_OK;
    h->connected = true;
    return IOT_OK;
}

iot_err iot_http_cancel(struct iot_http *h)
{
    if (h->phase == FAKE_READY)
        return IOT_ERR_STATE;
    h->cancelled = true;
    return IOT_OK;
}

void iot_http_resume(struct iot_http *h)
{
    h->resumes++;
    h->stalled = false;
}

bool iot_http_ready(const struct iot_http *h)
{
    return h->phase == FAKE_READY;
}

void iot_http_hang_up(struct iot_http *h)
{
    h->hang_ups++;
}

bool iot_http_idle(const struct iot_http *h)
{
    return h->phase == FAKE_READY && !h->connected;
}

static inline void fake_end(struct iot_http *h, iot_err err)
{
    h->result = err;
    h->phase = FAKE_END;
}

static inline void fake_head(struct iot_http *h)
{
    const struct iot_http_request *r = &h->last;
    uint32_t n = h->requests - 1;
    struct iot_http_head head;
    iot_err err;

    memset(&head, 0, sizeof head);
    if (n < FAKE_SCRIPT && h->no_answer[n] != IOT_OK) {
        fake_end(h, h->no_answer[n]);
        return;
    }
    head.bytes = h->head_bytes;
    head.etag = text_bytes(h->etag);
    head.status = n < FAKE_SCRIPT ? h->status[n] : 0;
    h->at = 0;
    h->end = h->size + h->extra;
    if (head.status != 0) {
        h->end = 0;
    } else if (r->has_range && !h->no_ranges &&
               (r->if_range == NULL || h->no_if_range || strcmp(r->if_range, h->etag) == 0)) {
        if (r->range_from >= h->size) {
            head.status = 416;
            h->end = 0;
        } else {
            head.status = 206;
            head.partial = true;
            h->at = head.from = r->range_from + (uint32_t)h->wrong_from;
            h->end = r->range_to < h->size ? r->range_to + 1 : h->size;
            if (h->limit != 0 && h->end - h->at > h->limit)
                h->end = h->at + h->limit;
            head.has_total = !h->no_total;
            head.total = h->size;
        }
    } else {
        head.status = 200;
        head.has_total = !h->no_length;
        head.total = h->end;
    }
    head.has_length = !h->no_length;
    head.length = h->end - h->at;
    if (h->record != 0 && head.bytes + head.length > h->record) {
        fake_end(h, IOT_ERR_TLS_RECORD);
        return;
    }
    if (h->end > h->at + h->short_by)
        h->end -= h->short_by;
    h->phase = FAKE_BODY;
    err = r->on->head(r->ctx, &head);
    if (err != IOT_OK)
        fake_end(h, err);
}

static inline void fake_body(struct iot_http *h)
{
    const struct iot_http_request *r = &h->last;
    static const uint8_t more[4096];
    uint32_t n = h->end - h->at, used = 99;
    const uint8_t *from = h->at < h->size ? h->bytes + h->at : more;
    iot_err err;

    if (h->at < h->size && n > h->size - h->at)
        n = h->size - h->at;
    if (h->portion != 0 && n > h->portion)
        n = h->portion;
    if (n > h->cut_at - h->sent)
        n = h->cut_at - h->sent;
    if (n == 0) {
        bool cut = h->sent == h->cut_at && h->at != h->end;
        if (cut)
            h->cut_at = h->cut_every != 0 ? h->sent + h->cut_every : UINT32_MAX;
        fake_end(h, cut ? h->cut_err : IOT_OK);
        return;
    }
    err = r->on->body(r->ctx, h->at, guarded((struct iot_bytes){from, n}), &used);
    assert_true(used <= n);
    h->at += used;
    h->sent += used;
    h->stalled = err == IOT_ERR_AGAIN;
    if (err != IOT_OK && err != IOT_ERR_AGAIN)
        fake_end(h, err);
    else
        assert_true(err == IOT_ERR_AGAIN || used == n);
}

/* True: something went on. */
static inline bool fake_tick(struct iot_http *h)
{
    if (h->hang_ups != 0 && h->phase == FAKE_READY)
        h->connected = false;
    if (h->phase == FAKE_READY)
        return false;
    if (h->cancelled)
        fake_end(h, IOT_ERR_CLOSED);
    if (h->phase == FAKE_BODY && h->stalled && h->waits)
        return false;
    switch (h->phase) {
    case FAKE_READY:
        break;
    case FAKE_HEAD:
        fake_head(h);
        break;
    case FAKE_BODY:
        fake_body(h);
        break;
    case FAKE_END:
        h->phase = FAKE_READY;
        if (h->result != IOT_OK)
            h->connected = false;
        h->last.on->end(h->last.ctx, h->result, 77);
        break;
    }
    return true;
}

static inline void fake_init(struct iot_http *h, const uint8_t *bytes, uint32_t size)
{
    memset(h, 0, sizeof *h);
    h->bytes = bytes;
    h->size = size;
    h->etag = "\"v1\"";
    h->head_bytes = 300;
    h->cut_at = UINT32_MAX;
    h->cut_err = IOT_ERR_HTTP_CUT;
}

#endif

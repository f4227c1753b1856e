/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_web.h"

#include "world/world_loop.h"
#include "world/world_trace.h"
#include "world/world_wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lwip/tcp.h"

#define RETRY_MS 20u /* lwIP had no memory */
/* The client's window is to be what bounds the flow, not what our lwIP keeps for a client of its own. */
#define SEND_BYTES (4u * TCP_WND)
#if SEND_BYTES > 0xffff
#error "what a connection may send has 16 bits"
#endif

/* Which piece of a response comes next; with a length there is only the body. */
enum piece { PIECE_BODY, PIECE_SIZE, PIECE_DATA, PIECE_CRLF, PIECE_OVER };

/* One connection. lwIP's callbacks note and return. */
struct link {
    struct tcp_pcb *pcb; /* NULL: gone */
    bool used, eof, gone;
    uint32_t in_len;
    char in[WORLD_WEB_HEAD_MAX + 1];
    uint32_t unacked; /* bytes that the client's TCP has not confirmed */
    enum world_web_cut cut;
    /* the response under way */
    bool answering, last;
    char text[512];         /* head, or what stands around a chunk */
    struct iot_bytes piece; /* of which so much is to be written */
    bool in_image;          /* it is the image's */
    struct iot_bytes body;  /* still to come */
    uint32_t chunk;
    enum piece next;
};

static struct {
    struct world_web web;
    struct world_actor actor;
    struct link links[WORLD_WEB_LINKS_MAX];
    uint64_t due;
} server;

/* ---- lwIP's callbacks ------------------------------------------------------------------------- */

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct link *l = arg;
    (void)err;

    world_loop_stir(&server.actor);
    if (p == NULL) {
        l->eof = true;
        return ERR_OK;
    }
    uint32_t room = WORLD_WEB_HEAD_MAX - l->in_len, n = p->tot_len < room ? p->tot_len : room;
    pbuf_copy_partial(p, l->in + l->in_len, (u16_t)n, 0);
    l->in_len += n;
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t n)
{
    struct link *l = arg;
    (void)pcb;

    l->unacked -= n;
    world_loop_stir(&server.actor);
    return ERR_OK;
}

static void on_err(void *arg, err_t err)
{
    struct link *l = arg;
    (void)err;

    l->pcb = NULL; /* freed by lwIP */
    l->gone = true;
    world_loop_stir(&server.actor);
}

static struct link *find_free(void)
{
    for (uint32_t i = 0; i < WORLD_WEB_LINKS_MAX; i++)
        if (!server.links[i].used)
            return &server.links[i];
    return NULL;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct link *l = find_free();
    (void)arg;

    if (err != ERR_OK || pcb == NULL)
        return ERR_VAL;
    if (l == NULL) {
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    memset(l, 0, sizeof *l);
    l->pcb = pcb;
    l->used = true;
    server.web.accepted++;
    pcb->snd_buf = SEND_BYTES;
    tcp_nagle_disable(pcb);
    tcp_arg(pcb, l);
    tcp_recv(pcb, on_recv);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_err);
    return ERR_OK;
}

/* ---- Ends ------------------------------------------------------------------------------------- */

static void detach(struct tcp_pcb *pcb)
{
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
}

static void reset(struct link *l)
{
    if (l->pcb != NULL) {
        detach(l->pcb);
        tcp_abort(l->pcb);
    }
    l->used = false;
}

/* FIN behind what was written. */
static void end(struct link *l)
{
    detach(l->pcb);
    if (tcp_close(l->pcb) != ERR_OK)
        tcp_abort(l->pcb);
    l->used = false;
}

/* ---- Requests --------------------------------------------------------------------------------- */

/* Of a request whose head is in l->in and ends by NUL; NULL: there is none. Behind it is the rest of the head. */
static const char *header(const struct link *l, const char *name)
{
    const char *at = strcasestr(l->in, name); /* name: with "\r\n" before and ":" behind it */

    if (at == NULL)
        return NULL;
    at += strlen(name);
    return at + strspn(at, " \t");
}

static bool says(const char *value, const char *text)
{
    size_t n = strlen(text);
    return value != NULL && strncasecmp(value, text, n) == 0 && (value[n] == '\r' || value[n] == 0);
}

/* "bytes=A-B" or "bytes=A-": others are ignored (RFC 9110, section 14.2). */
static bool read_range(const char *value, uint64_t *from, uint64_t *to)
{
    char *at;

    if (value == NULL || strncasecmp(value, "bytes=", 6) != 0 || value[6] < '0' || value[6] > '9')
        return false;
    *from = strtoull(value + 6, &at, 10);
    if (*at++ != '-')
        return false;
    *to = UINT64_MAX;
    if (*at >= '0' && *at <= '9')
        *to = strtoull(at, &at, 10);
    return *at == '\r' && *from <= *to;
}

static const char *reason(uint32_t status)
{
    return status == 200   ? "OK"
           : status == 206 ? "Partial Content"
           : status == 416 ? "Range Not Satisfiable"
                           : "So It Is";
}

/* The head of an answer; `body` follows it if it is a GET. */
static void answer(struct link *l, uint32_t status, struct iot_bytes body, uint64_t from)
{
    const struct world_web *w = &server.web;
    bool is_head = strncmp(l->in, "HEAD ", 5) == 0;
    size_t n = 0;

#define ADD(...) n += (size_t)snprintf(l->text + n, sizeof l->text - n, __VA_ARGS__)
    l->chunk = body.len != 0 ? w->chunk : 0;
    ADD("HTTP/1.1 %u %s\r\nServer: world\r\n", status, reason(status));
    if (w->etag != NULL && status < 300)
        ADD("ETag: %s\r\n", w->etag);
    if (status == 206)
        ADD("Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%u\r\n", from, from + body.len - 1,
            w->image.len);
    if (status == 416)
        ADD("Content-Range: bytes */%u\r\n", w->image.len);
    if (l->chunk != 0)
        ADD("Transfer-Encoding: chunked\r\n");
    else
        ADD("Content-Length: %u\r\n", body.len);
    if (l->last)
        ADD("Connection: close\r\n");
    ADD("\r\n");
#undef ADD
    l->piece = (struct iot_bytes){(const uint8_t *)l->text, (uint32_t)n};
    l->in_image = false;
    l->body = body;
    l->next = is_head ? PIECE_OVER : l->chunk != 0 ? PIECE_SIZE : PIECE_BODY;
    l->answering = true;
}

static void serve_request(struct link *l)
{
    struct world_web *w = &server.web;
    const char *if_range = header(l, "\r\nIf-Range:");
    uint64_t from = 0, to = 0;

    if (w->later != 0 && w->requests >= w->later) {
        w->image = w->later_image;
        w->etag = w->later_etag;
        w->later = 0;
    }
    w->requests++;
    l->last = w->no_keep || says(header(l, "\r\nConnection:"), "close");
    struct iot_bytes all = w->image, none = {NULL, 0};
    if (strncmp(l->in, "GET ", 4) != 0 && strncmp(l->in, "HEAD ", 5) != 0) {
        answer(l, 405, none, 0);
    } else if (w->refusals != 0) {
        w->refusals--;
        answer(l, w->status, none, 0);
    } else if (w->no_ranges || !read_range(header(l, "\r\nRange:"), &from, &to) ||
               (if_range != NULL && (w->etag == NULL || !says(if_range, w->etag)))) {
        answer(l, 200, all, 0);
    } else if (from >= all.len) {
        answer(l, 416, none, 0);
    } else {
        to = to < all.len ? to : all.len - 1;
        answer(l, 206, (struct iot_bytes){all.ptr + from, (uint32_t)(to - from + 1)}, from);
    }
}

/* The next request, if all of its head is there and the one before is answered. False: it has too many bytes. */
static bool read_request(struct link *l)
{
    l->in[l->in_len] = '\0';
    char *stop = strstr(l->in, "\r\n\r\n");

    if (stop == NULL)
        return l->in_len < WORLD_WEB_HEAD_MAX;
    uint32_t n = (uint32_t)(stop + 4 - l->in);
    stop[2] = '\0';
    serve_request(l);
    l->in_len -= n;
    memmove(l->in, l->in + n, l->in_len);
    return true;
}

/* ---- Responses -------------------------------------------------------------------------------- */

static void take_text(struct link *l, enum piece next)
{
    l->piece = (struct iot_bytes){(const uint8_t *)l->text, (uint32_t)strlen(l->text)};
    l->in_image = false;
    l->next = next;
}

static void take_body(struct link *l, uint32_t n, enum piece next)
{
    l->piece = (struct iot_bytes){l->body.ptr, n};
    l->in_image = true;
    l->body.ptr += n;
    l->body.len -= n;
    l->next = next;
}

/* False: the response is over. */
static bool load_piece(struct link *l)
{
    uint32_t n = l->body.len < l->chunk ? l->body.len : l->chunk;

    switch (l->next) {
    case PIECE_BODY:
        take_body(l, l->body.len, PIECE_OVER);
        break;
    case PIECE_SIZE:
        snprintf(l->text, sizeof l->text, n != 0 ? "%x\r\n" : "%x\r\n\r\n", n);
        take_text(l, n != 0 ? PIECE_DATA : PIECE_OVER);
        break;
    case PIECE_DATA:
        take_body(l, n, PIECE_CRLF);
        break;
    case PIECE_CRLF:
        strcpy(l->text, "\r\n");
        take_text(l, PIECE_SIZE);
        break;
    case PIECE_OVER:
        return false;
    }
    return true;
}

/* Is it here that it ends? */
static bool is_cut(struct link *l)
{
    struct world_web *w = &server.web;

    if (w->cut != WORLD_WEB_WHOLE && w->sent >= w->cut_at) {
        world_trace("web: cut %d after %" PRIu64 " bytes", (int)w->cut, w->sent);
        l->cut = w->cut;
        w->cut = WORLD_WEB_WHOLE;
        w->cuts++;
    }
    return l->cut != WORLD_WEB_WHOLE;
}

/* Of the piece as much as lwIP takes now; 0: nothing. Short of memory, less may still fit. */
static uint32_t write_piece(struct link *l)
{
    const struct world_web *w = &server.web;
    uint32_t n = l->piece.len;

    n = n < tcp_sndbuf(l->pcb) ? n : tcp_sndbuf(l->pcb);
    if (w->cut != WORLD_WEB_WHOLE && n > w->cut_at - w->sent)
        n = (uint32_t)(w->cut_at - w->sent);
    for (; n != 0; n /= 2) {
        u8_t more = n < l->piece.len || l->next != PIECE_OVER ? TCP_WRITE_FLAG_MORE : 0;
        if (tcp_write(l->pcb, l->piece.ptr, (u16_t)n, TCP_WRITE_FLAG_COPY | more) == ERR_OK)
            return n;
    }
    return 0;
}

/* Each pass writes something or ends. */
static void write_response(struct link *l, uint64_t now)
{
    struct world_web *w = &server.web;
    bool wrote = false;

    while (l->answering) {
        if (l->piece.len == 0 && !load_piece(l)) {
            l->answering = false;
            break;
        }
        if (l->piece.len == 0)
            continue;
        if (is_cut(l))
            break;
        uint32_t n = write_piece(l);
        if (n == 0) { /* room comes with an acknowledgement, memory with time */
            server.due = now + RETRY_MS < server.due ? now + RETRY_MS : server.due;
            break;
        }
        wrote = true;
        l->piece.ptr += n;
        l->piece.len -= n;
        l->unacked += n;
        w->sent += n;
        w->bodies += l->in_image ? n : 0;
    }
    if (wrote)
        (void)tcp_output(l->pcb); /* else by lwIP's own timers */
}

/* ---- The tick --------------------------------------------------------------------------------- */

/* True: it has ended. */
static bool finish(struct link *l)
{
    if (l->gone)
        l->used = false;
    else if (l->cut == WORLD_WEB_CLOSE)
        end(l);
    else if ((l->cut == WORLD_WEB_RESET && l->unacked == 0) || (l->eof && l->answering))
        reset(l);
    else if (l->eof || (l->last && !l->answering))
        end(l);
    return !l->used;
}

static void serve(struct link *l, uint64_t now)
{
    bool had = true;

    while (had && !finish(l) && l->cut == WORLD_WEB_WHOLE) {
        if (!l->answering && !read_request(l)) {
            reset(l);
            return;
        }
        had = l->answering;
        write_response(l, now);
        had = had && (!l->answering || l->cut != WORLD_WEB_WHOLE);
    }
}

static uint64_t tick(void *ctx, uint64_t now)
{
    (void)ctx;
    server.due = WORLD_NEVER;
    for (uint32_t i = 0; i < WORLD_WEB_LINKS_MAX; i++)
        if (server.links[i].used)
            serve(&server.links[i], now);
    return server.due;
}

/* ---- From outside ----------------------------------------------------------------------------- */

struct world_web *world_web_start(void)
{
    ip_addr_t address = IPADDR4_INIT(lwip_htonl(WORLD_CLOUD_IP));
    struct tcp_pcb *pcb = tcp_new(), *listener = NULL;

    memset(&server, 0, sizeof server);
    if (pcb != NULL) {
        tcp_bind_netif(pcb, world_wire_cloud());
        if (tcp_bind(pcb, &address, WORLD_WEB_PORT) == ERR_OK)
            listener = tcp_listen(pcb);
    }
    if (listener == NULL)
        world_violation("web: lwIP does not listen");
    else
        tcp_accept(listener, on_accept);
    server.actor.tick = tick;
    server.actor.attention = WORLD_STIRRED;
    world_loop_add(&server.actor);
    return &server.web;
}

void world_web_forget(void)
{
    bool cut = world_lane(WORLD_DOWN)->cut;

    world_lane(WORLD_DOWN)->cut = true; /* a server that is gone says nothing */
    for (uint32_t i = 0; i < WORLD_WEB_LINKS_MAX; i++)
        if (server.links[i].used)
            reset(&server.links[i]);
    world_lane(WORLD_DOWN)->cut = cut;
    server.web.sent = server.web.bodies = 0;
    server.web.requests = server.web.accepted = server.web.cuts = 0;
}

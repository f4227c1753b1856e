/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a server on a desk: resources that write down how they are called, and hands that put datagrams in and take them out at
 * a time that the test says. */
#ifndef COAP_GUEST_H
#define COAP_GUEST_H

#include "coap_rig.h"

#include "coap/iot_coap_guest.h"

#define DESK_BODY_MAX 8192u

/* ---- Resources --------------------------------------------------------------------------- */

/* How one behaves, and what it has seen. */
struct thing {
    const char *name;
    uint8_t code; /* 0: as it is filled in */
    bool later, has_format;
    uint16_t format;
    uint32_t max_age_s, total;
    const char *etag;
    const uint8_t *body;
    uint32_t len;
    uint32_t source_len; /* not 0: from a source */
    iot_err source_err;
    /* Seen. */
    uint32_t calls, whole;     /* ... that were the last of their request */
    struct iot_coap_call call; /* the last; its slices are not valid */
    char rest[160];
    uint8_t options[512];
    uint32_t options_len;
    uint8_t got[DESK_BODY_MAX]; /* the body that came */
    uint32_t got_len;
    uint8_t body_of[4][DESK_BODY_MAX]; /* ... of each peer */
    uint32_t len_of[4];
    bool mixed;         /* several bodies of a peer may be under way */
    uint32_t refuse_at; /* not 0: 4.13 from that offset on */
    void (*hook)(void);
};

enum { BIG, FILES, FILES_OWN, LIGHT, LOG, MANY, NEWS, OWN, PAPER, SAFE, SECRET, SLOW, THINGS };

static struct thing things[THINGS];

static inline iot_err thing_source(void *ctx, uint32_t offset, uint8_t *into, uint32_t cap,
                                   uint32_t *got, bool *last)
{
    struct thing *t = ctx;
    uint32_t left = offset < t->source_len ? t->source_len - offset : 0;

    if (t->source_err != IOT_OK)
        return t->source_err;
    *got = left < cap ? left : cap;
    *last = left <= cap;
    for (uint32_t i = 0; i < *got; i++)
        into[i] = pattern(offset + i);
    return IOT_OK;
}

static inline void thing_call(void *ctx, const struct iot_coap_call *call,
                              struct iot_coap_answer *answer)
{
    struct thing *t = ctx;

    assert_ptr_equal(call->resource->ctx, ctx);
    assert_int_equal(answer->code,
                     iot_coap_unsafe(call->method) ? IOT_COAP_CODE(2, 4) : IOT_COAP_CODE(2, 5));
    assert_int_equal(answer->body.cap, IOT_COAP_BODY_BYTES);
    t->calls++;
    t->whole += call->last;
    t->call = *call;
    snprintf(t->rest, sizeof t->rest, "%s", call->rest);
    t->options_len = call->options.len < sizeof t->options ? call->options.len : 0;
    if (t->options_len != 0)
        memcpy(t->options, call->options.ptr, t->options_len);
    uint32_t peer = call->peer.addr[3] % 4u;
    if (call->offset == 0)
        t->len_of[peer] = 0;
    if (!t->mixed)
        assert_int_equal(call->offset, t->len_of[peer]);
    assert_true(call->part.len <= DESK_BODY_MAX - t->len_of[peer]);
    if (call->part.len != 0)
        memcpy(t->body_of[peer] + t->len_of[peer], call->part.ptr, call->part.len);
    t->got_len = t->len_of[peer] += call->part.len;
    memcpy(t->got, t->body_of[peer], t->got_len);
    if (t->hook != NULL)
        t->hook();
    if (t->code != 0)
        answer->code = t->code;
    if (t->refuse_at != 0 && call->offset >= t->refuse_at)
        answer->code = IOT_COAP_CODE(4, 13);
    answer->has_format = t->has_format;
    answer->format = t->format;
    answer->has_max_age = t->max_age_s != 0;
    answer->max_age_s = t->max_age_s;
    answer->total = t->total;
    if (t->etag != NULL)
        answer->etag = text_bytes(t->etag);
    if (t->source_len != 0)
        answer->source = thing_source;
    else if (t->len != 0)
        iot_writer_put(&answer->body, t->body, t->len);
    answer->later = t->later && call->id != 0;
}

#define THING(n) thing_call, &things[n]
#define CAN(m)   IOT_COAP_CAN_##m

static const struct iot_coap_resource resources[] = {
    {"big", CAN(GET) | CAN(FETCH), NULL, THING(BIG)},
    {"files", CAN(GET) | CAN(PUT) | IOT_COAP_SUBTREE | IOT_COAP_OBSERVABLE, NULL, THING(FILES)},
    {"files/own", CAN(GET), NULL, THING(FILES_OWN)},
    {"light", CAN(GET) | CAN(PUT) | IOT_COAP_OBSERVABLE | IOT_COAP_OPEN, "rt=\"light\"",
     THING(LIGHT)},
    {"log", CAN(GET), NULL, THING(LOG)},
    {"many", CAN(GET) | CAN(PUT) | IOT_COAP_OPEN | IOT_COAP_MULTICAST, NULL, THING(MANY)},
    {"news", CAN(GET) | IOT_COAP_OBSERVABLE | IOT_COAP_NOTIFY_NON, NULL, THING(NEWS)},
    {"own", CAN(POST) | IOT_COAP_OPEN | IOT_COAP_NO_ECHO | IOT_COAP_MULTICAST, NULL, THING(OWN)},
    {"paper", CAN(GET) | CAN(POST) | CAN(PUT) | CAN(DELETE) | CAN(FETCH) | IOT_COAP_OPEN, NULL,
     THING(PAPER)},
    {"safe", CAN(GET) | CAN(PUT), NULL, THING(SAFE)},
    {"secret", CAN(GET) | CAN(PUT) | IOT_COAP_SECRET, NULL, THING(SECRET)},
    {"slow", CAN(GET) | CAN(POST) | IOT_COAP_OPEN | IOT_COAP_OBSERVABLE, NULL, THING(SLOW)},
};

/* Discovery is tested elsewhere: a list that is as long as the test wants. */
static uint32_t links_len = 12;
static bool links_none;

__attribute__((weak)) bool iot_coap_links(const struct iot_coap_resource *table, uint16_t count,
                                          struct iot_bytes options, struct iot_writer *w)
{
    (void)table;
    (void)count;
    (void)options;
    for (uint32_t i = 0; i < links_len && !links_none; i++)
        iot_writer_text(w, "x");
    return !links_none;
}

/* ---- The desk ---------------------------------------------------------------------------- */

struct desk {
    struct iot_coap_serve x;
    iot_time now;
    uint32_t room;
    struct iot_coap_via to;        /* of what left last */
    uint8_t bytes[IOT_COAP_BYTES]; /* it */
    uint32_t len;
    struct iot_coap_message m;
    uint8_t echo[40]; /* that came last */
    uint32_t echo_len;
    uint16_t id; /* of the last request */
};

static struct desk desk;

static inline uint32_t desk_room(void *ctx, const struct iot_coap_via *via)
{
    (void)ctx;
    (void)via;
    return desk.room;
}

/* Not one for use. */
static inline void desk_mac(void *ctx, struct iot_bytes text, uint8_t out[8])
{
    uint32_t a = iot_coap_hash(77, text.ptr, text.len), b = iot_coap_hash(a, text.ptr, text.len);

    (void)ctx;
    memcpy(out, &a, 4);
    memcpy(out + 4, &b, 4);
}

static inline void desk_init(uint32_t seed)
{
    const struct iot_coap_serve_rules rules = {resources, COUNT(resources), 0,
                                               NULL,      desk_room,        desk_mac};

    memset(&desk, 0, sizeof desk);
    memset(things, 0, sizeof things);
    for (uint32_t i = 0; i < THINGS; i++)
        things[i].name = resources[i].path;
    links_len = 12;
    links_none = false;
    desk.now = 5000000;
    desk.room = IOT_COAP_BYTES;
    desk.id = 100;
    iot_coap_serve_init(&desk.x, &rules, seed);
}

static inline int desk_setup(void **state)
{
    (void)state;
    desk_init(7);
    return 0;
}

/* Peer number n, at a port; and number n over DTLS. */
static inline struct iot_coap_via udp(uint32_t n)
{
    struct iot_coap_via via;

    memset(&via, 0, sizeof via);
    via.peer.addr[0] = 10;
    via.peer.addr[3] = (uint8_t)n;
    via.peer.port = 40000;
    via.peer.family = 4;
    return via;
}

static inline struct iot_coap_via dtls(uint32_t n)
{
    struct iot_coap_via via = udp(n);

    via.session = n;
    return via;
}

static inline void desk_take(const struct iot_coap_via *via, struct iot_bytes bytes, bool to_many)
{
    assert_false(iot_coap_serve_owes(&desk.x));
    assert_true(bytes.len <= sizeof desk.x.bytes);
    memset(desk.x.bytes, 0xaa, sizeof desk.x.bytes);
    memcpy(desk.x.bytes, bytes.ptr, bytes.len);
    iot_coap_serve_take(&desk.x, via, text_bytes(via->session != 0 ? "who" : ""), to_many,
                        bytes.len, desk.now);
}

/* What leaves now; false: nothing. It is the same when it is asked for twice. */
static inline bool desk_out(void)
{
    struct iot_coap_via to;
    struct iot_bytes out, twice;
    struct iot_coap_option o;
    iot_err err = iot_coap_serve_next(&desk.x, desk.now, &desk.to, &out);

    if (err == IOT_ERR_AGAIN) {
        assert_true(iot_coap_serve_deadline(&desk.x) > desk.now);
        return false;
    }
    assert_int_equal(err, IOT_OK);
    assert_int_equal(iot_coap_serve_deadline(&desk.x), 0);
    assert_int_equal(iot_coap_serve_next(&desk.x, desk.now, &to, &twice), IOT_OK);
    assert_ptr_equal(out.ptr, twice.ptr);
    assert_int_equal(out.len, twice.len);
    assert_memory_equal(&to, &desk.to, sizeof to);
    assert_true(out.len <= desk.room);
    memcpy(desk.bytes, out.ptr, out.len);
    desk.len = out.len;
    iot_coap_serve_sent(&desk.x, desk.now);
    assert_int_equal(iot_coap_decode((struct iot_bytes){desk.bytes, desk.len}, &desk.m), IOT_OK);
    if (option_of(&desk.m, IOT_COAP_ECHO, &o)) {
        memcpy(desk.echo, o.value.ptr, o.value.len);
        desk.echo_len = o.value.len;
    }
    return true;
}

static inline void desk_after(uint32_t ms)
{
    desk.now += ms;
}

/* On to the moment at which it wants to be asked; false: there is none within `most_ms`. */
static inline bool desk_on(uint32_t most_ms)
{
    iot_time at = iot_coap_serve_deadline(&desk.x);

    if (at > desk.now + most_ms) {
        desk.now += most_ms;
        return false;
    }
    desk.now = at > desk.now ? at : desk.now;
    return true;
}

/* ---- Requests ---------------------------------------------------------------------------- */

struct ask {
    struct iot_coap_via via;
    uint8_t type, code;
    uint16_t id; /* 0: the next */
    const char *token, *path, *query, *tag, *etag, *host;
    int64_t observe, format, accept, block1, block2; /* -1: none */
    uint16_t odd;                                    /* an option that nobody knows, 0: none */
    bool echo;                                       /* what was asked for last */
    bool to_many;
    struct iot_bytes body;
    struct made made; /* the datagram */
};

static inline struct ask asking(uint8_t code, const char *path)
{
    struct ask a = {.code = code,
                    .path = path,
                    .token = "tok",
                    .observe = -1,
                    .format = -1,
                    .accept = -1,
                    .block1 = -1,
                    .block2 = -1};

    a.via = udp(1);
    return a;
}

static inline void put_texts(struct iot_coap_encoder *e, uint16_t number, const char *text,
                             char between)
{
    if (text != NULL && *text == '\0')
        return;
    while (text != NULL) {
        const char *end = strchr(text, between);
        uint32_t n = end != NULL ? (uint32_t)(end - text) : (uint32_t)strlen(text);
        iot_coap_put(e, number, (struct iot_bytes){(const uint8_t *)text, n});
        text = end != NULL ? end + 1 : NULL;
    }
}

static inline void put_number(struct iot_coap_encoder *e, uint16_t number, int64_t value)
{
    if (value >= 0)
        iot_coap_put_uint(e, number, (uint32_t)value);
}

static inline void put_odd(struct iot_coap_encoder *e, const struct ask *a, uint16_t above)
{
    if (a->odd != 0 && a->odd >= e->number && a->odd < above)
        iot_coap_put(e, a->odd, text_bytes("?"));
}

static inline void build(struct ask *a)
{
    struct iot_coap_encoder *e = &a->made.e;

    if (a->id == 0)
        a->id = ++desk.id;
    make(&a->made, a->type, a->code, a->id, text_bytes(a->token));
    if (a->host != NULL)
        iot_coap_put(e, IOT_COAP_URI_HOST, text_bytes(a->host));
    if (a->etag != NULL)
        iot_coap_put(e, IOT_COAP_ETAG, text_bytes(a->etag));
    put_number(e, IOT_COAP_OBSERVE, a->observe);
    put_odd(e, a, 11);
    put_texts(e, IOT_COAP_URI_PATH, a->path, '/');
    put_number(e, IOT_COAP_CONTENT_FORMAT, a->format);
    put_texts(e, IOT_COAP_URI_QUERY, a->query, '&');
    put_number(e, IOT_COAP_ACCEPT, a->accept);
    put_number(e, IOT_COAP_BLOCK2, a->block2);
    put_number(e, IOT_COAP_BLOCK1, a->block1);
    put_odd(e, a, 252);
    if (a->echo)
        iot_coap_put(e, IOT_COAP_ECHO, (struct iot_bytes){desk.echo, desk.echo_len});
    put_odd(e, a, 292);
    if (a->tag != NULL)
        iot_coap_put(e, IOT_COAP_REQUEST_TAG, text_bytes(a->tag));
    put_odd(e, a, 65535);
    iot_coap_put_payload(e, a->body);
}

/* What it is answered at once: the code, or 0: nothing; an empty message is -1. */
static inline int give_again(const struct ask *a)
{
    desk_take(&a->via, made_bytes(&a->made), a->to_many);
    if (!iot_coap_serve_owes(&desk.x))
        return 0;
    assert_true(desk_out());
    assert_memory_equal(&desk.to, &a->via, sizeof a->via);
    assert_false(iot_coap_serve_owes(&desk.x));
    return desk.m.code == 0 ? -1 : desk.m.code;
}

/* As a client does: another id each time, and Echo if it is wanted. */
static inline int give_ask(struct ask *a)
{
    a->id = 0;
    build(a);
    int code = give_again(a);
    if (code > 0) {
        assert_int_equal(desk.m.type, a->type == IOT_COAP_CON ? IOT_COAP_ACK : IOT_COAP_NON);
        if (a->type == IOT_COAP_CON)
            assert_int_equal(desk.m.id, a->id);
        assert_int_equal(desk.m.token.len, strlen(a->token));
        assert_memory_equal(desk.m.token.ptr, a->token, desk.m.token.len);
    }
    return code;
}

static inline int give_known(struct ask *a)
{
    int code = give_ask(a);

    if (code != IOT_COAP_CODE(4, 1) || option_uint(&desk.m, IOT_COAP_ECHO) < 0)
        return code;
    a->echo = true;
    return give_ask(a);
}

static inline void give_bare(const struct iot_coap_via *via, uint8_t type, uint16_t id)
{
    struct made made;

    make(&made, type, 0, id, (struct iot_bytes){NULL, 0});
    desk_take(via, made_bytes(&made), false);
}

#define C(c, d) ((int)IOT_COAP_CODE(c, d))

static inline void assert_payload(const void *bytes, uint32_t len)
{
    assert_int_equal(desk.m.payload.len, len);
    assert_memory_equal(desk.m.payload.ptr, bytes, len);
}

#endif

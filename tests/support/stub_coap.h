/* SPDX-License-Identifier: Apache-2.0 */
/* A device with two clients of CoAP over stub datagrams, with a trace of what their handlers were told, for a test program that
 * includes this once. DTLS is a fake that carries datagrams as they are. */
#ifndef STUB_COAP_H
#define STUB_COAP_H

#include "stub_device.h"

#include "coap/iot_coap_codec.h"
#include "logged_dgram.h"

static struct iot_coap hub, other;
static struct iot_coap_options options, other_options;
static struct logged_dgram net, other_net;
static struct iot_coap_request ask;
static iot_ticket ticket;
static char said[65536];
static iot_err head_says, body_says, random_says;
static uint32_t ends;
static int32_t end_detail;
static void (*in_head)(void), (*in_body)(void), (*in_whole)(void), (*in_end)(iot_err err);
static uint32_t chance;
static uint64_t arena[1024];
static struct iot_tls_options tls;

/* ---- DTLS that is none ------------------------------------------------------------------- */

static uint32_t parks;
static bool kept; /* what iot_dtls_is_kept says */

#if IOT_FEATURE_DTLS
static bool psk_source; /* that the last client had */

static inline struct iot_dgram *below(const struct iot_dgram *d)
{
    return ((const struct iot_dtls *)(const void *)d)->lower;
}

static inline iot_err fake_open(struct iot_dgram *d, const struct iot_endpoint *to, iot_time now)
{
    return logged_dgram_open(below(d), to, now);
}

static inline iot_err fake_poll(struct iot_dgram *d, iot_time now)
{
    return logged_dgram_poll(below(d), now);
}

static inline iot_err fake_read(struct iot_dgram *d, uint8_t *into, uint32_t cap, uint32_t *got)
{
    return logged_dgram_read(below(d), into, cap, got);
}

static inline iot_err fake_write(struct iot_dgram *d, struct iot_bytes bytes, iot_time now)
{
    return logged_dgram_write(below(d), bytes, now);
}

static inline uint32_t fake_room(const struct iot_dgram *d)
{
    return logged_dgram_room(below(d));
}

static inline void fake_close(struct iot_dgram *d, iot_time deadline)
{
    logged_dgram_close(below(d), deadline);
}

static inline void fake_abort(struct iot_dgram *d)
{
    logged_dgram_abort(below(d));
}

static inline iot_time fake_deadline(const struct iot_dgram *d)
{
    return logged_dgram_deadline(below(d));
}

static inline bool fake_idle(const struct iot_dgram *d)
{
    return logged_dgram_idle(below(d));
}

static inline int32_t fake_detail(const struct iot_dgram *d)
{
    return logged_dgram_detail(below(d));
}

static const struct iot_dgram_ops fake_ops = {
    fake_open,  fake_poll,  fake_read,     fake_write, fake_room,
    fake_close, fake_abort, fake_deadline, fake_idle,  fake_detail,
};

void iot_dtls_init(struct iot_dtls *d, struct iot_dgram *lower, const struct iot_tls_options *o,
                   const struct iot_dtls_options *dtls, const struct iot_port *port)
{
    (void)dtls, (void)port;
    memset(d, 0, sizeof *d);
    d->base.ops = &fake_ops;
    d->lower = lower;
    d->core.opt = o;
}

iot_err iot_dtls_check(const struct iot_tls_options *o, const struct iot_dtls_options *dtls,
                       bool source)
{
    (void)dtls;
    psk_source = source;
    return o->arena != NULL ? IOT_OK : IOT_ERR_ARG;
}

void iot_dtls_park(struct iot_dtls *d)
{
    struct logged_dgram *s = logged_dgram_of(d->lower);
    assert_int_equal(s->state, DGRAM_UP);
    parks++;
    s->close_deadline = s->now + 500; /* kv is slow */
    s->state = DGRAM_CLOSING;
}

bool iot_dtls_is_kept(const struct iot_dtls *d)
{
    (void)d;
    return kept;
}
#endif

/* ---- Handlers ---------------------------------------------------------------------------- */

static inline void say(const char *format, ...)
{
    size_t n = strlen(said);
    va_list args;
    va_start(args, format);
    vsnprintf(said + n, sizeof said - n, format, args);
    va_end(args);
}

static inline void assert_said(const char *what)
{
    assert_string_equal(said, what);
    said[0] = '\0';
}

/* "hub " is not said, as nearly all is about it. */
static inline iot_err on_head(void *ctx, const struct iot_coap_head *head)
{
    say("%shead %u.%02u%s\n", (const char *)ctx, head->code >> 5, head->code & 31u,
        head->observed ? " observed" : "");
    if (in_head != NULL)
        in_head();
    return head_says;
}

static inline iot_err on_body(void *ctx, uint32_t offset, struct iot_bytes part)
{
    assert_int_not_equal(part.len, 0);
    say("%sbody %u '%.*s'\n", (const char *)ctx, (unsigned)offset,
        part.len > 16 ? 3 : (int)part.len, (const char *)part.ptr);
    if (in_body != NULL)
        in_body();
    return body_says;
}

static inline void on_whole(void *ctx)
{
    say("%swhole\n", (const char *)ctx);
    if (in_whole != NULL)
        in_whole();
}

static inline void on_end(void *ctx, iot_err err, int32_t detail)
{
    ends++;
    end_detail = detail;
    say("%send %s\n", (const char *)ctx, iot_err_name(err));
    if (in_end != NULL)
        in_end(err);
}

static const struct iot_coap_handlers handlers = {on_head, on_body, on_whole, on_end};

static inline iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    if (random_says == IOT_OK)
        for (uint32_t i = 0; i < n; i++)
            ((uint8_t *)into)[i] = (uint8_t)(chance = chance * 1664525u + 1013904223u);
    return random_says;
}

static const struct iot_port stub_coap_port = {.random = random_bytes};

/* ---- Begin ------------------------------------------------------------------------------- */

/* Options, and a device that is not begun. */
static inline int stub_coap_blank(void **state)
{
    (void)state;
    stub_device_setup(&stub_coap_port);
    logged_dgram_init(&net);
    logged_dgram_init(&other_net);
    memset(&options, 0, sizeof options);
    memset(&tls, 0, sizeof tls);
    memset(&hub, 0xee, sizeof hub);
    memset(&other, 0xee, sizeof other);
    options.host = "hub.example";
    other_options = options;
    options.dgram = &net.base;
    other_options.dgram = &other_net.base;
    tls.arena = arena;
    tls.arena_bytes = sizeof arena;
    ask =
        (struct iot_coap_request){.method = IOT_COAP_GET, .path = "/x", .on = &handlers, .ctx = ""};
    head_says = body_says = random_says = IOT_OK;
    ends = parks = 0;
    kept = false;
    in_head = in_body = in_whole = NULL;
    in_end = NULL;
    said[0] = '\0';
    chance = 7;
    return 0;
}

static inline void begin(void)
{
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    assert_err(iot_coap_init(&hub, &dev, &options), IOT_OK);
}

static inline int stub_coap_setup(void **state)
{
    stub_coap_blank(state);
    begin();
    return 0;
}

static inline int stub_coap_secure(void **state)
{
    stub_coap_blank(state);
    options.tls = &tls;
    begin();
    return 0;
}

/* ---- The server -------------------------------------------------------------------------- */

static inline void start(void)
{
    assert_err(iot_coap_start(&hub, &ask, &ticket), IOT_OK);
    run(0);
}

static inline struct iot_coap_message sent_to(const struct logged_dgram *s, uint32_t index)
{
    struct iot_coap_message m;
    assert_true(index < s->tx_count);
    assert_err(iot_coap_decode((struct iot_bytes){s->tx[index].bytes, s->tx[index].len}, &m),
               IOT_OK);
    return m;
}

static inline struct iot_coap_message last_sent(void)
{
    return sent_to(&net, net.tx_count - 1);
}

/* A message with the token of `m`: in an acknowledgement, with its id; else with one of its own. */
static inline void give(struct logged_dgram *s, const struct iot_coap_message *m, uint8_t type,
                        uint8_t code, int observe, uint32_t block, const char *body)
{
    static uint16_t id = 40000;
    uint8_t bytes[LOGGED_DGRAM_MAX];
    struct iot_coap_encoder e;
    bool empty = code == 0;

    iot_coap_encode(&e, bytes, sizeof bytes, type, code,
                    type == IOT_COAP_ACK || type == IOT_COAP_RST ? m->id : ++id,
                    empty ? (struct iot_bytes){NULL, 0} : m->token);
    if (observe >= 0)
        iot_coap_put_uint(&e, IOT_COAP_OBSERVE, (uint32_t)observe);
    if (block != UINT32_MAX)
        iot_coap_put_uint(&e, IOT_COAP_BLOCK2, block);
    iot_coap_put_payload(&e, text_bytes(body));
    assert_false(e.overflow);
    logged_dgram_receive(s, (struct iot_bytes){bytes, e.len});
}

static inline void answer(uint8_t code, const char *body)
{
    struct iot_coap_message m = last_sent();
    give(&net, &m, IOT_COAP_ACK, code, -1, UINT32_MAX, body);
    run(0);
}

#define CONTENT IOT_COAP_CODE(2, 5)

#endif

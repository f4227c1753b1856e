/* SPDX-License-Identifier: Apache-2.0 */
/* Chance against a client of CoAP: a server that answers nearly well, a channel that starves, shrinks and breaks, and handlers
 * that start, cancel, put off and hang up. Each request ends once, a body has no gaps, a source writes where it may, and when all is
 * silent everything ends and the tick sleeps. */
#include "stub_coap.h"

#define SEEDS    200u
#define STEPS    300u
#define APPS     32u
#define OUR_BODY 3000u

static struct app {
    struct iot_coap_request request;
    iot_ticket ticket;
    bool live;
    uint32_t at; /* in the response's body */
} apps[APPS];

static uint8_t our_body[OUR_BODY];
static uint32_t live, last_random;
static bool no_more;

static uint32_t any(uint32_t below)
{
    last_random ^= last_random << 13;
    last_random ^= last_random >> 17;
    last_random ^= last_random << 5;
    return last_random % below;
}

/* ---- The application --------------------------------------------------------------------- */

static void begin_any(void);

static void do_any(void)
{
    struct app *a = &apps[any(APPS)];

    if (any(16) == 0)
        begin_any();
    if (any(16) == 0 && a->live)
        (void)iot_coap_cancel(&hub, a->ticket);
    if (any(32) == 0)
        iot_coap_resume(&hub);
    if (any(50) == 0)
        (void)iot_coap_park(&hub);
    if (any(50) == 0)
        (void)iot_coap_hang_up(&hub);
}

static iot_err any_head(void *ctx, const struct iot_coap_head *head)
{
    struct app *a = ctx;

    (void)head;
    assert_true(a->live);
    a->at = 0;
    do_any();
    return any(60) == 0 ? IOT_ERR_SIZE : IOT_OK;
}

static iot_err any_body(void *ctx, uint32_t offset, struct iot_bytes part)
{
    struct app *a = ctx;

    assert_true(a->live);
    assert_int_equal(offset, a->at);
    do_any();
    if (any(12) == 0)
        return IOT_ERR_AGAIN;
    a->at += part.len;
    return any(60) == 0 ? IOT_ERR_SIZE : IOT_OK;
}

static void any_whole(void *ctx)
{
    struct app *a = ctx;

    assert_true(a->live);
    do_any();
}

static void any_end(void *ctx, iot_err err, int32_t detail)
{
    struct app *a = ctx;

    (void)err, (void)detail;
    assert_true(a->live);
    a->live = false;
    live--;
    do_any();
}

static iot_err any_source(void *ctx, uint32_t offset, uint8_t *into, uint32_t cap, uint32_t *got,
                          bool *is_last)
{
    struct app *a = ctx;

    assert_true(a->live);
    assert_true(into >= hub.bytes && into + cap <= hub.bytes + sizeof hub.bytes);
    assert_true(offset <= OUR_BODY);
    if (any(10) == 0)
        return IOT_ERR_AGAIN;
    *got = OUR_BODY - offset < cap ? OUR_BODY - offset : cap;
    *is_last = offset + *got == OUR_BODY;
    memcpy(into, our_body + offset, *got);
    return IOT_OK;
}

static void begin_any(void)
{
    static const struct iot_coap_handlers all = {any_head, any_body, any_whole, any_end};
    static const struct iot_coap_handlers few = {NULL, NULL, NULL, any_end};
    struct app *a = &apps[any(APPS)];
    struct iot_coap_request *r = &a->request;

    if (a->live || no_more)
        return;
    memset(r, 0, sizeof *r);
    r->method = (uint8_t)any(IOT_COAP_IPATCH + 1);
    r->on = any(8) != 0 ? &all : &few;
    r->ctx = a;
    if (r->method != IOT_COAP_PING) {
        r->path = any(2) != 0 ? "/a/b?c" : NULL;
        r->non = any(4) == 0;
    }
    if (r->method == IOT_COAP_GET || r->method == IOT_COAP_FETCH)
        r->observe = any(2) != 0;
    r->repeatable = any(2) != 0;
    if (r->method != IOT_COAP_PING && r->method != IOT_COAP_GET && r->method != IOT_COAP_DELETE) {
        uint32_t how = any(3);
        if (how == 0)
            r->body = (struct iot_bytes){our_body, any(OUR_BODY)};
        else if (how == 1)
            r->source = any_source;
    }
    r->block_bytes = (uint16_t)(any(3) != 0 ? 0 : 16u << any(7));
    r->response_ms = any(3) != 0 ? 0 : 1 + any(20000);
    r->max_bytes = any(3) != 0 ? 0 : 1 + any(3000);
    if (iot_coap_start(&hub, r, &a->ticket) == IOT_OK) {
        a->live = true;
        live++;
    }
}

/* ---- The server -------------------------------------------------------------------------- */

static int64_t said_in(const struct iot_coap_message *m, uint16_t number)
{
    struct iot_coap_cursor at = {m->options, 0};
    struct iot_coap_option o;

    while (iot_coap_next(&at, &o))
        if (o.number == number)
            return iot_coap_uint(&o);
    return -1;
}

/* What answers `m`, or nearly does. */
static void put_any(struct iot_coap_encoder *e, const struct iot_coap_message *m, uint8_t code)
{
    static uint32_t order;
    static uint8_t zeros[1024];
    int64_t up = said_in(m, IOT_COAP_BLOCK1), down = said_in(m, IOT_COAP_BLOCK2);
    uint32_t szx = down >= 0 ? (uint32_t)down & 7u : any(7), len = any(40);
    uint32_t number = down >= 0 ? (uint32_t)down >> 4 : 0;
    bool more = any(4) != 0;

    if (any(8) == 0)
        iot_coap_put_uint(e, IOT_COAP_ETAG, 1 + any(2));
    if ((said_in(m, IOT_COAP_OBSERVE) == 0 && any(4) != 0) || any(10) == 0)
        iot_coap_put_uint(e, IOT_COAP_OBSERVE, (order += any(3)) & 0xffffff);
    if (any(6) == 0)
        iot_coap_put_uint(e, IOT_COAP_MAX_AGE, any(30));
    if (any(12) == 0)
        szx = any(8);
    if (any(15) == 0)
        number += any(3);
    if (down >= 0 || any(3) == 0) {
        if (more && any(10) != 0)
            len = 16u << (szx < 6 ? szx : 6);
        iot_coap_put_uint(e, IOT_COAP_BLOCK2, number << 4 | (more ? 8u : 0u) | szx);
    }
    if (up >= 0 && any(10) != 0)
        iot_coap_put_uint(e, IOT_COAP_BLOCK1,
                          any(10) != 0 ? (uint32_t)up : ((uint32_t)up & ~7u) | any(8));
    if (code == IOT_COAP_CODE(4, 1) && any(3) != 0)
        iot_coap_put_uint(e, IOT_COAP_ECHO, 1 + any(100000));
    if (any(40) == 0)
        iot_coap_put_uint(e, 65001, 1);
    iot_coap_put_payload(e, (struct iot_bytes){zeros, len});
}

static void answer_any(void)
{
    static const uint8_t codes[] = {
        IOT_COAP_CODE(2, 5),
        IOT_COAP_CODE(2, 5),
        IOT_COAP_CODE(2, 5),
        IOT_COAP_CODE(2, 4),
        IOT_COAP_CODE(2, 3),
        IOT_COAP_CODE(4, 1),
        IOT_COAP_CODE(2, 31),
        IOT_COAP_CODE(2, 31),
        IOT_COAP_CODE(4, 8),
        IOT_COAP_CODE(4, 4),
        IOT_COAP_CODE(4, 13),
        IOT_COAP_CODE(5, 3),
        IOT_COAP_CODE(7, 0),
        IOT_COAP_GET,
        0,
        0,
    };
    static uint16_t next_id;
    uint8_t bytes[LOGGED_DGRAM_MAX], code = codes[any(sizeof codes)];
    uint8_t type = any(3) != 0 ? IOT_COAP_ACK : (uint8_t)any(4);
    struct iot_coap_encoder e;

    if (net.state != DGRAM_UP || net.tx_count == 0)
        return;
    struct iot_coap_message m = sent_to(
        &net, net.tx_count - 1 - (any(2) != 0 ? 0 : any(net.tx_count < 6 ? net.tx_count : 6)));
    if (m.type != IOT_COAP_CON && m.type != IOT_COAP_NON)
        return;
    next_id = (uint16_t)(next_id + (any(5) != 0));
    iot_coap_encode(&e, bytes, sizeof bytes, type, code,
                    type == IOT_COAP_ACK || type == IOT_COAP_RST ? m.id : next_id,
                    code != 0 ? m.token : (struct iot_bytes){NULL, 0});
    if (code != 0)
        put_any(&e, &m, code);
    assert_false(e.overflow);
    if (any(30) == 0)
        e.len = any(e.len + 1);
    if (any(30) == 0 && e.len != 0)
        bytes[any(e.len)] ^= (uint8_t)(1u << any(8));
    for (uint32_t copies = any(10) == 0 ? 2 : 1; copies != 0; copies--)
        logged_dgram_receive(&net, (struct iot_bytes){bytes, e.len});
}

/* ---- The channel ------------------------------------------------------------------------- */

/* Its lists are short. */
static void tidy(struct logged_dgram *s)
{
    if (s->tx_count > LOGGED_DGRAMS_MAX / 2) {
        memmove(s->tx, s->tx + s->tx_count - 10, 10 * sizeof s->tx[0]);
        s->tx_count = 10;
    }
    memmove(s->rx, s->rx + s->rx_at, (s->rx_count - s->rx_at) * sizeof s->rx[0]);
    s->rx_count -= s->rx_at;
    s->rx_at = 0;
}

static void trouble(void)
{
    if (any(50) == 0 && net.state == DGRAM_UP)
        logged_dgram_end(&net, IOT_ERR_TLS_CLOSED, 0);
    if (any(20) == 0)
        logged_dgram_allow(&net, any(3) != 0 ? UINT32_MAX : any(3));
    if (any(20) == 0)
        net.room = any(3) != 0 ? 1400 : any(3) != 0 ? 548 : any(200);
    if (any(30) == 0) {
        net.connects = any(4) != 0;
        net.connect_says = any(4) != 0 ? IOT_OK : IOT_ERR_TLS_ALERT;
    }
}

static void calm(void)
{
    no_more = true;
    net.connects = net.closes = true;
    net.connect_says = IOT_OK;
    net.room = 1400;
    logged_dgram_allow(&net, UINT32_MAX);
}

static void whatever_happens_each_request_ends_once(void **state)
{
    for (uint32_t seed = 1; seed <= SEEDS; seed++) {
        last_random = seed * 2654435761u | 1u;
        stub_coap_blank(state);
#if IOT_FEATURE_DTLS
        if (seed % 2 == 0)
            options.tls = &tls;
#endif
        options.doubt_after = (uint8_t)any(4);
        options.keep_ms = any(3) != 0 ? 0 : 1 + any(20000);
        options.probing_rate = any(2) != 0 ? 0 : 100;
        begin();
        memset(apps, 0, sizeof apps);
        live = 0;
        no_more = false;
        for (uint32_t step = 0; step < STEPS; step++) {
            if (any(4) == 0)
                begin_any();
            for (uint32_t n = any(4); n != 0; n--)
                answer_any();
            trouble();
            do_any();
            run(any(3) != 0 ? any(200) : any(8000));
            tidy(&net);
        }
        calm();
        for (uint32_t i = 0; i < APPS; i++)
            if (apps[i].live)
                (void)iot_coap_cancel(&hub, apps[i].ticket);
        for (uint32_t s = 0; s < 3600 && live != 0; s++) {
            run(1000);
            tidy(&net);
        }
        if (live != 0)
            fail_msg("seed %u: %u requests have no end", (unsigned)seed, (unsigned)live);
        (void)iot_coap_hang_up(&hub);
        run(3000);
        assert_true(iot_coap_idle(&hub));
        assert_true(iot_sleep_ms(&dev, now_ms) >= 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_each_request_ends_once),
    };
    return cmocka_run_group_tests_name("coap_hostile", tests, NULL, NULL);
}

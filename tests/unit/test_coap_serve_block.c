/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies in blocks both ways (RFC 7959), and who has to show that it is there (RFC 9175). */
#include "coap_guest.h"

/* ---- What is sent ------------------------------------------------------------------------ */

static struct iot_coap_block block_of(uint16_t number)
{
    struct iot_coap_block block = {0, false, 9};
    struct iot_coap_option o;

    if (option_of(&desk.m, number, &o))
        assert_true(iot_coap_block_read(&o, &block));
    return block;
}

static uint32_t etag_of(void)
{
    int64_t etag = option_uint(&desk.m, IOT_COAP_ETAG);

    assert_true(etag >= 0);
    return (uint32_t)etag;
}

/* All of "big" or "log", as a client with such blocks asks for it. */
static void fetch(struct ask *a, uint32_t len, uint32_t szx)
{
    uint32_t at = 0;
    struct iot_coap_block b;

    for (;;) {
        a->block2 = BLOCK(at >> (4 + szx), 0, szx);
        assert_int_equal(give_known(a), C(2, 5));
        b = block_of(IOT_COAP_BLOCK2);
        assert_true(b.szx <= szx);
        assert_int_equal(b.number << (4 + b.szx), at);
        assert_int_equal(b.more, at + (16u << b.szx) < len);
        assert_int_equal(desk.m.payload.len, b.more ? 16u << b.szx : len - at);
        assert_memory_equal(desk.m.payload.ptr, pattern_bytes(len) + at, desk.m.payload.len);
        assert_int_equal(option_uint(&desk.m, IOT_COAP_SIZE2), at == 0 ? (int64_t)len : -1);
        at += desk.m.payload.len;
        szx = b.szx;
        if (!b.more)
            break;
    }
    assert_int_equal(at, len);
}

static void a_body_comes_in_blocks_of_any_size(void **state)
{
    (void)state;
    static const uint32_t lens[] = {1, 15, 16, 17, 500, 1000, 1023, 1024};

    for (uint32_t szx = 0; szx <= 6; szx++) {
        for (uint32_t i = 0; i < COUNT(lens); i++) {
            struct ask a = asking(i % 2 != 0 ? IOT_COAP_GET : IOT_COAP_FETCH, "big");
            a.via = dtls(1);
            things[BIG].body = pattern_bytes(lens[i]);
            things[BIG].len = lens[i];
            fetch(&a, lens[i], szx);
        }
    }
}

static void a_source_is_asked_for_each_block(void **state)
{
    (void)state;
    for (uint32_t szx = 0; szx <= 6; szx++) {
        struct ask a = asking(IOT_COAP_GET, "log");
        a.via = dtls(1);
        things[LOG].source_len = things[LOG].total = 5000;
        fetch(&a, 5000, szx);
    }
}

static void blocks_fit_into_what_may_go_this_way(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_GET, "big");

    a.via = dtls(1);
    things[BIG].body = pattern_bytes(1000);
    things[BIG].len = 1000;
    for (desk.room = 128; desk.room <= IOT_COAP_BYTES; desk.room += 32)
        fetch(&a, 1000, 6);
    /* Also who asks for none. */
    desk.room = 300;
    a.block2 = -1;
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(block_of(IOT_COAP_BLOCK2).szx, 3);
    assert_true(block_of(IOT_COAP_BLOCK2).more);
    desk.room = IOT_COAP_BYTES;
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(block_of(IOT_COAP_BLOCK2).szx, 9);
    assert_int_equal(desk.m.payload.len, 1000);
}

static void blocks_of_one_body_have_one_etag_and_of_another_another(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_GET, "big");
    uint32_t etag;

    a.via = dtls(1);
    things[BIG].body = pattern_bytes(1000);
    things[BIG].len = 1000;
    a.block2 = BLOCK(0, 0, 4);
    assert_int_equal(give_ask(&a), C(2, 5));
    etag = etag_of();
    a.block2 = BLOCK(3, 0, 4);
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(etag_of(), etag);
    things[BIG].body = pattern_bytes(1000) + 1;
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_not_equal(etag_of(), etag);
    things[BIG].etag = "1";
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(etag_of(), '1');
}

static void blocks_that_are_none_are_errors(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_GET, "big");

    a.via = dtls(1);
    things[BIG].body = pattern_bytes(100);
    things[BIG].len = 100;
    a.block2 = 7; /* SZX 7 */
    assert_int_equal(give_ask(&a), C(4, 0));
    a.block2 = BLOCK(0, 0, 0) | 7;
    assert_int_equal(give_ask(&a), C(4, 0));
    a.block2 = BLOCK(6, 0, 0);
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(desk.m.payload.len, 4);
    a.block2 = BLOCK(7, 0, 0);
    assert_int_equal(give_ask(&a), C(4, 0));
    a.block2 = BLOCK(0xfffff, 0, 6);
    assert_int_equal(give_ask(&a), C(4, 0));
    things[BIG].len = 0;
    a.block2 = BLOCK(0, 0, 0);
    assert_int_equal(give_ask(&a), C(2, 5));
    a.block2 = BLOCK(1, 0, 0);
    assert_int_equal(give_ask(&a), C(4, 0));
    a.path = "log";
    things[LOG].source_len = 5000;
    a.block2 = BLOCK(5, 0, 6);
    assert_int_equal(give_ask(&a), C(4, 0));
    things[LOG].source_err = IOT_ERR_AGAIN;
    a.block2 = BLOCK(1, 0, 6);
    assert_int_equal(give_ask(&a), C(5, 3));
    things[LOG].source_err = IOT_ERR_SIZE;
    assert_int_equal(give_ask(&a), C(5, 0));
}

/* ---- What comes -------------------------------------------------------------------------- */

/* One block of `len` pattern bytes, as a PUT of a client that is known. */
static int put_block(struct ask *a, uint32_t len, uint32_t number, uint32_t szx)
{
    uint32_t at = number << (4 + szx), size = 16u << szx;
    bool more = at + size < len;

    a->block1 = BLOCK(number, more, szx);
    a->body = (struct iot_bytes){pattern_bytes(len) + at, more ? size : len - at};
    int code = give_known(a);
    if (code > 0 && option_uint(&desk.m, IOT_COAP_BLOCK1) >= 0)
        assert_int_equal(option_uint(&desk.m, IOT_COAP_BLOCK1), a->block1);
    return code;
}

static void put_all(struct ask *a, struct thing *t, uint32_t len, uint32_t szx)
{
    uint32_t n = (len + (16u << szx) - 1) >> (4 + szx), whole = t->whole;

    for (uint32_t i = 0; i + 1 < n; i++) {
        assert_int_equal(put_block(a, len, i, szx), C(2, 31));
        assert_int_equal(option_uint(&desk.m, IOT_COAP_BLOCK1), a->block1);
    }
    assert_int_equal(put_block(a, len, n - 1, szx), C(2, 4));
    assert_int_equal(option_uint(&desk.m, IOT_COAP_BLOCK1), a->block1);
    assert_int_equal(t->whole, whole + 1);
    assert_int_equal(t->got_len, len);
    assert_memory_equal(t->got, pattern_bytes(len), len);
}

static void a_body_is_handed_in_order_whatever_its_blocks_are(void **state)
{
    (void)state;
    for (uint32_t szx = 0; szx <= 6; szx++) {
        for (uint32_t len = 1; len < (80u << szx); len += 7u << szx) {
            struct ask a = asking(IOT_COAP_PUT, "light");
            a.via = szx % 2 != 0 ? dtls(1) : udp(1);
            put_all(&a, &things[LIGHT], len, szx);
            desk_after(20000);
        }
    }
    assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
}

static void a_block_that_is_not_the_next_ends_the_body(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_PUT, "light");

    a.via = dtls(1);
    assert_int_equal(put_block(&a, 100, 1, 0), C(4, 8)); /* nothing began */
    assert_int_equal(put_block(&a, 100, 6, 0), C(4, 8));
    assert_int_equal(things[LIGHT].calls, 0);
    assert_int_equal(put_block(&a, 100, 0, 0), C(2, 31));
    assert_int_equal(put_block(&a, 100, 2, 0), C(4, 8));
    assert_int_equal(put_block(&a, 100, 1, 0), C(4, 8));
    assert_int_equal(things[LIGHT].calls, 1);
    put_all(&a, &things[LIGHT], 100, 0); /* from the beginning it goes */
}

static void a_block_that_comes_again_is_not_handed_again(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_PUT, "light");

    a.via = dtls(1);
    assert_int_equal(put_block(&a, 100, 0, 0), C(2, 31));
    assert_int_equal(put_block(&a, 100, 1, 0), C(2, 31));
    assert_int_equal(give_again(&a), C(2, 31));           /* a copy */
    assert_int_equal(put_block(&a, 100, 1, 0), C(2, 31)); /* ... by another id */
    assert_int_equal(things[LIGHT].calls, 2);
    for (uint32_t i = 2; i < 6; i++)
        assert_int_equal(put_block(&a, 100, i, 0), C(2, 31));
    assert_int_equal(put_block(&a, 100, 6, 0), C(2, 4));
    assert_int_equal(give_again(&a), C(2, 4));
    assert_int_equal(things[LIGHT].calls, 7);
    assert_int_equal(things[LIGHT].whole, 1);
}

static void number_0_begins_anew(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_PUT, "light");

    a.via = dtls(1);
    assert_int_equal(put_block(&a, 100, 0, 0), C(2, 31));
    assert_int_equal(put_block(&a, 100, 1, 0), C(2, 31));
    put_all(&a, &things[LIGHT], 100, 1);
    assert_int_equal(put_block(&a, 100, 0, 0), C(2, 31));
    a.body = text_bytes("short");
    a.block1 = BLOCK(0, 0, 2);
    assert_int_equal(give_ask(&a), C(2, 4));
    assert_int_equal(things[LIGHT].got_len, 5);
    assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
}

static void blocks_that_are_not_full_are_errors(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_PUT, "light");

    a.via = dtls(1);
    a.block1 = BLOCK(0, 1, 0);
    a.body = text_bytes("0123456789abcde");
    assert_int_equal(give_ask(&a), C(4, 0));
    a.body = text_bytes("0123456789abcdefg");
    assert_int_equal(give_ask(&a), C(4, 0));
    a.block1 = BLOCK(0, 0, 0);
    assert_int_equal(give_ask(&a), C(4, 0));
    a.block1 = 7;
    assert_int_equal(give_ask(&a), C(4, 0));
    assert_int_equal(things[LIGHT].calls, 0);
}

static void two_bodies_are_told_apart_by_peer_path_query_and_tag(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_PUT, "light"), b = a;

    a.via = b.via = dtls(1);
    a.tag = "a";
    b.tag = "b";
    assert_int_equal(put_block(&a, 40, 0, 0), C(2, 31));
    assert_int_equal(put_block(&b, 40, 1, 0), C(4, 8));
    assert_int_equal(put_block(&a, 40, 1, 0), C(2, 31));
    b.tag = NULL;
    assert_int_equal(put_block(&b, 40, 2, 0), C(4, 8));
    b.tag = "a";
    b.query = "x";
    assert_int_equal(put_block(&b, 40, 2, 0), C(4, 8));
    b.query = NULL;
    b.path = "paper";
    assert_int_equal(put_block(&b, 40, 2, 0), C(4, 8));
    b.path = "light";
    b.via = dtls(2);
    assert_int_equal(put_block(&b, 40, 2, 0), C(4, 8));
    assert_int_equal(put_block(&a, 40, 2, 0), C(2, 4));
    assert_int_equal(things[LIGHT].got_len, 40);
}

static void a_body_that_does_not_go_on_is_forgotten(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_PUT, "light");

    a.via = dtls(1);
    assert_int_equal(put_block(&a, 40, 0, 0), C(2, 31));
    assert_int_equal(iot_coap_serve_deadline(&desk.x), desk.now + IOT_COAP_BODY_MS);
    desk_after(IOT_COAP_BODY_MS);
    assert_false(desk_out());
    assert_int_equal(put_block(&a, 40, 1, 0), C(4, 8));
    /* Nor does one go on for ever. */
    uint32_t n = 0;
    while (put_block(&a, 100000, n, 0) == C(2, 31)) {
        desk_after(IOT_COAP_BODY_MS - 1);
        assert_false(desk_out());
        n++;
    }
    assert_int_equal(n, IOT_COAP_BODY_S * 1000 / (IOT_COAP_BODY_MS - 1) + 1);
    assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
}

static void a_handler_may_refuse_a_body_on_the_way(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_PUT, "light");

    a.via = dtls(1);
    things[LIGHT].refuse_at = 32;
    things[LIGHT].total = 32;
    assert_int_equal(put_block(&a, 100, 0, 0), C(2, 31));
    assert_int_equal(option_uint(&desk.m, IOT_COAP_SIZE1), -1);
    assert_int_equal(put_block(&a, 100, 1, 0), C(2, 31));
    assert_int_equal(put_block(&a, 100, 2, 0), C(4, 13));
    assert_int_equal(option_uint(&desk.m, IOT_COAP_SIZE1), 32);
    assert_int_equal(give_again(&a), C(4, 13));
    assert_int_equal(things[LIGHT].calls, 3);
    assert_int_equal(put_block(&a, 100, 3, 0), C(4, 8));
    assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
}

static void bodies_are_bounded_and_a_host_has_its_share(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_PUT, "light");
    const uint32_t share = (IOT_COAP_CALLS + 1) / 2;
    static const char *const tags[] = {"1", "2", "3", "4", "5", "6", "7", "8"};

    a.via = dtls(1);
    for (uint32_t i = 0; i < share; i++) {
        a.tag = tags[i];
        assert_int_equal(put_block(&a, 100, 0, 0), C(2, 31));
    }
    a.tag = "x";
    assert_int_equal(put_block(&a, 100, 0, 0), C(5, 3));
    assert_true(option_uint(&desk.m, IOT_COAP_MAX_AGE) > 0);
    for (uint32_t i = share; i < IOT_COAP_CALLS; i++) {
        a.via = dtls(i + 2);
        assert_int_equal(put_block(&a, 100, 0, 0), C(2, 31));
    }
    a.via = dtls(50);
    assert_int_equal(put_block(&a, 100, 0, 0), C(5, 3));
}

static void an_upload_may_have_an_answer_in_blocks(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_POST, "paper");
    const uint32_t len = 100;

    a.via = dtls(1);
    things[PAPER].body = pattern_bytes(len);
    things[PAPER].len = len;
    things[PAPER].code = IOT_COAP_CODE(2, 5);
    a.block2 = BLOCK(0, 0, 1);
    assert_int_equal(put_block(&a, 200, 0, 3), C(2, 31));
    assert_int_equal(put_block(&a, 200, 1, 3), C(2, 5));
    assert_int_equal(option_uint(&desk.m, IOT_COAP_BLOCK2), BLOCK(0, 1, 1));
    assert_int_equal(things[PAPER].got_len, 200);
    assert_payload(pattern_bytes(len), 32);
    uint32_t etag = etag_of();
    assert_int_equal(give_again(&a), C(2, 5));
    assert_int_equal(option_uint(&desk.m, IOT_COAP_BLOCK2), BLOCK(0, 1, 1));
    a.block1 = -1;
    a.body.len = 0;
    for (uint32_t i = 1; i < 4; i++) {
        a.block2 = BLOCK(i, 0, 1);
        assert_int_equal(give_ask(&a), C(2, 5));
        assert_int_equal(option_uint(&desk.m, IOT_COAP_BLOCK2), BLOCK(i, i < 3, 1));
        assert_payload(pattern_bytes(len) + 32 * i, i < 3 ? 32 : 4);
        assert_int_equal(etag_of(), etag);
    }
    assert_int_equal(things[PAPER].whole, 1);
    a.block2 = BLOCK(4, 0, 1);
    assert_int_equal(give_ask(&a), C(4, 0));
    a.block2 = BLOCK(1, 0, 1);
    a.query = "other";
    assert_int_equal(give_ask(&a), C(4, 8));
    assert_int_equal(things[PAPER].calls, 2);
}

static void a_question_in_blocks_may_have_an_answer_in_blocks(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_FETCH, "paper");

    a.via = dtls(1);
    a.tag = "t";
    things[PAPER].body = pattern_bytes(40);
    things[PAPER].len = 40;
    a.block2 = BLOCK(0, 0, 1);
    assert_int_equal(put_block(&a, 200, 0, 3), C(2, 31));
    assert_int_equal(put_block(&a, 200, 1, 3), C(2, 5));
    a.block1 = -1;
    a.body.len = 0;
    a.block2 = BLOCK(1, 0, 1);
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_payload(pattern_bytes(40) + 32, 8);
    assert_int_equal(things[PAPER].whole, 1); /* its body is not there any more */
    assert_int_equal(things[PAPER].got_len, 200);
}

/* ---- Echo -------------------------------------------------------------------------------- */

static void over_udp_nothing_is_changed_before_the_peer_has_shown_that_it_is_there(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_PUT, "light");

    a.body = text_bytes("on");
    assert_int_equal(give_ask(&a), C(4, 1));
    assert_true(option_uint(&desk.m, IOT_COAP_ECHO) >= 0);
    assert_int_equal(desk.m.payload.len, 0);
    assert_int_equal(things[LIGHT].calls, 0);
    a.echo = true;
    assert_int_equal(give_ask(&a), C(2, 4));
    assert_int_equal(things[LIGHT].calls, 1);
    desk_after(IOT_COAP_FRESH_MS - 100);
    assert_int_equal(give_ask(&a), C(2, 4)); /* good for more than one */
    assert_int_equal(desk.x.counters.echoes, 1);
    desk_after(101);
    assert_int_equal(give_ask(&a), C(4, 1)); /* old */
    assert_int_equal(give_ask(&a), C(2, 4));
    /* Over DTLS nobody is asked. */
    a.via = dtls(1);
    a.echo = false;
    assert_int_equal(give_ask(&a), C(2, 4));
}

static void what_was_shown_by_another_peer_or_made_up_is_nothing(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_PUT, "light");

    assert_int_equal(give_ask(&a), C(4, 1));
    uint8_t good[40];
    uint32_t len = desk.echo_len;
    memcpy(good, desk.echo, len);
    a.echo = true;
    a.via = udp(2);
    assert_int_equal(give_ask(&a), C(4, 1));
    a.via = udp(1);
    a.via.peer.port++;
    memcpy(desk.echo, good, len);
    assert_int_equal(give_ask(&a), C(4, 1));
    a.via = udp(1);
    for (uint32_t bit = 0; bit < 8 * len; bit++) {
        memcpy(desk.echo, good, len);
        desk.echo[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(give_ask(&a), C(4, 1));
    }
    for (uint32_t n = 1; n < len; n++) {
        memcpy(desk.echo, good, len);
        desk.echo_len = n;
        assert_int_equal(give_ask(&a), C(4, 1));
    }
    memcpy(desk.echo, good, len);
    desk.echo_len = len;
    assert_int_equal(give_ask(&a), C(2, 4));
    assert_int_equal(things[LIGHT].calls, 1);
}

static void a_datagram_of_before_is_not_executed_again(void **state)
{
    (void)state;
    struct ask old = asking(IOT_COAP_PUT, "light"), a = asking(IOT_COAP_PUT, "paper");
    uint32_t replays = 0;

    assert_int_equal(give_known(&old), C(2, 4));
    /* Its answer is pushed out, while its Echo is new; then it gets old. */
    for (uint32_t i = 0; i < 40; i++) {
        if (i < 8)
            assert_int_equal(give_known(&a), C(2, 4));
        desk_after(500);
        int code = give_again(&old);
        assert_true(code == C(2, 4) || code == C(4, 1));
        replays += code == C(4, 1);
        assert_int_equal(things[LIGHT].calls, 1);
    }
    assert_true(replays > 10);
    desk_after(300000);
    assert_int_equal(give_again(&old), C(4, 1));
    assert_int_equal(things[LIGHT].calls, 1);
}

static void each_kind_of_state_wants_echo_and_what_needs_none_does_not(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_GET, "light");

    assert_int_equal(give_ask(&a), C(2, 5));
    a.observe = 0;
    assert_int_equal(give_ask(&a), C(4, 1));
    assert_int_equal(things[LIGHT].calls, 1);
    a.observe = 1;
    assert_int_equal(give_ask(&a), C(2, 5));
    a.path = "paper"; /* cannot be observed: nothing is kept */
    a.observe = 0;
    assert_int_equal(give_ask(&a), C(2, 5));
    a = asking(IOT_COAP_FETCH, "paper");
    a.block1 = BLOCK(0, 1, 0);
    a.body = text_bytes("0123456789abcdef");
    assert_int_equal(give_ask(&a), C(4, 1));
    static const uint8_t methods[] = {IOT_COAP_POST, IOT_COAP_PUT, IOT_COAP_DELETE};
    for (uint32_t i = 0; i < COUNT(methods); i++) {
        a = asking(methods[i], "paper");
        assert_int_equal(give_ask(&a), C(4, 1));
        assert_true(option_uint(&desk.m, IOT_COAP_ECHO) >= 0);
    }
    /* A protocol of its own. */
    a = asking(IOT_COAP_POST, "own");
    assert_int_equal(give_ask(&a), C(2, 4));
    a.block1 = BLOCK(0, 1, 0);
    a.body = text_bytes("0123456789abcdef");
    assert_int_equal(give_ask(&a), C(4, 1)); /* but for memory */
}

static void who_is_not_known_gets_no_more_than_three_times_what_it_sent(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_GET, "big");

    for (uint32_t len = 0; len < 200; len++) {
        a = asking(IOT_COAP_GET, "big");
        things[BIG].body = pattern_bytes(len);
        things[BIG].len = len;
        build(&a);
        int code = give_again(&a);
        if (code == C(2, 5))
            assert_true(desk.len <= 3 * made_bytes(&a.made).len);
        else
            assert_int_equal(code, C(4, 1));
        assert_int_equal(code == C(2, 5),
                         7 + (len != 0 ? 1 + len : 0) <= 3 * made_bytes(&a.made).len);
        a.echo = true;
        if (code != C(2, 5))
            assert_int_equal(give_ask(&a), C(2, 5));
        assert_int_equal(desk.m.payload.len, len);
    }
    a = asking(IOT_COAP_GET, ".well-known/core");
    links_len = 900;
    assert_int_equal(give_ask(&a), C(4, 1));
    a.echo = true;
    desk_after(IOT_COAP_THERE_MS); /* for longer than what changes something */
    assert_int_equal(give_ask(&a), C(2, 5));
    desk_after(1);
    assert_int_equal(give_ask(&a), C(4, 1));
    a.echo = false;
    a.via = dtls(1);
    assert_int_equal(give_ask(&a), C(2, 5));
}

static void without_dtls_only_what_is_open_may_be_changed_and_secrets_not_read(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_PUT, "safe");

    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(give_ask(&a), C(4, 1));
        assert_int_equal(option_uint(&desk.m, IOT_COAP_ECHO), -1);
        a.path = "secret";
    }
    a.code = IOT_COAP_GET;
    assert_int_equal(give_ask(&a), C(4, 1));
    assert_int_equal(option_uint(&desk.m, IOT_COAP_ECHO), -1);
    a.path = "safe";
    assert_int_equal(give_ask(&a), C(2, 5));
    a.via = dtls(1);
    for (uint32_t i = 0; i < 2; i++) {
        a.code = IOT_COAP_PUT;
        assert_int_equal(give_ask(&a), C(2, 4));
        a.code = IOT_COAP_GET;
        assert_int_equal(give_ask(&a), C(2, 5));
        a.path = "secret";
    }
}

#define CASE(f) cmocka_unit_test_setup(f, desk_setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_body_comes_in_blocks_of_any_size),
        CASE(a_source_is_asked_for_each_block),
        CASE(blocks_fit_into_what_may_go_this_way),
        CASE(blocks_of_one_body_have_one_etag_and_of_another_another),
        CASE(blocks_that_are_none_are_errors),
        CASE(a_body_is_handed_in_order_whatever_its_blocks_are),
        CASE(a_block_that_is_not_the_next_ends_the_body),
        CASE(a_block_that_comes_again_is_not_handed_again),
        CASE(number_0_begins_anew),
        CASE(blocks_that_are_not_full_are_errors),
        CASE(two_bodies_are_told_apart_by_peer_path_query_and_tag),
        CASE(a_body_that_does_not_go_on_is_forgotten),
        CASE(a_handler_may_refuse_a_body_on_the_way),
        CASE(bodies_are_bounded_and_a_host_has_its_share),
        CASE(an_upload_may_have_an_answer_in_blocks),
        CASE(a_question_in_blocks_may_have_an_answer_in_blocks),
        CASE(over_udp_nothing_is_changed_before_the_peer_has_shown_that_it_is_there),
        CASE(what_was_shown_by_another_peer_or_made_up_is_nothing),
        CASE(a_datagram_of_before_is_not_executed_again),
        CASE(each_kind_of_state_wants_echo_and_what_needs_none_does_not),
        CASE(who_is_not_known_gets_no_more_than_three_times_what_it_sent),
        CASE(without_dtls_only_what_is_open_may_be_changed_and_secrets_not_read),
    };
    return cmocka_run_group_tests_name("coap_serve_block", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that come later (RFC 7252 5.2.2), and requests to a group (8.2). */
#include "coap_guest.h"

static struct iot_coap_answer answer;

static void say_later(const char *text)
{
    iot_coap_serve_answer_init(&desk.x, IOT_COAP_GET, &answer);
    iot_writer_text(&answer.body, text);
    assert_int_equal(iot_coap_serve_answer(&desk.x, things[SLOW].call.id, &answer, desk.now),
                     IOT_OK);
}

/* A request that is taken, and not answered. */
static struct ask begin(uint8_t code)
{
    struct ask a = asking(code, "slow");

    a.via = dtls(1);
    things[SLOW].later = true;
    assert_int_equal(give_ask(&a), 0);
    assert_int_not_equal(things[SLOW].call.id, 0);
    return a;
}

/* ---- Separate answers -------------------------------------------------------------------- */

static void who_answers_at_once_answers_in_the_acknowledgement(void **state)
{
    (void)state;
    struct ask a = begin(IOT_COAP_GET);

    desk_after(900);
    assert_false(desk_out());
    say_later("now");
    assert_true(desk_out());
    assert_int_equal(desk.m.type, IOT_COAP_ACK);
    assert_int_equal(desk.m.id, a.id);
    assert_int_equal(desk.m.code, IOT_COAP_CODE(2, 5));
    assert_payload("now", 3);
    assert_false(desk_out());
    assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
}

/* What comes in a second is that it was heard. */
static void heard(const struct ask *a)
{
    assert_true(desk_on(1000));
    assert_true(desk_out());
    assert_int_equal(desk.len, 4);
    assert_int_equal(desk.m.type, IOT_COAP_ACK);
    assert_int_equal(desk.m.id, a->id);
}

static void who_answers_later_acknowledges_first_and_answers_by_a_message_of_its_own(void **state)
{
    (void)state;
    for (uint32_t way = 0; way < 2; way++) {
        struct ask a = begin(IOT_COAP_GET);
        heard(&a);
        desk_after(30000);
        assert_false(desk_out());
        say_later("late");
        assert_true(desk_out());
        assert_int_equal(desk.m.type, IOT_COAP_CON);
        assert_int_equal(desk.m.token.len, 3);
        assert_memory_equal(desk.m.token.ptr, "tok", 3);
        assert_payload("late", 4);
        assert_false(desk_out());
        give_bare(&a.via, way == 0 ? IOT_COAP_ACK : IOT_COAP_RST, desk.m.id);
        assert_false(desk_on(100000));
        assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
    }
}

static void an_answer_is_sent_five_times_and_given_up(void **state)
{
    (void)state;
    uint8_t first[IOT_COAP_BYTES];
    uint32_t len = 0, n = 0, times[5];
    iot_time begun;
    struct ask a = begin(IOT_COAP_GET);

    heard(&a);
    say_later("late");
    begun = desk.now;
    while (iot_coap_serve_deadline(&desk.x) != IOT_TIME_NEVER) {
        desk_on(100000);
        if (!desk_out())
            break;
        assert_true(n < 5);
        if (n == 0)
            memcpy(first, desk.bytes, len = desk.len);
        assert_int_equal(desk.len, len);
        assert_memory_equal(desk.bytes, first, len);
        times[n++] = (uint32_t)(desk.now - begun);
    }
    assert_int_equal(n, 5);
    assert_in_range(times[1], 2000, 3000);
    for (uint32_t i = 2; i < 5; i++)
        assert_int_equal(times[i] - times[i - 1], (times[1]) << (i - 1));
    assert_int_equal(desk.now - begun, times[1] * 31);
    assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
    assert_int_equal(desk.x.counters.repeated, 4);
}

static void foreign_acknowledgements_and_resets_end_nothing(void **state)
{
    (void)state;
    struct ask a = begin(IOT_COAP_GET);
    struct iot_coap_via other = dtls(2), plain = udp(1);

    heard(&a);
    say_later("late");
    assert_true(desk_out());
    uint16_t id = desk.m.id;
    for (uint8_t type = IOT_COAP_ACK; type <= IOT_COAP_RST; type++) {
        give_bare(&other, type, id);
        give_bare(&plain, type, id);
        give_bare(&a.via, type, (uint16_t)(id + 1));
        give_bare(&a.via, type, a.id);
    }
    assert_int_equal(desk.x.counters.ignored, 8);
    assert_true(desk_on(3000));
    assert_true(desk_out());
    assert_int_equal(desk.m.id, id);
}

static void a_copy_meanwhile_is_acknowledged_and_not_executed(void **state)
{
    (void)state;
    static const uint8_t codes[] = {IOT_COAP_GET, IOT_COAP_POST};

    for (uint32_t i = 0; i < COUNT(codes); i++) {
        struct ask a = begin(codes[i]);
        uint32_t calls = things[SLOW].calls;
        desk_after(100);
        assert_int_equal(give_again(&a), -1);
        assert_int_equal(desk.m.type, IOT_COAP_ACK);
        assert_int_equal(desk.m.id, a.id);
        assert_false(desk_on(1500)); /* no other acknowledgement */
        assert_int_equal(give_again(&a), -1);
        assert_int_equal(things[SLOW].calls, calls);
        say_later("x");
        assert_true(desk_out());
        assert_int_equal(desk.m.type, IOT_COAP_CON); /* as it was acknowledged */
        give_bare(&a.via, IOT_COAP_ACK, desk.m.id);
        if (codes[i] == IOT_COAP_POST) {
            assert_int_equal(give_again(&a), C(2, 5));
            assert_payload("x", 1);
            assert_int_equal(things[SLOW].calls, calls);
        }
        desk_after(300000);
    }
}

static void what_is_not_answered_in_time_is_unavailable(void **state)
{
    (void)state;
    struct ask a = begin(IOT_COAP_GET);
    uint32_t id = things[SLOW].call.id;
    iot_time begun = desk.now;

    heard(&a);
    assert_true(desk_on(IOT_COAP_LATER_MS));
    assert_in_range(desk.now - begun, IOT_COAP_LATER_MS, IOT_COAP_LATER_MS + 1000);
    assert_true(desk_out());
    assert_int_equal(desk.m.code, IOT_COAP_CODE(5, 3));
    assert_int_equal(desk.m.type, IOT_COAP_CON);
    iot_coap_serve_answer_init(&desk.x, IOT_COAP_GET, &answer);
    assert_int_equal(iot_coap_serve_answer(&desk.x, id, &answer, desk.now), IOT_ERR_STATE);
}

static void a_request_that_nobody_confirms_is_not_acknowledged(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_GET, "slow");

    a.via = dtls(1);
    a.type = IOT_COAP_NON;
    things[SLOW].later = true;
    assert_int_equal(give_ask(&a), 0);
    assert_false(desk_on(20000));
    say_later("late");
    assert_true(desk_out());
    assert_int_equal(desk.m.type, IOT_COAP_NON);
    assert_payload("late", 4);
    assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
}

static void answers_that_are_none_or_too_long_or_for_nobody(void **state)
{
    (void)state;
    begin(IOT_COAP_GET);
    iot_coap_serve_answer_init(&desk.x, IOT_COAP_GET, &answer);
    answer.body.len = IOT_COAP_ANSWER_BYTES + 1;
    assert_int_equal(iot_coap_serve_answer(&desk.x, 0, &answer, desk.now), IOT_ERR_STATE);
    assert_int_equal(iot_coap_serve_answer(&desk.x, things[SLOW].call.id + 1, &answer, desk.now),
                     IOT_ERR_STATE);
    assert_int_equal(iot_coap_serve_answer(&desk.x, things[SLOW].call.id, &answer, desk.now),
                     IOT_ERR_SIZE);
    assert_true(desk_out());
    assert_int_equal(desk.m.code, IOT_COAP_CODE(5, 0));
    /* A source is asked while somebody asks, and not kept. */
    begin(IOT_COAP_GET);
    iot_coap_serve_answer_init(&desk.x, IOT_COAP_GET, &answer);
    answer.source = thing_source;
    assert_int_equal(iot_coap_serve_answer(&desk.x, things[SLOW].call.id, &answer, desk.now),
                     IOT_ERR_SIZE);
    assert_true(desk_out());
    assert_int_equal(desk.m.code, IOT_COAP_CODE(5, 0));
    begin(IOT_COAP_GET);
    iot_coap_serve_answer_init(&desk.x, IOT_COAP_GET, &answer);
    answer.code = 1;
    iot_coap_serve_answer(&desk.x, things[SLOW].call.id, &answer, desk.now);
    assert_true(desk_out());
    assert_int_equal(desk.m.code, IOT_COAP_CODE(5, 0));
}

static void who_answers_later_need_not_say_more(void **state)
{
    (void)state;
    things[SLOW].code = IOT_COAP_CODE(3, 0);
    things[SLOW].body = pattern_bytes(IOT_COAP_BODY_BYTES + 1);
    things[SLOW].len = IOT_COAP_BODY_BYTES + 1;
    begin(IOT_COAP_GET);
    say_later("x");
    assert_true(desk_out());
    assert_payload("x", 1);
}

static void waiting_requests_are_bounded_and_who_finds_no_place_is_told_so(void **state)
{
    (void)state;
    const uint32_t share = (IOT_COAP_CALLS + 1) / 2;
    struct ask a = asking(IOT_COAP_GET, "slow");

    for (uint32_t i = 0; i < share && i < (IOT_COAP_ANSWERS + 1) / 2; i++)
        begin(IOT_COAP_GET);
    a.via = dtls(1);
    assert_int_equal(give_ask(&a), C(2, 5)); /* has to be answered at once */
    assert_int_equal(things[SLOW].call.id, 0);
    a.via = dtls(2);
    assert_int_equal(give_ask(&a), 0);
    a.via = dtls(3);
    assert_int_equal(give_ask(&a), C(2, 5));
    /* All of this is not in the way of what reads. */
    a.path = "light";
    assert_int_equal(give_ask(&a), C(2, 5));
}

static void who_is_not_known_does_not_make_us_wait(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_GET, "slow");

    things[SLOW].later = true;
    assert_int_equal(give_ask(&a), C(4, 1));
    iot_coap_serve_answer_init(&desk.x, IOT_COAP_GET, &answer);
    assert_int_equal(iot_coap_serve_answer(&desk.x, things[SLOW].call.id, &answer, desk.now),
                     IOT_ERR_STATE);
    assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
    a.echo = true;
    assert_int_equal(give_ask(&a), 0);
    say_later("x");
    assert_true(desk_out());
}

static void an_upload_may_be_answered_later(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_POST, "slow");

    a.via = dtls(1);
    a.block1 = BLOCK(0, 1, 0);
    a.body = text_bytes("0123456789abcdef");
    things[SLOW].later = true;
    assert_int_equal(give_ask(&a), C(2, 31));
    assert_int_equal(things[SLOW].call.id, 0);
    a.block1 = BLOCK(1, 0, 0);
    a.body = text_bytes("end");
    assert_int_equal(give_ask(&a), 0);
    heard(&a);
    say_later("done");
    assert_true(desk_out());
    assert_int_equal(desk.m.type, IOT_COAP_CON);
    assert_int_equal(option_uint(&desk.m, IOT_COAP_BLOCK1), BLOCK(1, 0, 0));
    assert_payload("done", 4);
    assert_int_equal(give_again(&a), C(2, 5));
    assert_int_equal(things[SLOW].whole, 1);
}

static void one_message_is_out_to_a_peer_until_it_is_acknowledged(void **state)
{
    (void)state;
    struct ask a = begin(IOT_COAP_GET);
    uint32_t first = things[SLOW].call.id;
    struct ask b = begin(IOT_COAP_GET);

    assert_true(desk_on(1000));
    assert_true(desk_out());
    assert_true(desk_out());
    say_later("b");
    iot_coap_serve_answer_init(&desk.x, IOT_COAP_GET, &answer);
    iot_writer_text(&answer.body, "a");
    assert_int_equal(iot_coap_serve_answer(&desk.x, first, &answer, desk.now), IOT_OK);
    assert_true(desk_out());
    uint8_t said = desk.m.payload.ptr[0];
    assert_false(desk_out());
    give_bare(&b.via, IOT_COAP_ACK, desk.m.id);
    assert_true(desk_out());
    assert_int_equal(desk.m.payload.ptr[0], 'a' + 'b' - said);
    give_bare(&a.via, IOT_COAP_ACK, desk.m.id);
    assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
}

static void answer_in_handler(void)
{
    static uint32_t before;

    if (before != 0) {
        struct iot_coap_answer other;
        iot_coap_serve_answer_init(&desk.x, IOT_COAP_GET, &other);
        iot_writer_text(&other.body, "first");
        assert_int_equal(iot_coap_serve_answer(&desk.x, before, &other, desk.now), IOT_OK);
    }
    before = things[SLOW].call.id;
}

static void a_handler_may_answer_another_call(void **state)
{
    (void)state;
    things[SLOW].hook = answer_in_handler;
    struct ask a = begin(IOT_COAP_GET);
    begin(IOT_COAP_GET);
    assert_true(desk_out());
    assert_int_equal(desk.m.id, a.id);
    assert_payload("first", 5);
}

static void an_answer_takes_the_place_of_an_acknowledgement_that_has_not_left(void **state)
{
    (void)state;
    struct ask a = begin(IOT_COAP_GET);
    struct iot_coap_via to;
    struct iot_bytes out;

    assert_true(desk_on(1000));
    assert_int_equal(iot_coap_serve_next(&desk.x, desk.now, &to, &out), IOT_OK);
    assert_int_equal(out.len, 4);
    say_later("x");
    assert_true(desk_out());
    assert_int_equal(desk.m.type, IOT_COAP_ACK);
    assert_int_equal(desk.m.id, a.id);
    assert_payload("x", 1);
    assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
}

/* ---- What is gone ------------------------------------------------------------------------ */

static void a_session_takes_what_it_had_with_it(void **state)
{
    (void)state;
    struct ask a = begin(IOT_COAP_POST), w = asking(IOT_COAP_GET, "light");
    uint32_t call = things[SLOW].call.id;

    w.via = a.via;
    w.observe = 0;
    assert_int_equal(give_ask(&w), C(2, 5));
    iot_coap_serve_gone(&desk.x, 2);
    assert_int_equal(iot_coap_serve_observers(&desk.x, NULL), 1);
    iot_coap_serve_changed(&desk.x, "light");
    struct iot_coap_via to;
    struct iot_bytes out;
    assert_int_equal(iot_coap_serve_next(&desk.x, desk.now, &to, &out), IOT_OK);
    iot_coap_serve_gone(&desk.x, a.via.session); /* with a message on offer */
    assert_int_equal(iot_coap_serve_observers(&desk.x, NULL), 0);
    assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
    assert_false(desk_out());
    assert_int_equal(iot_coap_serve_answer(&desk.x, call, &answer, desk.now), IOT_ERR_STATE);
    uint32_t calls = things[SLOW].calls;
    assert_int_equal(give_again(&a), 0); /* another session of that number: another request */
    assert_int_equal(things[SLOW].calls, calls + 1);
}

static void an_answer_to_a_session_that_is_gone_is_not_owed(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_GET, "light");

    a.via = dtls(4);
    build(&a);
    desk_take(&a.via, made_bytes(&a.made), false);
    assert_true(iot_coap_serve_owes(&desk.x));
    iot_coap_serve_gone(&desk.x, 4);
    assert_false(iot_coap_serve_owes(&desk.x));
    assert_false(desk_out());
}

static void a_way_that_is_gone_ends_what_wants_to_go_it(void **state)
{
    (void)state;
    struct ask a = begin(IOT_COAP_GET);

    heard(&a);
    say_later("x");
    desk.room = 0;
    assert_false(desk_out());
    assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
    build(&a);
    assert_int_equal(give_again(&a), 0);
}

static void after_the_end_nothing_is_known(void **state)
{
    (void)state;
    struct ask a = begin(IOT_COAP_GET), w = asking(IOT_COAP_GET, "light");

    w.via = a.via;
    w.observe = 0;
    assert_int_equal(give_ask(&w), C(2, 5));
    iot_coap_serve_stop(&desk.x);
    assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
    assert_int_equal(iot_coap_serve_observers(&desk.x, NULL), 0);
    assert_false(desk_out());
    assert_int_equal(give_ask(&w), C(2, 5));
}

/* ---- Groups ------------------------------------------------------------------------------ */

static struct ask to_group(const char *path)
{
    struct ask a = asking(IOT_COAP_GET, path);

    a.type = IOT_COAP_NON;
    a.to_many = true;
    return a;
}

static void a_group_is_answered_at_a_time_by_chance(void **state)
{
    (void)state;
    uint32_t quarters[4] = {0};

    for (uint32_t seed = 0; seed < 400; seed++) {
        desk_init(seed);
        struct ask a = to_group(seed % 2 != 0 ? "many" : ".well-known/core");
        things[MANY].body = pattern_bytes(12);
        things[MANY].len = 12;
        assert_int_equal(give_ask(&a), 0);
        iot_time at = iot_coap_serve_deadline(&desk.x) - desk.now;
        assert_in_range(at, 0, 5000);
        quarters[at * 4 / 5001]++;
        desk_on(5000);
        assert_true(desk_out());
        assert_int_equal(desk.m.type, IOT_COAP_NON);
        assert_int_equal(desk.m.code, IOT_COAP_CODE(2, 5));
        assert_memory_equal(desk.m.token.ptr, "tok", 3);
        assert_int_equal(desk.m.payload.len, 12);
        assert_memory_equal(&desk.to, &a.via, sizeof a.via);
        assert_false(desk_out());
        assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
    }
    for (uint32_t i = 0; i < 4; i++)
        assert_in_range(quarters[i], 60, 140);
}

static void a_group_is_not_told_what_is_wrong(void **state)
{
    (void)state;
    static const char *const paths[] = {"light", "nothing", "safe", "files/x"};
    struct ask a;

    for (uint32_t i = 0; i < COUNT(paths); i++) {
        a = to_group(paths[i]);
        assert_int_equal(give_ask(&a), 0);
        assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
    }
    a = to_group("many");
    a.type = IOT_COAP_CON;
    assert_int_equal(give_ask(&a), 0);
    a = to_group("many");
    a.odd = 9;
    assert_int_equal(give_ask(&a), 0);
    a = to_group("many");
    a.odd = IOT_COAP_PROXY_URI;
    assert_int_equal(give_ask(&a), 0);
    a = to_group("many");
    a.code = IOT_COAP_PUT; /* open, but not for who cannot show that it is there */
    assert_int_equal(give_ask(&a), 0);
    a.code = IOT_COAP_DELETE;
    assert_int_equal(give_ask(&a), 0);
    assert_int_equal(things[MANY].calls, 0);
    a = to_group("many");
    things[MANY].code = IOT_COAP_CODE(4, 4);
    assert_int_equal(give_ask(&a), 0);
    things[MANY].code = 0;
    things[MANY].body = pattern_bytes(IOT_COAP_ANSWER_BYTES + 1);
    things[MANY].len = IOT_COAP_ANSWER_BYTES + 1;
    assert_int_equal(give_ask(&a), 0);
    things[MANY].len = IOT_COAP_ANSWER_BYTES; /* ... which would fit without this */
    things[MANY].etag = "etag";
    a.via = udp(2);
    assert_int_equal(give_ask(&a), 0);
    assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
    a = to_group(".well-known/core");
    links_none = true;
    assert_int_equal(give_ask(&a), 0);
    assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
}

static void observing_a_group_is_not_observing(void **state)
{
    (void)state;
    struct ask a = to_group("many");

    a.observe = 0;
    assert_int_equal(give_ask(&a), 0);
    assert_int_equal(iot_coap_serve_observers(&desk.x, NULL), 0);
    assert_false(things[MANY].call.observes);
    assert_true(things[MANY].call.to_many);
}

static void a_second_request_to_the_group_takes_the_place_of_the_first(void **state)
{
    (void)state;
    struct ask a = to_group("many");

    for (uint32_t i = 0; i < 100; i++) {
        a.token = i == 99 ? "last" : "tok";
        assert_int_equal(give_ask(&a), 0);
    }
    desk_on(5000);
    assert_true(desk_out());
    assert_memory_equal(desk.m.token.ptr, "last", 4);
    assert_false(desk_on(5000));
}

static void groups_take_no_place_that_others_need(void **state)
{
    (void)state;
    struct ask a = to_group("many"), put = asking(IOT_COAP_PUT, "light");

    for (uint32_t i = 0; i < 200; i++) {
        a.via = udp(i % 200 + 1);
        assert_int_equal(give_ask(&a), 0);
    }
    for (uint32_t i = 0; i < IOT_COAP_ANSWERS; i++) {
        put.via = dtls(210 + i);
        assert_int_equal(give_ask(&put), C(2, 4));
    }
    /* ... and now there is none for them, however old those are. */
    assert_int_equal(give_ask(&a), 0);
    desk_after(60000);
    assert_int_equal(give_ask(&a), 0);
    assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
}

/* Anybody may have sent those, in anybody's name. */
static void groups_are_not_in_the_way_of_who_waits_or_sends_a_body(void **state)
{
    (void)state;
    struct ask a = to_group("many"), put = asking(IOT_COAP_PUT, "light");

    for (uint32_t round = 0; round < 2; round++) {
        for (uint16_t i = 0; i < IOT_COAP_CALLS; i++) {
            a.via = round == 0 ? udp(i + 10u) : dtls(1); /* others, or itself */
            a.via.session = 0;
            a.via.peer.port = i;
            assert_int_equal(give_ask(&a), 0);
        }
        put.via = dtls(1);
        put.block1 = BLOCK(0, 1, 0);
        put.body = text_bytes("0123456789abcdef");
        assert_int_equal(give_ask(&put), C(2, 31));
        put.block1 = BLOCK(1, 0, 0);
        assert_int_equal(give_ask(&put), C(2, 4));
        while (desk_on(5000))
            while (desk_out())
                assert_int_equal(desk.m.code, IOT_COAP_CODE(2, 5));
    }
}

static void what_a_group_changes_is_done_once(void **state)
{
    (void)state;
    struct ask a = to_group("own");

    a.code = IOT_COAP_POST;
    assert_int_equal(give_ask(&a), 0);
    assert_int_equal(give_again(&a), 0);
    desk_after(100);
    assert_int_equal(give_again(&a), 0);
    assert_int_equal(things[OWN].calls, 1);
    desk_on(5000);
    assert_true(desk_out());
    assert_int_equal(desk.m.code, IOT_COAP_CODE(2, 4));
}

#define CASE(f) cmocka_unit_test_setup(f, desk_setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(who_answers_at_once_answers_in_the_acknowledgement),
        CASE(who_answers_later_acknowledges_first_and_answers_by_a_message_of_its_own),
        CASE(an_answer_is_sent_five_times_and_given_up),
        CASE(foreign_acknowledgements_and_resets_end_nothing),
        CASE(a_copy_meanwhile_is_acknowledged_and_not_executed),
        CASE(what_is_not_answered_in_time_is_unavailable),
        CASE(a_request_that_nobody_confirms_is_not_acknowledged),
        CASE(answers_that_are_none_or_too_long_or_for_nobody),
        CASE(who_answers_later_need_not_say_more),
        CASE(waiting_requests_are_bounded_and_who_finds_no_place_is_told_so),
        CASE(who_is_not_known_does_not_make_us_wait),
        CASE(an_upload_may_be_answered_later),
        CASE(one_message_is_out_to_a_peer_until_it_is_acknowledged),
        CASE(a_handler_may_answer_another_call),
        CASE(an_answer_takes_the_place_of_an_acknowledgement_that_has_not_left),
        CASE(a_session_takes_what_it_had_with_it),
        CASE(an_answer_to_a_session_that_is_gone_is_not_owed),
        CASE(a_way_that_is_gone_ends_what_wants_to_go_it),
        CASE(after_the_end_nothing_is_known),
        CASE(a_group_is_answered_at_a_time_by_chance),
        CASE(a_group_is_not_told_what_is_wrong),
        CASE(observing_a_group_is_not_observing),
        CASE(a_second_request_to_the_group_takes_the_place_of_the_first),
        CASE(groups_take_no_place_that_others_need),
        CASE(groups_are_not_in_the_way_of_who_waits_or_sends_a_body),
        CASE(what_a_group_changes_is_done_once),
    };
    return cmocka_run_group_tests_name("coap_serve_later", tests, NULL, NULL);
}

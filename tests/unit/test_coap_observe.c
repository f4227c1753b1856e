/* SPDX-License-Identifier: Apache-2.0 */
/* Observations: RFC 7641; with blocks: RFC 7959, section 2.6. */
#include "coap_rig.h"

static struct rig rig;
static struct seen req; /* the registration, and so the token of what is notified */
static struct app *app;
static struct iot_coap_request watch;
static iot_ticket ticket;
static uint16_t next_id; /* of the server's own messages */

static int setup(void **state)
{
    (void)state;
    rig_init(&rig, 31);
    app = app_new();
    watch = asks(app, IOT_COAP_GET);
    watch.observe = true;
    next_id = 100;
    return 0;
}

/* The next request: its Observe, -1 if there is none. */
static void wants(int64_t observe)
{
    assert_true(rig_out(&rig));
    assert_int_not_equal(rig.m.code, 0);
    assert_int_equal(option_uint(&rig.m, IOT_COAP_OBSERVE), observe);
}

static void acked(uint16_t id)
{
    assert_true(rig_out(&rig));
    assert_int_equal(rig.len, 4);
    assert_int_equal(rig.m.type, IOT_COAP_ACK);
    assert_int_equal(rig.m.id, id);
}

static void rejected(uint16_t id)
{
    assert_true(rig_out(&rig));
    assert_int_equal(rig.len, 4);
    assert_int_equal(rig.m.type, IOT_COAP_RST);
    assert_int_equal(rig.m.id, id);
}

#define NO_ORDER (-1)

static void say(uint8_t type, uint16_t id, const struct seen *to, uint8_t code, int64_t order,
                int64_t max_age, int64_t block2, const char *payload)
{
    struct made made;

    make(&made, type, code, id, token_of(to));
    if (order >= 0)
        iot_coap_put_uint(&made.e, IOT_COAP_OBSERVE, (uint32_t)order);
    if (max_age >= 0)
        iot_coap_put_uint(&made.e, IOT_COAP_MAX_AGE, (uint32_t)max_age);
    if (block2 >= 0)
        iot_coap_put_uint(&made.e, IOT_COAP_BLOCK2, (uint32_t)block2);
    give(&rig, &made, payload, (uint32_t)strlen(payload));
}

static void notify(uint8_t type, uint32_t order, const char *payload)
{
    say(type, next_id++, &req, IOT_COAP_CODE(2, 5), order, -1, -1, payload);
}

/* Registered, by a response numbered `order`. */
static void observe_from(uint32_t order)
{
    ticket = rig_start(&rig, &watch);
    wants(0);
    req = seen_of(&rig);
    say(IOT_COAP_ACK, req.id, &req, IOT_COAP_CODE(2, 5), order, -1, -1, "first");
    assert_string_equal(app->said, "2.05o +5 whole ");
    app->said[0] = '\0';
    assert_false(rig_out(&rig));
}

/* ---- Registering ------------------------------------------------------------------------- */

static void each_notification_is_told_and_the_request_goes_on(void **state)
{
    (void)state;
    observe_from(10);
    notify(IOT_COAP_CON, 11, "on");
    acked(100);
    notify(IOT_COAP_NON, 12, "off");
    assert_false(rig_out(&rig));
    assert_string_equal(app->said, "2.05o +2 whole 2.05o +3 whole ");
    assert_false(iot_coap_exchange_idle(&rig.x));
}

static void without_observe_in_the_response_it_was_a_plain_request(void **state)
{
    (void)state;
    rig_start(&rig, &watch);
    wants(0);
    req = seen_of(&rig);
    say(IOT_COAP_ACK, req.id, &req, IOT_COAP_CODE(2, 5), NO_ORDER, -1, -1, "only");
    assert_string_equal(app->said, "2.05 +4 whole end OK");
    say(IOT_COAP_CON, 7, &req, IOT_COAP_CODE(2, 5), 4, -1, -1, "more");
    rejected(7);
}

static void who_did_not_ask_for_it_is_not_registered(void **state)
{
    (void)state;
    watch.observe = false;
    rig_start(&rig, &watch);
    wants(-1);
    req = seen_of(&rig);
    say(IOT_COAP_ACK, req.id, &req, IOT_COAP_CODE(2, 5), 4, -1, -1, "only");
    assert_string_equal(app->said, "2.05 +4 whole end OK");
}

static void an_error_ends_the_observation_whenever_it_comes(void **state)
{
    (void)state;
    static const uint8_t codes[] = {IOT_COAP_CODE(4, 4), IOT_COAP_CODE(5, 3)};

    for (uint32_t i = 0; i < COUNT(codes); i++) {
        char want[64];
        setup(NULL);
        snprintf(want, sizeof want, "%u.%02u +2 whole end OK", codes[i] >> 5, codes[i] & 31u);
        observe_from(1);
        /* With Observe, too: some servers put it there. */
        say(IOT_COAP_CON, 9, &req, codes[i], i == 0 ? NO_ORDER : 2, -1, -1, "no");
        acked(9);
        assert_string_equal(app->said, want);
        setup(NULL);
        rig_start(&rig, &watch);
        wants(0);
        req = seen_of(&rig);
        say(IOT_COAP_ACK, req.id, &req, codes[i], 3, -1, -1, "no");
        assert_string_equal(app->said, want);
    }
}

static void a_notification_without_observe_is_the_last(void **state)
{
    (void)state;
    observe_from(1);
    say(IOT_COAP_CON, 9, &req, IOT_COAP_CODE(2, 5), NO_ORDER, -1, -1, "bye");
    acked(9);
    assert_string_equal(app->said, "2.05 +3 whole end OK");
}

static void a_critical_option_in_a_notification_rejects_and_ends_it(void **state)
{
    (void)state;
    struct made made;

    observe_from(1);
    make(&made, IOT_COAP_CON, IOT_COAP_CODE(2, 5), 55, token_of(&req));
    iot_coap_put_uint(&made.e, IOT_COAP_OBSERVE, 2);
    iot_coap_put_uint(&made.e, 9, 2);
    give(&rig, &made, "x", 1);
    rejected(55);
    assert_string_equal(app->said, "end COAP_OPTION");
}

/* ---- Order: RFC 7641 3.4 ----------------------------------------------------------------- */

static void old_notifications_are_dropped_and_numbers_wrap(void **state)
{
    (void)state;
    static const struct {
        uint32_t have, comes;
        bool newer;
    } rows[] = {
        {10, 11, true},
        {10, 10, false},
        {10, 9, false},
        {10, 10 + 0x7fffff, true},
        {10, 10 + 0x800000, false},
        {0xffffff, 0, true},
        {0xfffffe, 5, true},
        {5, 0xfffffe, false},
        {0, 0xffffff, false},
        {0x7fffff, 0xfffffe, true},
        {0x800000, 0, false},
        {0x800001, 0, true},
    };

    for (uint32_t i = 0; i < COUNT(rows); i++) {
        for (uint8_t type = IOT_COAP_CON; type <= IOT_COAP_NON; type++) {
            setup(NULL);
            observe_from(rows[i].have);
            rig_after(&rig, 60000);
            notify(type, rows[i].comes, "x");
            if (type == IOT_COAP_CON)
                acked(100);
            assert_false(rig_out(&rig));
            assert_string_equal(app->said, rows[i].newer ? "2.05o +1 whole " : "");
        }
    }
}

static void after_128_seconds_any_number_is_news(void **state)
{
    (void)state;
    rig.now = 1;
    ticket = rig_start(&rig, &watch);
    wants(0);
    req = seen_of(&rig);
    say(IOT_COAP_ACK, req.id, &req, IOT_COAP_CODE(2, 5), 1000, 3600, -1, "first");
    app->said[0] = '\0';
    rig_after(&rig, 128000);
    notify(IOT_COAP_NON, 5, "old");
    assert_string_equal(app->said, "");
    rig_after(&rig, 1);
    notify(IOT_COAP_NON, 5, "new");
    assert_string_equal(app->said, "2.05o +3 whole ");
    notify(IOT_COAP_NON, 1001, "also");
    notify(IOT_COAP_NON, 4, "not");
    assert_string_equal(app->said, "2.05o +3 whole 2.05o +4 whole ");
}

static void a_copy_of_a_notification_is_told_once(void **state)
{
    (void)state;
    observe_from(1);
    for (uint32_t i = 0; i < 3; i++) {
        say(IOT_COAP_CON, 200, &req, IOT_COAP_CODE(2, 5), 2, -1, -1, "a");
        acked(200);
        say(IOT_COAP_NON, 201, &req, IOT_COAP_CODE(2, 5), 3, -1, -1, "b");
        assert_false(rig_out(&rig));
    }
    assert_string_equal(app->said, "2.05o +1 whole 2.05o +1 whole ");
}

/* ---- When nothing comes: RFC 7641 3.3.1 -------------------------------------------------- */

static void silence_beyond_max_age_and_5_to_15_seconds_means_to_register_again(void **state)
{
    (void)state;
    uint32_t bins[5] = {0};

    for (uint32_t seed = 1; seed <= 500; seed++) {
        rig_init(&rig, seed);
        app = app_new();
        watch.ctx = app;
        observe_from(1);
        iot_time wait = iot_coap_exchange_deadline(&rig.x) - rig.now;
        assert_in_range(wait, 65000, 75000); /* 60 s by default */
        bins[wait == 75000 ? 4 : (wait - 65000) / 2000]++;
    }
    for (uint32_t i = 0; i < COUNT(bins); i++)
        assert_in_range(bins[i], 60, 140);
    say(IOT_COAP_NON, 4, &req, IOT_COAP_CODE(2, 5), 2, 1000, -1, "x");
    iot_time wait = iot_coap_exchange_deadline(&rig.x) - rig.now;
    assert_in_range(wait, 1005000, 1015000);
    rig_after(&rig, (uint32_t)wait - 1);
    assert_false(rig_out(&rig));
    rig_after(&rig, 1);
    wants(0);
    assert_bytes(rig.m.token, token_of(&req)); /* the server replaces its entry */
    assert_int_not_equal(rig.m.id, req.id);
    struct seen again = seen_of(&rig);
    app->said[0] = '\0';
    say(IOT_COAP_ACK, again.id, &again, IOT_COAP_CODE(2, 5), 3, 5, -1, "y");
    assert_string_equal(app->said, "2.05o +1 whole ");
    assert_in_range(iot_coap_exchange_deadline(&rig.x) - rig.now, 10000, 20000);
}

static void a_server_that_counts_anew_after_a_restart_is_believed_when_it_answers_us(void **state)
{
    (void)state;
    observe_from(5000);
    assert_true(rig_on(&rig)); /* less than 128 s later */
    wants(0);
    struct seen again = seen_of(&rig);
    say(IOT_COAP_ACK, again.id, &again, IOT_COAP_CODE(2, 5), 1, -1, -1, "y");
    notify(IOT_COAP_NON, 2, "z");
    assert_string_equal(app->said, "2.05o +1 whole 2.05o +1 whole ");
}

static void a_server_that_does_not_answer_ends_it_by_name(void **state)
{
    (void)state;
    observe_from(1);
    while (app->ends == 0) {
        assert_true(rig_on(&rig));
        while (rig_out(&rig)) {}
    }
    assert_string_equal(app->said, "end COAP_TIMEOUT");
    assert_int_equal(rig.x.counters.sent, 6);
}

static void a_notification_that_crosses_the_registration_answers_it(void **state)
{
    (void)state;
    observe_from(1);
    assert_true(rig_on(&rig));
    wants(0);
    struct seen again = seen_of(&rig);
    notify(IOT_COAP_CON, 2, "x");
    acked(100);
    assert_string_equal(app->said, "2.05o +1 whole ");
    assert_in_range(iot_coap_exchange_deadline(&rig.x) - rig.now, 65000, 75000);
    /* What was said before that is old, and what was said behind it is news: the server thinks that we have it. */
    say(IOT_COAP_ACK, again.id, &again, IOT_COAP_CODE(2, 5), 1, -1, -1, "late");
    say(IOT_COAP_ACK, again.id, &again, IOT_COAP_CODE(2, 5), 2, -1, -1, "late");
    say(IOT_COAP_ACK, (uint16_t)(again.id + 1), &again, IOT_COAP_CODE(2, 5), 3, -1, -1, "late");
    give_empty(&rig, IOT_COAP_ACK, again.id);
    give_empty(&rig, IOT_COAP_RST, again.id);
    assert_string_equal(app->said, "2.05o +1 whole ");
    say(IOT_COAP_ACK, again.id, &again, IOT_COAP_CODE(2, 5), 3, -1, -1, "late");
    say(IOT_COAP_ACK, again.id, &again, IOT_COAP_CODE(2, 5), 3, -1, -1, "late");
    assert_string_equal(app->said, "2.05o +1 whole 2.05o +4 whole ");
    notify(IOT_COAP_CON, 4, "y");
    acked(101);
    assert_string_equal(app->said, "2.05o +1 whole 2.05o +4 whole 2.05o +1 whole ");
}

/* ---- Ending it: RFC 7641 3.6 ------------------------------------------------------------- */

static void to_cancel_is_to_ask_with_1_by_the_same_token(void **state)
{
    (void)state;
    observe_from(1);
    assert_int_equal(iot_coap_exchange_cancel(&rig.x, ticket), IOT_OK);
    assert_int_equal(iot_coap_exchange_cancel(&rig.x, ticket), IOT_OK);
    rig_expire(&rig);
    assert_string_equal(app->said, "");
    wants(1);
    assert_int_equal(rig.m.code, IOT_COAP_GET);
    assert_bytes(rig.m.token, token_of(&req));
    struct seen cancel = seen_of(&rig);
    notify(IOT_COAP_CON, 2, "crossed"); /* is acknowledged, and nobody's */
    acked(100);
    assert_string_equal(app->said, "");
    say(IOT_COAP_ACK, cancel.id, &cancel, IOT_COAP_CODE(2, 5), NO_ORDER, -1, BLOCK(0, 1, 0),
        "the state it has");
    assert_string_equal(app->said, "end OK");
    notify(IOT_COAP_CON, 3, "late");
    rejected(101);
    assert_true(iot_coap_exchange_idle(&rig.x));
}

static void a_cancelled_one_that_is_not_confirmed_says_why(void **state)
{
    (void)state;
    observe_from(1);
    assert_int_equal(iot_coap_exchange_cancel(&rig.x, ticket), IOT_OK);
    while (app->ends == 0) {
        while (rig_out(&rig)) {}
        rig_on(&rig);
    }
    assert_string_equal(app->said, "end COAP_TIMEOUT");
}

static void before_it_left_nobody_has_to_be_told(void **state)
{
    (void)state;
    ticket = rig_start(&rig, &watch);
    assert_int_equal(iot_coap_exchange_cancel(&rig.x, ticket), IOT_OK);
    assert_false(rig_out(&rig));
    assert_string_equal(app->said, "end CLOSED");
}

static void while_the_registration_is_out_the_server_is_told_all_the_same(void **state)
{
    (void)state;
    ticket = rig_start(&rig, &watch);
    wants(0);
    req = seen_of(&rig);
    assert_int_equal(iot_coap_exchange_cancel(&rig.x, ticket), IOT_OK);
    wants(1);
    struct seen cancel = seen_of(&rig);
    assert_bytes(token_of(&cancel), token_of(&req));
    say(IOT_COAP_ACK, req.id, &req, IOT_COAP_CODE(2, 5), 1, -1, -1, "late");
    say(IOT_COAP_CON, 5, &req, IOT_COAP_CODE(2, 5), 2, -1, -1, "late");
    acked(5);
    assert_string_equal(app->said, "");
    say(IOT_COAP_CON, 6, &cancel, IOT_COAP_CODE(2, 5), NO_ORDER, -1, -1, "now");
    acked(6);
    assert_string_equal(app->said, "end OK");
}

static void cancel_it(struct app *a)
{
    (void)a;
    assert_int_equal(iot_coap_exchange_cancel(&rig.x, ticket), IOT_OK);
}

static void a_handler_may_cancel_it(void **state)
{
    (void)state;
    observe_from(1);
    app->on_whole = cancel_it;
    notify(IOT_COAP_NON, 2, "x");
    wants(1);
    struct seen cancel = seen_of(&rig);
    say(IOT_COAP_ACK, cancel.id, &cancel, IOT_COAP_CODE(2, 5), NO_ORDER, -1, -1, "x");
    assert_string_equal(app->said, "2.05o +1 whole end OK");
}

static void what_is_notified_to_nobody_is_rejected_confirmable_or_not(void **state)
{
    (void)state;
    struct seen nobody = {0, {9, 9, 9}, 3};

    say(IOT_COAP_CON, 1, &nobody, IOT_COAP_CODE(2, 5), 5, -1, -1, "x");
    rejected(1);
    say(IOT_COAP_NON, 2, &nobody, IOT_COAP_CODE(2, 5), 5, -1, -1, "x");
    rejected(2);
    say(IOT_COAP_NON, 3, &nobody, IOT_COAP_CODE(2, 5), NO_ORDER, -1, -1, "x");
    assert_false(rig_out(&rig));
}

static void fetch_is_observed_like_get(void **state)
{
    (void)state;
    watch.method = IOT_COAP_FETCH;
    watch.body = text_bytes("[1]");
    observe_from(1);
    notify(IOT_COAP_NON, 2, "x");
    assert_true(rig_on(&rig));
    wants(0);
    assert_bytes(rig.m.payload, text_bytes("[1]"));
    struct seen again = seen_of(&rig);
    say(IOT_COAP_ACK, again.id, &again, IOT_COAP_CODE(2, 5), 3, -1, -1, "y");
    assert_int_equal(iot_coap_exchange_cancel(&rig.x, ticket), IOT_OK);
    wants(1);
    assert_int_equal(rig.m.code, IOT_COAP_FETCH);
    assert_bytes(rig.m.payload, text_bytes("[1]"));
}

static void a_token_of_the_callers_stays_the_observations(void **state)
{
    (void)state;
    watch.token = text_bytes("tok");
    observe_from(1);
    assert_bytes(token_of(&req), text_bytes("tok"));
    assert_true(rig_on(&rig));
    wants(0);
    assert_bytes(rig.m.token, text_bytes("tok"));
    notify(IOT_COAP_NON, 2, "x");
    assert_int_equal(iot_coap_exchange_cancel(&rig.x, ticket), IOT_OK);
    wants(1);
    assert_bytes(rig.m.token, text_bytes("tok"));
}

static void echo_leaves_the_observation_its_token(void **state)
{
    (void)state;
    struct made made;

    observe_from(1);
    for (uint32_t i = 0; i < 2; i++) { /* registering again, and cancelling */
        if (i == 0)
            assert_true(rig_on(&rig));
        else
            assert_int_equal(iot_coap_exchange_cancel(&rig.x, ticket), IOT_OK);
        wants(i);
        struct seen again = seen_of(&rig);
        make_ack(&made, &again, IOT_COAP_CODE(4, 1));
        iot_coap_put(&made.e, IOT_COAP_ECHO, text_bytes("echo"));
        give(&rig, &made, NULL, 0);
        if (i == 1)
            break; /* whatever the server says to that: it has heard it */
        wants(0);
        assert_bytes(rig.m.token, token_of(&req));
        again = seen_of(&rig);
        say(IOT_COAP_ACK, again.id, &again, IOT_COAP_CODE(2, 5), 2, -1, -1, "y");
    }
    assert_string_equal(app->said, "2.05o +1 whole end OK");
}

/* The notification has answered the registration; the server does not know yet that it goes on. */
static void an_echo_that_a_notification_overtook_does_not_end_the_observation(void **state)
{
    (void)state;
    struct made made;

    observe_from(1);
    assert_true(rig_on(&rig));
    wants(0);
    struct seen again = seen_of(&rig);
    notify(IOT_COAP_NON, 2, "x");
    make_ack(&made, &again, IOT_COAP_CODE(4, 1));
    iot_coap_put(&made.e, IOT_COAP_ECHO, text_bytes("echo"));
    give(&rig, &made, NULL, 0);
    wants(0);
    assert_bytes(rig.m.token, token_of(&req));
    again = seen_of(&rig);
    say(IOT_COAP_ACK, again.id, &again, IOT_COAP_CODE(2, 5), 3, -1, -1, "y");
    assert_string_equal(app->said, "2.05o +1 whole 2.05o +1 whole ");
}

/* ---- Notifications in blocks ------------------------------------------------------------- */

static void the_rest_of_a_notification_is_asked_for_by_another_token(void **state)
{
    (void)state;
    observe_from(1);
    say(IOT_COAP_CON, 50, &req, IOT_COAP_CODE(2, 5), 2, -1, BLOCK(0, 1, 0), "0123456789abcdef");
    acked(50);
    wants(-1); /* no Observe: it is not another registration */
    assert_int_equal(option_uint(&rig.m, IOT_COAP_BLOCK2), BLOCK(1, 0, 0));
    struct seen rest = seen_of(&rig);
    assert_memory_not_equal(rest.token, req.token, 8);
    say(IOT_COAP_ACK, rest.id, &rest, IOT_COAP_CODE(2, 5), NO_ORDER, -1, BLOCK(1, 0, 0), "!");
    assert_string_equal(app->said, "2.05o +16 +1 whole ");
    assert_memory_equal(app->body, "0123456789abcdef!", 17);
    assert_in_range(iot_coap_exchange_deadline(&rig.x) - rig.now, 65000, 75000);
    notify(IOT_COAP_NON, 3, "next");
    assert_string_equal(app->said, "2.05o +16 +1 whole 2.05o +4 whole ");
}

static void a_newer_notification_takes_the_place_of_what_was_being_fetched(void **state)
{
    (void)state;
    for (uint32_t when = 0; when < 4; when++) { /* queued, sent, acknowledged, put off */
        setup(NULL);
        observe_from(1);
        struct seen rest = {0, {0}, 0};
        if (when == 3)
            app->decline = 1;
        say(IOT_COAP_NON, 50, &req, IOT_COAP_CODE(2, 5), 2, -1, BLOCK(0, 1, 0), "0123456789abcdef");
        if (when == 1 || when == 2) {
            wants(-1);
            rest = seen_of(&rig);
        }
        if (when == 2)
            give_empty(&rig, IOT_COAP_ACK, rest.id);
        say(IOT_COAP_NON, 51, &req, IOT_COAP_CODE(2, 5), 1, -1, BLOCK(0, 1, 0), "ABCDEFGHIJKLMNOP");
        say(IOT_COAP_NON, 52, &req, IOT_COAP_CODE(2, 5), 3, -1, BLOCK(0, 1, 0), "ABCDEFGHIJKLMNOP");
        if (rest.token_len != 0) { /* of the old one */
            say(IOT_COAP_ACK, rest.id, &rest, IOT_COAP_CODE(2, 5), NO_ORDER, -1, BLOCK(1, 0, 0),
                "!");
            say(IOT_COAP_CON, 60, &rest, IOT_COAP_CODE(2, 5), NO_ORDER, -1, BLOCK(1, 0, 0), "!");
            rejected(60);
        }
        wants(-1);
        assert_int_equal(option_uint(&rig.m, IOT_COAP_BLOCK2), BLOCK(1, 0, 0));
        struct seen next = seen_of(&rig);
        say(IOT_COAP_ACK, next.id, &next, IOT_COAP_CODE(2, 5), NO_ORDER, -1, BLOCK(1, 0, 0), "Q");
        assert_string_equal(app->said, when == 3 ? "2.05o later 2.05o +16 +1 whole "
                                                 : "2.05o +16 2.05o +16 +1 whole ");
        assert_memory_equal(app->body, "ABCDEFGHIJKLMNOPQ", 17);
    }
}

static void a_body_that_changes_while_it_is_fetched_is_fetched_anew(void **state)
{
    (void)state;
    struct made made;

    observe_from(1);
    make(&made, IOT_COAP_NON, IOT_COAP_CODE(2, 5), 50, token_of(&req));
    iot_coap_put(&made.e, IOT_COAP_ETAG, text_bytes("a"));
    iot_coap_put_uint(&made.e, IOT_COAP_OBSERVE, 2);
    iot_coap_put_uint(&made.e, IOT_COAP_BLOCK2, (uint32_t)BLOCK(0, 1, 0));
    give(&rig, &made, "0123456789abcdef", 16);
    for (uint32_t num = 1; num < 4; num++) {
        wants(-1);
        assert_int_equal(option_uint(&rig.m, IOT_COAP_BLOCK2), BLOCK(num % 3 == 2 ? 0 : 1, 0, 0));
        struct seen rest = seen_of(&rig);
        make_ack(&made, &rest, IOT_COAP_CODE(2, 5));
        iot_coap_put(&made.e, IOT_COAP_ETAG, text_bytes("b"));
        iot_coap_put_uint(&made.e, IOT_COAP_BLOCK2, (uint32_t)BLOCK(num == 2 ? 0 : 1, num == 2, 0));
        give(&rig, &made, "ABCDEFGHIJKLMNOP", 16);
    }
    assert_string_equal(app->said, "2.05o +16 2.05o +16 +16 whole ");
    notify(IOT_COAP_NON, 3, "still");
    assert_int_equal(app->ends, 0);
}

static void a_notification_that_is_put_off_is_asked_for_by_a_plain_get(void **state)
{
    (void)state;
    observe_from(1);
    app->decline = 1;
    notify(IOT_COAP_NON, 2, "x");
    rig_after(&rig, 500);
    wants(-1);
    struct seen again = seen_of(&rig);
    assert_memory_not_equal(again.token, req.token, 8);
    say(IOT_COAP_ACK, again.id, &again, IOT_COAP_CODE(2, 5), NO_ORDER, -1, -1, "x");
    assert_string_equal(app->said, "2.05o later 2.05o +1 whole ");
    notify(IOT_COAP_NON, 3, "y");
    assert_string_equal(app->said, "2.05o later 2.05o +1 whole 2.05o +1 whole ");
}

/* ---- A new association ------------------------------------------------------------------- */

static void over_a_new_association_it_registers_again(void **state)
{
    (void)state;
    observe_from(7);
    iot_coap_exchange_renew(&rig.x);
    wants(0);
    struct seen again = seen_of(&rig);
    assert_memory_not_equal(again.token, req.token, 8);
    notify(IOT_COAP_CON, 8, "by the old token");
    rejected(100);
    say(IOT_COAP_ACK, again.id, &again, IOT_COAP_CODE(2, 5), 1, -1, -1, "x");
    assert_string_equal(app->said, "2.05o +1 whole ");
    assert_int_equal(iot_coap_exchange_cancel(&rig.x, ticket), IOT_OK); /* the ticket stays */
    iot_coap_exchange_renew(&rig.x);
    rig_expire(&rig); /* nobody is left that could confirm it */
    assert_string_equal(app->said, "2.05o +1 whole end UNKNOWN");
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_notification_is_told_and_the_request_goes_on),
        CASE(without_observe_in_the_response_it_was_a_plain_request),
        CASE(who_did_not_ask_for_it_is_not_registered),
        CASE(an_error_ends_the_observation_whenever_it_comes),
        CASE(a_notification_without_observe_is_the_last),
        CASE(a_critical_option_in_a_notification_rejects_and_ends_it),
        CASE(old_notifications_are_dropped_and_numbers_wrap),
        CASE(after_128_seconds_any_number_is_news),
        CASE(a_copy_of_a_notification_is_told_once),
        CASE(silence_beyond_max_age_and_5_to_15_seconds_means_to_register_again),
        CASE(a_server_that_counts_anew_after_a_restart_is_believed_when_it_answers_us),
        CASE(a_server_that_does_not_answer_ends_it_by_name),
        CASE(a_notification_that_crosses_the_registration_answers_it),
        CASE(to_cancel_is_to_ask_with_1_by_the_same_token),
        CASE(a_cancelled_one_that_is_not_confirmed_says_why),
        CASE(before_it_left_nobody_has_to_be_told),
        CASE(while_the_registration_is_out_the_server_is_told_all_the_same),
        CASE(a_handler_may_cancel_it),
        CASE(what_is_notified_to_nobody_is_rejected_confirmable_or_not),
        CASE(fetch_is_observed_like_get),
        CASE(a_token_of_the_callers_stays_the_observations),
        CASE(echo_leaves_the_observation_its_token),
        CASE(an_echo_that_a_notification_overtook_does_not_end_the_observation),
        CASE(the_rest_of_a_notification_is_asked_for_by_another_token),
        CASE(a_newer_notification_takes_the_place_of_what_was_being_fetched),
        CASE(a_body_that_changes_while_it_is_fetched_is_fetched_anew),
        CASE(a_notification_that_is_put_off_is_asked_for_by_a_plain_get),
        CASE(over_a_new_association_it_registers_again),
    };
    return cmocka_run_group_tests_name("coap_observe", tests, NULL, NULL);
}

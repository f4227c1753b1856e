/* SPDX-License-Identifier: Apache-2.0 */
/* Observers (RFC 7641), as the server sees them. */
#include "coap_guest.h"

static struct ask watcher(const char *path, uint32_t peer, const char *token)
{
    struct ask a = asking(IOT_COAP_GET, path);

    a.via = dtls(peer);
    a.token = token;
    a.observe = 0;
    return a;
}

/* Number of the notification that is read. */
static uint32_t order(void)
{
    int64_t n = option_uint(&desk.m, IOT_COAP_OBSERVE);

    assert_true(n >= 0);
    return (uint32_t)n;
}

static void set_body(uint32_t i, const char *text)
{
    things[i].body = (const uint8_t *)text;
    things[i].len = (uint32_t)strlen(text);
}

static void who_observes_is_told_each_change_until_it_wants_no_more(void **state)
{
    (void)state;
    struct ask a = watcher("light", 1, "w");
    uint32_t before;

    set_body(LIGHT, "1");
    things[LIGHT].max_age_s = 30;
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_true(things[LIGHT].call.observes);
    before = order();
    assert_int_equal(iot_coap_serve_observers(&desk.x, NULL), 1);
    assert_int_equal(iot_coap_serve_observers(&desk.x, "light"), 1);
    assert_int_equal(iot_coap_serve_observers(&desk.x, "news"), 0);
    assert_false(desk_out());
    for (uint32_t i = 0; i < 20; i++) {
        desk_after(100);
        set_body(LIGHT, i % 2 != 0 ? "1" : "2");
        iot_coap_serve_changed(&desk.x, "light");
        assert_int_equal(iot_coap_serve_deadline(&desk.x), 0);
        assert_true(desk_out());
        assert_memory_equal(&desk.to, &a.via, sizeof a.via);
        assert_int_equal(desk.m.type, IOT_COAP_CON);
        assert_int_equal(desk.m.code, IOT_COAP_CODE(2, 5));
        assert_int_equal(desk.m.token.len, 1);
        assert_int_equal(option_uint(&desk.m, IOT_COAP_MAX_AGE), 30);
        assert_payload(i % 2 != 0 ? "1" : "2", 1);
        assert_true(order() > before);
        before = order();
        give_bare(&a.via, IOT_COAP_ACK, desk.m.id);
        assert_false(desk_out());
    }
    assert_int_equal(desk.x.counters.notified, 20);
    a.observe = 1;
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(option_uint(&desk.m, IOT_COAP_OBSERVE), -1);
    assert_int_equal(iot_coap_serve_observers(&desk.x, NULL), 0);
    iot_coap_serve_changed(&desk.x, "light");
    assert_false(desk_out());
    assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
}

static void what_others_change_or_nobody_knows_tells_nothing(void **state)
{
    (void)state;
    struct ask a = watcher("light", 1, "w");

    assert_int_equal(give_ask(&a), C(2, 5));
    iot_coap_serve_changed(&desk.x, "news");
    iot_coap_serve_changed(&desk.x, "nothing");
    iot_coap_serve_changed(&desk.x, ".well-known/core");
    assert_false(desk_out());
    assert_int_equal(iot_coap_serve_observers(&desk.x, "nothing"), 0);
}

static void one_notification_is_under_way_and_the_newest_state_wins(void **state)
{
    (void)state;
    struct ask a = watcher("light", 1, "w");
    uint16_t id;

    set_body(LIGHT, "0");
    assert_int_equal(give_ask(&a), C(2, 5));
    set_body(LIGHT, "1");
    iot_coap_serve_changed(&desk.x, "light");
    assert_true(desk_out());
    id = desk.m.id;
    for (uint32_t i = 0; i < 5; i++) {
        iot_coap_serve_changed(&desk.x, "light");
        assert_false(desk_out());
    }
    set_body(LIGHT, "6");
    give_bare(&a.via, IOT_COAP_ACK, id);
    assert_true(desk_out());
    assert_payload("6", 1);
    assert_int_not_equal(desk.m.id, id);
    give_bare(&a.via, IOT_COAP_ACK, desk.m.id);
    assert_false(desk_out());
    assert_int_equal(desk.x.counters.notified, 2);
}

static void what_is_repeated_is_the_same_or_newer(void **state)
{
    (void)state;
    struct ask a = watcher("light", 1, "w");
    uint8_t first[64];
    uint32_t len;

    set_body(LIGHT, "1");
    assert_int_equal(give_ask(&a), C(2, 5));
    iot_coap_serve_changed(&desk.x, "light");
    assert_true(desk_out());
    memcpy(first, desk.bytes, len = desk.len);
    assert_true(desk_on(3000));
    assert_true(desk_out());
    assert_int_equal(desk.len, len);
    assert_memory_equal(desk.bytes, first, len);
    set_body(LIGHT, "2");
    iot_coap_serve_changed(&desk.x, "light");
    assert_true(iot_coap_serve_deadline(&desk.x) > desk.now + 3000); /* not sooner for that */
    assert_true(desk_on(6000));
    assert_true(desk_out());
    assert_payload("2", 1);
    assert_int_not_equal(desk.m.id, first[2] << 8 | first[3]);
    give_bare(&a.via, IOT_COAP_ACK, desk.m.id);
    assert_false(desk_out());
}

static void who_does_not_acknowledge_is_not_told_any_more(void **state)
{
    (void)state;
    struct ask a = watcher("light", 1, "w");
    uint32_t n = 0;
    iot_time begun = desk.now;

    assert_int_equal(give_ask(&a), C(2, 5));
    for (uint32_t i = 0; i < 10; i++) {
        iot_coap_serve_changed(&desk.x, "light");
        assert_true(desk_out());
        give_bare(&a.via, IOT_COAP_ACK, desk.m.id);
    }
    iot_coap_serve_changed(&desk.x, "light");
    while (iot_coap_serve_deadline(&desk.x) != IOT_TIME_NEVER) {
        desk_on(100000);
        if (desk_out())
            n++;
        iot_coap_serve_changed(&desk.x, "light"); /* changes do not prolong it */
    }
    assert_int_equal(n, 5);
    assert_in_range(desk.now - begun, 62000, 93000);
    assert_int_equal(iot_coap_serve_observers(&desk.x, NULL), 0);
}

static void a_reset_ends_it_also_of_what_was_not_confirmable(void **state)
{
    (void)state;
    static const char *const paths[] = {"light", "news"};

    for (uint32_t i = 0; i < COUNT(paths); i++) {
        struct ask a = watcher(paths[i], 1, "w");
        struct iot_coap_via other = dtls(2);
        assert_int_equal(give_ask(&a), C(2, 5));
        iot_coap_serve_changed(&desk.x, paths[i]);
        assert_true(desk_out());
        assert_int_equal(desk.m.type, i == 0 ? IOT_COAP_CON : IOT_COAP_NON);
        give_bare(&other, IOT_COAP_RST, desk.m.id);
        give_bare(&a.via, IOT_COAP_RST, (uint16_t)(desk.m.id + 1));
        assert_int_equal(iot_coap_serve_observers(&desk.x, NULL), 1);
        if (i != 0) {
            assert_true(desk_on(10000));
            assert_false(desk_out());
        }
        give_bare(&a.via, IOT_COAP_RST, desk.m.id);
        assert_int_equal(iot_coap_serve_observers(&desk.x, NULL), 0);
    }
}

static void the_same_token_observes_once(void **state)
{
    (void)state;
    struct ask a = watcher("light", 1, "w");

    for (uint32_t i = 0; i < 3 * IOT_COAP_OBSERVERS; i++) {
        assert_int_equal(give_ask(&a), C(2, 5));
        order();
        assert_int_equal(iot_coap_serve_observers(&desk.x, NULL), 1);
    }
    a.path = "news"; /* ... another resource in place of it */
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(iot_coap_serve_observers(&desk.x, "news"), 1);
    assert_int_equal(iot_coap_serve_observers(&desk.x, "light"), 0);
    a.token = "x";
    assert_int_equal(give_ask(&a), C(2, 5));
    a.via = dtls(2);
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(iot_coap_serve_observers(&desk.x, NULL), 3);
    a.observe = 1;
    a.token = "w"; /* not its */
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(iot_coap_serve_observers(&desk.x, NULL), 3);
}

static void what_is_not_for_observing_is_not_observed(void **state)
{
    (void)state;
    struct ask a = watcher("paper", 1, "w");

    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(option_uint(&desk.m, IOT_COAP_OBSERVE), -1);
    a.path = "files/x"; /* which one it was is not kept */
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(option_uint(&desk.m, IOT_COAP_OBSERVE), -1);
    a.path = "light";
    a.observe = 2;
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(option_uint(&desk.m, IOT_COAP_OBSERVE), -1);
    a.observe = 0;
    a.block2 = BLOCK(1, 0, 0);
    things[LIGHT].body = pattern_bytes(100);
    things[LIGHT].len = 100;
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(option_uint(&desk.m, IOT_COAP_OBSERVE), -1);
    a.block2 = -1;
    things[LIGHT].code = IOT_COAP_CODE(4, 4);
    assert_int_equal(give_ask(&a), C(4, 4));
    assert_int_equal(option_uint(&desk.m, IOT_COAP_OBSERVE), -1);
    things[LIGHT].code = 0;
    a.accept = 99;
    assert_int_equal(give_ask(&a), C(4, 6));
    a.path = "slow";
    a.accept = -1;
    things[SLOW].later = true;
    assert_int_equal(give_ask(&a), 0);
    assert_int_equal(iot_coap_serve_observers(&desk.x, NULL), 0);
}

static void observers_are_bounded_and_a_host_has_half_of_them(void **state)
{
    (void)state;
    struct ask a = watcher("light", 1, "w");
    static const char *const tokens[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    const uint32_t share = (IOT_COAP_OBSERVERS + 1) / 2;

    for (uint32_t i = 0; i < 8; i++) {
        a.token = tokens[i];
        a.via.peer.port = (uint16_t)(4000 + i);
        assert_int_equal(give_ask(&a), C(2, 5));
        assert_int_equal(option_uint(&desk.m, IOT_COAP_OBSERVE) >= 0, i < share);
    }
    assert_int_equal(iot_coap_serve_observers(&desk.x, NULL), share);
    for (uint32_t i = share; i < IOT_COAP_OBSERVERS + 3; i++) {
        a.via = dtls(100 + i);
        assert_int_equal(give_ask(&a), C(2, 5));
        assert_int_equal(option_uint(&desk.m, IOT_COAP_OBSERVE) >= 0, i < IOT_COAP_OBSERVERS);
    }
    assert_int_equal(iot_coap_serve_observers(&desk.x, "light"), IOT_COAP_OBSERVERS);
    assert_int_equal(desk.x.counters.refused, 0);
}

static void each_of_many_has_its_turn(void **state)
{
    (void)state;
    uint32_t told[IOT_COAP_OBSERVERS] = {0};

    for (uint32_t i = 0; i < IOT_COAP_OBSERVERS; i++) {
        struct ask a = watcher("light", 20 + i, "w");
        assert_int_equal(give_ask(&a), C(2, 5));
    }
    for (uint32_t i = 0; i < 10 * IOT_COAP_OBSERVERS; i++) {
        uint32_t calls = things[LIGHT].calls;
        iot_coap_serve_changed(&desk.x, "light");
        assert_true(desk_out());
        assert_int_equal(things[LIGHT].calls, calls + 1); /* one at a time */
        told[desk.to.session - 20]++;
        give_bare(&desk.to, IOT_COAP_ACK, desk.m.id);
    }
    for (uint32_t i = 0; i < IOT_COAP_OBSERVERS; i++)
        assert_int_equal(told[i], 10);
}

static void two_observations_of_a_peer_are_told_one_after_the_other(void **state)
{
    (void)state;
    struct ask a = watcher("light", 1, "w"), b = watcher("slow", 1, "x");

    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(give_ask(&b), C(2, 5));
    iot_coap_serve_changed(&desk.x, "light");
    iot_coap_serve_changed(&desk.x, "slow");
    assert_true(desk_out());
    uint8_t first = desk.m.token.ptr[0];
    assert_false(desk_out()); /* NSTART */
    give_bare(&a.via, IOT_COAP_ACK, desk.m.id);
    assert_true(desk_out());
    assert_int_not_equal(desk.m.token.ptr[0], first);
    give_bare(&a.via, IOT_COAP_ACK, desk.m.id);
    assert_false(desk_out());
}

static void news_are_not_confirmed_but_for_once_a_day(void **state)
{
    (void)state;
    struct ask a = watcher("news", 1, "w");
    uint32_t con = 0, non = 0;
    iot_time begun = desk.now, last = desk.now, told = 0;

    assert_int_equal(give_ask(&a), C(2, 5));
    while (desk.now < begun + 3 * (iot_time)IOT_COAP_DAY_MS) {
        iot_coap_serve_changed(&desk.x, "news");
        if (!desk_out()) {
            desk_after(500);
            continue;
        }
        assert_true(desk.now >= told + 3000); /* not more often */
        told = desk.now;
        if (desk.m.type == IOT_COAP_CON) {
            con++;
            assert_in_range(desk.now - last, IOT_COAP_DAY_MS - 1000, IOT_COAP_DAY_MS + 4000);
            last = desk.now;
            give_bare(&a.via, IOT_COAP_ACK, desk.m.id);
            desk_after(3000);
        } else {
            non++;
        }
    }
    assert_in_range(con, 2, 3);
    assert_true(non > 80000);
}

static void who_has_not_heard_anything_for_a_day_is_asked_whether_it_is_there(void **state)
{
    (void)state;
    struct ask a = watcher("light", 1, "w");

    assert_int_equal(give_ask(&a), C(2, 5));
    for (uint32_t day = 0; day < 3; day++) {
        assert_int_equal(iot_coap_serve_deadline(&desk.x), desk.now + IOT_COAP_DAY_MS);
        desk_after(IOT_COAP_DAY_MS);
        assert_true(desk_out());
        assert_int_equal(desk.m.type, IOT_COAP_CON);
        give_bare(&a.via, IOT_COAP_ACK, desk.m.id);
    }
}

static void an_error_is_told_and_ends_it(void **state)
{
    (void)state;
    static const char *const paths[] = {"light", "news"};

    for (uint32_t i = 0; i < COUNT(paths); i++) {
        struct ask a = watcher(paths[i], 1, "w");
        assert_int_equal(give_ask(&a), C(2, 5));
        things[i == 0 ? LIGHT : NEWS].code = IOT_COAP_CODE(4, 4);
        iot_coap_serve_changed(&desk.x, paths[i]);
        assert_true(desk_out());
        assert_int_equal(desk.m.code, IOT_COAP_CODE(4, 4));
        assert_int_equal(option_uint(&desk.m, IOT_COAP_OBSERVE), -1);
        if (i == 0)
            give_bare(&a.via, IOT_COAP_ACK, desk.m.id);
        assert_int_equal(iot_coap_serve_observers(&desk.x, NULL), 0);
        assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
    }
}

static void what_it_accepted_counts_for_what_it_is_told(void **state)
{
    (void)state;
    struct ask a = watcher("light", 1, "w");

    a.accept = 50;
    things[LIGHT].has_format = true;
    things[LIGHT].format = 50;
    assert_int_equal(give_ask(&a), C(2, 5));
    iot_coap_serve_changed(&desk.x, "light");
    assert_true(desk_out());
    assert_true(things[LIGHT].call.has_accept && things[LIGHT].call.accept == 50);
    give_bare(&a.via, IOT_COAP_ACK, desk.m.id);
    things[LIGHT].format = 60;
    iot_coap_serve_changed(&desk.x, "light");
    assert_true(desk_out());
    assert_int_equal(desk.m.code, IOT_COAP_CODE(4, 6));
    give_bare(&a.via, IOT_COAP_ACK, desk.m.id);
    assert_int_equal(iot_coap_serve_observers(&desk.x, NULL), 0);
}

static void a_notification_has_the_first_block_and_the_rest_is_asked_for(void **state)
{
    (void)state;
    struct ask a = watcher("light", 1, "w");

    things[LIGHT].body = pattern_bytes(500);
    things[LIGHT].len = 500;
    a.block2 = BLOCK(0, 0, 2);
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(option_uint(&desk.m, IOT_COAP_BLOCK2), BLOCK(0, 1, 2));
    iot_coap_serve_changed(&desk.x, "light");
    assert_true(desk_out());
    assert_int_equal(option_uint(&desk.m, IOT_COAP_BLOCK2), BLOCK(0, 1, 2));
    int64_t etag = option_uint(&desk.m, IOT_COAP_ETAG);
    assert_true(etag >= 0);
    assert_payload(pattern_bytes(500), 64);
    give_bare(&a.via, IOT_COAP_ACK, desk.m.id);
    a.observe = -1;
    a.token = "rest";
    a.block2 = BLOCK(1, 0, 2);
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(option_uint(&desk.m, IOT_COAP_ETAG), etag);
    assert_int_equal(iot_coap_serve_observers(&desk.x, NULL), 1);
}

static void numbers_have_24_bits(void **state)
{
    (void)state;
    struct ask a = watcher("light", 1, "w");

    desk.x.order = 0xfffffd;
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(order(), 0xfffffe);
    for (uint32_t i = 0; i < 3; i++) {
        iot_coap_serve_changed(&desk.x, "light");
        assert_true(desk_out());
        assert_int_equal(order(), (0xffffff + i) & 0xffffff);
        give_bare(&a.via, IOT_COAP_ACK, desk.m.id);
    }
}

static void a_notification_that_something_else_came_before_is_made_again(void **state)
{
    (void)state;
    struct ask a = watcher("light", 1, "w"), get = asking(IOT_COAP_GET, "paper");
    struct iot_coap_via to;
    struct iot_bytes out;

    assert_int_equal(give_ask(&a), C(2, 5));
    iot_coap_serve_changed(&desk.x, "light");
    assert_int_equal(iot_coap_serve_next(&desk.x, desk.now, &to, &out), IOT_OK);
    assert_false(iot_coap_serve_owes(&desk.x));
    assert_int_equal(give_ask(&get), C(2, 5));
    assert_true(desk_out());
    assert_memory_equal(desk.m.token.ptr, "w", 1);
    give_bare(&a.via, IOT_COAP_ACK, desk.m.id);
    assert_false(desk_out());
}

static uint32_t changes;

static void change_again(void)
{
    if (changes != 0) {
        changes--;
        iot_coap_serve_changed(&desk.x, "light");
    }
}

static void a_handler_may_change_what_it_tells(void **state)
{
    (void)state;
    struct ask a = watcher("light", 1, "w");

    changes = 0;
    things[LIGHT].hook = change_again;
    assert_int_equal(give_ask(&a), C(2, 5));
    changes = 2;
    iot_coap_serve_changed(&desk.x, "light");
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(desk_out());
        assert_false(desk_out());
        give_bare(&a.via, IOT_COAP_ACK, desk.m.id);
    }
    assert_false(desk_out());
}

static void end_all(void)
{
    if (changes != 0)
        iot_coap_serve_gone(&desk.x, 1);
}

static void a_handler_may_end_who_it_tells(void **state)
{
    (void)state;
    struct ask a = watcher("light", 1, "w");

    changes = 0;
    things[LIGHT].hook = end_all;
    assert_int_equal(give_ask(&a), C(2, 5));
    changes = 1;
    iot_coap_serve_changed(&desk.x, "light");
    assert_false(desk_out());
    assert_int_equal(iot_coap_serve_observers(&desk.x, NULL), 0);
}

#define CASE(f) cmocka_unit_test_setup(f, desk_setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(who_observes_is_told_each_change_until_it_wants_no_more),
        CASE(what_others_change_or_nobody_knows_tells_nothing),
        CASE(one_notification_is_under_way_and_the_newest_state_wins),
        CASE(what_is_repeated_is_the_same_or_newer),
        CASE(who_does_not_acknowledge_is_not_told_any_more),
        CASE(a_reset_ends_it_also_of_what_was_not_confirmable),
        CASE(the_same_token_observes_once),
        CASE(what_is_not_for_observing_is_not_observed),
        CASE(observers_are_bounded_and_a_host_has_half_of_them),
        CASE(each_of_many_has_its_turn),
        CASE(two_observations_of_a_peer_are_told_one_after_the_other),
        CASE(news_are_not_confirmed_but_for_once_a_day),
        CASE(who_has_not_heard_anything_for_a_day_is_asked_whether_it_is_there),
        CASE(an_error_is_told_and_ends_it),
        CASE(what_it_accepted_counts_for_what_it_is_told),
        CASE(a_notification_has_the_first_block_and_the_rest_is_asked_for),
        CASE(numbers_have_24_bits),
        CASE(a_notification_that_something_else_came_before_is_made_again),
        CASE(a_handler_may_change_what_it_tells),
        CASE(a_handler_may_end_who_it_tells),
    };
    return cmocka_run_group_tests_name("coap_serve_watch", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's name, and a name server that is slow, wrong, ignorant, broken, silent, or whose answers age. What each is
 * called, and how soon the device is back when it is over. */
#include "town.h"

#define RETRY_MS (MINUTE + 15 * SECOND) /* a wait, and an attempt that was under way */

static const struct world_habit keeps = {
    .session = IOT_SESSION_KEEP, .qos_max = 2, .keepalive_s = 60};

/* Servers are asked again each time. */
static struct world_life *begin(enum world_dns_mode mode, uint32_t slow_ms)
{
    struct world_life *l = town_begin(&keeps, 1);

    world_dns_mode(mode, slow_ms);
    return l;
}

/* ---- Slow ----------------------------------------------------------------------------------------- */

static void slow_2_s(void)
{
    struct world_life *l = begin(WORLD_DNS_SLOW, 2 * SECOND);

    assert_within(town_connects(l, 3 * SECOND), 2 * SECOND, 2 * SECOND + 100);
    assert_int_equal(l->losses, 0);
    world_dns_mode(WORLD_DNS_GOOD, 0);
    town_end();
}

static void two_seconds_for_an_answer_are_waited_for(void **state)
{
    (void)state;
    scenario_run(slow_2_s);
}

/* Too late for the first attempt, but lwIP remembers it for the second. */
static void slow_6_s(void)
{
    struct world_life *l = begin(WORLD_DNS_SLOW, 6 * SECOND);

    assert_within(town_loses(l, IOT_ERR_DNS_TIMEOUT, 6 * SECOND), IOT_DNS_MS, IOT_DNS_MS + 100);
    assert_within(town_connects(l, 2 * SECOND), 250, 1300);
    assert_int_equal(l->losses, 1);
    world_dns_mode(WORLD_DNS_GOOD, 0);
    town_end();
}

static void six_seconds_for_an_answer_cost_one_attempt(void **state)
{
    (void)state;
    scenario_run(slow_6_s);
}

static struct {
    enum world_dns_mode mode;
    uint32_t slow_ms;
    uint64_t for_ms;
    iot_err name;
    uint32_t takes_ms; /* one attempt */
} trouble;

/* It lasts, each attempt ends by its name, there are not many of them, and then it is over. */
static void trouble_at_the_start(void)
{
    struct world_life *l = begin(trouble.mode, trouble.slow_ms);

    assert_within(town_loses(l, trouble.name, trouble.takes_ms + SECOND), trouble.takes_ms,
                  trouble.takes_ms + 100);
    town_run(trouble.for_ms);
    for (uint32_t i = 0; i < l->losses; i++)
        assert_err(told_of(l)->loss[i].err, trouble.name);
    assert_within(l->losses, trouble.for_ms / (MINUTE + trouble.takes_ms) + 1,
                  trouble.for_ms / (15 * SECOND) + 10);
    world_dns_mode(WORLD_DNS_GOOD, 0);
    town_connects(l, RETRY_MS);
    town_end();
}

/* The same for a device that was well, has mail, and loses its link. */
static void trouble_later(void)
{
    struct world_life *l = town_with(keeps);

    world_dns_mode(trouble.mode, trouble.slow_ms);
    town_run(5 * MINUTE); /* that the name is not known does not harm a link that lives */
    assert_int_equal(l->losses, 0);
    world_broker_kick(&town.broker, l->name, WORLD_END_RESET, world_ms());
    town_loses(l, IOT_ERR_TCP_RESET, 100);
    assert_err(town_say(l, 1, 40), IOT_OK);
    for (int i = 0; i < 3; i++)
        town_loses(l, trouble.name, MINUTE + trouble.takes_ms);
    town_run(trouble.for_ms);
    world_dns_mode(WORLD_DNS_GOOD, 0);
    town_connects(l, RETRY_MS);
    town_settles(SECOND);
    assert_int_equal(done(l), 1);
    town_end();
}

static void in_trouble(enum world_dns_mode mode, uint32_t slow_ms, iot_err name, uint32_t takes_ms)
{
    trouble.mode = mode;
    trouble.slow_ms = slow_ms;
    trouble.name = name;
    trouble.takes_ms = takes_ms;
    trouble.for_ms = HOUR;
    scenario_run(trouble_at_the_start);
    scenario_run(trouble_later);
}

/* lwIP gives up before the answer comes; it is never heard. */
static void twenty_seconds_for_an_answer_are_a_timeout_each_time(void **state)
{
    (void)state;
    in_trouble(WORLD_DNS_SLOW, 20 * SECOND, IOT_ERR_DNS_TIMEOUT, IOT_DNS_MS);
}

static void an_hour_of_silence_is_a_timeout_each_time(void **state)
{
    (void)state;
    in_trouble(WORLD_DNS_SILENT, 0, IOT_ERR_DNS_TIMEOUT, IOT_DNS_MS);
}

static void an_unknown_name_is_called_so(void **state)
{
    (void)state;
    in_trouble(WORLD_DNS_UNKNOWN, 0, IOT_ERR_DNS_UNKNOWN, 0);
}

/* lwIP does not tell it from an unknown name. */
static void a_server_that_fails_is_called_as_an_unknown_name(void **state)
{
    (void)state;
    in_trouble(WORLD_DNS_FAILURE, 0, IOT_ERR_DNS_UNKNOWN, 0);
}

static void a_wrong_address_is_a_tcp_timeout(void **state)
{
    (void)state;
    in_trouble(WORLD_DNS_WRONG, 0, IOT_ERR_TCP_TIMEOUT, IOT_TCP_CONNECT_MS);
}

/* ---- Age ------------------------------------------------------------------------------------------ */

static void reconnect(struct world_life *l)
{
    world_broker_kick(&town.broker, l->name, WORLD_END_RESET, world_ms());
    town_loses(l, IOT_ERR_TCP_RESET, 100);
    town_connects(l, RETRY_MS);
}

/* What is remembered is used as long as it holds, and asked anew behind that. */
static void aging(void)
{
    struct world_life *l = town_begin(&keeps, 1);

    world_dns_ttl(300);
    town_connects(l, SECOND);
    town_run(31 * SECOND);
    uint32_t asked = world_dns_questions(); /* lwIP may ask twice at once */
    reconnect(l);
    assert_int_equal(world_dns_questions(), asked);
    town_run(5 * MINUTE);
    reconnect(l);
    assert_true(world_dns_questions() > asked);
    town_end();
}

static void an_address_is_asked_for_again_when_it_has_expired(void **state)
{
    (void)state;
    scenario_run(aging);
}

/* The broker is away from where it was, the name server says the old place for ten minutes more. */
static void moving(void)
{
    struct world_life *l = town_begin(&keeps, 1);

    world_dns_ttl(30);
    town_connects(l, SECOND);
    town_run(MINUTE);
    world_dns_mode(WORLD_DNS_WRONG, 0);
    assert_err(town_say(l, 1, 40), IOT_OK);
    world_server_restart(10, true, world_ms());
    town_loses(l, IOT_ERR_TCP_EOF, 100);
    town_loses(l, IOT_ERR_TCP_TIMEOUT, 17 * SECOND);
    town_run(10 * MINUTE);
    assert_err(l->last_loss, IOT_ERR_TCP_TIMEOUT);
    world_dns_mode(WORLD_DNS_GOOD, 0);
    town_connects(l, RETRY_MS);
    town_settles(SECOND);
    assert_int_equal(done(l), 1);
    town_end();
}

static void a_broker_that_moved_is_found_when_the_name_server_says_where(void **state)
{
    (void)state;
    scenario_run(moving);
}

/* A request cannot be cancelled: closing waits for lwIP to give it up. */
static void closing(void)
{
    struct world_life *l = begin(WORLD_DNS_SILENT, 0);

    town_run(SECOND);
    assert_true(world_life_close(l, 0, HOUR));
    town_run(5 * SECOND);
    assert_int_equal(l->closes, 0);
    town_run(2 * SECOND);
    assert_int_equal(l->closes, 1);
    world_dns_mode(WORLD_DNS_GOOD, 0);
    town_connects(l, HOUR + SECOND);
    town_end();
}

static void closing_waits_for_a_name_request_that_is_out(void **state)
{
    (void)state;
    scenario_run(closing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_seconds_for_an_answer_are_waited_for),
        cmocka_unit_test(six_seconds_for_an_answer_cost_one_attempt),
        cmocka_unit_test(twenty_seconds_for_an_answer_are_a_timeout_each_time),
        cmocka_unit_test(an_hour_of_silence_is_a_timeout_each_time),
        cmocka_unit_test(an_unknown_name_is_called_so),
        cmocka_unit_test(a_server_that_fails_is_called_as_an_unknown_name),
        cmocka_unit_test(a_wrong_address_is_a_tcp_timeout),
        cmocka_unit_test(an_address_is_asked_for_again_when_it_has_expired),
        cmocka_unit_test(a_broker_that_moved_is_found_when_the_name_server_says_where),
        cmocka_unit_test(closing_waits_for_a_name_request_that_is_out),
    };

    return cmocka_run_group_tests_name("life: names", tests, NULL, NULL);
}

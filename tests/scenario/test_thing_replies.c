/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the requests of a thing at the emulated platform: replies that are late, lost, doubled, to nobody; before
 * and after a reconnect, a close, a reboot. */
#include "lit.h"

#define STABLE 31000u

/* ---- Replies: late, lost, twice, to nobody -------------------------------------------------------- */

static void late(void)
{
    struct world_life *l = lit_with(IOT_SESSION_KEEP);

    RULES.reply_delay_ms = IOT_REQUEST_MS + 2000;
    uint64_t took = lit_ends(l, lit_post(l, 0), IOT_EV_FAILED, IOT_ERR_LINK_TIMEOUT, MINUTE);
    assert_within(took, IOT_REQUEST_MS, IOT_REQUEST_MS + 20);
    assert_int_equal(lamp_of(l)->skipped, 0);
    town_run(5 * SECOND);
    assert_int_equal(lamp_of(l)->skipped, 1);
    assert_err(lamp_of(l)->skipped_as, IOT_ERR_LINK_REPLY);
    RULES.reply_delay_ms = IOT_REQUEST_MS - 2000;
    lit_ends(l, lit_post(l, IOT_ASK_QOS_1), IOT_EV_REPLY, IOT_OK, MINUTE);
    town_end();
    lit_over(l);
    assert_int_equal(lamp_of(l)->skipped, 1);
}

static void a_reply_behind_the_deadline_is_a_timeout_and_is_dropped_by_name(void **state)
{
    (void)state;
    scenario_run(late);
}

static void lost_and_doubled(void)
{
    struct world_life *l = lit_with(IOT_SESSION_CLEAN);

    RULES.reply_drop = 1;
    lit_ends(l, lit_post(l, 0), IOT_EV_FAILED, IOT_ERR_LINK_TIMEOUT, MINUTE);
    lit_ends(l, lit_post(l, IOT_ASK_QOS_1), IOT_EV_FAILED, IOT_ERR_LINK_TIMEOUT, MINUTE);
    RULES.reply_drop = 0;
    RULES.reply_double = 1;
    lit_ends(l, lit_post(l, 0), IOT_EV_REPLY, IOT_OK, SECOND);
    town_run(SECOND);
    assert_int_equal(lamp_of(l)->skipped, 1);
    assert_err(lamp_of(l)->skipped_as, IOT_ERR_LINK_REPLY);
    RULES.reply_double = 0;
    lit_ends(l, lit_post(l, IOT_ASK_NO_REPLY), IOT_EV_DONE, IOT_OK, SECOND);
    town_end();
    lit_over(l);
    assert_int_equal(lamp_of(l)->skipped, 1);
}

static void a_lost_reply_is_a_timeout_and_a_second_one_is_dropped(void **state)
{
    (void)state;
    scenario_run(lost_and_doubled);
}

static void to_nobody(void)
{
    struct world_life *l = lit_with(IOT_SESSION_KEEP);
    char reply[64];

    lit_send(l, "thing/event/property/post_reply", "{\"id\":\"77777\",\"code\":200,\"data\":{}}");
    town_run(SECOND);
    assert_int_equal(lamp_of(l)->skipped, 1);
    RULES.reply_delay_ms = 5000;
    iot_ticket ticket = lit_post(l, 0);
    snprintf(reply, sizeof reply, "{\"id\":\"%u\",\"code\":200,\"data\":{}}", ticket);
    lit_send(l, "thing/event/Error/post_reply", reply); /* another request's topic */
    lit_send(l, "thing/event/property/post_reply", "{\"id\":\"1\",\"code\":");
    town_run(SECOND);
    assert_int_equal(lamp_of(l)->skipped, 3);
    assert_within(lit_ends(l, ticket, IOT_EV_REPLY, IOT_OK, MINUTE), 3900, 4500);
    town_end();
    lit_over(l);
}

static void replies_to_nobody_are_dropped_and_end_nothing(void **state)
{
    (void)state;
    scenario_run(to_nobody);
}

/* ---- Replies and reconnects ----------------------------------------------------------------------- */

static enum iot_session_kind session;

/* The platform has the request; its reply is on the way when the link ends. */
static void reply_over_a_break(void)
{
    struct world_life *l = lit_with(session);

    town_cut(false, true);
    iot_ticket ticket = lit_post(l, 0);
    town_run(500);
    lit_break(l);
    if (session == IOT_SESSION_CLEAN)
        lit_ends(l, ticket, IOT_EV_FAILED, IOT_ERR_LINK_TIMEOUT, MINUTE);
    else
        lit_ends(l, ticket, IOT_EV_REPLY, IOT_OK, 5 * SECOND);
    town_connects(l, MINUTE);
    lit_ends(l, lit_post(l, 0), IOT_EV_REPLY, IOT_OK, SECOND);
    town_end();
    lit_over(l);
    assert_int_equal(lamp_of(l)->skipped, 0);
}

static void a_reply_is_redelivered_with_a_kept_session_and_missed_with_a_clean_one(void **state)
{
    (void)state;
    session = IOT_SESSION_KEEP;
    scenario_run(reply_over_a_break);
    session = IOT_SESSION_CLEAN;
    scenario_run(reply_over_a_break);
}

/* A kept session brings it after the time-out. */
static void reply_after_the_deadline(void)
{
    struct world_life *l = lit_with(IOT_SESSION_KEEP);

    town_cut(false, true);
    iot_ticket ticket = lit_post(l, 0);
    town_run(500);
    world_server_mode(WORLD_SERVER_SHUT);
    lit_break(l);
    lit_ends(l, ticket, IOT_EV_FAILED, IOT_ERR_LINK_TIMEOUT, IOT_REQUEST_MS + SECOND);
    world_server_mode(WORLD_SERVER_OPEN);
    town_connects(l, MINUTE);
    town_run(SECOND);
    assert_int_equal(lamp_of(l)->skipped, 1);
    assert_err(lamp_of(l)->skipped_as, IOT_ERR_LINK_REPLY);
    town_end();
    lit_over(l);
}

static void a_reply_that_a_kept_session_brings_too_late_is_dropped(void **state)
{
    (void)state;
    scenario_run(reply_after_the_deadline);
}

static void asked_while_down(void)
{
    struct world_life *l = lit_with(session);

    lit_break(l);
    assert_false(l->up);
    iot_ticket soon = lit_post(l, 0), soon_1 = lit_post(l, IOT_ASK_QOS_1);
    town_connects(l, 5 * SECOND);
    lit_ends(l, soon, IOT_EV_REPLY, IOT_OK, SECOND);
    lit_ends(l, soon_1, IOT_EV_REPLY, IOT_OK, SECOND);
    town_run(STABLE);

    world_server_mode(WORLD_SERVER_SHUT);
    lit_break(l);
    iot_ticket never = lit_post(l, IOT_ASK_QOS_1);
    uint64_t took = lit_ends(l, never, IOT_EV_FAILED, IOT_ERR_LINK_TIMEOUT, MINUTE);
    assert_within(took, IOT_REQUEST_MS, IOT_REQUEST_MS + 20);
    world_server_mode(WORLD_SERVER_OPEN);
    town_connects(l, MINUTE);
    town_run(SECOND); /* it goes to the platform all the same, whose reply finds nobody */
    assert_int_equal(lamp_of(l)->skipped, 1);
    town_end();
    lit_over(l);
}

static void a_request_made_while_the_link_is_down_waits_until_its_deadline(void **state)
{
    (void)state;
    session = IOT_SESSION_KEEP;
    scenario_run(asked_while_down);
    session = IOT_SESSION_CLEAN;
    scenario_run(asked_while_down);
}

static void closed_while_asking(void)
{
    struct world_life *l = lit_with(IOT_SESSION_KEEP);

    RULES.reply_drop = 1;
    iot_ticket a = lit_post(l, 0), b = lit_post(l, IOT_ASK_QOS_1);
    town_run(SECOND);
    assert_true(world_life_close(l, 2 * SECOND, 5 * SECOND));
    lit_ends(l, a, IOT_EV_FAILED, IOT_ERR_CLOSED, 10 * SECOND);
    lit_ends(l, b, IOT_EV_FAILED, IOT_ERR_CLOSED, SECOND);
    RULES.reply_drop = 0;
    town_connects(l, MINUTE);
    lit_ends(l, lit_post(l, 0), IOT_EV_REPLY, IOT_OK, SECOND);
    town_end();
    lit_over(l);
}

static void requests_that_are_open_at_the_close_fail_as_closed(void **state)
{
    (void)state;
    scenario_run(closed_while_asking);
}

/* The broker redelivers the reply to a request of before a reboot, right behind the CONNACK, and the device has asked
 * anew by then: the numbers must not be the same. */
static iot_ticket early;

static void ask_early(struct world_life *l, const struct iot_event *ev)
{
    if (ev->kind == IOT_EV_CONNECTED && l->boots == 2)
        early = lit_post(l, 0);
}

static void reply_of_before_a_reboot(void)
{
    struct world_life *l = lit_with(IOT_SESSION_KEEP_REBOOT);

    town_cut(false, true);
    lit_post(l, 0);
    town_run(500);
    town_on_event = ask_early;
    world_life_power_cut(l, 2 * SECOND);
    town_cut(false, false);
    RULES.reply_drop = 1;
    town_connects(l, MINUTE);
    assert_true(told_of(l)->kept);
    lit_ends(l, early, IOT_EV_FAILED, IOT_ERR_LINK_TIMEOUT, MINUTE);
    assert_int_equal(lamp_of(l)->skipped, 1);
    RULES.reply_drop = 0;
    lit_ends(l, lit_post(l, 0), IOT_EV_REPLY, IOT_OK, SECOND);
    town_end();
    lit_over(l);
}

static void a_reply_to_a_request_of_before_a_reboot_ends_no_other(void **state)
{
    (void)state;
    scenario_run(reply_of_before_a_reboot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_behind_the_deadline_is_a_timeout_and_is_dropped_by_name),
        cmocka_unit_test(a_lost_reply_is_a_timeout_and_a_second_one_is_dropped),
        cmocka_unit_test(replies_to_nobody_are_dropped_and_end_nothing),
        cmocka_unit_test(a_reply_is_redelivered_with_a_kept_session_and_missed_with_a_clean_one),
        cmocka_unit_test(a_reply_that_a_kept_session_brings_too_late_is_dropped),
        cmocka_unit_test(a_request_made_while_the_link_is_down_waits_until_its_deadline),
        cmocka_unit_test(requests_that_are_open_at_the_close_fail_as_closed),
        cmocka_unit_test(a_reply_to_a_request_of_before_a_reboot_ends_no_other),
    };

    return cmocka_run_group_tests_name("thing: replies", tests, NULL, NULL);
}

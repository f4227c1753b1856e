/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger of the simulated world: of each rule accounts that keep it and one that breaks it. */
#include "test.h"

#include "world/world_ledger.h"
#include "world/world_serial.h"
#include "world_said.h"

static struct world_ledger ledger;

static int setup(void **state)
{
    (void)state;
    hush();
    world_ledger_init(&ledger, "d1");
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    world_ledger_over(&ledger);
    quiet();
    return 0;
}

/* Message n has ticket n. */
static void accept(uint32_t n, uint8_t qos)
{
    world_ledger_accepted(&ledger, n, n, qos, false, 0);
}

static void end(uint32_t n, iot_err err)
{
    world_ledger_ended(&ledger, n, err, 5);
}

static void took(uint32_t n, uint8_t qos)
{
    world_ledger_took(&ledger, n, qos, true);
}

static void queued(uint32_t n, uint8_t qos)
{
    world_ledger_queued(&ledger, n, qos, 0);
}

static void got(uint32_t n, uint8_t qos)
{
    world_ledger_got(&ledger, n, qos, false, 7);
}

static void delivered(uint32_t n)
{
    world_ledger_delivered(&ledger, n);
}

/* ---- Up ---------------------------------------------------------------------------------- */

static void good_accounts_are_silent_and_counted(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 3; n++)
        accept(n, (uint8_t)(n - 1));
    assert_false(world_ledger_drained(&ledger));
    for (uint32_t n = 1; n <= 3; n++)
        took(n, (uint8_t)(n - 1));
    took(2, 1); /* QoS 1 may come again */
    world_ledger_took(&ledger, 3, 2, false);
    for (uint32_t n = 1; n <= 3; n++)
        end(n, IOT_OK);
    accept(4, 1);
    world_ledger_closing(&ledger);
    end(4, IOT_ERR_CLOSED);
    world_ledger_refused(&ledger, IOT_ERR_FULL);
    assert_true(world_ledger_drained(&ledger));
    world_ledger_closed(&ledger);
    quiet();
    assert_int_equal(ledger.counts.accepted, 4);
    assert_int_equal(ledger.counts.done[2], 1);
    assert_int_equal(ledger.counts.failed, 1);
    assert_int_equal(ledger.counts.failed_as[-IOT_ERR_CLOSED], 1);
    assert_int_equal(ledger.counts.refused_as[-IOT_ERR_FULL], 1);
    assert_int_equal(ledger.counts.took_again, 2);
    assert_true(ledger.counts.longest_up_ms == 5);
}

static void a_ticket_ends_exactly_once(void **state)
{
    (void)state;
    accept(1, 0);
    end(1, IOT_OK);
    quiet();
    end(1, IOT_OK);
    caught("ticket 1 ended OK, and again OK");
    end(2, IOT_OK);
    caught("an end (OK) for ticket 2, which is none");
    accept(3, 1);
    world_ledger_closed(&ledger);
    caught("closed, and ticket 3 (message 0000000000000003, QoS 1) has not ended; 1 in all");
    accept(4, 1);
    world_ledger_over(&ledger);
    caught("at the end ticket 4");
}

static void tickets_do_not_repeat_within_a_boot(void **state)
{
    (void)state;
    world_ledger_accepted(&ledger, 0xffffffff, 1, 0, false, 0);
    world_ledger_accepted(&ledger, 1, 2, 0, false, 0);
    end(0xffffffff, IOT_OK);
    end(1, IOT_OK);
    quiet();
    world_ledger_accepted(&ledger, 1, 3, 0, false, 0);
    caught("ticket 1 was given behind 1");
    end(1, IOT_OK);
    world_ledger_accepted(&ledger, 0, 4, 0, false, 0);
    caught("ticket 0 was given");
    world_ledger_rebooted(&ledger);
    accept(7, 0);
    end(7, IOT_OK);
    quiet();
}

static void events_of_an_earlier_boot_do_not_come(void **state)
{
    (void)state;
    accept(5, 1);
    accept(6, 1);
    took(5, 1);
    end(5, IOT_OK);
    world_ledger_rebooted(&ledger);
    assert_true(world_ledger_drained(&ledger));
    assert_int_equal(ledger.counts.powerless, 1);
    end(6, IOT_OK);
    caught("an end (OK) for ticket 6, which is none");
    end(5, IOT_OK);
    caught("an end (OK) for ticket 5, which is none");
    took(6, 1); /* its bytes may still have been on their way */
    quiet();
}

static void done_means_that_the_broker_took_it(void **state)
{
    (void)state;
    accept(1, 0);
    end(1, IOT_OK); /* QoS 0: no claim */
    accept(2, 1);
    quiet();
    end(2, IOT_OK);
    caught("is DONE with QoS 1, and the broker never took it");
    accept(3, 2);
    end(3, IOT_OK);
    caught("is DONE with QoS 2, and the broker never took it");
}

static void qos_2_is_taken_exactly_once_but_for_lost_sessions(void **state)
{
    (void)state;
    accept(1, 2);
    took(1, 2);
    world_ledger_took(&ledger, 1, 2, false);
    quiet();
    took(1, 2);
    caught("of QoS 2 twice");
    end(1, IOT_OK);
    accept(2, 2);
    took(2, 2);
    world_ledger_session_lost(&ledger);
    took(2, 2);
    end(2, IOT_OK);
    quiet();
    accept(3, 2);
    took(3, 2);
    took(3, 2); /* the loss was before it */
    caught("of QoS 2 twice");
    end(3, IOT_OK);
}

static void qos_0_is_taken_once_and_qos_1_not_after_its_end(void **state)
{
    (void)state;
    accept(1, 0);
    end(1, IOT_OK);
    took(1, 0);
    quiet();
    took(1, 0);
    caught("of QoS 0 twice");
    accept(2, 1);
    took(2, 1);
    end(2, IOT_OK);
    took(2, 1);
    caught("again after its end");
    accept(3, 1);
    took(3, 1);
    ledger.clean = true;
    end(3, IOT_ERR_UNKNOWN);
    took(3, 1);
    quiet();
}

static void what_failed_for_good_was_never_taken(void **state)
{
    (void)state;
    world_ledger_closing(&ledger);
    accept(1, 1);
    took(1, 1);
    end(1, IOT_ERR_CLOSED);
    caught("FAILED CLOSED, and the broker took it before");
    accept(2, 1);
    end(2, IOT_ERR_CLOSED);
    took(2, 1);
    caught("FAILED CLOSED, and the broker took it later");
    world_ledger_accepted(&ledger, 3, 3, 1, true, 0);
    end(3, IOT_ERR_FULL); /* what a policy may say */
    quiet();
    took(3, 1);
    caught("FAILED FULL, and the broker took it later");
    accept(4, 1);
    end(4, IOT_ERR_FULL);
    caught("FAILED FULL, and nothing allows that");
}

static void cut_is_for_qos_0_and_unknown_for_the_others(void **state)
{
    (void)state;
    accept(1, 0);
    accept(2, 1);
    accept(3, 0);
    accept(4, 2);
    ledger.clean = true;
    end(1, IOT_ERR_CUT);
    end(2, IOT_ERR_UNKNOWN);
    took(1, 0); /* either */
    quiet();
    end(3, IOT_ERR_UNKNOWN);
    caught("of QoS 0 FAILED UNKNOWN");
    end(4, IOT_ERR_CUT);
    caught("of QoS 2 FAILED CUT");
}

static void the_broker_takes_in_the_order_of_acceptance(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 4; n++)
        accept(n, n == 3 ? 0 : 1);
    took(1, 1);
    took(2, 1);
    took(1, 1); /* again: says nothing of the order */
    took(4, 1);
    quiet();
    took(3, 0);
    caught("behind later ones");
    for (uint32_t n = 1; n <= 4; n++)
        end(n, IOT_OK);
}

static void what_is_taken_was_accepted_with_that_qos(void **state)
{
    (void)state;
    took(1, 1);
    caught("which was not accepted");
    accept(2, 1);
    took(2, 0);
    caught("with QoS 0, not 1");
    end(2, IOT_OK);
    world_ledger_accepted(&ledger, 3, 2, 1, false, 0);
    caught("message 0000000000000002 is published twice");
    world_ledger_closing(&ledger);
    end(3, IOT_ERR_CLOSED);
}

static void closed_is_for_who_closes_and_unknown_for_a_session_that_is_gone(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 5; n++)
        accept(n, n == 5 ? 2 : 1);
    end(1, IOT_ERR_CLOSED);
    caught("FAILED CLOSED, and nobody closes");
    end(2, IOT_ERR_UNKNOWN);
    caught("FAILED UNKNOWN, and its session lives");
    world_ledger_session_lost(&ledger);
    world_ledger_session_new(&ledger);
    end(3, IOT_ERR_UNKNOWN); /* it should be sent as new */
    caught("FAILED UNKNOWN, and its session lives");
    ledger.hand_back = true;
    end(4, IOT_ERR_UNKNOWN);
    ledger.hand_back = false;
    end(5, IOT_ERR_UNKNOWN); /* behind PUBREC there is nothing left to send */
    quiet();
}

/* ---- Down -------------------------------------------------------------------------------- */

static void good_deliveries_are_silent_and_counted(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 3; n++)
        queued(n, (uint8_t)(n - 1));
    assert_false(world_ledger_drained(&ledger));
    for (uint32_t n = 1; n <= 3; n++) {
        assert_false(world_ledger_has(&ledger, n));
        got(n, (uint8_t)(n - 1));
        assert_true(world_ledger_has(&ledger, n));
    }
    world_ledger_got(&ledger, 2, 1, true, 9);
    assert_true(world_ledger_drained(&ledger));
    for (uint32_t n = 1; n <= 3; n++)
        delivered(n);
    queued(4, 2);
    world_ledger_skipped(&ledger, 4);
    assert_true(world_ledger_has(&ledger, 4));
    assert_true(world_ledger_drained(&ledger));
    delivered(4);
    queued(5, 0); /* QoS 0 may be lost */
    assert_true(world_ledger_drained(&ledger));
    quiet();
    assert_int_equal(ledger.counts.got_again, 1);
    assert_int_equal(ledger.counts.skipped, 1);
    assert_true(ledger.counts.longest_down_ms == 7);
}

static void only_what_was_queued_is_got(void **state)
{
    (void)state;
    got(1, 0);
    caught("is got, and was never queued for it");
    world_ledger_skipped(&ledger, 1);
    caught("is skipped, and was never queued for it");
    delivered(1);
    caught("is delivered, and was never queued for it");
    queued(2, 1);
    got(2, 2);
    caught("with QoS 2, not 1");
    queued(3, 0);
    world_ledger_got(&ledger, 3, 0, true, 0);
    caught("of QoS 0 with DUP");
}

static void each_qos_is_got_as_often_as_it_may_be(void **state)
{
    (void)state;
    queued(1, 0);
    got(1, 0);
    got(1, 0);
    caught("of QoS 0 twice");
    queued(2, 1);
    got(2, 1);
    got(2, 1);
    delivered(2);
    quiet();
    got(2, 1);
    caught("again after its end");
    queued(3, 2);
    got(3, 2);
    got(3, 2);
    caught("of QoS 2 twice");
    delivered(3);
    got(3, 2);
    caught("of QoS 2 twice");
}

static void a_reboot_or_a_lost_session_allows_qos_2_once_more(void **state)
{
    (void)state;
    queued(1, 2);
    got(1, 2);
    world_ledger_rebooted(&ledger);
    got(1, 2);
    delivered(1);
    queued(2, 2);
    got(2, 2);
    world_ledger_session_lost(&ledger);
    got(2, 2);
    delivered(2);
    queued(3, 2); /* a new delivery of a retained message */
    got(3, 2);
    delivered(3);
    queued(3, 2);
    got(3, 2);
    delivered(3);
    queued(4, 2);
    queued(4, 2);
    got(4, 2);
    got(4, 2);
    quiet();
    got(3, 2);
    caught("of QoS 2 twice");
}

static void first_deliveries_keep_the_brokers_order(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 6; n++)
        queued(n, n <= 3 ? 1 : 2);
    got(4, 2); /* of another QoS */
    got(1, 1);
    got(2, 1);
    got(1, 1);
    got(3, 1);
    quiet();
    got(6, 2);
    got(5, 2);
    caught("of QoS 2 came behind later ones");
    queued(7, 1);
    queued(8, 1);
    world_ledger_skipped(&ledger, 8);
    got(7, 1);
    caught("of QoS 1 came behind later ones");
}

static void the_broker_is_told_only_what_is_true(void **state)
{
    (void)state;
    queued(1, 1);
    delivered(1);
    caught("is acknowledged, and the application never got it");
    queued(2, 2);
    delivered(2);
    caught("is acknowledged, and the application never got it");
    assert_true(world_ledger_drained(&ledger));
}

static void qos_2_may_be_swallowed_while_the_device_does_not_know_its_session(void **state)
{
    (void)state;
    world_ledger_session_lost(&ledger);
    queued(1, 2);
    queued(2, 1);
    delivered(1);
    quiet();
    assert_int_equal(ledger.counts.swallowed, 1);
    delivered(2);
    caught("is acknowledged, and the application never got it");
    world_ledger_session_new(&ledger);
    queued(3, 2);
    delivered(3);
    caught("is acknowledged, and the application never got it");
    world_ledger_session_lost(&ledger);
    world_ledger_rebooted(&ledger);
    queued(4, 2);
    delivered(4);
    caught("is acknowledged, and the application never got it");
}

static void what_the_broker_forgot_is_not_waited_for(void **state)
{
    (void)state;
    queued(1, 1);
    queued(2, 2);
    got(1, 1);
    world_ledger_forgot(&ledger);
    assert_true(world_ledger_drained(&ledger));
    assert_int_equal(ledger.counts.voided, 1);
    got(1, 1); /* what was on its way may still come */
    got(2, 2);
    delivered(2);
    quiet();
    queued(2, 2);
    assert_false(world_ledger_drained(&ledger));
    got(2, 2);
    quiet();
}

static void what_is_missing_at_the_end_is_named(void **state)
{
    (void)state;
    queued(1, 1);
    queued(2, 0);
    queued(3, 2);
    got(3, 2);
    world_ledger_over(&ledger);
    caught("at the end message 0000000000000001 of QoS 1 was never got; 1 in all");
}

/* ---- Long runs --------------------------------------------------------------------------- */

static void memory_follows_what_is_under_way(void **state)
{
    (void)state;
    uint32_t stuck = 1;
    accept(stuck, 2);
    took(stuck, 2);
    for (uint32_t n = 2; n < 300000; n++) {
        uint8_t qos = (uint8_t)(n % 3);
        accept(n, qos);
        took(n, qos);
        end(n, IOT_OK);
        queued(n, qos);
        got(n, qos);
        delivered(n);
    }
    end(stuck, IOT_OK);
    quiet();
    assert_true(world_ledger_drained(&ledger));
    assert_true(ledger.up.cap <= 2 * WORLD_LEDGER_KEEP);
    assert_true(ledger.down.cap <= 2 * WORLD_LEDGER_KEEP);
    took(2, 2);
    caught("which was not accepted, or is long forgotten");
    took(299990, (uint8_t)(299990 % 3)); /* remembered */
    caught(299990 % 3 == 2 ? "of QoS 2 twice" : "again");
}

static void many_at_once_are_found(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 20000; n++)
        queued(n, 1);
    for (uint32_t n = 1; n <= 20000; n++)
        got(n, 1);
    for (uint32_t n = 20000; n >= 1; n--)
        delivered(n);
    assert_true(world_ledger_drained(&ledger));
    quiet();
}

#define LEDGER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, clean_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(good_accounts_are_silent_and_counted),
        LEDGER_TEST(a_ticket_ends_exactly_once),
        LEDGER_TEST(tickets_do_not_repeat_within_a_boot),
        LEDGER_TEST(events_of_an_earlier_boot_do_not_come),
        LEDGER_TEST(done_means_that_the_broker_took_it),
        LEDGER_TEST(qos_2_is_taken_exactly_once_but_for_lost_sessions),
        LEDGER_TEST(qos_0_is_taken_once_and_qos_1_not_after_its_end),
        LEDGER_TEST(what_failed_for_good_was_never_taken),
        LEDGER_TEST(closed_is_for_who_closes_and_unknown_for_a_session_that_is_gone),
        LEDGER_TEST(cut_is_for_qos_0_and_unknown_for_the_others),
        LEDGER_TEST(the_broker_takes_in_the_order_of_acceptance),
        LEDGER_TEST(what_is_taken_was_accepted_with_that_qos),
        LEDGER_TEST(good_deliveries_are_silent_and_counted),
        LEDGER_TEST(only_what_was_queued_is_got),
        LEDGER_TEST(each_qos_is_got_as_often_as_it_may_be),
        LEDGER_TEST(a_reboot_or_a_lost_session_allows_qos_2_once_more),
        LEDGER_TEST(first_deliveries_keep_the_brokers_order),
        LEDGER_TEST(the_broker_is_told_only_what_is_true),
        LEDGER_TEST(qos_2_may_be_swallowed_while_the_device_does_not_know_its_session),
        LEDGER_TEST(what_the_broker_forgot_is_not_waited_for),
        LEDGER_TEST(what_is_missing_at_the_end_is_named),
        LEDGER_TEST(memory_follows_what_is_under_way),
        LEDGER_TEST(many_at_once_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

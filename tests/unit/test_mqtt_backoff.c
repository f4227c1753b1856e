/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "mqtt_rooms.h"

#define DRAWS 2000

static struct iot_mqtt_backoff b;
static struct iot_jitter jitter;

static int setup(void **state)
{
    (void)state;
    memset(&b, 0, sizeof b);
    iot_jitter_seed(&jitter, test_seed());
    return 0;
}

/* Waits after this loss, always from the same step; lowest and highest of many. */
static void draw(uint8_t step, uint32_t cap_ms, iot_err reason, int32_t detail, uint32_t exile_ms,
                 uint32_t *low, uint32_t *high)
{
    *low = UINT32_MAX;
    *high = 0;
    for (int i = 0; i < DRAWS; i++) {
        b.step = step;
        uint32_t ms = iot_mqtt_backoff_next(&b, &jitter, cap_ms, reason, detail, exile_ms);
        *low = ms < *low ? ms : *low;
        *high = ms > *high ? ms : *high;
    }
}

#define assert_between(value, from, to)                                                            \
    do {                                                                                           \
        assert_true((value) >= (from));                                                            \
        assert_true((value) <= (to));                                                              \
    } while (0)

static void each_step_doubles_the_longest_wait_up_to_the_cap(void **state)
{
    static const uint32_t longest[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    uint32_t low, high;
    (void)state;
    for (uint8_t step = 0; step < COUNT(longest); step++) {
        draw(step, 0, IOT_ERR_TCP_TIMEOUT, 0, 0, &low, &high);
        assert_between(low, 250, 250 + longest[step] / 50);
        assert_between(high, longest[step] - longest[step] / 50, longest[step]);
        assert_int_equal(b.step, step + 1);
        assert_false(b.firm);
    }
    for (int i = 0; i < 300; i++) /* it does not climb out of the numbers */
        assert_true(iot_mqtt_backoff_next(&b, &jitter, 0, IOT_ERR_TCP_TIMEOUT, 0, 0) <= 60000);
    draw(b.step, 0, IOT_ERR_TCP_TIMEOUT, 0, 0, &low, &high);
    assert_true(high > 59000);
    iot_mqtt_backoff_reset(&b);
    draw(b.step, 0, IOT_ERR_TCP_TIMEOUT, 0, 0, &low, &high);
    assert_true(high <= 1000);
}

static void a_cap_below_the_shortest_wait_is_the_wait(void **state)
{
    uint32_t low, high;
    (void)state;
    draw(5, 100, IOT_ERR_TCP_TIMEOUT, 0, 0, &low, &high);
    assert_int_equal(low, 100);
    assert_int_equal(high, 100);
}

static void a_refusal_waits_near_the_cap_and_a_busy_server_does_not(void **state)
{
    uint32_t low, high, ms;
    (void)state;
    draw(0, 0, IOT_ERR_MQTT_REFUSED, 5, 0, &low, &high);
    assert_between(low, 30000, 31000);
    assert_between(high, 59000, 60000);
    assert_false(iot_mqtt_backoff_hint(&b, &jitter, 0, false, &ms));
    assert_true(iot_mqtt_backoff_hint(&b, &jitter, 0, true, &ms));
    assert_int_equal(ms, 60000);
    draw(0, 0, IOT_ERR_MQTT_REFUSED, 3, 0, &low, &high);
    assert_true(high <= 1000);
}

static void an_exile_is_served_to_its_end_and_some_more(void **state)
{
    uint32_t low, high, ms;
    (void)state;
    draw(0, 0, IOT_ERR_LINK_FLOW, 0, 300000, &low, &high);
    assert_between(low, 300000, 305000);
    assert_between(high, 445000, 450000);
    assert_int_equal(b.step, 0); /* it is no step of the ladder */
    assert_false(iot_mqtt_backoff_hint(&b, &jitter, 0, false, &ms));
    assert_false(iot_mqtt_backoff_hint(&b, &jitter, 0, true, &ms));
    draw(0, 0, IOT_ERR_TCP_TIMEOUT, 0, 0, &low, &high); /* the next loss is an ordinary one */
    assert_true(iot_mqtt_backoff_hint(&b, &jitter, 0, false, &ms));
}

static void the_network_s_own_reasons_wait_as_they_say(void **state)
{
    uint32_t low, high, ms;
    (void)state;
    draw(3, 0, IOT_ERR_NET_DOWN, 0, 0, &low, &high);
    assert_int_equal(low, 60000);
    assert_int_equal(high, 60000);
    draw(3, 0, IOT_ERR_NET_CHANGED, 0, 0, &low, &high);
    assert_true(high <= 250);
    for (int i = 0; i < DRAWS; i++) {
        assert_true(iot_mqtt_backoff_hint(&b, &jitter, 0, false, &ms));
        assert_true(ms <= 250);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_step_doubles_the_longest_wait_up_to_the_cap, setup),
        cmocka_unit_test_setup(a_cap_below_the_shortest_wait_is_the_wait, setup),
        cmocka_unit_test_setup(a_refusal_waits_near_the_cap_and_a_busy_server_does_not, setup),
        cmocka_unit_test_setup(an_exile_is_served_to_its_end_and_some_more, setup),
        cmocka_unit_test_setup(the_network_s_own_reasons_wait_as_they_say, setup),
    };
    return cmocka_run_group_tests_name("mqtt_backoff", tests, NULL, NULL);
}

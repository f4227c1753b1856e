/* SPDX-License-Identifier: Apache-2.0 */
/* The platform's CoAP in virtual time, asked by hand: what it answers, and what its options do to that on the wire. */
#include "channel.h"

#include "world/world_cloud.h"
#include "world/world_coap.h"

#define RTT_MS 10u

static struct world_cloud cloud;
static struct world_coap coap;

static void start(void)
{
    struct world_broker_policy policy;
    char why[256];

    if (!world_cloud_start(&cloud, NULL, 2, &policy, why, sizeof why))
        fail_msg("%s", why);
    world_coap_start(&coap, &cloud.cloud, CHANNEL_PORT);
    channel_prepare(&channel);
    channel_up(&channel);
}

static void end(void)
{
    channel.udp.base.ops->abort(&channel.udp.base);
    world_coap_end(&coap);
    world_cloud_over(&cloud);
}

static void option(const char *name, const char *value)
{
    char why[640];
    if (!cloud_book_option(&cloud.cloud.book.rules, name, value, why, sizeof why))
        fail_msg("%s", why);
}

/* A POST of {} to /auth, CON: 4.00 is the answer. */
#define ASK(id)                                                                                    \
    ((const uint8_t[]){0x41, 2, 0, (id), 7, 0xb4, 'a', 'u', 't', 'h', 0x11, 50, 0xff, '{', '}'})

static void say(const uint8_t *bytes, uint32_t len)
{
    assert_err(channel_write(&channel, (struct iot_bytes){bytes, len}), IOT_OK);
}

static uint8_t in[CHANNEL_ROOM];
static uint32_t in_len;

static bool hear(void)
{
    return channel.udp.base.ops->read(&channel.udp.base, in, sizeof in, &in_len) == IOT_OK;
}

static void faults(void)
{
    start();
    say(ASK(1), 15);
    pass(RTT_MS);
    assert_true(hear());
    assert_int_equal(in[0], 0x61);
    assert_int_equal(in[1], 0x80);
    assert_int_equal(in[3], 1);
    say(ASK(1), 15); /* a copy */
    pass(RTT_MS);
    assert_true(hear());
    assert_int_equal(coap.requests, 1);
    assert_int_equal(coap.copies, 1);

    option("coap-drop-ack", "1");
    say(ASK(2), 15);
    pass(10000);
    assert_false(hear());
    say(ASK(2), 15);
    pass(RTT_MS);
    assert_true(hear());
    option("coap-drop-ack", "0");

    option("coap-double-ack", "1");
    say(ASK(3), 15);
    pass(RTT_MS);
    assert_true(hear() && hear() && !hear());
    option("coap-double-ack", "0");

    option("coap-delay-ms", "3000");
    say(ASK(4), 15);
    pass(2000);
    say(ASK(4), 15); /* a copy while it is on its way: nothing more */
    pass(1000 - RTT_MS);
    assert_false(hear());
    pass(3 * RTT_MS);
    assert_true(hear() && !hear());
    option("coap-delay-ms", "0");

    option("coap-separate", "1");
    say(ASK(5), 15);
    pass(RTT_MS);
    assert_true(hear());
    assert_int_equal(in_len, 4);
    assert_int_equal(in[0], 0x60);
    assert_true(hear());
    assert_int_equal(in[0], 0x41);
    pass(3000); /* nobody acknowledged it */
    assert_true(hear());
    say((const uint8_t[]){0x60, 0, in[2], in[3]}, 4);
    pass(100000);
    assert_false(hear());
    assert_int_equal(coap.given_up, 0);
    end();
}

static void an_answer_may_be_lost_doubled_late_or_separate(void **state)
{
    (void)state;
    scenario_run(faults);
}

static void nonsense(void)
{
    static const uint8_t ping[] = {0x40, 0, 1, 2}, long_token[] = {0x4f, 2, 0, 9, 1, 2, 3, 4},
                         no_payload[] = {0x40, 2, 0, 10, 0xff},
                         past_end[] = {0x40, 2, 0, 11, 0xb9, 'a'},
                         critical[] = {0x40, 2, 0, 12, 0x90};
    start();
    say(ping, sizeof ping);
    say(long_token, sizeof long_token);
    say(no_payload, sizeof no_payload);
    say(past_end, sizeof past_end);
    say(ping, 3);
    pass(RTT_MS);
    for (int i = 0; i < 4; i++) {
        assert_true(hear());
        assert_int_equal(in[0], 0x70);
        assert_int_equal(in_len, 4);
    }
    assert_false(hear());
    assert_int_equal(coap.requests, 0);
    say(critical, sizeof critical);
    pass(RTT_MS);
    assert_true(hear());
    assert_int_equal(in[1], 0x82);
    coap.down = true;
    say(ASK(1), 15);
    pass(RTT_MS);
    assert_false(hear());
    end();
}

static void what_is_no_request_is_reset_or_dropped(void **state)
{
    (void)state;
    scenario_run(nonsense);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_may_be_lost_doubled_late_or_separate),
        cmocka_unit_test(what_is_no_request_is_reset_or_dropped),
    };
    return cmocka_run_group_tests_name("world: coap", tests, NULL, NULL);
}

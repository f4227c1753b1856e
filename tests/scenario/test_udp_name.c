/* SPDX-License-Identifier: Apache-2.0 */
/* src/net/iot_net_udp.c where its host is a name: asked of lwIP's resolver, in virtual time. */
#include "channel.h"

#include "world/world_dns.h"

#include "lwip/dns.h"

#define RTT_MS 10u /* of the wire */

static const struct iot_dgram_ops *ops;
static struct iot_dgram *dgram = &channel.udp.base;

static void begin_named(void)
{
    channel_begin();
    ops = dgram->ops;
    world_dns_name("coap.world");
    channel.to.host = "coap.world";
}

static void name_found(void)
{
    begin_named();
    assert_err(channel_open(&channel), IOT_OK);
    assert_err(ops->poll(dgram, world_ms()), IOT_ERR_AGAIN);
    assert_err(channel_write(&channel, BYTES("early")), IOT_ERR_AGAIN);
    assert_int_equal(ops->room(dgram), 0);
    pass(RTT_MS);
    assert_err(channel.state, IOT_OK);
    channel_say(&channel, "by name");
    pass(RTT_MS);
    assert_int_equal(server.heard, 1);
    ops->abort(dgram);
    channel_up(&channel); /* lwIP remembers it: at once */
    assert_int_equal(world_dns_questions(), 1);
    channel_end();
}

static void a_name_is_asked_for(void **state)
{
    (void)state;
    scenario_run(name_found);
}

static void names_in_trouble(void)
{
    static const enum world_dns_mode no[] = {WORLD_DNS_UNKNOWN, WORLD_DNS_FAILURE};

    begin_named();
    for (size_t i = 0; i < COUNT(no); i++) {
        world_dns_mode(no[i], 0);
        assert_err(channel_open(&channel), IOT_OK);
        pass(IOT_DNS_MS - 1);
        assert_err(channel.state, IOT_ERR_DNS_UNKNOWN);
        channel_is_over(&channel, IOT_ERR_DNS_UNKNOWN);
    }

    world_dns_mode(WORLD_DNS_SILENT, 0);
    assert_err(channel_open(&channel), IOT_OK);
    assert_true(ops->deadline(dgram) == world_ms() + IOT_DNS_MS);
    pass(IOT_DNS_MS - 1);
    assert_err(channel.state, IOT_ERR_AGAIN);
    pass(1);
    assert_err(channel.state, IOT_ERR_DNS_TIMEOUT);
    assert_err(ops->poll(dgram, world_ms()), IOT_ERR_DNS_TIMEOUT);
    assert_false(ops->idle(dgram)); /* lwIP still asks */
    assert_err(channel_open(&channel), IOT_ERR_AGAIN);
    channel.wake = false;
    pass(20000); /* lwIP has given up, and said so */
    assert_true(ops->idle(dgram));

    ip_addr_t none = *IP_ADDR_ANY, old = *dns_getserver(0);
    dns_setserver(0, &none);
    assert_err(channel_open(&channel), IOT_ERR_DNS_SERVER);
    channel_is_over(&channel, IOT_ERR_DNS_SERVER);
    assert_int_equal(ops->detail(dgram), ERR_VAL);
    dns_setserver(0, &old);

    world_dns_mode(WORLD_DNS_GOOD, 0);
    assert_err(channel_open(&channel), IOT_OK);
    assert_int_equal(ops->detail(dgram), 0); /* of this life */
    pass(RTT_MS);
    assert_err(channel.state, IOT_OK);
    channel_end();
}

static void each_trouble_with_a_name_has_its_error(void **state)
{
    (void)state;
    scenario_run(names_in_trouble);
}

/* Another wakes for it meanwhile: whoever that is when the answer comes. */
static void dropped_while_asked(void)
{
    bool other = false;

    begin_named();
    world_dns_mode(WORLD_DNS_SLOW, 2000);
    assert_err(channel_open(&channel), IOT_OK);
    pass(1000);
    ops->abort(dgram);
    assert_err(ops->poll(dgram, world_ms()), IOT_ERR_CLOSED);
    assert_false(ops->idle(dgram));
    assert_err(channel_open(&channel), IOT_ERR_AGAIN);
    assert_err(ops->poll(dgram, world_ms()), IOT_ERR_CLOSED);
    channel.wake = false;
    dgram->wake = &other;
    pass(2000);
    assert_true(other);
    assert_false(channel.wake);
    assert_true(ops->idle(dgram));

    dgram->wake = &channel.wake;
    channel_up(&channel); /* the late answer was remembered */
    channel_say(&channel, "after all");
    pass(RTT_MS);
    assert_int_equal(server.heard, 1);
    channel_end();
}

static void a_request_that_was_dropped_blocks_the_slot_until_its_answer(void **state)
{
    (void)state;
    scenario_run(dropped_while_asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_asked_for),
        cmocka_unit_test(each_trouble_with_a_name_has_its_error),
        cmocka_unit_test(a_request_that_was_dropped_blocks_the_slot_until_its_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

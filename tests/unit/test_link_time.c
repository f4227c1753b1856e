/* SPDX-License-Identifier: Apache-2.0 */
/* The time that the platform tells: which answers count, what is made of them, and when it is trusted. */
#include "alink_device.h"

static int64_t port_s;

static iot_err wall(void *ctx, int64_t *unix_s)
{
    (void)ctx;
    *unix_s = port_s;
    return port_s != 0 ? IOT_OK : IOT_ERR_AGAIN;
}

static const struct iot_port port = {.random = even_bytes},
                             port_with_wall = {.random = even_bytes, .wall = wall};
static iot_ticket ticket;
static int64_t unix_ms;

static void keep_time(const struct iot_event *ev)
{
    if (ev->kind == IOT_EV_NOTICE) {
        assert_int_equal(ev->notice->kind, IOT_NOTICE_TIME);
        unix_ms = ev->notice->unix_ms;
        tell("of %u\n", ev->ticket);
    }
}

static bool believes;
static int64_t believed_s;

static bool vouches(struct iot_device *d, int64_t unix_s)
{
    (void)d;
    believed_s = unix_s;
    return believes;
}

/* The line of the device, but for the answer of its TLS. */
static struct iot_alink_line line;

static int setup_on(const struct iot_port *p)
{
    alink_setup(p);
    alink_begin();
    on_told = keep_time;
    unix_ms = 0;
    believes = false;
    line = *dev.alink.line;
    line.vouches = vouches;
    dev.alink.line = &line;
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return setup_on(&port);
}

static uint64_t sent_time(void)
{
    const char *words = published(), *head = "0 /ext/ntp/" OURS "/request {\"deviceSendTime\":\"";

    assert_memory_equal(words, head, strlen(head));
    char *end;
    uint64_t sent = strtoull(words + strlen(head), &end, 10);
    assert_string_equal(end, "\"}\n");
    return sent;
}

static void answer(uint64_t sent, long long received, long long back, bool as_text)
{
    char payload[200];

    snprintf(
        payload, sizeof payload,
        as_text ? "{\"deviceSendTime\":\"%llu\",\"serverRecvTime\":\"%lld\",\"serverSendTime\":\"%"
                  "lld\"}"
                : "{\"serverSendTime\":%3$lld,\"deviceSendTime\":%1$llu,\"serverRecvTime\":%2$lld}",
        (unsigned long long)sent, received, back);
    feed("/ext/ntp/" OURS "/response", payload);
}

static void the_way_there_and_back_is_taken_off(void **state)
{
    (void)state;

    assert_err(iot_time_ask(&dev, &ticket), IOT_OK);
    uint64_t sent = sent_time();
    assert_in_range(sent, dev.now - 1000, dev.now); /* its own counter */
    run(115);
    answer(sent, 1700000000110, 1700000000115, true);
    assert_told("TIME OK 0 \nof 1\n");
    assert_int_equal(unix_ms, (1700000000110 + 1700000000115 + 115) / 2);

    run(5000); /* nothing is due any more */
    assert_told("");
    assert_err(iot_time_ask(&dev, &ticket), IOT_OK);
    sent = sent_time();
    run(1);
    answer(sent, 1700000005000, 1700000005000, false);
    assert_told("TIME OK 0 \nof 2\n");
    assert_int_equal(unix_ms, 1700000005000);
}

static void a_sleep_between_the_question_and_the_next_tick_is_no_way(void **state)
{
    (void)state;

    assert_err(iot_time_ask(&dev, &ticket), IOT_OK);
    now_ms += 3000; /* no tick: the question is sent in the next one */
    uint64_t sent = sent_time();
    run(40);
    answer(sent, 1700000000000, 1700000000000, true);
    assert_told("TIME OK 0 \nof 1\n");
    assert_int_equal(unix_ms, 1700000000020);
}

static void one_question_is_open_at_a_time_and_each_has_one_end(void **state)
{
    (void)state;

    answer(dev.now, 1700000000000, 1700000000000, true); /* nobody asked */
    assert_told("SKIPPED LINK_REPLY\n");
    assert_err(iot_time_ask(&dev, &ticket), IOT_OK);
    assert_err(iot_time_ask(&dev, NULL), IOT_ERR_FULL);
    uint64_t sent = sent_time();
    answer(sent + 1, 1700000000000, 1700000000000, true); /* not this */
    assert_told("SKIPPED LINK_REPLY\n");
    run(10);
    answer(sent, 1700000000000, 1700000000000, true);
    answer(sent, 1700000000000, 1700000000000, true); /* doubled */
    assert_told("TIME OK 0 \nof 1\nSKIPPED LINK_REPLY\n");
    assert_err(iot_time_ask(&dev, &ticket), IOT_OK);
    uint64_t next = sent_time();
    assert_true(next > sent);
    answer(sent, 1700000000000, 1700000000000, true); /* of the one before */
    assert_told("SKIPPED LINK_REPLY\n");
    run(IOT_REQUEST_MS);
    assert_told("FAILED 2 LINK_TIMEOUT\n");
    answer(next, 1700000000000, 1700000000000, true); /* late */
    assert_told("SKIPPED LINK_REPLY\n");
}

/* What waits for a login would be taken for the way. */
static void it_is_asked_only_while_connected_and_answered_on_the_same_link(void **state)
{
    (void)state;

    stub.connects = false;
    stub_end(&stub, IOT_ERR_TCP_RESET, 0);
    run(10);
    assert_err(iot_time_ask(&dev, &ticket), IOT_ERR_STATE);
    stub.connects = true;
    run(4000);
    assert_err(iot_time_ask(&dev, &ticket), IOT_ERR_STATE); /* the broker has not accepted yet */
    alink_up();
    assert_published("");
    assert_err(iot_time_ask(&dev, &ticket), IOT_OK);
    iot_time asked = dev.alink.now;
    stub_end(&stub, IOT_ERR_TCP_RESET, 0); /* it is still in the outbox */
    run(4000);
    alink_up();
    published();
    answer(asked, 1700000000000, 1700000000000, true);
    assert_told("SKIPPED LINK_REPLY\n");
    run(IOT_REQUEST_MS);
    assert_told("FAILED 1 LINK_TIMEOUT\n");
    assert_err(iot_time_ask(&dev, &ticket), IOT_OK);
    answer(sent_time(), 1700000000000, 1700000000000, true);
    assert_told("TIME OK 0 \nof 2\n");
    iot_device_close(&dev, 0);
    run(5000);
    assert_err(iot_time_ask(&dev, &ticket), IOT_ERR_STATE);
}

static void two_questions_in_one_tick_have_two_names(void **state)
{
    (void)state;

    uint64_t first = 0;
    for (uint32_t i = 0; i < 2; i++) {
        assert_err(iot_time_ask(&dev, NULL), IOT_OK);
        first = sent_time();
        answer(first, 1700000000000, 1700000000000, true);
    }
    assert_err(iot_time_ask(&dev, NULL), IOT_OK);
    assert_int_equal(sent_time(), first + 1);
}

static void what_cannot_be_is_dropped_by_name_and_still_waited_for(void **state)
{
    static const char *const bad[][2] = {
        {"", "JSON_SYNTAX"},
        {"[]", "JSON_MISSING"},
        {"{\"deviceSendTime\":1}", "JSON_MISSING"},
        {"{\"deviceSendTime\":\"x\",\"serverRecvTime\":1,\"serverSendTime\":1}", "JSON_TYPE"},
        {"{\"deviceSendTime\":1,\"serverRecvTime\":-1,\"serverSendTime\":1}", "JSON_RANGE"},
        {"{\"deviceSendTime\":1,\"serverRecvTime\":1,\"serverSendTime\":4102444800000}",
         "JSON_RANGE"},
        {"{\"deviceSendTime\":1,\"serverRecvTime\":1,\"serverSendTime\":99999999999999999999}",
         "JSON_RANGE"},
    };
    (void)state;

    assert_err(iot_time_ask(&dev, NULL), IOT_OK);
    uint64_t sent = sent_time();
    for (uint32_t i = 0; i < COUNT(bad); i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "SKIPPED %s\n", bad[i][1]);
        feed("/ext/ntp/" OURS "/response", bad[i][0]);
        assert_told(expected);
    }
    run(100);
    answer(sent, 1700000000001, 1700000000000, true); /* sent before it came */
    answer(sent, 1700000000000, 1700000000121, true); /* longer there than away */
    assert_told("SKIPPED JSON_RANGE\nSKIPPED JSON_RANGE\n");
    answer(sent, 1700000000000, 1700000000120, true);
    assert_told("TIME OK 0 \nof 1\n");
}

static void topics_of_others_are_the_applications(void **state)
{
    (void)state;

    feed("/ext/ntp/a1B2c3D4e5F/dev002/response", "{}");
    feed("/ext/ntp/" OURS "/responses", "{}");
    feed("/ext/ntp/" OURS, "{}");
    assert_told("MESSAGE /ext/ntp/a1B2c3D4e5F/dev002/response\nMESSAGE /ext/ntp/" OURS
                "/responses\nMESSAGE /ext/ntp/" OURS "\n");
}

static void time_of_an_authenticated_server_is_trusted_and_counted_on(void **state)
{
    int64_t ms;
    (void)state;

    assert_err(iot_device_wall(&dev, &ms), IOT_ERR_AGAIN);
    assert_err(iot_time_ask(&dev, NULL), IOT_OK);
    answer(sent_time(), 1700000000000, 1700000000000, true);
    assert_told("TIME OK 0 \nof 1\n");
    assert_int_equal(believed_s, 1700000000);
    assert_err(iot_device_wall(&dev, &ms), IOT_ERR_AGAIN); /* told only */
    believes = true;
    assert_err(iot_time_ask(&dev, NULL), IOT_OK);
    answer(sent_time(), 1700000000000, 1700000000000, true);
    assert_told("TIME OK 1 \nof 2\n");
    assert_err(iot_device_wall(&dev, &ms), IOT_OK);
    assert_int_equal(ms, 1700000000000);
    now_ms += 7; /* nothing is due */
    iot_poll(&dev, now_ms);
    assert_err(iot_device_wall(&dev, &ms), IOT_OK);
    assert_int_equal(ms, 1700000000007);
    for (uint32_t i = 0; i < 50; i++) { /* past the wrap of the counter, in long sleeps */
        now_ms += 100000000;
        iot_poll(&dev, now_ms);
        stub_end(&stub, IOT_ERR_TCP_RESET, 0);
    }
    assert_err(iot_device_wall(&dev, &ms), IOT_OK);
    assert_int_equal(ms, 1700000000007 + 50 * (int64_t)100000000);
}

static void the_ports_time_comes_first(void **state)
{
    int64_t ms;
    (void)state;

    setup_on(&port_with_wall);
    believes = true;
    assert_err(iot_time_ask(&dev, NULL), IOT_OK);
    answer(sent_time(), 1700000000000, 1700000000000, true);
    port_s = 1800000000;
    assert_err(iot_device_wall(&dev, &ms), IOT_OK);
    assert_int_equal(ms, 1800000000000);
    port_s = 0;
    assert_err(iot_device_wall(&dev, &ms), IOT_OK);
    assert_int_equal(ms, 1700000000000);
}

static void a_close_ends_the_question(void **state)
{
    (void)state;

    assert_err(iot_time_ask(&dev, NULL), IOT_OK);
    published();
    iot_device_close(&dev, 100);
    run(5000);
    assert_told("FAILED 1 CLOSED\nCLOSED\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_way_there_and_back_is_taken_off, setup),
        cmocka_unit_test_setup(a_sleep_between_the_question_and_the_next_tick_is_no_way, setup),
        cmocka_unit_test_setup(one_question_is_open_at_a_time_and_each_has_one_end, setup),
        cmocka_unit_test_setup(it_is_asked_only_while_connected_and_answered_on_the_same_link,
                               setup),
        cmocka_unit_test_setup(two_questions_in_one_tick_have_two_names, setup),
        cmocka_unit_test_setup(what_cannot_be_is_dropped_by_name_and_still_waited_for, setup),
        cmocka_unit_test_setup(topics_of_others_are_the_applications, setup),
        cmocka_unit_test_setup(time_of_an_authenticated_server_is_trusted_and_counted_on, setup),
        cmocka_unit_test(the_ports_time_comes_first),
        cmocka_unit_test_setup(a_close_ends_the_question, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

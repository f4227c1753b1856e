/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of a device, and what becomes of them while its link is busy, slow or closing. The envelope and the ends by
 * themselves: test_link_alink.c. */
#include "alink_device.h"

#define POST "thing/event/property/post"

static const struct iot_port port = {.random = even_bytes};

static int setup(void **state)
{
    (void)state;
    alink_setup(&port);
    alink_begin();
    return 0;
}

static iot_ticket ticket;

static void ask(void)
{
    assert_err(iot_alink_request(&dev, POST, 0, text_bytes("{}"), &ticket), IOT_OK);
    (void)published();
    assert_told("");
}

static void put_reply(void)
{
    char reply[64];

    snprintf(reply, sizeof reply, "{\"code\":200,\"data\":{},\"id\":\"%u\"}", ticket);
    wire_publish(&in, 0, SYS POST "_reply", 0, reply, (uint32_t)strlen(reply));
}

/* ---- Time ---------------------------------------------------------------------------------- */

static void a_reply_that_waits_behind_many_messages_is_in_time(void **state)
{
    (void)state;
    ask();
    for (uint32_t i = 0; i < 3 * IOT_POLL_PACKETS; i++)
        wire_publish(&in, 0, "x/y", 0, "z", 1);
    put_reply();
    now_ms += IOT_REQUEST_MS + 5000; /* asleep */
    receive();
    run(100);
    assert_int_equal(events[IOT_EV_MESSAGE], 3 * IOT_POLL_PACKETS);
    assert_int_equal(events[IOT_EV_FAILED], 0);
    assert_int_equal(events[IOT_EV_REPLY], 1);
}

/* As TLS, which opens one record in a tick. */
static void a_reply_that_the_stream_gives_in_a_later_tick_is_in_time(void **state)
{
    (void)state;
    ask();
    put_reply();
    stub.read_later = 2;
    now_ms += IOT_REQUEST_MS + 5000;
    receive();
    run(100);
    assert_told("REPLY 1 OK 200 {}\n");
}

static uint32_t declines;
static iot_err decline(void *ctx, struct iot_device *d, const struct iot_msg *msg)
{
    (void)ctx, (void)d, (void)msg;
    if (declines == 0)
        return IOT_OK;
    declines--;
    return IOT_ERR_AGAIN;
}

static void begin_declining(uint32_t times)
{
    static const struct iot_filter filter = {.filter = IOT_TOPIC("x/y"), .on_message = decline};

    assert_err(iot_mqtt_subscribe(&dev, &filter, NULL), IOT_OK);
    (void)published();
    ask();
    run(IOT_REQUEST_MS - 1000);
    declines = times;
    wire_publish(&in, 0, "x/y", 0, "z", 1);
}

static void a_reply_behind_a_declined_message_is_in_time_and_nothing_spins(void **state)
{
    (void)state;
    begin_declining(100);
    put_reply();
    receive();
    uint32_t ticks = 0;
    for (uint32_t ms = 0; ms < 4000;) {
        uint32_t sleep = iot_poll(&dev, now_ms);
        ticks++;
        assert_true(ticks < 1000);
        sleep = sleep < 4000 - ms ? sleep : 4000 - ms;
        now_ms += sleep;
        ms += sleep;
    }
    assert_int_equal(declines, 0);
    assert_told("REPLY 2 OK 200 {}\n");
}

static void without_a_reply_behind_it_the_request_ends_as_soon_as_that_is_known(void **state)
{
    (void)state;
    begin_declining(100);
    receive();
    run(1500);
    assert_true(declines != 0);
    assert_told("");
    run(1000);
    assert_int_equal(declines, 0);
    assert_told("FAILED 2 LINK_TIMEOUT\n");
}

/* The messages of the link are gone with it. */
static void a_link_that_ends_while_a_message_is_declined_leaves_nothing_to_wait_for(void **state)
{
    (void)state;
    opt.no_reconnect = true;
    begin_declining(UINT32_MAX);
    receive();
    run(1500);
    assert_told("");
    stub_end(&stub, IOT_ERR_TCP_EOF, 0);
    run(10);
    assert_int_equal(events[IOT_EV_LOST], 1);
    assert_told("FAILED 2 LINK_TIMEOUT\n");
}

/* ---- The close ------------------------------------------------------------------------------- */

static void try_again(const struct iot_event *ev)
{
    if (ev->kind != IOT_EV_FAILED)
        return;
    assert_err(iot_device_connect(&dev), IOT_ERR_STATE);
    assert_err(iot_alink_request(&dev, POST, 0, text_bytes("{}"), NULL), IOT_ERR_STATE);
    assert_err(iot_device_close(&dev, 0), IOT_ERR_STATE);
}

static void what_ends_by_the_close_is_told_before_anything_new_may_begin(void **state)
{
    (void)state;
    ask();
    ask();
    on_told = try_again;
    assert_err(iot_device_close(&dev, 100), IOT_OK);
    run(3000);
    assert_told("FAILED 1 CLOSED\nFAILED 2 CLOSED\nCLOSED\n");
}

static void connect_and_ask(const struct iot_event *ev)
{
    if (ev->kind != IOT_EV_CLOSED)
        return;
    assert_err(iot_device_connect(&dev), IOT_OK);
    for (uint32_t i = 0; i < IOT_REQUESTS_MAX; i++)
        assert_err(iot_alink_request(&dev, POST, 0, text_bytes("{}"), NULL), IOT_OK);
}

static void what_is_asked_when_it_has_closed_is_asked_on_the_next_link(void **state)
{
    (void)state;
    ask();
    on_told = connect_and_ask;
    assert_err(iot_device_close(&dev, 100), IOT_OK);
    run(3000);
    assert_told("FAILED 1 CLOSED\nCLOSED\n");
    on_told = NULL;
    alink_up();
    assert_non_null(strstr(published(), "\"id\":\"2\""));
    feed_reply(POST, 2, 200, "{}");
    assert_told("REPLY 2 OK 200 {}\n");
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_reply_that_waits_behind_many_messages_is_in_time),
        CASE(a_reply_that_the_stream_gives_in_a_later_tick_is_in_time),
        CASE(a_reply_behind_a_declined_message_is_in_time_and_nothing_spins),
        CASE(without_a_reply_behind_it_the_request_ends_as_soon_as_that_is_known),
        CASE(a_link_that_ends_while_a_message_is_declined_leaves_nothing_to_wait_for),
        CASE(what_ends_by_the_close_is_told_before_anything_new_may_begin),
        CASE(what_is_asked_when_it_has_closed_is_asked_on_the_next_link),
    };
    return cmocka_run_group_tests_name("link_request", tests, NULL, NULL);
}

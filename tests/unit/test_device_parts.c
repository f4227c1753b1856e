/* SPDX-License-Identifier: Apache-2.0 */
/* What is attached to a device: when it runs, what it sees, and who waits for it; and a client of HTTP as one of these. */
#include "stub_device.h"

#include "device/iot_device_parts.h"

static iot_err random_says;

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    memset(into, 0x55, n);
    return random_says;
}

static const struct iot_port port = {.random = random_bytes};

static char said[4096];

static void say(const char *format, ...)
{
    size_t n = strlen(said);
    va_list args;
    va_start(args, format);
    vsnprintf(said + n, sizeof said - n, format, args);
    va_end(args);
}

static void assert_said(const char *what)
{
    assert_string_equal(said, what);
    said[0] = '\0';
}

/* A part that says what it is asked. */
struct spy {
    struct iot_part part;
    char name;
    bool busy;
    bool talks; /* of runs, too */
    uint32_t runs;
    iot_time now, deadline;
    iot_err takes;
    uint32_t tells; /* IOT_EV_... it is interested in, by bit */
};

static struct spy *spy_of(struct iot_part *p)
{
    return (struct spy *)(void *)p;
}

static void spy_run(struct iot_part *p, iot_time now)
{
    struct spy *s = spy_of(p);
    s->runs++;
    s->now = now;
    if (now >= s->deadline)
        s->deadline = IOT_TIME_NEVER;
    if (s->talks)
        say("%c runs\n", s->name);
}

static iot_time spy_deadline(const struct iot_part *p)
{
    return ((const struct spy *)(const void *)p)->deadline;
}

static bool spy_idle(const struct iot_part *p)
{
    return !((const struct spy *)(const void *)p)->busy;
}

static void spy_close(struct iot_part *p)
{
    say("%c close\n", spy_of(p)->name);
}

static void spy_event(struct iot_part *p, const struct iot_event *ev)
{
    if (spy_of(p)->tells >> ev->kind & 1)
        say("%c event %d at %lu\n", spy_of(p)->name, ev->kind, (unsigned long)events[ev->kind]);
}

static iot_err spy_take(struct iot_part *p, const struct iot_msg *msg)
{
    say("%c take %.*s\n", spy_of(p)->name, (int)msg->topic.len, msg->topic.text);
    return spy_of(p)->takes;
}

static const struct iot_part_ops ops = {spy_run,   spy_deadline, spy_idle, spy_close,
                                        spy_event, spy_take,     NULL};
static const struct iot_part_ops deaf_ops = {spy_run, spy_deadline, spy_idle, spy_close,
                                             NULL,    NULL,         NULL};

static struct spy a, b;

static int setup(void **state)
{
    (void)state;
    stub_device_setup(&port);
    random_says = IOT_OK;
    said[0] = '\0';
    a = (struct spy){
        .part = {&ops, NULL}, .name = 'a', .deadline = IOT_TIME_NEVER, .takes = IOT_ERR_STATE};
    b = a;
    b.name = 'b';
    assert_int_equal(iot_device_init(&dev, &opt), IOT_OK);
    return 0;
}

static void come_up(void)
{
    assert_int_equal(iot_device_connect(&dev), IOT_OK);
    accept_login(false);
}

/* ---- ticks ------------------------------------------------------------------------------- */

static void parts_run_in_the_order_in_which_they_came(void **state)
{
    (void)state;
    iot_device_attach(&dev, &a.part);
    iot_device_attach(&dev, &b.part);
    assert_true(iot_device_has(&dev, &a.part) && iot_device_has(&dev, &b.part));
    a.talks = b.talks = true;
    run(0);
    assert_said("a runs\nb runs\n");
    assert_int_equal(iot_device_init(&dev, &opt), IOT_OK);
    assert_false(iot_device_has(&dev, &a.part));
}

static void a_deadline_of_a_part_is_one_of_the_device(void **state)
{
    (void)state;
    iot_device_attach(&dev, &a.part);
    iot_device_attach(&dev, &b.part);
    run(10);
    assert_int_equal(iot_sleep_ms(&dev, now_ms), IOT_MS_NEVER);
    b.deadline = dev.now + 500;
    dev.wake = true;
    assert_int_equal(iot_poll(&dev, now_ms), 500);
    uint32_t runs = b.runs;
    run(499);
    assert_int_equal(b.runs, runs);
    run(1);
    assert_int_equal(b.runs, runs + 1);
    assert_int_equal(b.now, dev.now);
}

static void a_part_works_without_a_link_and_without_any_chance(void **state)
{
    (void)state;
    iot_device_attach(&dev, &a.part);
    a.deadline = 0;
    run(100);
    assert_true(a.runs >= 1);
    setup(NULL);
    iot_device_attach(&dev, &a.part);
    random_says = IOT_ERR_AGAIN; /* waited for, and no longer than that */
    run(4900);
    assert_int_equal(a.runs, 0);
    run(200);
    assert_true(a.runs >= 1);
}

static void an_idle_tick_asks_no_part(void **state)
{
    (void)state;
    iot_device_attach(&dev, &a.part);
    come_up();
    run(100);
    uint32_t runs = a.runs;
    for (uint32_t i = 0; i < 1000; i++)
        iot_poll(&dev, now_ms);
    assert_int_equal(a.runs, runs);
}

/* ---- messages and events ----------------------------------------------------------------- */

static void a_part_sees_events_before_the_application(void **state)
{
    (void)state;
    iot_device_attach(&dev, &a.part);
    iot_device_attach(&dev, &b.part);
    a.tells = b.tells = 1u << IOT_EV_CONNECTED | 1u << IOT_EV_CLOSED;
    b.part.ops = &deaf_ops;
    come_up();
    char wanted[100];
    snprintf(wanted, sizeof wanted, "a event %d at 0\n", IOT_EV_CONNECTED);
    assert_said(wanted);
    assert_int_equal(events[IOT_EV_CONNECTED], 1);
}

static void a_part_gets_messages_that_nobody_took(void **state)
{
    (void)state;
    iot_device_attach(&dev, &a.part);
    iot_device_attach(&dev, &b.part);
    come_up();
    wire_publish(&in, 0, "t", 0, "x", 1);
    receive();
    run(10);
    assert_said("a take t\nb take t\n");
    assert_int_equal(events[IOT_EV_MESSAGE], 1);
    a.takes = IOT_OK;
    wire_publish(&in, 0, "u", 0, "x", 1);
    receive();
    run(10);
    assert_said("a take u\n");
    assert_int_equal(events[IOT_EV_MESSAGE], 1);
}

static void a_part_may_decline_a_message(void **state)
{
    (void)state;
    iot_device_attach(&dev, &a.part);
    come_up();
    a.takes = IOT_ERR_AGAIN;
    wire_publish(&in, 0, "t", 0, "x", 1);
    receive();
    run(100);
    assert_true(strlen(said) > strlen("a take t\n"));
    a.takes = IOT_OK;
    run(100);
    assert_int_equal(events[IOT_EV_MESSAGE], 0);
}

/* ---- closing ----------------------------------------------------------------------------- */

static void a_busy_part_is_waited_for(void **state)
{
    (void)state;
    iot_device_attach(&dev, &a.part);
    iot_device_attach(&dev, &b.part);
    come_up();
    assert_true(iot_device_idle(&dev));
    b.busy = true;
    assert_false(iot_device_idle(&dev));
    assert_int_equal(iot_device_close(&dev, 100), IOT_OK);
    assert_said("a close\nb close\n");
    run(60000);
    assert_int_equal(events[IOT_EV_CLOSED], 0);
    b.busy = false;
    dev.wake = true; /* as such a part does */
    run(1);
    assert_int_equal(events[IOT_EV_CLOSED], 1);
    assert_int_equal(iot_device_close(&dev, 100), IOT_ERR_STATE);
}

static void a_device_that_was_never_connected_closes_its_parts(void **state)
{
    (void)state;
    iot_device_attach(&dev, &a.part);
    run(10);
    assert_int_equal(iot_device_close(&dev, 0), IOT_ERR_STATE); /* nothing is begun */
    a.busy = true;
    assert_int_equal(iot_device_close(&dev, 0), IOT_OK);
    assert_int_equal(iot_device_close(&dev, 0), IOT_ERR_STATE);
    assert_said("a close\n");
    run(100);
    assert_int_equal(events[IOT_EV_CLOSED], 0);
    a.busy = false;
    dev.wake = true;
    run(1);
    assert_int_equal(events[IOT_EV_CLOSED], 1);
    assert_int_equal(stub.opens, 0);
    come_up(); /* as after any close */
}

/* ---- HTTP -------------------------------------------------------------------------------- */

static struct iot_http web;
static struct stub_stream line;
static struct iot_http_options http;
static uint32_t bodies, ends;
static iot_err ended;

static iot_err on_body(void *ctx, uint32_t offset, struct iot_bytes part, uint32_t *used)
{
    (void)ctx, (void)offset;
    bodies++;
    *used = part.len;
    return IOT_OK;
}

static void on_end(void *ctx, iot_err err, int32_t detail)
{
    (void)ctx, (void)detail;
    ends++;
    ended = err;
}

static const struct iot_http_handlers handlers = {NULL, on_body, on_end};
static const struct iot_http_request get = {.url = "http://web.example/", .on = &handlers};

static void begin_http(void)
{
    bodies = ends = 0;
    stub_init(&line);
    memset(&web, 0xee, sizeof web);
    memset(&http, 0, sizeof http);
    http.stream = &line.base;
    assert_err(iot_http_init(&web, &dev, &http), IOT_OK);
    assert_true(iot_http_ready(&web) && iot_http_idle(&web));
}

static void a_client_works_within_the_ticks_of_its_device(void **state)
{
    (void)state;
    begin_http();
    assert_err(iot_http_start(&web, &get), IOT_OK);
    assert_int_equal(iot_sleep_ms(&dev, now_ms), 0);
    run(10);
    stub_receive(&line, text_bytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
    assert_int_equal(iot_sleep_ms(&dev, now_ms), 0);
    run(0);
    assert_int_equal(bodies, 1);
    assert_int_equal(ends, 1);
    assert_err(ended, IOT_OK);
    assert_int_equal(stub.opens, 0); /* MQTT was not asked for */
    assert_int_equal(iot_sleep_ms(&dev, now_ms), 10000);
    assert_false(iot_device_idle(&dev)); /* the connection is kept */
    run(10000);
    assert_true(iot_device_idle(&dev));
    assert_int_equal(iot_sleep_ms(&dev, now_ms), IOT_MS_NEVER);
}

static void a_client_works_beside_mqtt(void **state)
{
    (void)state;
    begin_http();
    come_up();
    assert_err(iot_http_start(&web, &get), IOT_OK);
    run(10);
    stub_receive(&line, text_bytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
    wire_publish(&in, 0, "t", 0, "x", 1);
    receive();
    run(10);
    assert_int_equal(ends, 1);
    assert_int_equal(events[IOT_EV_MESSAGE], 1);
    stub_end(&line, IOT_ERR_TCP_RESET, 0);
    run(1000);
    assert_true(iot_device_connected(&dev));
}

static void a_client_is_attached_once(void **state)
{
    (void)state;
    begin_http();
    assert_err(iot_http_init(&web, &dev, &http), IOT_ERR_ARG);
    run(10);
}

static void a_closing_device_ends_what_its_client_does(void **state)
{
    (void)state;
    for (uint32_t connected = 0; connected < 2; connected++) {
        setup(NULL);
        begin_http();
        if (connected)
            come_up();
        assert_err(iot_http_start(&web, &get), IOT_OK);
        run(10);
        assert_int_equal(iot_device_close(&dev, 100), IOT_OK);
        assert_int_equal(ends, 0);
        assert_err(iot_http_start(&web, &get), IOT_ERR_STATE);
        run(3000);
        assert_int_equal(ends, 1);
        assert_err(ended, IOT_ERR_CLOSED);
        assert_int_equal(events[IOT_EV_CLOSED], 1);
        assert_int_equal(line.aborts, 1);
        assert_err(iot_http_start(&web, &get), IOT_OK); /* it may be used on */
    }
}

static void a_closing_device_hangs_up_a_kept_connection_in_good_order(void **state)
{
    (void)state;
    begin_http();
    assert_err(iot_http_start(&web, &get), IOT_OK);
    run(10);
    stub_receive(&line, text_bytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
    run(10);
    line.closes = false;
    assert_int_equal(iot_device_close(&dev, 100), IOT_OK);
    run(900);
    assert_int_equal(line.closes_asked, 1);
    assert_int_equal(events[IOT_EV_CLOSED], 0);
    run(200);
    assert_int_equal(events[IOT_EV_CLOSED], 1);
}

static void a_name_request_of_the_clients_is_waited_for(void **state)
{
    (void)state;
    begin_http();
    line.connects = line.is_idle = false;
    assert_err(iot_http_start(&web, &get), IOT_OK);
    run(10);
    assert_int_equal(iot_device_close(&dev, 0), IOT_OK);
    run(1000);
    assert_int_equal(ends, 1);
    assert_int_equal(events[IOT_EV_CLOSED], 0);
    line.is_idle = true;
    iot_stream_wake(&line.base);
    run(0);
    assert_int_equal(events[IOT_EV_CLOSED], 1);
}

static void options_of_tls_that_cannot_work_are_refused(void **state)
{
    (void)state;
    static const struct iot_tls_options tls = {.arena_bytes = 0};
    memset(&http, 0, sizeof http);
    http.stream = &line.base;
    http.tls = &tls;
    assert_err(iot_http_init(&web, &dev, &http), IOT_ERR_ARG);
    assert_false(iot_device_has(&dev, &web.part));
    run(10);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(parts_run_in_the_order_in_which_they_came),
        CASE(a_deadline_of_a_part_is_one_of_the_device),
        CASE(a_part_works_without_a_link_and_without_any_chance),
        CASE(an_idle_tick_asks_no_part),
        CASE(a_part_sees_events_before_the_application),
        CASE(a_part_gets_messages_that_nobody_took),
        CASE(a_part_may_decline_a_message),
        CASE(a_busy_part_is_waited_for),
        CASE(a_device_that_was_never_connected_closes_its_parts),
        CASE(a_client_works_within_the_ticks_of_its_device),
        CASE(a_client_works_beside_mqtt),
        CASE(a_client_is_attached_once),
        CASE(a_closing_device_ends_what_its_client_does),
        CASE(a_closing_device_hangs_up_a_kept_connection_in_good_order),
        CASE(a_name_request_of_the_clients_is_waited_for),
        CASE(options_of_tls_that_cannot_work_are_refused),
    };
    return cmocka_run_group_tests_name("device_parts", tests, NULL, NULL);
}

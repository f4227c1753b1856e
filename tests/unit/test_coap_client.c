/* SPDX-License-Identifier: Apache-2.0 */
/* A client of CoAP in the ticks of a device, over datagrams of the test's: what its handlers are told and may do, famine, and options.
 * How associations are made, kept and lost: test_coap_client_life.c. */
#include "stub_coap.h"

#define SERVER_BLOCK_16(number, more) ((uint32_t)(number) << 4 | ((more) ? 8u : 0u))

/* ---- Requests ---------------------------------------------------------------------------- */

static void a_get_is_asked_and_told(void **state)
{
    (void)state;
    start();
    assert_string_equal(net.to.host, "hub.example");
    assert_int_equal(net.to.port, 5683);
    assert_int_equal(net.tx_count, 1);
    assert_int_equal(last_sent().code, 1);
    assert_false(iot_coap_ready(&hub));
    assert_false(iot_coap_idle(&hub));
    assert_false(iot_device_idle(&dev));
    answer(CONTENT, "hello");
    assert_said("head 2.05\nbody 0 'hello'\nwhole\nend OK\n");
    assert_true(iot_coap_ready(&hub));
    run(1000000);
    assert_int_equal(net.tx_count, 1);
    assert_int_equal(net.opens, 1);
}

static void an_error_of_the_servers_is_told_like_any_response(void **state)
{
    (void)state;
    start();
    answer(IOT_COAP_CODE(4, 4), "who?");
    assert_said("head 4.04\nbody 0 'who?'\nwhole\nend OK\n");
    start();
    answer(IOT_COAP_CODE(5, 3), "");
    assert_said("head 5.03\nwhole\nend OK\n");
}

static void a_separate_response_is_acknowledged(void **state)
{
    (void)state;
    start();
    struct iot_coap_message m = last_sent();
    give(&net, &m, IOT_COAP_ACK, 0, -1, UINT32_MAX, "");
    run(5000);
    assert_said("");
    give(&net, &m, IOT_COAP_CON, CONTENT, -1, UINT32_MAX, "late");
    run(0);
    assert_said("head 2.05\nbody 0 'late'\nwhole\nend OK\n");
    assert_int_equal(net.tx_count, 2);
    assert_int_equal(last_sent().type, IOT_COAP_ACK);
    assert_int_equal(last_sent().code, 0);
}

static void a_body_in_blocks_has_one_head_and_no_gaps(void **state)
{
    (void)state;
    start();
    struct iot_coap_message m = last_sent();
    give(&net, &m, IOT_COAP_ACK, CONTENT, -1, SERVER_BLOCK_16(0, true), "0123456789abcdef");
    run(0);
    m = last_sent();
    give(&net, &m, IOT_COAP_ACK, CONTENT, -1, SERVER_BLOCK_16(1, true), "0123456789abcdef");
    run(0);
    m = last_sent();
    assert_said("head 2.05\nbody 0 '0123456789abcdef'\nbody 16 '0123456789abcdef'\n");
    give(&net, &m, IOT_COAP_ACK, CONTENT, -1, SERVER_BLOCK_16(2, false), "end");
    run(0);
    assert_said("body 32 'end'\nwhole\nend OK\n");
    assert_int_equal(net.tx_count, 3);
}

static void handlers_that_are_not_given_are_not_missed(void **state)
{
    (void)state;
    static const struct iot_coap_handlers few = {NULL, NULL, NULL, on_end};
    ask.on = &few;
    start();
    answer(CONTENT, "hello");
    assert_said("end OK\n");
}

static void a_ping_ends_well_when_it_is_answered(void **state)
{
    (void)state;
    ask = (struct iot_coap_request){.method = IOT_COAP_PING, .on = &handlers, .ctx = ""};
    start();
    struct iot_coap_message m = last_sent();
    assert_int_equal(m.code, 0);
    give(&net, &m, IOT_COAP_RST, 0, -1, UINT32_MAX, "");
    run(0);
    assert_said("end OK\n");
}

static void silence_ends_a_request_by_name_and_nothing_spins(void **state)
{
    (void)state;
    start();
    run(62000 - 1);
    assert_said("");
    run(93000 - 62000 + 1);
    assert_said("end COAP_TIMEOUT\n");
    assert_int_equal(net.tx_count, 5);
    assert_int_equal(net.opens, 1);
    struct iot_coap_counters n;
    iot_coap_counters(&hub, &n);
    assert_true(n.sent == 5 && n.repeated == 4 && n.received == 0 && n.handshakes == 0);
}

static void requests_leave_one_after_the_other_in_their_order(void **state)
{
    (void)state;
    struct iot_coap_request asks[4];
    static const char *const paths[] = {"/a", "/b", "/c", "/d"};
    for (int i = 0; i < 4; i++) {
        asks[i] = ask;
        asks[i].path = paths[i];
        asks[i].ctx = (void *)(uintptr_t)(paths[i] + 1);
        assert_err(iot_coap_start(&hub, &asks[i], NULL), IOT_OK);
    }
    assert_err(iot_coap_start(&hub, &ask, NULL), IOT_ERR_FULL);
    run(100);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(net.tx_count, i + 1);
        assert_int_equal(last_sent().options.ptr[last_sent().options.len - 1], 'a' + i);
        answer(CONTENT, "");
    }
    assert_said("ahead 2.05\nawhole\naend OK\nbhead 2.05\nbwhole\nbend OK\n"
                "chead 2.05\ncwhole\ncend OK\ndhead 2.05\ndwhole\ndend OK\n");
    start();
    assert_int_equal(net.tx_count, 5);
}

static void what_is_refused_is_refused_at_once_and_changes_nothing(void **state)
{
    (void)state;
    ask.path = "x";
    assert_err(iot_coap_start(&hub, &ask, &ticket), IOT_ERR_COAP_URI);
    ask.path = "/x";
    ask.method = 99;
    assert_err(iot_coap_start(&hub, &ask, &ticket), IOT_ERR_ARG);
    run(1000);
    assert_said("");
    assert_int_equal(net.opens, 0);
    assert_err(iot_coap_cancel(&hub, 0), IOT_ERR_STATE);
    assert_err(iot_coap_cancel(&hub, 77), IOT_ERR_STATE);
    assert_true(iot_coap_idle(&hub));
}

static bool has_host(const char *host)
{
    struct iot_coap_message m = last_sent();
    struct iot_coap_cursor at = {m.options, 0};
    struct iot_coap_option o;

    while (iot_coap_next(&at, &o))
        if (o.number == IOT_COAP_URI_HOST) {
            assert_bytes(o.value, text_bytes(host));
            return true;
        }
    return false;
}

static void a_name_is_sent_as_uri_host_and_an_address_is_not(void **state)
{
    static const struct {
        const char *host;
        bool sent;
    } list[] = {{"hub.example", true}, {"a", true},         {"1.2.3.x", true},
                {"192.0.2.1", false},  {"10.0.2.2", false}, {"2001:db8::1", false},
                {"::1", false},        {"fe80::a", false}};
    for (size_t i = 0; i < COUNT(list); i++) {
        stub_coap_blank(state);
        options.host = list[i].host;
        begin();
        start();
        assert_string_equal(net.to.host, list[i].host);
        assert_int_equal(has_host(list[i].host), list[i].sent);
    }
}

static void ports_and_interface_are_those_of_the_options(void **state)
{
    int netif;
    stub_coap_blank(state);
    options.port = 61616;
    options.netif = &netif;
    begin();
    start();
    assert_int_equal(net.to.port, 61616);
    assert_ptr_equal(net.to.netif, &netif);
}

/* Silence is no sign that the server has the request when it was not sent to its end. */
static void a_body_that_is_not_confirmed_has_to_leave_as_a_whole(void **state)
{
    static uint8_t large[2 * IOT_COAP_BYTES];
    for (int whole = 0; whole < 2; whole++) {
        stub_coap_setup(state);
        ask.method = IOT_COAP_PUT;
        ask.non = true;
        ask.response_ms = 2000;
        ask.body = (struct iot_bytes){large, whole != 0 ? 16 : sizeof large};
        start();
        run(2001);
        assert_said(whole != 0 ? "end COAP_SILENT\n" : "end COAP_TIMEOUT\n");
    }
}

static void times_of_the_options_are_kept(void **state)
{
    stub_coap_blank(state);
    options.ack_timeout_ms = 1000;
    options.max_retransmit = 1;
    options.response_ms = 3000;
    begin();
    start();
    run(4500);
    assert_said("end COAP_TIMEOUT\n");
    assert_int_equal(net.tx_count, 2);
    start();
    struct iot_coap_message m = last_sent();
    give(&net, &m, IOT_COAP_ACK, 0, -1, UINT32_MAX, "");
    run(2999);
    assert_said("");
    run(2);
    assert_said("end COAP_SILENT\n");
}

/* ---- From handlers ----------------------------------------------------------------------- */

static struct iot_coap_request next_ask;
static iot_ticket next_ticket;
static uint32_t nested;

static void start_next(iot_err err)
{
    (void)err;
    if (nested++ < 3)
        assert_err(iot_coap_start(&hub, &next_ask, &next_ticket), IOT_OK);
}

static void start_next_in_head(void)
{
    start_next(IOT_OK);
}

static void start_and_cancel(iot_err err)
{
    (void)err;
    if (nested++ < 1000) {
        assert_err(iot_coap_start(&hub, &next_ask, &next_ticket), IOT_OK);
        assert_err(iot_coap_cancel(&hub, next_ticket), IOT_OK);
    }
}

static void cancel_this(void)
{
    assert_err(iot_coap_cancel(&hub, ticket), IOT_OK);
}

static void cancel_next(void)
{
    assert_err(iot_coap_cancel(&hub, next_ticket), IOT_OK);
}

static void poll_nested(void)
{
    assert_int_equal(iot_poll(&dev, now_ms), 0);
}

static void close_device(void)
{
    assert_err(iot_device_close(&dev, 0), IOT_OK);
}

static void close_in_end(iot_err err)
{
    (void)err;
    if (nested++ == 0)
        close_device();
}

static int with_next(void **state)
{
    stub_coap_setup(state);
    next_ask = ask;
    next_ask.ctx = "next ";
    next_ask.path = "/next";
    nested = 0;
    return 0;
}

static void another_may_be_started_in_any_handler(void **state)
{
    (void)state;
    in_end = start_next;
    start();
    answer(CONTENT, "");
    assert_said("head 2.05\nwhole\nend OK\n");
    assert_int_equal(net.tx_count, 2);
    in_end = NULL;
    in_head = start_next_in_head;
    answer(CONTENT, "");
    in_head = NULL;
    assert_said("next head 2.05\nnext whole\nnext end OK\n");
    assert_int_equal(net.tx_count, 3);
    answer(CONTENT, "");
    assert_said("next head 2.05\nnext whole\nnext end OK\n");
}

static void one_that_is_started_and_cancelled_in_each_end_does_not_hold_the_tick(void **state)
{
    (void)state;
    in_end = start_and_cancel;
    start();
    answer(CONTENT, "");
    run(10);
    assert_int_equal(ends, 1001);
    assert_int_equal(net.tx_count, 1);
}

static void a_request_cancelled_in_its_head_hears_of_no_body(void **state)
{
    (void)state;
    in_head = cancel_this;
    start();
    answer(CONTENT, "hello");
    assert_said("head 2.05\nend CLOSED\n");
    in_head = NULL;
    in_body = cancel_this;
    start();
    answer(CONTENT, "hello");
    assert_said("head 2.05\nbody 0 'hello'\nend CLOSED\n");
    in_body = NULL;
    in_whole = cancel_this;
    start();
    answer(CONTENT, "hello");
    assert_said("head 2.05\nbody 0 'hello'\nwhole\nend CLOSED\n");
}

static void another_may_be_cancelled_in_a_handler(void **state)
{
    (void)state;
    in_body = cancel_next;
    start();
    assert_err(iot_coap_start(&hub, &next_ask, &next_ticket), IOT_OK);
    answer(CONTENT, "hello");
    assert_non_null(strstr(said, "head 2.05\nbody 0 'hello'\nwhole\n"));
    assert_non_null(strstr(said, "\nend OK\n"));
    assert_non_null(strstr(said, "\nnext end CLOSED\n"));
    assert_int_equal(ends, 2);
    assert_int_equal(net.tx_count, 1);
}

static void a_tick_within_a_tick_does_nothing(void **state)
{
    (void)state;
    in_head = in_body = in_whole = poll_nested;
    start();
    answer(CONTENT, "hello");
    assert_said("head 2.05\nbody 0 'hello'\nwhole\nend OK\n");
}

static void the_device_may_be_closed_in_any_handler(void **state)
{
    static const char *const told[] = {
        "head 2.05\nnext end CLOSED\nend CLOSED\n",
        "head 2.05\nbody 0 'hello'\nnext end CLOSED\nend CLOSED\n",
        "head 2.05\nbody 0 'hello'\nwhole\nnext end CLOSED\nend CLOSED\n",
        "head 2.05\nbody 0 'hello'\nwhole\nend OK\nnext end CLOSED\n",
    };
    for (int i = 0; i < 4; i++) {
        with_next(state);
        start();
        assert_err(iot_coap_start(&hub, &next_ask, &next_ticket), IOT_OK);
        in_head = i == 0 ? close_device : NULL;
        in_body = i == 1 ? close_device : NULL;
        in_whole = i == 2 ? close_device : NULL;
        in_end = i == 3 ? close_in_end : NULL;
        answer(CONTENT, "hello");
        in_end = NULL;
        run(2000);
        assert_said(told[i]);
        assert_int_equal(events[IOT_EV_CLOSED], 1);
        assert_true(iot_coap_idle(&hub));
    }
}

static void a_handlers_error_ends_the_request_by_it(void **state)
{
    (void)state;
    head_says = IOT_ERR_JSON_TYPE;
    start();
    answer(CONTENT, "hello");
    assert_said("head 2.05\nend JSON_TYPE\n");
    head_says = IOT_OK;
    body_says = IOT_ERR_SIZE;
    start();
    answer(CONTENT, "hello");
    assert_said("head 2.05\nbody 0 'hello'\nend SIZE\n");
}

static void a_part_that_was_not_taken_is_asked_for_again(void **state)
{
    (void)state;
    body_says = IOT_ERR_AGAIN;
    start();
    answer(CONTENT, "hello");
    assert_said("head 2.05\nbody 0 'hello'\n");
    assert_int_equal(net.tx_count, 1);
    run(499);
    assert_int_equal(net.tx_count, 1);
    run(1);
    assert_int_equal(net.tx_count, 2);
    answer(CONTENT, "hello");
    said[0] = '\0';
    run(100);
    assert_int_equal(net.tx_count, 2);
    iot_coap_resume(&hub);
    run(0);
    assert_int_equal(net.tx_count, 3);
    body_says = IOT_OK;
    answer(CONTENT, "hello");
    assert_said("head 2.05\nbody 0 'hello'\nwhole\nend OK\n");
}

static void a_late_answer_to_a_cancelled_request_reaches_nobody(void **state)
{
    (void)state;
    start();
    struct iot_coap_message m = last_sent();
    assert_err(iot_coap_cancel(&hub, ticket), IOT_OK);
    assert_said("");
    run(0);
    assert_said("end CLOSED\n");
    assert_err(iot_coap_cancel(&hub, ticket), IOT_ERR_STATE);
    give(&net, &m, IOT_COAP_ACK, CONTENT, -1, UINT32_MAX, "late");
    run(0);
    give(&net, &m, IOT_COAP_CON, CONTENT, -1, UINT32_MAX, "late");
    run(1000);
    assert_said("");
    assert_int_equal(last_sent().type, IOT_COAP_RST);
}

/* ---- Observations ------------------------------------------------------------------------ */

static void an_observation_is_told_each_time_and_ends_when_the_server_has_confirmed(void **state)
{
    (void)state;
    ask.observe = true;
    start();
    struct iot_coap_message m = last_sent();
    give(&net, &m, IOT_COAP_ACK, CONTENT, 5, UINT32_MAX, "one");
    run(100);
    assert_said("head 2.05 observed\nbody 0 'one'\nwhole\n");
    give(&net, &m, IOT_COAP_CON, CONTENT, 6, UINT32_MAX, "two");
    run(100);
    assert_said("head 2.05 observed\nbody 0 'two'\nwhole\n");
    assert_int_equal(last_sent().type, IOT_COAP_ACK);
    give(&net, &m, IOT_COAP_NON, CONTENT, 7, UINT32_MAX, "three");
    run(100);
    assert_said("head 2.05 observed\nbody 0 'three'\nwhole\n");
    assert_false(iot_coap_ready(&hub));
    assert_err(iot_coap_park(&hub), IOT_ERR_STATE);
    assert_err(iot_coap_hang_up(&hub), IOT_ERR_STATE);
    assert_err(iot_coap_cancel(&hub, ticket), IOT_OK);
    run(0);
    assert_said("");
    answer(CONTENT, "four");
    assert_said("end OK\n");
    assert_true(iot_coap_ready(&hub));
}

/* ---- Famine and plenty ------------------------------------------------------------------- */

static void a_datagram_that_cannot_leave_leaves_later_as_it_was(void **state)
{
    (void)state;
    logged_dgram_allow(&net, 0);
    start();
    assert_int_equal(net.tx_count, 0);
    run(20000);
    assert_int_equal(net.refused, 401);
    assert_said("");
    logged_dgram_allow(&net, UINT32_MAX);
    run(0);
    assert_int_equal(net.tx_count, 1);
    /* Its time begins when it has left. */
    run(1999);
    assert_int_equal(net.tx_count, 1);
    logged_dgram_allow(&net, 0);
    run(10000);
    logged_dgram_allow(&net, UINT32_MAX);
    run(0);
    assert_int_equal(net.tx_count, 2);
    assert_bytes(((struct iot_bytes){net.tx[0].bytes, net.tx[0].len}),
                 ((struct iot_bytes){net.tx[1].bytes, net.tx[1].len}));
    answer(CONTENT, "");
    assert_said("head 2.05\nwhole\nend OK\n");
}

/* A modem that is busy says so by its room. */
static void a_channel_that_takes_nothing_now_ends_nothing(void **state)
{
    (void)state;
    net.room = 0;
    start();
    run(1000);
    assert_int_equal(net.tx_count, 0);
    assert_said("");
    net.room = 1400;
    iot_dgram_wake(&net.base);
    run(0);
    assert_int_equal(net.tx_count, 1);
    struct iot_coap_message m = last_sent();
    give(&net, &m, IOT_COAP_CON, CONTENT, -1, UINT32_MAX, "");
    net.room = 0;
    run(0);
    assert_said("head 2.05\nwhole\nend OK\n");
    assert_int_equal(net.tx_count, 1);
    net.room = 1400;
    iot_dgram_wake(&net.base);
    run(0);
    assert_int_equal(net.tx_count, 2);
    assert_int_equal(last_sent().type, IOT_COAP_ACK);
}

static void acknowledgements_wait_out_a_famine_too(void **state)
{
    (void)state;
    start();
    struct iot_coap_message m = last_sent();
    logged_dgram_allow(&net, 0);
    give(&net, &m, IOT_COAP_CON, CONTENT, -1, UINT32_MAX, "x");
    run(300);
    assert_said("head 2.05\nbody 0 'x'\nwhole\nend OK\n");
    assert_int_equal(net.tx_count, 1);
    logged_dgram_allow(&net, UINT32_MAX);
    run(0);
    assert_int_equal(net.tx_count, 2);
    assert_int_equal(last_sent().type, IOT_COAP_ACK);
}

static void blocks_are_as_large_as_the_channel_takes(void **state)
{
    static const char body[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef!";
    (void)state;
    net.room = 110;
    ask.method = IOT_COAP_PUT;
    ask.body = text_bytes(body);
    start();
    assert_int_equal(last_sent().payload.len, 64);
}

static void one_tick_takes_a_bounded_number_of_datagrams_and_asks_for_the_next(void **state)
{
    (void)state;
    ask.observe = true;
    start();
    struct iot_coap_message m = last_sent();
    give(&net, &m, IOT_COAP_ACK, CONTENT, 0, UINT32_MAX, "");
    run(0);
    for (int i = 1; i <= 3 * IOT_POLL_PACKETS; i++)
        give(&net, &m, IOT_COAP_NON, CONTENT, i, UINT32_MAX, "");
    uint32_t before = net.reads;
    assert_int_equal(iot_poll(&dev, now_ms), 0);
    assert_int_equal(net.reads - before, IOT_POLL_PACKETS);
    assert_int_equal(iot_poll(&dev, now_ms), 0);
    assert_int_equal(iot_poll(&dev, now_ms), 0);
    assert_int_equal(net.reads - before, 3 * IOT_POLL_PACKETS);
    assert_int_not_equal(iot_poll(&dev, now_ms), 0);
    struct iot_coap_counters n;
    iot_coap_counters(&hub, &n);
    assert_int_equal(n.received, 1 + 3 * IOT_POLL_PACKETS);
}

static void what_is_too_large_or_no_message_is_ignored_and_counted(void **state)
{
    (void)state;
    static uint8_t large[LOGGED_DGRAM_MAX];
    start();
    logged_dgram_receive(&net, (struct iot_bytes){large, IOT_COAP_BYTES + 1});
    logged_dgram_receive(&net, (struct iot_bytes){large, 0});
    logged_dgram_receive(&net, (struct iot_bytes){large, 3});
    logged_dgram_receive(&net, BYTES("\x80\x45\x00\x00"));
    run(0);
    struct iot_coap_counters n;
    iot_coap_counters(&hub, &n);
    assert_true(n.received == 4 && n.ignored == 4);
    answer(CONTENT, "");
    assert_said("head 2.05\nwhole\nend OK\n");
}

/* ---- Several ----------------------------------------------------------------------------- */

static void two_clients_of_a_device_do_not_know_each_other(void **state)
{
    (void)state;
    assert_err(iot_coap_init(&other, &dev, &other_options), IOT_OK);
    struct iot_coap_request there = ask;
    there.ctx = "other ";
    assert_err(iot_coap_start(&hub, &ask, NULL), IOT_OK);
    assert_err(iot_coap_start(&other, &there, NULL), IOT_OK);
    run(0);
    assert_true(net.tx_count == 1 && other_net.tx_count == 1);
    struct iot_coap_message m = last_sent(), n = sent_to(&other_net, 0);
    assert_memory_not_equal(m.token.ptr, n.token.ptr, 8);
    /* What answers the one means nothing to the other. */
    give(&other_net, &m, IOT_COAP_ACK, CONTENT, -1, UINT32_MAX, "");
    run(0);
    assert_said("");
    logged_dgram_end(&other_net, IOT_ERR_UDP_ROUTE, 0);
    answer(CONTENT, "");
    assert_said("head 2.05\nwhole\nend OK\n");
    run(300);
    run(1000);
    assert_int_equal(other_net.opens, 2);
    assert_int_equal(net.opens, 1);
    n = sent_to(&other_net, other_net.tx_count - 1);
    give(&other_net, &n, IOT_COAP_ACK, CONTENT, -1, UINT32_MAX, "");
    run(0);
    assert_said("other head 2.05\nother whole\nother end OK\n");
}

/* ---- Options ----------------------------------------------------------------------------- */

static iot_err init_hub(void)
{
    memset(&hub, 0xee, sizeof hub);
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    return iot_coap_init(&hub, &dev, &options);
}

static void options_that_cannot_work_are_refused(void **state)
{
    static char long_host[300];
    stub_coap_blank(state);
    assert_err(init_hub(), IOT_OK);
    assert_err(iot_coap_init(&hub, &dev, &options), IOT_ERR_ARG); /* attached already */
    options.host = NULL;
    assert_err(init_hub(), IOT_ERR_ARG);
    options.host = "";
    assert_err(init_hub(), IOT_ERR_ARG);
    memset(long_host, 'a', 254);
    options.host = long_host;
    assert_err(init_hub(), IOT_ERR_ARG);
    long_host[253] = '\0';
    assert_err(init_hub(), IOT_OK);
    options.ack_timeout_ms = 999;
    assert_err(init_hub(), IOT_ERR_ARG);
    options.ack_timeout_ms = 1000;
    assert_err(init_hub(), IOT_OK);
    options.max_retransmit = 9;
    assert_err(init_hub(), IOT_ERR_ARG);
    options.max_retransmit = 8;
    assert_err(init_hub(), IOT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_get_is_asked_and_told, stub_coap_setup),
        cmocka_unit_test_setup(an_error_of_the_servers_is_told_like_any_response, stub_coap_setup),
        cmocka_unit_test_setup(a_separate_response_is_acknowledged, stub_coap_setup),
        cmocka_unit_test_setup(a_body_in_blocks_has_one_head_and_no_gaps, stub_coap_setup),
        cmocka_unit_test_setup(handlers_that_are_not_given_are_not_missed, stub_coap_setup),
        cmocka_unit_test_setup(a_ping_ends_well_when_it_is_answered, stub_coap_setup),
        cmocka_unit_test_setup(silence_ends_a_request_by_name_and_nothing_spins, stub_coap_setup),
        cmocka_unit_test_setup(requests_leave_one_after_the_other_in_their_order, stub_coap_setup),
        cmocka_unit_test_setup(what_is_refused_is_refused_at_once_and_changes_nothing,
                               stub_coap_setup),
        cmocka_unit_test(a_name_is_sent_as_uri_host_and_an_address_is_not),
        cmocka_unit_test(ports_and_interface_are_those_of_the_options),
        cmocka_unit_test(a_body_that_is_not_confirmed_has_to_leave_as_a_whole),
        cmocka_unit_test(times_of_the_options_are_kept),
        cmocka_unit_test_setup(another_may_be_started_in_any_handler, with_next),
        cmocka_unit_test_setup(one_that_is_started_and_cancelled_in_each_end_does_not_hold_the_tick,
                               with_next),
        cmocka_unit_test_setup(a_request_cancelled_in_its_head_hears_of_no_body, with_next),
        cmocka_unit_test_setup(another_may_be_cancelled_in_a_handler, with_next),
        cmocka_unit_test_setup(a_tick_within_a_tick_does_nothing, with_next),
        cmocka_unit_test(the_device_may_be_closed_in_any_handler),
        cmocka_unit_test_setup(a_handlers_error_ends_the_request_by_it, with_next),
        cmocka_unit_test_setup(a_part_that_was_not_taken_is_asked_for_again, with_next),
        cmocka_unit_test_setup(a_late_answer_to_a_cancelled_request_reaches_nobody, with_next),
        cmocka_unit_test_setup(
            an_observation_is_told_each_time_and_ends_when_the_server_has_confirmed,
            stub_coap_setup),
        cmocka_unit_test_setup(a_datagram_that_cannot_leave_leaves_later_as_it_was,
                               stub_coap_setup),
        cmocka_unit_test_setup(a_channel_that_takes_nothing_now_ends_nothing, stub_coap_setup),
        cmocka_unit_test_setup(acknowledgements_wait_out_a_famine_too, stub_coap_setup),
        cmocka_unit_test_setup(blocks_are_as_large_as_the_channel_takes, stub_coap_setup),
        cmocka_unit_test_setup(one_tick_takes_a_bounded_number_of_datagrams_and_asks_for_the_next,
                               stub_coap_setup),
        cmocka_unit_test_setup(what_is_too_large_or_no_message_is_ignored_and_counted,
                               stub_coap_setup),
        cmocka_unit_test_setup(two_clients_of_a_device_do_not_know_each_other, stub_coap_setup),
        cmocka_unit_test(options_that_cannot_work_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

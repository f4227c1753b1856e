/* SPDX-License-Identifier: Apache-2.0 */
/* A client of CoAP in the ticks of a device: how its association is made, kept, lost, put away and ended. */
#include "stub_coap.h"

static void start_again(iot_err err)
{
    (void)err;
    (void)iot_coap_start(&hub, &ask, &ticket);
}

/* Up, and one request has been answered over it. */
static void come_up(void)
{
    start();
    answer(CONTENT, "");
    assert_said("head 2.05\nwhole\nend OK\n");
}

static struct iot_coap_counters counted(void)
{
    struct iot_coap_counters n;
    iot_coap_counters(&hub, &n);
    return n;
}

/* ---- Making it --------------------------------------------------------------------------- */

static void nothing_is_opened_before_it_is_needed(void **state)
{
    (void)state;
    run(100000);
    assert_int_equal(net.opens, 0);
    assert_true(iot_coap_idle(&hub));
    assert_true(iot_device_idle(&dev));
    come_up();
    assert_int_equal(net.opens, 1);
}

static void without_chance_nothing_is_sent(void **state)
{
    (void)state;
    random_says = IOT_ERR_AGAIN;
    assert_err(iot_coap_start(&hub, &ask, &ticket), IOT_OK);
    run(10000);
    assert_int_equal(net.opens, 0);
    random_says = IOT_OK;
    run(100);
    assert_int_equal(net.tx_count, 1);
    answer(CONTENT, "");
    assert_said("head 2.05\nwhole\nend OK\n");

    stub_coap_setup(state);
    random_says = IOT_ERR_RANDOM;
    start();
    assert_said("end RANDOM\n");
    stub_coap_setup(state);
    random_says = IOT_ERR_AGAIN;
    start();
    run(60000);
    assert_said("end RANDOM\n");
    assert_int_equal(net.opens, 0);
}

static void two_devices_begin_with_other_tokens_and_ids(void **state)
{
    struct iot_coap_message m;
    uint8_t token[8];
    uint16_t id;

    start();
    m = last_sent();
    memcpy(token, m.token.ptr, 8);
    id = m.id;
    stub_coap_setup(state);
    chance = 1234;
    start();
    m = last_sent();
    assert_memory_not_equal(token, m.token.ptr, 4);
    assert_memory_not_equal(token + 4, m.token.ptr, 4);
    assert_int_not_equal(id, m.id);
}

static void a_channel_that_cannot_open_yet_is_asked_again_for_a_while(void **state)
{
    (void)state;
    net.open_again = 50;
    start();
    run(4999);
    assert_int_equal(net.opens, 0);
    run(1);
    assert_int_equal(net.opens, 1);
    answer(CONTENT, "");
    assert_said("head 2.05\nwhole\nend OK\n");
    stub_coap_setup(state);
    net.open_again = UINT32_MAX;
    start();
    run(44999);
    assert_said("");
    run(2);
    assert_said("end COAP_TIMEOUT\n");
    assert_true(iot_coap_idle(&hub));
}

static void one_that_never_comes_up_ends_the_requests(void **state)
{
    (void)state;
    net.connects = false;
    start();
    run(44999);
    assert_said("");
    run(2);
    assert_said("end COAP_TIMEOUT\n");
    assert_int_equal(net.aborts, 1);
    assert_true(iot_coap_idle(&hub));
}

/* Twice in vain, and the third time it is enough. Nothing is ever sent. */
static void what_may_pass_is_tried_three_times(void **state)
{
    static const iot_err list[] = {IOT_ERR_UDP_MEMORY, IOT_ERR_UDP_ROUTE, IOT_ERR_DNS_TIMEOUT,
                                   IOT_ERR_TLS_ALERT,  IOT_ERR_TLS_PSK,   IOT_ERR_TLS_KIND};
    for (size_t i = 0; i < 2 * COUNT(list); i++) {
        stub_coap_secure(state);
        *(i % 2 == 0 ? &net.open_says : &net.connect_says) = list[i / 2];
        net.detail = -77;
        start();
        assert_said("");
        run(3100);
        char want[64];
        snprintf(want, sizeof want, "end %s\n", iot_err_name(list[i / 2]));
        assert_said(want);
        assert_int_equal(end_detail, -77);
        assert_int_equal(net.opens, 3);
        assert_int_equal(net.tx_count, 0);
        assert_true(iot_coap_idle(&hub));
        assert_int_equal(counted().handshakes, 0);
    }
}

static void what_will_not_pass_ends_the_requests_at_once(void **state)
{
    static const iot_err list[] = {IOT_ERR_TLS_VERIFY, IOT_ERR_DNS_UNKNOWN, IOT_ERR_TLS_MEMORY,
                                   IOT_ERR_TLS_CREDENTIAL};
    for (size_t i = 0; i < COUNT(list); i++) {
        stub_coap_secure(state);
        net.connect_says = list[i];
        struct iot_coap_request second = ask;
        second.ctx = "second ";
        assert_err(iot_coap_start(&hub, &ask, NULL), IOT_OK);
        assert_err(iot_coap_start(&hub, &second, NULL), IOT_OK);
        run(0);
        assert_int_equal(ends, 2);
        assert_int_equal(net.opens, 1);
        assert_int_equal(net.tx_count, 0);
    }
}

static void an_attempt_that_took_long_is_not_made_three_times(void **state)
{
    stub_coap_secure(state);
    net.connect_ms = 30000;
    net.connect_says = IOT_ERR_TLS_TIMEOUT;
    start();
    run(30000);
    assert_said("end TLS_TIMEOUT\n");
    assert_int_equal(net.opens, 1);
}

static void one_that_comes_up_the_third_time_serves(void **state)
{
    stub_coap_secure(state);
    net.connect_says = IOT_ERR_TLS_ALERT;
    start();
    run(200);
    net.connect_says = IOT_OK;
    run(3000);
    assert_int_equal(net.opens, 2);
    answer(CONTENT, "");
    assert_said("head 2.05\nwhole\nend OK\n");
    assert_int_equal(counted().handshakes, 1);
}

/* Whoever asks at once again, each time, does not reach the server any more often for that. */
static void who_asks_again_at_once_makes_no_storm(void **state)
{
    for (int way = 0; way < 3; way++) {
        stub_coap_secure(state);
        in_end = start_again;
        if (way == 0)
            net.connect_says = IOT_ERR_TLS_VERIFY;
        else if (way == 1)
            net.open_says = IOT_ERR_UDP_ROUTE;
        else
            net.connect_says = IOT_ERR_TLS_PSK;
        start();
        run(60000);
        assert_true(net.opens >= 5 && net.opens <= 60);
        uint32_t before = net.opens;
        run(3600000);
        /* 3,600 s; a pause is 30 s on average then. */
        assert_true(net.opens - before >= 60 && net.opens - before <= 200);
        in_end = NULL;
    }
}

/* ... nor with a server that takes each association and drops it when asked. */
static void a_server_that_drops_each_association_is_given_up(void **state)
{
    stub_coap_secure(state);
    start();
    for (int i = 0; i < 10 && ends == 0; i++) {
        if (net.state == DGRAM_UP)
            logged_dgram_end(&net, IOT_ERR_TLS_CLOSED, 0);
        run(2500);
    }
    assert_said("end TLS_CLOSED\n");
    assert_int_equal(net.opens, 3);
    assert_int_equal(net.tx_count, 3);
}

/* ... nor if it answers a part first, and no more. */
static void a_server_that_drops_each_association_within_a_body_is_given_up(void **state)
{
    stub_coap_secure(state);
    start();
    for (int i = 0; i < 10 && ends == 0; i++) {
        if (net.state == DGRAM_UP) {
            struct iot_coap_message m = last_sent();
            give(&net, &m, IOT_COAP_ACK, CONTENT, -1, 8, "0123456789abcdef");
            run(0);
            logged_dgram_end(&net, IOT_ERR_TLS_CLOSED, 0);
        }
        run(2500);
    }
    assert_int_equal(ends, 1);
    assert_int_equal(net.opens, 3);
    assert_true(iot_coap_idle(&hub));
}

/* An observation has no end; so it is kept, and asked for less and less often. */
static void a_server_that_drops_each_association_of_an_observation_gets_no_storm(void **state)
{
    stub_coap_secure(state);
    ask.observe = true;
    start();
    for (int i = 0; i < 3600; i++) {
        if (net.state == DGRAM_UP) {
            struct iot_coap_message m = last_sent();
            give(&net, &m, IOT_COAP_ACK, CONTENT, 1, UINT32_MAX, "a");
            run(0);
            logged_dgram_end(&net, IOT_ERR_TLS_CLOSED, 0);
        }
        run(1000);
    }
    assert_true(net.opens >= 60 && net.opens <= 200);
    assert_int_equal(ends, 0);
    /* One that held is replaced at once. */
    while (net.state != DGRAM_UP)
        run(1000);
    struct iot_coap_message m = last_sent();
    give(&net, &m, IOT_COAP_ACK, CONTENT, 1, UINT32_MAX, "a");
    run(60000);
    uint32_t before = net.opens;
    logged_dgram_end(&net, IOT_ERR_TLS_CLOSED, 0);
    run(0);
    assert_int_equal(net.opens, before + 1);
}

/* ---- Losing it --------------------------------------------------------------------------- */

static void a_get_goes_on_over_a_new_association(void **state)
{
    (void)state;
    come_up();
    start();
    struct iot_coap_message old = last_sent();
    logged_dgram_end(&net, IOT_ERR_UDP_ROUTE, 0);
    run(0);
    assert_int_equal(net.opens, 2);
    assert_int_equal(net.tx_count, 3);
    assert_memory_not_equal(old.token.ptr, last_sent().token.ptr, 8);
    give(&net, &old, IOT_COAP_ACK, CONTENT, -1, UINT32_MAX, "old");
    run(0);
    assert_said("");
    answer(CONTENT, "new");
    assert_said("head 2.05\nbody 0 'new'\nwhole\nend OK\n");
}

static void a_post_that_was_out_is_not_executed_twice(void **state)
{
    (void)state;
    come_up();
    ask.method = IOT_COAP_POST;
    start();
    struct iot_coap_request waiting = ask;
    waiting.ctx = "waiting ";
    assert_err(iot_coap_start(&hub, &waiting, NULL), IOT_OK);
    run(0);
    assert_int_equal(net.tx_count, 2);
    logged_dgram_end(&net, IOT_ERR_TLS_CLOSED, 0);
    run(0);
    assert_said("end UNKNOWN\n");
    assert_int_equal(net.tx_count, 3); /* the one that was not out goes on */
    answer(IOT_COAP_CODE(2, 4), "");
    assert_said("waiting head 2.04\nwaiting whole\nwaiting end OK\n");
}

static void an_idle_association_that_ends_is_made_anew_when_it_is_needed(void **state)
{
    (void)state;
    come_up();
    logged_dgram_end(&net, IOT_ERR_TLS_CLOSED, 0);
    run(100000);
    assert_int_equal(net.opens, 1);
    assert_true(iot_coap_idle(&hub));
    come_up();
    assert_int_equal(net.opens, 2);
}

static void an_observation_registers_again(void **state)
{
    (void)state;
    ask.observe = true;
    start();
    struct iot_coap_message m = last_sent();
    give(&net, &m, IOT_COAP_ACK, CONTENT, 1, UINT32_MAX, "a");
    run(0);
    logged_dgram_end(&net, IOT_ERR_TLS_CLOSED, 0);
    run(0);
    assert_int_equal(net.opens, 2);
    assert_int_equal(net.tx_count, 2);
    m = last_sent();
    give(&net, &m, IOT_COAP_ACK, CONTENT, 1, UINT32_MAX, "b");
    run(0);
    assert_said("head 2.05 observed\nbody 0 'a'\nwhole\nhead 2.05 observed\nbody 0 'b'\nwhole\n");
}

/* ---- Doubt ------------------------------------------------------------------------------- */

static void a_silent_association_is_replaced_when_the_options_say_so(void **state)
{
    stub_coap_blank(state);
    options.tls = &tls;
    options.doubt_after = 2;
    begin();
    come_up();
    start();
    run(9000 - 1); /* 2 to 3 s, and twice that */
    if (net.opens == 1)
        run(1);
    assert_int_equal(net.opens, 2);
    assert_int_equal(net.tx_count, 1 + 2 + 1);
    assert_said("");
    answer(CONTENT, "");
    assert_said("head 2.05\nwhole\nend OK\n");
    assert_int_equal(counted().handshakes, 2);
}

static void anything_that_comes_takes_the_doubt_away(void **state)
{
    stub_coap_blank(state);
    options.tls = &tls;
    options.doubt_after = 2;
    begin();
    come_up();
    start();
    run(3500); /* the first was in vain */
    logged_dgram_receive(&net, BYTES("\x70\x00\x00\x00"));
    run(5500);
    assert_int_equal(net.opens, 1);
    assert_int_equal(net.tx_count, 1 + 3);
}

static void by_default_all_transmissions_have_to_be_in_vain_and_who_waits_goes_on(void **state)
{
    stub_coap_secure(state);
    come_up();
    start();
    struct iot_coap_request waiting = ask;
    waiting.ctx = "waiting ";
    assert_err(iot_coap_start(&hub, &waiting, NULL), IOT_OK);
    run(61999);
    assert_int_equal(net.opens, 1);
    run(93000 - 61999);
    assert_said("end COAP_TIMEOUT\n");
    assert_int_equal(net.opens, 2);
    answer(CONTENT, "");
    assert_said("waiting head 2.05\nwaiting whole\nwaiting end OK\n");
}

static void plain_datagrams_are_never_doubted(void **state)
{
    stub_coap_blank(state);
    options.doubt_after = 1;
    begin();
    start();
    run(93000);
    assert_said("end COAP_TIMEOUT\n");
    assert_int_equal(net.opens, 1);
}

static void a_server_that_never_answers_is_not_shaken_hands_with_for_ever(void **state)
{
    stub_coap_blank(state);
    options.tls = &tls;
    options.doubt_after = 1;
    begin();
    start();
    run(60000);
    assert_said("end COAP_TIMEOUT\n");
    assert_int_equal(net.opens, 3);
}

/* ---- Keeping it, and not ------------------------------------------------------------------ */

static void it_is_kept_as_long_as_the_options_say(void **state)
{
    stub_coap_blank(state);
    options.keep_ms = 5000;
    begin();
    come_up();
    run(4999);
    assert_int_equal(net.closes_asked, 0);
    come_up();
    run(4999);
    assert_int_equal(net.closes_asked, 0);
    run(2);
    assert_int_equal(net.closes_asked, 1);
    assert_true(iot_coap_idle(&hub));
    assert_int_equal(net.opens, 1);
    come_up();
    assert_int_equal(net.opens, 2);
    start(); /* under way, it is in use however long that takes */
    run(30000);
    assert_int_equal(net.closes_asked, 1);
}

static void hanging_up_ends_it_in_good_order(void **state)
{
    (void)state;
    assert_err(iot_coap_hang_up(&hub), IOT_OK);
    come_up();
    net.closes = false;
    start();
    assert_err(iot_coap_hang_up(&hub), IOT_ERR_STATE);
    answer(CONTENT, "");
    said[0] = '\0';
    assert_err(iot_coap_hang_up(&hub), IOT_OK);
    run(0);
    assert_int_equal(net.closes_asked, 1);
    assert_false(iot_coap_idle(&hub));
    start(); /* waits */
    assert_int_equal(net.opens, 1);
    run(1000);
    assert_int_equal(net.opens, 2);
    answer(CONTENT, "");
    assert_said("head 2.05\nwhole\nend OK\n");
    /* Who asks before the tick has changed his mind. */
    assert_err(iot_coap_hang_up(&hub), IOT_OK);
    come_up();
    run(1000);
    assert_int_equal(net.opens, 2);
    assert_int_equal(net.closes_asked, 1);
}

static void hanging_up_while_it_opens_breaks_it_off(void **state)
{
    (void)state;
    net.connects = false;
    start();
    assert_err(iot_coap_cancel(&hub, ticket), IOT_OK);
    run(0);
    assert_said("end CLOSED\n");
    assert_int_equal(net.state, DGRAM_OPENING);
    assert_err(iot_coap_hang_up(&hub), IOT_OK);
    run(0);
    assert_int_equal(net.aborts, 1);
    assert_true(iot_coap_idle(&hub));
    /* and nothing of it is left: the next is kept */
    net.connects = true;
    come_up();
    run(1000);
    assert_int_equal(net.closes_asked, 0);
}

static void parking_puts_it_away_and_nothing_is_begun_meanwhile(void **state)
{
    stub_coap_secure(state);
    assert_err(iot_coap_park(&hub), IOT_OK); /* there is nothing */
    assert_true(iot_coap_idle(&hub));
    start();
    assert_err(iot_coap_park(&hub), IOT_ERR_STATE);
    answer(CONTENT, "");
    said[0] = '\0';
    assert_int_equal(counted().handshakes, 1);
    assert_err(iot_coap_park(&hub), IOT_OK);
    assert_err(iot_coap_start(&hub, &ask, NULL), IOT_ERR_STATE);
    net.closes = false;
    run(100);
    assert_int_equal(parks, 1);
    assert_int_equal(net.closes_asked, 0);
    assert_false(iot_coap_idle(&hub));
    assert_err(iot_coap_start(&hub, &ask, NULL), IOT_ERR_STATE);
    run(400);
    assert_true(iot_coap_idle(&hub));
    kept = true;
    come_up();
    assert_int_equal(counted().handshakes, 1);
    assert_int_equal(counted().resumed, 1);
}

/* As a program does that asks in its loop until it is idle: the store may be slow, and nothing spins meanwhile. */
static void asking_to_park_or_hang_up_again_wakes_nobody(void **state)
{
    for (int parks_it = 0; parks_it < 2; parks_it++) {
        stub_coap_secure(state);
        come_up();
        net.closes = false;
        for (int i = 0; i < 3; i++) {
            assert_err(parks_it ? iot_coap_park(&hub) : iot_coap_hang_up(&hub), IOT_OK);
            if (i == 0)
                run(0);
            else
                assert_true(iot_sleep_ms(&dev, now_ms) > 100);
        }
        run(1000);
        assert_true(iot_coap_idle(&hub));
        uint32_t idle_ms = iot_sleep_ms(&dev, now_ms);
        assert_err(parks_it ? iot_coap_park(&hub) : iot_coap_hang_up(&hub), IOT_OK);
        assert_int_equal(iot_sleep_ms(&dev, now_ms), idle_ms);
    }
}

static void parking_without_dtls_is_an_end(void **state)
{
    (void)state;
    come_up();
    assert_err(iot_coap_park(&hub), IOT_OK);
    run(0);
    assert_int_equal(parks, 0);
    assert_int_equal(net.closes_asked, 1);
    assert_true(iot_coap_idle(&hub));
    come_up();
}

/* ---- The device closes -------------------------------------------------------------------- */

static void the_device_waits_for_it_in_every_phase(void **state)
{
    for (int phase = 0; phase < 7; phase++) {
        stub_coap_setup(state);
        ask.observe = phase == 5;
        net.open_again = phase == 1 ? UINT32_MAX : 0;
        net.connects = phase != 2;
        net.closes = false;
        if (phase != 0)
            start();
        if (phase >= 4) {
            struct iot_coap_message m = last_sent();
            give(&net, &m, IOT_COAP_ACK, CONTENT, phase == 5 ? 1 : -1, UINT32_MAX, "");
            run(0);
            said[0] = '\0';
        }
        if (phase == 6) {
            assert_err(iot_coap_hang_up(&hub), IOT_OK);
            run(0);
            assert_int_equal(net.state, DGRAM_CLOSING);
        }
        iot_err err = iot_device_close(&dev, 0);
        assert_err(err, phase == 0 ? IOT_ERR_STATE : IOT_OK);
        if (phase == 0)
            continue;
        assert_err(iot_coap_start(&hub, &ask, NULL), IOT_ERR_STATE);
        run(0);
        assert_said((phase >= 1 && phase <= 3) || phase == 5 ? "end CLOSED\n" : "");
        assert_int_equal(net.closes_asked, phase >= 3);
        assert_int_equal(events[IOT_EV_CLOSED], phase < 3);
        run(1000);
        assert_int_equal(events[IOT_EV_CLOSED], 1);
        assert_true(iot_coap_idle(&hub));
        /* and may be used again */
        net.open_again = 0;
        net.connects = net.closes = true;
        ask.observe = false;
        come_up();
    }
}

static void closing_during_a_pause_ends_it(void **state)
{
    (void)state;
    net.open_says = IOT_ERR_UDP_ROUTE;
    start();
    assert_int_equal(net.opens, 1);
    assert_err(iot_device_close(&dev, 0), IOT_OK);
    run(0);
    assert_said("end CLOSED\n");
    assert_int_equal(events[IOT_EV_CLOSED], 1);
    run(10000);
    assert_int_equal(net.opens, 1);
}

/* ---- Memory of TLS ------------------------------------------------------------------------ */

static struct iot_http web;
static struct iot_http_options web_options;
static struct iot_tls_options web_tls, mqtt_tls;
static const struct iot_bytes ca[1] = {{(const uint8_t *)"x", 1}};

static iot_err init_hub(void *memory, uint32_t bytes)
{
    tls.arena = memory;
    tls.arena_bytes = bytes;
    memset(&hub, 0xee, sizeof hub);
    return iot_coap_init(&hub, &dev, &options);
}

static void an_arena_has_one_user(void **state)
{
    static uint64_t memory[3000];
    uint8_t *bytes = (uint8_t *)memory;

    stub_coap_blank(state);
    options.tls = &tls;
    mqtt_tls =
        (struct iot_tls_options){.ca = ca, .ca_count = 1, .arena = bytes, .arena_bytes = 8000};
    web_tls = mqtt_tls;
    web_tls.arena = bytes + 8000;
    opt.tls = &mqtt_tls;
    web_options.tls = &web_tls;
    struct iot_tls_options other_tls = tls;
    other_tls.arena = bytes + 16000;
    other_tls.arena_bytes = 4000;
    other_options.tls = &other_tls;
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    assert_err(iot_http_init(&web, &dev, &web_options), IOT_OK);
    assert_err(iot_coap_init(&other, &dev, &other_options), IOT_OK);

    assert_err(init_hub(bytes + 7992, 8), IOT_ERR_ARG); /* MQTT's */
    assert_err(init_hub(bytes + 8000, 8), IOT_ERR_ARG); /* HTTP's */
    assert_err(init_hub(bytes + 15992, 8), IOT_ERR_ARG);
    assert_err(init_hub(bytes + 16000, 8), IOT_ERR_ARG); /* the other client's */
    assert_err(init_hub(bytes + 19992, 4000), IOT_ERR_ARG);
    assert_err(init_hub(bytes, sizeof memory), IOT_ERR_ARG);
    assert_err(init_hub(NULL, 0), IOT_ERR_ARG);
    assert_err(init_hub(bytes + 20000, 4000), IOT_OK);

    /* HTTP is refused what CoAP has. */
    static struct iot_http second;
    struct iot_tls_options second_tls = web_tls;
    second_tls.arena = bytes + 16000;
    second_tls.arena_bytes = 4000;
    struct iot_http_options second_options = {.tls = &second_tls};
    assert_err(iot_http_init(&second, &dev, &second_options), IOT_ERR_ARG);
    second_tls.arena = bytes + 12000;
    assert_err(iot_http_init(&second, &dev, &second_options), IOT_ERR_ARG);
}

static void plain_coap_has_no_tls_memory(void **state)
{
    struct iot_tls_memory m = {0, 0, 0, 0};
    (void)state;
#if IOT_FEATURE_DTLS
    m = (struct iot_tls_memory){1, 1, 1, 1};
    iot_coap_tls_memory(&hub, &m);
#endif
    assert_true(m.used == 0 && m.high == 0 && m.max == 0 && m.blocks == 0);
}

static void dtls_has_its_own_port(void **state)
{
    stub_coap_secure(state);
    start();
    assert_int_equal(net.to.port, 5684);
    assert_int_equal(counted().handshakes, 1);
}

static void dtls_that_is_not_built_in_is_refused(void **state)
{
    stub_coap_blank(state);
    options.tls = &tls;
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    assert_err(iot_coap_init(&hub, &dev, &options), IOT_FEATURE_DTLS ? IOT_OK : IOT_ERR_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_opened_before_it_is_needed, stub_coap_setup),
        cmocka_unit_test_setup(without_chance_nothing_is_sent, stub_coap_setup),
        cmocka_unit_test_setup(two_devices_begin_with_other_tokens_and_ids, stub_coap_setup),
        cmocka_unit_test_setup(a_channel_that_cannot_open_yet_is_asked_again_for_a_while,
                               stub_coap_setup),
        cmocka_unit_test_setup(one_that_never_comes_up_ends_the_requests, stub_coap_setup),
        cmocka_unit_test_setup(a_get_goes_on_over_a_new_association, stub_coap_setup),
        cmocka_unit_test_setup(a_post_that_was_out_is_not_executed_twice, stub_coap_setup),
        cmocka_unit_test_setup(an_idle_association_that_ends_is_made_anew_when_it_is_needed,
                               stub_coap_setup),
        cmocka_unit_test_setup(an_observation_registers_again, stub_coap_setup),
        cmocka_unit_test(plain_datagrams_are_never_doubted),
        cmocka_unit_test(it_is_kept_as_long_as_the_options_say),
        cmocka_unit_test_setup(hanging_up_ends_it_in_good_order, stub_coap_setup),
        cmocka_unit_test_setup(hanging_up_while_it_opens_breaks_it_off, stub_coap_setup),
        cmocka_unit_test_setup(parking_without_dtls_is_an_end, stub_coap_setup),
        cmocka_unit_test(the_device_waits_for_it_in_every_phase),
        cmocka_unit_test_setup(closing_during_a_pause_ends_it, stub_coap_setup),
        cmocka_unit_test(dtls_that_is_not_built_in_is_refused),
        cmocka_unit_test(what_may_pass_is_tried_three_times),
        cmocka_unit_test(what_will_not_pass_ends_the_requests_at_once),
        cmocka_unit_test(an_attempt_that_took_long_is_not_made_three_times),
        cmocka_unit_test(one_that_comes_up_the_third_time_serves),
        cmocka_unit_test(who_asks_again_at_once_makes_no_storm),
        cmocka_unit_test(a_server_that_drops_each_association_is_given_up),
        cmocka_unit_test(a_server_that_drops_each_association_within_a_body_is_given_up),
        cmocka_unit_test(a_server_that_drops_each_association_of_an_observation_gets_no_storm),
        cmocka_unit_test(a_silent_association_is_replaced_when_the_options_say_so),
        cmocka_unit_test(anything_that_comes_takes_the_doubt_away),
        cmocka_unit_test(by_default_all_transmissions_have_to_be_in_vain_and_who_waits_goes_on),
        cmocka_unit_test(a_server_that_never_answers_is_not_shaken_hands_with_for_ever),
        cmocka_unit_test(parking_puts_it_away_and_nothing_is_begun_meanwhile),
        cmocka_unit_test(asking_to_park_or_hang_up_again_wakes_nobody),
        cmocka_unit_test(an_arena_has_one_user),
        cmocka_unit_test_setup(plain_coap_has_no_tls_memory, stub_coap_setup),
        cmocka_unit_test(dtls_has_its_own_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that are absent, silent, rude, slow or wrong, and a network and a memory that fail: each
 * trouble has its own name, the device lives on, backs off and recovers. */
#include "peer_device.h"
#include "peer_server.h"

#include "host/host_child.h"
#include "host/host_dns.h"
#include "host/host_loop.h"
#include "host/host_net.h"

#include "lwip/dns.h"
#include "lwip/mem.h"
#include "lwip/memp.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/tcp.h"

static struct peer_device one;
static struct peer_server srv;

/* A device for the scripted server, with short steps on the ladder. */
static void prepare(const char *name)
{
    peer_prepare(&one, name, srv.port);
    one.options.backoff_cap_ms = 500;
}

static void connect_to_server(const char *name)
{
    prepare(name);
    peer_begin(&one);
    UNTIL_FAST(iot_device_connected(&one.dev));
}

/* The cause is gone: it comes back by itself, and a message makes its way. */
static void expect_recovery(void)
{
    UNTIL_FAST(iot_device_connected(&one.dev));
    iot_ticket t = peer_publish(&one, "well/again", "x", 1, 0);
    UNTIL_FAST(peer_ended(&one, t));
    assert_err(peer_result(&one, t), IOT_OK);
}

static void close_fast(void)
{
    assert_err(iot_device_close(&one.dev, 5000), IOT_OK);
    UNTIL_FAST(one.kinds[IOT_EV_CLOSED] == 1);
    peer_check_over(&one);
    peer_leave(&one);
}

/* ---- Names ------------------------------------------------------------------------------- */

static struct {
    enum host_dns_verdict verdict;
    uint32_t asked;
} names;

static enum host_dns_verdict on_question(void *ctx, const char *name, bool v6, uint8_t address[16])
{
    static const uint8_t v4_gateway[4] = {10, 0, 2, 2}, v6_gateway[16] = {0xfe, 0xc0, [15] = 2};
    (void)ctx;

    if (strcmp(name, "broker.test") != 0)
        return HOST_DNS_UNKNOWN;
    names.asked++;
    if (names.verdict != HOST_DNS_ADDRESS)
        return names.verdict;
    if (v6 && LWIP_IPV4) /* IPv4 is what is asked for first */
        return HOST_DNS_EMPTY;
    memcpy(address, v6 ? v6_gateway : v4_gateway, v6 ? 16 : 4);
    return HOST_DNS_ADDRESS;
}

static void prepare_named(const char *name, enum host_dns_verdict verdict)
{
    prepare(name);
    one.options.host = "broker.test";
    names.verdict = verdict;
    names.asked = 0;
    host_dns_answer(on_question, NULL);
    peer_pass_fast(3000); /* what lwIP remembers from the test before is out of date */
}

static void a_name_is_resolved(void **state)
{
    (void)state;
    peer_server_start(&srv);
    prepare_named("name", HOST_DNS_ADDRESS);
    peer_begin(&one);
    UNTIL_FAST(iot_device_connected(&one.dev));
    assert_true(names.asked >= 1);
    close_fast();
}

static void an_unknown_host_is_told_by_name_and_found_when_it_exists(void **state)
{
    static const enum host_dns_verdict verdicts[] = {HOST_DNS_UNKNOWN, HOST_DNS_EMPTY,
                                                     HOST_DNS_FAILURE};
    (void)state;

    peer_server_start(&srv);
    for (size_t i = 0; i < COUNT(verdicts); i++) {
        prepare_named("unknown", verdicts[i]);
        peer_begin(&one);
        peer_expect_lost(&one, 0, IOT_ERR_DNS_UNKNOWN, true);
        peer_expect_lost(&one, 1, IOT_ERR_DNS_UNKNOWN, true); /* and again, by the ladder */
        names.verdict = HOST_DNS_ADDRESS;
        expect_recovery();
        close_fast();
    }
}

static void a_host_that_is_no_name_is_unknown(void **state)
{
    static char far_too_long[300];
    (void)state;

    peer_server_start(&srv);
    memset(far_too_long, 'a', sizeof far_too_long - 1);
    prepare("no-name");
    one.options.host = far_too_long;
    peer_begin(&one);
    peer_expect_lost(&one, 0, IOT_ERR_DNS_UNKNOWN, true);
    close_fast();
}

/* ---- DNS that is silent ------------------------------------------------------------------ */

static struct {
    uint8_t frame[HOST_TURN_FRAMES * 24]; /* a full frame */
    uint32_t len;
} question;

static bool keep_question(void *ctx, enum host_way way, const uint8_t *frame, uint32_t len)
{
    uint8_t reply[1514];
    uint32_t reply_len;
    (void)ctx;

    enum host_dns_verdict verdict = names.verdict;
    names.verdict = HOST_DNS_SILENCE;
    if (way == HOST_OUT && len <= sizeof question.frame &&
        host_dns_frame(frame, len, reply, sizeof reply, &reply_len)) {
        memcpy(question.frame, frame, len);
        question.len = len;
    }
    names.verdict = verdict;
    return true;
}

static void answer_late(void)
{
    uint8_t reply[1514];
    uint32_t reply_len = 0;

    names.verdict = HOST_DNS_ADDRESS;
    assert_true(question.len != 0);
    assert_true(host_dns_frame(question.frame, question.len, reply, sizeof reply, &reply_len));
    assert_true(reply_len != 0);
    host_frame_deliver(reply, reply_len);
}

static void silence_of_the_dns_is_a_timeout_and_the_late_answer_finds_nobody(void **state)
{
    (void)state;
    peer_server_start(&srv);
    prepare_named("dns-silent", HOST_DNS_SILENCE);
    host_on_frame(keep_question, NULL);
    uint32_t start = peer_clock_ms();
    peer_begin(&one);
    peer_expect_lost(&one, 0, IOT_ERR_DNS_TIMEOUT, true);
    assert_in_range(peer_clock_ms() - start, IOT_DNS_MS, IOT_DNS_MS + 500);

    /* lwIP still holds the request: it is an orphan, and no second one is asked beside it. */
    assert_false(one.dev.tcp.base.ops->idle(&one.dev.tcp.base));
    uint32_t connecting = one.kinds[IOT_EV_CONNECTING];
    peer_pass_fast(600);
    assert_int_equal(one.kinds[IOT_EV_CONNECTING], connecting);
    answer_late();
    host_on_frame(NULL, NULL);
    expect_recovery();
    close_fast();
}

static void after_silence_of_the_dns_for_minutes_the_device_still_recovers(void **state)
{
    (void)state;
    peer_server_start(&srv);
    prepare_named("dns-minutes", HOST_DNS_SILENCE);
    peer_begin(&one);
    UNTIL_FAST(one.kinds[IOT_EV_LOST] >= 8);
    assert_err(peer_last(&one, IOT_EV_LOST)->err, IOT_ERR_DNS_TIMEOUT);
    names.verdict = HOST_DNS_ADDRESS;
    expect_recovery();
    close_fast();
}

static void a_close_waits_until_lwip_has_called_back(void **state)
{
    (void)state;
    peer_server_start(&srv);
    for (int answered = 0; answered < 2; answered++) {
        prepare_named("dns-close", HOST_DNS_SILENCE);
        host_on_frame(keep_question, NULL);
        peer_begin(&one);
        UNTIL(names.asked > 0);
        iot_ticket t = peer_publish(&one, "x", "x", 1, 0);
        assert_err(iot_device_close(&one.dev, 0), IOT_OK);
        peer_turn();
        peer_turn();
        assert_err(peer_result(&one, t), IOT_ERR_CLOSED); /* this much can be said at once */
        assert_int_equal(one.kinds[IOT_EV_CLOSED], 0);
        assert_err(iot_device_connect(&one.dev), IOT_ERR_STATE);
        assert_int_equal(iot_poll(&one.dev, peer_clock_ms()), IOT_MS_NEVER); /* woken by lwIP */
        if (answered) {
            answer_late();
            UNTIL(one.kinds[IOT_EV_CLOSED] == 1);
        } else {
            UNTIL_FAST(one.kinds[IOT_EV_CLOSED] == 1);
        }
        peer_check_over(&one);
        assert_int_equal(one.kinds[IOT_EV_LOST], 0);
        host_on_frame(NULL, NULL);

        /* And the same memory serves again. */
        names.verdict = HOST_DNS_ADDRESS;
        assert_err(iot_device_connect(&one.dev), IOT_OK);
        UNTIL_FAST(iot_device_connected(&one.dev));
        assert_err(iot_device_close(&one.dev, 1000), IOT_OK);
        UNTIL_FAST(one.kinds[IOT_EV_CLOSED] == 2);
        peer_leave(&one);
    }
}

static void nobody_found(const char *name, const ip_addr_t *address, void *arg)
{
    uint32_t *open_requests = arg;
    (void)name;
    (void)address;
    (*open_requests)--;
}

static void a_full_dns_table_and_a_missing_server_have_their_own_names(void **state)
{
    static const char *const others[] = {"a.other.test", "b.other.test", "c.other.test",
                                         "d.other.test", "e.other.test", "f.other.test",
                                         "g.other.test", "h.other.test"};
    uint32_t open_requests = 0;
    ip_addr_t address, server = *dns_getserver(0);
    (void)state;

    peer_server_start(&srv);
    prepare_named("dns-busy", HOST_DNS_ADDRESS);
    host_link(false); /* all are without an answer */
    for (size_t i = 0; i < COUNT(others) && i < DNS_TABLE_SIZE; i++)
        if (dns_gethostbyname(others[i], &address, nobody_found, &open_requests) == ERR_INPROGRESS)
            open_requests++;
    assert_int_equal(open_requests, DNS_TABLE_SIZE);
    peer_begin(&one);
    peer_expect_lost(&one, 0, IOT_ERR_DNS_BUSY, true);
    UNTIL_FAST(open_requests == 0);
    host_link(true);
    expect_recovery();
    close_fast();

    prepare_named("dns-none", HOST_DNS_ADDRESS);
    dns_setserver(0, NULL);
    peer_begin(&one);
    UNTIL_FAST(one.kinds[IOT_EV_LOST] >= 2);
    dns_setserver(0, &server);
    assert_err(peer_last(&one, IOT_EV_LOST)->err, IOT_ERR_DNS_SERVER);
    expect_recovery();
    close_fast();
}

/* ---- Nobody there ------------------------------------------------------------------------ */

static void a_refused_port_is_told_by_name_and_found_when_it_listens(void **state)
{
    (void)state;
    peer_server_start(&srv);
    peer_server_stop(&srv);
    prepare("refused");
    peer_begin(&one);
    peer_expect_lost(&one, 0, IOT_ERR_TCP_REFUSED, true);
    UNTIL_FAST(one.kinds[IOT_EV_LOST] == 4);
    assert_err(peer_last(&one, IOT_EV_LOST)->err, IOT_ERR_TCP_REFUSED);
    peer_server_resume(&srv);
    expect_recovery();
    close_fast();
}

static void a_cut_cable_is_a_timeout_of_tcp(void **state)
{
    (void)state;
    peer_server_start(&srv);
    prepare("no-cable");
    host_link(false);
    uint32_t start = peer_clock_ms();
    peer_begin(&one);
    peer_expect_lost(&one, 0, IOT_ERR_TCP_TIMEOUT, true);
    assert_in_range(peer_clock_ms() - start, IOT_TCP_CONNECT_MS, IOT_TCP_CONNECT_MS + 1000);
    host_link(true);
    expect_recovery();
    close_fast();
}

static void the_steps_between_attempts_grow_to_the_cap_and_begin_anew_after_a_good_link(
    void **state)
{
    uint32_t largest = 0;
    (void)state;

    peer_server_start(&srv);
    peer_server_stop(&srv);
    prepare("ladder");
    one.options.backoff_cap_ms = 0; /* the default: a minute */
    peer_begin(&one);
    for (uint32_t n = 0; n < 12; n++) {
        uint32_t high = n < 6 ? 1000u << n : 60000u;
        UNTIL(one.kinds[IOT_EV_LOST] == n + 1);
        uint32_t delay = peer_last(&one, IOT_EV_LOST)->delay_ms;
        assert_in_range(delay, 250, high);
        largest = delay > largest ? delay : largest;
        /* Before that moment nothing is tried. */
        peer_clock_skip(delay - 200);
        peer_turn();
        assert_int_equal(one.kinds[IOT_EV_CONNECTING], n + 1);
        peer_clock_skip(200);
    }
    assert_true(largest > 8000);

    peer_server_resume(&srv);
    UNTIL_FAST(iot_device_connected(&one.dev));
    peer_server_drop(&srv, false); /* too short a life to trust the link */
    UNTIL(one.kinds[IOT_EV_LOST] == 13);
    peer_clock_skip(60000);
    UNTIL_FAST(iot_device_connected(&one.dev));
    peer_pass_fast(40000);
    peer_server_drop(&srv, false);
    UNTIL(one.kinds[IOT_EV_LOST] == 14);
    assert_in_range(peer_last(&one, IOT_EV_LOST)->delay_ms, 250, 1000);
    expect_recovery();
    close_fast();
}

/* ---- Rude servers ------------------------------------------------------------------------ */

static void a_server_that_is_silent_after_accept_is_told_from_a_broker(void **state)
{
    (void)state;
    peer_server_start(&srv);
    srv.answers = 0;
    prepare("silent");
    one.options.connack_timeout_ms = 3000;
    peer_begin(&one);
    UNTIL(srv.got[1] == 1);
    uint32_t start = peer_clock_ms();
    peer_expect_lost(&one, 0, IOT_ERR_MQTT_CONNACK_TIMEOUT, true);
    assert_in_range(peer_clock_ms() - start, 2500, 3500);
    peer_server_behave(&srv);
    expect_recovery();
    close_fast();
}

static void a_server_may_leave_at_each_step_by_fin_or_reset(void **state)
{
    static const enum peer_step steps[] = {PEER_AT_ACCEPT,      PEER_AT_CONNECT, PEER_IN_CONNACK,
                                           PEER_AFTER_CONNACK,  PEER_AT_PUBLISH, PEER_AT_SUBSCRIBE,
                                           PEER_IN_OUR_PUBLISH, PEER_AT_PUBREL};
    static uint8_t large[200000];
    (void)state;

    peer_server_start(&srv);
    for (size_t i = 0; i < 2 * COUNT(steps); i++) {
        enum peer_step step = steps[i / 2];
        srv.rudely = i % 2 == 1;
        srv.leaves = step;
        prepare("leaves");
        one.options.session = IOT_SESSION_KEEP;
        peer_begin(&one);
        peer_subscribe(&one, "leaves/#", 1);
        peer_publish(&one, "leaves/one", "1", 1, 0);
        peer_publish(&one, "leaves/two", "2", 2, 0);
        if (step == PEER_IN_OUR_PUBLISH)
            peer_publish_bytes(&one, "leaves/large", (struct iot_bytes){large, sizeof large}, 0,
                               IOT_MSG_BY_REF);
        UNTIL(one.kinds[IOT_EV_LOST] == 1);
        iot_err err = peer_last(&one, IOT_EV_LOST)->err;
        /* What still arrives at a socket that is closed is answered by RST in any case. */
        if (srv.rudely)
            assert_err(err, IOT_ERR_TCP_RESET);
        else if (err != IOT_ERR_TCP_RESET)
            assert_err(err, IOT_ERR_TCP_EOF);
        peer_server_behave(&srv);
        srv.connack[2] = 0; /* a session is not promised */
        expect_recovery();
        UNTIL_FAST(peer_all_ended(&one));
        close_fast();
    }
}

static void the_end_of_the_stream_is_told_from_a_reset(void **state)
{
    (void)state;
    peer_server_start(&srv);
    connect_to_server("fin-rst");
    UNTIL_FAST(iot_device_idle(&one.dev));
    peer_server_drop(&srv, false);
    peer_expect_lost(&one, 0, IOT_ERR_TCP_EOF, true);
    expect_recovery();
    peer_server_drop(&srv, true);
    peer_expect_lost(&one, 1, IOT_ERR_TCP_RESET, true);
    assert_int_equal(peer_last(&one, IOT_EV_LOST)->detail, ERR_RST);
    expect_recovery();
    close_fast();
}

/* Both in one tick: it was no refusal. */
static void a_reset_right_behind_the_handshake_is_no_refusal(void **state)
{
    (void)state;
    peer_server_start(&srv);
    srv.leaves = PEER_AT_ACCEPT;
    srv.rudely = true;
    prepare("late-reset");
    peer_begin(&one);
    iot_poll(&one.dev, peer_clock_ms());
    one.asleep = true;
    UNTIL(one.dev.tcp.pcb == NULL); /* lwIP has said both */
    one.asleep = false;
    peer_expect_lost(&one, 0, IOT_ERR_TCP_RESET, false);
    peer_server_behave(&srv);
    expect_recovery();
    close_fast();
}

static void a_server_that_speaks_first_is_found_out_at_once(void **state)
{
    (void)state;
    peer_server_start(&srv);
    srv.answers = 0;
    prepare("banner");
    peer_begin(&one);
    iot_poll(&one.dev, peer_clock_ms());
    one.asleep = true;
    UNTIL(srv.accepted == 1);
    peer_server_send(&srv, BYTES("SSH-2.0-OpenSSH_9.2p1\r\n"));
    UNTIL(one.dev.tcp.rx != NULL);
    one.asleep = false;
    uint32_t start = peer_clock_ms();
    peer_expect_lost(&one, 0, IOT_ERR_MQTT_MALFORMED, true);
    assert_in_range(peer_clock_ms() - start, 0, 1500); /* not only when CONNACK is overdue */
    assert_int_equal(peer_last(&one, IOT_EV_LOST)->detail, 'S');
    peer_server_behave(&srv);
    expect_recovery();
    close_fast();
}

/* ---- Rubbish ----------------------------------------------------------------------------- */

struct rubbish {
    const char *hex;
    iot_err err;
    int32_t detail; /* -1: the first byte */
};

static const struct rubbish instead_of_connack[] = {
    {"00 00", IOT_ERR_MQTT_MALFORMED, -1},
    {"f0 00", IOT_ERR_MQTT_MALFORMED, -1},
    {"21 02 00 00", IOT_ERR_MQTT_MALFORMED, -1},
    {"20 03 00 00 00", IOT_ERR_MQTT_MALFORMED, -1},
    {"20 01 00", IOT_ERR_MQTT_MALFORMED, -1},
    {"20 02 02 00", IOT_ERR_MQTT_MALFORMED, -1},
    {"20 02 01 05", IOT_ERR_MQTT_MALFORMED, -1},    /* a refusal that has a session */
    {"20 82 00 00 00", IOT_ERR_MQTT_MALFORMED, -1}, /* a needless length byte */
    {"20 02 01 00", IOT_ERR_MQTT_SESSION, -1},
    {"20 02 00 01", IOT_ERR_MQTT_REFUSED, 1},
    {"20 02 00 02", IOT_ERR_MQTT_REFUSED, 2},
    {"20 02 00 03", IOT_ERR_MQTT_REFUSED, 3},
    {"20 02 00 04", IOT_ERR_MQTT_REFUSED, 4},
    {"20 02 00 05", IOT_ERR_MQTT_REFUSED, 5},
    {"20 02 00 06", IOT_ERR_MQTT_REFUSED, 6},
    {"20 02 00 ff", IOT_ERR_MQTT_REFUSED, 255},
    {"30 05 00 01 61 78 78", IOT_ERR_MQTT_PROTOCOL, -1},
    {"d0 00", IOT_ERR_MQTT_PROTOCOL, -1},
    {"90 03 00 01 00", IOT_ERR_MQTT_PROTOCOL, -1},
    {"30 ff ff 7f 00 01 61", IOT_ERR_MQTT_PROTOCOL, -1},
    {"48 54 54 50 2f 31 2e 31 20 34 30 30", IOT_ERR_MQTT_MALFORMED, -1}, /* HTTP/1.1 400 */
    {"15 03 03 00 02 02 46", IOT_ERR_MQTT_PROTOCOL, -1},                 /* a TLS alert */
};

static const struct rubbish after_connack[] = {
    {"00 00", IOT_ERR_MQTT_MALFORMED, -1},
    {"f0 00", IOT_ERR_MQTT_MALFORMED, -1},
    {"20 02 00 00", IOT_ERR_MQTT_PROTOCOL, -1}, /* a second CONNACK */
    {"10 00", IOT_ERR_MQTT_PROTOCOL, -1},       /* what only clients send */
    {"82 06 00 01 00 01 61 00", IOT_ERR_MQTT_PROTOCOL, -1},
    {"a2 05 00 01 00 01 61", IOT_ERR_MQTT_PROTOCOL, -1},
    {"c0 00", IOT_ERR_MQTT_PROTOCOL, -1},
    {"e0 00", IOT_ERR_MQTT_PROTOCOL, -1},
    {"36 05 00 01 61 00 01", IOT_ERR_MQTT_MALFORMED, -1}, /* QoS 3 */
    {"38 03 00 01 61", IOT_ERR_MQTT_MALFORMED, -1},       /* DUP with QoS 0 */
    {"30 02 00 00", IOT_ERR_MQTT_MALFORMED, -1},          /* no topic */
    {"30 00", IOT_ERR_MQTT_MALFORMED, -1},
    {"30 01 00", IOT_ERR_MQTT_MALFORMED, -1},
    {"30 04 00 09 61 62", IOT_ERR_MQTT_MALFORMED, -1},    /* a topic beyond the packet */
    {"30 03 00 01 2b", IOT_ERR_MQTT_MALFORMED, -1},       /* + */
    {"30 05 00 03 61 2f 23", IOT_ERR_MQTT_MALFORMED, -1}, /* a/# */
    {"30 04 00 02 61 00", IOT_ERR_MQTT_MALFORMED, -1},    /* NUL */
    {"30 04 00 02 c3 28", IOT_ERR_MQTT_MALFORMED, -1},    /* not UTF-8 */
    {"30 05 00 03 ed a0 80", IOT_ERR_MQTT_MALFORMED, -1}, /* a surrogate */
    {"32 05 00 01 61 00 00", IOT_ERR_MQTT_MALFORMED, -1}, /* id 0 */
    {"32 03 00 01 61", IOT_ERR_MQTT_MALFORMED, -1},       /* no id */
    {"30 ff ff ff ff 01 00", IOT_ERR_MQTT_MALFORMED, -1}, /* five length bytes */
    {"30 83 00 00 01 61", IOT_ERR_MQTT_MALFORMED, -1},
    {"41 02 00 01", IOT_ERR_MQTT_MALFORMED, -1},
    {"40 02 00 00", IOT_ERR_MQTT_MALFORMED, -1},
    {"40 03 00 01 00", IOT_ERR_MQTT_MALFORMED, -1},
    {"40 01 00", IOT_ERR_MQTT_MALFORMED, -1},
    {"50 02 00 00", IOT_ERR_MQTT_MALFORMED, -1},
    {"60 02 00 01", IOT_ERR_MQTT_MALFORMED, -1}, /* PUBREL's flags are 2 */
    {"62 02 00 00", IOT_ERR_MQTT_MALFORMED, -1},
    {"72 02 00 01", IOT_ERR_MQTT_MALFORMED, -1},
    {"90 03 00 01 03", IOT_ERR_MQTT_MALFORMED, -1}, /* granted 3 */
    {"90 02 00 01", IOT_ERR_MQTT_MALFORMED, -1},    /* granted nothing */
    {"90 03 00 00 00", IOT_ERR_MQTT_MALFORMED, -1},
    {"92 03 00 01 00", IOT_ERR_MQTT_MALFORMED, -1},
    {"b0 03 00 01 00", IOT_ERR_MQTT_MALFORMED, -1},
    {"d0 01 00", IOT_ERR_MQTT_MALFORMED, -1},
    {"d1 00", IOT_ERR_MQTT_MALFORMED, -1},
    {"90 ff ff 7f 00 01", IOT_ERR_MQTT_TOO_LARGE, -1}, /* a SUBACK of 2 MB */
};

static void check_rubbish(const struct rubbish *r)
{
    int32_t detail;

    iot_err err = iot_device_last_reason(&one.dev, &detail);
    if (err != r->err)
        print_message("%s:\n", r->hex);
    assert_err(err, r->err);
    assert_int_equal(detail, r->detail >= 0 ? r->detail : (int32_t)strtol(r->hex, NULL, 16));
}

static void rubbish_instead_of_connack_is_named_whole_or_dripped(void **state)
{
    (void)state;
    peer_server_start(&srv);
    prepare("rubbish-1");
    peer_begin(&one);
    for (uint32_t i = 0; i < 2 * COUNT(instead_of_connack); i++) {
        const struct rubbish *r = &instead_of_connack[i / 2];
        uint32_t greeted = srv.got[1];
        srv.answers = 0;
        srv.drip = i % 2 == 1;
        UNTIL_FAST(srv.got[1] > greeted);
        peer_server_send_hex(&srv, r->hex);
        UNTIL_FAST(one.kinds[IOT_EV_LOST] == i + 1);
        check_rubbish(r);
    }
    assert_int_equal(one.kinds[IOT_EV_CONNECTED], 0);
    peer_server_behave(&srv);
    expect_recovery();
    close_fast();
}

static void rubbish_on_a_good_link_is_named_whole_or_dripped(void **state)
{
    (void)state;
    peer_server_start(&srv);
    prepare("rubbish-2");
    peer_begin(&one);
    for (uint32_t i = 0; i < 2 * COUNT(after_connack); i++) {
        const struct rubbish *r = &after_connack[i / 2];
        UNTIL_FAST(iot_device_connected(&one.dev));
        srv.drip = i % 2 == 1;
        peer_server_send_hex(&srv, r->hex);
        UNTIL_FAST(one.kinds[IOT_EV_LOST] == i + 1);
        check_rubbish(r);
        srv.drip = false;
    }
    assert_int_equal(one.inbox_count, 0);
    expect_recovery();
    close_fast();
}

static void a_suback_with_two_codes_for_one_filter_is_out_of_place(void **state)
{
    (void)state;
    peer_server_start(&srv);
    srv.answers &= ~PEER_BIT(PEER_SUBSCRIBE);
    connect_to_server("two-codes");
    peer_subscribe(&one, "two/codes", 1);
    UNTIL_FAST(peer_server_count(&srv, PEER_SUBSCRIBE) == 1);
    uint16_t id = peer_server_last(&srv, PEER_SUBSCRIBE)->id;
    uint8_t bytes[] = {0x90, 4, (uint8_t)(id >> 8), (uint8_t)id, 0, 0};
    peer_server_send(&srv, (struct iot_bytes){bytes, sizeof bytes});
    peer_expect_lost(&one, 0, IOT_ERR_MQTT_PROTOCOL, true);
    peer_server_behave(&srv);
    UNTIL_FAST(one.kinds[IOT_EV_SUBACK] == 1);
    expect_recovery();
    close_fast();
}

static void acknowledgements_nobody_waits_for_are_harmless(void **state)
{
    (void)state;
    peer_server_start(&srv);
    connect_to_server("unknown-acks");
    /* PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, PINGRESP; ids that were never used. */
    peer_server_send_hex(&srv, "40023001 50023002 62023003 70023004 9003300501 b0023006 d000");
    UNTIL_FAST(peer_server_count(&srv, PEER_PUBREL) == 1 &&
               peer_server_count(&srv, PEER_PUBCOMP) == 1);
    assert_int_equal(peer_server_last(&srv, PEER_PUBREL)->id, 0x3002);
    assert_int_equal(peer_server_last(&srv, PEER_PUBCOMP)->id, 0x3003);
    expect_recovery();
    assert_int_equal(one.kinds[IOT_EV_LOST], 0);
    close_fast();
}

/* ---- Slow and stubborn servers ----------------------------------------------------------- */

static void everything_works_one_byte_at_a_time(void **state)
{
    (void)state;
    peer_server_start(&srv);
    srv.drip = true;
    connect_to_server("drip");
    peer_subscribe(&one, "drip/#", 1);
    UNTIL_FAST(one.kinds[IOT_EV_SUBACK] == 1);
    for (uint16_t i = 0; i < 6; i++)
        peer_server_publish(&srv, "drip/x", peer_payload(20u * i, i), (uint8_t)(i % 3),
                            (uint16_t)(i + 1), 0);
    peer_publish(&one, "drip/y", "y", 2, 0);
    UNTIL_FAST(one.inbox_count == 6 && peer_all_ended(&one));
    for (uint32_t i = 0; i < 6; i++)
        assert_true(peer_same(&one.inbox[i], peer_payload(20u * i, i)));
    UNTIL_FAST(peer_server_count(&srv, PEER_PUBACK) == 2 &&
               peer_server_count(&srv, PEER_PUBCOMP) == 2);
    assert_int_equal(one.kinds[IOT_EV_LOST], 0);
    close_fast();
}

static uint8_t huge[8 << 20]; /* more than the kernel holds for a socket */

static void a_server_that_reads_nothing_is_given_up_and_the_message_kept(void **state)
{
    (void)state;

    peer_server_start(&srv);
    connect_to_server("deaf");
    srv.deaf = true;
    iot_ticket t = peer_publish_bytes(&one, "deaf/huge", (struct iot_bytes){huge, sizeof huge}, 0,
                                      IOT_MSG_BY_REF);
    peer_expect_lost(&one, 0, IOT_ERR_TCP_STALLED, true);
    assert_false(peer_ended(&one, t)); /* nobody can have understood it: it waits to go again */
    peer_server_behave(&srv);
    peer_server_drop(&srv, true);
    UNTIL_FAST(peer_ended(&one, t));
    assert_err(peer_result(&one, t), IOT_OK);
    expect_recovery();
    close_fast();
}

static void a_close_towards_a_server_that_reads_nothing_has_an_end(void **state)
{
    (void)state;

    peer_server_start(&srv);
    connect_to_server("deaf-close");
    srv.deaf = true;
    iot_ticket t = peer_publish_bytes(&one, "deaf/huge", (struct iot_bytes){huge, sizeof huge}, 1,
                                      IOT_MSG_BY_REF);
    peer_pass_fast(3000);
    uint32_t start = peer_clock_ms();
    assert_err(iot_device_close(&one.dev, 1000), IOT_OK);
    UNTIL_FAST(one.kinds[IOT_EV_CLOSED] == 1);
    assert_in_range(peer_clock_ms() - start, 0, 1000 + 2000 + 500);
    peer_check_over(&one);
    assert_true(peer_ended(&one, t));
}

static void a_ping_without_answer_ends_the_link(void **state)
{
    (void)state;
    peer_server_start(&srv);
    prepare("no-pong");
    one.options.keepalive_s = 10;
    one.options.ping_timeout_ms = 4000;
    peer_begin(&one);
    UNTIL_FAST(iot_device_connected(&one.dev));
    peer_pass_fast(60000); /* answered ones keep it */
    assert_in_range(peer_server_count(&srv, PEER_PINGREQ), 6, 9);
    assert_int_equal(one.kinds[IOT_EV_LOST], 0);
    srv.answers &= ~PEER_BIT(PEER_PINGREQ);
    peer_expect_lost(&one, 0, IOT_ERR_MQTT_PING_TIMEOUT, true);
    peer_server_behave(&srv);
    expect_recovery();
    close_fast();
}

/* What comes in says nothing about what the broker hears of us (MQTT-3.1.2-23). */
static void pings_are_sent_also_under_incoming_traffic(void **state)
{
    (void)state;
    peer_server_start(&srv);
    prepare("busy-in");
    one.options.keepalive_s = 4;
    peer_begin(&one);
    UNTIL_FAST(iot_device_connected(&one.dev));
    uint32_t start = peer_clock_ms();
    while (peer_clock_ms() - start < 20000) {
        peer_server_publish(&srv, "busy", BYTES("x"), 0, 0, 0);
        peer_turn_fast();
    }
    assert_in_range(peer_server_count(&srv, PEER_PINGREQ), 5, 9);
    close_fast();
}

static void after_a_long_sleep_the_link_is_probed_not_trusted(void **state)
{
    (void)state;
    peer_server_start(&srv);
    prepare("sleeper");
    one.options.keepalive_s = 0; /* no pings otherwise */
    peer_begin(&one);
    UNTIL_FAST(iot_device_connected(&one.dev));
    peer_pass_fast(5000);
    assert_int_equal(peer_server_count(&srv, PEER_PINGREQ), 0);
    peer_clock_skip(IOT_STALE_MS + 1000);
    UNTIL(peer_server_count(&srv, PEER_PINGREQ) == 1);
    peer_pass_fast(15000);
    assert_int_equal(one.kinds[IOT_EV_LOST], 0);

    srv.answers &= ~PEER_BIT(PEER_PINGREQ);
    peer_clock_skip(IOT_STALE_MS + 1000);
    peer_expect_lost(&one, 0, IOT_ERR_MQTT_PING_TIMEOUT, true);
    peer_server_behave(&srv);
    expect_recovery();
    close_fast();
}

static void a_broker_that_acknowledges_nothing_is_left_though_it_answers_pings(void **state)
{
    (void)state;
    for (uint8_t qos = 1; qos <= 3; qos++) { /* 3: a subscription */
        peer_server_start(&srv);
        srv.answers = PEER_BIT(PEER_CONNECT) | PEER_BIT(PEER_PINGREQ);
        prepare("no-acks");
        one.options.session = IOT_SESSION_KEEP;
        one.options.keepalive_s = 5;
        one.options.ack_timeout_ms = 12000;
        peer_begin(&one);
        UNTIL_FAST(iot_device_connected(&one.dev));
        if (qos <= 2)
            peer_publish(&one, "no/acks", "x", qos, 0);
        else
            peer_subscribe(&one, "no/acks", 1);
        peer_expect_lost(&one, 0, IOT_ERR_MQTT_ACK_TIMEOUT, true);
        /* Nothing was sent twice while the link lived. */
        assert_true(peer_server_count(&srv, PEER_PINGREQ) >= 1);
        assert_int_equal(peer_server_count(&srv, qos <= 2 ? PEER_PUBLISH : PEER_SUBSCRIBE), 1);
        peer_server_behave(&srv);
        expect_recovery();
        UNTIL_FAST(peer_all_ended(&one) && iot_device_idle(&one.dev));
        close_fast();
        peer_server_stop_all();
    }
}

static void what_is_sent_again_has_dup_and_its_id_if_the_session_lives_and_is_new_if_not(
    void **state)
{
    (void)state;
    for (int present = 0; present < 2; present++) {
        peer_server_start(&srv);
        srv.answers = PEER_BIT(PEER_CONNECT) | PEER_BIT(PEER_PINGREQ);
        prepare("again");
        one.options.session = IOT_SESSION_KEEP;
        one.options.first_id = 77;
        peer_begin(&one);
        UNTIL_FAST(iot_device_connected(&one.dev));
        peer_publish(&one, "again/1", "first", 1, 0);
        peer_publish(&one, "again/2", "second", 2, 0);
        UNTIL_FAST(peer_server_count(&srv, PEER_PUBLISH) == 2);
        peer_server_drop(&srv, true);
        peer_expect_lost(&one, 0, IOT_ERR_TCP_RESET, true);
        peer_publish(&one, "again/3", "third", 1, 0);
        srv.connack[2] = (uint8_t)present;
        UNTIL_FAST(peer_server_count(&srv, PEER_PUBLISH) == 3);
        const struct peer_packet *p = &srv.packets[1];
        uint8_t dup = present ? 8 : 0;
        assert_int_equal(p[0].first, 0x32 | dup);
        assert_int_equal(p[1].first, 0x34 | dup);
        assert_int_equal(p[2].first, 0x32);
        assert_int_equal(p[0].id, 77);
        assert_int_equal(p[1].id, 78);
        assert_int_equal(p[2].id, 79);
        assert_int_equal(iot_device_counters(&one.dev)->resent_messages, 2);

        srv.answers = PEER_ALL;
        peer_server_send_hex(&srv, "4002004d 5002004e 4002004f");
        UNTIL_FAST(peer_all_ended(&one));
        assert_int_equal(one.kinds[IOT_EV_DONE], 3);
        close_fast();
        peer_server_stop_all();
    }
}

static void after_pubrel_only_pubrel_is_sent_again(void **state)
{
    (void)state;
    peer_server_start(&srv);
    srv.answers &= ~PEER_BIT(PEER_PUBREL);
    prepare("rel-again");
    one.options.session = IOT_SESSION_KEEP;
    peer_begin(&one);
    UNTIL_FAST(iot_device_connected(&one.dev));
    peer_publish(&one, "rel/1", "1", 2, 0);
    peer_publish(&one, "rel/2", "2", 2, 0);
    UNTIL_FAST(peer_server_count(&srv, PEER_PUBREL) == 2);
    uint16_t first = srv.packets[1].id;
    peer_server_drop(&srv, false);
    srv.connack[2] = 1;
    UNTIL_FAST(one.kinds[IOT_EV_CONNECTED] == 2);
    UNTIL_FAST(peer_server_count(&srv, PEER_PUBREL) == 2);
    assert_int_equal(peer_server_count(&srv, PEER_PUBLISH), 0);
    assert_int_equal(srv.packets[1].first, 0x62);
    assert_int_equal(srv.packets[1].id, first);
    uint8_t comp[] = {0x70, 2, (uint8_t)(first >> 8), (uint8_t)first};
    peer_server_send(&srv, (struct iot_bytes){comp, 4});
    UNTIL_FAST(one.kinds[IOT_EV_DONE] == 1);

    /* The broker forgets: what became of the other one nobody can know. */
    peer_server_drop(&srv, false);
    peer_server_behave(&srv);
    UNTIL_FAST(peer_all_ended(&one));
    assert_err(peer_last(&one, IOT_EV_FAILED)->err, IOT_ERR_UNKNOWN);
    expect_recovery();
    close_fast();
}

/* ---- Floods ------------------------------------------------------------------------------ */

static void a_flood_of_small_segments_is_held_back_by_the_window_and_nothing_is_lost(void **state)
{
    const uint32_t all = 300;
    (void)state;

    peer_server_start(&srv);
    connect_to_server("flood");
    peer_subscribe(&one, "f", 0);
    UNTIL_FAST(one.kinds[IOT_EV_SUBACK] == 1);
    one.asleep = true;
    for (uint32_t i = 0; i < all; i++) { /* a segment each: the world moves between them */
        char text[8];
        snprintf(text, sizeof text, "%u", (unsigned)i);
        peer_server_publish(&srv, "f", text_bytes(text), 0, 0, 0);
        host_turn(1);
    }
    assert_non_null(one.dev.tcp.pcb->refused_data);
    assert_in_range(one.dev.tcp.rx_pbufs_high, 2, IOT_RX_PBUFS_MAX);
    one.asleep = false;
    UNTIL(one.inbox_count == all);
    for (uint32_t i = 0; i < all; i++)
        assert_int_equal(strtoul(one.inbox[i].text, NULL, 10), i);
    assert_true(one.dev.tcp.rx_pbufs_high <= IOT_RX_PBUFS_MAX);
    assert_int_equal(one.kinds[IOT_EV_LOST], 0);
    close_fast();
}

static void a_burst_of_large_segments_is_held_back_and_nothing_is_lost(void **state)
{
    const uint32_t all = 60;
    (void)state;

    peer_server_start(&srv);
    connect_to_server("flood-large");
    peer_subscribe(&one, "f", 1);
    UNTIL_FAST(one.kinds[IOT_EV_SUBACK] == 1);
    one.asleep = true;
    for (uint32_t i = 0; i < all; i++)
        peer_server_publish(&srv, "f", peer_payload(1000, i), 1, (uint16_t)(i + 1), 0);
    for (int i = 0; i < 30; i++)
        host_turn(1);
    one.asleep = false;
    UNTIL(one.inbox_count == all && peer_server_count(&srv, PEER_PUBACK) == all);
    for (uint32_t i = 0; i < all; i++)
        assert_true(peer_same(&one.inbox[i], peer_payload(1000, i)));
    /* In the order in which they came (MQTT-4.6.0-2). */
    for (uint32_t i = 0, n = 0; i < srv.packet_count; i++)
        if (srv.packets[i].first == PEER_PUBACK)
            assert_int_equal(srv.packets[i].id, ++n);
    close_fast();
}

static void a_packet_larger_than_the_window_is_skipped_reported_and_acknowledged(void **state)
{
    (void)state;
    peer_server_start(&srv);
    connect_to_server("large");
    peer_subscribe(&one, "large", 2);
    UNTIL_FAST(one.kinds[IOT_EV_SUBACK] == 1);
    for (uint8_t qos = 0; qos <= 2; qos++) {
        peer_server_publish(&srv, "large", peer_payload(5000, qos), qos, qos, 0);
        peer_server_publish(&srv, "large", peer_payload(500, qos), qos, (uint16_t)(10 + qos), 0);
        UNTIL_FAST(one.inbox_count == qos + 1u && one.kinds[IOT_EV_SKIPPED] == qos + 1u);
        assert_true(peer_same(&one.inbox[qos], peer_payload(500, qos)));
        assert_err(peer_last(&one, IOT_EV_SKIPPED)->err, IOT_ERR_MQTT_TOO_LARGE);
        assert_int_equal(peer_last(&one, IOT_EV_SKIPPED)->detail, 5000 + 10 + (qos ? 2 : 0));
    }
    UNTIL_FAST(peer_server_count(&srv, PEER_PUBACK) == 2 &&
               peer_server_count(&srv, PEER_PUBCOMP) == 2);
    /* A topic that fills the window cannot even be told. */
    uint8_t head[] = {0x30, 0x82, 0xa0, 0x01, 0x50, 0x00};
    peer_server_send(&srv, (struct iot_bytes){head, sizeof head});
    uint8_t topic[2000];
    memset(topic, 't', sizeof topic);
    peer_server_send(&srv, (struct iot_bytes){topic, sizeof topic});
    peer_expect_lost(&one, 0, IOT_ERR_MQTT_TOO_LARGE, true);
    expect_recovery();
    close_fast();
}

static void a_link_that_breaks_within_a_skipped_packet_leaves_no_trace(void **state)
{
    (void)state;
    peer_server_start(&srv);
    connect_to_server("half-large");
    uint8_t head[] = {0x32, 0x88, 0x27, 0x00, 0x01, 'x', 0x00, 0x07};
    peer_server_send(&srv, (struct iot_bytes){head, sizeof head});
    peer_server_send(&srv, peer_payload(1500, 1));
    UNTIL_FAST(one.kinds[IOT_EV_SKIPPED] == 1);
    peer_server_drop(&srv, false);
    peer_expect_lost(&one, 0, IOT_ERR_TCP_EOF, true);
    expect_recovery();
    assert_int_equal(peer_server_count(&srv, PEER_PUBACK), 0);
    close_fast();
}

static void more_acknowledgements_than_fit_and_then_the_end_is_still_an_end(void **state)
{
    (void)state;
    peer_server_start(&srv);
    prepare("acks-end");
    one.options.session = IOT_SESSION_KEEP;
    peer_begin(&one);
    UNTIL_FAST(iot_device_connected(&one.dev));
    one.asleep = true; /* all of it is there at once: bytes, then FIN */
    for (uint16_t i = 1; i <= 4 * IOT_MQTT_ACKS_MAX; i++)
        peer_server_publish(&srv, "a", BYTES("x"), 1, i, 0);
    for (int i = 0; i < 10; i++)
        host_turn(1);
    peer_server_drop(&srv, false);
    for (int i = 0; i < 10; i++)
        host_turn(1);
    one.asleep = false;
    UNTIL_FAST(one.kinds[IOT_EV_LOST] == 1);
    /* What was taken and not acknowledged comes again; what was not taken, too. */
    assert_true(one.kinds[IOT_EV_MESSAGE] >= IOT_MQTT_ACKS_MAX);
    expect_recovery();
    close_fast();
}

static void one_qos_2_too_many_ends_the_link_by_name(void **state)
{
    (void)state;
    peer_server_start(&srv);
    srv.answers &= ~PEER_BIT(PEER_PUBREC);
    connect_to_server("qos2-many");
    for (uint16_t i = 1; i <= IOT_MQTT_QOS2_IN_MAX; i++)
        peer_server_publish(&srv, "q", BYTES("x"), 2, i, 0);
    peer_server_publish(&srv, "q", BYTES("x"), 2, 1, 8); /* known: answered, not delivered again */
    UNTIL_FAST(peer_server_count(&srv, PEER_PUBREC) == IOT_MQTT_QOS2_IN_MAX + 1);
    assert_int_equal(one.inbox_count, IOT_MQTT_QOS2_IN_MAX);
    assert_int_equal(peer_pool(&one, "qos2-in").used, IOT_MQTT_QOS2_IN_MAX);
    peer_server_publish(&srv, "q", BYTES("x"), 2, IOT_MQTT_QOS2_IN_MAX + 1, 0);
    peer_expect_lost(&one, 0, IOT_ERR_MQTT_QOS2_FULL, true);
    assert_int_equal(one.inbox_count, IOT_MQTT_QOS2_IN_MAX);
    peer_server_behave(&srv);
    expect_recovery();
    close_fast();
}

/* ---- Declining --------------------------------------------------------------------------- */

static iot_err decline_all(struct peer_device *p, const struct iot_msg *msg)
{
    (void)p;
    (void)msg;
    return IOT_ERR_AGAIN;
}

static void begin_declining(const char *name)
{
    peer_server_start(&srv);
    prepare(name);
    one.options.keepalive_s = 4;
    one.options.ping_timeout_ms = 2000;
    one.verdict = decline_all;
    peer_begin(&one);
    UNTIL_FAST(iot_device_connected(&one.dev));
    peer_subscribe(&one, "no/+", 2);
    UNTIL_FAST(one.kinds[IOT_EV_SUBACK] == 1);
}

static void while_the_application_declines_no_verdict_is_given_and_then_all_comes(void **state)
{
    (void)state;
    begin_declining("not-now");
    for (uint16_t i = 0; i < 6; i++)
        peer_server_publish(&srv, "no/x", peer_payload(i + 1u, i), (uint8_t)(i % 3),
                            (uint16_t)(i + 1), 0);
    peer_publish(&one, "ours", "goes out all the same", 1, 0);
    peer_pass_fast(IOT_DECLINE_MAX_MS - 2000); /* PINGRESP and PUBACK are behind the declined one */
    assert_int_equal(one.kinds[IOT_EV_LOST], 0);
    assert_int_equal(one.inbox_count, 0);
    assert_int_equal(peer_server_count(&srv, PEER_PUBLISH), 1);
    one.verdict = NULL;
    UNTIL_FAST(one.inbox_count == 6 && peer_all_ended(&one));
    for (uint32_t i = 0; i < 6; i++)
        assert_true(peer_same(&one.inbox[i], peer_payload(i + 1, i)));
    peer_pass_fast(10000);
    assert_int_equal(one.kinds[IOT_EV_LOST] + one.kinds[IOT_EV_SKIPPED], 0);
    close_fast();
}

static void what_is_declined_for_too_long_is_dropped_with_qos_0_and_ends_the_link_otherwise(
    void **state)
{
    (void)state;
    begin_declining("never");
    peer_server_publish(&srv, "no/zero", BYTES("x"), 0, 0, 0);
    peer_server_publish(&srv, "yes", BYTES("x"), 0, 0, 0);
    uint32_t start = peer_clock_ms();
    UNTIL_FAST(one.kinds[IOT_EV_SKIPPED] == 1);
    assert_in_range(peer_clock_ms() - start, IOT_DECLINE_MAX_MS, IOT_DECLINE_MAX_MS + 1000);
    assert_err(peer_last(&one, IOT_EV_SKIPPED)->err, IOT_ERR_MQTT_DECLINED);
    UNTIL_FAST(peer_count_of(&one, "yes") == 1);
    assert_int_equal(one.kinds[IOT_EV_LOST], 0);

    for (uint8_t qos = 1; qos <= 2; qos++) {
        UNTIL_FAST(iot_device_connected(&one.dev) && iot_device_idle(&one.dev));
        peer_server_publish(&srv, "no/more", BYTES("x"), qos, 5, 0);
        peer_expect_lost(&one, qos - 1u, IOT_ERR_MQTT_DECLINED, true);
        assert_int_equal(srv.got[PEER_PUBACK >> 4] + srv.got[PEER_PUBREC >> 4], 0);
    }
    one.verdict = NULL;
    expect_recovery();
    close_fast();
}

static iot_err echo(struct peer_device *p, const struct iot_msg *msg)
{
    struct iot_msg back = {.topic = peer_topic("echo"), .payload = msg->payload, .qos = 1};

    return peer_try_publish(p, &back, NULL) == IOT_ERR_FULL ? IOT_ERR_AGAIN : IOT_OK;
}

static void an_echo_application_whose_ring_is_full_waits_and_goes_on(void **state)
{
    const uint32_t all = 2 * IOT_MQTT_OUT_MAX;
    (void)state;

    begin_declining("echo-full");
    one.verdict = echo;
    srv.answers &= ~PEER_BIT(PEER_PUBLISH);
    for (uint16_t i = 0; i < IOT_MQTT_OUT_MAX; i++)
        peer_server_publish(&srv, "no/x", peer_payload(40, i), 1, (uint16_t)(i + 1), 0);
    UNTIL_FAST(peer_server_count(&srv, PEER_PUBLISH) == IOT_MQTT_OUT_MAX);
    assert_int_equal(peer_pool(&one, "messages").used, IOT_MQTT_OUT_MAX);

    /* The ring is full, and every further message comes behind an acknowledgement that frees a
     * place: nothing is declined for long. */
    srv.answers |= PEER_BIT(PEER_PUBLISH);
    for (uint32_t i = 0; i < IOT_MQTT_OUT_MAX; i++) {
        uint16_t id = srv.packets[srv.packet_count - IOT_MQTT_OUT_MAX].id;
        for (uint32_t n = 0, at = 0; n < srv.packet_count; n++)
            if ((srv.packets[n].first & 0xf0) == PEER_PUBLISH && at++ == i)
                id = srv.packets[n].id;
        uint8_t ack[] = {PEER_PUBACK, 2, (uint8_t)(id >> 8), (uint8_t)id};
        peer_server_send(&srv, (struct iot_bytes){ack, 4});
        peer_server_publish(&srv, "no/x", peer_payload(40, i), 1, (uint16_t)(i + 50), 0);
        UNTIL_FAST(one.inbox_count == IOT_MQTT_OUT_MAX + i + 1);
    }
    UNTIL_FAST(one.inbox_count == all && peer_all_ended(&one));
    assert_int_equal(one.kinds[IOT_EV_LOST], 0);
    close_fast();
}

static void an_echo_application_that_waits_for_what_is_behind_loses_the_link_by_name(void **state)
{
    (void)state;
    begin_declining("echo-stuck");
    one.verdict = echo;
    srv.answers &= ~PEER_BIT(PEER_PUBLISH);
    for (uint16_t i = 0; i <= IOT_MQTT_OUT_MAX; i++)
        peer_server_publish(&srv, "no/x", peer_payload(40, i), 1, (uint16_t)(i + 1), 0);
    peer_expect_lost(&one, 0, IOT_ERR_MQTT_DECLINED, true);
    assert_int_equal(one.inbox_count, IOT_MQTT_OUT_MAX);
    assert_int_equal(one.kinds[IOT_EV_FAILED], IOT_MQTT_OUT_MAX); /* a clean session */
    peer_server_behave(&srv);
    expect_recovery();
    close_fast();
}

/* ---- The network ------------------------------------------------------------------------- */

static void a_hint_of_a_network_down_ends_the_link_and_up_tries_at_once(void **state)
{
    (void)state;
    peer_server_start(&srv);
    prepare("hints");
    one.options.backoff_cap_ms = 0;
    peer_begin(&one);
    UNTIL_FAST(iot_device_connected(&one.dev));
    iot_network(&one.dev, IOT_NETWORK_DOWN);
    peer_expect_lost(&one, 0, IOT_ERR_NET_DOWN, false);
    peer_pass_fast(5000);
    assert_int_equal(one.kinds[IOT_EV_CONNECTING], 1); /* nobody tries a network that is down */
    uint32_t start = peer_clock_ms();
    iot_network(&one.dev, IOT_NETWORK_UP);
    UNTIL_FAST(one.kinds[IOT_EV_CONNECTING] == 2);
    assert_in_range(peer_clock_ms() - start, 0, 500);
    UNTIL_FAST(iot_device_connected(&one.dev));

    iot_network(&one.dev, IOT_NETWORK_UP); /* no news: the link stays */
    peer_pass_fast(1000);
    assert_int_equal(one.kinds[IOT_EV_LOST], 1);

    iot_network(&one.dev, IOT_NETWORK_CHANGED);
    iot_network(&one.dev, IOT_NETWORK_UP); /* does not take the change back */
    start = peer_clock_ms();
    peer_expect_lost(&one, 1, IOT_ERR_NET_CHANGED, false);
    assert_in_range(peer_last(&one, IOT_EV_LOST)->delay_ms, 0, 250);
    UNTIL_FAST(one.kinds[IOT_EV_CONNECTING] == 3);
    assert_in_range(peer_clock_ms() - start, 0, 500);
    UNTIL_FAST(iot_device_connected(&one.dev));

    iot_network(&one.dev, IOT_NETWORK_DOWN);
    iot_network(&one.dev, IOT_NETWORK_UP); /* within one tick: a change */
    peer_expect_lost(&one, 2, IOT_ERR_NET_CHANGED, false);
    expect_recovery();
    close_fast();
}

static void an_interface_that_was_down_for_a_while_costs_no_message(void **state)
{
    (void)state;
    peer_server_start(&srv);
    connect_to_server("netif");
    netif_set_down(host_netif());
    iot_ticket t = peer_publish(&one, "netif/x", "x", 1, 0);
    peer_pass_fast(4000);
    assert_false(peer_ended(&one, t));
    netif_set_up(host_netif());
    UNTIL_FAST(peer_ended(&one, t));
    assert_err(peer_result(&one, t), IOT_OK);
    assert_int_equal(one.kinds[IOT_EV_LOST], 0);
    close_fast();
}

static void without_a_route_the_attempt_says_so_and_goes_on(void **state)
{
    (void)state;
    peer_server_start(&srv);
    for (int bound = 0; bound < 2; bound++) {
        prepare("route");
        one.options.netif = bound ? host_netif() : NULL;
        netif_set_down(host_netif());
        peer_begin(&one);
        for (int i = 0; i < 400; i++)
            peer_turn_fast();
        netif_set_up(host_netif());
        assert_true(one.kinds[IOT_EV_LOST] >= 1);
        assert_err(peer_last(&one, IOT_EV_LOST)->err,
                   bound ? IOT_ERR_TCP_TIMEOUT : IOT_ERR_TCP_ROUTE);
        expect_recovery();
        close_fast();
    }
}

#if LWIP_IPV4
static void a_new_address_ends_the_link_by_name(void **state)
{
    ip4_addr_t old = *netif_ip4_addr(host_netif()), other;
    (void)state;

    peer_server_start(&srv);
    connect_to_server("address");
    IP4_ADDR(&other, 10, 0, 2, 16);
    netif_set_ipaddr(host_netif(), &other);
    UNTIL_FAST(one.kinds[IOT_EV_LOST] == 1);
    netif_set_ipaddr(host_netif(), &old);
    assert_err(peer_last(&one, IOT_EV_LOST)->err, IOT_ERR_TCP_ABORTED);
    assert_int_equal(peer_last(&one, IOT_EV_LOST)->detail, ERR_ABRT);
    UNTIL_FAST(iot_device_connected(&one.dev));
    expect_recovery();
    close_fast();
}
#endif

static void a_link_whose_cable_is_cut_is_found_dead_and_comes_back(void **state)
{
    (void)state;
    peer_server_start(&srv);
    prepare("cut");
    one.options.session = IOT_SESSION_KEEP;
    one.options.keepalive_s = 10;
    peer_begin(&one);
    UNTIL_FAST(iot_device_connected(&one.dev));
    host_link(false);
    iot_ticket t = peer_publish(&one, "cut/x", "x", 1, 0);
    UNTIL_FAST(one.kinds[IOT_EV_LOST] >= 1);
    iot_err err = peer_last(&one, IOT_EV_LOST)->err;
    assert_true(err == IOT_ERR_MQTT_PING_TIMEOUT || err == IOT_ERR_MQTT_ACK_TIMEOUT);
    host_link(true);
    UNTIL_FAST(peer_ended(&one, t));
    assert_err(peer_result(&one, t), IOT_OK);
    close_fast();
}

/* ---- Closing in every phase -------------------------------------------------------------- */

static void a_close_while_waiting_or_connecting_is_quick_if_nothing_is_queued(void **state)
{
    (void)state;
    for (int phase = 0; phase < 4; phase++) {
        for (int queued = 0; queued < 2; queued++) {
            peer_server_start(&srv);
            prepare("close-early");
            one.options.backoff_cap_ms = 0;
            if (phase == 1) /* waiting for the next attempt */
                peer_server_stop(&srv);
            if (phase == 2) /* connecting */
                host_link(false);
            if (phase == 3) /* waiting for CONNACK */
                srv.answers = 0;
            peer_begin(&one);
            if (phase == 1)
                UNTIL_FAST(one.kinds[IOT_EV_LOST] == 1);
            if (phase == 2)
                UNTIL_FAST(one.kinds[IOT_EV_CONNECTING] == 1);
            if (phase == 3)
                UNTIL_FAST(srv.got[1] == 1);
            iot_ticket t = queued ? peer_publish(&one, "x", "x", 1, 0) : 0;
            uint32_t start = peer_clock_ms();
            assert_err(iot_device_close(&one.dev, 2000), IOT_OK);
            UNTIL_FAST(one.kinds[IOT_EV_CLOSED] == 1);
            uint32_t span = peer_clock_ms() - start;
            if (!queued)
                assert_in_range(span, 0, 300);
            else if (phase == 0) /* there is time enough to connect and to send it */
                assert_err(peer_result(&one, t), IOT_OK);
            else
                assert_in_range(span, 1900, 4500);
            if (queued && phase != 0)
                assert_err(peer_result(&one, t), IOT_ERR_CLOSED);
            peer_check_over(&one);
            peer_leave(&one);
            host_link(true);
            peer_server_stop_all();
        }
    }
}

static void a_broken_link_ends_a_close_that_drains(void **state)
{
    (void)state;
    peer_server_start(&srv);
    srv.answers &= ~PEER_BIT(PEER_PUBLISH);
    prepare("close-broken");
    one.options.no_reconnect = true;
    peer_begin(&one);
    UNTIL_FAST(iot_device_connected(&one.dev));
    iot_ticket t = peer_publish(&one, "x", "x", 1, 0);
    UNTIL_FAST(peer_server_count(&srv, PEER_PUBLISH) == 1);
    assert_err(iot_device_close(&one.dev, 60000), IOT_OK);
    peer_turn();
    peer_server_drop(&srv, true);
    uint32_t start = peer_clock_ms();
    UNTIL_FAST(one.kinds[IOT_EV_CLOSED] == 1);
    assert_in_range(peer_clock_ms() - start, 0, 2000);
    assert_err(peer_result(&one, t), IOT_ERR_UNKNOWN);
    peer_check_over(&one);
}

static void the_last_packet_of_a_wanted_close_is_disconnect(void **state)
{
    (void)state;
    peer_server_start(&srv);
    connect_to_server("last-word");
    peer_watch_resets();
    peer_server_publish(&srv, "q", BYTES("x"), 1, 9, 0); /* an acknowledgement may be owed */
    peer_publish(&one, "x", "x", 2, 0);
    assert_err(iot_device_close(&one.dev, 3000), IOT_OK);
    UNTIL_FAST(one.kinds[IOT_EV_CLOSED] == 1 && srv.ended);
    assert_false(srv.by_reset);
    assert_int_equal(peer_resets_sent(), 0);
    assert_int_equal(srv.parsed, srv.in_len);
    assert_int_equal(srv.packets[srv.packet_count - 1].first, PEER_DISCONNECT);
    assert_int_equal(peer_server_count(&srv, PEER_DISCONNECT), 1);
    peer_check_over(&one);
}

static uint32_t with_payload;

/* Frames of the device's connection that carry bytes. */
static bool note_payload(void *ctx, enum host_way way, const uint8_t *frame, uint32_t len)
{
    uint32_t tcp = frame[12] == 0x08 ? 14u + (frame[14] & 15u) * 4u : 14u + 40u;
    (void)ctx;

    if (way == HOST_OUT && len > tcp + 13 &&
        ((uint32_t)frame[tcp] << 8 | frame[tcp + 1]) == one.user) {
        uint32_t total = frame[12] == 0x08 ? 14u + ((uint32_t)frame[16] << 8 | frame[17])
                                           : 14u + 40u + ((uint32_t)frame[18] << 8 | frame[19]);
        with_payload += total > tcp + (frame[tcp + 12] >> 4) * 4u;
    }
    return true;
}

static void after_the_close_lwip_has_nothing_of_the_applications_memory(void **state)
{
    (void)state;
    peer_server_start(&srv);
    connect_to_server("no-more");
    peer_pass_fast(1000);
    one.user = peer_local_port(&one);
    host_link(false);
    iot_ticket t = peer_publish_bytes(&one, "ref", peer_payload(1000, 1), 0, IOT_MSG_BY_REF);
    peer_turn();
    assert_err(iot_device_close(&one.dev, 0), IOT_OK);
    UNTIL_FAST(one.kinds[IOT_EV_CLOSED] == 1);
    assert_true(peer_ended(&one, t));
    peer_check_over(&one);
    with_payload = 0;
    host_on_frame(note_payload, NULL);
    host_link(true);
    peer_pass_fast(30000); /* more than a retransmission would wait */
    assert_int_equal(with_payload, 0);
}

/* Bytes that nobody has read would turn our FIN into RST, at each moment of the close. */
static void a_close_under_incoming_traffic_sends_no_reset(void **state)
{
    (void)state;
    peer_server_start(&srv);
    for (uint32_t early = 0; early < 8; early++) {
        connect_to_server("close-busy");
        peer_watch_resets();
        for (uint32_t i = 0; i < early; i++)
            peer_server_publish(&srv, "busy", peer_payload(900, i), 1, (uint16_t)(i + 1), 0);
        if (early % 2 == 1)
            host_turn(1);
        assert_err(iot_device_close(&one.dev, 0), IOT_OK);
        for (uint16_t i = 100; one.kinds[IOT_EV_CLOSED] == 0; i++) {
            assert_true(i < 1000);
            if (srv.conn >= 0)
                peer_server_publish(&srv, "busy", peer_payload(400, i), 1, i, 0);
            peer_turn();
        }
        UNTIL_FAST(srv.ended);
        assert_int_equal(peer_resets_sent(), 0);
        assert_int_equal(peer_server_count(&srv, PEER_DISCONNECT), 1);
        peer_check_over(&one);
        peer_leave(&one);
    }
}

/* ---- Memory ------------------------------------------------------------------------------ */

#define HELD_MAX 512

static struct {
    void *mem[HELD_MAX];
    struct pbuf *pbuf[HELD_MAX];
    struct tcp_pcb *pcb[HELD_MAX];
    void *seg[HELD_MAX];
    uint32_t mems, pbufs, pcbs, segs;
} held;

enum pool { HEAP = 1, PBUFS = 2, PCBS = 4, SEGMENTS = 8 };

static void hold(uint32_t pools)
{
    memset(&held, 0, sizeof held);
    if (pools & HEAP)
        while ((held.mem[held.mems] = mem_malloc(16)) != NULL)
            held.mems++;
    if (pools & PBUFS)
        while ((held.pbuf[held.pbufs] = pbuf_alloc(PBUF_RAW, 1, PBUF_POOL)) != NULL)
            held.pbufs++;
    if (pools & PCBS)
        while ((held.pcb[held.pcbs] = tcp_new()) != NULL)
            held.pcbs++;
    if (pools & SEGMENTS)
        while ((held.seg[held.segs] = memp_malloc(MEMP_TCP_SEG)) != NULL)
            held.segs++;
}

static void let_go(void)
{
    while (held.mems > 0)
        mem_free(held.mem[--held.mems]);
    while (held.pbufs > 0)
        pbuf_free(held.pbuf[--held.pbufs]);
    while (held.pcbs > 0)
        tcp_abort(held.pcb[--held.pcbs]);
    while (held.segs > 0)
        memp_free(MEMP_TCP_SEG, held.seg[--held.segs]);
}

static int memory_teardown(void **state)
{
    let_go();
    return peer_test_teardown(state);
}

static void a_message_waits_for_memory_of_lwip_without_spinning(void **state)
{
    static const uint32_t pools[] = {HEAP, PBUFS, SEGMENTS, HEAP | PBUFS | SEGMENTS};
    (void)state;

    peer_server_start(&srv);
    connect_to_server("hungry");
    for (size_t i = 0; i < COUNT(pools); i++) {
        UNTIL_FAST(iot_device_idle(&one.dev));
        peer_pass_fast(1000); /* lwIP has sent its last acknowledgement */
        hold(pools[i]);
        iot_ticket copied = peer_publish(&one, "hungry/copy", "x", 1, 0);
        iot_ticket by_ref =
            peer_publish_bytes(&one, "hungry/ref", peer_payload(3000, 1), 1, IOT_MSG_BY_REF);
        uint32_t ticks = 0, start = peer_clock_ms();
        while (peer_clock_ms() - start < 3000) {
            peer_turn_fast();
            ticks++;
        }
        assert_true(ticks < 200);
        assert_false(peer_ended(&one, copied));
        assert_false(peer_ended(&one, by_ref));
        let_go();
        UNTIL_FAST(peer_all_ended(&one));
        assert_err(peer_result(&one, copied), IOT_OK);
        assert_err(peer_result(&one, by_ref), IOT_OK);
    }
    assert_int_equal(one.kinds[IOT_EV_LOST], 0);
    close_fast();
}

static void an_attempt_without_memory_is_named_and_the_next_one_succeeds(void **state)
{
    static const uint32_t pools[] = {PCBS, HEAP, SEGMENTS};
    (void)state;

    peer_server_start(&srv);
    for (size_t i = 0; i < COUNT(pools); i++) {
        prepare("poor");
        peer_pass_fast(25000); /* what lwIP still holds for ended connections comes back */
        hold(pools[i]);
        peer_begin(&one);
        peer_expect_lost(&one, 0, IOT_ERR_TCP_MEMORY, true);
        peer_expect_lost(&one, 1, IOT_ERR_TCP_MEMORY, true);
        let_go();
        expect_recovery();
        close_fast();
    }
}

static void a_long_famine_may_cost_the_link_and_not_the_message(void **state)
{
    (void)state;
    peer_server_start(&srv);
    prepare("famine");
    one.options.session = IOT_SESSION_KEEP;
    one.options.keepalive_s = 5;
    peer_begin(&one);
    UNTIL_FAST(iot_device_connected(&one.dev));
    peer_pass_fast(1000);
    hold(HEAP | PBUFS | SEGMENTS);
    iot_ticket t = peer_publish(&one, "famine/x", "x", 2, 0);
    peer_pass_fast(60000);
    assert_true(one.kinds[IOT_EV_LOST] >= 1);
    let_go();
    UNTIL_FAST(peer_ended(&one, t));
    assert_err(peer_result(&one, t), IOT_OK);
    expect_recovery();
    close_fast();
}

static void a_close_in_a_famine_has_an_end(void **state)
{
    (void)state;
    peer_server_start(&srv);
    connect_to_server("famine-end");
    peer_pass_fast(1000);
    hold(HEAP | PBUFS | SEGMENTS);
    iot_ticket t = peer_publish(&one, "famine/y", "y", 1, 0);
    uint32_t start = peer_clock_ms();
    assert_err(iot_device_close(&one.dev, 1000), IOT_OK);
    UNTIL_FAST(one.kinds[IOT_EV_CLOSED] == 1);
    assert_in_range(peer_clock_ms() - start, 0, 1000 + 2000 + 500);
    assert_err(peer_result(&one, t), IOT_ERR_CLOSED);
    peer_check_over(&one);
}

/* After both FINs lwIP gives a connection's memory to whoever asks, and tells nobody. */
static void a_connection_that_is_over_is_not_touched_again(void **state)
{
    (void)state;
    peer_server_start(&srv);
    connect_to_server("over");
    assert_err(iot_device_close(&one.dev, 0), IOT_OK);
    UNTIL(one.dev.tcp.shut);
    one.asleep = true;
    UNTIL(srv.ended);
    for (int i = 0; i < 5; i++)
        host_turn(1); /* its FIN arrives */
    hold(PCBS);
    for (uint32_t i = 0; i < held.pcbs; i++)
        tcp_arg(held.pcb[i], &held);
    one.asleep = false;
    UNTIL_FAST(one.kinds[IOT_EV_CLOSED] == 1);
    for (uint32_t i = 0; i < held.pcbs; i++)
        assert_ptr_equal(held.pcb[i]->callback_arg, &held);
    peer_check_over(&one);
}

/* ---- Main -------------------------------------------------------------------------------- */

#define MEMORY_TEST(f) cmocka_unit_test_teardown(f, memory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PEER_TEST(a_name_is_resolved),
        PEER_TEST(an_unknown_host_is_told_by_name_and_found_when_it_exists),
        PEER_TEST(a_host_that_is_no_name_is_unknown),
        PEER_TEST(silence_of_the_dns_is_a_timeout_and_the_late_answer_finds_nobody),
        PEER_TEST(after_silence_of_the_dns_for_minutes_the_device_still_recovers),
        PEER_TEST(a_close_waits_until_lwip_has_called_back),
        PEER_TEST(a_full_dns_table_and_a_missing_server_have_their_own_names),
        PEER_TEST(a_refused_port_is_told_by_name_and_found_when_it_listens),
        PEER_TEST(a_cut_cable_is_a_timeout_of_tcp),
        PEER_TEST(the_steps_between_attempts_grow_to_the_cap_and_begin_anew_after_a_good_link),
        PEER_TEST(a_server_that_is_silent_after_accept_is_told_from_a_broker),
        PEER_TEST(a_server_may_leave_at_each_step_by_fin_or_reset),
        PEER_TEST(the_end_of_the_stream_is_told_from_a_reset),
        PEER_TEST(a_reset_right_behind_the_handshake_is_no_refusal),
        PEER_TEST(a_server_that_speaks_first_is_found_out_at_once),
        PEER_TEST(rubbish_instead_of_connack_is_named_whole_or_dripped),
        PEER_TEST(rubbish_on_a_good_link_is_named_whole_or_dripped),
        PEER_TEST(a_suback_with_two_codes_for_one_filter_is_out_of_place),
        PEER_TEST(acknowledgements_nobody_waits_for_are_harmless),
        PEER_TEST(everything_works_one_byte_at_a_time),
        PEER_TEST(a_server_that_reads_nothing_is_given_up_and_the_message_kept),
        PEER_TEST(a_close_towards_a_server_that_reads_nothing_has_an_end),
        PEER_TEST(a_ping_without_answer_ends_the_link),
        PEER_TEST(pings_are_sent_also_under_incoming_traffic),
        PEER_TEST(after_a_long_sleep_the_link_is_probed_not_trusted),
        PEER_TEST(a_broker_that_acknowledges_nothing_is_left_though_it_answers_pings),
        PEER_TEST(what_is_sent_again_has_dup_and_its_id_if_the_session_lives_and_is_new_if_not),
        PEER_TEST(after_pubrel_only_pubrel_is_sent_again),
        PEER_TEST(a_flood_of_small_segments_is_held_back_by_the_window_and_nothing_is_lost),
        PEER_TEST(a_burst_of_large_segments_is_held_back_and_nothing_is_lost),
        PEER_TEST(a_packet_larger_than_the_window_is_skipped_reported_and_acknowledged),
        PEER_TEST(a_link_that_breaks_within_a_skipped_packet_leaves_no_trace),
        PEER_TEST(more_acknowledgements_than_fit_and_then_the_end_is_still_an_end),
        PEER_TEST(one_qos_2_too_many_ends_the_link_by_name),
        PEER_TEST(while_the_application_declines_no_verdict_is_given_and_then_all_comes),
        PEER_TEST(what_is_declined_for_too_long_is_dropped_with_qos_0_and_ends_the_link_otherwise),
        PEER_TEST(an_echo_application_whose_ring_is_full_waits_and_goes_on),
        PEER_TEST(an_echo_application_that_waits_for_what_is_behind_loses_the_link_by_name),
        PEER_TEST(a_hint_of_a_network_down_ends_the_link_and_up_tries_at_once),
        PEER_TEST(an_interface_that_was_down_for_a_while_costs_no_message),
        PEER_TEST(without_a_route_the_attempt_says_so_and_goes_on),
#if LWIP_IPV4
        PEER_TEST(a_new_address_ends_the_link_by_name),
#endif
        PEER_TEST(a_link_whose_cable_is_cut_is_found_dead_and_comes_back),
        PEER_TEST(a_close_while_waiting_or_connecting_is_quick_if_nothing_is_queued),
        PEER_TEST(a_broken_link_ends_a_close_that_drains),
        PEER_TEST(the_last_packet_of_a_wanted_close_is_disconnect),
        PEER_TEST(a_close_under_incoming_traffic_sends_no_reset),
        PEER_TEST(after_the_close_lwip_has_nothing_of_the_applications_memory),
        MEMORY_TEST(a_message_waits_for_memory_of_lwip_without_spinning),
        MEMORY_TEST(an_attempt_without_memory_is_named_and_the_next_one_succeeds),
        MEMORY_TEST(a_long_famine_may_cost_the_link_and_not_the_message),
        MEMORY_TEST(a_close_in_a_famine_has_an_end),
        MEMORY_TEST(a_connection_that_is_over_is_not_touched_again),
    };
    return cmocka_run_group_tests(tests, peer_group_setup, peer_group_teardown);
}

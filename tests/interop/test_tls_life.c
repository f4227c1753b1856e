/* SPDX-License-Identifier: Apache-2.0 */
/* Life under TLS with mosquitto: messages of all kinds, a broker that restarts in the middle of them,
 * a cable that is cut, secrets, and the end in good order. */
#include "peer_broker.h"
#include "peer_relay.h"
#include "peer_tls.h"
#include "peer_trust.h"

#include "host/host_child.h"
#include "host/host_net.h"

static struct host_broker broker, other;
static struct peer_relay relay;
static struct peer_device one, two;
static struct peer_trust board, other_board;

static void prepare(struct peer_device *p, struct peer_trust *t, const char *name, uint16_t port)
{
    peer_trust_prepare(t, CERT_EC_ROOT);
    peer_trust_device(p, t, name, port);
    t->tls.session_key = "tls";
    t->tls.kinds = IOT_TLS_ECDHE_ECDSA; /* 1.2 in any build; of 1.3 there is test_tls13.c */
}

static void connect_one(const char *name)
{
    prepare(&one, &board, name, broker.port);
    peer_trust_connect(&one);
}

/* ---- Messages ---------------------------------------------------------------------------- */

static void a_message_of_each_qos_comes_back_as_it_went(void **state)
{
    static const char *const topics[] = {"qos/zero", "qos/one", "qos/two"};
    (void)state;

    connect_one("each-qos");
    peer_subscribed(&one, "qos/+", 2);
    for (uint8_t qos = 0; qos <= 2; qos++) {
        iot_ticket t = peer_publish(&one, topics[qos], "21.5 C", qos, 0);
        UNTIL(peer_ended(&one, t) && peer_count_of(&one, topics[qos]) == 1);
        assert_err(peer_result(&one, t), IOT_OK);
        assert_string_equal(peer_last_of(&one, topics[qos])->text, "21.5 C");
        assert_int_equal(peer_last_of(&one, topics[qos])->qos, qos);
    }
    peer_trust_close(&one);
}

/* Around the border of a record that is sent, and of the window of MQTT. */
static void payloads_of_all_sizes_are_the_same_at_the_other_end(void **state)
{
    static const uint32_t sizes[] = {0, 1, 100, 500, IOT_MQTT_RX_BYTES - 20};
    static const uint32_t large[] = {IOT_TLS_TX_BYTES - 12, IOT_TLS_TX_BYTES - 11, IOT_TLS_TX_BYTES,
                                     IOT_TLS_TX_BYTES + 1,  3 * IOT_TLS_TX_BYTES,  60000};
    (void)state;

    connect_one("sizes");
    peer_subscribed(&one, "size", 2);
    for (uint8_t qos = 0; qos <= 2; qos++) {
        for (size_t i = 0; i < COUNT(sizes); i++) {
            uint32_t before = one.inbox_count;
            struct iot_bytes bytes = peer_payload(sizes[i], (uint32_t)i);
            peer_publish_bytes(&one, "size", bytes, qos, i % 2 != 0 ? IOT_MSG_BY_REF : 0);
            UNTIL(one.inbox_count > before && peer_all_ended(&one));
            assert_true(peer_same(&one.inbox[before], bytes));
        }
        for (size_t i = 0; i < COUNT(large); i++) {
            /* In TLS 1.3 nobody can ask mosquitto's openssl for records that fit. */
            if (IOT_FEATURE_TLS_13 && large[i] + 100 > IOT_TLS_RX_BYTES)
                break;
            uint32_t before = one.kinds[IOT_EV_SKIPPED];
            peer_publish_bytes(&one, "size", peer_payload(large[i], (uint32_t)i), qos,
                               IOT_MSG_BY_REF);
            UNTIL(one.kinds[IOT_EV_SKIPPED] > before && peer_all_ended(&one));
        }
    }
    assert_int_equal(one.kinds[IOT_EV_LOST], 0);
    peer_trust_close(&one);
}

/* Nothing comes back for it but the confirmation of TCP. */
static void a_reference_with_qos_0_is_given_back_without_other_traffic(void **state)
{
    (void)state;
    connect_one("reference");
    for (uint32_t i = 1; i <= 5; i++) {
        iot_ticket t = peer_publish_bytes(&one, "ref", peer_payload(i * 700, i), 0, IOT_MSG_BY_REF);
        UNTIL(peer_ended(&one, t));
        assert_err(peer_result(&one, t), IOT_OK);
    }
    UNTIL(iot_device_idle(&one.dev));
    peer_trust_close(&one);
}

static void many_messages_arrive_in_order(void **state)
{
    uint32_t sent = 0;
    (void)state;

    prepare(&two, &other_board, "many-in", broker.port);
    peer_trust_connect(&two);
    peer_subscribed(&two, "many/+", 2);
    connect_one("many-out");
    for (uint8_t qos = 0; qos <= 2; qos++) {
        for (uint32_t n = 0; n < 150;) {
            char text[16];
            snprintf(text, sizeof text, "%u", (unsigned)(sent + 1));
            struct iot_msg msg = {
                .topic = peer_topic("many/n"), .payload = text_bytes(text), .qos = qos};
            /* No backlog at the broker: mosquitto 2.0 does not keep to its window of QoS 2 while it works one off. */
            if (sent - two.inbox_count < IOT_MQTT_QOS2_IN_MAX &&
                peer_try_publish(&one, &msg, NULL) == IOT_OK)
                n++, sent++;
            else
                peer_turn();
        }
        UNTIL(two.inbox_count == sent && peer_all_ended(&one));
    }
    for (uint32_t i = 0; i < sent; i++)
        assert_int_equal(strtoul(two.inbox[i].text, NULL, 10), i + 1);
    peer_trust_close(&one);
    peer_trust_close(&two);
}

static void two_devices_speak_to_each_other_one_with_tls_and_one_without(void **state)
{
    char lines[2 * HOST_PATH_MAX];
    (void)state;

    uint16_t secure = 0;
    for (int tries = 0; tries < 5 && secure == 0; tries++) {
        secure = host_free_port();
        snprintf(lines, sizeof lines, "listener %u %s\n%s", (unsigned)secure, peer_loopback,
                 peer_tls_lines(CERT_EC_GOOD, NULL));
    }
    peer_broker_start(&other, 0, lines, NULL);
    prepare(&one, &board, "with", secure);
    peer_prepare(&two, "without", other.port);
    peer_trust_connect(&one);
    peer_connect(&two);
    peer_subscribed(&one, "to/one", 2);
    peer_subscribed(&two, "to/two", 2);
    for (uint32_t i = 1; i <= 20; i++) {
        peer_publish(&one, "to/two", "x", (uint8_t)(i % 3), 0);
        peer_publish(&two, "to/one", "y", (uint8_t)(i % 3), 0);
        UNTIL(one.inbox_count == i && two.inbox_count == i);
    }
    peer_trust_close(&one);
    peer_close(&two);
}

/* ---- A cable and a broker that fail ------------------------------------------------------ */

static void a_cable_that_is_out_for_a_while_costs_nothing(void **state)
{
    (void)state;
    connect_one("cable");
    peer_subscribed(&one, "cable/+", 2);
    host_link(false);
    for (uint32_t i = 0; i < 6; i++)
        peer_publish_bytes(&one, "cable/x", peer_payload(100 + i, i), (uint8_t)(i % 3), 0);
    for (int i = 0; i < 20; i++)
        peer_turn_fast();
    host_link(true);
    UNTIL_FAST(one.inbox_count == 6 && peer_all_ended(&one));
    assert_int_equal(one.kinds[IOT_EV_LOST], 0);
    peer_trust_close(&one);
}

static void pings_keep_a_quiet_link_alive(void **state)
{
    (void)state;
    prepare(&one, &board, "quiet", broker.port);
    one.options.keepalive_s = 1;
    peer_trust_connect(&one);
    uint64_t end = host_clock_ms() + 3500;
    UNTIL(host_clock_ms() >= end); /* the broker would end it after 1.5 s */
    assert_int_equal(one.kinds[IOT_EV_LOST], 0);
    peer_trust_close(&one);
}

#define NUMBERS 120u

static struct {
    uint8_t qos;
    uint32_t accepted;
    uint32_t got[NUMBERS];
} flow;

static iot_err on_number(struct peer_device *p, const struct iot_msg *msg)
{
    char text[16] = "";
    (void)p;

    memcpy(text, msg->payload.ptr, msg->payload.len < 15 ? msg->payload.len : 15);
    uint32_t n = (uint32_t)strtoul(text, NULL, 10);
    if (text[0] >= '0' && text[0] <= '9' && n < NUMBERS) /* not the one that says "end" */
        flow.got[n]++;
    return IOT_OK;
}

static void pour_turn(void)
{
    while (flow.accepted < NUMBERS) {
        char text[64];
        snprintf(text, sizeof text, "%u is the number of this one", (unsigned)flow.accepted);
        struct iot_msg msg = {
            .topic = peer_topic("flow/n"), .payload = text_bytes(text), .qos = flow.qos};
        if (peer_try_publish(&one, &msg, NULL) != IOT_OK)
            break;
        flow.accepted++;
    }
    peer_turn();
}

static void restart_other(const char *dir)
{
    uint16_t port = other.port;

    host_stop_mosquitto(&other);
    peer_broker_start(&other, port, peer_tls_lines(CERT_EC_GOOD, "max_queued_messages 0"), dir);
}

static void a_broker_that_restarts_in_the_middle_loses_and_doubles_nothing(void **state)
{
    static const uint32_t restarts[] = {15, 50, 51, 90};
    char dir[HOST_PATH_MAX];
    (void)state;

    for (uint8_t qos = 1; qos <= 2; qos++) {
        memset(&flow, 0, sizeof flow);
        flow.qos = qos;
        assert_true(host_dir_make("persist", dir));
        peer_broker_start(&other, 0, peer_tls_lines(CERT_EC_GOOD, "max_queued_messages 0"), dir);
        prepare(&one, &board, "flow-out", other.port);
        prepare(&two, &other_board, "flow-in", other.port);
        one.options.session = two.options.session = IOT_SESSION_KEEP;
        one.options.backoff_cap_ms = two.options.backoff_cap_ms = 250;
        two.verdict = on_number;
        peer_trust_connect(&one);
        peer_trust_connect(&two);
        peer_subscribed(&two, "flow/+", qos);
        for (size_t i = 0; i < COUNT(restarts); i++) {
            UNTIL_WITH(pour_turn, one.kinds[IOT_EV_DONE] >= restarts[i]);
            iot_poll(&one.dev, peer_clock_ms()); /* some are on their way as the broker ends */
            restart_other(dir);
            UNTIL_WITH(pour_turn, one.kinds[IOT_EV_CONNECTED] >= i + 2 &&
                                      two.kinds[IOT_EV_CONNECTED] >= i + 2);
        }
        UNTIL_WITH(pour_turn, flow.accepted == NUMBERS && peer_all_ended(&one));
        peer_publish(&one, "flow/end", "end", qos, 0);
        UNTIL(peer_count_of(&two, "flow/end") >= 1);
        for (uint32_t n = 0; n < NUMBERS; n++) {
            assert_true(flow.got[n] >= 1);
            if (qos == 2)
                assert_int_equal(flow.got[n], 1);
        }
        assert_int_equal(one.kinds[IOT_EV_FAILED], 0);
        assert_true(iot_device_counters(&one.dev)->resent_messages > 0);
        peer_trust_close(&one);
        peer_trust_close(&two);
        host_stop_mosquitto(&other);
        host_dir_remove(dir);
    }
}

/* ---- Logins and secrets ------------------------------------------------------------------ */

#define PASSWORD "correct horse battery"

static void a_wrong_password_has_its_name_and_is_in_no_log(void **state)
{
    char dir[HOST_PATH_MAX], path[HOST_PATH_MAX], extra[HOST_PATH_MAX + 64];
    /* lamp, "secret", as mosquitto_passwd writes it */
    static const char secret[] =
        "lamp:$7$101$LlEYVt9ewJERXJ8l$RURII0tqZNOET4w8oUU4ioWX1IkspYIbcurH3Kyxi2ua148LAMMK/C7CwZxs"
        "45iIBe0sG0rF6NYs74obuRNSTA==\n";
    (void)state;

    assert_true(host_dir_make("password", dir));
    peer_file_write(dir, "passwords", secret, path);
    snprintf(extra, sizeof extra, "allow_anonymous false\npassword_file %s", path);
    peer_broker_start(&other, 0, peer_tls_lines(CERT_EC_GOOD, extra), NULL);
    prepare(&one, &board, "password", other.port);
    one.options.no_reconnect = true;
    one.options.user_name = "lamp";
    one.options.password = BYTES(PASSWORD);
    peer_trust_secret(&board, one.options.password);
    peer_begin(&one);
    assert_int_equal(peer_trust_lost(&one, IOT_ERR_MQTT_REFUSED, false), 5);

    one.options.password = BYTES("secret");
    peer_trust_secret(&board, one.options.password);
    assert_err(iot_device_connect(&one.dev), IOT_OK);
    UNTIL(iot_device_connected(&one.dev));
    peer_trust_close(&one);
    host_stop_mosquitto(&other);
    host_dir_remove(dir);
}

/* The log holds something to look into, and nothing that is nobody's business: the keys of this
 * session neither. */
static void the_log_speaks_and_tells_no_secret(void **state)
{
    char extra[HOST_PATH_MAX + 64];
    (void)state;

    snprintf(extra, sizeof extra, "require_certificate true\ncafile %s",
             peer_cert(CERT_EC_ROOT)->pem);
    peer_broker_start(&other, 0, peer_tls_lines(CERT_EC_GOOD, extra), NULL);
    prepare(&one, &board, "log", other.port);
    peer_trust_client(&board, CERT_CLIENT_EC);
    one.options.user_name = "lamp";
    one.options.password = BYTES(PASSWORD);
    peer_trust_secret(&board, one.options.password);
    peer_trust_connect(&one);
    peer_subscribed(&one, "log/+", 1);
    peer_publish(&one, "log/x", "hello", 1, 0);
    UNTIL(one.inbox_count == 1);
    peer_trust_close(&one);
    /* RFC 5915, or what PKCS#8 wraps of it: the key itself comes first */
    struct iot_bytes der = peer_cert(CERT_CLIENT_EC)->key_traditional;
    peer_trust_secret(&board, (struct iot_bytes){der.ptr + 7, 32});
    struct peer_kv *session = peer_trust_kv(&board, "tls");
    assert_non_null(session);
    peer_trust_secret(&board, (struct iot_bytes){session->bytes, session->len});
#if IOT_LOG_LEVEL >= 3
    assert_true(board.log_len > 0);
#endif
    host_stop_mosquitto(&other);
}

static void a_client_certificate_is_an_identity(void **state)
{
    char extra[HOST_PATH_MAX + 128];
    (void)state;

    snprintf(extra, sizeof extra,
             "require_certificate true\nuse_identity_as_username true\nallow_anonymous false\n"
             "cafile %s",
             peer_cert(CERT_EC_ROOT)->pem);
    peer_broker_start(&other, 0, peer_tls_lines(CERT_EC_GOOD, extra), NULL);
    prepare(&one, &board, "identity", other.port);
    peer_trust_client(&board, CERT_CLIENT_RSA);
    peer_trust_connect(&one);
    peer_trust_close(&one);

    prepare(&one, &board, "identity", other.port);
#if IOT_FEATURE_TLS_13 /* the handshake is over for us before it is for the server */
    one.options.no_reconnect = true;
    peer_begin(&one);
    UNTIL(one.kinds[IOT_EV_LOST] == 1);
    assert_int_equal(one.kinds[IOT_EV_CONNECTED], 0);
    if (peer_last(&one, IOT_EV_LOST)->err == IOT_ERR_TLS_ALERT) /* 40 of TLS 1.2, or 116 */
        assert_true(peer_last(&one, IOT_EV_LOST)->detail == 40 ||
                    peer_last(&one, IOT_EV_LOST)->detail == 116);
    else
        assert_err(peer_last(&one, IOT_EV_LOST)->err, IOT_ERR_TCP_RESET);
    peer_trust_close(&one);
#else
    peer_trust_refused(&one, IOT_ERR_TLS_ALERT, 40); /* handshake_failure: none was given */
#endif
    host_stop_mosquitto(&other);
}

/* ---- The end in good order --------------------------------------------------------------- */

static void with_will(struct peer_device *p)
{
    p->options.will.topic = peer_topic("will/dead");
    p->options.will.payload = BYTES("gone");
    p->options.will.qos = 1;
}

static bool log_says(const char *format, const char *name)
{
    static char log[65536];
    char line[128];

    snprintf(line, sizeof line, format, name);
    host_broker_log(&broker, log, sizeof log);
    return strstr(log, line) != NULL;
}

static void a_wanted_close_delivers_says_goodbye_and_fires_no_will(void **state)
{
    (void)state;
    prepare(&two, &other_board, "will-watch", broker.port);
    peer_trust_connect(&two);
    peer_subscribed(&two, "will/+", 1);
    peer_watch_resets();
    peer_relay_start(&relay, broker.port);
    for (uint32_t hurry = 0; hurry < 2; hurry++) {
        const char *name = hurry ? "will-hurry" : "will-drain";
        uint32_t seen = two.inbox_count;
        prepare(&one, &board, name, relay.port);
        with_will(&one);
        peer_trust_connect(&one);
        for (uint8_t i = 0; i < 9; i++)
            peer_publish_bytes(&one, "data", peer_payload(i * 10u, i), i % 3u,
                               i % 2u ? IOT_MSG_BY_REF : 0);
        peer_publish_bytes(&one, "data", peer_payload(50000, 1), 0, IOT_MSG_BY_REF);
        iot_poll(&one.dev, peer_clock_ms());
        assert_err(iot_device_close(&one.dev, hurry ? 0 : 5000), IOT_OK);
        UNTIL(one.kinds[IOT_EV_CLOSED] == 1);
        peer_check_over(&one);
        assert_int_equal(peer_trust_memory(&one).used, 0);
        peer_leave(&one);
        UNTIL(log_says("Client %s disconnected.", name) ||
              log_says("Client %s closed its connection.", name));
        assert_true(log_says("Client %s disconnected.", name));
        UNTIL(relay.up.ended);
        assert_true(peer_relay_ends_in_alert(&relay.up));
        peer_publish(&two, "will/mark", "", 1, 0);
        UNTIL(two.inbox_count > seen);
        assert_int_equal(peer_count_of(&two, "will/dead"), 0);
        assert_int_equal(peer_resets_sent(), 0);
    }
    peer_trust_close(&two);
}

static void a_close_under_a_flood_of_messages_fires_no_will(void **state)
{
    (void)state;
    prepare(&two, &other_board, "flood", broker.port);
    peer_trust_connect(&two);
    peer_subscribed(&two, "will/+", 1);
    peer_watch_resets();
    prepare(&one, &board, "will-wet", broker.port);
    with_will(&one);
    peer_trust_connect(&one);
    peer_subscribed(&one, "flood", 0);
    one.asleep = true; /* the records pile up unread */
    for (uint32_t i = 0; i < 30; i++) {
        struct iot_msg msg = {
            .topic = peer_topic("flood"), .payload = peer_payload(900, 1), .flags = IOT_MSG_BY_REF};
        UNTIL(peer_try_publish(&two, &msg, NULL) == IOT_OK);
    }
    UNTIL(peer_all_ended(&two));
    one.asleep = false;
    assert_err(iot_device_close(&one.dev, 0), IOT_OK);
    UNTIL(one.kinds[IOT_EV_CLOSED] == 1);
    peer_check_over(&one);
    peer_leave(&one);
    UNTIL(log_says("Client %s disconnected.", "will-wet") ||
          log_says("Client %s closed its connection.", "will-wet"));
    assert_true(log_says("Client %s disconnected.", "will-wet"));
    peer_publish(&two, "will/mark", "", 1, 0);
    UNTIL(peer_count_of(&two, "will/mark") == 1);
    assert_int_equal(peer_count_of(&two, "will/dead"), 0);
    assert_int_equal(peer_resets_sent(), 0);
    peer_trust_close(&two);
}

static void a_device_that_is_cut_off_has_its_will_fired_and_comes_back(void **state)
{
    (void)state;
    prepare(&two, &other_board, "will-eye", broker.port);
    peer_trust_connect(&two);
    peer_subscribed(&two, "will/+", 1);
    peer_relay_start(&relay, broker.port);
    prepare(&one, &board, "will-cut", relay.port);
    with_will(&one);
    peer_trust_connect(&one);
    relay.rudely = true;
    relay.cut_bytes = relay.down.total;
    peer_subscribe(&one, "cut/+", 0);
    UNTIL(peer_count_of(&two, "will/dead") == 1);
    peer_relay_behave(&relay);
    UNTIL(one.kinds[IOT_EV_CONNECTED] >= 2);
    peer_trust_close(&one);
    peer_trust_close(&two);
}

/* ---- Main -------------------------------------------------------------------------------- */

static int setup(void **state)
{
    if (peer_trust_group_setup(state) != 0)
        return -1;
    peer_broker_start(&broker, 0, peer_tls_lines(CERT_EC_GOOD, NULL), NULL);
    return 0;
}

/* After a failure the second broker and its port are free again as well. */
static int test_teardown(void **state)
{
    int result = peer_trust_test_teardown(state);

    host_kill_mosquitto(&other);
    return result;
}

#define TEST(f) cmocka_unit_test_teardown(f, test_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_of_each_qos_comes_back_as_it_went),
        TEST(payloads_of_all_sizes_are_the_same_at_the_other_end),
        TEST(a_reference_with_qos_0_is_given_back_without_other_traffic),
        TEST(many_messages_arrive_in_order),
        TEST(two_devices_speak_to_each_other_one_with_tls_and_one_without),
        TEST(a_cable_that_is_out_for_a_while_costs_nothing),
        TEST(pings_keep_a_quiet_link_alive),
        TEST(a_broker_that_restarts_in_the_middle_loses_and_doubles_nothing),
        TEST(a_wrong_password_has_its_name_and_is_in_no_log),
        TEST(the_log_speaks_and_tells_no_secret),
        TEST(a_client_certificate_is_an_identity),
        TEST(a_wanted_close_delivers_says_goodbye_and_fires_no_will),
        TEST(a_close_under_a_flood_of_messages_fires_no_will),
        TEST(a_device_that_is_cut_off_has_its_will_fired_and_comes_back),
    };

    return cmocka_run_group_tests(tests, setup, peer_trust_group_teardown);
}

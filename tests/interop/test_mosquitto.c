/* SPDX-License-Identifier: Apache-2.0 */
/* Devices against a real mosquitto, over lwIP: what MQTT promises, with the broker in good and in
 * bad health. */
#include "peer_broker.h"
#include "peer_device.h"

#include "host/host_child.h"
#include "host/host_dir.h"
#include "host/host_net.h"

#include "lwip/tcp.h"

static struct host_broker broker, other;
static struct peer_device one, two, three;

/* ---- All kinds of messages --------------------------------------------------------------- */

static void a_message_of_each_qos_comes_back_as_it_went(void **state)
{
    static const char *const topics[] = {"qos/zero", "qos/one", "qos/two"};
    (void)state;

    peer_prepare(&one, "each-qos", broker.port);
    peer_connect(&one);
    peer_subscribed(&one, "qos/+", 2);
    for (uint8_t qos = 0; qos <= 2; qos++) {
        iot_ticket t = peer_publish(&one, topics[qos], "21.5 C", qos, 0);
        UNTIL(peer_ended(&one, t) && peer_count_of(&one, topics[qos]) == 1);
        assert_err(peer_result(&one, t), IOT_OK);
        const struct peer_message *m = peer_last_of(&one, topics[qos]);
        assert_string_equal(m->text, "21.5 C");
        assert_int_equal(m->qos, qos);
        assert_int_equal(m->flags, 0);
        assert_true(m->by_handler);
    }
    assert_int_equal(iot_device_counters(&one.dev)->received_messages, 3);
    peer_close(&one);
}

static void copied_referenced_and_written_payloads_are_the_same_on_the_wire(void **state)
{
    (void)state;
    peer_prepare(&one, "three-ways", broker.port);
    peer_connect(&one);
    peer_subscribed(&one, "ways/+", 2);
    for (uint8_t qos = 0; qos <= 2; qos++) {
        struct iot_bytes bytes = peer_payload(300, qos);
        struct iot_msg head = {
            .topic = peer_topic("ways/written"), .payload = {NULL, 0}, .qos = qos};
        struct iot_writer w;
        iot_ticket t = 0;

        peer_publish_bytes(&one, "ways/copied", bytes, qos, 0);
        peer_publish_bytes(&one, "ways/referenced", bytes, qos, IOT_MSG_BY_REF);
        assert_err(iot_mqtt_begin(&one.dev, &head, 300, &w), IOT_OK);
        for (uint32_t i = 0; i < bytes.len; i++)
            iot_writer_put(&w, &bytes.ptr[i], 1);
        assert_err(iot_mqtt_commit(&w, &t), IOT_OK);
        peer_accepted(&one, t);

        UNTIL(peer_all_ended(&one) && one.inbox_count == 3u * (qos + 1u));
        assert_err(peer_result(&one, t), IOT_OK);
        assert_true(peer_same(peer_last_of(&one, "ways/copied"), bytes));
        assert_true(peer_same(peer_last_of(&one, "ways/referenced"), bytes));
        assert_true(peer_same(peer_last_of(&one, "ways/written"), bytes));
    }
    peer_close(&one);
}

static void a_writer_that_overflows_or_is_cancelled_sends_nothing(void **state)
{
    struct iot_msg msg = {.topic = peer_topic("writer/x"), .payload = {NULL, 0}, .qos = 1};
    struct iot_writer w;
    (void)state;

    peer_prepare(&one, "writer", broker.port);
    peer_connect(&one);
    peer_subscribed(&one, "writer/+", 1);
    assert_err(iot_mqtt_begin(&one.dev, &msg, 4, &w), IOT_OK);
    assert_err(peer_try_publish(&one, &msg, NULL), IOT_ERR_STATE);
    iot_writer_text(&w, "12345");
    assert_err(iot_mqtt_commit(&w, NULL), IOT_ERR_SIZE);
    assert_err(iot_mqtt_commit(&w, NULL), IOT_ERR_STATE);

    assert_err(iot_mqtt_begin(&one.dev, &msg, 4, &w), IOT_OK);
    iot_writer_text(&w, "12");
    iot_mqtt_cancel(&w);
    iot_mqtt_cancel(&w);

    peer_publish(&one, "writer/last", "x", 1, 0);
    UNTIL(peer_count_of(&one, "writer/last") == 1);
    assert_int_equal(one.inbox_count, 1);
    peer_close(&one);
}

static void a_retained_message_waits_for_its_subscribers_and_can_be_cleared(void **state)
{
    (void)state;
    peer_prepare(&one, "retain", broker.port);
    peer_connect(&one);
    peer_subscribed(&one, "kept/+", 1);
    peer_publish(&one, "kept/state", "on", 1, IOT_MSG_RETAIN);
    UNTIL(one.inbox_count == 1);
    assert_int_equal(one.inbox[0].flags, 0); /* to a live subscriber it is a message like others */

    peer_prepare(&two, "retain-late", broker.port);
    peer_connect(&two);
    peer_subscribed(&two, "kept/state", 2);
    UNTIL(two.inbox_count == 1);
    assert_int_equal(two.inbox[0].flags, IOT_MSG_RETAIN);
    assert_string_equal(two.inbox[0].text, "on");

    peer_publish(&one, "kept/state", "", 2, IOT_MSG_RETAIN);
    UNTIL(one.inbox_count == 2 && two.inbox_count == 2);
    assert_int_equal(one.inbox[1].len, 0);
    peer_subscribed(&two, "kept/state", 1); /* a subscription again gives the retained one again */
    peer_publish(&two, "kept/mark", "", 1, 0);
    UNTIL(peer_count_of(&one, "kept/mark") == 1);
    assert_int_equal(two.inbox_count, 2);
    peer_close(&one);
    peer_close(&two);
}

static void an_empty_payload_is_a_message(void **state)
{
    (void)state;
    peer_prepare(&one, "empty", broker.port);
    peer_connect(&one);
    peer_subscribed(&one, "empty/#", 2);
    for (uint8_t qos = 0; qos <= 2; qos++) {
        peer_publish(&one, "empty", "", qos, 0);
        peer_publish_bytes(&one, "empty/ref", (struct iot_bytes){NULL, 0}, qos, IOT_MSG_BY_REF);
    }
    UNTIL(one.inbox_count == 6 && peer_all_ended(&one));
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(one.inbox[i].len, 0);
    peer_close(&one);
}

/* PUBLISH: 1 + length + 2 + topic (+ 2): with 4 bytes of topic 9, with QoS 11 besides the payload. */
static void payloads_up_to_the_window_arrive_and_larger_ones_are_reported(void **state)
{
    const uint32_t window = IOT_MQTT_RX_BYTES;
    uint32_t arrived = 0, skipped = 0;
    (void)state;

    peer_prepare(&one, "sizes", broker.port);
    peer_connect(&one);
    peer_subscribed(&one, "size", 2);
    for (uint8_t qos = 0; qos <= 2; qos++) {
        for (uint32_t total = window - 2; total <= window + 3; total++) {
            uint32_t head = qos != 0 ? 11 : 9;
            struct iot_bytes bytes = peer_payload(total - head, total);
            peer_publish_bytes(&one, "size", bytes, qos, IOT_MSG_BY_REF);
            *(total <= window ? &arrived : &skipped) += 1;
            UNTIL(peer_all_ended(&one) && one.inbox_count == arrived &&
                  one.kinds[IOT_EV_SKIPPED] == skipped);
            if (total <= window) {
                assert_true(peer_same(&one.inbox[arrived - 1], bytes));
            } else {
                assert_err(peer_last(&one, IOT_EV_SKIPPED)->err, IOT_ERR_MQTT_TOO_LARGE);
                assert_int_equal(peer_last(&one, IOT_EV_SKIPPED)->detail, total);
            }
        }
    }
    /* One that is many windows long, and the next one is understood. */
    peer_publish_bytes(&one, "size", peer_payload(60000, 9), 2, IOT_MSG_BY_REF);
    peer_publish(&one, "size", "next", 2, 0);
    UNTIL(peer_all_ended(&one) && one.inbox_count == arrived + 1);
    assert_string_equal(one.inbox[arrived].text, "next");
    assert_int_equal(one.kinds[IOT_EV_SKIPPED], skipped + 1);
    assert_int_equal(one.kinds[IOT_EV_LOST], 0);
    peer_close(&one);
}

static void a_copy_fills_the_ring_to_the_last_byte_and_one_more_never_fits(void **state)
{
    struct iot_bytes most = peer_payload(IOT_MQTT_TX_BYTES - 11, 1);
    struct iot_msg more = {
        .topic = peer_topic("ring"), .payload = peer_payload(IOT_MQTT_TX_BYTES - 10, 2), .qos = 1};
    (void)state;

    peer_prepare(&one, "ring", broker.port);
    peer_connect(&one);
    peer_subscribed(&one, "ring", 1);
    for (int i = 0; i < 3; i++) {
        peer_publish_bytes(&one, "ring", most, 1, 0);
        assert_err(peer_try_publish(&one, &more, NULL), IOT_ERR_SIZE);
        UNTIL(one.inbox_count == (uint32_t)i + 1 && peer_all_ended(&one));
        assert_true(peer_same(&one.inbox[i], most));
    }
    assert_int_equal(peer_pool(&one, "tx-bytes").high, IOT_MQTT_TX_BYTES);
    peer_close(&one);
}

/* The memory must not be used again while lwIP may send it again. */
static void a_reference_with_qos_0_is_done_only_when_the_peer_has_the_bytes(void **state)
{
    static uint8_t mine[500];
    (void)state;

    memset(mine, 'a', sizeof mine);
    peer_prepare(&one, "reference", broker.port);
    peer_connect(&one);
    peer_subscribed(&one, "ref", 0);
    host_link(false);
    iot_ticket copied = peer_publish(&one, "ref", "copied", 0, 0);
    iot_ticket mine_t =
        peer_publish_bytes(&one, "ref", (struct iot_bytes){mine, sizeof mine}, 0, IOT_MSG_BY_REF);
    for (int i = 0; i < 20; i++)
        peer_turn_fast();
    assert_true(peer_ended(&one, copied));
    assert_false(peer_ended(&one, mine_t));
    assert_false(iot_device_idle(&one.dev));

    host_link(true);
    UNTIL_FAST(peer_ended(&one, mine_t));
    uint32_t hash = peer_hash((struct iot_bytes){mine, sizeof mine});
    memset(mine, 'b', sizeof mine);
    UNTIL(one.inbox_count == 2);
    assert_int_equal(one.inbox[1].hash, hash);
    peer_close(&one);
}

static void many_messages_arrive_in_order_whatever_their_qos(void **state)
{
    uint32_t sent = 0, last = 0;
    (void)state;

    peer_prepare(&one, "many-out", broker.port);
    peer_prepare(&two, "many-in", broker.port);
    peer_connect(&one);
    peer_connect(&two);
    peer_subscribed(&two, "many/+", 2);
    for (uint8_t qos = 0; qos <= 2; qos++) {
        for (uint32_t n = 0; n < 200;) {
            char text[16];
            snprintf(text, sizeof text, "%u", (unsigned)(sent + 1));
            struct iot_msg msg = {
                .topic = peer_topic("many/n"), .payload = text_bytes(text), .qos = qos};
            iot_err err = peer_try_publish(&one, &msg, NULL);
            if (err == IOT_OK) {
                n++, sent++;
            } else {
                uint32_t writable = one.kinds[IOT_EV_WRITABLE];
                assert_err(err, IOT_ERR_FULL);
                UNTIL(one.kinds[IOT_EV_WRITABLE] > writable);
            }
        }
        UNTIL(two.inbox_count == sent && peer_all_ended(&one));
    }
    for (uint32_t i = 0; i < two.inbox_count; i++) {
        uint32_t number = (uint32_t)strtoul(two.inbox[i].text, NULL, 10);
        assert_int_equal(number, last + 1);
        last = number;
    }
    peer_close(&one);
    peer_close(&two);
}

/* ---- Subscriptions ----------------------------------------------------------------------- */

static void what_was_unsubscribed_comes_no_more(void **state)
{
    const struct iot_topic filter = IOT_TOPIC("off/+");
    iot_ticket t = 0;
    (void)state;

    peer_prepare(&one, "unsub", broker.port);
    peer_connect(&one);
    peer_subscribed(&one, "off/+", 1);
    peer_subscribed(&one, "on/+", 1);
    peer_publish(&one, "off/a", "1", 1, 0);
    UNTIL(one.inbox_count == 1);

    assert_err(iot_mqtt_unsubscribe(&one.dev, &filter, &t), IOT_OK);
    assert_err(iot_mqtt_unsubscribe(&one.dev, &filter, NULL), IOT_ERR_ARG);
    UNTIL(peer_last_for(&one, IOT_EV_UNSUBACK, t) != NULL);
    assert_int_equal(peer_pool(&one, "subscriptions").used, 1);
    peer_publish(&one, "off/a", "2", 1, 0);
    peer_publish(&one, "on/a", "3", 1, 0);
    UNTIL(peer_count_of(&one, "on/a") == 1);
    assert_int_equal(one.inbox_count, 2);

    peer_subscribed(&one, "off/+", 0);
    peer_publish(&one, "off/a", "4", 1, 0);
    UNTIL(one.inbox_count == 3);
    assert_int_equal(one.inbox[2].qos, 0);
    peer_close(&one);
}

static void the_broker_may_grant_less_and_says_so(void **state)
{
    (void)state;
    peer_broker_start(&other, 0, "max_qos 1", NULL);
    peer_prepare(&one, "less", other.port);
    peer_connect(&one);
    iot_ticket t = peer_subscribe(&one, "less/+", 2);
    UNTIL(peer_last_for(&one, IOT_EV_SUBACK, t) != NULL);
    assert_err(peer_last_for(&one, IOT_EV_SUBACK, t)->err, IOT_OK);
    assert_int_equal(peer_last_for(&one, IOT_EV_SUBACK, t)->code, 1);
    peer_close(&one);
}

static void a_refused_filter_is_told_by_its_ticket_and_the_others_live(void **state)
{
    static const char rules[] =
        "{\"defaultACLAccess\":{\"publishClientSend\":true,\"publishClientReceive\":true,"
        "\"subscribe\":true,\"unsubscribe\":true},\"anonymousGroup\":\"all\","
        "\"groups\":[{\"groupname\":\"all\",\"roles\":[{\"rolename\":\"all\"}]}],"
        "\"roles\":[{\"rolename\":\"all\",\"acls\":[{\"acltype\":\"subscribePattern\","
        "\"topic\":\"closed/#\",\"priority\":1,\"allow\":false}]}]}";
    char plugin[HOST_PATH_MAX], dir[HOST_PATH_MAX], path[HOST_PATH_MAX];
    char extra[2 * HOST_PATH_MAX + 64];
    iot_ticket t[3];
    (void)state;

    if (!peer_broker_plugin(plugin))
        fail_msg("no dynamic security plugin: its plain ACL file refuses no SUBSCRIBE");
    assert_true(host_dir_make("acl", dir));
    peer_file_write(dir, "rules.json", rules, path);
    snprintf(extra, sizeof extra, "plugin %s\nplugin_opt_config_file %s", plugin, path);
    peer_broker_start(&other, 0, extra, NULL);

    peer_prepare(&one, "refused", other.port);
    peer_connect(&one);
    t[0] = peer_subscribe(&one, "open/a", 0);
    t[1] = peer_subscribe(&one, "closed/b", 1);
    t[2] = peer_subscribe(&one, "open/c", 2);
    UNTIL(one.kinds[IOT_EV_SUBACK] == 3);
    for (uint8_t i = 0; i < 3; i++) {
        const struct peer_event *e = peer_last_for(&one, IOT_EV_SUBACK, t[i]);
        assert_non_null(e);
        assert_err(e->err, i == 1 ? IOT_ERR_MQTT_SUBACK : IOT_OK);
        assert_int_equal(e->code, i == 1 ? 0x80 : i);
    }
    assert_int_equal(peer_pool(&one, "subscriptions").used, 2);
    peer_publish(&one, "closed/b", "x", 1, 0);
    peer_publish(&one, "open/c", "x", 1, 0);
    UNTIL(one.inbox_count == 1);
    assert_string_equal(one.inbox[0].topic, "open/c");
    peer_close(&one);
    host_dir_remove(dir);
}

static void overlapping_filters_reach_each_of_their_handlers(void **state)
{
    (void)state;
    peer_prepare(&one, "overlap", broker.port);
    peer_connect(&one);
    peer_subscribed(&one, "over/#", 1);
    peer_subscribed(&one, "over/+", 1);
    peer_subscribed(&one, "over/lap", 1);
    peer_publish(&one, "over/lap", "x", 1, 0);
    peer_publish(&one, "over", "x", 1, 0);
    UNTIL(peer_count_of(&one, "over") == 1);
    /* mosquitto sends one copy for overlapping filters; all three handlers see it. */
    assert_int_equal(peer_count_of(&one, "over/lap"), 3);
    peer_close(&one);
}

/* ---- Two devices ------------------------------------------------------------------------- */

#define ROUNDS 60u

static void answer_ball(struct peer_device *p, const struct iot_msg *msg)
{
    struct iot_msg back = {.topic = peer_topic(p == &one ? "ball/two" : "ball/one"),
                           .payload = msg->payload,
                           .qos = msg->qos};

    if (++p->user < ROUNDS)
        (void)peer_try_publish(p, &back, NULL);
}

static iot_err catch_ball(struct peer_device *p, const struct iot_msg *msg)
{
    answer_ball(p, msg);
    return IOT_OK;
}

static void two_devices_in_one_process_play_ball_from_inside_their_handlers(void **state)
{
    (void)state;
    peer_prepare(&one, "ball-one", broker.port);
    peer_prepare(&two, "ball-two", broker.port);
    one.verdict = two.verdict = catch_ball;
    peer_begin(&one);
    peer_begin(&two);
    peer_subscribed(&one, "ball/one", 2);
    peer_subscribed(&two, "ball/two", 2);
    for (uint8_t qos = 0; qos <= 2; qos++) {
        one.user = two.user = 0;
        peer_publish(&one, "ball/two", "ball", qos, 0);
        UNTIL(one.user + 1 >= ROUNDS && two.user == ROUNDS && peer_all_ended(&one) &&
              peer_all_ended(&two));
    }
    peer_close(&one);
    peer_close(&two);
}

static void a_second_login_with_the_same_id_ends_the_first_by_name(void **state)
{
    (void)state;
    peer_prepare(&one, "same-id", broker.port);
    one.options.no_reconnect = true;
    peer_connect(&one);
    peer_prepare(&two, "same-id", broker.port);
    peer_connect(&two);
    peer_expect_lost(&one, 0, IOT_ERR_TCP_EOF, false);
    assert_int_equal(peer_last(&one, IOT_EV_LOST)->delay_ms, IOT_MS_NEVER);
    assert_true(iot_device_connected(&two.dev));

    /* The application may come back, and then the other one goes. */
    two.options.no_reconnect = true;
    assert_err(iot_device_connect(&one.dev), IOT_OK);
    UNTIL(two.kinds[IOT_EV_LOST] == 1 && iot_device_connected(&one.dev));
    peer_close(&one);
    peer_close(&two); /* without a link there is still memory to be given back */
}

static void a_wrong_password_is_refused_by_name_with_the_brokers_code(void **state)
{
    static const char secret[] = /* lamp, "secret" */
        "lamp:$7$101$LlEYVt9ewJERXJ8l$RURII0tqZNOET4w8oUU4ioWX1IkspYIbcurH3Kyxi2ua148LAMMK/C7CwZxs"
        "45iIBe0sG0rF6NYs74obuRNSTA==\n";
    char dir[HOST_PATH_MAX], path[HOST_PATH_MAX], extra[HOST_PATH_MAX + 64];
    (void)state;

    assert_true(host_dir_make("password", dir));
    peer_file_write(dir, "passwords", secret, path);
    snprintf(extra, sizeof extra, "allow_anonymous false\npassword_file %s", path);
    peer_broker_start(&other, 0, extra, NULL);

    peer_prepare(&one, "password", other.port);
    one.options.user_name = "lamp";
    one.options.password = BYTES("wrong");
    peer_begin(&one);
    peer_expect_lost(&one, 0, IOT_ERR_MQTT_REFUSED, false);
    const struct peer_event *e = peer_last(&one, IOT_EV_LOST);
    assert_int_equal(e->detail, 5);
    assert_in_range(e->delay_ms, 30000, 60000); /* no use in hurrying */
    assert_false(iot_device_connected(&one.dev));

    one.options.password = BYTES("secret");
    peer_clock_skip(e->delay_ms);
    UNTIL(iot_device_connected(&one.dev));
    peer_close(&one);
    host_dir_remove(dir);
}

/* ---- Sessions ---------------------------------------------------------------------------- */

static void a_kept_session_collects_what_comes_while_the_device_is_away(void **state)
{
    (void)state;
    peer_prepare(&one, "collector", broker.port);
    one.options.session = IOT_SESSION_KEEP;
    peer_connect(&one);
    assert_false(peer_last(&one, IOT_EV_CONNECTED)->session_present);
    peer_subscribed(&one, "away/+", 2);
    peer_close(&one);

    peer_prepare(&two, "away-pub", broker.port);
    peer_connect(&two);
    for (int i = 0; i < 5; i++)
        peer_publish(&two, "away/x", "while away", (uint8_t)(i % 2 + 1), 0);
    UNTIL(peer_all_ended(&two));
    peer_close(&two);

    peer_prepare(&one, "collector", broker.port);
    one.options.session = IOT_SESSION_KEEP;
    peer_connect(&one);
    assert_true(peer_last(&one, IOT_EV_CONNECTED)->session_present);
    UNTIL(one.inbox_count == 5);
    assert_false(one.inbox[0].by_handler); /* the close forgot the handlers */
    /* In a session of before QoS 2 ids are cleared by PUBREL before they are used: no broker minds. */
    iot_ticket t = peer_publish(&one, "away/own", "once", 2, 0);
    UNTIL(peer_ended(&one, t) && one.inbox_count == 6);
    assert_err(peer_result(&one, t), IOT_OK);
    peer_close(&one);

    peer_prepare(&one, "collector", broker.port); /* a clean session wipes it */
    peer_connect(&one);
    assert_false(peer_last(&one, IOT_EV_CONNECTED)->session_present);
    peer_close(&one);
}

/* ---- Wills ------------------------------------------------------------------------------- */

static void watch_wills(void)
{
    peer_prepare(&three, "will-watch", broker.port);
    peer_connect(&three);
    peer_subscribed(&three, "will/+", 1);
    peer_watch_resets();
}

static void with_will(struct peer_device *p, const char *name, const char *topic)
{
    peer_prepare(p, name, broker.port);
    p->options.will.topic = peer_topic(topic);
    p->options.will.payload = BYTES("gone");
    p->options.will.qos = 1;
}

static bool log_says(const struct host_broker *b, const char *format, const char *name)
{
    static char log[65536];
    char line[128];

    snprintf(line, sizeof line, format, name);
    host_broker_log(b, log, sizeof log);
    return strstr(log, line) != NULL;
}

/* The broker has seen the end, and after it a message has made its way. */
static void assert_no_will(const char *name)
{
    uint32_t before = three.inbox_count;

    UNTIL(log_says(&broker, "Client %s disconnected.", name) ||
          log_says(&broker, "Client %s closed its connection.", name));
    peer_publish(&three, "will/mark", "", 1, 0);
    UNTIL(three.inbox_count > before && peer_last_of(&three, "will/mark") != NULL);
    assert_int_equal(peer_count_of(&three, "will/dead"), 0);
    assert_true(log_says(&broker, "Client %s disconnected.", name));
    assert_int_equal(peer_resets_sent(), 0);
}

static void a_wanted_close_with_messages_in_flight_fires_no_will(void **state)
{
    (void)state;
    watch_wills();
    with_will(&one, "will-drain", "will/dead");
    peer_connect(&one);
    for (uint8_t i = 0; i < 9; i++)
        peer_publish_bytes(&one, "will-data", peer_payload(i * 10u, i), i % 3u,
                           i % 2u ? IOT_MSG_BY_REF : 0);
    peer_publish_bytes(&one, "will-data", peer_payload(50000, 1), 1, IOT_MSG_BY_REF);
    peer_close(&one);
    assert_int_equal(one.kinds[IOT_EV_DONE], 10);
    assert_int_equal(one.kinds[IOT_EV_FAILED], 0);
    assert_no_will("will-drain");
    peer_close(&three);
}

static void a_wanted_close_without_time_to_drain_fires_no_will_either(void **state)
{
    (void)state;
    watch_wills();
    with_will(&one, "will-hurry", "will/dead");
    peer_connect(&one);
    for (uint8_t i = 0; i < 9; i++)
        peer_publish_bytes(&one, "will-data", peer_payload(60, i), i % 3u, 0);
    iot_poll(&one.dev, peer_clock_ms()); /* they are with lwIP, nothing has been answered */
    assert_err(iot_device_close(&one.dev, 0), IOT_OK);
    UNTIL(one.kinds[IOT_EV_CLOSED] == 1);
    peer_check_over(&one);
    assert_int_equal(one.kinds[IOT_EV_DONE], 3); /* QoS 0: handed over; the others are unknown */
    assert_int_equal(one.kinds[IOT_EV_FAILED], 6);
    assert_err(peer_last(&one, IOT_EV_FAILED)->err, IOT_ERR_UNKNOWN);
    assert_no_will("will-hurry");
    peer_close(&three);
}

static void a_close_in_the_middle_of_a_large_message_finishes_it_first(void **state)
{
    (void)state;
    watch_wills();
    with_will(&one, "will-large", "will/dead");
    peer_connect(&one);
    iot_ticket t =
        peer_publish_bytes(&one, "will/large", peer_payload(60000, 7), 0, IOT_MSG_BY_REF);
    iot_poll(&one.dev, peer_clock_ms()); /* a part of it is out */
    assert_err(iot_device_close(&one.dev, 0), IOT_OK);
    UNTIL(one.kinds[IOT_EV_CLOSED] == 1);
    peer_check_over(&one);
    assert_true(peer_ended(&one, t));
    assert_no_will("will-large");
    assert_int_equal(three.kinds[IOT_EV_SKIPPED], 1); /* whole, but too large for the watcher */
    peer_close(&three);
}

static void a_close_right_after_a_subscription_fires_no_will(void **state)
{
    (void)state;
    watch_wills();
    with_will(&one, "will-sub", "will/dead");
    peer_connect(&one);
    peer_subscribe(&one, "will-data", 1);
    peer_close(&one);
    assert_no_will("will-sub");
    peer_close(&three);
}

static void a_close_under_a_flood_of_messages_fires_no_will(void **state)
{
    (void)state;
    watch_wills();
    peer_prepare(&two, "will-flood", broker.port);
    peer_connect(&two);
    for (uint8_t qos = 0; qos <= 2; qos++) {
        char name[16];
        snprintf(name, sizeof name, "will-wet-%u", qos);
        with_will(&one, name, "will/dead");
        peer_connect(&one);
        peer_subscribed(&one, "flood", qos);
        for (int i = 0; i < 10; i++) {
            struct iot_msg msg = {.topic = peer_topic("flood"),
                                  .payload = peer_payload(900, 1),
                                  .flags = IOT_MSG_BY_REF};
            msg.qos = qos;
            (void)peer_try_publish(&two, &msg, NULL);
        }
        one.asleep = true; /* the segments pile up unread */
        UNTIL(peer_all_ended(&two));
        one.asleep = false;
        assert_err(iot_device_close(&one.dev, 0), IOT_OK);
        UNTIL(one.kinds[IOT_EV_CLOSED] == 1);
        peer_check_over(&one);
        peer_leave(&one);
        assert_no_will(name);
    }
    peer_close(&two);
    peer_close(&three);
}

static void a_device_that_is_reset_has_its_will_fired(void **state)
{
    (void)state;
    watch_wills();
    with_will(&one, "will-reset", "will/reset");
    peer_connect(&one);
    tcp_abort(one.dev.tcp.pcb); /* as a watchdog and the first packet after it would */
    UNTIL(peer_count_of(&three, "will/reset") == 1);
    assert_string_equal(peer_last_of(&three, "will/reset")->text, "gone");
    UNTIL(one.kinds[IOT_EV_CONNECTED] == 2); /* and it recovers */
    assert_err(peer_last(&one, IOT_EV_LOST)->err, IOT_ERR_TCP_ABORTED);
    peer_close(&one);
    peer_close(&three);
}

/* Drops the frames of one TCP connection: the others' cable stays whole. */
static bool cut_one(void *ctx, enum host_way way, const uint8_t *frame, uint32_t len)
{
    const struct peer_device *p = ctx;
    uint32_t tcp = frame[12] == 0x08 ? 14u + (frame[14] & 15u) * 4u : 14u + 40u;
    uint32_t at = tcp + (way == HOST_OUT ? 0 : 2);

    return len < at + 2 || ((uint32_t)frame[at] << 8 | frame[at + 1]) != p->user;
}

/* The watcher's keep-alive is as short as the dead one's, and it sends nothing but PINGREQs: it
 * must live while the broker's patience with the other runs out. */
static void a_device_whose_cable_is_cut_has_its_will_fired_while_pings_keep_the_other(void **state)
{
    (void)state;
    peer_prepare(&three, "will-ping", broker.port);
    three.options.keepalive_s = 1;
    peer_connect(&three);
    peer_subscribed(&three, "will/+", 1);
    with_will(&one, "will-cut", "will/cut");
    one.options.keepalive_s = 1;
    one.options.no_reconnect = true;
    peer_connect(&one);
    one.user = peer_local_port(&one);
    host_on_frame(cut_one, &one);
    UNTIL(peer_count_of(&three, "will/cut") == 1);
    assert_int_equal(three.kinds[IOT_EV_LOST], 0);
    /* The dead one finds out by itself: its PINGREQ is not answered. */
    peer_expect_lost(&one, 0, IOT_ERR_MQTT_PING_TIMEOUT, true);
    peer_leave(&one);
    peer_close(&three);
}

/* ---- The broker dies in the middle ------------------------------------------------------- */

#define NUMBERS 150u

struct flow {
    uint8_t qos;
    bool persistent;
    uint32_t accepted;
    iot_ticket ticket[NUMBERS];
    uint32_t got[NUMBERS], got_dup[NUMBERS];
    bool in_flight[NUMBERS];   /* at some loss: accepted and not ended */
    bool done_before[NUMBERS]; /* at some loss: done */
    bool disordered;
    uint32_t highest;
};

static struct flow flow;

static iot_err on_number(struct peer_device *p, const struct iot_msg *msg)
{
    uint32_t n = 0;
    (void)p;

    for (uint32_t i = 0; i < msg->payload.len && msg->payload.ptr[i] != ' '; i++)
        n = n * 10 + msg->payload.ptr[i] - '0';
    if (n >= NUMBERS)
        return IOT_OK;
    if (flow.got[n]++ == 0) {
        flow.disordered = flow.disordered || n < flow.highest;
        flow.highest = n;
    }
    flow.got_dup[n] += (msg->flags & IOT_MSG_DUP) != 0;
    return IOT_OK;
}

static void on_flow_event(struct peer_device *p, const struct iot_event *ev)
{
    if (ev->kind != IOT_EV_LOST)
        return;
    for (uint32_t n = 0; n < flow.accepted; n++) {
        if (!peer_ended(p, flow.ticket[n]))
            flow.in_flight[n] = true;
        else
            flow.done_before[n] = true;
    }
}

/* A reading of some size; the number first. */
static void pour(struct peer_device *p, uint32_t until_number)
{
    while (flow.accepted < until_number) {
        char text[64];
        int n =
            snprintf(text, sizeof text, "%u is the number of this one", (unsigned)flow.accepted);
        struct iot_msg msg = {.topic = peer_topic("flow/n"),
                              .payload = {(const uint8_t *)text, (uint32_t)n},
                              .qos = flow.qos};
        iot_ticket t;
        if (peer_try_publish(p, &msg, &t) != IOT_OK)
            return;
        flow.ticket[flow.accepted++] = t;
    }
}

static void pour_turn(void)
{
    pour(&one, NUMBERS);
    peer_turn();
}

/* With persistence the broker is ended in good order and remembers; without, by SIGKILL. While the
 * receiver is not subscribed again, the sender sleeps: what a broker without memory and without
 * subscriber gets, it may throw away. */
static void restart(const char *persistence_dir)
{
    uint16_t port = other.port;
    uint32_t subacks = two.kinds[IOT_EV_CONNECTED];

    if (flow.persistent) {
        host_stop_mosquitto(&other);
    } else {
        host_kill_mosquitto(&other);
        one.asleep = true;
    }
    peer_broker_start(&other, port, "max_queued_messages 0", persistence_dir);
    UNTIL(two.kinds[IOT_EV_CONNECTED] == subacks + 1);
    assert_int_equal(peer_last(&two, IOT_EV_CONNECTED)->session_present, flow.persistent);
    UNTIL(iot_device_idle(&two.dev));
    one.asleep = false;
    UNTIL_WITH(pour_turn,
               iot_device_connected(&one.dev) && one.kinds[IOT_EV_CONNECTED] == subacks + 1);
    assert_int_equal(peer_last(&one, IOT_EV_CONNECTED)->session_present, flow.persistent);
}

static void check_numbers(void)
{
    uint32_t unknown = 0, twice = 0, missing = 0;

    for (uint32_t n = 0; n < NUMBERS; n++) {
        iot_err result = peer_result(&one, flow.ticket[n]);
        if (result != IOT_OK) {
            /* Only a broker that forgot a half-done QoS 2 leaves us without an answer. */
            assert_err(result, IOT_ERR_UNKNOWN);
            assert_false(flow.persistent);
            assert_int_equal(flow.qos, 2);
            unknown++;
        }
        if (flow.got[n] == 0) {
            /* The broker had said that it owns this one, and then lost its memory. */
            assert_false(flow.persistent);
            assert_true(flow.done_before[n] || result == IOT_ERR_UNKNOWN);
            missing++;
        }
        if (flow.got[n] > 1) {
            assert_false(flow.qos == 2 && flow.persistent);
            assert_true(flow.got_dup[n] != 0 || flow.in_flight[n]);
            twice++;
        }
    }
    assert_false(flow.disordered);
    print_message("%u numbers: %u twice, %u unknown, %u lost by the broker, %u resent\n", NUMBERS,
                  (unsigned)twice, (unsigned)unknown, (unsigned)missing,
                  (unsigned)iot_device_counters(&one.dev)->resent_messages);
}

static void run_flow(uint8_t qos, bool persistent)
{
    static const uint32_t kills[] = {20, 60, 61, 100};
    char dir[HOST_PATH_MAX];

    memset(&flow, 0, sizeof flow);
    flow.qos = qos;
    flow.persistent = persistent;
    assert_true(host_dir_make("persist", dir));
    peer_broker_start(&other, 0, "max_queued_messages 0", persistent ? dir : NULL);
    peer_prepare(&one, "flow-out", other.port);
    peer_prepare(&two, "flow-in", other.port);
    one.options.session = two.options.session = IOT_SESSION_KEEP;
    one.options.backoff_cap_ms = two.options.backoff_cap_ms = 250;
    one.also = on_flow_event;
    two.verdict = on_number;
    peer_connect(&one);
    peer_connect(&two);
    peer_subscribed(&two, "flow/+", qos);
    for (size_t i = 0; i < COUNT(kills); i++) {
        UNTIL_WITH(pour_turn, one.kinds[IOT_EV_DONE] >= kills[i]);
        pour(&one, NUMBERS);
        iot_poll(&one.dev, peer_clock_ms()); /* some are on their way as the broker ends */
        restart(persistent ? dir : NULL);
    }
    UNTIL_WITH(pour_turn, flow.accepted == NUMBERS && peer_all_ended(&one));
    /* What the broker still has for the receiver comes before this one. */
    peer_publish(&one, "flow/end", "end", qos, 0);
    UNTIL(peer_count_of(&two, "flow/end") >= 1);
    check_numbers();
    assert_true(iot_device_counters(&one.dev)->resent_messages > 0);
    peer_close(&one);
    peer_close(&two);
    host_stop_mosquitto(&other);
    host_dir_remove(dir);
}

static void qos_1_survives_restarts_of_a_broker_that_remembers(void **state)
{
    (void)state;
    run_flow(1, true);
}

static void qos_1_survives_kills_of_a_broker_that_forgets(void **state)
{
    (void)state;
    run_flow(1, false);
}

static void qos_2_comes_once_through_restarts_of_a_broker_that_remembers(void **state)
{
    (void)state;
    run_flow(2, true);
}

static void qos_2_ends_once_through_kills_of_a_broker_that_forgets(void **state)
{
    (void)state;
    run_flow(2, false);
}

static void a_clean_session_says_unknown_for_what_was_in_flight(void **state)
{
    (void)state;
    peer_broker_start(&other, 0, NULL, NULL);
    peer_prepare(&one, "clean", other.port);
    one.options.backoff_cap_ms = 250;
    peer_connect(&one);
    host_link(false); /* it leaves the device and reaches nobody */
    iot_ticket sent1 = peer_publish(&one, "clean/x", "1", 1, 0);
    iot_ticket sent2 = peer_publish(&one, "clean/x", "2", 2, 0);
    iot_poll(&one.dev, peer_clock_ms());
    iot_network(&one.dev, IOT_NETWORK_DOWN);
    UNTIL(one.kinds[IOT_EV_LOST] == 1);
    assert_err(peer_result(&one, sent1), IOT_ERR_UNKNOWN);
    assert_err(peer_result(&one, sent2), IOT_ERR_UNKNOWN);
    iot_ticket later = peer_publish(&one, "clean/x", "3", 1, 0); /* accepted while away */
    host_link(true);
    iot_network(&one.dev, IOT_NETWORK_UP);
    UNTIL(peer_ended(&one, later));
    assert_err(peer_result(&one, later), IOT_OK);
    peer_close(&one);
}

/* ---- Main -------------------------------------------------------------------------------- */

static int setup(void **state)
{
    return peer_broker_group_setup(&broker, state);
}

/* After a failure the second broker and its port are free again as well. */
static int test_teardown(void **state)
{
    peer_test_teardown(state);
    host_kill_mosquitto(&other);
    return 0;
}

#define TEST(f) cmocka_unit_test_teardown(f, test_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_of_each_qos_comes_back_as_it_went),
        TEST(copied_referenced_and_written_payloads_are_the_same_on_the_wire),
        TEST(a_writer_that_overflows_or_is_cancelled_sends_nothing),
        TEST(a_retained_message_waits_for_its_subscribers_and_can_be_cleared),
        TEST(an_empty_payload_is_a_message),
        TEST(payloads_up_to_the_window_arrive_and_larger_ones_are_reported),
        TEST(a_copy_fills_the_ring_to_the_last_byte_and_one_more_never_fits),
        TEST(a_reference_with_qos_0_is_done_only_when_the_peer_has_the_bytes),
        TEST(many_messages_arrive_in_order_whatever_their_qos),
        TEST(what_was_unsubscribed_comes_no_more),
        TEST(the_broker_may_grant_less_and_says_so),
        TEST(a_refused_filter_is_told_by_its_ticket_and_the_others_live),
        TEST(overlapping_filters_reach_each_of_their_handlers),
        TEST(two_devices_in_one_process_play_ball_from_inside_their_handlers),
        TEST(a_second_login_with_the_same_id_ends_the_first_by_name),
        TEST(a_wrong_password_is_refused_by_name_with_the_brokers_code),
        TEST(a_kept_session_collects_what_comes_while_the_device_is_away),
        TEST(a_wanted_close_with_messages_in_flight_fires_no_will),
        TEST(a_wanted_close_without_time_to_drain_fires_no_will_either),
        TEST(a_close_in_the_middle_of_a_large_message_finishes_it_first),
        TEST(a_close_right_after_a_subscription_fires_no_will),
        TEST(a_close_under_a_flood_of_messages_fires_no_will),
        TEST(a_device_that_is_reset_has_its_will_fired),
        TEST(a_device_whose_cable_is_cut_has_its_will_fired_while_pings_keep_the_other),
        TEST(qos_1_survives_restarts_of_a_broker_that_remembers),
        TEST(qos_1_survives_kills_of_a_broker_that_forgets),
        TEST(qos_2_comes_once_through_restarts_of_a_broker_that_remembers),
        TEST(qos_2_ends_once_through_kills_of_a_broker_that_forgets),
        TEST(a_clean_session_says_unknown_for_what_was_in_flight),
    };
    return cmocka_run_group_tests(tests, setup, peer_broker_group_teardown);
}

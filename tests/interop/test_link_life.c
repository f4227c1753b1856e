/* SPDX-License-Identifier: Apache-2.0 */
/* A device with an identity lives at the platform: what comes and goes, who throws it out, and how long it
 * stays away then. */
#include "peer_cloud.h"

#include "peer_relay.h"

#define SYS     "/sys/" PEER_PK "/dev001/"
#define STABLE  31000u
#define HOUR_MS 3600000u

static struct peer_seat one, two;
static struct peer_relay relay;

static void dev001(void)
{
    peer_seat(&one, "dev001", PEER_DS);
}

static void dev001_connects(void)
{
    dev001();
    peer_seat_connect(&one);
}

/* ---- Messages ---------------------------------------------------------------------------- */

static void readings_go_up_and_commands_come_down(void **state)
{
    (void)state;
    dev001_connects();
    peer_subscribed(&one.one, PEER_OWN "user/commands", 1);
    iot_ticket ticket = peer_publish(&one.one, PEER_OWN "user/readings", "{\"t\":21}", 1, 0);
    UNTIL(peer_ended(&one.one, ticket));
    assert_err(peer_result(&one.one, ticket), IOT_OK);
    peer_cloud_said("cloud: publish " PEER_PK " dev001 " PEER_OWN "user/readings: 8 bytes\n");
    peer_cloud_command("publish " PEER_PK " dev001 " PEER_OWN "user/commands {\"on\": true}");
    UNTIL(one.one.inbox_count != 0);
    const struct peer_message *m = peer_last_of(&one.one, PEER_OWN "user/commands");
    assert_non_null(m);
    assert_string_equal(m->text, "{\"on\": true}");
    assert_int_equal(m->qos, 1);
    assert_true(m->by_handler);
    peer_seat_close(&one);
}

static void a_foreign_topic_is_refused_by_event_and_what_goes_there_is_dropped(void **state)
{
    (void)state;
    dev001_connects();
    iot_ticket ticket = peer_subscribe(&one.one, PEER_TWO "user/commands", 1);
    UNTIL(peer_last_for(&one.one, IOT_EV_SUBACK, ticket) != NULL);
    assert_err(peer_last_for(&one.one, IOT_EV_SUBACK, ticket)->err, IOT_ERR_MQTT_SUBACK);
    assert_int_equal(peer_last_for(&one.one, IOT_EV_SUBACK, ticket)->code, 0x80);
    peer_cloud_said("cloud: subscribe " PEER_PK " dev001 " PEER_TWO
                    "user/commands refused: the topic is not in the device's own name space\n");
    ticket = peer_publish(&one.one, PEER_TWO "user/readings", "hi", 1, 0);
    UNTIL(peer_ended(&one.one, ticket)); /* it is acknowledged all the same */
    peer_cloud_said("cloud: publish " PEER_PK " dev001 " PEER_TWO "user/readings dropped: ");
    assert_true(iot_device_connected(&one.one.dev));
    peer_seat_close(&one);
}

static void two_devices_with_identities_of_their_own_do_not_disturb_each_other(void **state)
{
    (void)state;
    dev001_connects();
    peer_seat(&two, "dev002", PEER_DS_TWO);
    peer_seat_connect(&two);
    peer_subscribed(&one.one, PEER_OWN "user/commands", 1);
    peer_subscribed(&two.one, PEER_TWO "user/commands", 1);
    for (uint32_t i = 0; i < 5; i++) {
        peer_cloud_command("publish " PEER_PK " dev001 " PEER_OWN "user/commands one");
        peer_cloud_command("publish " PEER_PK " dev002 " PEER_TWO "user/commands two");
        iot_ticket a = peer_publish(&one.one, PEER_OWN "user/readings", "1", 1, 0);
        iot_ticket b = peer_publish(&two.one, PEER_TWO "user/readings", "22", 1, 0);
        UNTIL(peer_ended(&one.one, a) && peer_ended(&two.one, b));
        UNTIL(one.one.inbox_count == i + 1 && two.one.inbox_count == i + 1);
    }
    assert_int_equal(peer_count_of(&one.one, PEER_OWN "user/commands"), 5);
    assert_int_equal(peer_count_of(&two.one, PEER_TWO "user/commands"), 5);
    assert_string_equal(one.one.inbox[0].text, "one");
    assert_string_equal(two.one.inbox[0].text, "two");
    assert_int_equal(peer_cloud_says("dev001 " PEER_OWN "user/readings: 1 bytes\n"), 5);
    assert_int_equal(peer_cloud_says("dev002 " PEER_TWO "user/readings: 2 bytes\n"), 5);
    peer_cloud_command("kick " PEER_PK " dev002");
    peer_expect_lost(&two.one, 0, IOT_ERR_LINK_TWICE, false);
    assert_true(iot_device_connected(&one.one.dev));
    peer_seat_close(&two);
    peer_seat_close(&one);
}

/* ---- Thrown out -------------------------------------------------------------------------- */

static void a_stable_link_that_ends_comes_back_by_the_ordinary_ladder(void **state)
{
    (void)state;
    dev001_connects();
    for (uint32_t i = 1; i <= 3; i++) {
        peer_cloud_pass(STABLE);
        peer_cloud_command("kick " PEER_PK " dev001");
        peer_expect_lost(&one.one, i - 1, IOT_ERR_TLS_CLOSED, false);
        assert_in_range(peer_last(&one.one, IOT_EV_LOST)->delay_ms, 250, 1000);
        UNTIL_FAST(one.one.kinds[IOT_EV_CONNECTED] == i + 1);
    }
    peer_seat_close(&one);
}

static void who_is_kicked_soon_stays_away(void **state)
{
    (void)state;
    for (uint32_t plain = 0; plain <= 1; plain++) {
        dev001();
        if (plain)
            peer_seat_plain(&one);
        peer_seat_connect(&one);
        peer_cloud_command("kick " PEER_PK " dev001");
        peer_seat_exiled(&one, IOT_ERR_LINK_TWICE);
        UNTIL(one.one.kinds[IOT_EV_CONNECTED] == 2);
        peer_seat_close(&one);
    }
}

static void a_second_device_with_the_same_identity_kicks_the_first(void **state)
{
    (void)state;
    dev001_connects();
    peer_seat(&two, "dev001", PEER_DS);
    peer_seat_connect(&two);
    peer_expect_lost(&one.one, 0, IOT_ERR_LINK_TWICE, false);
    peer_cloud_said("cloud: kicked " PEER_PK " dev001: by a second login\n");
    assert_true(iot_device_connected(&two.one.dev));
    assert_int_equal(two.one.kinds[IOT_EV_LOST], 0);
    peer_seat_close(&two);
    peer_seat_close(&one);
}

/* Whether they use the same client id or not. */
static void two_with_the_same_identity_calm_down(void **state)
{
    (void)state;
    for (uint32_t other = 0; other <= 1; other++) {
        dev001_connects();
        peer_cloud_pass(STABLE); /* an old hand, which comes back at once */
        peer_seat(&two, "dev001", PEER_DS);
        two.id.client_id = other ? "copy" : NULL;
        peer_begin(&two.one);
        peer_cloud_pass(HOUR_MS);
        uint32_t logins = one.one.kinds[IOT_EV_CONNECTED] + two.one.kinds[IOT_EV_CONNECTED];
        print_message("%u logins in an hour\n", (unsigned)logins);
        assert_in_range(logins, 4, 2 * 12 + 4); /* two for each of at least five minutes */
        assert_err(iot_device_last_reason(&two.one.dev, NULL), IOT_ERR_LINK_TWICE);
        assert_true(iot_device_connected(&one.one.dev) || iot_device_connected(&two.one.dev));
        peer_seat_close(&two);
        peer_seat_close(&one);
    }
}

static void flow_control_is_named_and_obeyed(void **state)
{
    (void)state;
    for (uint32_t plain = 0; plain <= 1; plain++) {
        dev001();
        if (plain)
            peer_seat_plain(&one);
        peer_cloud_command("flow " PEER_PK " dev001 on");
        peer_begin(&one.one);
        peer_seat_exiled(&one, IOT_ERR_LINK_FLOW);
        peer_cloud_said("cloud: login " PEER_PK " dev001 closed: flow control, by command\n");
        peer_expect_lost(&one.one, 1, IOT_ERR_LINK_FLOW, false);
        peer_cloud_command("flow " PEER_PK " dev001 off");
        peer_cloud_pass(peer_last(&one.one, IOT_EV_LOST)->delay_ms);
        UNTIL_FAST(iot_device_connected(&one.one.dev));

        peer_cloud_pass(STABLE); /* from a good link into flow control */
        peer_cloud_command("flow " PEER_PK " dev001 on");
        peer_expect_lost(&one.one, 2, plain ? IOT_ERR_TCP_EOF : IOT_ERR_TLS_CLOSED, false);
        peer_expect_lost(&one.one, 3, IOT_ERR_LINK_FLOW, true);
        peer_cloud_command("flow " PEER_PK " dev001 off");
        peer_seat_close(&one);
    }
}

/* Those of other tests within the minute count, too. */
static void too_many_connections_in_a_minute_are_flow_control(void **state)
{
    (void)state;
    peer_cloud_command("option connect-rate 3");
    for (uint32_t i = 0; i <= 3; i++) {
        dev001();
        peer_begin(&one.one);
        UNTIL(one.one.kinds[IOT_EV_LOST] + one.one.kinds[IOT_EV_CONNECTED] != 0);
        if (one.one.kinds[IOT_EV_LOST] != 0)
            break;
        peer_seat_close(&one);
    }
    assert_err(iot_device_last_reason(&one.one.dev, NULL), IOT_ERR_LINK_FLOW);
    peer_cloud_said("dev001 closed: flow control: more than 3 connections in a minute");
    peer_seat_close(&one);
}

/* ---- Disabled ---------------------------------------------------------------------------- */

static void a_disabled_device_is_told_and_stays_away_until_it_is_enabled(void **state)
{
    (void)state;
    for (uint32_t how = 0; how < 4; how++) {
        bool subscribes = how % 2 != 0, stable = how / 2 != 0;
        dev001();
        one.id.system_topics = !subscribes;
        peer_seat_connect(&one);
        if (subscribes)
            peer_subscribed(&one.one, SYS "thing/disable", 1);
        if (stable)
            peer_cloud_pass(STABLE);
        peer_cloud_command("disable " PEER_PK " dev001");
        UNTIL(one.one.kinds[IOT_EV_NOTICE] != 0);
        if (subscribes) /* who subscribes gets it as well */
            UNTIL(peer_count_of(&one.one, SYS "thing/disable") != 0);
        peer_seat_exiled(&one, IOT_ERR_LINK_DISABLED);
        peer_cloud_said("cloud: kicked " PEER_PK " dev001: it is disabled\n");
        peer_expect_lost(&one.one, 1, IOT_ERR_LINK_DENIED, false);
        peer_cloud_said("dev001 refused (4): device " PEER_PK " dev001 is disabled\n");
        peer_cloud_command("enable " PEER_PK " dev001");
        peer_cloud_pass(peer_last(&one.one, IOT_EV_LOST)->delay_ms);
        UNTIL_FAST(one.one.kinds[IOT_EV_CONNECTED] == 2);

        peer_cloud_pass(STABLE); /* forgiven: what ends now ends as usual */
        peer_cloud_command("kick " PEER_PK " dev001");
        peer_expect_lost(&one.one, 2, IOT_ERR_TLS_CLOSED, false);
        peer_seat_close(&one);
    }
}

static void a_deleted_device_is_told_the_same_and_never_comes_back(void **state)
{
    (void)state;
    peer_seat(&one, "gone001", PEER_DS_GONE);
    one.id.system_topics = true;
    peer_seat_connect(&one);
    peer_cloud_command("delete " PEER_PK " gone001");
    peer_seat_exiled(&one, IOT_ERR_LINK_DISABLED);
    assert_int_equal(one.one.kinds[IOT_EV_NOTICE], 1);
    peer_expect_lost(&one.one, 1, IOT_ERR_LINK_DENIED, false);
    peer_seat_close(&one);
}

static void who_was_disabled_and_enabled_in_time_is_not_disabled(void **state)
{
    (void)state;
    dev001();
    one.id.system_topics = true;
    peer_seat_connect(&one);
    peer_cloud_pass(STABLE);
    peer_cloud_command("publish " PEER_PK " dev001 " SYS "thing/disable {}");
    peer_cloud_command("publish " PEER_PK " dev001 " SYS "thing/enable {}");
    UNTIL(one.one.kinds[IOT_EV_NOTICE] == 2);
    peer_cloud_command("kick " PEER_PK " dev001");
    peer_expect_lost(&one.one, 0, IOT_ERR_TLS_CLOSED, false);
    peer_seat_close(&one);
}

/* ---- A platform that goes down and up ---------------------------------------------------- */

#define READINGS 60u

/* Messages are told apart by their length. */
static uint32_t arrived(uint32_t len)
{
    char line[96];

    snprintf(line, sizeof line, "user/readings: %u bytes\n", (unsigned)len);
    return peer_cloud_says(line);
}

static void publish_reading(uint32_t *sent)
{
    struct iot_msg msg = {.topic = peer_topic(PEER_OWN "user/readings"),
                          .payload = peer_payload(100 + *sent, *sent),
                          .qos = 1};

    if (*sent < READINGS && peer_try_publish(&one.one, &msg, NULL) == IOT_OK)
        ++*sent;
}

static void nothing_is_lost_when_the_platform_falls_in_the_middle_of_flows(void **state)
{
    uint32_t sent = 0;
    (void)state;
    dev001();
    one.one.options.session = IOT_SESSION_KEEP;
    one.board.tls.session_key = "tls";
    peer_seat_connect(&one);
    for (uint32_t fall = 1; fall <= 3; fall++) {
        peer_subscribed(&one.one, PEER_OWN "user/commands", 1);
        peer_cloud_pass(STABLE);
        for (uint32_t done = one.one.kinds[IOT_EV_DONE]; one.one.kinds[IOT_EV_DONE] < done + 5;) {
            publish_reading(&sent);
            peer_turn();
        }
        for (uint32_t i = 0; i < 8; i++)
            publish_reading(&sent);
        assert_false(peer_all_ended(&one.one));
        host_cloud_cut(&peer_cloud);
        UNTIL_FAST(one.one.kinds[IOT_EV_LOST] >= fall);
        if (!host_cloud_restore(&peer_cloud))
            fail_msg("%s", peer_cloud.why);
        UNTIL_FAST(iot_device_connected(&one.one.dev));
        assert_non_null(peer_trust_kv(&one.board, "tls"));
    }
    while (sent < READINGS || !peer_all_ended(&one.one)) {
        publish_reading(&sent);
        peer_turn();
    }
    assert_int_equal(one.one.kinds[IOT_EV_DONE], READINGS);
    assert_int_equal(one.one.kinds[IOT_EV_FAILED], 0);
    for (uint32_t i = 0; i < READINGS; i++)
        if (arrived(100 + i) == 0)
            fail_msg("reading %u did not arrive", (unsigned)i);
    peer_cloud_command("publish " PEER_PK " dev001 " PEER_OWN "user/commands again");
    UNTIL(peer_count_of(&one.one, PEER_OWN "user/commands") == 1);
    peer_seat_close(&one);
}

/* A session is not proof enough for every server: who is refused shows all there is next time. */
static void a_refused_login_does_not_keep_its_session(void **state)
{
    (void)state;
    peer_seat(&one, "off001", PEER_DS_OFF);
    peer_relay_start(&relay, peer_cloud.tls_port);
    one.one.options.port = relay.port;
    one.board.tls.session_key = "tls";
    peer_begin(&one.one);
    for (uint32_t i = 0; i < 4; i++) {
        peer_expect_lost(&one.one, i, IOT_ERR_LINK_DENIED, false);
        assert_int_equal(peer_relay_offers_session(&relay), i % 2);
        peer_cloud_pass(peer_last(&one.one, IOT_EV_LOST)->delay_ms);
    }
    peer_seat_close(&one);
}

/* Keys of one identity are nothing for another on the same board. */
static void a_session_is_for_one_identity(void **state)
{
    (void)state;
    peer_relay_start(&relay, peer_cloud.psk_port); /* one port for all: it is not what tells */
    for (uint32_t i = 0; i < 4; i++) {
        static struct peer_kv kept[PEER_KV_MAX];
        memcpy(kept, one.board.kv, sizeof kept);
        peer_seat(&one, i < 2 ? "psk001" : "dev001", i < 2 ? PEER_DS_PSK : PEER_DS);
        if (i != 0)
            memcpy(one.board.kv, kept, sizeof kept);
        one.one.options.port = relay.port;
        one.board.tls.kinds = IOT_TLS_PSK | IOT_TLS_PLATFORM;
        one.board.tls.session_key = "tls";
        peer_begin(&one.one);
        UNTIL(one.one.kinds[IOT_EV_LOST] + one.one.kinds[IOT_EV_CONNECTED] != 0);
        assert_int_equal(peer_relay_offers_session(&relay), i % 2);
        peer_seat_close(&one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOUD_TEST(readings_go_up_and_commands_come_down),
        CLOUD_TEST(a_foreign_topic_is_refused_by_event_and_what_goes_there_is_dropped),
        CLOUD_TEST(two_devices_with_identities_of_their_own_do_not_disturb_each_other),
        CLOUD_TEST(a_stable_link_that_ends_comes_back_by_the_ordinary_ladder),
        CLOUD_TEST(who_is_kicked_soon_stays_away),
        CLOUD_TEST(a_second_device_with_the_same_identity_kicks_the_first),
        CLOUD_TEST(two_with_the_same_identity_calm_down),
        CLOUD_TEST(flow_control_is_named_and_obeyed),
        CLOUD_TEST(too_many_connections_in_a_minute_are_flow_control),
        CLOUD_TEST(a_disabled_device_is_told_and_stays_away_until_it_is_enabled),
        CLOUD_TEST(a_deleted_device_is_told_the_same_and_never_comes_back),
        CLOUD_TEST(who_was_disabled_and_enabled_in_time_is_not_disabled),
        CLOUD_TEST(nothing_is_lost_when_the_platform_falls_in_the_middle_of_flows),
        CLOUD_TEST(a_refused_login_does_not_keep_its_session),
        CLOUD_TEST(a_session_is_for_one_identity),
    };
    return cmocka_run_group_tests_name("link life", tests, peer_cloud_group_setup,
                                       peer_cloud_group_teardown);
}

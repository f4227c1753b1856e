/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud_fake.h"

#define SYS "/sys/" PK "/dev001/"
#define OWN "/" PK "/dev001/"

static struct cloud_verdict verdict;

static void assert_refused(const struct cloud_login *login, uint8_t code, const char *reason)
{
    verdict = cloud_fake_judge(login, 0);
    if (verdict.answer != CLOUD_REFUSE || verdict.code != code ||
        strstr(verdict.reason, reason) == NULL)
        fail_msg("answer %d, code %u: %s", verdict.answer, verdict.code, verdict.reason);
    assert_contains(cloud_log, reason);
}

static void assert_output(enum cloud_output_kind kind, cloud_link link, const char *topic,
                          const char *payload)
{
    const struct cloud_output *o = cloud_next(&cloud);
    assert_non_null(o);
    assert_int_equal(o->kind, kind);
    assert_int_equal(o->link, link);
    if (topic != NULL) {
        assert_string_equal(o->topic, topic);
        assert_string_equal(o->payload, payload);
        assert_int_equal(o->payload_len, strlen(payload));
    }
}

static void assert_no_output(void)
{
    assert_null(cloud_next(&cloud));
}

/* ---- login */

static void the_vectors_of_the_protocol_log_in(void **state)
{
    static const struct {
        const char *client_id, *password;
    } good[] = {
        {PK ".dev001|timestamp=2524608000000,_v=sdk-c-3.2.0,securemode=2,signmethod=hmacsha256,"
            "lan=C,gw=0,ext=0|",
         "E94C6C93B28B957C26538D2B0FEBD732A54FAA2D172C6B72ADED4DFADF897AE4"},
        {PK ".dev001|securemode=2,signmethod=hmacsha1,timestamp=2524608000000,|",
         "ad32c7344cdba0d7992b63998e3fbe2a5707b100"},
        {PK ".dev001|securemode=2,signmethod=hmacmd5,timestamp=2524608000000|",
         "e8328765fb8aea83522cff7009b8A956"},
        {"12345|securemode=2,signmethod=hmacmd5,timestamp=2524608000000|",
         "df749311dc8b8f75dd89ce7b3da608b3"},
        {"12345|securemode=2,signmethod=hmacsha1,timestamp=2524608000000|",
         "3a7c9c232e566cd586db4a16690cabf59cc9d082"},
        {"12345|securemode=2,signmethod=hmacsha256,timestamp=2524608000000|",
         "0cb5a8725b238bcf732ececf8c5ff8198be174d406c4eea2d83359eec070a1b1"},
        {PK ".dev001|securemode=2,signmethod=hmacmd5|", "c7d5fd11ae78fa0831a4a1fea6a3f70c"},
        {PK ".dev001|securemode=2,signmethod=hmacsha1|",
         "e5c1a9bbfffd73ba9f4827bf88363568c3b2c69e"},
        {PK ".dev001|securemode=2,signmethod=hmacsha256|",
         "25de8c1a0dcf1494ccc3b1b1d92a34f92a34f588372191c36a13ef005219bd89"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        struct cloud_login login = cloud_fake_login(1, "dev001");
        login.client_id = good[i].client_id;
        login.password = good[i].password;
        verdict = cloud_fake_judge(&login, 0);
        if (verdict.answer != CLOUD_ACCEPT)
            fail_msg("%s: %s", good[i].client_id, verdict.reason);
    }
    assert_contains(cloud_log, "login " PK " dev001 accepted: hmacsha256, tls\n");
    assert_contains(cloud_log, "login " PK " dev001 accepted: hmacmd5, tls\n");
}

static void a_wrong_signature_is_refused_with_the_signed_text_and_no_secret(void **state)
{
    (void)state;
    struct cloud_login login = cloud_fake_login(1, "dev001");
    login.password = "25de8c1a0dcf1494ccc3b1b1d92a34f92a34f588372191c36a13ef005219bd88";
    assert_refused(&login, 4,
                   "signature wrong; it has to be hmacsha256 with the device's secret over "
                   "clientId" PK ".dev001deviceNamedev001productKey" PK);
    login.password = "c7d5fd11ae78fa0831a4a1fea6a3f70c";
    assert_refused(&login, 4, "the password has 32 characters, hmacsha256 gives 64");
    login.password = "";
    assert_refused(&login, 4, "signature wrong");
    login.password = NULL;
    assert_refused(&login, 4, "there is no password");
    assert_null(strstr(cloud_log, DS));
    assert_null(strstr(cloud_log, "25de8c1a"));
    assert_no_output();
}

static void who_is_not_known_is_told_which_part_is_wrong(void **state)
{
    (void)state;
    struct cloud_login login = cloud_fake_login(1, "dev001");
    login.user_name = "dev001&a1B2c3D4e5G";
    assert_refused(&login, 4, "unknown product a1B2c3D4e5G");
    login.user_name = "dev009&" PK;
    assert_refused(&login, 4, "unknown device dev009 of product " PK);
    login.user_name = PK "&dev001";
    assert_refused(&login, 4, "unknown product dev001");
    login.user_name = "dev001";
    assert_refused(&login, 4, "the user name has to be deviceName&productKey");
    login.user_name = NULL;
    assert_refused(&login, 4, "the user name has to be deviceName&productKey");
    login = cloud_fake_login(1, "off001");
    assert_refused(&login, 4, "device " PK " off001 is disabled");
    cloud_set_state(&cloud, cloud_fake_device("dev002"), CLOUD_DELETED, 0);
    login = cloud_fake_login(1, "dev002");
    assert_refused(&login, 4, "device " PK " dev002 is deleted");
}

static void securemode_has_to_fit_the_transport(void **state)
{
    (void)state;
    struct cloud_login login = cloud_fake_login(1, "dev001");
    login.transport = CLOUD_PLAIN;
    assert_refused(&login, 2, "securemode=2 does not fit: the connection is plain TCP, which is 3");
    login.client_id = PK ".dev001|securemode=3,signmethod=hmacsha256|";
    assert_int_equal(cloud_fake_judge(&login, 0).answer, CLOUD_ACCEPT);
    login.transport = CLOUD_TLS;
    assert_refused(&login, 2, "securemode=3 does not fit: the connection is TLS, which is 2");
    login.client_id = PK ".dev001|securemode=-2,signmethod=hmacsha256|";
    assert_refused(&login, 2, "securemode=-2 is not offered");
    login.client_id = PK ".dev001|securemode=2,signmethod=hmacsha256,authType=register|";
    assert_refused(&login, 2, "authType register is not offered");
}

static void a_client_id_without_its_fields_is_refused_with_2_and_another_protocol_with_1(
    void **state)
{
    (void)state;
    struct cloud_login login = cloud_fake_login(1, "dev001");
    login.client_id = PK ".dev001|signmethod=hmacsha256|";
    assert_refused(&login, 2, "the client id has no securemode");
    login = cloud_fake_login(1, "dev001");
    login.protocol_level = 5;
    assert_refused(&login, 1, "protocol level 5");
    login.protocol_level = 3;
    assert_refused(&login, 1, "protocol level 3");
}

static void keepalive_is_limited_when_the_option_asks(void **state)
{
    (void)state;
    struct cloud_login login = cloud_fake_login(1, "dev001");
    login.keepalive_s = 29;
    assert_int_equal(cloud_fake_judge(&login, 0).answer, CLOUD_ACCEPT);
    cloud.book.rules.keepalive_limits = true;
    assert_refused(&login, 5, "keep-alive of 29 s; the platform takes 30 to 1200 s");
    login.keepalive_s = 1201;
    assert_refused(&login, 5, "keep-alive of 1201 s");
    login.keepalive_s = 1200;
    assert_int_equal(cloud_fake_judge(&login, 0).answer, CLOUD_ACCEPT);
    login.keepalive_s = 30;
    assert_int_equal(cloud_fake_judge(&login, 0).answer, CLOUD_ACCEPT);
}

static void a_certificate_is_an_identity_whatever_the_user_name(void **state)
{
    (void)state;
    struct cloud_login login = {.link = 7,
                                .transport = CLOUD_TLS_X509,
                                .protocol_level = 4,
                                .keepalive_s = 60,
                                .client_id = "anything",
                                .cert_key = PK,
                                .cert_name = "cert001"};
    assert_int_equal(cloud_fake_judge(&login, 0).answer, CLOUD_ACCEPT);
    assert_output(CLOUD_OUT_DIRECT, 7, "/ext/auth/identity/response",
                  "{\"productKey\":\"" PK "\",\"deviceName\":\"cert001\"}");
    assert_no_output();
    assert_contains(cloud_log, "login " PK " cert001 accepted: certificate, tls with certificate");

    login.cert_name = "dev001";
    assert_refused(&login, 4, "device " PK " dev001 signs with its secret, not with a certificate");
    login.cert_name = "cert009";
    assert_refused(&login, 4, "unknown device cert009");
    login.cert_name = NULL;
    assert_refused(&login, 4, "O=productKey, CN=deviceName");
    login.cert_name = "cert001";
    login.client_id = "x|securemode=3,signmethod=hmacsha1|";
    assert_refused(&login, 2, "securemode=3 does not fit");
    login = cloud_fake_login(1, "cert001"); /* without its certificate */
    assert_refused(&login, 4, "has to show its certificate");
}

static void tls_psk_gives_the_key_of_the_identity_that_then_logs_in(void **state)
{
    char key[65];
    (void)state;
    assert_true(cloud_psk_key(&cloud, 3, "devicename|hmacsha256|" PK "&dev001|2524608000000", key));
    assert_string_equal(key, "A7D53EBFA05AEF3B659F5D637B923FC992E833FE01F79956FA3C6CB739C2C6BE");
    struct cloud_login login = cloud_fake_login(3, "dev001");
    login.transport = CLOUD_TLS_PSK;
    assert_int_equal(cloud_fake_judge(&login, 0).answer, CLOUD_ACCEPT);
    login = cloud_fake_login(3, "dev002");
    login.transport = CLOUD_TLS_PSK;
    assert_refused(&login, 5, "the identity of TLS-PSK is another device's");

    cloud_gone(&cloud, 3); /* a key is good for one connection */
    login = cloud_fake_login(3, "dev001");
    login.transport = CLOUD_TLS_PSK;
    assert_refused(&login, 5, "the identity of TLS-PSK is another device's");

    login = cloud_fake_login(4, "psk001");
    assert_refused(&login, 4, "device " PK " psk001 has to use TLS-PSK");
    assert_true(cloud_psk_key(&cloud, 4, "devicename|hmacsha256|" PK "&psk001|1", key));
    login.transport = CLOUD_TLS_PSK;
    assert_int_equal(cloud_fake_judge(&login, 0).answer, CLOUD_ACCEPT);
}

static void tls_psk_has_no_key_for_whom_it_does_not_know(void **state)
{
    char key[65] = "";
    (void)state;
    assert_false(cloud_psk_key(&cloud, 1, "dev001", key));
    assert_contains(cloud_log, "tls-psk refused: 'dev001' is not devicename|hmacsha256|");
    assert_false(cloud_psk_key(&cloud, 1, "devicename|hmacsha256|" PK "&dev009|1", key));
    assert_contains(cloud_log, "tls-psk " PK " dev009 refused: unknown device");
    assert_false(cloud_psk_key(&cloud, 1, "devicename|hmacsha256|" PK "&off001|1", key));
    assert_contains(cloud_log, "off001 is disabled");
    assert_false(cloud_psk_key(&cloud, 1, "devicename|hmacsha256|" PK "&cert001|1", key));
    assert_contains(cloud_log, "cert001 has to show its certificate");
    assert_string_equal(key, "");
}

/* ---- one connection, silence, flow control */

static void a_second_login_kicks_the_first(void **state)
{
    (void)state;
    cloud_fake_connect(1, "dev001", 0);
    assert_no_output();
    cloud_fake_connect(2, "dev001", 1);
    assert_output(CLOUD_OUT_KICK, 1, NULL, NULL);
    assert_no_output();
    assert_contains(cloud_log, "kicked " PK " dev001: by a second login");
    cloud_gone(&cloud, 1); /* the end of the old one is not the end of the new one */
    assert_true(cloud_may_publish(&cloud, 2, OWN "update", 1, 2));
    assert_false(cloud_may_publish(&cloud, 1, OWN "update", 1, 2));
    cloud_fake_connect(3, "dev002", 3);
    assert_no_output();
}

static void a_refused_second_login_leaves_the_first_alone(void **state)
{
    (void)state;
    cloud_fake_connect(1, "dev001", 0);
    struct cloud_login login = cloud_fake_login(2, "dev001");
    login.password = "00";
    assert_refused(&login, 4, "signature wrong");
    assert_no_output();
    assert_true(cloud_may_publish(&cloud, 1, OWN "update", 1, 2));
}

static void silence_ends_five_seconds_after_the_keepalive(void **state)
{
    (void)state;
    cloud_fake_connect(1, "dev001", 1000);
    cloud_tick(&cloud, 66000);
    assert_no_output();
    cloud_heard(&cloud, 1, 66000);
    cloud_tick(&cloud, 131000);
    assert_no_output();
    cloud_tick(&cloud, 131001);
    assert_output(CLOUD_OUT_KICK, 1, NULL, NULL);
    assert_contains(cloud_log, "silent for longer than its keep-alive and 5 s");
    cloud_tick(&cloud, 200000);
    assert_no_output();
}

static void silence_is_not_judged_without_keepalive_or_by_a_front_that_sees_it_not(void **state)
{
    (void)state;
    struct cloud_login login = cloud_fake_login(1, "dev001");
    login.keepalive_s = 0;
    assert_int_equal(cloud_fake_judge(&login, 0).answer, CLOUD_ACCEPT);
    cloud_tick(&cloud, 10000000);
    assert_no_output();
    cloud.config.sees_silence = false;
    cloud_fake_connect(2, "dev002", 0);
    cloud_tick(&cloud, 10000000);
    assert_no_output();
}

static void too_many_connects_are_closed_without_an_answer_for_a_while(void **state)
{
    (void)state;
    cloud_fake_start("option connect-rate 2\noption flow-wait-s 100\n");
    struct cloud_login login = cloud_fake_login(1, "dev001");
    assert_int_equal(cloud_fake_judge(&login, 1000).answer, CLOUD_ACCEPT);
    assert_int_equal(cloud_fake_judge(&login, 2000).answer, CLOUD_ACCEPT);
    assert_int_equal(cloud_fake_judge(&login, 3000).answer, CLOUD_CLOSE);
    assert_contains(cloud_log, "dev001 closed: flow control: more than 2 connections in a minute; "
                               "for 100 s more");
    assert_int_equal(cloud_fake_judge(&login, 102999).answer, CLOUD_CLOSE);
    assert_int_equal(cloud_fake_judge(&login, 103000).answer, CLOUD_ACCEPT);
    cloud_fake_connect(2, "dev002", 3000); /* another device is not concerned */

    cloud_fake_start("");
    for (uint64_t i = 0; i < 1000; i++)
        cloud_fake_connect(1, "dev001", i);
}

static void flow_control_by_command_shuts_out_and_lets_in(void **state)
{
    (void)state;
    cloud_fake_connect(1, "dev001", 0);
    cloud_set_flow(&cloud, cloud_fake_device("dev001"), true);
    assert_output(CLOUD_OUT_KICK, 1, NULL, NULL);
    struct cloud_login login = cloud_fake_login(2, "dev001");
    assert_int_equal(cloud_fake_judge(&login, 1).answer, CLOUD_CLOSE);
    cloud_set_flow(&cloud, cloud_fake_device("dev001"), false);
    assert_int_equal(cloud_fake_judge(&login, 2).answer, CLOUD_ACCEPT);
}

/* ---- messages */

static void subscriptions_are_checked_and_counted(void **state)
{
    (void)state;
    cloud_fake_connect(1, "dev001", 0);
    assert_true(cloud_subscribe(&cloud, 1, OWN "user/get", 0));
    assert_true(cloud_subscribe(&cloud, 1, SYS "#", 1000));
    assert_false(cloud_subscribe(&cloud, 1, "/" PK "/dev002/user/get", 0));
    assert_contains(cloud_log,
                    "subscribe " PK " dev001 /" PK "/dev002/user/get refused: the topic is "
                    "not in the device's own name space");
    assert_false(cloud_subscribe(&cloud, 9, OWN "user/get", 0));
    cloud.book.rules.subscriptions = 100;
    assert_true(cloud_subscribe(&cloud, 1, OWN "user/get", 99));
    assert_false(cloud_subscribe(&cloud, 1, OWN "user/get", 100));
    assert_contains(cloud_log, "it has 100 subscriptions already");
}

static void publishes_are_dropped_with_a_reason(void **state)
{
    char topic[160];
    (void)state;
    cloud_fake_connect(1, "dev001", 0);
    assert_true(cloud_may_publish(&cloud, 1, OWN "update", CLOUD_PAYLOAD_MAX, 0));
    assert_false(cloud_may_publish(&cloud, 1, OWN "update", CLOUD_PAYLOAD_MAX + 1, 0));
    assert_contains(cloud_log, "publish " PK " dev001 " OWN
                               "update dropped: the payload is longer than 262144 bytes");
    assert_false(cloud_may_publish(&cloud, 1, OWN "get", 1, 0));
    assert_contains(cloud_log, OWN "get dropped: its product gives no permission to publish it");
    memset(topic, 'x', sizeof topic);
    topic[CLOUD_TOPIC_MAX + 1] = 0;
    assert_false(cloud_may_publish(&cloud, 1, topic, 1, 0));
    assert_contains(cloud_log, "dropped: the topic is longer than 128 bytes");
    assert_false(cloud_may_publish(&cloud, 2, OWN "update", 1, 0));
}

static void publishes_and_deliveries_have_a_rate_when_an_option_says(void **state)
{
    (void)state;
    cloud_fake_start("option publish-rate 2\noption deliver-rate 1\n");
    cloud_fake_connect(1, "dev001", 0);
    assert_true(cloud_may_publish(&cloud, 1, OWN "update", 1, 5000));
    assert_true(cloud_may_publish(&cloud, 1, OWN "update", 1, 5999));
    assert_false(cloud_may_publish(&cloud, 1, OWN "update", 1, 5999));
    assert_contains(cloud_log, "dropped: more than 2 messages in a second");
    assert_true(cloud_may_publish(&cloud, 1, OWN "update", 1, 6000));
    assert_true(cloud_may_deliver(&cloud, 1, OWN "get", 5000));
    assert_false(cloud_may_deliver(&cloud, 1, OWN "get", 5999));
    assert_true(cloud_may_deliver(&cloud, 1, OWN "get", 6000));

    cloud_fake_start("");
    cloud_fake_connect(1, "dev001", 0);
    for (int i = 0; i < 1000; i++)
        assert_true(cloud_may_publish(&cloud, 1, OWN "update", 1, 0));
}

static void the_platform_takes_what_is_for_it_and_passes_custom_topics_on(void **state)
{
    (void)state;
    cloud_fake_connect(1, "dev001", 0);
    assert_int_equal(cloud_publish(&cloud, 1, SYS "thing/event/property/post", "{}", 2, 0),
                     CLOUD_TAKEN);
    assert_int_equal(cloud_publish(&cloud, 1, OWN "user/both", "{}", 2, 0), CLOUD_PASS);
    assert_int_equal(cloud_publish(&cloud, 1, "/x", "{}", 2, 0), CLOUD_DROP);
    assert_int_equal(cloud_publish(&cloud, 2, OWN "user/both", "{}", 2, 0), CLOUD_DROP);
}

static void a_device_gets_only_its_own_messages(void **state)
{
    (void)state;
    cloud_fake_connect(1, "dev001", 0);
    assert_true(cloud_may_deliver(&cloud, 1, OWN "user/get", 0));
    assert_false(cloud_may_deliver(&cloud, 1, "/" PK "/dev002/user/get", 0));
    assert_false(cloud_may_deliver(&cloud, 1, "$SYS/broker/version", 0));
    assert_false(cloud_may_deliver(&cloud, 9, OWN "user/get", 0));
}

/* ---- the console */

static void a_disabled_device_is_told_cut_off_and_refused_until_enabled(void **state)
{
    (void)state;
    int device = cloud_fake_device("dev001");
    cloud_fake_connect(1, "dev001", 0);
    cloud_set_state(&cloud, device, CLOUD_DISABLED, 1000);
    assert_output(CLOUD_OUT_PUBLISH, 1, SYS "thing/disable",
                  "{\"id\":\"1\",\"version\":\"1.0\",\"params\":{},\"method\":\"thing.disable\"}");
    assert_no_output();
    assert_false(cloud_may_publish(&cloud, 1, OWN "update", 1, 1001));
    assert_true(cloud_may_publish(&cloud, 1, SYS "thing/disable_reply", 1, 1001));
    cloud_tick(&cloud, 1000 + CLOUD_LAST_WORD_MS - 1);
    assert_no_output();
    cloud_tick(&cloud, 1000 + CLOUD_LAST_WORD_MS);
    assert_output(CLOUD_OUT_KICK, 1, NULL, NULL);
    assert_contains(cloud_log, "kicked " PK " dev001: it is disabled");
    struct cloud_login login = cloud_fake_login(2, "dev001");
    assert_refused(&login, 4, "device " PK " dev001 is disabled");
    cloud_set_state(&cloud, device, CLOUD_ENABLED, 2000);
    assert_no_output(); /* it is offline */
    cloud_fake_connect(3, "dev001", 3000);
}

static void enabled_in_time_it_stays(void **state)
{
    (void)state;
    int device = cloud_fake_device("dev001");
    cloud_fake_connect(1, "dev001", 0);
    cloud_set_state(&cloud, device, CLOUD_DISABLED, 1000);
    cloud_set_state(&cloud, device, CLOUD_ENABLED, 1001);
    assert_output(CLOUD_OUT_PUBLISH, 1, NULL, NULL);
    assert_output(CLOUD_OUT_PUBLISH, 1, SYS "thing/enable",
                  "{\"id\":\"2\",\"version\":\"1.0\",\"params\":{},\"method\":\"thing.enable\"}");
    cloud_tick(&cloud, 5000);
    assert_no_output();
}

static void a_deleted_device_is_told_and_does_not_come_back(void **state)
{
    (void)state;
    struct cloud_login login = cloud_fake_login(1, "dev001");
    login.client_id = PK ".dev001|securemode=2,signmethod=hmacsha256,_ss=1|";
    assert_int_equal(cloud_fake_judge(&login, 0).answer, CLOUD_ACCEPT);
    cloud_set_state(&cloud, cloud_fake_device("dev001"), CLOUD_DELETED, 1000);
    /* it asked for system topics without SUBSCRIBE */
    assert_output(CLOUD_OUT_DIRECT, 1, SYS "thing/delete",
                  "{\"id\":\"1\",\"version\":\"1.0\",\"params\":{},\"method\":\"thing.delete\"}");
    cloud_tick(&cloud, 2000);
    assert_output(CLOUD_OUT_KICK, 1, NULL, NULL);
    assert_refused(&login, 4, "is deleted");
}

static void a_message_goes_to_a_topic_that_its_device_may_subscribe(void **state)
{
    const char *why;
    int device = cloud_fake_device("dev001");
    (void)state;
    assert_false(cloud_send(&cloud, device, OWN "user/get", "hi", 2, &why));
    assert_string_equal(why, "the device is offline, and the platform keeps no messages");
    cloud_fake_connect(1, "dev001", 0);
    assert_true(cloud_send(&cloud, device, OWN "user/get", "hi", 2, &why));
    assert_output(CLOUD_OUT_PUBLISH, 1, OWN "user/get", "hi");
    assert_true(cloud_send(&cloud, device, "/ext/rrpc/5/x", "", 0, &why));
    assert_output(CLOUD_OUT_DIRECT, 1, "/ext/rrpc/5/x", "");
    assert_false(cloud_send(&cloud, device, OWN "user/update", "hi", 2, &why));
    assert_string_equal(why, "its product gives no permission to subscribe it");
    assert_false(cloud_send(&cloud, device, OWN "user/#", "hi", 2, &why));
    assert_false(cloud_send(&cloud, device, "/" PK "/dev002/user/get", "hi", 2, &why));
    assert_no_output();
}

static void outputs_have_an_end_and_nothing_breaks_there(void **state)
{
    const char *why;
    int device = cloud_fake_device("dev001");
    (void)state;
    cloud_fake_connect(1, "dev001", 0);
    for (int i = 0; i < CLOUD_OUTPUTS_MAX; i++)
        assert_true(cloud_send(&cloud, device, OWN "user/get", "hi", 2, &why));
    assert_false(cloud_send(&cloud, device, OWN "user/get", "hi", 2, &why));
    assert_string_equal(why, "too many messages wait to be sent");
    for (int i = 0; i < CLOUD_OUTPUTS_MAX; i++)
        assert_output(CLOUD_OUT_PUBLISH, 1, OWN "user/get", "hi");
    assert_no_output();
    assert_true(cloud_send(&cloud, device, OWN "user/get", "hi", 2, &why));
}

static void a_log_line_is_one_line_whatever_comes_from_outside(void **state)
{
    (void)state;
    struct cloud_login login = cloud_fake_login(1, "dev001");
    login.user_name = "a\nlogin b accepted";
    verdict = cloud_fake_judge(&login, 0);
    assert_contains(cloud_log, "login 'a?login b accepted' refused (4)");
}

static int setup(void **state)
{
    (void)state;
    cloud_fake_start("");
    return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_vectors_of_the_protocol_log_in),
        TEST(a_wrong_signature_is_refused_with_the_signed_text_and_no_secret),
        TEST(who_is_not_known_is_told_which_part_is_wrong),
        TEST(securemode_has_to_fit_the_transport),
        TEST(a_client_id_without_its_fields_is_refused_with_2_and_another_protocol_with_1),
        TEST(keepalive_is_limited_when_the_option_asks),
        TEST(a_certificate_is_an_identity_whatever_the_user_name),
        TEST(tls_psk_gives_the_key_of_the_identity_that_then_logs_in),
        TEST(tls_psk_has_no_key_for_whom_it_does_not_know),
        TEST(a_second_login_kicks_the_first),
        TEST(a_refused_second_login_leaves_the_first_alone),
        TEST(silence_ends_five_seconds_after_the_keepalive),
        TEST(silence_is_not_judged_without_keepalive_or_by_a_front_that_sees_it_not),
        TEST(too_many_connects_are_closed_without_an_answer_for_a_while),
        TEST(flow_control_by_command_shuts_out_and_lets_in),
        TEST(subscriptions_are_checked_and_counted),
        TEST(publishes_are_dropped_with_a_reason),
        TEST(publishes_and_deliveries_have_a_rate_when_an_option_says),
        TEST(the_platform_takes_what_is_for_it_and_passes_custom_topics_on),
        TEST(a_device_gets_only_its_own_messages),
        TEST(a_disabled_device_is_told_cut_off_and_refused_until_enabled),
        TEST(enabled_in_time_it_stays),
        TEST(a_deleted_device_is_told_and_does_not_come_back),
        TEST(a_message_goes_to_a_topic_that_its_device_may_subscribe),
        TEST(outputs_have_an_end_and_nothing_breaks_there),
        TEST(a_log_line_is_one_line_whatever_comes_from_outside),
    };
    return cmocka_run_group_tests_name("cloud core", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Through cloud_login and cloud_psk_key, as a front does. */
#include "cloud_fake.h"

static struct cloud_verdict verdict;

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
    cloud_fake_refused(&login, 4,
                       "signature wrong; it has to be hmacsha256 with the device's secret over "
                       "clientId" PK ".dev001deviceNamedev001productKey" PK);
    login.password = "c7d5fd11ae78fa0831a4a1fea6a3f70c";
    cloud_fake_refused(&login, 4, "the password has 32 characters, hmacsha256 gives 64");
    login.password = "";
    cloud_fake_refused(&login, 4, "signature wrong");
    login.password = NULL;
    cloud_fake_refused(&login, 4, "there is no password");
    assert_null(strstr(cloud_log, DS));
    assert_null(strstr(cloud_log, "25de8c1a"));
    cloud_fake_no_output();
}

static void who_is_not_known_is_told_which_part_is_wrong(void **state)
{
    (void)state;
    struct cloud_login login = cloud_fake_login(1, "dev001");
    login.user_name = "dev001&a1B2c3D4e5G";
    cloud_fake_refused(&login, 4, "unknown product a1B2c3D4e5G");
    login.user_name = "dev009&" PK;
    cloud_fake_refused(&login, 4, "unknown device dev009 of product " PK);
    login.user_name = PK "&dev001";
    cloud_fake_refused(&login, 4, "unknown product dev001");
    login.user_name = "dev001";
    cloud_fake_refused(&login, 4, "the user name has to be deviceName&productKey");
    login.user_name = NULL;
    cloud_fake_refused(&login, 4, "the user name has to be deviceName&productKey");
    login = cloud_fake_login(1, "off001");
    cloud_fake_refused(&login, 4, "device " PK " off001 is disabled");
    cloud_set_state(&cloud, cloud_fake_device("dev002"), CLOUD_DELETED, 0);
    login = cloud_fake_login(1, "dev002");
    cloud_fake_refused(&login, 4, "device " PK " dev002 is deleted");
}

static void securemode_has_to_fit_the_transport(void **state)
{
    (void)state;
    struct cloud_login login = cloud_fake_login(1, "dev001");
    login.transport = CLOUD_PLAIN;
    cloud_fake_refused(&login, 2,
                       "securemode=2 does not fit: the connection is plain TCP, which is 3");
    login.client_id = PK ".dev001|securemode=3,signmethod=hmacsha256|";
    assert_int_equal(cloud_fake_judge(&login, 0).answer, CLOUD_ACCEPT);
    login.transport = CLOUD_TLS;
    cloud_fake_refused(&login, 2, "securemode=3 does not fit: the connection is TLS, which is 2");
    login.client_id = PK ".dev001|securemode=-2,signmethod=hmacsha256|";
    cloud_fake_refused(&login, 2, "securemode=-2 is not offered");
    login.client_id = PK ".dev001|securemode=2,signmethod=hmacsha256,authType=id2|";
    cloud_fake_refused(&login, 2, "authType id2 is not offered");
}

static void a_bad_client_id_is_refused_with_2_and_another_protocol_with_1(void **state)
{
    (void)state;
    struct cloud_login login = cloud_fake_login(1, "dev001");
    login.client_id = PK ".dev001|signmethod=hmacsha256|";
    cloud_fake_refused(&login, 2, "the client id has no securemode");
    login = cloud_fake_login(1, "dev001");
    login.protocol_level = 5;
    cloud_fake_refused(&login, 1, "protocol level 5");
    login.protocol_level = 3;
    cloud_fake_refused(&login, 1, "protocol level 3");
}

static void keepalive_is_limited_when_the_option_asks(void **state)
{
    (void)state;
    struct cloud_login login = cloud_fake_login(1, "dev001");
    login.keepalive_s = 29;
    assert_int_equal(cloud_fake_judge(&login, 0).answer, CLOUD_ACCEPT);
    cloud.book.rules.keepalive_limits = true;
    cloud_fake_refused(&login, 5, "keep-alive of 29 s; the platform takes 30 to 1200 s");
    login.keepalive_s = 1201;
    cloud_fake_refused(&login, 5, "keep-alive of 1201 s");
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
    cloud_fake_output(CLOUD_OUT_DIRECT, 7, "/ext/auth/identity/response",
                      "{\"productKey\":\"" PK "\",\"deviceName\":\"cert001\"}");
    cloud_fake_no_output();
    assert_contains(cloud_log, "login " PK " cert001 accepted: certificate, tls with certificate");

    login.cert_name = "dev001";
    cloud_fake_refused(&login, 4,
                       "device " PK " dev001 signs with its secret, not with a certificate");
    login.cert_name = "cert009";
    cloud_fake_refused(&login, 4, "unknown device cert009");
    login.cert_name = NULL;
    cloud_fake_refused(&login, 4, "O=productKey, CN=deviceName");
    login.cert_name = "cert001";
    login.client_id = "x|securemode=3,signmethod=hmacsha1|";
    cloud_fake_refused(&login, 2, "securemode=3 does not fit");
    login = cloud_fake_login(1, "cert001"); /* without its certificate */
    cloud_fake_refused(&login, 4, "has to show its certificate");
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
    cloud_fake_refused(&login, 5, "the identity of TLS-PSK is another device's");

    cloud_gone(&cloud, 3); /* the next one takes up its session and asks for no key */
    login = cloud_fake_login(3, "dev001");
    login.transport = CLOUD_TLS_PSK;
    assert_int_equal(cloud_fake_judge(&login, 0).answer, CLOUD_ACCEPT);
    cloud_gone(&cloud, 3);

    login = cloud_fake_login(4, "psk001");
    cloud_fake_refused(&login, 4, "device " PK " psk001 has to use TLS-PSK");
    assert_true(cloud_psk_key(&cloud, 4, "devicename|hmacsha256|" PK "&psk001|1", key));
    login.transport = CLOUD_TLS_PSK;
    assert_int_equal(cloud_fake_judge(&login, 0).answer, CLOUD_ACCEPT);
}

static void tls_psk_has_no_key_for_whom_it_does_not_know(void **state)
{
    char key[65] = "";
    (void)state;
    assert_false(cloud_psk_key(&cloud, 1, "dev001", key));
    assert_contains(cloud_log, "tls-psk 'dev001' refused: it is not devicename|hmacsha256|");
    assert_false(cloud_psk_key(&cloud, 1, "devicename|hmacsha256|" PK "&dev009|1", key));
    assert_contains(cloud_log, "refused: unknown device dev009");
    assert_false(cloud_psk_key(&cloud, 1, "devicename|hmacsha256|" PK "&off001|1", key));
    assert_contains(cloud_log, "off001 is disabled");
    assert_false(cloud_psk_key(&cloud, 1, "devicename|hmacsha256|" PK "&cert001|1", key));
    assert_contains(cloud_log, "cert001 has to show its certificate");
    assert_string_equal(key, "");
}

#define TEST(name) cmocka_unit_test_setup(name, cloud_fake_setup)

static void a_will_is_refused_only_when_an_option_says_so(void **state)
{
    (void)state;
    struct cloud_login login = cloud_fake_login(1, "dev001");
    login.will = true;
    assert_int_equal(cloud_fake_judge(&login, 0).answer, CLOUD_ACCEPT);
    cloud.book.rules.no_will = true;
    cloud_fake_refused(&login, 5, "it has a will, which is off by an option");
    login.will = false;
    assert_int_equal(cloud_fake_judge(&login, 0).answer, CLOUD_ACCEPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_vectors_of_the_protocol_log_in),
        TEST(a_wrong_signature_is_refused_with_the_signed_text_and_no_secret),
        TEST(who_is_not_known_is_told_which_part_is_wrong),
        TEST(securemode_has_to_fit_the_transport),
        TEST(keepalive_is_limited_when_the_option_asks),
        TEST(a_bad_client_id_is_refused_with_2_and_another_protocol_with_1),
        TEST(a_certificate_is_an_identity_whatever_the_user_name),
        TEST(tls_psk_gives_the_key_of_the_identity_that_then_logs_in),
        TEST(tls_psk_has_no_key_for_whom_it_does_not_know),
        TEST(a_will_is_refused_only_when_an_option_says_so),
    };
    return cmocka_run_group_tests_name("cloud gate", tests, NULL, NULL);
}

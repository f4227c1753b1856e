/* SPDX-License-Identifier: Apache-2.0 */
/* Signed by the vectors of section 16.4, where there is one. */
#include "cloud_fake.h"

#include "cloud/cloud_register.h"

#define PS "Ps16CharSecret01"

static char id[256], user[64], password[65];

/* The product's secret signs. */
static struct cloud_login registration(cloud_link link, const char *name, const char *kind,
                                       const char *random)
{
    struct cloud_login login = {.link = link,
                                .transport = CLOUD_TLS,
                                .protocol_level = 4,
                                .keepalive_s = 60,
                                .client_id = id,
                                .user_name = user,
                                .password = password};
    uint8_t digest[CLOUD_DIGEST_MAX];
    char text[256];

    snprintf(id, sizeof id, PK ".%s|authType=%s,random=%s,signmethod=hmacsha256,securemode=2|",
             name, kind, random);
    snprintf(user, sizeof user, "%s&" PK, name);
    snprintf(text, sizeof text, "deviceName%sproductKey" PK "random%s", name, random);
    cloud_fake_hmac(NULL, CLOUD_SHA256, PS, text, digest);
    cloud_text_hex(digest, 32, false, password);
    return login;
}

static void accepted(const struct cloud_login *login, uint64_t now)
{
    struct cloud_verdict v = cloud_fake_judge(login, now);
    if (v.answer != CLOUD_ACCEPT)
        fail_msg("%s", v.reason);
}

static int start(void **state)
{
    (void)state;
    cloud_fake_start("device " PK " plain1 secret=55\n");
    cloud.book.products[0].registers = CLOUD_REGISTER_LISTED;
    /* the one whose secret nobody has given yet */
    cloud.book.devices[cloud_fake_device("dev002")].secret[0] = 0;
    return 0;
}

static void the_vectors_of_the_protocol_register(void **state)
{
    static const struct {
        const char *id, *password;
    } rows[] = {
        {PK ".dev001|authType=register,random=8Ygb7ULYh53B6OA,signmethod=hmacsha256,securemode=2|",
         "33c3dafba730e7cbca5cbbf75c368b512cfbc4338fccfa57c19740be21af9954"},
        {"dev001." PK "|random=8Ygb7ULYh53B6OA,authType=register,securemode=2,signmethod=hmacmd5|",
         "FA52D8488DB0EF7193F985D014B0A59C"},
        {PK ".dev001|authType=register,random=1A2B3C4D,signmethod=hmacsha1,securemode=2|",
         "26b1cc8beef1f667513a06edc40ae7a9c9500a30"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cloud_login login = registration(i + 1, "dev001", "register", "x");
        snprintf(id, sizeof id, "%s", rows[i].id);
        snprintf(password, sizeof password, "%s", rows[i].password);
        accepted(&login, 0);
        cloud_fake_output(
            CLOUD_OUT_DIRECT, i + 1, "/ext/register",
            "{\"productKey\":\"a1B2c3D4e5F\",\"deviceName\":\"dev001\",\"deviceSecret\":"
            "\"0f1e2d3c4b5a69788796a5b4c3d2e1f0\"}");
        cloud_fake_no_output();
    }
    assert_null(strstr(cloud_log, DS));
    assert_null(strstr(cloud_log, PS));
}

static void a_drawn_secret_stays_until_the_device_has_used_it(void **state)
{
    char secret[65];
    (void)state;
    struct cloud_login login = cloud_fake_login(1, "dev002");
    cloud_fake_refused(&login, 4, "has no secret yet: it has to register");
    login = registration(2, "dev002", "register", "r1");
    accepted(&login, 0);
    snprintf(secret, sizeof secret, "%s", cloud.book.devices[cloud_fake_device("dev002")].secret);
    assert_int_equal(strlen(secret), 32);
    assert_contains(cloud_next(&cloud)->payload, secret);
    login = registration(3, "dev002", "register", "r2");
    accepted(&login, 0);
    assert_contains(cloud_next(&cloud)->payload, secret);
    cloud_fake_connect(4, "dev002", 0);
    login = registration(5, "dev002", "register", "r3");
    cloud_fake_refused(&login, 5, "6289: device " PK " dev002 is already activated");
}

static void who_registers_can_do_nothing_else_and_is_closed(void **state)
{
    (void)state;
    struct cloud_login login = registration(7, "dev001", "register", "x");
    accepted(&login, 1000);
    cloud_next(&cloud);
    assert_false(cloud_subscribe(&cloud, 7, "/ext/register", 0));
    assert_false(cloud_subscribe(&cloud, 7, "/" PK "/dev001/user/get", 0));
    assert_false(cloud_may_publish(&cloud, 7, "/" PK "/dev001/user/update", 1, 1000));
    assert_false(cloud_may_retain(&cloud, 7, "/" PK "/dev001/user/update"));
    assert_true(cloud_may_deliver(&cloud, 7, "/ext/register", 1000));
    assert_true(cloud_may_deliver(&cloud, 7, "/ext/regnwl", 1000));
    assert_false(cloud_may_deliver(&cloud, 7, "/" PK "/dev001/user/get", 1000));
    cloud_tick(&cloud, 15999);
    cloud_fake_no_output();
    cloud_tick(&cloud, 16000);
    cloud_fake_output(CLOUD_OUT_KICK, 7, NULL, NULL);
    assert_false(cloud_may_deliver(&cloud, 7, "/ext/register", 16000));
    accepted(&login, 20000);
    cloud_next(&cloud);
    cloud_gone(&cloud, 7);
    cloud_tick(&cloud, 90000);
    cloud_fake_no_output();
}

static void what_may_not_register_is_told_why(void **state)
{
    (void)state;
    struct cloud_login login = registration(1, "dev001", "register", "x");
    login.transport = CLOUD_PLAIN;
    cloud_fake_refused(&login, 5, "registration is over TLS only");
    login = registration(1, "dev001", "register", "x");
    password[0] ^= 1;
    cloud_fake_refused(
        &login, 4,
        "6600: signature wrong; it has to be hmacsha256 with the product's secret over "
        "deviceNamedev001productKey" PK "randomx");
    password[5] = 0;
    cloud_fake_refused(&login, 4, "6600");
    login.password = NULL;
    cloud_fake_refused(&login, 4, "there is no password");
    login = registration(1, "dev009", "register", "x");
    cloud_fake_refused(&login, 4, "6100: unknown device dev009");
    login = registration(1, "off001", "register", "x");
    cloud_fake_refused(&login, 4, "disabled");
    login = registration(1, "cert001", "register", "x");
    cloud_fake_refused(&login, 5, "has a certificate");
    login = registration(1, "dev001", "regnwl", "x");
    cloud_fake_refused(&login, 5, "6288: dynamic registration is not enabled");
    login = registration(1, "dev001", "register", "x");
    snprintf(id, sizeof id, "x|authType=register,signmethod=hmacsha256,securemode=2|");
    cloud_fake_refused(&login, 2, "no random");
    snprintf(id, sizeof id, "x|authType=register,random=x,signmethod=hmacsha256,securemode=-2|");
    cloud_fake_refused(&login, 2, "securemode=-2 does not register");
    snprintf(id, sizeof id, "x|authType=register,random=,signmethod=hmacsha256,securemode=2|");
    cloud_fake_refused(&login, 2, "no value for the client id's random");
    login = registration(1, "gate001", "register", "x");
    snprintf(user, sizeof user, "gate001&a1GateWay01");
    cloud_fake_refused(&login, 5, "6288");
    snprintf(user, sizeof user, "gate001&a1Unknown01");
    cloud_fake_refused(&login, 4, "6250");
    cloud_fake_no_output();
}

static void sixteen_may_register_at_once(void **state)
{
    (void)state;
    for (cloud_link link = 1; link <= CLOUD_REGISTRARS_MAX; link++) {
        struct cloud_login login = registration(link, "dev001", "register", "x");
        accepted(&login, 0);
        cloud_next(&cloud);
    }
    struct cloud_login login = registration(99, "dev001", "register", "x");
    cloud_fake_refused(&login, 3, "more than 16 register at once");
}

static void without_a_list_a_device_is_made_and_has_a_token(void **state)
{
    char cid[64], token[64], expected[256];
    (void)state;
    cloud.book.products[0].registers = CLOUD_REGISTER_NEW;
    int before = cloud.book.device_count;
    struct cloud_login login = registration(1, "fresh1", "regnwl", "x");
    snprintf(id, sizeof id,
             "cid0001|random=x,authType=regnwl,securemode=-2,signmethod=hmacsha256|");
    accepted(&login, 0);
    assert_int_equal(cloud.book.device_count, before + 1);
    const struct cloud_device *d = &cloud.book.devices[before];
    snprintf(cid, sizeof cid, "%s", d->cid);
    snprintf(token, sizeof token, "%s", d->token);
    snprintf(expected, sizeof expected,
             "{\"clientId\":\"%s\",\"productKey\":\"" PK
             "\",\"deviceName\":\"fresh1\",\"deviceToken\":\"%s\"}",
             cid, token);
    cloud_fake_output(CLOUD_OUT_DIRECT, 1, "/ext/regnwl", expected);
    accepted(&login, 0); /* again, and the same */
    cloud_fake_output(CLOUD_OUT_DIRECT, 1, "/ext/regnwl", expected);

    snprintf(id, sizeof id, "%s|authType=connwl,securemode=-2,_ss=1,ext=3,_v=sdk-c-4.1.0|", cid);
    login.password = "0";
    cloud_fake_refused(&login, 4, "the token is wrong");
    login.password = token;
    login.transport = CLOUD_PLAIN;
    cloud_fake_refused(&login, 2, "authType connwl has securemode=-2, and is over TLS");
    login.transport = CLOUD_TLS;
    snprintf(id, sizeof id, "%s|authType=connwl,securemode=2|", cid);
    cloud_fake_refused(&login, 2, "authType connwl has securemode=-2");
    snprintf(id, sizeof id, "%s|authType=connwl,securemode=-2|", cid);
    login.link = 2;
    accepted(&login, 0);
    assert_contains(cloud_log, "login " PK " fresh1 accepted: token, tls");
    snprintf(id, sizeof id, "other|authType=connwl,securemode=-2|");
    cloud_fake_refused(&login, 4, "the client id is not the one that came with the token");
    snprintf(user, sizeof user, "dev001&" PK);
    cloud_fake_refused(&login, 4, "device dev001 has not registered with regnwl");
    login = registration(3, "fresh1", "regnwl", "y");
    cloud_fake_refused(&login, 5, "6289");
    login = registration(3, "bad/name", "regnwl", "y");
    cloud_fake_refused(&login, 4, "6280");
}

static void the_book_does_not_overflow(void **state)
{
    (void)state;
    cloud.book.products[0].registers = CLOUD_REGISTER_NEW;
    uint16_t count = cloud.book.device_count;
    cloud.book.device_count = CLOUD_DEVICES_MAX;
    struct cloud_login login = registration(1, "fresh1", "regnwl", "x");
    cloud_fake_refused(&login, 3, "more than 256 devices");
    cloud.book.device_count = count;
    cloud.config.random = NULL;
    cloud_fake_refused(&login, 3, "no chance to draw");
    assert_false(cloud_register_is(&cloud, 1));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, start)
    const struct CMUnitTest tests[] = {
        TEST(the_vectors_of_the_protocol_register),
        TEST(a_drawn_secret_stays_until_the_device_has_used_it),
        TEST(who_registers_can_do_nothing_else_and_is_closed),
        TEST(what_may_not_register_is_told_why),
        TEST(sixteen_may_register_at_once),
        TEST(without_a_list_a_device_is_made_and_has_a_token),
        TEST(the_book_does_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

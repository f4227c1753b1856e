/* SPDX-License-Identifier: Apache-2.0 */
/* A device with an identity logs in at the platform: how it signs, where it goes, what it says of itself; and
 * where those texts are meanwhile. Other proofs than its secret: test_link_proof.c. */
#include "peer_cloud.h"

#include "host/host_dns.h"
#include "host/host_net.h"
#include "link/iot_link_sign.h"
#include "peer_relay.h"

#include <arpa/inet.h>

#include "lwip/opt.h"

enum { EXT_SERVER_NAME = 0 };

static struct peer_seat seat;
static struct peer_relay relay;

static void dev001(void)
{
    peer_seat(&seat, "dev001", PEER_DS);
}

/* ---- Signing ----------------------------------------------------------------------------- */

static void every_method_logs_in_with_and_without_timestamp_over_tls_and_plain(void **state)
{
    static const char *const names[] = {"hmacsha256", "hmacsha1", "hmacmd5"};
    static const uint32_t digits[] = {64, 40, 32};
    static const char *const stamps[] = {NULL, "", "1700000000000"};
    (void)state;
    for (uint32_t plain = 0; plain <= 1; plain++) {
        for (uint32_t m = 0; m < COUNT(names); m++) {
            for (uint32_t i = 0; i < COUNT(stamps); i++) {
                char how[32];
                dev001();
                if (plain)
                    peer_seat_plain(&seat);
                seat.id.method = (enum iot_sign_method)m;
                seat.id.timestamp = stamps[i];
                snprintf(how, sizeof how, "%s, %s", names[m], plain ? "plain" : "tls");
                peer_seat_visits(&seat, "dev001", how);
                assert_int_equal(strlen(seat.password), digits[m]);
                assert_int_equal(strstr(seat.client_id, "timestamp=") != NULL, i != 1);
                assert_non_null(strstr(seat.client_id, plain ? "securemode=3" : "securemode=2"));
            }
        }
    }
    assert_string_equal(seat.user_name, "dev001&" PEER_PK);
}

static void every_field_may_be_set_at_once(void **state)
{
    static const char *const fields[] = {"own-7|timestamp=1700000000000,",
                                         ",_v=sdk-c-9.9.9,",
                                         ",signmethod=hmacsha1,",
                                         ",lan=C,",
                                         ",_ss=1,",
                                         ",gw=1,",
                                         ",ext=3,",
                                         ",pid=partner7,",
                                         ",mid=module-7,",
                                         ",instanceId=iot-0123abcd,",
                                         ",_conn=tcp 12 tls 34,",
                                         ",os=none,app=a b|"};
    (void)state;
    for (uint32_t plain = 0; plain <= 1; plain++) {
        dev001();
        if (plain)
            peer_seat_plain(&seat);
        seat.id.client_id = "own-7";
        seat.id.timestamp = "1700000000000";
        seat.id.method = IOT_SIGN_HMACSHA1;
        seat.id.region = "eu-central-1"; /* the instance decides */
        seat.id.instance_id = "iot-0123abcd";
        seat.id.sdk_version = "sdk-c-9.9.9";
        seat.id.gateway = true;
        seat.id.ext = IOT_LINK_EXT_RRPC | IOT_LINK_EXT_ERROR;
        seat.id.system_topics = true;
        seat.id.partner_id = "partner7";
        seat.id.module_id = "module-7";
        seat.id.connection = "tcp 12 tls 34";
        seat.id.custom = "os=none,app=a b";
        peer_seat_visits(&seat, "dev001", plain ? "hmacsha1, plain" : "hmacsha1, tls");
        for (uint32_t i = 0; i < COUNT(fields); i++)
            if (strstr(seat.client_id, fields[i]) == NULL)
                fail_msg("no %s in %s", fields[i], seat.client_id);
    }
}

static void fields_that_do_not_fit_the_window_are_refused_at_init(void **state)
{
    static char module[65], custom[129], connection[65];
    (void)state;
    dev001();
    memset(module, 'm', 64);
    memset(custom, 'c', 128);
    memset(connection, 'n', 64);
    seat.id.module_id = module;
    seat.id.custom = custom;
    seat.id.connection = connection;
    seat.id.partner_id = "sixteen-letters-";
    assert_err(iot_device_init(&seat.one.dev, &seat.one.options), IOT_ERR_SIZE);
}

/* ---- on_credentials ---------------------------------------------------------------------- */

static void credentials_are_those_of_the_protocol(void **state)
{
    (void)state;
    dev001();
    seat.id.sdk_version = "sdk-c-3.2.0";
    peer_seat_visits(&seat, "dev001", "hmacsha256, tls");
    assert_string_equal(seat.host, PEER_HOST);
    assert_int_equal(seat.port, peer_cloud.tls_port);
    assert_string_equal(seat.client_id,
                        PEER_PK ".dev001|timestamp=2524608000000,_v=sdk-c-3.2.0,"
                                "securemode=2,signmethod=hmacsha256,lan=C,gw=0,ext=0|");
    assert_string_equal(seat.password,
                        "E94C6C93B28B957C26538D2B0FEBD732A54FAA2D172C6B72ADED4DFADF897AE4");
}

static iot_err as_dev002(struct peer_seat *s, struct iot_credentials *c)
{
    static uint8_t scratch[IOT_LINK_LOGIN_MAX];
    static struct iot_link_identity two = {
        .product_key = PEER_PK, .device_name = "dev002", .device_secret = PEER_DS_TWO};
    struct iot_link_login login;
    iot_err err = iot_link_login(&two, IOT_LINK_TLS, scratch, sizeof scratch, &login);
    (void)s;

    c->host = PEER_PK ".iot-as-mqtt.us-west-1.aliyuncs.com";
    c->port = relay.port;
    c->client_id = login.client_id;
    c->user_name = login.user_name;
    c->password = login.password;
    return err;
}

static void credentials_may_be_replaced_all_of_them(void **state)
{
    static const char sni[] = PEER_PK ".iot-as-mqtt.us-west-1.aliyuncs.com";
    (void)state;
    dev001();
    peer_relay_start(&relay, peer_cloud.tls_port);
    seat.login = as_dev002;
    peer_seat_visits(&seat, "dev002", "hmacsha256, tls");
    struct iot_bytes ext = peer_relay_extension(&relay, EXT_SERVER_NAME);
    assert_int_equal(ext.len, 5 + sizeof sni - 1);
    assert_memory_equal(ext.ptr + 5, sni, sizeof sni - 1);
}

static uint32_t login_again;
static iot_err login_err;

static iot_err later_or_never(struct peer_seat *s, struct iot_credentials *c)
{
    (void)s;
    (void)c;
    if (login_again == 0)
        return login_err;
    login_again--;
    return IOT_ERR_AGAIN;
}

static void credentials_may_come_later_or_fail_by_name(void **state)
{
    (void)state;
    dev001();
    seat.login = later_or_never;
    login_again = 4;
    login_err = IOT_OK;
    peer_seat_connect(&seat);
    assert_int_equal(seat.attempts, 5);
    assert_int_equal(seat.one.kinds[IOT_EV_CONNECTING], 1);
    peer_seat_close(&seat);

    dev001();
    seat.login = later_or_never;
    login_err = IOT_ERR_STATE;
    peer_begin(&seat.one);
    for (uint32_t i = 0; i < 3; i++)
        peer_trust_lost(&seat.one, IOT_ERR_STATE, true);
    login_err = IOT_OK;
    UNTIL_FAST(iot_device_connected(&seat.one.dev));
    peer_seat_close(&seat);
}

/* In the whole device: the password, or so much of it that it helps. */
static bool device_holds(const struct peer_seat *s, const char *text)
{
    return memmem(&s->one.dev, sizeof s->one.dev, text, strlen(text) / 2) != NULL;
}

static bool held_when_connected;

static void look_for_password(struct peer_device *p, const struct iot_event *ev)
{
    struct peer_seat *s = (struct peer_seat *)(void *)p;

    if (ev->kind == IOT_EV_CONNECTED)
        held_when_connected = device_holds(s, s->password);
}

static void the_password_is_gone_when_connect_has_left(void **state)
{
    (void)state;
    for (uint32_t plain = 0; plain <= 1; plain++) {
        dev001();
        if (plain)
            peer_seat_plain(&seat);
        seat.one.also = look_for_password;
        held_when_connected = true;
        peer_begin(&seat.one);
        UNTIL(seat.one.kinds[IOT_EV_CONNECTING] != 0);
        assert_true(device_holds(&seat, seat.password)); /* the test can see it */
        UNTIL(iot_device_connected(&seat.one.dev));
        assert_false(held_when_connected);
        assert_false(device_holds(&seat, seat.password));
        assert_false(device_holds(&seat, PEER_DS));
        peer_seat_close(&seat);
    }
}

/* ---- Where it lives ---------------------------------------------------------------------- */

static void each_region_has_its_host_and_the_certificate_is_for_it(void **state)
{
    static const char *const regions[] = {
        NULL, "cn-shanghai", "ap-southeast-1", "ap-northeast-1", "us-west-1", "eu-central-1"};
    (void)state;
    for (uint32_t i = 0; i < COUNT(regions); i++) {
        char host[128];
        struct iot_bytes sni;
        dev001();
        peer_relay_start(&relay, peer_cloud.tls_port);
        seat.one.options.port = relay.port;
        seat.id.region = regions[i];
        snprintf(host, sizeof host, PEER_PK ".iot-as-mqtt.%s.aliyuncs.com",
                 regions[i] != NULL ? regions[i] : "cn-shanghai");
        peer_seat_visits(&seat, "dev001", "hmacsha256, tls");
        assert_string_equal(seat.host, host);
        sni = peer_relay_extension(&relay, EXT_SERVER_NAME);
        assert_int_equal(sni.len, 5 + strlen(host));
        assert_memory_equal(sni.ptr + 5, host, strlen(host));
        peer_relay_stop_all();
    }
}

static void an_instance_has_a_host_of_its_own(void **state)
{
    (void)state;
    dev001();
    seat.id.instance_id = "iot-0123abcd";
    peer_seat_visits(&seat, "dev001", "hmacsha256, tls");
    assert_string_equal(seat.host, "iot-0123abcd.mqtt.iothub.aliyuncs.com");
}

static void a_custom_host_counts_more_and_its_certificate_must_be_for_it(void **state)
{
    (void)state;
    dev001();
    seat.one.options.host = "localhost";
    seat.id.instance_id = "iot-0123abcd";
    peer_seat_visits(&seat, "dev001", "hmacsha256, tls");
    assert_string_equal(seat.host, "localhost");

    dev001();
    seat.one.options.host = "cloud.example";
    peer_trust_refused(&seat.one, IOT_ERR_TLS_VERIFY, IOT_TLS_FAULT_NAME);

    dev001();
    seat.one.options.host = "cloud.example";
    seat.board.tls.server_name = PEER_HOST;
    peer_seat_visits(&seat, "dev001", "hmacsha256, tls");
}

static void ports_are_the_platforms_unless_given(void **state)
{
    (void)state;
    for (uint32_t plain = 0; plain <= 1; plain++) {
        dev001();
        if (plain)
            peer_seat_plain(&seat);
        seat.one.options.port = 0;
        seat.login = later_or_never;
        login_again = 1000;
        peer_begin(&seat.one);
        UNTIL(seat.attempts != 0);
        assert_int_equal(seat.port, plain ? 1883 : 443);
        peer_seat_close(&seat);
    }
}

static uint32_t questions;
static char asked[128];

static enum host_dns_verdict slow_server(void *ctx, const char *name, bool v6, uint8_t address[16])
{
    uint32_t v4 = htonl(0x0a000202); /* 10.0.2.2 */
    (void)ctx;

    snprintf(asked, sizeof asked, "%s", name);
    if (questions++ < 2)
        return HOST_DNS_SILENCE;
    if (v6 != !LWIP_IPV4)
        return HOST_DNS_EMPTY;
    if (v6)
        inet_pton(AF_INET6, "fec0::2", address);
    else
        memcpy(address, &v4, 4);
    return HOST_DNS_ADDRESS;
}

/* The host's text lies in the window while it is asked for: it is read again after the answer. */
static void a_slow_name_server_finds_the_host_still_there(void **state)
{
    (void)state;
    dev001();
    seat.id.region = "us-east-1"; /* nobody has told lwIP */
    questions = 0;
    host_dns_answer(slow_server, NULL);
    peer_begin(&seat.one);
    UNTIL_FAST(iot_device_connected(&seat.one.dev));
    assert_int_equal(seat.one.kinds[IOT_EV_LOST], 0);
    assert_true(questions >= 3);
    assert_string_equal(asked, "a1b2c3d4e5f.iot-as-mqtt.us-east-1.aliyuncs.com");
    peer_cloud_said("dev001 accepted");
    peer_seat_close(&seat);
}

static void a_close_while_the_name_is_asked_for_and_init_again(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        peer_seat(&seat, i % 2 != 0 ? "dev002" : "dev001", i % 2 != 0 ? PEER_DS_TWO : PEER_DS);
        seat.id.region =
            i == 1 ? "cn-shenzhen" : "cn-beijing"; /* the answer to an orphan is kept */
        questions = i < 2 ? 0 : 2;
        host_dns_answer(slow_server, NULL);
        peer_begin(&seat.one);
        if (i == 2) {
            UNTIL_FAST(iot_device_connected(&seat.one.dev));
            peer_seat_close(&seat);
            continue;
        }
        UNTIL(questions != 0);
        assert_true(device_holds(&seat, seat.password));
        assert_err(iot_device_close(&seat.one.dev, 0), IOT_OK);
        peer_turn();
        assert_false(device_holds(&seat, seat.password)); /* at once, whoever still asks */
        UNTIL_FAST(seat.one.kinds[IOT_EV_CLOSED] != 0);
        peer_check_over(&seat.one);
        peer_leave(&seat.one);
    }
    peer_cloud_said("dev001 accepted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOUD_TEST(every_method_logs_in_with_and_without_timestamp_over_tls_and_plain),
        CLOUD_TEST(every_field_may_be_set_at_once),
        CLOUD_TEST(fields_that_do_not_fit_the_window_are_refused_at_init),
        CLOUD_TEST(credentials_are_those_of_the_protocol),
        CLOUD_TEST(credentials_may_be_replaced_all_of_them),
        CLOUD_TEST(credentials_may_come_later_or_fail_by_name),
        CLOUD_TEST(the_password_is_gone_when_connect_has_left),
        CLOUD_TEST(each_region_has_its_host_and_the_certificate_is_for_it),
        CLOUD_TEST(an_instance_has_a_host_of_its_own),
        CLOUD_TEST(a_custom_host_counts_more_and_its_certificate_must_be_for_it),
        CLOUD_TEST(ports_are_the_platforms_unless_given),
        CLOUD_TEST(a_slow_name_server_finds_the_host_still_there),
        CLOUD_TEST(a_close_while_the_name_is_asked_for_and_init_again),
    };
    return cmocka_run_group_tests_name("link", tests, peer_cloud_group_setup,
                                       peer_cloud_group_teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A device with an identity logs in at the platform: how it signs, where it goes, what it says of itself, and
 * what it is told when something of that is wrong. */
#include "peer_cloud.h"

#include "crypto/iot_crypto_digest.h"
#include "host/host_dns.h"
#include "host/host_net.h"
#include "host/host_pem.h"
#include "link/iot_link_sign.h"
#include "peer_relay.h"

#include <arpa/inet.h>

#include "lwip/opt.h"

enum { EXT_SERVER_NAME = 0, CONNACK_DENIED = 5 };

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
                assert_int_equal(peer_cloud_test_setup(NULL), 0);
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

/* ---- A secret that the library does not get to see ------------------------------------------ */

static struct signer {
    uint32_t calls, again;
    bool two_texts; /* the login's, then the key's of TLS-PSK; else always the same */
    iot_err err;
    const char *secret;
    char text[160];
} signer;

static iot_err sign(void *ctx, enum iot_sign_method method, struct iot_bytes text, uint8_t mac[32])
{
    struct signer *s = ctx;
    bool same = s->calls == 0 || s->two_texts || memcmp(s->text, text.ptr, text.len) == 0;

    s->calls++;
    if (!same || text.len >= sizeof s->text)
        return IOT_ERR_STATE;
    memcpy(s->text, text.ptr, text.len);
    s->text[text.len] = '\0';
    if (s->again != 0) {
        s->again--;
        return IOT_ERR_AGAIN;
    }
    iot_hmac((enum iot_digest_kind)method, text_bytes(s->secret), &text, 1, mac);
    return s->err;
}

static void sign_outside(const char *name, const char *secret)
{
    signer = (struct signer){.secret = secret};
    peer_seat(&seat, name, NULL);
    peer_trust_secret(&seat.board, text_bytes(secret));
    seat.id.sign = sign;
    seat.id.sign_ctx = &signer;
}

static void a_secure_element_signs_at_once_or_after_a_while(void **state)
{
    (void)state;
    for (uint32_t m = 0; m < 3; m++) {
        for (uint32_t again = 0; again <= 5; again += 5) {
            static const char *const how[] = {"hmacsha256, tls", "hmacsha1, tls", "hmacmd5, tls"};
            sign_outside("dev001", PEER_DS);
            seat.id.method = (enum iot_sign_method)m;
            signer.again = again;
            peer_begin(&seat.one);
            assert_int_equal(signer.calls, 0); /* there is nothing to sign yet */
            UNTIL(iot_device_connected(&seat.one.dev));
            assert_int_equal(signer.calls, again + 1);
            assert_int_equal(seat.attempts, 1);
            assert_int_equal(seat.one.kinds[IOT_EV_CONNECTING], 1);
            assert_string_equal(signer.text,
                                "clientId" PEER_PK ".dev001deviceNamedev001productKey" PEER_PK
                                "timestamp2524608000000");
            peer_cloud_said(how[m]);
            peer_seat_close(&seat);
        }
    }
}

static void a_secure_element_that_fails_names_the_loss(void **state)
{
    (void)state;
    sign_outside("dev001", PEER_DS);
    signer.err = IOT_ERR_KV;
    peer_begin(&seat.one);
    for (uint32_t i = 0; i < 3; i++)
        peer_trust_lost(&seat.one, IOT_ERR_KV, true);
    assert_in_range(peer_last(&seat.one, IOT_EV_LOST)->delay_ms, 250, 4000); /* the ladder */
    assert_int_equal(seat.attempts, 0);
    signer.err = IOT_OK;
    UNTIL_FAST(iot_device_connected(&seat.one.dev));
    peer_seat_close(&seat);
}

static void a_close_while_the_secure_element_is_busy_is_a_close(void **state)
{
    (void)state;
    sign_outside("dev001", PEER_DS);
    signer.again = UINT32_MAX;
    peer_begin(&seat.one);
    UNTIL(signer.calls > 3);
    peer_seat_close(&seat);
    assert_int_equal(seat.one.kinds[IOT_EV_CONNECTING], 0);
    assert_int_equal(peer_cloud_says("login"), 0);
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

/* ---- Other proofs ------------------------------------------------------------------------ */

static void psk(const char *name, const char *secret, uint32_t kinds)
{
    static uint8_t identity[IOT_LINK_PSK_IDENTITY_MAX], key[IOT_LINK_PSK_BYTES];
    struct iot_link_identity id = {
        .product_key = PEER_PK, .device_name = name, .device_secret = secret};
    uint32_t len;

    peer_seat(&seat, name, secret);
    seat.board.tls.kinds = kinds;
    seat.board.tls.ca = NULL;
    seat.board.tls.ca_count = 0;
    seat.one.options.port = peer_cloud.psk_port;
    assert_err(iot_link_psk(&id, identity, &len, key), IOT_OK);
    peer_trust_secret(&seat.board, (struct iot_bytes){key, sizeof key});
}

static void tls_psk_is_made_from_the_identity(void **state)
{
    (void)state;
    psk("psk001", PEER_DS_PSK, IOT_TLS_PSK | IOT_TLS_PLATFORM);
    peer_seat_connect(&seat);
    assert_string_equal(iot_tls_suite(&seat.one.dev.tls), "TLS-PSK-WITH-AES-128-CBC-SHA");
    assert_string_equal(seat.host, PEER_PK ".itls.cn-shanghai.aliyuncs.com");
    assert_int_equal(peer_trust_busy(&seat.one), 0);
    peer_cloud_said("cloud: login " PEER_PK " psk001 accepted: hmacsha256, tls-psk\n");
    peer_seat_close(&seat);
}

static void tls_psk_is_made_by_a_secure_element(void **state)
{
    static uint8_t key[IOT_LINK_PSK_BYTES];
    (void)state;
    psk("psk001", PEER_DS_PSK, IOT_TLS_PSK | IOT_TLS_PLATFORM);
    memcpy(key, seat.board.secrets[1].ptr, sizeof key);
    struct iot_tls_options tls = seat.board.tls;
    sign_outside("psk001", PEER_DS_PSK);
    peer_trust_secret(&seat.board, (struct iot_bytes){key, sizeof key});
    seat.board.tls = tls;
    seat.one.options.port = peer_cloud.psk_port;
    signer.two_texts = true;
    peer_seat_visits(&seat, "psk001", "hmacsha256, tls-psk");
    assert_int_equal(signer.calls, 2);
    assert_string_equal(signer.text, "id" PEER_PK "&psk001timestamp2524608000000");
}

static void tls_psk_with_a_wrong_secret_gets_no_key_and_no_login(void **state)
{
    (void)state;
    psk("psk001", "3c4d5e6f708192a3b4c5d6e7f8091a2c", IOT_TLS_PSK | IOT_TLS_PLATFORM);
    peer_trust_refused(&seat.one, IOT_ERR_TLS_PSK, PEER_ANY);
    assert_int_equal(peer_cloud_says("login"), 0);
    psk("nobody", PEER_DS_PSK, IOT_TLS_PSK | IOT_TLS_PLATFORM);
    peer_trust_refused(&seat.one, IOT_ERR_TLS_PSK, PEER_ANY);
    peer_cloud_said("refused: unknown device nobody of product " PEER_PK "\n");
}

static void without_the_platforms_suite_tls_psk_fails_by_name(void **state)
{
    (void)state;
    psk("psk001", PEER_DS_PSK, IOT_TLS_PSK);
    peer_trust_refused(&seat.one, IOT_ERR_TLS_KIND, PEER_ANY);
}

/* Sessions that are kept must not outlive the identity that made them. */
static void tls_psk_again_with_a_kept_session(void **state)
{
    (void)state;
    psk("psk001", PEER_DS_PSK, IOT_TLS_PSK | IOT_TLS_PLATFORM);
    seat.board.tls.session_key = "tls";
    peer_seat_connect(&seat);
    for (uint32_t i = 2; i < 5; i++) {
        peer_cloud_pass(31000);
        peer_cloud_command("kick " PEER_PK " psk001");
        UNTIL_FAST(seat.one.kinds[IOT_EV_CONNECTED] == i);
    }
    assert_int_equal(seat.one.kinds[IOT_EV_LOST], 3);
    peer_seat_close(&seat);
}

static char identity[128];

static void keep_identity(struct peer_device *p, const struct iot_event *ev)
{
    (void)p;
    if (ev->kind == IOT_EV_MESSAGE && ev->msg->payload.len < sizeof identity) {
        memcpy(identity, ev->msg->payload.ptr, ev->msg->payload.len);
        identity[ev->msg->payload.len] = '\0';
    }
}

static void a_client_certificate_is_an_identity_and_the_platform_tells_it(void **state)
{
    static struct host_pem cert, key;
    char cert_path[HOST_PATH_MAX], key_path[HOST_PATH_MAX], why[128];
    (void)state;
    if (!host_cloud_issue(&peer_cloud, PEER_PK, "cert001", cert_path, key_path))
        fail_msg("%s", peer_cloud.why);
    assert_true(host_pem_read(&cert, cert_path, why) && host_pem_read(&key, key_path, why));
    for (uint32_t known = 0; known <= 1; known++) {
        peer_seat(&seat, "cert001", NULL);
        seat.id.x509 = true;
        if (!known)
            seat.id.product_key = seat.id.device_name = NULL;
        seat.id.client_id = "box-7";
        seat.board.tls.cert = cert.items;
        seat.board.tls.cert_count = cert.count;
        seat.board.tls.key = key.items[0];
        seat.board.tls.session_key = "tls";
        peer_trust_secret(&seat.board, key.items[0]);
        seat.one.options.port = peer_cloud.x509_port;
        seat.one.also = keep_identity;
        for (uint32_t i = 1; i <= 3; i++) { /* a kept session is an identity, too */
            identity[0] = '\0';
            if (i == 1)
                peer_seat_connect(&seat);
            UNTIL_FAST(peer_count_of(&seat.one, "/ext/auth/identity/response") == i);
            assert_string_equal(identity,
                                "{\"productKey\":\"" PEER_PK "\",\"deviceName\":\"cert001\"}");
            peer_cloud_said("cloud: login " PEER_PK " cert001 accepted: certificate, ");
            assert_int_equal(seat.one.dev.tls.judged, i == 1);
            peer_cloud_pass(31000);
            if (i != 3)
                peer_cloud_command("kick " PEER_PK " cert001");
        }
        assert_int_equal(seat.one.kinds[IOT_EV_LOST], 2);
        assert_string_equal(seat.host, "x509.itls.cn-shanghai.aliyuncs.com");
        assert_string_equal(seat.password, "");
        peer_seat_close(&seat);
    }
}

/* ---- Refused ----------------------------------------------------------------------------- */

static void who_is_refused_is_told_why_and_stays_away(void **state)
{
    static const struct {
        const char *name, *secret, *why;
    } bad[] = {
        {"dev001", "0f1e2d3c4b5a69788796a5b4c3d2e1f1",
         "dev001 refused (4): signature wrong; it has to be hmacsha256 with the device's secret"},
        {"dev009", PEER_DS, "dev009 refused (4): unknown device dev009 of product " PEER_PK},
        {"off001", PEER_DS_OFF, "off001 refused (4): device " PEER_PK " off001 is disabled"},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(bad); i++) {
        peer_seat(&seat, bad[i].name, bad[i].secret);
        peer_begin(&seat.one);
        peer_seat_exiled(&seat, IOT_ERR_LINK_DENIED);
        assert_int_equal(peer_last(&seat.one, IOT_EV_LOST)->detail, CONNACK_DENIED);
        assert_string_equal(iot_err_detail_name(IOT_ERR_LINK_DENIED, CONNACK_DENIED),
                            iot_err_detail_name(IOT_ERR_MQTT_REFUSED, CONNACK_DENIED));
        peer_cloud_said(bad[i].why);
        peer_trust_lost(&seat.one, IOT_ERR_LINK_DENIED, false);
        assert_int_equal(seat.one.kinds[IOT_EV_LOST], 2);
        peer_seat_close(&seat);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOUD_TEST(every_method_logs_in_with_and_without_timestamp_over_tls_and_plain),
        CLOUD_TEST(every_field_may_be_set_at_once),
        CLOUD_TEST(fields_that_do_not_fit_the_window_are_refused_at_init),
        CLOUD_TEST(a_secure_element_signs_at_once_or_after_a_while),
        CLOUD_TEST(a_secure_element_that_fails_names_the_loss),
        CLOUD_TEST(a_close_while_the_secure_element_is_busy_is_a_close),
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
        CLOUD_TEST(tls_psk_is_made_from_the_identity),
        CLOUD_TEST(tls_psk_is_made_by_a_secure_element),
        CLOUD_TEST(tls_psk_with_a_wrong_secret_gets_no_key_and_no_login),
        CLOUD_TEST(without_the_platforms_suite_tls_psk_fails_by_name),
        CLOUD_TEST(tls_psk_again_with_a_kept_session),
        CLOUD_TEST(a_client_certificate_is_an_identity_and_the_platform_tells_it),
        CLOUD_TEST(who_is_refused_is_told_why_and_stays_away),
    };
    return cmocka_run_group_tests_name("link", tests, peer_cloud_group_setup,
                                       peer_cloud_group_teardown);
}

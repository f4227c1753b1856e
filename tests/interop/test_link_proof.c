/* SPDX-License-Identifier: Apache-2.0 */
/* How a device proves its identity when the library does not have its secret, or with more than a password: secure
 * elements, TLS-PSK, client certificates. And what becomes of who cannot prove it. */
#include "peer_cloud.h"

#include "crypto/iot_crypto_digest.h"
#include "host/host_pem.h"
#include "link/iot_link_sign.h"

enum { CONNACK_DENIED = 5 };

static struct peer_seat seat;

/* ---- A secret that the library does not get to see ------------------------------------------ */

static struct signer {
    uint32_t calls, again, key_again; /* the latter for the key of TLS-PSK */
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
    uint32_t *again = text.len > 2 && memcmp(text.ptr, "id", 2) == 0 ? &s->key_again : &s->again;
    if (*again != 0) {
        --*again;
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
    signer.again = 3;
    signer.key_again = 4;
    peer_seat_visits(&seat, "psk001", "hmacsha256, tls-psk");
    assert_int_equal(signer.calls, 2 + 3 + 4);
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
    if (ev->kind != IOT_EV_NOTICE || ev->notice->kind != IOT_NOTICE_IDENTITY)
        return;
    p->user++;
    snprintf(identity, sizeof identity, "%.*s", (int)ev->notice->data.len,
             (const char *)ev->notice->data.ptr);
}

static void a_client_certificate_is_an_identity_and_the_platform_tells_it(void **state)
{
    static struct host_pem cert, key;
    char cert_path[HOST_PATH_MAX], key_path[HOST_PATH_MAX], why[128];
    (void)state;
    if (!host_cloud_issue(&peer_cloud, PEER_PK, "cert001", cert_path, key_path))
        fail_msg("%s", peer_cloud.why);
    assert_true(host_pem_read(&cert, cert_path, HOST_PEM_CERTIFICATES, why));
    assert_true(host_pem_read(&key, key_path, HOST_PEM_KEY, why));
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
            UNTIL_FAST(seat.one.user == i);
            assert_string_equal(identity,
                                "{\"productKey\":\"" PEER_PK "\",\"deviceName\":\"cert001\"}");
            peer_cloud_said("cloud: login " PEER_PK " cert001 accepted: certificate, ");
            assert_int_equal(seat.one.dev.tls.core.judged, i == 1);
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
        CLOUD_TEST(a_secure_element_signs_at_once_or_after_a_while),
        CLOUD_TEST(a_secure_element_that_fails_names_the_loss),
        CLOUD_TEST(a_close_while_the_secure_element_is_busy_is_a_close),
        CLOUD_TEST(tls_psk_is_made_from_the_identity),
        CLOUD_TEST(tls_psk_is_made_by_a_secure_element),
        CLOUD_TEST(tls_psk_with_a_wrong_secret_gets_no_key_and_no_login),
        CLOUD_TEST(without_the_platforms_suite_tls_psk_fails_by_name),
        CLOUD_TEST(tls_psk_again_with_a_kept_session),
        CLOUD_TEST(a_client_certificate_is_an_identity_and_the_platform_tells_it),
        CLOUD_TEST(who_is_refused_is_told_why_and_stays_away),
    };
    return cmocka_run_group_tests_name("link proof", tests, peer_cloud_group_setup,
                                       peer_cloud_group_teardown);
}

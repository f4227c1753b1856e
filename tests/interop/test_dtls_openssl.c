/* SPDX-License-Identifier: Apache-2.0 */
/* The DTLS channel with openssl's server, over a socket of the host: another mind than mbedTLS's. */
#include "peer_device.h"
#include "peer_dtls.h"
#include "peer_udp.h"

#include "test.h"

#include "host/host_loop.h"
#include "tls/iot_tls_dgram.h"

#include <sys/socket.h>
#include <unistd.h>

#define KEY "6c776c696e6b2d7073"

/* ---- A carrier --------------------------------------------------------------------------- */

struct carrier {
    struct iot_dgram base;
    int fd;
    uint16_t to;
};

static struct carrier *self(struct iot_dgram *d)
{
    return (struct carrier *)(void *)d;
}

static void hang_up(struct carrier *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

static iot_err carrier_open(struct iot_dgram *d, const struct iot_endpoint *to, iot_time now)
{
    struct carrier *c = self(d);
    struct sockaddr_storage address;
    (void)to;
    (void)now;
    socklen_t len = peer_udp_address(c->to, &address);
    c->fd = peer_udp_socket(0, NULL);
    assert_true(c->fd >= 0 && connect(c->fd, (struct sockaddr *)&address, len) == 0);
    return IOT_OK;
}

static iot_err carrier_poll(struct iot_dgram *d, iot_time now)
{
    (void)now;
    return self(d)->fd >= 0 ? IOT_OK : IOT_ERR_CLOSED;
}

static iot_err carrier_read(struct iot_dgram *d, uint8_t *into, uint32_t cap, uint32_t *got)
{
    ssize_t n = recv(self(d)->fd, into, cap, MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0)
        return IOT_ERR_AGAIN;
    *got = (uint32_t)n;
    return *got > cap ? IOT_ERR_SIZE : IOT_OK;
}

static iot_err carrier_write(struct iot_dgram *d, struct iot_bytes bytes, iot_time now)
{
    (void)now;
    (void)!send(self(d)->fd, bytes.ptr, bytes.len, MSG_DONTWAIT);
    return IOT_OK;
}

static uint32_t carrier_room(const struct iot_dgram *d)
{
    (void)d;
    return 1400;
}

static void carrier_close(struct iot_dgram *d, iot_time deadline)
{
    (void)deadline;
    hang_up(self(d));
}

static void carrier_abort(struct iot_dgram *d)
{
    hang_up(self(d));
}

static iot_time carrier_deadline(const struct iot_dgram *d)
{
    (void)d;
    return IOT_TIME_NEVER;
}

static bool carrier_idle(const struct iot_dgram *d)
{
    return ((const struct carrier *)(const void *)d)->fd < 0;
}

static int32_t carrier_detail(const struct iot_dgram *d)
{
    (void)d;
    return 0;
}

static const struct iot_dgram_ops carrier_ops = {
    .open = carrier_open,
    .poll = carrier_poll,
    .read = carrier_read,
    .write = carrier_write,
    .room = carrier_room,
    .close = carrier_close,
    .abort = carrier_abort,
    .deadline = carrier_deadline,
    .idle = carrier_idle,
    .detail = carrier_detail,
};

/* ---- One end ----------------------------------------------------------------------------- */

static struct peer_tls server;
static struct carrier carrier;
static struct iot_dtls dtls;
static struct iot_tls_options opt;
static struct iot_dtls_options dopt;
static struct iot_bytes ca[1];
static struct iot_port port;
static iot_err says;
static iot_time now;
static uint8_t store[2048];
static uint32_t stored;
static uint8_t key_bytes[32], arena[49152] __attribute__((aligned(8)));

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    for (uint32_t i = 0; i < n; i++)
        ((uint8_t *)into)[i] = (uint8_t)rand();
    return IOT_OK;
}

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    (void)ctx;
    if (strcmp(key, "kept") != 0 || stored == 0 || stored > cap)
        return IOT_ERR_STATE;
    memcpy(into, store, *len = stored);
    return IOT_OK;
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    (void)ctx;
    if (strcmp(key, "kept") == 0)
        memcpy(store, bytes, stored = len);
    return IOT_OK;
}

static iot_err kv_del(void *ctx, const char *key)
{
    (void)ctx;
    stored = strcmp(key, "kept") == 0 ? 0 : stored;
    return IOT_OK;
}

static void prepare(enum peer_cert_id cert, const char *words)
{
    peer_dtls_openssl(&server, cert, words);
    carrier = (struct carrier){.base = {.ops = &carrier_ops}, .fd = -1, .to = server.port};
    port = (struct iot_port){
        .random = random_bytes, .kv_get = kv_get, .kv_set = kv_set, .kv_del = kv_del};
    opt = (struct iot_tls_options){.arena = arena, .arena_bytes = sizeof arena};
    dopt = (struct iot_dtls_options){.cid = true};
    stored = 0;
    if (cert == CERT_COUNT) {
        opt.kinds = IOT_TLS_PSK;
        opt.psk = (struct iot_bytes){key_bytes, from_hex(KEY, key_bytes, sizeof key_bytes)};
        opt.psk_identity = BYTES("lamp-7");
    } else {
        opt.kinds = IOT_TLS_ECDHE_ECDSA | (IOT_FEATURE_TLS_RSA ? IOT_TLS_ECDHE_RSA : 0);
        ca[0] = peer_cert(cert == CERT_RSA_GOOD ? CERT_RSA_ROOT : CERT_EC_ROOT)->der;
        opt.ca = ca;
        opt.ca_count = 1;
    }
    iot_dtls_init(&dtls, &carrier.base, &opt, &dopt, &port);
}

static void turn(void)
{
    host_turn(1);
    now++;
    says = dtls.base.ops->poll(&dtls.base, now);
}

static void turn_fast(void)
{
    now += 99;
    turn();
}

static void begin(void)
{
    static const struct iot_endpoint to = {.host = PEER_NAME};
    peer_tls_forget(&server);
    assert_err(iot_dtls_check(&opt, &dopt, false), IOT_OK);
    assert_err(dtls.base.ops->open(&dtls.base, &to, now), IOT_OK);
    says = IOT_ERR_AGAIN;
}

static const char *hear(void)
{
    static uint8_t text[2048];
    uint32_t n = 0;
    text[0] = '\0';
    if (says == IOT_OK && dtls.base.ops->read(&dtls.base, text, sizeof text - 1, &n) == IOT_OK)
        text[n] = '\0';
    return (const char *)text;
}

static void talk(void)
{
    assert_err(dtls.base.ops->write(&dtls.base, BYTES("from the lamp\n"), now), IOT_OK);
    UNTIL_WITH(turn, peer_tls_said(&server, "from the lamp") == 1);
    peer_tls_type(&server, BYTES("to the lamp\n"));
    UNTIL_WITH(turn, strcmp(hear(), "to the lamp\n") == 0);
    assert_err(says, IOT_OK);
    peer_tls_forget(&server);
}

static void come_up(const char *suite)
{
    begin();
    UNTIL_WITH(turn, says != IOT_ERR_AGAIN);
    assert_err(says, IOT_OK);
    UNTIL_WITH(turn, peer_tls_said(&server, "CIPHER is ") != 0);
    if (peer_tls_said(&server, suite) == 0)
        fail_msg("%s expected, but: %s", suite, strstr(server.text, "CIPHER is "));
    talk();
}

static void say_goodbye(void)
{
    dtls.base.ops->close(&dtls.base, now + 1000);
    UNTIL_WITH(turn, says == IOT_ERR_CLOSED);
    UNTIL_WITH(turn, peer_tls_said(&server, "DONE") + peer_tls_said(&server, "CLOSED") != 0 ||
                         peer_tls_said(&server, "shutting down") != 0 ||
                         peer_tls_said(&server, "ACCEPT") != 0);
}

static int teardown(void **state)
{
    (void)state;
    if (dtls.base.ops == NULL)
        return -1;
    dtls.base.ops->abort(&dtls.base);
    bool clean = dtls.base.ops->idle(&dtls.base);
    peer_tls_stop_all();
    return clean ? 0 : -1;
}

static void each_suite_is_spoken(void **state)
{
    static const struct {
        enum peer_cert_id cert;
        const char *suite;
    } suites[] = {
        {CERT_COUNT, "PSK-AES128-CCM8"},
        {CERT_COUNT, "PSK-AES128-CCM"},
        {CERT_COUNT, "PSK-AES128-GCM-SHA256"},
        {CERT_EC_GOOD, "ECDHE-ECDSA-AES128-CCM8"},
        {CERT_EC_GOOD, "ECDHE-ECDSA-AES128-CCM"},
        {CERT_EC_GOOD, "ECDHE-ECDSA-AES128-GCM-SHA256"},
        {CERT_EC_GOOD, "ECDHE-ECDSA-AES256-GCM-SHA384"},
#if IOT_FEATURE_TLS_RSA
        {CERT_RSA_GOOD, "ECDHE-RSA-AES128-GCM-SHA256"},
#endif
    };
    char words[128];
    (void)state;
    for (size_t i = 0; i < COUNT(suites); i++) {
        snprintf(words, sizeof words, "%s-cipher %s:@SECLEVEL=0",
                 suites[i].cert == CERT_COUNT ? "-nocert -psk " KEY " " : "", suites[i].suite);
        prepare(suites[i].cert, words);
        come_up(suites[i].suite);
        say_goodbye();
        peer_tls_stop(&server);
    }
}

#if IOT_FEATURE_TLS_PLATFORM
static void the_platforms_suite_is_spoken_when_it_is_asked_for(void **state)
{
    static const char words[] = "-nocert -psk " KEY " -cipher PSK-AES128-CBC-SHA:@SECLEVEL=0";
    (void)state;
    prepare(CERT_COUNT, words);
    opt.kinds |= IOT_TLS_PLATFORM;
    come_up("PSK-AES128-CBC-SHA");
    say_goodbye();
    peer_tls_stop(&server);
    prepare(CERT_COUNT, words);
    begin();
    UNTIL_WITH(turn_fast, says != IOT_ERR_AGAIN);
    assert_true(says != IOT_OK); /* not offered */
    peer_tls_stop(&server);
    prepare(CERT_COUNT, "-nocert -psk " KEY " -cipher ALL:@SECLEVEL=0"); /* one that knows better */
    opt.kinds |= IOT_TLS_PLATFORM;
    come_up("PSK-AES128-CCM8");
    say_goodbye();
}
#endif

static void flights_are_cut_to_its_path_and_ours(void **state)
{
    (void)state;
    prepare(CERT_EC_GOOD, "-mtu 300");
    dopt.mtu = 250;
    come_up("ECDHE-ECDSA");
    say_goodbye();
}

/* It drops what it cannot decrypt and says nothing; so it takes the whole time. */
static void a_wrong_key_has_its_name(void **state)
{
    (void)state;
    prepare(CERT_COUNT, "-nocert -psk 00112233");
    begin();
    for (int i = 0; i < 50; i++) /* its answers take no time, on our clock almost none */
        turn();
    UNTIL_WITH(turn_fast, says != IOT_ERR_AGAIN);
    assert_err(says, IOT_ERR_TLS_PSK);
}

static void another_authority_is_refused(void **state)
{
    (void)state;
    prepare(CERT_STRANGE_GOOD, NULL);
    begin();
    UNTIL_WITH(turn, says != IOT_ERR_AGAIN);
    assert_err(says, IOT_ERR_TLS_VERIFY);
    assert_true((dtls.base.ops->detail(&dtls.base) & IOT_TLS_FAULT_CA) != 0);
}

/* It knows no connection IDs, but our socket by its port: which a parked channel gives up. So it does not know us when we
 * come back, and a handshake follows: on the same socket it would have gone on. */
static void an_association_is_kept_for_it_too(void **state)
{
    (void)state;
    prepare(CERT_COUNT, "-nocert -psk " KEY);
    dopt.context_key = "kept";
    come_up("PSK");
    int same = dup(carrier.fd);
    iot_dtls_park(&dtls);
    UNTIL_WITH(turn, says == IOT_ERR_CLOSED);
    assert_true(stored > 200);
    begin();
    dup2(same, carrier.fd);
    close(same);
    UNTIL_WITH(turn, says != IOT_ERR_AGAIN);
    assert_err(says, IOT_OK);
    assert_true(iot_dtls_is_kept(&dtls));
    assert_int_equal(stored, 0);
    talk();
    assert_false(iot_dtls_is_kept(&dtls));
    say_goodbye();
}

static int group_teardown(void **state)
{
    peer_certs_remove();
    return peer_group_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_suite_is_spoken, teardown),
#if IOT_FEATURE_TLS_PLATFORM
        cmocka_unit_test_teardown(the_platforms_suite_is_spoken_when_it_is_asked_for, teardown),
#endif
        cmocka_unit_test_teardown(flights_are_cut_to_its_path_and_ours, teardown),
        cmocka_unit_test_teardown(a_wrong_key_has_its_name, teardown),
        cmocka_unit_test_teardown(another_authority_is_refused, teardown),
        cmocka_unit_test_teardown(an_association_is_kept_for_it_too, teardown),
    };
    return cmocka_run_group_tests(tests, peer_group_setup, group_teardown);
}

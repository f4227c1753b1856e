/* SPDX-License-Identifier: Apache-2.0 */
/* The emulated platform's CoAP as it runs: libcoap's clients over DTLS, requests by hand without. */
#include "test.h"

#include "cloud/cloud_aes.h"
#include "cloud/cloud_coap.h"
#include "crypto/iot_crypto_digest.h"
#include "host/host_child.h"
#include "host/host_cloud.h"
#include "peer_coap.h"
#include "peer_run.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PK       "a1B2c3D4e5F"
#define DS       "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define IDENTITY "devicename|hmacsha256|" PK "&dev001|2524608000000"
#define PSK      "A7D53EBFA05AEF3B659F5D637B923FC992E833FE01F79956FA3C6CB739C2C6BE"
#define WHO      "\"productKey\":\"" PK "\",\"deviceName\":\"dev001\",\"clientId\":\"" PK ".dev001\""
#define AUTH     "{" WHO ",\"sign\":\"c7d5fd11ae78fa0831a4a1fea6a3f70c\"}"
#define AUTH_BAD "{" WHO ",\"sign\":\"d7d5fd11ae78fa0831a4a1fea6a3f70c\"}"
#define AUTH_SEQ "{" WHO ",\"sign\":\"1b2b5ffc9d10a60fd4b377266dca2b42\",\"seq\":\"10\"}"
#define TOPIC    "topic/sys/" PK "/dev001/thing/event/property/post"

static struct host_cloud cloud;
static char token[64];
static int hand = -1;

#define assert_said(text)                                                                          \
    do {                                                                                           \
        if (strstr(peer_output, text) == NULL)                                                     \
            fail_msg("'%s' is not in: %s", text, peer_output);                                     \
    } while (0)

static int group_setup(void **state)
{
    (void)state;
    if (!host_cloud_start(&cloud, NULL))
        fail_msg("%s", cloud.why);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    if (hand >= 0)
        close(hand);
    host_cloud_stop(&cloud);
    return 0;
}

static void command(const char *line)
{
    char answer[2048];
    if (!host_cloud_command(cloud.dir, line, answer, sizeof answer))
        fail_msg("%s: %s", line, answer);
}

static void option(const char *name, const char *value)
{
    char line[128];
    snprintf(line, sizeof line, "option %s %s", name, value);
    command(line);
}

static int setup(void **state)
{
    static const char *const numbers[] = {"drop-ack", "double-ack", "separate", "delay-ms"};
    char name[32];
    for (size_t i = 0; i < COUNT(numbers); i++) {
        snprintf(name, sizeof name, "coap-%s", numbers[i]);
        option(name, "0");
    }
    option("coap-token-s", "172800");
    (void)state;
    return 0;
}

#define FRONT_TEST(f) cmocka_unit_test_setup(f, setup)

/* What `show` says of the switch. */
static void switch_is(int value)
{
    static char shown[65536];
    char expected[64];
    snprintf(expected, sizeof expected, "LightSwitch {\"value\":%d,", value);
    assert_true(host_cloud_command(cloud.dir, "show " PK " dev001", shown, sizeof shown));
    if (strstr(shown, expected) == NULL)
        fail_msg("no %s in %s", expected, shown);
}

static const char *lit(int id, int value)
{
    static char text[160];
    snprintf(text, sizeof text,
             "{\"id\":\"%d\",\"version\":\"1.0\",\"params\":{\"LightSwitch\":%d},"
             "\"method\":\"thing.event.property.post\"}",
             id, value);
    return text;
}

static uint32_t log_says(const char *what)
{
    static char text[262144];
    uint32_t n = 0;
    assert_true(host_cloud_log(cloud.dir, text, sizeof text));
    for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
        n++;
    return n;
}

/* ---- libcoap's clients ----------------------------------------------------------------------- */

/* Its output is peer_output. In 3 s a client that gets no answer is ended. */
static void run_client(enum peer_coap_kind kind, const char *const words[], const char *uri,
                       bool in_vain)
{
    const char *base = getenv("COAP_CLIENT"), *argv[64] = {"timeout", in_vain ? "3" : "30"};
    char program[HOST_PATH_MAX];
    size_t n = 3;

    snprintf(program, sizeof program, "%s-%s", base != NULL ? base : "coap-client",
             kind == PEER_COAP_OPENSSL ? "openssl" : "gnutls");
    argv[2] = program;
    for (; *words != NULL; words++)
        argv[n++] = *words;
    argv[n] = uri;
    peer_run(argv);
}

static const char *uri_of(bool key, const char *path)
{
    static char uri[64];
    snprintf(uri, sizeof uri, "coaps://127.0.0.1:%u%s",
             (unsigned)(key ? cloud.coap.psk : cloud.coap.cert), path);
    return uri;
}

/* Of the door with certificates, or of the one with keys. */
static void put_door(const char *words[], size_t *n, bool key)
{
    if (key) {
        words[(*n)++] = "-u";
        words[(*n)++] = IDENTITY;
        words[(*n)++] = "-k";
        words[(*n)++] = PSK;
    } else {
        words[(*n)++] = "-R";
        words[(*n)++] = cloud.ca_pem;
    }
}

static void client_asks(enum peer_coap_kind kind, bool key, const char *path, const char *body,
                        const char *number)
{
    static char option_text[96], topic[256];
    const char *words[64] = {"-m", "post", "-t", "50", "-A", "50", "-e", body};
    size_t n = 8;

    put_door(words, &n, key);
    if (number != NULL) {
        snprintf(option_text, sizeof option_text, "%s,%s", number, token);
        words[n++] = "-O";
        words[n++] = option_text;
    }
    /* its own reading of a path has no room for this */
    static char segments[16][64];
    snprintf(topic, sizeof topic, "%s", path);
    size_t s = 0;
    for (char *rest = topic, *part; (part = strsep(&rest, "/")) != NULL; s++) {
        assert_true(s < COUNT(segments));
        snprintf(segments[s], sizeof segments[s], "11,%s", part);
        words[n++] = "-O";
        words[n++] = segments[s];
    }
    words[n] = NULL;
    run_client(kind, words, uri_of(key, ""), false);
}

static void keep_token(const char *text)
{
    const char *at = strstr(text, "\"token\":\"");
    if (at == NULL)
        fail_msg("no token in %s", text);
    snprintf(token, sizeof token, "%.32s", at + strlen("\"token\":\""));
}

static void client_reports(enum peer_coap_kind kind, bool key)
{
    client_asks(kind, key, "auth", AUTH, NULL);
    keep_token(peer_output);
    client_asks(kind, key, TOPIC, lit(1, 1), "2088");
    assert_said("{\"code\":200,\"data\":{},\"id\":\"1\"");
    switch_is(1);
    client_asks(kind, key, TOPIC, lit(2, 0), "61");
    assert_said("\"id\":\"2\"");
    switch_is(0);
}

static void devices_report_over_dtls_by_certificate(void **state)
{
    (void)state;
    client_reports(PEER_COAP_OPENSSL, false);
    client_reports(PEER_COAP_GNUTLS, false);
}

static void devices_report_over_dtls_by_key(void **state)
{
    (void)state;
    client_reports(PEER_COAP_OPENSSL, true);
    client_reports(PEER_COAP_GNUTLS, true);
}

static void refusals_have_their_codes(void **state)
{
    (void)state;
    client_asks(PEER_COAP_OPENSSL, false, "auth", AUTH_BAD, NULL);
    assert_said("4.01");
    client_asks(PEER_COAP_OPENSSL, false, TOPIC, lit(3, 1), NULL);
    assert_said("4.01");
    client_asks(PEER_COAP_OPENSSL, false, "auth", AUTH, NULL);
    keep_token(peer_output);
    client_asks(PEER_COAP_OPENSSL, false, "topic/" PK "/dev002/user/update", "x", "2088");
    assert_said("4.03");
    client_asks(PEER_COAP_OPENSSL, false, TOPIC, "no JSON", "2088");
    assert_said("4.00");
    client_asks(PEER_COAP_OPENSSL, false, "elsewhere", "", NULL);
    assert_said("4.04");
    switch_is(0);
}

static void a_token_ends_when_an_option_says_so(void **state)
{
    (void)state;
    option("coap-token-s", "0");
    client_asks(PEER_COAP_OPENSSL, true, "auth", AUTH, NULL);
    keep_token(peer_output);
    client_asks(PEER_COAP_OPENSSL, true, TOPIC, lit(4, 1), "2088");
    assert_said("4.01");
    assert_said("expired");
    option("coap-token-s", "60");
    client_reports(PEER_COAP_OPENSSL, true);
}

static void a_wrong_key_gets_nothing(void **state)
{
    const char *const other[] = {"-u", IDENTITY, "-k", "0" PSK, "-m", "post",
                                 "-t", "50",     "-e", AUTH,    NULL};
    const char *const nobody[] = {"-u", "devicename|hmacsha256|" PK "&nobody|1",
                                  "-k", PSK,
                                  "-m", "post",
                                  "-t", "50",
                                  "-e", AUTH,
                                  NULL};
    (void)state;
    uint32_t before = log_says("coap dtls-psk POST");
    run_client(PEER_COAP_OPENSSL, other, uri_of(true, "/auth"), true);
    assert_null(strstr(peer_output, "token"));
    run_client(PEER_COAP_OPENSSL, nobody, uri_of(true, "/auth"), true);
    assert_null(strstr(peer_output, "token"));
    assert_int_equal(log_says("coap dtls-psk POST"), before);
    assert_true(log_says("coap dtls-psk 'devicename|hmacsha256|" PK "&nobody|1' refused") > 0);
}

/* Its own suite, which libcoap would not offer by itself, and three that it does. */
static void the_suites_with_a_key_are_the_platforms_and_aead(void **state)
{
    static const char *const suites[] = {"PSK-AES128-CBC-SHA", "PSK-AES128-CCM8", "PSK-AES128-CCM",
                                         "PSK-AES128-GCM-SHA256"};
    char hex[132], at[64], expected[64];
    (void)state;
    to_hex((struct iot_bytes){(const uint8_t *)PSK, 64}, hex, sizeof hex);
    snprintf(at, sizeof at, "127.0.0.1:%u", (unsigned)cloud.coap.psk);
    setenv("OPENSSL_PROGRAM", cloud.openssl, 1);
    for (size_t i = 0; i < COUNT(suites); i++) {
        static const char script[] = "(sleep 0.3; echo Q) | \"$OPENSSL_PROGRAM\" s_client -dtls1_2 "
                                     "-connect \"$1\" -psk_identity "
                                     "\"$2\" -psk \"$3\" -cipher \"$4\" 2>&1";
        const char *argv[] = {"sh", "-c", script, "sh", at, IDENTITY, hex, suites[i], NULL};
        peer_run(argv);
        snprintf(expected, sizeof expected, "Cipher is %s\n", suites[i]);
        assert_said(expected);
    }
}

/* ---- By hand, without DTLS ------------------------------------------------------------------- */

static uint16_t next_id = 100;
static uint8_t key[16], in[2048];
static size_t in_len;
static uint32_t seq;

static void open_hand(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(cloud.coap.plain)};
    if (hand >= 0)
        close(hand);
    inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
    hand = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(hand, (struct sockaddr *)&a, sizeof a), 0);
}

static size_t put_option(uint8_t *out, uint32_t delta, const void *value, size_t len)
{
    size_t n = 1;
    uint8_t high = delta < 13 ? (uint8_t)delta : delta < 269 ? 13 : 14;
    uint8_t low = len < 13 ? (uint8_t)len : 13;
    assert_true(len < 269);
    out[0] = (uint8_t)(high << 4 | low);
    if (high == 13)
        out[n++] = (uint8_t)(delta - 13);
    if (high == 14) {
        out[n++] = (uint8_t)((delta - 269) >> 8);
        out[n++] = (uint8_t)(delta - 269);
    }
    if (low == 13)
        out[n++] = (uint8_t)(len - 13);
    memcpy(out + n, value, len);
    return n + len;
}

/* A POST: CON, or NON. `number` NULL: no token either. */
static size_t write_post(uint8_t *out, bool con, uint16_t id, const char *path,
                         const uint8_t *number, const void *body, size_t len)
{
    uint8_t head[] = {
        (uint8_t)(con ? 0x42 : 0x52), 2, (uint8_t)(id >> 8), (uint8_t)id, 7, (uint8_t)id};
    const uint8_t json = 50;
    char copy[256];
    uint32_t last = 0;

    memcpy(out, head, sizeof head);
    size_t n = sizeof head;
    snprintf(copy, sizeof copy, "%s", path);
    for (char *rest = copy, *part; (part = strsep(&rest, "/")) != NULL; last = 11)
        n += put_option(out + n, 11 - last, part, strlen(part));
    n += put_option(out + n, 1, &json, 1);
    if (number != NULL) {
        n += put_option(out + n, 2088 - 12, token, strlen(token));
        n += put_option(out + n, 1, number, 16);
    }
    out[n++] = 0xff;
    memcpy(out + n, body, len);
    return n + len;
}

/* A datagram within `ms`; false: none came. */
static bool hear(int ms)
{
    struct pollfd p = {.fd = hand, .events = POLLIN};
    if (poll(&p, 1, ms) != 1)
        return false;
    ssize_t n = recv(hand, in, sizeof in, 0);
    assert_true(n >= 4);
    in_len = (size_t)n;
    return true;
}

static void say(const uint8_t *out, size_t len)
{
    assert_int_equal(send(hand, out, len, 0), (ssize_t)len);
}

#define PATIENCE_MS 10000

/* The payload of what came, as text; opened if it is sealed. */
static const char *payload(bool sealed)
{
    static uint8_t text[2048];
    const uint8_t *mark = memchr(in + 6, 0xff, in_len - 6);
    size_t n = mark != NULL ? in_len - (size_t)(mark + 1 - in) : 0;

    if (sealed && n > 0)
        assert_true(cloud_aes_decrypt(key, mark + 1, n, text, &n));
    else if (n > 0)
        memcpy(text, mark + 1, n);
    text[n] = 0;
    return (const char *)text;
}

static void log_in_by_hand(void)
{
    uint8_t out[1024], digest[32];
    char text[96];
    struct iot_digest d;

    open_hand();
    say(out, write_post(out, true, ++next_id, "auth", NULL, AUTH_SEQ, strlen(AUTH_SEQ)));
    assert_true(hear(PATIENCE_MS));
    assert_int_equal(in[0] & 0x70, 0x60); /* ACK, 2.05 */
    assert_int_equal(in[1], 0x45);
    const char *said = payload(false), *random = strstr(said, "\"random\":\"");
    assert_non_null(random);
    keep_token(said);
    seq = (uint32_t)atoi(strstr(said, "\"seqOffset\":") + strlen("\"seqOffset\":"));
    snprintf(text, sizeof text, DS ",%.16s", random + strlen("\"random\":\""));
    iot_digest_begin(&d, IOT_DIGEST_SHA256);
    iot_digest_put(&d, (struct iot_bytes){(const uint8_t *)text, (uint32_t)strlen(text)});
    iot_digest_end(&d, digest);
    memcpy(key, digest + 8, 16);
}

/* What a device would send next. */
static size_t write_report(uint8_t *out, bool con, uint32_t number, const char *body)
{
    uint8_t sealed[512], sealed_number[16];
    char text[16];

    cloud_aes_encrypt(key, text, (size_t)snprintf(text, sizeof text, "%u", (unsigned)number),
                      sealed_number);
    cloud_aes_encrypt(key, body, strlen(body), sealed);
    return write_post(out, con, ++next_id, TOPIC, sealed_number, sealed,
                      CLOUD_AES_BYTES(strlen(body)));
}

static void without_dtls_numbers_count(void **state)
{
    uint8_t out[1024];
    (void)state;
    log_in_by_hand();
    say(out, write_report(out, true, seq, lit(5, 1)));
    assert_true(hear(PATIENCE_MS));
    assert_int_equal(in[1], 0x45);
    assert_non_null(strstr(payload(true), "\"code\":200"));
    switch_is(1);
    say(out, write_report(out, true, seq, lit(6, 0)));
    assert_true(hear(PATIENCE_MS));
    assert_int_equal(in[1], 0x83);
    switch_is(1);
    say(out, write_report(out, false, seq + 1, lit(7, 0))); /* a NON is answered by one */
    assert_true(hear(PATIENCE_MS));
    assert_int_equal(in[0] & 0x70, 0x50);
    assert_int_equal(in[1], 0x45);
    switch_is(0);
    open_hand(); /* another address */
    say(out, write_report(out, true, seq + 2, lit(8, 1)));
    assert_true(hear(PATIENCE_MS));
    assert_int_equal(in[1], 0x45);
    switch_is(1);
}

static void a_copy_is_answered_and_not_looked_at(void **state)
{
    uint8_t out[1024];
    (void)state;
    log_in_by_hand();
    uint32_t before = log_says("coap symmetric POST");
    size_t len = write_report(out, true, seq, lit(9, 0));
    say(out, len);
    say(out, len);
    for (int i = 0; i < 2; i++) {
        assert_true(hear(PATIENCE_MS));
        assert_int_equal(in[1], 0x45);
        assert_memory_equal(in + 2, out + 2, 4);
    }
    assert_int_equal(log_says("coap symmetric POST"), before + 1);
}

static void faults_are_seen_on_the_wire(void **state)
{
    uint8_t out[1024], first[64];
    (void)state;
    log_in_by_hand();
    option("coap-drop-ack", "1");
    size_t len = write_report(out, true, seq++, lit(10, 1));
    say(out, len);
    assert_false(hear(300));
    switch_is(1);
    say(out, len); /* again: now it comes */
    assert_true(hear(PATIENCE_MS));
    assert_int_equal(in[1], 0x45);
    option("coap-drop-ack", "0");
    option("coap-double-ack", "1");
    say(out, write_report(out, true, seq++, lit(11, 1)));
    assert_true(hear(PATIENCE_MS));
    size_t one = in_len;
    memcpy(first, in, sizeof first);
    assert_true(hear(PATIENCE_MS));
    assert_int_equal(in_len, one);
    assert_memory_equal(in, first, sizeof first);
    assert_false(hear(100));
    option("coap-double-ack", "0");
    option("coap-separate", "1");
    option("coap-delay-ms", "1000");
    len = write_report(out, true, seq++, lit(12, 1));
    say(out, len);
    assert_true(hear(PATIENCE_MS));
    assert_int_equal(in_len, 4); /* an empty ACK */
    assert_int_equal(in[0], 0x60);
    assert_memory_equal(in + 2, out + 2, 2);
    assert_true(hear(PATIENCE_MS));
    assert_int_equal(in[0], 0x42); /* CON, by our token */
    assert_int_equal(in[1], 0x45);
    assert_memory_equal(in + 4, out + 4, 2);
    say((const uint8_t[]){0x60, 0, in[2], in[3]}, 4);
    option("coap-separate", "0");
    len = write_report(out, true, seq++, lit(13, 1));
    say(out, len);
    say(out, len); /* it is on its way already */
    assert_true(hear(PATIENCE_MS));
    assert_int_equal(in[0], 0x62);
    assert_false(hear(300));
}

static void forgotten_by_a_cut_and_back_on_the_same_port(void **state)
{
    uint8_t out[1024];
    struct host_coap_ports before = cloud.coap;
    (void)state;
    log_in_by_hand();
    host_cloud_cut(&cloud);
    say(out, write_report(out, true, seq, lit(14, 1)));
    assert_true(host_cloud_restore(&cloud));
    assert_int_equal(cloud.coap.plain, before.plain);
    open_hand();
    say(out, write_report(out, true, seq, lit(15, 1)));
    assert_true(hear(PATIENCE_MS));
    assert_int_equal(in[1], 0x81);
    log_in_by_hand();
    say(out, write_report(out, true, seq, lit(16, 1)));
    assert_true(hear(PATIENCE_MS));
    assert_int_equal(in[1], 0x45);
}

static void nonsense_is_survived(void **state)
{
    static const uint8_t rows[][12] = {{0},
                                       {0x40},
                                       {0x4f, 2, 1, 1, 1, 2, 3},
                                       {0x40, 2, 1, 2, 0xff},
                                       {0x42, 2, 9, 9, 1, 1, 0xe0, 0xff, 0xff, 1}};
    uint8_t out[1024];
    (void)state;
    log_in_by_hand();
    for (size_t i = 0; i < COUNT(rows); i++)
        say(rows[i], sizeof rows[i]);
    while (hear(100))
        ;
    size_t len = write_report(out, true, seq, lit(17, 1));
    for (size_t cut = 0; cut < len; cut++) /* of one message, so each but the last is another's */
        if (cut != 2 && cut != 3) {
            out[3] = (uint8_t)(cut + 1);
            say(out, cut);
        }
    while (hear(200))
        ;
    log_in_by_hand();
    say(out, write_report(out, true, seq, lit(18, 0)));
    assert_true(hear(PATIENCE_MS));
    assert_int_equal(in[1], 0x45);
}

/* As kill -9 of who started it. */
static void it_ends_with_its_parent(void **state)
{
    int ready[2];
    pid_t front = 0;
    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(pipe(ready), 0);
    pid_t parent = fork();
    if (parent == 0) {
        const struct host_coap_ports ports = {host_free_udp_port(), host_free_udp_port(),
                                              host_free_udp_port()};
        char why[256];
        pid_t pid = host_coap_start(cloud.dir, "127.0.0.1", &ports, why, sizeof why);
        if (write(ready[1], &pid, sizeof pid) == sizeof pid)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &front, sizeof front), sizeof front);
    assert_true(front > 0);
    assert_int_equal(kill(front, 0), 0);
    host_kill(parent);
    pid_t ended = 0;
    int status;
    for (int i = 0; i < 1000 && ended == 0; i++) {
        ended = waitpid(front, &status, WNOHANG);
        host_pause_ms(5);
    }
    assert_int_equal(ended, front); /* it has become ours */
    assert_true(WIFSIGNALED(status));
    close(ready[0]);
    close(ready[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRONT_TEST(devices_report_over_dtls_by_certificate),
        FRONT_TEST(devices_report_over_dtls_by_key),
        FRONT_TEST(refusals_have_their_codes),
        FRONT_TEST(a_token_ends_when_an_option_says_so),
        FRONT_TEST(a_wrong_key_gets_nothing),
        FRONT_TEST(the_suites_with_a_key_are_the_platforms_and_aead),
        FRONT_TEST(without_dtls_numbers_count),
        FRONT_TEST(a_copy_is_answered_and_not_looked_at),
        FRONT_TEST(faults_are_seen_on_the_wire),
        FRONT_TEST(nonsense_is_survived),
        FRONT_TEST(forgotten_by_a_cut_and_back_on_the_same_port),
        FRONT_TEST(it_ends_with_its_parent),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}

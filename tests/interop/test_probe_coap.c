/* SPDX-License-Identifier: Apache-2.0 */
/* build/probe and libcoap's servers: what it prints, and how it ends. */
#include "test.h"

#include "peer_certs.h"
#include "peer_coap.h"
#include "peer_device.h"
#include "peer_run.h"
#include "peer_udp.h"

#include "coap/iot_coap_codec.h"

#include <poll.h>
#include <unistd.h>

#define KEY      "sesame"
#define KEY_HEX  "736573616d65"
#define KEYWORDS "psk=" KEY_HEX " psk-id=me"

static struct peer_coap server;
static char plain[64], secure[64];

static int group_setup(void **state)
{
    return peer_group_setup(state);
}

static int group_teardown(void **state)
{
    peer_certs_remove();
    return peer_group_teardown(state);
}

static int teardown(void **state)
{
    peer_coap_stop_all();
    return peer_test_teardown(state);
}

static void start(enum peer_coap_kind kind, struct peer_coap_options o)
{
    peer_coap_start(&server, kind, &o);
    snprintf(plain, sizeof plain, "coap://127.0.0.1:%u", server.port);
    snprintf(secure, sizeof secure, "coaps://127.0.0.1:%u", server.secure);
}

/* Up to three commands; returns the exit code. */
static int probe(const char *a, const char *b, const char *c)
{
    const char *argv[8] = {peer_program("probe")};
    const char *const list[] = {a, b, c};
    int n = 1;

    for (int i = 0; i < 3 && list[i] != NULL; i++) {
        argv[n++] = "-c";
        argv[n++] = list[i];
    }
    return peer_run(argv);
}

/* One of few rotating places. */
static const char *line(const char *format, ...)
{
    static char room[4][8192];
    static int turn;
    char *into = room[turn++ % 4];
    va_list args;
    va_start(args, format);
    assert_true(vsnprintf(into, sizeof room[0], format, args) < (int)sizeof room[0]);
    va_end(args);
    return into;
}

static uint32_t count(const char *text)
{
    uint32_t n = 0;
    for (const char *at = peer_output; (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

static void assert_has(const char *text)
{
    if (strstr(peer_output, text) == NULL)
        fail_msg("'%s' is not in: %s", text, peer_output);
}

static void a_get_prints_status_options_body_and_end(void **state)
{
    (void)state;
    start(PEER_COAP_NOTLS, PEER_COAP_PLAIN);
    assert_int_equal(probe(line("coap GET %s/.well-known/core", plain), NULL, NULL), 0);
    assert_has("EV status 2.05\nEV option 12 28\nEV body 0 3c");
    assert_has("\nEV end OK\n");
    assert_int_equal(count("EV status"), 1);
    assert_int_equal(count("EV end"), 1);
    assert_int_equal(probe(line("coap GET %s/.well-known/core non token=0a0b", plain), NULL, NULL),
                     0);
    assert_has("EV status 2.05\n");
    assert_int_equal(probe(line("coap PING %s", plain), NULL, NULL), 0);
    assert_true(strncmp(peer_output, "EV end OK\n", 10) == 0);
    assert_int_equal(probe(line("coap GET %s/none", plain), line("coap PING %s", plain), NULL), 1);
    assert_has("EV status 4.04\n");
    assert_has("EV end STATUS\n");
    assert_int_equal(count("EV end"), 1); /* the first that fails is the last */
    assert_int_equal(probe(line("coap GET %s/async?1", plain), NULL, NULL), 0);
    assert_has("EV body 0 646f6e65\nEV end OK\n");
}

static void a_key_opens_both_of_its_builds(void **state)
{
    static const enum peer_coap_kind kinds[] = {PEER_COAP_OPENSSL, PEER_COAP_GNUTLS};
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        start(kinds[i], PEER_COAP_KEY(KEY));
        assert_int_equal(probe(line("coap GET %s/.well-known/core " KEYWORDS, secure), NULL, NULL),
                         0);
        assert_has("EV status 2.05\n");
        assert_has("\nEV end OK\n");
        peer_coap_stop(&server);
    }
}

static void a_certificate_is_checked(void **state)
{
    (void)state;
    char ca[512];
    start(PEER_COAP_OPENSSL, PEER_COAP_CERT(CERT_EC_GOOD));
    snprintf(ca, sizeof ca, "%s", peer_cert(CERT_EC_ROOT)->pem);
    assert_int_equal(probe(line("coap GET %s/ ca=%s", secure, ca), NULL, NULL), 0);
    assert_has("EV status 2.05\n");
    assert_int_equal(probe(line("coap GET %s/ ca=%s name=b.test.lwlink", secure, ca), NULL, NULL),
                     1);
    assert_has("EV end TLS_VERIFY\n");
    assert_int_equal(count("EV status"), 0);
    snprintf(ca, sizeof ca, "%s", peer_cert(CERT_STRANGE_ROOT)->pem);
    assert_int_equal(probe(line("coap GET %s/ ca=%s", secure, ca), NULL, NULL), 1);
    assert_has("EV end TLS_VERIFY\n");
}

/* 3,000 bytes, in blocks of each size up and back; the whole is compared. */
static void bodies_go_there_and_back_in_blocks(void **state)
{
    (void)state;
    static char hex[2 * 3000 + 1], got[2 * 3000 + 1];
    for (uint32_t i = 0; i < 3000; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned)(i * 7 + i / 256) & 255u);
    start(PEER_COAP_OPENSSL, PEER_COAP_KEY(KEY));
    for (uint32_t szx = 2; szx <= 6; szx += 2) {
        assert_int_equal(probe(line("coap PUT %s/big%u %s szx=%u " KEYWORDS, secure, szx, hex, szx),
                               line("coap GET %s/big%u szx=%u " KEYWORDS, secure, szx, szx), NULL),
                         0);
        assert_has("EV status 2.01\n");
        assert_int_equal(count("EV status"), 2);
        got[0] = '\0';
        uint32_t at = 0, offset;
        for (const char *p = peer_output; (p = strstr(p, "EV body ")) != NULL; p += 8) {
            assert_int_equal(sscanf(p, "EV body %u %s", &offset, got + 2 * at), 2);
            assert_int_equal(offset, at);
            at = (uint32_t)strlen(got) / 2;
        }
        assert_string_equal(got, hex);
    }
}

static void an_observation_goes_on_until_it_is_ended(void **state)
{
    (void)state;
    start(PEER_COAP_OPENSSL, PEER_COAP_KEY(KEY));
    assert_int_equal(
        probe(line("observe %s/time", plain), "run 2500", line("unobserve %s/time", plain)), 0);
    assert_true(count("EV status 2.05") >= 3);
    assert_int_equal(count("EV body 0 "), count("EV status 2.05"));
    assert_int_equal(count("EV end OK"), 1);
    /* and at the end of the program by itself */
    assert_int_equal(probe(line("observe %s/time " KEYWORDS, secure), "run 1500", NULL), 0);
    assert_true(count("EV status 2.05") >= 2);
    assert_int_equal(count("EV end OK"), 1);
    /* what cannot be observed is told once */
    assert_int_equal(probe(line("observe %s/.well-known/core", plain), NULL, NULL), 0);
    assert_int_equal(count("EV status"), 1);
    assert_has("EV end OK\n");
    assert_int_equal(probe(line("observe %s/none", plain), NULL, NULL), 1);
    assert_has("EV end STATUS\n");
}

static void several_servers_are_asked_side_by_side(void **state)
{
    (void)state;
    start(PEER_COAP_OPENSSL, PEER_COAP_KEY(KEY));
    assert_int_equal(probe(line("observe %s/time", plain),
                           line("coap GET %s/async?2 " KEYWORDS, secure),
                           line("coap GET %s/", plain)),
                     0);
    assert_true(count("EV status 2.05") >= 4);
    assert_has("EV body 0 646f6e65\nEV end OK\n");
}

static void what_the_server_loses_is_asked_for_again(void **state)
{
    struct peer_coap_options o = PEER_COAP_PLAIN;
    (void)state;
    o.loss = "3"; /* of the first is the answer to who started it, the second block 0 */
    start(PEER_COAP_NOTLS, o);
    assert_int_equal(probe(line("coap GET %s/example_data", plain), NULL, NULL), 0);
    assert_int_equal(count("EV body 0 "), 1);
    assert_int_equal(count("EV body 1024 "), 1);
    assert_has("EV end OK\n");
    assert_int_equal(peer_coap_said(&server, "c:GET"),
                     3); /* of both blocks, and the second once more */
}

/* Nothing comes back, twice: then there is another handshake, and the same question. */
static void a_server_that_was_restarted_is_noticed_and_asked_again(void **state)
{
    static struct peer_child c;
    (void)state;
    start(PEER_COAP_OPENSSL, PEER_COAP_KEY(KEY));
    const char *const argv[] = {peer_program("probe"),
                                "-c",
                                line("coap GET %s/ " KEYWORDS, secure),
                                "-c",
                                "run 3000",
                                "-c",
                                line("coap GET %s/.well-known/core " KEYWORDS, secure),
                                NULL};
    peer_child_start(&c, argv);
    peer_child_says(&c, "EV end OK\n");
    peer_coap_restart(&server);
    assert_int_equal(peer_child_end(&c), 0);
    memcpy(peer_output, c.said, sizeof peer_output);
    assert_int_equal(count("EV end OK"), 2);
    assert_has("EV option 12 28\n");
}

/* ---- A server that answers by a script ------------------------------------------------------ */

struct scripted {
    uint8_t code, etag; /* etag 0: none */
    int block2;         /* -1: none */
    const char *body;
};

static struct iot_coap_message heard; /* the last request */

static void serve(int fd, const struct scripted *script, size_t count)
{
    static uint8_t in[2048];
    uint8_t out[2048];
    struct iot_coap_encoder e;

    for (size_t i = 0; i < count; i++) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        struct sockaddr_storage from;
        socklen_t len = sizeof from;
        assert_true(poll(&p, 1, 20000) > 0);
        ssize_t n = recvfrom(fd, in, sizeof in, 0, (struct sockaddr *)&from, &len);
        assert_true(n > 0);
        assert_err(iot_coap_decode((struct iot_bytes){in, (uint32_t)n}, &heard), IOT_OK);
        iot_coap_encode(&e, out, sizeof out, IOT_COAP_ACK, script[i].code, heard.id, heard.token);
        if (script[i].etag != 0)
            iot_coap_put(&e, IOT_COAP_ETAG, (struct iot_bytes){&script[i].etag, 1});
        if (script[i].block2 >= 0)
            iot_coap_put_uint(&e, IOT_COAP_BLOCK2, (uint32_t)script[i].block2);
        iot_coap_put_payload(&e, text_bytes(script[i].body));
        n = sendto(fd, out, e.len, 0, (struct sockaddr *)&from, len);
        assert_int_equal(n, e.len);
    }
}

static int probe_script(const char *format, const struct scripted *script, size_t count)
{
    static struct peer_child c;
    uint16_t port;
    int fd = peer_udp_socket(0, &port);
    char command[256];

    assert_true(fd >= 0);
    snprintf(command, sizeof command, format, (unsigned)port);
    const char *const argv[] = {peer_program("probe"), "-c", command, NULL};
    peer_child_start(&c, argv);
    serve(fd, script, count);
    int code = peer_child_end(&c);
    close(fd);
    memcpy(peer_output, c.said, sizeof peer_output);
    return code;
}

/* Once, and the final one, whatever came before. */
static void a_body_that_changes_on_the_way_is_printed_once(void **state)
{
    static const struct scripted changes[] = {
        {IOT_COAP_CODE(2, 5), 1, 8, "aaaaaaaaaaaaaaaa"},
        {IOT_COAP_CODE(2, 5), 2, 24, "bbbbbbbbbbbbbbbb"},
        {IOT_COAP_CODE(2, 5), 2, 8, "bbbbbbbbbbbbbbbb"},
        {IOT_COAP_CODE(2, 5), 2, 16, "b"},
    };
    static const struct scripted goes[] = {
        {IOT_COAP_CODE(2, 5), 1, 8, "aaaaaaaaaaaaaaaa"},
        {IOT_COAP_CODE(4, 4), 0, -1, "gone"},
    };
    static const struct scripted breaks[] = {
        {IOT_COAP_CODE(2, 5), 1, 8, "aaaaaaaaaaaaaaaa"},
        {IOT_COAP_CODE(2, 5), 1, 32, "cccccccccccccccc"},
    };
    (void)state;
    assert_int_equal(probe_script("coap GET coap://127.0.0.1:%u/x", changes, COUNT(changes)), 0);
    assert_has("EV status 2.05\nEV option 4 02\nEV option 23 08\n"
               "EV body 0 62626262626262626262626262626262\nEV body 16 62\nEV end OK\n");
    assert_int_equal(count("EV status"), 1);
    assert_int_equal(count("EV body 0 "), 1);
    assert_int_equal(probe_script("coap GET coap://127.0.0.1:%u/x", goes, COUNT(goes)), 1);
    assert_has("EV status 4.04\nEV body 0 676f6e65\nEV end STATUS\n");
    assert_int_equal(count("EV status"), 1);
    assert_int_equal(count("EV body"), 1);
    assert_int_equal(probe_script("coap GET coap://127.0.0.1:%u/x", breaks, COUNT(breaks)), 1);
    assert_has("EV status 2.05\n");
    assert_has("EV body 0 6161616161616161");
    assert_has("EV end COAP_BLOCK\n");
    assert_int_equal(count("EV status"), 1);
    assert_int_equal(count("EV end"), 1);
}

static void formats_are_options_and_the_root_can_be_pinged(void **state)
{
    static const struct scripted changed[] = {{IOT_COAP_CODE(2, 4), 0, -1, ""}};
    struct iot_coap_cursor at;
    struct iot_coap_option o;

    (void)state;
    assert_int_equal(
        probe_script("coap POST coap://127.0.0.1:%u/ 7b7d opt=17:3c opt=12:0032 opt=4:07", changed,
                     1),
        0);
    at = (struct iot_coap_cursor){heard.options, 0};
    assert_true(iot_coap_next(&at, &o) && o.number == IOT_COAP_ETAG);
    assert_true(iot_coap_next(&at, &o) && o.number == IOT_COAP_CONTENT_FORMAT);
    assert_int_equal(o.value.len, 1);
    assert_int_equal(o.value.ptr[0], IOT_COAP_JSON);
    assert_true(iot_coap_next(&at, &o) && o.number == IOT_COAP_ACCEPT);
    assert_int_equal(o.value.ptr[0], IOT_COAP_CBOR);
    start(PEER_COAP_NOTLS, PEER_COAP_PLAIN);
    assert_int_equal(probe(line("coap PING %s/", plain), NULL, NULL), 0);
    assert_has("EV end OK\n");
}

static void what_is_wrong_with_a_command_is_usage(void **state)
{
    static const char *const list[] = {
        "coap GET",
        "coap get coap://127.0.0.1/",
        "coap FOO coap://127.0.0.1/",
        "coap GET http://127.0.0.1/",
        "coap GET coap:///x",
        "coap GET coap://127.0.0.1:0/",
        "coap GET coap://127.0.0.1:65536/",
        "coap GET coap://[::1/",
        "coap GET coap://u@127.0.0.1/",
        "coap GET coap://127.0.0.1/..",
        "coap GET coap://127.0.0.1/x#y",
        "coap GET coap://127.0.0.1/ foo=1",
        "coap GET coap://127.0.0.1/ zz",
        "coap GET coap://127.0.0.1/ 0",
        "coap POST coap://127.0.0.1/ 00 00",
        "coap GET coap://127.0.0.1/ szx=7",
        "coap GET coap://127.0.0.1/ token=",
        "coap GET coap://127.0.0.1/ token=000102030405060708",
        "coap GET coap://127.0.0.1/ opt=11",
        "coap GET coap://127.0.0.1/ opt=65536:00",
        "coap GET coap://127.0.0.1/ opt=11:61", /* ours to make */
        "coap GET coap://127.0.0.1/ opt=6:",
        "coap GET coap://127.0.0.1/ opt=12:32", /* there is no body */
        "coap GET coap://127.0.0.1/ opt=17:000032",
        "coap GET coap://127.0.0.1/ opt=17:32 opt=17:32",
        "coap GET coap://127.0.0.1/ cid=2",
        "coap PING coap://127.0.0.1/x",
        "coap GET coaps://127.0.0.1/",
        "observe",
        "observe coap://127.0.0.1/ zz",
        "unobserve coap://127.0.0.1/",
        "unobserve",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(list); i++) {
        int code = probe(list[i], NULL, NULL);
        if (code != 1 || strncmp(peer_output, "EV err USAGE ", 13) != 0)
            fail_msg("%s: %d, %s", list[i], code, peer_output);
        assert_int_equal(count("EV end"), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_teardown(f, teardown)
        T(a_get_prints_status_options_body_and_end),
        T(a_key_opens_both_of_its_builds),
        T(a_certificate_is_checked),
        T(bodies_go_there_and_back_in_blocks),
        T(an_observation_goes_on_until_it_is_ended),
        T(several_servers_are_asked_side_by_side),
        T(what_the_server_loses_is_asked_for_again),
        T(a_server_that_was_restarted_is_noticed_and_asked_again),
        T(a_body_that_changes_on_the_way_is_printed_once),
        T(formats_are_options_and_the_root_can_be_pinged),
        T(what_is_wrong_with_a_command_is_usage),
#undef T
    };
    return cmocka_run_group_tests_name("probe_coap", tests, group_setup, group_teardown);
}

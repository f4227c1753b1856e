/* SPDX-License-Identifier: Apache-2.0 */
/* A device that serves CoAP, asked by libcoap's clients through lwIP and slirp: plain, and over DTLS with both of its TLS builds. */
#include "peer_served.h"

#include "peer_certs.h"
#include "peer_coap.h"
#include "peer_run.h"

#include "host/host_child.h"
#include "host/host_loop.h"

#include <fcntl.h>
#include <unistd.h>

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static int teardown(void **state)
{
    peer_served_forget();
    return peer_test_teardown(state);
}

static int group_setup(void **state)
{
    peer_coap_turn = peer_served_turn;
    return peer_served_group_setup(state);
}

static int group_teardown(void **state)
{
    peer_certs_remove();
    return peer_served_group_teardown(state);
}

/* ---- Asking ------------------------------------------------------------------------------ */

static const enum peer_coap_kind builds[] = {PEER_COAP_OPENSSL, PEER_COAP_GNUTLS};

/* Plain. */
static void ask(const char *path, const char *const more[])
{
    assert_int_equal(
        peer_coap_ask(PEER_COAP_NOTLS, peer_coap_uri(false, peer_served_port, path), more), 0);
}

/* With the key, as `name`. */
static void ask_as(enum peer_coap_kind kind, const char *name, const char *path,
                   const char *const more[])
{
    const char *all[32] = {"-u", name, "-k", PEER_SERVED_KEY};
    uint32_t n = 4;
    for (uint32_t i = 0; more != NULL && more[i] != NULL; i++)
        all[n++] = more[i];
    assert_int_equal(peer_coap_ask(kind, peer_coap_uri(true, peer_served_secure, path), all), 0);
}

#define assert_said(text)                                                                          \
    do {                                                                                           \
        if (strstr(peer_output, text) == NULL)                                                     \
            fail_msg("'%s' is not in: %s", text, peer_output);                                     \
    } while (0)

static const char *body_file(void)
{
    static char path[HOST_PATH_MAX], text[PEER_SERVED_BYTES];
    for (uint32_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i % 26);
    assert_true(snprintf(path, sizeof path, "%s/body", peer_certs_dir()) < (int)sizeof path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write(fd, text, sizeof text) == (ssize_t)sizeof text);
    close(fd);
    return path;
}

static void assert_large(void)
{
    assert_int_equal(strcspn(peer_output, "\n"), PEER_SERVED_BYTES);
    for (uint32_t i = 0; i < PEER_SERVED_BYTES; i++)
        assert_int_equal(peer_output[i], 'a' + i % 26);
}

/* ---- Plain ------------------------------------------------------------------------------- */

static void what_there_is_can_be_found(void **state)
{
    (void)state;
    peer_served_begin(false);
    ask("/.well-known/core", NULL);
    assert_said("</count>");
    assert_said("</light>");
    assert_said("obs");
    ask("/.well-known/core?rt=light", NULL);
    assert_said("</light>");
    assert_null(strstr(peer_output, "</count>"));
    ask("/.well-known/core?href=/l*", NULL);
    assert_said("</large>");
    assert_said("</light>");
    assert_null(strstr(peer_output, "</count>"));
    peer_served_end();
}

static void methods_and_paths_are_answered(void **state)
{
    (void)state;
    peer_served_begin(false);
    ask("/count", NULL);
    assert_string_equal(peer_output, "7.\n");
    ask("/light", NULL);
    assert_string_equal(peer_output, "off\n");
    ask("/light", WORDS("-m", "put", "-e", "on"));
    assert_string_equal(peer_served_seen.light, "on");
    ask("/light", NULL);
    assert_string_equal(peer_output, "on\n");
    ask("/light", WORDS("-m", "delete"));
    assert_string_equal(peer_served_seen.light, "");
    ask("/nothing", NULL);
    assert_said("4.04");
    ask("/light/below", NULL);
    assert_said("4.04");
    ask("/count", WORDS("-m", "put", "-e", "8"));
    assert_said("4.05");
    ask("/light", WORDS("-m", "post", "-e", "8"));
    assert_said("4.05");
    ask("/secret", NULL);
    assert_said("4.01");
    ask("/secret", WORDS("-m", "put", "-e", "8"));
    assert_said("4.01");
    ask("/slow", NULL);
    assert_string_equal(peer_output, "done\n");
    ask("/light", WORDS("-N", "-m", "get"));
    peer_served_end();
}

static void large_bodies_go_both_ways(void **state)
{
    const char *const sizes[] = {"1024", "256", "64", "16"};
    (void)state;
    peer_served_begin(false);
    for (uint32_t i = 0; i < COUNT(sizes); i++) {
        ask("/large", WORDS("-b", sizes[i]));
        assert_large();
        ask("/large", WORDS("-m", i % 2 ? "post" : "put", "-b", sizes[i], "-f", body_file()));
        assert_int_equal(peer_served_seen.puts, i + 1);
        assert_int_equal(peer_served_seen.put_bytes, PEER_SERVED_BYTES);
        assert_int_equal(peer_served_seen.put_bad, 0);
    }
    peer_served_end();
}

/* ---- Who watches ------------------------------------------------------------------------- */

static uint64_t step_at;

static void turn_and_step(void)
{
    peer_served_turn();
    if (host_clock_ms() < step_at || iot_coap_server_observers(&peer_served, "count") == 0)
        return;
    step_at = host_clock_ms() + 100;
    peer_served_step();
}

static void what_is_observed_is_told(void **state)
{
    (void)state;
    peer_served_begin(true);
    peer_coap_turn = turn_and_step;
    ask("/count", WORDS("-s", "2"));
    assert_said("7.");
    assert_said("8.");
    assert_said("9.");
    for (uint32_t i = 0; i < COUNT(builds); i++) {
        peer_served_step();
        ask_as(builds[i], "lamp", "/count", WORDS("-s", "2"));
        uint32_t values = 0;
        for (const char *c = peer_output; *c != '\0'; c++)
            values += *c == '.';
        if (values < 3)
            fail_msg("%u values: %s", (unsigned)values, peer_output);
    }
    peer_coap_turn = peer_served_turn;
    UNTIL_WITH(peer_served_turn, iot_coap_server_observers(&peer_served, NULL) == 0);
    peer_served_end();
}

/* ---- DTLS -------------------------------------------------------------------------------- */

static void a_key_opens(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < COUNT(builds); i++) {
        peer_served_begin(true);
        ask_as(builds[i], "lamp-7", "/secret", NULL);
        assert_string_equal(peer_output, "you are lamp-7\n");
        UNTIL_WITH(peer_served_turn, peer_served_sessions() == 0); /* they say good bye */
        ask_as(builds[i], "lamp", "/.well-known/core", NULL);
        assert_said("</secret>");
        ask_as(builds[i], "lamp", "/light", WORDS("-m", "put", "-e", "on"));
        assert_string_equal(peer_served_seen.light, "on");
        ask_as(builds[i], "lamp", "/large", NULL);
        assert_large();
        ask_as(builds[i], "lamp", "/large", WORDS("-m", "put", "-f", body_file()));
        assert_int_equal(peer_served_seen.put_bytes, PEER_SERVED_BYTES);
        assert_int_equal(peer_served_seen.put_bad, 0);
        ask_as(builds[i], "lamp", "/slow", NULL);
        assert_string_equal(peer_output, "done\n");
        struct iot_coap_server_counters c;
        iot_coap_server_counters(&peer_served, &c);
        assert_int_equal(c.handshakes, 6);
        peer_served_end();
    }
}

static void a_wrong_key_or_name_opens_nothing(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < COUNT(builds); i++) {
        peer_served_begin(true);
        const char *uri = peer_coap_uri(true, peer_served_secure, "/light");
        peer_coap_ask_in_vain(builds[i], uri, WORDS("-u", "lamp", "-k", "sesame"));
        assert_null(strstr(peer_output, "off"));
        peer_coap_ask_in_vain(builds[i], uri, WORDS("-u", "nobody", "-k", PEER_SERVED_KEY));
        assert_null(strstr(peer_output, "off"));
        assert_int_equal(peer_served_seen.calls, 0);
        peer_served_end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_teardown(f, teardown)
        TEST(what_there_is_can_be_found),
        TEST(methods_and_paths_are_answered),
        TEST(large_bodies_go_both_ways),
        TEST(what_is_observed_is_told),
        TEST(a_key_opens),
        TEST(a_wrong_key_or_name_opens_nothing),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}

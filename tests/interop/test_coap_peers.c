/* SPDX-License-Identifier: Apache-2.0 */
/* The peers that CoAP and DTLS are tested against, with each other: libcoap's servers and clients, and the relay
 * between them. What peer_coap.h says of the server's resources is shown here. */
#include "test.h"

#include "host/host_loop.h"
#include "peer_certs.h"
#include "peer_coap.h"
#include "peer_device.h"
#include "peer_run.h"
#include "peer_udp.h"

#include <sys/socket.h>
#include <unistd.h>

#define KEY  "sesame, open"
#define KEY2 "sesame" /* a comma ends it in a file of identities */

static struct peer_coap server;
static struct peer_udp relay;

static int group_teardown(void **state)
{
    peer_certs_remove();
    return peer_group_teardown(state);
}

static int teardown(void **state)
{
    peer_coap_stop_all();
    peer_udp_stop_all();
    return peer_test_teardown(state);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void start(enum peer_coap_kind kind, struct peer_coap_options o, bool secure)
{
    peer_coap_start(&server, kind, &o);
    peer_udp_start(&relay, secure ? server.secure : server.port);
}

static int ask(bool secure, const char *path, const char *const more[])
{
    return peer_coap_ask(secure ? PEER_COAP_OPENSSL : PEER_COAP_NOTLS,
                         peer_coap_uri(secure, relay.port, path), more);
}

/* As ask, and nothing comes of it. */
static void refused(const char *const more[])
{
    peer_coap_ask_in_vain(PEER_COAP_OPENSSL, peer_coap_uri(true, relay.port, "/"), more);
    assert_null(strstr(peer_output, "This is a test server"));
}

#define assert_said(text)                                                                          \
    do {                                                                                           \
        if (strstr(peer_output, text) == NULL)                                                     \
            fail_msg("'%s' is not in: %s", text, peer_output);                                     \
    } while (0)

static const char *write_body(uint32_t n)
{
    static char path[HOST_PATH_MAX];
    static char text[65536];

    assert_true(n < sizeof text);
    for (uint32_t i = 0; i < n; i++)
        text[i] = (char)('a' + (i + i / 26) % 26);
    text[n] = '\0';
    assert_true(snprintf(path, sizeof path, "%s/body", peer_certs_dir()) < (int)sizeof path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fwrite(text, 1, n, f) == n);
    assert_int_equal(fclose(f), 0);
    return path;
}

/* The output without the newline that the client puts behind it. */
static uint32_t output_len(void)
{
    return (uint32_t)strcspn(peer_output, "\n");
}

/* ---- Plain CoAP -------------------------------------------------------------------------- */

static void each_server_answers_through_the_relay(void **state)
{
    (void)state;
    for (enum peer_coap_kind k = PEER_COAP_OPENSSL; k <= PEER_COAP_NOTLS; k++) {
        start(k, PEER_COAP_PLAIN, false);
        assert_int_equal(ask(false, "/", NULL), 0);
        assert_said("This is a test server made with libcoap");
        assert_int_equal(relay.up.count, 1);
        assert_int_equal(relay.down.count, 1);
        assert_int_equal(relay.up.firsts[0] & 0xf0, 0x40); /* version 1, CON */
        assert_int_equal(relay.up.sizes[0], relay.up.bytes);
        assert_int_equal(peer_coap_said(&server, "c:GET"), 1);
        teardown(state);
    }
}

static void its_resources_are_what_is_written_of_them(void **state)
{
    (void)state;
    start(PEER_COAP_NOTLS, PEER_COAP_PLAIN, false);
    ask(false, "/.well-known/core", NULL);
    assert_said("</>;title=\"General Info\";ct=0,</time>;if=\"clock\"");
    assert_said("</async>");
    assert_said("</example_data>;title=\"Example Data\";ct=0;obs");
    ask(false, "/time?ticks", NULL);
    assert_in_range(strtoul(peer_output, NULL, 10), 1700000000u, 4000000000u);
    ask(false, "/", WORDS("-m", "post", "-e", "x"));
    assert_said("4.05");
    ask(false, "/example_data", NULL);
    assert_memory_equal(peer_output, "a123456789b123456789", 20);
    assert_int_equal(output_len(), PEER_COAP_EXAMPLE_BYTES);
    ask(false, "/nothing", NULL);
    assert_said("4.04");
    ask(false, "/new", WORDS("-v", "6", "-m", "put", "-e", "one"));
    assert_said("c:2.01");
    ask(false, "/new", WORDS("-v", "6", "-m", "put", "-e", "two"));
    assert_said("c:2.04");
    ask(false, "/new", NULL);
    assert_memory_equal(peer_output, "two", 3);
    ask(false, "/new", WORDS("-v", "6", "-m", "delete"));
    assert_said("c:2.02");
    ask(false, "/new", NULL);
    assert_said("4.04");
}

static void a_separate_response_comes_as_one(void **state)
{
    (void)state;
    start(PEER_COAP_NOTLS, PEER_COAP_PLAIN, false);
    assert_int_equal(ask(false, "/async?1", NULL), 0);
    assert_said("done");
    assert_int_equal(relay.up.count, 2); /* the request, and the ACK of the response */
    assert_int_equal(relay.down.count, 2);
    assert_int_equal(relay.down.sizes[0], 4);
    assert_int_equal(relay.down.firsts[0], 0x60);
    assert_int_equal(relay.down.firsts[1] & 0x30, 0x00);
}

static void large_bodies_go_up_and_down_in_blocks(void **state)
{
    const char *path = write_body(5000);

    (void)state;
    start(PEER_COAP_NOTLS, PEER_COAP_PLAIN, false);
    assert_int_equal(ask(false, "/example_data", WORDS("-m", "put", "-b", "64", "-f", path)), 0);
    assert_true(relay.up.count >= 5000 / 64);
    peer_udp_behave(&relay);
    assert_int_equal(ask(false, "/example_data", WORDS("-b", "256")), 0);
    assert_int_equal(output_len(), 5000);
    assert_memory_equal(peer_output, "abcdefghijklmnopqrstuvwxyzbcdef", 31);
    assert_true(relay.down.count >= 5000 / 256);
    assert_in_range(relay.down.largest, 256, 256 + 40);
}

static void what_is_observed_is_told(void **state)
{
    (void)state;
    start(PEER_COAP_NOTLS, PEER_COAP_PLAIN, false);
    assert_int_equal(ask(false, "/time", WORDS("-s", "2", "-w")), 0);
    assert_true(strchr(strchr(peer_output, '\n') + 1, '\n') != NULL); /* two at least */
    assert_true(peer_coap_said(&server, "Observe:") >= 2);
}

static void the_server_itself_can_lose_what_it_says(void **state)
{
    struct peer_coap_options o = PEER_COAP_PLAIN;

    (void)state;
    o.loss = "2"; /* the first answered our ping */
    start(PEER_COAP_NOTLS, o, false);
    assert_int_equal(ask(false, "/time", NULL), 0);
    assert_true(relay.up.count >= 2);
    assert_int_equal(relay.down.count, 1);
}

static void after_a_restart_nothing_is_left_but_the_port(void **state)
{
    (void)state;
    start(PEER_COAP_NOTLS, PEER_COAP_PLAIN, false);
    ask(false, "/new", WORDS("-m", "put", "-e", "one"));
    peer_coap_restart(&server);
    ask(false, "/new", NULL);
    assert_said("4.04");
}

/* ---- The relay --------------------------------------------------------------------------- */

static int client_fd = -1;

static void say(const char *text)
{
    struct sockaddr_storage to;
    socklen_t len = peer_udp_address(relay.port, &to);

    assert_true(sendto(client_fd, text, strlen(text), 0, (struct sockaddr *)&to, len) > 0);
    for (int i = 0; i < 3; i++)
        host_turn(1);
}

/* All that has come to `fd`, with a blank behind each. */
static const char *heard(int fd, struct sockaddr_storage *from)
{
    static char text[1024];
    socklen_t from_len = sizeof *from;
    ssize_t n;
    size_t at = 0;

    while ((n = recvfrom(fd, text + at, sizeof text - at - 2, 0, (struct sockaddr *)from,
                         &from_len)) >= 0) {
        at += (size_t)n;
        text[at++] = ' ';
    }
    text[at] = '\0';
    return text;
}

static void a_put_is_told_to_who_observes(void **state)
{
    struct sockaddr_storage from;
    const char *got;

    (void)state;
    start(PEER_COAP_NOTLS, PEER_COAP_PLAIN, false);
    const char *uri = peer_coap_uri(false, server.port, "/example_data");
    peer_coap_ask(PEER_COAP_NOTLS, uri, WORDS("-m", "put", "-e", "old"));
    client_fd = peer_udp_socket(0, NULL);
    say("\x41\x01\x11\x11T\x60\x5c" /* GET, Observe 0 */ "example_data");
    UNTIL(relay.down.count == 1);
    assert_int_equal(heard(client_fd, &from)[1], 0x45);
    peer_coap_ask(PEER_COAP_NOTLS, uri, WORDS("-m", "put", "-e", "news"));
    UNTIL(relay.down.count == 2);
    got = heard(client_fd, &from);
    assert_int_equal((uint8_t)got[0], 0x41); /* CON, with our token */
    assert_int_equal(got[4], 'T');
    assert_string_equal(got + strcspn(got, "\xff"), "\xffnews ");
    close(client_fd);
}

static bool spoil_b(struct peer_udp *r, bool up, uint8_t *bytes, uint32_t *len)
{
    (void)r;
    (void)len;
    if (up && bytes[0] == 'b')
        bytes[0] = 'B';
    return bytes[0] != 'c';
}

static void the_relay_has_the_manners_that_it_is_told(void **state)
{
    struct sockaddr_storage first, second;
    uint16_t port;
    int end = peer_udp_socket(0, &port);

    (void)state;
    memset(&first, 0, sizeof first);
    memset(&second, 0, sizeof second);
    client_fd = peer_udp_socket(0, NULL);
    peer_udp_start(&relay, port);
    relay.up.lose = 2;
    relay.up.twice = 3;
    relay.up.swap = 4;
    for (const char *c = "a\0b\0c\0d\0e\0f\0"; *c != '\0'; c += 2)
        say(c);
    assert_string_equal(heard(end, &first), "a c c e d f ");
    assert_int_equal(relay.up.count, 6);
    assert_int_equal(relay.up.lost, 1);
    peer_udp_behave(&relay);
    relay.up.lose_from = 1;
    relay.up.lose_to = 2;
    for (const char *c = "a\0b\0c\0"; *c != '\0'; c += 2)
        say(c);
    assert_string_equal(heard(end, &first), "c ");
    peer_udp_behave(&relay);
    relay.judge = spoil_b;
    for (const char *c = "a\0b\0c\0"; *c != '\0'; c += 2)
        say(c);
    assert_string_equal(heard(end, &first), "a B ");
    assert_bytes(peer_udp_last(&relay, true), BYTES("c"));
    relay.up.silent = true;
    say("a");
    assert_string_equal(heard(end, &first), "");
    peer_udp_behave(&relay);

    peer_udp_rebind(&relay);
    say("x");
    assert_string_equal(heard(end, &second), "x ");
    assert_memory_not_equal(&first, &second, sizeof first);
    /* To the old address nothing comes through, to the new one it does. */
    sendto(end, "old", 3, 0, (struct sockaddr *)&first,
           peer_udp_address(0, &(struct sockaddr_storage){0}));
    sendto(end, "new", 3, 0, (struct sockaddr *)&second,
           peer_udp_address(0, &(struct sockaddr_storage){0}));
    peer_udp_insert(&relay, false, BYTES("forged"));
    for (int i = 0; i < 3; i++)
        host_turn(1);
    assert_string_equal(heard(client_fd, &first), "forged new ");
    close(client_fd);
    close(end);
}

static void a_lost_datagram_of_a_handshake_is_made_good(void **state)
{
    (void)state;
    start(PEER_COAP_OPENSSL, PEER_COAP_KEY(KEY), true);
    relay.down.lose = 2;
    assert_int_equal(ask(true, "/time?ticks", WORDS("-k", KEY, "-u", "lamp")), 0);
    assert_true(strtoul(peer_output, NULL, 10) != 0);
    assert_int_equal(relay.down.lost, 1);
    assert_int_equal(relay.up.firsts[0], 22); /* handshake */
}

/* ---- DTLS -------------------------------------------------------------------------------- */

/* libcoap's clients send an address as the server's name, and with a key GnuTLS refuses one with colons. Ours send none. */
static enum peer_coap_kind last_with_key(void)
{
    return strchr(peer_loopback, ':') != NULL ? PEER_COAP_OPENSSL : PEER_COAP_GNUTLS;
}

static void a_key_opens_each_server_to_each_client(void **state)
{
    (void)state;
    for (enum peer_coap_kind s = PEER_COAP_OPENSSL; s <= last_with_key(); s++) {
        start(s, PEER_COAP_KEY(KEY), true);
        for (enum peer_coap_kind c = PEER_COAP_OPENSSL; c <= PEER_COAP_GNUTLS; c++) {
            const char *uri = peer_coap_uri(true, relay.port, "/");
            peer_udp_behave(&relay);
            assert_int_equal(peer_coap_ask(c, uri, WORDS("-k", KEY, "-u", "lamp")), 0);
            assert_said("This is a test server");
            assert_true(relay.up.count > 3);
            peer_coap_ask_in_vain(c, uri, WORDS("-k", "sesam", "-u", "lamp"));
            assert_null(strstr(peer_output, "This is"));
        }
        teardown(state);
    }
}

static void a_key_may_be_of_one_identity(void **state)
{
    (void)state;
    for (enum peer_coap_kind s = PEER_COAP_OPENSSL; s <= last_with_key(); s++) {
        struct peer_coap_options o = PEER_COAP_KEY(KEY2);
        o.identity = "lamp";
        start(s, o, true);
        ask(true, "/", WORDS("-k", KEY2, "-u", "lamp"));
        assert_said("This is a test server");
        refused(WORDS("-k", KEY2, "-u", "lump"));
        teardown(state);
    }
}

static void certificates_do_too(void **state)
{
    (void)state;
    for (enum peer_coap_kind s = PEER_COAP_OPENSSL; s <= PEER_COAP_GNUTLS; s++) {
        const char *ca = peer_cert(CERT_EC_ROOT)->pem;
        const struct peer_cert *own = peer_cert(CERT_CLIENT_EC);
        struct peer_coap_options o = PEER_COAP_CERT(CERT_EC_GOOD);
        start(s, o, true);
        ask(true, "/", WORDS("-C", ca));
        assert_said("This is a test server");
        refused(WORDS("-C", peer_cert(CERT_STRANGE_ROOT)->pem));
        peer_udp_stop_all();
        peer_coap_stop(&server);

        o.asks_cert = true;
        start(s, o, true);
        refused(WORDS("-C", ca));
        ask(true, "/", WORDS("-C", ca, "-c", own->pem, "-j", own->key_pem));
        assert_said("This is a test server");
        teardown(state);
    }
}

#define TEST(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_server_answers_through_the_relay),
        TEST(its_resources_are_what_is_written_of_them),
        TEST(a_separate_response_comes_as_one),
        TEST(large_bodies_go_up_and_down_in_blocks),
        TEST(what_is_observed_is_told),
        TEST(the_server_itself_can_lose_what_it_says),
        TEST(after_a_restart_nothing_is_left_but_the_port),
        TEST(a_put_is_told_to_who_observes),
        TEST(the_relay_has_the_manners_that_it_is_told),
        TEST(a_lost_datagram_of_a_handshake_is_made_good),
        TEST(a_key_opens_each_server_to_each_client),
        TEST(a_key_may_be_of_one_identity),
        TEST(certificates_do_too),
    };

    return cmocka_run_group_tests(tests, peer_group_setup, group_teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* More of test_coap_peers.c: the DTLS servers that are not libcoap's. The one of peer_dtls.h with libcoap's clients and, for
 * connection IDs, with a client of its own make; and openssl's. */
#include "test.h"

#include "dtls_client.h"
#include "host/host_child.h"
#include "host/host_loop.h"
#include "peer_certs.h"
#include "peer_coap.h"
#include "peer_device.h"
#include "peer_dtls.h"
#include "peer_run.h"
#include "peer_udp.h"

#include <sys/socket.h>
#include <unistd.h>

#define KEY "sesame, open"

static struct peer_udp relay;
static struct peer_dtls afar;
static struct peer_tls terminal;
static int client_fd = -1;

static int group_teardown(void **state)
{
    peer_certs_remove();
    return peer_group_teardown(state);
}

static int teardown(void **state)
{
    peer_udp_stop_all();
    peer_dtls_stop_all();
    peer_tls_stop_all();
    return peer_test_teardown(state);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

#define assert_said(text)                                                                          \
    do {                                                                                           \
        if (strstr(peer_output, text) == NULL)                                                     \
            fail_msg("'%s' is not in: %s", text, peer_output);                                     \
    } while (0)

static struct dtls_server_options afar_options(void)
{
    return (struct dtls_server_options){
        .cookie = true,
        .psk = BYTES(KEY),
        .identity = BYTES("lamp"),
        .cid = true,
        .cid_len = 6,
        .mtu = 1200,
        .seed = 3,
    };
}

static void libcoaps_clients_get_and_post_there(void **state)
{
    struct dtls_server_options o = afar_options();

    (void)state;
    peer_dtls_start(&afar, &o);
    peer_udp_start(&relay, afar.port);
    for (enum peer_coap_kind c = PEER_COAP_OPENSSL; c <= PEER_COAP_GNUTLS; c++) {
        const char *uri = peer_coap_uri(true, relay.port, "/anything?at=all");
        assert_int_equal(peer_coap_ask(c, uri, WORDS("-k", KEY, "-u", "lamp")), 0);
        assert_said("from afar");
        assert_int_equal(afar.code, 1);
        peer_coap_ask(c, uri, WORDS("-m", "post", "-e", "and back", "-k", KEY, "-u", "lamp"));
        assert_said("and back");
        assert_int_equal(afar.code, 2);
        assert_bytes(((struct iot_bytes){afar.said, afar.said_len}), BYTES("and back"));
        peer_coap_ask_in_vain(c, uri, WORDS("-k", KEY, "-u", "lump"));
        assert_null(strstr(peer_output, "from afar"));
    }
    assert_int_equal(afar.requests, 4);
    assert_int_equal(dtls_server_counts(afar.server).handshakes, 4);
    assert_true(dtls_server_counts(afar.server).failures >= 2);
}

static struct dtls_client *client;

static void carry_client(void)
{
    struct sockaddr_storage to;
    socklen_t len = peer_udp_address(relay.port, &to);
    uint8_t d[DTLS_SERVER_DATAGRAM_MAX];
    uint32_t n;
    ssize_t got;

    while ((n = dtls_client_out(client, d, sizeof d)) != 0)
        assert_true(sendto(client_fd, d, n, 0, (struct sockaddr *)&to, len) > 0);
    host_turn(1);
    while ((got = recv(client_fd, d, sizeof d, 0)) > 0)
        dtls_client_feed(client, (struct iot_bytes){d, (uint32_t)got}, host_clock_ms());
    dtls_client_tick(client, host_clock_ms());
}

static bool client_up(void)
{
    struct dtls_server_info info;

    carry_client();
    dtls_client_info(client, &info);
    return info.up;
}

static bool got_answer(void)
{
    uint8_t m[64];
    uint32_t n;

    carry_client();
    return dtls_client_read(client, m, sizeof m, &n) && n > 5 && m[1] == 0x45;
}

static void a_connection_id_survives_another_address(void **state)
{
    struct dtls_server_options o = afar_options();
    struct dtls_client_options c = {
        .psk = BYTES(KEY), .identity = BYTES("lamp"), .cid = true, .cid_len = 2, .seed = 5};

    (void)state;
    for (int with = 1; with >= 0; with--) {
        c.cid = with;
        peer_dtls_start(&afar, &o);
        peer_udp_start(&relay, afar.port);
        client_fd = peer_udp_socket(0, NULL);
        client = dtls_client_create(&c);
        dtls_client_open(client, false, host_clock_ms());
        UNTIL(client_up());
        assert_true(dtls_client_write(client, BYTES("\x41\x01\x00\x01T")));
        UNTIL(got_answer());
        assert_int_equal(relay.up.firsts[relay.up.count - 1], with ? 25 : 23);
        peer_udp_rebind(&relay);
        assert_true(dtls_client_write(client, BYTES("\x41\x01\x00\x02T")));
        if (with) {
            UNTIL(got_answer());
            assert_int_equal(dtls_server_counts(afar.server).moves, 1);
            assert_int_equal(afar.requests, 2);
            assert_int_equal(afar.addresses, 2);
            peer_dtls_send(&afar, BYTES("\x41\x45\x00\x09T\xff!"));
            UNTIL(got_answer());
        } else {
            UNTIL((carry_client(), dtls_server_counts(afar.server).lost == 1));
            assert_int_equal(afar.requests, 1);
        }
        peer_dtls_forget(&afar);
        assert_true(dtls_client_write(client, BYTES("\x41\x01\x00\x03T")));
        uint32_t lost = dtls_server_counts(afar.server).lost;
        UNTIL((carry_client(), dtls_server_counts(afar.server).lost == lost + 1));
        dtls_client_destroy(client);
        close(client_fd);
        peer_udp_stop(&relay);
        peer_dtls_stop(&afar);
    }
    assert_int_equal(dtls_server_memory(), 0);
}

static void openssls_own_server_shakes_hands(void **state)
{
    (void)state;
    peer_dtls_openssl(&terminal, CERT_COUNT, "-psk 736573616d65 -nocert");
    peer_udp_start(&relay, terminal.port);
    peer_coap_ask_in_vain(PEER_COAP_OPENSSL, peer_coap_uri(true, relay.port, "/"),
                          WORDS("-k", "sesame", "-u", "lamp"));
    UNTIL(peer_tls_said(&terminal, "CIPHER is ") == 1);
    assert_true(peer_tls_said(&terminal, "PSK") >= 1);
    peer_tls_stop(&terminal);
    peer_udp_stop(&relay);

    peer_dtls_openssl(&terminal, CERT_EC_GOOD, NULL);
    peer_udp_start(&relay, terminal.port);
    peer_coap_ask_in_vain(PEER_COAP_OPENSSL, peer_coap_uri(true, relay.port, "/"),
                          WORDS("-C", peer_cert(CERT_EC_ROOT)->pem));
    UNTIL(peer_tls_said(&terminal, "CIPHER is ECDHE-ECDSA") == 1);
}

#define TEST(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(libcoaps_clients_get_and_post_there),
        TEST(a_connection_id_survives_another_address),
        TEST(openssls_own_server_shakes_hands),
    };

    return cmocka_run_group_tests(tests, peer_group_setup, group_teardown);
}

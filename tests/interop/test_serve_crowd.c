/* SPDX-License-Identifier: Apache-2.0 */
/* A device that serves CoAP, and those who do not behave: a crowd, floods, and senders with somebody else's address. And openssl's
 * own client, which knows nothing of CoAP. */
#include "peer_served.h"

#include "peer_broker.h"
#include "peer_certs.h"
#include "peer_coap.h"
#include "peer_run.h"
#include "peer_udp.h"

#include "host/host_child.h"
#include "host/host_loop.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct host_broker broker;
static struct peer_device lamp;
static struct peer_child children[3];
static int sockets[4] = {-1, -1, -1, -1};

static int teardown(void **state)
{
    for (uint32_t i = 0; i < COUNT(children); i++)
        if (children[i].pid > 0) {
            host_kill(children[i].pid);
            children[i].pid = 0;
        }
    for (uint32_t i = 0; i < COUNT(sockets); i++) {
        if (sockets[i] >= 0)
            close(sockets[i]);
        sockets[i] = -1;
    }
    peer_served_forget();
    return peer_test_teardown(state);
}

static int group_setup(void **state)
{
    peer_coap_turn = peer_served_turn;
    int failed = peer_served_group_setup(state);
    if (failed == 0)
        peer_broker_start(&broker, 0, NULL, NULL);
    return failed;
}

static int group_teardown(void **state)
{
    peer_broker_kill_all();
    peer_certs_remove();
    return peer_served_group_teardown(state);
}

/* ---- Sockets of the host ----------------------------------------------------------------- */

static void send_to(int fd, uint16_t port, struct iot_bytes bytes)
{
    struct sockaddr_storage to;
    socklen_t len = peer_udp_address(port, &to);
    (void)sendto(fd, bytes.ptr, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to,
                 len);
}

/* What has come to it; 0: nothing. */
static uint32_t heard(int fd, uint8_t *into, uint32_t cap)
{
    ssize_t n = recv(fd, into, cap, MSG_DONTWAIT);
    return n > 0 ? (uint32_t)n : 0;
}

static void open_sockets(void)
{
    for (uint32_t i = 0; i < COUNT(sockets); i++) {
        sockets[i] = peer_udp_socket(0, NULL);
        assert_true(sockets[i] >= 0);
    }
}

/* ---- openssl ----------------------------------------------------------------------------- */

static uint32_t read_some(int fd, char *into, uint32_t len, uint32_t cap)
{
    ssize_t n = read(fd, into + len, cap - 1 - len);
    len += n > 0 ? (uint32_t)n : 0;
    into[len] = '\0';
    return len;
}

static const uint8_t *find(const char *in, uint32_t len, const char *what, uint32_t n)
{
    return memmem(in, len, what, n);
}

/* openssl's client, with what we type. */
static struct {
    pid_t pid;
    int in, out, status;
    uint32_t len;
    char said[16384];
} tool;

static void tool_start(const char *suite, const char *mode)
{
    char fifo[HOST_PATH_MAX], connect[64], hex[64] = "";
    const char *openssl = getenv("OPENSSL");
    bool v6 = strchr(peer_loopback, ':') != NULL;
    for (const char *c = PEER_SERVED_KEY; *c != '\0'; c++)
        sprintf(hex + strlen(hex), "%02x", (unsigned)*c);
    snprintf(connect, sizeof connect, v6 ? "[%s]:%u" : "%s:%u", peer_loopback, peer_served_secure);
    assert_true(snprintf(fifo, sizeof fifo, "%s/fifo", peer_certs_dir()) < (int)sizeof fifo);
    unlink(fifo);
    assert_true(mkfifo(fifo, 0600) == 0);
    assert_int_equal(setenv("FIFO", fifo, 1), 0);
    memset(&tool, 0, sizeof tool);
    tool.in = open(fifo, O_RDWR | O_CLOEXEC);
    assert_true(tool.in >= 0);
    tool.pid = host_spawn(
        (char *const *)WORDS("sh", "-c", "exec \"$0\" \"$@\" <\"$FIFO\"",
                             openssl != NULL && *openssl != '\0' ? openssl : "openssl", "s_client",
                             "-dtls1_2", "-connect", connect, "-psk", hex, "-psk_identity",
                             "lamp-s", "-cipher", suite, mode, "-no_ign_eof"),
        NULL, &tool.out);
    assert_true(tool.pid > 0);
    children[0].pid = tool.pid; /* for the teardown */
    assert_int_equal(fcntl(tool.out, F_SETFL, O_NONBLOCK), 0);
}

static void tool_type(const char *bytes, uint32_t n)
{
    assert_int_equal(write(tool.in, bytes, n), n);
}

static bool tool_says(const char *what)
{
    tool.len = read_some(tool.out, tool.said, tool.len, sizeof tool.said);
    return find(tool.said, tool.len, what, (uint32_t)strlen(what)) != NULL;
}

static bool tool_is_over(void)
{
    (void)tool_says("");
    return !host_alive(tool.pid, &tool.status);
}

/* Its input ends, and so does it. */
static void tool_end(void)
{
    close(tool.in);
    UNTIL_WITH(peer_served_turn, tool_is_over());
    children[0].pid = 0;
    close(tool.out);
}

static void openssl_is_served(void **state)
{
    static const char ask[] = "\x44\x01\x12\x34"
                              "abcd\xb6secret";
    static const char *const suites[] = {"PSK-AES128-CCM8", "PSK-AES128-CCM",
                                         "PSK-AES128-GCM-SHA256"};
    (void)state;
    peer_served_begin(true);
    for (uint32_t i = 0; i < COUNT(suites); i++) {
        tool_start(suites[i], "-quiet");
        tool_type(ask, sizeof ask - 1);
        UNTIL_WITH(peer_served_turn, tool_says("you are lamp-s"));
        assert_true(tool_says("\x64\x45\x12\x34"
                              "abcd"));
        tool_end();
        UNTIL_WITH(peer_served_turn, peer_served_sessions() == 0); /* it said good bye */
    }
    peer_served_end();
}

static void other_suites_are_refused(void **state)
{
    static const char *const suites[] = {
        "PSK-AES128-CBC-SHA", "PSK-AES256-GCM-SHA384",
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-PSK-CHACHA20-POLY1305"};
    struct iot_coap_server_counters c;
    (void)state;
    peer_served_begin(true);
    for (uint32_t i = 0; i < COUNT(suites); i++) {
        tool_start(suites[i], "-quiet");
        UNTIL_WITH(peer_served_turn, tool_is_over());
        tool_end();
        assert_true(tool_says("handshake failure"));
    }
    iot_coap_server_counters(&peer_served, &c);
    assert_int_equal(c.handshakes, 0);
    assert_int_equal(peer_served_sessions(), 0);
    peer_served_end();
}

/* 'R' asks for it. */
static void who_asks_to_renegotiate_is_refused(void **state)
{
    struct iot_coap_server_counters c;
    (void)state;
    peer_served_begin(true);
    tool_start("PSK-AES128-CCM8", "-msg");
    UNTIL_WITH(peer_served_turn, tool_says("Verify return code"));
    tool_type("R\n", 2);
    UNTIL_WITH(peer_served_turn, tool_says("no renegotiation"));
    tool_end();
    UNTIL_WITH(peer_served_turn, peer_served_sessions() == 0);
    iot_coap_server_counters(&peer_served, &c);
    assert_int_equal(c.handshakes, 1);
    peer_served_end();
}

/* ---- A crowd ----------------------------------------------------------------------------- */

/* One that watches until it is ended. */
static void watch(struct peer_child *c, const char *name)
{
    static char program[2][HOST_PATH_MAX];
    static uint32_t turn;
    char *path = program[turn++ % 2];
    const char *env = getenv("COAP_CLIENT");
    snprintf(path, HOST_PATH_MAX, "%s-openssl", env != NULL && *env != '\0' ? env : "coap-client");
    peer_child_start(c, WORDS(path, "-u", name, "-k", PEER_SERVED_KEY, "-s", "100",
                              peer_coap_uri(true, peer_served_secure, "/count")));
}

static void one_more_than_there_is_room_for_waits(void **state)
{
    (void)state;
    peer_served_begin(true);
    assert_int_equal(IOT_COAP_SESSIONS, 2);
    watch(&children[0], "lamp-0");
    UNTIL_WITH(peer_served_turn, iot_coap_server_observers(&peer_served, "count") == 1);
    watch(&children[1], "lamp-1");
    UNTIL_WITH(peer_served_turn, iot_coap_server_observers(&peer_served, "count") == 2);

    const char *uri = peer_coap_uri(true, peer_served_secure, "/secret");
    const char *const *who = WORDS("-u", "lamp-2", "-k", PEER_SERVED_KEY);
    peer_coap_ask_in_vain(PEER_COAP_OPENSSL, uri, who);
    assert_null(strstr(peer_output, "lamp-2"));
    assert_int_equal(iot_coap_server_observers(&peer_served, "count"), 2);

    host_kill(
        children[0].pid); /* says nothing: its place is not free before it was silent for long */
    children[0].pid = 0;
    peer_clock_skip(61000);
    peer_served_step();
    peer_coap_ask(PEER_COAP_OPENSSL, uri, who);
    assert_string_equal(peer_output, "you are lamp-2\n");
    host_kill(children[1].pid);
    children[1].pid = 0;
    peer_served_end();
}

/* ---- Floods ------------------------------------------------------------------------------ */

/* A ClientHello of nobody's. */
static struct iot_bytes hello(uint32_t i)
{
    static uint8_t bytes[13 + 12 + 34 + 1 + 1 + 4 + 2];
    static const uint8_t heads[] = {22,
                                    0xfe,
                                    0xff,
                                    0,
                                    0,
                                    0,
                                    0,
                                    0,
                                    0,
                                    0,
                                    0,
                                    0,
                                    sizeof bytes - 13,
                                    1,
                                    0,
                                    0,
                                    sizeof bytes - 25,
                                    0,
                                    0,
                                    0,
                                    0,
                                    0,
                                    0,
                                    0,
                                    sizeof bytes - 25,
                                    0xfe,
                                    0xfd};
    memcpy(bytes, heads, sizeof heads);
    memcpy(bytes + sizeof heads, &i, sizeof i);
    memcpy(bytes + 13 + 12 + 34, "\0\0\0\x02\xc0\xa8\x01", 7);
    return (struct iot_bytes){bytes, sizeof bytes};
}

static void flood_a_little(uint32_t round)
{
    static uint8_t garbage[600];
    for (uint32_t i = 0; i < 10; i++) {
        uint32_t chance = (round * 10 + i) * 2654435761u;
        for (uint32_t k = 0; k < sizeof garbage; k += 4) {
            chance = chance * 1664525u + 1013904223u;
            memcpy(garbage + k, &chance, 4);
        }
        struct iot_bytes bytes = {garbage, 1 + (chance >> 8) % sizeof garbage};
        send_to(sockets[0], peer_served_port, bytes);
        send_to(sockets[0], peer_served_secure, bytes);
        send_to(sockets[1], peer_served_secure, hello(chance));
        uint8_t get[] = "\x42\x01\0\0to\xb5"
                        "count";
        memcpy(get + 2, &chance, 2);
        send_to(sockets[2], peer_served_port, (struct iot_bytes){get, sizeof get - 1});
    }
}

static void a_flood_takes_nothing_from_mqtt(void **state)
{
    uint8_t got[2048];
    uint32_t asked = 0, answered = 0, questions = 0;
    static iot_ticket tickets[200];
    struct iot_coap_server_counters c;
    (void)state;
    open_sockets();
    peer_prepare(&lamp, "flooded", broker.port);
    peer_begin(&lamp);
    peer_served_attach(&lamp.dev, true);
    UNTIL(iot_device_connected(&lamp.dev));
    peer_subscribed(&lamp, "flood/+", 1);
    for (uint32_t round = 0; round < 200; round++) {
        flood_a_little(round);
        asked += 10;
        tickets[round] = peer_publish(&lamp, "flood/up", "still there", 1, 0);
        UNTIL(peer_ended(&lamp, tickets[round]) && peer_count_of(&lamp, "flood/up") == round + 1);
        assert_err(peer_result(&lamp, tickets[round]), IOT_OK);
        while (heard(sockets[2], got, sizeof got) != 0)
            answered++;
        for (uint32_t n; (n = heard(sockets[1], got, sizeof got)) != 0; questions++)
            assert_true(n <= hello(0).len);
        assert_int_equal(peer_served_sessions(), 0);
        assert_true(peer_served_untouched());
    }
    iot_coap_server_counters(&peer_served, &c);
    print_message("%u of %u requests answered, %u hellos; %u received, %u dropped\n",
                  (unsigned)answered, (unsigned)asked, (unsigned)questions, (unsigned)c.received,
                  (unsigned)c.dropped);
    assert_true(answered > 0 && answered <= asked && questions > 0);
    assert_int_equal(lamp.kinds[IOT_EV_LOST], 0);
    assert_int_equal(lamp.kinds[IOT_EV_CONNECTED], 1);
    peer_coap_turn = peer_turn; /* and it still serves */
    peer_coap_ask(PEER_COAP_OPENSSL, peer_coap_uri(true, peer_served_secure, "/secret"),
                  WORDS("-u", "lamp", "-k", PEER_SERVED_KEY));
    peer_coap_turn = peer_served_turn;
    assert_string_equal(peer_output, "you are lamp\n");
    peer_close(&lamp);
    assert_true(peer_served_untouched());
}

/* ---- Somebody else's address ------------------------------------------------------------- */

static uint32_t await(int fd, uint8_t *into, uint32_t cap)
{
    uint32_t n = 0;
    UNTIL_WITH(peer_served_turn, (n = heard(fd, into, cap)) != 0);
    return n;
}

/* As a client does that is asked for Echo: "44 01 id id token 60 b5 count", then with the option. */
static uint32_t observe(int fd, uint8_t *got, uint32_t cap)
{
    uint8_t ask[64] = "\x44\x01\0\x01tokn\x60\x55"
                      "count";
    uint32_t n;
    send_to(fd, peer_served_port, (struct iot_bytes){ask, 15});
    n = await(fd, got, cap);
    if (got[1] != 0x81)
        return n;
    /* 4.01 with nothing but Echo, which is option 252: "dd" or "e.", 239, length */
    assert_int_equal(got[8] & 0xf0, 0xd0);
    uint32_t len = got[8] & 0x0f;
    assert_true(len < 13 && n >= 10 + len);
    ask[3] = 2;
    ask[15] = (uint8_t)(0xd0 | len);
    ask[16] = 252 - 11 - 13;
    memcpy(ask + 17, got + 10, len);
    send_to(fd, peer_served_port, (struct iot_bytes){ask, 17 + len});
    return await(fd, got, cap);
}

static void turn_often(void)
{
    for (uint32_t i = 0; i < 50; i++)
        peer_served_turn();
}

static void another_port_cancels_nothing(void **state)
{
    uint8_t got[256], reset[4] = {0x70, 0, 0, 0};
    static const uint8_t cancel[] = "\x44\x01\0\x09tokn\x61\x01\x55"
                                    "count";
    (void)state;
    open_sockets();
    peer_served_begin(false);
    uint32_t n = observe(sockets[0], got, sizeof got);
    assert_int_equal(got[1], 0x45);
    assert_memory_equal(got + n - 2, "7.", 2);
    assert_int_equal(iot_coap_server_observers(&peer_served, "count"), 1);

    send_to(sockets[1], peer_served_port, (struct iot_bytes){cancel, sizeof cancel - 1});
    (void)await(sockets[1], got, sizeof got);
    assert_int_equal(iot_coap_server_observers(&peer_served, "count"), 1);
    peer_served_step();
    n = await(sockets[0], got, sizeof got);
    assert_memory_equal(got + n - 2, "8.", 2);
    memcpy(reset + 2, got + 2, 2);
    send_to(sockets[1], peer_served_port, (struct iot_bytes){reset, 4}); /* a RST for it */
    turn_often();
    assert_int_equal(iot_coap_server_observers(&peer_served, "count"), 1);
    send_to(sockets[0], peer_served_port, (struct iot_bytes){reset, 4});
    UNTIL_WITH(peer_served_turn, iot_coap_server_observers(&peer_served, "count") == 0);
    peer_served_end();
}

/* Is it there? An empty message that wants a confirmation is reset, whoever asks, and nothing else happens. */
static void a_ping_is_answered(void **state)
{
    static const uint8_t ping[] = {0x40, 0, 0x12, 0x34}, pong[] = {0x70, 0, 0x12, 0x34};
    uint8_t got[256];
    (void)state;
    open_sockets();
    peer_served_begin(false);
    send_to(sockets[0], peer_served_port, (struct iot_bytes){ping, sizeof ping});
    assert_int_equal(await(sockets[0], got, sizeof got), sizeof pong);
    assert_memory_equal(got, pong, sizeof pong);
    assert_int_equal(peer_served_seen.calls, 0);
    peer_served_end();
}

/* A request that changes something, from an address that may be anybody's: asked whether it is there, and nothing done. */
static void nothing_changes_before_the_sender_is_known_to_be_there(void **state)
{
    static const uint8_t put[] = "\x44\x03\0\x07tokn\xb5light\xffon";
    uint8_t got[256];
    (void)state;
    open_sockets();
    peer_served_begin(false);
    send_to(sockets[0], peer_served_port, (struct iot_bytes){put, sizeof put - 1});
    uint32_t n = await(sockets[0], got, sizeof got);
    assert_int_equal(got[1], 0x81);
    assert_true(n <= 3 * (sizeof put - 1));
    assert_string_equal(peer_served_seen.light, "off");
    assert_int_equal(peer_served_seen.calls, 0);
    peer_served_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_teardown(f, teardown)
        TEST(openssl_is_served),
        TEST(other_suites_are_refused),
        TEST(who_asks_to_renegotiate_is_refused),
        TEST(one_more_than_there_is_room_for_waits),
        TEST(a_flood_takes_nothing_from_mqtt),
        TEST(another_port_cancels_nothing),
        TEST(a_ping_is_answered),
        TEST(nothing_changes_before_the_sender_is_known_to_be_there),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_coap.h"

#include "test.h"

#include "host/host_child.h"
#include "host/host_loop.h"
#include "peer_device.h"
#include "peer_run.h"
#include "peer_udp.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVERS_MAX 4u
#define START_MS    10000u
#define RUN_MS      30000u
#define VAIN_MS     1500u /* a handshake takes some 20 */
#define TRIES       5
#define WORDS_MAX   48u

static const char *const kinds[] = {"openssl", "gnutls", "notls"};

static struct peer_coap *servers[SERVERS_MAX];

static const char *program(const char *variable, const char *otherwise, enum peer_coap_kind kind)
{
    static char path[2][HOST_PATH_MAX];
    static uint32_t turn;
    const char *name = getenv(variable);
    char *at = path[turn++ % 2];

    assert_true(snprintf(at, HOST_PATH_MAX, "%s-%s",
                         name != NULL && *name != '\0' ? name : otherwise,
                         kinds[kind]) < HOST_PATH_MAX);
    return at;
}

/* ---- Its log ----------------------------------------------------------------------------- */

/* The tests' own folder is beside it; there may be none yet when a test is run by hand. */
static void choose_log(struct peer_coap *s)
{
    char tests[HOST_PATH_MAX], dir[HOST_PATH_MAX];
    uint32_t place = 0;

    while (servers[place] != s)
        place++;
    assert_true(host_dir_program(tests));
    char *slash = strrchr(tests, '/');
    assert_non_null(slash);
    *slash = '\0';
    assert_true(snprintf(dir, sizeof dir, "%s/log", tests) < (int)sizeof dir);
    assert_true(mkdir(dir, 0777) == 0 || errno == EEXIST);
    assert_true(snprintf(s->log, sizeof s->log, "%s/%s-coap%u-%s.log", dir,
                         program_invocation_short_name, (unsigned)place,
                         kinds[s->kind]) < (int)sizeof s->log);
}

static uint32_t count_in(const char *path, const char *what)
{
    static char text[65536 + 256];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t keep = 0, len = strlen(what);
    uint32_t count = 0;
    ssize_t n;

    assert_in_range(len, 1, 255);
    if (fd < 0)
        return 0;
    while ((n = read(fd, text + keep, 65536)) > 0) {
        size_t have = keep + (size_t)n;
        for (size_t i = 0; i < have; i++)
            if (text[i] == '\0')
                text[i] = '.';
        text[have] = '\0';
        for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
            count++;
        keep = have < len - 1 ? have : len - 1; /* it may be cut in two */
        memmove(text, text + have - keep, keep);
    }
    close(fd);
    return count;
}

uint32_t peer_coap_said(const struct peer_coap *s, const char *text)
{
    return count_in(s->log, text);
}

static void tell(const struct peer_coap *s)
{
    static char text[4096];
    int fd = open(s->log, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;

    text[n > 0 ? n : 0] = '\0';
    print_message("coap-server: %s\n", text);
    if (fd >= 0)
        close(fd);
}

/* ---- Life -------------------------------------------------------------------------------- */

static bool has_dtls(const struct peer_coap *s)
{
    return s->kind != PEER_COAP_NOTLS && (s->options.key != NULL || s->options.cert != CERT_COUNT);
}

/* Of one identity: a file has its key, and the key of all others is one that nobody knows. */
static const char *write_identity(const struct peer_coap_options *o)
{
    static char path[HOST_PATH_MAX];
    char line[256];

    assert_null(o->hint);
    int n = snprintf(line, sizeof line, "CoAP,%s,%s\n", o->identity, o->key);
    assert_true(n > 0 && n < (int)sizeof line);
    assert_true(snprintf(path, sizeof path, "%s/identities", peer_certs_dir()) < (int)sizeof path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write(fd, line, (size_t)n) == n);
    close(fd);
    return path;
}

static pid_t spawn(const struct peer_coap *s)
{
    const struct peer_coap_options *o = &s->options;
    char port[8], dynamic[16];
    const char *argv[WORDS_MAX] = {
        program("COAP_SERVER", "coap-server", s->kind), "-A", peer_loopback, "-p", port, "-v", "7"};
    uint32_t n = 7;

    snprintf(port, sizeof port, "%u", s->port);
    snprintf(dynamic, sizeof dynamic, "%u", (unsigned)o->dynamic);
#define WORD(w)    argv[n++] = (w)
#define PAIR(v, w) WORD(v), WORD(w)
    if (o->dynamic != 0)
        PAIR("-d", dynamic);
    if (o->key != NULL)
        PAIR("-k", o->identity != NULL ? "of nobody at all" : o->key);
    if (o->identity != NULL)
        PAIR("-i", write_identity(o));
    if (o->hint != NULL)
        PAIR("-h", o->hint);
    if (o->cert != CERT_COUNT) {
        const struct peer_cert *c = peer_cert(o->cert);
        PAIR("-c", c->chain_pem);
        PAIR("-j", c->key_pem);
        if (o->asks_cert)
            PAIR("-C", peer_cert(CERT_EC_ROOT)->pem);
        else
            WORD("-n");
    }
    if (o->loss != NULL)
        PAIR("-l", o->loss);
    if (o->quiet_observe)
        WORD("-N");
    for (uint32_t i = 0; o->more != NULL && o->more[i] != NULL; i++) {
        assert_true(n < WORDS_MAX - 1);
        WORD(o->more[i]);
    }
#undef PAIR
#undef WORD
    argv[n] = NULL;
    pid_t pid = host_spawn((char *const *)argv, s->log, NULL);
    if (pid <= 0)
        fail_msg("cannot start %s", argv[0]);
    return pid;
}

/* An empty CON is answered by RST: then its loop turns, and all its sockets are there. */
static bool answers(const struct peer_coap *s)
{
    static const uint8_t ping[] = {0x40, 0, 0x12, 0x34};
    struct sockaddr_storage to;
    socklen_t len = peer_udp_address(s->port, &to);
    uint8_t got[64];
    int fd = peer_udp_socket(0, NULL);

    assert_true(fd >= 0);
    (void)sendto(fd, ping, sizeof ping, MSG_NOSIGNAL, (struct sockaddr *)&to, len);
    ssize_t n = -1;
    for (int i = 0; n < 0 && i < 10; i++) {
        host_pause_ms(2);
        n = recv(fd, got, sizeof got, 0);
    }
    close(fd);
    return n == 4 && got[0] == 0x70 && got[2] == 0x12 && got[3] == 0x34;
}

static bool try_start(struct peer_coap *s)
{
    int status;

    unlink(s->log);
    s->pid = spawn(s);
    for (uint64_t end = host_clock_ms() + START_MS; host_clock_ms() < end;) {
        if (!host_alive(s->pid, &status)) {
            s->pid = 0;
            return false;
        }
        if (!answers(s))
            continue;
        /* It goes on without a port that it does not get. */
        if (!has_dtls(s) || peer_coap_said(s, "created DTLS endpoint") != 0)
            return true;
        break;
    }
    host_kill(s->pid);
    s->pid = 0;
    return false;
}

static void enlist(struct peer_coap *s)
{
    for (uint32_t i = 0; i < SERVERS_MAX; i++) {
        if (servers[i] == NULL || servers[i] == s) {
            servers[i] = s;
            return;
        }
    }
    fail_msg("too many servers");
}

void peer_coap_start(struct peer_coap *s, enum peer_coap_kind kind,
                     const struct peer_coap_options *o)
{
    memset(s, 0, sizeof *s);
    s->kind = kind;
    s->options = *o;
    if (o->cert != CERT_COUNT)
        (void)peer_cert(o->cert);
    enlist(s);
    choose_log(s);
    for (int i = 0; i < TRIES; i++) { /* somebody may take a port between our choice and its bind */
        s->port = peer_udp_free_pair();
        s->secure = (uint16_t)(s->port + 1);
        if (try_start(s))
            return;
    }
    tell(s);
    fail_msg("%s does not start", program("COAP_SERVER", "coap-server", kind));
}

void peer_coap_kill(struct peer_coap *s)
{
    if (s->pid > 0)
        host_kill(s->pid);
    s->pid = 0;
}

void peer_coap_restart(struct peer_coap *s)
{
    peer_coap_kill(s);
    if (!try_start(s)) {
        tell(s);
        fail_msg("coap-server does not start again");
    }
}

void peer_coap_stop(struct peer_coap *s)
{
    if (s->pid > 0)
        host_stop(s->pid);
    s->pid = 0;
    for (uint32_t i = 0; i < SERVERS_MAX; i++)
        if (servers[i] == s)
            servers[i] = NULL;
}

void peer_coap_stop_all(void)
{
    for (uint32_t i = 0; i < SERVERS_MAX; i++)
        if (servers[i] != NULL)
            peer_coap_stop(servers[i]);
}

/* ---- The client -------------------------------------------------------------------------- */

const char *peer_coap_uri(bool secure, uint16_t port, const char *path)
{
    static char room[4][512];
    static uint32_t turn;
    char *at = room[turn++ % 4];
    bool v6 = strchr(peer_loopback, ':') != NULL;

    assert_true(snprintf(at, sizeof room[0], "coap%s://%s%s%s:%u%s", secure ? "s" : "",
                         v6 ? "[" : "", peer_loopback, v6 ? "]" : "", port,
                         path) < (int)sizeof room[0]);
    return at;
}

static void turn_host(void)
{
    host_turn(2);
}

void (*peer_coap_turn)(void) = turn_host;

static int run(enum peer_coap_kind kind, const char *uri, const char *const more[],
               uint32_t most_ms, bool may_hang)
{
    const char *argv[WORDS_MAX] = {program("COAP_CLIENT", "coap-client", kind)};
    uint64_t end = host_clock_ms() + most_ms;
    uint32_t n = 1;
    size_t len = 0;
    int fd, status = 0;

    for (uint32_t i = 0; more != NULL && more[i] != NULL; i++) {
        assert_true(n < WORDS_MAX - 2);
        argv[n++] = more[i];
    }
    argv[n++] = uri;
    argv[n] = NULL;
    pid_t pid = host_spawn((char *const *)argv, NULL, &fd);
    if (pid <= 0)
        fail_msg("cannot start %s", argv[0]);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    for (bool over = false; !over;) {
        over = !host_alive(pid, &status);
        if (!over)
            peer_coap_turn();
        ssize_t got;
        while ((got = read(fd, peer_output + len, sizeof peer_output - 1 - len)) > 0)
            len += (size_t)got;
        if (!over && host_clock_ms() > end) {
            status = host_kill(pid);
            over = true;
            if (!may_hang)
                fail_msg("%s does not end", argv[0]);
        }
    }
    close(fd);
    peer_coap_turn(); /* what it said last is on its way */
    peer_coap_turn();
    peer_output[len] = '\0';
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int peer_coap_ask(enum peer_coap_kind kind, const char *uri, const char *const more[])
{
    return run(kind, uri, more, RUN_MS, false);
}

void peer_coap_ask_in_vain(enum peer_coap_kind kind, const char *uri, const char *const more[])
{
    (void)run(kind, uri, more, VAIN_MS, true);
}

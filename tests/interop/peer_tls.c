/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_tls.h"

#include "test.h"

#include "host/host_child.h"
#include "host/host_loop.h"
#include "peer_device.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#define SERVERS_MAX 4u
#define WORDS_MAX   48u
#define LETTERS_MAX 4096u

static struct peer_tls *servers[SERVERS_MAX];

/* ---- What it says ------------------------------------------------------------------------ */

uint32_t peer_tls_said(const struct peer_tls *s, const char *text)
{
    uint32_t n = 0;

    for (const char *at = s->text; (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

void peer_tls_forget(struct peer_tls *s)
{
    s->text_len = 0;
    s->text[0] = '\0';
    s->greeted = 0;
}

static void end_output(struct peer_tls *s)
{
    if (s->out < 0)
        return;
    host_unwatch(s->out);
    close(s->out);
    s->out = -1;
}

/* "ACCEPT 127.0.0.1:40123" or "ACCEPT [::1]:40123": said once, as it was to choose the port. */
static void learn_port(struct peer_tls *s)
{
    const char *line = strstr(s->text, "ACCEPT "), *end = NULL;

    if (line != NULL)
        end = strchr(line, '\n');
    if (end == NULL)
        return;
    while (end > line && end[-1] != ':')
        end--;
    s->port = (uint16_t)strtoul(end, NULL, 10);
    s->told_port = true;
}

static void on_output(void *ctx, int fd, short revents)
{
    static const uint8_t connack[] = {0x20, 2, 0, 0};
    struct peer_tls *s = ctx;
    (void)revents;

    if (s->text_len > PEER_TLS_TEXT_MAX / 2) {
        uint32_t half = s->text_len / 2;
        memmove(s->text, s->text + half, s->text_len - half + 1);
        s->text_len -= half;
        s->greeted = peer_tls_said(s, "MQTT"); /* those of what is kept */
    }
    ssize_t n = read(fd, s->text + s->text_len, PEER_TLS_TEXT_MAX - 1 - s->text_len);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        end_output(s);
        return;
    }
    for (ssize_t i = 0; i < n; i++)
        if (s->text[s->text_len + (uint32_t)i] == '\0')
            s->text[s->text_len + (uint32_t)i] = '.';
    s->text_len += (uint32_t)n;
    s->text[s->text_len] = '\0';
    if (!s->told_port)
        learn_port(s);
    if (s->greets && peer_tls_said(s, "MQTT") > s->greeted) {
        s->greeted++;
        peer_tls_type(s, (struct iot_bytes){connack, sizeof connack});
    }
}

void peer_tls_type(struct peer_tls *s, struct iot_bytes bytes)
{
    assert_true(write(s->in, bytes.ptr, bytes.len) == (ssize_t)bytes.len);
}

/* ---- Life -------------------------------------------------------------------------------- */

static void enlist(struct peer_tls *s)
{
    for (uint32_t i = 0; i < SERVERS_MAX; i++) {
        if (servers[i] == NULL || servers[i] == s) {
            servers[i] = s;
            return;
        }
    }
    fail_msg("too many servers");
}

/* The shell gives it a keyboard, which host_spawn does not, and is replaced by it. */
static void start(struct peer_tls *s, char *const words[])
{
    static uint32_t number;
    static char shell[] = "/bin/sh", option[] = "-c", name[] = "s_server",
                script[] = "fifo=$1; shift; exec \"$@\" <\"$fifo\"";
    char *argv[WORDS_MAX + 8] = {shell, option, script, name, s->fifo, (char *)peer_openssl()};
    uint32_t n = 6;

    memset(s, 0, sizeof *s);
    s->in = s->out = -1;
    s->greets = true;
    while (*words != NULL) {
        assert_true(n < COUNT(argv) - 1);
        argv[n++] = *words++;
    }
    argv[n] = NULL;
    assert_true(snprintf(s->fifo, sizeof s->fifo, "%s/keys-%u", peer_certs_dir(),
                         (unsigned)number++) < HOST_PATH_MAX);
    assert_int_equal(mkfifo(s->fifo, 0600), 0);
    /* For both ways, so that opening waits for nobody, and there never is an end of it. */
    s->in = open(s->fifo, O_RDWR | O_CLOEXEC);
    assert_true(s->in >= 0);
    s->pid = host_spawn(argv, NULL, &s->out);
    if (s->pid < 0)
        fail_msg("cannot start %s", argv[5]);
    enlist(s);
    assert_true(host_watch(s->out, POLLIN, on_output, s));
    UNTIL(s->told_port || s->out < 0);
    if (!s->told_port)
        fail_msg("openssl s_server does not start: %s", s->text);
}

/* As a word of its own: a path may hold the same letters. */
static bool names_version(const char *words)
{
    return words != NULL && (strncmp(words, "-tls1", 5) == 0 || strstr(words, " -tls1") != NULL ||
                             strncmp(words, "-dtls1", 6) == 0);
}

static void start_with(struct peer_tls *s, const struct peer_cert *c, const char *more)
{
    char letters[LETTERS_MAX], accept[64], *words[WORDS_MAX], *rest = letters;
    uint32_t n = 0;
    bool v6 = strchr(peer_loopback, ':') != NULL;
    const char *version = names_version(more) ? "" : "-tls1_2";
    int len =
        snprintf(letters, sizeof letters, "s_server %s %s", version, more != NULL ? more : "");

    assert_true(len > 0 && len < (int)sizeof letters);
    snprintf(accept, sizeof accept, v6 ? "[%s]:0" : "%s:0", peer_loopback);
    for (char *word; (word = strtok_r(n == 0 ? letters : NULL, " ", &rest)) != NULL;) {
        assert_true(n < WORDS_MAX - 10);
        words[n++] = word;
    }
    words[n++] = (char *)"-accept";
    words[n++] = accept;
    if (c != NULL) {
        words[n++] = (char *)"-cert";
        words[n++] = (char *)c->pem;
        words[n++] = (char *)"-key";
        words[n++] = (char *)c->key_pem;
    }
    if (c != NULL && c->above_pem != NULL) {
        words[n++] = (char *)"-cert_chain";
        words[n++] = (char *)c->above_pem;
    }
    words[n] = NULL;
    start(s, words);
}

void peer_tls_start(struct peer_tls *s, enum peer_cert_id cert, const char *words)
{
    start_with(s, peer_cert(cert), words);
}

void peer_tls_start_bare(struct peer_tls *s, const char *words)
{
    start_with(s, NULL, words);
}

void peer_tls_stop(struct peer_tls *s)
{
    if (s->pid > 0)
        host_kill(s->pid);
    s->pid = 0;
    end_output(s);
    if (s->in >= 0) {
        close(s->in);
        unlink(s->fifo);
    }
    s->in = -1;
    for (uint32_t i = 0; i < SERVERS_MAX; i++)
        if (servers[i] == s)
            servers[i] = NULL;
}

void peer_tls_stop_all(void)
{
    for (uint32_t i = 0; i < SERVERS_MAX; i++)
        if (servers[i] != NULL)
            peer_tls_stop(servers[i]);
}

const char *peer_tls_lines(enum peer_cert_id cert, const char *more)
{
    static char lines[3 * HOST_PATH_MAX];
    const struct peer_cert *c = peer_cert(cert);

    assert_true(snprintf(lines, sizeof lines, "certfile %s\nkeyfile %s\n%s", c->chain_pem,
                         c->key_pem, more != NULL ? more : "") < (int)sizeof lines);
    return lines;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_board.h"

#include "test.h"

#include "crypto/iot_crypto_digest.h"
#include "host/host_child.h"
#include "host/host_loop.h"
#include "peer_run.h"
#include "unix/iot_port_unix.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#define RUN_MS 60000u

char peer_board_dir[HOST_PATH_MAX];

static char file[HOST_PATH_MAX + 16], copy[HOST_PATH_MAX + 16];

bool peer_board_begin(void)
{
    if (!host_dir_make("board", peer_board_dir))
        return false;
    snprintf(file, sizeof file, "%s/flash", peer_board_dir);
    snprintf(copy, sizeof copy, "%s/copy", peer_board_dir);
    return true;
}

void peer_board_end(void)
{
    host_dir_remove(peer_board_dir);
}

/* ---- The flash ----------------------------------------------------------------------------- */

static void copy_file(const char *from, const char *to)
{
    static uint8_t bytes[8u << 20];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(in >= 0 && out >= 0);
    ssize_t n = read(in, bytes, sizeof bytes);
    assert_true(n > 0 && n < (ssize_t)sizeof bytes);
    assert_int_equal(write(out, bytes, (size_t)n), n);
    close(in);
    close(out);
}

void peer_board_new(void)
{
    unlink(file);
}

void peer_board_keep(void)
{
    copy_file(file, copy);
}

void peer_board_back(void)
{
    copy_file(copy, file);
}

void peer_board_holds(uint32_t slot, struct iot_bytes image)
{
    static uint8_t bytes[2u << 20];
    int in = open(file, O_RDONLY | O_CLOEXEC);

    assert_true(in >= 0 && image.len <= sizeof bytes);
    assert_int_equal(pread(in, bytes, image.len, (off_t)iot_port_unix_areas[slot].offset),
                     image.len);
    close(in);
    assert_memory_equal(bytes, image.ptr, image.len);
}

uint32_t peer_board_room(void)
{
    return iot_port_unix_areas[0].bytes;
}

/* ---- Runs ---------------------------------------------------------------------------------- */

static const char *const *words(const char *cut, uint32_t slow, uint32_t seed,
                                const char *const commands[PEER_COMMANDS_MAX])
{
    static const char *argv[24];
    static char slow_text[16], seed_text[16];
    uint32_t n = 0;

    argv[n++] = peer_program("probe");
    argv[n++] = "--flash";
    argv[n++] = file;
    if (cut != NULL) {
        argv[n++] = "--cut";
        argv[n++] = cut;
    }
    if (seed != 0) {
        snprintf(seed_text, sizeof seed_text, "%u", seed);
        argv[n++] = "--seed";
        argv[n++] = seed_text;
    }
    snprintf(slow_text, sizeof slow_text, "%u", slow);
    argv[n++] = "--slow";
    argv[n++] = slow_text;
    for (uint32_t i = 0; i < PEER_COMMANDS_MAX && commands[i] != NULL; i++) {
        argv[n++] = "-c";
        argv[n++] = commands[i];
    }
    argv[n] = NULL;
    return argv;
}

int peer_board_run(const char *cut, uint32_t slow, uint32_t seed,
                   const char *const commands[PEER_COMMANDS_MAX])
{
    return peer_run(words(cut, slow, seed, commands));
}

/* False: its output has ended. */
static bool turn(struct peer_child *c)
{
    host_turn(2);
    ssize_t n = read(c->fd, c->said + c->len, sizeof c->said - 1 - c->len);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    c->len += (size_t)n;
    c->said[c->len] = 0;
    return n > 0;
}

static struct peer_child *begin(const char *const *argv)
{
    static struct peer_child c;

    peer_child_start(&c, argv);
    assert_int_equal(fcntl(c.fd, F_SETFL, O_NONBLOCK), 0);
    return &c;
}

static void too_long(struct peer_child *c)
{
    host_kill(c->pid);
    close(c->fd);
    print_message("%s\n", c->said);
    fail_msg("the probe does not come to its end");
}

static int end(struct peer_child *c)
{
    uint64_t end_ms = host_clock_ms() + RUN_MS;

    while (turn(c))
        if (host_clock_ms() > end_ms)
            too_long(c);
    int code = peer_child_end(c);
    memcpy(peer_output, c->said, sizeof peer_output);
    return code;
}

int peer_board_run_beside(const char *cut, uint32_t slow, uint32_t seed,
                          const char *const commands[PEER_COMMANDS_MAX])
{
    return end(begin(words(cut, slow, seed, commands)));
}

int peer_board_until(const char *line, int sig, const char *const commands[PEER_COMMANDS_MAX])
{
    struct peer_child *c = begin(words(NULL, 0, 0, commands));
    uint64_t end_ms = host_clock_ms() + RUN_MS;

    while (strstr(c->said, line) == NULL)
        if (!turn(c) || host_clock_ms() > end_ms)
            too_long(c);
    kill(c->pid, sig);
    return end(c);
}

/* ---- Digests ------------------------------------------------------------------------------- */

static const char *hex_of(struct iot_bytes bytes, enum iot_digest_kind kind)
{
    static char hex[2 * IOT_DIGEST_BYTES_MAX + 1];
    uint8_t sum[IOT_DIGEST_BYTES_MAX];
    struct iot_digest d;

    iot_digest_begin(&d, kind);
    iot_digest_put(&d, bytes);
    iot_digest_end(&d, sum);
    for (uint32_t i = 0; i < iot_digest_bytes(kind); i++)
        snprintf(hex + (size_t)2 * i, 3, "%02x", sum[i]);
    return hex;
}

const char *peer_board_sha256(struct iot_bytes bytes)
{
    return hex_of(bytes, IOT_DIGEST_SHA256);
}

const char *peer_board_md5(struct iot_bytes bytes)
{
    return hex_of(bytes, IOT_DIGEST_MD5);
}

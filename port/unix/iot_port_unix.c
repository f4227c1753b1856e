/* SPDX-License-Identifier: Apache-2.0 */
/* The port for POSIX systems, as far as it needs no lwIP: random bytes, the wall clock, a store, the
 * log, and the end of the program after a failed assertion. */
#define _DEFAULT_SOURCE

#include "iot_port_unix.h"

#include "iot_kv_unix.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static struct iot_kv_unix store;
static enum iot_log_level log_level;

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    uint8_t *to = into;

    (void)ctx;
    while (n > 0) {
        /* 256 bytes are given whole and without a signal's interruption (getrandom(2)). */
        uint32_t part = n < 256 ? n : 256;
        if (getrandom(to, part, 0) != (ssize_t)part)
            return IOT_ERR_RANDOM;
        to += part;
        n -= part;
    }
    return IOT_OK;
}

static iot_err wall(void *ctx, int64_t *unix_s)
{
    (void)ctx;
    *unix_s = time(NULL);
    return IOT_OK;
}

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    (void)ctx;
    return iot_kv_unix_get(&store, key, into, cap, len);
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    (void)ctx;
    return iot_kv_unix_set(&store, key, bytes, len);
}

static iot_err kv_del(void *ctx, const char *key)
{
    (void)ctx;
    return iot_kv_unix_del(&store, key);
}

static void log_line(void *ctx, enum iot_log_level level, const char *line, uint32_t len)
{
    (void)ctx;
    if (level <= log_level)
        fprintf(stderr, "%.*s\n", (int)len, line);
}

const struct iot_port iot_port_unix = {
    .ctx = NULL,
    .random = random_bytes,
    .wall = wall,
    .kv_get = kv_get,
    .kv_set = kv_set,
    .kv_del = kv_del,
    .log = log_line,
};

void iot_port_unix_log(enum iot_log_level level)
{
    log_level = level;
}

void iot_assert_failed(const char *file, int line)
{
    fflush(stdout);
    fprintf(stderr, "assertion failed: %s:%d\n", file, line);
    abort();
}

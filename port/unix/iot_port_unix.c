/* SPDX-License-Identifier: Apache-2.0 */
/* The port for POSIX systems, as far as it needs no lwIP: random bytes, and the end of the program
 * after a failed assertion. */
#define _DEFAULT_SOURCE

#include "iot_port_unix.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

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

const struct iot_port iot_port_unix = {
    .ctx = NULL,
    .random = random_bytes,
};

void iot_assert_failed(const char *file, int line)
{
    fflush(stdout);
    fprintf(stderr, "assertion failed: %s:%d\n", file, line);
    abort();
}

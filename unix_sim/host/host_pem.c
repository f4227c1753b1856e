/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_pem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BEGIN "-----BEGIN "
#define END   "-----END "

static bool refuse(char *why, const char *path, const char *reason)
{
    if (why != NULL)
        snprintf(why, 128, "%.60s: %s", path, reason);
    return false;
}

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    return at != NULL ? (int)(at - digits) : -1;
}

/* Base64 (RFC 4648) between two lines of dashes. Returns bytes; 0: damaged or empty. */
static uint32_t decode(const char *from, const char *to, uint8_t *into, uint32_t cap)
{
    uint32_t n = 0, bits = 0, have = 0, padding = 0;

    for (; from < to; from++) {
        if (*from == '\n' || *from == '\r' || *from == ' ')
            continue;
        if (*from == '=') {
            padding++;
            continue;
        }
        int value = digit(*from);
        if (value < 0 || padding != 0 || n == cap)
            return 0;
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            into[n++] = (uint8_t)(bits >> have);
        }
    }
    return padding <= 2 ? n : 0;
}

static bool add(struct host_pem *pem, uint32_t *used, const char *from, const char *to)
{
    uint8_t *into = pem->bytes + *used;
    uint32_t n = decode(from, to, into, HOST_PEM_BYTES_MAX - *used);

    if (n == 0 || pem->count == HOST_PEM_ITEMS_MAX)
        return false;
    pem->items[pem->count++] = (struct iot_bytes){into, n};
    *used += n;
    return true;
}

/* The label of an item: "CERTIFICATE", "EC PRIVATE KEY", "PRIVATE KEY", ... */
static bool is_wanted(const char *label, enum host_pem_kind kind)
{
    size_t n = strcspn(label, "-\n");

    if (kind == HOST_PEM_CERTIFICATES)
        return n == 11 && memcmp(label, "CERTIFICATE", n) == 0;
    return n >= 11 && memcmp(label + n - 11, "PRIVATE KEY", 11) == 0;
}

static bool is_encrypted(const char *at, const char *end)
{
    const char *sign = strstr(at, "ENCRYPTED");

    return sign != NULL && sign < end;
}

bool host_pem_read(struct host_pem *pem, const char *path, enum host_pem_kind kind, char why[128])
{
    static char text[2 * HOST_PEM_BYTES_MAX];
    FILE *f = fopen(path, "rb");
    uint32_t used = 0;

    pem->count = 0;
    if (f == NULL)
        return refuse(why, path, strerror(errno));
    size_t n = fread(text, 1, sizeof text - 1, f);
    bool failed = ferror(f) != 0;
    fclose(f);
    if (failed)
        return refuse(why, path, "cannot be read");
    if (n == sizeof text - 1)
        return refuse(why, path, "too long; name a file with the few authorities that are meant");
    text[n] = '\0';

    if (n > 4 && (uint8_t)text[0] == 0x30 && n <= HOST_PEM_BYTES_MAX) { /* a DER SEQUENCE */
        memcpy(pem->bytes, text, n);
        pem->items[pem->count++] = (struct iot_bytes){pem->bytes, (uint32_t)n};
        return true;
    }
    for (const char *at = text; (at = strstr(at, BEGIN)) != NULL;) {
        const char *line = strchr(at, '\n'), *end = strstr(at, END);
        if (line == NULL || end == NULL || end < line)
            return refuse(why, path, "an item has no end");
        bool wanted = is_wanted(at + strlen(BEGIN), kind);
        if (wanted && is_encrypted(at, end))
            return refuse(why, path, "the key is encrypted");
        if (wanted && !add(pem, &used, line, end))
            return refuse(why, path, "an item is damaged, or there are too many");
        at = end;
    }
    if (pem->count == 0)
        return refuse(why, path,
                      kind == HOST_PEM_KEY ? "no private key in it, PEM or DER"
                                           : "no certificate in it, PEM or DER");
    return true;
}

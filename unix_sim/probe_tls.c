/* SPDX-License-Identifier: Apache-2.0 */
#include "probe_tls.h"

#include "host/host_text.h"
#include "probe_event.h"
#include "unix/iot_port_unix.h"

#include <string.h>

static uint64_t arena[PROBE_ARENA_BYTES / 8];

static const struct {
    const char *name;
    uint32_t kind;
} kinds[] = {
    {"ecdsa", IOT_TLS_ECDHE_ECDSA},
    {"rsa", IOT_TLS_ECDHE_RSA},
    {"psk", IOT_TLS_PSK},
};

void probe_tls_begin(struct probe_tls *t)
{
    memset(t, 0, sizeof *t);
    t->port = iot_port_unix;
    t->options.arena = arena;
    t->options.arena_bytes = sizeof arena;
    t->options.session_key = "probe-session";
}

static enum probe_step read_file(struct host_pem *pem, const char *path, enum host_pem_kind kind)
{
    char why[128];

    if (host_pem_read(pem, path, kind, why))
        return PROBE_DONE;
    return probe_usage("connect: %s", why);
}

static enum probe_step read_kinds(struct probe_tls *t, char *value)
{
    for (char *save = NULL, *name = strtok_r(value, ",", &save); name != NULL;
         name = strtok_r(NULL, ",", &save)) {
        uint32_t before = t->kinds;
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
            if (strcmp(kinds[i].name, name) == 0)
                t->kinds |= kinds[i].kind;
        if (t->kinds == before)
            return probe_usage("connect: kinds=%s, there are ecdsa, rsa, psk", name);
    }
    return PROBE_DONE;
}

static enum probe_step read_alpn(struct probe_tls *t, char *value)
{
    size_t n = 0;

    for (char *save = NULL, *name = strtok_r(value, ",", &save); name != NULL;
         name = strtok_r(NULL, ",", &save)) {
        if (n + 1 == sizeof t->alpn / sizeof t->alpn[0])
            return probe_usage("connect: alpn has too many names");
        t->alpn[n++] = name;
    }
    t->options.alpn = n != 0 ? t->alpn : NULL;
    return PROBE_DONE;
}

static enum probe_step read_psk(struct probe_tls *t, const char *value)
{
    uint32_t n;

    if (!host_text_hex(value, t->psk, sizeof t->psk, &n) || n == 0)
        return probe_usage("connect: psk is 1 to %u bytes in hexadecimal", (unsigned)sizeof t->psk);
    t->options.psk = (struct iot_bytes){t->psk, n};
    return PROBE_DONE;
}

enum probe_step probe_tls_word(struct probe_tls *t, char *word, size_t name_len)
{
    char *value = word + name_len + 1;

#define IS(name) (name_len == sizeof(name) - 1 && memcmp(word, name, name_len) == 0)
    if (IS("ca"))
        return read_file(&t->ca, value, HOST_PEM_CERTIFICATES);
    if (IS("cert"))
        return read_file(&t->cert, value, HOST_PEM_CERTIFICATES);
    if (IS("key"))
        return read_file(&t->key, value, HOST_PEM_KEY);
    if (IS("psk"))
        return read_psk(t, value);
    if (IS("alpn"))
        return read_alpn(t, value);
    if (IS("kinds"))
        return read_kinds(t, value);
    if (IS("name")) {
        t->options.server_name = value;
        return PROBE_DONE;
    }
    if (IS("psk-id")) {
        t->options.psk_identity =
            (struct iot_bytes){(const uint8_t *)value, (uint32_t)strlen(value)};
        return PROBE_DONE;
    }
    if (IS("suites")) {
        t->platform = strcmp(value, "platform") == 0;
        return t->platform ? PROBE_DONE : probe_usage("connect: suites=platform is all there is");
    }
    if (IS("time")) {
        t->port.wall = NULL;
        return strcmp(value, "unknown") == 0 ? PROBE_DONE
                                             : probe_usage("connect: time=unknown is all there is");
    }
    if (IS("arena")) {
        if (!host_text_number(value, 64, sizeof arena, &t->options.arena_bytes))
            return probe_usage("connect: arena is 64 to %u", (unsigned)sizeof arena);
        return PROBE_DONE;
    }
#undef IS
    return PROBE_AGAIN;
}

enum probe_step probe_tls_end(struct probe_tls *t, const char *host)
{
    struct iot_tls_options *o = &t->options;

    o->ca = t->ca.items;
    o->ca_count = t->ca.count;
    o->cert = t->cert.items;
    o->cert_count = t->cert.count;
    o->key = t->key.count != 0 ? t->key.items[0] : (struct iot_bytes){NULL, 0};
    if (o->server_name == NULL)
        o->server_name = host;
    o->kinds = t->kinds;
    if (o->kinds == 0)
        o->kinds = (o->ca_count != 0 ? IOT_TLS_KINDS_DEFAULT : 0u) |
                   (o->psk.ptr != NULL ? IOT_TLS_PSK : 0u);
    if (t->platform)
        o->kinds |= IOT_TLS_PLATFORM;
    if ((o->cert_count != 0) != (o->key.ptr != NULL))
        return probe_usage("connect: cert= and key= belong together");
    if ((o->psk.ptr != NULL) != (o->psk_identity.ptr != NULL))
        return probe_usage("connect: psk= and psk-id= belong together");
    if (strlen(o->server_name) > 253)
        return probe_usage("connect: a name has at most 253 characters");
    if (o->ca_count == 0 && o->psk.ptr == NULL)
        return probe_usage("connect: tls needs ca= or psk= with psk-id=");
    return PROBE_DONE;
}

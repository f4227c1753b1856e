/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_coap_wire.h"

#include "cloud/cloud_command.h"
#include "cloud/cloud_console.h"
#include "cloud/cloud_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const ways[] = {"cert", "psk", "symmetric"};

static void put_bytes(json_t *out, const char *name, const uint8_t *bytes, size_t len)
{
    char *hex = malloc(2 * len + 1);

    if (hex == NULL)
        abort();
    cloud_text_hex(bytes, len, false, hex);
    json_object_set_new(out, name, json_string(hex));
    free(hex);
}

/* By malloc, never NULL if it is true. */
static bool get_bytes(const json_t *in, const char *name, uint8_t **bytes, size_t *len)
{
    static const char digits[] = "0123456789abcdef";
    const char *hex = cloud_json_string(in, name);
    size_t n = hex != NULL ? strlen(hex) : 1;

    *bytes = NULL;
    if (n % 2 != 0 || strspn(hex, digits) != n)
        return false;
    *bytes = malloc(n / 2 + 1);
    if (*bytes == NULL)
        abort();
    for (size_t i = 0; i < n; i += 2)
        (*bytes)[i / 2] = (uint8_t)((strchr(digits, hex[i]) - digits) * 16 +
                                    (strchr(digits, hex[i + 1]) - digits));
    *len = n / 2;
    return true;
}

static int64_t number_of(const json_t *in, const char *name, int64_t min, int64_t max)
{
    int64_t n = min;

    return cloud_json_integer(json_object_get(in, name), min, max, &n) ? n : min;
}

/* ---- Requests -------------------------------------------------------------------------------- */

char *cloud_coap_wire_write(const struct cloud_coap_request *q)
{
    json_t *out =
        json_pack("{s:s, s:i, s:s, s:i, s:i}", "way", ways[q->way], "method", (int)q->method,
                  "path", q->path, "format", (int)q->format, "accept", (int)q->accept);
    char *line = NULL;
    bool ok = out != NULL;

    if (ok && q->identity != NULL)
        ok = json_object_set_new(out, "identity", json_string(q->identity)) == 0;
    if (ok && q->token != NULL)
        ok = json_object_set_new(out, "token", json_string(q->token)) == 0;
    if (ok) {
        if (q->seq != NULL)
            put_bytes(out, "seq", q->seq, q->seq_len);
        put_bytes(out, "payload", q->payload, q->payload_len);
        char *text = cloud_json_text(out);
        size_t size = strlen(text) + sizeof "coap ";
        line = malloc(size);
        if (line != NULL)
            snprintf(line, size, "coap %s", text);
        free(text);
    }
    json_decref(out);
    return line;
}

static json_t *show(const struct cloud_coap_answer *a)
{
    json_t *out = json_pack("{s:i, s:i, s:I, s:b, s:b, s:b}", "code", (int)a->code, "format",
                            (int)a->format, "delayMs", (json_int_t)a->delay_ms, "drop",
                            (int)a->drop, "twice", (int)a->twice, "separate", (int)a->separate);

    put_bytes(out, "seq", a->seq, a->seq_len);
    put_bytes(out, "payload", a->payload, a->payload_len);
    return out;
}

static bool read_way(const json_t *in, enum cloud_coap_way *way)
{
    const char *text = cloud_json_string(in, "way");

    for (int i = 0; text != NULL && i < 3; i++) {
        *way = (enum cloud_coap_way)i;
        if (strcmp(text, ways[i]) == 0)
            return true;
    }
    return false;
}

void cloud_coap_wire_command(struct cloud_order *o)
{
    struct cloud_coap_request q = {0};
    struct cloud_coap_answer a;
    uint8_t *seq = NULL, *payload = NULL;
    char why[256] = "way, path, payload or identity";
    json_t *in = cloud_json_read(o->rest, strlen(o->rest), why, sizeof why);

    bool ok = in != NULL && read_way(in, &q.way) &&
              get_bytes(in, "payload", &payload, &q.payload_len) &&
              (json_object_get(in, "seq") == NULL || get_bytes(in, "seq", &seq, &q.seq_len));
    q.path = cloud_json_string(in, "path");
    q.identity = cloud_json_string(in, "identity");
    ok = ok && q.path != NULL && (q.identity != NULL || q.way != CLOUD_COAP_PSK);
    if (ok) {
        q.method = (uint8_t)number_of(in, "method", 0, 31);
        q.format = (int32_t)number_of(in, "format", -1, 65535);
        q.accept = (int32_t)number_of(in, "accept", -1, 65535);
        q.token = cloud_json_string(in, "token");
        q.seq = seq;
        q.payload = payload;
        cloud_coap(o->cloud, &q, o->now_ms, &a);
        o->value = show(&a);
        cloud_coap_free(&a);
    } else {
        cloud_order_fail(o, "no request: %s", why);
    }
    free(seq);
    free(payload);
    json_decref(in);
}

void cloud_coap_wire_key(struct cloud_order *o)
{
    char key[65];

    if (cloud_coap_key(o->cloud, o->rest, key))
        cloud_order_say(o, "%s", key);
    else
        cloud_order_fail(o, "nobody's identity");
}

/* ---- Answers --------------------------------------------------------------------------------- */

bool cloud_coap_wire_read(struct cloud_coap_answer *a, const char *line)
{
    char why[256];
    uint8_t *seq = NULL;
    json_t *in = cloud_json_read(line, strlen(line), why, sizeof why);

    memset(a, 0, sizeof *a);
    bool ok = in != NULL && get_bytes(in, "seq", &seq, &a->seq_len) &&
              a->seq_len <= sizeof a->seq && get_bytes(in, "payload", &a->payload, &a->payload_len);
    if (ok) {
        memcpy(a->seq, seq, a->seq_len);
        a->code = (uint8_t)number_of(in, "code", 0, 255);
        a->format = (int32_t)number_of(in, "format", -1, 65535);
        a->delay_ms = (uint32_t)number_of(in, "delayMs", 0, UINT32_MAX);
        a->drop = json_is_true(json_object_get(in, "drop"));
        a->twice = json_is_true(json_object_get(in, "twice"));
        a->separate = json_is_true(json_object_get(in, "separate"));
    }
    free(seq);
    json_decref(in);
    return ok && a->code >= 64;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_wire.h"

#include "cloud/cloud_command.h"
#include "cloud/cloud_console.h"
#include "cloud/cloud_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The texts of a request, but for its body. */
static const struct {
    const char *name;
    size_t at;
    bool must;
} texts[] = {
    {"method", offsetof(struct cloud_web_request, method), true},
    {"target", offsetof(struct cloud_web_request, target), true},
    {"type", offsetof(struct cloud_web_request, type), false},
    {"password", offsetof(struct cloud_web_request, password), false},
    {"range", offsetof(struct cloud_web_request, range), false},
    {"ifRange", offsetof(struct cloud_web_request, if_range), false},
};

#define TEXTS (sizeof texts / sizeof texts[0])

char *cloud_wire_write(const struct cloud_web_request *q)
{
    json_t *out = json_object();
    char *hex = malloc(2 * q->body_len + 1), *line = NULL;
    bool ok = hex != NULL;

    for (size_t i = 0; i < TEXTS; i++) {
        const char *text = *(const char *const *)((const char *)q + texts[i].at);
        if (text != NULL)
            ok = json_object_set_new(out, texts[i].name, json_string(text)) == 0 && ok;
    }
    json_object_set_new(out, "tls", json_boolean(q->tls));
    if (ok) {
        cloud_text_hex((const uint8_t *)q->body, q->body_len, false, hex);
        json_object_set_new(out, "body", json_string(hex));
        char *text = cloud_json_text(out);
        size_t size = strlen(text) + sizeof "web ";
        line = malloc(size);
        if (line != NULL)
            snprintf(line, size, "web %s", text);
        free(text);
    }
    free(hex);
    json_decref(out);
    return line;
}

/* In place; false: no pairs of hexadecimal digits. */
static bool read_hex(const char *hex, char *bytes, size_t *len)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = strlen(hex);

    if (n % 2 != 0)
        return false;
    for (size_t i = 0; i < n; i += 2) {
        const char *high = strchr(digits, hex[i]), *low = strchr(digits, hex[i + 1]);
        if (high == NULL || low == NULL)
            return false;
        bytes[i / 2] = (char)((high - digits) * 16 + (low - digits));
    }
    *len = n / 2;
    return true;
}

/* A body may be a piece of text that is cut within a character: so hexadecimal here, too. */
static json_t *show(const struct cloud_web_answer *a)
{
    char *hex = a->body != NULL ? malloc(2 * (size_t)a->length + 1) : NULL;

    if (hex != NULL)
        cloud_text_hex((const uint8_t *)a->body, a->length, false, hex);
    json_t *out = json_pack(
        "{s:i, s:s, s:s, s:s, s:b, s:b, s:I, s:I, s:I, s:s*, s:s, s:I, s:b, s:I, s:I, s:b}",
        "status", (int)a->status, "type", a->type, "etag", a->etag, "allow", a->allow, "file",
        (int)a->file, "partial", (int)a->partial, "from", (json_int_t)a->from, "total",
        (json_int_t)a->total, "length", (json_int_t)a->length, "body", hex, "stored", a->stored,
        "delayMs", (json_int_t)a->delay_ms, "cut", (int)a->cut, "cutAfter",
        (json_int_t)a->cut_after, "slow", (json_int_t)a->slow, "chunked", (int)a->chunked);
    free(hex);
    return out;
}

void cloud_wire_command(struct cloud_order *o)
{
    struct cloud_web_request q = {0};
    struct cloud_web_answer a;
    char why[256];
    json_t *in = cloud_json_read(o->rest, strlen(o->rest), why, sizeof why);
    const char *hex = in != NULL ? cloud_json_string(in, "body") : NULL;
    bool ok = in != NULL;

    for (size_t i = 0; ok && i < TEXTS; i++) {
        const char **text = (const char **)((char *)&q + texts[i].at);
        *text = cloud_json_string(in, texts[i].name);
        ok = *text != NULL || !texts[i].must;
    }
    char *body = malloc(hex != NULL ? strlen(hex) / 2 + 1 : 1);
    ok = ok && body != NULL && (hex == NULL || read_hex(hex, body, &q.body_len));
    if (ok) {
        body[q.body_len] = 0;
        q.body = body;
        q.tls = json_is_true(json_object_get(in, "tls"));
        cloud_web(o->cloud, &q, o->now_ms, &a);
        o->value = show(&a);
        cloud_web_free(&a);
    } else {
        cloud_order_fail(o, "no request: %s", in == NULL ? why : "method, target or body");
    }
    free(body);
    json_decref(in);
}

static uint32_t number_of(const json_t *in, const char *name)
{
    int64_t n = 0;

    return cloud_json_integer(json_object_get(in, name), 0, UINT32_MAX, &n) ? (uint32_t)n : 0;
}

static void copy_text(const json_t *in, const char *name, char *into, size_t cap)
{
    const char *text = cloud_json_string(in, name);

    snprintf(into, cap, "%s", text != NULL ? text : "");
}

bool cloud_wire_read(struct cloud_web_answer *a, const char *line)
{
    char why[256];
    json_t *in = cloud_json_read(line, strlen(line), why, sizeof why);
    const char *body = in != NULL ? cloud_json_string(in, "body") : NULL;

    memset(a, 0, sizeof *a);
    if (in == NULL)
        return false;
    a->status = number_of(in, "status");
    copy_text(in, "type", a->type, sizeof a->type);
    copy_text(in, "etag", a->etag, sizeof a->etag);
    copy_text(in, "allow", a->allow, sizeof a->allow);
    copy_text(in, "stored", a->stored, sizeof a->stored);
    a->file = json_is_true(json_object_get(in, "file"));
    a->partial = json_is_true(json_object_get(in, "partial"));
    a->from = number_of(in, "from");
    a->total = number_of(in, "total");
    a->length = number_of(in, "length");
    a->delay_ms = number_of(in, "delayMs");
    a->cut = json_is_true(json_object_get(in, "cut"));
    a->cut_after = number_of(in, "cutAfter");
    a->slow = number_of(in, "slow");
    a->chunked = json_is_true(json_object_get(in, "chunked"));
    size_t len = 0;
    bool ok = true;
    if (body != NULL) {
        a->body = malloc(strlen(body) / 2 + 1);
        ok = a->body != NULL && read_hex(body, a->body, &len) && len == a->length;
        if (ok)
            a->body[len] = 0;
        else
            cloud_web_free(a);
    }
    json_decref(in);
    return ok && a->status >= 200 && a->status <= 599;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/iot_core_dump.h"

#if IOT_LOG_LEVEL >= 5

#include <string.h>

#define LINE_END_MAX 22 /* "... (4294967295 bytes)" */

/* Names that end in one of these, or in one and an 's', have values that nobody may see, unless they end in one
 * of those that are harmless. NUL between and at the end. */
static const char secrets[] = "secret\0token\0password\0passwd\0passphrase\0pass\0pwd\0psk\0key\0"
                              "signature\0sign\0authorization\0";
static const char harmless[] = "productkey\0attrkey\0compass\0bypass\0";
#define ENDING_MAX 14u /* "authorizations" */

/* What is known at one byte of a payload. Not a JSON parser: what has to be masked does not always come in
 * good JSON, nor whole. It keeps the latest name and waits for a ':' or '=' behind it. */
struct scan {
    const uint8_t *ptr;
    uint32_t at, end;
    char tail[ENDING_MAX]; /* the end of the latest name, in small letters, right-aligned */
    bool closed, quoted;   /* a blank or quote came after it; a quote */
    bool json;             /* begins as JSON does */
    bool inside;           /* of a string; if json */
    uint8_t hex;           /* digits of a \uNNNN that are still to come */
    uint32_t slashes;      /* backslashes directly before this byte */
    uint32_t level;        /* before the latest quote: 0, or 1 for JSON in a string, 3, 7 ... */
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_one_of(const char *set, uint8_t c)
{
    while (*set != '\0')
        if ((uint8_t)*set++ == c)
            return true;
    return false;
}

static void forget_name(struct scan *s)
{
    memset(s->tail, 0, sizeof s->tail);
    s->closed = s->quoted = false;
}

static void add_to_name(struct scan *s, uint8_t c)
{
    if (s->closed)
        forget_name(s);
    memmove(s->tail, s->tail + 1, sizeof s->tail - 1);
    s->tail[sizeof s->tail - 1] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

/* Whether what stands before `end` ends in one of the list. A tail is empty where there is no name, so its length
 * needs no look. */
static bool ends_in(const char *end, const char *list)
{
    for (size_t n; (n = strlen(list)) != 0; list += n + 1)
        if (memcmp(end - n, list, n) == 0)
            return true;
    return false;
}

static bool is_secret(const char *end)
{
    return ends_in(end, secrets) && !ends_in(end, harmless);
}

static bool name_is_secret(const struct scan *s)
{
    const char *end = s->tail + sizeof s->tail;

    return is_secret(end) || (end[-1] == 's' && is_secret(end - 1));
}

static int digit_of(uint8_t c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 87
                                                    : -1;
}

/* \uNNNN at `at`, on the 'u'. Returns -1 if it is none. */
static int32_t unicode_at(const struct scan *s)
{
    int32_t code = 0;

    if (s->end - s->at < 5)
        return -1;
    for (uint32_t i = 1; i <= 4; i++) {
        int digit = digit_of(s->ptr[s->at + i]);
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    return code;
}

static void add_escaped(struct scan *s, uint8_t c)
{
    int32_t code = c == 'u' ? unicode_at(s) : -1;

    if (code >= 0) {
        if (code > ' ' && code < 0x7f)
            add_to_name(s, (uint8_t)code);
        else
            forget_name(s);
        s->hex = 4;
        return;
    }
    /* \n and the like end a name; but in what is no JSON the letter may belong to the next one. */
    forget_name(s);
    add_to_name(s, c);
}

/* Takes one byte in. Returns whether what follows is the value of a secret. */
static bool take(struct scan *s)
{
    uint8_t c = s->ptr[s->at];
    uint32_t slashes = s->slashes;
    bool secret = false;

    s->slashes = 0;
    if (s->hex != 0) {
        s->hex--;
    } else if (c == '\\') {
        s->slashes = slashes + 1;
    } else if (c == '"' || c == '\'') {
        s->closed = s->quoted = true;
        if (c == '"') {
            s->level = slashes;
            s->inside = s->json && s->inside != (slashes % 2 == 0);
        }
    } else if (is_blank(c)) {
        s->closed = true;
    } else if (c == ':' || c == '=') {
        secret = name_is_secret(s);
        if (!secret)
            forget_name(s);
    } else if (c < ' ' || c >= 0x7f || is_one_of(",{}[]&;?|", c)) {
        forget_name(s); /* in binary a name stands behind its length, or anything */
    } else if (slashes != 0) {
        add_escaped(s, c);
    } else {
        add_to_name(s, c);
    }
    s->at++;
    return secret;
}

/* Whether a quote with `slashes` before it ends a string that began with `level` before its quote: each level
 * of JSON in a string doubles the backslashes and adds one. */
static bool ends_string(uint32_t slashes, uint32_t level)
{
    return slashes >= level && (slashes - level) % (2 * (level + 1)) == 0;
}

static void skip_string(struct scan *s, uint8_t quote, uint32_t level)
{
    uint32_t slashes = 0;

    while (s->at < s->end) {
        uint8_t c = s->ptr[s->at++];
        if (c == quote && ends_string(slashes, level))
            return;
        slashes = c == '\\' ? slashes + 1 : 0;
    }
}

static void skip_brackets(struct scan *s)
{
    uint32_t depth = 0, slashes = 0;

    while (s->at < s->end) {
        uint8_t c = s->ptr[s->at++];
        if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
        else if ((c == '"' || c == '\'') && slashes == s->level)
            skip_string(s, c, s->level);
        if (depth == 0)
            return;
        slashes = c == '\\' ? slashes + 1 : 0;
    }
}

static void skip_bare(struct scan *s, const char *until)
{
    uint32_t slashes = 0;

    for (; s->at < s->end; s->at++) {
        uint8_t c = s->ptr[s->at];
        if (is_one_of(until, c))
            return;
        if (c == '"' && s->inside && ends_string(slashes, s->level)) {
            s->at -= s->level; /* those belong to the quote, which is still to be taken */
            return;
        }
        slashes = c == '\\' ? slashes + 1 : 0;
    }
}

/* Whether a quote behind `mark` begins a value. Behind a '=' it may be part of one (in a form), or the end of
 * the string that the '=' is in. */
static bool may_be_quoted(const struct scan *s, uint8_t mark)
{
    return mark == ':' || (s->json && (!s->inside || s->quoted));
}

/* Goes over the value behind `mark` (':' or '='), at a byte that is not blank. Returns its opening quote with
 * its backslashes, which may be shown; empty if there is none. */
static struct iot_bytes skip_value(struct scan *s, uint8_t mark)
{
    struct iot_bytes opening = {s->ptr + s->at, 0};
    uint32_t slashes = 0;

    while (s->at + slashes < s->end && opening.ptr[slashes] == '\\')
        slashes++;
    uint8_t first = s->at + slashes < s->end ? opening.ptr[slashes] : 0;

    if ((first == '"' || first == '\'') && may_be_quoted(s, mark)) {
        opening.len = slashes + 1;
        s->at += opening.len;
        skip_string(s, first, slashes);
        skip_bare(s, "&,}]\r\n"); /* "abc"def: what nobody writes may still be a secret */
    } else if (mark == ':' && slashes == 0 && (first == '{' || first == '[')) {
        skip_brackets(s);
    } else {
        skip_bare(s, mark == ':' ? ",}]\r\n" : "&\r\n");
    }
    return opening;
}

static bool is_text(struct iot_bytes payload, uint32_t look)
{
    for (uint32_t at = 0; at < look;) {
        uint32_t size = iot_log_char(payload.ptr + at, payload.len - at);
        if (size == 0 && !(is_blank(payload.ptr[at])))
            return false;
        at += size != 0 ? size : 1;
    }
    return true;
}

static void put_payload(struct iot_log_line *line, struct iot_bytes payload, uint32_t look)
{
    struct scan s = {.ptr = payload.ptr, .end = look};
    bool text = is_text(payload, look);

    for (uint32_t i = 0; i < look && !s.json && (i == 0 || is_blank(payload.ptr[i - 1])); i++)
        s.json = is_one_of("{[\"", payload.ptr[i]);
    if (!text)
        iot_log_text(line, "hex:");

    while (s.at < look && !line->w.overflow) {
        uint32_t from = s.at,
                 size = text ? iot_log_char(payload.ptr + from, payload.len - from) : 0;
        uint8_t mark = payload.ptr[from];
        bool secret = take(&s);

        while (s.at < look && s.at - from < size)
            take(&s);
        while (secret && s.at < look && is_blank(s.ptr[s.at]) && may_be_quoted(&s, mark))
            s.at++;

        struct iot_bytes shown = {payload.ptr + from, s.at - from};
        if (shown.len < size) /* a character that goes on behind what is looked at */
            break;
        (text ? iot_log_bytes : iot_log_hex)(line, shown);
        if (!secret)
            continue;
        from = s.at;
        struct iot_bytes quote = skip_value(&s, mark);
        if (s.at != from) {
            if (!text)
                quote.len = 0;
            else if (quote.len == 0 && mark == ':')
                quote = (struct iot_bytes){(const uint8_t *)"\"", 1};
            iot_log_bytes(line, quote);
            iot_log_text(line, "***");
            iot_log_bytes(line, quote);
        }
        forget_name(&s);
    }
}

/* What is put from now on may go as far as `limit`. Returns whether what was put before was cut. */
static bool limit_to(struct iot_log_line *line, uint32_t limit)
{
    bool cut = line->w.overflow;

    line->w.overflow = false;
    line->w.cap = limit;
    return cut;
}

void iot_dump(const struct iot_port *port, char way, struct iot_bytes topic,
              struct iot_bytes payload)
{
    /* No character is shorter than a byte: beyond this nothing could be shown but for masks. */
    uint32_t look = payload.len < IOT_LOG_LINE_BYTES ? payload.len : IOT_LOG_LINE_BYTES;

    IOT_LOG (port, IOT_LOG_DUMP, line) {
        iot_log_bytes(line, (struct iot_bytes){(const uint8_t *)&way, 1});
        iot_log_text(line, " ");
        limit_to(line, IOT_LOG_LINE_BYTES / 2);
        iot_log_bytes(line, topic);
        if (limit_to(line, IOT_LOG_LINE_BYTES - LINE_END_MAX))
            iot_log_text(line, "...");
        if (payload.len == 0)
            continue;
        iot_log_text(line, " ");
        put_payload(line, payload, look);
        if (limit_to(line, IOT_LOG_LINE_BYTES) || look < payload.len) {
            iot_log_text(line, "... (");
            iot_log_u32(line, payload.len);
            iot_log_text(line, " bytes)");
        }
    }
}

#endif

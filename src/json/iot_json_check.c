/* SPDX-License-Identifier: Apache-2.0 */
/* jsmn finds where strings, numbers and literals end; what is in them and all that is between them is looked at here, as
 * jsmn lets much pass that is no JSON.
 *
 * It is called a token at a time, and told to keep none: jsmn_parse itself wants a token for each value of a text, and
 * searches them. Given a few again and again, all but the open containers dropped whenever it was out of them, it took
 * two thirds more time, 1 KB more flash and half a KB of stack; and still each of its steps had to be checked. */
#include "iot/iot_json.h"

#include "core/iot_core_utf8.h"
#include "json/iot_json_number.h"
#include "json/iot_json_reader.h"

#include <string.h>

#if IOT_FEATURE_JSON

#define JSMN_STATIC
#define JSMN_STRICT
#undef JSMN_HEADER
#undef JSMN_PARENT_LINKS
#include <jsmn.h>

/* What may come next, blanks apart. Behind the text's one value: nothing. */
enum { VALUE = 1, NAME = 2, COLON = 4, COMMA = 8, CLOSE = 16 };

#define EACH(byte) ((uint32_t)(byte)*0x01010101u)

/* Four bytes of ASCII, neither control characters nor backslashes. Asked of four at once: a byte below borrows and so
 * sets its top bit, and spoils only those above itself. */
static bool all_plain(const uint8_t *p)
{
    uint32_t four, slash;

    memcpy(&four, p, sizeof four);
    slash = four ^ EACH('\\');
    return (((four - EACH(' ')) | four | (slash - EACH(1))) & EACH(0x80)) == 0;
}

/* From behind the quote to the end, or to what may not be in a string. */
static const uint8_t *check_string(const uint8_t *at, const uint8_t *end)
{
    const uint8_t *from = at;

    while (at < end) {
        /* The last four may be some that were seen. */
        const uint8_t *four = end - at >= 4 ? at : end - 4;
        if (end - from >= 4 && all_plain(four)) {
            at = four + 4;
            continue;
        }

        uint32_t c = *at, n = 1, code;
        if (c == '\\') {
            n = iot_json_escape(at, end, &code);
        } else if (c < 0x20) {
            n = 0;
        } else if (c >= 0x80) {
            n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
            if (n > (uint32_t)(end - at) || !iot_utf8_valid((struct iot_bytes){at, n}))
                n = 0;
        }
        if (n == 0)
            break;
        at += n;
    }
    return at;
}

static const uint8_t *check_primitive(const uint8_t *at, const uint8_t *end, bool *ok)
{
    static const char literals[] = "true\0null\0false";
    uint32_t n = (uint32_t)(end - at);

    if (*at < 'a')
        return iot_json_number_end(at, end, ok);
    for (const char *l = literals; l < literals + sizeof literals; l += 5) {
        if (*at == (uint8_t)*l) {
            uint32_t i = 0;
            while (i < n && l[i] != '\0' && at[i] == (uint8_t)l[i])
                i++;
            *ok = l[i] == '\0';
            return at + i;
        }
    }
    *ok = false;
    return at;
}

iot_err iot_json_check(struct iot_bytes text, struct iot_json *root, uint32_t *offset)
{
    const char *js = (const char *)text.ptr;
    const uint8_t *at = text.ptr, *stop, *from = NULL, *to = NULL;
    uint32_t next = VALUE, depth = 0;
    uint32_t objects = 0; /* a bit per open container, the innermost lowest: it is an object */
    iot_err err = IOT_ERR_JSON_SYNTAX;
    jsmn_parser p;
    bool ok;
    int said;

    if (text.len > INT32_MAX) /* jsmn's positions are ints */
        return IOT_ERR_ARG;
    jsmn_init(&p);
    for (; p.pos < text.len; p.pos++) {
        uint32_t c = *(at = text.ptr + p.pos);

        if (c == ',') {
            if ((next & COMMA) == 0)
                goto end;
            next = (objects & 1) != 0 ? NAME : VALUE;
            continue;
        }
        if (c == ':') {
            if (next != COLON)
                goto end;
            next = VALUE;
            continue;
        }
        if (c <= ' ' && (c == ' ' || c == '\n' || c == '\r' || c == '\t'))
            continue;

        if ((c | 0x20) == '}') {
            if ((next & CLOSE) == 0 || (objects & 1) != (c == '}'))
                goto end;
            objects >>= 1;
            depth--;
            next = COMMA | CLOSE;
        } else if (c == '"' && (next & NAME) != 0) {
            next = COLON;
        } else {
            if ((next & VALUE) == 0)
                goto end;
            if (depth == 0)
                from = at;
            next = COMMA | CLOSE;
        }

        if (c == '"') {
            said = jsmn_parse_string(&p, js, text.len, NULL, 0);
            stop = text.ptr + (said == 0 ? p.pos : text.len);
            at = check_string(at + 1, stop);
            if (said != 0 || at != stop)
                goto end;
        } else if ((c | 0x20) == '{') {
            if (depth++ == IOT_JSON_DEPTH_MAX) {
                err = IOT_ERR_JSON_DEPTH;
                goto end;
            }
            objects = objects << 1 | (c == '{');
            next = c == '{' ? NAME | CLOSE : VALUE | CLOSE;
        } else if ((c | 0x20) != '}') {
            /* Not ended by what ends one in a container: the end of the text then, or what does not belong there. */
            if (jsmn_parse_primitive(&p, js, text.len, NULL, 0) != 0)
                p.pos = text.len - 1;
            stop = text.ptr + p.pos + 1;
            at = check_primitive(at, stop, &ok);
            if (!ok || at != stop)
                goto end;
        }
        if (depth == 0) {
            to = text.ptr + p.pos + 1;
            next = 0;
        }
    }
    at = text.ptr + p.pos;
    if (next == 0) {
        *root = (struct iot_json){from, (uint32_t)(to - from)};
        err = IOT_OK;
    }
end:
    if (offset != NULL)
        *offset = (uint32_t)(at - text.ptr);
    return err;
}

#endif

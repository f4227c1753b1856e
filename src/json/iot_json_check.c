/* SPDX-License-Identifier: Apache-2.0 */
/* jsmn finds the tokens; what it lets pass is looked at here: what is in the tokens, and all that is between them.
 *
 * jsmn wants a token for each value of a text. Here it gets a few: when they are used up it stops, and can go on where it
 * was. Then the tokens are checked and dropped, but for those that it will still look at: the open containers, and the
 * name whose value comes next. */
#include "json/iot_json_check.h"

#include "core/iot_core_utf8.h"
#include "json/iot_json_number.h"
#include "json/iot_json_reader.h"

#include <string.h>

#if IOT_FEATURE_JSON

#define JSMN_STATIC
#define JSMN_STRICT
#undef JSMN_HEADER
#undef JSMN_PARENT_LINKS
#define JSMN_PARENT_LINKS /* without, it searches its tokens at each comma and bracket */
#include <jsmn.h>

/* What may come next, blanks apart. Behind the text's one value: nothing. */
enum { VALUE = 1, NAME = 2, COLON = 4, COMMA = 8, CLOSE = 16 };

struct checker {
    const uint8_t *text;
    const uint8_t *at; /* checked up to here */
    const uint8_t *root, *root_end;
    uint32_t next;
    uint32_t depth;
    uint32_t objects; /* a bit per open container, the innermost lowest: it is an object */
};

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

    for (const char *l = literals; l < literals + sizeof literals; l += 5) {
        if (*at == (uint8_t)*l) {
            uint32_t i = 0;
            while (i < n && l[i] != '\0' && at[i] == (uint8_t)l[i])
                i++;
            *ok = l[i] == '\0';
            return at + i;
        }
    }
    return iot_json_number_end(at, end, ok);
}

/* Checks tokens t to last, and what is between them and up to `to`. c->at is where it ended. */
static iot_err follow(struct checker *c, const jsmntok_t *t, const jsmntok_t *last,
                      const uint8_t *to)
{
    const uint8_t *at = c->at;
    uint32_t next = c->next;
    iot_err err = IOT_ERR_JSON_SYNTAX;

    for (;; t++) {
        const uint8_t *stop = t == last ? to : c->text + t->start - (t->type == JSMN_STRING);
        for (; at < stop; at++) {
            if (*at == ',') {
                if ((next & COMMA) == 0)
                    goto end;
                next = (c->objects & 1) != 0 ? NAME : VALUE;
            } else if (*at == ':') {
                if (next != COLON)
                    goto end;
                next = VALUE;
            } else if ((*at | 0x20) == '}') {
                if ((next & CLOSE) == 0 || (c->objects & 1) != (*at == '}'))
                    goto end;
                c->objects >>= 1;
                next = COMMA | CLOSE;
                if (--c->depth == 0) {
                    c->root_end = at + 1;
                    next = 0;
                }
            } else if (*at != ' ' && *at - 9u > 1u && *at != '\r') {
                goto end;
            }
        }
        if (t == last)
            break;

        if (c->root == NULL)
            c->root = at;
        if (t->type == JSMN_STRING && (next & NAME) != 0) {
            next = COLON;
        } else {
            if ((next & VALUE) == 0)
                goto end;
            next = c->depth != 0 ? COMMA | CLOSE : 0;
        }
        stop = c->text + t->end;
        if (t->type == JSMN_STRING) {
            at = check_string(at + 1, stop);
            if (at != stop)
                goto end;
            at++;
        } else if (t->type == JSMN_PRIMITIVE) {
            bool ok;
            at = check_primitive(at, stop, &ok);
            if (!ok || at != stop)
                goto end;
        } else {
            if (c->depth == IOT_JSON_DEPTH_MAX) {
                err = IOT_ERR_JSON_DEPTH;
                goto end;
            }
            c->depth++;
            c->objects = c->objects << 1 | (t->type == JSMN_OBJECT);
            next = t->type == JSMN_OBJECT ? NAME | CLOSE : VALUE | CLOSE;
            at++;
        }
        c->root_end = at;
    }
    err = IOT_OK;
    goto end;
end:
    c->at = at;
    c->next = next;
    return err;
}

/* What is behind the last token: nothing, or what is wrong, or a number or literal to which the text ends: jsmn takes it for
 * cut off. */
static iot_err finish(struct checker *c, const uint8_t *end)
{
    bool ok = true;

    if (c->at != end) {
        if (*c->at == '"' && (c->next & (NAME | VALUE)) != 0) {
            c->at = check_string(c->at + 1, end);
            ok = false;
        } else if ((c->next & VALUE) != 0) {
            c->root = c->at;
            c->at = c->root_end = check_primitive(c->at, end, &ok);
            c->next = 0;
        }
    }
    return ok && c->at == end && c->next == 0 && c->depth == 0 ? IOT_OK : IOT_ERR_JSON_SYNTAX;
}

/* Keeps what jsmn looks back at. Returns how many tokens that are. */
static uint32_t drop(jsmn_parser *p, jsmntok_t *tokens)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < p->toknext; i++) {
        bool super = (int)i == p->toksuper;
        if (!super && tokens[i].end != -1)
            continue;
        if (super)
            p->toksuper = (int)kept;
        tokens[kept] = tokens[i];
        /* It may have been a name in between. */
        tokens[kept].parent = (int)kept - 1;
        kept++;
    }
    p->toknext = kept;
    return kept;
}

iot_err iot_json_check_with(uint32_t count, struct iot_bytes text, struct iot_json *root,
                            uint32_t *offset)
{
    jsmntok_t tokens[IOT_JSON_TOKENS];
    jsmn_parser parser;
    struct checker c = {.text = text.ptr, .at = text.ptr, .next = VALUE};
    uint32_t kept = 0, last;
    iot_err err = IOT_OK;

    if (text.len > INT32_MAX) /* jsmn's positions are ints */
        return IOT_ERR_ARG;
    jsmn_init(&parser);
    while (jsmn_parse(&parser, (const char *)text.ptr, text.len, tokens, count) ==
           JSMN_ERROR_NOMEM) {
        err = follow(&c, tokens + kept, tokens + parser.toknext, text.ptr + parser.pos);
        if (err != IOT_OK)
            break;
        kept = drop(&parser, tokens);
        if (kept == count)
            err = IOT_ERR_JSON_DEPTH;
        if (err != IOT_OK)
            break;
    }
    if (err == IOT_OK) {
        last = parser.toknext;
        if (last > kept && tokens[last - 1].start == -1)
            last--; /* begun, and then its bracket was refused */
        err = follow(&c, tokens + kept, tokens + last, text.ptr + parser.pos);
    }
    if (err == IOT_OK)
        err = finish(&c, text.ptr + text.len);
    if (err == IOT_OK)
        *root = (struct iot_json){c.root, (uint32_t)(c.root_end - c.root)};
    if (offset != NULL)
        *offset = (uint32_t)(c.at - text.ptr);
    return err;
}

iot_err iot_json_check(struct iot_bytes text, struct iot_json *root, uint32_t *offset)
{
    return iot_json_check_with(IOT_JSON_TOKENS, text, root, offset);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "http/iot_http_parser.h"

#if IOT_FEATURE_HTTP

#include <string.h>

#include "core/iot_core_assert.h"

/* Those of a head come first. */
enum {
    AT_STATUS,
    AT_NAME,
    AT_LONG_NAME, /* longer than any that is known */
    AT_VALUE,     /* of interest: waits for its end */
    AT_SKIPPED,   /* the rest of a line that is only checked */
    AT_CHUNK_LINE,
    AT_CHUNK,
    AT_CHUNK_END,
    AT_BODY,
    AT_BODY_TO_CLOSE,
    AT_DONE
};

/* Names of interest, each behind its length, in the order of the list; those that are told last, as in enum iot_http_field. */
enum {
    NAME_NONE,
    NAME_CONNECTION,
    NAME_LENGTH,
    NAME_TRANSFER,
    NAME_CODING,
    NAME_RANGE,
    NAME_TYPE,
    NAME_TOLD
};
#define NAME_BYTES_MAX 17
static const char names[] =
    "\012connection\016content-length\021transfer-encoding\020content-encoding"
    "\015content-range\014content-type\004etag\010location\004date";

/* What the head said. Its faults count at its end, as a response without a body may say what it likes about one. */
enum {
    SEEN_OLD = 1, /* HTTP/1.0 */
    SEEN_LENGTH = 2,
    SEEN_CHUNKED = 4,
    SEEN_RANGE = 8,
    SEEN_CLOSE = 16,
    SEEN_KEEP = 32,
    SEEN_TRAILERS = 64, /* all is said: these lines are only checked */
    BAD_CODING = 128,
    BAD_LENGTH = 256,
    BAD_RANGE = 512
};

/* ---- characters and words */

/* RFC 9110, section 5.6.2. */
static bool is_token(uint32_t c)
{
    static const uint32_t others[3] = {0x03ff6cfa, 0xc7fffffe, 0x57ffffff};

    /* letters and the dash, as most are */
    if ((c | 0x20) - 'a' < 26 || c == '-')
        return true;
    return c - 0x20 < 0x60 && (others[(c >> 5) - 1] >> (c & 31) & 1) != 0;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* `word` is in small letters, and other characters of token that bit 5 does not change. */
static bool begins(struct iot_bytes text, const char *word, uint32_t len)
{
    if (text.len < len)
        return false;
    for (uint32_t i = 0; i < len; i++) {
        uint32_t c = text.ptr[i];
        if (c - 'A' < 26)
            c |= 0x20;
        if (c != (uint8_t)word[i])
            return false;
    }
    return true;
}

static bool is(struct iot_bytes text, const char *word)
{
    uint32_t len = (uint32_t)strlen(word);
    return text.len == len && begins(text, word, len);
}

static struct iot_bytes trim(struct iot_bytes text)
{
    while (text.len != 0 && is_blank(*text.ptr)) {
        text.ptr++;
        text.len--;
    }
    while (text.len != 0 && is_blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/* Cut the first member off a list with commas. False: there is no more. */
static bool next_member(struct iot_bytes *list, struct iot_bytes *member)
{
    uint32_t n = 0;

    if (list->ptr == NULL)
        return false;
    while (n < list->len && list->ptr[n] != ',')
        n++;
    *member = trim((struct iot_bytes){list->ptr, n});
    if (n == list->len) {
        list->ptr = NULL;
    } else {
        list->ptr += n + 1;
        list->len -= n + 1;
    }
    return true;
}

/* Cut a decimal number off the front. False: none, or too large. */
static bool read_number(struct iot_bytes *text, uint32_t *value)
{
    const uint8_t *at = text->ptr, *end = at + text->len;
    uint32_t n = 0;

    for (; at < end && (uint32_t)(*at - '0') < 10; at++) {
        uint32_t digit = (uint32_t)(*at - '0');
        if (n > (UINT32_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    if (at == text->ptr)
        return false;
    *text = (struct iot_bytes){at, (uint32_t)(end - at)};
    *value = n;
    return true;
}

static bool cut(struct iot_bytes *text, char c)
{
    if (text->len == 0 || *text->ptr != (uint8_t)c)
        return false;
    text->ptr++;
    text->len--;
    return true;
}

/* ---- values */

/* RFC 9112, section 6.3: the same number several times is that number. */
static void read_length(struct iot_http_parser *p, struct iot_bytes list)
{
    struct iot_bytes member;

    while (next_member(&list, &member)) {
        uint32_t n;
        if (!read_number(&member, &n) || member.len != 0 ||
            ((p->seen & SEEN_LENGTH) != 0 && n != p->head.length))
            p->seen |= BAD_LENGTH;
        else
            p->head.length = n;
        p->seen |= SEEN_LENGTH;
    }
}

/* RFC 9110, section 14.4: "bytes 0-99/1000", "bytes 0-99/" "*" and, with 416, "bytes *" "/1000". */
static bool read_range(struct iot_http_parser *p, struct iot_bytes text)
{
    struct iot_http_head *head = &p->head;
    uint32_t to;

    if (!begins(text, "bytes ", 6))
        return false;
    text.ptr += 6;
    text.len -= 6;
    if (head->status != 206) {
        head->has_total =
            cut(&text, '*') && cut(&text, '/') && read_number(&text, &head->total) && text.len == 0;
        return true;
    }
    if (!read_number(&text, &head->from) || !cut(&text, '-') || !read_number(&text, &to) ||
        !cut(&text, '/') || to < head->from || to - head->from == UINT32_MAX)
        return false;
    p->room = to - head->from + 1;
    if (cut(&text, '*'))
        return text.len == 0;
    head->has_total = read_number(&text, &head->total) && text.len == 0 && to < head->total;
    return head->has_total;
}

static void read_connection(struct iot_http_parser *p, struct iot_bytes list)
{
    struct iot_bytes member;

    while (next_member(&list, &member)) {
        if (is(member, "close"))
            p->seen |= SEEN_CLOSE;
        else if (is(member, "keep-alive"))
            p->seen |= SEEN_KEEP;
    }
}

static void read_value(struct iot_http_parser *p, struct iot_bytes value)
{
    switch (p->name) {
    case NAME_CONNECTION:
        read_connection(p, value);
        break;
    case NAME_LENGTH:
        read_length(p, value);
        break;
    case NAME_TRANSFER:
        if (!is(value, "chunked") || (p->seen & SEEN_CHUNKED) != 0)
            p->seen |= BAD_CODING;
        p->seen |= SEEN_CHUNKED;
        break;
    case NAME_CODING:
        if (value.len != 0 && !is(value, "identity"))
            p->seen |= BAD_CODING;
        break;
    case NAME_RANGE:
        if ((p->seen & SEEN_RANGE) != 0 || !read_range(p, value))
            p->seen |= BAD_RANGE;
        p->seen |= SEEN_RANGE;
        break;
    default: /* NAME_TYPE */
        if (begins(value, "multipart/byteranges", 20))
            p->seen |= BAD_RANGE;
        break;
    }
}

static uint8_t find_name(const struct iot_http_parser *p, struct iot_bytes name)
{
    const char *at = names;
    uint8_t n = NAME_NONE + 1;

    if ((p->seen & SEEN_TRAILERS) != 0 || p->head.status < 200)
        return NAME_NONE;
    for (; *at != '\0'; at += 1 + *at, n++) {
        if ((uint32_t)*at == name.len && begins(name, at + 1, name.len)) {
            /* What says nothing need not fit. */
            if ((n == NAME_RANGE && p->head.status != 206 && p->head.status != 416) ||
                (n == NAME_TYPE && p->head.status != 206))
                return NAME_NONE;
            return n;
        }
    }
    return NAME_NONE;
}

/* ---- the steps. Each looks at what is at the front, says in `n` how much of it is used, and returns IOT_OK: a step on;
 * IOT_ERR_AGAIN: not without more bytes; or what is wrong. */

/* On to where the line ends. IOT_OK: p->scanned bytes in front of its CR and LF. RFC 9110, section 5.5. */
static iot_err find_end(struct iot_http_parser *p, struct iot_bytes in)
{
    const uint8_t *at = in.ptr + p->scanned, *end = in.ptr + in.len;
    iot_err err = IOT_ERR_AGAIN;

    for (; at < end; at++) {
        uint32_t c = *at;
        if (c - ' ' < 0x5f || c >= 0x80 || c == '\t')
            continue;
        if (c != '\r')
            err = IOT_ERR_HTTP_SYNTAX;
        else if (end - at > 1)
            err = at[1] == '\n' ? IOT_OK : IOT_ERR_HTTP_SYNTAX;
        break;
    }
    p->scanned = (uint32_t)(at - in.ptr);
    return err;
}

static iot_err end_line(struct iot_http_parser *p)
{
    p->scanned = 0;
    p->state = AT_NAME;
    return p->lines-- != 0 ? IOT_OK : IOT_ERR_HTTP_HEADER;
}

static iot_err step_status(struct iot_http_parser *p, struct iot_bytes in, uint32_t *n)
{
    static const char most[] = "HTTP/1.1 599 ";

    for (; p->scanned < 13; p->scanned++) {
        uint32_t i = p->scanned;
        if (i == in.len)
            return IOT_ERR_AGAIN;
        uint8_t c = in.ptr[i], top = (uint8_t)most[i];
        if (c != top && !(i == 7 && c == '0') &&
            !(i >= 9 && i < 12 && c < top && c >= (i == 9 ? '1' : '0')) && !(i == 12 && c == '\r'))
            return IOT_ERR_HTTP_SYNTAX;
    }
    uint32_t status = (in.ptr[9] - '0') * 100u + (in.ptr[10] - '0') * 10u + in.ptr[11] - '0';
    if (status == 101) /* nobody asked for another protocol */
        return IOT_ERR_HTTP_SYNTAX;
    p->head.status = (uint16_t)status;
    p->seen = in.ptr[7] == '0' ? SEEN_OLD : 0;
    *n = 12;
    p->scanned = 0;
    p->state = AT_SKIPPED;
    return IOT_OK;
}

/* RFC 9112, section 6.3. */
static iot_err end_head(struct iot_http_parser *p, enum iot_http_say *say)
{
    struct iot_http_head *head = &p->head;
    uint32_t seen = p->seen;

    if ((seen & SEEN_TRAILERS) != 0) {
        p->state = AT_DONE;
        return IOT_OK;
    }
    if (head->status < 200) {
        p->state = AT_STATUS;
        return IOT_OK;
    }
    *say = IOT_HTTP_HEAD_DONE;
    p->keep = (seen & (SEEN_OLD | SEEN_KEEP)) != SEEN_OLD && (seen & SEEN_CLOSE) == 0;
    head->partial = head->status == 206;
    if (head->status == 200 && (seen & (SEEN_LENGTH | SEEN_CHUNKED | BAD_LENGTH)) == SEEN_LENGTH) {
        head->has_total = true;
        head->total = head->length;
    }

    if (p->method == IOT_HTTP_HEAD || head->status == 204 || head->status == 304) {
        head->length = 0;
        head->has_length = true;
        p->state = AT_DONE;
        return IOT_OK;
    }
    if ((seen & BAD_CODING) != 0 || (seen & (SEEN_OLD | SEEN_CHUNKED)) == (SEEN_OLD | SEEN_CHUNKED))
        return IOT_ERR_HTTP_CODING;
    if ((seen & BAD_LENGTH) != 0 ||
        (seen & (SEEN_LENGTH | SEEN_CHUNKED)) == (SEEN_LENGTH | SEEN_CHUNKED))
        return IOT_ERR_HTTP_LENGTH;
    head->has_length = (seen & SEEN_LENGTH) != 0;
    if (head->partial) {
        if ((seen & (SEEN_RANGE | BAD_RANGE)) != SEEN_RANGE)
            return IOT_ERR_HTTP_RANGE;
        if (head->has_length && head->length != p->room)
            return IOT_ERR_HTTP_LENGTH;
        head->has_length = true;
        head->length = p->room;
    }
    p->left = p->room = head->has_length ? head->length : UINT32_MAX;
    if ((seen & SEEN_CHUNKED) != 0) {
        p->state = AT_CHUNK_LINE;
    } else if ((seen & SEEN_LENGTH) != 0) {
        p->state = AT_BODY;
    } else {
        p->state = AT_BODY_TO_CLOSE;
        p->until_close = true;
        p->keep = false;
    }
    return IOT_OK;
}

static iot_err step_name(struct iot_http_parser *p, struct iot_bytes in, uint32_t *n,
                         enum iot_http_say *say)
{
    bool is_long = p->state == AT_LONG_NAME;
    uint32_t most = is_long ? in.len : NAME_BYTES_MAX + 1;
    uint32_t i = p->scanned;

    if (!is_long && in.len != 0 && *in.ptr == '\r') {
        if (in.len == 1)
            return IOT_ERR_AGAIN;
        *n = 2;
        return in.ptr[1] == '\n' ? end_head(p, say) : IOT_ERR_HTTP_SYNTAX;
    }
    if (most > in.len)
        most = in.len;
    while (i < most && is_token(in.ptr[i]))
        i++;
    if (i == in.len && i <= NAME_BYTES_MAX && !is_long) {
        p->scanned = i;
        return IOT_ERR_AGAIN;
    }
    p->scanned = 0;
    if (i == most) {
        p->state = AT_LONG_NAME;
        *n = i;
        return is_long ? IOT_ERR_AGAIN : IOT_OK;
    }
    if (in.ptr[i] != ':' || (i == 0 && !is_long))
        return IOT_ERR_HTTP_SYNTAX;
    p->name = is_long ? NAME_NONE : find_name(p, (struct iot_bytes){in.ptr, i});
    p->state = p->name == NAME_NONE ? AT_SKIPPED : AT_VALUE;
    *n = i + 1;
    return IOT_OK;
}

static iot_err step_value(struct iot_http_parser *p, struct iot_bytes in, uint32_t *n,
                          enum iot_http_say *say, struct iot_bytes *bytes)
{
    iot_err err = find_end(p, in);

    if (err != IOT_OK)
        return err;
    struct iot_bytes value = trim((struct iot_bytes){in.ptr, p->scanned});
    *n = p->scanned + 2;
    if (p->name >= NAME_TOLD) {
        p->field = (uint8_t)(p->name - NAME_TOLD);
        *say = IOT_HTTP_FIELD;
        *bytes = value;
    } else {
        read_value(p, value);
    }
    return end_line(p);
}

static iot_err step_skipped(struct iot_http_parser *p, struct iot_bytes in, uint32_t *n)
{
    iot_err err = find_end(p, in);

    *n = p->scanned;
    p->scanned = 0;
    if (err != IOT_OK)
        return err;
    *n += 2;
    return end_line(p);
}

/* RFC 9112, section 7.1. */
static iot_err step_chunk_line(struct iot_http_parser *p, struct iot_bytes in, uint32_t *n)
{
    iot_err err = find_end(p, in);
    uint32_t size = 0, i = 0;
    bool blank = false;

    if (err != IOT_OK)
        return err == IOT_ERR_AGAIN ? err : IOT_ERR_HTTP_CHUNK;
    for (; i < p->scanned; i++) {
        uint32_t c = in.ptr[i], digit = c - '0', letter = (c | 0x20) - 'a';
        if (digit >= 10 && letter >= 6)
            break;
        if (digit >= 10)
            digit = letter + 10;
        if (size >> 28 != 0)
            return IOT_ERR_HTTP_LENGTH;
        size = size << 4 | digit;
    }
    if (i == 0)
        return IOT_ERR_HTTP_CHUNK;
    for (; i < p->scanned && is_blank(in.ptr[i]); i++)
        blank = true;
    if (i < p->scanned ? in.ptr[i] != ';' : blank)
        return IOT_ERR_HTTP_CHUNK;
    if (size > p->room)
        return IOT_ERR_HTTP_LENGTH;
    *n = p->scanned + 2;
    p->scanned = 0;
    p->room -= size;
    p->left = size;
    p->state = AT_CHUNK;
    if (size == 0) {
        if (p->head.has_length && p->room != 0) /* the range was said to be longer */
            return IOT_ERR_HTTP_LENGTH;
        p->seen |= SEEN_TRAILERS;
        p->state = AT_NAME;
    }
    return IOT_OK;
}

static iot_err step_chunk_end(struct iot_http_parser *p, struct iot_bytes in, uint32_t *n)
{
    if (in.len != 0 && (in.ptr[0] != '\r' || (in.len > 1 && in.ptr[1] != '\n')))
        return IOT_ERR_HTTP_CHUNK;
    if (in.len < 2)
        return IOT_ERR_AGAIN;
    *n = 2;
    p->state = AT_CHUNK_LINE;
    return IOT_OK;
}

static iot_err step_body(struct iot_http_parser *p, struct iot_bytes in, uint32_t *n,
                         enum iot_http_say *say, struct iot_bytes *bytes)
{
    if (p->left == 0 && p->state == AT_CHUNK) {
        p->state = AT_CHUNK_END;
        return IOT_OK;
    }
    if (p->left == 0 && p->state == AT_BODY) {
        p->state = AT_DONE;
        return IOT_OK;
    }
    if (in.len == 0)
        return IOT_ERR_AGAIN;
    if (p->left == 0) /* more than the range, or than can be counted */
        return IOT_ERR_HTTP_LENGTH;
    *n = in.len < p->left ? in.len : p->left;
    *bytes = (struct iot_bytes){in.ptr, *n};
    *say = IOT_HTTP_BODY;
    p->left -= *n;
    return IOT_OK;
}

static iot_err step(struct iot_http_parser *p, struct iot_bytes in, uint32_t *n,
                    enum iot_http_say *say, struct iot_bytes *bytes)
{
    switch (p->state) {
    case AT_STATUS:
        return step_status(p, in, n);
    case AT_NAME:
    case AT_LONG_NAME:
        return step_name(p, in, n, say);
    case AT_VALUE:
        return step_value(p, in, n, say, bytes);
    case AT_SKIPPED:
        return step_skipped(p, in, n);
    case AT_CHUNK_LINE:
        return step_chunk_line(p, in, n);
    case AT_CHUNK_END:
        return step_chunk_end(p, in, n);
    case AT_CHUNK:
    case AT_BODY:
    case AT_BODY_TO_CLOSE:
        return step_body(p, in, n, say, bytes);
    default: /* AT_DONE */
        *say = IOT_HTTP_DONE;
        return IOT_OK;
    }
}

/* ---- the doors */

void iot_http_parser_begin(struct iot_http_parser *p, enum iot_http_method method)
{
    memset(p, 0, sizeof *p);
    p->method = (uint8_t)method;
    p->lines = IOT_HTTP_LINES_MAX;
    p->head_left = IOT_HTTP_HEAD_BYTES;
}

iot_err iot_http_parse(struct iot_http_parser *p, struct iot_bytes in, bool full, uint32_t *used,
                       enum iot_http_say *say, struct iot_bytes *bytes)
{
    iot_err err = p->err;

    *used = 0;
    *say = IOT_HTTP_MORE;
    *bytes = (struct iot_bytes){NULL, 0};
    while (err == IOT_OK && *say == IOT_HTTP_MORE) {
        struct iot_bytes rest = {in.ptr + *used, in.len - *used};
        bool in_head = p->state < AT_CHUNK_LINE, cut_off = false;
        uint32_t n = 0, most = UINT32_MAX;

        /* What is behind a limit is not looked at, or an error there would hide that it was passed, or not, as it came. */
        if (in_head)
            most = p->head_left;
        else if (p->state == AT_CHUNK_LINE)
            most = IOT_HTTP_CHUNK_LINE_MAX;
        if (rest.len > most) {
            rest.len = most;
            cut_off = true;
        }
        err = step(p, rest, &n, say, bytes);
        *used += n;
        if (in_head)
            p->head_left -= n;
        if (err == IOT_ERR_AGAIN) {
            if (!cut_off && !(full && *used == 0 && in.len != 0))
                return IOT_OK;
            err = in_head ? IOT_ERR_HTTP_HEADER : IOT_ERR_HTTP_CHUNK;
        }
    }
    if (err != IOT_OK) {
        p->err = err;
        p->keep = false;
        *say = IOT_HTTP_MORE;
    }
    return err;
}

void iot_http_unparse(struct iot_http_parser *p, uint32_t n)
{
    IOT_ASSERT(n == 0 || p->state == AT_CHUNK || p->state == AT_BODY ||
               p->state == AT_BODY_TO_CLOSE);
    p->left += n;
}

iot_err iot_http_parse_end(struct iot_http_parser *p, bool clean)
{
    if (p->err != IOT_OK)
        return p->err;
    if (p->state == AT_DONE || (p->state == AT_BODY && p->left == 0))
        return IOT_OK;
    if (p->state == AT_BODY_TO_CLOSE && clean && !(p->head.has_length && p->left != 0)) {
        p->state = AT_DONE;
        return IOT_OK;
    }
    p->err = IOT_ERR_HTTP_CUT;
    p->keep = false;
    return p->err;
}

#endif

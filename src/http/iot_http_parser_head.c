/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a head. */
#include "http/iot_http_parser.h"

#if IOT_FEATURE_HTTP

#include <string.h>

/* Names of interest. From NAME_RANGE on they are no lists; those that are told come last, as in enum iot_http_field. */
enum {
    NAME_NONE,
    NAME_CONNECTION,
    NAME_LENGTH,
    NAME_TRANSFER,
    NAME_CODING,
    NAME_RANGE,
    NAME_TYPE,
    NAME_ETAG,
    NAME_LOCATION,
    NAME_DATE
};
#define NAME_BYTES_MAX 17

/* Each behind its number, and where the first of a length is; of no length are there more than two. */
static const char names[] =
    "-\7etag\0\11date\0\10location\0\1connection\0\6content-type\0\5content-range\0"
    "\2content-length\0\4content-encoding\0\3transfer-encoding\0\0";
static const uint8_t name_at[NAME_BYTES_MAX + 1] = {
    [4] = 1, [8] = 13, [10] = 23, [12] = 35, [13] = 49, [14] = 64, [16] = 80, [17] = 98};

/* What the head said. Its faults count at its end, as a response without a body may say what it likes about one. */
enum {
    SEEN_OLD = 1, /* HTTP/1.0 */
    SEEN_CHUNKED = 2,
    SEEN_CLOSE = 4,
    SEEN_KEEP = 8,
    BAD_CODING = 32,
    BAD_LENGTH = 64,
    BAD_RANGE = 128
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

#define EACH(byte) ((uint32_t)(byte)*0x01010101u)

/* Four bytes of ASCII, none of them a control character. Asked of four at once: a byte below borrows, DEL carries, and so
 * sets its top bit, and spoils only those above itself. */
static bool all_plain(const uint8_t *p)
{
    uint32_t four;

    memcpy(&four, p, sizeof four);
    return (((four - EACH(' ')) | four | (four + EACH(1))) & EACH(0x80)) == 0;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* All from `at` to `end` is as `pattern`, a "#" in which is a decimal number, and letters are small ones. All that is in a
 * pattern differs from a control character at most by the bit of capitals, and in a text that was looked through there are none. */
static bool match(const uint8_t *at, const uint8_t *end, const char *pattern, uint32_t *numbers)
{
    for (;; pattern++) {
        uint32_t c = (uint8_t)*pattern;
        if (at == end)
            return c == '\0';
        if (c != '#') {
            if ((*at++ | 0x20u) != c)
                return false;
            continue;
        }
        uint32_t n = 0, digit = *at - (uint32_t)'0';
        if (digit >= 10)
            return false;
        do {
            if (n > (UINT32_MAX - digit) / 10)
                return false;
            n = n * 10 + digit;
        } while (++at < end && (digit = *at - (uint32_t)'0') < 10);
        *numbers++ = n;
    }
}

/* ---- values */

/* RFC 9110, section 14.4. Returns what is seen. */
static uint32_t read_range(struct iot_http_parser *p, const uint8_t *at, const uint8_t *end)
{
    struct iot_http_head *head = &p->head;
    uint32_t n[3] = {0}; /* from, to, total */

    if (!head->partial) {
        head->has_total = match(at, end, "bytes */#", &head->total);
        return 0;
    }
    bool again = p->room != 0;
    head->has_total = match(at, end, "bytes #-#/#", n);
    head->from = n[0];
    head->total = n[2];
    p->room = n[1] - n[0] + 1; /* 0 is wrong, too: 2^32 */
    if (again || n[1] < n[0] ||
        (head->has_total ? n[1] >= n[2] : !match(at, end, "bytes #-#/*", n)))
        return BAD_RANGE;
    return 0;
}

/* One value of a list, or all that there is. */
static void read_value(struct iot_http_parser *p, const uint8_t *at, const uint8_t *end)
{
    uint32_t seen = 0, n;

    switch (p->name) {
    case NAME_CONNECTION:
        if (match(at, end, "close", NULL))
            seen = SEEN_CLOSE;
        if (match(at, end, "keep-alive", NULL))
            seen = SEEN_KEEP;
        break;
    case NAME_LENGTH: /* RFC 9112, section 6.3: the same number several times is that number. */
        if (!match(at, end, "#", &n) || (p->head.has_length && n != p->head.length))
            seen = BAD_LENGTH;
        else
            p->head.length = n;
        p->head.has_length = true;
        break;
    case NAME_TRANSFER:
        seen = SEEN_CHUNKED;
        if (!match(at, end, "chunked", NULL) || (p->seen & (SEEN_CHUNKED | SEEN_OLD)) != 0)
            seen = SEEN_CHUNKED | BAD_CODING;
        break;
    case NAME_CODING:
        if (at != end && !match(at, end, "identity", NULL))
            seen = BAD_CODING;
        break;
    case NAME_RANGE:
        seen = read_range(p, at, end);
        break;
    default: /* NAME_TYPE */
        if (end - at > 20)
            end = at + 20;
        if (match(at, end, "multipart/byteranges", NULL))
            seen = BAD_RANGE;
        break;
    }
    p->seen |= (uint8_t)seen;
}

static uint32_t find_name(const struct iot_http_parser *p, const uint8_t *name, uint32_t len)
{
    const char *at = names + name_at[len];

    if (at == names || p->trailers || p->head.status < 200)
        return NAME_NONE;
    if (!match(name, name + len, at + 1, NULL)) {
        at += len + 2;
        if (!match(name, name + len, at + 1, NULL))
            return NAME_NONE;
    }
    /* What says nothing need not fit. */
    if ((*at == NAME_RANGE || *at == NAME_TYPE) && !p->head.partial && p->head.status != 416)
        return NAME_NONE;
    return (uint8_t)*at;
}

/* ---- the steps. Each looks at what is at the front, and returns how many bytes of it are used; or IOT_ERR_AGAIN: none without
 * more of them, p->scanned were looked at; or what is wrong. */

/* On to where the line ends: p->scanned bytes in front of its CR and LF. RFC 9110, section 5.5. Returns IOT_OK or as a step. */
iot_err iot_http_parser_find_end(struct iot_http_parser *p, const uint8_t *line, const uint8_t *end)
{
    const uint8_t *at = line + p->scanned;
    iot_err err = IOT_ERR_AGAIN;

    while (end - at >= 4 && all_plain(at))
        at += 4;
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
    p->scanned = (uint32_t)(at - line);
    return err;
}

static int32_t end_line(struct iot_http_parser *p)
{
    p->state = IOT_HTTP_AT_NAME;
    return p->lines-- != 0 ? (int32_t)p->scanned + 2 : IOT_ERR_HTTP_HEADER;
}

static int32_t step_status(struct iot_http_parser *p, struct iot_bytes in)
{
    /* What is between the last two is refused with the rest of the line. */
    static const char least[] = "HTTP/1.0 100\r", most[] = "HTTP/1.1 599 ";
    uint32_t i = p->scanned;

    for (; i < sizeof most - 1; i++) {
        p->scanned = i;
        if (i == in.len)
            return IOT_ERR_AGAIN;
        if (in.ptr[i] < (uint8_t)least[i] || in.ptr[i] > (uint8_t)most[i])
            return IOT_ERR_HTTP_SYNTAX;
    }
    uint32_t status = in.ptr[9] * 100u + in.ptr[10] * 10u + in.ptr[11] - '0' * 111u;
    if (status == 101) /* nobody asked for another protocol */
        return IOT_ERR_HTTP_SYNTAX;
    p->head.status = (uint16_t)status;
    p->head.partial = status == 206;
    p->seen = in.ptr[7] == '0' ? SEEN_OLD : 0;
    p->state = IOT_HTTP_AT_SKIPPED;
    return 12;
}

/* RFC 9112, section 6.3. */
static int32_t end_head(struct iot_http_parser *p)
{
    struct iot_http_head *head = &p->head;
    uint32_t seen = p->seen;
    bool chunked = (seen & SEEN_CHUNKED) != 0;

    p->state = p->trailers ? IOT_HTTP_AT_DONE : IOT_HTTP_AT_STATUS;
    if (p->trailers || head->status < 200)
        return 2;
    p->say = IOT_HTTP_HEAD_DONE;
    p->keep = (seen & (SEEN_OLD | SEEN_KEEP)) != SEEN_OLD && (seen & SEEN_CLOSE) == 0;
    if (head->has_length && chunked)
        seen |= BAD_LENGTH;
    if (head->status == 200 && head->has_length && (seen & BAD_LENGTH) == 0) {
        head->has_total = true;
        head->total = head->length;
    }

    if (p->method == IOT_HTTP_HEAD || head->status == 204 || head->status == 304) {
        head->length = 0;
        head->has_length = true;
        p->state = IOT_HTTP_AT_DONE;
        return 2;
    }
    if ((seen & BAD_CODING) != 0)
        return IOT_ERR_HTTP_CODING;
    if ((seen & BAD_LENGTH) != 0)
        return IOT_ERR_HTTP_LENGTH;
    p->state = chunked ? IOT_HTTP_AT_CHUNK_LINE : IOT_HTTP_AT_BODY;
    if (!chunked && !head->has_length) {
        p->state = IOT_HTTP_AT_BODY_TO_CLOSE;
        p->until_close = true;
        p->keep = false;
    }
    if (head->partial) {
        if (p->room == 0 || (seen & BAD_RANGE) != 0)
            return IOT_ERR_HTTP_RANGE;
        if (head->has_length && head->length != p->room)
            return IOT_ERR_HTTP_LENGTH;
        head->has_length = true;
        head->length = p->room;
    }
    p->left = p->room = head->has_length ? head->length : UINT32_MAX;
    return 2;
}

static int32_t step_name(struct iot_http_parser *p, struct iot_bytes in)
{
    uint32_t i = p->scanned;
    bool known = p->state == IOT_HTTP_AT_NAME;

    if (known && in.len != 0 && *in.ptr == '\r') {
        if (in.len == 1)
            return IOT_ERR_AGAIN;
        return in.ptr[1] == '\n' ? end_head(p) : IOT_ERR_HTTP_SYNTAX;
    }
    while (i < in.len && is_token(in.ptr[i]))
        i++;
    p->scanned = i;
    if (i > NAME_BYTES_MAX) {
        p->state = IOT_HTTP_AT_LONG_NAME;
        known = false;
    }
    if (i == in.len)
        return known || i == 0 ? IOT_ERR_AGAIN : (int32_t)i;
    if (in.ptr[i] != ':' || (i == 0 && known))
        return IOT_ERR_HTTP_SYNTAX;
    uint32_t name = known ? find_name(p, in.ptr, i) : NAME_NONE;
    p->name = (uint8_t)name;
    p->state = name == NAME_NONE ? IOT_HTTP_AT_SKIPPED : IOT_HTTP_AT_VALUE;
    return (int32_t)i + 1;
}

static int32_t step_value(struct iot_http_parser *p, struct iot_bytes in, struct iot_bytes *bytes)
{
    const uint8_t *at = in.ptr, *end, *comma, *to;
    bool told = p->name >= NAME_ETAG;
    iot_err err = iot_http_parser_find_end(p, at, at + in.len);

    if (err != IOT_OK)
        return err;
    end = at + p->scanned;
    for (;; at = comma + 1) {
        comma = p->name >= NAME_RANGE ? end : at;
        while (comma < end && *comma != ',')
            comma++;
        comma = comma < end ? comma : NULL;
        to = comma != NULL ? comma : end;
        while (at < to && is_blank(*at))
            at++;
        while (at < to && is_blank(to[-1]))
            to--;
        if (told) {
            p->field = (uint8_t)(p->name - NAME_ETAG);
            p->say = IOT_HTTP_FIELD;
            *bytes = (struct iot_bytes){at, (uint32_t)(to - at)};
        } else {
            read_value(p, at, to);
        }
        if (comma == NULL)
            return end_line(p);
    }
}

static int32_t step_skipped(struct iot_http_parser *p, struct iot_bytes in)
{
    iot_err err = iot_http_parser_find_end(p, in.ptr, in.ptr + in.len);

    if (err == IOT_OK)
        return end_line(p);
    return err == IOT_ERR_AGAIN && p->scanned != 0 ? (int32_t)p->scanned : err;
}

int32_t iot_http_parser_head(struct iot_http_parser *p, struct iot_bytes in,
                             struct iot_bytes *bytes)
{
    switch (p->state) {
    case IOT_HTTP_AT_STATUS:
        return step_status(p, in);
    case IOT_HTTP_AT_VALUE:
        return step_value(p, in, bytes);
    case IOT_HTTP_AT_SKIPPED:
        return step_skipped(p, in);
    default: /* a name, long or not */
        return step_name(p, in);
    }
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Responses of HTTP/1.x (RFC 9112), from bytes in any portions. Pure: it points into the caller's bytes and keeps none.
 *
 * The caller has a window. What was used may go; the rest is offered again, unchanged, with more behind it:
 *
 *     iot_http_parse(&p, window, is_full, &used, &say, &bytes)
 *         IOT_HTTP_MORE       nothing more to be told from these bytes: read on
 *         IOT_HTTP_FIELD      a header line that matters to somebody: p.field, `bytes` is its value; may be empty. p.head.status
 *                             is known. A name that comes twice is told twice
 *         IOT_HTTP_HEAD_DONE  the head of the final response is complete: p.head, p.keep
 *         IOT_HTTP_BODY       `bytes` of the body; `used` counts them, the caller gives back by iot_http_unparse what it cannot
 *                             use now
 *         IOT_HTTP_DONE       the response is whole; bytes behind it are not looked at
 *
 * Anything but MORE: ask again at once, with what is left, be it nothing; DONE may need no byte. An error sticks. Every split
 * of the same bytes leads to the same. Lines that nobody wants need no window: they are checked and dropped as they come. */
#ifndef IOT_HTTP_PARSER_H
#define IOT_HTTP_PARSER_H

#include "iot/iot_http.h"

#if IOT_FEATURE_HTTP

/* Lines of all heads of a response together, status lines and trailers included: bounds the number of 1xx, too. */
#define IOT_HTTP_LINES_MAX 128

/* Bytes of a chunk's first line, its end and extensions included. It has to fit the window. */
#define IOT_HTTP_CHUNK_LINE_MAX 128

enum iot_http_say {
    IOT_HTTP_MORE,
    IOT_HTTP_FIELD,
    IOT_HTTP_HEAD_DONE,
    IOT_HTTP_BODY,
    IOT_HTTP_DONE
};

/* Fields whose values are handed on. What decides the framing, and what is in iot_http_head, the parser reads itself; an ETag
 * goes both ways. */
enum iot_http_field { IOT_HTTP_FIELD_ETAG, IOT_HTTP_FIELD_LOCATION, IOT_HTTP_FIELD_DATE };

struct iot_http_parser {
    /* Complete with IOT_HTTP_HEAD_DONE; etag is empty: the caller has it from the field. What has no body by its status or
     * method has the length 0; that a HEAD was told of is in `total`. */
    struct iot_http_head head;
    uint8_t field;    /* with IOT_HTTP_FIELD */
    bool keep;        /* the connection may be used for another request when this one is done */
    bool until_close; /* the end of the body is the end of the connection */
    uint8_t method;   /* enum iot_http_method of the request */
    /* private, from here on */
    uint8_t say; /* what this call is going to */
    uint8_t state;
    bool trailers;      /* the lines are behind the body */
    uint8_t name;       /* of the line whose value is awaited */
    uint8_t lines;      /* that may still come */
    uint8_t seen;       /* what the head said */
    uint32_t scanned;   /* of the line at the front of the window */
    uint32_t head_left; /* bytes of heads that may still come */
    uint32_t left;      /* of the body, or of its chunk */
    uint32_t room;      /* for more chunks; while in the head: what Content-Range says */
    iot_err err;
};

/** The next response is one to `method`. */
void iot_http_parser_begin(struct iot_http_parser *p, enum iot_http_method method);

/**
 * full     no more bytes fit behind `in`: a line that is not complete will never be.
 * used     out: so many of `in` are dealt with.
 * Returns  IOT_OK; HTTP_SYNTAX; HTTP_HEADER, too long or too many lines; HTTP_LENGTH, differing or more than 32 bits; HTTP_CHUNK;
 *          HTTP_CODING; HTTP_RANGE, the Content-Range of a 206 is ill-formed or missing, or it comes in several parts.
 */
iot_err iot_http_parse(struct iot_http_parser *p, struct iot_bytes in, bool full, uint32_t *used,
                       enum iot_http_say *say, struct iot_bytes *bytes);

/** The last `n` bytes of the body that was told last are not taken: they are told again. */
void iot_http_unparse(struct iot_http_parser *p, uint32_t n);

/** No more bytes will come: the connection ended, in good order (`clean`: close_notify or, without TLS, FIN) or not. All that
 *  came has been parsed. IOT_OK: that is the end of the body, the response is whole; IOT_ERR_HTTP_CUT. */
iot_err iot_http_parse_end(struct iot_http_parser *p, bool clean);

/* ---- what the two files of the parser share */

/* Those of a head come first. */
enum {
    IOT_HTTP_AT_STATUS,
    IOT_HTTP_AT_NAME,
    IOT_HTTP_AT_LONG_NAME, /* longer than any that is known */
    IOT_HTTP_AT_VALUE,     /* of interest: waits for its end */
    IOT_HTTP_AT_SKIPPED,   /* the rest of a line that is only checked */
    IOT_HTTP_AT_CHUNK_LINE,
    IOT_HTTP_AT_CHUNK,
    IOT_HTTP_AT_CHUNK_END, /* and another's first line */
    IOT_HTTP_AT_BODY,
    IOT_HTTP_AT_BODY_TO_CLOSE,
    IOT_HTTP_AT_DONE
};

/* A step: looks at what is at the front, and returns how many bytes of it are used; or IOT_ERR_AGAIN: none without more of them,
 * p->scanned were looked at; or what is wrong. This is one of a head. */
int32_t iot_http_parser_head(struct iot_http_parser *p, struct iot_bytes in,
                             struct iot_bytes *bytes);

/* On to where a line ends: p->scanned bytes in front of its CR and LF. RFC 9110, section 5.5. Returns IOT_OK or as a step. */
iot_err iot_http_parser_find_end(struct iot_http_parser *p, const uint8_t *line,
                                 const uint8_t *end);

#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A response as nginx gives it: its head, from the first byte to IOT_HTTP_HEAD_DONE, per byte; and chunks, from the head to
 * IOT_HTTP_DONE, per chunk. All is in the window; the bytes of the body are looked at by nobody. */
#include "bench.h"
#include "http/iot_http_parser.h"
#include "mark.h"

#include <string.h>

#if IOT_FEATURE_HTTP

static const char head[] = "HTTP/1.1 206 Partial Content\r\n"
                           "Server: nginx/1.22.1\r\n"
                           "Date: Tue, 12 Mar 2024 09:15:31 GMT\r\n"
                           "Content-Type: application/octet-stream\r\n"
                           "Content-Length: 4096\r\n"
                           "Last-Modified: Mon, 11 Mar 2024 17:02:44 GMT\r\n"
                           "Connection: keep-alive\r\n"
                           "ETag: \"65ef38b4-40000\"\r\n"
                           "Content-Range: bytes 8192-12287/262144\r\n"
                           "\r\n";

static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

#define CHUNKS      16
#define CHUNK_BYTES 256

static uint8_t window[sizeof chunked + CHUNKS * (CHUNK_BYTES + 10) + 10];

/* Until it says `until`; how many events there were. */
static uint32_t parse(struct iot_http_parser *p, struct iot_bytes *in, enum iot_http_say until)
{
    struct iot_bytes bytes;
    enum iot_http_say say;
    uint32_t used, said = 0;

    do {
        if (iot_http_parse(p, *in, false, &used, &say, &bytes) != IOT_OK || say == IOT_HTTP_MORE)
            return 0;
        in->ptr += used;
        in->len -= used;
        said++;
    } while (say != until);
    return said;
}

static void put(uint32_t *at, const void *bytes, uint32_t n)
{
    memcpy(window + *at, bytes, n);
    *at += n;
}

void bench_http(void)
{
    struct iot_http_parser p;
    struct iot_bytes in = {(const uint8_t *)head, sizeof head - 1};
    uint32_t at = 0;

    iot_http_parser_begin(&p, IOT_HTTP_GET);
    mark_begin();
    uint32_t said = parse(&p, &in, IOT_HTTP_HEAD_DONE);
    mark_end();
    mark_name("http/head/%u", (unsigned)(sizeof head - 1));
    if (said != 3 || in.len != 0 || p.head.length != 4096 || p.head.from != 8192 || !p.keep)
        mark_fail("that is not the head");

    put(&at, chunked, sizeof chunked - 1);
    for (uint32_t i = 0; i < CHUNKS; i++) {
        put(&at, "100\r\n", 5);
        at += CHUNK_BYTES;
        put(&at, "\r\n", 2);
    }
    put(&at, "0\r\n\r\n", 5);
    in = (struct iot_bytes){window, at};
    iot_http_parser_begin(&p, IOT_HTTP_GET);
    said = parse(&p, &in, IOT_HTTP_HEAD_DONE);
    mark_begin();
    said += parse(&p, &in, IOT_HTTP_DONE);
    mark_end();
    mark_name("http/chunks/%u", (unsigned)CHUNKS);
    if (said != 1 + CHUNKS + 1 || in.len != 0)
        mark_fail("those are not the chunks");
}

#endif

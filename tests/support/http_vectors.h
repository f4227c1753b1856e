/* SPDX-License-Identifier: Apache-2.0 */
/* Responses, good and bad, and what is to be said of each; see tests/support/http_feed.h for the words. */
#ifndef HTTP_VECTORS_H
#define HTTP_VECTORS_H

#include "http_feed.h"

struct vector {
    enum iot_http_method method;
    enum feed_end end;
    struct iot_bytes in;
    const char *said;
};

#define GET(bytes, said)                                                                           \
    {                                                                                              \
        IOT_HTTP_GET, RESET, {(const uint8_t *)(bytes), sizeof(bytes) - 1}, said                   \
    }
#define CLOSED(bytes, said)                                                                        \
    {                                                                                              \
        IOT_HTTP_GET, CLEAN, {(const uint8_t *)(bytes), sizeof(bytes) - 1}, said                   \
    }
#define HEAD(bytes, said)                                                                          \
    {                                                                                              \
        IOT_HTTP_HEAD, RESET, {(const uint8_t *)(bytes), sizeof(bytes) - 1}, said                  \
    }

#define OK11     "HTTP/1.1 200 OK\r\n"
#define PART     "HTTP/1.1 206 Partial Content\r\n"
#define CHUNKED  OK11 "Transfer-Encoding: chunked\r\n\r\n"
#define TOO_MUCH "4294967296"
#define BAD      "!HTTP_SYNTAX"

static const struct vector status_lines[] = {
    GET(OK11 "Content-Length: 5\r\n\r\nhello", "200 len=5 total=5 keep [hello] done"),
    GET("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "200 len=5 total=5 close [hello] done"),
    GET("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200 len=0 total=0 keep done"),
    GET("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200 len=0 total=0 keep done"),
    GET("HTTP/1.1 404 Not\tFound \xe9\r\nContent-Length: 1\r\n\r\nx", "404 len=1 keep [x] done"),
    GET("HTTP/1.1 599 x\r\nContent-Length: 1\r\n\r\nxHTTP", "599 len=1 keep [x] done +4"),
    GET("HTTP/1.1 600 x\r\n\r\n", BAD),
    GET("HTTP/1.1 999 x\r\n\r\n", BAD),
    GET("HTTP/1.1 099 x\r\n\r\n", BAD),
    GET("HTTP/1.1 2000 x\r\n\r\n", BAD),
    GET("HTTP/1.1 20 x\r\n\r\n", BAD),
    GET("HTTP/1.1 2x0 x\r\n\r\n", BAD),
    GET("HTTP/1.1 20: x\r\n\r\n", BAD),
    GET("HTTP/1.1 20/ x\r\n\r\n", BAD),
    GET("HTTP/1.1 +20 x\r\n\r\n", BAD),
    GET("HTTP/1.1  200 x\r\n\r\n", BAD),
    GET("HTTP/1.1\t200 x\r\n\r\n", BAD),
    GET("HTTP/1.1 200\tOK\r\n\r\n", BAD),
    GET("HTTP/1.2 200 OK\r\n\r\n", BAD),
    GET("HTTP/1. 200 OK\r\n\r\n", BAD),
    GET("HTTP/1.01 200 OK\r\n\r\n", BAD),
    GET("HTTP/2.0 200 OK\r\n\r\n", BAD),
    GET("HTTP/0.9 200 OK\r\n\r\n", BAD),
    GET("HTTP/2 200\r\n\r\n", BAD),
    GET("http/1.1 200 OK\r\n\r\n", BAD),
    GET("HTTPS/1.1 200 OK\r\n\r\n", BAD),
    GET("ICY 200 OK\r\n\r\n", BAD),
    GET("\r\nHTTP/1.1 200 OK\r\n\r\n", BAD),
    GET(" HTTP/1.1 200 OK\r\n\r\n", BAD),
    GET("<html>hello</html>", BAD),
    GET("SSH-2.0", BAD),
    GET("\x15\x03\x01\x00\x02\x02\x28", BAD),
    GET("\0", BAD),
    GET("HTTP/1.1 200 OK\n\n", BAD),
    GET("HTTP/1.1 200\n\n", BAD),
    GET("HTTP/1.1 200 O\rK\r\n\r\n", BAD),
    GET("HTTP/1.1 200\r\r\n\r\n", BAD),
    GET("HTTP/1.1 200 O\0K\r\n\r\n", BAD),
    GET("HTTP/1.1 200 O\x7fK\r\n\r\n", BAD),
    GET("HTTP/1.1 200 O\x1bK\r\n\r\n", BAD),
    GET("", "!HTTP_CUT"),
    CLOSED("", "!HTTP_CUT"),
    CLOSED("HTTP/1.1 2", "!HTTP_CUT"),
    CLOSED(OK11, "!HTTP_CUT"),
    CLOSED(OK11 "Content-Length: 0\r\n\r", "!HTTP_CUT"),
};

static const struct vector header_lines[] = {
    GET(OK11 "ETag: \"abc\"\r\nLocation:/x\r\nDate: \t a b \t\r\nContent-Length:0\r\n\r\n",
        "etag=\"abc\" location=/x date=a b 200 len=0 total=0 keep done"),
    GET(OK11 "eTAG:\r\nLOCATION:  \t\r\ndate: \xff\x80\r\ncontent-LENGTH: 0 \t\r\n\r\n",
        "etag= location= date=\xff\x80 200 len=0 total=0 keep done"),
    GET(OK11 "ETag: W/\"1\"\r\nETag: \"2\"\r\nContent-Length: 0\r\n\r\n",
        "etag=W/\"1\" etag=\"2\" 200 len=0 total=0 keep done"),
    GET(OK11 "X: y\r\n!#$%&'*+-.^_`|~09azAZ: \x80\r\nEta: a\r\nEtags: b\r\nX-Content-Length: 7\r\n"
             "content_length: 7\r\nContent-Lengt\r: 9\r\n\r\n",
        BAD),
    GET(OK11 "!#$%&'*+-.^_`|~09azAZ: \x80\r\nEta: a\r\nEtags: b\r\nX-Content-Length: 7\r\n"
             "content_length: 7\r\nContent\x0dLength: 4\r\n\r\n",
        BAD),
    GET(OK11 "!#$%&'*+-.^_`|~09azAZ: \x80\r\nEta: a\r\nEtags: b\r\nX-Content-Length: 7\r\n"
             "content_length: 7\r\nContent-Lengths: 4\r\nContent-Length: 0\r\n\r\n",
        "200 len=0 total=0 keep done"),
    GET(OK11 "A-name-that-is-longer-than-any-known: transfer-encoding: "
             "chunked\r\nSeventeen--letter: \r\n"
             "Eighteen---letters: x\r\nContent-Length: 0\r\n\r\n",
        "200 len=0 total=0 keep done"),
    GET(OK11 "no colon\r\n\r\n", BAD),
    GET(OK11 "nocolon\r\n\r\n", BAD),
    GET(OK11 "a-name-that-is-longer-than-any-known\r\n\r\n", BAD),
    GET(OK11 "a-name-that-is-longer-than any-known: x\r\n\r\n", BAD),
    GET(OK11 "a-name-that-is-longer-than-any-known : x\r\n\r\n", BAD),
    GET(OK11 ": x\r\n\r\n", BAD),
    GET(OK11 "X : y\r\n\r\n", BAD),
    GET(OK11 "Content-Length : 0\r\n\r\n", BAD),
    GET(OK11 "Content-Length\t: 0\r\n\r\n", BAD),
    GET(OK11 "X\x80: y\r\n\r\n", BAD),
    GET(OK11 "X\0: y\r\n\r\n", BAD),
    GET(OK11 "X(: y\r\n\r\n", BAD),
    GET(OK11 "X{: y\r\n\r\n", BAD),
    GET(OK11 "X/y: y\r\n\r\n", BAD),
    GET(OK11 "X\x7f: y\r\n\r\n", BAD),
    GET(OK11 " X: y\r\n\r\n", BAD),
    GET(OK11 "\tX: y\r\n\r\n", BAD),
    GET(OK11 "X: y\r\n folded\r\n\r\n", BAD),
    GET(OK11 "X: y\r\n\tfolded\r\n\r\n", BAD),
    GET(OK11 "X: y\r\n \r\n\r\n", BAD),
    GET(OK11 "Location: y\r\n folded\r\n\r\n", "location=y " BAD),
    GET(OK11 "X: y\n\r\n", BAD),
    GET(OK11 "Location: y\n\r\n", BAD),
    GET(OK11 "X: y\r\n\n", BAD),
    GET(OK11 "X: y\r\n\rZ", BAD),
    GET(OK11 "X: y\r\r\n", BAD),
    GET(OK11 "X: y\rContent-Length: 0\r\n\r\n", BAD),
    GET(OK11 "Location: y\rContent-Length: 0\r\n\r\n", BAD),
    GET(OK11 "X: y\0\r\n\r\n", BAD),
    GET(OK11 "Date: y\0\r\n\r\n", BAD),
    GET(OK11 "X: \x01\r\n\r\n", BAD),
    GET(OK11 "X: \x7f\r\n\r\n", BAD),
    GET(OK11 "\n", BAD),
};

static const struct vector lengths[] = {
    GET(OK11 "Content-Length: 5, 5 ,\t5\r\nContent-Length: 05\r\n\r\nhello!",
        "200 len=5 total=5 keep [hello] done +1"),
    GET(OK11 "Content-Length: 4294967295\r\n\r\nhello",
        "200 len=4294967295 total=4294967295 keep [hello] !HTTP_CUT"),
    GET(OK11 "Content-Length: 5\r\n\r\nhell", "200 len=5 total=5 keep [hell] !HTTP_CUT"),
    CLOSED(OK11 "Content-Length: 5\r\n\r\nhell", "200 len=5 total=5 keep [hell] !HTTP_CUT"),
    CLOSED(OK11 "Content-Length: 5\r\n\r\n", "200 len=5 total=5 keep !HTTP_CUT"),
    GET(OK11 "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: 5, 6\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: 6, 5\r\nContent-Length: 5\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length:\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: ,\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: 5,\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: 5,,5\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: 5 5\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: -5\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: +5\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: 5a\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: 0x5\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: 5:\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: :5\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: 5/\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: five\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: \"5\"\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: 5;5\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: " TOO_MUCH "\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: 4294967301\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: 42949672950\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: 18446744073709551621\r\n\r\nhello", "!HTTP_LENGTH"),
    GET(OK11 "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "!HTTP_LENGTH"),
    GET(OK11 "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "!HTTP_LENGTH"),
    GET(OK11 "Transfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n0\r\n\r\n", "!HTTP_LENGTH"),
};

static const struct vector codings[] = {
    GET(OK11 "transfer-encoding:CHUNKed \t\r\nContent-Encoding: "
             "Identity\r\nContent-Encoding:\r\n\r\n0\r\n\r\n",
        "200 keep done"),
    GET(OK11 "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "!HTTP_CODING"),
    GET(OK11 "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", "!HTTP_CODING"),
    GET(OK11 "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "!HTTP_CODING"),
    GET(OK11 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "!HTTP_CODING"),
    GET(OK11 "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "!HTTP_CODING"),
    GET(OK11 "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "!HTTP_CODING"),
    GET(OK11 "Transfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n", "!HTTP_CODING"),
    GET(OK11 "Transfer-Encoding:\r\n\r\n0\r\n\r\n", "!HTTP_CODING"),
    GET(OK11 "Transfer-Encoding: chunke\r\n\r\n0\r\n\r\n", "!HTTP_CODING"),
    GET(OK11 "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n", "!HTTP_CODING"),
    GET(OK11 "Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n", "!HTTP_CODING"),
    GET(OK11 "Transfer-Encoding: \x0b"
             "chunked\r\n\r\n0\r\n\r\n",
        BAD),
    GET(OK11 "Transfer-Encoding: chun\x4b"
             "ed\r\n\r\n0\r\n\r\n",
        "200 keep done"),
    GET(OK11 "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "!HTTP_CODING"),
    GET("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "!HTTP_CODING"),
    GET(OK11 "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", "!HTTP_CODING"),
    GET(OK11 "Content-Encoding: identity, gzip\r\nContent-Length: 0\r\n\r\n", "!HTTP_CODING"),
    GET(OK11 "Content-Encoding: identity\r\nContent-Encoding: br\r\nContent-Length: 0\r\n\r\n",
        "!HTTP_CODING"),
};

static const struct vector chunks[] = {
    GET(CHUNKED "5\r\nhello\r\n1\r\n \r\n005\r\nworld\r\n0\r\n\r\n", "200 keep [hello world] done"),
    GET(CHUNKED "A\r\n0123456789\r\nb\r\n0123456789a\r\n00\r\n\r\nHTTP",
        "200 keep [01234567890123456789a] done +4"),
    GET(CHUNKED "3;a\r\nabc\r\n3 \t; a=\"b;c\" ;d\r\ndef\r\n3;\r\nghi\r\n0;last\r\n\r\n",
        "200 keep [abcdefghi] done"),
    GET(CHUNKED
        "1\r\na\r\n0\r\nX: y\r\nContent-Length: 7\r\nTransfer-Encoding: x\r\nETag: 1\r\n\r\n",
        "200 keep [a] done"),
    GET(CHUNKED "3\r\n\r\n0\r\n0\r\n\r\n", "200 keep [\r\n0] done"),
    GET(CHUNKED "0\r\n\r\n", "200 keep done"),
    GET(CHUNKED "9\r\n123456789\r\nf\r\n123456789012345\r\nF\r\n123456789012345\r\n0\r\n\r\n",
        "200 keep [123456789123456789012345123456789012345] done"),
    GET(CHUNKED "9abcdef0\r\na", "200 keep [a] !HTTP_CUT"),
    GET(CHUNKED "65432178\r\na\r\n", "200 keep [a\r\n] !HTTP_CUT"),
    GET(OK11 "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\na\r\n0\r\n\r\n",
        "200 close [a] done"),
    GET(CHUNKED "0000000000000000000001\r\na\r\n0\r\n\r\n", "200 keep [a] done"),
    GET(CHUNKED "\r\na\r\n0\r\n\r\n", "200 keep !HTTP_CHUNK"),
    GET(CHUNKED ";a\r\na\r\n0\r\n\r\n", "200 keep !HTTP_CHUNK"),
    GET(CHUNKED " 1\r\na\r\n0\r\n\r\n", "200 keep !HTTP_CHUNK"),
    GET(CHUNKED "1 \r\na\r\n0\r\n\r\n", "200 keep !HTTP_CHUNK"),
    GET(CHUNKED "1 1\r\na\r\n0\r\n\r\n", "200 keep !HTTP_CHUNK"),
    GET(CHUNKED "-1\r\na\r\n0\r\n\r\n", "200 keep !HTTP_CHUNK"),
    GET(CHUNKED "+1\r\na\r\n0\r\n\r\n", "200 keep !HTTP_CHUNK"),
    GET(CHUNKED "0x1\r\na\r\n0\r\n\r\n", "200 keep !HTTP_CHUNK"),
    GET(CHUNKED "g\r\na\r\n0\r\n\r\n", "200 keep !HTTP_CHUNK"),
    GET(CHUNKED "1g\r\na\r\n0\r\n\r\n", "200 keep !HTTP_CHUNK"),
    GET(CHUNKED "1,\r\na\r\n0\r\n\r\n", "200 keep !HTTP_CHUNK"),
    GET(CHUNKED "1:\r\na\r\n0\r\n\r\n", "200 keep !HTTP_CHUNK"),
    GET(CHUNKED "1@\r\na\r\n0\r\n\r\n", "200 keep !HTTP_CHUNK"),
    GET(CHUNKED "\x11\r\na\r\n0\r\n\r\n", "200 keep !HTTP_CHUNK"),
    GET(CHUNKED "1\na\r\n0\r\n\r\n", "200 keep !HTTP_CHUNK"),
    GET(CHUNKED "1\rxa\r\n0\r\n\r\n", "200 keep !HTTP_CHUNK"),
    GET(CHUNKED "1;a\nb\r\na\r\n0\r\n\r\n", "200 keep !HTTP_CHUNK"),
    GET(CHUNKED "1;a\0\r\na\r\n0\r\n\r\n", "200 keep !HTTP_CHUNK"),
    GET(CHUNKED "1\r\nab\r\n0\r\n\r\n", "200 keep [a] !HTTP_CHUNK"),
    GET(CHUNKED "1\r\na\n0\r\n\r\n", "200 keep [a] !HTTP_CHUNK"),
    GET(CHUNKED "1\r\na\rx0\r\n\r\n", "200 keep [a] !HTTP_CHUNK"),
    GET(CHUNKED "1\r\na0\r\n\r\n", "200 keep [a] !HTTP_CHUNK"),
    GET(CHUNKED "2\r\na\r\n0\r\n\r\n", "200 keep [a\r] !HTTP_CHUNK"),
    GET(CHUNKED "100000000\r\na\r\n0\r\n\r\n", "200 keep !HTTP_LENGTH"),
    GET(CHUNKED "10000000000000001\r\na\r\n0\r\n\r\n", "200 keep !HTTP_LENGTH"),
    GET(CHUNKED "1\r\na\r\nffffffff\r\nb", "200 keep [a] !HTTP_LENGTH"),
    GET(CHUNKED "ffffffff\r\nb", "200 keep [b] !HTTP_CUT"),
    GET(CHUNKED "1\r\na\r\nFFFFFFFE\r\nb", "200 keep [ab] !HTTP_CUT"),
    GET(CHUNKED "1\r\na\r\n0\r\nX : y\r\n\r\n", "200 keep [a] " BAD),
    GET(CHUNKED "1\r\na\r\n0\r\nX: y\n\r\n", "200 keep [a] " BAD),
    GET(CHUNKED "1\r\na\r\n0\r\nX: y\r\n z\r\n\r\n", "200 keep [a] " BAD),
    GET(CHUNKED "1\r\na\r\n0\r\n\n", "200 keep [a] " BAD),
    CLOSED(CHUNKED, "200 keep !HTTP_CUT"),
    CLOSED(CHUNKED "1\r\n", "200 keep !HTTP_CUT"),
    CLOSED(CHUNKED "1\r\na", "200 keep [a] !HTTP_CUT"),
    CLOSED(CHUNKED "1\r\na\r\n", "200 keep [a] !HTTP_CUT"),
    CLOSED(CHUNKED "1\r\na\r\n0\r\n", "200 keep [a] !HTTP_CUT"),
    CLOSED(CHUNKED "1\r\na\r\n0\r\n\r", "200 keep [a] !HTTP_CUT"),
    CLOSED(CHUNKED "1\r\na\r\n0\r\nX: y\r\n", "200 keep [a] !HTTP_CUT"),
};

static const struct vector connections[] = {
    GET(OK11 "Connection: close\r\nContent-Length: 0\r\n\r\n", "200 len=0 total=0 close done"),
    GET(OK11 "Connection: a , CLOSE\t,b\r\nContent-Length: 0\r\n\r\n",
        "200 len=0 total=0 close done"),
    GET(OK11 "Connection: close\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
        "200 len=0 total=0 close done"),
    GET(OK11 "Connection: closed, xclose\r\nContent-Length: 0\r\n\r\n",
        "200 len=0 total=0 keep done"),
    GET(OK11 "Connection:\r\nContent-Length: 0\r\n\r\n", "200 len=0 total=0 keep done"),
    GET("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n",
        "200 len=0 total=0 keep done"),
    GET("HTTP/1.0 200 OK\r\nConnection: x,keep-alive\r\nContent-Length: 0\r\n\r\n",
        "200 len=0 total=0 keep done"),
    GET("HTTP/1.0 200 OK\r\nConnection: keep-alive,close\r\nContent-Length: 0\r\n\r\n",
        "200 len=0 total=0 close done"),
    GET("HTTP/1.0 200 OK\r\nKeep-Alive: 5\r\nContent-Length: 0\r\n\r\n",
        "200 len=0 total=0 close done"),
};

static const struct vector until_close[] = {
    CLOSED(OK11 "\r\nhello", "200 until [hello] end"),
    CLOSED(OK11 "Connection: keep-alive\r\n\r\nhello", "200 until [hello] end"),
    CLOSED("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", "200 until end"),
    CLOSED("HTTP/1.1 404 OK\r\n\r\nx", "404 until [x] end"),
    GET(OK11 "\r\nhello", "200 until [hello] !HTTP_CUT"),
    GET(OK11 "\r\n", "200 until !HTTP_CUT"),
    CLOSED(PART "Content-Range: bytes 2-6/9\r\n\r\nhello",
           "206 len=5 from=2 total=9 until [hello] end"),
    CLOSED(PART "Content-Range: bytes 2-6/9\r\n\r\nhell",
           "206 len=5 from=2 total=9 until [hell] !HTTP_CUT"),
    CLOSED(PART "Content-Range: bytes 2-6/9\r\n\r\nhello!",
           "206 len=5 from=2 total=9 until [hello] !HTTP_LENGTH"),
    GET(PART "Content-Range: bytes 2-6/9\r\n\r\nhello",
        "206 len=5 from=2 total=9 until [hello] !HTTP_CUT"),
};

static const struct vector ranges[] = {
    GET(PART "Content-Range: bytes 2-6/9\r\nContent-Length: 5\r\n\r\nhello",
        "206 len=5 from=2 total=9 keep [hello] done"),
    GET(PART "Content-Length: 5\r\ncontent-range:\tBYTES 2-6/7 \r\n\r\nhello",
        "206 len=5 from=2 total=7 keep [hello] done"),
    GET(PART "Content-Range: bytes 2-6/*\r\nContent-Length: 5\r\n\r\nhello",
        "206 len=5 from=2 keep [hello] done"),
    GET(PART "Content-Range: bytes 0-0/1\r\nContent-Length: 1\r\n\r\nh",
        "206 len=1 from=0 total=1 keep [h] done"),
    GET(PART
        "Content-Range: bytes 4294967290-4294967294/4294967295\r\nContent-Length: 5\r\n\r\nhello",
        "206 len=5 from=4294967290 total=4294967295 keep [hello] done"),
    GET(PART "Content-Range: bytes 1-4294967295/*\r\nContent-Length: 4294967295\r\n\r\nh",
        "206 len=4294967295 from=1 keep [h] !HTTP_CUT"),
    GET(PART "Content-Range: bytes 2-6/9\r\nTransfer-Encoding: "
             "chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
        "206 len=5 from=2 total=9 keep [hello] done"),
    GET(PART "Content-Range: bytes 2-6/9\r\nTransfer-Encoding: "
             "chunked\r\n\r\n3\r\nhel\r\n3\r\nlo!\r\n0\r\n\r\n",
        "206 len=5 from=2 total=9 keep [hel] !HTTP_LENGTH"),
    GET(PART
        "Content-Range: bytes 2-6/9\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n0\r\n\r\n",
        "206 len=5 from=2 total=9 keep [hel] !HTTP_LENGTH"),
    GET(PART "Content-Range: bytes 2-6/9\r\nContent-Length: 4\r\n\r\nhell", "!HTTP_LENGTH"),
    GET(PART "Content-Range: bytes 2-6/9\r\nContent-Length: 6\r\n\r\nhello!", "!HTTP_LENGTH"),
    GET(PART "Content-Length: 5\r\n\r\nhello", "!HTTP_RANGE"),
    GET(PART "Content-Range:\r\nContent-Length: 5\r\n\r\nhello", "!HTTP_RANGE"),
    GET(PART "Content-Range: bytes 6-2/9\r\nContent-Length: 5\r\n\r\nhello", "!HTTP_RANGE"),
    GET(PART "Content-Range: bytes 2-6/6\r\nContent-Length: 5\r\n\r\nhello", "!HTTP_RANGE"),
    GET(PART "Content-Range: bytes 2-6/0\r\nContent-Length: 5\r\n\r\nhello", "!HTTP_RANGE"),
    GET(PART "Content-Range: bytes 2-6\r\nContent-Length: 5\r\n\r\nhello", "!HTTP_RANGE"),
    GET(PART "Content-Range: bytes 2-6/\r\nContent-Length: 5\r\n\r\nhello", "!HTTP_RANGE"),
    GET(PART "Content-Range: bytes 2-/9\r\nContent-Length: 5\r\n\r\nhello", "!HTTP_RANGE"),
    GET(PART "Content-Range: bytes -6/9\r\nContent-Length: 5\r\n\r\nhello", "!HTTP_RANGE"),
    GET(PART "Content-Range: bytes */9\r\nContent-Length: 5\r\n\r\nhello", "!HTTP_RANGE"),
    GET(PART "Content-Range: bytes 2-6/9x\r\nContent-Length: 5\r\n\r\nhello", "!HTTP_RANGE"),
    GET(PART "Content-Range: bytes 2-6/**\r\nContent-Length: 5\r\n\r\nhello", "!HTTP_RANGE"),
    GET(PART "Content-Range: bytes 2 -6/9\r\nContent-Length: 5\r\n\r\nhello", "!HTTP_RANGE"),
    GET(PART "Content-Range: bytes 2-6/ 9\r\nContent-Length: 5\r\n\r\nhello", "!HTTP_RANGE"),
    GET(PART "Content-Range: bytes  2-6/9\r\nContent-Length: 5\r\n\r\nhello", "!HTTP_RANGE"),
    GET(PART "Content-Range: bytes=2-6/9\r\nContent-Length: 5\r\n\r\nhello", "!HTTP_RANGE"),
    GET(PART "Content-Range: lines 2-6/9\r\nContent-Length: 5\r\n\r\nhello", "!HTTP_RANGE"),
    GET(PART "Content-Range: bytes 0-4294967295/*\r\nContent-Length: 5\r\n\r\nhello",
        "!HTTP_RANGE"),
    GET(PART "Content-Range: bytes 2-6/" TOO_MUCH "\r\nContent-Length: 5\r\n\r\nhello",
        "!HTTP_RANGE"),
    GET(PART "Content-Range: bytes " TOO_MUCH "-4294967300/*\r\nContent-Length: 5\r\n\r\nhello",
        "!HTTP_RANGE"),
    GET(PART "Content-Range: bytes 2-6/9\r\nContent-Range: bytes 2-6/9\r\nContent-Length: "
             "5\r\n\r\nhello",
        "!HTTP_RANGE"),
    GET(PART "Content-Type: Multipart/ByteRanges; boundary=x\r\nContent-Length: 5\r\n\r\nhello",
        "!HTTP_RANGE"),
    GET(PART "Content-Type: multipart/byteranges\r\nContent-Range: bytes 2-6/9\r\nContent-Length: "
             "5\r\n\r\nhello",
        "!HTTP_RANGE"),
    GET(PART
        "Content-Type: text/plain\r\nContent-Range: bytes 2-6/9\r\nContent-Length: 5\r\n\r\nhello",
        "206 len=5 from=2 total=9 keep [hello] done"),
    GET(OK11 "Content-Range: bytes 2-6/9\r\nContent-Type: multipart/byteranges\r\nContent-Length: "
             "5\r\n\r\nhello",
        "200 len=5 total=5 keep [hello] done"),
    GET("HTTP/1.1 416 x\r\nContent-Range: bytes */9\r\nContent-Length: 0\r\n\r\n",
        "416 len=0 total=9 keep done"),
    GET("HTTP/1.1 416 x\r\nContent-Range: bytes 2-6/9\r\nContent-Length: 0\r\n\r\n",
        "416 len=0 keep done"),
    GET("HTTP/1.1 416 x\r\nContent-Range: bytes */" TOO_MUCH "\r\nContent-Length: 0\r\n\r\n",
        "416 len=0 keep done"),
    GET("HTTP/1.1 416 x\r\nContent-Range: bytes */*\r\nContent-Length: 0\r\n\r\n",
        "416 len=0 keep done"),
    GET("HTTP/1.1 416 x\r\nContent-Range: x\r\nContent-Length: 0\r\n\r\n", "416 len=0 keep done"),
};

static const struct vector no_body[] = {
    GET("HTTP/1.1 100 Continue\r\n\r\n" OK11 "Content-Length: 1\r\n\r\na",
        "200 len=1 total=1 keep [a] done"),
    GET("HTTP/1.1 100\r\nContent-Length: 7\r\n\r\nHTTP/1.1 103 Early Hints\r\nLocation: "
        "/a\r\nETag: b\r\n"
        "Transfer-Encoding: x\r\nConnection: close\r\nContent-Range: x\r\n\r\n" OK11
        "Content-Length: 1\r\n\r\na",
        "200 len=1 total=1 keep [a] done"),
    GET("HTTP/1.0 199 x\r\n\r\n" OK11 "Content-Length: 1\r\n\r\na",
        "200 len=1 total=1 keep [a] done"),
    GET("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na",
        "200 len=1 total=1 close [a] done"),
    GET("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", BAD),
    GET("HTTP/1.1 100 Continue\r\nX : y\r\n\r\n", BAD),
    GET("HTTP/1.1 100 Continue\r\n\r\n\r\n" OK11 "\r\n", BAD),
    CLOSED("HTTP/1.1 100 Continue\r\n\r\n", "!HTTP_CUT"),
    GET("HTTP/1.1 204 No Content\r\n\r\n", "204 len=0 keep done"),
    GET("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", "204 len=0 keep done +5"),
    GET("HTTP/1.1 204 x\r\nContent-Length: x\r\nTransfer-Encoding: x\r\nContent-Encoding: "
        "gzip\r\n\r\n",
        "204 len=0 keep done"),
    GET("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 5\r\nTransfer-Encoding: "
        "chunked\r\n\r\n",
        "etag=\"a\" 304 len=0 keep done"),
    GET("HTTP/1.0 304 Not Modified\r\n\r\n", "304 len=0 close done"),
    GET("HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n", "304 len=0 close done"),
    GET("HTTP/1.1 205 x\r\nContent-Length: 0\r\n\r\n", "205 len=0 keep done"),
    HEAD(OK11 "Content-Length: 5\r\n\r\nHTTP", "200 len=0 total=5 keep done +4"),
    HEAD(OK11 "\r\n", "200 len=0 keep done"),
    HEAD(OK11 "Transfer-Encoding: chunked\r\n\r\n", "200 len=0 keep done"),
    HEAD(OK11 "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", "200 len=0 keep done"),
    HEAD(OK11 "Content-Length: " TOO_MUCH "\r\n\r\n", "200 len=0 keep done"),
    HEAD(OK11 "Content-Encoding: gzip\r\nContent-Length: 5\r\nConnection: close\r\n\r\n",
         "200 len=0 total=5 close done"),
    HEAD("HTTP/1.1 404 x\r\nContent-Length: 5\r\n\r\n", "404 len=0 keep done"),
    HEAD("HTTP/1.1 100 x\r\n\r\n" OK11 "Content-Length: 5\r\n\r\n", "200 len=0 total=5 keep done"),
};

static const struct {
    const struct vector *list;
    uint32_t count;
} corpus[] = {
    {status_lines, COUNT(status_lines)},
    {header_lines, COUNT(header_lines)},
    {lengths, COUNT(lengths)},
    {codings, COUNT(codings)},
    {chunks, COUNT(chunks)},
    {connections, COUNT(connections)},
    {until_close, COUNT(until_close)},
    {ranges, COUNT(ranges)},
    {no_body, COUNT(no_body)},
};

#endif

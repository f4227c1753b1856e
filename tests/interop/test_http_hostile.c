/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client against servers that lie, dawdle, or never end: each is told by name, within bounds, and nothing is left
 * of it. */
#include "peer_http.h"
#include "peer_rude.h"
#include "peer_tls.h"

#include "host/host_net.h"

static struct peer_rude rude;
static char place[512];

static const char *url(const char *path)
{
    snprintf(place, sizeof place, "http://" PEER_NAME ":%u%s", rude.port, path);
    return place;
}

static int group_setup(void **state)
{
    if (peer_trust_group_setup(state) != 0 || !host_name_add("b.test.lwlink", peer_loopback))
        return -1;
    peer_rude_start(&rude);
    return 0;
}

static int group_teardown(void **state)
{
    peer_rude_stop(&rude);
    return peer_trust_group_teardown(state);
}

static int setup(void **state)
{
    (void)state;
    peer_http_prepare(CERT_COUNT);
    peer_web.options.idle_ms = peer_web.options.header_ms = 5000;
    return 0;
}

#define ANSWER(t, ...)                                                                             \
    {                                                                                              \
        .text = {(const uint8_t *)(t), sizeof(t) - 1}, __VA_ARGS__                                 \
    }
#define OK_HEAD "HTTP/1.1 200 OK\r\n"

/* One answer to all requests. */
static void ask(const struct peer_rude_answer *a)
{
    peer_rude_says(&rude, a, 1);
    peer_http_get(url("/"));
    assert_true(rude.requests >= 1);
}

/* ---- lies -------------------------------------------------------------------------------- */

static void lies_are_told_by_name(void **state)
{
    (void)state;
    static const struct {
        struct peer_rude_answer answer;
        iot_err err;
        uint32_t status;
    } rows[] = {
        {ANSWER("", .end = RUDE_FIN), IOT_ERR_HTTP_CUT, 0},
        {ANSWER("", .end = RUDE_RST), IOT_ERR_HTTP_CUT, 0},
        {ANSWER("220 mail.example ESMTP\r\n"), IOT_ERR_HTTP_SYNTAX, 0},
        {ANSWER("\x15\x03\x01\x00\x02\x02\x28"), IOT_ERR_HTTP_SYNTAX, 0},
        {ANSWER("HTTP/2 200\r\n\r\n"), IOT_ERR_HTTP_SYNTAX, 0},
        {ANSWER("HTTP/1.1 200 OK\nContent-Length: 0\n\n"), IOT_ERR_HTTP_SYNTAX, 0},
        {ANSWER(OK_HEAD "X: a\r\n folded\r\n\r\n"), IOT_ERR_HTTP_SYNTAX, 0},
        {ANSWER(OK_HEAD "X: a\0b\r\n\r\n"), IOT_ERR_HTTP_SYNTAX, 0},
        {ANSWER(OK_HEAD "X : a\r\n\r\n"), IOT_ERR_HTTP_SYNTAX, 0},
        /* lengths */
        {ANSWER(OK_HEAD "Content-Length: 9\r\n\r\nhello", .end = RUDE_FIN), IOT_ERR_HTTP_CUT, 200},
        {ANSWER(OK_HEAD "Content-Length: 9\r\n\r\nhello", .end = RUDE_RST), IOT_ERR_HTTP_CUT, 200},
        {ANSWER(OK_HEAD "Content-Length: 9\r\n\r\nhello"), IOT_ERR_HTTP_TIMEOUT, 200},
        {ANSWER(OK_HEAD "Content-Length: 5\r\n\r\nhello and more"), IOT_OK, 200},
        {ANSWER(OK_HEAD "Content-Length: 5\r\nContent-Length: 4\r\n\r\nhello"), IOT_ERR_HTTP_LENGTH,
         0},
        {ANSWER(OK_HEAD "Content-Length: 5, 6\r\n\r\nhello"), IOT_ERR_HTTP_LENGTH, 0},
        {ANSWER(OK_HEAD "Content-Length: -5\r\n\r\nhello"), IOT_ERR_HTTP_LENGTH, 0},
        {ANSWER(OK_HEAD "Content-Length: 4294967296\r\n\r\nhello"), IOT_ERR_HTTP_LENGTH, 0},
        {ANSWER(OK_HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
         IOT_ERR_HTTP_LENGTH, 0},
        /* codings and chunks */
        {ANSWER(OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"),
         IOT_ERR_HTTP_CODING, 0},
        {ANSWER(OK_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n"), IOT_ERR_HTTP_CODING, 0},
        {ANSWER(OK_HEAD "Transfer-Encoding: chunked\r\n\r\nhello\r\n"), IOT_ERR_HTTP_CHUNK, 200},
        {ANSWER(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n"),
         IOT_ERR_HTTP_CHUNK, 200},
        {ANSWER(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n-1\r\nhello"), IOT_ERR_HTTP_CHUNK, 200},
        {ANSWER(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n100000000\r\nhello"),
         IOT_ERR_HTTP_LENGTH, 200},
        {ANSWER(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", .end = RUDE_FIN),
         IOT_ERR_HTTP_CUT, 200},
        /* a range that nobody asked for */
        {ANSWER("HTTP/1.1 206 P\r\nContent-Range: bytes 0-4/9\r\nContent-Length: 5\r\n\r\nhello"),
         IOT_ERR_HTTP_RANGE, 0},
        {ANSWER("HTTP/1.1 206 P\r\nContent-Length: 5\r\n\r\nhello"), IOT_ERR_HTTP_RANGE, 0},
        /* another protocol */
        {ANSWER("HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\n"), IOT_ERR_HTTP_SYNTAX, 0},
        /* and one that is true */
        {ANSWER(OK_HEAD "\r\nhello", .end = RUDE_FIN), IOT_OK, 200},
        {ANSWER(OK_HEAD "\r\nhello", .end = RUDE_RST), IOT_ERR_HTTP_CUT, 200},
    };
    for (uint32_t drips = 0; drips < 2; drips++)
        for (uint32_t i = 0; i < COUNT(rows); i++) {
            struct peer_rude_answer a = rows[i].answer;
            a.drips = drips;
            setup(NULL);
            peer_web.fast = rows[i].err == IOT_ERR_HTTP_TIMEOUT;
            ask(&a);
            if (peer_web.err != rows[i].err)
                print_message("row %u\n", (unsigned)i);
            peer_http_assert(rows[i].err, rows[i].status);
            peer_http_close();
        }
}

static void another_range_than_asked_for_is_not_taken(void **state)
{
    (void)state;
    static const struct peer_rude_answer answers[] = {
        ANSWER("HTTP/1.1 206 P\r\nContent-Range: bytes 0-4/20\r\nContent-Length: 5\r\n\r\nhello"),
        ANSWER("HTTP/1.1 206 P\r\nContent-Range: bytes 5-8/20\r\nContent-Length: 4\r\n\r\nhell"),
        ANSWER("HTTP/1.1 206 P\r\nContent-Range: bytes 5-10/20\r\nContent-Length: 6\r\n\r\nhello!"),
        ANSWER("HTTP/1.1 206 P\r\nContent-Range: bytes 5-9/8\r\nContent-Length: 5\r\n\r\nhello"),
        ANSWER("HTTP/1.1 206 P\r\nContent-Range: bytes 9-5/20\r\nContent-Length: 5\r\n\r\nhello"),
        ANSWER("HTTP/1.1 206 P\r\nContent-Range: lines 5-9/20\r\nContent-Length: 5\r\n\r\nhello"),
        ANSWER("HTTP/1.1 206 P\r\nContent-Type: multipart/byteranges; boundary=x\r\n"
               "Content-Length: 5\r\n\r\nhello"),
    };
    peer_web.request.has_range = true;
    peer_web.request.range_from = 5;
    peer_web.request.range_to = 9;
    for (uint32_t i = 0; i < COUNT(answers); i++) {
        ask(&answers[i]);
        peer_http_assert(IOT_ERR_HTTP_RANGE, 0);
        assert_int_equal(peer_web.len, 0);
    }
    static const struct peer_rude_answer longer =
        ANSWER("HTTP/1.1 206 P\r\nContent-Range: bytes 5-9/20\r\nContent-Length: 6\r\n\r\nhello!");
    ask(&longer);
    peer_http_assert(IOT_ERR_HTTP_LENGTH, 0);
    static const struct peer_rude_answer right =
        ANSWER("HTTP/1.1 206 P\r\nContent-Range: bytes 5-9/20\r\nContent-Length: 5\r\n\r\nhello");
    ask(&right);
    peer_http_assert(IOT_OK, 206);
    assert_int_equal(peer_web.len, 5);
    peer_http_close();
}

/* ---- without end ------------------------------------------------------------------------- */

static void what_never_ends_is_ended(void **state)
{
    (void)state;
    static const struct {
        struct peer_rude_answer answer;
        iot_err err;
        uint32_t status;
        uint32_t most; /* bytes that it can get rid of */
    } rows[] = {
        {ANSWER(OK_HEAD, .forever = {(const uint8_t *)"X: y\r\n", 6}), IOT_ERR_HTTP_HEADER, 0, 1},
        {ANSWER(OK_HEAD "X: ", .forever = {(const uint8_t *)"y", 1}), IOT_ERR_HTTP_HEADER, 0, 1},
        {ANSWER(OK_HEAD "ETag: ", .forever = {(const uint8_t *)"y", 1}), IOT_ERR_HTTP_HEADER, 0, 1},
        {ANSWER(OK_HEAD, .forever = {(const uint8_t *)"x", 1}), IOT_ERR_HTTP_HEADER, 0, 1},
        {ANSWER("HTTP/1.1 200 ", .forever = {(const uint8_t *)"x", 1}), IOT_ERR_HTTP_HEADER, 0, 1},
        {ANSWER("", .forever = {(const uint8_t *)"HTTP/1.1 100 Continue\r\n\r\n", 25}),
         IOT_ERR_HTTP_HEADER, 0, 1},
        {ANSWER(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5;",
                .forever = {(const uint8_t *)"x", 1}),
         IOT_ERR_HTTP_CHUNK, 200, 1},
        {ANSWER(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n",
                .forever = {(const uint8_t *)"X: y\r\n", 6}),
         IOT_ERR_HTTP_HEADER, 200, 1},
        {ANSWER("HTTP/1.1 302 F\r\nLocation: /\r\n\r\n", .forever = {(const uint8_t *)"x", 1}),
         IOT_ERR_HTTP_REDIRECT, 0, 5},
    };
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        ask(&rows[i].answer);
        if (peer_web.err != rows[i].err)
            print_message("row %u\n", (unsigned)i);
        peer_http_assert(rows[i].err, rows[i].status);
        /* what fits into both windows on the way, besides */
        assert_true(rude.said_bytes < (uint64_t)rows[i].most * 2000000);
    }
    peer_http_close();
}

static void what_comes_too_slowly_is_left(void **state)
{
    (void)state;
    static const struct peer_rude_answer silent = ANSWER("");
    static const struct peer_rude_answer half = ANSWER(OK_HEAD "Content-Le");
    static const struct peer_rude_answer body = ANSWER(OK_HEAD "Content-Length: 500\r\n\r\nh");
    static const struct peer_rude_answer drip = {
        .text = {(const uint8_t *)OK_HEAD, sizeof OK_HEAD - 1},
        .forever = {(const uint8_t *)"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n", 45},
        .drips = true};
    peer_web.fast = true;
    ask(&silent);
    peer_http_assert(IOT_ERR_HTTP_TIMEOUT, 0);
    ask(&half);
    peer_http_assert(IOT_ERR_HTTP_TIMEOUT, 0);
    ask(&drip);
    peer_http_assert(IOT_ERR_HTTP_TIMEOUT, 0);
    ask(&body);
    peer_http_assert(IOT_ERR_HTTP_TIMEOUT, 200);
    peer_http_close();
}

static void a_body_that_drips_is_slow(void **state)
{
    (void)state;
    static const struct peer_rude_answer drip = {
        .text = {(const uint8_t *)OK_HEAD "\r\n", sizeof OK_HEAD + 1},
        .forever = {(const uint8_t *)"z", 1},
        .drips = true};
    peer_web.fast = true;
    peer_web.options.min_rate = 100000;
    peer_web.options.rate_ms = 4000;
    ask(&drip);
    peer_http_assert(IOT_ERR_HTTP_SLOW, 200);
    peer_http_close();
}

/* ---- redirects --------------------------------------------------------------------------- */

static void circles_of_redirects_end(void **state)
{
    (void)state;
    char there[128], back[128];
    struct peer_rude_answer answers[8];
    snprintf(there, sizeof there,
             "HTTP/1.1 302 F\r\nLocation: http://b.test.lwlink:%u/\r\nContent-Length: 0\r\n\r\n",
             rude.port);
    snprintf(back, sizeof back,
             "HTTP/1.1 302 F\r\nLocation: http://" PEER_NAME ":%u/\r\nContent-Length: 0\r\n\r\n",
             rude.port);
    for (uint32_t i = 0; i < COUNT(answers); i++)
        answers[i] = (struct peer_rude_answer){.text = text_bytes(i & 1 ? back : there)};
    peer_web.request.headers = "Authorization: secret\r\n";
    peer_rude_says(&rude, answers, COUNT(answers));
    peer_http_get(url("/"));
    peer_http_assert(IOT_ERR_HTTP_REDIRECT, 0);
    assert_int_equal(rude.requests, 5);
    assert_null(strstr(rude.in, "secret"));
    peer_http_close();
}

/* ---- kept connections -------------------------------------------------------------------- */

static void a_server_that_leaves_a_kept_connection_is_asked_once_more(void **state)
{
    (void)state;
    static const struct peer_rude_answer good = ANSWER(OK_HEAD "Content-Length: 2\r\n\r\nhi");
    struct peer_rude_answer answers[] = {good, ANSWER("", .end = RUDE_FIN), good};
    for (uint32_t i = 0; i < 2; i++) {
        answers[1].end = i == 0 ? RUDE_FIN : RUDE_RST;
        peer_rude_says(&rude, answers, COUNT(answers));
        peer_http_get(url("/"));
        peer_http_assert(IOT_OK, 200);
        peer_http_get(url("/"));
        peer_http_assert(IOT_OK, 200);
        assert_int_equal(rude.requests, 3);
        assert_int_equal(rude.accepted, 2);
        answers[2] = answers[1];
        peer_rude_says(&rude, answers, COUNT(answers));
        peer_http_get(url("/"));
        peer_http_assert(IOT_OK, 200);
        peer_http_get(url("/"));
        peer_http_assert(IOT_ERR_HTTP_CUT, 0);
        assert_int_equal(rude.requests, 3);
        answers[2] = good;
        peer_rude_says(&rude, answers, COUNT(answers));
        peer_http_get(url("/"));
        peer_http_assert(IOT_OK, 200);
        peer_web.request.method = IOT_HTTP_POST;
        peer_http_get(url("/"));
        peer_http_assert(IOT_ERR_HTTP_CUT, 0);
        assert_int_equal(rude.requests, 2);
        peer_web.request.method = IOT_HTTP_GET;
    }
    peer_http_close();
}

static void answers_that_nobody_asked_for_are_nobodys(void **state)
{
    (void)state;
    static const struct peer_rude_answer two =
        ANSWER(OK_HEAD "Content-Length: 2\r\n\r\nhi" OK_HEAD "Content-Length: 4\r\n\r\nevil");
    peer_rude_says(&rude, &two, 1);
    for (uint32_t i = 0; i < 5; i++) {
        peer_http_get(url("/"));
        peer_http_assert(IOT_OK, 200);
        assert_int_equal(peer_web.len, 2);
    }
    peer_http_close();
}

/* ---- cuts -------------------------------------------------------------------------------- */

static void a_cut_at_every_byte_is_a_cut(void **state)
{
    (void)state;
    static const char *const texts[] = {
        OK_HEAD "Content-Length: 5\r\n\r\nhello",
        OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    };
    peer_web.fast = true;
    peer_web.options.keep_ms = UINT32_MAX;
    peer_web.options.idle_ms = peer_web.options.header_ms = 600000;
    for (uint32_t t = 0; t < COUNT(texts); t++)
        for (uint32_t n = 0; n <= strlen(texts[t]); n++) {
            bool whole = n == strlen(texts[t]);
            struct peer_rude_answer a = {
                .text = {(const uint8_t *)texts[t], n},
                .end = n & 1 ? RUDE_FIN : RUDE_RST,
            };
            ask(&a);
            assert_err(peer_web.err, whole ? IOT_OK : IOT_ERR_HTTP_CUT);
        }
    peer_http_close();
}

/* Any byte another one: whatever is made of it, it ends, and is whole or named. */
static void noise_ends_too(void **state)
{
    (void)state;
    static const char text[] = OK_HEAD "ETag: \"e\"\r\nTransfer-Encoding: chunked\r\n\r\n"
                                       "5\r\nhello\r\n3;x\r\nyou\r\n0\r\nX: y\r\n\r\n";
    uint32_t seed = test_seed();
    peer_web.fast = true;
    for (uint32_t i = 0; i < 150; i++) {
        char noisy[sizeof text];
        memcpy(noisy, text, sizeof text);
        for (uint32_t k = 0; k <= i % 3; k++)
            noisy[test_random(&seed, sizeof text - 1)] = (char)test_random(&seed, 256);
        struct peer_rude_answer a = {.text = {(const uint8_t *)noisy, sizeof text - 1},
                                     .end = i & 1 ? RUDE_FIN : RUDE_STAYS};
        ask(&a);
        if (peer_web.err == IOT_OK)
            assert_true(peer_web.len <= sizeof text);
    }
    peer_http_close();
}

/* ---- TLS --------------------------------------------------------------------------------- */

/* Where the end of the connection is the end of the body, somebody on the way could make it. openssl's server says no goodbye;
 * nginx does, see /close/ in test_http_nginx.c. */
static void the_end_of_a_body_needs_close_notify(void **state)
{
    (void)state;
    static const char answer[] = OK_HEAD "\r\nhello\n";
    for (uint32_t killed = 0; killed < 2; killed++) {
        struct peer_tls server;
        peer_http_prepare(CERT_EC_ROOT);
        peer_tls_start(&server, CERT_EC_GOOD, NULL);
        server.greets = false;
        snprintf(place, sizeof place, "https://" PEER_NAME ":%u/", server.port);
        peer_http_ask(place);
        UNTIL_WITH(peer_http_turn, peer_tls_said(&server, "GET / HTTP/1.1") != 0);
        peer_tls_type(&server, BYTES(answer));
        UNTIL_WITH(peer_http_turn, peer_web.len == 6);
        if (killed)
            peer_tls_stop(&server);
        else
            peer_tls_type(&server, BYTES("Q\n"));
        UNTIL_WITH(peer_http_turn, peer_web.ends != 0);
        peer_http_assert(IOT_ERR_HTTP_CUT, 200);
        assert_int_equal(peer_web.detail, IOT_ERR_TLS_EOF);
        peer_http_close();
        peer_tls_stop(&server);
    }
}

/* A body whose length is known needs none. */
static void a_body_that_is_whole_does_not(void **state)
{
    (void)state;
    struct peer_tls server;
    peer_http_prepare(CERT_EC_ROOT);
    peer_tls_start(&server, CERT_EC_GOOD, NULL);
    server.greets = false;
    snprintf(place, sizeof place, "https://" PEER_NAME ":%u/", server.port);
    peer_http_ask(place);
    UNTIL_WITH(peer_http_turn, peer_tls_said(&server, "GET / HTTP/1.1") != 0);
    peer_tls_type(&server, BYTES(OK_HEAD "Content-Length: 6\r\n\r\nhello\n"));
    UNTIL_WITH(peer_http_turn, peer_web.ends != 0);
    peer_http_assert(IOT_OK, 200);
    peer_tls_stop(&server);
    UNTIL_WITH(peer_http_turn, iot_http_idle(&peer_web.http));
    peer_http_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, peer_trust_test_teardown)
        T(lies_are_told_by_name),
        T(another_range_than_asked_for_is_not_taken),
        T(what_never_ends_is_ended),
        T(what_comes_too_slowly_is_left),
        T(a_body_that_drips_is_slow),
        T(circles_of_redirects_end),
        T(a_server_that_leaves_a_kept_connection_is_asked_once_more),
        T(answers_that_nobody_asked_for_are_nobodys),
        T(a_cut_at_every_byte_is_a_cut),
        T(noise_ends_too),
        T(the_end_of_a_body_needs_close_notify),
        T(a_body_that_is_whole_does_not),
#undef T
    };
    return cmocka_run_group_tests_name("http_hostile", tests, group_setup, group_teardown);
}

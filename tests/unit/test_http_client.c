/* SPDX-License-Identifier: Apache-2.0 */
/* A client and its requests: what leaves, what the handlers are told, how time and consumers are treated. Connections that
 * are kept: test_http_client_keep.c; redirects: test_http_client_redirect.c. */
#include "stub_http.h"

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

/* ---- requests ---------------------------------------------------------------------------- */

static void a_get_is_asked_and_told(void **state)
{
    (void)state;
    start();
    assert_string_equal(plain.to.host, "a.example");
    assert_int_equal(plain.to.port, 80);
    assert_asked(&plain, ASKED("GET /x", "a.example", ""));
    assert_int_equal(plain.writes, 1);
    assert_true(plain.flushes >= 1);
    assert_false(iot_http_ready(&web));
    assert_false(iot_http_idle(&web));
    answer(&plain, "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 5\r\n\r\nhello");
    assert_said("head 200 length 5 total 5 etag \"v1\"\nbody 0 'hello'\nend OK\n");
    assert_int_equal(last_head.bytes,
                     strlen("HTTP/1.1 200 OK..ETag: \"v1\"..Content-Length: 5...."));
    assert_true(iot_http_ready(&web));
}

static void https_takes_the_other_stream(void **state)
{
    (void)state;
    ask.url = "https://a.example:8443/x";
    start();
    assert_int_equal(plain.opens, 0);
    assert_int_equal(secure.to.port, 8443);
    assert_null(secure.to.server_name);
    assert_asked(&secure, ASKED("GET /x", "a.example:8443", ""));
    answer(&secure, HELLO);
    assert_said("head 200 length 5 total 5\nbody 0 'hello'\nend OK\n");
}

static void the_options_say_which_interface(void **state)
{
    (void)state;
    int netif;
    options.netif = &netif;
    start();
    assert_ptr_equal(plain.to.netif, &netif);
}

static void urls_of_every_form_are_asked_for_as_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host, *asked;
    } rows[] = {
        {"http://h", "h", ASKED("GET /", "h", "")},
        {"http://h/", "h", ASKED("GET /", "h", "")},
        {"http://h?q=1", "h", ASKED("GET /?q=1", "h", "")},
        {"http://h#there", "h", ASKED("GET /", "h", "")},
        {"http://h:81", "h", ASKED("GET /", "h:81", "")},
        {"http://h:81/a?b#c", "h", ASKED("GET /a?b", "h:81", "")},
        {"HTTP://H.X/a", "H.X", ASKED("GET /a", "H.X", "")},
        {"http://[2001:db8::1]/a", "2001:db8::1", ASKED("GET /a", "[2001:db8::1]", "")},
        {"http://[::1]:81/a", "::1", ASKED("GET /a", "[::1]:81", "")},
        {"http://[::1]?a", "::1", ASKED("GET /?a", "[::1]", "")},
        {"http://10.0.2.2/a", "10.0.2.2", ASKED("GET /a", "10.0.2.2", "")},
    };
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        stub_http_setup(state);
        ask.url = rows[i].url;
        start();
        assert_string_equal(plain.to.host, rows[i].host);
        assert_asked(&plain, rows[i].asked);
    }
}

static void a_stream_that_takes_few_bytes_gets_the_same_request(void **state)
{
    (void)state;
    static char url[IOT_HTTP_URL_MAX + 1], headers[3000];
    memset(url, 'p', IOT_HTTP_URL_MAX);
    memcpy(url, "http://h/", 9);
    memset(headers, 'v', sizeof headers - 1);
    memcpy(headers, "X-A: ", 5);
    memcpy(headers + sizeof headers - 3, "\r\n", 2);
    static const uint32_t most[] = {1, 7, 500, UINT32_MAX};
    for (uint32_t i = 0; i < COUNT(most); i++) {
        char wanted[4096];
        stub_http_setup(state);
        ask.url = url;
        ask.headers = headers;
        plain.write_max = most[i];
        start();
        snprintf(wanted, sizeof wanted,
                 "GET %s HTTP/1.1\r\nHost: h\r\nAccept-Encoding: identity\r\n%s\r\n", url + 8,
                 headers);
        assert_asked(&plain, wanted);
    }
}

static void a_stream_that_is_full_is_offered_the_rest_later(void **state)
{
    (void)state;
    plain.write_budget = 10;
    start();
    assert_int_equal(stub_sent(&plain).len, 10);
    run(5000);
    assert_int_equal(stub_sent(&plain).len, 10);
    stub_allow(&plain, UINT32_MAX);
    run(0);
    assert_asked(&plain, ASKED("GET /x", "a.example", ""));
}

static void a_post_carries_its_body(void **state)
{
    (void)state;
    ask.method = IOT_HTTP_POST;
    ask.headers = "Content-Type: text/plain\r\n";
    ask.body = BYTES("secret=1");
    start();
    assert_asked(&plain, ASKED("POST /x", "a.example",
                               "Content-Length: 8\r\nContent-Type: text/plain\r\n") "secret=1");
    assert_int_equal(plain.writes, 1);
    answer(&plain, HELLO);
    assert_said("head 200 length 5 total 5\nbody 0 'hello'\nend OK\n");
}

static void a_post_without_a_body_says_so(void **state)
{
    (void)state;
    ask.method = IOT_HTTP_POST;
    start();
    assert_asked(&plain, ASKED("POST /x", "a.example", "Content-Length: 0\r\n"));
}

static void a_body_larger_than_the_window_leaves_whole(void **state)
{
    (void)state;
    static uint8_t body[5000];
    for (uint32_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i * 7 >> 3);
    ask.method = IOT_HTTP_POST;
    ask.body = (struct iot_bytes){body, sizeof body};
    plain.write_max = 333;
    start();
    struct iot_bytes sent = stub_sent(&plain);
    assert_true(sent.len > sizeof body);
    assert_memory_equal(sent.ptr + sent.len - sizeof body, body, sizeof body);
    assert_memory_equal(sent.ptr + sent.len - sizeof body - 4, "\r\n\r\n", 4);
}

static uint32_t source_step, source_given;
static iot_err source_says;

static iot_err source(void *ctx, uint8_t *into, uint32_t cap, uint32_t *got)
{
    assert_ptr_equal(ctx, &ask);
    assert_int_not_equal(cap, 0);
    if (source_says != IOT_OK)
        return source_says;
    *got = cap < source_step ? cap : source_step;
    for (uint32_t i = 0; i < *got; i++)
        into[i] = (uint8_t)('a' + source_given++ % 26);
    return IOT_OK;
}

static void post_from_source(uint32_t bytes, uint32_t step)
{
    source_given = 0;
    source_step = step;
    source_says = IOT_OK;
    ask.method = IOT_HTTP_POST;
    ask.source = source;
    ask.body_bytes = bytes;
}

static void a_source_gives_the_body_in_its_own_pieces(void **state)
{
    (void)state;
    static const uint32_t steps[] = {1, 10, 999, 100000};
    for (uint32_t i = 0; i < COUNT(steps); i++) {
        stub_http_setup(state);
        post_from_source(2600, steps[i]);
        plain.write_max = 100;
        start();
        run(10);
        assert_int_equal(source_given, 2600);
        struct iot_bytes sent = stub_sent(&plain);
        const char *body = strstr((const char *)sent.ptr, "\r\n\r\n") + 4;
        assert_int_equal(sent.ptr + sent.len - (const uint8_t *)body, 2600);
        for (uint32_t n = 0; n < 2600; n++)
            assert_int_equal(body[n], 'a' + n % 26);
        assert_non_null(strstr((const char *)sent.ptr, "Content-Length: 2600\r\n"));
        answer(&plain, HELLO);
        assert_int_equal(ends, 1);
    }
}

static void a_source_that_has_nothing_yet_is_asked_again(void **state)
{
    (void)state;
    post_from_source(5, 5);
    source_says = IOT_ERR_AGAIN;
    start();
    assert_true(stub_sent(&plain).len > 20); /* the head does not wait for it */
    uint32_t head = stub_sent(&plain).len;
    run(1000);
    assert_int_equal(stub_sent(&plain).len, head);
    source_says = IOT_OK;
    run(20);
    assert_int_equal(stub_sent(&plain).len, head + 5);
    assert_said("");
}

static void a_source_that_never_has_anything_is_not_waited_for_for_ever(void **state)
{
    (void)state;
    post_from_source(5, 5);
    source_says = IOT_ERR_AGAIN;
    start();
    run(19900);
    assert_said("");
    run(200);
    assert_said("end HTTP_TIMEOUT\n");
}

static void an_error_of_the_source_ends_the_request(void **state)
{
    (void)state;
    post_from_source(5, 5);
    source_says = IOT_ERR_KV;
    start();
    assert_said("end KV\n");
    assert_true(iot_http_idle(&web));
}

static void what_no_request_can_be_is_refused_and_nothing_begins(void **state)
{
    (void)state;
    static const struct {
        struct iot_http_request request;
        iot_err err;
    } rows[] = {
        {{.url = NULL}, IOT_ERR_HTTP_URL},
        {{.url = ""}, IOT_ERR_HTTP_URL},
        {{.url = "http://"}, IOT_ERR_HTTP_URL},
        {{.url = "ftp://h/"}, IOT_ERR_HTTP_URL},
        {{.url = "http://h/a b"}, IOT_ERR_HTTP_URL},
        {{.url = "http://h/\r\nX: y"}, IOT_ERR_HTTP_URL},
        {{.url = "http://h", .headers = "x"}, IOT_ERR_ARG},
        {{.url = "http://h", .headers = "X: y"}, IOT_ERR_ARG},
        {{.url = "http://h", .headers = "X: y\r"}, IOT_ERR_ARG},
        {{.url = "http://h", .headers = "X: y\n"}, IOT_ERR_ARG},
        {{.url = "http://h", .headers = "X : y\r\n"}, IOT_ERR_ARG},
        {{.url = "http://h", .headers = ": y\r\n"}, IOT_ERR_ARG},
        {{.url = "http://h", .headers = "\r\n"}, IOT_ERR_ARG},
        {{.url = "http://h", .headers = "X: y\r\n\r\n"}, IOT_ERR_ARG},
        {{.url = "http://h", .headers = "X: y\r\n folded\r\n"}, IOT_ERR_ARG},
        {{.url = "http://h", .headers = "X: \x01\r\n"}, IOT_ERR_ARG},
        {{.url = "http://h", .headers = "X: \x7f\r\n"}, IOT_ERR_ARG},
        {{.url = "http://h", .body = {(const uint8_t *)"b", 1}}, IOT_ERR_ARG},
        {{.url = "http://h", .method = IOT_HTTP_HEAD, .source = source}, IOT_ERR_ARG},
        {{.url = "http://h",
          .method = IOT_HTTP_POST,
          .body = {(const uint8_t *)"b", 1},
          .source = source},
         IOT_ERR_ARG},
        {{.url = "http://h", .method = (enum iot_http_method)3}, IOT_ERR_ARG},
        {{.url = "http://h", .has_range = true, .range_from = 2, .range_to = 1}, IOT_ERR_ARG},
        {{.url = "http://h", .has_range = true, .range_to = 1, .method = IOT_HTTP_HEAD},
         IOT_ERR_ARG},
        {{.url = "http://h", .if_range = "\"e\""}, IOT_ERR_ARG},
        {{.url = "http://h", .has_range = true, .range_to = 9, .if_range = "e"}, IOT_ERR_ARG},
        {{.url = "http://h", .has_range = true, .range_to = 9, .if_range = "W/\"e\""}, IOT_ERR_ARG},
        {{.url = "http://h", .has_range = true, .range_to = 9, .if_range = "\"e\"\r\n"},
         IOT_ERR_ARG},
        {{.url = "http://h", .has_range = true, .range_to = 9, .if_range = "\"e"}, IOT_ERR_ARG},
        {{.url = "http://h", .has_range = true, .range_to = 9, .if_range = ""}, IOT_ERR_ARG},
    };
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        struct iot_http_request r = rows[i].request;
        r.on = &handlers;
        r.ctx = &ask;
        assert_err(iot_http_start(&web, &r), rows[i].err);
        assert_true(iot_http_ready(&web));
    }
    struct iot_http_request deaf = {.url = "http://h"};
    assert_err(iot_http_start(&web, &deaf), IOT_ERR_ARG);
    run(1000);
    assert_int_equal(plain.opens, 0);
    assert_said("");
}

static void https_without_tls_is_refused(void **state)
{
    (void)state;
    memset(&web, 0, sizeof web);
    iot_http_client_init(&web, &options, &stub_http_port, &plain.base, NULL, &wake);
    ask.url = "https://h/";
    assert_err(iot_http_start(&web, &ask), IOT_ERR_ARG);
    assert_true(iot_http_idle(&web));
}

static void a_second_request_is_refused_while_one_is_under_way(void **state)
{
    (void)state;
    start();
    assert_err(iot_http_start(&web, &ask), IOT_ERR_STATE);
    answer(&plain, HELLO);
    assert_err(iot_http_start(&web, &ask), IOT_OK);
}

/* ---- ranges ------------------------------------------------------------------------------ */

static void a_range_is_asked_for_by_its_ends(void **state)
{
    (void)state;
    ask.has_range = true;
    ask.range_from = 100;
    ask.range_to = 199;
    ask.if_range = "\"v1\"";
    start();
    assert_asked(&plain,
                 ASKED("GET /x", "a.example", "Range: bytes=100-199\r\nIf-Range: \"v1\"\r\n"));
    stub_http_setup(state);
    ask.has_range = true;
    ask.range_from = 4294967294u;
    ask.range_to = UINT32_MAX;
    start();
    assert_asked(&plain, ASKED("GET /x", "a.example", "Range: bytes=4294967294-\r\n"));
}

static void only_the_range_that_was_asked_for_is_taken(void **state)
{
    (void)state;
    static const struct {
        uint32_t from, to; /* asked for */
        const char *range;
        const char *length;
        const char *said;
    } rows[] = {
        {2, 4, "2-4/9", "3", "head 206 from 2 length 3 total 9\nbody 2 'cde'\nend OK\n"},
        {2, 4, "2-4/*", "3", "head 206 from 2 length 3\nbody 2 'cde'\nend OK\n"},
        {7, 20, "7-8/9", "2", "head 206 from 7 length 2 total 9\nbody 7 'cd'\nend OK\n"},
        {7, UINT32_MAX, "7-8/9", "2", "head 206 from 7 length 2 total 9\nbody 7 'cd'\nend OK\n"},
        {7, UINT32_MAX, "7-8/*", "2", "head 206 from 7 length 2\nbody 7 'cd'\nend OK\n"},
        {0, 0, "0-0/1", "1", "head 206 from 0 length 1 total 1\nbody 0 'c'\nend OK\n"},
        {2, 4, "1-3/9", "3", "end HTTP_RANGE\n"},
        {2, 4, "3-4/9", "2", "end HTTP_RANGE\n"},
        {2, 4, "2-3/9", "2", "end HTTP_RANGE\n"},
        {2, 4, "2-5/9", "4", "end HTTP_RANGE\n"},
        {2, 4, "2-5/*", "4", "end HTTP_RANGE\n"},
        {2, 4, "0-4/9", "5", "end HTTP_RANGE\n"},
        {2, UINT32_MAX, "2-7/9", "6", "end HTTP_RANGE\n"},
        {0, 4294967295u, "0-4294967294/4294967295", "4294967295",
         "head 206 from 0 length 4294967295 total 4294967295\nbody 0 'cdefgh'\n"},
    };
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        char text[200];
        stub_http_setup(state);
        ask.has_range = true;
        ask.range_from = rows[i].from;
        ask.range_to = rows[i].to;
        start();
        snprintf(text, sizeof text,
                 "HTTP/1.1 206 P\r\nContent-Range: bytes %s\r\nContent-Length: %s\r\n\r\n%.*s",
                 rows[i].range, rows[i].length, (int)strtoul(rows[i].length, NULL, 10) & 15,
                 "cdefgh");
        answer(&plain, text);
        assert_said(rows[i].said);
    }
}

static void a_part_that_nobody_asked_for_is_an_error(void **state)
{
    (void)state;
    start();
    answer(&plain,
           "HTTP/1.1 206 P\r\nContent-Range: bytes 0-4/5\r\nContent-Length: 5\r\n\r\nhello");
    assert_said("end HTTP_RANGE\n");
    assert_int_equal(end_detail, 206);
    assert_true(iot_http_idle(&web));
}

static void the_whole_instead_of_a_range_begins_at_0(void **state)
{
    (void)state;
    ask.has_range = true;
    ask.range_from = 2;
    ask.range_to = 3;
    start();
    answer(&plain, HELLO);
    assert_said("head 200 length 5 total 5\nbody 0 'hello'\nend OK\n");
    assert_false(last_head.partial);
}

static void a_range_that_does_not_exist_is_a_response(void **state)
{
    (void)state;
    ask.has_range = true;
    ask.range_from = 20;
    ask.range_to = 30;
    start();
    answer(&plain, "HTTP/1.1 416 N\r\nContent-Range: bytes */5\r\nContent-Length: 2\r\n\r\nno");
    assert_said("head 416 length 2 total 5\nbody 0 'no'\nend OK\n");
}

/* ---- responses --------------------------------------------------------------------------- */

static void responses_come_in_any_pieces(void **state)
{
    (void)state;
    static const char text[] =
        "HTTP/1.1 103 Early\r\nETag: \"early\"\r\n\r\n"
        "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\nX: y\r\n\r\n";
    for (uint32_t cut = 1; cut < sizeof text; cut++) {
        stub_http_setup(state);
        plain.read_max = cut;
        start();
        for (uint32_t i = 0; i < sizeof text - 1; i += cut) {
            uint32_t n = (uint32_t)sizeof text - 1 - i;
            stub_receive(&plain, (struct iot_bytes){(const uint8_t *)text + i, n < cut ? n : cut});
            run(1);
        }
        assert_said("head 200 etag \"e\"\nbody 0 'abcdefgh'\nend OK\n");
        assert_int_equal(web.phase != 0, 1);
    }
}

static void a_stream_that_has_more_but_not_now_is_asked_in_the_next_tick(void **state)
{
    (void)state;
    start();
    plain.read_later = 3;
    answer(&plain, HELLO);
    assert_said("head 200 length 5 total 5\nbody 0 'hello'\nend OK\n");
}

static void a_body_of_many_windows_passes(void **state)
{
    (void)state;
    static char text[60000];
    start();
    int n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n");
    memset(text + n, 'z', 50000);
    uint32_t turns = 0;
    stub_receive(&plain, (struct iot_bytes){(const uint8_t *)text, (uint32_t)n + 50000});
    for (; ends == 0; turns++) {
        said[0] = '\0';
        uint32_t before = plain.rx_at;
        iot_http_run(&web, now);
        assert_true(ends != 0 || plain.rx_at - before <= 8 * IOT_HTTP_RX_BYTES);
        assert_true(ends != 0 || iot_http_deadline(&web) == 0);
    }
    assert_true(turns >= 6);
}

static void etags_are_kept_if_they_can_resume(void **state)
{
    (void)state;
    static char longest[IOT_HTTP_ETAG_MAX + 2];
    struct {
        const char *etag;
        bool kept;
    } rows[] = {
        {"\"a\"", true}, {"\"\"", true}, {"W/\"a\"", false}, {"abc", false}, {longest, true}};
    memset(longest, 'e', IOT_HTTP_ETAG_MAX);
    longest[0] = longest[IOT_HTTP_ETAG_MAX - 1] = '"';
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        char text[200];
        stub_http_setup(state);
        start();
        snprintf(text, sizeof text, "HTTP/1.1 204 N\r\nETag: %s\r\n\r\n", rows[i].etag);
        answer(&plain, text);
        assert_int_equal(last_head.etag.len, rows[i].kept ? strlen(rows[i].etag) : 0);
        assert_int_equal(ends, 1);
    }
    stub_http_setup(state);
    memset(longest, 'e', IOT_HTTP_ETAG_MAX + 1);
    longest[0] = longest[IOT_HTTP_ETAG_MAX] = '"';
    char text[200];
    start();
    snprintf(text, sizeof text, "HTTP/1.1 204 N\r\nETag: %s\r\n\r\n", longest);
    answer(&plain, text);
    assert_int_equal(last_head.etag.len, 0);
    assert_said("head 204 length 0\nend OK\n");
}

static void a_head_request_has_no_body(void **state)
{
    (void)state;
    ask.method = IOT_HTTP_HEAD;
    start();
    assert_asked(&plain, ASKED("HEAD /x", "a.example", ""));
    answer(&plain, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    assert_said("head 200 length 0 total 5\nend OK\n");
}

static void any_status_is_a_response(void **state)
{
    (void)state;
    start();
    answer(&plain, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno");
    assert_said("head 404 length 2\nbody 0 'no'\nend OK\n");
}

static void what_is_no_response_ends_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } rows[] = {
        {"SSH-2.0-x\r\n", "end HTTP_SYNTAX\n"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "end HTTP_LENGTH\n"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
         "end HTTP_LENGTH\n"},
        {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", "end HTTP_CODING\n"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
         "head 200\nend HTTP_CHUNK\n"},
    };
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        stub_http_setup(state);
        start();
        answer(&plain, rows[i].text);
        assert_said(rows[i].said);
        assert_true(iot_http_idle(&web));
        assert_int_equal(plain.aborts, 1);
    }
}

static void a_line_that_the_window_cannot_hold_ends_by_name_if_it_matters(void **state)
{
    (void)state;
    static char text[2 * IOT_HTTP_RX_BYTES + 200], line[2 * IOT_HTTP_RX_BYTES];
    memset(line, 'l', sizeof line - 1);
    start();
    snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nX-Cookie: %s\r\nContent-Length: 5\r\n\r\nhello",
             line);
    answer(&plain, text);
    assert_said("head 200 length 5 total 5\nbody 0 'hello'\nend OK\n");
    stub_http_setup(state);
    start();
    snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nETag: %s\r\n\r\n", line);
    answer(&plain, text);
    assert_said("end HTTP_HEADER\n");
}

/* ---- the connection ends ----------------------------------------------------------------- */

static void the_end_of_the_connection_is_the_end_of_a_body_only_in_good_order(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        iot_err why;
        const char *end;
    } rows[] = {
        {"http://h/", IOT_ERR_TCP_EOF, "OK"},
        {"http://h/", IOT_ERR_TCP_RESET, "HTTP_CUT"},
        {"http://h/", IOT_ERR_TCP_ABORTED, "HTTP_CUT"},
        {"http://h/", IOT_ERR_TCP_STALLED, "TCP_STALLED"},
        {"https://h/", IOT_ERR_TLS_CLOSED, "OK"},
        {"https://h/", IOT_ERR_TLS_EOF, "HTTP_CUT"},
        {"https://h/", IOT_ERR_TCP_EOF, "HTTP_CUT"},
        {"https://h/", IOT_ERR_TCP_RESET, "HTTP_CUT"},
        {"https://h/", IOT_ERR_TLS_VERIFY, "TLS_VERIFY"},
        {"https://h/", IOT_ERR_TLS_PROTOCOL, "TLS_PROTOCOL"},
    };
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        char wanted[100];
        stub_http_setup(state);
        ask.url = rows[i].url;
        struct stub_stream *s = rows[i].url[4] == 's' ? &secure : &plain;
        start();
        stub_receive(s, text_bytes("HTTP/1.1 200 OK\r\n\r\nhello"));
        end_stream(s, rows[i].why); /* before anything is read */
        snprintf(wanted, sizeof wanted, "head 200\nbody 0 'hello'\nend %s\n", rows[i].end);
        assert_said(wanted);
        assert_true(iot_http_idle(&web));
    }
}

static void a_response_that_is_cut_anywhere_is_cut(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    };
    for (uint32_t t = 0; t < COUNT(texts); t++)
        for (uint32_t n = 0; n <= strlen(texts[t]); n++) {
            stub_http_setup(state);
            start();
            stub_receive(&plain, (struct iot_bytes){(const uint8_t *)texts[t], n});
            run(0);
            end_stream(&plain, IOT_ERR_TCP_EOF);
            assert_int_equal(ends, 1);
            bool whole = n == strlen(texts[t]);
            assert_non_null(strstr(said, whole ? "end OK\n" : "end HTTP_CUT\n"));
            assert_int_equal(end_detail, whole ? 0 : IOT_ERR_TCP_EOF);
            assert_true(iot_http_idle(&web));
        }
}

static void errors_of_the_stream_keep_their_names(void **state)
{
    (void)state;
    plain.open_result = IOT_ERR_TCP_ROUTE;
    plain.detail = -4;
    start();
    assert_said("end TCP_ROUTE\n");
    assert_int_equal(end_detail, -4);
    stub_http_setup(state);
    ask.url = "https://h/";
    secure.connects = false;
    start();
    assert_said("");
    stub_end(&secure, IOT_ERR_TLS_VERIFY, IOT_TLS_FAULT_NAME);
    run(0);
    assert_said("end TLS_VERIFY\n");
    assert_int_equal(end_detail, IOT_TLS_FAULT_NAME);
    assert_true(iot_http_idle(&web));
}

static void an_answer_that_comes_before_the_request_has_left_counts(void **state)
{
    (void)state;
    post_from_source(100000, 1000);
    plain.write_budget = 2000;
    start();
    run(100);
    stub_receive(&plain, text_bytes("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"));
    end_stream(&plain, IOT_ERR_TCP_RESET);
    assert_said("head 413 length 0\nend OK\n");
    run(0);
    assert_true(iot_http_idle(&web)); /* nothing more can be asked there */
}

/* ---- time -------------------------------------------------------------------------------- */

static void a_connection_has_its_time(void **state)
{
    (void)state;
    static const uint32_t spans[] = {0, 3000};
    for (uint32_t i = 0; i < COUNT(spans); i++) {
        uint32_t ms = spans[i] != 0 ? spans[i] : 45000;
        stub_http_setup(state);
        options.connect_ms = spans[i];
        plain.connects = false;
        start();
        run(ms - 1);
        assert_said("");
        run(1);
        assert_said("end HTTP_TIMEOUT\n");
        assert_true(iot_http_idle(&web));
        stub_http_setup(state);
        options.connect_ms = spans[i];
        plain.connect_ms = ms - 1;
        start();
        run(ms - 1);
        answer(&plain, HELLO);
        assert_int_equal(ends, 1);
        assert_non_null(strstr(said, "end OK"));
    }
}

static void a_stream_that_cannot_open_yet_is_asked_again_for_as_long(void **state)
{
    (void)state;
    plain.open_again = 3;
    start();
    assert_int_equal(plain.opens, 0);
    run(1000);
    assert_int_equal(plain.opens, 1);
    stub_http_setup(state);
    options.connect_ms = 3000;
    plain.open_again = 1000;
    start();
    run(2900);
    assert_said("");
    run(200);
    assert_said("end HTTP_TIMEOUT\n");
}

static void a_head_has_its_time_however_it_drips(void **state)
{
    (void)state;
    static const uint32_t spans[] = {0, 3000};
    for (uint32_t i = 0; i < COUNT(spans); i++) {
        uint32_t ms = spans[i] != 0 ? spans[i] : 20000;
        stub_http_setup(state);
        options.header_ms = spans[i];
        start();
        answer(&plain, "HTTP/1.1 200 OK\r\nX: ");
        for (uint32_t at = 0; at + 100 < ms; at += 100) {
            answer(&plain, "y");
            run(100);
        }
        assert_said("");
        run(100);
        assert_said("end HTTP_TIMEOUT\n");
    }
    stub_http_setup(state);
    start();
    run(19999);
    answer(&plain, HELLO);
    assert_int_equal(ends, 1);
}

/* Its last byte counts, not the moment at which it began. */
static void a_request_that_leaves_slowly_does_not_shorten_the_answers_time(void **state)
{
    (void)state;
    options.header_ms = 3000;
    plain.write_budget = 1;
    start();
    for (uint32_t i = 0; i < 20; i++) {
        run(1000);
        stub_allow(&plain, 1);
    }
    stub_allow(&plain, 1000);
    run(2900);
    assert_said("");
    answer(&plain, HELLO);
    assert_int_equal(ends, 1);
}

static void a_server_that_takes_nothing_of_the_request_is_given_up(void **state)
{
    (void)state;
    options.idle_ms = 4000;
    plain.write_budget = 1;
    start();
    run(3999);
    assert_said("");
    run(1);
    assert_said("end HTTP_TIMEOUT\n");
}

static void a_body_may_pause_so_long_and_no_longer(void **state)
{
    (void)state;
    static const uint32_t spans[] = {0, 3000};
    for (uint32_t i = 0; i < COUNT(spans); i++) {
        uint32_t ms = spans[i] != 0 ? spans[i] : 20000;
        stub_http_setup(state);
        options.idle_ms = spans[i];
        start();
        answer(&plain, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
        said[0] = '\0';
        for (uint32_t n = 0; n < 4; n++) {
            run(ms - 1);
            answer(&plain, "x");
        }
        assert_said("body 0 'xxxx'\n");
        run(ms - 1);
        assert_said("");
        run(1);
        assert_said("end HTTP_TIMEOUT\n");
    }
}

static void bytes_that_wait_to_be_read_are_no_silence(void **state)
{
    (void)state;
    start();
    answer(&plain, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    now += 60000; /* nobody polled */
    answer(&plain, "hello");
    assert_said("head 200 length 5 total 5\nbody 0 'hello'\nend OK\n");
}

static void drip(uint32_t bytes_per_s, uint32_t seconds)
{
    static char text[4096];
    memset(text, 'd', sizeof text);
    for (uint32_t i = 0; i < seconds && ends == 0; i++) {
        run(999);
        stub_receive(&plain, (struct iot_bytes){(const uint8_t *)text, bytes_per_s});
        run(1);
    }
}

static void a_body_below_the_least_rate_is_slow(void **state)
{
    (void)state;
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
    options.min_rate = 100;
    options.rate_ms = 5000;
    start();
    answer(&plain, head);
    drip(90, 4);
    assert_int_equal(ends, 0);
    drip(90, 2);
    assert_non_null(strstr(said, "end HTTP_SLOW\n"));
    stub_http_setup(state);
    options.min_rate = 100;
    options.rate_ms = 5000;
    start();
    answer(&plain, head);
    drip(110, 40);
    assert_int_equal(ends, 0);
    drip(50, 12); /* each span counts for itself */
    assert_non_null(strstr(said, "end HTTP_SLOW\n"));
    stub_http_setup(state);
    options.min_rate = 100; /* over 30 s */
    start();
    answer(&plain, head);
    drip(90, 29);
    assert_int_equal(ends, 0);
    drip(90, 2);
    assert_non_null(strstr(said, "end HTTP_SLOW\n"));
    stub_http_setup(state);
    options.min_rate = 100; /* no byte more, and it is looked at all the same */
    options.rate_ms = 5000;
    options.idle_ms = 60000;
    start();
    answer(&plain, head);
    run(4999);
    assert_int_equal(ends, 0);
    run(1);
    assert_non_null(strstr(said, "end HTTP_SLOW\n"));
    stub_http_setup(state);
    start();
    answer(&plain, head);
    drip(1, 100);
    assert_int_equal(ends, 0);
}

/* ---- the consumer ------------------------------------------------------------------------ */

static void a_consumer_that_takes_nothing_is_offered_the_same_again(void **state)
{
    (void)state;
    static char text[20000];
    int n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: 15000\r\n\r\n");
    memset(text + n, 'z', 15000);
    takes = 0;
    body_says = IOT_ERR_AGAIN;
    start();
    stub_receive(&plain, (struct iot_bytes){(const uint8_t *)text, (uint32_t)n + 15000});
    run(1000);
    assert_true(offers > 50 && offers < 150);
    assert_true(plain.rx_at <=
                IOT_HTTP_RX_BYTES); /* the rest is the stream's, and closes its window */
    takes = 10;
    uint32_t before = plain.rx_at;
    run(1000);
    assert_in_range(plain.rx_at, before + 500, before + 1500);
    takes = UINT32_MAX;
    body_says = IOT_OK;
    run(10);
    assert_int_equal(ends, 1);
    assert_int_equal(strlen(said),
                     strlen("head 200 length 15000 total 15000\nbody 0 ''\nend OK\n") + 15000);
}

static void resume_offers_at_once(void **state)
{
    (void)state;
    takes = 0;
    body_says = IOT_ERR_AGAIN;
    start();
    answer(&plain, HELLO);
    uint32_t before = offers;
    body_says = IOT_OK;
    takes = UINT32_MAX;
    iot_http_resume(&web);
    run(0);
    assert_int_equal(offers, before + 1);
    assert_int_equal(ends, 1);
}

static void a_piece_taken_with_again_is_taken(void **state)
{
    (void)state;
    takes = 2;
    body_says = IOT_ERR_AGAIN;
    start();
    answer(&plain, HELLO);
    assert_said("head 200 length 5 total 5\nbody 0 'he'\n");
    run(10);
    assert_said("body 2 'll'\n");
    run(10);
    assert_said("body 4 'o'\n");
    run(10);
    assert_said("end OK\n");
}

static void a_piece_taken_in_part_is_offered_on_in_the_same_tick(void **state)
{
    (void)state;
    takes = 2;
    start();
    answer(&plain, HELLO);
    assert_said("head 200 length 5 total 5\nbody 0 'hello'\nend OK\n");
    assert_int_equal(offers, 3);
}

static void nothing_taken_and_well_is_the_same_as_again(void **state)
{
    (void)state;
    takes = 0;
    start();
    answer(&plain, HELLO);
    run(1000);
    assert_true(offers < 150);
    takes = 5;
    run(10);
    assert_int_equal(ends, 1);
}

static void time_in_which_the_consumer_takes_nothing_does_not_count(void **state)
{
    (void)state;
    options.min_rate = 1;
    options.rate_ms = 3000;
    options.idle_ms = 5000;
    takes = 0;
    body_says = IOT_ERR_AGAIN;
    start();
    answer(&plain, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n0123456789");
    run(100000);
    said[0] = '\0';
    takes = UINT32_MAX;
    body_says = IOT_OK;
    run(10);
    assert_said("body 0 '0123456789'\n");
    run(4900);
    assert_said("");
    run(100); /* from here on it is the server's */
    assert_non_null(strstr(said, "end HTTP_"));
}

/* It took everything and wants a rest: what comes late then is the server's. */
static void a_consumer_that_waits_with_nothing_left_waits_for_the_server(void **state)
{
    (void)state;
    body_says = IOT_ERR_AGAIN;
    options.idle_ms = 5000;
    start();
    answer(&plain, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n0123456789");
    assert_said("head 200 length 50 total 50\nbody 0 '0123456789'\n");
    run(4999);
    assert_said("");
    run(100);
    assert_said("end HTTP_TIMEOUT\n");
}

static void the_end_of_a_connection_waits_for_the_consumer(void **state)
{
    (void)state;
    takes = 0;
    body_says = IOT_ERR_AGAIN;
    start();
    stub_receive(&plain, text_bytes(HELLO));
    end_stream(&plain, IOT_ERR_TCP_EOF);
    run(60000);
    assert_int_equal(ends, 0);
    takes = UINT32_MAX;
    body_says = IOT_OK;
    run(10);
    assert_said("head 200 length 5 total 5\nbody 0 'hello'\nend OK\n");
}

static void an_error_of_a_handler_ends_the_request_by_it(void **state)
{
    (void)state;
    head_says = IOT_ERR_OTA_SIZE;
    start();
    answer(&plain, HELLO);
    assert_said("head 200 length 5 total 5\nend OTA_SIZE\n");
    assert_true(iot_http_idle(&web));
    stub_http_setup(state);
    body_says = IOT_ERR_OTA_DIGEST;
    start();
    answer(&plain, HELLO);
    assert_said("head 200 length 5 total 5\nbody 0 'hello'\nend OTA_DIGEST\n");
    assert_int_equal(plain.aborts, 1);
}

static void handlers_may_be_left_out(void **state)
{
    (void)state;
    static const struct iot_http_handlers only_end = {NULL, NULL, on_end};
    ask.on = &only_end;
    start();
    answer(&plain, HELLO);
    assert_said("end OK\n");
}

/* ---- cancelled --------------------------------------------------------------------------- */

static void do_cancel(void)
{
    assert_err(iot_http_cancel(&web), IOT_OK);
}

static void a_request_is_cancelled_wherever_it_is(void **state)
{
    (void)state;
    assert_err(iot_http_cancel(&web), IOT_ERR_STATE);
    for (uint32_t i = 0; i < 7; i++) {
        stub_http_setup(state);
        plain.connects = i > 1;
        plain.open_again = i == 1 ? 1000 : 0;
        if (i == 2)
            plain.write_budget = 3;
        takes = i == 5 ? 0 : UINT32_MAX;
        body_says = i == 5 ? IOT_ERR_AGAIN : IOT_OK;
        assert_err(iot_http_start(&web, &ask), IOT_OK);
        if (i != 6)
            run(100);
        if (i >= 4)
            stub_receive(&plain, text_bytes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"));
        if (i >= 4 && i != 6)
            run(100);
        said[0] = '\0';
        do_cancel();
        assert_said("");
        run(0);
        assert_said("end CLOSED\n");
        assert_true(iot_http_idle(&web));
        assert_err(iot_http_cancel(&web), IOT_ERR_STATE);
        run(100000);
        assert_int_equal(ends, 1);
    }
}

static void cancelling_in_a_handler_ends_in_the_next_tick(void **state)
{
    (void)state;
    in_head = do_cancel;
    start();
    answer(&plain, HELLO);
    assert_said("head 200 length 5 total 5\nend CLOSED\n");
    stub_http_setup(state);
    in_body = do_cancel;
    start();
    answer(&plain, HELLO);
    assert_said("head 200 length 5 total 5\nbody 0 'hello'\nend CLOSED\n");
}

static void a_closing_device_ends_the_request_and_takes_no_other(void **state)
{
    (void)state;
    start();
    iot_http_close(&web, true);
    assert_err(iot_http_start(&web, &ask), IOT_ERR_STATE);
    run(0);
    assert_said("end CLOSED\n");
    assert_err(iot_http_start(&web, &ask), IOT_ERR_STATE);
    assert_true(iot_http_idle(&web));
    iot_http_close(&web, false);
    start();
    answer(&plain, HELLO);
    assert_int_equal(ends, 2);
}

/* ---- secrets ----------------------------------------------------------------------------- */

static void nothing_of_a_request_stays_in_memory(void **state)
{
    (void)state;
    ask.url = "http://a.example/x?token=TOPSECRET";
    ask.headers = "Authorization: TOPSECRET\r\n";
    start();
    answer(&plain, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nTOPSECRET");
    assert_int_equal(ends, 1);
    assert_null(memmem(&web, sizeof web, "TOPSECRET", 9));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, stub_http_setup)
        T(a_get_is_asked_and_told),
        T(https_takes_the_other_stream),
        T(the_options_say_which_interface),
        T(urls_of_every_form_are_asked_for_as_they_are),
        T(a_stream_that_takes_few_bytes_gets_the_same_request),
        T(a_stream_that_is_full_is_offered_the_rest_later),
        T(a_post_carries_its_body),
        T(a_post_without_a_body_says_so),
        T(a_body_larger_than_the_window_leaves_whole),
        T(a_source_gives_the_body_in_its_own_pieces),
        T(a_source_that_has_nothing_yet_is_asked_again),
        T(a_source_that_never_has_anything_is_not_waited_for_for_ever),
        T(an_error_of_the_source_ends_the_request),
        T(what_no_request_can_be_is_refused_and_nothing_begins),
        T(https_without_tls_is_refused),
        T(a_second_request_is_refused_while_one_is_under_way),
        T(a_range_is_asked_for_by_its_ends),
        T(only_the_range_that_was_asked_for_is_taken),
        T(a_part_that_nobody_asked_for_is_an_error),
        T(the_whole_instead_of_a_range_begins_at_0),
        T(a_range_that_does_not_exist_is_a_response),
        T(responses_come_in_any_pieces),
        T(a_stream_that_has_more_but_not_now_is_asked_in_the_next_tick),
        T(a_body_of_many_windows_passes),
        T(etags_are_kept_if_they_can_resume),
        T(a_head_request_has_no_body),
        T(any_status_is_a_response),
        T(what_is_no_response_ends_by_name),
        T(a_line_that_the_window_cannot_hold_ends_by_name_if_it_matters),
        T(the_end_of_the_connection_is_the_end_of_a_body_only_in_good_order),
        T(a_response_that_is_cut_anywhere_is_cut),
        T(errors_of_the_stream_keep_their_names),
        T(an_answer_that_comes_before_the_request_has_left_counts),
        T(a_connection_has_its_time),
        T(a_stream_that_cannot_open_yet_is_asked_again_for_as_long),
        T(a_head_has_its_time_however_it_drips),
        T(a_request_that_leaves_slowly_does_not_shorten_the_answers_time),
        T(a_server_that_takes_nothing_of_the_request_is_given_up),
        T(a_body_may_pause_so_long_and_no_longer),
        T(bytes_that_wait_to_be_read_are_no_silence),
        T(a_body_below_the_least_rate_is_slow),
        T(a_consumer_that_takes_nothing_is_offered_the_same_again),
        T(resume_offers_at_once),
        T(a_piece_taken_with_again_is_taken),
        T(a_piece_taken_in_part_is_offered_on_in_the_same_tick),
        T(nothing_taken_and_well_is_the_same_as_again),
        T(time_in_which_the_consumer_takes_nothing_does_not_count),
        T(a_consumer_that_waits_with_nothing_left_waits_for_the_server),
        T(the_end_of_a_connection_waits_for_the_consumer),
        T(an_error_of_a_handler_ends_the_request_by_it),
        T(handlers_may_be_left_out),
        T(a_request_is_cancelled_wherever_it_is),
        T(cancelling_in_a_handler_ends_in_the_next_tick),
        T(a_closing_device_ends_the_request_and_takes_no_other),
        T(nothing_of_a_request_stays_in_memory),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

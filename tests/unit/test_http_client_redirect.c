/* SPDX-License-Identifier: Apache-2.0 */
/* Redirects: which are followed, how far, where to never, and what goes along. */
#include "stub_http.h"

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define TOLD  "head 200 length 5 total 5\nbody 0 'hello'\nend OK\n"

static int setup(void **state)
{
    stub_http_setup(state);
    options.redirects = 5;
    return 0;
}

static void redirect(struct stub_stream *s, uint32_t status, const char *location)
{
    char text[2 * IOT_HTTP_URL_MAX];
    snprintf(text, sizeof text,
             "HTTP/1.1 %u M\r\nDate: x\r\nLocation: %s\r\nContent-Length: 4\r\n\r\nmove",
             (unsigned)status, location);
    answer(s, text);
}

static void a_place_on_the_same_server_is_asked_for_on_the_same_connection(void **state)
{
    (void)state;
    static const struct {
        const char *location, *asked;
    } rows[] = {
        {"/b", ASKED("GET /b", "a.example", "")},
        {"b?c=d", ASKED("GET /d/b?c=d", "a.example", "")},
        {"../b", ASKED("GET /b", "a.example", "")},
        {"?q", ASKED("GET /d/x?q", "a.example", "")},
        {"http://a.example/b", ASKED("GET /b", "a.example", "")},
        {"http://A.example:80", ASKED("GET /", "A.example:80", "")},
        {"//a.example/b#c", ASKED("GET /b", "a.example", "")},
    };
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        char both[400];
        setup(state);
        ask.url = "http://a.example/d/x";
        start();
        redirect(&plain, 302, rows[i].location);
        snprintf(both, sizeof both, "%s%s", ASKED("GET /d/x", "a.example", ""), rows[i].asked);
        assert_asked(&plain, both);
        assert_int_equal(plain.opens, 1);
        answer(&plain, HELLO);
        assert_said(TOLD);
        assert_int_equal(plain.opens, 1);
    }
}

static void another_server_gets_the_request_without_the_callers_lines(void **state)
{
    (void)state;
    ask.headers = "Authorization: secret\r\n";
    start();
    assert_asked(&plain, ASKED("GET /x", "a.example", "Authorization: secret\r\n"));
    redirect(&plain, 301, "http://b.example/y");
    assert_int_equal(plain.opens, 2);
    assert_int_equal(plain.closes_asked, 1);
    assert_string_equal(plain.to.host, "b.example");
    assert_asked(&plain, ASKED("GET /y", "b.example", ""));
    redirect(&plain, 301, "http://a.example/z"); /* not even when it leads back */
    assert_int_equal(plain.opens, 3);
    assert_asked(&plain, ASKED("GET /z", "a.example", ""));
    answer(&plain, HELLO);
    assert_said(TOLD);
    start();
    assert_int_equal(plain.opens, 3);
    assert_non_null(
        strstr((const char *)stub_sent(&plain).ptr, "secret")); /* the next is another */
}

static void on_the_same_server_the_callers_lines_stay(void **state)
{
    (void)state;
    ask.headers = "X: y\r\n";
    start();
    redirect(&plain, 302, "/b");
    assert_asked(&plain,
                 ASKED("GET /x", "a.example", "X: y\r\n") ASKED("GET /b", "a.example", "X: y\r\n"));
}

static void another_port_and_another_scheme_are_another_server(void **state)
{
    (void)state;
    ask.headers = "X: y\r\n";
    start();
    redirect(&plain, 302, "http://a.example:81/b");
    assert_asked(&plain, ASKED("GET /b", "a.example:81", ""));
    setup(state);
    ask.headers = "X: y\r\n";
    start();
    redirect(&plain, 302, "https://a.example/b");
    assert_asked(&secure, ASKED("GET /b", "a.example", ""));
    answer(&secure, HELLO);
    assert_said(TOLD);
}

static void a_range_goes_along(void **state)
{
    (void)state;
    ask.has_range = true;
    ask.range_from = 2;
    ask.range_to = 4;
    ask.if_range = "\"e\"";
    start();
    redirect(&plain, 307, "http://b.example/y");
    assert_asked(&plain, ASKED("GET /y", "b.example", "Range: bytes=2-4\r\nIf-Range: \"e\"\r\n"));
}

static void only_so_many_are_followed(void **state)
{
    (void)state;
    for (uint32_t most = 1; most < 4; most++) {
        setup(state);
        options.redirects = (uint8_t)most;
        start();
        for (uint32_t i = 0; i < most; i++) {
            redirect(&plain, 302, i & 1 ? "http://a.example/x" : "http://b.example/x");
            assert_said("");
        }
        redirect(&plain, 302, "/x");
        assert_said("end HTTP_REDIRECT\n");
        assert_int_equal(end_detail, 302);
        assert_true(iot_http_idle(&web));
    }
}

static void a_circle_ends(void **state)
{
    (void)state;
    options.redirects = 255;
    start();
    for (uint32_t i = 0; i < 255; i++) {
        redirect(&plain, 302, "/x");
        assert_said("");
    }
    redirect(&plain, 302, "/x");
    assert_said("end HTTP_REDIRECT\n");
}

static void where_none_is_followed_they_are_responses(void **state)
{
    (void)state;
    options.redirects = 0;
    start();
    redirect(&plain, 302, "http://b.example/");
    assert_said("head 302 length 4\nbody 0 'move'\nend OK\n");
}

static void other_statuses_do_not_lead_on(void **state)
{
    (void)state;
    static const uint32_t statuses[] = {200, 201, 300, 305, 306, 309, 399, 404};
    for (uint32_t i = 0; i < COUNT(statuses); i++) {
        setup(state);
        start();
        redirect(&plain, statuses[i], "http://b.example/");
        assert_int_equal(ends, 1);
        assert_non_null(strstr(said, "body 0 'move'\nend OK\n"));
    }
    setup(state);
    start();
    answer(&plain, "HTTP/1.1 304 N\r\nLocation: /b\r\n\r\n");
    assert_said("head 304 length 0\nend OK\n");
}

static void a_redirect_to_nowhere_is_a_response(void **state)
{
    (void)state;
    start();
    answer(&plain, "HTTP/1.1 302 F\r\nContent-Length: 2\r\n\r\nno");
    assert_said("head 302 length 2\nbody 0 'no'\nend OK\n");
    setup(state);
    start();
    answer(&plain, "HTTP/1.1 302 F\r\nLocation:\r\nContent-Length: 2\r\n\r\nno");
    assert_said("head 302 length 2\nbody 0 'no'\nend OK\n");
}

static void never_from_https_to_http(void **state)
{
    (void)state;
    ask.url = "https://a.example/x";
    start();
    redirect(&secure, 302, "http://a.example/x");
    assert_said("end HTTP_REDIRECT\n");
    assert_int_equal(plain.opens, 0);
    /* nor by a detour */
    setup(state);
    start();
    redirect(&plain, 302, "https://b.example/x");
    redirect(&secure, 302, "//c.example/x");
    assert_said("");
    redirect(&secure, 302, "HTTP://a.example/x");
    assert_said("end HTTP_REDIRECT\n");
    assert_int_equal(plain.opens, 1);
}

static void to_https_only_with_tls(void **state)
{
    (void)state;
    memset(&web, 0, sizeof web);
    iot_http_client_init(&web, &options, &stub_http_port, &plain.base, NULL, &wake);
    start();
    redirect(&plain, 302, "https://a.example/x");
    assert_said("end HTTP_REDIRECT\n");
}

static void places_that_are_none_end_it(void **state)
{
    (void)state;
    static char longest[IOT_HTTP_URL_MAX + 2];
    static const char *const places[] = {"ftp://a/x",       "http://", "http://u:p@a/x",
                                         "http://a:99999/", "/a b",    longest};
    memset(longest, 'l', sizeof longest - 1);
    longest[0] = '/';
    for (uint32_t i = 0; i < COUNT(places); i++) {
        setup(state);
        start();
        redirect(&plain, 302, places[i]);
        assert_said("end HTTP_REDIRECT\n");
        assert_true(iot_http_idle(&web));
    }
    setup(state);
    start();
    answer(&plain, "HTTP/1.1 302 F\r\nLocation: /b\r\nLocation: /c\r\n\r\n");
    assert_said("end HTTP_REDIRECT\n");
}

static void the_longest_place_fits_beside_other_lines(void **state)
{
    (void)state;
    static char place[IOT_HTTP_URL_MAX + 1], text[4096], asked[2048], line[1500];
    memset(place, 'l', sizeof place - 1);
    memcpy(place, "http://a.example/", 17);
    memset(line, 'c', sizeof line - 1);
    start();
    snprintf(text, sizeof text,
             "HTTP/1.1 302 F\r\nLocation: %s\r\nSet-Cookie: %s\r\nContent-Length: 0\r\n\r\n", place,
             line);
    answer(&plain, text);
    snprintf(asked, sizeof asked, ASKED("GET /x", "a.example", "") ASKED("GET %s", "a.example", ""),
             place + 16);
    assert_asked(&plain, asked);
}

static void a_location_before_the_final_response_counts_for_nothing(void **state)
{
    (void)state;
    start();
    answer(&plain, "HTTP/1.1 103 E\r\nLocation: /b\r\n\r\n");
    answer(&plain, HELLO);
    assert_said(TOLD);
}

/* ---- methods ----------------------------------------------------------------------------- */

static void a_post_becomes_a_get(void **state)
{
    (void)state;
    static const uint32_t statuses[] = {301, 302, 303};
    for (uint32_t i = 0; i < COUNT(statuses); i++) {
        setup(state);
        ask.method = IOT_HTTP_POST;
        ask.body = BYTES("b=1");
        start();
        redirect(&plain, statuses[i], "/y");
        assert_asked(&plain, ASKED("POST /x", "a.example",
                                   "Content-Length: 3\r\n") "b=1" ASKED("GET /y", "a.example", ""));
        answer(&plain, HELLO);
        assert_said(TOLD);
    }
}

static void a_post_that_has_to_stay_one_is_repeated_on_the_same_server_only(void **state)
{
    (void)state;
    static const uint32_t statuses[] = {307, 308};
    for (uint32_t i = 0; i < COUNT(statuses); i++) {
        setup(state);
        ask.method = IOT_HTTP_POST;
        ask.body = BYTES("b=1");
        start();
        redirect(&plain, statuses[i], "/y");
        assert_asked(&plain, ASKED("POST /x", "a.example", "Content-Length: 3\r\n") "b=1" ASKED(
                                 "POST /y", "a.example", "Content-Length: 3\r\n") "b=1");
        setup(state);
        ask.method = IOT_HTTP_POST;
        ask.body = BYTES("b=1");
        start();
        redirect(&plain, statuses[i], "http://b.example/y");
        assert_said("end HTTP_REDIRECT\n");
        assert_int_equal(plain.opens, 1);
    }
}

static iot_err source(void *ctx, uint8_t *into, uint32_t cap, uint32_t *got)
{
    (void)ctx;
    memset(into, 's', cap);
    *got = cap;
    return IOT_OK;
}

static void a_body_from_a_source_cannot_be_repeated(void **state)
{
    (void)state;
    ask.method = IOT_HTTP_POST;
    ask.source = source;
    ask.body_bytes = 3;
    start();
    redirect(&plain, 307, "/y");
    assert_said("end HTTP_REDIRECT\n");
    setup(state);
    ask.method = IOT_HTTP_POST;
    ask.source = source;
    ask.body_bytes = 3;
    start();
    redirect(&plain, 303, "/y");
    assert_asked(&plain, ASKED("POST /x", "a.example",
                               "Content-Length: 3\r\n") "sss" ASKED("GET /y", "a.example", ""));
}

static void a_head_stays_a_head(void **state)
{
    (void)state;
    ask.method = IOT_HTTP_HEAD;
    start();
    answer(&plain, "HTTP/1.1 303 S\r\nLocation: /y\r\nContent-Length: 100\r\n\r\n");
    assert_asked(&plain, ASKED("HEAD /x", "a.example", "") ASKED("HEAD /y", "a.example", ""));
}

/* ---- the connection ---------------------------------------------------------------------- */

static void a_body_without_a_known_end_or_a_long_one_is_not_read(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "HTTP/1.1 302 F\r\nLocation: /y\r\nContent-Length: 1000000\r\n\r\n",
        "HTTP/1.1 302 F\r\nLocation: /y\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 302 F\r\nLocation: /y\r\n\r\n",
        "HTTP/1.1 302 F\r\nLocation: /y\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.0 302 F\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n",
    };
    for (uint32_t i = 0; i < COUNT(texts); i++) {
        setup(state);
        ask.headers = "X: y\r\n";
        start();
        answer(&plain, texts[i]);
        assert_int_equal(plain.opens, 2);
        assert_asked(&plain, ASKED("GET /y", "a.example", "X: y\r\n"));
        answer(&plain, HELLO);
        assert_said(TOLD);
    }
}

static void the_etag_of_a_redirect_is_not_the_resources(void **state)
{
    (void)state;
    start();
    answer(&plain, "HTTP/1.1 302 F\r\nETag: \"r\"\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n");
    answer(&plain, HELLO);
    assert_said(TOLD);
}

static void redirects_come_in_any_pieces(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.1 302 F\r\nA: b\r\nLocation: http://a.example/yy\r\nETag: "
                               "\"r\"\r\nContent-Length: 4\r\nC: d\r\n\r\nmove" HELLO;
    for (uint32_t cut = 1; cut < sizeof text; cut++) {
        setup(state);
        start();
        uint32_t first = (uint32_t)(strstr(text, HELLO) - text);
        for (uint32_t i = 0; i < first; i += cut) {
            stub_receive(&plain, (struct iot_bytes){(const uint8_t *)text + i,
                                                    first - i < cut ? first - i : cut});
            run(1);
        }
        assert_asked(&plain, ASKED("GET /x", "a.example", "") ASKED("GET /yy", "a.example", ""));
        answer(&plain, HELLO);
        assert_said(TOLD);
    }
}

static void each_hop_has_the_whole_time(void **state)
{
    (void)state;
    options.header_ms = 1000;
    start();
    for (uint32_t i = 0; i < 5; i++) {
        run(900);
        redirect(&plain, 302, "/x");
    }
    run(900);
    answer(&plain, HELLO);
    assert_said(TOLD);
}

static void cancelled_between_two_hops_it_ends(void **state)
{
    (void)state;
    plain.closes = false;
    start();
    redirect(&plain, 302, "http://b.example/");
    assert_int_equal(plain.opens, 1);
    assert_err(iot_http_cancel(&web), IOT_OK);
    run(0);
    assert_said("end CLOSED\n");
    run(5000);
    assert_int_equal(plain.opens, 1);
    assert_true(iot_http_idle(&web));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, setup)
        T(a_place_on_the_same_server_is_asked_for_on_the_same_connection),
        T(another_server_gets_the_request_without_the_callers_lines),
        T(on_the_same_server_the_callers_lines_stay),
        T(another_port_and_another_scheme_are_another_server),
        T(a_range_goes_along),
        T(only_so_many_are_followed),
        T(a_circle_ends),
        T(where_none_is_followed_they_are_responses),
        T(other_statuses_do_not_lead_on),
        T(a_redirect_to_nowhere_is_a_response),
        T(never_from_https_to_http),
        T(to_https_only_with_tls),
        T(places_that_are_none_end_it),
        T(the_longest_place_fits_beside_other_lines),
        T(a_location_before_the_final_response_counts_for_nothing),
        T(a_post_becomes_a_get),
        T(a_post_that_has_to_stay_one_is_repeated_on_the_same_server_only),
        T(a_body_from_a_source_cannot_be_repeated),
        T(a_head_stays_a_head),
        T(a_body_without_a_known_end_or_a_long_one_is_not_read),
        T(the_etag_of_a_redirect_is_not_the_resources),
        T(redirects_come_in_any_pieces),
        T(each_hop_has_the_whole_time),
        T(cancelled_between_two_hops_it_ends),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

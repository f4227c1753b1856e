/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that are kept for another request: when they are, for whom, how they end, and what happens when the server
 * had left. */
#include "stub_http.h"

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define TOLD  "head 200 length 5 total 5\nbody 0 'hello'\nend OK\n"

static void get(struct stub_stream *s)
{
    start();
    answer(s, HELLO);
    assert_said(TOLD);
}

/* ---- kept -------------------------------------------------------------------------------- */

static void the_next_request_to_the_same_server_uses_the_connection(void **state)
{
    (void)state;
    get(&plain);
    assert_false(iot_http_idle(&web));
    ask.url = "http://A.example:80/y?z";
    get(&plain);
    assert_int_equal(plain.opens, 1);
    assert_asked(&plain, ASKED("GET /x", "a.example", "") ASKED("GET /y?z", "A.example:80", ""));
    for (uint32_t i = 0; i < 10; i++)
        get(&plain);
    assert_int_equal(plain.opens, 1);
}

static void another_server_gets_a_connection_of_its_own(void **state)
{
    (void)state;
    static const char *const others[] = {"http://b.example/x", "http://a.example:81/x",
                                         "http://a.exampl/x", "http://a.example.com/x"};
    for (uint32_t i = 0; i < COUNT(others); i++) {
        stub_http_setup(state);
        get(&plain);
        ask.url = others[i];
        start();
        assert_int_equal(plain.opens, 2);
        assert_int_equal(plain.closes_asked, 1);
        assert_int_equal(plain.aborts, 0);
        answer(&plain, HELLO);
        assert_said(TOLD);
    }
    stub_http_setup(state);
    get(&plain);
    ask.url = "https://a.example:80/x";
    get(&secure);
    assert_int_equal(plain.closes_asked, 1);
    assert_int_equal(secure.opens, 1);
    ask.url = "http://a.example/x";
    get(&plain);
    assert_int_equal(secure.closes_asked, 1);
}

/* The streams may look at its name as long as they are up. */
static void the_name_of_the_server_stays_where_it_is(void **state)
{
    (void)state;
    get(&plain);
    const char *host = web.to.host;
    ask.url = "http://A.EXAMPLE?much=longer/than/before";
    get(&plain);
    assert_ptr_equal(web.to.host, host);
    assert_int_equal(strlen(host), 9);
}

static void a_connection_is_kept_so_long(void **state)
{
    (void)state;
    static const uint32_t spans[] = {0, 500};
    for (uint32_t i = 0; i < COUNT(spans); i++) {
        uint32_t ms = spans[i] != 0 ? spans[i] : 10000;
        stub_http_setup(state);
        options.keep_ms = spans[i];
        get(&plain);
        run(ms - 1);
        assert_int_equal(plain.closes_asked, 0);
        run(1);
        assert_int_equal(plain.closes_asked, 1);
        assert_true(iot_http_idle(&web));
        get(&plain);
        assert_int_equal(plain.opens, 2);
    }
}

static void a_request_that_lasts_longer_does_not_lose_its_connection(void **state)
{
    (void)state;
    options.keep_ms = 500;
    get(&plain);
    run(400);
    start();
    run(5000);
    answer(&plain, HELLO);
    assert_said(TOLD);
    assert_int_equal(plain.opens, 1);
    run(400);
    assert_int_equal(plain.closes_asked, 0);
}

static void none_is_kept_if_the_options_say_so(void **state)
{
    (void)state;
    options.keep_ms = UINT32_MAX;
    start();
    assert_asked(&plain, ASKED("GET /x", "a.example", "Connection: close\r\n"));
    answer(&plain, HELLO);
    assert_said(TOLD);
    assert_int_equal(plain.closes_asked, 1);
    assert_true(iot_http_idle(&web));
}

static void a_connection_that_the_server_does_not_keep_is_closed(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        HELLO "HTTP/1.1 200 OK\r\n", /* bytes behind it */
    };
    for (uint32_t i = 0; i < COUNT(texts); i++) {
        stub_http_setup(state);
        start();
        answer(&plain, texts[i]);
        assert_said(TOLD);
        assert_int_equal(plain.closes_asked, 1);
        assert_true(iot_http_idle(&web));
    }
}

static void a_request_waits_for_the_end_of_the_connection_before(void **state)
{
    (void)state;
    plain.closes = false;
    start();
    answer(&plain, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
    assert_said(TOLD);
    ask.url = "https://b.example/";
    start();
    assert_int_equal(secure.opens, 0);
    run(1000); /* no longer than that */
    assert_int_equal(secure.opens, 1);
    answer(&secure, HELLO);
    assert_said(TOLD);
}

static void a_request_that_waits_for_it_can_be_cancelled(void **state)
{
    (void)state;
    plain.closes = false;
    start();
    answer(&plain, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
    assert_said(TOLD);
    start();
    assert_err(iot_http_cancel(&web), IOT_OK);
    run(0);
    assert_said("end CLOSED\n");
    run(2000);
    assert_int_equal(plain.opens, 1);
    assert_int_equal(plain.aborts, 0);
    assert_true(iot_http_idle(&web));
}

/* ---- the server has left ----------------------------------------------------------------- */

static void a_kept_connection_that_ends_is_given_up_in_silence(void **state)
{
    (void)state;
    static const iot_err whys[] = {IOT_ERR_TCP_EOF, IOT_ERR_TCP_RESET, IOT_ERR_TCP_ABORTED};
    for (uint32_t i = 0; i < COUNT(whys); i++)
        for (uint32_t post = 0; post < 2; post++) {
            stub_http_setup(state);
            get(&plain);
            end_stream(&plain, whys[i]);
            assert_true(iot_http_idle(&web));
            ask.method = post ? IOT_HTTP_POST : IOT_HTTP_GET;
            get(&plain);
            assert_int_equal(plain.opens, 2);
        }
}

static void bytes_that_nobody_asked_for_end_a_kept_connection(void **state)
{
    (void)state;
    get(&plain);
    answer(&plain, HELLO);
    assert_said("");
    assert_true(iot_http_idle(&web));
    /* also when they come with the next request */
    get(&plain);
    stub_receive(&plain, text_bytes(HELLO));
    start();
    assert_said("");
    assert_int_equal(plain.opens, 3);
    assert_asked(&plain, ASKED("GET /x", "a.example", ""));
    answer(&plain, "HTTP/1.1 204 N\r\n\r\n");
    assert_said("head 204 length 0\nend OK\n");
}

static void a_server_that_had_left_is_asked_once_more(void **state)
{
    (void)state;
    static const iot_err whys[] = {IOT_ERR_TCP_EOF, IOT_ERR_TCP_RESET, IOT_ERR_TLS_CLOSED,
                                   IOT_ERR_TCP_STALLED};
    static const enum iot_http_method methods[] = {IOT_HTTP_GET, IOT_HTTP_HEAD};
    for (uint32_t i = 0; i < COUNT(whys); i++)
        for (uint32_t m = 0; m < COUNT(methods); m++) {
            stub_http_setup(state);
            get(&plain);
            ask.method = methods[m];
            start();
            end_stream(&plain, whys[i]);
            assert_said("");
            assert_int_equal(plain.opens, 2);
            assert_asked(&plain, m == 0 ? ASKED("GET /x", "a.example", "")
                                        : ASKED("HEAD /x", "a.example", ""));
            end_stream(&plain, IOT_ERR_TCP_EOF); /* and once only */
            assert_said("end HTTP_CUT\n");
            assert_int_equal(plain.opens, 2);
        }
}

static void a_post_is_not_asked_twice(void **state)
{
    (void)state;
    get(&plain);
    ask.method = IOT_HTTP_POST;
    ask.body = BYTES("b");
    start();
    end_stream(&plain, IOT_ERR_TCP_EOF);
    assert_said("end HTTP_CUT\n");
    assert_int_equal(plain.opens, 1);
    assert_true(iot_http_idle(&web));
}

static void a_post_of_which_nothing_left_may_be_asked_anew(void **state)
{
    (void)state;
    get(&plain);
    ask.method = IOT_HTTP_POST;
    ask.body = BYTES("b");
    plain.write_budget = 0;
    start();
    plain.write_budget = UINT32_MAX;
    end_stream(&plain, IOT_ERR_TCP_EOF);
    assert_int_equal(plain.opens, 2);
    answer(&plain, HELLO);
    assert_said(TOLD);
}

static void an_answer_that_has_begun_is_not_asked_for_again(void **state)
{
    (void)state;
    get(&plain);
    start();
    answer(&plain, "H");
    end_stream(&plain, IOT_ERR_TCP_EOF);
    assert_said("end HTTP_CUT\n");
    assert_int_equal(plain.opens, 1);
}

static void a_fresh_connection_that_ends_is_not_tried_again(void **state)
{
    (void)state;
    start();
    end_stream(&plain, IOT_ERR_TCP_EOF);
    assert_said("end HTTP_CUT\n");
    assert_int_equal(plain.opens, 1);
}

static void silence_on_a_kept_connection_is_a_time_out_as_any(void **state)
{
    (void)state;
    get(&plain);
    start();
    run(20000);
    assert_said("end HTTP_TIMEOUT\n");
    assert_int_equal(plain.opens, 1);
}

/* ---- hanging up -------------------------------------------------------------------------- */

static void hanging_up_ends_a_kept_connection_in_good_order(void **state)
{
    (void)state;
    iot_http_hang_up(&web);
    run(0);
    assert_true(iot_http_idle(&web));
    get(&plain);
    iot_http_hang_up(&web);
    assert_false(iot_http_idle(&web));
    run(0);
    assert_true(iot_http_idle(&web));
    assert_int_equal(plain.closes_asked, 1);
    assert_int_equal(plain.aborts, 0);
    get(&plain); /* and is over with it */
    run(100);
    assert_int_equal(plain.closes_asked, 1);
}

static void hanging_up_during_a_request_takes_effect_behind_it(void **state)
{
    (void)state;
    start();
    iot_http_hang_up(&web);
    run(0);
    answer(&plain, HELLO);
    assert_said(TOLD);
    assert_int_equal(plain.closes_asked, 1);
    assert_true(iot_http_idle(&web));
}

static void a_stream_that_outside_still_knows_is_not_idle(void **state)
{
    (void)state;
    plain.is_idle = false; /* a name request is out */
    start();
    assert_err(iot_http_cancel(&web), IOT_OK);
    run(0);
    assert_true(iot_http_ready(&web));
    assert_false(iot_http_idle(&web));
    plain.is_idle = true;
    secure.is_idle = false;
    assert_false(iot_http_idle(&web));
    secure.is_idle = true;
    assert_true(iot_http_idle(&web));
}

/* ---- from `end` -------------------------------------------------------------------------- */

static uint32_t rounds;

static void again(iot_err err)
{
    (void)err;
    if (rounds++ < 3)
        assert_err(iot_http_start(&web, &ask), IOT_OK);
}

static void the_end_of_one_may_begin_another(void **state)
{
    (void)state;
    rounds = 0;
    in_end = again;
    start();
    for (uint32_t i = 0; i < 4; i++) {
        answer(&plain, HELLO);
        assert_said(TOLD);
    }
    assert_int_equal(plain.opens, 1);
    assert_int_equal(ends, 4);
}

static void a_failure_may_begin_another_too(void **state)
{
    (void)state;
    rounds = 0;
    in_end = again;
    plain.open_result = IOT_ERR_TCP_ROUTE;
    start();
    assert_said("end TCP_ROUTE\nend TCP_ROUTE\nend TCP_ROUTE\nend TCP_ROUTE\n");
    assert_int_equal(plain.opens, 4);
    assert_true(iot_http_idle(&web));
}

static void other_host(iot_err err)
{
    (void)err;
    if (rounds++ == 0) {
        ask.url = "https://b.example/";
        assert_err(iot_http_start(&web, &ask), IOT_OK);
    }
}

static void it_may_be_to_another_server(void **state)
{
    (void)state;
    rounds = 0;
    in_end = other_host;
    get(&plain);
    assert_int_equal(plain.closes_asked, 1);
    assert_int_equal(secure.opens, 1);
    answer(&secure, HELLO);
    assert_said(TOLD);
}

static void a_kept_connection_asks_for_nothing(void **state)
{
    (void)state;
    get(&plain);
    assert_true(iot_http_deadline(&web) == now + 10000);
    plain.wants = now + 3;
    assert_true(iot_http_deadline(&web) == now + 3);
    plain.wants = IOT_TIME_NEVER;
    run(20000);
    assert_true(iot_http_deadline(&web) == IOT_TIME_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, stub_http_setup)
        T(the_next_request_to_the_same_server_uses_the_connection),
        T(another_server_gets_a_connection_of_its_own),
        T(the_name_of_the_server_stays_where_it_is),
        T(a_connection_is_kept_so_long),
        T(a_request_that_lasts_longer_does_not_lose_its_connection),
        T(none_is_kept_if_the_options_say_so),
        T(a_connection_that_the_server_does_not_keep_is_closed),
        T(a_request_waits_for_the_end_of_the_connection_before),
        T(a_request_that_waits_for_it_can_be_cancelled),
        T(a_kept_connection_that_ends_is_given_up_in_silence),
        T(bytes_that_nobody_asked_for_end_a_kept_connection),
        T(a_server_that_had_left_is_asked_once_more),
        T(a_post_is_not_asked_twice),
        T(a_post_of_which_nothing_left_may_be_asked_anew),
        T(an_answer_that_has_begun_is_not_asked_for_again),
        T(a_fresh_connection_that_ends_is_not_tried_again),
        T(silence_on_a_kept_connection_is_a_time_out_as_any),
        T(hanging_up_ends_a_kept_connection_in_good_order),
        T(hanging_up_during_a_request_takes_effect_behind_it),
        T(a_stream_that_outside_still_knows_is_not_idle),
        T(the_end_of_one_may_begin_another),
        T(a_failure_may_begin_another_too),
        T(it_may_be_to_another_server),
        T(a_kept_connection_asks_for_nothing),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

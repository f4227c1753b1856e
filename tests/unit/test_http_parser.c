/* SPDX-License-Identifier: Apache-2.0 */
#include "http_vectors.h"

static struct trace whole, other;

/* Larger than any response here. */
#define WIDE 65536u

static struct feed feed_of(const struct vector *v)
{
    return (struct feed){
        .method = v->method, .in = v->in, .end = v->end, .window = WIDE, .takes = UINT32_MAX};
}

static void expect(const struct feed *f, const char *said)
{
    feed(f, &other);
    if (strcmp(other.text, said) != 0)
        fail_msg("window %u, portions %u, first %u, takes %u:\n%.*s\nsaid  %s\nnot   %s",
                 (unsigned)f->window, (unsigned)f->portion, (unsigned)f->first, (unsigned)f->takes,
                 f->in.len < 2000 ? (int)f->in.len : 2000, (const char *)f->in.ptr, other.text,
                 said);
}

/* The longest line of a response, its end included, or what a status line needs. */
static uint32_t longest_line(struct iot_bytes in)
{
    uint32_t most = 13, from = 0;

    for (uint32_t i = 0; i < in.len; i++) {
        if (i + 1 - from > most)
            most = i + 1 - from;
        if (in.ptr[i] == '\n')
            from = i + 1;
    }
    return most;
}

static void check_vectors(const struct vector *list, uint32_t count)
{
    for (const struct vector *v = list; v < list + count; v++) {
        struct feed f = feed_of(v);
        expect(&f, v->said);

        f.portion = 1;
        expect(&f, v->said);
        f.takes_single = true;
        expect(&f, v->said);
        f.portion = 0;
        expect(&f, v->said);
        f.takes_single = false;

        for (f.first = 1; f.first < v->in.len; f.first++)
            expect(&f, v->said);
        f.first = 0;
        for (f.window = longest_line(v->in); f.window <= v->in.len + 1; f.window++) {
            f.portion = 0;
            expect(&f, v->said);
            f.portion = 1;
            expect(&f, v->said);
        }
    }
}

static void every_split_of_status_lines_says_the_same(void **state)
{
    (void)state;
    check_vectors(status_lines, COUNT(status_lines));
}

static void every_split_of_header_lines_says_the_same(void **state)
{
    (void)state;
    check_vectors(header_lines, COUNT(header_lines));
}

static void every_split_of_lengths_says_the_same(void **state)
{
    (void)state;
    check_vectors(lengths, COUNT(lengths));
}

static void every_split_of_codings_says_the_same(void **state)
{
    (void)state;
    check_vectors(codings, COUNT(codings));
}

static void every_split_of_chunks_says_the_same(void **state)
{
    (void)state;
    check_vectors(chunks, COUNT(chunks));
}

static void connection_and_version_decide_whether_it_is_kept(void **state)
{
    (void)state;
    check_vectors(connections, COUNT(connections));
}

static void only_a_clean_end_ends_a_body_without_length(void **state)
{
    (void)state;
    check_vectors(until_close, COUNT(until_close));
}

static void every_split_of_ranges_says_the_same(void **state)
{
    (void)state;
    check_vectors(ranges, COUNT(ranges));
}

static void responses_without_body_have_none_whatever_they_say(void **state)
{
    (void)state;
    check_vectors(no_body, COUNT(no_body));
}

/* ---- limits */

static uint8_t made[WIDE];
static uint32_t made_len;

static void put(const char *text)
{
    uint32_t n = (uint32_t)strlen(text);

    assert_true(made_len + n <= sizeof made);
    memcpy(made + made_len, text, n);
    made_len += n;
}

static void put_many(char c, uint32_t n)
{
    assert_true(made_len + n <= sizeof made);
    memset(made + made_len, c, n);
    made_len += n;
}

/* Whole, byte by byte, in a window of the least size, and by chance. */
static void check_made(uint32_t window, const char *said)
{
    struct feed f = {.in = {made, made_len}, .end = RESET, .window = WIDE, .takes = UINT32_MAX};
    uint32_t chance = 1;

    expect(&f, said);
    f.window = window;
    expect(&f, said);
    f.portion = 1;
    expect(&f, said);
    f.portion = 100;
    f.chance = &chance;
    expect(&f, said);
}

static void begin_made(const char *text)
{
    made_len = 0;
    put(text);
}

#define EMPTY_END  "Content-Length: 0\r\n\r\n"
#define EMPTY_SAID "200 len=0 total=0 keep done"

static void all_heads_together_are_bounded(void **state)
{
    static const char *const heads[] = {OK11 "X: ", "HTTP/1.1 100 ", OK11, CHUNKED "0\r\nX: "};

    (void)state;
    for (size_t i = 0; i < COUNT(heads); i++) {
        const char *end = i == 1   ? "\r\n\r\n" OK11 EMPTY_END
                          : i == 2 ? ": x\r\n" EMPTY_END
                          : i == 3 ? "\r\n\r\n"
                                   : "\r\n" EMPTY_END;
        const char *said = i == 3 ? "200 keep done" : EMPTY_SAID;
        uint32_t not_counted = i == 3 ? 3 : 0;
        begin_made(heads[i]);
        uint32_t much = IOT_HTTP_HEAD_BYTES + not_counted - made_len - (uint32_t)strlen(end);
        put_many('x', much);
        put(end);
        check_made(40, said);

        begin_made(heads[i]);
        put_many('x', much + 1);
        put(end);
        check_made(40, i == 3 ? "200 keep !HTTP_HEADER" : "!HTTP_HEADER");

        /* Nothing is looked at behind the limit. */
        begin_made(heads[i]);
        put_many('x', much + 100);
        put_many('\0', 10);
        check_made(40, i == 3 ? "200 keep !HTTP_HEADER" : "!HTTP_HEADER");
    }
}

static void lines_are_bounded(void **state)
{
    (void)state;
    for (uint32_t more = 0; more < 2; more++) {
        begin_made(OK11);
        for (uint32_t i = 0; i < IOT_HTTP_LINES_MAX - 2 + more; i++)
            put(i % 2 != 0 ? "A: b\r\n" : "Content-Encoding:\r\n");
        put(EMPTY_END);
        check_made(40, more == 0 ? EMPTY_SAID : "!HTTP_HEADER");

        begin_made(CHUNKED "0\r\n");
        for (uint32_t i = 0; i < IOT_HTTP_LINES_MAX - 2 + more; i++)
            put("A: b\r\n");
        put("\r\n");
        check_made(40, more == 0 ? "200 keep done" : "200 keep !HTTP_HEADER");

        /* Each of them has a status line. */
        begin_made("");
        for (uint32_t i = 0; i < IOT_HTTP_LINES_MAX - 2 + more; i++)
            put("HTTP/1.1 102 \r\n\r\n");
        put(OK11 EMPTY_END);
        check_made(40, more == 0 ? EMPTY_SAID : "!HTTP_HEADER");
    }
}

static void a_line_of_interest_has_to_fit_and_others_need_not(void **state)
{
    static const char *const names[] = {"Location",        "ETag",       "Date",
                                        "Content-Length",  "Connection", "Transfer-Encoding",
                                        "Content-Encoding"};

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        begin_made(OK11);
        put(names[i]);
        put(":");
        put_many(' ', 300);
        put("\r\n");
        put(EMPTY_END);
        struct feed f = {.in = {made, made_len}, .window = 301, .takes = UINT32_MAX};
        expect(&f, "!HTTP_HEADER");
        f.portion = 1;
        expect(&f, "!HTTP_HEADER");
    }
    static const char *const others[] = {"Locations", "Set-Cookie", "Content-Range", "Content-Type",
                                         "A-name-that-is-longer-than-any-known"};
    for (size_t i = 0; i < COUNT(others); i++) {
        begin_made(OK11);
        put(others[i]);
        put(":");
        put_many('x', 3000);
        put("\r\n");
        put(EMPTY_END);
        check_made(19, EMPTY_SAID);

        /* It is looked at all the same. */
        made[made_len - 50] = '\0';
        check_made(19, "!HTTP_SYNTAX");
    }
    begin_made(PART "Content-Type:");
    put_many('x', 300);
    put("\r\n" EMPTY_END);
    struct feed f = {.in = {made, made_len}, .window = 301, .takes = UINT32_MAX};
    expect(&f, "!HTTP_HEADER");
    /* In a 1xx and behind the body nothing is of interest. */
    begin_made("HTTP/1.1 103 x\r\nLocation:");
    put_many('x', 300);
    put("\r\n\r\n" CHUNKED "0\r\nContent-Length:");
    put_many('x', 300);
    put("\r\n\r\n");
    check_made(28, "200 keep done");
}

static void the_first_line_of_a_chunk_is_bounded(void **state)
{
    (void)state;
    for (uint32_t more = 0; more < 2; more++) {
        begin_made(CHUNKED "1;");
        put_many('x', IOT_HTTP_CHUNK_LINE_MAX - 4 + more);
        put("\r\na\r\n0\r\n\r\n");
        check_made(IOT_HTTP_CHUNK_LINE_MAX,
                   more == 0 ? "200 keep [a] done" : "200 keep !HTTP_CHUNK");

        begin_made(CHUNKED);
        put_many('0', IOT_HTTP_CHUNK_LINE_MAX - 3 + more);
        put("1\r\na\r\n0\r\n\r\n");
        check_made(IOT_HTTP_CHUNK_LINE_MAX,
                   more == 0 ? "200 keep [a] done" : "200 keep !HTTP_CHUNK");
    }
    begin_made(CHUNKED "1;");
    put_many('x', 50);
    put("\r\na\r\n0\r\n\r\n");
    struct feed f = {.in = {made, made_len}, .window = 53, .takes = UINT32_MAX};
    expect(&f, "200 keep !HTTP_CHUNK");
    f.window = 54;
    expect(&f, "200 keep [a] done");
}

/* ---- bodies */

static void what_was_not_taken_is_told_again_from_every_offset(void **state)
{
    static const struct vector list[] = {
        GET(OK11 "Content-Length: 26\r\n\r\nabcdefghijklmnopqrstuvwxyzHTTP",
            "200 len=26 total=26 keep [abcdefghijklmnopqrstuvwxyz] done +4"),
        GET(CHUNKED
            "3\r\nabc\r\n1\r\nd\r\n5\r\nefghi\r\nA\r\njklmnopqrs\r\n7\r\ntuvwxyz\r\n0\r\n\r\n",
            "200 keep [abcdefghijklmnopqrstuvwxyz] done"),
        CLOSED(OK11 "\r\nabcdefghijklmnopqrstuvwxyz", "200 until [abcdefghijklmnopqrstuvwxyz] end"),
        CLOSED(PART "Content-Range: bytes 5-30/31\r\n\r\nabcdefghijklmnopqrstuvwxyz",
               "206 len=26 from=5 total=31 until [abcdefghijklmnopqrstuvwxyz] end"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(list); i++) {
        struct feed f = feed_of(&list[i]);
        for (f.takes = 0; f.takes <= 26; f.takes++) {
            for (f.portion = 0; f.portion < 30; f.portion++) {
                f.window = WIDE;
                expect(&f, list[i].said);
                f.window = 37;
                expect(&f, list[i].said);
            }
        }
    }
}

static void nothing_is_told_twice_after_the_end(void **state)
{
    struct iot_bytes in = BYTES(OK11 "Content-Length: 1\r\n\r\na" OK11), part;
    struct iot_http_parser p;
    enum iot_http_say say;
    uint32_t used;

    (void)state;
    iot_http_parser_begin(&p, IOT_HTTP_GET);
    do {
        assert_err(iot_http_parse(&p, in, false, &used, &say, &part), IOT_OK);
        assert_int_not_equal(say, IOT_HTTP_MORE);
        in.ptr += used;
        in.len -= used;
    } while (say != IOT_HTTP_DONE);
    assert_int_equal(in.len, sizeof(OK11) - 1);
    for (int i = 0; i < 3; i++) {
        assert_err(iot_http_parse(&p, in, true, &used, &say, &part), IOT_OK);
        assert_int_equal(say, IOT_HTTP_DONE);
        assert_int_equal(used, 0);
    }
    assert_true(p.keep);
}

static void a_window_without_bytes_says_what_needs_none(void **state)
{
    struct iot_bytes in = BYTES("HTTP/1.1 204 x\r\n\r\n"), part;
    struct iot_http_parser p;
    enum iot_http_say say;
    uint32_t used;

    (void)state;
    iot_http_parser_begin(&p, IOT_HTTP_GET);
    assert_err(iot_http_parse(&p, (struct iot_bytes){NULL, 0}, false, &used, &say, &part), IOT_OK);
    assert_int_equal(say, IOT_HTTP_MORE);
    assert_err(iot_http_parse(&p, in, false, &used, &say, &part), IOT_OK);
    assert_int_equal(say, IOT_HTTP_HEAD_DONE);
    assert_int_equal(used, in.len);
    assert_err(iot_http_parse(&p, (struct iot_bytes){NULL, 0}, false, &used, &say, &part), IOT_OK);
    assert_int_equal(say, IOT_HTTP_DONE);
}

/* ---- chance */

static void mutate(uint32_t *chance)
{
    static const char likely[] = "\r\n: \t,;0159afAF\0-/*\x7f\xff";
    uint32_t at = test_random(chance, made_len), n = 1 + test_random(chance, 12);

    if (n > made_len - at)
        n = made_len - at;
    switch (test_random(chance, 5)) {
    case 0:
        made[at] ^= (uint8_t)(1u << test_random(chance, 8));
        break;
    case 1:
        made[at] = (uint8_t)likely[test_random(chance, sizeof likely - 1)];
        break;
    case 2: /* twice */
        memmove(made + at + n, made + at, made_len - at);
        made_len += n;
        break;
    case 3: /* left out */
        memmove(made + at, made + at + n, made_len - at - n);
        made_len -= n;
        break;
    default: /* somebody else's */
        for (uint32_t to = test_random(chance, made_len - n + 1), i = 0; i < n; i++)
            made[to + i] = made[at + i];
        break;
    }
    if (made_len == 0)
        put("H");
}

static void whatever_comes_every_split_says_the_same(void **state)
{
    uint32_t chance = test_seed();

    (void)state;
    for (int round = 0; round < 6000; round++) {
        uint32_t which = test_random(&chance, COUNT(corpus));
        const struct vector *v = &corpus[which].list[test_random(&chance, corpus[which].count)];
        made_len = 0;
        put_many(' ', v->in.len);
        memcpy(made, v->in.ptr, made_len);
        if (made_len == 0)
            continue;
        for (uint32_t n = 1 + test_random(&chance, 4); n != 0; n--)
            mutate(&chance);

        struct feed f = feed_of(v);
        f.in = (struct iot_bytes){made, made_len};
        feed(&f, &whole);
        f.portion = 1;
        expect(&f, whole.text);
        f.portion = 1 + test_random(&chance, 40);
        f.chance = &chance;
        expect(&f, whole.text);
        f.takes = test_random(&chance, 5);
        f.window = longest_line(f.in) + 1 + test_random(&chance, 10); /* the last may have no end */
        expect(&f, whole.text);
        /* Smaller, and it may end by that, and only by that; the feeder sees that it ends. */
        f.window = 13 + test_random(&chance, 30);
        feed(&f, &other);
        if (strcmp(whole.text, other.text) != 0 && strstr(other.text, "!HTTP_HEADER") == NULL &&
            strstr(other.text, "!HTTP_CHUNK") == NULL)
            fail_msg("%.*s\nsaid  %s\nnot   %s", (int)made_len, (const char *)made, other.text,
                     whole.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split_of_status_lines_says_the_same),
        cmocka_unit_test(every_split_of_header_lines_says_the_same),
        cmocka_unit_test(every_split_of_lengths_says_the_same),
        cmocka_unit_test(every_split_of_codings_says_the_same),
        cmocka_unit_test(every_split_of_chunks_says_the_same),
        cmocka_unit_test(connection_and_version_decide_whether_it_is_kept),
        cmocka_unit_test(only_a_clean_end_ends_a_body_without_length),
        cmocka_unit_test(every_split_of_ranges_says_the_same),
        cmocka_unit_test(responses_without_body_have_none_whatever_they_say),
        cmocka_unit_test(all_heads_together_are_bounded),
        cmocka_unit_test(lines_are_bounded),
        cmocka_unit_test(a_line_of_interest_has_to_fit_and_others_need_not),
        cmocka_unit_test(the_first_line_of_a_chunk_is_bounded),
        cmocka_unit_test(what_was_not_taken_is_told_again_from_every_offset),
        cmocka_unit_test(nothing_is_told_twice_after_the_end),
        cmocka_unit_test(a_window_without_bytes_says_what_needs_none),
        cmocka_unit_test(whatever_comes_every_split_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

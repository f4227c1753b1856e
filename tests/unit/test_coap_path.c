/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "coap/iot_coap_path.h"

static iot_err check(const char *path)
{
    return iot_coap_path_check((const char *)at_guard(path, (uint32_t)strlen(path) + 1));
}

/* "11:a 11: 15:b=1", what is not printable as \xNN; "-": refused. */
static const char *options_of(const char *path)
{
    static char text[2048];
    uint8_t bytes[1024];
    struct iot_coap_encoder e;
    struct iot_coap_message m;
    struct iot_coap_option o;
    size_t n = 0;

    iot_err err = check(path);
    if (err != IOT_OK) {
        assert_err(err, IOT_ERR_COAP_URI);
        return "-";
    }
    path = (const char *)at_guard(path, (uint32_t)strlen(path) + 1);
    iot_coap_encode(&e, bytes, sizeof bytes, IOT_COAP_CON, IOT_COAP_GET, 0, BYTES(""));
    iot_coap_path_put(&e, path, IOT_COAP_URI_PATH);
    iot_coap_path_put(&e, path, IOT_COAP_URI_QUERY);
    assert_false(e.overflow);
    assert_err(iot_coap_decode((struct iot_bytes){bytes, e.len}, &m), IOT_OK);
    struct iot_coap_cursor at = {m.options, 0};
    text[0] = '\0';
    while (iot_coap_next(&at, &o)) {
        n += (size_t)sprintf(text + n, "%s%u:", n != 0 ? " " : "", o.number);
        for (uint32_t i = 0; i < o.value.len; i++) {
            uint8_t c = o.value.ptr[i];
            n += (size_t)sprintf(text + n, c > ' ' && c < 127 ? "%c" : "\\x%02x", c);
        }
    }
    return text;
}

struct pair {
    const char *in, *out;
};

static void check_all(const struct pair *list, size_t count)
{
    for (const struct pair *p = list; p < list + count; p++)
        if (strcmp(options_of(p->in), p->out) != 0)
            fail_msg("%s: %s, not %s", p->in, options_of(p->in), p->out);
}

static void a_path_is_taken_apart(void **state)
{
    static const struct pair list[] = {
        {"/", ""},
        {"/a", "11:a"},
        {"/a/b/c", "11:a 11:b 11:c"},
        {"/.well-known/core", "11:.well-known 11:core"},
        {"/.well-known/core?rt=temperature-c", "11:.well-known 11:core 15:rt=temperature-c"},
        /* only the root has no segment: each other '/' begins one, be it empty */
        {"/a/", "11:a 11:"},
        {"//", "11: 11:"},
        {"//a", "11: 11:a"},
        {"/a//b", "11:a 11: 11:b"},
        {"///", "11: 11: 11:"},
        {"/?", "15:"},
        {"?", "15:"},
        {"?a", "15:a"},
        {"/?a", "15:a"},
        {"/a?", "11:a 15:"},
        {"/a?&", "11:a 15: 15:"},
        {"/a?b&c", "11:a 15:b 15:c"},
        {"/a?b&&c&", "11:a 15:b 15: 15:c 15:"},
        {"/a?b=1/2?3&c=:@", "11:a 15:b=1/2?3 15:c=:@"},
        {"/a&b/c=d", "11:a&b 11:c=d"},
        {"/a-._~!$&'()*+,;=:@z/AZaz09", "11:a-._~!$&'()*+,;=:@z 11:AZaz09"},
        {"/a?-._~!$'()*+,;=:@z/?", "11:a 15:-._~!$'()*+,;=:@z/?"},
        /* RFC 7252 6.4, its examples */
        {"/%E3%81%93", "11:\\xe3\\x81\\x93"},
        {"/%2f%2F//?%2f%2f&?%26", "11:// 11: 11: 15:// 15:?&"},
        {"/a%20b?c%3dd", "11:a\\x20b 15:c=d"},
        {"/%00%01%7f%ff", "11:\\x00\\x01\\x7f\\xff"},
        {"/%61%6A%4a", "11:ajJ"},
        {"/%25%35%30", "11:%50"},
        {"/%3f?%3F", "11:? 15:?"},
        /* dots within more, or in the query */
        {"/...", "11:..."},
        {"/.a/a./..a/a../a.b", "11:.a 11:a. 11:..a 11:a.. 11:a.b"},
        {"/?.&..", "15:. 15:.."},
        {"/a?.", "11:a 15:."},
        {"/%2e%2e%2e", "11:..."},
        {"/a.?..", "11:a. 15:.."},
    };

    (void)state;
    check_all(list, COUNT(list));
}

static void what_is_no_path_is_refused(void **state)
{
    static const char *const list[] = {
        "",
        "a",
        "a/b",
        ".",
        "#",
        "&a",
        "%2f",
        "coap://h/a",
        /* a server may make of it what it likes */
        "/.",
        "/..",
        "/./",
        "/../a",
        "/a/.",
        "/a/..",
        "/a/../b",
        "/a/./b",
        "/.?a",
        "/..?",
        "/%2e",
        "/%2E",
        "/%2e%2e",
        "/.%2e/a",
        "/%2E./a",
        "//..",
        /* percents */
        "/%",
        "/%4",
        "/%%",
        "/%4g",
        "/%g4",
        "/%4/1",
        "/%/41",
        "/a%",
        "/a?%",
        "/a?%4",
        "/a?%4&1",
        "/%-1",
        "/% 1",
        "/%4@",
        "/%4`",
        "/%:0",
        "/%/0",
        /* characters */
        "/a b",
        "/ ",
        "/a\tb",
        "/a\nb",
        "/\x01",
        "/\x7f",
        "/\x80",
        "/\xc3\xa4",
        "/\xff",
        "/a#b",
        "/#",
        "/a\"b",
        "/<",
        "/>",
        "/[",
        "/]",
        "/\\",
        "/^",
        "/`",
        "/{",
        "/|",
        "/}",
        "/a?b c",
        "/a?#",
        "/a?[",
        "/a?\xc3\xa4",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(list); i++)
        if (strcmp(options_of(list[i]), "-") != 0)
            fail_msg("%s: %s", list[i], options_of(list[i]));
}

/* Each byte, in each place: RFC 3986's own lists. */
static void every_character_is_known(void **state)
{
    static const char pchar[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
                                "!$&'()*+,;=:@";

    (void)state;
    for (int c = 1; c < 256; c++) {
        char path[] = {'/', 'a', (char)c, 'b', '\0'}, query[] = {'?', (char)c, 'b', '\0'};
        bool good = strchr(pchar, c) != NULL || c == '/' || c == '?';
        assert_err(check(path), good ? IOT_OK : IOT_ERR_COAP_URI);
        assert_err(check(query), good ? IOT_OK : IOT_ERR_COAP_URI);
    }
}

static void no_path_has_no_segments(void **state)
{
    uint8_t bytes[8];
    struct iot_coap_encoder e;

    (void)state;
    assert_err(iot_coap_path_check(NULL), IOT_OK);
    iot_coap_encode(&e, bytes, sizeof bytes, IOT_COAP_CON, IOT_COAP_GET, 0, BYTES(""));
    iot_coap_path_put(&e, NULL, IOT_COAP_URI_PATH);
    iot_coap_path_put(&e, NULL, IOT_COAP_URI_QUERY);
    assert_true(e.len == 4 && !e.overflow);
}

/* `lead`, and `n` of `each`. */
static const char *long_path(const char *lead, const char *each, int n)
{
    static char text[4096];
    char *at = text + sprintf(text, "%s", lead);

    while (n-- > 0)
        at += sprintf(at, "%s", each);
    return text;
}

static void a_segment_has_255_bytes_at_most(void **state)
{
    static const char *const each[] = {"x", "%41", "%c3"};

    (void)state;
    for (size_t i = 0; i < COUNT(each); i++) {
        assert_err(check(long_path("/", each[i], 255)), IOT_OK);
        assert_err(check(long_path("/", each[i], 256)), IOT_ERR_COAP_URI);
        assert_err(check(long_path("/a/", each[i], 255)), IOT_OK);
        assert_err(check(long_path("/a/", each[i], 256)), IOT_ERR_COAP_URI);
        assert_err(check(long_path("/a?b&", each[i], 255)), IOT_OK);
        assert_err(check(long_path("/a?b&", each[i], 256)), IOT_ERR_COAP_URI);
    }
    /* there may be many */
    assert_err(check(long_path("", "/a", 300)), IOT_OK);
    assert_int_equal(strlen(options_of(long_path("/", "x", 255))), 3 + 255);
}

static void what_does_not_fit_is_left_out_whole(void **state)
{
    static const char path[] = "/abc/%41%42%43/defghijklmnopqr?x=1&y";
    uint8_t bytes[64];
    struct iot_coap_encoder e;
    uint32_t whole = 0;

    (void)state;
    for (uint32_t cap = 64;; cap--) {
        iot_coap_encode(&e, cap == 64 ? bytes : at_guard(NULL, cap), cap, IOT_COAP_CON, 1, 0,
                        BYTES(""));
        iot_coap_path_put(&e, path, IOT_COAP_URI_PATH);
        iot_coap_path_put(&e, path, IOT_COAP_URI_QUERY);
        if (cap == 64)
            whole = e.len;
        assert_int_equal(e.overflow, cap < whole);
        assert_true(e.len <= cap);
        if (cap < 64 && cap >= 4)
            assert_memory_equal(e.ptr, bytes, e.len);
        if (cap == 0)
            break;
    }
    assert_int_equal(whole, 4 + 4 + 4 + 17 + 4 + 2);
    /* one that was not checked comes to no harm either */
    static const char *const bad[] = {"/%",     "/a%",    "/%%%", "/%4",  "/a%4",    "/aa%",
                                      "/%%aaa", "/%41%4", "/a?%", "/%zz", "/aaa%%%b"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        const char *guarded_path = (const char *)at_guard(bad[i], (uint32_t)strlen(bad[i]) + 1);
        iot_coap_encode(&e, bytes, sizeof bytes, IOT_COAP_CON, 1, 0, BYTES(""));
        iot_coap_path_put(&e, guarded_path, IOT_COAP_URI_PATH);
        iot_coap_path_put(&e, guarded_path, IOT_COAP_URI_QUERY);
        assert_true(e.len < 20);
    }
}

/* Any text: refused, or what comes out is what a decoder that was written apart makes of it. */
static void texts_of_chance_agree_with_a_naive_decoder(void **state)
{
    static const char *const words[] = {"/", "a",   "%41", "%",  ".",  "?",
                                        "&", "%2f", "b=",  "..", "%2e"};
    uint32_t seed = test_seed(), good = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        char text[64] = "", want[256] = "";
        size_t n = 0;
        for (uint32_t k = test_random(&seed, 9); k-- > 0;)
            strcat(text, words[test_random(&seed, COUNT(words))]);
        const char *got = options_of(text);
        if (strcmp(got, "-") == 0)
            continue;
        good++;
        bool query = false;
        for (const char *p = text; *p != '\0'; p++) {
            char c = *p;
            bool mark = c == '?' && !query;
            query |= mark;
            if (mark || c == (query ? '&' : '/')) {
                if (p != text || query || (p[1] != '\0' && p[1] != '?'))
                    n += (size_t)sprintf(want + n, "%s%s:", n != 0 ? " " : "", query ? "15" : "11");
                continue;
            }
            if (c == '%') {
                c = (char)strtol((char[]){p[1], p[2], '\0'}, NULL, 16);
                p += 2;
            }
            n += (size_t)sprintf(want + n, c > ' ' && c < 127 ? "%c" : "\\x%02x", (uint8_t)c);
        }
        if (strcmp(got, want) != 0)
            fail_msg("%s: %s, not %s", text, got, want);
    }
    assert_true(good > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_taken_apart),
        cmocka_unit_test(what_is_no_path_is_refused),
        cmocka_unit_test(every_character_is_known),
        cmocka_unit_test(no_path_has_no_segments),
        cmocka_unit_test(a_segment_has_255_bytes_at_most),
        cmocka_unit_test(what_does_not_fit_is_left_out_whole),
        cmocka_unit_test(texts_of_chance_agree_with_a_naive_decoder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

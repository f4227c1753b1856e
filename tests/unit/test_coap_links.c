/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "coap/iot_coap_serve.h"

static void on_call(void *ctx, const struct iot_coap_call *call, struct iot_coap_answer *answer)
{
    (void)ctx;
    (void)call;
    (void)answer;
}

#define GET IOT_COAP_CAN_GET
#define OBS (IOT_COAP_CAN_GET | IOT_COAP_OBSERVABLE)

static const struct iot_coap_resource table[] = {
    {"", GET, NULL, on_call, NULL},
    {"a b", OBS, "", on_call, NULL},
    {"firmware/v2.1", GET, "rt=\"firmware\";sz=262144", on_call, NULL},
    {"secret", GET | IOT_COAP_HIDDEN, "rt=\"light-lux\"", on_call, NULL},
    {"sensors", GET, "ct=40;title=\"Sensor Index\"", on_call, NULL},
    {"sensors/light", OBS, "rt=\"light-lux core.sen-light\";if=\"sensor\"", on_call, NULL},
    {"sensors/temp", OBS, "rt=\"temperature-c\";if=\"sensor\";ct=\"0 50 60\"", on_call, NULL},
    {"t", GET, "anchor=\"/sensors/temp\";rel=alternate;here", on_call, NULL},
};

#define ROOT  "</>"
#define BLANK "</a%20b>;obs"
#define FIRM  "</firmware/v2.1>;rt=\"firmware\";sz=262144"
#define INDEX "</sensors>;ct=40;title=\"Sensor Index\""
#define LIGHT "</sensors/light>;rt=\"light-lux core.sen-light\";if=\"sensor\";obs"
#define TEMP  "</sensors/temp>;rt=\"temperature-c\";if=\"sensor\";ct=\"0 50 60\";obs"
#define OTHER "</t>;anchor=\"/sensors/temp\";rel=alternate;here"
#define ALL   ROOT "," BLANK "," FIRM "," INDEX "," LIGHT "," TEMP "," OTHER

static uint8_t room[2048];

/* The links for these queries (NULL at the end), between other options; "": none. */
static struct iot_bytes links_for(const struct iot_coap_resource *resources, uint16_t count,
                                  const struct iot_bytes *queries, uint32_t query_count)
{
    uint8_t bytes[1024];
    struct iot_coap_encoder e;
    struct iot_writer w = {.ptr = room, .cap = sizeof room};

    iot_coap_encode(&e, bytes, sizeof bytes, IOT_COAP_CON, IOT_COAP_GET, 0, BYTES(""));
    iot_coap_put(&e, IOT_COAP_URI_PATH, BYTES(".well-known"));
    iot_coap_put(&e, IOT_COAP_URI_PATH, BYTES("rt=x"));
    for (uint32_t i = 0; i < query_count; i++)
        iot_coap_put(&e, IOT_COAP_URI_QUERY, queries[i]);
    if (query_count != 1) /* one query is the last thing before the guard */
        iot_coap_put(&e, IOT_COAP_ACCEPT, BYTES("\x28"));
    assert_false(e.overflow);
    const struct iot_bytes options = {bytes + IOT_COAP_HEAD_BYTES, e.len - IOT_COAP_HEAD_BYTES};
    bool found = iot_coap_links(resources, count, guarded(options), &w);
    assert_int_equal(found, w.len != 0);
    assert_false(w.overflow);
    return (struct iot_bytes){room, w.len};
}

struct row {
    const char *queries[4];
    const char *links;
};

static void check_all(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct iot_bytes queries[4];
        uint32_t n = 0;
        for (; n < 4 && rows[i].queries[n] != NULL; n++)
            queries[n] = text_bytes(rows[i].queries[n]);
        struct iot_bytes got = links_for(table, COUNT(table), queries, n);
        if (got.len != strlen(rows[i].links) || memcmp(got.ptr, rows[i].links, got.len) != 0)
            fail_msg("%s: %.*s, not %s", n != 0 ? rows[i].queries[0] : "(none)", (int)got.len,
                     (const char *)got.ptr, rows[i].links);
    }
}

static void without_a_filter_all_is_listed_that_is_not_hidden(void **state)
{
    static const struct row rows[] = {{{NULL}, ALL}};
    (void)state;

    assert_true(iot_coap_serve_check(table, COUNT(table)));
    check_all(rows, COUNT(rows));
    assert_int_equal(links_for(table + 3, 1, NULL, 0).len, 0);
    assert_int_equal(links_for(table, 0, NULL, 0).len, 0);
}

static void a_filter_takes_what_is_the_same_or_begins_so(void **state)
{
    static const struct row rows[] = {
        /* RFC 6690 section 5 */
        {{"rt=light-lux"}, LIGHT},
        {{"rt=temperature-c"}, TEMP},
        {{"if=sensor"}, LIGHT "," TEMP},
        {{"href=/sensors"}, INDEX},
        {{"href=/sensors*"}, INDEX "," LIGHT "," TEMP},
        {{"href=/sensors/*"}, LIGHT "," TEMP},
        {{"anchor=/sensors/temp"}, OTHER},
        /* section 4.1 */
        {{"rt=light*"}, LIGHT},
        {{"rt=light-lux*"}, LIGHT},
        {{"rt=light"}, ""},
        {{"rt=light-lux2"}, ""},
        {{"rt=ight-lux"}, ""},
        {{"rt=*"}, FIRM "," LIGHT "," TEMP},
        {{"rt="}, ""},
        {{"rt=li*ht"}, ""},
        {{"rt=*lux"}, ""},
        {{"rt=**"}, ""},
        {{"rt=Light-lux"}, ""},
        {{"RT=light-lux"}, ""},
        /* one word of several */
        {{"rt=core.sen-light"}, LIGHT},
        {{"rt=core.sen*"}, LIGHT},
        {{"rt=sen-light"}, ""},
        {{"rt=core.sen"}, ""},
        {{"rt=light-lux core.sen-light"}, LIGHT},
        {{"ct=0"}, TEMP},
        {{"ct=50"}, TEMP},
        {{"ct=60"}, TEMP},
        {{"ct=5"}, ""},
        {{"ct=40"}, INDEX},
        {{"ct=4*"}, INDEX},
        {{"title=Sensor*"}, INDEX},
        {{"title=Sensor Index"}, INDEX},
        {{"title=Sensor Index*"}, INDEX},
        {{"title=\"Sensor Index\""}, ""},
        {{"sz=262144"}, FIRM},
        {{"rel=alternate"}, OTHER},
        /* without a value */
        {{"here="}, OTHER},
        {{"here=*"}, OTHER},
        {{"here=x"}, ""},
        {{"obs="}, BLANK "," LIGHT "," TEMP},
        {{"obs=*"}, BLANK "," LIGHT "," TEMP},
        {{"obs=1"}, ""},
        /* paths */
        {{"href=/"}, ROOT},
        {{"href=/*"}, ALL},
        {{"href=*"}, ALL},
        {{"href="}, ""},
        {{"href=sensors"}, ""},
        {{"href=//sensors"}, ""},
        {{"href=/sensors/"}, ""},
        {{"href=/a b"}, BLANK},
        {{"href=/a*"}, BLANK},
        {{"href=/a"}, ""},
        {{"href=/b"}, ""}, /* a path is no list */
        {{"href=/a%20b"}, ""},
        {{"href=/secret"}, ""},
        {{"href=/firmware/v2.1"}, FIRM},
    };
    (void)state;
    check_all(rows, COUNT(rows));
}

static void all_of_several_filters_have_to_fit(void **state)
{
    static const struct row rows[] = {
        {{"if=sensor", "rt=light-lux"}, LIGHT},
        {{"rt=light-lux", "if=sensor"}, LIGHT},
        {{"rt=light-lux", "rt=core.sen-light"}, LIGHT},
        {{"rt=light-lux", "rt=temperature-c"}, ""},
        {{"if=sensor", "rt=nothing"}, ""},
        {{"href=/sensors*", "ct=*", "obs=*"}, TEMP},
        {{"if=sensor", "page=1"}, ""},
    };
    (void)state;
    check_all(rows, COUNT(rows));
}

static void what_is_no_filter_matches_nothing(void **state)
{
    static const struct row rows[] = {
        {{""}, ""},
        {{"="}, ""},
        {{"=*"}, ""},
        {{"*"}, ""},
        {{"rt"}, ""},
        {{"href"}, ""},
        {{"obs"}, ""},
        {{"hre=/sensors"}, ""},
        {{"hreff=/sensors"}, ""},
        {{"r=light-lux"}, ""},
        {{"rt;if=sensor"}, ""},
        {{"lux core.sen-light\";if=sensor"}, ""}, /* from the inside of a value */
        {{"unknown=*"}, ""},
        {{"rt=light-lux", ""}, ""},
    };
    static const char bad[] = {0, 1, 10, 13, 127, (char)0xff, '"', '>', ',', ';'};
    char long_one[255];
    (void)state;

    check_all(rows, COUNT(rows));
    for (size_t i = 0; i < sizeof bad; i++) {
        char text[][4] = {"rt=", "=rt", "rt=", "rt*"};
        for (size_t k = 0; k < COUNT(text); k++) {
            text[2][2] = bad[i];
            text[k][3] = bad[i];
            struct iot_bytes q = {(const uint8_t *)text[k], 4};
            assert_int_equal(links_for(table, COUNT(table), &q, 1).len, 0);
        }
    }
    memset(long_one, 'x', sizeof long_one);
    struct iot_bytes q = {(const uint8_t *)long_one, sizeof long_one};
    assert_int_equal(links_for(table, COUNT(table), &q, 1).len, 0);
    memcpy(long_one, "href=/", 6);
    assert_int_equal(links_for(table, COUNT(table), &q, 1).len, 0);
    memcpy(long_one, "rt=", 3);
    assert_int_equal(links_for(table, COUNT(table), &q, 1).len, 0);
    memset(long_one, '=', sizeof long_one);
    assert_int_equal(links_for(table, COUNT(table), &q, 1).len, 0);
}

static void what_a_path_of_a_uri_does_not_have_is_encoded(void **state)
{
    static const struct iot_coap_resource odd[] = {
        {"\x01\x1f \"#%/\x7f", GET, NULL, on_call, NULL},
        {"-._~!$&'()*+,;=:@09azAZ", GET, NULL, on_call, NULL},
        {"<>?[\\]^`{|}", GET, NULL, on_call, NULL},
        {"\xc3\xa4/\xff", GET, NULL, on_call, NULL},
    };
    (void)state;

    assert_true(iot_coap_serve_check(odd, COUNT(odd)));
    assert_bytes(links_for(odd, COUNT(odd), NULL, 0), BYTES("</%01%1F%20%22%23%25/%7F>,"
                                                            "</-._~!$&'()*+,;=:@09azAZ>,"
                                                            "</%3C%3E%3F%5B%5C%5D%5E%60%7B%7C%7D>,"
                                                            "</%C3%A4/%FF>"));
}

static void a_place_that_is_too_small_overflows(void **state)
{
    const struct iot_bytes none = {room, 0};
    (void)state;

    for (uint32_t cap = 0; cap <= strlen(ALL); cap++) {
        uint8_t *into = at_guard(NULL, cap);
        struct iot_writer w = {.ptr = into, .cap = cap};
        assert_true(iot_coap_links(table, COUNT(table), none, &w));
        assert_int_equal(w.overflow, cap < strlen(ALL));
        assert_memory_equal(into, ALL, w.len < 3 ? w.len : 3);
    }
}

/* ---- The table ----------------------------------------------------------------------------- */

static bool has_path(const char *path)
{
    const char *copy = (const char *)at_guard(path, (uint32_t)strlen(path) + 1);
    const struct iot_coap_resource r = {copy, GET, NULL, on_call, NULL};

    return iot_coap_serve_check(&r, 1);
}

static bool has_link(const char *link)
{
    const char *copy = (const char *)at_guard(link, (uint32_t)strlen(link) + 1);
    const struct iot_coap_resource r = {"a", GET, copy, on_call, NULL};

    return iot_coap_serve_check(&r, 1);
}

static void paths_are_segments_with_one_slash_between(void **state)
{
    static const char *const good[] = {"",   "a",   "a/b", "a/b/c",        "...",
                                       ".a", "a.",  "..a", "a..",          ".../..a",
                                       " ",  "%2e", "a?b", ".well-known/x"};
    static const char *const bad[] = {"/",   "/a",  "a/",    "a//b", "//",   ".",     "..",
                                      "./a", "a/.", "a/./b", "../a", "a/..", "a/../b"};
    char text[130];
    (void)state;

    for (size_t i = 0; i < COUNT(good); i++)
        if (!has_path(good[i]))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (has_path(bad[i]))
            fail_msg("taken: %s", bad[i]);
    /* Longer ones would be found by nobody. */
    memset(text, 'x', sizeof text);
    for (uint32_t slash = 0; slash < 2; slash++) {
        text[128] = '\0';
        assert_true(has_path(text));
        text[128] = 'x';
        text[129] = '\0';
        assert_false(has_path(text));
        text[60] = '/';
    }
}

static void attributes_are_parameters_of_links(void **state)
{
    static const char *const good[] = {
        "",
        "rt=\"light\"",
        "rt=\"light\";if=\"sensor\";ct=50",
        "ct=\"0 50\"",
        "here",
        "here;there;rt=x",
        "rt=\"\"",
        "title*=UTF-8''a%20b",
        "rt=a=b",
        "x=!#$%&'()*+-./09:<=>?@AZ[]^_`az{|}~",
        "!#$&+-.^_`|~09azAZ=1",
        "title=\"a;b,c<d>=e' \xc3\xa4\"",
    };
    static const char *const bad[] = {
        ";",
        "rt=\"a\";",
        ";rt=\"a\"",
        "rt=\"a\";;if=b",
        "rt=",
        "rt=;if=b",
        "=a",
        "=",
        "\"a\"",
        "rt=\"a",
        "rt=\"",
        "rt=a\"",
        "rt=\"a\"b",
        "rt=\"a\" ",
        " rt=a",
        "rt =a",
        "rt= a",
        "rt=a b",
        "rt=a,b",
        "a,b",
        "rt=a,",
        "<a>",
        "rt=\"a\\\"b\"",
        "rt=\"a\\b\"",
        "rt=\"a\nb\"",
        "rt=\"\x7f\"",
        "rt=\x01",
        "r\x80=a",
        "rt=\x80",
        "r/t=a",
        "rt=a\\",
    };
    (void)state;

    for (size_t i = 0; i < COUNT(good); i++)
        if (!has_link(good[i]))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (has_link(bad[i]))
            fail_msg("taken: %s", bad[i]);
}

static bool are_sorted(const char *a, const char *b)
{
    const struct iot_coap_resource two[] = {{a, GET, NULL, on_call, NULL},
                                            {b, GET, NULL, on_call, NULL}};
    return iot_coap_serve_check(two, 2);
}

static void a_table_is_sorted_by_bytes_and_has_nothing_twice(void **state)
{
    static const char *const order[] = {"",    "A",  "a",     "a b",       "a-b", "a.b",
                                        "a/b", "a0", "a\x7f", "a\xc3\xa4", "aa",  "b"};
    (void)state;

    for (size_t i = 0; i < COUNT(order); i++)
        for (size_t k = 0; k < COUNT(order); k++) {
            bool want = strcmp(order[i], order[k]) < 0;
            if (are_sorted(order[i], order[k]) != want)
                fail_msg("\"%s\" and \"%s\"", order[i], order[k]);
        }
}

static void an_empty_table_is_one_and_one_with_holes_is_not(void **state)
{
    const struct iot_coap_resource no_path = {NULL, GET, NULL, on_call, NULL};
    const struct iot_coap_resource no_handler = {"a", GET, NULL, NULL, NULL};
    (void)state;

    assert_true(iot_coap_serve_check(NULL, 0));
    assert_false(iot_coap_serve_check(&no_path, 1));
    assert_false(iot_coap_serve_check(&no_handler, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_filter_all_is_listed_that_is_not_hidden),
        cmocka_unit_test(a_filter_takes_what_is_the_same_or_begins_so),
        cmocka_unit_test(all_of_several_filters_have_to_fit),
        cmocka_unit_test(what_is_no_filter_matches_nothing),
        cmocka_unit_test(what_a_path_of_a_uri_does_not_have_is_encoded),
        cmocka_unit_test(a_place_that_is_too_small_overflows),
        cmocka_unit_test(paths_are_segments_with_one_slash_between),
        cmocka_unit_test(attributes_are_parameters_of_links),
        cmocka_unit_test(a_table_is_sorted_by_bytes_and_has_nothing_twice),
        cmocka_unit_test(an_empty_table_is_one_and_one_with_holes_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

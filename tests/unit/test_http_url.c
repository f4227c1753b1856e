/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "http/iot_http_url.h"

/* "tls port authority host path query" or "-". */
static const char *parts_of(const char *text)
{
    static char said[4 * IOT_HTTP_URL_MAX];
    uint32_t n = (uint32_t)strlen(text) + 1;
    struct iot_http_url url;
    iot_err err = iot_http_url_read((const char *)at_guard(text, n), &url);

    if (err != IOT_OK) {
        assert_err(err, IOT_ERR_HTTP_URL);
        return "-";
    }
    const struct iot_bytes *all[] = {&url.authority, &url.host, &url.path, &url.query};
    int at = snprintf(said, sizeof said, "%s %u", url.tls ? "tls" : "tcp", url.port);
    for (size_t i = 0; i < COUNT(all); i++)
        at += snprintf(said + at, 2 + all[i]->len, " %.*s", (int)all[i]->len,
                       (const char *)all[i]->ptr);
    return said;
}

struct pair {
    const char *in, *out;
};

static void check_parts(const struct pair *list, size_t count)
{
    for (const struct pair *p = list; p < list + count; p++) {
        if (strcmp(parts_of(p->in), p->out) != 0)
            fail_msg("%s: %s, not %s", p->in, parts_of(p->in), p->out);
    }
}

static void a_url_is_taken_apart(void **state)
{
    static const struct pair list[] = {
        {"http://h", "tcp 80 h h / "},
        {"https://h", "tls 443 h h / "},
        {"HTTPS://Example.COM/A", "tls 443 Example.COM Example.COM /A "},
        {"hTtP://h/", "tcp 80 h h / "},
        {"https://ota.example.com/fw/app-2.0.0.bin?Expires=1700003600&Signature=Y%2F==",
         "tls 443 ota.example.com ota.example.com /fw/app-2.0.0.bin "
         "?Expires=1700003600&Signature=Y%2F=="},
        {"http://h?q", "tcp 80 h h / ?q"},
        {"http://h?q?/a:@b", "tcp 80 h h / ?q?/a:@b"},
        {"http://h/?", "tcp 80 h h / ?"},
        {"http://h#f", "tcp 80 h h / "},
        {"http://h/a#f?q/x", "tcp 80 h h /a "},
        {"http://h?q#f", "tcp 80 h h / ?q"},
        {"http://h:1", "tcp 1 h:1 h / "},
        {"http://h:65535/a", "tcp 65535 h:65535 h /a "},
        {"https://h:0443?", "tls 443 h:0443 h / ?"},
        {"http://h:8080#", "tcp 8080 h:8080 h / "},
        {"http://192.0.2.1:81/a", "tcp 81 192.0.2.1:81 192.0.2.1 /a "},
        {"http://[2001:db8::1]/a", "tcp 80 [2001:db8::1] 2001:db8::1 /a "},
        {"http://[::FfFf:192.0.2.1]:81", "tcp 81 [::FfFf:192.0.2.1]:81 ::FfFf:192.0.2.1 / "},
        {"http://a_b-c.d./x", "tcp 80 a_b-c.d. a_b-c.d. /x "},
        {"http://h//a//b", "tcp 80 h h //a//b "},
        {"http://h/a@b:c", "tcp 80 h h /a@b:c "},
        {"http://h/~!$&'()*+,;=%20{}|^`\"<>\\", "tcp 80 h h /~!$&'()*+,;=%20{}|^`\"<>\\ "},
    };

    (void)state;
    check_parts(list, COUNT(list));
}

static void what_is_no_url_is_refused(void **state)
{
    static const char *const list[] = {
        "",
        "h",
        "/a",
        "//h/a",
        "http",
        "http:",
        "http:/",
        "http://",
        "http:h",
        "http:/h",
        "http:///a",
        "http://:80/",
        "http://?q",
        "http://#f",
        "https://",
        "https:///",
        /* other schemes */
        "ftp://h/",
        "httpx://h/",
        "httpss://h/",
        "htt://h/",
        "h://h/",
        "ws://h/",
        "coaps://h/",
        "file:///a",
        "http+x://h/",
        "1http://h/",
        " http://h/",
        "h ttp://h/",
        "://h/",
        "http\\://h",
        "http;//h/",
        "hTTq://h",
        /* who asks is nobody's business */
        "http://u@h/",
        "http://u:p@h/",
        "http://@h/",
        "http://h:80@g/",
        "http://good.example\\@h/",
        "http://u:80@[::1]/",
        /* hosts */
        "http://h h/",
        "http://h\th/",
        "http://h%41/",
        "http://h,g/",
        "http://h\\a",
        "http://h;a",
        "http://h!",
        "http://*/",
        "http://h\xc3\xa4/",
        "http://[/",
        "http://[]/",
        "http://[::1/",
        "http://::1/",
        "http://[::1]x/",
        "http://[::1]]/",
        "http://[fe80::1%25eth0]/",
        "http://[::g]/",
        "http://[::1]@h/",
        "http://x[::1]/",
        "http://[[::1]]/",
        "http://]/",
        "http://h{/",
        "http://h[/",
        "http://h@",
        "http://h`/",
        "http://h\x7f/",
        "http://[v1.a]/",
        /* ports */
        "http://h:",
        "http://h:/",
        "http://h:0/",
        "http://h:00/",
        "http://h:65536/",
        "http://h:99999/",
        "http://h:4294967376/",
        "http://h:18446744073709551696/",
        "http://h:-1/",
        "http://h:+1/",
        "http://h:8a/",
        "http://h:80:80/",
        "http://h: 80/",
        "http://h:?q",
        "http://[::1]:/",
        "http://h:80x",
        /* characters */
        "http://h/a b",
        "http://h/a\tb",
        "http://h/a\r\nX: y",
        "http://h/a\nb",
        "http://h/a\x7f",
        "http://h/\x01",
        "http://h/\xff",
        "http://h/\xc3\xa4",
        "http://h/?\x80",
        "http://h/#a b",
        "http://h/ ",
        "http://h/#\xc3\xa4",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(list); i++) {
        if (strcmp(parts_of(list[i]), "-") != 0)
            fail_msg("%s: %s", list[i], parts_of(list[i]));
    }
}

/* "http://h/aaa...", `n` bytes, without a NUL. */
static void fill_url(char *into, uint32_t n)
{
    memset(into, 'a', n);
    memcpy(into, "http://h/", 9);
}

static void the_longest_is_taken_and_one_byte_more_is_not(void **state)
{
    static char text[5000];
    struct iot_http_url url;

    (void)state;
    fill_url(text, IOT_HTTP_URL_MAX);
    text[IOT_HTTP_URL_MAX] = '\0';
    assert_err(iot_http_url_read((char *)at_guard(text, IOT_HTTP_URL_MAX + 1), &url), IOT_OK);
    assert_int_equal(url.path.len, IOT_HTTP_URL_MAX - 8);
    /* What is further is not looked at. */
    fill_url(text, IOT_HTTP_URL_MAX + 1);
    assert_err(iot_http_url_read((char *)at_guard(text, IOT_HTTP_URL_MAX + 1), &url),
               IOT_ERR_HTTP_URL);
    /* A fragment counts. */
    text[20] = '#';
    assert_err(iot_http_url_read((char *)at_guard(text, IOT_HTTP_URL_MAX + 1), &url),
               IOT_ERR_HTTP_URL);
}

static const char *resolved(const char *base, struct iot_bytes location)
{
    static char into[IOT_HTTP_URL_MAX + 1], in_place[IOT_HTTP_URL_MAX + 1];

    memset(into, 'x', sizeof into);
    memset(in_place, 'x', sizeof in_place);
    strcpy(in_place, base);
    struct iot_bytes at_end = guarded(location);
    iot_err err = iot_http_url_resolve(base, at_end, into);
    assert_err(iot_http_url_resolve(in_place, at_end, in_place), err);
    if (err != IOT_OK) {
        assert_err(err, IOT_ERR_HTTP_URL);
        return "-";
    }
    struct iot_http_url url;
    assert_err(iot_http_url_read(into, &url), IOT_OK);
    assert_string_equal(into, in_place);
    return into;
}

static void check_resolved(const char *base, const struct pair *list, size_t count)
{
    for (const struct pair *p = list; p < list + count; p++) {
        if (strcmp(resolved(base, text_bytes(p->in)), p->out) != 0)
            fail_msg("%s + %s: %s, not %s", base, p->in, resolved(base, text_bytes(p->in)), p->out);
    }
}

/* RFC 3986, section 5.4, but for fragments, parameters of schemes that are not ours, and what is to another scheme. */
static void a_location_is_seen_from_its_base(void **state)
{
    static const struct pair list[] = {
        {"http:h", "-"},
        {"g:h", "-"},
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q"},
        {"g#s", "http://a/b/c/g"},
        {"g?y#s", "http://a/b/c/g?y"},
        {";x", "http://a/b/c/;x"},
        {"g;x?y#s", "http://a/b/c/g;x?y"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"...", "http://a/b/c/..."},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"../..?y/../x", "http://a/?y/../x"},
        {"/a//../b", "http://a/a/b"},
        {"/a/..//b", "http://a//b"},
        {"/%2e%2e/b", "http://a/%2e%2e/b"},
        /* absolute */
        {"https://x/y", "https://x/y"},
        {"HTTP://x", "HTTP://x"},
        {"http://x/a/../b?c/../d#e", "http://x/b?c/../d"},
        {"http://x:81?q#e", "http://x:81?q"},
        {"//x:81/y/./z", "http://x:81/y/z"},
        {"//[::1]", "http://[::1]"},
        /* not */
        {"//", "-"},
        {"///g", "-"},
        {"//u@g", "-"},
        {"http://", "-"},
        {"http:///g", "-"},
        {"ftp://x/y", "-"},
        {"javascript:alert(1)", "-"},
        {"a:b", "-"},
        {"a1+z-z.z:b", "-"},
        {"Z9:b", "-"},
        {"1a:b", "http://a/b/c/1a:b"},
        {"a~b:c", "http://a/b/c/a~b:c"},
        {":b", "http://a/b/c/:b"},
        {"g h", "-"},
        {"/g\x7f", "-"},
        {"/\xc3\xa4", "-"},
    };
    static const struct pair bare[] = {
        {"g", "https://a:8/g"}, {"../g", "https://a:8/g"}, {".", "https://a:8/"},
        {"", "https://a:8"},    {"?y", "https://a:8?y"},   {"//x", "https://x"},
        {"/", "https://a:8/"},  {"..", "https://a:8/"},    {"http://x", "http://x"},
        {"#", "https://a:8"},
    };
    static const struct pair query[] = {
        {"g", "http://a/g"},
        {"", "http://a?q/r"},
        {"?y", "http://a?y"},
        {"/g", "http://a/g"},
    };

    (void)state;
    check_resolved("http://a/b/c/d;p?q", list, COUNT(list));
    check_resolved("https://a:8", bare, COUNT(bare));
    check_resolved("https://a:8#x/y", bare, COUNT(bare));
    check_resolved("http://a?q/r", query, COUNT(query));
    check_resolved("http://a/#f/", (struct pair[]){{"g", "http://a/g"}, {"", "http://a/"}}, 2);
    check_resolved("no url", (struct pair[]){{"http://a/", "-"}, {"", "-"}}, 2);
    assert_string_equal(resolved("http://a/", BYTES("/b\0c")), "-");
    assert_string_equal(resolved("http://a/", BYTES("\0")), "-");
    assert_string_equal(resolved("http://a/", (struct iot_bytes){NULL, 0}), "http://a/");
}

static void what_does_not_fit_is_refused(void **state)
{
    static char text[5000], base[IOT_HTTP_URL_MAX + 1];
    struct iot_bytes location = {(const uint8_t *)text, 0};

    (void)state;
    memset(text, 'b', sizeof text);
    location.len = IOT_HTTP_URL_MAX - 9;
    assert_int_equal(strlen(resolved("http://h/x", location)), IOT_HTTP_URL_MAX);
    assert_int_equal(strlen(resolved("http://h", location)), IOT_HTTP_URL_MAX);
    location.len++;
    assert_string_equal(resolved("http://h/x", location), "-");
    assert_string_equal(resolved("http://h", location), "-");
    location.len = sizeof text;
    assert_string_equal(resolved("http://h/x", location), "-");
    fill_url(text, sizeof text);
    location.len = IOT_HTTP_URL_MAX;
    assert_int_equal(strlen(resolved("http://h/x", location)), IOT_HTTP_URL_MAX);
    location.len = IOT_HTTP_URL_MAX + 1;
    assert_string_equal(resolved("http://h/x", location), "-");
    /* A fragment is cut off before. */
    text[IOT_HTTP_URL_MAX] = '#';
    assert_int_equal(strlen(resolved("http://h/x", location)), IOT_HTTP_URL_MAX);

    fill_url(base, IOT_HTTP_URL_MAX);
    assert_string_equal(resolved(base, BYTES("?")), "-");
    assert_string_equal(resolved(base, BYTES("x")), "http://h/x");
    assert_string_equal(resolved(base, BYTES("")), base);
}

/* Whatever comes, what was made is a URL without dots in its path, the same in place, and nothing is written behind it
 * (resolved() and the sanitizers look). */
static void anything_may_be_resolved(void **state)
{
    static const char letters[] = "//..../?#:@[]ab0http% ";
    uint32_t chance = test_seed();

    (void)state;
    for (int round = 0; round < 30000; round++) {
        char base[64] = "http://h/", text[40];
        uint32_t n = test_random(&chance, 30), m = test_random(&chance, 20);

        for (uint32_t i = 0; i < n; i++)
            text[i] = letters[test_random(&chance, sizeof letters - 1)];
        for (uint32_t i = 0; i < m; i++)
            base[9 + i] = letters[test_random(&chance, sizeof letters - 1)];
        const char *got = resolved(base, (struct iot_bytes){(const uint8_t *)text, n});
        if (strcmp(got, "-") == 0)
            continue;
        struct iot_http_url url;
        assert_err(iot_http_url_read(got, &url), IOT_OK);
        char path[600];
        snprintf(path, sizeof path, "%.*s/", (int)url.path.len, (const char *)url.path.ptr);
        if (strstr(path, "/./") != NULL || strstr(path, "/../") != NULL)
            fail_msg("%s + %.*s: %s", base, (int)n, text, got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_taken_apart),
        cmocka_unit_test(what_is_no_url_is_refused),
        cmocka_unit_test(the_longest_is_taken_and_one_byte_more_is_not),
        cmocka_unit_test(a_location_is_seen_from_its_base),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(anything_may_be_resolved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

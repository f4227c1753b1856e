/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a certificate is for: by its subjectAltName, read by mbedTLS and judged by us. The certificates are one
 * that openssl made, with other names put into it (nobody looks at its signature here). */
#include "test.h"

#include "certs.h"
#include "tls/iot_tls_mbedtls.h"

#define DER_MAX 1024u
#define EMAIL   1 /* RFC 5280, section 4.2.1.6: GeneralName */
#define DNS     2
#define URI     6
#define IP      7

struct san {
    uint8_t kind; /* 0: none */
    struct iot_bytes value;
};

/* ---- DER --------------------------------------------------------------------------------- */

/* Of what lies at `p`, its header included. */
static uint32_t size_at(const uint8_t *p)
{
    if (p[1] < 0x80)
        return 2u + p[1];
    return p[1] == 0x81 ? 3u + p[2] : 4u + ((uint32_t)p[2] << 8 | p[3]);
}

static uint32_t header_at(const uint8_t *p)
{
    return p[1] < 0x80 ? 2 : p[1] == 0x81 ? 3 : 4;
}

/* Put a header before the `n` bytes at `p`; how many there are then. */
static uint32_t wrap(uint8_t *p, uint32_t n, uint8_t tag)
{
    uint8_t head[4] = {tag, (uint8_t)n, 0, 0};
    uint32_t len = 2;
    if (n >= 0x80) {
        len = n < 0x100 ? 3 : 4;
        head[1] = len == 3 ? 0x81 : 0x82;
        head[2] = (uint8_t)(len == 3 ? n : n >> 8);
        head[3] = (uint8_t)n;
    }
    assert_true(n + len <= DER_MAX);
    memmove(p + len, p, n);
    memcpy(p, head, len);
    return n + len;
}

static uint32_t put(uint8_t *p, struct iot_bytes b)
{
    if (b.len != 0)
        memcpy(p, b.ptr, b.len);
    return b.len;
}

/* The extension with `count` names; none is an empty list. */
static uint32_t put_sans(uint8_t *p, const struct san *sans, uint32_t count)
{
    static const uint8_t oid[] = {6, 3, 0x55, 0x1d, 0x11};
    uint8_t value[DER_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        put(value + n, sans[i].value);
        n += wrap(value + n, sans[i].value.len, (uint8_t)(0x80 | sans[i].kind));
    }
    n = wrap(value, n, 0x30);
    n = wrap(value, n, 0x04);
    memcpy(p, oid, sizeof oid);
    memcpy(p + sizeof oid, value, n);
    return wrap(p, n + (uint32_t)sizeof oid, 0x30);
}

/* cert_edge with these extensions and no others; all that stands behind the key is replaced but the signature.
 * No extension: `len` 0. */
static struct iot_bytes certificate(uint8_t der[DER_MAX], const uint8_t *extension, uint32_t len)
{
    const uint8_t *tbs = cert_edge.ptr + header_at(cert_edge.ptr), *at = tbs + header_at(tbs);
    uint8_t exts[DER_MAX];
    uint32_t n, all;

    while (*at != 0xa3) /* [3], the extensions */
        at += size_at(at);
    n = put(der, (struct iot_bytes){tbs + header_at(tbs), (uint32_t)(at - tbs) - header_at(tbs)});
    if (len != 0) {
        memcpy(exts, extension, len);
        all = wrap(exts, wrap(exts, len, 0x30), 0xa3);
        n += put(der + n, (struct iot_bytes){exts, all});
    }
    n = wrap(der, n, 0x30);
    at = tbs + size_at(tbs); /* algorithm and signature */
    n += put(der + n, (struct iot_bytes){at, cert_edge.len - (uint32_t)(at - cert_edge.ptr)});
    return (struct iot_bytes){der, wrap(der, n, 0x30)};
}

static bool is_for(struct iot_bytes der, const char *name)
{
    static uint8_t room[8192] __attribute__((aligned(8)));
    struct iot_arena arena;
    mbedtls_x509_crt crt;

    assert_true(iot_arena_init(&arena, room, sizeof room));
    iot_arena_enter(&arena);
    mbedtls_x509_crt_init(&crt);
    assert_int_equal(mbedtls_x509_crt_parse_der_nocopy(&crt, der.ptr, der.len), 0);
    bool yes = iot_tls_is_for(&crt, name);
    mbedtls_x509_crt_free(&crt);
    assert_int_equal(arena.used + arena.failed, 0);
    iot_arena_enter(NULL);
    return yes;
}

static bool sans_are_for(const struct san *sans, uint32_t count, const char *name)
{
    uint8_t extension[DER_MAX], der[DER_MAX];
    uint32_t n = put_sans(extension, sans, count);
    return is_for(certificate(der, extension, n), name);
}

/* ---- One name in the certificate --------------------------------------------------------- */

struct row {
    struct san san;
    const char *name;
    bool fits;
};

static void check(const struct row *rows, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        bool fits = sans_are_for(&rows[i].san, 1, rows[i].name);
        if (fits != rows[i].fits)
            fail_msg("row %u: %s is %s", (unsigned)i, rows[i].name,
                     fits ? "taken for it" : "refused");
    }
}

static void a_name_is_looked_for_among_dns_names(void **state)
{
    static const struct row rows[] = {
        {{DNS, BYTES("a.example")}, "a.example", true},
        {{DNS, BYTES("A.ExamplE")}, "a.eXample", true},
        {{DNS, BYTES("a.example")}, "a.example.", true}, /* complete, it says */
        {{DNS, BYTES("a.example")}, "b.example", false},
        {{DNS, BYTES("a.example")}, "a.exampl", false},
        {{DNS, BYTES("a.exampl")}, "a.example", false},
        {{DNS, BYTES("a.example")}, "x.a.example", false},
        {{DNS, BYTES("a.example")}, "", false},
        {{DNS, BYTES("")}, "a.example", false},
        {{DNS, BYTES("a@example")}, "a`example", false}, /* case is that of letters */
        {{DNS, BYTES("a[example")}, "a{example", false},
        {{DNS, BYTES("localhost")}, "localhost", true},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void a_name_with_a_nul_in_it_is_another_name(void **state)
{
    static const struct row rows[] = {
        {{DNS, BYTES("a.example\0")}, "a.example", false},
        {{DNS, BYTES("a.example\0.evil.example")}, "a.example", false},
        {{DNS, BYTES("a.example\0.evil.example")}, "a.example.evil.example", false},
        {{DNS, BYTES("*.example\0.evil.example")}, "a.example", false},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void nothing_but_a_dns_name_does_for_a_name(void **state)
{
    static const struct row rows[] = {
        {{URI, BYTES("a.example")}, "a.example", false},
        {{URI, BYTES("mqtts://a.example")}, "a.example", false},
        {{EMAIL, BYTES("a.example")}, "a.example", false},
        {{EMAIL, BYTES("me@a.example")}, "a.example", false},
        {{IP, BYTES("a.ex")}, "a.ex", false},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void a_wildcard_is_the_whole_first_label(void **state)
{
    static const struct row rows[] = {
        {{DNS, BYTES("*.a.example")}, "x.a.example", true},
        {{DNS, BYTES("*.A.example")}, "X.a.EXAMPLE.", true},
        {{DNS, BYTES("*.a.example")}, "y.x.a.example", false},
        {{DNS, BYTES("*.a.example")}, "a.example", false},
        {{DNS, BYTES("*.a.example")}, ".a.example", false},
        {{DNS, BYTES("*.a.example")}, "x.b.example", false},
        {{DNS, BYTES("*.a.example")}, "xa.example", false},
        {{DNS, BYTES("*.example")}, "x.example", false}, /* all of a top domain */
        {{DNS, BYTES("*.example.")}, "x.example", false},
        {{DNS, BYTES("*.")}, "x.", false},
        {{DNS, BYTES("*")}, "x", false},
        {{DNS, BYTES("*..")}, "x..", false},
        {{DNS, BYTES("*.*.example")}, "x.y.example", false},
        {{DNS, BYTES("x*.a.example")}, "xy.a.example", false},
        {{DNS, BYTES("*x.a.example")}, "yx.a.example", false},
        {{DNS, BYTES("x.*.example")}, "x.a.example", false},
        {{URI, BYTES("*.a.example")}, "x.a.example", false},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void an_address_is_looked_for_among_addresses(void **state)
{
    static const struct row rows[] = {
        {{IP, BYTES("\xc0\0\2\1")}, "192.0.2.1", true},
        {{IP, BYTES("\xc0\0\2\1")}, "192.0.2.2", false},
        {{IP, BYTES("\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1")}, "2001:db8::1", true},
        {{IP, BYTES("\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1")}, "2001:DB8:0:0:0:0:0:1", true},
        {{IP, BYTES("\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1")}, "2001:db8::2", false},
        /* as many bytes as it takes, but not the same kind of address */
        {{IP, BYTES("\xc0\0\2\1")}, "c000:201::", false},
        {{IP, BYTES("\xc0\0\2\1\0\0\0\0\0\0\0\0\0\0\0\0")}, "192.0.2.1", false},
    };
    (void)state;
    check(rows, COUNT(rows));
}

static void nothing_but_an_address_does_for_an_address(void **state)
{
    static const struct row rows[] = {
        {{DNS, BYTES("192.0.2.1")}, "192.0.2.1", false},
        {{DNS, BYTES("*.0.2.1")}, "192.0.2.1", false},
        {{DNS, BYTES("\xc0\0\2\1")}, "192.0.2.1", false},
        {{DNS, BYTES("2001:db8::1")}, "2001:db8::1", false},
        {{URI, BYTES("192.0.2.1")}, "192.0.2.1", false},
        {{URI, BYTES("\xc0\0\2\1")}, "192.0.2.1", false},
    };
    (void)state;
    check(rows, COUNT(rows));
}

/* ---- None, and several ------------------------------------------------------------------- */

static void one_of_several_names_is_enough(void **state)
{
    static const struct san sans[] = {
        {URI, BYTES("u.example")}, {DNS, BYTES("a.example")}, {EMAIL, BYTES("m@c.example")},
        {DNS, BYTES("*.d.org")},   {IP, BYTES("\x0a\0\2\2")},
    };
    static const struct {
        const char *name;
        bool fits;
    } rows[] = {
        {"a.example", true}, {"x.d.org", true},    {"10.0.2.2", true},
        {"10.0.2.3", false}, {"u.example", false}, {"c.example", false},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(sans_are_for(sans, COUNT(sans), rows[i].name), rows[i].fits);
}

static void an_empty_list_of_names_is_for_nobody(void **state)
{
    static const char *const names[] = {"a.example", "192.0.2.1", "", "."};
    (void)state;
    for (uint32_t i = 0; i < COUNT(names); i++)
        assert_false(sans_are_for(NULL, 0, names[i]));
}

static void a_certificate_without_names_is_for_nobody(void **state)
{
    static const char *const names[] = {"a.example", "192.0.2.1", "", "."};
    uint8_t der[DER_MAX];
    (void)state;
    for (uint32_t i = 0; i < COUNT(names); i++) {
        assert_false(is_for(cert_cn, names[i])); /* its common name is a.example */
        assert_false(is_for(certificate(der, NULL, 0), names[i]));
    }
}

static void what_openssl_made_is_read_as_what_is_made_here(void **state)
{
    static const struct san as_openssl[] = {{DNS, BYTES("a.example")}};
    uint8_t extension[DER_MAX];
    (void)state;
    assert_true(is_for(cert_edge, "a.example"));
    assert_false(is_for(cert_edge, "b.example"));
    uint32_t n = put_sans(extension, as_openssl, 1);
    uint32_t at = 0;
    while (at + n < cert_edge.len && memcmp(cert_edge.ptr + at, extension, n) != 0)
        at++;
    assert_true(at + n < cert_edge.len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_looked_for_among_dns_names),
        cmocka_unit_test(a_name_with_a_nul_in_it_is_another_name),
        cmocka_unit_test(nothing_but_a_dns_name_does_for_a_name),
        cmocka_unit_test(a_wildcard_is_the_whole_first_label),
        cmocka_unit_test(an_address_is_looked_for_among_addresses),
        cmocka_unit_test(nothing_but_an_address_does_for_an_address),
        cmocka_unit_test(one_of_several_names_is_enough),
        cmocka_unit_test(an_empty_list_of_names_is_for_nobody),
        cmocka_unit_test(a_certificate_without_names_is_for_nobody),
        cmocka_unit_test(what_openssl_made_is_read_as_what_is_made_here),
    };
    return cmocka_run_group_tests_name("tls_name", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The stateless cookie of a DTLS server: what is a ClientHello, and who gets which answer. */
#include "test.h"

#include "tls/iot_tls_cookie.h"

static const uint8_t secret[16] = "sixteen secrets", other[16] = "sixteen  others";
#define HERE  BYTES("HERE, port 1")
#define THERE BYTES("HERE, port 2")

struct question {
    uint8_t bytes[400];
    uint32_t len;
};

static void put(struct question *q, const void *bytes, uint32_t n)
{
    if (n != 0)
        memcpy(q->bytes + q->len, bytes, n);
    q->len += n;
}

static void put_number(struct question *q, uint32_t value, uint32_t width)
{
    while (width-- != 0) {
        uint8_t b = (uint8_t)(value >> 8 * width);
        put(q, &b, 1);
    }
}

/* As a client asks; `more` bytes of extensions. */
static struct question ask(uint32_t session, struct iot_bytes cookie, uint32_t more)
{
    struct question q = {.len = 0};
    uint32_t body = 2 + 32 + 1 + session + 1 + cookie.len + 2 + 4 + 1 + 1 + more;
    put_number(&q, 22, 1);
    put_number(&q, 0xfefd, 2);
    put_number(&q, 0, 2); /* epoch */
    put_number(&q, 0x0102, 2);
    put_number(&q, 0x03040506, 4);
    put_number(&q, 12 + body, 2);
    put_number(&q, 1, 1);
    put_number(&q, body, 3);
    put_number(&q, cookie.len != 0, 2); /* message */
    put_number(&q, 0, 3);
    put_number(&q, body, 3);
    put_number(&q, 0xfefd, 2);
    for (uint32_t i = 0; i < 32; i++)
        put_number(&q, 0x40 + i, 1);
    put_number(&q, session, 1);
    for (uint32_t i = 0; i < session; i++)
        put_number(&q, i, 1);
    put_number(&q, cookie.len, 1);
    put(&q, cookie.ptr, cookie.len);
    put_number(&q, 4, 2);
    put_number(&q, 0xc0a800a8, 4);
    put_number(&q, 0x0100, 2);
    for (uint32_t i = 0; i < more; i++)
        put_number(&q, 0xe0 + i, 1);
    return q;
}

static uint8_t answer[IOT_TLS_HELLO_VERIFY_BYTES];

static enum iot_tls_hello look(const struct question *q, uint32_t len, const uint8_t *with,
                               struct iot_bytes peer)
{
    memset(answer, 0xa5, sizeof answer);
    return iot_tls_hello(guarded((struct iot_bytes){q->bytes, len}), with, peer, answer);
}

static struct iot_bytes cookie_of(uint32_t session, uint32_t more)
{
    static uint8_t kept[IOT_TLS_COOKIE_BYTES];
    struct question q = ask(session, (struct iot_bytes){NULL, 0}, more);
    assert_int_equal(look(&q, q.len, secret, HERE), IOT_TLS_HELLO_ASK);
    memcpy(kept, answer + sizeof answer - sizeof kept, sizeof kept);
    return (struct iot_bytes){kept, sizeof kept};
}

static void a_question_is_answered_by_a_question_of_its_own_numbers(void **state)
{
    static const uint8_t front[] = {22,   0xfe, 0xff, 0,  0, 1, 2, 3, 4, 5, 6, 0,
                                    31,                                            /* the record */
                                    3,    0,    0,    19, 0, 0, 0, 0, 0, 0, 0, 19, /* the message */
                                    0xfe, 0xff, 16};
    (void)state;
    struct question q = ask(0, (struct iot_bytes){NULL, 0}, 0);
    assert_int_equal(look(&q, q.len, secret, HERE), IOT_TLS_HELLO_ASK);
    assert_memory_equal(answer, front, sizeof front);
    assert_int_equal(sizeof front + IOT_TLS_COOKIE_BYTES, sizeof answer);
    assert_true(sizeof answer < q.len);
}

static void its_cookie_proves_the_peer(void **state)
{
    (void)state;
    for (uint32_t session = 0; session <= 32; session += 8)
        for (uint32_t more = 0; more <= 64; more += 16) {
            struct question q = ask(session, cookie_of(session, more), more);
            assert_int_equal(look(&q, q.len, secret, HERE), IOT_TLS_HELLO_PROVEN);
            for (uint32_t i = 0; i < sizeof answer; i++)
                assert_int_equal(answer[i], 0xa5);
            assert_int_equal(look(&q, q.len, secret, THERE), IOT_TLS_HELLO_ASK);
            assert_int_equal(look(&q, q.len, other, HERE), IOT_TLS_HELLO_ASK);
        }
}

/* Extensions are not part of it: RFC 6347 4.2.1 names what is. */
static void what_is_asked_for_is_part_of_it(void **state)
{
    (void)state;
    struct question q = ask(4, cookie_of(4, 16), 16);
    for (uint32_t at = 0; at < q.len; at++) {
        struct question forged = q;
        forged.bytes[at] ^= 1;
        enum iot_tls_hello got = look(&forged, q.len, secret, HERE);
        bool numbers = (at >= 5 && at < 11) || at == 2 || at == 17 || at == 18;
        bool extensions = at >= q.len - 16;
        if (numbers || extensions)
            assert_int_equal(got, IOT_TLS_HELLO_PROVEN);
        else
            assert_int_not_equal(got, IOT_TLS_HELLO_PROVEN);
    }
}

static void a_cookie_of_another_length_is_none(void **state)
{
    (void)state;
    uint8_t longer[IOT_TLS_COOKIE_BYTES + 1] = {0};
    memcpy(longer, cookie_of(0, 0).ptr, IOT_TLS_COOKIE_BYTES);
    for (uint32_t n = 0; n <= sizeof longer; n++) {
        struct question q = ask(0, (struct iot_bytes){longer, n}, 0);
        assert_int_equal(look(&q, q.len, secret, HERE),
                         n == IOT_TLS_COOKIE_BYTES ? IOT_TLS_HELLO_PROVEN : IOT_TLS_HELLO_ASK);
    }
}

static void what_is_cut_is_none(void **state)
{
    (void)state;
    struct question q = ask(32, cookie_of(32, 8), 8);
    for (uint32_t n = 0; n < q.len; n++)
        assert_int_equal(look(&q, n, secret, HERE), IOT_TLS_HELLO_NONE);
}

/* Also cut inside: all lengths fit each other, but for the body, which ends early. */
static void a_body_that_ends_early_is_none(void **state)
{
    (void)state;
    struct question q = ask(32, cookie_of(32, 0), 0);
    for (uint32_t n = 0; n < q.len - 25; n++) {
        struct question cut = q;
        cut.bytes[11] = 0, cut.bytes[12] = (uint8_t)(12 + n);
        cut.bytes[14] = cut.bytes[15] = 0, cut.bytes[16] = (uint8_t)n;
        cut.bytes[22] = cut.bytes[23] = 0, cut.bytes[24] = (uint8_t)n;
        assert_int_equal(look(&cut, q.len, secret, HERE), IOT_TLS_HELLO_NONE);
        assert_int_equal(look(&cut, 25 + n, secret, HERE), IOT_TLS_HELLO_NONE);
    }
}

static void what_is_no_whole_hello_at_the_beginning_is_none(void **state)
{
    static const struct {
        uint8_t at, value;
    } bad[] = {
        {0, 21},  {0, 23}, {1, 3}, /* another record */
        {3, 1},   {4, 1},          /* another epoch */
        {13, 2},  {13, 0},         /* another message */
        {21, 1},  {19, 1},         /* a fragment: not the first */
        {24, 10}, {22, 1},         /* ... or not all */
        {16, 10}, {14, 1},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(bad); i++) {
        struct question q = ask(0, cookie_of(0, 0), 0);
        q.bytes[bad[i].at] = bad[i].value;
        assert_int_equal(look(&q, q.len, secret, HERE), IOT_TLS_HELLO_NONE);
    }
}

static void garbage_is_none(void **state)
{
    (void)state;
    uint32_t chance = 1;
    for (uint32_t i = 0; i < 20000; i++) {
        struct question q = ask(i % 33, cookie_of(i % 33, i % 20), i % 20);
        for (uint32_t n = 0; n < 1 + i % 4; n++) {
            chance = chance * 1664525u + 1013904223u;
            q.bytes[25 + (chance >> 8) % (q.len - 25)] = (uint8_t)(chance >> 24);
        }
        (void)look(&q, (chance >> 5) % (q.len + 1), secret, HERE);
        (void)look(&q, q.len, secret, HERE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_answered_by_a_question_of_its_own_numbers),
        cmocka_unit_test(its_cookie_proves_the_peer),
        cmocka_unit_test(what_is_asked_for_is_part_of_it),
        cmocka_unit_test(a_cookie_of_another_length_is_none),
        cmocka_unit_test(what_is_cut_is_none),
        cmocka_unit_test(a_body_that_ends_early_is_none),
        cmocka_unit_test(what_is_no_whole_hello_at_the_beginning_is_none),
        cmocka_unit_test(garbage_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "fuzz/coap_one.h"

static struct iot_bytes hex_bytes(const char *hex)
{
    static uint8_t room[512][128];
    static int turn;
    uint8_t *into = room[turn++ % 512];

    return (struct iot_bytes){into, from_hex(hex, into, 128)};
}

static iot_err decode(const char *hex, struct iot_coap_message *m)
{
    return iot_coap_decode(guarded(hex_bytes(hex)), m);
}

/* "11=6162 12= ..." */
static const char *options_of(struct iot_bytes options)
{
    static char text[2048];
    struct iot_coap_cursor at = {options, 0};
    struct iot_coap_option o;
    size_t n = 0;

    text[0] = '\0';
    while (iot_coap_next(&at, &o)) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%u=", n != 0 ? " " : "", o.number);
        to_hex(o.value, text + n, sizeof text - n);
        n += strlen(text + n);
    }
    assert_int_equal(at.rest.len, 0);
    return text;
}

/* ---- RFC 7252 ------------------------------------------------------------------------------ */

/* Appendix A: figures 16 to 20, and what section 4.2 and 4.3 need. */
static const struct vector {
    const char *hex;
    uint8_t type, code;
    uint16_t id;
    const char *token, *options, *payload;
} vectors[] = {
    /* figure 16: GET /temperature, its 2.05 in the acknowledgement */
    {"40 01 7d34 bb 74656d7065726174757265", IOT_COAP_CON, 0x01, 0x7d34, "",
     "11=74656d7065726174757265", ""},
    {"60 45 7d34 ff 32322e332043", IOT_COAP_ACK, 0x45, 0x7d34, "", "", "32322e332043"},
    /* figure 17: with a token of one byte */
    {"41 01 7d35 20 bb 74656d7065726174757265", IOT_COAP_CON, 0x01, 0x7d35, "20",
     "11=74656d7065726174757265", ""},
    {"61 45 7d35 20 ff 32322e332043", IOT_COAP_ACK, 0x45, 0x7d35, "20", "", "32322e332043"},
    /* figure 20: separate */
    {"41 01 7d38 53 bb 74656d7065726174757265", IOT_COAP_CON, 0x01, 0x7d38, "53",
     "11=74656d7065726174757265", ""},
    {"60 00 7d38", IOT_COAP_ACK, 0, 0x7d38, "", "", ""},
    {"41 45 ad7b 53 ff 32322e332043", IOT_COAP_CON, 0x45, 0xad7b, "53", "", "32322e332043"},
    {"60 00 ad7b", IOT_COAP_ACK, 0, 0xad7b, "", "", ""},
    /* figure 22: a reset */
    {"70 00 ad7c", IOT_COAP_RST, 0, 0xad7c, "", "", ""},
    /* figure 23: non-confirmable */
    {"51 01 7d40 75 bb 74656d7065726174757265", IOT_COAP_NON, 0x01, 0x7d40, "75",
     "11=74656d7065726174757265", ""},
    {"51 45 ad7e 75 ff 32322e332043", IOT_COAP_NON, 0x45, 0xad7e, "75", "", "32322e332043"},
    /* a ping */
    {"40 00 ffff", IOT_COAP_CON, 0, 0xffff, "", "", ""},
    /* repeated options, numbers of one and two bytes more, all lengths of a token */
    {"48 03 0001 0102030405060708 b1 61 00 01 62 11 32 d1 04 11 e1 0b00 00 ff 00", IOT_COAP_CON,
     0x03, 1, "0102030405060708", "11=61 11= 11=62 12=32 29=11 3114=00", "00"},
    {"44 01 0000 deadbeef", IOT_COAP_CON, 1, 0, "deadbeef", "", ""},
    /* Observe 0 is empty; a marker within values is none */
    {"40 01 0000 60 52 ffff ff ff", IOT_COAP_CON, 1, 0, "", "6= 11=ffff", "ff"},
    /* code classes are judged elsewhere */
    {"40 3f 0000", IOT_COAP_CON, 0x3f, 0, "", "", ""},
    {"40 ff 0000", IOT_COAP_CON, 0xff, 0, "", "", ""},
};

static void check_vector(const struct vector *v, const struct iot_coap_message *m)
{
    assert_int_equal(m->type, v->type);
    assert_int_equal(m->code, v->code);
    assert_int_equal(m->id, v->id);
    assert_bytes(m->token, hex_bytes(v->token));
    assert_bytes(m->payload, hex_bytes(v->payload));
    assert_string_equal(options_of(m->options), v->options);
}

static void messages_of_the_rfc_are_read(void **state)
{
    struct iot_coap_message m;

    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        assert_err(decode(vectors[i].hex, &m), IOT_OK);
        check_vector(&vectors[i], &m);
    }
}

static void messages_of_the_rfc_are_written(void **state)
{
    uint8_t into[64];

    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        const struct vector *v = &vectors[i];
        struct iot_bytes whole = hex_bytes(v->hex);
        struct iot_coap_message m;
        struct iot_coap_cursor at;
        struct iot_coap_option o;
        struct iot_coap_encoder e;
        assert_err(iot_coap_decode(whole, &m), IOT_OK);
        at = (struct iot_coap_cursor){m.options, 0};
        /* no byte more than it needs, and no byte behind it is touched */
        memset(into, 0xa5, sizeof into);
        iot_coap_encode(&e, into, whole.len, v->type, v->code, v->id, m.token);
        while (iot_coap_next(&at, &o))
            iot_coap_put(&e, o.number, o.value);
        iot_coap_put_payload(&e, m.payload);
        assert_false(e.overflow);
        assert_bytes(((struct iot_bytes){into, e.len}), whole);
        for (size_t k = whole.len; k < sizeof into; k++)
            assert_int_equal(into[k], 0xa5);
    }
}

/* ---- Cut ----------------------------------------------------------------------------------- */

/* What of a message may end at byte `n`: at the end of the token, of each option, of a payload of one byte or more. */
static bool may_end(const struct vector *v, uint32_t n)
{
    struct iot_bytes whole = hex_bytes(v->hex);
    uint32_t token = hex_bytes(v->token).len, payload = hex_bytes(v->payload).len;
    uint32_t begin = 4 + token, end = whole.len - payload - (payload != 0);
    struct iot_coap_cursor at = {{whole.ptr + begin, end - begin}, 0};
    struct iot_coap_option o;

    if (n == begin || (payload != 0 && n > end + 1))
        return true;
    while (iot_coap_next(&at, &o))
        if (n == end - at.rest.len)
            return true;
    return false;
}

static void a_message_that_is_cut_is_read_only_where_it_may_end(void **state)
{
    struct iot_coap_message m;

    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct iot_bytes whole = hex_bytes(vectors[i].hex);
        for (uint32_t n = 0; n <= whole.len; n++) {
            iot_err err = iot_coap_decode(guarded((struct iot_bytes){whole.ptr, n}), &m);
            iot_err want = n < 4                     ? IOT_ERR_STATE
                           : may_end(&vectors[i], n) ? IOT_OK
                                                     : IOT_ERR_COAP_FORMAT;
            if (err != want)
                fail_msg("%s, %u bytes: %s", vectors[i].hex, (unsigned)n, iot_err_name(err));
            if (n < 4)
                continue;
            assert_int_equal(m.type, vectors[i].type);
            assert_int_equal(m.id, vectors[i].id);
        }
    }
}

/* ---- Head ---------------------------------------------------------------------------------- */

static void other_versions_are_ignored(void **state)
{
    struct iot_coap_message m;

    (void)state;
    assert_err(decode("00 01 0000", &m), IOT_ERR_STATE);
    assert_err(decode("80 01 0000", &m), IOT_ERR_STATE);
    assert_err(decode("c0 01 0000", &m), IOT_ERR_STATE);
    /* ... before anything else is looked at */
    assert_err(decode("8f 00 0000 ff", &m), IOT_ERR_STATE);
    assert_err(decode("40 01 0000", &m), IOT_OK);
}

static void a_token_has_eight_bytes_at_most(void **state)
{
    struct iot_coap_message m;
    uint8_t in[4 + 16] = {0, 1, 0x12, 0x34};

    (void)state;
    for (uint32_t type = 0; type < 4; type++)
        for (uint32_t len = 0; len < 16; len++)
            for (uint32_t there = 0; there <= 16; there++) {
                in[0] = (uint8_t)(0x40 | type << 4 | len);
                iot_err err = iot_coap_decode(guarded((struct iot_bytes){in, 4 + there}), &m);
                /* zeros behind it are options of number 0 without a value */
                assert_err(err, len <= 8 && len <= there ? IOT_OK : IOT_ERR_COAP_FORMAT);
                assert_int_equal(m.type, type);
                assert_int_equal(m.id, 0x1234);
                if (err == IOT_OK) {
                    assert_int_equal(m.token.len, len);
                    assert_int_equal(m.options.len, there - len);
                }
            }
}

static void an_empty_message_has_nothing_behind_its_id(void **state)
{
    struct iot_coap_message m;

    (void)state;
    for (uint32_t type = 0; type < 4; type++) {
        uint8_t in[5] = {(uint8_t)(0x40 | type << 4), 0, 0xab, 0xcd, 0};
        assert_err(iot_coap_decode((struct iot_bytes){in, 4}, &m), IOT_OK);
        assert_int_equal(m.token.len + m.options.len + m.payload.len, 0);
        assert_err(iot_coap_decode((struct iot_bytes){in, 5}, &m), IOT_ERR_COAP_FORMAT);
        assert_int_equal(m.type, type);
        assert_int_equal(m.id, 0xabcd);
        in[0] |= 1; /* a token, there or not */
        assert_err(iot_coap_decode((struct iot_bytes){in, 5}, &m), IOT_ERR_COAP_FORMAT);
        assert_err(iot_coap_decode((struct iot_bytes){in, 4}, &m), IOT_ERR_COAP_FORMAT);
    }
    assert_err(decode("40 00 0000 ff 01", &m), IOT_ERR_COAP_FORMAT);
    assert_err(decode("40 00 0000 ff", &m), IOT_ERR_COAP_FORMAT);
}

/* ---- Options ------------------------------------------------------------------------------- */

/* What each nibble can mean, written down once more. */
static bool naive(uint32_t nibble, uint32_t more, uint32_t *bytes, uint32_t *value)
{
    *bytes = nibble == 13 ? 1 : nibble == 14 ? 2 : 0;
    *value = nibble == 13 ? 13 + (more & 255) : nibble == 14 ? 269 + (more & 65535) : nibble;
    return nibble != 15;
}

static void every_pair_of_nibbles_is_read_or_refused(void **state)
{
    static const uint32_t mores[] = {0, 1, 255, 256, 65266, 65267, 65535};
    static uint8_t in[4 + 5 + 65535 + 269];
    struct iot_coap_message m;

    (void)state;
    memcpy(in, "\x40\x01\x00\x00", 4);
    for (uint32_t pair = 0; pair < 0xff; pair++) /* ff is the marker */
        for (size_t a = 0; a < COUNT(mores); a++)
            for (size_t b = 0; b < COUNT(mores); b++) {
                uint32_t nd, nl, delta, len, n = 4;
                bool good = naive(pair >> 4, mores[a], &nd, &delta);
                good = naive(pair & 15, mores[b], &nl, &len) && good;
                in[n++] = (uint8_t)pair;
                for (uint32_t i = nd; i-- > 0;)
                    in[n++] = (uint8_t)(mores[a] >> 8 * i);
                for (uint32_t i = nl; i-- > 0;)
                    in[n++] = (uint8_t)(mores[b] >> 8 * i);
                good = good && delta <= 65535;
                struct iot_bytes whole = guarded((struct iot_bytes){in, n + len});
                assert_err(iot_coap_decode(whole, &m), good ? IOT_OK : IOT_ERR_COAP_FORMAT);
                if (good) {
                    struct iot_coap_cursor at = {m.options, 0};
                    struct iot_coap_option o;
                    assert_true(iot_coap_next(&at, &o));
                    assert_int_equal(o.number, delta);
                    assert_int_equal(o.value.len, len);
                    assert_ptr_equal(o.value.ptr, whole.ptr + n);
                    assert_false(iot_coap_next(&at, &o));
                }
                /* a byte less, each byte less of the head */
                for (uint32_t k = 1; k <= (len != 0) + n - 5; k++) {
                    uint32_t cut = len != 0 ? (k == 1 ? n + len - 1 : n + 1 - k) : n - k;
                    whole = guarded((struct iot_bytes){in, cut});
                    assert_err(iot_coap_decode(whole, &m), IOT_ERR_COAP_FORMAT);
                }
            }
}

static void numbers_end_at_65535(void **state)
{
    struct iot_coap_message m;

    (void)state;
    assert_err(decode("40 01 0000 e0 fef2", &m), IOT_OK);
    assert_string_equal(options_of(m.options), "65535=");
    assert_err(decode("40 01 0000 e0 fef3", &m), IOT_ERR_COAP_FORMAT);
    assert_err(decode("40 01 0000 e0 fef2 00", &m), IOT_OK);
    assert_err(decode("40 01 0000 e0 fef2 10", &m), IOT_ERR_COAP_FORMAT);
    assert_err(decode("40 01 0000 e0 fef1 10", &m), IOT_OK);
    assert_err(decode("40 01 0000 e0 fef2 e0 ffff", &m), IOT_ERR_COAP_FORMAT);
    assert_err(decode("40 01 0000 e0 7fff e0 7fff", &m), IOT_ERR_COAP_FORMAT);
}

static void a_payload_marker_wants_a_payload(void **state)
{
    struct iot_coap_message m;

    (void)state;
    assert_err(decode("40 01 0000 ff", &m), IOT_ERR_COAP_FORMAT);
    assert_err(decode("41 01 0000 00 ff", &m), IOT_ERR_COAP_FORMAT);
    assert_err(decode("40 01 0000 b1 61 ff", &m), IOT_ERR_COAP_FORMAT);
    assert_err(decode("40 01 0000 ff 00", &m), IOT_OK);
    assert_int_equal(m.payload.len, 1);
    assert_err(decode("40 01 0000 ff ff", &m), IOT_OK);
    assert_int_equal(m.payload.len, 1);
}

/* Options that were not decoded: nothing behind their end is read. */
static void walking_ends_where_options_end_or_break(void **state)
{
    static const char *const list[] = {"",     "ff", "f0",   "0f", "d0",
                                       "e000", "0d", "0e00", "01", "e0ffff"};
    struct iot_coap_option o;

    (void)state;
    for (size_t i = 0; i < COUNT(list); i++) {
        struct iot_coap_cursor at = {guarded(hex_bytes(list[i])), 0};
        assert_false(iot_coap_next(&at, &o));
        assert_false(iot_coap_next(&at, &o));
    }
    struct iot_coap_cursor at = {guarded(hex_bytes("b1 61 ff 62")), 0};
    assert_true(iot_coap_next(&at, &o));
    assert_false(iot_coap_next(&at, &o));
}

/* ---- Values -------------------------------------------------------------------------------- */

static uint32_t uint_of(const char *hex)
{
    struct iot_coap_option o = {0, guarded(hex_bytes(hex))};
    return iot_coap_uint(&o);
}

static void numbers_of_0_to_4_bytes_are_read(void **state)
{
    (void)state;
    assert_int_equal(uint_of(""), 0);
    assert_int_equal(uint_of("00"), 0);
    assert_int_equal(uint_of("ff"), 255);
    assert_int_equal(uint_of("0100"), 256);
    assert_int_equal(uint_of("000001"), 1);
    assert_int_equal(uint_of("ffffff"), 16777215);
    assert_int_equal(uint_of("80000000"), 0x80000000);
    assert_int_equal(uint_of("ffffffff"), 0xffffffff);
    assert_int_equal(uint_of("0102030405"), 0x02030405);
}

static void numbers_are_written_in_the_fewest_bytes(void **state)
{
    static const struct {
        uint32_t value;
        const char *hex;
    } list[] = {
        {0, "60"},
        {1, "61 01"},
        {255, "61 ff"},
        {256, "62 0100"},
        {65535, "62 ffff"},
        {65536, "63 010000"},
        {0xffffff, "63 ffffff"},
        {0x1000000, "64 01000000"},
        {0xffffffff, "64 ffffffff"},
    };
    uint8_t into[16];
    struct iot_coap_encoder e;

    (void)state;
    for (size_t i = 0; i < COUNT(list); i++) {
        iot_coap_encode(&e, into, sizeof into, IOT_COAP_CON, 1, 0, (struct iot_bytes){NULL, 0});
        iot_coap_put_uint(&e, 6, list[i].value);
        assert_bytes(((struct iot_bytes){into + 4, e.len - 4}), hex_bytes(list[i].hex));
    }
}

static bool block_of(const char *hex, struct iot_coap_block *b)
{
    struct iot_coap_option o = {IOT_COAP_BLOCK2, guarded(hex_bytes(hex))};
    return iot_coap_block_read(&o, b);
}

static void blocks_have_20_bits_and_seven_sizes(void **state)
{
    struct iot_coap_block b;

    (void)state;
    assert_true(block_of("", &b));
    assert_true(b.number == 0 && !b.more && b.szx == 0 && iot_coap_block_bytes(b.szx) == 16);
    assert_true(block_of("0e", &b));
    assert_true(b.number == 0 && b.more && b.szx == 6 && iot_coap_block_bytes(b.szx) == 1024);
    assert_true(block_of("0f f2", &b));
    assert_true(b.number == 255 && !b.more && b.szx == 2);
    assert_true(block_of("ff fff8", &b));
    assert_true(b.number == 0xfffff && b.more && b.szx == 0);
    assert_false(block_of("07", &b));
    assert_false(block_of("0f", &b));
    assert_false(block_of("ff ffff", &b));
    assert_false(block_of("00 00 00 00", &b));
    assert_false(block_of("01 00 00 00", &b));
    for (uint32_t value = 0; value < 1u << 24; value += 37) {
        uint8_t in[3] = {(uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
        struct iot_coap_option o = {IOT_COAP_BLOCK1, {in, 3}};
        assert_int_equal(iot_coap_block_read(&o, &b), value % 8 != 7);
        if (value % 8 != 7)
            assert_int_equal(iot_coap_block_value(&b), value);
    }
}

/* ---- Room ---------------------------------------------------------------------------------- */

static void write_all(struct iot_coap_encoder *e, uint8_t *into, uint32_t cap, uint32_t *parts)
{
    static const uint8_t fill[300];
    uint32_t before[5];

    iot_coap_encode(e, into, cap, IOT_COAP_NON, 2, 7, (struct iot_bytes){fill, 3});
    before[0] = e->len;
    iot_coap_put(e, 11, (struct iot_bytes){fill, 5});
    before[1] = e->len;
    iot_coap_put_uint(e, 300, 70000);
    before[2] = e->len;
    iot_coap_put(e, 2000, (struct iot_bytes){fill, 300});
    before[3] = e->len;
    iot_coap_put_payload(e, (struct iot_bytes){fill, 9});
    before[4] = e->len;
    if (parts != NULL)
        memcpy(parts, before, sizeof before);
}

static void what_does_not_fit_is_not_written_nor_anything_behind_it(void **state)
{
    static uint8_t into[400];
    struct iot_coap_encoder e;
    uint32_t parts[5];

    (void)state;
    write_all(&e, into, sizeof into, parts);
    assert_false(e.overflow);
    for (uint32_t cap = 0; cap < parts[4]; cap++) {
        uint32_t fits = 0;
        write_all(&e, at_guard(NULL, cap), cap, NULL);
        assert_true(e.overflow);
        for (int i = 0; i < 5 && parts[i] <= cap; i++)
            fits = parts[i];
        assert_int_equal(e.len, fits);
    }
    write_all(&e, at_guard(NULL, parts[4]), parts[4], NULL);
    assert_false(e.overflow);
}

static void lengths_that_no_option_has_overflow(void **state)
{
    uint8_t into[64];
    struct iot_coap_encoder e;

    (void)state;
    static uint8_t large[65535 + 270 + 16], fill[65535 + 270];
    iot_coap_encode(&e, large, sizeof large, IOT_COAP_CON, 1, 0, (struct iot_bytes){NULL, 0});
    iot_coap_put(&e, 1, (struct iot_bytes){fill, 65535 + 269});
    assert_true(!e.overflow && e.len == 4 + 3 + 65535 + 269);
    iot_coap_encode(&e, large, sizeof large, IOT_COAP_CON, 1, 0, (struct iot_bytes){NULL, 0});
    iot_coap_put(&e, 1, (struct iot_bytes){fill, 65535 + 270});
    assert_true(e.overflow && e.len == 4);
    iot_coap_encode(&e, into, sizeof into, IOT_COAP_CON, 1, 0, (struct iot_bytes){NULL, 0});
    iot_coap_put(&e, 1, (struct iot_bytes){into, UINT32_MAX});
    assert_true(e.overflow && e.len == 4);
    iot_coap_encode(&e, into, sizeof into, IOT_COAP_CON, 1, 0, (struct iot_bytes){NULL, 0});
    iot_coap_put_payload(&e, (struct iot_bytes){into, UINT32_MAX});
    assert_true(e.overflow && e.len == 4);
    iot_coap_put_payload(&e, (struct iot_bytes){into, 1});
    assert_true(e.len == 4);
}

/* ---- Chance -------------------------------------------------------------------------------- */

/* As simple as it can be written, and without a look at the other. */
static uint32_t naive_write(uint8_t *out, uint32_t head, struct iot_bytes token,
                            const struct iot_coap_option *list, uint32_t count,
                            struct iot_bytes payload)
{
    uint32_t n = 0, last = 0;

    for (int shift = 24; shift >= 0; shift -= 8)
        out[n++] = (uint8_t)(head >> shift);
    memcpy(out + n, token.ptr, token.len);
    n += token.len;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t both[2] = {list[i].number - last, list[i].value.len}, first = 0, at = n++;
        for (int k = 0; k < 2; k++) {
            if (both[k] >= 269) {
                first = first << 4 | 14;
                out[n++] = (uint8_t)((both[k] - 269) / 256);
                out[n++] = (uint8_t)((both[k] - 269) % 256);
            } else if (both[k] >= 13) {
                first = first << 4 | 13;
                out[n++] = (uint8_t)(both[k] - 13);
            } else {
                first = first << 4 | both[k];
            }
        }
        out[at] = (uint8_t)first;
        memcpy(out + n, list[i].value.ptr, list[i].value.len);
        n += list[i].value.len;
        last = list[i].number;
    }
    if (payload.len != 0)
        out[n++] = 0xff;
    memcpy(out + n, payload.ptr, payload.len);
    return n + payload.len;
}

static void messages_of_chance_come_back_as_they_were(void **state)
{
    static uint8_t bytes[1024], expected[65536], got[65536];
    static const uint32_t steps[] = {1, 14, 300, 9000};
    uint32_t seed = test_seed();

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)test_random(&seed, 256);
    for (int round = 0; round < 20000; round++) {
        struct iot_coap_option list[8];
        struct iot_bytes token = {bytes + test_random(&seed, 64), test_random(&seed, 9)};
        struct iot_bytes payload = {bytes, test_random(&seed, 4) * test_random(&seed, 300)};
        uint32_t count = test_random(&seed, 9), number = 0;
        uint32_t type = test_random(&seed, 4), code = 1 + test_random(&seed, 255);
        uint32_t id = test_random(&seed, 65536);
        struct iot_coap_encoder e;
        struct iot_coap_message m;
        struct iot_coap_cursor at;
        struct iot_coap_option o;

        iot_coap_encode(&e, got, sizeof got, (uint8_t)type, (uint8_t)code, (uint16_t)id, token);
        for (uint32_t i = 0; i < count; i++) {
            number += test_random(&seed, steps[test_random(&seed, 4)]);
            list[i].number = (uint16_t)number;
            list[i].value.ptr = bytes + test_random(&seed, 100);
            list[i].value.len = test_random(&seed, steps[test_random(&seed, 3)]);
            iot_coap_put(&e, list[i].number, list[i].value);
        }
        iot_coap_put_payload(&e, payload);
        uint32_t n =
            naive_write(expected, 1u << 30 | type << 28 | token.len << 24 | code << 16 | id, token,
                        list, count, payload);
        assert_false(e.overflow);
        assert_bytes(((struct iot_bytes){got, e.len}), ((struct iot_bytes){expected, n}));

        assert_err(iot_coap_decode(guarded((struct iot_bytes){expected, n}), &m), IOT_OK);
        assert_true(m.type == type && m.code == code && m.id == id);
        assert_bytes(m.token, token);
        assert_bytes(m.payload, payload);
        at = (struct iot_coap_cursor){m.options, 0};
        for (uint32_t i = 0; i < count; i++) {
            assert_true(iot_coap_next(&at, &o));
            assert_int_equal(o.number, list[i].number);
            assert_bytes(o.value, list[i].value);
        }
        assert_false(iot_coap_next(&at, &o));
    }
}

static void bytes_of_chance_do_no_harm(void **state)
{
    uint32_t seed = test_seed(), read = 0;
    struct iot_coap_message m;

    (void)state;
    for (int round = 0; round < 100000; round++) {
        struct iot_bytes from = hex_bytes(vectors[test_random(&seed, COUNT(vectors))].hex);
        uint8_t in[80];
        uint32_t n = from.len;
        memcpy(in, from.ptr, n);
        for (uint32_t k = test_random(&seed, 4); k-- > 0;) {
            if (test_random(&seed, 3) == 0 && n + 8 < sizeof in)
                in[n++] = (uint8_t)test_random(&seed, 256);
            else
                in[test_random(&seed, n)] = (uint8_t)test_random(&seed, 256);
        }
        struct iot_bytes whole = guarded((struct iot_bytes){in, n});
        read += iot_coap_decode(whole, &m) == IOT_OK;
        coap_fuzz_one(whole.ptr, whole.len);
    }
    assert_true(read > 10000 && read < 90000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_the_rfc_are_read),
        cmocka_unit_test(messages_of_the_rfc_are_written),
        cmocka_unit_test(a_message_that_is_cut_is_read_only_where_it_may_end),
        cmocka_unit_test(other_versions_are_ignored),
        cmocka_unit_test(a_token_has_eight_bytes_at_most),
        cmocka_unit_test(an_empty_message_has_nothing_behind_its_id),
        cmocka_unit_test(every_pair_of_nibbles_is_read_or_refused),
        cmocka_unit_test(numbers_end_at_65535),
        cmocka_unit_test(a_payload_marker_wants_a_payload),
        cmocka_unit_test(walking_ends_where_options_end_or_break),
        cmocka_unit_test(numbers_of_0_to_4_bytes_are_read),
        cmocka_unit_test(numbers_are_written_in_the_fewest_bytes),
        cmocka_unit_test(blocks_have_20_bits_and_seven_sizes),
        cmocka_unit_test(what_does_not_fit_is_not_written_nor_anything_behind_it),
        cmocka_unit_test(lengths_that_no_option_has_overflow),
        cmocka_unit_test(messages_of_chance_come_back_as_they_were),
        cmocka_unit_test(bytes_of_chance_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "crypto/iot_crypto_digest.h"
#include "heap_trap.h"

#define KINDS 3
static const char *const kind_names[KINDS] = {"sha256", "sha1", "md5"};

static void assert_hex(const uint8_t *got, uint32_t n, const char *expected)
{
    char text[2 * IOT_DIGEST_BYTES_MAX + 4];

    to_hex((struct iot_bytes){got, n}, text, sizeof text);
    assert_string_equal(text, expected);
}

/* Bytes that repeat nowhere nearby, so that a block taken twice or left out shows. */
static void fill(uint8_t *into, uint32_t n)
{
    uint32_t chance = 20240607;

    for (uint32_t i = 0; i < n; i++)
        into[i] = (uint8_t)test_random(&chance, 256);
}

/* The digest of a message in one piece. */
static void digest(enum iot_digest_kind kind, struct iot_bytes message, uint8_t *out)
{
    struct iot_digest d;

    heap_trap_on();
    iot_digest_begin(&d, kind);
    iot_digest_put(&d, message);
    iot_digest_end(&d, out);
    heap_trap_off();
}

/* ---- digests */

struct digest_vector {
    const char *message;
    const char *hex[KINDS]; /* NULL: not in that document */
};

/* RFC 1321 A.5 for MD5; FIPS 180 examples (CSRC) for the others. */
static const struct digest_vector digest_vectors[] = {
    {"",
     {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "da39a3ee5e6b4b0d3255bfef95601890afd80709", "d41d8cd98f00b204e9800998ecf8427e"}},
    {"a", {NULL, NULL, "0cc175b9c0f1b6a831c399e269772661"}},
    {"abc",
     {"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      "a9993e364706816aba3e25717850c26c9cd0d89d", "900150983cd24fb0d6963f7d28e17f72"}},
    {"message digest", {NULL, NULL, "f96b697d7cb7938d525a2f31aaf161d0"}},
    {"abcdefghijklmnopqrstuvwxyz", {NULL, NULL, "c3fcd3d76192e4007dfb496cca67e13b"}},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
     {NULL, NULL, "d174ab98d277d9f5a5611c2c9f419d9f"}},
    {"1234567890123456789012345678901234567890"
     "1234567890123456789012345678901234567890",
     {NULL, NULL, "57edf4a22be3c955ac49da2e2107b67a"}},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     {"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      "84983e441c3bd26ebaae4aa1f95129e5e54670f1", NULL}},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
     "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
     {"cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
      "a49b2446a02c645bf419f995b67091253a04a259", NULL}},
};

static void published_digests_are_met(void **state)
{
    uint8_t out[IOT_DIGEST_BYTES_MAX];
    (void)state;

    for (size_t v = 0; v < COUNT(digest_vectors); v++) {
        for (uint32_t k = 0; k < KINDS; k++) {
            if (digest_vectors[v].hex[k] == NULL)
                continue;
            digest(k, guarded(text_bytes(digest_vectors[v].message)), out);
            assert_hex(out, iot_digest_bytes(k), digest_vectors[v].hex[k]);
        }
    }
}

/* FIPS 180, third example: a million times 'a'; here in pieces that fit no block. */
static void a_million_bytes_in_odd_pieces_are_met(void **state)
{
    static const char *const hex[KINDS] = {
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        "34aa973cd4c4daa4f61eeb2bdbad27316534016f", "7707d6ae4e027c70eea2a935c2296f21"};
    uint8_t piece[997], out[IOT_DIGEST_BYTES_MAX];
    (void)state;

    memset(piece, 'a', sizeof piece);
    for (uint32_t k = 0; k < KINDS; k++) {
        struct iot_digest d;
        iot_digest_begin(&d, k);
        for (uint32_t left = 1000000; left != 0;) {
            uint32_t n = left < sizeof piece ? left : (uint32_t)sizeof piece;
            iot_digest_put(&d, (struct iot_bytes){piece, n});
            left -= n;
        }
        iot_digest_end(&d, out);
        assert_hex(out, iot_digest_bytes(k), hex[k]);
    }
}

static void lengths_are_32_20_and_16(void **state)
{
    (void)state;

    assert_int_equal(iot_digest_bytes(IOT_DIGEST_SHA256), 32);
    assert_int_equal(iot_digest_bytes(IOT_DIGEST_SHA1), 20);
    assert_int_equal(iot_digest_bytes(IOT_DIGEST_MD5), 16);
}

/* Three blocks and a bit, cut in two places, empty pieces among them. */
static void it_does_not_matter_how_a_message_is_cut(void **state)
{
    uint8_t message[200], whole[IOT_DIGEST_BYTES_MAX], out[IOT_DIGEST_BYTES_MAX];
    (void)state;

    fill(message, sizeof message);
    for (uint32_t k = 0; k < KINDS; k++) {
        digest(k, (struct iot_bytes){message, sizeof message}, whole);
        for (uint32_t a = 0; a <= sizeof message; a++) {
            for (uint32_t b = a; b <= sizeof message; b++) {
                struct iot_digest d;
                iot_digest_begin(&d, k);
                iot_digest_put(&d, (struct iot_bytes){message, a});
                iot_digest_put(&d, (struct iot_bytes){message + a, b - a});
                iot_digest_put(&d, (struct iot_bytes){message + b, (uint32_t)sizeof message - b});
                iot_digest_end(&d, out);
                if (memcmp(out, whole, iot_digest_bytes(k)) != 0)
                    fail_msg("%s, cut at %u and %u", kind_names[k], a, b);
            }
        }
    }
}

static void byte_by_byte_is_the_same(void **state)
{
    uint8_t message[200], whole[IOT_DIGEST_BYTES_MAX], out[IOT_DIGEST_BYTES_MAX];
    (void)state;

    fill(message, sizeof message);
    for (uint32_t k = 0; k < KINDS; k++) {
        for (uint32_t n = 0; n <= sizeof message; n++) {
            struct iot_digest d;
            digest(k, guarded((struct iot_bytes){message, n}), whole);
            iot_digest_begin(&d, k);
            for (uint32_t i = 0; i < n; i++)
                iot_digest_put(&d, (struct iot_bytes){message + i, 1});
            iot_digest_end(&d, out);
            assert_memory_equal(out, whole, iot_digest_bytes(k));
        }
    }
}

static void an_empty_slice_may_be_null(void **state)
{
    uint8_t none[IOT_DIGEST_BYTES_MAX], out[IOT_DIGEST_BYTES_MAX];
    (void)state;

    for (uint32_t k = 0; k < KINDS; k++) {
        struct iot_digest d;
        iot_digest_begin(&d, k);
        iot_digest_end(&d, none);
        digest(k, (struct iot_bytes){NULL, 0}, out);
        assert_memory_equal(out, none, iot_digest_bytes(k));
    }
}

static void nothing_is_written_past_the_digest(void **state)
{
    static const struct iot_bytes part = {(const uint8_t *)"abc", 3};
    (void)state;

    for (uint32_t k = 0; k < KINDS; k++) {
        struct iot_digest d;
        uint8_t *out = at_guard(NULL, iot_digest_bytes(k)); /* one byte further is a crash */
        iot_digest_begin(&d, k);
        iot_digest_end(&d, out);
        iot_hmac(k, part, &part, 1, out);
    }
}

static void a_copy_goes_on_by_itself(void **state)
{
    uint8_t message[150], whole[IOT_DIGEST_BYTES_MAX], head[IOT_DIGEST_BYTES_MAX];
    uint8_t out[IOT_DIGEST_BYTES_MAX];
    (void)state;

    fill(message, sizeof message);
    for (uint32_t k = 0; k < KINDS; k++) {
        struct iot_digest d, copy;
        digest(k, (struct iot_bytes){message, sizeof message}, whole);
        digest(k, (struct iot_bytes){message, 70}, head);
        iot_digest_begin(&d, k);
        iot_digest_put(&d, (struct iot_bytes){message, 70});
        copy = d;
        iot_digest_end(&copy, out);
        assert_memory_equal(out, head, iot_digest_bytes(k));
        iot_digest_put(&d, (struct iot_bytes){message + 70, sizeof message - 70});
        iot_digest_end(&d, out);
        assert_memory_equal(out, whole, iot_digest_bytes(k));
    }
}

static void two_at_once_do_not_know_each_other(void **state)
{
    uint8_t expected[KINDS][IOT_DIGEST_BYTES_MAX], out[IOT_DIGEST_BYTES_MAX];
    struct iot_digest d[KINDS];
    uint8_t message[130];
    (void)state;

    fill(message, sizeof message);
    for (uint32_t k = 0; k < KINDS; k++) {
        digest(k, (struct iot_bytes){message, sizeof message}, expected[k]);
        iot_digest_begin(&d[k], k);
    }
    for (uint32_t i = 0; i < sizeof message; i++) {
        for (uint32_t k = 0; k < KINDS; k++)
            iot_digest_put(&d[k], (struct iot_bytes){message + i, 1});
    }
    for (uint32_t k = 0; k < KINDS; k++) {
        iot_digest_end(&d[k], out);
        assert_memory_equal(out, expected[k], iot_digest_bytes(k));
    }
}

static void an_ended_digest_is_wiped(void **state)
{
    static const struct iot_digest zero;
    uint8_t out[IOT_DIGEST_BYTES_MAX];
    (void)state;

    for (uint32_t k = 0; k < KINDS; k++) {
        struct iot_digest d;
        memset(&d, 0xee, sizeof d); /* as a stack is */
        iot_digest_begin(&d, k);
        iot_digest_put(&d, BYTES("a secret in the block that is being filled"));
        iot_digest_end(&d, out);
        assert_memory_equal(&d, &zero, sizeof d);
    }
}

static void wiping_overwrites_that_and_no_more(void **state)
{
    uint8_t room[] = "0123456789";
    (void)state;

    iot_wipe(room + 2, 5);
    assert_memory_equal(room,
                        "01\0\0\0\0\0"
                        "789",
                        sizeof room);
    iot_wipe(room, 0);
    iot_wipe(NULL, 0);
    assert_int_equal(room[0], '0');
}

/* ---- HMAC */

struct hmac_vector {
    const char *key, *text; /* hex, or one byte repeated: "aa*80" */
    const char *hex[KINDS];
};

/* RFC 4231 for SHA-256, RFC 2202 for SHA-1 and MD5 (truncated ones left out: what we give is not truncated).
 * The same cases have keys of other lengths in the older document. */
static const struct hmac_vector hmac_vectors[] = {
    {"0b*20",
     "4869205468657265",
     {"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
      "b617318655057264e28bc0b6fb378c8ef146be00", NULL}},
    {"0b*16", "4869205468657265", {NULL, NULL, "9294727a3638bb1c13f48ef8158bfc9d"}},
    {"4a656665",
     "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     {"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", "750c783e6ab0b503eaa86e310a5db738"}},
    {"aa*20",
     "dd*50",
     {"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
      "125d7342b9ac11cd91a39af48aa17b4f63f175d3", NULL}},
    {"aa*16", "dd*50", {NULL, NULL, "56be34521d144c88dbb8c733f0e8b3f6"}},
    {"0102030405060708090a0b0c0d0e0f10111213141516171819",
     "cd*50",
     {"82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
      "4c9007f4026250c6bc8414f9bf50c86c2d7235da", "697eaf0aca3a3aea3a75164746ffaa79"}},
    {"0c*20",
     "546573742057697468205472756e636174696f6e",
     {NULL, "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04", NULL}},
    {"0c*16",
     "546573742057697468205472756e636174696f6e",
     {NULL, NULL, "56461ef2342edc00f9bab995690efd4c"}},
    /* keys longer than a block */
    {"aa*131",
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d204861736820"
     "4b6579204669727374",
     {"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", NULL, NULL}},
    {"aa*131",
     "5468697320697320612074657374207573696e672061206c6172676572207468616e20626c6f636b2d73697a65"
     "206b657920616e642061206c6172676572207468616e20626c6f636b2d73697a6520646174612e20546865206b"
     "6579206e6565647320746f20626520686173686564206265666f7265206265696e6720757365642062792074"
     "686520484d414320616c676f726974686d2e",
     {"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2", NULL, NULL}},
    {"aa*80",
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d204861736820"
     "4b6579204669727374",
     {NULL, "aa4ae5e15272d00e95705637ce8a3b55ed402112", "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"}},
    {"aa*80",
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b657920616e64204c6172"
     "676572205468616e204f6e6520426c6f636b2d53697a652044617461",
     {NULL, "e8e99d0f45237d786d6bbaa7965c7808bbff1a91", "6f630fad67cda0ee1fb1f562db3aa53e"}},
};

static struct iot_bytes bytes_of(const char *text, uint8_t *into, uint32_t cap)
{
    const char *star = strchr(text, '*');
    uint32_t n;

    if (star == NULL)
        return (struct iot_bytes){into, from_hex(text, into, cap)};
    n = (uint32_t)atoi(star + 1);
    assert_true(n <= cap);
    memset(into, (int)strtoul(text, NULL, 16), n);
    return (struct iot_bytes){into, n};
}

static void published_hmacs_are_met(void **state)
{
    uint8_t key_room[160], text_room[160], out[IOT_DIGEST_BYTES_MAX];
    (void)state;

    for (size_t v = 0; v < COUNT(hmac_vectors); v++) {
        struct iot_bytes key = bytes_of(hmac_vectors[v].key, key_room, sizeof key_room);
        struct iot_bytes text = bytes_of(hmac_vectors[v].text, text_room, sizeof text_room);
        for (uint32_t k = 0; k < KINDS; k++) {
            if (hmac_vectors[v].hex[k] == NULL)
                continue;
            struct iot_bytes at_end = guarded(key);
            heap_trap_on();
            iot_hmac(k, at_end, &text, 1, out);
            heap_trap_off();
            assert_hex(out, iot_digest_bytes(k), hmac_vectors[v].hex[k]);
        }
    }
}

/* A key that is as long as a block is used as it is; one byte more and its digest is. */
static void a_key_longer_than_a_block_is_hashed(void **state)
{
    uint8_t key[66], hashed[IOT_DIGEST_BYTES_MAX];
    uint8_t out[IOT_DIGEST_BYTES_MAX], other[IOT_DIGEST_BYTES_MAX];
    const struct iot_bytes text = BYTES("text");
    (void)state;

    fill(key, sizeof key);
    for (uint32_t k = 0; k < KINDS; k++) {
        uint32_t n = iot_digest_bytes(k);
        for (uint32_t length = 63; length <= sizeof key; length++) {
            digest(k, (struct iot_bytes){key, length}, hashed);
            iot_hmac(k, (struct iot_bytes){key, length}, &text, 1, out);
            iot_hmac(k, (struct iot_bytes){hashed, n}, &text, 1, other);
            assert_int_equal(memcmp(out, other, n) == 0, length > 64);
        }
    }
}

/* A shorter key is followed by zeros up to a block: RFC 2104, section 2. */
static void zeros_behind_a_short_key_change_nothing(void **state)
{
    uint8_t key[64] = {0}, out[IOT_DIGEST_BYTES_MAX], other[IOT_DIGEST_BYTES_MAX];
    const struct iot_bytes text = BYTES("text");
    (void)state;

    for (uint32_t k = 0; k < KINDS; k++) {
        iot_hmac(k, (struct iot_bytes){NULL, 0}, &text, 1, out);
        for (uint32_t n = 1; n <= sizeof key; n++) {
            iot_hmac(k, (struct iot_bytes){key, n}, &text, 1, other);
            assert_memory_equal(other, out, iot_digest_bytes(k));
        }
    }
}

static void it_does_not_matter_into_which_parts_a_text_is_cut(void **state)
{
    uint8_t text[150], whole[IOT_DIGEST_BYTES_MAX], out[IOT_DIGEST_BYTES_MAX];
    const struct iot_bytes key = BYTES("0f1e2d3c4b5a69788796a5b4c3d2e1f0");
    (void)state;

    fill(text, sizeof text);
    for (uint32_t k = 0; k < KINDS; k++) {
        struct iot_bytes all = {text, sizeof text};
        iot_hmac(k, key, &all, 1, whole);
        for (uint32_t cut = 0; cut <= sizeof text; cut++) {
            struct iot_bytes parts[] = {
                {text, cut}, {NULL, 0}, {text + cut, (uint32_t)sizeof text - cut}};
            iot_hmac(k, key, parts, COUNT(parts), out);
            assert_memory_equal(out, whole, iot_digest_bytes(k));
        }
    }
}

static void no_part_and_an_empty_part_are_the_same(void **state)
{
    /* HMAC with an empty key over nothing, as published by many. */
    static const char *const hex[KINDS] = {
        "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad",
        "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d", "74e6f7298a9c2d168935f58c001bad88"};
    const struct iot_bytes none = {NULL, 0};
    uint8_t out[IOT_DIGEST_BYTES_MAX];
    (void)state;

    for (uint32_t k = 0; k < KINDS; k++) {
        iot_hmac(k, none, NULL, 0, out);
        assert_hex(out, iot_digest_bytes(k), hex[k]);
        iot_hmac(k, none, &none, 1, out);
        assert_hex(out, iot_digest_bytes(k), hex[k]);
    }
}

/* ---- texts that the platform has signed by them, beside MQTT's (test_link_sign.c) */

#define NAMES      "deviceNamedev001productKeya1B2c3D4e5F"
#define SUB_NAMES  "deviceNamesub001productKeya1SubPr0d01"
#define SUB_SECRET "S0S1S2S3S4S5S6S7S8S9SaSbScSdSeSf"

static const struct platform_vector {
    const char *key, *text;
    const char *hex[KINDS];
} platform_vectors[] = {
    /* registration of a device */
    {"Ps16CharSecret01",
     NAMES "random8Ygb7ULYh53B6OA",
     {"33c3dafba730e7cbca5cbbf75c368b512cfbc4338fccfa57c19740be21af9954",
      "8af6d7721bb56f33012a8bb6cd2ee691f49cdfb2", "fa52d8488db0ef7193f985d014b0a59c"}},
    {"Ps16CharSecret01",
     NAMES "random1A2B3C4D",
     {"241fd1bed63fcc11b31057eab0ff898dce56b23ca4aa61113a8a726ea4dce448",
      "26b1cc8beef1f667513a06edc40ae7a9c9500a30", "93587f8a10c7c8f85e3b5341a233340e"}},
    /* a sub-device */
    {SUB_SECRET,
     "clientIda1SubPr0d01.sub001" SUB_NAMES "timestamp1700000000000",
     {"aaf1ebc80a5757ea860e674e719fb38434167828beb3926d34b2a543c8318748",
      "30aa0a22d2ffdcf4d2d7a935b5acfe2765c5a658", "b6bef5d7eaf0690c59c72ff560a5f9e0"}},
    {SUB_SECRET,
     "clientIda1SubPr0d01.sub001|_ss=1,_v=sdk-c-3.2.0|" SUB_NAMES "timestamp1700000000000",
     {"dcba45be358259d4a07135d77b51e31f368e12c9d42a6a311fae071d502d573e",
      "26ce000b7700f30b73602df1d9769e2cfd9fd2a7", "f9631eb286257742d2f033b02542fb03"}},
    {SUB_SECRET,
     "clientIda1SubPr0d01&sub001" SUB_NAMES "timestamp1700000000000",
     {"2b0d0bc781bfb499dfc0db47745848a4c5e1252b4001cfe13602bb5b375798bd",
      "dd36e9661f12bb127bb07149ae62fcd4a8aa60f9", "b769ab7b40b552c234147c5098358c5b"}},
    /* registration of a sub-device by its gateway */
    {"SubProdSecret001",
     SUB_NAMES "random1700000000000",
     {"9810fd1c02141be640e92354cb08c5b0496fd5092f0bb9e78146cab240f8132a",
      "8a09a7c75bb2aaaa1a38fcc6de22ee3a4903c7db", "606f39de82c2bf18b39962ca5dd827c4"}},
};

static void texts_of_registration_and_sub_devices_are_signed_as_the_platform_does(void **state)
{
    uint8_t out[IOT_DIGEST_BYTES_MAX];
    (void)state;

    for (size_t v = 0; v < COUNT(platform_vectors); v++) {
        const struct platform_vector *vector = &platform_vectors[v];
        struct iot_bytes text = text_bytes(vector->text);
        for (uint32_t k = 0; k < KINDS; k++) {
            iot_hmac(k, text_bytes(vector->key), &text, 1, out);
            assert_hex(out, iot_digest_bytes(k), vector->hex[k]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_digests_are_met),
        cmocka_unit_test(a_million_bytes_in_odd_pieces_are_met),
        cmocka_unit_test(lengths_are_32_20_and_16),
        cmocka_unit_test(it_does_not_matter_how_a_message_is_cut),
        cmocka_unit_test(byte_by_byte_is_the_same),
        cmocka_unit_test(an_empty_slice_may_be_null),
        cmocka_unit_test(nothing_is_written_past_the_digest),
        cmocka_unit_test(a_copy_goes_on_by_itself),
        cmocka_unit_test(two_at_once_do_not_know_each_other),
        cmocka_unit_test(an_ended_digest_is_wiped),
        cmocka_unit_test(wiping_overwrites_that_and_no_more),
        cmocka_unit_test(published_hmacs_are_met),
        cmocka_unit_test(a_key_longer_than_a_block_is_hashed),
        cmocka_unit_test(zeros_behind_a_short_key_change_nothing),
        cmocka_unit_test(it_does_not_matter_into_which_parts_a_text_is_cut),
        cmocka_unit_test(no_part_and_an_empty_part_are_the_same),
        cmocka_unit_test(texts_of_registration_and_sub_devices_are_signed_as_the_platform_does),
    };
    return cmocka_run_group_tests_name("crypto_digest", tests, NULL, NULL);
}

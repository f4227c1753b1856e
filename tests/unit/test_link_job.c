/* SPDX-License-Identifier: Apache-2.0 */
/* What the platform offers, read into a job: the protocol's own examples, and everything that is wrong. */
#include "heap_trap.h"
#include "link/iot_link_job.h"
#include "test.h"

#define MD5 "b2ea9f7fcea831a4a63b213f41a8855b"
#define SHA "785b0751fc2c53dc14a4ce3d800e69ef9ce1009eb327ccf458afe09c242c26c9"
#define URL "https://ota.example.com/fw/app-2.0.0.bin?Expires=1700003600&Signature=Y"

/* A job as it should be; each test replaces one of its members. */
static const char *const usual[][2] = {
    {"size", "1024"},        {"version", "\"2.0.0\""},
    {"url", "\"" URL "\""},  {"signMethod", "\"Sha256\""},
    {"sign", "\"" SHA "\""},
};

static struct iot_ota_job job;
static char text[4096];

/* Read `data`, in memory that ends where it ends. */
static iot_err read_data(const char *data)
{
    struct iot_json root;

    memset(&job, 0xee, sizeof job);
    assert_err(iot_json_check(guarded(text_bytes(data)), &root, NULL), IOT_OK);
    heap_trap_on();
    iot_err err = iot_link_job_read(root, &job);
    heap_trap_off();
    return err;
}

/* The usual job with other members: name, JSON, ...; JSON NULL: without it. */
static iot_err read_with(const char *const more[][2], size_t count)
{
    size_t at = (size_t)snprintf(text, sizeof text, "{\"other\":[1,{\"size\":2}]");

    for (size_t i = 0; i < COUNT(usual) + count; i++) {
        const char *const *row = i < count ? more[i] : usual[i - count];
        bool replaced = false;
        for (size_t k = 0; i >= count && k < count; k++)
            replaced |= strcmp(more[k][0], row[0]) == 0;
        if (!replaced && row[1] != NULL)
            at += (size_t)snprintf(text + at, sizeof text - at, ",\"%s\":%s", row[0], row[1]);
    }
    snprintf(text + at, sizeof text - at, "}");
    return read_data(text);
}

#define with(...)                                                                                  \
    read_with((const char *const[][2]){__VA_ARGS__},                                               \
              sizeof((const char *const[][2]){__VA_ARGS__}) / sizeof(const char *[2]))

static void digest_is(const char *hex)
{
    uint8_t want[32];
    uint32_t n = from_hex(hex, want, sizeof want);

    assert_memory_equal(job.digest, want, n);
}

static void the_protocols_example_is_read(void **state)
{
    (void)state;
    assert_err(read_data("{\"size\":1024,\"version\":\"2.0.0\",\"isDiff\":0,\"module\":\"MCU\","
                         "\"url\":\"" URL "\",\"signMethod\":\"Md5\",\"sign\":\"" MD5
                         "\",\"md5\":\"" MD5
                         "\",\"extData\":{\"key1\":\"value1\",\"note\":\"text\"}}"),
               IOT_OK);
    assert_int_equal(job.size, 1024);
    assert_string_equal(job.version, "2.0.0");
    assert_string_equal(job.module, "MCU");
    assert_string_equal(job.url, URL);
    assert_int_equal(job.digest_kind, IOT_OTA_MD5);
    digest_is(MD5);
    assert_false(job.is_diff);
    assert_false(job.by_mqtt);
    assert_int_equal(job.signature_bytes, 0);
    assert_bytes(job.ext, BYTES("{\"key1\":\"value1\",\"note\":\"text\"}"));
}

static void what_may_be_missing_is_missing(void **state)
{
    (void)state;
    assert_err(with({"other", NULL}), IOT_OK);
    assert_string_equal(job.module, "");
    assert_int_equal(job.ext.len, 0);
    assert_int_equal(job.digest_kind, IOT_OTA_SHA256);
    digest_is(SHA);
    assert_err(with({"isDiff", "1"}), IOT_OK);
    assert_true(job.is_diff);
    assert_err(with({"size", "\"4294967295\""}), IOT_OK);
    assert_int_equal(job.size, UINT32_MAX);
    assert_err(with({"extData", "null"}), IOT_OK);
    assert_bytes(job.ext, BYTES("null"));
}

static void sizes_that_are_none_are_named(void **state)
{
    (void)state;
    assert_err(with({"size", "0"}), IOT_ERR_OTA_SIZE);
    assert_err(with({"size", "\"0\""}), IOT_ERR_OTA_SIZE);
    assert_err(with({"size", "-1"}), IOT_ERR_OTA_SIZE);
    assert_err(with({"size", "4294967296"}), IOT_ERR_OTA_SIZE);
    assert_err(with({"size", "1.5"}), IOT_ERR_OTA_JOB);
    assert_err(with({"size", "\"\""}), IOT_ERR_OTA_JOB);
    assert_err(with({"size", "[1]"}), IOT_ERR_OTA_JOB);
    assert_err(with({"size", NULL}), IOT_ERR_OTA_JOB);
}

static void the_method_is_known_in_any_case_of_letters(void **state)
{
    static const char *const md5[] = {"\"Md5\"", "\"MD5\"", "\"md5\"", "\"mD5\"", "\"M\\u00645\""};
    static const char *const sha[] = {"\"Sha256\"", "\"SHA256\"", "\"sha256\"", "\"sHA256\""};
    static const char *const bad[] = {"\"\"",      "\"Sha1\"", "\"Sha2567\"",
                                      "\"Sha25\"", "\"Md55\"", "\"\\u0000\"",
                                      "\"-d5\"",   "256",      "null"};

    (void)state;
    for (size_t i = 0; i < COUNT(md5); i++) {
        assert_err(with({"signMethod", md5[i]}, {"sign", "\"" MD5 "\""}), IOT_OK);
        assert_int_equal(job.digest_kind, IOT_OTA_MD5);
    }
    for (size_t i = 0; i < COUNT(sha); i++) {
        assert_err(with({"signMethod", sha[i]}), IOT_OK);
        assert_int_equal(job.digest_kind, IOT_OTA_SHA256);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_err(with({"signMethod", bad[i]}), IOT_ERR_OTA_METHOD);
        assert_err(with({"signMethod", bad[i]}, {"md5", "\"" MD5 "\""}), IOT_ERR_OTA_METHOD);
    }
    assert_err(with({"signMethod", NULL}), IOT_ERR_OTA_METHOD);
}

static void an_md5_alone_is_a_method(void **state)
{
    (void)state;
    assert_err(with({"signMethod", NULL}, {"sign", NULL}, {"md5", "\"" MD5 "\""}), IOT_OK);
    assert_int_equal(job.digest_kind, IOT_OTA_MD5);
    digest_is(MD5);
    assert_err(with({"signMethod", "\"Md5\""}, {"sign", NULL}, {"md5", "\"" MD5 "\""}), IOT_OK);
    digest_is(MD5);
    /* md5 is none of SHA-256's business */
    assert_err(with({"md5", "7"}), IOT_OK);
    digest_is(SHA);
    assert_err(with({"sign", NULL}, {"md5", "\"" MD5 "\""}), IOT_ERR_OTA_DIGEST);
}

static void digests_of_either_case_and_of_exact_length(void **state)
{
    static const char upper[] =
        "\"785B0751FC2C53DC14A4CE3D800E69EF9CE1009EB327CCF458AFE09C242C26C9\"";
    static const char *const bad[] = {
        "\"\"",
        "\"" MD5 "\"",
        "\"785b0751fc2c53dc14a4ce3d800e69ef9ce1009eb327ccf458afe09c242c26c\"",
        "\"" SHA "0\"",
        "\"" SHA "00\"",
        "\"g85b0751fc2c53dc14a4ce3d800e69ef9ce1009eb327ccf458afe09c242c26c9\"",
        "\"785b0751fc2c53dc14a4ce3d800e69ef9ce1009eb327ccf458afe09c242c26c \"",
        "\"0x5b0751fc2c53dc14a4ce3d800e69ef9ce1009eb327ccf458afe09c242c26c9\"",
        "\"785b0751fc2c53dc14a4ce3d800e69ef9ce1009eb327ccf458afe09c242c26\\u0000\"",
    };

    (void)state;
    assert_err(with({"sign", upper}), IOT_OK);
    digest_is(SHA);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_err(with({"sign", bad[i]}), IOT_ERR_OTA_DIGEST);
    assert_err(with({"sign", NULL}), IOT_ERR_OTA_DIGEST);
    assert_err(with({"sign", "5"}), IOT_ERR_OTA_JOB);
    assert_err(with({"signMethod", "\"Md5\""}), IOT_ERR_OTA_DIGEST); /* with a SHA-256 */
    assert_err(with({"signMethod", "\"Md5\""}, {"sign", "\"" MD5 "00\""}), IOT_ERR_OTA_DIGEST);
}

static void versions_are_texts_of_1_to_64_bytes(void **state)
{
    char longest[80];

    (void)state;
    assert_err(with({"version", "\"a b/\\\"\xc3\xa4\""}), IOT_OK);
    assert_string_equal(job.version, "a b/\"\xc3\xa4");
    snprintf(longest, sizeof longest, "\"%064d\"", 7);
    assert_err(with({"version", longest}), IOT_OK);
    snprintf(longest, sizeof longest, "\"%065d\"", 7);
    assert_err(with({"version", longest}), IOT_ERR_OTA_VERSION);
    assert_string_equal(job.version, "");
    assert_err(with({"version", "\"\""}), IOT_ERR_OTA_VERSION);
    assert_err(with({"version", "\"1\\n2\""}), IOT_ERR_OTA_VERSION);
    assert_string_equal(job.version, "");
    assert_err(with({"version", "\"1\\u007f\""}), IOT_ERR_OTA_VERSION);
    assert_err(with({"version", "\"1\\u00002\""}), IOT_ERR_OTA_VERSION);
    assert_err(with({"version", "2"}), IOT_ERR_OTA_JOB);
    assert_err(with({"version", NULL}), IOT_ERR_OTA_JOB);
}

static void modules_have_letters_digits_and_three_more(void **state)
{
    static const char *const bad[] = {"\"a b\"",      "\"a/b\"", "\"a\\u0000\"",
                                      "\"\xc3\xa4\"", "\"a+\"",  "\"a@\"",
                                      "\"a[\"",       "\"a`\"",  "\"a{\""};
    char longest[80];

    (void)state;
    assert_err(with({"module", "\"Az.09-_\""}), IOT_OK);
    assert_string_equal(job.module, "Az.09-_");
    assert_err(with({"module", "\"default\""}), IOT_OK);
    assert_string_equal(job.module, "");
    assert_err(with({"module", "\"\""}), IOT_OK);
    assert_err(with({"module", "\"Default\""}), IOT_OK);
    assert_string_equal(job.module, "Default");
    snprintf(longest, sizeof longest, "\"%063d\"", 7);
    assert_err(with({"module", longest}), IOT_OK);
    snprintf(longest, sizeof longest, "\"%064d\"", 7);
    assert_err(with({"module", longest}), IOT_ERR_OTA_MODULE);
    assert_string_equal(job.module, "");
    assert_err(with({"module", "1"}), IOT_ERR_OTA_JOB);
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_err(with({"module", bad[i]}), IOT_ERR_OTA_MODULE);
        assert_string_equal(job.module, "");
    }
}

static void urls_have_a_known_scheme_and_a_host(void **state)
{
    static const char *const good[] = {"https://h", "http://h", "HTTPS://h/a", "http://h:80/?x=y",
                                       "https://[::1]/a"};
    static const char *const bad[] = {"",
                                      "/a",
                                      "ftp://h/a",
                                      "https:/h",
                                      "https//h",
                                      "https://",
                                      "https:///a",
                                      "https://?a",
                                      "https://#a",
                                      "https://:443/a",
                                      "httpss://h",
                                      "http://h/a b",
                                      "http://h/\\u0009",
                                      "http://h/\\u00e4",
                                      "http://h/\\u0000",
                                      "xhttp://h",
                                      "http",
                                      "https",
                                      "h"};
    char url[3000];

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        snprintf(url, sizeof url, "\"%s\"", good[i]);
        assert_err(with({"url", url}), IOT_OK);
        assert_string_equal(job.url, good[i]);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        snprintf(url, sizeof url, "\"%s\"", bad[i]);
        if (with({"url", url}) != IOT_ERR_HTTP_URL)
            fail_msg("%s", url);
    }
    assert_err(with({"url", "\"https:\\/\\/h\\/a\""}), IOT_OK); /* escapes are resolved */
    assert_string_equal(job.url, "https://h/a");
    for (int n = IOT_HTTP_URL_MAX; n <= IOT_HTTP_URL_MAX + 1; n++) {
        snprintf(url, sizeof url, "\"https://h/%0*d\"", n - 10, 1);
        assert_err(with({"url", url}), n == IOT_HTTP_URL_MAX ? IOT_OK : IOT_ERR_HTTP_URL);
    }
    snprintf(url, sizeof url, "\"https://h/%02048d\"", 1);
    assert_err(with({"url", url}), IOT_ERR_HTTP_URL);
    assert_err(with({"url", "null"}), IOT_ERR_OTA_JOB);
    assert_err(with({"url", NULL}), IOT_ERR_OTA_JOB);
    assert_err(with({"url", NULL}, {"files", "[{\"fileUrl\":\"https://h/a\"}]"}), IOT_ERR_OTA_JOB);
}

static void downloads_over_mqtt_have_numbers_and_no_url(void **state)
{
    (void)state;
    assert_err(with({"dProtocol", "\"mqtt\""}, {"url", NULL}, {"streamId", "7001"},
                    {"streamFileId", "\"1\""}),
               IOT_OK);
    assert_true(job.by_mqtt);
    assert_int_equal(job.stream_id, 7001);
    assert_int_equal(job.file_id, 1);
    assert_string_equal(job.url, "");
    assert_err(with({"dProtocol", "\"mqtt\""}, {"streamId", "1"}), IOT_ERR_OTA_JOB);
    assert_err(with({"dProtocol", "\"mqtt\""}, {"streamFileId", "1"}), IOT_ERR_OTA_JOB);
    assert_err(with({"dProtocol", "\"mqtt\""}, {"streamId", "4294967296"}, {"streamFileId", "1"}),
               IOT_ERR_OTA_JOB);
    assert_err(with({"dProtocol", "\"https\""}), IOT_OK);
    assert_false(job.by_mqtt);
    assert_err(with({"dProtocol", "\"coap\""}), IOT_ERR_OTA_JOB);
    assert_err(with({"dProtocol", "\"a long word\""}), IOT_ERR_OTA_JOB);
    assert_err(with({"dProtocol", "1"}), IOT_ERR_OTA_JOB);
}

/* `n` bytes in base64, by another way than the code's. */
static const char *base64(const uint8_t *bytes, size_t n)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static char out[300];
    size_t at = 0;

    out[at++] = '"';
    for (size_t i = 0; i < (n + 2) / 3 * 4; i++) {
        size_t bit = i * 6, value = 0;
        for (size_t b = bit; b < bit + 6; b++)
            value = value << 1 | (b / 8 < n ? (size_t)bytes[b / 8] >> (7 - b % 8) & 1 : 0);
        out[at++] = bit >= n * 8 ? '=' : alphabet[value];
    }
    snprintf(out + at, sizeof out - at, "\"");
    return out;
}

static void signatures_are_der_in_base64(void **state)
{
    uint8_t der[128];

    (void)state;
    for (size_t n = 0; n <= 100; n++) {
        for (size_t i = 0; i < n; i++)
            der[i] = (uint8_t)(i * 37 + n);
        der[0] = 0x30;
        der[1] = (uint8_t)(n - 2);
        bool good = n >= 8 && n <= IOT_OTA_SIGNATURE_MAX;
        assert_err(with({"digestsign", base64(der, n)}), good ? IOT_OK : IOT_ERR_OTA_SIGNATURE);
        assert_int_equal(job.signature_bytes, good ? n : 0);
        if (good)
            assert_memory_equal(job.signature, der, n);
        der[1]++;
        assert_err(with({"digestsign", base64(der, n)}), IOT_ERR_OTA_SIGNATURE);
        der[1]--;
        der[0] = 0x31;
        assert_err(with({"digestsign", base64(der, n)}), IOT_ERR_OTA_SIGNATURE);
    }
}

static void base64_is_strict(void **state)
{
    static const char *const bad[] = {"\"\"",
                                      "\"MAYCAQECAQI\"",   /* not padded */
                                      "\"MAYCAQECAQI==\"", /* twice */
                                      "\"MAYCAQECAQJ=\"",  /* bits left over */
                                      "\"MAYC AQECAQI=\"",
                                      "\"MAYC-QECAQI=\"",
                                      "\"MAYCAQECAQI=A\"",
                                      "\"=MAYCAQECAQI\"",
                                      "\"MAYCAQEC====\"",
                                      "7"};

    (void)state;
    assert_err(with({"digestsign", "\"MAYCAQECAQI=\""}), IOT_OK);
    assert_int_equal(job.signature_bytes, 8);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (with({"digestsign", bad[i]}) != IOT_ERR_OTA_SIGNATURE)
            fail_msg("%s", bad[i]);
}

static void flags_are_flags(void **state)
{
    (void)state;
    assert_err(with({"isDiff", "2"}), IOT_ERR_OTA_JOB);
    assert_err(with({"isDiff", "\"1\""}), IOT_ERR_OTA_JOB);
    assert_err(with({"isDiff", "true"}), IOT_OK);
}

static void the_first_fault_counts_and_who_it_is_about_is_known(void **state)
{
    (void)state;
    assert_err(with({"module", "\"MCU\""}, {"version", "\"3\""}, {"size", "0"},
                    {"signMethod", NULL}, {"url", "\"\""}),
               IOT_ERR_OTA_SIZE);
    assert_string_equal(job.module, "MCU");
    assert_string_equal(job.version, "3");
    assert_err(with({"module", "\"M CU\""}, {"version", "\"3\""}, {"size", "0"}),
               IOT_ERR_OTA_MODULE);
    assert_string_equal(job.module, "");
    assert_string_equal(job.version, "3");
    assert_err(read_data("{}"), IOT_ERR_OTA_JOB);
    assert_err(read_data("[]"), IOT_ERR_OTA_JOB);
    assert_err(read_data("7"), IOT_ERR_OTA_JOB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_protocols_example_is_read),
        cmocka_unit_test(what_may_be_missing_is_missing),
        cmocka_unit_test(sizes_that_are_none_are_named),
        cmocka_unit_test(the_method_is_known_in_any_case_of_letters),
        cmocka_unit_test(an_md5_alone_is_a_method),
        cmocka_unit_test(digests_of_either_case_and_of_exact_length),
        cmocka_unit_test(versions_are_texts_of_1_to_64_bytes),
        cmocka_unit_test(modules_have_letters_digits_and_three_more),
        cmocka_unit_test(urls_have_a_known_scheme_and_a_host),
        cmocka_unit_test(downloads_over_mqtt_have_numbers_and_no_url),
        cmocka_unit_test(signatures_are_der_in_base64),
        cmocka_unit_test(base64_is_strict),
        cmocka_unit_test(flags_are_flags),
        cmocka_unit_test(the_first_fault_counts_and_who_it_is_about_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

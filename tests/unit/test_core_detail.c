/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "iot/iot_tls.h"
#include "heap_trap.h"

static const iot_err with_connack[] = {
    IOT_ERR_MQTT_REFUSED, IOT_ERR_LINK_CLIENT_ID, IOT_ERR_LINK_SECRET,   IOT_ERR_LINK_DENIED,
    IOT_ERR_LINK_FLOW,    IOT_ERR_LINK_TWICE,     IOT_ERR_LINK_DISABLED, IOT_ERR_LINK_REGISTER,
};

static const char *const connack[] = {
    "",
    "PROTOCOL_VERSION",
    "IDENTIFIER_REJECTED",
    "SERVER_UNAVAILABLE",
    "BAD_USER_NAME_OR_PASSWORD",
    "NOT_AUTHORIZED",
};

/* RFC 5246 7.2, RFC 8446 6, RFC 4279, RFC 6066 */
static const char *const alerts[256] = {
    [0] = "CLOSE_NOTIFY",
    [10] = "UNEXPECTED_MESSAGE",
    [20] = "BAD_RECORD_MAC",
    [21] = "DECRYPTION_FAILED",
    [22] = "RECORD_OVERFLOW",
    [30] = "DECOMPRESSION_FAILURE",
    [40] = "HANDSHAKE_FAILURE",
    [41] = "NO_CERTIFICATE",
    [42] = "BAD_CERTIFICATE",
    [43] = "UNSUPPORTED_CERTIFICATE",
    [44] = "CERTIFICATE_REVOKED",
    [45] = "CERTIFICATE_EXPIRED",
    [46] = "CERTIFICATE_UNKNOWN",
    [47] = "ILLEGAL_PARAMETER",
    [48] = "UNKNOWN_CA",
    [49] = "ACCESS_DENIED",
    [50] = "DECODE_ERROR",
    [51] = "DECRYPT_ERROR",
    [60] = "EXPORT_RESTRICTION",
    [70] = "PROTOCOL_VERSION",
    [71] = "INSUFFICIENT_SECURITY",
    [80] = "INTERNAL_ERROR",
    [86] = "INAPPROPRIATE_FALLBACK",
    [90] = "USER_CANCELED",
    [100] = "NO_RENEGOTIATION",
    [109] = "MISSING_EXTENSION",
    [110] = "UNSUPPORTED_EXTENSION",
    [111] = "CERTIFICATE_UNOBTAINABLE",
    [112] = "UNRECOGNIZED_NAME",
    [113] = "BAD_CERTIFICATE_STATUS_RESPONSE",
    [114] = "BAD_CERTIFICATE_HASH_VALUE",
    [115] = "UNKNOWN_PSK_IDENTITY",
    [116] = "CERTIFICATE_REQUIRED",
    [120] = "NO_APPLICATION_PROTOCOL",
};

static const struct {
    int32_t bit;
    const char *name;
} faults[] = {
    /* first things first */
    {IOT_TLS_FAULT_CA, "CA"},           {IOT_TLS_FAULT_MISSING, "MISSING"},
    {IOT_TLS_FAULT_NAME, "NAME"},       {IOT_TLS_FAULT_EXPIRED, "EXPIRED"},
    {IOT_TLS_FAULT_NOT_YET, "NOT_YET"}, {IOT_TLS_FAULT_USAGE, "USAGE"},
    {IOT_TLS_FAULT_KEY, "KEY"},         {IOT_TLS_FAULT_DIGEST, "DIGEST"},
    {IOT_TLS_FAULT_OTHER, "OTHER"},
};

/* The name is `name`, and there is a text to it: a line of advice, or the name. */
static void assert_detail(iot_err err, int32_t detail, const char *name)
{
    const char *text = iot_err_detail_text(err, detail);
    size_t len = strlen(text);

    assert_string_equal(iot_err_detail_name(err, detail), name);
    if (!IOT_FEATURE_ERR_TEXTS || name[0] == '\0') {
        assert_string_equal(text, name);
        return;
    }
    assert_in_range(len, 8, 90);
    assert_int_not_equal(text[len - 1], '.');
    assert_null(strchr(text, '\n'));
    assert_string_not_equal(text, name);
}

static void codes_of_connack_have_names_and_advice(void **state)
{
    (void)state;
    heap_trap_on();
    for (size_t i = 0; i < COUNT(with_connack); i++) {
        for (int32_t code = -3; code < 460; code++) /* from there on a registration has others */
            assert_detail(with_connack[i], code, code >= 1 && code <= 5 ? connack[code] : "");
    }
    heap_trap_off();
}

#if IOT_FEATURE_WEB
static void codes_of_the_platform_have_names_and_advice(void **state)
{
    static const struct {
        int32_t code;
        const char *name;
    } rows[] = {{460, "PARAMETER"},        {500, "SERVER"},           {6100, "NO_DEVICE"},
                {6250, "NO_PRODUCT"},      {6288, "REGISTER_OFF"},    {6289, "ACTIVE"},
                {6292, "SIGN_METHOD"},     {6600, "SIGNATURE"},       {10000, "COMMON"},
                {10001, "DATA_PARAMETER"}, {20000, "AUTHENTICATION"}, {20001, "TOKEN_EXPIRED"},
                {20002, "TOKEN_MISSING"},  {20003, "TOKEN_UNKNOWN"},  {20004, "SESSION"},
                {30001, "PUBLISH"},        {40000, "TOO_MANY"}};
    size_t next = 0;
    (void)state;
    for (int32_t code = -3; code < 70000; code++) {
        bool known = next < COUNT(rows) && rows[next].code == code;
        assert_detail(IOT_ERR_LINK_CODE, code, known ? rows[next].name : "");
        if (code > 5)
            assert_detail(IOT_ERR_LINK_REGISTER, code, known ? rows[next].name : "");
        next += known;
    }
    assert_int_equal(next, COUNT(rows));
}
#endif

#if IOT_FEATURE_UPLINK
static void codes_of_the_platforms_coap_are_named(void **state)
{
    static const struct {
        int32_t code;
        const char *name;
    } rows[] = {
        {400, "BAD_REQUEST"}, {401, "UNAUTHORIZED"}, {402, "BAD_OPTION"},
        {403, "FORBIDDEN"},   {404, "NOT_FOUND"},    {413, "TOO_LARGE"},
        {414, "TOPIC"},       {429, "TOO_OFTEN"},    {500, "INTERNAL"},
    };
    size_t next = 0;
    (void)state;
    for (int32_t code = -1; code < 50000; code++) {
        bool known = next < COUNT(rows) && code == rows[next].code;
        assert_detail(IOT_ERR_UPLINK_STATUS, code, known ? rows[next].name : "");
        assert_detail(IOT_ERR_UPLINK_TOKEN, code, known ? rows[next].name : "");
        next += known;
    }
    assert_int_equal(next, COUNT(rows));
}
#endif

static void alerts_are_named_as_in_their_rfc(void **state)
{
    (void)state;
    for (int32_t number = -3; number < 600; number++) {
        bool known = number >= 0 && number < 256 && alerts[number] != NULL;
        assert_detail(IOT_ERR_TLS_ALERT, number, known ? alerts[number] : "");
    }
}

static void of_several_faults_the_first_to_put_right_is_named(void **state)
{
    (void)state;
    for (int32_t bits = 0; bits < 512; bits++) {
        const char *name = "";
        for (size_t i = COUNT(faults); i-- > 0;) {
            if (bits & faults[i].bit)
                name = faults[i].name;
        }
        assert_detail(IOT_ERR_TLS_VERIFY, bits, name);
    }
}

static void expired_says_that_the_clock_may_be_wrong(void **state)
{
    (void)state;
    assert_string_equal(iot_err_detail_text(IOT_ERR_TLS_VERIFY, IOT_TLS_FAULT_EXPIRED),
                        IOT_FEATURE_ERR_TEXTS
                            ? "the certificate has expired, or this device's clock runs "
                              "ahead; check the clock first"
                            : "EXPIRED");
}

static void numbers_that_nobody_defined_say_nothing(void **state)
{
    static const int32_t numbers[] = {512,     513,       0x201,     0x401,         0x601, 0x8001,
                                      0x10001, INT32_MAX, INT32_MIN, INT32_MIN + 1, -1,    -0x7200};
    (void)state;

    for (size_t i = 0; i < COUNT(numbers); i++) {
        assert_detail(IOT_ERR_MQTT_REFUSED, numbers[i], "");
        assert_detail(IOT_ERR_TLS_VERIFY, numbers[i], "");
        assert_detail(IOT_ERR_TLS_ALERT, numbers[i], "");
    }
}

static void errors_that_an_alert_stands_behind_name_it(void **state)
{
    (void)state;
    assert_detail(IOT_ERR_TLS_KIND, 40, "HANDSHAKE_FAILURE");
    assert_detail(IOT_ERR_TLS_VERSION, 70, "PROTOCOL_VERSION");
    assert_detail(IOT_ERR_TLS_PSK, 115, "UNKNOWN_PSK_IDENTITY");
    assert_detail(IOT_ERR_TLS_VERSION, -0x6e80, ""); /* mbedTLS's own number */
}

static void other_errors_have_no_detail_of_ours(void **state)
{
    (void)state;
    for (iot_err err = -600; err <= 600; err++) {
        bool has = err == IOT_ERR_LINK_CODE || err == IOT_ERR_TLS_VERIFY ||
                   err == IOT_ERR_TLS_ALERT || err == IOT_ERR_TLS_KIND ||
                   err == IOT_ERR_TLS_VERSION || err == IOT_ERR_TLS_PSK;
        for (size_t i = 0; i < COUNT(with_connack); i++)
            has = has || err == with_connack[i];
        for (int32_t detail = 0; detail < 130 && !has; detail++)
            assert_detail(err, detail, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_of_connack_have_names_and_advice),
#if IOT_FEATURE_WEB
        cmocka_unit_test(codes_of_the_platform_have_names_and_advice),
#endif
#if IOT_FEATURE_UPLINK
        cmocka_unit_test(codes_of_the_platforms_coap_are_named),
#endif
        cmocka_unit_test(alerts_are_named_as_in_their_rfc),
        cmocka_unit_test(of_several_faults_the_first_to_put_right_is_named),
        cmocka_unit_test(expired_says_that_the_clock_may_be_wrong),
        cmocka_unit_test(numbers_that_nobody_defined_say_nothing),
        cmocka_unit_test(errors_that_an_alert_stands_behind_name_it),
        cmocka_unit_test(other_errors_have_no_detail_of_ours),
    };
    return cmocka_run_group_tests_name("core_detail", tests, NULL, NULL);
}

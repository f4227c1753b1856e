/* SPDX-License-Identifier: Apache-2.0 */
/* The platform's CoAP channel over DTLS: tokens, messages, and how they end. */
#include "uplink_rig.h"

/* ---- Tokens -------------------------------------------------------------------------------- */

static void the_first_message_fetches_a_token_and_the_next_has_one(void **state)
{
    (void)state;
    with_token();
    post();
    asks(POSTS(TOKEN_1));
    answers(DONE, "{\"any\":1}");
    ended(2, IOT_OK, 0, "{\"any\":1}");
    assert_int_equal(result.call, IOT_UPLINK_POST);
    assert_int_equal(result.reply_format, IOT_COAP_JSON);
    asks_nothing();
}

static void each_method_signs_and_md5_is_not_named(void **state)
{
    static const char *const signs[] = {
        ("25DE8C1A0DCF1494CCC3B1B1D92A34F92A34F588372191C36A13EF005219BD89\",\"signmethod\":"
         "\"hmacsha256"),
        "E5C1A9BBFFFD73BA9F4827BF88363568C3B2C69E\",\"signmethod\":\"hmacsha1",
        "C7D5FD11AE78FA0831A4A1FEA6A3F70C"};
    char want[512];
    (void)state;
    for (int m = IOT_SIGN_HMACSHA256; m <= IOT_SIGN_HMACMD5; m++) {
        id.method = (enum iot_sign_method)m;
        post();
        snprintf(want, sizeof want,
                 "CON /auth 12=50 17=50 {\"productKey\":\"" PK "\",\"deviceName\":\"" DN
                 "\",\"clientId\":\"" PK "." DN "\",\"sign\":\"%s\"}",
                 signs[m]);
        asks(want);
        assert_err(iot_uplink_cancel(&up), IOT_OK);
        run(0);
    }
}

static void a_client_id_is_escaped(void **state)
{
    struct iot_coap_message m;
    (void)state;
    id.client_id = "a\"\\b";
    post();
    run(0);
    m = last_sent();
    assert_non_null(strstr(words_of(&m), ",\"clientId\":\"a\\\"\\\\b\","));
}

static void older_devices_have_another_option(void **state)
{
    (void)state;
    up_options.numbers = IOT_UPLINK_OPTIONS_61;
    post();
    asks(AUTH_MD5);
    answers(DONE, "{\"token\":\"t\"}");
    asks("CON /topic" TOPIC " 12=50 17=50 61=t {\"a\":1}");
}

static const struct {
    uint8_t code;
    iot_err err;
    int32_t detail;
    bool repeat;
} refusals[] = {
    {IOT_COAP_CODE(4, 0), IOT_ERR_UPLINK_STATUS, 400, false},
    {IOT_COAP_CODE(4, 3), IOT_ERR_UPLINK_STATUS, 403, false},
    {IOT_COAP_CODE(4, 4), IOT_ERR_UPLINK_STATUS, 404, false},
    {IOT_COAP_CODE(4, 14), IOT_ERR_UPLINK_STATUS, 414, false},
    {IOT_COAP_CODE(4, 29), IOT_ERR_UPLINK_STATUS, 429, true},
    {IOT_COAP_CODE(5, 0), IOT_ERR_UPLINK_STATUS, 500, true},
    {IOT_COAP_CODE(5, 3), IOT_ERR_UPLINK_STATUS, 503, true},
};

static void an_authentication_that_is_refused_ends_the_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refusals) + 2; i++) {
        uplink_begin(NULL);
        uint8_t code = i < COUNT(refusals)    ? refusals[i].code
                       : i == COUNT(refusals) ? IOT_COAP_CODE(4, 1)
                                              : IOT_COAP_CODE(4, 2);
        post();
        asks(AUTH_MD5);
        answers(code, "a text for humans");
        ended(1, IOT_ERR_UPLINK_STATUS, code / 32 * 100 + code % 32, "");
        assert_int_equal(result.retry_ms,
                         i < COUNT(refusals) && refusals[i].repeat ? 1000 : IOT_MS_NEVER);
        asks_nothing();
        post();
        asks(AUTH_MD5);
    }
}

static void what_is_no_token_is_refused(void **state)
{
    static const struct {
        const char *json;
        iot_err err;
    } rows[] = {
        {"", IOT_ERR_JSON_SYNTAX},
        {"{\"token\":", IOT_ERR_JSON_SYNTAX},
        {"{\"token\":\"x\"}}", IOT_ERR_JSON_SYNTAX},
        {"[]", IOT_ERR_JSON_MISSING},
        {"{}", IOT_ERR_JSON_MISSING},
        {"{\"Token\":\"x\"}", IOT_ERR_JSON_MISSING},
        {"{\"token\":1}", IOT_ERR_JSON_TYPE},
        {"{\"token\":null}", IOT_ERR_JSON_TYPE},
        {"{\"token\":{}}", IOT_ERR_JSON_TYPE},
        {"{\"token\":\"\"}", IOT_ERR_JSON_RANGE},
        {"{\"token\":\"a b\"}", IOT_ERR_JSON_RANGE},
        {"{\"token\":\"a\\nb\"}", IOT_ERR_JSON_RANGE},
        {"{\"token\":\"a\\u0000b\"}", IOT_ERR_JSON_RANGE},
        {"{\"token\":\"\xc3\xbc\"}", IOT_ERR_JSON_RANGE},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", IOT_ERR_JSON_DEPTH},
    };
    char json[256], want[512];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uplink_begin(NULL);
        post();
        asks(AUTH_MD5);
        answers(DONE, rows[i].json);
        ended(1, rows[i].err, 0, "");
        asks_nothing();
        post();
        asks(AUTH_MD5); /* there is none */
    }
    for (int n = 192; n <= 193; n++) {
        char token[194] = "";
        memset(token, 'T', (size_t)n);
        token[n] = '\0';
        uplink_begin(NULL);
        post();
        asks(AUTH_MD5);
        snprintf(json, sizeof json, "{\"token\":\"%s\"}", token);
        answers(DONE, json);
        if (n == 193) {
            ended(1, IOT_ERR_JSON_RANGE, 0, "");
            continue;
        }
        snprintf(want, sizeof want, "CON /topic" TOPIC " 12=50 17=50 2088=%s {\"a\":1}", token);
        asks(want);
    }
}

static void a_token_that_is_not_known_any_more_is_renewed_once_per_message(void **state)
{
    (void)state;
    for (uint8_t detail = 1; detail <= 2; detail++) {
        uplink_begin(NULL);
        with_token();
        for (uint32_t n = 2; n <= 3; n++) {
            post();
            asks(n == 2 ? POSTS(TOKEN_1) : POSTS("tok-2"));
            answers(IOT_COAP_CODE(4, detail), "");
            asks(AUTH_MD5);
            answers(DONE, n == 2 ? "{\"token\":\"tok-2\"}" : "{\"token\":\"tok-3\"}");
            asks(n == 2 ? POSTS("tok-2") : POSTS("tok-3"));
            answers(DONE, "");
            ended(n, IOT_OK, 0, "");
        }
        post();
        asks(POSTS("tok-3"));
        answers(IOT_COAP_CODE(4, detail), "");
        asks(AUTH_MD5);
        answers(DONE, "{\"token\":\"tok-4\"}");
        asks(POSTS("tok-4"));
        answers(IOT_COAP_CODE(4, detail), "again?");
        ended(4, IOT_ERR_UPLINK_TOKEN, 400 + detail, "");
        assert_int_equal(result.retry_ms, 1000);
        post(); /* and the next one asks */
        asks(AUTH_MD5);
        answers(DONE, "{\"token\":\"tok-5\"}");
        asks(POSTS("tok-5"));
        answers(IOT_COAP_CODE(4, detail), ""); /* of this call already */
        ended(5, IOT_ERR_UPLINK_TOKEN, 400 + detail, "");
        asks_nothing();
    }
}

static void who_does_not_get_a_new_token_is_told_why(void **state)
{
    (void)state;
    with_token();
    post();
    asks(POSTS(TOKEN_1));
    answers(IOT_COAP_CODE(4, 1), "");
    asks(AUTH_MD5);
    answers(IOT_COAP_CODE(4, 1), "");
    ended(2, IOT_ERR_UPLINK_STATUS, 401, "");
    assert_int_equal(result.retry_ms, IOT_MS_NEVER);
}

static void what_was_fetched_can_be_forgotten(void **state)
{
    (void)state;
    with_token();
    post();
    assert_err(iot_uplink_forget(&up), IOT_ERR_STATE);
    asks(POSTS(TOKEN_1));
    answers(DONE, "");
    assert_err(iot_uplink_forget(&up), IOT_OK);
    for (size_t i = 0; i < sizeof up.token; i++)
        assert_int_equal(up.token[i], 0);
    post();
    asks(AUTH_MD5);
}

/* ---- Who signs ----------------------------------------------------------------------------- */

static iot_err sign_says;

static iot_err sign(void *ctx, enum iot_sign_method method, struct iot_bytes text, uint8_t mac[32])
{
    (void)ctx;
    assert_int_equal(method, IOT_SIGN_HMACMD5);
    assert_bytes(text, BYTES("clientId" PK "." DN "deviceName" DN "productKey" PK));
    if (sign_says == IOT_OK)
        iot_hmac(IOT_DIGEST_MD5, BYTES(DS), &text, 1, mac);
    return sign_says;
}

static void not_begun(iot_err says)
{
    assert_err(iot_uplink_post(&up, &message), says);
    assert_true(iot_coap_ready(&hub));
    assert_true(is_wiped());
    assert_err(iot_uplink_cancel(&up), IOT_ERR_STATE);
    asks_nothing();
}

static void a_secure_element_may_not_be_ready(void **state)
{
    (void)state;
    id.device_secret = NULL;
    id.sign = sign;
    sign_says = IOT_ERR_AGAIN;
    not_begun(IOT_ERR_AGAIN);
    sign_says = IOT_ERR_FULL;
    not_begun(IOT_ERR_FULL);
    sign_says = IOT_OK;
    with_token();
    /* In the middle of a call nobody asks again: the next call does. */
    sign_says = IOT_ERR_AGAIN;
    post();
    asks(POSTS(TOKEN_1));
    answers(IOT_COAP_CODE(4, 1), "");
    ended(2, IOT_ERR_AGAIN, 0, "");
    assert_int_equal(result.retry_ms, 1000);
    sign_says = IOT_OK;
    post();
    asks(AUTH_MD5);
}

#if IOT_FEATURE_REGISTER
static iot_err kv_says;

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    (void)ctx;
    assert_string_equal(key, "iot-ds");
    assert_true(cap >= sizeof DS - 1);
    memcpy(into, DS, *len = sizeof DS - 1);
    return kv_says;
}

static void a_registration_has_its_secret_in_the_kv(void **state)
{
    static struct iot_registration registration = {.product_secret = "Ps16CharSecret01"};
    (void)state;
    registration.kind = IOT_REGISTER_SECRET;
    id.device_secret = NULL;
    id.registration = &registration;
    up_port.kv_get = kv_get;
    kv_says = IOT_ERR_AGAIN;
    not_begun(IOT_ERR_AGAIN);
    kv_says = IOT_ERR_STATE;
    not_begun(IOT_ERR_KV);
    kv_says = IOT_OK;
    with_token();
    uplink_begin(NULL);
    registration.kind = IOT_REGISTER_NWL; /* there is none, ever */
    id.device_secret = NULL;
    id.registration = &registration;
    up_port.kv_get = kv_get;
    not_begun(IOT_ERR_ARG);
}
#endif

static void identities_that_cannot_be_are_refused(void **state)
{
    (void)state;
    id.device_secret = NULL;
    assert_err(iot_uplink_init(&up, &up_options), IOT_ERR_ARG);
    id.x509 = true;
    assert_err(iot_uplink_init(&up, &up_options), IOT_ERR_ARG);
    id.product_key = id.device_name = NULL;
    assert_err(iot_uplink_init(&up, &up_options), IOT_ERR_ARG);
    uplink_begin(NULL);
    id.device_name = "a b";
    assert_err(iot_uplink_init(&up, &up_options), IOT_ERR_ARG);
    uplink_begin(NULL);
    up_options.numbers = 2;
    assert_err(iot_uplink_init(&up, &up_options), IOT_ERR_ARG);
    uplink_begin(NULL);
    up_options.work = NULL;
    assert_err(iot_uplink_init(&up, &up_options), IOT_ERR_ARG);
    uplink_begin(NULL);
    id.sign = sign;
    up_options.symmetric = &iot_uplink_symmetric;
    id.device_secret = NULL;
    assert_err(iot_uplink_init(&up, &up_options), IOT_ERR_ARG);
    uplink_begin(NULL);
    up_options.cbor = true;
    assert_err(iot_uplink_init(&up, &up_options), IOT_FEATURE_CBOR ? IOT_OK : IOT_ERR_ARG);
}

/* ---- Messages ------------------------------------------------------------------------------ */

static void a_message_that_is_refused_ends_by_its_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refusals); i++) {
        uplink_begin(NULL);
        with_token();
        post();
        asks(POSTS(TOKEN_1));
        answers(refusals[i].code, "why");
        ended(2, refusals[i].err, refusals[i].detail, "");
        assert_int_equal(result.retry_ms, refusals[i].repeat ? 1000 : IOT_MS_NEVER);
        post();
        asks(POSTS(TOKEN_1)); /* it is as good as before */
        answers(IOT_COAP_CODE(2, 4), "");
        ended(3, IOT_OK, 0, "");
    }
}

static void each_failure_in_a_row_waits_longer(void **state)
{
    uint32_t want = 1000;
    (void)state;
    with_token();
    for (uint32_t n = 2; n < 13; n++) {
        post();
        asks(POSTS(TOKEN_1));
        answers(IOT_COAP_CODE(5, 0), "");
        assert_int_equal(result.retry_ms, want);
        want = want < 256000 ? want * 2 : want;
    }
    post();
    asks(POSTS(TOKEN_1));
    answers(DONE, "");
    assert_int_equal(result.retry_ms, 0);
    post();
    asks(POSTS(TOKEN_1));
    answers(IOT_COAP_CODE(5, 0), "");
    assert_int_equal(result.retry_ms, 1000);
}

static void what_is_sent_again_is_the_same(void **state)
{
    (void)state;
    for (int part = 0; part < 2; part++) { /* the authentication, the message */
        uplink_begin(NULL);
        post();
        run(0);
        if (part == 1)
            answers(DONE, "{\"token\":\"t\"}");
        uint32_t first = net.tx_count - 1;
        run(100000);
        assert_int_equal(net.tx_count, first + 5);
        for (uint32_t i = first + 1; i < net.tx_count; i++) {
            assert_int_equal(net.tx[i].len, net.tx[first].len);
            assert_memory_equal(net.tx[i].bytes, net.tx[first].bytes, net.tx[first].len);
        }
        ended(1, IOT_ERR_COAP_TIMEOUT, 0, "");
        assert_int_equal(result.retry_ms, 1000);
    }
}

static void formats_are_named(void **state)
{
    struct iot_uplink_post mine = message;
    (void)state;
    with_token();
    mine.topic = "/" PK "/" DN "/user/update";
    mine.format = IOT_COAP_CBOR;
    mine.payload = BYTES("\xa1\x61\x61\x01");
    assert_err(iot_uplink_post(&up, &mine), IOT_OK);
    asks("CON /topic/" PK "/" DN "/user/update 12=60 17=42 2088=" TOKEN_1 " a1616101");
    answers_bytes(DONE, IOT_COAP_CBOR, BYTES("\xa1\x61\x62\x02"));
    ended(2, IOT_OK, 0, "\xa1\x61\x62\x02");
    assert_int_equal(result.reply_format, IOT_COAP_CBOR);
    mine.format = IOT_COAP_OCTETS;
    mine.payload = (struct iot_bytes){NULL, 0};
    assert_err(iot_uplink_post(&up, &mine), IOT_OK);
    asks("CON /topic/" PK "/" DN "/user/update 12=42 17=42 2088=" TOKEN_1 " ");
    answers_bytes(DONE, -1, BYTES("x"));
    ended(3, IOT_OK, 0, "x");
    assert_int_equal(result.reply_format, IOT_COAP_OCTETS);
}

static void topics_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {"",       "sys/a",  "/a b", "/a#",  "/+",
                                      "/a?b=c", "/a%20b", "/\1",  "/a\n", "/\xc3\xbc"};
    struct iot_uplink_post mine = message;
    char topic[131];
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        mine.topic = bad[i];
        assert_err(iot_uplink_post(&up, &mine), IOT_ERR_COAP_URI);
    }
    memset(topic, 'a', sizeof topic);
    topic[0] = '/';
    topic[129] = '\0';
    mine.topic = topic;
    assert_err(iot_uplink_post(&up, &mine), IOT_ERR_COAP_URI);
    topic[128] = '\0';
    assert_err(iot_uplink_post(&up, &mine), IOT_OK);
    asks(AUTH_MD5);
}

static void a_message_that_is_not_confirmed_went_well_when_it_has_left(void **state)
{
    struct iot_uplink_post mine = message;
    (void)state;
    with_token();
    mine.non = true;
    assert_err(iot_uplink_post(&up, &mine), IOT_OK);
    asks("NON /topic" TOPIC " 12=50 17=50 2088=" TOKEN_1 " {\"a\":1}");
    run(999);
    assert_int_equal(results, 1);
    run(2);
    ended(2, IOT_OK, 0, "");
    run(1000000);
    assert_err(iot_uplink_post(&up, &mine), IOT_OK);
    asks("NON /topic" TOPIC " 12=50 17=50 2088=" TOKEN_1 " {\"a\":1}");
    answers(IOT_COAP_CODE(4, 1), "");
    asks(AUTH_MD5); /* what waits for an answer is confirmed */
    answers(DONE, "{\"token\":\"t\"}");
    asks("NON /topic" TOPIC " 12=50 17=50 2088=t {\"a\":1}");
    answers(IOT_COAP_CODE(5, 0), "");
    ended(3, IOT_ERR_UPLINK_STATUS, 500, "");
}

/* What was answered before is not its reply. */
static void silence_has_no_reply(void **state)
{
    struct iot_uplink_post mine = message;
    (void)state;
    mine.non = true;
    assert_err(iot_uplink_post(&up, &mine), IOT_OK);
    asks(AUTH_MD5);
    answers(DONE, "{\"token\":\"t\"}");
    asks("NON /topic" TOPIC " 12=50 17=50 2088=t {\"a\":1}");
    run(1001);
    ended(1, IOT_OK, 0, "");
    assert_int_equal(result.reply.len, 0);
}

/* Of a message in blocks nobody asks for the second, so it has not left. */
static void half_a_message_has_not_left(void **state)
{
    static uint8_t large[1500];
    struct iot_uplink_post mine = message;
    (void)state;
    with_token();
    mine.non = true;
    mine.payload = (struct iot_bytes){large, sizeof large};
    assert_err(iot_uplink_post(&up, &mine), IOT_OK);
    run(0);
    assert_int_equal(net.tx_count, asked + 1);
    run(1001);
    ended(2, IOT_ERR_COAP_TIMEOUT, 0, "");
    assert_int_equal(result.retry_ms, 1000);
}

/* What is acknowledged and not answered is another matter, where a token is wanted. */
static void silence_is_not_taken_for_a_token(void **state)
{
    struct iot_uplink_post mine = message;
    struct iot_coap_message m;
    (void)state;
    mine.non = true;
    assert_err(iot_uplink_post(&up, &mine), IOT_OK);
    asks(AUTH_MD5);
    m = last_sent();
    give(&net, &m, IOT_COAP_ACK, 0, -1, UINT32_MAX, "");
    run(61000);
    ended(1, IOT_ERR_COAP_SILENT, 0, "");
}

/* ---- Memory -------------------------------------------------------------------------------- */

static void an_answer_may_be_as_long_as_the_memory_and_not_longer(void **state)
{
    uint32_t used = (uint32_t)sizeof "/topic" TOPIC;
    char text[600];
    (void)state;
    with_token();
    for (uint32_t more = 0; more < 2; more++) {
        memset(text, 'x', sizeof text);
        text[500 + more] = '\0';
        give_memory(used + 500);
        post();
        asks(POSTS(TOKEN_1));
        answers(DONE, text);
        ended(2 + more, more == 0 ? IOT_OK : IOT_ERR_SIZE, 0, more == 0 ? text : "");
        assert_int_equal(result.retry_ms, more == 0 ? 0 : IOT_MS_NEVER);
    }
    post();
    asks(POSTS(TOKEN_1));
    answers(IOT_COAP_CODE(4, 4), text); /* does not hide the code */
    ended(4, IOT_ERR_UPLINK_STATUS, 404, "");
}

static void an_answer_may_come_in_blocks(void **state)
{
    struct iot_coap_message m;
    (void)state;
    with_token();
    post();
    asks(POSTS(TOKEN_1));
    m = last_sent();
    give(&net, &m, IOT_COAP_ACK, CONTENT, -1, 0 << 4 | 8u, "0123456789abcdef");
    run(0);
    m = last_sent();
    give(&net, &m, IOT_COAP_ACK, CONTENT, -1, 1 << 4, "end");
    run(0);
    ended(2, IOT_OK, 0, "0123456789abcdefend");
}

/* Whatever its size: the memory is not left, and one byte too few is said. */
static void memory_of_any_size(void **state)
{
    uint32_t first = 0;
    (void)state;
    for (uint32_t bytes = 0; bytes < 400; bytes++) {
        uplink_begin(NULL);
        give_memory(bytes);
        iot_err err = iot_uplink_post(&up, &message);
        assert_memory();
        if (err != IOT_OK) {
            assert_err(err, IOT_ERR_SIZE);
            assert_true(is_wiped());
            assert_int_equal(first, 0);
            continue;
        }
        if (first == 0)
            first = bytes;
        asks(AUTH_MD5);
        answers(DONE, "{\"token\":\"" TOKEN_1 "\"}");
        bool fits = bytes - first >= sizeof "{\"token\":\"" TOKEN_1 "\"}" - 1;
        if (!fits) {
            ended(1, IOT_ERR_SIZE, 0, "");
            continue;
        }
        asks(POSTS(TOKEN_1));
        answers(DONE, "");
        ended(1, IOT_OK, 0, "");
    }
    assert_int_equal(first,
                     sizeof "/topic" TOPIC + sizeof AUTH_MD5 - sizeof "CON /auth 12=50 17=50 ");
}

/* ---- Ends ---------------------------------------------------------------------------------- */

static void one_call_at_a_time(void **state)
{
    (void)state;
    post();
    assert_err(iot_uplink_post(&up, &message), IOT_ERR_STATE);
    assert_err(iot_uplink_version(&up, NULL, "1"), IOT_ERR_STATE);
    assert_err(iot_uplink_upgrade(&up, "1"), IOT_ERR_STATE);
    assert_err(iot_uplink_progress(&up, NULL, 1, NULL), IOT_ERR_STATE);
    assert_err(iot_uplink_device_info(&up, NULL, 0), IOT_ERR_STATE);
    asks(AUTH_MD5); /* is not spoilt by that */
}

static void a_call_can_be_cancelled_at_any_time(void **state)
{
    (void)state;
    for (int when = 0; when < 4; when++) {
        uplink_begin(NULL);
        assert_err(iot_uplink_cancel(&up), IOT_ERR_STATE);
        post();
        if (when >= 1)
            asks(AUTH_MD5);
        if (when >= 2)
            answers(DONE, "{\"token\":\"t\"}");
        if (when == 3) /* it waits for the answer */
            asks(POSTS("t"));
        assert_err(iot_uplink_cancel(&up), IOT_OK);
        assert_int_equal(results, 0);
        run(0);
        ended(1, IOT_ERR_CLOSED, 0, "");
        asked = net.tx_count;
        assert_err(iot_uplink_cancel(&up), IOT_ERR_STATE);
        post();
        asks(when >= 2 ? POSTS("t") : AUTH_MD5);
    }
}

static void cancel_ours(void)
{
    assert_err(iot_uplink_cancel(&up), IOT_OK);
}

/* The answer is here, but nobody has been told: somebody else's handler is called in between. */
static void a_call_can_be_cancelled_though_its_answer_is_here(void **state)
{
    (void)state;
    with_token();
    ask.non = true;
    assert_err(iot_coap_start(&hub, &ask, NULL), IOT_OK);
    run(0);
    struct iot_coap_message theirs = last_sent();
    post();
    run(0);
    struct iot_coap_message ours = last_sent();
    in_head = cancel_ours;
    give(&net, &ours, IOT_COAP_ACK, CONTENT, -1, UINT32_MAX, "fine");
    give(&net, &theirs, IOT_COAP_NON, CONTENT, -1, UINT32_MAX, "x");
    run(0);
    assert_said("head 2.05\nbody 0 'x'\nwhole\nend OK\n");
    ended(2, IOT_ERR_CLOSED, 0, "");
}

static void a_device_that_closes_ends_it(void **state)
{
    (void)state;
    for (int part = 0; part < 2; part++) {
        uplink_begin(NULL);
        post();
        asks(AUTH_MD5);
        if (part == 1) {
            answers(DONE, "{\"token\":\"t\"}");
            asks(POSTS("t"));
        }
        assert_err(iot_device_close(&dev, 0), IOT_OK);
        run(10);
        ended(1, IOT_ERR_CLOSED, 0, "");
    }
}

/* The token comes just when the device closes: nothing new can be begun. */
static void a_device_that_closes_between_two_requests(void **state)
{
    (void)state;
    struct iot_coap_message m;
    uint8_t bytes[128];
    struct iot_coap_encoder e;

    post();
    asks(AUTH_MD5);
    m = last_sent();
    iot_coap_encode(&e, bytes, sizeof bytes, IOT_COAP_ACK, DONE, m.id, m.token);
    iot_coap_put_payload(&e, BYTES("{\"token\":\"t\"}"));
    logged_dgram_receive(&net, (struct iot_bytes){bytes, e.len});
    assert_err(iot_device_close(&dev, 0), IOT_OK);
    run(10);
    assert_int_equal(results, 1);
    assert_true(result.err == IOT_ERR_CLOSED || result.err == IOT_ERR_STATE);
    assert_true(is_wiped());
}

static void begin_another(void)
{
    if (results < 4)
        post();
}

static void the_next_call_may_be_begun_in_the_result(void **state)
{
    (void)state;
    in_result = begin_another;
    post();
    asks(AUTH_MD5);
    answers(DONE, "{\"token\":\"t\"}");
    for (uint32_t n = 1; n <= 4; n++) {
        asks(POSTS("t"));
        answers(DONE, "");
        ended(n, IOT_OK, 0, "");
    }
    asks_nothing();
    assert_true(is_wiped());
}

static void no_authentication_is_left(void)
{
    char text[sizeof work + 1];

    for (size_t i = 0; i < sizeof work; i++)
        text[i] = (char)(work[i] != 0 ? work[i] : '.');
    text[sizeof work] = '\0';
    assert_null(strstr(text, "C7D5FD11"));
    assert_null(strstr(text, "sign"));
    begin_another();
}

/* Whoever has the signature can be the device: it is not kept, though there is always a call under way. */
static void a_signature_is_wiped_before_the_message_is_sent(void **state)
{
    (void)state;
    in_result = no_authentication_is_left;
    post();
    asks(AUTH_MD5);
    answers(DONE, "{\"token\":\"t\"}");
    for (uint32_t n = 1; n <= 4; n++) {
        asks(POSTS("t"));
        answers(DONE, "");
        ended(n, IOT_OK, 0, "");
    }
}

static void the_clients_pool_may_be_full(void **state)
{
    struct iot_coap_request others[IOT_COAP_REQUESTS];
    (void)state;
    for (int i = 0; i < IOT_COAP_REQUESTS; i++) {
        others[i] = ask;
        assert_err(iot_coap_start(&hub, &others[i], &ticket), IOT_OK);
    }
    assert_err(iot_uplink_post(&up, &message), IOT_ERR_FULL);
    assert_true(is_wiped());
    assert_err(iot_coap_cancel(&hub, ticket), IOT_OK);
    run(0);
    asked = net.tx_count;
    assert_err(iot_uplink_post(&up, &message), IOT_OK);
}

static void a_name_that_is_not_known_has_its_name(void **state)
{
    (void)state;
    net.connects = false;
    net.end = IOT_OK;
    net.open_says = IOT_ERR_DNS_UNKNOWN;
    post();
    run(60000);
    assert_int_equal(results, 1);
    assert_err(result.err, IOT_ERR_DNS_UNKNOWN);
    assert_true(is_wiped());
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup(test, uplink_begin)
    const struct CMUnitTest tests[] = {
        CASE(the_first_message_fetches_a_token_and_the_next_has_one),
        CASE(each_method_signs_and_md5_is_not_named),
        CASE(a_client_id_is_escaped),
        CASE(older_devices_have_another_option),
        CASE(an_authentication_that_is_refused_ends_the_call),
        CASE(what_is_no_token_is_refused),
        CASE(a_token_that_is_not_known_any_more_is_renewed_once_per_message),
        CASE(who_does_not_get_a_new_token_is_told_why),
        CASE(what_was_fetched_can_be_forgotten),
        CASE(a_secure_element_may_not_be_ready),
#if IOT_FEATURE_REGISTER
        CASE(a_registration_has_its_secret_in_the_kv),
#endif
        CASE(identities_that_cannot_be_are_refused),
        CASE(a_message_that_is_refused_ends_by_its_code),
        CASE(each_failure_in_a_row_waits_longer),
        CASE(what_is_sent_again_is_the_same),
        CASE(formats_are_named),
        CASE(topics_that_are_none_are_refused),
        CASE(a_message_that_is_not_confirmed_went_well_when_it_has_left),
        CASE(silence_has_no_reply),
        CASE(half_a_message_has_not_left),
        CASE(silence_is_not_taken_for_a_token),
        CASE(an_answer_may_be_as_long_as_the_memory_and_not_longer),
        CASE(an_answer_may_come_in_blocks),
        CASE(memory_of_any_size),
        CASE(one_call_at_a_time),
        CASE(a_call_can_be_cancelled_at_any_time),
        CASE(a_call_can_be_cancelled_though_its_answer_is_here),
        CASE(a_device_that_closes_ends_it),
        CASE(a_device_that_closes_between_two_requests),
        CASE(the_next_call_may_be_begun_in_the_result),
        CASE(a_signature_is_wiped_before_the_message_is_sent),
        CASE(the_clients_pool_may_be_full),
        CASE(a_name_that_is_not_known_has_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

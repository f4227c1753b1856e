/* SPDX-License-Identifier: Apache-2.0 */
/* The symmetric mode of the platform's CoAP channel: its key, its numbers, its cipher. */
#include "uplink_rig.h"

#include "link/iot_link_uplink.h"

#define VECTOR                                                                                     \
    "{\"id\":\"1\",\"version\":\"1.0\",\"params\":{\"LightSwitch\":1},\"method\":\"thing.event."   \
    "property.post\"}"
#define VECTOR_SEALED                                                                              \
    "5cf501017e9fcf7112e56047a1adca98937e19ff0f5d7e99d284d5db3e78b335"                             \
    "a30d811365d2600902718e1369eb022c30f72bef97363e6b5e074ae43da58c4c"                             \
    "e8e4e80e17ca1afb8ddc84524f8a85440b755d19840ef9ef086be7388535276b"
#define NUMBER_1 "a90ad3e7544a395c31a83d457b6aa4b9"

#define AUTH(seq, sign)                                                                            \
    "CON /auth 12=50 17=50 {\"productKey\":\"" PK "\",\"deviceName\":\"" DN                        \
    "\",\"clientId\":\"" PK "." DN "\",\"sign\":\"" sign "\",\"seq\":\"" seq "\"}"
#define AUTH_10 AUTH("10", "1B2B5FFC9D10A60FD4B377266DCA2B42")

static const struct iot_uplink_post vector = {
    .topic = TOPIC,
    .payload = {(const uint8_t *)VECTOR, sizeof VECTOR - 1},
    .format = IOT_COAP_JSON};

static uint8_t key[16]; /* the platform's, too */

static void derive(const char *random)
{
    struct iot_digest d;
    uint8_t hash[32];
    char text[128];

    snprintf(text, sizeof text, DS ",%s", random);
    iot_digest_begin(&d, IOT_DIGEST_SHA256);
    iot_digest_put(&d, text_bytes(text));
    iot_digest_end(&d, hash);
    memcpy(key, hash + 8, sizeof key);
}

static struct iot_bytes sealed(const void *bytes, uint32_t len)
{
    static uint8_t room[1200];

    memcpy(room, bytes, len);
    return (struct iot_bytes){room,
                              iot_aes_encrypt(key, (const uint8_t *)"543yhjy97ae7fyfg", room, len)};
}

static void answers_sealed(uint8_t code, const char *text)
{
    answers_bytes(code, IOT_COAP_JSON, sealed(text, (uint32_t)strlen(text)));
}

static void start_vector(void)
{
    assert_err(iot_uplink_post(&up, &vector), IOT_OK);
}

/* What leaves, decrypted: "number payload" of the last message. */
static const char *opened(void)
{
    static char text[1200];
    struct iot_coap_message m = last_sent();
    struct iot_coap_cursor at = {m.options, 0};
    struct iot_coap_option o = {0, {NULL, 0}};
    uint8_t bytes[1200];
    uint32_t len = 0;

    while (o.number != 2089 && iot_coap_next(&at, &o))
        ;
    assert_int_equal(o.number, 2089);
    memcpy(bytes, o.value.ptr, o.value.len);
    assert_true(
        iot_aes_decrypt(key, (const uint8_t *)"543yhjy97ae7fyfg", bytes, o.value.len, &len));
    snprintf(text, sizeof text, "%.*s ", (int)len, (char *)bytes);
    memcpy(bytes, m.payload.ptr, m.payload.len);
    assert_true(
        iot_aes_decrypt(key, (const uint8_t *)"543yhjy97ae7fyfg", bytes, m.payload.len, &len));
    snprintf(text + strlen(text), sizeof text - strlen(text), "%.*s", (int)len, (char *)bytes);
    return text;
}

static void authenticates(const char *random, const char *offset)
{
    char json[256];

    snprintf(json, sizeof json, "{\"random\":\"%s\",\"seqOffset\":%s,\"token\":\"tok-sym-0001\"}",
             random, offset);
    derive(random);
    answers(DONE, json);
}

static void posts(const char *what)
{
    run(0);
    assert_int_equal(net.tx_count, ++asked);
    assert_string_equal(opened(), what);
}

/* ---- As the reference has it --------------------------------------------------------------- */

static void bytes_are_those_of_the_reference(void **state)
{
    (void)state;
    start_vector();
    asks(AUTH_10);
    authenticates("5f3c9a1b7e2d4068", "1");
    asks("CON /topic" TOPIC " 12=50 17=50 2088=tok-sym-0001 2089=" NUMBER_1 " " VECTOR_SEALED);
    answers_sealed(DONE, "{\"code\":200}");
    ended(1, IOT_OK, 0, "{\"code\":200}");
    start_vector();
    posts("2 " VECTOR);
    answers(DONE, "");
    ended(2, IOT_OK, 0, "");
}

static void older_devices_have_one_option_twice(void **state)
{
    (void)state;
    up_options.numbers = IOT_UPLINK_OPTIONS_61;
    start_vector();
    asks(AUTH_10);
    authenticates("5f3c9a1b7e2d4068", "1");
    asks("CON /topic" TOPIC " 12=50 17=50 61=tok-sym-0001 61=" NUMBER_1 " " VECTOR_SEALED);
}

static void the_method_is_named_unless_it_is_md5(void **state)
{
    struct iot_coap_message m;
    (void)state;
    id.method = IOT_SIGN_HMACSHA1;
    start_vector();
    run(0);
    m = last_sent();
    assert_non_null(strstr(words_of(&m), "\",\"signmethod\":\"hmacsha1\",\"seq\":\"10\"}"));
}

static void numbers_are_by_chance_and_of_four_digits(void **state)
{
    struct iot_coap_message m;
    (void)state;
    for (uint32_t n = 9998; n <= 10001; n++) {
        char want[32];
        uplink_begin_symmetric(NULL);
        up_chance = n;
        start_vector();
        run(0);
        m = last_sent();
        snprintf(want, sizeof want, "\"seq\":\"%u\"}", (unsigned)(n % 10000));
        assert_non_null(strstr(words_of(&m), want));
    }
}

static void chance_may_not_be_ready(void **state)
{
    (void)state;
    up_random_says = IOT_ERR_AGAIN;
    assert_err(iot_uplink_post(&up, &vector), IOT_ERR_AGAIN);
    assert_true(is_wiped());
    up_random_says = IOT_ERR_STATE;
    assert_err(iot_uplink_post(&up, &vector), IOT_ERR_RANDOM);
    assert_true(is_wiped());
    asks_nothing();
    up_random_says = IOT_OK;
    start_vector();
    asks(AUTH_10);
    authenticates("5f3c9a1b7e2d4068", "1");
    posts("1 " VECTOR);
    answers(DONE, "");
    up_random_says = IOT_ERR_AGAIN;
    start_vector();
    posts("2 " VECTOR);
    answers(IOT_COAP_CODE(4, 1), "");
    ended(2, IOT_ERR_AGAIN, 0, "");
    up_random_says = IOT_OK;
    start_vector();
    asks(AUTH_10);
}

/* What is not sent has no number: the platform waits for the next one. */
static void a_message_that_is_not_begun_takes_no_number(void **state)
{
    struct iot_coap_request others[IOT_COAP_REQUESTS];
    iot_ticket tickets[IOT_COAP_REQUESTS];
    (void)state;
    start_vector();
    asks(AUTH_10);
    authenticates("5f3c9a1b7e2d4068", "1");
    posts("1 " VECTOR);
    answers(DONE, "");
    for (int i = 0; i < IOT_COAP_REQUESTS; i++) {
        others[i] = ask;
        assert_err(iot_coap_start(&hub, &others[i], &tickets[i]), IOT_OK);
    }
    for (int i = 0; i < 3; i++)
        assert_err(iot_uplink_post(&up, &vector), IOT_ERR_FULL);
    assert_true(is_wiped());
    for (int i = 0; i < IOT_COAP_REQUESTS; i++)
        assert_err(iot_coap_cancel(&hub, tickets[i]), IOT_OK);
    run(0);
    asked = net.tx_count;
    start_vector();
    posts("2 " VECTOR);
}

/* ---- Numbers and keys ---------------------------------------------------------------------- */

static void each_message_has_the_next_number(void **state)
{
    char want[200];
    (void)state;
    start_vector();
    asks(AUTH_10);
    authenticates("abc", "\"99\""); /* as a text, too */
    for (uint32_t n = 1; n <= 5; n++) {
        if (n > 1)
            start_vector();
        snprintf(want, sizeof want, "%u " VECTOR, (unsigned)n + 98);
        posts(want);
        answers(n % 2 != 0 ? DONE : IOT_COAP_CODE(5, 0), "");
        assert_int_equal(results, n);
    }
    start_vector(); /* also behind one of which nobody knows whether it came */
    posts("104 " VECTOR);
    run(100000);
    assert_err(result.err, IOT_ERR_COAP_TIMEOUT);
    asked = net.tx_count;
    start_vector();
    posts("105 " VECTOR);
}

static void what_is_sent_again_has_the_same_number(void **state)
{
    (void)state;
    start_vector();
    asks(AUTH_10);
    authenticates("abc", "7");
    posts("7 " VECTOR);
    for (uint32_t n = 0; n < 3; n++) {
        uint32_t before = net.tx_count;
        while (net.tx_count == before)
            run(1000);
        assert_int_equal(net.tx[before].len, net.tx[before - 1].len);
        assert_memory_equal(net.tx[before].bytes, net.tx[before - 1].bytes, net.tx[before].len);
    }
    answers_sealed(DONE, "late");
    ended(1, IOT_OK, 0, "late");
}

/* With a new key, and from the offset on that comes with it. The message is the same. */
static void a_refused_number_or_token_is_answered_by_a_new_key_once(void **state)
{
    /* 4.00: the platform cannot open it, as it has given another key since, to an authentication that came twice */
    static const uint8_t codes[] = {IOT_COAP_CODE(4, 1), IOT_COAP_CODE(4, 2), IOT_COAP_CODE(4, 3),
                                    IOT_COAP_CODE(4, 0)};
    (void)state;
    for (size_t i = 0; i < COUNT(codes); i++) {
        uplink_begin_symmetric(NULL);
        start_vector();
        asks(AUTH_10);
        authenticates("first", "1");
        posts("1 " VECTOR);
        answers(DONE, "");
        start_vector();
        posts("2 " VECTOR);
        answers(codes[i], "no");
        up_chance = 10;
        asks(AUTH_10);
        authenticates("second", "500");
        posts("500 " VECTOR);
        if (i == 0) {
            answers_sealed(DONE, "fine");
            ended(2, IOT_OK, 0, "fine");
            start_vector();
            posts("501 " VECTOR);
            continue;
        }
        answers(codes[i], "no");
        ended(2, i >= 2 ? IOT_ERR_UPLINK_STATUS : IOT_ERR_UPLINK_TOKEN, 400 + codes[i] % 32, "");
        start_vector();
        asks(AUTH_10);
    }
}

static void a_number_at_its_end_is_refused_and_begins_anew(void **state)
{
    (void)state;
    start_vector();
    asks(AUTH_10);
    authenticates("abc", "4294967295");
    posts("4294967295 " VECTOR);
    answers(DONE, "");
    start_vector();
    posts("0 " VECTOR);
    answers(IOT_COAP_CODE(4, 3), "");
    asks(AUTH_10);
    authenticates("def", "1");
    posts("1 " VECTOR);
    answers(DONE, "");
    ended(2, IOT_OK, 0, "");
}

static void the_key_is_forgotten_with_the_token(void **state)
{
    static const uint8_t nothing[16];
    (void)state;
    start_vector();
    asks(AUTH_10);
    authenticates("abc", "1");
    posts("1 " VECTOR);
    answers(DONE, "");
    assert_memory_equal(up.key, key, 16);
    assert_err(iot_uplink_forget(&up), IOT_OK);
    assert_memory_equal(up.key, nothing, 16);
}

/* ---- Answers that are none ----------------------------------------------------------------- */

static void authentications_that_lack_something_are_refused(void **state)
{
    static const struct {
        const char *json;
        iot_err err;
    } rows[] = {
        {"{\"token\":\"t\"}", IOT_ERR_JSON_MISSING},
        {"{\"random\":\"abc\",\"token\":\"t\"}", IOT_ERR_JSON_MISSING},
        {"{\"seqOffset\":1,\"token\":\"t\"}", IOT_ERR_JSON_MISSING},
        {"{\"random\":\"abc\",\"seqOffset\":1}", IOT_ERR_JSON_MISSING},
        {"{\"random\":\"\",\"seqOffset\":1,\"token\":\"t\"}", IOT_ERR_JSON_RANGE},
        {"{\"random\":17,\"seqOffset\":1,\"token\":\"t\"}", IOT_ERR_JSON_RANGE},
        {"{\"random\":\"a\\u0062\",\"seqOffset\":1,\"token\":\"t\"}", IOT_ERR_JSON_RANGE},
        {"{\"random\":\"abc\",\"seqOffset\":-1,\"token\":\"t\"}", IOT_ERR_JSON_RANGE},
        {"{\"random\":\"abc\",\"seqOffset\":4294967296,\"token\":\"t\"}", IOT_ERR_JSON_RANGE},
        {"{\"random\":\"abc\",\"seqOffset\":\"x\",\"token\":\"t\"}", IOT_ERR_JSON_TYPE},
        {"{\"random\":\"abc\",\"seqOffset\":1.5,\"token\":\"t\"}", IOT_ERR_JSON_TYPE},
        {"{\"random\":\"abc\",\"seqOffset\":1,\"token\":\"\"}", IOT_ERR_JSON_RANGE},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uplink_begin_symmetric(NULL);
        start_vector();
        asks(AUTH_10);
        answers(DONE, rows[i].json);
        ended(1, rows[i].err, 0, "");
        start_vector();
        asks(AUTH_10);
    }
}

static void answers_that_are_not_by_our_key_are_refused(void **state)
{
    uint8_t bytes[32];
    (void)state;
    start_vector();
    asks(AUTH_10);
    authenticates("abc", "1");
    posts("1 " VECTOR);
    answers(DONE, "{\"code\":200}"); /* plain */
    ended(1, IOT_ERR_UPLINK_CIPHER, 0, "");
    assert_int_equal(result.retry_ms, 1000);
    start_vector();
    posts("2 " VECTOR);
    struct iot_bytes cut = sealed("0123456789abcdef", 16);
    cut.len = 16; /* its padding is missing */
    answers_bytes(DONE, -1, cut);
    ended(2, IOT_ERR_UPLINK_CIPHER, 0, "");
    start_vector();
    posts("3 " VECTOR);
    memcpy(bytes, sealed("0123456789", 10).ptr, 16);
    bytes[15] ^= 1;
    answers_bytes(DONE, -1, (struct iot_bytes){bytes, 16});
    ended(3, IOT_ERR_UPLINK_CIPHER, 0, "");
    start_vector(); /* and the next one is as if nothing had been */
    posts("4 " VECTOR);
    answers_sealed(DONE, "");
    ended(4, IOT_OK, 0, "");
}

static void an_answer_may_have_a_number_too(void **state)
{
    struct iot_coap_message m;
    struct iot_coap_encoder e;
    uint8_t bytes[256];
    (void)state;
    start_vector();
    asks(AUTH_10);
    authenticates("abc", "1");
    posts("1 " VECTOR);
    m = last_sent();
    iot_coap_encode(&e, bytes, sizeof bytes, IOT_COAP_ACK, DONE, m.id, m.token);
    iot_coap_put(&e, 2089, sealed("1", 1));
    iot_coap_put_payload(&e, sealed("fine", 4));
    logged_dgram_receive(&net, (struct iot_bytes){bytes, e.len});
    run(0);
    ended(1, IOT_OK, 0, "fine");
}

/* ---- Others -------------------------------------------------------------------------------- */

static void what_is_not_confirmed_has_no_number(void **state)
{
    struct iot_uplink_post mine = vector;
    (void)state;
    mine.non = true;
    assert_err(iot_uplink_post(&up, &mine), IOT_ERR_ARG);
    asks_nothing();
}

static void the_payload_is_not_touched(void **state)
{
    uint8_t payload[40];
    struct iot_uplink_post mine = vector;
    (void)state;
    memset(payload, 'p', sizeof payload);
    mine.payload = (struct iot_bytes){payload, sizeof payload};
    assert_err(iot_uplink_post(&up, &mine), IOT_OK);
    asks(AUTH_10);
    authenticates("abc", "1");
    posts("1 pppppppppppppppppppppppppppppppppppppppp");
    for (size_t i = 0; i < sizeof payload; i++)
        assert_int_equal(payload[i], 'p');
}

static void payloads_of_any_length(void **state)
{
    char text[80], want[90];
    struct iot_uplink_post mine = vector;
    (void)state;
    memset(text, 'y', sizeof text);
    for (uint32_t len = 0; len <= 64; len++) {
        uplink_begin_symmetric(NULL);
        mine.payload = (struct iot_bytes){(uint8_t *)text, len};
        assert_err(iot_uplink_post(&up, &mine), IOT_OK);
        asks(AUTH_10);
        authenticates("abc", "1");
        snprintf(want, sizeof want, "1 %.*s", (int)len, text);
        posts(want);
        answers(IOT_COAP_CODE(4, 1), ""); /* back and forth */
    }
}

static void memory_of_any_size(void **state)
{
    uint32_t done = 0;
    (void)state;
    for (uint32_t bytes = 0; bytes < 500; bytes++) {
        uplink_begin_symmetric(NULL);
        give_memory(bytes);
        iot_err err = iot_uplink_post(&up, &vector);
        assert_memory();
        if (err != IOT_OK) {
            assert_err(err, IOT_ERR_SIZE);
            assert_true(is_wiped());
            continue;
        }
        asks(AUTH_10);
        authenticates("5f3c9a1b7e2d4068", "1");
        if (results == 1) {
            ended(1, IOT_ERR_SIZE, 0, "");
            assert_int_equal(done, 0);
            continue;
        }
        posts("1 " VECTOR);
        answers_sealed(DONE, "0123456789");
        ended(1, IOT_OK, 0, "0123456789");
        done++;
    }
    assert_true(done > 50);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup(test, uplink_begin_symmetric)
    const struct CMUnitTest tests[] = {
        CASE(bytes_are_those_of_the_reference),
        CASE(older_devices_have_one_option_twice),
        CASE(the_method_is_named_unless_it_is_md5),
        CASE(numbers_are_by_chance_and_of_four_digits),
        CASE(chance_may_not_be_ready),
        CASE(a_message_that_is_not_begun_takes_no_number),
        CASE(each_message_has_the_next_number),
        CASE(what_is_sent_again_has_the_same_number),
        CASE(a_refused_number_or_token_is_answered_by_a_new_key_once),
        CASE(a_number_at_its_end_is_refused_and_begins_anew),
        CASE(the_key_is_forgotten_with_the_token),
        CASE(authentications_that_lack_something_are_refused),
        CASE(answers_that_are_not_by_our_key_are_refused),
        CASE(an_answer_may_have_a_number_too),
        CASE(what_is_not_confirmed_has_no_number),
        CASE(the_payload_is_not_touched),
        CASE(payloads_of_any_length),
        CASE(memory_of_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

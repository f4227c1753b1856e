/* SPDX-License-Identifier: Apache-2.0 */
/* Logins of a device that registers, text by text, and what it takes for an answer. Signatures were computed by other
 * means: HMAC of deviceNamedev001productKeya1B2c3D4e5Frandom0011223344556677 with the product's secret. */
#include "test.h"

#include "heap_trap.h"
#include "link/iot_link_register.h"

#define SECRET "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define NAMES  "\"productKey\":\"a1B2c3D4e5F\",\"deviceName\":\"dev001\""
#define ANSWER "{" NAMES ",\"deviceSecret\":\"" SECRET "\"}"
#define CLIENT "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc" /* 64 */
#define CAP    659u

static struct iot_link_identity id;
static struct iot_registration registration;
static struct iot_register reg;
static struct iot_link_login out;
static uint8_t scratch[1024];

static char kept[256];
static uint32_t kept_len, sets;
static iot_err kv_says;

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    static const uint8_t chance[8] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77};

    (void)ctx;
    assert_int_equal(n, sizeof chance);
    memcpy(into, chance, n);
    return IOT_OK;
}

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    (void)ctx;
    assert_string_equal(key, "iot-ds");
    if (kv_says != IOT_OK)
        return kv_says;
    if (kept_len == 0)
        return IOT_ERR_STATE;
    if (kept_len > cap)
        return IOT_ERR_SIZE;
    memcpy(into, kept, kept_len);
    *len = kept_len;
    return IOT_OK;
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    (void)ctx;
    assert_string_equal(key, "iot-ds");
    assert_true(len <= sizeof kept);
    sets++;
    if (kv_says != IOT_OK)
        return kv_says;
    memcpy(kept, bytes, len);
    kept_len = len;
    return IOT_OK;
}

static const struct iot_port port = {.random = random_bytes, .kv_get = kv_get, .kv_set = kv_set};

static void init(void)
{
    memset(&reg, 0xee, sizeof reg);
    assert_err(iot_link_check(&id), IOT_OK);
    assert_err(iot_register_init(&reg, &id, &port), IOT_OK);
}

static int setup(void **state)
{
    (void)state;
    heap_trap_off();
    memset(&registration, 0, sizeof registration);
    registration.product_secret = "Ps16CharSecret01";
    id = (struct iot_link_identity){
        .product_key = "a1B2c3D4e5F", .device_name = "dev001", .registration = &registration};
    kept_len = sets = 0;
    kv_says = IOT_OK;
    init();
    return 0;
}

static iot_err login(uint32_t cap)
{
    memset(scratch, 0xcc, sizeof scratch);
    heap_trap_on();
    iot_err err = iot_register_login(&reg, IOT_LINK_TLS, scratch, cap, &out);
    heap_trap_off();
    for (uint32_t i = cap; i < sizeof scratch; i++)
        assert_int_equal(scratch[i], 0xcc);
    return err;
}

static void keep(const char *text)
{
    kept_len = (uint32_t)strlen(text);
    memcpy(kept, text, kept_len);
}

/* In memory that ends where it ends. */
static iot_err take(const char *topic, struct iot_bytes payload)
{
    struct iot_msg msg = {.topic = {topic, (uint16_t)strlen(topic), 0},
                          .payload = guarded(payload)};

    heap_trap_on();
    iot_err err = iot_register_take(&reg, &msg);
    heap_trap_off();
    return err;
}

static iot_err answer(const char *text)
{
    return take(registration.kind == IOT_REGISTER_NWL ? "/ext/regnwl" : "/ext/register",
                text_bytes(text));
}

/* ---- Logins -------------------------------------------------------------------------------- */

static void a_registration_is_signed_with_the_products_secret_by_each_method(void **state)
{
    static const char *const names[] = {"hmacsha256", "hmacsha1", "hmacmd5"};
    static const char *const signs[] = {
        "5BB2FEF38D4337C09EAEB689A9320055D90D8502F33334E76018A862ADF4DED5",
        "4F322947B2A160EE45850B5BEC43CB64FAABE0F1", "91A21C3EBD7F0237082EC91380A30C1E"};
    char text[256];

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        for (uint32_t nwl = 0; nwl < 2; nwl++) {
            registration.kind = nwl ? IOT_REGISTER_NWL : IOT_REGISTER_SECRET;
            id.method = (enum iot_sign_method)i;
            assert_err(login(CAP), IOT_OK);
            assert_true(iot_register_asks(&reg));
            snprintf(text, sizeof text,
                     "a1B2c3D4e5F.dev001|authType=%s,random=0011223344556677,signmethod=%s,"
                     "securemode=2|",
                     nwl ? "regnwl" : "register", names[i]);
            assert_bytes(out.client_id, text_bytes(text));
            assert_bytes(out.user_name, BYTES("dev001&a1B2c3D4e5F"));
            assert_bytes(out.password, text_bytes(signs[i]));
        }
    }
}

static void an_instance_and_a_client_id_are_sent_and_not_signed(void **state)
{
    (void)state;
    id.instance_id = "iot-0001";
    id.client_id = "12345";
    id.gateway = true; /* no matter here */
    assert_err(login(CAP), IOT_OK);
    assert_bytes(out.client_id,
                 BYTES("12345|authType=register,random=0011223344556677,signmethod=hmacsha256,"
                       "securemode=2,instanceId=iot-0001|"));
    assert_bytes(out.password,
                 BYTES("5BB2FEF38D4337C09EAEB689A9320055D90D8502F33334E76018A862ADF4DED5"));
    id.instance_id = "";
    assert_err(login(CAP), IOT_OK);
    assert_bytes(out.client_id,
                 BYTES("12345|authType=register,random=0011223344556677,signmethod=hmacsha256,"
                       "securemode=2|"));
}

static void with_a_stored_secret_it_is_the_login_of_a_device_that_has_one(void **state)
{
    struct iot_link_login own;
    uint8_t room[CAP];
    struct iot_link_identity full = id;

    (void)state;
    full.registration = NULL;
    full.device_secret = SECRET;
    assert_err(iot_link_login(&full, IOT_LINK_TLS, room, sizeof room, &own), IOT_OK);
    keep(SECRET);
    assert_err(login(CAP), IOT_OK);
    assert_false(iot_register_asks(&reg));
    assert_bytes(out.client_id, own.client_id);
    assert_bytes(out.user_name, own.user_name);
    assert_bytes(out.password, own.password);
}

static void a_token_logs_in_with_all_fields_that_there_are(void **state)
{
    (void)state;
    registration.kind = IOT_REGISTER_NWL;
    keep("cid|tok-en=");
    assert_err(login(CAP), IOT_OK);
    assert_bytes(out.client_id, BYTES("cid|authType=connwl,securemode=-2,ext=0,_v=sdk-c-0.1.0|"));
    assert_bytes(out.user_name, BYTES("dev001&a1B2c3D4e5F"));
    assert_bytes(out.password, BYTES("tok-en="));
    id.client_id = "not-this";
    id.system_topics = id.gateway = true;
    id.ext = 3;
    id.sdk_version = "";
    id.partner_id = "p";
    id.module_id = "m";
    id.instance_id = "iot-1";
    id.connection = "c c";
    id.custom = "a=b,c=d";
    assert_err(login(CAP), IOT_OK);
    assert_bytes(out.client_id,
                 BYTES("cid|authType=connwl,securemode=-2,_ss=1,ext=3,gw=1,pid=p,mid=m,"
                       "instanceId=iot-1,_conn=c c,a=b,c=d|"));
}

/* Each form of login into each size of room: all of it, or nothing and not half a password. */
static void a_login_fits_its_room_or_leaves_nothing_there(void **state)
{
    static const char *const values[] = {"", SECRET, "cid|token"};

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t fits = 0;
        registration.kind = i == 2 ? IOT_REGISTER_NWL : IOT_REGISTER_SECRET;
        keep(values[i]);
        for (uint32_t cap = 0; cap < 400; cap++) {
            iot_err err = login(cap);
            fits += err == IOT_OK;
            if (err == IOT_OK)
                continue;
            assert_err(err, IOT_ERR_SIZE);
            assert_int_equal(fits, 0);
            assert_null(out.password.ptr);
            assert_false(iot_register_asks(&reg));
            assert_null(memmem(scratch, cap, "token", 5));
            assert_null(memmem(scratch, cap, "5BB2FEF3", 8));
            assert_null(memmem(scratch, cap, "E94C6C93", 8));
        }
        assert_true(fits > 100);
    }
}

static void samples_are_as_long_as_logins_can_be(void **state)
{
    static char token[IOT_DEVICE_TOKEN_MAX + 1];
    struct iot_link_login real;

    (void)state;
    for (uint32_t nwl = 0; nwl < 2; nwl++) {
        registration.kind = nwl ? IOT_REGISTER_NWL : IOT_REGISTER_SECRET;
        kept_len = 0;
        assert_err(login(CAP), IOT_OK);
        real = out;
        assert_err(iot_register_sample(&id, true, IOT_LINK_TLS, scratch, CAP, &out), IOT_OK);
        assert_int_equal(out.client_id.len, real.client_id.len);
        assert_int_equal(out.password.len, real.password.len);
        memset(token, 't', sizeof token - 1);
        keep(SECRET SECRET);
        if (nwl)
            kept_len = (uint32_t)snprintf(kept, sizeof kept, CLIENT "|%s", token);
        init();
        assert_err(login(CAP), IOT_OK);
        real = out;
        assert_err(iot_register_sample(&id, false, IOT_LINK_TLS, scratch, CAP, &out), IOT_OK);
        assert_int_equal(out.client_id.len, real.client_id.len);
        assert_int_equal(out.password.len, real.password.len);
        assert_int_equal(iot_register_sample(&id, true, IOT_LINK_PLAIN, scratch, CAP, &out),
                         IOT_ERR_ARG);
    }
}

static void each_transport_gets_what_it_may_have(void **state)
{
    static const struct {
        enum iot_link_transport transport;
        enum iot_register_kind kind;
        const char *value;
        iot_err err;
    } rows[] = {
        {IOT_LINK_TLS, IOT_REGISTER_SECRET, "", IOT_OK},
        {IOT_LINK_TLS, IOT_REGISTER_NWL, "", IOT_OK},
        {IOT_LINK_PLAIN, IOT_REGISTER_SECRET, "", IOT_ERR_ARG},
        {IOT_LINK_PLAIN, IOT_REGISTER_SECRET, SECRET, IOT_ERR_ARG},
        {IOT_LINK_PLAIN, IOT_REGISTER_NWL, "c|t", IOT_ERR_ARG},
        {IOT_LINK_TLS_PSK, IOT_REGISTER_SECRET, "", IOT_ERR_LINK_REGISTER_TLS},
        {IOT_LINK_TLS_PSK, IOT_REGISTER_SECRET, SECRET, IOT_OK},
        {IOT_LINK_TLS_PSK, IOT_REGISTER_NWL, "c|t", IOT_ERR_ARG},
    };

    (void)state;
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        registration.kind = rows[i].kind;
        keep(rows[i].value);
        init();
        assert_err(iot_register_login(&reg, rows[i].transport, scratch, CAP, &out), rows[i].err);
    }
}

static void a_psk_is_made_of_the_stored_secret(void **state)
{
    uint8_t identity[IOT_LINK_PSK_IDENTITY_MAX], key[IOT_LINK_PSK_BYTES];
    uint32_t len = 99;

    (void)state;
    assert_err(login(CAP), IOT_OK);
    assert_err(iot_register_psk(&reg, identity, &len, key), IOT_ERR_STATE);
    assert_int_equal(len, 0);
    keep(SECRET);
    assert_err(login(CAP), IOT_OK);
    assert_err(iot_register_psk(&reg, identity, &len, key), IOT_OK);
    assert_bytes(((struct iot_bytes){identity, len}),
                 BYTES("devicename|hmacsha256|a1B2c3D4e5F&dev001|2524608000000"));
    assert_bytes(((struct iot_bytes){key, sizeof key}),
                 BYTES("A7D53EBFA05AEF3B659F5D637B923FC992E833FE01F79956FA3C6CB739C2C6BE"));
    kv_says = IOT_ERR_AGAIN;
    assert_err(iot_register_psk(&reg, identity, &len, key), IOT_ERR_AGAIN);
    kv_says = IOT_ERR_STATE; /* gone since the login was made */
    assert_err(iot_register_psk(&reg, identity, &len, key), IOT_ERR_KV);
}

/* ---- The kv -------------------------------------------------------------------------------- */

static void values_of_the_other_kind_or_of_no_kind_are_not_overwritten(void **state)
{
    static const struct {
        enum iot_register_kind kind;
        const char *value;
    } rows[] = {
        {IOT_REGISTER_SECRET, "cid|token"},
        {IOT_REGISTER_NWL, SECRET},
        {IOT_REGISTER_NWL, "|token"},
        {IOT_REGISTER_NWL, "cid|"},
        {IOT_REGISTER_NWL, "cid|to|ken"},
        {IOT_REGISTER_NWL, "cid|to ken"},
        {IOT_REGISTER_NWL, "c,d|token"},
        {IOT_REGISTER_NWL, CLIENT "c|token"},
        {IOT_REGISTER_SECRET, SECRET SECRET "0"},
        {IOT_REGISTER_SECRET, "a-b"},
    };

    (void)state;
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        registration.kind = rows[i].kind;
        keep(rows[i].value);
        init();
        assert_err(login(CAP), IOT_ERR_KV);
        assert_false(iot_register_asks(&reg));
    }
    assert_int_equal(sets, 0);
}

static void a_value_of_any_length_is_read_within_its_room(void **state)
{
    (void)state;
    memset(kept, 'a', sizeof kept);
    for (kept_len = 1; kept_len <= sizeof kept; kept_len++) {
        init();
        assert_err(login(CAP), kept_len <= IOT_DEVICE_SECRET_MAX ? IOT_OK : IOT_ERR_KV);
    }
}

/* ---- Answers ------------------------------------------------------------------------------- */

static void an_answer_is_stored_as_a_login_reads_it(void **state)
{
    (void)state;
    assert_err(login(CAP), IOT_OK);
    assert_err(iot_register_result(&reg, false), IOT_ERR_AGAIN);
    assert_err(iot_register_result(&reg, true), IOT_ERR_LINK_REGISTER_TIMEOUT);
    assert_err(answer(ANSWER), IOT_OK);
    assert_err(iot_register_result(&reg, false), IOT_OK);
    assert_true(iot_register_asks(&reg)); /* the connection is still that one */
    assert_err(answer(ANSWER), IOT_ERR_STATE);
    assert_int_equal(sets, 1);
    assert_err(login(CAP), IOT_OK);
    assert_false(iot_register_asks(&reg));
}

static void a_token_s_answer_needs_both_its_texts(void **state)
{
    static const struct {
        const char *rest;
        iot_err err;
    } rows[] = {
        {"", IOT_ERR_JSON_MISSING},
        {",\"clientId\":\"c\"", IOT_ERR_JSON_MISSING},
        {",\"deviceToken\":\"t\"", IOT_ERR_JSON_MISSING},
        {",\"deviceSecret\":\"" SECRET "\"", IOT_ERR_JSON_MISSING},
        {",\"clientId\":1,\"deviceToken\":\"t\"", IOT_ERR_JSON_TYPE},
        {",\"clientId\":\"c\",\"deviceToken\":[]", IOT_ERR_JSON_TYPE},
        {",\"clientId\":\"\",\"deviceToken\":\"t\"", IOT_ERR_JSON_RANGE},
        {",\"clientId\":\"c\",\"deviceToken\":\"\"", IOT_ERR_JSON_RANGE},
        {",\"clientId\":\"a|b\",\"deviceToken\":\"t\"", IOT_ERR_JSON_RANGE},
        {",\"clientId\":\"a,b\",\"deviceToken\":\"t\"", IOT_ERR_JSON_RANGE},
        {",\"clientId\":\"c\",\"deviceToken\":\"t|t\"", IOT_ERR_JSON_RANGE},
        {",\"clientId\":\"c\",\"deviceToken\":\"t\\u0000\"", IOT_ERR_JSON_RANGE},
        {",\"clientId\":\"" CLIENT "c\",\"deviceToken\":\"t\"", IOT_ERR_SIZE},
        {",\"clientId\":\"c\",\"deviceToken\":\"" CLIENT CLIENT "t\"", IOT_ERR_SIZE},
        {",\"clientId\":\"" CLIENT "\",\"deviceToken\":\"" CLIENT CLIENT "\"", IOT_OK},
    };
    char text[512];

    (void)state;
    registration.kind = IOT_REGISTER_NWL;
    assert_err(login(CAP), IOT_OK);
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        snprintf(text, sizeof text, "{" NAMES "%s}", rows[i].rest);
        assert_err(answer(text), rows[i].err);
        assert_int_equal(sets, rows[i].err == IOT_OK);
    }
    assert_int_equal(kept_len, 64 + 1 + 128);
    assert_err(login(CAP), IOT_OK);
    assert_int_equal(out.password.len, 128);
}

static void a_store_that_is_slow_or_broken_gives_the_answer_its_state(void **state)
{
    (void)state;
    assert_err(login(CAP), IOT_OK);
    kv_says = IOT_ERR_AGAIN;
    assert_err(answer(ANSWER), IOT_ERR_AGAIN);
    assert_err(iot_register_result(&reg, false), IOT_ERR_AGAIN);
    assert_err(iot_register_result(&reg, true), IOT_ERR_KV);
    assert_err(login(CAP), IOT_ERR_AGAIN);
    kv_says = IOT_ERR_FULL;
    assert_err(answer(ANSWER), IOT_ERR_STATE);
    assert_err(iot_register_result(&reg, false), IOT_ERR_KV);
    kv_says = IOT_OK;
    assert_err(answer(ANSWER), IOT_ERR_STATE); /* too late for this connection */
    assert_int_equal(kept_len, 0);
}

/* What is cut or changed is an answer, or it is not; never is anything else stored. */
static void answers_that_are_cut_or_damaged_store_nothing_odd(void **state)
{
    uint8_t text[sizeof ANSWER];
    uint32_t seed = test_seed(), taken = 0;

    (void)state;
    for (uint32_t n = 0; n < sizeof ANSWER - 1; n++) {
        assert_err(login(CAP), IOT_OK);
        assert_err(take("/ext/register", (struct iot_bytes){(const uint8_t *)ANSWER, n}),
                   IOT_ERR_JSON_SYNTAX);
    }
    for (uint32_t i = 0; i < 50000; i++) {
        kept_len = 0;
        init();
        assert_err(login(CAP), IOT_OK);
        memcpy(text, ANSWER, sizeof ANSWER - 1);
        for (uint32_t k = 1 + test_random(&seed, 3); k != 0; k--)
            text[test_random(&seed, sizeof ANSWER - 1)] = (uint8_t)test_random(&seed, 256);
        iot_err err = take("/ext/register", (struct iot_bytes){text, sizeof ANSWER - 1});
        if (err != IOT_OK) {
            assert_int_equal(kept_len, 0);
            continue;
        }
        taken++;
        assert_true(kept_len >= 1 && kept_len <= IOT_DEVICE_SECRET_MAX);
        for (uint32_t k = 0; k < kept_len; k++)
            assert_non_null(memchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
                                   kept[k], 62));
    }
    assert_true(taken > 100);
}

#define CASE(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_registration_is_signed_with_the_products_secret_by_each_method),
        CASE(an_instance_and_a_client_id_are_sent_and_not_signed),
        CASE(with_a_stored_secret_it_is_the_login_of_a_device_that_has_one),
        CASE(a_token_logs_in_with_all_fields_that_there_are),
        CASE(a_login_fits_its_room_or_leaves_nothing_there),
        CASE(samples_are_as_long_as_logins_can_be),
        CASE(each_transport_gets_what_it_may_have),
        CASE(a_psk_is_made_of_the_stored_secret),
        CASE(values_of_the_other_kind_or_of_no_kind_are_not_overwritten),
        CASE(a_value_of_any_length_is_read_within_its_room),
        CASE(an_answer_is_stored_as_a_login_reads_it),
        CASE(a_token_s_answer_needs_both_its_texts),
        CASE(a_store_that_is_slow_or_broken_gives_the_answer_its_state),
        CASE(answers_that_are_cut_or_damaged_store_nothing_odd),
    };
    return cmocka_run_group_tests_name("link_register", tests, NULL, NULL);
}

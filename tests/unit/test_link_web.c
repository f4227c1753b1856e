/* SPDX-License-Identifier: Apache-2.0 */
/* Pre-authentication, bootstrap and registration by HTTPS. Signatures are those of the protocol's vectors, or were made
 * by the openssl program: `openssl dgst -sha256 -hmac SECRET`. */
#include "web_fake.h"

#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"

static int setup(void **state)
{
    (void)state;
    web_start(&web_port_plain);
    return 0;
}

static void asked(enum iot_http_method method, const char *url, const char *headers,
                  const char *body)
{
    assert_int_equal(web_http.request.method, method);
    assert_string_equal(web_http.url, url);
    assert_string_equal(web_http.headers, headers);
    assert_string_equal(web_http.body, body);
}

/* ---- Pre-authentication ---------------------------------------------------------------------- */

#define LOGIN_ANSWER                                                                               \
    "{\"code\":200,\"message\":\"success\",\"data\":{\"iotId\":\"iotIdExample0001\",\"iotToken\":" \
    "\"tokenexample00000000000000000001\",\"resources\":{\"mqtt\":{\"host\":"                      \
    "\"public.iot-as-mqtt.cn-shanghai.aliyuncs.com\",\"port\":1883}}}}"

static void pre_authentication_is_as_in_the_protocol(void **state)
{
    (void)state;
    web_id.method = IOT_SIGN_HMACSHA1;
    assert_err(iot_web_login(&web), IOT_OK);
    asked(IOT_HTTP_POST, "https://iot-auth.cn-shanghai.aliyuncs.com/auth/devicename", FORM,
          "productKey=a1B2c3D4e5F&deviceName=dev001&resources=mqtt&clientId=a1B2c3D4e5F.dev001"
          "&signmethod=hmacsha1&version=default&timestamp=2524608000000&sign="
          "AD32C7344CDBA0D7992B63998E3FBE2A5707B100");
    web_answer(200, LOGIN_ANSWER);
    web_ended(1, IOT_WEB_LOGIN, IOT_OK, 0);
    assert_int_equal(web_result.retry_ms, 0);
    struct iot_credentials c = {.host = "before", .port = 1};
    assert_err(iot_web_credentials(&web, &c), IOT_OK);
    assert_string_equal(c.host, "public.iot-as-mqtt.cn-shanghai.aliyuncs.com");
    assert_int_equal(c.port, 1883);
    assert_bytes(c.user_name, BYTES("iotIdExample0001"));
    assert_bytes(c.password, BYTES("tokenexample00000000000000000001"));
    assert_bytes(c.client_id,
                 BYTES("a1B2c3D4e5F.dev001|securemode=-1,signmethod=hmacsha1,gw=0,ext=0|"));
}

static void each_method_signs(void **state)
{
    static const char *const signs[] = {
        "E94C6C93B28B957C26538D2B0FEBD732A54FAA2D172C6B72ADED4DFADF897AE4",
        "AD32C7344CDBA0D7992B63998E3FBE2A5707B100", "E8328765FB8AEA83522CFF7009B8A956"};
    (void)state;
    for (int m = IOT_SIGN_HMACSHA256; m <= IOT_SIGN_HMACMD5; m++) {
        web_id.method = (enum iot_sign_method)m;
        assert_err(iot_web_login(&web), IOT_OK);
        const char *at = strstr(web_http.body, "&sign=");
        assert_non_null(at);
        assert_string_equal(at + 6, signs[m]);
        web_answer(200, LOGIN_ANSWER);
    }
}

static void what_a_form_cannot_hold_is_escaped(void **state)
{
    (void)state;
    web_id.device_name = "a@b:c.d_e-f";
    web_id.client_id = "x&y+z%\"/";
    assert_err(iot_web_login(&web), IOT_OK);
    assert_non_null(strstr(web_http.body, "&deviceName=a%40b%3Ac.d_e-f&"));
    assert_non_null(strstr(web_http.body, "&clientId=x%26y%2Bz%25%22%2F&"));
    web_end(IOT_ERR_TCP_RESET, 0);
}

static iot_err sign_result;

static iot_err element(void *ctx, enum iot_sign_method method, struct iot_bytes text,
                       uint8_t mac[32])
{
    (void)ctx;
    assert_int_equal(method, IOT_SIGN_HMACSHA256);
    assert_bytes(text,
                 BYTES("clientIda1B2c3D4e5F.dev001deviceNamedev001productKeya1B2c3D4e5Ftimestamp"
                       "2524608000000"));
    memset(mac, 0xab, 32);
    return sign_result;
}

static void a_secure_element_signs_or_says_why_not(void **state)
{
    (void)state;
    web_id.device_secret = NULL;
    web_id.sign = element;
    sign_result = IOT_ERR_AGAIN;
    assert_err(iot_web_login(&web), IOT_ERR_AGAIN);
    assert_int_equal(web_http.asked, 0);
    sign_result = IOT_ERR_RANDOM;
    assert_err(iot_web_login(&web), IOT_ERR_RANDOM);
    sign_result = IOT_OK;
    assert_err(iot_web_login(&web), IOT_OK);
    assert_non_null(strstr(web_http.body, "&sign=ABABABABABAB"));
    web_end(IOT_ERR_TCP_RESET, 0);
    assert_int_equal(web_results, 1);
}

#define WHERE ",\"resources\":{\"mqtt\":{\"host\":\"h\",\"port\":1}}"

static void an_answer_that_lacks_something_leaves_nothing(void **state)
{
    static const struct {
        const char *text;
        iot_err err;
        int32_t detail;
    } rows[] = {
        {"", IOT_ERR_JSON_SYNTAX, 0},
        {"{\"code\":200", IOT_ERR_JSON_SYNTAX, 0},
        {"[]", IOT_ERR_JSON_MISSING, 0},
        {"{\"code\":true}", IOT_ERR_JSON_TYPE, 0},
        {"{\"code\":200}", IOT_ERR_JSON_MISSING, 0},
        {"{\"code\":6600,\"data\":{}}", IOT_ERR_LINK_CODE, 6600},
        {"{\"code\":\"6100\"}", IOT_ERR_LINK_CODE, 6100},
        {"{\"code\":200,\"data\":{\"iotId\":\"a\"" WHERE "}}", IOT_ERR_JSON_MISSING, 0},
        {"{\"code\":200,\"data\":{\"iotId\":\"\",\"iotToken\":\"b\"" WHERE "}}", IOT_ERR_JSON_RANGE,
         0},
        {"{\"code\":200,\"data\":{\"iotId\":\"a\",\"iotToken\":5" WHERE "}}", IOT_ERR_JSON_TYPE, 0},
        {"{\"code\":200,\"data\":{\"iotId\":\"a\",\"iotToken\":\"b\",\"resources\":{\"mqtt\":{"
         "\"host\":\"h\"}}}}",
         IOT_ERR_JSON_MISSING, 0},
        {"{\"code\":200,\"data\":{\"iotId\":\"a\",\"iotToken\":\"b\",\"resources\":{\"mqtt\":{"
         "\"host\":\"h\",\"port\":0}}}}",
         IOT_ERR_JSON_RANGE, 0},
        {"{\"code\":200,\"data\":{\"iotId\":\"a\",\"iotToken\":\"b\",\"resources\":{\"mqtt\":{"
         "\"host\":\"h\",\"port\":65536}}}}",
         IOT_ERR_JSON_RANGE, 0},
        {"{\"code\":200,\"data\":{\"iotId\":\"a\",\"iotToken\":\"b\",\"resources\":{\"mqtt\":{"
         "\"host\":\"h h\",\"port\":1}}}}",
         IOT_ERR_JSON_RANGE, 0},
        {"{\"code\":200,\"data\":{\"iotId\":"
         "\"01234567890123456789012345678901234567890123456789012345678901234\","
         "\"iotToken\":\"b\"" WHERE "}}",
         IOT_ERR_JSON_RANGE, 0},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        assert_err(iot_web_login(&web), IOT_OK);
        web_answer(200, LOGIN_ANSWER);
        assert_err(iot_web_login(&web), IOT_OK);
        web_answer(200, rows[i].text);
        web_ended(2 * i + 2, IOT_WEB_LOGIN, rows[i].err, rows[i].detail);
        assert_int_not_equal(web_result.retry_ms, 0);
        struct iot_credentials c = {.port = 1};
        assert_err(iot_web_credentials(&web, &c), IOT_OK);
        /* what is refused, or no answer at all, takes nothing away */
        if (c.port == 1883)
            assert_bytes(c.user_name, BYTES("iotIdExample0001"));
        else
            assert_true(c.port == 1 && c.user_name.ptr == NULL && i >= 4);
    }
}

/* ---- Bootstrap ------------------------------------------------------------------------------- */

#define BOOTSTRAP_BODY                                                                             \
    "productKey=a1B2c3D4e5F&deviceName=dev001&resources=mqtt&clientId=a1B2c3D4e5F.dev001"
#define BOOTSTRAP_ANSWER                                                                           \
    "{\"code\":200,\"data\":{\"resources\":{\"mqtt\":{\"host\":\"h.us-west-1.aliyuncs.com\","      \
    "\"port\":\"443\"}}}}"

static void bootstrap_has_three_forms(void **state)
{
    (void)state;
    web_id.region = "us-west-1";
    assert_err(iot_web_bootstrap(&web, IOT_WEB_GLOBAL), IOT_OK);
    asked(IOT_HTTP_POST, "https://iot-auth-global.aliyuncs.com/auth/bootstrap", FORM,
          BOOTSTRAP_BODY);
    web_answer(200, BOOTSTRAP_ANSWER);
    web_ended(1, IOT_WEB_BOOTSTRAP, IOT_OK, 0);
    assert_err(iot_web_bootstrap(&web, IOT_WEB_REGION), IOT_OK);
    asked(IOT_HTTP_POST, "https://iot-auth.us-west-1.aliyuncs.com/auth/bootstrap", FORM,
          BOOTSTRAP_BODY);
    web_answer(200, BOOTSTRAP_ANSWER);
    assert_err(iot_web_bootstrap(&web, IOT_WEB_REGION_ID), IOT_OK);
    asked(IOT_HTTP_GET,
          "https://iot-auth-global.aliyuncs.com/auth/bootstrap/regionId/us-west-1?" BOOTSTRAP_BODY,
          "", "");
    web_answer(200, BOOTSTRAP_ANSWER);
    web_ended(3, IOT_WEB_BOOTSTRAP, IOT_OK, 0);
}

static void bootstrap_gives_host_and_port_only(void **state)
{
    struct iot_credentials c = {.host = "before", .port = 1, .user_name = BYTES("u")};
    (void)state;
    assert_err(iot_web_credentials(&web, &c), IOT_OK); /* nobody was asked yet */
    assert_string_equal(c.host, "before");
    assert_err(iot_web_login(&web), IOT_OK);
    web_answer(200, LOGIN_ANSWER);
    assert_err(iot_web_bootstrap(&web, IOT_WEB_GLOBAL), IOT_OK);
    web_answer(200, BOOTSTRAP_ANSWER);
    assert_err(iot_web_credentials(&web, &c), IOT_OK);
    assert_string_equal(c.host, "h.us-west-1.aliyuncs.com");
    assert_int_equal(c.port, 443);
    assert_bytes(c.user_name, BYTES("u"));
    assert_err(iot_web_forget(&web), IOT_OK);
    c.host = "before";
    assert_err(iot_web_credentials(&web, &c), IOT_OK);
    assert_string_equal(c.host, "before");
}

#if IOT_FEATURE_REGISTER

static void a_registration_gets_the_host_and_no_login(void **state)
{
    struct iot_credentials c = {.host = "before", .port = 1, .registers = true};
    (void)state;
    assert_err(iot_web_login(&web), IOT_OK);
    web_answer(200, LOGIN_ANSWER);
    assert_err(iot_web_credentials(&web, &c), IOT_OK);
    assert_int_equal(c.port, 1883);
    assert_null(c.user_name.ptr);
}

#endif

/* ---- One at a time, and how it ends ---------------------------------------------------------- */

static void other_servers_are_asked_if_the_options_name_them(void **state)
{
    (void)state;
    web_options.auth = "https://127.0.0.1:8443";
    web_options.global = "https://[::1]:8443";
    assert_err(iot_web_init(&web, &web_options), IOT_OK);
    assert_err(iot_web_login(&web), IOT_OK);
    assert_string_equal(web_http.url, "https://127.0.0.1:8443/auth/devicename");
    web_end(IOT_ERR_TCP_RESET, 0);
    assert_err(iot_web_bootstrap(&web, IOT_WEB_GLOBAL), IOT_OK);
    assert_string_equal(web_http.url, "https://[::1]:8443/auth/bootstrap");
    web_end(IOT_ERR_TCP_RESET, 0);
    web_options.auth = "http://127.0.0.1:8443";
    assert_err(iot_web_init(&web, &web_options), IOT_ERR_ARG);
}

static void an_identity_without_names_is_refused(void **state)
{
    (void)state;
    web_id.device_name = "a|b";
    assert_err(iot_web_init(&web, &web_options), IOT_ERR_ARG);
    web_id = (struct iot_link_identity){.x509 = true, .client_id = "c"};
    assert_err(iot_web_init(&web, &web_options), IOT_ERR_ARG);
    web_id.product_key = WEB_PK;
    web_id.device_name = WEB_DN;
    assert_err(iot_web_init(&web, &web_options), IOT_OK);
    assert_err(iot_web_login(&web), IOT_ERR_ARG); /* it has nothing to sign with */
    assert_err(iot_web_bootstrap(&web, IOT_WEB_GLOBAL), IOT_OK);
    web_end(IOT_ERR_TCP_RESET, 0);
}

static void one_call_at_a_time(void **state)
{
    const struct iot_web_post post = {.topic = "/a"};
    char before[sizeof web_work];
    (void)state;
    assert_err(iot_web_cancel(&web), IOT_ERR_STATE);
    assert_err(iot_web_login(&web), IOT_OK);
    memcpy(before, web_work, sizeof before);
    assert_err(iot_web_login(&web), IOT_ERR_STATE);
    assert_err(iot_web_bootstrap(&web, IOT_WEB_GLOBAL), IOT_ERR_STATE);
    assert_err(iot_web_post(&web, &post, 0), IOT_ERR_STATE);
    assert_err(iot_web_forget(&web), IOT_ERR_STATE);
    assert_memory_equal(web_work, before, sizeof before); /* borrowed by the client */
    assert_err(iot_web_cancel(&web), IOT_OK);
    assert_int_equal(web_http.cancelled, 1);
    web_end(IOT_ERR_CLOSED, 0);
    web_ended(1, IOT_WEB_LOGIN, IOT_ERR_CLOSED, 0);
}

static void begin_another(void)
{
    web_then = NULL;
    assert_err(iot_web_bootstrap(&web, IOT_WEB_GLOBAL), IOT_OK);
}

static void the_next_may_begin_in_the_result_of_the_last(void **state)
{
    (void)state;
    web_then = begin_another;
    assert_err(iot_web_login(&web), IOT_OK);
    web_answer(200, LOGIN_ANSWER);
    assert_int_equal(web_results, 1);
    assert_true(web_http.busy);
    web_answer(200, BOOTSTRAP_ANSWER);
    web_ended(2, IOT_WEB_BOOTSTRAP, IOT_OK, 0);
}

static void what_the_client_refuses_was_not_begun(void **state)
{
    (void)state;
    web_http.refuses = IOT_ERR_HTTP_URL;
    assert_err(iot_web_login(&web), IOT_ERR_HTTP_URL);
    web_http.refuses = IOT_OK;
    assert_err(iot_web_login(&web), IOT_OK);
    web_answer(200, LOGIN_ANSWER);
    web_ended(1, IOT_WEB_LOGIN, IOT_OK, 0);
}

static void memory_that_is_too_small_is_said(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 400; n++) { /* each size of the work memory up to where it fits */
        web_options.work_bytes = n;
        iot_err err = iot_web_login(&web);
        for (uint32_t i = err == IOT_OK ? n : 0; i < sizeof web_work; i++)
            assert_int_equal(web_work[i], 0);
        if (err == IOT_OK) {
            web_head(200);
            assert_err(web_body(LOGIN_ANSWER, 50, 0), IOT_ERR_SIZE);
            web_options.work_bytes = sizeof web_work;
            web_end(IOT_ERR_SIZE, 0);
            web_ended(1, IOT_WEB_LOGIN, IOT_ERR_SIZE, 0);
            assert_int_equal(web_result.retry_ms, IOT_MS_NEVER);
            return;
        }
        assert_err(err, IOT_ERR_SIZE);
    }
    fail_msg("400 bytes do not do");
}

static void a_status_other_than_200_is_an_error(void **state)
{
    static const uint16_t statuses[] = {201, 204, 400, 403, 404, 429, 500, 503};
    (void)state;
    for (uint32_t i = 0; i < COUNT(statuses); i++) {
        assert_err(iot_web_login(&web), IOT_OK);
        web_answer(statuses[i], LOGIN_ANSWER);
        web_ended(i + 1, IOT_WEB_LOGIN, IOT_ERR_HTTP_STATUS, statuses[i]);
        assert_int_equal(web_result.retry_ms == IOT_MS_NEVER, statuses[i] < 429);
    }
    struct iot_credentials c = {.port = 1};
    assert_err(iot_web_credentials(&web, &c), IOT_OK);
    assert_int_equal(c.port, 1);
}

static void pauses_grow_to_four_minutes_and_start_anew(void **state)
{
    uint32_t expected = 1000;
    (void)state;
    for (uint32_t i = 0; i < 12; i++) {
        assert_err(iot_web_login(&web), IOT_OK);
        web_end(IOT_ERR_TCP_REFUSED, -13);
        web_ended(i + 1, IOT_WEB_LOGIN, IOT_ERR_TCP_REFUSED, -13);
        assert_int_equal(web_result.retry_ms, expected);
        expected = expected < 256000 ? 2 * expected : expected;
    }
    assert_err(iot_web_login(&web), IOT_OK);
    web_answer(200, LOGIN_ANSWER);
    assert_int_equal(web_result.retry_ms, 0);
    assert_err(iot_web_login(&web), IOT_OK);
    web_end(IOT_ERR_TCP_REFUSED, -13);
    assert_int_equal(web_result.retry_ms, 1000);
}

#if IOT_FEATURE_REGISTER
/* ---- Registration ---------------------------------------------------------------------------- */

#define REGISTER_ANSWER                                                                            \
    "{\"code\":200,\"message\":\"success\",\"data\":{\"productKey\":\"a1B2c3D4e5F\","              \
    "\"deviceName\":"                                                                              \
    "\"dev001\",\"deviceSecret\":\"0f1e2d3c4b5a69788796a5b4c3d2e1f0\"}}"

static struct iot_registration registration;
static char kept[128], kept_key[16];
static uint32_t kv_sets, kv_waits;
static iot_err kv_says, random_says;

static iot_err draw(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    for (uint32_t i = 0; i < n; i++)
        ((uint8_t *)into)[i] = (uint8_t)(0x1a + i);
    return random_says;
}

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    (void)ctx;
    if (strcmp(key, kept_key) != 0)
        return IOT_ERR_STATE;
    *len = (uint32_t)strlen(kept);
    assert_true(*len <= cap);
    memcpy(into, kept, *len);
    return kv_says;
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    (void)ctx;
    kv_sets++;
    assert_int_equal(web_results, 0); /* nobody was told before */
    if (kv_waits > 0) {
        kv_waits--;
        return IOT_ERR_AGAIN;
    }
    if (kv_says == IOT_OK) {
        snprintf(kept_key, sizeof kept_key, "%s", key);
        snprintf(kept, sizeof kept, "%.*s", (int)len, (const char *)bytes);
    }
    return kv_says;
}

static const struct iot_port port_kv = {.random = draw, .kv_get = kv_get, .kv_set = kv_set};

static int setup_register(void **state)
{
    (void)state;
    web_start(&port_kv);
    registration = (struct iot_registration){.product_secret = WEB_PS};
    web_id.device_secret = NULL;
    web_id.registration = &registration;
    kept[0] = kept_key[0] = '\0';
    kv_sets = kv_waits = 0;
    kv_says = random_says = IOT_OK;
    assert_err(iot_web_init(&web, &web_options), IOT_OK);
    return 0;
}

static void registration_stores_the_secret_where_the_login_looks(void **state)
{
    (void)state;
    assert_err(iot_web_login(&web), IOT_ERR_KV); /* there is none yet */
    assert_err(iot_web_register(&web), IOT_OK);
    asked(IOT_HTTP_POST, "https://iot-auth.cn-shanghai.aliyuncs.com/auth/register/device", FORM,
          "productKey=a1B2c3D4e5F&deviceName=dev001&random=1A1B1C1D1E1F2021&signMethod=hmacsha256"
          "&sign=C9B778E25354F7251C1B08C1DB3A89840AB7C12B0E04D53A67404ABB853B9DE3");
    web_answer(200, REGISTER_ANSWER);
    web_ended(1, IOT_WEB_REGISTER, IOT_OK, 0);
    assert_string_equal(kept_key, "iot-ds");
    assert_string_equal(kept, WEB_DS);
    assert_err(iot_web_login(&web), IOT_OK); /* which it signs */
    assert_non_null(strstr(web_http.body, "&sign=E94C6C93B28B957C26538D2B0FEBD732"));
    web_end(IOT_ERR_TCP_RESET, 0);
    assert_int_equal(kv_sets, 1);
}

static void a_slow_store_is_waited_for_however_the_answer_is_cut(void **state)
{
    (void)state;
    for (uint32_t step = 1; step < sizeof REGISTER_ANSWER; step++) {
        setup_register(NULL);
        registration.key = "mine";
        kv_waits = 3;
        assert_err(iot_web_register(&web), IOT_OK);
        web_head(200);
        assert_err(web_body(REGISTER_ANSWER, step, 3), IOT_OK);
        assert_string_equal(kept, WEB_DS);
        assert_string_equal(kept_key, "mine");
        assert_int_equal(kv_sets, 4);
        assert_err(web_body("\r\n", 1, 0), IOT_OK);
        /* it is durable: how the connection ends is no matter any more */
        web_end(IOT_ERR_HTTP_CUT, 0);
        web_ended(1, IOT_WEB_REGISTER, IOT_OK, 0);
    }
}

static void a_connection_that_ends_while_the_store_is_slow_has_failed(void **state)
{
    (void)state;
    kv_waits = 100;
    assert_err(iot_web_register(&web), IOT_OK);
    web_head(200);
    assert_err(web_body(REGISTER_ANSWER, 1000, 5), IOT_ERR_AGAIN);
    web_end(IOT_ERR_TCP_RESET, 0);
    web_ended(1, IOT_WEB_REGISTER, IOT_ERR_TCP_RESET, 0);
    assert_string_equal(kept, "");
}

static void a_registration_that_fails_stores_nothing(void **state)
{
    static const struct {
        const char *text;
        iot_err err;
        int32_t detail;
    } rows[] = {
        {"{\"code\":6289,\"data\":{},\"message\":\"device is already active\"}",
         IOT_ERR_LINK_REGISTER, 6289},
        {"{\"code\":6288}", IOT_ERR_LINK_REGISTER, 6288},
        {"{\"code\":200,\"data\":{\"productKey\":\"a1B2c3D4e5F\",\"deviceName\":\"dev002\","
         "\"deviceSecret\":\"0f1e\"}}",
         IOT_ERR_LINK_REPLY, 0},
        {"{\"code\":200,\"data\":{\"productKey\":\"a1B2c3D4e5F\",\"deviceName\":\"dev001\"}}",
         IOT_ERR_JSON_MISSING, 0},
        {"{\"code\":200,\"data\":{\"productKey\":\"a1B2c3D4e5F\",\"deviceName\":\"dev001\","
         "\"deviceSecret\":\"\"}}",
         IOT_ERR_JSON_RANGE, 0},
        {"{\"code\":200,\"data\":{\"productKey\":\"a1B2c3D4e5F\",\"deviceName\":\"dev001\","
         "\"deviceSecret\":\"a b\"}}",
         IOT_ERR_JSON_RANGE, 0},
        {"{\"code\":200,\"data\":[]}", IOT_ERR_JSON_MISSING, 0},
        {"nothing", IOT_ERR_JSON_SYNTAX, 0},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        setup_register(NULL);
        assert_err(iot_web_register(&web), IOT_OK);
        web_answer(200, rows[i].text);
        web_ended(1, IOT_WEB_REGISTER, rows[i].err, rows[i].detail);
        assert_int_equal(kv_sets, 0);
    }
    setup_register(NULL);
    assert_err(iot_web_register(&web), IOT_OK);
    web_answer(500, REGISTER_ANSWER);
    web_ended(1, IOT_WEB_REGISTER, IOT_ERR_HTTP_STATUS, 500);
    assert_int_equal(kv_sets, 0);
    setup_register(NULL);
    kv_says = IOT_ERR_FULL;
    assert_err(iot_web_register(&web), IOT_OK);
    web_answer(200, REGISTER_ANSWER);
    web_ended(1, IOT_WEB_REGISTER, IOT_ERR_KV, 0);
}

static void without_chance_there_is_no_registration(void **state)
{
    (void)state;
    random_says = IOT_ERR_AGAIN;
    assert_err(iot_web_register(&web), IOT_ERR_AGAIN);
    random_says = IOT_ERR_STATE;
    assert_err(iot_web_register(&web), IOT_ERR_RANDOM);
    random_says = IOT_OK;
    registration.kind = IOT_REGISTER_NWL;
    assert_err(iot_web_register(&web), IOT_ERR_ARG);
    assert_err(iot_web_login(&web), IOT_ERR_ARG); /* a token signs nothing */
    web_id.registration = NULL;
    web_id.device_secret = WEB_DS;
    assert_err(iot_web_register(&web), IOT_ERR_ARG);
    assert_int_equal(web_http.asked, 0);
}

static void a_store_that_is_not_ready_is_asked_again(void **state)
{
    (void)state;
    snprintf(kept, sizeof kept, "%s", WEB_DS);
    snprintf(kept_key, sizeof kept_key, "iot-ds");
    kv_says = IOT_ERR_AGAIN;
    assert_err(iot_web_login(&web), IOT_ERR_AGAIN);
    kv_says = IOT_ERR_KV;
    assert_err(iot_web_login(&web), IOT_ERR_KV);
    kv_says = IOT_OK;
    assert_err(iot_web_login(&web), IOT_OK);
    web_end(IOT_ERR_TCP_RESET, 0);
}
#endif

#define WEB_TEST(f) cmocka_unit_test_setup(f, setup)
#define REG_TEST(f) cmocka_unit_test_setup(f, setup_register)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WEB_TEST(pre_authentication_is_as_in_the_protocol),
        WEB_TEST(each_method_signs),
        WEB_TEST(what_a_form_cannot_hold_is_escaped),
        WEB_TEST(a_secure_element_signs_or_says_why_not),
        WEB_TEST(an_answer_that_lacks_something_leaves_nothing),
        WEB_TEST(bootstrap_has_three_forms),
        WEB_TEST(bootstrap_gives_host_and_port_only),
        WEB_TEST(other_servers_are_asked_if_the_options_name_them),
        WEB_TEST(an_identity_without_names_is_refused),
        WEB_TEST(one_call_at_a_time),
        WEB_TEST(the_next_may_begin_in_the_result_of_the_last),
        WEB_TEST(what_the_client_refuses_was_not_begun),
        WEB_TEST(memory_that_is_too_small_is_said),
        WEB_TEST(a_status_other_than_200_is_an_error),
        WEB_TEST(pauses_grow_to_four_minutes_and_start_anew),
#if IOT_FEATURE_REGISTER
        WEB_TEST(a_registration_gets_the_host_and_no_login),
        REG_TEST(registration_stores_the_secret_where_the_login_looks),
        REG_TEST(a_slow_store_is_waited_for_however_the_answer_is_cut),
        REG_TEST(a_connection_that_ends_while_the_store_is_slow_has_failed),
        REG_TEST(a_registration_that_fails_stores_nothing),
        REG_TEST(without_chance_there_is_no_registration),
        REG_TEST(a_store_that_is_not_ready_is_asked_again),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

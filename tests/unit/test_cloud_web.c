/* SPDX-License-Identifier: Apache-2.0 */
/* What the emulated platform answers to requests of HTTP; signed by the vectors of section 16. */
#include "cloud_lamp.h"

#include "cloud/cloud_command.h"
#include "cloud/cloud_file.h"
#include "cloud/cloud_form.h"
#include "cloud/cloud_store.h"
#include "cloud/cloud_wire.h"

#define FORM "application/x-www-form-urlencoded"
#define HOUR 3600000u

static struct cloud_web_answer got;

static void send(const struct cloud_web_request *q)
{
    cloud_web_free(&got);
    cloud_web(&cloud, q, lamp_now, &got);
}

static void post(const char *target, const char *type, const char *body)
{
    send(&(struct cloud_web_request){.method = "POST",
                                     .target = target,
                                     .tls = true,
                                     .type = type,
                                     .body = body,
                                     .body_len = strlen(body)});
}

static void get(const char *target, const char *range, const char *if_range)
{
    send(&(struct cloud_web_request){.method = "GET",
                                     .target = target,
                                     .tls = true,
                                     .range = range,
                                     .if_range = if_range,
                                     .body = ""});
}

static void has(unsigned status, const char *part)
{
    if (got.status != status || strstr(got.body != NULL ? got.body : "", part) == NULL)
        fail_msg("status %u, not %u, with %s: %s", got.status, status, part,
                 got.body != NULL ? got.body : "nothing");
}

static int start(void **state)
{
    (void)state;
    memset(&got, 0, sizeof got);
    lamp_start("device " PK " plain1 secret=55\ndevice " PK " gone01 secret=55\n");
    cloud.book.products[0].registers = CLOUD_REGISTER_LISTED;
    cloud_fake_file_name = "fw.app-2.bin";
    cloud_fake_file_text = "0123456789abcdef";
    return 0;
}

static int end(void **state)
{
    (void)state;
    cloud_web_free(&got);
    cloud_end(&cloud);
    return 0;
}

#define WEB_TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

/* ---- Forms ----------------------------------------------------------------------------------- */

static void forms_are_read_strictly(void **state)
{
    static const char form[] = "a=1&bc=%41%2f+x&d=&a2=3";
    char value[8];
    (void)state;
    assert_true(cloud_form_get(form, strlen(form), "a", value, sizeof value));
    assert_string_equal(value, "1");
    assert_true(cloud_form_get(form, strlen(form), "bc", value, sizeof value));
    assert_string_equal(value, "A/ x");
    assert_true(cloud_form_get(form, strlen(form), "d", value, sizeof value));
    assert_string_equal(value, "");
    assert_false(cloud_form_get(form, strlen(form), "c", value, sizeof value));
    assert_false(cloud_form_get("a=1&a=2", 7, "a", value, sizeof value)); /* twice */
    assert_false(cloud_form_get("a=%4", 4, "a", value, sizeof value));
    assert_false(cloud_form_get("a=%4g", 5, "a", value, sizeof value));
    assert_false(cloud_form_get("a=%00", 5, "a", value, sizeof value));
    assert_false(cloud_form_get("a=12345678", 10, "a", value, sizeof value)); /* no room */
    assert_false(cloud_form_get("", 0, "a", value, sizeof value));
}

static void base64_is_that_of_the_rfc(void **state)
{
    static const char *const rows[][2] = {
        {"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
        {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
    char text[16], escaped[48];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cloud_base64(rows[i][0], strlen(rows[i][0]), text);
        assert_string_equal(text, rows[i][1]);
    }
    cloud_form_escape("a+/=~", escaped);
    assert_string_equal(escaped, "a%2B%2F%3D~");
}

/* ---- Registration, pre-authentication, bootstrap --------------------------------------------- */

static void register_as(const char *name, const char *random, const char *method, const char *sign)
{
    char body[512];
    snprintf(body, sizeof body, "productKey=" PK "&deviceName=%s&random=%s&sign=%s&signMethod=%s",
             name, random, sign, method);
    post("/auth/register/device", FORM, body);
}

#define SIGN256 "33c3dafba730e7cbca5cbbf75c368b512cfbc4338fccfa57c19740be21af9954"
#define RANDOM  "8Ygb7ULYh53B6OA"

static void registration_gives_the_secret_until_the_first_login(void **state)
{
    (void)state;
    cloud.book.devices[cloud_fake_device("dev001")].activated = false;
    register_as("dev001", RANDOM, "hmacsha256", SIGN256);
    has(200, "{\"code\":200,\"message\":\"success\",\"data\":{\"productKey\":\"" PK
             "\",\"deviceName\":\"dev001\",\"deviceSecret\":\"" DS "\"}}");
    register_as("dev001", RANDOM, "hmacmd5", "FA52D8488DB0EF7193F985D014B0A59C");
    has(200, DS);
    assert_null(strstr(cloud_log, DS));
    cloud.book.devices[cloud_fake_device("dev001")].activated = true;
    register_as("dev001", RANDOM, "hmacsha256", SIGN256);
    has(200, "{\"code\":6289,");
}

static void a_refused_registration_has_the_platforms_code(void **state)
{
    (void)state;
    cloud.book.devices[cloud_fake_device("dev001")].activated = false;
    register_as("dev001", RANDOM, "hmacsha256", "00" SIGN256);
    has(200, "{\"code\":6600,");
    register_as("dev001", RANDOM, "hmacsha512", SIGN256);
    has(200, "{\"code\":6292,");
    register_as("dev001", "", "hmacsha256", SIGN256);
    has(200, "{\"code\":460,");
    register_as("nobody", RANDOM, "hmacsha1", "00");
    has(200, "{\"code\":6600,"); /* the signature comes first: who cannot sign learns no names */
    post("/auth/register/device", FORM,
         "productKey=a1Unknown01&deviceName=dev001&random=1&sign=00&signMethod=hmacmd5");
    has(200, "{\"code\":6250,");
    post("/auth/register/device", "application/json", "{}");
    has(200, "{\"code\":460,");
    cloud.book.products[0].registers = CLOUD_REGISTER_OFF;
    register_as("dev001", RANDOM, "hmacsha256", SIGN256);
    has(200, "{\"code\":6288,");
    cloud.book.products[0].registers = CLOUD_REGISTER_LISTED;
    cloud.config.random = NULL;
    register_as("dev001", RANDOM, "hmacsha256", SIGN256);
    has(200, "{\"code\":500,");
}

static void a_well_signed_unknown_device_is_6100(void **state)
{
    char sign[65];
    uint8_t digest[CLOUD_DIGEST_MAX];
    (void)state;
    cloud_fake_hmac(NULL, CLOUD_SHA256, "Ps16CharSecret01",
                    "deviceNamenobodyproductKey" PK "random1", digest);
    cloud_text_hex(digest, 32, false, sign);
    register_as("nobody", "1", "hmacsha256", sign);
    has(200, "{\"code\":6100,");
}

#define DEVICENAME(method, sign)                                                                   \
    "productKey=" PK "&deviceName=dev001&signmethod=" method "&sign=" sign                         \
    "&version=default&clientId=" PK ".dev001&timestamp=2524608000000&resources=mqtt"

static void pre_authentication_leads_to_a_login(void **state)
{
    char id[33], token[33], client_id[] = PK ".dev001|securemode=-1,signmethod=hmacsha1|";
    (void)state;
    cloud.config.mqtt_port = 8883;
    post("/auth/devicename", FORM ";charset=utf-8",
         DEVICENAME("hmacsha1", "ad32c7344cdba0d7992b63998e3fbe2a5707b100"));
    has(200, "\"resources\":{\"mqtt\":{\"host\":\"public.iot-as-mqtt.cn-shanghai.aliyuncs.com\","
             "\"port\":8883}}}}");
    const struct cloud_pass *p = &cloud.passes[cloud_fake_device("dev001")];
    has(200, p->iot_id);
    has(200, p->iot_token);
    snprintf(id, sizeof id, "%s", p->iot_id);
    snprintf(token, sizeof token, "%s", p->iot_token);
    struct cloud_login login = {.link = 7,
                                .transport = CLOUD_TLS,
                                .protocol_level = 4,
                                .keepalive_s = 60,
                                .client_id = client_id,
                                .user_name = id,
                                .password = token};
    assert_int_equal(cloud_fake_judge(&login, 2000).answer, CLOUD_ACCEPT);
    assert_int_equal(cloud.sessions[cloud_fake_device("dev001")].link, 7);
    login.transport = CLOUD_PLAIN;
    cloud_fake_refused(&login, 2, "securemode=-1 is over TLS");
    login.transport = CLOUD_TLS;
    token[0] ^= 1;
    cloud_fake_refused(&login, 4, "not the iotToken");
    id[0] ^= 1;
    cloud_fake_refused(&login, 4, "no iotId");
}

static void pre_authentication_is_refused_for_a_wrong_signature(void **state)
{
    (void)state;
    post("/auth/devicename", FORM,
         DEVICENAME("hmacsha1", "bd32c7344cdba0d7992b63998e3fbe2a5707b100"));
    has(200, "{\"code\":6600,");
    post("/auth/devicename", FORM, DEVICENAME("md4", "00"));
    has(200, "{\"code\":6292,");
    post("/auth/devicename", FORM, "productKey=" PK "&deviceName=off001&clientId=a&sign=00");
    has(200, "{\"code\":522,");
    post("/auth/devicename", FORM, "productKey=" PK "&deviceName=dev009&clientId=a&sign=00");
    has(200, "{\"code\":6100,");
    post("/auth/devicename", FORM, "productKey=" PK "&deviceName=cert001&clientId=a&sign=00");
    has(200, "{\"code\":6600,");
    post("/auth/devicename", FORM, "");
    has(200, "{\"code\":6250,");
    struct cloud_login login = {.link = 7,
                                .transport = CLOUD_TLS,
                                .protocol_level = 4,
                                .keepalive_s = 60,
                                .client_id = "a|securemode=-1,signmethod=hmacsha1|",
                                .user_name = "",
                                .password = ""};
    cloud_fake_refused(&login, 4, "no iotId"); /* nobody's is empty */
}

static void bootstrap_names_the_host_of_a_region(void **state)
{
    char why[64];
    (void)state;
    post("/auth/bootstrap", FORM, "productKey=" PK "&deviceName=dev001&clientId=a&resources=mqtt");
    has(200,
        "{\"code\":200,\"message\":\"success\",\"data\":{\"resources\":{\"mqtt\":{\"host\":\"" PK
        ".iot-as-mqtt.cn-shanghai.aliyuncs.com\",\"port\":443}}}}");
    assert_true(cloud_book_option(&cloud.book.rules, "region", "ap-southeast-1", why, sizeof why));
    post("/auth/bootstrap", FORM, "productKey=" PK "&deviceName=dev001&clientId=a&resources=mqtt");
    has(200, PK ".iot-as-mqtt.ap-southeast-1.aliyuncs.com");
    post("/auth/bootstrap", FORM, "productKey=" PK "&deviceName=dev009");
    has(200, "{\"code\":6100,");
    get("/auth/bootstrap/regionId/us-west-1", NULL, NULL);
    has(200, "\"public.iot-as-mqtt.us-west-1.aliyuncs.com\"");
    get("/auth/bootstrap/regionId/us-west-1?productKey=" PK, NULL, NULL);
    has(200, "\"" PK ".iot-as-mqtt.us-west-1.aliyuncs.com\"");
    get("/auth/bootstrap/regionId/atlantis", NULL, NULL);
    has(200, "{\"code\":460,");
    assert_false(cloud_book_option(&cloud.book.rules, "region", "atlantis", why, sizeof why));
}

/* ---- The data channel ------------------------------------------------------------------------ */

#define AUTH(method, sign, more)                                                                   \
    "{\"version\":\"default\",\"clientId\":\"" PK ".dev001\",\"signmethod\":\"" method             \
    "\",\"sign\":\"" sign "\",\"productKey\":\"" PK "\",\"deviceName\":\"dev001\"" more "}"
#define SIGN1 "e5c1a9bbfffd73ba9f4827bf88363568c3b2c69e"

static char token[33];

static void authenticate(void)
{
    post("/auth", "application/json", AUTH("hmacsha1", SIGN1, ""));
    has(200, "{\"code\":0,\"message\":\"success\",\"info\":{\"token\":\"");
    snprintf(token, sizeof token, "%s", cloud.passes[cloud_fake_device("dev001")].token);
    has(200, token);
}

static void publish(const char *path, const char *pass, const char *body)
{
    char target[256];
    snprintf(target, sizeof target, "/topic%s", path);
    send(&(struct cloud_web_request){.method = "POST",
                                     .target = target,
                                     .tls = true,
                                     .password = pass,
                                     .body = body,
                                     .body_len = strlen(body)});
}

static void a_token_is_for_a_signature(void **state)
{
    (void)state;
    authenticate();
    post("/auth", NULL,
         AUTH("hmacmd5", "E8328765FB8AEA83522CFF7009B8A956", ",\"timestamp\":\"2524608000000\""));
    has(200, "{\"code\":0,");
    post("/auth", NULL, AUTH("hmacsha1", "00c1a9bbfffd73ba9f4827bf88363568c3b2c69e", ""));
    has(200, "{\"code\":20000,");
    post("/auth", NULL, AUTH("hmacsha7", SIGN1, ""));
    has(200, "{\"code\":10001,");
    post("/auth", NULL, "{\"clientId\":\"a\"}");
    has(200, "{\"code\":10001,");
    post("/auth", NULL, "no JSON");
    has(200, "{\"code\":10001,");
    assert_true(cloud.book.devices[cloud_fake_device("dev001")].activated);
}

static void a_post_of_a_property_is_served_and_answered(void **state)
{
    static const char answer[] = "{\"code\":200,\"data\":{},\"id\":\"1\",\"message\":\"success\","
                                 "\"method\":\"thing.event.property.post\",\"version\":\"1.0\"}";
    char base64[256], show[4096], line[] = "show " PK " dev001";
    (void)state;
    authenticate();
    publish(SYS "thing/event/property/post", token,
            "{\"id\":\"1\",\"version\":\"1.0\",\"params\":{\"LightSwitch\":1},\"method\":"
            "\"thing.event.property.post\"}");
    cloud_base64(answer, strlen(answer), base64);
    has(200, "{\"code\":0,\"message\":\"success\",\"info\":{\"messageId\":700000000000000000,");
    has(200, base64);
    cloud_command(&cloud, line, show, sizeof show, lamp_now);
    assert_contains(show, "LightSwitch {\"value\":1");
    cloud_fake_no_output(); /* not to the device's MQTT */
}

static void a_custom_topic_goes_to_whom_has_subscribed_it(void **state)
{
    (void)state;
    authenticate();
    publish("/" PK "/dev001/user/update", token, "hello");
    has(200, "{\"code\":0,\"message\":\"success\",\"info\":{\"messageId\":7000000000000000");
    assert_null(strstr(got.body, "data"));
    cloud_fake_output(CLOUD_OUT_PUBLISH, 0, "/" PK "/dev001/user/update", "hello");
    cloud_fake_no_output();
}

static void a_refused_post_has_its_code(void **state)
{
    (void)state;
    publish("/" PK "/dev001/user/update", NULL, "x");
    has(200, "{\"code\":20002,");
    publish("/" PK "/dev001/user/update", "nonsense", "x");
    has(200, "{\"code\":20003,");
    authenticate();
    publish("/" PK "/dev001/user/get", token, "x"); /* to subscribe only */
    has(200, "{\"code\":30001,");
    publish("/" PK "/dev002/user/update", token, "x");
    has(200, "{\"code\":30001,");
    cloud.book.rules.publish_rate = 1;
    publish("/" PK "/dev001/user/update", token, "x");
    publish("/" PK "/dev001/user/update", token, "x");
    has(200, "{\"code\":40000,");
    cloud.book.rules.publish_rate = 0;
    cloud.book.devices[cloud_fake_device("dev001")].state = CLOUD_DISABLED;
    publish("/" PK "/dev001/user/update", token, "x");
    has(200, "{\"code\":30001,");
}

static void a_token_lives_for_48_hours(void **state)
{
    char why[64];
    (void)state;
    authenticate();
    lamp_now += 48 * HOUR - 1;
    publish("/" PK "/dev001/user/update", token, "x");
    has(200, "{\"code\":0,");
    lamp_now++;
    publish("/" PK "/dev001/user/update", token, "x");
    has(200, "{\"code\":20001,");
    assert_true(cloud_book_option(&cloud.book.rules, "http-token-s", "10", why, sizeof why));
    authenticate();
    lamp_now += 10000;
    publish("/" PK "/dev001/user/update", token, "x");
    has(200, "{\"code\":20001,");
    char old[33];
    memcpy(old, token, sizeof old);
    authenticate();
    publish("/" PK "/dev001/user/update", old, "x"); /* a new one ends the old */
    has(200, "{\"code\":20003,");
}

/* ---- Files ----------------------------------------------------------------------------------- */

static char url[CLOUD_URL_MAX];

/* What follows the host. */
static const char *target(void)
{
    return strstr(url, "/fw/") != NULL ? strstr(url, "/fw/") : strstr(url, "/cfg/");
}

static void publish_file(uint32_t life_s)
{
    char why[160];
    if (!cloud_store_publish(&cloud, "app-2.bin", why, sizeof why))
        fail_msg("%s", why);
    cloud_store_url(&cloud, "/fw/app-2.bin", false, life_s, lamp_now, url);
}

static void a_published_file_is_given_whole_or_in_ranges(void **state)
{
    static const struct {
        const char *range;
        unsigned status;
        uint32_t from, length;
    } rows[] = {
        {NULL, 200, 0, 16},
        {"bytes=0-", 206, 0, 16},
        {"bytes=0-0", 206, 0, 1},
        {"bytes=5-9", 206, 5, 5},
        {"bytes=15-99", 206, 15, 1},
        {"bytes=-3", 206, 13, 3},
        {"bytes=-99", 206, 0, 16},
        {"bytes=9-5", 200, 0, 16},
        {"bytes=a-b", 200, 0, 16},
        {"bytes=0-1,3-4", 200, 0, 16},
        {"pages=0-1", 200, 0, 16},
        {"bytes=-", 200, 0, 16},
        {"bytes=99999999999-", 200, 0, 16},
    };
    (void)state;
    publish_file(0);
    assert_int_equal(strncmp(url,
                             "https://ota.example.com/fw/app-2.bin?Expires=1700086401&Signature=",
                             strlen("https://ota.example.com/fw/app-2.bin?Expires=1700086401&")),
                     0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        get(target(), rows[i].range, NULL);
        if (got.status != rows[i].status || got.from != rows[i].from ||
            got.length != rows[i].length || got.total != 16 || got.partial != (got.status == 206))
            fail_msg("%s: %u, %u bytes from %u", rows[i].range, got.status, (unsigned)got.length,
                     (unsigned)got.from);
        assert_string_equal(got.stored, "fw.app-2.bin");
        assert_true(got.file);
        assert_null(got.body);
    }
    get(target(), "bytes=16-", NULL);
    has(416, "InvalidRange");
    assert_true(got.partial);
    assert_int_equal(got.total, 16);
    assert_string_equal(got.stored, "");
    get(target(), "bytes=-0", NULL);
    has(416, "");
}

static void if_range_gives_all_of_a_file_that_has_changed(void **state)
{
    char etag[40];
    (void)state;
    publish_file(0);
    get(target(), "bytes=4-", NULL);
    snprintf(etag, sizeof etag, "%s", got.etag);
    assert_int_equal(etag[0], '"');
    get(target(), "bytes=4-", etag);
    assert_int_equal(got.status, 206);
    get(target(), "bytes=4-", "\"other\"");
    assert_int_equal(got.status, 200);
    cloud_fake_file_text = "another one, longer";
    publish_file(0);
    get(target(), "bytes=4-", etag);
    assert_int_equal(got.status, 200);
    assert_int_equal(got.length, 19);
    assert_string_not_equal(got.etag, etag);
}

static void head_tells_the_length_and_no_range(void **state)
{
    (void)state;
    publish_file(0);
    send(&(struct cloud_web_request){
        .method = "HEAD", .target = target(), .range = "bytes=1-2", .body = ""});
    assert_int_equal(got.status, 200);
    assert_int_equal(got.length, 16);
}

static void an_address_that_was_changed_or_has_expired_is_forbidden(void **state)
{
    (void)state;
    publish_file(10);
    for (size_t i = 0; target()[i] != 0; i++) {
        char changed[CLOUD_URL_MAX];
        snprintf(changed, sizeof changed, "%s", target());
        changed[i] = changed[i] == '1' ? '2' : '1';
        get(changed, NULL, NULL);
        if (got.status != 403 && got.status != 404)
            fail_msg("%s: %u", changed, got.status);
        assert_string_equal(got.stored, "");
    }
    get("/fw/app-2.bin", NULL, NULL);
    has(403, "not signed");
    lamp_now += 9999;
    get(target(), NULL, NULL);
    assert_int_equal(got.status, 200);
    lamp_now += 1;
    get(target(), NULL, NULL);
    has(403, "expired");
}

static void what_is_not_published_is_not_found(void **state)
{
    char why[160];
    (void)state;
    cloud_store_url(&cloud, "/fw/other.bin", false, 0, lamp_now, url);
    get(target(), NULL, NULL);
    has(404, "NoSuchKey");
    assert_false(cloud_store_publish(&cloud, "other.bin", why, sizeof why));
    assert_contains(why, "no file");
    assert_false(cloud_store_publish(&cloud, "../passwd", why, sizeof why));
    assert_false(cloud_store_publish(&cloud, "", why, sizeof why));
    assert_false(cloud_store_publish(&cloud, ".hidden", why, sizeof why));
    cloud.config.load = NULL;
    assert_false(cloud_store_publish(&cloud, "app-2.bin", why, sizeof why));
}

static void only_so_many_files_are_published(void **state)
{
    char file[32], why[160];
    (void)state;
    cloud_fake_file_name = file;
    for (int i = 0; i <= CLOUD_STORE_MAX; i++) {
        snprintf(file, sizeof file, "fw.a%d", i);
        assert_int_equal(cloud_store_publish(&cloud, file + 3, why, sizeof why),
                         i < CLOUD_STORE_MAX);
    }
    assert_contains(why, "more than");
    snprintf(file, sizeof file, "fw.a0");
    assert_true(cloud_store_publish(&cloud, "a0", why, sizeof why)); /* anew */
}

static void a_configuration_is_served_where_its_description_says(void **state)
{
    const char *why;
    (void)state;
    assert_true(cloud_file_set(&cloud, 0, "{\"rate\":5}", CLOUD_SHA256, &why));
    json_t *told = cloud_file_describe(&cloud, 0, lamp_now);
    snprintf(url, sizeof url, "%s", cloud_json_string(told, "url"));
    json_decref(told);
    get(target(), NULL, NULL);
    has(200, "{\"rate\":5}");
    get(target(), "bytes=1-6", NULL);
    assert_int_equal(got.status, 206);
    assert_int_equal(got.length, 6);
    assert_string_equal(got.body, "\"rate\"");
    assert_true(cloud_file_set(&cloud, 0, "{}", CLOUD_SHA256, &why));
    get(target(), NULL, NULL);
    has(404, "");
}

/* ---- Ways, faults, the wire ------------------------------------------------------------------ */

static void other_paths_and_methods_are_404_and_405(void **state)
{
    static const char *const nowhere[] = {"/",
                                          "",
                                          "/auth/",
                                          "/authx",
                                          "/topic",
                                          "/topic/",
                                          "/fw",
                                          "/fw/",
                                          "/auth/devicename/x",
                                          "/auth/bootstrap/regionId/"};
    static char far[CLOUD_WEB_TARGET_MAX + 2];
    (void)state;
    for (size_t i = 0; i < COUNT(nowhere); i++) {
        post(nowhere[i], FORM, "");
        if (got.status != 404)
            fail_msg("%s: %u", nowhere[i], got.status);
    }
    get("/auth", NULL, NULL);
    has(405, "");
    assert_string_equal(got.allow, "POST");
    post("/fw/a", FORM, "");
    has(405, "");
    assert_string_equal(got.allow, "GET, HEAD");
    memset(far, 'a', sizeof far - 1);
    get(far, NULL, NULL);
    has(414, "");
}

static void without_tls_there_are_files_alone(void **state)
{
    (void)state;
    publish_file(0);
    send(&(struct cloud_web_request){.method = "GET", .target = target(), .body = ""});
    assert_int_equal(got.status, 200);
    send(&(struct cloud_web_request){.method = "POST", .target = "/auth", .body = ""});
    has(404, "");
}

static void options_make_faults(void **state)
{
    char answer[512], line[64];
    static const char *const lines[] = {"option http-delay-ms 70", "option http-cut 9",
                                        "option http-slow 100", "option http-chunked on",
                                        "option http-norange on"};
    (void)state;
    publish_file(0);
    for (size_t i = 0; i < COUNT(lines); i++) {
        snprintf(line, sizeof line, "%s", lines[i]);
        cloud_command(&cloud, line, answer, sizeof answer, lamp_now);
        assert_int_equal(strncmp(answer, "ok", 2), 0);
    }
    get(target(), "bytes=3-", NULL);
    assert_int_equal(got.status, 200);
    assert_int_equal(got.delay_ms, 70);
    assert_int_equal(got.slow, 100);
    assert_true(got.cut && got.chunked);
    assert_int_equal(got.cut_after, 9);
    snprintf(line, sizeof line, "option http-status 503");
    cloud_command(&cloud, line, answer, sizeof answer, lamp_now);
    get(target(), NULL, NULL);
    has(503, "Fault");
    assert_string_equal(got.stored, "");
    snprintf(line, sizeof line, "option http-status 100");
    cloud_command(&cloud, line, answer, sizeof answer, lamp_now);
    assert_contains(answer, "error");
    assert_int_equal(cloud.book.rules.http_status, 503);
}

static void a_request_and_its_answer_go_over_the_wire(void **state)
{
    static char answer[CLOUD_REPLY_MAX];
    struct cloud_web_answer back;
    const struct cloud_web_request q = {.method = "POST",
                                        .target = "/auth/bootstrap",
                                        .tls = true,
                                        .type = FORM,
                                        .body = "productKey=" PK "&deviceName=dev001\0\xff",
                                        .body_len = strlen("productKey=" PK "&deviceName=dev001")};
    (void)state;
    char *line = cloud_wire_write(&q);
    cloud_command(&cloud, line, answer, sizeof answer, lamp_now);
    free(line);
    assert_int_equal(strncmp(answer, "ok\n", 3), 0);
    assert_true(cloud_wire_read(&back, answer + 3));
    send(&q);
    assert_int_equal(back.status, 200);
    assert_string_equal(back.body, got.body);
    assert_int_equal(back.length, got.length);
    cloud_web_free(&back);
    publish_file(0);
    const struct cloud_web_request file = {
        .method = "GET", .target = target(), .range = "bytes=3-5", .body = ""};
    line = cloud_wire_write(&file);
    cloud_command(&cloud, line, answer, sizeof answer, lamp_now);
    free(line);
    assert_true(cloud_wire_read(&back, answer + 3));
    assert_null(back.body);
    assert_int_equal(back.from, 3);
    assert_int_equal(back.length, 3);
    assert_true(back.partial && back.file);
    assert_string_equal(back.stored, "fw.app-2.bin");
    cloud_web_free(&back);
}

static void a_line_that_is_no_request_is_an_error(void **state)
{
    static const char *const lines[] = {
        "web",
        "web {",
        "web {\"target\":\"/\"}",
        "web {\"method\":\"GET\"}",
        "web {\"method\":\"GET\",\"target\":\"/\",\"body\":\"1\"}",
        "web {\"method\":\"GET\",\"target\":\"/\",\"body\":\"1g\"}"};
    static const char *const answers[] = {"",
                                          "{",
                                          "{}",
                                          "{\"status\":99}",
                                          "{\"status\":200,\"length\":1,\"body\":\"6\"}",
                                          "{\"status\":200,\"length\":2,\"body\":\"61\"}"};
    struct cloud_web_answer a;
    char line[128], answer[512];
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        snprintf(line, sizeof line, "%s", lines[i]);
        cloud_command(&cloud, line, answer, sizeof answer, lamp_now);
        assert_int_equal(strncmp(answer, "error: ", 7), 0);
    }
    for (size_t i = 0; i < COUNT(answers); i++)
        assert_false(cloud_wire_read(&a, answers[i]));
    const struct cloud_web_request q = {.method = "GET", .target = "/\xff", .body = ""};
    assert_null(cloud_wire_write(&q));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WEB_TEST(forms_are_read_strictly),
        WEB_TEST(base64_is_that_of_the_rfc),
        WEB_TEST(registration_gives_the_secret_until_the_first_login),
        WEB_TEST(a_refused_registration_has_the_platforms_code),
        WEB_TEST(a_well_signed_unknown_device_is_6100),
        WEB_TEST(pre_authentication_leads_to_a_login),
        WEB_TEST(pre_authentication_is_refused_for_a_wrong_signature),
        WEB_TEST(bootstrap_names_the_host_of_a_region),
        WEB_TEST(a_token_is_for_a_signature),
        WEB_TEST(a_post_of_a_property_is_served_and_answered),
        WEB_TEST(a_custom_topic_goes_to_whom_has_subscribed_it),
        WEB_TEST(a_refused_post_has_its_code),
        WEB_TEST(a_token_lives_for_48_hours),
        WEB_TEST(a_published_file_is_given_whole_or_in_ranges),
        WEB_TEST(if_range_gives_all_of_a_file_that_has_changed),
        WEB_TEST(head_tells_the_length_and_no_range),
        WEB_TEST(an_address_that_was_changed_or_has_expired_is_forbidden),
        WEB_TEST(what_is_not_published_is_not_found),
        WEB_TEST(only_so_many_files_are_published),
        WEB_TEST(a_configuration_is_served_where_its_description_says),
        WEB_TEST(other_paths_and_methods_are_404_and_405),
        WEB_TEST(without_tls_there_are_files_alone),
        WEB_TEST(options_make_faults),
        WEB_TEST(a_request_and_its_answer_go_over_the_wire),
        WEB_TEST(a_line_that_is_no_request_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

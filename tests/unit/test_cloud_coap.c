/* SPDX-License-Identifier: Apache-2.0 */
/* What the emulated platform answers to requests of CoAP; signed and encrypted by the vectors of sections 16.3, 16.6, 16.7. */
#include "cloud_lamp.h"

#include "cloud/cloud_aes.h"
#include "cloud/cloud_cbor.h"
#include "cloud/cloud_coap.h"
#include "cloud/cloud_coap_seen.h"
#include "cloud/cloud_coap_wire.h"
#include "cloud/cloud_command.h"
#include "cloud/cloud_ota.h"

#define SIGN     "c7d5fd11ae78fa0831a4a1fea6a3f70c" /* 16.3 */
#define SIGN_SEQ "1b2b5ffc9d10a60fd4b377266dca2b42" /* 16.6, seq 10 */
#define RANDOM   "5f3c9a1b7e2d4068"
#define KEY      "c853e359416f8dd266817b5c8d131b64"
#define IDENTITY "devicename|hmacsha256|" PK "&dev001|2524608000000"
#define PSK      "A7D53EBFA05AEF3B659F5D637B923FC992E833FE01F79956FA3C6CB739C2C6BE"
#define MINUTE   60000u

#define WHO       "\"productKey\":\"" PK "\",\"deviceName\":\"dev001\",\"clientId\":\"" PK ".dev001\""
#define AUTH      "{" WHO ",\"sign\":\"" SIGN "\"}"
#define AUTH_SEQ  "{" WHO ",\"sign\":\"" SIGN_SEQ "\",\"seq\":\"10\"}"
#define POST_PATH "topic/sys/" PK "/dev001/thing/event/property/post"
#define LIT                                                                                        \
    "{\"id\":\"1\",\"version\":\"1.0\",\"params\":{\"LightSwitch\":1},"                            \
    "\"method\":\"thing.event.property.post\"}"

static struct cloud_coap_answer got;
static char said[8192]; /* its payload as text */
static char token[64];
static uint8_t key[16];

static bool vector_digest(void *ctx, enum cloud_hash hash, const void *bytes, size_t len,
                          uint8_t out[CLOUD_DIGEST_MAX])
{
    static const char text[] = DS "," RANDOM;

    if (hash != CLOUD_SHA256 || len != strlen(text) || memcmp(bytes, text, len) != 0)
        return cloud_fake_digest(ctx, hash, bytes, len, out);
    return from_hex("7f1fbbff373fa66fc853e359416f8dd266817b5c8d131b64ca4b3cf7819f1e71", out, 32) !=
           0;
}

/* The vector's, and then others. */
static void vector_random(void *ctx, uint8_t *out, size_t len)
{
    static uint8_t next;

    memset(out, ++next, len);
    if (ctx == NULL)
        from_hex(RANDOM, out, (uint32_t)len);
}

static int start(void **state)
{
    (void)state;
    memset(&got, 0, sizeof got);
    lamp_start("device " PK " plain1 secret=55\ndevice " PK " gone01 secret=55\n");
    cloud_gone(&cloud, 1);
    from_hex(KEY, key, sizeof key);
    cloud.config.digest = vector_digest;
    cloud.config.random = vector_random;
    return 0;
}

static int end(void **state)
{
    (void)state;
    cloud_coap_free(&got);
    cloud_end(&cloud);
    return 0;
}

#define COAP_TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

static void send(const struct cloud_coap_request *q)
{
    cloud_coap_free(&got);
    cloud_coap(&cloud, q, lamp_now, &got);
    snprintf(said, sizeof said, "%.*s", (int)got.payload_len,
             got.payload != NULL ? (const char *)got.payload : "");
}

static void has(unsigned code, const char *part)
{
    if (got.code != (code / 100 << 5 | code % 100) || strstr(said, part) == NULL)
        fail_msg("%u.%02u, not %u, with %s: %s", (unsigned)got.code >> 5, (unsigned)got.code & 31,
                 code, part, said);
}

static struct cloud_coap_request request(enum cloud_coap_way way, const char *path,
                                         const char *body)
{
    return (struct cloud_coap_request){.way = way,
                                       .identity = way == CLOUD_COAP_PSK ? IDENTITY : NULL,
                                       .method = 2,
                                       .path = path,
                                       .format = 50,
                                       .accept = 50,
                                       .payload = (const uint8_t *)body,
                                       .payload_len = strlen(body)};
}

static void auth(enum cloud_coap_way way, const char *body)
{
    struct cloud_coap_request q = request(way, "auth", body);
    send(&q);
}

static void keep_token(void)
{
    const char *at = strstr(said, "\"token\":\"");
    assert_non_null(at);
    snprintf(token, sizeof token, "%.32s", at + strlen("\"token\":\""));
}

/* A token, got as it should be. */
static void log_in(enum cloud_coap_way way)
{
    auth(way, way == CLOUD_COAP_SYMMETRIC ? AUTH_SEQ : AUTH);
    has(205, "\"token\":\"");
    assert_int_equal(got.format, 50);
    keep_token();
}

static void post(enum cloud_coap_way way, const char *path, const char *body)
{
    struct cloud_coap_request q = request(way, path, body);
    q.token = token;
    send(&q);
}

static bool is_lit(void)
{
    return strstr(lamp_known("properties"), "\"LightSwitch\":{\"value\":1") != NULL;
}

/* ---- Authentication -------------------------------------------------------------------------- */

static void over_dtls_a_signature_gets_a_token(void **state)
{
    (void)state;
    log_in(CLOUD_COAP_CERT);
    assert_int_equal(got.payload_len, strlen("{\"token\":\"\"}") + 32);
    assert_true(cloud.book.devices[cloud_fake_device("dev001")].activated);
    log_in(CLOUD_COAP_PSK);
    assert_null(strstr(cloud_log, DS));
}

static void in_the_symmetric_mode_the_key_is_that_of_the_vectors(void **state)
{
    (void)state;
    log_in(CLOUD_COAP_SYMMETRIC);
    has(205, "{\"random\":\"" RANDOM "\",\"seqOffset\":");
    assert_memory_equal(cloud.coap[cloud_fake_device("dev001")].key, key, 16);
}

static void a_refused_signature_has_its_code(void **state)
{
    static const struct {
        enum cloud_coap_way way;
        unsigned code;
        const char *body;
    } rows[] = {
        {CLOUD_COAP_CERT, 400, "{"},
        {CLOUD_COAP_CERT, 400, "[]"},
        {CLOUD_COAP_CERT, 400, "{" WHO "}"},
        {CLOUD_COAP_CERT, 400, "{" WHO ",\"sign\":1}"},
        {CLOUD_COAP_CERT, 400, "{" WHO ",\"sign\":\"" SIGN "\",\"more\":\"1\"}"},
        {CLOUD_COAP_CERT, 400, AUTH_SEQ},  /* seq is for the other mode */
        {CLOUD_COAP_SYMMETRIC, 400, AUTH}, /* and there it is needed */
        {CLOUD_COAP_SYMMETRIC, 400, "{" WHO ",\"sign\":\"" SIGN_SEQ "\",\"seq\":10}"},
        {CLOUD_COAP_SYMMETRIC, 400, "{" WHO ",\"sign\":\"" SIGN_SEQ "\",\"seq\":\"1x\"}"},
        {CLOUD_COAP_SYMMETRIC, 400, "{" WHO ",\"sign\":\"" SIGN_SEQ "\",\"seq\":\"10000\"}"},
        {CLOUD_COAP_SYMMETRIC, 401, "{" WHO ",\"sign\":\"" SIGN_SEQ "\",\"seq\":\"11\"}"},
        {CLOUD_COAP_CERT, 400, "{" WHO ",\"sign\":\"" SIGN "\",\"signmethod\":\"md5\"}"},
        {CLOUD_COAP_CERT, 401, "{" WHO ",\"sign\":\"" SIGN "\",\"signmethod\":\"hmacsha1\"}"},
        {CLOUD_COAP_CERT, 401, "{" WHO ",\"sign\":\"" SIGN "\",\"timestamp\":\"1\"}"},
        {CLOUD_COAP_CERT, 401, "{" WHO ",\"sign\":\"d7d5fd11ae78fa0831a4a1fea6a3f70c\"}"},
        {CLOUD_COAP_CERT, 404,
         "{\"productKey\":\"" PK "\",\"deviceName\":\"nobody\",\"clientId\":\"1\",\"sign\":\"1\"}"},
        {CLOUD_COAP_CERT, 404,
         "{\"productKey\":\"a1\",\"deviceName\":\"dev001\",\"clientId\":\"1\",\"sign\":\"1\"}"},
        {CLOUD_COAP_CERT, 403,
         "{\"productKey\":\"" PK "\",\"deviceName\":\"off001\",\"clientId\":\"1\",\"sign\":\"1\"}"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        auth(rows[i].way, rows[i].body);
        has(rows[i].code, "");
        assert_int_equal(got.payload_len > 0, rows[i].way != CLOUD_COAP_SYMMETRIC);
    }
    auth(CLOUD_COAP_CERT, "{" WHO ",\"signmethod\":\"hmacsha1\",\"version\":\"default\",\"sign\":"
                          "\"E5C1A9BBFFFD73BA9F4827BF88363568C3B2C69E\"}");
    has(205, "token");
    struct cloud_coap_request q = request(CLOUD_COAP_CERT, "auth", AUTH);
    q.format = 60;
    send(&q);
    has(400, "Content-Format");
    q = request(CLOUD_COAP_CERT, "auth", AUTH);
    q.method = 1;
    send(&q);
    has(405, "");
    q.path = "other";
    send(&q);
    has(404, "");
}

static void a_key_is_for_its_identity_alone(void **state)
{
    char text[65];
    (void)state;
    assert_true(cloud_coap_key(&cloud, IDENTITY, text));
    assert_string_equal(text, PSK);
    assert_false(cloud_coap_key(&cloud, "devicename|hmacsha256|" PK "&nobody|1", text));
    assert_false(cloud_coap_key(&cloud, "dev001", text));
    /* who came as dev002 cannot be dev001 */
    struct cloud_coap_request q = request(CLOUD_COAP_PSK, "auth", AUTH);
    q.identity = "devicename|hmacsha256|" PK "&dev002|2524608000000";
    send(&q);
    has(401, "");
    log_in(CLOUD_COAP_PSK);
    q = request(CLOUD_COAP_PSK, POST_PATH, LIT);
    q.token = token;
    q.identity = "devicename|hmacsha256|" PK "&dev002|2524608000000";
    send(&q);
    has(401, "another device");
    assert_false(is_lit());
}

/* ---- Messages -------------------------------------------------------------------------------- */

static void a_post_is_what_it_is_by_mqtt_and_the_reply_comes_back(void **state)
{
    (void)state;
    log_in(CLOUD_COAP_CERT);
    post(CLOUD_COAP_CERT, POST_PATH, LIT);
    has(205, "{\"code\":200,\"data\":{},\"id\":\"1\",\"message\":\"success\"");
    assert_int_equal(got.format, 50);
    assert_true(is_lit());
    assert_null(cloud_next(&cloud));
    post(CLOUD_COAP_CERT, "topic/sys/" PK "/dev001/thing/deviceinfo/update",
         "{\"id\":\"2\",\"version\":\"1.0\",\"params\":[{\"attrKey\":\"SYS_SDK_LANGUAGE\","
         "\"attrValue\":\"C\"}],\"method\":\"thing.deviceinfo.update\"}");
    has(205, "\"code\":200");
    assert_contains(lamp_known("tags"), "SYS_SDK_LANGUAGE");
    post(CLOUD_COAP_CERT, POST_PATH, "{\"id\":\"3\"}");
    has(205, "\"code\":460"); /* a message, but a wrong one */
}

static void a_custom_topic_takes_any_bytes(void **state)
{
    (void)state;
    log_in(CLOUD_COAP_CERT);
    post(CLOUD_COAP_CERT, "topic/" PK "/dev001/user/both", "any\x01 bytes");
    has(205, "");
    assert_int_equal(got.payload_len, 0);
    assert_int_equal(got.format, -1);
    const struct cloud_output *o = cloud_next(&cloud);
    assert_non_null(o);
    assert_string_equal(o->topic, "/" PK "/dev001/user/both");
    assert_string_equal(o->payload, "any\x01 bytes");
}

static void what_is_not_allowed_has_its_code(void **state)
{
    char longest[200];
    (void)state;
    log_in(CLOUD_COAP_CERT);
    post(CLOUD_COAP_CERT, "topic/" PK "/dev002/user/both", "x");
    has(403, "name space");
    post(CLOUD_COAP_CERT, "topic/" PK "/dev001/deep/down/a", "x");
    has(403, "no permission");
    post(CLOUD_COAP_CERT, "topic/" PK "/dev001/user/nothing", "x");
    has(404, "not defined");
    post(CLOUD_COAP_CERT, POST_PATH, "no JSON");
    has(400, "");
    struct cloud_coap_request q = request(CLOUD_COAP_CERT, POST_PATH, LIT);
    q.token = token;
    q.format = 42;
    send(&q);
    has(400, "50 or 60");
    snprintf(longest, sizeof longest, "topic/" PK "/dev001/user/%0150d", 0);
    post(CLOUD_COAP_CERT, longest, "x");
    has(414, "");
    assert_false(is_lit());
    cloud.book.rules.publish_rate = 1;
    lamp_now += 2000;
    post(CLOUD_COAP_CERT, POST_PATH, LIT);
    has(205, "");
    post(CLOUD_COAP_CERT, POST_PATH, LIT);
    has(500, "more than 1");
    cloud.book.rules.publish_rate = 0;
    cloud_set_state(&cloud, cloud_fake_device("dev001"), CLOUD_DISABLED, lamp_now);
    post(CLOUD_COAP_CERT, POST_PATH, LIT);
    has(403, "disabled");
}

static void a_token_is_for_its_way_and_its_time(void **state)
{
    char older[64];
    (void)state;
    struct cloud_coap_request q = request(CLOUD_COAP_CERT, POST_PATH, LIT);
    send(&q);
    has(401, "missing");
    q.token = "";
    send(&q);
    has(401, "unknown");
    cloud.book.rules.coap_token_s = 60;
    log_in(CLOUD_COAP_CERT);
    snprintf(older, sizeof older, "%s", token);
    post(CLOUD_COAP_PSK, POST_PATH, LIT);
    has(401, "another way");
    lamp_now += MINUTE - 1;
    post(CLOUD_COAP_CERT, POST_PATH, LIT);
    has(205, "200");
    lamp_now++;
    post(CLOUD_COAP_CERT, POST_PATH, LIT);
    has(401, "expired");
    log_in(CLOUD_COAP_CERT);
    post(CLOUD_COAP_CERT, POST_PATH, LIT);
    has(205, "200");
    snprintf(token, sizeof token, "%s", older);
    post(CLOUD_COAP_CERT, POST_PATH, LIT);
    has(401, "unknown");
}

static void who_reports_is_online_for_ten_minutes(void **state)
{
    (void)state;
    int device = cloud_fake_device("dev001");
    log_in(CLOUD_COAP_CERT);
    assert_false(cloud_online(&cloud, device, lamp_now));
    post(CLOUD_COAP_CERT, POST_PATH, LIT);
    assert_true(cloud_online(&cloud, device, lamp_now));
    assert_string_equal(lamp_known("online"), "true");
    lamp_now += 10 * MINUTE - 1;
    assert_true(cloud_online(&cloud, device, lamp_now));
    lamp_now++;
    assert_false(cloud_online(&cloud, device, lamp_now));
}

static void cbor_is_answered_in_cbor_if_that_is_accepted(void **state)
{
    char why[200];
    size_t len;
    (void)state;
    log_in(CLOUD_COAP_CERT);
    json_t *message = cloud_json_read(LIT, strlen(LIT), why, sizeof why);
    uint8_t *bytes = cloud_cbor_write(message, &len);
    struct cloud_coap_request q = request(CLOUD_COAP_CERT, POST_PATH, "");
    q.token = token;
    q.format = 60;
    q.payload = bytes;
    q.payload_len = len;
    send(&q); /* Accept 50 */
    has(205, "{\"code\":200");
    assert_int_equal(got.format, 50);
    assert_true(is_lit());
    q.accept = 60;
    send(&q);
    has(205, "");
    assert_int_equal(got.format, 60);
    json_t *answer = cloud_cbor_read(got.payload, got.payload_len, why, sizeof why);
    assert_int_equal(json_integer_value(json_object_get(answer, "code")), 200);
    q.payload_len--;
    send(&q);
    has(400, "no CBOR");
    json_decref(answer);
    json_decref(message);
    free(bytes);
}

static void an_update_comes_in_the_answer_to_the_question(void **state)
{
    struct cloud_ota_image image = {.version = "2.0.0", .url = "https://ota.example.com/fw/a"};
    const char *why;
    (void)state;
    log_in(CLOUD_COAP_CERT);
    post(CLOUD_COAP_CERT, POST_PATH, LIT); /* whose answer is not that of the next */
    post(CLOUD_COAP_CERT, "topic/ota/device/inform/" PK "/dev001",
         "{\"id\":\"1\",\"params\":{\"version\":\"1.0.0\"}}");
    has(205, "");
    post(CLOUD_COAP_CERT, "topic/ota/device/request/" PK "/dev001",
         "{\"id\":\"2\",\"params\":{\"version\":\"1.0.0\"}}");
    has(205, "");
    assert_int_equal(got.payload_len, 0);
    assert_true(cloud_ota_publish(&cloud, 0, cloud_fake_device("dev001"), &image, lamp_now, &why) !=
                0);
    post(CLOUD_COAP_CERT, "topic/ota/device/request/" PK "/dev001",
         "{\"id\":\"3\",\"params\":{\"version\":\"1.0.0\"}}");
    has(205, "\"code\":\"1000\"");
    has(205, "\"url\":\"https://ota.example.com/fw/a\"");
    post(CLOUD_COAP_CERT, "topic/ota/device/progress/" PK "/dev001",
         "{\"id\":\"4\",\"params\":{\"step\":\"30\",\"desc\":\"\"}}");
    has(205, "");
    post(CLOUD_COAP_CERT, "topic/ota/device/inform/" PK "/dev001",
         "{\"id\":\"5\",\"params\":{\"version\":\"2.0.0\"}}");
    json_t *shown = cloud_ota_show(&cloud, cloud_fake_device("dev001"), lamp_now);
    char *text = cloud_json_text(shown);
    assert_contains(text, "succeeded");
    free(text);
    json_decref(shown);
}

/* ---- The symmetric mode ---------------------------------------------------------------------- */

static void post_sealed(uint32_t seq, const char *path, const char *body)
{
    static uint8_t sealed[4096];
    uint8_t number[16];
    char text[16];
    struct cloud_coap_request q = request(CLOUD_COAP_SYMMETRIC, path, body);
    cloud_aes_encrypt(key, text, (size_t)snprintf(text, sizeof text, "%u", (unsigned)seq), number);
    cloud_aes_encrypt(key, body, strlen(body), sealed);
    q.token = token;
    q.seq = number;
    q.seq_len = sizeof number;
    q.payload = sealed;
    q.payload_len = CLOUD_AES_BYTES(strlen(body));
    send(&q);
    uint8_t plain[4096];
    size_t len = 0;
    if (got.payload_len > 0) {
        assert_true(cloud_aes_decrypt(key, got.payload, got.payload_len, plain, &len));
        snprintf(said, sizeof said, "%.*s", (int)len, (const char *)plain);
    }
}

static uint32_t log_in_symmetric(void)
{
    log_in(CLOUD_COAP_SYMMETRIC);
    return (uint32_t)atoi(strstr(said, "seqOffset\":") + strlen("seqOffset\":"));
}

static void what_is_sealed_is_opened_and_the_answer_is_sealed(void **state)
{
    (void)state;
    uint32_t seq = log_in_symmetric();
    post_sealed(seq, POST_PATH, LIT);
    has(205, "{\"code\":200");
    assert_int_equal(got.seq_len, 0);
    assert_true(is_lit());
    cloud.book.rules.coap_answer_seq = true;
    post_sealed(seq + 1, POST_PATH, LIT);
    uint8_t back[16];
    size_t len;
    assert_int_equal(got.seq_len, 16);
    assert_true(cloud_aes_decrypt(key, got.seq, 16, back, &len));
    assert_int_equal(back[0], '0' + (int)(seq + 1) % 10 * (seq + 1 < 10) + (seq + 1 >= 10));
}

static void a_number_is_taken_once_and_they_grow(void **state)
{
    (void)state;
    uint32_t seq = log_in_symmetric();
    post_sealed(seq - 1, POST_PATH, LIT);
    has(403, "");
    assert_int_equal(got.payload_len, 0);
    post_sealed(seq + 5, POST_PATH, LIT);
    has(205, "200");
    post_sealed(seq + 5, POST_PATH, LIT);
    has(403, "");
    post_sealed(seq + 4, POST_PATH, LIT);
    has(403, "");
    post_sealed(seq + 6, POST_PATH, LIT);
    has(205, "200");
    cloud.book.rules.coap_no_seq_check = true;
    post_sealed(seq, POST_PATH, LIT);
    has(205, "200");
}

static void what_cannot_be_opened_takes_no_number(void **state)
{
    (void)state;
    uint32_t seq = log_in_symmetric();
    struct cloud_coap_request q = request(CLOUD_COAP_SYMMETRIC, POST_PATH, LIT);
    uint8_t number[32];
    char text[16];
    q.token = token;
    send(&q);
    has(400, ""); /* no number */
    cloud_aes_encrypt(key, text, (size_t)snprintf(text, sizeof text, "%u", (unsigned)seq), number);
    q.seq = number;
    q.seq_len = 16;
    send(&q); /* in the clear */
    has(400, "");
    q.seq_len = 15;
    send(&q);
    has(400, "");
    cloud_aes_encrypt(key, "1x", 2, number);
    q.seq_len = 16;
    send(&q);
    has(400, "");
    assert_false(is_lit());
    post_sealed(seq, POST_PATH, LIT);
    has(205, "200");
    post_sealed(seq + 1, "topic/" PK "/dev002/user/both", "x");
    has(403, "");
    /* a token of DTLS is none here, and the other way round */
    post(CLOUD_COAP_CERT, POST_PATH, LIT);
    has(401, "another way");
}

/* ---- Options, copies, the wire --------------------------------------------------------------- */

static void option(const char *line, bool good)
{
    char text[128], answer[1024];
    snprintf(text, sizeof text, "option %s", line);
    cloud_command(&cloud, text, answer, sizeof answer, lamp_now);
    if ((strncmp(answer, "ok\n", 3) == 0) != good)
        fail_msg("%s: %s", line, answer);
}

static void options_make_faults(void **state)
{
    (void)state;
    log_in(CLOUD_COAP_CERT);
    option("coap-code 5.00 2", true);
    post(CLOUD_COAP_CERT, POST_PATH, LIT);
    has(500, "option");
    assert_false(is_lit());
    auth(CLOUD_COAP_CERT, AUTH);
    has(500, "");
    post(CLOUD_COAP_CERT, POST_PATH, LIT);
    has(205, "200");
    option("coap-drop-ack 1", true);
    option("coap-separate 2", true);
    option("coap-delay-ms 30", true);
    post(CLOUD_COAP_CERT, POST_PATH, LIT);
    bool before = got.separate;
    assert_true(got.drop);
    assert_false(got.twice);
    assert_int_equal(got.delay_ms, 30);
    option("coap-drop-ack 0", true);
    option("coap-double-ack 1", true);
    post(CLOUD_COAP_CERT, POST_PATH, LIT);
    assert_true(got.twice);
    assert_int_equal(got.separate, !before);
    option("coap-seq-check off", true);
    assert_true(cloud.book.rules.coap_no_seq_check);
    option("coap-answer-seq on", true);
    option("coap-token-s 5", true);
    option("coap-code 2.05 1", false);
    option("coap-code 5.00", false);
    option("coap-code 4.32 1", false);
    option("coap-code 4.xx 1", false);
    option("coap-delay-ms x", false);
}

static void a_copy_gets_the_same_answer(void **state)
{
    struct cloud_coap_seen *s = calloc(1, sizeof *s);
    struct cloud_coap_answer a = {.code = 69,
                                  .format = 50,
                                  .payload = (uint8_t *)"abc",
                                  .payload_len = 3,
                                  .twice = true,
                                  .separate = true,
                                  .delay_ms = 5};
    (void)state;
    assert_non_null(s);
    assert_null(cloud_coap_seen_find(s, "a", 1, 0));
    cloud_coap_seen_keep(s, "a", 1, &a, 1000);
    const struct cloud_coap_seen_row *r = cloud_coap_seen_find(s, "a", 1, 2000);
    assert_non_null(r);
    assert_memory_equal(r->answer.payload, "abc", 3);
    assert_false(r->answer.twice);
    assert_true(r->answer.separate);
    assert_int_equal(r->answer.delay_ms, 5);
    a.drop = true; /* then nothing is on its way, and the copy is answered at once */
    cloud_coap_seen_keep(s, "lost", 1, &a, 1000);
    r = cloud_coap_seen_find(s, "lost", 1, 1000);
    assert_false(r->answer.drop || r->answer.separate);
    assert_int_equal(r->answer.delay_ms, 0);
    assert_null(cloud_coap_seen_find(s, "a", 2, 2000));
    assert_null(cloud_coap_seen_find(s, "b", 1, 2000));
    assert_non_null(cloud_coap_seen_find(s, "a", 1, 1000 + CLOUD_COAP_SEEN_MS - 1));
    assert_null(cloud_coap_seen_find(s, "a", 1, 1000 + CLOUD_COAP_SEEN_MS));
    for (uint16_t i = 0; i < CLOUD_COAP_SEEN_MAX; i++)
        cloud_coap_seen_keep(s, "c", i, &a, 1000);
    assert_null(cloud_coap_seen_find(s, "a", 1, 1000));
    assert_non_null(cloud_coap_seen_find(s, "c", 0, 1000));
    cloud_coap_seen_clear(s);
    assert_null(cloud_coap_seen_find(s, "c", 0, 1000));
    free(s);
}

static void a_line_says_what_the_structs_say(void **state)
{
    static char answer[CLOUD_REPLY_MAX];
    struct cloud_coap_answer a;
    (void)state;
    struct cloud_coap_request q = request(CLOUD_COAP_PSK, "auth", AUTH);
    char *line = cloud_coap_wire_write(&q);
    assert_non_null(line);
    cloud_command(&cloud, line, answer, sizeof answer, lamp_now);
    free(line);
    assert_true(strncmp(answer, "ok\n", 3) == 0);
    assert_true(cloud_coap_wire_read(&a, answer + 3));
    assert_int_equal(a.code, 69);
    assert_int_equal(a.format, 50);
    assert_int_equal(a.payload_len, 44);
    snprintf(said, sizeof said, "%.*s", (int)a.payload_len, (const char *)a.payload);
    keep_token();
    cloud_coap_free(&a);
    q = request(CLOUD_COAP_PSK, POST_PATH, LIT);
    q.token = token;
    line = cloud_coap_wire_write(&q);
    cloud_command(&cloud, line, answer, sizeof answer, lamp_now);
    free(line);
    assert_true(cloud_coap_wire_read(&a, answer + 3));
    assert_int_equal(a.code, 69);
    cloud_coap_free(&a);
    assert_true(is_lit());
    char key_line[] = "coap-key " IDENTITY;
    cloud_command(&cloud, key_line, answer, sizeof answer, lamp_now);
    assert_string_equal(answer, "ok\n" PSK "\n");
    assert_null(strstr(cloud_log, PSK));
    static const char *const wrong[] = {
        "coap",
        "coap {}",
        "coap {\"way\":\"psk\",\"path\":\"auth\",\"payload\":\"\"}",
        "coap {\"way\":\"cert\",\"path\":\"auth\",\"payload\":\"7\"}",
        "coap {\"way\":\"cert\",\"path\":\"auth\",\"payload\":\"7g\"}",
        "coap {\"way\":\"tcp\",\"path\":\"auth\",\"payload\":\"\"}",
        "coap-key nobody"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char text[128];
        snprintf(text, sizeof text, "%s", wrong[i]);
        cloud_command(&cloud, text, answer, sizeof answer, lamp_now);
        assert_true(strncmp(answer, "error: ", 7) == 0);
    }
    assert_false(cloud_coap_wire_read(&a, "{}"));
    assert_false(cloud_coap_wire_read(&a, "x"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        COAP_TEST(over_dtls_a_signature_gets_a_token),
        COAP_TEST(in_the_symmetric_mode_the_key_is_that_of_the_vectors),
        COAP_TEST(a_refused_signature_has_its_code),
        COAP_TEST(a_key_is_for_its_identity_alone),
        COAP_TEST(a_post_is_what_it_is_by_mqtt_and_the_reply_comes_back),
        COAP_TEST(a_custom_topic_takes_any_bytes),
        COAP_TEST(what_is_not_allowed_has_its_code),
        COAP_TEST(a_token_is_for_its_way_and_its_time),
        COAP_TEST(who_reports_is_online_for_ten_minutes),
        COAP_TEST(cbor_is_answered_in_cbor_if_that_is_accepted),
        COAP_TEST(an_update_comes_in_the_answer_to_the_question),
        COAP_TEST(what_is_sealed_is_opened_and_the_answer_is_sealed),
        COAP_TEST(a_number_is_taken_once_and_they_grow),
        COAP_TEST(what_cannot_be_opened_takes_no_number),
        COAP_TEST(options_make_faults),
        COAP_TEST(a_copy_gets_the_same_answer),
        COAP_TEST(a_line_says_what_the_structs_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

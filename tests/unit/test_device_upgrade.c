/* SPDX-License-Identifier: Apache-2.0 */
/* The platform's side of an update as a part of a device: from the push to what is reported, over one stub stream for MQTT and
 * one for HTTP. What the messages hold: test_link_upgrade.c; how images are fetched: test_ota_fetch.c. */
#include "alink_device.h"

#include "crypto/iot_crypto_digest.h"
#include "iot/iot_upgrade.h"
#include "ram_slot.h"

#define BYTES_ALL 1000u
#define UPGRADE   "/ota/device/upgrade/" OURS
#define INFORM    "1 /ota/device/inform/" OURS " "
#define PROGRESS  "0 /ota/device/progress/" OURS " "
#define GET       "0 " SYS "thing/ota/firmware/get "

static struct ram_slot rams[3];
static struct ram_kv kv;
static struct stub_stream web_line;
static struct iot_http web;
static struct iot_http_options http;
static struct iot_ota ota;
static struct iot_ota_options options;
static struct iot_ota_module modules[3];
static struct iot_upgrade up;
static uint8_t image[BYTES_ALL];
static char hex[65];
static char seen_by_app[512];
static bool refuses;

static void on_ota(void *ctx, struct iot_ota *o, const struct iot_ota_event *ev)
{
    static const char *const words[] = {"offered", "", "ready", "failed"};
    size_t at = strlen(seen_by_app);
    (void)ctx;

    if (ev->what == IOT_OTA_OFFERED && refuses)
        iot_ota_refuse(o);
    else if (ev->what == IOT_OTA_OFFERED)
        iot_ota_accept(o);
    if (ev->what != IOT_OTA_PROGRESS)
        snprintf(seen_by_app + at, sizeof seen_by_app - at, "%s(%s,%s)", words[ev->what],
                 ev->job->version, iot_err_name(ev->err));
}

#define assert_app(words)                                                                          \
    do {                                                                                           \
        assert_string_equal(seen_by_app, words);                                                   \
        seen_by_app[0] = 0;                                                                        \
    } while (0)

static void prepare(const struct iot_upgrade_way *way)
{
    struct iot_digest d;
    uint8_t sum[32];

    for (uint32_t i = 0; i < BYTES_ALL; i++)
        image[i] = (uint8_t)(i * 7 + i / 251);
    iot_digest_begin(&d, IOT_DIGEST_SHA256);
    iot_digest_put(&d, (struct iot_bytes){image, BYTES_ALL});
    iot_digest_end(&d, sum);
    for (uint32_t i = 0; i < 32; i++)
        snprintf(hex + (size_t)2 * i, 3, "%02x", sum[i]);
    for (uint32_t i = 0; i < COUNT(rams); i++)
        ram_slot_init(&rams[i]);
    ram_kv_init(&kv);
    kv.port.random = even_bytes;
    alink_setup(&kv.port);
    stub_init(&web_line);
    memset(&http, 0, sizeof http);
    http.stream = &web_line.base;
    modules[0] = (struct iot_ota_module){"", "1.0", &rams[0].slot};
    modules[1] = (struct iot_ota_module){"mcu", "0.1", &rams[1].slot};
    modules[2] = (struct iot_ota_module){"config", NULL, &rams[2].slot};
    memset(&options, 0, sizeof options);
    options.modules = modules;
    options.module_count = COUNT(modules);
    options.http = &web;
    options.port = &kv.port;
    options.on_event = on_ota;
    seen_by_app[0] = 0;
    refuses = false;
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    assert_err(iot_http_init(&web, &dev, &http), IOT_OK);
    assert_err(iot_ota_init(&ota, &dev, &options), IOT_OK);
    assert_err(iot_upgrade_init(&up, &dev, &ota, way), IOT_OK);
    assert_err(iot_device_connect(&dev), IOT_OK);
    alink_up();
}

static int setup(void **state)
{
    (void)state;
    prepare(NULL);
    (void)published();
    (void)heard();
    return 0;
}

static const char *data_of(const char *module, const char *version, const char *rest)
{
    static char data[512];

    snprintf(data, sizeof data,
             "{\"size\":%u,\"version\":\"%s\",%s%s%s\"signMethod\":\"Sha256\",\"sign\":\"%s\",%s}",
             BYTES_ALL, version, *module ? "\"module\":\"" : "", module, *module ? "\"," : "", hex,
             rest);
    return data;
}

static void push(const char *module, const char *version, const char *rest)
{
    char message[700];

    snprintf(message, sizeof message,
             "{\"code\":\"1000\",\"id\":1,\"message\":\"success\",\"data\":%s}",
             data_of(module, version, rest));
    feed(UPGRADE, message);
    run(10);
}

#define URL "\"url\":\"http://ota.example.com/fw?Expires=1\""

static void answer(const char *head, uint32_t from, uint32_t to)
{
    stub_receive(&web_line, text_bytes(head));
    run(10);
    if (from < to)
        stub_receive(&web_line, (struct iot_bytes){image + from, to - from});
    run(200);
}

#define WHOLE "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 1000\r\n\r\n"

static bool asked(const char *words)
{
    static char text[4096];
    struct iot_bytes sent = stub_sent(&web_line);

    snprintf(text, sizeof text, "%.*s", (int)sent.len, (const char *)sent.ptr);
    return strstr(text, words) != NULL;
}

/* ---- Up -------------------------------------------------------------------------------------- */

static void all_versions_but_hidden_ones_are_reported_after_a_login(void **state)
{
    (void)state;
    prepare(NULL);
    assert_published(INFORM "{\"id\":\"1\",\"params\":{\"version\":\"1.0\"}}\n" INFORM
                            "{\"id\":\"2\",\"params\":{\"version\":\"0.1\",\"module\":\"mcu\"}}\n");
    run(60000);
    assert_published("");
}

static void a_version_that_has_changed_is_reported_when_it_is_said(void **state)
{
    (void)state;
    modules[1].version = "0.2";
    iot_upgrade_report(&up);
    assert_non_null(strstr(published(), "{\"version\":\"0.2\",\"module\":\"mcu\"}"));
}

/* ---- An update ------------------------------------------------------------------------------- */

static void an_offer_is_fetched_and_how_far_it_is_is_told(void **state)
{
    (void)state;
    push("", "2.0", URL);
    assert_app("offered(2.0,OK)");
    assert_true(asked("GET /fw?Expires=1 HTTP/1.1\r\n"));
    answer(WHOLE, 0, 500);
    const char *said = published();
    assert_non_null(strstr(said, "{\"step\":\"50\"}"));
    answer("", 500, 1000);
    assert_app("ready(2.0,OK)");
    assert_non_null(strstr(published(), "{\"step\":\"100\"}"));
    assert_true(rams[0].chosen);
    assert_memory_equal(rams[0].bytes, image, BYTES_ALL);
}

static void of_a_module_it_is_told_by_its_name(void **state)
{
    (void)state;
    push("mcu", "0.2", URL);
    answer(WHOLE, 0, 1000);
    assert_app("offered(0.2,OK)ready(0.2,OK)");
    assert_non_null(strstr(published(), "{\"step\":\"100\",\"module\":\"mcu\"}"));
    assert_true(rams[1].chosen);
    assert_false(rams[0].chosen);
}

/* The platform has no such key for it, in whichever message. */
static void the_device_itself_has_no_name_there(void **state)
{
    (void)state;
    modules[0].name = "default";
    iot_upgrade_report(&up);
    assert_err(iot_upgrade_ask(&up, "default"), IOT_OK);
    push("", "2.0", URL);
    answer(WHOLE, 0, 1000);
    assert_app("offered(2.0,OK)ready(2.0,OK)");
    const char *said = published();
    assert_non_null(strstr(said, INFORM));
    assert_non_null(strstr(said, GET));
    assert_non_null(strstr(said, "{\"step\":\"100\"}"));
    assert_null(strstr(said, "default"));
}

static void what_fails_is_told_by_its_code_and_its_name(void **state)
{
    (void)state;
    push("", "2.0", URL);
    image[3] ^= 1;
    answer(WHOLE, 0, 1000);
    run(60000);
    assert_app("offered(2.0,OK)failed(2.0,OTA_DIGEST)");
    assert_non_null(strstr(published(), "{\"step\":\"-3\",\"desc\":\"OTA_DIGEST\"}"));
}

static void what_the_application_refuses_is_told(void **state)
{
    (void)state;
    refuses = true;
    push("", "2.0", URL);
    run(100);
    assert_app("offered(2.0,OK)failed(2.0,OTA_REFUSED)");
    assert_published(PROGRESS
                     "{\"id\":\"3\",\"params\":{\"step\":\"-1\",\"desc\":\"OTA_REFUSED\"}}\n");
    assert_int_equal(web_line.opens, 0);
}

static void what_cannot_be_used_is_told_to_both(void **state)
{
    (void)state;
    push("", "2.0", "\"url\":\"ftp://example.com/\"");
    assert_app("failed(2.0,HTTP_URL)");
    assert_non_null(strstr(published(), "\"desc\":\"HTTP_URL\""));
    push("radio", "2.0", URL);
    assert_app("failed(2.0,OTA_MODULE)");
    assert_non_null(strstr(published(), "\"desc\":\"OTA_MODULE\",\"module\":\"radio\""));
    assert_null(iot_ota_job(&ota));
}

/* ---- More than one --------------------------------------------------------------------------- */

static void one_for_another_module_is_asked_for_when_there_is_room(void **state)
{
    (void)state;
    push("", "2.0", URL);
    push("mcu", "0.2", URL);
    run(3000);
    assert_app("offered(2.0,OK)");
    assert_null(strstr(published(), "firmware/get"));
    answer(WHOLE, 0, 1000);
    assert_app("ready(2.0,OK)");
    run(10);
    assert_non_null(strstr(published(), GET));
    assert_false(up.ask);
}

static void a_newer_one_ends_the_one_under_way_and_that_has_not_failed(void **state)
{
    (void)state;
    push("", "2.0", URL);
    (void)published();
    push("", "3.0", URL);
    run(100);
    assert_app("offered(2.0,OK)failed(2.0,OTA_REPLACED)");
    const char *said = published();
    assert_null(strstr(said, "\"step\":\"-"));
    assert_non_null(strstr(said, GET));
    feed_reply("thing/ota/firmware/get", up.link.asked, 200, data_of("", "3.0", URL));
    run(10);
    assert_app("offered(3.0,OK)");
}

static void the_same_one_again_only_brings_a_newer_url(void **state)
{
    (void)state;
    push("", "2.0", URL);
    push("", "2.0", "\"url\":\"http://ota.example.com/fw?Expires=2\"");
    assert_app("offered(2.0,OK)");
    answer(WHOLE, 0, 400);
    stub_end(&web_line, IOT_ERR_TCP_RESET, 0);
    run(3000);
    assert_true(asked("Range: bytes=400-\r\n"));
    answer("HTTP/1.1 206 Partial Content\r\nETag: \"v1\"\r\nContent-Range: bytes 400-999/1000\r\n"
           "Content-Length: 600\r\n\r\n",
           400, 1000);
    assert_app("ready(2.0,OK)");
}

/* ---- Questions ------------------------------------------------------------------------------- */

static void an_expired_url_is_asked_for(void **state)
{
    (void)state;
    push("", "2.0", URL);
    (void)published();
    answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 0, 0);
    assert_non_null(strstr(published(), GET));
    feed_reply("thing/ota/firmware/get", up.link.asked, 200,
               data_of("", "2.0", "\"url\":\"http://ota.example.com/fw?Expires=2\""));
    run(100);
    assert_true(asked("GET /fw?Expires=2 HTTP/1.1\r\n"));
    answer(WHOLE, 0, 1000);
    assert_app("offered(2.0,OK)ready(2.0,OK)");
}

static void one_question_is_asked_at_a_time(void **state)
{
    (void)state;
    assert_err(iot_upgrade_ask(&up, "mcu"), IOT_OK);
    assert_err(iot_upgrade_ask(&up, "mcu"), IOT_ERR_STATE);
    assert_non_null(strstr(published(), "\"params\":{\"module\":\"mcu\"}"));
    feed_reply("thing/ota/firmware/get", up.link.asked, 200, "{}");
    assert_app("");
    assert_err(iot_upgrade_ask(&up, ""), IOT_OK);
}

static void the_older_question_names_the_version_and_brings_an_offer(void **state)
{
    char message[700];
    (void)state;
    assert_err(iot_upgrade_ask_old(&up), IOT_OK);
    run(10);
    assert_non_null(strstr(published(), "1 /ota/device/request/" OURS
                                        " {\"id\":\"3\",\"params\":{\"version\":\"1.0\"}}"));
    feed("/ota/device/request/" OURS,
         "{\"id\":\"3\",\"params\":{\"version\":\"1.0\"}}"); /* its echo */
    run(10);
    assert_app("");
    snprintf(message, sizeof message,
             "{\"code\":\"1000\",\"id\":1,\"message\":\"success\",\"data\":%s}",
             data_of("", "2.0", URL));
    feed("/ota/device/request/" OURS, message);
    run(10);
    assert_app("offered(2.0,OK)");
}

static void a_device_without_system_topics_listens(void **state)
{
    (void)state;
    assert_err(iot_upgrade_listen(&up), IOT_OK);
    assert_published("SUBSCRIBE 1 /ota/device/upgrade/" OURS "\n"
                     "SUBSCRIBE 1 /ota/device/request/" OURS "\n");
}

/* ---- Over MQTT ------------------------------------------------------------------------------- */

#define BY_MQTT "\"dProtocol\":\"mqtt\",\"streamId\":7,\"streamFileId\":1"

static void without_a_way_an_image_over_mqtt_is_refused(void **state)
{
    (void)state;
    push("", "2.0", BY_MQTT);
    run(100);
    assert_app("offered(2.0,OK)failed(2.0,OTA_JOB)");
    assert_non_null(strstr(published(), "{\"step\":\"-1\",\"desc\":\"OTA_JOB\"}"));
}

static void with_a_way_it_is_asked_for_in_blocks(void **state)
{
    (void)state;
    prepare(&iot_upgrade_over_mqtt);
    (void)published();
    push("", "2.0", BY_MQTT);
    run(100);
    assert_non_null(strstr(published(), "thing/file/download "));
    assert_false(iot_device_idle(&dev));
    assert_err(iot_ota_cancel(&ota), IOT_OK);
    run(100);
    assert_app("offered(2.0,OK)failed(2.0,OTA_REFUSED)");
    assert_true(iot_link_file_idle(&up.file));
}

/* ---- What is the application's alone --------------------------------------------------------- */

static void a_hidden_module_is_none_of_the_platforms(void **state)
{
    struct iot_ota_job job = {.size = BYTES_ALL, .module = "config", .version = "c1"};
    struct iot_digest d;
    (void)state;

    push("config", "2.0", URL);
    assert_app("failed(2.0,OTA_MODULE)");
    (void)published();
    iot_digest_begin(&d, IOT_DIGEST_SHA256);
    iot_digest_put(&d, (struct iot_bytes){image, BYTES_ALL});
    iot_digest_end(&d, job.digest);
    strcpy(job.url, "http://ota.example.com/cfg");
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run(10);
    answer(WHOLE, 0, 1000);
    assert_app("ready(c1,OK)");
    assert_published("");
    job.digest[0] ^= 1;
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run(10);
    answer(WHOLE, 0, 1000);
    run(60000);
    assert_app("failed(c1,OTA_DIGEST)");
    assert_published("");
}

static const char config[] =
    "{\"configId\":\"c1\",\"configSize\":15,\"signMethod\":\"Sha256\",\"sign\":"
    "\"00112233445566778899AABBccddeeff00112233445566778899aabbccddeeff\","
    "\"url\":\"https:\\/\\/ota.example.com/cfg\",\"getType\":\"file\"}";

static void a_configuration_is_a_job(void **state)
{
    static const uint8_t begins[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                     0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    struct iot_config_info info;
    struct iot_ota_job job;
    (void)state;

    struct iot_json data;
    assert_err(iot_json_check(text_bytes(config), &data, NULL), IOT_OK);
    assert_err(iot_config_read(data, &info), IOT_OK);
    assert_err(iot_ota_job_of_config(&info, "config", &job), IOT_OK);
    assert_string_equal(job.url, "https://ota.example.com/cfg");
    assert_string_equal(job.version, "c1");
    assert_string_equal(job.module, "config");
    assert_int_equal(job.size, 15);
    assert_int_equal(job.digest_kind, IOT_OTA_SHA256);
    assert_memory_equal(job.digest, begins, 16);
    assert_memory_equal(job.digest + 16, begins, 16);
    info.sign_method = IOT_CONFIG_SIGN_MD5;
    info.sign.len = 32;
    assert_err(iot_ota_job_of_config(&info, "config", &job), IOT_OK);
    assert_int_equal(job.digest_kind, IOT_OTA_MD5);
    assert_memory_equal(job.digest, begins, 16);
}

static void a_configuration_with_texts_that_are_too_long_is_none(void **state)
{
    static char text[IOT_HTTP_URL_MAX + 2], quoted[sizeof text + 2];
    struct iot_config_info info;
    struct iot_ota_job job;
    (void)state;

    struct iot_json data, lng;
    assert_err(iot_json_check(text_bytes(config), &data, NULL), IOT_OK);
    assert_err(iot_config_read(data, &info), IOT_OK);
    memset(text, 'u', sizeof text - 1);
    snprintf(quoted, sizeof quoted, "\"%s\"", text);
    assert_err(iot_json_check(text_bytes(quoted), &lng, NULL), IOT_OK);
    assert_err(iot_ota_job_of_config(&info, text, &job), IOT_ERR_OTA_MODULE);
    struct iot_config_info other = info;
    other.id = lng;
    assert_err(iot_ota_job_of_config(&other, "", &job), IOT_ERR_OTA_VERSION);
    other = info;
    other.url = lng;
    assert_err(iot_ota_job_of_config(&other, "", &job), IOT_ERR_HTTP_URL);
}

/* ---- Attaching ------------------------------------------------------------------------------- */

static void it_is_attached_once_and_to_devices_of_the_platform(void **state)
{
    (void)state;
    assert_err(iot_upgrade_init(&up, &dev, &ota, NULL), IOT_ERR_ARG);
    opt.link = NULL;
    opt.host = opt.client_id = "x";
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    assert_err(iot_upgrade_init(&up, &dev, &ota, NULL), IOT_ERR_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_versions_but_hidden_ones_are_reported_after_a_login),
        cmocka_unit_test_setup(a_version_that_has_changed_is_reported_when_it_is_said, setup),
        cmocka_unit_test_setup(an_offer_is_fetched_and_how_far_it_is_is_told, setup),
        cmocka_unit_test_setup(of_a_module_it_is_told_by_its_name, setup),
        cmocka_unit_test_setup(the_device_itself_has_no_name_there, setup),
        cmocka_unit_test_setup(what_fails_is_told_by_its_code_and_its_name, setup),
        cmocka_unit_test_setup(what_the_application_refuses_is_told, setup),
        cmocka_unit_test_setup(what_cannot_be_used_is_told_to_both, setup),
        cmocka_unit_test_setup(one_for_another_module_is_asked_for_when_there_is_room, setup),
        cmocka_unit_test_setup(a_newer_one_ends_the_one_under_way_and_that_has_not_failed, setup),
        cmocka_unit_test_setup(the_same_one_again_only_brings_a_newer_url, setup),
        cmocka_unit_test_setup(an_expired_url_is_asked_for, setup),
        cmocka_unit_test_setup(one_question_is_asked_at_a_time, setup),
        cmocka_unit_test_setup(the_older_question_names_the_version_and_brings_an_offer, setup),
        cmocka_unit_test_setup(a_device_without_system_topics_listens, setup),
        cmocka_unit_test_setup(without_a_way_an_image_over_mqtt_is_refused, setup),
        cmocka_unit_test(with_a_way_it_is_asked_for_in_blocks),
        cmocka_unit_test_setup(a_hidden_module_is_none_of_the_platforms, setup),
        cmocka_unit_test_setup(a_configuration_is_a_job, setup),
        cmocka_unit_test_setup(a_configuration_with_texts_that_are_too_long_is_none, setup),
        cmocka_unit_test_setup(it_is_attached_once_and_to_devices_of_the_platform, setup),
    };
    return cmocka_run_group_tests_name("device_upgrade", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* An update in the place of MQTT, as the platform sees it: what it is told before, and what behind. */
#include "link_device.h"

#include "crypto/iot_crypto_digest.h"
#include "ram_slot.h"

#define BYTES_ALL 3000u
#define PUSH      "/ota/device/upgrade/" LINK_PK "/" LINK_DN

static struct ram_slot ram;
static struct ram_kv kv;
static struct stub_stream line;
static struct iot_http web;
static struct iot_http_options http;
static struct iot_ota ota;
static struct iot_ota_options ota_options;
static struct iot_ota_module modules[1];
static struct iot_upgrade platform;
static uint8_t image[BYTES_ALL];
static char sum[65], heard[4096];

static int setup(void **state)
{
    struct iot_digest d;
    uint8_t digest[32];
    (void)state;

    for (uint32_t i = 0; i < BYTES_ALL; i++)
        image[i] = (uint8_t)(i * 7 + i / 251);
    iot_digest_begin(&d, IOT_DIGEST_SHA256);
    iot_digest_put(&d, (struct iot_bytes){image, BYTES_ALL});
    iot_digest_end(&d, digest);
    for (uint32_t i = 0; i < 32; i++)
        snprintf(sum + 2 * i, 3, "%02x", digest[i]);
    ram_slot_init(&ram);
    ram_kv_init(&kv);
    kv.port.random = link_random;
    stub_init(&line);
    link_setup();
    memset(&http, 0, sizeof http);
    http.stream = &line.base;
    assert_err(iot_http_init(&web, &dev, &http), IOT_OK);
    memset(&ota_options, 0, sizeof ota_options);
    modules[0] = (struct iot_ota_module){"", "1", &ram.slot};
    ota_options.modules = modules;
    ota_options.module_count = 1;
    ota_options.http = &web;
    ota_options.port = &kv.port;
    ota_options.memory = IOT_OTA_INSTEAD_OF_MQTT;
    assert_err(iot_ota_init(&ota, &dev, &ota_options), IOT_OK);
    assert_err(iot_upgrade_init(&platform, &dev, &ota, NULL), IOT_OK);
    link_login();
    return 0;
}

static const char *offer(const char *head, const char *url)
{
    static char text[1024];

    snprintf(text, sizeof text,
             "{%s\"data\":{\"size\":%u,\"version\":\"2\",\"url\":\"%s\",\"sign\":\"%s\","
             "\"signMethod\":\"SHA256\"}}",
             head, BYTES_ALL, url, sum);
    return text;
}

/* All that was published on this link, a line each. */
static const char *all_said(void)
{
    const char *said;
    size_t at = 0;

    heard[0] = '\0';
    while (*(said = link_said()) != '\0')
        at += (size_t)snprintf(heard + at, sizeof heard - at, "%s\n", said);
    return heard;
}

static void log_in_again(void)
{
    link_heard = 0;
    accept_login(false);
    run(100);
}

static void answer(uint32_t from, uint32_t to)
{
    while (from < to) {
        uint32_t n = to - from < 500 ? to - from : 500;
        stub_receive(&line, (struct iot_bytes){image + from, n});
        run(10);
        from += n;
    }
}

static void the_newest_is_told_when_mqtt_is_back(void **state)
{
    (void)state;
    link_feed(PUSH, offer("\"code\":\"1000\",\"message\":\"success\",\"id\":\"1\",",
                          "http://ota.example.com/a"));
    wire_ack(&in, 0x40, 1); /* of the version that was reported */
    receive();
    run(200);
    assert_string_equal(sent_words() + strlen(sent_words()) - 10, "DISCONNECT");
    stub_receive(&line, text_bytes("HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n"));
    run(10);
    answer(0, 3000);
    run(1000);
    assert_true(ram.chosen);
    assert_int_equal(stub.opens, 2);
    log_in_again();
    assert_non_null(strstr(all_said(), "\"version\":\"1\""));
    assert_non_null(strstr(heard, "\"step\":\"100\""));
    assert_null(strstr(strstr(heard, "\"step\"") + 1, "\"step\"")); /* nothing that is old */
}

static void a_failure_is_told_when_mqtt_is_back(void **state)
{
    (void)state;
    link_feed(PUSH, offer("\"code\":\"1000\",\"message\":\"success\",\"id\":\"1\",",
                          "http://ota.example.com/a"));
    run(4000); /* nothing is acknowledged */
    image[1000] ^= 1;
    stub_receive(&line,
                 text_bytes("HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 3000\r\n\r\n"));
    run(10);
    answer(0, 3000);
    run(1000);
    assert_false(ram.chosen);
    log_in_again();
    assert_non_null(strstr(all_said(), "\"step\":\"-3\""));
}

static void a_new_url_is_asked_for_by_mqtt_and_used_without_it(void **state)
{
    (void)state;
    char id[16] = "";

    link_feed(PUSH, offer("\"code\":\"1000\",\"message\":\"success\",\"id\":\"1\",",
                          "http://ota.example.com/a"));
    run(4000);
    assert_int_equal(line.opens, 1);
    stub_receive(&line, text_bytes("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"));
    run(500);
    assert_int_equal(stub.opens, 2); /* for the question */
    log_in_again();
    run(2000);
    const char *ask = strstr(all_said(), "thing/ota/firmware/get {");
    assert_non_null(ask);
    assert_int_equal(sscanf(strstr(ask, "\"id\":\""), "\"id\":\"%15[0-9]", id), 1);
    char head[64];
    snprintf(head, sizeof head, "\"code\":200,\"id\":\"%s\",", id);
    link_feed("thing/ota/firmware/get_reply", offer(head, "http://ota.example.com/b"));
    run(4000);
    assert_int_equal(stub.state, STUB_CLOSED);
    assert_int_equal(line.opens, 2);
    struct iot_bytes sent = stub_sent(&line);
    assert_non_null(memmem(sent.ptr, sent.len, "GET /b ", 7));
    stub_receive(&line, text_bytes("HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n"));
    run(10);
    answer(0, 3000);
    run(1000);
    assert_true(ram.chosen);
    log_in_again();
    assert_non_null(strstr(all_said(), "\"step\":\"100\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_newest_is_told_when_mqtt_is_back, setup),
        cmocka_unit_test_setup(a_failure_is_told_when_mqtt_is_back, setup),
        cmocka_unit_test_setup(a_new_url_is_asked_for_by_mqtt_and_used_without_it, setup),
    };
    return cmocka_run_group_tests_name("device_room_link", tests, NULL, NULL);
}

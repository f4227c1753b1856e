/* SPDX-License-Identifier: Apache-2.0 */
/* An update as a part of a device, with the real client of HTTP on a stub stream. */
#include "stub_device.h"

#include "crypto/iot_crypto_digest.h"
#include "ram_slot.h"

#define BYTES_ALL 3000u

static struct ram_slot ram;
static struct ram_kv kv;
static struct stub_stream line;
static struct iot_http web;
static struct iot_http_options http;
static struct iot_ota ota;
static struct iot_ota_options ota_options;
static struct iot_ota_module modules[1];
static struct iot_ota_job job;
static uint8_t image[BYTES_ALL];
static uint32_t readies, failures;
static iot_err why;

static void on_ota(void *ctx, struct iot_ota *o, const struct iot_ota_event *ev)
{
    (void)ctx;
    assert_ptr_equal(o, &ota);
    readies += ev->what == IOT_OTA_READY;
    failures += ev->what == IOT_OTA_FAILED;
    why = ev->err;
}

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    memset(into, 0x55, n);
    return IOT_OK;
}

static int setup(void **state)
{
    struct iot_digest d;
    (void)state;
    for (uint32_t i = 0; i < BYTES_ALL; i++)
        image[i] = (uint8_t)(i * 7 + i / 251);
    ram_slot_init(&ram);
    ram_kv_init(&kv);
    kv.port.random = random_bytes;
    stub_init(&line);
    stub_device_setup(&kv.port);
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    memset(&http, 0, sizeof http);
    http.stream = &line.base;
    assert_err(iot_http_init(&web, &dev, &http), IOT_OK);
    memset(&ota_options, 0, sizeof ota_options);
    modules[0] = (struct iot_ota_module){"", "1", &ram.slot};
    ota_options.modules = modules;
    ota_options.module_count = 1;
    ota_options.http = &web;
    ota_options.port = &kv.port;
    ota_options.on_event = on_ota;
    assert_err(iot_ota_init(&ota, &dev, &ota_options), IOT_OK);
    memset(&job, 0, sizeof job);
    job.size = BYTES_ALL;
    strcpy(job.version, "2");
    strcpy(job.url, "http://ota.example.com/fw?Expires=1");
    iot_digest_begin(&d, IOT_DIGEST_SHA256);
    iot_digest_put(&d, (struct iot_bytes){image, BYTES_ALL});
    iot_digest_end(&d, job.digest);
    readies = failures = 0;
    run(10);
    return 0;
}

static void answer(const char *head, uint32_t from, uint32_t to)
{
    stub_receive(&line, text_bytes(head));
    run(10);
    while (from < to) {
        uint32_t n = to - from < 500 ? to - from : 500;
        stub_receive(&line, (struct iot_bytes){image + from, n});
        run(10);
        from += n;
    }
}

static const char *asked(void)
{
    static char text[1024];
    struct iot_bytes sent = stub_sent(&line);
    snprintf(text, sizeof text, "%.*s", (int)sent.len, (const char *)sent.ptr);
    return text;
}

static void an_update_is_fetched_in_the_ticks_of_its_device(void **state)
{
    (void)state;
    assert_int_equal(iot_sleep_ms(&dev, now_ms), IOT_MS_NEVER);
    assert_true(iot_device_idle(&dev));
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    assert_int_equal(iot_sleep_ms(&dev, now_ms), 0);
    assert_false(iot_device_idle(&dev));
    run(10);
    assert_non_null(strstr(asked(), "GET /fw?Expires=1 HTTP/1.1\r\n"));
    assert_null(strstr(asked(), "Range:"));
    answer("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 3000\r\n\r\n", 0, 3000);
    run(100);
    assert_int_equal(readies, 1);
    assert_true(ram.chosen);
    assert_memory_equal(ram.bytes, image, BYTES_ALL);
    run(1000);
    assert_true(iot_device_idle(&dev)); /* the connection was hung up */
    assert_int_equal(iot_sleep_ms(&dev, now_ms), IOT_MS_NEVER);
}

static void a_line_that_breaks_is_taken_up_where_it_broke(void **state)
{
    (void)state;
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run(10);
    answer("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 3000\r\n\r\n", 0, 1234);
    stub_end(&line, IOT_ERR_TCP_RESET, 0);
    run(2000);
    assert_non_null(strstr(asked(), "Range: bytes=1234-\r\n"));
    assert_non_null(strstr(asked(), "If-Range: \"v1\"\r\n"));
    answer("HTTP/1.1 206 Partial Content\r\nETag: \"v1\"\r\nContent-Range: bytes 1234-2999/3000\r\n"
           "Content-Length: 1766\r\n\r\n",
           1234, 3000);
    run(100);
    assert_int_equal(readies, 1);
    assert_memory_equal(ram.bytes, image, BYTES_ALL);
}

static void a_slow_slot_closes_the_window_and_opens_it_again(void **state)
{
    (void)state;
    ram.again = 3;
    ram.portion = 64;
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run(500);
    answer("HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n", 0, 3000);
    run(5000);
    assert_int_equal(readies, 1);
    assert_memory_equal(ram.bytes, image, BYTES_ALL);
}

static void a_closing_device_ends_an_update_and_keeps_what_it_has(void **state)
{
    (void)state;
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run(10);
    answer("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 3000\r\n\r\n", 0, 1000);
    assert_err(iot_device_close(&dev, 1000), IOT_OK);
    run(2000);
    assert_int_equal(events[IOT_EV_CLOSED], 1);
    assert_int_equal(failures, 1);
    assert_err(why, IOT_ERR_CLOSED);
    assert_true(kv.there);
}

static void what_is_begun_while_the_device_closes_ends_with_it(void **state)
{
    (void)state;
    assert_err(iot_device_connect(&dev), IOT_OK);
    run(10);
    assert_err(iot_device_close(&dev, 1000), IOT_OK);
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run(100000);
    assert_int_equal(events[IOT_EV_CLOSED], 1);
    assert_int_equal(failures, 1);
    assert_err(why, IOT_ERR_CLOSED);
    /* and afterwards it works again */
    assert_err(iot_device_connect(&dev), IOT_OK);
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run(10);
    answer("HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n", 0, 3000);
    assert_int_equal(readies, 1);
}

static void an_update_is_attached_once(void **state)
{
    (void)state;
    assert_err(iot_ota_init(&ota, &dev, &ota_options), IOT_ERR_ARG);
    run(10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_update_is_fetched_in_the_ticks_of_its_device, setup),
        cmocka_unit_test_setup(a_line_that_breaks_is_taken_up_where_it_broke, setup),
        cmocka_unit_test_setup(a_slow_slot_closes_the_window_and_opens_it_again, setup),
        cmocka_unit_test_setup(a_closing_device_ends_an_update_and_keeps_what_it_has, setup),
        cmocka_unit_test_setup(what_is_begun_while_the_device_closes_ends_with_it, setup),
        cmocka_unit_test_setup(an_update_is_attached_once, setup),
    };
    return cmocka_run_group_tests_name("device_ota", tests, NULL, NULL);
}

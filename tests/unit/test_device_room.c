/* SPDX-License-Identifier: Apache-2.0 */
/* An update in the place of MQTT, in the ticks of a device, with the real client of HTTP: who has the memory when, and who is refused
 * it. Over real TLS: tests/interop/test_ota_room.c. */
#include "stub_device.h"

#include "certs.h"
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
static uint32_t readies, failures, ends;
static iot_err why, end_err;
static bool was_connected; /* when it was told */

static struct iot_tls_options tls, http_tls;
static struct iot_bytes ca[1];
static uint8_t arena[32768] __attribute__((aligned(8)));
static const uint8_t key[65] = {4};

static void on_ota(void *ctx, struct iot_ota *o, const struct iot_ota_event *ev)
{
    (void)ctx, (void)o;
    readies += ev->what == IOT_OTA_READY;
    failures += ev->what == IOT_OTA_FAILED;
    was_connected = iot_device_connected(&dev);
    why = ev->err;
}

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    memset(into, 0x55, n);
    return IOT_OK;
}

/* MQTT over TLS and HTTP over TLS in the same memory, or both plain. */
static void begin(bool secure)
{
    struct iot_digest d;

    for (uint32_t i = 0; i < BYTES_ALL; i++)
        image[i] = (uint8_t)(i * 7 + i / 251);
    ram_slot_init(&ram);
    ram_kv_init(&kv);
    kv.port.random = random_bytes;
    stub_init(&line);
    stub_device_setup(&kv.port);
    memset(&tls, 0, sizeof tls);
    ca[0] = cert_ca;
    tls.ca = ca;
    tls.ca_count = 1;
    tls.arena = arena;
    tls.arena_bytes = sizeof arena;
    http_tls = tls;
    if (secure)
        opt.tls = &tls;
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    memset(&http, 0, sizeof http);
    http.stream = &line.base;
    http.tls = secure ? &http_tls : NULL;
    memset(&ota_options, 0, sizeof ota_options);
    modules[0] = (struct iot_ota_module){"", "1", &ram.slot};
    ota_options.modules = modules;
    ota_options.module_count = 1;
    ota_options.http = &web;
    ota_options.port = &kv.port;
    ota_options.on_event = on_ota;
    ota_options.memory = IOT_OTA_INSTEAD_OF_MQTT;
    memset(&job, 0, sizeof job);
    job.size = BYTES_ALL;
    strcpy(job.version, "2");
    strcpy(job.url, secure ? "https://ota.example.com/fw" : "http://ota.example.com/fw");
    iot_digest_begin(&d, IOT_DIGEST_SHA256);
    iot_digest_put(&d, (struct iot_bytes){image, BYTES_ALL});
    iot_digest_end(&d, job.digest);
    readies = failures = ends = 0;
}

static void attach(void)
{
    assert_err(iot_http_init(&web, &dev, &http), IOT_OK);
    assert_err(iot_ota_init(&ota, &dev, &ota_options), IOT_OK);
}

static int setup(void **state)
{
    (void)state;
    begin(false);
    attach();
    return 0;
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

static void mqtt_goes_and_comes_back_with_the_whole_image(void **state)
{
    (void)state;
    assert_err(iot_device_connect(&dev), IOT_OK);
    accept_login(false);
    stub.closes = false;
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run(500);
    assert_int_equal(stub.state, STUB_CLOSING);
    assert_int_equal(line.opens, 0); /* not before MQTT has gone */
    stub.closes = true;
    iot_stream_wake(&stub.base);
    run(100);
    assert_string_equal(sent_words(), "CONNECT DISCONNECT");
    assert_int_equal(stub.state, STUB_CLOSED);
    assert_int_equal(stub.aborts, 0);
    assert_int_equal(events[IOT_EV_LOST], 1);
    assert_err(last[IOT_EV_LOST].err, IOT_ERR_OTA_ROOM);
    assert_int_equal(line.opens, 1);
    stub_receive(&line, text_bytes("HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n"));
    run(10);
    answer(0, 1500);
    run(5000); /* as long as it takes */
    assert_int_equal(stub.opens, 1);
    line.closes = false; /* the server takes its time with the goodbye */
    answer(1500, 3000);
    run(500);
    assert_int_equal(line.state, STUB_CLOSING);
    assert_int_equal(stub.opens, 1);
    line.closes = true;
    iot_stream_wake(&line.base);
    run(200);
    assert_int_equal(line.state, STUB_CLOSED);
    assert_int_equal(stub.opens, 2);
    assert_int_equal(readies, 1);
    assert_memory_equal(ram.bytes, image, BYTES_ALL);
    accept_login(false);
    assert_true(iot_device_connected(&dev));
    run(1000);
    assert_int_equal(events[IOT_EV_LOST], 1);
    assert_true(iot_device_idle(&dev));
}

static void what_is_published_meanwhile_waits(void **state)
{
    (void)state;
    struct iot_msg msg = {.topic = IOT_TOPIC("t"), .payload = BYTES("p"), .qos = 1};
    assert_err(iot_device_connect(&dev), IOT_OK);
    accept_login(false);
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run(200);
    assert_err(iot_mqtt_publish(&dev, &msg, NULL), IOT_OK);
    run(5000);
    assert_err(iot_ota_cancel(&ota), IOT_OK);
    run(200);
    assert_int_equal(failures, 1);
    assert_err(why, IOT_ERR_OTA_REFUSED);
    accept_login(false);
    assert_string_equal(sent_words(), "CONNECT PUBLISH(1)");
    wire_ack(&in, 0x40, 1);
    receive();
    run(10);
    assert_int_equal(events[IOT_EV_DONE], 1);
}

/* However often it is asked meanwhile whether it has gone. */
static void for_messages_it_waits_so_long_and_no_longer(void **state)
{
    (void)state;
    struct iot_msg msg = {.topic = IOT_TOPIC("t"), .payload = BYTES("p"), .qos = 1};
    assert_err(iot_device_connect(&dev), IOT_OK);
    accept_login(false);
    assert_err(iot_mqtt_publish(&dev, &msg, NULL), IOT_OK); /* nobody acknowledges it */
    run(10);
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run(2900);
    assert_int_equal(line.opens, 0);
    run(400);
    assert_int_equal(line.opens, 1);
    assert_string_equal(sent_words(), "CONNECT PUBLISH(1) DISCONNECT");
    assert_err(iot_ota_cancel(&ota), IOT_OK);
    accept_login(false);
    assert_int_equal(events[IOT_EV_FAILED], 1); /* as over any lost link with a clean session */
    assert_err(last[IOT_EV_FAILED].err, IOT_ERR_UNKNOWN);
}

static void a_device_that_is_not_connected_lends_at_once(void **state)
{
    (void)state;
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run(0);
    assert_int_equal(line.opens, 1);
    assert_err(iot_device_connect(&dev), IOT_OK);
    run(1000);
    assert_int_equal(stub.opens, 0);
    assert_err(iot_ota_cancel(&ota), IOT_OK);
    run(1000);
    assert_int_equal(stub.opens, 1);
}

static void it_closes_in_the_middle(void **state)
{
    (void)state;
    static const uint32_t when[] = {0, 20, 60, 200};
    for (uint32_t i = 0; i < COUNT(when); i++) {
        setup(NULL);
        assert_err(iot_device_connect(&dev), IOT_OK);
        accept_login(false);
        stub.closes = i != 1;
        assert_err(iot_ota_start(&ota, &job), IOT_OK);
        if (when[i] != 0)
            run(when[i]);
        assert_err(iot_device_close(&dev, 1000), IOT_OK);
        run(5000);
        assert_int_equal(events[IOT_EV_CLOSED], 1);
        assert_int_equal(failures, 1);
        assert_err(why, IOT_ERR_CLOSED);
        stub.closes = true;
        assert_err(iot_device_connect(&dev), IOT_OK); /* and nothing of it is left */
        accept_login(false);
        assert_true(iot_device_connected(&dev));
    }
}

/* Nothing else wakes the device in a pause. */
static void a_pause_lets_mqtt_back_by_itself(void **state)
{
    (void)state;
    assert_err(iot_device_connect(&dev), IOT_OK);
    accept_login(false);
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run(200);
    stub_receive(&line,
                 text_bytes("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 3000\r\n\r\n"));
    run(10);
    answer(0, 1500);
    assert_int_equal(stub.opens, 1);
    assert_err(iot_ota_pause(&ota), IOT_OK);
    accept_login(false);
    run(5000);
    assert_int_equal(stub.opens, 2);
    assert_err(iot_ota_resume(&ota), IOT_OK);
    run(200);
    assert_int_equal(line.opens, 2);
    assert_int_equal(failures, 0);
}

/* ---- Memory --------------------------------------------------------------------------------- */

static iot_err on_head(void *ctx, const struct iot_http_head *head)
{
    (void)ctx, (void)head;
    return IOT_OK;
}

static iot_err on_body(void *ctx, uint32_t offset, struct iot_bytes part, uint32_t *used)
{
    (void)ctx, (void)offset;
    *used = part.len;
    return IOT_OK;
}

static void on_end(void *ctx, iot_err err, int32_t detail)
{
    (void)ctx, (void)detail;
    ends++;
    end_err = err;
}

static const struct iot_http_handlers handlers = {on_head, on_body, on_end};

/* Whatever lies in the arena of MQTT, HTTP does not touch it. */
static void who_asks_for_https_on_his_own_is_refused(void **state)
{
    (void)state;
    const struct iot_http_request request = {.url = "https://a.example/", .on = &handlers};
    const struct iot_http_request moved = {.url = "http://a.example/", .on = &handlers};
    begin(true);
    http.redirects = 1;
    memset(arena, 0x5a, sizeof arena);
    attach();
    for (uint32_t i = 0; i < sizeof arena; i++)
        assert_int_equal(arena[i], 0x5a);
    assert_err(iot_http_start(&web, &request), IOT_OK);
    run(100);
    assert_int_equal(ends, 1);
    assert_err(end_err, IOT_ERR_STATE);
    assert_int_equal(line.opens, 0);
    assert_err(iot_http_start(&web, &moved), IOT_OK); /* nor behind a redirect */
    run(100);
    stub_receive(&line, text_bytes("HTTP/1.1 302 Found\r\nLocation: https://a.example/\r\n"
                                   "Content-Length: 0\r\n\r\n"));
    run(100);
    assert_int_equal(ends, 2);
    assert_err(end_err, IOT_ERR_STATE);
    assert_int_equal(line.opens, 1);
    for (uint32_t i = 0; i < sizeof arena; i++)
        assert_int_equal(arena[i], 0x5a);
    assert_true(iot_http_idle(&web));
}

static void memory_that_is_not_lent_is_refused_by_name(void **state)
{
    (void)state;
    begin(true);
    assert_err(iot_http_init(&web, &dev, &http), IOT_OK);
    ota_options.memory = IOT_OTA_BESIDE_MQTT;
    assert_err(iot_ota_init(&ota, &dev, &ota_options), IOT_ERR_ARG);
    begin(true);
    http_tls.arena = arena + 16384; /* a part of it is as bad */
    http_tls.arena_bytes = 16384;
    assert_err(iot_http_init(&web, &dev, &http), IOT_OK);
    ota_options.memory = IOT_OTA_BESIDE_MQTT;
    assert_err(iot_ota_init(&ota, &dev, &ota_options), IOT_ERR_ARG);
    begin(true);
    tls.arena_bytes = 16384; /* side by side */
    http_tls.arena = arena + 16384;
    http_tls.arena_bytes = 16384;
    assert_err(iot_http_init(&web, &dev, &http), IOT_OK);
    ota_options.memory = IOT_OTA_BESIDE_MQTT;
    ota_options.public_key = key;
    ota_options.arena = arena + 8192; /* signatures in MQTT's */
    ota_options.arena_bytes = 8192;
    assert_err(iot_ota_init(&ota, &dev, &ota_options), IOT_ERR_ARG);
    ota_options.arena = arena + 16384;
    assert_err(iot_ota_init(&ota, &dev, &ota_options), IOT_OK);
}

/* Else it would not be known whose memory that client has. */
static void an_update_wants_a_client_of_the_same_device(void **state)
{
    (void)state;
    begin(true);
    memset(&web, 0, sizeof web);
    ota_options.memory = IOT_OTA_BESIDE_MQTT;
    assert_err(iot_ota_init(&ota, &dev, &ota_options), IOT_ERR_ARG);
    assert_err(iot_http_init(&web, &dev, &http), IOT_OK);
    assert_err(iot_ota_init(&ota, &dev, &ota_options), IOT_ERR_ARG);
    ota_options.memory = IOT_OTA_INSTEAD_OF_MQTT;
    ota_options.public_key = key; /* signatures may be in MQTT's then, too */
    ota_options.arena = arena;
    ota_options.arena_bytes = sizeof arena;
    assert_err(iot_ota_init(&ota, &dev, &ota_options), IOT_OK);
}

/* While it is lent, both would live in it. */
static void two_clients_do_not_share_an_arena(void **state)
{
    static struct iot_http other;
    static struct stub_stream other_line;
    struct iot_http_options more;
    (void)state;
    begin(true);
    stub_init(&other_line);
    more = http;
    more.stream = &other_line.base;
    assert_err(iot_http_init(&web, &dev, &http), IOT_OK);
    assert_err(iot_http_init(&other, &dev, &more), IOT_ERR_ARG);
    more.tls = NULL;
    assert_err(iot_http_init(&other, &dev, &more), IOT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(mqtt_goes_and_comes_back_with_the_whole_image, setup),
        cmocka_unit_test_setup(what_is_published_meanwhile_waits, setup),
        cmocka_unit_test_setup(for_messages_it_waits_so_long_and_no_longer, setup),
        cmocka_unit_test_setup(a_device_that_is_not_connected_lends_at_once, setup),
        cmocka_unit_test_setup(it_closes_in_the_middle, setup),
        cmocka_unit_test_setup(a_pause_lets_mqtt_back_by_itself, setup),
        cmocka_unit_test(who_asks_for_https_on_his_own_is_refused),
        cmocka_unit_test(memory_that_is_not_lent_is_refused_by_name),
        cmocka_unit_test(an_update_wants_a_client_of_the_same_device),
        cmocka_unit_test(two_clients_do_not_share_an_arena),
    };
    return cmocka_run_group_tests_name("device_room", tests, NULL, NULL);
}

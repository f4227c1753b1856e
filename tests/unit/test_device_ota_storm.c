/* SPDX-License-Identifier: Apache-2.0 */
/* A device with its update, an application that calls everything at any moment, also from inside, a server and a broker with
 * every bad habit: then all of them behave, and nothing hangs. What is asked of iot_poll is asked when it says, never
 * before, so that who forgets his own deadline is found out. TEST_SEED=n: another storm. */
#include "stub_device.h"

#include "crypto/iot_crypto_digest.h"
#include "device/iot_device_state.h"
#include "ota/iot_ota_engine.h"
#include "ram_slot.h"

#define BYTES_ALL 3000u
#define STORMS    1500u
#define STEPS     60u

static struct ram_slot ram;
static struct ram_kv kv;
static struct stub_stream line;
static struct iot_http web;
static struct iot_http_options http;
static struct iot_ota ota;
static struct iot_ota_options options;
static struct iot_ota_module modules[1];
static struct iot_ota_job job;
static uint8_t image[BYTES_ALL];
static uint32_t chance, readies, failures, pauses;
static uint32_t answered, answered_opens; /* of what `line` sent: so much, since that open */
static uint32_t greeted;                  /* opens of `stub` that were looked at */
static bool calm;                         /* all behave */

static uint32_t dice(uint32_t sides)
{
    return test_random(&chance, sides);
}

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    memset(into, 0x55, n);
    return IOT_OK;
}

/* ---- The application ----------------------------------------------------------------------- */

static void publish(void)
{
    const struct iot_msg msg = {.topic = IOT_TOPIC("t"), .payload = BYTES("p"), .qos = 1};
    (void)iot_mqtt_publish(&dev, &msg, NULL);
}

/* The same image, another, or that by another name of its module; by its own will or the cloud's. */
static void begin_one(void)
{
    struct iot_ota_job any = job;

    any.ext = text_bytes("{}");
    if (dice(3) == 0)
        any.version[0] = '3';
    if (dice(5) == 0)
        strcpy(any.module, "default");
    if (dice(2) == 0)
        (void)iot_ota_start(&ota, &any);
    else
        (void)iot_ota_offer(&ota, &any);
}

static void call_anything(void)
{
    switch (dice(10)) {
    case 0:
    case 1:
        begin_one();
        break;
    case 2:
        (void)iot_ota_cancel(&ota);
        break;
    case 3:
        (void)iot_ota_pause(&ota);
        break;
    case 4:
        (void)iot_ota_resume(&ota);
        break;
    case 5:
        (void)iot_ota_accept(&ota);
        break;
    case 6:
        publish();
        break;
    case 7:
        if (dice(4) == 0)
            (void)iot_device_close(&dev, dice(3000));
        break;
    case 8:
        (void)iot_device_connect(&dev);
        break;
    case 9:
        (void)iot_poll(&dev, now_ms);
        break;
    default:
        break;
    }
}

static void on_ota(void *ctx, struct iot_ota *o, const struct iot_ota_event *ev)
{
    (void)ctx;
    readies += ev->what == IOT_OTA_READY;
    failures += ev->what == IOT_OTA_FAILED;
    if (calm && ev->what == IOT_OTA_OFFERED)
        assert_err(iot_ota_accept(o), IOT_OK);
    else if (!calm && ev->what == IOT_OTA_OFFERED && dice(3) == 0)
        (void)iot_ota_defer(o, dice(2) != 0 ? dice(3000) : IOT_MS_NEVER);
    else if (!calm && dice(2) == 0)
        call_anything();
}

/* ---- The others ---------------------------------------------------------------------------- */

/* False: it has spoilt this answer. */
static bool answer_head(bool part, uint32_t from, uint32_t to)
{
    static const char *const rude[] = {
        "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
        "rubbish\r\n\r\n",
        "HTTP/1.1 302 F\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 302 F\r\nLocation: http://other.example/x\r\n\r\n",
        "", /* silence */
    };
    char head[256];
    uint32_t how = calm ? UINT32_MAX : dice(14);

    if (how < COUNT(rude)) {
        stub_receive(&line, text_bytes(rude[how]));
        return false;
    }
    if (how == COUNT(rude)) {
        stub_end(&line, IOT_ERR_TCP_EOF, 0);
        return false;
    }
    if (part)
        snprintf(head, sizeof head,
                 "HTTP/1.1 206 P\r\nETag: \"1\"\r\nContent-Range: bytes %u-%u/%u\r\n"
                 "Content-Length: %u\r\n%s\r\n",
                 from, to, BYTES_ALL, to - from + 1, dice(3) == 0 ? "Connection: close\r\n" : "");
    else
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: %u\r\n\r\n",
                 BYTES_ALL);
    stub_receive(&line, text_bytes(head));
    return true;
}

static void serve(void)
{
    char text[1024] = "";
    uint32_t from = 0, to = BYTES_ALL - 1, end;

    if (line.opens != answered_opens)
        answered = 0;
    answered_opens = line.opens;
    struct iot_bytes sent = stub_sent(&line);
    if (line.state != STUB_UP || sent.len == answered)
        return;
    assert_true(sent.len - answered < sizeof text);
    memcpy(text, sent.ptr + answered, sent.len - answered);
    if (strstr(text, "\r\n\r\n") == NULL)
        return;
    answered = sent.len;
    const char *range = strstr(text, "Range: bytes=");
    if (range != NULL && (calm || dice(8) != 0)) {
        char *dash;
        from = (uint32_t)strtoul(range + 13, &dash, 10);
        if (dash[1] != '\r')
            to = (uint32_t)strtoul(dash + 1, NULL, 10);
    } else {
        range = NULL;
    }
    if (!answer_head(range != NULL, from, to))
        return;
    end = calm || dice(3) != 0 ? to + 1 : from + dice(to + 1 - from);
    while (from < end && line.state == STUB_UP) {
        uint32_t n = 1 + dice(900);
        n = n < end - from ? n : end - from;
        stub_receive(&line, (struct iot_bytes){image + from, n});
        from += n;
        if (dice(2) == 0)
            run(dice(20));
    }
    if (end != to + 1 && line.state == STUB_UP && dice(2) == 0)
        stub_end(&line, IOT_ERR_TCP_RESET, 0);
}

static void greet(void)
{
    if (stub.opens == greeted || stub.state != STUB_UP || stub_sent(&stub).len == 0)
        return;
    greeted = stub.opens;
    uint32_t how = calm ? 2 : dice(12);
    if (how == 0)
        stub_end(&stub, IOT_ERR_TCP_RESET, 0);
    if (how < 2) /* or no answer */
        return;
    wire_clear(&in);
    wire_connack(&in, false, 0);
    receive();
}

static void pass(uint32_t ms)
{
    while (ms != 0) {
        uint32_t n = 1 + dice(ms < 400 ? ms : 400);
        run(n);
        ms -= n;
        serve();
        greet();
    }
}

static void trouble(void)
{
    switch (dice(6)) {
#if IOT_FEATURE_NETWORK_HINTS
    case 0:
        iot_network(&dev, (enum iot_network_change)dice(3));
        break;
#endif
    case 1:
        stub.closes = !stub.closes;
        iot_stream_wake(&stub.base);
        break;
    case 2:
        line.closes = !line.closes;
        iot_stream_wake(&line.base);
        break;
    case 3:
        if (stub.state == STUB_UP)
            stub_end(&stub, IOT_ERR_TCP_EOF, 0);
        break;
    default:
        break;
    }
}

static void calm_down(void)
{
    calm = true;
    ram.again = 0;
    stub.closes = line.closes = true;
    iot_stream_wake(&stub.base);
    iot_stream_wake(&line.base);
#if IOT_FEATURE_NETWORK_HINTS
    iot_network(&dev, IOT_NETWORK_UP);
#endif
}

/* ---- Storms -------------------------------------------------------------------------------- */

static void begin(void)
{
    ram_slot_init(&ram);
    ram_kv_init(&kv);
    kv.port.random = random_bytes;
    stub_init(&line);
    stub_device_setup(&kv.port);
    opt.keepalive_s = 0; /* nobody here answers a PINGREQ */
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    memset(&http, 0, sizeof http);
    http.stream = &line.base;
    http.redirects = (uint8_t)dice(3);
    modules[0] = (struct iot_ota_module){"", "1", &ram.slot};
    memset(&options, 0, sizeof options);
    options.modules = modules;
    options.module_count = 1;
    options.http = &web;
    options.port = &kv.port;
    options.on_event = on_ota;
    options.chunk = dice(2) != 0 ? 0 : 700 + dice(900);
    options.memory = dice(3) != 0 ? IOT_OTA_INSTEAD_OF_MQTT : IOT_OTA_BESIDE_MQTT;
    options.attempts = (uint8_t)dice(4);
    ram.again = dice(3) == 0 ? dice(4) : 0;
    assert_err(iot_http_init(&web, &dev, &http), IOT_OK);
    assert_err(iot_ota_init(&ota, &dev, &options), IOT_OK);
    answered = answered_opens = greeted = 0;
    calm = false;
}

/* Whoever pauses has MQTT back. */
static void look_at_a_pause(void)
{
    uint32_t logins;

    if (iot_ota_pause(&ota) != IOT_OK)
        return;
    pass(90000); /* what was not answered before has been given up by then */
    if (ota.state != IOT_OTA_FETCHING || !ota.fetch.paused)
        return;
    pauses++;
    logins = events[IOT_EV_CONNECTED];
    if (!iot_device_connected(&dev) && iot_device_connect(&dev) == IOT_OK)
        pass(5000);
    assert_true(iot_device_connected(&dev) || events[IOT_EV_CONNECTED] != logins);
}

static void storm(void)
{
    begin();
    (void)iot_device_connect(&dev);
    for (uint32_t i = 0; i < STEPS; i++) {
        if (dice(2) == 0)
            call_anything();
        else
            trouble();
        pass(dice(3) == 0 ? dice(8000) : dice(300));
    }
    calm_down();
    look_at_a_pause();
    for (uint32_t i = 0; i < 2; i++) {
        (void)iot_ota_resume(&ota);
        (void)iot_ota_accept(&ota);
        (void)iot_device_connect(&dev);
        pass(300000);
    }
    assert_null(iot_ota_job(&ota));
    assert_true(iot_device_connected(&dev));
    uint32_t before = readies, closed = events[IOT_EV_CLOSED];
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    pass(60000);
    assert_int_equal(readies, before + 1);
    assert_memory_equal(ram.bytes, image, BYTES_ALL);
    assert_true(ram.chosen && iot_device_connected(&dev));
    assert_err(iot_device_close(&dev, 1000), IOT_OK);
    pass(10000);
    assert_int_equal(events[IOT_EV_CLOSED], closed + 1);
    assert_true(iot_http_idle(&web));
}

static void whatever_is_called_and_cut_everything_ends(void **state)
{
    uint32_t seed = test_seed();
    struct iot_digest d;
    (void)state;

    for (uint32_t i = 0; i < BYTES_ALL; i++)
        image[i] = (uint8_t)(i * 7 + i / 251);
    memset(&job, 0, sizeof job);
    job.size = BYTES_ALL;
    strcpy(job.version, "2");
    strcpy(job.url, "http://ota.example.com/fw");
    iot_digest_begin(&d, IOT_DIGEST_SHA256);
    iot_digest_put(&d, (struct iot_bytes){image, BYTES_ALL});
    iot_digest_end(&d, job.digest);
    for (uint32_t i = 0; i < STORMS; i++) {
        chance = seed + i != 0 ? seed + i : 1;
        for (uint32_t k = 0; k < 8; k++) /* seeds that are near each other begin alike */
            (void)dice(2);
        storm();
    }
    print_message("%u storms: %u updates ready, %u not, %u pauses\n", STORMS, (unsigned)readies,
                  (unsigned)failures, (unsigned)pauses);
    assert_true(failures > STORMS && pauses > STORMS / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_is_called_and_cut_everything_ends),
    };
    return cmocka_run_group_tests_name("device_ota_storm", tests, NULL, NULL);
}

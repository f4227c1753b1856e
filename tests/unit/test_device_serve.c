/* SPDX-License-Identifier: Apache-2.0 */
/* A server of CoAP as a part of a device: what is refused, when it works, and how it ends. */
#include "stub_device.h"
#include "stub_socket.h"

#include "device/iot_device_parts.h"

static struct iot_coap_server server;
static struct iot_coap_server_options options;
static struct stub_socket near, safe;
static uint32_t asked;

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    for (uint32_t i = 0; i < n; i++)
        ((uint8_t *)into)[i] = (uint8_t)(i + 1);
    return IOT_OK;
}

static const struct iot_port port = {.random = random_bytes};

static void on_light(void *ctx, const struct iot_coap_call *call, struct iot_coap_answer *answer)
{
    (void)ctx, (void)call;
    asked++;
    memcpy(answer->body.ptr, "on", answer->body.len = 2);
}

static const struct iot_coap_resource resources[] = {
    {"light", IOT_COAP_CAN_GET, NULL, on_light, NULL},
    {"lock", IOT_COAP_CAN_GET, NULL, on_light, NULL},
};
static const struct iot_coap_resource unsorted[] = {
    {"lock", IOT_COAP_CAN_GET, NULL, on_light, NULL},
    {"light", IOT_COAP_CAN_GET, NULL, on_light, NULL},
};

static int setup(void **state)
{
    (void)state;
    stub_device_setup(&port);
    stub_socket_init(&near);
    stub_socket_init(&safe);
    memset(&server, 0xee, sizeof server);
    options = (struct iot_coap_server_options){.resources = resources,
                                               .resource_count = COUNT(resources),
                                               .plain = true,
                                               .socket = &near.base,
                                               .secure_socket = &safe.base};
    asked = 0;
    return 0;
}

static void begin(void)
{
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    assert_err(iot_coap_server_init(&server, &dev, &options), IOT_OK);
}

static bool answered(uint8_t id)
{
    static uint8_t ask[] = "\x44\x01\0\0tok\0\xb5light";
    struct iot_peer who = {.addr = {192, 0, 2, 7}, .port = 1000, .family = 4};
    ask[3] = ask[7] = id;
    stub_socket_receive(&near, &who, (struct iot_bytes){ask, sizeof ask - 1}, false);
    run(0);
    const struct stub_parcel *p = stub_parcel_take(&near.tx);
    return p != NULL && p->bytes[0] == 0x64 && p->bytes[1] == 0x45 && p->bytes[3] == id &&
           memcmp(p->bytes + p->len - 3, "\xffon", 3) == 0;
}

static void it_serves_without_a_broker(void **state)
{
    (void)state;
    opt.host = opt.client_id = NULL;
    begin();
    run(1);
    assert_true(near.is_open);
    assert_false(safe.is_open);
    for (uint8_t id = 1; id < 10; id++)
        assert_true(answered(id));
    assert_int_equal(asked, 9);
    assert_true(iot_poll(&dev, now_ms) > 1000); /* and then it sleeps */
}

static void it_serves_beside_mqtt_whether_that_is_up_or_not(void **state)
{
    (void)state;
    begin();
    run(1);
    assert_true(answered(1));
    assert_err(iot_device_connect(&dev), IOT_OK);
    assert_true(answered(2));
    accept_login(false);
    assert_true(answered(3));
    stub_end(&stub, IOT_ERR_TCP_TIMEOUT, 0);
    run(10);
    assert_true(answered(4));
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    options.plain = false;
    assert_err(iot_coap_server_init(&server, &dev, &options), IOT_ERR_ARG);
    options.plain = true;
    options.resources = unsorted;
    assert_err(iot_coap_server_init(&server, &dev, &options), IOT_ERR_ARG);
    options.resources = resources;
    options.listen.port = 65535;
    assert_err(iot_coap_server_init(&server, &dev, &options), IOT_ERR_ARG);
    options.listen.port = 65534;
    assert_err(iot_coap_server_init(&server, &dev, &options), IOT_OK);
    assert_err(iot_coap_server_init(&server, &dev, &options), IOT_ERR_ARG); /* twice */
    run(1);
    assert_true(answered(1));
}

static void closing_the_device_closes_it(void **state)
{
    (void)state;
    begin();
    assert_err(iot_device_connect(&dev), IOT_OK);
    accept_login(false);
    assert_false(iot_device_idle(&dev));
    assert_err(iot_device_close(&dev, 100), IOT_OK);
    for (uint32_t i = 0; i < 5000 && events[IOT_EV_CLOSED] == 0; i++) {
        now_ms++;
        (void)iot_poll(&dev, now_ms);
    }
    assert_int_equal(events[IOT_EV_CLOSED], 1);
    assert_false(near.is_open);
    assert_true(iot_device_idle(&dev));
    run(1); /* used again, it listens again */
    assert_true(near.is_open);
    assert_true(answered(1));
}

static void a_server_alone_is_something_to_close(void **state)
{
    (void)state;
    opt.host = opt.client_id = NULL;
    begin();
    run(1);
    assert_err(iot_device_close(&dev, 100), IOT_OK);
    for (uint32_t i = 0; i < 5000 && events[IOT_EV_CLOSED] == 0; i++) {
        now_ms++;
        (void)iot_poll(&dev, now_ms);
    }
    assert_int_equal(events[IOT_EV_CLOSED], 1);
    assert_false(near.is_open);
}

#if IOT_FEATURE_DTLS_SERVER
static iot_err no_key(void *ctx, struct iot_bytes identity, uint8_t key[64], uint32_t *len)
{
    (void)ctx, (void)identity, (void)key, (void)len;
    return IOT_ERR_STATE;
}

/* Its arena is nobody else's, and theirs is not its. */
static void its_arena_is_its_own(void **state)
{
    static uint64_t memory[4000];
    uint8_t *bytes = (uint8_t *)memory;
    static struct iot_coap other;
    const struct iot_bytes ca = BYTES("no authority");
    struct iot_tls_options mqtt = {.ca = &ca, .ca_count = 1, .arena = bytes, .arena_bytes = 8000};
    struct iot_tls_options client = {.kinds = IOT_TLS_PSK,
                                     .psk = BYTES("key"),
                                     .psk_identity = BYTES("name"),
                                     .arena = bytes + 8000,
                                     .arena_bytes = 4000};
    struct iot_coap_options asks = {.host = "192.0.2.1", .tls = &client};
    struct iot_coap_keys keys = {.key = no_key, .arena = bytes + 12000, .arena_bytes = 8000};
    (void)state;
    opt.tls = &mqtt;
    options.keys = &keys;
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    assert_err(iot_coap_init(&other, &dev, &asks), IOT_OK);
    for (uint32_t at = 0; at < 12000; at += 4000) {
        keys.arena = bytes + at;
        assert_err(iot_coap_server_init(&server, &dev, &options), IOT_ERR_ARG);
    }
    keys.arena = bytes + 12000;
    assert_err(iot_coap_server_init(&server, &dev, &options), IOT_OK);
    static struct iot_coap second;
    struct iot_tls_options more = client;
    struct iot_coap_options also = {.host = "192.0.2.1", .tls = &more};
    more.arena = bytes + 16000; /* the second session's */
    assert_err(iot_coap_init(&second, &dev, &also), IOT_ERR_ARG);
    more.arena = bytes + 20000;
    assert_err(iot_coap_init(&second, &dev, &also), IOT_OK);
    run(1);
    assert_true(near.is_open && safe.is_open);
    assert_true(answered(1));
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_serves_without_a_broker, setup),
        cmocka_unit_test_setup(it_serves_beside_mqtt_whether_that_is_up_or_not, setup),
        cmocka_unit_test_setup(what_cannot_be_is_refused, setup),
        cmocka_unit_test_setup(closing_the_device_closes_it, setup),
        cmocka_unit_test_setup(a_server_alone_is_something_to_close, setup),
#if IOT_FEATURE_DTLS_SERVER
        cmocka_unit_test_setup(its_arena_is_its_own, setup),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

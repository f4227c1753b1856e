/* SPDX-License-Identifier: Apache-2.0 */
/* Packet ids of a session that outlives reboots. */
#include "stub_device.h"

/* The store, and what it says instead of working. */
static struct {
    bool has;
    uint8_t bytes[16];
    uint32_t len, sets, gets;
    iot_err get_says, set_says;
    bool set_all_the_same; /* set_says comes from a power cut behind the write */
} kv;

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    memset(into, 0x11, n);
    return IOT_OK;
}

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    (void)ctx;
    assert_string_equal(key, "ids");
    kv.gets++;
    if (kv.get_says != IOT_OK)
        return kv.get_says;
    if (!kv.has)
        return IOT_ERR_STATE;
    if (kv.len > cap)
        return IOT_ERR_SIZE;
    memcpy(into, kv.bytes, kv.len);
    *len = kv.len;
    return IOT_OK;
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    (void)ctx;
    assert_string_equal(key, "ids");
    kv.sets++;
    if (kv.set_says == IOT_OK || kv.set_all_the_same) {
        assert_true(len <= sizeof kv.bytes);
        memcpy(kv.bytes, bytes, len);
        kv.len = len;
        kv.has = true;
    }
    return kv.set_says;
}

static iot_err kv_del(void *ctx, const char *key)
{
    (void)ctx;
    (void)key;
    return IOT_OK;
}

static const struct iot_port port = {
    .random = random_bytes, .kv_get = kv_get, .kv_set = kv_set, .kv_del = kv_del};

static void boot(void)
{
    stub_init(&stub);
    memset(events, 0, sizeof events);
    memset(&dev, 0xee, sizeof dev);
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    assert_err(iot_device_connect(&dev), IOT_OK);
}

static int setup(void **state)
{
    (void)state;
    stub_device_setup(&port);
    memset(&kv, 0, sizeof kv);
    opt.session = IOT_SESSION_KEEP_REBOOT;
    opt.session_key = "ids";
    return 0;
}

static iot_err publish(void)
{
    struct iot_msg msg = {.topic = IOT_TOPIC("t"), .qos = 1};
    return iot_mqtt_publish(&dev, &msg, NULL);
}

/* Id of the last PUBLISH or SUBSCRIBE on the wire. */
static uint16_t last_id(void)
{
    struct iot_bytes rest = stub_sent(&stub);
    struct wire_packet p;
    uint16_t id = 0;
    while (wire_next(&rest, &p))
        id = p.id;
    return id;
}

static uint16_t publish_one(void)
{
    assert_err(publish(), IOT_OK);
    run(1);
    uint16_t id = last_id();
    wire_clear(&in);
    wire_ack(&in, 0x40, id);
    stub_receive(&stub, wire_bytes(&in));
    run(1);
    return id;
}

static void after_any_number_of_reboots_no_id_comes_again(void **state)
{
    static bool seen[65536];
    static const uint32_t lives[] = {1, 300, 0, 127, 128, 129, 255, 256, 257, 5};
    (void)state;
    memset(seen, 0, sizeof seen);
    for (uint32_t i = 0; i < COUNT(lives); i++) {
        boot();
        accept_login(i != 0);
        for (uint32_t n = 0; n < lives[i]; n++) {
            uint16_t id = publish_one();
            assert_int_not_equal(id, 0);
            assert_false(seen[id]);
            seen[id] = true;
        }
    }
}

static void one_write_of_the_store_serves_128_messages_at_least(void **state)
{
    (void)state;
    boot();
    accept_login(false);
    for (uint32_t n = 0; n < 1280; n++)
        publish_one();
    assert_in_range(kv.sets, 5, 11);
    assert_int_equal(kv.gets, 1);
}

static void numbers_wrap_and_go_on(void **state)
{
    (void)state;
    kv.has = true;
    kv.len = 2;
    kv.bytes[0] = 0xff;
    kv.bytes[1] = 0xf0;
    boot();
    accept_login(true);
    assert_int_equal(publish_one(), 0xfff0);
    for (uint32_t n = 1; n < 15; n++)
        publish_one();
    assert_int_equal(publish_one(), 0xffff);
    assert_int_equal(publish_one(), 1);
    boot();
    accept_login(true);
    assert_int_equal(publish_one(), 0xf0); /* fff0 and 256 */
}

static void a_slow_store_delays_the_first_attempt_and_then_later_ids_are_at_hand(void **state)
{
    (void)state;
    kv.get_says = IOT_ERR_AGAIN;
    boot();
    assert_err(publish(), IOT_ERR_AGAIN);
    run(500);
    assert_int_equal(stub.opens, 0);
    kv.get_says = IOT_OK;
    kv.set_says = IOT_ERR_AGAIN;
    run(500);
    assert_int_equal(stub.opens, 0);
    assert_err(publish(), IOT_ERR_AGAIN);
    kv.set_says = IOT_OK;
    accept_login(false);
    assert_int_equal(events[IOT_EV_LOST], 0);
    uint16_t first = publish_one();
    kv.set_says = IOT_ERR_AGAIN; /* 255 are left: so many more, and no one that is not reserved */
    for (uint32_t n = 1; n < 256; n++)
        assert_int_equal(publish_one(), first + n);
    assert_err(publish(), IOT_ERR_AGAIN);
    kv.set_says = IOT_OK;
    assert_int_equal(publish_one(), first + 256);
}

static void a_broken_store_is_told_by_name(void **state)
{
    static const iot_err faults[] = {IOT_ERR_KV, IOT_ERR_FULL};
    (void)state;
    for (uint32_t i = 0; i < COUNT(faults); i++) {
        setup(NULL);
        if (i == 0)
            kv.get_says = faults[i];
        else
            kv.set_says = faults[i];
        boot();
        assert_err(publish(), IOT_ERR_KV);
        run(50);
        assert_int_equal(events[IOT_EV_LOST], 1);
        assert_err(last[IOT_EV_LOST].err, IOT_ERR_KV);
        assert_int_equal(stub.opens, 0);
        kv.get_says = kv.set_says = IOT_OK;
        accept_login(false);
        publish_one();
    }
}

static void a_power_cut_while_reserving_costs_ids_and_repeats_none(void **state)
{
    (void)state;
    for (int written = 0; written < 2; written++) {
        setup(NULL);
        boot();
        accept_login(false);
        uint16_t highest = 0;
        for (uint32_t n = 0; n < 129; n++)
            highest = publish_one(); /* the next one reserves */
        kv.set_says = IOT_ERR_KV;
        kv.set_all_the_same = written != 0;
        publish_one();
        kv.set_says = IOT_OK;
        kv.set_all_the_same = false;
        boot();
        accept_login(true);
        assert_true(publish_one() > highest);
    }
}

static void a_record_that_is_not_ours_is_as_none(void **state)
{
    static const uint32_t lens[] = {0, 1, 3, 16};
    (void)state;
    for (uint32_t i = 0; i < COUNT(lens); i++) {
        setup(NULL);
        kv.has = true;
        kv.len = lens[i];
        boot();
        accept_login(false);
        assert_int_equal(publish_one(), 0x1111); /* chance */
        assert_int_equal(kv.len, 2);
    }
}

static void subscriptions_take_reserved_ids_as_well(void **state)
{
    (void)state;
    boot();
    static const struct iot_filter f = {.filter = IOT_TOPIC("f"), .qos = 1};
    assert_err(iot_mqtt_subscribe(&dev, &f, NULL), IOT_OK);
    accept_login(false);
    assert_int_equal(last_id(), 0x1111);
    kv.set_says = IOT_ERR_AGAIN;
    for (uint32_t n = 1; n < 256; n++)
        publish_one();
    assert_err(iot_mqtt_subscribe(&dev, &f, NULL), IOT_OK);
    run(10);
    assert_int_equal(last_id(), 0x1111 + 255); /* it waits */
    kv.set_says = IOT_OK;
    assert_int_equal(publish_one(), 0x1111 + 256);
    assert_non_null(strstr(wire_words(stub_sent(&stub)), "SUBSCRIBE(4626)")); /* 0x1111 + 257 */
}

/* ---- Ids that the broker may hold -------------------------------------------------------------------- */

static iot_err publish_as(uint8_t qos)
{
    struct iot_msg msg = {.topic = IOT_TOPIC("t"), .qos = qos};
    return iot_mqtt_publish(&dev, &msg, NULL);
}

/* A session that is older than we are: each QoS 2 id is cleared by PUBREL before its first PUBLISH. */
static void in_a_session_of_before_a_qos_2_id_is_cleared_before_it_is_used(void **state)
{
    (void)state;
    opt.session = IOT_SESSION_KEEP;
    opt.first_id = 10;
    boot();
    accept_login(true);
    for (uint8_t qos = 0; qos <= 2; qos++)
        assert_err(publish_as(qos), IOT_OK);
    assert_err(publish_as(2), IOT_OK);
    run(1);
    assert_string_equal(sent_words(), "CONNECT PUBLISH PUBLISH(10) PUBREL(11) PUBLISH(11) "
                                      "PUBREL(12) PUBLISH(12)");
    /* The broker answers whatever it held; the new message awaits its own PUBREC. */
    wire_ack(&in, 0x70, 11);
    wire_ack(&in, 0x50, 11);
    receive();
    run(1);
    assert_int_equal(events[IOT_EV_DONE], 1); /* QoS 0 */
    wire_ack(&in, 0x70, 11);
    receive();
    run(1);
    assert_int_equal(events[IOT_EV_DONE], 2);
    /* What is sent again is not cleared: that would end it. */
    stub_end(&stub, IOT_ERR_TCP_RESET, 0);
    run(10);
    accept_login(true);
    assert_string_equal(sent_words(), "CONNECT PUBLISH+DUP(10) PUBLISH+DUP(12)");
    /* A session of our own has no such ids. */
    stub_end(&stub, IOT_ERR_TCP_RESET, 0);
    run(10);
    accept_login(false);
    assert_err(publish_as(2), IOT_OK);
    run(1);
    assert_string_equal(sent_words(), "CONNECT PUBLISH(10) PUBLISH(12) PUBLISH(13)");
}

static void after_a_close_ids_of_what_was_undone_are_cleared_as_well(void **state)
{
    (void)state;
    opt.session = IOT_SESSION_KEEP;
    opt.first_id = 10;
    boot();
    accept_login(false);
    assert_err(publish_as(2), IOT_OK);
    run(1);
    assert_string_equal(sent_words(), "CONNECT PUBLISH(10)");
    assert_err(iot_device_close(&dev, 10), IOT_OK);
    run(5000);
    assert_int_equal(events[IOT_EV_CLOSED], 1);
    assert_err(iot_device_connect(&dev), IOT_OK);
    accept_login(true);
    assert_err(publish_as(2), IOT_OK);
    run(1);
    assert_string_equal(sent_words(), "CONNECT PUBREL(11) PUBLISH(11)");
}

static void ids_from_the_store_are_cleared_only_when_they_have_come_half_way_round(void **state)
{
    (void)state;
    kv.has = true;
    kv.len = 2;
    kv.bytes[0] = 0xf0; /* the wrap is in between */
    boot();
    accept_login(true);
    assert_err(publish_as(2), IOT_OK);
    run(1);
    assert_null(strstr(sent_words(), "PUBREL"));
    for (uint32_t n = 0; n < 32768; n++) {
        publish_one();
        if (n % 64 == 0) { /* the stub keeps all of a connection */
            stub_end(&stub, IOT_ERR_TCP_RESET, 0);
            run(10);
            accept_login(true);
        }
    }
    assert_err(publish_as(2), IOT_OK);
    run(1);
    assert_non_null(strstr(sent_words(), "PUBREL"));
}

static void a_session_that_outlives_reboots_needs_a_place_for_it(void **state)
{
    struct iot_port without = {.random = random_bytes};
    (void)state;
    opt.session_key = NULL;
    assert_err(iot_device_init(&dev, &opt), IOT_ERR_ARG);
    opt.session_key = "ids";
    opt.port_ops = &without;
    assert_err(iot_device_init(&dev, &opt), IOT_ERR_ARG);
    opt.port_ops = &port;
    opt.client_id = "";
    assert_err(iot_device_init(&dev, &opt), IOT_ERR_ARG);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        CASE(after_any_number_of_reboots_no_id_comes_again),
        CASE(one_write_of_the_store_serves_128_messages_at_least),
        CASE(numbers_wrap_and_go_on),
        CASE(a_slow_store_delays_the_first_attempt_and_then_later_ids_are_at_hand),
        CASE(a_broken_store_is_told_by_name),
        CASE(a_power_cut_while_reserving_costs_ids_and_repeats_none),
        CASE(a_record_that_is_not_ours_is_as_none),
        CASE(subscriptions_take_reserved_ids_as_well),
        CASE(in_a_session_of_before_a_qos_2_id_is_cleared_before_it_is_used),
        CASE(after_a_close_ids_of_what_was_undone_are_cleared_as_well),
        CASE(ids_from_the_store_are_cleared_only_when_they_have_come_half_way_round),
        CASE(a_session_that_outlives_reboots_needs_a_place_for_it),
    };
    return cmocka_run_group_tests_name("device_ids", tests, NULL, NULL);
}

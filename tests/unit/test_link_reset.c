/* SPDX-License-Identifier: Apache-2.0 */
/* A reset: written down before it is asked for, asked until it is confirmed, told once; over slow and broken stores, lost
 * links, closes, and a power cut at any moment. */
#include "alink_device.h"

#define ASKED(id)                                                                                  \
    "1 " SYS "thing/reset {\"id\":\"" id                                                           \
    "\",\"version\":\"1.0\",\"method\":\"thing.reset\",\"params\":{}}\n"

/* A store that can be slow, broken, or lose power at its n-th operation, before or after it is done. */
static struct {
    char key[16]; /* whose note it is */
    bool set;
    uint32_t slow; /* so many calls answer AGAIN */
    iot_err set_says, del_says, get_says;
    uint32_t gets, sets, dels;
    uint32_t cut_at; /* 1: at the first set or del; 0: never */
    bool cut_after, off;
} kv;

static iot_err begin(void)
{
    if (kv.off)
        return IOT_ERR_AGAIN;
    if (kv.slow == 0)
        return IOT_OK;
    kv.slow--;
    return IOT_ERR_AGAIN;
}

static bool is_there(const char *key)
{
    return kv.set && strcmp(kv.key, key) == 0;
}

static iot_err change(bool set, iot_err says)
{
    if (begin() != IOT_OK)
        return IOT_ERR_AGAIN;
    if (kv.cut_at != 0 && --kv.cut_at == 0) {
        kv.off = true;
        if (kv.cut_after)
            kv.set = set;
        return IOT_ERR_AGAIN;
    }
    if (says == IOT_OK)
        kv.set = set;
    return says;
}

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    (void)ctx;
    assert_memory_equal(key, IOT_RESET_KEY, strlen(IOT_RESET_KEY));
    assert_true(strlen(key) <= 15);
    kv.gets++;
    if (begin() != IOT_OK)
        return IOT_ERR_AGAIN;
    if (kv.get_says != IOT_OK)
        return kv.get_says;
    if (!is_there(key))
        return IOT_ERR_STATE;
    assert_true(cap >= 1);
    memcpy(into, "1", 1);
    *len = 1;
    return IOT_OK;
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    (void)ctx;
    assert_memory_equal(key, IOT_RESET_KEY, strlen(IOT_RESET_KEY));
    assert_in_range(strlen(key), 1, sizeof kv.key - 1);
    memcpy(kv.key, key, strlen(key) + 1);
    assert_int_equal(len, 1);
    assert_memory_equal(bytes, "1", 1);
    kv.sets++;
    return change(true, kv.set_says);
}

static iot_err kv_del(void *ctx, const char *key)
{
    (void)ctx;
    assert_string_equal(key, kv.key);
    kv.dels++;
    return change(false, kv.del_says);
}

static const struct iot_port port = {
    .random = even_bytes, .kv_get = kv_get, .kv_set = kv_set, .kv_del = kv_del};
static const struct iot_port port_without = {.random = even_bytes};

static int setup(void **state)
{
    (void)state;
    memset(&kv, 0, sizeof kv);
    alink_setup(&port);
    alink_begin();
    return 0;
}

/* Power is back. */
static void reboot(void)
{
    kv.off = false;
    kv.cut_at = kv.slow = 0;
    alink_setup(&port);
    alink_begin();
}

static void lose_link(void)
{
    stub_end(&stub, IOT_ERR_TCP_RESET, 0);
    run(0);
}

static void it_is_written_down_asked_confirmed_and_told_once(void **state)
{
    (void)state;

    assert_err(iot_reset(&dev), IOT_OK);
    assert_true(kv.set); /* before anything is asked */
    assert_published(ASKED("1"));
    assert_err(iot_reset(&dev), IOT_ERR_STATE);
    assert_told("");
    assert_true(kv.set);
    feed_reply("thing/reset", 1, 200, "{}");
    assert_told("RESET OK 0 \n");
    assert_false(kv.set);
    feed_reply("thing/reset", 1, 200, "{}"); /* doubled */
    assert_told("SKIPPED LINK_REPLY\n");
    run(60000);
    assert_told("");
    assert_published("");
    assert_int_equal(kv.sets + kv.dels, 2);
    assert_err(iot_reset(&dev), IOT_OK); /* another one */
    assert_published(ASKED("2"));
}

static void it_is_asked_every_ten_seconds_until_it_is_confirmed(void **state)
{
    (void)state;

    assert_err(iot_reset(&dev), IOT_OK);
    assert_published(ASKED("1"));
    run(9900);
    assert_published("");
    run(200);
    assert_published(ASKED("2"));
    feed_reply("thing/reset", 1, 200, "{}"); /* too late for this one */
    assert_told("SKIPPED LINK_REPLY\n");
    feed_reply("thing/reset", 2, 500, "{}"); /* refused: again later */
    run(9500);
    assert_published("");
    run(600);
    assert_published(ASKED("3"));
    assert_told("");
    assert_true(kv.set);
    feed_reply("thing/reset", 3, 200, "{}");
    assert_told("RESET OK 0 \n");
}

/* It is due again just when the request before it is still out. */
static void a_refusal_that_comes_late_has_it_asked_again_as_well(void **state)
{
    (void)state;

    assert_err(iot_reset(&dev), IOT_OK);
    iot_poll(&dev, now_ms); /* asks; */
    now_ms += 500;          /* the loop is elsewhere, so that the time-out counts from here */
    assert_published(ASKED("1"));
    run(9700);
    assert_published("");
    feed_reply("thing/reset", 1, 500, "{}");
    run(9900);
    assert_published("");
    run(200);
    assert_published(ASKED("2"));
    feed_reply("thing/reset", 2, 200, "{}");
    assert_told("RESET OK 0 \n");
}

static void after_each_connect_it_is_asked_again(void **state)
{
    (void)state;

    acks = false;
    assert_err(iot_reset(&dev), IOT_OK);
    assert_published(ASKED("1"));
    lose_link();
    alink_up();
    assert_published(ASKED("2")); /* what the first has become is unknown */
    acks = true;
    lose_link();
    stub.connects = false;
    run(60000); /* away for long: the request has ended, and none piles up */
    assert_published("");
    stub.connects = true;
    run(60000);
    alink_up();
    assert_published(ASKED("3"));
    feed_reply("thing/reset", 3, 200, "{}");
    assert_told("RESET OK 0 \n");
}

static void it_can_be_begun_before_there_is_a_connection(void **state)
{
    (void)state;

    memset(&kv, 0, sizeof kv);
    alink_setup(&port);
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    assert_err(iot_reset(&dev), IOT_OK);
    assert_true(kv.set);
    run(5000);
    assert_true(iot_device_idle(&dev)); /* it is written down: power may go */
    assert_err(iot_device_connect(&dev), IOT_OK);
    accept_login(false);
    assert_published(ASKED("1"));
    feed_reply("thing/reset", 1, 200, "{}");
    assert_told("RESET OK 0 \n");
    assert_int_equal(kv.gets, 0);
}

static void a_reset_of_before_a_reboot_goes_on(void **state)
{
    (void)state;

    assert_err(iot_reset(&dev), IOT_OK);
    published();
    reboot();
    assert_published(ASKED("1"));
    assert_err(iot_reset(&dev), IOT_ERR_STATE);
    feed_reply("thing/reset", 1, 200, "{}");
    assert_told("RESET OK 0 \n");
    reboot();
    assert_published("");
    assert_told("");
    assert_false(kv.set);
}

static void a_reset_of_another_device_is_left_to_it(void **state)
{
    static const char *const others[][2] = {
        {"a1B2c3D4e5F", "dev002"}, {"a1B2c3D4e5", "Fdev001"}, {"a1B2c3D4e5G", "dev001"}};
    (void)state;

    assert_err(iot_reset(&dev), IOT_OK);
    published();
    for (uint32_t i = 0; i < COUNT(others); i++) {
        alink_setup(&port);
        who.product_key = others[i][0];
        who.device_name = others[i][1];
        alink_begin();
        assert_published("");
        assert_true(kv.set);
    }
    reboot();
    assert_published(ASKED("1"));
}

static void a_slow_store_is_asked_again_in_later_ticks(void **state)
{
    (void)state;

    kv.slow = 5;
    assert_err(iot_reset(&dev), IOT_OK);
    assert_false(iot_device_idle(&dev));
    assert_err(iot_reset(&dev), IOT_ERR_STATE);
    assert_published(""); /* not before it is written down */
    assert_false(kv.set);
    run(1000);
    assert_true(kv.set);
    assert_published(ASKED("1"));
    kv.slow = 5;
    feed_reply("thing/reset", 1, 200, "{}");
    assert_told("");
    assert_false(iot_device_idle(&dev));
    run(1000);
    assert_told("RESET OK 0 \n");
    assert_true(iot_device_idle(&dev));

    kv.set = true;
    reboot();
    kv.slow = 5;
    memset(&dev, 0xee, sizeof dev);
    alink_setup(&port);
    alink_begin(); /* looks, again and again */
    run(1000);
    assert_published(ASKED("1"));
}

static void a_store_that_fails_is_told_by_name(void **state)
{
    (void)state;

    kv.set_says = IOT_ERR_KV;
    assert_err(iot_reset(&dev), IOT_ERR_KV);
    run(100);
    assert_published("");
    kv.set_says = IOT_ERR_FULL;
    assert_err(iot_reset(&dev), IOT_ERR_FULL);
    kv.slow = 2;
    assert_err(iot_reset(&dev), IOT_OK);
    run(1000);
    assert_told("RESET FULL 0 \n");
    assert_published("");
    kv.set_says = IOT_OK;
    assert_err(iot_reset(&dev), IOT_OK);
    kv.del_says = IOT_ERR_KV;
    assert_published(ASKED("1"));
    feed_reply("thing/reset", 1, 200, "{}");
    assert_told("RESET KV 0 \n");
    run(60000);
    assert_told("");
    assert_int_equal(kv.dels, 1);
    kv.get_says = IOT_ERR_KV; /* who cannot be read says nothing */
    reboot();
    assert_published("");
}

static void without_a_store_it_is_refused(void **state)
{
    (void)state;

    alink_setup(&port_without);
    alink_begin();
    assert_err(iot_reset(&dev), IOT_ERR_ARG);
}

static void a_close_ends_it_once_or_leaves_it_for_the_next_connection(void **state)
{
    (void)state;

    assert_err(iot_reset(&dev), IOT_OK);
    published();
    iot_device_close(&dev, 100);
    run(5000);
    assert_told("CLOSED\n"); /* it is not over */
    assert_true(kv.set);
    assert_err(iot_device_connect(&dev), IOT_OK);
    run(10);
    alink_up();
    assert_non_null(strstr(published(), "thing/reset {\"id\":\"2\""));
    kv.slow = 1;
    feed_reply("thing/reset", 2, 200, "{}");
    assert_told("");
    iot_device_close(&dev, 0);
    run(5000);
    assert_told("RESET OK 0 \nCLOSED\n");
    assert_false(kv.set);

    reboot();
    kv.slow = 1000000;
    assert_err(iot_reset(&dev), IOT_OK);
    iot_device_close(&dev, 0);
    run(5000);
    assert_told("RESET CLOSED 0 \nCLOSED\n");
}

static void a_full_outbox_only_delays_it(void **state)
{
    static uint8_t filler[IOT_MQTT_TX_BYTES - 60];
    struct iot_msg msg = {.topic = IOT_TOPIC("t"), .payload = {filler, sizeof filler}, .qos = 1};
    (void)state;

    acks = false;
    assert_err(iot_mqtt_publish(&dev, &msg, NULL), IOT_OK);
    published();
    assert_err(iot_reset(&dev), IOT_OK);
    assert_published("");
    wire_ack(&in, 0x40, 1);
    receive();
    run(2000);
    assert_told("DONE 1\n");
    assert_published(ASKED("2"));
}

/* Whatever happens: when the platform has confirmed and power stays, the note is gone and it was told once; as long as it
 * was accepted durably and not confirmed, it goes on after the reboot. */
static void power_may_be_cut_at_any_operation(void **state)
{
    (void)state;

    for (uint32_t cut = 1; cut <= 2; cut++) {
        for (uint32_t after = 0; after < 2; after++) {
            setup(NULL);
            kv.cut_at = cut;
            kv.cut_after = after != 0;
            assert_err(iot_reset(&dev), IOT_OK);
            run(100);
            if (cut == 2) {
                assert_published(ASKED("1"));
                feed_reply("thing/reset", 1, 200, "{}");
            }
            run(1000);
            assert_true(kv.off);
            assert_told("");
            bool left = kv.set;
            assert_int_equal(left, cut == 1 ? after : !after);
            reboot();
            assert_published(left ? ASKED("1") : "");
            if (left)
                feed_reply("thing/reset", 1, 200, "{}");
            assert_told(left ? "RESET OK 0 \n" : "");
            assert_false(kv.set);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_is_written_down_asked_confirmed_and_told_once, setup),
        cmocka_unit_test_setup(it_is_asked_every_ten_seconds_until_it_is_confirmed, setup),
        cmocka_unit_test_setup(a_refusal_that_comes_late_has_it_asked_again_as_well, setup),
        cmocka_unit_test_setup(after_each_connect_it_is_asked_again, setup),
        cmocka_unit_test(it_can_be_begun_before_there_is_a_connection),
        cmocka_unit_test_setup(a_reset_of_before_a_reboot_goes_on, setup),
        cmocka_unit_test_setup(a_reset_of_another_device_is_left_to_it, setup),
        cmocka_unit_test_setup(a_slow_store_is_asked_again_in_later_ticks, setup),
        cmocka_unit_test_setup(a_store_that_fails_is_told_by_name, setup),
        cmocka_unit_test(without_a_store_it_is_refused),
        cmocka_unit_test_setup(a_close_ends_it_once_or_leaves_it_for_the_next_connection, setup),
        cmocka_unit_test_setup(a_full_outbox_only_delays_it, setup),
        cmocka_unit_test(power_may_be_cut_at_any_operation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

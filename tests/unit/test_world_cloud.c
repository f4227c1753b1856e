/* SPDX-License-Identifier: Apache-2.0 */
/* The platform in front of the world's broker, met with the library's own login. */
#include "wire_client.h"

#include "link/iot_link_sign.h"
#include "world/world_cloud.h"

#define OWN "/" WORLD_CLOUD_KEY "/d001/"

static struct world_cloud *cloud;
static struct world_broker *broker;
static struct wire out;
static uint64_t now;

static int set_up(void **state)
{
    struct world_broker_policy policy;
    char why[256] = "";

    (void)state;
    cloud = calloc(1, sizeof *cloud);
    broker = calloc(1, sizeof *broker);
    assert_true(cloud != NULL && broker != NULL);
    if (!world_cloud_start(cloud, broker, 200, &policy, why, sizeof why))
        fail_msg("%s", why);
    world_broker_init(broker, &policy, NULL);
    now = 5000;
    wire_clear(&out);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_broker_over(broker);
    world_cloud_over(cloud);
    free(broker);
    free(cloud);
    return 0;
}

static void put_text(struct wire *w, struct iot_bytes text)
{
    client_u16(w, text.len);
    wire_put(w, text.ptr, text.len);
}

static const char *heard(int conn)
{
    struct iot_bytes all = world_broker_pending(broker, conn);
    const char *words = client_words(all);

    world_broker_sent(broker, conn, all.len, now);
    return words;
}

static void say(int conn)
{
    world_broker_feed(broker, conn, wire_bytes(&out), now);
    wire_clear(&out);
}

/* Device n of the book logs in, with one letter of its secret changed if it is to be `wrong`. */
static int log_in(uint32_t n, bool wrong)
{
    static const uint8_t middle[] = {0, 4, 'M', 'Q', 'T', 'T', 4, 0xc2, 0, 60};
    uint8_t scratch[IOT_LINK_LOGIN_MAX];
    struct iot_link_login login;
    struct world_cloud_identity id;

    world_cloud_identity(n, &id);
    if (wrong)
        id.secret[0] ^= 1;
    struct iot_link_identity identity = {
        .product_key = WORLD_CLOUD_KEY, .device_name = id.name, .device_secret = id.secret};
    assert_err(iot_link_login(&identity, IOT_LINK_PLAIN, scratch, sizeof scratch, &login), IOT_OK);
    uint32_t len = (uint32_t)sizeof middle + 6 + login.client_id.len + login.user_name.len +
                   login.password.len;
    uint8_t head[3] = {0x10, (uint8_t)(len | 0x80), (uint8_t)(len >> 7)};
    wire_put(&out, head, len >= 128 ? 3 : 2);
    wire_put(&out, middle, sizeof middle);
    put_text(&out, login.client_id);
    put_text(&out, login.user_name);
    put_text(&out, login.password);
    int conn = world_broker_open(broker, now);
    say(conn);
    return conn;
}

static void a_device_with_its_secret_gets_in_and_nobody_else(void **state)
{
    (void)state;
    assert_string_equal(heard(log_in(1, false)), "CONNACK(0,0)");
    assert_string_equal(heard(log_in(199, false)), "CONNACK(0,0)");
    int conn = log_in(2, true);
    assert_string_equal(heard(conn), "CONNACK(0,4)");
    assert_int_equal(world_broker_wants_close(broker, conn), WORLD_END_FIN);
    assert_string_equal(heard(log_in(200, false)), "CONNACK(0,4)");
    assert_int_equal(broker->complaints, 0);
}

static void messages_go_where_the_platform_lets_them(void **state)
{
    (void)state;
    int conn = log_in(1, false);
    client_subscribe(&out, 1, OWN "user/echo", 1);
    client_subscribe(&out, 2, "/" WORLD_CLOUD_KEY "/d002/user/echo", 1);
    say(conn);
    assert_string_equal(heard(conn), "CONNACK(0,0) SUBACK(1:01) SUBACK(2:80)");
    wire_publish(&out, 2, OWN "user/echo", 7, "x", 1);
    wire_publish(&out, 2, "/" WORLD_CLOUD_KEY "/d002/user/echo", 8, "y", 1);
    say(conn);
    assert_string_equal(heard(conn), "PUBACK(7) PUBLISH(1:x) PUBACK(8)");
}

static void the_platform_pushes_kicks_and_hears_silence(void **state)
{
    const char *why;

    (void)state;
    int device = cloud_book_device(&cloud->cloud.book, WORLD_CLOUD_KEY, "d001");
    int conn = log_in(1, false);
    client_subscribe(&out, 1, OWN "user/get", 1);
    say(conn);
    heard(conn);
    assert_true(cloud_send(&cloud->cloud, device, OWN "user/get", "hello", 5, &why));
    world_cloud_tick(cloud, now);
    assert_string_equal(heard(conn), "PUBLISH(1:hello)");
    now += 65000;
    wire_hex(&out, "c000");
    say(conn);
    world_cloud_tick(cloud, now);
    assert_int_equal(world_broker_wants_close(broker, conn), WORLD_END_NO);
    now += 66001;
    world_cloud_tick(cloud, now);
    assert_int_equal(world_broker_wants_close(broker, conn), WORLD_END_FIN);
    world_broker_closed(broker, conn, now);
    conn = log_in(1, false);
    assert_true(cloud_kick(&cloud->cloud, device, "by hand"));
    world_cloud_tick(cloud, now);
    assert_int_equal(world_broker_wants_close(broker, conn), WORLD_END_FIN);
}

static void a_kick_does_not_meet_the_next_connection_with_the_same_number(void **state)
{
    (void)state;
    int conn = log_in(1, false);
    int device = cloud_book_device(&cloud->cloud.book, WORLD_CLOUD_KEY, "d001");
    assert_true(cloud_kick(&cloud->cloud, device, "late"));
    world_broker_closed(broker, conn, now);
    assert_int_equal(log_in(1, false), conn);
    world_cloud_tick(cloud, now);
    assert_int_equal(world_broker_wants_close(broker, conn), WORLD_END_NO);
}

static void a_second_login_leaves_the_second_online(void **state)
{
    (void)state;
    int first = log_in(1, false), second = log_in(1, false);
    world_cloud_tick(cloud, now);
    assert_int_equal(world_broker_wants_close(broker, first), WORLD_END_FIN);
    assert_int_equal(world_broker_wants_close(broker, second), WORLD_END_NO);
    world_broker_closed(broker, first, now);
    client_subscribe(&out, 1, OWN "user/get", 1);
    say(second);
    assert_string_equal(heard(second), "CONNACK(0,0) SUBACK(1:01)");
}

/* At QoS 0, which needs no PUBACK. */
static void post(int conn)
{
    static const char message[] =
        "{\"id\":\"1\",\"version\":\"1.0\",\"params\":{\"P\":5},\"method\":"
        "\"thing.event.property.post\"}";

    wire_publish(&out, 0, "/sys" OWN "thing/event/property/post", 0, message, sizeof message - 1);
    say(conn);
}

static void the_platform_answers_reports_at_once_or_when_an_option_says(void **state)
{
    char why[256];

    (void)state;
    if (!cloud_set_model(
            &cloud->cloud, 0,
            "{\"profile\":{\"productKey\":\"" WORLD_CLOUD_KEY "\"},\"properties\":[{"
            "\"identifier\":\"P\",\"accessMode\":\"rw\",\"dataType\":{\"type\":\"int\"}}]}",
            why, sizeof why))
        fail_msg("%s", why);
    int conn = log_in(1, false);
    client_subscribe(&out, 1, "/sys" OWN "thing/event/+/post_reply", 0);
    say(conn);
    heard(conn);
    post(conn);
    world_cloud_tick(cloud, now);
    assert_string_equal(heard(conn), "PUBLISH(0:{\"code\":200,\"data\":{)");
    assert_true(
        cloud_book_option(&cloud->cloud.book.rules, "reply-delay-ms", "300", why, sizeof why));
    post(conn);
    assert_int_equal(world_cloud_tick(cloud, now), now + 300);
    assert_string_equal(heard(conn), "");
    now += 300;
    world_cloud_tick(cloud, now);
    assert_string_equal(heard(conn), "PUBLISH(0:{\"code\":200,\"data\":{)");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_device_with_its_secret_gets_in_and_nobody_else),
        TEST(messages_go_where_the_platform_lets_them),
        TEST(the_platform_pushes_kicks_and_hears_silence),
        TEST(a_kick_does_not_meet_the_next_connection_with_the_same_number),
        TEST(a_second_login_leaves_the_second_online),
        TEST(the_platform_answers_reports_at_once_or_when_an_option_says),
    };

    return cmocka_run_group_tests_name("world cloud", tests, NULL, NULL);
}

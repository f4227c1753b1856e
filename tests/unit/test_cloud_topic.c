/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud_fake.h"

#include "cloud/cloud_topic.h"

#define SYS "/sys/" PK "/dev001/"
#define OWN "/" PK "/dev001/"

static const char *why;

static enum cloud_topic_kind ask(const char *topic, enum cloud_access access)
{
    return cloud_topic_allowed(&cloud.book, cloud_fake_device("dev001"), topic, access, &why);
}

static void assert_all(const char *const *topics, size_t count, enum cloud_access access,
                       enum cloud_topic_kind kind)
{
    for (size_t i = 0; i < count; i++) {
        enum cloud_topic_kind got = ask(topics[i], access);
        if (got != kind)
            fail_msg("%s: %d, not %d (%s)", topics[i], got, kind, why != NULL ? why : "");
        if ((why == NULL) != (got != CLOUD_TOPIC_NONE))
            fail_msg("%s: reason '%s'", topics[i], why != NULL ? why : "");
    }
}

#define ASSERT_ALL(access, kind, ...)                                                              \
    do {                                                                                           \
        static const char *const list[] = {__VA_ARGS__};                                           \
        assert_all(list, COUNT(list), (access), (kind));                                           \
    } while (0)

static void the_platforms_up_topics_can_be_published(void **state)
{
    (void)state;
    ASSERT_ALL(CLOUD_PUBLISH, CLOUD_TOPIC_SYSTEM, SYS "thing/event/property/post",
               SYS "thing/event/alarm/post", SYS "thing/service/property/set_reply",
               SYS "thing/service/reboot_reply", SYS "rrpc/response/123", SYS "thing/model/up_raw",
               SYS "thing/disable_reply", SYS "_thing/event/notify_reply",
               "/ota/device/inform/" PK "/dev001", "/ota/device/request/" PK "/dev001",
               "/ext/ntp/" PK "/dev001/request", "/shadow/update/" PK "/dev001", "/ext/rrpc/7/a/b");
    ASSERT_ALL(CLOUD_PUBLISH, CLOUD_TOPIC_NONE, SYS "thing/event/property/post_reply",
               SYS "thing/service/property/set", SYS "thing/disable", SYS "thing/event/property",
               SYS "thing/event//post/x", SYS "nothing", "/ota/device/upgrade/" PK "/dev001",
               "/ota/device/inform/" PK "/dev001/x", "/ext/auth/identity/response", "/sys", "/",
               "x");
}

static void the_platforms_down_topics_can_be_subscribed(void **state)
{
    (void)state;
    ASSERT_ALL(CLOUD_SUBSCRIBE, CLOUD_TOPIC_SYSTEM, SYS "thing/event/property/post_reply",
               SYS "thing/event/+/post_reply", SYS "thing/service/property/set",
               SYS "thing/service/+", SYS "rrpc/request/+", SYS "thing/disable",
               "/ota/device/upgrade/" PK "/dev001", "/ota/device/request/" PK "/dev001",
               "/ext/ntp/" PK "/dev001/response", "/ext/error/" PK "/dev001",
               "/shadow/get/" PK "/dev001", "/ext/auth/identity/response", "/ext/rrpc/+/a/b",
               "/ext/rrpc/+/#");
    ASSERT_ALL(CLOUD_SUBSCRIBE, CLOUD_TOPIC_NONE, SYS "thing/event/property/post",
               "/shadow/update/" PK "/dev001", "/ota/device/inform/" PK "/dev001", SYS "nothing/+");
}

static void wildcards_stay_in_the_devices_own_name_space(void **state)
{
    (void)state;
    ASSERT_ALL(CLOUD_SUBSCRIBE, CLOUD_TOPIC_SYSTEM, SYS "#", SYS "thing/#", SYS "+/+",
               SYS "thing/service/#", SYS "thing/disable/#");
    ASSERT_ALL(CLOUD_SUBSCRIBE, CLOUD_TOPIC_CUSTOM, OWN "#", OWN "user/+", OWN "user/#",
               OWN "deep/down/x/+");
    ASSERT_ALL(CLOUD_SUBSCRIBE, CLOUD_TOPIC_NONE, "#", "+/#", "/#", "/sys/#", "/sys/+/+/#",
               "/sys/" PK "/#", "/sys/" PK "/+/thing/disable", "/+/dev001/user/get", "/ext/#",
               "/+/+/identity/response", "/ext/rrpc", "/" PK "/+/user/get");
}

static void another_devices_topics_are_foreign(void **state)
{
    (void)state;
    ASSERT_ALL(CLOUD_SUBSCRIBE, CLOUD_TOPIC_NONE, "/sys/" PK "/dev002/thing/disable",
               "/sys/a1GateWay01/dev001/thing/disable", "/" PK "/dev002/user/get",
               "/ota/device/upgrade/" PK "/dev0011", "/" PK "/dev00/user/get");
    ask("/" PK "/dev002/user/update", CLOUD_PUBLISH);
    assert_string_equal(why, "the topic is not in the device's own name space");
    ask(OWN "user/unknown", CLOUD_PUBLISH);
    assert_string_equal(why, "the topic is not defined for its product");
    ask(SYS "thing/disable", CLOUD_PUBLISH);
    assert_string_equal(why, "the platform sends on this topic, devices do not");
}

static void custom_topics_have_permissions(void **state)
{
    (void)state;
    ASSERT_ALL(CLOUD_PUBLISH, CLOUD_TOPIC_CUSTOM, OWN "user/update", OWN "update", OWN "error",
               OWN "user/both", OWN "deep/x/up");
    ASSERT_ALL(CLOUD_SUBSCRIBE, CLOUD_TOPIC_CUSTOM, OWN "user/get", OWN "get", OWN "user/both",
               OWN "deep/down", OWN "deep/down/a/b");
    ASSERT_ALL(CLOUD_PUBLISH, CLOUD_TOPIC_NONE, OWN "user/get", OWN "deep/x/y/up",
               OWN "deep/down/a", OWN "", OWN "user/update/", "/" PK "/dev001");
    ASSERT_ALL(CLOUD_SUBSCRIBE, CLOUD_TOPIC_NONE, OWN "user/update", OWN "deep/x/up");
    ask(OWN "user/get", CLOUD_PUBLISH);
    assert_string_equal(why, "its product gives no permission to publish it");
    ask(OWN "update", CLOUD_SUBSCRIBE);
    assert_string_equal(why, "its product gives no permission to subscribe it");
}

static void topics_of_gateways_are_for_gateways(void **state)
{
    (void)state;
    assert_int_equal(ask(SYS "thing/topo/add", CLOUD_PUBLISH), CLOUD_TOPIC_NONE);
    assert_string_equal(why, "only a device of a gateway product may");
    int gate = cloud_book_device(&cloud.book, "a1GateWay01", "gate001");
    assert_int_equal(cloud_topic_allowed(&cloud.book, gate,
                                         "/sys/a1GateWay01/gate001/thing/topo/add", CLOUD_PUBLISH,
                                         NULL),
                     CLOUD_TOPIC_SYSTEM);
    assert_int_equal(cloud_topic_allowed(&cloud.book, gate,
                                         "/ext/session/a1GateWay01/gate001/combine/login_reply",
                                         CLOUD_SUBSCRIBE, NULL),
                     CLOUD_TOPIC_SYSTEM);
}

static void malformed_and_long_topics_are_refused(void **state)
{
    char longest[160];
    (void)state;
    assert_non_null(cloud_topic_wrong("", false));
    assert_non_null(cloud_topic_wrong("a/+", false));
    assert_non_null(cloud_topic_wrong("a+/b", true));
    assert_non_null(cloud_topic_wrong("a/#/b", true));
    assert_non_null(cloud_topic_wrong("a/b#", true));
    assert_null(cloud_topic_wrong("+/a/#", true));
    assert_null(cloud_topic_wrong("//", true));

    int n = snprintf(longest, sizeof longest, OWN "deep/down/");
    memset(longest + n, 'x', (size_t)(CLOUD_TOPIC_MAX - n));
    longest[CLOUD_TOPIC_MAX] = 0;
    assert_int_equal(ask(longest, CLOUD_SUBSCRIBE), CLOUD_TOPIC_CUSTOM);
    strcpy(longest + CLOUD_TOPIC_MAX, "x");
    assert_int_equal(ask(longest, CLOUD_SUBSCRIBE), CLOUD_TOPIC_NONE);
    assert_string_equal(why, "the topic is longer than 128 bytes");
}

#define TEST(name) cmocka_unit_test_setup(name, cloud_fake_setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_platforms_up_topics_can_be_published),
        TEST(the_platforms_down_topics_can_be_subscribed),
        TEST(wildcards_stay_in_the_devices_own_name_space),
        TEST(another_devices_topics_are_foreign),
        TEST(custom_topics_have_permissions),
        TEST(topics_of_gateways_are_for_gateways),
        TEST(malformed_and_long_topics_are_refused),
    };
    return cmocka_run_group_tests_name("cloud topic", tests, NULL, NULL);
}

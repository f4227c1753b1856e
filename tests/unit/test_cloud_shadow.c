/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud_lamp.h"

#include "cloud/cloud_shadow.h"

static const char *say(const char *message)
{
    if (lamp_say("/shadow/update/" PK "/dev001", message, strlen(message)) == NULL)
        fail_msg("no answer to %s", message);
    assert_string_equal(lamp_topic, "/shadow/get/" PK "/dev001");
    assert_null(cloud_next(&cloud));
    return lamp_said;
}

static void refused(const char *message, int code)
{
    char words[64];
    snprintf(words, sizeof words, "\"status\":\"error\",\"content\":{\"errorcode\":\"%d\"", code);
    assert_contains(say(message), words);
}

static void desire(const char *text)
{
    char why[200];
    json_t *v = cloud_json_read(text, strlen(text), why, sizeof why);
    assert_true(cloud_shadow_desire(&cloud, cloud_fake_device("dev001"), v, lamp_now));
    json_decref(v);
}

static void the_dialogue_of_the_reference_goes_as_there(void **state)
{
    (void)state;
    lamp_now = 0;
    assert_string_equal(say("{\"method\":\"update\",\"state\":{\"reported\":{\"color\":\"red\"}},"
                            "\"version\":1,\"clientToken\":"
                            "\"a1B2c3D4e5F.dev001-1\"}"),
                        "{\"method\":\"reply\",\"payload\":{\"status\":\"success\",\"version\":1},"
                        "\"timestamp\":1700000000,"
                        "\"clientToken\":\"a1B2c3D4e5F.dev001-1\"}");
    lamp_now = 20000;
    desire("{\"color\":\"green\"}");
    assert_string_equal(
        lamp_next(),
        "{\"method\":\"control\",\"version\":2,\"timestamp\":1700000020,\"payload\":{\"status\":"
        "\"success\",\"state\":"
        "{\"reported\":{\"color\":\"red\"},\"desired\":{\"color\":\"green\"}},\"metadata\":{"
        "\"reported\":{\"color\":"
        "{\"timestamp\":1700000000}},\"desired\":{\"color\":{\"timestamp\":1700000020}}}}}");
    assert_string_equal(lamp_topic, "/shadow/get/" PK "/dev001");
    assert_string_equal(
        say("{\"method\":\"get\"}"),
        "{\"method\":\"reply\",\"payload\":{\"status\":\"success\",\"version\":2,\"state\":{"
        "\"reported\":{\"color\":"
        "\"red\"},\"desired\":{\"color\":\"green\"}},\"metadata\":{\"reported\":{\"color\":{"
        "\"timestamp\":1700000000}},"
        "\"desired\":{\"color\":{\"timestamp\":1700000020}}}},\"timestamp\":1700000020}");
    assert_string_equal(
        lamp_known("shadow"),
        "{\"state\":{\"desired\":{\"color\":\"green\"},\"reported\":{\"color\":\"red\"}},"
        "\"metadata\":{"
        "\"desired\":{\"color\":{\"timestamp\":1700000020}},\"reported\":{\"color\":{\"timestamp\":"
        "1700000000}}},\"timestamp\":1700000020,\"version\":2}");
    say("{\"method\":\"update\",\"state\":{\"reported\":{\"color\":\"green\"},\"desired\":\"null\"}"
        ",\"version\":4}");
    assert_contains(lamp_said, "\"version\":4");
    say("{\"method\":\"get\"}");
    assert_null(strstr(lamp_said, "desired"));
    say("{\"method\":\"delete\",\"state\":{\"reported\":{\"color\":\"null\"}},\"version\":5}");
    assert_contains(lamp_said, "{\"status\":\"success\",\"version\":5}");
    refused("{\"method\":\"get\"}", 407);
}

static void each_code_is_given_for_its_fault(void **state)
{
    (void)state;
    refused("{", 400);
    refused("[]", 400);
    refused("", 400);
    refused("{}", 401);
    refused("{\"method\":\"update\",\"version\":1}", 402);
    refused("{\"method\":\"update\",\"state\":7,\"version\":1}", 402);
    refused("{\"method\":\"update\",\"state\":{\"reported\":{\"a\":1}},\"version\":\"1\"}", 403);
    refused("{\"method\":\"update\",\"state\":{\"reported\":{\"a\":1}}}", 403);
    refused("{\"method\":\"update\",\"state\":{\"reported\":{\"a\":1}},\"version\":-2}", 403);
    refused("{\"method\":\"update\",\"state\":{\"reported\":{\"a\":1}},\"version\":1.5}", 403);
    refused("{\"method\":\"update\",\"state\":{},\"version\":1}", 404);
    refused("{\"method\":\"update\",\"state\":{\"reported\":7},\"version\":1}", 404);
    refused("{\"method\":\"update\",\"state\":{\"reported\":{}},\"version\":1}", 405);
    refused("{\"method\":\"delete\",\"version\":1}", 402);
    refused("{\"method\":\"delete\",\"state\":{},\"version\":1}", 404);
    refused("{\"method\":\"delete\",\"state\":{\"reported\":{}},\"version\":1}", 405);
    refused("{\"method\":\"delete\",\"state\":{\"reported\":\"null\"},\"version\":1}", 407);
    refused("{\"method\":\"erase\"}", 406);
    refused("{\"method\":7}", 406);
    refused("{\"method\":\"get\"}", 407);
    static char big[CLOUD_SHADOW_BYTES_MAX + 2];
    memset(big, ' ', sizeof big - 1);
    memcpy(big, "[]", 2);
    refused(big, 500);
    big[CLOUD_SHADOW_BYTES_MAX] = 0;
    refused(big, 400);
    assert_contains(say("{\"method\":\"erase\",\"clientToken\":\"t\"}"), "\"clientToken\":\"t\"");
    assert_contains(cloud_log, "shadow of " PK " dev001: 406 invalid method");
}

static void versions_only_grow_but_for_minus_one(void **state)
{
    (void)state;
#define UPDATE(v) "{\"method\":\"update\",\"state\":{\"reported\":{\"a\":1}},\"version\":" v "}"
    say(UPDATE("5"));
    refused(UPDATE("5"), 409);
    refused(UPDATE("4"), 409);
    refused(UPDATE("0"), 409);
    refused("{\"method\":\"delete\",\"state\":{\"reported\":{\"a\":null}},\"version\":5}", 409);
    assert_contains(say(UPDATE("6")), "\"version\":6");
    assert_contains(say(UPDATE("-1")), "\"version\":0");
    assert_contains(say(UPDATE("1")), "\"version\":1");
    assert_contains(say("{\"method\":\"delete\",\"state\":{\"reported\":\"null\"},\"version\":2}"),
                    "\"version\":2");
    refused("{\"method\":\"get\"}", 407);
}

/* {"method":"update", ... so many attributes} */
static const char *update_of(int count, const char *name, int version)
{
    static char text[8192];
    size_t at =
        (size_t)snprintf(text, sizeof text, "{\"method\":\"update\",\"state\":{\"reported\":{");
    for (int i = 0; i < count; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s\"%s%d\":%d", i > 0 ? "," : "", name,
                               i, i);
    snprintf(text + at, sizeof text - at, "}},\"version\":%d}", version);
    return text;
}

static void a_shadow_has_128_attributes(void **state)
{
    (void)state;
    refused(update_of(129, "a", 1), 408);
    assert_contains(say(update_of(128, "a", 1)), "success");
    refused(update_of(1, "b", 2), 408);
    assert_contains(say(update_of(128, "a", 2)), "success"); /* the same ones again */
    assert_contains(say("{\"method\":\"update\",\"state\":{\"reported\":{\"b\":1,\"a0\":\"null\"}},"
                        "\"version\":3}"),
                    "success");
    json_t *many = json_object();
    for (int i = 0; i < 129; i++) {
        char name[16];
        snprintf(name, sizeof name, "d%d", i);
        json_object_set_new(many, name, json_integer(i));
    }
    assert_false(cloud_shadow_desire(&cloud, cloud_fake_device("dev001"), many, 0));
    json_object_del(many, "d0");
    assert_true(cloud_shadow_desire(&cloud, cloud_fake_device("dev001"), many, 0));
    assert_contains(lamp_next(), "\"d128\":128");
    json_decref(many);
}

static void what_is_desired_waits_for_an_offline_device(void **state)
{
    (void)state;
    cloud_gone(&cloud, 1);
    desire("{\"color\":\"blue\",\"x\":1}");
    desire("{\"x\":null}");
    assert_null(cloud_next(&cloud));
    cloud_fake_connect(1, "dev001", lamp_now);
    assert_contains(say("{\"method\":\"get\"}"),
                    "\"version\":2,\"state\":{\"desired\":{\"color\":\"blue\"}}");
    assert_true(cloud_shadow_desire(&cloud, cloud_fake_device("dev001"), NULL, lamp_now));
    assert_contains(lamp_next(), "\"state\":{}");
}

static void a_token_is_echoed_up_to_its_length(void **state)
{
    char message[256];
    (void)state;
    snprintf(message, sizeof message, "{\"method\":\"get\",\"clientToken\":\"%0128d\"}", 0);
    assert_contains(say(message), "\"clientToken\":\"0000");
    snprintf(message, sizeof message, "{\"method\":\"get\",\"clientToken\":\"%0129d\"}", 0);
    assert_null(strstr(say(message), "clientToken"));
    assert_null(strstr(say("{\"method\":\"get\",\"clientToken\":7}"), "clientToken"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAMP_TEST(the_dialogue_of_the_reference_goes_as_there),
        LAMP_TEST(each_code_is_given_for_its_fault),
        LAMP_TEST(versions_only_grow_but_for_minus_one),
        LAMP_TEST(a_shadow_has_128_attributes),
        LAMP_TEST(what_is_desired_waits_for_an_offline_device),
        LAMP_TEST(a_token_is_echoed_up_to_its_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

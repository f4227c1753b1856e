/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud_lamp.h"

static struct cloud_thing *thing(void)
{
    return cloud_thing_of(&cloud, cloud_fake_device("dev001"));
}

static void put(const char *name, int value, int64_t time, bool by_time)
{
    json_t *v = json_integer(value);
    cloud_thing_value(thing(), name, v, time, by_time);
    json_decref(v);
}

static void what_is_older_is_taken_only_if_age_does_not_count(void **state)
{
    (void)state;
    put("A", 1, 100, true);
    put("A", 2, 99, true);
    assert_string_equal(lamp_known("properties"), "{\"A\":{\"value\":1,\"time\":100}}");
    put("A", 3, 100, true);
    put("A", 4, 50, false);
    assert_string_equal(lamp_known("properties"), "{\"A\":{\"value\":4,\"time\":50}}");
}

static void thirty_two_exchanges_are_kept(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        char id[16];
        snprintf(id, sizeof id, "n%d", i);
        cloud_thing_exchange(&cloud, cloud_fake_device("dev001"), "\xff", id, 200, 0);
    }
    assert_null(strstr(lamp_known("exchanges"), "\"n7\""));
    assert_contains(lamp_known("exchanges"),
                    "{\"time\":1700000000000,\"topic\":null,\"id\":\"n8\",\"code\":200}");
}

static void a_device_that_is_not_known_yet_shows_empty(void **state)
{
    (void)state;
    json_t *v = cloud_thing_show(&cloud, cloud_fake_device("dev002"), 5);
    char *text = cloud_json_text(v);
    assert_string_equal(
        text,
        "{\"productKey\":\"" PK
        "\",\"deviceName\":\"dev002\",\"state\":\"enabled\",\"online\":false,"
        "\"activated\":false,\"time\":1700000000005,\"properties\":{},\"events\":[],\"tags\":{},"
        "\"desired\":{},\"shadow\":null,\"logMode\":0,\"reset\":false,\"exchanges\":[]}");
    free(text);
    json_decref(v);
    assert_string_equal(lamp_known("activated"), "true");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAMP_TEST(what_is_older_is_taken_only_if_age_does_not_count),
        LAMP_TEST(thirty_two_exchanges_are_kept),
        LAMP_TEST(a_device_that_is_not_known_yet_shows_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

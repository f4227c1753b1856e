/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "cloud/cloud_json.h"

static char why[256];

static json_t *read_text(const char *text)
{
    why[0] = 0;
    return cloud_json_read(text, strlen(text), why, sizeof why);
}

static void assert_refused(const char *text, const char *reason)
{
    if (read_text(text) != NULL || strstr(why, reason) == NULL)
        fail_msg("%s: '%s'", text, why);
}

static void members_keep_the_order_in_which_they_came(void **state)
{
    (void)state;
    json_t *v = read_text(" {\"b\":1,\"a\":[true,null,1.5],\"zz\":{\"x\":\"\\u00e4\"}}\n");
    assert_non_null(v);
    char *text = cloud_json_text(v);
    assert_string_equal(text, "{\"b\":1,\"a\":[true,null,1.5],\"zz\":{\"x\":\"\xc3\xa4\"}}");
    free(text);
    json_decref(v);
}

static void what_is_not_json_is_refused(void **state)
{
    static const char *const bad[] = {
        "{",
        "{\"a\":1,}",
        "{\"a\":01}",
        "{'a':1}",
        "{\"a\":1}x",
        "[1,]",
        "{\"a\":NaN}",
        "{\"a\":\"\x01\"}",
        "{\"a\":\"\xff\"}",
        "\"text\"",
        "1",
        "nul",
        "{\"a\":99999999999999999999}",
        "{\"a\":1e999}",
        "\xef\xbb\xbf{}",
        "{\"a\":\"\\u0000\"}",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_refused(bad[i], "not JSON: ");
    assert_refused("", "it is empty");
    assert_refused("{\"a\":1,\"a\":2}", "duplicate");
    assert_null(cloud_json_read("{}\0", 3, why, sizeof why));
}

static void depth_is_bounded_whatever_comes(void **state)
{
    static char deep[20001];
    (void)state;
    memset(deep, '[', 10000);
    memset(deep + 10000, ']', 10000);
    assert_refused(deep, "not JSON: ");
    memset(deep, '[', CLOUD_JSON_DEPTH_MAX);
    memset(deep + CLOUD_JSON_DEPTH_MAX, ']', CLOUD_JSON_DEPTH_MAX);
    deep[2 * CLOUD_JSON_DEPTH_MAX] = 0;
    json_t *v = read_text(deep);
    assert_non_null(v);
    json_decref(v);
    memset(deep, '[', CLOUD_JSON_DEPTH_MAX + 1);
    memset(deep + CLOUD_JSON_DEPTH_MAX + 1, ']', CLOUD_JSON_DEPTH_MAX + 1);
    deep[2 * CLOUD_JSON_DEPTH_MAX + 2] = 0;
    assert_refused(deep, "more than 64 levels");
}

static void numbers_are_whole_or_not(void **state)
{
    int64_t n;
    double d;
    (void)state;
    json_t *v = read_text("{\"a\":5,\"b\":5.0,\"c\":\"5\",\"d\":\"5x\",\"e\":\"\",\"f\":-1}");
    assert_true(cloud_json_integer(json_object_get(v, "a"), 5, 5, &n));
    assert_false(cloud_json_integer(json_object_get(v, "a"), 6, 9, &n));
    assert_false(cloud_json_integer(json_object_get(v, "b"), 0, 9, &n));
    assert_false(cloud_json_integer(json_object_get(v, "c"), 0, 9, &n));
    assert_false(cloud_json_integer(json_object_get(v, "f"), 0, 9, &n));
    assert_true(cloud_json_number(json_object_get(v, "b"), &d) && d == 5.0);
    assert_true(cloud_json_number(json_object_get(v, "c"), &d) && d == 5.0);
    assert_false(cloud_json_number(json_object_get(v, "d"), &d));
    assert_false(cloud_json_number(json_object_get(v, "e"), &d));
    assert_false(cloud_json_number(NULL, &d));
    json_decref(v);
}

static void numbers_are_written_short_and_stay_the_same(void **state)
{
    static const char *const rows[][2] = {
        {"[0.1,2]", "[0.1,2]"},
        {"[1.7976931348623157e308]", "[1.7976931348623157e308]"},
        {"[0.30000000000000004]", "[0.30000000000000004]"},
        {"[5e-324,-0.0]", "[4.94065645841247e-324,-0.0]"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        json_t *v = read_text(rows[i][0]);
        char *text = cloud_json_text(v);
        assert_string_equal(text, rows[i][1]);
        free(text);
        json_decref(v);
    }
}

static void an_array_with_a_limit_loses_its_oldest(void **state)
{
    (void)state;
    json_t *a = json_array();
    for (int i = 0; i < 5; i++)
        cloud_json_append(a, json_integer(i), 3);
    char *text = cloud_json_text(a);
    assert_string_equal(text, "[2,3,4]");
    free(text);
    json_decref(a);
}

static void strangers_are_named(void **state)
{
    static const char *const names[] = {"a", "b", NULL};
    (void)state;
    json_t *v = read_text("{\"b\":1,\"c\":1}");
    assert_string_equal(cloud_json_stranger(v, names), "c");
    json_object_del(v, "c");
    assert_null(cloud_json_stranger(v, names));
    json_decref(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_keep_the_order_in_which_they_came),
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(depth_is_bounded_whatever_comes),
        cmocka_unit_test(numbers_are_whole_or_not),
        cmocka_unit_test(numbers_are_written_short_and_stay_the_same),
        cmocka_unit_test(an_array_with_a_limit_loses_its_oldest),
        cmocka_unit_test(strangers_are_named),
    };
    cloud_json_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

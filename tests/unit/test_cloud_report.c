/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud_lamp.h"

#define POST    "thing/event/property/post"
#define HISTORY "thing/event/property/history/post"
#define BATCH   "thing/event/property/batch/post"
#define PACK    "thing/event/property/pack/post"
#define SELF    "\"identity\":{\"productKey\":\"" PK "\",\"deviceName\":\"dev001\"}"
#define TIME    "\"time\":1700000000000"

static char params[200000];

/* {"NAME0":1,...} so many of them, each `item`. */
static const char *map_of(int count, const char *name, const char *item)
{
    size_t at = (size_t)snprintf(params, sizeof params, "{");
    for (int i = 0; i < count; i++)
        at += (size_t)snprintf(params + at, sizeof params - at, "%s\"%s%d\":%s", i > 0 ? "," : "",
                               name, i, item);
    snprintf(params + at, sizeof params - at, "}");
    return params;
}

/* HEAD item, item ... TAIL */
static const char *list_of(const char *head, int count, const char *item, const char *tail)
{
    size_t at = (size_t)snprintf(params, sizeof params, "%s", head);
    for (int i = 0; i < count; i++)
        at += (size_t)snprintf(params + at, sizeof params - at, "%s%s", i > 0 ? "," : "", item);
    snprintf(params + at, sizeof params - at, "%s", tail);
    return params;
}

/* ---- properties */

static void values_are_kept_with_their_time(void **state)
{
    (void)state;
    assert_code(POST,
                "{\"LightSwitch\":1,\"Temp\":{\"value\":21.5," TIME
                "},\"RGBColor\":{\"value\":{\"R\":1}}}",
                200, "success");
    assert_string_equal(lamp_known("properties"),
                        "{\"LightSwitch\":{\"value\":1,\"time\":1700000001000},"
                        "\"Temp\":{\"value\":21.5,\"time\":1700000000000},"
                        "\"RGBColor\":{\"value\":{\"R\":1},\"time\":1700000001000}}");
}

static void a_wrong_property_is_dropped_and_named(void **state)
{
    (void)state;
    assert_code(
        POST, "{\"LightSwitch\":2,\"Foo\":1,\"\":1,\"Brightness\":7}", 200,
        "\"message\":\"dropped: LightSwitch (6308: LightSwitch is neither 0 nor 1), Foo (6320: Foo "
        "is not in the model), '' (6321: an identifier is empty)\"");
    assert_string_equal(lamp_known("properties"),
                        "{\"Brightness\":{\"value\":7,\"time\":1700000001000}}");
}

static void a_wrong_property_refuses_all_of_a_strict_post(void **state)
{
    static const struct {
        const char *params;
        int code;
    } rows[] = {
        {"{\"Brightness\":7,\"LightSwitch\":2}", 6308},
        {"{\"Brightness\":\"7\"}", 6306},
        {"{\"Temp\":126}", 6307},
        {"{\"Mode\":3}", 6309},
        {"{\"Name\":1}", 6310},
        {"{\"StartedAt\":1}", 6311},
        {"{\"RGBColor\":1}", 6312},
        {"{\"Energy\":\"1\"}", 6322},
        {"{\"Schedule\":1}", 6328},
        {"{\"Foo\":1}", 6320},
        {"{\"\":1}", 6321},
        {"{\"Brightness\":{\"value\":1,\"time\":1700000000000,\"x\":1}}", 6301},
        {"{\"Brightness\":{\"time\":1700000000000}}", 6301},
        {"{\"Brightness\":{\"value\":1,\"time\":\"1700000000000\"}}", 6303},
        {"{\"Brightness\":{\"value\":1,\"time\":999999999999}}", 6303},
        {"{\"Brightness\":{\"value\":1,\"time\":10000000000000}}", 6303},
        {"{\"Brightness\":{\"value\":1,\"time\":1.5}}", 6303},
    };
    (void)state;
    cloud.book.rules.post_strict = true;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_code(POST, rows[i].params, rows[i].code, "");
        assert_string_equal(lamp_known("properties"), "{}");
    }
    assert_code(POST, "{\"Brightness\":{\"value\":1,\"time\":9999999999999}}", 200, "success");
}

static void a_post_has_1_to_200_properties(void **state)
{
    (void)state;
    assert_code(POST, "{}", 6107, "params has no property");
    assert_code(POST, map_of(200, "P", "1"), 200, "dropped: P0 (6320");
    assert_code(POST, map_of(201, "P", "1"), 6106, "more than 200 properties");
}

static void a_product_without_a_model_has_no_properties(void **state)
{
    (void)state;
    cloud_fake_start("");
    cloud_fake_connect(1, "dev001", 0);
    assert_code(POST, "{\"LightSwitch\":1}", 6206, "the product has no model");
    assert_code("thing/event/Error/post", "{}", 6206, "the product has no model");
}

/* ---- events */

static void the_event_of_the_reference_is_answered_and_kept(void **state)
{
    (void)state;
    assert_string_equal(lamp_ask("thing/event/Error/post",
                                 "{\"id\":\"2\",\"version\":\"1.0\",\"params\":{\"ErrorCode\":0},"
                                 "\"method\":\"thing.event.Error.post\"}"),
                        "{\"code\":200,\"data\":{},\"id\":\"2\",\"message\":\"success\",\"method\":"
                        "\"thing.event.Error."
                        "post\",\"version\":\"1.0\"}");
    assert_code("thing/event/Error/post",
                "{\"value\":{\"ErrorCode\":4,\"Message\":\"m\"}," TIME "}", 200, "");
    assert_code("thing/event/Started/post", "{\"Reason\":1}", 200, "");
    assert_code("thing/event/Overheated/post", "{\"Temp\":99.5}", 200, "");
    assert_string_equal(lamp_known("events"),
                        "[{\"identifier\":\"Error\",\"type\":\"error\",\"value\":{\"ErrorCode\":0},"
                        "\"time\":1700000001000},"
                        "{\"identifier\":\"Error\",\"type\":\"error\",\"value\":{\"ErrorCode\":4,"
                        "\"Message\":\"m\"},\"time\":"
                        "1700000000000},"
                        "{\"identifier\":\"Started\",\"type\":\"info\",\"value\":{\"Reason\":1},"
                        "\"time\":1700000001000},"
                        "{\"identifier\":\"Overheated\",\"type\":\"alert\",\"value\":{\"Temp\":99."
                        "5},\"time\":1700000001000}]");
    assert_contains(cloud_log, "event of " PK " dev001: Overheated, alert");
}

static void a_wrong_event_is_refused_whole(void **state)
{
    (void)state;
    assert_code("thing/event/Fire/post", "{}", 6352, "no event Fire");
    assert_code("thing/event/post/post", "{}", 6352, "no event post");
    assert_code("thing/event/Error/post", "{\"ErrorCode\":5}", 6309, "ErrorCode");
    assert_code("thing/event/Error/post", "{\"ErrorCode\":1,\"Foo\":1}", 6320, "Foo");
    assert_code("thing/event/Error/post", "{\"value\":7," TIME "}", 6207, "outputs of Error");
    assert_code("thing/event/Error/post", "{\"value\":{},\"time\":1}", 6303, "13 digits");
    assert_string_equal(lamp_known("events"), "[]");
}

static void sixteen_events_are_kept(void **state)
{
    char text[64];
    (void)state;
    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof text, "{\"Temp\":%d}", i);
        assert_code("thing/event/Overheated/post", text, 200, "");
    }
    assert_null(strstr(lamp_known("events"), "{\"Temp\":3}"));
    assert_contains(lamp_known("events"), "{\"Temp\":4}");
    assert_contains(lamp_known("events"), "{\"Temp\":19}");
}

/* ---- history, batch, pack */

static void history_is_kept_if_it_is_news(void **state)
{
    (void)state;
    assert_code(HISTORY,
                "[{" SELF ",\"properties\":[{\"Temp\":{\"value\":20," TIME
                "}},{\"Temp\":{\"value\":21,"
                "\"time\":1700000060000}}],\"events\":[{\"Error\":{\"value\":{\"ErrorCode\":3},"
                "\"time\":1700000030000}}]}]",
                200, "success");
    assert_string_equal(lamp_known("properties"),
                        "{\"Temp\":{\"value\":21,\"time\":1700000060000}}");
    assert_contains(lamp_known("events"), "\"time\":1700000030000");
    assert_code(HISTORY, "[{" SELF ",\"properties\":[{\"Temp\":{\"value\":5," TIME "}}]}]", 200,
                "");
    assert_string_equal(lamp_known("properties"),
                        "{\"Temp\":{\"value\":21,\"time\":1700000060000}}");
}

static void a_wrong_history_is_refused_whole(void **state)
{
    (void)state;
    assert_code(HISTORY, "[]", 6107, "neither a property nor an event");
    assert_code(HISTORY, "[{}]", 460, "no identity");
    assert_code(HISTORY, "[{\"identity\":{\"productKey\":\"" PK "\",\"deviceName\":\"dev002\"}}]",
                6401, "none of its sub-devices");
    assert_code(HISTORY, "[{" SELF ",\"properties\":{}}]", 6207, "properties is no array");
    assert_code(HISTORY, "[{" SELF ",\"properties\":[7]}]", 6207, "properties is no object");
    assert_code(HISTORY, "[{" SELF ",\"properties\":[{\"Temp\":20}]}]", 6304, "has to be {");
    assert_code(HISTORY, "[{" SELF ",\"events\":[{\"Fire\":{\"value\":{}," TIME "}}]}]", 6352,
                "Fire");
    assert_code(HISTORY,
                "[{" SELF ",\"properties\":[{\"Temp\":{\"value\":20," TIME
                "}},{\"Foo\":{\"value\":20," TIME "}}]}]",
                6320, "Foo");
    assert_string_equal(lamp_known("properties"), "{}");
}

static void a_batch_has_arrays_of_values(void **state)
{
    (void)state;
    assert_code(BATCH,
                "{\"properties\":{\"Temp\":[{\"value\":20," TIME
                "},{\"value\":21,\"time\":1700000060000}]},"
                "\"events\":{\"Error\":[{\"value\":{\"ErrorCode\":3},\"time\":1700000030000}]}}",
                200, "success");
    assert_string_equal(lamp_known("properties"),
                        "{\"Temp\":{\"value\":21,\"time\":1700000060000}}");
    assert_code(BATCH, "{\"properties\":{\"Temp\":{\"value\":20," TIME "}}}", 6207,
                "has to be an array");
    assert_code(BATCH, "{}", 6107, "neither");
    assert_code(BATCH, "{\"events\":[]}", 6207, "events is no object");
    assert_code(BATCH, list_of("{\"properties\":{\"Temp\":[", 200, "{\"value\":1," TIME "}", "]}}"),
                200, "");
    assert_code(BATCH, list_of("{\"properties\":{\"Temp\":[", 201, "{\"value\":1," TIME "}", "]}}"),
                6106, "");
    assert_code(BATCH, list_of("{\"events\":{\"Error\":[", 200, "{\"value\":{}," TIME "}", "]}}"),
                200, "");
    assert_code(BATCH, list_of("{\"events\":{\"Error\":[", 201, "{\"value\":{}," TIME "}", "]}}"),
                6356, "");
}

/* The gateway's own topics; the log says what was answered. */
static void pack(const char *text, int code, const char *words)
{
    static char message[200256];
    char head[32];

    snprintf(message, sizeof message,
             "{\"id\":\"13\",\"version\":\"1.0\",\"method\":\"thing.event.property.pack.post\","
             "\"params\":%s}",
             text);
    assert_true(cloud_may_publish(&cloud, 2, "/sys/a1GateWay01/gate001/" PACK, 1, 0));
    cloud_publish(&cloud, 2, "/sys/a1GateWay01/gate001/" PACK, message, strlen(message), 0);
    const struct cloud_output *o = cloud_next(&cloud);
    snprintf(head, sizeof head, "{\"code\":%d,", code);
    if (strncmp(o->payload, head, strlen(head)) != 0 || strstr(o->payload, words) == NULL)
        fail_msg("not %d: %s", code, o->payload);
}

static void a_gateway_packs_its_sub_devices(void **state)
{
    static const char one[] =
        "{" SELF ",\"properties\":{\"Temp\":{\"value\":20," TIME "}},\"events\":{\"Error\":"
        "[{\"value\":{\"ErrorCode\":1}," TIME "}]}}";
    char text[512];
    (void)state;
    cloud.sessions[cloud_book_device(&cloud.book, "a1GateWay01", "gate001")].link = 2;
    snprintf(text, sizeof text, "{\"subDevices\":[%s]}", one);
    pack(text, 200, "success");
    assert_string_equal(lamp_known("properties"),
                        "{\"Temp\":{\"value\":20,\"time\":1700000000000}}");
    pack("{\"subDevices\":[{\"identity\":{\"productKey\":\"x\",\"deviceName\":\"y\"}}]}", 6100,
         "no device x y");
    pack("{\"subDevices\":7}", 6207, "no array");
    pack("{\"properties\":{\"A\":{\"value\":1," TIME "}}}", 6206, "no model");
    pack(list_of("{\"subDevices\":[", 20,
                 "{" SELF ",\"events\":{\"Error\":{\"value\":{}," TIME "}}}", "]}"),
         200, "");
    pack(list_of("{\"subDevices\":[", 21, "{" SELF "}", "]}"), 6357, "more than 20 sub-devices");
    pack(list_of("{\"subDevices\":[{" SELF ",\"events\":{\"Error\":[", 21,
                 "{\"value\":{}," TIME "}", "]}}]}"),
         6356, "more than 20 events");
    assert_false(cloud_may_publish(&cloud, 1, SYS PACK, 1, 0)); /* no gateway */
}

/* ---- raw */

static void raw_data_is_answered_by_the_script_of_a_raw_product(void **state)
{
    static const uint8_t bytes[] = {2, 0, 255};
    (void)state;
    assert_null(lamp_say(SYS "thing/model/up_raw", bytes, sizeof bytes));
    assert_contains(cloud_log, "raw data of " PK " dev001 dropped: its product is not raw");
    cloud.book.products[0].raw = true;
    assert_non_null(lamp_say(SYS "thing/model/up_raw", bytes, sizeof bytes));
    assert_string_equal(lamp_topic, SYS "thing/model/up_raw_reply");
    assert_memory_equal(lamp_said, "\0\0\xff", 4);
    cloud_publish(&cloud, 1, SYS "thing/model/up_raw", bytes, 0, 0);
    assert_int_equal(cloud_next(&cloud)->payload_len, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAMP_TEST(values_are_kept_with_their_time),
        LAMP_TEST(a_wrong_property_is_dropped_and_named),
        LAMP_TEST(a_wrong_property_refuses_all_of_a_strict_post),
        LAMP_TEST(a_post_has_1_to_200_properties),
        LAMP_TEST(a_product_without_a_model_has_no_properties),
        LAMP_TEST(the_event_of_the_reference_is_answered_and_kept),
        LAMP_TEST(a_wrong_event_is_refused_whole),
        LAMP_TEST(sixteen_events_are_kept),
        LAMP_TEST(history_is_kept_if_it_is_news),
        LAMP_TEST(a_wrong_history_is_refused_whole),
        LAMP_TEST(a_batch_has_arrays_of_values),
        LAMP_TEST(a_gateway_packs_its_sub_devices),
        LAMP_TEST(raw_data_is_answered_by_the_script_of_a_raw_product),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud_lamp.h"

#include "cloud/cloud_model.h"

static char why[256];
static struct cloud_fault fault;

static struct cloud_model *lamp(void)
{
    return cloud_model_of(&cloud, cloud_fake_device("dev001"));
}

static struct cloud_model *model(const char *text)
{
    why[0] = 0;
    return cloud_model_read(text, "a1", why, sizeof why);
}

#define HEAD "{\"profile\":{\"productKey\":\"a1\"},"

static void refuse_model(const char *text, const char *reason)
{
    if (model(text) != NULL || strstr(why, reason) == NULL)
        fail_msg("%s: '%s'", text, why);
}

/* Of one property `P` of this type. */
static void refuse_type(const char *type, const char *reason)
{
    char text[1024];

    snprintf(text, sizeof text,
             HEAD "\"properties\":[{\"identifier\":\"P\",\"accessMode\":\"r\",\"dataType\":%s}]}",
             type);
    refuse_model(text, reason);
}

/* Does `value` (JSON) keep to a property of the lamp? The code, 0 if it does. */
static int code_of(const char *name, const char *value)
{
    char text[4096];
    snprintf(text, sizeof text, "[%s]", value);
    json_t *list = cloud_json_read(text, strlen(text), why, sizeof why);
    json_t *property = cloud_model_property(lamp(), name);
    if (list == NULL || property == NULL)
        fail_msg("%s %s: %s", name, value, why);
    bool ok = cloud_model_check(property, json_array_get(list, 0), name, &fault);
    json_decref(list);
    return ok ? 0 : fault.code;
}

static void a_model_is_read_and_its_entries_are_found(void **state)
{
    (void)state;
    assert_non_null(cloud_model_property(lamp(), "RGBColor"));
    assert_null(cloud_model_property(lamp(), "rgbColor"));
    assert_null(cloud_model_property(NULL, "RGBColor"));
    assert_true(cloud_model_writable(cloud_model_property(lamp(), "Mode")));
    assert_false(cloud_model_writable(cloud_model_property(lamp(), "Temp")));
    assert_non_null(cloud_model_event(lamp(), "Overheated"));
    assert_null(
        cloud_model_event(lamp(), "post")); /* made of the properties: not an event of its own */
    assert_non_null(cloud_model_service(lamp(), "Blink"));
    assert_null(cloud_model_service(lamp(), "set"));
    assert_null(cloud_model_service(lamp(), "get"));
}

static void a_block_may_stand_before_an_identifier_of_its_model(void **state)
{
    (void)state;
    cloud_fake_start("product a1WideProd1\n");
    lamp_model("a1WideProd1", "unix_sim/cloud/wide.json");
    const struct cloud_model *wide = cloud.models[cloud_book_product(&cloud.book, "a1WideProd1")];
    assert_non_null(cloud_model_property(wide, "P40"));
    assert_non_null(cloud_model_property(wide, "wide:P40"));
    assert_null(cloud_model_property(wide, "other:P40"));
    assert_null(cloud_model_property(wide, "wide:"));
    assert_null(cloud_model_property(wide, "wide:P41"));
    lamp_start("");
    assert_null(cloud_model_property(lamp(), ":Mode"));
    assert_null(cloud_model_property(lamp(), "wide:Mode"));
}

static void an_almost_empty_model_is_one(void **state)
{
    (void)state;
    struct cloud_model *m = model(HEAD "\"schema\":\"x\"}");
    assert_non_null(m);
    assert_null(cloud_model_property(m, "x"));
    cloud_model_free(m);
    m = model(HEAD
              "\"properties\":[{\"identifier\":\"P\",\"accessMode\":\"r\",\"dataType\":{\"type\":"
              "\"int\"}}]}");
    assert_non_null(m);
    cloud_model_free(m);
}

static void what_is_no_model_is_refused_in_words(void **state)
{
    (void)state;
    refuse_model("", "not JSON");
    refuse_model("[]", "it is no JSON object");
    refuse_model("{}", "it has no profile with a productKey");
    refuse_model("{\"profile\":{\"productKey\":\"b2\"}}",
                 "it is the model of product b2, not of a1");
    refuse_model(HEAD "\"events\":{}}", "events is no array");
    refuse_model(HEAD "\"properties\":[{}]}", "properties: entry 1 has no proper identifier");
    refuse_model(HEAD "\"properties\":[1]}", "properties: entry 1 has no proper identifier");
    refuse_model(HEAD "\"properties\":[{\"identifier\":\"a b\"}]}", "no proper identifier");
    refuse_model(HEAD "\"properties\":[{\"identifier\":\"P\",\"dataType\":{\"type\":\"int\"}}]}",
                 "P: accessMode is r or rw");
    refuse_model(HEAD "\"properties\":[{\"identifier\":\"P\",\"dataType\":{\"type\":\"int\"}},"
                      "{\"identifier\":\"P\",\"dataType\":{\"type\":\"int\"}}]}",
                 "properties: P is there twice");
    refuse_model(HEAD "\"events\":[{\"identifier\":\"E\",\"type\":\"loud\"}]}",
                 "E: its type is none");
    refuse_model(HEAD "\"services\":[{\"identifier\":\"S\",\"callType\":\"later\"}]}",
                 "S: its callType is none");
    refuse_model(HEAD
                 "\"services\":[{\"identifier\":\"S\",\"callType\":\"sync\",\"inputData\":[{}]}]}",
                 "S: entry 1 has no proper identifier");
    refuse_type("{\"type\":\"word\"}", "P: no such type 'word'");
    refuse_type("{}", "P: no such type ''");
    refuse_type("{\"type\":\"int\",\"specs\":{\"min\":\"x\"}}", "P: min or max is no number");
    refuse_type("{\"type\":\"enum\",\"specs\":{}}", "P: its specs name no values");
    refuse_type("{\"type\":\"enum\",\"specs\":{\"a\":\"b\"}}", "P: its specs name no values");
    refuse_type("{\"type\":\"bool\",\"specs\":{\"2\":\"b\"}}", "P: its specs name no values");
    refuse_type("{\"type\":\"text\",\"specs\":{\"length\":\"10241\"}}",
                "P: its length is no number");
    refuse_type("{\"type\":\"text\",\"specs\":{\"length\":\"0\"}}", "P: its length is no number");
    refuse_type("{\"type\":\"struct\",\"specs\":[]}", "P: a struct has 1 to 50 members");
    refuse_type("{\"type\":\"struct\",\"specs\":[{\"identifier\":\"S\",\"dataType\":{\"type\":"
                "\"struct\"}}]}",
                "S: a struct within a struct");
    refuse_type("{\"type\":\"array\",\"specs\":{\"size\":\"513\",\"item\":{\"type\":\"int\"}}}",
                "P: an array has a size 1..512");
    refuse_type("{\"type\":\"array\",\"specs\":{\"size\":\"5\",\"item\":{\"type\":\"array\"}}}",
                "P: its items are");
    refuse_type("{\"type\":\"array\",\"specs\":{\"size\":\"5\"}}", "P: its items are");
}

static void each_type_takes_its_values_and_no_others(void **state)
{
    static const struct {
        const char *name, *value;
        int code;
    } rows[] = {
        {"Brightness", "0", 0},
        {"Brightness", "100", 0},
        {"Brightness", "-1", CLOUD_BAD_INT},
        {"Brightness", "101", CLOUD_BAD_INT},
        {"Brightness", "5.0", CLOUD_BAD_INT},
        {"Brightness", "\"5\"", CLOUD_BAD_INT},
        {"Brightness", "null", CLOUD_BAD_INT},
        {"Brightness", "99999999999", CLOUD_BAD_INT},
        {"Temp", "-40", 0},
        {"Temp", "125.0", 0},
        {"Temp", "-40.01", CLOUD_BAD_FLOAT},
        {"Temp", "125.01", CLOUD_BAD_FLOAT},
        {"Temp", "\"1\"", CLOUD_BAD_FLOAT},
        {"Energy", "1e300", 0},
        {"Energy", "-7", 0},
        {"Energy", "true", CLOUD_BAD_DOUBLE},
        {"LightSwitch", "0", 0},
        {"LightSwitch", "1", 0},
        {"LightSwitch", "2", CLOUD_BAD_BOOL},
        {"LightSwitch", "true", CLOUD_BAD_BOOL},
        {"LightSwitch", "1.0", CLOUD_BAD_BOOL},
        {"Mode", "2", 0},
        {"Mode", "3", CLOUD_BAD_ENUM},
        {"Mode", "-1", CLOUD_BAD_ENUM},
        {"Mode", "\"1\"", CLOUD_BAD_ENUM},
        {"Name", "\"\"", 0},
        {"Name", "5", CLOUD_BAD_TEXT},
        {"StartedAt", "\"1700000000000\"", 0},
        {"StartedAt", "1700000000000", CLOUD_BAD_DATE},
        {"StartedAt", "\"\"", CLOUD_BAD_DATE},
        {"StartedAt", "\"17x\"", CLOUD_BAD_DATE},
        {"StartedAt", "\"12345678901234567890\"", CLOUD_BAD_DATE},
        {"RGBColor", "{\"R\":0,\"G\":255,\"B\":1}", 0},
        {"RGBColor", "{\"G\":255}", 0},
        {"RGBColor", "{}", CLOUD_BAD_STRUCT},
        {"RGBColor", "7", CLOUD_BAD_STRUCT},
        {"RGBColor", "{\"R\":256}", CLOUD_BAD_INT},
        {"RGBColor", "{\"A\":1}", CLOUD_BAD_STRUCT},
        {"Schedule", "[]", 0},
        {"Schedule", "[0,1440,1,2]", 0},
        {"Schedule", "[0,1440,1,2,3]", CLOUD_BAD_ARRAY},
        {"Schedule", "[1441]", CLOUD_BAD_INT},
        {"Schedule", "{}", CLOUD_BAD_ARRAY},
        {"Scenes", "[{\"Id\":1,\"Label\":\"a\"},{\"Id\":9}]", 0},
        {"Scenes", "[1]", CLOUD_BAD_STRUCT},
        {"Scenes", "[{\"Id\":10}]", CLOUD_BAD_INT},
        {"Scenes", "[{\"Label\":\"12345678901234567\"}]", CLOUD_BAD_TEXT},
    };
    char text[80];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (code_of(rows[i].name, rows[i].value) != rows[i].code)
            fail_msg("%s %s: %d, not %d", rows[i].name, rows[i].value,
                     code_of(rows[i].name, rows[i].value), rows[i].code);
    snprintf(text, sizeof text, "\"%064d\"", 0);
    assert_int_equal(code_of("Name", text), 0);
    snprintf(text, sizeof text, "\"%065d\"", 0);
    assert_int_equal(code_of("Name", text), CLOUD_BAD_TEXT);
}

static void fields_are_known_and_all_there_if_all_are_wanted(void **state)
{
    (void)state;
    json_t *fields = json_object_get(cloud_model_service(lamp(), "Blink"), "inputData");
    json_t *args = json_pack("{s:i}", "Times", 3);
    assert_true(cloud_model_check_fields(fields, args, false, &fault));
    assert_false(cloud_model_check_fields(fields, args, true, &fault));
    assert_int_equal(fault.code, CLOUD_PARAMS_MISSING);
    assert_string_equal(fault.text, "IntervalMs is missing");
    json_object_set_new(args, "IntervalMs", json_integer(2000));
    assert_true(cloud_model_check_fields(fields, args, true, &fault));
    json_object_set_new(args, "IntervalMs", json_integer(2001));
    assert_false(cloud_model_check_fields(fields, args, true, &fault));
    assert_int_equal(fault.code, CLOUD_BAD_INT);
    json_object_del(args, "IntervalMs");
    json_object_set_new(args, "Volume", json_integer(1));
    assert_false(cloud_model_check_fields(fields, args, false, &fault));
    assert_int_equal(fault.code, CLOUD_NO_PROPERTY);
    json_decref(args);
}

static void a_wrong_model_leaves_the_old_one(void **state)
{
    (void)state;
    int product = cloud_book_product(&cloud.book, PK);
    assert_false(cloud_set_model(&cloud, product, "{}", why, sizeof why));
    assert_non_null(cloud_model_property(lamp(), "Mode"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAMP_TEST(a_model_is_read_and_its_entries_are_found),
        LAMP_TEST(a_block_may_stand_before_an_identifier_of_its_model),
        LAMP_TEST(an_almost_empty_model_is_one),
        LAMP_TEST(what_is_no_model_is_refused_in_words),
        LAMP_TEST(each_type_takes_its_values_and_no_others),
        LAMP_TEST(fields_are_known_and_all_there_if_all_are_wanted),
        LAMP_TEST(a_wrong_model_leaves_the_old_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

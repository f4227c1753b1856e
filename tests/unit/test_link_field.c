/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "link/iot_link_field.h"
#include "room_model.h"

static struct room_values values, before;

static int32_t room_on_add(void *ctx, struct iot_thing *thing, iot_call call)
{
    (void)ctx, (void)thing, (void)call;
    return IOT_CODE_OK;
}

static int32_t room_on_reset(void *ctx, struct iot_thing *thing, iot_call call)
{
    (void)ctx, (void)thing, (void)call;
    return IOT_CODE_OK;
}

static int setup(void **state)
{
    (void)state;
    memset(&values, 0x5a, sizeof values);
    memset(&values.name, 0, sizeof values.name);
    values.numbers.count = values.points.count = values.box.list.count = values.words.count = 0;
    room_fan = room_fan_sets = 0;
    room_fan_says = IOT_OK;
    return 0;
}

static struct iot_json checked(const char *text)
{
    struct iot_json root;

    assert_err(iot_json_check(guarded(text_bytes(text)), &root, NULL), IOT_OK);
    return root;
}

static struct iot_properties seen;
static struct iot_field_taking taking;

static int32_t store(const char *text)
{
    taking = (struct iot_field_taking){.base = (uint8_t *)&values};
    memcpy(&before, &values, sizeof values);
    return iot_field_store(&taking, room_properties, ROOM_PROPERTIES, IOT_ACCESS_WRITE,
                           checked(text), &seen);
}

static const char *written(uint32_t property)
{
    static char text[512];
    struct iot_writer w = {.ptr = (uint8_t *)text, .cap = sizeof text - 1},
                      count = iot_field_counter();

    iot_field_put(NULL, &room_properties[property], (uint8_t *)&values, &w);
    iot_field_put(NULL, &room_properties[property], (uint8_t *)&values, &count);
    assert_false(w.overflow);
    assert_true(count.len >= w.len); /* what was reserved is enough */
    text[w.len] = 0;
    return text;
}

/* Set to it, and written again. */
static void goes_both_ways(uint32_t property, const char *in, const char *out)
{
    char text[1024];

    snprintf(text, sizeof text, "{\"%s\":%s}", room_properties[property].id, in);
    int32_t code = store(text);
    if (code != IOT_CODE_OK)
        fail_msg("%s: %d", text, (int)code);
    assert_string_equal(written(property), out);
}

static void is_refused(uint32_t property, const char *in, int32_t with)
{
    char text[1024];

    snprintf(text, sizeof text, "{\"%s\":%s}", room_properties[property].id, in);
    int32_t code = store(text);
    if (code != with)
        fail_msg("%s: %d, not %d", text, (int)code, (int)with);
    assert_memory_equal(&values, &before, sizeof values);
}

static void each_type_goes_both_ways(void **state)
{
    (void)state;
    goes_both_ways(ROOM_LEVEL, "42", "42");
    goes_both_ways(ROOM_LEVEL, "4.2e1", "42");
    goes_both_ways(ROOM_TEMP, "21.5", "21.5");
    goes_both_ways(ROOM_ON, "1", "1");
    goes_both_ways(ROOM_ON, "false", "0");
    goes_both_ways(ROOM_MODE, "7", "7");
    goes_both_ways(ROOM_NAME, "\"lamp\"", "\"lamp\"");
    goes_both_ways(ROOM_NAME, "\"\\u00e9\\n\"", "\"\xc3\xa9\\n\"");
    goes_both_ways(ROOM_NAME, "\"\"", "\"\"");
    goes_both_ways(ROOM_SINCE, "\"1700000000000\"", "\"1700000000000\"");
    goes_both_ways(ROOM_SINCE, "1700000000000", "\"1700000000000\"");
    goes_both_ways(ROOM_EXACT, "-0.30000000000000004", "-0.30000000000000004");
    goes_both_ways(ROOM_COLOR, "{\"R\":1,\"G\":2,\"Tag\":\"x\"}",
                   "{\"R\":1,\"G\":2,\"Tag\":\"x\"}");
    goes_both_ways(ROOM_NUMBERS, "[1,-2,3]", "[1,-2,3]");
    goes_both_ways(ROOM_NUMBERS, "[]", "[]");
    goes_both_ways(ROOM_POINTS, "[{\"X\":1,\"Y\":0.5},{\"Y\":2,\"X\":3}]",
                   "[{\"X\":1,\"Y\":0.5},{\"X\":3,\"Y\":2}]");
    goes_both_ways(ROOM_BOX, "{\"List\":[{\"X\":1,\"Y\":0.5}],\"Id\":9}",
                   "{\"List\":[{\"X\":1,\"Y\":0.5}],\"Id\":9}");
    goes_both_ways(ROOM_ANY, "-2147483648", "-2147483648");
    goes_both_ways(ROOM_WORDS, "[\"abc\",\"\"]", "[\"abc\",\"\"]");
    goes_both_ways(ROOM_FAN, "5", "5");
    assert_int_equal(room_fan, 5);
}

static void limits_are_inclusive_and_one_beyond_is_refused(void **state)
{
    (void)state;
    goes_both_ways(ROOM_LEVEL, "-10", "-10");
    goes_both_ways(ROOM_LEVEL, "100", "100");
    is_refused(ROOM_LEVEL, "-11", IOT_CODE_INT);
    is_refused(ROOM_LEVEL, "101", IOT_CODE_INT);
    is_refused(ROOM_ANY, "2147483648", IOT_CODE_ENUM);
    goes_both_ways(ROOM_TEMP, "80.1", "80.1"); /* which no float is */
    goes_both_ways(ROOM_TEMP, "-40", "-40");
    is_refused(ROOM_TEMP, "80.11", IOT_CODE_FLOAT);
    is_refused(ROOM_TEMP, "-40.001", IOT_CODE_FLOAT);
    is_refused(ROOM_TEMP, "1e39", IOT_CODE_FLOAT);
    goes_both_ways(ROOM_EXACT, "0.1", "0.1");
    goes_both_ways(ROOM_EXACT, "-1e300", "-1e300");
    is_refused(ROOM_EXACT, "0.10000000000000002", IOT_CODE_DOUBLE);
    is_refused(ROOM_EXACT, "-1.01e300", IOT_CODE_DOUBLE);
    is_refused(ROOM_EXACT, "1e999", IOT_CODE_DOUBLE);
    is_refused(ROOM_MODE, "2", IOT_CODE_ENUM);
    is_refused(ROOM_ON, "2", IOT_CODE_BOOL);
    goes_both_ways(ROOM_NAME, "\"12345678\"", "\"12345678\"");
    is_refused(ROOM_NAME, "\"123456789\"", IOT_CODE_TEXT);
    goes_both_ways(ROOM_NAME, "\"123456\\u00e9\"", "\"123456\xc3\xa9\"");
    is_refused(ROOM_NAME, "\"1234567\\u00e9\"", IOT_CODE_TEXT); /* bytes, not characters */
    is_refused(ROOM_NAME, "\"1\\u00002\"", IOT_CODE_TEXT);      /* would hide the rest */
    goes_both_ways(ROOM_NAME, "\"\\\\u0000\"", "\"\\\\u0000\"");
    is_refused(ROOM_NUMBERS, "[1,2,3,4]", IOT_CODE_ARRAY);
    is_refused(ROOM_WORDS, "[\"abcd\"]", IOT_CODE_TEXT);
    is_refused(ROOM_WORDS, "[\"a\",\"b\",\"c\"]", IOT_CODE_ARRAY);
    is_refused(ROOM_COLOR, "{\"R\":256}", IOT_CODE_INT);
}

static void each_type_refuses_every_other(void **state)
{
    static const char *const wrong[] = {"null", "true", "\"x\"", "{}", "[]", "1.5", "1", "[null]"};
    static const struct {
        uint32_t property;
        int32_t code;
        const char *fine; /* which of the above it takes */
    } types[] = {
        {ROOM_LEVEL, IOT_CODE_INT, "1"},
        {ROOM_TEMP, IOT_CODE_FLOAT, "1 1.5"},
        {ROOM_ON, IOT_CODE_BOOL, "1 true"},
        {ROOM_MODE, IOT_CODE_ENUM, "1"},
        {ROOM_NAME, IOT_CODE_TEXT, "\"x\""},
        {ROOM_SINCE, IOT_CODE_DATE, "1"},
        {ROOM_COLOR, IOT_CODE_STRUCT, "{}"},
        {ROOM_EXACT, IOT_CODE_DOUBLE, "(it is above the limit)"},
        {ROOM_NUMBERS, IOT_CODE_ARRAY, "[]"},
        {ROOM_FAN, IOT_CODE_INT, "1"},
    };

    (void)state;
    for (uint32_t i = 0; i < COUNT(types); i++)
        for (uint32_t j = 0; j < COUNT(wrong); j++) {
            const char *at = strstr(types[i].fine, wrong[j]);
            size_t n = strlen(wrong[j]);
            if (at != NULL && (at[n] == 0 || at[n] == ' '))
                continue;
            if (types[i].property == ROOM_NUMBERS && strcmp(wrong[j], "[null]") == 0)
                is_refused(ROOM_NUMBERS, wrong[j], IOT_CODE_INT); /* its item's */
            else
                is_refused(types[i].property, wrong[j], types[i].code);
        }
    is_refused(ROOM_SINCE, "\"12a\"", IOT_CODE_DATE);
    is_refused(ROOM_SINCE, "\"\"", IOT_CODE_DATE);
}

static void a_struct_knows_its_members_and_takes_some_of_them(void **state)
{
    (void)state;
    goes_both_ways(ROOM_COLOR, "{\"R\":1,\"G\":2,\"Tag\":\"abcd\"}",
                   "{\"R\":1,\"G\":2,\"Tag\":\"abcd\"}");
    goes_both_ways(ROOM_COLOR, "{\"G\":3}", "{\"R\":1,\"G\":3,\"Tag\":\"abcd\"}");
    goes_both_ways(ROOM_COLOR, "{\"G\":4,\"G\":999}", "{\"R\":1,\"G\":4,\"Tag\":\"abcd\"}");
    is_refused(ROOM_COLOR, "{\"G\":3,\"B\":1}", IOT_CODE_STRUCT);
    is_refused(ROOM_COLOR, "{\"Tag\":\"abcde\"}", IOT_CODE_TEXT);
    /* In an array what is missing would be what another item had. */
    is_refused(ROOM_POINTS, "[{\"X\":1}]", IOT_CODE_STRUCT);
    is_refused(ROOM_BOX, "{\"List\":[{\"X\":1,\"Y\":1},{\"Y\":1}]}", IOT_CODE_STRUCT);
    goes_both_ways(ROOM_BOX, "{\"Id\":1,\"List\":[]}", "{\"List\":[],\"Id\":1}");
}

static void names_may_be_escaped_or_of_a_module(void **state)
{
    (void)state;
    assert_int_equal(store("{\"\\u004cevel\":1,\"On\":1}"), IOT_CODE_OK);
    assert_int_equal(values.level, 1);
    assert_int_equal(store("{\"main:Level\":2}"), IOT_CODE_OK);
    assert_int_equal(values.level, 2);
    assert_int_equal(store("{\"main:Level\":3,\"Level\":4}"), IOT_CODE_OK);
    assert_int_equal(values.level, 3);
    static const struct iot_field both[] = {
        {"X", IOT_TYPE_INT, RW, ROOM_AT(serial), 0, 0, {NULL}, NULL},
        {"a:X", IOT_TYPE_INT, RW, ROOM_AT(secret), 0, 0, {NULL}, NULL},
    };
    taking = (struct iot_field_taking){.base = (uint8_t *)&values};
    assert_int_equal(
        iot_field_store(&taking, both, 2, IOT_ACCESS_WRITE, checked("{\"a:X\":5,\"X\":6}"), &seen),
        IOT_CODE_OK);
    assert_int_equal(values.secret, 5);
    assert_int_equal(values.serial, 6);
    assert_int_equal(store("{\"mainLevel\":3}"), IOT_CODE_UNKNOWN);
    assert_int_equal(store("{\":Leve\":3}"), IOT_CODE_UNKNOWN);
    assert_int_equal(store("{\"\":3}"), IOT_CODE_UNKNOWN);
    assert_int_equal(store("{\"Level:\":3}"), IOT_CODE_UNKNOWN);
    assert_int_equal(store("{\"level\":3}"), IOT_CODE_UNKNOWN);
    assert_memory_equal(&values, &before, sizeof values);
}

static void of_duplicate_names_the_first_counts(void **state)
{
    (void)state;
    assert_int_equal(store("{\"Level\":5,\"Level\":6,\"On\":1,\"Level\":\"no number\"}"),
                     IOT_CODE_OK);
    assert_int_equal(values.level, 5);
    assert_int_equal(store("{\"Level\":\"x\",\"Level\":6}"), IOT_CODE_INT);
    assert_int_equal(values.level, 5);
}

static void what_was_named_is_told_whatever_the_order(void **state)
{
    (void)state;
    assert_int_equal(store("{\"Fan\":3,\"Level\":5,\"Name\":\"a\"}"), IOT_CODE_OK);
    for (uint32_t i = 0; i < ROOM_PROPERTIES; i++)
        assert_int_equal(iot_properties_has(&seen, i),
                         i == ROOM_FAN || i == ROOM_LEVEL || i == ROOM_NAME);
    assert_int_equal(room_fan_sets, 1);
}

static void one_bad_member_anywhere_and_nothing_is_stored(void **state)
{
    static const char *const good[] = {"\"Level\":1", "\"Temp\":2", "\"On\":1", "\"Name\":\"n\"",
                                       "\"Color\":{\"R\":3}"};
    static const struct {
        const char *member;
        int32_t code;
    } bad[] = {
        {"\"Mode\":5", IOT_CODE_ENUM},
        {"\"Nobody\":1", IOT_CODE_UNKNOWN},
        {"\"Serial\":1", IOT_CODE_ACCESS},
        {"\"Since\":\"x\"", IOT_CODE_DATE},
        {"\"Exact\":7", IOT_CODE_DOUBLE},
        {"\"Numbers\":[1,2,\"3\"]", IOT_CODE_INT},
        {"\"Numbers\":1", IOT_CODE_ARRAY},
        {"\"Points\":[{\"X\":1,\"Y\":\"\"}]", IOT_CODE_FLOAT},
        {"\"Box\":{\"List\":[{\"X\":1,\"Y\":2},{\"X\":1,\"Y\":2},{\"X\":1,\"Y\":2}]}",
         IOT_CODE_ARRAY},
        {"\"Words\":[\"a\",7]", IOT_CODE_TEXT},
        {"\"Fan\":1000", IOT_CODE_INT},
    };

    (void)state;
    for (uint32_t b = 0; b < COUNT(bad); b++)
        for (uint32_t at = 0; at <= COUNT(good); at++) {
            char text[512] = "{\"Fan\":1";
            for (uint32_t i = 0; i <= COUNT(good); i++) {
                strcat(text, ",");
                strcat(text, i == at ? bad[b].member : good[i - (i > at)]);
            }
            strcat(text, "}");
            if (strstr(bad[b].member, "Fan") != NULL)
                memmove(text + 1, text + 9, strlen(text + 8)); /* it would be a duplicate */
            int32_t code = store(text);
            if (code != bad[b].code)
                fail_msg("%s: %d, not %d", text, (int)code, (int)bad[b].code);
            assert_memory_equal(&values, &before, sizeof values);
            assert_int_equal(room_fan_sets, 0);
        }
}

static void what_has_no_setter_is_refused_before_any_other_is_called(void **state)
{
    static const struct iot_accessor deaf = {room_fan_get, NULL};
    struct iot_field two[] = {room_properties[ROOM_FAN], room_properties[ROOM_FAN]};
    (void)state;

    two[1].id = "Deaf";
    two[1].via = &deaf;
    taking = (struct iot_field_taking){.base = (uint8_t *)&values};
    assert_int_equal(iot_field_store(&taking, two, 2, IOT_ACCESS_WRITE,
                                     checked("{\"Fan\":5,\"Deaf\":1}"), &seen),
                     IOT_CODE_ACCESS);
    assert_int_equal(room_fan_sets, 0);
    assert_null(taking.failed);
}

static void a_setter_that_fails_is_told_and_no_value_changes(void **state)
{
    (void)state;
    room_fan_says = IOT_ERR_AGAIN;
    assert_int_equal(store("{\"Level\":1,\"Fan\":2,\"On\":1}"), IOT_CODE_SET);
    assert_memory_equal(&values, &before, sizeof values);
    assert_ptr_equal(taking.failed, &room_properties[ROOM_FAN]);
    assert_int_equal(room_fan_sets, 1);
    for (uint32_t i = 0; i < ROOM_PROPERTIES; i++)
        assert_false(iot_properties_has(&seen, i));
}

static void what_must_be_whole_is(void **state)
{
    struct iot_field_taking k = {.base = (uint8_t *)&values};

    (void)state;
    assert_int_equal(
        iot_field_store(&k, room_add_in, 3, IOT_FIELD_WHOLE, checked("{\"A\":1,\"B\":2}"), &seen),
        IOT_CODE_OK);
    assert_int_equal(values.add_a + values.add_b, 3);
    assert_int_equal(
        iot_field_store(&k, room_add_in, 3, IOT_FIELD_WHOLE, checked("{\"A\":5}"), &seen),
        IOT_CODE_MISSING);
    assert_int_equal(values.add_a, 1);
}

static void values_that_the_application_broke_stay_inside(void **state)
{
    (void)state;
    values.numbers.count = 60000;
    values.numbers.item[0] = values.numbers.item[1] = values.numbers.item[2] = 1;
    assert_string_equal(written(ROOM_NUMBERS), "[1,1,1]");
    memset(values.name, 'x', sizeof values.name); /* no NUL */
    assert_string_equal(written(ROOM_NAME), "\"xxxxxxxx\"");
    memcpy(values.name, "\xff\"\n", 4);
    assert_string_equal(written(ROOM_NAME), "\"\xef\xbf\xbd\\\"\\n\"");
}

static void numbers_that_are_none_are_null(void **state)
{
    (void)state;
    values.temp = (float)(1e308 * 10);
    assert_string_equal(written(ROOM_TEMP), "null");
}

static void tables_deeper_or_larger_than_allowed_do_not_fit(void **state)
{
    static const struct iot_field loop[] = {
        {"A", IOT_TYPE_STRUCT, 0, 0, 0, 1, {.fields = loop}, NULL}};

    (void)state;
    assert_true(iot_field_fits(room_properties, ROOM_PROPERTIES));
    assert_false(iot_field_fits(loop, 1));
    assert_false(iot_field_fits(room_properties, IOT_PROPERTIES_MAX + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_type_goes_both_ways, setup),
        cmocka_unit_test_setup(limits_are_inclusive_and_one_beyond_is_refused, setup),
        cmocka_unit_test_setup(each_type_refuses_every_other, setup),
        cmocka_unit_test_setup(a_struct_knows_its_members_and_takes_some_of_them, setup),
        cmocka_unit_test_setup(names_may_be_escaped_or_of_a_module, setup),
        cmocka_unit_test_setup(of_duplicate_names_the_first_counts, setup),
        cmocka_unit_test_setup(what_was_named_is_told_whatever_the_order, setup),
        cmocka_unit_test_setup(one_bad_member_anywhere_and_nothing_is_stored, setup),
        cmocka_unit_test_setup(what_has_no_setter_is_refused_before_any_other_is_called, setup),
        cmocka_unit_test_setup(a_setter_that_fails_is_told_and_no_value_changes, setup),
        cmocka_unit_test_setup(what_must_be_whole_is, setup),
        cmocka_unit_test_setup(values_that_the_application_broke_stay_inside, setup),
        cmocka_unit_test_setup(numbers_that_are_none_are_null, setup),
        cmocka_unit_test_setup(tables_deeper_or_larger_than_allowed_do_not_fit, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

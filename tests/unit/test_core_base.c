/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "heap_trap.h"

struct err_row {
    iot_err value;
    const char *name, *text;
};

static const struct err_row rows[] = {
#define ROW(name, value, text) {(value), #name, (text)},
    IOT_ERR_LIST(ROW)
#undef ROW
};

static void every_error_has_its_name_and_its_text(void **state)
{
    (void)state;
    heap_trap_on();
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_string_equal(iot_err_name(rows[i].value), rows[i].name);
        assert_string_equal(iot_err_text(rows[i].value),
                            IOT_FEATURE_ERR_TEXTS ? rows[i].text : rows[i].name);
    }
    heap_trap_off();
    assert_string_equal(iot_err_name(IOT_OK), "OK");
    assert_string_equal(iot_err_name(IOT_ERR_MQTT_TOPIC), "MQTT_TOPIC");
}

static void values_names_and_texts_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(rows[i].value, rows[k].value);
            assert_string_not_equal(iot_err_name(rows[i].value), iot_err_name(rows[k].value));
            assert_string_not_equal(iot_err_text(rows[i].value), iot_err_text(rows[k].value));
        }
    }
}

static void values_are_zero_or_negative_and_fit_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_in_range(-rows[i].value, 0, INT16_MAX); /* the table of values is int16_t */
}

static void texts_are_sentences_without_an_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t len = strlen(rows[i].text);
        assert_in_range(len, 4, 90);
        assert_int_not_equal(rows[i].text[len - 1], '.');
    }
}

static void numbers_that_are_none_of_ours_have_no_name(void **state)
{
    (void)state;
    for (iot_err err = -1000; err <= 1000; err++) {
        bool known = false;
        for (size_t i = 0; i < COUNT(rows); i++)
            known = known || rows[i].value == err;
        if (!known) {
            assert_string_equal(iot_err_name(err), "?");
            assert_string_equal(iot_err_text(err), "?");
        }
    }
    assert_string_equal(iot_err_name(INT32_MIN), "?");
    assert_string_equal(iot_err_name(INT32_MAX), "?");
    assert_string_equal(iot_err_name(-256), "?"); /* not OK cut to 8 bits */
}

static void version_is_that_of_the_header(void **state)
{
    (void)state;
    assert_int_equal(iot_version() >> 16, IOT_VERSION_MAJOR);
    assert_int_equal(iot_version() >> 8 & 0xff, IOT_VERSION_MINOR);
    assert_int_equal(iot_version() & 0xff, IOT_VERSION_PATCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_its_name_and_its_text),
        cmocka_unit_test(values_names_and_texts_are_unique),
        cmocka_unit_test(values_are_zero_or_negative_and_fit_the_table),
        cmocka_unit_test(texts_are_sentences_without_an_end),
        cmocka_unit_test(numbers_that_are_none_of_ours_have_no_name),
        cmocka_unit_test(version_is_that_of_the_header),
    };
    return cmocka_run_group_tests_name("core_base", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "core/iot_core_text.h"

static const char *const texts[] = {"", "a", "b", "ab", "abc", "abd", "ABC", "default", "\xff"};

static void texts_are_the_same_only_as_themselves(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < COUNT(texts); i++)
        for (uint32_t k = 0; k < COUNT(texts); k++) {
            char copy[16];
            strcpy(copy, texts[k]);
            assert_int_equal(iot_text_is(texts[i], copy), i == k);
        }
}

static void a_text_begins_with_its_beginnings(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < COUNT(texts); i++)
        for (uint32_t k = 0; k < COUNT(texts); k++)
            assert_int_equal(iot_text_begins(texts[i], texts[k]),
                             strncmp(texts[i], texts[k], strlen(texts[k])) == 0);
}

static void a_set_has_its_characters(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++)
        assert_int_equal(iot_text_has("/?#:\xff", (char)c),
                         c == '/' || c == '?' || c == '#' || c == ':' || c == 0xff);
    assert_false(iot_text_has("", 'a'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_the_same_only_as_themselves),
        cmocka_unit_test(a_text_begins_with_its_beginnings),
        cmocka_unit_test(a_set_has_its_characters),
    };
    return cmocka_run_group_tests_name("core_text", tests, NULL, NULL);
}

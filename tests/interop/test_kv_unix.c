/* SPDX-License-Identifier: Apache-2.0 */
/* The store of port/unix. Here, and not among the unit tests, as those see no port. */
#include "test.h"

#include "unix/iot_kv_unix.h"

static struct iot_kv_unix kv;
static uint8_t into[IOT_KV_UNIX_BYTES_MAX + 1];
static uint32_t len;

static int setup(void **state)
{
    (void)state;
    memset(&kv, 0, sizeof kv);
    memset(into, 0xee, sizeof into);
    len = 99;
    return 0;
}

static void assert_value(const char *key, struct iot_bytes expected)
{
    assert_err(iot_kv_unix_get(&kv, key, into, sizeof into, &len), IOT_OK);
    assert_bytes(((struct iot_bytes){into, len}), expected);
}

static iot_err set(const char *key, struct iot_bytes value)
{
    return iot_kv_unix_set(&kv, key, value.ptr, value.len);
}

static void what_is_set_is_got_until_deleted(void **state)
{
    (void)state;
    assert_err(iot_kv_unix_get(&kv, "a", into, sizeof into, &len), IOT_ERR_STATE);
    assert_err(set("a", BYTES("one\0two")), IOT_OK);
    assert_err(set("b", BYTES("other")), IOT_OK);
    assert_value("a", BYTES("one\0two"));
    assert_err(set("a", BYTES("x")), IOT_OK);
    assert_value("a", BYTES("x"));
    assert_value("b", BYTES("other"));
    assert_err(iot_kv_unix_del(&kv, "a"), IOT_OK);
    assert_err(iot_kv_unix_del(&kv, "a"), IOT_OK);
    assert_err(iot_kv_unix_get(&kv, "a", into, sizeof into, &len), IOT_ERR_STATE);
    assert_value("b", BYTES("other"));
}

static void a_value_of_no_bytes_is_a_value(void **state)
{
    (void)state;
    assert_err(iot_kv_unix_set(&kv, "a", NULL, 0), IOT_OK);
    assert_err(iot_kv_unix_get(&kv, "a", NULL, 0, &len), IOT_OK);
    assert_int_equal(len, 0);
}

static void what_does_not_fit_changes_nothing(void **state)
{
    static uint8_t many[IOT_KV_UNIX_BYTES_MAX + 1];
    (void)state;
    memset(many, 'm', sizeof many);
    assert_err(set("a", BYTES("old")), IOT_OK);
    assert_err(iot_kv_unix_set(&kv, "a", many, sizeof many), IOT_ERR_SIZE);
    assert_err(iot_kv_unix_set(&kv, "a", many, UINT32_MAX), IOT_ERR_SIZE);
    assert_value("a", BYTES("old"));
    assert_err(iot_kv_unix_set(&kv, "a", many, IOT_KV_UNIX_BYTES_MAX), IOT_OK);
    len = 99;
    memset(into, 0xee, sizeof into);
    assert_err(iot_kv_unix_get(&kv, "a", into, IOT_KV_UNIX_BYTES_MAX - 1, &len), IOT_ERR_SIZE);
    assert_int_equal(len, 99);
    assert_int_equal(into[0], 0xee);
    assert_value("a", (struct iot_bytes){many, IOT_KV_UNIX_BYTES_MAX});
}

static void keys_have_1_to_15_characters(void **state)
{
    static const char *const bad[] = {"", "1234567890123456", "12345678901234567890"};
    (void)state;
    assert_err(set("123456789012345", BYTES("x")), IOT_OK);
    assert_value("123456789012345", BYTES("x"));
    assert_err(iot_kv_unix_get(&kv, "12345678901234", into, sizeof into, &len), IOT_ERR_STATE);
    for (uint32_t i = 0; i < COUNT(bad); i++) {
        assert_err(set(bad[i], BYTES("y")), IOT_ERR_SIZE);
        assert_err(iot_kv_unix_get(&kv, bad[i], into, sizeof into, &len), IOT_ERR_STATE);
        assert_err(iot_kv_unix_del(&kv, bad[i]), IOT_OK);
    }
    assert_value("123456789012345", BYTES("x"));
}

static void a_full_store_takes_only_keys_it_has(void **state)
{
    char key[16];
    (void)state;
    for (int i = 0; i < IOT_KV_UNIX_KEYS_MAX; i++) {
        snprintf(key, sizeof key, "key%d", i);
        assert_err(set(key, text_bytes(key)), IOT_OK);
    }
    assert_err(set("more", BYTES("x")), IOT_ERR_FULL);
    assert_err(iot_kv_unix_get(&kv, "more", into, sizeof into, &len), IOT_ERR_STATE);
    assert_err(set("key7", BYTES("new")), IOT_OK);
    for (int i = 0; i < IOT_KV_UNIX_KEYS_MAX; i++) {
        snprintf(key, sizeof key, "key%d", i);
        assert_value(key, i == 7 ? BYTES("new") : text_bytes(key));
    }
    assert_err(iot_kv_unix_del(&kv, "key3"), IOT_OK);
    assert_err(set("key9", BYTES("again")), IOT_OK); /* not into the gap before it */
    assert_err(iot_kv_unix_del(&kv, "key9"), IOT_OK);
    assert_err(iot_kv_unix_get(&kv, "key9", into, sizeof into, &len), IOT_ERR_STATE);
    assert_err(set("more", BYTES("x")), IOT_OK);
    assert_value("more", BYTES("x"));
}

static void two_stores_do_not_know_each_other(void **state)
{
    static struct iot_kv_unix other;
    (void)state;
    assert_err(set("a", BYTES("x")), IOT_OK);
    assert_err(iot_kv_unix_get(&other, "a", into, sizeof into, &len), IOT_ERR_STATE);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_set_is_got_until_deleted),    CASE(a_value_of_no_bytes_is_a_value),
        CASE(what_does_not_fit_changes_nothing),   CASE(keys_have_1_to_15_characters),
        CASE(a_full_store_takes_only_keys_it_has), CASE(two_stores_do_not_know_each_other),
    };
    return cmocka_run_group_tests_name("kv_unix", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated board of port/unix: its store, its count of operations, its chance. Here, and not among the unit tests,
 * as those see no port. */
#include "test.h"

#include "unix/iot_nor_unix.h"
#include "unix/iot_port_unix.h"

static const struct iot_port *const port = &iot_port_unix;
static uint8_t into[4096];
static uint32_t len;

static iot_err set(const char *key, struct iot_bytes value)
{
    return port->kv_set(port->ctx, key, value.ptr, value.len);
}

static iot_err get(const char *key)
{
    return port->kv_get(port->ctx, key, into, sizeof into, &len);
}

static void what_is_set_is_got_until_deleted(void **state)
{
    (void)state;
    assert_err(get("a"), IOT_ERR_STATE);
    assert_err(set("a", BYTES("one\0two")), IOT_OK);
    assert_err(get("a"), IOT_OK);
    assert_bytes(((struct iot_bytes){into, len}), BYTES("one\0two"));
    assert_err(port->kv_del(port->ctx, "a"), IOT_OK);
    assert_err(get("a"), IOT_ERR_STATE);
    assert_err(set("a key too long for it", BYTES("x")), IOT_ERR_SIZE);
}

static void there_is_room_for_what_the_library_stores(void **state)
{
    static uint8_t session[3000];
    char key[24];
    (void)state;
    for (int i = 0; i < 7; i++) {
        snprintf(key, sizeof key, "session%d", i);
        assert_err(set(key, (struct iot_bytes){session, sizeof session}), IOT_OK);
    }
}

static void a_set_and_a_del_count_as_operations_themselves(void **state)
{
    struct iot_nor_unix *chip = iot_port_unix_flash();
    (void)state;
    assert_err(set("b", BYTES("x")), IOT_OK);
    uint32_t before = chip->count;
    assert_err(set("b", BYTES("y")), IOT_OK);
    assert_int_equal(chip->count - before, 1 + 2); /* the record, its mark */
    before = chip->count;
    assert_err(port->kv_del(port->ctx, "b"), IOT_OK);
    assert_err(port->kv_del(port->ctx, "b"), IOT_OK); /* nothing to do: but asked */
    assert_int_equal(chip->count - before, 1 + 2 + 1);
}

static void asked_again_is_no_other_operation(void **state)
{
    struct iot_nor_unix *chip = iot_port_unix_flash();
    int asks = 0;
    (void)state;
    uint32_t before = chip->count;
    chip->slow = 5;
    while (set("c", BYTES("x")) == IOT_ERR_AGAIN)
        asks++;
    chip->slow = 0;
    assert_int_equal(asks, 2 * 5);
    assert_int_equal(chip->count - before, 1 + 2);
    assert_err(set("c", BYTES("y")), IOT_OK);
    assert_int_equal(chip->count - before, 2 * (1 + 2));
}

static void areas_do_not_overlap_and_fill_the_chip(void **state)
{
    const struct iot_nor_unix *chip = iot_port_unix_flash();
    uint32_t end = 0;
    (void)state;
    for (uint32_t i = 0; i < IOT_PORT_UNIX_AREAS; i++) {
        const struct iot_port_unix_area *a = &iot_port_unix_areas[i];
        assert_int_equal(a->offset, end);
        assert_true(a->bytes >= 2 * chip->nor.sector_bytes);
        assert_int_equal(a->bytes % chip->nor.sector_bytes, 0);
        end += a->bytes;
    }
    assert_int_equal(end, chip->sectors * chip->nor.sector_bytes);
}

static void a_seed_makes_chance_repeat_itself(void **state)
{
    uint8_t first[16], again[16], other[16];
    (void)state;
    iot_port_unix_seed(7);
    assert_err(port->random(port->ctx, first, 16), IOT_OK);
    assert_err(port->random(port->ctx, other, 16), IOT_OK);
    assert_memory_not_equal(first, other, 16);
    iot_port_unix_seed(7);
    assert_err(port->random(port->ctx, again, 16), IOT_OK);
    assert_memory_equal(first, again, 16);
    iot_port_unix_seed(8);
    assert_err(port->random(port->ctx, other, 16), IOT_OK);
    assert_memory_not_equal(first, other, 16);
    iot_port_unix_seed(0);
    assert_err(port->random(port->ctx, first, 16), IOT_OK);
    assert_err(port->random(port->ctx, again, 16), IOT_OK);
    assert_memory_not_equal(first, again, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_set_is_got_until_deleted),
        cmocka_unit_test(there_is_room_for_what_the_library_stores),
        cmocka_unit_test(a_set_and_a_del_count_as_operations_themselves),
        cmocka_unit_test(asked_again_is_no_other_operation),
        cmocka_unit_test(areas_do_not_overlap_and_fill_the_chip),
        cmocka_unit_test(a_seed_makes_chance_repeat_itself),
    };
    return cmocka_run_group_tests_name("port_unix", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The boot contract under power cuts. A device lives through three updates: one that works, one that never confirms, and one
 * more that works. Its life is cut at each operation of its flash, in each way; then it boots, is what it may be, and goes
 * on; sometimes it is cut once more. In the end it runs the last image. */
#include "boot_flash.h"

#define LAST      4 /* number of the last image */
#define NEVER     3 /* this one does not confirm */
#define BOOTS_MAX 40

/* What the outside world knows, whatever happens to the device. */
static struct {
    bool asked[LAST + 1], chosen[LAST + 1];         /* choose was called; and said OK */
    bool confirming[LAST + 1], confirmed[LAST + 1]; /* the same of confirm */
    uint32_t tries[LAST + 1];
} seen;
static uint32_t cuts, boots;

/* What was started is whole, was accepted, and nothing that is known to be durable is undone. */
static void assert_allowed(const struct iot_nor_boot_choice *c, int number)
{
    assert_true(number >= 1);
    if (c->trial) {
        assert_true(seen.asked[number] && !seen.confirmed[number]);
        assert_true(++seen.tries[number] <= IOT_NOR_BOOT_TRIES + (number != NEVER));
        return;
    }
    assert_true(number == 1 || seen.confirming[number]);
    for (int newer = number + 1; newer <= LAST; newer++)
        if (seen.confirmed[newer] || (seen.chosen[newer] && seen.tries[newer] == 0))
            fail_msg("image %d is started, but %d was to be", number, newer);
}

static void update_to(int number)
{
    place.signature = sign(number);
    fetch(&place.slot, number);
    seen.asked[number] = true;
    choose();
    seen.chosen[number] = true;
}

/* One boot, and what the application does. true: it has arrived. */
static bool live_once(void)
{
    struct iot_nor_boot_choice c;

    assert_err(boot_again(&c), IOT_OK);
    boots++;
    int number = image_in(c.slot, LAST);
    assert_allowed(&c, number);
    open_all(); /* what the application finds */
    assert_int_equal(iot_nor_boot_running(&boot), c.slot);
    if (c.trial && number == NEVER)
        return false;
    seen.confirming[number] = true;
    assert_err(confirm(c.slot), IOT_OK);
    seen.confirmed[number] = true;
    if (number == LAST)
        return true;
    update_to(number == 2 && boot.record.dropped == IOT_OK ? NEVER : number == 2 ? LAST : 2);
    return false;
}

static void live_on(void)
{
    for (int i = 0; i < BOOTS_MAX; i++)
        if (live_once())
            return;
    fail_msg("it does not get to the last image");
}

/* false: power was cut. In a function of its own, as longjmp is hard on variables. */
static bool live(void)
{
    if (setjmp(power) != 0)
        return false;
    live_on();
    return true;
}

static void new_device(uint32_t write_bytes, uint32_t slow)
{
    struct iot_bytes signature;
    iot_err err;

    new_chip(write_bytes);
    map.verify = verify;
    factory(1);
    signature = sign(1);
    UNTIL_DONE(err, iot_nor_kv_set(&journal, "sig-a", signature.ptr, signature.len));
    assert_err(err, IOT_OK);
    chip.slow = slow;
    memset(&seen, 0, sizeof seen);
    iot_nor_unix_reboot(&chip);
}

static void assert_arrived(void)
{
    assert_int_equal(image_in(iot_nor_boot_running(&boot), LAST), LAST);
    assert_int_equal(boot.record.candidate, IOT_NOR_BOOT_NONE);
}

/* The cut, perhaps another one in what follows, and then a quiet life. */
static void cut_life(uint32_t write_bytes, uint32_t slow, uint32_t at, int kind, uint32_t again)
{
    uint32_t chance = chip.chance;

    new_device(write_bytes, slow);
    chip.chance = chance | 1; /* other weak bits each time */
    chip.cut_at = at;
    chip.cut = (enum iot_nor_cut)kind;
    if (live())
        fail_msg("operation %u did not come", at);
    cuts++;
    iot_nor_unix_reboot(&chip);
    chip.cut_at = again;
    chip.cut = (enum iot_nor_cut)((kind + (int)again) % IOT_NOR_CUT_KINDS);
    if (!live()) {
        cuts++;
        iot_nor_unix_reboot(&chip);
        assert_true(live());
    }
    assert_arrived();
}

static void live_cut_everywhere(uint32_t write_bytes, uint32_t slow)
{
    uint32_t chance = test_seed();

    cuts = boots = 0;
    new_device(write_bytes, slow);
    assert_true(live());
    assert_arrived();
    assert_int_equal(boots, 7); /* 1, 2 tried, 2 goes on to 3 tried three times, 2, 4 */
    uint32_t operations = chip.count;
    chip.chance = chance | 1;
    for (uint32_t at = 1; at <= operations; at++)
        for (int kind = 0; kind < IOT_NOR_CUT_KINDS; kind++)
            cut_life(write_bytes, slow, at, kind, test_random(&chance, 2 * operations));
    print_message("units of %u, AGAIN %u times: %u operations, %u cuts, %u boots\n", write_bytes,
                  slow, operations, cuts, boots);
    assert_true(cuts > 1000);
}

static void a_cut_anywhere_in_a_life_leaves_a_device_that_boots_and_gets_on(void **state)
{
    static const uint32_t units[] = {1, 8, 32};
    (void)state;
    for (uint32_t i = 0; i < COUNT(units); i++)
        live_cut_everywhere(units[i], 0);
}

static void so_does_a_cut_with_a_slow_chip(void **state)
{
    (void)state;
    live_cut_everywhere(8, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_anywhere_in_a_life_leaves_a_device_that_boots_and_gets_on),
        cmocka_unit_test(so_does_a_cut_with_a_slow_chip),
    };
    return cmocka_run_group_tests_name("nor_boot_cut", tests, NULL, NULL);
}

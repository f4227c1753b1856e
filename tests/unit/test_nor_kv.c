/* SPDX-License-Identifier: Apache-2.0 */
/* The store under power cuts. Each step of a long random history is tried with a cut at each of its operations, of each
 * kind; so is the mount after it, and the mount after that. An oracle knows what may be there. */
#include "test.h"

#include "nor/iot_nor_kv.h"
#include "unix/iot_nor_unix.h"

#define SECTOR_MAX  4096u
#define SECTORS_MAX 10u
#define ROOM_MAX    (SECTOR_MAX * SECTORS_MAX * 3u + 4096u)
#define KEYS        7u
#define VALUE_MAX   2100u

struct shape {
    uint32_t sector_bytes, sectors, write_bytes;
    uint32_t keys, value_max;
};

/* What a key holds; len -1: nothing. */
struct value {
    int32_t len;
    uint8_t bytes[VALUE_MAX];
};

static const char *const keys[KEYS] = {"a",          "tls",  "time",           "session",
                                       "iot-id-two", "k-15", "123456789012345"};

static struct iot_nor_unix chip;
static uint32_t room[ROOM_MAX / 4];
static size_t room_bytes;
static struct iot_nor_kv kv;
static struct value oracle[KEYS];
static uint8_t into[VALUE_MAX + 8];
static uint32_t len;
static jmp_buf power;
static uint32_t seed;

static void on_cut(void *ctx, const struct iot_nor_unix_op *op)
{
    (void)ctx;
    (void)op;
    longjmp(power, 1);
}

static void on_fault(void *ctx, const char *rule, uint32_t offset, uint32_t n)
{
    (void)ctx;
    fail_msg("%s: 0x%x, %u bytes", rule, offset, n);
}

/* The first sectors of the chip belong to somebody else. */
#define OTHERS 2u

static void new_chip(const struct shape *s)
{
    room_bytes = iot_nor_unix_room(s->sector_bytes, s->sectors + OTHERS, s->write_bytes);
    assert_true(room_bytes <= sizeof room);
    iot_nor_unix_init(&chip, s->sector_bytes, s->sectors + OTHERS, s->write_bytes, room);
    chip.on_cut = on_cut;
    chip.on_fault = on_fault;
    chip.chance = seed | 1;
    memset(&kv, 0, sizeof kv);
    for (uint32_t i = 0; i < KEYS; i++)
        oracle[i].len = -1;
    memset(chip.bytes, 0x11, OTHERS * s->sector_bytes);
}

static iot_err mount_once(const struct shape *s)
{
    return iot_nor_kv_mount(&kv, &chip.nor, OTHERS * s->sector_bytes, s->sectors);
}

/* As after a reset: what was in RAM is gone. */
static void boot(const struct shape *s)
{
    iot_nor_unix_reboot(&chip);
    memset(&kv, 0, sizeof kv);
    assert_err(mount_once(s), IOT_OK);
}

static iot_err put(const char *key, struct iot_bytes value)
{
    return iot_nor_kv_set(&kv, key, value.ptr, value.len);
}

static bool holds(const char *key, const struct value *v)
{
    iot_err err = iot_nor_kv_get(&kv, key, into, sizeof into, &len);

    if (v->len < 0)
        return err == IOT_ERR_STATE;
    return err == IOT_OK && len == (uint32_t)v->len && memcmp(into, v->bytes, len) == 0;
}

static void assert_holds(const char *key, struct iot_bytes expected)
{
    assert_err(iot_nor_kv_get(&kv, key, into, sizeof into, &len), IOT_OK);
    assert_bytes(((struct iot_bytes){into, len}), expected);
}

static void assert_oracle_but(uint32_t but)
{
    for (uint32_t i = 0; i < KEYS; i++)
        if (i != but && !holds(keys[i], &oracle[i]))
            fail_msg("%s is not what it was", keys[i]);
}

/* ---- A history ------------------------------------------------------------------------------- */

static struct {
    uint32_t key;
    struct value value; /* len -1: del */
} now;

static void make_step(const struct shape *s, uint32_t *chance)
{
    now.key = test_random(chance, s->keys);
    if (test_random(chance, 5) == 0) {
        now.value.len = -1;
        return;
    }
    uint32_t most = test_random(chance, 3) == 0 ? s->value_max : 40;
    now.value.len = (int32_t)test_random(chance, most + 1);
    for (int32_t i = 0; i < now.value.len; i++)
        now.value.bytes[i] = (uint8_t)test_random(chance, 256);
}

static iot_err do_step(void)
{
    if (now.value.len < 0)
        return iot_nor_kv_del(&kv, keys[now.key]);
    return iot_nor_kv_set(&kv, keys[now.key], now.value.bytes, (uint32_t)now.value.len);
}

/* The step without a cut. Returns how many operations it took. */
static uint32_t do_whole_step(void)
{
    uint32_t before = chip.count;
    iot_err err = do_step();

    if (err == IOT_OK)
        oracle[now.key] = now.value;
    else
        assert_err(err, IOT_ERR_FULL);
    if (err != IOT_OK && (now.value.len < 0 || chip.count != before))
        fail_msg("del is never FULL, and FULL writes nothing");
    return chip.count - before;
}

/* Chip and RAM, to come back to. */
struct moment {
    struct iot_nor_unix chip;
    struct iot_nor_kv kv;
    uint32_t room[ROOM_MAX / 4];
};

static void keep(struct moment *m)
{
    m->chip = chip;
    m->kv = kv;
    memcpy(m->room, room, room_bytes);
}

static void back_to(const struct moment *m)
{
    uint32_t chance = chip.chance;

    chip = m->chip;
    chip.chance = chance; /* another one each time */
    kv = m->kv;
    memcpy(room, m->room, room_bytes);
}

/* ---- Cuts ------------------------------------------------------------------------------------ */

static uint32_t cuts, deep_cuts;

/* After a cut: old or new, and from then on always the same. */
static void assert_settled(const struct shape *s)
{
    bool new_one;

    boot(s);
    new_one = holds(keys[now.key], &now.value);
    if (!new_one && !holds(keys[now.key], &oracle[now.key]))
        fail_msg("%s: neither the old value nor the new one", keys[now.key]);
    assert_oracle_but(now.key);
    for (int again = 0; again < 2; again++) {
        boot(s);
        if (!holds(keys[now.key], new_one ? &now.value : &oracle[now.key]))
            fail_msg("%s: one value after the first boot, another one later", keys[now.key]);
        assert_oracle_but(now.key);
    }
    assert_int_equal(chip.count, 0); /* a boot with nothing to mend writes nothing */
}

/* The mount, with a cut at each of its operations; and so on. */
static void recover(const struct shape *s, int depth)
{
    static struct moment moments[3];
    struct moment *m = &moments[depth];
    uint32_t operations;

    keep(m);
    boot(s);
    operations = chip.count;
    for (uint32_t i = 1; i <= operations && depth > 0; i++) {
        for (int kind = 0; kind < IOT_NOR_CUT_KINDS; kind++) {
            if (depth == 1 && kind != (int)(test_random(&seed, IOT_NOR_CUT_KINDS)))
                continue;
            back_to(m);
            iot_nor_unix_reboot(&chip);
            memset(&kv, 0, sizeof kv);
            chip.cut_at = i;
            chip.cut = (enum iot_nor_cut)kind;
            if (setjmp(power) == 0) {
                (void)mount_once(s);
                continue; /* another choice of weak bits took fewer operations */
            }
            deep_cuts++;
            recover(s, depth - 1);
        }
    }
    back_to(m);
    assert_settled(s);
}

/* The step, with a cut at each of its operations. Afterwards as before. */
static void cut_step(const struct shape *s, int depth)
{
    static struct moment start;
    static struct value was[KEYS];
    uint32_t operations;

    keep(&start);
    memcpy(was, oracle, sizeof was);
    operations = do_whole_step();
    memcpy(oracle, was, sizeof was);
    for (uint32_t i = 1; i <= operations; i++) {
        for (int kind = 0; kind < IOT_NOR_CUT_KINDS; kind++) {
            back_to(&start);
            chip.count = 0;
            chip.cut_at = i;
            chip.cut = (enum iot_nor_cut)kind;
            if (setjmp(power) == 0) {
                (void)do_step();
                fail_msg("operation %u did not come", i);
            }
            cuts++;
            recover(s, depth);
            (void)do_whole_step(); /* and the store goes on */
            boot(s);
            assert_oracle_but(KEYS);
            memcpy(oracle, was, sizeof was);
        }
    }
    back_to(&start);
}

static void live(const struct shape *s, uint32_t steps, uint32_t cut_every, int depth)
{
    uint32_t chance;

    cuts = deep_cuts = 0;
    seed = test_seed();
    chance = seed;
    new_chip(s);
    boot(s);
    for (uint32_t i = 0; i < steps; i++) {
        make_step(s, &chance);
        if (i % cut_every == 0)
            cut_step(s, depth);
        (void)do_whole_step();
        assert_oracle_but(KEYS);
        if (i % 7 == 0) {
            boot(s);
            assert_oracle_but(KEYS);
        }
    }
    for (uint32_t i = 0; i < OTHERS * s->sector_bytes; i++)
        assert_int_equal(chip.bytes[i], 0x11);
    print_message("%u sectors of %u bytes, units of %u: %u cuts, %u in recoveries\n", s->sectors,
                  s->sector_bytes, s->write_bytes, cuts, deep_cuts);
}

static void a_cut_anywhere_leaves_the_old_value_or_the_new_one(void **state)
{
    static const uint32_t units[] = {1, 2, 4, 8, 16, 32}, counts[] = {2, 3, 8};
    (void)state;
    for (uint32_t u = 0; u < COUNT(units); u++) {
        for (uint32_t c = 0; c < COUNT(counts); c++) {
            const struct shape s = {units[u] == 32 ? 1024 : 512, counts[c], units[u], 5, 150};
            live(&s, 90, 1, 1);
            assert_true(cuts > 1000);
        }
    }
}

static void so_does_a_cut_in_the_recovery_and_in_the_recovery_of_that(void **state)
{
    static const struct shape shapes[] = {
        {512, 2, 8, 5, 100},
        {512, 3, 1, 6, 120},
        {1024, 3, 32, 5, 150},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(shapes); i++) {
        live(&shapes[i], 60, 2, 2);
        assert_true(deep_cuts > 1000);
    }
}

static void large_values_in_large_sectors_survive_cuts(void **state)
{
    static const struct shape shapes[] = {{4096, 2, 8, 4, 2048}, {4096, 3, 4, 5, 2048}};
    (void)state;
    for (uint32_t i = 0; i < COUNT(shapes); i++)
        live(&shapes[i], 40, 4, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_anywhere_leaves_the_old_value_or_the_new_one),
        cmocka_unit_test(so_does_a_cut_in_the_recovery_and_in_the_recovery_of_that),
        cmocka_unit_test(large_values_in_large_sectors_survive_cuts),
    };
    return cmocka_run_group_tests_name("nor_kv", tests, NULL, NULL);
}

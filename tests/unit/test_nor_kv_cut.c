/* SPDX-License-Identifier: Apache-2.0 */
/* The store under power cuts. Steps of a long random history are tried with a cut at each of their operations, of each
 * kind; so is the mount after it, and the mount after that. An oracle knows what may be there.
 *
 * TEST_CUTS=all tries each step, which takes minutes with sanitizers; TEST_SEED= another history. */
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
    uint32_t slow; /* AGAIN so often at each operation */
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
    chip.slow = s->slow;
    chip.chance = seed | 1;
    memset(&kv, 0, sizeof kv);
    for (uint32_t i = 0; i < KEYS; i++)
        oracle[i].len = -1;
    memset(chip.bytes, 0x11, OTHERS * s->sector_bytes);
}

#define ASKS_MAX 20000

static iot_err mount_all(const struct shape *s)
{
    for (int i = 0; i < ASKS_MAX; i++) {
        iot_err err = iot_nor_kv_mount(&kv, &chip.nor, OTHERS * s->sector_bytes, s->sectors);
        if (err != IOT_ERR_AGAIN)
            return err;
        assert_true(s->slow != 0);
    }
    return IOT_ERR_AGAIN;
}

/* As after a reset: what was in RAM is gone. */
static void boot(const struct shape *s)
{
    iot_nor_unix_reboot(&chip);
    memset(&kv, 0, sizeof kv);
    assert_err(mount_all(s), IOT_OK);
}

static bool holds(const char *key, const struct value *v)
{
    iot_err err = iot_nor_kv_get(&kv, key, into, sizeof into, &len);

    if (v->len < 0)
        return err == IOT_ERR_STATE;
    return err == IOT_OK && len == (uint32_t)v->len && memcmp(into, v->bytes, len) == 0;
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

static iot_err ask_step(void)
{
    if (now.value.len < 0)
        return iot_nor_kv_del(&kv, keys[now.key]);
    return iot_nor_kv_set(&kv, keys[now.key], now.value.bytes, (uint32_t)now.value.len);
}

static iot_err do_step(void)
{
    iot_err err = IOT_ERR_AGAIN;

    for (int i = 0; i < ASKS_MAX && err == IOT_ERR_AGAIN; i++)
        err = ask_step();
    return err;
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

/* false: it was over before. In functions of their own, as longjmp is hard on variables. */
static bool cut_mount(const struct shape *s, uint32_t at, enum iot_nor_cut kind)
{
    chip.cut_at = at;
    chip.cut = kind;
    if (setjmp(power) != 0)
        return true;
    (void)mount_all(s);
    return false;
}

static bool cut_one(uint32_t at, enum iot_nor_cut kind)
{
    chip.count = 0;
    chip.cut_at = at;
    chip.cut = kind;
    if (setjmp(power) != 0)
        return true;
    (void)do_step();
    return false;
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
            if (!cut_mount(s, i, (enum iot_nor_cut)kind))
                continue; /* another choice of weak bits took fewer operations */
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
            if (!cut_one(i, (enum iot_nor_cut)kind))
                fail_msg("operation %u did not come", i);
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

/* Steps until each sector was in use, then those whose cuts are tried. */
static void live(const struct shape *s, uint32_t steps, uint32_t cut_every, int depth)
{
    const char *all = getenv("TEST_CUTS");
    uint32_t chance, warm = s->sectors * s->sector_bytes / 64;

    cuts = deep_cuts = 0;
    seed = test_seed();
    chance = seed;
    new_chip(s);
    boot(s);
    for (uint32_t i = 0; i < warm + steps; i++) {
        make_step(s, &chance);
        if (i >= warm && (i % cut_every == 0 || (all != NULL && strcmp(all, "all") == 0)))
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
    for (uint32_t i = OTHERS; i < OTHERS + s->sectors; i++)
        assert_true(chip.wear[i] > 0);
    print_message("%u sectors of %u bytes, units of %u: %u cuts, %u in recoveries\n", s->sectors,
                  s->sector_bytes, s->write_bytes, cuts, deep_cuts);
    assert_true(cuts > 100 && deep_cuts > 100);
}

static void a_cut_anywhere_leaves_the_old_value_or_the_new_one(void **state)
{
    static const struct shape shapes[] = {
        {512, 2, 1, 5, 150, 0},   {512, 3, 1, 7, 200, 0},   {512, 8, 1, 7, 300, 0},
        {512, 2, 4, 5, 150, 0},   {512, 8, 4, 7, 300, 0},   {512, 3, 8, 7, 200, 0},
        {512, 8, 8, 7, 300, 0},   {512, 2, 16, 5, 100, 0},  {512, 3, 16, 7, 200, 0},
        {1024, 2, 32, 5, 200, 0}, {1024, 8, 32, 7, 600, 0},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(shapes); i++)
        live(&shapes[i], 60, 3, 1);
}

static void so_does_a_cut_in_the_recovery_and_in_the_recovery_of_that(void **state)
{
    static const struct shape shapes[] = {
        {512, 2, 8, 4, 100, 0}, {512, 3, 1, 6, 120, 0}, {1024, 3, 32, 5, 150, 0}};
    (void)state;
    for (uint32_t i = 0; i < COUNT(shapes); i++)
        live(&shapes[i], 60, 6, 2);
}

static void so_does_a_cut_of_a_chip_that_is_busy(void **state)
{
    static const struct shape shapes[] = {{512, 2, 8, 5, 120, 1}, {512, 3, 4, 7, 200, 3}};
    (void)state;
    for (uint32_t i = 0; i < COUNT(shapes); i++)
        live(&shapes[i], 60, 4, 1);
}

static void so_does_a_cut_in_a_large_value_in_a_large_sector(void **state)
{
    static const struct shape shapes[] = {{4096, 2, 8, 4, 2048, 0}, {4096, 3, 4, 5, 2048, 0}};
    (void)state;
    for (uint32_t i = 0; i < COUNT(shapes); i++)
        live(&shapes[i], 40, 8, 1);
}

static void set_value(uint32_t key, int32_t n, uint8_t byte)
{
    now.key = key;
    now.value.len = n;
    memset(now.value.bytes, byte, n > 0 ? (size_t)n : 0);
}

/* The oldest sector is nearly full of what counts, the key's old value included; so it has to move on as it is before
 * the new value finds room. */
static void so_does_a_cut_while_the_oldest_sector_moves_on(void **state)
{
    const struct shape s = {1024, 3, 8, KEYS, 0, 0};
    (void)state;
    cuts = deep_cuts = 0;
    seed = test_seed();
    for (int32_t last = -1; last <= 500; last += 501) { /* deleted, or replaced by more */
        new_chip(&s);
        boot(&s);
        for (uint32_t key = 0; key < 4; key++) {
            set_value(key, 200, (uint8_t)key);
            (void)do_whole_step();
        }
        for (uint8_t i = 0; kv.newest == 0 || kv.tail + 56 <= s.sector_bytes; i++) {
            set_value(4, 20, i);
            (void)do_whole_step();
        }
        set_value(5, 0, 0); /* not even a deletion has room now */
        (void)do_whole_step();
        set_value(0, last, 9);
        cut_step(&s, 2);
        uint32_t before = chip.wear[OTHERS] + chip.wear[OTHERS + 1] + chip.wear[OTHERS + 2];
        (void)do_whole_step();
        uint32_t after = chip.wear[OTHERS] + chip.wear[OTHERS + 1] + chip.wear[OTHERS + 2];
        print_message("%d bytes: %u sectors moved on\n", last, after - before);
        assert_int_equal(after - before, last > 0 ? 2 : 1);
        assert_true(holds(keys[0], &now.value));
    }
    assert_true(cuts > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_anywhere_leaves_the_old_value_or_the_new_one),
        cmocka_unit_test(so_does_a_cut_in_the_recovery_and_in_the_recovery_of_that),
        cmocka_unit_test(so_does_a_cut_while_the_oldest_sector_moves_on),
        cmocka_unit_test(so_does_a_cut_of_a_chip_that_is_busy),
        cmocka_unit_test(so_does_a_cut_in_a_large_value_in_a_large_sector),
    };
    return cmocka_run_group_tests_name("nor_kv_cut", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the world puts under a device: memory that runs out, a board that fails, and an ear between it and
 * lwIP. */
#include "lamp.h"

#include "world/world_clock.h"
#include "world/world_lwip.h"
#include "world/world_wire.h"

#include "lwip/memp.h"

#define PERCENT(n) ((n)*10000u)

/* ---- Memory ------------------------------------------------------------------------------ */

static uint32_t refused_nth;

/* One life: connect, publish, close; the n-th allocation of it fails. */
static void live_once(uint32_t n)
{
    world_board_power_cut(&lamp.board);
    lamp_init();
    uint32_t refused = world_famine_refused_all();
    world_famine_nth(n);
    lamp_deliver(2);
    refused_nth += world_famine_refused_all() - refused;
    world_famine_end();
    lamp_close();
}

static void nth(void)
{
    lamp_begin();
    lamp_connect();
    lamp_close();
    for (uint32_t n = 1; n <= 200; n++) {
        assert_true(world_loop_until(world_ms() + 61000)); /* until the name is forgotten */
        live_once(n);
        assert_int_equal(world_famine_refused_all(), refused_nth);
    }
    /* a life needs some 20 of them at least, and each was refused once */
    assert_in_range(refused_nth, 20, 200);
}

static void the_nth_allocation_is_refused_and_the_message_arrives(void **state)
{
    (void)state;
    scenario_run(nth);
}

static void hunger(void)
{
    lamp_begin();
    world_famine_set(PERCENT(20));
    lamp_deliver(200);
    for (int kind = 0; kind < WORLD_FAMINE_KINDS; kind++)
        if (kind != WORLD_FAMINE_NEW && kind != WORLD_FAMINE_CONNECT)
            assert_true(world_famine_refused((enum world_famine_kind)kind) > 0);

    world_famine_end();
    uint32_t refused = world_famine_refused_all();
    lamp_deliver(10);
    assert_int_equal(world_famine_refused_all(), refused);

    world_famine_pool(MEMP_PBUF_POOL, true);
    lamp.wanted++;
    lamp_loses(IOT_ERR_MQTT_ACK_TIMEOUT);
    assert_true(world_lane_counts(WORLD_DOWN)->refused > 0);
    world_famine_pool(MEMP_PBUF_POOL, false);
    world_famine_pool(-1, true);
    lamp.wanted++;
    assert_true(world_loop_until(world_ms() + 1000));
    assert_true(lamp.done < lamp.wanted);
    world_famine_end();
    lamp_deliver(1);

    refused = world_famine_calls();
    world_famine_shield(1);
    lamp_deliver(10);
    world_famine_shield(-1);
    assert_int_equal(world_famine_calls(), refused);
}

static void a_famine_has_its_chance_its_pools_and_its_end(void **state)
{
    (void)state;
    scenario_run(hunger);
}

/* ---- The tap ----------------------------------------------------------------------------- */

static char life[256];
static uint32_t sent_bytes, heard_bytes;

static void note(const char *word)
{
    assert_true(strlen(life) + strlen(word) + 2 < sizeof life);
    strcat(strcat(life, word), " ");
}

static void note_resolving(void *ctx)
{
    (void)ctx;
    note("resolving");
}
static void note_connecting(void *ctx)
{
    (void)ctx;
    note("connecting");
}
static void note_connected(void *ctx)
{
    (void)ctx;
    note("connected");
}
static void note_eof(void *ctx)
{
    (void)ctx;
    note("eof");
}
static void note_closed(void *ctx)
{
    (void)ctx;
    note("closed");
}
static void note_sent(void *ctx, struct iot_bytes bytes)
{
    (void)ctx;
    if (sent_bytes == 0)
        assert_int_equal(bytes.ptr[0], 0x10);
    sent_bytes += bytes.len;
}
static void note_heard(void *ctx, struct iot_bytes bytes)
{
    (void)ctx;
    if (heard_bytes == 0)
        assert_int_equal(bytes.ptr[0], 0x20);
    heard_bytes += bytes.len;
}

static void tapped(void)
{
    static const struct world_tap_ops ops = {.resolving = note_resolving,
                                             .connecting = note_connecting,
                                             .connected = note_connected,
                                             .sent = note_sent,
                                             .heard = note_heard,
                                             .eof = note_eof,
                                             .closed = note_closed};
    /* neighbours in memory that say nothing */
    static struct iot_device others[3];
    for (size_t i = COUNT(others); i > 0; i--)
        world_tap(&others[i - 1], NULL, NULL);
    world_tap(&lamp.dev, &ops, NULL);
    lamp_begin();
    lamp_deliver(3);
    assert_string_equal(life, "resolving connecting connected ");
    assert_int_equal(heard_bytes, 4 + 3 * 4);
    assert_int_equal(sent_bytes, 2 + 10 + 2 + 4 + 3 * (2 + 2 + 10 + 2 + 100));
    lamp_close();
    assert_string_equal(life, "resolving connecting connected eof closed ");

    life[0] = 0;
    lamp_init();
    lamp_connect();
    world_wire_address(9);
    assert_string_equal(life, "resolving connecting connected closed ");
    lamp_connect();
    lamp_close();

    /* an attempt that lwIP refuses is none: tcp_new, its memory, then tcp_connect */
    assert_true(world_loop_until(world_ms() + 1000));
    life[0] = 0;
    lamp_init();
    world_famine_nth(3);
    lamp_connect();
    assert_int_equal(world_famine_refused(WORLD_FAMINE_CONNECT), 1);
    assert_string_equal(life, "resolving resolving connecting connected ");

    world_tap(&lamp.dev, NULL, NULL);
    lamp_close();
    assert_string_equal(life, "resolving resolving connecting connected ");
}

static void the_tap_tells_a_connection_s_life_in_order(void **state)
{
    (void)state;
    scenario_run(tapped);
}

/* ---- The board --------------------------------------------------------------------------- */

static void boards(void)
{
    static struct world_board a, b;
    struct iot_port pa, pb;
    uint8_t one[16], two[16];
    uint32_t len;
    int64_t wall;

    world_board_start(&a, scenario_seed(), 1);
    world_board_start(&b, scenario_seed(), 2);
    world_board_port(&a, &pa);
    world_board_port(&b, &pb);
    assert_err(pa.random(pa.ctx, one, sizeof one), IOT_OK);
    assert_err(pb.random(pb.ctx, two, sizeof two), IOT_OK);
    assert_memory_not_equal(one, two, sizeof one);
    a.random_again = 2;
    assert_err(pa.random(pa.ctx, one, 1), IOT_ERR_AGAIN);
    assert_err(pa.random(pa.ctx, one, 1), IOT_ERR_AGAIN);
    assert_err(pa.random(pa.ctx, one, 1), IOT_OK);
    a.random_broken = true;
    assert_err(pa.random(pa.ctx, one, 1), IOT_ERR_RANDOM);

    assert_err(pa.wall(pa.ctx, &wall), IOT_ERR_AGAIN);
    world_board_wall_set(&a, 1700000000);
    assert_true(world_loop_until(world_ms() + 2500));
    assert_err(pa.wall(pa.ctx, &wall), IOT_OK);
    assert_int_equal(wall, 1700000002);
    world_board_wall_forget(&a);
    assert_err(pa.wall(pa.ctx, &wall), IOT_ERR_AGAIN);

    assert_err(pa.kv_get(pa.ctx, "k", one, sizeof one, &len), IOT_ERR_STATE);
    assert_err(pa.kv_set(pa.ctx, "k", "old", 3), IOT_OK);
    assert_err(pa.kv_get(pa.ctx, "k", one, 2, &len), IOT_ERR_SIZE);
    assert_err(pa.kv_set(pa.ctx, "k23456789012345", "", 0), IOT_OK);
    assert_err(pa.kv_set(pa.ctx, "k234567890123456", "", 0), IOT_ERR_SIZE);
    assert_err(pa.kv_del(pa.ctx, "k23456789012345"), IOT_OK);
    a.kv_again = 1;
    assert_err(pa.kv_del(pa.ctx, "k"), IOT_ERR_AGAIN);
    for (char key[] = "a"; key[0] < 'h'; key[0]++)
        assert_err(pa.kv_set(pa.ctx, key, key, 1), IOT_OK);
    assert_err(pa.kv_set(pa.ctx, "z", "z", 1), IOT_ERR_FULL);
    a.kv_broken = true;
    assert_err(pa.kv_get(pa.ctx, "k", one, sizeof one, &len), IOT_ERR_KV);
    a.kv_broken = false;
    assert_err(pb.kv_get(pb.ctx, "k", one, sizeof one, &len), IOT_ERR_STATE);

    uint32_t stayed[2] = {0, 0};
    for (int i = 0; i < 40; i++) {
        assert_err(pa.kv_set(pa.ctx, "k", "old", 3), IOT_OK);
        a.kv_cut = 2;
        assert_err(pa.kv_set(pa.ctx, "a", "A", 1), IOT_OK);
        assert_err(pa.kv_set(pa.ctx, "k", "fresh", 5), IOT_ERR_KV);
        assert_true(a.power_gone);
        assert_err(pa.kv_get(pa.ctx, "k", one, sizeof one, &len), IOT_ERR_KV);
        world_board_power_cut(&a);
        assert_err(pa.kv_get(pa.ctx, "k", one, sizeof one, &len), IOT_OK);
        assert_bytes(((struct iot_bytes){one, len}), len == 3 ? BYTES("old") : BYTES("fresh"));
        stayed[len == 5]++;
    }
    assert_true(stayed[0] > 0 && stayed[1] > 0);
}

static void a_board_s_store_outlives_power_and_each_part_can_fail(void **state)
{
    (void)state;
    scenario_run(boards);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nth_allocation_is_refused_and_the_message_arrives),
        cmocka_unit_test(a_famine_has_its_chance_its_pools_and_its_end),
        cmocka_unit_test(the_tap_tells_a_connection_s_life_in_order),
        cmocka_unit_test(a_board_s_store_outlives_power_and_each_part_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

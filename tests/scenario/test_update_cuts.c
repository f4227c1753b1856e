/* SPDX-License-Identifier: Apache-2.0 */
/* A device updates itself over plain HTTP, on real lwIP at both ends, with an image of four sectors that comes in two ranges.
 * Network and power are cut wherever they can be; then it goes on. Whatever was cut: what boots is a whole image, no
 * byte came twice or in a wrong place, and in the end the new image runs. TEST_CUTS=all: more pairs. */
#include "scenario.h"

#include "world/world_trace.h"
#include "world/world_update.h"
#include "world/world_wire.h"

#include <inttypes.h>

#define SECTOR      1024u
#define IMAGE_BYTES (3u * SECTOR + 100u)
#define RANGE       2000u
#define LARGE_BYTES (4u << 20)

static struct world_update update;
static struct world_web *web;
static uint32_t net_cuts, power_cuts;
/* Of an undisturbed update: bytes of responses; operations of the life that fetches and of the one that confirms. */
static uint64_t bytes_all;
static uint32_t operations[2];

static void fill(uint8_t *image, uint32_t n, uint32_t step)
{
    for (uint32_t i = 0; i < n; i++)
        image[i] = (uint8_t)(i * step + i / 251 + (i >> 16));
}

static void make(const struct world_update_shape *shape, uint8_t *old_image, uint8_t *new_image,
                 void *room, void *factory_room)
{
    fill(old_image, shape->image_bytes, 13);
    fill(new_image, shape->image_bytes, 7);
    web = world_web_start();
    web->image = (struct iot_bytes){new_image, shape->image_bytes};
    web->etag = "\"v2\"";
    assert_true(world_update_make(&update, scenario_seed(), shape, room, factory_room, old_image,
                                  new_image));
}

static void anew(void)
{
    world_update_anew(&update);
    world_web_forget();
    web->cut = WORLD_WEB_WHOLE;
}

static void lives(enum world_update_end expected)
{
    assert_int_equal(world_update_live(&update), expected);
}

static void make_small(uint32_t write_bytes, uint32_t slow)
{
    static uint8_t old_image[IMAGE_BYTES], new_image[IMAGE_BYTES];
    static uint32_t room[16384], factory_room[16384];
    struct world_update_shape shape = {.sector = SECTOR,
                                       .write_bytes = write_bytes,
                                       .image_bytes = IMAGE_BYTES,
                                       .slow = slow,
                                       .range = RANGE};

    assert_true(world_update_room(&shape) <= sizeof room);
    make(&shape, old_image, new_image, room, factory_room);
    anew();
    lives(WORLD_UPDATE_FETCHED);
    bytes_all = web->sent;
    operations[0] = update.operations;
    assert_int_equal(web->requests, 2);
    assert_int_equal(web->accepted, 1);
    assert_int_equal(web->bodies, IMAGE_BYTES);
    assert_true(bytes_all > IMAGE_BYTES + 200);
    lives(WORLD_UPDATE_ARRIVED);
    operations[1] = update.operations;
    assert_true(operations[0] > 50 && operations[1] > 0);
}

static bool want_all(void)
{
    const char *all = getenv("TEST_CUTS");
    return all != NULL && strcmp(all, "all") == 0;
}

/* ---- The network -------------------------------------------------------------------------- */

static void cut_network(enum world_web_cut kind, uint64_t at)
{
    anew();
    web->cut = kind;
    web->cut_at = at;
    lives(WORLD_UPDATE_FETCHED);
    assert_int_equal(web->cuts, 1);
    net_cuts++;
    assert_int_equal(web->bodies, IMAGE_BYTES); /* nothing was lost, nothing came again */
    assert_in_range(web->requests, 2, 3);
    assert_true(world_update_arrive(&update));
}

static void every_byte(void)
{
    make_small(8, 0);
    for (uint64_t at = 0; at < bytes_all; at++)
        for (int kind = WORLD_WEB_CLOSE; kind < WORLD_WEB_CUTS; kind++)
            cut_network((enum world_web_cut)kind, at);
    print_message("figure: %u cuts of the network tried, 0 failures\n", net_cuts);
}

static void the_network_may_be_cut_at_every_byte_of_the_responses(void **state)
{
    (void)state;
    scenario_run(every_byte);
}

/* ---- Power -------------------------------------------------------------------------------- */

static void cut_power(uint32_t life, uint32_t at, enum iot_nor_cut kind)
{
    anew();
    if (life == 1)
        lives(WORLD_UPDATE_FETCHED);
    update.chip.cut_at = at;
    update.chip.cut = kind;
    lives(WORLD_UPDATE_CUT);
    power_cuts++;
    assert_true(world_update_arrive(&update));
}

static void every_operation(void)
{
    for (uint32_t life = 0; life < 2; life++)
        for (uint32_t at = 1; at <= operations[life]; at++)
            for (int kind = 0; kind < IOT_NOR_CUT_KINDS; kind++)
                cut_power(life, at, (enum iot_nor_cut)kind);
    print_message("figure: %u cuts of power tried, 0 failures\n", power_cuts);
}

static void a_quick_chip(void)
{
    make_small(8, 0);
    every_operation();
}

static void a_slow_chip(void)
{
    make_small(32, 2);
    every_operation();
}

static void power_may_be_cut_in_every_operation_of_the_flash(void **state)
{
    (void)state;
    scenario_run(a_quick_chip);
    scenario_run(a_slow_chip);
}

/* ---- Both --------------------------------------------------------------------------------- */

static void set_cuts(struct world_chance *c)
{
    web->cut = (enum world_web_cut)world_chance_below(c, WORLD_WEB_CUTS);
    web->cut_at = web->sent + world_chance_below(c, (uint32_t)bytes_all);
    update.chip.cut_at = world_chance_below(c, operations[0] * 3 / 2);
    update.chip.cut = (enum iot_nor_cut)world_chance_below(c, IOT_NOR_CUT_KINDS);
}

static void pairs(void)
{
    struct world_chance c;

    world_chance_seed(&c, scenario_seed(), WORLD_STREAM_TEST);
    make_small(8, 0);
    for (uint32_t i = 0; i < (want_all() ? 20000u : 1000u); i++) {
        anew();
        for (uint32_t n = 0; n < 2; n++) {
            set_cuts(&c);
            enum world_update_end end = world_update_live(&update);
            assert_int_not_equal(end, WORLD_UPDATE_WRONG);
            power_cuts += end == WORLD_UPDATE_CUT;
        }
        web->cut = WORLD_WEB_WHOLE;
        assert_true(world_update_arrive(&update));
        net_cuts += web->cuts;
    }
    assert_true(net_cuts > 500 && power_cuts > 500);
    print_message("figure: seed %" PRIu64
                  ": %u cuts of the network and %u of power tried together, "
                  "0 failures\n",
                  scenario_seed(), net_cuts, power_cuts);
}

static void both_may_be_cut_in_one_life_and_in_the_next(void **state)
{
    (void)state;
    scenario_run(pairs);
}

/* ---- Another image, other manners --------------------------------------------------------- */

static void manners(void)
{
    static uint8_t third[IMAGE_BYTES];

    make_small(8, 0);
    fill(third, IMAGE_BYTES, 3);

    anew(); /* the server has the wrong image at first, and the right one when the second range is asked for */
    struct iot_bytes right = web->image;
    web->image = (struct iot_bytes){third, IMAGE_BYTES};
    web->etag = "\"v1\"";
    web->later = 1;
    web->later_image = right;
    web->later_etag = "\"v2\"";
    lives(WORLD_UPDATE_FETCHED);
    assert_int_equal(web->bodies,
                     RANGE + IMAGE_BYTES); /* no byte of it is taken for one of the other's */
    assert_true(world_update_arrive(&update));

    anew();
    web->no_ranges = true; /* what was fetched is of no use then */
    web->cut = WORLD_WEB_RESET;
    web->cut_at = 1500;
    lives(WORLD_UPDATE_FETCHED);
    assert_int_equal(web->requests, 2);
    assert_true(web->bodies > IMAGE_BYTES);
    assert_true(world_update_arrive(&update));
    web->no_ranges = false;

    anew();
    web->chunk = 100;
    web->no_keep = true;
    lives(WORLD_UPDATE_FETCHED);
    assert_int_equal(web->bodies, IMAGE_BYTES);
    assert_int_equal(web->accepted, 2);
    assert_true(world_update_arrive(&update));
    web->no_keep = false;

    anew();
    web->refusals = 3;
    web->status = 503;
    lives(WORLD_UPDATE_FETCHED);
    assert_int_equal(web->requests, 5);
    assert_true(world_update_arrive(&update));
}

static void servers_have_their_manners(void **state)
{
    (void)state;
    scenario_run(manners);
}

static void other_image(void)
{
    static uint8_t third[IMAGE_BYTES];

    make_small(8, 0);
    fill(third, IMAGE_BYTES, 3);
    anew();
    web->image = (struct iot_bytes){third, IMAGE_BYTES};
    scenario_expect_violations(1);
    lives(WORLD_UPDATE_WRONG);
    assert_err(update.err, IOT_ERR_OTA_DIGEST);
}

static void a_server_with_another_image_is_found_out(void **state)
{
    (void)state;
    scenario_run(other_image);
}

/* ---- 4 MiB -------------------------------------------------------------------------------- */

static void large(void)
{
    static uint8_t old_image[LARGE_BYTES], new_image[LARGE_BYTES];
    static uint32_t room[(8u << 20) * 5 / 8 + 65536 * 4], factory_room[COUNT(room)];
    struct world_update_shape shape = {
        .sector = 65536, .write_bytes = 32, .image_bytes = LARGE_BYTES, .range = 1u << 20};

    assert_true(world_update_room(&shape) <= sizeof room);
    make(&shape, old_image, new_image, room, factory_room);
    anew();
    web->cut = WORLD_WEB_STALL;
    web->cut_at = 3000000;
    update.chip.cut_at = 60000;
    update.chip.cut = IOT_NOR_CUT_HALF;
    lives(WORLD_UPDATE_CUT);
    assert_int_equal(web->cuts, 1);
    assert_true(world_update_arrive(&update));
    assert_in_range(web->bodies, LARGE_BYTES, LARGE_BYTES + 65536 + 16384);
    print_message("figure: %u bytes through a window of %u\n", LARGE_BYTES,
                  (unsigned)IOT_HTTP_RX_BYTES);
}

static void four_mebibytes_go_through_a_window_of_one_kibibyte(void **state)
{
    (void)state;
    scenario_run(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_network_may_be_cut_at_every_byte_of_the_responses),
        cmocka_unit_test(power_may_be_cut_in_every_operation_of_the_flash),
        cmocka_unit_test(both_may_be_cut_in_one_life_and_in_the_next),
        cmocka_unit_test(servers_have_their_manners),
        cmocka_unit_test(a_server_with_another_image_is_found_out),
        cmocka_unit_test(four_mebibytes_go_through_a_window_of_one_kibibyte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

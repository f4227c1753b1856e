/* SPDX-License-Identifier: Apache-2.0 */
/* The wire by itself: numbered datagrams from the device's side to somebody on the other, and what becomes of
 * their order and their bits. */
#include "scenario.h"

#include "world/world_chance.h"
#include "world/world_dns.h"
#include "world/world_loop.h"
#include "world/world_wire.h"

#include "lwip/dns.h"
#include "lwip/udp.h"

#define THERE_IP   0x0a020007u /* 10.2.0.7 */
#define COUNT_MAX  2000u
#define HEADERS    28u /* IP and UDP; a number of four bytes is behind them */
#define PERCENT(n) ((n)*10000u)

static uint32_t got[2 * COUNT_MAX], got_count;
static uint64_t got_at[2 * COUNT_MAX];
static uint64_t *pattern; /* seen by the parent, too */

static void on_packet(const uint8_t *packet, uint32_t len)
{
    assert_int_equal(len, HEADERS + sizeof got[0]);
    assert_true(got_count < COUNT(got));
    memcpy(&got[got_count], packet + HEADERS, sizeof got[0]);
    got_at[got_count++] = world_ms();
}

static void send_one(uint32_t number)
{
    struct udp_pcb *pcb = udp_new();
    ip_addr_t to;

    IP_ADDR4(&to, 10, 2, 0, 7);
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, sizeof number, PBUF_RAM);
    memcpy(p->payload, &number, sizeof number);
    assert_int_equal(udp_sendto(pcb, p, &to, 9), ERR_OK);
    pbuf_free(p);
    udp_remove(pcb);
}

/* A datagram per ms, numbered from 0; then until all have arrived. */
static void send(uint32_t count)
{
    world_wire_host(THERE_IP, on_packet);
    got_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        send_one(i);
        assert_true(world_loop_until(world_ms() + 1));
    }
    assert_true(world_loop_until(world_ms() + 2000));
    assert_int_equal(world_wire_load(), 0);
}

static uint32_t steps_back(void)
{
    uint32_t count = 0;

    for (uint32_t i = 1; i < got_count; i++)
        count += got[i] < got[i - 1];
    return count;
}

static void order(void)
{
    world_lane(WORLD_UP)->jitter_ms = 50;
    send(COUNT_MAX);
    assert_int_equal(got_count, COUNT_MAX);
    assert_int_equal(steps_back(), 0);
    assert_in_range(got_at[COUNT_MAX - 1] - got_at[0], COUNT_MAX - 51, COUNT_MAX + 50);

    world_wire_calm();
    world_lane(WORLD_UP)->reorder = PERCENT(5);
    send(COUNT_MAX);
    assert_int_equal(got_count, COUNT_MAX);
    assert_in_range(steps_back(), 50, 150);
    assert_in_range(world_lane_counts(WORLD_UP)->reordered, 50, 150);
}

static void jitter_keeps_the_order_and_reordering_does_not(void **state)
{
    (void)state;
    scenario_run(order);
}

static void doubles(void)
{
    world_lane(WORLD_UP)->duplicate = PERCENT(10);
    send(COUNT_MAX);
    uint64_t doubled = world_lane_counts(WORLD_UP)->duplicated;
    assert_in_range(doubled, 140, 260);
    assert_int_equal(got_count, COUNT_MAX + doubled);
    assert_int_equal(world_lane_counts(WORLD_UP)->delivered, COUNT_MAX + doubled);
}

static void a_duplicate_arrives_twice(void **state)
{
    (void)state;
    scenario_run(doubles);
}

static void on_their_way(void)
{
    world_lane(WORLD_UP)->delay_ms = 1000;
    send(1);
    assert_int_equal(got_count, 1);
    for (int how = 0; how < 3; how++) {
        got_count = 0;
        world_lane(WORLD_UP)->delay_ms = 3000;
        send_one(0);
        if (how == 0)
            world_wire_link(false);
        else if (how == 1)
            world_wire_admin(false);
        else
            world_lane(WORLD_UP)->cut = true;
        assert_true(world_loop_until(world_ms() + 5000));
        assert_int_equal(got_count, 0);
        assert_int_equal(world_wire_load(), 0);
        world_wire_calm();
    }
    assert_int_equal(world_lane_counts(WORLD_UP)->dead, 2);
    assert_int_equal(world_lane_counts(WORLD_UP)->cut, 1);
}

static void what_is_on_its_way_is_lost_when_nothing_passes(void **state)
{
    (void)state;
    scenario_run(on_their_way);
}

/* Of the 31 bytes that may be hit, 12 are behind the IP header, whose checksum the wire looks at itself; 4
 * of these are the number. */
static void flips(void)
{
    uint32_t changed = 0;

    world_lane(WORLD_UP)->corrupt = PERCENT(100);
    send(COUNT_MAX);
    assert_int_equal(world_lane_counts(WORLD_UP)->corrupted, COUNT_MAX);
    assert_int_equal(got_count + world_lane_counts(WORLD_UP)->astray, COUNT_MAX);
    assert_in_range(got_count, COUNT_MAX * 10 / 31, COUNT_MAX * 14 / 31);
    for (uint32_t i = 0; i < got_count; i++)
        changed += got[i] >= COUNT_MAX;
    assert_in_range(changed, COUNT_MAX * 2 / 31, COUNT_MAX * 4 / 31);
}

static void a_corrupted_frame_has_another_bit(void **state)
{
    (void)state;
    scenario_run(flips);
}

static void on_name(const char *name, const ip_addr_t *ip, void *arg)
{
    bool *answered = arg;

    (void)name;
    *answered = ip == NULL;
}

static void names_in_noise(void)
{
    ip_addr_t ip;

    world_dns_name("a.world");
    world_lane(WORLD_UP)->corrupt = PERCENT(100);
    for (int i = 0; i < 20; i++) {
        bool answered = false;
        assert_int_equal(dns_gethostbyname("a.world", &ip, on_name, &answered), ERR_INPROGRESS);
        assert_true(world_loop_until(world_ms() + 20000));
        assert_true(answered);
    }
    assert_true(world_lane_counts(WORLD_UP)->corrupted >= 60);
    assert_int_equal(world_dns_questions(), 0);
}

static void the_name_server_hears_no_corrupted_question(void **state)
{
    (void)state;
    scenario_run(names_in_noise);
}

/* Which of 64 arrive. */
static void thin_out(void)
{
    world_lane(WORLD_UP)->loss = PERCENT(50);
    send(64);
    *pattern = 0;
    for (uint32_t i = 0; i < got_count; i++)
        *pattern |= 1ull << got[i];
}

static void draw(void)
{
    *pattern = (uint64_t)iot_lwip_rand() << 32 | iot_lwip_rand();
}

static void assert_seeded(void (*fn)(void))
{
    scenario_run_seed(fn, 1);
    uint64_t first = *pattern;
    scenario_run_seed(fn, 1);
    assert_true(*pattern == first);
    scenario_run_seed(fn, 2);
    assert_true(*pattern != first);
}

static void what_is_lost_and_what_lwip_draws_depends_on_the_seed_alone(void **state)
{
    (void)state;
    pattern =
        mmap(NULL, sizeof *pattern, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(pattern != MAP_FAILED);
    assert_seeded(thin_out);
    assert_seeded(draw);
    munmap(pattern, sizeof *pattern);
}

static void streams_of_chance_are_apart_and_even(void **state)
{
    struct world_chance a, b, c;
    uint32_t hits = 0, seen[10] = {0};

    (void)state;
    world_chance_seed(&a, 1, 1);
    world_chance_seed(&b, 1, 2);
    world_chance_seed(&c, 2, 1);
    uint64_t first = world_chance_word(&a);
    assert_true(first != world_chance_word(&b) && first != world_chance_word(&c));
    for (int i = 0; i < 10000; i++) {
        uint32_t n = world_chance_between(&a, 5, 14);
        assert_in_range(n, 5, 14);
        seen[n - 5]++;
        hits += world_chance_hit(&a, PERCENT(25));
        assert_false(world_chance_hit(&a, 0));
        assert_true(world_chance_hit(&a, PERCENT(100)));
    }
    assert_in_range(hits, 2300, 2700);
    for (size_t i = 0; i < COUNT(seen); i++)
        assert_in_range(seen[i], 850, 1150);
    assert_true(world_chance_between(&a, 0, UINT32_MAX) != world_chance_between(&a, 0, UINT32_MAX));
    assert_int_equal(world_chance_below(&a, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jitter_keeps_the_order_and_reordering_does_not),
        cmocka_unit_test(a_duplicate_arrives_twice),
        cmocka_unit_test(what_is_on_its_way_is_lost_when_nothing_passes),
        cmocka_unit_test(a_corrupted_frame_has_another_bit),
        cmocka_unit_test(the_name_server_hears_no_corrupted_question),
        cmocka_unit_test(what_is_lost_and_what_lwip_draws_depends_on_the_seed_alone),
        cmocka_unit_test(streams_of_chance_are_apart_and_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file main_ota.c
 * build/world/ota SECONDS [FIRST-SEED]: updates in virtual time whose network and power are cut, in pairs and more, on wires
 * and with servers of all manners. One seed and one process at a time, each with a device of its own and many updates
 * of it. Prints what was tried and the seeds that failed. Exit 0 if none did.
 */
#include "world/world_run.h"
#include "world/world_trace.h"
#include "world/world_update.h"
#include "world/world_wire.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUN_CPU_S  300u /* of CPU time: more is a run that does not end */
#define UPDATES    200u /* of one seed */
#define LIVES_MAX  3u   /* with cuts, of one update */
#define IMAGE_MAX  8192u
#define ROOM_WORDS 40000u
#define PERCENT(n) ((n)*10000u)
#define FAILED_MAX 100u

struct tally {
    uint64_t updates, boots, net_cuts, power_cuts;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct world_update update;
static struct world_web *web;
static uint8_t old_image[IMAGE_MAX], new_image[IMAGE_MAX], wrong_image[IMAGE_MAX];

static void draw_shape(struct world_chance *c, struct world_update_shape *s)
{
    static const uint32_t units[] = {1, 2, 8, 32};

    s->sector = 512u << world_chance_below(c, 2);
    s->write_bytes = units[world_chance_below(c, 4)];
    s->slow = world_chance_below(c, 3);
    s->image_bytes = world_chance_between(c, 3 * s->sector, 6 * s->sector);
    s->range = world_chance_hit(c, PERCENT(25))
                   ? 0
                   : world_chance_between(c, s->image_bytes / 8, s->image_bytes - 1);
}

static void draw_images(struct world_chance *c, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint64_t word = world_chance_word(c);
        old_image[i] = (uint8_t)(word >> 56);
        new_image[i] = (uint8_t)(word >> 48);
        wrong_image[i] = (uint8_t)(word >> 40);
    }
}

static uint32_t draw_chance(struct world_chance *c)
{
    return world_chance_hit(c, PERCENT(70)) ? 0 : world_chance_below(c, PERCENT(5));
}

static void draw_wire(struct world_chance *c)
{
    for (int way = 0; way < 2; way++) {
        struct world_lane *lane = world_lane((enum world_way)way);
        lane->delay_ms = world_chance_below(c, 60);
        lane->jitter_ms = world_chance_below(c, 20);
        lane->loss = draw_chance(c);
        lane->duplicate = draw_chance(c);
        lane->reorder = draw_chance(c);
    }
}

/* What it says of the image is true, in the end: an image that is wrong from its first byte to its last may be refused
 * for good, so it comes in part only. */
static void draw_server(struct world_chance *c)
{
    struct iot_bytes right = {new_image, update.shape.image_bytes};
    bool has_etag = world_chance_hit(c, PERCENT(70));

    web->image = right;
    web->etag = has_etag ? "\"right\"" : NULL;
    web->chunk = world_chance_hit(c, PERCENT(30)) ? world_chance_between(c, 1, 2000) : 0;
    web->no_ranges = world_chance_hit(c, PERCENT(10));
    web->no_keep = world_chance_hit(c, PERCENT(20));
    web->refusals = world_chance_hit(c, PERCENT(10)) ? world_chance_between(c, 1, 3) : 0;
    web->status = 503;
    web->later = 0;
    if (update.shape.range == 0 || web->no_ranges || !world_chance_hit(c, PERCENT(20)))
        return;
    web->image.ptr = wrong_image;
    web->etag = has_etag ? "\"wrong\"" : NULL;
    web->later = 1 + web->refusals;
    web->later_image = right;
    web->later_etag = has_etag ? "\"right\"" : NULL;
}

static void draw_cuts(struct world_chance *c)
{
    web->cut = (enum world_web_cut)world_chance_below(c, WORLD_WEB_CUTS);
    web->cut_at = web->sent + world_chance_below(c, update.shape.image_bytes + 500);
    update.chip.cut_at = world_chance_below(c, 2 * update.shape.image_bytes / 64 + 60);
    update.chip.cut = (enum iot_nor_cut)world_chance_below(c, IOT_NOR_CUT_KINDS);
}

/* False: something was violated. */
static bool update_once(struct world_chance *c, struct tally *t)
{
    world_update_anew(&update);
    world_web_forget();
    draw_wire(c);
    draw_server(c);
    for (uint32_t n = world_chance_between(c, 1, LIVES_MAX); n != 0; n--) {
        draw_cuts(c);
        enum world_update_end end = world_update_live(&update);
        if (end == WORLD_UPDATE_WRONG)
            return false;
        t->power_cuts += end == WORLD_UPDATE_CUT;
        if (end == WORLD_UPDATE_ARRIVED)
            break;
    }
    web->cut = WORLD_WEB_WHOLE;
    bool arrived = world_update_arrive(&update);
    t->net_cuts += web->cuts;
    t->boots += update.boots;
    t->updates++;
    return arrived;
}

static int run(uint64_t seed, struct tally *t)
{
    static uint32_t room[ROOM_WORDS], factory_room[ROOM_WORDS];
    struct world_update_shape shape = {0};
    struct world_chance c;

    world_trace_show(getenv("SHOW") != NULL);
    world_start(seed);
    world_chance_seed(&c, seed, WORLD_STREAM_PLAN);
    draw_shape(&c, &shape);
    draw_images(&c, shape.image_bytes);
    web = world_web_start();
    if (world_update_room(&shape) > sizeof room ||
        !world_update_make(&update, seed, &shape, room, factory_room, old_image, new_image))
        return 1;
    update.options.attempts = UINT8_MAX; /* whatever the wire is like */
    for (uint32_t i = 0; i < UPDATES; i++) {
        if (!update_once(&c, t)) {
            printf("seed %" PRIu64 ": update %u of %u\n", seed, i + 1, UPDATES);
            return 1;
        }
    }
    return 0;
}

/* In a process of its own, as lwIP starts once. */
static bool run_apart(uint64_t seed, struct tally *t)
{
    static const struct rlimit cpu = {RUN_CPU_S, RUN_CPU_S};
    int status = 0;

    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CPU, &cpu);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* the campaign's end is ours, however it comes */
        int bad = run(seed, t);
        fflush(NULL);
        _exit(bad);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int main(int argc, char **argv)
{
    struct tally *t =
        mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t seconds, first = 0, failed = 0, runs = 0;
    double start = now_s();

    if (argc < 2 || argc > 3 || !world_run_number(argv[1], 1, 1000000, &seconds) ||
        (argc > 2 && !world_run_number(argv[2], 0, UINT64_MAX, &first))) {
        fprintf(stderr, "usage: ota SECONDS [FIRST-SEED]\n");
        return 2;
    }
    if (t == MAP_FAILED || (argc == 2 && getrandom(&first, 4, 0) != 4))
        return 2;
    do {
        uint64_t seed = first + runs++;
        if (run_apart(seed, t))
            continue;
        if (failed++ < FAILED_MAX)
            printf("FAILED: make sim-ota SEED=%" PRIu64 "\n", seed);
    } while (now_s() - start < (double)seconds);
    printf("%" PRIu64 " seeds from %" PRIu64 ": %" PRIu64 " updates in %" PRIu64 " boots, %" PRIu64
           " cuts of the network and %" PRIu64 " of power, %" PRIu64 " failures\n",
           runs, first, t->updates, t->boots, t->net_cuts, t->power_cuts, failed);
    return failed != 0;
}

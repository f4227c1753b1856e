/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_update.h"

#include "crypto/iot_crypto_digest.h"
#include "world/world_trace.h"
#include "world/world_wire.h"

#include <string.h>

#define JOURNAL   3u /* sectors, at the beginning */
#define TRIES_MAX 1000000u
#define PIECE     256u

/* ---- Chip and port ------------------------------------------------------------------------ */

static uint32_t slot_sectors(const struct world_update_shape *s)
{
    return (s->image_bytes + s->sector - 1) / s->sector;
}

static uint32_t slot_at(const struct world_update_shape *s, uint32_t slot)
{
    return (JOURNAL + slot * slot_sectors(s)) * s->sector;
}

static uint32_t all_sectors(const struct world_update_shape *s)
{
    return JOURNAL + 2 * slot_sectors(s);
}

static void on_fault(void *ctx, const char *rule, uint32_t offset, uint32_t n)
{
    struct world_update *u = ctx;

    world_violation("update: %s, at 0x%x, %u bytes", rule, offset, n);
    longjmp(u->power, 1);
}

static void on_cut(void *ctx, const struct iot_nor_unix_op *op)
{
    struct world_update *u = ctx;

    world_trace("update: power goes in operation %u, %s at 0x%x", op->number, op->kind, op->offset);
    longjmp(u->power, 1);
}

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    struct world_update *u = ctx;

    for (uint32_t i = 0; i < n; i++)
        ((uint8_t *)into)[i] = (uint8_t)(world_chance_word(&u->chance) >> 56);
    return IOT_OK;
}

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    return iot_nor_kv_get(&((struct world_update *)ctx)->journal, key, into, cap, len);
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    return iot_nor_kv_set(&((struct world_update *)ctx)->journal, key, bytes, len);
}

static iot_err kv_del(void *ctx, const char *key)
{
    return iot_nor_kv_del(&((struct world_update *)ctx)->journal, key);
}

/* False: power went, or a rule was broken, in the middle of it. In a function of its own, as longjmp is hard on
 * variables. */
static bool guarded(struct world_update *u, void (*work)(struct world_update *u))
{
    if (setjmp(u->power) != 0)
        return false;
    work(u);
    return true;
}

/* What may answer AGAIN, until it does not: nothing else is to be done meanwhile. */
#define UNTIL_DONE(u, call)                                                                        \
    do {                                                                                           \
        (u)->said = IOT_ERR_AGAIN;                                                                 \
        for (uint32_t i_ = 0; i_ < TRIES_MAX && (u)->said == IOT_ERR_AGAIN; i_++)                  \
            (u)->said = (call);                                                                    \
    } while (0)

/* ---- Booting ------------------------------------------------------------------------------ */

static void open_all(struct world_update *u)
{
    memset(&u->journal, 0, sizeof u->journal);
    UNTIL_DONE(u, iot_nor_kv_mount(&u->journal, &u->chip.nor, 0, JOURNAL));
    if (u->said == IOT_OK)
        UNTIL_DONE(u, iot_nor_boot_open(&u->boot, &u->map));
    iot_nor_place_boot(&u->place, &u->boot);
}

static void start(struct world_update *u)
{
    open_all(u);
    if (u->said == IOT_OK)
        UNTIL_DONE(u, iot_nor_boot_start(&u->boot, &u->choice));
}

static void confirm(struct world_update *u)
{
    UNTIL_DONE(u, iot_nor_boot_confirm(&u->boot, 1));
}

static bool holds(struct world_update *u, uint32_t slot, struct iot_bytes image)
{
    uint8_t piece[PIECE];

    for (uint32_t at = 0; at < image.len; at += PIECE) {
        uint32_t n = image.len - at < PIECE ? image.len - at : PIECE;
        UNTIL_DONE(u, u->chip.nor.read(u->chip.nor.ctx, slot_at(&u->shape, slot) + at, piece, n));
        if (u->said != IOT_OK || memcmp(piece, image.ptr + at, n) != 0)
            return false;
    }
    return true;
}

static void fill_a(struct world_update *u)
{
    struct iot_digest d;
    uint8_t sum[32];
    uint32_t used = 0;

    iot_digest_begin(&d, IOT_DIGEST_SHA256);
    iot_digest_put(&d, u->old_image);
    iot_digest_end(&d, sum);
    open_all(u);
    if (u->said == IOT_OK)
        UNTIL_DONE(u, iot_nor_slot_begin(&u->boot.slot[0], u->old_image.len, "1"));
    u->said = u->said == IOT_OK ? IOT_ERR_AGAIN : u->said;
    for (uint32_t at = 0; at < u->old_image.len && u->said == IOT_ERR_AGAIN; at += used) {
        iot_err err = iot_nor_slot_write(&u->boot.slot[0], u->old_image.ptr + at,
                                         u->old_image.len - at, &used);
        u->said = err == IOT_OK ? IOT_ERR_AGAIN : err;
    }
    if (u->said == IOT_ERR_AGAIN)
        UNTIL_DONE(u, iot_nor_slot_done(&u->boot.slot[0], sum));
    if (u->said == IOT_OK)
        start(u);
}

/* ---- The device --------------------------------------------------------------------------- */

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    (void)ctx;
    (void)dev;
    (void)ev; /* it is connected to nothing */
}

static void on_ota(void *ctx, struct iot_ota *ota, const struct iot_ota_event *ev)
{
    struct world_update *u = ctx;
    (void)ota;

    u->ready |= ev->what == IOT_OTA_READY;
    if (ev->what == IOT_OTA_FAILED) {
        u->failed = true;
        u->err = ev->err;
        u->detail = ev->detail;
    }
}

static void make_device(struct world_update *u)
{
    u->device_options = (struct iot_options){.host = WORLD_CLOUD_ADDRESS,
                                             .netif = world_wire_dev(),
                                             .client_id = "update",
                                             .on_event = on_event,
                                             .port_ops = &u->port};
    u->web_options.netif = world_wire_dev();
    u->modules[0] = (struct iot_ota_module){"", "1", &u->place.slot};
    u->options.modules = u->modules;
    u->options.module_count = 1;
    u->options.http = &u->http;
    u->options.port = &u->port;
    u->options.chunk = u->shape.range;
    u->options.on_event = on_ota;
    u->options.ctx = u;
    u->ready = u->failed = false;
    u->said = iot_device_init(&u->dev, &u->device_options);
    if (u->said == IOT_OK)
        u->said = iot_http_init(&u->http, &u->dev, &u->web_options);
    if (u->said == IOT_OK)
        u->said = iot_ota_init(&u->ota, &u->dev, &u->options);
    if (u->said == IOT_OK)
        u->said = iot_ota_start(&u->ota, &u->job);
    u->asked_ms = world_ms();
    u->fetched_ms = 0;
}

/* RAM is lost, and what lwIP would say to the server on its behalf nobody says. */
static void power_off(struct world_update *u)
{
    bool cut = world_lane(WORLD_UP)->cut;

    world_loop_remove(&u->actor);
    world_lane(WORLD_UP)->cut = true;
    u->http.tcp.base.ops->abort(&u->http.tcp.base);
    world_lane(WORLD_UP)->cut = cut;
    u->operations = u->chip.count;
    iot_nor_unix_reboot(&u->chip);
    u->on = false;
}

static void poll(struct world_update *u)
{
    u->said = IOT_OK;
    uint32_t ms = iot_poll(&u->dev, (uint32_t)world_ms());
    if (u->fetched_ms == 0 && u->ota.fetch.image.state >= IOT_IMAGE_WRITTEN)
        u->fetched_ms = world_ms();
    u->wake = ms == IOT_MS_NEVER ? WORLD_NEVER : world_ms() + ms;
}

static uint64_t tick(void *ctx, uint64_t now)
{
    struct world_update *u = ctx;
    (void)now;

    if (!guarded(u, poll)) {
        power_off(u);
        return WORLD_NEVER;
    }
    return u->wake;
}

/* ---- Lives -------------------------------------------------------------------------------- */

static bool goes_on(void *ctx)
{
    struct world_update *u = ctx;
    return u->on && !u->ready && !u->failed;
}

static enum world_update_end wrong(struct world_update *u, const char *what, iot_err err)
{
    world_violation("update: %s: %s, %d", what, iot_err_name(err), (int)u->detail);
    return WORLD_UPDATE_WRONG;
}

/* A cut in the bootloader or in the confirmation. */
static enum world_update_end lose_power(struct world_update *u)
{
    u->operations = u->chip.count;
    iot_nor_unix_reboot(&u->chip);
    return WORLD_UPDATE_CUT;
}

static enum world_update_end fetch(struct world_update *u)
{
    if (!guarded(u, make_device))
        return lose_power(u);
    if (u->said != IOT_OK)
        return wrong(u, "does not begin", u->said);
    u->on = true;
    world_loop_add(&u->actor);
    bool ended = world_loop_while(goes_on, u, WORLD_UPDATE_LIFE_MS);
    if (!u->on)
        return WORLD_UPDATE_CUT;
    power_off(u);
    if (!ended)
        return wrong(u, "does not end", IOT_ERR_AGAIN);
    return u->ready ? WORLD_UPDATE_FETCHED : wrong(u, "failed", u->err);
}

static enum world_update_end live(struct world_update *u)
{
    u->boots++;
    u->detail = 0;
    if (!guarded(u, start))
        return lose_power(u);
    if (u->said != IOT_OK)
        return wrong(u, "nothing boots", u->said);
    if (!holds(u, u->choice.slot, u->choice.slot == 0 ? u->old_image : u->new_image))
        return wrong(u, "what boots is no image that was ever made", u->said);
    if (u->choice.slot == 0)
        return fetch(u);
    if (!guarded(u, confirm))
        return lose_power(u);
    return u->said == IOT_OK ? WORLD_UPDATE_ARRIVED : wrong(u, "not confirmed", u->said);
}

enum world_update_end world_update_live(struct world_update *u)
{
    uint32_t violations = world_violations();
    enum world_update_end end = live(u);

    if (end == WORLD_UPDATE_ARRIVED)
        u->operations = u->chip.count;
    u->chip.cut_at = 0;
    return world_violations() == violations ? end : WORLD_UPDATE_WRONG;
}

bool world_update_arrive(struct world_update *u)
{
    for (uint32_t i = 0; i < WORLD_UPDATE_BOOTS_MAX; i++) {
        iot_nor_unix_reboot(&u->chip);
        enum world_update_end end = world_update_live(u);
        if (end == WORLD_UPDATE_WRONG)
            return false;
        if (end == WORLD_UPDATE_ARRIVED)
            return holds(u, 0, u->old_image) && holds(u, 1, u->new_image);
    }
    world_violation("update: it does not arrive");
    return false;
}

/* ---- The factory -------------------------------------------------------------------------- */

size_t world_update_room(const struct world_update_shape *s)
{
    return iot_nor_unix_room(s->sector, all_sectors(s), s->write_bytes);
}

bool world_update_make(struct world_update *u, uint64_t seed, const struct world_update_shape *s,
                       void *room, void *factory_room, const uint8_t *old_image,
                       const uint8_t *new_image)
{
    struct iot_digest d;

    memset(u, 0, sizeof *u);
    world_chance_seed(&u->chance, seed, WORLD_STREAM_BOARD);
    u->shape = *s;
    u->old_image = (struct iot_bytes){old_image, s->image_bytes};
    u->new_image = (struct iot_bytes){new_image, s->image_bytes};
    u->room = room;
    u->factory_room = factory_room;
    u->room_bytes = world_update_room(s);
    u->actor.tick = tick;
    u->actor.ctx = u;
    u->actor.attention = WORLD_BUSY_TURN;
    u->port = (struct iot_port){
        .ctx = u, .random = random_bytes, .kv_get = kv_get, .kv_set = kv_set, .kv_del = kv_del};

    iot_nor_unix_init(&u->chip, s->sector, all_sectors(s), s->write_bytes, room);
    u->chip.on_fault = on_fault;
    u->chip.on_cut = on_cut;
    u->chip.ctx = u;
    u->chip.chance = (uint32_t)world_chance_word(&u->chance) | 1u;
    u->map.nor = &u->chip.nor;
    u->map.journal = &u->journal;
    u->map.offset[0] = slot_at(s, 0);
    u->map.offset[1] = slot_at(s, 1);
    u->map.sectors = slot_sectors(s);

    u->job.size = s->image_bytes;
    strcpy(u->job.version, "2");
    strcpy(u->job.url, WORLD_WEB_URL);
    iot_digest_begin(&d, IOT_DIGEST_SHA256);
    iot_digest_put(&d, u->new_image);
    iot_digest_end(&d, u->job.digest);

    if (!guarded(u, fill_a) || u->said != IOT_OK || u->choice.slot != 0) {
        world_violation("update: the factory fails: %s", iot_err_name(u->said));
        return false;
    }
    iot_nor_unix_reboot(&u->chip);
    u->chip.slow = s->slow;
    u->factory_chip = u->chip;
    memcpy(factory_room, room, u->room_bytes);
    return true;
}

void world_update_anew(struct world_update *u)
{
    uint32_t chance = u->chip.chance;

    u->chip = u->factory_chip;
    u->chip.chance = chance;
    memcpy(u->room, u->factory_room, u->room_bytes);
    u->boots = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "iot_nor_place.h"

#include <string.h>

#if IOT_FEATURE_TLS || IOT_FEATURE_LINK /* the SHA-256 is theirs */

#if IOT_NOR_VERSION_MAX != IOT_SLOT_VERSION_MAX
#error "IOT_NOR_VERSION_MAX: both structs hold the same versions"
#endif

/* Opened again: what was taken and is not durable counts no more, as after a reboot. */
static iot_err open(void *ctx, struct iot_slot_info *info)
{
    struct iot_nor_place *p = ctx;

    memset(info, 0, sizeof *info);
    if (p->boot != NULL) {
        p->index = iot_nor_boot_spare(p->boot);
        if (p->index == IOT_NOR_BOOT_NONE)
            return IOT_ERR_STATE;
        p->nor = &p->boot->slot[p->index];
    }
    struct iot_nor_slot *s = p->nor;
    iot_err err = iot_nor_slot_open(s, s->nor, s->offset, s->sectors, s->journal, s->key);
    info->room = s->sectors * s->nor->sector_bytes;
    info->bytes = s->image.bytes;
    info->written = s->image.written;
    info->whole = s->image.whole;
    memcpy(info->version, s->image.version, sizeof info->version);
    return err;
}

/* Still the spare one. */
static bool is_ours(const struct iot_nor_place *p)
{
    return p->boot == NULL ||
           (p->index != IOT_NOR_BOOT_NONE && iot_nor_boot_spare(p->boot) == p->index);
}

static iot_err begin(void *ctx, uint32_t bytes, const char *version)
{
    struct iot_nor_place *p = ctx;

    if (!is_ours(p))
        return IOT_ERR_STATE;
    return iot_nor_slot_begin(p->nor, bytes, version);
}

static iot_err write(void *ctx, const void *bytes, uint32_t n, uint32_t *used)
{
    struct iot_nor_place *p = ctx;

    *used = 0;
    return is_ours(p) ? iot_nor_slot_write(p->nor, bytes, n, used) : IOT_ERR_STATE;
}

static iot_err read(void *ctx, uint32_t at, void *into, uint32_t n)
{
    return iot_nor_slot_read(((struct iot_nor_place *)ctx)->nor, at, into, n);
}

static iot_err done(void *ctx, const uint8_t sha256[32])
{
    struct iot_nor_place *p = ctx;

    return is_ours(p) ? iot_nor_slot_done(p->nor, sha256) : IOT_ERR_STATE;
}

static iot_err choose(void *ctx)
{
    struct iot_nor_place *p = ctx;

    return iot_nor_boot_choose(p->boot, p->index, p->signature);
}

static const struct iot_slot_ops booted = {open, begin, write, read, done, choose};
static const struct iot_slot_ops alone = {open, begin, write, read, done, NULL};

void iot_nor_place_boot(struct iot_nor_place *p, struct iot_nor_boot *boot)
{
    memset(p, 0, sizeof *p);
    p->boot = boot;
    p->index = IOT_NOR_BOOT_NONE; /* until it is opened */
    p->nor = &boot->slot[0];
    p->slot.ops = &booted;
    p->slot.ctx = p;
}

void iot_nor_place_alone(struct iot_nor_place *p, struct iot_nor_slot *nor)
{
    memset(p, 0, sizeof *p);
    p->nor = nor;
    p->slot.ops = &alone;
    p->slot.ctx = p;
}

#endif

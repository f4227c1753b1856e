/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_cloud.h
 * The emulated platform in front of the world's broker: who may log in, what a device may do, what the platform
 * says. Its book has the product WORLD_CLOUD_KEY, with devices "d000", "d001" ... and a secret each; and WORLD_CLOUD_OTHER,
 * with the devices that are moved there.
 */
#ifndef WORLD_CLOUD_H
#define WORLD_CLOUD_H

#include "cloud/cloud_core.h"
#include "world/world_broker.h"

#define WORLD_CLOUD_KEY     "a1World0001"
#define WORLD_CLOUD_OTHER   "a1World0002"
#define WORLD_CLOUD_WALL_MS 1700000000000u /* UTC at the time 0 of the world */

struct world_cloud {
    struct cloud cloud;
    struct world_broker *broker;
    uint32_t
        serials[WORLD_CONNS_MAX]; /* make a connection's number unique for good; 0: not logged in */
    uint32_t serial;
    uint64_t tick_ms;
    uint32_t drawn;
    void (*log)(void *ctx, const char *line); /* may be NULL */
    void *ctx;
};

struct world_cloud_identity {
    char name[CLOUD_NAME_MAX + 1], secret[CLOUD_SECRET_MAX + 1];
};

/** Who device n of the book is. */
void world_cloud_identity(uint32_t n, struct world_cloud_identity *out);

/** A platform with `devices` devices, up to CLOUD_DEVICES_MAX. `policy` is for the broker's init. False: `why`. */
bool world_cloud_start(struct world_cloud *w, struct world_broker *b, uint32_t devices,
                       struct world_broker_policy *policy, char *why, size_t cap);

/** Device n is one of this product, before it logs in. */
void world_cloud_move(struct world_cloud *w, uint32_t n, const char *key);

/**
 * Give product `key` of the book the thing model in a file. The folder is the one of the process; the file's own product key
 * is as long as `key`, which stands in its place. False: `why`.
 */
bool world_cloud_model(struct world_cloud *w, const char *key, const char *file, char *why,
                       size_t cap);

/** Free what the platform holds. */
void world_cloud_over(struct world_cloud *w);

/** An actor of world_loop; ctx: the struct. Must be called after whatever feeds the broker. */
uint64_t world_cloud_tick(void *ctx, uint64_t now);

#endif

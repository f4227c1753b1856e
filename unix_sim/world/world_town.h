/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_town.h
 * All of it together: devices, wire, name server, broker, and, where the devices are the platform's,
 * its emulator in front of the broker. And somebody on the broker's side who writes to the devices.
 */
#ifndef WORLD_TOWN_H
#define WORLD_TOWN_H

#include "world/world_life.h"
#include "world/world_server.h"

#define WORLD_TOWN_HOST "broker.world"

#define WORLD_TOWN_MAX 1000u /* devices */

struct world_town {
    struct world_life *lives;
    uint32_t count;
    bool platform;
    uint32_t write_ms; /* mean time between two messages to a device; 0: none */
    uint32_t large;    /* per million of them: larger than the device's window */

    /* private */
    struct world_broker broker;
    struct world_cloud cloud;
    struct world_chance chance;
    struct world_actor server_actor, cloud_actor, writer_actor;
    uint64_t next_write;
    uint32_t serial;
};

/** After world_start. `habits` has `count` of them; all platform or none. The town is large: static. */
void world_town_start(struct world_town *t, uint64_t seed, const struct world_habit *habits,
                      uint32_t count);

/** The device of this client id, or NULL. */
struct world_life *world_town_find(struct world_town *t, const char *id);

/** Client id of a device, as the broker knows it; NULL: it has no session there. */
const char *world_town_id(const struct world_town *t, const struct world_life *l);

/** Everybody is connected, has what was sent to him and has got rid of what he had. */
bool world_town_is_well(const struct world_town *t);

/** Say who is not, for a reader. */
void world_town_complain(const struct world_town *t);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_thing.h
 * The application of a device that is a thing of the emulated platform, a lamp with the model of unix_sim/cloud/lamp.json:
 * posts what it measures and what was set, asks again what failed, keeps its shadow and what is desired of it, serves calls
 * at once or later. Violations: a request that has no end, or two; a set or call served twice without a word of it; a
 * message skipped that nothing explains.
 */
#ifndef WORLD_THING_H
#define WORLD_THING_H

#include "world/world_life.h"

#include "lamp_model/lamp.h"

/** What sets and calls carry, so that they are known again. */
#define WORLD_SET_NAME      "set-%u"
#define WORLD_BAD_NAME      "bad-%u" /* in sets that have to be refused */
#define WORLD_DESIRED_NAME  "des-%u"
#define WORLD_SET_BRIGHT(n) ((n) % 101u)

struct world_thing_counts {
    uint32_t asked, replied, conflicts, failed,
        timeouts; /* its requests; conflicts: other codes than 200 */
    uint32_t sets, sets_again, calls, calls_again,
        toggles; /* served; toggles: but for those that came again */
    uint32_t desired, shadows, times, notices, skipped;
};

/** A guest of a life, for its habit. */
extern const struct world_guest world_thing;

const struct world_thing_counts *world_thing_counts(const struct world_life *l);
/** NULL: it has no power. */
const struct lamp_values *world_thing_values(const struct world_life *l);
/** The set of this number was served, by this boot or one before. Of the latest 256. */
bool world_thing_was_set(const struct world_life *l, uint32_t number);
/** From now on replies may come twice. */
void world_thing_doubles(struct world_life *l);

#endif

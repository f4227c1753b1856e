/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_show.h
 * Packets of one direction as lines of the trace, for a reader. Nothing of it goes into the hash.
 */
#ifndef WORLD_SHOW_H
#define WORLD_SHOW_H

#include "world/world_packet.h"

struct world_show {
    const char *name, *arrow; /* "d007", ">" */
    struct world_reader reader;
};

/** A connection begins. */
void world_show_reset(struct world_show *s, const char *name, const char *arrow);

/** Does nothing unless the trace is shown. */
void world_show_bytes(struct world_show *s, struct iot_bytes bytes);

#endif

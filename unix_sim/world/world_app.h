/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_app.h
 * The application on a device of the world: publishes in every way there is, takes what comes, echoes it, declines it,
 * and tells the ledger.
 */
#ifndef WORLD_APP_H
#define WORLD_APP_H

#include "world/world_life.h"

/** Its topics: `down_filter` is subscribed; messages from the broker's side go below it. */
void world_app_down_topic(const struct world_life *l, bool large, uint64_t serial, char *into,
                          uint32_t cap);

/** Payload of a message: its serial, then bytes that follow from it. `n` is 16 at least. */
void world_app_fill(uint64_t serial, uint8_t *into, uint32_t n);
/** Are these bytes of that message, from `offset` on? */
bool world_app_is(uint64_t serial, struct iot_bytes bytes, uint32_t offset);

/** Handler of its subscription; ctx: the life. */
iot_err world_app_take(void *ctx, struct iot_device *dev, const struct iot_msg *msg);
/** IOT_EV_SKIPPED; IOT_EV_DONE and IOT_EV_FAILED. */
void world_app_skipped(struct world_life *l, const struct iot_event *ev);
void world_app_ended(struct world_life *l, const struct iot_event *ev);

/** One message of its own, in one of the ways. */
void world_app_publish(struct world_life *l);

#endif

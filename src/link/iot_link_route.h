/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the platform's messages goes where. The cost is that of a few comparisons, whatever is subscribed and
 * whatever the thing looks like. */
#ifndef IOT_LINK_ROUTE_H
#define IOT_LINK_ROUTE_H

#include "link/iot_link_alink.h"

#if IOT_FEATURE_ALINK

/**
 * Who serves a message. `rest` is what its topic has for the last part of the route, a '+' or '#'; NUL-less.
 *
 * Returns  IOT_OK: it is dealt with, also if it was dropped; IOT_ERR_AGAIN, IOT_ERR_FULL: declined, nothing was done;
 *          IOT_ERR_STATE: nobody here wants it, it is the application's.
 */
typedef iot_err (*iot_link_handler)(struct iot_alink *a, const struct iot_msg *msg,
                                    struct iot_bytes rest);

/** Goes over `text` at the front of what is left; false: something else stands there. */
bool iot_link_skip(struct iot_bytes *left, const char *text);

/** The same for "{pk}/{dn}" of this device. */
bool iot_link_is_own(const struct iot_alink *a, struct iot_bytes *left);

/** Is it this text, and nothing else? */
bool iot_link_is(struct iot_bytes left, const char *text);

/** A message has come: as iot_mqtt_hooks.take. */
iot_err iot_link_take(struct iot_alink *a, const struct iot_msg *msg);

/** One that is larger than the window: is there a handler for its parts? */
bool iot_link_take_parts(struct iot_alink *a, const struct iot_topic *topic);

#endif
#endif

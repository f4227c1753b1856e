/* SPDX-License-Identifier: Apache-2.0 */
/* The shadow (iot_shadow.h): who takes its messages. */
#ifndef IOT_LINK_SHADOW_H
#define IOT_LINK_SHADOW_H

#include "link/iot_link_alink.h"

#if IOT_FEATURE_SHADOW

/** As iot_link_handler says. */
iot_err iot_link_take_shadow(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest);

void iot_link_shadow_event(struct iot_alink *a, const struct iot_event *ev);

#elif IOT_FEATURE_ALINK

static inline void iot_link_shadow_event(struct iot_alink *a, const struct iot_event *ev)
{
    (void)a, (void)ev;
}

#endif
#endif

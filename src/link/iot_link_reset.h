/* SPDX-License-Identifier: Apache-2.0 */
/* A reset that is asked for until the platform confirms it, over power cuts (iot_reset). */
#ifndef IOT_LINK_RESET_H
#define IOT_LINK_RESET_H

#include "link/iot_link_alink.h"

#if IOT_FEATURE_CLOUD

void iot_link_reset_init(struct iot_alink *a);

/** Its replies: as iot_alink_digest says. */
iot_err iot_link_reset_digest(struct iot_alink *a, int32_t code, const struct iot_reply *r);

/** What is due is done; the application is told last. */
void iot_link_reset_step(struct iot_alink *a);

void iot_link_reset_event(struct iot_alink *a, const struct iot_event *ev);
iot_time iot_link_reset_deadline(const struct iot_alink *a);
bool iot_link_reset_idle(const struct iot_alink *a);

#elif IOT_FEATURE_ALINK

static inline void iot_link_reset_init(struct iot_alink *a)
{
    (void)a;
}

static inline void iot_link_reset_step(struct iot_alink *a)
{
    (void)a;
}

static inline void iot_link_reset_event(struct iot_alink *a, const struct iot_event *ev)
{
    (void)a, (void)ev;
}

static inline iot_time iot_link_reset_deadline(const struct iot_alink *a)
{
    (void)a;
    return IOT_TIME_NEVER;
}

static inline bool iot_link_reset_idle(const struct iot_alink *a)
{
    (void)a;
    return true;
}

#endif
#endif

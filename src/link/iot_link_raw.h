/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of products without a thing model, and synchronous calls of any form. */
#ifndef IOT_LINK_RAW_H
#define IOT_LINK_RAW_H

#include "iot/iot_thing.h"
#include "link/iot_link_route.h"

#if IOT_FEATURE_RAW

/* Handlers of routes. */
iot_err iot_raw_take_down(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest);
iot_err iot_raw_take_reply(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest);

/** May what `take` serves come in parts? Not if nobody is there to take them; of routes that are not raw: yes. */
bool iot_raw_lets_parts(const struct iot_alink *a, iot_link_handler take);

/** A synchronous call that is no service's. */
iot_err iot_raw_take_rrpc(struct iot_alink *a, const struct iot_msg *msg);

#elif IOT_FEATURE_ALINK

static inline iot_err iot_raw_take_down(struct iot_alink *a, const struct iot_msg *msg,
                                        struct iot_bytes rest)
{
    (void)a, (void)msg, (void)rest;
    return IOT_ERR_STATE;
}

static inline bool iot_raw_lets_parts(const struct iot_alink *a, iot_link_handler take)
{
    (void)a, (void)take;
    return true;
}

static inline iot_err iot_raw_take_rrpc(struct iot_alink *a, const struct iot_msg *msg)
{
    (void)a, (void)msg;
    return IOT_ERR_STATE;
}

#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the platform asks of a thing: sets, gets and services, plain and synchronous (RRPC). Each has a slot before its
 * handler runs, and is answered from there: at once, when there is room, or when the application or the deadline says. */
#ifndef IOT_LINK_CALL_H
#define IOT_LINK_CALL_H

#include "iot/iot_thing.h"
#include "link/iot_link_alink.h"

/** Where a request came, and its answer goes. `name` and `token` as the topic has them. */
enum iot_call_form {
    IOT_CALL_SILENT, /* it has no id: there is no answer */
    IOT_CALL_PLAIN,  /* thing/service/{name}, answered with "_reply" behind it */
    IOT_CALL_RRPC, /* rrpc/request/{token}, answered on rrpc/response/{token}; what is asked for is its method */
    IOT_CALL_EXT, /* /ext/rrpc/{token}/sys/{pk}/{dn}/thing/service/{name}, answered there */
};

#if IOT_FEATURE_THING

/** A handler of the route thing/service/#. */
iot_err iot_call_take(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest);

/** The synchronous ones; `name` of IOT_CALL_RRPC is ignored. As iot_link_handler. */
iot_err iot_call_take_sync(struct iot_alink *a, const struct iot_msg *msg, enum iot_call_form form,
                           struct iot_bytes token, struct iot_bytes name);

/** Answers that are owed leave, if there is room; calls whose time is up are answered for the application. */
void iot_call_tick(struct iot_alink *a);

/** The first deadline; IOT_TIME_NEVER: none. */
iot_time iot_call_deadline(const struct iot_alink *a);

/** Nothing is to be answered. */
bool iot_call_idle(const struct iot_alink *a);

/** The device has closed. */
void iot_call_forget(struct iot_alink *a);

#elif IOT_FEATURE_ALINK

static inline iot_err iot_call_take_sync(struct iot_alink *a, const struct iot_msg *msg,
                                         enum iot_call_form form, struct iot_bytes token,
                                         struct iot_bytes name)
{
    (void)a, (void)msg, (void)form, (void)token, (void)name;
    return IOT_ERR_STATE;
}

static inline void iot_call_tick(struct iot_alink *a)
{
    (void)a;
}

static inline iot_time iot_call_deadline(const struct iot_alink *a)
{
    (void)a;
    return IOT_TIME_NEVER;
}

static inline bool iot_call_idle(const struct iot_alink *a)
{
    (void)a;
    return true;
}

static inline void iot_call_forget(struct iot_alink *a)
{
    (void)a;
}

#endif
#endif

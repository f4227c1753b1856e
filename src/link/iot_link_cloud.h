/* SPDX-License-Identifier: Apache-2.0 */
/* What the platform offers beside the thing model (iot_cloud.h): its memory in a device, and who takes its messages. */
#ifndef IOT_LINK_CLOUD_H
#define IOT_LINK_CLOUD_H

#include "iot/iot_cloud.h"

struct iot_alink;

#if IOT_FEATURE_CLOUD

/* Where in a reply the bytes of a TSL are; see iot_link_tsl. */
struct iot_tsl_scan {
    uint32_t at;   /* bytes of the message */
    uint32_t told; /* bytes of the TSL */
    uint32_t id;
    uint32_t code;      /* without a sign: none has one */
    uint32_t name;      /* of the member */
    uint8_t where;      /* in the envelope */
    uint8_t depth;      /* in a value: open brackets */
    bool text, escaped; /* in a value: inside of a string; behind a backslash */
    uint8_t has;        /* members that were found */
    bool deaf;          /* the rest of this message is nothing to us */
};

struct iot_cloud {
    int64_t wall_ahead_ms; /* trusted time minus the device's; 0: not known */
    int64_t time_sent;     /* deviceSendTime of the last question */
    iot_time reset_due;    /* the next step of a reset */
    uint8_t reset;         /* enum of iot_link_reset.c */
    iot_tsl_sink sink;
    void *sink_ctx;
    struct iot_tsl_scan tsl;
};

/** The link is gone. What is sent on the next one is no measure of time: no answer to it counts. */
void iot_link_time_lost(struct iot_alink *a);

/** As iot_device_wall. */
iot_err iot_link_wall(struct iot_alink *a, int64_t *unix_ms);

/* As iot_link_handler says. */
iot_err iot_link_take_time(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest);
iot_err iot_link_take_config(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest);
iot_err iot_link_take_log(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest);
iot_err iot_link_take_tsl(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest);
iot_err iot_link_take_disable(struct iot_alink *a, const struct iot_msg *msg,
                              struct iot_bytes rest);
iot_err iot_link_take_enable(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest);
iot_err iot_link_take_delete(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest);
iot_err iot_link_take_bootstrap(struct iot_alink *a, const struct iot_msg *msg,
                                struct iot_bytes rest);
iot_err iot_link_take_bind(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest);
iot_err iot_link_take_error(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest);
iot_err iot_link_take_identity(struct iot_alink *a, const struct iot_msg *msg,
                               struct iot_bytes rest);

#else

static inline void iot_link_time_lost(struct iot_alink *a)
{
    (void)a;
}

#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* struct iot_ota: one update at a time, from the offer to its end. Whoever brings jobs (src/link) is told by struct iot_ota_cloud
 * what becomes of them. A part of a device (core/iot_core_part.h). */
#ifndef IOT_OTA_ENGINE_H
#define IOT_OTA_ENGINE_H

#include "core/iot_core_part.h"
#include "ota/iot_ota_fetch.h"

#if IOT_FEATURE_OTA

#define IOT_OTA_ROOM_MS 50u /* make_room that answered AGAIN is asked again */

enum iot_ota_state {
    IOT_OTA_NONE,
    IOT_OTA_ON_OFFER, /* told, or to be told at `wake` */
    IOT_OTA_ROOM,     /* accepted: memory comes first */
    IOT_OTA_FETCHING, /* gives the memory back while it wants a URL of the cloud's, and gets it again */
    IOT_OTA_ENDING /* by `err`, told as soon as the memory is given back */
};

/* Private. */
struct iot_ota {
    struct iot_part part;
    uint8_t state;
    uint8_t percent; /* that was told last; above 100: none */
    bool lent;       /* make_room was asked for memory, and not yet told that it may have it back */
    bool room;       /* ... and gave it */
    bool closing;    /* the device is, so nothing is begun */
    iot_err err;
    int32_t detail;
    const struct iot_ota_options *opt;
    const struct iot_ota_cloud *cloud;
    void *cloud_ctx;
    const struct iot_ota_module *module;
    bool *mark;        /* set when something is to be done; the device's tick looks then */
    uint32_t defer_ms; /* from the next tick on; 0: that is done */
    iot_time now, wake;
    struct iot_ota_fetch fetch;
    struct iot_ota_job job;
};

/** As iot_ota_init, but for the device. mark: set when a step is to be made, though none was due. */
iot_err iot_ota_engine_init(struct iot_ota *ota, const struct iot_ota_options *opt, bool *mark);

/** Who brings the jobs; borrowed. */
void iot_ota_serve(struct iot_ota *ota, const struct iot_ota_cloud *cloud, void *ctx);

/** A job of the cloud's. As iot_ota_start, but the application is asked: from inside. job->ext lasts as long as the call. */
iot_err iot_ota_offer(struct iot_ota *ota, const struct iot_ota_job *job);

/** What the cloud offered cannot be used: the application is told, IOT_OTA_FAILED with `err`; event.module is NULL where this
 *  device has none of that name. `job` lasts as long as the call; with an unusable one only its names are anything. */
void iot_ota_refused(struct iot_ota *ota, const struct iot_ota_job *job, iot_err err);

/** Its share of a tick, and when it wants the next; what the part's table does. */
void iot_ota_run(struct iot_ota *ota, iot_time now);
iot_time iot_ota_deadline(const struct iot_ota *ota);

/** The module of that name; NULL: none. */
const struct iot_ota_module *iot_ota_module(const struct iot_ota *ota, const char *name);

#endif
#endif

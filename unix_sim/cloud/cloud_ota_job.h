/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_ota_job.h
 * What the files of updates share: the images, and where each device stands with them.
 */
#ifndef CLOUD_OTA_JOB_H
#define CLOUD_OTA_JOB_H

#include "cloud/cloud_ota.h"

/* An image, and who has been told of it. */
struct cloud_ota_job {
    uint32_t id; /* 0: free */
    int product, device;
    bool canceled;
    uint64_t time_ms;
    struct cloud_ota_image image;
    json_t *tasks; /* deviceName: {"state", "step", "history"} */
};

struct cloud_ota {
    const struct cloud_ota_hooks *hooks;
    uint32_t last_id;
    struct cloud_ota_job jobs[CLOUD_OTA_JOBS_MAX];
    json_t *versions[CLOUD_DEVICES_MAX]; /* module ("default"): version */
    uint32_t every[CLOUD_OTA_FAULTS], turns[CLOUD_OTA_FAULTS];
};

/** Never NULL. */
struct cloud_ota *cloud_ota_of(struct cloud *c);

/** What is under way for a module ("default": the device itself) of a device: the newest image. `runs`: the version that it
 *  has; NULL: any. NULL: nothing. */
struct cloud_ota_job *cloud_ota_find(struct cloud *c, int device, const char *module,
                                     const char *runs);

/** Which version of a module a device runs; NULL: it has not said. */
const char *cloud_ota_version(struct cloud *c, int device, const char *module);

/** Where a device stands: {"state": waiting, told, running, succeeded, failed; "step", "history"}. */
json_t *cloud_ota_task(struct cloud *c, struct cloud_ota_job *j, int device);
bool cloud_ota_has_state(const json_t *task, const char *state);
void cloud_ota_set_task(struct cloud *c, struct cloud_ota_job *j, int device, const char *state);

/** `data` of a push; a new reference. */
json_t *cloud_ota_describe(struct cloud *c, const struct cloud_ota_job *j, uint64_t now_ms);

/** A push, by malloc; the device counts as told. */
char *cloud_ota_write_push(struct cloud *c, struct cloud_ota_job *j, int device, uint64_t now_ms);

/** /ota/device/WHAT/{pk}/{dn} */
void cloud_ota_topic(const struct cloud *c, int device, const char *what,
                     char topic[CLOUD_TOPIC_MAX + 1]);

/** Push it; false: the device is offline. */
bool cloud_ota_tell(struct cloud *c, struct cloud_ota_job *j, int device, uint64_t now_ms);

#endif

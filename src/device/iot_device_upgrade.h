/* SPDX-License-Identifier: Apache-2.0 */
/* The platform's side of an update, as a part of a device: between the engine (ota/iot_ota_engine.h) and the platform's messages
 * (link/iot_link_upgrade.h). */
#ifndef IOT_DEVICE_UPGRADE_H
#define IOT_DEVICE_UPGRADE_H

#include "core/iot_core_part.h"
#include "iot/iot_upgrade.h"
#include "link/iot_link_file.h"
#include "link/iot_link_upgrade.h"
#include "ota/iot_ota_engine.h"

#if IOT_FEATURE_OTA && IOT_FEATURE_ALINK

/* A table, so that a linker keeps it only where it is named. As those of link/iot_link_file.h. */
struct iot_upgrade_way {
    iot_err (*begin)(struct iot_link_file *f, const struct iot_ota_job *job, uint32_t at,
                     uint32_t bytes, uint32_t block, const struct iot_http_handlers *on, void *ctx);
    void (*stop)(struct iot_link_file *f);
    iot_err (*take)(struct iot_link_file *f, struct iot_alink *a, const struct iot_msg *msg);
    void (*event)(struct iot_link_file *f, const struct iot_event *ev);
    void (*run)(struct iot_link_file *f, struct iot_alink *a, iot_time now);
    iot_time (*deadline)(const struct iot_link_file *f, const struct iot_alink *a);
};

struct iot_upgrade {
    struct iot_part part;
    bool ask; /* for `wanted`, as soon as the engine is free: what was offered could not be taken */
    struct iot_device *dev;
    struct iot_ota *ota;
    const struct iot_upgrade_way *way;
    struct iot_link_upgrade link;
    struct iot_link_file file;
    struct iot_link_upgrade_texts texts;
    char wanted[IOT_MODULE_MAX + 1];
    char refused[IOT_MODULE_MAX + 1]; /* module of the last offer that was refused */
};

#endif
#endif

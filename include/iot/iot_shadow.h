/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_shadow.h
 * The device's shadow on the Alibaba Cloud IoT platform: a document with what the device reported and what an
 * application desires, that can be read while the device is away.
 *
 * Each change carries a version, which must be greater than the platform's, and becomes it. The last one heard of is kept
 * in `version`; IOT_SHADOW_NEXT takes the one behind it. After a conflict (code 409) get the document, and update
 * again: the reply to iot_shadow_get brings the version. A message whose version is below 0 or has none behind it is
 * dropped: IOT_EV_SKIPPED, JSON_RANGE.
 *
 * Requests end as iot_alink.h says: IOT_EV_REPLY (err IOT_OK, detail 200; or IOT_ERR_LINK_CODE, detail as the platform's
 * table: 400 no JSON, 404 nothing reported, 405 reported is empty, 408 more than 128 attributes, 409 version conflict)
 * or IOT_EV_FAILED. The reply's `data` is the `payload`. When the desired state was changed, also while the
 * device was away and the platform tells it at its login, IOT_EV_NOTICE comes with IOT_NOTICE_SHADOW: `data` is its
 * `payload`. Both are read by iot_shadow_read.
 */
#ifndef IOT_SHADOW_H
#define IOT_SHADOW_H

#include "iot/iot_alink.h"

#ifdef __cplusplus
extern "C" {
#endif

#if IOT_FEATURE_SHADOW

#define IOT_SHADOW_NEXT  0    /* the version behind the last one heard of */
#define IOT_SHADOW_RESET (-1) /* whatever the platform has; it counts from 0 again */

/** The caller's, from iot_shadow_attach to IOT_EV_CLOSED. */
struct iot_shadow {
    int64_t version;      /* last heard of; 0: none. May be read and set, to 0 to 2^63 - 2 */
    int64_t open_version; /* the others are private */
    char filter[128];
};

/**
 * Begin: subscribes its answers, by QoS 1.
 *
 * s        new memory, or all zero but `version`.
 * ticket   out, may be NULL: IOT_EV_SUBACK with it says what the broker granted.
 * Context  between iot_device_connect and IOT_EV_CLOSED, which ends it; one shadow per device.
 * Returns  as iot_mqtt_subscribe; IOT_ERR_ARG: no identity with names; IOT_ERR_SIZE: they are too long.
 */
iot_err iot_shadow_attach(struct iot_device *dev, struct iot_shadow *s, iot_ticket *ticket);

/**
 * Begin an update: the writer stands behind `"reported":`, where the application appends an object, as {"temp":21}.
 *
 * version  IOT_SHADOW_NEXT, IOT_SHADOW_RESET, or a number.
 * max      bytes to reserve for the object.
 * Returns  IOT_OK; IOT_ERR_STATE, none attached, or as iot_mqtt_begin; IOT_ERR_ARG: IOT_SHADOW_NEXT, and there is none
 *          behind the shadow's `version`; others as iot_alink_begin.
 */
iot_err iot_shadow_begin(struct iot_device *dev, int64_t version, uint32_t max,
                         struct iot_writer *w);
iot_err iot_shadow_commit(struct iot_writer *w, iot_ticket *ticket);

/** Begin and commit with `reported`, an object that is written already. */
iot_err iot_shadow_update(struct iot_device *dev, struct iot_bytes reported, int64_t version,
                          iot_ticket *ticket);

struct iot_shadow_value {
    const char *name;
    const char *text; /* NULL: number counts */
    int32_t number;
};

/** Update `count` attributes, 1 and more (IOT_ERR_ARG). */
iot_err iot_shadow_report(struct iot_device *dev, const struct iot_shadow_value *values,
                          uint32_t count, int64_t version, iot_ticket *ticket);

/** Ask for the document. */
iot_err iot_shadow_get(struct iot_device *dev, iot_ticket *ticket);

/** Delete one attribute of the reported state, or with NULL all of them. */
iot_err iot_shadow_delete(struct iot_device *dev, const char *name, int64_t version,
                          iot_ticket *ticket);

/** The desired state is applied: forget it, and report what is so now; with an empty slice nothing. */
iot_err iot_shadow_clear_desired(struct iot_device *dev, struct iot_bytes reported, int64_t version,
                                 iot_ticket *ticket);

/** Slices of the message; IOT_JSON_NONE where it has none. */
struct iot_shadow_state {
    struct iot_json reported, desired, metadata;
};

/** Read `data` of a reply or notice. IOT_OK; IOT_ERR_JSON_MISSING: it holds no state, as the reply to an update. */
iot_err iot_shadow_read(struct iot_json data, struct iot_shadow_state *state);

#endif

#ifdef __cplusplus
}
#endif
#endif

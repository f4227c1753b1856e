/* SPDX-License-Identifier: Apache-2.0 */
/* What is attached to a device and works within its tick, beside MQTT: nobody pays for a part that is not attached, as
 * the device knows it by this table only, and a linker keeps nothing that no table names.
 *
 * A part is a struct that begins with struct iot_part. It is attached once, between iot_device_init and the first
 * iot_poll or later; it is never taken off. */
#ifndef IOT_CORE_PART_H
#define IOT_CORE_PART_H

#include "iot/iot_base.h"

struct iot_event;
struct iot_msg;
struct iot_part;
struct iot_tls_options;

/* Members that may be NULL say so. */
struct iot_part_ops {
    /* The part's share of a tick, behind MQTT's. */
    void (*run)(struct iot_part *p, iot_time now);
    /* When it wants its next share even if nothing happens; IOT_TIME_NEVER. */
    iot_time (*deadline)(const struct iot_part *p);
    /* Nothing is begun and not ended; nothing outside refers to its memory. */
    bool (*idle)(const struct iot_part *p);
    /* The device is closing (iot_device_close): end what is begun, by IOT_ERR_CLOSED. IOT_EV_CLOSED waits until it is
     * idle. */
    void (*close)(struct iot_part *p);
    /* An event of the device's, before the application gets it; NULL: not interested. */
    void (*event)(struct iot_part *p, const struct iot_event *ev);
    /* A message that nobody before took, as iot_mqtt_hooks.take; NULL: none. */
    iot_err (*take)(struct iot_part *p, const struct iot_msg *msg);
    /* TLS of its own, with an arena that nobody else may use; NULL: none. May itself be NULL. */
    const struct iot_tls_options *(*tls)(const struct iot_part *p);
};

struct iot_part {
    const struct iot_part_ops *ops;
    struct iot_part *next;
};

#endif

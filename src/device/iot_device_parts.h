/* SPDX-License-Identifier: Apache-2.0 */
/* What is attached to a device (core/iot_core_part.h): its row in the table of features, and what it sees of messages and
 * events. */
#ifndef IOT_DEVICE_PARTS_H
#define IOT_DEVICE_PARTS_H

#include "device/iot_device_state.h"

#if IOT_ATTACHED

/** Is it attached already? */
bool iot_device_has(const struct iot_device *dev, const struct iot_part *part);

/** Does this memory overlap with the TLS arena of one of them? */
bool iot_device_parts_share(const struct iot_device *dev, const void *memory, uint32_t bytes);

/** Behind those that are attached; once, after iot_device_init, which forgets them all. The next tick looks. */
void iot_device_attach(struct iot_device *dev, struct iot_part *part);

/** What they do is something to close, also of a device that was never connected. */
void iot_device_parts_begun(struct iot_device *dev);

/** The device closes. */
void iot_device_parts_close(struct iot_device *dev);

/* As iot_mqtt_hooks say. */
iot_err iot_device_parts_take(struct iot_device *dev, const struct iot_msg *msg);
void iot_device_parts_event(struct iot_device *dev, const struct iot_event *ev);

/* Their row in the table of features. */
void iot_device_parts_run(struct iot_device *dev);
iot_time iot_device_parts_deadline(const struct iot_device *dev);
bool iot_device_parts_idle(const struct iot_device *dev);

#else

static inline void iot_device_parts_begun(struct iot_device *dev)
{
    (void)dev;
}

static inline void iot_device_parts_close(struct iot_device *dev)
{
    (void)dev;
}

static inline iot_err iot_device_parts_take(struct iot_device *dev, const struct iot_msg *msg)
{
    (void)dev, (void)msg;
    return IOT_ERR_STATE;
}

static inline void iot_device_parts_event(struct iot_device *dev, const struct iot_event *ev)
{
    (void)dev, (void)ev;
}

static inline bool iot_device_parts_idle(const struct iot_device *dev)
{
    (void)dev;
    return true;
}

#endif
#endif

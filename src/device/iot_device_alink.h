/* SPDX-License-Identifier: Apache-2.0 */
/* The platform's requests and replies as a feature of a device: what of messages, events and ticks is theirs. */
#ifndef IOT_DEVICE_ALINK_H
#define IOT_DEVICE_ALINK_H

#include "device/iot_device_state.h"

#if IOT_FEATURE_ALINK

void iot_device_alink_init(struct iot_device *dev);
/** A tick begins. */
void iot_device_alink_tick(struct iot_device *dev);

/* As iot_mqtt_hooks say. */
iot_err iot_device_alink_take(struct iot_device *dev, const struct iot_msg *msg);
bool iot_device_alink_take_parts(struct iot_device *dev, const struct iot_topic *topic);
bool iot_device_alink_event(struct iot_device *dev, const struct iot_event *ev);

/* Its row in the table of features. */
void iot_device_alink_time(struct iot_device *dev);
iot_time iot_device_alink_deadline(const struct iot_device *dev);
bool iot_device_alink_idle(const struct iot_device *dev);

#else

static inline void iot_device_alink_init(struct iot_device *dev)
{
    (void)dev;
}

static inline void iot_device_alink_tick(struct iot_device *dev)
{
    (void)dev;
}

static inline iot_err iot_device_alink_take(struct iot_device *dev, const struct iot_msg *msg)
{
    (void)dev, (void)msg;
    return IOT_ERR_STATE;
}

static inline bool iot_device_alink_take_parts(struct iot_device *dev,
                                               const struct iot_topic *topic)
{
    (void)dev, (void)topic;
    return false;
}

static inline bool iot_device_alink_event(struct iot_device *dev, const struct iot_event *ev)
{
    (void)dev, (void)ev;
    return true;
}

#endif
#endif

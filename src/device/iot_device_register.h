/* SPDX-License-Identifier: Apache-2.0 */
/* A connection that fetches the device's secret: what comes on it, and when it has served. */
#ifndef IOT_DEVICE_REGISTER_H
#define IOT_DEVICE_REGISTER_H

#include "device/iot_device_state.h"

#if IOT_FEATURE_REGISTER

/** The credentials are those of such a connection, or are not. */
void iot_device_register_mark(const struct iot_device *dev, struct iot_credentials *who);

/** As iot_mqtt_hooks.take; IOT_ERR_STATE: this is an ordinary connection. */
iot_err iot_device_register_take(struct iot_device *dev, const struct iot_msg *msg);

/** As iot_mqtt_hooks.errand. */
iot_err iot_device_register_result(struct iot_device *dev, bool late);

#else

#define iot_device_register_result NULL

static inline void iot_device_register_mark(const struct iot_device *dev,
                                            struct iot_credentials *who)
{
    (void)dev, (void)who;
}

static inline iot_err iot_device_register_take(struct iot_device *dev, const struct iot_msg *msg)
{
    (void)dev, (void)msg;
    return IOT_ERR_STATE;
}

#endif
#endif

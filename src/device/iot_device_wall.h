/* SPDX-License-Identifier: Apache-2.0 */
/* What the platform says of time, and TLS: each judges by the other. */
#ifndef IOT_DEVICE_WALL_H
#define IOT_DEVICE_WALL_H

#include "device/iot_device_state.h"

#if IOT_FEATURE_CLOUD && IOT_FEATURE_TLS

/** TLS of the device's gets trusted time from the platform, where the port has none. */
void iot_device_wall_init(struct iot_device *dev, struct iot_tls_core *tls);

/** May the peer be believed that it is now `unix_s`? */
bool iot_device_vouches(struct iot_device *dev, int64_t unix_s);

#else

#if IOT_FEATURE_TLS
static inline void iot_device_wall_init(struct iot_device *dev, struct iot_tls_core *tls)
{
    (void)dev, (void)tls;
}
#endif

static inline bool iot_device_vouches(struct iot_device *dev, int64_t unix_s)
{
    (void)dev, (void)unix_s;
    return false;
}

#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "device/iot_device_wall.h"

#if IOT_FEATURE_CLOUD && IOT_FEATURE_TLS

static bool wall(void *ctx, int64_t *now_s)
{
    struct iot_device *dev = ctx;
    int64_t now_ms;

    if (iot_link_wall(&dev->alink, &now_ms) != IOT_OK)
        return false;
    *now_s = now_ms / 1000;
    return true;
}

void iot_device_wall_init(struct iot_device *dev, struct iot_tls_core *tls)
{
    tls->wall = wall;
    tls->wall_ctx = dev;
}

bool iot_device_vouches(struct iot_device *dev, int64_t unix_s)
{
    return dev->opt->tls != NULL && iot_tls_vouches(&dev->tls, unix_s);
}

#endif

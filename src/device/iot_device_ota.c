/* SPDX-License-Identifier: Apache-2.0 */
#include "device/iot_device_parts.h"

#if IOT_FEATURE_OTA

#include "ota/iot_ota_engine.h"

iot_err iot_ota_init(struct iot_ota *ota, struct iot_device *dev,
                     const struct iot_ota_options *options)
{
    if (iot_device_has(dev, &ota->part))
        return IOT_ERR_ARG;
    iot_err err = iot_ota_engine_init(ota, options, &dev->wake);
    if (err == IOT_OK)
        iot_device_attach(dev, &ota->part);
    return err;
}

#endif

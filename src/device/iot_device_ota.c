/* SPDX-License-Identifier: Apache-2.0 */
#include "device/iot_device_parts.h"
#include "device/iot_device_room.h"

#if IOT_FEATURE_OTA

#include "http/iot_http_client.h"
#include "ota/iot_ota_engine.h"

static iot_err make_room(void *dev, bool wanted)
{
    return iot_device_room(dev, wanted);
}

/* For jobs of the application's own. */
static const struct iot_ota_cloud nobody = {.make_room = make_room};

/* Signatures are verified while MQTT is away, or in memory that is not its own. */
static bool is_trespass(const struct iot_device *dev, const struct iot_ota_options *o)
{
    return o->memory != IOT_OTA_INSTEAD_OF_MQTT &&
           ((o->memory == IOT_OTA_BESIDE_MQTT && o->http->loan != NULL) ||
            (o->public_key != NULL && iot_device_shares(dev, o->arena, o->arena_bytes)));
}

iot_err iot_ota_init(struct iot_ota *ota, struct iot_device *dev,
                     const struct iot_ota_options *options)
{
    if (iot_device_has(dev, &ota->part))
        return IOT_ERR_ARG;
    iot_err err = iot_ota_engine_init(ota, options, &dev->wake);
    if (err == IOT_OK && (!iot_device_has(dev, &options->http->part) || is_trespass(dev, options)))
        err = IOT_ERR_ARG;
    if (err != IOT_OK)
        return err;
    iot_ota_serve(ota, &nobody, dev);
    iot_device_attach(dev, &ota->part);
    return IOT_OK;
}

#endif

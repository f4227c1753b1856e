/* SPDX-License-Identifier: Apache-2.0 */
#include "device/iot_device_mqtt.h"

#include "mqtt/iot_mqtt_source.h"

#if IOT_FEATURE_STREAMED

iot_err iot_mqtt_stream(struct iot_device *dev, const struct iot_msg *msg, uint32_t total,
                        iot_mqtt_source source, void *ctx, iot_ticket *ticket)
{
    iot_err err = iot_device_can_publish(dev, msg);
    if (err == IOT_OK)
        err = iot_mqtt_session_stream(&dev->mqtt.session, msg, total, source, ctx, ticket);
    dev->queued |= err == IOT_OK;
    return err;
}

#endif

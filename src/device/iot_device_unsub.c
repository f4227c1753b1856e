/* SPDX-License-Identifier: Apache-2.0 */
#include "device/iot_device_mqtt.h"

#include "mqtt/iot_mqtt_unsub.h"

#if IOT_FEATURE_UNSUBSCRIBE

iot_err iot_mqtt_unsubscribe(struct iot_device *dev, const struct iot_topic *filter,
                             iot_ticket *ticket)
{
    iot_net_assert_context();
    if (!iot_mqtt_client_open(&dev->mqtt))
        return IOT_ERR_STATE;
    iot_err err = iot_mqtt_client_unsubscribe(&dev->mqtt, filter, ticket);
    dev->queued |= err == IOT_OK;
    return err;
}

#endif

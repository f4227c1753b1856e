/* SPDX-License-Identifier: Apache-2.0 */
#include "device/iot_device_mqtt.h"

#include "mqtt/iot_mqtt_request.h"

#if IOT_FEATURE_RECEIVE

iot_err iot_mqtt_subscribe(struct iot_device *dev, const struct iot_filter *f, iot_ticket *ticket)
{
    iot_net_assert_context();
    if (!iot_mqtt_client_open(&dev->mqtt))
        return IOT_ERR_STATE;
    iot_err err = iot_mqtt_session_subscribe(&dev->mqtt.session, f, ticket);
    dev->queued |= err == IOT_OK;
    return err;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "device/iot_device_state.h"

#include "mqtt/iot_mqtt_hint.h"

#if IOT_FEATURE_NETWORK_HINTS

void iot_network(struct iot_device *dev, enum iot_network_change change)
{
    iot_net_assert_context();
    dev->wake = true;
    iot_mqtt_client_network(&dev->mqtt, change);
}

#endif

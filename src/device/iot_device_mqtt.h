/* SPDX-License-Identifier: Apache-2.0 */
/* What the calls of iot_mqtt.h have in common. */
#ifndef IOT_DEVICE_MQTT_H
#define IOT_DEVICE_MQTT_H

#include "device/iot_device_state.h"

/** May the application publish this now? IOT_OK; IOT_ERR_STATE; IOT_ERR_AGAIN, IOT_ERR_KV: no packet id can be
 *  had. */
iot_err iot_device_can_publish(struct iot_device *dev, const struct iot_msg *msg);

#endif

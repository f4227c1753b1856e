/* SPDX-License-Identifier: Apache-2.0 */
#include "device/iot_device_room.h"

#include "mqtt/iot_mqtt_rest.h"

#if IOT_ATTACHED

bool iot_device_overlaps(const struct iot_tls_options *tls, const void *memory, uint32_t bytes)
{
    return tls != NULL && memory != NULL &&
           (uintptr_t)memory < (uintptr_t)tls->arena + tls->arena_bytes &&
           (uintptr_t)tls->arena < (uintptr_t)memory + bytes;
}

#if IOT_FEATURE_OTA

/* MQTT's stream has given up its arena by the time it is away: it was aborted, or its close is over. */
iot_err iot_device_room(struct iot_device *dev, bool wanted)
{
    iot_mqtt_client_rest(&dev->mqtt, wanted);
    dev->wake |= !wanted;
    return dev->mqtt.away ? IOT_OK : IOT_ERR_AGAIN;
}

#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of MQTT's that is lent to a download (IOT_OTA_INSTEAD_OF_MQTT): MQTT rests meanwhile. One arena of TLS, two streams; each
 * makes its arena anew when it opens, and wipes it when it ends. So who opens must have it alone: MQTT while it does not rest, HTTP
 * while MQTT is away (iot_http.loan). */
#ifndef IOT_DEVICE_ROOM_H
#define IOT_DEVICE_ROOM_H

#include "device/iot_device_state.h"

#if IOT_ATTACHED

/** Does this memory overlap with the arena of these options? NULL: no. */
bool iot_device_overlaps(const struct iot_tls_options *tls, const void *memory, uint32_t bytes);

/** ... with that of MQTT? */
static inline bool iot_device_shares(const struct iot_device *dev, const void *memory,
                                     uint32_t bytes)
{
    return iot_device_overlaps(dev->opt->tls, memory, bytes);
}

#if IOT_FEATURE_OTA

/** As struct iot_ota_cloud (ota/iot_ota_fetch.h) says; in a tick. */
iot_err iot_device_room(struct iot_device *dev, bool wanted);

/** May the client open TLS whose arena is MQTT's? */
static inline const bool *iot_device_loan(const struct iot_device *dev)
{
    return &dev->mqtt.away;
}

#else

static inline const bool *iot_device_loan(const struct iot_device *dev)
{
    (void)dev;
    return NULL;
}

#endif
#endif
#endif

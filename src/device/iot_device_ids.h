/* SPDX-License-Identifier: Apache-2.0 */
/* Packet ids of a session that outlives a reboot. The broker may still hold ids of the time before: a
 * QoS 2 message under one of them would be taken for a repetition and swallowed. So ids are reserved
 * in the port's kv, a block at a time, before the first of them is used; after a reboot the next ones
 * come from behind the last reservation. */
#ifndef IOT_DEVICE_IDS_H
#define IOT_DEVICE_IDS_H

#include "device/iot_device_state.h"

#if IOT_FEATURE_SESSION_KEEP

#define IOT_DEVICE_IDS_BLOCK                                                                       \
    256u /* ids in one reservation: so many messages cost a write or two of the store */

/** It is time to reserve. Where nothing has to be reserved: never. */
static inline bool iot_device_ids_low(const struct iot_device *dev)
{
    return dev->mqtt.session.id_left < IOT_DEVICE_IDS_BLOCK / 2;
}

/** Have an id at hand, and mostly half a block. IOT_OK; IOT_ERR_AGAIN, the store is not ready;
 *  IOT_ERR_KV. */
iot_err iot_device_ids_reserve(struct iot_device *dev);

/** The session that is asked for has what it needs. */
bool iot_device_ids_fit(const struct iot_options *opt);

#else

static inline bool iot_device_ids_low(const struct iot_device *dev)
{
    (void)dev;
    return false;
}

static inline iot_err iot_device_ids_reserve(struct iot_device *dev)
{
    (void)dev;
    return IOT_OK;
}

static inline bool iot_device_ids_fit(const struct iot_options *opt)
{
    return opt->session == IOT_SESSION_CLEAN;
}

#endif
#endif

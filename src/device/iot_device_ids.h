/* SPDX-License-Identifier: Apache-2.0 */
/* Packet ids of a session that outlives a reboot. The broker may still hold ids of the time before: a
 * QoS 2 message under one of them would be taken for a repetition and swallowed. So ids are reserved
 * in the port's kv, a block at a time, before the first of them is used; after a reboot the next ones
 * come from behind the last reservation. */
#ifndef IOT_DEVICE_IDS_H
#define IOT_DEVICE_IDS_H

#include "device/iot_device_state.h"

/** Have an id at hand, and mostly half a block. IOT_OK; IOT_ERR_AGAIN, the store is not ready;
 *  IOT_ERR_KV. */
iot_err iot_device_ids_reserve(struct iot_device *dev);

#endif

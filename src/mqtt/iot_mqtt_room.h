/* SPDX-License-Identifier: Apache-2.0 */
/* Room in the outbox: where a message's bytes go. */
#ifndef IOT_MQTT_ROOM_H
#define IOT_MQTT_ROOM_H

#include "mqtt/iot_mqtt_outbox.h"

/** Find `n` contiguous bytes and a free slot for `msg`; as its policy says, older messages end as
 *  DROPPED for it. Bytes in the ring may move; their contents and their order do not change.
 *  IOT_OK, `*at` is where; IOT_ERR_FULL; IOT_ERR_SIZE; IOT_ERR_STATE: a writer is open. Whatever is
 *  refused leaves the messages as they were. */
iot_err iot_mqtt_room_make(struct iot_mqtt_outbox *box, const struct iot_msg *msg, uint32_t n,
                           uint32_t *at);

/** Would `n` bytes and a slot be there if `slots` messages with `bytes` were not? */
static inline bool iot_mqtt_room_fits(const struct iot_mqtt_outbox *box, uint32_t n, uint32_t slots,
                                      uint32_t bytes)
{
    return box->count - slots < IOT_MQTT_OUT_MAX && box->used - bytes + n <= IOT_MQTT_TX_BYTES;
}

/** Take slot `i` out of the table. */
void iot_mqtt_room_close_up(struct iot_mqtt_outbox *box, uint32_t i);

#endif

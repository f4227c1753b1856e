/* SPDX-License-Identifier: Apache-2.0 */
/* What the broker says to a session: one packet, or one part of a large one, at a time. */
#ifndef IOT_MQTT_HEAR_H
#define IOT_MQTT_HEAR_H

#include "mqtt/iot_mqtt_session.h"

/**
 * Digest received bytes, at most one packet.
 *
 * in       contiguous; slices of the event point into it.
 * used     out: bytes that are finished with. With IOT_MQTT_EV_MESSAGE they may be given up only
 *          together with iot_mqtt_accept; until then feed the same bytes again.
 * Returns  IOT_OK; IOT_ERR_AGAIN, more bytes are needed behind these; IOT_ERR_FULL, owed
 *          acknowledgements must leave first; anything else: close the connection. After
 *          MQTT_REFUSED `ev->code` is CONNACK's, after other errors the first byte.
 */
iot_err iot_mqtt_feed(struct iot_mqtt_session *s, struct iot_bytes in, uint32_t *used,
                      struct iot_mqtt_event *ev);

#endif

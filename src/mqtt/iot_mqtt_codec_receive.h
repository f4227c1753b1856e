/* SPDX-License-Identifier: Apache-2.0 */
/* What of the codec only a device needs that receives messages: PUBLISH, SUBSCRIBE, UNSUBSCRIBE; and what its two
 * files have in common. */
#ifndef IOT_MQTT_CODEC_RECEIVE_H
#define IOT_MQTT_CODEC_RECEIVE_H

#include "mqtt/iot_mqtt_codec.h"

#define IOT_MQTT_PUBREL_FLAGS 0x02u  /* 2.2.2: also of SUBSCRIBE and UNSUBSCRIBE */
#define IOT_MQTT_FIELD_MAX    65535u /* what a 16-bit length can say */

/** A packet id. IOT_OK; IOT_ERR_AGAIN; IOT_ERR_MQTT_MALFORMED: 0. */
iot_err iot_mqtt_decode_id(const uint8_t *at, uint32_t have, struct iot_mqtt_packet *p);

/* The writers return where to go on. */
uint8_t *iot_mqtt_put_u16(uint8_t *at, uint32_t value);
uint8_t *iot_mqtt_put_field(uint8_t *at, struct iot_bytes text);
uint8_t *iot_mqtt_put_header(uint8_t *at, uint32_t first, uint32_t len);

#if IOT_FEATURE_RECEIVE

static inline bool iot_mqtt_is_message(uint32_t type)
{
    return type == IOT_MQTT_PUBLISH;
}

/** `have` bytes of a body of `len` are here. IOT_OK: topic and id are among them. */
iot_err iot_mqtt_decode_publish(const uint8_t *body, uint32_t len, uint32_t have,
                                struct iot_mqtt_packet *p);

#else

static inline bool iot_mqtt_is_message(uint32_t type)
{
    (void)type;
    return false;
}

static inline iot_err iot_mqtt_decode_publish(const uint8_t *body, uint32_t len, uint32_t have,
                                              struct iot_mqtt_packet *p)
{
    (void)body, (void)len, (void)have, (void)p;
    return IOT_ERR_MQTT_PROTOCOL;
}

#endif
#endif

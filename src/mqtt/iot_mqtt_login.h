/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials for one attempt, and where their texts may lie: in the receive window, which is empty until
 * CONNECT has left. They are put into its upper half, and CONNECT is built in front of them. */
#ifndef IOT_MQTT_LOGIN_H
#define IOT_MQTT_LOGIN_H

#include "iot/iot_device.h"

/** What the options themselves say. Port 0: the platform's, which depends on the identity. */
void iot_mqtt_credentials(const struct iot_options *opt, struct iot_credentials *out);

/** The part of a window of `bytes` that texts may be put into; `*cap` is its size. */
uint8_t *iot_mqtt_login_scratch(uint8_t *window, uint32_t bytes, uint32_t *cap);

/** How much of the window CONNECT may take: all, or what lies before texts of these credentials. */
uint32_t iot_mqtt_login_room(const uint8_t *window, uint32_t bytes,
                             const struct iot_credentials *who);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Topic names and filters (MQTT 3.1.1 section 4.7): names. Filters: iot_mqtt_filter.h. */
#ifndef IOT_MQTT_TOPIC_H
#define IOT_MQTT_TOPIC_H

#include "iot/iot_base.h"

/** IOT_OK; IOT_ERR_MQTT_TOPIC: empty, over 65535 bytes, not UTF-8, NUL, '+' or '#'. */
iot_err iot_topic_check_name(struct iot_bytes name);

/** The same, without the characters `without`. */
iot_err iot_topic_check(struct iot_bytes text, const char *without);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Topic filters (MQTT 3.1.1 section 4.7): checks, and one match. */
#ifndef IOT_MQTT_FILTER_H
#define IOT_MQTT_FILTER_H

#include "mqtt/iot_mqtt_topic.h"

/** IOT_OK; IOT_ERR_MQTT_TOPIC: as above, with wildcards allowed where 4.7.1-1..3 allow them. */
iot_err iot_topic_check_filter(struct iot_bytes filter);

/** Does this one filter match? Both valid. Byte by byte (4.7.3-4); a leading wildcard does not
 *  match a leading '$' (4.7.2-1); "a/#" matches "a". */
bool iot_topic_match(struct iot_bytes filter, struct iot_bytes name);

static inline bool iot_topic_is_wildcard(uint8_t c)
{
    return c == '#' || c == '+';
}

#endif

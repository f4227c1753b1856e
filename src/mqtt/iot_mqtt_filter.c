/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_filter.h"

#if IOT_FEATURE_RECEIVE

iot_err iot_topic_check_filter(struct iot_bytes filter)
{
    /* '#' last and alone in its level (4.7.1-2), '+' alone in its level (4.7.1-3) */
    for (uint32_t i = 0; i < filter.len; i++) {
        if (iot_topic_is_wildcard(filter.ptr[i]) &&
            ((i != 0 && filter.ptr[i - 1] != '/') ||
             (i + 1 < filter.len && (filter.ptr[i] == '#' || filter.ptr[i + 1] != '/'))))
            return IOT_ERR_MQTT_TOPIC;
    }
    return iot_topic_check(filter, "");
}

#endif

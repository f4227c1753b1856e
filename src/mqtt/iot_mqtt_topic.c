/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_topic.h"

#include "core/iot_core_utf8.h"

#define TOPIC_MAX 65535u /* 4.7.3-3 */
iot_err iot_topic_check(struct iot_bytes text, const char *without)
{
    if (text.len - 1 >= TOPIC_MAX || !iot_utf8_valid_so_far(text, text.len, without))
        return IOT_ERR_MQTT_TOPIC;
    return IOT_OK;
}

iot_err iot_topic_check_name(struct iot_bytes name)
{
    return iot_topic_check(name, "#+");
}

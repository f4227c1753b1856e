/* SPDX-License-Identifier: Apache-2.0 */
/* Events for the application. Each is the last thing done in the step that found it. */
#ifndef IOT_MQTT_REPORT_H
#define IOT_MQTT_REPORT_H

#include "mqtt/iot_mqtt_client.h"

void iot_mqtt_report(struct iot_mqtt_client *c, const struct iot_event *ev);
void iot_mqtt_report_kind(struct iot_mqtt_client *c, enum iot_event_kind kind);

/** A message that was dropped. */
void iot_mqtt_report_skipped(struct iot_mqtt_client *c, iot_err why, int32_t detail,
                             const struct iot_msg *msg);

/** All messages of ours that have ended, and that there is room again. */
void iot_mqtt_report_ended(struct iot_mqtt_client *c);

#endif

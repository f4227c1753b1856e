/* SPDX-License-Identifier: Apache-2.0 */
/* Events for the application. Each is the last thing done in the step that found it. */
#ifndef IOT_MQTT_REPORT_H
#define IOT_MQTT_REPORT_H

#include "mqtt/iot_mqtt_client.h"

void iot_mqtt_report(struct iot_mqtt_client *c, const struct iot_event *ev);
void iot_mqtt_report_kind(struct iot_mqtt_client *c, enum iot_event_kind kind);

/** All messages of ours that have ended, and that there is room again. */
void iot_mqtt_report_ended(struct iot_mqtt_client *c);

#endif

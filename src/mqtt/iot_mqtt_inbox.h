/* SPDX-License-Identifier: Apache-2.0 */
/* What received messages are owed: acknowledgements still to be sent, in the order of their
 * packets (MQTT-4.6.0-2, -3), and the QoS 2 ids between PUBLISH and PUBREL (iot_mqtt_held.h). Knows
 * nothing of time or of the wire. */
#ifndef IOT_MQTT_INBOX_H
#define IOT_MQTT_INBOX_H

#include "iot/iot_mqtt.h"

struct iot_mqtt_ack {
    uint16_t id;
    uint8_t type; /* enum iot_mqtt_type; 0: none */
};

struct iot_mqtt_inbox {
    uint8_t owed;
    bool mute; /* the wire is dead: nothing is owed any more */
#if IOT_FEATURE_STATS
    uint8_t owed_high, held_high;
#endif
    struct iot_mqtt_ack ack[IOT_MQTT_ACKS_MAX]; /* `owed` of them, oldest first */
#if IOT_FEATURE_QOS2 && IOT_FEATURE_RECEIVE
    struct {
        uint8_t count;
        uint8_t sure; /* so many were named by the broker on this connection */
        uint16_t
            id[IOT_MQTT_QOS2_IN_MAX]; /* received, not released by a PUBREL; the sure ones first */
    } held;
#endif
};

/** Is there room for one more acknowledgement? */
bool iot_mqtt_inbox_can_owe(const struct iot_mqtt_inbox *in);

/** Owe one; there is room. */
void iot_mqtt_inbox_owe(struct iot_mqtt_inbox *in, uint8_t type, uint16_t id);

/** The first `n` were sent. */
void iot_mqtt_inbox_paid(struct iot_mqtt_inbox *in, uint32_t n);

/** The connection is gone; `keep`: the session is not, and QoS 2 ids stay known. */
void iot_mqtt_inbox_lost(struct iot_mqtt_inbox *in, bool keep);

#endif

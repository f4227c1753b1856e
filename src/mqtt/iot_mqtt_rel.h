/* SPDX-License-Identifier: Apache-2.0 */
/* Our messages of QoS 2 from PUBREC to PUBCOMP: RELs. They stand first in the outbox, in the order of the
 * PUBRECs, which is the order of the PUBRELs (MQTT-4.6.0-4). */
#ifndef IOT_MQTT_REL_H
#define IOT_MQTT_REL_H

#include "mqtt/iot_mqtt_outbox.h"

#if IOT_FEATURE_QOS2

/** How many there are. */
static inline uint32_t iot_mqtt_rels(const struct iot_mqtt_outbox *box)
{
    return box->rels.count;
}

/** Some of their PUBRELs are not out yet. */
static inline bool iot_mqtt_rels_due(const struct iot_mqtt_outbox *box)
{
    return box->rels.sent != box->rels.count;
}

/** The id of the next PUBREL to be sent; 0: none. It counts as sent from now on. */
uint16_t iot_mqtt_rels_next(struct iot_mqtt_outbox *box);

/** PUBREC, PUBCOMP came. False: none of ours waits for it. */
bool iot_mqtt_outbox_pubrec(struct iot_mqtt_outbox *box, uint16_t id);
bool iot_mqtt_outbox_pubcomp(struct iot_mqtt_outbox *box, uint16_t id);

/** The connection is gone: all PUBRELs are due again, or, without `keep`, there are no RELs any more. */
static inline void iot_mqtt_rels_lost(struct iot_mqtt_outbox *box, bool keep)
{
    box->rels.sent = 0;
    if (!keep)
        box->rels.count = 0;
}

#else

static inline uint32_t iot_mqtt_rels(const struct iot_mqtt_outbox *box)
{
    (void)box;
    return 0;
}

static inline bool iot_mqtt_rels_due(const struct iot_mqtt_outbox *box)
{
    (void)box;
    return false;
}

static inline uint16_t iot_mqtt_rels_next(struct iot_mqtt_outbox *box)
{
    (void)box;
    return 0;
}

static inline void iot_mqtt_rels_lost(struct iot_mqtt_outbox *box, bool keep)
{
    (void)box, (void)keep;
}

#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the application knows of the network (iot_network): it ends a link that is dead, or a wait. */
#ifndef IOT_MQTT_HINT_H
#define IOT_MQTT_HINT_H

#include "mqtt/iot_mqtt_client.h"

#if IOT_FEATURE_NETWORK_HINTS

void iot_mqtt_client_network(struct iot_mqtt_client *c, enum iot_network_change change);

/** What was said since the last tick: IOT_OK, nothing; IOT_ERR_NET_DOWN or _NET_CHANGED, any link is dead;
 *  IOT_ERR_AGAIN, it is up. */
iot_err iot_mqtt_hint_take(struct iot_mqtt_client *c);

/** The network is said to be down, or up (or changed), during the wait. True: wait `*ms` from now on instead. */
bool iot_mqtt_backoff_hint(const struct iot_mqtt_backoff *b, struct iot_jitter *jitter,
                           uint32_t cap_ms, bool down, uint32_t *ms);

#else

static inline iot_err iot_mqtt_hint_take(struct iot_mqtt_client *c)
{
    (void)c;
    return IOT_OK;
}

static inline bool iot_mqtt_backoff_hint(const struct iot_mqtt_backoff *b,
                                         struct iot_jitter *jitter, uint32_t cap_ms, bool down,
                                         uint32_t *ms)
{
    (void)b, (void)jitter, (void)cap_ms, (void)down, (void)ms;
    return false;
}

#endif
#endif

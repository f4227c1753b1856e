/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_hint.h"

#if IOT_FEATURE_NETWORK_HINTS

bool iot_mqtt_backoff_hint(const struct iot_mqtt_backoff *b, struct iot_jitter *jitter,
                           uint32_t cap_ms, bool down, uint32_t *ms)
{
    if (b->exiled || (b->firm && !down))
        return false;
    *ms = down ? iot_mqtt_backoff_cap(cap_ms)
               : iot_jitter_between(jitter, 0, IOT_MQTT_BACKOFF_MIN_MS);
    return true;
}

/* The last word counts, but a change implies that the old link is dead. */
void iot_mqtt_client_network(struct iot_mqtt_client *c, enum iot_network_change change)
{
    switch (change) {
    case IOT_NETWORK_UP:
        c->hint =
            c->hint == IOT_OK || c->hint == IOT_ERR_AGAIN ? IOT_ERR_AGAIN : IOT_ERR_NET_CHANGED;
        break;
    case IOT_NETWORK_DOWN:
        c->hint = IOT_ERR_NET_DOWN;
        break;
    case IOT_NETWORK_CHANGED:
        c->hint = IOT_ERR_NET_CHANGED;
        break;
    }
}

iot_err iot_mqtt_hint_take(struct iot_mqtt_client *c)
{
    iot_err hint = c->hint;
    c->hint = IOT_OK;
    return hint;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Counters and pools, for those who ask. */
#include "device/iot_device_state.h"

#if IOT_FEATURE_STATS

#if IOT_FEATURE_RECEIVE
#define SUBS(s) {"subscriptions", (s)->subs.count, (s)->subs.count_high, IOT_MQTT_SUBS_MAX},
#else
#define SUBS(s)
#endif

#if IOT_FEATURE_QOS2 && IOT_FEATURE_RECEIVE
#define HELD(s) {"qos2-in", (s)->inbox.held.count, (s)->inbox.held_high, IOT_MQTT_QOS2_IN_MAX},
#else
#define HELD(s)
#endif

#if IOT_FEATURE_TLS
static bool arena_pool(const struct iot_device *dev, struct iot_pool_use *out)
{
    struct iot_tls_memory memory;
    if (dev->opt->tls == NULL)
        return false;
    iot_tls_memory(&dev->tls, &memory);
    *out = (struct iot_pool_use){"tls-arena", memory.used, memory.high, memory.max};
    return true;
}
#else
static bool arena_pool(const struct iot_device *dev, struct iot_pool_use *out)
{
    (void)dev, (void)out;
    return false;
}
#endif

const struct iot_counters *iot_device_counters(const struct iot_device *dev)
{
    return &dev->mqtt.counters;
}

bool iot_device_pool(const struct iot_device *dev, uint32_t i, struct iot_pool_use *out)
{
    const struct iot_mqtt_session *s = &dev->mqtt.session;
    const struct iot_pool_use pools[] = {
        {"tx-bytes", s->box.used, s->box.tx_high, IOT_MQTT_TX_BYTES},
        {"messages", s->box.count, s->box.count_high, IOT_MQTT_OUT_MAX},
        SUBS(s){"acks", s->inbox.owed, s->inbox.owed_high, IOT_MQTT_ACKS_MAX},
        HELD(s)};
    const uint32_t count = sizeof pools / sizeof pools[0];
    if (i < count) {
        *out = pools[i];
        return true;
    }
    bool own_tcp = dev->opt->stream == NULL;
    if (i == count && own_tcp) {
        iot_tcp_pool(&dev->tcp, out);
        return true;
    }
    return i == count + own_tcp && arena_pool(dev, out);
}

#endif

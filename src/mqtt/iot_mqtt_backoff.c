/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_backoff.h"

#define BASE_MS  1000u
#define STEP_MAX 16u /* BASE_MS << 16 is above every cap that makes sense, and fits */

/* Permanent as far as a machine can tell: there is no point in the lower steps of the ladder. */
static bool refused(iot_err reason, int32_t detail)
{
    return reason == IOT_ERR_MQTT_REFUSED && detail != 3; /* 3: server unavailable */
}

void iot_mqtt_backoff_reset(struct iot_mqtt_backoff *b)
{
    b->step = 0;
}

uint32_t iot_mqtt_backoff_next(struct iot_mqtt_backoff *b, struct iot_jitter *jitter,
                               uint32_t cap_ms, iot_err reason, int32_t detail, uint32_t exile_ms)
{
    uint32_t cap = iot_mqtt_backoff_cap(cap_ms);
    b->exiled = exile_ms != 0;
    b->firm = b->exiled || refused(reason, detail);
    if (b->exiled)
        return iot_jitter_between(jitter, exile_ms, exile_ms + exile_ms / 2);
    if (b->firm)
        return iot_jitter_between(jitter, cap / 2, cap);
    if (reason == IOT_ERR_NET_DOWN)
        return cap;
    if (reason == IOT_ERR_NET_CHANGED)
        return iot_jitter_between(jitter, 0, IOT_MQTT_BACKOFF_MIN_MS);

    uint32_t high = BASE_MS << b->step;
    if (high > cap)
        high = cap;
    if (b->step < STEP_MAX)
        b->step++;
    return iot_jitter_between(
        jitter, high < IOT_MQTT_BACKOFF_MIN_MS ? high : IOT_MQTT_BACKOFF_MIN_MS, high);
}

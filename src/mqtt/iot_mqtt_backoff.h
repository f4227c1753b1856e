/* SPDX-License-Identifier: Apache-2.0 */
/* When to come back after a loss: a ladder of waits, each random, and what does not fit a ladder. */
#ifndef IOT_MQTT_BACKOFF_H
#define IOT_MQTT_BACKOFF_H

#include "core/iot_core_jitter.h"

struct iot_mqtt_backoff {
    uint8_t step; /* of the ladder */
    bool firm;    /* a person or much time has to change something: no hint shortens the wait */
    bool exiled;  /* the peer demands the wait: nothing changes it */
};

/** The link was a good one: begin at the foot of the ladder. */
void iot_mqtt_backoff_reset(struct iot_mqtt_backoff *b);

/**
 * How long to wait after this loss, ms.
 *
 * cap_ms    top of the ladder; 0: 60 000.
 * exile_ms  what the peer's rules demand; 0: nothing. Up to half of it is added.
 */
uint32_t iot_mqtt_backoff_next(struct iot_mqtt_backoff *b, struct iot_jitter *jitter,
                               uint32_t cap_ms, iot_err reason, int32_t detail, uint32_t exile_ms);

/** The ladder's top where the options name none. */
static inline uint32_t iot_mqtt_backoff_cap(uint32_t cap_ms)
{
    return cap_ms != 0 ? cap_ms : 60000u;
}

/** The shortest of its waits, ms. */
#define IOT_MQTT_BACKOFF_MIN_MS 250u

#endif

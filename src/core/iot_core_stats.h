/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted for iot_device_counters and iot_device_pool; nothing at all without IOT_FEATURE_STATS. */
#ifndef IOT_CORE_STATS_H
#define IOT_CORE_STATS_H

#include "iot/iot_base.h"

#if IOT_FEATURE_STATS
#define IOT_COUNT(counter, n) ((counter) += (n))
#define IOT_HIGH(high, value)                                                                      \
    do {                                                                                           \
        if ((value) > (high))                                                                      \
            (high) = (value);                                                                      \
    } while (0)
#else
#define IOT_COUNT(counter, n) ((void)0)
#define IOT_HIGH(high, value) ((void)0)
#endif
#endif

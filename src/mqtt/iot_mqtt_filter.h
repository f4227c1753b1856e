/* SPDX-License-Identifier: Apache-2.0 */
/* Topic filters (MQTT 3.1.1 section 4.7): checks, and one match. */
#ifndef IOT_MQTT_FILTER_H
#define IOT_MQTT_FILTER_H

#include "mqtt/iot_mqtt_topic.h"

#include <string.h>

/** IOT_OK; IOT_ERR_MQTT_TOPIC: as for a name, with wildcards allowed where 4.7.1-1..3 allow them. */
iot_err iot_topic_check_filter(struct iot_bytes filter);

static inline bool iot_topic_is_wildcard(uint8_t c)
{
    return c == '#' || c == '+';
}

/* Here, as whoever looks through a table wants it inside of his loop. */

/* Four bytes at any address, in the machine's order. */
static inline uint32_t iot_topic_load4(const uint8_t *p)
{
    uint32_t word;

    memcpy(&word, p, sizeof word);
    return word;
}

/* How many of `n` bytes are the same, from the first one on. */
static inline size_t iot_topic_same(const uint8_t *a, const uint8_t *b, size_t n)
{
    size_t i = 0;

    for (; n - i >= 4; i += 4) {
        if (iot_topic_load4(a + i) != iot_topic_load4(b + i))
            break;
    }
    while (i < n && a[i] == b[i])
        i++;
    return i;
}

/** Does this one filter match? Both valid. Byte by byte (4.7.3-4); a leading wildcard does not
 *  match a leading '$' (4.7.2-1); "a/#" matches "a". */
static inline bool iot_topic_match(struct iot_bytes filter, struct iot_bytes name)
{
    const uint8_t *f = filter.ptr;
    const uint8_t *n = name.ptr;
    const uint8_t *f_end = f + filter.len;
    const uint8_t *n_end = n + name.len;

    if (*n == '$' && iot_topic_is_wildcard(*f))
        return false;
    for (;;) {
        size_t f_left = (size_t)(f_end - f);
        size_t n_left = (size_t)(n_end - n);
        size_t same = iot_topic_same(f, n, f_left < n_left ? f_left : n_left);

        f += same; /* no wildcard among them: there is none in a name */
        n += same;
        if (f == f_end)
            return n == n_end;
        if (*f == '#')
            return true;
        if (*f != '+')
            return n == n_end && f_end - f == 2 && f[1] == '#'; /* "a/#" matches "a" */
        f++;
        while (n != n_end && *n != '/')
            n++;
    }
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_filter.h"

#include <string.h>

#if IOT_FEATURE_RECEIVE

iot_err iot_topic_check_filter(struct iot_bytes filter)
{
    /* '#' last and alone in its level (4.7.1-2), '+' alone in its level (4.7.1-3) */
    for (uint32_t i = 0; i < filter.len; i++) {
        if (iot_topic_is_wildcard(filter.ptr[i]) &&
            ((i != 0 && filter.ptr[i - 1] != '/') ||
             (i + 1 < filter.len && (filter.ptr[i] == '#' || filter.ptr[i + 1] != '/'))))
            return IOT_ERR_MQTT_TOPIC;
    }
    return iot_topic_check(filter, "");
}

/* Four bytes at any address, in the machine's order. */
static uint32_t load4(const uint8_t *p)
{
    uint32_t word;

    memcpy(&word, p, sizeof word);
    return word;
}

/* How many of `n` bytes are the same, from the first one on. */
static size_t same_bytes(const uint8_t *a, const uint8_t *b, size_t n)
{
    size_t i = 0;

    for (; n - i >= 4; i += 4) {
        if (load4(a + i) != load4(b + i))
            break;
    }
    while (i < n && a[i] == b[i])
        i++;
    return i;
}

bool iot_topic_match(struct iot_bytes filter, struct iot_bytes name)
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
        size_t same = same_bytes(f, n, f_left < n_left ? f_left : n_left);

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

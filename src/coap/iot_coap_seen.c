/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/iot_coap_slot.h"

#if IOT_FEATURE_COAP

#include <string.h>

bool iot_coap_seen_again(struct iot_coap_exchange *x, uint16_t id, iot_time now)
{
    for (struct iot_coap_seen *e = x->seen; e != x->seen + IOT_COAP_SEEN; e++) {
        if (e->id == id && e->until > now) {
            e->owed = true;
            return true;
        }
    }
    return false;
}

/* The place of the one that has the least time left, whose answer has gone out if there is such a one. What that costs: a copy of it
 * that comes now is judged anew, and meets a token that nobody knows, or a notification that is no news. */
void iot_coap_seen_add(struct iot_coap_exchange *x, uint16_t id, uint8_t answer, iot_time now)
{
    struct iot_coap_seen *old = x->seen;

    for (struct iot_coap_seen *e = x->seen + 1; e != x->seen + IOT_COAP_SEEN; e++) {
        if (e->owed == old->owed ? e->until < old->until : old->owed)
            old = e;
    }
    old->until = now + IOT_COAP_LIFETIME_MS;
    old->id = id;
    old->answer = answer;
    old->owed = true;
}

struct iot_coap_seen *iot_coap_seen_owed(struct iot_coap_exchange *x)
{
    struct iot_coap_seen *first = NULL;

    for (struct iot_coap_seen *e = x->seen; e != x->seen + IOT_COAP_SEEN; e++) {
        if (e->owed && (first == NULL || e->until < first->until))
            first = e;
    }
    return first;
}

void iot_coap_seen_forget(struct iot_coap_exchange *x)
{
    memset(x->seen, 0, sizeof x->seen);
}

#endif

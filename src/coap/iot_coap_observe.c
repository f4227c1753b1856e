/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/iot_coap_slot.h"

#if IOT_FEATURE_COAP

#define HALF_OF_24_BITS 0x800000u
#define ORDER_AGES_MS   128000u
/* RFC 7641 3.3.1: who finds a notification missing waits that long, at random, before it asks. */
#define ASK_LOW_MS  5000u
#define ASK_HIGH_MS 15000u

bool iot_coap_observe_newer(const struct iot_coap_slot *s, uint32_t order, iot_time now)
{
    uint32_t ahead = (order - s->order) & 0xffffffu;

    return (ahead != 0 && ahead < HALF_OF_24_BITS) || now > s->order_at + ORDER_AGES_MS;
}

void iot_coap_observe_noted(struct iot_coap_exchange *x, struct iot_coap_slot *s,
                            const struct iot_coap_reply *r, iot_time now)
{
    if (!r->has_observe || r->head.code >> 5 != 2 || !s->req->observe) {
        s->flags &= (uint8_t)~IOT_COAP_WATCHED;
        return;
    }
    if ((s->flags & IOT_COAP_WATCHED) == 0)
        s->watch = s->token;
    s->flags |= IOT_COAP_WATCHED;
    s->order = r->observe;
    s->order_at = now;
    s->renew_at = now + (iot_time)r->head.max_age_s * 1000 +
                  iot_jitter_between(&x->jitter, ASK_LOW_MS, ASK_HIGH_MS);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/iot_coap_slot.h"

#if IOT_FEATURE_COAP

#include "core/iot_core_assert.h"

#define HALF_OF_IDS 0x8000u

/* Until when there is no id: RFC 7252 4.4. Of the two halves that all ids make, one is not begun before the other was for the time
 * in which the last of its ids may still be on the way. */
static iot_time id_at(const struct iot_coap_exchange *x)
{
    bool begins = ((x->next_id - x->first_id) & (HALF_OF_IDS - 1)) == 0;

    return begins && x->half_since != IOT_TIME_NEVER ? x->half_since + IOT_COAP_LIFETIME_MS : 0;
}

static void use_id(struct iot_coap_exchange *x, iot_time now)
{
    if (x->next_id == (uint16_t)(x->first_id + HALF_OF_IDS) ||
        (x->next_id == x->first_id && x->half_since != IOT_TIME_NEVER))
        x->half_since = now;
    x->next_id++;
}

/* A body in blocks is under way. Servers that do not know Request-Tag would mix it with another, so that waits. */
static bool mixes(struct iot_coap_exchange *x, const struct iot_coap_slot *s)
{
    uint32_t len = s->req->body.len;

    if (s->at != 0 || (s->req->source == NULL && len <= iot_coap_block_bytes(s->up)))
        return false;
    for (const struct iot_coap_slot *t = x->slots; t <= iot_coap_last(x); t++) {
        if (t != s && t->req != NULL && t->tag != 0 && (t->flags & IOT_COAP_UPLOADED) == 0 &&
            t->phase != IOT_COAP_PH_OVER)
            return true;
    }
    return false;
}

/* Who sends now. Who has to wait for a known time is told so. */
static struct iot_coap_slot *pick(struct iot_coap_exchange *x, iot_time now)
{
    struct iot_coap_slot *out = iot_coap_outstanding(x), *best = NULL;

    if (out != NULL && iot_coap_is_ready(out))
        return out;
    for (struct iot_coap_slot *s = x->slots; s <= iot_coap_last(x); s++) {
        if (!iot_coap_is_ready(s) || mixes(x, s) || (out != NULL && !s->req->non))
            continue;
        if (s->req->non && x->hush > now)
            s->due = x->hush;
        else if (id_at(x) > now)
            s->due = id_at(x);
        else if (best == NULL || (int32_t)(s->turn - best->turn) < 0)
            best = s;
    }
    return best;
}

iot_err iot_coap_exchange_next(struct iot_coap_exchange *x, uint8_t *into, uint32_t room,
                               iot_time now, uint32_t *len)
{
    struct iot_coap_seen *owed = iot_coap_seen_owed(x);
    struct iot_coap_encoder e;
    struct iot_coap_slot *s;

    x->offered = 0;
    if (owed != NULL) {
        iot_coap_encode(&e, into, room, owed->answer, 0, owed->id, (struct iot_bytes){NULL, 0});
        x->offered = (uint16_t)(owed - x->seen + IOT_COAP_REQUESTS + 1);
        *len = e.len;
        return IOT_OK;
    }
    while ((s = pick(x, now)) != NULL) {
        iot_err err = iot_coap_request_write(x, s, into, room, len);
        if (err == IOT_OK) {
            x->offered = (uint16_t)(s - x->slots + 1);
            x->offered_len = (uint16_t)*len;
            return IOT_OK;
        }
        if (err == IOT_ERR_AGAIN)
            s->due = now + IOT_COAP_SOURCE_MS;
        else
            iot_coap_over(s, err, 0);
    }
    return IOT_ERR_AGAIN;
}

void iot_coap_exchange_sent(struct iot_coap_exchange *x, iot_time now)
{
    uint32_t at = x->offered, first_ms = x->rules.ack_timeout_ms;
    struct iot_coap_slot *s;

    IOT_ASSERT(at != 0);
    x->offered = 0;
    x->counters.sent++;
    if (at > IOT_COAP_REQUESTS) {
        x->seen[at - IOT_COAP_REQUESTS - 1].owed = false;
        return;
    }
    s = &x->slots[at - 1];
    if (s->phase == IOT_COAP_PH_QUEUED) {
        s->id = x->next_id;
        use_id(x, now);
        s->timeout_ms = iot_jitter_between(&x->jitter, first_ms, first_ms + first_ms / 2);
    } else {
        x->counters.repeated++;
        s->timeout_ms *= 2;
    }
    s->tries++;
    if (s->req->non) {
        iot_coap_await(x, s, now);
        x->hush = now + (iot_time)x->offered_len * 1000 / x->rules.probing_rate;
    } else {
        s->phase = IOT_COAP_PH_SENT;
        s->due = now + s->timeout_ms;
    }
}

#endif

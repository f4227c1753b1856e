/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/iot_coap_exchange.h"

#if IOT_FEATURE_COAP

#include "coap/iot_coap_slot.h"
#include "core/iot_core_assert.h"

#include <string.h>

/* ---- What happens to a request ----------------------------------------------------------- */

void iot_coap_queue(struct iot_coap_exchange *x, struct iot_coap_slot *s, bool fresh, iot_time due)
{
    s->phase = IOT_COAP_PH_QUEUED;
    s->flags &= (uint8_t)~IOT_COAP_ECHOED;
    s->tries = 0;
    s->due = due;
    s->turn = ++x->count;
    if (fresh)
        s->token = s->turn;
}

void iot_coap_over(struct iot_coap_slot *s, iot_err err, int32_t detail)
{
    s->phase = IOT_COAP_PH_OVER;
    s->flags &= (uint8_t)~IOT_COAP_WATCHED;
    s->err = err;
    s->detail = detail;
}

/* The server has the message; now it owes the response. */
void iot_coap_await(const struct iot_coap_exchange *x, struct iot_coap_slot *s, iot_time now)
{
    uint32_t ms = s->req->response_ms;

    s->phase = IOT_COAP_PH_ACKED;
    s->due = now + (ms != 0 ? ms : x->rules.response_ms);
}

struct iot_coap_slot *iot_coap_outstanding(struct iot_coap_exchange *x)
{
    for (struct iot_coap_slot *s = x->slots; s <= iot_coap_last(x); s++) {
        if (iot_coap_is_out(s))
            return s;
    }
    return NULL;
}

/* ---- Tokens ------------------------------------------------------------------------------ */

struct iot_bytes iot_coap_token(const struct iot_coap_exchange *x,
                                const struct iot_coap_request *req, uint32_t number, uint8_t *into)
{
    if (number == 0)
        return req->token;
    memcpy(into, &x->salt, 4);
    memcpy(into + 4, &number, 4);
    return (struct iot_bytes){into, 8};
}

bool iot_coap_has_token(const struct iot_coap_exchange *x, const struct iot_coap_slot *s,
                        uint32_t number, struct iot_bytes token)
{
    uint8_t room[IOT_COAP_TOKEN_MAX];
    struct iot_bytes own = iot_coap_token(x, s->req, number, room);

    return own.len == token.len && own.len != 0 && memcmp(own.ptr, token.ptr, own.len) == 0;
}

/* ---- Beginning --------------------------------------------------------------------------- */

void iot_coap_exchange_init(struct iot_coap_exchange *x, const struct iot_coap_rules *rules,
                            uint32_t seed)
{
    memset(x, 0, sizeof *x);
    x->rules = *rules;
    x->half_since = IOT_TIME_NEVER;
    iot_coap_exchange_seed(x, seed);
}

void iot_coap_exchange_seed(struct iot_coap_exchange *x, uint32_t seed)
{
    iot_jitter_seed(&x->jitter, seed);
    x->salt = iot_jitter_between(&x->jitter, 0, UINT32_MAX);
    x->first_id = x->next_id = (uint16_t)iot_jitter_between(&x->jitter, 0, UINT16_MAX);
}

/* Anew, from the first byte. */
static void begin(struct iot_coap_exchange *x, struct iot_coap_slot *s)
{
    s->ask = IOT_COAP_ASK_WHOLE;
    s->flags = 0;
    s->restarts = 0;
    iot_coap_block_init(s);
    iot_coap_block_begin(s);
    iot_coap_queue(x, s, true, 0);
    if (s->req->token.len != 0)
        s->token = 0;
}

iot_err iot_coap_exchange_start(struct iot_coap_exchange *x, const struct iot_coap_request *req,
                                iot_ticket *out)
{
    struct iot_coap_slot *s = NULL;
    iot_err err = iot_coap_request_check(x, req);

    if (err != IOT_OK)
        return err;
    for (struct iot_coap_slot *t = x->slots; t <= iot_coap_last(x); t++) {
        if (t->req == NULL)
            s = t;
        else if (req->token.len != 0 && (iot_coap_has_token(x, t, t->token, req->token) ||
                                         iot_coap_has_token(x, t, 0, req->token)))
            return IOT_ERR_ARG; /* two with one token could not be told apart */
    }
    if (s == NULL)
        return IOT_ERR_FULL;
    memset(s, 0, sizeof *s);
    s->req = req;
    if (++x->last_ticket == 0)
        x->last_ticket = 1;
    s->ticket = x->last_ticket;
    begin(x, s);
    if (out != NULL)
        *out = s->ticket;
    return IOT_OK;
}

iot_err iot_coap_exchange_cancel(struct iot_coap_exchange *x, iot_ticket ticket)
{
    for (struct iot_coap_slot *s = x->slots; s <= iot_coap_last(x); s++) {
        if (s->req == NULL || s->ticket != ticket || s->phase == IOT_COAP_PH_OVER)
            continue;
        if (s->ask == IOT_COAP_ASK_CANCEL)
            return IOT_OK;
        /* The server may have it in its list already, though it has not said so. */
        if ((s->flags & IOT_COAP_WATCHED) == 0 &&
            !(s->req->observe && iot_coap_is_waiting(s) && s->tag == 0)) {
            iot_coap_over(s, IOT_ERR_CLOSED, 0);
            return IOT_OK;
        }
        if ((s->flags & IOT_COAP_WATCHED) != 0)
            s->token = s->watch;
        s->flags &= (uint8_t)~IOT_COAP_WATCHED;
        s->ask = IOT_COAP_ASK_CANCEL;
        s->from = 0;
        iot_coap_queue(x, s, false, 0);
        return IOT_OK;
    }
    return IOT_ERR_STATE;
}

/* ---- Time -------------------------------------------------------------------------------- */

static void on_due(struct iot_coap_exchange *x, struct iot_coap_slot *s)
{
    bool out = s->phase == IOT_COAP_PH_SENT;

    if ((out || (s->phase == IOT_COAP_PH_ACKED && s->req->non)) && x->unheard != UINT8_MAX)
        x->unheard++;
    switch ((enum iot_coap_phase)s->phase) {
    case IOT_COAP_PH_SENT:
        if (s->tries > x->rules.max_retransmit) {
            iot_coap_over(s, IOT_ERR_COAP_TIMEOUT, 0);
            break;
        }
        s->phase = IOT_COAP_PH_REPEAT;
        s->due = 0;
        break;
    case IOT_COAP_PH_ACKED: /* of a NON nobody knows, but that the rest of its body has not left */
        iot_coap_over(s,
                      s->req->non && s->at + iot_coap_block_bytes(s->up) < s->req->body.len
                          ? IOT_ERR_COAP_TIMEOUT
                          : IOT_ERR_COAP_SILENT,
                      0);
        break;
    case IOT_COAP_PH_OBSERVED:
        s->ask = IOT_COAP_ASK_WHOLE;
        iot_coap_block_init(s);
        iot_coap_block_begin(s);
        s->token = s->watch; /* the server replaces what it has by that */
        iot_coap_queue(x, s, false, 0);
        break;
    case IOT_COAP_PH_QUEUED:
    case IOT_COAP_PH_REPEAT:
        s->due = 0;
        break;
    case IOT_COAP_PH_HANDED:
    case IOT_COAP_PH_OVER:
        break;
    }
}

void iot_coap_exchange_expire(struct iot_coap_exchange *x, iot_time now, struct iot_coap_event *ev)
{
    memset(ev, 0, sizeof *ev);
    for (struct iot_coap_slot *s = x->slots; s <= iot_coap_last(x); s++) {
        if (s->req == NULL)
            continue;
        if (s->due != 0 && s->due <= now)
            on_due(x, s);
        if (s->phase == IOT_COAP_PH_OVER) {
            ev->what = IOT_COAP_END;
            ev->slot = s;
            ev->req = s->req;
            ev->err = s->err;
            ev->detail = s->detail;
            s->req = NULL;
            return;
        }
    }
}

iot_time iot_coap_exchange_deadline(const struct iot_coap_exchange *x)
{
    iot_time first = IOT_TIME_NEVER;

    for (const struct iot_coap_slot *s = x->slots; s != x->slots + IOT_COAP_REQUESTS; s++) {
        if (s->req == NULL || s->phase == IOT_COAP_PH_HANDED)
            continue;
        if (s->phase == IOT_COAP_PH_OVER)
            return 0;
        if (s->due != 0 && s->due < first)
            first = s->due;
    }
    return first;
}

/* ---- The rest ---------------------------------------------------------------------------- */

void iot_coap_exchange_resume(struct iot_coap_exchange *x)
{
    for (struct iot_coap_slot *s = x->slots; s <= iot_coap_last(x); s++) {
        if (s->req != NULL && (s->phase == IOT_COAP_PH_QUEUED || s->phase == IOT_COAP_PH_REPEAT))
            s->due = 0;
    }
}

uint32_t iot_coap_exchange_unheard(const struct iot_coap_exchange *x)
{
    return x->unheard;
}

/* Nothing of it has left, or whatever has may be done again. */
static bool may_begin_again(const struct iot_coap_slot *s)
{
    switch ((enum iot_coap_method)s->req->method) {
    case IOT_COAP_POST:
    case IOT_COAP_PATCH:
    case IOT_COAP_IPATCH:
        return s->req->repeatable ||
               (s->phase == IOT_COAP_PH_QUEUED && s->at == 0 && s->from == 0 && s->restarts == 0);
    case IOT_COAP_PING:
    case IOT_COAP_GET:
    case IOT_COAP_PUT:
    case IOT_COAP_DELETE:
    case IOT_COAP_FETCH:
        break;
    }
    return s->ask != IOT_COAP_ASK_CANCEL;
}

void iot_coap_exchange_renew(struct iot_coap_exchange *x)
{
    iot_coap_seen_forget(x);
    x->hush = 0;
    x->unheard = 0;
    for (struct iot_coap_slot *s = x->slots; s <= iot_coap_last(x); s++) {
        if (s->req == NULL || s->phase == IOT_COAP_PH_OVER)
            continue;
        uint32_t turn = s->turn;
        if (may_begin_again(s))
            begin(x, s);
        else
            iot_coap_over(s, IOT_ERR_UNKNOWN, 0);
        s->turn = turn; /* they keep their order */
    }
}

void iot_coap_exchange_fail(struct iot_coap_exchange *x, iot_err err, int32_t detail)
{
    iot_coap_seen_forget(x);
    for (struct iot_coap_slot *s = x->slots; s <= iot_coap_last(x); s++) {
        if (s->req != NULL && s->phase != IOT_COAP_PH_OVER)
            iot_coap_over(s, err, detail);
    }
}

bool iot_coap_exchange_wants(const struct iot_coap_exchange *x)
{
    for (const struct iot_coap_slot *s = x->slots; s != x->slots + IOT_COAP_REQUESTS; s++) {
        if (iot_coap_is_ready(s))
            return true;
    }
    for (const struct iot_coap_seen *e = x->seen; e != x->seen + IOT_COAP_SEEN; e++) {
        if (e->owed)
            return true;
    }
    return false;
}

bool iot_coap_exchange_idle(const struct iot_coap_exchange *x)
{
    for (const struct iot_coap_slot *s = x->slots; s != x->slots + IOT_COAP_REQUESTS; s++) {
        if (s->req != NULL)
            return false;
    }
    return true;
}

#endif

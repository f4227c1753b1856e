/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/iot_coap_exchange.h"

#if IOT_FEATURE_COAP

#include "coap/iot_coap_slot.h"
#include "core/iot_core_assert.h"

#include <string.h>

#define HALF_OF_IDS 0x8000u

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
static void await(const struct iot_coap_exchange *x, struct iot_coap_slot *s, iot_time now)
{
    uint32_t ms = s->req->response_ms;

    s->phase = IOT_COAP_PH_ACKED;
    s->due = now + (ms != 0 ? ms : x->rules.response_ms);
}

/* A confirmable message of it is out and not acknowledged. */
static bool is_out(const struct iot_coap_slot *s)
{
    return s->req != NULL && (s->phase == IOT_COAP_PH_SENT || s->phase == IOT_COAP_PH_REPEAT);
}

static bool is_waiting(const struct iot_coap_slot *s)
{
    return is_out(s) || (s->req != NULL && s->phase == IOT_COAP_PH_ACKED);
}

static bool is_ready(const struct iot_coap_slot *s)
{
    return s->req != NULL && s->due == 0 &&
           (s->phase == IOT_COAP_PH_QUEUED || s->phase == IOT_COAP_PH_REPEAT);
}

static struct iot_coap_slot *last_slot(struct iot_coap_exchange *x)
{
    return x->slots + IOT_COAP_REQUESTS - 1;
}

static struct iot_coap_slot *outstanding(struct iot_coap_exchange *x)
{
    for (struct iot_coap_slot *s = x->slots; s <= last_slot(x); s++) {
        if (is_out(s))
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

static bool has_token(const struct iot_coap_exchange *x, const struct iot_coap_slot *s,
                      uint32_t number, struct iot_bytes token)
{
    uint8_t room[IOT_COAP_TOKEN_MAX];
    struct iot_bytes own = iot_coap_token(x, s->req, number, room);

    return own.len == token.len && own.len != 0 && memcmp(own.ptr, token.ptr, own.len) == 0;
}

/* Whose message is answered, or whose observation this is. */
static struct iot_coap_slot *by_token(struct iot_coap_exchange *x, struct iot_bytes token)
{
    for (struct iot_coap_slot *s = x->slots; s <= last_slot(x); s++) {
        if ((is_waiting(s) && has_token(x, s, s->token, token)) ||
            (s->req != NULL && (s->flags & IOT_COAP_WATCHED) != 0 &&
             has_token(x, s, s->watch, token)))
            return s;
    }
    return NULL;
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
    for (struct iot_coap_slot *t = x->slots; t <= last_slot(x); t++) {
        if (t->req == NULL)
            s = t;
        else if (req->token.len != 0 &&
                 (has_token(x, t, t->token, req->token) || has_token(x, t, 0, req->token)))
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
    for (struct iot_coap_slot *s = x->slots; s <= last_slot(x); s++) {
        if (s->req == NULL || s->ticket != ticket || s->phase == IOT_COAP_PH_OVER)
            continue;
        if (s->ask == IOT_COAP_ASK_CANCEL)
            return IOT_OK;
        /* The server may have it in its list already, though it has not said so. */
        if ((s->flags & IOT_COAP_WATCHED) == 0 &&
            !(s->req->observe && is_waiting(s) && s->tag == 0)) {
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

/* ---- Responses --------------------------------------------------------------------------- */

/* RFC 9175 2.3: the same once more, with what the server wants to see. By another token, unless it is the caller's or an
 * observation's. */
static void on_echo(struct iot_coap_exchange *x, struct iot_coap_slot *s, struct iot_bytes echo)
{
    const struct iot_coap_slot *out = outstanding(x);
    bool fresh = s->ask == IOT_COAP_ASK_REST || (s->ask == IOT_COAP_ASK_WHOLE && s->token != 0 &&
                                                 (s->flags & IOT_COAP_WATCHED) == 0);

    if ((s->flags & IOT_COAP_ECHOED) != 0) {
        iot_coap_over(s, IOT_ERR_COAP_ECHO, 0);
        return;
    }
    /* What another request has out stays as it is while it is. */
    if (out == NULL || out == s || (out->flags & IOT_COAP_ECHOES) == 0) {
        memcpy(x->echo, echo.ptr, echo.len);
        x->echo_len = (uint8_t)echo.len;
    }
    iot_coap_queue(x, s, fresh, 0);
    s->flags |= IOT_COAP_ECHOES | IOT_COAP_ECHOED;
}

/* A notification by the token of an observation, or what ends it. False: it is old. The response to another registration, which
 * has the same token, may say that nothing has changed, or be of a server that counts anew. */
static bool on_notice(struct iot_coap_exchange *x, struct iot_coap_slot *s,
                      const struct iot_coap_reply *r, bool answer, iot_time now)
{
    if (r->has_observe && r->head.code >> 5 == 2 && !iot_coap_observe_newer(s, r->observe, now) &&
        !(answer && (s->phase == IOT_COAP_PH_ACKED || r->observe == s->order)))
        return false;
    s->ask = IOT_COAP_ASK_WHOLE;
    s->from = 0;
    s->restarts = 0;
    iot_coap_block_init(s);
    iot_coap_observe_noted(x, s, r, now);
    return true;
}

/* A response of class 2, 4 or 5 for `s`. */
static void on_reply(struct iot_coap_exchange *x, struct iot_coap_slot *s,
                     const struct iot_coap_message *m, iot_time now, struct iot_coap_event *ev)
{
    bool piggybacked = m->type == IOT_COAP_ACK;
    bool answer = is_waiting(s) && has_token(x, s, s->token, m->token);
    struct iot_coap_reply r;
    int32_t detail = 0;
    iot_err err = iot_coap_reply_read(m, &r, &detail);

    if (m->type == IOT_COAP_CON)
        iot_coap_seen_add(x, m->id, err == IOT_OK ? IOT_COAP_ACK : IOT_COAP_RST, now);
    if (err != IOT_OK) {
        iot_coap_over(s, err, detail);
        return;
    }
    if (s->ask == IOT_COAP_ASK_CANCEL && (!r.has_observe || piggybacked)) {
        iot_coap_over(s, IOT_OK, 0);
        return;
    }
    if (s->ask == IOT_COAP_ASK_CANCEL)
        return; /* crossed it */
    if (answer && r.head.code == IOT_COAP_CODE(4, 1) && r.echo.len != 0) {
        on_echo(x, s, r.echo);
        return;
    }
    if ((s->flags & IOT_COAP_WATCHED) != 0 && has_token(x, s, s->watch, m->token) &&
        !(answer && piggybacked)) {
        if (!on_notice(x, s, &r, answer, now)) {
            x->counters.ignored++;
            return;
        }
    } else if (iot_coap_block_sent(x, s, &r)) {
        return;
    } else if (s->ask == IOT_COAP_ASK_WHOLE && s->from == 0) {
        iot_coap_observe_noted(x, s, &r, now);
    }
    iot_coap_block_came(x, s, &r, m->payload, ev);
}

/* Is this for what it sent last? The response to another registration may also come behind a notification that made it needless, and
 * be newer than that. */
static bool is_of(const struct iot_coap_slot *s, const struct iot_coap_message *m)
{
    return s->id == m->id && (is_waiting(s) || (s->phase == IOT_COAP_PH_OBSERVED &&
                                                s->token == s->watch && m->code != 0));
}

/* An acknowledgement or a reset: of the message with its id, and nothing follows from it otherwise. */
static void on_answered(struct iot_coap_exchange *x, const struct iot_coap_message *m, iot_time now,
                        struct iot_coap_event *ev)
{
    struct iot_coap_slot *s = x->slots;

    while (s <= last_slot(x) && !is_of(s, m))
        s++;
    if (s > last_slot(x)) {
        x->counters.ignored++;
    } else if (m->code != 0) {
        if (m->type == IOT_COAP_ACK && !s->req->non && has_token(x, s, s->token, m->token))
            on_reply(x, s, m, now, ev);
        else
            x->counters.ignored++;
    } else if (s->req->method == IOT_COAP_PING) {
        iot_coap_over(s, IOT_OK, 0);
    } else if (m->type == IOT_COAP_RST) {
        if (is_out(s) || s->req->non)
            iot_coap_over(s, IOT_ERR_COAP_RESET, 0);
    } else if (is_out(s)) {
        await(x, s, now);
    }
}

/* What nobody here asked for. A notification is rejected in any case: else it would go on for ever (RFC 7641 3.6). */
static void refuse(struct iot_coap_exchange *x, const struct iot_coap_message *m, bool observe,
                   iot_time now)
{
    x->counters.ignored++;
    if (m->type == IOT_COAP_CON || (m->type == IOT_COAP_NON && observe))
        iot_coap_seen_add(x, m->id, IOT_COAP_RST, now);
}

static bool is_response(uint8_t code)
{
    return code >> 5 == 2 || code >> 5 == 4 || code >> 5 == 5;
}

/* Something came: the server is there, and messages that nobody confirms need not wait. */
static void on_life(struct iot_coap_exchange *x)
{
    for (struct iot_coap_slot *s = x->slots; s <= last_slot(x); s++) {
        if (s->req != NULL && s->phase == IOT_COAP_PH_QUEUED && x->hush != 0 && s->due == x->hush)
            s->due = 0;
    }
    x->hush = 0;
    x->unheard = 0;
}

void iot_coap_exchange_take(struct iot_coap_exchange *x, struct iot_bytes datagram, iot_time now,
                            struct iot_coap_event *ev)
{
    struct iot_coap_message m;
    struct iot_coap_reply r;
    struct iot_coap_slot *s;
    int32_t detail;
    iot_err err = iot_coap_decode(datagram, &m);

    memset(ev, 0, sizeof *ev);
    x->counters.received++;
    if (err == IOT_ERR_STATE) {
        x->counters.ignored++;
        return;
    }
    on_life(x);
    if (m.code != 0 && !is_response(m.code))
        err = IOT_ERR_COAP_FORMAT; /* a request: nobody serves here; or a class that is reserved */
    if (m.type == IOT_COAP_CON && iot_coap_seen_again(x, m.id, now)) {
        x->counters.duplicates++;
    } else if (err != IOT_OK) {
        refuse(x, &m, false, now);
    } else if (m.type == IOT_COAP_ACK || m.type == IOT_COAP_RST) {
        on_answered(x, &m, now, ev);
    } else {
        s = m.code != 0 ? by_token(x, m.token) : NULL;
        if (s != NULL)
            on_reply(x, s, &m, now, ev);
        else
            refuse(x, &m, iot_coap_reply_read(&m, &r, &detail) == IOT_OK && r.has_observe, now);
    }
}

void iot_coap_exchange_answer(struct iot_coap_exchange *x, struct iot_coap_slot *s, iot_err err,
                              iot_time now)
{
    bool watched = (s->flags & IOT_COAP_WATCHED) != 0, more = (s->flags & IOT_COAP_MORE) != 0;

    if (s->phase != IOT_COAP_PH_HANDED)
        return; /* cancelled by its handler */
    if (err == IOT_ERR_AGAIN && (iot_coap_safe(s) || s->from != 0)) {
        if (watched || s->from != 0)
            s->ask = IOT_COAP_ASK_REST;
        else
            iot_coap_block_begin(s);
        iot_coap_queue(x, s, true, now + IOT_COAP_ASIDE_MS);
    } else if (err != IOT_OK || (!more && !watched)) {
        iot_coap_over(s, err, 0);
    } else if (more) {
        s->from += s->got;
        s->ask = IOT_COAP_ASK_REST;
        iot_coap_queue(x, s, true, 0);
    } else {
        s->phase = IOT_COAP_PH_OBSERVED;
        s->due = s->renew_at;
    }
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
    case IOT_COAP_PH_ACKED:
        iot_coap_over(s, IOT_ERR_COAP_SILENT, 0);
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
    for (struct iot_coap_slot *s = x->slots; s <= last_slot(x); s++) {
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

/* ---- Sending ----------------------------------------------------------------------------- */

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

/* A body in blocks is under way. Servers that do not know Request-Tag would mix it with another, so that waits, if nothing of it has
 * left. */
static bool mixes(struct iot_coap_exchange *x, const struct iot_coap_slot *s)
{
    uint32_t len = s->req->body.len;

    if (s->tag != 0 || (s->req->source == NULL && len <= iot_coap_block_bytes(s->up)))
        return false;
    for (const struct iot_coap_slot *t = x->slots; t <= last_slot(x); t++) {
        if (t != s && t->req != NULL && t->tag != 0 && (t->flags & IOT_COAP_UPLOADED) == 0 &&
            t->phase != IOT_COAP_PH_OVER)
            return true;
    }
    return false;
}

/* Who sends now. Who has to wait for a known time is told so. */
static struct iot_coap_slot *pick(struct iot_coap_exchange *x, iot_time now)
{
    struct iot_coap_slot *out = outstanding(x), *best = NULL;

    if (out != NULL && is_ready(out))
        return out;
    for (struct iot_coap_slot *s = x->slots; s <= last_slot(x); s++) {
        if (!is_ready(s) || mixes(x, s) || (out != NULL && !s->req->non))
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
        await(x, s, now);
        x->hush = now + x->offered_len * 1000u / x->rules.probing_rate;
    } else {
        s->phase = IOT_COAP_PH_SENT;
        s->due = now + s->timeout_ms;
    }
}

/* ---- The rest ---------------------------------------------------------------------------- */

void iot_coap_exchange_resume(struct iot_coap_exchange *x)
{
    for (struct iot_coap_slot *s = x->slots; s <= last_slot(x); s++) {
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
    for (struct iot_coap_slot *s = x->slots; s <= last_slot(x); s++) {
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
    for (struct iot_coap_slot *s = x->slots; s <= last_slot(x); s++) {
        if (s->req != NULL && s->phase != IOT_COAP_PH_OVER)
            iot_coap_over(s, err, detail);
    }
}

bool iot_coap_exchange_wants(const struct iot_coap_exchange *x)
{
    for (const struct iot_coap_slot *s = x->slots; s != x->slots + IOT_COAP_REQUESTS; s++) {
        if (is_ready(s))
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

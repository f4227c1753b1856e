/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/iot_coap_slot.h"

#if IOT_FEATURE_COAP

#include <string.h>

/* ---- Responses --------------------------------------------------------------------------- */

/* Whose message is answered, or whose observation this is. */
static struct iot_coap_slot *by_token(struct iot_coap_exchange *x, struct iot_bytes token)
{
    for (struct iot_coap_slot *s = x->slots; s <= iot_coap_last(x); s++) {
        if ((iot_coap_is_waiting(s) && iot_coap_has_token(x, s, s->token, token)) ||
            (s->req != NULL && (s->flags & IOT_COAP_WATCHED) != 0 &&
             iot_coap_has_token(x, s, s->watch, token)))
            return s;
    }
    return NULL;
}

/* RFC 9175 2.3: the same once more, with what the server wants to see. By another token, unless it is the caller's or an
 * observation's. */
static void on_echo(struct iot_coap_exchange *x, struct iot_coap_slot *s, struct iot_bytes echo)
{
    const struct iot_coap_slot *out = iot_coap_outstanding(x);
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
    bool answer = iot_coap_is_waiting(s) && iot_coap_has_token(x, s, s->token, m->token);
    struct iot_coap_reply r;
    int32_t detail = 0;
    iot_err err = iot_coap_reply_read(m, s->req, &r, &detail);

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
        return;                                                  /* crossed it */
    bool late = piggybacked && s->phase == IOT_COAP_PH_OBSERVED; /* see is_of */
    if ((answer || late) && r.head.code == IOT_COAP_CODE(4, 1) && r.echo.len != 0) {
        on_echo(x, s, r.echo);
        return;
    }
    if ((s->flags & IOT_COAP_WATCHED) != 0 && iot_coap_has_token(x, s, s->watch, m->token) &&
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
    return s->id == m->id && (iot_coap_is_waiting(s) || (s->phase == IOT_COAP_PH_OBSERVED &&
                                                         s->token == s->watch && m->code != 0));
}

/* An acknowledgement or a reset: of the message with its id, and nothing follows from it otherwise. */
static void on_answered(struct iot_coap_exchange *x, const struct iot_coap_message *m, iot_time now,
                        struct iot_coap_event *ev)
{
    struct iot_coap_slot *s = x->slots;

    while (s <= iot_coap_last(x) && !is_of(s, m))
        s++;
    if (s > iot_coap_last(x)) {
        x->counters.ignored++;
    } else if (m->code != 0) {
        if (m->type == IOT_COAP_ACK && !s->req->non && iot_coap_has_token(x, s, s->token, m->token))
            on_reply(x, s, m, now, ev);
        else
            x->counters.ignored++;
    } else if (s->req->method == IOT_COAP_PING) {
        iot_coap_over(s, IOT_OK, 0);
    } else if (m->type == IOT_COAP_RST) {
        if (iot_coap_is_out(s) || s->req->non)
            iot_coap_over(s, IOT_ERR_COAP_RESET, 0);
    } else if (iot_coap_is_out(s)) {
        iot_coap_await(x, s, now);
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
    for (struct iot_coap_slot *s = x->slots; s <= iot_coap_last(x); s++) {
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
            refuse(x, &m, iot_coap_reply_read(&m, NULL, &r, &detail) == IOT_OK && r.has_observe,
                   now);
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

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/iot_coap_guest.h"

#if IOT_FEATURE_COAP_SERVER

#include "core/iot_core_assert.h"

#define ACK_LOW_MS  2000u
#define ACK_HIGH_MS 3000u
/* RFC 7641 4.5.1: not more often, if nobody says how long it takes. */
#define NON_MS 3000u

#define DAY_MS IOT_COAP_DAY_MS

/* ---- When -------------------------------------------------------------------------------- */

/* Something confirmable is under way to the same peer: NSTART is 1 (RFC 7252 4.7). */
static bool is_busy(const struct iot_coap_serve *x, const struct iot_coap_task *t)
{
    const uint8_t both = IOT_COAP_TASK_OUT | IOT_COAP_TASK_CON;

    for (const struct iot_coap_task *o = x->tasks; o != x->tasks + IOT_COAP_TASKS; o++) {
        if (o != t && o->kind != IOT_COAP_TASK_FREE && (o->flags & both) == both &&
            iot_coap_via_same(&o->via, &t->via))
            return true;
    }
    return false;
}

/* Its next step. What waits for another of the same peer has none by itself. */
static iot_time step_at(const struct iot_coap_serve *x, const struct iot_coap_task *t)
{
    if (t->kind == IOT_COAP_TASK_FREE)
        return IOT_TIME_NEVER;
    if (t->kind == IOT_COAP_TASK_LATER || t->kind == IOT_COAP_TASK_UPLOAD ||
        (t->flags & (IOT_COAP_TASK_OUT | IOT_COAP_TASK_GROUP)) != 0)
        return t->due;
    if ((t->kind == IOT_COAP_TASK_WATCH || (t->flags & IOT_COAP_TASK_ACKED) != 0) && is_busy(x, t))
        return IOT_TIME_NEVER;
    return (t->flags & IOT_COAP_TASK_CHANGED) != 0 ? 0 : t->due;
}

iot_time iot_coap_serve_deadline(const struct iot_coap_serve *x)
{
    iot_time first = x->out_len != 0 ? 0 : IOT_TIME_NEVER;

    for (const struct iot_coap_task *t = x->tasks; t != x->tasks + IOT_COAP_TASKS; t++) {
        iot_time at = step_at(x, t);
        if (at < first)
            first = at;
    }
    return first;
}

/* ---- What ------------------------------------------------------------------------------- */

static void begin(const struct iot_coap_task *t, uint8_t type, struct iot_coap_say *say)
{
    memset(say, 0, sizeof *say);
    say->via = t->via;
    say->type = type;
    say->id = t->id;
    say->token_len = t->token_len;
    memcpy(say->token, t->token, sizeof say->token);
    say->szx = t->szx;
    say->ctx = t->resource->ctx;
}

/* The newest state, whatever was to be told before; what is repeated because it was not acknowledged has it, too, and then is another
 * message (RFC 7641 4.5.2). */
static void notify(struct iot_coap_serve *x, struct iot_coap_task *t, iot_time now)
{
    bool again = (t->flags & IOT_COAP_TASK_OUT) != 0;
    bool sure = again || (t->resource->flags & IOT_COAP_NOTIFY_NON) == 0 ||
                now >= (iot_time)t->sure_s * 1000 + DAY_MS;
    struct iot_coap_answer a;
    struct iot_coap_call call;
    struct iot_coap_say say;

    if (!again || (t->flags & IOT_COAP_TASK_CHANGED) != 0) {
        t->id = iot_coap_new_id(x, &t->via.peer);
        t->number = ++x->order;
        x->counters.notified++;
    }
    t->flags &= (uint8_t) ~(IOT_COAP_TASK_CHANGED | IOT_COAP_TASK_LAST | IOT_COAP_TASK_CON);
    if (sure)
        t->flags |= IOT_COAP_TASK_CON;
    memset(&call, 0, sizeof call);
    call.resource = t->resource;
    call.rest = "";
    call.method = IOT_COAP_GET;
    call.secure = t->via.session != 0;
    call.observes = true;
    call.has_accept = (t->flags & IOT_COAP_TASK_ACCEPT) != 0;
    call.accept = t->accept;
    call.peer = t->via.peer;
    call.last = true;
    iot_coap_serve_call(x, &call, &a);
    if (t->kind != IOT_COAP_TASK_WATCH)
        return; /* its handler ended it */
    begin(t, sure ? IOT_COAP_CON : IOT_COAP_NON, &say);
    say.has_order = true;
    say.order = t->number;
    say.has_accept = call.has_accept;
    say.accept = call.accept;
    iot_coap_say(x, &say, &a);
    if (a.code >> 5 != 2)
        t->flags |= IOT_COAP_TASK_LAST;
}

static void reply(struct iot_coap_serve *x, struct iot_coap_task *t)
{
    bool non = (t->flags & IOT_COAP_TASK_NON) != 0, alone = (t->flags & IOT_COAP_TASK_ACKED) != 0;
    struct iot_coap_say say;

    if ((non || alone) && (t->flags & IOT_COAP_TASK_OUT) == 0)
        t->id = iot_coap_new_id(x, &t->via.peer);
    if (alone)
        t->flags |= IOT_COAP_TASK_CON;
    begin(t, non ? IOT_COAP_NON : alone ? IOT_COAP_CON : IOT_COAP_ACK, &say);
    say.has_block1 = t->key != 0;
    say.block1 = t->key;
    iot_coap_say_kept(x, &say, &x->kept[t->kept]);
}

/* It is answered: by what is kept. */
static void answered(struct iot_coap_task *t)
{
    t->kind = IOT_COAP_TASK_REPLY;
    t->due = 0;
}

/* A task's moment has come. */
static void step(struct iot_coap_serve *x, struct iot_coap_task *t, iot_time now)
{
    bool out = (t->flags & IOT_COAP_TASK_OUT) != 0, sure = (t->flags & IOT_COAP_TASK_CON) != 0;
    struct iot_coap_answer a;

    if (t->kind == IOT_COAP_TASK_UPLOAD || (out && sure && t->tries >= IOT_COAP_TRIES) ||
        x->rules.room(x->rules.ctx, &t->via) == 0) {
        iot_coap_task_end(x, t);
        return;
    }
    if (t->kind == IOT_COAP_TASK_LATER) {
        if ((t->flags & (IOT_COAP_TASK_NON | IOT_COAP_TASK_ACKED)) == 0) {
            iot_coap_say_empty(x, &t->via, IOT_COAP_ACK, t->id);
        } else {
            iot_coap_plain(x, &a, IOT_COAP_CODE(5, 3));
            iot_coap_keep(&x->kept[t->kept], &a);
            answered(t);
        }
    } else if (t->kind == IOT_COAP_TASK_REPLY) {
        reply(x, t);
        if (x->out_len == 0)
            iot_coap_task_end(x, t);
    } else if (out && !sure) {
        t->flags &= (uint8_t)~IOT_COAP_TASK_OUT;
        t->due = (iot_time)t->sure_s * 1000 + DAY_MS;
    } else {
        notify(x, t, now);
        if (x->out_len == 0 && t->kind == IOT_COAP_TASK_WATCH)
            iot_coap_task_end(x, t); /* no datagram is large enough */
    }
    if (x->out_len != 0)
        x->offered = (uint8_t)(t - x->tasks + 1);
}

/* Each step brings its task on, and few have several at the same moment. */
iot_err iot_coap_serve_next(struct iot_coap_serve *x, iot_time now, struct iot_coap_via *to,
                            struct iot_bytes *out)
{
    for (uint32_t idle = 0; x->out_len == 0 && idle < IOT_COAP_TASKS;) {
        x->turn = (uint16_t)((x->turn + 1) % IOT_COAP_TASKS);
        if (step_at(x, &x->tasks[x->turn]) > now) {
            idle++;
        } else {
            idle = 0;
            step(x, &x->tasks[x->turn], now);
        }
    }
    if (x->out_len == 0)
        return IOT_ERR_AGAIN;
    *to = x->out_to;
    *out = (struct iot_bytes){x->bytes, x->out_len};
    return IOT_OK;
}

void iot_coap_serve_withdraw(struct iot_coap_serve *x)
{
    if (x->offered != 0 && x->tasks[x->offered - 1].kind == IOT_COAP_TASK_WATCH)
        x->tasks[x->offered - 1].flags |= IOT_COAP_TASK_CHANGED;
    x->offered = 0;
    x->out_len = 0;
}

void iot_coap_serve_sent(struct iot_coap_serve *x, iot_time now)
{
    struct iot_coap_task *t = x->offered != 0 ? &x->tasks[x->offered - 1] : NULL;

    IOT_ASSERT(x->out_len != 0);
    x->out_len = 0;
    x->offered = 0;
    x->counters.sent++;
    if (t == NULL)
        return;
    if (t->kind == IOT_COAP_TASK_LATER) {
        t->flags |= IOT_COAP_TASK_ACKED;
        t->due += IOT_COAP_LATER_MS;
    } else if ((t->flags & IOT_COAP_TASK_CON) != 0) {
        if (t->tries++ == 0) {
            t->timeout_ms = (uint16_t)iot_jitter_between(&x->jitter, ACK_LOW_MS, ACK_HIGH_MS);
        } else {
            t->timeout_ms = (uint16_t)(t->timeout_ms * 2u);
            x->counters.repeated++;
        }
        t->flags |= IOT_COAP_TASK_OUT;
        t->due = now + t->timeout_ms;
    } else if (t->kind == IOT_COAP_TASK_REPLY || (t->flags & IOT_COAP_TASK_LAST) != 0) {
        iot_coap_task_end(x, t);
    } else {
        t->flags |= IOT_COAP_TASK_OUT;
        t->due = now + NON_MS;
    }
}

/* ---- What is said to it ------------------------------------------------------------------ */

bool iot_coap_serve_told(struct iot_coap_serve *x, const struct iot_coap_via *via,
                         const struct iot_coap_message *m, iot_time now)
{
    for (struct iot_coap_task *t = x->tasks; t != x->tasks + IOT_COAP_TASKS; t++) {
        bool out = (t->flags & IOT_COAP_TASK_OUT) != 0, sure = (t->flags & IOT_COAP_TASK_CON) != 0;
        if ((t->kind != IOT_COAP_TASK_WATCH && t->kind != IOT_COAP_TASK_REPLY) || t->id != m->id ||
            !iot_coap_via_same(&t->via, via) || (m->type == IOT_COAP_ACK && !(out && sure)))
            continue;
        if (m->type == IOT_COAP_RST
                ? t->kind == IOT_COAP_TASK_WATCH || out
                : t->kind == IOT_COAP_TASK_REPLY || (t->flags & IOT_COAP_TASK_LAST) != 0) {
            iot_coap_task_end(x, t);
        } else if (m->type == IOT_COAP_ACK) {
            t->flags &= (uint8_t) ~(IOT_COAP_TASK_OUT | IOT_COAP_TASK_CON);
            t->tries = 0;
            t->sure_s = (uint32_t)(now / 1000);
            t->due = now + DAY_MS;
        }
        return true;
    }
    return false;
}

iot_err iot_coap_serve_answer(struct iot_coap_serve *x, uint32_t call,
                              const struct iot_coap_answer *answer, iot_time now)
{
    (void)now;
    for (struct iot_coap_task *t = x->tasks; t != x->tasks + IOT_COAP_CALLS; t++) {
        if (t->kind != IOT_COAP_TASK_LATER || t->number != call)
            continue;
        struct iot_coap_answer a = *answer;
        iot_coap_serve_check_answer(x, &a);
        if (x->offered == t - x->tasks + 1)
            iot_coap_serve_withdraw(x); /* an acknowledgement, which this is now */
        answered(t);
        return iot_coap_keep(&x->kept[t->kept], &a) ? IOT_OK : IOT_ERR_SIZE;
    }
    return IOT_ERR_STATE;
}

#endif

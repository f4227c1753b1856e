/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/iot_coap_guest.h"

#if IOT_FEATURE_COAP_SERVER

#define CORE ".well-known/core"
/* Over UDP resets leave not more often: who asks for nothing gets little. */
#define RESET_MS 50u
/* Answers to a group are spread over so long, if options say nothing (RFC 7252 4.8). */
#define LEISURE_MS 5000u

/* Discovery: it has no handler. */
static const struct iot_coap_resource core = {
    CORE, IOT_COAP_CAN_GET | IOT_COAP_MULTICAST | IOT_COAP_HIDDEN, NULL, NULL, NULL};

/* ---- Resources --------------------------------------------------------------------------- */

/* Of these bytes; NULL: there is none. */
static const struct iot_coap_resource *find(const struct iot_coap_serve *x, const char *path,
                                            uint32_t len)
{
    uint32_t low = 0, high = x->rules.resource_count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        const struct iot_coap_resource *r = &x->rules.resources[middle];
        uint32_t n = (uint32_t)strlen(r->path);
        int order = memcmp(path, r->path, len < n ? len : n);
        if (order == 0 && len == n)
            return r;
        if (order < 0 || (order == 0 && len < n))
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Itself, or the next one above that is for all below it. */
static void resolve(const struct iot_coap_serve *x, struct iot_coap_heard *ask)
{
    uint32_t n = ask->path_len;

    ask->call.rest = ask->path + n;
    ask->call.resource = find(x, ask->path, n);
    if (ask->call.resource == NULL && n == sizeof CORE - 1 && memcmp(ask->path, CORE, n) == 0)
        ask->call.resource = &core;
    while (ask->call.resource == NULL && n != 0) {
        do
            n--;
        while (n != 0 && ask->path[n] != '/');
        ask->call.rest = ask->path + n + (n != 0);
        ask->call.resource = find(x, ask->path, n);
        if (ask->call.resource != NULL && (ask->call.resource->flags & IOT_COAP_SUBTREE) == 0)
            ask->call.resource = NULL;
    }
}

void iot_coap_serve_answer_init(struct iot_coap_serve *x, uint8_t method,
                                struct iot_coap_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    answer->code = iot_coap_unsafe(method) ? IOT_COAP_CODE(2, 4) : IOT_COAP_CODE(2, 5);
    answer->body.ptr = x->body;
    answer->body.cap = sizeof x->body;
}

void iot_coap_serve_check_answer(struct iot_coap_serve *x, struct iot_coap_answer *answer)
{
    uint8_t class = answer->code >> 5;

    if (answer->body.overflow || answer->etag.len > 8 || (class != 2 && class != 4 && class != 5))
        iot_coap_plain(x, answer, IOT_COAP_CODE(5, 0));
}

void iot_coap_serve_call(struct iot_coap_serve *x, const struct iot_coap_call *call,
                         struct iot_coap_answer *answer)
{
    const struct iot_coap_resource *r = call->resource;

    iot_coap_serve_answer_init(x, call->method, answer);
    if (r->on_call != NULL) {
        r->on_call(r->ctx, call, answer);
    } else {
        answer->has_format = true;
        answer->format = IOT_COAP_LINK;
        if (!iot_coap_links(x->rules.resources, x->rules.resource_count, call->options,
                            &answer->body) &&
            call->to_many)
            answer->code = IOT_COAP_CODE(4, 4);
    }
    if (answer->later && call->id != 0)
        return;
    if (answer->later)
        answer->code = 0;
    iot_coap_serve_check_answer(x, answer);
}

/* ---- Requests ---------------------------------------------------------------------------- */

/* 0: it may go on; or what is wrong with it, what weighs most first. */
static uint8_t judge(const struct iot_coap_heard *ask)
{
    const struct iot_coap_resource *r = ask->call.resource;
    uint8_t method = ask->m.code;

    if (ask->bad)
        return IOT_COAP_CODE(4, 2);
    if (ask->proxy)
        return IOT_COAP_CODE(5, 5);
    if (r == NULL || ask->nowhere)
        return IOT_COAP_CODE(4, 4);
    if (method > IOT_COAP_IPATCH || (r->flags >> method & 1) == 0)
        return IOT_COAP_CODE(4, 5);
    if (ask->blocked)
        return IOT_COAP_CODE(4, 0);
    if (!ask->secure && ((r->flags & IOT_COAP_SECRET) != 0 ||
                         (iot_coap_unsafe(method) && (r->flags & IOT_COAP_OPEN) == 0)))
        return IOT_COAP_CODE(4, 1);
    return 0;
}

/* Anything that is kept for its sake, or changed, wants the peer to be there. */
static bool wants_echo(const struct iot_coap_heard *ask, bool registers)
{
    bool begins = ask->say.has_block1 && ask->block1.number == 0 && ask->block1.more;
    bool changes = iot_coap_unsafe(ask->m.code) && ask->block1.number == 0 &&
                   (ask->call.resource->flags & IOT_COAP_NO_ECHO) == 0;

    return (changes && !ask->fresh) || ((begins || registers) && !ask->known);
}

/* The rest of an answer that went out in blocks (RFC 7959 3.3), where the request is not executed again, or its body is not there any more:
 * Request-Tag names it (RFC 9175 3.3). */
static uint8_t go_on(struct iot_coap_serve *x, const struct iot_coap_heard *ask, iot_time now)
{
    struct iot_coap_kept *best = NULL;

    for (struct iot_coap_kept *k = x->kept; k != x->kept + IOT_COAP_ANSWERS; k++) {
        if (k->until > now && k->key == ask->key && k->code != 0 &&
            iot_coap_via_same(&k->via, &ask->say.via) && (best == NULL || k->until > best->until))
            best = k;
    }
    if (best == NULL)
        return IOT_COAP_CODE(4, 8);
    iot_coap_say_kept(x, &ask->say, best);
    return 0;
}

/* A registration that has been answered well (RFC 7641 4.1). */
static void watch(struct iot_coap_serve *x, struct iot_coap_heard *ask, iot_time now)
{
    struct iot_coap_task *t = iot_coap_task_watch(x, &ask->say);

    if (t == NULL)
        t = iot_coap_task_new(x, ask, IOT_COAP_TASK_WATCH);
    if (t == NULL)
        return;
    t->resource = ask->call.resource;
    t->szx = ask->say.szx;
    t->accept = ask->say.accept;
    t->flags = ask->say.has_accept ? IOT_COAP_TASK_ACCEPT : 0;
    t->tries = 0;
    t->id = iot_coap_new_id(x, &t->via.peer);
    t->sure_s = (uint32_t)(now / 1000);
    t->due = now + IOT_COAP_DAY_MS;
    ask->say.has_order = true;
    ask->say.order = ++x->order;
}

/* Answered later; `t` has it from now on. */
static void wait(const struct iot_coap_heard *ask, struct iot_coap_task *t, iot_time now)
{
    t->kind = IOT_COAP_TASK_LATER;
    t->number = ask->call.id;
    t->key = ask->say.has_block1 ? ask->say.block1 : 0;
    t->szx = ask->say.szx;
    t->id = ask->m.id;
    t->token_len = ask->say.token_len;
    memcpy(t->token, ask->say.token, sizeof t->token);
    t->flags = ask->m.type == IOT_COAP_NON ? IOT_COAP_TASK_NON : 0;
    t->due = now + (ask->m.type == IOT_COAP_NON ? IOT_COAP_LATER_MS : IOT_COAP_HEARD_MS);
}

static uint32_t leisure(const struct iot_coap_serve *x)
{
    return x->rules.leisure_ms != 0 ? x->rules.leisure_ms : LEISURE_MS;
}

/* To a group: at a time by chance, so that not all speak at once (RFC 7252 8.2). `k` has it. */
static void spread(struct iot_coap_serve *x, struct iot_coap_heard *ask, struct iot_coap_kept *k,
                   const struct iot_coap_answer *a, iot_time now)
{
    struct iot_coap_task *t;

    if (a->code >> 5 != 2 || !iot_coap_keep(k, a))
        return;
    t = iot_coap_task_new(x, ask, IOT_COAP_TASK_REPLY);
    if (t == NULL)
        return;
    t->kept = (uint8_t)(k - x->kept);
    t->flags = IOT_COAP_TASK_NON | IOT_COAP_TASK_GROUP;
    t->due = now + iot_jitter_between(&x->jitter, 0, leisure(x));
}

/* Execute it. 0: all is said that is to be said; or a code to be said. */
static uint8_t execute(struct iot_coap_serve *x, struct iot_coap_heard *ask,
                       struct iot_bytes identity, iot_time now)
{
    bool unsafe = iot_coap_unsafe(ask->m.code), keeps = unsafe || ask->say.has_block1;
    bool more = ask->say.has_block1 && ask->block1.more;
    bool registers = !ask->to_many && ask->has_observe && ask->observe == 0 &&
                     ask->m.code == IOT_COAP_GET && ask->say.block2 == 0 &&
                     *ask->call.rest == '\0' &&
                     (ask->call.resource->flags & IOT_COAP_OBSERVABLE) != 0;
    struct iot_coap_kept *k = iot_coap_kept_room(x, &ask->say.via, ask->to_many, now);
    struct iot_coap_task *t = NULL, *spare = NULL;
    struct iot_coap_call *call = &ask->call;
    struct iot_coap_answer a;
    uint8_t code;

    if (ask->say.block2 != 0 && (unsafe || ask->tag != 0))
        return go_on(x, ask, now);
    if (registers && iot_coap_task_watch(x, &ask->say) != NULL)
        ask->known = true; /* it was there when it began */
    if (!ask->to_many && wants_echo(ask, registers)) {
        iot_coap_say_echo(x, &ask->say, now);
        return 0;
    }
    if (ask->say.has_block1) {
        code = iot_coap_body_take(x, ask, &t, now);
        if (code != 0)
            return code;
        if (t != NULL && t->kept != IOT_COAP_KEPT_NONE)
            k = &x->kept[t->kept];
    }
    if (k == NULL && (keeps || ask->to_many)) {
        if (t != NULL)
            iot_coap_task_end(x, t);
        return IOT_COAP_CODE(5, 3);
    }
    if (!more && !ask->to_many && k != NULL) {
        spare = t != NULL ? t : iot_coap_task_new(x, ask, IOT_COAP_TASK_UPLOAD);
        if (spare != NULL)
            call->id = ++x->calls != 0 ? x->calls : ++x->calls;
    }
    if (keeps || ask->to_many) {
        iot_coap_kept_take(x, k, ask, now);
        if (ask->to_many)
            k->until = now + leisure(x) + 1; /* anybody may have sent it: not for long */
        if (t != NULL)
            t->kept = (uint8_t)(k - x->kept);
    }
    call->method = ask->m.code;
    call->secure = ask->secure;
    call->to_many = ask->to_many;
    call->observes = registers;
    call->options = ask->m.options;
    call->identity = identity;
    call->peer = ask->say.via.peer;
    call->part = ask->m.payload;
    call->last = !more;
    iot_coap_serve_call(x, call, &a);
    if (ask->to_many) {
        spread(x, ask, k, &a, now);
        return 0;
    }
    if (spare != NULL && a.later && (ask->known || unsafe)) {
        if (!keeps)
            iot_coap_kept_take(x, k, ask, now);
        spare->kept = (uint8_t)(k - x->kept);
        wait(ask, spare, now);
        return 0;
    }
    if (spare != NULL)
        iot_coap_task_end(x, spare);
    if (a.later) {
        iot_coap_say_echo(x, &ask->say, now);
        return 0;
    }
    if (more && a.code >> 5 != 2)
        iot_coap_task_end(x, t);
    else if (more)
        iot_coap_plain(x, &a, IOT_COAP_CODE(2, 31));
    if (keeps) {
        iot_coap_keep(k, &a);
        iot_coap_say_kept(x, &ask->say, k);
        return 0;
    }
    if (registers && a.code >> 5 == 2)
        watch(x, ask, now);
    iot_coap_say(x, &ask->say, &a);
    if (registers && a.code >> 5 != 2 && (t = iot_coap_task_watch(x, &ask->say)) != NULL)
        iot_coap_task_end(x, t);
    /* Much for little (RFC 7252 11.3) only to who is there. */
    if (!ask->known && x->out_len > 3 * ask->len)
        iot_coap_say_echo(x, &ask->say, now);
    return 0;
}

/* It came before. It is not done again: the answer is, or that it was heard. */
static void again(struct iot_coap_serve *x, const struct iot_coap_heard *ask,
                  struct iot_coap_kept *k)
{
    x->counters.duplicates++;
    if (ask->m.type == IOT_COAP_NON)
        return;
    if (k->code != 0) {
        iot_coap_say_kept(x, &ask->say, k);
        return;
    }
    for (struct iot_coap_task *t = x->tasks; t != x->tasks + IOT_COAP_CALLS; t++) {
        if (t->kind != IOT_COAP_TASK_LATER || &x->kept[t->kept] != k)
            continue;
        if ((t->flags & IOT_COAP_TASK_ACKED) == 0)
            t->due += IOT_COAP_LATER_MS;
        t->flags |= IOT_COAP_TASK_ACKED;
        iot_coap_say_empty(x, &t->via, IOT_COAP_ACK, t->id);
    }
}

static void on_request(struct iot_coap_serve *x, struct iot_coap_heard *ask,
                       struct iot_bytes identity, iot_time now)
{
    bool con = ask->m.type == IOT_COAP_CON;
    struct iot_coap_kept *k = iot_coap_kept_find(x, ask, now);
    struct iot_coap_task *t;
    uint8_t code;

    ask->say.type = con ? IOT_COAP_ACK : IOT_COAP_NON;
    ask->say.id = con ? ask->m.id : iot_coap_new_id(x, &ask->say.via.peer);
    ask->say.token_len = (uint8_t)ask->m.token.len;
    if (ask->m.token.len != 0)
        memcpy(ask->say.token, ask->m.token.ptr, ask->m.token.len);
    ask->secure = ask->say.via.session != 0;
    iot_coap_heard_read(x, ask, now);
    if (k != NULL) {
        again(x, ask, k);
        return;
    }
    resolve(x, ask);
    code = judge(ask);
    if (ask->to_many) {
        if (code != 0 || (ask->call.resource->flags & IOT_COAP_MULTICAST) == 0 ||
            ask->say.has_block1 ||
            (iot_coap_unsafe(ask->m.code) && (ask->call.resource->flags & IOT_COAP_NO_ECHO) == 0)) {
            x->counters.ignored++;
            return;
        }
        /* One at a time: the newest. */
        for (t = x->tasks; t != x->tasks + IOT_COAP_CALLS; t++) {
            if (t->kind == IOT_COAP_TASK_REPLY && (t->flags & IOT_COAP_TASK_GROUP) != 0 &&
                iot_coap_via_same(&t->via, &ask->say.via))
                iot_coap_task_end(x, t);
        }
    } else if (ask->bad && !con) {
        x->counters.ignored++; /* RFC 7252 5.4.1: rejected */
        return;
    }
    if (code == 0) {
        ask->say.ctx = ask->call.resource->ctx;
        ask->say.has_accept = ask->call.has_accept && !iot_coap_unsafe(ask->m.code);
        ask->say.accept = ask->call.accept;
        t = ask->has_observe && ask->observe == 1 ? iot_coap_task_watch(x, &ask->say) : NULL;
        if (t != NULL)
            iot_coap_task_end(x, t);
        code = execute(x, ask, identity, now);
    }
    if (code != 0 && !ask->to_many)
        iot_coap_say_code(x, &ask->say, code);
}

void iot_coap_serve_take(struct iot_coap_serve *x, const struct iot_coap_via *via,
                         struct iot_bytes identity, bool to_many, uint32_t len, iot_time now)
{
    struct iot_coap_heard ask;
    iot_err err;

    iot_coap_serve_withdraw(x);
    x->counters.received++;
    memset(&ask, 0, sizeof ask);
    ask.say.via = *via;
    ask.to_many = to_many;
    ask.len = len;
    ask.hash = iot_coap_hash(0, x->bytes, len);
    err = iot_coap_decode((struct iot_bytes){x->bytes, len}, &ask.m);
    if (err == IOT_OK && ask.m.code >> 5 == 0 && ask.m.code != 0 &&
        (ask.m.type == IOT_COAP_NON || (ask.m.type == IOT_COAP_CON && !to_many))) {
        on_request(x, &ask, identity, now);
    } else if (err == IOT_OK && ask.m.code == 0 && ask.m.type >= IOT_COAP_ACK && !to_many &&
               iot_coap_serve_told(x, via, &ask.m, now)) {
        return;
    } else {
        x->counters.ignored++;
        if (err == IOT_ERR_STATE || ask.m.type != IOT_COAP_CON || to_many ||
            (via->session == 0 && now < x->reset_at))
            return;
        x->reset_at = now + RESET_MS;
        iot_coap_say_empty(x, via, IOT_COAP_RST, ask.m.id);
    }
}

/* ---- The rest ---------------------------------------------------------------------------- */

void iot_coap_serve_init(struct iot_coap_serve *x, const struct iot_coap_serve_rules *rules,
                         uint32_t seed)
{
    memset(x, 0, sizeof *x);
    x->rules = *rules;
    iot_jitter_seed(&x->jitter, seed);
    x->next_id = (uint16_t)iot_jitter_between(&x->jitter, 0, UINT16_MAX);
}

bool iot_coap_serve_owes(const struct iot_coap_serve *x)
{
    return x->out_len != 0 && x->offered == 0;
}

void iot_coap_serve_gone(struct iot_coap_serve *x, uint32_t session)
{
    for (struct iot_coap_task *t = x->tasks; t != x->tasks + IOT_COAP_TASKS; t++) {
        if (t->kind != IOT_COAP_TASK_FREE && t->via.session == session)
            iot_coap_task_end(x, t);
    }
    for (struct iot_coap_kept *k = x->kept; k != x->kept + IOT_COAP_ANSWERS; k++) {
        if (k->via.session == session)
            k->until = 0;
    }
    if (x->out_to.session == session)
        iot_coap_serve_withdraw(x);
}

void iot_coap_serve_changed(struct iot_coap_serve *x, const char *path)
{
    const struct iot_coap_resource *r = find(x, path, (uint32_t)strlen(path));

    for (struct iot_coap_task *t = x->tasks + IOT_COAP_CALLS; t != x->tasks + IOT_COAP_TASKS; t++) {
        if (t->resource == r)
            t->flags |= IOT_COAP_TASK_CHANGED;
    }
}

uint32_t iot_coap_serve_observers(const struct iot_coap_serve *x, const char *path)
{
    const struct iot_coap_resource *r = path != NULL ? find(x, path, (uint32_t)strlen(path)) : NULL;
    uint32_t n = 0;

    for (const struct iot_coap_task *t = x->tasks + IOT_COAP_CALLS; t != x->tasks + IOT_COAP_TASKS;
         t++)
        n += t->kind == IOT_COAP_TASK_WATCH && (path == NULL || t->resource == r);
    return n;
}

void iot_coap_serve_stop(struct iot_coap_serve *x)
{
    memset(x->tasks, 0, sizeof x->tasks);
    memset(x->kept, 0, sizeof x->kept);
    x->out_len = 0;
    x->offered = 0;
}

#endif

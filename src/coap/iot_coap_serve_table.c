/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/iot_coap_guest.h"

#if IOT_FEATURE_COAP_SERVER

#include "core/iot_core_assert.h"

IOT_STATIC_ASSERT(sizeof(struct iot_coap_via) == sizeof(struct iot_peer) + 4,
                  "two ways are compared by their bytes");

bool iot_coap_via_same(const struct iot_coap_via *a, const struct iot_coap_via *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* Ports are free to take: who has the same address is the same guest, when it is about how much somebody gets. */
static bool same_host(const struct iot_coap_via *a, const struct iot_coap_via *b)
{
    return memcmp(a->peer.addr, b->peer.addr, sizeof a->peer.addr) == 0 &&
           a->peer.zone == b->peer.zone;
}

/* Half of a table, and the odd one. */
static uint32_t share(uint32_t count)
{
    return (count + 1) / 2;
}

/* An answer to a group, which anybody may have asked for in anybody's name: it gives way to whatever else there is. */
static bool is_weak(const struct iot_coap_task *t)
{
    return t->kind == IOT_COAP_TASK_REPLY && (t->flags & IOT_COAP_TASK_GROUP) != 0;
}

struct iot_coap_task *iot_coap_task_new(struct iot_coap_serve *x, const struct iot_coap_heard *ask,
                                        uint8_t kind)
{
    bool watch = kind == IOT_COAP_TASK_WATCH;
    uint32_t count = watch ? IOT_COAP_OBSERVERS : IOT_COAP_CALLS, mine = 0;
    struct iot_coap_task *t = watch ? x->tasks + IOT_COAP_CALLS : x->tasks, *none = NULL;

    for (struct iot_coap_task *end = t + count; t != end; t++) {
        if (t->kind == IOT_COAP_TASK_FREE || (is_weak(t) && kind != IOT_COAP_TASK_REPLY))
            none = t;
        else
            mine += same_host(&t->via, &ask->say.via);
    }
    if (none == NULL || mine >= share(count))
        return NULL;
    if (none->kind != IOT_COAP_TASK_FREE)
        iot_coap_task_end(x, none);
    memset(none, 0, sizeof *none);
    none->via = ask->say.via;
    none->resource = ask->call.resource;
    none->kept = IOT_COAP_KEPT_NONE;
    none->szx = ask->say.szx;
    none->token_len = ask->say.token_len;
    memcpy(none->token, ask->say.token, sizeof none->token);
    none->kind = kind;
    return none;
}

void iot_coap_task_end(struct iot_coap_serve *x, struct iot_coap_task *t)
{
    if (t->kept != IOT_COAP_KEPT_NONE && !x->kept[t->kept].stays)
        x->kept[t->kept].until = 0;
    if (x->offered == t - x->tasks + 1)
        iot_coap_serve_withdraw(x);
    t->kind = IOT_COAP_TASK_FREE;
}

struct iot_coap_task *iot_coap_task_watch(struct iot_coap_serve *x, const struct iot_coap_say *say)
{
    for (struct iot_coap_task *t = x->tasks + IOT_COAP_CALLS; t != x->tasks + IOT_COAP_TASKS; t++) {
        if (t->kind == IOT_COAP_TASK_WATCH && iot_coap_via_same(&t->via, &say->via) &&
            t->token_len == say->token_len && memcmp(t->token, say->token, say->token_len) == 0)
            return t;
    }
    return NULL;
}

/* Whose answer it is; NULL: nobody waits for it. */
static struct iot_coap_task *owner(struct iot_coap_serve *x, const struct iot_coap_kept *k)
{
    for (struct iot_coap_task *t = x->tasks; t != x->tasks + IOT_COAP_CALLS; t++) {
        if (t->kind != IOT_COAP_TASK_FREE && t->kept == k - x->kept)
            return t;
    }
    return NULL;
}

/* The least that is lost: one that is over; the oldest of the same peer, which has got its answer, else it would not ask for more; of
 * the same host; of others, if nobody can show any more what made that request count. What has to be said yet stays, but for answers to
 * groups. */
struct iot_coap_kept *iot_coap_kept_room(struct iot_coap_serve *x, const struct iot_coap_via *via,
                                         bool weak, iot_time now)
{
    struct iot_coap_kept *best[4] = {NULL, NULL, NULL, NULL};
    uint32_t mine = 0, rank, end;

    for (struct iot_coap_kept *k = x->kept; k != x->kept + IOT_COAP_ANSWERS; k++) {
        const struct iot_coap_task *t = owner(x, k);
        bool stays = t != NULL && !is_weak(t);
        rank = iot_coap_via_same(&k->via, via) ? 1 : same_host(&k->via, via) ? 2 : 3;
        if (k->until <= now && !stays)
            rank = 0;
        mine += rank - 1 < 2;
        if (!stays && (rank != 3 || k->until <= now + IOT_COAP_LIFETIME_MS - IOT_COAP_FRESH_MS) &&
            (best[rank] == NULL || k->until < best[rank]->until))
            best[rank] = k;
    }
    rank = mine >= share(IOT_COAP_ANSWERS); /* a share is enough */
    end = weak ? 1 : 4 - rank;
    while (rank < end && best[rank] == NULL)
        rank++;
    return rank < end ? best[rank] : NULL;
}

void iot_coap_kept_take(struct iot_coap_serve *x, struct iot_coap_kept *k,
                        const struct iot_coap_heard *ask, iot_time now)
{
    struct iot_coap_task *t = owner(x, k);

    /* What is forgotten while its Echo is new might be executed once more: that Echo is old from now on. */
    if (k->until > now + IOT_COAP_LIFETIME_MS - IOT_COAP_FRESH_MS &&
        k->until - IOT_COAP_LIFETIME_MS > x->echo_after)
        x->echo_after = k->until - IOT_COAP_LIFETIME_MS;
    if (t != NULL && is_weak(t))
        iot_coap_task_end(x, t);
    /* Nobody knows who sent what came without Echo: it may go first, and is there as long as a client repeats itself (RFC 7252 4.8.2). */
    k->until = now + (ask->known ? IOT_COAP_LIFETIME_MS : IOT_COAP_THERE_MS);
    k->via = ask->say.via;
    k->id = ask->m.id;
    k->hash = ask->hash;
    k->key = ask->key;
    k->stays = iot_coap_unsafe(ask->m.code) || ask->say.has_block1;
    k->code = 0;
}

struct iot_coap_kept *iot_coap_kept_find(struct iot_coap_serve *x, const struct iot_coap_heard *ask,
                                         iot_time now)
{
    for (struct iot_coap_kept *k = x->kept; k != x->kept + IOT_COAP_ANSWERS; k++) {
        if (k->until > now && k->id == ask->m.id && k->hash == ask->hash &&
            iot_coap_via_same(&k->via, &ask->say.via))
            return k;
    }
    return NULL;
}

#endif

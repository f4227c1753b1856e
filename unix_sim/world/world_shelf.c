/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_shelf.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 64u
#define LAST_CAP  (1u << 20)

void world_shelf_init(struct world_shelf *s, uint32_t keep)
{
    memset(s, 0, sizeof *s);
    s->keep = keep;
}

void world_shelf_over(struct world_shelf *s)
{
    free(s->record);
    free(s->by_serial);
    free(s->by_ticket);
    memset(s, 0, sizeof *s);
}

/* ---- Chains and lists -------------------------------------------------------------------- */

static uint32_t bucket(const struct world_shelf *s, uint64_t key)
{
    return (uint32_t)(key * 0x9e3779b97f4a7c15u >> 32) & (s->cap - 1);
}

static void chain(struct world_shelf *s, uint32_t i)
{
    struct world_record *r = &s->record[i];
    uint32_t *head = &s->by_serial[bucket(s, r->serial)];
    r->next_serial = *head;
    *head = i;
    if (r->ticket != 0) {
        head = &s->by_ticket[bucket(s, r->ticket)];
        r->next_ticket = *head;
        *head = i;
    }
}

static void unchain_serial(struct world_shelf *s, uint32_t i)
{
    uint32_t *at = &s->by_serial[bucket(s, s->record[i].serial)];
    while (*at != i)
        at = &s->record[*at].next_serial;
    *at = s->record[i].next_serial;
}

static void unchain_ticket(struct world_shelf *s, uint32_t i)
{
    const struct world_record *r = &s->record[i];
    if (r->ticket == 0)
        return;
    uint32_t *at = &s->by_ticket[bucket(s, r->ticket)];
    while (*at != i)
        at = &s->record[*at].next_ticket;
    *at = r->next_ticket;
}

static void append(struct world_shelf *s, struct world_list *list, uint32_t i)
{
    s->record[i].before = list->last;
    s->record[i].after = 0;
    if (list->last != 0)
        s->record[list->last].after = i;
    else
        list->first = i;
    list->last = i;
    list->count++;
}

static void take_out(struct world_shelf *s, struct world_list *list, uint32_t i)
{
    const struct world_record *r = &s->record[i];
    if (r->before != 0)
        s->record[r->before].after = r->after;
    else
        list->first = r->after;
    if (r->after != 0)
        s->record[r->after].before = r->before;
    else
        list->last = r->before;
    list->count--;
}

/* ---- Memory ------------------------------------------------------------------------------ */

static bool grow(struct world_shelf *s)
{
    uint32_t old = s->cap, cap = old == 0 ? FIRST_CAP : 2 * old;
    if (cap > LAST_CAP)
        return false;
    struct world_record *record = realloc(s->record, cap * sizeof *record);
    uint32_t *by_serial = calloc(cap, sizeof *by_serial);
    uint32_t *by_ticket = calloc(cap, sizeof *by_ticket);
    if (record != NULL)
        s->record = record;
    if (record == NULL || by_serial == NULL || by_ticket == NULL) {
        free(by_serial);
        free(by_ticket);
        return false;
    }
    free(s->by_serial);
    free(s->by_ticket);
    s->by_serial = by_serial;
    s->by_ticket = by_ticket;
    s->cap = cap;
    /* Called with no place free: all are in one of the lists. */
    for (uint32_t i = s->finished.first; i != 0; i = s->record[i].after)
        chain(s, i);
    for (uint32_t i = s->live.first; i != 0; i = s->record[i].after)
        chain(s, i);
    for (uint32_t i = cap - 1; i >= (old == 0 ? 1 : old); i--) {
        s->record[i].after = s->free;
        s->free = i;
    }
    return true;
}

struct world_record *world_shelf_add(struct world_shelf *s, uint64_t serial, uint32_t ticket)
{
    if (s->free == 0 && !grow(s))
        return NULL;
    uint32_t i = s->free;
    struct world_record *r = &s->record[i];
    s->free = r->after;
    memset(r, 0, sizeof *r);
    r->serial = serial;
    r->ticket = ticket;
    chain(s, i);
    append(s, &s->live, i);
    return r;
}

struct world_record *world_shelf_find(struct world_shelf *s, uint64_t serial)
{
    uint32_t i = s->cap == 0 ? 0 : s->by_serial[bucket(s, serial)];
    while (i != 0 && s->record[i].serial != serial)
        i = s->record[i].next_serial;
    return i == 0 ? NULL : &s->record[i];
}

struct world_record *world_shelf_ticket(struct world_shelf *s, uint32_t ticket)
{
    uint32_t i = s->cap == 0 || ticket == 0 ? 0 : s->by_ticket[bucket(s, ticket)];
    while (i != 0 && s->record[i].ticket != ticket)
        i = s->record[i].next_ticket;
    return i == 0 ? NULL : &s->record[i];
}

void world_shelf_finish(struct world_shelf *s, struct world_record *r)
{
    uint32_t i = (uint32_t)(r - s->record);
    if (r->finished)
        return;
    r->finished = true;
    take_out(s, &s->live, i);
    append(s, &s->finished, i);
    if (s->finished.count <= s->keep)
        return;
    i = s->finished.first;
    take_out(s, &s->finished, i);
    unchain_serial(s, i);
    unchain_ticket(s, i);
    s->record[i].after = s->free;
    s->free = i;
}

void world_shelf_revive(struct world_shelf *s, struct world_record *r)
{
    uint32_t i = (uint32_t)(r - s->record);
    if (!r->finished)
        return;
    r->finished = false;
    take_out(s, &s->finished, i);
    append(s, &s->live, i);
}

void world_shelf_drop_tickets(struct world_shelf *s)
{
    for (uint32_t i = 0; i < s->cap; i++) {
        s->record[i].ticket = 0;
        s->by_ticket[i] = 0;
    }
}

struct world_record *world_shelf_first(struct world_shelf *s)
{
    return s->live.first == 0 ? NULL : &s->record[s->live.first];
}

struct world_record *world_shelf_next(struct world_shelf *s, const struct world_record *r)
{
    return r->after == 0 ? NULL : &s->record[r->after];
}

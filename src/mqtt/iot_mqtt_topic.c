/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_topic.h"

#include "core/iot_core_assert.h"
#include "core/iot_core_utf8.h"

#include <string.h>

#define TOPIC_MAX   65535u /* 4.7.3-3 */
#define FEW         4      /* filters that are sooner matched than put aside */
#define PENDING_MAX 8      /* spans put aside in one match; what is beyond is matched one by one */

IOT_STATIC_ASSERT(IOT_MQTT_SUBS_MAX <= 255, "order, count and spans hold slots in 8 bits");

static bool is_wildcard(uint8_t c)
{
    return c == '#' || c == '+';
}

static iot_err check(struct iot_bytes text, const char *without)
{
    if (text.len - 1 >= TOPIC_MAX || !iot_utf8_valid_so_far(text, text.len, without))
        return IOT_ERR_MQTT_TOPIC;
    return IOT_OK;
}

iot_err iot_topic_check_name(struct iot_bytes name)
{
    return check(name, "#+");
}

iot_err iot_topic_check_filter(struct iot_bytes filter)
{
    /* '#' last and alone in its level (4.7.1-2), '+' alone in its level (4.7.1-3) */
    for (uint32_t i = 0; i < filter.len; i++) {
        if (is_wildcard(filter.ptr[i]) &&
            ((i != 0 && filter.ptr[i - 1] != '/') ||
             (i + 1 < filter.len && (filter.ptr[i] == '#' || filter.ptr[i + 1] != '/'))))
            return IOT_ERR_MQTT_TOPIC;
    }
    return check(filter, "");
}

/* Four bytes at any address, in the machine's order. */
static uint32_t load4(const uint8_t *p)
{
    uint32_t word;

    memcpy(&word, p, sizeof word);
    return word;
}

/* Where two texts begin to differ, from byte `i` on, but `n` at most. */
static uint32_t same_bytes(const uint8_t *a, const uint8_t *b, size_t i, size_t n)
{
    while (i + 4 <= n && load4(a + i) == load4(b + i))
        i += 4;
    while (i < n && a[i] == b[i])
        i++;
    return (uint32_t)i;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t level_len(const uint8_t *text, uint32_t len)
{
    uint32_t n = 0;

    while (n < len && text[n] != '/')
        n++;
    return n;
}

/* A filter and a name, or what is left of both from the same level on. */
static bool match_rest(const uint8_t *f, uint32_t f_len, const uint8_t *n, uint32_t n_len)
{
    for (;;) {
        uint32_t same = same_bytes(f, n, 0, least(f_len, n_len)); /* no wildcard: names have none */
        f += same;
        f_len -= same;
        n += same;
        n_len -= same;
        if (f_len == 0)
            return n_len == 0;
        if (*f == '#')
            return true;
        if (*f != '+')
            return n_len == 0 && f_len == 2 && f[1] == '#'; /* "a/#" matches "a" */
        f++;
        f_len--;
        same = level_len(n, n_len);
        n += same;
        n_len -= same;
    }
}

bool iot_topic_match(struct iot_bytes filter, struct iot_bytes name)
{
    if (name.ptr[0] == '$' && is_wildcard(filter.ptr[0]))
        return false;
    return match_rest(filter.ptr, filter.len, name.ptr, name.len);
}

/* Order of the index: byte by byte, but '#' < '+' < end of text < '/' < every other byte. Wildcards
 * in front of everything are the first thing one meets among filters that begin alike; the end
 * beside '/' makes "a/#" follow "a" at once. The end is 0, which is in no valid filter. */
static int rank(const uint8_t *text, uint32_t len, uint32_t at)
{
    if (at == len)
        return -2;
    switch (text[at]) {
    case '#':
        return -4;
    case '+':
        return -3;
    case '/':
        return -1;
    default:
        return text[at];
    }
}

static const struct iot_topic_entry *entry_at(const struct iot_topic_index *ix, uint32_t place)
{
    return &ix->filter[ix->order[place]];
}

/* The filters at places [lo, hi) agree in all bytes before `f`, and these match the name before
 * `n`. */
struct span {
    uint32_t lo, hi;
    uint32_t f, n;
};

/* First place in the span whose rest, from `f` on, sorts behind the key. `*same`: how many bytes
 * the one before it has in common with the key. */
static uint32_t search(const struct iot_topic_index *ix, const struct span *s, const uint8_t *key,
                       uint32_t key_len, uint32_t *same)
{
    uint32_t lo = s->lo;
    uint32_t hi = s->hi;
    uint32_t same_lo = 0;
    uint32_t same_hi = 0;

    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        const struct iot_topic_entry *e = entry_at(ix, mid);
        const uint8_t *rest = e->ptr + s->f;
        uint32_t len = e->len - s->f;
        uint32_t i = least(same_lo, same_hi); /* between the two, all begin like both */

        i = same_bytes(rest, key, i, least(len, key_len));
        if (rank(rest, len, i) <= rank(key, key_len, i)) {
            lo = mid + 1;
            same_lo = i;
        } else {
            hi = mid;
            same_hi = i;
        }
    }
    *same = same_lo;
    return lo;
}

int iot_topic_index_find(const struct iot_topic_index *ix, struct iot_bytes filter)
{
    struct span all = {0, ix->count, 0, 0};
    uint32_t same;
    uint32_t place = search(ix, &all, filter.ptr, filter.len, &same);

    if (place == 0 || same != filter.len || entry_at(ix, place - 1)->len != same)
        return IOT_TOPIC_NO_SLOT;
    return ix->order[place - 1];
}

/* After a change at `place`: what depends on neighbours. */
static void relink(struct iot_topic_index *ix, uint32_t place)
{
    for (uint32_t last = least(place + 1, ix->count); place <= last; place++) {
        uint32_t n = 0;
        if (place != 0 && place != ix->count) {
            const struct iot_topic_entry *a = entry_at(ix, place - 1);
            const struct iot_topic_entry *b = entry_at(ix, place);
            n = same_bytes(a->ptr, b->ptr, 0, least(a->len, b->len));
        }
        ix->shared[place] = (uint16_t)n;
    }
    for (place = 1; place < ix->count; place++) {
        uint32_t up = place - 1;
        while (up != 0 && ix->shared[up] >= ix->shared[place])
            up = ix->up[up];
        ix->up[place] = (uint8_t)up;
    }
}

/* Make room at a place, or close it. */
static void shift(struct iot_topic_index *ix, uint32_t to, uint32_t from)
{
    uint32_t n = ix->count - from;

    memmove(ix->order + to, ix->order + from, n);
    memmove(ix->shared + to, ix->shared + from, (n + 1) * sizeof ix->shared[0]);
    ix->count = (uint8_t)(to + n);
}

void iot_topic_index_add(struct iot_topic_index *ix, uint8_t slot, struct iot_bytes filter)
{
    struct span all = {0, ix->count, 0, 0};
    uint32_t same;
    uint32_t place = search(ix, &all, filter.ptr, filter.len, &same);

    IOT_ASSERT(slot < IOT_MQTT_SUBS_MAX && ix->count < IOT_MQTT_SUBS_MAX);
    IOT_ASSERT(place == 0 || same != filter.len || entry_at(ix, place - 1)->len != same);
    shift(ix, place + 1, place);
    ix->order[place] = slot;
    ix->filter[slot] = (struct iot_topic_entry){filter.ptr, (uint16_t)filter.len};
    relink(ix, place);
}

void iot_topic_index_remove(struct iot_topic_index *ix, uint8_t slot)
{
    uint32_t place = 0;

    while (place < ix->count && ix->order[place] != slot)
        place++;
    IOT_ASSERT(place < ix->count);
    shift(ix, place, place + 1);
    relink(ix, place);
}

/* A match: one span at a time, others, that branched off at a '+', put aside. */
struct walk {
    struct span at;
    const struct iot_topic_index *ix;
    struct iot_bytes name;
    uint8_t last; /* byte of the name */
    uint32_t *hits;
    uint32_t pending_count;
    struct span pending[PENDING_MAX];
};

static void hit(const struct walk *w, uint32_t place)
{
    uint32_t slot = w->ix->order[place];

    w->hits[slot / 32] |= (uint32_t)1 << slot % 32;
}

/* The dearest thing in a match is a filter that does not. Mostly its last byte tells. */
static bool ends_otherwise(const struct walk *w, const struct iot_topic_entry *e)
{
    uint8_t last = e->ptr[e->len - 1];

    return last != w->last && !is_wildcard(last);
}

/* One by one, whatever they look like. */
static void match_each(const struct walk *w, const struct span *s)
{
    for (uint32_t place = s->lo; place < s->hi; place++) {
        const struct iot_topic_entry *e = entry_at(w->ix, place);
        if (!ends_otherwise(w, e) &&
            match_rest(e->ptr + s->f, e->len - s->f, w->name.ptr + s->n, w->name.len - s->n))
            hit(w, place);
    }
}

/* `place` is the first of the filters that agree with the name up to byte `f` of theirs. Those of
 * them that go on with a wildcard come first; the one at `place` does. */
static void branch(struct walk *w, uint32_t place, uint32_t f)
{
    const uint16_t *shared = w->ix->shared;
    const struct iot_topic_entry *e = entry_at(w->ix, place);
    uint32_t end = place + 1;

    if (f == 0 && w->name.ptr[0] == '$') /* 4.7.2-1 */
        return;
    if (e->ptr[f] == '#') {
        hit(w, place);
        if (shared[end] != f)
            return;
        e = entry_at(w->ix, end);
        if (f == e->len || e->ptr[f] != '+')
            return;
        place = end++;
    }
    while (shared[end] > f)
        end++;
    if (end - place == 1 && ends_otherwise(w, e))
        return;

    struct span any = {place, end, f, w->at.n + (f - w->at.f)};
    if (end - place <= FEW || w->pending_count == PENDING_MAX) {
        match_each(w, &any);
        return;
    }
    any.f++;
    any.n += level_len(w->name.ptr + any.n, w->name.len - any.n);
    w->pending[w->pending_count++] = any;
}

static void match_span(struct walk *w)
{
    const struct iot_topic_index *ix = w->ix;
    uint32_t rest_len = w->name.len - w->at.n;
    uint32_t same;
    uint32_t place = search(ix, &w->at, w->name.ptr + w->at.n, rest_len, &same);

    /* Of what sorts behind the name only "name/#" can match; it is the next. */
    if (place < w->at.hi && entry_at(ix, place)->len == w->at.f + rest_len + 2) {
        struct span parent = {place, place + 1, w->at.f, w->at.n};
        match_each(w, &parent);
    }
    if (place == w->at.lo)
        return;

    /* What sorts before it is the name itself, or leaves it at a wildcard, at one of the bytes
     * where anything before it leaves it. */
    uint32_t f = w->at.f + same;
    place--;
    if (same == rest_len && entry_at(ix, place)->len == f)
        hit(w, place);
    for (;; f = ix->shared[place]) {
        while (place != w->at.lo && ix->shared[place] >= f)
            place = ix->up[place];
        const struct iot_topic_entry *e = entry_at(ix, place);
        if (f < e->len && is_wildcard(e->ptr[f]))
            branch(w, place, f);
        if (place == w->at.lo)
            return;
    }
}

void iot_topic_index_match(const struct iot_topic_index *ix, struct iot_bytes name,
                           uint32_t hits[IOT_TOPIC_HITS_WORDS])
{
    struct walk w;

    memset(hits, 0, IOT_TOPIC_HITS_WORDS * sizeof *hits);
    w.ix = ix;
    w.name = name;
    w.last = name.ptr[name.len - 1];
    w.hits = hits;
    w.pending_count = 0;
    w.at = (struct span){0, ix->count, 0, 0};
    for (;;) {
        match_span(&w);
        if (w.pending_count == 0)
            return;
        w.at = w.pending[--w.pending_count];
    }
}

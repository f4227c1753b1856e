/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_topic.h"

#include "core/iot_core_assert.h"
#include "core/iot_core_utf8.h"

#include <string.h>

#define TOPIC_MAX   65535u /* 4.7.3-3 */
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

/* How many of `n` bytes are the same. */
static uint32_t same_bytes(const uint8_t *a, const uint8_t *b, size_t n)
{
    size_t i = 0;

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
        uint32_t same = same_bytes(f, n, least(f_len, n_len)); /* no wildcard: names have none */
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

/* Order of the index: byte by byte, but '#' < '+' < end of text < '/' < every other byte. The end
 * beside '/' keeps together what shares its first levels; the wildcards in front of everything
 * make them the first thing one meets in such a group. `a` and `b` differ; the end is 0, which is
 * in no valid filter. */
static bool sorts_before(uint8_t a, uint8_t b)
{
    static const uint8_t first[] = {'#', '+', 0, '/'};

    for (uint32_t i = 0; i < sizeof first; i++) {
        if (a == first[i] || b == first[i])
            return a == first[i];
    }
    return a < b;
}

static uint8_t byte_or_end(const uint8_t *text, uint32_t len, uint32_t at)
{
    return at < len ? text[at] : 0;
}

static const struct iot_topic_entry *entry_at(const struct iot_topic_index *ix, uint32_t pos)
{
    return &ix->filter[ix->order[pos]];
}

/* First position whose filter is not below `key`. `*equal`: it is the key. */
static uint32_t position(const struct iot_topic_index *ix, struct iot_bytes key, bool *equal)
{
    uint32_t lo = 0;
    uint32_t hi = ix->count;

    *equal = false;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        const struct iot_topic_entry *e = entry_at(ix, mid);
        uint32_t same = same_bytes(e->ptr, key.ptr, least(e->len, key.len));
        uint8_t a = byte_or_end(e->ptr, e->len, same);
        uint8_t b = byte_or_end(key.ptr, key.len, same);

        if (a == b) { /* both have ended */
            *equal = true;
            return mid;
        }
        if (sorts_before(a, b))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

int iot_topic_index_find(const struct iot_topic_index *ix, struct iot_bytes filter)
{
    bool equal;
    uint32_t pos = position(ix, filter, &equal);

    return equal ? ix->order[pos] : IOT_TOPIC_NO_SLOT;
}

void iot_topic_index_add(struct iot_topic_index *ix, uint8_t slot, struct iot_bytes filter)
{
    bool equal;
    uint32_t pos = position(ix, filter, &equal);

    IOT_ASSERT(slot < IOT_MQTT_SUBS_MAX && ix->count < IOT_MQTT_SUBS_MAX && !equal);
    memmove(ix->order + pos + 1, ix->order + pos, ix->count - pos);
    ix->order[pos] = slot;
    ix->filter[slot] = (struct iot_topic_entry){filter.ptr, (uint16_t)filter.len};
    ix->count++;
}

void iot_topic_index_remove(struct iot_topic_index *ix, uint8_t slot)
{
    uint32_t pos = 0;

    while (pos < ix->count && ix->order[pos] != slot)
        pos++;
    IOT_ASSERT(pos < ix->count);
    ix->count--;
    memmove(ix->order + pos, ix->order + pos + 1, ix->count - pos);
}

/* The filters at [lo, hi) of the order agree in all bytes before `f`, and these match the name
 * before `n`. A match narrows one such span, and puts aside those that branch off at a '+'. */
struct span {
    uint32_t lo, hi;
    uint32_t f, n;
};

struct walk {
    struct span at;
    const struct iot_topic_index *ix;
    const uint8_t *name;
    uint32_t name_len;
    uint32_t level_len; /* what is left of the level that the name is in */
    uint32_t *hits;
};

static void hit(const struct walk *w)
{
    uint32_t slot = w->ix->order[w->at.lo];

    w->hits[slot / 32] |= (uint32_t)1 << slot % 32;
}

/* One by one, whatever they look like. Empties the span. */
static void match_each(struct walk *w)
{
    for (; w->at.lo < w->at.hi; w->at.lo++) {
        const struct iot_topic_entry *e = entry_at(w->ix, w->at.lo);
        if (match_rest(e->ptr + w->at.f, e->len - w->at.f, w->name + w->at.n,
                       w->name_len - w->at.n))
            hit(w);
    }
}

/* Does the filter at `pos`, which stands at the beginning of a level, go on with this wildcard? */
static bool goes_on_with(const struct walk *w, uint32_t pos, uint8_t wildcard)
{
    const struct iot_topic_entry *e = entry_at(w->ix, pos);

    return byte_or_end(e->ptr, e->len, w->at.f) == wildcard;
}

/* Past the filters of the span that go on with '+'. Nearly always that is none of them or all. */
static uint32_t end_of_plus(const struct walk *w)
{
    uint32_t lo = w->at.lo;
    uint32_t hi = w->at.hi;
    uint32_t mid = hi - 1;

    while (lo < hi) {
        if (goes_on_with(w, mid, '+'))
            lo = mid + 1;
        else
            hi = mid;
        mid = (lo + hi) / 2;
    }
    return lo;
}

/* Where in the span, from `lo` on, the levels below the name's end; with `equal`, where those equal
 * to it end, which come first. `mid` is where to look first. */
static uint32_t bisect(const struct walk *w, bool equal, uint32_t lo, uint32_t mid)
{
    const uint8_t *key = w->name + w->at.n;
    uint32_t hi = w->at.hi;

    while (lo < hi) {
        const struct iot_topic_entry *e = entry_at(w->ix, mid);
        const uint8_t *level = e->ptr + w->at.f;
        uint32_t len = e->len - w->at.f;
        uint32_t i = 0;
        while (i < w->level_len && i < len && level[i] == key[i])
            i++;
        bool ends = i == len || level[i] == '/';
        bool is_before = i == w->level_len ? equal && ends : !equal && (ends || level[i] < key[i]);
        if (is_before)
            lo = mid + 1;
        else
            hi = mid;
        mid = (lo + hi) / 2;
    }
    return lo;
}

static void measure_level(struct walk *w)
{
    w->level_len = level_len(w->name + w->at.n, w->name_len - w->at.n);
}

/* Keep the filters whose level is the name's. A single one that is left may still differ. */
static void narrow(struct walk *w)
{
    uint32_t lo = bisect(w, false, w->at.lo, (w->at.lo + w->at.hi) / 2);

    w->at.lo = lo;
    if (w->at.hi - lo > 1)
        w->at.hi = bisect(w, true, lo + 1, lo + 1); /* mostly there is one, so look there */
}

/* Go past the level, of which `f` bytes are left in the filters. The span is not empty. */
static void descend(struct walk *w, uint32_t f)
{
    w->at.f += f;
    w->at.n += w->level_len;
    if (w->at.n == w->name_len) { /* only what ends here or goes on with "/#", in this order */
        w->at.hi = least(w->at.hi, w->at.lo + 2);
        match_each(w);
        return;
    }
    if (entry_at(w->ix, w->at.lo)->len == w->at.f) /* distinct filters: no other one ends here */
        w->at.lo++;
    w->at.f++;
    w->at.n++;
}

/* Go over all that the filters of the span and the name have in common, over any number of levels.
 * Since they are sorted, the first and the last speak for all. */
static uint32_t skip_common(struct walk *w)
{
    const struct iot_topic_entry *first = entry_at(w->ix, w->at.lo);
    const struct iot_topic_entry *last = entry_at(w->ix, w->at.hi - 1);
    const uint8_t *name = w->name + w->at.n;
    uint32_t n = least(w->name_len - w->at.n, least(first->len, last->len) - w->at.f);

    n = same_bytes(first->ptr + w->at.f, name, n);
    n = same_bytes(last->ptr + w->at.f, name, n);
    w->at.f += n;
    w->at.n += n;
    return n;
}

void iot_topic_index_match(const struct iot_topic_index *ix, struct iot_bytes name,
                           uint32_t hits[IOT_TOPIC_HITS_WORDS])
{
    struct walk w = {{0, ix->count, 0, 0}, ix, name.ptr, name.len, 0, hits};
    struct span pending[PENDING_MAX];
    uint32_t pending_count = 0;

    memset(hits, 0, IOT_TOPIC_HITS_WORDS * sizeof *hits);
    if (name.ptr[0] == '$' && ix->count != 0) { /* 4.7.2-1 */
        w.at.lo += goes_on_with(&w, 0, '#');
        w.at.lo = end_of_plus(&w);
    }
    for (;;) {
        if (w.at.hi - w.at.lo <= 1) {
            match_each(&w);
            if (pending_count == 0)
                return;
            w.at = pending[--pending_count];
        }

        /* Here a level begins, and the span has two filters at least. */
        if (goes_on_with(&w, w.at.lo, '#')) {
            hit(&w);
            w.at.lo++;
        }
        if (goes_on_with(&w, w.at.lo, '+')) {
            struct span others = w.at;
            others.lo = w.at.hi = end_of_plus(&w);
            measure_level(&w);
            descend(&w, 1);
            if (w.at.hi - w.at.lo > 1 && pending_count < PENDING_MAX)
                pending[pending_count++] = w.at;
            else
                match_each(&w);
            w.at = others;
        }
        if (w.at.hi - w.at.lo <= 1)
            continue;
        if (skip_common(&w) != 0 && name.ptr[w.at.n - 1] == '/')
            continue;
        measure_level(&w); /* or what is left of it */
        narrow(&w);
        if (w.at.hi - w.at.lo > 1)
            descend(&w, w.level_len);
    }
}

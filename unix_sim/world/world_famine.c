/* SPDX-License-Identifier: Apache-2.0 */
/* The linker puts __wrap_ functions in the place of lwIP's allocators wherever another file calls them. */
#include "world/world_famine.h"

#include "world/world_chance.h"
#include "world/world_trace.h"

#include "lwip/mem.h"
#include "lwip/memp.h"
#include "lwip/opt.h"

void *__real_memp_malloc(memp_t type);
void *__wrap_memp_malloc(memp_t type);
void *__real_mem_malloc(mem_size_t size);
void *__wrap_mem_malloc(mem_size_t size);

static struct {
    struct world_chance chance;
    uint32_t per_million, nth, from; /* from: counted as calls are */
    int shield;
    bool heap_empty, empty[MEMP_MAX];
    uint32_t calls, refused[WORLD_FAMINE_KINDS];
} famine;

void world_famine_start(uint64_t seed)
{
    world_chance_seed(&famine.chance, seed, WORLD_STREAM_FAMINE);
}

void world_famine_set(uint32_t per_million)
{
    famine.per_million = per_million;
}

void world_famine_nth(uint32_t n)
{
    famine.nth = n;
}

void world_famine_from(uint32_t n)
{
    famine.from = n == 0 ? 0 : famine.calls + n;
}

void world_famine_pool(int memp_type, bool empty)
{
    if (memp_type < 0)
        famine.heap_empty = empty;
    else if (memp_type < MEMP_MAX && memp_type != MEMP_SYS_TIMEOUT)
        famine.empty[memp_type] = empty;
    else
        world_violation("there is no pool %d to empty", memp_type);
}

void world_famine_end(void)
{
    famine.per_million = famine.nth = famine.from = 0;
    famine.heap_empty = false;
    for (int i = 0; i < MEMP_MAX; i++)
        famine.empty[i] = false;
}

void world_famine_shield(int delta)
{
    famine.shield += delta;
    if (famine.shield < 0)
        world_violation("more shields taken away than put up");
}

uint32_t world_famine_calls(void)
{
    return famine.calls;
}

uint32_t world_famine_refused(enum world_famine_kind kind)
{
    return famine.refused[kind];
}

uint32_t world_famine_refused_all(void)
{
    uint32_t sum = 0;

    for (int i = 0; i < WORLD_FAMINE_KINDS; i++)
        sum += famine.refused[i];
    return sum;
}

static bool strikes(enum world_famine_kind kind, bool empty)
{
    static const char *const names[WORLD_FAMINE_KINDS] = {"memp_malloc", "mem_malloc", "tcp_new",
                                                          "tcp_connect", "tcp_write"};

    if (famine.shield != 0)
        return false;
    famine.calls++;
    bool is_nth = famine.nth != 0 && --famine.nth == 0;
    bool is_late = famine.from != 0 && famine.calls >= famine.from;
    if (!is_nth && !is_late && !empty && !world_chance_hit(&famine.chance, famine.per_million))
        return false;
    famine.refused[kind]++;
    world_trace("memory: %s refused", names[kind]);
    return true;
}

bool world_famine_strikes(enum world_famine_kind kind)
{
    return strikes(kind, false);
}

void *__wrap_memp_malloc(memp_t type)
{
    if (type != MEMP_SYS_TIMEOUT && strikes(WORLD_FAMINE_POOL, famine.empty[type]))
        return NULL;
    return __real_memp_malloc(type);
}

void *__wrap_mem_malloc(mem_size_t size)
{
    return strikes(WORLD_FAMINE_HEAP, famine.heap_empty) ? NULL : __real_mem_malloc(size);
}

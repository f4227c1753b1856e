/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_wire.h"

#include "world/world_chance.h"
#include "world/world_clock.h"
#include "world/world_famine.h"
#include "world/world_trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/ip4.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/prot/ip4.h"

#define MTU 1500u

struct frame {
    uint64_t due, number;
    enum world_way way;
    uint32_t len;
    uint8_t bytes[];
};

static struct {
    struct netif dev, cloud;
    struct lane {
        struct world_lane set;
        struct world_lane_counts count;
        struct world_chance chance;
        uint64_t busy_until_us; /* the rate's: then the last frame is out */
        uint64_t last_due;      /* jitter does not overtake it */
        bool shielded;
        uint32_t datagrams, nth; /* nth: of them gets the trick, counted down; 0: none */
        enum world_trick trick;
        uint32_t trick_ms;
        struct frame *held; /* swapped: lets one pass, but waits no longer than `due` */
    } lanes[2];
    struct frame **heap; /* the next is heap[0]; children of i: 2i+1, 2i+2 */
    uint32_t load, room;
    uint64_t number;
    struct host {
        uint32_t ip;
        void (*on_packet)(const uint8_t *packet, uint32_t len); /* NULL: free */
    } hosts[WORLD_HOSTS_MAX];
} wire;

static const char *const way_names[] = {"up", "down"};

/* ---- The heap ---------------------------------------------------------------------------- */

static bool before(const struct frame *a, const struct frame *b)
{
    return a->due != b->due ? a->due < b->due : a->number < b->number;
}

static void push(struct frame *f)
{
    if (wire.load == wire.room) {
        wire.room = wire.room == 0 ? 256 : wire.room * 2;
        wire.heap = realloc(wire.heap, wire.room * sizeof wire.heap[0]);
        if (wire.heap == NULL)
            abort();
    }
    uint32_t at = wire.load++;
    while (at > 0 && before(f, wire.heap[(at - 1) / 2])) {
        wire.heap[at] = wire.heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    wire.heap[at] = f;
}

static struct frame *pop(void)
{
    struct frame *first = wire.heap[0], *last = wire.heap[--wire.load];
    uint32_t at = 0;

    for (uint32_t child = 1; child < wire.load; child = 2 * at + 1) {
        if (child + 1 < wire.load && before(wire.heap[child + 1], wire.heap[child]))
            child++;
        if (!before(wire.heap[child], last))
            break;
        wire.heap[at] = wire.heap[child];
        at = child;
    }
    wire.heap[at] = last;
    return first;
}

/* ---- Onto the wire ----------------------------------------------------------------------- */

static uint32_t ip_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void note(const char *what, enum world_way way, const struct frame *f)
{
    world_trace("wire: %s frame %" PRIu64 ", %" PRIu32 " bytes: %s", way_names[way], f->number,
                f->len, what);
}

static void lose(struct frame *f, uint64_t *counter, const char *what)
{
    (*counter)++;
    note(what, f->way, f);
    free(f);
}

static bool passes(void)
{
    return netif_is_up(&wire.dev) && netif_is_link_up(&wire.dev);
}

static struct frame *make_frame(uint32_t len)
{
    struct frame *f = malloc(sizeof *f + len);

    if (f == NULL)
        abort();
    f->number = wire.number++;
    f->len = len;
    return f;
}

/* When it has left by the rate, us. False: the queue is too long. */
static bool leave(struct lane *l, uint32_t len, uint64_t *out_us)
{
    uint64_t now_us = world_ms() * 1000u;

    *out_us = now_us;
    if (l->set.rate_bps == 0)
        return true;
    uint64_t start = l->busy_until_us > now_us ? l->busy_until_us : now_us;
    if ((start - now_us) / 1000u > l->set.queue_ms_max)
        return false;
    *out_us = l->busy_until_us = start + (uint64_t)len * 8u * 1000000u / l->set.rate_bps;
    return true;
}

/* A bit behind the first byte, whose loss would only make it another protocol's frame. */
static void corrupt(struct lane *l, struct frame *f)
{
    uint32_t bit = world_chance_between(&l->chance, 8, f->len * 8u - 1u);

    f->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

static void travel(struct lane *l, struct frame *f, uint32_t extra_ms)
{
    bool is_late = extra_ms != 0;
    uint64_t out_us;

    l->count.sent++;
    if (l->set.cut) {
        lose(f, &l->count.cut, "cut");
        return;
    }
    if (!leave(l, f->len, &out_us)) {
        lose(f, &l->count.tail, "queue full");
        return;
    }
    if (world_chance_hit(&l->chance, l->set.loss)) {
        lose(f, &l->count.lost, "lost");
        return;
    }
    if (world_chance_hit(&l->chance, l->set.corrupt)) {
        l->count.corrupted++;
        note("corrupted", f->way, f);
        corrupt(l, f);
    }
    if (world_chance_hit(&l->chance, l->set.reorder)) {
        l->count.reordered++;
        note("held back", f->way, f);
        extra_ms += world_chance_between(&l->chance, WORLD_REORDER_MIN_MS, WORLD_REORDER_MAX_MS);
        is_late = true;
    }
    uint32_t jitter =
        l->set.jitter_ms == 0 ? 0 : world_chance_below(&l->chance, l->set.jitter_ms + 1);
    f->due = (out_us + 999u) / 1000u + l->set.delay_ms + jitter;
    if (f->due < l->last_due)
        f->due = l->last_due;
    if (is_late)
        f->due += extra_ms;
    else
        l->last_due = f->due;
    push(f);
}

static struct frame *make_twin(const struct frame *f)
{
    struct frame *twin = make_frame(f->len);

    memcpy(twin->bytes, f->bytes, f->len);
    twin->way = f->way;
    return twin;
}

static void let_go(struct lane *l)
{
    struct frame *f = l->held;

    l->held = NULL;
    f->number = wire.number++; /* due together with the one that passed it, it is behind that */
    travel(l, f, 0);
}

/* As world_wire_trick ordered it. */
static void play_trick(struct lane *l, struct frame *f)
{
    switch (l->trick) {
    case WORLD_TRICK_DROP:
        l->count.sent++;
        lose(f, &l->count.lost, "dropped by order");
        break;
    case WORLD_TRICK_DOUBLE:
        l->count.duplicated++;
        note("doubled by order", f->way, f);
        struct frame *twin = make_twin(f);
        travel(l, f, 0);
        travel(l, twin, l->trick_ms);
        break;
    case WORLD_TRICK_SWAP:
        l->count.reordered++;
        note("swapped by order", f->way, f);
        f->due = world_ms() + l->trick_ms;
        l->held = f;
        break;
    case WORLD_TRICK_LATE:
        l->count.reordered++;
        note("late by order", f->way, f);
        travel(l, f, l->trick_ms);
        break;
    }
}

static bool is_datagram(const struct frame *f)
{
    return f->len > IP_HLEN && f->bytes[9] == IP_PROTO_UDP &&
           ip_at(f->bytes + 16) != WORLD_NAMESERVER_IP;
}

static void send_frame(struct frame *f)
{
    struct lane *l = &wire.lanes[f->way];
    bool counts = is_datagram(f);

    l->datagrams += counts;
    if (counts && l->held != NULL) {
        travel(l, f, 0);
        let_go(l);
    } else if (counts && l->nth != 0 && --l->nth == 0) {
        play_trick(l, f);
    } else if (!l->set.cut && world_chance_hit(&l->chance, l->set.duplicate)) {
        struct frame *twin = make_twin(f);
        l->count.duplicated++;
        note("duplicated", f->way, f);
        travel(l, f, 0);
        travel(l, twin, 0);
    } else {
        travel(l, f, 0);
    }
}

static enum world_way way_to(uint32_t ip, const struct netif *from)
{
    bool is_for_many = ip >> 28 == 14 || ip == UINT32_MAX;

    if (is_for_many)
        return from == &wire.cloud ? WORLD_DOWN : WORLD_UP;
    return (ip ^ WORLD_DEVICE_IP(0)) >> 16 == 0 ? WORLD_DOWN : WORLD_UP;
}

static err_t output(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    (void)to; /* the gateway, perhaps */
    struct frame *f = make_frame(p->tot_len);

    pbuf_copy_partial(p, f->bytes, p->tot_len, 0);
    f->way = way_to(ip_at(f->bytes + 16), netif);
    struct lane *l = &wire.lanes[f->way];
    if (f->way == WORLD_UP && !passes()) {
        l->count.sent++;
        lose(f, &l->count.dead, "link down");
    } else {
        send_frame(f);
    }
    return ERR_OK;
}

/* ---- Off the wire ------------------------------------------------------------------------ */

static bool has_sound_header(const struct frame *f)
{
    uint32_t header = (f->bytes[0] & 15u) * 4u;

    return f->len >= IP_HLEN && header >= IP_HLEN && header <= f->len &&
           inet_chksum(f->bytes, (u16_t)header) == 0;
}

static struct host *find_host(uint32_t ip)
{
    for (uint32_t i = 0; i < WORLD_HOSTS_MAX; i++)
        if (wire.hosts[i].on_packet != NULL && wire.hosts[i].ip == ip)
            return &wire.hosts[i];
    return NULL;
}

static bool hand_over(struct lane *l, const struct frame *f)
{
    uint32_t to_ip = ip_at(f->bytes + 16);
    if (f->way == WORLD_UP && to_ip != WORLD_CLOUD_IP) {
        const struct host *h = find_host(to_ip);
        if (h != NULL && has_sound_header(f))
            h->on_packet(f->bytes, f->len);
        else
            l->count.astray++;
        return true;
    }
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)f->len, PBUF_POOL);
    if (p == NULL)
        return false;
    pbuf_take(p, f->bytes, (u16_t)f->len);
    struct netif *to = f->way == WORLD_UP ? &wire.cloud : &wire.dev;
    return ip4_input(p, to) == ERR_OK;
}

static void arrive(struct frame *f)
{
    struct lane *l = &wire.lanes[f->way];

    if (l->set.cut) {
        lose(f, &l->count.cut, "cut");
        return;
    }
    if (!passes()) {
        lose(f, &l->count.dead, "link down");
        return;
    }
    world_trace_number(world_ms() << 1 | f->way);
    world_trace_bytes(f->bytes, f->len);
    if (l->shielded)
        world_famine_shield(1);
    bool taken = hand_over(l, f);
    if (l->shielded)
        world_famine_shield(-1);
    if (!taken) {
        lose(f, &l->count.refused, "no memory for it");
        return;
    }
    l->count.delivered++;
    l->count.bytes += f->len;
    free(f);
}

uint64_t world_wire_next(void)
{
    uint64_t next = wire.load == 0 ? WORLD_NEVER : wire.heap[0]->due;

    for (int i = 0; i < 2; i++)
        if (wire.lanes[i].held != NULL && wire.lanes[i].held->due < next)
            next = wire.lanes[i].held->due;
    return next;
}

uint32_t world_wire_deliver(void)
{
    uint32_t count = 0;

    for (int i = 0; i < 2; i++)
        if (wire.lanes[i].held != NULL && wire.lanes[i].held->due <= world_ms())
            let_go(&wire.lanes[i]);
    /* Answers to what is delivered here, due at once, are left for the next turn. */
    for (uint32_t left = wire.load; left > 0 && wire.heap[0]->due <= world_ms(); left--) {
        arrive(pop());
        count++;
    }
    return count;
}

uint32_t world_wire_load(void)
{
    return wire.load + (wire.lanes[WORLD_UP].held != NULL) + (wire.lanes[WORLD_DOWN].held != NULL);
}

void world_wire_host(uint32_t ip, void (*on_packet)(const uint8_t *packet, uint32_t len))
{
    struct host *h = find_host(ip);

    for (uint32_t i = 0; h == NULL && i < WORLD_HOSTS_MAX; i++)
        if (wire.hosts[i].on_packet == NULL)
            h = &wire.hosts[i];
    if (h == NULL)
        world_violation("more than %u hosts", WORLD_HOSTS_MAX);
    else
        *h = (struct host){ip, on_packet};
}

static struct frame *take_packet(uint8_t *packet, uint32_t len)
{
    struct frame *f = make_frame(len);

    packet[10] = packet[11] = 0;
    u16_t sum = inet_chksum(packet, (u16_t)((packet[0] & 15u) * 4u));
    memcpy(packet + 10, &sum, sizeof sum);
    memcpy(f->bytes, packet, len);
    f->way = WORLD_DOWN;
    return f;
}

void world_wire_inject(uint8_t *packet, uint32_t len, uint32_t extra_ms)
{
    travel(&wire.lanes[WORLD_DOWN], take_packet(packet, len), extra_ms);
}

void world_wire_send(uint8_t *packet, uint32_t len)
{
    send_frame(take_packet(packet, len));
}

/* ---- Settings ---------------------------------------------------------------------------- */

struct world_lane *world_lane(enum world_way way)
{
    return &wire.lanes[way].set;
}

const struct world_lane_counts *world_lane_counts(enum world_way way)
{
    return &wire.lanes[way].count;
}

void world_wire_trick(enum world_way way, uint32_t nth, enum world_trick trick, uint32_t ms)
{
    struct lane *l = &wire.lanes[way];

    l->nth = nth;
    l->trick = trick;
    l->trick_ms = ms;
}

uint32_t world_wire_datagrams(enum world_way way)
{
    return wire.lanes[way].datagrams;
}

void world_wire_shield(enum world_way way, bool on)
{
    wire.lanes[way].shielded = on;
}

void world_wire_calm(void)
{
    for (int i = 0; i < 2; i++)
        wire.lanes[i].set = (struct world_lane){.queue_ms_max = 4000, .delay_ms = 5};
    if (!netif_is_up(&wire.dev))
        world_wire_admin(true);
    if (!netif_is_link_up(&wire.dev))
        world_wire_link(true);
}

struct netif *world_wire_dev(void)
{
    return &wire.dev;
}

struct netif *world_wire_cloud(void)
{
    return &wire.cloud;
}

void world_wire_link(bool up)
{
    world_trace("wire: link %s", up ? "up" : "down");
    (up ? netif_set_link_up : netif_set_link_down)(&wire.dev);
}

void world_wire_admin(bool up)
{
    world_trace("wire: interface %s", up ? "up" : "down");
    (up ? netif_set_up : netif_set_down)(&wire.dev);
}

void world_wire_address(uint8_t last)
{
    ip4_addr_t ip, mask, gateway;

    world_trace("wire: address 10.1.0.%u", last);
    IP4_ADDR(&ip, 10, 1, 0, last);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 10, 1, 0, 1);
    netif_set_addr(&wire.dev, &ip, &mask, &gateway);
}

static err_t init_netif(struct netif *netif)
{
    netif->name[0] = 'w';
    netif->name[1] = netif == &wire.dev ? 'd' : 'c';
    netif->mtu = MTU;
    netif->output = output;
    netif->flags = NETIF_FLAG_LINK_UP | NETIF_FLAG_IGMP;
    return ERR_OK;
}

void world_wire_start(uint64_t seed)
{
    ip4_addr_t ip, mask, gateway;

    world_chance_seed(&wire.lanes[WORLD_UP].chance, seed, WORLD_STREAM_UP);
    world_chance_seed(&wire.lanes[WORLD_DOWN].chance, seed, WORLD_STREAM_DOWN);
    world_wire_shield(WORLD_UP, true);

    IP4_ADDR(&ip, 10, 1, 0, WORLD_DEVICE_FIRST);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 10, 1, 0, 1);
    world_famine_shield(
        1); /* each has a group of its own from the beginning, that of all systems */
    netif_add(&wire.dev, &ip, &mask, &gateway, NULL, init_netif, ip4_input);
    /* The mask keeps the name server's address, which is not lwIP's, on the other side of the wire. */
    IP4_ADDR(&ip, 10, 2, 0, 1);
    IP4_ADDR(&mask, 255, 255, 255, 255);
    ip4_addr_set_any(&gateway);
    netif_add(&wire.cloud, &ip, &mask, &gateway, NULL, init_netif, ip4_input);
    world_famine_shield(-1);
    netif_set_default(&wire.dev);
    netif_set_up(&wire.dev);
    netif_set_up(&wire.cloud);
    world_wire_calm();
}

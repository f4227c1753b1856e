/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_wire.h
 * The wire between two interfaces of one lwIP, IPv4 without a link layer, and what goes wrong on it.
 *
 *     dev 10.1.0.2/24  ---up--->  <---down---  cloud 10.2.0.1/32
 *
 * A frame is copied out of its pbufs when lwIP sends it, and waits in a heap ordered by due time and
 * number. Which way it goes is told by its destination (10.1.x: down), whichever interface lwIP chose:
 * what the cloud says to a device that has lost its link is lost on the way, no error. Only what is sent to a group, or to all, goes
 * away from the interface that it left by. The device's hears groups that it has joined.
 *
 * Sockets of the cloud's side listen on WORLD_CLOUD_ADDRESS and are bound to world_wire_cloud() by
 * tcp_bind_netif, or their answers are routed by the device's interface.
 */
#ifndef WORLD_WIRE_H
#define WORLD_WIRE_H

#include <stdbool.h>
#include <stdint.h>

struct netif;

#define WORLD_CLOUD_ADDRESS  "10.2.0.1"
#define WORLD_CLOUD_IP       0x0a020001u /* in the host's byte order, as the others */
#define WORLD_DEVICE_IP(n)   (0x0a010000u + (n))
#define WORLD_DEVICE_FIRST   2u
#define WORLD_NAMESERVER_IP  0x0a020035u         /* 10.2.0.53 */
#define WORLD_NOBODY_IP      0x0a020063u         /* 10.2.0.99: what is sent there vanishes */
#define WORLD_PEER_IP(n)     (0x0a020064u + (n)) /* 10.2.0.100 and up, for world_udp_open_at */
#define WORLD_HOSTS_MAX      16u
#define WORLD_REORDER_MIN_MS 5u
#define WORLD_REORDER_MAX_MS 300u

enum world_way { WORLD_UP, WORLD_DOWN };

/** One direction; fields may be written at any time and hold for frames sent from then on (`cut` for
 *  those on their way, too). Chances are per million frames. Jitter keeps the order; `reorder` holds
 *  a frame back by 5..300 ms while others pass. */
struct world_lane {
    uint32_t rate_bps;     /* 0: no bound */
    uint32_t queue_ms_max; /* longer than this no frame waits for the rate: tail drop; 4000 */
    uint32_t delay_ms;     /* 5 */
    uint32_t jitter_ms;    /* 0..this is added */
    uint32_t loss, duplicate, reorder, corrupt;
    bool cut;
};

/** Since the start; `delivered` counts duplicates, too. */
struct world_lane_counts {
    uint64_t sent, delivered, bytes; /* bytes: delivered */
    uint64_t lost, duplicated, reordered, corrupted;
    uint64_t cut, dead; /* cut; link or interface of the device down */
    uint64_t tail;      /* queue too long */
    uint64_t refused;   /* no pbuf for it */
    uint64_t astray;    /* up: to nobody's address */
};

/** After lwip_init: adds both interfaces, `dev` is netif_default. */
void world_wire_start(uint64_t seed);

/** The lane, to be set. */
struct world_lane *world_lane(enum world_way way);
const struct world_lane_counts *world_lane_counts(enum world_way way);

/** Both lanes as at the start: no faults. Link and interface come up, the address stays. */
void world_wire_calm(void);

/** What happens to one datagram. */
enum world_trick {
    WORLD_TRICK_DROP,
    WORLD_TRICK_DOUBLE, /* the twin follows `ms` later */
    WORLD_TRICK_SWAP, /* it lets the next datagram pass, and `ms` after it was sent it waits no longer */
    WORLD_TRICK_LATE, /* `ms` later than others */
};

/** To the `nth` UDP datagram of this direction from now, 1 the first: this, once. Those to and from the name server do
 *  not count. One order per direction; again: replaces; nth 0: none. */
void world_wire_trick(enum world_way way, uint32_t nth, enum world_trick trick, uint32_t ms);

/** UDP datagrams that were sent in this direction since the start, counted as for world_wire_trick. */
uint32_t world_wire_datagrams(enum world_way way);

struct netif *world_wire_dev(void); /* options.netif of every device */
struct netif *world_wire_cloud(void);

/** The cable of the device's side; netif_set_link_up or _down. Nothing passes while it is down, and
 *  what was on its way is lost when it is due. */
void world_wire_link(bool up);
/** netif_set_up or _down, as an application does. */
void world_wire_admin(bool up);
/** The device's side becomes 10.1.0.`last`, as a DHCP server may decide: lwIP aborts what it had. */
void world_wire_address(uint8_t last);

/** Memory faults while lwIP takes frames of this direction. At the start: up shielded, as the cloud's
 *  side wants for nothing; down not. */
void world_wire_shield(enum world_way way, bool on);

/** Somebody on the cloud's side who has no lwIP: gets whole IP packets to this address, with a right header
 *  checksum. At most WORLD_HOSTS_MAX of them; again: replaces; NULL: nobody is there any more. */
void world_wire_host(uint32_t ip, void (*on_packet)(const uint8_t *packet, uint32_t len));

/** What such a one sends, `extra_ms` later than others do. The header checksum is filled in. */
void world_wire_inject(uint8_t *packet, uint32_t len, uint32_t extra_ms);
/** ... as lwIP would: tricks and duplicates happen to it, too, which they do not to what is injected. */
void world_wire_send(uint8_t *packet, uint32_t len);

/** When the next frame is due, WORLD_NEVER: none is on its way. */
uint64_t world_wire_next(void);
/** All that are due. Returns how many were taken off the wire. */
uint32_t world_wire_deliver(void);
/** Frames on their way. */
uint32_t world_wire_load(void);

#endif

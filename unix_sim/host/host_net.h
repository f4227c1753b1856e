/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_net.h
 * A device's network on a Linux machine: lwIP with one Ethernet interface on a virtual cable, and
 * libslirp at the other end of it. No rights are needed; the machine's own loopback is reached as
 * 10.0.2.2 and fec0::2.
 *
 * One per process, as lwIP is. All functions are for lwIP's context, which is the thread that calls
 * host_turn. Nothing here allocates; libslirp does.
 */
#ifndef HOST_NET_H
#define HOST_NET_H

#include <stdbool.h>
#include <stdint.h>

struct netif;

struct host_options {
    bool dhcp; /* ask slirp's DHCP server, as a real device would; else 10.0.2.15 from the start */
};

/** Start lwIP and plug the cable in; before other files are opened. `options` may be NULL. Once per
 *  process. */
bool host_init(const struct host_options *options);

/** The one interface. */
struct netif *host_netif(void);

/** Pull the cable or plug it in: while it is out, frames are lost in both directions. lwIP is not
 *  told, as by a switch between the device and the fault. */
void host_link(bool up);

/** The address to give to lwIP for a host: the machine's own loopback, by name or address, lies
 *  behind the gateway. Anything else is returned as it is. */
const char *host_reachable(const char *text);

/** Give a name an address, in lwIP's own list of hosts; loopback means the gateway here too. False:
 *  not an address, or the list (MEMP_NUM_LOCALHOSTLIST) is full. */
bool host_name_add(const char *name, const char *address);

/**
 * Let programs of this machine reach a UDP port of the device: what they send to `*host_port` of 127.0.0.1 (where lwIP has no IPv4:
 * of ::1) comes to its `guest_port`, and its answers go back. The device sees all of them at its gateway, 10.0.2.2 (fec0::2), each
 * with the source port that it has on the machine: only ports tell them apart. Lasts as long as the process.
 *
 * host_port  in: the port, or 0 for a free one; out: which it is.
 * Returns    false: it is taken.
 */
bool host_forward_udp(uint16_t *host_port, uint16_t guest_port);

enum host_way {
    HOST_OUT, /* from the device */
    HOST_IN,
};

/** See each frame; false drops it. Asked after the cable, before the DNS server. */
typedef bool (*host_frame_hook)(void *ctx, enum host_way way, const uint8_t *frame, uint32_t len);

/** NULL: no more. */
void host_on_frame(host_frame_hook hook, void *ctx);

/** Put a frame on the cable towards the device. It is lost if HOST_FRAMES_MAX wait. */
void host_frame_deliver(const uint8_t *frame, uint32_t len);

/** For host_loop.c: lets lwIP take at most `max` frames. */
void host_frames_feed(uint32_t max);

/** For host_loop.c: how long poll may wait for the sake of waiting frames. */
uint32_t host_frames_wait_ms(void);

#endif

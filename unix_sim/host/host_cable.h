/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_cable.h
 * The Ethernet cable of an emulated board: a pair of datagram sockets, one frame in each datagram. At our end are
 * libslirp and the DNS server, as behind the simulated device (host_net.h); a process has the one or the other.
 *
 * DHCP gives 10.0.2.15, names are answered at 10.0.2.3, this machine's loopback is 10.0.2.2. Nothing leads further:
 * to the board the whole Internet is this machine, since every name is answered with 10.0.2.2.
 */
#ifndef HOST_CABLE_H
#define HOST_CABLE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

/** One at a time; nobody's hook looks at it yet. `board_end` is for the board; close it once the board has it.
 *  False: errno says why. */
bool host_cable_open(int *board_end);

/** All connections through it end. */
void host_cable_close(void);

/** See each frame, `out` of the board or to it; false loses it. NULL: no more. */
typedef bool (*host_cable_hook)(void *ctx, bool out, const uint8_t *frame, uint32_t len);
void host_cable_on_frame(host_cable_hook hook, void *ctx);

/** Before poll: adds at most `cap` descriptors, returns how many; lowers `*wait_ms`. */
uint32_t host_cable_fill(struct pollfd *fds, uint32_t cap, uint32_t *wait_ms);

/** After poll: works on what is ready. `failed`: poll returned an error. */
void host_cable_polled(bool failed);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_slirp.h
 * The world behind the simulated Ethernet cable: libslirp, a user-mode network that needs no
 * rights. Knows frames and file descriptors, not lwIP: the headers of both do not go together.
 */
#ifndef HOST_SLIRP_H
#define HOST_SLIRP_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

/** A full Ethernet frame, bytes, without checksum. */
#define HOST_FRAME_MAX 1514u

/** A frame for the device. Called from inside host_slirp_input and host_slirp_polled, so: queue it,
 *  do not answer it. */
typedef void (*host_slirp_deliver)(const uint8_t *frame, uint32_t len);

/** One at a time. `mtu` bounds the segments it sends; it does not obey the device's MSS. */
bool host_slirp_open(bool ipv4, bool ipv6, uint32_t mtu, host_slirp_deliver deliver);

/** All connections through it end. */
void host_slirp_close(void);

/** As host_forward_udp; the device is 10.0.2.15, or with `ipv6` fec0::15, which libslirp knows from 4.5 on. */
bool host_slirp_forward_udp(bool ipv6, uint16_t *host_port, uint16_t guest_port);

/** A frame from the device. */
void host_slirp_input(const uint8_t *frame, uint32_t len);

/** Before poll: adds at most `cap` descriptors, returns how many; lowers `*wait_ms`. */
uint32_t host_slirp_fill(struct pollfd *fds, uint32_t cap, uint32_t *wait_ms);

/** After poll: works on what is ready. `failed`: poll returned an error. */
void host_slirp_polled(bool failed);

#endif

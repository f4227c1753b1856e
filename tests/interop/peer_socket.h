/* SPDX-License-Identifier: Apache-2.0 */
/* TCP sockets of the host at peer_loopback, for peers that are written by hand. */
#ifndef PEER_SOCKET_H
#define PEER_SOCKET_H

#include <stdint.h>

/** On `port`, 0 for a free one; `*got` is which. `rcvbuf_bytes` 0 leaves the host's default. Must succeed. */
int peer_socket_listen(uint16_t port, int rcvbuf_bytes, uint16_t *got);

/** To what listens on `port` of this host. -1 when refused. */
int peer_socket_connect(uint16_t port);

#endif

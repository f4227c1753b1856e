/* SPDX-License-Identifier: Apache-2.0 */
/* A socket of the host for datagrams, inside the test program. It lives in host_turn and echoes, unless told not to. */
#ifndef PEER_DATAGRAM_H
#define PEER_DATAGRAM_H

#include "iot/iot_base.h"

#include <sys/socket.h>

struct peer_datagram {
    bool silent; /* hears only */

    int fd;
    uint16_t port;
    uint32_t heard;
    uint32_t len; /* of the last that was heard, which is in `bytes` */
    uint8_t bytes[2048];
    struct sockaddr_storage from;
    socklen_t from_len;
    uint16_t from_port;
};

/** At `address`, 127.0.0.1 or ::1, on `port`, 0 for a free one. False: this host has no such address. */
bool peer_datagram_start(struct peer_datagram *u, const char *address, uint16_t port);
void peer_datagram_stop(struct peer_datagram *u);

/** From now on it speaks to this one, until it hears another. */
void peer_datagram_to(struct peer_datagram *u, const char *address, uint16_t port);

/** To whom it heard last. */
void peer_datagram_say(struct peer_datagram *u, struct iot_bytes bytes);

#endif

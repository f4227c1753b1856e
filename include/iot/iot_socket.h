/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_socket.h
 * A socket that anybody may send to, as a server needs it: each datagram comes with its sender, and is answered to one. UDP
 * of lwIP here (src/net), or one of yours. The sister of iot_dgram.h, which speaks to one peer.
 *
 * It never waits: from anywhere outside of these calls it writes down what happened and calls iot_socket_wake.
 */
#ifndef IOT_SOCKET_H
#define IOT_SOCKET_H

#include "iot/iot_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Somebody's address. Bytes that are not used are 0, so that two are the same if all of their bytes are. */
struct iot_peer {
    uint8_t addr[16]; /* IPv4: the first 4 */
    uint16_t port;
    uint8_t family; /* 4, 6; 0: nobody */
    uint8_t zone;   /* of a link-local address: which interface, as lwIP counts them */
};

/** Where to listen; borrowed until closed. */
struct iot_socket_where {
    uint16_t port; /* of ours; not 0 */
    void *netif;   /* struct netif *, and no other; NULL: all */
    /** Multicast addresses as text, NULL behind the last; NULL: none. Those of IPv4 need LWIP_IGMP, of IPv6 LWIP_IPV6_MLD, and
     *  an interface that says NETIF_FLAG_IGMP, NETIF_FLAG_MLD6; without one named, those that say so and are there now. */
    const char *const *groups;
};

struct iot_socket;

struct iot_socket_ops {
    /** Listen, from now on. IOT_ERR_UDP_MEMORY: no socket of lwIP's is free, or the port is taken; IOT_ERR_UDP_ROUTE: a group
     *  cannot be joined; IOT_ERR_ARG: not an address of a group, or of a family that lwIP is built without. Nothing is open then. */
    iot_err (*open)(struct iot_socket *s, const struct iot_socket_where *where);

    /** The next datagram that came, whole: `*got` is 0..cap with IOT_OK. IOT_ERR_AGAIN: none now. IOT_ERR_SIZE: one was larger
     *  than `cap` and is gone.
     *  to_many  out: it was sent to a group, or broadcast. */
    iot_err (*read)(struct iot_socket *s, uint8_t *into, uint32_t cap, uint32_t *got,
                    struct iot_peer *from, bool *to_many);

    /** Send one, from the address that lwIP chooses for this way; the bytes are copied. IOT_OK: on its way; IOT_ERR_AGAIN: no
     *  memory or no route now, it was not sent; IOT_ERR_SIZE: longer than `room`. */
    iot_err (*write)(struct iot_socket *s, const struct iot_peer *to, struct iot_bytes bytes);

    /** Largest datagram that may go there, bytes. */
    uint32_t (*room)(const struct iot_socket *s, const struct iot_peer *to);

    /** At once; what waited is gone. Also of one that is not open. */
    void (*close)(struct iot_socket *s);

    /** The foreign number behind the last error (lwIP's err_t), or 0. */
    int32_t (*detail)(const struct iot_socket *s);

    /** Datagrams that came and had no place to wait, since init. */
    uint32_t (*dropped)(const struct iot_socket *s);
};

struct iot_socket {
    const struct iot_socket_ops *ops;
    bool *wake; /* set by the owner; true opens the gate of the next tick */
};

/** Something came: let the next iot_poll look. */
static inline void iot_socket_wake(struct iot_socket *s)
{
    if (s->wake != NULL)
        *s->wake = true;
}

#ifdef __cplusplus
}
#endif
#endif

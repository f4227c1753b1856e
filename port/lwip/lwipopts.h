/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file lwipopts.h
 * lwIP's options for a device with lwlink: NO_SYS, raw callbacks, fixed pools, no libc heap.
 *
 * Every value can be changed on the compiler's command line (-DTCP_MSS=536); a relation that must
 * hold is checked at the end. With the values below lwIP takes 19.5 KB of RAM and 52 KB of flash at
 * most (Cortex-M3, -Os; the linker drops what nobody calls); the floor that still works is TCP_MSS
 * 536, TCP_WND 2 x MSS, PBUF_POOL_SIZE 4 with IOT_RX_PBUFS_MAX 2, MEM_SIZE 2048: some 8 KB of RAM.
 * LWIP_NETIF_TX_SINGLE_PBUF takes a whole MSS of MEM_SIZE for each segment, however small: with it
 * calculate TCP_SND_QUEUELEN x (TCP_MSS + 112). "Bytes each" below is for a 32-bit machine.
 */
#ifndef LWLINK_LWIPOPTS_H
#define LWLINK_LWIPOPTS_H

#include <stdint.h> /* UINTPTR_MAX below; lwIP reads this file before any other */

/* ---- Without an operating system ----------------------------------------------------------- */

/* 1: superloop. 0 needs a sys_arch port and LWIP_TCPIP_CORE_LOCKING; lwlink then runs in the
 * tcpip thread or under the core lock. */
#ifndef NO_SYS
#define NO_SYS 1
#endif

/* 1: the Ethernet interrupt allocates pbufs, and the port defines sys_arch_protect. 0: the driver
 * only marks and everything happens in the loop. */
#ifndef SYS_LIGHTWEIGHT_PROT
#define SYS_LIGHTWEIGHT_PROT (!NO_SYS)
#endif

/* Neither sockets nor netconn: they need threads. */
#ifndef LWIP_NETCONN
#define LWIP_NETCONN 0
#endif
#ifndef LWIP_SOCKET
#define LWIP_SOCKET 0
#endif

/* ---- Which protocols ----------------------------------------------------------------------- */

#ifndef LWIP_IPV4
#define LWIP_IPV4 1
#endif

/* With neighbour discovery and address autoconfiguration: 18 KB of flash, 1.7 KB of RAM. */
#ifndef LWIP_IPV6
#define LWIP_IPV6 1
#endif

#ifndef LWIP_TCP
#define LWIP_TCP 1
#endif
/* DHCP, DNS and CoAP. */
#ifndef LWIP_UDP
#define LWIP_UDP 1
#endif
#ifndef LWIP_RAW
#define LWIP_RAW 0
#endif

#ifndef LWIP_DHCP
#define LWIP_DHCP LWIP_IPV4
#endif

/* Sockets of a CoAP server (iot_coap_server.h) that listen at a time: UDP, DTLS. Each takes a pcb, and of the pool of frames
 * IOT_SOCKET_PBUFS, so that nothing that the local network sends takes what TCP needs. */
#ifndef IOT_LWIP_SOCKETS
#define IOT_LWIP_SOCKETS 0
#endif
#ifndef IOT_LWIP_SOCKET_PBUFS
#define IOT_LWIP_SOCKET_PBUFS (4 * IOT_LWIP_SOCKETS) /* IOT_SOCKET_PBUFS is 4 */
#endif

/* Groups of IPv4 that a server listens to (iot_socket_where.groups); the interface needs NETIF_FLAG_IGMP as well. 1.5 KB of flash, 150
 * bytes of RAM, and a timer of 100 ms that never ends, as neighbour discovery of IPv6 has one. Those of IPv6 (LWIP_IPV6_MLD) come
 * with it. */
#ifndef LWIP_IGMP
#define LWIP_IGMP (LWIP_IPV4 && IOT_LWIP_SOCKETS)
#endif

/* 1: a DHCP address is probed by ARP before use; adds some seconds to each start. */
#ifndef LWIP_DHCP_DOES_ACD_CHECK
#define LWIP_DHCP_DOES_ACD_CHECK 0
#endif
#ifndef DHCP_DOES_ARP_CHECK
#define DHCP_DOES_ARP_CHECK LWIP_DHCP_DOES_ACD_CHECK /* its name in lwIP 2.1 */
#endif

/* Names of brokers. */
#ifndef LWIP_DNS
#define LWIP_DNS 1
#endif

/* Fragmented datagrams: neither TCP nor CoAP sends or needs them, as both keep to the MTU. The two for IPv4 cost 2 KB of
 * flash, 0.6 KB of RAM and, while a datagram is collected, pbufs of the pool. */
#ifndef IP_REASSEMBLY
#define IP_REASSEMBLY 0
#endif
#ifndef IP_FRAG
#define IP_FRAG 0
#endif
#ifndef LWIP_IPV6_REASS
#define LWIP_IPV6_REASS 0
#endif
#ifndef LWIP_IPV6_FRAG
#define LWIP_IPV6_FRAG 0
#endif

/* ---- Memory -------------------------------------------------------------------------------- */

/* lwIP's own heap and pools; no call to malloc. */
#ifndef MEM_LIBC_MALLOC
#define MEM_LIBC_MALLOC 0
#endif
#ifndef MEMP_MEM_MALLOC
#define MEMP_MEM_MALLOC 0
#endif

/* Bytes. The machine's strictest alignment (8 for 64-bit machines). */
#ifndef MEM_ALIGNMENT
#if UINTPTR_MAX > 0xffffffffu
#define MEM_ALIGNMENT 8
#else
#define MEM_ALIGNMENT 4
#endif
#endif

/* Bytes of lwIP's heap. Copies of what is sent live here until acknowledged, so: TCP_SND_BUF for
 * each connection that sends at the same time. A download needs 300 bytes; a datagram of CoAP its length and some 80 until
 * the driver, or who waits for an answer of ARP, has it no longer. */
#ifndef MEM_SIZE
#define MEM_SIZE (2 * TCP_SND_BUF + 160)
#endif

/* Received frames. Packets that wait out of order, ARP and DHCP live here too, hence two more than
 * the TCP window fills. Datagrams that a CoAP client has not read yet are here until its next tick, at most
 * IOT_RX_PBUFS_MAX: where many come at once, add so many. PBUF_POOL_BUFSIZE bytes each (about TCP_MSS + 60). */
#ifndef PBUF_POOL_SIZE
#define PBUF_POOL_SIZE (TCP_WND / TCP_MSS + 2 + IOT_LWIP_SOCKET_PBUFS)
#endif

/* Descriptors for bytes sent without a copy, 16 bytes each; one per segment in flight. */
#ifndef MEMP_NUM_PBUF
#define MEMP_NUM_PBUF 16
#endif

/* Connections, 204 bytes each. One more than are used at once: a closed one stays for
 * 2 x TCP_MSL in TIME-WAIT, and when none is free lwIP ends the oldest of those. */
#ifndef MEMP_NUM_TCP_PCB
#define MEMP_NUM_TCP_PCB 4
#endif
#ifndef MEMP_NUM_TCP_PCB_LISTEN
#define MEMP_NUM_TCP_PCB_LISTEN 1
#endif

/* Segments queued or in flight, all connections together, 16 bytes each. */
#ifndef MEMP_NUM_TCP_SEG
#define MEMP_NUM_TCP_SEG (2 * TCP_SND_QUEUELEN)
#endif

/* 80 bytes each. DNS takes one per request in flight, DHCP one; two are left, of which each connected CoAP client takes
 * one; a server's sockets come on top. */
#ifndef MEMP_NUM_UDP_PCB
#define MEMP_NUM_UDP_PCB (DNS_TABLE_SIZE + LWIP_DHCP + 2 + IOT_LWIP_SOCKETS)
#endif

/* Groups of IPv6, 32 bytes each: one per address of ours, for neighbour discovery; and two that a server joins. */
#ifndef MEMP_NUM_MLD6_GROUP
#define MEMP_NUM_MLD6_GROUP (4 + 2 * (IOT_LWIP_SOCKETS > 0))
#endif

/* Timers, 16 bytes each: what lwIP's own modules need, and two for the application. */
#ifndef MEMP_NUM_SYS_TIMEOUT
#define MEMP_NUM_SYS_TIMEOUT (LWIP_NUM_SYS_TIMEOUT_INTERNAL + 2)
#endif

/* ---- TCP ----------------------------------------------------------------------------------- */

/* Largest segment, bytes. 1460 is a full Ethernet frame. */
#ifndef TCP_MSS
#define TCP_MSS 1460
#endif

/* Bytes a peer may send before we have eaten them. Throughput is this over the round-trip time. */
#ifndef TCP_WND
#define TCP_WND (4 * TCP_MSS)
#endif

/* Bytes one connection may have unacknowledged. lwIP wants two segments at least. */
#ifndef TCP_SND_BUF
#define TCP_SND_BUF (2 * TCP_MSS)
#endif

/* Segments one connection may have unacknowledged. */
#ifndef TCP_SND_QUEUELEN
#define TCP_SND_QUEUELEN ((4 * TCP_SND_BUF) / TCP_MSS)
#endif

/* 1: segments behind a lost one are kept. Bounded, because they come out of the pool that the lost
 * one needs as well. */
#ifndef TCP_QUEUE_OOSEQ
#define TCP_QUEUE_OOSEQ 1
#endif
#ifndef TCP_OOSEQ_MAX_PBUFS
#define TCP_OOSEQ_MAX_PBUFS (PBUF_POOL_SIZE - 2 - IOT_LWIP_SOCKET_PBUFS)
#endif

/* Probes per connection: they watch a link whose MQTT keep-alive is off. */
#ifndef LWIP_TCP_KEEPALIVE
#define LWIP_TCP_KEEPALIVE 1
#endif

/* ---- DNS ----------------------------------------------------------------------------------- */

/* Names remembered or asked at once. Each costs DNS_MAX_NAME_LENGTH and 52 bytes; a request cannot
 * be cancelled, so one that nobody waits for any more holds its entry until lwIP gives up. */
#ifndef DNS_TABLE_SIZE
#define DNS_TABLE_SIZE 4
#endif

/* Bytes with the NUL; a longer host name cannot be resolved. */
#ifndef DNS_MAX_NAME_LENGTH
#define DNS_MAX_NAME_LENGTH 128
#endif

/* 1: names can be given an address by dns_local_addhost; used by the simulation on the host. */
#ifndef DNS_LOCAL_HOSTLIST
#define DNS_LOCAL_HOSTLIST 0
#endif
#if DNS_LOCAL_HOSTLIST
#ifndef DNS_LOCAL_HOSTLIST_IS_DYNAMIC
#define DNS_LOCAL_HOSTLIST_IS_DYNAMIC 1
#endif
#ifndef MEMP_NUM_LOCALHOSTLIST
#define MEMP_NUM_LOCALHOSTLIST 24
#endif
#endif

/* ---- Network interface --------------------------------------------------------------------- */

/* The name sent with DHCP; shown in many a router's list. */
#ifndef LWIP_NETIF_HOSTNAME
#define LWIP_NETIF_HOSTNAME 1
#endif
#ifndef LWIP_NETIF_STATUS_CALLBACK
#define LWIP_NETIF_STATUS_CALLBACK 1
#endif
#ifndef LWIP_NETIF_LINK_CALLBACK
#define LWIP_NETIF_LINK_CALLBACK 1
#endif

/* Frames that wait for an ARP answer per address: the newest only, in one pointer. TCP and CoAP send again what was lost
 * by it. */
#ifndef ARP_QUEUEING
#define ARP_QUEUEING 0
#endif
#ifndef ARP_TABLE_SIZE
#define ARP_TABLE_SIZE 6
#endif

/* IPv6 neighbours and routes, for a device that talks to a gateway and a few servers. Bytes each:
 * 8 per waiting frame, 44 per neighbour, 48 per destination. */
#ifndef MEMP_NUM_ND6_QUEUE
#define MEMP_NUM_ND6_QUEUE 4
#endif
#ifndef LWIP_ND6_NUM_NEIGHBORS
#define LWIP_ND6_NUM_NEIGHBORS 5
#endif
#ifndef LWIP_ND6_NUM_DESTINATIONS
#define LWIP_ND6_NUM_DESTINATIONS 5
#endif
#ifndef LWIP_ND6_NUM_PREFIXES
#define LWIP_ND6_NUM_PREFIXES 2
#endif
#ifndef LWIP_ND6_NUM_ROUTERS
#define LWIP_ND6_NUM_ROUTERS 2
#endif

/* ---- Chance -------------------------------------------------------------------------------- */

/* DNS ids and ports, first local port of TCP, those of CoAP, DHCP ids: from the port's random source (arch/cc.h). */
#ifndef LWIP_RAND
#define LWIP_RAND() iot_lwip_rand()
#endif

/* First sequence numbers. lwIP's own start at the same value after each reset: a rebooted device
 * would meet its old connection, and anybody could guess them. See iot_lwip_hooks.h. */
#ifndef LWIP_HOOK_FILENAME
#define LWIP_HOOK_FILENAME "iot_lwip_hooks.h"
#endif
#ifndef LWIP_HOOK_TCP_ISN
#define LWIP_HOOK_TCP_ISN iot_lwip_tcp_isn
#endif

/* ---- Looking inside ------------------------------------------------------------------------ */

/* 1: counters in lwip_stats, 400 bytes of RAM and 2 KB of flash. */
#ifndef LWIP_STATS
#define LWIP_STATS 0
#endif

/* lwIP's own assertions are on; they end in iot_assert_failed. Good while you develop. For a product define LWIP_NOASSERT
 * (no value): it saves 5 KB of flash, and lwIP 2.2.1 has two that a bad network alone can reach, and behind which it
 * goes on well: tcp.c, "persist ticking with in-flight data", and tcp_in.c, "ooseq tcplen > rcv_wnd". */

/* ---- Relations ----------------------------------------------------------------------------- */

#if MEM_LIBC_MALLOC || MEMP_MEM_MALLOC
#error "lwlink promises no heap: leave MEM_LIBC_MALLOC and MEMP_MEM_MALLOC at 0"
#endif
#if !LWIP_IPV4 && !LWIP_IPV6
#error "LWIP_IPV4, LWIP_IPV6: one of them must be 1"
#endif
#if !LWIP_TCP
#error "LWIP_TCP must be 1: MQTT runs on it"
#endif
#if TCP_WND < 2 * TCP_MSS
#error "TCP_WND: two segments at least, or each waits for the peer's delayed acknowledgement"
#endif
#if PBUF_POOL_SIZE < TCP_WND / TCP_MSS + 1 + IOT_LWIP_SOCKET_PBUFS
#error                                                                                             \
    "PBUF_POOL_SIZE: choose TCP_WND / TCP_MSS + 2 + IOT_LWIP_SOCKET_PBUFS, or a full window leaves no room for ARP"
#endif
#if MEM_SIZE < TCP_SND_BUF
#error "MEM_SIZE: TCP_SND_BUF at least, copies of what is sent live there"
#endif

#endif

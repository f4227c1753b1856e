/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_lwip_hooks.h
 * Functions that lwIP calls by LWIP_HOOK_... (LWIP_HOOK_FILENAME names this file).
 */
#ifndef IOT_LWIP_HOOKS_H
#define IOT_LWIP_HOOKS_H

#include "lwip/arch.h"
#include "lwip/ip_addr.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * First sequence number of a connection, as RFC 6528 wants it: a clock plus a keyed hash of the two
 * ends. Nobody can guess it, and a connection between the same ports starts above the one before.
 *
 * The key is drawn by iot_lwip_rand at the first call and lives in a static of iot_lwip_hooks.c.
 */
u32_t iot_lwip_tcp_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
                       u16_t remote_port);

#ifdef __cplusplus
}
#endif
#endif

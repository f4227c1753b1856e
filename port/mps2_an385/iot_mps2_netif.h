/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_mps2_netif.h
 * lwIP's network interface on the board's Ethernet controller, an SMSC LAN9118. Polled: the interrupt only ends
 * the processor's sleep.
 */
#ifndef IOT_MPS2_NETIF_H
#define IOT_MPS2_NETIF_H

#include "lwip/netif.h"

#ifdef __cplusplus
extern "C" {
#endif

/** For netif_add, with ethernet_input as its input. Returns ERR_OK; ERR_IF: no such controller, or it does not answer. */
err_t iot_mps2_netif_init(struct netif *netif);

/** Take what has arrived and see to the cable; from the loop, in lwIP's context. At most `max` frames; returns how many
 *  it was, so if it is `max` come again before you sleep. */
uint32_t iot_mps2_netif_poll(struct netif *netif, uint32_t max);

/** Interrupt handler, for the vector table. */
void iot_mps2_netif_on_interrupt(void);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* lwIP on the board's Ethernet, with an address from DHCP. The product is told when there is one. */
#ifndef NETWORK_H
#define NETWORK_H

#include <stdbool.h>
#include <stdint.h>

/* Once. False: it cannot work; the reason was said. */
bool network_start(void);

/* Take at most `max` frames. Returns how many it was. */
uint32_t network_poll(uint32_t max);

#endif

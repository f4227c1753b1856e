/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The product: a device that sends a reading each second and switches a lamp when it is told to. All that it knows of
 * the board is its port, its log and its lamp.
 */
#ifndef PRODUCT_H
#define PRODUCT_H

#include "iot/iot.h"

extern struct iot_device product;

/* Read who we are. False: it cannot work; the reason was said. */
bool product_start(void);

/* Take a reading if it is time. Returns ms until the next one. */
uint32_t product_tick(uint32_t now_ms);

/* The network interface has an address, or has none. The first address begins the connection. */
void product_network(bool up);

/* Somebody asked for a restart, and all is said that had to be. */
bool product_over(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_serial.h
 * Who a test message is: 16 hex digits at the start of its payload, of which 4 are the sender (0: the
 * broker's side, else the device's number + 1), 4 the sender's boot, 8 a number that counts up from 1
 * per sender and boot. As one 64-bit word it is called a serial; 0 is none.
 */
#ifndef WORLD_SERIAL_H
#define WORLD_SERIAL_H

#include "iot/iot_base.h"

#define WORLD_SERIAL_BYTES 16u

static inline uint64_t world_serial(uint16_t sender, uint16_t boot, uint32_t number)
{
    return (uint64_t)sender << 48 | (uint64_t)boot << 32 | number;
}

void world_serial_encode(uint64_t serial, uint8_t into[WORLD_SERIAL_BYTES]);

/** 0: the payload does not begin with one. */
uint64_t world_serial_decode(struct iot_bytes payload);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_serial.h"

void world_serial_encode(uint64_t serial, uint8_t into[WORLD_SERIAL_BYTES])
{
    for (uint32_t i = 0; i < WORLD_SERIAL_BYTES; i++)
        into[i] = (uint8_t) "0123456789abcdef"[serial >> (60 - 4 * i) & 15];
}

uint64_t world_serial_decode(struct iot_bytes payload)
{
    uint64_t serial = 0;
    if (payload.len < WORLD_SERIAL_BYTES)
        return 0;
    for (uint32_t i = 0; i < WORLD_SERIAL_BYTES; i++) {
        uint8_t c = payload.ptr[i];
        if (c >= '0' && c <= '9')
            serial = serial << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            serial = serial << 4 | (uint64_t)(c - 'a' + 10);
        else
            return 0;
    }
    return serial;
}

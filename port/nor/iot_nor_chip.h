/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of a struct iot_nor, as iot_nor_kv and iot_nor_slot ask them. Each answers IOT_OK, IOT_ERR_AGAIN or
 * IOT_ERR_KV, whatever the board says. */
#ifndef IOT_NOR_CHIP_H
#define IOT_NOR_CHIP_H

#include "iot_nor.h"

#define IOT_NOR_CHUNK 64u /* one program: a multiple of every write_bytes, twice on the stack */

iot_err iot_nor_chip_erase(const struct iot_nor *nor, uint32_t offset);
iot_err iot_nor_chip_read(const struct iot_nor *nor, uint32_t offset, void *into, uint32_t n);

/** Program at most IOT_NOR_CHUNK bytes and compare. IOT_ERR_KV: it is not what was programmed. */
iot_err iot_nor_chip_put(const struct iot_nor *nor, uint32_t offset, const uint8_t *bytes,
                         uint32_t n);

#endif

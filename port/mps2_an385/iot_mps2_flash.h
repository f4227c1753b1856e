/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_mps2_flash.h
 * The board's flash, and what lies where in it. The emulated board has RAM there, which a file can back; it is treated as
 * the NOR flash that a product has.
 */
#ifndef IOT_MPS2_FLASH_H
#define IOT_MPS2_FLASH_H

/** Bytes: all of it, what is erased at once, what is programmed at once. */
#define MPS2_FLASH_BYTES  0x1000000u
#define MPS2_SECTOR_BYTES 4096u
#define MPS2_WRITE_BYTES  4u

/** Keys and values (iot_nor_kv.h); the journal of the slots is among them. */
#define MPS2_KV_OFFSET  0u
#define MPS2_KV_SECTORS 4u

/** Two images of the firmware (iot_nor_slot.h), bytes each. */
#define MPS2_SLOT_A_OFFSET 0x100000u
#define MPS2_SLOT_B_OFFSET 0x200000u
#define MPS2_SLOT_BYTES    0x100000u

/** Where the bootloader copies the image that it starts, from either slot: so one file of an image fits both. In front of it is
 *  the bootloader itself. */
#define MPS2_RUN_AT    0x10000u
#define MPS2_RUN_BYTES 0x40000u

#endif

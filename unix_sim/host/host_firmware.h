/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_firmware.h
 * Images of firmware in the flash of a board that is off (host_flash.h): as a factory leaves them, or as an update would. The
 * bootloader in examples/firmware_boot starts them.
 */
#ifndef HOST_FIRMWARE_H
#define HOST_FIRMWARE_H

#include "host/host_flash.h"

#include "iot/iot_base.h"

/** The device's first image, in slot A. False: `why` of `f` says why. */
bool host_firmware_factory(struct host_flash *f, struct iot_bytes image, const char *version);

/** An image that was fetched into the spare slot and accepted: the next boot tries it. signature: over its SHA-256, DER;
 *  empty: none. (The factory's is the value sig-a of the flash.) */
bool host_firmware_update(struct host_flash *f, struct iot_bytes image, const char *version,
                          struct iot_bytes signature);

/** Both from a file, as `make firmware` makes them: build/firmware/BOARD/NAME-VERSION.bin. */
bool host_firmware_factory_file(struct host_flash *f, const char *path, const char *version);
bool host_firmware_update_file(struct host_flash *f, const char *path, const char *version,
                               struct iot_bytes signature);

#endif

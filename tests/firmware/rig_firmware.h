/* SPDX-License-Identifier: Apache-2.0 */
/* A board behind its bootloader: images as `make firmware` makes them, who signs them, and the platform's updates. Stands on
 * rig_cloud.h. */
#ifndef RIG_FIRMWARE_H
#define RIG_FIRMWARE_H

#include "iot/iot_base.h"

#define RIG_OLD "firmware: 1.0.0 in slot A"
#define RIG_NEW "firmware: 2.0.0 in slot B"

/** build/firmware/an385/firmware_superloop-VERSION.bin. Valid until the next call. */
const char *rig_firmware_path(const char *version);

/** The flash as a factory leaves it: an identity, and 1.0.0 in slot A. */
void rig_firmware_make(void);

/** Through the bootloader. */
void rig_firmware_on(void);

/** From now on: the programs in build/firmware/BUILD; at first "an385". */
void rig_firmware_use(const char *build);

/** The next line that begins as this one up to its colon: it has to be this one. */
void rig_await_exactly(const char *line);

/** Make a key, and a folder for it; teardown. */
void rig_signer_begin(void);
void rig_signer_end(void);

/** Its public point, as fw-key wants it; its signature of an image, DER, and as the platform tells it, in Base64. Valid
 *  until the second call after. */
struct iot_bytes rig_signer_point(void);
struct iot_bytes rig_signer_sign(const char *image);
const char *rig_signer_base64(const char *image);

/**
 * Publish an image's file for the board at the platform.
 *
 * words  more of the command `ota publish`, each with a blank before it; "".
 */
void rig_publish(const char *image, const char *version, const char *words);

/** Await what becomes of the board's update to 2.0.0 with this number: "succeeded", "failed". */
void rig_await_update(uint32_t id, const char *state);

/** What the platform knows of the board's updates has these words. */
void rig_expect_update(const char *words);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file updater_factory.h
 * What is there before build/updater begins: a new device's flash, and a firmware to update it with.
 */
#ifndef UPDATER_FACTORY_H
#define UPDATER_FACTORY_H

#include <stdbool.h>
#include <stdint.h>

/** Version of a new device. */
#define UPDATER_OLD "1.0.0"

/** The flash of a new device as a file: its firmware in slot A, all else erased. Once per process. False: said why. */
bool updater_make_flash(const char *path);

/** A firmware of so many bytes. False: said why. */
bool updater_make_image(const char *path, uint32_t bytes);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_flash.h
 * The flash of a board as a file, written as a factory would: erased, then values under keys, through the same
 * port/nor that the firmware reads them with. The map is port/mps2_an385/iot_mps2_flash.h.
 *
 * Keys that examples/firmware_superloop reads: see there.
 */
#ifndef HOST_FLASH_H
#define HOST_FLASH_H

#include "nor/iot_nor_kv.h"

#include <stdbool.h>
#include <stdint.h>

/** Longest value that is read here from a file. */
#define HOST_FLASH_VALUE_MAX 4096u

/* An open file. */
struct host_flash {
    int fd; /* -1: closed */
    struct iot_nor nor;
    struct iot_nor_kv kv;
    char why[256]; /* after a failure: in words */
};

/** Make the file, or make it anew: all of it erased. False: `why` of `f` says why. */
bool host_flash_make(struct host_flash *f, const char *path);

/** Open one that was made before; not while a board runs on it. */
bool host_flash_open(struct host_flash *f, const char *path);

/** Harmless if it is not open. */
void host_flash_close(struct host_flash *f);

bool host_flash_set(struct host_flash *f, const char *key, const void *bytes, uint32_t len);

/** The same for a text, without its NUL, and for what is in a file. */
bool host_flash_set_text(struct host_flash *f, const char *key, const char *text);
bool host_flash_set_file(struct host_flash *f, const char *key, const char *path);

/** It need not be there. */
bool host_flash_del(struct host_flash *f, const char *key);

/** The value as a text, NUL at the end. False: there is none, or it has no room. */
bool host_flash_get(struct host_flash *f, const char *key, char *text, uint32_t cap);

#endif

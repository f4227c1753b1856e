/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_pem.h
 * Certificates and keys from files of people: PEM or DER, as DER in memory.
 */
#ifndef HOST_PEM_H
#define HOST_PEM_H

#include "iot/iot_base.h"

#include <stdbool.h>

#define HOST_PEM_ITEMS_MAX 8
#define HOST_PEM_BYTES_MAX 32768u

struct host_pem {
    struct iot_bytes items[HOST_PEM_ITEMS_MAX]; /* into `bytes`, in the file's order */
    uint8_t count;
    uint8_t bytes[HOST_PEM_BYTES_MAX];
};

/** Read a file. False: cannot be read, holds nothing, too much, or something damaged; `why` says so in
 *  words and may be NULL. */
bool host_pem_read(struct host_pem *pem, const char *path, char why[128]);

#endif

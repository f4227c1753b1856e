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

/** What is taken from a PEM file, whatever else it holds. A DER file is taken as it is. */
enum host_pem_kind {
    HOST_PEM_CERTIFICATES,
    HOST_PEM_KEY, /* not encrypted */
};

/** Read a file. False: cannot be read, holds none of that kind, too many, or something damaged; `why` says
 *  so in words and may be NULL. */
bool host_pem_read(struct host_pem *pem, const char *path, enum host_pem_kind kind, char why[128]);

#endif

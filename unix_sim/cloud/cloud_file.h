/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_file.h
 * The remote configuration of a product (protocol 4.14): a JSON text, told to devices as where it lies (cloud_store.h) and what
 * its digest is.
 */
#ifndef CLOUD_FILE_H
#define CLOUD_FILE_H

#include "cloud/cloud_alink.h"

#define CLOUD_FILE_MAX      (64u * 1024u)
#define CLOUD_FILE_EXPIRE_S 3600

void cloud_file_free(struct cloud_file *f);

/** Another text for a product; NULL: none any more. CLOUD_SHA256 or CLOUD_MD5. False: `why`. */
bool cloud_file_set(struct cloud *c, int product, const char *text, enum cloud_hash method,
                    const char **why);

/** The text, and which one it is ("cfg0001"); NULL: none. */
const char *cloud_file_text(const struct cloud *c, int product, const char **id);

/** What a device is told of it; NULL: there is none. */
json_t *cloud_file_describe(struct cloud *c, int product, uint64_t now_ms);

/* Server of cloud_alink.c: 6710 when there is none, 6713 with the option `config off`, 460 for other params than those
 * of the reference. */
void cloud_file_get(struct cloud_request *r);

#endif

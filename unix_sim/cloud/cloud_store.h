/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_store.h
 * The files that the platform gives away by HTTP: firmware below /fw/, which somebody publishes, and the products'
 * configurations below /cfg/. Who has an address may have the file, until the address expires: it is signed, as those of
 * the platform's object store are,
 *
 *     https://ota.example.com:PORT/fw/NAME?Expires=1700003600&Signature=...
 *
 * and the signature, Base64 in a URL, has to come back as it was given.
 *
 * The core keeps of a published file its name, length and digests; the bytes stay where the front has them, under the
 * name CLOUD_STORE_HEAD NAME.
 */
#ifndef CLOUD_STORE_H
#define CLOUD_STORE_H

#include "cloud/cloud_json.h"
#include "cloud/cloud_out.h"

#define CLOUD_STORE_HEAD      "fw."
#define CLOUD_STORE_BYTES_MAX (64u * 1024u * 1024u)
#define CLOUD_URL_MAX         400 /* of an address that is given out */

/** The file of that name, as it lies there now: its length and digests, from now on. False: `why` says why not. */
bool cloud_store_publish(struct cloud *c, const char *name, char *why, size_t cap);

/** A published file; NULL: there is none of that name. */
const struct cloud_stored *cloud_store_find(const struct cloud *c, const char *name);

/**
 * The address of a path, as "/fw/app-2.0.0.bin".
 *
 * plain   http:// instead of https://
 * life_s  for so long; 0: as the option http-expire-s says
 */
void cloud_store_url(struct cloud *c, const char *path, bool plain, uint32_t life_s,
                     uint64_t now_ms, char url[CLOUD_URL_MAX]);

/** Is a path's query what was given out for it? NULL, or what is wrong. */
const char *cloud_store_wrong(struct cloud *c, const char *path, const char *query,
                              uint64_t now_ms);

/** What a device, or who made the file, is told of it: name, size, md5, sha256, url, plainUrl. */
json_t *cloud_store_describe(struct cloud *c, const struct cloud_stored *f, uint32_t life_s,
                             uint64_t now_ms);

struct cloud_order;

/* The command `file`. */
void cloud_store_command(struct cloud_order *o);

#endif

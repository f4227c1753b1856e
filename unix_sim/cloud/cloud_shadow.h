/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_shadow.h
 * The shadow of a device (protocol 5): a document with reported and desired attributes, a version, and the second of
 * each change. Requests are answered on /shadow/get/{pk}/{dn}, with their clientToken if they have one.
 *
 * Versions: an update or delete has to have a greater one than the document, which then has that; -1 starts anew from 0.
 * One that is missing is 403. What is not in table 5.5: `state` or `reported` of another type counts as missing, attributes
 * that are null or "null" in an update are deleted, a delete of what is not there is no fault, a delete or
 * get without a document is 407. A desired value of the console makes the version one more and is
 * pushed to a device that is online.
 */
#ifndef CLOUD_SHADOW_H
#define CLOUD_SHADOW_H

#include "cloud/cloud_json.h"
#include "cloud/cloud_out.h"

#define CLOUD_SHADOW_ATTRIBUTES_MAX 128
#define CLOUD_SHADOW_BYTES_MAX      (64u * 1024u) /* of a message; a longer one is 500 */
#define CLOUD_TOKEN_MAX             128

/** A message on /shadow/update/{pk}/{dn}. */
void cloud_shadow_take(struct cloud *c, int device, const void *payload, size_t len,
                       uint64_t now_ms);

/** The console changes desired attributes; null deletes one, NULL all. Returns false: more than
 *  CLOUD_SHADOW_ATTRIBUTES_MAX. */
bool cloud_shadow_desire(struct cloud *c, int device, json_t *desired, uint64_t now_ms);

#endif

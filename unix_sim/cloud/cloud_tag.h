/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_tag.h
 * Tags of a device (protocol 4.11): at most CLOUD_TAGS_MAX; a key has 2..32 letters, digits and _, and no digit first; a
 * value is a text of 1..CLOUD_TAG_VALUE_MAX bytes; `domain` may be there, a text. Else 460, and nothing is changed.
 * Deleting what is not there is no fault.
 */
#ifndef CLOUD_TAG_H
#define CLOUD_TAG_H

#include "cloud/cloud_alink.h"

#define CLOUD_TAG_KEY_MAX   32
#define CLOUD_TAG_VALUE_MAX 4096

/* Servers of cloud_alink.c. */
void cloud_tag_update(struct cloud_request *r);
void cloud_tag_delete(struct cloud_request *r);

#endif

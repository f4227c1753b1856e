/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file front_ota.h
 * Images as files of this machine, for a front with OpenSSL: they are given away by HTTP as copies in its folder
 * (cloud_store.h).
 */
#ifndef FRONT_OTA_H
#define FRONT_OTA_H

#include "cloud/cloud_ota.h"

/**
 * Let a cloud publish images. Names are paths, as this process sees them.
 *
 * dir  where a front of HTTP finds published files. Borrowed as the cloud.
 */
void front_ota_begin(struct cloud *c, const char *dir);

#endif

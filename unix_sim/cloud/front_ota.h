/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file front_ota.h
 * Images as files of this machine, for a front with OpenSSL.
 */
#ifndef FRONT_OTA_H
#define FRONT_OTA_H

#include "cloud/cloud_ota.h"

/** Names are paths, as this process sees them. Nobody gives them away by HTTP. */
extern const struct cloud_ota_hooks front_ota_hooks;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_ota.h
 * Firmware update: an image arrives whole or not at all.
 */
#ifndef IOT_OTA_H
#define IOT_OTA_H

#include "iot/iot_http.h"
#include "iot/iot_slot.h"

#ifdef __cplusplus
extern "C" {
#endif

#if IOT_FEATURE_OTA

/** Longest name of a module, bytes: letters, digits, '.', '-', '_'. The device itself is "default" or "". */
#define IOT_MODULE_MAX 63

/** Longest signature: ECDSA P-256 in DER. */
#define IOT_OTA_SIGNATURE_MAX 72

enum iot_ota_digest { IOT_OTA_SHA256, IOT_OTA_MD5 };

/** One image that is offered. A value: nothing in it points elsewhere but `ext`. */
struct iot_ota_job {
    uint32_t size; /* bytes, 1 and more */
    enum iot_ota_digest digest_kind;
    uint8_t digest[32];                       /* of the whole image; the first 16 with MD5 */
    uint8_t signature_bytes;                  /* 0: unsigned */
    uint8_t signature[IOT_OTA_SIGNATURE_MAX]; /* ECDSA P-256 over the digest, DER */
    bool is_diff;                             /* a differential image: handed on, not applied */
    bool by_mqtt;                             /* comes in thing/file/download, not from `url` */
    uint32_t stream_id, file_id;              /* with by_mqtt */
    char version[IOT_SLOT_VERSION_MAX + 1];   /* of the image */
    char module[IOT_MODULE_MAX + 1];          /* "": the device itself */
    char url[IOT_HTTP_URL_MAX + 1];           /* "" with by_mqtt */
    struct iot_bytes
        ext; /* data.extData, JSON as it came; valid while the event that shows it lasts */
};

#endif

#ifdef __cplusplus
}
#endif
#endif

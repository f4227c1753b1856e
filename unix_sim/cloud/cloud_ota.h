/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_ota.h
 * Updates (protocol 6): which versions devices run, which images are published for them, who was told and how far they
 * are. A device is told when an image is published, and whenever it reports a version that is not the image's; it may also
 * ask, in both ways. The task of a device has succeeded when it reports the image's version, and failed at its first step
 * below 0; either way it is not told again. What is published for the same module later takes the place of what is under way.
 *
 * How strictly: `id` is decimal text or a whole number; params an object; version a text of 1 to 64 bytes; module a text of
 * 1 to 64 letters, digits and .-_; step a whole number, or its text, -4 to 100; desc a text. What is wrong is dropped, and
 * the log says why, as the platform answers none of these. The newer question and the download have Alink's envelope.
 */
#ifndef CLOUD_OTA_H
#define CLOUD_OTA_H

#include "cloud/cloud_alink.h"

#define CLOUD_OTA_JOBS_MAX    32
#define CLOUD_OTA_HISTORY_MAX 256
#define CLOUD_OTA_VERSION_MAX 64
#define CLOUD_OTA_MODULE_MAX  64
#define CLOUD_OTA_URL_MAX     1023
#define CLOUD_OTA_FILE_MAX    255

/** How the core reaches images, which a front has. Each may be NULL: then what needs it is refused in words. */
struct cloud_ota_hooks {
    /** A file: its length, MD5 and SHA-256 in hex. False: there is none. */
    bool (*find)(void *ctx, const char *file, uint32_t *size, char md5[33], char sha256[65]);
    /** Where devices get it, from now on and for a while. */
    bool (*url_of)(void *ctx, const char *file, uint64_t now_ms, char *url, size_t cap);
    /** Exactly `len` bytes of it. */
    bool (*read)(void *ctx, const char *file, uint32_t offset, void *into, uint32_t len);
    /** The signature of its SHA-256 by the key in the file `key`: ECDSA P-256, DER in base64. */
    bool (*sign)(void *ctx, const char *key, const char *sha256, char *base64, size_t cap);
    void *ctx;
};

/** Faults of downloads over MQTT: each so many-th block; 0: none. */
enum cloud_ota_fault {
    CLOUD_OTA_CRC,
    CLOUD_OTA_OFFSET,
    CLOUD_OTA_CUT,
    CLOUD_OTA_SILENT,
    CLOUD_OTA_FAULTS
};

/** An image to be published. Texts may be empty where it says so. */
struct cloud_ota_image {
    char version[CLOUD_OTA_VERSION_MAX + 1];
    char module[CLOUD_OTA_MODULE_MAX + 1]; /* empty: the device itself */
    char file[CLOUD_OTA_FILE_MAX + 1];     /* empty: nobody here has it, only `url` */
    char url[CLOUD_OTA_URL_MAX + 1];       /* empty: that of the file */
    bool by_mqtt;                          /* by thing/file/download */
    bool is_diff;
    /* As the device is told, whatever it is: an emulator can also lie. */
    uint32_t size;
    char method[16];     /* "Md5", "Sha256"; empty: none */
    char digest[129];    /* empty: none */
    char signature[256]; /* digestsign; empty: none */
    json_t *ext;         /* extData; NULL: none. A reference, taken over */
};

struct cloud_ota;

void cloud_ota_free(struct cloud_ota *o);

/** Borrowed as long as the core lives. */
void cloud_ota_hooks(struct cloud *c, const struct cloud_ota_hooks *hooks);
const struct cloud_ota_hooks *cloud_ota_get_hooks(struct cloud *c);

/**
 * Publish an image for one device, or for all of a product, and tell those that are online.
 *
 * device   index in the book, or -1: all of `product`.
 * Returns  its number; 0: `why`.
 */
uint32_t cloud_ota_publish(struct cloud *c, int product, int device, struct cloud_ota_image *image,
                           uint64_t now_ms, const char **why);

/** Tell a device of all that is under way for it, once more. How many. */
uint32_t cloud_ota_push(struct cloud *c, int device, uint64_t now_ms);

/** No more of it: nobody is told, downloads by MQTT are refused. False: there is no such image. */
bool cloud_ota_cancel(struct cloud *c, uint32_t id);

void cloud_ota_set_fault(struct cloud *c, enum cloud_ota_fault fault, uint32_t every);

/** Everything, or what concerns a device: {"versions":{...},"images":[...]}; device -1: only images. A new reference. */
json_t *cloud_ota_show(struct cloud *c, int device, uint64_t now_ms);

/** A message on one of the platform's topics. False: not of updates. */
bool cloud_ota_take(struct cloud *c, int device, const char *topic, const void *payload, size_t len,
                    uint64_t now_ms);

/* Server of cloud_alink.c: thing/ota/firmware/get. */
void cloud_ota_get(struct cloud_request *r);

/* ---- Between its files ----------------------------------------------------------------------- */

/** thing/file/download. */
void cloud_ota_serve_file(struct cloud *c, int device, const char *topic, const void *payload,
                          size_t len, uint64_t now_ms);

/** The file behind a stream that this device may have; NULL: there is none. */
const char *cloud_ota_stream(struct cloud *c, int device, int64_t stream, int64_t file,
                             uint32_t *size);

/** Is it this one's turn to go wrong? */
bool cloud_ota_fails(struct cloud *c, enum cloud_ota_fault fault);

struct cloud_order;

/** The command `ota`. */
void cloud_ota_command(struct cloud_order *o);

/** A module's name, or a version: NULL, or what is wrong. */
const char *cloud_ota_wrong_module(const char *text);
const char *cloud_ota_wrong_version(const char *text);

#endif

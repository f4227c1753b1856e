/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_ota.h
 * Firmware update: an image arrives whole or not at all, whatever is cut on the way, network or power.
 *
 *     static struct iot_ota update;
 *     static const struct iot_ota_module modules[] = {{"", "1.0.0", &slot_b}, {"mcu", mcu_version, &mcu}};
 *     iot_ota_init(&update, &lamp, &(const struct iot_ota_options){.modules = modules, .module_count = 2, ...});
 *
 * A job comes from the platform, or from the application by iot_ota_start. IOT_OTA_OFFERED asks the application: accept,
 * defer or refuse. Then the image is fetched by HTTP into the module's slot and digested as it comes. When all is there,
 * it is read back from the slot and digested again, its signature is verified, the slot is done and chosen, and IOT_OTA_READY
 * says that a restart may start it. What is interrupted goes on where the slot was durable, also after a reboot, when the
 * same job is offered again: a record in the port's kv says which image lies there.
 */
#ifndef IOT_OTA_H
#define IOT_OTA_H

#include "iot/iot_http.h"
#include "iot/iot_port.h"
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
    uint8_t digest[32];      /* of the whole image; the first 16 with MD5 */
    uint8_t signature_bytes; /* 0: unsigned */
    uint8_t signature
        [IOT_OTA_SIGNATURE_MAX]; /* ECDSA P-256 over the image's SHA-256 (also with MD5), DER */
    bool is_diff;                /* a differential image: handed on, not applied */
    bool by_mqtt;                /* comes in thing/file/download, not from `url` */
    uint32_t stream_id, file_id; /* with by_mqtt */
    char version[IOT_SLOT_VERSION_MAX + 1]; /* of the image */
    char module[IOT_MODULE_MAX + 1];        /* "": the device itself */
    char url[IOT_HTTP_URL_MAX + 1];         /* "" with by_mqtt */
    struct iot_bytes
        ext; /* data.extData, JSON as it came; valid while the event that shows it lasts */
};

struct iot_ota; /* complete in iot_static.h */

/** One piece of software with a version and a place of its own. Borrowed as long as the struct iot_ota is used; the
 *  texts are read at each use. */
struct iot_ota_module {
    const char *name;            /* "" or "default": the device itself */
    const char *version;         /* that runs now */
    const struct iot_slot *slot; /* where a new one goes */
};

/** Which versions are taken; others end by IOT_ERR_OTA_VERSION before anybody is asked. See iot_ota_compare. It is the job's
 *  version that is judged, which no signature covers. */
enum iot_ota_policy {
    IOT_OTA_ANY,      /* what the platform says */
    IOT_OTA_NEWER,    /* than the one that runs */
    IOT_OTA_DIFFERENT /* from the one that runs, as a text */
};

/** Whose memory TLS takes for the download. */
enum iot_ota_memory {
    IOT_OTA_BESIDE_MQTT, /* the HTTP client has an arena of its own */
    /* It has the arena of MQTT lent: the TLS options of both name the same block. Accepted, MQTT is given some seconds for its
     * messages and ends in good order, IOT_EV_LOST OTA_ROOM; it comes back before IOT_OTA_READY or _FAILED, and
     * meanwhile while a new URL is asked for or the update is paused. What is published waits. Otherwise that client's https
     * requests end by IOT_ERR_STATE. A job over MQTT needs no room. Set iot_http_options.min_rate: a server that drips would keep
     * MQTT away as long as it likes. */
    IOT_OTA_INSTEAD_OF_MQTT,
    /* No TLS: https:// of a URL is read as http://. Needs a public key: the signature is all that protects the image. */
    IOT_OTA_PLAIN
};

enum iot_ota_what {
    IOT_OTA_OFFERED,  /* answer by iot_ota_accept, _defer or _refuse, now or later */
    IOT_OTA_PROGRESS, /* one per cent more, or a new start: `bytes` are there */
    IOT_OTA_READY,    /* verified, done, chosen: a restart may start it */
    IOT_OTA_FAILED    /* over; `err` says why */
};

/** Valid until the handler returns. */
struct iot_ota_event {
    enum iot_ota_what what;
    const struct iot_ota_module *module;
    const struct iot_ota_job *job;
    uint32_t bytes; /* of job->size */
    iot_err err;
    int32_t detail; /* the foreign number beside it */
};

/** Everything is borrowed as long as the struct iot_ota is used; const in flash is fine. */
struct iot_ota_options {
    const struct iot_ota_module *modules;
    uint8_t module_count;
    /* Nobody else's while an update is under way; its redirects are followed. */
    struct iot_http *http;
    /* kv: without it an update that is cut by a reboot begins anew. random: spreads retries. */
    const struct iot_port *port;
    const char *headers; /* of the requests, as iot_http_request.headers; NULL */
    /* ECDSA P-256, 65 bytes, uncompressed (0x04, x, y). With a key, an image without a good signature is refused. NULL. */
    const uint8_t *public_key;
    /* Where signatures are verified, 8-byte aligned, 2,304 bytes and more (64-bit machines 2,816). May be that of the HTTP
     * client's TLS: its connection is closed by then. MQTT's only with IOT_OTA_INSTEAD_OF_MQTT, and without images
     * over MQTT. */
    void *arena;
    uint32_t arena_bytes;
    uint32_t chunk; /* bytes per request; 0: one for all */
    /* Ranges so small that head and body of a response fit one TLS record of record_bytes, whatever the server does.
     * Only https. record_bytes 0: IOT_TLS_RX_BYTES. */
    bool fit;
    uint32_t record_bytes;
    uint8_t
        attempts; /* in a row that bring nothing new, with waits of 1 s, 2 s, 4 s ... 60 s; 0: 10 */
    enum iot_ota_policy policy;
    enum iot_ota_memory memory;
    /** One's own rule, asked after the policy; NULL. False: IOT_ERR_OTA_VERSION. */
    bool (*allow)(void *ctx, const struct iot_ota_module *module, const struct iot_ota_job *job);
    /** NULL: every offer is accepted. From inside, all calls of this header are allowed. */
    void (*on_event)(void *ctx, struct iot_ota *ota, const struct iot_ota_event *event);
    void *ctx;
};

struct iot_device;

/** Prepare, and attach to a device; once, after iot_device_init. It works in the device's tick, whether that is connected or
 *  not; IOT_EV_CLOSED waits for it. Returns IOT_OK; IOT_ERR_ARG: no modules, no HTTP client, a key without an arena that could serve,
 *  IOT_OTA_PLAIN without a key, MQTT's arena used beside it, or attached already. */
iot_err iot_ota_init(struct iot_ota *ota, struct iot_device *dev,
                     const struct iot_ota_options *options);

/**
 * A job of the application's own, for other clouds; as if it had been offered and accepted. Copied.
 *
 * Returns  IOT_OK: it ends by READY or FAILED. The same image as the one under way: only its URL is taken over. IOT_ERR_AGAIN:
 *          another image for the same module is under way and ends by IOT_ERR_OTA_REPLACED; come again when it has.
 *          IOT_ERR_FULL: one for another module is; nothing was changed. IOT_ERR_OTA_MODULE, _SIZE, _VERSION, _SIGNATURE (none, and a key is set), IOT_ERR_HTTP_URL (no
 *          scheme that we know, or no host), IOT_ERR_OTA_JOB (by_mqtt, and nobody who brings it): not taken, and no event follows.
 */
iot_err iot_ota_start(struct iot_ota *ota, const struct iot_ota_job *job);

/** Answers to IOT_OTA_OFFERED. IOT_ERR_STATE: nothing is on offer. */
iot_err iot_ota_accept(struct iot_ota *ota);
/** Offer it again after so many ms; IOT_MS_NEVER: wait for iot_ota_accept. It may be accepted before. */
iot_err iot_ota_defer(struct iot_ota *ota, uint32_t ms);
/** It ends by IOT_ERR_OTA_REFUSED. */
iot_err iot_ota_refuse(struct iot_ota *ota);

/** End what is on offer or under way, by IOT_ERR_OTA_REFUSED; what was fetched is of no use any more. IOT_ERR_STATE: nothing
 *  is. */
iot_err iot_ota_cancel(struct iot_ota *ota);

/** Stop fetching, and go on. Nothing is lost. IOT_ERR_STATE: nothing is fetched, or not paused. */
iot_err iot_ota_pause(struct iot_ota *ota);
iot_err iot_ota_resume(struct iot_ota *ota);

/** The job that is on offer or under way; NULL: none. */
const struct iot_ota_job *iot_ota_job(const struct iot_ota *ota);

/** What the platform calls an error: -1 in general, -2 download, -3 verification, -4 burning. 0: IOT_OK. */
int iot_ota_step_of(iot_err err);

/**
 * Order of two versions: below 0 when `a` is the older one, 0, above 0.
 *
 * A version is a row of words, of digits only or of letters only, that anything else separates; one 'v' or 'V' before the
 * first digit is skipped. Words are compared from the left. Numbers by value, of any length (1.9 < 1.10, 1.09 = 1.9). A missing
 * number is 0 (1.2 = 1.2.0). Words of letters by ASCII; such a word comes before none and before any number, so that
 * 2.0-rc1 is older than 2.0, and 2.0-rc1 than 2.0-rc2. What follows a '+' is not looked at (SemVer: build).
 */
int iot_ota_compare(const char *a, const char *b);

#endif

#ifdef __cplusplus
}
#endif
#endif

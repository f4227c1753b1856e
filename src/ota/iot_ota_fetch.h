/* SPDX-License-Identifier: Apache-2.0 */
/* Gets the image of one job into its slot: asks for it by HTTP, whole or in ranges, or by way of the cloud's own
 * connection; goes on where it was cut; tries again, with waits that grow, as often as the options allow.
 *
 * What may follow what was fetched before:
 *   - A 206 at exactly that place, of a resource that has the job's size, and not of another ETag than before.
 *   - A 200 is the image from its first byte: what was fetched is given up. So is it when the ETag changed.
 *   - What was fetched without an ETag in parts, or in parts before and after a reboot, and then has a wrong digest, is
 *     fetched anew: the parts may be of different images. Otherwise a wrong digest is final.
 *
 * The record in kv goes when the image is ready, refused or wrong. It stays where the download failed: when the same image is
 * offered again, it goes on. */
#ifndef IOT_OTA_FETCH_H
#define IOT_OTA_FETCH_H

#include "iot/iot_ota.h"

#include "core/iot_core_jitter.h"
#include "ota/iot_ota_image.h"

#if IOT_FEATURE_OTA

#define IOT_OTA_ATTEMPTS  10u    /* options.attempts 0 */
#define IOT_OTA_RETRY_MS  1000u  /* the first wait, doubled each time ... */
#define IOT_OTA_RETRY_MAX 60000u /* ... up to here; then chance takes up to half of it off */
#define IOT_OTA_BUSY_MS   5u     /* a slot or kv that answered AGAIN is asked again */
#define IOT_OTA_URL_MS    60000u /* for a new URL; then the old one is tried again */
/* A first range leaves so much of a record for the head; of the next ones it is known, but for this. */
#define IOT_OTA_HEAD_BYTES  1024u
#define IOT_OTA_HEAD_MARGIN 32u
#define IOT_OTA_FIT_MIN     128u

/** Length of "http://" or "https://", in any case, at the beginning of a URL; 0: it is neither. */
uint32_t iot_ota_scheme(const char *url);

/** What whoever brings the jobs does for their update; members may be NULL. */
struct iot_ota_cloud {
    /** The URL is not valid any more: ask for the job again, and give it to iot_ota_fetch_url (iot_ota_offer).
     *  IOT_OK; IOT_ERR_AGAIN, IOT_ERR_FULL: asked again later. Without: the update ends by IOT_ERR_OTA_EXPIRED. */
    iot_err (*ask_url)(void *ctx, const struct iot_ota_job *job);
    /** For jobs with by_mqtt: bring `bytes` from `at` on to the handlers (link/iot_link_file.h), as a response to a range;
     *  `head` need not be called. IOT_OK: `end` will be called; IOT_ERR_AGAIN, IOT_ERR_FULL, IOT_ERR_STATE: asked
     *  again later; else the update ends by it. */
    iot_err (*bring)(void *ctx, const struct iot_ota_job *job, uint32_t at, uint32_t bytes,
                     const struct iot_http_handlers *on, void *on_ctx);
    /** ... no more of it: `end` is not called. */
    void (*bring_no_more)(void *ctx);
    /** For iot_ota_engine.h: the download has begun, or has so many bytes more, a per cent at least. */
    void (*progress)(void *ctx, const struct iot_ota_job *job, uint32_t bytes);
    /** ... the job is over: IOT_OK, or why. A new one may be offered from inside. */
    void (*ended)(void *ctx, const struct iot_ota_job *job, iot_err err, int32_t detail);
    /** ... IOT_OTA_INSTEAD_OF_MQTT: end MQTT in good order (true), or connect again (false, then the answer does not
     *  matter; HTTP has hung up). IOT_OK: its memory is free; IOT_ERR_AGAIN: not yet, asked again later; else the update ends
     *  by it. */
    iot_err (*make_room)(void *ctx, bool wanted);
};

enum iot_ota_fetch_state {
    IOT_FETCH_IDLE,
    IOT_FETCH_JOURNAL, /* is there a record? */
    IOT_FETCH_OPENING, /* what is in the slot? */
    IOT_FETCH_WAITING, /* until `wake`, to ask; while `paused`, for ever */
    IOT_FETCH_ASKED,   /* a request is under way */
    IOT_FETCH_ENDED,   /* the request has ended by `result` */
    IOT_FETCH_NO_URL,  /* to ask for a URL; and asked, until `wake` */
    IOT_FETCH_URL,
    IOT_FETCH_HANG_UP,  /* all is there; the connection's memory is not free */
    IOT_FETCH_CHECKING, /* the image goes on by itself */
    IOT_FETCH_FORGET,   /* the record */
    IOT_FETCH_OVER      /* by `err` */
};

/* Private but for state, image.at and image.state. What is used most comes first: within the reach of short
 * instructions. */
struct iot_ota_fetch {
    uint8_t state;
    uint8_t failures; /* in a row that brought nothing new */
    bool paused, keep;
    bool noted;  /* the record is written, for the slot that is to be begun */
    bool broken; /* the slot or kv: no use to try again */
    bool mixed;  /* parts of the image may be of different ones */
    uint16_t status;
    uint32_t wait_ms; /* of the step under way; IOT_MS_NEVER */
    uint32_t from;    /* where the request began */
    uint32_t best;    /* as far as it ever came */
    uint32_t fit;     /* bytes of a range, as the options and heads say; 0: no bound */
    iot_err result, err, stop;
    int32_t result_detail, detail;
    const struct iot_ota_options *opt;
    const struct iot_ota_cloud *cloud;
    void *cloud_ctx;
    struct iot_ota_job *job;
    iot_time now, wake;
    struct iot_ota_image image;
    struct iot_ota_trust trust;
    struct iot_http_request request;
    struct iot_jitter jitter;
    char etag[IOT_HTTP_ETAG_MAX + 1];
};

/**
 * Begin. Everything is borrowed until it is over; of the job only `url` may change, by iot_ota_fetch_url.
 *
 * cloud    NULL: URLs cannot be renewed, and nothing comes by MQTT.
 * Returns  IOT_OK, go on with iot_ota_fetch_step; IOT_ERR_OTA_SIZE, IOT_ERR_OTA_SIGNATURE: see iot_ota_image_start;
 *          IOT_ERR_OTA_JOB, by_mqtt and nobody who brings it.
 */
iot_err iot_ota_fetch_start(struct iot_ota_fetch *f, const struct iot_ota_options *opt,
                            const struct iot_slot *slot, struct iot_ota_job *job,
                            const struct iot_ota_cloud *cloud, void *cloud_ctx, iot_time now);

/** Its share of a tick. Returns IOT_ERR_AGAIN until it is over; then IOT_OK, the image is ready, or why it is not, with
 *  f->detail. With IOT_ERR_OTA_FAILED detail is the last of our own errors, otherwise the foreign number. */
iot_err iot_ota_fetch_step(struct iot_ota_fetch *f, iot_time now);

/** When it wants the next one. */
iot_time iot_ota_fetch_deadline(const struct iot_ota_fetch *f);

/** A new URL for the same image, at most IOT_HTTP_URL_MAX bytes. False: not now, the old one is in use. */
bool iot_ota_fetch_url(struct iot_ota_fetch *f, const char *url);

/** IOT_ERR_STATE: nothing is fetched any more. */
iot_err iot_ota_fetch_pause(struct iot_ota_fetch *f, bool paused);

/** End it by `err`. keep: so that it can go on after a reboot. It is over when iot_ota_fetch_step says so. */
void iot_ota_fetch_stop(struct iot_ota_fetch *f, iot_err err, bool keep);

#endif
#endif

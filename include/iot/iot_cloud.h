/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_cloud.h
 * What the Alibaba Cloud IoT platform offers beside the thing model: tags, time, remote configuration, reset, logs,
 * the description of the thing (TSL).
 *
 * Requests end as iot_alink.h says, by IOT_EV_REPLY or IOT_EV_FAILED with their ticket, exactly once; what is told
 * unasked is an IOT_EV_NOTICE, which has been answered by then:
 *
 *     DISABLED, ENABLED, DELETED   thing/disable, enable, delete
 *     ERROR       /ext/error: needs IOT_LINK_EXT_ERROR in the identity's `ext`
 *     BOOTSTRAP   thing/bootstrap/notify
 *     IDENTITY    a device that logs in by certificate alone is told its names. They are no more than told: all topics
 *                 hold them, so requests are IOT_ERR_ARG until the application has closed the device and begun it
 *                 again with both names in its identity (they do not change: keep them)
 *     TIME, CONFIG, LOG, RESET     see below
 *     BIND        _thing/event/notify: its params, {"identifier":"awss.BindNotify","value":{"Operation":"Bind"}}
 *
 * One that cannot be understood is dropped as IOT_EV_SKIPPED, by its name. RRPC with custom topics needs
 * IOT_LINK_EXT_RRPC.
 *
 * All calls: application code or any callback, in lwIP's context. Common errors: IOT_ERR_ARG, no identity with names;
 * IOT_ERR_FULL, IOT_ERR_SIZE, IOT_ERR_STATE as iot_alink_begin: nothing was queued. `ticket` may be NULL. Texts are
 * NUL-terminated UTF-8 and borrowed until return.
 */
#ifndef IOT_CLOUD_H
#define IOT_CLOUD_H

#include "iot/iot_alink.h"

#ifdef __cplusplus
extern "C" {
#endif

#if IOT_FEATURE_CLOUD

/* ---- Tags -------------------------------------------------------------------------------------- */

#define IOT_TAG_KEY_MIN 2
#define IOT_TAG_KEY_MAX 32

struct iot_tag {
    const char
        *key; /* letters, digits and _, no digit first [IOT_TAG_KEY_MIN .. IOT_TAG_KEY_MAX] */
    const char *value; /* of iot_tags_delete not looked at */
    bool system;       /* in the platform's own domain, "SYSTEM" */
};

/** Set `count` tags of the device, 1 and more, by QoS 1. IOT_ERR_ARG also: none, or an ill-formed key; common errors. */
iot_err iot_tags_update(struct iot_device *dev, const struct iot_tag *tags, uint32_t count,
                        iot_ticket *ticket);

/** Delete them. Errors as above. */
iot_err iot_tags_delete(struct iot_device *dev, const struct iot_tag *tags, uint32_t count,
                        iot_ticket *ticket);

/** Tell the platform this library's version and language by its own tags, as its SDKs do once after each connect. */
iot_err iot_tags_sdk(struct iot_device *dev, iot_ticket *ticket);

/* ---- Time -------------------------------------------------------------------------------------- */

/**
 * Ask the platform what time it is.
 *
 * ticket   its end is IOT_EV_NOTICE with IOT_NOTICE_TIME, or IOT_EV_FAILED, LINK_TIMEOUT also when the link was lost
 *          meanwhile. unix_ms: ms since 1970-01-01 UTC when it came, wrong at most by half of what has passed since the
 *          tick after this call: the way there and back, and the wait behind what was in the outbox before. code 1:
 *          the server is authenticated (iot_options.tls), and its certificates are good at that time: it is the
 *          device's trusted time from now on. code 0: over plain TCP, or a stream of the application's, anybody could
 *          have said so.
 * Returns  IOT_OK; IOT_ERR_STATE also before IOT_EV_CONNECTED and when the link is lost; IOT_ERR_FULL also while
 *          another one is open; common errors.
 */
iot_err iot_time_ask(struct iot_device *dev, iot_ticket *ticket);

/** Trusted time, ms since 1970-01-01 UTC, as of the last tick: the port's (iot_port.wall, to the second), else what the
 *  platform told last and trusted, counted on. TLS judges certificates by the same. It does not outlive
 *  iot_device_init. IOT_OK; IOT_ERR_AGAIN: not known (yet). */
iot_err iot_device_wall(struct iot_device *dev, int64_t *unix_ms);

/* ---- Remote configuration ---------------------------------------------------------------------- */

enum iot_config_sign { IOT_CONFIG_SIGN_SHA256, IOT_CONFIG_SIGN_MD5 };

/** A file to fetch; slices of the message it was read from. */
struct iot_config_info {
    struct iot_json id;  /* a string */
    struct iot_json url; /* a string; copy it by iot_json_text: it may hold escapes (\/) */
    uint32_t size;       /* bytes, 1 and more */
    enum iot_config_sign sign_method;
    struct iot_bytes sign; /* digest of the file: hex digits of either case, 64 or 32 of them */
};

/** Ask for the product's. The reply's `data` is read by iot_config_read; code 6710: there is none, 6713: not enabled. */
iot_err iot_config_ask(struct iot_device *dev, iot_ticket *ticket);

/** Read `data` of the reply or of IOT_NOTICE_CONFIG. IOT_OK; IOT_ERR_JSON_MISSING, _TYPE, _RANGE: unusable; such a push
 *  was answered by code 400, and dropped. */
iot_err iot_config_read(struct iot_json data, struct iot_config_info *info);

/* ---- Reset ------------------------------------------------------------------------------------- */

/** So begins the name in the port's kv of one byte: a reset is not confirmed yet. Behind it are 8 hex digits, a hash of
 *  product key and device name, so that devices may share a kv. */
#define IOT_RESET_KEY "iot-rst"

/**
 * Have the platform forget who is bound to the device, and their data: for a device that changes hands.
 *
 * It is written down in the port's kv first, then asked for by QoS 1, every 10 s and after each connect, over any
 * number of reboots, until the platform confirms it; then the note is deleted, and IOT_EV_NOTICE with
 * IOT_NOTICE_RESET comes once. Its err: IOT_OK; IOT_ERR_KV and the like: the store failed, the reset was not begun, or
 * was confirmed and may be asked for once more after a reboot; IOT_ERR_CLOSED: the device was closed while a slow
 * store was at it. A power cut after the confirmation and before the note is gone has it asked for once more, too.
 *
 * What of it was left by a reboot goes on by itself: a device with names and a kv looks for the note in its first tick.
 * A code other than 200 is not told: it is asked again.
 *
 * Context  also before iot_device_connect: it is done when connected.
 * Returns  IOT_OK; IOT_ERR_STATE: one is under way; IOT_ERR_ARG: no identity with names, or no kv; what kv_set said: nothing
 *          is changed.
 */
iot_err iot_reset(struct iot_device *dev);

/* ---- Logs and diagnosis ------------------------------------------------------------------------ */

enum iot_log_word {
    IOT_LOG_WORD_FATAL,
    IOT_LOG_WORD_ERROR,
    IOT_LOG_WORD_WARN,
    IOT_LOG_WORD_INFO,
    IOT_LOG_WORD_DEBUG
};

struct iot_log_item {
    int64_t unix_ms; /* 0: now, by the device's trusted time; years 1970 to 2099 */
    enum iot_log_word level;
    const char *module, *content;
    const char *code, *trace; /* or NULL */
};

/** Upload lines of a log, 1 and more. IOT_ERR_STATE also: one has no time, and the device knows none. IOT_ERR_ARG also:
 *  none, no such level, no module or content, no such year. */
iot_err iot_log_post(struct iot_device *dev, const struct iot_log_item *items, uint32_t count,
                     iot_ticket *ticket);

/** Are logs wanted? The reply's `data` is read by iot_log_read; a change comes as IOT_NOTICE_LOG. */
iot_err iot_log_ask(struct iot_device *dev, iot_ticket *ticket);

/** 1: they are wanted; 0: not. IOT_ERR_JSON_MISSING, _TYPE, _RANGE: not to be understood. */
iot_err iot_log_read(struct iot_json data, int32_t *mode);

/** As the platform numbers them: type 0x10, the way to the cloud; code 0x02, no address by DHCP; and so on. */
struct iot_diag_error {
    uint8_t type, code;
    uint32_t count;
};

struct iot_diag {
    int32_t rssi, snr, per; /* dBm, dB, percent of packets lost */
    const struct iot_diag_error *errors;
    uint32_t error_count; /* 0: none is sent */
    int64_t unix_ms;      /* as above */
};

/** Report how well the radio does. IOT_ERR_STATE also: no time is known. */
iot_err iot_diag_post(struct iot_device *dev, const struct iot_diag *d, iot_ticket *ticket);

/* ---- The thing's description ------------------------------------------------------------------- */

/**
 * Takes the TSL piece by piece.
 *
 * offset   of `part` in it; 0 again: the message broke off and begins anew.
 * part     valid until return.
 * Context  as a message handler.
 * Returns  IOT_OK; IOT_ERR_AGAIN, IOT_ERR_FULL: not now, the same comes again; any other: the request ends with
 *          IOT_EV_FAILED and this error, and no more comes.
 */
typedef iot_err (*iot_tsl_sink)(void *ctx, struct iot_device *dev, uint32_t offset,
                                struct iot_bytes part);

/**
 * Fetch the TSL, JSON of any length: more than the window needs IOT_FEATURE_PARTS.
 *
 * dynamic  true: types and identifiers only.
 * sink     and ctx: used until the end; what it got counts if that is IOT_EV_REPLY with IOT_OK: only then is it known
 *          that it was the answer, and that it is whole. That it is JSON was not checked. With IOT_ERR_LINK_CODE it may have got
 *          some or nothing. The time-out counts from the last part.
 * Returns  IOT_OK; IOT_ERR_FULL also while another one is open; common errors.
 */
iot_err iot_tsl_get(struct iot_device *dev, bool dynamic, iot_tsl_sink sink, void *ctx,
                    iot_ticket *ticket);

#endif

#ifdef __cplusplus
}
#endif
#endif

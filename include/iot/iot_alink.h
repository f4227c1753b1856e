/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_alink.h
 * Requests and replies of the Alibaba Cloud IoT platform (Alink, protocol 1.0), over MQTT: the low-level form, for
 * those who write their own JSON. What most applications want stands on it: iot_thing.h, iot_shadow.h, iot_cloud.h.
 *
 * A request is a message with an id; the platform answers it on the same topic with "_reply" behind it. A ticket
 * names it, and exactly one of these events ends it:
 *
 *     IOT_EV_REPLY    the platform has answered: err is IOT_OK (code 200) or IOT_ERR_LINK_CODE, detail its code
 *     IOT_EV_FAILED   there was no answer: LINK_TIMEOUT after IOT_REQUEST_MS, or after as long again while what has
 *                     arrived is not read; or what iot_mqtt.h says (CLOSED ...)
 *     IOT_EV_DONE     only with IOT_ASK_NO_REPLY: the message was delivered as its QoS says
 *
 * A request that timed out may have been done, or be done yet: it stays queued while the link is down. Of two that change
 * the same, ask by one QoS: one of QoS 1 that is sent again after a reconnect comes behind a younger one of QoS 0.
 * A reply that comes too late, twice, or to a request of before a reboot finds nobody waiting and is dropped.
 * Needs a device with an identity (iot_options.link). All calls: application code or any callback, in lwIP's context.
 */
#ifndef IOT_ALINK_H
#define IOT_ALINK_H

#include "iot/iot_json.h"
#include "iot/iot_link.h"
#include "iot/iot_mqtt.h"

#ifdef __cplusplus
extern "C" {
#endif

#if IOT_FEATURE_ALINK

/** Beside IOT_EV_REPLY (iot_event.reply); valid until return. */
struct iot_reply {
    struct iot_json data;    /* IOT_JSON_NONE: the reply has none */
    struct iot_json message; /* in words, a string; or IOT_JSON_NONE */
};

/** What the platform says unasked (IOT_EV_NOTICE). `code` and `data` are what is named here, else 0 and NONE. */
enum iot_notice_kind {
    IOT_NOTICE_DISABLED,  /* the device was disabled: the link ends soon, IOT_ERR_LINK_DISABLED */
    IOT_NOTICE_ENABLED,   /* ... enabled again */
    IOT_NOTICE_DELETED,   /* ... deleted */
    IOT_NOTICE_ERROR,     /* a message of ours was dropped: code as in the platform's table; data */
    IOT_NOTICE_BOOTSTRAP, /* code 0: fetch the address of the platform anew and connect there */
    IOT_NOTICE_IDENTITY, /* data: product key and device name, read from our certificate (iot_cloud.h) */
    IOT_NOTICE_TIME, /* unix_ms: the answer to iot_time_ask (iot_cloud.h); code 1: it is trusted */
    IOT_NOTICE_CONFIG, /* data: a remote configuration was pushed (iot_cloud.h) */
    IOT_NOTICE_LOG,    /* code: 1, logs are wanted; 0, they are not */
    IOT_NOTICE_BIND,   /* data: what happened between the device and a user */
    IOT_NOTICE_RESET,  /* what iot_reset began has ended (iot_cloud.h): the event's err says how */
    IOT_NOTICE_SHADOW, /* data: the desired state has changed (iot_shadow.h) */
};

/** Beside IOT_EV_NOTICE (iot_event.notice); valid until return. */
struct iot_notice {
    enum iot_notice_kind kind;
    int32_t code;
    int64_t unix_ms;
    struct iot_json data;
};

enum iot_ask_flag {
    IOT_ASK_NO_REPLY = 1, /* "sys":{"ack":0}: the platform does not answer, nobody waits */
    IOT_ASK_QOS_1 = 2,    /* by QoS 1; else 0, of which the reply is the acknowledgement */
};

/**
 * Begin a request: the writer stands behind `"params":`, where the application appends one JSON value.
 *
 * method   path of its topic behind /sys/{pk}/{dn}/, as "thing/event/property/post"; NUL-terminated.
 * flags    of enum iot_ask_flag.
 * max      bytes to reserve for params; the envelope has its own.
 * w        out: as of iot_mqtt_begin, whose rules hold.
 * Returns  IOT_OK; IOT_ERR_FULL: outbox, or IOT_REQUESTS_MAX requests await their replies; IOT_ERR_ARG: the device has no
 *          platform identity; IOT_ERR_SIZE: topic longer than the platform's 128 bytes; others as iot_mqtt_begin.
 */
iot_err iot_alink_begin(struct iot_device *dev, const char *method, uint32_t flags, uint32_t max,
                        struct iot_writer *w);

/** Queue it. Errors as iot_mqtt_commit; the writer is closed in every case. */
iot_err iot_alink_commit(struct iot_writer *w, iot_ticket *ticket);

/** What the platform may send: groups of its topics. */
enum iot_listen {
    IOT_LISTEN_SYSTEM = 1, /* /sys/{pk}/{dn}/#: requests, replies, raw data */
    IOT_LISTEN_TIME = 2,   /* /ext/ntp/{pk}/{dn}/response: what iot_time_ask waits for */
    IOT_LISTEN_ERROR = 4,  /* /ext/error/{pk}/{dn}; with IOT_LINK_EXT_ERROR in the identity */
    IOT_LISTEN_RRPC = 8,   /* /ext/rrpc/+/#; with IOT_LINK_EXT_RRPC */
    IOT_LISTEN_ALL = 15,
};

/** Memory for the texts of these subscriptions; private. */
struct iot_listen_texts {
    char text[3][IOT_PRODUCT_KEY_MAX + IOT_DEVICE_NAME_MAX + 20];
};

/**
 * Subscribe to what the platform sends to this device, by QoS 1. Not needed, and not to be called, with `system_topics`
 * in the identity: then the platform does it itself, which saves memory, slots (IOT_MQTT_SUBS_MAX) and time. Subscriptions
 * are renewed as all others are.
 *
 * groups   of enum iot_listen; a slot each.
 * texts    used until IOT_EV_CLOSED; NULL if `groups` is IOT_LISTEN_RRPC alone.
 * Returns  IOT_OK; errors of iot_mqtt_subscribe: what was subscribed by then stays, the call may be repeated;
 *          IOT_ERR_ARG: no identity with names, or no group.
 */
iot_err iot_alink_listen(struct iot_device *dev, uint32_t groups, struct iot_listen_texts *texts);

/** Begin and commit with `params`, JSON that is written already. */
iot_err iot_alink_request(struct iot_device *dev, const char *method, uint32_t flags,
                          struct iot_bytes params, iot_ticket *ticket);

#endif

#ifdef __cplusplus
}
#endif
#endif

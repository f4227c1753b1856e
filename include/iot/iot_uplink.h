/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_uplink.h
 * The CoAP channel of the Alibaba Cloud IoT platform: messages up, and what the platform answers to each, for a client of
 * CoAP (iot_coap.h) whose server is the platform. There is no way down; a device may use MQTT beside it, or not at all.
 *
 *     static struct iot_coap coap;                 both from iot_static.h
 *     static struct iot_uplink up;
 *     iot_coap_init(&coap, &lamp, &coap_options);
 *     iot_uplink_init(&up, &uplink_options);
 *     iot_uplink_properties(&up, &lamp_model, &values, NULL, 0);      ... on_result from iot_poll(&lamp, ...)
 *
 * Three ways, of which the client's options choose one:
 *
 *     certificate  coaps://{pk}.coap.cn-shanghai.link.aliyuncs.com:5684, iot_coap_options.tls with `ca`
 *     key          the same; iot_coap_options.tls of kind IOT_TLS_PSK without psk, and iot_coap_options.link: key and its name are
 *                  made of the identity. Of suites with IOT_TLS_PLATFORM as well the platform knows one, which is an old one
 *     symmetric    port 5682, without TLS; `symmetric` below: what goes up and comes down is AES-128-CBC by a key that the platform
 *                  gives, and numbered. Nothing authenticates what comes down
 *
 * Without TLS and without `symmetric` the signature, which is the same each time, and the token can be read by anybody: for tests.
 *
 * The token that messages need is fetched by itself, kept until the platform does not know it any more (4.01, 4.02; in the symmetric
 * mode also when it refuses a number, 4.03, or cannot open a message, 4.00), and then fetched anew, once per message. It is signed by the
 * identity's `method`, of which hmacmd5 is the one that all documents of the platform name here. One call at a time; each ends in
 * on_result, exactly once. How long the platform is waited for is the client's to say (ack_timeout_ms, max_retransmit, response_ms): by
 * its defaults a minute and a half without any sign. A message may arrive twice, as with QoS 1 of MQTT: where an association is lost
 * before its answer, or the platform refuses a copy of one that it has taken. Then it is the same but for token and number: its id, too.
 *
 * Errors of a result, with their detail:
 *
 *     UPLINK_STATUS   the platform refuses, detail is its code as three digits: 400, 401 ... 500
 *     UPLINK_TOKEN    a new token is not known either
 *     UPLINK_CIPHER   symmetric: an answer that is not by our key
 *     LINK_CODE       the message arrived and the platform refuses what it says; its code
 *     JSON_..., CBOR_... what it answers is not what it should be
 *     SIZE            the message, or its answer, is longer than the work memory
 *     AGAIN           a new token is wanted, and `sign`, the kv or random are not ready; the same call will ask again
 *     KV, RANDOM      the port's, or what `sign` says
 *     others          the client's: COAP_..., TLS_..., UDP_..., DNS_...; CLOSED
 */
#ifndef IOT_UPLINK_H
#define IOT_UPLINK_H

#include "iot/iot_coap.h"
#include "iot/iot_link.h"
#include "iot/iot_port.h"
#include "iot/iot_thing.h"

#ifdef __cplusplus
extern "C" {
#endif

#if IOT_FEATURE_UPLINK

struct iot_uplink;        /* complete in iot_static.h */
struct iot_uplink_cipher; /* private */

/** The symmetric mode, for options; who does not name it has a linker that leaves it out, with AES's way back. */
extern const struct iot_uplink_cipher iot_uplink_symmetric;

/** The older devices' options for token and number (one and the same, 61); others are 2088 and 2089. */
enum iot_uplink_options_kind { IOT_UPLINK_OPTIONS_2088, IOT_UPLINK_OPTIONS_61 };

enum iot_uplink_call {
    IOT_UPLINK_NONE,
    IOT_UPLINK_POST,    /* a message */
    IOT_UPLINK_VERSION, /* the version was reported */
    IOT_UPLINK_UPGRADE, /* asked for an update: `reply` has it, or is empty */
};

/** How a call ended; valid until return, `reply` until the next call is begun, if that is earlier. */
struct iot_uplink_result {
    enum iot_uplink_call call;
    iot_err err;
    int32_t detail; /* of err */
    struct iot_bytes
        reply; /* what the platform answered, decrypted; with OK and LINK_CODE. len 0: nothing */
    uint16_t reply_format; /* enum iot_coap_format; of a reply */
    /** As in iot_web.h: 0, it went well; IOT_MS_NEVER: the same again would end the same; else to be tried again after so many ms: 1 s at
     *  least after 5.00, longer each time. */
    uint32_t retry_ms;
};

/** Everything is borrowed as long as it is used; const in flash is fine. */
struct iot_uplink_options {
    struct iot_coap *coap;                /* requests of others may be under way beside ours */
    const struct iot_link_identity *link; /* with names; a secret, `sign` or a registration */
    const struct iot_port *port;          /* random; kv, of an identity with a registration */
    /** Memory for the message and, behind it, an authentication or the answer. 512 bytes are enough for those. Of a message there are its
     *  topic and 7 bytes more; what the library writes (of CBOR: as JSON, too, until it is that); and with `symmetric` any payload and
     *  32 bytes more. */
    uint8_t *work;
    uint32_t work_bytes;
    /** &iot_uplink_symmetric, see above: needs a secret that is in the identity or the kv, not `sign`. NULL: not. */
    const struct iot_uplink_cipher *symmetric;
    bool cbor;       /* what the thing model says goes as CBOR; else JSON */
    uint8_t numbers; /* enum iot_uplink_options_kind */
    /** The last thing that we do: the next call may be begun in there. Called from iot_poll. */
    void (*on_result)(void *ctx, struct iot_uplink *up, const struct iot_uplink_result *result);
    void *ctx; /* of accessors in a model, too */
};

/** IOT_OK; IOT_ERR_ARG: an identity without names, without a secret, `sign` and registration, or that iot_device_init would refuse;
 *  symmetric without a secret that can be seen; cbor that is not built in. */
iot_err iot_uplink_init(struct iot_uplink *up, const struct iot_uplink_options *options);

/* Calls. All return IOT_OK: on_result will be called; IOT_ERR_STATE: one is under way, or the device is closing; IOT_ERR_AGAIN: `sign`, the
 * kv or random are not ready, call again in a later tick; IOT_ERR_SIZE: the work memory is too small; IOT_ERR_ARG; and as iot_coap_start.
 * Then nothing was begun. */

/** A message; what is pointed to is borrowed until on_result. */
struct iot_uplink_post {
    const char
        *topic; /* "/sys/{pk}/{dn}/thing/event/property/post": as in MQTT; at most 128 bytes */
    struct iot_bytes payload; /* not in the work memory */
    uint16_t format;          /* enum iot_coap_format: JSON, CBOR, OCTETS */
    bool
        non; /* not confirmable: it went well when it has left, and the platform does not refuse it within a second. It
                 leaves as iot_coap_options.probing_rate lets it; of one in blocks each has to be asked for. Not with
                 `symmetric` */
};

iot_err iot_uplink_post(struct iot_uplink *up, const struct iot_uplink_post *post);

#if IOT_FEATURE_THING
/** Properties of a thing, as iot_thing_post; `values` and `which` are read before it returns. With `cbor` JSON_...: what an accessor
 *  wrote is none.
 *  which    NULL: all that may be read.
 *  unix_ms  when; 0: the platform takes the time at which it comes. */
iot_err iot_uplink_properties(struct iot_uplink *up, const struct iot_model *model, void *values,
                              const struct iot_properties *which, int64_t unix_ms);

/** An event of its, by its index, as iot_thing_event. */
iot_err iot_uplink_event(struct iot_uplink *up, const struct iot_model *model, void *values,
                         uint32_t event, int64_t unix_ms);
#endif

/** One of the device's tags. */
struct iot_uplink_tag {
    const char *key, *value;
};

/** Tags of the device (thing/deviceinfo/update), non-confirmable as the platform's own SDK does; with `symmetric` confirmable. */
iot_err iot_uplink_device_info(struct iot_uplink *up, const struct iot_uplink_tag *tags,
                               uint32_t count);

/** Report the version of a module; NULL or "": the device itself. */
iot_err iot_uplink_version(struct iot_uplink *up, const char *module, const char *version);

/** Ask for an update of who has this version now (the platform wants to know it here, too). The result's reply is the notice of it, as
 *  it would come by MQTT: iot_ota_job_of_notice makes a job of it; len 0: there is none. */
iot_err iot_uplink_upgrade(struct iot_uplink *up, const char *version);

/** Tell how far an update is: step 0 to 100, or -1 to -4 (iot_upgrade.h); `text` NULL: none. */
iot_err iot_uplink_progress(struct iot_uplink *up, const char *module, int32_t step,
                            const char *text);

#if IOT_FEATURE_OTA
struct iot_ota_job;
/** The notice as something to fetch: for iot_ota_start. It lives as long as the notice does, for job->ext. IOT_ERR_STATE: it offers
 *  nothing; IOT_ERR_LINK_CODE: it says that something went wrong; others as of an offer by MQTT. */
iot_err iot_ota_job_of_notice(struct iot_bytes notice, struct iot_ota_job *job);
#endif

/** End what is under way: on_result with IOT_ERR_CLOSED in the next tick. IOT_ERR_STATE: nothing is. */
iot_err iot_uplink_cancel(struct iot_uplink *up);

/** Forget token and key; not while a call is under way: IOT_ERR_STATE. */
iot_err iot_uplink_forget(struct iot_uplink *up);

#endif

#ifdef __cplusplus
}
#endif
#endif

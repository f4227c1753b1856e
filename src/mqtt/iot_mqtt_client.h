/* SPDX-License-Identifier: Apache-2.0 */
/* The skin around a session: owns the stream and the receive window, connects, loses, waits, closes.
 * What happens while the stream is up is in iot_mqtt_pump. One tick is the calls net, up, time, down,
 * end, in this order.
 *
 *     IDLE -connect-> WAIT -due-> OPEN -stream up-> LIVE -close, drained-> BYE -> CLOSING -> IDLE
 *                      ^___________|________________|  lost: wait by the ladder
 *
 * An errand is a connection of the device's own, for which the application's messages and subscriptions wait. When
 * it has served it goes through BYE and CLOSING as well, and then to WAIT for no time. So does a rest (iot_mqtt_rest.h), but
 * WAIT then lasts until it is over. */
#ifndef IOT_MQTT_CLIENT_H
#define IOT_MQTT_CLIENT_H

#include "core/iot_core_jitter.h"
#include "iot/iot_device.h"
#include "mqtt/iot_mqtt_backoff.h"
#include "mqtt/iot_mqtt_login.h"
#include "mqtt/iot_mqtt_session.h"

/* How far a connection had come when it ended. */
enum iot_mqtt_stage {
    IOT_MQTT_OPENING,  /* no stream yet */
    IOT_MQTT_ASKED,    /* CONNECT sent, no CONNACK */
    IOT_MQTT_ACCEPTED, /* not for long */
    IOT_MQTT_STABLE,
};

/* What a device adds to its client: where and as whom it logs in, what it makes of a loss, and what is
 * its own business among messages and events. */
struct iot_mqtt_hooks {
    /* The credentials for one attempt. `scratch` may hold texts of theirs until CONNECT is built.
     * IOT_OK; IOT_ERR_AGAIN: not ready; another error ends the attempt. */
    iot_err (*login)(struct iot_device *dev, uint8_t *scratch, uint32_t cap,
                     struct iot_credentials *out);
    /* A better name for a loss, and how long to stay away at least, ms; 0: by the ladder. */
    uint32_t (*judge)(struct iot_device *dev, enum iot_mqtt_stage stage, iot_err *reason,
                      int32_t detail);
    /* A message, before any handler gets it. IOT_OK: the device took it, IOT_EV_MESSAGE is not raised;
     * IOT_ERR_AGAIN, IOT_ERR_FULL: declined, as by a handler; IOT_ERR_STATE: none of the device's. */
    iot_err (*take)(struct iot_device *dev, const struct iot_msg *msg);
    /* Does the device take this one in parts, as it is larger than the window? */
    bool (*take_parts)(struct iot_device *dev, const struct iot_topic *topic);
    /* Before the application gets an event. False: it does not. */
    bool (*event)(struct iot_device *dev, const struct iot_event *ev);
    /* Of a connection for which `login` has set iot_credentials.registers; NULL where it never does. Asked after
     * CONNACK. IOT_OK: it has served, is ended in good order, and the next attempt follows at once;
     * IOT_ERR_AGAIN: it goes on; another error ends it by that name. `late`: IOT_REGISTER_MS are over. */
    iot_err (*errand)(struct iot_device *dev, bool late);
    /* Closing, with MQTT at its end: has all else that the device does come to its end, too? It wakes the device when it
     * has. NULL: there is nothing else. */
    bool (*may_close)(struct iot_device *dev);
};

/* The window: rx[rx_at .. rx_len) is received and not yet digested. A message that handlers declined
 * stays at rx_at; `hits` are the subscriptions that have still to take it. While a message passes in
 * parts, its head stays in rx[0 .. parts.kept). */
struct iot_mqtt_client {
    uint8_t phase;
    bool begun;       /* from connect to the end of close */
    bool closing;     /* from close to its end */
    bool close_asked; /* drain_deadline is still a span: the caller may have slept, `now` is old */
    bool dry;         /* nothing received is left to digest */
    bool more;        /* this tick stopped at its bound */
#if IOT_FEATURE_OTA
    bool rest; /* nothing is to be connected */
    bool away; /* ... and nothing is: the stream's memory is free */
#endif
#if IOT_FEATURE_RECEIVE
    bool offered; /* the message at rx_at was matched; `hits` and `handled` are about it */
    bool handled; /* some handler took it */
    bool own;     /* the device itself has still to take it */
    bool taken;   /* a message was, on this link */
    bool full;    /* the handler that declined had found the outbox full */
    uint8_t
        deaf; /* QoS of the message that was declined for too long; no other is looked at since */
    uint32_t hits[IOT_TOPIC_HITS_WORDS];
#endif
    struct iot_mqtt_backoff backoff;
    const struct iot_options *opt;
    const struct iot_mqtt_hooks *hooks;
    struct iot_device *dev; /* only handed through to callbacks and hooks */
    struct iot_stream *stream;
    struct iot_jitter *jitter;
    uint32_t written; /* bytes the stream took since it was opened */
    uint32_t rx_at, rx_len;
#if IOT_FEATURE_PARTS
    struct {
        uint32_t kept;
        uint32_t hits[IOT_TOPIC_HITS_WORDS]; /* who gets it */
        bool own;                            /* the device, too */
        struct iot_topic topic;              /* in its head */
        uint8_t qos, flags;
    } parts;
#endif
#if IOT_FEATURE_DECLINE
    struct {
        iot_time again;    /* it is offered again, or NEVER */
        iot_time deadline; /* it is given up; deaf: the link ends */
    } decline;
#endif
#if IOT_FEATURE_STREAMED
    iot_time ask; /* the source of a streamed message is asked again, or NEVER */
#endif
#if IOT_FEATURE_NETWORK_HINTS
    iot_err hint; /* of the network; IOT_OK: none */
#endif
    iot_err reason; /* of the last loss */
    int32_t detail;
    iot_err broken; /* what the stream said; acted on when everything received is digested */
    iot_time until; /* WAIT: next attempt; BYE, and LIVE on an errand or before a rest: patience */
    iot_time drain_deadline;    /* closing: messages may take so long */
    iot_time stable;            /* LIVE: from then on the ladder starts anew */
    struct iot_credentials who; /* of the attempt; its texts may lie in the window until CONNECT */
    struct iot_endpoint to;
#if IOT_FEATURE_STATS
    struct iot_counters counters;
#endif
    struct iot_mqtt_session session;
    uint8_t rx[IOT_MQTT_RX_BYTES];
};

/** `dev`, `hooks`, `stream`, `jitter` outlive the client. Nothing is judged: see check. */
void iot_mqtt_client_init(struct iot_mqtt_client *c, const struct iot_options *opt,
                          struct iot_device *dev, const struct iot_mqtt_hooks *hooks,
                          struct iot_stream *stream, struct iot_jitter *jitter);

/** Would a CONNECT with these credentials be one, and fit? Errors as iot_device_init. */
iot_err iot_mqtt_client_check(struct iot_mqtt_client *c, const struct iot_credentials *who);

/** The part of the window that texts of credentials may be put into, before a connection. */
uint8_t *iot_mqtt_client_scratch(struct iot_mqtt_client *c, uint32_t *cap);

/** IOT_OK; IOT_ERR_STATE: begun already, or closing. */
iot_err iot_mqtt_client_connect(struct iot_mqtt_client *c);
/** IOT_OK; IOT_ERR_STATE: not begun, or closing already. */
iot_err iot_mqtt_client_close(struct iot_mqtt_client *c, uint32_t drain_ms);

/** Requests are accepted: between connect and close. */
bool iot_mqtt_client_open(const struct iot_mqtt_client *c);
/** Closing, and what is queued may still leave: the device's answers, too. */
bool iot_mqtt_client_drains(const struct iot_mqtt_client *c);

/** A tick begins: what time it is until the next. */
void iot_mqtt_client_tick(struct iot_mqtt_client *c, iot_time now);

/** The loop stood still: the link is not trusted. */
void iot_mqtt_client_slept(struct iot_mqtt_client *c);

void iot_mqtt_client_net(struct iot_mqtt_client *c);
void iot_mqtt_client_up(struct iot_mqtt_client *c);
void iot_mqtt_client_time(struct iot_mqtt_client *c);
void iot_mqtt_client_down(struct iot_mqtt_client *c);
void iot_mqtt_client_end(struct iot_mqtt_client *c);

/** Something was received, or may have been, and is not digested yet: silence is not the peer's. The tick that changes
 *  this comes by itself; nobody needs to be woken meanwhile to look. */
bool iot_mqtt_client_unread(const struct iot_mqtt_client *c);

/** When the next tick has work even if nothing happens; 0: at once. */
iot_time iot_mqtt_client_deadline(const struct iot_mqtt_client *c);
bool iot_mqtt_client_idle(const struct iot_mqtt_client *c);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Everything a broker connection is, except the connection: messages on their way (outbox),
 * what received ones are owed (inbox), subscriptions (subs), deadlines (watch), packet ids. No I/O; time is an argument;
 * bytes go in by feed and come out by pending; each call raises at most one event.
 *
 * Control packets never wait behind messages: what is owed is kept as state (inbox.owed, box.rels_sent,
 * watch.want_ping, subs.due) and written into the slot `ctl` when the wire is free, before any message.
 * CONNECT is written into memory that the client lends: its receive window, empty at that moment.
 *
 *     IDLE -start-> CONNECT -CONNACK-> UP -bye-> BYE       lost: any -> IDLE
 *
 * What is received is digested in iot_mqtt_hear, what is sent is chosen in iot_mqtt_say. */
#ifndef IOT_MQTT_SESSION_H
#define IOT_MQTT_SESSION_H

#include "iot/iot_device.h"
#include "mqtt/iot_mqtt_codec.h"
#include "mqtt/iot_mqtt_inbox.h"
#include "mqtt/iot_mqtt_outbox.h"
#include "mqtt/iot_mqtt_qos2.h"
#include "mqtt/iot_mqtt_subs.h"
#include "mqtt/iot_mqtt_watch.h"

enum iot_mqtt_phase {
    IOT_MQTT_PH_IDLE,
    IOT_MQTT_PH_CONNECT,
    IOT_MQTT_PH_UP,
    IOT_MQTT_PH_BYE,
};

/* What is being handed to the stream; once begun it is finished before anything else is. Those of a
 * message come last. */
enum iot_mqtt_part {
    IOT_MQTT_PART_NONE,
    IOT_MQTT_PART_CONNECT,
    IOT_MQTT_PART_CTL,
    IOT_MQTT_PART_HEAD,
    IOT_MQTT_PART_REF,
    IOT_MQTT_PART_SOURCE,
};

/* What an event of the session says; the client makes a struct iot_event of it. */
struct iot_mqtt_event {
    enum iot_mqtt_event_kind {
        IOT_MQTT_EV_NONE,
        IOT_MQTT_EV_CONNACK, /* session_present */
        IOT_MQTT_EV_MESSAGE, /* msg; acknowledged only by iot_mqtt_accept */
        IOT_MQTT_EV_LARGE,  /* head of a message larger than the window: msg without payload, total:
                                 bytes of its packet. Its payload comes in parts, or skip_rest */
        IOT_MQTT_EV_PART,   /* msg: payload, offset, total; finished with by accept_part */
        IOT_MQTT_EV_SUBACK, /* ticket, err, code */
        IOT_MQTT_EV_UNSUBACK, /* ticket */
        IOT_MQTT_EV_ENDED,    /* ticket, err */
    } kind;
    iot_err err;
    iot_ticket ticket;
    uint32_t total;
    uint8_t code;
    bool session_present;
    struct iot_msg msg;
};

/* Small and busy fields stand first: Thumb reaches them with short instructions. */
struct iot_mqtt_session {
    uint8_t phase, part;
    bool bye_put; /* DISCONNECT is in the slot, or was sent */
#if IOT_FEATURE_REGISTER
    bool errand; /* see iot_mqtt_errand.h */
#endif
#if IOT_FEATURE_RECEIVE
    struct iot_mqtt_ack offered; /* what accept will owe */
    struct iot_mqtt_ack large;   /* what the end of a message larger than the window will owe */
    uint32_t body_left;          /* so much of that has still to come */
#endif
    uint16_t ctl_len;
    uint16_t next_id;
    uint16_t resent; /* with the last CONNACK */
#if IOT_FEATURE_SESSION_KEEP
    uint16_t id_left; /* ids that may be handed out; UINT16_MAX: no limit */
#endif
#if IOT_FEATURE_QOS2
    struct iot_mqtt_qos2 qos2;
#endif
    const struct iot_options *opt;
    const uint8_t *part_ptr; /* what is left of `part`: it does not move until it is sent */
    uint32_t part_left;
#if IOT_FEATURE_PARTS
    uint32_t body;    /* of so much */
    bool body_wanted; /* it is handed out in parts */
#endif
    iot_ticket next_ticket;
    iot_time now;    /* whoever enters the session has set it: it stands still within a tick */
    uint32_t window; /* the largest packet that feed will ever be shown whole */
    struct iot_mqtt_watch watch;
    struct iot_mqtt_inbox inbox;
#if IOT_FEATURE_RECEIVE
    struct iot_mqtt_subs subs;
#endif
    uint8_t ctl[IOT_MQTT_CONTROL_BYTES];
    struct iot_mqtt_outbox box;
};

/** `window` is the largest packet the client can show whole. */
void iot_mqtt_session_init(struct iot_mqtt_session *s, const struct iot_options *opt,
                           uint32_t window);

/** Of a session that the broker may hold from before a reboot: begin with other packet ids and tickets than 1. */
void iot_mqtt_start_elsewhere(struct iot_mqtt_session *s, uint32_t chance);

/** Are options and credentials fit for CONNECT, and does it fit `cap` bytes? It is built in `scratch`,
 *  `*len` is its length. Errors as iot_device_init. */
iot_err iot_mqtt_session_check(const struct iot_options *opt, const struct iot_credentials *who,
                               uint8_t *scratch, uint32_t cap, uint32_t *len);

/** The stream is up. CONNECT is built in `scratch`, which stays lent until iot_mqtt_sending_connect
 *  is false. Errors as check. */
iot_err iot_mqtt_session_start(struct iot_mqtt_session *s, const struct iot_credentials *who,
                               uint8_t *scratch, uint32_t cap);

/** The stream is gone. What cannot be continued ends; see iot_mqtt_ended. */
void iot_mqtt_session_lost(struct iot_mqtt_session *s);

/** The wire takes nothing any more, and what came before that is still to be digested: what is owed
 *  to the broker is forgotten. Until lost. */
void iot_mqtt_session_mute(struct iot_mqtt_session *s);

/** The application closed: undone messages end as CLOSED, or UNKNOWN if the broker may have them;
 *  subscriptions are forgotten. */
void iot_mqtt_session_finish(struct iot_mqtt_session *s);

/** Say DISCONNECT next (MQTT-3.14.4-2: nothing after it) and throw away all input from now on. */
void iot_mqtt_session_bye(struct iot_mqtt_session *s);

/** DISCONNECT was handed over whole. */
bool iot_mqtt_said_bye(const struct iot_mqtt_session *s);

/** Between CONNACK and the end. */
bool iot_mqtt_up(const struct iot_mqtt_session *s);

/** Nothing undone: no message, no subscription under way, nothing owed to the broker. */
bool iot_mqtt_session_idle(const struct iot_mqtt_session *s);

/** Next message that has ended. False: none. Ask after each call that can end one: sent, feed,
 *  released, lost, finish. */
bool iot_mqtt_ended(struct iot_mqtt_session *s, struct iot_mqtt_event *ev);

/** A packet id that no message and no subscription uses (MQTT-2.3.1-1, -2); 0: none is left. */
uint16_t iot_mqtt_fresh_id(struct iot_mqtt_session *s);
/** The last one was not used after all. */
void iot_mqtt_return_id(struct iot_mqtt_session *s, uint16_t id);

/** The id for a message: 0 with QoS 0. False: none is left. */
bool iot_mqtt_id_for(struct iot_mqtt_session *s, uint8_t qos, uint16_t *id);

/** The next ticket is given out; `out` may be NULL. */
void iot_mqtt_use_ticket(struct iot_mqtt_session *s, iot_ticket *out);

/** The outbox has answered a message with `err`: its ticket is used, or nothing has changed. */
iot_err iot_mqtt_accepted(struct iot_mqtt_session *s, iot_err err, uint16_t id, iot_ticket *ticket);

/** Making room may have moved the message that is being sent. */
void iot_mqtt_follow(struct iot_mqtt_session *s);

/* As in iot_mqtt.h, but for the device's state. */
iot_err iot_mqtt_session_publish(struct iot_mqtt_session *s, const struct iot_msg *msg,
                                 iot_ticket *ticket);

#endif

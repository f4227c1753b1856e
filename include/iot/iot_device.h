/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_device.h
 * One device: options, life, the tick, events, counters.
 *
 * All functions are called in lwIP's context (superloop, tcpip thread, or holding the core lock),
 * never from an interrupt. All may be called from any callback of the library unless said here.
 */
#ifndef IOT_DEVICE_H
#define IOT_DEVICE_H

#include "iot/iot_alink.h"
#include "iot/iot_link.h"
#include "iot/iot_mqtt.h"
#include "iot/iot_port.h"
#include "iot/iot_stream.h"
#include "iot/iot_tls.h"

#ifdef __cplusplus
extern "C" {
#endif

enum iot_event_kind {
    IOT_EV_CONNECTING, /* an attempt begins: delay_ms 0 */
    IOT_EV_CONNECTED,  /* CONNACK accepted; session_present */
    IOT_EV_LOST,       /* link or attempt ended: err, detail; the next one in delay_ms, or
                           IOT_MS_NEVER when none follows (reconnect off). OTA_ROOM: it was
                           wanted, to lend memory to an update (iot_ota.h): ended in good order,
                           delay_ms IOT_MS_NEVER, and yet IOT_EV_CONNECTING follows by itself when
                           the memory is back, with reconnect off as well; no fault */
    IOT_EV_DONE,       /* ticket: message delivered as its QoS says */
    IOT_EV_FAILED,     /* ticket, err: message ended without that; see iot_mqtt.h */
    IOT_EV_SUBACK,     /* ticket; err IOT_OK: code is the granted QoS; MQTT_SUBACK: refused, slot
                           freed. Comes again only if a renewal is granted otherwise. */
    IOT_EV_UNSUBACK,   /* ticket */
    IOT_EV_MESSAGE,    /* msg: matches no subscription that has a handler */
    IOT_EV_SKIPPED,    /* a message was dropped: err MQTT_TOO_LARGE (msg: topic and QoS, detail:
                           bytes of the packet), MQTT_DECLINED (msg), or of the platform's: what is wrong with
                           it (JSON_..., LINK_...; msg) */
    IOT_EV_REPLY,  /* ticket, reply: the platform has answered a request; err IOT_OK or LINK_CODE,
                           detail: its code. See iot_alink.h */
    IOT_EV_NOTICE, /* notice: the platform says something unasked. See iot_alink.h */
    IOT_EV_REGISTERED, /* the platform gave a secret, and it is stored: the link that fetched it ends, and
                           the login follows at once. See iot_register.h */
    IOT_EV_WRITABLE, /* room again after IOT_ERR_FULL */
    IOT_EV_BUSY,     /* code 1: the next step takes long and cannot be sliced (IOT_TLS_ECDHE_RSA and
                           the like): feed the watchdog; code 0: it is over. In the middle of a
                           tick: publish, subscribe and close are allowed, but do little */
    IOT_EV_CLOSED,   /* after iot_device_close: when the iot_poll that raised it has returned,
                          memory and borrowed texts are yours again. Only this gives them back:
                          after IOT_EV_LOST lwIP may still hold a name request of ours */
};

struct iot_event {
    enum iot_event_kind kind;
    iot_err err;
    int32_t detail;
    iot_ticket ticket;
    uint32_t delay_ms;
    uint8_t code;
    bool session_present;
    const struct iot_msg *msg; /* valid until return */
#if IOT_FEATURE_ALINK
    const struct iot_reply *reply; /* the same */
    const struct iot_notice *notice;
#endif
};

/** The event is valid until return. The device may be closed in here, not initialised. */
typedef void (*iot_event_handler)(void *ctx, struct iot_device *dev, const struct iot_event *ev);

enum iot_session_kind {
    IOT_SESSION_CLEAN, /* nothing outlives a connection; in-flight QoS 1, 2 fail as UNKNOWN */
    IOT_SESSION_KEEP,  /* the broker keeps ours; in-flight messages are resent. If the broker lost
                          it they are sent again as new ones (duplicates possible). Kept in RAM. */
    IOT_SESSION_KEEP_REBOOT, /* as KEEP, and the broker's part is taken up again after a reboot: it delivers
                          what it has queued, subscriptions live on. Messages of ours that were not done
                          are gone with the RAM; one of QoS 2 that was in the middle is delivered by
                          the broker late or never. An incoming QoS 2 message whose PUBREL had not come
                          is delivered once more. Packet ids of before the reboot are not used again
                          for some 65,000 others: every 128 to 256 of them cost one kv_set */
};

struct iot_will {
    struct iot_topic topic; /* len 0: no will */
    struct iot_bytes payload;
    uint8_t qos;
    bool retain;
};

/** Who logs in where, for one attempt to connect. Filled from the options (and from the platform
 *  identity) when on_credentials gets it. */
struct iot_credentials {
    const char *host; /* NUL-terminated */
    uint16_t port;
    struct iot_bytes client_id, user_name, password; /* ptr NULL: none */
#if IOT_FEATURE_REGISTER
    bool
        registers; /* this attempt fetches the device's secret (iot_register.h): look, replace the host
                       if need be, but no text of the login. What you write here is not looked at */
#endif
};

/**
 * Asked before each attempt to connect: look at the credentials, or replace them (a token that ages,
 * a host from a directory).
 *
 * c        what is pointed to has to live until IOT_EV_CONNECTED or IOT_EV_LOST.
 * Returns  IOT_OK; IOT_ERR_AGAIN: not ready, asked again in a later tick, with an identity's `sign`
 *          before it; any other error ends the attempt by that name.
 */
typedef iot_err (*iot_credentials_handler)(void *ctx, struct iot_device *dev,
                                           struct iot_credentials *c);

/** Everything is borrowed from iot_device_init to IOT_EV_CLOSED; const in flash is fine. */
struct iot_options {
    /* Name or address, NUL-terminated. NULL with `link` or on_credentials, which bring it; and, without a client_id and
     * TLS, for a device that does no MQTT, only what is attached to it (iot_coap.h, iot_http.h). */
    const char *host;
    uint16_t port; /* 0: 1883, with TLS 8883, with `link` and TLS 443 */
    void *netif;   /* struct netif * to bind to, or NULL */

    const struct iot_tls_options *tls; /* NULL: plain TCP */
    const struct iot_link_identity
        *link; /* a device of the Alibaba Cloud platform: makes host, client
                                             id, user name, password, and brings its back-off rules.
                                             NULL: any MQTT broker */
    iot_credentials_handler on_credentials; /* NULL: the credentials are as the options say */

    const char *client_id;     /* NUL-terminated UTF-8; empty only with IOT_SESSION_CLEAN */
    const char *user_name;     /* NUL-terminated UTF-8, or NULL: none */
    struct iot_bytes password; /* ptr NULL: none; needs a user name (MQTT-3.1.2-22) */
    struct iot_will will;
    enum iot_session_kind session;
    /* For IOT_SESSION_KEEP_REBOOT: name in the port's kv of two bytes. */
    const char *session_key;
    /* The broker has lost a kept session. true: messages that were sent and not acknowledged end as
     * UNKNOWN; false: they are sent again as new ones. */
    bool hand_back;
    /* For messages that name no policy: IOT_MSG_REFUSE (0, too), IOT_MSG_DROP_OLDEST, IOT_MSG_REPLACE. */
    uint8_t queue;
    uint16_t keepalive_s; /* 0: TCP's own probes watch the link, PINGREQ is only sent when the loop
                             stood still for IOT_STALE_MS. Typical 60 */

    bool no_reconnect;           /* true: IOT_EV_LOST is final, until iot_device_connect; the pause
                                    before it is yours then */
    uint32_t backoff_cap_ms;     /* 0: 60 000 */
    uint32_t connack_timeout_ms; /* 0: 10 000 */
    uint32_t ping_timeout_ms;    /* 0: 10 000 */
    uint32_t ack_timeout_ms; /* 0: 20 000; no acknowledgement at all for so long: link dropped */
    uint16_t first_id; /* first packet id, for byte-exact tests; 0: 1, of a kept session by chance.
                                What kv says of IOT_SESSION_KEEP_REBOOT comes before it */

    iot_event_handler on_event;
    void *ctx;
    const struct iot_port *port_ops;
    struct iot_stream *stream; /* NULL: the library's own TCP. One that does TLS itself (a module,
                                  hardware) is given here with `tls` NULL */
};

/** Counted since iot_device_init; they wrap. */
struct iot_counters {
    uint32_t connects;        /* CONNACKs accepted, those of registrations not counted */
    uint32_t losses;          /* links and attempts that ended unasked */
    uint32_t sent_messages;   /* IOT_EV_DONE; also requests that have left, whose end is another */
    uint32_t failed_messages; /* IOT_EV_FAILED */
    uint32_t received_messages; /* accepted */
    uint32_t skipped_messages;  /* IOT_EV_SKIPPED */
    uint32_t resent_messages;   /* with DUP, or as new after a lost session */
    uint32_t declined;          /* times a handler said AGAIN */
};

/** A fixed pool: how much is in use, how much was at most, how much there is. */
struct iot_pool_use {
    const char *name; /* static, without blanks */
    uint32_t used, high, max;
};

/**
 * Prepare a device. No memory but `*dev` is used, now or later.
 *
 * dev      caller's storage, complete type from iot_static.h; new memory, or a device that has raised
 *          IOT_EV_CLOSED.
 * options  borrowed, see there.
 * Returns  IOT_OK; IOT_ERR_ARG: no host, no client id for a kept session, no session_key or kv for one
 *          that outlives reboots, no on_event or port, password without user name, bad will; a
 *          platform identity that is ill-formed (iot_link.h) or with x509 lacks TLS or the certificate, or with
 *          a registration lacks TLS or the port's kv; TLS options that cannot work: no authority for a
 *          kind that needs one, PSK or certificate without its other half, unknown kinds, names or
 *          keys too long, arena missing or not aligned; TLS or identity not built in;
 *          IOT_ERR_MQTT_TOPIC: will topic, or ill-formed client id or user name; IOT_ERR_SIZE: CONNECT
 *          does not fit IOT_MQTT_RX_BYTES, or with texts of the identity half of it;
 *          IOT_ERR_CONFIG: library and application were built with different switches.
 */
#define iot_device_init(dev, options)                                                              \
    iot_device_init_checked((dev), (options), (uint32_t)sizeof(*(dev)), IOT_CONFIG_HASH)

iot_err iot_device_init_checked(struct iot_device *dev, const struct iot_options *options,
                                uint32_t size, uint32_t config_hash);

/** Begin to connect and stay connected. Another client id than before needs iot_device_init first:
 *  it is the key of the session (MQTT-3.1.3-2). Returns IOT_OK; IOT_ERR_STATE: already begun, or closing; IOT_ERR_ARG:
 *  options of a device without MQTT. */
iot_err iot_device_connect(struct iot_device *dev);

/**
 * The tick: all work happens here.
 *
 * now_ms   a counter of ms that may wrap (HAL_GetTick, sys_now).
 * Returns  ms until it wants to be called again if lwIP has nothing new; 0: at once;
 *          IOT_MS_NEVER: only when something happens. Called from one of its own callbacks it does
 *          nothing and returns 0: do not wait in a callback.
 */
uint32_t iot_poll(struct iot_device *dev, uint32_t now_ms);

/** What iot_poll would return, without working. Ask this after publishing, before sleeping. */
uint32_t iot_sleep_ms(const struct iot_device *dev, uint32_t now_ms);

enum iot_network_change { IOT_NETWORK_UP, IOT_NETWORK_DOWN, IOT_NETWORK_CHANGED };

#if IOT_FEATURE_NETWORK_HINTS
/** A hint that saves time-outs: down ends the link or attempt now, changed as well and tries anew, up ends
 *  the wait between two attempts. An attempt that is under way goes on at up: TCP and DNS repeat what
 *  was lost after 1 to 3 s. */
void iot_network(struct iot_device *dev, enum iot_network_change change);
#endif

/**
 * End in good order: queued messages are sent and acknowledged within `drain_ms`, then DISCONNECT
 * (no will fires), then the stream is closed. Until then requests of the platform are still served
 * and answered: a service may close the device that it runs on. What is not done by then ends as
 * IOT_EV_FAILED CLOSED, or UNKNOWN if the broker may have it; a kept session's messages, too, which
 * are not sent again later. Last comes IOT_EV_CLOSED; afterwards connect may be called again.
 *
 * drain_ms behind it DISCONNECT and the orderly close of TCP have 2 s of their own; a name request
 *          that is out is waited for, as lwIP cannot cancel it (its own give-up: some 7 s). What is attached (iot_http.h)
 *          is ended and waited for as well, also if the device was never connected.
 * Returns  IOT_OK; IOT_ERR_STATE: closed or closing already, nothing is under way.
 */
iot_err iot_device_close(struct iot_device *dev, uint32_t drain_ms);

/** Safe to sleep or to cut power: nothing accepted and undone, nothing owed to the broker, all bytes
 *  sent confirmed by its TCP. */
bool iot_device_idle(const struct iot_device *dev);

bool iot_device_connected(const struct iot_device *dev);

/** The connection took up a TLS session of an earlier one (iot_tls_options.session_key): no certificate was looked at,
 *  and no long step was needed. With a PSK always false. */
bool iot_device_resumed(const struct iot_device *dev);

/** Why the last link or attempt ended; IOT_OK if none has. `detail` may be NULL. */
iot_err iot_device_last_reason(const struct iot_device *dev, int32_t *detail);

#if IOT_FEATURE_STATS
const struct iot_counters *iot_device_counters(const struct iot_device *dev);

/** Pool number `i` from 0; false behind the last. */
bool iot_device_pool(const struct iot_device *dev, uint32_t i, struct iot_pool_use *out);
#endif

#ifdef __cplusplus
}
#endif
#endif

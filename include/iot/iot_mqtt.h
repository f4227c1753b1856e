/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_mqtt.h
 * MQTT 3.1.1: publish, subscribe, receive.
 *
 * What "done" means (IOT_EV_DONE), and it or IOT_EV_FAILED comes exactly once per ticket:
 *
 *     QoS 0   all bytes were taken by the stream (TCP has them; the broker may not);
 *             by reference: and the peer's TCP has acknowledged them.
 *     QoS 1   PUBACK arrived: the broker owns the message, possibly more than once.
 *     QoS 2   PUBCOMP arrived: the broker owns the message exactly once.
 *
 * IOT_EV_FAILED says why: CUT (QoS 0 by reference or streamed: the link broke or was closed when some of it was sent; copied, it is sent again whole), UNKNOWN (QoS 1
 * or 2, sent and unacknowledged, and the session is gone), CLOSED (iot_device_close), DROPPED (it gave way to a
 * newer one; nothing of it was sent), MQTT_UNFINISHED (its source failed).
 */
#ifndef IOT_MQTT_H
#define IOT_MQTT_H

#include "iot/iot_base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct iot_device;

/** The highest QoS there is, both ways; a higher one is refused with IOT_ERR_ARG. */
#define IOT_MQTT_QOS_MAX (IOT_FEATURE_QOS2 ? 2 : 1)

/** A topic name or filter, not NUL-terminated. Made by IOT_TOPIC (raw: checked on each use) or by
 *  iot_topic_prepare (checked once). */
struct iot_topic {
    const char *text;
    uint16_t len;
    uint16_t prepared; /* private */
};

/** Initialiser of a raw topic from a string literal. */
#define IOT_TOPIC(literal)                                                                         \
    {                                                                                              \
        ("" literal), (uint16_t)(sizeof(literal) - 1), 0                                           \
    }

/**
 * Check a topic name once, for cheap publishing.
 *
 * text     borrowed as long as `t` is used.
 * len      1..65535, bytes.
 * Returns  IOT_OK; IOT_ERR_MQTT_TOPIC: empty, too long, a wildcard, NUL or ill-formed UTF-8
 *          (MQTT-1.5.3-1, -2, 3.3.2-2, 4.7.3-1..3).
 */
iot_err iot_topic_prepare(struct iot_topic *t, const char *text, uint32_t len);

enum iot_msg_flag {
    IOT_MSG_RETAIN = 1, /* both ways */
    IOT_MSG_DUP = 2,    /* received only; says nothing under QoS 1 (MQTT-3.3.1-3) */
    IOT_MSG_BY_REF = 4, /* sent only: the payload stays where it is until done or failed */

    /* Sent only: what happens when the outbox is full; none of them: as iot_options.queue says. */
    IOT_MSG_REFUSE = 8, /* IOT_ERR_FULL */
    /* The oldest of the messages that were published with this flag or the next give way. */
    IOT_MSG_DROP_OLDEST = 16,
    /* Full or not: an older message with this topic gives way, if it was published with this flag or the
     * one before. */
    IOT_MSG_REPLACE = 32,

    IOT_MSG_SILENT =
        64, /* private: its end is nobody's event. Of messages that are written in place */
};
#define IOT_MSG_POLICY (IOT_MSG_REFUSE | IOT_MSG_DROP_OLDEST | IOT_MSG_REPLACE)

struct iot_msg {
    struct iot_topic topic;
    struct iot_bytes payload; /* may be empty, then ptr may be NULL */
    uint8_t qos;              /* 0, 1, 2 */
    uint8_t flags;            /* enum iot_msg_flag */

    /* Received only: where in the whole payload this one begins, and how long the whole is. A message that
     * fits the window is whole: 0 and payload.len. */
    uint32_t offset, total;
};

/**
 * Queue a message; the next tick sends it. Allowed from iot_device_connect until
 * iot_device_close, connected or not: what waits is sent after the next CONNACK, in order.
 *
 * msg      borrowed until return; with IOT_MSG_BY_REF the payload (not the topic) until
 *          IOT_EV_DONE or IOT_EV_FAILED for this ticket.
 * ticket   out, may be NULL.
 * Context  application code or any callback; not from an interrupt.
 * Returns  IOT_OK; IOT_ERR_FULL, nothing queued and nothing dropped, IOT_EV_WRITABLE will come; IOT_ERR_SIZE, will
 *          never fit IOT_MQTT_TX_BYTES; IOT_ERR_MQTT_TOPIC; IOT_ERR_ARG (QoS 3, two policies); IOT_ERR_STATE,
 *          not between connect and close, or a writer is open; IOT_ERR_AGAIN, QoS 1 or 2 of a
 *          kept session before the first tick, and the port's random numbers are not ready, or, for
 *          IOT_SESSION_KEEP_REBOOT, its kv is not; IOT_ERR_KV, there is no id as it failed.
 */
iot_err iot_mqtt_publish(struct iot_device *dev, const struct iot_msg *msg, iot_ticket *ticket);

#if IOT_FEATURE_WRITER
/**
 * Write a message straight into the transmit ring. msg->payload is ignored.
 *
 * max      bytes of payload to reserve; commit gives back what was not written.
 * w        out: append with iot_writer_*; at most one writer is open per device, and nothing else
 *          can be published meanwhile.
 * Returns  as iot_mqtt_publish; IOT_ERR_ARG also for IOT_MSG_BY_REF.
 */
iot_err iot_mqtt_begin(struct iot_device *dev, const struct iot_msg *msg, uint32_t max,
                       struct iot_writer *w);

/** Queue what was written. Returns IOT_OK; IOT_ERR_SIZE, more was written than reserved: nothing is
 *  queued; IOT_ERR_STATE, no such writer is open; IOT_ERR_AGAIN, no packet id is left
 *  (IOT_SESSION_KEEP_REBOOT). The writer is closed in every case. */
iot_err iot_mqtt_commit(struct iot_writer *w, iot_ticket *ticket);

/** Give the reservation back; nothing is sent. What gave way to it (IOT_MSG_REPLACE, _DROP_OLDEST) stays dropped. */
void iot_mqtt_cancel(struct iot_writer *w);
#endif

/**
 * Give the next bytes of a streamed message.
 *
 * offset   so many were given already.
 * w        append 1 to w->cap bytes; cap is IOT_MQTT_CONTROL_BYTES, or what is left of the message.
 * Context  inside iot_poll; as in a message handler, but the tick goes on behind it.
 * Returns  IOT_OK; IOT_ERR_AGAIN or IOT_ERR_FULL, none now (what was appended does not count): asked again
 *          soon. Nothing else can be sent
 *          meanwhile, not even PINGREQ, hence IOT_STREAM_MAX_MS: after it, with any other value, and when
 *          more than cap was appended, the connection and the message end with IOT_ERR_MQTT_UNFINISHED.
 */
typedef iot_err (*iot_mqtt_source)(void *ctx, struct iot_device *dev, uint32_t offset,
                                   struct iot_writer *w);

#if IOT_FEATURE_STREAMED
/**
 * Queue a message of QoS 0 that is larger than the ring: when its turn has come, its payload is asked
 * for piece by piece. A link that breaks in the middle ends it as CUT.
 *
 * msg      payload is ignored; the topic is copied.
 * total    bytes of payload, 1 and more. All of it should be on its way within the keep-alive.
 * source   and ctx: used until IOT_EV_DONE or IOT_EV_FAILED.
 * Returns  as iot_mqtt_publish; IOT_ERR_FULL also while another streamed message lives; IOT_ERR_ARG
 *          for QoS 1 and 2, which may have to be sent again, and for IOT_MSG_BY_REF.
 */
iot_err iot_mqtt_stream(struct iot_device *dev, const struct iot_msg *msg, uint32_t total,
                        iot_mqtt_source source, void *ctx, iot_ticket *ticket);
#endif

/**
 * A received message for one matching subscription.
 *
 * msg      topic and payload lie in the receive window: valid until return.
 * Context  last thing in its step: publish, subscribe, unsubscribe, close are allowed; a nested
 *          iot_poll does nothing.
 * Returns  IOT_OK, accepted: only then QoS 1 and 2 are acknowledged. IOT_ERR_AGAIN or IOT_ERR_FULL,
 *          not now (so `return iot_mqtt_publish(...)` is a fair answer): it is offered again soon, for
 *          IOT_DECLINE_MAX_MS at most, and no message behind it before. With several matching subscriptions only those that declined
 *          are asked again. Any other value counts as IOT_OK.
 */
typedef iot_err (*iot_mqtt_handler)(void *ctx, struct iot_device *dev, const struct iot_msg *msg);

struct iot_filter {
    struct iot_topic filter;     /* text borrowed until IOT_EV_UNSUBACK, a refusing IOT_EV_SUBACK
                                   or IOT_EV_CLOSED */
    uint8_t qos;                 /* the most we want: 0, 1, 2 */
    iot_mqtt_handler on_message; /* NULL: messages come as IOT_EV_MESSAGE */
    void *ctx;
    /* on_message takes messages larger than IOT_MQTT_RX_BYTES, piece by piece as they come, by `offset`
     * and `total`; each piece can be declined, and the last one is acknowledged. A message whose link breaks
     * is not finished; with QoS 1 and 2 it begins again with offset 0. false: such a message is
     * IOT_EV_SKIPPED, unless another handler takes it. */
    bool in_parts;
};

#if IOT_FEATURE_RECEIVE
/**
 * Subscribe; renewed by itself whenever the broker has lost the session. The same filter again
 * replaces handler and QoS. IOT_EV_SUBACK with this ticket says what the broker granted; there is
 * none if the filter is subscribed again, unsubscribed, or the device closed before it came.
 *
 * f        the struct is copied, its text is borrowed (see above).
 * Returns  IOT_OK; IOT_ERR_FULL, IOT_MQTT_SUBS_MAX reached, retry after an IOT_EV_UNSUBACK or a
 *          refusing IOT_EV_SUBACK; IOT_ERR_SIZE, filter longer than
 *          IOT_MQTT_CONTROL_BYTES - 10; IOT_ERR_MQTT_TOPIC, not a filter (MQTT-4.7.1-1..3);
 *          IOT_ERR_ARG (QoS 3); IOT_ERR_STATE, not between connect and close, or this filter's
 *          UNSUBACK is still awaited.
 */
iot_err iot_mqtt_subscribe(struct iot_device *dev, const struct iot_filter *f, iot_ticket *ticket);
#endif

#if IOT_FEATURE_UNSUBSCRIBE
/**
 * Unsubscribe. Its handler is not called again from now on; IOT_EV_UNSUBACK frees the slot and
 * gives the filter's text back.
 *
 * filter   compared by text with what was subscribed.
 * Returns  IOT_OK; IOT_ERR_ARG, no such subscription; IOT_ERR_STATE, not between connect and close.
 */
iot_err iot_mqtt_unsubscribe(struct iot_device *dev, const struct iot_topic *filter,
                             iot_ticket *ticket);
#endif

#ifdef __cplusplus
}
#endif
#endif

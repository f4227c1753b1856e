/* SPDX-License-Identifier: Apache-2.0 */
/* Messages accepted and not done, and the ring that holds their bytes. Knows states and order,
 * nothing of time or of the wire.
 *
 *     out:  [ REL .. | SENT, REF_HELD, ENDED .. | QUEUED .. ]
 *              rels                                queued
 *     tx:   ..free [ SENT .. QUEUED .. ] free..
 *                  ^ oldest with bytes  ^ tail
 *
 * A message's bytes are contiguous: what does not fit behind the tail goes to the ring's start, and
 * when gaps between messages are all that is left, they are closed (iot_mqtt_room.h).
 * REL (QoS 2 after PUBREC) holds no bytes and stands in front, in the order of the PUBRECs, which is
 * the order of the PUBRELs (MQTT-4.6.0-4); the others stand in the order of their publishing
 * (MQTT-4.6.0-1). */
#ifndef IOT_MQTT_OUTBOX_H
#define IOT_MQTT_OUTBOX_H

#include "iot/iot_mqtt.h"

enum iot_mqtt_out_state {
    IOT_OUT_QUEUED,   /* to be sent, or sent again, whole */
    IOT_OUT_SENT,     /* QoS 1: awaits PUBACK; QoS 2: PUBREC */
    IOT_OUT_REL,      /* QoS 2: awaits PUBCOMP */
    IOT_OUT_REF_HELD, /* by reference, otherwise done: awaits the stream's release */
    IOT_OUT_ENDED,    /* awaits the application's event */
};

/* A place in the ring, or a number of its bytes: there are two in each message. */
#if IOT_MQTT_TX_BYTES <= 65535
typedef uint16_t iot_mqtt_ring;
#else
typedef uint32_t iot_mqtt_ring;
#endif

struct iot_mqtt_out {
    iot_ticket ticket;
    const uint8_t *ref;    /* by-reference payload, or NULL */
    uint32_t ref_len;      /* streamed: what its source has still to give */
    iot_mqtt_ring at, len; /* bytes in the ring; len 0: given back */
    uint32_t ref_end;      /* sent: the stream's count at which the reference is over */
    uint16_t id;           /* QoS 0: 0 */
    uint8_t state;
    uint8_t qos : 2;
    uint8_t again : 1;     /* was sent whole in this session: DUP */
    uint8_t tried : 1;     /* was sent whole in any: the broker may have it */
    uint8_t gives_way : 1; /* to newer ones, as long as nothing of it was sent */
    uint8_t streamed : 1;  /* the payload comes from `source` */
    int16_t result;        /* ENDED: an iot_err */
};

struct iot_mqtt_outbox {
    uint8_t count, rels, queued, ended;
    uint8_t rels_sent; /* so many of the RELs have their PUBREL out on this connection */
    uint8_t count_high;
    uint8_t dropped_count;
    uint8_t policy; /* of messages that name none: an IOT_MSG_ flag, or 0 */
    bool want_room, freed;
    bool told;    /* of dropped ones: more can give way, though the table may be full */
    bool sending; /* some of the next message is with the stream */
    uint32_t tail;
    uint32_t used; /* bytes of all messages; gaps between them not counted */
    struct {       /* the one open writer; len 0: none */
        uint32_t at, len;
        uint32_t body; /* offset of the payload */
        uint16_t topic_len;
        uint8_t qos, first, flags;
    } writer;
    struct { /* of the one streamed message; pull NULL: none */
        iot_mqtt_source pull;
        void *ctx;
        uint32_t offset;
        bool unfinished; /* it had no bytes when its turn came */
    } source;
    iot_ticket dropped[IOT_MQTT_DROPPED_MAX]; /* gave way; await the application's event */
    uint32_t tx_high;
    struct iot_mqtt_out out[IOT_MQTT_OUT_MAX];
    uint8_t tx[IOT_MQTT_TX_BYTES];
};

/** May this be published at all? IOT_OK, IOT_ERR_ARG, IOT_ERR_MQTT_TOPIC. */
iot_err iot_mqtt_outbox_check(const struct iot_msg *msg);

/** Accept a checked message. IOT_OK; IOT_ERR_FULL; IOT_ERR_SIZE; IOT_ERR_STATE: writer open. */
iot_err iot_mqtt_outbox_put(struct iot_mqtt_outbox *box, const struct iot_msg *msg, uint16_t id,
                            iot_ticket ticket);

/** Accept a checked message of QoS 0 whose payload comes from a source. IOT_OK; IOT_ERR_FULL, also while
 *  another one lives; IOT_ERR_SIZE; IOT_ERR_STATE. */
iot_err iot_mqtt_outbox_stream(struct iot_mqtt_outbox *box, const struct iot_msg *msg,
                               uint32_t total, iot_mqtt_source source, void *ctx,
                               iot_ticket ticket);

/** Reserve for a writer; errors as put. */
iot_err iot_mqtt_outbox_begin(struct iot_mqtt_outbox *box, const struct iot_msg *msg, uint32_t max,
                              struct iot_writer *w);
iot_err iot_mqtt_outbox_commit(struct iot_mqtt_outbox *box, struct iot_writer *w, uint16_t id,
                               iot_ticket ticket);
void iot_mqtt_outbox_cancel(struct iot_mqtt_outbox *box);

/** Topic of the open writer, or of the one that was committed last; in the ring. */
static inline struct iot_bytes iot_mqtt_outbox_topic(const struct iot_mqtt_outbox *box)
{
    uint32_t behind = box->writer.topic_len + (box->writer.qos != 0 ? 2u : 0u);
    struct iot_bytes topic = {&box->tx[box->writer.body - behind], box->writer.topic_len};
    return topic;
}

/** The message to be sent next, or NULL. */
static inline struct iot_mqtt_out *iot_mqtt_outbox_next(struct iot_mqtt_outbox *box)
{
    return box->queued == 0 ? NULL : &box->out[box->count - box->queued];
}

/** It was handed over whole; the stream has `written` bytes so far. True: the broker owes an
 *  acknowledgement. */
bool iot_mqtt_outbox_sent(struct iot_mqtt_outbox *box, uint32_t written);

/** The stream no longer refers to the first `count` bytes (modulo 2^32). */
void iot_mqtt_outbox_released(struct iot_mqtt_outbox *box, uint32_t count);

/** An acknowledgement came. False: none of ours waits for this one. By reference it does not end
 *  before the next `released` that counts past it. */
bool iot_mqtt_outbox_puback(struct iot_mqtt_outbox *box, uint16_t id);
bool iot_mqtt_outbox_pubrec(struct iot_mqtt_outbox *box, uint16_t id);
bool iot_mqtt_outbox_pubcomp(struct iot_mqtt_outbox *box, uint16_t id);

/** The connection is gone. `keep`: what the broker has not acknowledged waits for
 *  resume or renew; otherwise its outcome is unknown (MQTT-3.1.2-6). What was not handed over whole
 *  stays queued either way: no broker can have understood it. */
void iot_mqtt_outbox_lost(struct iot_mqtt_outbox *box, bool keep);

/** The session goes on: send again with the same ids and DUP (MQTT-4.4.0-1). Returns how many. */
uint32_t iot_mqtt_outbox_resume(struct iot_mqtt_outbox *box);

/** The broker has lost the session: send again as new, or, with `hand_back`, end as UNKNOWN what was
 *  sent. Messages in REL end so in any case, their bytes are gone. Returns how many are sent again. */
uint32_t iot_mqtt_outbox_renew(struct iot_mqtt_outbox *box, bool hand_back);

/** The application closed: end all that is not ended, as CLOSED, or as UNKNOWN what the broker may
 *  have. After `lost`. */
void iot_mqtt_outbox_finish(struct iot_mqtt_outbox *box);

/** Take out the next ended message. */
bool iot_mqtt_outbox_take(struct iot_mqtt_outbox *box, iot_ticket *ticket, iot_err *result);

/** The id of the next PUBREL to be sent; 0: none. It counts as sent from now on. */
uint16_t iot_mqtt_outbox_next_rel(struct iot_mqtt_outbox *box);

bool iot_mqtt_outbox_has_id(const struct iot_mqtt_outbox *box, uint16_t id);

/** True once after FULL when room was given back. */
bool iot_mqtt_outbox_room(struct iot_mqtt_outbox *box);

#endif

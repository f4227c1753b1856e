/* SPDX-License-Identifier: Apache-2.0 */
/* Messages accepted and not done, and the ring that holds their bytes. Knows states and order,
 * nothing of time or of the wire.
 *
 *     out:  [ REL .. | SENT, REF_HELD, ENDED .. | QUEUED .. ]
 *           rels.count                             queued
 *     tx:   ..free [ SENT .. QUEUED .. ] free..
 *                  ^ oldest with bytes  ^ tail
 *
 * A message's bytes are contiguous: what does not fit behind the tail goes to the ring's start, and
 * when gaps between messages are all that is left, they are closed (iot_mqtt_room.h).
 * REL (QoS 2 after PUBREC) holds no bytes and stands in front, in the order of the PUBRECs, which is
 * the order of the PUBRELs (MQTT-4.6.0-4); the others stand in the order of their publishing
 * (MQTT-4.6.0-1).
 *
 * Here is what every message does. What only some do has files of its own, each behind a switch: QoS 2
 * (iot_mqtt_rel), by reference (_ref), streamed (_source), written in place (_writer), giving way (_yield),
 * outliving a connection (_keep). */
#ifndef IOT_MQTT_OUTBOX_H
#define IOT_MQTT_OUTBOX_H

#include "core/iot_core_stats.h"
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
#if IOT_FEATURE_BY_REF
    struct iot_bytes ref; /* the payload, ptr NULL: in the ring */
    uint32_t ref_end;     /* sent: the stream's count at which the reference is over */
#endif
    iot_mqtt_ring at, len; /* bytes in the ring; len 0: given back */
    uint16_t id;           /* QoS 0: 0 */
    uint8_t state : 3;     /* enum iot_mqtt_out_state */
    uint8_t qos : 2;
    uint8_t again : 1;     /* was sent whole in this session: DUP */
    uint8_t tried : 1;     /* was sent whole in any: the broker may have it */
    uint8_t gives_way : 1; /* to newer ones, as long as nothing of it was sent */
    int8_t result;         /* ENDED: an iot_err */
};

struct iot_mqtt_outbox {
    uint8_t count, queued, ended;
    bool want_room, freed;
    bool sending; /* some of the next message is with the stream */
    uint32_t tail;
    uint32_t used; /* bytes of all messages; gaps between them not counted */
#if IOT_FEATURE_QOS2
    struct {
        uint8_t count;
        uint8_t sent; /* so many of them have their PUBREL out on this connection */
    } rels;
#endif
#if IOT_FEATURE_QUEUE_DROP
    struct {
        uint8_t policy; /* of messages that name none: an IOT_MSG_ flag, or 0 */
        uint8_t count;
        bool told; /* more can give way, though the table may be full */
        iot_ticket ticket[IOT_MQTT_DROPPED_MAX]; /* gave way; await the application's event */
    } dropped;
#endif
#if IOT_FEATURE_WRITER
    struct { /* the one open writer; len 0: none */
        uint32_t len;
        uint32_t body; /* offset of the payload */
        uint16_t topic_len;
        uint8_t qos, first, flags;
    } writer;
#endif
#if IOT_FEATURE_STREAMED
    struct { /* the one streamed message; pull NULL: none */
        iot_mqtt_source pull;
        void *ctx;
        uint32_t offset, left;
        uint32_t since; /* it has had no bytes, modulo 2^32 */
        iot_ticket ticket;
        bool unfinished; /* it had no bytes when its turn came */
    } source;
#endif
#if IOT_FEATURE_STATS
    uint8_t count_high;
    uint32_t tx_high;
#endif
    struct iot_mqtt_out out[IOT_MQTT_OUT_MAX];
    uint8_t tx[IOT_MQTT_TX_BYTES];
};

/** May this be published at all? IOT_OK, IOT_ERR_ARG, IOT_ERR_MQTT_TOPIC. */
iot_err iot_mqtt_outbox_check(const struct iot_msg *msg);

/** Accept a checked message. IOT_OK; IOT_ERR_FULL; IOT_ERR_SIZE; IOT_ERR_STATE: writer open. */
iot_err iot_mqtt_outbox_put(struct iot_mqtt_outbox *box, const struct iot_msg *msg, uint16_t id,
                            iot_ticket ticket);

/** The message to be sent next, or NULL. */
static inline struct iot_mqtt_out *iot_mqtt_outbox_next(struct iot_mqtt_outbox *box)
{
    return box->queued == 0 ? NULL : &box->out[box->count - box->queued];
}

/** It was handed over whole; the stream has `written` bytes so far. True: the broker owes an
 *  acknowledgement. */
bool iot_mqtt_outbox_sent(struct iot_mqtt_outbox *box, uint32_t written);

/** PUBACK came. False: none of ours waits for it. By reference it does not end before the next
 *  `released` that counts past it. */
bool iot_mqtt_outbox_puback(struct iot_mqtt_outbox *box, uint16_t id);

/** The connection is gone. `keep`: what the broker has not acknowledged waits for
 *  resume or renew (iot_mqtt_keep.h); otherwise its outcome is unknown (MQTT-3.1.2-6). What was not handed
 *  over whole stays queued either way: no broker can have understood it. */
void iot_mqtt_outbox_lost(struct iot_mqtt_outbox *box, bool keep);

/** The application closed: end all that is not ended, as CLOSED, or as UNKNOWN what the broker may
 *  have. After `lost`. */
void iot_mqtt_outbox_finish(struct iot_mqtt_outbox *box);

/** Take out the next ended message. */
bool iot_mqtt_outbox_take(struct iot_mqtt_outbox *box, iot_ticket *ticket, iot_err *result);

/** The end of this message is told nobody, as with IOT_MSG_SILENT. It may have ended and not been taken out, or be
 *  unknown. */
void iot_mqtt_outbox_hush(struct iot_mqtt_outbox *box, iot_ticket ticket);

bool iot_mqtt_outbox_has_id(const struct iot_mqtt_outbox *box, uint16_t id);

/** True once after FULL when room was given back. */
bool iot_mqtt_outbox_room(struct iot_mqtt_outbox *box);

/* For the files that stand beside this one: each knows one thing that messages may be. */

/** The message with this id that is in this state. */
struct iot_mqtt_out *iot_mqtt_outbox_find(struct iot_mqtt_outbox *box, uint16_t id, uint8_t state,
                                          uint8_t qos);

/** A message whose `len` bytes stand in the ring from `at` on, without id and ticket. */
struct iot_mqtt_out *iot_mqtt_outbox_append(struct iot_mqtt_outbox *box, uint32_t at, uint32_t len,
                                            uint8_t flags);

/** Accept the message that msg's payload follows from elsewhere: what stands in the ring is its head. */
iot_err iot_mqtt_outbox_put_head(struct iot_mqtt_outbox *box, const struct iot_msg *msg,
                                 uint16_t id, iot_ticket ticket);

/** Its bytes in the ring are free. */
void iot_mqtt_outbox_give_back(struct iot_mqtt_outbox *box, struct iot_mqtt_out *m);

/** It ended so. */
void iot_mqtt_outbox_end(struct iot_mqtt_outbox *box, struct iot_mqtt_out *m, iot_err result);

/** All that the broker owes is here. */
void iot_mqtt_outbox_done(struct iot_mqtt_outbox *box, struct iot_mqtt_out *m);

/** The low nibble of PUBLISH's first byte. */
uint8_t iot_mqtt_outbox_first(const struct iot_msg *msg);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_session.h
 * What the broker remembers of one client: subscriptions, messages in flight to it, messages that wait, and the ids
 * of QoS 2 messages from it that await PUBREL. Knows no connections; writes packets where it is told.
 */
#ifndef WORLD_SESSION_H
#define WORLD_SESSION_H

#include "world/world_mqtt.h"

#define WORLD_WINDOW_MAX 64u

/** A message, shared by the sessions that have it. */
struct world_message {
    char *topic; /* NUL-terminated */
    struct iot_bytes payload;
    uint8_t qos; /* as published */
    bool retain, dup;
    uint32_t refs;
};

/** NUL-terminated; the caller frees it. */
char *world_text_copy(struct iot_bytes text);

struct world_message *world_message_new(struct iot_bytes topic, struct iot_bytes payload,
                                        uint8_t qos, bool retain);
void world_message_keep(struct world_message *m);
void world_message_free(struct world_message *m);

struct world_subscription {
    char *filter;
    uint8_t qos;
};

enum world_delivery_state { WORLD_WAIT_PUBACK, WORLD_WAIT_PUBREC, WORLD_WAIT_PUBCOMP };

struct world_delivery {
    struct world_message *message;
    uint8_t qos, state; /* enum world_delivery_state */
    uint16_t id;
    bool retain;
};

struct world_session {
    char *id;
    bool clean;
    int conn;                   /* -1: offline */
    uint16_t next_id;           /* for messages to the client */
    uint16_t last_id;           /* newest that the client gave out */
    uint32_t window, queue_max; /* QoS 1 and 2: in flight, waiting */

    struct world_subscription *subs;
    uint32_t sub_count, sub_cap;

    struct world_delivery deliveries[WORLD_WINDOW_MAX]; /* in the order of their first sending */
    uint32_t delivery_count;
    struct world_delivery *queue; /* a ring; ids are given when they leave it */
    uint32_t queue_first, queue_count, queue_cap;

    uint8_t *received; /* one bit per id: QoS 2 without PUBREL; NULL: none ever */
};

struct world_session *world_session_new(const char *id, bool clean);
void world_session_free(struct world_session *s);

/** Subscribe; the same filter again replaces its QoS. */
void world_session_subscribe(struct world_session *s, struct iot_bytes filter, uint8_t qos);
void world_session_unsubscribe(struct world_session *s, struct iot_bytes filter);
/** Highest QoS of the filters that match, -1: none does. */
int world_session_wants(const struct world_session *s, const char *topic);

/** QoS 1 or 2: behind what waits. False: the queue is full. */
bool world_session_queue(struct world_session *s, struct world_message *m, uint8_t qos,
                         bool retain);
/** Send what waits while the window is open and `out` holds less than `room` bytes. */
void world_session_pump(struct world_session *s, struct world_bytes *out, uint32_t room);
/** A new connection in an old session: everything in flight again, in the old order (4.4.0-1). */
void world_session_resend(struct world_session *s, struct world_bytes *out);

enum world_ack_result {
    WORLD_ACK_UNKNOWN, /* no such id: as if nothing had come */
    WORLD_ACK_WRONG,   /* an acknowledgement of another kind is due for this id */
    WORLD_ACK_STEP,    /* PUBREC: PUBREL is due */
    WORLD_ACK_DONE,    /* `done` has the flight; its message is to be freed */
};
enum world_ack_result world_session_ack(struct world_session *s, enum world_mqtt_type type,
                                        uint16_t id, struct world_delivery *done);

/** QoS 2 from the client: false, this id was there already. */
bool world_session_receive(struct world_session *s, uint16_t id);
void world_session_release(struct world_session *s, uint16_t id);

#endif

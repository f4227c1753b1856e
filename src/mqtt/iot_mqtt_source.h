/* SPDX-License-Identifier: Apache-2.0 */
/* The streamed message: its head lies in the ring, its payload is asked for piece by piece when its turn has
 * come, and lies in the control slot until it has left. There is one at most. */
#ifndef IOT_MQTT_SOURCE_H
#define IOT_MQTT_SOURCE_H

#include "mqtt/iot_mqtt_outbox.h"

struct iot_mqtt_session;
struct iot_mqtt_client;

#if IOT_FEATURE_STREAMED

/** As in iot_mqtt.h, but for the device's state. */
iot_err iot_mqtt_session_stream(struct iot_mqtt_session *s, const struct iot_msg *msg,
                                uint32_t total, iot_mqtt_source source, void *ctx,
                                iot_ticket *ticket);

/** This message is over: perhaps it was the one. */
static inline void iot_mqtt_source_ended(struct iot_mqtt_outbox *box, iot_ticket ticket)
{
    if (box->source.ticket == ticket)
        box->source.pull = NULL;
}

/** The connection is gone. Not IOT_OK: this message was begun, cannot begin again, and ends so. */
iot_err iot_mqtt_source_lost(const struct iot_mqtt_outbox *box, const struct iot_mqtt_out *m);

/** Some of the message that is being sent has still to come from its source. */
static inline bool iot_mqtt_source_goes_on(const struct iot_mqtt_outbox *box)
{
    return box->source.pull != NULL && box->source.left != 0 &&
           box->source.ticket == box->out[box->count - box->queued].ticket;
}

/** Nothing is pending because a source has to be asked. */
bool iot_mqtt_source_wanted(const struct iot_mqtt_session *s);

/** Ask it. IOT_OK: there are bytes; IOT_ERR_AGAIN: there are none now; IOT_ERR_MQTT_UNFINISHED: the message
 *  ends with the connection, which has to end, too. */
iot_err iot_mqtt_source_pull(struct iot_mqtt_client *c);

/** A new connection: it can be asked at once. */
void iot_mqtt_source_reset(struct iot_mqtt_client *c);

/** When it is to be asked again; or NEVER. */
iot_time iot_mqtt_source_deadline(const struct iot_mqtt_client *c);

#else

static inline void iot_mqtt_source_ended(struct iot_mqtt_outbox *box, iot_ticket ticket)
{
    (void)box, (void)ticket;
}

static inline iot_err iot_mqtt_source_lost(const struct iot_mqtt_outbox *box,
                                           const struct iot_mqtt_out *m)
{
    (void)box, (void)m;
    return IOT_OK;
}

static inline bool iot_mqtt_source_goes_on(const struct iot_mqtt_outbox *box)
{
    (void)box;
    return false;
}

static inline bool iot_mqtt_source_wanted(const struct iot_mqtt_session *s)
{
    (void)s;
    return false;
}

static inline iot_err iot_mqtt_source_pull(struct iot_mqtt_client *c)
{
    (void)c;
    return IOT_ERR_AGAIN;
}

static inline void iot_mqtt_source_reset(struct iot_mqtt_client *c)
{
    (void)c;
}

static inline iot_time iot_mqtt_source_deadline(const struct iot_mqtt_client *c)
{
    (void)c;
    return IOT_TIME_NEVER;
}

#endif
#endif

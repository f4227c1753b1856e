/* SPDX-License-Identifier: Apache-2.0 */
/* Is the broker alive, and do we prove that we are? Deadlines for CONNACK, PINGRESP and the
 * acknowledgements that the broker owes us, and the moment of the next PINGREQ. Knows no packets. */
#ifndef IOT_MQTT_WATCH_H
#define IOT_MQTT_WATCH_H

#include "iot/iot_device.h"

struct iot_mqtt_watch {
    uint8_t phase;
    bool want_ping;   /* PINGREQ is due */
    bool paused;      /* received bytes are left unread: no verdicts on the broker */
    uint16_t awaited; /* acknowledgements that the broker owes us */
    const struct iot_options *opt;
    iot_time last_sent;     /* end of the last packet */
    iot_time ping_deadline; /* PINGRESP is expected by then, or NEVER */
    iot_time ack_deadline;  /* CONNACK, later some acknowledgement is expected by then, or NEVER */
};

void iot_mqtt_watch_init(struct iot_mqtt_watch *w, const struct iot_options *opt);

/** CONNECT is on its way. */
void iot_mqtt_watch_connect(struct iot_mqtt_watch *w, iot_time now);

/** CONNACK accepted. */
void iot_mqtt_watch_up(struct iot_mqtt_watch *w);

/** Nothing is expected any more. */
void iot_mqtt_watch_off(struct iot_mqtt_watch *w);

/** One more acknowledgement is owed to us; one came. */
void iot_mqtt_watch_await(struct iot_mqtt_watch *w, iot_time now);
void iot_mqtt_watch_got(struct iot_mqtt_watch *w, iot_time now);

/** Requests of the application took the place of others: for `n` answers nobody waits any more. */
void iot_mqtt_watch_forget(struct iot_mqtt_watch *w, uint32_t n);

/** PINGREQ is in the slot; PINGRESP came. False: nobody had asked. */
void iot_mqtt_watch_pinged(struct iot_mqtt_watch *w, iot_time now);
bool iot_mqtt_watch_ponged(struct iot_mqtt_watch *w);

/** When `expire` wants to be called. */
iot_time iot_mqtt_watch_deadline(const struct iot_mqtt_watch *w);

/** `dry`: all received bytes were fed, so silence is the broker's and verdicts are allowed. Returns
 *  IOT_OK; IOT_ERR_MQTT_CONNACK_TIMEOUT, _PING_TIMEOUT, _ACK_TIMEOUT. */
iot_err iot_mqtt_watch_expire(struct iot_mqtt_watch *w, iot_time now, bool dry);

/** Received bytes are left unread for a while, because the application declines a message or owed
 *  acknowledgements cannot leave: no verdicts meanwhile. */
void iot_mqtt_watch_pause(struct iot_mqtt_watch *w, bool paused, iot_time now);

/** Ask for a sign of life now. */
void iot_mqtt_watch_probe(struct iot_mqtt_watch *w);

#endif

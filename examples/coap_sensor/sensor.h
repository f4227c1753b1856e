/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sleepy sensor, whatever the board: one wake of it. It knows its port and nothing else; the board gives it a network and a
 * loop, and takes its power away when it is asleep.
 *
 *     sensor_start    the reading gets its number, and is kept in the port's store with those that nobody has yet
 *     sensor_online   there is a network: they are posted in one request, by DTLS with a pre-shared key
 *     sensor_poll     the loop
 *     sensor_asleep   the store knows which of them have arrived, and has the association: power may go
 *
 * The next wake goes on with that association: no handshake, two datagrams. A server that knows connection IDs takes it from
 * whatever address the sensor has by then; one that has lost it meanwhile is noticed, and there is a handshake.
 *
 * Power may also go at any other moment. Then the association is lost or kept, never used twice; a reading that was numbered is
 * posted until the server has acknowledged it. It may arrive twice: its number tells.
 */
#ifndef SENSOR_H
#define SENSOR_H

#include "iot/iot.h"

/* Readings that wait for the server; when one more comes the oldest is given up. 2 bytes each, in RAM and in the store. */
#define SENSOR_READINGS_MAX 16u

/* Longest that a wake lasts, ms from sensor_start. Then it sleeps, and its readings wait for the next one. */
#define SENSOR_AWAKE_MS 30000u

/* All borrowed as long as the sensor is awake. */
struct sensor_options {
    const struct iot_port *port; /* with a store and chance */
    const char *host;            /* of a CoAP server: name or address */
    uint16_t server_port;        /* 0: 5684 */
    struct iot_bytes identity, key;
};

/* How the wake went, when it is over. */
struct sensor_report {
    uint32_t first, count; /* readings from number `first` on, that were posted, or were to be */
    bool arrived;          /* the server has them */
    uint8_t code;          /* its answer, IOT_COAP_CODE; 0: none, because of: */
    iot_err err;
    int32_t detail;
    bool resumed; /* no handshake was needed */
};

/**
 * Awake. Once per boot.
 *
 * tenths   the reading, as it was measured: tenths of a degree.
 * Returns  as iot_device_init and iot_coap_init.
 */
iot_err sensor_start(const struct sensor_options *options, int16_t tenths, uint32_t now_ms);

/* The network can be used. */
void sensor_online(void);

/* Returns ms until it wants to be called again if lwIP has nothing new. */
uint32_t sensor_poll(uint32_t now_ms);

bool sensor_asleep(void);

const struct sensor_report *sensor_report(void);

/* How much of its TLS arena was needed, so that it can be given no more than that. */
void sensor_memory(struct iot_tls_memory *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file device_place.h
 * Where the simulated device lives: at the emulated platform, which is started for it; at the real
 * one; or at any MQTT broker. From the environment:
 *
 *     PK DN DS     identity; default: the sample device of the emulator
 *     PS           the product's secret, by which a lamp without DS registers
 *     REGION       the real platform, in this region ("cn-shanghai"); without it the emulator
 *     BROKER       host, host:port or [v6]:port of any broker, USER_NAME and PASSWORD for it
 *     CA           file (PEM or DER) with the authority to trust; with BROKER it switches TLS on
 *     LOG          1 to 5: how much of the library's log is shown; default 3
 */
#ifndef DEVICE_PLACE_H
#define DEVICE_PLACE_H

#include "host/host_cloud.h"
#include "host/host_pem.h"
#include "iot/iot.h"

enum place_kind { PLACE_EMULATOR, PLACE_PLATFORM, PLACE_BROKER };

#define PLACE_ARENA_BYTES (64u * 1024u)

struct place {
    enum place_kind kind;
    struct host_cloud cloud;
    char host[256]; /* what is connected to, for people */
    uint16_t port;
    char readings[160], commands[160]; /* topics */
    char client_id[24];
    struct iot_link_identity identity;
    struct iot_registration registration;
    struct iot_tls_options tls;
    struct host_pem ca;
    uint64_t log_seen; /* bytes of the emulator's log that were shown */
    bool quiet;        /* its traffic is not shown: somebody else does */
    const char *user_name, *password;
};

/** Read the environment. False: said on standard error what is wrong with it. */
bool place_read(struct place *p);

/** The same for a lamp, which lives at the emulator: without DS it is one that has to register. */
bool place_read_lamp(struct place *p);

/** Start what has to be started. False: said why. */
bool place_start(struct place *p);
void place_stop(struct place *p);

/** Put it into the options of a device. */
void place_options(struct place *p, struct iot_options *o);

/** Let a message come down, as somebody else would send it; the emulator only. */
void place_send(struct place *p, const char *text);

/** New lines of the emulator's log. */
void place_show_log(struct place *p);

/** How to see what the device sends, and to send it something. */
void place_show_commands(const struct place *p);

/** How to do to a lamp what an application of the platform's would. */
void place_show_lamp_commands(const struct place *p);

#endif

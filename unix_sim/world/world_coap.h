/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_coap.h
 * The platform's CoAP on the cloud's side of the wire: a responder of its own for the core of cloud_coap.h, with the faults
 * that its options say. There is no DTLS here: whichever way is set, what comes is taken as if it had come so.
 */
#ifndef WORLD_COAP_H
#define WORLD_COAP_H

#include "cloud/cloud_coap.h"
#include "world/world_loop.h"
#include "world/world_udp.h"

struct cloud_coap_seen;
struct world_coap_parcel;

struct world_coap {
    /* settings, written at any time */
    enum cloud_coap_way way;
    const char *identity; /* CLOUD_COAP_PSK: whose key it was */
    bool down;            /* it hears nothing, and says nothing */
    /* Each request that was looked at, and what came of it; NULL: nobody wants to know. */
    void (*on_answer)(void *ctx, const struct cloud_coap_request *q,
                      const struct cloud_coap_answer *a);
    void *ctx;

    /* what happened */
    uint32_t requests, copies, resets, ill;
    uint32_t given_up; /* separate answers that nobody acknowledged */

    /* private */
    struct cloud *cloud;
    struct world_udp udp;
    struct world_actor actor;
    struct cloud_coap_seen *seen;
    struct world_coap_parcel *parcels;
    uint16_t next_id;
};

/** Listen on this port of WORLD_CLOUD_ADDRESS for a platform that is borrowed. Settings as zeros say. */
void world_coap_start(struct world_coap *w, struct cloud *cloud, uint16_t port);

/** As a restart: tokens, numbers and copies are forgotten, and what was on its way. */
void world_coap_forget(struct world_coap *w);

/** No more; all is freed. */
void world_coap_end(struct world_coap *w);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A client of HTTP under test, on a device that knows nothing else, over slirp; and a record of what its handlers are
 * told. One at a time. */
#ifndef PEER_HTTP_H
#define PEER_HTTP_H

#include "peer_trust.h"

#define PEER_BODY_MAX (1u << 20)

struct peer_http {
    struct peer_trust trust;
    struct iot_device dev;
    struct iot_options device_options;
    struct iot_http http;
    struct iot_http_options options;
    struct iot_http_request request; /* of the next peer_http_ask */
    bool fast;                       /* time flies while it waits */

    /* Of the last request. */
    struct iot_http_head head;
    char etag[IOT_HTTP_ETAG_MAX + 1];
    uint32_t heads, ends, pieces;
    iot_err err;
    int32_t detail;
    uint32_t first, len; /* of the body: where it began, how many bytes came */
    uint32_t hold;       /* so many bytes are taken, and no more: UINT32_MAX: all */
    uint8_t body[PEER_BODY_MAX];

    bool closed;
};

extern struct peer_http peer_web;

/** Anew, trusting `root` (CERT_COUNT: plain HTTP alone). Options may be changed before the first request. */
void peer_http_prepare(enum peer_cert_id root);

/** Begin peer_web.request for this URL. */
void peer_http_ask(const char *url);

/** ... and turn until it has ended. */
void peer_http_get(const char *url);

/** For UNTIL_WITH. */
void peer_http_turn(void);

/** The last request: how it ended, with which status, 0: none was told. */
void peer_http_assert(iot_err err, uint32_t status);

/** Close; the arena is empty then, and nothing is held. */
void peer_http_close(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_web.h
 * An HTTP/1.1 server (RFC 9110, 9112) on the cloud's side of the wire: one image, whatever the path is, by GET and HEAD, whole
 * or in single ranges, over connections that are kept. It answers as well as it can, or as badly as it is told to.
 * One per process; no memory in lwIP is a reason to try again later.
 */
#ifndef WORLD_WEB_H
#define WORLD_WEB_H

#include "iot/iot_base.h"

#define WORLD_WEB_PORT      80u
#define WORLD_WEB_URL       "http://10.2.0.1/image" /* WORLD_CLOUD_ADDRESS */
#define WORLD_WEB_LINKS_MAX 64u   /* connections at the same time; more are reset */
#define WORLD_WEB_HEAD_MAX  2048u /* of a request, bytes; more are reset */

/** How a connection ends before its response does. */
enum world_web_cut {
    WORLD_WEB_WHOLE, /* it does not */
    WORLD_WEB_CLOSE, /* FIN */
    WORLD_WEB_RESET, /* RST, when the client's TCP has what was written */
    WORLD_WEB_STALL, /* open, and silent for ever */
    WORLD_WEB_CUTS
};

/** Settings may be changed at any time; they hold for requests that are answered from then on. */
struct world_web {
    struct iot_bytes image; /* borrowed */
    const char *etag;       /* with its quotes; NULL: none */
    uint32_t chunk;         /* bodies come in chunks of so many bytes; 0: with their length */
    bool no_ranges;         /* each answer is 200, and all of it */
    bool no_keep;           /* each connection serves one request */
    uint32_t refusals;      /* so many requests get `status` and no body; counts down */
    uint16_t status;
    /* After so many requests there is something else here; 0: never. */
    uint32_t later;
    struct iot_bytes later_image;
    const char *later_etag;
    /* Once: the connection that has to write another byte when `cut_at` were written, heads and all connections counted
     * together. Then WORLD_WEB_WHOLE again. */
    enum world_web_cut cut;
    uint64_t cut_at;

    /* what happened */
    uint64_t sent;   /* bytes of responses */
    uint64_t bodies; /* those of them that are bytes of the image */
    uint32_t requests, accepted, cuts;
};

/** Listen, and be an actor of the loop, to the end of the process. Nothing is set, and there is an empty image. */
struct world_web *world_web_start(void);

/** What happened is forgotten, and all connections: their clients hear of it when they send something. */
void world_web_forget(void);

#endif

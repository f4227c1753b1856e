/* SPDX-License-Identifier: Apache-2.0 */
/* A web server on loopback, inside the test program, that has one image: whole, by HEAD, and in ranges (RFC 9110, 14), with an
 * ETag and If-Range. It breaks off where it is told to. */
#ifndef PEER_IMAGE_H
#define PEER_IMAGE_H

#include "peer_rude.h"

#include <stdbool.h>

#define PEER_IMAGE_MAX (64u * 1024u)

struct peer_image {
    struct peer_rude rude;  /* .port; .requests, .in: since the last peer_image_says */
    struct iot_bytes bytes; /* at most PEER_IMAGE_MAX */
    const char *etag;       /* with its quotes; NULL: none */
    bool no_head;           /* HEAD: 405 */
    bool no_ranges;         /* all is answered with 200 */
    const char *status;     /* "503 Busy": instead of anything; NULL */
    /* So many responses, HEAD's excepted, end after cut_at bytes, head included, so: STAYS stalls. */
    uint32_t cuts, cut_at;
    enum peer_rude_end how;
    void (*cut)(struct peer_image *s); /* after one: chooses the next cut_at; NULL */
    uint32_t cuts_made;
};

/** One per program. Everything to be set is 0. */
void peer_image_start(struct peer_image *s);
void peer_image_stop(struct peer_image *s);

/** From now on, with nothing cut; the rest may be set afterwards. */
void peer_image_says(struct peer_image *s, struct iot_bytes bytes, const char *etag);

#endif

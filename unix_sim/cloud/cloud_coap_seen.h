/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_coap_seen.h
 * What was answered to whom: a copy of a request (RFC 7252 4.5: same endpoint, same message ID) gets the same answer and is
 * not looked at again. The oldest are forgotten when there are too many.
 */
#ifndef CLOUD_COAP_SEEN_H
#define CLOUD_COAP_SEEN_H

#include "cloud/cloud_coap.h"

#define CLOUD_COAP_SEEN_MAX 4096
#define CLOUD_COAP_SEEN_MS  247000u /* EXCHANGE_LIFETIME */
#define CLOUD_COAP_PEER_MAX 79

struct cloud_coap_seen_row {
    char peer[CLOUD_COAP_PEER_MAX + 1]; /* empty: free */
    uint16_t id;
    uint64_t since_ms;
    struct cloud_coap_answer answer; /* its payload is ours */
};

struct cloud_coap_seen {
    uint32_t next;
    struct cloud_coap_seen_row rows[CLOUD_COAP_SEEN_MAX];
};

/** The answer to this request: it is neither dropped nor doubled again, and until since_ms and its delay are over it is still
 *  on its way. NULL: the request is new. */
const struct cloud_coap_seen_row *cloud_coap_seen_find(const struct cloud_coap_seen *s,
                                                       const char *peer, uint16_t id,
                                                       uint64_t now_ms);

/** An answer is given: it is copied. */
void cloud_coap_seen_keep(struct cloud_coap_seen *s, const char *peer, uint16_t id,
                          const struct cloud_coap_answer *a, uint64_t now_ms);

/** Forget all, as a restart does; also before the end. */
void cloud_coap_seen_clear(struct cloud_coap_seen *s);

#endif

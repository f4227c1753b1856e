/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_coap_seen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cloud_coap_seen_row *cloud_coap_seen_find(const struct cloud_coap_seen *s,
                                                       const char *peer, uint16_t id,
                                                       uint64_t now_ms)
{
    for (uint32_t i = 1; i <= CLOUD_COAP_SEEN_MAX; i++) { /* the latest first */
        const struct cloud_coap_seen_row *r =
            &s->rows[(s->next + CLOUD_COAP_SEEN_MAX - i) % CLOUD_COAP_SEEN_MAX];
        if (r->peer[0] == 0 || now_ms - r->since_ms >= CLOUD_COAP_SEEN_MS)
            return NULL;
        if (r->id == id && strcmp(r->peer, peer) == 0)
            return r;
    }
    return NULL;
}

void cloud_coap_seen_keep(struct cloud_coap_seen *s, const char *peer, uint16_t id,
                          const struct cloud_coap_answer *a, uint64_t now_ms)
{
    struct cloud_coap_seen_row *r = &s->rows[s->next++ % CLOUD_COAP_SEEN_MAX];

    cloud_coap_free(&r->answer);
    snprintf(r->peer, sizeof r->peer, "%s", peer);
    r->id = id;
    r->since_ms = now_ms;
    r->answer = *a;
    r->answer.drop = r->answer.twice = false;
    if (a->drop) { /* nothing is on its way: the copy is answered at once */
        r->answer.separate = false;
        r->answer.delay_ms = 0;
    }
    if (a->payload_len > 0) {
        r->answer.payload = malloc(a->payload_len);
        if (r->answer.payload == NULL)
            abort();
        memcpy(r->answer.payload, a->payload, a->payload_len);
    } else {
        r->answer.payload = NULL;
    }
}

void cloud_coap_seen_clear(struct cloud_coap_seen *s)
{
    for (uint32_t i = 0; i < CLOUD_COAP_SEEN_MAX; i++)
        cloud_coap_free(&s->rows[i].answer);
    memset(s, 0, sizeof *s);
}

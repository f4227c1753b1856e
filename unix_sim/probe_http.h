/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file probe_http.h
 * HTTP in build/probe:
 *
 *     get URL [range=A-B|A-] [TLS words, see probe_tls.h]
 *
 *     EV status CODE               (once, before the first body; redirects are followed)
 *     EV body OFFSET HEX           (OFFSET from the start of the resource)
 *     EV end OK|STATUS|NAME        (exactly one, and last: OK if the response was whole and its status 2xx; else exit 1)
 *
 * 127.0.0.1 is reached through the gateway; what is sent and checked is what the URL says.
 */
#ifndef PROBE_HTTP_H
#define PROBE_HTTP_H

#include "probe_event.h"

enum probe_step probe_get(char **words, uint32_t count, uint32_t waited_ms);

/** One tick. Returns ms to the next; IOT_MS_NEVER without a request. */
uint32_t probe_http_poll(void);

/** End what is under way, in good order as far as that goes; for the end of the program. */
void probe_http_close(void);

/** Nothing is under way. */
bool probe_http_closed(void);

#endif

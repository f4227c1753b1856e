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
 */
#ifndef PROBE_HTTP_H
#define PROBE_HTTP_H

#include "probe_event.h"

enum probe_step probe_get(char **words, uint32_t count, uint32_t waited_ms);

#endif

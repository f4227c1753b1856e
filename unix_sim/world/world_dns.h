/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_dns.h
 * The name server, 10.2.0.53: answers for the names it was given, in the way it is told to.
 */
#ifndef WORLD_DNS_H
#define WORLD_DNS_H

#include <stdint.h>

enum world_dns_mode {
    WORLD_DNS_GOOD,
    WORLD_DNS_SLOW,    /* good, later */
    WORLD_DNS_UNKNOWN, /* NXDOMAIN for everything */
    WORLD_DNS_FAILURE, /* SERVFAIL */
    WORLD_DNS_SILENT,
    WORLD_DNS_WRONG, /* an address where nobody is, to be remembered for 1 s */
};

/** After the wire: becomes lwIP's name server. Good, no names, TTL 60 s. */
void world_dns_start(void);

/** This name is the cloud's (lower case, lives as long as the run); at most 16. Others are unknown. */
void world_dns_name(const char *name);

/** `slow_ms`: for WORLD_DNS_SLOW. */
void world_dns_mode(enum world_dns_mode mode, uint32_t slow_ms);
/** Of answers from now on; lwIP remembers them so long. */
void world_dns_ttl(uint32_t seconds);

/** Questions that arrived. */
uint32_t world_dns_questions(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_dns.h
 * A DNS server on the cable, at 10.0.2.3 and fec0::3: names are answered by the program itself, so
 * that a test does not depend on the machine's resolver.
 */
#ifndef HOST_DNS_H
#define HOST_DNS_H

#include <stdbool.h>
#include <stdint.h>

enum host_dns_verdict {
    HOST_DNS_PASS,    /* to the machine's resolver */
    HOST_DNS_ADDRESS, /* the address was written */
    HOST_DNS_EMPTY,   /* the name exists, this type of address does not */
    HOST_DNS_UNKNOWN, /* NXDOMAIN */
    HOST_DNS_FAILURE, /* SERVFAIL */
    HOST_DNS_SILENCE, /* no answer */
};

/** One question. `name` is in lower case; `v6`: asked for AAAA, else A. Write 16 or 4 bytes to
 *  `address` for HOST_DNS_ADDRESS. */
typedef enum host_dns_verdict (*host_dns_hook)(void *ctx, const char *name, bool v6,
                                               uint8_t address[16]);

/** NULL: everything goes to the machine's resolver, as it does at the start. */
void host_dns_answer(host_dns_hook hook, void *ctx);

/** For host_net.c. True: the frame was a question and is dealt with; `*reply_len` bytes of an
 *  answer are in `reply` (none for 0). */
bool host_dns_frame(const uint8_t *frame, uint32_t len, uint8_t *reply, uint32_t reply_cap,
                    uint32_t *reply_len);

#endif

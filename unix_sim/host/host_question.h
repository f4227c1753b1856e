/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_question.h
 * The DNS message itself, RFC 1035 section 4: one question read, and completed into its answer.
 */
#ifndef HOST_QUESTION_H
#define HOST_QUESTION_H

#include <stdbool.h>
#include <stdint.h>

#define HOST_DNS_NAME_MAX     255u
#define HOST_ANSWER_BYTES_MAX 28u /* what an answer adds to its question */

enum host_dns_type { HOST_DNS_TYPE_A = 1, HOST_DNS_TYPE_AAAA = 28 };
enum host_dns_code {
    HOST_DNS_CODE_OK = 0,
    HOST_DNS_CODE_SERVFAIL = 2,
    HOST_DNS_CODE_NXDOMAIN = 3,
};

struct host_question {
    char name[HOST_DNS_NAME_MAX + 1]; /* in lower case, with dots */
    enum host_dns_type type;
    uint32_t end; /* of the question in the message */
};

/** The one question of a query for an address of the Internet. False: it is none. */
bool host_question_read(const uint8_t *message, uint32_t len, struct host_question *q);

/** Turn the query at `message` (room for q->end + HOST_ANSWER_BYTES_MAX) into its answer. `address` has 4 or
 *  16 bytes, as the type says; NULL: none. Returns the length. */
uint32_t host_question_answer(uint8_t *message, const struct host_question *q,
                              enum host_dns_code code, const uint8_t *address, uint32_t ttl_s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_question.h"

#include <string.h>

enum {
    HEADER = 12, /* bytes */
    FLAGS = 2,   /* offsets in it */
    QUESTIONS = 4,
    ANSWERS = 6,
    CLASS_IN = 1,
    LABEL_MAX = 63,
};

static uint32_t get16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

bool host_question_read(const uint8_t *message, uint32_t len, struct host_question *q)
{
    uint32_t at = HEADER, n = 0;

    if (len < HEADER || (message[FLAGS] & 0x80) != 0 || get16(message + QUESTIONS) != 1)
        return false;
    while (at < len && message[at] != 0) {
        uint32_t label = message[at++];
        if (label > LABEL_MAX || at + label > len || n + label + 1 > HOST_DNS_NAME_MAX)
            return false;
        if (n > 0)
            q->name[n++] = '.';
        for (; label > 0; label--, at++) {
            uint8_t c = message[at];
            q->name[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        }
    }
    if (at + 5 > len)
        return false;
    q->name[n] = 0;
    uint32_t type = get16(message + at + 1);
    q->type = type == HOST_DNS_TYPE_A ? HOST_DNS_TYPE_A : HOST_DNS_TYPE_AAAA;
    q->end = at + 5;
    return get16(message + at + 3) == CLASS_IN && type == (uint32_t)q->type;
}

uint32_t host_question_answer(uint8_t *message, const struct host_question *q,
                              enum host_dns_code code, const uint8_t *address, uint32_t ttl_s)
{
    uint8_t *record = message + q->end;
    uint32_t size = q->type == HOST_DNS_TYPE_A ? 4 : 16;

    message[FLAGS] = 0x81; /* a response, recursion desired */
    message[FLAGS + 1] = (uint8_t)(0x80 | code);
    memset(message + ANSWERS, 0, HEADER - ANSWERS);
    if (address == NULL)
        return q->end;
    put16(message + ANSWERS, 1);
    put16(record, 0xc000 + HEADER); /* the name: as in the question */
    put16(record + 2, q->type);
    put16(record + 4, CLASS_IN);
    put16(record + 6, ttl_s >> 16);
    put16(record + 8, ttl_s);
    put16(record + 10, size);
    memcpy(record + 12, address, size);
    return q->end + 12 + size;
}

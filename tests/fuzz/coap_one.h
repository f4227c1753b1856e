/* SPDX-License-Identifier: Apache-2.0 */
/* One datagram, as bytes choose: for tests/unit/test_coap_codec.c, which drives it with seeds, and for a fuzzer, which is
 * one line more:
 *
 *     int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) { return coap_fuzz_one(data, n); }
 */
#ifndef COAP_ONE_H
#define COAP_ONE_H

#include "coap/iot_coap_codec.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What was read and is written again: the same message, if perhaps not in the same bytes (numbers and lengths in more than they
 * need). */
static inline void coap_fuzz_again(const struct iot_coap_message *m, uint32_t cap)
{
    struct iot_coap_cursor a = {m->options, 0}, b;
    struct iot_coap_option x, y;
    struct iot_coap_message again;
    struct iot_coap_encoder e;
    uint8_t *into = malloc(cap);
    uint32_t number = 0;

    iot_coap_encode(&e, into, cap, m->type, m->code, m->id, m->token);
    while (iot_coap_next(&a, &x)) {
        assert(x.number >= number);
        assert(x.value.ptr >= m->options.ptr);
        assert(x.value.ptr + x.value.len <= m->options.ptr + m->options.len);
        number = x.number;
        iot_coap_put(&e, x.number, x.value);
    }
    assert(a.rest.len == 0);
    iot_coap_put_payload(&e, m->payload);
    assert(!e.overflow && e.len <= cap);
    assert(iot_coap_decode((struct iot_bytes){into, e.len}, &again) == IOT_OK);
    assert(again.type == m->type && again.code == m->code && again.id == m->id);
    assert(again.token.len == m->token.len && again.payload.len == m->payload.len);
    assert(memcmp(again.token.ptr, m->token.ptr, m->token.len) == 0);
    assert(memcmp(again.payload.ptr, m->payload.ptr, m->payload.len) == 0);
    a = (struct iot_coap_cursor){m->options, 0};
    b = (struct iot_coap_cursor){again.options, 0};
    while (iot_coap_next(&a, &x)) {
        assert(iot_coap_next(&b, &y) && x.number == y.number && x.value.len == y.value.len);
        assert(memcmp(x.value.ptr, y.value.ptr, x.value.len) == 0);
    }
    assert(!iot_coap_next(&b, &y));
    free(into);
}

static inline int coap_fuzz_one(const uint8_t *data, size_t n)
{
    struct iot_coap_message m;
    struct iot_coap_cursor at = {{data, (uint32_t)n}, 0};
    struct iot_coap_option option;
    struct iot_coap_block block;
    iot_err err = iot_coap_decode(at.rest, &m);

    assert(err == IOT_OK || err == IOT_ERR_STATE || err == IOT_ERR_COAP_FORMAT);
    if (err == IOT_OK)
        coap_fuzz_again(&m, (uint32_t)n);
    /* Options that nobody has looked at. */
    while (iot_coap_next(&at, &option)) {
        (void)iot_coap_uint(&option);
        if (iot_coap_block_read(&option, &block))
            assert(iot_coap_block_value(&block) == iot_coap_uint(&option));
    }
    return 0;
}

#endif

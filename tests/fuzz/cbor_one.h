/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that may be CBOR: for tests/unit/test_cbor_reader.c, which drives it with seeds, and for a fuzzer, which is one line
 * more:
 *
 *     int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) { return cbor_fuzz_one(data, n); }
 */
#ifndef CBOR_ONE_H
#define CBOR_ONE_H

#include "iot/iot_cbor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Everything that can be asked of a value; the answers fit together. Returns what stands behind it. */
static inline struct iot_cbor cbor_fuzz_ask(struct iot_cbor v, uint32_t depth)
{
    enum iot_cbor_kind kind = iot_cbor_kind(v);
    uint32_t count = iot_cbor_count(v), inside = kind == IOT_CBOR_MAP ? 2 * count : count;
    struct iot_cbor behind = iot_cbor_next(v), in = iot_cbor_first(v), found;
    struct iot_bytes text;
    bool is = false;
    int64_t whole = 0;
    uint32_t small = 0;
    double real = 0;
    bool number = kind == IOT_CBOR_UINT || kind == IOT_CBOR_NEGATIVE || kind == IOT_CBOR_FLOAT;
    bool string = kind == IOT_CBOR_BYTES || kind == IOT_CBOR_TEXT;
    iot_err err;

    assert(kind != IOT_CBOR_NONE);
    assert(behind.ptr == NULL || (behind.ptr > v.ptr && behind.ptr < v.end));
    err = iot_cbor_i64(v, &whole);
    assert(number ? err == IOT_OK || err == IOT_ERR_CBOR_RANGE || kind == IOT_CBOR_FLOAT
                  : err == IOT_ERR_CBOR_KIND);
    if (err == IOT_OK)
        assert((iot_cbor_u32(v, &small) == IOT_OK) == (whole >= 0 && whole <= UINT32_MAX));
    err = iot_cbor_f64(v, &real);
    assert(number ? err == IOT_OK || kind != IOT_CBOR_FLOAT : err == IOT_ERR_CBOR_KIND);
    assert((iot_cbor_is(v, &is) == IOT_OK) == (kind == IOT_CBOR_BOOL));
    assert((iot_cbor_string(v, &text) == IOT_OK) == string);
    if (string)
        assert(text.len == count && text.ptr + text.len <= v.end);
    err = iot_cbor_get(v, "a", &found);
    assert((err == IOT_ERR_CBOR_KIND) == (kind != IOT_CBOR_MAP));
    if (kind == IOT_CBOR_TAG)
        inside = 1;
    else if (kind != IOT_CBOR_ARRAY && kind != IOT_CBOR_MAP)
        inside = 0;
    assert((in.ptr != NULL) == (inside != 0));
    if (inside == 0 || depth > 64) /* of tags there may be any number */
        return behind;
    for (; inside != 0; inside--)
        in = cbor_fuzz_ask(in, depth + 1);
    assert(in.ptr == behind.ptr);
    return behind;
}

static inline int cbor_fuzz_one(const uint8_t *data, size_t n)
{
    struct iot_cbor v = {data, data + n};
    struct iot_bytes text;
    uint32_t at = 0;
    int64_t whole;
    double real;
    iot_err err;

    /* Also of what was never checked nothing is read that is not there. */
    (void)iot_cbor_kind(v), (void)iot_cbor_next(v), (void)iot_cbor_first(v);
    (void)iot_cbor_get(v, "a", &v), (void)iot_cbor_i64(v, &whole), (void)iot_cbor_f64(v, &real);
    (void)iot_cbor_string(v, &text);
    err = iot_cbor_check((struct iot_bytes){data, (uint32_t)n}, &v, &at);
    assert(at <= n);
    if (err != IOT_OK)
        return err == IOT_ERR_CBOR_CUT;
    assert(v.ptr == data && v.end == data + n && at == n);
    assert(cbor_fuzz_ask(v, 0).ptr == NULL);
    return 2;
}

#endif

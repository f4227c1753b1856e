/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/iot_cbor.h"

#include <string.h>

#if IOT_FEATURE_CBOR

enum { UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, OTHER };
enum { FALSE = 20, NIL = 22, FLOATS = 25 };

/* `size` bytes of the value behind the first. */
static void put(struct iot_writer *w, uint32_t first, uint64_t value, uint32_t size)
{
    uint8_t bytes[9];

    bytes[0] = (uint8_t)first;
    for (uint32_t i = size; i != 0; i--) {
        bytes[i] = (uint8_t)value;
        value >>= 8;
    }
    iot_writer_put(w, bytes, size + 1);
}

static void put_head(struct iot_writer *w, uint32_t major, uint64_t value)
{
    uint32_t size = 1, info = 24;

    if (value < 24) {
        put(w, major << 5 | (uint32_t)value, 0, 0);
        return;
    }
    for (; size < 8 && value >> 8 * size != 0; size *= 2)
        info++;
    put(w, major << 5 | info, value, size);
}

void iot_cbor_int(struct iot_writer *w, int64_t value)
{
    if (value < 0)
        put_head(w, NEGATIVE, ~(uint64_t)value);
    else
        put_head(w, UNSIGNED, (uint64_t)value);
}

void iot_cbor_uint(struct iot_writer *w, uint64_t value)
{
    put_head(w, UNSIGNED, value);
}

void iot_cbor_bool(struct iot_writer *w, bool value)
{
    put_head(w, OTHER, FALSE + (uint32_t)value);
}

void iot_cbor_null(struct iot_writer *w)
{
    put_head(w, OTHER, NIL);
}

/* ---- Floating point (IEEE 754), by its bits: many boards have it in software only ------------ */

#define EXPONENT      0x7ff /* of a double: infinite, or no number */
#define EXPONENT_ONE  1023  /* ... from 1 to below 2 */
#define MANTISSA_BITS 23    /* of a float, the hidden one apart */
#define NOT_A_NUMBER  0x7e00u

/* A value as a float of that mantissa and of that exponent for 1; false: it is none. `mantissa` is MANTISSA_BITS and the
 * hidden one. */
static bool narrow(uint32_t mantissa, int32_t exponent, uint32_t bits, int32_t one, uint32_t *out)
{
    uint32_t drop = MANTISSA_BITS - bits;

    if (exponent == EXPONENT)
        exponent = 2 * one + 1;
    else if ((exponent += one - EXPONENT_ONE) > 2 * one)
        return false;
    if (exponent <= 0) { /* the hidden one is not hidden there */
        drop += (uint32_t)(1 - exponent);
        exponent = 0;
        if (drop > MANTISSA_BITS)
            return false;
    } else {
        mantissa &= (1u << MANTISSA_BITS) - 1;
    }
    *out = (uint32_t)exponent << bits | mantissa >> drop;
    return (mantissa & ((1u << drop) - 1)) == 0;
}

void iot_cbor_double(struct iot_writer *w, double value)
{
    uint64_t bits;
    uint32_t small = 0;

    memcpy(&bits, &value, sizeof bits);
    uint32_t high = (uint32_t)(bits >> 32), low = (uint32_t)bits;
    uint32_t sign = high >> 31, size = 8;
    int32_t exponent = (int32_t)(high >> 20 & EXPONENT);
    uint32_t mantissa = 1u << MANTISSA_BITS | (high << 3 & 0x7ffff8) | low >> 29;
    if (exponent == EXPONENT && ((high << 12) | low) != 0) {
        small = NOT_A_NUMBER; /* one for all of them (4.2.2) */
        sign = 0;
        size = 2;
    } else if (((high << 1) | low) == 0) {
        size = 2;
    } else if (low << 3 != 0) {
        size = 8;
    } else if (narrow(mantissa, exponent, 10, 15, &small)) {
        size = 2;
    } else if (narrow(mantissa, exponent, MANTISSA_BITS, 127, &small)) {
        size = 4;
    }
    if (size != 8)
        bits = sign << (8 * size - 1) | small;
    put(w, OTHER << 5 | (FLOATS + size / 4), bits, size);
}

/* ---- Strings and containers ------------------------------------------------------------------ */

static void put_string(struct iot_writer *w, uint32_t major, struct iot_bytes bytes)
{
    put_head(w, major, bytes.len);
    iot_writer_put(w, bytes.ptr, bytes.len);
}

void iot_cbor_text_bytes(struct iot_writer *w, struct iot_bytes utf8)
{
    put_string(w, TEXT, utf8);
}

void iot_cbor_text(struct iot_writer *w, const char *text)
{
    put_string(w, TEXT, (struct iot_bytes){(const uint8_t *)text, (uint32_t)strlen(text)});
}

void iot_cbor_bytes(struct iot_writer *w, struct iot_bytes bytes)
{
    put_string(w, BYTES, bytes);
}

void iot_cbor_array(struct iot_writer *w, uint32_t items)
{
    put_head(w, ARRAY, items);
}

void iot_cbor_map(struct iot_writer *w, uint32_t pairs)
{
    put_head(w, MAP, pairs);
}

void iot_cbor_tag(struct iot_writer *w, uint64_t tag)
{
    put_head(w, TAG, tag);
}

#endif

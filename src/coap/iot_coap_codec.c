/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/iot_coap_codec.h"

#if IOT_FEATURE_COAP

#include "core/iot_core_assert.h"

#include <string.h>

#define VERSION 1u
#define MARKER  0xffu
/* Nibbles of an option's head: more of the number or of the length comes in one byte, in two, or in none. */
#define ONE_MORE   13u
#define TWO_MORE   14u
#define NONE       15u
#define FROM_TWO   269u /* what two bytes begin to count from */
#define LENGTH_MAX (FROM_TWO + 65535u)

/* ---- Reading ----------------------------------------------------------------------------- */

/* What a nibble above 12 stands for, with the bytes that belong to it. Returned is what is behind them, or NULL. */
static const uint8_t *extend(const uint8_t *p, const uint8_t *end, uint32_t *value)
{
    uint32_t n = *value - ONE_MORE + 1;

    if (*value == NONE || n > (size_t)(end - p))
        return NULL;
    *value = n == 1 ? ONE_MORE + p[0] : FROM_TWO + ((uint32_t)p[0] << 8 | p[1]);
    return p + n;
}

/* The option at `p`, which is before `end`: where its value is, or NULL, if it is none. */
static const uint8_t *step(const uint8_t *p, const uint8_t *end, uint32_t *number, uint32_t *len)
{
    uint32_t delta = *p >> 4, n = *p & 15u;

    p++;
    if (delta >= ONE_MORE && (p = extend(p, end, &delta)) == NULL)
        return NULL;
    if (n >= ONE_MORE && (p = extend(p, end, &n)) == NULL)
        return NULL;
    *number += delta;
    *len = n;
    return *number > 65535 || n > (size_t)(end - p) ? NULL : p;
}

bool iot_coap_next(struct iot_coap_cursor *at, struct iot_coap_option *out)
{
    const uint8_t *p = at->rest.ptr, *end = p + at->rest.len;
    uint32_t number = at->number, len;

    if (p == end || (p = step(p, end, &number, &len)) == NULL)
        return false;
    at->number = out->number = (uint16_t)number;
    out->value.ptr = p;
    out->value.len = len;
    at->rest.ptr = p + len;
    at->rest.len = (uint32_t)(end - at->rest.ptr);
    return true;
}

uint32_t iot_coap_uint(const struct iot_coap_option *option)
{
    uint32_t value = 0;

    for (uint32_t i = 0; i < option->value.len; i++)
        value = value << 8 | option->value.ptr[i];
    return value;
}

/* What is behind the token. */
static bool read_options(const uint8_t *p, const uint8_t *end, struct iot_coap_message *out)
{
    uint32_t number = 0, len;

    out->options.ptr = p;
    while (p != end && *p != MARKER) {
        p = step(p, end, &number, &len);
        if (p == NULL)
            return false;
        p += len;
    }
    out->options.len = (uint32_t)(p - out->options.ptr);
    if (p == end)
        return true;
    out->payload.ptr = p + 1;
    out->payload.len = (uint32_t)(end - p) - 1;
    return out->payload.len != 0;
}

iot_err iot_coap_decode(struct iot_bytes datagram, struct iot_coap_message *out)
{
    const uint8_t *p = datagram.ptr;

    if (datagram.len < IOT_COAP_HEAD_BYTES || p[0] >> 6 != VERSION)
        return IOT_ERR_STATE;
    uint32_t token = p[0] & 15u, left = datagram.len - IOT_COAP_HEAD_BYTES;
    out->type = p[0] >> 4 & 3u;
    out->code = p[1];
    out->id = (uint16_t)(p[2] << 8 | p[3]);
    p += IOT_COAP_HEAD_BYTES;
    out->token.ptr = out->options.ptr = out->payload.ptr = p;
    out->token.len = out->options.len = out->payload.len = 0;
    if (out->code == 0)
        return token == 0 && left == 0 ? IOT_OK : IOT_ERR_COAP_FORMAT;
    if (token > IOT_COAP_TOKEN_MAX || token > left)
        return IOT_ERR_COAP_FORMAT;
    out->token.len = token;
    return read_options(p + token, p + left, out) ? IOT_OK : IOT_ERR_COAP_FORMAT;
}

bool iot_coap_block_read(const struct iot_coap_option *option, struct iot_coap_block *out)
{
    uint32_t value = iot_coap_uint(option);

    out->number = value >> 4;
    out->more = (value & 8u) != 0;
    out->szx = (uint8_t)(value & 7u);
    return option->value.len <= 3 && out->szx != 7;
}

/* ---- Writing ----------------------------------------------------------------------------- */

/* Room for `n` bytes more, or NULL. What does not fit closes the message: nothing behind it may seem to follow what is before. */
static uint8_t *grow(struct iot_coap_encoder *e, uint32_t n)
{
    uint8_t *at = e->ptr + e->len;

    if (e->overflow || n > e->cap - e->len) {
        e->overflow = true;
        return NULL;
    }
    e->len += n;
    return at;
}

static uint32_t nibble(uint32_t value)
{
    return value < ONE_MORE ? value : value < FROM_TWO ? ONE_MORE : TWO_MORE;
}

/* How many bytes follow it. */
static uint32_t extra(uint32_t half)
{
    return half < ONE_MORE ? 0 : half - ONE_MORE + 1;
}

static uint8_t *put_extra(uint8_t *at, uint32_t half, uint32_t value)
{
    if (half == TWO_MORE) {
        value -= FROM_TWO;
        *at++ = (uint8_t)(value >> 8);
        *at++ = (uint8_t)value;
    } else if (half == ONE_MORE) {
        *at++ = (uint8_t)(value - ONE_MORE);
    }
    return at;
}

void iot_coap_encode(struct iot_coap_encoder *e, uint8_t *into, uint32_t cap, uint8_t type,
                     uint8_t code, uint16_t id, struct iot_bytes token)
{
    uint8_t *at;

    IOT_ASSERT(token.len <= IOT_COAP_TOKEN_MAX && type <= IOT_COAP_RST);
    e->ptr = into;
    e->len = 0;
    e->cap = cap;
    e->number = 0;
    e->overflow = false;
    at = grow(e, IOT_COAP_HEAD_BYTES + token.len);
    if (at == NULL)
        return;
    at[0] = (uint8_t)(VERSION << 6 | (uint32_t)type << 4 | token.len);
    at[1] = code;
    at[2] = (uint8_t)(id >> 8);
    at[3] = (uint8_t)id;
    if (token.len != 0)
        memcpy(at + IOT_COAP_HEAD_BYTES, token.ptr, token.len);
}

uint8_t *iot_coap_put_room(struct iot_coap_encoder *e, uint16_t number, uint32_t len)
{
    uint32_t delta = (uint32_t)number - e->number;
    uint32_t high = nibble(delta), low = nibble(len);
    uint8_t *at;

    IOT_ASSERT(number >= e->number);
    if (len > LENGTH_MAX) {
        e->overflow = true;
        return NULL;
    }
    at = grow(e, 1 + extra(high) + extra(low) + len);
    if (at == NULL)
        return NULL;
    e->number = number;
    *at++ = (uint8_t)(high << 4 | low);
    at = put_extra(at, high, delta);
    return put_extra(at, low, len);
}

void iot_coap_put(struct iot_coap_encoder *e, uint16_t number, struct iot_bytes value)
{
    uint8_t *at = iot_coap_put_room(e, number, value.len);

    if (at != NULL && value.len != 0)
        memcpy(at, value.ptr, value.len);
}

void iot_coap_put_uint(struct iot_coap_encoder *e, uint16_t number, uint32_t value)
{
    uint32_t len = 0;
    uint8_t *at;

    while (len < 4 && value >> 8 * len != 0)
        len++;
    at = iot_coap_put_room(e, number, len);
    for (; at != NULL && len != 0; len--)
        *at++ = (uint8_t)(value >> 8 * (len - 1));
}

void iot_coap_put_payload(struct iot_coap_encoder *e, struct iot_bytes payload)
{
    uint8_t *at;

    if (payload.len == 0)
        return;
    at = payload.len < e->cap ? grow(e, 1 + payload.len) : NULL;
    if (at == NULL) {
        e->overflow = true;
        return;
    }
    at[0] = MARKER;
    memmove(at + 1, payload.ptr, payload.len);
}

uint32_t iot_coap_block_value(const struct iot_coap_block *block)
{
    return block->number << 4 | (block->more ? 8u : 0u) | block->szx;
}

#endif

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

/* What a nibble stands for, with the bytes of `rest` that belong to it. */
static bool extend(struct iot_bytes *rest, uint32_t *value)
{
    const uint8_t *p = rest->ptr;
    uint32_t n = 0;

    if (*value == NONE)
        return false;
    if (*value >= ONE_MORE)
        n = *value - ONE_MORE + 1;
    if (n > rest->len)
        return false;
    if (n == 1)
        *value = ONE_MORE + p[0];
    else if (n == 2)
        *value = FROM_TWO + ((uint32_t)p[0] << 8 | p[1]);
    rest->ptr += n;
    rest->len -= n;
    return true;
}

/* One option of a rest that is not empty; false: it is none. */
static bool step(struct iot_coap_cursor *at, struct iot_bytes *value)
{
    struct iot_bytes rest = {at->rest.ptr + 1, at->rest.len - 1};
    uint32_t delta = at->rest.ptr[0] >> 4, len = at->rest.ptr[0] & 15u;

    if (!extend(&rest, &delta) || !extend(&rest, &len) || len > rest.len ||
        delta > 65535u - at->number)
        return false;
    at->number = (uint16_t)(at->number + delta);
    value->ptr = rest.ptr;
    value->len = len;
    at->rest.ptr = rest.ptr + len;
    at->rest.len = rest.len - len;
    return true;
}

bool iot_coap_next(struct iot_coap_cursor *at, struct iot_coap_option *out)
{
    if (at->rest.len == 0 || !step(at, &out->value))
        return false;
    out->number = at->number;
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
static bool read_options(struct iot_bytes in, struct iot_coap_message *out)
{
    struct iot_coap_cursor at = {in, 0};
    struct iot_bytes value;

    while (at.rest.len != 0 && at.rest.ptr[0] != MARKER)
        if (!step(&at, &value))
            return false;
    out->options.ptr = in.ptr;
    out->options.len = in.len - at.rest.len;
    if (at.rest.len == 0)
        return true;
    out->payload.ptr = at.rest.ptr + 1;
    out->payload.len = at.rest.len - 1;
    return out->payload.len != 0;
}

iot_err iot_coap_decode(struct iot_bytes datagram, struct iot_coap_message *out)
{
    const uint8_t *p = datagram.ptr;

    if (datagram.len < IOT_COAP_HEAD_BYTES || p[0] >> 6 != VERSION)
        return IOT_ERR_STATE;
    struct iot_bytes rest = {p + IOT_COAP_HEAD_BYTES, datagram.len - IOT_COAP_HEAD_BYTES};
    uint32_t token = p[0] & 15u;
    out->type = p[0] >> 4 & 3u;
    out->code = p[1];
    out->id = (uint16_t)(p[2] << 8 | p[3]);
    out->token.ptr = out->options.ptr = out->payload.ptr = rest.ptr;
    out->token.len = out->options.len = out->payload.len = 0;
    if (out->code == 0)
        return token == 0 && rest.len == 0 ? IOT_OK : IOT_ERR_COAP_FORMAT;
    if (token > IOT_COAP_TOKEN_MAX || token > rest.len)
        return IOT_ERR_COAP_FORMAT;
    out->token.len = token;
    rest.ptr += token;
    rest.len -= token;
    return read_options(rest, out) ? IOT_OK : IOT_ERR_COAP_FORMAT;
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

/* How many bytes a number or a length takes behind its nibble. */
static uint32_t extra(uint32_t value)
{
    return value < ONE_MORE ? 0u : value < FROM_TWO ? 1u : 2u;
}

/* They, and the nibble. */
static uint32_t put_extra(uint8_t **at, uint32_t value)
{
    uint32_t n = extra(value);

    if (n == 0)
        return value;
    if (n == 2) {
        value -= FROM_TWO;
        *(*at)++ = (uint8_t)(value >> 8);
    } else {
        value -= ONE_MORE;
    }
    *(*at)++ = (uint8_t)value;
    return ONE_MORE - 1 + n;
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
    uint32_t delta = (uint32_t)number - e->number, high, low;
    uint8_t *head, *at;

    IOT_ASSERT(number >= e->number);
    if (len > LENGTH_MAX) {
        e->overflow = true;
        return NULL;
    }
    head = grow(e, 1 + extra(delta) + extra(len) + len);
    if (head == NULL)
        return NULL;
    at = head + 1;
    high = put_extra(&at, delta);
    low = put_extra(&at, len);
    *head = (uint8_t)(high << 4 | low);
    e->number = number;
    return at;
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

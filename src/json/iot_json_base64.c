/* SPDX-License-Identifier: Apache-2.0 */
#include "json/iot_json_base64.h"

#if IOT_FEATURE_JSON

/* Below 64; 64: none of its letters. */
static uint32_t value_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* A string as it lies in the JSON: a '/' may be escaped, and nothing else needs to be. */
iot_err iot_json_base64(struct iot_json v, uint8_t *into, uint32_t cap, uint32_t *len)
{
    uint32_t bits = 0, have = 0, letters = 0, pads = 0, n = 0;

    if (iot_json_kind(v) != IOT_JSON_STRING)
        return IOT_ERR_JSON_TYPE;
    for (uint32_t i = 1; i + 1 < v.len; i++) {
        if (v.ptr[i] == '\\' && v.ptr[i + 1] == '/')
            i++;
        letters++;
        if (v.ptr[i] == '=') {
            pads++;
            continue;
        }
        uint32_t value = value_of(v.ptr[i]);
        if (value == 64 || pads != 0)
            return IOT_ERR_JSON_TYPE;
        bits = bits << 6 | value;
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        if (n == cap)
            return IOT_ERR_SIZE;
        into[n++] = (uint8_t)(bits >> have);
        bits &= (1u << have) - 1;
    }
    if (letters % 4 != 0 || pads > 2 || bits != 0)
        return IOT_ERR_JSON_TYPE;
    *len = n;
    return IOT_OK;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "json/iot_json_number.h"

#include "core/iot_core_utf8.h"

#include <string.h>

#if IOT_FEATURE_JSON

/* Bytes at `at` that may stay as they are: a well-formed character, or 0. */
static uint32_t plain(const uint8_t *at, const uint8_t *end)
{
    uint32_t c = *at, n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    if (c < 0x80)
        return c >= 0x20 && c != '"' && c != '\\';
    if (n > (uint32_t)(end - at) || !iot_utf8_valid((struct iot_bytes){at, n}))
        return 0;
    return n;
}

static void put_escaped(struct iot_writer *w, uint8_t c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    uint32_t n = 6;

    for (uint32_t i = 0; i < sizeof from - 1; i++) {
        if (c == (uint8_t)from[i]) {
            text[1] = to[i];
            n = 2;
        }
    }
    iot_writer_put(w, text, n);
}

void iot_json_put_bytes(struct iot_writer *w, struct iot_bytes text)
{
    const uint8_t *at = text.ptr, *from = at, *end = at + text.len;

    iot_writer_put(w, "\"", 1);
    while (at < end) {
        uint32_t n = plain(at, end);
        if (n == 0) {
            iot_writer_put(w, from, (uint32_t)(at - from));
            if (*at < 0x80)
                put_escaped(w, *at);
            else
                iot_writer_put(w, "\xef\xbf\xbd", 3); /* U+FFFD */
            from = at + 1;
            n = 1;
        }
        at += n;
    }
    iot_writer_put(w, from, (uint32_t)(at - from));
    iot_writer_put(w, "\"", 1);
}

void iot_json_put_text(struct iot_writer *w, const char *text)
{
    iot_json_put_bytes(w, (struct iot_bytes){(const uint8_t *)text, (uint32_t)strlen(text)});
}

void iot_json_key(struct iot_writer *w, const char *name)
{
    iot_json_put_text(w, name);
    iot_writer_put(w, ":", 1);
}

void iot_json_put_i32(struct iot_writer *w, int32_t value)
{
    if (value < 0)
        iot_writer_put(w, "-", 1);
    iot_writer_u32(w, value < 0 ? 0 - (uint32_t)value : (uint32_t)value);
}

void iot_json_put_i64(struct iot_writer *w, int64_t value)
{
    char digits[20];
    uint32_t at = sizeof digits;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do
        digits[--at] = (char)('0' + left % 10);
    while ((left /= 10) != 0);
    if (value < 0)
        digits[--at] = '-';
    iot_writer_put(w, digits + at, (uint32_t)sizeof digits - at);
}

static void put_number(struct iot_writer *w, uint64_t bits, const struct iot_json_format *format)
{
    char text[IOT_JSON_NUMBER_MAX];

    iot_writer_put(w, text, iot_json_number_text(bits, format, text));
}

void iot_json_put_float(struct iot_writer *w, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    put_number(w, bits, &iot_json_float_format);
}

void iot_json_put_double(struct iot_writer *w, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    put_number(w, bits, &iot_json_double_format);
}

#endif

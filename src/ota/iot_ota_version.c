/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/iot_ota.h"

#if IOT_FEATURE_OTA

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* One word of a version; len 0: there is none left. A number has no zeros in front, and "0" none at all. */
struct word {
    const char *at;
    size_t len;
    bool is_letters, is_number;
};

static struct word next_word(const char **text)
{
    const char *p = *text;
    struct word w = {p, 0, false, false};

    while (*p != '\0' && *p != '+' && !is_digit(*p) && !is_letter(*p))
        p++;
    w.is_number = is_digit(*p);
    w.is_letters = is_letter(*p);
    while (w.is_number && *p == '0')
        p++;
    w.at = p;
    while (w.is_number ? is_digit(*p) : is_letter(*p))
        p++;
    w.len = (size_t)(p - w.at);
    *text = p;
    return w;
}

static int compare_texts(const struct word *a, const struct word *b)
{
    size_t n = a->len < b->len ? a->len : b->len;
    int order = memcmp(a->at, b->at, n);

    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static int compare_words(const struct word *a, const struct word *b)
{
    if (a->is_letters != b->is_letters)
        return a->is_letters ? -1 : 1;
    if (a->is_letters || a->len == b->len)
        return compare_texts(a, b);
    return a->len < b->len ? -1 : 1; /* as numbers */
}

static const char *skip_v(const char *text)
{
    return (*text == 'v' || *text == 'V') && is_digit(text[1]) ? text + 1 : text;
}

int iot_ota_compare(const char *a, const char *b)
{
    a = skip_v(a);
    b = skip_v(b);
    for (;;) {
        struct word x = next_word(&a), y = next_word(&b);
        int order = compare_words(&x, &y);
        if (order != 0)
            return order;
        if (!x.is_letters && !x.is_number && !y.is_number)
            return 0;
    }
}

int iot_ota_step_of(iot_err err)
{
    switch (err) {
    case IOT_OK:
        return 0;
    case IOT_ERR_OTA_METHOD:
    case IOT_ERR_OTA_DIGEST:
    case IOT_ERR_OTA_SIGNATURE:
        return -3;
    case IOT_ERR_KV:
    case IOT_ERR_FULL:
        return -4;
    case IOT_ERR_OTA_CHANGED:
    case IOT_ERR_OTA_EXPIRED:
    case IOT_ERR_OTA_FAILED:
    case IOT_ERR_OTA_BLOCK:
    case IOT_ERR_LINK_TIMEOUT:
    case IOT_ERR_LINK_CODE:
        return -2;
    default:
        break;
    }
    if ((err <= IOT_ERR_NET_DOWN && err >= IOT_ERR_TLS_CREDENTIAL) ||
        (err <= IOT_ERR_HTTP_URL && err >= IOT_ERR_HTTP_SLOW))
        return -2;
    return -1;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Discovery: the table as links (RFC 6690), and whether it can be one. */
#include "coap/iot_coap_guest.h"

#if IOT_FEATURE_COAP_SERVER

#include "coap/iot_coap_path.h"

#include <string.h>

/* A bit per character from NUL on: names of parameters, and values without quotes (RFC 6690 section 2: parmname with the '*' of
 * ext-name-star; ptoken). */
static const uint32_t name_set[4] = {0, 0x03ff6c5a, 0xc7fffffe, 0x57ffffff};
static const uint32_t token_set[4] = {0, 0xf7ffeffa, 0xefffffff, 0x7fffffff};

static uint32_t span(const char *p, const uint32_t set[4])
{
    uint32_t n = 0;

    for (uint8_t c; (c = (uint8_t)p[n]) < 128 && (set[c / 32] >> c % 32 & 1u) != 0; n++)
        ;
    return n;
}

/* ---- Attributes ---------------------------------------------------------------------------- */

/* One parameter, `rt="a b"`, `ct=50` or `obs`; a value that is not there is empty. Returns what is behind it, or NULL: it is
 * none. In quotes nothing is escaped. */
static const char *read_param(const char *p, struct iot_bytes *name, struct iot_bytes *value)
{
    uint32_t len = span(p, name_set);
    *name = (struct iot_bytes){(const uint8_t *)p, len};
    if (len == 0)
        return NULL;
    p += len;
    bool has_value = *p == '=', quoted = has_value && p[1] == '"';
    p += has_value + quoted;
    const char *begin = p;
    if (quoted)
        while ((uint8_t)*p >= ' ' && *p != '"' && *p != '\\' && *p != 127)
            p++;
    else if (has_value)
        p += span(p, token_set);
    *value = (struct iot_bytes){(const uint8_t *)begin, (uint32_t)(p - begin)};
    if (quoted ? *p++ != '"' : has_value && p == begin)
        return NULL;
    return p;
}

static bool are_params(const char *p)
{
    struct iot_bytes name, value;

    if (p == NULL || *p == '\0')
        return true;
    do {
        p = read_param(p, &name, &value);
    } while (p != NULL && *p++ == ';');
    return p != NULL && p[-1] == '\0';
}

/* ---- Filters (RFC 6690 section 4.1) -------------------------------------------------------- */

/* The same bytes; or, where the pattern ends with '*', what begins with those before it. Of a list with blanks between: one of its
 * words, or several that follow each other. */
static bool is_like(const char *value, uint32_t len, struct iot_bytes pattern, bool is_list)
{
    bool open = pattern.len != 0 && pattern.ptr[pattern.len - 1] == '*';
    const char *end = value + len;

    pattern.len -= open;
    for (;;) {
        len = (uint32_t)(end - value);
        if (len >= pattern.len && memcmp(value, pattern.ptr, pattern.len) == 0 &&
            (open || len == pattern.len || (is_list && value[pattern.len] == ' ')))
            return true;
        while (value != end && *value != ' ')
            value++;
        if (!is_list || value == end)
            return false;
        value++;
    }
}

static bool is_name(struct iot_bytes name, const char *text, uint32_t len)
{
    return name.len == len && memcmp(name.ptr, text, len) == 0;
}

static bool fits(const struct iot_coap_resource *r, struct iot_bytes query)
{
    struct iot_bytes name = {query.ptr, 0}, pattern, param, value;
    const char *p = r->link != NULL ? r->link : "";

    while (name.len < query.len && query.ptr[name.len] != '=')
        name.len++;
    if (name.len == query.len)
        return false;
    pattern = (struct iot_bytes){query.ptr + name.len + 1, query.len - name.len - 1};

    if (is_name(name, "href", 4)) {
        if (pattern.len == 0 || pattern.ptr[0] != '/')
            return pattern.len == 1 && pattern.ptr[0] == '*';
        pattern.ptr++;
        pattern.len--;
        return is_like(r->path, (uint32_t)strlen(r->path), pattern, false);
    }
    if (is_name(name, "obs", 3) && (r->flags & IOT_COAP_OBSERVABLE) != 0)
        return is_like("", 0, pattern, false);
    do {
        p = read_param(p, &param, &value);
        if (p == NULL)
            return false;
        if (is_name(name, (const char *)param.ptr, param.len) &&
            is_like((const char *)value.ptr, value.len, pattern, true))
            return true;
    } while (*p++ == ';');
    return false;
}

static bool fits_all(const struct iot_coap_resource *r, struct iot_bytes options)
{
    struct iot_coap_cursor at = {options, 0};
    struct iot_coap_option o;

    while (iot_coap_next(&at, &o))
        if (o.number == IOT_COAP_URI_QUERY && !fits(r, o.value))
            return false;
    return true;
}

/* ---- Links --------------------------------------------------------------------------------- */

static char digit(uint32_t n)
{
    return (char)(n < 10 ? '0' + n : 'A' - 10 + n);
}

static void put_path(struct iot_writer *w, const char *path)
{
    for (; *path != '\0'; path++) {
        uint8_t c = (uint8_t)*path;
        const char hex[3] = {'%', digit(c >> 4), digit(c & 15u)};
        bool plain = iot_coap_path_has(c) && c != '%' && c != '?';
        iot_writer_put(w, plain ? path : hex, plain ? 1 : 3);
    }
}

bool iot_coap_links(const struct iot_coap_resource *resources, uint16_t count,
                    struct iot_bytes options, struct iot_writer *w)
{
    bool found = false;

    for (const struct iot_coap_resource *r = resources; r < resources + count; r++) {
        if ((r->flags & IOT_COAP_HIDDEN) != 0 || !fits_all(r, options))
            continue;
        iot_writer_text(w, found ? ",</" : "</");
        put_path(w, r->path);
        iot_writer_text(w, ">");
        if (r->link != NULL && *r->link != '\0') {
            iot_writer_text(w, ";");
            iot_writer_text(w, r->link);
        }
        if ((r->flags & IOT_COAP_OBSERVABLE) != 0)
            iot_writer_text(w, ";obs");
        found = true;
    }
    return found;
}

/* ---- The table ----------------------------------------------------------------------------- */

/* Segments with a '/' between each two, no longer than a request may have it. "." and ".." are steps (RFC 3986 5.2.4): a client
 * would not send them. */
static bool is_path(const char *path)
{
    const char *p = path;

    if (*p == '\0')
        return true;
    for (;; p++) {
        const char *segment = p;
        while (*p != '/' && *p != '\0')
            p++;
        uint32_t len = (uint32_t)(p - segment);
        if (len == 0 || (len <= 2 && segment[0] == '.' && segment[len - 1] == '.'))
            return false;
        if (*p == '\0')
            return p - path <= (int)IOT_COAP_PATH_MAX;
    }
}

static bool is_before(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b)
        a++, b++;
    return (uint8_t)*a < (uint8_t)*b;
}

bool iot_coap_serve_check(const struct iot_coap_resource *resources, uint16_t count)
{
    for (const struct iot_coap_resource *r = resources; r < resources + count; r++) {
        if (r->path == NULL || r->on_call == NULL || !is_path(r->path) || !are_params(r->link) ||
            (r != resources && !is_before(r[-1].path, r->path)))
            return false;
    }
    return true;
}

#endif

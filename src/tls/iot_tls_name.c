/* SPDX-License-Identifier: Apache-2.0 */
/* Is a certificate for the server that we want? RFC 9525: names by dNSName, addresses by iPAddress, nothing by
 * anything else; a wildcard is one whole label, the leftmost, and never stands for an address. mbedTLS takes
 * URIs, and names that look like addresses, as well. */
#include "tls/iot_tls_core.h"

#if IOT_FEATURE_TLS

#include "tls/iot_tls_mbedtls.h"

#include <string.h>

#include <mbedtls/oid.h>

#define SAN_DNS 2u /* RFC 5280, section 4.2.1.6: GeneralName */
#define SAN_IP  7u

/* Of mbedTLS's x509_crt.c; no public header has it. Writes 4 or 16 bytes and returns how many; 0: no address. */
size_t mbedtls_x509_crt_parse_cn_inet_pton(const char *cn, void *dst);

const char *iot_tls_name(const struct iot_tls_core *t)
{
    if (t->opt->server_name != NULL)
        return t->opt->server_name;
    return t->to->server_name != NULL ? t->to->server_name : t->to->host;
}

static uint32_t address_of(const char *name, uint32_t into[4])
{
    return (uint32_t)mbedtls_x509_crt_parse_cn_inet_pton(name, into);
}

bool iot_tls_is_address(const char *name)
{
    uint32_t bytes[4];
    return address_of(name, bytes) != 0;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool same(struct iot_bytes a, struct iot_bytes b)
{
    if (a.len != b.len)
        return false;
    for (uint32_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

/* From the first '.' on; empty if there is none. */
static struct iot_bytes parent(struct iot_bytes name)
{
    uint32_t skipped = 0;

    while (skipped < name.len && name.ptr[skipped] != '.')
        skipped++;
    return (struct iot_bytes){name.ptr + skipped, name.len - skipped};
}

/* "*.example.org" is for each name right below example.org; "*.org" is for nobody. */
static bool fits_wildcard(struct iot_bytes pattern, struct iot_bytes name)
{
    if (pattern.len < 3 || pattern.ptr[0] != '*' || pattern.ptr[1] != '.')
        return false;
    struct iot_bytes above = {pattern.ptr + 1, pattern.len - 1};
    struct iot_bytes inner = {above.ptr + 1, above.len - 1};
    bool first_label = name.len != 0 && name.ptr[0] != '.';
    return first_label && parent(inner).len > 1 && same(above, parent(name));
}

bool iot_tls_is_for(const mbedtls_x509_crt *crt, const char *name)
{
    uint32_t address[4], address_len = address_of(name, address);
    struct iot_bytes text = {(const uint8_t *)name, (uint32_t)strlen(name)};

    if (text.len > 1 && text.ptr[text.len - 1] == '.')
        text.len--; /* a final dot says that a name is complete; certificates do without */
    if (!mbedtls_x509_crt_has_ext_type(crt, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME))
        return false;
    for (const mbedtls_x509_sequence *s = &crt->subject_alt_names; s != NULL; s = s->next) {
        struct iot_bytes value = {s->buf.p, (uint32_t)s->buf.len};
        uint32_t kind = (uint32_t)s->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
        if (address_len != 0) {
            if (kind == SAN_IP && value.len == address_len &&
                memcmp(value.ptr, address, address_len) == 0)
                return true;
        } else if (kind == SAN_DNS && (same(value, text) || fits_wildcard(value, text))) {
            return true;
        }
    }
    return false;
}

#endif

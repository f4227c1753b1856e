/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_sign.h"

#include <string.h>

#include "core/iot_core_assert.h"
#include "crypto/iot_crypto_digest.h"

/* Any number is good. The platform's own SDKs send this one, 1 January 2050, and PSK knows no other. */
#define FIXED_TIMESTAMP "2524608000000"

#define TEXT_OF(number)  TEXT_OF2(number)
#define TEXT_OF2(number) #number
#define OUR_VERSION                                                                                \
    "sdk-c-" TEXT_OF(IOT_VERSION_MAJOR) "." TEXT_OF(IOT_VERSION_MINOR) "." TEXT_OF(IOT_VERSION_PATCH)

/* ---- is it well-formed */

/* Kinds of characters. '|' is of none: it ends the parts of a client id. */
enum {
    DIGIT = 1,
    LETTER = 2,
    DASH = 4,
    NAME = 8,   /* _ @ . : */
    OTHER = 16, /* printable, neither of the others */
    LIST = 32,  /* , = */
    BLANK = 64,
};
#define PLAIN (DIGIT | LETTER | DASH | NAME | OTHER)

static uint32_t kind_of(char c)
{
    if (c >= '0' && c <= '9')
        return DIGIT;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return LETTER;
    if (c <= ' ' || c > '~') /* also what is no ASCII, whether char is signed or not */
        return c == ' ' ? BLANK : 0;
    switch (c) {
    case '|':
        return 0;
    case '-':
        return DASH;
    case '_':
    case '@':
    case '.':
    case ':':
        return NAME;
    case ',':
    case '=':
        return LIST;
    default:
        return OTHER;
    }
}

/* What each text may be if it is there. The longest of region and instance keep the host within
 * IOT_LINK_HOST_MAX; all together make IOT_LINK_LOGIN_MAX. */
static const struct {
    uint8_t at; /* where its pointer is in the identity */
    uint8_t min, max;
    uint8_t kinds;
} rules[] = {
#define RULE(member, min, max, kinds)                                                              \
    {                                                                                              \
        (uint8_t)offsetof(struct iot_link_identity, member), min, max, kinds                       \
    }
    RULE(product_key, 1, IOT_PRODUCT_KEY_MAX, DIGIT | LETTER),
    RULE(device_name, 1, IOT_DEVICE_NAME_MAX, DIGIT | LETTER | DASH | NAME),
    RULE(device_secret, 1, IOT_DEVICE_SECRET_MAX, DIGIT | LETTER),
    RULE(region, 1, 32, DIGIT | LETTER | DASH),
    RULE(instance_id, 0, 48, DIGIT | LETTER | DASH),
    RULE(timestamp, 0, 20, DIGIT),
    RULE(client_id, 1, 64, PLAIN),
    RULE(sdk_version, 0, 32, PLAIN),
    RULE(partner_id, 0, 16, PLAIN),
    RULE(module_id, 0, 64, PLAIN),
    RULE(connection, 0, 64, PLAIN | BLANK),
    RULE(custom, 0, 128, PLAIN | BLANK | LIST),
#undef RULE
};
IOT_STATIC_ASSERT(sizeof(struct iot_link_identity) <= UINT8_MAX, "offsets are bytes");

iot_err iot_link_check(const struct iot_link_identity *id)
{
    for (uint32_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const char *text;
        uint32_t n = 0;
        memcpy(&text, (const uint8_t *)id + rules[i].at, sizeof text);
        if (text == NULL)
            continue;
        while (text[n] != '\0') {
            if (n == rules[i].max || (kind_of(text[n]) & rules[i].kinds) == 0)
                return IOT_ERR_ARG;
            n++;
        }
        if (n < rules[i].min)
            return IOT_ERR_ARG;
    }
    if ((uint32_t)id->method > IOT_SIGN_HMACMD5)
        return IOT_ERR_ARG;
    if ((id->product_key == NULL) != (id->device_name == NULL))
        return IOT_ERR_ARG;
    if (id->x509)
        return IOT_OK;
    if (id->product_key == NULL || (id->device_secret == NULL && id->sign == NULL))
        return IOT_ERR_ARG;
    return IOT_OK;
}

/* ---- signing */

/* One list for both: a method of signing is the HMAC over that digest. */
IOT_STATIC_ASSERT((int)IOT_SIGN_HMACSHA256 == (int)IOT_DIGEST_SHA256, "same order");
IOT_STATIC_ASSERT((int)IOT_SIGN_HMACSHA1 == (int)IOT_DIGEST_SHA1, "same order");
IOT_STATIC_ASSERT((int)IOT_SIGN_HMACMD5 == (int)IOT_DIGEST_MD5, "same order");

static iot_err sign(const struct iot_link_identity *id, enum iot_sign_method method,
                    struct iot_bytes text, uint8_t mac[IOT_DIGEST_BYTES_MAX])
{
    if (id->sign != NULL)
        return id->sign(id->sign_ctx, method, text, mac);
    struct iot_bytes key = {(const uint8_t *)id->device_secret,
                            (uint32_t)strlen(id->device_secret)};
    iot_hmac((enum iot_digest_kind)method, key, &text, 1, mac);
    return IOT_OK;
}

static void put_hex(struct iot_writer *w, const uint8_t *bytes, uint32_t n)
{
    for (uint32_t i = 0; i < 2 * n; i++)
        iot_writer_put(w, &"0123456789ABCDEF"[i % 2 != 0 ? bytes[i / 2] & 15 : bytes[i / 2] >> 4], 1);
}

/* ---- texts */

static const char method_names[][11] = {
    [IOT_SIGN_HMACSHA256] = "hmacsha256", [IOT_SIGN_HMACSHA1] = "hmacsha1", [IOT_SIGN_HMACMD5] = "hmacmd5"};

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static const char *timestamp_of(const struct iot_link_identity *id)
{
    return id->timestamp != NULL ? id->timestamp : FIXED_TIMESTAMP;
}

/* first, middle, last: the platform likes its names in a row. */
static void put_three(struct iot_writer *w, const char *first, const char *middle, const char *last)
{
    iot_writer_text(w, first);
    iot_writer_text(w, middle);
    iot_writer_text(w, last);
}

/* What of the client id is before the first '|'. */
static void put_own_id(struct iot_writer *w, const struct iot_link_identity *id)
{
    if (id->client_id != NULL)
        iot_writer_text(w, id->client_id);
    else
        put_three(w, or_empty(id->product_key), ".", or_empty(id->device_name));
}

/* Names in alphabetical order, each followed by its value, nothing between. */
static void put_signed_text(struct iot_writer *w, const struct iot_link_identity *id)
{
    const char *timestamp = timestamp_of(id);

    iot_writer_text(w, "clientId");
    put_own_id(w, id);
    put_three(w, "deviceName", id->device_name, "productKey");
    iot_writer_text(w, id->product_key);
    if (timestamp[0] != '\0')
        put_three(w, "timestamp", timestamp, "");
}

/* |key=value,key=value,...| in the order of the platform's own SDK. */
static void put_fields(struct iot_writer *w, const struct iot_link_identity *id,
                       enum iot_link_transport transport)
{
    static const char keys[][12] = {"timestamp", "_v", "securemode", "signmethod", "lan",        "_ss",
                                    "gw",        "ext", "pid",       "mid",        "instanceId", "_conn"};
    char ext[4] = {0}; /* up to 255, and a NUL */
    struct iot_writer ext_writer = {.ptr = (uint8_t *)ext, .cap = sizeof ext - 1};
    const char *values[] = {
        timestamp_of(id),
        id->sdk_version != NULL ? id->sdk_version : OUR_VERSION,
        transport == IOT_LINK_PLAIN ? "3" : "2",
        method_names[id->method],
        "C", /* the language */
        id->system_topics ? "1" : "",
        id->gateway ? "1" : "0",
        ext,
        or_empty(id->partner_id),
        or_empty(id->module_id),
        or_empty(id->instance_id),
        or_empty(id->connection),
    };
    IOT_STATIC_ASSERT(sizeof keys / sizeof keys[0] == sizeof values / sizeof values[0], "one each");
    const char *before = "|";

    iot_writer_u32(&ext_writer, id->ext);
    for (uint32_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (values[i][0] == '\0')
            continue;
        put_three(w, before, keys[i], "=");
        iot_writer_text(w, values[i]);
        before = ",";
    }
    if (or_empty(id->custom)[0] != '\0')
        put_three(w, before, id->custom, "");
    iot_writer_text(w, "|");
}

iot_err iot_link_login(const struct iot_link_identity *id, enum iot_link_transport transport,
                       uint8_t *scratch, uint32_t cap, struct iot_link_login *out)
{
    struct iot_writer w = {.ptr = scratch, .cap = cap};
    uint8_t mac[IOT_DIGEST_BYTES_MAX];
    uint32_t user_at, password_at;
    iot_err err = iot_link_check(id);

    memset(out, 0, sizeof *out);
    if (err != IOT_OK)
        return err;
    if (id->x509) {
        if (transport == IOT_LINK_PLAIN)
            return IOT_ERR_ARG;
    } else {
        /* Signed first and written over then: the login is always longer than the text it signs. */
        put_signed_text(&w, id);
        if (w.overflow)
            return IOT_ERR_SIZE;
        err = sign(id, id->method, (struct iot_bytes){scratch, w.len}, mac);
        w.len = 0;
    }
    if (err == IOT_OK) {
        put_own_id(&w, id);
        put_fields(&w, id, transport);
        user_at = w.len;
        put_three(&w, or_empty(id->device_name), "&", or_empty(id->product_key));
        password_at = w.len;
        if (!id->x509)
            put_hex(&w, mac, iot_digest_bytes((enum iot_digest_kind)id->method));
        if (w.overflow) {
            iot_wipe(scratch, cap); /* half a password */
            err = IOT_ERR_SIZE;
        } else {
            out->client_id = (struct iot_bytes){scratch, user_at};
            out->user_name = (struct iot_bytes){scratch + user_at, password_at - user_at};
            if (!id->x509)
                out->password = (struct iot_bytes){scratch + password_at, w.len - password_at};
        }
    }
    iot_wipe(mac, sizeof mac);
    return err;
}

iot_err iot_link_psk(const struct iot_link_identity *id,
                     uint8_t identity[IOT_LINK_PSK_IDENTITY_MAX], uint32_t *len,
                     uint8_t key[IOT_LINK_PSK_BYTES])
{
    struct iot_writer name = {.ptr = identity, .cap = IOT_LINK_PSK_IDENTITY_MAX};
    struct iot_writer hex = {.ptr = key, .cap = IOT_LINK_PSK_BYTES};
    uint8_t mac[IOT_DIGEST_BYTES_MAX];
    iot_err err = iot_link_check(id);

    *len = 0;
    if (err != IOT_OK)
        return err;
    if (id->product_key == NULL || (id->device_secret == NULL && id->sign == NULL))
        return IOT_ERR_ARG; /* good enough with x509 only */
    put_three(&name, "id", id->product_key, "&");
    put_three(&name, id->device_name, "timestamp", FIXED_TIMESTAMP);
    err = sign(id, IOT_SIGN_HMACSHA256, (struct iot_bytes){identity, name.len}, mac);
    if (err == IOT_OK) {
        name.len = 0; /* what was signed has served */
        put_three(&name, "devicename|hmacsha256|", id->product_key, "&");
        put_three(&name, id->device_name, "|", FIXED_TIMESTAMP);
        IOT_ASSERT(!name.overflow);
        *len = name.len;
        put_hex(&hex, mac, sizeof mac);
    }
    iot_wipe(mac, sizeof mac);
    return err;
}

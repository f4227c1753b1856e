/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_sign.h"
#include "link/iot_link_register.h"

#if IOT_FEATURE_LINK

#include <string.h>

#include "core/iot_core_assert.h"
#include "crypto/iot_crypto_digest.h"

/* Any number is good. The platform's own SDKs send this one, 1 January 2050, and PSK knows no other. */
#define FIXED_TIMESTAMP "2524608000000"

#define TEXT_OF(number)  TEXT_OF2(number)
#define TEXT_OF2(number) #number
#define OUR_VERSION                                                                                \
    "sdk-c-" TEXT_OF(IOT_VERSION_MAJOR) "." TEXT_OF(IOT_VERSION_MINOR) "." TEXT_OF(                \
        IOT_VERSION_PATCH)

/* ---- is it well-formed */

#define DIGIT  IOT_CHAR_DIGIT
#define LETTER IOT_CHAR_LETTER
#define DASH   IOT_CHAR_DASH
#define NAME   IOT_CHAR_NAME
#define LIST   IOT_CHAR_LIST
#define BLANK  IOT_CHAR_BLANK
#define PLAIN  IOT_CHAR_PLAIN

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
        return IOT_CHAR_OTHER;
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
        (uint8_t) offsetof(struct iot_link_identity, member), min, max, kinds                      \
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

bool iot_link_is_text(const char *text, uint32_t min, uint32_t max, uint32_t kinds)
{
    uint32_t n = 0;

    for (; text[n] != '\0'; n++)
        if (n == max || (kind_of(text[n]) & kinds) == 0)
            return false;
    return n >= min;
}

iot_err iot_link_check(const struct iot_link_identity *id)
{
    for (uint32_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const char *text;
        memcpy(&text, (const uint8_t *)id + rules[i].at, sizeof text);
        if (text != NULL && !iot_link_is_text(text, rules[i].min, rules[i].max, rules[i].kinds))
            return IOT_ERR_ARG;
    }
    if ((uint32_t)id->method > IOT_SIGN_HMACMD5)
        return IOT_ERR_ARG;
    if ((id->product_key == NULL) != (id->device_name == NULL))
        return IOT_ERR_ARG;
    if (id->registration != NULL)
        return iot_register_check(id);
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

void iot_link_put_hex(struct iot_writer *w, const uint8_t *bytes, uint32_t digits)
{
    for (uint32_t i = 0; i < digits; i++)
        iot_writer_put(w, &"0123456789ABCDEF"[i % 2 != 0 ? bytes[i / 2] & 15 : bytes[i / 2] >> 4],
                       1);
}

/* ---- texts */

/* Texts are templates, in which a character below ' ' stands for a value. Values hold none of those
 * (iot_link_check), so a text of the user's is a template of itself. */
#define PRODUCT    "\1"
#define DEVICE     "\2"
#define TIMESTAMP  "\3"
#define VERSION    "\4"
#define SECUREMODE "\5"
#define METHOD     "\6"
#define LANGUAGE   "\7"
#define SUBSCRIBED "\10"
#define GATEWAY    "\11"
#define EXT        "\12"
#define PARTNER    "\13"
#define MODULE     "\14"
#define INSTANCE   "\15"
#define CONNECTION "\16"
#define CUSTOM     "\17"
#define VALUES     16 /* one more than the last */

/* NULL and "" are the same. */
struct values {
    const char *of[VALUES];
};

static void put(struct iot_writer *w, const struct values *values, const char *text)
{
    for (; *text != '\0'; text++) {
        if ((uint8_t)*text >= VALUES)
            iot_writer_put(w, text, 1);
        else if (values->of[(uint8_t)*text] != NULL)
            iot_writer_text(w, values->of[(uint8_t)*text]);
    }
}

/* Fields that have a value, which is the last thing in each. `fields` are templates in a row, the last is
 * empty. */
static void put_fields(struct iot_writer *w, const struct values *values, const char *fields,
                       const char *before, const char *between)
{
    uint32_t n;

    for (; (n = (uint32_t)strlen(fields)) != 0; fields += n + 1) {
        const char *value = values->of[(uint8_t)fields[n - 1]];
        if (value == NULL || value[0] == '\0')
            continue;
        iot_writer_text(w, before);
        put(w, values, fields);
        before = between;
    }
}

/* In the order of the platform's own SDK. */
#define CLIENT_ID_FIELDS                                                                           \
    "timestamp=" TIMESTAMP "\0"                                                                    \
    "_v=" VERSION "\0"                                                                             \
    "securemode=" SECUREMODE "\0"                                                                  \
    "signmethod=" METHOD "\0"                                                                      \
    "lan=" LANGUAGE "\0"                                                                           \
    "_ss=" SUBSCRIBED "\0"                                                                         \
    "gw=" GATEWAY "\0"                                                                             \
    "ext=" EXT "\0"                                                                                \
    "pid=" PARTNER "\0"                                                                            \
    "mid=" MODULE "\0"                                                                             \
    "instanceId=" INSTANCE "\0"                                                                    \
    "_conn=" CONNECTION "\0" CUSTOM "\0"

/* What is signed behind the client id: names in alphabetical order, each followed by its value, nothing
 * between. */
#define SIGNED_FIELDS "deviceName" DEVICE "\0productKey" PRODUCT "\0timestamp" TIMESTAMP "\0"

static const char method_names[][11] = {[IOT_SIGN_HMACSHA256] = "hmacsha256",
                                        [IOT_SIGN_HMACSHA1] = "hmacsha1",
                                        [IOT_SIGN_HMACMD5] = "hmacmd5"};

const char *iot_link_method_name(enum iot_sign_method method)
{
    return method_names[method];
}

const char *iot_link_version(const struct iot_link_identity *id)
{
    return id->sdk_version != NULL ? id->sdk_version : OUR_VERSION;
}

iot_err iot_link_login(const struct iot_link_identity *id, enum iot_link_transport transport,
                       uint8_t *scratch, uint32_t cap, struct iot_link_login *out)
{
    struct iot_writer w = {.ptr = scratch, .cap = cap};
    uint8_t mac[IOT_DIGEST_BYTES_MAX];
    char ext[4] = {0}; /* up to 255, and a NUL */
    struct iot_writer ext_writer = {.ptr = (uint8_t *)ext, .cap = sizeof ext - 1};
    iot_err err = iot_link_check(id);

    memset(out, 0, sizeof *out);
    if (err != IOT_OK)
        return err;
    if (id->registration != NULL || (id->x509 && transport == IOT_LINK_PLAIN))
        return IOT_ERR_ARG;

    const struct values values = {{
        NULL, /* 0 ends a text; the others as above */
        id->product_key,
        id->device_name,
        id->timestamp != NULL ? id->timestamp : FIXED_TIMESTAMP,
        iot_link_version(id),
        transport == IOT_LINK_PLAIN ? "3" : "2",
        method_names[id->method],
        "C",
        id->system_topics ? "1" : NULL,
        id->gateway ? "1" : "0",
        ext,
        id->partner_id,
        id->module_id,
        id->instance_id,
        id->connection,
        id->custom,
    }};
    const char *own_id = id->client_id != NULL ? id->client_id : PRODUCT "." DEVICE;
    iot_writer_u32(&ext_writer, id->ext);

    /* Signed first, and then written over: the login is always longer than the text that it signs. */
    if (!id->x509) {
        put(&w, &values, "clientId");
        put(&w, &values, own_id);
        put_fields(&w, &values, SIGNED_FIELDS, "", "");
        if (w.overflow)
            return IOT_ERR_SIZE;
        err = sign(id, id->method, (struct iot_bytes){scratch, w.len}, mac);
        w.len = 0;
    }
    if (err == IOT_OK) {
        put(&w, &values, own_id);
        put_fields(&w, &values, CLIENT_ID_FIELDS, "|", ",");
        put(&w, &values, "|");
        out->client_id = (struct iot_bytes){scratch, w.len};
        put(&w, &values, DEVICE "&" PRODUCT);
        out->user_name =
            (struct iot_bytes){scratch + out->client_id.len, w.len - out->client_id.len};
        if (!id->x509) {
            out->password.ptr = scratch + w.len;
            out->password.len = 2 * iot_digest_bytes((enum iot_digest_kind)id->method);
            iot_link_put_hex(&w, mac, out->password.len);
        }
        if (w.overflow) {
            iot_wipe(scratch, cap); /* half a password */
            memset(out, 0, sizeof *out);
            err = IOT_ERR_SIZE;
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
        return IOT_ERR_ARG; /* good enough with x509 or a registration only */
    const struct values values = {{NULL, id->product_key, id->device_name}};
    put(&name, &values, "id" PRODUCT "&" DEVICE "timestamp" FIXED_TIMESTAMP);
    err = sign(id, IOT_SIGN_HMACSHA256, (struct iot_bytes){identity, name.len}, mac);
    if (err == IOT_OK) {
        name.len = 0; /* what was signed has served */
        put(&name, &values, "devicename|hmacsha256|" PRODUCT "&" DEVICE "|" FIXED_TIMESTAMP);
        IOT_ASSERT(!name.overflow);
        *len = name.len;
        iot_link_put_hex(&hex, mac, IOT_LINK_PSK_BYTES);
    }
    iot_wipe(mac, sizeof mac);
    return err;
}

#endif

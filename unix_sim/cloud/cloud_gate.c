/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_gate.h"

#include "cloud/cloud_register.h"
#include "cloud/cloud_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool cloud_gate_refuse(struct cloud_verdict *v, uint8_t code, const char *format, ...)
{
    va_list args;

    v->answer = CLOUD_REFUSE;
    v->code = code;
    va_start(args, format);
    vsnprintf(v->reason, sizeof v->reason, format, args);
    va_end(args);
    cloud_text_clean(v->reason);
    return false;
}

/* Section 3.3: it registered itself, and has a token. */
static bool is_token(const struct cloud_client_id *id)
{
    return strcmp(id->auth_type, "connwl") == 0;
}

/* Section 2.3. What is not offered says so: a device in the field that needs it is not a bad one. */
static bool check_securemode(const struct cloud_client_id *id, enum cloud_transport transport,
                             struct cloud_verdict *v)
{
    bool tls = transport != CLOUD_PLAIN;

    if (is_token(id) && (id->securemode != -2 || !tls))
        return cloud_gate_refuse(v, 2, "authType connwl has securemode=-2, and is over TLS");
    if (is_token(id))
        return true;
    if (id->auth_type[0] != 0)
        return cloud_gate_refuse(v, 2, "authType %s is not offered by this emulator",
                                 id->auth_type);
    if (id->securemode == -1)
        return tls || cloud_gate_refuse(v, 2, "securemode=-1 is over TLS");
    if (id->securemode != 2 && id->securemode != 3)
        return cloud_gate_refuse(
            v, 2,
            "securemode=%d is not offered by this emulator; 2 is TLS, 3 plain TCP, -1 TLS after "
            "pre-authentication",
            id->securemode);
    if ((id->securemode == 2) != tls)
        return cloud_gate_refuse(v, 2,
                                 "securemode=%d does not fit: the connection is %s, which is %d",
                                 id->securemode, tls ? "TLS" : "plain TCP", tls ? 2 : 3);
    return true;
}

/* In words that say what to mend. */
static bool find_device(const struct cloud *c, const char *key, const char *name, int *device,
                        struct cloud_verdict *v)
{
    int i = cloud_book_device(&c->book, key, name);

    if (cloud_book_product(&c->book, key) < 0)
        return cloud_gate_refuse(v, 4, "unknown product %s", key);
    if (i < 0)
        return cloud_gate_refuse(v, 4, "unknown device %s of product %s", name, key);
    if (c->book.devices[i].state == CLOUD_DELETED)
        return cloud_gate_refuse(v, 4, "device %s %s is deleted", key, name);
    if (c->book.devices[i].state == CLOUD_DISABLED)
        return cloud_gate_refuse(v, 4, "device %s %s is disabled", key, name);
    *device = i;
    return true;
}

static bool check_signature(const struct cloud *c, int device, const struct cloud_client_id *id,
                            const char *password, struct cloud_verdict *v)
{
    const struct cloud_device *d = &c->book.devices[device];
    size_t len = cloud_hash_len(id->method);
    char text[CLOUD_SIGNED_MAX], expected[2 * CLOUD_DIGEST_MAX + 1];
    uint8_t digest[CLOUD_DIGEST_MAX];

    cloud_signed_text(id, cloud_book_key(&c->book, device), d->name, text);
    if (strlen(password) != 2 * len)
        return cloud_gate_refuse(
            v, 4, "signature wrong; the password has %zu characters, %s gives %zu; signed is %s",
            strlen(password), cloud_hash_name(id->method), 2 * len, text);
    if (!c->config.hmac(c->config.ctx, id->method, d->secret, text, digest))
        return cloud_gate_refuse(v, 3, "the emulator cannot compute %s",
                                 cloud_hash_name(id->method));
    cloud_text_hex(digest, len, false, expected);
    if (!cloud_text_same_secret(password, expected, 2 * len))
        return cloud_gate_refuse(
            v, 4, "signature wrong; it has to be %s with the device's secret over %s",
            cloud_hash_name(id->method), text);
    return true;
}

static bool check_token(const struct cloud *c, int device, const struct cloud_client_id *id,
                        const char *password, struct cloud_verdict *v)
{
    const struct cloud_device *d = &c->book.devices[device];
    size_t len = strlen(d->token);

    if (len == 0)
        return cloud_gate_refuse(v, 4, "device %s has not registered with regnwl", d->name);
    if (strcmp(id->cid, d->cid) != 0)
        return cloud_gate_refuse(v, 4, "the client id is not the one that came with the token");
    return (strlen(password) == len && cloud_text_same_secret(password, d->token, len)) ||
           cloud_gate_refuse(v, 4, "the token is wrong");
}

/* A connection that took up a session never asked for a key; whose session it was is not known, but it was
 * somebody's who had one, and the login is signed. */
static bool check_psk(const struct cloud *c, cloud_link link, int device, struct cloud_verdict *v)
{
    bool asked = false;

    for (int i = 0; i < CLOUD_PSK_LINKS_MAX; i++) {
        if (c->psk_links[i].link != link)
            continue;
        if (c->psk_links[i].device == device)
            return true;
        asked = true;
    }
    if (!asked)
        return true;
    return cloud_gate_refuse(v, 5, "the identity of TLS-PSK is another device's");
}

/* By what pre-authentication gave out (protocol 1.5). */
static bool check_pass(const struct cloud *c, const struct cloud_login *login, int *device,
                       struct cloud_verdict *v)
{
    for (int i = 0; i < c->book.device_count; i++) {
        const struct cloud_pass *p = &c->passes[i];
        size_t len = strlen(p->iot_token);
        if (login->user_name == NULL || login->password == NULL || p->iot_id[0] == 0 ||
            strcmp(login->user_name, p->iot_id) != 0)
            continue;
        if (!find_device(c, cloud_book_key(&c->book, i), c->book.devices[i].name, device, v))
            return false;
        return (strlen(login->password) == len &&
                cloud_text_same_secret(login->password, p->iot_token, len)) ||
               cloud_gate_refuse(v, 4, "the password is not the iotToken that was given out last");
    }
    return cloud_gate_refuse(v, 4, "the user name is no iotId that was given out");
}

/* By user name and password. */
static bool check_signed(const struct cloud *c, const struct cloud_login *login,
                         const struct cloud_client_id *id, int *device, struct cloud_verdict *v)
{
    char key[CLOUD_KEY_MAX + 1], name[CLOUD_NAME_MAX + 1];

    if (id->securemode == -1)
        return check_pass(c, login, device, v);
    if (login->user_name == NULL || !cloud_user_name_read(login->user_name, key, name))
        return cloud_gate_refuse(v, 4, "the user name has to be deviceName&productKey");
    if (login->password == NULL)
        return cloud_gate_refuse(v, 4, "there is no password");
    if (!find_device(c, key, name, device, v))
        return false;
    uint8_t auth = c->book.devices[*device].auth;
    if (auth == CLOUD_AUTH_X509)
        return cloud_gate_refuse(v, 4, "device %s %s has to show its certificate", key, name);
    if (auth == CLOUD_AUTH_PSK && login->transport != CLOUD_TLS_PSK)
        return cloud_gate_refuse(v, 4, "device %s %s has to use TLS-PSK", key, name);
    if (is_token(id))
        return check_token(c, *device, id, login->password, v);
    if (c->book.devices[*device].secret[0] == 0)
        return cloud_gate_refuse(v, 4, "device %s %s has no secret yet: it has to register", key,
                                 name);
    if (!check_signature(c, *device, id, login->password, v))
        return false;
    return login->transport != CLOUD_TLS_PSK || check_psk(c, login->link, *device, v);
}

/* Section 2.4: the certificate is the identity, whatever user name and password say. */
static bool check_certificate(const struct cloud *c, const struct cloud_login *login, int *device,
                              struct cloud_verdict *v)
{
    if (login->cert_key == NULL || login->cert_name == NULL)
        return cloud_gate_refuse(v, 4,
                                 "the certificate's subject has no O=productKey, CN=deviceName");
    if (!find_device(c, login->cert_key, login->cert_name, device, v))
        return false;
    if (c->book.devices[*device].auth != CLOUD_AUTH_X509)
        return cloud_gate_refuse(v, 4, "device %s %s signs with its secret, not with a certificate",
                                 login->cert_key, login->cert_name);
    return true;
}

bool cloud_gate_login(const struct cloud *c, const struct cloud_login *login,
                      struct cloud_client_id *id, int *device, struct cloud_verdict *v)
{
    char why[256];
    bool certificate = login->transport == CLOUD_TLS_X509;

    memset(v, 0, sizeof *v);
    if (login->protocol_level != 4)
        return cloud_gate_refuse(v, 1,
                                 "protocol level %u; the platform speaks MQTT 3.1.1, which is 4",
                                 login->protocol_level);
    /* A device that knows only its certificate may have a client id without fields. */
    if (certificate && strchr(login->client_id, '|') == NULL)
        memset(id, 0, sizeof *id);
    else if (!cloud_client_id_read(id, login->client_id, why, sizeof why))
        return cloud_gate_refuse(v, 2, "%s", why);
    else if (cloud_register_asked(id))
        return !certificate ? cloud_register_check(c, login, id, v)
                            : cloud_gate_refuse(v, 5, "a certificate needs no registration");
    else if (!check_securemode(id, login->transport, v))
        return false;
    if (!(certificate ? check_certificate(c, login, device, v)
                      : check_signed(c, login, id, device, v)))
        return false;
    if (c->book.rules.no_will && login->will)
        return cloud_gate_refuse(v, 5, "it has a will, which is off by an option");
    if (c->book.rules.keepalive_limits &&
        (login->keepalive_s < CLOUD_KEEPALIVE_S_MIN || login->keepalive_s > CLOUD_KEEPALIVE_S_MAX))
        return cloud_gate_refuse(v, 5, "keep-alive of %u s; the platform takes %d to %d s",
                                 (unsigned)login->keepalive_s, CLOUD_KEEPALIVE_S_MIN,
                                 CLOUD_KEEPALIVE_S_MAX);
    return true;
}

bool cloud_gate_psk(const struct cloud *c, const char *identity, int *device, char key_text[65],
                    struct cloud_verdict *v)
{
    char key[CLOUD_KEY_MAX + 1], name[CLOUD_NAME_MAX + 1], text[CLOUD_SIGNED_MAX];
    uint8_t digest[CLOUD_DIGEST_MAX];

    memset(v, 0, sizeof *v);
    if (!cloud_psk_identity_read(identity, key, name, text))
        return cloud_gate_refuse(v, 4,
                                 "it is not devicename|hmacsha256|productKey&deviceName|timestamp");
    if (!find_device(c, key, name, device, v))
        return false;
    const struct cloud_device *d = &c->book.devices[*device];
    if (d->auth == CLOUD_AUTH_X509)
        return cloud_gate_refuse(v, 4, "device %s %s has to show its certificate", key, name);
    if (d->secret[0] == 0)
        return cloud_gate_refuse(v, 4, "device %s %s has no secret yet: it has to register", key,
                                 name);
    if (!c->config.hmac(c->config.ctx, CLOUD_SHA256, d->secret, text, digest))
        return cloud_gate_refuse(v, 3, "the emulator cannot compute hmacsha256");
    cloud_text_hex(digest, 32, true, key_text);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_register.h"

#include "cloud/cloud_gate.h"
#include "cloud/cloud_out.h"
#include "cloud/cloud_text.h"

#include <stdio.h>
#include <string.h>

static bool is_free_list(const struct cloud_client_id *id)
{
    return strcmp(id->auth_type, "regnwl") == 0;
}

bool cloud_register_asked(const struct cloud_client_id *id)
{
    return strcmp(id->auth_type, "register") == 0 || is_free_list(id);
}

static bool check_sign(const struct cloud *c, int product, const char *name,
                       const struct cloud_client_id *id, const char *password,
                       struct cloud_verdict *v)
{
    const struct cloud_product *p = &c->book.products[product];
    size_t len = cloud_hash_len(id->method);
    char text[CLOUD_SIGNED_MAX], expected[2 * CLOUD_DIGEST_MAX + 1];
    uint8_t digest[CLOUD_DIGEST_MAX];

    snprintf(text, sizeof text, "deviceName%sproductKey%srandom%s", name, p->key, id->random);
    if (!c->config.hmac(c->config.ctx, id->method, p->secret, text, digest))
        return cloud_gate_refuse(v, 3, "the emulator cannot compute %s",
                                 cloud_hash_name(id->method));
    cloud_text_hex(digest, len, false, expected);
    return (strlen(password) == 2 * len && cloud_text_same_secret(password, expected, 2 * len)) ||
           cloud_gate_refuse(
               v, 4, "6600: signature wrong; it has to be %s with the product's secret over %s",
               cloud_hash_name(id->method), text);
}

bool cloud_register_check(const struct cloud *c, const struct cloud_login *login,
                          const struct cloud_client_id *id, struct cloud_verdict *v)
{
    char key[CLOUD_KEY_MAX + 1], name[CLOUD_NAME_MAX + 1];
    bool nwl = is_free_list(id);

    if (id->securemode != 2 && !(nwl && id->securemode == -2))
        return cloud_gate_refuse(v, 2, "securemode=%d does not register; it has to be 2",
                                 id->securemode);
    if (login->transport != CLOUD_TLS)
        return cloud_gate_refuse(v, 5, "registration is over TLS only");
    if (id->random[0] == 0)
        return cloud_gate_refuse(v, 2, "the client id has no random");
    if (login->user_name == NULL || !cloud_user_name_read(login->user_name, key, name))
        return cloud_gate_refuse(v, 4, "the user name has to be deviceName&productKey");
    if (login->password == NULL)
        return cloud_gate_refuse(v, 4, "there is no password");
    int product = cloud_book_product(&c->book, key);
    if (product < 0)
        return cloud_gate_refuse(v, 4, "6250: unknown product %s", key);
    const struct cloud_product *p = &c->book.products[product];
    if (p->secret[0] == 0 || p->registers == CLOUD_REGISTER_OFF ||
        (nwl && p->registers != CLOUD_REGISTER_NEW))
        return cloud_gate_refuse(v, 5, "6288: dynamic registration is not enabled for product %s",
                                 key);
    if (!cloud_book_is_name(name))
        return cloud_gate_refuse(v, 4, "6280: the device name is none");
    if (!check_sign(c, product, name, id, login->password, v))
        return false;
    int device = cloud_book_device(&c->book, key, name);
    if (device < 0 && !nwl)
        return cloud_gate_refuse(v, 4, "6100: unknown device %s of product %s", name, key);
    if (device < 0)
        return true;
    if (c->book.devices[device].state != CLOUD_ENABLED)
        return cloud_gate_refuse(v, 4, "device %s %s is disabled or deleted", key, name);
    if (c->book.devices[device].auth == CLOUD_AUTH_X509)
        return cloud_gate_refuse(v, 5, "device %s %s has a certificate", key, name);
    if (c->book.devices[device].activated)
        return cloud_gate_refuse(v, 5, "6289: device %s %s is already activated", key, name);
    return true;
}

/* The device, which regnwl makes; -1: no room. */
static int device_for(struct cloud *c, const char *key, const char *name)
{
    int device = cloud_book_device(&c->book, key, name);

    if (device >= 0 || c->book.device_count == CLOUD_DEVICES_MAX)
        return device;
    struct cloud_device *d = &c->book.devices[c->book.device_count];
    memset(d, 0, sizeof *d);
    d->product = (uint16_t)cloud_book_product(&c->book, key);
    snprintf(d->name, sizeof d->name, "%s", name);
    return c->book.device_count++;
}

static void give(struct cloud *c, const struct cloud_login *login, const struct cloud_client_id *id,
                 int device)
{
    struct cloud_device *d = &c->book.devices[device];
    const char *key = cloud_key_of(c, device);
    char payload[512];
    int n;

    if (is_free_list(id)) {
        if (d->token[0] == 0) {
            cloud_draw(c, d->token);
            cloud_draw(c, d->cid);
        }
        n = snprintf(payload, sizeof payload,
                     "{\"clientId\":\"%s\",\"productKey\":\"%s\",\"deviceName\":\"%s\","
                     "\"deviceToken\":\"%s\"}",
                     d->cid, key, d->name, d->token);
    } else {
        if (d->secret[0] == 0)
            cloud_draw(c, d->secret);
        n = snprintf(payload, sizeof payload,
                     "{\"productKey\":\"%s\",\"deviceName\":\"%s\",\"deviceSecret\":\"%s\"}", key,
                     d->name, d->secret);
    }
    cloud_put(c, CLOUD_OUT_DIRECT, login->link, is_free_list(id) ? "/ext/regnwl" : "/ext/register",
              payload, (size_t)n);
}

bool cloud_register_open(struct cloud *c, const struct cloud_login *login,
                         const struct cloud_client_id *id, uint64_t now_ms, struct cloud_verdict *v)
{
    char key[CLOUD_KEY_MAX + 1], name[CLOUD_NAME_MAX + 1];
    struct cloud_registrar *free_one = NULL;

    for (int i = 0; i < CLOUD_REGISTRARS_MAX; i++)
        if (c->registrars[i].link == 0)
            free_one = &c->registrars[i];
    if (free_one == NULL)
        return cloud_gate_refuse(v, 3, "more than %d register at once", CLOUD_REGISTRARS_MAX);
    if (c->config.random == NULL || !cloud_user_name_read(login->user_name, key, name))
        return cloud_gate_refuse(v, 3, "the emulator has no chance to draw secrets from here");
    int device = device_for(c, key, name);
    if (device < 0)
        return cloud_gate_refuse(v, 3, "more than %d devices", CLOUD_DEVICES_MAX);
    free_one->link = login->link;
    free_one->close_ms = now_ms + CLOUD_REGISTER_MS;
    give(c, login, id, device);
    cloud_say(c, "registration of %s %s: %s", key, name, is_free_list(id) ? "regnwl" : "register");
    return true;
}

/* What the reason of a refusal begins with; 460 if it says nothing better. */
static int code_of(const char *reason)
{
    int code = 0;

    for (int i = 0; i < 4 && cloud_is_digit(reason[i]); i++)
        code = code * 10 + (reason[i] - '0');
    return code >= 1000 && reason[4] == ':' ? code : 460;
}

int cloud_register_form(struct cloud *c, const char *key, const char *name, const char *random,
                        enum cloud_hash method, const char *sign, const char **secret, char *why,
                        size_t cap)
{
    char user[CLOUD_KEY_MAX + CLOUD_NAME_MAX + 2];
    const struct cloud_login login = {.transport = CLOUD_TLS, .user_name = user, .password = sign};
    struct cloud_client_id id = {.securemode = 2, .method = method};
    struct cloud_verdict v;

    snprintf(why, cap, "productKey, deviceName or random is missing, or too long");
    if (key[0] == 0 || name[0] == 0 || random[0] == 0 || strlen(key) > CLOUD_KEY_MAX ||
        strlen(name) > CLOUD_NAME_MAX || strlen(random) > CLOUD_RANDOM_MAX)
        return 460;
    snprintf(user, sizeof user, "%s&%s", name, key);
    snprintf(id.random, sizeof id.random, "%s", random);
    if (!cloud_register_check(c, &login, &id, &v)) {
        snprintf(why, cap, "%s", v.reason);
        return v.code == 3 ? 500 : code_of(v.reason);
    }
    snprintf(why, cap, "the emulator has no chance to draw secrets from here");
    if (c->config.random == NULL)
        return 500;
    struct cloud_device *d = &c->book.devices[cloud_book_device(&c->book, key, name)];
    if (d->secret[0] == 0)
        cloud_draw(c, d->secret);
    *secret = d->secret;
    return 200;
}

bool cloud_register_is(const struct cloud *c, cloud_link link)
{
    for (int i = 0; i < CLOUD_REGISTRARS_MAX; i++)
        if (link != 0 && c->registrars[i].link == link)
            return true;
    return false;
}

void cloud_register_gone(struct cloud *c, cloud_link link)
{
    for (int i = 0; i < CLOUD_REGISTRARS_MAX; i++)
        if (c->registrars[i].link == link)
            c->registrars[i].link = 0;
}

void cloud_register_tick(struct cloud *c, uint64_t now_ms)
{
    for (int i = 0; i < CLOUD_REGISTRARS_MAX; i++) {
        struct cloud_registrar *r = &c->registrars[i];
        if (r->link == 0 || now_ms < r->close_ms)
            continue;
        cloud_say(c, "a connection that came to register is closed: it is still there");
        cloud_put_kick(c, r->link);
        r->link = 0;
    }
}

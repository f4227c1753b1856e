/* SPDX-License-Identifier: Apache-2.0 */
#include "factory.h"

#include "number.h"
#include "say.h"

/* Used by the library as long as the device lives. */
static char product_key[IOT_PRODUCT_KEY_MAX + 1];
static char device_name[IOT_DEVICE_NAME_MAX + 1];
static char device_secret[IOT_DEVICE_SECRET_MAX + 1];
static char host[IOT_LINK_HOST_MAX + 1], server_name[IOT_LINK_HOST_MAX + 1];
static uint8_t authority_der[1536], own_der[1024], own_key_der[256];
static struct iot_bytes authority, own;

/* Something that is there cannot be used: better no device than another one than the factory made. */
static bool broken;

static void complain(const char *key, const char *what)
{
    broken = true;
    say("factory: ");
    say(key);
    say(": ");
    say(what);
    say("\n");
}

/* ptr NULL: there is none, or it cannot be read, which was said. */
static struct iot_bytes read_bytes(const struct iot_port *port, const char *key, void *into,
                                   uint32_t cap)
{
    struct iot_bytes value = {into, 0};
    iot_err err = port->kv_get(port->ctx, key, into, cap, &value.len);

    if (err == IOT_OK)
        return value;
    if (err != IOT_ERR_STATE)
        complain(key, iot_err_name(err));
    return (struct iot_bytes){NULL, 0};
}

/* With a NUL behind it; NULL: there is none. */
static const char *read_text(const struct iot_port *port, const char *key, char *into, uint32_t cap)
{
    struct iot_bytes value = read_bytes(port, key, into, cap - 1);

    if (value.ptr == NULL)
        return NULL;
    into[value.len] = '\0';
    return into;
}

uint32_t factory_number(const struct iot_port *port, const char *key, uint32_t otherwise,
                        uint32_t max)
{
    char text[11];
    struct iot_bytes value = read_bytes(port, key, text, sizeof text);
    uint32_t number;

    if (value.ptr == NULL)
        return otherwise;
    if (text_number(text, value.len, &number) && number <= max)
        return number;
    complain(key, "not a number, or too large");
    return otherwise;
}

bool factory_load(const struct iot_port *port, struct iot_options *options,
                  struct iot_link_identity *link, struct iot_tls_options *tls)
{
    link->product_key = read_text(port, "pk", product_key, sizeof product_key);
    link->device_name = read_text(port, "dn", device_name, sizeof device_name);
    link->device_secret = read_text(port, "ds", device_secret, sizeof device_secret);
    options->host = read_text(port, "host", host, sizeof host);
    options->port = (uint16_t)factory_number(port, "port", 0, 65535);
    tls->server_name = read_text(port, "name", server_name, sizeof server_name);
    tls->kinds = factory_number(port, "kinds", 0, UINT32_MAX);
    authority = read_bytes(port, "ca", authority_der, sizeof authority_der);
    if (authority.ptr != NULL) {
        tls->ca = &authority;
        tls->ca_count = 1;
    }
    own = read_bytes(port, "cert", own_der, sizeof own_der);
    if (own.ptr != NULL) { /* it proves who we are, and no password is needed */
        tls->cert = &own;
        tls->cert_count = 1;
        tls->key = read_bytes(port, "key", own_key_der, sizeof own_key_der);
        link->x509 = true;
        link->device_secret = NULL;
    }
    if (link->product_key == NULL || link->device_name == NULL) {
        say("factory: this device has no identity: pk, dn and ds are missing in its store\n");
        return false;
    }
    return !broken;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_factory.h"

#include <stdio.h>
#include <string.h>

static const struct host_login logins[] = {
    {"ecdsa", "dev001", "0f1e2d3c4b5a69788796a5b4c3d2e1f0", NULL},
    {"psk", "psk001", "3c4d5e6f708192a3b4c5d6e7f8091a2b", "12"}, /* IOT_TLS_PSK, IOT_TLS_PLATFORM */
    {"x509", "cert001", NULL, NULL},
};

const struct host_login *host_login_find(const char *name)
{
    for (size_t i = 0; i < sizeof logins / sizeof logins[0]; i++)
        if (strcmp(name, logins[i].name) == 0)
            return &logins[i];
    return NULL;
}

static uint16_t port_of(const struct host_cloud *c, const struct host_login *login)
{
    if (login->secret == NULL)
        return c->x509_port;
    return login->tls_kinds != NULL ? c->psk_port : c->tls_port;
}

static bool write_certificate(struct host_flash *f, struct host_cloud *c,
                              const struct host_login *login)
{
    char cert[HOST_PATH_MAX], key[HOST_PATH_MAX];

    if (host_cloud_issue(c, HOST_FACTORY_PK, login->device, cert, key))
        return host_flash_set_file(f, "cert", cert) && host_flash_set_file(f, "key", key);
    snprintf(f->why, sizeof f->why, "%.200s", c->why);
    return false;
}

/* What another way to log in has left. */
static bool clear(struct host_flash *f)
{
    static const char *const keys[] = {"ds", "kinds", "cert", "key"};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (!host_flash_del(f, keys[i]))
            return false;
    return true;
}

bool host_factory_write(struct host_flash *f, struct host_cloud *c, const struct host_login *login)
{
    char port[8];

    snprintf(port, sizeof port, "%u", (unsigned)port_of(c, login));
    return clear(f) && host_flash_set_text(f, "pk", HOST_FACTORY_PK) &&
           host_flash_set_text(f, "dn", login->device) && host_flash_set_text(f, "port", port) &&
           host_flash_set_file(f, "ca", c->ca_der) &&
           (login->tls_kinds == NULL || host_flash_set_text(f, "kinds", login->tls_kinds)) &&
           (login->secret != NULL ? host_flash_set_text(f, "ds", login->secret)
                                  : write_certificate(f, c, login));
}

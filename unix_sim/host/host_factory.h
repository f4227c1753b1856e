/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_factory.h
 * What a factory writes into the flash of a board whose firmware is examples/firmware_superloop, and that will live at
 * the emulated platform: who it is, where it logs in, whom it trusts.
 */
#ifndef HOST_FACTORY_H
#define HOST_FACTORY_H

#include "host/host_cloud.h"
#include "host/host_flash.h"

/** The product of the emulator's sample identities (unix_sim/cloud/devices.txt). */
#define HOST_FACTORY_PK "a1B2c3D4e5F"

/* A way to log in. */
struct host_login {
    const char *name;      /* "ecdsa": TLS and a signature; "psk": TLS-PSK; "x509": a certificate */
    const char *device;    /* the sample device that is to log in so */
    const char *secret;    /* NULL: none */
    const char *tls_kinds; /* of enum iot_tls_kind, decimal; NULL: the firmware's default */
};

/** NULL: there is none of that name. */
const struct host_login *host_login_find(const char *name);

/** Write it all, in place of another login; what else is in the flash stays. False: `why` of `f` says why. */
bool host_factory_write(struct host_flash *f, struct host_cloud *c, const struct host_login *login);

#endif

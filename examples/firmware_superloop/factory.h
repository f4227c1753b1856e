/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the factory writes into each device: who it is, whom it trusts. It lies in the board's key-value store, so
 * that one firmware serves all devices. `build/flash` writes it into the file that is the emulated board's flash.
 *
 *     pk, dn, ds    product key, device name, device secret
 *     ca            the authority to trust, DER
 *     cert, key     a certificate and its key, DER: instead of ds
 *     host, port    where to log in; none: the platform's own host for this product
 *     name          what the server's certificate is for, if that is not host
 *     kinds         decimal, of enum iot_tls_kind; none: IOT_TLS_KINDS_DEFAULT
 *     period-ms     between two readings; none: 1000
 *     fw-key        who signs new firmware, see update.h; none: it need not be signed
 *     confirm-ms    so long a new firmware may take to connect; none: 300000
 */
#ifndef FACTORY_H
#define FACTORY_H

#include "iot/iot.h"

/* Fill link and tls, and host and port if the factory named some. False: product key or device name is missing, or
 * something is there and cannot be read; which was said. */
bool factory_load(const struct iot_port *port, struct iot_options *options,
                  struct iot_link_identity *link, struct iot_tls_options *tls);

/* A number in the store, up to `max`; `otherwise` if there is none, or none that can be used, which is said. */
uint32_t factory_number(const struct iot_port *port, const char *key, uint32_t otherwise,
                        uint32_t max);

#endif

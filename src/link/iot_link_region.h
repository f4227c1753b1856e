/* SPDX-License-Identifier: Apache-2.0 */
/* Where the platform lives: hosts by instance and region. */
#ifndef IOT_LINK_REGION_H
#define IOT_LINK_REGION_H

#include "link/iot_link_sign.h"

/**
 * Host for MQTT, NUL-terminated, at most IOT_LINK_HOST_MAX characters: the instance's if there is one, else
 * the region's, which for client certificates and for PSK are others than usual. Those two listen on
 * IOT_LINK_ITLS_PORT only.
 *
 * Returns  IOT_OK; IOT_ERR_ARG: iot_link_check refuses `id`; IOT_ERR_SIZE: `cap` is too
 *          small. `into` holds a host only with IOT_OK.
 */
iot_err iot_link_host(const struct iot_link_identity *id, enum iot_link_transport transport,
                      char *into, uint32_t cap);

#define IOT_LINK_PORT      443  /* TLS with the server's certificate */
#define IOT_LINK_ITLS_PORT 1883 /* the others, and plain TCP */

#endif

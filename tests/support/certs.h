/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates with odd dates, for tests that want real ones; how they were made is in certs.c. */
#ifndef CERTS_H
#define CERTS_H

#include "iot/iot_base.h"

extern const struct iot_bytes cert_ca;   /* 1950-01-01 00:00:00 to 9999-12-31 23:59:59 */
extern const struct iot_bytes cert_edge; /* a.example, 2024-02-29 00:00:00 to 2049-12-31 23:59:59 */
extern const struct iot_bytes cert_far;  /* a.example, 2050-01-01 00:00:00 to 9999-12-31 23:59:59 */
extern const struct iot_bytes
    cert_cn; /* common name a.example, no other; 2020-01-01 to 2040-01-01 */
extern const struct iot_bytes cert_key; /* private key of the last three, RFC 5915 */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_cert.h
 * The certificates of the emulated platform: made by the openssl program, P-256, valid since yesterday.
 */
#ifndef HOST_CERT_H
#define HOST_CERT_H

#include "cloud/cloud_book.h"
#include "host/host_dir.h"

/** The host that firmware and configurations are got from. */
#define HOST_CERT_FILES "ota.example.com"

/**
 * In `dir`: an authority (ca.pem, ca.der) and a broker's certificate (server.pem, server.key), for the hosts of all
 * products in the book and of all regions, one for HTTPS (web.pem, web.key) and one for CoAP (coap.pem, coap.key); all for
 * localhost, 127.0.0.1 and ::1. Takes at
 * most 40 s, usually 0.1 s.
 *
 * openssl  the program; an absolute path, or a name in PATH.
 */
bool host_cert_make(const char *openssl, const char *dir, const struct cloud_book *book, char *why,
                    size_t cap);

/** A device's certificate by that authority, subject O = product key, CN = device name: paths of the
 *  DER files. Beside them lies the same in PEM. */
bool host_cert_issue(const char *openssl, const char *dir, const char *product_key,
                     const char *device_name, char cert[HOST_PATH_MAX], char key[HOST_PATH_MAX],
                     char *why, size_t cap);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_register.h
 * Registration (protocol 3.1 to 3.3). Over MQTT: a login that is signed with the product's secret, and brings a
 * device the secret, or the token, for its later logins. Such a connection may neither publish nor subscribe; it is closed after
 * CLOUD_REGISTER_MS if it is still there.
 *
 * Until its first proper login, by MQTT or HTTPS, a device may register again and gets the same; afterwards it is
 * activated, and refused (6289).
 */
#ifndef CLOUD_REGISTER_H
#define CLOUD_REGISTER_H

#include "cloud/cloud_core.h"

/** Is this login one of them? */
bool cloud_register_asked(const struct cloud_client_id *id);

/** May it register? `v` has the reason if not; CONNACK 4 for what is wrong with who or how it signs, 5 for what it may
 *  not. */
bool cloud_register_check(const struct cloud *c, const struct cloud_login *login,
                          const struct cloud_client_id *id, struct cloud_verdict *v);

/** One that may: give it what it came for. False: no room, `v` says it. */
bool cloud_register_open(struct cloud *c, const struct cloud_login *login,
                         const struct cloud_client_id *id, uint64_t now_ms,
                         struct cloud_verdict *v);

/**
 * The same by HTTPS, of a device of the book.
 *
 * secret  out, if it may.
 * why     out, if not; no secret is in it.
 * Returns 200; or the platform's code of what is wrong.
 */
int cloud_register_form(struct cloud *c, const char *key, const char *name, const char *random,
                        enum cloud_hash method, const char *sign, const char **secret, char *why,
                        size_t cap);

/** Is this such a connection? */
bool cloud_register_is(const struct cloud *c, cloud_link link);

void cloud_register_gone(struct cloud *c, cloud_link link);
void cloud_register_tick(struct cloud *c, uint64_t now_ms);

#endif

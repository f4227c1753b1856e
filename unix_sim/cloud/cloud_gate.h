/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_gate.h
 * May they in? The checks of a login and of a TLS-PSK identity, with the reason in words that its reader can
 * act on. Nothing is changed here: what follows from a verdict is cloud_core.c's.
 */
#ifndef CLOUD_GATE_H
#define CLOUD_GATE_H

#include "cloud/cloud_core.h"

/** Refuse with a CONNACK's code and words; always false. */
__attribute__((format(printf, 3, 4))) bool cloud_gate_refuse(struct cloud_verdict *v, uint8_t code,
                                                             const char *format, ...);

/**
 * All but flow control. A login that wants to register is judged, too; `device` is not set then.
 *
 * id      out; all zero for a device that has a certificate, and a client id without fields.
 * device  out: index in the book; also after some refusals.
 * v       out, if false: CLOUD_REFUSE, the code, the reason; no secret is in it.
 */
bool cloud_gate_login(const struct cloud *c, const struct cloud_login *login,
                      struct cloud_client_id *id, int *device, struct cloud_verdict *v);

/** The key of a TLS-PSK identity, as text; false: why is in the verdict. */
bool cloud_gate_psk(const struct cloud *c, const char *identity, int *device, char key_text[65],
                    struct cloud_verdict *v);

#endif

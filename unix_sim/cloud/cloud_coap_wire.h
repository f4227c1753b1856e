/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_coap_wire.h
 * Requests and answers of cloud_coap.h as lines of text, as cloud_wire.h does it for HTTP: the commands
 *
 *     coap {"way":"psk","identity":"...","method":2,"path":"topic/a","format":50,"accept":50,"token":"...","seq":"","payload":"7b7d"}
 *     coap-key IDENTITY
 *
 * Bytes are in hexadecimal. The second gives the key of a DTLS-PSK identity, as text.
 */
#ifndef CLOUD_COAP_WIRE_H
#define CLOUD_COAP_WIRE_H

#include "cloud/cloud_coap.h"

struct cloud_order;

/** The commands. */
void cloud_coap_wire_command(struct cloud_order *o);
void cloud_coap_wire_key(struct cloud_order *o);

/** The line of a request, by malloc. NULL: a text in it is no UTF-8. */
char *cloud_coap_wire_write(const struct cloud_coap_request *q);

/** An answer's line. False: it is none. */
bool cloud_coap_wire_read(struct cloud_coap_answer *a, const char *line);

#endif

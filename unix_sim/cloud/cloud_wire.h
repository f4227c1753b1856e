/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_wire.h
 * Requests and answers of cloud_web.h as lines of text: so a front in another process reaches the core by the channel
 * that is there, as the command
 *
 *     web {"method":"GET","target":"/fw/a?Expires=1","tls":true,"range":"bytes=0-9","body":"6869"}
 *
 * whose body is in hexadecimal, as that of the answer is, which has the members of struct cloud_web_answer.
 */
#ifndef CLOUD_WIRE_H
#define CLOUD_WIRE_H

#include "cloud/cloud_web.h"

struct cloud_order;

/** The command `web`. */
void cloud_wire_command(struct cloud_order *o);

/** The line of a request, by malloc. NULL: a text in it is no UTF-8. */
char *cloud_wire_write(const struct cloud_web_request *q);

/** An answer's line. False: it is none. */
bool cloud_wire_read(struct cloud_web_answer *a, const char *line);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_core_dump.h
 * A line of the log for each message, as developers of the platform know it:
 *
 *     > /sys/a1B2/lamp/thing/event/property/post {"id":"1","params":{"t":21}}
 *     < /ota/device/upgrade/a1B2/lamp {"data":{"size":432945,"sign":"***"... (612 bytes)
 *     > /a1B2/lamp/user/raw hex:0100ff
 *
 * A payload is looked at up to the length of a line: what is not shown whole ends in its full length. It is
 * shown as text if that part of it is UTF-8 without control characters (line ends and tabs may be there), else
 * in hex.
 *
 * Secrets become ***, in hex too: the value of each name that ends in secret, token, password, passwd,
 * passphrase, pass, pwd, psk, key, sign, signature or authorization, or in the plural of one, in any mixture of
 * case; but not in productKey, attrKey, compass or bypass. A name is what stands before ':' (JSON and what
 * looks like it, also JSON inside of a string) or '=' (forms, queries of a URL). What is taken for the value
 * rather ends too late than too early: a bracket that does not close, a string without an end are masked to the
 * end of the text. A secret beside which no such name stands is not known to be one.
 */
#ifndef IOT_CORE_DUMP_H
#define IOT_CORE_DUMP_H

#include "core/iot_core_log.h"

/** Nothing is evaluated unless IOT_LOG_LEVEL is 5. topic, payload: struct iot_bytes, borrowed until return. */
#define IOT_DUMP_UP(port, topic, payload)   IOT_DUMP(port, '>', topic, payload)
#define IOT_DUMP_DOWN(port, topic, payload) IOT_DUMP(port, '<', topic, payload)

#if IOT_LOG_LEVEL >= 5
#define IOT_DUMP(port, way, topic, payload) iot_dump(port, way, topic, payload)

void iot_dump(const struct iot_port *port, char way, struct iot_bytes topic,
              struct iot_bytes payload);
#else
/* sizeof evaluates nothing, and what is only dumped is not "unused". */
#define IOT_DUMP(port, way, topic, payload)                                                        \
    ((void)sizeof(port), (void)sizeof(topic), (void)sizeof(payload))
#endif

#endif

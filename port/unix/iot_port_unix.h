/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_port_unix.h
 * The port for POSIX systems: random bytes and time from the kernel, a store in memory, the log on standard
 * error. Its lwIP half is iot_lwip_unix.c.
 */
#ifndef IOT_PORT_UNIX_H
#define IOT_PORT_UNIX_H

#include "iot/iot_port.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const struct iot_port iot_port_unix;

/** Lines up to this level are written, as far as IOT_LOG_LEVEL compiled them in; 0, as at the start:
 *  none. */
void iot_port_unix_log(enum iot_log_level level);

#ifdef __cplusplus
}
#endif
#endif

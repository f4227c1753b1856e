/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_port_unix.h
 * The port for POSIX systems: random bytes from the kernel. Its lwIP half is iot_lwip_unix.c.
 */
#ifndef IOT_PORT_UNIX_H
#define IOT_PORT_UNIX_H

#include "iot/iot_port.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const struct iot_port iot_port_unix;

#ifdef __cplusplus
}
#endif
#endif

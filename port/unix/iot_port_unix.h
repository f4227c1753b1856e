/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_port_unix.h
 * The port for POSIX systems: random bytes and time from the kernel, a store in a simulated NOR flash, the log on
 * standard error. Its lwIP half is iot_lwip_unix.c.
 */
#ifndef IOT_PORT_UNIX_H
#define IOT_PORT_UNIX_H

#include "iot/iot_port.h"

struct iot_nor_unix;

#ifdef __cplusplus
extern "C" {
#endif

extern const struct iot_port iot_port_unix;

/** Lines up to this level are written, as far as IOT_LOG_LEVEL compiled them in; 0, as at the start:
 *  none. */
void iot_port_unix_log(enum iot_log_level level);

/* ---- The simulated board ---- */

/** What is where in its flash. */
struct iot_port_unix_area {
    const char *name; /* "slot-a", "slot-b", "journal", "kv" */
    uint32_t offset, bytes;
};

#define IOT_PORT_UNIX_AREAS 4u

extern const struct iot_port_unix_area iot_port_unix_areas[IOT_PORT_UNIX_AREAS];

/** Its flash: in memory, unless iot_port_unix_file named a file before anything asked for it. Every kv_set and kv_del
 *  counts as an operation of it, at its beginning. */
struct iot_nor_unix *iot_port_unix_flash(void);
bool iot_port_unix_file(const char *path);

/** What a boot does with the store. It is also done by the first one who asks for a value. IOT_OK; IOT_ERR_AGAIN;
 *  IOT_ERR_KV. */
iot_err iot_port_unix_mount(void);

/** From now on nothing is random: for runs that are to be alike. Not 0. */
void iot_port_unix_seed(uint32_t seed);

#ifdef __cplusplus
}
#endif
#endif

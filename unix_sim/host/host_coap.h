/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_coap.h
 * The CoAP of the emulated platform: the program cloud_coap beside its broker.
 */
#ifndef HOST_COAP_H
#define HOST_COAP_H

#include "host/host_dir.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** Where it listens. */
struct host_coap_ports {
    uint16_t cert, psk, plain;
};

/**
 * Start it in the emulator's folder, which has its certificate, and wait until it answers, at most 10 s.
 *
 * Returns its process id; -1: `why` says why not, nothing is left running.
 */
pid_t host_coap_start(const char *dir, const char *address, const struct host_coap_ports *ports,
                      char *why, size_t cap);

#endif

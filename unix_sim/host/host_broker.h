/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_broker.h
 * A stock mosquitto on loopback.
 */
#ifndef HOST_BROKER_H
#define HOST_BROKER_H

#include "host/host_dir.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** All may be NULL. */
struct host_broker_options {
    const char *program;         /* default: $MOSQUITTO, else mosquitto in PATH or /usr/sbin */
    const char *address;         /* to listen on; default 127.0.0.1 */
    const char *first;           /* lines of its configuration that come before its listener */
    const char *extra;           /* more lines for its configuration */
    const char *persistence_dir; /* keeps sessions and retained messages there; must exist */
};

struct host_broker {
    pid_t pid; /* 0: not running */
    uint16_t port;
    char address[48];
    char dir[HOST_PATH_MAX]; /* its configuration and log; removed when it is stopped */
    char why[256];           /* after a failure: in words */
};

/**
 * Start a broker and wait until it takes connections, at most 10 s.
 *
 * b        out; need not be initialised.
 * port     0: a free one.
 * options  may be NULL.
 * Returns  true; false: `why` says why, nothing is left running.
 */
bool host_start_mosquitto(struct host_broker *b, uint16_t port,
                          const struct host_broker_options *options);

/** In good order: it says goodbye to its clients and writes its persistence. */
void host_stop_mosquitto(struct host_broker *b);

/** As a power cut. */
void host_kill_mosquitto(struct host_broker *b);

/** Its log so far, for messages and tests: the last `cap` - 1 bytes, NUL at the end. */
void host_broker_log(const struct host_broker *b, char *text, uint32_t cap);

#endif

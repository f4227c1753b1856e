/* SPDX-License-Identifier: Apache-2.0 */
/* Stock mosquittos for tests, and the files that some of them are configured by. */
#ifndef PEER_BROKER_H
#define PEER_BROKER_H

#include "host/host_broker.h"

/** On a free port of peer_loopback, or on `port`. Must start. */
void peer_broker_start(struct host_broker *b, uint16_t port, const char *extra,
                       const char *persistence_dir);

/** All brokers that were started here and run are killed; for teardowns. */
void peer_broker_kill_all(void);

/** Setup and teardown of a group of tests with one broker on a free port: peer_group_setup, and the
 *  broker; at the end all brokers are killed, then peer_group_teardown. */
int peer_broker_group_setup(struct host_broker *b, void **state);
int peer_broker_group_teardown(void **state);

/** Write a file of a broker's configuration. */
void peer_file_write(const char *dir, const char *name, const char *text, char path[HOST_PATH_MAX]);

/** Where this mosquitto's access control plugin is; false: nowhere. */
bool peer_broker_plugin(char path[HOST_PATH_MAX]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A stock nginx on loopback: one process, in a folder of its own, as whoever runs the test. */
#ifndef PEER_NGINX_H
#define PEER_NGINX_H

#include "peer_certs.h"

#include "host/host_dir.h"

#include <sys/types.h>

struct peer_nginx {
    pid_t pid;             /* 0: not running */
    uint16_t port, secure; /* plain, and TLS */
    char dir[HOST_PATH_MAX];
};

/** Start one; its TLS has this certificate. See the configuration in peer_nginx.c for what it serves. */
void peer_nginx_start(struct peer_nginx *n, enum peer_cert_id cert);
void peer_nginx_stop(struct peer_nginx *n);

/** A file that it serves as /NAME. */
void peer_nginx_file(const struct peer_nginx *n, const char *name, struct iot_bytes content);

/** How often its log has this: lines are CONNECTION REQUEST-OF-IT METHOD PATH STATUS, as "7 1 GET /f 200". */
uint32_t peer_nginx_logged(const struct peer_nginx *n, const char *text);

/** Connections that it has seen. */
uint32_t peer_nginx_connections(const struct peer_nginx *n);

#endif

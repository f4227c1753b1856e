/* SPDX-License-Identifier: Apache-2.0 */
/* What is measured; all of it is one program, on the host as on the board. */
#ifndef BENCH_H
#define BENCH_H

/* Our device on a stub stream: publish, receive, idle. */
void bench_device(void);

/* lwIP's own client on a stub of TCP: publish, receive. Names begin with "lwip/". */
void bench_lwip(void);

/* The login of the platform. */
void bench_sign(void);

/* JSON of the platform. */
void bench_json(void);

/* Its thing model: a set and a post. */
void bench_thing(void);

/* A response of HTTP: its head, and chunks. */
void bench_http(void);

/* A request of CoAP: written, and read. */
void bench_coap(void);

/* An update: an image fetched, and read back. */
void bench_ota(void);

#endif

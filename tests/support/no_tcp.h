/* SPDX-License-Identifier: Apache-2.0 */
/* A device brings its own TCP and UDP along. Where it is given a stream of the test's, and no lwIP is linked,
 * these stand in its place and do nothing. Included by the one file of such a test. */
#ifndef NO_TCP_H
#define NO_TCP_H

#include "net/iot_net_tcp.h"
#include "net/iot_net_udp.h"

void iot_tcp_init(struct iot_tcp *t)
{
    (void)t;
}

#if IOT_FEATURE_COAP
void iot_udp_init(struct iot_udp *u)
{
    (void)u;
}
#endif

#if IOT_FEATURE_COAP_SERVER
#include "net/iot_net_socket.h"

void iot_udp_socket_init(struct iot_udp_socket *s)
{
    (void)s;
}
#endif

#if IOT_FEATURE_STATS
void iot_tcp_pool(const struct iot_tcp *t, struct iot_pool_use *use)
{
    (void)t;
    (void)use;
}
#endif

void iot_net_assert_context(void) {}

#endif

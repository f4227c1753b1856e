/* SPDX-License-Identifier: Apache-2.0 */
/* The emulated platform has no RSA; a stock broker with a chain of three certificates has. */
#ifndef RIG_BROKER_H
#define RIG_BROKER_H

#include "host/host_broker.h"

/** Start it, with a plain listener (broker->port) as well; and the board becomes a device that logs in there, by TLS. Its
 *  certificates are of peer_certs.h. */
void rig_broker_start(struct host_broker *broker);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Synchronous calls (RRPC): which of them is a service's, which the application's. */
#ifndef IOT_LINK_RRPC_H
#define IOT_LINK_RRPC_H

#include "link/iot_link_alink.h"

#if IOT_FEATURE_THING || IOT_FEATURE_RAW

/* Handlers of the routes rrpc/request/+ and /ext/rrpc/#. */
iot_err iot_rrpc_take(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest);
iot_err iot_rrpc_take_ext(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest);

#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The one struct per device. All of it is private; iot_static.h shows it to the file that owns the
 * storage, and to a debugger. */
#ifndef IOT_DEVICE_STATE_H
#define IOT_DEVICE_STATE_H

#include "core/iot_core_jitter.h"
#if IOT_ATTACHED
#include "core/iot_core_part.h"
#endif
#include "iot/iot_device.h"
#include "mqtt/iot_mqtt_client.h"
#include "net/iot_net_tcp.h"
#if IOT_FEATURE_LINK
#include "link/iot_link_alink.h"
#include "link/iot_link_profile.h"
#endif
#if IOT_FEATURE_TLS
#include "tls/iot_tls_stream.h"
#endif

struct iot_device {
#if IOT_FEATURE_ALINK
    struct iot_alink alink; /* first: see iot_alink_of */
#endif
    bool wake;   /* something happened: a whole tick */
    bool queued; /* the application wants bytes sent: the second half of a tick will do */
    bool polling;
    bool clock_set, seeded;
#if IOT_FEATURE_SESSION_KEEP
    bool ids_loaded; /* of a session that outlives reboots: where they go on */
#endif
    uint32_t last_ms;       /* the caller's counter at the last tick */
    iot_time now;           /* stands still within a tick; never goes back */
    iot_time deadline;      /* before it, and with no `wake`, a tick has nothing to do */
    iot_time seed_deadline; /* so long the first tick waits for chance */
    const struct iot_options *opt;
    struct iot_jitter jitter;
#if IOT_ATTACHED
    struct iot_part *parts; /* attached, in this order */
#endif
    struct iot_tcp tcp;
#if IOT_FEATURE_TLS
    struct iot_tls tls;
#endif
#if IOT_FEATURE_LINK
    struct iot_link link;
#endif
    struct iot_mqtt_client mqtt;
};

#endif

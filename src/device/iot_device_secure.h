/* SPDX-License-Identifier: Apache-2.0 */
/* How a device's client logs in and whom it trusts: the platform's identity and TLS, put together as
 * the options say. Each of the two may be left out of the build. */
#ifndef IOT_DEVICE_SECURE_H
#define IOT_DEVICE_SECURE_H

#include "device/iot_device_state.h"

extern const struct iot_mqtt_hooks iot_device_hooks;

/** Take over identity and TLS options and check that a CONNECT fits; `carrier` is TCP or the
 *  application's stream. `*stream` is what the client is to use. Errors as iot_device_init. */
iot_err iot_device_secure(struct iot_device *dev, struct iot_stream *carrier,
                          struct iot_stream **stream);

#if IOT_FEATURE_TLS
/** A stream of the device's tells it of long steps, and learns from it what time it is. */
void iot_device_tls_init(struct iot_device *dev, struct iot_tls *tls);

/** IOT_EV_BUSY; `dev` is a device. */
void iot_device_on_busy(void *dev, bool begins);
#endif

/** Credentials as far as they are known without asking anybody; for checking sizes. */
iot_err iot_device_sample(struct iot_device *dev, struct iot_credentials *out);

#endif

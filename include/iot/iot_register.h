/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_register.h
 * Dynamic registration: one firmware for all devices of a product. What it holds is the product's secret; the
 * device's own is fetched from the platform once, over MQTT, and kept in the port's kv.
 *
 * Nothing has to be called: with iot_link_identity.registration each attempt to connect looks into the kv. A device
 * without a secret connects to register, over TLS and for nothing else: no message, no subscription and no will of the
 * application's is sent there, they wait. When the answer is stored it says goodbye, raises IOT_EV_REGISTERED and
 * connects anew at once, as what it is from then on.
 *
 *     IOT_EV_CONNECTING  IOT_EV_REGISTERED  IOT_EV_CONNECTING  IOT_EV_CONNECTED
 *
 * The product's "dynamic registration" has to be switched on in the platform's console, and the platform registers a
 * device that has never logged in only: the first login activates it. So the secret is durable before it is used, and a
 * cut of power at any moment before costs one more registration, which gives the same secret.
 *
 * IOT_EV_LOST may say of an attempt:
 *
 *     LINK_REGISTER          refused: again in five minutes or more
 *     LINK_REGISTER_TIMEOUT  accepted, but no secret came within IOT_REGISTER_MS
 *     LINK_REGISTER_TLS      the options leave only PSK, which needs a secret
 *     RANDOM, KV             the port's. Only "no such key" leads to a registration: no other error of the kv, and no
 *                            value that is none, does, as they could hide a secret that the platform gives only once
 *
 * A stored secret that the platform refuses at login (LINK_SECRET) is kept. To register such a device anew, reset it in
 * the console and delete the key while it is not connected.
 */
#ifndef IOT_REGISTER_H
#define IOT_REGISTER_H

#include "iot/iot_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Longest values, bytes without NUL. */
#define IOT_PRODUCT_SECRET_MAX 64
#define IOT_DEVICE_TOKEN_MAX   128

enum iot_register_kind {
    /** The device was made known in the console by its name, and gets its secret. */
    IOT_REGISTER_SECRET,
    /** It was not ("regnwl"), and gets a client id and a token instead of a secret. Each login is by those, so TLS with
     *  certificates is needed for ever: there is no PSK, and nothing that is signed with a secret. */
    IOT_REGISTER_NWL,
};

/** Beside a product key and a device name (iot_link.h); borrowed as those are. */
struct iot_registration {
    enum iot_register_kind kind;
    const char *product_secret; /* letters and digits [IOT_PRODUCT_SECRET_MAX] */
    /** Name in the port's kv, 1 to 15 characters, one per device; NULL: "iot-ds". Its value is the secret, or client
     *  id, '|' and token; a production line may put it there as well. */
    const char *key;
};

#ifdef __cplusplus
}
#endif
#endif

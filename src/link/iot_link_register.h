/* SPDX-License-Identifier: Apache-2.0 */
/* Dynamic registration, the device's side: what a login is made of when the secret is in the port's kv, and how it
 * gets there. No connection, no events: whoever has those is src/device.
 * Protocol: Alibaba Cloud IoT platform, dynamic registration over MQTT (one secret per product).
 *
 *     NONE -login, kv has no secret-> ASKS -answer, kv not ready-> STORES -kv_set-> STORED -login-> NONE
 *                                        \__________________________/ \-> FAILED -login-> NONE
 */
#ifndef IOT_LINK_REGISTER_H
#define IOT_LINK_REGISTER_H

#include "iot/iot_json.h"
#include "iot/iot_mqtt.h"
#include "iot/iot_port.h"
#include "iot/iot_register.h"
#include "link/iot_link_sign.h"

#if IOT_FEATURE_REGISTER

enum iot_register_state {
    IOT_REGISTER_NONE, /* nothing of this is going on */
    IOT_REGISTER_ASKS,
    IOT_REGISTER_STORES,
    IOT_REGISTER_STORED,
    IOT_REGISTER_FAILED, /* the store did not take it */
};

/* No secret is in here: it is read when a login is made, and wiped behind it. */
struct iot_register {
    const struct iot_link_identity
        *id; /* NULL, or without a registration: the calls below are not for it */
    const struct iot_port *port;
    uint8_t state; /* of enum iot_register_state */
};

/** The part of iot_link_check for an identity with a registration. */
iot_err iot_register_check(const struct iot_link_identity *id);

/** `id` is checked, it and `port` outlive the struct. IOT_ERR_ARG: the port has no kv. */
iot_err iot_register_init(struct iot_register *r, const struct iot_link_identity *id,
                          const struct iot_port *port);

/**
 * As iot_link_login: the ordinary login if the kv has what it takes, else one that asks for it; iot_register_asks
 * tells which.
 *
 * Returns  also IOT_ERR_AGAIN: kv or random; IOT_ERR_KV: it cannot be read, or does not hold what was stored just now;
 *          IOT_ERR_RANDOM; IOT_ERR_LINK_REGISTER_TLS.
 */
iot_err iot_register_login(struct iot_register *r, enum iot_link_transport transport,
                           uint8_t *scratch, uint32_t cap, struct iot_link_login *out);

/** Texts as long as they can be, of the one or the other; nobody is asked. */
iot_err iot_register_sample(const struct iot_link_identity *id, bool asks,
                            enum iot_link_transport transport, uint8_t *scratch, uint32_t cap,
                            struct iot_link_login *out);

/** As iot_link_psk. IOT_ERR_STATE: there is none yet, the login asks for it; IOT_ERR_AGAIN, IOT_ERR_KV. */
iot_err iot_register_psk(const struct iot_register *r, uint8_t identity[IOT_LINK_PSK_IDENTITY_MAX],
                         uint32_t *len, uint8_t key[IOT_LINK_PSK_BYTES]);

/** The last login asks for a secret, and the connection is for that alone. */
static inline bool iot_register_asks(const struct iot_register *r)
{
    return r->state != IOT_REGISTER_NONE;
}

/**
 * A message on such a connection.
 *
 * Returns  IOT_OK: that was it, and it is stored; IOT_ERR_AGAIN: so it will be, give the message again; IOT_ERR_STATE:
 *          nothing is to be done with it (doubled, or it cannot be stored); another error: it is not what is waited for,
 *          and why.
 */
iot_err iot_register_take(struct iot_register *r, const struct iot_msg *msg);

/** What such a connection has come to; `late`: no more is waited for. IOT_OK: it has served; IOT_ERR_AGAIN: go on;
 *  IOT_ERR_KV, IOT_ERR_LINK_REGISTER_TIMEOUT. */
iot_err iot_register_result(const struct iot_register *r, bool late);

/** Such a connection is lost. True: `*reason` is final, and the platform's reasons do not apply; `*refused`: it said no. */
bool iot_register_judge(const struct iot_register *r, bool accepted, iot_err *reason,
                        int32_t detail, bool *refused);

/* ---- For the same by HTTPS (iot_link_web.h); no state ---- */

/** What a device gets is stored: `root` has its members. IOT_OK; IOT_ERR_AGAIN: once more; IOT_ERR_KV, IOT_ERR_LINK_REPLY,
 *  IOT_ERR_JSON_...: it is not what it should be. */
iot_err iot_register_keep(const struct iot_link_identity *id, const struct iot_port *port,
                          struct iot_json root);

/** The secret that was stored. IOT_ERR_STATE: there is none; IOT_ERR_AGAIN, IOT_ERR_KV; IOT_ERR_ARG: of this kind there is
 *  no secret. The caller wipes. */
iot_err iot_register_secret(const struct iot_link_identity *id, const struct iot_port *port,
                            char secret[IOT_DEVICE_SECRET_MAX + 1]);

#else

static inline iot_err iot_register_secret(const struct iot_link_identity *id,
                                          const struct iot_port *port,
                                          char secret[IOT_DEVICE_SECRET_MAX + 1])
{
    (void)id, (void)port, (void)secret;
    return IOT_ERR_ARG; /* not built in */
}

static inline iot_err iot_register_check(const struct iot_link_identity *id)
{
    (void)id;
    return IOT_ERR_ARG; /* not built in */
}

static inline iot_err iot_register_sample(const struct iot_link_identity *id, bool asks,
                                          enum iot_link_transport transport, uint8_t *scratch,
                                          uint32_t cap, struct iot_link_login *out)
{
    (void)id, (void)asks, (void)transport, (void)scratch, (void)cap;
    *out = (struct iot_link_login){{NULL, 0}, {NULL, 0}, {NULL, 0}};
    return IOT_ERR_ARG;
}

#endif
#endif

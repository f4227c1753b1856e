/* SPDX-License-Identifier: Apache-2.0 */
/* What the platform adds to an MQTT connection: its credentials, and its reasons for ending one. */
#ifndef IOT_LINK_PROFILE_H
#define IOT_LINK_PROFILE_H

#include "iot/iot_device.h"
#include "iot/iot_register.h"
#include "link/iot_link_register.h"
#include "link/iot_link_sign.h"
#include "mqtt/iot_mqtt_client.h"

struct iot_link {
    const struct iot_link_identity *id;
    bool disabled; /* the platform said so on the present link */
#if IOT_FEATURE_REGISTER
    struct iot_register registers;
#endif
};

/** `id` and `port` outlive the struct. Errors as iot_link_check; IOT_ERR_ARG also for a registration without kv. */
iot_err iot_link_init(struct iot_link *l, const struct iot_link_identity *id,
                      const struct iot_port *port);

/**
 * Credentials for one attempt.
 *
 * host     of the options, or NULL: from the identity.
 * scratch  gets all texts; they are valid as long as it is.
 * out      port is set if it is 0.
 * Returns  IOT_OK; IOT_ERR_SIZE: scratch is too small; what the identity's `sign` returned; with a
 *          registration as iot_register_login.
 */
iot_err iot_link_credentials(struct iot_link *l, const char *host,
                             enum iot_link_transport transport, uint8_t *scratch, uint32_t cap,
                             struct iot_credentials *out);

/** How large the scratch would have to be, signed or not: fills `out` with texts of the right lengths.
 *  For checking sizes at init, when `sign` cannot be asked. `asks`: of the login that asks for a secret. */
iot_err iot_link_dry_run(const struct iot_link *l, bool asks, const char *host,
                         enum iot_link_transport transport, uint8_t *scratch, uint32_t cap,
                         struct iot_credentials *out);

/** Why did it end, in the platform's terms? `*reason` may get another name. Returns how long to stay away at
 *  least, ms; 0: the ordinary ladder. */
uint32_t iot_link_judge(struct iot_link *l, enum iot_mqtt_stage stage, iot_err *reason,
                        int32_t detail);

/** There is a login that asks for a secret. */
static inline bool iot_link_may_register(const struct iot_link_identity *id,
                                         enum iot_link_transport transport)
{
    return IOT_FEATURE_REGISTER && id->registration != NULL && transport != IOT_LINK_TLS_PSK;
}

/** The last credentials were that. */
bool iot_link_registers(const struct iot_link *l);

/** Can key and identity for PSK be made of it: is there a secret, or will there be one? NULL: no. */
static inline bool iot_link_has_psk(const struct iot_link_identity *id)
{
    return id != NULL && !id->x509 &&
           (id->registration == NULL || id->registration->kind == IOT_REGISTER_SECRET);
}

/** As iot_link_psk, also with a registration: see iot_register_psk. */
iot_err iot_link_profile_psk(const struct iot_link *l, uint8_t identity[IOT_LINK_PSK_IDENTITY_MAX],
                             uint32_t *len, uint8_t key[IOT_LINK_PSK_BYTES]);

/** A message has come: does the platform talk about the device itself? */
void iot_link_notice(struct iot_link *l, const struct iot_msg *msg);

#endif

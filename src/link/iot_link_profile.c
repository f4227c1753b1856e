/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_profile.h"

#if IOT_FEATURE_LINK

#include "link/iot_link_region.h"

#include <string.h>

/* Protocol reference of the platform: after flow control, a refused login and a second login with the
 * same identity, come back no sooner than in five minutes. */
#define STAY_AWAY_MS 300000u

#if IOT_FEATURE_REGISTER
static iot_err register_init(struct iot_link *l, const struct iot_port *port)
{
    memset(&l->registers, 0, sizeof l->registers);
    return l->id->registration == NULL ? IOT_OK : iot_register_init(&l->registers, l->id, port);
}

static iot_err register_login(struct iot_link *l, enum iot_link_transport transport,
                              uint8_t *scratch, uint32_t cap, struct iot_link_login *out)
{
    return iot_register_login(&l->registers, transport, scratch, cap, out);
}

static bool register_judge(const struct iot_link *l, enum iot_mqtt_stage stage, iot_err *reason,
                           int32_t detail, bool *refused)
{
    return iot_register_judge(&l->registers, stage >= IOT_MQTT_ACCEPTED, reason, detail, refused);
}

static iot_err register_psk(const struct iot_link *l, uint8_t identity[IOT_LINK_PSK_IDENTITY_MAX],
                            uint32_t *len, uint8_t key[IOT_LINK_PSK_BYTES])
{
    return iot_register_psk(&l->registers, identity, len, key);
}

bool iot_link_registers(const struct iot_link *l)
{
    return iot_register_asks(&l->registers);
}

#else

static iot_err register_init(struct iot_link *l, const struct iot_port *port)
{
    (void)l, (void)port;
    return IOT_OK;
}

static iot_err register_login(struct iot_link *l, enum iot_link_transport transport,
                              uint8_t *scratch, uint32_t cap, struct iot_link_login *out)
{
    (void)l, (void)transport, (void)scratch, (void)cap;
    memset(out, 0, sizeof *out);
    return IOT_ERR_ARG; /* iot_link_check has refused it */
}

static bool register_judge(const struct iot_link *l, enum iot_mqtt_stage stage, iot_err *reason,
                           int32_t detail, bool *refused)
{
    (void)l, (void)stage, (void)reason, (void)detail, (void)refused;
    return false;
}

static iot_err register_psk(const struct iot_link *l, uint8_t identity[IOT_LINK_PSK_IDENTITY_MAX],
                            uint32_t *len, uint8_t key[IOT_LINK_PSK_BYTES])
{
    (void)l, (void)identity, (void)len, (void)key;
    return IOT_ERR_ARG;
}

bool iot_link_registers(const struct iot_link *l)
{
    (void)l;
    return false;
}
#endif

iot_err iot_link_profile_psk(const struct iot_link *l, uint8_t identity[IOT_LINK_PSK_IDENTITY_MAX],
                             uint32_t *len, uint8_t key[IOT_LINK_PSK_BYTES])
{
    return l->id->registration != NULL ? register_psk(l, identity, len, key)
                                       : iot_link_psk(l->id, identity, len, key);
}

iot_err iot_link_init(struct iot_link *l, const struct iot_link_identity *id,
                      const struct iot_port *port)
{
    l->id = id;
    l->disabled = false;
    iot_err err = register_init(l, port);
    return err == IOT_OK ? iot_link_check(id) : err;
}

static uint16_t port_of(const struct iot_link_identity *id, enum iot_link_transport transport)
{
    return id->x509 || transport != IOT_LINK_TLS ? IOT_LINK_ITLS_PORT : IOT_LINK_PORT;
}

/* Host and port; `*used` bytes of the scratch. */
static iot_err place(const struct iot_link_identity *id, const char *host,
                     enum iot_link_transport transport, uint8_t *scratch, uint32_t cap,
                     struct iot_credentials *out, uint32_t *used)
{
    *used = 0;
    out->host = host;
    if (out->port == 0)
        out->port = port_of(id, transport);
    if (host != NULL)
        return IOT_OK;
    iot_err err = iot_link_host(id, transport, (char *)scratch, cap);
    if (err != IOT_OK)
        return err;
    out->host = (const char *)scratch;
    *used = (uint32_t)strlen(out->host) + 1;
    return IOT_OK;
}

static void fill(struct iot_credentials *out, const struct iot_link_login *login)
{
    out->client_id = login->client_id;
    out->user_name = login->user_name;
    out->password = login->password;
}

iot_err iot_link_credentials(struct iot_link *l, const char *host,
                             enum iot_link_transport transport, uint8_t *scratch, uint32_t cap,
                             struct iot_credentials *out)
{
    struct iot_link_login login;
    uint32_t used;

    l->disabled = false;
    iot_err err = place(l->id, host, transport, scratch, cap, out, &used);
    if (err != IOT_OK)
        return err;
    err = l->id->registration != NULL
              ? register_login(l, transport, scratch + used, cap - used, &login)
              : iot_link_login(l->id, transport, scratch + used, cap - used, &login);
    fill(out, &login);
    return err;
}

iot_err iot_link_dry_run(const struct iot_link *l, bool asks, const char *host,
                         enum iot_link_transport transport, uint8_t *scratch, uint32_t cap,
                         struct iot_credentials *out)
{
    struct iot_link_identity id = *l->id;
    struct iot_link_login login;
    uint32_t used;

    if (id.sign != NULL) {
        id.sign = NULL;
        id.device_secret = "0";
    }
    iot_err err = place(&id, host, transport, scratch, cap, out, &used);
    if (err != IOT_OK)
        return err;
    err = id.registration != NULL
              ? iot_register_sample(&id, asks, transport, scratch + used, cap - used, &login)
              : iot_link_login(&id, transport, scratch + used, cap - used, &login);
    fill(out, &login);
    return err;
}

/* The peer ended it in good order: with close_notify; without TLS, with FIN. A reset, or an end inside of TLS,
 * is a matter of the network, of a balancer, of a restart. */
static bool by_peer(iot_err reason)
{
    return reason == IOT_ERR_TLS_CLOSED || reason == IOT_ERR_TCP_EOF;
}

/* ... in whatever manner. */
static bool by_peer_somehow(iot_err reason)
{
    return by_peer(reason) || reason == IOT_ERR_TLS_EOF || reason == IOT_ERR_TCP_RESET;
}

static iot_err refusal(int32_t connack)
{
    switch (connack) {
    case 2:
        return IOT_ERR_LINK_CLIENT_ID;
    case 4:
        return IOT_ERR_LINK_SECRET;
    case 5:
        return IOT_ERR_LINK_DENIED;
    default: /* 1, 3, and numbers that MQTT does not know */
        return IOT_OK;
    }
}

uint32_t iot_link_judge(struct iot_link *l, enum iot_mqtt_stage stage, iot_err *reason,
                        int32_t detail)
{
    iot_err judged = IOT_OK;
    bool refused;

    if (register_judge(l, stage, reason, detail, &refused))
        return refused ? STAY_AWAY_MS : 0;
    if (*reason == IOT_ERR_MQTT_REFUSED)
        judged = refusal(detail);
    else if (l->disabled && by_peer_somehow(*reason))
        judged = IOT_ERR_LINK_DISABLED;
    else if (!by_peer(*reason))
        judged = IOT_OK;
    else if (stage == IOT_MQTT_ACCEPTED)
        judged = IOT_ERR_LINK_TWICE;
    else if (stage == IOT_MQTT_ASKED ||
             (stage == IOT_MQTT_OPENING && *reason == IOT_ERR_TLS_CLOSED))
        judged = IOT_ERR_LINK_FLOW;
    if (judged == IOT_OK)
        return 0;
    *reason = judged;
    return STAY_AWAY_MS;
}

/* Goes over `text` at the front of what is left; false: something else stands there. */
static bool skip(struct iot_bytes *left, const char *text, size_t n)
{
    if (left->len < n || memcmp(left->ptr, text, n) != 0)
        return false;
    left->ptr += n;
    left->len -= (uint32_t)n;
    return true;
}

/* A level and its '/'. `name` NULL: known to the platform only, which does not send us what is others'. */
static bool skip_level(struct iot_bytes *left, const char *name)
{
    if (name != NULL)
        return skip(left, name, strlen(name)) && skip(left, "/", 1);
    for (uint32_t i = 0; i < left->len; i++)
        if (left->ptr[i] == '/')
            return skip(left, (const char *)left->ptr, i + 1);
    return false;
}

static bool is(struct iot_bytes left, const char *text)
{
    return left.len == strlen(text) && memcmp(left.ptr, text, left.len) == 0;
}

/* A gateway gets the same about its sub-devices. */
void iot_link_notice(struct iot_link *l, const struct iot_msg *msg)
{
    struct iot_bytes left = {(const uint8_t *)msg->topic.text, msg->topic.len};

    if (!skip(&left, "/sys/", 5) || !skip_level(&left, l->id->product_key) ||
        !skip_level(&left, l->id->device_name))
        return;
    if (is(left, "thing/disable") || is(left, "thing/delete"))
        l->disabled = true;
    else if (is(left, "thing/enable"))
        l->disabled = false;
}

#endif

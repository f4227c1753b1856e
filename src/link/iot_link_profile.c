/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_profile.h"

#if IOT_LINK

#include "link/iot_link_region.h"

#include <string.h>

/* Protocol reference of the platform: after flow control, a refused login and a second login with the
 * same identity, come back no sooner than in five minutes. */
#define STAY_AWAY_MS 300000u

iot_err iot_link_init(struct iot_link *l, const struct iot_link_identity *id)
{
    l->id = id;
    l->disabled = false;
    return iot_link_check(id);
}

static uint16_t port_of(const struct iot_link_identity *id, enum iot_link_transport transport)
{
    return id->x509 || transport != IOT_LINK_TLS ? IOT_LINK_ITLS_PORT : IOT_LINK_PORT;
}

static iot_err credentials(const struct iot_link_identity *id, const char *host,
                           enum iot_link_transport transport, uint8_t *scratch, uint32_t cap,
                           struct iot_credentials *out)
{
    struct iot_link_login login;
    uint32_t used = 0;

    out->host = host;
    if (out->port == 0)
        out->port = port_of(id, transport);
    if (host == NULL) {
        iot_err err = iot_link_host(id, transport, (char *)scratch, cap);
        if (err != IOT_OK)
            return err;
        out->host = (const char *)scratch;
        used = (uint32_t)strlen(out->host) + 1;
    }
    iot_err err = iot_link_login(id, transport, scratch + used, cap - used, &login);
    out->client_id = login.client_id;
    out->user_name = login.user_name;
    out->password = login.password;
    return err;
}

iot_err iot_link_credentials(struct iot_link *l, const char *host,
                             enum iot_link_transport transport, uint8_t *scratch, uint32_t cap,
                             struct iot_credentials *out)
{
    l->disabled = false;
    return credentials(l->id, host, transport, scratch, cap, out);
}

iot_err iot_link_dry_run(const struct iot_link *l, const char *host,
                         enum iot_link_transport transport, uint8_t *scratch, uint32_t cap,
                         struct iot_credentials *out)
{
    struct iot_link_identity id = *l->id;
    if (id.sign != NULL) {
        id.sign = NULL;
        id.device_secret = "0";
    }
    return credentials(&id, host, transport, scratch, cap, out);
}

/* The peer ended it, in whatever manner. */
static bool by_peer(iot_err reason)
{
    return reason == IOT_ERR_TLS_CLOSED || reason == IOT_ERR_TLS_EOF || reason == IOT_ERR_TCP_EOF ||
           reason == IOT_ERR_TCP_RESET;
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

    if (*reason == IOT_ERR_MQTT_REFUSED)
        judged = refusal(detail);
    else if (!by_peer(*reason))
        judged = IOT_OK;
    else if (l->disabled)
        judged = IOT_ERR_LINK_DISABLED;
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

static bool ends_with(const struct iot_topic *topic, const char *end)
{
    size_t n = strlen(end);
    return topic->len >= n && memcmp(topic->text + topic->len - n, end, n) == 0;
}

void iot_link_notice(struct iot_link *l, const struct iot_msg *msg)
{
    if (msg->topic.len < 5 || memcmp(msg->topic.text, "/sys/", 5) != 0)
        return;
    if (ends_with(&msg->topic, "/thing/disable") || ends_with(&msg->topic, "/thing/delete"))
        l->disabled = true;
}

#endif

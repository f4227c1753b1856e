/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/iot_mqtt_login.h"

#include "mqtt/iot_mqtt_errand.h"

#include <string.h>

#define MQTT_PORT  1883u
#define MQTTS_PORT 8883u

static struct iot_bytes text_bytes(const char *text)
{
    struct iot_bytes b = {(const uint8_t *)text, text != NULL ? (uint32_t)strlen(text) : 0};
    return b;
}

void iot_mqtt_credentials(const struct iot_options *opt, struct iot_credentials *out)
{
    out->host = opt->host;
    out->port = opt->port;
    if (out->port == 0 && opt->link == NULL)
        out->port = opt->tls == NULL ? MQTT_PORT : MQTTS_PORT;
    out->client_id = text_bytes(opt->client_id);
    out->user_name = text_bytes(opt->user_name);
    out->password = opt->password;
    iot_mqtt_errand_unwanted(out);
}

uint8_t *iot_mqtt_login_scratch(uint8_t *window, uint32_t bytes, uint32_t *cap)
{
    *cap = bytes / 2;
    return window + (bytes - bytes / 2);
}

/* Compared as numbers: most texts lie elsewhere, and C compares only pointers into one object. */
static bool inside(const uint8_t *window, uint32_t bytes, struct iot_bytes text)
{
    uintptr_t at = (uintptr_t)text.ptr, from = (uintptr_t)window;
    return at >= from && at < from + bytes;
}

/* Each text counts: a handler may have replaced some of them only. */
uint32_t iot_mqtt_login_room(const uint8_t *window, uint32_t bytes,
                             const struct iot_credentials *who)
{
    bool staged = inside(window, bytes, who->client_id) || inside(window, bytes, who->user_name) ||
                  inside(window, bytes, who->password);
    return staged ? bytes - bytes / 2 : bytes;
}

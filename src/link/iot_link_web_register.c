/* SPDX-License-Identifier: Apache-2.0 */
/* Dynamic registration by HTTPS. Protocol: Alibaba Cloud IoT platform, POST /auth/register/device. */
#include "link/iot_link_web.h"

#if IOT_FEATURE_WEB && IOT_FEATURE_REGISTER

#include "link/iot_link_register.h"

#define RANDOM_BYTES 8u

static iot_err take_secret(struct iot_web *w, struct iot_json root)
{
    struct iot_json data;
    iot_err err = iot_ask_find(root, "data\0", &data);

    return err == IOT_OK ? iot_register_keep(w->opt->link, w->opt->port, data) : err;
}

iot_err iot_web_register(struct iot_web *w)
{
    const struct iot_link_identity *id = w->opt->link;
    const struct iot_port *port = w->opt->port;
    uint8_t random[RANDOM_BYTES];
    char hex[2 * RANDOM_BYTES + 1] = "";
    struct iot_writer h = {.ptr = (uint8_t *)hex, .cap = 2 * RANDOM_BYTES};

    if (id->registration == NULL || id->registration->kind != IOT_REGISTER_SECRET ||
        port->kv_set == NULL)
        return IOT_ERR_ARG;
    iot_err err = port->random(port->ctx, random, sizeof random);
    if (err != IOT_OK)
        return err == IOT_ERR_AGAIN ? err : IOT_ERR_RANDOM;
    iot_link_put_hex(&h, random, 2 * RANDOM_BYTES);
    return iot_web_ask(
        w, &(struct iot_web_ask){
               .base = w->opt->auth,
               .host = IOT_WEB_AUTH_HOST,
               .path = "/auth/register/device",
               .headers = iot_web_form_headers,
               .body = "productKey=" IOT_ASK_PK "&deviceName=" IOT_ASK_DN "&random=" IOT_ASK_VALUE
                       "&signMethod=" IOT_ASK_METHOD "&sign=" IOT_ASK_SIGN,
               .text = "deviceName" IOT_ASK_DN "productKey" IOT_ASK_PK "random" IOT_ASK_VALUE,
               .key = id->registration->product_secret,
               .value = hex,
               .call = IOT_WEB_REGISTER,
               .take = take_secret});
}

#endif

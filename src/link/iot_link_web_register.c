/* SPDX-License-Identifier: Apache-2.0 */
/* Dynamic registration by HTTPS. Protocol: Alibaba Cloud IoT platform, POST /auth/register/device. */
#include "link/iot_link_web.h"

#if IOT_FEATURE_WEB && IOT_FEATURE_REGISTER

#include "link/iot_link_register.h"

#include <string.h>

#define CODE_OK      200u
#define RANDOM_BYTES 8u

static iot_err take_secret(struct iot_web *w, struct iot_json root, int32_t *detail)
{
    struct iot_json data;
    iot_err err = iot_web_code(root, CODE_OK, detail);

    if (err == IOT_ERR_LINK_CODE)
        return IOT_ERR_LINK_REGISTER;
    if (err == IOT_OK)
        err = iot_json_get(root, "data", &data);
    return err == IOT_OK ? iot_register_keep(w->opt->link, w->opt->port, data) : err;
}

/* HEX of HMAC(product secret, "deviceName...productKey...random..."), made behind the end of `t`. */
static iot_err put_sign(struct iot_writer *t, const struct iot_link_identity *id,
                        const uint8_t random[RANDOM_BYTES])
{
    struct iot_writer s = {.ptr = t->ptr + t->len, .cap = t->cap - t->len};
    const char *secret = id->registration->product_secret;
    const struct iot_bytes key = {(const uint8_t *)secret, (uint32_t)strlen(secret)};
    uint8_t mac[IOT_DIGEST_BYTES_MAX];

    iot_writer_text(&s, "deviceName");
    iot_writer_text(&s, id->device_name);
    iot_writer_text(&s, "productKey");
    iot_writer_text(&s, id->product_key);
    iot_writer_text(&s, "random");
    iot_link_put_hex(&s, random, 2 * RANDOM_BYTES);
    if (t->overflow || s.overflow)
        return IOT_ERR_SIZE;
    const struct iot_bytes text = {s.ptr, s.len};
    iot_hmac((enum iot_digest_kind)id->method, key, &text, 1, mac);
    iot_link_put_hex(t, mac, 2 * iot_digest_bytes((enum iot_digest_kind)id->method));
    iot_wipe(mac, sizeof mac);
    return IOT_OK;
}

iot_err iot_web_register(struct iot_web *w)
{
    const struct iot_link_identity *id = w->opt->link;
    const struct iot_port *port = w->opt->port;
    uint8_t random[RANDOM_BYTES];
    const char *host[4];
    struct iot_writer t;

    iot_web_auth_host(w, host);
    iot_err err = iot_web_open(w, &t, w->opt->auth, host, "/auth/register/device");
    if (err != IOT_OK)
        return err;
    if (id->registration == NULL || id->registration->kind != IOT_REGISTER_SECRET ||
        port->kv_set == NULL)
        return IOT_ERR_ARG;
    err = port->random(port->ctx, random, sizeof random);
    if (err != IOT_OK)
        return err == IOT_ERR_AGAIN ? err : IOT_ERR_RANDOM;
    uint32_t body = iot_web_form(&t);
    iot_web_names(&t, id);
    iot_writer_text(&t, "&random=");
    iot_link_put_hex(&t, random, 2 * RANDOM_BYTES);
    iot_web_field(&t, "&signMethod=", iot_link_method_name(id->method));
    iot_writer_text(&t, "&sign=");
    err = put_sign(&t, id, random);
    if (err == IOT_OK)
        err = iot_web_send_form(w, &t, body, IOT_WEB_REGISTER, take_secret);
    w->eager = err == IOT_OK;
    return err;
}

#endif

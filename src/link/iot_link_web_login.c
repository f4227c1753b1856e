/* SPDX-License-Identifier: Apache-2.0 */
/* Where to connect, and as whom. Protocol: Alibaba Cloud IoT platform, POST /auth/devicename (auth mode), /auth/bootstrap
 * (dynamic region). */
#include "link/iot_link_web.h"

#if IOT_FEATURE_WEB

#include "link/iot_link_sign.h"

#include <string.h>

#define CODE_OK    200u
#define GLOBAL     "iot-auth-global.aliyuncs.com"
#define STAMP      "2524608000000" /* as in the login of MQTT: any number is good */
#define HOST_CHARS (IOT_CHAR_DIGIT | IOT_CHAR_LETTER | IOT_CHAR_DASH | IOT_CHAR_NAME)

/* ---- Answers ------------------------------------------------------------------------------- */

static iot_err get_text(struct iot_json object, const char *name, char *into, uint32_t cap)
{
    struct iot_json v;
    iot_err err = iot_json_get(object, name, &v);

    if (err == IOT_OK)
        err = iot_json_text(v, into, cap, NULL);
    if (err == IOT_ERR_SIZE || (err == IOT_OK && into[0] == '\0'))
        err = IOT_ERR_JSON_RANGE;
    return err;
}

iot_err iot_web_take_resources(struct iot_web *w, struct iot_json data)
{
    char host[sizeof w->host];
    struct iot_json v;
    uint32_t port = 0;
    iot_err err = iot_json_get(data, "resources", &v);

    if (err == IOT_OK)
        err = iot_json_get(v, "mqtt", &data);
    if (err == IOT_OK)
        err = get_text(data, "host", host, sizeof host);
    if (err == IOT_OK)
        err = iot_json_get(data, "port", &v);
    if (err == IOT_OK)
        err = iot_json_u32_text(v, &port);
    if (err == IOT_OK &&
        (port == 0 || port > UINT16_MAX || !iot_link_is_text(host, 1, sizeof host - 1, HOST_CHARS)))
        err = IOT_ERR_JSON_RANGE;
    if (err != IOT_OK)
        return err;
    memcpy(w->host, host, sizeof host);
    w->port = (uint16_t)port;
    return IOT_OK;
}

/* `{cid}|...|`: CONNECT wants it beside iotId and iotToken. */
static void write_client(struct iot_web *w)
{
    const struct iot_link_identity *id = w->opt->link;
    struct iot_writer t = {.ptr = (uint8_t *)w->client, .cap = sizeof w->client};

    iot_web_put_cid(&t, id, false);
    iot_writer_text(&t, "|securemode=-1,signmethod=");
    iot_writer_text(&t, iot_link_method_name(id->method));
    iot_writer_text(&t, id->gateway ? ",gw=1,ext=" : ",gw=0,ext=");
    iot_writer_u32(&t, id->ext);
    iot_writer_text(&t, "|");
    w->client_len = (uint8_t)t.len;
}

static iot_err take_bootstrap(struct iot_web *w, struct iot_json root, int32_t *detail)
{
    struct iot_json data;
    iot_err err = iot_web_code(root, CODE_OK, detail);

    if (err == IOT_OK)
        err = iot_json_get(root, "data", &data);
    if (err == IOT_OK)
        err = iot_web_take_resources(w, data);
    if (err == IOT_OK)
        w->pass_id[0] = '\0'; /* the ordinary login, there */
    return err;
}

static iot_err take_login(struct iot_web *w, struct iot_json root, int32_t *detail)
{
    char id[sizeof w->pass_id], pass[sizeof w->pass];
    struct iot_json data;
    iot_err err = iot_web_code(root, CODE_OK, detail);

    if (err == IOT_OK)
        err = iot_json_get(root, "data", &data);
    if (err == IOT_OK)
        err = get_text(data, "iotId", id, sizeof id);
    if (err == IOT_OK)
        err = get_text(data, "iotToken", pass, sizeof pass);
    if (err == IOT_OK)
        err = iot_web_take_resources(w, data);
    if (err == IOT_OK) {
        memcpy(w->pass_id, id, sizeof id);
        memcpy(w->pass, pass, sizeof pass);
        write_client(w);
    }
    iot_wipe(pass, sizeof pass);
    return err;
}

/* ---- Requests ------------------------------------------------------------------------------ */

iot_err iot_web_login(struct iot_web *w)
{
    const struct iot_link_identity *id = w->opt->link;
    char sign[2 * IOT_DIGEST_BYTES_MAX + 1];
    const char *host[4];
    struct iot_writer t;

    iot_web_auth_host(w, host);
    iot_err err = iot_web_open(w, &t, w->opt->auth, host, "/auth/devicename");
    if (err != IOT_OK)
        return err;
    uint32_t body = iot_web_form(&t);
    iot_web_names(&t, id);
    iot_web_field(&t, "&signmethod=", iot_link_method_name(id->method));
    iot_writer_text(&t, "&version=default&timestamp=" STAMP "&resources=mqtt&clientId=");
    iot_web_put_cid(&t, id, true);
    err = iot_web_sign(w, &t, STAMP, sign);
    if (err == IOT_OK) {
        iot_web_field(&t, "&sign=", sign);
        err = iot_web_send_form(w, &t, body, IOT_WEB_LOGIN, take_login);
    }
    return err;
}

iot_err iot_web_bootstrap(struct iot_web *w, enum iot_web_where where)
{
    static const char *const global[] = {GLOBAL, NULL};
    const struct iot_link_identity *id = w->opt->link;
    bool by_id = where == IOT_WEB_REGION_ID;
    const char *host[4];
    struct iot_writer t;
    uint32_t body = 0;
    iot_err err;

    iot_web_auth_host(w, host);
    if (where == IOT_WEB_REGION)
        err = iot_web_open(w, &t, w->opt->auth, host, "/auth/bootstrap");
    else
        err = iot_web_open(w, &t, w->opt->global, global,
                           by_id ? "/auth/bootstrap/regionId/" : "/auth/bootstrap");
    if (err != IOT_OK)
        return err;
    if (by_id) {
        iot_writer_text(&t, host[1]);
        iot_writer_text(&t, "?");
    } else {
        body = iot_web_form(&t);
    }
    iot_web_names(&t, id);
    iot_writer_text(&t, "&resources=mqtt&clientId=");
    iot_web_put_cid(&t, id, true);
    if (!by_id)
        return iot_web_send_form(w, &t, body, IOT_WEB_BOOTSTRAP, take_bootstrap);
    iot_writer_put(&t, "", 1);
    return iot_web_send(w, &t, 0, 0, NULL, IOT_WEB_BOOTSTRAP, take_bootstrap);
}

iot_err iot_web_credentials(const struct iot_web *w, struct iot_credentials *c)
{
    if (w->port == 0)
        return IOT_OK;
    c->host = w->host;
    c->port = w->port;
#if IOT_FEATURE_REGISTER
    if (c->registers)
        return IOT_OK;
#endif
    if (w->pass_id[0] != '\0') {
        c->client_id = (struct iot_bytes){(const uint8_t *)w->client, w->client_len};
        c->user_name =
            (struct iot_bytes){(const uint8_t *)w->pass_id, (uint32_t)strlen(w->pass_id)};
        c->password = (struct iot_bytes){(const uint8_t *)w->pass, (uint32_t)strlen(w->pass)};
    }
    return IOT_OK;
}

#endif

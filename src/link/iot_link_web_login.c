/* SPDX-License-Identifier: Apache-2.0 */
/* Where to connect, and as whom. Protocol: Alibaba Cloud IoT platform, POST /auth/devicename (auth mode), /auth/bootstrap
 * (dynamic region). */
#include "link/iot_link_web.h"

#if IOT_FEATURE_WEB

#include "link/iot_link_sign.h"

#include <string.h>

#define GLOBAL     "https://iot-auth-global.aliyuncs.com"
#define STAMP      "2524608000000" /* as in the login of MQTT: any number is good */
#define WHERE      "data\0resources\0mqtt\0"
#define HOST_CHARS (IOT_CHAR_DIGIT | IOT_CHAR_LETTER | IOT_CHAR_DASH | IOT_CHAR_NAME)

static const char who[] =
    "productKey=" IOT_ASK_PK "&deviceName=" IOT_ASK_DN "&resources=mqtt&clientId=" IOT_ASK_CID;

/* ---- Answers ------------------------------------------------------------------------------- */

/* An answer that lacks something leaves nothing, rather than half of it. */
static iot_err take_resources(struct iot_web *w, struct iot_json root)
{
    uint32_t port = 0;
    iot_err err = iot_ask_text(root, WHERE "host\0", w->host, sizeof w->host);

    w->port = 0;
    w->pass_id[0] = '\0';
    if (err == IOT_OK)
        err = iot_ask_number(root, WHERE "port\0", &port);
    if (err != IOT_OK)
        return err;
    if (port == 0 || port > UINT16_MAX ||
        !iot_link_is_text(w->host, 1, sizeof w->host - 1, HOST_CHARS))
        return IOT_ERR_JSON_RANGE;
    w->port = (uint16_t)port;
    return IOT_OK;
}

static iot_err take_login(struct iot_web *w, struct iot_json root)
{
    const struct iot_link_identity *id = w->opt->link;
    struct iot_writer t = {.ptr = (uint8_t *)w->client, .cap = sizeof w->client};
    struct iot_ask_values v;
    iot_err err = take_resources(w, root);

    if (err == IOT_OK)
        err = iot_ask_text(root, "data\0iotId\0", w->pass_id, sizeof w->pass_id);
    if (err == IOT_OK)
        err = iot_ask_text(root, "data\0iotToken\0", w->pass, sizeof w->pass);
    if (err != IOT_OK) {
        w->port = 0;
        return err;
    }
    /* CONNECT wants it beside iotId and iotToken */
    iot_ask_values(&v, id);
    iot_ask_put(&t, &v, IOT_ASK_AS_IS,
                IOT_ASK_CID "|securemode=-1,signmethod=" IOT_ASK_METHOD ",gw=");
    iot_writer_u32(&t, id->gateway);
    iot_writer_text(&t, ",ext=");
    iot_writer_u32(&t, id->ext);
    iot_writer_text(&t, "|");
    w->client_len = (uint8_t)t.len;
    return IOT_OK;
}

/* ---- Requests ------------------------------------------------------------------------------ */

iot_err iot_web_login(struct iot_web *w)
{
    return iot_web_ask(w, &(struct iot_web_ask){.base = w->opt->auth,
                                                .host = IOT_WEB_AUTH_HOST,
                                                .path = "/auth/devicename",
                                                .headers = iot_web_form_headers,
                                                .body = who,
                                                .more = "&signmethod=" IOT_ASK_METHOD
                                                        "&version=default&timestamp=" STAMP
                                                        "&sign=" IOT_ASK_SIGN,
                                                .text = IOT_ASK_SIGNED "timestamp" STAMP,
                                                .call = IOT_WEB_LOGIN,
                                                .take = take_login});
}

iot_err iot_web_bootstrap(struct iot_web *w, enum iot_web_where where)
{
    struct iot_web_ask q = {.base = w->opt->global,
                            .host = GLOBAL,
                            .path = "/auth/bootstrap",
                            .headers = iot_web_form_headers,
                            .body = who,
                            .call = IOT_WEB_BOOTSTRAP,
                            .take = take_resources};

    if (where == IOT_WEB_REGION) {
        q.base = w->opt->auth;
        q.host = IOT_WEB_AUTH_HOST;
    } else if (where == IOT_WEB_REGION_ID) {
        q.path = "/auth/bootstrap/regionId/" IOT_ASK_PLACE "?";
        q.headers = NULL;
    }
    return iot_web_ask(w, &q);
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

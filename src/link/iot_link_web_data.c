/* SPDX-License-Identifier: Apache-2.0 */
/* The data channel: messages for a token, a token for a signature. Protocol: Alibaba Cloud IoT platform, HTTPS upload
 * channel.
 *
 *     iot_web_post -token is fresh-> POST /topic -answered-> result
 *           \-> POST /auth -token-> ^       \-does not know it, once-> POST /auth
 */
#include "link/iot_link_web.h"

#if IOT_FEATURE_WEB

#include "json/iot_json_base64.h"
#include "link/iot_link_sign.h"

#include <string.h>

#define HOST     "https://iot-as-http.cn-shanghai.aliyuncs.com"
#define FRESH_MS (47u * 3600000u) /* of the 48 hours that it lives */

static iot_err send_auth(struct iot_web *w);

/* ---- Messages ------------------------------------------------------------------------------ */

static iot_err take_post(struct iot_web *w, struct iot_json root)
{
    struct iot_json data;

    if (w->post.reply == NULL || iot_ask_find(root, "info\0data\0", &data) != IOT_OK ||
        iot_json_kind(data) == IOT_JSON_NULL)
        return IOT_OK;
    return iot_json_base64(data, w->post.reply, w->post.reply_bytes, &w->reply_len);
}

/* `fresh`: the token, so that it is not the reason of a refusal. */
static iot_err send_post(struct iot_web *w, bool fresh)
{
    iot_err err =
        iot_web_ask(w, &(struct iot_web_ask){.base = w->opt->data,
                                             .host = HOST,
                                             .path = "/topic" IOT_ASK_TOPIC,
                                             .headers = "Content-Type: application/octet-stream\r\n"
                                                        "password: " IOT_ASK_VALUE "\r\n",
                                             .value = w->token,
                                             .call = IOT_WEB_POST,
                                             .take = take_post});

    if (err == IOT_OK && !fresh)
        w->renew = send_auth;
    return err;
}

/* ---- Tokens -------------------------------------------------------------------------------- */

static iot_err take_token(struct iot_web *w, struct iot_json root)
{
    iot_err err = iot_ask_token(root, "info\0token\0", w->token);

    if (err != IOT_OK)
        return err;
    w->token_ms = w->now_ms;
    return send_post(w, true);
}

/* Without a date, which the platform does not ask for: a wrong one it would refuse. */
static iot_err send_auth(struct iot_web *w)
{
    return iot_web_ask(
        w, &(struct iot_web_ask){
               .base = w->opt->data,
               .host = HOST,
               .path = "/auth",
               .headers = "Content-Type: application/json\r\n",
               .body = "{\"version\":\"default\",\"clientId\":\"" IOT_ASK_CID
                       "\",\"signmethod\":\"" IOT_ASK_METHOD "\",\"productKey\":\"" IOT_ASK_PK
                       "\",\"deviceName\":\"" IOT_ASK_DN "\",\"sign\":\"" IOT_ASK_SIGN "\"}",
               .text = IOT_ASK_SIGNED,
               .call = IOT_WEB_POST,
               .take = take_token});
}

iot_err iot_web_post(struct iot_web *w, const struct iot_web_post *post, uint32_t now_ms)
{
    if (w->call != IOT_WEB_NONE)
        return IOT_ERR_STATE;
    if (!iot_ask_is_topic(post->topic))
        return IOT_ERR_MQTT_TOPIC;
    w->post = *post;
    w->now_ms = now_ms;
    iot_err err =
        w->token[0] != '\0' && now_ms - w->token_ms < FRESH_MS ? send_post(w, false) : send_auth(w);
    if (err != IOT_OK)
        memset(&w->post, 0, sizeof w->post);
    return err;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The data channel: messages for a token, a token for a signature. Protocol: Alibaba Cloud IoT platform, HTTPS upload
 * channel.
 *
 *     iot_web_post -token is fresh-> POST /topic -answered-> result
 *           \-> POST /auth -token-> ^       \-does not know it, once-> POST /auth
 */
#include "link/iot_link_web.h"

#if IOT_FEATURE_WEB

#include "link/iot_link_sign.h"

#include <string.h>

#define CODE_OK       0u
#define TOKEN_EXPIRED 20001
#define TOKEN_UNKNOWN 20003
#define HOST          "iot-as-http.cn-shanghai.aliyuncs.com"
#define FRESH_MS      (47u * 3600000u) /* of the 48 hours that it lives */
#define TOPIC_MAX     128u
#define TOPIC_CHARS   (IOT_CHAR_DIGIT | IOT_CHAR_LETTER | IOT_CHAR_DASH | IOT_CHAR_NAME)

static const char *const data_host[] = {HOST, NULL};

static iot_err send_auth(struct iot_web *w);

/* ---- A reply in Base64 (RFC 4648) ----------------------------------------------------------- */

/* Below 64; 64: none of its letters. */
static uint32_t value_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* A string as it lies in the JSON: a '/' may be escaped, and nothing else needs to be. */
static iot_err decode(struct iot_json v, uint8_t *into, uint32_t cap, uint32_t *len)
{
    uint32_t bits = 0, have = 0, letters = 0, pads = 0, n = 0;

    if (iot_json_kind(v) != IOT_JSON_STRING)
        return IOT_ERR_JSON_TYPE;
    for (uint32_t i = 1; i + 1 < v.len; i++) {
        if (v.ptr[i] == '\\' && v.ptr[i + 1] == '/')
            i++;
        letters++;
        if (v.ptr[i] == '=') {
            pads++;
            continue;
        }
        uint32_t value = value_of(v.ptr[i]);
        if (value == 64 || pads != 0)
            return IOT_ERR_JSON_TYPE;
        bits = bits << 6 | value;
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        if (n == cap)
            return IOT_ERR_SIZE;
        into[n++] = (uint8_t)(bits >> have);
        bits &= (1u << have) - 1;
    }
    if (letters % 4 != 0 || pads > 2 || bits != 0)
        return IOT_ERR_JSON_TYPE;
    *len = n;
    return IOT_OK;
}

/* ---- Messages ------------------------------------------------------------------------------ */

static iot_err take_reply(struct iot_web *w, struct iot_json root)
{
    struct iot_json info, data;

    if (w->post.reply == NULL || iot_json_get(root, "info", &info) != IOT_OK ||
        iot_json_get(info, "data", &data) != IOT_OK || iot_json_kind(data) == IOT_JSON_NULL)
        return IOT_OK;
    return decode(data, w->post.reply, w->post.reply_bytes, &w->reply_len);
}

static iot_err take_post(struct iot_web *w, struct iot_json root, int32_t *detail)
{
    bool refused = iot_json_kind(root) == IOT_JSON_NONE; /* by its status alone */
    iot_err err = refused ? IOT_ERR_HTTP_STATUS : iot_web_code(root, CODE_OK, detail);

    if (err == IOT_OK)
        return take_reply(w, root);
    if (refused ||
        (err == IOT_ERR_LINK_CODE && (*detail == TOKEN_EXPIRED || *detail == TOKEN_UNKNOWN))) {
        w->token[0] = '\0'; /* the next message asks for another in any case */
        if (!w->renewed)
            return send_auth(w);
    }
    return err;
}

static iot_err send_post(struct iot_web *w)
{
    struct iot_writer t;

    iot_web_reopen(w, &t, w->opt->data, data_host, "/topic");
    iot_writer_text(&t, w->post.topic);
    iot_writer_put(&t, "", 1);
    uint32_t headers = t.len;
    iot_writer_text(&t, "Content-Type: application/octet-stream\r\npassword: ");
    iot_writer_text(&t, w->token);
    iot_writer_put(&t, "\r\n", 3);
    iot_err err = iot_web_send(w, &t, headers, t.len, &w->post.payload, IOT_WEB_POST, take_post);
    w->renews = err == IOT_OK;
    return err;
}

/* ---- Tokens -------------------------------------------------------------------------------- */

static iot_err take_token(struct iot_web *w, struct iot_json root, int32_t *detail)
{
    struct iot_json info, v;
    iot_err err = iot_web_code(root, CODE_OK, detail);

    if (err == IOT_OK)
        err = iot_json_get(root, "info", &info);
    if (err == IOT_OK)
        err = iot_json_get(info, "token", &v);
    if (err == IOT_OK)
        err = iot_json_text(v, w->token, sizeof w->token, NULL);
    /* it becomes a line of a header */
    if (err == IOT_ERR_SIZE || (err == IOT_OK && !iot_link_is_text(w->token, 1, IOT_WEB_TOKEN_MAX,
                                                                   IOT_CHAR_PLAIN | IOT_CHAR_LIST)))
        err = IOT_ERR_JSON_RANGE;
    if (err != IOT_OK) {
        w->token[0] = '\0';
        return err;
    }
    w->token_ms = w->now_ms;
    w->renewed = true;
    return send_post(w);
}

/* Milliseconds, if the port knows them: the platform takes a date of the last quarter of an hour, or none. */
static const char *write_stamp(const struct iot_web *w, char stamp[16])
{
    const struct iot_port *port = w->opt->port;
    struct iot_writer t = {.ptr = (uint8_t *)stamp, .cap = 15};
    int64_t wall;

    if (port->wall == NULL || port->wall(port->ctx, &wall) != IOT_OK || wall <= 0 ||
        wall > UINT32_MAX)
        return NULL;
    iot_writer_u32(&t, (uint32_t)wall);
    iot_writer_text(&t, "000");
    stamp[t.len] = '\0';
    return stamp;
}

static void put_member(struct iot_writer *t, const char *name, const char *value)
{
    iot_writer_text(t, name);
    iot_json_put_text(t, value);
}

static iot_err send_auth(struct iot_web *w)
{
    static const char line[] = "Content-Type: application/json\r\n";
    const struct iot_link_identity *id = w->opt->link;
    char sign[2 * IOT_DIGEST_BYTES_MAX + 1], room[16], cid[65];
    struct iot_writer t, c = {.ptr = (uint8_t *)cid, .cap = sizeof cid - 1};
    const char *stamp = write_stamp(w, room);

    iot_web_reopen(w, &t, w->opt->data, data_host, "/auth");
    iot_writer_put(&t, "", 1);
    uint32_t headers = t.len;
    iot_writer_put(&t, line, sizeof line);
    uint32_t body = t.len;
    iot_web_put_cid(&c, id, false);
    cid[c.len] = '\0';
    put_member(&t, "{\"version\":\"default\",\"clientId\":", cid);
    put_member(&t, ",\"signmethod\":", iot_link_method_name(id->method));
    put_member(&t, ",\"productKey\":", id->product_key);
    put_member(&t, ",\"deviceName\":", id->device_name);
    if (stamp != NULL)
        put_member(&t, ",\"timestamp\":", stamp);
    iot_err err = iot_web_sign(w, &t, stamp, sign);
    if (err != IOT_OK)
        return err;
    put_member(&t, ",\"sign\":", sign);
    iot_writer_text(&t, "}");
    return iot_web_send(w, &t, headers, body, NULL, IOT_WEB_POST, take_token);
}

iot_err iot_web_post(struct iot_web *w, const struct iot_web_post *post, uint32_t now_ms)
{
    if (w->call != IOT_WEB_NONE)
        return IOT_ERR_STATE;
    if (post->topic[0] != '/')
        return IOT_ERR_MQTT_TOPIC;
    for (const char *c = post->topic; *c != '\0'; c++) {
        const char one[2] = {*c, '\0'};
        if (c - post->topic == (ptrdiff_t)TOPIC_MAX ||
            (*c != '/' && !iot_link_is_text(one, 1, 1, TOPIC_CHARS)))
            return IOT_ERR_MQTT_TOPIC;
    }
    w->post = *post;
    w->now_ms = now_ms;
    w->renewed = false;
    iot_err err =
        w->token[0] != '\0' && now_ms - w->token_ms < FRESH_MS ? send_post(w) : send_auth(w);
    if (err != IOT_OK)
        memset(&w->post, 0, sizeof w->post);
    return err;
}

#endif

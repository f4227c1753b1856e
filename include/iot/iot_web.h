/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_web.h
 * What the Alibaba Cloud IoT platform offers a device by HTTPS: registration, pre-authentication, bootstrap, and the data
 * channel, for devices that speak no MQTT. Each is a call that starts a request on an HTTP client (iot_http.h), and ends
 * in on_result, exactly once.
 *
 *     static struct iot_web web;                   from iot_static.h, as its HTTP client `http`
 *     iot_web_init(&web, &web_options);
 *     iot_web_bootstrap(&web, IOT_WEB_GLOBAL);     ... on_result from iot_poll(&lamp, ...)
 *     iot_device_connect(&lamp);                   whose on_credentials is one line: iot_web_credentials(&web, c)
 *
 * Registration   one secret per product, as iot_register.h, by HTTPS instead of MQTT. The secret is in the port's kv, under
 *                the same key, when on_result says so: each login of MQTT finds it there.
 * Pre-login      gives host, port, user name and password of the older kind of MQTT login, for the next connects.
 * Bootstrap      gives host and port of the region that the platform wants the device in. At the first start, and again
 *                after IOT_NOTICE_BOOTSTRAP (iot_cloud.h): call it there, and when its result is in, close the device and
 *                connect it anew.
 * Data channel   messages up, and what the platform answers to each. The token that it wants is fetched by itself, renewed
 *                before its 48 hours end, and when the platform does not know it any more, once per message.
 *
 * Only https is spoken; certificates are judged as the HTTP client's TLS options say. Secrets, signatures and tokens are
 * never logged, and wiped as soon as they have served; kept are the token of the data channel and of pre-authentication,
 * until the next or iot_web_forget.
 *
 * Errors of a result, with their detail:
 *
 *     LINK_REGISTER   registration refused, LINK_CODE: another request; the platform's code
 *     HTTP_STATUS     the server's
 *     JSON_...        what it answers is not what it should be; LINK_REPLY: it is for another device
 *     SIZE            the answer is longer than the work memory, or the reply than its buffer
 *     KV, RANDOM      the port's, or what `sign` says
 *     others          the connection's: HTTP_..., TLS_..., TCP_..., DNS_...; CLOSED
 */
#ifndef IOT_WEB_H
#define IOT_WEB_H

#include "iot/iot_device.h"
#include "iot/iot_http.h"
#include "iot/iot_link.h"
#include "iot/iot_port.h"

#ifdef __cplusplus
extern "C" {
#endif

#if IOT_FEATURE_WEB

struct iot_web; /* complete in iot_static.h */

enum iot_web_call {
    IOT_WEB_NONE,
    IOT_WEB_REGISTER,
    IOT_WEB_LOGIN,
    IOT_WEB_BOOTSTRAP,
    IOT_WEB_POST,
};

/** How a call ended; valid until return. */
struct iot_web_result {
    enum iot_web_call call;
    iot_err err;
    int32_t detail; /* of err; iot_err_detail_name knows the platform's codes */
    struct iot_bytes
        reply; /* IOT_WEB_POST: what the platform answered, in the caller's buffer; len 0: nothing */
    /** What to do about it. 0: it went well; IOT_MS_NEVER: the same again would end the same, something has to be put
     *  right first; else to be tried again, after so many ms: longer each time, and a minute at least when the platform
     *  says that we ask too often. */
    uint32_t retry_ms;
};

/** Everything is borrowed as long as it is used; const in flash is fine. */
struct iot_web_options {
    struct iot_http *http;                /* no request of others while one of ours is under way */
    const struct iot_link_identity *link; /* with names; a secret, `sign` or a registration */
    const struct iot_port *port;          /* random and kv, of an identity with a registration */
    /** Memory for a request and its answer, together. 1024 bytes serve all; a POST whose answer is long wants more: 500
     *  and four bytes for three of the answer. */
    uint8_t *work;
    uint32_t work_bytes;
    /** Other servers, as "https://127.0.0.1:8443"; NULL: iot-auth.{region}.aliyuncs.com,
     *  iot-auth-global.aliyuncs.com, iot-as-http.cn-shanghai.aliyuncs.com. */
    const char *auth, *global, *data;
    /** The last thing that we do: the next call may be begun in there. Called from iot_poll. */
    void (*on_result)(void *ctx, struct iot_web *web, const struct iot_web_result *result);
    void *ctx;
};

/** IOT_OK; IOT_ERR_ARG: an identity without names, or that iot_device_init would refuse; a server that is not https. */
iot_err iot_web_init(struct iot_web *web, const struct iot_web_options *options);

/* Calls. All return IOT_OK: on_result will be called; IOT_ERR_STATE: one is under way; IOT_ERR_AGAIN: `sign`, the kv or
 * random are not ready, call again in a later tick; IOT_ERR_SIZE: the work memory is too small for the request;
 * IOT_ERR_ARG; IOT_ERR_KV, IOT_ERR_RANDOM, or what `sign` says; and as iot_http_start. Then nothing was begun. */

#if IOT_FEATURE_REGISTER
/** Fetch the device's secret, of an identity with a registration of kind IOT_REGISTER_SECRET, and store it. A secret that
 *  is there already is replaced. Source: dynamic registration by HTTPS. */
iot_err iot_web_register(struct iot_web *web);
#endif

/** Pre-authenticate: ask where to connect, and with what user name and password. If it is refused, what was known before
 *  is kept; an answer that lacks something leaves nothing. Source: auth mode. */
iot_err iot_web_login(struct iot_web *web);

enum iot_web_where {
    IOT_WEB_GLOBAL,    /* asked of the global server: it looks where the device is */
    IOT_WEB_REGION,    /* ... of the region's own */
    IOT_WEB_REGION_ID, /* ... of the global server, for the identity's region */
};

/** Ask where to connect; as iot_web_login, whose user name and password are forgotten with it. Source: dynamic region. */
iot_err iot_web_bootstrap(struct iot_web *web, enum iot_web_where where);

/** For on_credentials: host and port of the last result, if there was one; of pre-authentication also client id, user name
 *  and password (for TLS: the platform takes them there only). They live in `web` until the next result: connect
 *  afterwards, not meanwhile. Always IOT_OK. */
iot_err iot_web_credentials(const struct iot_web *web, struct iot_credentials *c);

/** A message of the data channel; what is pointed to is borrowed until on_result. */
struct iot_web_post {
    const char *
        topic; /* "/sys/{pk}/{dn}/thing/event/property/post": with its '/', as in MQTT; at most 128 bytes */
    struct iot_bytes payload; /* any bytes */
    uint8_t *reply;           /* for what is answered; NULL: not wanted */
    uint32_t reply_bytes;
};

/**
 * Send a message up. A device may send what it may publish by MQTT.
 *
 * now_ms   as iot_poll's; tells the age of the token.
 * Returns  also IOT_ERR_MQTT_TOPIC. Result: IOT_OK, the platform has it. If the outcome is another, it may have it.
 * Source   HTTPS upload channel; its codes, in LINK_CODE: 10000 common error, 20004 session, 30001 publish failed,
 *          40000 too many: again later (retry_ms); 10001 parameters, 20000 authentication, 20002: to be put right.
 */
iot_err iot_web_post(struct iot_web *web, const struct iot_web_post *post, uint32_t now_ms);

/** End what is under way: on_result with IOT_ERR_CLOSED in the next tick. IOT_ERR_STATE: nothing is. */
iot_err iot_web_cancel(struct iot_web *web);

/** Forget where to connect, and all tokens. Not while a call is under way: IOT_ERR_STATE. */
iot_err iot_web_forget(struct iot_web *web);

#endif

#ifdef __cplusplus
}
#endif
#endif

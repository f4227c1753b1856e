/* SPDX-License-Identifier: Apache-2.0 */
/* What the platform does by HTTPS: what its calls share. One request at a time: it is written into the work memory, with
 * a NUL behind each text,
 *
 *     URL | header lines | body | answer, as it comes
 *     work                      ^ used       ^ used + got
 *
 * handed to the HTTP client, and its answer read by who began it (`take`). So a call that nobody makes is not linked.
 *
 * Texts of requests are templates: iot_link_ask.h. */
#ifndef IOT_LINK_WEB_H
#define IOT_LINK_WEB_H

#include "iot/iot_web.h"
#include "link/iot_link_ask.h"

#if IOT_FEATURE_WEB

#define IOT_WEB_PASS_MAX 64 /* iotId, iotToken */

/* {cid}|securemode=-1,signmethod=hmacsha256,gw=0,ext=255| */
#define IOT_WEB_CLIENT_MAX (64 + 56)

/* Reads a good answer. Returns how the call ends, unless it goes on with another request (iot_web_ask); IOT_ERR_AGAIN, if
 * it is `eager`: not ready. */
typedef iot_err (*iot_web_take)(struct iot_web *w, struct iot_json root);

/* A request. Templates, but for key and value. */
struct iot_web_ask {
    const char *base, *host, *path; /* the URL: base, or without one host; and path */
    const char *headers;            /* NULL: GET, and the body is the rest of the URL */
    const char *body, *more;        /* in two parts; NULL: post.payload */
    const char *text;               /* what is signed; NULL: nothing */
    const char *key;                /* signs; NULL: the device's secret does */
    const char *value;
    uint8_t call; /* of enum iot_web_call */
    iot_web_take take;
};

struct iot_web {
    const struct iot_web_options *opt;
    uint8_t call; /* of enum iot_web_call */
    bool
        eager; /* the answer is taken as soon as it is whole, and if need be again in a later tick */
    bool taken;    /* ... and was: `outcome` is how it ends, whatever becomes of the connection */
    bool inside;   /* of a call: it may go on */
    bool begun;    /* a request, since the last one ended */
    uint8_t fails; /* in a row */
    uint8_t client_len;
    uint16_t status;
    uint16_t port; /* 0: nobody said where to connect */
    uint32_t used, got;
    iot_web_take take;
    iot_err (*renew)(
        struct iot_web *w); /* the platform does not know the token; NULL: so it ends */
    iot_err outcome;
    int32_t outcome_detail;
    struct iot_web_post post;
    uint32_t reply_len;
    uint32_t now_ms, token_ms; /* when the message was given; when the token was asked for */
    char host[IOT_LINK_HOST_MAX + 1];
    char client[IOT_WEB_CLIENT_MAX];
    char pass_id[IOT_WEB_PASS_MAX + 1], pass[IOT_WEB_PASS_MAX + 1]; /* "": none */
    char token[IOT_ASK_TOKEN_MAX + 1];                              /* "": none */
};

/** Write, sign and send. IOT_OK: its `take`, or on_result, will be called. */
iot_err iot_web_ask(struct iot_web *w, const struct iot_web_ask *q);

extern const char iot_web_form_headers[];
#define IOT_WEB_AUTH_HOST "https://iot-auth." IOT_ASK_PLACE ".aliyuncs.com"

#endif
#endif

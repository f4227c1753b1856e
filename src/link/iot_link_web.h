/* SPDX-License-Identifier: Apache-2.0 */
/* What the platform does by HTTPS: what its calls share. One request at a time: it is written into the work memory, with
 * a NUL behind each text,
 *
 *     URL | header lines | body | answer, as it comes
 *     work                      ^ used       ^ used + got
 *
 * handed to the HTTP client, and its answer read by who began it (`take`). So a call that nobody makes is not linked.
 *
 * Texts of requests are templates, in which a character below ' ' stands for a value of the identity or of the request
 * (but for CR and LF, which are themselves). */
#ifndef IOT_LINK_WEB_H
#define IOT_LINK_WEB_H

#include "iot/iot_json.h"
#include "iot/iot_web.h"

#if IOT_FEATURE_WEB

#define IOT_WEB_PASS_MAX  64  /* iotId, iotToken */
#define IOT_WEB_TOKEN_MAX 192 /* of the data channel */

/* {cid}|securemode=-1,signmethod=hmacsha256,gw=0,ext=255| */
#define IOT_WEB_CLIENT_MAX (64 + 56)

#define IOT_ASK_PK     "\1"
#define IOT_ASK_DN     "\2"
#define IOT_ASK_CID    "\3" /* the client id's name: the identity's, or {pk}.{dn} */
#define IOT_ASK_METHOD "\4"
#define IOT_ASK_PLACE  "\5" /* the region */
#define IOT_ASK_OURS   5u   /* these are escaped where they stand */
#define IOT_ASK_SIGN   "\6"
#define IOT_ASK_VALUE  "\7"  /* the request's own */
#define IOT_ASK_TOPIC  "\10" /* the message's */
#define IOT_ASK_VALUES 8u

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
    char token[IOT_WEB_TOKEN_MAX + 1];                              /* "": none */
};

/** Write, sign and send. IOT_OK: its `take`, or on_result, will be called. */
iot_err iot_web_ask(struct iot_web *w, const struct iot_web_ask *q);

/** A template as it is, for other purposes. */
void iot_web_put(const struct iot_web *w, struct iot_writer *t, const char *text);

/** A member of members: `path` is names with a NUL behind each, and another at the end. */
iot_err iot_web_find(struct iot_json v, const char *path, struct iot_json *out);

/** The same, a number, also as text. */
iot_err iot_web_number(struct iot_json v, const char *path, uint32_t *out);

/** The same, a text that is not empty and fits; else IOT_ERR_JSON_RANGE. */
iot_err iot_web_text(struct iot_json v, const char *path, char *into, uint32_t cap);

/** What a device signs, and may put a timestamp behind. */
#define IOT_ASK_SIGNED "clientId" IOT_ASK_CID "deviceName" IOT_ASK_DN "productKey" IOT_ASK_PK

extern const char iot_web_form_headers[];
#define IOT_WEB_AUTH_HOST "https://iot-auth." IOT_ASK_PLACE ".aliyuncs.com"

#endif
#endif

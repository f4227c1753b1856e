/* SPDX-License-Identifier: Apache-2.0 */
/* What the platform does by HTTPS: what its calls share. One request at a time: it is written into the work memory, with
 * a NUL behind each text,
 *
 *     URL | header lines | body                 | answer, as it comes
 *     work                                      ^ used       ^ used + got
 *
 * handed to the HTTP client, and its answer read by who began it (`take`). So a call that nobody makes is not linked. */
#ifndef IOT_LINK_WEB_H
#define IOT_LINK_WEB_H

#include "iot/iot_json.h"
#include "iot/iot_web.h"

#if IOT_FEATURE_WEB

#include "crypto/iot_crypto_digest.h"

#define IOT_WEB_PASS_MAX  64  /* iotId, iotToken */
#define IOT_WEB_TOKEN_MAX 192 /* of the data channel */

/* {cid}|securemode=-1,signmethod=hmacsha256,gw=0,ext=255| */
#define IOT_WEB_CLIENT_MAX (64 + 56)

/* Reads an answer; `root` is empty if its status alone says something (see `renews`). Returns how the call ended, unless
 * it goes on with another request (iot_web_send); IOT_ERR_AGAIN, if `eager`: not ready. */
typedef iot_err (*iot_web_take)(struct iot_web *w, struct iot_json root, int32_t *detail);

struct iot_web {
    const struct iot_web_options *opt;
    uint8_t call; /* of enum iot_web_call */
    bool
        eager; /* the answer is taken as soon as it is whole, and if need be again in a later tick */
    bool taken;    /* ... and was: `outcome` is how it ends, whatever becomes of the connection */
    bool renews;   /* status 400 is for `take`: the platform does not like the token */
    bool renewed;  /* the token, for this message */
    bool begun;    /* a request, since the last one ended */
    uint8_t fails; /* in a row */
    uint16_t status;
    uint16_t port; /* 0: nobody said where to connect */
    uint32_t used, got;
    iot_web_take take;
    iot_err outcome;
    int32_t outcome_detail;
    struct iot_web_post post;
    uint32_t reply_len;
    uint32_t now_ms, token_ms; /* when the message was given; when the token was asked for */
    uint8_t client_len;
    char host[IOT_LINK_HOST_MAX + 1];
    char client[IOT_WEB_CLIENT_MAX];
    char pass_id[IOT_WEB_PASS_MAX + 1], pass[IOT_WEB_PASS_MAX + 1]; /* "": none */
    char token[IOT_WEB_TOKEN_MAX + 1];                              /* "": none */
};

/** A request begins: its URL is `base`, or "https://" and the texts of the list (NULL ends it), and `path`. IOT_ERR_STATE:
 *  a call is under way. */
iot_err iot_web_open(const struct iot_web *w, struct iot_writer *t, const char *base,
                     const char *const *host, const char *path);

/** The same within a call, from its `take`. */
void iot_web_reopen(const struct iot_web *w, struct iot_writer *t, const char *base,
                    const char *const *host, const char *path);

/** A field of a form, with '&' before it but for the first (`name` as "productKey="). */
void iot_web_field(struct iot_writer *t, const char *name, const char *value);

/** The fields productKey and deviceName, with which each form begins. */
void iot_web_names(struct iot_writer *t, const struct iot_link_identity *id);

/** `{pk}.{dn}`, or the identity's own; escaped as a form wants it, or not. */
void iot_web_put_cid(struct iot_writer *t, const struct iot_link_identity *id, bool form);

/** The device's signature over client id, names and `stamp` (NULL: none), as HEX. What is behind t->len serves as
 *  scratch. */
iot_err iot_web_sign(struct iot_web *w, const struct iot_writer *t, const char *stamp,
                     char hex[2 * IOT_DIGEST_BYTES_MAX + 1]);

/** Let it go: `headers` and `body` are where in `t` those begin, or 0 for a GET; `payload` is instead of a body. */
iot_err iot_web_send(struct iot_web *w, const struct iot_writer *t, uint32_t headers, uint32_t body,
                     const struct iot_bytes *payload, enum iot_web_call call, iot_web_take take);

/** As iot_web_send of a form that begins at `body`. */
iot_err iot_web_send_form(struct iot_web *w, const struct iot_writer *t, uint32_t body,
                          enum iot_web_call call, iot_web_take take);

/** NUL and the header line of a form. Returns where the body begins. */
uint32_t iot_web_form(struct iot_writer *t);

/** Is `code` the good one? Else IOT_ERR_LINK_CODE, and it is the detail. */
iot_err iot_web_code(struct iot_json root, uint32_t good, int32_t *detail);

/** data.resources.mqtt, into `w`. */
iot_err iot_web_take_resources(struct iot_web *w, struct iot_json data);

/** The region's server of authentication, as a list for iot_web_open. */
void iot_web_auth_host(const struct iot_web *w, const char *host[4]);

#endif
#endif

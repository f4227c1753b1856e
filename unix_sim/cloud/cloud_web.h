/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_web.h
 * What the platform does by HTTP, without the HTTP: a request comes in as what of it matters, an answer goes out as
 * what a front has to send. Paths (protocol 1.5, 1.6, 3.1, 6.6, 9):
 *
 *     POST /auth/devicename                  pre-authentication: iotId, iotToken, MQTT host and port
 *     POST /auth/bootstrap                   MQTT host and port
 *     GET  /auth/bootstrap/regionId/REGION   the same, of a region
 *     POST /auth/register/device             registration: the device's secret
 *     POST /auth                             data channel: a token
 *     POST /topic/PATH                       data channel: a message
 *     GET, HEAD /fw/NAME, /cfg/NAME          files; see cloud_store.h
 *
 * Over http:// there are the files alone. Faults, by options: http-delay-ms, http-status, http-cut, http-slow,
 * http-norange, http-chunked.
 */
#ifndef CLOUD_WEB_H
#define CLOUD_WEB_H

#include "cloud/cloud_json.h"
#include "cloud/cloud_out.h"

#define CLOUD_WEB_TARGET_MAX 2048
#define CLOUD_WEB_BODY_MAX   (32u * 1024u)

/** A request. Texts end with a NUL; fields of its header that were not there are NULL. */
struct cloud_web_request {
    const char *method; /* "GET" */
    const char *target; /* path and query, as they came */
    bool tls;
    const char *type;     /* Content-Type */
    const char *password; /* the token of the data channel */
    const char *range, *if_range;
    const char *body; /* body_len bytes */
    size_t body_len;  /* a front answers 413 to more than CLOUD_WEB_BODY_MAX */
};

/** An answer; cloud_web_free takes its memory back. */
struct cloud_web_answer {
    unsigned status;
    char type[32];     /* Content-Type; empty: none */
    char etag[40];     /* with its quotes; empty: none */
    char allow[16];    /* Allow, of 405 */
    bool file;         /* of a file: Accept-Ranges */
    bool partial;      /* 206, or 416: Content-Range */
    uint32_t from;     /* 206: the first byte of the whole that is sent */
    uint32_t total;    /* bytes of the whole */
    uint32_t length;   /* of this body, also of HEAD */
    char *body;        /* its bytes, and a NUL behind them; or NULL: */
    char stored[80];   /* ... they are those of this file from `from` on; empty: there is none */
    uint32_t delay_ms; /* send nothing before */
    bool cut;          /* after cut_after bytes of the body the connection ends */
    uint32_t cut_after;
    uint32_t slow; /* bytes in a second; 0: any */
    bool chunked;  /* no Content-Length */
};

/** Always an answer. */
void cloud_web(struct cloud *c, const struct cloud_web_request *q, uint64_t now_ms,
               struct cloud_web_answer *a);

void cloud_web_free(struct cloud_web_answer *a);

/* ---- Among the parts ------------------------------------------------------------------------- */

/** Answer with {"code":N,"message":TEXT}, and with a member beside it unless `data` is NULL, whose reference is taken
 *  over. */
__attribute__((format(printf, 5, 6))) void cloud_web_say(struct cloud_web_answer *a, int code,
                                                         const char *name, json_t *data,
                                                         const char *format, ...);

/**
 * Who says that it is this device, and signs so?
 *
 * seq     its sequence number, digits; empty: none.
 * stamp   its timestamp; empty: none.
 * sign    in hexadecimal.
 * why     out: what is wrong, in words.
 * Returns 200, and `device`; or a code of section 14.3.
 */
int cloud_web_check(const struct cloud *c, const char *key, const char *name, const char *cid,
                    const char *seq, const char *stamp, const char *method, const char *sign,
                    int *device, char *why, size_t cap);

/** The hash of "hmacsha1" and so on; false: of none. */
bool cloud_web_method(const char *name, enum cloud_hash *hash);

/* `path` is what follows the route's own path, `query` what follows '?', or empty. */
void cloud_web_devicename(struct cloud *c, const struct cloud_web_request *q, const char *path,
                          const char *query, uint64_t now_ms, struct cloud_web_answer *a);
void cloud_web_bootstrap(struct cloud *c, const struct cloud_web_request *q, const char *path,
                         const char *query, uint64_t now_ms, struct cloud_web_answer *a);
void cloud_web_register(struct cloud *c, const struct cloud_web_request *q, const char *path,
                        const char *query, uint64_t now_ms, struct cloud_web_answer *a);
void cloud_web_auth(struct cloud *c, const struct cloud_web_request *q, const char *path,
                    const char *query, uint64_t now_ms, struct cloud_web_answer *a);
void cloud_web_topic(struct cloud *c, const struct cloud_web_request *q, const char *path,
                     const char *query, uint64_t now_ms, struct cloud_web_answer *a);

#endif

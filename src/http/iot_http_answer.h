/* SPDX-License-Identifier: Apache-2.0 */
/* What is made of a response: its head is judged, its body handed on, redirects are taken. */
#ifndef IOT_HTTP_ANSWER_H
#define IOT_HTTP_ANSWER_H

#include "http/iot_http_client.h"

#if IOT_FEATURE_HTTP

enum iot_http_answer {
    IOT_HTTP_ANSWER_MORE,  /* it wants more bytes than the window has */
    IOT_HTTP_ANSWER_LATER, /* not in this tick: declined, or cancelled */
    IOT_HTTP_ANSWER_WHOLE, /* the response is whole */
    IOT_HTTP_ANSWER_LEFT,  /* a redirect, and this connection is of no use for it */
    IOT_HTTP_ANSWER_BAD,   /* `*err` ends the request */
};

/** Digest what the window has. `*detail`: beside an error. */
enum iot_http_answer iot_http_answer(struct iot_http *h, iot_err *err, int32_t *detail);

#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: what of them is well-formed, where they go, and their bytes, piece by piece. */
#ifndef IOT_HTTP_ASK_H
#define IOT_HTTP_ASK_H

#include "http/iot_http_client.h"

#if IOT_FEATURE_HTTP

/** IOT_OK; IOT_ERR_ARG, but for the URL: see iot_http_start. */
iot_err iot_http_ask_check(const struct iot_http_request *r);

/** Does `url` lead to where h->url led: scheme, host and port? */
bool iot_http_ask_same(const struct iot_http *h, const struct iot_http_url *url);

/** The next request is for `url`, which iot_http_url_read takes: fills url, at, to. */
void iot_http_ask_url(struct iot_http *h, const char *url);

/** The next piece into the empty window. IOT_OK, rx_len 0: there is no more; IOT_ERR_AGAIN: of the source; its error. */
iot_err iot_http_ask_fill(struct iot_http *h);

#endif
#endif

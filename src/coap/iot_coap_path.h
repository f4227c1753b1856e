/* SPDX-License-Identifier: Apache-2.0 */
/* "/a/b?x=1&y" as Uri-Path and Uri-Query (RFC 7252 6.4), one segment at a time: percent-decoded while it is written. */
#ifndef IOT_COAP_PATH_H
#define IOT_COAP_PATH_H

#include "coap/iot_coap_codec.h"

#if IOT_FEATURE_COAP

/** Is it a path that can be sent? IOT_OK; IOT_ERR_COAP_URI: does not begin with '/' or '?', a '%' without two digits, a
 *  character that a URI does not have, "." or ".." as a segment, a segment of more than 255 bytes. NULL is one without segments. */
iot_err iot_coap_path_check(const char *path);

/** May it stand in a path or a query as it is (RFC 3986 3.3, 3.4)? Also '%', '/', '?', '&', which mean something there. */
bool iot_coap_path_has(uint8_t c);

/** Its Uri-Path options, or its Uri-Query options, at their place among the others. */
void iot_coap_path_put(struct iot_coap_encoder *e, const char *path, uint16_t number);

#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in a string: Base64 (RFC 4648 4). */
#ifndef IOT_JSON_BASE64_H
#define IOT_JSON_BASE64_H

#include "iot/iot_json.h"

#if IOT_FEATURE_JSON

/** The bytes that a string stands for: padded, without bits that are left over. IOT_OK, `*len` of them are in `into`;
 *  IOT_ERR_JSON_TYPE, it is no string or no Base64; IOT_ERR_SIZE, more than `cap`. */
iot_err iot_json_base64(struct iot_json v, uint8_t *into, uint32_t cap, uint32_t *len);

#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IOT_JSON_CHECK_H
#define IOT_JSON_CHECK_H

#include "iot/iot_json.h"

#if IOT_FEATURE_JSON

/** iot_json_check with `count` of the IOT_JSON_TOKENS. The verdict does not depend on it while containers are at most
 *  count - 2 deep; deeper ones are IOT_ERR_JSON_DEPTH. */
iot_err iot_json_check_with(uint32_t count, struct iot_bytes text, struct iot_json *root,
                            uint32_t *offset);

#endif
#endif

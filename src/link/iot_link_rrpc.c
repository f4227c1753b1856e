/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_rrpc.h"

#include "link/iot_link_call.h"
#include "link/iot_link_raw.h"

#include <string.h>

#if IOT_FEATURE_THING || IOT_FEATURE_RAW

iot_err iot_rrpc_take(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest)
{
    iot_err err = iot_call_take_sync(a, msg, IOT_CALL_RRPC, rest, rest);

    return err == IOT_ERR_STATE ? iot_raw_take_rrpc(a, msg) : err;
}

iot_err iot_rrpc_take_ext(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest)
{
    struct iot_bytes token = {rest.ptr, 0};
    iot_err err = IOT_ERR_STATE;

    while (token.len < rest.len && rest.ptr[token.len] != '/')
        token.len++;
    rest = (struct iot_bytes){rest.ptr + token.len, rest.len - token.len};
    bool own = iot_link_skip(&rest, "/sys/") && iot_link_is_own(a, &rest);
    if (own && iot_link_skip(&rest, "/thing/service/"))
        err = iot_call_take_sync(a, msg, IOT_CALL_EXT, token, rest);
    else if (own && iot_link_is(rest, "/thing/model/down_raw"))
        err = iot_raw_take_down(a, msg, rest);
    return err == IOT_ERR_STATE ? iot_raw_take_rrpc(a, msg) : err;
}

#endif

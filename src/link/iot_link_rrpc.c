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

/* Goes over what stands in front; false: something else. */
static bool skip(struct iot_bytes *left, const char *text)
{
    uint32_t n = (uint32_t)strlen(text);

    if (left->len < n || memcmp(left->ptr, text, n) != 0)
        return false;
    left->ptr += n;
    left->len -= n;
    return true;
}

static bool is_own(const struct iot_alink *a, struct iot_bytes *left)
{
    return a->id->product_key != NULL && a->id->device_name != NULL && skip(left, "/sys/") &&
           skip(left, a->id->product_key) && skip(left, "/") && skip(left, a->id->device_name) &&
           skip(left, "/");
}

iot_err iot_rrpc_take_ext(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest)
{
    struct iot_bytes token = {rest.ptr, 0};
    iot_err err = IOT_ERR_STATE;

    while (token.len < rest.len && rest.ptr[token.len] != '/')
        token.len++;
    rest = (struct iot_bytes){rest.ptr + token.len, rest.len - token.len};
    if (is_own(a, &rest) && skip(&rest, "thing/service/"))
        err = iot_call_take_sync(a, msg, IOT_CALL_EXT, token, rest);
    else if (skip(&rest, "thing/model/down_raw") && rest.len == 0)
        err = iot_raw_take_down(a, msg, rest);
    return err == IOT_ERR_STATE ? iot_raw_take_rrpc(a, msg) : err;
}

#endif

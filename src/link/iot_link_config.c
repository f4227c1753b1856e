/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_alink.h"

#include <string.h>

#if IOT_FEATURE_CLOUD

iot_err iot_config_ask(struct iot_device *dev, iot_ticket *ticket)
{
    static const char params[] = "{\"configScope\":\"product\",\"getType\":\"file\"}";

    return iot_alink_request(dev, "thing/config/get", 0,
                             (struct iot_bytes){(const uint8_t *)params, sizeof params - 1},
                             ticket);
}

/* Whatever the case: "Sha256", "Md5". */
static bool is_method(struct iot_bytes text, const char *name)
{
    if (text.len != strlen(name))
        return false;
    for (uint32_t i = 0; i < text.len; i++)
        if ((text.ptr[i] | 0x20) != name[i])
            return false;
    return true;
}

static bool is_hex(struct iot_bytes text)
{
    for (uint32_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i], letter = c | 0x20;
        if (!(c >= '0' && c <= '9') && !(letter >= 'a' && letter <= 'f'))
            return false;
    }
    return true;
}

static iot_err read_sign(struct iot_json data, struct iot_config_info *info)
{
    struct iot_json v;
    struct iot_bytes method;

    iot_err err = iot_alink_get_text(data, "signMethod", &v);
    if (err == IOT_OK)
        err = iot_json_raw_text(v, &method);
    if (err == IOT_OK)
        err = iot_alink_get_text(data, "sign", &v);
    if (err == IOT_OK)
        err = iot_json_raw_text(v, &info->sign);
    if (err != IOT_OK)
        return err == IOT_ERR_STATE ? IOT_ERR_JSON_RANGE : err;
    if (is_method(method, "sha256"))
        info->sign_method = IOT_CONFIG_SIGN_SHA256;
    else if (is_method(method, "md5"))
        info->sign_method = IOT_CONFIG_SIGN_MD5;
    else
        return IOT_ERR_JSON_RANGE;
    uint32_t digits = info->sign_method == IOT_CONFIG_SIGN_MD5 ? 32 : 64;
    return info->sign.len == digits && is_hex(info->sign) ? IOT_OK : IOT_ERR_JSON_RANGE;
}

iot_err iot_config_read(struct iot_json data, struct iot_config_info *info)
{
    struct iot_json size;

    memset(info, 0, sizeof *info);
    iot_err err = iot_alink_get_text(data, "configId", &info->id);
    if (err == IOT_OK)
        err = iot_alink_get_text(data, "url", &info->url);
    if (err == IOT_OK)
        err = iot_json_get(data, "configSize", &size);
    if (err == IOT_OK)
        err = iot_json_u32_text(size, &info->size);
    if (err == IOT_OK && info->size == 0)
        err = IOT_ERR_JSON_RANGE;
    return err == IOT_OK ? read_sign(data, info) : err;
}

iot_err iot_link_take_config(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest)
{
    struct iot_notice notice = {.kind = IOT_NOTICE_CONFIG};
    struct iot_alink_call call;
    struct iot_config_info info;
    (void)rest;

    iot_err err = iot_alink_read(msg, &call);
    if (err == IOT_OK)
        err = iot_config_read(call.params, &info);
    notice.data = call.params;
    return iot_alink_answer_notice(a, &call, err, &notice);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A file of configuration as something to fetch. */
#include "iot/iot_upgrade.h"

#include <string.h>

#if IOT_FEATURE_OTA && IOT_FEATURE_CLOUD && IOT_FEATURE_ALINK

/* iot_config_read has seen that all are hex digits. */
static uint8_t digit(uint8_t c)
{
    return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* Any text of the platform's, into a member of the job. */
static iot_err copy_text(struct iot_json text, char *to, uint32_t cap, iot_err too_long)
{
    iot_err err = iot_json_text(text, to, cap, NULL);

    return err == IOT_ERR_SIZE ? too_long : err;
}

iot_err iot_ota_job_of_config(const struct iot_config_info *info, const char *module,
                              struct iot_ota_job *job)
{
    memset(job, 0, sizeof *job);
    size_t len = strlen(module);
    if (len > IOT_MODULE_MAX)
        return IOT_ERR_OTA_MODULE;
    memcpy(job->module, module, len);
    job->size = info->size;
    job->digest_kind = info->sign_method == IOT_CONFIG_SIGN_MD5 ? IOT_OTA_MD5 : IOT_OTA_SHA256;
    for (uint32_t i = 0; i + 1 < info->sign.len && i / 2 < sizeof job->digest; i += 2)
        job->digest[i / 2] =
            (uint8_t)(digit(info->sign.ptr[i]) << 4 | digit(info->sign.ptr[i + 1]));
    iot_err err = copy_text(info->id, job->version, sizeof job->version, IOT_ERR_OTA_VERSION);
    return err == IOT_OK ? copy_text(info->url, job->url, sizeof job->url, IOT_ERR_HTTP_URL) : err;
}

#endif

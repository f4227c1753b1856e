/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_job.h"

#include "core/iot_core_text.h"
#include "http/iot_http_url.h"
#include "iot/iot_uplink.h"
#include "json/iot_json_base64.h"

#include <string.h>

#if IOT_FEATURE_OTA && IOT_FEATURE_JSON

#define CODE_OFFER 1000

/* A member that is a text, escapes resolved. `lacks`: what its absence is. */
static iot_err get_text(struct iot_json data, const char *name, char *to, uint32_t cap,
                        iot_err lacks, iot_err wrong)
{
    struct iot_json v;

    if (iot_json_get(data, name, &v) != IOT_OK)
        return lacks;
    iot_err err = iot_json_text(v, to, cap, NULL);
    return err == IOT_OK ? IOT_OK : err == IOT_ERR_JSON_TYPE ? IOT_ERR_OTA_JOB : wrong;
}

iot_err iot_link_get_u32(struct iot_json object, const char *name, uint32_t *to)
{
    struct iot_json v;

    iot_err err = iot_json_get(object, name, &v);
    return err == IOT_OK ? iot_json_u32_text(v, to) : err;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Does it begin with `head`, which is lower case, in letters of any? What follows; NULL: it does not. */
static const char *after(const char *text, const char *head)
{
    for (; *head != 0; head++, text++)
        if (lower(*text) != *head)
            return NULL;
    return text;
}

static bool is(const char *text, const char *word)
{
    text = after(text, word);
    return text != NULL && *text == 0;
}

/* ---- Who and what ---------------------------------------------------------------------------- */

static iot_err read_module(struct iot_json data, struct iot_ota_job *job)
{
    iot_err err =
        get_text(data, "module", job->module, sizeof job->module, IOT_OK, IOT_ERR_OTA_MODULE);

    for (const char *c = job->module; *c != 0 && err == IOT_OK; c++) {
        char l = lower(*c);
        /* '-', '.', '/' and the digits follow each other */
        if (!(l >= 'a' && l <= 'z') && !(l >= '-' && l <= '9' && l != '/') && l != '_')
            err = IOT_ERR_OTA_MODULE;
    }
    if (err != IOT_OK || iot_text_is(job->module, "default"))
        job->module[0] = 0;
    return err;
}

static iot_err read_version(struct iot_json data, struct iot_ota_job *job)
{
    iot_err err = get_text(data, "version", job->version, sizeof job->version, IOT_ERR_OTA_JOB,
                           IOT_ERR_OTA_VERSION);
    const char *c = job->version;

    while ((uint8_t)*c >= ' ' && *c != 0x7f)
        c++;
    if (err == IOT_OK && (c == job->version || *c != 0))
        err = IOT_ERR_OTA_VERSION;
    if (err != IOT_OK)
        job->version[0] = 0;
    return err;
}

static iot_err read_size(struct iot_json data, struct iot_ota_job *job)
{
    iot_err err = iot_link_get_u32(data, "size", &job->size);

    if (err == IOT_ERR_JSON_RANGE || (err == IOT_OK && job->size == 0))
        return IOT_ERR_OTA_SIZE;
    return err == IOT_OK ? IOT_OK : IOT_ERR_OTA_JOB;
}

/* ---- Digest and signature -------------------------------------------------------------------- */

static int digit(char c)
{
    char l = lower(c);

    return l >= '0' && l <= '9' ? l - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/* Exactly `n` bytes. */
static bool read_hex(const char *text, uint8_t *to, uint32_t n)
{
    for (uint32_t i = 0; i < 2 * n; i++) {
        int d = digit(text[i]); /* the NUL is none */
        if (d < 0)
            return false;
        to[i / 2] = (uint8_t)(to[i / 2] << 4 | d);
    }
    return text[2 * n] == 0;
}

static iot_err read_digest(struct iot_json data, struct iot_ota_job *job)
{
    char text[2 * sizeof job->digest + 1];
    struct iot_json md5;
    bool has_md5 = iot_json_get(data, "md5", &md5) == IOT_OK;

    /* Older packages have md5 alone; others repeat it beside a sign that says the same. */
    iot_err err = get_text(data, "signMethod", text, sizeof text,
                           has_md5 ? IOT_ERR_JSON_MISSING : IOT_ERR_OTA_METHOD, IOT_ERR_OTA_METHOD);
    bool sha256 = err == IOT_OK && is(text, "sha256");
    if (err != IOT_ERR_JSON_MISSING && !sha256 && (err != IOT_OK || !is(text, "md5")))
        return IOT_ERR_OTA_METHOD;
    bool by_name = err == IOT_OK && (sha256 || iot_json_get(data, "sign", &md5) == IOT_OK);
    err = get_text(data, by_name ? "sign" : "md5", text, sizeof text, IOT_ERR_OTA_DIGEST,
                   IOT_ERR_OTA_DIGEST);
    if (err != IOT_OK)
        return err;
    job->digest_kind = sha256 ? IOT_OTA_SHA256 : IOT_OTA_MD5;
    return read_hex(text, job->digest, sha256 ? 32 : 16) ? IOT_OK : IOT_ERR_OTA_DIGEST;
}

static iot_err read_signature(struct iot_json data, struct iot_ota_job *job)
{
    uint8_t *der = job->signature;
    struct iot_json v;
    uint32_t n;

    if (iot_json_get(data, "digestsign", &v) != IOT_OK)
        return IOT_OK;
    if (iot_json_base64(v, der, sizeof job->signature, &n) != IOT_OK || n < 8 || der[0] != 0x30 ||
        der[1] != n - 2) /* a SEQUENCE, of short length, and nothing behind it */
        return IOT_ERR_OTA_SIGNATURE;
    job->signature_bytes = (uint8_t)n;
    return IOT_OK;
}

/* ---- Where it is ----------------------------------------------------------------------------- */

static iot_err read_source(struct iot_json data, struct iot_ota_job *job)
{
    char way[8] = "https";
    struct iot_http_url url;

    iot_err err = get_text(data, "dProtocol", way, sizeof way, IOT_OK, IOT_ERR_OTA_JOB);
    if (err == IOT_OK && is(way, "mqtt")) {
        job->by_mqtt = true;
        err = iot_link_get_u32(data, "streamId", &job->stream_id);
        if (err == IOT_OK)
            err = iot_link_get_u32(data, "streamFileId", &job->file_id);
        return err == IOT_OK ? IOT_OK : IOT_ERR_OTA_JOB;
    }
    if (err == IOT_OK && !is(way, "https") && !is(way, "http"))
        err = IOT_ERR_OTA_JOB;
    if (err == IOT_OK)
        err = get_text(data, "url", job->url, sizeof job->url, IOT_ERR_OTA_JOB, IOT_ERR_HTTP_URL);
    return err == IOT_OK ? iot_http_url_read(job->url, &url) : err;
}

static iot_err read_rest(struct iot_json data, struct iot_ota_job *job)
{
    struct iot_json v;

    if (iot_json_get(data, "isDiff", &v) == IOT_OK && iot_json_bool(v, &job->is_diff) != IOT_OK)
        return IOT_ERR_OTA_JOB;
    if (iot_json_get(data, "extData", &v) == IOT_OK)
        job->ext = (struct iot_bytes){v.ptr, v.len};
    return IOT_OK;
}

iot_err iot_link_job_read(struct iot_json data, struct iot_ota_job *job)
{
    static iot_err (*const parts[])(struct iot_json, struct iot_ota_job *) = {
        read_module, read_version, read_size, read_digest, read_signature, read_source, read_rest};
    iot_err first = IOT_OK;

    memset(job, 0, sizeof *job);
    for (uint32_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        iot_err err = parts[i](data, job);
        if (first == IOT_OK)
            first = err;
    }
    return first;
}

/* ---- How it comes ----------------------------------------------------------------------------- */

iot_err iot_link_job_offer(struct iot_bytes notice, struct iot_json *data)
{
    struct iot_json root, v;
    uint32_t code;

    *data = (struct iot_json){NULL, 0};
    iot_err err = iot_json_check(notice, &root, NULL);
    if (err == IOT_OK && iot_json_get(root, "data", data) != IOT_OK &&
        iot_json_get(root, "params", &v) == IOT_OK)
        return IOT_OK;
    if (err == IOT_OK)
        err = iot_json_get(root, "code", &v);
    if (err == IOT_OK)
        err = iot_json_u32_text(v, &code);
    if (err == IOT_OK)
        err = iot_json_get(root, "message", &v);
    if (err != IOT_OK)
        return err;
    if (code != CODE_OFFER || !iot_json_is(v, "success"))
        return IOT_ERR_LINK_CODE;
    return iot_json_kind(*data) == IOT_JSON_OBJECT ? IOT_OK
           : data->len == 0                        ? IOT_ERR_JSON_MISSING
                                                   : IOT_ERR_JSON_TYPE;
}

#if IOT_FEATURE_UPLINK
iot_err iot_ota_job_of_notice(struct iot_bytes notice, struct iot_ota_job *job)
{
    struct iot_json data = {NULL, 0};
    iot_err err = notice.len != 0 ? iot_link_job_offer(notice, &data) : IOT_OK;

    if ((err == IOT_OK || err == IOT_ERR_JSON_MISSING) && iot_json_count(data) == 0)
        return IOT_ERR_STATE;
    return err == IOT_OK ? iot_link_job_read(data, job) : err;
}
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "ota/iot_ota_journal.h"

#if IOT_FEATURE_OTA

#include "core/iot_core_assert.h"

#include <string.h>

#define FORM      1u
#define HEAD      40u
#define RECORD    (HEAD + IOT_SLOT_VERSION_MAX + IOT_HTTP_ETAG_MAX)
#define KEY_BYTES 12u

IOT_STATIC_ASSERT(IOT_HTTP_ETAG_MAX <= 255, "lengths are bytes");

/* "ota" and 8 hex digits of FNV-1a: keys have 15 characters at most, names of modules 63. */
static void make_key(const char *module, char key[KEY_BYTES])
{
    uint32_t hash = 2166136261u;

    while (*module != '\0')
        hash = (hash ^ (uint8_t)*module++) * 16777619u;
    memcpy(key, "ota", 3);
    for (int i = 0; i < 8; i++, hash <<= 4)
        key[3 + i] = "0123456789abcdef"[hash >> 28];
    key[KEY_BYTES - 1] = '\0';
}

/* All but the etag. Returns its length. */
static uint32_t make_record(const struct iot_ota_job *job, uint8_t record[RECORD])
{
    uint32_t version = (uint32_t)strlen(job->version);

    memset(record, 0, HEAD);
    record[0] = FORM;
    record[1] = (uint8_t)job->digest_kind;
    record[2] = (uint8_t)version;
    for (int i = 0; i < 4; i++)
        record[4 + i] = (uint8_t)(job->size >> (8 * i));
    memcpy(record + 8, job->digest, job->digest_kind == IOT_OTA_MD5 ? 16 : 32);
    memcpy(record + HEAD, job->version, version);
    return HEAD + version;
}

/* It goes into a header line again. */
static bool is_etag(const uint8_t *text, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (text[i] < 0x21 || text[i] == 0x7f)
            return false;
    return n == 0 || (n >= 2 && text[0] == '"' && text[n - 1] == '"');
}

iot_err iot_ota_journal_read(const struct iot_port *port, const struct iot_ota_job *job,
                             char etag[IOT_HTTP_ETAG_MAX + 1])
{
    uint8_t want[RECORD], is[RECORD];
    char key[KEY_BYTES];
    uint32_t len = 0, n;

    etag[0] = '\0';
    if (port->kv_get == NULL)
        return IOT_ERR_STATE;
    make_key(job->module, key);
    iot_err err = port->kv_get(port->ctx, key, is, sizeof is, &len);
    if (err != IOT_OK)
        return err == IOT_ERR_AGAIN ? err : IOT_ERR_STATE;
    n = make_record(job, want);
    want[3] = len >= HEAD ? is[3] : 0;
    if (len != n + want[3] || want[3] > IOT_HTTP_ETAG_MAX || memcmp(is, want, n) != 0 ||
        !is_etag(is + n, want[3]))
        return IOT_ERR_STATE;
    memcpy(etag, is + n, want[3]);
    etag[want[3]] = '\0';
    return IOT_OK;
}

iot_err iot_ota_journal_write(const struct iot_port *port, const struct iot_ota_job *job,
                              const char *etag)
{
    uint8_t record[RECORD];
    char key[KEY_BYTES];
    uint32_t n, len = (uint32_t)strlen(etag);

    if (port->kv_get == NULL)
        return IOT_OK;
    make_key(job->module, key);
    n = make_record(job, record);
    record[3] = (uint8_t)len;
    memcpy(record + n, etag, len);
    return port->kv_set(port->ctx, key, record, n + len);
}

iot_err iot_ota_journal_forget(const struct iot_port *port, const struct iot_ota_job *job)
{
    char key[KEY_BYTES];

    if (port->kv_get == NULL)
        return IOT_OK;
    make_key(job->module, key);
    return port->kv_del(port->ctx, key) == IOT_ERR_AGAIN ? IOT_ERR_AGAIN : IOT_OK;
}

#endif

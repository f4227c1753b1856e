/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of the server's certificates beside their signatures: mbedTLS looks for a chain; dates and the
 * name are judged here. */
#include "tls/iot_tls_core.h"

#if IOT_FEATURE_TLS

#include "tls/iot_tls_mbedtls.h"

#define DAY_S 86400

static const struct {
    uint32_t flag;
    uint16_t fault;
} table[] = {
    {MBEDTLS_X509_BADCERT_NOT_TRUSTED, IOT_TLS_FAULT_CA},
    {MBEDTLS_X509_BADCERT_CN_MISMATCH, IOT_TLS_FAULT_NAME},
    {MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE |
         MBEDTLS_X509_BADCERT_NS_CERT_TYPE,
     IOT_TLS_FAULT_USAGE},
    {MBEDTLS_X509_BADCERT_BAD_MD, IOT_TLS_FAULT_DIGEST},
    {MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY, IOT_TLS_FAULT_KEY},
    {MBEDTLS_X509_BADCERT_MISSING, IOT_TLS_FAULT_MISSING},
    {MBEDTLS_X509_BADCERT_EXPIRED, IOT_TLS_FAULT_EXPIRED}, /* these two come from below */
    {MBEDTLS_X509_BADCERT_FUTURE, IOT_TLS_FAULT_NOT_YET},
};

uint16_t iot_tls_faults(uint32_t flags)
{
    uint16_t faults = 0;
    if (flags == UINT32_MAX) /* nothing was looked at */
        return IOT_TLS_FAULT_OTHER;
    for (uint32_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if ((flags & table[i].flag) != 0)
            faults |= table[i].fault;
        flags &= ~table[i].flag;
    }
    return flags != 0 ? (uint16_t)(faults | IOT_TLS_FAULT_OTHER) : faults;
}

/* Days since 1970-01-01 of a date in the Gregorian calendar. Years begin in March, so that the leap
 * day is a year's last. */
static int64_t days(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return y * 365 + y / 4 - y / 100 + y / 400 + in_year - 719468;
}

static int64_t seconds(const mbedtls_x509_time *t)
{
    return days(t->year, t->mon, t->day) * DAY_S + t->hour * 3600 + t->min * 60 + t->sec;
}

uint16_t iot_tls_dates(int64_t from_s, int64_t to_s, int64_t now_s)
{
    uint16_t faults = 0;
    if (now_s > to_s)
        faults |= IOT_TLS_FAULT_EXPIRED;
    if (now_s < from_s)
        faults |= IOT_TLS_FAULT_NOT_YET;
    return faults;
}

bool iot_tls_is_time_of(const struct iot_tls_core *t, const mbedtls_x509_crt *crt)
{
    int64_t from_s = seconds(&crt->valid_from), to_s = seconds(&crt->valid_to), now_s;
    return iot_tls_wall(t, &now_s) ? iot_tls_dates(from_s, to_s, now_s) == 0
                                   : t->state->floor_s <= to_s;
}

/* From the authority down to the leaf, depth 0. */
int iot_tls_on_certificate(void *tls, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
    struct iot_tls_core *t = tls;
    int64_t from = seconds(&crt->valid_from), to = seconds(&crt->valid_to), now_s;

    if (!t->judged) {
        t->judged = true;
        t->faults = 0;
        t->valid_from_s = INT64_MIN;
        t->valid_to_s = INT64_MAX;
    }
    if (from > t->valid_from_s)
        t->valid_from_s = from;
    if (to < t->valid_to_s)
        t->valid_to_s = to;
    t->faults |= iot_tls_faults(*flags);
    if (depth != 0)
        return 0;

    if (!iot_tls_is_for(crt, iot_tls_name(t))) {
        t->faults |= IOT_TLS_FAULT_NAME;
        *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    }
    t->doubtful = !iot_tls_wall(t, &now_s);
    /* Without trusted time only the end counts, against what has passed for certain. */
    uint16_t dates =
        iot_tls_dates(t->valid_from_s, t->valid_to_s, t->doubtful ? t->state->floor_s : now_s);
    if (t->doubtful)
        dates &= IOT_TLS_FAULT_EXPIRED;
    t->faults |= dates;
    if (dates & IOT_TLS_FAULT_EXPIRED)
        *flags |= MBEDTLS_X509_BADCERT_EXPIRED;
    if (dates & IOT_TLS_FAULT_NOT_YET)
        *flags |= MBEDTLS_X509_BADCERT_FUTURE;
    return 0;
}

#endif

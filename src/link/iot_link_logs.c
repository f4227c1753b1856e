/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_alink.h"

#if IOT_FEATURE_CLOUD

#define CODE_OK  200
#define CODE_BAD 400

#define DAY_MS        86400000
#define YEAR_10000_MS 253402300800000

/* ---- Time in words ------------------------------------------------------------------------- */

static void put_digits(struct iot_writer *w, uint32_t value, uint32_t count)
{
    char text[4];

    for (uint32_t i = count; i-- != 0; value /= 10)
        text[i] = (char)('0' + value % 10);
    iot_writer_put(w, text, count);
}

/* Years that begin in March, so that the leap day is the last: then months have their lengths by a formula. */
static void put_date(struct iot_writer *w, uint32_t days_since_1970)
{
    uint32_t days = days_since_1970 + 719468; /* since March of the year 0 */
    uint32_t era = days / 146097, of_era = days % 146097;
    uint32_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint32_t of_year = of_era - (365 * year + year / 4 - year / 100);
    uint32_t month = (5 * of_year + 2) / 153; /* 0: March */

    put_digits(w, year + era * 400 + (month >= 10), 4);
    iot_json_put(w, "-");
    put_digits(w, month < 10 ? month + 3 : month - 9, 2);
    iot_json_put(w, "-");
    put_digits(w, of_year - (153 * month + 2) / 5 + 1, 2);
}

static void put_utc(struct iot_writer *w, int64_t unix_ms)
{
    uint32_t ms = (uint32_t)(unix_ms % DAY_MS);

    put_date(w, (uint32_t)(unix_ms / DAY_MS));
    iot_json_put(w, "T");
    put_digits(w, ms / 3600000, 2);
    iot_json_put(w, ":");
    put_digits(w, ms / 60000 % 60, 2);
    iot_json_put(w, ":");
    put_digits(w, ms / 1000 % 60, 2);
    iot_json_put(w, ".");
    put_digits(w, ms % 1000, 3);
    iot_json_put(w, "+0000");
}

/* As it was given, else the present. */
static iot_err time_of(struct iot_alink *a, int64_t given_ms, int64_t *unix_ms)
{
    *unix_ms = given_ms;
    if (given_ms == 0 && iot_link_wall(a, unix_ms) != IOT_OK)
        return IOT_ERR_STATE;
    return *unix_ms < 0 || *unix_ms >= YEAR_10000_MS ? IOT_ERR_ARG : IOT_OK;
}

/* ---- Logs ---------------------------------------------------------------------------------- */

static void put_member(struct iot_writer *w, const char *before, const char *text)
{
    if (text == NULL)
        return;
    iot_json_put(w, before);
    iot_json_put_text(w, text);
}

struct items {
    const struct iot_log_item *items;
    uint32_t count;
    int64_t now_ms; /* for those without a time */
};

static void write_items(struct iot_writer *w, const void *what)
{
    static const char levels[][6] = {"FATAL", "ERROR", "WARN", "INFO", "DEBUG"};
    const struct items *all = what;

    for (uint32_t i = 0; i < all->count; i++) {
        const struct iot_log_item *it = &all->items[i];
        iot_json_put(w, i == 0 ? "[{\"utcTime\":\"" : ",{\"utcTime\":\"");
        put_utc(w, it->unix_ms != 0 ? it->unix_ms : all->now_ms);
        iot_json_put(w, "\",\"logLevel\":\"");
        iot_json_put(w, levels[it->level]);
        put_member(w, "\",\"module\":", it->module);
        put_member(w, ",\"code\":", it->code);
        put_member(w, ",\"traceContext\":", it->trace);
        put_member(w, ",\"logContent\":", it->content);
        iot_json_put(w, "}");
    }
    iot_json_put(w, "]");
}

iot_err iot_log_post(struct iot_device *dev, const struct iot_log_item *items, uint32_t count,
                     iot_ticket *ticket)
{
    struct iot_alink *a = iot_alink_of(dev);
    struct items all = {items, count, 0};

    for (uint32_t i = 0; i < count; i++) {
        const struct iot_log_item *it = &items[i];
        int64_t unix_ms;
        if ((uint32_t)it->level > IOT_LOG_WORD_DEBUG || it->module == NULL || it->content == NULL)
            return IOT_ERR_ARG;
        iot_err err = time_of(a, it->unix_ms, &unix_ms);
        if (err != IOT_OK)
            return err;
        if (it->unix_ms == 0)
            all.now_ms = unix_ms;
    }
    if (count == 0)
        return IOT_ERR_ARG;
    return iot_alink_ask_words(a, "thing/log/post", 0, write_items, &all, ticket);
}

iot_err iot_log_ask(struct iot_device *dev, iot_ticket *ticket)
{
    static const char params[] = "{\"configScope\":\"device\",\"getType\":\"content\"}";

    return iot_alink_request(dev, "thing/config/log/get", 0,
                             (struct iot_bytes){(const uint8_t *)params, sizeof params - 1},
                             ticket);
}

iot_err iot_log_read(struct iot_json data, int32_t *mode)
{
    struct iot_json v;
    int32_t value;

    iot_err err = iot_json_get(data, "content", &v);
    if (err == IOT_OK)
        err = iot_json_get(v, "mode", &v);
    if (err == IOT_OK)
        err = iot_json_i32(v, &value);
    if (err != IOT_OK)
        return err;
    if (value != 0 && value != 1)
        return IOT_ERR_JSON_RANGE;
    *mode = value;
    return IOT_OK;
}

iot_err iot_link_take_log(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest)
{
    struct iot_notice notice = {.kind = IOT_NOTICE_LOG};
    struct iot_alink_call call;
    (void)rest;

    iot_err err = iot_alink_read(msg, &call);
    if (err != IOT_OK)
        return iot_alink_drop(a, msg, err);
    err = iot_log_read(call.params, &notice.code);
    iot_err answered = iot_alink_answer(a, &call, err == IOT_OK ? CODE_OK : CODE_BAD);
    if (answered != IOT_OK)
        return answered;
    if (err != IOT_OK)
        return iot_alink_drop(a, msg, err);
    iot_alink_notice(a, &notice);
    return IOT_OK;
}

/* ---- Diagnosis ----------------------------------------------------------------------------- */

static void put_hex(struct iot_writer *w, uint8_t value)
{
    static const char hex[] = "0123456789abcdef";
    char text[3] = {hex[value >> 4], hex[value & 15], ','};

    iot_writer_put(w, text, sizeof text);
}

struct diag {
    const struct iot_diag *d;
    int64_t unix_ms;
};

static void write_diag(struct iot_writer *w, const void *what)
{
    const struct diag *all = what;
    const struct iot_diag *d = all->d;

    iot_json_put(w, "{\"model\":\"format=simple|quantity=single|time=now\",\"p\":{\"wifi\":{"
                    "\"rssi\":");
    iot_json_put_i32(w, d->rssi);
    iot_json_put(w, ",\"snr\":");
    iot_json_put_i32(w, d->snr);
    iot_json_put(w, ",\"per\":");
    iot_json_put_i32(w, d->per);
    for (uint32_t i = 0; i < d->error_count && !w->overflow; i++) {
        iot_json_put(w, i == 0 ? ",\"err_stats\":\"" : ";");
        put_hex(w, d->errors[i].type);
        put_hex(w, d->errors[i].code);
        iot_writer_u32(w, d->errors[i].count);
    }
    iot_json_put(w, d->error_count != 0 ? "\"},\"_time\":" : "},\"_time\":");
    iot_json_put_i64(w, all->unix_ms);
    iot_json_put(w, "}}");
}

iot_err iot_diag_post(struct iot_device *dev, const struct iot_diag *d, iot_ticket *ticket)
{
    struct diag all = {d, 0};

    iot_err err = time_of(iot_alink_of(dev), d->unix_ms, &all.unix_ms);
    if (err != IOT_OK)
        return err;
    return iot_alink_ask_words(iot_alink_of(dev), "_thing/diag/post", 0, write_diag, &all, ticket);
}

#endif

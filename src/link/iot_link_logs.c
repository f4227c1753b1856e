/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_alink.h"

#if IOT_FEATURE_CLOUD

#define YEAR_2100_MS 4102444800000

/* ---- Time in words ------------------------------------------------------------------------- */

static void set_digits(char *at, uint32_t count, uint32_t value)
{
    for (; count-- != 0; value /= 10)
        at[count] = (char)('0' + value % 10);
}

/* Of a month since January 1970, to 2099: every fourth year is a leap year. */
static uint32_t days_of(uint32_t month)
{
    uint32_t of_year = month % 12;

    return of_year == 1 ? 28 + (month / 12 % 4 == 2) : 31 - (of_year % 7 & 1);
}

static void put_utc(struct iot_writer *w, int64_t unix_ms)
{
    static const struct {
        uint8_t at, count;
        uint16_t radix;
    } parts[] = {{20, 3, 1000}, {17, 2, 60}, {14, 2, 60}, {11, 2, 24}};
    char text[] = "yyyy-mm-ddThh:mm:ss.mmm+0000";
    uint64_t left = (uint64_t)unix_ms;

    for (uint32_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        set_digits(text + parts[i].at, parts[i].count, (uint32_t)(left % parts[i].radix));
        left /= parts[i].radix;
    }
    uint32_t days = (uint32_t)left, month = 0;
    for (; days >= days_of(month); month++)
        days -= days_of(month);
    set_digits(text, 4, 1970 + month / 12);
    set_digits(text + 5, 2, month % 12 + 1);
    set_digits(text + 8, 2, days + 1);
    iot_writer_put(w, text, sizeof text - 1);
}

/* As it was given, else the present. */
static iot_err time_of(struct iot_alink *a, int64_t given_ms, int64_t *unix_ms)
{
    *unix_ms = given_ms;
    if (given_ms == 0 && iot_link_wall(a, unix_ms) != IOT_OK)
        return IOT_ERR_STATE;
    return *unix_ms < 0 || *unix_ms >= YEAR_2100_MS ? IOT_ERR_ARG : IOT_OK;
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
    if (err == IOT_OK)
        err = iot_log_read(call.params, &notice.code);
    return iot_alink_answer_notice(a, &call, err, &notice);
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

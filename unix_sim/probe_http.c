/* SPDX-License-Identifier: Apache-2.0 */
#include "probe_http.h"

#include "host/host_text.h"
#include "probe_mqtt.h"
#include "probe_web.h"

#include <stdio.h>
#include <string.h>

static struct {
    struct iot_http_request request;
    bool over, good;
    uint16_t status;
} get;

/* ---- What it is told ----------------------------------------------------------------------- */

static iot_err on_head(void *ctx, const struct iot_http_head *head)
{
    (void)ctx;
    get.status = head->status;
    probe_event("status %u", (unsigned)head->status);
    return IOT_OK;
}

static iot_err on_body(void *ctx, uint32_t offset, struct iot_bytes part, uint32_t *used)
{
    static char hex[2 * IOT_HTTP_RX_BYTES + 1];

    (void)ctx;
    *used = part.len;
    for (uint32_t i = 0; i < part.len; i++)
        snprintf(hex + (size_t)2 * i, 3, "%02x", part.ptr[i]);
    probe_event("body %lu %s", (unsigned long)offset, hex);
    return IOT_OK;
}

static void end_get(iot_err err, int32_t detail)
{
    bool other = err == IOT_OK && (get.status < 200 || get.status > 299);

    if (err != IOT_OK)
        probe_event("err %s %ld get: %s", iot_err_name(err), (long)detail, iot_err_text(err));
    probe_event("end %s", other ? "STATUS" : iot_err_name(err));
    get.good = err == IOT_OK && !other;
    get.over = true;
}

static void on_end(void *ctx, iot_err err, int32_t detail)
{
    (void)ctx;
    end_get(err, detail);
}

static const struct iot_http_handlers handlers = {on_head, on_body, on_end};

/* ---- get ----------------------------------------------------------------------------------- */

/* "A-B" or "A-". */
static bool read_range(const char *text)
{
    char from[16];
    size_t n = strcspn(text, "-");

    if (text[n] != '-' || n >= sizeof from)
        return false;
    memcpy(from, text, n);
    from[n] = 0;
    get.request.has_range = true;
    get.request.range_to = UINT32_MAX;
    return host_text_number(from, 0, UINT32_MAX, &get.request.range_from) &&
           (text[n + 1] == 0 ||
            host_text_number(text + n + 1, 0, UINT32_MAX, &get.request.range_to));
}

static enum probe_step read_words(char **words, uint32_t count)
{
    get.request.url = words[1];
    get.request.on = &handlers;
    for (uint32_t i = 2; i < count; i++) {
        char *value = strchr(words[i], '=');
        if (value == NULL)
            return probe_usage("get: %s is not name=value", words[i]);
        size_t len = (size_t)(value - words[i]);
        if (len == 5 && memcmp(words[i], "range", 5) == 0) {
            if (!read_range(value + 1))
                return probe_usage("get: range is A-B or A-");
            continue;
        }
        enum probe_step step = probe_web_word(words[i], len);
        if (step == PROBE_AGAIN)
            return probe_usage("get: unknown option %.*s", (int)len, words[i]);
        if (step != PROBE_DONE)
            return step;
    }
    return probe_web_ready(words[1]);
}

static enum probe_step refuse(iot_err err)
{
    end_get(err, 0);
    return PROBE_FAILED;
}

static enum probe_step begin(char **words, uint32_t count)
{
    char *own[PROBE_WORDS_MAX];

    if (count < 2 || count > PROBE_WORDS_MAX)
        return probe_usage("get URL [range=A-B] [TLS words]");
    memset(&get, 0, sizeof get);
    iot_err err = probe_web_begin(words, count, own);
    if (err != IOT_OK)
        return refuse(err);
    if (read_words(own, count) != PROBE_DONE)
        return PROBE_FAILED;
    err = probe_web_make();
    if (err == IOT_OK)
        err = iot_http_start(&probe_web.http, &get.request);
    return err == IOT_OK ? PROBE_AGAIN : refuse(err);
}

enum probe_step probe_get(char **words, uint32_t count, uint32_t waited_ms)
{
    if (waited_ms == 0)
        return begin(words, count);
    if (!get.over)
        return PROBE_AGAIN;
    probe_web_close();
    if (!probe_web_closed())
        return PROBE_AGAIN;
    return get.good ? PROBE_DONE : PROBE_FAILED;
}

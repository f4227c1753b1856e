/* SPDX-License-Identifier: Apache-2.0 */
#include "probe_http.h"

#include "host/host_net.h"
#include "host/host_text.h"
#include "iot/iot_static.h"
#include "probe_mqtt.h"
#include "probe_tls.h"

#include "lwip/sys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_BYTES_MAX 16384u
#define REDIRECTS      8

/* A device of its own, that knows HTTP alone, made anew for each request. words: those of the command, which are borrowed. */
static struct {
    struct iot_device device;
    struct iot_http http;
    struct iot_options device_options;
    struct iot_http_options options;
    struct iot_http_request request;
    struct probe_tls tls;
    struct iot_tcp tcp;
    struct iot_endpoint to;
    bool made, closed, over, good;
    uint16_t status;
    char words[WORD_BYTES_MAX];
} get = {.closed = true};

/* ---- The way through the gateway ----------------------------------------------------------- */

static const struct iot_stream_ops *tcp_ops;
static struct iot_stream_ops reach_ops;

static iot_err reach_open(struct iot_stream *s, const struct iot_endpoint *to, iot_time now)
{
    get.to = *to;
    get.to.host = host_reachable(to->host);
    return tcp_ops->open(s, &get.to, now);
}

static struct iot_stream *make_stream(void)
{
    iot_tcp_init(&get.tcp);
    tcp_ops = get.tcp.base.ops;
    reach_ops = *tcp_ops;
    reach_ops.open = reach_open;
    get.tcp.base.ops = &reach_ops;
    return &get.tcp.base;
}

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

static void on_event(void *ctx, struct iot_device *device, const struct iot_event *ev)
{
    (void)ctx;
    (void)device;
    if (ev->kind == IOT_EV_CLOSED)
        get.closed = true;
}

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
    bool tls = false;

    memset(&get.request, 0, sizeof get.request);
    memset(&get.options, 0, sizeof get.options);
    probe_tls_begin(&get.tls);
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
        enum probe_step step = probe_tls_word(&get.tls, words[i], len);
        if (step == PROBE_AGAIN)
            return probe_usage("get: unknown option %.*s", (int)len, words[i]);
        if (step != PROBE_DONE)
            return step;
        tls = true;
    }
    if (!tls && strncasecmp(words[1], "https:", 6) != 0)
        return PROBE_DONE;
    /* Without name= it is the URL that says who has to be there. */
    bool named = get.tls.options.server_name != NULL;
    if (probe_tls_end(&get.tls, "") != PROBE_DONE)
        return PROBE_FAILED;
    if (!named)
        get.tls.options.server_name = NULL;
    get.options.tls = &get.tls.options;
    return PROBE_DONE;
}

static enum probe_step refuse(iot_err err)
{
    get.status = 0;
    end_get(err, 0);
    return PROBE_FAILED;
}

static enum probe_step begin(char **words, uint32_t count)
{
    char *own[PROBE_WORDS_MAX], *at = get.words;

    if (count < 2 || count > PROBE_WORDS_MAX)
        return probe_usage("get URL [range=A-B] [TLS words]");
    for (uint32_t i = 0; i < count; i++) {
        size_t len = strlen(words[i]) + 1;
        if (len > (size_t)(get.words + sizeof get.words - at))
            return refuse(IOT_ERR_SIZE);
        own[i] = memcpy(at, words[i], len);
        at += len;
    }
    if (read_words(own, count) != PROBE_DONE)
        return PROBE_FAILED;
    memset(&get.device_options, 0, sizeof get.device_options);
    get.device_options.host = "-"; /* MQTT is not asked for */
    get.device_options.client_id = "";
    get.device_options.on_event = on_event;
    get.device_options.port_ops = &get.tls.port;
    get.options.stream = make_stream();
    get.options.redirects = REDIRECTS;
    get.made = get.over = get.good = false;
    get.status = 0;
    iot_err err = iot_device_init(&get.device, &get.device_options);
    if (err == IOT_OK)
        err = iot_http_init(&get.http, &get.device, &get.options);
    if (err != IOT_OK)
        return refuse(err);
    err = iot_http_start(&get.http, &get.request);
    if (err != IOT_OK)
        return refuse(err);
    get.made = true;
    get.closed = false;
    return PROBE_AGAIN;
}

enum probe_step probe_get(char **words, uint32_t count, uint32_t waited_ms)
{
    if (waited_ms == 0)
        return begin(words, count);
    if (!get.over)
        return PROBE_AGAIN;
    probe_http_close();
    if (!get.closed)
        return PROBE_AGAIN;
    return get.good ? PROBE_DONE : PROBE_FAILED;
}

/* ---- For the loop -------------------------------------------------------------------------- */

uint32_t probe_http_poll(void)
{
    return get.made ? iot_poll(&get.device, sys_now()) : IOT_MS_NEVER;
}

/* STATE: it is closing already, or everything is at its end. */
void probe_http_close(void)
{
    if (!get.closed && iot_device_close(&get.device, 0) == IOT_ERR_STATE &&
        iot_http_idle(&get.http))
        get.closed = true;
}

bool probe_http_closed(void)
{
    return get.closed;
}

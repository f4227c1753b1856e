/* SPDX-License-Identifier: Apache-2.0 */
#include "probe_web.h"

#include "host/host_net.h"
#include "probe_mqtt.h"

#include "lwip/sys.h"

#include <string.h>
#include <strings.h>

#define WORD_BYTES_MAX 16384u
#define REDIRECTS      8

struct probe_web probe_web;

static struct {
    struct iot_options options;
    struct iot_tcp tcp;
    struct iot_endpoint to;
    bool made, closed, tls;
    uint64_t arena[PROBE_ARENA_BYTES / 8]; /* MQTT may be at work in the other one */
    char words[WORD_BYTES_MAX];
} web = {.closed = true};

/* ---- The way through the gateway ----------------------------------------------------------- */

static const struct iot_stream_ops *tcp_ops;
static struct iot_stream_ops reach_ops;

static iot_err reach_open(struct iot_stream *s, const struct iot_endpoint *to, iot_time now)
{
    web.to = *to;
    web.to.host = host_reachable(to->host);
    return tcp_ops->open(s, &web.to, now);
}

static struct iot_stream *make_stream(void)
{
    iot_tcp_init(&web.tcp);
    tcp_ops = web.tcp.base.ops;
    reach_ops = *tcp_ops;
    reach_ops.open = reach_open;
    web.tcp.base.ops = &reach_ops;
    return &web.tcp.base;
}

/* ---- Words --------------------------------------------------------------------------------- */

iot_err probe_web_begin(char **words, uint32_t count, char **own)
{
    char *at = web.words;

    web.made = web.tls = false;
    memset(&probe_web.options, 0, sizeof probe_web.options);
    probe_tls_begin(&probe_web.tls);
    probe_web.tls.options.arena = web.arena;
    probe_web.tls.options.session_key = "probe-web";
    for (uint32_t i = 0; i < count; i++) {
        size_t len = strlen(words[i]) + 1;
        if (len > (size_t)(web.words + sizeof web.words - at))
            return IOT_ERR_SIZE;
        own[i] = memcpy(at, words[i], len);
        at += len;
    }
    return IOT_OK;
}

enum probe_step probe_web_word(char *word, size_t name_len)
{
    enum probe_step step = probe_tls_word(&probe_web.tls, word, name_len);

    web.tls |= step == PROBE_DONE;
    return step;
}

enum probe_step probe_web_ready(const char *url)
{
    struct iot_tls_options *o = &probe_web.tls.options;

    if (!web.tls && strncasecmp(url, "https:", 6) != 0)
        return PROBE_DONE;
    /* Without name= it is the URL that says who has to be there. */
    bool named = o->server_name != NULL;
    if (probe_tls_end(&probe_web.tls, "") != PROBE_DONE)
        return PROBE_FAILED;
    if (!named)
        o->server_name = NULL;
    probe_web.options.tls = o;
    return PROBE_DONE;
}

/* ---- The device ---------------------------------------------------------------------------- */

static void on_event(void *ctx, struct iot_device *device, const struct iot_event *ev)
{
    (void)ctx;
    (void)device;
    if (ev->kind == IOT_EV_CLOSED)
        web.closed = true;
}

iot_err probe_web_make(void)
{
    memset(&web.options, 0, sizeof web.options);
    web.options.host = "-"; /* MQTT is not asked for */
    web.options.client_id = "";
    web.options.on_event = on_event;
    web.options.port_ops = &probe_web.tls.port;
    probe_web.options.stream = make_stream();
    probe_web.options.redirects = REDIRECTS;
    iot_err err = iot_device_init(&probe_web.device, &web.options);
    if (err == IOT_OK)
        err = iot_http_init(&probe_web.http, &probe_web.device, &probe_web.options);
    web.made = err == IOT_OK;
    web.closed = err != IOT_OK;
    return err;
}

uint32_t probe_web_poll(void)
{
    return web.made ? iot_poll(&probe_web.device, sys_now()) : IOT_MS_NEVER;
}

/* STATE: it is closing already, or everything is at its end. */
void probe_web_close(void)
{
    if (!web.closed && iot_device_close(&probe_web.device, 0) == IOT_ERR_STATE &&
        iot_http_idle(&probe_web.http))
        web.closed = true;
}

bool probe_web_closed(void)
{
    return web.closed;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "device/iot_device_parts.h"
#include "device/iot_device_room.h"
#include "device/iot_device_secure.h"
#include "device/iot_device_wall.h"

#include "core/iot_core_assert.h"
#include "http/iot_http_client.h"

#include <string.h>

#if IOT_FEATURE_HTTP

/* ---- A part of the device ---------------------------------------------------------------- */

IOT_STATIC_ASSERT(offsetof(struct iot_http, part) == 0, "a client is found by its part");

static struct iot_http *self(struct iot_part *p)
{
    return (struct iot_http *)(void *)p;
}

static const struct iot_http *self_const(const struct iot_part *p)
{
    return (const struct iot_http *)(const void *)p;
}

static void part_run(struct iot_part *p, iot_time now)
{
    iot_http_run(self(p), now);
}

static iot_time part_deadline(const struct iot_part *p)
{
    return iot_http_deadline(self_const(p));
}

static bool part_idle(const struct iot_part *p)
{
    return iot_http_idle(self_const(p));
}

static void part_close(struct iot_part *p)
{
    iot_http_close(self(p), true);
}

/* Closed, it may be connected again. */
static void part_event(struct iot_part *p, const struct iot_event *ev)
{
    if (ev->kind == IOT_EV_CLOSED)
        iot_http_close(self(p), false);
}

static const struct iot_tls_options *part_tls(const struct iot_part *p)
{
    return self_const(p)->opt->tls;
}

static const struct iot_part_ops part_ops = {part_run,   part_deadline, part_idle, part_close,
                                             part_event, NULL,          part_tls};

/* ---- Streams ----------------------------------------------------------------------------- */

#if IOT_FEATURE_TLS
static iot_err secure(struct iot_http *http, struct iot_device *dev, struct iot_stream *carrier,
                      const struct iot_tls_options *tls, struct iot_stream **out)
{
    iot_tls_init(&http->tls, carrier, tls, dev->opt->port_ops);
    iot_device_tls_init(dev, &http->tls);
    *out = &http->tls.base;
    /* Two clients in one arena, be it lent, would write over each other. */
    if (iot_device_parts_share(dev, tls->arena, tls->arena_bytes))
        return IOT_ERR_ARG;
    if (iot_device_shares(dev, tls->arena, tls->arena_bytes)) {
        http->loan = iot_device_loan(dev);
        if (http->loan == NULL) /* nobody lends */
            return IOT_ERR_ARG;
    }
    return iot_tls_check(tls, false);
}

void iot_http_tls_memory(const struct iot_http *http, struct iot_tls_memory *out)
{
    memset(out, 0, sizeof *out);
    if (http->secure != NULL)
        iot_tls_memory(&http->tls, out);
}
#else
static iot_err secure(struct iot_http *http, struct iot_device *dev, struct iot_stream *carrier,
                      const struct iot_tls_options *tls, struct iot_stream **out)
{
    (void)http, (void)dev, (void)carrier, (void)tls, (void)out;
    return IOT_ERR_ARG;
}
#endif

iot_err iot_http_init(struct iot_http *http, struct iot_device *dev,
                      const struct iot_http_options *options)
{
    struct iot_stream *carrier = options->stream, *tls = NULL;
    iot_err err = IOT_OK;

    iot_net_assert_context();
    if (iot_device_has(dev, &http->part))
        return IOT_ERR_ARG;
    memset(http, 0, sizeof *http);
    iot_tcp_init(&http->tcp);
    if (carrier == NULL)
        carrier = &http->tcp.base;
    if (options->tls != NULL)
        err = secure(http, dev, carrier, options->tls, &tls);
    if (err != IOT_OK)
        return err;
    http->part.ops = &part_ops;
    iot_http_client_init(http, options, dev->opt->port_ops, carrier, tls, &dev->wake);
    iot_device_attach(dev, &http->part);
    return IOT_OK;
}

#endif

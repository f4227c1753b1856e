/* SPDX-License-Identifier: Apache-2.0 */
#include "device/iot_device_parts.h"
#include "device/iot_device_room.h"

#include "coap/iot_coap_listen.h"
#include "core/iot_core_assert.h"

#include <string.h>

#if IOT_FEATURE_COAP_SERVER

#define PORT_MAX 65534u /* DTLS has the next one */

/* ---- A part of the device ---------------------------------------------------------------- */

IOT_STATIC_ASSERT(offsetof(struct iot_coap_server, part) == 0, "a server is found by its part");

static struct iot_coap_server *self(struct iot_part *p)
{
    return (struct iot_coap_server *)(void *)p;
}

static const struct iot_coap_server *self_const(const struct iot_part *p)
{
    return (const struct iot_coap_server *)(const void *)p;
}

static void part_run(struct iot_part *p, iot_time now)
{
    iot_coap_server_run(self(p), now);
}

static iot_time part_deadline(const struct iot_part *p)
{
    return iot_coap_server_deadline(self_const(p));
}

static bool part_idle(const struct iot_part *p)
{
    return iot_coap_server_idle(self_const(p));
}

static void part_close(struct iot_part *p)
{
    iot_coap_server_close(self(p), true);
}

/* Closed, it may be used again. */
static void part_event(struct iot_part *p, const struct iot_event *ev)
{
    if (ev->kind == IOT_EV_CLOSED)
        iot_coap_server_close(self(p), false);
}

#if IOT_FEATURE_DTLS_SERVER
static const struct iot_tls_options *part_tls(const struct iot_part *p)
{
    const struct iot_coap_server *s = self_const(p);

    return s->opt->keys != NULL ? &s->secure.tls : NULL;
}

static bool has_arena(const struct iot_device *dev, const struct iot_coap_server_options *o)
{
    return o->keys == NULL || !(iot_device_shares(dev, o->keys->arena, o->keys->arena_bytes) ||
                                iot_device_parts_share(dev, o->keys->arena, o->keys->arena_bytes));
}
#else
#define part_tls NULL

static bool has_arena(const struct iot_device *dev, const struct iot_coap_server_options *o)
{
    (void)dev, (void)o;
    return true;
}
#endif

static const struct iot_part_ops part_ops = {part_run,   part_deadline, part_idle, part_close,
                                             part_event, NULL,          part_tls};

iot_err iot_coap_server_init(struct iot_coap_server *server, struct iot_device *dev,
                             const struct iot_coap_server_options *options)
{
    iot_net_assert_context();
    if (iot_device_has(dev, &server->part) ||
        !(options->plain || iot_coap_secure_wanted(options)) || options->listen.port > PORT_MAX ||
        !iot_coap_serve_check(options->resources, options->resource_count) ||
        !iot_coap_secure_check(options) || !has_arena(dev, options))
        return IOT_ERR_ARG;
    memset(server, 0, sizeof *server);
    server->part.ops = &part_ops;
    iot_coap_server_begin(server, options, dev->opt->port_ops, &dev->wake);
    iot_device_attach(dev, &server->part);
    return IOT_OK;
}

#endif

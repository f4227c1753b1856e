/* SPDX-License-Identifier: Apache-2.0 */
#include "device/iot_device_parts.h"
#include "device/iot_device_room.h"
#include "device/iot_device_secure.h"
#include "device/iot_device_wall.h"

#include "coap/iot_coap_client.h"
#include "core/iot_core_assert.h"

#include <string.h>

#if IOT_FEATURE_COAP

#define ACK_TIMEOUT_MIN_MS 1000u /* RFC 7252 4.8.1 */
#define RETRANSMIT_MAX     8u
#define HOST_MAX           253u

/* ---- A part of the device ---------------------------------------------------------------- */

IOT_STATIC_ASSERT(offsetof(struct iot_coap, part) == 0, "a client is found by its part");

static struct iot_coap *self(struct iot_part *p)
{
    return (struct iot_coap *)(void *)p;
}

static const struct iot_coap *self_const(const struct iot_part *p)
{
    return (const struct iot_coap *)(const void *)p;
}

static void part_run(struct iot_part *p, iot_time now)
{
    iot_coap_run(self(p), now);
}

static iot_time part_deadline(const struct iot_part *p)
{
    return iot_coap_deadline(self_const(p));
}

static bool part_idle(const struct iot_part *p)
{
    return iot_coap_idle(self_const(p));
}

static void part_close(struct iot_part *p)
{
    iot_coap_close(self(p), true);
}

/* Closed, it may be used again. */
static void part_event(struct iot_part *p, const struct iot_event *ev)
{
    if (ev->kind == IOT_EV_CLOSED)
        iot_coap_close(self(p), false);
}

static const struct iot_tls_options *part_tls(const struct iot_part *p)
{
    return self_const(p)->opt->tls;
}

static const struct iot_part_ops part_ops = {part_run,   part_deadline, part_idle, part_close,
                                             part_event, NULL,          part_tls};

/* ---- Channels ---------------------------------------------------------------------------- */

#if IOT_FEATURE_DTLS && IOT_FEATURE_LINK
/* As one of a device; of a registration the secret that is stored by now. */
static iot_err platform_psk(void *ctx, uint8_t identity[IOT_TLS_PSK_IDENTITY_MAX], uint32_t *len,
                            uint8_t key[IOT_TLS_PSK_MAX])
{
    const struct iot_coap *coap = ctx;
    struct iot_link link;

    *len = 0;
    iot_err err = iot_link_init(&link, coap->opt->link, coap->port);
    return err == IOT_OK ? iot_link_profile_psk(&link, identity, len, key) : err;
}

static iot_err choose_psk(struct iot_coap *coap, const struct iot_device *dev,
                          const struct iot_coap_options *o, bool *source)
{
    struct iot_link link;

    *source = iot_link_has_psk(o->link);
    if (!*source)
        return IOT_OK;
    coap->dtls.core.psk = platform_psk;
    coap->dtls.core.psk_ctx = coap;
    return iot_link_init(&link, o->link, dev->opt->port_ops);
}
#elif IOT_FEATURE_DTLS
static iot_err choose_psk(struct iot_coap *coap, const struct iot_device *dev,
                          const struct iot_coap_options *o, bool *source)
{
    (void)coap, (void)dev, (void)o;
    *source = false;
    return IOT_OK;
}
#endif

#if IOT_FEATURE_DTLS
/* Nobody lends a client of CoAP its arena: an association is kept for hours. */
static iot_err secure(struct iot_coap *coap, struct iot_device *dev, struct iot_dgram *carrier,
                      const struct iot_coap_options *o, struct iot_dgram **out)
{
    bool source;

    iot_dtls_init(&coap->dtls, carrier, o->tls, o->dtls, dev->opt->port_ops);
    iot_device_wall_init(dev, &coap->dtls.core);
    coap->dtls.base.on_busy = iot_device_on_busy;
    coap->dtls.base.busy_ctx = dev;
    *out = &coap->dtls.base;
    if (iot_device_shares(dev, o->tls->arena, o->tls->arena_bytes) ||
        iot_device_parts_share(dev, o->tls->arena, o->tls->arena_bytes))
        return IOT_ERR_ARG;
    iot_err err = choose_psk(coap, dev, o, &source);
    return err == IOT_OK ? iot_dtls_check(o->tls, o->dtls, source) : err;
}

void iot_coap_tls_memory(const struct iot_coap *coap, struct iot_tls_memory *out)
{
    memset(out, 0, sizeof *out);
    if (coap->secure)
        iot_tls_core_memory(&coap->dtls.core, out);
}
#else
static iot_err secure(struct iot_coap *coap, struct iot_device *dev, struct iot_dgram *carrier,
                      const struct iot_coap_options *o, struct iot_dgram **out)
{
    (void)coap, (void)dev, (void)carrier, (void)o, (void)out;
    return IOT_ERR_ARG;
}
#endif

static bool is_sane(const struct iot_coap_options *o)
{
    if (o->host == NULL || o->host[0] == '\0' || strlen(o->host) > HOST_MAX)
        return false;
    return (o->ack_timeout_ms == 0 || o->ack_timeout_ms >= ACK_TIMEOUT_MIN_MS) &&
           o->max_retransmit <= RETRANSMIT_MAX;
}

iot_err iot_coap_init(struct iot_coap *coap, struct iot_device *dev,
                      const struct iot_coap_options *options)
{
    struct iot_dgram *carrier = options->dgram, *channel;
    iot_err err = IOT_OK;

    iot_net_assert_context();
    if (iot_device_has(dev, &coap->part) || !is_sane(options))
        return IOT_ERR_ARG;
    memset(coap, 0, sizeof *coap);
    iot_udp_init(&coap->udp);
    if (carrier == NULL)
        carrier = &coap->udp.base;
    channel = carrier;
    if (options->tls != NULL)
        err = secure(coap, dev, carrier, options, &channel);
    if (err != IOT_OK)
        return err;
    coap->part.ops = &part_ops;
    iot_coap_client_init(coap, options, dev->opt->port_ops, carrier, channel, &dev->wake);
    iot_device_attach(dev, &coap->part);
    return IOT_OK;
}

#endif

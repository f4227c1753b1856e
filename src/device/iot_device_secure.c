/* SPDX-License-Identifier: Apache-2.0 */
#include "device/iot_device_secure.h"

#include "device/iot_device_alink.h"
#include "device/iot_device_ids.h"
#include "device/iot_device_parts.h"
#include "device/iot_device_register.h"
#include "device/iot_device_wall.h"

#include "core/iot_core_assert.h"

/* ---- The platform ------------------------------------------------------------------------ */

#if IOT_FEATURE_LINK
/* A stream of the application's is taken for one that encrypts. */
static enum iot_link_transport transport_of(const struct iot_device *dev)
{
    const struct iot_tls_options *tls = dev->opt->tls;
    if (tls == NULL)
        return dev->opt->stream != NULL ? IOT_LINK_TLS : IOT_LINK_PLAIN;
    bool only_psk = (tls->kinds & ~(uint32_t)IOT_TLS_PLATFORM) == IOT_TLS_PSK;
    return only_psk ? IOT_LINK_TLS_PSK : IOT_LINK_TLS;
}

static iot_err link_login(struct iot_device *dev, uint8_t *scratch, uint32_t cap,
                          struct iot_credentials *out)
{
    return dev->opt->link == NULL ? IOT_OK
                                  : iot_link_credentials(&dev->link, dev->opt->host,
                                                         transport_of(dev), scratch, cap, out);
}

static uint32_t link_judge(struct iot_device *dev, enum iot_mqtt_stage stage, iot_err *reason,
                           int32_t detail)
{
    return dev->opt->link == NULL ? 0 : iot_link_judge(&dev->link, stage, reason, detail);
}

static void link_heard(struct iot_device *dev, const struct iot_msg *msg)
{
    if (dev->opt->link != NULL)
        iot_link_notice(&dev->link, msg);
}

static iot_err link_sample(struct iot_device *dev, struct iot_credentials *out)
{
    uint32_t cap;
    uint8_t *scratch = iot_mqtt_client_scratch(&dev->mqtt, &cap);
    if (dev->opt->link == NULL)
        return IOT_OK;
    iot_err err = iot_link_init(&dev->link, dev->opt->link, dev->opt->port_ops);
    if (err == IOT_OK && iot_link_may_register(dev->opt->link, transport_of(dev))) {
        err = iot_link_dry_run(&dev->link, true, dev->opt->host, transport_of(dev), scratch, cap,
                               out);
        if (err == IOT_OK)
            err = iot_mqtt_client_check(&dev->mqtt, out);
    }
    return err != IOT_OK ? err
                         : iot_link_dry_run(&dev->link, false, dev->opt->host, transport_of(dev),
                                            scratch, cap, out);
}

#else

static iot_err link_login(struct iot_device *dev, uint8_t *scratch, uint32_t cap,
                          struct iot_credentials *out)
{
    (void)dev;
    (void)scratch;
    (void)cap;
    (void)out;
    return IOT_OK;
}

static uint32_t link_judge(struct iot_device *dev, enum iot_mqtt_stage stage, iot_err *reason,
                           int32_t detail)
{
    (void)dev;
    (void)stage;
    (void)reason;
    (void)detail;
    return 0;
}

static void link_heard(struct iot_device *dev, const struct iot_msg *msg)
{
    (void)dev;
    (void)msg;
}

static iot_err link_sample(struct iot_device *dev, struct iot_credentials *out)
{
    (void)out;
    return dev->opt->link == NULL ? IOT_OK : IOT_ERR_ARG;
}
#endif

/* ---- TLS --------------------------------------------------------------------------------- */

#if IOT_FEATURE_TLS && IOT_FEATURE_LINK
IOT_STATIC_ASSERT(IOT_LINK_PSK_BYTES == IOT_TLS_PSK_MAX, "the platform's key fills a PSK source's");
IOT_STATIC_ASSERT(IOT_LINK_PSK_IDENTITY_MAX <= IOT_TLS_PSK_IDENTITY_MAX, "and its identity fits");

static iot_err platform_psk(void *ctx, uint8_t identity[IOT_TLS_PSK_IDENTITY_MAX], uint32_t *len,
                            uint8_t key[IOT_TLS_PSK_MAX])
{
    struct iot_device *dev = ctx;
    return iot_link_profile_psk(&dev->link, identity, len, key);
}

/* PSK identity and key can be made from the platform's identity, if that holds a secret. */
static bool has_platform_psk(struct iot_device *dev)
{
    if (!iot_link_has_psk(dev->opt->link))
        return false;
    dev->tls.core.psk = platform_psk;
    dev->tls.core.psk_ctx = dev;
    return true;
}
#elif IOT_FEATURE_TLS
static bool has_platform_psk(struct iot_device *dev)
{
    (void)dev;
    return false;
}
#endif

#if IOT_FEATURE_TLS
void iot_device_on_busy(void *ctx, bool begins)
{
    struct iot_device *dev = ctx;
    struct iot_event ev = {.kind = IOT_EV_BUSY, .code = begins};
    dev->opt->on_event(dev->opt->ctx, dev, &ev);
}

void iot_device_tls_init(struct iot_device *dev, struct iot_tls *tls)
{
    iot_device_wall_init(dev, &tls->core);
    tls->base.on_busy = iot_device_on_busy;
    tls->base.busy_ctx = dev;
}

static iot_err tls_init(struct iot_device *dev, struct iot_stream *carrier,
                        struct iot_stream **stream)
{
    const struct iot_tls_options *o = dev->opt->tls;
    iot_tls_init(&dev->tls, carrier, o, dev->opt->port_ops);
    iot_device_tls_init(dev, &dev->tls);
    *stream = &dev->tls.base;
    if (dev->opt->link != NULL && dev->opt->link->x509 && o->cert_count == 0)
        return IOT_ERR_ARG;
    return iot_tls_check(o, has_platform_psk(dev));
}

static void tls_refused(struct iot_device *dev)
{
    if (dev->opt->tls != NULL)
        iot_tls_refused(&dev->tls);
}

bool iot_device_resumed(const struct iot_device *dev)
{
    return dev->opt->tls != NULL && iot_tls_is_resumed(&dev->tls);
}

#else

static iot_err tls_init(struct iot_device *dev, struct iot_stream *carrier,
                        struct iot_stream **stream)
{
    (void)dev;
    (void)carrier;
    (void)stream;
    return IOT_ERR_ARG;
}

static void tls_refused(struct iot_device *dev)
{
    (void)dev;
}

bool iot_device_resumed(const struct iot_device *dev)
{
    (void)dev;
    return false;
}
#endif

/* ---- Together ---------------------------------------------------------------------------- */

static iot_err login(struct iot_device *dev, uint8_t *scratch, uint32_t cap,
                     struct iot_credentials *out)
{
    iot_err err = iot_device_ids_reserve(dev); /* subscriptions are renewed under new ones */
    if (err == IOT_OK)
        err = link_login(dev, scratch, cap, out);
    iot_device_register_mark(dev, out);
    if (err != IOT_OK || dev->opt->on_credentials == NULL)
        return err;
    err = dev->opt->on_credentials(dev->opt->ctx, dev, out);
    iot_device_register_mark(dev, out);
    return err;
}

static uint32_t judge(struct iot_device *dev, enum iot_mqtt_stage stage, iot_err *reason,
                      int32_t detail)
{
    if (*reason == IOT_ERR_MQTT_REFUSED)
        tls_refused(dev);
    return link_judge(dev, stage, reason, detail);
}

static iot_err take(struct iot_device *dev, const struct iot_msg *msg)
{
    iot_err err = iot_device_register_take(dev, msg);
    if (err != IOT_ERR_STATE)
        return err;
    link_heard(dev, msg);
    err = iot_device_alink_take(dev, msg);
    return err != IOT_ERR_STATE ? err : iot_device_parts_take(dev, msg);
}

static bool event(struct iot_device *dev, const struct iot_event *ev)
{
    iot_device_parts_event(dev, ev);
    return iot_device_alink_event(dev, ev);
}

static bool may_close(struct iot_device *dev)
{
    return iot_device_parts_idle(dev);
}

const struct iot_mqtt_hooks iot_device_hooks = {
    login, judge, take, iot_device_alink_take_parts, event, iot_device_register_result, may_close};

iot_err iot_device_secure(struct iot_device *dev, struct iot_stream *carrier,
                          struct iot_stream **stream)
{
    *stream = carrier;
    return dev->opt->tls == NULL ? IOT_OK : tls_init(dev, carrier, stream);
}

iot_err iot_device_sample(struct iot_device *dev, struct iot_credentials *out)
{
    iot_mqtt_credentials(dev->opt, out);
    return link_sample(dev, out);
}

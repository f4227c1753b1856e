/* SPDX-License-Identifier: Apache-2.0 */
#include "device/iot_device_alink.h"
#include "device/iot_device_ids.h"
#include "device/iot_device_mqtt.h"
#include "device/iot_device_parts.h"
#include "device/iot_device_secure.h"

#include "core/iot_core_assert.h"
#include "core/iot_core_dump.h"
#include "mqtt/iot_mqtt_errand.h"
#include "mqtt/iot_mqtt_keep.h"

#include <string.h>

#define STEP_BACK_MS  60000u
#define SEED_RETRY_MS 10u
#define SEED_WAIT_MS  5000u
#define IDS_RETRY_MS  100u

/* ---- Features ---------------------------------------------------------------------------- */

/* What one tick does, in this order, each for all features. `time` comes after `up`, so that no
 * verdict of silence is given while unread bytes wait. */
struct feature {
    void (*net)(struct iot_device *dev);
    void (*up)(struct iot_device *dev);
    void (*time)(struct iot_device *dev);
    void (*down)(struct iot_device *dev);
    void (*end)(struct iot_device *dev);
    iot_time (*deadline)(const struct iot_device *dev);
    bool (*idle)(const struct iot_device *dev);
};

static void mqtt_net(struct iot_device *dev)
{
    iot_mqtt_client_net(&dev->mqtt);
}

static void mqtt_up(struct iot_device *dev)
{
    iot_mqtt_client_up(&dev->mqtt);
}

static void mqtt_time(struct iot_device *dev)
{
    iot_mqtt_client_time(&dev->mqtt);
}

static void mqtt_down(struct iot_device *dev)
{
    iot_mqtt_client_down(&dev->mqtt);
}

static void mqtt_end(struct iot_device *dev)
{
    iot_mqtt_client_end(&dev->mqtt);
}

static iot_time mqtt_deadline(const struct iot_device *dev)
{
    return iot_mqtt_client_deadline(&dev->mqtt);
}

static bool mqtt_idle(const struct iot_device *dev)
{
    return iot_mqtt_client_idle(&dev->mqtt);
}

#if IOT_FEATURE_ALINK || IOT_ATTACHED
static void nothing(struct iot_device *dev)
{
    (void)dev;
}
#endif

static const struct feature features[] = {
    {mqtt_net, mqtt_up, mqtt_time, mqtt_down, mqtt_end, mqtt_deadline, mqtt_idle},
#if IOT_FEATURE_ALINK
    {nothing, nothing, iot_device_alink_time, nothing, nothing, iot_device_alink_deadline,
     iot_device_alink_idle},
#endif
#if IOT_ATTACHED
    {nothing, nothing, iot_device_parts_run, nothing, nothing, iot_device_parts_deadline,
     iot_device_parts_idle},
#endif
};

#define FEATURES (sizeof features / sizeof features[0])

/* ---- The tick ---------------------------------------------------------------------------- */

/* A counter that wraps becomes a time that does not. A small step back, as when an interrupt counts
 * between two reads, is no time at all; anything else is a long time forward. */
static uint32_t elapsed_ms(const struct iot_device *dev, uint32_t now_ms)
{
    uint32_t elapsed = now_ms - dev->last_ms;
    return elapsed > UINT32_MAX - STEP_BACK_MS || !dev->clock_set ? 0 : elapsed;
}

static uint32_t sleep_from(const struct iot_device *dev, iot_time now)
{
    if (dev->wake || dev->queued || dev->deadline <= now)
        return 0;
    if (dev->deadline == IOT_TIME_NEVER)
        return IOT_MS_NEVER;
    iot_time left = dev->deadline - now;
    return left < IOT_MS_NEVER ? (uint32_t)left : IOT_MS_NEVER - 1;
}

/* Jitter and the ids of a kept session want one random number, and wait for it, but not for ever: a
 * slow or broken source costs the spread of many devices' reconnects, not the link. Nothing secret
 * comes from here. */
static bool seed(struct iot_device *dev)
{
    uint32_t chance = 0;
    iot_err err = dev->opt->port_ops->random(dev->opt->port_ops->ctx, &chance, sizeof chance);
    if (err == IOT_ERR_AGAIN && !(dev->clock_set && dev->now >= dev->seed_deadline))
        return false;
    iot_jitter_seed(&dev->jitter, chance);
    /* A broker that kept our session over our reboot may hold ids of ours, and replies to requests. */
    if (iot_mqtt_keeps(dev->opt) && dev->opt->first_id == 0)
        iot_mqtt_start_elsewhere(&dev->mqtt.session, chance);
    dev->seeded = true;
    return true;
}

/* The first half looks outside and at the clock; without a reason to do so the second is enough. */
static void tick(struct iot_device *dev, bool whole)
{
    iot_mqtt_client_tick(&dev->mqtt, dev->now);
    iot_device_alink_tick(dev);

    /* For subscriptions; who publishes asks himself. */
    iot_err ids = IOT_OK;
    if (iot_device_ids_low(dev) && iot_mqtt_client_open(&dev->mqtt))
        ids = iot_device_ids_reserve(dev);

    for (uint32_t i = 0; whole && i < FEATURES; i++)
        features[i].net(dev);
    for (uint32_t i = 0; whole && i < FEATURES; i++)
        features[i].up(dev);
    for (uint32_t i = 0; whole && i < FEATURES; i++)
        features[i].time(dev);
    for (uint32_t i = 0; i < FEATURES; i++)
        features[i].down(dev);
    for (uint32_t i = 0; i < FEATURES; i++)
        features[i].end(dev);

    dev->deadline = IOT_TIME_NEVER;
    for (uint32_t i = 0; i < FEATURES; i++) {
        iot_time first = features[i].deadline(dev);
        if (first < dev->deadline)
            dev->deadline = first;
    }
    if (ids != IOT_OK && dev->now + IDS_RETRY_MS < dev->deadline)
        dev->deadline = dev->now + IDS_RETRY_MS;
}

uint32_t iot_poll(struct iot_device *dev, uint32_t now_ms)
{
    if (dev->polling)
        return 0;
    uint32_t elapsed = elapsed_ms(dev, now_ms);
    if (elapsed > IOT_STALE_MS) {
        dev->wake = true;
        iot_mqtt_client_slept(&dev->mqtt);
    }
    if (!dev->clock_set) {
        dev->clock_set = true;
        dev->now = now_ms;
        dev->seed_deadline = dev->now + SEED_WAIT_MS;
        dev->last_ms = now_ms;
    } else if (elapsed != 0) {
        dev->now += elapsed;
        dev->last_ms = now_ms;
    }
    bool whole = dev->wake || dev->now >= dev->deadline;
    if (!whole && !dev->queued)
        return sleep_from(dev, dev->now);

    iot_net_assert_context();
    dev->wake = dev->queued = false;
    dev->polling = true;
    if (dev->seeded || seed(dev))
        tick(dev, whole);
    else
        dev->deadline = dev->now + SEED_RETRY_MS;
    dev->polling = false;
    return sleep_from(dev, dev->now);
}

uint32_t iot_sleep_ms(const struct iot_device *dev, uint32_t now_ms)
{
    return sleep_from(dev, dev->now + elapsed_ms(dev, now_ms));
}

/* ---- Life -------------------------------------------------------------------------------- */

/* Credentials that on_credentials brings are judged at each attempt. */
static iot_err check_connect(struct iot_device *dev)
{
    struct iot_credentials who;
    iot_err err = iot_device_sample(dev, &who);
    if (err == IOT_OK && dev->opt->on_credentials != NULL && who.client_id.ptr == NULL)
        who.client_id = (struct iot_bytes){(const uint8_t *)"-", 1};
    return err == IOT_OK ? iot_mqtt_client_check(&dev->mqtt, &who) : err;
}

/* Nobody to connect to, and nothing that says otherwise: what this device does is attached to it. */
static bool has_no_mqtt(const struct iot_options *o)
{
    return o->host == NULL && o->client_id == NULL && o->tls == NULL && o->link == NULL &&
           o->on_credentials == NULL;
}

iot_err iot_device_init_checked(struct iot_device *dev, const struct iot_options *options,
                                uint32_t size, uint32_t config_hash)
{
    if (size != sizeof *dev || config_hash != IOT_CONFIG_HASH)
        return IOT_ERR_CONFIG; /* nothing is touched: this may be the wrong memory */
    if (dev == NULL || options == NULL || options->on_event == NULL || options->port_ops == NULL ||
        options->port_ops->random == NULL)
        return IOT_ERR_ARG;
    bool host_later = options->link != NULL || options->on_credentials != NULL;
    if (!iot_device_ids_fit(options))
        return IOT_ERR_ARG;
    if (options->host == NULL ? !host_later && !has_no_mqtt(options) : options->host[0] == 0)
        return IOT_ERR_ARG;

    memset(dev, 0, sizeof *dev);
    dev->opt = options;
    dev->deadline = IOT_TIME_NEVER;
    iot_tcp_init(&dev->tcp);
    iot_device_alink_init(dev);
    struct iot_stream *stream,
        *carrier = options->stream != NULL ? options->stream : &dev->tcp.base;
    iot_err err = iot_device_secure(dev, carrier, &stream);
    if (err != IOT_OK)
        return err;
    stream->wake = &dev->wake;
    iot_mqtt_client_init(&dev->mqtt, options, dev, &iot_device_hooks, stream, &dev->jitter);
    return has_no_mqtt(options) ? IOT_OK : check_connect(dev);
}

iot_err iot_device_connect(struct iot_device *dev)
{
    iot_net_assert_context();
    if (has_no_mqtt(dev->opt))
        return IOT_ERR_ARG;
    dev->wake = true;
    return iot_mqtt_client_connect(&dev->mqtt);
}

iot_err iot_device_close(struct iot_device *dev, uint32_t drain_ms)
{
    iot_net_assert_context();
    dev->wake = true;
    iot_device_parts_begun(dev);
    iot_err err = iot_mqtt_client_close(&dev->mqtt, drain_ms);
    if (err == IOT_OK)
        iot_device_parts_close(dev);
    return err;
}

bool iot_device_idle(const struct iot_device *dev)
{
    for (uint32_t i = 0; i < FEATURES; i++)
        if (!features[i].idle(dev))
            return false;
    return true;
}

/* ---- Questions --------------------------------------------------------------------------- */

bool iot_device_connected(const struct iot_device *dev)
{
    return iot_mqtt_up(&dev->mqtt.session) && !iot_mqtt_errand(&dev->mqtt.session);
}

iot_err iot_device_last_reason(const struct iot_device *dev, int32_t *detail)
{
    if (detail != NULL)
        *detail = dev->mqtt.detail;
    return dev->mqtt.reason;
}

/* ---- MQTT -------------------------------------------------------------------------------- */

/* Packet ids of a kept session begin at a random number, also for what is published before the
 * first tick. */
iot_err iot_device_can_publish(struct iot_device *dev, const struct iot_msg *msg)
{
    iot_net_assert_context();
    bool answers = (msg->flags & IOT_MSG_SILENT) != 0 && iot_mqtt_client_drains(&dev->mqtt);
    if (!answers && !iot_mqtt_client_open(&dev->mqtt))
        return IOT_ERR_STATE;
    if (msg->qos == 0 || !iot_mqtt_keeps(dev->opt))
        return IOT_OK;
    if (!dev->seeded && !seed(dev))
        return IOT_ERR_AGAIN;
    return iot_device_ids_low(dev) ? iot_device_ids_reserve(dev) : IOT_OK;
}

iot_err iot_mqtt_publish(struct iot_device *dev, const struct iot_msg *msg, iot_ticket *ticket)
{
    iot_err err = iot_device_can_publish(dev, msg);
    if (err != IOT_OK)
        return err;
    err = iot_mqtt_session_publish(&dev->mqtt.session, msg, ticket);
    if (err != IOT_OK)
        return err;
    struct iot_bytes topic = {(const uint8_t *)msg->topic.text, msg->topic.len};
    IOT_DUMP_UP(dev->opt->port_ops, topic, msg->payload);
    dev->queued = true;
    return IOT_OK;
}

iot_err iot_topic_prepare(struct iot_topic *t, const char *text, uint32_t len)
{
    struct iot_bytes name = {(const uint8_t *)text, len};
    iot_err err = iot_topic_check_name(name);
    if (err != IOT_OK)
        return err;
    t->text = text;
    t->len = (uint16_t)len;
    t->prepared = 1;
    return IOT_OK;
}

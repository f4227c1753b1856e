/* SPDX-License-Identifier: Apache-2.0 */
#include "device/iot_device_alink.h"

#include "device/iot_device_parts.h"
#include "device/iot_device_wall.h"

#include "core/iot_core_assert.h"
#include "core/iot_core_stats.h"
#include "link/iot_link_route.h"

#if IOT_FEATURE_ALINK

IOT_STATIC_ASSERT(offsetof(struct iot_device, alink) == 0,
                  "iot_alink_of takes the one for the other");

static iot_ticket next_ticket(const struct iot_device *dev)
{
    return dev->mqtt.session.next_ticket;
}

static void hush(struct iot_device *dev, iot_ticket ticket)
{
    iot_mqtt_outbox_hush(&dev->mqtt.session.box, ticket);
}

static void report(struct iot_device *dev, const struct iot_event *ev)
{
    IOT_COUNT(dev->mqtt.counters.skipped_messages, ev->kind == IOT_EV_SKIPPED);
    iot_device_parts_event(dev, ev);
    dev->opt->on_event(dev->opt->ctx, dev, ev);
}

static const struct iot_port *port(const struct iot_device *dev)
{
    return dev->opt->port_ops;
}

static iot_time now(const struct iot_device *dev)
{
    return dev->now;
}

static void wake(struct iot_device *dev)
{
    dev->wake = true;
}

static const struct iot_alink_line line = {iot_mqtt_begin,
                                           iot_mqtt_commit,
                                           iot_mqtt_cancel,
                                           iot_mqtt_subscribe,
                                           next_ticket,
                                           hush,
                                           report,
                                           port,
                                           wake,
                                           iot_device_vouches,
                                           now};

void iot_device_alink_init(struct iot_device *dev)
{
    iot_alink_init(&dev->alink, dev->opt->link, &line);
}

void iot_device_alink_tick(struct iot_device *dev)
{
    iot_alink_tick(&dev->alink, dev->now);
}

iot_err iot_device_alink_take(struct iot_device *dev, const struct iot_msg *msg)
{
    return iot_link_take(&dev->alink, msg);
}

bool iot_device_alink_take_parts(struct iot_device *dev, const struct iot_topic *topic)
{
    return iot_link_take_parts(&dev->alink, topic);
}

bool iot_device_alink_event(struct iot_device *dev, const struct iot_event *ev)
{
    return iot_alink_event(&dev->alink, ev);
}

void iot_device_alink_time(struct iot_device *dev)
{
    iot_alink_expire(&dev->alink, dev->now, iot_mqtt_client_unread(&dev->mqtt));
}

iot_time iot_device_alink_deadline(const struct iot_device *dev)
{
    return iot_alink_deadline(&dev->alink);
}

bool iot_device_alink_idle(const struct iot_device *dev)
{
    return iot_alink_idle(&dev->alink);
}

#endif

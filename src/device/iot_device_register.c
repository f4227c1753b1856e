/* SPDX-License-Identifier: Apache-2.0 */
#include "device/iot_device_register.h"

#include "core/iot_core_log.h"
#include "core/iot_core_stats.h"

#if IOT_FEATURE_REGISTER

static bool registers(const struct iot_device *dev)
{
    return dev->opt->link != NULL && iot_link_registers(&dev->link);
}

void iot_device_register_mark(const struct iot_device *dev, struct iot_credentials *who)
{
    who->registers = registers(dev);
}

static void report(struct iot_device *dev, const struct iot_event *ev)
{
    dev->opt->on_event(dev->opt->ctx, dev, ev);
}

/* Without the payload, which may hold somebody's secret. */
static void report_skipped(struct iot_device *dev, const struct iot_msg *msg, iot_err why)
{
    struct iot_msg shown = {.topic = msg->topic, .qos = msg->qos, .flags = msg->flags};
    struct iot_event ev = {.kind = IOT_EV_SKIPPED, .err = why, .msg = &shown};

    IOT_COUNT(dev->mqtt.counters.skipped_messages, 1);
    report(dev, &ev);
}

iot_err iot_device_register_take(struct iot_device *dev, const struct iot_msg *msg)
{
    if (!registers(dev))
        return IOT_ERR_STATE;
    iot_err err = iot_register_take(&dev->link.registers, msg);
    if (err == IOT_ERR_AGAIN)
        return err;
    if (err == IOT_OK) {
        struct iot_event ev = {.kind = IOT_EV_REGISTERED};
        IOT_LOG (dev->opt->port_ops, IOT_LOG_INFO, line)
            iot_log_text(line, "link: registered");
        report(dev, &ev);
    } else if (err != IOT_ERR_STATE) {
        report_skipped(dev, msg, err);
    }
    return IOT_OK;
}

iot_err iot_device_register_result(struct iot_device *dev, bool late)
{
    return iot_register_result(&dev->link.registers, late);
}

#endif

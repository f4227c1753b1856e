/* SPDX-License-Identifier: Apache-2.0 */
#include "device/iot_device_mqtt.h"

#include "core/iot_core_dump.h"
#include "mqtt/iot_mqtt_writer.h"

#if IOT_FEATURE_WRITER

iot_err iot_mqtt_begin(struct iot_device *dev, const struct iot_msg *msg, uint32_t max,
                       struct iot_writer *w)
{
    iot_err err = iot_device_can_publish(dev, msg);
    if (err == IOT_OK)
        err = iot_mqtt_session_begin(&dev->mqtt.session, msg, max, w);
    if (err != IOT_OK)
        return err;
    w->owner = dev;
    dev->queued = true; /* what gave way is told */
    return IOT_OK;
}

iot_err iot_mqtt_commit(struct iot_writer *w, iot_ticket *ticket)
{
    struct iot_device *dev = w->owner;
    if (dev == NULL)
        return IOT_ERR_STATE;
    iot_net_assert_context();
    w->owner = NULL;
    dev->queued = true; /* whatever becomes of it: others may have waited for its end */
    iot_err err = iot_mqtt_session_commit(&dev->mqtt.session, w, ticket);
    if (err != IOT_OK)
        return err;
    struct iot_bytes topic = iot_mqtt_writer_topic(&dev->mqtt.session.box);
    struct iot_bytes payload = {w->ptr, w->len};
    IOT_DUMP_UP(dev->opt->port_ops, topic, payload);
    return IOT_OK;
}

void iot_mqtt_cancel(struct iot_writer *w)
{
    struct iot_device *dev = w->owner;
    iot_net_assert_context();
    if (dev != NULL) {
        iot_mqtt_writer_drop(&dev->mqtt.session.box);
        dev->queued = true;
    }
    w->owner = NULL;
}

#endif

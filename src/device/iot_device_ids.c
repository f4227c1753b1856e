/* SPDX-License-Identifier: Apache-2.0 */
#include "device/iot_device_ids.h"

#if IOT_FEATURE_SESSION_KEEP

static iot_err load(struct iot_device *dev)
{
    const struct iot_port *port = dev->opt->port_ops;
    uint8_t record[2];
    uint32_t len = 0;
    iot_err err = port->kv_get(port->ctx, dev->opt->session_key, record, sizeof record, &len);
    if (err == IOT_OK && len == sizeof record) {
        uint16_t id = (uint16_t)(record[0] << 8 | record[1]);
        dev->mqtt.session.next_id = id;
        iot_mqtt_qos2_base(&dev->mqtt.session, id);
    } else if (err != IOT_OK && err != IOT_ERR_STATE && err != IOT_ERR_SIZE)
        return err;
    dev->ids_loaded = true; /* without a record of ours ids begin as they do without a store */
    return IOT_OK;
}

static iot_err reserve(struct iot_device *dev)
{
    const struct iot_port *port = dev->opt->port_ops;
    struct iot_mqtt_session *s = &dev->mqtt.session;
    uint32_t end = (uint32_t)s->next_id + s->id_left + IOT_DEVICE_IDS_BLOCK;
    uint8_t record[2] = {(uint8_t)(end >> 8), (uint8_t)end};
    iot_err err = port->kv_set(port->ctx, dev->opt->session_key, record, sizeof record);
    if (err == IOT_OK)
        s->id_left = (uint16_t)(s->id_left + IOT_DEVICE_IDS_BLOCK);
    return err;
}

iot_err iot_device_ids_reserve(struct iot_device *dev)
{
    const struct iot_mqtt_session *s = &dev->mqtt.session;
    if (!iot_device_ids_low(dev))
        return IOT_OK;
    iot_err err = dev->ids_loaded ? IOT_OK : load(dev);
    if (err == IOT_OK)
        err = reserve(dev);
    if (s->id_left != 0)
        return IOT_OK;
    /* A store that is full is not the outbox that is: nobody would be told when there is room. */
    return err == IOT_ERR_AGAIN ? err : IOT_ERR_KV;
}

bool iot_device_ids_fit(const struct iot_options *opt)
{
    return opt->session != IOT_SESSION_KEEP_REBOOT ||
           (opt->session_key != NULL && opt->port_ops->kv_get != NULL);
}

#endif

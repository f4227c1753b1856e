/* SPDX-License-Identifier: Apache-2.0 */
#include "device/iot_device_parts.h"
#include "device/iot_device_room.h"

#if IOT_ATTACHED

bool iot_device_has(const struct iot_device *dev, const struct iot_part *part)
{
    const struct iot_part *p = dev->parts;
    while (p != NULL && p != part)
        p = p->next;
    return p != NULL;
}

bool iot_device_parts_share(const struct iot_device *dev, const void *memory, uint32_t bytes)
{
    for (const struct iot_part *p = dev->parts; p != NULL; p = p->next)
        if (p->ops->tls != NULL && iot_device_overlaps(p->ops->tls(p), memory, bytes))
            return true;
    return false;
}

void iot_device_attach(struct iot_device *dev, struct iot_part *part)
{
    struct iot_part **end = &dev->parts;
    while (*end != NULL)
        end = &(*end)->next;
    part->next = NULL;
    *end = part;
    dev->wake = true;
}

void iot_device_parts_begun(struct iot_device *dev)
{
    if (!iot_device_parts_idle(dev))
        dev->mqtt.begun = true;
}

void iot_device_parts_close(struct iot_device *dev)
{
    for (struct iot_part *p = dev->parts; p != NULL; p = p->next)
        p->ops->close(p);
}

iot_err iot_device_parts_take(struct iot_device *dev, const struct iot_msg *msg)
{
    iot_err err = IOT_ERR_STATE;
    for (struct iot_part *p = dev->parts; p != NULL && err == IOT_ERR_STATE; p = p->next)
        if (p->ops->take != NULL)
            err = p->ops->take(p, msg);
    return err;
}

void iot_device_parts_event(struct iot_device *dev, const struct iot_event *ev)
{
    for (struct iot_part *p = dev->parts; p != NULL; p = p->next)
        if (p->ops->event != NULL)
            p->ops->event(p, ev);
}

void iot_device_parts_run(struct iot_device *dev)
{
    for (struct iot_part *p = dev->parts; p != NULL; p = p->next)
        p->ops->run(p, dev->now);
}

iot_time iot_device_parts_deadline(const struct iot_device *dev)
{
    iot_time first = IOT_TIME_NEVER;
    for (const struct iot_part *p = dev->parts; p != NULL; p = p->next) {
        iot_time its = p->ops->deadline(p);
        if (its < first)
            first = its;
    }
    return first;
}

bool iot_device_parts_idle(const struct iot_device *dev)
{
    for (const struct iot_part *p = dev->parts; p != NULL; p = p->next)
        if (!p->ops->idle(p))
            return false;
    return true;
}

#endif

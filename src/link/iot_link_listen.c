/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions of the platform's topics, for a device that does not have the platform make them. What comes is
 * taken by the routes (iot_link_route.h), subscribed or not. */
#include "link/iot_link_alink.h"

#if IOT_FEATURE_ALINK

#define TEXT_MAX ((uint32_t)sizeof((struct iot_listen_texts *)NULL)->text[0])

static const struct {
    const char *before, *after;
} owned[] = {
    /* in the order of enum iot_listen */
    {"/sys/", "#"},
    {"/ext/ntp/", "response"},
    {"/ext/error/", ""},
};

#define OWNED (sizeof owned / sizeof owned[0])

static iot_err subscribe(struct iot_alink *a, const struct iot_topic *filter)
{
    struct iot_filter f = {.filter = *filter, .qos = 1};

    return a->line->subscribe(iot_alink_device(a), &f, NULL);
}

iot_err iot_alink_listen(struct iot_device *dev, uint32_t groups, struct iot_listen_texts *texts)
{
    static const struct iot_topic rrpc = IOT_TOPIC("/ext/rrpc/+/#");
    struct iot_alink *a = iot_alink_of(dev);
    iot_err err = IOT_OK;

    if ((groups & IOT_LISTEN_ALL) == 0 || (groups & ~(uint32_t)IOT_LISTEN_ALL) != 0 ||
        ((groups & ~(uint32_t)IOT_LISTEN_RRPC) != 0 && texts == NULL))
        return IOT_ERR_ARG;
    for (uint32_t i = 0; i < OWNED && err == IOT_OK; i++) {
        struct iot_topic filter;
        if ((groups & (uint32_t)1 << i) == 0)
            continue;
        err = iot_alink_topic(a, owned[i].before, owned[i].after, NULL, texts->text[i], TEXT_MAX,
                              &filter);
        if (err == IOT_OK)
            err = subscribe(a, &filter);
    }
    return err == IOT_OK && (groups & IOT_LISTEN_RRPC) != 0 ? subscribe(a, &rrpc) : err;
}

#endif

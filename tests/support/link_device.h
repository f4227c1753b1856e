/* SPDX-License-Identifier: Apache-2.0 */
/* A device of the platform's over a stub stream: logs in as the test identity, says what it published, and gets
 * messages. For a test program that includes this once. */
#ifndef LINK_DEVICE_H
#define LINK_DEVICE_H

#include "stub_device.h"

#define LINK_PK  "a1B2c3D4e5F"
#define LINK_DN  "dev001"
#define LINK_SYS "/sys/" LINK_PK "/" LINK_DN "/"

static struct iot_link_identity link_identity;
static uint32_t link_heard; /* bytes of what was sent that the test has looked at */

static inline iot_err link_random(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    memset(into, 0x55, n);
    return IOT_OK;
}

static const struct iot_port link_port = {.random = link_random};

/* An initialised device, not connected yet. */
static inline void link_setup(void)
{
    stub_device_setup(&link_port);
    memset(&link_identity, 0, sizeof link_identity);
    link_identity.product_key = LINK_PK;
    link_identity.device_name = LINK_DN;
    link_identity.device_secret = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
    link_identity.system_topics = true;
    opt.host = NULL;
    opt.client_id = NULL;
    opt.link = &link_identity;
    link_heard = 0;
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
}

/* What was published since the last call is forgotten. */
static inline void link_deaf(void)
{
    link_heard = stub_sent(&stub).len;
}

static inline void link_login(void)
{
    assert_err(iot_device_connect(&dev), IOT_OK);
    accept_login(false);
    link_deaf();
}

/* The next message that was published, "TOPIC PAYLOAD"; "": none. */
static inline const char *link_said(void)
{
    static char text[70000];
    struct iot_bytes all = stub_sent(&stub);
    struct iot_bytes rest = {all.ptr + link_heard, all.len - link_heard};
    struct wire_packet p;

    while (wire_next(&rest, &p)) {
        link_heard = all.len - rest.len;
        if (p.type != 3)
            continue;
        snprintf(text, sizeof text, "%.*s %.*s", (int)p.topic.len, (const char *)p.topic.ptr,
                 (int)p.payload.len, (const char *)p.payload.ptr);
        return text;
    }
    return "";
}

/* A message of QoS 0 on a topic of the device's own, "/sys/{pk}/{dn}/" before it if it does not begin with '/'. */
static inline void link_feed_bytes(const char *topic, struct iot_bytes payload)
{
    char whole[512];

    snprintf(whole, sizeof whole, "%s%s", *topic == '/' ? "" : LINK_SYS, topic);
    wire_publish(&in, 0, whole, 0, payload.ptr, payload.len);
    receive();
    run(1);
}

static inline void link_feed(const char *topic, const char *payload)
{
    link_feed_bytes(topic, text_bytes(payload));
}

/* From now on nothing leaves, and the outbox is full. */
static inline void link_jam(void)
{
    static const struct iot_topic topic = IOT_TOPIC("jam");
    static uint8_t fill[IOT_MQTT_TX_BYTES];
    struct iot_msg msg = {.topic = topic};

    stub.write_budget = 0;
    for (uint32_t n = sizeof fill; n != 0;) {
        msg.payload = (struct iot_bytes){fill, n};
        iot_err err = iot_mqtt_publish(&dev, &msg, NULL);
        if (err != IOT_OK)
            n = n == 1 ? 0 : n / 2;
    }
}

/* All leaves again, and what was declined comes again. */
static inline void link_unjam(void)
{
    stub_allow(&stub, UINT32_MAX / 2);
    run(200);
}

/* The next one that is not of link_jam. */
static inline const char *link_said_behind_jam(void)
{
    const char *said;

    do
        said = link_said();
    while (strncmp(said, "jam ", 4) == 0);
    return said;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest whole program: connect, subscribe, publish each second. On a board host_init is your
 * netif's start-up and host_turn is the idle part of your loop; the rest stays as it is.
 *
 *     mqtt_minimal [HOST [PORT [SECONDS]]]
 */
#include "host/host_loop.h"
#include "host/host_net.h"
#include "iot/iot.h"
#include "iot/iot_static.h"
#include "lwip/sys.h"
#include "unix/iot_port_unix.h"

#include <stdio.h>
#include <stdlib.h>

static struct iot_device device; /* all the memory there is */

static iot_err on_command(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    (void)ctx;
    (void)dev;
    printf("received %.*s\n", (int)msg->payload.len, (const char *)msg->payload.ptr);
    return IOT_OK;
}

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    (void)ctx;
    (void)dev;
    if (ev->kind == IOT_EV_CONNECTED)
        printf("connected\n");
    if (ev->kind == IOT_EV_LOST)
        printf("lost: %s\n", iot_err_text(ev->err));
    if (ev->kind == IOT_EV_DONE)
        printf("message %lu is with the broker\n", (unsigned long)ev->ticket);
}

int main(int argc, char **argv)
{
    const struct iot_options options = {
        .host = host_reachable(argc > 1 ? argv[1] : "127.0.0.1"),
        .port = (uint16_t)(argc > 2 ? atoi(argv[2]) : 1883),
        .client_id = "minimal",
        .keepalive_s = 60,
        .on_event = on_event,
        .port_ops = &iot_port_unix,
    };
    const struct iot_filter commands = {
        .filter = IOT_TOPIC("minimal/command"), .qos = 1, .on_message = on_command};
    const struct iot_msg hello = {
        .topic = IOT_TOPIC("minimal/hello"), .payload = {(const uint8_t *)"hello", 5}, .qos = 1};
    uint32_t end_ms = (uint32_t)(argc > 3 ? atoi(argv[3]) : 10) * 1000, next_ms = 0;

    if (!host_init(NULL) || iot_device_init(&device, &options) != IOT_OK)
        return 1;
    iot_device_connect(&device);
    iot_mqtt_subscribe(&device, &commands, NULL);
    for (uint32_t start = sys_now(); sys_now() - start < end_ms;) {
        if (sys_now() - start >= next_ms && iot_device_connected(&device)) {
            iot_mqtt_publish(&device, &hello, NULL);
            next_ms = sys_now() - start + 1000;
        }
        uint32_t sleep_ms = iot_poll(&device, sys_now());
        host_turn(sleep_ms < 100 ? sleep_ms : 100);
    }
    return iot_device_counters(&device)->sent_messages > 0 ? 0 : 1;
}

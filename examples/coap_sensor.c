/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sleepy sensor: each run is one wake. It takes a reading, posts it over DTLS, and is off until somebody starts it again.
 *
 *     coap_sensor FLASH IDENTITY KEY [HOST [PORT [CUT]]]
 *
 * IDENTITY and KEY are what the server knows it by: a name and a key of the same, both as text. FLASH is a file that stands for
 * its flash, the only thing that lasts: what is to be posted is in there, and the association of the last wake, with which this
 * one goes on without a handshake. With libcoap's server, which knows no connection IDs but takes the readings all the same:
 *
 *     coap-server -k secret -d 8
 *     coap_sensor sensor.flash sensor1 secret 127.0.0.1 5684
 *
 * CUT, N or N:KIND: power goes in the N-th operation of the flash, and leaves none of it, half, all, junk or weak bits. Try any;
 * the next run makes up for it. Exit 0: all readings have arrived; 1: they wait for the next wake; 42: power was cut.
 *
 * What it does is in coap_sensor/sensor.c, and the same on a board (firmware_sensor).
 */
#include "coap_sensor/sensor.h"
#include "host/host_loop.h"
#include "host/host_net.h"
#include "lwip/sys.h"
#include "unix/iot_nor_unix.h"
#include "unix/iot_port_unix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CUT_EXIT 42

static void on_cut(void *ctx, const struct iot_nor_unix_op *op)
{
    (void)ctx;
    printf("power cut in operation %lu: %s\n", (unsigned long)op->number, op->kind);
    fflush(stdout);
    _Exit(CUT_EXIT);
}

static bool plan_cut(char *text)
{
    struct iot_nor_unix *chip = iot_port_unix_flash();
    char *kind = strchr(text, ':');
    int cut = kind != NULL ? iot_nor_unix_cut(kind + 1) : IOT_NOR_CUT_NONE;

    chip->on_cut = on_cut;
    chip->cut = (enum iot_nor_cut)cut;
    chip->cut_at = (uint32_t)strtoul(text, NULL, 10);
    return cut >= 0 && chip->cut_at > 0;
}

/* What there is to measure on a machine without a thermometer. */
static int16_t measure(void)
{
    return (int16_t)(200 + sys_now() % 50);
}

static struct iot_bytes bytes_of(const char *text)
{
    return (struct iot_bytes){(const uint8_t *)text, (uint32_t)strlen(text)};
}

static void say_report(const struct sensor_report *r)
{
    if (r->count > 0)
        printf("readings %lu to %lu: ", (unsigned long)r->first,
               (unsigned long)(r->first + r->count - 1));
    if (r->err != IOT_OK)
        printf("%s (%ld)\n", iot_err_text(r->err), (long)r->detail);
    else
        printf("%d.%02d, %s\n", r->code >> 5, r->code & 31,
               r->resumed ? "went on where it was" : "after a handshake");
}

static void say_memory(void)
{
    struct iot_tls_memory arena;

    sensor_memory(&arena);
    printf("arena: %lu of %lu bytes\n", (unsigned long)arena.high, (unsigned long)arena.max);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    const struct sensor_options options = {
        .port = &iot_port_unix,
        .host = host_reachable(argc > 4 ? argv[4] : "127.0.0.1"),
        .server_port = (uint16_t)(argc > 5 ? atoi(argv[5]) : 0),
        .identity = bytes_of(argv[2]),
        .key = bytes_of(argv[3]),
    };

    if (!iot_port_unix_file(argv[1]) || (argc > 6 && !plan_cut(argv[6])))
        return 2;
    if (!host_init(NULL) || sensor_start(&options, measure(), sys_now()) != IOT_OK)
        return 2;
    sensor_online(); /* this network is there from the start */
    while (!sensor_asleep())
        host_turn(sensor_poll(sys_now()));
    say_report(sensor_report());
    say_memory();
    return sensor_report()->arrived ? 0 : 1;
}

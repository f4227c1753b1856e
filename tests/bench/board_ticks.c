/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The product of examples/firmware_superloop with a loop that counts: the dearest tick of a handshake and of a connection that
 * stands, and what arena and stack were used for it. Under `qemu-system-arm -icount shift=6` an instruction takes
 * 64 ns, and the counter of the board goes on every 40 ns.
 *
 * READINGS readings first; "ticks listening" when all of them are acknowledged and no more will be taken, so that the message
 * which then comes meets nothing else in its tick, on a slow machine neither. After it "ticks NAME NUMBER" lines, and
 * "ticks end"; ends the emulator when that cannot be. The product's own lines are left out: the UART would be counted, too.
 */
#include "mps2_an385/iot_mps2_clock.h"
#include "mps2_an385/iot_mps2_semihost.h"
#include "mps2_an385/iot_mps2_start.h"
#include "mps2_an385/iot_mps2_uart.h"
#include "mps2_an385/iot_port_mps2.h"
#include "network.h"
#include "number.h"
#include "product.h"
#include "say.h"

#include "iot/iot_static.h"
#include "lwip/timeouts.h"

#define READINGS 20u
#define WAIT_MS  120000u
#define WORK     200u   /* instructions: a tick that did something */
#define STEP     20000u /* ... that computed */

struct span {
    uint32_t worst, total, steps;
};

static struct span handshake, steady;
static uint32_t marks; /* what counting costs */

static uint32_t instructions(void)
{
    return (uint32_t)(iot_mps2_cycles() * 5 / 8);
}

/* ---- instead of say.c ---------------------------------------------------------------------------- */

void say(const char *text)
{
    (void)text;
}

void say_number(uint32_t number)
{
    (void)number;
}

void say_bytes(const void *bytes, uint32_t len)
{
    (void)bytes;
    (void)len;
}

static void report(const char *name, uint32_t number)
{
    char text[11];

    iot_mps2_uart_text("ticks ");
    iot_mps2_uart_text(name);
    iot_mps2_uart_text(" ");
    iot_mps2_uart_write(text, number_text(number, text));
    iot_mps2_uart_text("\n");
}

/* ---- the loop ------------------------------------------------------------------------------------ */

static void add(struct span *s, uint32_t cost)
{
    cost = cost > marks ? cost - marks : 0;
    if (cost >= WORK)
        s->total += cost;
    if (cost >= STEP)
        s->steps++;
    if (cost > s->worst)
        s->worst = cost;
}

static void poll_counted(void)
{
    struct span *s = iot_device_connected(&product) ? &steady : &handshake;
    uint32_t now_ms = iot_mps2_ms(), begin = instructions();

    (void)iot_poll(&product, now_ms);
    add(s, instructions() - begin);
}

static void calibrate(void)
{
    uint32_t begin = instructions();

    marks = instructions() - begin;
}

static void report_pools(void)
{
    struct iot_pool_use use;

    for (uint32_t i = 0; iot_device_pool(&product, i, &use); i++) {
        if (use.name[0] == 't' && use.name[1] == 'l' && use.name[2] == 's') {
            report("arena-peak", use.high);
            report("arena-steady", use.used);
        }
    }
}

int main(void)
{
    const struct iot_counters *count = iot_device_counters(&product);
    bool listening = false;
    uint32_t before = 0; /* of the platform's own, at the login */

    calibrate();
    if (iot_port_mps2_mount() != IOT_OK || !product_start() || !network_start())
        iot_mps2_semihost_exit(2);
    while (!listening || count->received_messages == before) {
        if (iot_mps2_ms() > WAIT_MS)
            iot_mps2_semihost_exit(3);
        if (count->losses > 0) {
            int32_t detail;
            iot_mps2_uart_text("lost: ");
            iot_mps2_uart_text(iot_err_name(iot_device_last_reason(&product, &detail)));
            iot_mps2_uart_text("\n");
            iot_mps2_semihost_exit(1);
        }
        (void)network_poll(UINT32_MAX);
        sys_check_timeouts();
        if (count->sent_messages < READINGS)
            (void)product_tick(iot_mps2_ms());
        poll_counted();
        if (!listening && count->sent_messages >= READINGS && iot_device_idle(&product)) {
            iot_mps2_uart_text("ticks listening\n");
            listening = true;
            before = count->received_messages;
        }
    }
    report("handshake-worst", handshake.worst);
    report("handshake-total", handshake.total);
    report("handshake-steps", handshake.steps);
    report("steady-worst", steady.worst);
    report_pools();
    report("stack-used", iot_mps2_stack_used());
    iot_mps2_uart_text("ticks end\n");
    for (;;)
        iot_mps2_sleep(1000);
}

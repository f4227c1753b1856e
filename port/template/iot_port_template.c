/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An empty port to copy. It compiles and links as it is, so that you can build first and fill in
 * afterwards; it does not connect, because it has no random source yet.
 *
 * What a board needs besides this file:
 *   1. A netif driver for lwIP that only queues in its interrupt; ethernet_input (or ip_input) is
 *      called from the loop. Your vendor's lwIP package has one.
 *   2. port/lwip on the include path (lwipopts.h, arch/cc.h) and iot_lwip_hooks.c in the build, or
 *      your own lwipopts.h with LWIP_RAND and LWIP_HOOK_TCP_ISN set as there.
 *   3. The loop: serve the netif, sys_check_timeouts(), iot_poll(&device, sys_now()), then sleep
 *      for the smaller of iot_poll's answer and sys_timeouts_sleeptime(), or until an interrupt.
 */
#include "iot_port_template.h"

#include "lwip/sys.h"

/* The hardware generator. Everything that must not be guessed comes from here. */
static bool board_random_word(uint32_t *word)
{
    *word = 0;
    return false; /* yours: read your generator's data register; true if it was ready */
}

/* Milliseconds since reset; wraps after 49 days and may. Must not stand still in sleep: lwIP's and
 * lwlink's time-outs are measured with it. */
u32_t sys_now(void)
{
    return 0; /* yours: HAL_GetTick(), to_ms_since_boot(get_absolute_time()), ... */
}

/* lwlink: unpredictable bytes. May answer IOT_ERR_AGAIN while the generator warms up. Never fill
 * from a counter or from an address: an attacker's guess, and every device of a batch alike. */
static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    uint8_t *to = into;
    uint32_t word = 0;

    (void)ctx;
    for (uint32_t i = 0; i < n; i++) {
        if (i % 4 == 0 && !board_random_word(&word))
            return IOT_ERR_AGAIN; /* IOT_ERR_RANDOM if it is broken for good */
        to[i] = (uint8_t)(word >> (8 * (i % 4)));
    }
    return IOT_OK;
}

/* Trusted time: a clock with a battery, or what NTP said over a link that you trust. Certificates are judged
 * by it, so rather say AGAIN than a guess; without it only tls.min_wall_s (set it to your build's date) and
 * the last time that was saved keep expired ones out. Leave it NULL if you never know. */
static iot_err wall(void *ctx, int64_t *unix_s)
{
    (void)ctx;
    (void)unix_s;
    return IOT_ERR_AGAIN; /* yours: *unix_s = ...; return IOT_OK */
}

const struct iot_port iot_port_template = {
    .ctx = NULL, /* handed back as the first argument; for boards with more than one of something */
    .random = random_bytes,
    .wall = wall,
    /* .kv_get, .kv_set, .kv_del: small values in flash, all three or none. With them TLS sessions are resumed
     * after a reboot and the last trusted time is known. port/nor makes them of three functions of your flash. */
    /* .log: a line for your UART; build with IOT_LOG_LEVEL 1 to 5. */
};

/* lwIP: DNS ids, ports, first sequence numbers. Cannot fail, so wait for the generator here, for a
 * bounded number of tries. */
uint32_t iot_lwip_rand(void)
{
    uint32_t word = 0;

    for (int tries = 0; tries < 1000 && !board_random_word(&word); tries++)
        ;
    return word;
}

/* A broken promise, ours or yours (IOT_ASSERTS 1), or lwIP's. Must not return: save file and line
 * where the next boot finds them, and reset. */
void iot_assert_failed(const char *file, int line)
{
    (void)file;
    (void)line;
    for (;;)
        ; /* yours: NVIC_SystemReset() */
}

#ifdef LWIP_DEBUG
/* lwIP's debugging text, as printf. Only if you build lwIP with LWIP_DEBUG. */
void iot_lwip_diag(const char *format, ...)
{
    (void)format; /* yours: vsnprintf and your UART */
}
#endif

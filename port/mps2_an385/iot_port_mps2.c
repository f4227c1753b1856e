/* SPDX-License-Identifier: Apache-2.0 */
/* The port: each member of struct iot_port, and what lwIP asks for. */
#include "iot_port_mps2.h"

#include "iot_mps2_board.h"
#include "iot_mps2_flash.h"
#include "iot_mps2_semihost.h"
#include "iot_mps2_uart.h"
#include "lwip/arch.h"
#include "nor/iot_nor_kv.h"

#include <string.h>

/* ---- NOR flash ----------------------------------------------------------------------------------- */

static uint8_t *flash_at(uint32_t offset)
{
    return (uint8_t *)(uintptr_t)(MPS2_PSRAM + offset);
}

static iot_err erase(void *ctx, uint32_t offset)
{
    (void)ctx;
    memset(flash_at(offset), 0xff, MPS2_SECTOR_BYTES);
    return IOT_OK;
}

/* As the chip does it: bits are only cleared. */
static iot_err program(void *ctx, uint32_t offset, const void *bytes, uint32_t n)
{
    const uint8_t *from = bytes;
    uint8_t *to = flash_at(offset);

    (void)ctx;
    for (uint32_t i = 0; i < n; i++)
        to[i] &= from[i];
    return memcmp(to, from, n) == 0 ? IOT_OK : IOT_ERR_KV; /* it was not erased */
}

static iot_err read(void *ctx, uint32_t offset, void *into, uint32_t n)
{
    (void)ctx;
    memcpy(into, flash_at(offset), n);
    return IOT_OK;
}

static const struct iot_nor flash = {
    .sector_bytes = MPS2_SECTOR_BYTES,
    .write_bytes = MPS2_WRITE_BYTES,
    .erase = erase,
    .program = program,
    .read = read,
};

/* ---- the port -------------------------------------------------------------------------------------- */

static struct iot_nor_kv store;

iot_err iot_port_mps2_mount(void)
{
    return iot_nor_kv_mount(&store, &flash, MPS2_KV_OFFSET, MPS2_KV_SECTORS);
}

iot_err iot_port_mps2_boot(struct iot_nor_boot *boot,
                           bool (*verify)(void *ctx, const uint8_t *sha256,
                                          struct iot_bytes signature))
{
    static struct iot_nor_boot_map map = {
        .nor = &flash,
        .journal = &store,
        .offset = {MPS2_SLOT_A_OFFSET, MPS2_SLOT_B_OFFSET},
        .sectors = MPS2_SLOT_BYTES / MPS2_SECTOR_BYTES,
    };

    map.verify = verify;
    return iot_nor_boot_open(boot, &map);
}

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    return iot_mps2_semihost_random(into, n) ? IOT_OK : IOT_ERR_RANDOM;
}

static iot_err wall(void *ctx, int64_t *unix_s)
{
    (void)ctx;
    *unix_s = (int64_t)iot_mps2_semihost_time();
    return IOT_OK;
}

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    (void)ctx;
    return iot_nor_kv_get(&store, key, into, cap, len);
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    (void)ctx;
    return iot_nor_kv_set(&store, key, bytes, len);
}

static iot_err kv_del(void *ctx, const char *key)
{
    (void)ctx;
    return iot_nor_kv_del(&store, key);
}

static void log_line(void *ctx, enum iot_log_level level, const char *line, uint32_t len)
{
    (void)ctx;
    (void)level;
    iot_mps2_uart_write(line, len);
    iot_mps2_uart_text("\n");
}

const struct iot_port iot_port_mps2 = {
    .random = random_bytes,
    .wall = wall,
    .kv_get = kv_get,
    .kv_set = kv_set,
    .kv_del = kv_del,
    .log = log_line,
};

/* lwIP: DNS ids, ports, the key of first sequence numbers. */
uint32_t iot_lwip_rand(void)
{
    uint32_t word = 0;

    if (!iot_mps2_semihost_random(&word, sizeof word))
        iot_assert_failed(__FILE__, __LINE__);
    return word;
}

#ifdef LWIP_DEBUG
void iot_lwip_diag(const char *format, ...)
{
    iot_mps2_uart_text(format); /* without its numbers: they would bring printf */
}
#endif

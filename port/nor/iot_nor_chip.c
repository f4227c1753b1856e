/* SPDX-License-Identifier: Apache-2.0 */
#include "iot_nor_chip.h"

#include <string.h>

static iot_err weather_or_kv(iot_err err)
{
    return err == IOT_OK || err == IOT_ERR_AGAIN ? err : IOT_ERR_KV;
}

iot_err iot_nor_chip_erase(const struct iot_nor *nor, uint32_t offset)
{
    return weather_or_kv(nor->erase(nor->ctx, offset));
}

iot_err iot_nor_chip_read(const struct iot_nor *nor, uint32_t offset, void *into, uint32_t n)
{
    return weather_or_kv(nor->read(nor->ctx, offset, into, n));
}

iot_err iot_nor_chip_put(const struct iot_nor *nor, uint32_t offset, const uint8_t *bytes,
                         uint32_t n)
{
    uint8_t back[IOT_NOR_CHUNK];
    iot_err err = weather_or_kv(nor->program(nor->ctx, offset, bytes, n));

    if (err != IOT_OK)
        return err;
    if (nor->read(nor->ctx, offset, back, n) != IOT_OK)
        return IOT_ERR_KV; /* nothing is under way that it could be busy with */
    return memcmp(back, bytes, n) == 0 ? IOT_OK : IOT_ERR_KV;
}

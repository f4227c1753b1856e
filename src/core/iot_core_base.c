/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/iot_base.h"

uint32_t iot_version(void)
{
    return (uint32_t)IOT_VERSION_MAJOR << 16 | IOT_VERSION_MINOR << 8 | IOT_VERSION_PATCH;
}

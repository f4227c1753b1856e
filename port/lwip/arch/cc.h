/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file arch/cc.h
 * What lwIP wants to know about compiler and machine: GCC, Clang and Arm Compiler 6, any byte order.
 * Another compiler needs its PACK_STRUCT words added. No stdio: diagnostics and failed assertions go
 * to the port.
 */
#ifndef LWLINK_ARCH_CC_H
#define LWLINK_ARCH_CC_H

#include <stdint.h>

/* glibc defines BYTE_ORDER too; first come, so that nobody redefines it. */
#if defined(__linux__)
#include <endian.h>
#endif

#ifndef LITTLE_ENDIAN
#define LITTLE_ENDIAN 1234
#endif
#ifndef BIG_ENDIAN
#define BIG_ENDIAN 4321
#endif
#ifndef BYTE_ORDER
#if defined(__BYTE_ORDER__) && defined(__ORDER_BIG_ENDIAN__)
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define BYTE_ORDER BIG_ENDIAN
#else
#define BYTE_ORDER LITTLE_ENDIAN
#endif
#elif defined(__LITTLE_ENDIAN__) && !__LITTLE_ENDIAN__
#define BYTE_ORDER BIG_ENDIAN /* IAR: defined as 0 or 1 */
#elif defined(__BIG_ENDIAN) || defined(__ARMEB__)
#define BYTE_ORDER BIG_ENDIAN
#else
#define BYTE_ORDER LITTLE_ENDIAN
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** 32 bits that nobody can predict. Written by the port; may not fail and may not wait long. */
uint32_t iot_lwip_rand(void);

/** As printf; only called when lwIP is built with LWIP_DEBUG. Written by the port. */
void iot_lwip_diag(const char *format, ...);

/** See iot_port.h; declared again here so that lwIP needs nothing of lwlink's. */
void iot_assert_failed(const char *file, int line);

#ifdef __cplusplus
}
#endif

#ifdef LWIP_DEBUG
#define LWIP_PLATFORM_DIAG(x) (iot_lwip_diag x)
#else
#define LWIP_PLATFORM_DIAG(x) ((void)0)
#endif

/* The text of the assertion is left out: file and line find it, and it would fill the flash. */
#define LWIP_PLATFORM_ASSERT(x) iot_assert_failed(__FILE__, __LINE__)

#endif

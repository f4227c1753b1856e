/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold, for callers and for ourselves. Bytes from the network never lead here. */
#ifndef IOT_CORE_ASSERT_H
#define IOT_CORE_ASSERT_H

#include "iot/iot_port.h"

#if IOT_ASSERTS
#define IOT_ASSERT(c) ((c) ? (void)0 : iot_assert_failed(__FILE__, __LINE__))
#else
#define IOT_ASSERT(c) ((void)0)
#endif

#define IOT_UNREACHABLE() IOT_ASSERT(!"unreachable")

/* C99 has no _Static_assert. */
#define IOT_STATIC_ASSERT_NAME2(line) iot_static_assert_##line
#define IOT_STATIC_ASSERT_NAME(line)  IOT_STATIC_ASSERT_NAME2(line)
#define IOT_STATIC_ASSERT(c, text)    typedef char IOT_STATIC_ASSERT_NAME(__LINE__)[(c) ? 1 : -1]

#endif

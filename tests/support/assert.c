/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "iot/iot_port.h"

/* Weak: binaries with the simulated host bring that of their port. A test that breaks a promise on
 * purpose wraps the call in cmocka's expect_assert_failure. */
__attribute__((weak)) void iot_assert_failed(const char *file, int line)
{
    if (global_expecting_assert)
        mock_assert(0, "IOT_ASSERT", file, line);
    fflush(stdout);
    fprintf(stderr, "%s:%d: assertion failed\n", file, line);
    abort();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/iot_core_utf8.h"

bool iot_utf8_valid(struct iot_bytes text)
{
    return iot_utf8_valid_so_far(text, text.len);
}

bool iot_utf8_valid_so_far(struct iot_bytes text, uint32_t have)
{
    uint32_t at = 0;

    while (at < have) {
        uint32_t lead = text.ptr[at++];

        if (lead - 1 < 0x7f)
            continue;
        if (lead < 0xc2 || lead > 0xf4) /* NUL, stray continuation, C0 and C1 are never shortest */
            return false;

        uint32_t more = 1u + (lead >= 0xe0) + (lead >= 0xf0);
        if (more > text.len - at)
            return false;

        /* Only the second byte has limits of its own (RFC 3629, section 4). */
        uint32_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        uint32_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        for (; more != 0 && at < have; more--, at++) {
            if (text.ptr[at] < low || text.ptr[at] > high)
                return false;
            low = 0x80;
            high = 0xbf;
        }
    }
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core/iot_core_utf8.h"

#include <string.h>

#define EACH(byte) ((uint32_t)(byte)*0x01010101u)

/* Four bytes from ',' to 0x7f, as nearly all of nearly all texts are. Asked of four at once: a byte
 * below borrows and so sets its top bit, and spoils only those above itself. */
static bool all_plain(const uint8_t *p)
{
    uint32_t four;

    memcpy(&four, p, sizeof four);
    return (((four - EACH(',')) | four) & EACH(0x80)) == 0;
}

bool iot_utf8_valid(struct iot_bytes text)
{
    return iot_utf8_valid_so_far(text, text.len, "");
}

bool iot_utf8_valid_so_far(struct iot_bytes text, uint32_t have, const char *without)
{
    size_t at = 0;

    for (;;) {
        while (at + 4 <= have && all_plain(text.ptr + at))
            at += 4;
        if (at == have)
            return true;

        uint32_t lead = text.ptr[at++];
        if (lead - 1 < 0x7f) {
            for (const char *c = without; *c != '\0'; c++) {
                if (lead == (uint8_t)*c)
                    return false;
            }
            continue;
        }
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
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "rig_watch.h"

#include "test.h"

#include "host/host_cable.h"
#include "host/host_pem.h"

#define PIECE 64u /* bytes; a frame holds one of these whole, wherever the certificate is cut */

static struct host_pem certificate;
static uint32_t seen;

static bool on_frame(void *ctx, bool out, const uint8_t *frame, uint32_t len)
{
    struct iot_bytes der = certificate.items[0];

    (void)ctx;
    for (uint32_t at = 0; !out && at + PIECE <= der.len; at += PIECE) {
        if (memmem(frame, len, der.ptr + at, PIECE) != NULL) {
            seen++;
            break;
        }
    }
    return true;
}

void rig_watch_certificate(const char *path)
{
    char why[128];

    if (!host_pem_read(&certificate, path, HOST_PEM_CERTIFICATES, why))
        fail_msg("%s", why);
    seen = 0;
    host_cable_on_frame(on_frame, NULL);
}

uint32_t rig_watch_seen(void)
{
    return seen;
}

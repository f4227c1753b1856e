/* SPDX-License-Identifier: Apache-2.0 */
/* What passes through the cable: whether the server showed its certificate. In TLS 1.2 it does so readably in a full
 * handshake, and not at all when a session is resumed. */
#ifndef RIG_WATCH_H
#define RIG_WATCH_H

#include <stdint.h>

/** From now on, in the cable of the board that is on. `path`: the server's certificate. */
void rig_watch_certificate(const char *path);

/** In how many frames it came by since. */
uint32_t rig_watch_seen(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file probe_ota.h
 * Firmware update in build/probe: the library's own engine fetches an image into the spare slot of the flash, and chooses it for
 * the next boot.
 *
 *     ota URL [resume] [version= size= sha256= md5= sign= public= chunk= policy= idle-ms= min-rate=] [TLS words, see probe_tls.h]
 *
 *     resume            go on with what the flash says was fetched of this very image; without it, from the first byte
 *     version=TEXT      of the image; without it, an empty one
 *     size=N            bytes; without it the server is asked first, by HEAD, or for one byte where it allows no HEAD
 *     sha256=HEX md5=HEX    digest of the image; with both the SHA-256 counts. One is needed: a platform's offer without
 *                       is refused the same way (OTA_METHOD), and what nothing can vouch for is not started
 *     sign=HEX          ECDSA P-256 signature over the SHA-256, in DER. It goes to the bootloader's record
 *     public=HEX        ... and is verified with this key: 65 bytes, 04 and the coordinates. An image without one is refused then
 *     chunk=N           bytes per request; without it, one request for all
 *     policy=any|newer|different    than the version that runs, which is the flash's; any
 *     idle-ms=N         no byte of the body for so long: ask again (10 000)
 *     min-rate=N        bytes per second, over 5 s; slower: ask again (0, any)
 *
 *     EV status CODE    of the first response that is 2xx; if there is none, of the last one, before EV err
 *     EV ota BYTES TOTAL STATE    fetching: so many are there, first of all and with every per cent; checking: it is read
 *                       back; ready; failed
 *     EV err NAME DETAIL
 *     EV end OK|STATUS|NAME       exactly one, and last. OK: verified, and chosen for the next boot
 *
 * What words say wrongly is named as if the platform had said it: OTA_SIZE (0, or too large), OTA_JOB (no number), OTA_DIGEST
 * (not so many hexadecimal digits), OTA_SIGNATURE, OTA_VERSION (empty, too long, or by the policy), HTTP_URL. A download is
 * tried 4 times in a row that bring nothing new, each up to 10 s in connecting, waiting for a head, and idle. Then
 * `EV err OTA_FAILED`, DETAIL is the number of the last reason, and `EV end` has its name. What `quit` or a signal interrupts ends
 * by CLOSED, which is no failure; `resume` goes on there.
 */
#ifndef PROBE_OTA_H
#define PROBE_OTA_H

#include "probe_event.h"

enum probe_step probe_ota(char **words, uint32_t count, uint32_t waited_ms);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_command.h
 * Commands to a running emulator, a line each:
 *
 *     list                          the devices, a line each
 *     disable|enable|delete PK DN   as the console's buttons
 *     kick PK DN                    close its connection
 *     publish PK DN TOPIC PAYLOAD   PAYLOAD: the rest of the line, as it is; may be missing
 *     flow PK DN on|off             shut it out as flow control does
 *     option NAME VALUE             a rule of struct cloud_rules; option reply-code SUFFIX CODE
 *
 *     set PK DN {VALUES} [rrpc|ext] set properties, and wait for the device's answer; on its topic, or as call
 *     call PK DN SERVICE [{ARGUMENTS}] [sync|async|rrpc|ext]
 *                                   call a service, and wait for the answer; as the model says, or: async on the
 *                                   service's topic, sync and rrpc on rrpc/request, ext on /ext/rrpc
 *     rrpc PK DN [/TOPIC] TEXT|hex:HEX
 *                                   bytes on /ext/rrpc/N/TOPIC, and wait; else TOPIC is {pk}/{dn}/user/get
 *     raw PK DN HEX [rrpc]          raw data; with rrpc, on /ext/rrpc, and wait
 *     desired PK DN {VALUES}        desired values; null takes one away. A device that is online is told by a
 *                                   property set
 *     shadow PK DN [{"desired":{}}] show its shadow; or change the desired part: null takes one away, or all
 *     config PK [[md5] {FILE}|none] the product's remote configuration; show it or set it
 *     config push PK DN             tell the device of it, and wait
 *     log-mode PK DN 0|1            log upload
 *     bootstrap PK DN               ask it to fetch its address again, and wait
 *     error PK DN CODE [WORDS]      a notification on /ext/error
 *     show PK DN                    all that is known of it
 *     reply PK DN ID                what came of a request
 *     tsl PK                        the product's model
 *     file NAME [SECONDS]           publish a file that lies ready (cloud_store.h); says what it is and where, and its
 *                                   address is good for so long
 *     web {REQUEST}                 a front of HTTP asks (cloud_wire.h)
 *     coap {REQUEST}, coap-key ID   a front of CoAP asks (cloud_coap_wire.h)
 *
 *     ota publish PK DN|all FILE|URL version=V [WORD=VALUE...]
 *                                   publish an image for a device or all of a product, and tell those that are online.
 *                                   module=M; sign=md5|sha256 (else the latter); key=PEM signs its digest; protocol=mqtt:
 *                                   over MQTT; diff=1; ext={...}; url=, file=. size=, digest=, digestsign= and other names
 *                                   behind sign= are told as they are, true or not: of a URL alone they are needed
 *     ota show [PK DN]              what is published, and how far each device is
 *     ota push PK DN                tell it once more
 *     ota cancel ID                 no more of it
 *     ota fault crc|offset|cut|silent N
 *                                   each N-th block over MQTT is so; 0: none
 *
 * What waits has an answer after the option rrpc-wait-ms at the latest; it is "ok" if the device answered properly, and
 * with code 200. `--json` before a command: the answer is one JSON object, with "ok" true or false, and "text" or "error"
 * or members that depend on the command.
 */
#ifndef CLOUD_COMMAND_H
#define CLOUD_COMMAND_H

#include "cloud/cloud_core.h"

#define CLOUD_LINE_MAX  (72u * 1024u)  /* a configuration fits */
#define CLOUD_REPLY_MAX (640u * 1024u) /* of an answer; longer ones are cut */

/**
 * Do one command.
 *
 * line     without newline; cut up in here.
 * answer   out: "ok" or "error: words" in its first line, then what there is to tell; each line ends
 *          with a newline.
 * Returns  0; or a ticket for cloud_command_answer: a device has been asked, and there is no answer yet.
 */
uint32_t cloud_command(struct cloud *c, char *line, char *answer, size_t cap, uint64_t now_ms);

/** The answer to a command that gave a ticket; ask after each tick. False: not yet. */
bool cloud_command_answer(struct cloud *c, uint32_t ticket, char *answer, size_t cap);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file lamp_talk.h
 * What a device and the platform say to each other, a line per exchange: the request on the left, its answer with its
 * code on the right, and how long it took. It is read off the library's log (IOT_LOG_DUMP), so it shows what went
 * over the wire, secrets masked.
 */
#ifndef LAMP_TALK_H
#define LAMP_TALK_H

#include "iot/iot_port.h"

/** As iot_port.log wants it: messages become exchanges, all else goes to say_log. */
void talk_log(void *ctx, enum iot_log_level level, const char *line, uint32_t len);

/** Requests that were never answered, a line each. */
void talk_end(void);

/** Exchanges that ended with code 200, or without needing one; and those with another code. */
struct talk_count {
    uint32_t good, bad;
};
struct talk_count talk_counted(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file probe_event.h
 * What build/probe prints: one event per line, each line flushed; and the count of them that the
 * command `wait` looks at.
 */
#ifndef PROBE_EVENT_H
#define PROBE_EVENT_H

#include "iot/iot.h"

#include <stdbool.h>
#include <stdint.h>

/** What became of a command. */
enum probe_step {
    PROBE_DONE,
    PROBE_AGAIN,  /* let the device work, then ask again with the same words */
    PROBE_FAILED, /* an "EV err" was printed */
};

/** Print "EV " and the line, and count it under its first word. */
void probe_event(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** "EV err USAGE ..." and PROBE_FAILED. */
enum probe_step probe_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** "EV msg TOPIC QOS RETAIN DUP HEX". Blanks and control characters of the topic, which would make
 *  two words or two lines of it, are written as %20. */
void probe_event_msg(const struct iot_msg *msg);

/** "EV skipped NAME DETAIL TOPIC QOS". */
void probe_event_skipped(iot_err err, int32_t detail, const struct iot_msg *msg);

/** Is there an event of this name at all? */
bool probe_event_known(const char *name);

/** Use up one event of this name that no earlier call used up. */
bool probe_event_take(const char *name);

/** How many were printed. */
uint32_t probe_event_total(void);

/** Standard output took everything so far. */
bool probe_event_heard(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_trace.h
 * What happened, as a hash that two runs of one seed must share, and as lines for a reader; and what
 * must not happen.
 */
#ifndef WORLD_TRACE_H
#define WORLD_TRACE_H

#include <stdbool.h>
#include <stdint.h>

/** A line "[ms since the start] text", without its end: into the hash (64-bit FNV-1a), and to stdout
 *  when shown. Formatting costs a microsecond: for what is rare, or for a reader. */
void world_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** To stdout when shown; not into the hash. For what depends on being looked at, as a log. */
void world_trace_aside(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Into the hash alone, cheaply: for what happens at each frame. */
void world_trace_number(uint64_t number);
void world_trace_bytes(const void *bytes, uint32_t n);

/** Off at the start. Does not change the hash. */
void world_trace_show(bool show);
bool world_trace_shown(void);

uint64_t world_trace_hash(void);

/** An invariant is broken: printed always, into the hash, counted. The run goes on. */
void world_violation(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint32_t world_violations(void);
/** Stands before each violation that is printed: whose it is, where several runs print. Static; "" at first. */
void world_violation_label(const char *label);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_loop.h
 * One turn of a simulated device's loop, and the other file descriptors that wait in it.
 *
 *     for (;;)
 *         host_turn(iot_poll(&device, sys_now()));
 */
#ifndef HOST_LOOP_H
#define HOST_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/** Other descriptors at once. */
#define HOST_WATCH_MAX 16

/** A turn never waits longer, ms, whatever it is asked for. */
#define HOST_TURN_MAX_MS 1000u

/** Frames handed to lwIP in one turn. */
#define HOST_TURN_FRAMES 64u

/**
 * Wait until something happens, at most `max_wait_ms`; then, in this order: the world behind the
 * cable, watched descriptors, frames into lwIP, lwIP's timers. A signal ends the wait.
 */
void host_turn(uint32_t max_wait_ms);

/** `revents` as poll(2) gives them. Called from host_turn, in lwIP's context; may watch and unwatch
 *  anything. */
typedef void (*host_watch_handler)(void *ctx, int fd, short revents);

/** Watch `fd` for `events` of poll(2). Again for the same descriptor: replaces. False: full. */
bool host_watch(int fd, short events, host_watch_handler handler, void *ctx);

/** Harmless for a descriptor that is not watched. Before close(2). */
void host_unwatch(int fd);

#endif

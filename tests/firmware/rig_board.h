/* SPDX-License-Identifier: Apache-2.0 */
/* The board of a test: QEMU with the firmware of examples/firmware_superloop, an erased flash at the start of each test,
 * and everything that its UART said. */
#ifndef RIG_BOARD_H
#define RIG_BOARD_H

#include "host/host_board.h"
#include "host/host_flash.h"

/** Longest wait for anything. Machines are slow at times; what is awaited comes in a second or some, or after the
 *  firmware's own waits. */
#define RIG_PATIENCE_MS 90000u

extern struct host_board rig_board;

/** Setup and teardown of each test: the board is off, its flash new. The other half is done after a failure, too. */
int rig_board_setup(void **state);
int rig_board_teardown(void **state);

/** For rig_turn: what else has to be looked at in each turn. */
extern void (*rig_on_turn)(void);
/** For rig_fail: what else there is to tell. */
extern void (*rig_on_fail)(void);
/** Each line of the UART, as well; NULL: nobody wants them. */
extern void (*rig_on_line)(const char *line);

/** Write to its flash while it is off. */
void rig_flash_text(const char *key, const char *text);
void rig_flash_bytes(const char *key, struct iot_bytes bytes);
struct host_flash *rig_flash_open(void);
/** What is there as a text. */
void rig_flash_expect(const char *key, const char *text);

/** board: "an385", "an386", "an500". */
void rig_power_on(const char *board);
/** An an385 with another program: build/firmware/an385/PROGRAM.elf. */
void rig_power_on_with(const char *program);
/** The same, but its time is counted in instructions. */
void rig_power_on_counted(const char *program);
void rig_power_off(void);

/** Pull the cable, plug it in; press the reset button. */
void rig_cable(bool in);
void rig_reset(void);

/** A moment passes. */
void rig_turn(void);
void rig_run(uint32_t ms);

/** Wait for a line that starts with `words`, behind the one that was waited for last. A fault or a failed assertion that
 *  was not waited for fails the test. Valid until the next test. */
const char *rig_await(const char *words);

/** How many lines start so, since the test began. */
uint32_t rig_count(const char *words);

/** The test fails, with what the board said last. */
void rig_fail(const char *why) __attribute__((noreturn));

/** Turn until it is so. */
#define RIG_UNTIL(condition)                                                                       \
    do {                                                                                           \
        uint64_t end_ms_ = host_clock_ms() + RIG_PATIENCE_MS;                                      \
        while (!(condition)) {                                                                     \
            if (host_clock_ms() > end_ms_)                                                         \
                rig_fail("not in time: " #condition);                                              \
            rig_turn();                                                                            \
        }                                                                                          \
    } while (0)

#endif

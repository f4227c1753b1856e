/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_board.h
 * A board with a Cortex-M, played by QEMU: firmware in, lines of its UART out, an Ethernet cable to pull
 * (host_cable.h). Its flash is a file, which outlives it as flash does. One per process at a time.
 *
 *     while (host_board_turn(&board, 100))
 *         ;
 */
#ifndef HOST_BOARD_H
#define HOST_BOARD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define HOST_BOARD_LINE_MAX 512u

/** A line that the board or QEMU printed, without its end; cut after HOST_BOARD_LINE_MAX - 1 bytes, and clean: printable
 *  ASCII. Called from host_board_turn and host_board_stop; may not start or stop the board. */
typedef void (*host_board_line)(void *ctx, const char *line);

struct host_board_options {
    const char *machine;  /* mps2-an385, mps2-an386, mps2-an500; NULL: the first */
    const char *firmware; /* path of an ELF file */
    const char *flash;    /* path of its flash's file, see host_flash.h; NULL: none, RAM instead */
    const char *qemu;     /* default: $QEMU, else qemu-system-arm in PATH */
    bool counted; /* an instruction takes 64 ns of the board's time, whatever this machine does */
    host_board_line on_line;
    void *ctx;
};

struct host_board {
    pid_t pid;  /* 0: off */
    int status; /* as of waitpid(2), when it has ended by itself */
    int uart, monitor;
    host_board_line on_line;
    void *ctx;
    uint32_t len; /* of the line that has begun */
    char line[HOST_BOARD_LINE_MAX];
    char why[512]; /* after a failure: in words */
};

/** Power on. False: `why` says why, nothing is left running. */
bool host_board_start(struct host_board *b, const struct host_board_options *options);

/** Wait until something happens, at most `max_wait_ms`, and pass on frames and lines. False: it has ended by itself, as
 *  firmware can by semihosting; its last lines were passed on. */
bool host_board_turn(struct host_board *b, uint32_t max_wait_ms);

/** Pull the cable or plug it in; the board sees it. False: `why` says why. */
bool host_board_cable(struct host_board *b, bool in);

/** Press its reset button. False: `why` says why. */
bool host_board_reset(struct host_board *b);

/** Off at once, as by a power cut. What its flash was told is in the file. Does nothing if it is off. */
void host_board_stop(struct host_board *b);

#endif

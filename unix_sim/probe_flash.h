/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file probe_flash.h
 * The board under build/probe, as its options say:
 *
 *     --flash FILE      its flash, written through; the next run with the same FILE is the next boot
 *     --flash-map       prints NAME OFFSET LENGTH of each area of it; without commands that is all
 *     --cut N[:KIND]    power goes in the N-th operation: erase, program, and each set and del at its beginning. What is
 *                       left of it is none (the default), half, all, junk, or weak: bits that read differently each time
 *     --seed N          chance of the library, of lwIP and of the flash begins here
 *     --slow N          each erase and program answers AGAIN N times
 *     --erase-count     at the end, how often each sector was erased, over all boots
 */
#ifndef PROBE_FLASH_H
#define PROBE_FLASH_H

#include <stdbool.h>

/** How many of argv from argv[0] on are an option of ours: 0, 1 or 2; -1, with "EV err USAGE ...": a wrong one. */
int probe_flash_option(int argc, char **argv);

/** All options are there: switch the board on. false: "EV err ..." was printed. */
bool probe_flash_boot(void);

/** The map was asked for, and printed. */
bool probe_flash_mapped(void);

/** There is a flash that outlives this run. */
bool probe_flash_kept(void);

/** "EV flash COUNT" and "EV wear SECTOR COUNT". */
void probe_flash_end(void);

#endif

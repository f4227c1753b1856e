/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger of readings: which the board says are done, which a witness has seen at the broker. */
#ifndef RIG_READINGS_H
#define RIG_READINGS_H

#include <stdint.h>

/** Empty; from now on the board's lines are listened to. One that says that a reading has failed fails the test. */
void rig_readings_begin(void);

/** A line of the witness; those with a reading in it count. */
void rig_readings_witness(const char *line);

/** Of a boot: how many the board says are done. */
uint32_t rig_readings_done(uint32_t boot);

/** How many the witness has seen more than once, each time counted. */
uint32_t rig_readings_again(void);

/** Each that is done has been seen; those that were seen go from 1 on without a gap. */
void rig_readings_check(uint32_t boot);

#endif

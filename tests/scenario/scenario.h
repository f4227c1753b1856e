/* SPDX-License-Identifier: Apache-2.0 */
/* A scenario: a function in a process of its own, with a world of its own, begun from a seed. lwIP cannot
 * be started twice, and a world that breaks takes nobody with it.
 *
 *     TEST_SEED=n    another seed        TEST_TRACE=1   the trace is printed */
#ifndef SCENARIO_H
#define SCENARIO_H

#include "test.h"

/* CPU time that one scenario may use. */
#define SCENARIO_CPU_S 120u

/* world_start, then `fn`. The test fails when an assertion of cmocka's in there does, when the child ends by
 * a signal or a sanitizer, and when there were violations; the seed is in the message. Returns the hash
 * of the trace. */
uint64_t scenario_run(void (*fn)(void));
uint64_t scenario_run_seed(void (*fn)(void), uint64_t seed);

/* In `fn`. */
uint64_t scenario_seed(void);
/* So many violations there have to be, no more and no less. */
void scenario_expect_violations(uint32_t count);

#endif

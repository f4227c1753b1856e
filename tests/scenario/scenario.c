/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario.h"

#include "world/world_loop.h"
#include "world/world_trace.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { END_WELL = 0, END_VIOLATIONS = 97 };

static uint64_t run_seed;
static uint32_t expected;

/* A failed assertion of cmocka's would jump into the runner's copy in the child and go on with the next
 * test there: it is told to abort instead. */
static void live(void (*fn)(void), uint64_t *hash)
{
    setvbuf(stdout, NULL, _IONBF, 0); /* an abort must not take the trace with it */
    setenv("CMOCKA_TEST_ABORT", "1", 1);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    setrlimit(RLIMIT_CPU, &(struct rlimit){SCENARIO_CPU_S, SCENARIO_CPU_S});
    world_trace_show(getenv("TEST_TRACE") != NULL);
    world_start(run_seed);
    fn();
    *hash = world_trace_hash();
    fflush(stdout);
    _exit(world_violations() == expected ? END_WELL : END_VIOLATIONS);
}

uint64_t scenario_run_seed(void (*fn)(void), uint64_t seed)
{
    uint64_t *hash =
        mmap(NULL, sizeof *hash, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;

    assert_true(hash != MAP_FAILED);
    run_seed = seed;
    expected = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        live(fn, hash);
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    uint64_t trace = *hash;
    munmap(hash, sizeof *hash);
    if (WIFSIGNALED(status))
        fail_msg("seed %" PRIu64 ": ended by signal %d", seed, WTERMSIG(status));
    if (WEXITSTATUS(status) == END_VIOLATIONS)
        fail_msg("seed %" PRIu64 ": not as many violations as expected", seed);
    if (WEXITSTATUS(status) != END_WELL)
        fail_msg("seed %" PRIu64 ": ended with %d", seed, WEXITSTATUS(status));
    return trace;
}

uint64_t scenario_run(void (*fn)(void))
{
    return scenario_run_seed(fn, test_seed());
}

uint64_t scenario_seed(void)
{
    return run_seed;
}

void scenario_expect_violations(uint32_t count)
{
    expected = count;
}

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file main_campaign.c
 * build/world/campaign SECONDS [FIRST-SEED]: runs of the world, one seed and one process each, as many at
 * once as there are processors. One in twenty is run twice: the same seed has to leave the same trace. Prints what
 * was simulated, which fault met which stand how often, and the seeds that failed. Exit 0 if none did; with
 * WHOLE=1 every fault must have met every stand besides.
 */
#include "world/world_run.h"
#include "world/world_trace.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX   16
#define RUN_CPU_S  300u /* of CPU time: more is a run that does not end */
#define TWICE      20u
#define FAILED_MAX 100u

static struct {
    struct world_result sum;
    uint64_t seeds[FAILED_MAX]; /* the first of those that failed */
    uint64_t runs, twice, failed, by_pace[WORLD_PACES], platform_runs, plain_ms;
} total;

static struct job {
    pid_t pid; /* 0: none */
    int fd;
    uint64_t seed;
    bool again; /* for the second time; `hash` is that of the first */
    uint64_t hash;
} jobs[JOBS_MAX];

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void begin(struct job *j, uint64_t seed, bool again, uint64_t hash)
{
    static struct world_result r;
    int fds[2];
    fflush(NULL);
    if (pipe(fds) != 0 || (j->pid = fork()) < 0) {
        perror("campaign");
        exit(2);
    }
    j->seed = seed;
    j->again = again;
    j->hash = hash;
    j->fd = fds[0];
    if (j->pid != 0) {
        close(fds[1]);
        return;
    }
    const struct rlimit cpu = {RUN_CPU_S, RUN_CPU_S};
    static char label[40];
    setrlimit(RLIMIT_CPU, &cpu);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* the campaign's end is ours, however it comes */
    snprintf(label, sizeof label, "seed %" PRIu64 " ", seed);
    world_violation_label(label);
    world_run(seed, WORLD_PACES, 0, &r);
    fflush(NULL);
    for (size_t at = 0; at < sizeof r;) {
        ssize_t n = write(fds[1], (const char *)&r + at, sizeof r - at);
        if (n <= 0)
            _exit(2);
        at += (size_t)n;
    }
    _exit(0);
}

static void fail(const struct job *j, const char *why)
{
    if (total.failed < FAILED_MAX)
        total.seeds[total.failed] = j->seed;
    total.failed++;
    printf("FAILED: make sim SEED=%" PRIu64 "   (%s)\n", j->seed, why);
}

static void add(const struct world_result *r)
{
    struct world_result *s = &total.sum;
    total.runs++;
    total.by_pace[r->pace]++;
    total.platform_runs += r->platform;
    total.plain_ms += r->platform ? 0 : r->device_ms;
    s->device_ms += r->device_ms;
    s->faults += r->faults;
    s->accepted += r->accepted;
    s->done += r->done;
    s->failed += r->failed;
    s->got += r->got;
    s->connects += r->connects;
    s->losses += r->losses;
    s->reboots += r->reboots;
    s->closes += r->closes;
    s->calms += r->calms;
    s->things += r->things;
    s->requests += r->requests;
    s->timeouts += r->timeouts;
    s->served += r->served;
    for (uint32_t i = 0; i < 2; i++)
        if (r->longest_recovery_ms[i] > s->longest_recovery_ms[i])
            s->longest_recovery_ms[i] = r->longest_recovery_ms[i];
    for (uint32_t f = 0; f < WORLD_FAULTS; f++)
        for (uint32_t stand = 0; stand < WORLD_STANDS; stand++)
            s->hits[f][stand] += r->hits[f][stand];
}

/* A job has ended; true: it is to be run again, to see that it leaves the same trace. */
static bool take(struct job *j, struct world_result *r)
{
    size_t at = 0;
    ssize_t n;
    int status = 0;
    while (at < sizeof *r && (n = read(j->fd, (char *)r + at, sizeof *r - at)) > 0)
        at += (size_t)n;
    close(j->fd);
    waitpid(j->pid, &status, 0);
    j->pid = 0;
    if (at < sizeof *r || status != 0) {
        fail(j, WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU ? "it does not end" : "it died");
        return false;
    }
    if (j->again) {
        total.twice++;
        if (r->hash != j->hash)
            fail(j, "another trace the second time");
        return false;
    }
    add(r);
    if (r->violations != 0)
        fail(j, "violations");
    return total.runs % TWICE == 1;
}

static void print_matrix(uint32_t *fields, uint32_t *missing)
{
    printf("\n  %-16s", "fault met stand");
    for (uint32_t s = 0; s < WORLD_STANDS; s++)
        printf(" %8s", world_stand_names[s]);
    printf("\n");
    for (uint32_t f = 0; f < WORLD_FAULTS; f++) {
        printf("  %-16s", world_fault_names[f]);
        for (uint32_t s = 0; s < WORLD_STANDS; s++) {
            if (!world_plan_can_hit((enum world_fault)f, (enum world_stand)s)) {
                printf(" %8s", "-");
                continue;
            }
            printf(" %8" PRIu64, total.sum.hits[f][s]);
            *fields += 1;
            *missing += total.sum.hits[f][s] == 0;
        }
        printf("\n");
    }
}

static int report(uint64_t first, double seconds)
{
    const struct world_result *s = &total.sum;
    double hours = (double)s->device_ms / 3600e3;
    uint32_t fields = 0, missing = 0;
    print_matrix(&fields, &missing);
    printf("\n%" PRIu64 " runs from seed %" PRIu64 " in %.0f s (%" PRIu64 " busy, %" PRIu64
           " steady, %" PRIu64 " lonely; %" PRIu64 " of platform devices; %" PRIu64
           " run twice, alike)\n",
           total.runs, first, seconds, total.by_pace[WORLD_BUSY], total.by_pace[WORLD_STEADY],
           total.by_pace[WORLD_LONELY], total.platform_runs, total.twice);
    printf("%.0f device-hours, that is %.1f device-years (%.1f of them plain); %" PRIu64
           " faults\n",
           hours, hours / 8766, (double)total.plain_ms / 3600e3 / 8766, s->faults);
    printf("%" PRIu64 " messages accepted: %" PRIu64 " done, %" PRIu64 " failed by name; %" PRIu64
           " received\n",
           s->accepted, s->done, s->failed, s->got);
    printf("%" PRIu64 " connects, %" PRIu64 " losses, %" PRIu64 " power cuts, %" PRIu64
           " closes; well again after at most %.0f s in %" PRIu64 " calms (platform: %.0f s)\n",
           s->connects, s->losses, s->reboots, s->closes, (double)s->longest_recovery_ms[0] / 1000,
           s->calms, (double)s->longest_recovery_ms[1] / 1000);
    printf("%" PRIu64 " things: %" PRIu64 " requests, %" PRIu64 " of them timed out; %" PRIu64
           " sets and calls served\n",
           s->things, s->requests, s->timeouts, s->served);
    printf("%u of %u fields of the matrix are empty\n", missing, fields);
    printf("%" PRIu64 " runs with violations\n", total.failed);
    for (uint64_t i = 0; i < total.failed && i < FAILED_MAX; i++)
        printf("    make sim SEED=%" PRIu64 "\n", total.seeds[i]);
    const char *wanted = getenv("WHOLE");
    bool whole = wanted == NULL || wanted[0] == '\0' || missing == 0;
    return total.failed == 0 && total.runs != 0 && whole ? 0 : 1;
}

int main(int argc, char **argv)
{
    static struct world_result r;
    double start = now_s();
    uint64_t first = 0, next;
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t seconds;
    if (argc < 2 || argc > 3 || !world_run_number(argv[1], 1, 1000000, &seconds) ||
        (argc > 2 && !world_run_number(argv[2], 0, UINT64_MAX, &first))) {
        fprintf(stderr, "usage: campaign SECONDS [FIRST-SEED]\n");
        return 2;
    }
    double end = start + (double)seconds;
    if (argc == 2 && getrandom(&first, 4, 0) != 4)
        return 2;
    count = count < 1 ? 1 : count > JOBS_MAX ? JOBS_MAX : count;
    next = first;
    for (bool left = true; left;) {
        struct pollfd fds[JOBS_MAX];
        left = false;
        for (long i = 0; i < count; i++) {
            if (jobs[i].pid == 0 && now_s() < end)
                begin(&jobs[i], next++, false, 0);
            fds[i] = (struct pollfd){jobs[i].pid != 0 ? jobs[i].fd : -1, POLLIN, 0};
            left |= jobs[i].pid != 0;
        }
        if (left && poll(fds, (nfds_t)count, -1) < 0)
            return 2;
        for (long i = 0; i < count; i++) {
            uint64_t seed = jobs[i].seed;
            if (jobs[i].pid != 0 && fds[i].revents != 0 && take(&jobs[i], &r))
                begin(&jobs[i], seed, true, r.hash);
        }
    }
    return report(first, now_s() - start);
}

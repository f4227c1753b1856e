/* SPDX-License-Identifier: Apache-2.0 */
#include "rig_readings.h"

#include "rig_board.h"
#include "test.h"

#define BOOTS_MAX    16u
#define READINGS_MAX 8192u

static struct {
    uint32_t boot; /* the board's present one */
    uint32_t again;
    uint32_t done_count[BOOTS_MAX], seen_max[BOOTS_MAX];
    bool done[BOOTS_MAX][READINGS_MAX], seen[BOOTS_MAX][READINGS_MAX];
} ledger;

static void check_range(unsigned boot, unsigned number)
{
    if (boot >= BOOTS_MAX || number == 0 || number >= READINGS_MAX)
        rig_fail("a reading that cannot be");
}

/* `word`, or what was said of it when power went. */
static bool is(const char *said, const char *word)
{
    return strncmp(said, word, strlen(said)) == 0;
}

static void on_line(const char *line)
{
    unsigned number;
    char end[8]; /* sent, done, failed */

    if (sscanf(line, "boot %u:", &number) == 1)
        ledger.boot = number;
    if (sscanf(line, "iot: reading %u %7s", &number, end) != 2 || is(end, "sent"))
        return;
    if (!is(end, "done"))
        rig_fail(line);
    if (strcmp(end, "done") != 0)
        return;
    check_range(ledger.boot, number);
    if (ledger.done[ledger.boot][number])
        rig_fail("a reading is done twice");
    ledger.done[ledger.boot][number] = true;
    ledger.done_count[ledger.boot]++;
}

void rig_readings_begin(void)
{
    memset(&ledger, 0, sizeof ledger);
    rig_on_line = on_line;
}

void rig_readings_witness(const char *line)
{
    const char *at = strstr(line, "{\"boot\":");
    unsigned boot, number;

    if (at == NULL || sscanf(at, "{\"boot\":%u,\"n\":%u}", &boot, &number) != 2)
        return;
    check_range(boot, number);
    ledger.again += ledger.seen[boot][number]; /* with QoS 1 it may */
    ledger.seen[boot][number] = true;
    if (number > ledger.seen_max[boot])
        ledger.seen_max[boot] = number;
}

uint32_t rig_readings_done(uint32_t boot)
{
    return ledger.done_count[boot];
}

uint32_t rig_readings_again(void)
{
    return ledger.again;
}

void rig_readings_check(uint32_t boot)
{
    char why[96] = "";

    for (uint32_t n = 1; n < READINGS_MAX && why[0] == 0; n++) {
        if (n <= ledger.seen_max[boot] && !ledger.seen[boot][n])
            snprintf(why, sizeof why, "reading %u of boot %u is missing", n, boot);
        if (ledger.done[boot][n] && !ledger.seen[boot][n])
            snprintf(why, sizeof why, "reading %u of boot %u is done and was lost", n, boot);
    }
    if (why[0] != 0)
        rig_fail(why);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "rig_board.h"

#include "test.h"

#include "host/host_child.h"
#include "host/host_dir.h"

#define TURN_MS        20u
#define TEXT_MAX       (1u << 20) /* all lines of a test */
#define LINES_MAX      32768u
#define READINGS_SHOWN 10u

struct host_board rig_board;
void (*rig_on_turn)(void);
void (*rig_on_fail)(void);
void (*rig_on_line)(const char *line);

/* awaited: lines that rig_await has gone by. */
static struct {
    char text[TEXT_MAX];
    const char *lines[LINES_MAX];
    uint32_t used, count, awaited;
} said;

static char folder[HOST_PATH_MAX], flash_path[HOST_PATH_MAX];
static struct host_flash flash = {.fd = -1};

static bool starts(const char *line, const char *words)
{
    return strncmp(line, words, strlen(words)) == 0;
}

static bool is_reading(const char *line)
{
    return starts(line, "iot: reading ");
}

/* Of readings only the last few: there may be thousands. */
void rig_fail(const char *why)
{
    print_message("the board said:\n");
    for (uint32_t i = 0; i < said.count; i++)
        if (!is_reading(said.lines[i]) || i + READINGS_SHOWN >= said.count)
            print_message("    %s\n", said.lines[i]);
    if (rig_on_fail != NULL)
        rig_on_fail();
    fail_msg("%s", why);
    abort(); /* fail_msg does not return, but does not say so */
}

static void on_line(void *ctx, const char *line)
{
    size_t n = strlen(line) + 1;

    (void)ctx;
    if (said.count == LINES_MAX || said.used + n > TEXT_MAX)
        return; /* whoever waits for it will say so */
    memcpy(said.text + said.used, line, n);
    said.lines[said.count++] = said.text + said.used;
    said.used += (uint32_t)n;
    if (rig_on_line != NULL)
        rig_on_line(line);
}

/* ---- Flash --------------------------------------------------------------------------------- */

struct host_flash *rig_flash_open(void)
{
    assert_int_equal(rig_board.pid, 0);
    if (flash.fd < 0 && !host_flash_open(&flash, flash_path))
        fail_msg("%s", flash.why);
    return &flash;
}

void rig_flash_bytes(const char *key, struct iot_bytes bytes)
{
    if (!host_flash_set(rig_flash_open(), key, bytes.ptr, bytes.len))
        fail_msg("%s", flash.why);
}

void rig_flash_text(const char *key, const char *text)
{
    rig_flash_bytes(key, text_bytes(text));
}

void rig_flash_expect(const char *key, const char *text)
{
    char found[256];

    if (!host_flash_get(rig_flash_open(), key, found, sizeof found))
        rig_fail("a key is not in the flash");
    assert_string_equal(found, text);
}

/* ---- Power --------------------------------------------------------------------------------- */

int rig_board_setup(void **state)
{
    (void)state;
    memset(&said, 0, sizeof said);
    if (!host_dir_make("board", folder))
        return -1;
    snprintf(flash_path, sizeof flash_path, "%.1000s/flash", folder);
    if (host_flash_make(&flash, flash_path))
        return 0;
    print_message("%s\n", flash.why);
    return -1;
}

int rig_board_teardown(void **state)
{
    (void)state;
    rig_power_off();
    host_flash_close(&flash);
    host_dir_remove(folder);
    rig_on_line = NULL;
    return 0;
}

static void start(const char *board, const char *program, bool counted)
{
    char here[HOST_PATH_MAX], machine[32], firmware[HOST_PATH_MAX];
    const struct host_board_options o = {.machine = machine,
                                         .firmware = firmware,
                                         .flash = flash_path,
                                         .counted = counted,
                                         .on_line = on_line};

    assert_true(host_dir_program(here)); /* build/VARIANT/tests */
    snprintf(machine, sizeof machine, "mps2-%s", board);
    snprintf(firmware, sizeof firmware, "%.900s/../../firmware/%s/%s.elf", here, board, program);
    host_flash_close(&flash);
    if (!host_board_start(&rig_board, &o))
        rig_fail(rig_board.why);
}

void rig_power_on(const char *board)
{
    start(board, "firmware_superloop", false);
}

void rig_power_on_with(const char *program)
{
    start("an385", program, false);
}

void rig_power_on_counted(const char *program)
{
    start("an385", program, true);
}

void rig_power_off(void)
{
    host_board_stop(&rig_board);
}

void rig_cable(bool in)
{
    if (!host_board_cable(&rig_board, in))
        rig_fail(rig_board.why);
}

void rig_reset(void)
{
    if (!host_board_reset(&rig_board))
        rig_fail(rig_board.why);
}

/* ---- Time ---------------------------------------------------------------------------------- */

void rig_turn(void)
{
    if (!host_board_turn(&rig_board, TURN_MS))
        rig_fail("the board has ended by itself");
    if (rig_on_turn != NULL)
        rig_on_turn();
}

void rig_run(uint32_t ms)
{
    uint64_t end_ms = host_clock_ms() + ms;

    while (host_clock_ms() < end_ms)
        rig_turn();
}

const char *rig_await(const char *words)
{
    uint64_t end_ms = host_clock_ms() + RIG_PATIENCE_MS;
    char why[256];

    for (;;) {
        while (said.awaited < said.count) {
            const char *line = said.lines[said.awaited++];
            if (starts(line, words))
                return line;
            if (starts(line, "fault:") || starts(line, "panic:"))
                rig_fail(line);
        }
        if (host_clock_ms() > end_ms)
            break;
        rig_turn();
    }
    snprintf(why, sizeof why, "the board did not say '%s' in time", words);
    rig_fail(why);
}

uint32_t rig_count(const char *words)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < said.count; i++)
        n += starts(said.lines[i], words);
    return n;
}

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file board.c
 * build/board, what `make run-firmware` starts: the emulated platform, and a board played by QEMU with the firmware
 * of examples/firmware_superloop, which lives there as a product. What its UART says is shown, and what the platform
 * logs. From the environment:
 *
 *     FOR       seconds after the first login; default 30, 0: until Ctrl-C
 *     BOARD     an385 (Cortex-M3, the default), an386 (Cortex-M4) or an500 (Cortex-M7)
 *     LOGIN     how it logs in: ecdsa (TLS and a signature, the default), psk (TLS-PSK) or x509 (a certificate)
 *     FIRMWARE  the folder with BOARD/firmware_superloop.elf; default: firmware beside this program or above
 *     FLASH     a file that is its flash, made if it is not there: another run with it is the next boot. Default: a new
 *               one, thrown away
 *     QEMU      the emulator
 *
 * Exit 0: the platform has at least one reading.
 */
#include "device_say.h"
#include "host/host_board.h"
#include "host/host_child.h"
#include "host/host_cloud.h"
#include "host/host_dir.h"
#include "host/host_factory.h"
#include "host/host_signal.h"
#include "host/host_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REACH_MS  30000u /* no login in this and FOR: give up */
#define TURN_MS   100u   /* the emulator's log is looked at so often */
#define FOR_S_MAX (365u * 24u * 3600u)

/* All times in ms of host_clock_ms. up_ms: the first login; 0: not yet. */
struct app {
    const struct host_login *login;
    const char *machine;
    char firmware[HOST_PATH_MAX], flash[HOST_PATH_MAX], dir[HOST_PATH_MAX];
    bool dir_made;
    struct host_cloud cloud;
    struct host_board board;
    uint32_t for_s, readings;
    uint64_t start_ms, up_ms;
    uint64_t log_seen;
    bool greeted;
};

/* ---- Settings -------------------------------------------------------------------------------- */

static bool read_login(struct app *app)
{
    const char *name = environment("LOGIN", "ecdsa");

    app->login = host_login_find(name);
    if (app->login == NULL)
        fprintf(stderr, "LOGIN=%s: ecdsa, psk or x509\n", name);
    return app->login != NULL;
}

static bool read_board(struct app *app, const char **board)
{
    static const char *const machines[] = {"mps2-an385", "mps2-an386", "mps2-an500"};

    *board = environment("BOARD", "an385");
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++)
        if (strcmp(*board, machines[i] + strlen("mps2-")) == 0)
            app->machine = machines[i];
    if (app->machine == NULL)
        fprintf(stderr, "BOARD=%s: an385, an386 or an500\n", *board);
    return app->machine != NULL;
}

static bool find_firmware(struct app *app, const char *board)
{
    static const char *const places[] = {"firmware", "../firmware", "../../firmware"};
    const char *folder = environment("FIRMWARE", NULL);
    char here[HOST_PATH_MAX];

    if (!host_dir_program(here))
        strcpy(here, ".");
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int n = folder != NULL
                    ? snprintf(app->firmware, sizeof app->firmware, "%s/%s/firmware_superloop.elf",
                               folder, board)
                    : snprintf(app->firmware, sizeof app->firmware,
                               "%s/%s/%s/firmware_superloop.elf", here, places[i], board);
        if (n < (int)sizeof app->firmware && access(app->firmware, R_OK) == 0)
            return true;
    }
    fprintf(stderr, "no %s; `make firmware` builds it\n", app->firmware);
    return false;
}

static bool read_settings(struct app *app)
{
    const char *board;

    if (!host_text_number(environment("FOR", "30"), 0, FOR_S_MAX, &app->for_s)) {
        fprintf(stderr, "FOR=%s: seconds after the login, 0 for ever\n", getenv("FOR"));
        return false;
    }
    return read_login(app) && read_board(app, &board) && find_firmware(app, board);
}

/* ---- Flash ----------------------------------------------------------------------------------- */

static bool make_flash(struct app *app)
{
    const char *file = environment("FLASH", NULL);
    struct host_flash f = {.fd = -1};
    bool there = file != NULL && access(file, F_OK) == 0;

    if (file == NULL)
        app->dir_made = host_dir_make("board", app->dir);
    if (file == NULL && !app->dir_made) {
        fprintf(stderr, "no folder for the board's flash\n");
        return false;
    }
    int n = file != NULL ? snprintf(app->flash, sizeof app->flash, "%s", file)
                         : snprintf(app->flash, sizeof app->flash, "%s/flash", app->dir);
    bool ok = n < (int)sizeof app->flash &&
              (there ? host_flash_open(&f, app->flash) : host_flash_make(&f, app->flash)) &&
              host_factory_write(&f, &app->cloud, app->login);
    if (!ok)
        fprintf(stderr, "the board's flash: %s\n", f.why);
    host_flash_close(&f);
    return ok;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static bool starts(const char *line, const char *words)
{
    return strncmp(line, words, strlen(words)) == 0;
}

static void on_line(void *ctx, const char *line)
{
    struct app *app = ctx;
    size_t len = strlen(line);
    bool good = starts(line, "iot: connected"),
         bad = starts(line, "fault:") || starts(line, "panic:") || starts(line, "iot: lost");

    if (len == 0)
        return;
    say(good ? GREEN : bad ? RED : PLAIN, "uart", "%s", line);
    if (good && app->up_ms == 0)
        app->up_ms = host_clock_ms();
    if (starts(line, "iot: reading ") && len > 5 && strcmp(line + len - 5, " done") == 0)
        app->readings++;
}

/* Once it has shown that it can send, it is shown that it can receive. */
static void greet(struct app *app)
{
    char line[200], answer[256];
    static const char *const words[] = {"on", "off"};

    if (app->greeted || app->readings < 2)
        return;
    app->greeted = true;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        snprintf(line, sizeof line, "publish %s %s /%s/%s/user/get %s", HOST_FACTORY_PK,
                 app->login->device, HOST_FACTORY_PK, app->login->device, words[i]);
        if (!host_cloud_command(app->cloud.dir, line, answer, sizeof answer))
            say(RED, "cloud", "%s", answer);
    }
}

static const char *reason_to_stop(const struct app *app)
{
    uint64_t now_ms = host_clock_ms(), for_ms = app->for_s * 1000ull;

    if (host_signal_seen() != 0)
        return "asked to";
    if (for_ms == 0)
        return NULL;
    if (app->up_ms == 0)
        return now_ms - app->start_ms >= for_ms + REACH_MS ? "it did not log in" : NULL;
    return now_ms - app->up_ms >= for_ms ? "the time is over" : NULL;
}

static void work(struct app *app)
{
    const char *reason;

    while ((reason = reason_to_stop(app)) == NULL) {
        greet(app);
        say_cloud_log(app->cloud.dir, &app->log_seen, true);
        if (!host_board_turn(&app->board, TURN_MS)) {
            reason = "the board has ended by itself";
            break;
        }
    }
    say(PLAIN, "power off", "%s", reason);
}

static bool power_on(struct app *app)
{
    const struct host_board_options board = {.machine = app->machine,
                                             .firmware = app->firmware,
                                             .flash = app->flash,
                                             .on_line = on_line,
                                             .ctx = app};

    say(PLAIN, "power on", "%s, %s", app->machine, app->firmware);
    if (host_board_start(&app->board, &board))
        return true;
    fprintf(stderr, "no board: %s\n", app->board.why);
    return false;
}

int main(void)
{
    static struct app app;
    static char out[4096];
    const struct host_cloud_options cloud = {.more = "option log-payload 100", .announce = true};

    setvbuf(stdout, out, _IOFBF, sizeof out);
    if (!say_begin() || !read_settings(&app) || !host_signal_catch())
        return 1;
    app.start_ms = host_clock_ms();
    if (!host_cloud_start(&app.cloud, &cloud)) {
        fprintf(stderr, "no emulated platform: %s\n", app.cloud.why);
        return 1;
    }
    say(PLAIN, "cloud", "the emulated platform is up on %s", app.cloud.address);
    if (make_flash(&app) && power_on(&app)) {
        work(&app);
        host_board_stop(&app.board);
        say_cloud_log(app.cloud.dir, &app.log_seen, true);
        printf("\n  readings    %lu done\n", (unsigned long)app.readings);
    }
    host_cloud_stop(&app.cloud);
    if (app.dir_made)
        host_dir_remove(app.dir);
    return app.readings > 0 ? 0 : 1;
}

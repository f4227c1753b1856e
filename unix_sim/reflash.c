/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file reflash.c
 * build/reflash, what `make run-firmware-ota` starts: the emulated platform, and a board played by QEMU that was made with
 * version 1.0.0 of examples/firmware_superloop and its bootloader. The platform offers 2.0.0; the board fetches it over HTTPS,
 * restarts into it, and stays there. What its UART says is shown, and what the platform logs. From the environment:
 *
 *     FIRMWARE  the folder with an385/firmware_boot.elf and the images; default: firmware beside this program or above
 *     QEMU      the emulator
 *
 * Exit 0: all of that has happened, and the platform knows it.
 */
#include "cloud/cloud_json.h"
#include "device_say.h"
#include "host/host_board.h"
#include "host/host_child.h"
#include "host/host_cloud.h"
#include "host/host_dir.h"
#include "host/host_factory.h"
#include "host/host_firmware.h"
#include "host/host_signal.h"
#include "host/host_web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OLD        "1.0.0"
#define NEW        "2.0.0"
#define PATIENCE_S 120u
#define TURN_MS    100u /* the emulator's log is looked at so often */
#define BAR        20u
#define NAME_BYTES 64

/* What the board has to say, in this order; between them it may say more. */
static const char *const steps[] = {
    "boot: slot A, " OLD,
    "iot: connected",
    "update: " NEW ", ", /* after the platform's offer */
    "update: " NEW " is here",
    "restart",
    "boot: slot B, " NEW ", on trial",
    "firmware: " NEW " in slot B, on trial",
    "iot: connected",
    "firmware: stays",
};
#define STEPS (sizeof steps / sizeof steps[0])
#define OFFER 2u /* the step that waits for it */

struct app {
    const struct host_login *login;
    char firmware[HOST_PATH_MAX], dir[HOST_PATH_MAX], flash[HOST_PATH_MAX + NAME_BYTES];
    bool dir_made, offered, failed;
    struct host_cloud cloud;
    struct host_board board;
    uint32_t step;
    uint64_t log_seen;
};

/* A file of the firmware. Valid until the next call. */
static const char *file_of(const struct app *app, const char *name)
{
    static char path[HOST_PATH_MAX + NAME_BYTES];

    snprintf(path, sizeof path, "%s/%s", app->firmware, name);
    return path;
}

static bool find_firmware(struct app *app)
{
    static const char *const places[] = {"firmware", "../firmware", "../../firmware"};
    const char *folder = environment("FIRMWARE", NULL);
    char here[HOST_PATH_MAX];

    if (!host_dir_program(here))
        strcpy(here, ".");
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int n = folder != NULL
                    ? snprintf(app->firmware, sizeof app->firmware, "%s/an385", folder)
                    : snprintf(app->firmware, sizeof app->firmware, "%s/%s/an385", here, places[i]);
        if (n < (int)sizeof app->firmware && access(file_of(app, "firmware_boot.elf"), R_OK) == 0)
            return true;
    }
    fprintf(stderr, "no %s; `make firmware` builds it\n", file_of(app, "firmware_boot.elf"));
    return false;
}

/* As the factory leaves it. */
static bool make_flash(struct app *app)
{
    struct host_flash f = {.fd = -1};

    app->dir_made = host_dir_make("board", app->dir);
    if (!app->dir_made) {
        fprintf(stderr, "no folder for the board's flash\n");
        return false;
    }
    snprintf(app->flash, sizeof app->flash, "%s/flash", app->dir);
    bool ok = host_flash_make(&f, app->flash) && host_factory_write(&f, &app->cloud, app->login) &&
              host_firmware_factory_file(&f, file_of(app, "firmware_superloop-" OLD ".bin"), OLD);
    if (!ok)
        fprintf(stderr, "the board's flash: %s\n", f.why);
    host_flash_close(&f);
    return ok;
}

/* ---- The offer --------------------------------------------------------------------------------- */

static bool publish(struct app *app, char *answer, uint32_t cap)
{
    char line[1200], why[160];

    if (!host_web_publish(app->cloud.dir, file_of(app, "firmware_superloop-" NEW ".bin"),
                          "firmware_superloop-" NEW ".bin", 0, answer, cap))
        return false;
    json_t *file = cloud_json_read(answer, strlen(answer), why, sizeof why);
    snprintf(line, sizeof line,
             "ota publish " HOST_FACTORY_PK " %s %s version=" NEW " size=%u digest=%s",
             app->login->device, cloud_json_string(file, "url"),
             (unsigned)json_integer_value(json_object_get(file, "size")),
             cloud_json_string(file, "sha256"));
    json_decref(file);
    return host_cloud_command(app->cloud.dir, line, answer, cap);
}

static void offer(struct app *app)
{
    char answer[2048];

    if (app->offered || app->step != OFFER)
        return;
    app->offered = true;
    app->failed = !publish(app, answer, sizeof answer);
    if (app->failed)
        say(RED, "cloud", "%s", answer);
}

/* The board has reported its new version. */
static bool is_known(const struct app *app)
{
    char line[128], answer[2048];

    snprintf(line, sizeof line, "ota show " HOST_FACTORY_PK " %s", app->login->device);
    return host_cloud_command(app->cloud.dir, line, answer, sizeof answer) &&
           strstr(answer, "module default runs " NEW) != NULL &&
           strstr(answer, " succeeded ") != NULL;
}

/* ---- The board --------------------------------------------------------------------------------- */

static bool starts(const char *line, const char *words)
{
    return strncmp(line, words, strlen(words)) == 0;
}

static bool say_bar(const char *line)
{
    char bar[BAR + 1], end;
    unsigned percent;

    if (sscanf(line, "update: %u %c", &percent, &end) != 2 || end != '%' || percent > 100)
        return false;
    for (unsigned i = 0; i < BAR; i++)
        bar[i] = i < percent * BAR / 100 ? '#' : '.';
    bar[BAR] = 0;
    say(PLAIN, "uart", "update: %s %3u %%", bar, percent);
    return true;
}

static void on_line(void *ctx, const char *line)
{
    struct app *app = ctx;
    bool good = app->step < STEPS && starts(line, steps[app->step]),
         bad = starts(line, "fault:") || starts(line, "panic:") || starts(line, "update: failed");

    app->step += good;
    app->failed |= bad;
    if (*line == 0 || starts(line, "iot: reading ") || say_bar(line))
        return;
    say(good ? GREEN : bad ? RED : PLAIN, "uart", "%s", line);
}

static bool power_on(struct app *app)
{
    const struct host_board_options board = {.firmware = file_of(app, "firmware_boot.elf"),
                                             .flash = app->flash,
                                             .on_line = on_line,
                                             .ctx = app};

    say(PLAIN, "power on", "the board with version " OLD);
    if (host_board_start(&app->board, &board))
        return true;
    fprintf(stderr, "no board: %s\n", app->board.why);
    return false;
}

static bool work(struct app *app)
{
    uint64_t end_ms = host_clock_ms() + PATIENCE_S * 1000ull;

    while (host_signal_seen() == 0 && !app->failed) {
        if (app->step == STEPS && is_known(app))
            return true;
        if (host_clock_ms() > end_ms) {
            say(RED, "late", "the board did not say '%s' in time",
                app->step < STEPS ? steps[app->step] : "its version");
            return false;
        }
        offer(app);
        say_cloud_log(app->cloud.dir, &app->log_seen, false);
        if (!host_board_turn(&app->board, TURN_MS)) {
            say(RED, "power off", "the board has ended by itself");
            return false;
        }
    }
    return false;
}

int main(void)
{
    static struct app app;
    static char out[4096];
    bool done = false;

    setvbuf(stdout, out, _IOFBF, sizeof out);
    if (!say_begin() || !find_firmware(&app) || !host_signal_catch())
        return 1;
    app.login = host_login_find("ecdsa");
    if (!host_cloud_start(&app.cloud, &(struct host_cloud_options){.announce = true})) {
        fprintf(stderr, "no emulated platform: %s\n", app.cloud.why);
        return 1;
    }
    say(PLAIN, "cloud", "the emulated platform is up on %s", app.cloud.address);
    if (make_flash(&app) && power_on(&app)) {
        done = work(&app);
        host_board_stop(&app.board);
        say_cloud_log(app.cloud.dir, &app.log_seen, false);
        say(done ? GREEN : RED, done ? "done" : "failed", "%s",
            done ? "the board runs " NEW ", and the platform knows it"
                 : "the board does not run " NEW);
    }
    host_cloud_stop(&app.cloud);
    if (app.dir_made)
        host_dir_remove(app.dir);
    return done ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file updater.c
 * build/updater: a device updates itself over the air, and nothing that happens on the way keeps it from that. It starts the
 * emulated platform and a simulated device (updater_device.h), whose firmware is version 1.0.0; offers 2.0.0; pulls the
 * device's cable when a quarter and three quarters are there, and its power when a half is; and watches it resume, verify,
 * restart, confirm, and report the new version.
 *
 *     FOR      seconds that all of it may take; default 120
 *     SIZE     of the new firmware in KiB, 16 to 1000; default 384
 *     PK DN DS identity; default: the sample device of the emulator
 *
 * Exit 0 only if all of it has happened.
 */
#include "device_say.h"
#include "host/host_child.h"
#include "host/host_cloud.h"
#include "host/host_signal.h"
#include "host/host_text.h"
#include "updater_device.h"
#include "updater_factory.h"

#include "lwip/opt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OLD        UPDATER_OLD
#define NEW        "2.0.0"
#define FETCH_S    6u /* so slow is the emulator's HTTP: else it would be over before it is seen */
#define OUT_MS     2500u /* so long is a cable out: the device's own patience ends before */
#define DARK_MS    500u  /* and its power off */
#define STEP_MS    5u
#define BOOTS_MAX  8u
#define BAR        40u
#define SHOW_BYTES (1u << 20)

enum { CUT_FIRST, CUT_POWER, CUT_SECOND, CUTS };

/* What has to happen. */
enum done {
    DONE_REPORTED = 1,
    DONE_OFFERED = 2,
    DONE_RESUMED = 4, /* after each cut */
    DONE_READY = 8,
    DONE_TRIAL = 16,
    DONE_CONFIRMED = 32,
    DONE_REPORTED_NEW = 64,
    DONE_SUCCEEDED = 128,
    DONE_ALL = 255,
};

static const char *const done_names[] = {"reported version " OLD,  "offered version " NEW,
                                         "resumed after each cut", "verified the whole image",
                                         "restarted it on trial",  "confirmed it",
                                         "reported version " NEW,  "known as succeeded"};

static const char *const cut_names[] = {"the link is cut", "the power is cut", "the link is cut"};

static struct {
    struct host_cloud cloud;
    const char *pk, *dn;
    char dir[HOST_PATH_MAX], flash[HOST_PATH_MAX + 16], image[HOST_PATH_MAX + 16];
    char program[HOST_PATH_MAX + 16], port[8];
    bool dir_made, terminal;
    uint32_t for_s, size, done, boots, kept, shown;
    uint64_t start_ms, log_seen;
    pid_t pid; /* 0: no power */
    int fd;
    char line[256];
    size_t len;
    /* cut: the next one, or CUTS. back_ms: when what was cut comes back; 0: nothing is cut. */
    uint32_t cut, got, resumed;
    uint64_t back_ms;
    bool asked, asks; /* asked for the image once; cut, and nothing was asked for since */
    bool drawn;       /* a bar, whose line is not ended */
    bool failed;
} app = {.fd = -1};

/* ---- Power and cable ------------------------------------------------------------------------- */

static void power_on(void)
{
    char word[] = "device";
    char *argv[] = {app.program,       word,     app.flash, app.cloud.ca_der,
                    app.cloud.address, app.port, NULL};

    app.pid = app.boots++ < BOOTS_MAX ? host_spawn(argv, NULL, &app.fd) : -1;
    app.len = 0;
    if (app.pid < 0) {
        say(RED, "power", "the device does not start: %s", strerror(errno));
        app.pid = 0;
        app.failed = true;
        return;
    }
    fcntl(app.fd, F_SETFL, O_NONBLOCK);
}

static void hear_device(void);

static void power_off(void)
{
    if (app.pid > 0)
        host_kill(app.pid);
    app.pid = 0;
    if (app.fd >= 0) {
        hear_device(); /* what it said before */
        close(app.fd);
    }
    app.fd = -1;
}

/* It has ended by itself. */
static void on_end(int status)
{
    app.pid = 0;
    hear_device();
    close(app.fd);
    app.fd = -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == UPDATER_RESTART) {
        say(PLAIN, "restart", "by itself");
        power_on();
        return;
    }
    say(RED, "device", "has ended, status %d", status);
    app.failed = true;
}

static void cut(void)
{
    uint64_t now_ms = host_clock_ms();

    say(RED, "cut", "%s, %lu of %lu bytes are there", cut_names[app.cut], (unsigned long)app.got,
        (unsigned long)app.size);
    app.asks = true;
    if (app.cut == CUT_POWER) {
        app.back_ms = now_ms + DARK_MS;
        power_off();
    } else {
        app.back_ms = now_ms + OUT_MS;
        kill(app.pid, SIGUSR1);
    }
}

static void restore(void)
{
    app.back_ms = 0;
    if (app.cut == CUT_POWER) {
        say(GREEN, "restored", "the power");
        power_on();
    } else {
        say(GREEN, "restored", "the link");
        kill(app.pid, SIGUSR2);
    }
    app.cut++;
}

/* ---- What the device says -------------------------------------------------------------------- */

/* On a terminal a bar that grows, else a line now and then. */
static void show_progress(bool last)
{
    char bar[BAR + 1];
    uint32_t percent = (uint32_t)((uint64_t)app.got * 100 / app.size), full = percent * BAR / 100;

    if (percent == app.shown || (!app.terminal && percent / 10 == app.shown / 10 && !last))
        return;
    app.shown = percent;
    memset(bar, '.', BAR);
    memset(bar, '#', full);
    bar[BAR] = 0;
    if (!app.terminal) {
        say(PLAIN, "fetching", "[%s] %3lu %%", bar, (unsigned long)percent);
        return;
    }
    printf("\r           fetching      [%s] %3lu %%", bar, (unsigned long)percent);
    fflush(stdout);
    app.drawn = true;
}

/* A bar that is being drawn has its line for itself. */
static void end_bar(void)
{
    if (app.drawn)
        putchar('\n');
    app.drawn = false;
}

/* "progress BYTES OF-BYTES" */
static void on_progress(const char *words)
{
    static const uint32_t percents[CUTS] = {25, 50, 75};

    app.got = (uint32_t)strtoul(words, NULL, 10);
    show_progress(false);
    if (app.cut < CUTS && app.back_ms == 0 && !app.asks &&
        (uint64_t)app.got * 100 / app.size >= percents[app.cut]) {
        end_bar();
        cut();
    }
}

static void on_line(const char *line)
{
    if (strncmp(line, "progress ", 9) == 0) {
        on_progress(line + 9);
        return;
    }
    bool bad = strncmp(line, "failed", 6) == 0 || strncmp(line, "boot none", 9) == 0;
    if (strcmp(line, "ready") == 0) {
        app.got = app.size;
        show_progress(true);
        app.done |= DONE_READY;
    }
    end_bar();
    say(bad ? RED : GREEN, "device", "%s", line);
    app.failed |= bad;
    if (strncmp(line, "offered " NEW " ", 9 + sizeof NEW - 1) == 0)
        app.done |= DONE_OFFERED;
    else if (strcmp(line, "boot slot-b " NEW " trial") == 0)
        app.done |= DONE_TRIAL;
    else if (strcmp(line, "confirmed") == 0)
        app.done |= DONE_CONFIRMED;
}

static void hear_device(void)
{
    ssize_t n;

    while (app.fd >= 0 &&
           (n = read(app.fd, app.line + app.len, sizeof app.line - 1 - app.len)) > 0) {
        char *from = app.line, *end;
        app.len += (size_t)n;
        app.line[app.len] = 0;
        while ((end = strchr(from, '\n')) != NULL) {
            *end = 0;
            on_line(from);
            from = end + 1;
        }
        app.len = app.len < sizeof app.line - 1 || from != app.line ? strlen(from) : 0;
        memmove(app.line, from, app.len);
    }
}

/* ---- What the platform says ------------------------------------------------------------------ */

/* The first request after a cut says what is not fetched again. */
static void on_request(const char *line)
{
    const char *range = strstr(line, " bytes=");

    if (!app.asks && app.asked)
        return;
    end_bar();
    say(PLAIN, "cloud", "%s", line);
    app.asked = true;
    if (!app.asks)
        return;
    app.asks = false;
    uint32_t from = range != NULL ? (uint32_t)strtoul(range + 7, NULL, 10) : 0;
    app.kept += from;
    app.resumed += from > 0;
    if (app.resumed == CUTS)
        app.done |= DONE_RESUMED;
    say(from > 0 ? GREEN : RED, "resumed", "%lu bytes are not fetched again", (unsigned long)from);
}

static void hear_cloud(void)
{
    static const char *const shown[] = {"version ", "update ", "login "};
    char line[1200], report[160];

    while (host_cloud_line(app.cloud.dir, &app.log_seen, line, sizeof line)) {
        const char *words = strncmp(line, "cloud: ", 7) == 0 ? line + 7 : line;
        for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
            if (strncmp(words, shown[i], strlen(shown[i])) == 0) {
                end_bar();
                say(PLAIN, "cloud", "%s", words);
            }
        if (strncmp(words, "https GET /fw/", 14) == 0)
            on_request(words);
        int n =
            snprintf(report, sizeof report, "version of %s %s, module default: ", app.pk, app.dn);
        if (strncmp(words, report, (size_t)n) == 0 && strcmp(words + n, OLD) == 0)
            app.done |= DONE_REPORTED;
        if (strncmp(words, report, (size_t)n) == 0 && strcmp(words + n, NEW) == 0)
            app.done |= DONE_REPORTED_NEW;
    }
}

static bool ask_cloud(const char *line, char *answer, uint32_t cap)
{
    if (host_cloud_command(app.cloud.dir, line, answer, cap))
        return true;
    say(RED, "cloud", "%s: %s", line, answer);
    app.failed = true;
    return false;
}

static void publish(void)
{
    char line[2 * HOST_PATH_MAX], answer[256];

    snprintf(line, sizeof line, "ota publish %s %s %s version=" NEW, app.pk, app.dn, app.image);
    ask_cloud(line, answer, sizeof answer);
}

/* How far the platform says it is. */
static void look(bool show)
{
    static char answer[SHOW_BYTES];
    char line[160], *end;

    snprintf(line, sizeof line, "ota show %s %s", app.pk, app.dn);
    if (!ask_cloud(line, answer, sizeof answer))
        return;
    if (strstr(answer, " succeeded ") != NULL)
        app.done |= DONE_SUCCEEDED;
    for (char *at = answer; show && (end = strchr(at, '\n')) != NULL; at = end + 1) {
        *end = 0;
        say(PLAIN, "console", "%s", at);
    }
}

/* ---- The story ------------------------------------------------------------------------------- */

static const char *reason_to_stop(void)
{
    if (host_signal_seen() != 0)
        return "asked to";
    if (app.failed)
        return "this was not to happen";
    if (app.done == DONE_ALL)
        return "all of it has happened";
    return host_clock_ms() - app.start_ms >= app.for_s * 1000ull ? "the time is over" : NULL;
}

static void work(void)
{
    bool published = false;
    const char *reason;
    int status;

    power_on();
    while ((reason = reason_to_stop()) == NULL) {
        hear_device();
        hear_cloud();
        if (!published && (app.done & DONE_REPORTED) != 0) {
            published = true;
            publish();
        }
        if ((app.done & DONE_REPORTED_NEW) != 0)
            look(false);
        if (app.back_ms != 0 && host_clock_ms() >= app.back_ms)
            restore();
        if (app.pid > 0 && !host_alive(app.pid, &status))
            on_end(status);
        host_pause_ms(STEP_MS);
    }
    end_bar();
    if (published)
        look(true);
    say(PLAIN, "end", "%s", reason);
    if (app.pid > 0)
        host_stop(app.pid);
    app.pid = 0;
    if (app.fd >= 0)
        close(app.fd);
}

static int summarize(void)
{
    bool all = app.done == DONE_ALL && !app.failed;

    printf("\n  cuts        %lu, after which %lu bytes were not fetched again\n",
           (unsigned long)app.cut, (unsigned long)app.kept);
    printf("  the device ");
    for (uint32_t i = 0; i < sizeof done_names / sizeof done_names[0]; i++)
        if ((app.done & 1u << i) != 0)
            printf("%s %s", (app.done & ((1u << i) - 1)) != 0 ? "," : "", done_names[i]);
    printf("%s\n", app.done == 0 ? " did nothing" : "");
    for (uint32_t i = 0; i < sizeof done_names / sizeof done_names[0]; i++)
        if ((app.done & 1u << i) == 0)
            printf("  not good    missing: %s\n", done_names[i]);
    fflush(stdout);
    return all ? 0 : 1;
}

static bool read_settings(void)
{
    uint32_t kib;

    if (!host_text_number(environment("FOR", "120"), 1, 3600, &app.for_s) ||
        !host_text_number(environment("SIZE", "384"), 16, 1000, &kib)) {
        fprintf(stderr, "FOR: seconds, 1 to 3600; SIZE: KiB, 16 to 1000\n");
        return false;
    }
    app.size = kib * 1024;
    app.pk = environment("PK", UPDATER_PK);
    app.dn = environment("DN", UPDATER_DN);
    app.terminal = isatty(STDOUT_FILENO);
    return true;
}

static bool start_cloud(void)
{
    char more[64];
    struct host_cloud_options options = {
        .address = LWIP_IPV4 ? "127.0.0.1" : "::1", .more = more, .announce = true};

    snprintf(more, sizeof more, "option http-slow %lu", (unsigned long)(app.size / FETCH_S));
    if (!host_cloud_start(&app.cloud, &options)) {
        fprintf(stderr, "no emulated platform: %s\n", app.cloud.why);
        return false;
    }
    snprintf(app.port, sizeof app.port, "%u", (unsigned)app.cloud.tls_port);
    say(PLAIN, "cloud", "the emulated platform is up on %s", app.cloud.address);
    return true;
}

static bool make_things(void)
{
    ssize_t n = readlink("/proc/self/exe", app.program, sizeof app.program - 1);

    app.dir_made = n > 0 && host_dir_make("updater", app.dir);
    if (!app.dir_made) {
        fprintf(stderr, "no folder for the device's flash: %s\n", strerror(errno));
        return false;
    }
    snprintf(app.flash, sizeof app.flash, "%s/flash", app.dir);
    snprintf(app.image, sizeof app.image, "%s/app-" NEW ".bin", app.dir);
    return updater_make_flash(app.flash) && updater_make_image(app.image, app.size);
}

int main(int argc, char **argv)
{
    static char out[4096];
    int status = 1;

    setvbuf(stdout, out, _IOFBF, sizeof out);
    if (argc > 1 && strcmp(argv[1], "device") == 0)
        return updater_device(argv + 2, argc - 2);
    if (!say_begin() || !read_settings() || !host_signal_catch())
        return 1;
    app.start_ms = host_clock_ms();
    if (start_cloud()) {
        if (make_things()) {
            work();
            status = summarize();
        }
        host_cloud_stop(&app.cloud);
    }
    if (app.dir_made)
        host_dir_remove(app.dir);
    return status;
}

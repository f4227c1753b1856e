/* SPDX-License-Identifier: Apache-2.0 */
#include "device_say.h"

#include "host/host_child.h"
#include "host/host_cloud.h"
#include "host/host_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX 1200u /* of the emulator's log */

static uint64_t start_ms;
static bool coloured;
static uint32_t log_level;

bool say_begin(void)
{
    if (!host_text_number(environment("LOG", "3"), 0, IOT_LOG_DUMP, &log_level)) {
        fprintf(stderr, "LOG: 0 to 5\n");
        return false;
    }
    start_ms = host_clock_ms();
    coloured = isatty(STDOUT_FILENO) && environment("NO_COLOR", NULL) == NULL;
    return true;
}

void say(enum colour colour, const char *event, const char *format, ...)
{
    static const char *const codes[] = {"\033[1m", "\033[1;32m", "\033[1;31m"};
    uint64_t ms = host_clock_ms() - start_ms;
    va_list args;

    printf("%5lu.%03u  %s%-12s%s  ", (unsigned long)(ms / 1000), (unsigned)(ms % 1000),
           coloured ? codes[colour] : "", event, coloured ? "\033[0m" : "");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

void say_lost(const struct iot_event *ev)
{
    const char *more = iot_err_detail_text(ev->err, ev->detail);
    char next[48] = "no further attempt";

    if (ev->delay_ms != IOT_MS_NEVER)
        snprintf(next, sizeof next, "next attempt in %.1f s", ev->delay_ms / 1000.0);
    say(RED, "lost", "%s [%s %ld]", iot_err_text(ev->err), iot_err_name(ev->err), (long)ev->detail);
    if (more[0] != 0)
        say(RED, "because", "%s: %s", iot_err_detail_name(ev->err, ev->detail), more);
    say(PLAIN, "waiting", "%s", next);
}

void say_log(void *ctx, enum iot_log_level level, const char *line, uint32_t len)
{
    uint32_t area = 0;

    /* What MQTT does, the timeline tells by itself. */
    bool told = len > 5 && memcmp(line, "mqtt:", 5) == 0 && environment("LOG", NULL) == NULL;
    (void)ctx;
    if (level > log_level || told)
        return;
    while (area < len && line[area] >= 'a' && line[area] <= 'z')
        area++;
    if (area + 2 < len && area < 12 && line[area] == ':') {
        char name[12] = {0};
        memcpy(name, line, area);
        say(PLAIN, name, "%.*s", (int)(len - area - 2), line + area + 2);
    } else {
        say(PLAIN, level == IOT_LOG_DUMP ? "message" : "log", "%.*s", (int)len, line);
    }
}

/* About a message that went well. */
static bool is_traffic(const char *line)
{
    static const char *const heads[] = {"publish ",  "answer ",     "call ",
                                        "event of ", "message to ", "https GET /fw/"};

    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        if (strncmp(line, heads[i], strlen(heads[i])) == 0)
            return strstr(line, "dropped") == NULL && strstr(line, "refused") == NULL;
    return false;
}

void say_cloud_log(const char *dir, uint64_t *seen, bool traffic)
{
    static const char head[] = "cloud: ";
    char line[LINE_MAX];

    while (host_cloud_line(dir, seen, line, sizeof line)) {
        const char *words = line + sizeof head - 1;
        if (strncmp(line, head, sizeof head - 1) == 0 && (traffic || !is_traffic(words)))
            say(PLAIN, "cloud", "%s", words);
    }
}

const char *shell_word(const char *text, char *into, size_t cap)
{
    size_t n = 0;

    if (*text != 0 && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   "-_./:+=@%,") == strlen(text))
        return text;
    into[n++] = '\'';
    for (; *text != 0 && n + 6 < cap; text++) {
        if (*text == '\'') {
            memcpy(into + n, "'\\''", 4);
            n += 4;
        } else {
            into[n++] = *text;
        }
    }
    into[n++] = '\'';
    into[n] = 0;
    return into;
}

const char *environment(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value != NULL && *value != 0 ? value : otherwise;
}

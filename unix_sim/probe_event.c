/* SPDX-License-Identifier: Apache-2.0 */
#include "probe_event.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct count {
    const char *name;
    uint32_t printed, used;
} counts[] = {
    {"connected", 0, 0}, {"msg", 0, 0},  {"done", 0, 0},  {"failed", 0, 0},  {"suback", 0, 0},
    {"lost", 0, 0},      {"err", 0, 0},  {"pools", 0, 0}, {"skipped", 0, 0}, {"cut", 0, 0},
    {"flash", 0, 0},     {"wear", 0, 0}, {"json", 0, 0},  {"status", 0, 0},  {"body", 0, 0},
    {"end", 0, 0},       {"boot", 0, 0}, {"ota", 0, 0},   {"option", 0, 0},
};

static uint32_t total;
static bool deaf;

static struct count *find_count(const char *line)
{
    size_t len = strcspn(line, " ");

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (strlen(counts[i].name) == len && memcmp(counts[i].name, line, len) == 0)
            return &counts[i];
    return NULL;
}

static void end_line(const char *name)
{
    struct count *c = find_count(name);

    if (putchar('\n') == EOF || fflush(stdout) != 0)
        deaf = true;
    total++;
    if (c != NULL)
        c->printed++;
}

void probe_event(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("EV ", stdout);
    vprintf(format, args);
    va_end(args);
    end_line(format);
}

enum probe_step probe_usage(const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    probe_event("err USAGE %s", text);
    return PROBE_FAILED;
}

static void print_topic(const struct iot_topic *topic)
{
    for (uint32_t i = 0; i < topic->len; i++) {
        unsigned char c = (unsigned char)topic->text[i];
        if (c <= ' ' || c == 0x7f)
            printf("%%%02x", c);
        else
            putchar(c);
    }
}

void probe_event_msg(const struct iot_msg *msg)
{
    fputs("EV msg ", stdout);
    print_topic(&msg->topic);
    printf(" %u %d %d", (unsigned)msg->qos, (msg->flags & IOT_MSG_RETAIN) != 0,
           (msg->flags & IOT_MSG_DUP) != 0);
    if (msg->payload.len > 0)
        putchar(' ');
    for (uint32_t i = 0; i < msg->payload.len; i++)
        printf("%02x", msg->payload.ptr[i]);
    end_line("msg");
}

void probe_event_skipped(iot_err err, int32_t detail, const struct iot_msg *msg)
{
    printf("EV skipped %s %ld ", iot_err_name(err), (long)detail);
    if (msg != NULL) {
        print_topic(&msg->topic);
        printf(" %u", (unsigned)msg->qos);
    }
    end_line("skipped");
}

bool probe_event_known(const char *name)
{
    return strchr(name, ' ') == NULL && find_count(name) != NULL;
}

bool probe_event_take(const char *name)
{
    struct count *c = find_count(name);

    if (c == NULL || c->used == c->printed)
        return false;
    c->used++;
    return true;
}

uint32_t probe_event_total(void)
{
    return total;
}

bool probe_event_heard(void)
{
    return !deaf;
}

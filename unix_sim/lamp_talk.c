/* SPDX-License-Identifier: Apache-2.0 */
#include "lamp_talk.h"

#include "device_say.h"
#include "host/host_child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_MAX 16u
#define TEXT_MAX 512u
#define NAME_MAX 64u
#define PARAMS_W 60 /* columns of the left side's JSON */

/* A request that awaits its answer. */
struct request {
    bool used, ours;
    uint32_t serial;
    char id[24], name[NAME_MAX], params[PARAMS_W + 4];
    uint64_t since_ms;
};

static struct request requests[OPEN_MAX];
static uint32_t serial;
static struct talk_count counted;

/* ---- Reading a message --------------------------------------------------------------------- */

struct message {
    bool up;
    char topic[160], payload[TEXT_MAX];
};

/* "> topic payload" or "< topic payload". */
static bool read_message(const char *line, uint32_t len, struct message *m)
{
    char text[TEXT_MAX];
    char *space;

    if (len < 4 || len >= sizeof text || (line[0] != '>' && line[0] != '<') || line[1] != ' ')
        return false;
    snprintf(text, sizeof text, "%.*s", (int)len - 2, line + 2);
    space = strchr(text, ' ');
    if (space == NULL)
        return false;
    *space = 0;
    m->up = line[0] == '>';
    snprintf(m->topic, sizeof m->topic, "%.159s", text);
    snprintf(m->payload, sizeof m->payload, "%.511s", space + 1);
    return true;
}

/* The value behind the first "name": as it stands there, without quotes; "" if it has none. Enough for what is shown. */
static void value_of(const char *json, const char *name, char *into, size_t cap)
{
    char key[32];
    int depth = 0;
    bool quoted = false;
    size_t n = 0;

    *into = 0;
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(json, key);
    if (at == NULL)
        return;
    for (at += strlen(key); *at != 0 && n + 1 < cap; at++) {
        if (!quoted && depth == 0 && (*at == ',' || *at == '}' || *at == ']'))
            break;
        if (*at == '"')
            quoted = !quoted;
        if (!quoted)
            depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
        if (*at != '"' || depth > 0)
            into[n++] = *at;
    }
    into[n] = 0;
}

/* What the topic is called between friends: without /sys/{pk}/{dn}/ and thing/. */
static const char *short_name(const char *topic)
{
    static const char *const heads[] = {"thing/", "event/", "service/"};

    if (strncmp(topic, "/sys/", 5) == 0)
        for (int levels = 0; levels < 4 && strchr(topic, '/') != NULL; levels++)
            topic = strchr(topic, '/') + 1;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        if (strncmp(topic, heads[i], strlen(heads[i])) == 0)
            topic += strlen(heads[i]);
    return topic;
}

/* Of "thing.service.Measure". */
static const char *last_word(const char *method)
{
    const char *dot = strrchr(method, '.');

    return dot != NULL ? dot + 1 : method;
}

/* ---- Exchanges ----------------------------------------------------------------------------- */

static void cut(const char *text, char *into)
{
    size_t n = strlen(text);

    snprintf(into, PARAMS_W + 4, n > PARAMS_W ? "%.*s..." : "%.*s", PARAMS_W, text);
}

static void open_request(const struct message *m, const char *id, const char *name,
                         const char *params)
{
    struct request *r = &requests[0];

    for (uint32_t i = 0; i < OPEN_MAX; i++)
        if (!requests[i].used)
            r = &requests[i];
    r->used = true;
    r->ours = m->up;
    r->serial = ++serial;
    r->since_ms = host_clock_ms();
    snprintf(r->id, sizeof r->id, "%s", id);
    snprintf(r->name, sizeof r->name, "%s", name);
    cut(params, r->params);
}

static void show(struct request *r, const char *code, const char *words)
{
    bool good = strcmp(code, "200") == 0;

    *(good ? &counted.good : &counted.bad) += 1;
    say(good ? PLAIN : RED, r->ours ? "device" : "cloud", "%-22s %-*s  %s %s %s (%lu ms)", r->name,
        PARAMS_W, r->params, r->ours ? "cloud " : "device", code, words,
        (unsigned long)(host_clock_ms() - r->since_ms));
    r->used = false;
}

/* Answers come in the order of what they answer, where nothing else pairs them: the oldest. */
static struct request *find(bool ours, const char *id)
{
    struct request *found = NULL;

    for (uint32_t i = 0; i < OPEN_MAX; i++) {
        struct request *r = &requests[i];
        if (r->used && r->ours == ours && strcmp(r->id, id) == 0 &&
            (found == NULL || r->serial < found->serial))
            found = r;
    }
    return found;
}

/* Alink: an id pairs the two. */
static void on_alink(const struct message *m)
{
    size_t len = strlen(m->topic);
    bool reply = len > 6 && strcmp(m->topic + len - 6, "_reply") == 0;
    char id[24], code[16], words[80], method[80], name[NAME_MAX], params[TEXT_MAX];

    value_of(m->payload, "id", id, sizeof id);
    value_of(m->payload, "method", method, sizeof method);
    if (!reply && strstr(m->topic, "/rrpc/response/") == NULL) {
        value_of(m->payload, "params", params, sizeof params);
        if (strstr(m->topic, "/rrpc/request/") != NULL)
            snprintf(name, sizeof name, "%.40s (rrpc)", last_word(method));
        else
            snprintf(name, sizeof name, "%.60s", short_name(m->topic));
        open_request(m, id, name, params);
        return;
    }
    value_of(m->payload, "code", code, sizeof code);
    value_of(m->payload, m->up ? "data" : "message", words, sizeof words);
    struct request *r = find(!m->up, id);
    if (r != NULL)
        show(r, code, words);
}

/* Shadow and time: one is open at a time, and the topic says which. */
static void on_other(const struct message *m, const char *name, const char *code_name)
{
    char code[16], words[TEXT_MAX], shown[PARAMS_W + 4];
    struct request *r = find(true, name);

    if (m->up) {
        open_request(m, name, name, m->payload);
        return;
    }
    value_of(m->payload, code_name, code, sizeof code);
    value_of(m->payload, strcmp(name, "shadow") == 0 ? "state" : "serverSendTime", words,
             sizeof words);
    cut(words, shown);
    if (r != NULL)
        show(r, *code != 0 ? code : "200", shown);
    else
        say(PLAIN, "cloud", "%-22s %s", name, m->payload);
}

void talk_log(void *ctx, enum iot_log_level level, const char *line, uint32_t len)
{
    struct message m;

    if (level != IOT_LOG_DUMP || !read_message(line, len, &m)) {
        say_log(ctx, level, line, len);
        return;
    }
    if (strncmp(m.topic, "/sys/", 5) == 0)
        on_alink(&m);
    else if (strncmp(m.topic, "/shadow/", 8) == 0)
        on_other(&m, "shadow", "errorcode");
    else if (strncmp(m.topic, "/ext/ntp/", 9) == 0)
        on_other(&m, "time", "code");
    else
        say(PLAIN, m.up ? "device" : "cloud", "%s %s", m.topic, m.payload);
}

void talk_end(void)
{
    for (uint32_t i = 0; i < OPEN_MAX; i++)
        if (requests[i].used)
            say(RED, requests[i].ours ? "device" : "cloud", "%-22s %s  was not answered",
                requests[i].name, requests[i].params);
}

struct talk_count talk_counted(void)
{
    return counted;
}

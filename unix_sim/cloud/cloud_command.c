/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_command.h"

#include "cloud/cloud_text.h"

#include <stdio.h>
#include <string.h>

struct command {
    struct cloud *cloud;
    char *rest; /* of the line */
    char *answer;
    size_t cap;
    uint64_t now_ms;
};

/* One word off the front; empty: there is none left. */
static char *word(struct command *cmd)
{
    char *start = cmd->rest + strspn(cmd->rest, " \t");
    size_t n = strcspn(start, " \t");

    cmd->rest = start + n + (start[n] != 0);
    start[n] = 0;
    return start;
}

static void ok(struct command *cmd)
{
    snprintf(cmd->answer, cmd->cap, "ok\n");
}

/* With a line for who gave the command. */
static void done(struct command *cmd, const char *what, int i)
{
    const struct cloud_book *book = &cmd->cloud->book;

    snprintf(cmd->answer, cmd->cap, "ok\n%s %s %s\n", what, cloud_book_key(book, i),
             book->devices[i].name);
}

static void fail(struct command *cmd, const char *why)
{
    snprintf(cmd->answer, cmd->cap, "error: %s\n", why);
}

static int device(struct command *cmd)
{
    const char *key = word(cmd), *name = word(cmd);
    int i = cloud_book_device(&cmd->cloud->book, key, name);

    if (*name == 0)
        fail(cmd, "which device? give its product key and its name");
    else if (i < 0)
        snprintf(cmd->answer, cmd->cap, "error: no device %.40s %.40s\n", key, name);
    return i;
}

static void list(struct command *cmd)
{
    static const char *const states[] = {"enabled", "disabled", "deleted"};
    static const char *const ways[] = {"plain", "tls", "tls-psk", "x509"};
    struct cloud *c = cmd->cloud;
    int at = snprintf(cmd->answer, cmd->cap, "ok\n");

    for (int i = 0; i < c->book.device_count && (size_t)at < cmd->cap; i++) {
        const struct cloud_session *s = &c->sessions[i];
        at += snprintf(cmd->answer + at, cmd->cap - (size_t)at, "%-12s %-16s %-8s %s%s%s\n",
                       cloud_book_key(&c->book, i), c->book.devices[i].name,
                       states[c->book.devices[i].state], s->link != 0 ? "online, " : "offline",
                       s->link != 0 ? ways[s->transport] : "", s->flow ? ", flow control" : "");
    }
}

static void set_state(struct command *cmd, enum cloud_state state)
{
    static const char *const what[] = {"enabled", "disabled", "deleted"};
    int i = device(cmd);

    if (i < 0)
        return;
    if (state == CLOUD_ENABLED && cmd->cloud->book.devices[i].state == CLOUD_DELETED) {
        fail(cmd, "a deleted device does not come back");
        return;
    }
    cloud_set_state(cmd->cloud, i, state, cmd->now_ms);
    done(cmd, what[state], i);
}

static void disable(struct command *cmd)
{
    set_state(cmd, CLOUD_DISABLED);
}

static void enable(struct command *cmd)
{
    set_state(cmd, CLOUD_ENABLED);
}

static void delete (struct command *cmd)
{
    set_state(cmd, CLOUD_DELETED);
}

static void kick(struct command *cmd)
{
    int i = device(cmd);

    if (i < 0)
        return;
    if (cloud_kick(cmd->cloud, i, "by command"))
        done(cmd, "kicked", i);
    else
        fail(cmd, "the device is offline");
}

static void publish(struct command *cmd)
{
    int i = device(cmd);
    const char *why;

    if (i < 0)
        return;
    const char *topic = word(cmd);
    if (*topic == 0)
        fail(cmd, "which topic?");
    else if (cloud_send(cmd->cloud, i, topic, cmd->rest, strlen(cmd->rest), &why))
        ok(cmd);
    else
        fail(cmd, why);
}

static void flow(struct command *cmd)
{
    int i = device(cmd);

    if (i < 0)
        return;
    const char *state = word(cmd);
    bool on = strcmp(state, "on") == 0;
    if (!on && strcmp(state, "off") != 0) {
        fail(cmd, "on or off?");
        return;
    }
    cloud_set_flow(cmd->cloud, i, on);
    done(cmd, on ? "flow control on for" : "flow control off for", i);
}

static void option(struct command *cmd)
{
    const char *name = word(cmd), *value = word(cmd);
    char why[256];

    if (cloud_book_option(&cmd->cloud->book.rules, name, value, why, sizeof why))
        snprintf(cmd->answer, cmd->cap, "ok\noption %s is %s\n", name, value);
    else
        fail(cmd, why);
}

void cloud_command(struct cloud *c, char *line, char *answer, size_t cap, uint64_t now_ms)
{
    static const struct {
        const char *word;
        void (*run)(struct command *);
    } commands[] = {{"list", list}, {"disable", disable}, {"enable", enable}, {"delete", delete},
                    {"kick", kick}, {"publish", publish}, {"flow", flow},     {"option", option}};
    struct command cmd = {c, line, answer, cap, now_ms};
    const char *verb = word(&cmd);

    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(verb, commands[i].word) == 0) {
            commands[i].run(&cmd);
            return;
        }
    }
    fail(&cmd, "commands are list, log, disable, enable, delete, kick, publish, flow, option");
}

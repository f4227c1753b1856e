/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_command.h"

#include "cloud/cloud_call.h"
#include "cloud/cloud_coap_wire.h"
#include "cloud/cloud_console.h"
#include "cloud/cloud_ota.h"
#include "cloud/cloud_store.h"
#include "cloud/cloud_text.h"
#include "cloud/cloud_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* With a line for who gave the command. */
static void done(struct cloud_order *o, const char *what, int i)
{
    cloud_order_say(o, "%s %s %s\n", what, cloud_key_of(o->cloud, i), cloud_name_of(o->cloud, i));
}

static void list(struct cloud_order *o)
{
    static const char *const states[] = {"enabled", "disabled", "deleted"};
    static const char *const ways[] = {"plain", "tls", "tls-psk", "x509"};
    struct cloud *c = o->cloud;
    json_t *devices = json_array();

    for (int i = 0; i < c->book.device_count; i++) {
        const struct cloud_session *s = &c->sessions[i];
        const struct cloud_device *d = &c->book.devices[i];
        bool online = cloud_online(c, i, o->now_ms);
        const char *way = s->link != 0 ? ways[s->transport] : online ? "coap" : "";
        cloud_order_say(o, "%-12s %-16s %-8s %s%s%s\n", cloud_key_of(c, i), d->name,
                        states[d->state], online ? "online, " : "offline", way,
                        s->flow ? ", flow control" : "");
        json_array_append_new(devices,
                              json_pack("{s:s, s:s, s:s, s:b, s:s, s:b, s:b}", "productKey",
                                        cloud_key_of(c, i), "deviceName", d->name, "state",
                                        states[d->state], "online", (int)online, "transport", way,
                                        "flow", (int)s->flow, "activated", (int)d->activated));
    }
    o->value = json_pack("{s:o}", "devices", devices);
}

static void set_state(struct cloud_order *o, enum cloud_state state)
{
    static const char *const what[] = {"enabled", "disabled", "deleted"};
    int i = cloud_order_device(o);

    if (i < 0)
        return;
    if (state == CLOUD_ENABLED && o->cloud->book.devices[i].state == CLOUD_DELETED) {
        cloud_order_fail(o, "a deleted device does not come back");
        return;
    }
    cloud_set_state(o->cloud, i, state, o->now_ms);
    done(o, what[state], i);
}

static void disable(struct cloud_order *o)
{
    set_state(o, CLOUD_DISABLED);
}

static void enable(struct cloud_order *o)
{
    set_state(o, CLOUD_ENABLED);
}

static void delete (struct cloud_order *o)
{
    set_state(o, CLOUD_DELETED);
}

static void kick(struct cloud_order *o)
{
    int i = cloud_order_device(o);

    if (i < 0)
        return;
    if (cloud_kick(o->cloud, i, "by command"))
        done(o, "kicked", i);
    else
        cloud_order_fail(o, "the device is offline");
}

static void publish(struct cloud_order *o)
{
    int i = cloud_order_device(o);
    const char *why;

    if (i < 0)
        return;
    const char *topic = cloud_order_word(o);
    if (*topic == 0)
        cloud_order_fail(o, "which topic?");
    else if (!cloud_send(o->cloud, i, topic, o->rest, strlen(o->rest), &why))
        cloud_order_fail(o, "%s", why);
}

static void flow(struct cloud_order *o)
{
    int i = cloud_order_device(o);

    if (i < 0)
        return;
    const char *state = cloud_order_word(o);
    bool on = strcmp(state, "on") == 0;
    if (!on && strcmp(state, "off") != 0) {
        cloud_order_fail(o, "on or off?");
        return;
    }
    cloud_set_flow(o->cloud, i, on);
    done(o, on ? "flow control on for" : "flow control off for", i);
}

static void option(struct cloud_order *o)
{
    const char *name = cloud_order_word(o);
    char why[520];

    for (size_t n = strlen(o->rest); n > 0 && o->rest[n - 1] == ' ';)
        o->rest[--n] = 0;
    o->rest += strspn(o->rest, " ");
    if (cloud_book_option(&o->cloud->book.rules, name, o->rest, why, sizeof why))
        cloud_order_say(o, "option %s is %s\n", name, o->rest);
    else
        cloud_order_fail(o, "%s", why);
}

static const struct {
    const char *word;
    void (*run)(struct cloud_order *);
} commands[] = {
    {"list", list},
    {"disable", disable},
    {"enable", enable},
    {"delete", delete},
    {"kick", kick},
    {"publish", publish},
    {"flow", flow},
    {"option", option},
    {"set", cloud_console_set},
    {"call", cloud_console_call},
    {"rrpc", cloud_console_rrpc},
    {"raw", cloud_console_raw},
    {"desired", cloud_console_desired},
    {"shadow", cloud_console_shadow},
    {"config", cloud_console_config},
    {"log-mode", cloud_console_log_mode},
    {"bootstrap", cloud_console_bootstrap},
    {"error", cloud_console_error},
    {"show", cloud_console_show},
    {"reply", cloud_console_reply},
    {"tsl", cloud_console_tsl},
    {"ota", cloud_ota_command},
    {"file", cloud_store_command},
    {"web", cloud_wire_command},
    {"coap", cloud_coap_wire_command},
    {"coap-key", cloud_coap_wire_key},
};

/* ---- Answers ----------------------------------------------------------------------------------- */

static void write_json(const struct cloud_order *o, char *answer, size_t cap)
{
    json_t *out = json_pack("{s:b}", "ok", (int)!o->failed);

    json_object_update_missing(out, o->value);
    if (o->words != NULL && (o->failed || o->value == NULL)) {
        size_t n = strcspn(o->words, "\n"); /* one line, if it is not a value */
        json_t *words = json_stringn(o->words, n);
        json_object_set_new(out, o->failed ? "error" : "text",
                            words != NULL ? words : json_string("?"));
    }
    char *text = cloud_json_text(out);
    snprintf(answer, cap, "%s%s\n", o->failed ? "error: " : "ok\n", text);
    free(text);
    json_decref(out);
}

static void write_words(const struct cloud_order *o, char *answer, size_t cap)
{
    char *text = NULL;
    const char *words = o->words;

    if (words == NULL && o->value != NULL)
        words = text = cloud_json_text(o->value);
    if (words == NULL)
        words = "";
    size_t n = strlen(words);
    bool newline = (n > 0 || o->failed) && (n == 0 || words[n - 1] != '\n');
    snprintf(answer, cap, "%s%s%s", o->failed ? "error: " : "ok\n", words, newline ? "\n" : "");
    free(text);
}

static void finish(struct cloud_order *o, bool json, char *answer, size_t cap)
{
    if (json)
        write_json(o, answer, cap);
    else
        write_words(o, answer, cap);
    json_decref(o->value);
    free(o->words);
}

uint32_t cloud_command(struct cloud *c, char *line, char *answer, size_t cap, uint64_t now_ms)
{
    struct cloud_order o = {.cloud = c, .rest = line, .now_ms = now_ms};
    const char *verb = cloud_order_word(&o);
    bool json = strcmp(verb, "--json") == 0;
    size_t i = 0, count = sizeof commands / sizeof commands[0];

    if (json)
        verb = cloud_order_word(&o);
    while (i < count && strcmp(verb, commands[i].word) != 0)
        i++;
    if (i < count) {
        commands[i].run(&o);
    } else {
        cloud_order_say(&o, "commands are log");
        for (i = 0; i < count; i++)
            cloud_order_say(&o, ", %s", commands[i].word);
        o.failed = true;
    }
    if (o.ticket == 0) {
        finish(&o, json, answer, cap);
        return 0;
    }
    for (i = 0; i < CLOUD_CALLS_MAX; i++)
        if (c->calls[i].id == o.ticket)
            c->calls[i].json = json;
    answer[0] = 0;
    return o.ticket;
}

/* What the device's code says; bytes have none. */
static bool is_good(const struct cloud_call *call, const json_t *shown)
{
    const json_t *code = json_object_get(json_object_get(shown, "answer"), "code");

    return call->state == CLOUD_CALL_ANSWERED && (call->plain || json_integer_value(code) == 200);
}

bool cloud_command_answer(struct cloud *c, uint32_t ticket, char *answer, size_t cap)
{
    const struct cloud_call *call = cloud_call_find(c, ticket);
    struct cloud_order o = {.cloud = c};

    if (call != NULL && call->state == CLOUD_CALL_WAITS)
        return false;
    if (call == NULL) {
        cloud_order_fail(&o, "the request is forgotten, so many have come after it");
        finish(&o, false, answer, cap);
        return true;
    }
    o.value = cloud_call_show(call);
    o.failed = !is_good(call, o.value);
    switch ((enum cloud_call_state)call->state) {
    case CLOUD_CALL_WAITS:
    case CLOUD_CALL_LATE:
        cloud_order_say(&o, "no answer to id %u within %u ms", (unsigned)call->id,
                        (unsigned)(call->due_ms - call->sent_ms));
        break;
    case CLOUD_CALL_WRONG:
        cloud_order_say(&o, "the answer is wrong: %s: %s", call->wrong, call->answer);
        break;
    case CLOUD_CALL_ANSWERED:
        cloud_order_say(&o, "%s%s", o.failed ? "the device says " : "", call->answer);
        break;
    }
    finish(&o, call->json, answer, cap);
    return true;
}

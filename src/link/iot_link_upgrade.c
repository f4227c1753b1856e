/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_upgrade.h"

#include "core/iot_core_text.h"
#include "link/iot_link_route.h"

#include <string.h>

#if IOT_FEATURE_OTA && IOT_FEATURE_ALINK

#define STEP_MORE 5  /* per cent */
#define STEP_MS   50 /* also between two attempts to send */

void iot_link_upgrade_init(struct iot_link_upgrade *u, const struct iot_link_upgrade_hooks *on,
                           void *ctx)
{
    memset(u, 0, sizeof *u);
    u->on = on;
    u->ctx = ctx;
}

iot_err iot_link_upgrade_listen(struct iot_alink *a, struct iot_link_upgrade_texts *texts)
{
    static const char *const owned[] = {"/ota/device/upgrade/", "/ota/device/request/"};
    iot_err err = IOT_OK;

    for (uint32_t i = 0; i < 2 && err == IOT_OK; i++) {
        struct iot_filter f = {.qos = 1};
        err = iot_alink_topic(a, owned[i], "", NULL, texts->text[i], sizeof texts->text[i],
                              &f.filter);
        if (err == IOT_OK)
            err = a->line->subscribe(iot_alink_device(a), &f, NULL);
    }
    return err;
}

/* ---- Up -------------------------------------------------------------------------------------- */

/* Members of an object, a text each; NULL: it is left out. */
struct words {
    const char *text[4];
};

static void write_words(struct iot_writer *w, const void *what)
{
    static const char names[][8] = {"version", "step", "desc", "module"};
    const struct words *words = what;
    const char *before = "{";

    for (uint32_t i = 0; i < 4; i++) {
        if (words->text[i] == NULL)
            continue;
        iot_json_put(w, before);
        iot_json_key(w, names[i]);
        iot_json_put_text(w, words->text[i]);
        before = ",";
    }
    iot_json_put(w, before + (*before == ',')); /* "{" again, if there was none */
    iot_json_put(w, "}");
}

static void write_params(struct iot_writer *w, const void *what)
{
    iot_json_put(w, ",\"params\":");
    write_words(w, what);
}

iot_err iot_link_say(struct iot_alink *a, const char *before, const char *after, uint8_t qos,
                     iot_alink_words write, const void *what, iot_ticket *id)
{
    char text[IOT_LINK_TOPIC_MAX];
    struct iot_msg msg = {.qos = qos, .flags = IOT_MSG_SILENT | IOT_MSG_REFUSE};
    struct iot_writer w = {.cap = IOT_MQTT_TX_BYTES};

    write(&w, what);
    if (w.overflow)
        return IOT_ERR_SIZE;
    iot_err err = iot_alink_topic(a, before, after, NULL, text, sizeof text, &msg.topic);
    if (err == IOT_OK)
        err = a->line->begin(iot_alink_device(a), &msg,
                             w.len + (uint32_t)sizeof "{\"id\":\"4294967295\"}", &w);
    if (err != IOT_OK)
        return err;
    iot_json_put(&w, "{\"id\":\"");
    iot_writer_u32(&w, a->line->next_ticket(iot_alink_device(a)));
    iot_json_put(&w, "\"");
    write(&w, what);
    iot_json_put(&w, "}");
    return a->line->commit(&w, id);
}

/* Of the device itself: not sent. */
static const char *named(const char *module)
{
    return *module == 0 || iot_text_is(module, "default") ? NULL : module;
}

iot_err iot_link_upgrade_ask_old(struct iot_alink *a, const char *version)
{
    const struct words words = {{version, NULL, NULL, NULL}};

    return iot_link_say(a, "/ota/device/request/", "", 1, write_params, &words, NULL);
}

iot_err iot_link_upgrade_ask(struct iot_link_upgrade *u, struct iot_alink *a, const char *module)
{
    const struct words words = {{NULL, NULL, NULL, named(module)}};

    if (u->asked != 0)
        return IOT_ERR_STATE;
    return iot_alink_ask_words(a, "thing/ota/firmware/get", 0, write_words, &words, &u->asked);
}

/* There is no room, or the application writes something; anything else will not be better later. */
static bool is_weather(iot_err err)
{
    return err == IOT_ERR_FULL || err == IOT_ERR_AGAIN || err == IOT_ERR_STATE;
}

/* ---- Versions and progress ------------------------------------------------------------------- */

void iot_link_upgrade_report(struct iot_link_upgrade *u, struct iot_alink *a)
{
    u->next = 0;
    u->reports = true;
    a->line->wake(iot_alink_device(a));
}

/* One after the other, as far as there is room. */
static void report(struct iot_link_upgrade *u, struct iot_alink *a)
{
    const char *name, *version;

    for (; u->reports; u->next++) {
        u->reports = u->on->module(u->ctx, u->next, &name, &version);
        if (!u->reports || version == NULL)
            continue;
        const struct words words = {{version, NULL, NULL, named(name)}};
        if (is_weather(iot_link_say(a, "/ota/device/inform/", "", 1, write_params, &words, NULL)))
            return;
    }
}

void iot_link_upgrade_progress(struct iot_link_upgrade *u, iot_time now, int32_t step,
                               const char *desc, const char *module)
{
    bool at_once = step <= 0 || step >= 100;

    u->desc = desc;
    u->module = module;
    if (at_once)
        u->due = now;
    if (step == 0)
        u->shown = 0;
    u->owes |= at_once || step >= u->shown + STEP_MORE;
    u->step = (int8_t)step;
}

static void show(struct iot_link_upgrade *u, struct iot_alink *a, iot_time now)
{
    char digits[5];
    struct iot_writer w = {.ptr = (uint8_t *)digits, .cap = sizeof digits - 1};
    const struct words words = {{NULL, digits, u->desc, named(u->module)}};

    iot_json_put_i32(&w, u->step);
    digits[w.len] = 0;
    u->owes =
        is_weather(iot_link_say(a, "/ota/device/progress/", "", 0, write_params, &words, NULL));
    u->due = now + STEP_MS;
    if (!u->owes)
        u->shown = u->step;
}

void iot_link_upgrade_run(struct iot_link_upgrade *u, struct iot_alink *a, iot_time now)
{
    if (!a->up)
        return;
    if (u->reports)
        report(u, a);
    if (u->owes && now >= u->due)
        show(u, a, now);
}

iot_time iot_link_upgrade_deadline(const struct iot_link_upgrade *u, const struct iot_alink *a)
{
    if (!a->up)
        return IOT_TIME_NEVER;
    if (u->reports) /* there was no room */
        return a->now + STEP_MS;
    return u->owes ? u->due : IOT_TIME_NEVER;
}

/* ---- Down ------------------------------------------------------------------------------------ */

/* The job is large: only here is it on the stack. */
static void offer(struct iot_link_upgrade *u, struct iot_json data)
{
    struct iot_ota_job job;

    iot_err err = iot_link_job_read(data, &job);
    if (err == IOT_OK)
        u->on->offered(u->ctx, &job);
    else
        u->on->refused(u->ctx, &job, err);
}

void iot_link_upgrade_event(struct iot_link_upgrade *u, struct iot_alink *a,
                            const struct iot_event *ev)
{
    if (ev->kind == IOT_EV_CONNECTED)
        iot_link_upgrade_report(u, a);
    if (u->asked == 0 || ev->ticket != u->asked ||
        (ev->kind != IOT_EV_REPLY && ev->kind != IOT_EV_FAILED))
        return;
    u->asked = 0;
    if (ev->err == IOT_OK && iot_json_count(ev->reply->data) != 0)
        offer(u, ev->reply->data);
    else
        u->on->nothing(u->ctx, ev->err, ev->detail);
}

iot_err iot_link_upgrade_take(struct iot_link_upgrade *u, struct iot_alink *a,
                              const struct iot_msg *msg)
{
    struct iot_bytes left = {(const uint8_t *)msg->topic.text, msg->topic.len};
    struct iot_json data = {NULL, 0};

    if (a->id == NULL || !iot_link_skip(&left, "/ota/device/"))
        return IOT_ERR_STATE;
    bool answer = iot_link_skip(&left, "request/");
    if ((!answer && !iot_link_skip(&left, "upgrade/")) || !iot_link_is_own(a, &left) ||
        left.len != 0)
        return IOT_ERR_STATE;
    iot_err err = iot_link_job_offer(msg->payload, &data);
    if (err == IOT_OK && data.len == 0 && !answer)
        err = IOT_ERR_JSON_MISSING;
    if (err != IOT_OK)
        return iot_alink_drop(a, msg, err);
    if (data.len != 0)
        offer(u, data);
    return IOT_OK;
}

#endif

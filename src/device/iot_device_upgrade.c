/* SPDX-License-Identifier: Apache-2.0 */
#include "device/iot_device_upgrade.h"

#include "device/iot_device_parts.h"
#include "device/iot_device_room.h"

#include "core/iot_core_assert.h"

#include <string.h>

#if IOT_FEATURE_OTA && IOT_FEATURE_ALINK

#define ASK_MS 1000u /* there was no room for a question */

const struct iot_upgrade_way iot_upgrade_over_mqtt = {iot_link_file_begin, iot_link_file_stop,
                                                      iot_link_file_take,  iot_link_file_event,
                                                      iot_link_file_run,   iot_link_file_deadline};

/* In words, where they are built in. */
static const char *name_of(iot_err err)
{
#if IOT_FEATURE_ERR_NAMES
    return iot_err_name(err);
#else
    (void)err;
    return NULL;
#endif
}

/* ---- From the platform to the engine ------------------------------------------------------- */

static void refused(void *ctx, const struct iot_ota_job *job, iot_err err)
{
    struct iot_upgrade *u = ctx;

    memcpy(u->refused, job->module, sizeof u->refused);
    iot_link_upgrade_progress(&u->link, u->dev->now, iot_ota_step_of(err), name_of(err),
                              u->refused);
    iot_ota_refused(u->ota, job, err);
}

/* One without a version is none of the platform's: it is not told of it, and may not change it. */
static bool is_hidden(const struct iot_ota_module *m)
{
    return m != NULL && m->version == NULL;
}

static void offered(void *ctx, const struct iot_ota_job *job)
{
    struct iot_upgrade *u = ctx;
    iot_err err = is_hidden(iot_ota_module(u->ota, job->module)) ? IOT_ERR_OTA_MODULE
                                                                 : iot_ota_offer(u->ota, job);

    if (err == IOT_ERR_AGAIN || err == IOT_ERR_FULL) {
        memcpy(u->wanted, job->module, sizeof u->wanted);
        u->ask = true;
    } else if (err != IOT_OK) {
        refused(u, job, err);
    }
}

/* The engine, if it waits for a URL, tries the old one again. */
static void nothing(void *ctx, iot_err err, int32_t detail)
{
    (void)ctx, (void)err, (void)detail;
}

static bool module_at(void *ctx, uint32_t i, const char **name, const char **version)
{
    struct iot_upgrade *u = ctx;
    const struct iot_ota_module *m = &u->ota->opt->modules[i];

    if (i >= u->ota->opt->module_count)
        return false;
    *name = m->name;
    *version = m->version;
    return true;
}

static const struct iot_link_upgrade_hooks hooks = {offered, refused, nothing, module_at};

/* ---- From the engine to the platform ------------------------------------------------------- */

static iot_err ask_url(void *ctx, const struct iot_ota_job *job)
{
    struct iot_upgrade *u = ctx;
    iot_err err = iot_link_upgrade_ask(&u->link, &u->dev->alink, job->module);

    return err == IOT_ERR_STATE ? IOT_ERR_AGAIN : err; /* asked already, or not connected */
}

static iot_err bring(void *ctx, const struct iot_ota_job *job, uint32_t at, uint32_t bytes,
                     const struct iot_http_handlers *on, void *on_ctx)
{
    struct iot_upgrade *u = ctx;

    return u->way == NULL ? IOT_ERR_OTA_JOB
                          : u->way->begin(&u->file, job, at, bytes, 0, on, on_ctx);
}

static void bring_no_more(void *ctx)
{
    struct iot_upgrade *u = ctx;

    if (u->way != NULL)
        u->way->stop(&u->file);
}

/* 100 is said when the image is verified. */
static void progress(void *ctx, const struct iot_ota_job *job, uint32_t bytes)
{
    struct iot_upgrade *u = ctx;
    uint32_t percent = (uint32_t)((uint64_t)bytes * 100 / job->size);

    if (is_hidden(u->ota->module))
        return;
    iot_link_upgrade_progress(&u->link, u->dev->now, percent > 99 ? 99 : (int32_t)percent, NULL,
                              u->ota->module->name);
}

/* What goes on after a reboot has not failed; and a step names no job: that of one which was replaced would be taken for
 * one of the other's. */
static void ended(void *ctx, const struct iot_ota_job *job, iot_err err, int32_t detail)
{
    struct iot_upgrade *u = ctx;

    (void)job, (void)detail;
    if (is_hidden(u->ota->module))
        return;
    if (err == IOT_OK)
        iot_link_upgrade_progress(&u->link, u->dev->now, 100, NULL, u->ota->module->name);
    else if (err != IOT_ERR_CLOSED && err != IOT_ERR_OTA_REPLACED)
        iot_link_upgrade_progress(&u->link, u->dev->now, iot_ota_step_of(err), name_of(err),
                                  u->ota->module->name);
}

static iot_err make_room(void *ctx, bool wanted)
{
    struct iot_upgrade *u = ctx;

    return iot_device_room(u->dev, wanted);
}

static const struct iot_ota_cloud cloud = {ask_url,  bring, bring_no_more,
                                           progress, ended, make_room};

/* ---- A part of the device ------------------------------------------------------------------ */

IOT_STATIC_ASSERT(offsetof(struct iot_upgrade, part) == 0, "it is found by its part");

static void part_run(struct iot_part *p, iot_time now)
{
    struct iot_upgrade *u = (struct iot_upgrade *)(void *)p;
    struct iot_alink *a = &u->dev->alink;

    iot_link_upgrade_run(&u->link, a, now);
    if (u->way != NULL)
        u->way->run(&u->file, a, now);
    if (u->ask && a->up && iot_ota_job(u->ota) == NULL)
        u->ask = iot_link_upgrade_ask(&u->link, a, u->wanted) != IOT_OK;
}

static iot_time part_deadline(const struct iot_part *p)
{
    const struct iot_upgrade *u = (const struct iot_upgrade *)(const void *)p;
    const struct iot_alink *a = &u->dev->alink;
    iot_time first = iot_link_upgrade_deadline(&u->link, a);

    if (u->way != NULL && u->way->deadline(&u->file, a) < first)
        first = u->way->deadline(&u->file, a);
    if (u->ask && a->up && iot_ota_job(u->ota) == NULL && u->dev->now + ASK_MS < first)
        first = u->dev->now + ASK_MS;
    return first;
}

static bool part_idle(const struct iot_part *p)
{
    const struct iot_upgrade *u = (const struct iot_upgrade *)(const void *)p;

    return iot_link_file_idle(&u->file);
}

/* The engine, which closes as well, stops what it has begun. */
static void part_close(struct iot_part *p)
{
    (void)p;
}

static void part_event(struct iot_part *p, const struct iot_event *ev)
{
    struct iot_upgrade *u = (struct iot_upgrade *)(void *)p;

    iot_link_upgrade_event(&u->link, &u->dev->alink, ev);
    if (u->way != NULL)
        u->way->event(&u->file, ev);
}

static iot_err part_take(struct iot_part *p, const struct iot_msg *msg)
{
    struct iot_upgrade *u = (struct iot_upgrade *)(void *)p;
    iot_err err = iot_link_upgrade_take(&u->link, &u->dev->alink, msg);

    if (err == IOT_ERR_STATE && u->way != NULL)
        err = u->way->take(&u->file, &u->dev->alink, msg);
    return err;
}

static const struct iot_part_ops part_ops = {part_run,   part_deadline, part_idle, part_close,
                                             part_event, part_take,     NULL};

iot_err iot_upgrade_init(struct iot_upgrade *u, struct iot_device *dev, struct iot_ota *ota,
                         const struct iot_upgrade_way *way)
{
    const struct iot_ota_options *o = ota->opt;

    if (dev->opt->link == NULL || iot_device_has(dev, &u->part))
        return IOT_ERR_ARG;
    /* What comes over MQTT is verified while that is up. */
    if (way != NULL && o->public_key != NULL && iot_device_shares(dev, o->arena, o->arena_bytes))
        return IOT_ERR_ARG;
    memset(u, 0, sizeof *u);
    u->part.ops = &part_ops;
    u->dev = dev;
    u->ota = ota;
    u->way = way;
    iot_link_upgrade_init(&u->link, &hooks, u);
    iot_ota_serve(ota, &cloud, u);
    iot_device_attach(dev, &u->part);
    return IOT_OK;
}

iot_err iot_upgrade_listen(struct iot_upgrade *u)
{
    return iot_link_upgrade_listen(&u->dev->alink, &u->texts);
}

iot_err iot_upgrade_ask(struct iot_upgrade *u, const char *module)
{
    return iot_link_upgrade_ask(&u->link, &u->dev->alink, module);
}

iot_err iot_upgrade_ask_old(struct iot_upgrade *u)
{
    const struct iot_ota_module *m = iot_ota_module(u->ota, "");

    return iot_link_upgrade_ask_old(&u->dev->alink, m == NULL || is_hidden(m) ? "" : m->version);
}

void iot_upgrade_report(struct iot_upgrade *u)
{
    iot_link_upgrade_report(&u->link, &u->dev->alink);
}

#endif

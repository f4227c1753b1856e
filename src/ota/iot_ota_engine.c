/* SPDX-License-Identifier: Apache-2.0 */
#include "ota/iot_ota_engine.h"

#if IOT_FEATURE_OTA

#include "core/iot_core_text.h"
#include "http/iot_http_url.h"
#include "iot/iot_device.h"

#include <string.h>

/* ---- What is told ------------------------------------------------------------------------- */

static void tell(struct iot_ota *ota, enum iot_ota_what what, iot_err err, int32_t detail)
{
    struct iot_ota_event event;

    if (ota->opt->on_event == NULL)
        return;
    event.what = what;
    event.module = ota->module;
    event.job = &ota->job;
    event.bytes = what == IOT_OTA_READY ? ota->job.size : ota->fetch.image.at;
    event.err = err;
    event.detail = detail;
    ota->opt->on_event(ota->opt->ctx, ota, &event);
}

static void tell_offer(struct iot_ota *ota)
{
    ota->wake = IOT_TIME_NEVER;
    tell(ota, IOT_OTA_OFFERED, IOT_OK, 0);
    if (ota->opt->on_event == NULL) /* and nobody who could apply a difference */
        (void)(ota->job.is_diff ? iot_ota_refuse(ota) : iot_ota_accept(ota));
}

/* The next step is due, and the device's tick looks. */
static void hurry(struct iot_ota *ota)
{
    ota->wake = 0;
    *ota->mark = true;
}

static void end_later(struct iot_ota *ota, iot_err err, int32_t detail)
{
    ota->state = IOT_OTA_ENDING;
    ota->err = err;
    ota->detail = detail;
    hurry(ota);
}

static void stop(struct iot_ota *ota, iot_err err, bool keep)
{
    iot_ota_fetch_stop(&ota->fetch, err, keep);
    *ota->mark = true;
}

/* ---- Memory ------------------------------------------------------------------------------- */

/* No: not yet; then it is asked again at `wake`. */
static bool await(struct iot_ota *ota)
{
    ota->wake = ota->now + IOT_OTA_ROOM_MS;
    return false;
}

static bool get_room(struct iot_ota *ota, iot_err *err)
{
    *err = IOT_OK;
    if (ota->room)
        return true;
    ota->lent = true;
    *err = ota->cloud->make_room(ota->cloud_ctx, true);
    if (*err == IOT_ERR_AGAIN)
        return await(ota);
    ota->room = *err == IOT_OK;
    return true;
}

/* What is kept of HTTP's connection lies in it. */
static bool give_room(struct iot_ota *ota)
{
    if (!ota->lent)
        return true;
    if (ota->room && !iot_http_idle(ota->opt->http)) {
        iot_http_hang_up(ota->opt->http);
        return await(ota);
    }
    ota->lent = ota->room = false;
    (void)ota->cloud->make_room(ota->cloud_ctx, false);
    return true;
}

static bool wants_room(const struct iot_ota *ota)
{
    return ota->opt->memory == IOT_OTA_INSTEAD_OF_MQTT && !ota->job.by_mqtt && ota->cloud != NULL &&
           ota->cloud->make_room != NULL;
}

/* A URL comes from the cloud, and who pauses does not need its memory; all else does. */
static bool needs_no_room(const struct iot_ota_fetch *f)
{
    return f->state == IOT_FETCH_NO_URL || f->state == IOT_FETCH_URL ||
           (f->state == IOT_FETCH_WAITING && f->paused);
}

/* What is stopped only tidies up. */
static bool has_place(struct iot_ota *ota, iot_err *err)
{
    const struct iot_ota_fetch *f = &ota->fetch;

    *err = IOT_OK;
    if (!wants_room(ota) || f->stop != IOT_OK || f->state >= IOT_FETCH_FORGET)
        return true;
    return needs_no_room(f) ? give_room(ota) : get_room(ota, err);
}

/* ---- The end ------------------------------------------------------------------------------ */

/* Until both have been told nothing new is taken: they look at the job. */
static void tell_end(struct iot_ota *ota)
{
    const struct iot_ota_cloud *cloud = ota->cloud;

    if (!give_room(ota))
        return;
    ota->wake = IOT_TIME_NEVER;
    if (cloud != NULL && cloud->ended != NULL)
        cloud->ended(ota->cloud_ctx, &ota->job, ota->err, ota->detail);
    tell(ota, ota->err == IOT_OK ? IOT_OTA_READY : IOT_OTA_FAILED, ota->err, ota->detail);
    ota->state = IOT_OTA_NONE;
}

static void tell_progress(struct iot_ota *ota)
{
    const struct iot_ota_fetch *f = &ota->fetch;
    uint32_t size = ota->job.size, at = f->image.at, percent;

    /* While the slot is read, `at` says how far that is. */
    if (f->state < IOT_FETCH_WAITING || f->state > IOT_FETCH_HANG_UP)
        return;
    percent = size < UINT32_MAX / 100 ? at * 100 / size : at / (size / 100);
    if (percent == ota->percent)
        return;
    ota->percent = (uint8_t)percent;
    if (ota->cloud != NULL && ota->cloud->progress != NULL)
        ota->cloud->progress(ota->cloud_ctx, &ota->job, at);
    tell(ota, IOT_OTA_PROGRESS, IOT_OK, 0);
}

/* ---- Jobs --------------------------------------------------------------------------------- */

static bool is_device(const char *name)
{
    return name[0] == '\0' || iot_text_is(name, "default");
}

static bool is_same_module(const char *a, const char *b)
{
    return (is_device(a) && is_device(b)) || iot_text_is(a, b);
}

const struct iot_ota_module *iot_ota_module(const struct iot_ota *ota, const char *name)
{
    for (uint8_t i = 0; i < ota->opt->module_count; i++)
        if (is_same_module(ota->opt->modules[i].name, name))
            return &ota->opt->modules[i];
    return NULL;
}

static bool is_same_image(const struct iot_ota_job *a, const struct iot_ota_job *b)
{
    return a->size == b->size && a->digest_kind == b->digest_kind && a->by_mqtt == b->by_mqtt &&
           memcmp(a->digest, b->digest, a->digest_kind == IOT_OTA_MD5 ? 16 : 32) == 0 &&
           iot_text_is(a->version, b->version) && is_same_module(a->module, b->module);
}

static iot_err check(const struct iot_ota *ota, const struct iot_ota_module *m,
                     const struct iot_ota_job *job)
{
    const struct iot_ota_options *opt = ota->opt;
    struct iot_http_url url;

    if (m == NULL)
        return IOT_ERR_OTA_MODULE;
    if (job->size == 0)
        return IOT_ERR_OTA_SIZE;
    if (job->by_mqtt && (ota->cloud == NULL || ota->cloud->bring == NULL))
        return IOT_ERR_OTA_JOB;
    if (!job->by_mqtt && iot_http_url_read(job->url, &url) != IOT_OK)
        return IOT_ERR_HTTP_URL;
    if (opt->public_key != NULL && job->signature_bytes == 0)
        return IOT_ERR_OTA_SIGNATURE;
    if ((opt->policy == IOT_OTA_NEWER && iot_ota_compare(job->version, m->version) <= 0) ||
        (opt->policy == IOT_OTA_DIFFERENT && iot_text_is(job->version, m->version)) ||
        (opt->allow != NULL && !opt->allow(opt->ctx, m, job)))
        return IOT_ERR_OTA_VERSION;
    return IOT_OK;
}

/* Its URL, as we fetch it. */
static void copy_url(const struct iot_ota *ota, char *into, const char *url)
{
    size_t skip = 0;

    if (ota->opt->memory == IOT_OTA_PLAIN && iot_ota_scheme(url) == 8) {
        memcpy(into, "http", 4);
        into += 4;
        skip = 5;
    }
    memmove(into, url + skip, strlen(url + skip) + 1);
}

static iot_err meet(struct iot_ota *ota, const struct iot_ota_job *job)
{
    char *url = ota->job.url;

    if (ota->state == IOT_OTA_ENDING)
        return IOT_ERR_AGAIN;
    if (!is_same_module(ota->job.module, job->module))
        return IOT_ERR_FULL;
    if (!is_same_image(&ota->job, job)) {
        if (ota->state == IOT_OTA_FETCHING)
            stop(ota, IOT_ERR_OTA_REPLACED, false);
        else
            end_later(ota, IOT_ERR_OTA_REPLACED, 0);
        return IOT_ERR_AGAIN;
    }
    if (ota->state != IOT_OTA_FETCHING || iot_ota_fetch_url(&ota->fetch, url))
        copy_url(ota, url, job->url);
    *ota->mark = true;
    return IOT_OK;
}

static iot_err take(struct iot_ota *ota, const struct iot_ota_job *job)
{
    const struct iot_ota_module *m = iot_ota_module(ota, job->module);
    iot_err err = check(ota, m, job);

    if (err != IOT_OK)
        return err;
    if (ota->state != IOT_OTA_NONE)
        return meet(ota, job);
    ota->module = m;
    ota->job = *job;
    ota->defer_ms = 0;
    copy_url(ota, ota->job.url, job->url);
    memset(&ota->fetch.image, 0, sizeof ota->fetch.image);
    ota->percent = UINT8_MAX;
    ota->state = IOT_OTA_ON_OFFER;
    ota->wake = IOT_TIME_NEVER;
    return IOT_OK;
}

iot_err iot_ota_offer(struct iot_ota *ota, const struct iot_ota_job *job)
{
    bool is_new = ota->state == IOT_OTA_NONE;
    iot_err err = take(ota, job);

    if (err == IOT_OK && is_new) {
        tell_offer(ota);
        ota->job.ext = (struct iot_bytes){NULL, 0};
    }
    return err;
}

void iot_ota_refused(struct iot_ota *ota, const struct iot_ota_job *job, iot_err err)
{
    struct iot_ota_event event = {.what = IOT_OTA_FAILED, .job = job, .err = err};

    event.module = iot_ota_module(ota, job->module);
    if (ota->opt->on_event != NULL)
        ota->opt->on_event(ota->opt->ctx, ota, &event);
}

iot_err iot_ota_start(struct iot_ota *ota, const struct iot_ota_job *job)
{
    iot_err err = take(ota, job);

    if (err != IOT_OK)
        return err;
    ota->job.ext = (struct iot_bytes){NULL, 0};
    (void)iot_ota_accept(ota);
    return IOT_OK;
}

/* ---- The application's -------------------------------------------------------------------- */

static void part_run(struct iot_part *p, iot_time now)
{
    iot_ota_run((struct iot_ota *)p, now);
}

static iot_time part_deadline(const struct iot_part *p)
{
    return iot_ota_deadline((const struct iot_ota *)p);
}

/* What is only on offer keeps nobody awake. */
static bool part_idle(const struct iot_part *p)
{
    const struct iot_ota *ota = (const struct iot_ota *)p;
    return ota->state == IOT_OTA_NONE || ota->state == IOT_OTA_ON_OFFER;
}

static void part_close(struct iot_part *p)
{
    struct iot_ota *ota = (struct iot_ota *)p;

    ota->closing = true; /* what is accepted from now on ends in its first step */
    if (ota->state == IOT_OTA_FETCHING)
        stop(ota, IOT_ERR_CLOSED, true); /* it may go on after a reboot */
    else if (ota->state == IOT_OTA_ROOM)
        end_later(ota, IOT_ERR_CLOSED, 0);
}

/* Closed, it may be connected again. */
static void part_event(struct iot_part *p, const struct iot_event *ev)
{
    if (ev->kind == IOT_EV_CLOSED)
        ((struct iot_ota *)p)->closing = false;
}

static const struct iot_part_ops part_ops = {.run = part_run,
                                             .deadline = part_deadline,
                                             .idle = part_idle,
                                             .close = part_close,
                                             .event = part_event};

iot_err iot_ota_engine_init(struct iot_ota *ota, const struct iot_ota_options *opt, bool *mark)
{
    memset(ota, 0, sizeof *ota);
    ota->part.ops = &part_ops;
    ota->wake = IOT_TIME_NEVER;
    ota->opt = opt;
    ota->mark = mark;
    if (opt->modules == NULL || opt->module_count == 0 || opt->http == NULL || opt->port == NULL ||
        (opt->public_key != NULL &&
         (opt->arena == NULL || opt->arena_bytes < IOT_ECDSA_ARENA_BYTES)) ||
        (opt->public_key == NULL && opt->memory == IOT_OTA_PLAIN))
        return IOT_ERR_ARG;
    return IOT_OK;
}

void iot_ota_serve(struct iot_ota *ota, const struct iot_ota_cloud *cloud, void *ctx)
{
    ota->cloud = cloud;
    ota->cloud_ctx = ctx;
}

iot_err iot_ota_accept(struct iot_ota *ota)
{
    if (ota->state != IOT_OTA_ON_OFFER)
        return IOT_ERR_STATE;
    ota->state = IOT_OTA_ROOM;
    hurry(ota);
    return IOT_OK;
}

iot_err iot_ota_defer(struct iot_ota *ota, uint32_t ms)
{
    if (ota->state != IOT_OTA_ON_OFFER)
        return IOT_ERR_STATE;
    hurry(ota); /* it counts from the tick that follows: the last one may be long ago */
    ota->defer_ms = ms != 0 ? ms : 1;
    return IOT_OK;
}

iot_err iot_ota_refuse(struct iot_ota *ota)
{
    return ota->state == IOT_OTA_ON_OFFER ? iot_ota_cancel(ota) : IOT_ERR_STATE;
}

iot_err iot_ota_cancel(struct iot_ota *ota)
{
    if (ota->state == IOT_OTA_NONE || ota->state == IOT_OTA_ENDING)
        return IOT_ERR_STATE;
    if (ota->state == IOT_OTA_FETCHING)
        stop(ota, IOT_ERR_OTA_REFUSED, false);
    else
        end_later(ota, IOT_ERR_OTA_REFUSED, 0);
    return IOT_OK;
}

static iot_err set_paused(struct iot_ota *ota, bool paused)
{
    if (ota->state != IOT_OTA_FETCHING)
        return IOT_ERR_STATE;
    *ota->mark = true;
    return iot_ota_fetch_pause(&ota->fetch, paused);
}

iot_err iot_ota_pause(struct iot_ota *ota)
{
    return set_paused(ota, true);
}

iot_err iot_ota_resume(struct iot_ota *ota)
{
    return set_paused(ota, false);
}

const struct iot_ota_job *iot_ota_job(const struct iot_ota *ota)
{
    return ota->state == IOT_OTA_NONE ? NULL : &ota->job;
}

/* ---- The device's tick -------------------------------------------------------------------- */

static void on_offer(struct iot_ota *ota)
{
    uint32_t ms = ota->defer_ms;

    ota->defer_ms = 0;
    if (ms == 0)
        tell_offer(ota);
    else
        ota->wake = ms == IOT_MS_NEVER ? IOT_TIME_NEVER : ota->now + ms;
}

static void make_room(struct iot_ota *ota)
{
    iot_err err = ota->closing ? IOT_ERR_CLOSED : IOT_OK;

    if (err == IOT_OK && wants_room(ota) && !get_room(ota, &err))
        return;
    if (err == IOT_OK)
        err = iot_ota_fetch_start(&ota->fetch, ota->opt, ota->module->slot, &ota->job, ota->cloud,
                                  ota->cloud_ctx, ota->now);
    if (err != IOT_OK)
        end_later(ota, err, 0);
    else
        ota->state = IOT_OTA_FETCHING;
}

static void fetch(struct iot_ota *ota)
{
    iot_err err;

    if (ota->wake != IOT_TIME_NEVER && ota->now < ota->wake && ota->fetch.stop == IOT_OK)
        return; /* for memory it is asked then */
    ota->wake = IOT_TIME_NEVER;
    if (!has_place(ota, &err))
        return;
    if (err != IOT_OK)
        iot_ota_fetch_stop(&ota->fetch, err, true);
    err = iot_ota_fetch_step(&ota->fetch, ota->now);
    if (err == IOT_ERR_AGAIN)
        tell_progress(ota);
    else
        end_later(ota, err, ota->fetch.detail);
}

void iot_ota_run(struct iot_ota *ota, iot_time now)
{
    ota->now = now;
    if (ota->state == IOT_OTA_FETCHING) {
        fetch(ota);
        return;
    }
    if (now < ota->wake)
        return;
    switch ((enum iot_ota_state)ota->state) {
    case IOT_OTA_ON_OFFER:
        on_offer(ota);
        break;
    case IOT_OTA_ROOM:
        make_room(ota);
        break;
    case IOT_OTA_ENDING:
        tell_end(ota);
        break;
    case IOT_OTA_NONE:
    case IOT_OTA_FETCHING:
        break;
    }
}

iot_time iot_ota_deadline(const struct iot_ota *ota)
{
    const struct iot_ota_fetch *f = &ota->fetch;

    if (ota->state == IOT_OTA_FETCHING && ota->wake == IOT_TIME_NEVER)
        return ota->lent && needs_no_room(f) ? 0 : iot_ota_fetch_deadline(f);
    return ota->state == IOT_OTA_NONE ? IOT_TIME_NEVER : ota->wake;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "ota/iot_ota_fetch.h"

#if IOT_FEATURE_OTA

#include "core/iot_core_assert.h"
#include "core/iot_core_text.h"
#include "ota/iot_ota_journal.h"

#include <string.h>

/* From inside of a step, which makes `wake` of it. */
static void enter(struct iot_ota_fetch *f, enum iot_ota_fetch_state next, uint32_t wait_ms)
{
    f->state = (uint8_t)next;
    f->wait_ms = wait_ms;
}

/* From wherever we are called: the next step is due. */
static void hurry(struct iot_ota_fetch *f)
{
    f->wait_ms = 0;
    f->wake = 0;
}

static void end_by(struct iot_ota_fetch *f, iot_err err, int32_t detail)
{
    iot_ota_image_end(&f->image);
    if (err == IOT_ERR_OTA_FAILED || err == IOT_ERR_OTA_EXPIRED)
        f->keep = true;
    f->err = err;
    f->detail = detail;
    enter(f, f->keep ? IOT_FETCH_OVER : IOT_FETCH_FORGET, 0);
}

static uint8_t most(const struct iot_ota_fetch *f)
{
    return f->opt->attempts != 0 ? f->opt->attempts : IOT_OTA_ATTEMPTS;
}

/* It brought nothing new. False: that was once too often, and it is over. */
static bool may_fail(struct iot_ota_fetch *f, iot_err err)
{
    if (f->failures < most(f))
        f->failures++;
    if (f->failures < most(f))
        return true;
    end_by(f, IOT_ERR_OTA_FAILED, err);
    return false;
}

/* Again, after a while. */
static void fail(struct iot_ota_fetch *f, iot_err err)
{
    uint32_t ms = IOT_OTA_RETRY_MAX;

    if (!may_fail(f, err))
        return;
    if (f->failures < 7)
        ms = IOT_OTA_RETRY_MS << (f->failures - 1);
    ms = ms < IOT_OTA_RETRY_MAX ? ms : IOT_OTA_RETRY_MAX;
    enter(f, IOT_FETCH_WAITING, iot_jitter_between(&f->jitter, ms / 2, ms));
}

/* What is in the slot is of no use. */
static iot_err give_up(struct iot_ota_fetch *f)
{
    iot_ota_image_restart(&f->image);
    f->etag[0] = '\0';
    f->mixed = f->noted = false;
    return IOT_ERR_OTA_CHANGED;
}

/* ---- The response ------------------------------------------------------------------------- */

static bool is_same_etag(const struct iot_ota_fetch *f, struct iot_bytes etag)
{
    return etag.len == strlen(f->etag) && memcmp(etag.ptr, f->etag, etag.len) == 0;
}

/* The image from its first byte: with an ETag of its own. */
static iot_err begin_anew(struct iot_ota_fetch *f, struct iot_bytes etag)
{
    (void)give_up(f);
    if (etag.len <= IOT_HTTP_ETAG_MAX) {
        memcpy(f->etag, etag.len != 0 ? etag.ptr : (const uint8_t *)"", etag.len);
        f->etag[etag.len] = '\0';
    }
    return IOT_OK;
}

static iot_err go_on(struct iot_ota_fetch *f, const struct iot_http_head *head)
{
    if (!head->has_total) /* where it begins is looked at with its bytes */
        return IOT_ERR_HTTP_RANGE;
    if (f->etag[0] == '\0' || head->etag.len == 0)
        f->mixed = true;
    else if (!is_same_etag(f, head->etag))
        return give_up(f);
    return IOT_OK;
}

static void fit_next(struct iot_ota_fetch *f, uint32_t head_bytes)
{
    uint32_t record = f->opt->record_bytes != 0 ? f->opt->record_bytes : IOT_TLS_RX_BYTES;

    if (f->fit == 0 || head_bytes == 0)
        return;
    head_bytes += IOT_OTA_HEAD_MARGIN;
    f->fit = head_bytes + IOT_OTA_FIT_MIN < record ? record - head_bytes : IOT_OTA_FIT_MIN;
}

static iot_err on_head(void *ctx, const struct iot_http_head *head)
{
    struct iot_ota_fetch *f = ctx;

    f->status = head->status;
    if (head->status == 403 || head->status == 404 || head->status == 410)
        return IOT_ERR_OTA_EXPIRED;
    if (head->status == 416) /* there is nothing where we want to go on: the image is shorter now */
        return give_up(f);
    if (head->status != 200 && head->status != 206)
        return IOT_ERR_HTTP_STATUS;
    if (head->has_total && head->total != f->job->size)
        return IOT_ERR_OTA_CHANGED;
    if (head->status == 206)
        fit_next(f, head->bytes);
    if (head->status == 200 || head->from == 0)
        return begin_anew(f, head->etag);
    return go_on(f, head);
}

/* The slot is begun when the first byte is there, not before, and the record is written before that. Once: both may share
 * a store, where a set that is asked for again begins anew. */
static iot_err make_ready(struct iot_ota_fetch *f)
{
    iot_err err = IOT_OK;

    if (f->image.state != IOT_IMAGE_NEW)
        return IOT_OK;
    if (!f->noted)
        err = iot_ota_journal_write(f->opt->port, f->job, f->etag);
    f->noted = err == IOT_OK;
    return f->noted ? iot_ota_image_begin(&f->image) : err;
}

static iot_err take(struct iot_ota_fetch *f, struct iot_bytes part, uint32_t *used)
{
    iot_err err = make_ready(f);

    *used = 0;
    if (err == IOT_OK)
        err = iot_ota_image_write(&f->image, part, used);
    if (f->image.at > f->best) {
        f->best = f->image.at;
        f->failures = 0;
    }
    if (err == IOT_ERR_OTA_SIZE && f->image.state != IOT_IMAGE_FAILED)
        return give_up(f); /* more than the job said */
    f->broken = err != IOT_OK && err != IOT_ERR_AGAIN;
    return err;
}

static iot_err on_body(void *ctx, uint32_t offset, struct iot_bytes part, uint32_t *used)
{
    struct iot_ota_fetch *f = ctx;
    iot_err err;

    *used = 0;
    if (offset != f->image.at)
        return IOT_ERR_HTTP_RANGE;
    err = take(f, part, used);
    if (err == IOT_ERR_AGAIN) {
        f->wait_ms = IOT_OTA_BUSY_MS;
        f->wake = f->now + IOT_OTA_BUSY_MS;
    }
    return err;
}

static void on_end(void *ctx, iot_err err, int32_t detail)
{
    struct iot_ota_fetch *f = ctx;

    f->result = err;
    f->result_detail =
        err == IOT_ERR_HTTP_STATUS || err == IOT_ERR_OTA_EXPIRED ? f->status : detail;
    f->state = IOT_FETCH_ENDED;
    hurry(f);
}

static const struct iot_http_handlers handlers = {on_head, on_body, on_end};

/* What the response means for us. */
static iot_err judge(struct iot_ota_fetch *f)
{
    if (f->result != IOT_OK)
        return f->result;
    if (f->status == 200) /* all of it, and that was too little */
        return give_up(f);
    return f->image.at > f->from ? IOT_OK : IOT_ERR_HTTP_RANGE;
}

static void settle(struct iot_ota_fetch *f)
{
    iot_err err;

    if (f->broken) {
        end_by(f, f->result, f->result_detail);
        return;
    }
    if (f->image.state == IOT_IMAGE_WRITTEN) { /* whatever the response's end was like */
        enter(f, IOT_FETCH_HANG_UP, 0);
        return;
    }
    if (f->paused) {
        enter(f, IOT_FETCH_WAITING, 0);
        return;
    }
    err = judge(f);
    if (err == IOT_OK) {
        enter(f, IOT_FETCH_WAITING, 0);
        return;
    }
    if (err == IOT_ERR_OTA_EXPIRED) {
        if (f->cloud == NULL || f->cloud->ask_url == NULL)
            end_by(f, err, f->result_detail);
        else if (may_fail(f, err))
            enter(f, IOT_FETCH_NO_URL, 0);
        return;
    }
    if (err == IOT_ERR_TLS_RECORD && f->fit / 2 >= IOT_OTA_FIT_MIN)
        f->fit /= 2;
    fail(f, err);
}

/* ---- Asking ------------------------------------------------------------------------------- */

static uint32_t next_bytes(const struct iot_ota_fetch *f)
{
    uint32_t n = f->job->size - f->image.at, chunk = f->opt->chunk;

    if (chunk != 0 && chunk < n)
        n = chunk;
    return f->fit != 0 && f->fit < n ? f->fit : n;
}

static iot_err ask_http(struct iot_ota_fetch *f)
{
    struct iot_http_request *r = &f->request;
    uint32_t at = f->image.at, n = next_bytes(f);

    memset(r, 0, sizeof *r);
    r->method = IOT_HTTP_GET;
    r->url = f->job->url;
    r->headers = f->opt->headers;
    r->has_range = n != f->job->size;
    r->range_from = at;
    r->range_to = n == f->job->size - at ? UINT32_MAX : at + n - 1;
    if (at != 0 && f->etag[0] != '\0')
        r->if_range = f->etag;
    r->on = &handlers;
    r->ctx = f;
    return iot_http_start(f->opt->http, r);
}

static void ask(struct iot_ota_fetch *f)
{
    iot_err err;

    f->from = f->image.at;
    f->status = 0;
    /* Before it is asked: answers may come from inside. */
    enter(f, IOT_FETCH_ASKED, IOT_MS_NEVER);
    err = f->job->by_mqtt
              ? f->cloud->bring(f->cloud_ctx, f->job, f->image.at, next_bytes(f), &handlers, f)
              : ask_http(f);
    if (err == IOT_ERR_AGAIN || err == IOT_ERR_FULL || err == IOT_ERR_STATE)
        enter(f, IOT_FETCH_WAITING, IOT_OTA_RETRY_MS); /* somebody else's turn, or no connection */
    else if (err != IOT_OK)
        end_by(f, err, 0);
}

static void ask_url(struct iot_ota_fetch *f)
{
    iot_err err;

    enter(f, IOT_FETCH_URL, IOT_OTA_URL_MS);
    err = f->cloud->ask_url(f->cloud_ctx, f->job);
    if (err != IOT_OK && f->state == IOT_FETCH_URL)
        enter(f, IOT_FETCH_NO_URL, IOT_OTA_RETRY_MS);
}

/* ---- The steps ---------------------------------------------------------------------------- */

static void read_journal(struct iot_ota_fetch *f)
{
    iot_err err = iot_ota_journal_read(f->opt->port, f->job, f->etag);

    if (err == IOT_ERR_AGAIN)
        f->wait_ms = IOT_OTA_BUSY_MS;
    else {
        f->image.resume = err == IOT_OK;
        enter(f, IOT_FETCH_OPENING, 0);
    }
}

/* Until the image wants something, or is ready. */
static void step_image(struct iot_ota_fetch *f)
{
    iot_err err = iot_ota_image_step(&f->image);

    if (err == IOT_ERR_AGAIN) {
        f->wait_ms = IOT_OTA_BUSY_MS;
        return;
    }
    if (err == IOT_ERR_OTA_DIGEST && (f->mixed || f->image.whole)) {
        (void)give_up(f);
        fail(f, IOT_ERR_OTA_CHANGED);
        return;
    }
    if (err != IOT_OK) {
        end_by(f, err, 0);
        return;
    }
    if (f->image.state == IOT_IMAGE_NEW) {
        f->etag[0] = '\0';
        f->state = IOT_FETCH_WAITING;
    } else if (f->image.state == IOT_IMAGE_WRITING) {
        /* Power may have gone between the record and the slot's begin: then what lies there is of another image, of
         * the same size and version. */
        f->mixed = true;
        f->best = f->image.at;
        f->state = IOT_FETCH_WAITING;
    } else if (f->image.state == IOT_IMAGE_READY)
        end_by(f, IOT_OK, 0);
    else if (f->image.state >= IOT_IMAGE_WRITTEN && f->state == IOT_FETCH_OPENING)
        f->state = IOT_FETCH_HANG_UP; /* as memory of the connection's may be lent */
}

static void hang_up(struct iot_ota_fetch *f)
{
    if (!iot_http_idle(f->opt->http)) {
        iot_http_hang_up(f->opt->http);
        f->wait_ms = IOT_OTA_BUSY_MS;
    } else
        enter(f, IOT_FETCH_CHECKING, 0);
}

static void forget(struct iot_ota_fetch *f)
{
    if (iot_ota_journal_forget(f->opt->port, f->job) == IOT_ERR_AGAIN)
        f->wait_ms = IOT_OTA_BUSY_MS;
    else
        f->state = IOT_FETCH_OVER;
}

/* Its time has come. */
static void act(struct iot_ota_fetch *f)
{
    switch ((enum iot_ota_fetch_state)f->state) {
    case IOT_FETCH_JOURNAL:
        read_journal(f);
        break;
    case IOT_FETCH_OPENING:
    case IOT_FETCH_CHECKING:
        step_image(f);
        break;
    case IOT_FETCH_WAITING:
        ask(f);
        break;
    case IOT_FETCH_ASKED:
        f->wait_ms = IOT_MS_NEVER;
        if (!f->job->by_mqtt)
            iot_http_resume(f->opt->http);
        break;
    case IOT_FETCH_ENDED:
        settle(f);
        break;
    case IOT_FETCH_NO_URL:
        ask_url(f);
        break;
    case IOT_FETCH_URL:
        fail(f, IOT_ERR_OTA_EXPIRED);
        break;
    case IOT_FETCH_HANG_UP:
        hang_up(f);
        break;
    case IOT_FETCH_FORGET:
        forget(f);
        break;
    case IOT_FETCH_IDLE:
    case IOT_FETCH_OVER:
        break;
    }
}

uint32_t iot_ota_scheme(const char *url)
{
    uint32_t n = 0;

    while (n < 5 && (url[n] | 0x20) == "https"[n])
        n++;
    return n >= 4 && iot_text_begins(url + n, "://") ? n + 3 : 0;
}

iot_err iot_ota_fetch_start(struct iot_ota_fetch *f, const struct iot_ota_options *opt,
                            const struct iot_slot *slot, struct iot_ota_job *job,
                            const struct iot_ota_cloud *cloud, void *cloud_ctx, iot_time now)
{
    const struct iot_port *port = opt->port;
    uint32_t seed = (uint32_t)now;

    memset(f, 0, sizeof *f);
    if (job->by_mqtt && (cloud == NULL || cloud->bring == NULL))
        return IOT_ERR_OTA_JOB;
    f->opt = opt;
    f->job = job;
    f->cloud = cloud;
    f->cloud_ctx = cloud_ctx;
    f->now = now;
    f->trust.key = opt->public_key;
    f->trust.arena = opt->arena;
    f->trust.arena_bytes = opt->arena_bytes;
    f->fit = opt->fit && !job->by_mqtt && iot_ota_scheme(job->url) == 8;
    fit_next(f, IOT_OTA_HEAD_BYTES);
    if (port->random != NULL)
        (void)port->random(port->ctx, &seed, sizeof seed); /* the time of day spreads too, less */
    iot_jitter_seed(&f->jitter, seed);
    iot_err err = iot_ota_image_start(&f->image, job, slot, &f->trust, false);
    f->state = err == IOT_OK ? IOT_FETCH_JOURNAL : IOT_FETCH_IDLE;
    return err;
}

iot_err iot_ota_fetch_step(struct iot_ota_fetch *f, iot_time now)
{
    f->now = now;
    if (f->stop != IOT_OK && f->state != IOT_FETCH_ASKED && f->state < IOT_FETCH_FORGET)
        end_by(f, f->stop, 0);
    if (now >= iot_ota_fetch_deadline(f)) {
        f->wait_ms = 0;
        act(f);
        f->wake = f->wait_ms == IOT_MS_NEVER ? IOT_TIME_NEVER : now + f->wait_ms;
    }
    if (f->state != IOT_FETCH_OVER)
        return IOT_ERR_AGAIN;
    return f->err;
}

iot_time iot_ota_fetch_deadline(const struct iot_ota_fetch *f)
{
    if (f->state == IOT_FETCH_IDLE || f->state == IOT_FETCH_OVER ||
        (f->state == IOT_FETCH_WAITING && f->paused && f->stop == IOT_OK))
        return IOT_TIME_NEVER;
    return f->wake;
}

bool iot_ota_fetch_url(struct iot_ota_fetch *f, const char *url)
{
    if (f->state == IOT_FETCH_ASKED || f->state == IOT_FETCH_ENDED)
        return false;
    if (url != f->job->url)
        memcpy(f->job->url, url, strlen(url) + 1);
    if (f->state == IOT_FETCH_URL || f->state == IOT_FETCH_NO_URL) {
        f->state = IOT_FETCH_WAITING;
        hurry(f);
    }
    return true;
}

/* `end` follows, now or in the next tick. */
static void end_request(struct iot_ota_fetch *f)
{
    if (f->job->by_mqtt) {
        f->cloud->bring_no_more(f->cloud_ctx);
        on_end(f, IOT_ERR_CLOSED, 0);
    } else
        (void)iot_http_cancel(f->opt->http);
}

iot_err iot_ota_fetch_pause(struct iot_ota_fetch *f, bool paused)
{
    if (f->state == IOT_FETCH_IDLE || f->state >= IOT_FETCH_HANG_UP || f->paused == paused)
        return IOT_ERR_STATE;
    f->paused = paused;
    if (f->state == IOT_FETCH_WAITING)
        hurry(f);
    if (paused && f->state == IOT_FETCH_ASKED)
        end_request(f);
    return IOT_OK;
}

void iot_ota_fetch_stop(struct iot_ota_fetch *f, iot_err err, bool keep)
{
    if (f->state == IOT_FETCH_IDLE || f->state >= IOT_FETCH_FORGET || f->stop != IOT_OK)
        return;
    f->stop = err;
    f->keep = keep;
    if (f->state != IOT_FETCH_ASKED)
        hurry(f);
    else
        end_request(f);
}

#endif

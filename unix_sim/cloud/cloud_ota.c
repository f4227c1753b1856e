/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_ota_job.h"

#include "cloud/cloud_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAMS_FROM 7000 /* a stream's number is this and the image's */

struct cloud_ota *cloud_ota_of(struct cloud *c)
{
    if (c->ota == NULL)
        c->ota = calloc(1, sizeof *c->ota);
    if (c->ota == NULL)
        abort();
    return c->ota;
}

static void clear(struct cloud_ota_job *j)
{
    json_decref(j->tasks);
    json_decref(j->image.ext);
    memset(j, 0, sizeof *j);
}

void cloud_ota_free(struct cloud_ota *o)
{
    if (o == NULL)
        return;
    for (int i = 0; i < CLOUD_OTA_JOBS_MAX; i++)
        clear(&o->jobs[i]);
    for (int i = 0; i < CLOUD_DEVICES_MAX; i++)
        json_decref(o->versions[i]);
    free(o);
}

void cloud_ota_hooks(struct cloud *c, const struct cloud_ota_hooks *hooks)
{
    cloud_ota_of(c)->hooks = hooks;
}

const struct cloud_ota_hooks *cloud_ota_get_hooks(struct cloud *c)
{
    static const struct cloud_ota_hooks none = {.ctx = NULL};

    return cloud_ota_of(c)->hooks != NULL ? cloud_ota_of(c)->hooks : &none;
}

void cloud_ota_set_fault(struct cloud *c, enum cloud_ota_fault fault, uint32_t every)
{
    cloud_ota_of(c)->every[fault] = every;
    cloud_ota_of(c)->turns[fault] = 0;
}

bool cloud_ota_fails(struct cloud *c, enum cloud_ota_fault fault)
{
    struct cloud_ota *o = cloud_ota_of(c);

    return o->every[fault] != 0 && ++o->turns[fault] % o->every[fault] == 0;
}

static bool is_module_char(char c)
{
    return cloud_is_alnum(c) || c == '.' || c == '-' || c == '_';
}

const char *cloud_ota_wrong_module(const char *text)
{
    size_t n = strlen(text);

    return n >= 1 && n <= CLOUD_OTA_MODULE_MAX && cloud_text_all(text, is_module_char)
               ? NULL
               : "module has 1 to 64 letters, digits and .-_";
}

const char *cloud_ota_wrong_version(const char *text)
{
    size_t n = strlen(text);

    return n >= 1 && n <= CLOUD_OTA_VERSION_MAX ? NULL : "version has 1 to 64 bytes";
}

/* ---- Tasks ----------------------------------------------------------------------------------- */

static const char *module_name(const struct cloud_ota_job *j)
{
    return j->image.module[0] != 0 ? j->image.module : "default";
}

/* Of a device; made when it is first asked for. */
json_t *cloud_ota_task(struct cloud *c, struct cloud_ota_job *j, int device)
{
    json_t *task = json_object_get(j->tasks, cloud_name_of(c, device));

    if (task == NULL) {
        task = json_pack("{s:s, s:i, s:[]}", "state", "waiting", "step", 0, "history");
        json_object_set_new(j->tasks, cloud_name_of(c, device), task);
    }
    return task;
}

bool cloud_ota_has_state(const json_t *task, const char *state)
{
    return strcmp(cloud_json_string(task, "state"), state) == 0;
}

static bool is_over(const json_t *task)
{
    return cloud_ota_has_state(task, "succeeded") || cloud_ota_has_state(task, "failed");
}

void cloud_ota_set_task(struct cloud *c, struct cloud_ota_job *j, int device, const char *state)
{
    json_object_set_new(cloud_ota_task(c, j, device), "state", json_string(state));
    cloud_say(c, "update %u of %s %s to %s: %s", (unsigned)j->id, cloud_key_of(c, device),
              cloud_name_of(c, device), j->image.version, state);
}

/* Which version of a module a device runs; NULL: it has not said. */
const char *cloud_ota_version(struct cloud *c, int device, const char *module)
{
    return cloud_json_string(cloud_ota_of(c)->versions[device], module);
}

static bool concerns(const struct cloud *c, const struct cloud_ota_job *j, int device)
{
    return j->id != 0 && !j->canceled && j->product == c->book.devices[device].product &&
           (j->device < 0 || j->device == device);
}

/* What is under way for a module of a device: the newest image. `runs`: the version that it has. NULL: nothing. */
struct cloud_ota_job *cloud_ota_find(struct cloud *c, int device, const char *module,
                                     const char *runs)
{
    struct cloud_ota *o = cloud_ota_of(c);
    struct cloud_ota_job *best = NULL;

    for (int i = 0; i < CLOUD_OTA_JOBS_MAX; i++) {
        struct cloud_ota_job *j = &o->jobs[i];
        if (concerns(c, j, device) && strcmp(module_name(j), module) == 0 &&
            (best == NULL || j->id > best->id))
            best = j;
    }
    if (best == NULL || is_over(cloud_ota_task(c, best, device)) ||
        (runs != NULL && strcmp(runs, best->image.version) == 0))
        return NULL;
    return best;
}

/* ---- What devices are told ------------------------------------------------------------------- */

static void add(json_t *object, const char *name, const char *text)
{
    if (*text != 0)
        json_object_set_new(object, name, json_string(text));
}

json_t *cloud_ota_describe(struct cloud *c, const struct cloud_ota_job *j, uint64_t now_ms)
{
    const struct cloud_ota_hooks *h = cloud_ota_get_hooks(c);
    const struct cloud_ota_image *m = &j->image;
    char url[CLOUD_OTA_URL_MAX + 1];
    json_t *data = json_pack("{s:I, s:s, s:i}", "size", (json_int_t)m->size, "version", m->version,
                             "isDiff", (int)m->is_diff);

    snprintf(url, sizeof url, "%s", m->url);
    add(data, "module", m->module);
    if (m->by_mqtt) {
        add(data, "dProtocol", "mqtt");
        json_object_set_new(data, "streamId", json_integer(STREAMS_FROM + (json_int_t)j->id));
        json_object_set_new(data, "streamFileId", json_integer(1));
    } else if (url[0] != 0 ||
               (h->url_of != NULL && h->url_of(h->ctx, m->file, now_ms, url, sizeof url))) {
        add(data, "url", url);
    }
    add(data, "signMethod", m->method);
    add(data, "sign", m->digest);
    if (strcmp(m->method, "Md5") == 0)
        add(data, "md5", m->digest);
    add(data, "digestsign", m->signature);
    if (m->ext != NULL)
        json_object_set(data, "extData", m->ext);
    return data;
}

/* In the form of a push. */
char *cloud_ota_write_push(struct cloud *c, struct cloud_ota_job *j, int device, uint64_t now_ms)
{
    json_t *push = json_pack("{s:s, s:I, s:s, s:o}", "code", "1000", "id",
                             (json_int_t)cloud_wall_ms(c, now_ms), "message", "success", "data",
                             cloud_ota_describe(c, j, now_ms));
    char *text = cloud_json_text(push);

    json_decref(push);
    if (cloud_ota_has_state(cloud_ota_task(c, j, device), "waiting"))
        cloud_ota_set_task(c, j, device, "told");
    return text;
}

void cloud_ota_topic(const struct cloud *c, int device, const char *what,
                     char topic[CLOUD_TOPIC_MAX + 1])
{
    snprintf(topic, CLOUD_TOPIC_MAX + 1, "/ota/device/%s/%s/%s", what, cloud_key_of(c, device),
             cloud_name_of(c, device));
}

bool cloud_ota_tell(struct cloud *c, struct cloud_ota_job *j, int device, uint64_t now_ms)
{
    char topic[CLOUD_TOPIC_MAX + 1];

    if (c->sessions[device].link == 0)
        return false;
    char *text = cloud_ota_write_push(c, j, device, now_ms);
    cloud_ota_topic(c, device, "upgrade", topic);
    bool ok = cloud_tell(c, device, topic, text, strlen(text), CLOUD_TOPIC_SYSTEM);
    free(text);
    return ok;
}

uint32_t cloud_ota_push(struct cloud *c, int device, uint64_t now_ms)
{
    struct cloud_ota *o = cloud_ota_of(c);
    uint32_t count = 0;

    for (int i = 0; i < CLOUD_OTA_JOBS_MAX; i++) {
        struct cloud_ota_job *j = &o->jobs[i];
        if (concerns(c, j, device) && cloud_ota_find(c, device, module_name(j), NULL) == j)
            count += cloud_ota_tell(c, j, device, now_ms);
    }
    return count;
}

/* ---- Publishing ------------------------------------------------------------------------------ */

/* Free, or with a canceled image; the oldest of those. */
static struct cloud_ota_job *place(struct cloud_ota *o)
{
    struct cloud_ota_job *best = NULL;

    for (int i = 0; i < CLOUD_OTA_JOBS_MAX; i++) {
        struct cloud_ota_job *j = &o->jobs[i];
        if ((j->id == 0 || j->canceled) && (best == NULL || j->id < best->id))
            best = j;
    }
    return best;
}

static const char *wrong_with(struct cloud *c, const struct cloud_ota_image *m)
{
    const struct cloud_ota_hooks *h = cloud_ota_get_hooks(c);

    if (cloud_ota_wrong_version(m->version) != NULL)
        return cloud_ota_wrong_version(m->version);
    if (m->module[0] != 0 && cloud_ota_wrong_module(m->module) != NULL)
        return cloud_ota_wrong_module(m->module);
    if (m->by_mqtt && (m->file[0] == 0 || h->read == NULL))
        return "by mqtt the emulator has to have the file";
    if (!m->by_mqtt && m->url[0] == 0 && (m->file[0] == 0 || h->url_of == NULL))
        return "where is it? nobody here gives files away by HTTP: give a url";
    return NULL;
}

uint32_t cloud_ota_publish(struct cloud *c, int product, int device, struct cloud_ota_image *image,
                           uint64_t now_ms, const char **why)
{
    struct cloud_ota *o = cloud_ota_of(c);
    struct cloud_ota_job *j = place(o);

    if (strcmp(image->module, "default") == 0)
        image->module[0] = 0;
    *why = wrong_with(c, image);
    if (*why == NULL && j == NULL)
        *why = "there are too many images: cancel some";
    if (*why != NULL) {
        json_decref(image->ext);
        return 0;
    }
    clear(j);
    *j = (struct cloud_ota_job){.id = ++o->last_id,
                                .product = product,
                                .device = device,
                                .time_ms = cloud_wall_ms(c, now_ms),
                                .image = *image,
                                .tasks = json_object()};
    cloud_say(c, "update %u published for %s %s, module %s: version %s", (unsigned)j->id,
              c->book.products[product].key, device < 0 ? "(all)" : cloud_name_of(c, device),
              module_name(j), j->image.version);
    for (int i = 0; i < c->book.device_count; i++)
        if (concerns(c, j, i) &&
            cloud_ota_find(c, i, module_name(j), cloud_ota_version(c, i, module_name(j))) == j)
            cloud_ota_tell(c, j, i, now_ms);
    return j->id;
}

static struct cloud_ota_job *job_of(struct cloud *c, uint32_t id)
{
    for (int i = 0; id != 0 && i < CLOUD_OTA_JOBS_MAX; i++)
        if (cloud_ota_of(c)->jobs[i].id == id)
            return &cloud_ota_of(c)->jobs[i];
    return NULL;
}

bool cloud_ota_cancel(struct cloud *c, uint32_t id)
{
    struct cloud_ota_job *j = job_of(c, id);

    if (j == NULL || j->canceled)
        return false;
    j->canceled = true;
    cloud_say(c, "update %u canceled", (unsigned)id);
    return true;
}

const char *cloud_ota_stream(struct cloud *c, int device, int64_t stream, int64_t file,
                             uint32_t *size)
{
    struct cloud_ota_job *j = stream > STREAMS_FROM && stream - STREAMS_FROM <= UINT32_MAX
                                  ? job_of(c, (uint32_t)(stream - STREAMS_FROM))
                                  : NULL;
    const struct cloud_ota_hooks *h = cloud_ota_get_hooks(c);
    char md5[33], sha256[65];

    if (j == NULL || file != 1 || !concerns(c, j, device) || !j->image.by_mqtt || h->find == NULL ||
        !h->find(h->ctx, j->image.file, size, md5, sha256))
        return NULL;
    return j->image.file;
}

json_t *cloud_ota_show(struct cloud *c, int device, uint64_t now_ms)
{
    struct cloud_ota *o = cloud_ota_of(c);
    json_t *images = json_array();

    for (uint32_t id = 1; id <= o->last_id; id++) {
        const struct cloud_ota_job *j = job_of(c, id);
        if (j == NULL || (device >= 0 && !concerns(c, j, device)))
            continue;
        json_array_append_new(
            images, json_pack("{s:I, s:s, s:s, s:s, s:s, s:b, s:I, s:o, s:O}", "id", (json_int_t)id,
                              "productKey", c->book.products[j->product].key, "deviceName",
                              j->device < 0 ? "" : cloud_name_of(c, j->device), "module",
                              module_name(j), "version", j->image.version, "canceled",
                              (int)j->canceled, "time", (json_int_t)j->time_ms, "data",
                              cloud_ota_describe(c, j, now_ms), "tasks", j->tasks));
    }
    if (device < 0)
        return json_pack("{s:o}", "images", images);
    json_t *versions = o->versions[device];
    return json_pack("{s:o, s:o}", "versions",
                     versions != NULL ? json_incref(versions) : json_object(), "images", images);
}

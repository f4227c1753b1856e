/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_ota.h"

#include "cloud/cloud_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAMS_FROM 7000 /* a stream's number is this and the image's */

/* An image, and who has been told of it. */
struct job {
    uint32_t id; /* 0: free */
    int product, device;
    bool canceled;
    uint64_t time_ms;
    struct cloud_ota_image image;
    json_t *tasks; /* deviceName: {"state", "step", "history"} */
};

struct cloud_ota {
    const struct cloud_ota_hooks *hooks;
    uint32_t last_id;
    struct job jobs[CLOUD_OTA_JOBS_MAX];
    json_t *versions[CLOUD_DEVICES_MAX]; /* module ("default"): version */
    uint32_t every[CLOUD_OTA_FAULTS], turns[CLOUD_OTA_FAULTS];
};

static struct cloud_ota *ota_of(struct cloud *c)
{
    if (c->ota == NULL)
        c->ota = calloc(1, sizeof *c->ota);
    if (c->ota == NULL)
        abort();
    return c->ota;
}

static void clear(struct job *j)
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
    ota_of(c)->hooks = hooks;
}

const struct cloud_ota_hooks *cloud_ota_get_hooks(struct cloud *c)
{
    static const struct cloud_ota_hooks none = {.ctx = NULL};

    return ota_of(c)->hooks != NULL ? ota_of(c)->hooks : &none;
}

void cloud_ota_set_fault(struct cloud *c, enum cloud_ota_fault fault, uint32_t every)
{
    ota_of(c)->every[fault] = every;
    ota_of(c)->turns[fault] = 0;
}

bool cloud_ota_fails(struct cloud *c, enum cloud_ota_fault fault)
{
    struct cloud_ota *o = ota_of(c);

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

static const char *module_name(const struct job *j)
{
    return j->image.module[0] != 0 ? j->image.module : "default";
}

/* Of a device; made when it is first asked for. */
static json_t *task_of(struct cloud *c, struct job *j, int device)
{
    json_t *task = json_object_get(j->tasks, cloud_name_of(c, device));

    if (task == NULL) {
        task = json_pack("{s:s, s:i, s:[]}", "state", "waiting", "step", 0, "history");
        json_object_set_new(j->tasks, cloud_name_of(c, device), task);
    }
    return task;
}

static bool has_state(const json_t *task, const char *state)
{
    return strcmp(cloud_json_string(task, "state"), state) == 0;
}

static bool is_over(const json_t *task)
{
    return has_state(task, "succeeded") || has_state(task, "failed");
}

static void set_task(struct cloud *c, struct job *j, int device, const char *state)
{
    json_object_set_new(task_of(c, j, device), "state", json_string(state));
    cloud_say(c, "update %u of %s %s to %s: %s", (unsigned)j->id, cloud_key_of(c, device),
              cloud_name_of(c, device), j->image.version, state);
}

/* Which version of a module a device runs; NULL: it has not said. */
static const char *version_of(struct cloud *c, int device, const char *module)
{
    return cloud_json_string(ota_of(c)->versions[device], module);
}

static bool concerns(const struct cloud *c, const struct job *j, int device)
{
    return j->id != 0 && !j->canceled && j->product == c->book.devices[device].product &&
           (j->device < 0 || j->device == device);
}

/* What is under way for a module of a device: the newest image. `runs`: the version that it has. NULL: nothing. */
static struct job *find_job(struct cloud *c, int device, const char *module, const char *runs)
{
    struct cloud_ota *o = ota_of(c);
    struct job *best = NULL;

    for (int i = 0; i < CLOUD_OTA_JOBS_MAX; i++) {
        struct job *j = &o->jobs[i];
        if (concerns(c, j, device) && strcmp(module_name(j), module) == 0 &&
            (best == NULL || j->id > best->id))
            best = j;
    }
    if (best == NULL || is_over(task_of(c, best, device)) ||
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

static json_t *describe(struct cloud *c, const struct job *j, uint64_t now_ms)
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
static char *write_push(struct cloud *c, struct job *j, int device, uint64_t now_ms)
{
    json_t *push = json_pack("{s:s, s:I, s:s, s:o}", "code", "1000", "id",
                             (json_int_t)cloud_wall_ms(c, now_ms), "message", "success", "data",
                             describe(c, j, now_ms));
    char *text = cloud_json_text(push);

    json_decref(push);
    if (has_state(task_of(c, j, device), "waiting"))
        set_task(c, j, device, "told");
    return text;
}

static void topic_of(const struct cloud *c, int device, const char *what,
                     char topic[CLOUD_TOPIC_MAX + 1])
{
    snprintf(topic, CLOUD_TOPIC_MAX + 1, "/ota/device/%s/%s/%s", what, cloud_key_of(c, device),
             cloud_name_of(c, device));
}

static bool push(struct cloud *c, struct job *j, int device, uint64_t now_ms)
{
    char topic[CLOUD_TOPIC_MAX + 1];

    if (c->sessions[device].link == 0)
        return false;
    char *text = write_push(c, j, device, now_ms);
    topic_of(c, device, "upgrade", topic);
    bool ok = cloud_tell(c, device, topic, text, strlen(text), CLOUD_TOPIC_SYSTEM);
    free(text);
    return ok;
}

uint32_t cloud_ota_push(struct cloud *c, int device, uint64_t now_ms)
{
    struct cloud_ota *o = ota_of(c);
    uint32_t count = 0;

    for (int i = 0; i < CLOUD_OTA_JOBS_MAX; i++) {
        struct job *j = &o->jobs[i];
        if (concerns(c, j, device) && find_job(c, device, module_name(j), NULL) == j)
            count += push(c, j, device, now_ms);
    }
    return count;
}

/* ---- Publishing ------------------------------------------------------------------------------ */

/* Free, or with a canceled image; the oldest of those. */
static struct job *place(struct cloud_ota *o)
{
    struct job *best = NULL;

    for (int i = 0; i < CLOUD_OTA_JOBS_MAX; i++) {
        struct job *j = &o->jobs[i];
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
    struct cloud_ota *o = ota_of(c);
    struct job *j = place(o);

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
    *j = (struct job){.id = ++o->last_id,
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
            find_job(c, i, module_name(j), version_of(c, i, module_name(j))) == j)
            push(c, j, i, now_ms);
    return j->id;
}

static struct job *job_of(struct cloud *c, uint32_t id)
{
    for (int i = 0; id != 0 && i < CLOUD_OTA_JOBS_MAX; i++)
        if (ota_of(c)->jobs[i].id == id)
            return &ota_of(c)->jobs[i];
    return NULL;
}

bool cloud_ota_cancel(struct cloud *c, uint32_t id)
{
    struct job *j = job_of(c, id);

    if (j == NULL || j->canceled)
        return false;
    j->canceled = true;
    cloud_say(c, "update %u canceled", (unsigned)id);
    return true;
}

const char *cloud_ota_stream(struct cloud *c, int device, int64_t stream, int64_t file,
                             uint32_t *size)
{
    struct job *j = stream > STREAMS_FROM && stream - STREAMS_FROM <= UINT32_MAX
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
    struct cloud_ota *o = ota_of(c);
    json_t *images = json_array();

    for (uint32_t id = 1; id <= o->last_id; id++) {
        const struct job *j = job_of(c, id);
        if (j == NULL || (device >= 0 && !concerns(c, j, device)))
            continue;
        json_array_append_new(
            images,
            json_pack("{s:I, s:s, s:s, s:s, s:s, s:b, s:I, s:o, s:O}", "id", (json_int_t)id,
                      "productKey", c->book.products[j->product].key, "deviceName",
                      j->device < 0 ? "" : cloud_name_of(c, j->device), "module", module_name(j),
                      "version", j->image.version, "canceled", (int)j->canceled, "time",
                      (json_int_t)j->time_ms, "data", describe(c, j, now_ms), "tasks", j->tasks));
    }
    if (device < 0)
        return json_pack("{s:o}", "images", images);
    json_t *versions = o->versions[device];
    return json_pack("{s:o, s:o}", "versions",
                     versions != NULL ? json_incref(versions) : json_object(), "images", images);
}

/* ---- What devices say ------------------------------------------------------------------------ */

/* {"id":..,"params":{..}}: params; NULL: `why` says what is wrong. */
static json_t *read_params(json_t *message, const char *error, const char **why)
{
    json_t *params = json_object_get(message, "params");
    char id[11];

    *why = NULL;
    if (message == NULL)
        *why = error;
    else if (!json_is_object(message))
        *why = "the message is no JSON object";
    else if (!cloud_alink_id(message, id))
        *why = "id has to be decimal text or a number, 0..4294967295";
    else if (!json_is_object(params))
        *why = "params has to be an object";
    return *why == NULL ? params : NULL;
}

/* Its name, "default" if there is none; NULL: `why`. */
static const char *read_module(const json_t *params, const char **why)
{
    const json_t *module = json_object_get(params, "module");

    if (module == NULL)
        return "default";
    *why = json_is_string(module) ? cloud_ota_wrong_module(json_string_value(module))
                                  : "module has to be a text";
    return *why == NULL ? json_string_value(module) : NULL;
}

static const char *read_version(const json_t *params, const char **why)
{
    const char *version = cloud_json_string(params, "version");

    *why = version == NULL ? "version has to be a text" : cloud_ota_wrong_version(version);
    return *why == NULL ? version : NULL;
}

static void take_inform(struct cloud *c, int device, const json_t *params, uint64_t now_ms,
                        const char **why)
{
    struct cloud_ota *o = ota_of(c);
    const char *version = read_version(params, why);
    const char *module = version != NULL ? read_module(params, why) : NULL;

    if (module == NULL)
        return;
    if (o->versions[device] == NULL)
        o->versions[device] = json_object();
    json_object_set_new(o->versions[device], module, json_string(version));
    cloud_say(c, "version of %s %s, module %s: %s", cloud_key_of(c, device),
              cloud_name_of(c, device), module, version);
    struct job *j = find_job(c, device, module, NULL);
    if (j == NULL)
        return;
    if (strcmp(version, j->image.version) == 0)
        set_task(c, j, device, "succeeded");
    else
        push(c, j, device, now_ms);
}

/* A whole number, or its text. */
static bool read_step(const json_t *value, int64_t *step)
{
    const char *text = json_string_value(value);
    uint32_t number;

    if (text == NULL)
        return cloud_json_integer(value, -4, 100, step);
    bool minus = *text == '-';
    if (!cloud_text_number(text + minus, minus ? 4 : 100, &number) || (minus && number == 0))
        return false;
    *step = minus ? -(int64_t)number : (int64_t)number;
    return true;
}

static void take_progress(struct cloud *c, int device, const json_t *params, uint64_t now_ms,
                          const char **why)
{
    const char *module = read_module(params, why);
    json_t *desc = json_object_get(params, "desc");
    int64_t step = 0;

    if (module == NULL)
        return;
    if (!read_step(json_object_get(params, "step"), &step))
        *why = "step has to be a whole number or its text, -4 to 100";
    else if (desc != NULL && !json_is_string(desc))
        *why = "desc has to be a text";
    struct job *j = *why == NULL ? find_job(c, device, module, NULL) : NULL;
    if (*why == NULL && j == NULL)
        *why = "no update of this module is under way";
    if (*why != NULL)
        return;
    json_t *task = task_of(c, j, device);
    json_object_set_new(task, "step", json_integer(step));
    cloud_json_append(json_object_get(task, "history"),
                      json_pack("{s:I, s:I, s:s}", "time", (json_int_t)cloud_wall_ms(c, now_ms),
                                "step", (json_int_t)step, "desc",
                                desc != NULL ? json_string_value(desc) : ""),
                      CLOUD_OTA_HISTORY_MAX);
    if (step < 0)
        set_task(c, j, device, "failed");
    else if (!has_state(task, "running"))
        set_task(c, j, device, "running");
}

/* The older question. Who asks and has subscribed hears itself. */
static void take_request(struct cloud *c, int device, const json_t *params, uint64_t now_ms,
                         const char **why)
{
    const char *version = read_version(params, why);
    char topic[CLOUD_TOPIC_MAX + 1];

    if (version == NULL)
        return;
    struct job *j = find_job(c, device, "default", version);
    if (j == NULL)
        return;
    char *text = write_push(c, j, device, now_ms);
    topic_of(c, device, "request", topic);
    cloud_answer(c, device, topic, text, strlen(text), now_ms);
    free(text);
}

bool cloud_ota_take(struct cloud *c, int device, const char *topic, const void *payload, size_t len,
                    uint64_t now_ms)
{
    static const struct {
        const char *head;
        void (*take)(struct cloud *, int, const json_t *, uint64_t, const char **);
    } topics[] = {
        {"/ota/device/inform/", take_inform},
        {"/ota/device/progress/", take_progress},
        {"/ota/device/request/", take_request},
    };
    const char *path = cloud_own_path(c, device, topic, "/sys/"), *why;
    char error[200];
    size_t i = 0, count = sizeof topics / sizeof topics[0];

    if (path != NULL && strcmp(path, "thing/file/download") == 0) {
        cloud_ota_serve_file(c, device, topic, payload, len, now_ms);
        return true;
    }
    while (i < count && cloud_own_path(c, device, topic, topics[i].head) == NULL)
        i++;
    if (i == count)
        return false;
    if (topics[i].take == take_request)
        cloud_tell(c, device, topic, payload, len, CLOUD_TOPIC_SYSTEM);
    json_t *message = cloud_json_read(payload, len, error, sizeof error);
    json_t *params = read_params(message, error, &why);
    if (params != NULL)
        topics[i].take(c, device, params, now_ms, &why);
    if (why != NULL)
        cloud_say(c, "%s dropped: %s", topic, why);
    json_decref(message);
    return true;
}

void cloud_ota_get(struct cloud_request *r)
{
    const char *why = NULL, *module = read_module(r->params, &why);

    if (module == NULL) {
        cloud_refuse(r, CLOUD_PARAMETER_ERROR, "%s", why);
        return;
    }
    struct job *j = find_job(r->cloud, r->device, module, version_of(r->cloud, r->device, module));
    if (j == NULL)
        return;
    r->data = describe(r->cloud, j, r->now_ms);
    if (has_state(task_of(r->cloud, j, r->device), "waiting"))
        set_task(r->cloud, j, r->device, "told");
}

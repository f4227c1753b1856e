/* SPDX-License-Identifier: Apache-2.0 */
/* The command `ota`; cloud_command.h has its words. */
#include "cloud/cloud_console.h"
#include "cloud/cloud_ota.h"
#include "cloud/cloud_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the words of `ota publish` say, beside the image itself. */
struct wishes {
    struct cloud_ota_image image;
    const char *key;    /* of the signature; NULL: none */
    const char *digest; /* instead of the file's; NULL */
    const char *size;   /* the same */
    bool md5;
};

/* False: it does not fit. */
static bool copy(char *to, size_t cap, const char *text)
{
    return snprintf(to, cap, "%s", text) < (int)cap;
}

/* Another name is sent as it is; "none": none. */
static bool set_method(struct wishes *w, const char *text)
{
    w->md5 = strcmp(text, "md5") == 0;
    if (w->md5)
        text = "Md5";
    else if (strcmp(text, "sha256") == 0)
        text = "Sha256";
    else if (strcmp(text, "none") == 0)
        text = "";
    return copy(w->image.method, sizeof w->image.method, text);
}

/* One word, NAME=VALUE. False: the order has failed. */
static bool set_word(struct cloud_order *o, struct wishes *w, char *word)
{
    struct cloud_ota_image *m = &w->image;
    char *value = strchr(word, '='), why[200];
    bool ok = value != NULL;

    if (ok)
        *value++ = 0;
    if (ok && strcmp(word, "version") == 0)
        ok = copy(m->version, sizeof m->version, value);
    else if (ok && strcmp(word, "module") == 0)
        ok = copy(m->module, sizeof m->module, value);
    else if (ok && strcmp(word, "url") == 0)
        ok = copy(m->url, sizeof m->url, value);
    else if (ok && strcmp(word, "file") == 0)
        ok = copy(m->file, sizeof m->file, value);
    else if (ok && strcmp(word, "sign") == 0)
        ok = set_method(w, value);
    else if (ok && strcmp(word, "key") == 0)
        w->key = value;
    else if (ok && strcmp(word, "size") == 0)
        w->size = value;
    else if (ok && strcmp(word, "digest") == 0)
        w->digest = value;
    else if (ok && strcmp(word, "digestsign") == 0)
        ok = copy(m->signature, sizeof m->signature, value);
    else if (ok && strcmp(word, "protocol") == 0)
        ok = (m->by_mqtt = strcmp(value, "mqtt") == 0) || strcmp(value, "https") == 0;
    else if (ok && strcmp(word, "diff") == 0)
        ok = (m->is_diff = strcmp(value, "1") == 0) || strcmp(value, "0") == 0;
    else if (ok && strcmp(word, "ext") == 0 && m->ext == NULL)
        ok = (m->ext = cloud_json_read(value, strlen(value), why, sizeof why)) != NULL;
    else
        ok = false;
    if (!ok)
        cloud_order_fail(
            o,
            "%.60s%s%.60s? words are version=, module=, sign=md5|sha256|none|NAME, key=, "
            "protocol=https|mqtt, url=, file=, size=, digest=, digestsign=, diff=0|1, "
            "ext={...}",
            word, value != NULL ? "=" : "", value != NULL ? value : "");
    return ok;
}

/* Size, digest, signature: those of the file, or as the words say. */
static const char *fill(struct cloud *c, struct wishes *w)
{
    const struct cloud_ota_hooks *h = cloud_ota_get_hooks(c);
    struct cloud_ota_image *m = &w->image;
    char md5[33] = "", sha256[65] = "";

    if (m->file[0] != 0 && (h->find == NULL || !h->find(h->ctx, m->file, &m->size, md5, sha256)))
        return "there is no such file";
    if (m->file[0] == 0 && (w->size == NULL || w->digest == NULL))
        return "of a URL alone nothing is known: give size= and digest=, or file=";
    if (w->size != NULL && !cloud_text_number(w->size, UINT32_MAX, &m->size))
        return "size has to be a number";
    if (w->digest == NULL)
        w->digest = w->md5 ? md5 : sha256;
    if (!copy(m->digest, sizeof m->digest, w->digest))
        return "the digest is too long";
    if (w->key != NULL && (h->sign == NULL || sha256[0] == 0 ||
                           !h->sign(h->ctx, w->key, sha256, m->signature, sizeof m->signature)))
        return "the emulator cannot sign with this key";
    return NULL;
}

static void publish(struct cloud_order *o)
{
    struct wishes w = {.md5 = false};
    const char *key = cloud_order_word(o), *name = cloud_order_word(o), *why = NULL;
    const char *what = cloud_order_word(o);
    bool url = strstr(what, "://") != NULL;
    int product = cloud_book_product(&o->cloud->book, key), device = -1;

    if (strcmp(name, "all") != 0)
        device = cloud_book_device(&o->cloud->book, key, name);
    if (*what == 0)
        cloud_order_fail(o, "it has to be: ota publish PK DN|all FILE|URL version=V ...");
    else if (product < 0 || (device < 0 && strcmp(name, "all") != 0))
        cloud_order_fail(o, "no device %.40s %.40s", key, name);
    else if (!(url ? copy(w.image.url, sizeof w.image.url, what)
                   : copy(w.image.file, sizeof w.image.file, what)))
        cloud_order_fail(o, "the name is too long");
    set_method(&w, "sha256");
    for (char *word; !o->failed && *(word = cloud_order_word(o)) != 0;)
        set_word(o, &w, word);
    if (!o->failed && (why = fill(o->cloud, &w)) != NULL)
        cloud_order_fail(o, "%s", why);
    if (o->failed) {
        json_decref(w.image.ext);
        return;
    }
    uint32_t id = cloud_ota_publish(o->cloud, product, device, &w.image, o->now_ms, &why);
    if (id == 0) {
        cloud_order_fail(o, "%s", why);
        return;
    }
    cloud_order_say(o, "published as update %u\n", (unsigned)id);
    o->value = json_pack("{s:I}", "id", (json_int_t)id);
}

/* Each device of an image on a line, with a bar of its progress. */
static void say_tasks(struct cloud_order *o, json_t *tasks)
{
    const char *name;
    json_t *task;

    json_object_foreach (tasks, name, task) {
        int step = (int)json_integer_value(json_object_get(task, "step"));
        size_t steps = json_array_size(json_object_get(task, "history"));
        const json_t *last =
            steps > 0 ? json_array_get(json_object_get(task, "history"), steps - 1) : NULL;
        const char *desc = last != NULL ? cloud_json_string(last, "desc") : "";
        cloud_order_say(o, "  %-16s %-9s %3d %.*s%.*s %s\n", name, cloud_json_string(task, "state"),
                        step, step > 0 ? step / 5 : 0, "####################",
                        step > 0 ? 20 - step / 5 : 20, "....................", desc);
    }
}

static void show(struct cloud_order *o)
{
    int device = -1;
    const char *name;
    json_t *value;
    size_t i;

    if (o->rest[strspn(o->rest, " ")] != 0 && (device = cloud_order_device(o)) < 0)
        return;
    o->value = cloud_ota_show(o->cloud, device, o->now_ms);
    json_object_foreach (json_object_get(o->value, "versions"), name, value)
        cloud_order_say(o, "module %s runs %s\n", name, json_string_value(value));
    json_array_foreach (json_object_get(o->value, "images"), i, value) {
        name = cloud_json_string(value, "deviceName");
        cloud_order_say(o, "update %u for %s %s, module %s: version %s%s\n",
                        (unsigned)json_integer_value(json_object_get(value, "id")),
                        cloud_json_string(value, "productKey"), *name != 0 ? name : "(all)",
                        cloud_json_string(value, "module"), cloud_json_string(value, "version"),
                        json_is_true(json_object_get(value, "canceled")) ? ", canceled" : "");
        say_tasks(o, json_object_get(value, "tasks"));
    }
}

static void cancel(struct cloud_order *o)
{
    uint32_t id;

    if (!cloud_text_number(cloud_order_word(o), UINT32_MAX, &id) || !cloud_ota_cancel(o->cloud, id))
        cloud_order_fail(o, "which update? `ota show` has their numbers");
    else
        cloud_order_say(o, "update %u canceled\n", (unsigned)id);
}

static void push(struct cloud_order *o)
{
    int device = cloud_order_device(o);

    if (device < 0)
        return;
    if (o->cloud->sessions[device].link == 0)
        cloud_order_fail(o, "the device is offline");
    else if (cloud_ota_push(o->cloud, device, o->now_ms) == 0)
        cloud_order_fail(o, "no update is under way for it");
}

static void fault(struct cloud_order *o)
{
    static const char *const words[CLOUD_OTA_FAULTS] = {"crc", "offset", "cut", "silent"};
    const char *word = cloud_order_word(o);
    uint32_t every, i = 0;

    while (i < CLOUD_OTA_FAULTS && strcmp(word, words[i]) != 0)
        i++;
    if (i == CLOUD_OTA_FAULTS || !cloud_text_number(cloud_order_word(o), UINT32_MAX, &every))
        cloud_order_fail(o, "it has to be: ota fault crc|offset|cut|silent N");
    else
        cloud_ota_set_fault(o->cloud, (enum cloud_ota_fault)i, every);
}

void cloud_ota_command(struct cloud_order *o)
{
    static const struct {
        const char *word;
        void (*run)(struct cloud_order *);
    } orders[] = {
        {"publish", publish}, {"show", show}, {"cancel", cancel}, {"push", push}, {"fault", fault}};
    const char *word = cloud_order_word(o);

    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        if (strcmp(word, orders[i].word) == 0) {
            orders[i].run(o);
            return;
        }
    cloud_order_fail(o, "it has to be: ota publish|show|cancel|push|fault ...");
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_topic.h"

#include <string.h>

#define UP      CLOUD_PUBLISH
#define DOWN    CLOUD_SUBSCRIBE
#define REPLY   0x10 /* has an answer in the other direction, on the topic with _reply behind it */
#define GATEWAY 0x20 /* for devices of gateway products */

/* Protocol 2.7, 4.2 and the sections that these name. `%` is {pk}/{dn}; + and # as in MQTT. */
static const struct {
    const char *form;
    uint8_t flags;
} system_topics[] = {
    {"/sys/%/thing/event/+/post", UP | REPLY}, /* with property/post */
    {"/sys/%/thing/event/property/history/post", UP | REPLY},
    {"/sys/%/thing/event/property/batch/post", UP | REPLY},
    {"/sys/%/thing/event/property/pack/post", UP | REPLY | GATEWAY},
    {"/sys/%/thing/service/property/set", DOWN | REPLY},
    {"/sys/%/thing/service/property/get", DOWN | REPLY},
    {"/sys/%/thing/service/+", DOWN | REPLY},
    {"/sys/%/rrpc/request/+", DOWN},
    {"/sys/%/rrpc/response/+", UP},
    {"/sys/%/thing/model/up_raw", UP | REPLY},
    {"/sys/%/thing/model/down_raw", DOWN | REPLY},
    {"/sys/%/thing/property/desired/get", UP | REPLY},
    {"/sys/%/thing/property/desired/delete", UP | REPLY},
    {"/sys/%/thing/deviceinfo/update", UP | REPLY},
    {"/sys/%/thing/deviceinfo/delete", UP | REPLY},
    {"/sys/%/thing/dsltemplate/get", UP | REPLY},
    {"/sys/%/thing/dynamicTsl/get", UP | REPLY},
    {"/sys/%/thing/config/get", UP | REPLY},
    {"/sys/%/thing/config/push", DOWN | REPLY},
    {"/sys/%/thing/config/log/get", UP | REPLY},
    {"/sys/%/thing/config/log/push", DOWN | REPLY},
    {"/sys/%/thing/log/post", UP | REPLY},
    {"/sys/%/_thing/diag/post", UP | REPLY},
    {"/sys/%/thing/reset", UP | REPLY},
    {"/sys/%/thing/disable", DOWN | REPLY},
    {"/sys/%/thing/enable", DOWN | REPLY},
    {"/sys/%/thing/delete", DOWN | REPLY},
    {"/sys/%/thing/bootstrap/notify", DOWN | REPLY},
    {"/sys/%/_thing/event/notify", DOWN | REPLY},
    {"/sys/%/thing/ota/firmware/get", UP | REPLY},
    {"/sys/%/thing/file/download", UP | REPLY},
    {"/sys/%/thing/file/upload/mqtt/init", UP},
    {"/sys/%/thing/file/upload/mqtt/init_reply", DOWN},
    {"/sys/%/thing/file/upload/mqtt/send", UP | REPLY},
    {"/sys/%/thing/file/upload/mqtt/cancel", UP | REPLY},
    {"/sys/%/thing/job/notify", DOWN | REPLY},
    {"/sys/%/thing/job/get", UP | REPLY},
    {"/sys/%/thing/job/update", UP | REPLY},
    {"/sys/%/thing/awss/enrollee/match", UP | REPLY},
    {"/ota/device/inform/%", UP},
    {"/ota/device/upgrade/%", DOWN},
    {"/ota/device/progress/%", UP},
    {"/ota/device/request/%", UP | DOWN}, /* the answer comes on the same topic */
    {"/ext/ntp/%/request", UP},
    {"/ext/ntp/%/response", DOWN},
    {"/ext/error/%", DOWN},
    {"/ext/rrpc/+/#", UP | DOWN}, /* names no device: the platform sends it to one */
    {"/ext/auth/identity/response", DOWN},
    {"/shadow/update/%", UP},
    {"/shadow/get/%", DOWN},
    {"/sys/%/thing/topo/add", UP | REPLY | GATEWAY},
    {"/sys/%/thing/topo/delete", UP | REPLY | GATEWAY},
    {"/sys/%/thing/topo/get", UP | REPLY | GATEWAY},
    {"/sys/%/thing/topo/add/notify", DOWN | REPLY | GATEWAY},
    {"/sys/%/thing/topo/change", DOWN | REPLY | GATEWAY},
    {"/sys/%/thing/list/found", UP | REPLY | GATEWAY},
    {"/sys/%/thing/sub/register", UP | REPLY | GATEWAY},
    {"/sys/%/thing/sub/unregister", UP | REPLY | GATEWAY},
    {"/sys/%/thing/proxy/provisioning/product_register", UP | REPLY | GATEWAY},
    {"/sys/%/thing/gateway/permit", DOWN | REPLY | GATEWAY},
    {"/ext/session/%/combine/login", UP | REPLY | GATEWAY},
    {"/ext/session/%/combine/logout", UP | REPLY | GATEWAY},
    {"/ext/session/%/combine/batch_login", UP | REPLY | GATEWAY},
    {"/ext/session/%/combine/batch_logout", UP | REPLY | GATEWAY},
};

struct owner {
    const char *key, *name;
};

/* One level, cut off the front of the rest; ptr NULL: there is none left. */
struct level {
    const char *ptr;
    size_t len;
};

static struct level next_level(const char **rest)
{
    struct level l = {*rest, 0};

    if (*rest == NULL)
        return l;
    l.len = strcspn(*rest, "/");
    *rest = (*rest)[l.len] == '/' ? *rest + l.len + 1 : NULL;
    return l;
}

static bool level_is(struct level l, const char *text)
{
    return l.ptr != NULL && l.len == strlen(text) && memcmp(l.ptr, text, l.len) == 0;
}

/* Is `l` the form's level with the suffix behind it? */
static bool level_fits(struct level l, struct level form, const char *suffix)
{
    size_t n = strlen(suffix);

    if (l.len < n || memcmp(l.ptr + l.len - n, suffix, n) != 0)
        return false;
    if (level_is(form, "+"))
        return l.len > n;
    return l.len - n == form.len && memcmp(l.ptr, form.ptr, form.len) == 0;
}

static bool is_rest_empty(const char *rest)
{
    return rest == NULL || strcmp(rest, "#") == 0;
}

/* Is there a topic that both the asked text (which may hold wildcards) and the form describe? `suffix` belongs
 * to the form's last level. Wildcards of the asked text never stand for the owner's key or name. */
static bool meet(const char *asked, const char *form, const char *suffix, struct owner owner)
{
    bool owned = strchr(form, '%') != NULL;

    for (;;) {
        struct level f = next_level(&form);
        const char *tail = form == NULL ? suffix : "";
        if (level_is(f, "%")) {
            if (!level_is(next_level(&asked), owner.key) ||
                !level_is(next_level(&asked), owner.name))
                return false;
            if (form == NULL)
                return asked == NULL || strcmp(asked, "#") == 0;
            continue;
        }
        struct level a = next_level(&asked);
        if (f.ptr == NULL)
            return a.ptr == NULL;
        bool wild = level_is(a, "#") || level_is(a, "+");
        if (wild && !owned && !level_is(f, "#") && !level_is(f, "+"))
            return false; /* "#" is no way to the few topics that name no device */
        if (level_is(f, "#"))
            return a.ptr != NULL;
        if (level_is(a, "#")) /* the rest of the form may name no owner */
            return form == NULL || strchr(form, '%') == NULL;
        if (a.ptr == NULL)
            return false;
        if (!wild && !level_fits(a, f, tail))
            return false;
        if (form == NULL || asked == NULL) /* "a/#" also means "a" */
            return is_rest_empty(asked) && is_rest_empty(form);
    }
}

static bool flags_allow(uint8_t flags, enum cloud_access access)
{
    return (flags & access) != 0;
}

/* What the answer's topic may be used for. */
static bool reply_allows(uint8_t flags, enum cloud_access access)
{
    return (flags & REPLY) != 0 && (flags & access) == 0;
}

static enum cloud_topic_kind find_system(const char *topic, enum cloud_access access,
                                         struct owner owner, bool gateway, const char **why)
{
    for (size_t i = 0; i < sizeof system_topics / sizeof system_topics[0]; i++) {
        const char *form = system_topics[i].form;
        uint8_t flags = system_topics[i].flags;
        bool plain = meet(topic, form, "", owner);
        bool reply = (flags & REPLY) != 0 && meet(topic, form, "_reply", owner);
        if (!plain && !reply)
            continue;
        if ((flags & GATEWAY) != 0 && !gateway)
            *why = "only a device of a gateway product may";
        else if ((plain && flags_allow(flags, access)) || (reply && reply_allows(flags, access)))
            return CLOUD_TOPIC_SYSTEM;
        else
            *why = access == CLOUD_PUBLISH ? "the platform sends on this topic, devices do not"
                                           : "devices send on this topic, the platform does not";
    }
    return CLOUD_TOPIC_NONE;
}

static enum cloud_topic_kind find_custom(const struct cloud_book *book, int product,
                                         const char *topic, enum cloud_access access,
                                         struct owner owner, const char **why)
{
    char form[CLOUD_TOPIC_MAX + 8] = "/%/";

    for (uint16_t i = 0; i < book->topic_count; i++) {
        const struct cloud_topic *t = &book->topics[i];
        if (t->product != product)
            continue;
        memcpy(form + 3, t->path, strlen(t->path) + 1);
        if (!meet(topic, form, "", owner))
            continue;
        if ((t->access & access) != 0)
            return CLOUD_TOPIC_CUSTOM;
        *why = access == CLOUD_PUBLISH ? "its product gives no permission to publish it"
                                       : "its product gives no permission to subscribe it";
    }
    return CLOUD_TOPIC_NONE;
}

/* For the reason only: does it stand under the owner's key and name in one of the platform's trees? */
static bool is_own(const char *topic, struct owner owner)
{
    for (struct level l; (l = next_level(&topic)).ptr != NULL;)
        if (level_is(l, owner.key))
            return level_is(next_level(&topic), owner.name);
    return false;
}

const char *cloud_topic_wrong(const char *topic, bool filter)
{
    if (*topic == 0)
        return "the topic is empty";
    if (strlen(topic) > CLOUD_TOPIC_MAX)
        return "the topic is longer than 128 bytes";
    if (!filter)
        return strpbrk(topic, "+#") != NULL ? "a topic has no wildcards" : NULL;
    for (const char *rest = topic; rest != NULL;) {
        struct level l = next_level(&rest);
        bool hash = memchr(l.ptr, '#', l.len) != NULL;
        if ((hash || memchr(l.ptr, '+', l.len) != NULL) && (l.len != 1 || (hash && rest != NULL)))
            return "a wildcard is a whole level, and # the last one";
    }
    return NULL;
}

enum cloud_topic_kind cloud_topic_allowed(const struct cloud_book *book, int device,
                                          const char *topic, enum cloud_access access,
                                          const char **why)
{
    const char *reason = cloud_topic_wrong(topic, access == CLOUD_SUBSCRIBE);
    enum cloud_topic_kind kind = CLOUD_TOPIC_NONE;

    if (reason == NULL) {
        const struct cloud_device *d = &book->devices[device];
        struct owner owner = {cloud_book_key(book, device), d->name};
        kind = find_system(topic, access, owner, book->products[d->product].gateway, &reason);
        if (kind == CLOUD_TOPIC_NONE)
            kind = find_custom(book, d->product, topic, access, owner, &reason);
        if (kind == CLOUD_TOPIC_NONE && reason == NULL)
            reason = is_own(topic, owner) ? "the topic is not defined for its product"
                                          : "the topic is not in the device's own name space";
    }
    if (why != NULL)
        *why = kind == CLOUD_TOPIC_NONE ? reason : NULL;
    return kind;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_route.h"

#include "link/iot_link_call.h"
#include "link/iot_link_raw.h"
#include "link/iot_link_rrpc.h"
#include "link/iot_link_shadow.h"

#include <string.h>

#if IOT_FEATURE_ALINK

/* ---- The table ----------------------------------------------------------------------------- */

/* Where a topic of the platform's begins. */
enum area {
    AREA_NONE,
    AREA_SYS,  /* /sys/{pk}/{dn}/ of this device */
    AREA_EXT,  /* /ext/ */
    AREA_OURS, /* /shadow/get/ and the like: what ends in {pk}/{dn} of this device, without it */
};

/* `path` stands behind that. A last '+' is one level, a last '#' any number of them: the rest of the handler. */
struct route {
    uint8_t area;
    uint8_t len;   /* of path without the wildcard */
    char wild;     /* the wildcard, or 0 */
    bool in_parts; /* takes messages larger than the window as well */
    const char *path;
    iot_link_handler take;
};

#define EXACT(area, path, take)                                                                    \
    {                                                                                              \
        area, sizeof(path) - 1, 0, false, path, take                                               \
    }
#define LEVEL(area, path, take)                                                                    \
    {                                                                                              \
        area, sizeof(path) - 1, '+', false, path, take                                             \
    }
#define UNDER(area, path, take)                                                                    \
    {                                                                                              \
        area, sizeof(path) - 1, '#', false, path, take                                             \
    }
#define PARTS(area, path, take)                                                                    \
    {                                                                                              \
        area, sizeof(path) - 1, 0, true, path, take                                                \
    }

#if IOT_FEATURE_OTA
/* Bytes, not an envelope: it is for whoever fetches (iot_link_file.h), who is asked behind us. */
static iot_err leave(struct iot_alink *a, const struct iot_msg *msg, struct iot_bytes rest)
{
    (void)a, (void)msg, (void)rest;
    return IOT_ERR_STATE;
}
#endif

/* The first that fits counts. What they do not name, but ends in "_reply", is a reply. */
static const struct route routes[] = {
#if IOT_FEATURE_THING
    UNDER(AREA_SYS, "thing/service/", iot_call_take),
#endif
#if IOT_FEATURE_RAW
    PARTS(AREA_SYS, "thing/model/down_raw", iot_raw_take_down),
    PARTS(AREA_SYS, "thing/model/up_raw_reply", iot_raw_take_reply),
#endif
#if IOT_FEATURE_THING || IOT_FEATURE_RAW
    LEVEL(AREA_SYS, "rrpc/request/", iot_rrpc_take),
    UNDER(AREA_EXT, "rrpc/", iot_rrpc_take_ext),
#endif
#if IOT_FEATURE_CLOUD
    UNDER(AREA_EXT, "ntp/", iot_link_take_time),
    UNDER(AREA_EXT, "error/", iot_link_take_error),
    EXACT(AREA_EXT, "auth/identity/response", iot_link_take_identity),
    EXACT(AREA_SYS, "thing/config/push", iot_link_take_config),
    EXACT(AREA_SYS, "thing/config/log/push", iot_link_take_log),
    EXACT(AREA_SYS, "thing/disable", iot_link_take_disable),
    EXACT(AREA_SYS, "thing/enable", iot_link_take_enable),
    EXACT(AREA_SYS, "thing/delete", iot_link_take_delete),
    EXACT(AREA_SYS, "thing/bootstrap/notify", iot_link_take_bootstrap),
    EXACT(AREA_SYS, "_thing/event/notify", iot_link_take_bind),
    PARTS(AREA_SYS, "thing/dsltemplate/get_reply", iot_link_take_tsl),
    PARTS(AREA_SYS, "thing/dynamicTsl/get_reply", iot_link_take_tsl),
#endif
#if IOT_FEATURE_OTA
    EXACT(AREA_SYS, "thing/file/download_reply", leave),
#endif
#if IOT_FEATURE_SHADOW
    EXACT(AREA_OURS, "/shadow/get/", iot_link_take_shadow),
#endif
};

#define ROUTES (sizeof routes / sizeof routes[0])

/* ---- Looking it up ------------------------------------------------------------------------- */

bool iot_link_skip(struct iot_bytes *left, const char *text)
{
    uint32_t n = (uint32_t)strlen(text);

    if (left->len < n || memcmp(left->ptr, text, n) != 0)
        return false;
    left->ptr += n;
    left->len -= n;
    return true;
}

bool iot_link_is_own(const struct iot_alink *a, struct iot_bytes *left)
{
    const char *key = a->id->product_key, *name = a->id->device_name;

    return key != NULL && name != NULL && iot_link_skip(left, key) && iot_link_skip(left, "/") &&
           iot_link_skip(left, name);
}

bool iot_link_is(struct iot_bytes left, const char *text)
{
    return iot_link_skip(&left, text) && left.len == 0;
}

/* As iot_link_skip, at the end. */
static bool drop(struct iot_bytes *left, const char *text)
{
    uint32_t n = (uint32_t)strlen(text);

    if (left->len < n || memcmp(left->ptr + left->len - n, text, n) != 0)
        return false;
    left->len -= n;
    return true;
}

static enum area area_of(const struct iot_alink *a, struct iot_bytes *left)
{
    const char *key = a->id == NULL ? NULL : a->id->product_key;
    const char *name = a->id == NULL ? NULL : a->id->device_name;

    if (a->id != NULL && iot_link_skip(left, "/ext/"))
        return AREA_EXT;
    if (key == NULL || name == NULL)
        return AREA_NONE;
    if (iot_link_skip(left, "/sys/"))
        return iot_link_is_own(a, left) && iot_link_skip(left, "/") ? AREA_SYS : AREA_NONE;
    return drop(left, name) && drop(left, "/") && drop(left, key) ? AREA_OURS : AREA_NONE;
}

static bool has_slash(struct iot_bytes text)
{
    for (uint32_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '/')
            return true;
    return false;
}

static bool fits(const struct route *r, enum area area, struct iot_bytes path,
                 struct iot_bytes *rest)
{
    if (r->area != area || path.len < r->len || (r->wild == 0 && path.len != r->len) ||
        memcmp(path.ptr, r->path, r->len) != 0)
        return false;
    *rest = (struct iot_bytes){path.ptr + r->len, path.len - r->len};
    return r->wild != '+' || (rest->len != 0 && !has_slash(*rest));
}

static const struct route *find(enum area area, struct iot_bytes path, struct iot_bytes *rest)
{
    for (uint32_t i = 0; area != AREA_NONE && i < ROUTES; i++)
        if (fits(&routes[i], area, path, rest))
            return &routes[i];
    return NULL;
}

iot_err iot_link_take(struct iot_alink *a, const struct iot_msg *msg)
{
    struct iot_bytes path = {(const uint8_t *)msg->topic.text, msg->topic.len}, rest;
    enum area area = area_of(a, &path);
    const struct route *r = find(area, path, &rest);

    if (r != NULL)
        return r->take(a, msg, rest);
    return area == AREA_SYS && drop(&path, "_reply") ? iot_alink_reply(a, msg) : IOT_ERR_STATE;
}

bool iot_link_take_parts(struct iot_alink *a, const struct iot_topic *topic)
{
    struct iot_bytes path = {(const uint8_t *)topic->text, topic->len}, rest;
    enum area area = area_of(a, &path);
    const struct route *r = find(area, path, &rest);

    return r != NULL && r->in_parts && iot_raw_lets_parts(a, r->take);
}

#endif

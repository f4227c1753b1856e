/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that the library writes: versions, questions for updates, progress, tags. Protocol: Alibaba Cloud IoT platform, OTA
 * over CoAP; thing/deviceinfo/update. */
#include "link/iot_link_uplink.h"

#if IOT_FEATURE_UPLINK

#include "core/iot_core_text.h"

#define SLASHES 5u /* of "/topic/sys/{pk}/{dn}/" */

/* ---- Envelopes ----------------------------------------------------------------------------- */

static void put_id(struct iot_uplink *up, struct iot_writer *w)
{
    iot_json_put(w, "{\"id\":\"");
    iot_writer_u32(w, ++up->id);
}

iot_err iot_uplink_open(struct iot_uplink *up, const char *topic, const char *value,
                        struct iot_writer *w)
{
    iot_err err = iot_uplink_begin(up, topic, value, w);

    put_id(up, w);
    iot_json_put(w, "\",\"version\":\"1.0\",\"params\":");
    return err;
}

/* The method is the topic below the device's own part. */
void iot_uplink_close(struct iot_uplink *up, struct iot_writer *w)
{
    const char *c = (const char *)up->opt->work;

    iot_json_put(w, ",\"method\":\"");
    if (w->overflow)
        return; /* the path may not be whole */
    for (uint32_t slashes = 0; slashes < SLASHES; c++)
        slashes += *c == '/';
    for (; *c != '\0'; c++)
        iot_writer_put(w, *c == '/' ? "." : c, 1);
    iot_json_put(w, "\"}");
}

/* NULL: not there. */
static void put_member(struct iot_writer *w, const char **before, const char *name,
                       const char *text)
{
    if (text == NULL)
        return;
    iot_json_put(w, *before);
    iot_json_key(w, name);
    iot_json_put_text(w, text);
    *before = ",";
}

/* ---- Updates ------------------------------------------------------------------------------- */

/* Members, a text each; NULL: not there. */
struct words {
    const char *text[4];
};

static iot_err say(struct iot_uplink *up, enum iot_uplink_call call, const char *what,
                   const struct words *words)
{
    static const char names[][8] = {"version", "step", "desc", "module"};
    const char *before = "\",\"params\":{";
    struct iot_writer w;
    iot_err err =
        iot_uplink_begin(up, "/ota/device/" IOT_ASK_VALUE "/" IOT_ASK_PK "/" IOT_ASK_DN, what, &w);

    if (err != IOT_OK)
        return err;
    put_id(up, &w);
    for (uint32_t i = 0; i < 4; i++)
        put_member(&w, &before, names[i], words->text[i]);
    if (*before != ',')
        iot_json_put(&w, before);
    iot_json_put(&w, "}}");
    return iot_uplink_send(up, &w, call);
}

/* Of the device itself: not sent. */
static const char *named(const char *module)
{
    return module == NULL || *module == '\0' || iot_text_is(module, "default") ? NULL : module;
}

iot_err iot_uplink_version(struct iot_uplink *up, const char *module, const char *version)
{
    return say(up, IOT_UPLINK_VERSION, "inform",
               &(struct words){{version, NULL, NULL, named(module)}});
}

iot_err iot_uplink_upgrade(struct iot_uplink *up, const char *version)
{
    return say(up, IOT_UPLINK_UPGRADE, "request", &(struct words){{version, NULL, NULL, NULL}});
}

iot_err iot_uplink_progress(struct iot_uplink *up, const char *module, int32_t step,
                            const char *text)
{
    char digits[12];
    struct iot_writer w = {.ptr = (uint8_t *)digits, .cap = sizeof digits - 1};

    iot_json_put_i32(&w, step);
    digits[w.len] = '\0';
    return say(up, IOT_UPLINK_POST, "progress",
               &(struct words){{NULL, digits, text, named(module)}});
}

/* ---- Tags ---------------------------------------------------------------------------------- */

iot_err iot_uplink_device_info(struct iot_uplink *up, const struct iot_uplink_tag *tags,
                               uint32_t count)
{
    struct iot_writer w;
    iot_err err = iot_uplink_open(up, IOT_UPLINK_THING("thing/deviceinfo/update"), NULL, &w);

    if (err != IOT_OK)
        return err;
    for (uint32_t i = 0; i < count; i++) {
        const char *before = i == 0 ? "[{" : ",{";
        put_member(&w, &before, "attrKey", tags[i].key);
        put_member(&w, &before, "attrValue", tags[i].value);
        iot_json_put(&w, "}");
    }
    iot_json_put(&w, count == 0 ? "[]" : "]");
    iot_uplink_close(up, &w);
    up->coded = true;
    up->non = up->opt->symmetric == NULL;
    return iot_uplink_send(up, &w, IOT_UPLINK_POST);
}

#endif

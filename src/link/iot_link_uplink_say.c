/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that the library writes: versions, questions for updates, progress, tags. Protocol: Alibaba Cloud IoT platform, OTA
 * over CoAP; thing/deviceinfo/update. */
#include "link/iot_link_uplink.h"

#if IOT_FEATURE_UPLINK

#include "core/iot_core_text.h"

#define SLASHES 5u /* of "/topic/sys/{pk}/{dn}/" */

/* ---- Envelopes ----------------------------------------------------------------------------- */

static iot_err open_plain(struct iot_uplink *up, const char *topic, struct iot_writer *w)
{
    iot_err err = iot_uplink_begin(up, topic, NULL, w);

    iot_json_put(w, "{\"id\":\"");
    iot_writer_u32(w, ++up->id);
    iot_json_put(w, "\",\"params\":{");
    return err;
}

iot_err iot_uplink_open(struct iot_uplink *up, const char *topic, const char *value,
                        struct iot_writer *w)
{
    iot_err err = iot_uplink_begin(up, topic, value, w);

    iot_json_put(w, "{\"id\":\"");
    iot_writer_u32(w, ++up->id);
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

/* The last one; of the device itself it is not sent. */
static void put_module(struct iot_writer *w, const char **before, const char *module)
{
    if (module != NULL && (*module == '\0' || iot_text_is(module, "default")))
        module = NULL;
    put_member(w, before, "module", module);
    iot_json_put(w, "}}");
}

/* ---- Updates ------------------------------------------------------------------------------- */

iot_err iot_uplink_version(struct iot_uplink *up, const char *module, const char *version)
{
    struct iot_writer w;
    const char *before = "";
    iot_err err = open_plain(up, "/ota/device/inform/" IOT_ASK_PK "/" IOT_ASK_DN, &w);

    if (err != IOT_OK)
        return err;
    put_member(&w, &before, "version", version);
    put_module(&w, &before, module);
    return iot_uplink_send(up, &w, IOT_UPLINK_VERSION);
}

iot_err iot_uplink_upgrade(struct iot_uplink *up, const char *version)
{
    struct iot_writer w;
    const char *before = "";
    iot_err err = open_plain(up, "/ota/device/request/" IOT_ASK_PK "/" IOT_ASK_DN, &w);

    if (err != IOT_OK)
        return err;
    put_member(&w, &before, "version", version);
    put_module(&w, &before, NULL);
    return iot_uplink_send(up, &w, IOT_UPLINK_UPGRADE);
}

iot_err iot_uplink_progress(struct iot_uplink *up, const char *module, int32_t step,
                            const char *text)
{
    struct iot_writer w;
    const char *before = ",";
    iot_err err = open_plain(up, "/ota/device/progress/" IOT_ASK_PK "/" IOT_ASK_DN, &w);

    if (err != IOT_OK)
        return err;
    iot_json_put(&w, "\"step\":\"");
    iot_json_put_i32(&w, step);
    iot_json_put(&w, "\"");
    put_member(&w, &before, "desc", text);
    put_module(&w, &before, module);
    return iot_uplink_send(up, &w, IOT_UPLINK_POST);
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
    up->non = !up->opt->symmetric;
    return iot_uplink_send(up, &w, IOT_UPLINK_POST);
}

#endif

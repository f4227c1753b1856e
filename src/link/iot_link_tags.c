/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_alink.h"

#if IOT_FEATURE_CLOUD

#define TEXT_OF(number)  TEXT_OF2(number)
#define TEXT_OF2(number) #number
#define VERSION                                                                                    \
    TEXT_OF(IOT_VERSION_MAJOR) "." TEXT_OF(IOT_VERSION_MINOR) "." TEXT_OF(IOT_VERSION_PATCH)

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_key(const char *key)
{
    uint32_t n = 0;

    if (key == NULL || !is_letter(*key))
        return false;
    while (n <= IOT_TAG_KEY_MAX && (is_letter(key[n]) || (key[n] >= '0' && key[n] <= '9')))
        n++;
    return key[n] == 0 && n >= IOT_TAG_KEY_MIN && n <= IOT_TAG_KEY_MAX;
}

struct tags {
    const struct iot_tag *tags;
    uint32_t count;
    bool values;
};

static void write_tags(struct iot_writer *w, const void *what)
{
    const struct tags *all = what;

    for (uint32_t i = 0; i < all->count; i++) {
        const struct iot_tag *t = &all->tags[i];
        iot_json_put(w, i == 0 ? "[{\"attrKey\":" : ",{\"attrKey\":");
        iot_json_put_text(w, t->key);
        if (all->values) {
            iot_json_put(w, ",\"attrValue\":");
            iot_json_put_text(w, t->value);
        }
        iot_json_put(w, t->system ? ",\"domain\":\"SYSTEM\"}" : "}");
    }
    iot_json_put(w, "]");
}

static iot_err ask(struct iot_device *dev, const char *method, const struct tags *all,
                   iot_ticket *ticket)
{
    for (uint32_t i = 0; i < all->count; i++)
        if (!is_key(all->tags[i].key) || (all->values && all->tags[i].value == NULL))
            return IOT_ERR_ARG;
    if (all->count == 0)
        return IOT_ERR_ARG;
    return iot_alink_ask_words(iot_alink_of(dev), method, IOT_ASK_QOS_1, write_tags, all, ticket);
}

iot_err iot_tags_update(struct iot_device *dev, const struct iot_tag *tags, uint32_t count,
                        iot_ticket *ticket)
{
    struct tags all = {tags, count, true};

    return ask(dev, "thing/deviceinfo/update", &all, ticket);
}

iot_err iot_tags_delete(struct iot_device *dev, const struct iot_tag *tags, uint32_t count,
                        iot_ticket *ticket)
{
    struct tags all = {tags, count, false};

    return ask(dev, "thing/deviceinfo/delete", &all, ticket);
}

iot_err iot_tags_sdk(struct iot_device *dev, iot_ticket *ticket)
{
    static const struct iot_tag tags[] = {{"SYS_LP_SDK_VERSION", VERSION, true},
                                          {"SYS_SDK_LANGUAGE", "C", true}};

    return iot_tags_update(dev, tags, sizeof tags / sizeof tags[0], ticket);
}

#endif

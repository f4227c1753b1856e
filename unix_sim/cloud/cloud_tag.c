/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/cloud_tag.h"

#include "cloud/cloud_text.h"
#include "cloud/cloud_thing.h"

#include <string.h>

static bool is_key_char(char c)
{
    return cloud_is_alnum(c) || c == '_';
}

static bool is_key(const char *text)
{
    return text != NULL && strlen(text) >= 2 && strlen(text) <= CLOUD_TAG_KEY_MAX &&
           cloud_text_all(text, is_key_char) && !cloud_is_digit(*text);
}

static const char *wrong_with(const json_t *tag, bool with_value)
{
    const json_t *value = json_object_get(tag, "attrValue");
    const json_t *domain = json_object_get(tag, "domain");

    if (!is_key(cloud_json_string(tag, "attrKey")))
        return "attrKey has to have 2 to 32 letters, digits and _, no digit first";
    if (domain != NULL && (json_string_length(domain) == 0 || json_string_length(domain) > 32))
        return "domain has to be a text";
    if (with_value &&
        (json_string_length(value) == 0 || json_string_length(value) > CLOUD_TAG_VALUE_MAX))
        return "attrValue has to be a text, and not empty";
    return NULL;
}

static bool check(struct cloud_request *r, bool with_value)
{
    json_t *tag;
    size_t i;

    if (json_array_size(r->params) == 0 || json_array_size(r->params) > CLOUD_TAGS_MAX) {
        cloud_refuse(r, CLOUD_PARAMETER_ERROR, "a message has 1 to %d tags", CLOUD_TAGS_MAX);
        return false;
    }
    json_array_foreach (r->params, i, tag) {
        const char *wrong = wrong_with(tag, with_value);
        if (wrong == NULL)
            continue;
        cloud_refuse(r, CLOUD_PARAMETER_ERROR, "tag %zu: %s", i + 1, wrong);
        return false;
    }
    return true;
}

void cloud_tag_update(struct cloud_request *r)
{
    struct cloud_thing *t = cloud_thing_of(r->cloud, r->device);
    json_t *tag;
    size_t i;

    if (!check(r, true))
        return;
    json_t *tags = json_copy(t->tags);
    json_array_foreach (r->params, i, tag) {
        json_t *entry = json_object();
        json_object_set(entry, "value", json_object_get(tag, "attrValue"));
        if (json_object_get(tag, "domain") != NULL)
            json_object_set(entry, "domain", json_object_get(tag, "domain"));
        json_object_set_new(tags, cloud_json_string(tag, "attrKey"), entry);
    }
    if (json_object_size(tags) > CLOUD_TAGS_MAX) {
        cloud_refuse(r, CLOUD_PARAMETER_ERROR, "the device would have more than %d tags",
                     CLOUD_TAGS_MAX);
        json_decref(tags);
        return;
    }
    json_decref(t->tags);
    t->tags = tags;
}

void cloud_tag_delete(struct cloud_request *r)
{
    struct cloud_thing *t = cloud_thing_of(r->cloud, r->device);
    json_t *tag;
    size_t i;

    if (check(r, false))
        json_array_foreach (r->params, i, tag)
            json_object_del(t->tags, cloud_json_string(tag, "attrKey"));
}

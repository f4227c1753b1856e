/* SPDX-License-Identifier: Apache-2.0 */
/* Images over MQTT (protocol 6.6): thing/file/download, whose answer is a JSON header, a block and a check sum. */
#include "cloud/cloud_ota.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_MIN 256
#define BLOCK_MAX 131072
#define NO_STREAM 6100

/* CRC-16/ARC, as it is defined: bits of each byte and of the result reversed around a plain division by 0x8005. */
static uint16_t reversed(uint16_t value, int bits)
{
    uint16_t out = 0;

    for (int i = 0; i < bits; i++)
        if ((value >> i & 1) != 0)
            out |= (uint16_t)(1u << (bits - 1 - i));
    return out;
}

static uint16_t check_sum(const uint8_t *bytes, size_t len)
{
    uint16_t rest = 0;

    for (size_t i = 0; i < len; i++) {
        rest ^= (uint16_t)(reversed(bytes[i], 8) << 8);
        for (int bit = 0; bit < 8; bit++)
            rest = (uint16_t)((rest & 0x8000) != 0 ? rest << 1 ^ 0x8005 : rest << 1);
    }
    return reversed(rest, 16);
}

struct wish {
    char id[11];
    const char *token; /* NULL: none */
    int64_t stream, file, size, offset;
};

/* NULL, or what is wrong. */
static const char *read_wish(const json_t *message, struct wish *w)
{
    const json_t *params = json_object_get(message, "params");
    const json_t *info = json_object_get(params, "fileInfo");
    const json_t *block = json_object_get(params, "fileBlock");
    const json_t *token = json_object_get(params, "fileToken");
    const json_t *method = json_object_get(message, "method");
    const char *version = cloud_json_string(message, "version");

    if (!cloud_alink_id(message, w->id))
        return "id has to be decimal text or a number, 0..4294967295";
    if (version == NULL || strcmp(version, "1.0") != 0)
        return "version has to be \"1.0\"";
    if (method != NULL &&
        (!json_is_string(method) || strcmp(json_string_value(method), "thing.file.download") != 0))
        return "method has to be thing.file.download on this topic";
    if (!json_is_object(params) || (token != NULL && !json_is_string(token)))
        return "params has to be an object, fileToken a text";
    if (!cloud_json_integer(json_object_get(info, "streamId"), 0, INT64_MAX, &w->stream) ||
        !cloud_json_integer(json_object_get(info, "fileId"), 0, INT64_MAX, &w->file))
        return "fileInfo has to have the numbers streamId and fileId";
    if (!cloud_json_integer(json_object_get(block, "size"), 1, BLOCK_MAX, &w->size) ||
        !cloud_json_integer(json_object_get(block, "offset"), 0, UINT32_MAX, &w->offset))
        return "fileBlock has to have a size of at most 131072 and an offset";
    w->token = json_string_value(token);
    return NULL;
}

/* The header, and behind it `n` bytes of room and the check sum: by malloc. */
static uint8_t *frame(json_t *header, size_t n, size_t *len)
{
    char *text = cloud_json_text(header);
    size_t head = strlen(text);
    uint8_t *bytes = calloc(1, 2 + head + n + 2);

    if (bytes == NULL)
        abort();
    bytes[0] = (uint8_t)(head >> 8);
    bytes[1] = (uint8_t)head;
    memcpy(bytes + 2, text, head);
    *len = 2 + head + n + 2;
    free(text);
    json_decref(header);
    return bytes;
}

static void refuse(struct cloud *c, int device, const char *topic, const char *id, int code,
                   const char *why, uint64_t now_ms)
{
    size_t len;
    uint8_t *bytes = frame(
        json_pack("{s:s, s:i, s:s, s:{}}", "id", id, "code", code, "msg", why, "data"), 0, &len);

    cloud_say(c, "download of %s %s refused: %d %s", cloud_key_of(c, device),
              cloud_name_of(c, device), code, why);
    cloud_answer(c, device, topic, bytes, len, now_ms);
    free(bytes);
}

static void give(struct cloud *c, int device, const char *topic, const struct wish *w,
                 const char *file, uint32_t size, uint64_t now_ms)
{
    const struct cloud_ota_hooks *h = cloud_ota_get_hooks(c);
    uint32_t offset = (uint32_t)w->offset, n = (uint32_t)w->size;
    size_t len;

    if (n > size - offset)
        n = size - offset;
    if (cloud_ota_fails(c, CLOUD_OTA_SILENT))
        return;
    uint32_t told = offset + (cloud_ota_fails(c, CLOUD_OTA_OFFSET) ? 1 : 0);
    json_t *data = w->token != NULL ? json_pack("{s:s}", "fileToken", w->token) : json_object();
    json_object_set_new(data, "fileLength", json_integer(size));
    json_object_set_new(data, "bSize", json_integer(n));
    json_object_set_new(data, "bOffset", json_integer(told));
    uint8_t *bytes = frame(json_pack("{s:s, s:i, s:s, s:o}", "id", w->id, "code", CLOUD_OK, "msg",
                                     "success", "data", data),
                           n, &len);
    uint8_t *block = bytes + len - 2 - n;
    if (!h->read(h->ctx, file, offset, block, n)) {
        free(bytes);
        refuse(c, device, topic, w->id, NO_STREAM, "the file cannot be read", now_ms);
        return;
    }
    uint16_t sum = (uint16_t)(check_sum(block, n) ^ (cloud_ota_fails(c, CLOUD_OTA_CRC) ? 1 : 0));
    bytes[len - 2] = (uint8_t)sum;
    bytes[len - 1] = (uint8_t)(sum >> 8);
    if (cloud_ota_fails(c, CLOUD_OTA_CUT))
        len--;
    cloud_answer(c, device, topic, bytes, len, now_ms);
    free(bytes);
}

void cloud_ota_serve_file(struct cloud *c, int device, const char *topic, const void *payload,
                          size_t len, uint64_t now_ms)
{
    char why[200], answer[CLOUD_TOPIC_MAX + 16];
    struct wish w = {.id = ""};
    json_t *message = cloud_json_read(payload, len, why, sizeof why);
    const char *wrong = message == NULL            ? why
                        : !json_is_object(message) ? "the message is no JSON object"
                                                   : read_wish(message, &w);
    uint32_t size = 0;

    snprintf(answer, sizeof answer, "%s_reply", topic);
    const char *file = wrong == NULL ? cloud_ota_stream(c, device, w.stream, w.file, &size) : NULL;
    if (wrong != NULL)
        refuse(c, device, answer, w.id, CLOUD_PARAMETER_ERROR, wrong, now_ms);
    else if (file == NULL)
        refuse(c, device, answer, w.id, NO_STREAM, "no such stream is for this device", now_ms);
    else if (w.offset >= size)
        refuse(c, device, answer, w.id, CLOUD_PARAMETER_ERROR, "offset is behind the end", now_ms);
    else if (w.size < BLOCK_MIN && w.size < size - w.offset)
        refuse(c, device, answer, w.id, CLOUD_PARAMETER_ERROR,
               "only the last block may be smaller than 256", now_ms);
    else
        give(c, device, answer, &w, file, size, now_ms);
    json_decref(message);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_file.h"

#include "link/iot_link_route.h"
#include "link/iot_link_upgrade.h"

#if IOT_FEATURE_OTA && IOT_FEATURE_ALINK

#define REPLY    "thing/file/download_reply"
#define CODE_OK  200
#define WAIT_MS  10000u
#define RETRY_MS 50u /* when there is no room to ask */
#define ATTEMPTS 3

/* What a message has beside the block: the packet's head, the longest topic of ours, both lengths and the header, which has
 * some 140 bytes and may grow. */
#define FRAME                                                                                      \
    (9u + (uint32_t)sizeof "/sys///" REPLY + IOT_PRODUCT_KEY_MAX + IOT_DEVICE_NAME_MAX + 4u + 192u)
#define ROOM (IOT_MQTT_RX_BYTES > FRAME ? (IOT_MQTT_RX_BYTES - FRAME) & ~(uint32_t)15 : 0u)

/* ---- The block ------------------------------------------------------------------------------- */

uint16_t iot_link_crc16(uint16_t crc, struct iot_bytes bytes)
{
    uint32_t c = crc;

    for (uint32_t i = 0; i < bytes.len; i++) {
        c ^= bytes.ptr[i];
        for (uint32_t bit = 0; bit < 8; bit++)
            c = c >> 1 ^ ((c & 1) != 0 ? 0xa001u : 0);
    }
    return (uint16_t)c;
}

static iot_err read_header(struct iot_bytes header, struct iot_link_block *b, uint32_t *bytes)
{
    struct iot_json root, data, code;

    iot_err err = iot_json_check(header, &root, NULL);
    if (err == IOT_OK)
        err = iot_link_get_u32(root, "id", &b->id);
    if (err == IOT_OK)
        err = iot_json_get(root, "code", &code);
    if (err == IOT_OK)
        err = iot_json_i32(code, &b->code);
    if (err == IOT_OK && b->code != CODE_OK)
        return IOT_ERR_LINK_CODE;
    if (err == IOT_OK)
        err = iot_json_get(root, "data", &data);
    if (err == IOT_OK)
        err = iot_link_get_u32(data, "fileLength", &b->total);
    if (err == IOT_OK)
        err = iot_link_get_u32(data, "bOffset", &b->offset);
    return err == IOT_OK ? iot_link_get_u32(data, "bSize", bytes) : err;
}

iot_err iot_link_block_read(struct iot_bytes message, struct iot_link_block *b)
{
    const uint8_t *p = message.ptr;
    uint32_t bytes = 0, frame = 2;

    *b = (struct iot_link_block){.id = 0};
    if (message.len != 0 && p[0] == '{') {
        iot_err err = read_header(message, b, &bytes);
        return err == IOT_OK ? IOT_ERR_OTA_BLOCK : err;
    }
    if (message.len >= 2)
        frame += (uint32_t)p[0] << 8 | p[1];
    if (message.len < frame)
        return IOT_ERR_OTA_BLOCK;
    iot_err err = read_header((struct iot_bytes){p + 2, frame - 2}, b, &bytes);
    if (err != IOT_OK)
        return err;
    if (message.len - frame < 2 || message.len - frame - 2 != bytes)
        return IOT_ERR_OTA_BLOCK;
    b->data = (struct iot_bytes){p + frame, bytes};
    uint32_t crc = (uint32_t)p[message.len - 1] << 8 | p[message.len - 2];
    return crc == iot_link_crc16(0, b->data) ? IOT_OK : IOT_ERR_OTA_BLOCK;
}

/* ---- One after the other --------------------------------------------------------------------- */

iot_err iot_link_file_begin(struct iot_link_file *f, const struct iot_ota_job *job, uint32_t at,
                            uint32_t bytes, uint32_t block, const struct iot_http_handlers *on,
                            void *ctx)
{
    if (f->on != NULL)
        return IOT_ERR_STATE;
    if (!job->by_mqtt || at >= job->size)
        return IOT_ERR_ARG;
    if (ROOM < IOT_LINK_FILE_BLOCK_MIN)
        return IOT_ERR_SIZE;
    if (block == 0 || block > ROOM)
        block = ROOM;
    if (block < IOT_LINK_FILE_BLOCK_MIN)
        block = IOT_LINK_FILE_BLOCK_MIN;
    if (block > IOT_LINK_FILE_BLOCK_MAX)
        block = IOT_LINK_FILE_BLOCK_MAX;
    *f = (struct iot_link_file){.on = on,
                                .ctx = ctx,
                                .stream_id = job->stream_id,
                                .file_id = job->file_id,
                                .size = job->size,
                                .to = bytes == 0 || bytes > job->size - at ? job->size : at + bytes,
                                .at = at,
                                .block = block};
    return IOT_OK;
}

void iot_link_file_stop(struct iot_link_file *f)
{
    f->on = NULL;
}

static void finish(struct iot_link_file *f, iot_err err, int32_t detail)
{
    const struct iot_http_handlers *on = f->on;

    f->on = NULL; /* `end` may begin the next one */
    on->end(f->ctx, err, detail);
}

/* It did not come, or not as it should have: ask again, or give up. */
static void again(struct iot_link_file *f, iot_err err)
{
    f->id = 0;
    f->due = 0;
    if (++f->attempts >= ATTEMPTS)
        finish(f, err, 0);
}

static void write_request(struct iot_writer *w, const void *what)
{
    const struct iot_link_file *f = what;

    iot_json_put(w, ",\"version\":\"1.0\",\"params\":{\"fileToken\":\"default\","
                    "\"fileInfo\":{\"streamId\":");
    iot_writer_u32(w, f->stream_id);
    iot_json_put(w, ",\"fileId\":");
    iot_writer_u32(w, f->file_id);
    iot_json_put(w, "},\"fileBlock\":{\"size\":");
    iot_writer_u32(w, f->asked);
    iot_json_put(w, ",\"offset\":");
    iot_writer_u32(w, f->from);
    iot_json_put(w, "}}");
}

void iot_link_file_run(struct iot_link_file *f, struct iot_alink *a, iot_time now)
{
    if (f->on == NULL || !a->up || now < f->due)
        return;
    if (f->id != 0) {
        again(f, IOT_ERR_LINK_TIMEOUT);
        if (f->on == NULL)
            return;
    }
    f->from = f->at;
    f->asked = f->to - f->at < f->block ? f->to - f->at : f->block;
    iot_err err = iot_link_say(a, "/sys/", "thing/file/download", 0, write_request, f, &f->id);
    if (err == IOT_OK)
        f->due = now + WAIT_MS;
    else if (err == IOT_ERR_FULL || err == IOT_ERR_AGAIN || err == IOT_ERR_STATE)
        f->due = now + RETRY_MS;
    else
        finish(f, err, 0);
}

iot_time iot_link_file_deadline(const struct iot_link_file *f, const struct iot_alink *a)
{
    return f->on == NULL || !a->up ? IOT_TIME_NEVER : f->due;
}

/* Requests went with the old link, and answers to them. */
void iot_link_file_event(struct iot_link_file *f, const struct iot_event *ev)
{
    if (ev->kind != IOT_EV_CONNECTED)
        return;
    f->id = 0;
    f->due = 0;
    f->attempts = 0;
}

/* The block that is awaited; some of it may be taken already, when it is offered again. */
static iot_err hand(struct iot_link_file *f, const struct iot_link_block *b, iot_time now)
{
    const struct iot_http_handlers *on = f->on;
    uint32_t done = f->at - f->from, used = 0;
    struct iot_bytes part = {b->data.ptr + done, b->data.len - done};

    iot_err err = on->body(f->ctx, f->at, part, &used);
    if (f->on == NULL || f->id != b->id) /* stopped in there, and perhaps begun anew */
        return IOT_OK;
    f->at += used;
    if (err == IOT_ERR_AGAIN || (err == IOT_OK && used < part.len)) {
        f->due = now + WAIT_MS; /* it is here, and not late */
        return IOT_ERR_AGAIN;
    }
    if (err != IOT_OK || f->at == f->to) {
        finish(f, err, 0);
        return IOT_OK;
    }
    f->id = 0;
    f->due = 0;
    f->attempts = 0;
    return IOT_OK;
}

iot_err iot_link_file_take(struct iot_link_file *f, struct iot_alink *a, const struct iot_msg *msg)
{
    struct iot_bytes left = {(const uint8_t *)msg->topic.text, msg->topic.len};
    struct iot_link_block b;

    if (a->id == NULL || !iot_link_skip(&left, "/sys/") || !iot_link_is_own(a, &left) ||
        !iot_link_is(left, "/" REPLY))
        return IOT_ERR_STATE;
    iot_err err = iot_link_block_read(msg->payload, &b);
    if (f->on == NULL || f->id == 0 || (b.id != f->id && b.id != 0))
        return iot_alink_drop(a, msg, IOT_ERR_LINK_REPLY);
    if (err == IOT_ERR_LINK_CODE) {
        finish(f, err, b.code);
        return IOT_OK;
    }
    if (err == IOT_OK && b.total != f->size) {
        finish(f, IOT_ERR_OTA_CHANGED, 0);
        return IOT_OK;
    }
    if (err == IOT_OK && (b.offset != f->from || b.data.len != f->asked || b.id == 0))
        err = IOT_ERR_OTA_BLOCK;
    if (err == IOT_OK)
        return hand(f, &b, a->now);
    again(f, err);
    return IOT_OK;
}

#endif

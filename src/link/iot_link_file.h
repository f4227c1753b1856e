/* SPDX-License-Identifier: Apache-2.0 */
/* An image that comes over MQTT, block by block (thing/file/download), for regions and devices that have it so. A block has
 * to fit the window, IOT_MQTT_RX_BYTES, as its check sum is behind it: what was damaged is handed to nobody. Protocol: OTA,
 * download over MQTT. */
#ifndef IOT_LINK_FILE_H
#define IOT_LINK_FILE_H

#include "iot/iot_http.h"
#include "link/iot_link_alink.h"
#include "link/iot_link_job.h"

#if IOT_FEATURE_OTA && IOT_FEATURE_ALINK

#define IOT_LINK_FILE_BLOCK_MIN 256u
#define IOT_LINK_FILE_BLOCK_MAX 131072u

/** CRC-16/ARC: polynomial 0x8005 reflected, initial value 0, no final exclusive-or. `crc` is that of what is before. */
uint16_t iot_link_crc16(uint16_t crc, struct iot_bytes bytes);

/** What the platform sends: 2 bytes, big-endian, length of a JSON header; the header; the block; its CRC-16/ARC,
 *  little-endian. */
struct iot_link_block {
    uint32_t id;           /* of the request */
    int32_t code;          /* 200: here is the block */
    uint32_t total;        /* bytes of the file */
    uint32_t offset;       /* in the file */
    struct iot_bytes data; /* points into the message */
};

/**
 * Read it.
 *
 * message  any bytes. One that begins with '{' is a header alone, without length and block.
 * Returns  IOT_OK; IOT_ERR_LINK_CODE: a refusal, `id` and `code` are set; IOT_ERR_OTA_BLOCK: lengths do not fit, or the check
 *          sum is wrong; IOT_ERR_JSON_...: of the header.
 */
iot_err iot_link_block_read(struct iot_bytes message, struct iot_link_block *b);

/** Private. */
struct iot_link_file {
    const struct iot_http_handlers *on; /* NULL: nothing is fetched */
    void *ctx;
    uint32_t stream_id, file_id, size;
    uint32_t to;          /* up to here */
    uint32_t at;          /* so much was taken */
    uint32_t block;       /* bytes to ask for at once */
    uint32_t from, asked; /* the block that is awaited: where it begins, its bytes */
    iot_ticket id;        /* of its request; 0: it is to be sent */
    iot_time due;         /* then it is late */
    uint8_t attempts;
};

/**
 * Fetch an image, or a part of it. The bytes come in order, as those of a response by HTTP, to the same handlers.
 *
 * job      by_mqtt; not used after return.
 * at       where to begin, less than its size.
 * bytes    so many, at most; 0: to the end.
 * block    bytes at once, 0: as many as fit; made smaller if they do not.
 * on       borrowed, until `end`; `head` is not called. `body` may take a part (AGAIN): the rest is offered again, and no message is
 *          received before. `end`: IOT_OK; what `body` returned; IOT_ERR_OTA_CHANGED: the platform's file has another size
 *          than the job; IOT_ERR_LINK_CODE, detail: the platform refuses; IOT_ERR_OTA_BLOCK, IOT_ERR_JSON_...: three blocks in
 *          a row were damaged or others than were asked for; IOT_ERR_LINK_TIMEOUT: three times there was none for 10 s.
 *          While the link is down nothing ends.
 * Returns  IOT_OK: run it, as soon as may be; IOT_ERR_STATE: something is being fetched; IOT_ERR_ARG: not by_mqtt, or `at` is behind the end;
 *          IOT_ERR_SIZE: IOT_MQTT_RX_BYTES has no room for the smallest block.
 */
iot_err iot_link_file_begin(struct iot_link_file *f, const struct iot_ota_job *job, uint32_t at,
                            uint32_t bytes, uint32_t block, const struct iot_http_handlers *on,
                            void *ctx);

/** No more of it; `end` is not called. */
void iot_link_file_stop(struct iot_link_file *f);

static inline bool iot_link_file_idle(const struct iot_link_file *f)
{
    return f->on == NULL;
}

/* As those of iot_link_upgrade.h. */
iot_err iot_link_file_take(struct iot_link_file *f, struct iot_alink *a, const struct iot_msg *msg);
void iot_link_file_event(struct iot_link_file *f, const struct iot_event *ev);
void iot_link_file_run(struct iot_link_file *f, struct iot_alink *a, iot_time now);
iot_time iot_link_file_deadline(const struct iot_link_file *f, const struct iot_alink *a);

#endif
#endif

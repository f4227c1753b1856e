/* SPDX-License-Identifier: Apache-2.0 */
#include "core/iot_core_log.h"

#if IOT_LOG_LEVEL > 0

#include "core/iot_core_utf8.h"

#include <string.h>

static const char ending[3] = "...";
static const char digits[16] = "0123456789abcdef";

static void mark(struct iot_log_line *line)
{
    if (line->w.len <= sizeof line->room - sizeof ending)
        line->cut = line->w.len;
}

uint32_t iot_log_char(const uint8_t *p, uint32_t left)
{
    uint32_t size = p[0] < 0xc0 ? 1 : 2u + (p[0] >= 0xe0) + (p[0] >= 0xf0);

    if (p[0] < 0x20 || p[0] == 0x7f || size > left || !iot_utf8_valid((struct iot_bytes){p, size}))
        return 0;
    if (p[0] == 0xc2 && p[1] < 0xa0) /* C1: some terminals take U+009B for ESC [ */
        return 0;
    /* U+2028 to U+202E and U+2066 to U+2069: separators of lines, switches of direction */
    if (p[0] == 0xe2 && ((p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) ||
                         (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)))
        return 0;
    return size;
}

struct iot_log_line *iot_log_open(struct iot_log_line *line, const struct iot_port *port,
                                  enum iot_log_level level)
{
    if (port == NULL || port->log == NULL)
        return NULL;
    line->port = port;
    line->w = (struct iot_writer){.ptr = line->room, .cap = sizeof line->room};
    line->cut = 0;
    line->level = level;
    return line;
}

struct iot_log_line *iot_log_end(struct iot_log_line *line)
{
    if (line->w.overflow) {
        line->w.overflow = false;
        line->w.len = line->cut;
        iot_writer_put(&line->w, ending, sizeof ending);
    }
    line->port->log(line->port->ctx, line->level, (const char *)line->room, line->w.len);
    return NULL;
}

void iot_log_text(struct iot_log_line *line, const char *text)
{
    iot_log_bytes(line, (struct iot_bytes){(const uint8_t *)text, (uint32_t)strlen(text)});
}

void iot_log_bytes(struct iot_log_line *line, struct iot_bytes bytes)
{
    for (uint32_t at = 0; at < bytes.len && !line->w.overflow;) {
        const uint8_t *p = bytes.ptr + at;
        uint32_t size = iot_log_char(p, bytes.len - at);

        mark(line);
        if (size != 0) {
            iot_writer_put(&line->w, p, size);
            at += size;
        } else {
            const char escape[4] = {'\\', 'x', digits[*p >> 4], digits[*p & 15]};
            iot_writer_put(&line->w, escape, sizeof escape);
            at++;
        }
    }
}

void iot_log_u32(struct iot_log_line *line, uint32_t value)
{
    mark(line);
    iot_writer_u32(&line->w, value);
}

void iot_log_i32(struct iot_log_line *line, int32_t value)
{
    if (value < 0)
        iot_log_text(line, "-");
    iot_log_u32(line, value < 0 ? 0u - (uint32_t)value : (uint32_t)value);
}

void iot_log_err(struct iot_log_line *line, iot_err err, int32_t detail)
{
    iot_log_text(line, iot_err_name(err));
    iot_log_text(line, " ");
    iot_log_i32(line, detail);
    iot_log_text(line, " ");
    iot_log_text(line, iot_err_detail_name(err, detail));
}

void iot_log_hex(struct iot_log_line *line, struct iot_bytes bytes)
{
    for (uint32_t at = 0; at < bytes.len && !line->w.overflow; at++) {
        const char pair[2] = {digits[bytes.ptr[at] >> 4], digits[bytes.ptr[at] & 15]};

        mark(line);
        iot_writer_put(&line->w, pair, sizeof pair);
    }
}

#endif

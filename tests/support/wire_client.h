/* SPDX-License-Identifier: Apache-2.0 */
/* What an MQTT client says, as tests of a broker write it; the other half of mqtt_wire.h. */
#ifndef WIRE_CLIENT_H
#define WIRE_CLIENT_H

#include "mqtt_wire.h"
#include "test.h"

static inline void client_text(struct wire *w, const char *text)
{
    uint8_t len[2] = {(uint8_t)(strlen(text) >> 8), (uint8_t)strlen(text)};

    wire_put(w, len, 2);
    wire_put(w, text, (uint32_t)strlen(text));
}

/* Of a short packet: its body is put behind it later. */
static inline void client_head(struct wire *w, uint8_t first, size_t len)
{
    uint8_t head[2] = {first, (uint8_t)len};

    assert_true(len < 128);
    wire_put(w, head, 2);
}

static inline void client_u16(struct wire *w, uint32_t value)
{
    uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};

    wire_put(w, bytes, 2);
}

/* `will`: a topic, its payload is "gone"; or NULL. */
static inline void client_connect(struct wire *w, const char *id, bool clean, uint16_t keepalive_s,
                                  const char *will)
{
    uint8_t level_and_flags[2] = {4, (uint8_t)((clean ? 2 : 0) | (will != NULL ? 0x0c : 0))};

    client_head(w, 0x10, 12 + strlen(id) + (will != NULL ? 8 + strlen(will) : 0));
    client_text(w, "MQTT");
    wire_put(w, level_and_flags, 2);
    client_u16(w, keepalive_s);
    client_text(w, id);
    if (will != NULL) {
        client_text(w, will);
        client_text(w, "gone");
    }
}

static inline void client_subscribe(struct wire *w, uint16_t id, const char *filter, uint8_t qos)
{
    client_head(w, 0x82, 5 + strlen(filter));
    client_u16(w, id);
    client_text(w, filter);
    wire_put(w, &qos, 1);
}

static inline void client_unsubscribe(struct wire *w, uint16_t id, const char *filter)
{
    client_head(w, 0xa2, 4 + strlen(filter));
    client_u16(w, id);
    client_text(w, filter);
}

/* One word per packet of a broker: "CONNACK(1,0) PUBLISH(7,dup:a) PUBACK(3)". */
static inline const char *client_words(struct iot_bytes heard)
{
    static const char *const names[] = {"0",         "CONNECT",  "CONNACK",     "PUBLISH",
                                        "PUBACK",    "PUBREC",   "PUBREL",      "PUBCOMP",
                                        "SUBSCRIBE", "SUBACK",   "UNSUBSCRIBE", "UNSUBACK",
                                        "PINGREQ",   "PINGRESP", "DISCONNECT",  "15"};
    static char words[8192];
    size_t at = 0;

    words[0] = 0;
    while (heard.len != 0) {
        uint32_t length = 0, head = 1, shift = 0;
        do
            length |= (heard.ptr[head] & 0x7fu) << (7 * shift++);
        while (heard.ptr[head++] & 0x80);
        const uint8_t *b = heard.ptr + head;
        uint8_t type = heard.ptr[0] >> 4, flags = heard.ptr[0] & 15;
        unsigned first = length >= 2 ? (unsigned)(b[0] << 8 | b[1]) : 0;
        at += (size_t)snprintf(words + at, sizeof words - at, "%s%s", at == 0 ? "" : " ",
                               names[type]);
        if (type == 2) {
            at += (size_t)snprintf(words + at, sizeof words - at, "(%u,%u)", b[0], b[1]);
        } else if (type == 3) {
            unsigned qos = flags >> 1 & 3;
            unsigned id = qos != 0 ? (unsigned)(b[2 + first] << 8 | b[3 + first]) : 0;
            uint32_t before = 2 + first + (qos != 0 ? 2 : 0);
            int n = (int)(length - before < 20 ? length - before : 20);
            at += (size_t)snprintf(words + at, sizeof words - at, "(%u%s%s:%.*s)", id,
                                   flags & 8 ? ",dup" : "", flags & 1 ? ",retain" : "", n,
                                   (const char *)b + before);
        } else if (type == 9) {
            at += (size_t)snprintf(words + at, sizeof words - at, "(%u:%02x)", first, b[2]);
        } else if (length == 2) {
            at += (size_t)snprintf(words + at, sizeof words - at, "(%u)", first);
        }
        heard = (struct iot_bytes){b + length, heard.len - head - length};
    }
    return words;
}

#endif

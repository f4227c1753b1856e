/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "heap_trap.h"
#include "mqtt/iot_mqtt_codec.h"

/* Each decode of this file: without heap, at the edge of readable memory, and with a look at what
 * must hold whatever the bytes are. */
static iot_err decode(struct iot_bytes in, struct iot_mqtt_packet *p)
{
    memset(p, 0xee, sizeof *p);
    in = guarded(in);
    heap_trap_on();
    iot_err err = iot_mqtt_decode(in, p);
    heap_trap_off();

    switch (err) {
    case IOT_ERR_MQTT_MALFORMED:
    case IOT_ERR_MQTT_PROTOCOL:
        return err;
    case IOT_ERR_AGAIN:
        if (p->total != 0 && p->total <= in.len)
            fail_msg("AGAIN, but all %u bytes are there", p->total);
        break;
    case IOT_OK:
        if (p->total < 2 || p->total > in.len)
            fail_msg("OK, total %u of %u", p->total, in.len);
        break;
    default:
        fail_msg("decode returned %s", iot_err_name(err));
    }
    bool has_head = p->type == IOT_MQTT_PUBLISH && p->topic.ptr != NULL;
    if ((p->head != 0) != has_head || p->head > p->total)
        fail_msg("head %u, total %u", p->head, p->total);
    if (has_head) {
        uint32_t id_size = p->qos != 0 ? 2 : 0;
        if (p->topic.ptr < in.ptr || p->topic.ptr + p->topic.len + id_size != in.ptr + p->head)
            fail_msg("topic is not where head says");
        if ((p->id != 0) != (p->qos != 0))
            fail_msg("id %u with QoS %u", p->id, p->qos);
    }
    if (err == IOT_OK && p->payload.ptr != NULL &&
        p->payload.ptr + p->payload.len != in.ptr + p->total)
        fail_msg("payload does not end where the packet does");
    return err;
}

static iot_err decode_hex(const char *hex, struct iot_mqtt_packet *p)
{
    uint8_t bytes[256];
    uint32_t n = from_hex(hex, bytes, sizeof bytes);

    return decode((struct iot_bytes){bytes, n}, p);
}

static void assert_decodes(const char *hex, iot_err expected)
{
    struct iot_mqtt_packet p;
    iot_err err = decode_hex(hex, &p);

    if (err != expected)
        fail_msg("%s: %s, not %s", hex, iot_err_name(err), iot_err_name(expected));
}

/* ---- what a broker may say ----------------------------------------------------------------- */

static void connack_is_decoded(void **state)
{
    struct iot_mqtt_packet p;
    (void)state;

    assert_err(decode_hex("20 02 00 00", &p), IOT_OK);
    assert_int_equal(p.type, IOT_MQTT_CONNACK);
    assert_int_equal(p.code, 0);
    assert_false(p.session_present);
    assert_int_equal(p.total, 4);
    assert_err(decode_hex("20 02 01 00", &p), IOT_OK);
    assert_true(p.session_present);
    for (int code = 1; code < 256; code++) { /* 6..255 are reserved, but well-formed refusals */
        uint8_t bytes[] = {0x20, 2, 0, (uint8_t)code};
        assert_err(decode((struct iot_bytes){bytes, 4}, &p), IOT_OK);
        assert_int_equal(p.code, code);
    }
}

static void publish_with_qos_0_has_no_id(void **state)
{
    struct iot_mqtt_packet p;
    (void)state;

    assert_err(decode_hex("31 07 0003 61 2f 62 00 01", &p), IOT_OK); /* MQTT-2.3.1-5 */
    assert_int_equal(p.type, IOT_MQTT_PUBLISH);
    assert_int_equal(p.qos, 0);
    assert_true(p.retain);
    assert_false(p.dup);
    assert_int_equal(p.id, 0);
    assert_int_equal(p.total, 9);
    assert_int_equal(p.head, 7);
    assert_bytes(p.topic, BYTES("a/b"));
    assert_bytes(p.payload, BYTES("\0\1"));
}

static void publish_with_qos_1_and_2_has_one(void **state)
{
    struct iot_mqtt_packet p;
    (void)state;

    assert_err(decode_hex("32 07 0001 61 1234 68 69", &p), IOT_OK);
    assert_int_equal(p.qos, 1);
    assert_int_equal(p.id, 0x1234);
    assert_int_equal(p.head, 7);
    assert_false(p.retain || p.dup);
    assert_bytes(p.payload, BYTES("hi"));
    assert_err(decode_hex("3d 05 0001 61 ffff", &p), IOT_OK);
    assert_int_equal(p.qos, 2);
    assert_int_equal(p.id, 65535);
    assert_true(p.retain && p.dup);
    assert_bytes(p.payload, BYTES(""));
}

static void acknowledgements_are_decoded(void **state)
{
    static const struct {
        const char *hex;
        uint8_t type;
    } rows[] = {
        {"40 02 0001", IOT_MQTT_PUBACK},   {"50 02 0100", IOT_MQTT_PUBREC},
        {"62 02 abcd", IOT_MQTT_PUBREL},   {"70 02 ffff", IOT_MQTT_PUBCOMP},
        {"b0 02 0080", IOT_MQTT_UNSUBACK},
    };
    static const uint16_t ids[] = {1, 0x100, 0xabcd, 0xffff, 0x80};
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct iot_mqtt_packet p;
        assert_err(decode_hex(rows[i].hex, &p), IOT_OK);
        assert_int_equal(p.type, rows[i].type);
        assert_int_equal(p.id, ids[i]);
        assert_int_equal(p.total, 4);
        assert_int_equal(p.payload.len, 0);
    }
}

static void suback_has_a_code_for_each_filter(void **state)
{
    struct iot_mqtt_packet p;
    (void)state;

    assert_err(decode_hex("90 03 0007 80", &p), IOT_OK);
    assert_int_equal(p.type, IOT_MQTT_SUBACK);
    assert_int_equal(p.id, 7);
    assert_bytes(p.payload, BYTES("\x80"));
    assert_err(decode_hex("90 06 0007 00 01 02 80", &p), IOT_OK);
    assert_bytes(p.payload, BYTES("\0\1\2\x80"));
}

static void pingresp_is_decoded(void **state)
{
    struct iot_mqtt_packet p;
    (void)state;

    assert_err(decode_hex("d0 00", &p), IOT_OK);
    assert_int_equal(p.type, IOT_MQTT_PINGRESP);
    assert_int_equal(p.total, 2);
}

static void bytes_behind_the_packet_are_not_looked_at(void **state)
{
    struct iot_mqtt_packet p;
    (void)state;

    assert_err(decode_hex("d0 00 ff ff ff ff", &p), IOT_OK);
    assert_int_equal(p.total, 2);
    assert_err(decode_hex("30 04 0001 61 62 ff", &p), IOT_OK);
    assert_int_equal(p.total, 6);
    assert_bytes(p.payload, BYTES("b"));
    assert_err(decode_hex("90 03 0007 00 77", &p), IOT_OK);
    assert_int_equal(p.payload.len, 1);
}

static void a_publish_is_known_before_its_payload_is_there(void **state)
{
    struct iot_mqtt_packet p;
    (void)state;

    assert_err(decode_hex("34", &p), IOT_ERR_AGAIN);
    assert_int_equal(p.total, 0);
    assert_err(decode_hex("34 80", &p), IOT_ERR_AGAIN);
    assert_int_equal(p.total, 0);
    assert_err(decode_hex("34 80 01", &p), IOT_ERR_AGAIN);
    assert_int_equal(p.total, 131);
    assert_int_equal(p.head, 0);
    assert_err(decode_hex("34 80 01 0003 612f62 00", &p), IOT_ERR_AGAIN);
    assert_int_equal(p.head, 0);
    assert_err(decode_hex("3c 80 01 0003 612f62 0009", &p), IOT_ERR_AGAIN);
    assert_int_equal(p.head, 10);
    assert_int_equal(p.total, 131);
    assert_int_equal(p.qos, 2);
    assert_true(p.dup);
    assert_int_equal(p.id, 9);
    assert_bytes(p.topic, BYTES("a/b"));
    assert_err(decode_hex("31 ff ff ff 7f 0001 61", &p), IOT_ERR_AGAIN);
    assert_int_equal(p.total, 5 + IOT_MQTT_LENGTH_MAX);
    assert_int_equal(p.head, 8);
    assert_true(p.retain);
}

static void the_longest_topic_is_decoded(void **state)
{
    static uint8_t bytes[4 + 2 + 65535];
    struct iot_mqtt_packet p;
    (void)state;

    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, "\x30\x81\x80\x04\xff\xff", 6); /* 65537 */
    assert_err(decode((struct iot_bytes){bytes, sizeof bytes}, &p), IOT_OK);
    assert_int_equal(p.topic.len, 65535);
    assert_int_equal(p.payload.len, 0);
    bytes[1] = 0x80; /* one less than it needs */
    assert_err(decode((struct iot_bytes){bytes, sizeof bytes}, &p), IOT_ERR_MQTT_MALFORMED);
}

/* ---- what it may not ----------------------------------------------------------------------- */

static void wrong_flags_are_malformed_on_every_type(void **state)
{
    /* A body that is right for the type, but for PUBLISH with an id or without one. */
    static const char *const body[16] = {
        "02 0001", "02 0001",    "02 0000", NULL,      "02 0001", "02 0001", "02 0001", "02 0001",
        "02 0001", "03 0001 00", "02 0001", "02 0001", "00",      "00",      "00",      "00"};
    (void)state;

    for (unsigned first = 0; first < 256; first++) {
        unsigned type = first >> 4, flags = first & 15;
        iot_err expected;
        char hex[64];
        switch (type) {
        case 0:
        case 15:
            expected = IOT_ERR_MQTT_MALFORMED;
            break;
        case IOT_MQTT_CONNECT:
        case IOT_MQTT_SUBSCRIBE:
        case IOT_MQTT_UNSUBSCRIBE:
        case IOT_MQTT_PINGREQ:
        case IOT_MQTT_DISCONNECT:
            expected = IOT_ERR_MQTT_PROTOCOL;
            break;
        case IOT_MQTT_PUBLISH: /* QoS 3; DUP with QoS 0 */
            expected = (flags & 6) == 6 || (flags & 14) == 8 ? IOT_ERR_MQTT_MALFORMED : IOT_OK;
            break;
        default:
            expected = flags == (type == IOT_MQTT_PUBREL ? 2 : 0) ? IOT_OK : IOT_ERR_MQTT_MALFORMED;
        }
        const char *rest = body[type];
        if (rest == NULL)
            rest = (flags & 6) != 0 ? "05 0001 61 0001" : "03 0001 61";
        snprintf(hex, sizeof hex, "%02x %s", first, rest);
        assert_decodes(hex, expected);
        snprintf(hex, sizeof hex, "%02x", first); /* the first byte is enough */
        assert_decodes(hex, expected == IOT_OK ? IOT_ERR_AGAIN : expected);
    }
}

static void a_fifth_length_byte_is_malformed_when_the_fourth_announces_it(void **state)
{
    (void)state;
    assert_decodes("30 80 80 80 80", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("30 ff ff ff ff 01", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("30 80 80 80", IOT_ERR_AGAIN);
    assert_decodes("30 80 80 80 01", IOT_ERR_AGAIN);
    assert_decodes("90 ff ff ff ff 7f", IOT_ERR_MQTT_MALFORMED);
}

static void needless_length_bytes_are_malformed(void **state)
{
    (void)state;
    assert_decodes("30 85 00 0001 61 62 63", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("30 80 00", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("30 85 80 00", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("30 85 80 80 00", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("40 82 00 0001", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("d0 80 00", IOT_ERR_MQTT_MALFORMED);
}

static void a_length_that_is_wrong_for_the_type_is_malformed(void **state)
{
    static const char *const firsts[] = {"20", "40", "50", "62", "70", "b0"};
    char hex[64];
    (void)state;

    for (size_t i = 0; i < COUNT(firsts); i++) {
        for (unsigned len = 0; len < 256; len++) {
            snprintf(hex, sizeof hex, "%s %02x", firsts[i], len);
            assert_decodes(hex, len == 2 ? IOT_ERR_AGAIN : IOT_ERR_MQTT_MALFORMED);
        }
    }
    for (unsigned len = 1; len < 256; len++) {
        snprintf(hex, sizeof hex, "d0 %02x", len);
        assert_decodes(hex, IOT_ERR_MQTT_MALFORMED);
    }
    assert_decodes("90 00", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("90 02", IOT_ERR_MQTT_MALFORMED); /* MQTT-3.8.4-4: a code at least */
    assert_decodes("90 03", IOT_ERR_AGAIN);
    assert_decodes("30 00", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("30 02", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("30 03", IOT_ERR_AGAIN);
    assert_decodes("32 04", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("34 05", IOT_ERR_AGAIN);
}

static void id_0_is_malformed_everywhere(void **state)
{
    (void)state;
    assert_decodes("32 05 0001 61 0000", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("34 7f 0001 61 0000", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("34 7f 0001 61 00", IOT_ERR_AGAIN);
    assert_decodes("40 02 0000", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("50 02 0000", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("62 02 0000", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("70 02 0000", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("90 03 0000", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("b0 02 0000", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("40 02 00", IOT_ERR_AGAIN);
}

static void a_topic_beyond_the_packet_is_malformed_at_its_first_length_byte_if_that_tells(
    void **state)
{
    (void)state;
    assert_decodes("30 03 0002", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("30 03 0001", IOT_ERR_AGAIN);
    assert_decodes("30 7f 01", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("30 7f 00", IOT_ERR_AGAIN);
    assert_decodes("30 82 02 01", IOT_ERR_AGAIN);
    assert_decodes("30 82 02 01 00", IOT_ERR_AGAIN);
    assert_decodes("30 82 02 01 01", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("32 05 0002", IOT_ERR_MQTT_MALFORMED); /* room for the topic, none for the id */
    assert_decodes("32 06 0002", IOT_ERR_AGAIN);
    assert_decodes("30 ff ff 03 ffff", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("30 7f ffff 61", IOT_ERR_MQTT_MALFORMED);
}

static void a_bad_topic_is_malformed_as_soon_as_its_bad_byte_is_there(void **state)
{
    (void)state;
    assert_decodes("30 7f 0000", IOT_ERR_MQTT_MALFORMED);          /* MQTT-4.7.3-1 */
    assert_decodes("30 7f 0005 61 00", IOT_ERR_MQTT_MALFORMED);    /* MQTT-1.5.3-2 */
    assert_decodes("30 7f 0005 61 2f 2b", IOT_ERR_MQTT_MALFORMED); /* MQTT-3.3.2-2 */
    assert_decodes("30 7f 0005 23", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("30 7f 0020 616263646566 23", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("30 7f 0005 ed a0", IOT_ERR_MQTT_MALFORMED); /* a surrogate */
    assert_decodes("30 7f 0005 ed 9f", IOT_ERR_AGAIN);
    assert_decodes("30 7f 0005 c0", IOT_ERR_MQTT_MALFORMED); /* not the shortest form */
    assert_decodes("30 7f 0005 80", IOT_ERR_MQTT_MALFORMED);
    assert_decodes("30 7f 0005 f4 90", IOT_ERR_MQTT_MALFORMED); /* above U+10FFFF */
    assert_decodes("30 7f 0002 e2", IOT_ERR_MQTT_MALFORMED);    /* cut by the topic's end */
    assert_decodes("30 7f 0003 e2", IOT_ERR_AGAIN);
    assert_decodes("30 05 0003 ef bb bf", IOT_OK); /* MQTT-1.5.3-3: kept */
    assert_decodes("30 05 0001 61 2b 23", IOT_OK); /* that is payload */
    assert_decodes("30 06 0001 61 00 ff ed", IOT_OK);
}

static void connack_flags_are_checked(void **state)
{
    char hex[64];
    (void)state;

    for (unsigned flags = 2; flags < 256; flags++) {
        snprintf(hex, sizeof hex, "20 02 %02x", flags);
        assert_decodes(hex, IOT_ERR_MQTT_MALFORMED);
    }
    for (unsigned code = 1; code < 256; code++) { /* MQTT-3.2.2-4 */
        snprintf(hex, sizeof hex, "20 02 01 %02x", code);
        assert_decodes(hex, IOT_ERR_MQTT_MALFORMED);
    }
    assert_decodes("20 02 01", IOT_ERR_AGAIN);
}

static void suback_codes_are_checked(void **state)
{
    char hex[64];
    (void)state;

    for (unsigned code = 0; code < 256; code++) { /* MQTT-3.9.3-2 */
        bool good = code <= 2 || code == 0x80;
        snprintf(hex, sizeof hex, "90 03 0001 %02x", code);
        assert_decodes(hex, good ? IOT_OK : IOT_ERR_MQTT_MALFORMED);
        snprintf(hex, sizeof hex, "90 7f 0001 00 %02x", code);
        assert_decodes(hex, good ? IOT_ERR_AGAIN : IOT_ERR_MQTT_MALFORMED);
    }
}

/* ---- cuts ---------------------------------------------------------------------------------- */

#define TRACE_MAX 8192

/* A reader as the session is one: decodes what is there, takes away what is whole, stops at the
 * first error. `cut` bytes come first, then steps of `step`. */
static void trace(struct iot_bytes stream, uint32_t cut, uint32_t step, char *into)
{
    uint32_t there = cut, at = 0;
    size_t n = 0;

    into[0] = '\0';
    for (;;) {
        struct iot_mqtt_packet p;
        iot_err err = decode((struct iot_bytes){stream.ptr + at, there - at}, &p);
        if (err == IOT_ERR_AGAIN) {
            if (there == stream.len) {
                snprintf(into + n, TRACE_MAX - n, "%u bytes left", there - at);
                return;
            }
            there = stream.len - there < step ? stream.len : there + step;
        } else if (err != IOT_OK) {
            snprintf(into + n, TRACE_MAX - n, "%s after %u", iot_err_name(err), at);
            return;
        } else {
            char topic[128], payload[512];
            to_hex(p.topic, topic, sizeof topic);
            to_hex(p.payload, payload, sizeof payload);
            n += (size_t)snprintf(
                into + n, TRACE_MAX - n, "%u q%u r%d d%d s%d c%u i%u %u %u %s %s\n", p.type, p.qos,
                p.retain, p.dup, p.session_present, p.code, p.id, p.total, p.head, topic, payload);
            assert_in_range(n, 1, TRACE_MAX - 1);
            at += p.total;
        }
    }
}

static void assert_same_trace_for_all_cuts(struct iot_bytes stream)
{
    static char whole[TRACE_MAX], cut[TRACE_MAX];

    trace(stream, stream.len, 1, whole);
    trace(stream, 0, 1, cut);
    assert_string_equal(cut, whole);
    for (uint32_t at = 0; at <= stream.len; at++) {
        trace(stream, at, stream.len, cut);
        assert_string_equal(cut, whole);
    }
}

#define TEN_BYTES "30313233343536373839"

static const char *const packets[] = {
    "20 02 01 00",
    "30 03 0001 61",
    "31 0b 0003 612f62 7061796c6f61",
    "32 09 0003 c3a42f 0001 00 ff",
    "3d 0a 0002 2f24 fffe 2b23 00 ed",
    "34 80 01 0004 f09f92a1 8000" TEN_BYTES TEN_BYTES TEN_BYTES TEN_BYTES TEN_BYTES TEN_BYTES
        TEN_BYTES TEN_BYTES TEN_BYTES TEN_BYTES TEN_BYTES TEN_BYTES,
    "40 02 0001",
    "50 02 0203",
    "62 02 ffff",
    "70 02 1000",
    "90 05 0001 00 02 80",
    "b0 02 0008",
    "d0 00",
};

static void a_stream_is_read_alike_whole_and_byte_by_byte_and_cut_anywhere(void **state)
{
    uint8_t bytes[512];
    uint32_t n = 0;
    (void)state;

    for (size_t i = 0; i < COUNT(packets); i++)
        n += from_hex(packets[i], bytes + n, sizeof bytes - n);
    assert_same_trace_for_all_cuts((struct iot_bytes){bytes, n});

    char text[TRACE_MAX];
    uint32_t lines = 0;
    trace((struct iot_bytes){bytes, n}, n, 1, text);
    for (const char *c = text; *c != '\0'; c++)
        lines += *c == '\n';
    assert_int_equal(lines, COUNT(packets));
    assert_non_null(strstr(text, "\n0 bytes left"));
}

static void an_error_is_found_at_the_same_place_however_the_bytes_were_cut(void **state)
{
    static const char *const bad[] = {
        "d0 00 30 85 00 0001 61",
        "40 02 0001 60 02 0001",
        "30 03 0001 61 30 09 0003 61 00 62",
        "20 02 01 05",
        "90 05 0001 00 03 00",
        "d0 00 82 05 0001",
        "b0 02 0000",
        "32 07 0001 61 0000 61",
        "30 7f 0004 61 e2 28 a1 00",
    };
    (void)state;

    for (size_t i = 0; i < COUNT(bad); i++) {
        uint8_t bytes[64];
        char text[TRACE_MAX];
        uint32_t n = from_hex(bad[i], bytes, sizeof bytes);
        trace((struct iot_bytes){bytes, n}, n, 1, text);
        assert_non_null(strstr(text, " after "));
        assert_same_trace_for_all_cuts((struct iot_bytes){bytes, n});
    }
}

/* ---- any bytes ----------------------------------------------------------------------------- */

/* A packet that is asked to go on must be able to: else its error was there to be seen. */
static void assert_can_go_on(const uint8_t *bytes, uint32_t n)
{
    uint8_t more[512];
    struct iot_mqtt_packet p;

    assert_in_range(n, 0, sizeof more - 1);
    if (n != 0)
        memcpy(more, bytes, n);
    for (unsigned next = 0; next < 256; next++) {
        more[n] = (uint8_t)next;
        iot_err err = decode((struct iot_bytes){more, n + 1}, &p);
        if (err == IOT_OK || err == IOT_ERR_AGAIN)
            return;
    }
    char hex[128];
    to_hex((struct iot_bytes){bytes, n}, hex, sizeof hex);
    fail_msg("%s: AGAIN, but each next byte is an error", hex);
}

static void assert_error_stays(iot_err before, iot_err now, const uint8_t *bytes, uint32_t n)
{
    if (before != IOT_ERR_AGAIN && before != now) {
        char hex[128];
        to_hex((struct iot_bytes){bytes, n}, hex, sizeof hex);
        fail_msg("%s: %s, and without the last byte %s", hex, iot_err_name(now),
                 iot_err_name(before));
    }
}

static void all_inputs_of_one_two_and_three_bytes_are_decided_as_early_as_possible(void **state)
{
    struct iot_mqtt_packet p;
    uint8_t b[3];
    (void)state;

    assert_err(decode((struct iot_bytes){NULL, 0}, &p), IOT_ERR_AGAIN);
    for (unsigned i = 0; i < 256; i++) {
        b[0] = (uint8_t)i;
        iot_err one = decode((struct iot_bytes){b, 1}, &p);
        if (one == IOT_ERR_AGAIN)
            assert_can_go_on(b, 1);
        for (unsigned k = 0; k < 256; k++) {
            b[1] = (uint8_t)k;
            iot_err two = decode((struct iot_bytes){b, 2}, &p);
            assert_error_stays(one, two, b, 2);
            if (two == IOT_ERR_AGAIN)
                assert_can_go_on(b, 2);
            for (unsigned m = 0; m < 256; m++) {
                b[2] = (uint8_t)m;
                iot_err three = decode((struct iot_bytes){b, 3}, &p);
                assert_error_stays(two, three, b, 3);
                if (three == IOT_ERR_AGAIN)
                    assert_can_go_on(b, 3);
            }
        }
    }
}

static void mutated_packets_never_read_outside_and_are_decided_as_early_as_possible(void **state)
{
    uint32_t seed = test_seed();
    static const uint8_t spice[] = {0x00, 0x01, 0x02, 0x23, 0x2b, 0x2f, 0x7f, 0x80,
                                    0x81, 0xc2, 0xe2, 0xed, 0xf0, 0xf4, 0xff};
    (void)state;

    for (uint32_t round = 0; round < 60000; round++) {
        uint8_t bytes[256];
        uint32_t n = from_hex(packets[test_random(&seed, COUNT(packets))], bytes, sizeof bytes);
        uint32_t changes = test_random(&seed, 4);
        for (uint32_t i = 0; i < changes; i++) {
            uint32_t at = test_random(&seed, n < 16 ? n : 16); /* where the structure is */
            switch (test_random(&seed, 4)) {
            case 0:
                bytes[at] = (uint8_t)test_random(&seed, 256);
                break;
            case 1:
                bytes[at] = spice[test_random(&seed, COUNT(spice))];
                break;
            case 2:
                bytes[at] ^= (uint8_t)(1u << test_random(&seed, 8));
                break;
            default:
                memmove(bytes + at, bytes + at + 1, n - at - 1); /* one byte is lost */
                n = n > 1 ? n - 1 : n;
            }
        }
        iot_err before = IOT_ERR_AGAIN;
        for (uint32_t have = 0; have <= n; have++) {
            struct iot_mqtt_packet p;
            iot_err err = decode((struct iot_bytes){bytes, have}, &p);
            assert_error_stays(before, err, bytes, have);
            if (err == IOT_ERR_AGAIN && have < 24)
                assert_can_go_on(bytes, have);
            before = err;
        }
    }
}

static void noise_never_reads_outside(void **state)
{
    uint32_t seed = test_seed();
    (void)state;

    for (uint32_t round = 0; round < 300000; round++) {
        static const uint8_t firsts[] = {0x20, 0x30, 0x32, 0x3d, 0x40, 0x62, 0x90, 0xb0, 0xd0};
        uint8_t bytes[24];
        struct iot_mqtt_packet p;
        uint32_t n = test_random(&seed, sizeof bytes + 1);
        for (uint32_t i = 0; i < n; i++) /* many zeros: lengths that fit */
            bytes[i] =
                (uint8_t)(test_random(&seed, 2) ? test_random(&seed, 256) : test_random(&seed, 4));
        bytes[0] = firsts[test_random(&seed, COUNT(firsts))];
        decode((struct iot_bytes){bytes, n}, &p);
    }
}

/* ---- what we say --------------------------------------------------------------------------- */

static void assert_encoded(const uint8_t *got, uint32_t len, const char *hex)
{
    uint8_t expected[512];
    uint32_t n = from_hex(hex, expected, sizeof expected);

    assert_bytes(((struct iot_bytes){got, len}), ((struct iot_bytes){expected, n}));
}

/* The bytes that CONNECT must have, and that one byte less of room is refused and left alone. */
static void assert_connect(const struct iot_mqtt_connect *c, const char *hex)
{
    uint8_t scratch[512];
    uint32_t n = from_hex(hex, scratch, sizeof scratch);
    uint32_t len = 0;
    uint8_t *into = at_guard(NULL, n);

    heap_trap_on();
    iot_err err = iot_mqtt_encode_connect(c, into, n, &len);
    heap_trap_off();
    assert_err(err, IOT_OK);
    assert_encoded(into, len, hex);
    memset(into, 0xee, n);
    assert_err(iot_mqtt_encode_connect(c, into, n - 1, &len), IOT_ERR_SIZE);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(into[i], 0xee);
}

static void connect_is_encoded(void **state)
{
    struct iot_mqtt_connect c = {.client_id = BYTES("dev"), .keepalive_s = 60, .clean = true};
    (void)state;

    assert_connect(&c, "10 0f 0004 4d515454 04 02 003c 0003 646576");
    c.clean = false;
    c.keepalive_s = 0x1234;
    assert_connect(&c, "10 0f 0004 4d515454 04 00 1234 0003 646576");
    c.user_name = BYTES("u");
    c.password = BYTES("\0\xff"); /* binary */
    assert_connect(&c, "10 16 0004 4d515454 04 c0 1234 0003 646576 0001 75 0002 00ff");
    c.password.ptr = NULL;
    assert_connect(&c, "10 12 0004 4d515454 04 80 1234 0003 646576 0001 75");
}

static void absent_and_empty_are_not_the_same_in_connect(void **state)
{
    struct iot_mqtt_connect c = {.clean = true};
    (void)state;

    assert_connect(&c, "10 0c 0004 4d515454 04 02 0000 0000"); /* the id is always there */
    c.user_name = BYTES("");
    c.password = BYTES("");
    assert_connect(&c, "10 10 0004 4d515454 04 c2 0000 0000 0000 0000"); /* MQTT-3.1.2-18..21 */
}

static void the_will_is_encoded_with_its_flags_or_not_at_all(void **state)
{
    struct iot_mqtt_connect c = {.client_id = BYTES("d"), .clean = true};
    (void)state;

    c.will_qos = 2; /* MQTT-3.1.2-11, -13, -15: no will, no will flags, no will payload */
    c.will_retain = true;
    c.will_payload = BYTES("x");
    assert_connect(&c, "10 0d 0004 4d515454 04 02 0000 0001 64");
    c.will_topic = BYTES("w/t");
    assert_connect(&c, "10 15 0004 4d515454 04 36 0000 0001 64 0003 772f74 0001 78");
    c.will_qos = 1;
    c.will_retain = false;
    c.will_payload = (struct iot_bytes){NULL, 0}; /* present with a will, empty */
    assert_connect(&c, "10 14 0004 4d515454 04 0e 0000 0001 64 0003 772f74 0000");
    c.user_name = BYTES("u");
    c.password = BYTES("p"); /* MQTT-3.1.3-1: the order */
    assert_connect(&c, "10 1a 0004 4d515454 04 ce 0000 0001 64 0003 772f74 0000 0001 75 0001 70");
}

static void a_connect_field_has_65535_bytes_at_most(void **state)
{
    static uint8_t field[65536];
    static uint8_t into[4 + 12 + 5 * 65537];
    struct iot_bytes max = {field, 65535};
    struct iot_mqtt_connect c = {max, max, max, max, max, 0, 0, false, true};
    uint32_t len;
    (void)state;

    assert_err(iot_mqtt_encode_connect(&c, into, sizeof into, &len), IOT_OK);
    assert_int_equal(len, 1 + 3 + 10 + 5 * 65537);
    struct iot_bytes *fields[] = {&c.client_id, &c.will_topic, &c.will_payload, &c.user_name,
                                  &c.password};
    for (size_t i = 0; i < COUNT(fields); i++) {
        fields[i]->len = 65536;
        assert_err(iot_mqtt_encode_connect(&c, into, sizeof into, &len), IOT_ERR_SIZE);
        fields[i]->len = UINT32_MAX;
        assert_err(iot_mqtt_encode_connect(&c, into, sizeof into, &len), IOT_ERR_SIZE);
        fields[i]->len = 65535;
    }
}

static void publish_heads_are_encoded(void **state)
{
    static const struct {
        uint8_t flags;
        const char *topic;
        uint16_t id;
        uint32_t payload_len;
        const char *hex;
    } rows[] = {
        {0, "a/b", 0, 5, "30 0a 0003 612f62"},
        {1, "a", 0, 0, "31 03 0001 61"},
        {2, "a", 1, 0, "32 05 0001 61 0001"},
        {0xd, "a", 0xfffe, 2, "3d 07 0001 61 fffe"},
        {0, "a", 0, 124, "30 7f 0001 61"},
        {0, "a", 0, 125, "30 8001 0001 61"},
        {2, "a", 1, 122, "32 7f 0001 61 0001"},
        {2, "a", 1, 123, "32 8001 0001 61 0001"},
        {0, "a", 0, 16380, "30 ff7f 0001 61"},
        {0, "a", 0, 16381, "30 808001 0001 61"},
        {0, "a", 0, 2097148, "30 ffff7f 0001 61"},
        {0, "a", 0, 2097149, "30 80808001 0001 61"},
        {0, "a", 0, IOT_MQTT_LENGTH_MAX - 3, "30 ffffff7f 0001 61"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct iot_bytes topic = text_bytes(rows[i].topic);
        uint8_t qos = rows[i].flags >> IOT_MQTT_QOS_SHIFT & 3;
        uint32_t size = iot_mqtt_publish_head_size(topic.len, qos, rows[i].payload_len);
        uint8_t *into = at_guard(NULL, size);
        heap_trap_on();
        uint32_t n = iot_mqtt_encode_publish_head(into, rows[i].flags, topic, rows[i].id,
                                                  rows[i].payload_len);
        heap_trap_off();
        assert_int_equal(n, size);
        assert_encoded(into, n, rows[i].hex);

        uint8_t copy[32]; /* and back */
        struct iot_mqtt_packet p;
        memcpy(copy, into, n);
        iot_err err = decode((struct iot_bytes){copy, n}, &p);
        assert_err(err, rows[i].payload_len == 0 ? IOT_OK : IOT_ERR_AGAIN);
        assert_int_equal(p.total, n + rows[i].payload_len);
        assert_int_equal(p.head, n);
        assert_int_equal(p.qos, qos);
        assert_int_equal(p.id, rows[i].id);
        assert_int_equal(p.retain, rows[i].flags & IOT_MQTT_RETAIN);
        assert_int_equal(p.dup, (rows[i].flags & IOT_MQTT_DUP) != 0);
    }
}

static void length_bytes_change_where_the_standard_says(void **state)
{
    static const uint32_t last[] = {127, 16383, 2097151, IOT_MQTT_LENGTH_MAX};
    (void)state;

    assert_int_equal(iot_mqtt_length_size(0), 1);
    for (uint32_t i = 0; i < COUNT(last); i++) {
        assert_int_equal(iot_mqtt_length_size(last[i]), i + 1);
        if (i + 1 < COUNT(last))
            assert_int_equal(iot_mqtt_length_size(last[i] + 1), i + 2);
    }
}

static void acknowledgements_are_encoded(void **state)
{
    uint8_t *into = at_guard(NULL, 4);
    (void)state;

    iot_mqtt_encode_ack(into, IOT_MQTT_PUBACK, 1);
    assert_encoded(into, 4, "40 02 0001");
    iot_mqtt_encode_ack(into, IOT_MQTT_PUBREC, 0x1234);
    assert_encoded(into, 4, "50 02 1234");
    iot_mqtt_encode_ack(into, IOT_MQTT_PUBREL, 0xffff);
    assert_encoded(into, 4, "62 02 ffff"); /* MQTT-3.6.1-1 */
    iot_mqtt_encode_ack(into, IOT_MQTT_PUBCOMP, 0x100);
    assert_encoded(into, 4, "70 02 0100");
}

static void subscribe_and_unsubscribe_are_encoded_if_there_is_room(void **state)
{
    uint8_t *into = at_guard(NULL, 10);
    (void)state;

    assert_int_equal(iot_mqtt_encode_subscribe(into, 10, 0x0a0b, BYTES("a/#"), 2), 10);
    assert_encoded(into, 10, "82 08 0a0b 0003 612f23 02");
    assert_int_equal(iot_mqtt_encode_unsubscribe(into, 9, 0x0a0b, BYTES("a/#")), 9);
    assert_encoded(into, 9, "a2 07 0a0b 0003 612f23");

    memset(into, 0xee, 10);
    assert_int_equal(iot_mqtt_encode_subscribe(into, 9, 1, BYTES("a/#"), 0), 0);
    assert_int_equal(iot_mqtt_encode_unsubscribe(into, 8, 1, BYTES("a/#")), 0);
    assert_int_equal(iot_mqtt_encode_subscribe(into, 0, 1, BYTES("a/#"), 0), 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(into[i], 0xee);
}

static void long_filters_take_more_length_bytes(void **state)
{
    static uint8_t into[65535 + 9], filter[65536];
    uint32_t n;
    (void)state;

    n = iot_mqtt_encode_subscribe(into, sizeof into, 1, (struct iot_bytes){filter, 122}, 1);
    assert_int_equal(n, 2 + 127);
    n = iot_mqtt_encode_subscribe(into, sizeof into, 1, (struct iot_bytes){filter, 123}, 1);
    assert_int_equal(n, 3 + 128);
    n = iot_mqtt_encode_subscribe(into, sizeof into, 1, (struct iot_bytes){filter, 65535}, 1);
    assert_int_equal(n, 4 + 65540);
    n = iot_mqtt_encode_subscribe(into, UINT32_MAX, 1, (struct iot_bytes){filter, 65536}, 1);
    assert_int_equal(n, 0);
    n = iot_mqtt_encode_unsubscribe(into, UINT32_MAX, 1, (struct iot_bytes){filter, UINT32_MAX});
    assert_int_equal(n, 0);
}

static void pingreq_and_disconnect_are_two_bytes(void **state)
{
    uint8_t *into = at_guard(NULL, 2);
    (void)state;

    iot_mqtt_encode_empty(into, IOT_MQTT_PINGREQ);
    assert_encoded(into, 2, "c0 00");
    iot_mqtt_encode_empty(into, IOT_MQTT_DISCONNECT);
    assert_encoded(into, 2, "e0 00"); /* MQTT-3.14.1-1 */
}

static void mistakes_of_the_caller_are_noticed(void **state)
{
    (void)state;
#if IOT_ASSERTS
    uint8_t into[64];
    uint32_t len;
    struct iot_mqtt_connect c = {.password = BYTES("p"), .clean = true};

    expect_assert_failure(iot_mqtt_encode_connect(&c, into, sizeof into, &len)); /* 3.1.2-22 */
    c.password.ptr = NULL;
    c.will_qos = 3;
    expect_assert_failure(iot_mqtt_encode_connect(&c, into, sizeof into, &len));
    expect_assert_failure(iot_mqtt_encode_ack(into, IOT_MQTT_PUBACK, 0));
    expect_assert_failure(iot_mqtt_encode_publish_head(into, 2, BYTES("a"), 0, 0));
    expect_assert_failure(iot_mqtt_encode_publish_head(into, 0, BYTES("a"), 1, 0));
    expect_assert_failure(iot_mqtt_encode_subscribe(into, sizeof into, 0, BYTES("a"), 0));
    expect_assert_failure(iot_mqtt_encode_subscribe(into, sizeof into, 1, BYTES("a"), 3));
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connack_is_decoded),
        cmocka_unit_test(publish_with_qos_0_has_no_id),
        cmocka_unit_test(publish_with_qos_1_and_2_has_one),
        cmocka_unit_test(acknowledgements_are_decoded),
        cmocka_unit_test(suback_has_a_code_for_each_filter),
        cmocka_unit_test(pingresp_is_decoded),
        cmocka_unit_test(bytes_behind_the_packet_are_not_looked_at),
        cmocka_unit_test(a_publish_is_known_before_its_payload_is_there),
        cmocka_unit_test(the_longest_topic_is_decoded),
        cmocka_unit_test(wrong_flags_are_malformed_on_every_type),
        cmocka_unit_test(a_fifth_length_byte_is_malformed_when_the_fourth_announces_it),
        cmocka_unit_test(needless_length_bytes_are_malformed),
        cmocka_unit_test(a_length_that_is_wrong_for_the_type_is_malformed),
        cmocka_unit_test(id_0_is_malformed_everywhere),
        cmocka_unit_test(
            a_topic_beyond_the_packet_is_malformed_at_its_first_length_byte_if_that_tells),
        cmocka_unit_test(a_bad_topic_is_malformed_as_soon_as_its_bad_byte_is_there),
        cmocka_unit_test(connack_flags_are_checked),
        cmocka_unit_test(suback_codes_are_checked),
        cmocka_unit_test(a_stream_is_read_alike_whole_and_byte_by_byte_and_cut_anywhere),
        cmocka_unit_test(an_error_is_found_at_the_same_place_however_the_bytes_were_cut),
        cmocka_unit_test(all_inputs_of_one_two_and_three_bytes_are_decided_as_early_as_possible),
        cmocka_unit_test(mutated_packets_never_read_outside_and_are_decided_as_early_as_possible),
        cmocka_unit_test(noise_never_reads_outside),
        cmocka_unit_test(connect_is_encoded),
        cmocka_unit_test(absent_and_empty_are_not_the_same_in_connect),
        cmocka_unit_test(the_will_is_encoded_with_its_flags_or_not_at_all),
        cmocka_unit_test(a_connect_field_has_65535_bytes_at_most),
        cmocka_unit_test(publish_heads_are_encoded),
        cmocka_unit_test(length_bytes_change_where_the_standard_says),
        cmocka_unit_test(acknowledgements_are_encoded),
        cmocka_unit_test(subscribe_and_unsubscribe_are_encoded_if_there_is_room),
        cmocka_unit_test(long_filters_take_more_length_bytes),
        cmocka_unit_test(pingreq_and_disconnect_are_two_bytes),
        cmocka_unit_test(mistakes_of_the_caller_are_noticed),
    };
    return cmocka_run_group_tests_name("mqtt_codec", tests, NULL, NULL);
}

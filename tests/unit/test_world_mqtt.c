/* SPDX-License-Identifier: Apache-2.0 */
#include "wire_client.h"

#include "world/world_mqtt.h"

static struct wire wire;

/* NULL: it is taken. */
static const char *refusal(const char *hex, struct world_mqtt_packet *p)
{
    const char *why = NULL;

    wire_clear(&wire);
    wire_hex(&wire, hex);
    struct iot_bytes in = guarded(wire_bytes(&wire));
    switch (world_mqtt_read(in, 1000, p, &why)) {
    case WORLD_MQTT_MORE:
        return "more";
    case WORLD_MQTT_OK:
        assert_int_equal(p->total, in.len);
        return NULL;
    case WORLD_MQTT_BAD:
        break;
    }
    return why;
}

static void what_a_server_must_refuse_is_refused(void **state)
{
    static const struct {
        const char *hex, *why;
    } rows[] = {
        {"100c 0004 4d515454 04 03 0000 0000", "3.1.2-3"},
        {"100c 0004 4d515455 04 02 0000 0000", "3.1.2-1"},
        {"1010 0006 4d5149736470 03 02 003c 0002 6161", "3.1.2-1"},
        {"100c 0004 4d515454 04 1a 0000 0000", "3.1.2-11"},
        {"100c 0004 4d515454 04 22 0000 0000", "3.1.2-11"},
        {"100c 0004 4d515454 04 42 0000 0000", "3.1.2-22"},
        {"100c 0004 4d515454 04 06 0000 0000", "3.1.3-10"},
        {"100c 0004 4d515454 04 82 0000 0000", "3.1.3-11"},
        {"100e 0004 4d515454 04 c2 0000 0000 0000", "3.1.3.5"},
        {"100d 0004 4d515454 04 02 0000 0000 00", "3.1.3-1"},
        {"100d 0004 4d515454 04 02 0000 0001 ff", "3.1.3-3"},
        {"1008 0004 4d515454 04 02", "3.1.2: "},
        {"1110", "2.2.2"},
        {"36 05 0001 61 0001", "3.3.1-4"},
        {"38 03 0001 61", "3.3.1-2"},
        {"30 02 0000", "3.3.2-1"},
        {"30 03 0001 2b", "3.3.2-1"},
        {"30 03 0001 23", "3.3.2-1"},
        {"30 04 0002 c080", "3.3.2-1"},
        {"30 05 0003 eda080", "3.3.2-1"},
        {"30 06 0004 f4908080", "3.3.2-1"},
        {"30 04 0002 c3c3", "3.3.2-1"},
        {"30 03 0001 c3", "3.3.2-1"},
        {"30 03 0001 00", "3.3.2-1"},
        {"30 03 0002 61", "3.3.2-1"},
        {"32 05 0001 61 0000", "2.3.1-1"},
        {"32 03 0001 61", "2.3.1-1"},
        {"30 ffffff8001", "2.2.3"},
        {"30 e907", "larger"},
        {"40 02 0000", "2.3.1"},
        {"40 03 0001 00", "2.3.1"},
        {"40 01 00", "2.3.1"},
        {"60 02 0001", "2.2.2"},
        {"52 02 0001", "2.2.2"},
        {"80 06 0001 0001 61 00", "2.2.2"},
        {"82 02 0001", "3.8.3-3"},
        {"82 06 0000 0001 61 00", "2.3.1-1"},
        {"82 06 0001 0001 61 03", "3.8.3-4"},
        {"82 05 0001 0001 61", "3.8.3-4"},
        {"82 07 0001 0002 612b 00", "3.8.3-1"},
        {"82 08 0001 0003 232f61 00", "3.8.3-1"},
        {"82 05 0001 0000 00", "3.8.3-1"},
        {"a2 02 0001", "3.8.3-3, 3.10.3-2"},
        {"c0 01 00", "3.12"},
        {"e0 01 00", "3.12"},
        {"20 02 00 00", "2.2.1"},
        {"90 03 0001 00", "2.2.1"},
        {"b0 02 0001", "2.2.1"},
        {"d0 00", "2.2.1"},
        {"00 00", "2.2.1"},
        {"f0 00", "2.2.1"},
    };
    struct world_mqtt_packet p;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *why = refusal(rows[i].hex, &p);
        if (why == NULL || strncmp(why, rows[i].why, strlen(rows[i].why)) != 0)
            fail_msg("%s: '%s'", rows[i].hex, why == NULL ? "taken" : why);
    }
}

static void what_a_client_may_send_is_read(void **state)
{
    struct world_mqtt_packet p;

    (void)state;
    assert_null(refusal(
        "101e 0004 4d515454 04 f6 003c 0001 61 0001 77 0002 6768 0004 f09f9880 0002 ff00", &p));
    assert_int_equal(p.connect.keepalive_s, 60);
    assert_int_equal(p.connect.will_qos, 2);
    assert_true(p.connect.will_retain && p.connect.clean);
    assert_bytes(p.connect.client_id, BYTES("a"));
    assert_bytes(p.connect.will_topic, BYTES("w"));
    assert_bytes(p.connect.will_payload, BYTES("gh"));
    assert_bytes(p.connect.user_name, BYTES("\xf0\x9f\x98\x80"));
    assert_bytes(p.connect.password, BYTES("\xff\0"));
    assert_null(refusal("3b 07 0001 61 0102 6869", &p));
    assert_int_equal(p.qos << 8 | p.flags, 0x10b);
    assert_int_equal(p.id, 0x102);
    assert_bytes(p.topic, BYTES("a"));
    assert_bytes(p.body, BYTES("hi"));
    assert_null(refusal("82 0c 0001 0001 2b 00 0003 612f23 02", &p));
    struct iot_bytes filter;
    uint8_t qos;
    assert_true(world_mqtt_filter(&p.body, &filter, &qos));
    assert_bytes(filter, BYTES("+"));
    assert_true(world_mqtt_filter(&p.body, &filter, &qos));
    assert_bytes(filter, BYTES("a/#"));
    assert_int_equal(qos, 2);
    assert_false(world_mqtt_filter(&p.body, &filter, &qos));
}

static void an_unfinished_packet_waits_for_more(void **state)
{
    static const uint8_t packet[] = {0x32, 6, 0, 1, 'a', 0, 1, 'x'};
    struct world_mqtt_packet p;
    const char *why;

    (void)state;
    for (uint32_t n = 0; n < sizeof packet; n++) {
        struct iot_bytes in = guarded((struct iot_bytes){packet, n});
        assert_int_equal(world_mqtt_read(in, 1000, &p, &why), WORLD_MQTT_MORE);
    }
}

static void bytes_grow_and_give_back_what_is_gone(void **state)
{
    struct world_bytes b = {0};
    uint8_t chunk[100], next = 0, expected = 0;

    (void)state;
    for (int round = 0; round < 1000; round++) {
        for (size_t i = 0; i < sizeof chunk; i++)
            chunk[i] = next++;
        world_bytes_put(&b, chunk, sizeof chunk);
        struct iot_bytes left = world_bytes_left(&b);
        uint32_t n = round % 7 == 6 ? left.len : left.len / 3;
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(left.ptr[i], expected++);
        world_bytes_drop(&b, n);
    }
    assert_true(b.cap <= 1024);
    world_bytes_free(&b);
}

static void filters_match_as_the_standard_says(void **state)
{
    static const struct {
        const char *filter, *name;
        bool fits;
    } rows[] = {
        {"#", "a/b", true},       {"#", "$SYS", false},      {"+/b", "$a/b", false},
        {"$a/+", "$a/b", true},   {"a/#", "a", true},        {"a/#", "ab", false},
        {"a/+", "a", false},      {"a/+", "a/", true},       {"+", "a/b", false},
        {"+/+", "/a", true},      {"/+", "/a", true},        {"+", "/a", false},
        {"a/+/c", "a/b/c", true}, {"a/+/c", "a/b/d", false}, {"a/b", "a/b/c", false},
        {"a/b/c", "a/b", false},  {"a/+/#", "a/b", true},    {"a/+/#", "a", false},
        {"A", "a", false},        {"a", "a", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (world_mqtt_match(rows[i].filter, rows[i].name) != rows[i].fits)
            fail_msg("%s and %s", rows[i].filter, rows[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_server_must_refuse_is_refused),
        cmocka_unit_test(what_a_client_may_send_is_read),
        cmocka_unit_test(an_unfinished_packet_waits_for_more),
        cmocka_unit_test(bytes_grow_and_give_back_what_is_gone),
        cmocka_unit_test(filters_match_as_the_standard_says),
    };

    return cmocka_run_group_tests_name("world mqtt", tests, NULL, NULL);
}

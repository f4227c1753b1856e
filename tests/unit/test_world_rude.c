/* SPDX-License-Identifier: Apache-2.0 */
/* What each kind of misbehaviour does to a conversation. What the library makes of it: test_world_server.c. */
#include "wire_client.h"

#include "world/world_rude.h"

static struct world_broker broker;
static struct world_rude rude;
static struct wire out;
static uint64_t now;

static int set_up(void **state)
{
    (void)state;
    world_broker_init(&broker, NULL, NULL);
    world_rude_init(&rude, &broker);
    now = 1000;
    wire_clear(&out);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_rude_over(&rude);
    world_broker_over(&broker);
    return 0;
}

static const char *heard(int conn)
{
    struct iot_bytes all = world_rude_pending(&rude, conn, now);
    const char *words = client_words(all);

    world_rude_sent(&rude, conn, all.len, now);
    return words;
}

static uint32_t say(int conn)
{
    uint32_t n = world_rude_feed(&rude, conn, guarded(wire_bytes(&out)), now);

    wire_clear(&out);
    return n;
}

/* A connection with this kind that has sent CONNECT. */
static int begin(const char *kind, bool clean)
{
    int k = world_rude_find(kind);

    if (k < 0)
        fail_msg("no kind '%s'", kind);
    world_rude_arm(&rude, k);
    int conn = world_rude_open(&rude, now);
    client_connect(&out, "a", clean, 60, NULL);
    say(conn);
    return conn;
}

static uint32_t struck(const char *kind)
{
    return rude.struck[world_rude_find(kind)];
}

static void without_a_kind_everything_passes(void **state)
{
    (void)state;
    int conn = begin("none", true);
    wire_publish(&out, 2, "t", 5, "x", 1);
    say(conn);
    assert_string_equal(heard(conn), "CONNACK(0,0) PUBACK(5)");
    assert_int_equal(struck("none"), 0);
}

static void the_table_is_sound(void **state)
{
    (void)state;
    assert_true(world_rude_count > 80 && world_rude_count <= WORLD_RUDE_MAX);
    for (int i = 1; i < world_rude_count; i++) {
        const struct world_rude_row *row = &world_rude_rows[i];
        assert_int_equal(world_rude_find(row->name), i);
        assert_true((row->expect == WORLD_RUDE_SURVIVE) == (row->errors[0] == IOT_OK));
        assert_false(world_rude_legitimate(i, IOT_OK));
        assert_false(world_rude_legitimate(i, IOT_ERR_DNS_UNKNOWN));
    }
    assert_true(world_rude_legitimate(world_rude_find("long-suback"), IOT_ERR_MQTT_TOO_LARGE));
}

static void an_end_before_a_packet_swallows_it_however_it_is_cut(void **state)
{
    (void)state;
    int conn = begin("publish-reset", false);
    client_subscribe(&out, 1, "t", 1);
    wire_publish(&out, 2, "t", 5, "x", 1);
    for (uint32_t i = 0; i < out.len; i++)
        assert_int_equal(world_rude_feed(&rude, conn, (struct iot_bytes){out.bytes + i, 1}, now),
                         1);
    assert_int_equal(world_rude_wants_close(&rude, conn), WORLD_END_RESET);
    world_rude_closed(&rude, conn, now);
    assert_int_equal(world_broker_session(&broker, "a")->sub_count, 1);
    assert_int_equal(world_broker_session(&broker, "a")->delivery_count, 0);
}

static void an_end_after_a_packet_keeps_its_answer_back(void **state)
{
    (void)state;
    int conn = begin("published-close", false);
    client_subscribe(&out, 1, "t", 1);
    say(conn);
    assert_string_equal(heard(conn), "CONNACK(0,0) SUBACK(1:01)");
    wire_publish(&out, 2, "t", 5, "x", 1);
    say(conn);
    assert_string_equal(heard(conn), "");
    assert_int_equal(world_rude_wants_close(&rude, conn), WORLD_END_FIN);
    world_rude_closed(&rude, conn, now);
    assert_int_equal(world_broker_session(&broker, "a")->delivery_count, 1);
}

static void a_refusal_comes_instead_of_a_login(void **state)
{
    (void)state;
    int conn = begin("connack-5", true);
    assert_string_equal(heard(conn), "CONNACK(0,5)");
    assert_int_equal(world_rude_wants_close(&rude, conn), WORLD_END_FIN);
    assert_null(world_broker_session(&broker, "a"));
}

static void silence_from_the_start_reads_and_answers_nothing(void **state)
{
    (void)state;
    int conn = begin("accept-silence", true);
    assert_string_equal(heard(conn), "");
    assert_null(world_broker_session(&broker, "a"));
    conn = begin("accept-deaf", true);
    wire_hex(&out, "c000");
    assert_int_equal(say(conn), 0);
}

static void only_a_clean_login_is_lied_to_about_its_session(void **state)
{
    (void)state;
    assert_string_equal(heard(begin("connack-present", true)), "CONNACK(1,0)");
    assert_int_equal(struck("connack-present"), 1);
    assert_string_equal(heard(begin("connack-present", false)), "CONNACK(0,0)");
    assert_int_equal(struck("connack-present"), 1);
}

static void acknowledgements_can_come_twice_or_never_or_be_others(void **state)
{
    static const struct {
        const char *kind, *answers;
    } rows[] = {
        {"acks-twice",
         "CONNACK(0,0) PUBACK(5) PUBACK(5) PUBREC(6) PUBREC(6) SUBACK(7:00) PINGRESP"},
        {"no-acks", "CONNACK(0,0) SUBACK(7:00) PINGRESP"},
        {"no-suback", "CONNACK(0,0) PUBACK(5) PUBREC(6) PINGRESP"},
        {"no-pingresp", "CONNACK(0,0) PUBACK(5) PUBREC(6) SUBACK(7:00)"},
        {"pubrec-for-qos-1", "CONNACK(0,0) PUBREC(5) PUBREC(6) SUBACK(7:00) PINGRESP"},
        {"puback-for-qos-2", "CONNACK(0,0) PUBACK(5) PUBACK(6) SUBACK(7:00) PINGRESP"},
        {"suback-code-3", "CONNACK(0,0) PUBACK(5) PUBREC(6) SUBACK(7:03) PINGRESP"},
        {"silence", "CONNACK(0,0)"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int conn = begin(rows[i].kind, true);
        wire_publish(&out, 2, "u", 5, "x", 1);
        wire_publish(&out, 4, "u", 6, "x", 1);
        client_subscribe(&out, 7, "t", 0);
        wire_hex(&out, "c000");
        say(conn);
        assert_string_equal(heard(conn), rows[i].answers);
        assert_int_equal(struck(rows[i].kind), 1);
    }
}

static void what_was_swallowed_is_made_good_by_a_reset_in_the_end(void **state)
{
    (void)state;
    int conn = begin("no-acks", true);
    wire_publish(&out, 2, "u", 5, "x", 1);
    say(conn);
    heard(conn);
    assert_true(world_rude_next(&rude) <= now + WORLD_RUDE_SPELL_MS);
    now += WORLD_RUDE_SPELL_MS - 1;
    wire_hex(&out, "c000");
    say(conn);
    world_rude_tick(&rude, now);
    assert_int_equal(world_rude_wants_close(&rude, conn), WORLD_END_NO);
    world_rude_tick(&rude, ++now);
    assert_int_equal(world_rude_wants_close(&rude, conn), WORLD_END_RESET);
}

static void dripping_gives_a_byte_at_a_time_and_then_stops(void **state)
{
    (void)state;
    int conn = begin("drip", true);
    world_rude_pending(&rude, conn, now);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(world_rude_pending(&rude, conn, now).len, 1);
        world_rude_sent(&rude, conn, 1, now);
        assert_int_equal(world_rude_pending(&rude, conn, now).len, 0);
        now += WORLD_RUDE_DRIP_MS;
    }
    now += WORLD_RUDE_SPELL_MS;
    wire_hex(&out, "c000");
    say(conn);
    world_rude_tick(&rude, now);
    assert_string_equal(heard(conn), "PINGRESP");
}

static void a_present_connection_can_be_attacked_between_two_packets(void **state)
{
    static const uint8_t half[] = {0x32, 6, 0};

    (void)state;
    int conn = begin("none", true);
    assert_false(world_rude_attack(&rude, "b", world_rude_find("garbage"), now));
    assert_false(world_rude_attack(&rude, "a", world_rude_find("connack-5"), now));
    assert_false(world_rude_attack(&rude, "a", world_rude_find("accept-close"), now));
    assert_true(world_rude_attack(&rude, "a", world_rude_find("unknown-pubrel"), now));
    assert_false(world_rude_attack(&rude, "a", world_rude_find("garbage"), now));
    assert_int_equal(world_rude_kind(&rude, "a"), world_rude_find("unknown-pubrel"));
    assert_string_equal(heard(conn), "CONNACK(0,0) PUBREL(30002)");
    conn = begin("none", true);
    world_rude_feed(&rude, conn, (struct iot_bytes){half, sizeof half}, now);
    assert_true(world_rude_attack(&rude, "a", world_rude_find("publish-close"), now));
    wire_hex(&out, "01 61 0001 31"); /* 0x31 is no PUBLISH here */
    say(conn);
    assert_int_equal(struck("publish-close"), 0);
    wire_hex(&out, "31 03 0001 61");
    say(conn);
    assert_int_equal(struck("publish-close"), 1);
}

static void what_is_made_up_uses_ids_that_nobody_uses(void **state)
{
    (void)state;
    int conn = begin("none", false);
    wire_publish(&out, 2, "u", 60000, "x", 1);
    say(conn);
    heard(conn);
    world_rude_attack(&rude, "a", world_rude_find("unknown-puback"), now);
    assert_string_equal(heard(conn), "PUBACK(24466)");
    begin("flood-qos-2", false);
    conn = broker.sessions[0]->conn;
    assert_int_equal(world_rude_pending(&rude, conn, now).len, 4 + 30 * 12);
    world_rude_closed(&rude, conn, now);
    assert_null(world_broker_session(&broker, "a"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_kind_everything_passes),
        TEST(the_table_is_sound),
        TEST(an_end_before_a_packet_swallows_it_however_it_is_cut),
        TEST(an_end_after_a_packet_keeps_its_answer_back),
        TEST(a_refusal_comes_instead_of_a_login),
        TEST(silence_from_the_start_reads_and_answers_nothing),
        TEST(only_a_clean_login_is_lied_to_about_its_session),
        TEST(acknowledgements_can_come_twice_or_never_or_be_others),
        TEST(what_was_swallowed_is_made_good_by_a_reset_in_the_end),
        TEST(dripping_gives_a_byte_at_a_time_and_then_stops),
        TEST(a_present_connection_can_be_attacked_between_two_packets),
        TEST(what_is_made_up_uses_ids_that_nobody_uses),
    };

    return cmocka_run_group_tests_name("world rude", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "heap_trap.h"
#include "mqtt_rooms.h"
#include "mqtt_wire.h"

#define RING  ((uint32_t)IOT_MQTT_TX_BYTES)
#define TABLE ((uint32_t)IOT_MQTT_OUT_MAX)

static struct iot_mqtt_outbox box;

static int setup(void **state)
{
    (void)state;
    memset(&box, 0, sizeof box);
    return 0;
}

/* ---- helpers ----------------------------------------------------------------------------- */

static uint8_t pattern[2 * IOT_MQTT_TX_BYTES];

static struct iot_msg message(uint8_t qos, uint32_t payload_len)
{
    for (uint32_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (uint8_t)(i * 7 + 1);
    return (struct iot_msg){.topic = IOT_TOPIC("t"), .payload = {pattern, payload_len}, .qos = qos};
}

/* A message that takes `total` bytes of the ring; 130 cannot be made. */
static struct iot_msg message_of(uint8_t qos, uint32_t total)
{
    uint32_t body = total - (total <= 129 ? 2 : 3);
    return message(qos, body - (qos != 0 ? 5 : 3));
}

static iot_err put(uint8_t qos, uint32_t total, uint16_t id)
{
    struct iot_msg msg = message_of(qos, total);
    return iot_mqtt_outbox_put(&box, &msg, id, 1000u + id);
}

static struct iot_bytes next_bytes(void)
{
    struct iot_mqtt_out *m = iot_mqtt_outbox_next(&box);
    assert_non_null(m);
    assert_true(m->at <= RING && m->len <= RING - m->at);
    return (struct iot_bytes){box.tx + m->at, m->len};
}

/* Send one and say which. */
static uint16_t send_one(void)
{
    struct iot_mqtt_out *m = iot_mqtt_outbox_next(&box);
    assert_non_null(m);
    uint16_t id = m->id;
    iot_mqtt_outbox_sent(&box, 0);
    return id;
}

static void assert_taken(iot_ticket ticket, iot_err result)
{
    iot_ticket got_ticket = 0;
    iot_err got = IOT_ERR_ARG;
    assert_true(iot_mqtt_outbox_take(&box, &got_ticket, &got));
    assert_int_equal(got_ticket, ticket);
    assert_err(got, result);
}

static void assert_nothing_to_take(void)
{
    iot_ticket ticket;
    iot_err result;
    assert_false(iot_mqtt_outbox_take(&box, &ticket, &result));
}

static void assert_empty(void)
{
    assert_int_equal(box.count, 0);
    assert_int_equal(iot_mqtt_rels(&box), 0);
    assert_false(iot_mqtt_rels_due(&box));
    assert_int_equal(box.queued, 0);
    assert_int_equal(box.ended, 0);
    assert_int_equal(box.used, 0);
    assert_null(iot_mqtt_outbox_next(&box));
}

/* Call and compare with what was there before: want_room is all that a refusal may change. */
static void assert_refused(const struct iot_msg *msg, uint16_t id, iot_err expected)
{
    struct iot_mqtt_outbox before = box;
    assert_err(iot_mqtt_outbox_put(&box, msg, id, 77), expected);
    if (expected == IOT_ERR_FULL)
        assert_true(box.want_room);
    before.want_room = box.want_room;
    assert_memory_equal(&before, &box, sizeof box);
}

/* ---- what is accepted -------------------------------------------------------------------- */

static void a_message_is_checked_before_it_is_accepted(void **state)
{
    (void)state;
    struct iot_msg msg = message(1, 3);
    assert_err(iot_mqtt_outbox_check(&msg), IOT_OK);
    msg.qos = 3;
    assert_err(iot_mqtt_outbox_check(&msg), IOT_ERR_ARG);
    msg = message(1, 3);
    msg.payload.ptr = NULL;
    assert_err(iot_mqtt_outbox_check(&msg), IOT_ERR_ARG);
    msg.payload.len = 0;
    assert_err(iot_mqtt_outbox_check(&msg), IOT_OK);
    static const char *const bad[] = {"a/+", "#", "a\xff", "\xed\xa0\x80"};
    for (uint32_t i = 0; i < COUNT(bad); i++) {
        msg.topic.text = bad[i];
        msg.topic.len = (uint16_t)strlen(bad[i]);
        assert_err(iot_mqtt_outbox_check(&msg), IOT_ERR_MQTT_TOPIC);
    }
    msg.topic = (struct iot_topic){"a\0b", 3, 0};
    assert_err(iot_mqtt_outbox_check(&msg), IOT_ERR_MQTT_TOPIC);
    msg.topic = (struct iot_topic){"", 0, 0};
    assert_err(iot_mqtt_outbox_check(&msg), IOT_ERR_MQTT_TOPIC);
}

static void the_bytes_of_a_message_are_those_of_the_standard(void **state)
{
    (void)state;
    static const struct {
        uint8_t qos, flags;
        uint32_t n;
    } cases[] = {{0, 0, 0},
                 {0, IOT_MSG_RETAIN, 0},
                 {1, 0, 5},
                 {2, IOT_MSG_RETAIN, 5},
                 {0, 0, 124},
                 {0, 0, 125},
                 {1, 0, 122},
                 {1, 0, 123},
                 {2, IOT_MSG_DUP, 900}};
    for (uint32_t i = 0; i < COUNT(cases); i++) {
        static struct wire w;
        setup(NULL);
        struct iot_msg msg = message(cases[i].qos, cases[i].n);
        msg.flags = cases[i].flags;
        uint16_t id = msg.qos != 0 ? 0x1234 : 0;
        assert_err(iot_mqtt_outbox_put(&box, &msg, id, 9), IOT_OK);
        wire_clear(&w);
        /* DUP is for received messages: asking for it changes nothing. */
        wire_publish(&w, (uint8_t)(msg.qos << 1 | (msg.flags & IOT_MSG_RETAIN)), "t", id, pattern,
                     cases[i].n);
        assert_bytes(next_bytes(), wire_bytes(&w));
    }
}

static void a_message_that_fills_the_ring_exactly_fits_and_one_byte_more_never_does(void **state)
{
    (void)state;
    for (uint8_t qos = 0; qos <= 2; qos++) {
        setup(NULL);
        struct iot_msg more = message_of(qos, RING + 1);
        assert_refused(&more, qos != 0, IOT_ERR_SIZE);
        assert_false(box.want_room);
        assert_err(put(qos, RING, qos != 0), IOT_OK);
        assert_int_equal(box.used, RING);
        struct iot_msg least = message(0, 0);
        assert_refused(&least, 0, IOT_ERR_FULL);
    }
}

static void absurd_lengths_are_refused_without_arithmetic_accidents(void **state)
{
    (void)state;
    static const uint32_t lens[] = {
        RING + 1,   268435455u - 65535 - 4 + 1, 268435455u, 0x7fffffffu, 0x80000000u, 0xfffffff0u,
        0xffffffffu};
    for (uint32_t i = 0; i < COUNT(lens); i++) {
        struct iot_msg msg = message(1, 0);
        msg.payload.len = lens[i];
        assert_refused(&msg, 1, IOT_ERR_SIZE);
        struct iot_writer w;
        assert_err(iot_mqtt_outbox_begin(&box, &msg, lens[i], &w), IOT_ERR_SIZE);
        msg.flags = IOT_MSG_BY_REF;
        if (i > 0)
            assert_refused(&msg, 1, IOT_ERR_SIZE);
    }
    assert_empty();
}

static void a_full_table_refuses_one_more_and_changes_nothing(void **state)
{
    (void)state;
    for (uint16_t i = 1; i <= TABLE; i++)
        assert_err(put(1, 20, i), IOT_OK);
    struct iot_msg msg = message(0, 0);
    assert_refused(&msg, 0, IOT_ERR_FULL);
    struct iot_writer w;
    struct iot_mqtt_outbox before = box;
    assert_err(iot_mqtt_outbox_begin(&box, &msg, 0, &w), IOT_ERR_FULL);
    assert_memory_equal(&before, &box, sizeof box);
    /* Ended is not yet free: the table frees a place when the event is taken. */
    send_one();
    assert_true(iot_mqtt_outbox_puback(&box, 1));
    assert_refused(&msg, 0, IOT_ERR_FULL);
    assert_false(iot_mqtt_outbox_room(&box));
    assert_taken(1001, IOT_OK);
    assert_true(iot_mqtt_outbox_room(&box));
    assert_false(iot_mqtt_outbox_room(&box));
    assert_err(iot_mqtt_outbox_put(&box, &msg, 0, 5), IOT_OK);
    IF_STATS(assert_int_equal(box.count_high, TABLE);)
}

static void a_full_ring_refuses_one_more_and_says_once_when_there_is_room(void **state)
{
    (void)state;
    assert_err(put(1, RING / 2, 1), IOT_OK);
    assert_err(put(1, RING / 2, 2), IOT_OK);
    assert_int_equal(box.used, RING);
    struct iot_msg msg = message(0, 0);
    assert_refused(&msg, 0, IOT_ERR_FULL);
    assert_false(iot_mqtt_outbox_room(&box));
    send_one();
    send_one();
    assert_false(iot_mqtt_outbox_room(&box));
    iot_mqtt_outbox_puback(&box, 1);
    assert_taken(1001, IOT_OK);
    assert_true(iot_mqtt_outbox_room(&box));
    assert_false(iot_mqtt_outbox_room(&box));
    /* Nobody is told who was not refused. */
    iot_mqtt_outbox_puback(&box, 2);
    assert_taken(1002, IOT_OK);
    assert_false(iot_mqtt_outbox_room(&box));
}

/* ---- the ring ---------------------------------------------------------------------------- */

static void a_message_that_does_not_fit_behind_the_tail_goes_whole_to_the_start(void **state)
{
    (void)state;
    assert_err(put(1, 600, 1), IOT_OK);
    assert_err(put(1, 300, 2), IOT_OK); /* 124 are left */
    send_one();
    iot_mqtt_outbox_puback(&box, 1);
    assert_taken(1001, IOT_OK);
    assert_err(put(1, 200, 3), IOT_OK);
    assert_int_equal(box.out[1].at, 0);
    assert_int_equal(box.used, 300 + 200);
    assert_err(put(1, 400, 4), IOT_OK);
    assert_int_equal(box.out[0].at, 600); /* exactly up to the oldest, which did not move */
    for (uint16_t id = 2; id <= 4; id++) {
        static struct wire w;
        static const uint32_t totals[] = {0, 0, 300, 200, 400};
        struct iot_msg msg = message_of(1, totals[id]);
        wire_clear(&w);
        wire_publish(&w, 2, "t", id, msg.payload.ptr, msg.payload.len);
        assert_bytes(next_bytes(), wire_bytes(&w));
        assert_int_equal(send_one(), id);
        iot_mqtt_outbox_puback(&box, id);
        assert_taken(1000u + id, IOT_OK);
    }
    assert_empty();
}

static void the_bytes_up_to_the_very_end_of_the_ring_are_used(void **state)
{
    (void)state;
    assert_err(put(1, 600, 1), IOT_OK);
    assert_err(put(1, 300, 2), IOT_OK);
    assert_err(put(1, RING - 900, 3), IOT_OK);
    assert_int_equal(box.tail, RING);
    send_one();
    iot_mqtt_outbox_puback(&box, 1);
    assert_taken(1001, IOT_OK);
    struct iot_msg over = message_of(1, 601);
    assert_refused(&over, 4, IOT_ERR_FULL);
    assert_err(put(1, 600, 4), IOT_OK);
    assert_int_equal(box.used, RING);
}

/* ---- the writer -------------------------------------------------------------------------- */

static void commit_with_a_shorter_payload_aligns_the_header_before_it(void **state)
{
    (void)state;
    static const uint32_t maxes[] = {0, 1, 122, 123, 124, 125, 126, 200, 1000};
    for (uint32_t i = 0; i < COUNT(maxes); i++) {
        for (uint8_t qos = 0; qos <= 2; qos++) {
            for (uint32_t n = 0; n <= maxes[i]; n += n < 130 ? 1 : 200) {
                static struct wire w;
                setup(NULL);
                struct iot_msg msg = message(qos, 0);
                struct iot_writer writer = {0};
                uint16_t id = qos != 0 ? 0xfffe : 0;
                msg.flags = IOT_MSG_RETAIN;
                assert_err(iot_mqtt_outbox_begin(&box, &msg, maxes[i], &writer), IOT_OK);
                assert_int_equal(writer.cap, maxes[i]);
                iot_writer_put(&writer, pattern, n);
                assert_err(iot_mqtt_outbox_commit(&box, &writer, id, 4), IOT_OK);
                wire_clear(&w);
                wire_publish(&w, (uint8_t)(1 | qos << 1), "t", id, pattern, n);
                assert_bytes(next_bytes(), wire_bytes(&w));
            }
        }
    }
}

static void one_writer_is_open_at_a_time_and_nothing_else_is_queued_meanwhile(void **state)
{
    (void)state;
    struct iot_msg msg = message(1, 4);
    struct iot_writer w, w2;
    assert_err(iot_mqtt_outbox_begin(&box, &msg, 50, &w), IOT_OK);
    assert_refused(&msg, 2, IOT_ERR_STATE);
    assert_err(iot_mqtt_outbox_begin(&box, &msg, 50, &w2), IOT_ERR_STATE);
    assert_int_equal(box.count, 0);
    assert_null(iot_mqtt_outbox_next(&box));
    iot_mqtt_writer_drop(&box);
    assert_empty();
    assert_err(iot_mqtt_outbox_commit(&box, &w, 1, 1), IOT_ERR_STATE);
    assert_empty();
    assert_err(iot_mqtt_outbox_put(&box, &msg, 2, 2), IOT_OK);
}

static void a_writer_that_overflowed_queues_nothing(void **state)
{
    (void)state;
    struct iot_msg msg = message(1, 0);
    struct iot_writer w;
    assert_err(iot_mqtt_outbox_begin(&box, &msg, 3, &w), IOT_OK);
    iot_writer_text(&w, "four");
    assert_err(iot_mqtt_outbox_commit(&box, &w, 1, 1), IOT_ERR_SIZE);
    assert_empty();
    assert_err(iot_mqtt_outbox_commit(&box, &w, 1, 1), IOT_ERR_STATE);
    assert_err(put(1, RING, 1), IOT_OK);
}

static void a_writer_never_takes_a_reference(void **state)
{
    (void)state;
    struct iot_msg msg = message(1, 0);
    struct iot_writer w;
    msg.flags = IOT_MSG_BY_REF;
    assert_err(iot_mqtt_outbox_begin(&box, &msg, 3, &w), IOT_ERR_ARG);
    assert_empty();
}

static void a_reservation_can_take_the_whole_ring_and_gives_back_what_was_not_written(void **state)
{
    (void)state;
    struct iot_msg msg = message(0, 0);
    struct iot_writer w;
    uint32_t most = RING - 6; /* type, two of length, two of topic length, topic */
    assert_err(iot_mqtt_outbox_begin(&box, &msg, most + 1, &w), IOT_ERR_SIZE);
    assert_err(iot_mqtt_outbox_begin(&box, &msg, most, &w), IOT_OK);
    iot_writer_text(&w, "x");
    assert_err(iot_mqtt_outbox_commit(&box, &w, 0, 1), IOT_OK);
    assert_int_equal(box.out[0].len, 6);
    /* It begins one byte later than the ring: that byte is lost for now, no other. */
    assert_int_equal(box.tail, 7);
    assert_err(put(0, RING - 7, 0), IOT_OK);
}

static void messages_may_end_while_a_writer_is_open(void **state)
{
    (void)state;
    static struct wire wire;
    struct iot_writer w;
    assert_err(put(1, 500, 1), IOT_OK);
    assert_err(put(1, 300, 2), IOT_OK);
    struct iot_msg msg = message(2, 0);
    assert_err(iot_mqtt_outbox_begin(&box, &msg, 200, &w), IOT_OK);
    iot_writer_put(&w, pattern, 100);
    send_one();
    send_one();
    iot_mqtt_outbox_puback(&box, 1);
    iot_mqtt_outbox_puback(&box, 2);
    assert_taken(1001, IOT_OK);
    assert_taken(1002, IOT_OK);
    iot_writer_put(&w, pattern + 100, 100);
    assert_err(iot_mqtt_outbox_commit(&box, &w, 3, 3), IOT_OK);
    wire_publish(&wire, 4, "t", 3, pattern, 200);
    assert_bytes(next_bytes(), wire_bytes(&wire));
    /* and a loss does not close it */
    struct iot_msg second = message(1, 0);
    assert_err(iot_mqtt_outbox_begin(&box, &second, 10, &w), IOT_OK);
    iot_mqtt_outbox_lost(&box, true);
    iot_mqtt_outbox_resume(&box);
    assert_err(iot_mqtt_outbox_commit(&box, &w, 4, 4), IOT_OK);
    assert_int_equal(send_one(), 3);
    assert_int_equal(send_one(), 4);
}

/* ---- acknowledgements -------------------------------------------------------------------- */

static void the_end_of_a_hushed_message_has_no_ticket_wherever_it_is(void **state)
{
    (void)state;
    for (uint16_t id = 1; id <= 3; id++)
        assert_err(put(1, 20, id), IOT_OK);
    send_one();
    send_one();
    assert_true(iot_mqtt_outbox_puback(&box, 1));
    iot_mqtt_outbox_hush(&box, 1001); /* ended, and not taken out */
    iot_mqtt_outbox_hush(&box, 1002); /* in flight */
    iot_mqtt_outbox_hush(&box, 1004); /* nobody's */
    assert_taken(0, IOT_OK);
    assert_true(iot_mqtt_outbox_puback(&box, 2));
    assert_taken(0, IOT_OK);
    send_one();
    assert_true(iot_mqtt_outbox_puback(&box, 3));
    assert_taken(1003, IOT_OK);
    assert_empty();
}

static void pubacks_may_come_in_any_order_and_only_once(void **state)
{
    (void)state;
    for (uint16_t id = 1; id <= 4; id++)
        assert_err(put(1, 30, id), IOT_OK);
    assert_false(iot_mqtt_outbox_puback(&box, 1)); /* not sent yet */
    for (int i = 0; i < 3; i++)
        send_one();
    static const uint16_t order[] = {3, 1, 2};
    for (uint32_t i = 0; i < COUNT(order); i++) {
        assert_true(iot_mqtt_outbox_puback(&box, order[i]));
        assert_false(iot_mqtt_outbox_puback(&box, order[i]));
        assert_true(iot_mqtt_outbox_has_id(&box, order[i]));
        assert_taken(1000u + order[i], IOT_OK);
        assert_false(iot_mqtt_outbox_has_id(&box, order[i]));
    }
    assert_false(iot_mqtt_outbox_puback(&box, 4));
    assert_nothing_to_take();
    assert_int_equal(send_one(), 4);
}

static void an_acknowledgement_of_the_wrong_kind_ends_nothing(void **state)
{
    (void)state;
    assert_err(put(1, 30, 1), IOT_OK);
    assert_err(put(2, 30, 2), IOT_OK);
    assert_err(put(0, 30, 0), IOT_OK);
    send_one();
    send_one();
    assert_false(iot_mqtt_outbox_pubrec(&box, 1));
    assert_false(iot_mqtt_outbox_pubcomp(&box, 1));
    assert_false(iot_mqtt_outbox_puback(&box, 2));
    assert_false(iot_mqtt_outbox_pubcomp(&box, 2)); /* PUBREC first */
    assert_false(iot_mqtt_outbox_puback(&box, 3));
    assert_true(iot_mqtt_outbox_pubrec(&box, 2));
    assert_false(iot_mqtt_outbox_pubrec(&box, 2));
    assert_false(iot_mqtt_outbox_puback(&box, 2));
    assert_nothing_to_take();
    assert_int_equal(box.count, 3);
}

static void pubrels_leave_in_the_order_of_the_pubrecs(void **state)
{
    (void)state;
    for (uint16_t id = 1; id <= 5; id++) {
        assert_err(put(2, 30, id), IOT_OK);
        send_one();
    }
    static const uint16_t order[] = {4, 2, 5};
    for (uint32_t i = 0; i < COUNT(order); i++)
        assert_true(iot_mqtt_outbox_pubrec(&box, order[i]));
    assert_int_equal(iot_mqtt_rels_next(&box), 4);
    assert_int_equal(iot_mqtt_rels_next(&box), 2);
    assert_true(iot_mqtt_outbox_pubcomp(&box, 4));
    assert_true(iot_mqtt_outbox_pubrec(&box, 1));
    assert_int_equal(iot_mqtt_rels_next(&box), 5);
    assert_int_equal(iot_mqtt_rels_next(&box), 1);
    assert_int_equal(iot_mqtt_rels_next(&box), 0);
    assert_true(iot_mqtt_outbox_pubrec(&box, 3));
    /* again on the next connection, in the same order, without those that are complete */
    assert_taken(1004, IOT_OK);
    assert_true(iot_mqtt_outbox_pubcomp(&box, 5));
    assert_taken(1005, IOT_OK);
    iot_mqtt_outbox_lost(&box, true);
    assert_int_equal(iot_mqtt_outbox_resume(&box), 0);
    assert_int_equal(iot_mqtt_rels_next(&box), 2);
    assert_int_equal(iot_mqtt_rels_next(&box), 1);
    assert_int_equal(iot_mqtt_rels_next(&box), 3);
    assert_int_equal(iot_mqtt_rels_next(&box), 0);
}

static void a_pubcomp_before_our_pubrel_ends_it_and_disturbs_no_other(void **state)
{
    (void)state;
    for (uint16_t id = 1; id <= 3; id++) {
        assert_err(put(2, 30, id), IOT_OK);
        send_one();
    }
    for (uint16_t id = 1; id <= 3; id++)
        assert_true(iot_mqtt_outbox_pubrec(&box, id));
    assert_int_equal(iot_mqtt_rels_next(&box), 1);
    assert_true(iot_mqtt_outbox_pubcomp(&box, 2));
    assert_taken(1002, IOT_OK);
    assert_int_equal(iot_mqtt_rels_next(&box), 3);
    assert_int_equal(iot_mqtt_rels_next(&box), 0);
    assert_true(iot_mqtt_outbox_pubcomp(&box, 1));
    assert_true(iot_mqtt_outbox_pubcomp(&box, 3));
    assert_taken(1003, IOT_OK); /* last come, first served: nobody promised an order */
    assert_taken(1001, IOT_OK);
    assert_empty();
}

static void a_message_in_rel_holds_no_bytes(void **state)
{
    (void)state;
    assert_err(put(2, RING, 1), IOT_OK);
    struct iot_msg msg = message(0, 0);
    assert_refused(&msg, 0, IOT_ERR_FULL);
    send_one();
    assert_true(iot_mqtt_outbox_pubrec(&box, 1));
    assert_int_equal(box.used, 0);
    assert_true(iot_mqtt_outbox_room(&box));
    assert_err(put(1, RING, 2), IOT_OK);
}

/* ---- by reference ------------------------------------------------------------------------ */

static iot_err put_ref(uint8_t qos, uint16_t id, uint32_t n)
{
    struct iot_msg msg = message(qos, n);
    msg.flags = IOT_MSG_BY_REF;
    return iot_mqtt_outbox_put(&box, &msg, id, 1000u + id);
}

static void a_referenced_payload_costs_only_its_header(void **state)
{
    (void)state;
    static const uint8_t big[300000];
    struct iot_msg msg = {.topic = IOT_TOPIC("t"), .payload = {big, sizeof big}, .qos = 1};
    msg.flags = IOT_MSG_BY_REF;
    assert_err(iot_mqtt_outbox_put(&box, &msg, 1, 1), IOT_OK);
    uint8_t head[] = {0x32, 0xe5, 0xa7, 0x12, 0, 1, 't', 0, 1}; /* 300005 */
    assert_bytes(next_bytes(), ((struct iot_bytes){head, sizeof head}));
    assert_ptr_equal(iot_mqtt_ref(iot_mqtt_outbox_next(&box)).ptr, big);
    assert_int_equal(iot_mqtt_ref(iot_mqtt_outbox_next(&box)).len, sizeof big);
}

static void an_empty_reference_is_no_reference(void **state)
{
    (void)state;
    assert_err(put_ref(0, 0, 0), IOT_OK);
    assert_null(iot_mqtt_ref(iot_mqtt_outbox_next(&box)).ptr);
    iot_mqtt_outbox_sent(&box, 5);
    assert_taken(1000, IOT_OK);
}

static void a_reference_of_qos_0_is_held_until_the_stream_counts_past_it(void **state)
{
    (void)state;
    /* around the wrap of the stream's count, too */
    static const uint32_t ends[] = {1, 1000, 0x7fffffffu, 0x80000000u, 0xffffffffu, 0, 5};
    for (uint32_t i = 0; i < COUNT(ends); i++) {
        setup(NULL);
        assert_err(put_ref(0, 0, 100), IOT_OK);
        assert_false(iot_mqtt_outbox_sent(&box, ends[i]));
        assert_nothing_to_take();
        iot_mqtt_ref_released(&box, ends[i] - 106);
        iot_mqtt_ref_released(&box, ends[i] - 1);
        assert_nothing_to_take();
        assert_int_equal(box.count, 1);
        iot_mqtt_ref_released(&box, ends[i]);
        assert_taken(1000, IOT_OK);
        assert_empty();
    }
}

static void references_are_released_one_by_one_across_the_wrap(void **state)
{
    (void)state;
    uint32_t written = 0xffffff00u;
    for (uint32_t i = 0; i < 4; i++) {
        struct iot_msg msg = message(0, 90);
        msg.flags = IOT_MSG_BY_REF;
        assert_err(iot_mqtt_outbox_put(&box, &msg, 0, 10 + i), IOT_OK);
        written += 100;
        iot_mqtt_outbox_sent(&box, written);
    }
    assert_true(written < 200);
    iot_mqtt_ref_released(&box, 0xffffff00u + 199);
    assert_taken(10, IOT_OK);
    assert_nothing_to_take();
    iot_mqtt_ref_released(&box, 0xffffff00u + 300); /* wrapped by now */
    assert_taken(11, IOT_OK);
    assert_taken(12, IOT_OK);
    assert_nothing_to_take();
    iot_mqtt_outbox_lost(&box, true);
    assert_taken(13, IOT_ERR_CUT);
    assert_empty();
}

static void an_early_puback_does_not_end_a_message_that_the_stream_still_refers_to(void **state)
{
    (void)state;
    /* A broker can guess an id. If DONE came now, the application would reuse bytes that TCP may
     * have to send again. */
    assert_err(put_ref(1, 1, 100), IOT_OK);
    assert_true(iot_mqtt_outbox_sent(&box, 500));
    iot_mqtt_ref_released(&box, 499);
    assert_true(iot_mqtt_outbox_puback(&box, 1));
    assert_nothing_to_take();
    assert_false(iot_mqtt_outbox_puback(&box, 1));
    iot_mqtt_ref_released(&box, 499);
    assert_nothing_to_take();
    iot_mqtt_ref_released(&box, 500);
    assert_taken(1001, IOT_OK);
    assert_empty();
}

static void an_early_pubrec_and_pubcomp_do_not_end_it_either(void **state)
{
    (void)state;
    assert_err(put_ref(2, 1, 100), IOT_OK);
    assert_true(iot_mqtt_outbox_sent(&box, 500));
    assert_true(iot_mqtt_outbox_pubrec(&box, 1));
    assert_int_equal(iot_mqtt_rels_next(&box), 1);
    assert_true(iot_mqtt_outbox_pubcomp(&box, 1));
    iot_mqtt_ref_released(&box, 100);
    assert_nothing_to_take();
    iot_mqtt_ref_released(&box, 600);
    assert_taken(1001, IOT_OK);
    assert_empty();
}

static void an_acknowledged_reference_ends_well_when_the_link_breaks(void **state)
{
    (void)state;
    for (int keep = 0; keep <= 1; keep++) {
        setup(NULL);
        assert_err(put_ref(1, 1, 100), IOT_OK);
        assert_err(put_ref(0, 0, 100), IOT_OK);
        iot_mqtt_outbox_sent(&box, 500);
        iot_mqtt_outbox_sent(&box, 700);
        assert_true(iot_mqtt_outbox_puback(&box, 1));
        iot_mqtt_outbox_lost(&box, keep);
        assert_taken(1001, IOT_OK);
        assert_taken(1000, IOT_ERR_CUT);
        assert_empty();
    }
}

static void a_reference_in_rel_is_over_when_the_link_is(void **state)
{
    (void)state;
    assert_err(put_ref(2, 1, 100), IOT_OK);
    iot_mqtt_outbox_sent(&box, 500);
    assert_true(iot_mqtt_outbox_pubrec(&box, 1));
    iot_mqtt_outbox_lost(&box, true);
    iot_mqtt_outbox_resume(&box);
    assert_int_equal(iot_mqtt_rels_next(&box), 1);
    assert_true(iot_mqtt_outbox_pubcomp(&box, 1)); /* the new stream never heard of those bytes */
    assert_taken(1001, IOT_OK);
    assert_empty();
}

/* ---- loss -------------------------------------------------------------------------------- */

/* 1, 2: sent; 3: PUBREC came; 4: QoS 0; 5: sent; 6: never sent. */
static void fill_before_a_loss(void)
{
    setup(NULL);
    static const uint8_t qos[] = {1, 2, 2, 0, 1, 1};
    for (uint16_t i = 0; i < COUNT(qos); i++) {
        struct iot_msg msg = message(qos[i], 10);
        assert_err(iot_mqtt_outbox_put(&box, &msg, (uint16_t)(qos[i] != 0 ? i + 1 : 0), i + 1u),
                   IOT_OK);
    }
    for (int i = 0; i < 5; i++)
        iot_mqtt_outbox_sent(&box, 0);
    assert_true(iot_mqtt_outbox_pubrec(&box, 3));
    assert_taken(4, IOT_OK);
}

static void assert_next(uint16_t id, uint8_t first)
{
    static struct wire w;
    struct iot_mqtt_out *m = iot_mqtt_outbox_next(&box);
    assert_non_null(m);
    assert_int_equal(m->id, id);
    wire_clear(&w);
    wire_publish(&w, first & 15, "t", id, pattern, 10);
    assert_bytes(next_bytes(), wire_bytes(&w));
    iot_mqtt_outbox_sent(&box, 0);
}

static void a_kept_session_resends_with_the_same_ids_and_dup_in_the_old_order(void **state)
{
    (void)state;
    fill_before_a_loss();
    iot_mqtt_outbox_lost(&box, true);
    assert_nothing_to_take();
    /* what is published before CONNACK comes behind */
    struct iot_msg msg = message(2, 10);
    assert_err(iot_mqtt_outbox_put(&box, &msg, 7, 7), IOT_OK);
    assert_int_equal(iot_mqtt_outbox_resume(&box), 3);
    assert_int_equal(iot_mqtt_rels_next(&box), 3);
    assert_next(1, 0x3a);
    assert_next(2, 0x3c);
    assert_next(5, 0x3a);
    assert_next(6, 0x32); /* was never sent: no DUP */
    assert_next(7, 0x34);
    assert_null(iot_mqtt_outbox_next(&box));
}

static void a_second_loss_in_the_middle_of_the_resend_repeats_all_of_it(void **state)
{
    (void)state;
    fill_before_a_loss();
    iot_mqtt_outbox_lost(&box, true);
    iot_mqtt_outbox_resume(&box);
    assert_next(1, 0x3a);
    iot_mqtt_outbox_lost(&box, true);
    assert_int_equal(iot_mqtt_outbox_resume(&box), 1); /* the others were not sent again before */
    assert_int_equal(iot_mqtt_rels_next(&box), 3);
    assert_next(1, 0x3a);
    assert_next(2, 0x3c);
    assert_next(5, 0x3a);
    assert_next(6, 0x32);
    assert_null(iot_mqtt_outbox_next(&box));
}

static void a_publish_whose_pubrel_was_due_is_never_published_again(void **state)
{
    (void)state;
    fill_before_a_loss();
    iot_mqtt_outbox_lost(&box, true);
    iot_mqtt_outbox_resume(&box);
    for (uint16_t id; iot_mqtt_outbox_next(&box) != NULL;) {
        id = send_one();
        assert_int_not_equal(id, 3);
    }
}

static void a_lost_session_is_renewed_without_dup_and_rel_ends_unknown(void **state)
{
    (void)state;
    fill_before_a_loss();
    iot_mqtt_outbox_lost(&box, true);
    assert_int_equal(iot_mqtt_outbox_renew(&box, false), 3);
    assert_taken(3, IOT_ERR_UNKNOWN);
    assert_nothing_to_take();
    assert_int_equal(iot_mqtt_rels_next(&box), 0);
    assert_next(1, 0x32);
    assert_next(2, 0x34);
    assert_next(5, 0x32);
    assert_next(6, 0x32);
    /* also after DUP was set for a resend that did not come about */
    fill_before_a_loss();
    iot_mqtt_outbox_lost(&box, true);
    iot_mqtt_outbox_resume(&box);
    iot_mqtt_outbox_lost(&box, true);
    iot_mqtt_outbox_renew(&box, false);
    assert_taken(3, IOT_ERR_UNKNOWN);
    assert_next(1, 0x32);
    assert_next(2, 0x34);
    /* and from then on they count as sent again */
    iot_mqtt_outbox_lost(&box, true);
    iot_mqtt_outbox_resume(&box);
    assert_next(1, 0x3a);
    assert_next(2, 0x3c);
    assert_next(5, 0x32);
}

static void a_clean_session_ends_what_was_sent_as_unknown_and_keeps_what_was_not(void **state)
{
    (void)state;
    fill_before_a_loss();
    iot_mqtt_outbox_lost(&box, false);
    uint32_t seen = 0;
    for (int i = 0; i < 4; i++) {
        iot_ticket ticket;
        iot_err err;
        assert_true(iot_mqtt_outbox_take(&box, &ticket, &err));
        assert_err(err, IOT_ERR_UNKNOWN);
        seen |= 1u << ticket;
    }
    assert_int_equal(seen, 1u << 1 | 1u << 2 | 1u << 3 | 1u << 5);
    assert_nothing_to_take();
    assert_int_equal(iot_mqtt_rels_next(&box), 0);
    iot_mqtt_outbox_renew(&box, false);
    assert_next(6, 0x32);
    assert_null(iot_mqtt_outbox_next(&box));
}

static void finish_ends_each_as_unknown_or_closed(void **state)
{
    (void)state;
    fill_before_a_loss();
    iot_mqtt_outbox_lost(&box, true);
    iot_mqtt_outbox_finish(&box);
    for (int i = 0; i < 5; i++) {
        iot_ticket ticket;
        iot_err err;
        assert_true(iot_mqtt_outbox_take(&box, &ticket, &err));
        assert_err(err, ticket == 6 ? IOT_ERR_CLOSED : IOT_ERR_UNKNOWN);
    }
    assert_nothing_to_take();
    assert_empty();
    /* resumed and not sent again: the broker may have it from the first time */
    fill_before_a_loss();
    iot_mqtt_outbox_lost(&box, true);
    iot_mqtt_outbox_resume(&box);
    iot_mqtt_outbox_lost(&box, true);
    iot_mqtt_outbox_finish(&box);
    for (int i = 0; i < 5; i++) {
        iot_ticket ticket;
        iot_err err;
        assert_true(iot_mqtt_outbox_take(&box, &ticket, &err));
        assert_err(err, ticket == 6 ? IOT_ERR_CLOSED : IOT_ERR_UNKNOWN);
    }
    assert_empty();
}

static void what_a_lost_session_had_is_unknown_though_it_waits_to_be_sent_as_new(void **state)
{
    (void)state;
    fill_before_a_loss();
    iot_mqtt_outbox_lost(&box, true);
    iot_mqtt_outbox_renew(&box, false);
    iot_ticket ticket;
    iot_err err;
    while (box.ended != 0) /* what was in REL */
        assert_true(iot_mqtt_outbox_take(&box, &ticket, &err));
    iot_mqtt_outbox_lost(&box, true);
    iot_mqtt_outbox_finish(&box);
    uint32_t unknown = 0;
    while (iot_mqtt_outbox_take(&box, &ticket, &err)) {
        assert_err(err, ticket == 6 ? IOT_ERR_CLOSED : IOT_ERR_UNKNOWN);
        unknown += err == IOT_ERR_UNKNOWN;
    }
    assert_true(unknown >= 2);
}

static void a_lost_session_hands_back_what_was_sent_if_that_is_wanted(void **state)
{
    (void)state;
    fill_before_a_loss();
    iot_mqtt_outbox_lost(&box, true);
    assert_int_equal(iot_mqtt_outbox_renew(&box, true), 0);
    iot_ticket ticket;
    iot_err err;
    while (box.ended != 0) {
        assert_true(iot_mqtt_outbox_take(&box, &ticket, &err));
        assert_err(err, IOT_ERR_UNKNOWN);
        assert_int_not_equal(ticket, 6);
    }
    assert_int_equal(box.count, 1); /* what was never sent waits */
    assert_int_equal(iot_mqtt_outbox_next(&box)->ticket, 6);
}

static void after_finish_nobody_is_told_of_room(void **state)
{
    (void)state;
    assert_err(put(1, RING, 1), IOT_OK);
    assert_err(put(1, 20, 2), IOT_ERR_FULL);
    iot_mqtt_outbox_lost(&box, false);
    iot_mqtt_outbox_finish(&box);
    assert_taken(1001, IOT_ERR_CLOSED);
    assert_false(iot_mqtt_outbox_room(&box));
}

static void finish_closes_a_writer(void **state)
{
    (void)state;
    struct iot_msg msg = message(1, 0);
    struct iot_writer w;
    assert_err(iot_mqtt_outbox_begin(&box, &msg, 10, &w), IOT_OK);
    iot_mqtt_outbox_lost(&box, true);
    iot_mqtt_outbox_finish(&box);
    assert_empty();
    assert_err(iot_mqtt_outbox_commit(&box, &w, 1, 1), IOT_ERR_STATE);
}

/* ---- against a model --------------------------------------------------------------------- */

/* The model is a list of messages with copies of their bytes; it knows nothing of rings. */
enum model_state { QUEUED, SENT, REL, HELD, ENDED };

struct model_msg {
    enum model_state state;
    iot_ticket ticket;
    uint16_t id;
    uint8_t qos;
    bool again;
    bool has_bytes;
    uint32_t rel_order;
    const uint8_t *ref;
    uint32_t ref_end;
    iot_err result;
    uint32_t len;
    uint8_t bytes[IOT_MQTT_TX_BYTES];
    uint16_t topic_len;
    bool gives_way, tried;
};

static struct model {
    struct model_msg msg[IOT_MQTT_OUT_MAX];
    uint32_t count;
    uint32_t rel_clock; /* counts PUBRECs */
    uint32_t rels_out;  /* the PUBREL of this clock and older ones are out */
    bool writer_open, writer_writes_ok;
    struct iot_writer writer;
    struct iot_msg writer_msg;
    uint8_t written[IOT_MQTT_TX_BYTES];
    uint32_t written_len;
    uint32_t stream, released;
    iot_ticket next_ticket;
    uint16_t next_id;
    uint32_t accepted, ended, drops;
    iot_ticket dropped[IOT_MQTT_DROPPED_MAX];
    uint32_t dropped_count;
} model;

static uint32_t rng;
static uint32_t chance(uint32_t below)
{
    return test_random(&rng, below);
}

static void model_remove(uint32_t i)
{
    model.count--;
    memmove(&model.msg[i], &model.msg[i + 1], (model.count - i) * sizeof model.msg[0]);
}

static struct model_msg *model_find(uint16_t id, enum model_state state, uint8_t qos)
{
    for (uint32_t i = 0; i < model.count; i++)
        if (model.msg[i].id == id && model.msg[i].state == state && model.msg[i].qos == qos)
            return &model.msg[i];
    return NULL;
}

static struct model_msg *model_first(enum model_state state)
{
    for (uint32_t i = 0; i < model.count; i++)
        if (model.msg[i].state == state)
            return &model.msg[i];
    return NULL;
}

static const struct iot_mqtt_out *out_of(iot_ticket ticket)
{
    for (uint32_t i = 0; i < box.count; i++)
        if (box.out[i].ticket == ticket)
            return &box.out[i];
    fail_msg("ticket %u is not in the table", (unsigned)ticket);
    return NULL;
}

static uint16_t model_id(void)
{
    do {
        model.next_id = (uint16_t)(model.next_id + 1);
    } while (model.next_id == 0 || iot_mqtt_outbox_has_id(&box, model.next_id));
    return model.next_id;
}

static const char *random_topic(uint32_t *len)
{
    static const char text[] =
        "sensor/temperature/kitchen/window/left/upper/pane/with/a/name/that/is/long/enough/to/"
        "push/the/length/over/one/byte/all/by/itself/and/then/some/more";
    *len = chance(4) == 0 ? 1 + chance(sizeof text - 1) : 1 + chance(20);
    return text;
}

static void model_append(const struct iot_msg *msg, uint16_t id, iot_ticket ticket,
                         const uint8_t *payload, uint32_t n, const uint8_t *ref)
{
    static struct wire w;
    static char topic[256];
    struct model_msg *m = &model.msg[model.count++];
    memset(m, 0, sizeof *m);
    memcpy(topic, msg->topic.text, msg->topic.len);
    topic[msg->topic.len] = '\0';
    wire_clear(&w);
    wire_publish(&w, (uint8_t)(msg->qos << 1 | (msg->flags & IOT_MSG_RETAIN)), topic, id,
                 ref != NULL ? ref : payload, n);
    m->state = QUEUED;
    m->ticket = ticket;
    m->id = id;
    m->qos = msg->qos;
    m->ref = ref;
    m->len = ref != NULL ? w.len - n : w.len;
    m->has_bytes = true;
    memcpy(m->bytes, w.bytes, m->len);
    m->topic_len = msg->topic.len;
    m->gives_way = (msg->flags & (IOT_MSG_DROP_OLDEST | IOT_MSG_REPLACE)) != 0;
    model.accepted++;
}

static uint32_t model_bytes(void)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < model.count; i++)
        n += model.msg[i].has_bytes ? model.msg[i].len : 0;
    return n;
}

static bool model_fits(uint32_t n)
{
    return model.count < TABLE && model_bytes() + n <= RING;
}

/* Nothing of it was ever sent, and its publisher allowed it to be dropped. */
static bool model_gives_way(const struct model_msg *m)
{
    return m->state == QUEUED && !m->tried && m->gives_way &&
           !(box.sending && m == model_first(QUEUED));
}

static void model_drop(uint32_t i)
{
    assert_true(model.dropped_count < IOT_MQTT_DROPPED_MAX);
    model.dropped[model.dropped_count++] = model.msg[i].ticket;
    model_remove(i);
}

/* What the policy of a message of `n` bytes makes of the queue. False: it is refused, and nothing
 * has changed. */
static bool model_make_room(const struct iot_msg *msg, uint32_t n)
{
    static struct model before;
    before = model;
    uint32_t drops = model.dropped_count;
    if (msg->flags & IOT_MSG_REPLACE) {
        for (uint32_t i = 0; i < model.count; i++) {
            struct model_msg *m = &model.msg[i];
            if (model_gives_way(m) && m->topic_len == msg->topic.len) { /* all begin alike */
                if (drops++ < IOT_MQTT_DROPPED_MAX)
                    model_drop(i);
                break;
            }
        }
    } else if (msg->flags & IOT_MSG_DROP_OLDEST) {
        for (uint32_t i = 0; i < model.count && !model_fits(n);) {
            if (!model_gives_way(&model.msg[i]))
                i++;
            else if (drops++ < IOT_MQTT_DROPPED_MAX)
                model_drop(i);
            else
                break;
        }
    }
    if (model_fits(n) && drops <= IOT_MQTT_DROPPED_MAX)
        return true;
    model = before;
    return false;
}

static struct iot_msg random_message(void)
{
    uint32_t topic_len;
    struct iot_msg msg = {.qos = (uint8_t)chance(3)};
    msg.topic.text = random_topic(&topic_len);
    msg.topic.len = (uint16_t)topic_len;
    static const uint8_t policies[] = {0, IOT_MSG_REFUSE, IOT_MSG_DROP_OLDEST, IOT_MSG_REPLACE};
    msg.flags = (uint8_t)((chance(2) ? IOT_MSG_RETAIN : 0) | policies[chance(4)]);
    return msg;
}

static uint32_t random_len(void)
{
    switch (chance(4)) {
    case 0:
        return 110 + chance(30);
    case 1:
        return chance(700);
    default:
        return chance(60);
    }
}

static uint32_t size_in_ring(const struct iot_msg *msg, uint32_t n, bool by_ref)
{
    uint32_t body = 2u + msg->topic.len + (msg->qos != 0 ? 2 : 0) + n;
    return 1 + (body < 128 ? 1u : body < 16384 ? 2u : 3u) + body - (by_ref ? n : 0);
}

static void op_put(void)
{
    static uint8_t payloads[64][IOT_MQTT_TX_BYTES];
    static uint32_t at;
    uint8_t *payload = payloads[at++ % 64];
    struct iot_msg msg = random_message();
    msg.payload.len = random_len();
    msg.payload.ptr = payload;
    for (uint32_t i = 0; i < msg.payload.len; i++)
        payload[i] = (uint8_t)chance(256);
    bool by_ref = chance(4) == 0;
    if (by_ref)
        msg.flags |= IOT_MSG_BY_REF;
    uint16_t id = msg.qos != 0 ? model_id() : 0;
    iot_ticket ticket = model.next_ticket++;
    iot_err err = iot_mqtt_outbox_put(&box, &msg, id, ticket);
    by_ref = by_ref && msg.payload.len != 0;
    uint32_t n = size_in_ring(&msg, msg.payload.len, by_ref);
    if (model.writer_open) {
        assert_err(err, IOT_ERR_STATE);
    } else if (n > RING) {
        assert_err(err, IOT_ERR_SIZE);
    } else {
        assert_err(err, model_make_room(&msg, n) ? IOT_OK : IOT_ERR_FULL);
        if (err == IOT_OK)
            model_append(&msg, id, ticket, payload, msg.payload.len, by_ref ? payload : NULL);
    }
}

static void op_begin(void)
{
    struct iot_msg msg = random_message();
    uint32_t max = random_len();
    struct iot_writer w;
    iot_err err = iot_mqtt_outbox_begin(&box, &msg, max, &w);
    uint32_t n = size_in_ring(&msg, max, false);
    if (model.writer_open) {
        assert_err(err, IOT_ERR_STATE);
    } else if (n > RING) {
        assert_err(err, IOT_ERR_SIZE);
    } else if (!model_make_room(&msg, n)) {
        assert_err(err, IOT_ERR_FULL);
    } else {
        assert_err(err, IOT_OK);
        model.writer_open = true;
        model.writer = w;
        model.writer_msg = msg;
        model.written_len = 0;
    }
}

static void op_write(void)
{
    if (!model.writer_open)
        return;
    uint32_t n = chance(80);
    uint8_t bytes[80];
    for (uint32_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)chance(256);
    if (!model.writer.overflow && n <= model.writer.cap - model.written_len) {
        memcpy(model.written + model.written_len, bytes, n);
        model.written_len += n;
    }
    iot_writer_put(&model.writer, bytes, n);
}

static void op_commit(void)
{
    if (!model.writer_open)
        return;
    uint16_t id = model.writer_msg.qos != 0 ? model_id() : 0;
    iot_ticket ticket = model.next_ticket++;
    iot_err err = iot_mqtt_outbox_commit(&box, &model.writer, id, ticket);
    model.writer_open = false;
    if (model.writer.overflow) {
        assert_err(err, IOT_ERR_SIZE);
        return;
    }
    assert_err(err, IOT_OK);
    model_append(&model.writer_msg, id, ticket, model.written, model.written_len, NULL);
}

static void op_send(void)
{
    struct model_msg *m = model_first(QUEUED);
    struct iot_mqtt_out *out = iot_mqtt_outbox_next(&box);
    if (m == NULL) {
        assert_null(out);
        return;
    }
    assert_non_null(out);
    assert_int_equal(out->ticket, m->ticket);
    assert_bytes(next_bytes(), ((struct iot_bytes){m->bytes, m->len}));
    assert_ptr_equal(iot_mqtt_ref(out).ptr, m->ref);
    if (chance(4) == 0) { /* for a while it is with the stream in part */
        box.sending = true;
        return;
    }
    model.stream += m->len + (m->ref != NULL ? iot_mqtt_ref(out).len : 0);
    assert_int_equal(iot_mqtt_outbox_sent(&box, model.stream), m->qos != 0);
    m->again = m->tried = true;
    m->ref_end = model.stream;
    if (m->qos != 0) {
        m->state = SENT;
    } else {
        m->has_bytes = false;
        m->state = m->ref != NULL ? HELD : ENDED;
        m->result = IOT_OK;
    }
}

/* An id of ours, mostly. */
static uint16_t some_id(void)
{
    if (model.count != 0 && chance(8) != 0)
        return model.msg[chance(model.count)].id;
    return (uint16_t)chance(65536);
}

static void op_puback(void)
{
    uint16_t id = some_id();
    struct model_msg *m = model_find(id, SENT, 1);
    assert_int_equal(iot_mqtt_outbox_puback(&box, id), m != NULL);
    if (m == NULL)
        return;
    m->state = m->ref != NULL ? HELD : ENDED;
    m->has_bytes = false;
    m->result = IOT_OK;
}

static void op_pubrec(void)
{
    uint16_t id = some_id();
    struct model_msg *m = model_find(id, SENT, 2);
    assert_int_equal(iot_mqtt_outbox_pubrec(&box, id), m != NULL);
    if (m == NULL)
        return;
    m->state = REL;
    m->has_bytes = false;
    m->rel_order = ++model.rel_clock;
}

static void op_pubcomp(void)
{
    uint16_t id = some_id();
    struct model_msg *m = model_find(id, REL, 2);
    assert_int_equal(iot_mqtt_outbox_pubcomp(&box, id), m != NULL);
    if (m == NULL)
        return;
    m->state = m->ref != NULL ? HELD : ENDED;
    m->result = IOT_OK;
}

static void op_next_rel(void)
{
    struct model_msg *first = NULL;
    for (uint32_t i = 0; i < model.count; i++) {
        struct model_msg *m = &model.msg[i];
        if (m->state == REL && m->rel_order > model.rels_out &&
            (first == NULL || m->rel_order < first->rel_order))
            first = m;
    }
    assert_int_equal(iot_mqtt_rels_next(&box), first != NULL ? first->id : 0);
    if (first != NULL)
        model.rels_out = first->rel_order;
}

static void op_released(void)
{
    model.released += chance(model.stream - model.released + 1);
    iot_mqtt_ref_released(&box, model.released);
    for (uint32_t i = 0; i < model.count; i++) {
        struct model_msg *m = &model.msg[i];
        if (m->state == HELD && model.stream - m->ref_end >= model.stream - model.released) {
            m->state = ENDED;
            m->result = IOT_OK;
        }
    }
}

static void op_take(void)
{
    iot_ticket ticket;
    iot_err result;
    if (!iot_mqtt_outbox_take(&box, &ticket, &result)) {
        assert_null(model_first(ENDED));
        assert_int_equal(model.dropped_count, 0);
        return;
    }
    if (model_first(ENDED) == NULL) {
        assert_int_not_equal(model.dropped_count, 0);
        assert_int_equal(ticket, model.dropped[0]);
        assert_err(result, IOT_ERR_DROPPED);
        memmove(model.dropped, model.dropped + 1, --model.dropped_count * sizeof ticket);
        model.ended++;
        model.drops++;
        return;
    }
    for (uint32_t i = 0; i < model.count; i++) {
        if (model.msg[i].ticket == ticket) {
            assert_int_equal(model.msg[i].state, ENDED);
            assert_err(result, model.msg[i].result);
            model_remove(i);
            model.ended++;
            return;
        }
    }
    fail_msg("ticket %u ended twice, or was never given", (unsigned)ticket);
}

static void take_all(void)
{
    while (model_first(ENDED) != NULL || model.dropped_count != 0)
        op_take();
    assert_nothing_to_take();
}

static void model_end(struct model_msg *m, iot_err result)
{
    m->state = ENDED;
    m->has_bytes = false;
    m->result = result;
}

static void model_lost(bool keep)
{
    iot_mqtt_outbox_lost(&box, keep);
    model.rels_out = 0;
    for (uint32_t i = 0; i < model.count; i++) {
        struct model_msg *m = &model.msg[i];
        if (m->state == HELD)
            model_end(m, m->qos != 0 ? IOT_OK : IOT_ERR_CUT);
        else if (!keep && (m->state == SENT || m->state == REL))
            model_end(m, IOT_ERR_UNKNOWN);
        else if (!keep)
            m->again = false;
        else if (m->state == REL)
            m->ref = NULL;
    }
    model.stream = model.released = 0u - chance(5000); /* so that the count wraps often */
}

static void op_lost(void)
{
    bool keep = chance(3) != 0;
    bool renew = !keep || chance(2);
    model_lost(keep);
    take_all();
    for (uint32_t n = chance(3); n != 0; n--)
        op_put();
    uint32_t sent_before = 0;
    for (uint32_t i = 0; i < model.count; i++) {
        struct model_msg *m = &model.msg[i];
        if (m->state == REL) {
            if (renew)
                model_end(m, IOT_ERR_UNKNOWN);
            continue;
        }
        sent_before += m->state == SENT;
        m->state = QUEUED;
        if (renew)
            m->again = false;
        m->bytes[0] = (uint8_t)(m->again ? m->bytes[0] | 8 : m->bytes[0] & ~8);
    }
    assert_int_equal(renew ? iot_mqtt_outbox_renew(&box, false) : iot_mqtt_outbox_resume(&box),
                     sent_before);
}

static void op_finish(void)
{
    model_lost(chance(2));
    iot_mqtt_outbox_finish(&box);
    for (uint32_t i = 0; i < model.count; i++) {
        struct model_msg *m = &model.msg[i];
        if (m->state != ENDED)
            model_end(m, m->tried || m->state == REL ? IOT_ERR_UNKNOWN : IOT_ERR_CLOSED);
    }
    model.writer_open = false;
    take_all();
    assert_empty();
    assert_int_equal(model.accepted, model.ended);
}

static void assert_model_holds(void)
{
    uint32_t lens = 0;
    assert_int_equal(box.count, model.count);
    for (uint32_t i = 0; i < model.count; i++) {
        const struct model_msg *m = &model.msg[i];
        const struct iot_mqtt_out *out = out_of(m->ticket);
        if (!m->has_bytes) {
            assert_int_equal(out->len, 0);
            continue;
        }
        assert_int_equal(out->len, m->len);
        assert_memory_equal(box.tx + out->at, m->bytes, m->len);
        lens += m->len;
    }
    assert_int_equal(box.used, lens);
    IF_STATS(assert_true(box.tx_high >= lens && box.tx_high <= RING);)
    if (model.writer_open) {
        assert_int_equal(model.writer.len, model.written_len);
        assert_memory_equal(model.writer.ptr, model.written, model.written_len);
    }
}

static void thousands_of_random_operations_agree_with_a_naive_model(void **state)
{
    static const struct {
        void (*run)(void);
        uint32_t weight;
    } ops[] = {{op_put, 30},     {op_begin, 8},    {op_write, 12},  {op_commit, 8},
               {op_send, 30},    {op_puback, 18},  {op_pubrec, 14}, {op_pubcomp, 10},
               {op_next_rel, 8}, {op_released, 8}, {op_take, 20},   {op_lost, 2},
               {op_finish, 1}};
    uint32_t total = 0;
    (void)state;
    for (uint32_t i = 0; i < COUNT(ops); i++)
        total += ops[i].weight;
    rng = test_seed();
    setup(NULL);
    memset(&model, 0, sizeof model);
    model.next_ticket = 1;
    model.next_id = 65500;
    for (uint32_t step = 0; step < 60000; step++) {
        uint32_t pick = chance(total);
        uint32_t i = 0;
        while (pick >= ops[i].weight)
            pick -= ops[i++].weight;
        heap_trap_on();
        ops[i].run();
        if (chance(10) == 0 && model.writer_open) {
            iot_mqtt_writer_drop(&box);
            model.writer_open = false;
        }
        heap_trap_off();
        assert_model_holds();
    }
    op_finish();
    print_message("%u messages, %u dropped\n", (unsigned)model.accepted, (unsigned)model.drops);
    assert_true(model.accepted > 3000 && model.drops > 300);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        CASE(a_message_is_checked_before_it_is_accepted),
        CASE(the_bytes_of_a_message_are_those_of_the_standard),
        CASE(a_message_that_fills_the_ring_exactly_fits_and_one_byte_more_never_does),
        CASE(absurd_lengths_are_refused_without_arithmetic_accidents),
        CASE(a_full_table_refuses_one_more_and_changes_nothing),
        CASE(a_full_ring_refuses_one_more_and_says_once_when_there_is_room),
        CASE(a_message_that_does_not_fit_behind_the_tail_goes_whole_to_the_start),
        CASE(the_bytes_up_to_the_very_end_of_the_ring_are_used),
        CASE(commit_with_a_shorter_payload_aligns_the_header_before_it),
        CASE(one_writer_is_open_at_a_time_and_nothing_else_is_queued_meanwhile),
        CASE(a_writer_that_overflowed_queues_nothing),
        CASE(a_writer_never_takes_a_reference),
        CASE(a_reservation_can_take_the_whole_ring_and_gives_back_what_was_not_written),
        CASE(messages_may_end_while_a_writer_is_open),
        CASE(the_end_of_a_hushed_message_has_no_ticket_wherever_it_is),
        CASE(pubacks_may_come_in_any_order_and_only_once),
        CASE(an_acknowledgement_of_the_wrong_kind_ends_nothing),
        CASE(pubrels_leave_in_the_order_of_the_pubrecs),
        CASE(a_pubcomp_before_our_pubrel_ends_it_and_disturbs_no_other),
        CASE(a_message_in_rel_holds_no_bytes),
        CASE(a_referenced_payload_costs_only_its_header),
        CASE(an_empty_reference_is_no_reference),
        CASE(a_reference_of_qos_0_is_held_until_the_stream_counts_past_it),
        CASE(references_are_released_one_by_one_across_the_wrap),
        CASE(an_early_puback_does_not_end_a_message_that_the_stream_still_refers_to),
        CASE(an_early_pubrec_and_pubcomp_do_not_end_it_either),
        CASE(an_acknowledged_reference_ends_well_when_the_link_breaks),
        CASE(a_reference_in_rel_is_over_when_the_link_is),
        CASE(a_kept_session_resends_with_the_same_ids_and_dup_in_the_old_order),
        CASE(a_second_loss_in_the_middle_of_the_resend_repeats_all_of_it),
        CASE(a_publish_whose_pubrel_was_due_is_never_published_again),
        CASE(a_lost_session_is_renewed_without_dup_and_rel_ends_unknown),
        CASE(a_clean_session_ends_what_was_sent_as_unknown_and_keeps_what_was_not),
        CASE(finish_ends_each_as_unknown_or_closed),
        CASE(what_a_lost_session_had_is_unknown_though_it_waits_to_be_sent_as_new),
        CASE(a_lost_session_hands_back_what_was_sent_if_that_is_wanted),
        CASE(after_finish_nobody_is_told_of_room),
        CASE(finish_closes_a_writer),
        CASE(thousands_of_random_operations_agree_with_a_naive_model),
    };
    return cmocka_run_group_tests_name("mqtt_outbox", tests, NULL, NULL);
}

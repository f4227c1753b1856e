/* SPDX-License-Identifier: Apache-2.0 */
/* Messages: RFC 7252, section 4. Requests: test_coap_request.c; blocks: test_coap_block.c; observations: test_coap_observe.c; all of it
 * over a bad wire: test_coap_storm.c. */
#include "coap_rig.h"

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    rig_init(&rig, 7);
    return 0;
}

/* ---- Requests and their responses -------------------------------------------------------- */

static void a_piggybacked_response_ends_the_request(void **state)
{
    (void)state;
    struct app *app = app_new();
    struct iot_coap_request get = asks(app, IOT_COAP_GET);

    rig_start(&rig, &get);
    assert_false(iot_coap_exchange_idle(&rig.x));
    assert_true(iot_coap_exchange_wants(&rig.x));
    assert_true(rig_out(&rig));
    assert_int_equal(rig.m.type, IOT_COAP_CON);
    assert_int_equal(rig.m.code, IOT_COAP_GET);
    assert_int_equal(rig.m.token.len, 8);
    assert_int_equal(rig.m.payload.len, 0);
    assert_false(iot_coap_exchange_wants(&rig.x));
    struct seen req = seen_of(&rig);
    give_text(&rig, IOT_COAP_ACK, req.id, &req, "hello");
    assert_string_equal(app->said, "2.05 +5 whole end OK");
    assert_true(iot_coap_exchange_idle(&rig.x));
    assert_false(rig_out(&rig));
    assert_int_equal(iot_coap_exchange_deadline(&rig.x), IOT_TIME_NEVER);
}

static void a_separate_response_is_awaited_and_acknowledged(void **state)
{
    (void)state;
    struct app *app = app_new();
    struct iot_coap_request get = asks(app, IOT_COAP_GET);

    rig_start(&rig, &get);
    assert_true(rig_out(&rig));
    struct seen req = seen_of(&rig);
    give_empty(&rig, IOT_COAP_ACK, req.id);
    assert_false(rig_out(&rig));
    rig_after(&rig, 20000);
    assert_false(rig_out(&rig)); /* acknowledged: not sent again */
    give_text(&rig, IOT_COAP_CON, 0x1234, &req, "late");
    assert_string_equal(app->said, "2.05 +4 whole end OK");
    assert_true(rig_out(&rig));
    assert_int_equal(rig.len, 4);
    assert_int_equal(rig.m.type, IOT_COAP_ACK);
    assert_int_equal(rig.m.code, 0);
    assert_int_equal(rig.m.id, 0x1234);
}

static void a_ping_is_answered_by_a_reset(void **state)
{
    (void)state;
    struct app *app = app_new();
    struct iot_coap_request ping = {.method = IOT_COAP_PING, .on = &app_handlers, .ctx = app};

    rig_start(&rig, &ping);
    assert_true(rig_out(&rig));
    assert_int_equal(rig.len, 4);
    assert_int_equal(rig.m.type, IOT_COAP_CON);
    assert_int_equal(rig.m.code, 0);
    give_empty(&rig, IOT_COAP_RST, (uint16_t)(rig.m.id + 1));
    assert_int_equal(app->ends, 0);
    give_empty(&rig, IOT_COAP_RST, rig.m.id);
    assert_string_equal(app->said, "end OK");
}

/* ---- Time: RFC 7252 4.2, 4.8 ------------------------------------------------------------- */

static void the_first_wait_is_spread_evenly_between_2_and_3_seconds(void **state)
{
    (void)state;
    uint32_t bins[10] = {0};
    struct iot_coap_request get;

    for (uint32_t seed = 1; seed <= 1000; seed++) {
        rig_init(&rig, seed);
        get = asks(app_new(), IOT_COAP_GET);
        rig_start(&rig, &get);
        assert_true(rig_out(&rig));
        iot_time wait = iot_coap_exchange_deadline(&rig.x) - rig.now;
        assert_in_range(wait, 2000, 3000);
        bins[wait == 3000 ? 9 : (wait - 2000) / 100]++;
    }
    for (uint32_t i = 0; i < 10; i++)
        assert_in_range(bins[i], 70, 130);
}

static void a_request_is_sent_five_times_and_given_up_between_62_and_93_seconds(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 1000; seed++) {
        struct app *app = app_new();
        struct iot_coap_request put = asks(app, IOT_COAP_PUT);
        uint8_t first[IOT_COAP_BYTES];
        uint32_t first_len, sent = 1;
        iot_time begun, wait, last;

        rig_init(&rig, seed);
        put.body = text_bytes("on");
        rig_start(&rig, &put);
        assert_true(rig_out(&rig));
        memcpy(first, rig.bytes, rig.len);
        first_len = rig.len;
        begun = last = rig.now;
        wait = iot_coap_exchange_deadline(&rig.x) - rig.now;
        while (app->ends == 0) {
            assert_int_equal(iot_coap_exchange_deadline(&rig.x), rig.now + wait);
            assert_false(rig_out(&rig));
            rig_after(&rig, (uint32_t)wait - 1);
            assert_false(rig_out(&rig));
            assert_int_equal(app->ends, 0);
            rig_after(&rig, 1);
            if (!rig_out(&rig))
                break;
            assert_int_equal(rig.len, first_len);
            assert_memory_equal(rig.bytes, first, first_len); /* M12 */
            wait *= 2;
            last = rig.now;
            sent++;
        }
        assert_int_equal(sent, 5);
        assert_in_range(last - begun, 30000, 45000);
        assert_in_range(rig.now - begun, 62000, 93000);
        assert_string_equal(app->said, "end COAP_TIMEOUT");
        assert_int_equal(rig.x.counters.sent, 5);
        assert_int_equal(rig.x.counters.repeated, 4);
    }
}

static void what_is_asked_for_is_what_time_and_tries_are(void **state)
{
    (void)state;
    struct app *app = app_new();
    struct iot_coap_request get = asks(app, IOT_COAP_GET);
    iot_time begun = rig.now;

    rig.x.rules.ack_timeout_ms = 10000;
    rig.x.rules.max_retransmit = 1;
    rig_start(&rig, &get);
    assert_true(rig_out(&rig));
    assert_true(rig_on(&rig));
    assert_in_range(rig.now - begun, 10000, 15000);
    assert_true(rig_out(&rig));
    assert_true(rig_on(&rig));
    assert_in_range(rig.now - begun, 30000, 45000);
    assert_string_equal(app->said, "end COAP_TIMEOUT");
}

static void a_reset_ends_the_request(void **state)
{
    (void)state;
    struct app *app = app_new(), *non = app_new();
    struct iot_coap_request get = asks(app, IOT_COAP_GET), other = asks(non, IOT_COAP_GET);

    other.non = true;
    rig_start(&rig, &get);
    rig_start(&rig, &other);
    assert_true(rig_out(&rig));
    give_empty(&rig, IOT_COAP_RST, rig.m.id);
    assert_string_equal(app->said, "end COAP_RESET");
    assert_true(rig_out(&rig));
    assert_int_equal(rig.m.type, IOT_COAP_NON);
    give_empty(&rig, IOT_COAP_RST, rig.m.id);
    assert_string_equal(non->said, "end COAP_RESET");
    assert_false(rig_out(&rig)); /* nobody answers a reset */
}

static void a_response_that_comes_before_its_acknowledgement_counts_as_both(void **state)
{
    (void)state;
    struct app *app = app_new(), *next = app_new();
    struct iot_coap_request get = asks(app, IOT_COAP_GET), other = asks(next, IOT_COAP_GET);

    rig_start(&rig, &get);
    rig_start(&rig, &other);
    assert_true(rig_out(&rig));
    struct seen req = seen_of(&rig);
    assert_true(rig_on(&rig));
    assert_true(rig_out(&rig)); /* once more */
    give_text(&rig, IOT_COAP_CON, 77, &req, "x");
    assert_string_equal(app->said, "2.05 +1 whole end OK");
    assert_true(rig_out(&rig));
    assert_int_equal(rig.m.type, IOT_COAP_ACK);
    assert_int_equal(rig.m.id, 77);
    assert_true(rig_out(&rig)); /* the next in line */
    assert_int_equal(rig.m.code, IOT_COAP_GET);
    give_empty(&rig, IOT_COAP_ACK, req.id); /* comes late, and says nothing to the other */
    assert_int_equal(iot_coap_exchange_unheard(&rig.x), 0);
    assert_true(rig_on(&rig));
    assert_true(rig_out(&rig));
    assert_int_equal(rig.x.counters.repeated, 2);
}

static void an_acknowledged_request_is_answered_in_time_or_silent(void **state)
{
    (void)state;
    struct app *app = app_new(), *own = app_new();
    struct iot_coap_request get = asks(app, IOT_COAP_GET), other = asks(own, IOT_COAP_GET);

    other.response_ms = 5000;
    rig_start(&rig, &get);
    rig_start(&rig, &other);
    assert_true(rig_out(&rig));
    give_empty(&rig, IOT_COAP_ACK, rig.m.id);
    assert_true(rig_out(&rig)); /* the other may go: nothing is outstanding (NSTART) */
    struct seen req = seen_of(&rig);
    give_empty(&rig, IOT_COAP_ACK, req.id);
    give_empty(&rig, IOT_COAP_ACK, req.id); /* doubled: the time is not longer by that */
    assert_int_equal(iot_coap_exchange_deadline(&rig.x), rig.now + 5000);
    rig_after(&rig, 4999);
    assert_int_equal(own->ends, 0);
    rig_after(&rig, 1);
    assert_string_equal(own->said, "end COAP_SILENT");
    rig_after(&rig, 54999);
    assert_int_equal(app->ends, 0);
    rig_after(&rig, 1);
    assert_string_equal(app->said, "end COAP_SILENT");
}

static void one_confirmable_message_is_out_at_a_time_and_they_keep_their_order(void **state)
{
    (void)state;
    struct app *apps[IOT_COAP_REQUESTS];
    struct iot_coap_request gets[IOT_COAP_REQUESTS];
    static const char *const paths[] = {"/0", "/1", "/2", "/3"};
    struct iot_coap_option o;

    assert_int_equal(IOT_COAP_REQUESTS, 4);
    for (uint32_t i = 0; i < 4; i++) {
        apps[i] = app_new();
        gets[i] = asks(apps[i], IOT_COAP_GET);
        gets[i].path = paths[i];
        rig_start(&rig, &gets[i]);
    }
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(rig_out(&rig));
        assert_true(option_of(&rig.m, IOT_COAP_URI_PATH, &o));
        assert_int_equal(o.value.ptr[0], '0' + i);
        struct seen req = seen_of(&rig);
        if (i == 1) { /* the next waits while this one is sent again, and until it is given up */
            while (rig_on(&rig) && apps[1]->ends == 0) {
                assert_true(rig_out(&rig));
                assert_int_equal(rig.m.id, req.id);
                assert_false(rig_out(&rig));
            }
            continue;
        }
        assert_false(rig_out(&rig));
        if (i == 2)
            give_empty(&rig, IOT_COAP_ACK, req.id);
        else
            give_text(&rig, IOT_COAP_ACK, req.id, &req, "y");
    }
    assert_string_equal(apps[0]->said, "2.05 +1 whole end OK");
    assert_string_equal(apps[1]->said, "end COAP_TIMEOUT");
    assert_string_equal(apps[2]->said, "");
    assert_string_equal(apps[3]->said, "2.05 +1 whole end OK");
}

static void nons_to_a_silent_server_are_sent_at_a_byte_per_second(void **state)
{
    (void)state;
    uint32_t bytes = 0;
    iot_time begun = rig.now, last = 0;

    for (uint32_t i = 0; i < 50; i++) {
        struct app *app = app_new();
        struct iot_coap_request post = asks(app, IOT_COAP_POST);
        post.non = true;
        post.response_ms = 1000;
        rig_start(&rig, &post);
        while (!rig_out(&rig))
            assert_true(rig_on(&rig));
        assert_int_equal(rig.m.type, IOT_COAP_NON);
        assert_false(rig_out(&rig));
        /* RFC 7252 4.7: the average of what went before */
        assert_true((rig.now - begun) >= (iot_time)bytes * 1000);
        assert_true(rig.now > last);
        last = rig.now;
        bytes += rig.len;
        rig_after(&rig, 1000);
        assert_string_equal(app->said, "end COAP_SILENT"); /* sent once */
    }
    assert_in_range((rig.now - begun) / 1000, bytes - rig.len, bytes);
}

static void nons_flow_while_the_server_answers(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        struct app *app = app_new();
        struct iot_coap_request post = asks(app, IOT_COAP_POST);
        post.non = true;
        rig_start(&rig, &post);
        assert_true(rig_out(&rig));
        struct seen req = seen_of(&rig);
        give_text(&rig, IOT_COAP_NON, (uint16_t)i, &req, "k");
        assert_string_equal(app->said, "2.05 +1 whole end OK");
        assert_false(rig_out(&rig)); /* NON: not acknowledged */
    }
    /* One that waits already leaves as soon as something comes. */
    struct app *first = app_new(), *second = app_new();
    struct iot_coap_request one = asks(first, IOT_COAP_GET), two = asks(second, IOT_COAP_GET);
    one.non = two.non = true;
    rig_start(&rig, &one);
    rig_start(&rig, &two);
    assert_true(rig_out(&rig));
    struct seen req = seen_of(&rig);
    assert_false(rig_out(&rig));
    assert_true(iot_coap_exchange_deadline(&rig.x) > rig.now);
    give_text(&rig, IOT_COAP_NON, 900, &req, "k");
    assert_true(rig_out(&rig));
}

/* ---- Message ids: RFC 7252 4.4 ----------------------------------------------------------- */

static void ids_begin_anywhere_count_up_and_wrap(void **state)
{
    (void)state;
    uint32_t quarters[4] = {0};

    for (uint32_t seed = 1; seed <= 400; seed++) {
        struct iot_coap_request ping = {.method = IOT_COAP_PING, .on = &app_handlers};
        uint16_t before = 0;
        rig_init(&rig, seed);
        if (seed % 4 == 0)
            rig.x.first_id = rig.x.next_id = (uint16_t)(65534 + seed % 3);
        for (uint32_t i = 0; i < 5; i++) {
            ping.ctx = app_new();
            rig_start(&rig, &ping);
            assert_true(rig_out(&rig));
            if (i != 0)
                assert_int_equal(rig.m.id, (uint16_t)(before + 1));
            else if (seed % 4 != 0)
                quarters[rig.m.id >> 14]++;
            before = rig.m.id;
            give_empty(&rig, IOT_COAP_RST, before);
        }
    }
    for (uint32_t i = 0; i < 4; i++)
        assert_in_range(quarters[i], 40, 110);
}

static void no_id_comes_back_within_247_seconds_however_many_are_wanted(void **state)
{
    (void)state;
    static iot_time used[65536];
    uint32_t waits = 0;
    iot_time begun = rig.now;

    memset(used, 0, sizeof used);
    for (uint32_t i = 0; i < 300000; i++) {
        struct app *app = app_new();
        struct iot_coap_request ping = {.method = IOT_COAP_PING, .on = &app_handlers, .ctx = app};
        rig_start(&rig, &ping);
        if (!rig_out(&rig)) {
            waits++;
            assert_true(rig_on(&rig)); /* the deadline says when */
            assert_true(rig_out(&rig));
        }
        if (used[rig.m.id] != 0 && rig.now < used[rig.m.id] + 247000)
            fail_msg("id %u after %u ms", rig.m.id, (unsigned)(rig.now - used[rig.m.id]));
        used[rig.m.id] = rig.now;
        give_empty(&rig, IOT_COAP_RST, rig.m.id);
        assert_int_equal(app->ends, 1);
        if (i % 10 == 0)
            rig.now++;
        if (i == 65535)
            assert_int_equal(waits, 0); /* all of them are there at first */
    }
    assert_true(waits > 0);
    /* It is no slower than the rule wants: 65,536 in 247 s. */
    assert_true(rig.now - begun < (300000 / 32768 + 1) * (iot_time)247000);
}

/* ---- Who is meant: RFC 7252 4.2, 5.3.2 --------------------------------------------------- */

static void acknowledgements_and_resets_of_other_messages_are_ignored(void **state)
{
    (void)state;
    struct app *app = app_new();
    struct iot_coap_request get = asks(app, IOT_COAP_GET);

    rig_start(&rig, &get);
    assert_true(rig_out(&rig));
    struct seen req = seen_of(&rig), other = req;
    for (uint32_t d = 1; d < 65536; d += 97) {
        give_empty(&rig, d % 2 != 0 ? IOT_COAP_ACK : IOT_COAP_RST, (uint16_t)(req.id + d));
        give_text(&rig, IOT_COAP_ACK, (uint16_t)(req.id + d), &req, "no");
    }
    for (uint32_t i = 0; i < 8; i++) { /* piggybacked: the id is right, the token is not */
        other = req;
        other.token[i] ^= 1;
        give_text(&rig, IOT_COAP_ACK, req.id, &other, "no");
        other.token_len = (uint8_t)i;
        give_text(&rig, IOT_COAP_ACK, req.id, &other, "no");
    }
    assert_string_equal(app->said, "");
    assert_false(rig_out(&rig)); /* and nobody was answered */
    assert_true(rig_on(&rig));
    assert_true(rig_out(&rig));
    give_text(&rig, IOT_COAP_ACK, req.id, &req, "yes");
    assert_string_equal(app->said, "2.05 +3 whole end OK");
}

static void a_response_by_an_unknown_token_is_rejected_if_it_is_confirmable(void **state)
{
    (void)state;
    struct app *app = app_new();
    struct iot_coap_request get = asks(app, IOT_COAP_GET);

    rig_start(&rig, &get);
    assert_true(rig_out(&rig));
    struct seen req = seen_of(&rig), other = req;
    for (uint32_t i = 0; i < 16; i++) {
        other = req;
        if (i < 8)
            other.token[i] ^= 0x80;
        else
            other.token_len = (uint8_t)(i - 8);
        give_text(&rig, IOT_COAP_NON, (uint16_t)(500 + i), &other, "no");
        assert_false(rig_out(&rig));
        give_text(&rig, IOT_COAP_CON, (uint16_t)(100 + i), &other, "no");
        assert_true(rig_out(&rig));
        assert_int_equal(rig.len, 4);
        assert_int_equal(rig.m.type, IOT_COAP_RST);
        assert_int_equal(rig.m.id, 100 + i);
        assert_false(rig_out(&rig));
    }
    assert_string_equal(app->said, "");
}

static void a_late_answer_does_not_reach_the_request_that_took_the_place(void **state)
{
    (void)state;
    struct app *app = app_new(), *heir = app_new();
    struct iot_coap_request get = asks(app, IOT_COAP_GET), other = asks(heir, IOT_COAP_GET);
    iot_ticket old = rig_start(&rig, &get);

    assert_true(rig_out(&rig));
    struct seen req = seen_of(&rig);
    assert_int_equal(iot_coap_exchange_cancel(&rig.x, old), IOT_OK);
    assert_int_equal(iot_coap_exchange_deadline(&rig.x), 0); /* in the next tick */
    rig_expire(&rig);
    assert_string_equal(app->said, "end CLOSED");
    assert_int_equal(iot_coap_exchange_cancel(&rig.x, old), IOT_ERR_STATE);
    rig_start(&rig, &other);
    give_text(&rig, IOT_COAP_ACK, req.id, &req, "late"); /* not even sent */
    give_empty(&rig, IOT_COAP_RST, req.id);
    assert_true(rig_out(&rig));
    struct seen now = seen_of(&rig);
    assert_int_not_equal(now.id, req.id);
    assert_memory_not_equal(now.token, req.token, 8);
    give_text(&rig, IOT_COAP_ACK, req.id, &req, "late");
    give_text(&rig, IOT_COAP_CON, 5, &req, "late");
    assert_true(rig_out(&rig));
    assert_int_equal(rig.m.type, IOT_COAP_RST); /* it may stop */
    give_empty(&rig, IOT_COAP_RST, req.id);
    assert_string_equal(heir->said, "");
    assert_int_equal(iot_coap_exchange_cancel(&rig.x, old), IOT_ERR_STATE);
    give_text(&rig, IOT_COAP_ACK, now.id, &now, "mine");
    assert_string_equal(heir->said, "2.05 +4 whole end OK");
}

/* ---- Messages that came before: RFC 7252 4.2, 4.5 ---------------------------------------- */

static void a_copy_of_a_confirmable_response_is_acknowledged_again_and_told_once(void **state)
{
    (void)state;
    struct app *app = app_new();
    struct iot_coap_request get = asks(app, IOT_COAP_GET);

    rig_start(&rig, &get);
    assert_true(rig_out(&rig));
    struct seen req = seen_of(&rig);
    give_text(&rig, IOT_COAP_CON, 42, &req, "once");
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(rig_out(&rig));
        assert_int_equal(rig.m.type, IOT_COAP_ACK);
        assert_int_equal(rig.m.id, 42);
        assert_int_equal(rig.len, 4);
        rig_after(&rig, i == 3 ? 246999 - 3 * 15000 : 15000);
        give_text(&rig, IOT_COAP_CON, 42, &req, "once");
    }
    assert_true(rig_out(&rig));
    assert_int_equal(rig.m.type, IOT_COAP_ACK);
    assert_string_equal(app->said, "2.05 +4 whole end OK");
    assert_int_equal(rig.x.counters.duplicates, 4);
    rig_after(&rig, 1); /* EXCHANGE_LIFETIME is over: another message of this name */
    give_text(&rig, IOT_COAP_CON, 42, &req, "once");
    assert_true(rig_out(&rig));
    assert_int_equal(rig.m.type, IOT_COAP_RST);
}

static void the_oldest_of_what_came_gives_way_and_answers_that_are_owed_stay(void **state)
{
    (void)state;
    struct app *app = app_new();
    struct iot_coap_request get = asks(app, IOT_COAP_GET);

    rig_start(&rig, &get);
    assert_true(rig_out(&rig));
    struct seen req = seen_of(&rig), other = req;
    give_text(&rig, IOT_COAP_CON, 1000, &req, "x");
    other.token[0] ^= 1;
    for (uint32_t i = 0; i < IOT_COAP_SEEN - 1; i++) {
        rig.now++;
        give_text(&rig, IOT_COAP_CON, (uint16_t)(i + 1), &other, "x");
    }
    for (uint32_t i = 0; i < IOT_COAP_SEEN; i++) { /* all are owed one, in their order */
        assert_true(rig_out(&rig));
        assert_int_equal(rig.m.id, i == 0 ? 1000 : i);
        assert_int_equal(rig.m.type, i == 0 ? IOT_COAP_ACK : IOT_COAP_RST);
    }
    assert_false(rig_out(&rig));
    give_text(&rig, IOT_COAP_CON, 1000, &req, "x"); /* still known */
    assert_true(rig_out(&rig));
    assert_int_equal(rig.m.type, IOT_COAP_ACK);
    rig.now++;
    give_text(&rig, IOT_COAP_CON, 2000, &other,
              "x"); /* one more than there is room: the oldest goes */
    assert_true(rig_out(&rig));
    give_text(&rig, IOT_COAP_CON, 1, &other, "x");
    assert_true(rig_out(&rig));
    assert_int_equal(rig.m.type, IOT_COAP_RST);
    give_text(&rig, IOT_COAP_CON, 1000, &req, "x"); /* forgotten, and its token is used up */
    assert_true(rig_out(&rig));
    assert_int_equal(rig.m.type, IOT_COAP_RST);
    assert_string_equal(app->said, "2.05 +1 whole end OK");
}

static void nons_do_not_push_out_what_is_remembered(void **state)
{
    (void)state;
    struct app *app = app_new();
    struct iot_coap_request get = asks(app, IOT_COAP_GET);

    rig_start(&rig, &get);
    assert_true(rig_out(&rig));
    struct seen req = seen_of(&rig), other = req;
    give_text(&rig, IOT_COAP_CON, 1000, &req, "x");
    assert_true(rig_out(&rig));
    other.token[3] ^= 9;
    for (uint32_t i = 0; i < 100; i++)
        give_text(&rig, IOT_COAP_NON, (uint16_t)i, i % 2 != 0 ? &other : &req, "x");
    assert_false(rig_out(&rig));
    give_text(&rig, IOT_COAP_CON, 1000, &req, "x");
    assert_true(rig_out(&rig));
    assert_int_equal(rig.m.type, IOT_COAP_ACK);
    assert_string_equal(app->said, "2.05 +1 whole end OK");
}

/* ---- What is no response: RFC 7252 3, 4.1 to 4.3 ----------------------------------------- */

/* `hex` with the type of its first byte replaced; XXXX is the request's id, TT.. its token. */
static void give_hex(const char *hex, uint8_t type)
{
    uint8_t bytes[256];
    uint32_t n = from_hex(hex, bytes, sizeof bytes);

    bytes[0] = (uint8_t)((bytes[0] & 0xcfu) | (uint32_t)type << 4);
    rig_take(&rig, (struct iot_bytes){bytes, n});
}

static void what_is_ill_formed_is_reset_if_it_is_confirmable_and_else_ignored(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "41 45 0101",                    /* token beyond the end */
        "49 45 0101 010203040506070809", /* token of 9 */
        "4f 45 0101 0102030405060708090a0b0c0d0e0f",
        "40 45 0101 ff", /* marker, and nothing behind */
        "40 45 0101 f0", /* nibbles of 15 */
        "40 45 0101 0f",
        "40 45 0101 d0", /* longer delta is not there */
        "40 45 0101 e001",
        "40 45 0101 0d",
        "40 45 0101 05 01",  /* value beyond the end */
        "40 45 0101 e0ffff", /* number above 65,535 */
        "40 00 0101 00",     /* empty, but for a byte */
        "41 00 0101 00",     /* empty with a token */
        "40 20 0101",        /* classes that are reserved */
        "40 3f 0101",
        "40 c5 0101",
        "40 e1 0101",
        "40 61 0101",
        "40 01 0101", /* requests: nobody serves here */
        "40 02 0101 b161 ff01",
        "40 1f 0101",
    };
    struct app *app = app_new();
    struct iot_coap_request get = asks(app, IOT_COAP_GET);

    rig_start(&rig, &get);
    assert_true(rig_out(&rig));
    for (uint32_t i = 0; i < COUNT(bad); i++) {
        for (uint8_t type = 0; type < 4; type++) {
            give_hex(bad[i], type);
            if (type == IOT_COAP_CON) {
                assert_true(rig_out(&rig));
                assert_int_equal(rig.m.type, IOT_COAP_RST);
                assert_int_equal(rig.m.id, 0x0101);
            }
            assert_false(rig_out(&rig));
        }
        rig_init(&rig, i); /* nothing is remembered */
        rig_start(&rig, &get);
        assert_true(rig_out(&rig));
    }
    assert_string_equal(app->said, "");
}

static void a_ping_of_the_servers_is_reset_and_other_versions_are_nothing(void **state)
{
    (void)state;
    give_hex("40 00 0777", IOT_COAP_CON);
    assert_true(rig_out(&rig));
    assert_int_equal(rig.m.type, IOT_COAP_RST);
    assert_int_equal(rig.m.id, 0x777);
    give_hex("40 00 0778", IOT_COAP_NON);
    assert_false(rig_out(&rig));
    give_hex("00 45 0101", IOT_COAP_CON);
    give_hex("80 45 0101", IOT_COAP_CON);
    give_hex("c0 45 0101", IOT_COAP_CON);
    give_hex("40 45 01", IOT_COAP_CON);
    rig_take(&rig, (struct iot_bytes){NULL, 0});
    assert_false(rig_out(&rig));
    assert_int_equal(rig.x.counters.ignored, 7);
    assert_int_equal(rig.x.counters.received, 7);
}

static void nothing_that_comes_as_ack_or_rst_is_ever_answered(void **state)
{
    (void)state;
    struct app *app = app_new();
    struct iot_coap_request get = asks(app, IOT_COAP_GET);
    uint8_t bytes[12];

    rig_start(&rig, &get);
    assert_true(rig_out(&rig));
    for (uint32_t code = 0; code < 256; code++) {
        for (uint32_t tail = 0; tail < 4; tail++) {
            static const char *const tails[] = {"", "ff", "91 00", "ff 01"};
            uint32_t n = 4;
            bytes[0] = (uint8_t)(0x40 | (code + tail) % 9);
            bytes[1] = (uint8_t)code;
            bytes[2] = (uint8_t) ~(rig.m.id >> 8);
            bytes[3] = 0;
            n += from_hex(tails[tail], bytes + 4, 8);
            for (uint8_t type = IOT_COAP_ACK; type <= IOT_COAP_RST; type++) {
                bytes[0] = (uint8_t)((bytes[0] & 0xcfu) | (uint32_t)type << 4);
                rig_take(&rig, (struct iot_bytes){bytes, n});
                assert_false(rig_out(&rig));
            }
        }
    }
    assert_string_equal(app->said, "");
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_piggybacked_response_ends_the_request),
        CASE(a_separate_response_is_awaited_and_acknowledged),
        CASE(a_ping_is_answered_by_a_reset),
        CASE(the_first_wait_is_spread_evenly_between_2_and_3_seconds),
        CASE(a_request_is_sent_five_times_and_given_up_between_62_and_93_seconds),
        CASE(what_is_asked_for_is_what_time_and_tries_are),
        CASE(a_reset_ends_the_request),
        CASE(a_response_that_comes_before_its_acknowledgement_counts_as_both),
        CASE(an_acknowledged_request_is_answered_in_time_or_silent),
        CASE(one_confirmable_message_is_out_at_a_time_and_they_keep_their_order),
        CASE(nons_to_a_silent_server_are_sent_at_a_byte_per_second),
        CASE(nons_flow_while_the_server_answers),
        CASE(ids_begin_anywhere_count_up_and_wrap),
        CASE(no_id_comes_back_within_247_seconds_however_many_are_wanted),
        CASE(acknowledgements_and_resets_of_other_messages_are_ignored),
        CASE(a_response_by_an_unknown_token_is_rejected_if_it_is_confirmable),
        CASE(a_late_answer_does_not_reach_the_request_that_took_the_place),
        CASE(a_copy_of_a_confirmable_response_is_acknowledged_again_and_told_once),
        CASE(the_oldest_of_what_came_gives_way_and_answers_that_are_owed_stay),
        CASE(nons_do_not_push_out_what_is_remembered),
        CASE(what_is_ill_formed_is_reset_if_it_is_confirmable_and_else_ignored),
        CASE(a_ping_of_the_servers_is_reset_and_other_versions_are_nothing),
        CASE(nothing_that_comes_as_ack_or_rst_is_ever_answered),
    };
    return cmocka_run_group_tests_name("coap_exchange", tests, NULL, NULL);
}

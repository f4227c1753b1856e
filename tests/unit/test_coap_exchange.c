/* SPDX-License-Identifier: Apache-2.0 */
/* Messages and requests: RFC 7252, sections 4 and 5. Blocks: test_coap_block.c; observations: test_coap_observe.c; all of it over a
 * bad wire: test_coap_storm.c. */
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

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_piggybacked_response_ends_the_request),
        CASE(a_separate_response_is_awaited_and_acknowledged),
        CASE(a_ping_is_answered_by_a_reset),
    };
    return cmocka_run_group_tests_name("coap_exchange", tests, NULL, NULL);
}

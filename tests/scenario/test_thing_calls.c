/* SPDX-License-Identifier: Apache-2.0 */
/* What the emulated platform asks of a thing, sets and services, with something in the way: no room, a link that ends, a
 * close; and things beside others. */
#include "lit.h"

static enum iot_session_kind session;

/* ---- The platform asks, and something is in the way ----------------------------------------------- */

static void outbox_full(void)
{
    struct world_life *l = lit_with(IOT_SESSION_KEEP);
    uint32_t orders[4];

    town_cut(true, false);
    assert_true(town_say_until_full(l, 1, 40) > 0);
    orders[0] = lit_set(l, "a"); /* two have room in the thing, more wait in the window */
    orders[1] = lit_toggle(l);
    orders[2] = lit_set(l, "b");
    orders[3] = lit_toggle(l);
    town_run(SECOND);
    assert_int_equal(lamp_of(l)->sets, 1);
    assert_int_equal(lamp_of(l)->toggles, 1);
    assert_false(lit_answer_has(orders[0], ""));
    town_cut(false, false);
    for (int i = 0; i < 4; i++)
        lit_answered(orders[i], 6 * SECOND);
    assert_string_equal(lamp_of(l)->values.name, "b");
    town_end();
    assert_int_equal(lamp_of(l)->sets, 2);
    assert_int_equal(lamp_of(l)->toggles, 2);
    assert_int_equal(lamp_of(l)->sets_again + lamp_of(l)->toggles_again, 0);
}

static void requests_that_meet_a_full_outbox_are_served_once_and_answered(void **state)
{
    (void)state;
    scenario_run(outbox_full);
}

/* Two calls of one service are open, and there is no room for the first answer: its output must stay. */
static void two_outputs(void)
{
    struct world_life *l = lit_with(IOT_SESSION_KEEP);
    struct lit_lamp *lamp = lamp_of(l);
    uint32_t orders[2];
    iot_call calls[2];

    for (int i = 0; i < 2; i++) {
        orders[i] = lit_console(
            "call " WORLD_CLOUD_KEY " %s Blink {\"Times\":%d,\"IntervalMs\":50}", l->name, i + 3);
        town_run(200);
        calls[i] = lamp->call;
    }
    assert_int_not_equal(calls[0], calls[1]);
    world_server_ack_delay(3000);
    assert_true(town_say_until_full(l, 1, 40) > 0);
    assert_true(iot_thing_can_answer(&lamp->thing, calls[0]));
    lamp->values.blink_out.done = 3;
    assert_err(iot_thing_answer(&lamp->thing, calls[0], IOT_CODE_OK), IOT_OK);
    assert_false(iot_thing_can_answer(&lamp->thing, calls[0]));
    assert_false(iot_thing_can_answer(&lamp->thing, calls[1]));
    assert_err(iot_thing_answer(&lamp->thing, calls[1], IOT_CODE_OK), IOT_ERR_FULL);
    town_run(4 * SECOND);
    assert_true(lit_answer_has(orders[0], "\"Done\":3"));
    assert_true(iot_thing_can_answer(&lamp->thing, calls[1]));
    lamp->values.blink_out.done = 4;
    assert_err(iot_thing_answer(&lamp->thing, calls[1], IOT_CODE_OK), IOT_OK);
    assert_false(iot_thing_can_answer(&lamp->thing, calls[1]));
    lit_answered(orders[1], 5 * SECOND);
    assert_true(lit_answer_has(orders[1], "\"Done\":4"));
    world_server_ack_delay(0);
    town_end();
}

static void an_output_is_left_alone_until_its_answer_has_left(void **state)
{
    (void)state;
    scenario_run(two_outputs);
}

/* The link ends when a request has been served, and neither answer nor acknowledgement have arrived. */
static void break_behind_request(void)
{
    struct world_life *l = lit_with(session);
    bool keeps = session != IOT_SESSION_CLEAN;

    town_cut(true, false);
    uint32_t set_order = lit_set(l, "a"), toggle_order = lit_toggle(l);
    town_run(500);
    assert_int_equal(lamp_of(l)->sets, 1);
    assert_int_equal(lamp_of(l)->toggles, 1);
    lit_break(l);
    town_connects(l, 5 * SECOND);
    town_run(SECOND);
    assert_int_equal(lamp_of(l)->sets, keeps ? 2 : 1);
    assert_int_equal(lamp_of(l)->toggles, keeps ? 2 : 1);
    assert_int_equal(lamp_of(l)->sets_again, keeps ? 1 : 0);
    assert_int_equal(lamp_of(l)->toggles_again, keeps ? 1 : 0);
    assert_true(lamp_of(l)->values.light_switch);
    if (keeps) {
        lit_answered(set_order, SECOND);
        lit_answered(toggle_order, SECOND);
        assert_true(lit_answer_has(toggle_order, "\"LightSwitch\":1"));
    } else {
        town_run(10 * SECOND);
        assert_true(lit_answer_has(set_order, "no answer"));
        assert_true(lit_answer_has(toggle_order, "no answer"));
    }
    town_end();
}

static void a_request_served_before_a_break_comes_again_with_a_kept_session_and_says_so(
    void **state)
{
    (void)state;
    session = IOT_SESSION_KEEP;
    scenario_run(break_behind_request);
    session = IOT_SESSION_CLEAN;
    scenario_run(break_behind_request);
}

static void asked_while_closing(void)
{
    struct world_life *l = lit_with(session);
    struct lit_lamp *lamp = lamp_of(l);

    world_server_ack_delay(1500);
    town_say(l, 1, 40);
    assert_true(world_life_close(l, 3 * SECOND, 2 * SECOND));
    town_run(100);
    uint32_t a = lit_set(l, "a"); /* served, or not: but known to both */
    town_run(1450);
    uint32_t b = l->begun && l->up ? lit_toggle(l) : 0;
    town_run(10 * SECOND);
    world_server_ack_delay(0);
    town_connects(l, MINUTE);
    town_run(10 * SECOND);
    if (lit_answer_has(a, "\"code\":200"))
        assert_true(lamp->sets > 0);
    if (b != 0 && lit_answer_has(b, "\"code\":200"))
        assert_true(lamp->toggles > 0);
    assert_true(lamp->sets - lamp->sets_again <= 1 && lamp->toggles - lamp->toggles_again <= 1);
    if (session != IOT_SESSION_CLEAN)
        assert_true(lamp->sets > 0);
    town_end();
}

static void a_request_that_comes_while_the_device_closes_is_served_once_or_comes_again(void **state)
{
    (void)state;
    session = IOT_SESSION_KEEP;
    scenario_run(asked_while_closing);
    session = IOT_SESSION_CLEAN;
    scenario_run(asked_while_closing);
}

static void answered_over_a_break(void)
{
    struct world_life *l = lit_with(session);
    struct lit_lamp *lamp = lamp_of(l);

    RULES.rrpc_wait_ms = 20 * SECOND;
    lamp->later = true;
    uint32_t order = lit_toggle(l);
    town_run(500);
    iot_call call = lamp->call;
    lit_break(l);
    town_connects(l, 5 * SECOND);
    assert_err(iot_thing_answer(&lamp->thing, call, IOT_CODE_OK), IOT_OK);
    assert_err(iot_thing_answer(&lamp->thing, call, IOT_CODE_OK), IOT_ERR_STATE);
    world_loop_stir(&l->actor);
    lit_answered(order, SECOND);
    assert_int_equal(lamp->toggles, 1);

    order = lit_toggle(l); /* answered while the link is down, and sent when it is back */
    town_run(500);
    lit_break(l);
    assert_err(iot_thing_answer(&lamp->thing, lamp->call, IOT_CODE_OK), IOT_OK);
    world_loop_stir(&l->actor);
    town_connects(l, 5 * SECOND);
    lit_answered(order, SECOND);

    order = lit_toggle(l); /* too late */
    town_run(IOT_CALL_MS + SECOND);
    assert_err(iot_thing_answer(&lamp->thing, lamp->call, IOT_CODE_OK), IOT_ERR_STATE);
    assert_true(lit_answer_has(order, "\"code\":6151"));
    town_end();
    assert_int_equal(lamp->toggles, 3);
    assert_int_equal(lamp->toggles_again, 0);
}

static void a_call_is_answered_later_over_a_reconnect_but_not_behind_its_deadline(void **state)
{
    (void)state;
    session = IOT_SESSION_KEEP;
    scenario_run(answered_over_a_break);
    session = IOT_SESSION_CLEAN;
    scenario_run(answered_over_a_break);
}

/* Not acknowledged, it comes once more, as another call: both may be answered, the platform takes the first. */
static void open_call_comes_again(void)
{
    struct world_life *l = lit_with(IOT_SESSION_KEEP);
    struct lit_lamp *lamp = lamp_of(l);

    lamp->later = true;
    town_cut(true, false);
    uint32_t order = lit_toggle(l);
    town_run(500);
    iot_call first = lamp->call;
    lit_break(l);
    town_connects(l, 5 * SECOND);
    town_run(500);
    assert_int_equal(lamp->toggles, 2);
    assert_int_equal(lamp->toggles_again, 1);
    assert_int_not_equal(lamp->call, first);
    assert_err(iot_thing_answer(&lamp->thing, first, IOT_CODE_OK), IOT_OK);
    assert_err(iot_thing_answer(&lamp->thing, lamp->call, IOT_CODE_OK), IOT_OK);
    world_loop_stir(&l->actor);
    lit_answered(order, SECOND);
    town_end();
    assert_true(lamp->values.light_switch);
}

static void an_open_call_that_comes_again_is_a_second_call(void **state)
{
    (void)state;
    scenario_run(open_call_comes_again);
}

/* ---- Two of them, and custom topics besides ------------------------------------------------------- */

static struct meter {
    struct iot_thing thing;
    struct {
        int32_t count;
        bool valve;
    } values;
    uint32_t sets;
} meter;

static const struct iot_field meter_properties[] = {
    {.id = "Count",
     .type = IOT_TYPE_INT,
     .access = IOT_ACCESS_READ,
     .offset = offsetof(struct meter, values.count) - offsetof(struct meter, values)},
    {.id = "Valve",
     .type = IOT_TYPE_BOOL,
     .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE,
     .offset = offsetof(struct meter, values.valve) - offsetof(struct meter, values)},
};
static const struct iot_model meter_model = {.properties = meter_properties, .property_count = 2};
static const char meter_tsl[] =
    "{\"profile\": {\"productKey\": \"" WORLD_CLOUD_OTHER "\"}, \"properties\": ["
    "{\"identifier\": \"Count\", \"name\": \"count\", \"accessMode\": \"r\", \"dataType\": "
    "{\"type\": \"int\", \"specs\": {\"min\": \"0\", \"max\": \"1000000\"}}},"
    "{\"identifier\": \"Valve\", \"name\": \"valve\", \"accessMode\": \"rw\", \"dataType\": "
    "{\"type\": \"bool\", \"specs\": {\"0\": \"shut\", \"1\": \"open\"}}}]}";

static void on_meter_set(void *ctx, struct iot_thing *thing, const struct iot_properties *changed,
                         const struct iot_field *failed)
{
    (void)ctx;
    assert_ptr_equal(thing, &meter.thing);
    assert_null(failed);
    assert_true(iot_properties_has(changed, 1));
    meter.sets++;
}

static const struct iot_thing_options meter_options = {
    .model = &meter_model, .values = &meter.values, .on_set = on_meter_set};

static void meter_booted(struct world_life *l)
{
    assert_err(iot_thing_attach(&l->dev, &meter.thing, &meter_options), IOT_OK);
}

static const struct world_guest meter_guest = {.booted = meter_booted, .event = lit_event};

static void two_products(void)
{
    struct world_habit habits[2] = {lit_habit(IOT_SESSION_KEEP), lit_habit(IOT_SESSION_CLEAN)};
    char why[256];

    habits[1].guest = &meter_guest;
    habits[1].product = WORLD_CLOUD_OTHER;
    struct world_life *l = town_begin(habits, 2), *m = l + 1;
    town_connects(l, 5 * SECOND);
    town_connects(m, 5 * SECOND);
    lit_model();
    if (!cloud_set_model(EMULATOR, cloud_book_product(&EMULATOR->book, WORLD_CLOUD_OTHER),
                         meter_tsl, why, sizeof why))
        fail_msg("%s", why);

    lamp_of(l)->values.brightness = 42;
    meter.values.count = 17;
    iot_ticket ticket = 0, metered = 0;
    ticket = lit_post(l, 0);
    assert_err(iot_thing_post(&meter.thing, NULL, 0, 0, &metered), IOT_OK);
    lit_asked(m, metered);
    world_loop_stir(&m->actor);
    uint32_t a = lit_set(l, "a");
    uint32_t b = lit_console("set " WORLD_CLOUD_OTHER " %s {\"Valve\":1}", m->name);
    lit_ends(l, ticket, IOT_EV_REPLY, IOT_OK, SECOND);
    lit_ends(m, metered, IOT_EV_REPLY, IOT_OK, SECOND);
    lit_answered(a, SECOND);
    lit_answered(b, SECOND);
    assert_int_equal(lamp_of(l)->sets, 1);
    assert_int_equal(meter.sets, 1);
    assert_true(meter.values.valve);
    assert_false(lamp_of(l)->values.light_switch);
    assert_true(lit_known(l, "property Brightness {\"value\":42,"));
    assert_true(lit_known(m, "property Count {\"value\":17,"));
    assert_false(lit_known(m, "property Brightness"));

    lit_send(l, "thing/service/property/set", "{\"id\":\"5\",\"params\":{\"Valve\":0}}");
    town_run(SECOND); /* it has no such property */
    assert_true(meter.values.valve);
    assert_int_equal(lamp_of(l)->sets, 1);
    town_end();
    lit_over(l);
    lit_over(m);
}

static void two_devices_of_two_products_do_not_know_each_others_models(void **state)
{
    (void)state;
    scenario_run(two_products);
}

static void mixed(void)
{
    struct world_life *l = lit_with(IOT_SESSION_KEEP);
    uint32_t orders[6], said_before = done(l);

    for (uint32_t i = 0; i < COUNT(orders); i++) {
        char name[8];
        snprintf(name, sizeof name, "n%u", i);
        assert_int_equal(town_write(l, i % 2, 60), 1);
        assert_err(town_say(l, (uint8_t)(i % 2), 40), IOT_OK);
        orders[i] = i % 3 == 0 ? lit_toggle(l) : lit_set(l, name);
        lit_ends(l, lit_post(l, i % 2 ? IOT_ASK_QOS_1 : 0), IOT_EV_REPLY, IOT_OK, SECOND);
        town_run(SECOND);
        if (i == 3)
            lit_break(l);
        town_connects(l, 5 * SECOND);
    }
    for (uint32_t i = 0; i < COUNT(orders); i++)
        lit_answered(orders[i], SECOND);
    assert_int_equal(got(l), COUNT(orders));
    assert_int_equal(done(l), said_before + COUNT(orders));
    assert_string_equal(lamp_of(l)->values.name, "n5");
    assert_int_equal(lamp_of(l)->skipped, 0);
    town_end();
    lit_over(l);
}

static void the_thing_model_and_custom_topics_share_a_device(void **state)
{
    (void)state;
    scenario_run(mixed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_that_meet_a_full_outbox_are_served_once_and_answered),
        cmocka_unit_test(an_output_is_left_alone_until_its_answer_has_left),
        cmocka_unit_test(
            a_request_served_before_a_break_comes_again_with_a_kept_session_and_says_so),
        cmocka_unit_test(
            a_request_that_comes_while_the_device_closes_is_served_once_or_comes_again),
        cmocka_unit_test(a_call_is_answered_later_over_a_reconnect_but_not_behind_its_deadline),
        cmocka_unit_test(an_open_call_that_comes_again_is_a_second_call),
        cmocka_unit_test(two_devices_of_two_products_do_not_know_each_others_models),
        cmocka_unit_test(the_thing_model_and_custom_topics_share_a_device),
    };

    return cmocka_run_group_tests_name("thing: calls", tests, NULL, NULL);
}

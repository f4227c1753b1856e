/* SPDX-License-Identifier: Apache-2.0 */
/* A client that rests, as the device needs its memory: begun in every state, ended in every state. */
#include "test.h"

#include "heap_trap.h"
#include "mqtt/iot_mqtt_rest.h"
#include "mqtt_rooms.h"
#include "mqtt_wire.h"
#include "stub_stream.h"

#define DEV ((struct iot_device *)(void *)&client) /* only handed through */

static struct iot_options opt;
static struct iot_mqtt_client client;
static struct iot_jitter jitter;
static struct stub_stream stub;
static struct wire wire;
static bool wake, registers, rest_in_tick, rest_wish, close_on_lost;
static uint32_t exile_ms;
static iot_err served;
static iot_time now, deadline;
static uint32_t seen[IOT_EV_CLOSED + 1];
static struct iot_event last[IOT_EV_CLOSED + 1];

static iot_err login(struct iot_device *dev, uint8_t *scratch, uint32_t cap,
                     struct iot_credentials *out)
{
    (void)dev, (void)scratch, (void)cap;
#if IOT_FEATURE_REGISTER
    out->registers = registers;
#else
    (void)out;
#endif
    return IOT_OK;
}

static uint32_t judge(struct iot_device *dev, enum iot_mqtt_stage stage, iot_err *reason,
                      int32_t detail)
{
    (void)dev, (void)stage, (void)detail;
    assert_int_not_equal(*reason, IOT_ERR_OTA_ROOM); /* nobody's fault: not judged */
    return exile_ms;
}

static iot_err take(struct iot_device *dev, const struct iot_msg *msg)
{
    (void)dev, (void)msg;
    return IOT_ERR_STATE;
}

static bool take_parts(struct iot_device *dev, const struct iot_topic *topic)
{
    (void)dev, (void)topic;
    return false;
}

static bool on_own_event(struct iot_device *dev, const struct iot_event *ev)
{
    (void)dev, (void)ev;
    return true;
}

static iot_err errand(struct iot_device *dev, bool late)
{
    (void)dev;
    if (late)
        return IOT_ERR_LINK_TIMEOUT;
    if (served == IOT_OK)
        registers = false;
    return served;
}

static const struct iot_mqtt_hooks hooks = {login,        judge,  take, take_parts,
                                            on_own_event, errand, NULL};

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    (void)ctx, (void)dev;
    seen[ev->kind]++;
    last[ev->kind] = *ev;
    if (close_on_lost && ev->kind == IOT_EV_LOST)
        assert_err(iot_mqtt_client_close(&client, 0), IOT_OK);
}

static int setup(void **state)
{
    (void)state;
    heap_trap_off();
    memset(&opt, 0, sizeof opt);
    memset(seen, 0, sizeof seen);
    memset(last, 0, sizeof last);
    opt.host = "broker.example";
    opt.client_id = "c";
    opt.keepalive_s = 60;
    opt.on_event = on_event;
    registers = rest_in_tick = close_on_lost = false;
    served = IOT_ERR_AGAIN;
    exile_ms = 0;
    stub_init(&stub);
    wire_clear(&wire);
    wake = false;
    now = 1000;
    deadline = IOT_TIME_NEVER;
    iot_jitter_seed(&jitter, 1);
    stub.base.wake = &wake;
    iot_mqtt_client_init(&client, &opt, DEV, &hooks, &stub.base, &jitter);
    return 0;
}

static void poll(void)
{
    if (!wake && now < deadline)
        return;
    wake = false;
    heap_trap_on();
    iot_mqtt_client_tick(&client, now);
    iot_mqtt_client_net(&client);
    iot_mqtt_client_up(&client);
    iot_mqtt_client_time(&client);
    if (rest_in_tick)
        iot_mqtt_client_rest(&client, rest_wish);
    rest_in_tick = false;
    iot_mqtt_client_down(&client);
    iot_mqtt_client_end(&client);
    deadline = iot_mqtt_client_deadline(&client);
    heap_trap_off();
    if (client.away) {
        assert_true(client.rest);
        assert_true(stub.state == STUB_CLOSED);
    }
}

static void run(uint32_t ms)
{
    iot_time end = now + ms;
    uint32_t spins = 0;
    for (;;) {
        poll();
        if (wake || deadline <= now) {
            assert_true(++spins < 100);
            continue;
        }
        spins = 0;
        if (deadline > end)
            break;
        now = deadline;
    }
    now = end;
}

static void rest(bool wanted)
{
    rest_in_tick = wake = true;
    rest_wish = wanted;
    run(0);
}

static void connect_(void)
{
    wake = true;
    assert_err(iot_mqtt_client_connect(&client), IOT_OK);
    run(0);
}

static void say(void)
{
    stub_receive(&stub, wire_bytes(&wire));
    wire_clear(&wire);
    run(0);
}

static void accept_it(void)
{
    wire_connack(&wire, opt.session != IOT_SESSION_CLEAN && seen[IOT_EV_CONNECTED] != 0, 0);
    say();
}

static void come_up(void)
{
    connect_();
    accept_it();
    assert_int_equal(seen[IOT_EV_CONNECTED], 1);
}

static iot_ticket publish(uint8_t qos)
{
    struct iot_msg msg = {.topic = IOT_TOPIC("t"), .payload = BYTES("p"), .qos = qos};
    iot_ticket ticket;
    assert_err(iot_mqtt_session_publish(&client.session, &msg, &ticket), IOT_OK);
    wake = true;
    run(0);
    return ticket;
}

static void assert_sent(const char *words)
{
    assert_string_equal(wire_words(stub_sent(&stub)), words);
}

static void assert_away(uint32_t losses)
{
    assert_true(client.away);
    assert_int_equal(seen[IOT_EV_LOST], losses);
    if (losses != 0) {
        assert_err(last[IOT_EV_LOST].err, IOT_ERR_OTA_ROOM);
        assert_int_equal(last[IOT_EV_LOST].delay_ms, IOT_MS_NEVER);
        assert_err(client.reason, IOT_ERR_OTA_ROOM);
    }
    IF_STATS(assert_int_equal(client.counters.losses, 0));
}

/* It stays away for a day, keeps nobody awake, and comes back at once. */
static void assert_comes_back(void)
{
    uint32_t opens = stub.opens, attempts = seen[IOT_EV_CONNECTING];
    run(86400000);
    assert_int_equal(stub.opens, opens);
    assert_int_equal(iot_mqtt_client_deadline(&client), IOT_TIME_NEVER);
    rest(false);
    assert_false(client.away);
    assert_int_equal(stub.opens, opens + 1);
    assert_int_equal(seen[IOT_EV_CONNECTING], attempts + 1);
    accept_it();
    assert_true(iot_mqtt_up(&client.session));
}

/* ---- a link that is up --------------------------------------------------------------------- */

static void a_link_ends_in_good_order_and_comes_back_at_once(void **state)
{
    (void)state;
    come_up();
    stub.releases = false; /* DISCONNECT is on its way */
    stub.closes = false;
    stub_release(&stub, stub.taken);
    rest(true);
    assert_sent("CONNECT DISCONNECT");
    assert_false(client.away);
    assert_int_equal(stub.closes_asked, 1);
    assert_int_equal(stub.aborts, 0);
    stub.closes = true;
    stub_release(&stub, stub.taken);
    run(0);
    assert_away(1);
    assert_comes_back();
    assert_int_equal(seen[IOT_EV_CONNECTED], 2);
}

static void a_peer_that_does_not_let_go_is_waited_for_a_second(void **state)
{
    (void)state;
    come_up();
    stub.closes = stub.releases = false;
    rest(true);
    run(2100);
    assert_away(1);
    stub.closes = stub.releases = true;
    assert_comes_back();
}

static void what_can_be_delivered_is_delivered_first(void **state)
{
    (void)state;
    come_up();
    publish(1);
    rest(true);
    assert_sent("CONNECT PUBLISH(1)");
    run(1000);
    assert_false(client.away);
    wire_ack(&wire, 0x40, 1);
    say();
    assert_int_equal(seen[IOT_EV_DONE], 1);
    assert_sent("CONNECT PUBLISH(1) DISCONNECT");
    assert_away(1);
    assert_int_equal(seen[IOT_EV_FAILED], 0);
    assert_comes_back();
}

static void a_broker_that_acknowledges_nothing_does_not_hold_it_up(void **state)
{
    (void)state;
    opt.session = IOT_SESSION_KEEP;
    come_up();
    publish(1);
    rest(true);
    run(2999);
    assert_false(client.away);
    run(1);
    assert_sent("CONNECT PUBLISH(1) DISCONNECT");
    assert_away(1);
    assert_int_equal(seen[IOT_EV_DONE] + seen[IOT_EV_FAILED], 0);
    publish(1); /* what comes meanwhile waits as well */
    assert_comes_back();
    assert_sent("CONNECT PUBLISH+DUP(1) PUBLISH(2)");
    wire_ack(&wire, 0x40, 1);
    wire_ack(&wire, 0x40, 2);
    say();
    assert_int_equal(seen[IOT_EV_DONE], 2);
}

static void in_a_clean_session_it_ends_as_over_any_lost_link(void **state)
{
    (void)state;
    come_up();
    publish(1);
    rest(true);
    run(3000);
    assert_away(1);
    assert_int_equal(seen[IOT_EV_FAILED], 1);
    assert_err(last[IOT_EV_FAILED].err, IOT_ERR_UNKNOWN);
    publish(0);
    assert_comes_back();
    assert_sent("CONNECT PUBLISH");
    assert_int_equal(seen[IOT_EV_DONE], 1);
}

static void a_message_of_qos_2_in_the_middle_is_finished_behind_the_rest(void **state)
{
    (void)state;
    opt.session = IOT_SESSION_KEEP;
    come_up();
    publish(2);
    wire_ack(&wire, 0x50, 1);
    say();
    rest(true);
    run(3000);
    assert_sent("CONNECT PUBLISH(1) PUBREL(1) DISCONNECT");
    assert_away(1);
    assert_comes_back();
    assert_sent("CONNECT PUBREL(1)");
    wire_ack(&wire, 0x70, 1);
    say();
    assert_int_equal(seen[IOT_EV_DONE], 1);
}

static void a_link_that_breaks_meanwhile_is_a_loss_and_then_a_rest(void **state)
{
    (void)state;
    come_up();
    publish(1);
    rest(true);
    stub_end(&stub, IOT_ERR_TCP_RESET, 0);
    run(0);
    assert_int_equal(seen[IOT_EV_LOST], 1);
    assert_err(last[IOT_EV_LOST].err, IOT_ERR_TCP_RESET);
    assert_int_equal(last[IOT_EV_LOST].delay_ms, IOT_MS_NEVER);
    assert_true(client.away);
    assert_comes_back(); /* its wait is over as well */
}

static void a_rest_that_is_called_off_in_time_is_none(void **state)
{
    (void)state;
    come_up();
    publish(1);
    rest(true);
    run(1000);
    rest(false);
    run(5000);
    assert_sent("CONNECT PUBLISH(1)");
    assert_int_equal(seen[IOT_EV_LOST], 0);
    wire_ack(&wire, 0x40, 1);
    say();
    run(1000);
    assert_true(iot_mqtt_up(&client.session));
}

static void called_off_too_late_it_comes_back_at_once(void **state)
{
    (void)state;
    come_up();
    stub.closes = false;
    rest(true);
    rest(false);
    stub.closes = true;
    wake = true;
    run(0);
    assert_int_equal(seen[IOT_EV_LOST], 1);
    assert_err(last[IOT_EV_LOST].err, IOT_ERR_OTA_ROOM);
    assert_int_equal(stub.opens, 2);
    accept_it();
    assert_int_equal(seen[IOT_EV_CONNECTED], 2);
}

static void it_comes_back_where_lost_is_final(void **state)
{
    (void)state;
    opt.no_reconnect = true;
    come_up();
    rest(true);
    assert_away(1);
    assert_comes_back();
}

/* ---- before it is up ------------------------------------------------------------------------ */

static void an_attempt_is_given_up(void **state)
{
    (void)state;
    stub.connects = false;
    connect_();
    rest(true);
    assert_int_equal(stub.aborts, 1);
    assert_away(1);
    stub.connects = true;
    assert_comes_back();
}

static void what_may_be_accepted_is_awaited_so_that_no_will_fires(void **state)
{
    (void)state;
    connect_();
    rest(true);
    run(4000);
    assert_false(client.away);
    assert_int_equal(stub.aborts, 0);
    accept_it();
    assert_sent("CONNECT DISCONNECT");
    assert_int_equal(seen[IOT_EV_CONNECTED], 1);
    assert_away(1);
    assert_comes_back();
}

static void a_broker_that_never_accepts_is_not_awaited_for_ever(void **state)
{
    (void)state;
    connect_();
    rest(true);
    run(10000);
    assert_true(client.away);
    assert_err(last[IOT_EV_LOST].err, IOT_ERR_MQTT_CONNACK_TIMEOUT);
    assert_comes_back();
}

static void connecting_waits(void **state)
{
    (void)state;
    rest(true);
    assert_away(0);
    connect_();
    assert_int_equal(stub.opens, 0);
    assert_away(0);
    assert_comes_back();
}

static void a_wait_goes_on_by_its_own_rules(void **state)
{
    (void)state;
    exile_ms = 60000;
    stub.open_result = IOT_ERR_TCP_REFUSED;
    connect_();
    assert_int_equal(seen[IOT_EV_LOST], 1);
    stub.open_result = IOT_OK;
    exile_ms = 0;
    rest(true);
    assert_true(client.away); /* nothing more is told */
    assert_int_equal(seen[IOT_EV_LOST], 1);
    run(1000);
    rest(false);
    assert_int_equal(stub.opens, 1); /* the peer demands it */
    run(50000);
    assert_int_equal(stub.opens, 1);
    rest(true);
    run(50000);
    assert_int_equal(stub.opens, 1);
    rest(false);
    assert_int_equal(stub.opens, 2);
}

static void hints_of_the_network_do_not_end_it(void **state)
{
    (void)state;
    come_up();
    rest(true);
    assert_away(1);
    static const enum iot_network_change all[] = {IOT_NETWORK_UP, IOT_NETWORK_CHANGED,
                                                  IOT_NETWORK_DOWN, IOT_NETWORK_UP};
    for (uint32_t i = 0; i < COUNT(all); i++) {
        wake = true;
        iot_mqtt_client_network(&client, all[i]);
        run(120000);
        assert_int_equal(stub.opens, 1);
    }
    assert_int_equal(seen[IOT_EV_LOST], 1);
    assert_comes_back();
}

static void a_network_that_goes_down_meanwhile_ends_the_link(void **state)
{
    (void)state;
    come_up();
    publish(1);
    rest(true);
    wake = true;
    iot_mqtt_client_network(&client, IOT_NETWORK_DOWN);
    run(0);
    assert_true(client.away);
    assert_err(last[IOT_EV_LOST].err, IOT_ERR_NET_DOWN);
    assert_int_equal(last[IOT_EV_LOST].delay_ms, IOT_MS_NEVER);
}

/* ---- errands -------------------------------------------------------------------------------- */

static void an_errand_is_finished_first(void **state)
{
    (void)state;
    registers = true;
    connect_();
    rest(true);
    accept_it();
    run(1000);
    assert_sent("CONNECT");
    served = IOT_OK;
    wake = true;
    run(0);
    assert_sent("CONNECT DISCONNECT");
    assert_away(0); /* of it nobody is told */
    assert_int_equal(seen[IOT_EV_CONNECTED], 0);
    assert_comes_back();
}

/* ---- closing -------------------------------------------------------------------------------- */

static void close_(uint32_t drain_ms)
{
    wake = true;
    assert_err(iot_mqtt_client_close(&client, drain_ms), IOT_OK);
    run(0);
}

static void a_client_that_rests_is_closed_at_once(void **state)
{
    (void)state;
    come_up();
    rest(true);
    close_(5000);
    assert_int_equal(seen[IOT_EV_CLOSED], 1);
    assert_int_equal(stub.opens, 1);
    rest(false);
    run(100000);
    assert_int_equal(stub.opens, 1);
    connect_();
    assert_int_equal(stub.opens, 2);
}

static void with_messages_it_comes_back_for_them_when_it_may(void **state)
{
    (void)state;
    come_up();
    rest(true);
    publish(0);
    close_(5000);
    run(1000);
    assert_int_equal(seen[IOT_EV_CLOSED], 0);
    rest(false);
    accept_it();
    assert_sent("CONNECT PUBLISH DISCONNECT");
    assert_int_equal(seen[IOT_EV_DONE], 1);
    assert_int_equal(seen[IOT_EV_CLOSED], 1);
}

static void and_gives_them_up_when_it_may_not(void **state)
{
    (void)state;
    come_up();
    rest(true);
    publish(0);
    close_(5000);
    run(4999);
    assert_int_equal(seen[IOT_EV_CLOSED], 0);
    run(1);
    assert_int_equal(seen[IOT_EV_CLOSED], 1);
    assert_err(last[IOT_EV_FAILED].err, IOT_ERR_CLOSED);
    assert_int_equal(stub.opens, 1);
}

static void a_rest_does_not_disturb_a_close(void **state)
{
    (void)state;
    for (uint32_t when = 0; when < 3; when++) {
        setup(NULL);
        come_up();
        stub.closes = false;
        if (when == 0)
            rest(true); /* it is saying goodbye */
        publish(0);
        close_(10000);
        if (when == 1)
            rest(true);
        run(when == 2 ? 500 : 0);
        rest(true);
        stub.closes = true;
        run(20000);
        assert_int_equal(seen[IOT_EV_CLOSED], 1);
        assert_int_equal(seen[IOT_EV_LOST], when == 0);
        assert_int_equal(seen[IOT_EV_DONE] + seen[IOT_EV_FAILED], 1);
        assert_true(client.away);
    }
}

static void a_close_drains_for_as_long_as_it_was_told(void **state)
{
    (void)state;
    come_up();
    publish(1);
    close_(10000);
    rest(true);
    run(5000);
    wake = true;
    run(0);
    assert_sent("CONNECT PUBLISH(1)");
    wire_ack(&wire, 0x40, 1);
    say();
    assert_sent("CONNECT PUBLISH(1) DISCONNECT");
    assert_int_equal(seen[IOT_EV_DONE], 1);
    assert_int_equal(seen[IOT_EV_CLOSED], 1);
    assert_int_equal(seen[IOT_EV_LOST], 0);
}

static void it_may_be_closed_from_inside(void **state)
{
    (void)state;
    close_on_lost = true;
    come_up();
    rest(true);
    run(10);
    assert_int_equal(seen[IOT_EV_LOST], 1);
    assert_int_equal(seen[IOT_EV_CLOSED], 1);
    assert_true(client.away);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup(f, setup)
        CASE(a_link_ends_in_good_order_and_comes_back_at_once),
        CASE(a_peer_that_does_not_let_go_is_waited_for_a_second),
        CASE(what_can_be_delivered_is_delivered_first),
        CASE(a_broker_that_acknowledges_nothing_does_not_hold_it_up),
        CASE(in_a_clean_session_it_ends_as_over_any_lost_link),
        CASE(a_message_of_qos_2_in_the_middle_is_finished_behind_the_rest),
        CASE(a_link_that_breaks_meanwhile_is_a_loss_and_then_a_rest),
        CASE(a_rest_that_is_called_off_in_time_is_none),
        CASE(called_off_too_late_it_comes_back_at_once),
        CASE(it_comes_back_where_lost_is_final),
        CASE(an_attempt_is_given_up),
        CASE(what_may_be_accepted_is_awaited_so_that_no_will_fires),
        CASE(a_broker_that_never_accepts_is_not_awaited_for_ever),
        CASE(connecting_waits),
        CASE(a_wait_goes_on_by_its_own_rules),
        CASE(hints_of_the_network_do_not_end_it),
        CASE(a_network_that_goes_down_meanwhile_ends_the_link),
        CASE(an_errand_is_finished_first),
        CASE(a_client_that_rests_is_closed_at_once),
        CASE(with_messages_it_comes_back_for_them_when_it_may),
        CASE(and_gives_them_up_when_it_may_not),
        CASE(a_rest_does_not_disturb_a_close),
        CASE(a_close_drains_for_as_long_as_it_was_told),
        CASE(it_may_be_closed_from_inside),
    };
    return cmocka_run_group_tests_name("mqtt_rest", tests, NULL, NULL);
}

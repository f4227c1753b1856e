/* SPDX-License-Identifier: Apache-2.0 */
/* What a device adds to its client: credentials for each attempt, names for losses, messages heard; and
 * a stream that has more, but not in this tick. The rest of the client: test_mqtt_client.c. */
#include "test.h"

#include "heap_trap.h"
#include "mqtt_rooms.h"
#include "mqtt_wire.h"
#include "stub_stream.h"

#define DEV    ((struct iot_device *)(void *)&client) /* only handed through */
#define AWAY   300000u
#define CAP_MS 60000u

static struct iot_options opt;
static struct iot_mqtt_client client;
static struct iot_jitter jitter;
static struct stub_stream stub;
static struct wire wire;
static bool wake;
static iot_time now, deadline;
static uint32_t seen[IOT_EV_CLOSED + 1];
static struct iot_event last[IOT_EV_CLOSED + 1];

static struct {
    iot_err says; /* login */
    uint32_t logins;
    void (*fill)(uint8_t *scratch, uint32_t cap, struct iot_credentials *out);
    uint32_t judges, exile_ms;
    iot_err rename; /* OK: leave it */
    enum iot_mqtt_stage stage;
    iot_err reason;
    int32_t detail;
    uint32_t heard;
    char topic[32];
    iot_err takes; /* a message */
    bool takes_parts;
    enum iot_event_kind keeps; /* for itself; CONNECTING: none */
} hook;

static iot_err login(struct iot_device *dev, uint8_t *scratch, uint32_t cap,
                     struct iot_credentials *out)
{
    assert_ptr_equal(dev, DEV);
    hook.logins++;
    if (hook.fill != NULL)
        hook.fill(scratch, cap, out);
    return hook.says;
}

static uint32_t judge(struct iot_device *dev, enum iot_mqtt_stage stage, iot_err *reason,
                      int32_t detail)
{
    assert_ptr_equal(dev, DEV);
    hook.judges++;
    hook.stage = stage;
    hook.reason = *reason;
    hook.detail = detail;
    if (hook.rename != IOT_OK)
        *reason = hook.rename;
    return hook.exile_ms;
}

static iot_err take(struct iot_device *dev, const struct iot_msg *msg)
{
    assert_ptr_equal(dev, DEV);
    assert_true(seen[IOT_EV_MESSAGE] <= hook.heard); /* before the application sees it */
    hook.heard++;
    snprintf(hook.topic, sizeof hook.topic, "%.*s", (int)msg->topic.len, msg->topic.text);
    return hook.takes;
}

static bool take_parts(struct iot_device *dev, const struct iot_topic *topic)
{
    assert_ptr_equal(dev, DEV);
    assert_true(topic->len > 0);
    return hook.takes_parts;
}

static bool on_own_event(struct iot_device *dev, const struct iot_event *ev)
{
    assert_ptr_equal(dev, DEV);
    return ev->kind != hook.keeps || ev->kind == IOT_EV_CONNECTING;
}

static const struct iot_mqtt_hooks hooks = {login,        judge, take, take_parts,
                                            on_own_event, NULL,  NULL};

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    (void)ctx;
    assert_ptr_equal(dev, DEV);
    seen[ev->kind]++;
    last[ev->kind] = *ev;
}

static void init(const struct iot_mqtt_hooks *h)
{
    stub.base.wake = &wake;
    iot_mqtt_client_init(&client, &opt, DEV, h, &stub.base, &jitter);
}

static int setup(void **state)
{
    (void)state;
    heap_trap_off();
    memset(&opt, 0, sizeof opt);
    memset(&hook, 0, sizeof hook);
    hook.takes = IOT_ERR_STATE;
    memset(seen, 0, sizeof seen);
    memset(last, 0, sizeof last);
    opt.host = "broker.example";
    opt.client_id = "c";
    opt.keepalive_s = 60;
    opt.on_event = on_event;
    stub_init(&stub);
    wire_clear(&wire);
    wake = false;
    now = 1000;
    deadline = IOT_TIME_NEVER;
    iot_jitter_seed(&jitter, 1);
    init(&hooks);
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
    iot_mqtt_client_down(&client);
    iot_mqtt_client_end(&client);
    deadline = iot_mqtt_client_deadline(&client);
    heap_trap_off();
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

static void connect_(void)
{
    wake = true;
    assert_err(iot_mqtt_client_connect(&client), IOT_OK);
}

static void say(void)
{
    stub_receive(&stub, wire_bytes(&wire));
    wire_clear(&wire);
}

static void come_up(void)
{
    connect_();
    run(0);
    wire_connack(&wire, 0, 0);
    say();
    run(0);
    assert_int_equal(seen[IOT_EV_CONNECTED], 1);
}

static bool window_holds(const char *text)
{
    return memmem(client.rx, sizeof client.rx, text, strlen(text)) != NULL;
}

/* ---- login ------------------------------------------------------------------------------- */

static void without_hooks_the_options_are_the_credentials(void **state)
{
    (void)state;
    init(NULL);
    opt.user_name = "u";
    opt.password = BYTES("p\0w");
    come_up();
    assert_bytes(stub_sent(&stub), BYTES("\x10\x15\0\4MQTT\4\xc2\0\x3c\0\1c\0\1u\0\3p\0w"));
    stub_end(&stub, IOT_ERR_TCP_EOF, 0);
    run(0);
    assert_err(last[IOT_EV_LOST].err, IOT_ERR_TCP_EOF);
    assert_int_equal(hook.logins + hook.judges + hook.heard, 0);
}

static void options_make_ports_by_what_carries_them(void **state)
{
    static const struct iot_tls_options tls;
    static const struct iot_link_identity link;
    struct iot_credentials who;
    (void)state;
    iot_mqtt_credentials(&opt, &who);
    assert_int_equal(who.port, 1883);
    assert_string_equal(who.host, "broker.example");
    assert_bytes(who.client_id, BYTES("c"));
    assert_null(who.user_name.ptr);
    assert_null(who.password.ptr);
    opt.tls = &tls;
    iot_mqtt_credentials(&opt, &who);
    assert_int_equal(who.port, 8883);
    opt.link = &link;
    iot_mqtt_credentials(&opt, &who);
    assert_int_equal(who.port, 0); /* the platform's to say */
    opt.port = 443;
    iot_mqtt_credentials(&opt, &who);
    assert_int_equal(who.port, 443);
}

static void other_credentials(uint8_t *scratch, uint32_t cap, struct iot_credentials *out)
{
    (void)scratch;
    (void)cap;
    assert_string_equal(out->host, "broker.example"); /* filled from the options */
    assert_bytes(out->client_id, BYTES("c"));
    out->host = "other.example";
    out->port = 444;
    out->client_id = BYTES("n");
    out->user_name = BYTES("m");
    out->password = BYTES("q");
}

static void login_is_asked_once_per_attempt_and_may_replace_everything(void **state)
{
    (void)state;
    hook.fill = other_credentials;
    come_up();
    assert_int_equal(hook.logins, 1);
    assert_string_equal(stub.to.host, "other.example");
    assert_int_equal(stub.to.port, 444);
    assert_null(stub.to.server_name);
    assert_bytes(stub_sent(&stub), BYTES("\x10\x13\0\4MQTT\4\xc2\0\x3c\0\1n\0\1m\0\1q"));
    stub_end(&stub, IOT_ERR_TCP_EOF, 0);
    run(0);
    run(last[IOT_EV_LOST].delay_ms);
    assert_int_equal(hook.logins, 2);
    assert_int_equal(stub.opens, 2);
}

static void a_login_that_is_not_ready_is_asked_again_and_nothing_is_opened(void **state)
{
    (void)state;
    hook.says = IOT_ERR_AGAIN;
    connect_();
    run(1000);
    assert_in_range(hook.logins, 40, 60);
    assert_int_equal(stub.opens, 0);
    assert_int_equal(seen[IOT_EV_CONNECTING], 0);
    hook.says = IOT_OK;
    run(20);
    assert_int_equal(stub.opens, 1);
    assert_int_equal(seen[IOT_EV_CONNECTING], 1);
}

static void a_login_that_fails_ends_the_attempt_by_its_name_and_the_ladder_goes_on(void **state)
{
    (void)state;
    hook.says = IOT_ERR_KV;
    connect_();
    run(0);
    assert_int_equal(stub.opens, 0);
    assert_int_equal(seen[IOT_EV_CONNECTING], 1);
    assert_int_equal(seen[IOT_EV_LOST], 1);
    assert_err(last[IOT_EV_LOST].err, IOT_ERR_KV);
    assert_int_equal(hook.stage, IOT_MQTT_OPENING);
    assert_in_range(last[IOT_EV_LOST].delay_ms, 250, 1000);
    run(30 * CAP_MS);
    assert_true(seen[IOT_EV_LOST] > 25);
    hook.says = IOT_OK;
    run(CAP_MS);
    assert_int_equal(stub.opens, 1);
}

static void close_ends_a_client_whose_login_is_never_ready(void **state)
{
    (void)state;
    for (int messages = 0; messages <= 1; messages++) {
        setup(NULL);
        hook.says = IOT_ERR_AGAIN;
        connect_();
        run(100);
        if (messages) {
            struct iot_msg msg = {.topic = IOT_TOPIC("t"), .qos = 1};
            assert_err(iot_mqtt_session_publish(&client.session, &msg, NULL), IOT_OK);
        }
        wake = true;
        assert_err(iot_mqtt_client_close(&client, 500), IOT_OK);
        run(499);
        assert_int_equal(seen[IOT_EV_CLOSED], !messages);
        run(1);
        assert_int_equal(seen[IOT_EV_CLOSED], 1);
        assert_int_equal(seen[IOT_EV_FAILED], messages);
        assert_int_equal(stub.opens, 0);
    }
}

/* Texts in the window: the host in use until the stream is up, the others until CONNECT is built. */
static bool stage_id, stage_user, stage_password;
static void staged_credentials(uint8_t *scratch, uint32_t cap, struct iot_credentials *out)
{
    assert_int_equal(cap, IOT_MQTT_RX_BYTES / 2);
    memset(scratch, 'S', cap);
    memcpy(scratch + cap - 30, "ID0123456\0US0123456\0SECRET7890", 30);
    out->client_id = stage_id ? (struct iot_bytes){scratch + cap - 30, 9} : BYTES("own-id");
    out->user_name = stage_user ? (struct iot_bytes){scratch + cap - 20, 9} : BYTES("own-user");
    out->password = stage_password ? (struct iot_bytes){scratch + cap - 10, 10} : BYTES("own-pw");
}

static void texts_in_the_window_reach_the_wire_whichever_of_them_are_there(void **state)
{
    static uint8_t long_will[IOT_MQTT_RX_BYTES / 2 - 80];
    (void)state;
    memset(long_will, 'w', sizeof long_will);
    for (uint32_t which = 0; which < 8; which++) {
        setup(NULL);
        opt.will.topic = (struct iot_topic)IOT_TOPIC("w");
        opt.will.payload = (struct iot_bytes){long_will, sizeof long_will};
        stage_id = which & 1;
        stage_user = which & 2;
        stage_password = which & 4;
        hook.fill = staged_credentials;
        connect_();
        run(0);
        struct iot_bytes sent = stub_sent(&stub);
        struct wire_packet p;
        assert_true(wire_next(&sent, &p));
        assert_int_equal(p.type, 1);
        const char *id = stage_id ? "ID0123456" : "own-id";
        const char *user = stage_user ? "US0123456" : "own-user";
        const char *password = stage_password ? "SECRET7890" : "own-pw";
        struct wire expected;
        wire_clear(&expected);
        wire_hex(&expected, "00 04 4d 51 54 54 04 c6 00 3c");
        uint8_t two[2] = {0, (uint8_t)strlen(id)};
        wire_put(&expected, two, 2);
        wire_put(&expected, id, two[1]);
        wire_hex(&expected, "00 01 77");
        two[0] = (uint8_t)(sizeof long_will >> 8);
        two[1] = (uint8_t)sizeof long_will;
        wire_put(&expected, two, 2);
        wire_put(&expected, long_will, sizeof long_will);
        two[0] = 0;
        two[1] = (uint8_t)strlen(user);
        wire_put(&expected, two, 2);
        wire_put(&expected, user, two[1]);
        two[1] = (uint8_t)strlen(password);
        wire_put(&expected, two, 2);
        wire_put(&expected, password, two[1]);
        assert_bytes(((struct iot_bytes){p.whole.ptr + 3, p.whole.len - 3}), wire_bytes(&expected));
        assert_false(window_holds(password));
    }
}

/* One text alone decides: in front of it there is half the window. */
static void large_texts_around_one_in_the_window_are_refused_and_not_mixed(void **state)
{
    static uint8_t long_will[IOT_MQTT_RX_BYTES / 2];
    (void)state;
    memset(long_will, 'w', sizeof long_will);
    for (uint32_t which = 0; which < 8; which++) {
        setup(NULL);
        opt.will.topic = (struct iot_topic)IOT_TOPIC("w");
        opt.will.payload = (struct iot_bytes){long_will, sizeof long_will};
        stage_id = which & 1;
        stage_user = which & 2;
        stage_password = which & 4;
        hook.fill = staged_credentials;
        connect_();
        run(0);
        assert_int_equal(stub.tx_len != 0, which == 0);
        assert_int_equal(seen[IOT_EV_LOST], which != 0);
        if (which != 0)
            assert_err(last[IOT_EV_LOST].err, IOT_ERR_SIZE);
    }
}

static void a_password_is_gone_from_the_window_however_the_attempt_ends(void **state)
{
    (void)state;
    for (uint32_t how = 0; how < 6; how++) {
        setup(NULL);
        opt.no_reconnect = true;
        stage_id = stage_user = stage_password = true;
        hook.fill = staged_credentials;
        stub.connects = how > 2;
        if (how == 0)
            hook.says = IOT_ERR_KV;
        if (how == 1)
            stub.open_result = IOT_ERR_DNS_BUSY;
        if (how > 3)
            stub.write_budget = 40; /* part of CONNECT */
        connect_();
        run(0);
        if (how == 2 || how > 3)
            assert_true(window_holds("SECRET7890"));
        if (how == 2 || how == 4)
            stub_end(&stub, IOT_ERR_TCP_RESET, 0);
        if (how == 5) {
            wake = true;
            assert_err(iot_mqtt_client_close(&client, 0), IOT_OK);
        }
        run(100);
        assert_false(window_holds("SECRET7890"));
    }
}

static void a_check_at_init_leaves_nothing_in_the_window(void **state)
{
    (void)state;
    struct iot_credentials who;
    opt.user_name = "u";
    opt.password = BYTES("SECRET7890");
    iot_mqtt_credentials(&opt, &who);
    assert_err(iot_mqtt_client_check(&client, &who), IOT_OK);
    assert_false(window_holds("SECRET7890"));
}

/* ---- judge ------------------------------------------------------------------------------- */

static void judge_hears_how_far_the_connection_had_come(void **state)
{
    (void)state;
    stub.connects = false;
    opt.no_reconnect = true;
    connect_();
    run(0);
    stub_end(&stub, IOT_ERR_TCP_REFUSED, -14);
    run(0);
    assert_int_equal(hook.stage, IOT_MQTT_OPENING);
    assert_err(hook.reason, IOT_ERR_TCP_REFUSED);
    assert_int_equal(hook.detail, -14);

    stub.connects = true;
    connect_();
    run(0);
    stub_end(&stub, IOT_ERR_TCP_EOF, 0);
    run(0);
    assert_int_equal(hook.stage, IOT_MQTT_ASKED);

    for (int stable = 0; stable <= 1; stable++) {
        setup(NULL);
        opt.no_reconnect = true;
        come_up();
        run(stable ? 30000 : 29999);
        stub_end(&stub, IOT_ERR_TCP_EOF, 0);
        run(0);
        assert_int_equal(hook.stage, stable ? IOT_MQTT_STABLE : IOT_MQTT_ACCEPTED);
        assert_int_equal(hook.judges, 1);
    }

    setup(NULL);
    connect_();
    run(0);
    wire_connack(&wire, 0, 4);
    say();
    run(0);
    assert_int_equal(hook.stage, IOT_MQTT_ASKED);
    assert_err(hook.reason, IOT_ERR_MQTT_REFUSED);
    assert_int_equal(hook.detail, 4);
}

static void judges_name_is_everybodys_name(void **state)
{
    (void)state;
    come_up();
    hook.rename = IOT_ERR_LINK_TWICE;
    stub_end(&stub, IOT_ERR_TCP_EOF, 5);
    run(0);
    assert_err(last[IOT_EV_LOST].err, IOT_ERR_LINK_TWICE);
    assert_int_equal(last[IOT_EV_LOST].detail, 5);
    assert_err(client.reason, IOT_ERR_LINK_TWICE);
    assert_int_equal(client.detail, 5);
}

static void who_has_to_stay_away_does_for_one_to_one_and_a_half_times(void **state)
{
    uint32_t least = UINT32_MAX, most = 0;
    (void)state;
    for (uint32_t i = 0; i < 200; i++) {
        setup(NULL);
        iot_jitter_seed(&jitter, i + 1);
        hook.exile_ms = AWAY;
        stub.open_result = IOT_ERR_DNS_UNKNOWN;
        connect_();
        run(0);
        uint32_t delay = last[IOT_EV_LOST].delay_ms;
        assert_in_range(delay, AWAY, AWAY + AWAY / 2);
        least = delay < least ? delay : least;
        most = delay > most ? delay : most;
        run(delay - 1);
        assert_int_equal(hook.logins, 1);
        run(1);
        assert_int_equal(hook.logins, 2);
    }
    assert_true(least < AWAY + AWAY / 20 && most > AWAY + AWAY / 2 - AWAY / 20);
}

static void hints_shorten_an_ordinary_wait_and_no_exile(void **state)
{
    static const enum iot_network_change hints[] = {IOT_NETWORK_UP, IOT_NETWORK_CHANGED,
                                                    IOT_NETWORK_DOWN};
    (void)state;
    for (uint32_t exile = 0; exile <= 1; exile++) {
        for (uint32_t i = 0; i < COUNT(hints); i++) {
            setup(NULL);
            opt.backoff_cap_ms = 10 * CAP_MS;
            client.backoff.step = 12;
            hook.exile_ms = exile * AWAY;
            stub.open_result = IOT_ERR_TCP_RESET;
            connect_();
            run(0);
            iot_time until = client.until;
            wake = true;
            iot_mqtt_client_network(&client, hints[i]);
            run(0);
            if (exile)
                assert_int_equal(client.until, until);
            else if (hints[i] == IOT_NETWORK_DOWN)
                assert_int_equal(client.until, now + 10 * CAP_MS);
            else
                assert_in_range(client.until, now, now + 250);
        }
    }
}

static void exile_ends_with_the_next_loss_that_brings_none(void **state)
{
    (void)state;
    hook.exile_ms = AWAY;
    stub.open_result = IOT_ERR_TCP_RESET;
    connect_();
    run(0);
    hook.exile_ms = 0;
    run(AWAY * 2);
    assert_true(hook.logins > 2);
    wake = true;
    iot_mqtt_client_network(&client, IOT_NETWORK_UP);
    run(0);
    assert_in_range(client.until, now, now + 250);
}

static void without_reconnect_exile_is_the_applications_affair(void **state)
{
    (void)state;
    opt.no_reconnect = true;
    hook.exile_ms = AWAY;
    stub.open_result = IOT_ERR_TCP_RESET;
    connect_();
    run(0);
    assert_int_equal(last[IOT_EV_LOST].delay_ms, IOT_MS_NEVER);
    assert_int_equal(deadline, IOT_TIME_NEVER);
}

/* ---- heard ------------------------------------------------------------------------------- */

static uint32_t handled;

static iot_err handler(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    (void)ctx;
    (void)dev;
    (void)msg;
    handled++;
    return IOT_OK;
}

static void every_message_is_heard_and_what_no_handler_took_is_an_event(void **state)
{
    static const struct iot_filter f = {.filter = IOT_TOPIC("a"), .on_message = handler};
    (void)state;
    assert_err(iot_mqtt_session_subscribe(&client.session, &f, NULL), IOT_OK);
    come_up();
    wire_publish(&wire, 0, "a", 0, "x", 1);
    wire_publish(&wire, 0, "b", 0, "x", 1);
    say();
    run(0);
    assert_int_equal(hook.heard, 2);
    assert_string_equal(hook.topic, "b");
    assert_int_equal(seen[IOT_EV_MESSAGE], 1);
}

static void what_the_device_takes_is_no_event_and_goes_to_handlers_all_the_same(void **state)
{
    static const struct iot_filter f = {.filter = IOT_TOPIC("a"), .on_message = handler};
    (void)state;
    assert_err(iot_mqtt_session_subscribe(&client.session, &f, NULL), IOT_OK);
    come_up();
    hook.takes = IOT_OK;
    handled = 0;
    wire_publish(&wire, 0, "a", 0, "x", 1);
    wire_publish(&wire, 0, "b", 0, "x", 1);
    say();
    run(0);
    assert_int_equal(hook.heard, 2);
    assert_int_equal(handled, 1);
    assert_int_equal(seen[IOT_EV_MESSAGE], 0);
}

static void what_the_device_declines_is_offered_to_it_alone_again(void **state)
{
    static const struct iot_filter f = {.filter = IOT_TOPIC("a"), .on_message = handler};
    (void)state;
    assert_err(iot_mqtt_session_subscribe(&client.session, &f, NULL), IOT_OK);
    come_up();
    hook.takes = IOT_ERR_AGAIN;
    handled = 0;
    wire_publish(&wire, 2, "a", 7, "x", 1);
    say();
    run(100);
    assert_true(hook.heard > 2);
    assert_int_equal(handled, 1);
    assert_string_equal(wire_words(stub_sent(&stub)), "CONNECT SUBSCRIBE(1)");
    hook.takes = IOT_OK;
    run(100);
    uint32_t heard = hook.heard;
    run(100);
    assert_int_equal(hook.heard, heard);
    assert_int_equal(handled, 1);
    assert_string_equal(wire_words(stub_sent(&stub)), "CONNECT SUBSCRIBE(1) PUBACK(7)");
}

static void an_event_that_the_device_keeps_is_not_the_applications(void **state)
{
    (void)state;
    come_up();
    hook.keeps = IOT_EV_MESSAGE;
    wire_publish(&wire, 0, "b", 0, "x", 1);
    say();
    run(0);
    assert_int_equal(hook.heard, 1);
    assert_int_equal(seen[IOT_EV_MESSAGE], 0);
}

/* ---- a stream with more, but not in this tick -------------------------------------------- */

static void nothing_now_but_more_later_is_asked_again_in_the_next_tick_at_once(void **state)
{
    (void)state;
    come_up();
    wire_publish(&wire, 0, "b", 0, "x", 1);
    say();
    stub.read_later = 3;
    for (uint32_t i = 3; i-- > 0;) {
        poll();
        assert_int_equal(stub.read_later, i);
        assert_int_equal(deadline, 0);
        assert_int_equal(seen[IOT_EV_MESSAGE], 0);
    }
    poll();
    assert_int_equal(seen[IOT_EV_MESSAGE], 1);
}

static void nothing_now_but_more_later_gives_no_verdict_of_silence(void **state)
{
    (void)state;
    connect_();
    run(0);
    now += 20000; /* CONNACK was due after 10 s */
    stub.read_later = 1;
    wire_connack(&wire, 0, 0);
    say();
    poll();
    assert_int_equal(seen[IOT_EV_LOST], 0);
    poll();
    assert_int_equal(seen[IOT_EV_LOST], 0);
    assert_int_equal(seen[IOT_EV_CONNECTED], 1);
}

static void the_end_of_a_stream_waits_for_what_comes_later(void **state)
{
    (void)state;
    come_up();
    wire_publish(&wire, 0, "b", 0, "x", 1);
    say();
    stub_end(&stub, IOT_ERR_TCP_EOF, 0);
    stub.read_later = 2;
    poll();
    poll();
    assert_int_equal(seen[IOT_EV_LOST], 0);
    poll();
    assert_int_equal(seen[IOT_EV_MESSAGE], 1);
    assert_int_equal(seen[IOT_EV_LOST], 1);
}

static void a_verdict_falls_once_the_stream_is_dry(void **state)
{
    (void)state;
    connect_();
    run(0);
    now += 20000;
    stub.read_later = 1;
    wake = true;
    poll();
    assert_int_equal(seen[IOT_EV_LOST], 0);
    poll();
    assert_int_equal(seen[IOT_EV_LOST], 1);
    assert_err(last[IOT_EV_LOST].err, IOT_ERR_MQTT_CONNACK_TIMEOUT);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(without_hooks_the_options_are_the_credentials),
        CASE(options_make_ports_by_what_carries_them),
        CASE(login_is_asked_once_per_attempt_and_may_replace_everything),
        CASE(a_login_that_is_not_ready_is_asked_again_and_nothing_is_opened),
        CASE(a_login_that_fails_ends_the_attempt_by_its_name_and_the_ladder_goes_on),
        CASE(close_ends_a_client_whose_login_is_never_ready),
        CASE(texts_in_the_window_reach_the_wire_whichever_of_them_are_there),
        CASE(large_texts_around_one_in_the_window_are_refused_and_not_mixed),
        CASE(a_password_is_gone_from_the_window_however_the_attempt_ends),
        CASE(a_check_at_init_leaves_nothing_in_the_window),
        CASE(judge_hears_how_far_the_connection_had_come),
        CASE(judges_name_is_everybodys_name),
        CASE(who_has_to_stay_away_does_for_one_to_one_and_a_half_times),
        CASE(hints_shorten_an_ordinary_wait_and_no_exile),
        CASE(exile_ends_with_the_next_loss_that_brings_none),
        CASE(without_reconnect_exile_is_the_applications_affair),
        CASE(every_message_is_heard_and_what_no_handler_took_is_an_event),
        CASE(what_the_device_takes_is_no_event_and_goes_to_handlers_all_the_same),
        CASE(what_the_device_declines_is_offered_to_it_alone_again),
        CASE(an_event_that_the_device_keeps_is_not_the_applications),
        CASE(nothing_now_but_more_later_is_asked_again_in_the_next_tick_at_once),
        CASE(nothing_now_but_more_later_gives_no_verdict_of_silence),
        CASE(the_end_of_a_stream_waits_for_what_comes_later),
        CASE(a_verdict_falls_once_the_stream_is_dry),
    };
    return cmocka_run_group_tests_name("mqtt_client_hooks", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "heap_trap.h"
#include "mqtt_rooms.h"
#include "mqtt_wire.h"
#include "stub_stream.h"

#define DEV    ((struct iot_device *)(void *)&client) /* only handed through */
#define CAP_MS 60000u

/* ---- a device around the client ---------------------------------------------------------- */

static struct iot_options opt;
static struct iot_mqtt_client client;
static struct iot_jitter jitter;
static struct stub_stream stub;
static bool wake, queued, slept;
static iot_time now, deadline;

/* What the application saw, as words; and what it does about it. */
static char trace[65536];
static size_t trace_len;
static uint32_t seen[IOT_EV_CLOSED + 1];
static struct iot_event last[IOT_EV_CLOSED + 1];
static iot_time last_at[IOT_EV_CLOSED + 1];
static void (*on_event_too)(const struct iot_event *ev);

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
    va_list args;
    if (trace_len > sizeof trace - 1000)
        trace_len = 0; /* a long random run: nobody compares */
    va_start(args, format);
    trace_len += (size_t)vsnprintf(trace + trace_len, sizeof trace - trace_len, format, args);
    va_end(args);
}

static void forget_trace(void)
{
    trace_len = 0;
    trace[0] = '\0';
}

#define assert_trace(text)                                                                         \
    do {                                                                                           \
        assert_string_equal(trace, text);                                                          \
        forget_trace();                                                                            \
    } while (0)

/* Each message that was accepted, by its number, which is its payload. */
#define PUBS_MAX 60000u
static struct pub {
    iot_ticket ticket;
    iot_err result;
    uint32_t delivered; /* to the broker */
    uint8_t qos;
    bool ended;
    uint8_t *ref;
    uint32_t ref_len;
} pubs[PUBS_MAX];
static uint32_t pub_count, open_pubs;

static void end_pub(const struct iot_event *ev)
{
    for (uint32_t i = pub_count; i-- > 0;) {
        struct pub *p = &pubs[i];
        if (p->ticket != ev->ticket)
            continue;
        if (p->ended)
            fail_msg("ticket %u ended twice", (unsigned)ev->ticket);
        p->ended = true;
        p->result = ev->err;
        open_pubs--;
        if (p->ref != NULL) /* the application's again: whoever still reads it is caught */
            memset(p->ref, 0xdd, p->ref_len);
        return;
    }
    fail_msg("ticket %u was never given", (unsigned)ev->ticket);
}

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    static const char *const names[] = {"CONNECTING", "CONNECTED", "LOST",     "DONE",
                                        "FAILED",     "SUBACK",    "UNSUBACK", "MESSAGE",
                                        "SKIPPED",    "REPLY",     "NOTICE",   "REGISTERED",
                                        "WRITABLE",   "BUSY",      "CLOSED"};
    assert_ptr_equal(ctx, &opt);
    assert_ptr_equal(dev, DEV);
    note("%s", names[ev->kind]);
    if (ev->ticket != 0)
        note(":%u", (unsigned)ev->ticket);
    if (ev->err != IOT_OK)
        note(":%s", iot_err_name(ev->err));
    if (ev->msg != NULL)
        note(":%.*s", (int)ev->msg->topic.len, ev->msg->topic.text);
    note(" ");
    seen[ev->kind]++;
    last[ev->kind] = *ev;
    last_at[ev->kind] = now;
    if (ev->kind == IOT_EV_DONE || ev->kind == IOT_EV_FAILED)
        end_pub(ev);
    if (on_event_too != NULL)
        on_event_too(ev);
}

/* What iot_poll does. */
static void poll(void)
{
    bool whole = wake || now >= deadline;
    if (!whole && !queued)
        return;
    wake = queued = false;
    heap_trap_on();
    iot_mqtt_client_tick(&client, now);
    if (whole) {
        if (slept)
            iot_mqtt_client_slept(&client);
        iot_mqtt_client_net(&client);
        iot_mqtt_client_up(&client);
        iot_mqtt_client_time(&client);
    }
    iot_mqtt_client_down(&client);
    iot_mqtt_client_end(&client);
    deadline = iot_mqtt_client_deadline(&client);
    heap_trap_off();
    slept = false;
}

/* ---- a broker behind the stream ---------------------------------------------------------- */

static struct {
    bool silent;       /* reads, says nothing */
    bool deaf_to_acks; /* acknowledges nothing */
    bool no_pingresp;
    bool keeps;         /* sessions survive */
    uint8_t code;       /* of CONNACK */
    uint32_t opens, at; /* what was read of which connection */
    bool has_session;
    bool connected;    /* CONNACK was said */
    uint16_t in2[256]; /* PUBREC said, PUBREL awaited */
    uint32_t in2_count;
    uint32_t disconnects, pings, connects;
    char words[16384]; /* what it heard on this connection */
    size_t words_len;
} broker;

static struct wire wire;

static void say(void)
{
    if (broker.silent)
        wire_clear(&wire);
    if (wire.len != 0)
        stub_receive(&stub, wire_bytes(&wire));
    wire_clear(&wire);
}

static void broker_takes(const struct wire_packet *p)
{
    char text[16];
    if (p->payload.len == 0 || p->payload.len >= sizeof text + 600 || p->payload.ptr[0] != '#')
        return;
    memcpy(text, p->payload.ptr, p->payload.len < 15 ? p->payload.len : 15);
    text[p->payload.len < 15 ? p->payload.len : 15] = '\0';
    uint32_t i = (uint32_t)strtoul(text + 1, NULL, 10);
    assert_true(i < pub_count);
    pubs[i].delivered++;
}

static bool in2_has(uint16_t id, bool remove)
{
    for (uint32_t i = 0; i < broker.in2_count; i++) {
        if (broker.in2[i] != id)
            continue;
        if (remove)
            broker.in2[i] = broker.in2[--broker.in2_count];
        return true;
    }
    return false;
}

static void broker_publish_again(void);
static void broker_got_ack(uint8_t type, uint16_t id);

static void broker_hears(const struct wire_packet *p)
{
    switch (p->type) {
    case 1: {
        bool present = broker.keeps && broker.has_session;
        broker.connects++;
        if (!present)
            broker.in2_count = 0;
        wire_connack(&wire, broker.code == 0 && present, broker.code);
        broker.has_session = true;
        if (broker.code == 0 && !broker.silent) {
            broker.connected = true;
            broker_publish_again();
        }
        break;
    }
    case 3:
        if (p->flags & 4) {
            assert_true((p->flags & 8) == 0 || broker.keeps);
            if (!in2_has(p->id, false)) {
                broker_takes(p);
                assert_true(broker.in2_count < 256);
                broker.in2[broker.in2_count++] = p->id;
            }
            if (!broker.deaf_to_acks)
                wire_ack(&wire, 0x50, p->id);
        } else {
            broker_takes(p);
            if ((p->flags & 2) && !broker.deaf_to_acks)
                wire_ack(&wire, 0x40, p->id);
        }
        break;
    case 6:
        in2_has(p->id, true);
        if (!broker.deaf_to_acks)
            wire_ack(&wire, 0x70, p->id);
        break;
    case 4:
    case 5:
    case 7:
        broker_got_ack(p->type, p->id);
        break;
    case 8:
        if (!broker.deaf_to_acks)
            wire_suback(&wire, p->id, p->payload.ptr[0]);
        break;
    case 10:
        if (!broker.deaf_to_acks)
            wire_ack(&wire, 0xb0, p->id);
        break;
    case 12:
        broker.pings++;
        if (!broker.no_pingresp)
            wire_pingresp(&wire);
        break;
    case 14:
        broker.disconnects++;
        break;
    default:
        break;
    }
}

static void broker_step(void)
{
    if (broker.opens != stub.opens) {
        broker.opens = stub.opens;
        broker.at = 0;
        broker.connected = false;
        broker.words_len = 0;
        broker.words[0] = '\0';
    }
    if (stub.state != STUB_UP && stub.state != STUB_CLOSING)
        return;
    struct iot_bytes rest = {stub.tx + broker.at, stub.tx_len - broker.at};
    struct wire_packet p;
    while (wire_next(&rest, &p)) {
        assert_true(broker.at != 0 || p.type == 1); /* CONNECT first, and once */
        assert_true(broker.at == 0 || p.type != 1);
        if (broker.words_len < sizeof broker.words - 100)
            broker.words_len += (size_t)snprintf(
                broker.words + broker.words_len, sizeof broker.words - broker.words_len, "%s%s",
                broker.words_len != 0 ? " " : "", wire_words(p.whole));
        broker_hears(&p);
        broker.at += p.whole.len;
        if (p.type == 14)
            assert_int_equal(rest.len, 0); /* MQTT-3.14.4-2 */
    }
    say();
}

#define assert_heard(text) assert_string_equal(broker.words, text)

/* ---- time passes ------------------------------------------------------------------------- */

static uint32_t progress(void)
{
    uint32_t sum = stub.reads + stub.writes + stub.opens + stub.aborts + stub.closes_asked;
    sum += client.rx_at;
    IF_STATS(sum += client.counters.received_messages;)
    for (uint32_t i = 0; i < COUNT(seen); i++)
        sum += seen[i];
    return sum;
}

/* The device is polled when it wants to be; not once more. A device that wants to be polled again
 * and again and gets nowhere fails the test. */
static void run(uint32_t ms)
{
    iot_time end = now + ms;
    uint32_t spins = 0;
    for (;;) {
        uint32_t before = progress();
        broker_step();
        poll();
        broker_step();
        if (wake || queued || deadline <= now) {
            spins = progress() == before ? spins + 1 : 0;
            if (spins > 5)
                fail_msg("busy waiting: client phase %u, stream %u, want %d %d, deadline %lld",
                         client.phase, stub.state, wake, queued, (long long)(deadline - now));
            continue;
        }
        spins = 0;
        if (deadline > end)
            break;
        now = deadline;
    }
    now = end;
}

static iot_err publish_bytes(const char *topic, uint8_t qos, uint8_t flags, const void *bytes,
                             uint32_t n, iot_ticket *ticket)
{
    struct iot_msg msg = {.topic = {topic, (uint16_t)strlen(topic), 0},
                          .payload = {bytes, n},
                          .qos = qos,
                          .flags = flags};
    if (!iot_mqtt_client_open(&client))
        return IOT_ERR_STATE;
    queued = true;
    return iot_mqtt_session_publish(&client.session, &msg, ticket);
}

/* A numbered message; `pad` bytes behind the number. */
static iot_err publish_as(uint8_t qos, uint32_t pad, uint8_t *ref)
{
    uint8_t room[1200];
    uint8_t *bytes = ref != NULL ? ref : room;
    uint32_t n = (uint32_t)snprintf((char *)bytes, 12, "#%u ", (unsigned)pub_count);
    memset(bytes + n, '.', pad);
    assert_true(pub_count < PUBS_MAX);
    struct pub *p = &pubs[pub_count];
    memset(p, 0, sizeof *p);
    iot_err err =
        publish_bytes("t", qos, ref != NULL ? IOT_MSG_BY_REF : 0, bytes, n + pad, &p->ticket);
    if (err != IOT_OK)
        return err;
    p->qos = qos;
    p->ref = ref;
    p->ref_len = n + pad;
    pub_count++;
    open_pubs++;
    return IOT_OK;
}

static iot_err publish(uint8_t qos)
{
    return publish_as(qos, 0, NULL);
}

static iot_err subscribe(const char *text, uint8_t qos, iot_mqtt_handler handler, void *ctx)
{
    struct iot_filter f = {
        .filter = {text, (uint16_t)strlen(text), 0}, .qos = qos, .on_message = handler, .ctx = ctx};
    if (!iot_mqtt_client_open(&client))
        return IOT_ERR_STATE;
    queued = true;
    return iot_mqtt_session_subscribe(&client.session, &f, NULL);
}

static iot_err unsubscribe(const char *text)
{
    struct iot_topic topic = {text, (uint16_t)strlen(text), 0};
    if (!iot_mqtt_client_open(&client))
        return IOT_ERR_STATE;
    queued = true;
    return iot_mqtt_client_unsubscribe(&client, &topic, NULL);
}

static iot_err connect_(void)
{
    wake = true;
    return iot_mqtt_client_connect(&client);
}

static iot_err close_(uint32_t drain_ms)
{
    wake = true;
    return iot_mqtt_client_close(&client, drain_ms);
}

static void network(enum iot_network_change change)
{
    wake = true;
    iot_mqtt_client_network(&client, change);
}

static void init(void)
{
    stub.base.wake = &wake;
    iot_mqtt_client_init(&client, &opt, DEV, NULL, &stub.base, &jitter);
}

static uint32_t rng;
static uint32_t chance(uint32_t below)
{
    return test_random(&rng, below);
}

static int setup(void **state)
{
    (void)state;
    heap_trap_off();
    memset(&opt, 0, sizeof opt);
    opt.host = "broker.example";
    opt.client_id = "c";
    opt.keepalive_s = 60;
    opt.on_event = on_event;
    opt.ctx = &opt;
    stub_init(&stub);
    memset(&broker, 0, sizeof broker);
    memset(seen, 0, sizeof seen);
    memset(last, 0, sizeof last);
    wire_clear(&wire);
    forget_trace();
    on_event_too = NULL;
    pub_count = open_pubs = 0;
    wake = queued = slept = false;
    now = (1ull << 32) - 20000;
    deadline = IOT_TIME_NEVER;
    iot_jitter_seed(&jitter, 1);
    init();
    return 0;
}

static void come_up(void)
{
    assert_err(connect_(), IOT_OK);
    run(0);
    assert_int_equal(seen[IOT_EV_CONNECTED], 1);
    assert_true(broker.connected);
    forget_trace();
}

static void assert_pools_are_empty(void)
{
    const struct iot_mqtt_session *s = &client.session;
    assert_int_equal(s->box.count, 0);
    assert_int_equal(iot_mqtt_rels(&s->box), 0);
    assert_int_equal(s->box.queued, 0);
    assert_int_equal(s->box.ended, 0);
    assert_int_equal(iot_mqtt_writer_open(&s->box), false);
    assert_int_equal(s->box.used, 0);
    IF_RECEIVE(assert_int_equal(s->subs.count, 0);)
    IF_RECEIVE(assert_int_equal(s->subs.due, 0);)
    IF_RECEIVE(assert_int_equal(s->subs.asked, 0);)
    IF_RECEIVE(assert_int_equal(s->subs.index.count, 0);)
    assert_int_equal(s->inbox.owed, 0);
    assert_int_equal(s->watch.awaited, 0);
    assert_int_equal(client.rx_len, client.rx_at);
    assert_int_equal(stub.state, STUB_CLOSED);
    assert_int_equal(stub.ref_count, 0);
    assert_int_equal(open_pubs, 0);
    assert_int_equal(stub.opens, stub.aborts + stub.closes_asked);
}

/* Close, and all is over within the time that is promised. */
static void close_and_check(uint32_t drain_ms)
{
    uint32_t before = seen[IOT_EV_CLOSED];
    assert_err(close_(drain_ms), IOT_OK);
    assert_err(close_(drain_ms), IOT_ERR_STATE);
    assert_err(publish(0), IOT_ERR_STATE);
    assert_err(connect_(), IOT_ERR_STATE);
    run(drain_ms + 2000);
    assert_int_equal(seen[IOT_EV_CLOSED], before + 1);
    assert_int_equal(deadline, IOT_TIME_NEVER);
    assert_pools_are_empty();
    assert_true(iot_mqtt_client_idle(&client) || iot_mqtt_held_any(&client.session.inbox));
    run(1000000);
    assert_int_equal(seen[IOT_EV_CLOSED], before + 1);
    assert_err(close_(0), IOT_ERR_STATE);
}

/* ---- up and down ------------------------------------------------------------------------- */

static void it_connects_publishes_and_closes_in_good_order(void **state)
{
    (void)state;
    assert_err(close_(0), IOT_ERR_STATE);
    assert_err(publish(0), IOT_ERR_STATE);
    assert_err(connect_(), IOT_OK);
    assert_err(connect_(), IOT_ERR_STATE);
    run(0);
    assert_int_equal(stub.to.port, 1883);
    assert_string_equal(stub.to.host, "broker.example");
    assert_int_equal(stub.to.tcp_keepalive, 0);
    assert_err(publish(0), IOT_OK);
    assert_err(publish(1), IOT_OK);
    assert_err(publish(2), IOT_OK);
    run(1000);
    assert_heard("CONNECT PUBLISH PUBLISH(1) PUBLISH(2) PUBREL(2)");
    close_and_check(1000);
    assert_heard("CONNECT PUBLISH PUBLISH(1) PUBLISH(2) PUBREL(2) DISCONNECT");
    assert_trace("CONNECTING CONNECTED DONE:1 DONE:2 DONE:3 CLOSED ");
    assert_int_equal(stub.closes_asked, 1);
    assert_int_equal(stub.aborts, 0);
    assert_int_equal(mqtt_rooms_counters(&client)->connects, 1);
    assert_int_equal(mqtt_rooms_counters(&client)->losses, 0);
    assert_int_equal(mqtt_rooms_counters(&client)->sent_messages, 3);
    /* and once more */
    assert_err(connect_(), IOT_OK);
    run(1000);
    assert_trace("CONNECTING CONNECTED ");
    close_and_check(0);
}

static void without_keep_alive_tcp_watches_the_link(void **state)
{
    (void)state;
    opt.keepalive_s = 0;
    opt.port = 8883;
    opt.netif = &opt;
    init();
    assert_err(connect_(), IOT_OK);
    run(10000000);
    assert_int_equal(stub.to.tcp_keepalive, 60);
    assert_int_equal(stub.to.port, 8883);
    assert_ptr_equal(stub.to.netif, &opt);
    assert_int_equal(broker.pings, 0);
    assert_int_equal(seen[IOT_EV_LOST], 0);
}

static void a_link_with_nothing_to_do_only_pings(void **state)
{
    (void)state;
    come_up();
    uint32_t ticks = 0;
    iot_time end = now + 3600000;
    while (now < end) {
        poll();
        broker_step();
        if (!wake && deadline > now) {
            now = deadline;
            ticks++;
        }
    }
    assert_true(broker.pings >= 60 && broker.pings <= 82);
    assert_true(ticks <= broker.pings + 2);
    assert_int_equal(seen[IOT_EV_LOST], 0);
    close_and_check(0);
}

static void a_stream_that_cannot_open_yet_is_asked_again(void **state)
{
    (void)state;
    stub.open_again = 5;
    assert_err(connect_(), IOT_OK);
    run(450);
    assert_trace("");
    run(100);
    assert_trace("CONNECTING CONNECTED ");
}

static void each_way_to_fail_is_lost_by_its_own_name_with_its_number(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        setup(NULL);
        opt.no_reconnect = true;
        if (kind == 0)
            stub.open_result = IOT_ERR_DNS_BUSY;
        stub.connects = kind != 1;
        stub.detail = -14;
        assert_err(connect_(), IOT_OK);
        run(100);
        if (kind == 1)
            stub_end(&stub, IOT_ERR_TCP_REFUSED, -14);
        if (kind == 2)
            stub_end(&stub, IOT_ERR_TCP_RESET, -14);
        if (kind == 3) {
            wire_hex(&wire, "30 01 00");
            say();
        }
        run(100);
        static const iot_err errs[] = {IOT_ERR_DNS_BUSY, IOT_ERR_TCP_REFUSED, IOT_ERR_TCP_RESET,
                                       IOT_ERR_MQTT_MALFORMED};
        assert_int_equal(seen[IOT_EV_LOST], 1);
        assert_err(last[IOT_EV_LOST].err, errs[kind]);
        assert_int_equal(last[IOT_EV_LOST].detail, kind == 3 ? 0x30 : -14);
        assert_int_equal(last[IOT_EV_LOST].delay_ms, IOT_MS_NEVER);
        assert_err(client.reason, errs[kind]);
        assert_int_equal(client.detail, last[IOT_EV_LOST].detail);
        assert_int_equal(deadline, IOT_TIME_NEVER);
        close_and_check(0);
    }
}

static void a_silent_server_gives_the_time_outs_by_name(void **state)
{
    (void)state;
    broker.silent = true;
    opt.no_reconnect = true;
    assert_err(connect_(), IOT_OK);
    run(9999);
    assert_trace("CONNECTING ");
    run(1);
    assert_trace("LOST:MQTT_CONNACK_TIMEOUT ");
    broker.silent = false;
    assert_err(connect_(), IOT_OK);
    run(0);
    broker.silent = true;
    run(54999);
    assert_trace("CONNECTING CONNECTED ");
    run(1);
    assert_trace("LOST:MQTT_PING_TIMEOUT "); /* 45 s + 10 s */
    broker.silent = false;
    broker.deaf_to_acks = true;
    assert_err(connect_(), IOT_OK);
    assert_err(publish(1), IOT_OK);
    run(19999);
    assert_trace("CONNECTING CONNECTED ");
    run(1);
    assert_trace("LOST:MQTT_ACK_TIMEOUT FAILED:1:UNKNOWN ");
}

static void a_tick_after_a_long_sleep_asks_for_a_sign_of_life(void **state)
{
    (void)state;
    come_up();
    broker.no_pingresp = true;
    wake = slept = true;
    run(0);
    assert_heard("CONNECT PINGREQ");
    run(11000);
    assert_trace("LOST:MQTT_PING_TIMEOUT CONNECTING CONNECTED ");
}

/* ---- the ladder -------------------------------------------------------------------------- */

static void the_ladder_of_reconnects_stays_within_its_bounds(void **state)
{
    static const uint32_t caps[] = {0, 100, 250, 3000, 600000};
    (void)state;
    for (uint32_t c = 0; c < COUNT(caps); c++) {
        uint32_t cap = caps[c] != 0 ? caps[c] : CAP_MS;
        uint32_t top[12] = {0}, bottom[12];
        memset(bottom, 0xff, sizeof bottom);
        for (uint32_t seed = 0; seed < 300; seed++) {
            setup(NULL);
            opt.backoff_cap_ms = caps[c];
            iot_jitter_seed(&jitter, seed * 77777u);
            stub.connects = false;
            assert_err(connect_(), IOT_OK);
            for (uint32_t n = 0; n < COUNT(top); n++) {
                uint32_t high = n < 20 && (1000u << n) < cap ? 1000u << n : cap;
                uint32_t low = high < 250 ? high : 250;
                if (n == 0)
                    run(0);
                assert_int_equal(stub.opens, n + 1);
                stub_end(&stub, IOT_ERR_TCP_REFUSED, 0);
                poll();
                uint32_t delay = last[IOT_EV_LOST].delay_ms;
                assert_true(delay >= low && delay <= high);
                run(delay - 1);
                assert_int_equal(stub.opens, n + 1); /* not before, and then at once */
                run(1);
                assert_int_equal(stub.opens, n + 2);
                assert_int_equal(last_at[IOT_EV_CONNECTING], now);
                top[n] = delay > top[n] ? delay : top[n];
                bottom[n] = delay < bottom[n] ? delay : bottom[n];
            }
        }
        for (uint32_t n = 0; n < COUNT(top); n++) { /* the whole range is used */
            uint32_t high = (1000u << n) < cap ? 1000u << n : cap;
            uint32_t low = high < 250 ? high : 250;
            assert_true(top[n] >= high - (high - low) / 20);
            assert_true(bottom[n] <= low + (high - low) / 20);
        }
    }
}

static void lose_link_after(uint32_t ms)
{
    uint32_t before = seen[IOT_EV_CONNECTED];
    if (!iot_mqtt_up(&client.session))
        run((uint32_t)(client.until - now));
    assert_int_equal(seen[IOT_EV_CONNECTED], before + 1);
    run(ms);
    stub_end(&stub, IOT_ERR_TCP_RESET, 0);
    poll();
}

static void the_ladder_begins_anew_only_after_a_link_that_was_stable(void **state)
{
    (void)state;
    uint32_t highest = 0;
    assert_err(connect_(), IOT_OK);
    client.until = now;
    for (uint32_t n = 0; n < 10; n++) {
        lose_link_after(29999);
        uint32_t high = (1000u << n) < CAP_MS ? 1000u << n : CAP_MS;
        assert_true(last[IOT_EV_LOST].delay_ms <= high);
        if (last[IOT_EV_LOST].delay_ms > highest)
            highest = last[IOT_EV_LOST].delay_ms;
    }
    assert_true(highest > 8000); /* a CONNACK alone resets nothing */
    for (uint32_t n = 0; n < 20; n++) {
        lose_link_after(30000);
        assert_true(last[IOT_EV_LOST].delay_ms <= 1000);
    }
    stub.connects = false; /* an attempt that fails counts on from there */
    run((uint32_t)(client.until - now));
    stub_end(&stub, IOT_ERR_TCP_REFUSED, 0);
    poll();
    assert_int_equal(client.backoff.step, 2);
}

static void a_refusing_connack_waits_near_the_cap(void **state)
{
    static const uint8_t codes[] = {1, 2, 4, 5, 6, 255};
    (void)state;
    for (uint32_t i = 0; i < COUNT(codes); i++) {
        for (uint32_t seed = 1; seed <= 20; seed++) {
            setup(NULL);
            iot_jitter_seed(&jitter, seed);
            broker.code = codes[i];
            assert_err(connect_(), IOT_OK);
            run(0);
            assert_int_equal(seen[IOT_EV_LOST], 1);
            assert_err(last[IOT_EV_LOST].err, IOT_ERR_MQTT_REFUSED);
            assert_int_equal(last[IOT_EV_LOST].detail, codes[i]);
            assert_true(last[IOT_EV_LOST].delay_ms >= CAP_MS / 2);
            assert_true(last[IOT_EV_LOST].delay_ms <= CAP_MS);
            network(IOT_NETWORK_UP); /* does not make the password right */
            run(CAP_MS / 2 - 1);
            assert_int_equal(stub.opens, 1);
        }
    }
    setup(NULL);
    broker.code = 3; /* server unavailable: may be over soon */
    assert_err(connect_(), IOT_OK);
    run(0);
    assert_true(last[IOT_EV_LOST].delay_ms <= 1000);
}

static void a_refusal_wins_over_the_end_of_the_stream_behind_it(void **state)
{
    (void)state;
    static const iot_err ends[] = {IOT_ERR_TCP_EOF, IOT_ERR_TCP_RESET};
    for (uint32_t i = 0; i < COUNT(ends); i++) {
        for (uint32_t read_max = 1; read_max <= 4; read_max++) {
            setup(NULL);
            broker.code = 5;
            stub.read_max = read_max;
            assert_err(connect_(), IOT_OK);
            poll();
            poll();
            broker_step();
            stub_end(&stub, ends[i], 0);
            run(0);
            assert_trace("CONNECTING LOST:MQTT_REFUSED ");
        }
    }
}

static void without_reconnect_a_loss_is_final_until_connect(void **state)
{
    (void)state;
    opt.no_reconnect = true;
    come_up();
    stub_end(&stub, IOT_ERR_TCP_EOF, 0);
    run(1000000);
    assert_trace("LOST:TCP_EOF ");
    assert_err(publish(1), IOT_OK); /* still between connect and close */
    run(1000000);
    assert_trace("");
    network(IOT_NETWORK_UP);
    run(1000000);
    assert_trace("");
    assert_err(connect_(), IOT_OK);
    run(0);
    assert_trace("CONNECTING CONNECTED DONE:1 ");
    stub_end(&stub, IOT_ERR_TCP_EOF, 0);
    run(0);
    assert_err(publish(2), IOT_OK);
    forget_trace();
    close_and_check(1000);
    assert_trace("FAILED:2:CLOSED CLOSED ");
}

/* ---- hints ------------------------------------------------------------------------------- */

static void assert_next_open_as_announced(void)
{
    uint32_t opens = stub.opens;
    uint32_t delay = last[IOT_EV_LOST].delay_ms;
    assert_int_equal(last_at[IOT_EV_LOST], now);
    if (delay != 0) {
        run(delay - 1);
        assert_int_equal(stub.opens, opens);
        run(1);
    } else {
        run(0);
    }
    assert_int_equal(stub.opens, opens + 1);
}

static void the_hint_down_ends_the_link_and_waits_for_the_cap(void **state)
{
    (void)state;
    come_up();
    network(IOT_NETWORK_DOWN);
    poll();
    assert_trace("LOST:NET_DOWN ");
    assert_int_equal(last[IOT_EV_LOST].delay_ms, CAP_MS);
    assert_next_open_as_announced();
    /* while it connects, too */
    network(IOT_NETWORK_DOWN);
    stub.connects = false;
    poll();
    run(CAP_MS);
    network(IOT_NETWORK_DOWN);
    forget_trace();
    poll();
    assert_trace("LOST:NET_DOWN ");
    /* and while it waits */
    uint32_t opens = stub.opens;
    run(CAP_MS - 1000);
    network(IOT_NETWORK_DOWN);
    run(CAP_MS - 1);
    assert_int_equal(stub.opens, opens);
    run(1);
    assert_int_equal(stub.opens, opens + 1);
}

static void the_hint_up_tries_at_once(void **state)
{
    (void)state;
    come_up();
    network(IOT_NETWORK_DOWN);
    run(0);
    network(IOT_NETWORK_UP);
    forget_trace();
    run(250);
    assert_trace("CONNECTING CONNECTED ");
    network(IOT_NETWORK_UP); /* a living link is left alone */
    run(1000);
    assert_trace("");
}

static void the_hint_changed_leaves_the_old_link_and_tries_at_once(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 20; seed++) {
        setup(NULL);
        iot_jitter_seed(&jitter, seed);
        come_up();
        network(IOT_NETWORK_CHANGED);
        poll();
        assert_trace("LOST:NET_CHANGED ");
        assert_true(last[IOT_EV_LOST].delay_ms <= 250);
        assert_next_open_as_announced();
        assert_int_equal(stub.aborts, 1);
    }
}

static void down_and_up_between_two_ticks_mean_changed(void **state)
{
    (void)state;
    come_up();
    network(IOT_NETWORK_DOWN);
    network(IOT_NETWORK_UP);
    run(250);
    assert_trace("LOST:NET_CHANGED CONNECTING CONNECTED ");
    network(IOT_NETWORK_CHANGED);
    network(IOT_NETWORK_UP);
    run(250);
    assert_trace("LOST:NET_CHANGED CONNECTING CONNECTED ");
    network(IOT_NETWORK_UP);
    network(IOT_NETWORK_DOWN);
    run(250);
    assert_trace("LOST:NET_DOWN ");
    close_and_check(0);
    forget_trace();
    network(IOT_NETWORK_UP); /* after close nothing is woken by hints */
    network(IOT_NETWORK_CHANGED);
    run(100000);
    assert_trace("");
}

/* ---- received bytes ---------------------------------------------------------------------- */

static uint32_t handler_calls;
static iot_err handler_says;
static char handler_got[4096];

static iot_err handler(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    assert_ptr_equal(dev, DEV);
    handler_calls++;
    if (handler_says == IOT_ERR_AGAIN)
        return IOT_ERR_AGAIN;
    size_t at = strlen(handler_got);
    if (at < sizeof handler_got - 64)
        snprintf(handler_got + at, sizeof handler_got - at, "%s%.*s ", ctx != NULL ? "!" : "",
                 (int)msg->payload.len, (const char *)msg->payload.ptr);
    return handler_says;
}

static void expect_handler(iot_err says)
{
    handler_calls = 0;
    handler_says = says;
    handler_got[0] = '\0';
}

static void come_up_with_handler(void)
{
    expect_handler(IOT_OK);
    come_up();
    assert_err(subscribe("a", IOT_MQTT_QOS_MAX, handler, NULL), IOT_OK);
    run(0);
    forget_trace();
}

static void twenty(uint8_t qos, const char *topic)
{
    for (uint32_t i = 0; i < 20; i++) {
        char payload[8];
        snprintf(payload, sizeof payload, "%u", (unsigned)i);
        wire_publish(&wire, (uint8_t)(qos << 1), topic, (uint16_t)(100 + i), payload,
                     (uint32_t)strlen(payload));
    }
}

#define ALL_20 "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 "

static void twenty_packets_in_one_read_take_their_ticks_and_no_event_from_outside(void **state)
{
    (void)state;
    for (uint8_t qos = 0; qos <= 2; qos++) {
        for (uint32_t max = 1; max < 100; max += max < 4 ? 1 : 45) {
            setup(NULL);
            come_up_with_handler();
            twenty(qos, "a");
            stub.read_max = max == 3 ? UINT32_MAX : max;
            say();
            uint32_t ticks = 0;
            do {
                uint32_t before = handler_calls;
                poll();
                assert_true(handler_calls - before <= IOT_POLL_PACKETS);
                assert_true(++ticks < 1000);
                broker_step();
            } while (wake || deadline <= now);
            assert_string_equal(handler_got, ALL_20);
            if (max == 3)
                assert_true(ticks >= 3 && ticks < 10);
        }
    }
}

static void more_acks_than_the_table_holds_do_not_stall_behind_a_slow_wire(void **state)
{
    (void)state;
    come_up_with_handler();
    stub.write_budget = 0;
    twenty(1, "a");
    say();
    run(1000);
    assert_int_equal(handler_calls,
                     2 * IOT_MQTT_ACKS_MAX); /* table and slot; the rest is not read */
    assert_true(deadline > now);
    /* the wire takes one byte now and then; nothing else wakes the device */
    for (uint32_t i = 0; i < 200; i++) {
        stub_allow(&stub, 1);
        run(10);
    }
    assert_string_equal(handler_got, ALL_20);
    assert_int_equal(client.session.inbox.owed, 0);
    assert_int_equal(seen[IOT_EV_LOST], 0);
}

static void a_blocked_wire_with_unread_bytes_behind_it_gives_no_verdict_and_no_busy_waiting(
    void **state)
{
    (void)state;
    opt.keepalive_s = 4;
    opt.ping_timeout_ms = opt.ack_timeout_ms = 5000;
    come_up_with_handler();
    broker.deaf_to_acks = true;
    broker.no_pingresp = true;
    run(3500);
    assert_err(publish(1), IOT_OK);
    run(0); /* PINGREQ and PUBLISH are out */
    assert_heard("CONNECT SUBSCRIBE(1) PINGREQ PUBLISH(2)");
    stub.write_budget = 0;
    twenty(1, "a");
    wire_pingresp(&wire); /* the answers lie unread */
    wire_ack(&wire, 0x40, 2);
    say();
    run(600000); /* the stream is the one to say that nothing moves */
    assert_trace("");
    broker.no_pingresp = false;
    stub_allow(&stub, UINT32_MAX);
    run(10000);
    assert_trace("DONE:2 ");
    /* and then verdicts are given again */
    broker.no_pingresp = true;
    run(10000);
    assert_memory_equal(trace, "LOST:MQTT_PING_TIMEOUT ", 23);
}

static void when_the_wire_takes_all_again_the_waiting_bytes_are_read_at_once(void **state)
{
    (void)state;
    come_up_with_handler();
    stub.write_budget = 0;
    twenty(1, "a");
    say();
    run(1000);
    stub_allow(&stub, UINT32_MAX);
    run(0);
    assert_string_equal(handler_got, ALL_20);
    assert_int_equal(client.session.inbox.owed, 0);
}

static void the_end_of_the_stream_counts_after_the_data_before_it(void **state)
{
    (void)state;
    for (uint8_t qos = 0; qos <= 2; qos++) {
        setup(NULL);
        come_up_with_handler();
        broker.deaf_to_acks = true;
        assert_err(publish(1), IOT_OK);
        run(0);
        twenty(qos, "a");
        wire_ack(&wire, 0x40, 2);
        say();
        stub_end(&stub, IOT_ERR_TCP_EOF, 0);
        run(0);
        assert_string_equal(handler_got, ALL_20);
        assert_trace("DONE:2 LOST:TCP_EOF ");
        assert_int_equal(stub.aborts, 1);
    }
}

static void a_stream_that_broke_while_acks_could_not_leave_is_lost_all_the_same(void **state)
{
    (void)state;
    come_up_with_handler();
    stub.write_budget = 0;
    twenty(1, "a");
    say();
    run(1000);
    stub_end(&stub, IOT_ERR_TCP_STALLED, 0);
    run(0);
    assert_string_equal(handler_got, ALL_20);
    assert_trace("LOST:TCP_STALLED ");
}

static void a_message_larger_than_the_window_is_reported_and_the_next_one_delivered(void **state)
{
    (void)state;
    for (uint32_t read_max = 7; read_max <= 4096; read_max *= 8) {
        for (uint8_t qos = 0; qos <= 2; qos++) {
            setup(NULL);
            come_up_with_handler();
            stub.read_max = read_max;
            wire_publish(&wire, 0, "a", 0, "before", 6);
            wire_publish_filled(&wire, (uint8_t)(qos << 1), "a/big", 7, 'x', 20000);
            wire_publish(&wire, 0, "a", 0, "after", 5);
            say();
            run(1000);
            assert_trace("SKIPPED:MQTT_TOO_LARGE:a/big ");
            assert_int_equal(last[IOT_EV_SKIPPED].detail, 20000 + 4 + 7 + (qos ? 2 : 0));
            assert_string_equal(handler_got, "before after ");
            assert_heard(qos == 0   ? "CONNECT SUBSCRIBE(1)"
                         : qos == 1 ? "CONNECT SUBSCRIBE(1) PUBACK(7)"
                                    : "CONNECT SUBSCRIBE(1) PUBREC(7)");
            assert_int_equal(mqtt_rooms_counters(&client)->skipped_messages, 1);
            assert_int_equal(mqtt_rooms_counters(&client)->received_messages, 2);
        }
    }
}

static void a_message_that_nobody_handles_is_an_event(void **state)
{
    (void)state;
    come_up_with_handler();
    assert_err(subscribe("b/#", 0, NULL, NULL), IOT_OK);
    wire_publish(&wire, 2, "b/c", 5, "x", 1);
    wire_publish(&wire, 2, "never/subscribed", 6, "x", 1);
    say();
    run(0);
    assert_non_null(strstr(trace, "MESSAGE:b/c MESSAGE:never/subscribed "));
    assert_non_null(strstr(broker.words, "PUBACK(5) PUBACK(6)")); /* MQTT-4.5.0-2 */
    assert_int_equal(handler_calls, 0);
}

static void connack_before_all_of_connect_is_out_is_read_afterwards(void **state)
{
    (void)state;
    stub.write_budget = 3;
    assert_err(connect_(), IOT_OK);
    run(0);
    wire_connack(&wire, 0, 0);
    say();
    broker.silent = true;
    run(100);
    assert_trace("CONNECTING ");
    stub_allow(&stub, UINT32_MAX);
    run(100);
    assert_trace("CONNECTED ");
}

/* ---- declining --------------------------------------------------------------------------- */

static iot_err echo(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    (void)ctx;
    (void)dev;
    handler_calls++;
    return publish_as(1, msg->payload.len, NULL) == IOT_ERR_FULL ? IOT_ERR_AGAIN : IOT_OK;
}

/* "a" is echoed, and the outbox is full of what the broker does not acknowledge. */
static void fill_the_ring(void)
{
    assert_err(subscribe("a", IOT_MQTT_QOS_MAX, echo, NULL), IOT_OK);
    run(0);
    broker.deaf_to_acks = true;
    for (uint32_t i = 0; i < IOT_MQTT_OUT_MAX; i++)
        assert_err(publish(1), IOT_OK);
    run(0);
    forget_trace();
}

static void an_echo_with_a_full_ring_declines_until_the_deadline(void **state)
{
    (void)state;
    for (uint8_t qos = 0; qos <= 2; qos++) {
        setup(NULL);
        opt.keepalive_s = 4;
        opt.ping_timeout_ms = 1000;
        init();
        expect_handler(IOT_OK);
        come_up();
        fill_the_ring();
        wire_publish(&wire, (uint8_t)(qos << 1), "a", 7, "x", 1);
        wire_publish(&wire, 0, "other", 0, "y", 1);
        say();
        iot_time begin = now;
        run(IOT_DECLINE_MAX_MS - 1);
        assert_trace(""); /* no verdict */
        assert_true(broker.pings >= 2);
        assert_true(handler_calls > 10);
        assert_true(handler_calls <= IOT_DECLINE_MAX_MS / 20 + 2 + broker.pings);
        assert_int_equal(mqtt_rooms_counters(&client)->declined, handler_calls);
        if (qos == 0) {
            run(1);
            assert_trace("SKIPPED:MQTT_DECLINED:a MESSAGE:other "); /* and what came behind it */
            assert_int_equal(mqtt_rooms_counters(&client)->skipped_messages, 1);
        } else {
            run(1);
            assert_trace(
                "MESSAGE:other "); /* it is not taken, and what is behind it is looked at */
            run(IOT_DECLINE_MAX_MS - 1);
            assert_trace("");
            broker.deaf_to_acks = false;
            run(1);
            assert_memory_equal(trace, "LOST:MQTT_DECLINED ", 19);
            assert_int_equal(last[IOT_EV_LOST].detail, qos);
            assert_null(strstr(broker.words, "PUBACK"));
        }
        assert_int_equal(now - begin, qos == 0 ? IOT_DECLINE_MAX_MS : 2 * IOT_DECLINE_MAX_MS);
    }
}

/* The acknowledgements that make room for the echo are behind the message that is to be echoed. */
static void an_echo_with_a_full_ring(uint8_t qos, uint32_t behind)
{
    setup(NULL);
    opt.session = IOT_SESSION_KEEP;
    broker.keeps = true;
    init();
    expect_handler(IOT_OK);
    come_up();
    fill_the_ring();
    wire_publish(&wire, (uint8_t)(qos << 1), "a", 7, "x", 1);
    for (uint16_t n = 0; n < behind; n++)
        wire_publish(&wire, (uint8_t)(qos << 1), "a", (uint16_t)(8 + n), "y", 1);
    for (uint16_t id = 2; id <= IOT_MQTT_OUT_MAX + 1; id++) /* 1 was the SUBSCRIBE */
        wire_ack(&wire, 0x40, id);
    say();
    broker.deaf_to_acks = false;
}

static void acknowledgements_behind_a_declined_message_are_read_and_make_room_for_it(void **state)
{
    (void)state;
    for (uint8_t qos = 1; qos <= 2; qos++) {
        an_echo_with_a_full_ring(qos, 1);
        run(100);
        assert_int_equal(seen[IOT_EV_LOST], 0);
        assert_true(seen[IOT_EV_DONE] >= IOT_MQTT_OUT_MAX);
        assert_non_null(
            strstr(broker.words, qos == 1 ? "PUBACK(7) PUBACK(8)" : "PUBREC(7) PUBREC(8)"));
    }
}

/* They are so far behind that the window is full before they come: waiting is of no use. A kept session
 * would meet this on each new link, for ever, if they were not let in before the link ends. */
static void acknowledgements_far_behind_a_declined_message_are_let_in_before_the_link_ends(
    void **state)
{
    (void)state;
    for (uint8_t qos = 1; qos <= 2; qos++) {
        an_echo_with_a_full_ring(qos, IOT_MQTT_RX_BYTES / 8);
        run(100);
        assert_int_equal(seen[IOT_EV_DONE], IOT_MQTT_OUT_MAX);
        assert_int_equal(seen[IOT_EV_LOST], 1);
        assert_err(last[IOT_EV_LOST].err, IOT_ERR_MQTT_DECLINED);
        assert_true(handler_calls < 10);
        assert_null(strstr(broker.words, "PUBACK"));
        assert_null(strstr(broker.words, "PUBREC"));
        run(2000); /* and there is room for it now */
        wire_publish(&wire, (uint8_t)(qos << 1 | 8), "a", 7, "x", 1);
        wire_publish(&wire, (uint8_t)(qos << 1 | 8), "a", 8, "y", 1);
        say();
        run(10);
        assert_non_null(
            strstr(broker.words, qos == 1 ? "PUBACK(7) PUBACK(8)" : "PUBREC(7) PUBREC(8)"));
    }
}

static void a_declined_message_is_offered_until_it_is_taken_and_then_acknowledged(void **state)
{
    (void)state;
    for (uint8_t qos = 0; qos <= 2; qos++) {
        setup(NULL);
        come_up_with_handler();
        expect_handler(IOT_ERR_AGAIN);
        wire_publish(&wire, (uint8_t)(qos << 1), "a", 7, "x", 1);
        wire_publish(&wire, (uint8_t)(qos << 1), "a", 8, "y", 1);
        say();
        run(5000);
        assert_true(handler_calls > 100);
        assert_heard("CONNECT SUBSCRIBE(1)");
        assert_false(iot_mqtt_client_idle(&client));
        expect_handler(IOT_OK);
        run(20);
        assert_string_equal(handler_got, "x y ");
        assert_int_equal(handler_calls, 2);
        if (qos == 1)
            assert_heard("CONNECT SUBSCRIBE(1) PUBACK(7) PUBACK(8)");
        assert_trace("");
        run(IOT_DECLINE_MAX_MS); /* its deadline is forgotten */
        assert_trace("");
    }
}

static uint32_t picky_calls[3];
static iot_err picky(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    uint32_t *calls = ctx;
    (void)dev;
    (void)msg;
    ++*calls;
    return calls == &picky_calls[1] && *calls < 5 ? IOT_ERR_AGAIN : IOT_OK;
}

static void only_handlers_that_declined_are_asked_again(void **state)
{
    (void)state;
    memset(picky_calls, 0, sizeof picky_calls);
    come_up();
    assert_err(subscribe("a/b", 0, picky, &picky_calls[0]), IOT_OK);
    assert_err(subscribe("a/+", 0, picky, &picky_calls[1]), IOT_OK);
    assert_err(subscribe("#", 0, picky, &picky_calls[2]), IOT_OK);
    assert_err(subscribe("+/b", 0, NULL, NULL), IOT_OK);
    run(0);
    forget_trace();
    wire_publish(&wire, 2, "a/b", 9, "x", 1);
    say();
    run(1000);
    assert_int_equal(picky_calls[0], 1);
    assert_int_equal(picky_calls[1], 5);
    assert_int_equal(picky_calls[2], 1);
    assert_trace("");
    assert_non_null(strstr(broker.words, "PUBACK(9)"));
}

static iot_err quits(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    (void)ctx;
    (void)dev;
    (void)msg;
    handler_calls++;
    assert_err(unsubscribe("a/b"), IOT_OK);
    assert_err(unsubscribe("a/+"), IOT_OK);
    return IOT_ERR_AGAIN;
}

static void a_handler_may_unsubscribe_itself_and_others_while_it_declines(void **state)
{
    (void)state;
    expect_handler(IOT_OK);
    come_up();
    assert_err(subscribe("a/b", 0, quits, NULL), IOT_OK);
    assert_err(subscribe("a/+", 0, quits, NULL), IOT_OK);
    run(0);
    wire_publish(&wire, 2, "a/b", 9, "x", 1);
    wire_publish(&wire, 2, "a/b", 10, "x", 1);
    say();
    forget_trace();
    run(0);
    assert_int_equal(handler_calls, 1);
    assert_non_null(strstr(broker.words, "PUBACK(9)"));
    assert_non_null(strstr(broker.words, "PUBACK(10)"));
    assert_non_null(strstr(trace, "MESSAGE:a/b")); /* the second: nobody's any more */
    assert_non_null(strstr(trace, "UNSUBACK:3 UNSUBACK:4"));
}

static void a_link_lost_while_a_message_is_declined_forgets_it(void **state)
{
    (void)state;
    come_up_with_handler();
    expect_handler(IOT_ERR_AGAIN);
    wire_publish(&wire, 2, "a", 7, "x", 1);
    say();
    run(1000);
    network(IOT_NETWORK_CHANGED);
    run(300);
    uint32_t calls = handler_calls;
    run(IOT_DECLINE_MAX_MS);
    assert_int_equal(handler_calls, calls);
    assert_int_equal(seen[IOT_EV_LOST], 1);
    expect_handler(IOT_OK);
    wire_publish(&wire, 0, "a", 0, "new", 3);
    say();
    run(0);
    assert_string_equal(handler_got, "new ");
}

static void a_broken_stream_does_not_wait_for_a_declined_message(void **state)
{
    (void)state;
    come_up_with_handler();
    expect_handler(IOT_ERR_AGAIN);
    wire_publish(&wire, 2, "a", 7, "x", 1);
    say();
    run(1000);
    stub_end(&stub, IOT_ERR_TCP_RESET, 0);
    run(100);
    assert_int_equal(seen[IOT_EV_LOST], 1);
}

/* ---- sending ----------------------------------------------------------------------------- */

static void writable_comes_once_after_full(void **state)
{
    (void)state;
    come_up();
    while (publish(0) == IOT_OK) /* the table is full first */
        continue;
    assert_err(publish(0), IOT_ERR_FULL);
    run(0);
    assert_int_equal(seen[IOT_EV_WRITABLE], 1);
    assert_int_equal(seen[IOT_EV_DONE], IOT_MQTT_OUT_MAX);
    broker.deaf_to_acks = true;
    assert_err(publish_as(1, 900, NULL), IOT_OK);
    run(0);
    assert_err(publish_as(1, 900, NULL), IOT_ERR_FULL); /* now the ring */
    run(1000);
    assert_int_equal(seen[IOT_EV_WRITABLE], 1);
    wire_ack(&wire, 0x40, 1);
    say();
    run(0);
    assert_int_equal(seen[IOT_EV_WRITABLE], 2);
    run(100000);
    assert_int_equal(seen[IOT_EV_WRITABLE], 2);
}

static void publish_when_writable(const struct iot_event *ev)
{
    if (ev->kind == IOT_EV_WRITABLE)
        while (publish(1) == IOT_OK)
            continue;
}

static void an_application_that_fills_the_ring_on_writable_does_not_spin(void **state)
{
    (void)state;
    come_up();
    on_event_too = publish_when_writable;
    broker.deaf_to_acks = true;
    while (publish(1) == IOT_OK)
        continue;
    run(1000);
    assert_int_equal(seen[IOT_EV_WRITABLE], 0);
    for (uint16_t id = 1; id <= 30; id++) {
        wire_ack(&wire, 0x40, id);
        say();
        run(10);
        assert_int_equal(seen[IOT_EV_WRITABLE], id);
        assert_int_equal(client.session.box.count, IOT_MQTT_OUT_MAX);
    }
}

static void a_wire_that_takes_few_bytes_at_a_time_is_not_waited_for(void **state)
{
    (void)state;
    come_up();
    stub.write_max = 1;
    static uint8_t big[600];
    assert_err(publish_as(1, 500, big), IOT_OK);
    for (uint32_t i = 0; i < 9; i++)
        assert_err(publish(1), IOT_OK);
    uint32_t ticks = 0;
    while (queued || wake || deadline <= now) {
        uint32_t before = stub.writes;
        poll();
        assert_true(stub.writes - before < 100); /* one tick has a bound */
        ticks++;
    }
    assert_true(ticks > 5);
    run(0);
    assert_int_equal(seen[IOT_EV_DONE], 10);
    /* blocked: no busy waiting, and nothing lost */
    stub.write_budget = 5;
    assert_err(publish(1), IOT_OK);
    run(5000);
    assert_int_equal(seen[IOT_EV_DONE], 10);
    stub_allow(&stub, 1000);
    run(0);
    assert_int_equal(seen[IOT_EV_DONE], 11);
    assert_true(stub.flushes > 0);
}

static void a_reference_is_done_when_the_stream_lets_go(void **state)
{
    (void)state;
    static uint8_t bytes[3][64];
    come_up();
    stub.releases = false;
    for (uint8_t qos = 0; qos <= 2; qos++)
        assert_err(publish_as(qos, 20, bytes[qos]), IOT_OK);
    run(5000);
    assert_heard("CONNECT PUBLISH PUBLISH(1) PUBLISH(2) PUBREL(2)");
    assert_int_equal(seen[IOT_EV_DONE], 0);
    stub_release(&stub, stub.taken - 4 - 3 - 20); /* all but the end of the last one */
    run(0);
    assert_trace("DONE:1 DONE:2 ");
    stub_release(&stub, stub.taken);
    run(0);
    assert_trace("DONE:3 ");
    /* and the end of the link lets go, too */
    stub.releases = false;
    for (uint8_t qos = 0; qos <= 2; qos++)
        assert_err(publish_as(qos, 20, bytes[qos]), IOT_OK);
    run(0);
    stub_end(&stub, IOT_ERR_TCP_RESET, 0);
    poll();
    assert_memory_equal(trace, "LOST:TCP_RESET ", 15);
    assert_int_equal(open_pubs, 0);
    assert_err(last[IOT_EV_FAILED].err, IOT_ERR_CUT);
    assert_int_equal(seen[IOT_EV_DONE], 5);
}

static void messages_wait_over_any_number_of_lost_links(void **state)
{
    (void)state;
    opt.session = IOT_SESSION_KEEP;
    broker.keeps = true;
    init();
    assert_err(connect_(), IOT_OK);
    for (uint8_t qos = 0; qos <= 2; qos++)
        assert_err(publish(qos), IOT_OK);
    for (uint32_t i = 0; i < 10; i++) {
        stub.connects = i % 2 == 0;
        stub.write_budget = i * 7; /* cut a little later each time */
        broker.deaf_to_acks = i < 9;
        run(20000);
        stub_end(&stub, IOT_ERR_TCP_RESET, 0);
        run(0);
    }
    stub.connects = true;
    stub_allow(&stub, UINT32_MAX);
    run(CAP_MS + 1000);
    assert_int_equal(seen[IOT_EV_DONE] + seen[IOT_EV_FAILED], 3);
    assert_int_equal(pubs[1].delivered >= 1 && !pubs[1].result, 1);
    assert_int_equal(pubs[2].delivered, 1);
    assert_err(pubs[2].result, IOT_OK);
    assert_true(last[IOT_EV_CONNECTED].session_present);
    assert_true(mqtt_rooms_counters(&client)->resent_messages >= 1);
    assert_int_equal(mqtt_rooms_counters(&client)->sent_messages, seen[IOT_EV_DONE]);
    assert_int_equal(mqtt_rooms_counters(&client)->failed_messages, seen[IOT_EV_FAILED]);
    assert_int_equal(mqtt_rooms_counters(&client)->losses, seen[IOT_EV_LOST]);
    assert_int_equal(mqtt_rooms_counters(&client)->connects, seen[IOT_EV_CONNECTED]);
}

/* ---- close ------------------------------------------------------------------------------- */

static void close_drains_before_it_says_goodbye(void **state)
{
    (void)state;
    come_up();
    assert_err(publish(0), IOT_OK);
    assert_err(publish(2), IOT_OK);
    assert_err(publish(1), IOT_OK);
    assert_err(subscribe("a", 0, NULL, NULL), IOT_OK);
    close_and_check(5000);
    assert_heard("CONNECT SUBSCRIBE(3) PUBLISH PUBLISH(1) PUBLISH(2) PUBREL(1) DISCONNECT");
    assert_non_null(strstr(trace, "SUBACK:4"));
    assert_non_null(strstr(trace, "CLOSED "));
    assert_int_equal(seen[IOT_EV_FAILED], 0);
    assert_int_equal(last_at[IOT_EV_CLOSED], last_at[IOT_EV_DONE]);
}

static void close_before_the_link_is_up_waits_for_it_when_there_is_something_to_send(void **state)
{
    (void)state;
    stub.connect_ms = 700;
    assert_err(connect_(), IOT_OK);
    assert_err(publish(1), IOT_OK);
    run(100);
    close_and_check(5000);
    assert_trace("CONNECTING CONNECTED DONE:1 CLOSED ");
    assert_int_equal(broker.disconnects, 1);
}

static void the_drain_deadline_ends_what_is_not_done(void **state)
{
    (void)state;
    for (uint32_t drain = 0; drain <= 3000; drain += 1500) {
        setup(NULL);
        come_up();
        broker.deaf_to_acks = true;
        assert_err(publish(1), IOT_OK);
        run(0);
        stub.write_budget = 3;
        assert_err(publish(1), IOT_OK);
        assert_err(publish(0), IOT_OK);
        run(0);
        iot_time begin = now;
        stub.closes = false;
        close_and_check(drain);
        assert_trace("FAILED:1:UNKNOWN FAILED:2:CLOSED FAILED:3:CLOSED CLOSED ");
        assert_int_equal(mqtt_rooms_counters(&client)->failed_messages, 3);
        /* a second to say DISCONNECT, a second to have it delivered */
        assert_int_equal(last_at[IOT_EV_CLOSED] - begin, drain + 2000);
        assert_int_equal(stub.closes_asked, 1);
    }
}

static void disconnect_goes_out_although_messages_do_not_end(void **state)
{
    (void)state;
    come_up();
    broker.deaf_to_acks = true;
    assert_err(publish(1), IOT_OK);
    close_and_check(1000);
    assert_heard("CONNECT PUBLISH(1) DISCONNECT");
    assert_trace("FAILED:1:UNKNOWN CLOSED ");
}

static void close_in_each_phase_ends_with_one_closed(void **state)
{
    (void)state;
    for (int phase = 0; phase < 9; phase++) {
        for (int with_message = 0; with_message <= 1; with_message++) {
            setup(NULL);
            expect_handler(IOT_ERR_AGAIN);
            assert_err(connect_(), IOT_OK);
            if (with_message)
                assert_err(publish(1), IOT_OK);
            switch (phase) {
            case 0: /* before the first tick */
                break;
            case 1: /* the stream cannot open */
                stub.open_again = UINT32_MAX;
                run(100);
                break;
            case 2: /* it connects for ever */
                stub.connects = false;
                run(100);
                break;
            case 3: /* it failed, and waits */
                stub.connects = false;
                run(0);
                stub_end(&stub, IOT_ERR_TCP_REFUSED, 0);
                poll();
                break;
            case 4: /* CONNECT is not out */
                stub.write_budget = 4;
                run(100);
                break;
            case 5: /* no CONNACK */
                broker.silent = true;
                run(100);
                break;
            case 6: /* up, the wire blocked in the middle of things */
                run(0);
                stub.write_budget = 1;
                assert_err(subscribe("a", 1, handler, NULL), IOT_OK);
                run(100);
                break;
            case 7: /* a handler declines */
                assert_err(subscribe("a", 1, handler, NULL), IOT_OK);
                run(0);
                wire_publish(&wire, 2, "a", 7, "x", 1);
                say();
                run(100);
                break;
            case 8: /* no reconnect, lost */
                opt.no_reconnect = true;
                broker.deaf_to_acks = true;
                run(100);
                stub_end(&stub, IOT_ERR_TCP_EOF, 0);
                run(0);
                break;
            }
            close_and_check(3000);
            if (!with_message) /* no new attempt for nothing */
                assert_true(stub.opens <= 1);
            /* it can begin again */
            uint32_t connected = seen[IOT_EV_CONNECTED];
            bool was_no_reconnect = opt.no_reconnect;
            stub_init(&stub);
            stub.base.wake = &wake;
            memset(&broker, 0, sizeof broker);
            opt.no_reconnect = was_no_reconnect;
            assert_err(connect_(), IOT_OK);
            assert_err(publish(1), IOT_OK);
            run(0);
            assert_int_equal(seen[IOT_EV_CONNECTED], connected + 1);
            assert_int_equal(open_pubs, 0);
            close_and_check(0);
        }
    }
}

static void connect_after_close_does_not_wait_for_what_was_before(void **state)
{
    (void)state;
    broker.code = 5; /* would wait for half a minute and more */
    assert_err(connect_(), IOT_OK);
    run(0);
    assert_err(close_(0), IOT_OK);
    run(0);
    assert_trace("CONNECTING LOST:MQTT_REFUSED CLOSED ");
    broker.code = 0;
    assert_err(connect_(), IOT_OK);
    run(0);
    assert_trace("CONNECTING CONNECTED ");
    stub_end(&stub, IOT_ERR_TCP_RESET, 0);
    poll();
    assert_true(last[IOT_EV_LOST].delay_ms <= 1000);
}

static void a_close_with_nothing_to_send_opens_nothing(void **state)
{
    (void)state;
    assert_err(connect_(), IOT_OK);
    close_and_check(5000);
    assert_int_equal(stub.opens, 0);
    assert_trace("CLOSED ");
}

static void a_link_that_breaks_while_closing_is_tried_again_until_the_drain_deadline(void **state)
{
    (void)state;
    come_up();
    broker.deaf_to_acks = true;
    assert_err(publish(1), IOT_OK);
    run(0);
    opt.session = IOT_SESSION_KEEP; /* so that it is not over with the link */
    assert_err(close_(30000), IOT_OK);
    run(100);
    stub_end(&stub, IOT_ERR_TCP_RESET, 0);
    broker.deaf_to_acks = false;
    run(5000);
    assert_trace("LOST:TCP_RESET CONNECTING CONNECTED DONE:1 CLOSED ");
}

static void a_link_that_breaks_while_saying_goodbye_is_not_lost_but_closed(void **state)
{
    (void)state;
    come_up();
    stub.write_budget = 1;
    assert_err(close_(0), IOT_OK);
    poll();
    poll();
    stub_end(&stub, IOT_ERR_TCP_RESET, 0);
    run(0); /* not when patience ends: now */
    assert_trace("CLOSED ");
    assert_pools_are_empty();
}

static void closed_waits_until_nothing_outside_points_to_the_memory(void **state)
{
    (void)state;
    stub.connects = false;
    stub.is_idle = false; /* a name request is still out */
    assert_err(connect_(), IOT_OK);
    assert_err(publish(1), IOT_OK);
    run(0);
    assert_err(close_(0), IOT_OK);
    run(100000);
    assert_trace("CONNECTING FAILED:1:CLOSED ");
    assert_err(connect_(), IOT_ERR_STATE);
    run(100000);
    stub.is_idle = true;
    wake = true;
    run(0);
    assert_trace("CLOSED ");
    run(100000);
    assert_trace("");
}

static void goodbye_does_not_outwait_a_stream_that_wants_to_be_polled(void **state)
{
    (void)state;
    /* a stream without memory asks for a tick soon: that is not put off until patience ends */
    come_up();
    stub.write_budget = 0;
    assert_err(close_(0), IOT_OK);
    poll();
    stub.wants = now + 50;
    poll();
    assert_int_equal(deadline, now + 50);
    stub.wants = IOT_TIME_NEVER;
    stub_allow(&stub, 2);
    run(0);
    assert_trace("CLOSED ");
    assert_int_equal(broker.disconnects, 1);
}

static void network_hints_do_not_disturb_a_goodbye(void **state)
{
    (void)state;
    come_up();
    stub.write_budget = 0;
    assert_err(close_(0), IOT_OK);
    network(IOT_NETWORK_UP);
    poll();
    network(IOT_NETWORK_DOWN);
    poll();
    network(IOT_NETWORK_CHANGED);
    run(2000);
    assert_int_equal(seen[IOT_EV_CLOSED], 1);
}

/* ---- from inside callbacks --------------------------------------------------------------- */

enum action {
    DO_PUBLISH,
    DO_FILL,
    DO_SUBSCRIBE,
    DO_UNSUBSCRIBE,
    DO_UNSUBSCRIBE_ALL,
    DO_CLOSE_NOW,
    DO_CLOSE_SLOWLY,
    DO_CONNECT,
    DO_DOWN,
    DO_UP,
    DO_CHANGED,
    DO_ALL,
    ACTIONS,
};

#define IN_HANDLER (IOT_EV_CLOSED + 1) /* beside the kinds of events */

static enum action inside_action;
static uint32_t inside_kind;
static uint32_t inside_left; /* so many times */

static void act(void)
{
    switch (inside_action) {
    case DO_PUBLISH:
        for (uint8_t qos = 0; qos <= 2; qos++)
            publish(qos);
        break;
    case DO_FILL:
        while (publish_as(1, 50, NULL) == IOT_OK)
            continue;
        break;
    case DO_SUBSCRIBE:
        subscribe("new/#", 1, handler, NULL);
        subscribe("a", 0, handler, NULL); /* replaces the one that is being called */
        break;
    case DO_UNSUBSCRIBE:
        unsubscribe("a");
        break;
    case DO_UNSUBSCRIBE_ALL:
        unsubscribe("a");
        unsubscribe("#");
        unsubscribe("new/#");
        break;
    case DO_CLOSE_NOW:
        close_(0);
        break;
    case DO_CLOSE_SLOWLY:
        close_(4000);
        break;
    case DO_CONNECT:
        connect_();
        break;
    case DO_DOWN:
        network(IOT_NETWORK_DOWN);
        break;
    case DO_UP:
        network(IOT_NETWORK_UP);
        break;
    case DO_CHANGED:
        network(IOT_NETWORK_CHANGED);
        break;
    case DO_ALL:
    case ACTIONS:
        break;
    }
}

static void act_inside(uint32_t kind)
{
    if (kind != inside_kind || inside_left == 0)
        return;
    inside_left--;
    if (inside_action != DO_ALL) {
        act();
        return;
    }
    for (inside_action = DO_PUBLISH; inside_action < DO_ALL; inside_action++)
        act();
}

static void act_in_event(const struct iot_event *ev)
{
    act_inside(ev->kind);
}

static iot_err act_in_handler(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    (void)ctx;
    (void)dev;
    (void)msg;
    act_inside(IN_HANDLER);
    handler_calls++;
    return handler_calls % 3 == 0 ? IOT_ERR_AGAIN : IOT_OK;
}

static void live_a_full_life(void)
{
    bool was_open = true;
    connect_();
    subscribe("a", IOT_MQTT_QOS_MAX, act_in_handler, NULL);
    subscribe("#", IOT_MQTT_QOS_MAX, act_in_handler, NULL);
    publish(1);
    run(100);
    unsubscribe("#");
    run(100);
    if (iot_mqtt_up(&client.session)) {
        wire_publish(&wire, 0, "a", 0, "x", 1);
        wire_publish(&wire, 2, "a", 5, "x", 1);
        wire_publish(&wire, 0, "other", 0, "x", 1);
        wire_publish_filled(&wire, 4, "a", 9, 'x', 3000);
        wire_publish(&wire, 4, "a", 6, "x", 1);
        wire_ack(&wire, 0x62, 6);
        wire_ack(&wire, 0x62, 9);
        say();
    }
    run(2000);
    broker.deaf_to_acks = true;
    while (publish(2) == IOT_OK || publish(0) == IOT_OK)
        continue;
    run(100);
    broker.deaf_to_acks = false;
    if (stub.state == STUB_UP)
        stub_end(&stub, IOT_ERR_TCP_EOF, 3);
    run(CAP_MS + 5000);
    was_open = iot_mqtt_client_open(&client);
    close_(3000);
    run(CAP_MS + 5000);
    (void)was_open;
}

static void every_call_is_allowed_inside_of_every_callback(void **state)
{
    (void)state;
    uint32_t inside_happened = 0, kinds = 0;
    for (uint32_t kind = 0; kind <= IN_HANDLER; kind++) {
        if (kind == IOT_EV_BUSY || kind == IOT_EV_REPLY || kind == IOT_EV_NOTICE ||
            kind == IOT_EV_REGISTERED)
            continue; /* not the client's */
        kinds++;
        for (uint32_t action = 0; action < ACTIONS; action++) {
            for (uint32_t times = 1; times <= 20; times += 19) {
                setup(NULL);
                /* a clean one empties itself with the link: there may be nobody to be told of room */
                bool keep = kind % 2 || kind == IOT_EV_WRITABLE;
                opt.session = keep ? IOT_SESSION_KEEP : IOT_SESSION_CLEAN;
                opt.no_reconnect = kind == IOT_EV_LOST && times == 1;
                broker.keeps = true;
                init();
                handler_calls = 0;
                handler_says = IOT_OK;
                inside_action = (enum action)action;
                inside_kind = kind;
                inside_left = times;
                on_event_too = act_in_event;
                live_a_full_life();
                inside_happened += inside_left < times;
                /* whatever happened: it can be closed, and then all is even */
                on_event_too = NULL;
                if (iot_mqtt_client_open(&client))
                    close_and_check(1000);
                assert_pools_are_empty();
                assert_true(seen[IOT_EV_CLOSED] >= 1);
            }
        }
    }
    /* all kinds did occur: FAILED and SKIPPED, too */
    assert_int_equal(inside_happened, 2 * ACTIONS * kinds);
}

/* ---- a long random life ------------------------------------------------------------------ */

/* What the broker wants to deliver, in order of id. */
#define OUT_MAX 12u
static struct broker_out {
    uint16_t id;
    uint8_t qos;
    uint8_t state; /* 0: free, 1: PUBLISH said, 2: PUBREL said */
    uint32_t number;
} broker_out[OUT_MAX];
static uint32_t broker_count;
static uint16_t broker_next_id;
static uint8_t got_count[PUBS_MAX];
static uint8_t sent_qos[PUBS_MAX];
static bool finished[PUBS_MAX]; /* acknowledged by the device */

static void say_publish(const struct broker_out *o, bool dup)
{
    char text[16];
    snprintf(text, sizeof text, "%u", (unsigned)o->number);
    wire_publish(&wire, (uint8_t)(o->qos << 1 | (dup ? 8 : 0)), "a/x", o->id, text,
                 (uint32_t)strlen(text));
}

static void broker_publishes(uint8_t qos)
{
    struct broker_out zero = {.qos = 0, .number = broker_count};
    struct broker_out *o = qos == 0 ? &zero : NULL;
    for (uint32_t i = 0; i < OUT_MAX && o == NULL; i++)
        if (broker_out[i].state == 0)
            o = &broker_out[i];
    if (o == NULL || broker_count == PUBS_MAX)
        return;
    if (++broker_next_id == 0)
        broker_next_id = 1;
    *o = (struct broker_out){qos ? broker_next_id : (uint16_t)0, qos, 1, broker_count};
    sent_qos[broker_count++] = qos;
    say_publish(o, false);
    say();
}

static void broker_publish_again(void)
{
    for (uint32_t i = 0; i < OUT_MAX; i++) {
        if (!broker.keeps)
            broker_out[i].state = 0;
        else if (broker_out[i].state == 1)
            say_publish(&broker_out[i], true);
        else if (broker_out[i].state == 2)
            wire_ack(&wire, 0x62, broker_out[i].id);
    }
}

static void broker_got_ack(uint8_t type, uint16_t id)
{
    for (uint32_t i = 0; i < OUT_MAX; i++) {
        struct broker_out *o = &broker_out[i];
        if (o->state == 0 || o->id != id)
            continue;
        if (type == 4 && o->qos == 1) {
            o->state = 0;
            finished[o->number] = true;
        } else if (type == 5 && o->qos == 2) {
            o->state = 2;
            wire_ack(&wire, 0x62, id);
        } else if (type == 7 && o->qos == 2 && o->state == 2) {
            o->state = 0;
            finished[o->number] = true;
        }
    }
}

static iot_err take(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    char text[16];
    (void)ctx;
    (void)dev;
    if (chance(8) == 0)
        return IOT_ERR_AGAIN;
    if (msg->payload.len >= sizeof text)
        return IOT_OK;
    memcpy(text, msg->payload.ptr, msg->payload.len);
    text[msg->payload.len] = '\0';
    uint32_t number = (uint32_t)strtoul(text, NULL, 10);
    assert_true(number < broker_count);
    got_count[number]++;
    return IOT_OK;
}

static uint8_t ref_room[64][700];

static uint8_t *free_ref(void)
{
    for (uint32_t i = 0; i < COUNT(ref_room); i++) {
        bool used = false;
        for (uint32_t k = 0; k < pub_count; k++)
            used |= !pubs[k].ended && pubs[k].ref == ref_room[i];
        if (!used)
            return ref_room[i];
    }
    return NULL;
}

static void random_callback(const struct iot_event *ev)
{
    (void)ev;
    if (chance(12) == 0)
        publish((uint8_t)chance(3));
}

static void random_step(void)
{
    switch (chance(24)) {
    case 0:
    case 1:
    case 2:
    case 3:
        publish_as((uint8_t)chance(3), chance(3) ? chance(30) : chance(500), NULL);
        break;
    case 4:
    case 5: {
        uint8_t *ref = free_ref();
        if (ref != NULL)
            publish_as((uint8_t)chance(3), chance(600), ref);
        break;
    }
    case 6:
        subscribe("a/+", (uint8_t)chance(3), take, NULL);
        break;
    case 7:
        subscribe(chance(2) ? "b" : "c/#", 0, take, NULL);
        break;
    case 8:
        unsubscribe(chance(2) ? "b" : "c/#");
        break;
    case 9:
        if (chance(8) == 0)
            network((enum iot_network_change)chance(3));
        break;
    case 10:
        if (chance(6) == 0 && stub.state != STUB_CLOSED)
            stub_end(&stub, chance(2) ? IOT_ERR_TCP_RESET : IOT_ERR_TCP_EOF, 1);
        break;
    case 11:
        stub.write_budget = chance(3) ? UINT32_MAX : chance(200);
        iot_stream_wake(&stub.base);
        break;
    case 12:
        stub.write_max = chance(2) ? UINT32_MAX : 1 + chance(40);
        break;
    case 13:
        stub.read_max = chance(2) ? UINT32_MAX : 1 + chance(40);
        break;
    case 14:
        stub.releases = chance(2);
        if (stub.taken != stub.let_go)
            stub_release(&stub, stub.let_go + chance(stub.taken - stub.let_go + 1));
        break;
    case 15:
        stub.connects = chance(4) != 0;
        stub.connect_ms = chance(500);
        stub.open_again = chance(6) == 0;
        stub.open_result = chance(10) == 0 ? IOT_ERR_DNS_UNKNOWN : IOT_OK;
        break;
    case 16:
        broker.deaf_to_acks = chance(6) == 0;
        broker.silent = chance(30) == 0;
        broker.no_pingresp = chance(10) == 0;
        broker.code = chance(15) == 0 ? 3 : 0;
        break;
    case 17:
        if (broker.connected && stub.state == STUB_UP && !broker.silent) {
            wire_publish_filled(&wire, 0, "a/big", 0, 'x', 1100 + chance(3000));
            say();
        }
        break;
    case 18:
    case 19:
    case 20:
        if (broker.connected && stub.state == STUB_UP && !broker.silent)
            broker_publishes((uint8_t)chance(3));
        break;
    default:
        run(chance(4) == 0 ? chance(20000) : chance(200));
        break;
    }
    if (chance(3) != 0)
        run(chance(5));
}

/* What done, unknown, closed mean, for each message in each direction. */
static void check_deliveries(bool keeps)
{
    uint32_t by_result[4] = {0};
    for (uint32_t i = 0; i < pub_count; i++) {
        const struct pub *p = &pubs[i];
        assert_true(p->ended);
        if (p->result == IOT_OK) {
            by_result[0]++;
            if (p->qos != 0)
                assert_true(p->delivered >= 1);
        } else if (p->result == IOT_ERR_UNKNOWN) {
            by_result[1]++;
            assert_true(p->qos != 0);
        } else if (p->result == IOT_ERR_CUT) {
            by_result[2]++;
            assert_int_equal(p->qos, 0);
        } else {
            by_result[3]++;
            assert_err(p->result, IOT_ERR_CLOSED);
            assert_int_equal(p->delivered, 0);
        }
        if (p->qos != 1)
            assert_true(p->delivered <= 1);
    }
    for (uint32_t i = 0; i < broker_count; i++) {
        if (finished[i])
            assert_true(got_count[i] >= 1);
        if (sent_qos[i] == 0 || (sent_qos[i] == 2 && keeps))
            assert_true(got_count[i] <= 1);
    }
    print_message("%u messages: %u done, %u unknown, %u cut, %u closed; %u received; %u links\n",
                  (unsigned)pub_count, (unsigned)by_result[0], (unsigned)by_result[1],
                  (unsigned)by_result[2], (unsigned)by_result[3], (unsigned)broker_count,
                  (unsigned)broker.connects);
    assert_true(by_result[0] > pub_count / 4);
}

static void a_long_random_life(bool keeps, uint32_t steps)
{
    setup(NULL);
    memset(broker_out, 0, sizeof broker_out);
    memset(got_count, 0, sizeof got_count);
    memset(finished, 0, sizeof finished);
    broker_count = broker_next_id = 0;
    opt.session = keeps ? IOT_SESSION_KEEP : IOT_SESSION_CLEAN;
    opt.backoff_cap_ms = 3000;
    opt.keepalive_s = 10;
    opt.first_id = 65000; /* the ids wrap on the way */
    broker.keeps = keeps;
    init();
    on_event_too = random_callback;
    for (uint32_t step = 0; step < steps; step++) {
        if (!iot_mqtt_client_open(&client)) {
            if (connect_() == IOT_OK)
                subscribe("a/+", IOT_MQTT_QOS_MAX, take, NULL);
        } else if (chance(800) == 0 && !keeps) {
            close_(chance(2) ? 0 : chance(5000));
        }
        random_step();
        assert_true(client.session.box.count <= IOT_MQTT_OUT_MAX);
        assert_true(open_pubs == client.session.box.count);
    }
    /* the end: all is well again, everything is delivered and closed */
    on_event_too = NULL;
    stub.write_budget = stub.write_max = stub.read_max = UINT32_MAX;
    stub.connects = stub.releases = true;
    stub.open_result = IOT_OK;
    broker.deaf_to_acks = broker.silent = broker.no_pingresp = false;
    broker.code = 0;
    if (stub.taken != stub.let_go)
        stub_release(&stub, stub.taken);
    if (!iot_mqtt_client_open(&client)) {
        run(10000);
        connect_();
    }
    subscribe("a/+", IOT_MQTT_QOS_MAX, take, NULL);
    network(IOT_NETWORK_CHANGED);
    run(200000);
    assert_true(iot_mqtt_client_idle(&client));
    assert_int_equal(open_pubs, 0);
    if (keeps)
        for (uint32_t i = 0; i < OUT_MAX; i++)
            assert_int_equal(broker_out[i].state, 0);
    close_and_check(5000);
    check_deliveries(keeps);
}

static void each_message_ends_once_and_as_promised_in_a_kept_session_with_faults(void **state)
{
    (void)state;
    rng = test_seed();
    a_long_random_life(true, 30000);
}

static void each_message_ends_once_and_as_promised_in_clean_sessions_with_faults(void **state)
{
    (void)state;
    rng = test_seed();
    a_long_random_life(false, 30000);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        CASE(it_connects_publishes_and_closes_in_good_order),
        CASE(without_keep_alive_tcp_watches_the_link),
        CASE(a_link_with_nothing_to_do_only_pings),
        CASE(a_stream_that_cannot_open_yet_is_asked_again),
        CASE(each_way_to_fail_is_lost_by_its_own_name_with_its_number),
        CASE(a_silent_server_gives_the_time_outs_by_name),
        CASE(a_tick_after_a_long_sleep_asks_for_a_sign_of_life),
        CASE(the_ladder_of_reconnects_stays_within_its_bounds),
        CASE(the_ladder_begins_anew_only_after_a_link_that_was_stable),
        CASE(a_refusing_connack_waits_near_the_cap),
        CASE(a_refusal_wins_over_the_end_of_the_stream_behind_it),
        CASE(without_reconnect_a_loss_is_final_until_connect),
        CASE(the_hint_down_ends_the_link_and_waits_for_the_cap),
        CASE(the_hint_up_tries_at_once),
        CASE(the_hint_changed_leaves_the_old_link_and_tries_at_once),
        CASE(down_and_up_between_two_ticks_mean_changed),
        CASE(twenty_packets_in_one_read_take_their_ticks_and_no_event_from_outside),
        CASE(more_acks_than_the_table_holds_do_not_stall_behind_a_slow_wire),
        CASE(a_blocked_wire_with_unread_bytes_behind_it_gives_no_verdict_and_no_busy_waiting),
        CASE(when_the_wire_takes_all_again_the_waiting_bytes_are_read_at_once),
        CASE(the_end_of_the_stream_counts_after_the_data_before_it),
        CASE(a_stream_that_broke_while_acks_could_not_leave_is_lost_all_the_same),
        CASE(a_message_larger_than_the_window_is_reported_and_the_next_one_delivered),
        CASE(a_message_that_nobody_handles_is_an_event),
        CASE(connack_before_all_of_connect_is_out_is_read_afterwards),
        CASE(an_echo_with_a_full_ring_declines_until_the_deadline),
        CASE(acknowledgements_behind_a_declined_message_are_read_and_make_room_for_it),
        CASE(acknowledgements_far_behind_a_declined_message_are_let_in_before_the_link_ends),
        CASE(a_declined_message_is_offered_until_it_is_taken_and_then_acknowledged),
        CASE(only_handlers_that_declined_are_asked_again),
        CASE(a_handler_may_unsubscribe_itself_and_others_while_it_declines),
        CASE(a_link_lost_while_a_message_is_declined_forgets_it),
        CASE(a_broken_stream_does_not_wait_for_a_declined_message),
        CASE(writable_comes_once_after_full),
        CASE(an_application_that_fills_the_ring_on_writable_does_not_spin),
        CASE(a_wire_that_takes_few_bytes_at_a_time_is_not_waited_for),
        CASE(a_reference_is_done_when_the_stream_lets_go),
        CASE(messages_wait_over_any_number_of_lost_links),
        CASE(close_drains_before_it_says_goodbye),
        CASE(close_before_the_link_is_up_waits_for_it_when_there_is_something_to_send),
        CASE(the_drain_deadline_ends_what_is_not_done),
        CASE(disconnect_goes_out_although_messages_do_not_end),
        CASE(close_in_each_phase_ends_with_one_closed),
        CASE(connect_after_close_does_not_wait_for_what_was_before),
        CASE(a_close_with_nothing_to_send_opens_nothing),
        CASE(a_link_that_breaks_while_closing_is_tried_again_until_the_drain_deadline),
        CASE(a_link_that_breaks_while_saying_goodbye_is_not_lost_but_closed),
        CASE(closed_waits_until_nothing_outside_points_to_the_memory),
        CASE(goodbye_does_not_outwait_a_stream_that_wants_to_be_polled),
        CASE(network_hints_do_not_disturb_a_goodbye),
        CASE(every_call_is_allowed_inside_of_every_callback),
        CASE(each_message_ends_once_and_as_promised_in_a_kept_session_with_faults),
        CASE(each_message_ends_once_and_as_promised_in_clean_sessions_with_faults),
    };
    return cmocka_run_group_tests_name("mqtt_client", tests, NULL, NULL);
}

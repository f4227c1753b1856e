/* SPDX-License-Identifier: Apache-2.0 */
/* A wild application against a wild broker over a wild stream: each accepted ticket ends exactly once, parts
 * are contiguous, what is sent is MQTT, the loop comes to rest. STORM_SEED=n repeats one, STORM_RUNS=n more. */
#include "stub_device.h"

static uint64_t chance;

static uint32_t below(uint32_t n)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (uint32_t)(chance >> 20) % n;
}

static bool hit(uint32_t percent)
{
    return below(100) < percent;
}

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    memset(into, 0x21, n);
    return hit(5) ? IOT_ERR_AGAIN : IOT_OK;
}

static uint8_t record[2];
static bool has_record;

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    (void)ctx;
    (void)key;
    (void)cap;
    if (hit(10))
        return IOT_ERR_AGAIN;
    if (!has_record)
        return IOT_ERR_STATE;
    memcpy(into, record, 2);
    *len = 2;
    return IOT_OK;
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    (void)ctx;
    (void)key;
    (void)len;
    if (hit(10))
        return IOT_ERR_AGAIN;
    memcpy(record, bytes, 2);
    has_record = true;
    return IOT_OK;
}

static iot_err kv_del(void *ctx, const char *key)
{
    (void)ctx;
    (void)key;
    return IOT_OK;
}

static const struct iot_port port = {
    .random = random_bytes, .kv_get = kv_get, .kv_set = kv_set, .kv_del = kv_del};

#define TICKETS_MAX 100000
static uint8_t fate[TICKETS_MAX]; /* 0 not a message's, 1 accepted, 2 ended */
static uint32_t open_messages;
static uint8_t payload[4096];
static struct iot_writer writer;
static bool writing, closed;
static int depth;
static bool calm; /* handlers take, sources give */

static void accepted(iot_err err, iot_ticket t)
{
    if (err != IOT_OK)
        return;
    t %= TICKETS_MAX; /* where they begin is drawn */
    assert_int_equal(fate[t], 0);
    fate[t] = 1;
    open_messages++;
}

static const char *const topics[] = {"a", "b", "c/d", "e"};
static const char *const filters[] = {"a", "+", "c/#", "#"};

static iot_err source(void *ctx, struct iot_device *d, uint32_t offset, struct iot_writer *w);
static iot_err on_message(void *ctx, struct iot_device *d, const struct iot_msg *msg);

static struct part {
    uint32_t next, total;
} parts[4];

static void act(void)
{
    const char *text = topics[below(4)];
    static const uint8_t policies[] = {0, 0, IOT_MSG_REFUSE, IOT_MSG_DROP_OLDEST, IOT_MSG_REPLACE};
    struct iot_msg msg = {.topic = {text, (uint16_t)strlen(text), 0},
                          .payload = {payload, below(hit(10) ? 900 : 120)},
                          .qos = (uint8_t)below(3),
                          .flags = policies[below(5)]};
    iot_ticket t = 0;
    iot_err err;
    switch (below(12)) {
    case 0:
    case 1:
    case 2:
    case 3:
        msg.flags |= hit(20) ? IOT_MSG_BY_REF : 0;
        err = iot_mqtt_publish(&dev, &msg, &t);
        accepted(err, t);
        break;
    case 4:
        if (!writing)
            writing = iot_mqtt_begin(&dev, &msg, below(300), &writer) == IOT_OK;
        break;
    case 5:
    case 6:
        if (writing) {
            writing = false;
            if (hit(20)) {
                iot_mqtt_cancel(&writer);
                break;
            }
            iot_writer_put(&writer, payload, below(writer.cap + 2));
            err = iot_mqtt_commit(&writer, &t);
            accepted(err, t);
        }
        break;
    case 7:
        msg.qos = 0;
        err = iot_mqtt_stream(&dev, &msg, 1 + below(3000), source, NULL, &t);
        accepted(err, t);
        break;
    case 8: {
        uint32_t i = below(4);
        struct iot_filter f = {.filter = {filters[i], (uint16_t)strlen(filters[i]), 0},
                               .qos = (uint8_t)below(3),
                               .on_message = hit(80) ? on_message : NULL,
                               .ctx = &parts[i],
                               .in_parts = i == 1};
        memset(parts, 0, sizeof parts);
        (void)iot_mqtt_subscribe(&dev, &f, NULL);
        break;
    }
    case 9: {
        uint32_t i = below(4);
        struct iot_topic f = {filters[i], (uint16_t)strlen(filters[i]), 0};
        memset(parts, 0, sizeof parts); /* who joins late may begin in the middle */
        (void)iot_mqtt_unsubscribe(&dev, &f, NULL);
        break;
    }
    case 10:
        if (hit(3))
            iot_network(&dev, (enum iot_network_change)below(3));
        break;
    case 11:
        if (hit(2))
            (void)iot_device_close(&dev, below(3000));
        break;
    }
}

static void act_inside(void)
{
    if (depth++ == 0 && hit(30))
        for (uint32_t n = below(4); n > 0; n--)
            act();
    depth--;
}

static iot_err source(void *ctx, struct iot_device *d, uint32_t offset, struct iot_writer *w)
{
    (void)ctx;
    (void)d;
    (void)offset;
    act_inside();
    if (!calm && hit(20))
        return hit(5) ? IOT_ERR_KV : IOT_ERR_AGAIN;
    iot_writer_put(w, payload, 1 + below(w->cap));
    return IOT_OK;
}

/* Each byte of a slice is read: a sanitizer sees what does not belong to it. */
static uint32_t touched;
static uint32_t sum_of(const uint8_t *bytes, uint32_t n)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += bytes[i];
    return sum;
}

static iot_err on_message(void *ctx, struct iot_device *d, const struct iot_msg *msg)
{
    struct part *p = ctx;
    (void)d;
    touched += sum_of(msg->payload.ptr, msg->payload.len);
    touched += sum_of((const uint8_t *)msg->topic.text, msg->topic.len);
    assert_true(msg->offset + msg->payload.len <= msg->total);
    act_inside();
    if (!calm && hit(40))
        return hit(50) ? IOT_ERR_AGAIN : IOT_ERR_FULL;
    if (msg->offset != 0 && p->next != 0)
        assert_int_equal(msg->offset, p->next);
    p->next = msg->offset + msg->payload.len == msg->total ? 0 : msg->offset + msg->payload.len;
    return IOT_OK;
}

static void on_any(void *ctx, struct iot_device *d, const struct iot_event *ev)
{
    on_event(ctx, d, ev);
    if (ev->kind == IOT_EV_DONE || ev->kind == IOT_EV_FAILED) {
        assert_int_equal(fate[ev->ticket % TICKETS_MAX], 1);
        fate[ev->ticket % TICKETS_MAX] = 2;
        open_messages--;
    }
    if (ev->kind == IOT_EV_LOST || ev->kind == IOT_EV_SKIPPED)
        memset(parts, 0, sizeof parts);
    if (ev->kind == IOT_EV_CLOSED) {
        assert_int_equal(open_messages, 0);
        closed = true;
        return;
    }
    act_inside();
}

/* ---- The broker -------------------------------------------------------------------------- */

static uint32_t seen; /* bytes of what the device sent that were looked at */
static uint32_t opens;
static bool asked;

static void answer(bool honest)
{
    if (stub.opens != opens) {
        opens = stub.opens;
        seen = 0;
        asked = false;
    }
    struct iot_bytes rest = stub_sent(&stub);
    if (seen > rest.len)
        seen = 0;
    rest.ptr += seen;
    rest.len -= seen;
    struct wire_packet p;
    while (wire_next(&rest, &p)) {
        if (!honest && hit(10)) {
            seen = (uint32_t)(rest.ptr - stub_sent(&stub).ptr);
            continue;
        }
        switch (p.type) {
        case 1:
            wire_connack(&in, opt.session != IOT_SESSION_CLEAN && hit(70), 0);
            asked = true;
            break;
        case 3:
            if ((p.flags >> 1 & 3) == 1)
                wire_ack(&in, 0x40, p.id);
            if ((p.flags >> 1 & 3) == 2)
                wire_ack(&in, 0x50, p.id);
            break;
        case 5:
            wire_ack(&in, 0x62, p.id);
            break;
        case 6:
            wire_ack(&in, 0x70, p.id);
            break;
        case 8:
            wire_suback(&in, p.id, hit(10) ? 0x80 : (uint8_t)below(3));
            break;
        case 10:
            wire_ack(&in, 0xb0, p.id);
            break;
        case 12:
            wire_pingresp(&in);
            break;
        }
        seen = (uint32_t)(rest.ptr - stub_sent(&stub).ptr);
    }
}

static void rave(void)
{
    for (uint32_t n = below(6); n > 0; n--) {
        uint32_t qos = below(3);
        switch (below(10)) {
        case 0:
            wire_publish_filled(&in, (uint8_t)(qos << 1), topics[below(4)],
                                (uint16_t)(1 + below(30)), 'z', 900 + below(3000));
            break;
        case 1:
            wire_ack(&in, 0x62, (uint16_t)(1 + below(30)));
            break;
        case 2: {
            static const uint8_t acks[] = {0x40, 0x50, 0x70, 0xb0};
            wire_ack(&in, acks[below(4)], (uint16_t)(1 + below(60)));
            break;
        }
        case 3:
            wire_pingresp(&in);
            break;
        default:
            wire_publish_filled(&in, (uint8_t)(qos << 1 | (qos != 0 && hit(20) ? 8 : 0)),
                                topics[below(4)], (uint16_t)(1 + below(30)), 'z', below(60));
        }
    }
    if (hit(1))
        for (uint32_t n = below(20); n > 0; n--) {
            uint8_t byte = (uint8_t)below(256);
            wire_put(&in, &byte, 1);
        }
}

static void ticks(uint32_t ms)
{
    uint32_t end = now_ms + ms;
    uint32_t zeros = 0;
    for (;;) {
        uint32_t sleep = iot_poll(&dev, now_ms);
        if (sleep == 0) {
            if (++zeros > 3000)
                fail_msg(
                    "the loop does not come to rest: phase %u, more %u, dry %u, paused %u, owed %u",
                    dev.mqtt.phase, dev.mqtt.more, dev.mqtt.dry, dev.mqtt.session.watch.paused,
                    dev.mqtt.session.inbox.owed);
            continue;
        }
        zeros = 0;
        uint32_t left = end - now_ms;
        if (left == 0 || closed)
            break;
        now_ms += sleep < left ? sleep : left;
    }
}

static void one_storm(uint64_t s)
{
    chance = s * 0x9e3779b97f4a7c15ull + 88172645463325252ull;
    stub_device_setup(&port);
    memset(fate, 0, sizeof fate);
    memset(parts, 0, sizeof parts);
    open_messages = 0;
    writing = closed = calm = false;
    has_record = false;
    opens = seen = 0;
    opt.session = (enum iot_session_kind)below(3);
    opt.session_key = "k";
    opt.hand_back = hit(50);
    opt.keepalive_s = (uint16_t)(hit(50) ? 5 : 0);
    opt.on_event = on_any;
    opt.queue = hit(30) ? IOT_MSG_DROP_OLDEST : 0;
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    assert_err(iot_device_connect(&dev), IOT_OK);
    for (uint32_t step = 0; step < 300; step++) {
        if (closed) {
            closed = false;
            writing = false;
            assert_err(iot_device_connect(&dev), IOT_OK);
        }
        stub.read_max = hit(70) ? UINT32_MAX : 1 + below(600);
        stub.write_max = hit(70) ? UINT32_MAX : 1 + below(60);
        stub.write_budget = hit(60) ? UINT32_MAX : below(400);
        stub.releases = hit(70);
        iot_stream_wake(&stub.base);
        if (stub.releases && stub.state == STUB_UP)
            stub_release(&stub, stub.taken);
        for (uint32_t n = below(4); n > 0; n--)
            act();
        ticks(below(hit(10) ? 5000 : 100));
        if (stub.state == STUB_UP) {
            wire_clear(&in);
            answer(false);
            if (asked)
                rave();
            if (in.len < STUB_RX_MAX - (stub.rx_len - stub.rx_at) && in.len != 0)
                receive();
            if (hit(3))
                stub_end(&stub, IOT_ERR_TCP_RESET, 0);
        }
    }
    /* Peace: everything that was accepted ends. */
    calm = true;
    if (writing)
        iot_mqtt_cancel(&writer);
    writing = false;
    stub.read_max = stub.write_max = stub.write_budget = UINT32_MAX;
    stub.releases = true;
    iot_stream_wake(&stub.base);
    if (stub.state == STUB_UP)
        stub_end(&stub, IOT_ERR_TCP_RESET, 0);
    depth = 1; /* no more requests */
    for (uint32_t step = 0; step < 200 && !closed; step++) {
        ticks(500);
        wire_clear(&in);
        if (stub.state == STUB_UP) {
            answer(true);
            if (in.len != 0)
                receive();
        }
    }
    if (open_messages != 0)
        fail_msg("%u messages never end", open_messages);
    if (!closed) {
        if (dev.mqtt.session.box.want_room)
            fail_msg("WRITABLE never comes");
        (void)iot_device_close(&dev, 1000);
        ticks(5000);
    }
    assert_true(closed);
    depth = 0;
}

static uint64_t storm; /* 0: none is under way */

static int tell_seed(void **state)
{
    (void)state;
    if (storm != 0)
        print_message("STORM_SEED=%llu\n", (unsigned long long)storm);
    return 0;
}

static void whatever_both_sides_do_the_promises_hold(void **state)
{
    const char *seed = getenv("STORM_SEED"), *runs = getenv("STORM_RUNS");
    uint64_t first = seed != NULL ? strtoull(seed, NULL, 0) : 1;
    uint64_t last_seed =
        seed != NULL ? first : first + (runs != NULL ? strtoull(runs, NULL, 0) : 200);
    (void)state;
    for (uint64_t s = first; s <= last_seed; s++) {
        storm = s;
        one_storm(s);
    }
    assert_int_not_equal(touched, 0);
    storm = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(whatever_both_sides_do_the_promises_hold, tell_seed),
    };
    return cmocka_run_group_tests_name("mqtt_storm", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What an application may do from inside callbacks, how full pools behave, and what a device says
 * of itself: against a real mosquitto, where it matters. */
#include "peer_broker.h"
#include "peer_device.h"

#include "host/host_loop.h"
#include "host/host_net.h"
#include "iot_port_unix.h"

#include "lwip/pbuf.h"

static struct host_broker broker;
static struct peer_device one, two;

/* ---- A life in which every event happens ------------------------------------------------- */

#define HANDLER PEER_KINDS /* counts as one more kind of callback */

static uint32_t handled;

static iot_err count_handled(struct peer_device *p, const struct iot_msg *msg)
{
    const struct iot_event none = {.kind = IOT_EV_MESSAGE, .msg = msg};

    handled++;
    p->also(p, &none);
    return IOT_OK;
}

static bool try_publish(struct peer_device *p, const char *topic, struct iot_bytes payload,
                        uint8_t qos, uint8_t flags)
{
    struct iot_msg msg = {
        .topic = peer_topic(topic), .payload = payload, .qos = qos, .flags = flags};

    return peer_try_publish(p, &msg, NULL) == IOT_OK;
}

static void try_subscribe(struct peer_device *p, const char *filter, iot_mqtt_handler handler)
{
    struct iot_filter f = {.filter = peer_topic(filter), .qos = 1, .on_message = handler, .ctx = p};

    (void)iot_mqtt_subscribe(&p->dev, &f, NULL);
}

#define UNTIL_OR_CLOSED(condition)                                                                 \
    do {                                                                                           \
        UNTIL((condition) || p->kinds[IOT_EV_CLOSED] != 0);                                        \
        if (p->kinds[IOT_EV_CLOSED] != 0)                                                          \
            return;                                                                                \
    } while (0)

/* From the first event to the last but CLOSED, unless a callback closes the device on the way. */
static void live_through_everything(struct peer_device *p)
{
    const struct iot_topic raw = IOT_TOPIC("raw/+");
    uint32_t full = 0;

    peer_begin(p); /* CONNECTING, CONNECTED */
    UNTIL_OR_CLOSED(p->kinds[IOT_EV_CONNECTED] != 0);
    try_subscribe(p, "all/+", peer_on_message);
    try_subscribe(p, "raw/+", NULL);
    UNTIL_OR_CLOSED(p->kinds[IOT_EV_SUBACK] >= 2);
    UNTIL_OR_CLOSED(try_publish(p, "all/x", BYTES("1"), 1, 0));
    UNTIL_OR_CLOSED(p->kinds[IOT_EV_DONE] != 0 && handled != 0);
    UNTIL_OR_CLOSED(try_publish(p, "raw/x", BYTES("2"), 2, 0));
    UNTIL_OR_CLOSED(p->kinds[IOT_EV_MESSAGE] != 0);
    UNTIL_OR_CLOSED(try_publish(p, "raw/big", peer_payload(2000, 1), 0, IOT_MSG_BY_REF));
    UNTIL_OR_CLOSED(p->kinds[IOT_EV_SKIPPED] != 0);
    while (try_publish(p, "full/x", peer_payload(100, 1), 1, 0))
        full++;
    UNTIL_OR_CLOSED(p->kinds[IOT_EV_WRITABLE] != 0);
    (void)iot_mqtt_unsubscribe(&p->dev, &raw, NULL);
    UNTIL_OR_CLOSED(p->kinds[IOT_EV_UNSUBACK] != 0);
    UNTIL_OR_CLOSED(peer_all_ended(p));
    UNTIL_OR_CLOSED(try_publish(p, "raw/lost", BYTES("3"), 1, 0));
    iot_poll(&p->dev, peer_clock_ms());
    iot_network(&p->dev, IOT_NETWORK_DOWN); /* in flight in a clean session: FAILED */
    UNTIL_OR_CLOSED(p->kinds[IOT_EV_LOST] != 0 && p->kinds[IOT_EV_FAILED] != 0);
    iot_network(&p->dev, IOT_NETWORK_UP);
    UNTIL_OR_CLOSED(p->kinds[IOT_EV_CONNECTED] >= 2);
    UNTIL_OR_CLOSED(peer_all_ended(p));
}

/* ---- Calls from inside ------------------------------------------------------------------- */

/* Busy is TLS alone; replies, notices and registrations are the platform's. */
static bool is_elsewhere(uint32_t kind)
{
    return kind == IOT_EV_BUSY || kind == IOT_EV_REPLY || kind == IOT_EV_NOTICE ||
           kind == IOT_EV_REGISTERED;
}

static uint32_t inside[PEER_KINDS], depth, deepest, refused_calls;
static bool wrong_poll, wrong_connect;

/* All that an application may think of, at most three times for each kind of event. */
static void do_everything(struct peer_device *p, const struct iot_event *ev)
{
    const struct iot_topic extra = IOT_TOPIC("extra/#");
    struct iot_msg written = {.topic = peer_topic("all/written"), .payload = {NULL, 0}, .qos = 1};
    struct iot_pool_use use;
    struct iot_writer w;
    iot_ticket t;

    if (++depth > deepest)
        deepest = depth;
    wrong_poll = wrong_poll || iot_poll(&p->dev, peer_clock_ms()) != 0;
    wrong_connect = wrong_connect ||
                    (ev->kind != IOT_EV_CLOSED && iot_device_connect(&p->dev) != IOT_ERR_STATE);
    (void)iot_sleep_ms(&p->dev, peer_clock_ms());
    (void)iot_device_idle(&p->dev);
    for (uint32_t i = 0; iot_device_pool(&p->dev, i, &use); i++)
        wrong_poll = wrong_poll || use.used > use.max || use.high > use.max || use.used > use.high;
    if (inside[ev->kind]++ < 3) {
        uint8_t kind = (uint8_t)ev->kind;
        refused_calls += !try_publish(p, "all/inside", peer_payload(30, kind), kind % 3, 0);
        refused_calls += !try_publish(p, "all/inside", peer_payload(30, kind), 0, IOT_MSG_BY_REF);
        if (iot_mqtt_begin(&p->dev, &written, 20, &w) == IOT_OK) {
            iot_writer_text(&w, "from inside");
            if (iot_mqtt_commit(&w, &t) == IOT_OK)
                peer_accepted(p, t);
        }
        if (inside[ev->kind] % 2 == 1)
            try_subscribe(p, "extra/#", peer_on_message);
        else
            (void)iot_mqtt_unsubscribe(&p->dev, &extra, NULL);
        iot_network(&p->dev, IOT_NETWORK_UP);
    }
    depth--;
}

static void every_call_is_harmless_inside_every_event_and_handler(void **state)
{
    (void)state;
    memset(inside, 0, sizeof inside);
    handled = depth = deepest = refused_calls = 0;
    wrong_poll = wrong_connect = false;
    peer_prepare(&one, "inside", broker.port);
    one.also = do_everything;
    one.verdict = count_handled;
    live_through_everything(&one);
    UNTIL(iot_device_idle(&one.dev));
    for (uint32_t kind = 0; kind < IOT_EV_CLOSED; kind++)
        assert_true(one.kinds[kind] != 0 || is_elsewhere(kind));
    peer_close(&one);
    assert_int_equal(deepest, 1); /* a callback inside a callback never happened */
    assert_false(wrong_poll);
    assert_false(wrong_connect);
}

static uint32_t close_in;
static iot_err close_result;
static uint32_t closes;

static void close_inside(struct peer_device *p, const struct iot_event *ev)
{
    uint32_t kind = handled != 0 && close_in == HANDLER ? HANDLER : ev->kind;

    if (kind != close_in || closes != 0)
        return;
    closes = 1;
    (void)try_publish(p, "all/last", BYTES("last words"), 1, 0);
    close_result = iot_device_close(&p->dev, 2000);
    if (iot_device_close(&p->dev, 2000) != IOT_ERR_STATE)
        close_result = IOT_ERR_ARG;
}

static void the_device_can_be_closed_inside_every_event_and_handler(void **state)
{
    (void)state;
    for (close_in = 0; close_in <= HANDLER; close_in++) {
        if (close_in == IOT_EV_CLOSED || is_elsewhere(close_in))
            continue;
        handled = closes = 0;
        peer_prepare(&one, "close-inside", broker.port);
        one.also = close_inside;
        one.verdict = count_handled;
        live_through_everything(&one);
        UNTIL(one.kinds[IOT_EV_CLOSED] != 0);
        assert_int_equal(closes, 1);
        assert_err(close_result, IOT_OK);
        assert_int_equal(one.kinds[IOT_EV_CLOSED], 1);
        assert_int_equal(one.events[one.event_count - 1].kind, IOT_EV_CLOSED);
        peer_check_over(&one);
        assert_int_equal(iot_poll(&one.dev, peer_clock_ms()), IOT_MS_NEVER);
        peer_leave(&one);
    }
}

static void again_inside(struct peer_device *p, const struct iot_event *ev)
{
    if (ev->kind == IOT_EV_CLOSED && p->user++ < 2)
        (void)iot_device_connect(&p->dev);
    if (ev->kind == IOT_EV_CONNECTED && p->user < 2) {
        try_subscribe(p, "again/+", peer_on_message);
        (void)try_publish(p, "again/x", BYTES("x"), 1, 0);
        (void)iot_device_close(&p->dev, 2000);
    }
}

static void a_closed_device_can_be_connected_again_from_its_last_event(void **state)
{
    (void)state;
    peer_prepare(&one, "again", broker.port);
    one.also = again_inside;
    peer_begin(&one);
    UNTIL(one.kinds[IOT_EV_CLOSED] == 2 && iot_device_connected(&one.dev));
    assert_int_equal(one.kinds[IOT_EV_CONNECTED], 3);
    one.user = 9;
    peer_close(&one);
}

static void connect_inside(struct peer_device *p, const struct iot_event *ev)
{
    if (ev->kind == IOT_EV_LOST)
        close_result = iot_device_connect(&p->dev);
}

static void a_device_that_does_not_reconnect_can_be_told_to_inside_the_loss(void **state)
{
    (void)state;
    peer_prepare(&one, "by-hand", broker.port);
    one.options.no_reconnect = true;
    one.also = connect_inside;
    peer_connect(&one);
    iot_network(&one.dev, IOT_NETWORK_CHANGED);
    UNTIL(one.kinds[IOT_EV_CONNECTED] == 2);
    assert_err(close_result, IOT_OK);
    assert_err(peer_last(&one, IOT_EV_LOST)->err, IOT_ERR_NET_CHANGED);
    assert_int_equal(peer_last(&one, IOT_EV_LOST)->delay_ms, IOT_MS_NEVER);
    peer_close(&one);
}

/* A handler that takes its own subscription away and gives the filter to another. */
static iot_err next_handler(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    struct peer_device *p = ctx;
    (void)dev;
    (void)msg;

    p->user += 100;
    return IOT_OK;
}

static iot_err handing_over(struct peer_device *p, const struct iot_msg *msg)
{
    struct iot_filter f = {
        .filter = peer_topic("hand/+"), .qos = 1, .on_message = next_handler, .ctx = p};
    (void)msg;

    p->user++;
    (void)iot_mqtt_subscribe(&p->dev, &f, NULL);
    return IOT_OK;
}

static void a_handler_can_replace_itself(void **state)
{
    (void)state;
    peer_prepare(&one, "hand-over", broker.port);
    one.verdict = handing_over;
    peer_connect(&one);
    peer_subscribed(&one, "hand/+", 1);
    for (int i = 0; i < 5; i++)
        peer_publish(&one, "hand/x", "x", 1, 0);
    UNTIL(one.user >= 401);
    assert_int_equal(one.user, 401);
    assert_int_equal(peer_pool(&one, "subscriptions").used, 1);
    peer_close(&one);
}

static iot_err unsubscribing(struct peer_device *p, const struct iot_msg *msg)
{
    static const char *const names[] = {"own/#", "own/+", "own/x"};
    (void)msg;

    for (size_t i = 0; i < COUNT(names); i++) {
        struct iot_topic name = peer_topic(names[i]);
        (void)iot_mqtt_unsubscribe(&p->dev, &name, NULL);
    }
    return IOT_OK;
}

static void a_handler_that_unsubscribes_all_is_the_last_to_be_called(void **state)
{
    (void)state;
    peer_prepare(&one, "own-end", broker.port);
    one.verdict = unsubscribing;
    peer_connect(&one);
    peer_subscribed(&one, "own/#", 1);
    peer_subscribed(&one, "own/+", 1);
    peer_subscribed(&one, "own/x", 1);
    peer_publish(&one, "own/x", "1", 1, 0);
    peer_publish(&one, "own/x", "2", 1, 0);
    UNTIL(one.kinds[IOT_EV_UNSUBACK] == 3 && peer_all_ended(&one));
    assert_int_equal(one.inbox_count - one.kinds[IOT_EV_MESSAGE], 1); /* one handler, once */
    assert_int_equal(peer_pool(&one, "subscriptions").used, 0);
    peer_close(&one);
}

/* ---- Full pools -------------------------------------------------------------------------- */

static void a_full_message_table_refuses_changes_nothing_and_recovers(void **state)
{
    (void)state;
    peer_prepare(&one, "table", broker.port);
    peer_connect(&one);
    peer_subscribed(&one, "table/+", 1);
    for (int round = 0; round < 3; round++) {
        uint32_t writable = one.kinds[IOT_EV_WRITABLE], came = one.inbox_count;
        struct iot_msg more = {.topic = peer_topic("table/more"), .payload = BYTES("x"), .qos = 1};
        struct iot_writer w;

        for (uint32_t i = 0; i < IOT_MQTT_OUT_MAX; i++)
            peer_publish(&one, "table/x", "x", (uint8_t)(i % 3), 0);
        assert_int_equal(peer_pool(&one, "messages").used, IOT_MQTT_OUT_MAX);
        assert_err(peer_try_publish(&one, &more, NULL), IOT_ERR_FULL);
        assert_err(iot_mqtt_begin(&one.dev, &more, 1, &w), IOT_ERR_FULL);
        assert_int_equal(peer_pool(&one, "messages").used, IOT_MQTT_OUT_MAX);
        UNTIL(one.kinds[IOT_EV_WRITABLE] > writable);
        peer_publish(&one, "table/more", "x", 1, 0);
        UNTIL(peer_all_ended(&one) && one.inbox_count == came + IOT_MQTT_OUT_MAX + 1);
    }
    assert_int_equal(one.kinds[IOT_EV_FAILED], 0);
    assert_int_equal(peer_pool(&one, "messages").high, IOT_MQTT_OUT_MAX);
    peer_close(&one);
}

static void a_full_ring_refuses_changes_nothing_and_recovers(void **state)
{
    (void)state;
    peer_prepare(&one, "ring-full", broker.port);
    peer_connect(&one);
    peer_subscribed(&one, "ring/+", 2);
    for (int round = 0; round < 5; round++) {
        uint32_t sent = 0, came = one.inbox_count, writable = one.kinds[IOT_EV_WRITABLE];
        struct iot_msg msg = {
            .topic = peer_topic("ring/x"), .payload = peer_payload(290, 3), .qos = 2};

        while (peer_try_publish(&one, &msg, NULL) == IOT_OK)
            sent++;
        assert_int_equal(sent, 3); /* three of some 303 bytes in 1024 */
        uint32_t used = peer_pool(&one, "tx-bytes").used;
        assert_err(peer_try_publish(&one, &msg, NULL), IOT_ERR_FULL);
        assert_int_equal(peer_pool(&one, "tx-bytes").used, used);
        /* What needs less room still gets some, if the table has a line. */
        msg.flags = IOT_MSG_BY_REF;
        assert_err(peer_try_publish(&one, &msg, NULL), IOT_OK);
        UNTIL(peer_all_ended(&one) && one.inbox_count == came + 4);
        assert_true(one.kinds[IOT_EV_WRITABLE] > writable);
        assert_true(peer_same(&one.inbox[came + 3], msg.payload));
    }
    assert_int_equal(peer_pool(&one, "tx-bytes").used, 0);
    peer_close(&one);
}

static void a_full_subscription_table_refuses_and_a_slot_comes_back_with_unsuback(void **state)
{
    static char names[IOT_MQTT_SUBS_MAX + 1][16];
    struct iot_filter more = {
        .filter = {NULL, 0, 0}, .qos = 1, .on_message = peer_on_message, .ctx = &one};
    (void)state;

    peer_prepare(&one, "subs", broker.port);
    peer_connect(&one);
    for (uint32_t i = 0; i <= IOT_MQTT_SUBS_MAX; i++)
        snprintf(names[i], sizeof names[i], "subs/%u", (unsigned)i);
    for (uint32_t i = 0; i < IOT_MQTT_SUBS_MAX; i++)
        peer_subscribe(&one, names[i], 1);
    more.filter = peer_topic(names[IOT_MQTT_SUBS_MAX]);
    assert_err(iot_mqtt_subscribe(&one.dev, &more, NULL), IOT_ERR_FULL);
    peer_subscribe(&one, names[0], 1); /* one that is there is no new one */
    UNTIL(iot_device_idle(&one.dev));
    assert_err(iot_mqtt_subscribe(&one.dev, &more, NULL), IOT_ERR_FULL);

    struct iot_topic first = peer_topic(names[0]);
    assert_err(iot_mqtt_unsubscribe(&one.dev, &first, NULL), IOT_OK);
    assert_err(iot_mqtt_subscribe(&one.dev, &more, NULL), IOT_ERR_FULL); /* not yet */
    UNTIL(one.kinds[IOT_EV_UNSUBACK] == 1);
    assert_err(iot_mqtt_subscribe(&one.dev, &more, NULL), IOT_OK);
    UNTIL(iot_device_idle(&one.dev));
    for (uint32_t i = 0; i <= IOT_MQTT_SUBS_MAX; i++) {
        peer_publish(&one, names[i], "x", 1, 0);
        UNTIL(peer_all_ended(&one));
    }
    UNTIL(one.inbox_count == IOT_MQTT_SUBS_MAX);
    assert_int_equal(peer_count_of(&one, names[0]), 0);
    peer_close(&one);
}

/* mosquitto has 20 on their way to one client at once: more than acknowledgements can be owed, and
 * as many QoS 2 as can be remembered. (From the second 20 of QoS 2 on, mosquitto 2.0.11 forgets its
 * limit: that is the next test.) */
static void a_burst_larger_than_the_acknowledgement_pool_is_taken_in_order(void **state)
{
    (void)state;
    for (uint8_t qos = 1; qos <= 2; qos++) {
        uint32_t sent = 0, all = qos == 1 ? 60 : 40;
        peer_prepare(&one, "burst-in", broker.port);
        peer_prepare(&two, "burst-out", broker.port);
        peer_connect(&one);
        peer_connect(&two);
        peer_subscribed(&one, "burst", qos);
        one.asleep = true;
        while (sent < all) {
            char text[8];
            snprintf(text, sizeof text, "%u", (unsigned)sent);
            struct iot_msg msg = {
                .topic = peer_topic("burst"), .payload = text_bytes(text), .qos = qos};
            if (peer_try_publish(&two, &msg, NULL) == IOT_OK)
                sent++;
            else
                peer_turn();
        }
        UNTIL(peer_all_ended(&two));
        one.asleep = false;
        UNTIL(one.inbox_count == sent);
        for (uint32_t i = 0; i < sent; i++)
            assert_int_equal(strtoul(one.inbox[i].text, NULL, 10), i);
        assert_int_equal(peer_pool(&one, "acks").high, IOT_MQTT_ACKS_MAX);
        if (qos == 2)
            assert_true(peer_pool(&one, "qos2-in").high >= IOT_MQTT_ACKS_MAX);
        UNTIL(iot_device_idle(&one.dev));
        assert_int_equal(one.kinds[IOT_EV_LOST], 0);
        peer_close(&one);
        peer_close(&two);
    }
}

static void more_qos_2_than_can_be_remembered_come_through_in_pieces(void **state)
{
    uint32_t sent = 0;
    (void)state;

    peer_prepare(&one, "pieces-in", broker.port);
    one.options.session = IOT_SESSION_KEEP;
    one.options.backoff_cap_ms = 20;
    peer_prepare(&two, "pieces-out", broker.port);
    peer_connect(&one);
    peer_connect(&two);
    peer_subscribed(&one, "pieces", 2);
    one.asleep = true;
    while (sent < 99) {
        char text[8];
        snprintf(text, sizeof text, "%u", (unsigned)sent);
        struct iot_msg msg = {.topic = peer_topic("pieces"), .payload = text_bytes(text), .qos = 2};
        if (peer_try_publish(&two, &msg, NULL) == IOT_OK)
            sent++;
        else
            peer_turn();
    }
    UNTIL(peer_all_ended(&two));
    one.asleep = false;
    UNTIL(one.inbox_count >= sent && iot_device_idle(&one.dev));
    assert_int_equal(one.inbox_count, sent);
    for (uint32_t i = 0; i < sent; i++)
        assert_int_equal(strtoul(one.inbox[i].text, NULL, 10), i);
    if (one.kinds[IOT_EV_LOST] != 0)
        assert_err(peer_last(&one, IOT_EV_LOST)->err, IOT_ERR_MQTT_QOS2_FULL);
    print_message("%u losses\n", (unsigned)one.kinds[IOT_EV_LOST]);
    peer_close(&one);
    peer_close(&two);
}

/* ---- Declining --------------------------------------------------------------------------- */

static iot_err decline_some(struct peer_device *p, const struct iot_msg *msg)
{
    (void)msg;
    return p->user++ % 4 != 3 ? IOT_ERR_AGAIN : IOT_OK;
}

static void what_was_declined_is_offered_again_and_the_order_stays(void **state)
{
    (void)state;
    for (uint8_t qos = 0; qos <= 2; qos++) {
        peer_prepare(&one, "decline", broker.port);
        one.verdict = decline_some;
        peer_connect(&one);
        peer_subscribed(&one, "decline", qos);
        for (int i = 0; i < 9; i++)
            peer_publish(&one, "decline", (const char *[]){"0", "1", "2"}[i % 3], qos, 0);
        UNTIL_FAST(one.inbox_count == 9);
        for (uint32_t i = 0; i < 9; i++)
            assert_int_equal(one.inbox[i].text[0] - '0', i % 3);
        UNTIL(peer_all_ended(&one));
        assert_int_equal(iot_device_counters(&one.dev)->declined, 27);
        assert_int_equal(iot_device_counters(&one.dev)->received_messages, 9);
        peer_close(&one);
    }
}

/* An echo application says AGAIN when its own ring is full. */
static iot_err echo(struct peer_device *p, const struct iot_msg *msg)
{
    struct iot_msg back = {
        .topic = peer_topic("echo/out"), .payload = msg->payload, .qos = msg->qos};
    iot_err err = peer_try_publish(p, &back, NULL);

    return err == IOT_ERR_FULL ? IOT_ERR_AGAIN : IOT_OK;
}

static void an_echo_application_loses_nothing_to_a_full_ring(void **state)
{
    uint32_t sent = 0;
    (void)state;

    peer_prepare(&one, "echo", broker.port);
    one.verdict = echo;
    peer_connect(&one);
    peer_subscribed(&one, "echo/in", 0);
    peer_prepare(&two, "echo-user", broker.port);
    peer_connect(&two);
    peer_subscribed(&two, "echo/out", 0);
    one.asleep = true; /* more than the ring holds is there before the first tick */
    while (sent < 50) {
        struct iot_msg msg = {.topic = peer_topic("echo/in"), .payload = peer_payload(400, sent)};
        if (peer_try_publish(&two, &msg, NULL) == IOT_OK)
            sent++;
        else
            peer_turn();
    }
    UNTIL(one.dev.tcp.rx != NULL && one.dev.tcp.rx->tot_len > IOT_MQTT_TX_BYTES + 400);
    one.asleep = false;
    UNTIL(two.inbox_count == sent);
    for (uint32_t i = 0; i < sent; i++)
        assert_true(peer_same(&two.inbox[i], peer_payload(400, i)));
    assert_true(iot_device_counters(&one.dev)->declined > 0);
    assert_int_equal(one.kinds[IOT_EV_LOST] + one.kinds[IOT_EV_SKIPPED], 0);
    peer_close(&one);
    peer_close(&two);
}

/* ---- Init -------------------------------------------------------------------------------- */

static void a_library_built_otherwise_is_refused_and_nothing_is_touched(void **state)
{
    static struct iot_device dev, before;
    (void)state;

    peer_prepare(&one, "guard", 1883);
    memset(&dev, 0xa5, sizeof dev);
    before = dev;
    assert_err(iot_device_init_checked(&dev, &one.options, sizeof dev - 1, IOT_CONFIG_HASH),
               IOT_ERR_CONFIG);
    assert_err(iot_device_init_checked(&dev, &one.options, sizeof dev + 8, IOT_CONFIG_HASH),
               IOT_ERR_CONFIG);
    assert_err(iot_device_init_checked(&dev, &one.options, sizeof dev, IOT_CONFIG_HASH ^ 1),
               IOT_ERR_CONFIG);
    assert_memory_equal(&dev, &before, sizeof dev);
    assert_err(iot_device_init(&dev, &one.options), IOT_OK);
}

static iot_err init_with(const struct iot_options *o)
{
    static struct iot_device dev;

    return iot_device_init(&dev, o);
}

static void options_that_cannot_work_are_refused_by_name(void **state)
{
    static char long_id[IOT_MQTT_RX_BYTES];
    struct iot_options good, o;
    struct iot_port no_random = iot_port_unix;
    (void)state;

    peer_prepare(&one, "options", 1883);
    good = one.options;
    assert_err(init_with(&good), IOT_OK);
    o = good, o.host = NULL;
    assert_err(init_with(&o), IOT_ERR_ARG);
    o = good, o.on_event = NULL;
    assert_err(init_with(&o), IOT_ERR_ARG);
    o = good, o.port_ops = NULL;
    assert_err(init_with(&o), IOT_ERR_ARG);
    no_random.random = NULL;
    o = good, o.port_ops = &no_random;
    assert_err(init_with(&o), IOT_ERR_ARG);
    o = good, o.client_id = NULL;
    assert_err(init_with(&o), IOT_ERR_ARG);
    o = good, o.client_id = "";
    assert_err(init_with(&o), IOT_OK);
    o.session = IOT_SESSION_KEEP;
    assert_err(init_with(&o), IOT_ERR_ARG);
    o = good, o.password = BYTES("secret");
    assert_err(init_with(&o), IOT_ERR_ARG);
    o.user_name = "lamp";
    assert_err(init_with(&o), IOT_OK);
    o.user_name = "la\xc3";
    assert_err(init_with(&o), IOT_ERR_MQTT_TOPIC);
    o = good, o.client_id = "\xff";
    assert_err(init_with(&o), IOT_ERR_MQTT_TOPIC);
    o = good, o.will.topic = peer_topic("will/#");
    assert_err(init_with(&o), IOT_ERR_MQTT_TOPIC);
    o.will.topic = peer_topic("will");
    assert_err(init_with(&o), IOT_OK);
    o.will.qos = 3;
    assert_err(init_with(&o), IOT_ERR_ARG);
    memset(long_id, 'x', sizeof long_id - 1);
    o = good, o.client_id = long_id;
    assert_err(init_with(&o), IOT_ERR_SIZE);
    assert_err(iot_device_init_checked(&one.dev, NULL, sizeof one.dev, IOT_CONFIG_HASH),
               IOT_ERR_ARG);
    assert_err(iot_device_init_checked(NULL, &good, sizeof one.dev, IOT_CONFIG_HASH), IOT_ERR_ARG);
}

static void requests_outside_of_connect_and_close_are_refused(void **state)
{
    struct iot_msg msg = {.topic = peer_topic("x"), .payload = BYTES("x")};
    struct iot_filter f = {.filter = peer_topic("x")};
    struct iot_writer w;
    (void)state;

    peer_prepare(&one, "outside", broker.port);
    assert_err(iot_device_init(&one.dev, &one.options), IOT_OK);
    for (int round = 0; round < 2; round++) {
        assert_err(iot_mqtt_publish(&one.dev, &msg, NULL), IOT_ERR_STATE);
        assert_err(iot_mqtt_begin(&one.dev, &msg, 1, &w), IOT_ERR_STATE);
        assert_err(iot_mqtt_subscribe(&one.dev, &f, NULL), IOT_ERR_STATE);
        assert_err(iot_mqtt_unsubscribe(&one.dev, &f.filter, NULL), IOT_ERR_STATE);
        assert_err(iot_device_close(&one.dev, 0), IOT_ERR_STATE);
        assert_true(iot_device_idle(&one.dev));
        assert_false(iot_device_connected(&one.dev));
        assert_int_equal(iot_poll(&one.dev, peer_clock_ms()), IOT_MS_NEVER);
        if (round == 0) {
            peer_begin(&one);
            assert_err(iot_device_connect(&one.dev), IOT_ERR_STATE);
            UNTIL(iot_device_connected(&one.dev));
            peer_close(&one);
        }
    }
}

static void bad_requests_are_refused_by_name(void **state)
{
    static char long_filter[IOT_MQTT_CONTROL_BYTES];
    struct iot_msg good = {.topic = peer_topic("a"), .payload = BYTES("x")}, msg;
    struct iot_filter f = {.filter = peer_topic("a")};
    (void)state;

    peer_prepare(&one, "bad-requests", broker.port);
    peer_connect(&one);
    msg = good, msg.qos = 3;
    assert_err(iot_mqtt_publish(&one.dev, &msg, NULL), IOT_ERR_ARG);
    msg = good, msg.topic = peer_topic("a/+");
    assert_err(iot_mqtt_publish(&one.dev, &msg, NULL), IOT_ERR_MQTT_TOPIC);
    msg = good, msg.topic = peer_topic("");
    assert_err(iot_mqtt_publish(&one.dev, &msg, NULL), IOT_ERR_MQTT_TOPIC);
    msg = good, msg.payload = (struct iot_bytes){NULL, 1};
    assert_err(iot_mqtt_publish(&one.dev, &msg, NULL), IOT_ERR_ARG);
    f.qos = 3;
    assert_err(iot_mqtt_subscribe(&one.dev, &f, NULL), IOT_ERR_ARG);
    f.qos = 0, f.filter = peer_topic("a/#/b");
    assert_err(iot_mqtt_subscribe(&one.dev, &f, NULL), IOT_ERR_MQTT_TOPIC);
    memset(long_filter, 'x', sizeof long_filter - 1);
    long_filter[IOT_MQTT_CONTROL_BYTES - 9] = 0;
    f.filter = peer_topic(long_filter);
    assert_err(iot_mqtt_subscribe(&one.dev, &f, NULL), IOT_ERR_SIZE);
    long_filter[IOT_MQTT_CONTROL_BYTES - 10] = 0;
    peer_subscribed(&one, long_filter, 2); /* the longest there may be */
    assert_true(iot_device_idle(&one.dev));
    peer_close(&one);
}

/* ---- Time -------------------------------------------------------------------------------- */

/* A stream that counts how often it is asked, over the library's own TCP. */
struct counting_stream {
    struct iot_stream base;
    struct iot_tcp tcp;
    uint32_t calls;
};

static struct counting_stream counting;

static struct iot_stream *below(void)
{
    counting.tcp.base.wake = counting.base.wake;
    counting.calls++;
    return &counting.tcp.base;
}

static iot_err c_open(struct iot_stream *s, const struct iot_endpoint *to, iot_time now)
{
    struct iot_stream *t = below();
    (void)s;
    return t->ops->open(t, to, now);
}

static iot_err c_poll(struct iot_stream *s, iot_time now)
{
    struct iot_stream *t = below();
    (void)s;
    return t->ops->poll(t, now);
}

static iot_err c_read(struct iot_stream *s, uint8_t *into, uint32_t cap, uint32_t *got)
{
    struct iot_stream *t = below();
    (void)s;
    return t->ops->read(t, into, cap, got);
}

static iot_err c_write(struct iot_stream *s, struct iot_bytes bytes, enum iot_stream_write_flag how,
                       iot_time now, uint32_t *taken)
{
    struct iot_stream *t = below();
    (void)s;
    return t->ops->write(t, bytes, how, now, taken);
}

static void c_flush(struct iot_stream *s)
{
    struct iot_stream *t = below();
    (void)s;
    t->ops->flush(t);
}

static uint32_t c_released(const struct iot_stream *s)
{
    (void)s;
    counting.calls++;
    return counting.tcp.base.ops->released(&counting.tcp.base);
}

static void c_close(struct iot_stream *s, iot_time deadline)
{
    struct iot_stream *t = below();
    (void)s;
    t->ops->close(t, deadline);
}

static void c_abort(struct iot_stream *s)
{
    struct iot_stream *t = below();
    (void)s;
    t->ops->abort(t);
}

static iot_time c_deadline(const struct iot_stream *s)
{
    (void)s;
    return counting.tcp.base.ops->deadline(&counting.tcp.base);
}

static bool c_idle(const struct iot_stream *s)
{
    (void)s;
    return counting.tcp.base.ops->idle(&counting.tcp.base);
}

static int32_t c_detail(const struct iot_stream *s)
{
    (void)s;
    return counting.tcp.base.ops->detail(&counting.tcp.base);
}

static const struct iot_stream_ops counting_ops = {
    .open = c_open,
    .poll = c_poll,
    .read = c_read,
    .write = c_write,
    .flush = c_flush,
    .released = c_released,
    .close = c_close,
    .abort = c_abort,
    .deadline = c_deadline,
    .idle = c_idle,
    .detail = c_detail,
};

static void an_idle_tick_asks_nobody_and_sleep_says_what_poll_would(void **state)
{
    (void)state;
    memset(&counting, 0, sizeof counting);
    counting.base.ops = &counting_ops;
    iot_tcp_init(&counting.tcp);
    peer_prepare(&one, "idle", broker.port);
    one.options.stream = &counting.base;
    one.options.keepalive_s = 40; /* PINGREQ after 30 s */
    peer_connect(&one);
    UNTIL(iot_device_idle(&one.dev));

    uint32_t now = peer_clock_ms(), calls = counting.calls;
    uint32_t sleep = iot_poll(&one.dev, now);
    assert_in_range(sleep, 1, 30000);
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(iot_sleep_ms(&one.dev, now + i), sleep - i);
        assert_int_equal(iot_poll(&one.dev, now + i), sleep - i);
    }
    assert_int_equal(counting.calls, calls);
    /* A clock that an interrupt set back between two reads is no time at all. */
    assert_int_equal(iot_poll(&one.dev, now + 98), sleep - 99);
    assert_int_equal(iot_sleep_ms(&one.dev, now + 98), sleep - 99);

    struct iot_msg msg = {.topic = peer_topic("idle"), .payload = BYTES("x")};
    assert_err(peer_try_publish(&one, &msg, NULL), IOT_OK);
    assert_int_equal(iot_sleep_ms(&one.dev, now + 100), 0);
    assert_false(iot_device_idle(&one.dev));
    UNTIL(peer_all_ended(&one) && iot_device_idle(&one.dev));
    assert_true(counting.calls > calls);
    peer_close(&one);
}

static void a_quiet_minute_costs_a_few_ticks_and_a_ping(void **state)
{
    uint32_t ticks = 0, start;
    (void)state;

    peer_prepare(&one, "quiet", broker.port);
    one.options.keepalive_s = 8; /* PINGREQ after 6 s */
    peer_connect(&one);
    start = peer_clock_ms();
    while (peer_clock_ms() - start < 60000) {
        uint32_t sleep = iot_poll(&one.dev, peer_clock_ms());
        ticks++;
        assert_true(sleep <= 10000);
        /* After a PINGREQ the answer is waited for in real time, or it would come late. */
        if (one.dev.mqtt.session.watch.ping_deadline != IOT_TIME_NEVER)
            UNTIL(one.dev.mqtt.session.watch.ping_deadline == IOT_TIME_NEVER);
        else
            peer_clock_skip(sleep);
        host_turn(0);
    }
    assert_int_equal(one.kinds[IOT_EV_LOST], 0);
    assert_true(ticks < 60);
    peer_close(&one);
}

static void a_close_after_a_long_sleep_has_its_full_time_to_drain(void **state)
{
    (void)state;
    peer_prepare(&one, "late-close", broker.port);
    peer_connect(&one);
    UNTIL(iot_device_idle(&one.dev));
    peer_clock_skip(20000); /* asleep, then a button: nobody polled in between */
    iot_ticket t = peer_publish(&one, "late/close", "x", 1, 0);
    assert_err(iot_device_close(&one.dev, 3000), IOT_OK);
    UNTIL(one.kinds[IOT_EV_CLOSED] == 1);
    assert_err(peer_result(&one, t), IOT_OK);
    peer_check_over(&one);
}

static void messages_accepted_before_the_link_is_up_go_out_in_order(void **state)
{
    (void)state;
    peer_prepare(&two, "early-in", broker.port);
    peer_connect(&two);
    peer_subscribed(&two, "early/+", 2);
    peer_prepare(&one, "early-out", broker.port);
    peer_begin(&one);
    for (uint8_t i = 0; i < 9; i++)
        peer_publish(&one, "early/x", (const char *[]){"0", "1", "2"}[i % 3], i / 3, 0);
    assert_false(iot_device_idle(&one.dev));
    UNTIL(two.inbox_count == 9 && peer_all_ended(&one));
    for (uint32_t i = 0; i < 9; i++) {
        assert_int_equal(two.inbox[i].text[0] - '0', i % 3);
        assert_int_equal(two.inbox[i].qos, i / 3);
    }
    peer_close(&one);
    peer_close(&two);
}

/* ---- Chance ------------------------------------------------------------------------------ */

static uint32_t random_asked;
static iot_err random_says;

static iot_err slow_random(void *ctx, void *into, uint32_t n)
{
    (void)ctx;
    if (++random_asked < 4)
        return IOT_ERR_AGAIN;
    memset(into, 7, n);
    return random_says;
}

static void a_slow_source_of_chance_is_waited_for_and_a_broken_one_does_not_cost_the_link(
    void **state)
{
    struct iot_port port = {.random = slow_random};
    (void)state;

    for (int broken = 0; broken < 2; broken++) {
        random_asked = 0;
        random_says = broken ? IOT_ERR_RANDOM : IOT_OK;
        peer_prepare(&one, "chance", broker.port);
        one.options.port_ops = &port;
        peer_begin(&one);
        uint32_t sleep = iot_poll(&one.dev, peer_clock_ms());
        assert_in_range(sleep, 1, 1000);
        assert_int_equal(one.event_count, 0);
        UNTIL_FAST(iot_device_connected(&one.dev));
        assert_int_equal(random_asked, 4);
        peer_close(&one);
    }
}

/* ---- Main -------------------------------------------------------------------------------- */

static int setup(void **state)
{
    return peer_broker_group_setup(&broker, state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PEER_TEST(every_call_is_harmless_inside_every_event_and_handler),
        PEER_TEST(the_device_can_be_closed_inside_every_event_and_handler),
        PEER_TEST(a_closed_device_can_be_connected_again_from_its_last_event),
        PEER_TEST(a_device_that_does_not_reconnect_can_be_told_to_inside_the_loss),
        PEER_TEST(a_handler_can_replace_itself),
        PEER_TEST(a_handler_that_unsubscribes_all_is_the_last_to_be_called),
        PEER_TEST(a_full_message_table_refuses_changes_nothing_and_recovers),
        PEER_TEST(a_full_ring_refuses_changes_nothing_and_recovers),
        PEER_TEST(a_full_subscription_table_refuses_and_a_slot_comes_back_with_unsuback),
        PEER_TEST(a_burst_larger_than_the_acknowledgement_pool_is_taken_in_order),
        PEER_TEST(more_qos_2_than_can_be_remembered_come_through_in_pieces),
        PEER_TEST(what_was_declined_is_offered_again_and_the_order_stays),
        PEER_TEST(an_echo_application_loses_nothing_to_a_full_ring),
        PEER_TEST(a_library_built_otherwise_is_refused_and_nothing_is_touched),
        PEER_TEST(options_that_cannot_work_are_refused_by_name),
        PEER_TEST(requests_outside_of_connect_and_close_are_refused),
        PEER_TEST(bad_requests_are_refused_by_name),
        PEER_TEST(an_idle_tick_asks_nobody_and_sleep_says_what_poll_would),
        PEER_TEST(a_quiet_minute_costs_a_few_ticks_and_a_ping),
        PEER_TEST(a_close_after_a_long_sleep_has_its_full_time_to_drain),
        PEER_TEST(messages_accepted_before_the_link_is_up_go_out_in_order),
        PEER_TEST(a_slow_source_of_chance_is_waited_for_and_a_broken_one_does_not_cost_the_link),
    };
    return cmocka_run_group_tests(tests, setup, peer_broker_group_teardown);
}

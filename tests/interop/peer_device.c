/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_device.h"

#include "heap_trap.h"
#include "host/host_child.h"
#include "host/host_dns.h"
#include "host/host_loop.h"
#include "host/host_net.h"
#include "iot_port_unix.h"
#include "peer_server.h"

#include "lwip/opt.h"
#include "lwip/tcp.h"

#define WAIT_MAX_MS  30000u
#define ZEROS_MAX    3000u
#define FAST_STEP_MS 50u

#if LWIP_IPV4
const char *const peer_loopback = "127.0.0.1";
#else
const char *const peer_loopback = "::1";
#endif

static struct peer_device *devices[PEER_DEVICES_MAX];

static const char *const kind_names[PEER_KINDS] = {
    "CONNECTING", "CONNECTED", "LOST",   "DONE",       "FAILED",   "SUBACK", "UNSUBACK", "MESSAGE",
    "SKIPPED",    "REPLY",     "NOTICE", "REGISTERED", "WRITABLE", "BUSY",   "CLOSED",
};

/* ---- Payloads ---------------------------------------------------------------------------- */

struct iot_bytes peer_payload(uint32_t n, uint32_t seed)
{
    static uint8_t room[8][65536];
    static uint32_t turn;
    uint8_t *at = room[turn++ % 8];

    assert_true(n <= sizeof room[0]);
    for (uint32_t i = 0; i < n; i++)
        at[i] = (uint8_t)(seed + i * 7 + (i >> 8));
    return (struct iot_bytes){at, n};
}

uint32_t peer_hash(struct iot_bytes b)
{
    uint32_t h = 2166136261u;

    for (uint32_t i = 0; i < b.len; i++)
        h = (h ^ b.ptr[i]) * 16777619u;
    return h;
}

bool peer_same(const struct peer_message *m, struct iot_bytes payload)
{
    return m != NULL && m->len == payload.len && m->hash == peer_hash(payload);
}

/* ---- The record -------------------------------------------------------------------------- */

static void show(const struct peer_device *p)
{
    uint32_t i = p->event_count > 60 ? p->event_count - 60 : 0;

    print_message("%s: phase %u, connected %d, %u events, %u messages\n", p->name,
                  (unsigned)p->dev.mqtt.phase, iot_device_connected(&p->dev),
                  (unsigned)p->event_count, (unsigned)p->inbox_count);
    for (; i < p->event_count && i < PEER_EVENTS_MAX; i++) {
        const struct peer_event *e = &p->events[i];
        print_message("  %-10s %s detail %d ticket %u delay %u code %u sp %d\n",
                      kind_names[e->kind], iot_err_name(e->err), (int)e->detail,
                      (unsigned)e->ticket, (unsigned)e->delay_ms, (unsigned)e->code,
                      e->session_present);
    }
}

/* Numbers of kept sessions begin anywhere. The last place serves all for which there is none: then peer_check_over fails. */
static struct peer_ticket *record(struct peer_device *p, iot_ticket ticket)
{
    for (uint32_t i = 0; i < PEER_TICKETS_MAX; i++) {
        struct peer_ticket *r = &p->tickets[(ticket + i) % PEER_TICKETS_MAX];
        if (!r->used) {
            r->used = true;
            r->ticket = ticket;
        }
        if (r->ticket == ticket)
            return r;
    }
    return &p->tickets[PEER_TICKETS_MAX - 1];
}

static const struct peer_ticket *recorded(const struct peer_device *p, iot_ticket ticket)
{
    static const struct peer_ticket none;

    for (uint32_t i = 0; i < PEER_TICKETS_MAX; i++) {
        const struct peer_ticket *r = &p->tickets[(ticket + i) % PEER_TICKETS_MAX];
        if (!r->used || r->ticket == ticket)
            return r->used ? r : &none;
    }
    return &none;
}

static void note_message(struct peer_device *p, const struct iot_msg *msg, bool by_handler)
{
    if (p->inbox_count == PEER_INBOX_MAX)
        return;
    struct peer_message *m = &p->inbox[p->inbox_count++];
    uint32_t n = msg->topic.len < sizeof m->topic ? msg->topic.len : (uint32_t)sizeof m->topic - 1;
    memset(m, 0, sizeof *m);
    memcpy(m->topic, msg->topic.text, n);
    n = msg->payload.len < sizeof m->text ? msg->payload.len : (uint32_t)sizeof m->text - 1;
    if (n != 0)
        memcpy(m->text, msg->payload.ptr, n);
    m->len = msg->payload.len;
    m->hash = peer_hash(msg->payload);
    m->qos = msg->qos;
    m->flags = msg->flags;
    m->by_handler = by_handler;
}

static bool is_end(const struct iot_event *ev)
{
    return ev->kind == IOT_EV_DONE || ev->kind == IOT_EV_FAILED || ev->kind == IOT_EV_REPLY ||
           (ev->kind == IOT_EV_NOTICE && ev->ticket != 0);
}

/* No assertion in here: a jump out of iot_poll would leave the device in the middle of a tick. */
static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    struct peer_device *p = ctx;
    (void)dev;

    p->kinds[ev->kind]++;
    if (p->event_count < PEER_EVENTS_MAX) {
        struct peer_event *e = &p->events[p->event_count++];
        e->kind = ev->kind;
        e->err = ev->err;
        e->detail = ev->detail;
        e->ticket = ev->ticket;
        e->delay_ms = ev->delay_ms;
        e->code = ev->code;
        e->session_present = ev->session_present;
    }
    if (is_end(ev)) {
        struct peer_ticket *of = record(p, ev->ticket);
        of->ends++;
        of->result = ev->err;
    }
    if (ev->kind == IOT_EV_MESSAGE)
        note_message(p, ev->msg, false);
    if (p->also != NULL)
        p->also(p, ev);
}

iot_err peer_on_message(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    struct peer_device *p = ctx;
    iot_err err = p->verdict != NULL ? p->verdict(p, msg) : IOT_OK;
    (void)dev;

    if (err != IOT_ERR_AGAIN)
        note_message(p, msg, true);
    return err;
}

/* ---- Turning ----------------------------------------------------------------------------- */

static uint32_t tick_all(void)
{
    uint32_t wait = IOT_MS_NEVER;

    for (uint32_t i = 0; i < PEER_DEVICES_MAX; i++) {
        struct peer_device *p = devices[i];
        if (p == NULL || p->asleep)
            continue;
        uint32_t ms = iot_poll(&p->dev, peer_clock_ms());
        p->zeros = ms == 0 ? p->zeros + 1 : 0;
        if (p->zeros > ZEROS_MAX) {
            show(p);
            fail_msg("%s: iot_poll returned 0 for %u times in a row", p->name, ZEROS_MAX);
        }
        wait = ms < wait ? ms : wait;
    }
    return wait;
}

void peer_turn(void)
{
    host_turn(tick_all());
}

void peer_turn_fast(void)
{
    uint32_t wait = tick_all();

    host_turn(wait != 0 ? 1 : 0);
    peer_clock_skip(wait < FAST_STEP_MS ? wait : FAST_STEP_MS);
}

void peer_pass_fast(uint32_t ms)
{
    uint32_t start = peer_clock_ms();

    while (peer_clock_ms() - start < ms)
        peer_turn_fast();
}

struct peer_wait peer_wait_begin(const char *what, const char *file, int line)
{
    return (struct peer_wait){what, file, line, host_clock_ms() + WAIT_MAX_MS};
}

void peer_wait_check(const struct peer_wait *w)
{
    if (host_clock_ms() < w->end_ms)
        return;
    for (uint32_t i = 0; i < PEER_DEVICES_MAX; i++)
        if (devices[i] != NULL)
            show(devices[i]);
    print_message("%s:%d: waited in vain for: %s\n", w->file, w->line, w->what);
    _fail(w->file, w->line);
}

/* ---- The wire ---------------------------------------------------------------------------- */

static uint32_t resets_sent;

static bool note_reset(void *ctx, enum host_way way, const uint8_t *frame, uint32_t len)
{
    bool v4 = len > 14 + 20 && frame[12] == 0x08 && frame[13] == 0x00 && frame[14 + 9] == 6;
    bool v6 = len > 14 + 40 && frame[12] == 0x86 && frame[13] == 0xdd && frame[14 + 6] == 6;
    uint32_t flags = v4 ? 14u + (frame[14] & 15u) * 4u + 13u : 14u + 40u + 13u;
    (void)ctx;

    if (way == HOST_OUT && (v4 || v6) && flags < len && (frame[flags] & 4) != 0)
        resets_sent++;
    return true;
}

void peer_watch_resets(void)
{
    resets_sent = 0;
    host_on_frame(note_reset, NULL);
}

uint32_t peer_resets_sent(void)
{
    return resets_sent;
}

/* ---- Group and test ---------------------------------------------------------------------- */

int peer_group_setup(void **state)
{
    (void)state;
    if (!host_init(NULL))
        return -1;
    /* Router solicitation and the like go their way before the first test. */
    for (int i = 0; i < 3; i++)
        host_turn(1);
    heap_trap_on();
    return 0;
}

int peer_group_teardown(void **state)
{
    (void)state;
    heap_trap_off();
    return 0;
}

void peer_leave(struct peer_device *p)
{
    p->joined = false;
    for (uint32_t i = 0; i < PEER_DEVICES_MAX; i++)
        if (devices[i] == p)
            devices[i] = NULL;
}

int peer_test_teardown(void **state)
{
    (void)state;
    host_dns_answer(NULL, NULL);
    host_on_frame(NULL, NULL);
    host_link(true);
    peer_server_stop_all();
    for (uint32_t i = 0; i < PEER_DEVICES_MAX; i++) {
        struct peer_device *p = devices[i];
        if (p == NULL)
            continue;
        p->dev.tcp.base.ops->abort(&p->dev.tcp.base);
        /* lwIP may still hold a name request: its answer must not find other memory. */
        for (int n = 0; n < 1000 && !p->dev.tcp.base.ops->idle(&p->dev.tcp.base); n++) {
            host_turn(1);
            peer_clock_skip(FAST_STEP_MS);
        }
        peer_leave(p);
    }
    return 0;
}

/* ---- One device -------------------------------------------------------------------------- */

void peer_prepare(struct peer_device *p, const char *name, uint16_t port)
{
    assert_false(p->joined);
    memset(p, 0, sizeof *p);
    p->name = name;
    p->options.host = host_reachable(peer_loopback);
    p->options.port = port;
    p->options.client_id = name;
    p->options.keepalive_s = 60;
    p->options.on_event = on_event;
    p->options.ctx = p;
    p->options.port_ops = &iot_port_unix;
}

static void join(struct peer_device *p)
{
    for (uint32_t i = 0; i < PEER_DEVICES_MAX; i++) {
        if (devices[i] == NULL) {
            devices[i] = p;
            p->joined = true;
            return;
        }
    }
    fail_msg("too many devices");
}

void peer_begin(struct peer_device *p)
{
    assert_err(iot_device_init(&p->dev, &p->options), IOT_OK);
    join(p);
    assert_err(iot_device_connect(&p->dev), IOT_OK);
}

void peer_connect(struct peer_device *p)
{
    peer_begin(p);
    UNTIL(iot_device_connected(&p->dev));
}

/* A rest for an update is none. */
static uint32_t losses_of(const struct peer_device *p)
{
    uint32_t n = p->kinds[IOT_EV_LOST];

    for (uint32_t i = 0; i < p->event_count; i++)
        n -= p->events[i].kind == IOT_EV_LOST && p->events[i].err == IOT_ERR_OTA_ROOM;
    return n;
}

void peer_check_over(struct peer_device *p)
{
    struct iot_pool_use use;

    for (uint32_t i = 0; i < PEER_TICKETS_MAX; i++)
        if (p->tickets[i].ends != (p->tickets[i].accepted ? 1 : 0)) {
            show(p);
            fail_msg("%s: ticket %u ended %u times", p->name, (unsigned)p->tickets[i].ticket,
                     (unsigned)p->tickets[i].ends);
        }
    for (uint32_t i = 0; iot_device_pool(&p->dev, i, &use); i++)
        if (use.used != 0 || use.high > use.max)
            fail_msg("%s: pool %s is at %u, was at %u of %u", p->name, use.name, (unsigned)use.used,
                     (unsigned)use.high, (unsigned)use.max);
    assert_true(iot_device_idle(&p->dev));
    if (!p->asks) {
        assert_int_equal(iot_device_counters(&p->dev)->sent_messages, p->kinds[IOT_EV_DONE]);
        assert_int_equal(iot_device_counters(&p->dev)->failed_messages, p->kinds[IOT_EV_FAILED]);
    }
    assert_int_equal(iot_device_counters(&p->dev)->losses, losses_of(p));
    assert_int_equal(iot_device_counters(&p->dev)->connects, p->kinds[IOT_EV_CONNECTED]);
    assert_int_equal(iot_device_counters(&p->dev)->skipped_messages, p->kinds[IOT_EV_SKIPPED]);
}

void peer_close(struct peer_device *p)
{
    uint32_t closed = p->kinds[IOT_EV_CLOSED];

    assert_err(iot_device_close(&p->dev, 5000), IOT_OK);
    UNTIL(p->kinds[IOT_EV_CLOSED] != closed);
    assert_int_equal(p->kinds[IOT_EV_CLOSED], closed + 1);
    assert_int_equal(p->events[p->event_count - 1].kind, IOT_EV_CLOSED);
    peer_check_over(p);
    peer_leave(p);
}

uint16_t peer_local_port(const struct peer_device *p)
{
    return p->dev.tcp.pcb != NULL ? p->dev.tcp.pcb->local_port : 0;
}

struct iot_topic peer_topic(const char *text)
{
    return (struct iot_topic){text, (uint16_t)strlen(text), 0};
}

void peer_accepted(struct peer_device *p, iot_ticket ticket)
{
    record(p, ticket)->accepted = true;
}

iot_err peer_try_publish(struct peer_device *p, const struct iot_msg *msg, iot_ticket *ticket)
{
    iot_ticket t = 0;
    iot_err err = iot_mqtt_publish(&p->dev, msg, &t);

    if (err == IOT_OK)
        peer_accepted(p, t);
    if (ticket != NULL)
        *ticket = t;
    return err;
}

iot_ticket peer_publish_bytes(struct peer_device *p, const char *topic, struct iot_bytes payload,
                              uint8_t qos, uint8_t flags)
{
    struct iot_msg msg = {
        .topic = peer_topic(topic), .payload = payload, .qos = qos, .flags = flags};
    iot_ticket ticket;

    assert_err(peer_try_publish(p, &msg, &ticket), IOT_OK);
    return ticket;
}

iot_ticket peer_publish(struct peer_device *p, const char *topic, const char *payload, uint8_t qos,
                        uint8_t flags)
{
    return peer_publish_bytes(p, topic, text_bytes(payload), qos, flags);
}

iot_ticket peer_subscribe(struct peer_device *p, const char *filter, uint8_t qos)
{
    struct iot_filter f = {
        .filter = peer_topic(filter), .qos = qos, .on_message = peer_on_message, .ctx = p};
    iot_ticket ticket = 0;

    assert_err(iot_mqtt_subscribe(&p->dev, &f, &ticket), IOT_OK);
    return ticket;
}

void peer_subscribed(struct peer_device *p, const char *filter, uint8_t qos)
{
    iot_ticket ticket = peer_subscribe(p, filter, qos);

    UNTIL(peer_last_for(p, IOT_EV_SUBACK, ticket) != NULL);
    assert_err(peer_last_for(p, IOT_EV_SUBACK, ticket)->err, IOT_OK);
    assert_int_equal(peer_last_for(p, IOT_EV_SUBACK, ticket)->code, qos);
}

bool peer_all_ended(const struct peer_device *p)
{
    for (uint32_t i = 0; i < PEER_TICKETS_MAX; i++)
        if (p->tickets[i].accepted && p->tickets[i].ends == 0)
            return false;
    return true;
}

bool peer_ended(const struct peer_device *p, iot_ticket ticket)
{
    return recorded(p, ticket)->ends != 0;
}

iot_err peer_result(const struct peer_device *p, iot_ticket ticket)
{
    assert_int_equal(recorded(p, ticket)->ends, 1);
    return recorded(p, ticket)->result;
}

const struct peer_event *peer_last(const struct peer_device *p, enum iot_event_kind kind)
{
    for (uint32_t i = p->event_count; i-- > 0;)
        if (p->events[i].kind == kind)
            return &p->events[i];
    return NULL;
}

const struct peer_event *peer_last_for(const struct peer_device *p, enum iot_event_kind kind,
                                       iot_ticket ticket)
{
    for (uint32_t i = p->event_count; i-- > 0;)
        if (p->events[i].kind == kind && p->events[i].ticket == ticket)
            return &p->events[i];
    return NULL;
}

uint32_t peer_count_of(const struct peer_device *p, const char *topic)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < p->inbox_count; i++)
        n += strcmp(p->inbox[i].topic, topic) == 0;
    return n;
}

const struct peer_message *peer_last_of(const struct peer_device *p, const char *topic)
{
    for (uint32_t i = p->inbox_count; i-- > 0;)
        if (strcmp(p->inbox[i].topic, topic) == 0)
            return &p->inbox[i];
    return NULL;
}

struct iot_pool_use peer_pool(const struct peer_device *p, const char *name)
{
    struct iot_pool_use use;

    for (uint32_t i = 0; iot_device_pool(&p->dev, i, &use); i++)
        if (strcmp(use.name, name) == 0)
            return use;
    fail_msg("no pool named %s", name);
    return use;
}

void peer_expect_lost(struct peer_device *p, uint32_t losses, iot_err err, bool fast)
{
    if (fast)
        UNTIL_FAST(p->kinds[IOT_EV_LOST] > losses);
    else
        UNTIL(p->kinds[IOT_EV_LOST] > losses);
    assert_int_equal(p->kinds[IOT_EV_LOST], losses + 1);
    const struct peer_event *e = peer_last(p, IOT_EV_LOST);
    if (e->err != err)
        show(p);
    assert_err(e->err, err);
    int32_t detail;
    assert_err(iot_device_last_reason(&p->dev, &detail), err);
    assert_int_equal(detail, e->detail);
}

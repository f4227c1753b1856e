/* SPDX-License-Identifier: Apache-2.0 */
/* The net of the world, seen by a device at work on it: each kind of fault happens, is counted, and can be
 * had again from the same seed. The broker here only says yes. */
#include "scenario.h"

#include "world/world_board.h"
#include "world/world_clock.h"
#include "world/world_dns.h"
#include "world/world_loop.h"
#include "world/world_lwip.h"
#include "world/world_trace.h"
#include "world/world_wire.h"

#include "iot/iot_static.h"

#include "lwip/memp.h"
#include "lwip/netif.h"
#include "lwip/tcp.h"

#define HOST       "broker.world"
#define MESSAGES   30u
#define PATIENCE   (30u * 60000u)
#define PERCENT(n) ((n) * 10000u)

/* ---- A broker that says yes -------------------------------------------------------------- */

struct link {
    uint32_t len;
    uint8_t bytes[4096];
};

static struct {
    struct link links[64];
    uint32_t link_count, connects, publishes;
    bool seen[4096]; /* the number in the payload */
} broker;

static void answer(struct tcp_pcb *pcb, const uint8_t *packet, uint32_t at)
{
    uint8_t reply[4] = {0};
    uint16_t n = 0;
    uint32_t topic = (uint32_t)packet[at] << 8 | packet[at + 1];

    switch (packet[0] >> 4) {
    case 1: /* CONNECT: CONNACK */
        broker.connects++;
        reply[0] = 0x20, reply[1] = 2, n = 4;
        break;
    case 3: /* PUBLISH QoS 1: PUBACK */
        assert_int_equal(packet[0] & 6, 2);
        broker.publishes++;
        broker.seen[packet[at + 2 + topic + 2] << 8 | packet[at + 2 + topic + 3]] = true;
        reply[0] = 0x40, reply[1] = 2, n = 4;
        memcpy(reply + 2, packet + at + 2 + topic, 2);
        break;
    case 12: /* PINGREQ: PINGRESP */
        reply[0] = 0xd0, n = 2;
        break;
    default:
        return;
    }
    assert_int_equal(tcp_write(pcb, reply, n, TCP_WRITE_FLAG_COPY), ERR_OK);
}

static void digest(struct link *l, struct tcp_pcb *pcb)
{
    uint32_t at = 0;

    for (;;) {
        uint32_t body = 0, head = 1;
        for (uint32_t shift = 0; at + head < l->len; shift += 7) {
            body |= (l->bytes[at + head] & 0x7fu) << shift;
            if ((l->bytes[at + head++] & 0x80) == 0)
                break;
        }
        if (head == 1 || at + head + body > l->len)
            break;
        answer(pcb, l->bytes + at, head);
        at += head + body;
    }
    l->len -= at;
    memmove(l->bytes, l->bytes + at, l->len);
}

static err_t broker_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct link *l = arg;
    (void)err;

    if (p == NULL) {
        tcp_recv(pcb, NULL);
        tcp_err(pcb, NULL);
        return tcp_close(pcb);
    }
    assert_true(l->len + p->tot_len <= sizeof l->bytes);
    l->len += pbuf_copy_partial(p, l->bytes + l->len, p->tot_len, 0);
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    digest(l, pcb);
    return ERR_OK;
}

static err_t broker_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct link *l = &broker.links[broker.link_count++ % COUNT(broker.links)];
    (void)arg;
    (void)err;

    l->len = 0;
    tcp_nagle_disable(pcb);
    tcp_arg(pcb, l);
    tcp_recv(pcb, broker_recv);
    return ERR_OK;
}

static void start_broker(void)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_V4);
    ip_addr_t ip;

    assert_true(ipaddr_aton(WORLD_CLOUD_ADDRESS, &ip));
    assert_int_equal(tcp_bind(pcb, &ip, 1883), ERR_OK);
    tcp_bind_netif(pcb, world_wire_cloud());
    tcp_accept(tcp_listen(pcb), broker_accept);
}

/* ---- A device ---------------------------------------------------------------------------- */

static struct {
    struct iot_device dev;
    struct world_board board;
    struct iot_port port;
    struct iot_options options;
    struct world_actor actor;
    uint32_t published, wanted, done, connects, losses, closes;
    iot_err reason; /* of the first loss that is waited for */
} lamp;

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    (void)ctx;
    (void)dev;
    world_trace("lamp: event %d, %s", (int)ev->kind, iot_err_name(ev->err));
    lamp.done += ev->kind == IOT_EV_DONE;
    lamp.connects += ev->kind == IOT_EV_CONNECTED;
    lamp.closes += ev->kind == IOT_EV_CLOSED;
    if (ev->kind == IOT_EV_LOST && lamp.losses++ == 0)
        lamp.reason = ev->err;
}

/* Messages are numbered, and all are filled with the same. */
static void publish_wanted(void)
{
    uint8_t payload[100];

    while (lamp.published < lamp.wanted) {
        memset(payload, 0x5a, sizeof payload);
        payload[0] = (uint8_t)(lamp.published >> 8);
        payload[1] = (uint8_t)lamp.published;
        struct iot_msg msg = {IOT_TOPIC("lamp/state"), {payload, sizeof payload}, 1, 0};
        if (iot_mqtt_publish(&lamp.dev, &msg, NULL) != IOT_OK)
            return;
        lamp.published++;
    }
}

static uint64_t tick_lamp(void *ctx, uint64_t now)
{
    (void)ctx;
    publish_wanted();
    uint32_t ms = iot_poll(&lamp.dev, (uint32_t)now);
    return ms == IOT_MS_NEVER ? WORLD_NEVER : now + ms;
}

static void init_lamp(void)
{
    world_board_port(&lamp.board, &lamp.port);
    lamp.options = (struct iot_options){.host = HOST,
                                        .netif = world_wire_dev(),
                                        .client_id = "lamp",
                                        .session = IOT_SESSION_KEEP,
                                        .keepalive_s = 60,
                                        .on_event = on_event,
                                        .port_ops = &lamp.port};
    assert_err(iot_device_init(&lamp.dev, &lamp.options), IOT_OK);
    assert_err(iot_device_connect(&lamp.dev), IOT_OK);
}

static void begin(void)
{
    start_broker();
    world_dns_name(HOST);
    world_board_start(&lamp.board, scenario_seed(), 0);
    init_lamp();
    lamp.actor.tick = tick_lamp;
    world_loop_add(&lamp.actor);
}

static bool is_away(void *ctx)
{
    (void)ctx;
    return !iot_device_connected(&lamp.dev);
}

static bool is_busy(void *ctx)
{
    (void)ctx;
    return !iot_device_connected(&lamp.dev) || lamp.done < lamp.wanted;
}

static bool no_loss(void *ctx)
{
    (void)ctx;
    return lamp.losses == 0;
}

static bool not_closed(void *ctx)
{
    (void)ctx;
    return lamp.closes == 0;
}

static void connect_lamp(void)
{
    assert_true(world_loop_while(is_away, NULL, PATIENCE));
}

/* `count` more messages arrive at the broker and are acknowledged. */
static void deliver(uint32_t count)
{
    uint32_t first = lamp.wanted;

    lamp.wanted += count;
    assert_true(world_loop_while(is_busy, NULL, PATIENCE));
    for (uint32_t i = first; i < lamp.wanted; i++)
        assert_true(broker.seen[i]);
}

static void assert_loss(iot_err err)
{
    lamp.losses = 0;
    lamp.reason = IOT_OK;
    assert_true(world_loop_while(no_loss, NULL, PATIENCE));
    assert_err(lamp.reason, err);
}

static uint64_t up_and_down(uint64_t (*of)(const struct world_lane_counts *c))
{
    return of(world_lane_counts(WORLD_UP)) + of(world_lane_counts(WORLD_DOWN));
}

/* ---- A quiet wire ------------------------------------------------------------------------ */

static void quiet(void)
{
    begin();
    connect_lamp();
    /* name there and back, SYN and back, CONNECT and back: 5 ms each */
    assert_in_range(world_age_ms(), 30, 31);
    deliver(MESSAGES);
    assert_int_equal(broker.publishes, MESSAGES);
    assert_int_equal(world_dns_questions(), 1);
    for (int way = 0; way < 2; way++) {
        const struct world_lane_counts *c = world_lane_counts((enum world_way)way);
        assert_true(c->sent > MESSAGES / 2 && c->bytes > 1000);
        assert_true(c->delivered + world_wire_load() >= c->sent);
        assert_int_equal(c->lost + c->duplicated + c->reordered + c->corrupted + c->cut + c->dead +
                             c->tail + c->refused + c->astray,
                         0);
    }
}

static void a_device_connects_and_publishes_over_a_quiet_wire(void **state)
{
    (void)state;
    scenario_run(quiet);
}

static void long_quiet(void)
{
    begin();
    connect_lamp();
    assert_true(world_ms() < 1ull << 32);
    assert_true(world_loop_until(world_ms() + 3600000u));
    assert_true(world_ms() > 1ull << 32);
    deliver(1);
    assert_int_equal(lamp.losses, 0);
    assert_int_equal(broker.connects, 1);
}

static void a_connection_outlives_the_wrap_of_the_counter(void **state)
{
    (void)state;
    scenario_run(long_quiet);
}

/* ---- Faults of the wire ------------------------------------------------------------------ */

static void set_both(const struct world_lane *lane)
{
    *world_lane(WORLD_UP) = *world_lane(WORLD_DOWN) = *lane;
}

static void storm(void)
{
    begin();
    set_both(&(struct world_lane){.rate_bps = 64000,
                                  .queue_ms_max = 2000,
                                  .delay_ms = 40,
                                  .jitter_ms = 30,
                                  .loss = PERCENT(5),
                                  .duplicate = PERCENT(5),
                                  .reorder = PERCENT(5),
                                  .corrupt = PERCENT(5)});
    deliver(300);
}

static void one_seed_is_one_trace_and_another_is_another(void **state)
{
    (void)state;
    uint64_t first = scenario_run_seed(storm, 7);
    assert_true(first == scenario_run_seed(storm, 7));
    assert_true(first != scenario_run_seed(storm, 8));
}

static uint64_t lost(const struct world_lane_counts *c)
{
    return c->lost;
}
static uint64_t duplicated(const struct world_lane_counts *c)
{
    return c->duplicated;
}
static uint64_t reordered(const struct world_lane_counts *c)
{
    return c->reordered;
}
static uint64_t corrupted(const struct world_lane_counts *c)
{
    return c->corrupted;
}

static void each_fault(void)
{
    const struct {
        struct world_lane lane;
        uint64_t (*of)(const struct world_lane_counts *c);
    } faults[] = {
        {{.queue_ms_max = 4000, .delay_ms = 5, .loss = PERCENT(20)}, lost},
        {{.queue_ms_max = 4000, .delay_ms = 5, .duplicate = PERCENT(50)}, duplicated},
        {{.queue_ms_max = 4000, .delay_ms = 5, .reorder = PERCENT(30)}, reordered},
        {{.queue_ms_max = 4000, .delay_ms = 5, .corrupt = PERCENT(20)}, corrupted},
    };

    begin();
    for (size_t i = 0; i < COUNT(faults); i++) {
        set_both(&faults[i].lane);
        deliver(100);
        for (size_t j = 0; j < COUNT(faults); j++)
            assert_int_equal(up_and_down(faults[j].of) != 0, j <= i);
        assert_true(up_and_down(faults[i].of) >= 5);
    }
    /* a flipped bit never reaches a payload: messages out of order or unknown would have shown */
    for (uint32_t i = lamp.wanted; i < COUNT(broker.seen); i++)
        assert_false(broker.seen[i]);
}

static void each_fault_of_the_wire_happens_and_messages_pass_it(void **state)
{
    (void)state;
    scenario_run(each_fault);
}

static void slow_line(void)
{
    begin();
    connect_lamp();
    world_lane(WORLD_UP)->rate_bps = 8000; /* a byte per ms */
    uint64_t from = world_ms(), bytes = world_lane_counts(WORLD_UP)->bytes;
    deliver(100);
    bytes = world_lane_counts(WORLD_UP)->bytes - bytes;
    assert_true(bytes > 100u * 116u);
    assert_true(world_ms() - from >= bytes);

    world_lane(WORLD_UP)->queue_ms_max = 1000;
    deliver(100);
    assert_true(world_lane_counts(WORLD_UP)->tail > 0);
}

static void a_rate_delays_and_its_queue_has_an_end(void **state)
{
    (void)state;
    scenario_run(slow_line);
}

static void cuts(void)
{
    begin();
    world_lane(WORLD_DOWN)->cut = true;
    assert_loss(IOT_ERR_DNS_TIMEOUT);
    world_wire_calm();
    connect_lamp();

    world_lane(WORLD_UP)->cut = true;
    assert_loss(IOT_ERR_MQTT_PING_TIMEOUT);
    assert_true(world_lane_counts(WORLD_UP)->cut > 0 && world_lane_counts(WORLD_DOWN)->cut > 0);
    assert_loss(IOT_ERR_TCP_TIMEOUT);
    world_wire_calm();
    connect_lamp();

    uint64_t dead = world_lane_counts(WORLD_UP)->dead;
    world_wire_link(false);
    assert_loss(IOT_ERR_MQTT_PING_TIMEOUT);
    assert_true(world_lane_counts(WORLD_UP)->dead > dead);
    world_wire_calm();
    connect_lamp();

    world_wire_admin(false);
    assert_loss(IOT_ERR_MQTT_PING_TIMEOUT);
    world_wire_calm();
    deliver(1);
}

static void nothing_passes_a_cut_a_dead_link_a_closed_interface(void **state)
{
    (void)state;
    scenario_run(cuts);
}

static void new_address(void)
{
    begin();
    deliver(1);
    lamp.losses = 0;
    world_wire_address(7);
    assert_true(world_loop_while(no_loss, NULL, 1000));
    assert_err(lamp.reason, IOT_ERR_TCP_ABORTED);
    deliver(1);
    assert_int_equal(ip4_addr4(netif_ip4_addr(world_wire_dev())), 7);
}

static void another_address_aborts_and_the_device_comes_back(void **state)
{
    (void)state;
    scenario_run(new_address);
}

/* ---- Names ------------------------------------------------------------------------------- */

static void dns_modes(void)
{
    world_dns_mode(WORLD_DNS_UNKNOWN, 0);
    begin();
    assert_loss(IOT_ERR_DNS_UNKNOWN);
    world_dns_mode(WORLD_DNS_FAILURE, 0);
    assert_loss(IOT_ERR_DNS_UNKNOWN);
    world_dns_mode(WORLD_DNS_SILENT, 0);
    assert_loss(IOT_ERR_DNS_TIMEOUT);
    world_dns_mode(WORLD_DNS_WRONG, 0);
    assert_loss(IOT_ERR_TCP_TIMEOUT);
    assert_true(world_lane_counts(WORLD_UP)->astray > 0);
    assert_int_equal(lamp.connects, 0);

    world_dns_mode(WORLD_DNS_SLOW, 1500);
    connect_lamp();
    assert_true(world_dns_questions() >= 5);
}

static void each_mood_of_the_name_server_has_its_error(void **state)
{
    (void)state;
    scenario_run(dns_modes);
}

static void other_name(void)
{
    begin();
    lamp.options.host = "Other.world";
    assert_loss(IOT_ERR_DNS_UNKNOWN);
    world_dns_name("other.world");
    connect_lamp();
}

static void a_name_is_known_when_it_was_given(void **state)
{
    (void)state;
    scenario_run(other_name);
}

/* ---- Time -------------------------------------------------------------------------------- */

static void frozen(void)
{
    begin();
    deliver(1);
    uint64_t before = world_ms();
    world_loop_freeze(20000);
    assert_int_equal(world_ms() - before, 20000);
    deliver(1);
    assert_int_equal(lamp.losses, 0);

    /* Half the messages are on the wire when it stands still: they have piled up behind it. */
    lamp.wanted += 10;
    assert_true(world_loop_until(world_ms() + 1));
    assert_true(world_wire_load() > 0);
    world_loop_freeze(90000);
    assert_true(world_wire_next() < world_ms());
    deliver(1);
}

static void a_loop_that_stood_still_goes_on(void **state)
{
    (void)state;
    scenario_run(frozen);
}

static uint64_t spin(void *ctx, uint64_t now)
{
    (void)ctx;
    return now;
}

static void spinning(void)
{
    static struct world_actor actor = {.tick = spin};

    scenario_expect_violations(1);
    world_loop_add(&actor);
    assert_false(world_loop_until(world_ms() + 1000));
    assert_int_equal(world_age_ms(), 0);
    assert_true(world_loop_turns() <= WORLD_TURNS_MAX + 1);
}

static void a_world_that_spins_is_stopped(void **state)
{
    (void)state;
    scenario_run(spinning);
}

static struct world_actor leaver, second;

static uint64_t leave_at_once(void *ctx, uint64_t now)
{
    (void)ctx;
    world_loop_remove(&leaver);
    world_loop_remove(&second);
    return now;
}

static uint64_t count_tick(void *ctx, uint64_t now)
{
    ++*(uint32_t *)ctx;
    return now + 100;
}

static void leaving(void)
{
    static uint32_t ticks_of_second, ticks_of_third;
    static struct world_actor third = {.tick = count_tick, .ctx = &ticks_of_third};

    leaver.tick = leave_at_once;
    second = (struct world_actor){.tick = count_tick, .ctx = &ticks_of_second};
    world_loop_add(&leaver);
    world_loop_add(&second);
    world_loop_add(&third);
    assert_true(world_loop_until(world_ms() + 1000));
    assert_int_equal(ticks_of_second, 0);
    assert_true(ticks_of_third >= 11);
}

static void an_actor_may_remove_itself_and_others(void **state)
{
    (void)state;
    scenario_run(leaving);
}

/* ---- Memory ------------------------------------------------------------------------------ */

static uint32_t refused_nth;

/* One life: connect, publish, close; the n-th allocation of it fails. */
static void live_once(uint32_t n)
{
    world_board_power_cut(&lamp.board);
    init_lamp();
    lamp.closes = lamp.losses = 0;
    uint32_t refused = world_famine_refused_all();
    world_famine_nth(n);
    deliver(2);
    refused_nth += world_famine_refused_all() - refused;
    world_famine_end();
    assert_err(iot_device_close(&lamp.dev, 5000), IOT_OK);
    assert_true(world_loop_while(not_closed, NULL, PATIENCE));
}

static void nth(void)
{
    begin();
    connect_lamp();
    assert_err(iot_device_close(&lamp.dev, 5000), IOT_OK);
    assert_true(world_loop_while(not_closed, NULL, PATIENCE));
    for (uint32_t n = 1; n <= 200; n++) {
        assert_true(world_loop_until(world_ms() + 61000)); /* until the name is forgotten */
        live_once(n);
        assert_int_equal(world_famine_refused_all(), refused_nth);
    }
    /* a life needs some 20 of them at least, and each was refused once */
    assert_in_range(refused_nth, 20, 200);
}

static void the_nth_allocation_is_refused_and_the_message_arrives(void **state)
{
    (void)state;
    scenario_run(nth);
}

static void hunger(void)
{
    begin();
    world_famine_set(PERCENT(20));
    deliver(200);
    for (int kind = 0; kind < WORLD_FAMINE_KINDS; kind++)
        if (kind != WORLD_FAMINE_NEW && kind != WORLD_FAMINE_CONNECT)
            assert_true(world_famine_refused((enum world_famine_kind)kind) > 0);

    world_famine_end();
    uint32_t refused = world_famine_refused_all();
    deliver(10);
    assert_int_equal(world_famine_refused_all(), refused);

    world_famine_pool(MEMP_PBUF_POOL, true);
    lamp.wanted++;
    assert_loss(IOT_ERR_MQTT_ACK_TIMEOUT);
    assert_true(world_lane_counts(WORLD_DOWN)->refused > 0);
    world_famine_pool(MEMP_PBUF_POOL, false);
    world_famine_pool(-1, true);
    lamp.wanted++;
    assert_true(world_loop_until(world_ms() + 1000));
    assert_true(lamp.done < lamp.wanted);
    world_famine_end();
    deliver(1);

    refused = world_famine_calls();
    world_famine_shield(1);
    deliver(10);
    world_famine_shield(-1);
    assert_int_equal(world_famine_calls(), refused);
}

static void a_famine_has_its_chance_its_pools_and_its_end(void **state)
{
    (void)state;
    scenario_run(hunger);
}

/* ---- The tap ----------------------------------------------------------------------------- */

static char life[256];
static uint32_t sent_bytes, heard_bytes;

static void note(const char *word)
{
    assert_true(strlen(life) + strlen(word) + 2 < sizeof life);
    strcat(strcat(life, word), " ");
}

static void note_resolving(void *ctx)
{
    (void)ctx;
    note("resolving");
}
static void note_connecting(void *ctx)
{
    (void)ctx;
    note("connecting");
}
static void note_connected(void *ctx)
{
    (void)ctx;
    note("connected");
}
static void note_eof(void *ctx)
{
    (void)ctx;
    note("eof");
}
static void note_closed(void *ctx)
{
    (void)ctx;
    note("closed");
}
static void note_sent(void *ctx, struct iot_bytes bytes)
{
    (void)ctx;
    if (sent_bytes == 0)
        assert_int_equal(bytes.ptr[0], 0x10);
    sent_bytes += bytes.len;
}
static void note_heard(void *ctx, struct iot_bytes bytes)
{
    (void)ctx;
    if (heard_bytes == 0)
        assert_int_equal(bytes.ptr[0], 0x20);
    heard_bytes += bytes.len;
}

static void tapped(void)
{
    static const struct world_tap_ops ops = {.resolving = note_resolving,
                                             .connecting = note_connecting,
                                             .connected = note_connected,
                                             .sent = note_sent,
                                             .heard = note_heard,
                                             .eof = note_eof,
                                             .closed = note_closed};
    /* neighbours in memory that say nothing */
    static struct iot_device others[3];
    for (size_t i = COUNT(others); i > 0; i--)
        world_tap(&others[i - 1], NULL, NULL);
    world_tap(&lamp.dev, &ops, NULL);
    begin();
    deliver(3);
    assert_string_equal(life, "resolving connecting connected ");
    assert_int_equal(heard_bytes, 4 + 3 * 4);
    assert_int_equal(sent_bytes, 2 + 10 + 2 + 4 + 3 * (2 + 2 + 10 + 2 + 100));
    assert_err(iot_device_close(&lamp.dev, 5000), IOT_OK);
    assert_true(world_loop_while(not_closed, NULL, PATIENCE));
    assert_string_equal(life, "resolving connecting connected eof closed ");

    life[0] = 0;
    init_lamp();
    connect_lamp();
    world_wire_address(9);
    assert_string_equal(life, "resolving connecting connected closed ");
    world_tap(&lamp.dev, NULL, NULL);
    connect_lamp();
    assert_string_equal(life, "resolving connecting connected closed ");
}

static void the_tap_tells_a_connection_s_life_in_order(void **state)
{
    (void)state;
    scenario_run(tapped);
}

/* ---- The board --------------------------------------------------------------------------- */

static void boards(void)
{
    static struct world_board a, b;
    struct iot_port pa, pb;
    uint8_t one[16], two[16];
    uint32_t len;
    int64_t wall;

    world_board_start(&a, scenario_seed(), 1);
    world_board_start(&b, scenario_seed(), 2);
    world_board_port(&a, &pa);
    world_board_port(&b, &pb);
    assert_err(pa.random(pa.ctx, one, sizeof one), IOT_OK);
    assert_err(pb.random(pb.ctx, two, sizeof two), IOT_OK);
    assert_memory_not_equal(one, two, sizeof one);
    a.random_again = 2;
    assert_err(pa.random(pa.ctx, one, 1), IOT_ERR_AGAIN);
    assert_err(pa.random(pa.ctx, one, 1), IOT_ERR_AGAIN);
    assert_err(pa.random(pa.ctx, one, 1), IOT_OK);
    a.random_broken = true;
    assert_err(pa.random(pa.ctx, one, 1), IOT_ERR_RANDOM);

    assert_err(pa.wall(pa.ctx, &wall), IOT_ERR_AGAIN);
    world_board_wall_set(&a, 1700000000);
    assert_true(world_loop_until(world_ms() + 2500));
    assert_err(pa.wall(pa.ctx, &wall), IOT_OK);
    assert_int_equal(wall, 1700000002);
    world_board_wall_forget(&a);
    assert_err(pa.wall(pa.ctx, &wall), IOT_ERR_AGAIN);

    assert_err(pa.kv_get(pa.ctx, "k", one, sizeof one, &len), IOT_ERR_STATE);
    assert_err(pa.kv_set(pa.ctx, "k", "old", 3), IOT_OK);
    assert_err(pa.kv_get(pa.ctx, "k", one, 2, &len), IOT_ERR_SIZE);
    assert_err(pa.kv_set(pa.ctx, "k23456789012345", "", 0), IOT_OK);
    assert_err(pa.kv_set(pa.ctx, "k234567890123456", "", 0), IOT_ERR_SIZE);
    assert_err(pa.kv_del(pa.ctx, "k23456789012345"), IOT_OK);
    a.kv_again = 1;
    assert_err(pa.kv_del(pa.ctx, "k"), IOT_ERR_AGAIN);
    for (char key[] = "a"; key[0] < 'h'; key[0]++)
        assert_err(pa.kv_set(pa.ctx, key, key, 1), IOT_OK);
    assert_err(pa.kv_set(pa.ctx, "z", "z", 1), IOT_ERR_FULL);
    a.kv_broken = true;
    assert_err(pa.kv_get(pa.ctx, "k", one, sizeof one, &len), IOT_ERR_KV);
    a.kv_broken = false;
    assert_err(pb.kv_get(pb.ctx, "k", one, sizeof one, &len), IOT_ERR_STATE);

    uint32_t stayed[2] = {0, 0};
    for (int i = 0; i < 40; i++) {
        assert_err(pa.kv_set(pa.ctx, "k", "old", 3), IOT_OK);
        a.kv_cut = 2;
        assert_err(pa.kv_set(pa.ctx, "a", "A", 1), IOT_OK);
        assert_err(pa.kv_set(pa.ctx, "k", "fresh", 5), IOT_ERR_KV);
        assert_true(a.power_gone);
        assert_err(pa.kv_get(pa.ctx, "k", one, sizeof one, &len), IOT_ERR_KV);
        world_board_power_cut(&a);
        assert_err(pa.kv_get(pa.ctx, "k", one, sizeof one, &len), IOT_OK);
        assert_bytes(((struct iot_bytes){one, len}), len == 3 ? BYTES("old") : BYTES("fresh"));
        stayed[len == 5]++;
    }
    assert_true(stayed[0] > 0 && stayed[1] > 0);
}

static void a_board_s_store_outlives_power_and_each_part_can_fail(void **state)
{
    (void)state;
    scenario_run(boards);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_connects_and_publishes_over_a_quiet_wire),
        cmocka_unit_test(a_connection_outlives_the_wrap_of_the_counter),
        cmocka_unit_test(one_seed_is_one_trace_and_another_is_another),
        cmocka_unit_test(each_fault_of_the_wire_happens_and_messages_pass_it),
        cmocka_unit_test(a_rate_delays_and_its_queue_has_an_end),
        cmocka_unit_test(nothing_passes_a_cut_a_dead_link_a_closed_interface),
        cmocka_unit_test(another_address_aborts_and_the_device_comes_back),
        cmocka_unit_test(each_mood_of_the_name_server_has_its_error),
        cmocka_unit_test(a_name_is_known_when_it_was_given),
        cmocka_unit_test(a_loop_that_stood_still_goes_on),
        cmocka_unit_test(a_world_that_spins_is_stopped),
        cmocka_unit_test(an_actor_may_remove_itself_and_others),
        cmocka_unit_test(the_nth_allocation_is_refused_and_the_message_arrives),
        cmocka_unit_test(a_famine_has_its_chance_its_pools_and_its_end),
        cmocka_unit_test(the_tap_tells_a_connection_s_life_in_order),
        cmocka_unit_test(a_board_s_store_outlives_power_and_each_part_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

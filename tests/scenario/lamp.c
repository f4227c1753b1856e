/* SPDX-License-Identifier: Apache-2.0 */
#include "lamp.h"

#include "world/world_dns.h"
#include "world/world_trace.h"
#include "world/world_wire.h"

#include "lwip/tcp.h"

#define PATIENCE (30u * 60000u)

/* ---- A broker that says yes -------------------------------------------------------------- */

struct link {
    uint32_t len;
    uint8_t bytes[4096];
};

struct broker broker;
static struct link links[64];
static uint32_t link_count;

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
    struct link *l = &links[link_count++ % COUNT(links)];
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

struct lamp lamp;

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
        struct iot_msg msg = {
            .topic = IOT_TOPIC("lamp/state"), .payload = {payload, sizeof payload}, .qos = 1};
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

void lamp_init(void)
{
    world_board_port(&lamp.board, &lamp.port);
    lamp.options = (struct iot_options){.host = LAMP_HOST,
                                        .netif = world_wire_dev(),
                                        .client_id = "lamp",
                                        .session = IOT_SESSION_KEEP,
                                        .keepalive_s = 60,
                                        .on_event = on_event,
                                        .port_ops = &lamp.port};
    assert_err(iot_device_init(&lamp.dev, &lamp.options), IOT_OK);
    assert_err(iot_device_connect(&lamp.dev), IOT_OK);
}

void lamp_begin(void)
{
    start_broker();
    world_dns_name(LAMP_HOST);
    world_board_start(&lamp.board, scenario_seed(), 0);
    lamp_init();
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

static bool has_no_loss(void *ctx)
{
    (void)ctx;
    return lamp.losses == 0;
}

static bool is_closing(void *ctx)
{
    (void)ctx;
    return lamp.closes == 0;
}

void lamp_connect(void)
{
    assert_true(world_loop_while(is_away, NULL, PATIENCE));
}

void lamp_deliver(uint32_t count)
{
    uint32_t first = lamp.wanted;

    lamp.wanted += count;
    assert_true(world_loop_while(is_busy, NULL, PATIENCE));
    for (uint32_t i = first; i < lamp.wanted; i++)
        assert_true(broker.seen[i]);
}

void lamp_loses(iot_err err)
{
    lamp.losses = 0;
    lamp.reason = IOT_OK;
    assert_true(world_loop_while(has_no_loss, NULL, PATIENCE));
    assert_err(lamp.reason, err);
}

void lamp_close(void)
{
    lamp.closes = 0;
    assert_err(iot_device_close(&lamp.dev, 5000), IOT_OK);
    assert_true(world_loop_while(is_closing, NULL, PATIENCE));
}

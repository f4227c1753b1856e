/* SPDX-License-Identifier: Apache-2.0 */
/* lwIP's own MQTT client (apps/mqtt) on the same paths, for comparison. Real pbufs; the tcp_*
 * functions it calls are faked and take everything. */
#include "bench.h"
#include "mark.h"

#include "lwip/apps/mqtt.h"
#include "lwip/apps/mqtt_priv.h"
#include "lwip/memp.h"
#include "lwip/pbuf.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"

#include <string.h>

#define WARM          3u
#define PUBLISH_TOPIC "home/room07/lamp2/get/rgb"
#define RECEIVE_TOPIC "home/room07/lamp2/set/rgb"
#define TOPIC_BYTES   25u
#define PAYLOAD_BYTES 64u
#define PACKET_BYTES  (4u + TOPIC_BYTES + PAYLOAD_BYTES)
#define BURST         20u

/* ---- A TCP that takes everything ----------------------------------------------------------- */

static struct tcp_pcb pcb;
static tcp_connected_fn connected;
static tcp_recv_fn received;
static tcp_sent_fn sent;
static uint32_t written;
static uint32_t watch; /* the span ends when so many more bytes have been offered */
const ip_addr_t ip_addr_any;
const ip_addr_t ip_addr_any_type;

struct tcp_pcb *tcp_new_ip_type(u8_t type)
{
    (void)type;
    pcb.snd_buf = 0xffff;
    return &pcb;
}

void tcp_arg(struct tcp_pcb *p, void *arg)
{
    p->callback_arg = arg;
}

void tcp_recv(struct tcp_pcb *p, tcp_recv_fn fn)
{
    (void)p;
    received = fn;
}

void tcp_sent(struct tcp_pcb *p, tcp_sent_fn fn)
{
    (void)p;
    sent = fn;
}

void tcp_err(struct tcp_pcb *p, tcp_err_fn fn)
{
    (void)p, (void)fn;
}

void tcp_poll(struct tcp_pcb *p, tcp_poll_fn fn, u8_t interval)
{
    (void)p, (void)fn, (void)interval;
}

err_t tcp_bind(struct tcp_pcb *p, const ip_addr_t *address, u16_t port)
{
    (void)p, (void)address, (void)port;
    return ERR_OK;
}

err_t tcp_connect(struct tcp_pcb *p, const ip_addr_t *address, u16_t port, tcp_connected_fn fn)
{
    (void)p, (void)address, (void)port;
    connected = fn;
    return ERR_OK;
}

err_t tcp_write(struct tcp_pcb *p, const void *bytes, u16_t len, u8_t flags)
{
    (void)p, (void)bytes, (void)flags;
    if (watch != 0) {
        watch -= len;
        if (watch == 0)
            mark_end();
    }
    written += len;
    return ERR_OK;
}

err_t tcp_output(struct tcp_pcb *p)
{
    (void)p;
    return ERR_OK;
}

void tcp_recved(struct tcp_pcb *p, u16_t len)
{
    (void)p, (void)len;
}

err_t tcp_close(struct tcp_pcb *p)
{
    (void)p;
    return ERR_OK;
}

void tcp_abort(struct tcp_pcb *p)
{
    (void)p;
}

void sys_timeout(u32_t ms, sys_timeout_handler handler, void *arg)
{
    (void)ms, (void)handler, (void)arg;
}

void sys_untimeout(sys_timeout_handler handler, void *arg)
{
    (void)handler, (void)arg;
}

/* ---- The application ----------------------------------------------------------------------- */

static struct mqtt_client_s client;
static uint32_t done, topics, messages;

static void on_done(void *arg, err_t err)
{
    (void)arg, (void)err;
    done++;
}

static void on_topic(void *arg, const char *topic, u32_t total)
{
    (void)arg, (void)topic, (void)total;
    topics++;
}

static void on_data(void *arg, const u8_t *data, u16_t len, u8_t flags)
{
    (void)arg, (void)data, (void)len;
    if (flags & MQTT_DATA_FLAG_LAST)
        messages++;
}

/* As the driver does: pbufs of the pool. */
static struct pbuf *segment(const uint8_t *bytes, uint32_t len)
{
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_POOL);

    if (p == NULL || pbuf_take(p, bytes, (u16_t)len) != ERR_OK)
        mark_fail("lwIP: no pbuf");
    return p;
}

static void connect_client(void)
{
    static const struct mqtt_connect_client_info_t info = {.client_id = "bench", .keep_alive = 60};
    static const uint8_t connack[] = {0x20, 2, 0, 0};
    static const ip_addr_t address;

    mqtt_set_inpub_callback(&client, on_topic, on_data, NULL);
    if (mqtt_client_connect(&client, &address, 1883, NULL, NULL, &info) != ERR_OK)
        mark_fail("lwIP: no connection");
    connected(&client, &pcb, ERR_OK);
    received(&client, &pcb, segment(connack, sizeof connack), ERR_OK);
    if (!mqtt_client_is_connected(&client))
        mark_fail("lwIP: not connected");
}

/* Its topics are C strings and never checked; it always copies. */
static void measure_publish(uint16_t len)
{
    static uint8_t payload[1024];
    uint32_t body = 2u + TOPIC_BYTES + len;
    uint32_t packet = (body < 128 ? 2u : 3u) + body;

    for (uint32_t i = 0; i <= WARM; i++) {
        /* All was sent, so this changes nothing but where the ring wraps: not within a message. */
        client.output.put = client.output.get = 0;
        if (i == WARM) {
            watch = packet;
            mark_begin();
        }
        if (mqtt_publish(&client, PUBLISH_TOPIC, payload, len, 0, 0, on_done, NULL) != ERR_OK)
            mark_fail("lwIP: a message is refused");
        sent(&client, &pcb, (u16_t)packet);
    }
    if (watch != 0)
        mark_fail("lwIP: the message was not sent whole");
    mark_name("lwip/publish/%u", (unsigned)len);
}

static void measure_receive(uint32_t count)
{
    static uint8_t bytes[BURST * PACKET_BYTES];

    for (uint32_t i = 0; i < count; i++) {
        uint8_t *at = bytes + i * PACKET_BYTES;
        *at++ = 0x30;
        *at++ = (uint8_t)(PACKET_BYTES - 2);
        *at++ = 0;
        *at++ = TOPIC_BYTES;
        memcpy(at, RECEIVE_TOPIC, TOPIC_BYTES);
        memset(at + TOPIC_BYTES, 'x', PAYLOAD_BYTES);
    }
    for (uint32_t i = 0; i <= WARM; i++) {
        struct pbuf *p = segment(bytes, count * PACKET_BYTES);
        topics = messages = 0;
        if (i == WARM)
            mark_begin();
        received(&client, &pcb, p, ERR_OK);
        if (i == WARM)
            mark_end();
    }
    if (topics != count || messages != count)
        mark_fail("lwIP: not all packets reached the application");
    mark_name("lwip/receive/%u", (unsigned)count);
}

void bench_lwip(void)
{
    memp_init();
    mem_init();
    connect_client();
    measure_publish(64);
    measure_publish(1024);
    if (done != 2 * (WARM + 1))
        mark_fail("lwIP: not every message is done");
    measure_receive(1);
    measure_receive(BURST);
}

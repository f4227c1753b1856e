/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include "host/host_slirp.h"

#include "lwip/etharp.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/tcpip.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define RING_MAX   64u
#define POLL_MAX   64u
#define WAIT_MS    100u
#define ETHER_MTU  1500
#define READ_BYTES 64u

struct frame {
    uint32_t len;
    uint8_t bytes[HOST_FRAME_MAX];
};

/* mutex: guards the ring and `over`. pipe: a byte for each time that the driver is to look up. */
static struct {
    struct netif netif;
    pthread_t driver;
    pthread_mutex_t mutex;
    int pipe[2];
    bool over;
    uint32_t first, count;
    struct frame ring[RING_MAX];
} wire = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void wake_driver(void)
{
    ssize_t n = write(wire.pipe[1], "", 1);
    (void)n; /* full: it is awake */
}

/* ---- From lwIP ---------------------------------------------------------------------------- */

static err_t send_frame(struct netif *netif, struct pbuf *p)
{
    uint32_t len = (uint32_t)p->tot_len - ETH_PAD_SIZE;
    (void)netif;

    LWIP_ASSERT_CORE_LOCKED();
    if (len > HOST_FRAME_MAX)
        return ERR_BUF;
    pthread_mutex_lock(&wire.mutex);
    if (wire.count < RING_MAX) { /* else lost, as in a full transmit ring */
        struct frame *f = &wire.ring[(wire.first + wire.count++) % RING_MAX];
        f->len = pbuf_copy_partial(p, f->bytes, (u16_t)len, ETH_PAD_SIZE);
    }
    pthread_mutex_unlock(&wire.mutex);
    wake_driver();
    return ERR_OK;
}

/* ---- The driver --------------------------------------------------------------------------- */

/* No lock is held: this is the one door into lwIP that wants none. */
static void on_frame(const uint8_t *bytes, uint32_t len)
{
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(len + ETH_PAD_SIZE), PBUF_POOL);

    if (p == NULL)
        return; /* lost; TCP sends it again */
    pbuf_take_at(p, bytes, (u16_t)len, ETH_PAD_SIZE);
    if (wire.netif.input(p, &wire.netif) != ERR_OK)
        pbuf_free(p);
}

static bool take_frame(struct frame *into)
{
    pthread_mutex_lock(&wire.mutex);
    bool any = wire.count > 0;
    if (any) {
        *into = wire.ring[wire.first];
        wire.first = (wire.first + 1) % RING_MAX;
        wire.count--;
    }
    pthread_mutex_unlock(&wire.mutex);
    return any;
}

static bool is_over(void)
{
    pthread_mutex_lock(&wire.mutex);
    bool over = wire.over;
    pthread_mutex_unlock(&wire.mutex);
    return over;
}

static void *drive(void *arg)
{
    static struct frame f;
    uint8_t bytes[READ_BYTES];
    (void)arg;

    while (!is_over()) {
        struct pollfd fds[1 + POLL_MAX] = {{wire.pipe[0], POLLIN, 0}};
        uint32_t wait_ms = WAIT_MS;
        uint32_t count = 1 + host_slirp_fill(fds + 1, POLL_MAX, &wait_ms);
        bool failed = poll(fds, count, (int)wait_ms) < 0;

        host_slirp_polled(failed);
        while (read(wire.pipe[0], bytes, sizeof bytes) > 0)
            ;
        while (take_frame(&f))
            host_slirp_input(f.bytes, f.len);
    }
    return NULL;
}

/* ---- Start and end ------------------------------------------------------------------------ */

static err_t start_netif(struct netif *netif)
{
    static const uint8_t mac[ETH_HWADDR_LEN] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x57};

    netif->name[0] = 'w';
    netif->name[1] = 'i';
    netif->mtu = ETHER_MTU;
    netif->hwaddr_len = ETH_HWADDR_LEN;
    memcpy(netif->hwaddr, mac, sizeof mac);
    netif->flags =
        NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
    netif->linkoutput = send_frame;
    netif->output = etharp_output;
    return ERR_OK;
}

bool wire_start(void)
{
    ip4_addr_t address, mask, gateway;

    IP4_ADDR(&address, 10, 0, 2, 15);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 10, 0, 2, 2);
    if (pipe2(wire.pipe, O_NONBLOCK | O_CLOEXEC) != 0 ||
        !host_slirp_open(true, false, TCP_MSS + 40, on_frame) ||
        netif_add(&wire.netif, &address, &mask, &gateway, NULL, start_netif, tcpip_input) == NULL)
        return false;
    netif_set_default(&wire.netif);
    netif_set_up(&wire.netif);
    return pthread_create(&wire.driver, NULL, drive, NULL) == 0;
}

void wire_stop(void)
{
    pthread_mutex_lock(&wire.mutex);
    wire.over = true;
    pthread_mutex_unlock(&wire.mutex);
    wake_driver();
    pthread_join(wire.driver, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* lwIP's side of the cable: the interface, and the queue of frames that wait for it. */
#include "host/host_net.h"

#include "host/host_dns.h"
#include "host/host_slirp.h"

#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "netif/ethernet.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#if !LWIP_DNS || !DNS_LOCAL_HOSTLIST
#error "the simulation needs lwIP built with -DLWIP_DNS=1 -DDNS_LOCAL_HOSTLIST=1"
#endif

/* More than a TCP window for each connection that fits MEMP_NUM_TCP_PCB: no loss by default. */
#define HOST_FRAMES_MAX  128
#define NO_PBUF_PAUSE_MS 5 /* wait for the application to eat, when lwIP's pool is empty */
#define ETHER_MTU        1500

struct frame {
    uint32_t len;
    uint8_t bytes[HOST_FRAME_MAX];
};

/* frames: a ring, `first` is the oldest of `count`. starved: lwIP had no pbuf for the oldest, so it
 * stays, as in the descriptor ring of a real Ethernet controller. */
static struct {
    struct netif netif;
    bool cable;
    bool starved;
    host_frame_hook hook;
    void *hook_ctx;
    uint32_t first, count;
    struct frame frames[HOST_FRAMES_MAX];
} host;

static bool passes(enum host_way way, const uint8_t *frame, uint32_t len)
{
    return host.cable && (host.hook == NULL || host.hook(host.hook_ctx, way, frame, len));
}

void host_frame_deliver(const uint8_t *frame, uint32_t len)
{
    if (len > HOST_FRAME_MAX || host.count == HOST_FRAMES_MAX || !passes(HOST_IN, frame, len))
        return;
    struct frame *f = &host.frames[(host.first + host.count) % HOST_FRAMES_MAX];
    f->len = len;
    memcpy(f->bytes, frame, len);
    host.count++;
}

static err_t send_frame(struct netif *netif, struct pbuf *p)
{
    uint8_t frame[HOST_FRAME_MAX], reply[HOST_FRAME_MAX];
    uint32_t reply_len;
    uint32_t len = (uint32_t)p->tot_len - ETH_PAD_SIZE;

    (void)netif;
    if (len > HOST_FRAME_MAX)
        return ERR_BUF;
    pbuf_copy_partial(p, frame, (u16_t)len, ETH_PAD_SIZE);
    if (!passes(HOST_OUT, frame, len))
        return ERR_OK; /* gone, and nobody knows: that is Ethernet */
    if (!host_dns_frame(frame, len, reply, sizeof reply, &reply_len))
        host_slirp_input(frame, len);
    else if (reply_len > 0)
        host_frame_deliver(reply, reply_len);
    return ERR_OK;
}

static err_t start_netif(struct netif *netif)
{
    static const uint8_t mac[ETH_HWADDR_LEN] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

    netif->name[0] = 's';
    netif->name[1] = 'l';
    netif->mtu = ETHER_MTU;
    netif->hwaddr_len = ETH_HWADDR_LEN;
    memcpy(netif->hwaddr, mac, sizeof mac);
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
                   NETIF_FLAG_IGMP | NETIF_FLAG_MLD6 | NETIF_FLAG_LINK_UP;
    netif->linkoutput = send_frame;
#if LWIP_NETIF_HOSTNAME
    netif->hostname = "lwlink";
#endif
#if LWIP_IPV4
    netif->output = etharp_output;
#endif
#if LWIP_IPV6
    netif->output_ip6 = ethip6_output;
#endif
    return ERR_OK;
}

/* A fixed address beside the one that router advertisements give: usable from the first packet,
 * without the second that duplicate address detection takes. Nobody else is on this cable. */
static void add_ip6_address(struct netif *netif)
{
#if LWIP_IPV6
    ip6_addr_t address;

    netif_create_ip6_linklocal_address(netif, 1);
    netif_ip6_addr_set_state(netif, 0, IP6_ADDR_PREFERRED);
    ip6addr_aton("fec0::15", &address);
    netif_ip6_addr_set(netif, 1, &address);
    netif_ip6_addr_set_state(netif, 1, IP6_ADDR_PREFERRED);
#else
    (void)netif;
#endif
}

static struct netif *add_netif(struct netif *netif, bool dhcp)
{
#if LWIP_IPV4
    ip4_addr_t address, mask, gateway;

    ip4_addr_set_zero(&address);
    ip4_addr_set_zero(&mask);
    ip4_addr_set_zero(&gateway);
    if (!dhcp) {
        IP4_ADDR(&address, 10, 0, 2, 15);
        IP4_ADDR(&mask, 255, 255, 255, 0);
        IP4_ADDR(&gateway, 10, 0, 2, 2);
    }
    return netif_add(netif, &address, &mask, &gateway, NULL, start_netif, ethernet_input);
#else
    (void)dhcp;
    return netif_add(netif, NULL, start_netif, ethernet_input);
#endif
}

/* A program started with descriptor 0, 1 or 2 closed would get a socket there, and print to it. */
static void fill_standard_descriptors(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= 2);
    if (fd > 2)
        close(fd);
}

bool host_init(const struct host_options *options)
{
    bool dhcp = LWIP_DHCP && options != NULL && options->dhcp;
    ip_addr_t server;

    fill_standard_descriptors();
    /* libslirp writes to sockets whose peer may be gone. */
    signal(SIGPIPE, SIG_IGN);
    lwip_init();
    if (!host_slirp_open(LWIP_IPV4, LWIP_IPV6, TCP_MSS + 40, host_frame_deliver) ||
        add_netif(&host.netif, dhcp) == NULL)
        return false;
    host.cable = true;
    netif_set_default(&host.netif);
    netif_set_up(&host.netif);
    add_ip6_address(&host.netif);
    ipaddr_aton(LWIP_IPV4 ? "10.0.2.3" : "fec0::3", &server);
    dns_setserver(0, &server);
#if LWIP_DHCP
    if (dhcp && dhcp_start(&host.netif) != ERR_OK)
        return false;
#endif
    return host_name_add("localhost", LWIP_IPV4 ? "127.0.0.1" : "::1");
}

struct netif *host_netif(void)
{
    return &host.netif;
}

void host_link(bool up)
{
    host.cable = up;
    if (!up)
        host.count = 0; /* on the cable, hence lost */
}

bool host_forward_udp(uint16_t *host_port, uint16_t guest_port)
{
    return host_slirp_forward_udp(!LWIP_IPV4, host_port, guest_port);
}

const char *host_reachable(const char *text)
{
    if (strcmp(text, "::1") == 0)
        return "fec0::2";
    if (strcmp(text, "127.0.0.1") == 0 || strcmp(text, "localhost") == 0)
        return LWIP_IPV4 ? "10.0.2.2" : "fec0::2";
    return text;
}

bool host_name_add(const char *name, const char *address)
{
    ip_addr_t ip;

    return strlen(name) < DNS_MAX_NAME_LENGTH && ipaddr_aton(host_reachable(address), &ip) &&
           dns_local_addhost(name, &ip) == ERR_OK;
}

void host_on_frame(host_frame_hook hook, void *ctx)
{
    host.hook = hook;
    host.hook_ctx = ctx;
}

void host_frames_feed(uint32_t max)
{
    host.starved = false;
    for (; host.count > 0 && max > 0; max--) {
        struct frame *f = &host.frames[host.first];
        struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(f->len + ETH_PAD_SIZE), PBUF_POOL);
        if (p == NULL) {
            host.starved = true;
            return;
        }
        pbuf_take_at(p, f->bytes, (u16_t)f->len, ETH_PAD_SIZE);
        /* Out of the ring first: input may send, and what is sent may be answered into the ring. */
        host.first = (host.first + 1) % HOST_FRAMES_MAX;
        host.count--;
        if (host.netif.input(p, &host.netif) != ERR_OK)
            pbuf_free(p);
    }
}

uint32_t host_frames_wait_ms(void)
{
    if (host.count == 0)
        return UINT32_MAX;
    return host.starved ? NO_PBUF_PAUSE_MS : 0;
}

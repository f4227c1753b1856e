/* SPDX-License-Identifier: Apache-2.0 */
#include "iot_mps2_netif.h"

#include "iot_mps2_board.h"
#include "iot_mps2_clock.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/pbuf.h"

#include <stdbool.h>
#include <string.h>

/* SMSC LAN9118 data sheet, chapter 5. */
#define LAN(offset)  MPS2_REG(MPS2_ETHERNET + (offset))
#define RX_DATA      LAN(0x00u)
#define TX_DATA      LAN(0x20u)
#define RX_STATUS    LAN(0x40u)
#define TX_STATUS    LAN(0x48u)
#define ID_REV       LAN(0x50u)
#define IRQ_CFG      LAN(0x54u)
#define INT_STS      LAN(0x58u)
#define INT_EN       LAN(0x5cu)
#define BYTE_TEST    LAN(0x64u)
#define FIFO_INT     LAN(0x68u)
#define TX_CFG       LAN(0x70u)
#define HW_CFG       LAN(0x74u)
#define RX_FIFO_INF  LAN(0x7cu)
#define TX_FIFO_INF  LAN(0x80u)
#define MAC_CSR_CMD  LAN(0xa4u)
#define MAC_CSR_DATA LAN(0xa8u)
#define E2P_CMD      LAN(0xb0u)

#define BYTE_TEST_VALUE 0x87654321u
#define ID_LAN9118      0x0118u
#define ID_LAN9220      0x9220u /* its successor, for software the same */
#define INT_RX_STATUS   (1u << 3)
#define INT_PHY         (1u << 18)
#define IRQ_CFG_LINE    ((1u << 8) | (1u << 4) | 1u) /* on, active high, push-pull */
#define HW_CFG_RESET    1u
#define HW_CFG_TX_KB    (5u << 16) /* of 16 KB FIFO, 5 for sending */
#define HW_CFG_ONE      (1u << 20) /* "must be one", and is not after a reset */
#define TX_CFG_ON       (1u << 1)
#define TX_FIRST_LAST   ((1u << 13) | (1u << 12)) /* the frame is in one buffer */
#define RX_STATUS_ERROR (1u << 15)
#define MAC_BUSY        (1u << 31)
#define E2P_BUSY        (1u << 31)
#define MAC_READ        (1u << 30)

enum mac_register { MAC_CR = 1, MAC_ADDRH, MAC_ADDRL, MAC_MII_ACC = 6, MAC_MII_DATA };
#define MAC_CR_RX_TX ((1u << 2) | (1u << 3))
#define MAC_CR_FULL  (1u << 20)
#if LWIP_IGMP || LWIP_IPV6 /* frames for groups: lwIP drops those that are not ours */
#define MAC_CR_GROUPS (1u << 19)
#else
#define MAC_CR_GROUPS 0u
#endif
#define MII_PHY   (1u << 11)
#define MII_WRITE (1u << 1)
#define MII_BUSY  1u

enum phy_register {
    PHY_CONTROL = 0,
    PHY_STATUS = 1,
    PHY_OFFER = 4,
    PHY_PARTNER = 5,
    PHY_INT_SOURCE = 29,
    PHY_INT_MASK = 30
};
#define PHY_RESTART     ((1u << 12) | (1u << 9)) /* negotiate, anew */
#define PHY_STATUS_LINK (1u << 2)
#define PHY_100_FULL    (1u << 8) /* of what is offered: the best that both can do is taken */
#define PHY_100_HALF    (1u << 7)
#define PHY_10_FULL     (1u << 6)
#define PHY_INT_CABLE   ((1u << 6) | (1u << 4)) /* negotiated; link down */

#define FRAME_CHECK_BYTES 4u
#define FRAME_BYTES_MIN   60u
#define TRIES_MAX         100000u /* of waiting for the controller; it takes microseconds */

/* ---- the controller's own registers ---------------------------------------------------------- */

static bool wait_mac(void)
{
    for (uint32_t i = 0; i < TRIES_MAX; i++) {
        if ((MAC_CSR_CMD & MAC_BUSY) == 0)
            return true;
    }
    return false;
}

static uint32_t read_mac(enum mac_register which)
{
    MAC_CSR_CMD = MAC_BUSY | MAC_READ | (uint32_t)which;
    return wait_mac() ? MAC_CSR_DATA : 0;
}

static void write_mac(enum mac_register which, uint32_t value)
{
    MAC_CSR_DATA = value;
    MAC_CSR_CMD = MAC_BUSY | (uint32_t)which;
    wait_mac();
}

static void wait_phy(void)
{
    for (uint32_t i = 0; i < TRIES_MAX && (read_mac(MAC_MII_ACC) & MII_BUSY) != 0; i++)
        ;
}

static uint32_t read_phy(enum phy_register which)
{
    write_mac(MAC_MII_ACC, MII_PHY | ((uint32_t)which << 6) | MII_BUSY);
    wait_phy();
    return read_mac(MAC_MII_DATA);
}

static void write_phy(enum phy_register which, uint32_t value)
{
    write_mac(MAC_MII_DATA, value);
    write_mac(MAC_MII_ACC, MII_PHY | ((uint32_t)which << 6) | MII_WRITE | MII_BUSY);
    wait_phy();
}

/* ---- frames in chains of pbufs ----------------------------------------------------------------- */

struct place {
    struct pbuf *p;
    uint32_t offset;
};

/* To the next byte, if there is one. */
static bool has_byte(struct place *at)
{
    while (at->p != NULL && at->offset == at->p->len) {
        at->p = at->p->next;
        at->offset = 0;
    }
    return at->p != NULL;
}

/* ---- sending ----------------------------------------------------------------------------------- */

static uint32_t next_word(struct place *at)
{
    uint32_t word = 0;

    if (!has_byte(at))
        return 0;
    if (at->offset + 4 <= at->p->len) { /* mostly */
        memcpy(&word, (const uint8_t *)at->p->payload + at->offset, 4);
        at->offset += 4;
        return word;
    }
    for (uint32_t shift = 0; shift < 32 && has_byte(at); shift += 8)
        word |= (uint32_t)((const uint8_t *)at->p->payload)[at->offset++] << shift;
    return word;
}

/* The controller takes the frame at once or not at all; lwIP sends again what was not taken. */
static err_t send_frame(struct netif *netif, struct pbuf *p)
{
    uint32_t len = p->tot_len > FRAME_BYTES_MIN ? p->tot_len : FRAME_BYTES_MIN;
    uint32_t count = (len + 3) / 4;
    struct place at = {p, 0};

    (void)netif;
    while ((TX_FIFO_INF >> 16 & 0xffu) != 0) /* what became of earlier frames; nobody asks */
        (void)TX_STATUS;
    if ((TX_FIFO_INF & 0xffffu) < 4 * count + 8)
        return ERR_MEM;
    TX_DATA = TX_FIRST_LAST | len;
    TX_DATA = len;
    for (uint32_t i = 0; i < count; i++)
        TX_DATA = next_word(&at);
    return ERR_OK;
}

/* ---- receiving ----------------------------------------------------------------------------------- */

/* Word by word: QEMU's controller loses count when it is told to skip a frame by itself (RX_DP_CTRL). */
static void skip_frame(uint32_t count)
{
    while (count-- > 0)
        (void)RX_DATA;
}

/* What is beyond the chain's end, the frame check, is dropped. */
static void put_word(struct place *at, uint32_t word)
{
    if (has_byte(at) && at->offset + 4 <= at->p->len) {
        memcpy((uint8_t *)at->p->payload + at->offset, &word, 4);
        at->offset += 4;
        return;
    }
    for (uint32_t i = 0; i < 4 && has_byte(at); i++, word >>= 8)
        ((uint8_t *)at->p->payload)[at->offset++] = (uint8_t)word;
}

static void receive_frame(struct netif *netif)
{
    uint32_t status = RX_STATUS;
    uint32_t len = (status >> 16) & 0x3fffu;
    uint32_t count = (len + 3) / 4;
    struct pbuf *p = NULL;

    if ((status & RX_STATUS_ERROR) == 0 && len > FRAME_CHECK_BYTES)
        p = pbuf_alloc(PBUF_RAW, (u16_t)(len - FRAME_CHECK_BYTES), PBUF_POOL);
    if (p == NULL) { /* no room: as a frame lost on the wire */
        skip_frame(count);
        return;
    }
    for (struct place at = {p, 0}; count > 0; count--)
        put_word(&at, RX_DATA);
    if (netif->input(p, netif) != ERR_OK)
        pbuf_free(p);
}

/* ---- the interface ------------------------------------------------------------------------------- */

/* The PHY negotiates by itself, but the MAC has to be told: with its end half duplex and the other one full, frames are
 * lost to collisions that are none. */
static void match_duplex(void)
{
    uint32_t both = read_phy(PHY_OFFER) & read_phy(PHY_PARTNER), mac = read_mac(MAC_CR);
    bool full = (both & PHY_100_FULL) != 0 || (both & (PHY_100_HALF | PHY_10_FULL)) == PHY_10_FULL;

    write_mac(MAC_CR, full ? mac | MAC_CR_FULL : mac & ~MAC_CR_FULL);
}

static void see_cable(struct netif *netif)
{
    bool up;

    (void)read_phy(PHY_INT_SOURCE); /* reading clears it */
    (void)read_phy(
        PHY_STATUS); /* remembers that the cable was out; the second reading tells of now */
    up = (read_phy(PHY_STATUS) & PHY_STATUS_LINK) != 0;
    if (up)
        match_duplex();
    if (up && !netif_is_link_up(netif))
        netif_set_link_up(netif);
    if (!up && netif_is_link_up(netif))
        netif_set_link_down(netif);
}

uint32_t iot_mps2_netif_poll(struct netif *netif, uint32_t max)
{
    uint32_t n = 0;

    if ((INT_STS & INT_PHY) != 0) {
        INT_STS = INT_PHY; /* first: what happens while we look is seen next time */
        see_cable(netif);
    }
    INT_STS = INT_RX_STATUS; /* before what it stands for is looked at, too */
    while (n < max && ((RX_FIFO_INF >> 16) & 0xffu) != 0) {
        receive_frame(netif);
        n++;
    }
    CPU_NVIC_ISER = 1u << MPS2_ETHERNET_IRQ;
    return n;
}

/* The line stays up until the loop has emptied the controller, so the interrupt is shut off until then. */
void iot_mps2_netif_on_interrupt(void)
{
    CPU_NVIC_ICER = 1u << MPS2_ETHERNET_IRQ;
    iot_mps2_wake();
}

static bool reset_controller(void)
{
    uint32_t id = ID_REV >> 16;

    if (BYTE_TEST != BYTE_TEST_VALUE || (id != ID_LAN9118 && id != ID_LAN9220))
        return false;
    HW_CFG = HW_CFG_RESET;
    for (uint32_t i = 0; i < TRIES_MAX && (HW_CFG & HW_CFG_RESET) != 0; i++)
        ;
    for (uint32_t i = 0; i < TRIES_MAX && (E2P_CMD & E2P_BUSY) != 0; i++)
        ; /* it reads its address */
    return (HW_CFG & HW_CFG_RESET) == 0 && (E2P_CMD & E2P_BUSY) == 0;
}

/* The address is in the board's EEPROM, from where the controller reads it. */
static void read_address(struct netif *netif)
{
    uint32_t low = read_mac(MAC_ADDRL), high = read_mac(MAC_ADDRH);

    netif->hwaddr_len = 6;
    for (int i = 0; i < 4; i++)
        netif->hwaddr[i] = (uint8_t)(low >> (8 * i));
    for (int i = 0; i < 2; i++)
        netif->hwaddr[4 + i] = (uint8_t)(high >> (8 * i));
}

err_t iot_mps2_netif_init(struct netif *netif)
{
    if (!reset_controller())
        return ERR_IF;
    HW_CFG = HW_CFG_ONE | HW_CFG_TX_KB;
    FIFO_INT = 0; /* one frame is reason enough */
    INT_EN = INT_RX_STATUS | INT_PHY;
    INT_STS = 0xffffffffu;
    IRQ_CFG = IRQ_CFG_LINE;
    write_phy(PHY_INT_MASK, PHY_INT_CABLE);
    write_phy(PHY_CONTROL, PHY_RESTART);
    read_address(netif);
    write_mac(MAC_CR, read_mac(MAC_CR) | MAC_CR_RX_TX | MAC_CR_GROUPS);
    TX_CFG = TX_CFG_ON;

    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->mtu = 1500;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
                   NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
    netif->linkoutput = send_frame;
#if LWIP_IPV4
    netif->output = etharp_output;
#endif
#if LWIP_IPV6
    netif->output_ip6 = ethip6_output;
#endif
    see_cable(netif);
    return ERR_OK;
}

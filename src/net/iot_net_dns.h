/* SPDX-License-Identifier: Apache-2.0 */
/* One name request to lwIP's resolver. lwIP cannot cancel a request: the slot is the callback's
 * argument and stays taken until it was called back, even when nobody wants the answer any more.
 *
 *     FREE -ask-> ASKED -answer-> DONE -take-> FREE
 *                   \-drop-> ORPHANED -answer-> FREE
 */
#ifndef IOT_NET_DNS_H
#define IOT_NET_DNS_H

#include "iot/iot_stream.h"

/* Room for an ip_addr_t of any build; checked in the .c files. */
struct iot_net_addr {
    uint32_t word[6];
};

#if IOT_FEATURE_DNS

struct iot_dns {
    bool *const *wake; /* the owner's, looked up when the answer comes */
    uint8_t state;
    bool found;
    struct iot_net_addr addr;
};

/** Ask for `to->host`, a name or an address text. `wake` is that member of the stream or channel which the slot
 *  belongs to, and lives as long as the slot. IOT_OK: the address is in `out`;
 *  IOT_ERR_AGAIN: asked, the owner is woken; IOT_ERR_STATE: the slot is taken, ask again when woken;
 *  IOT_ERR_DNS_UNKNOWN, _SERVER, _BUSY: failed, `*detail` is lwIP's err_t. */
iot_err iot_dns_ask(struct iot_dns *d, bool *const *wake, const struct iot_endpoint *to,
                    struct iot_net_addr *out, int32_t *detail);

/** The answer to a request: IOT_OK, it is in `out`; IOT_ERR_DNS_UNKNOWN; IOT_ERR_AGAIN, none yet; IOT_ERR_DNS_TIMEOUT,
 *  none by `deadline`: drop it. */
iot_err iot_dns_take(struct iot_dns *d, iot_time deadline, iot_time now, struct iot_net_addr *out);

/** The answer is not wanted any more. */
void iot_dns_drop(struct iot_dns *d);

/** False while lwIP holds a pointer to the slot. */
bool iot_dns_idle(const struct iot_dns *d);

#else

/** The address that this text is. IOT_OK; IOT_ERR_DNS_UNKNOWN: it is none. */
iot_err iot_net_address(const char *host, struct iot_net_addr *out);

static inline iot_err iot_dns_ask_nobody(const struct iot_endpoint *to, struct iot_net_addr *out)
{
    return iot_net_address(to->host, out);
}

/* Nothing is ever asked, so there is no slot. */
#define iot_dns_ask(d, wake, to, out, detail) iot_dns_ask_nobody(to, out)
#define iot_dns_take(d, deadline, now, out)   ((void)(deadline), (void)(now), IOT_ERR_AGAIN)
#define iot_dns_drop(d)                       ((void)0)
#define iot_dns_idle(d)                       true

#endif
#endif

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

#define IOT_NET_ADDR_WORDS 6 /* room for an ip_addr_t of any build; checked in the .c */

struct iot_dns {
    struct iot_stream *owner; /* woken by the answer */
    uint8_t state;
    bool found;
    uint32_t addr[IOT_NET_ADDR_WORDS];
};

/** Ask for `to->host`, a name or an address text. IOT_OK: the address is there, take it;
 *  IOT_ERR_AGAIN: asked, the owner is woken; IOT_ERR_STATE: the slot is taken, ask again when woken;
 *  IOT_ERR_DNS_UNKNOWN, _SERVER, _BUSY: failed, `*detail` is lwIP's err_t. */
iot_err iot_dns_ask(struct iot_dns *d, struct iot_stream *owner, const struct iot_endpoint *to,
                    int32_t *detail);

/** The answer to a request: IOT_OK, `addr` is valid; IOT_ERR_AGAIN; IOT_ERR_DNS_UNKNOWN. Anything
 *  but AGAIN frees the slot. */
iot_err iot_dns_take(struct iot_dns *d);

/** The answer is not wanted any more. */
void iot_dns_drop(struct iot_dns *d);

/** False while lwIP holds a pointer to the slot. */
bool iot_dns_idle(const struct iot_dns *d);

#endif

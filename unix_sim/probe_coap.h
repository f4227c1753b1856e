/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file probe_coap.h
 * CoAP in build/probe:
 *
 *     coap METHOD URI [con|non] [HEX] [opt=NUM:HEX ...] [szx=0..6] [token=HEX] [cid=0|1] [TLS words, see probe_tls.h]
 *     coap PING URI
 *     observe URI [as above]       done when the first notification has come; goes on beside other commands
 *     unobserve URI                done when the server has confirmed
 *
 * METHOD is GET, POST, PUT, DELETE, FETCH, PATCH or iPATCH; URI is coap://... or coaps://... Those with the same authority and the
 * same TLS words share an association.
 *
 * opt=12 and opt=17 are Content-Format and Accept. Options that the client makes itself (Uri-*, Observe, Block1, Block2, Size1, Echo,
 * Request-Tag) are refused.
 *
 *     EV status 2.05               (once per response, before what follows; all of it when the response is whole or at its end)
 *     EV option NUM HEX            (each that the response has)
 *     EV body OFFSET HEX           (a notification has one at least)
 *     EV end OK|STATUS|NAME        (exactly one, and last: OK if the response was whole and of class 2, or an observation ended in good
 *                                   order; else exit 1)
 *
 * At the end of the program observations are cancelled; that the server does not confirm it in time is no failure.
 */
#ifndef PROBE_COAP_H
#define PROBE_COAP_H

#include "probe_event.h"

enum probe_step probe_coap(char **words, uint32_t count, uint32_t waited_ms);
enum probe_step probe_observe(char **words, uint32_t count, uint32_t waited_ms);
enum probe_step probe_unobserve(char **words, uint32_t count, uint32_t waited_ms);

/** One tick of all clients. Returns ms to the next; IOT_MS_NEVER without any. */
uint32_t probe_coap_poll(void);

/** Begin to end what is under way, in good order as far as that goes; then until probe_coap_closed. */
void probe_coap_close(void);
bool probe_coap_closed(void);

/** An observation did not end well. */
bool probe_coap_failed(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lamp that reports to the platform by CoAP, whatever the board: what it is, its version, its properties every few seconds, an
 * event, and whether there is an update for it. Who is near asks and switches it without the platform (iot_coap_server.h):
 *
 *     light    0 or 1; GET, PUT, observable
 *     status   JSON: what it has reported; GET
 *
 * It knows its port and nothing else; the board gives it a network and a loop. One call is under way at a time; one that fails is tried
 * again when its result says so, and given up when another would end alike. There is no way down: the platform cannot set this
 * lamp.
 */
#ifndef REPORT_H
#define REPORT_H

#include "iot/iot.h"

enum report_way {
    REPORT_CERTIFICATE, /* DTLS, the server shows a certificate */
    REPORT_PSK,         /* DTLS, with a key that both make of the device's secret */
    REPORT_SYMMETRIC,   /* AES by a key of the platform's, without DTLS */
};

enum report_call {
    REPORT_INFO,
    REPORT_VERSION,
    REPORT_PROPERTIES,
    REPORT_EVENT,
    REPORT_UPDATE,
    REPORT_CALLS
};

/* How a call ended; valid until return. */
struct report_end {
    enum report_call call;
    iot_err err;
    int32_t detail;
    uint32_t
        again_ms; /* it is made again after so long; IOT_MS_NEVER: it is not. Of one that went well 0 */
    struct iot_bytes reply; /* what the platform answered */
};

/* All borrowed as long as it runs. */
struct report_options {
    const struct iot_port *port; /* with chance */
    const struct iot_link_identity *link;
    const char *host;     /* of the platform: name or address */
    const char *name;     /* what its certificate is for; NULL: host */
    uint16_t server_port; /* 0: the platform's, 5684 or 5682 */
    uint16_t listen_port; /* for who is near; 0: 5683 */
    uint8_t way;          /* enum report_way */
    bool cbor;            /* else JSON */
    struct iot_bytes ca;  /* REPORT_CERTIFICATE: whom to trust, DER */
    void *
        arena; /* for TLS, not with REPORT_SYMMETRIC; 8-byte aligned. README says how much each kind wants */
    uint32_t arena_bytes;
    const char *version;
    uint32_t every_ms; /* between two reports of the properties; 0: 5,000 */
    void (*on_end)(const struct report_end *end);
    void (*on_light)(bool on); /* somebody near has switched it; NULL */
    void (*on_closed)(void);   /* after report_stop: nothing is called any more; NULL */
};

/* Once per boot. Returns as iot_device_init, iot_coap_init, iot_uplink_init, iot_coap_server_init. */
iot_err report_start(const struct report_options *options);

/* Returns ms until it wants to be called again if lwIP has nothing new. */
uint32_t report_poll(uint32_t now_ms);

/* No more; what is under way ends first, for at most drain_ms. */
iot_err report_stop(uint32_t drain_ms);

/* So many calls of this kind were acknowledged. */
uint32_t report_acknowledged(enum report_call call);

/* How much of its TLS arena was needed. */
void report_memory(struct iot_tls_memory *out);

#endif

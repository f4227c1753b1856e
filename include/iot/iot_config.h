/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_config.h
 * Every size and switch of the library, with its unit, its default and what it costs.
 *
 * Override a value on the compiler's command line (-DIOT_MQTT_RX_BYTES=4096) or in a header of
 * yours named by -DIOT_CONFIG_FILE='"my_config.h"'. The library and the application must be built
 * with the same values: iot_device_init compares sizes and IOT_CONFIG_HASH and refuses a mix.
 * Switches are 0 or 1 and always defined.
 */
#ifndef IOT_CONFIG_H
#define IOT_CONFIG_H

#ifdef IOT_CONFIG_FILE
#include IOT_CONFIG_FILE
#endif

/* ---- MQTT memory ------------------------------------------------------------------------- */

/** Receive window, bytes. The largest packet that is delivered whole; a larger PUBLISH comes in parts
 *  (iot_filter.in_parts), or is skipped and reported (IOT_EV_SKIPPED). CONNECT is built in here too: client id, user name, password and
 *  will together must fit. */
#ifndef IOT_MQTT_RX_BYTES
#define IOT_MQTT_RX_BYTES 1024
#endif

/** Transmit ring, bytes. Holds every copied message until it is done; each costs its topic, its
 *  payload and up to 9 bytes. By-reference messages cost topic and header only. */
#ifndef IOT_MQTT_TX_BYTES
#define IOT_MQTT_TX_BYTES 1024
#endif

/** Messages accepted and not done, all QoS together. RAM: 24 bytes each (32-bit machine). */
#ifndef IOT_MQTT_OUT_MAX
#define IOT_MQTT_OUT_MAX 10
#endif

/** Messages that can give way to newer ones between two ticks (IOT_MSG_DROP_OLDEST, IOT_MSG_REPLACE);
 *  beyond it the answer is IOT_ERR_FULL. 4 bytes each. */
#ifndef IOT_MQTT_DROPPED_MAX
#define IOT_MQTT_DROPPED_MAX 4
#endif

/** Subscriptions. RAM: 29 bytes each (32-bit machine) and 16, 64 or 256 for all (for up to 16, 64
 *  or 255 of them). At most 255. */
#ifndef IOT_MQTT_SUBS_MAX
#define IOT_MQTT_SUBS_MAX 10
#endif

/** Reserved slot for control packets, bytes. The longest filter is this minus 10. */
#ifndef IOT_MQTT_CONTROL_BYTES
#define IOT_MQTT_CONTROL_BYTES 144
#endif

/** Acknowledgements owed to the broker; when full, reading pauses until they leave. 4 bytes each. */
#ifndef IOT_MQTT_ACKS_MAX
#define IOT_MQTT_ACKS_MAX 8
#endif

/** Incoming QoS 2 messages between PUBLISH and PUBREL; one more closes the connection by name. Not
 *  less than the broker's window for one client. mosquitto 2.0 does not keep to its own
 *  (max_inflight_messages, 20) while it works off a backlog: there a kept session gets everything,
 *  once, but with a reconnect per window. 2 bytes each. */
#ifndef IOT_MQTT_QOS2_IN_MAX
#define IOT_MQTT_QOS2_IN_MAX 20
#endif

/* ---- One tick ---------------------------------------------------------------------------- */

/** Packets handled by one iot_poll at most; it returns 0 when more wait. */
#ifndef IOT_POLL_PACKETS
#define IOT_POLL_PACKETS 8
#endif

/** A tick later than this many ms after the one before does not trust the link: it pings. A loop that serves
 *  lwIP's timers calls iot_poll more often by itself, whatever that asked for. */
#ifndef IOT_STALE_MS
#define IOT_STALE_MS 30000
#endif

/** How long handlers may decline a message (return IOT_ERR_AGAIN), ms. After it a QoS 0 message
 *  is dropped and reported. QoS 1 and 2 close the connection with IOT_ERR_MQTT_DECLINED, up to as long again
 *  later: until then acknowledgements of our messages are collected. None of this waits when a handler says
 *  that the outbox is full, all of it awaits acknowledgements, and the window is full, too. */
#ifndef IOT_DECLINE_MAX_MS
#define IOT_DECLINE_MAX_MS 10000
#endif

/** How long the source of a streamed message (iot_mqtt_stream) may have nothing, ms. */
#ifndef IOT_STREAM_MAX_MS
#define IOT_STREAM_MAX_MS 5000
#endif

/* ---- TCP --------------------------------------------------------------------------------- */

/** Received pbufs held per connection. Beyond it lwIP keeps the segment and the window closes; a datagram is dropped.
 *  What lwIP hands over at once (segments that came out of order) is taken whole when none is held. At
 *  most PBUF_POOL_SIZE - 2, for all devices together. */
#ifndef IOT_RX_PBUFS_MAX
#define IOT_RX_PBUFS_MAX 4
#endif

/** Wait for a name to resolve, ms. Shorter than lwIP's own retries (some 7 s), so that silence is
 *  told from a server that answered "no such name". */
#ifndef IOT_DNS_MS
#define IOT_DNS_MS 5000
#endif

/** Wait for the TCP handshake, ms (lwIP's own ladder lasts minutes). */
#ifndef IOT_TCP_CONNECT_MS
#define IOT_TCP_CONNECT_MS 15000
#endif

/** A peer that takes no byte of what waits for so long is given up, ms; and so is a way out that takes no datagram. */
#ifndef IOT_STALL_MS
#define IOT_STALL_MS 30000
#endif

/** Pause before lwIP is offered bytes again when it was out of memory with nothing in flight, or a datagram when it had no
 *  memory or no route, ms. */
#ifndef IOT_TCP_RETRY_MS
#define IOT_TCP_RETRY_MS 50
#endif

/* ---- TLS --------------------------------------------------------------------------------- */

/** 1: TLS on mbedTLS is built in. */
#ifndef IOT_FEATURE_TLS
#define IOT_FEATURE_TLS 1
#endif

/** 1: the identity of the Alibaba Cloud IoT platform (iot_link.h) is built in. Needs digests of mbedTLS. */
#ifndef IOT_FEATURE_LINK
#define IOT_FEATURE_LINK 1
#endif

/** 1: TLS 1.3 as well: some 29 KB of flash and 6 KiB of arena more. Eight handshakes at a time, as
 *  mbedTLS keeps their keys in one place for the whole program. */
#ifndef IOT_FEATURE_TLS_13
#define IOT_FEATURE_TLS_13 0
#endif

/** 1: IOT_TLS_ECDHE_RSA, and RSA signatures in a chain, are built in. 0 takes 11 KB out of mbedTLS; a chain with RSA anywhere
 *  is refused then. */
#ifndef IOT_FEATURE_TLS_RSA
#define IOT_FEATURE_TLS_RSA 1
#endif

/** 1: IOT_TLS_PLATFORM, older suites without forward secrecy or with AES-CBC, is built in (those with RSA: if that
 *  is). 0 takes 4.5 KB out of mbedTLS, and 0.6 KB out of each connection's arena, as records need no room for CBC's padding. */
#ifndef IOT_FEATURE_TLS_PLATFORM
#define IOT_FEATURE_TLS_PLATFORM 1
#endif

/** Largest record that is received, bytes of plain text; lives in the arena, with some 40 bytes more.
 *  A server may send 16384 unless it obeys max_fragment_length (RFC 6066), which is asked for when
 *  this is 4096, 2048, 1024 or 512; where 1.3 is offered by record_size_limit (RFC 8449) instead,
 *  which openssl does not know. The same value builds mbedTLS (port/mbedtls). */
#ifndef IOT_TLS_RX_BYTES
#define IOT_TLS_RX_BYTES 4096
#endif

/** Largest record that is sent, bytes; a client certificate chain has to fit. Lives in the arena. */
#ifndef IOT_TLS_TX_BYTES
#define IOT_TLS_TX_BYTES 2048
#endif

/** Largest session that is kept for a quick reconnect, bytes; a ticket makes most of it. */
#ifndef IOT_TLS_SESSION_BYTES
#define IOT_TLS_SESSION_BYTES 1024
#endif

/** Wait for the TLS handshake, ms. */
#ifndef IOT_TLS_HANDSHAKE_MS
#define IOT_TLS_HANDSHAKE_MS 30000
#endif

/** Elliptic operations in one tick (mbedtls_ecp_set_max_ops); fewer make shorter ticks and more of them. An ECDHE-ECDSA
 *  handshake on a Cortex-M3, in millions of instructions (the dearest tick; all of it; so many ticks that compute):
 *  1: 1.26, 90, 964.  50: 1.26, 73, 322.  75: 1.32, 70, 229.  100: 1.39, 68, 160.  250: 1.88, 65, 69. */
#ifndef IOT_TLS_ECP_OPS
#define IOT_TLS_ECP_OPS 75
#endif

/* ---- The platform's requests ------------------------------------------------------------- */

/** Requests to the platform that await their replies. RAM: 12 bytes each. At most 255. */
#ifndef IOT_REQUESTS_MAX
#define IOT_REQUESTS_MAX 6
#endif

/** Wait for a reply of the platform, ms. */
#ifndef IOT_REQUEST_MS
#define IOT_REQUEST_MS 10000
#endif

/** Properties of a thing (iot_thing.h), members of one of its structs, inputs of one of its services. 4 bytes of stack per 32
 *  of them and level of nesting. At most 200, which the platform takes in one message. */
#ifndef IOT_PROPERTIES_MAX
#define IOT_PROPERTIES_MAX 64
#endif

/** Services and sets of the platform's that are not answered yet; one more has to wait. RAM of a thing: 20 bytes each, and
 *  IOT_CALL_TOKEN_BYTES. */
#ifndef IOT_CALLS_MAX
#define IOT_CALLS_MAX 2
#endif

/** Longest name of a synchronous call, bytes; the platform's are numbers, of 19 digits. A service that is not in the model
 *  has its own name in here too, behind a '/'. What is longer is answered by IOT_CODE_CALL, and told by IOT_EV_SKIPPED. */
#ifndef IOT_CALL_TOKEN_BYTES
#define IOT_CALL_TOKEN_BYTES 40
#endif

/** How long the application may take to answer a service, ms. The platform waits some 8 s for a synchronous one. */
#ifndef IOT_CALL_MS
#define IOT_CALL_MS 8000
#endif

/** Registration (iot_register.h): wait for the secret after the platform has accepted, ms. */
#ifndef IOT_REGISTER_MS
#define IOT_REGISTER_MS 15000
#endif

/* ---- HTTP -------------------------------------------------------------------------------- */

/** Receive window of an HTTP client, bytes. The longest header line that is of interest has to fit, and what is larger is
 *  handed to the body's handler in several pieces. */
#ifndef IOT_HTTP_RX_BYTES
#define IOT_HTTP_RX_BYTES 1024
#endif

/** Longest URL, bytes; the platform's signed ones have some 250 to 500. RAM: so many per client, and per offered update. */
#ifndef IOT_HTTP_URL_MAX
#define IOT_HTTP_URL_MAX 511
#endif

/** Longest ETag that is kept to resume by, bytes with its quotes. */
#ifndef IOT_HTTP_ETAG_MAX
#define IOT_HTTP_ETAG_MAX 63
#endif

/** All header lines of a response together, bytes at most, 1xx and trailers included. */
#ifndef IOT_HTTP_HEAD_BYTES
#define IOT_HTTP_HEAD_BYTES 8192
#endif

/* ---- CoAP -------------------------------------------------------------------------------- */

/** Largest message of CoAP, bytes, both ways; RFC 7252 4.6 advises 1,152, which carries blocks of 1,024. RAM: so many
 *  per client. */
#ifndef IOT_COAP_BYTES
#define IOT_COAP_BYTES 1152
#endif

/** Requests to one server that are under way, observations included. */
#ifndef IOT_COAP_REQUESTS
#define IOT_COAP_REQUESTS 4
#endif

/** Messages of a server that are recognised when they come twice. RAM: 16 bytes each. */
#ifndef IOT_COAP_SEEN
#define IOT_COAP_SEEN 8
#endif

/* A server of CoAP (iot_coap_server.h), and the socket that it listens at. All of it lives in the server's struct: nothing of
 * what the local network does takes memory from the clients'. */

/** Datagrams that wait at one socket, pbufs. Beyond it one is dropped: the newest of the address from which most wait. For all
 *  sockets, and with IOT_RX_PBUFS_MAX of each connection together, below PBUF_POOL_SIZE, or a flood starves the others. RAM: 28
 *  bytes each, and once more. */
#ifndef IOT_SOCKET_PBUFS
#define IOT_SOCKET_PBUFS 4
#endif
/** Largest representation of a resource that is written in memory (others come from a source), bytes of RAM per server. */
#ifndef IOT_COAP_BODY_BYTES
#define IOT_COAP_BODY_BYTES 1024
#endif
/** Requests that are executed and not answered yet, and bodies that are coming in; one host has half of
 *  them at most, as of the other tables. RAM: 72 bytes each. */
#ifndef IOT_COAP_CALLS
#define IOT_COAP_CALLS 3
#endif
/** Answers to requests that change something are kept, so that a duplicate is answered alike and nothing is done twice. RAM: 64
 *  bytes each, and IOT_COAP_ANSWER_BYTES. */
#ifndef IOT_COAP_ANSWERS
#define IOT_COAP_ANSWERS 4
#endif
/** The longest body of them, with its ETag, bytes; a longer one is answered by 5.00. */
#ifndef IOT_COAP_ANSWER_BYTES
#define IOT_COAP_ANSWER_BYTES 128
#endif
/** Observers, all peers together; one peer has half of them at most. RAM: 72 bytes each. */
#ifndef IOT_COAP_OBSERVERS
#define IOT_COAP_OBSERVERS 8
#endif
/** How long a handler's answer may take that comes later, ms. Who asks over UDP waits some 90 s. */
#ifndef IOT_COAP_LATER_MS
#define IOT_COAP_LATER_MS 60000
#endif

/** Peers that are served over DTLS at a time. */
#ifndef IOT_COAP_SESSIONS
#define IOT_COAP_SESSIONS 2
#endif

/* ---- Firmware update ----------------------------------------------------------------------- */

/** Of an image that lies in a slot, so many bytes are read and digested in one tick: before acceptance, and to go on
 *  after a reboot. 60 instructions of a Cortex-M3 each. */
#ifndef IOT_OTA_STEP_BYTES
#define IOT_OTA_STEP_BYTES 1024
#endif

/* ---- JSON -------------------------------------------------------------------------------- */

/** Containers within each other, at most; what is deeper is IOT_ERR_JSON_DEPTH. */
#ifndef IOT_JSON_DEPTH_MAX
#define IOT_JSON_DEPTH_MAX 16
#endif

/* ---- What a device can do without ------------------------------------------------------------
 * 0 leaves it out. Its functions are not declared then, and who asks for it in options or arguments is refused by name.
 * What each alone saves in flash and RAM is measured on a Cortex-M3 (`make size` prints it): bytes of the library. */

/** 1: Subscriptions and received messages. 0: a device that only reports. A broker that sends a message all the same breaks
 *  the link with IOT_ERR_MQTT_PROTOCOL. The four behind it are parts of it. Saves 37,800 bytes of flash and
 *  584 of RAM; 5,720 and 376 of them are its own, the rest is the platform's vocabulary, which needs it. */
#ifndef IOT_FEATURE_RECEIVE
#define IOT_FEATURE_RECEIVE 1
#endif

/** 1: Messages larger than the window in parts (iot_filter.in_parts). 0: they are IOT_EV_SKIPPED; in_parts is refused.
 *  Saves 530 bytes and 32. */
#ifndef IOT_FEATURE_PARTS
#define IOT_FEATURE_PARTS IOT_FEATURE_RECEIVE
#endif

/** 1: A handler may return IOT_ERR_AGAIN or IOT_ERR_FULL and gets the message again. 0: it has declined for good, as after
 *  IOT_DECLINE_MAX_MS: QoS 0 is dropped and reported, QoS 1 and 2 end the link with IOT_ERR_MQTT_DECLINED. Saves 4,560 bytes
 *  and 40, of which 610 and 16 are its own, the rest is IOT_FEATURE_REGISTER. */
#ifndef IOT_FEATURE_DECLINE
#define IOT_FEATURE_DECLINE IOT_FEATURE_RECEIVE
#endif

/** 1: iot_mqtt_unsubscribe. 0: subscriptions live until the device closes. Saves 410 bytes. */
#ifndef IOT_FEATURE_UNSUBSCRIBE
#define IOT_FEATURE_UNSUBSCRIBE IOT_FEATURE_RECEIVE
#endif

/** 1: Received topics are looked up in a hash table. 0: each filter is compared, which is as good for up to some ten of
 *  them. Saves 510 bytes and 24. */
#ifndef IOT_FEATURE_SUBS_INDEX
#define IOT_FEATURE_SUBS_INDEX IOT_FEATURE_RECEIVE
#endif

/** 1: QoS 2, both ways. 0: refused with IOT_ERR_ARG (messages, subscriptions, the will); a received one ends the link
 *  with IOT_ERR_MQTT_PROTOCOL. Saves 1,350 bytes and 56. */
#ifndef IOT_FEATURE_QOS2
#define IOT_FEATURE_QOS2 1
#endif

/** 1: IOT_SESSION_KEEP and IOT_SESSION_KEEP_REBOOT. 0: refused by iot_device_init. Saves 750 bytes. */
#ifndef IOT_FEATURE_SESSION_KEEP
#define IOT_FEATURE_SESSION_KEEP 1
#endif

/** 1: IOT_MSG_DROP_OLDEST and IOT_MSG_REPLACE. 0: refused with IOT_ERR_ARG, a full outbox says IOT_ERR_FULL. Saves 560
 *  bytes and 24. */
#ifndef IOT_FEATURE_QUEUE_DROP
#define IOT_FEATURE_QUEUE_DROP 1
#endif

/** 1: iot_mqtt_begin, _commit, _cancel: messages written in place. Saves 28,800 bytes and 192; 590 and 16 of them are its
 *  own, the rest is IOT_FEATURE_ALINK. */
#ifndef IOT_FEATURE_WRITER
#define IOT_FEATURE_WRITER 1
#endif

/** 1: iot_mqtt_stream: messages larger than the outbox. Saves 780 bytes and 40. */
#ifndef IOT_FEATURE_STREAMED
#define IOT_FEATURE_STREAMED 1
#endif

/** 1: IOT_MSG_BY_REF: payloads that stay where they are. 0: refused with IOT_ERR_ARG. Saves 330 bytes and 12 per message
 *  of IOT_MQTT_OUT_MAX. */
#ifndef IOT_FEATURE_BY_REF
#define IOT_FEATURE_BY_REF 1
#endif

/** 1: iot_network. 0: a dead link is noticed by time-outs only. Saves 200 bytes. */
#ifndef IOT_FEATURE_NETWORK_HINTS
#define IOT_FEATURE_NETWORK_HINTS 1
#endif

/** 1: Names of hosts, by lwIP's resolver. 0: hosts are addresses, else IOT_ERR_DNS_UNKNOWN; lwIP may be built without DNS.
 *  Saves 490 bytes and 32, and what lwIP's own resolver takes. */
#ifndef IOT_FEATURE_DNS
#define IOT_FEATURE_DNS 1
#endif

/** 1: JSON (iot_json.h): read, checked strictly, and written. Needs jsmn.h, one header. Saves 48,600 bytes
 *  and 200; 5,840 and none of them are its own, the rest is what needs it: IOT_FEATURE_ALINK, _REGISTER, _WEB, _UPLINK. */
#ifndef IOT_FEATURE_JSON
#define IOT_FEATURE_JSON 1
#endif

#define IOT_ALINK_CAN                                                                              \
    (IOT_FEATURE_LINK && IOT_FEATURE_RECEIVE && IOT_FEATURE_WRITER && IOT_FEATURE_JSON)

/** 1: Requests and replies of the Alibaba Cloud IoT platform (iot_alink.h). Those behind it are parts of it. Saves
 *  28,100 bytes and 176, all of them and the platform's updates included. */
#ifndef IOT_FEATURE_ALINK
#define IOT_FEATURE_ALINK IOT_ALINK_CAN
#endif

/** 1: The thing model (iot_thing.h): properties, events and services as tables. Saves 7,830 bytes. */
#ifndef IOT_FEATURE_THING
#define IOT_FEATURE_THING IOT_FEATURE_ALINK
#endif

/** 1: Bytes from and to products without a thing model, and synchronous calls of any form (iot_thing.h). Saves 650 bytes. */
#ifndef IOT_FEATURE_RAW
#define IOT_FEATURE_RAW IOT_FEATURE_ALINK
#endif

/** 1: Tags, time, remote configuration, reset, logs, diagnosis, TSL, and the platform's notices (iot_cloud.h). Saves 7,150
 *  bytes and 64. */
#ifndef IOT_FEATURE_CLOUD
#define IOT_FEATURE_CLOUD IOT_FEATURE_ALINK
#endif

/** 1: The shadow (iot_shadow.h). Saves 2,230 bytes and 8. */
#ifndef IOT_FEATURE_SHADOW
#define IOT_FEATURE_SHADOW IOT_FEATURE_ALINK
#endif

#define IOT_REGISTER_CAN (IOT_FEATURE_LINK && IOT_FEATURE_DECLINE && IOT_FEATURE_JSON)

/** 1: Dynamic registration (iot_register.h). 0: an identity with a registration is refused by iot_device_init. Saves 3,930
 *  bytes and 24. */
#ifndef IOT_FEATURE_REGISTER
#define IOT_FEATURE_REGISTER IOT_REGISTER_CAN
#endif

/** 1: HTTP (iot_http.h): a client for requests of the application's, and for what the two below do. Saves 25,900 bytes,
 *  both of them included; who attaches no client has a linker that leaves nearly all of it out. */
#ifndef IOT_FEATURE_HTTP
#define IOT_FEATURE_HTTP 1
#endif

#define IOT_OTA_CAN (IOT_FEATURE_HTTP && IOT_FEATURE_LINK)

/** 1: Firmware update (iot_ota.h). Saves 11,800 bytes. */
#ifndef IOT_FEATURE_OTA
#define IOT_FEATURE_OTA IOT_OTA_CAN
#endif

#define IOT_WEB_CAN (IOT_FEATURE_HTTP && IOT_FEATURE_LINK && IOT_FEATURE_JSON)

/** 1: What the platform offers by HTTPS (iot_web.h): registration, login, bootstrap, data. Saves 4,560 bytes. */
#ifndef IOT_FEATURE_WEB
#define IOT_FEATURE_WEB IOT_WEB_CAN
#endif

/** 1: CoAP (iot_coap.h): a client over UDP. Saves 35,190 bytes and 8, all behind it included; the client is
 *  12 KB of them. Who attaches nothing has a linker that leaves nearly all of it out. */
#ifndef IOT_FEATURE_COAP
#define IOT_FEATURE_COAP 1
#endif

#define IOT_DTLS_CAN (IOT_FEATURE_COAP && IOT_FEATURE_TLS)

/** 1: DTLS for it (iot_dtls.h). Saves 7,010 bytes and 8, the server's included, 5 KB of mbedTLS, also of a program that attaches no
 *  client, and 250 bytes of the arena of each TLS connection. */
#ifndef IOT_FEATURE_DTLS
#define IOT_FEATURE_DTLS IOT_DTLS_CAN
#endif

#define IOT_COAP_SERVER_CAN (IOT_FEATURE_COAP && (IOT_FEATURE_TLS || IOT_FEATURE_LINK))
/** 1: A server of CoAP (iot_coap_server.h). Needs digests of mbedTLS. Saves 15,340 bytes and 8, its
 *  DTLS included; who attaches none has a linker that leaves nearly all of it out. */
#ifndef IOT_FEATURE_COAP_SERVER
#define IOT_FEATURE_COAP_SERVER IOT_COAP_SERVER_CAN
#endif
#define IOT_DTLS_SERVER_CAN (IOT_FEATURE_COAP_SERVER && IOT_FEATURE_DTLS)
/** 1: ... and DTLS for it. Saves 3,300 bytes and 8, and 5 KB of mbedTLS, also of a program that attaches no
 *  server. */
#ifndef IOT_FEATURE_DTLS_SERVER
#define IOT_FEATURE_DTLS_SERVER IOT_DTLS_SERVER_CAN
#endif
/** 1: CBOR (iot_cbor.h). Saves 2,730 bytes. */
#ifndef IOT_FEATURE_CBOR
#define IOT_FEATURE_CBOR 1
#endif
#define IOT_UPLINK_CAN (IOT_FEATURE_COAP && IOT_FEATURE_LINK && IOT_FEATURE_JSON)
/** 1: The platform's CoAP channel (iot_uplink.h). Saves 4,840 bytes. */
#ifndef IOT_FEATURE_UPLINK
#define IOT_FEATURE_UPLINK IOT_UPLINK_CAN
#endif
/** 1: iot_device_counters and iot_device_pool. Saves 560 bytes and 48. */
#ifndef IOT_FEATURE_STATS
#define IOT_FEATURE_STATS 1
#endif

/** 1: iot_err_name, iot_err_text and the same for details. 0: errors are numbers; without a log only. Saves 11,670
 *  bytes, the texts (IOT_FEATURE_ERR_TEXTS) among them. */
#ifndef IOT_FEATURE_ERR_NAMES
#define IOT_FEATURE_ERR_NAMES 1
#endif

/* ---- Code size --------------------------------------------------------------------------- */

/** 1: iot_err_text gives a sentence per error (about 3 KB of flash), iot_err_detail_text too
 *  (2 KB); 0: only the names. */
#ifndef IOT_FEATURE_ERR_TEXTS
#define IOT_FEATURE_ERR_TEXTS 1
#endif

/** Lines up to this enum iot_log_level are compiled in; 0: none, and the log costs nothing. 5 includes
 *  what goes up and down ("> topic payload", "< topic payload"), with secrets masked. */
#ifndef IOT_LOG_LEVEL
#define IOT_LOG_LEVEL 0
#endif

/** Longest line of the log, bytes; what is longer is cut and says so. On the stack while a line is made. */
#ifndef IOT_LOG_LINE_BYTES
#define IOT_LOG_LINE_BYTES 256
#endif

/** 1: the library checks itself and calls iot_assert_failed (port) when it finds itself wrong. */
#ifndef IOT_ASSERTS
#define IOT_ASSERTS 0
#endif

/* What goes together, and the hash of all. */
#include "iot/iot_config_check.h"

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_base.h
 * Words that every part uses: errors, time, slices, tickets, writers.
 */
#ifndef IOT_BASE_H
#define IOT_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iot/iot_config.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * All errors: X(NAME, value, text). Zero is success. AGAIN and FULL are weather, not failure: the
 * call changed nothing and may be repeated. `detail` beside an error keeps the foreign number
 * (lwIP's err_t, CONNACK code, packet type).
 */
#define IOT_ERR_LIST_CORE(X)                                                                       \
    X(OK, 0, "done")                                                                               \
    X(AGAIN, -1, "nothing to do now; poll and ask again")                                          \
    X(ARG, -2, "an argument is not allowed here")                                                  \
    X(STATE, -3, "call not allowed in the present state")                                          \
    X(FULL, -4, "a fixed pool or buffer is full; retry when something in it has ended")            \
    X(SIZE, -5, "larger than a fixed buffer can ever hold; see iot_config.h")                      \
    X(CONFIG, -6, "application and library were built with different iot_config.h values")         \
    X(CLOSED, -7, "closed by the application")                                                     \
    X(CUT, -8, "the connection was lost while this was being sent")                                \
    X(UNKNOWN, -9, "outcome unknown: sent, not acknowledged, and the session is gone")             \
    X(RANDOM, -10, "the port's random source failed")                                              \
    X(KV, -11, "the port's key-value store failed")                                                \
    X(DROPPED, -12, "gave way to a newer message, as the queue policy says")                       \
    X(NET_DOWN, -20, "the application said that the network is down")                              \
    X(DNS_UNKNOWN, -21, "no such host: the DNS server knows no address, or it is not a name")      \
    X(DNS_TIMEOUT, -22, "no answer from the DNS server")                                           \
    X(DNS_BUSY, -23, "lwIP cannot take the DNS request; see DNS_TABLE_SIZE, DNS_MAX_REQUESTS")     \
    X(DNS_SERVER, -32, "lwIP has no DNS server; DHCP not finished, or call dns_setserver")         \
    X(TCP_MEMORY, -24, "lwIP has no free connection or segment; see MEMP_NUM_TCP_PCB, MEM_SIZE")   \
    X(TCP_ROUTE, -25, "no route: interface down, no address, or no gateway")                       \
    X(TCP_REFUSED, -26, "connection refused: nothing listens on that port")                        \
    X(TCP_TIMEOUT, -27, "no answer to the TCP handshake: host unreachable or filtered")            \
    X(TCP_RESET, -28, "the peer reset the connection")                                             \
    X(TCP_ABORTED, -29, "lwIP gave the connection up: address changed or retries exhausted")       \
    X(TCP_EOF, -30, "the peer closed the connection")                                              \
    X(TCP_STALLED, -31, "the peer takes no more bytes")                                            \
    X(NET_CHANGED, -33, "the application said that the network changed")                           \
    X(TLS_VERIFY, -40, "server certificate rejected; detail says what is wrong with it")           \
    X(TLS_ALERT, -41, "the server ended TLS with an alert; detail is its number")                  \
    X(TLS_KIND, -42, "no TLS kind in common: it wants one that options forbid, or has no TLS 1.2") \
    X(TLS_VERSION, -43, "the server speaks no TLS 1.2 or newer")                                   \
    X(TLS_PSK, -44, "the server does not know this PSK identity, or has another key for it")       \
    X(TLS_RECORD, -45, "the server sends larger records than IOT_TLS_RX_BYTES; raise it")          \
    X(TLS_MEMORY, -46, "the TLS arena is too small; see iot_tls_options.arena_bytes")              \
    X(TLS_EOF, -47, "the connection ended inside TLS; in a handshake: is TLS spoken there?")       \
    X(TLS_CLOSED, -48, "the server ended the connection in good order (close_notify)")             \
    X(TLS_TIMEOUT, -49, "the server does not finish the TLS handshake")                            \
    X(TLS_PROTOCOL, -50, "the server breaks the TLS protocol; detail is mbedTLS's code")           \
    X(TLS_CREDENTIAL, -51, "a certificate or key of the options is not plain DER, or not for us")  \
    X(MQTT_MALFORMED, -60, "malformed packet from the broker; detail is its first byte")           \
    X(MQTT_REFUSED, -61, "broker refused CONNECT; detail is its code")                             \
    X(MQTT_PROTOCOL, -62, "packet out of place from the broker; detail is its first byte")         \
    X(MQTT_SESSION, -63, "broker claims a session although a clean one was asked for")             \
    X(MQTT_CONNACK_TIMEOUT, -64, "no CONNACK: is this an MQTT broker?")                            \
    X(MQTT_PING_TIMEOUT, -65, "no answer to PINGREQ: the link or the broker is dead")              \
    X(MQTT_ACK_TIMEOUT, -66, "the broker lives but acknowledges nothing")                          \
    X(MQTT_QOS2_FULL, -67, "more QoS 2 messages at once than IOT_MQTT_QOS2_IN_MAX")                \
    X(MQTT_DECLINED, -68, "a handler declined a message for too long")                             \
    X(MQTT_TOO_LARGE, -69, "a packet that cannot be skipped exceeds IOT_MQTT_RX_BYTES")            \
    X(MQTT_SUBACK, -70, "broker refused the subscription")                                         \
    X(MQTT_TOPIC, -71, "not a valid topic, filter, client id or user name")                        \
    X(MQTT_UNFINISHED, -72, "a streamed message was not written on in time")                       \
    X(LINK_REGISTER, -76,                                                                          \
      "registration refused: names, product secret, console switch, or active already")            \
    X(LINK_REGISTER_TIMEOUT, -77, "the platform took the registration and sent no secret")         \
    X(LINK_REGISTER_TLS, -78,                                                                      \
      "registration needs TLS by certificates; no secret is stored for PSK")                       \
    X(LINK_CLIENT_ID, -80, "the platform rejects the client id: a field is missing or wrong")      \
    X(LINK_SECRET, -81, "login refused: wrong secret, unknown names, or device disabled, deleted") \
    X(LINK_DENIED, -82, "login not authorized: wrong secret or names, other region, or disabled")  \
    X(LINK_FLOW, -83, "closed right after connecting: too many connects, the platform slows us")   \
    X(LINK_TWICE, -84, "closed soon after the login: identity used elsewhere, kicked or disabled") \
    X(LINK_DISABLED, -85, "the platform disabled or deleted this device")                          \
    X(LINK_TIMEOUT, -86, "no reply from the platform in time")                                     \
    X(LINK_CODE, -87, "the platform refused a request; detail is its code")                        \
    X(LINK_REPLY, -88, "a reply that nobody waits for: late, doubled, or to another device")       \
    X(LINK_METHOD, -89, "a request of the platform's that nobody here serves")                     \
    X(JSON_SYNTAX, -90, "not JSON; iot_json_check tells where it ceases to be")                    \
    X(JSON_DEPTH, -91, "JSON nested deeper than IOT_JSON_DEPTH_MAX; raise it")                     \
    X(JSON_MISSING, -92, "the JSON object has no such member")                                     \
    X(JSON_TYPE, -93, "the JSON value is of another kind than was asked for")                      \
    X(JSON_RANGE, -94, "the JSON value is too large for what was asked for; ask for a wider type")

/** Those of HTTP and of updates. */
#define IOT_ERR_LIST_WEB(X)                                                                        \
    X(HTTP_URL, -100, "not a URL: no host, unknown scheme, a character that is none, or too long") \
    X(HTTP_SYNTAX, -101, "the server's response is not HTTP/1.1")                                  \
    X(HTTP_HEADER, -102, "headers of the response are larger than IOT_HTTP_RX_BYTES allows")       \
    X(HTTP_LENGTH, -103, "lengths of the response contradict each other, or exceed 32 bits")       \
    X(HTTP_CHUNK, -104, "a chunk of the response is ill-formed")                                   \
    X(HTTP_CODING, -105, "the body is coded in a way that was not asked for")                      \
    X(HTTP_CUT, -106, "the connection ended in the middle of the response")                        \
    X(HTTP_STATUS, -107, "the server refused the request; detail is the status")                   \
    X(HTTP_RANGE, -108, "the server sent another range than was asked for")                        \
    X(HTTP_REDIRECT, -109, "a redirect that is not followed: too many, to plain http, or no URL")  \
    X(HTTP_TIMEOUT, -110, "no response from the server in time")                                   \
    X(HTTP_SLOW, -111, "the body comes slower than the options allow")                             \
    X(OTA_ROOM, -114, "MQTT makes room for the download of an update, and comes back after it")    \
    X(OTA_JOB, -115, "the offered update lacks a member, or one has a wrong type")                 \
    X(OTA_METHOD, -116, "the offered update names no digest, or an unknown one (signMethod)")      \
    X(OTA_DIGEST, -117, "the image has another digest than was promised")                          \
    X(OTA_SIGNATURE, -118, "the image's signature is missing or wrong")                            \
    X(OTA_SIZE, -119, "the image has no bytes, or more than the slot, or not as many as promised") \
    X(OTA_VERSION, -120, "the offered version is not one that the options allow")                  \
    X(OTA_MODULE, -121, "an update for a module that this device does not have")                   \
    X(OTA_REFUSED, -122, "the application refused or cancelled the update")                        \
    X(OTA_REPLACED, -123, "another update took its place")                                         \
    X(OTA_CHANGED, -124, "the image changed on the server while it was fetched")                   \
    X(OTA_EXPIRED, -125, "the URL is not valid any more; the platform has to be asked again")      \
    X(OTA_FAILED, -126, "given up after as many attempts as the options allow")                    \
    X(OTA_BLOCK, -127, "a block of the image is damaged, or not the one that was asked for (MQTT)")

/** Those of CoAP and of datagrams. */
#define IOT_ERR_LIST_COAP(X)                                                                       \
    X(UDP_MEMORY, -130, "lwIP has no free UDP socket or buffer; see MEMP_NUM_UDP_PCB, MEM_SIZE")   \
    X(UDP_ROUTE, -131, "no route for datagrams: interface down, no address, or no gateway")        \
    X(COAP_URI, -132, "not a path of CoAP, or a segment of it has more than 255 bytes")            \
    X(COAP_FORMAT, -133, "not a CoAP message, or one that breaks its format")                      \
    X(COAP_TIMEOUT, -134, "no answer from the server, however often it was asked")                 \
    X(COAP_SILENT, -135, "the server has the request, and sends no response in time")              \
    X(COAP_RESET, -136, "the server rejected the message (RST): it cannot make sense of it")       \
    X(COAP_OPTION, -137,                                                                           \
      "the response has a critical option that nobody here knows; detail: which")                  \
    X(COAP_BLOCK, -138,                                                                            \
      "blocks that do not fit together: out of order, short, or of a wrong size")                  \
    X(COAP_CHANGED, -139, "the body changed on the server each time while it was fetched")         \
    X(COAP_LIMIT, -140, "the body is longer than the request allows")                              \
    X(COAP_ECHO, -141, "the server wants to see again and again that we are there (Echo)")         \
    X(DTLS_WORN, -142, "the association has sent all the records that it may; make a new one")     \
    X(CBOR_FORMAT, -143, "not CBOR; see where")                                                    \
    X(CBOR_CUT, -144, "the bytes end in the middle of a value of CBOR")                            \
    X(CBOR_DEPTH, -145, "more containers in each other than IOT_JSON_DEPTH_MAX")                   \
    X(CBOR_MISSING, -146, "no member of that name in the map")                                     \
    X(CBOR_KIND, -147, "the value is of another kind")                                             \
    X(CBOR_RANGE, -148, "the value does not fit, or is of a form that is not read")                \
    X(UPLINK_STATUS, -149, "the platform answers by another code than 2.05; detail: the code")     \
    X(UPLINK_TOKEN, -150, "the platform gave a new token, and does not know it either")            \
    X(UPLINK_CIPHER, -151, "what the platform answers cannot be decrypted")

#define IOT_ERR_LIST(X) IOT_ERR_LIST_CORE(X) IOT_ERR_LIST_WEB(X) IOT_ERR_LIST_COAP(X)

/** Result of most calls; a member of enum iot_err_code. */
typedef int32_t iot_err;

enum iot_err_code {
#define IOT_ERR_ENUM(name, value, text) IOT_ERR_##name = (value),
    IOT_ERR_LIST(IOT_ERR_ENUM)
#undef IOT_ERR_ENUM
};

#define IOT_OK IOT_ERR_OK

#if IOT_FEATURE_ERR_NAMES
/** Name without prefix ("TCP_REFUSED"), static; "?" for a number that is none of ours. */
const char *iot_err_name(iot_err err);

/** One English sentence, static; with IOT_FEATURE_ERR_TEXTS 0 the name instead. */
const char *iot_err_text(iot_err err);

/**
 * What the number beside an error means, if it is known: CONNACK codes (MQTT_REFUSED, LINK_...), faults
 * of a certificate (TLS_VERIFY; the first of several), TLS alerts (TLS_ALERT), codes of the platform (LINK_REGISTER,
 * LINK_CODE; with IOT_FEATURE_WEB, the most frequent), those of its CoAP (UPLINK_STATUS, UPLINK_TOKEN).
 *
 * Returns  a word in capitals ("EXPIRED") and a sentence with advice ("its end has passed; is our
 *          clock right?"), static; "" if there is nothing to say. With IOT_FEATURE_ERR_TEXTS 0 the text is the
 *          name.
 */
const char *iot_err_detail_name(iot_err err, int32_t detail);
const char *iot_err_detail_text(iot_err err, int32_t detail);
#endif

/** A moment in ms on the device's own axis, which never goes back. */
typedef uint64_t iot_time;

#define IOT_TIME_NEVER UINT64_MAX
#define IOT_MS_NEVER   UINT32_MAX

/** Bytes that belong to somebody else; who and until when is said where one is given. */
struct iot_bytes {
    const uint8_t *ptr;
    uint32_t len;
};

/** Names one accepted request in its later events. Never 0; a number comes back only after 2^32
 *  others, so an old ticket does not name a new request. */
typedef uint32_t iot_ticket;

/** Appends into memory of the library's. Writing past the end sets `overflow` and writes nothing
 *  more, so that a chain of puts is checked once, at its commit. One without memory (ptr NULL) counts.
 *  Fields are private but for `len` and `overflow`, which may be read. */
struct iot_writer {
    uint8_t *ptr;
    uint32_t len;
    uint32_t cap;
    bool overflow;
    void *owner;
};

#if IOT_WRITERS
/** Append `n` bytes. Context: while the writer is open. */
void iot_writer_put(struct iot_writer *w, const void *bytes, uint32_t n);

/** Append a NUL-terminated text, without the NUL. */
void iot_writer_text(struct iot_writer *w, const char *text);

/** Append a decimal number. */
void iot_writer_u32(struct iot_writer *w, uint32_t value);
#endif

#define IOT_VERSION_MAJOR 0
#define IOT_VERSION_MINOR 1
#define IOT_VERSION_PATCH 0

/** Version of the library that is linked: major << 16 | minor << 8 | patch. */
uint32_t iot_version(void);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_config_check.h
 * What of iot_config.h does not go together is refused here, with what to do; and IOT_CONFIG_HASH, by which iot_device_init
 * knows that library and application were built alike. Included by iot_config.h.
 */
#ifndef IOT_CONFIG_CHECK_H
#define IOT_CONFIG_CHECK_H

#include "iot/iot_config.h"

#if IOT_MQTT_RX_BYTES < 128
#error "IOT_MQTT_RX_BYTES: CONNECT with an ordinary identity needs 128 bytes at least; raise it"
#endif
#if IOT_MQTT_TX_BYTES < 128
#error "IOT_MQTT_TX_BYTES: 128 is the smallest ring that is worth having; raise it"
#endif
#if IOT_MQTT_OUT_MAX < 1 || IOT_MQTT_OUT_MAX > 255
#error "IOT_MQTT_OUT_MAX: choose 1 to 255"
#endif
#if IOT_MQTT_DROPPED_MAX < 1 || IOT_MQTT_DROPPED_MAX > 255
#error "IOT_MQTT_DROPPED_MAX: choose 1 to 255"
#endif
#if IOT_MQTT_SUBS_MAX < 1 || IOT_MQTT_SUBS_MAX > 255
#error "IOT_MQTT_SUBS_MAX: choose 1 to 255"
#endif
#if IOT_MQTT_CONTROL_BYTES < 32
#error "IOT_MQTT_CONTROL_BYTES: choose 32 at least; the longest filter is this minus 10"
#endif
#if IOT_MQTT_ACKS_MAX < 1 || IOT_MQTT_ACKS_MAX > 255
#error "IOT_MQTT_ACKS_MAX: choose 1 to 255"
#endif
#if IOT_MQTT_QOS2_IN_MAX < 1 || IOT_MQTT_QOS2_IN_MAX > 255
#error "IOT_MQTT_QOS2_IN_MAX: choose 1 to 255"
#endif
#if IOT_POLL_PACKETS < 1
#error "IOT_POLL_PACKETS: one packet a tick is the least"
#endif
#if IOT_STREAM_MAX_MS > 1000000
#error "IOT_STREAM_MAX_MS: no broker waits a quarter of an hour; choose 1000000 at most"
#endif
#if IOT_RX_PBUFS_MAX < 2
#error "IOT_RX_PBUFS_MAX: choose 2 at least, a segment may come in two pbufs"
#endif
#if IOT_TLS_RX_BYTES < 512 || IOT_TLS_RX_BYTES > 16384
#error "IOT_TLS_RX_BYTES: choose 512 to 16384"
#endif
#if IOT_TLS_TX_BYTES < 512 || IOT_TLS_TX_BYTES > 16384
#error "IOT_TLS_TX_BYTES: choose 512 to 16384"
#endif
#if IOT_FEATURE_TLS_13 && !IOT_FEATURE_TLS
#error "IOT_FEATURE_TLS_13: TLS 1.3 needs TLS; set IOT_FEATURE_TLS too, or neither"
#endif
#if !IOT_FEATURE_RECEIVE && (IOT_FEATURE_PARTS || IOT_FEATURE_DECLINE ||                           \
                             IOT_FEATURE_UNSUBSCRIBE || IOT_FEATURE_SUBS_INDEX)
#error                                                                                             \
    "IOT_FEATURE_RECEIVE 0: PARTS, DECLINE, UNSUBSCRIBE and SUBS_INDEX are about received messages; leave them out too"
#endif
#if IOT_JSON_DEPTH_MAX < 1 || IOT_JSON_DEPTH_MAX > 31
#error "IOT_JSON_DEPTH_MAX: choose 1 to 31"
#endif
#if IOT_FEATURE_ALINK && !IOT_ALINK_CAN
#error "IOT_FEATURE_ALINK: needs LINK, RECEIVE, WRITER and JSON; set those too, or leave it out"
#endif
#if !IOT_FEATURE_ALINK && (IOT_FEATURE_CLOUD || IOT_FEATURE_SHADOW)
#error "IOT_FEATURE_ALINK 0: CLOUD and SHADOW are requests of the platform; leave them out too"
#endif
#if IOT_REQUESTS_MAX < 1 || IOT_REQUESTS_MAX > 255
#error "IOT_REQUESTS_MAX: choose 1 to 255"
#endif
#if IOT_REQUEST_MS < 1 || IOT_REQUEST_MS > 1000000
#error "IOT_REQUEST_MS: choose 1 to 1000000"
#endif
#if !IOT_FEATURE_ALINK &&                                                                          \
    (IOT_FEATURE_THING || IOT_FEATURE_RAW || IOT_FEATURE_CLOUD || IOT_FEATURE_SHADOW)
#error "IOT_FEATURE_ALINK 0: THING, RAW, CLOUD and SHADOW stand on it; leave them out too"
#endif
#if IOT_PROPERTIES_MAX < 1 || IOT_PROPERTIES_MAX > 200
#error "IOT_PROPERTIES_MAX: choose 1 to 200"
#endif
#if IOT_CALLS_MAX < 1 || IOT_CALLS_MAX > 255
#error "IOT_CALLS_MAX: choose 1 to 255"
#endif
#if IOT_CALL_TOKEN_BYTES < 20 || IOT_CALL_TOKEN_BYTES > 100
#error "IOT_CALL_TOKEN_BYTES: choose 20 to 100; 19 are for digits, 1 for '/', the rest for a name"
#endif
#if IOT_CALL_MS < 1 || IOT_CALL_MS > 1000000
#error "IOT_CALL_MS: choose 1 to 1000000"
#endif
#if IOT_FEATURE_REGISTER && !IOT_REGISTER_CAN
#error "IOT_FEATURE_REGISTER: needs LINK, RECEIVE, DECLINE and JSON; set those too, or leave it out"
#endif
#if IOT_FEATURE_OTA && !IOT_OTA_CAN
#error "IOT_FEATURE_OTA: needs HTTP and LINK; set those too, or leave it out"
#endif
#if IOT_FEATURE_WEB && !IOT_WEB_CAN
#error "IOT_FEATURE_WEB: needs HTTP, LINK and JSON; set those too, or leave it out"
#endif
#if IOT_FEATURE_DTLS && !IOT_DTLS_CAN
#error "IOT_FEATURE_DTLS: needs COAP and TLS; set those too, or leave it out"
#endif
#if IOT_FEATURE_COAP_SERVER && !IOT_COAP_SERVER_CAN
#error                                                                                             \
    "IOT_FEATURE_COAP_SERVER: needs COAP, and TLS or LINK for digests; set those too, or leave it out"
#endif
#if IOT_FEATURE_DTLS_SERVER && !IOT_DTLS_SERVER_CAN
#error "IOT_FEATURE_DTLS_SERVER: needs COAP_SERVER and DTLS; set those too, or leave it out"
#endif
#if IOT_FEATURE_UPLINK && !IOT_UPLINK_CAN
#error "IOT_FEATURE_UPLINK: needs COAP, LINK and JSON; set those too, or leave it out"
#endif
#if IOT_SOCKET_PBUFS < 2 || IOT_SOCKET_PBUFS > 64
#error "IOT_SOCKET_PBUFS: choose 2 to 64"
#endif
#if IOT_COAP_BODY_BYTES < 64 || IOT_COAP_BODY_BYTES > 65535
#error "IOT_COAP_BODY_BYTES: choose 64 to 65535"
#endif
#if IOT_COAP_CALLS < 1 || IOT_COAP_CALLS > 32
#error "IOT_COAP_CALLS: choose 1 to 32"
#endif
#if IOT_COAP_ANSWERS < 2 || IOT_COAP_ANSWERS > 64
#error "IOT_COAP_ANSWERS: choose 2 to 64, one peer has half of them"
#endif
#if IOT_COAP_ANSWER_BYTES < 32 || IOT_COAP_ANSWER_BYTES > IOT_COAP_BYTES
#error "IOT_COAP_ANSWER_BYTES: choose 32 to IOT_COAP_BYTES"
#endif
#if IOT_COAP_OBSERVERS < 1 || IOT_COAP_OBSERVERS > 64
#error "IOT_COAP_OBSERVERS: choose 1 to 64"
#endif
#if IOT_COAP_LATER_MS < 1 || IOT_COAP_LATER_MS > 240000
#error "IOT_COAP_LATER_MS: choose 1 to 240000"
#endif
#if IOT_COAP_SESSIONS < 1 || IOT_COAP_SESSIONS > 16
#error "IOT_COAP_SESSIONS: choose 1 to 16"
#endif
#if IOT_COAP_BYTES < 128 || IOT_COAP_BYTES > 4096
#error "IOT_COAP_BYTES: choose 128 to 4096"
#endif
#if IOT_COAP_REQUESTS < 1 || IOT_COAP_REQUESTS > 255
#error "IOT_COAP_REQUESTS: choose 1 to 255"
#endif
#if IOT_COAP_SEEN < 1 || IOT_COAP_SEEN > 255
#error "IOT_COAP_SEEN: choose 1 to 255"
#endif
#if IOT_HTTP_RX_BYTES < 256 || IOT_HTTP_RX_BYTES > 65535
#error "IOT_HTTP_RX_BYTES: choose 256 to 65535"
#endif
#if IOT_HTTP_URL_MAX < 63 || IOT_HTTP_URL_MAX > 4095
#error "IOT_HTTP_URL_MAX: choose 63 to 4095"
#endif
#if IOT_HTTP_ETAG_MAX < 2 || IOT_HTTP_ETAG_MAX > 255
#error "IOT_HTTP_ETAG_MAX: choose 2 to 255"
#endif
#if IOT_OTA_STEP_BYTES < 128
#error "IOT_OTA_STEP_BYTES: choose 128 at least"
#endif
#if IOT_HTTP_HEAD_BYTES < IOT_HTTP_RX_BYTES
#error "IOT_HTTP_HEAD_BYTES: not less than IOT_HTTP_RX_BYTES"
#endif
#if IOT_REGISTER_MS < 1 || IOT_REGISTER_MS > 1000000
#error "IOT_REGISTER_MS: choose 1 to 1000000"
#endif
#if IOT_LOG_LEVEL < 0 || IOT_LOG_LEVEL > 5
#error "IOT_LOG_LEVEL: choose 0 (no log) to 5, see enum iot_log_level"
#endif
#if IOT_LOG_LEVEL > 0 && !IOT_FEATURE_ERR_NAMES
#error "IOT_LOG_LEVEL: the log says errors by name; set IOT_FEATURE_ERR_NAMES too"
#endif
#if IOT_LOG_LINE_BYTES < 64
#error "IOT_LOG_LINE_BYTES: 64 is the shortest line that still says something; raise it"
#endif

/** 1: somebody needs struct iot_writer. */
#define IOT_WRITERS                                                                                \
    (IOT_FEATURE_WRITER || IOT_FEATURE_STREAMED || IOT_FEATURE_LINK || IOT_FEATURE_JSON ||         \
     IOT_FEATURE_COAP_SERVER || IOT_FEATURE_CBOR || IOT_LOG_LEVEL > 0)

/** 1: something can be attached to a device (core/iot_core_part.h). */
#define IOT_ATTACHED (IOT_FEATURE_HTTP || IOT_FEATURE_COAP)

/** One number for everything above that changes a structure or a promise. */
#define IOT_CONFIG_MIX(h, v) ((h)*16777619u ^ (unsigned)(v))
#define IOT_CONFIG_MQTT                                                                            \
    IOT_CONFIG_MIX(                                                                                \
        IOT_CONFIG_MIX(                                                                            \
            IOT_CONFIG_MIX(                                                                        \
                IOT_CONFIG_MIX(                                                                    \
                    IOT_CONFIG_MIX(IOT_CONFIG_MIX(IOT_CONFIG_MIX(2166136261u, IOT_MQTT_RX_BYTES),  \
                                                  IOT_MQTT_TX_BYTES),                              \
                                   IOT_MQTT_OUT_MAX),                                              \
                    IOT_MQTT_SUBS_MAX),                                                            \
                IOT_MQTT_CONTROL_BYTES),                                                           \
            IOT_MQTT_ACKS_MAX),                                                                    \
        IOT_MQTT_QOS2_IN_MAX)
#define IOT_CONFIG_TLS                                                                             \
    IOT_CONFIG_MIX(                                                                                \
        IOT_CONFIG_MIX(                                                                            \
            IOT_CONFIG_MIX(IOT_CONFIG_MIX(IOT_CONFIG_MQTT, IOT_TLS_RX_BYTES), IOT_TLS_TX_BYTES),   \
            IOT_TLS_SESSION_BYTES),                                                                \
        IOT_MQTT_DROPPED_MAX)
#define IOT_CONFIG_SWITCHES                                                                        \
    ((IOT_FEATURE_TLS)*0x00001u + (IOT_FEATURE_TLS_13)*0x00002u + (IOT_FEATURE_LINK)*0x00004u +    \
     (IOT_FEATURE_RECEIVE)*0x00008u + (IOT_FEATURE_PARTS)*0x00010u +                               \
     (IOT_FEATURE_DECLINE)*0x00020u + (IOT_FEATURE_UNSUBSCRIBE)*0x00040u +                         \
     (IOT_FEATURE_SUBS_INDEX)*0x00080u + (IOT_FEATURE_QOS2)*0x00100u +                             \
     (IOT_FEATURE_SESSION_KEEP)*0x00200u + (IOT_FEATURE_QUEUE_DROP)*0x00400u +                     \
     (IOT_FEATURE_WRITER)*0x00800u + (IOT_FEATURE_STREAMED)*0x01000u +                             \
     (IOT_FEATURE_BY_REF)*0x02000u + (IOT_FEATURE_NETWORK_HINTS)*0x04000u +                        \
     (IOT_FEATURE_DNS)*0x08000u + (IOT_FEATURE_STATS)*0x10000u +                                   \
     (IOT_FEATURE_ERR_NAMES)*0x20000u + (IOT_FEATURE_ERR_TEXTS)*0x40000u +                         \
     (IOT_FEATURE_TLS_RSA)*0x80000u + (IOT_FEATURE_TLS_PLATFORM)*0x100000u +                       \
     (IOT_FEATURE_JSON)*0x200000u + (IOT_FEATURE_ALINK)*0x400000u +                                \
     (IOT_FEATURE_THING)*0x800000u + (IOT_FEATURE_RAW)*0x1000000u +                                \
     (IOT_FEATURE_SHADOW)*0x2000000u + (IOT_FEATURE_CLOUD)*0x4000000u +                            \
     (IOT_FEATURE_REGISTER)*0x8000000u + (IOT_FEATURE_HTTP)*0x10000000u +                          \
     (IOT_FEATURE_OTA)*0x20000000u + (IOT_FEATURE_WEB)*0x40000000u)
#define IOT_CONFIG_SWITCHES_MORE                                                                   \
    ((IOT_FEATURE_COAP)*0x1u + (IOT_FEATURE_DTLS)*0x2u + (IOT_FEATURE_COAP_SERVER)*0x4u +          \
     (IOT_FEATURE_DTLS_SERVER)*0x8u + (IOT_FEATURE_CBOR)*0x10u + (IOT_FEATURE_UPLINK)*0x20u)
#define IOT_CONFIG_COAP_SERVER                                                                     \
    IOT_CONFIG_MIX(                                                                                \
        IOT_CONFIG_MIX(                                                                            \
            IOT_CONFIG_MIX(IOT_CONFIG_MIX(IOT_CONFIG_MIX(IOT_CONFIG_MIX(IOT_SOCKET_PBUFS,          \
                                                                        IOT_COAP_BODY_BYTES),      \
                                                         IOT_COAP_CALLS),                          \
                                          IOT_COAP_ANSWERS),                                       \
                           IOT_COAP_ANSWER_BYTES),                                                 \
            IOT_COAP_OBSERVERS),                                                                   \
        IOT_COAP_SESSIONS)
#define IOT_CONFIG_COAP                                                                            \
    IOT_CONFIG_MIX(                                                                                \
        IOT_CONFIG_MIX(                                                                            \
            IOT_CONFIG_MIX(IOT_CONFIG_MIX(IOT_COAP_BYTES, IOT_COAP_REQUESTS), IOT_COAP_SEEN),      \
            IOT_CONFIG_SWITCHES_MORE),                                                             \
        IOT_CONFIG_COAP_SERVER)
#define IOT_CONFIG_HTTP                                                                            \
    IOT_CONFIG_MIX(                                                                                \
        IOT_CONFIG_MIX(IOT_CONFIG_MIX(IOT_HTTP_HEAD_BYTES, IOT_HTTP_RX_BYTES), IOT_HTTP_URL_MAX),  \
        IOT_HTTP_ETAG_MAX)
#define IOT_CONFIG_THING                                                                           \
    IOT_CONFIG_MIX(                                                                                \
        IOT_CONFIG_MIX(IOT_CONFIG_MIX(IOT_CONFIG_TLS, IOT_PROPERTIES_MAX), IOT_CALLS_MAX),         \
        IOT_CALL_TOKEN_BYTES)
#define IOT_CONFIG_LINK                                                                            \
    IOT_CONFIG_MIX(                                                                                \
        IOT_CONFIG_MIX(IOT_CONFIG_MIX(IOT_CONFIG_THING, IOT_REQUESTS_MAX), IOT_CONFIG_HTTP),       \
        IOT_CONFIG_COAP)
#define IOT_CONFIG_HASH                                                                            \
    IOT_CONFIG_MIX(                                                                                \
        IOT_CONFIG_MIX(IOT_CONFIG_MIX(IOT_CONFIG_LINK, IOT_CONFIG_SWITCHES), IOT_LOG_LEVEL),       \
        IOT_ASSERTS)

#endif

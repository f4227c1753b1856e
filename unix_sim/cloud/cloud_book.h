/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_book.h
 * What the emulated platform knows: products, their topics and devices, and its own rules. Read from
 * a text of lines; a `#` starts a comment:
 *
 *     product PK [secret=PS] [gateway] [raw] [register | register=nwl]
 *     model   PK FILE                               its thing model; a file beside this one, or with a folder
 *     topic   PK PATH publish|subscribe|both        PATH follows /{pk}/{dn}/; + and # may stand in it
 *     device  PK DN [secret=DS] [auth=secret|x509|psk] [disabled]
 *     option  NAME VALUE                            see struct cloud_rules
 *     option  reply-code SUFFIX CODE
 *     option  coap-code CODE N
 *
 * raw: its data is bytes, which a script on the platform reads. register: its devices may fetch their secrets (they need
 * no secret= here); register=nwl: also devices that are not listed, which then get a token. What was given out is
 * forgotten when the emulator ends.
 *
 * Each product has the custom topics that a console gives it: user/get and get to subscribe,
 * user/update, user/update/error, update and error to publish; a `topic` line for the same path
 * replaces the permission.
 */
#ifndef CLOUD_BOOK_H
#define CLOUD_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest texts, without the NUL: table 1.1 of the protocol. */
#define CLOUD_KEY_MAX    20
#define CLOUD_NAME_MAX   32
#define CLOUD_SECRET_MAX 64
#define CLOUD_TOPIC_MAX  128

#define CLOUD_PRODUCTS_MAX 32
#define CLOUD_TOPICS_MAX   256
#define CLOUD_DEVICES_MAX  256

#define CLOUD_LOG_PAYLOAD_MAX 200
#define CLOUD_FILE_NAME_MAX   128
#define CLOUD_REPLY_CODES_MAX 8
#define CLOUD_SUFFIX_MAX      64
#define CLOUD_REGION_MAX      24

enum cloud_access {
    CLOUD_PUBLISH = 1,
    CLOUD_SUBSCRIBE = 2,
    CLOUD_BOTH = 3,
};

enum cloud_auth {
    CLOUD_AUTH_SECRET, /* signature over certificate TLS, TLS-PSK or plain */
    CLOUD_AUTH_X509,   /* its certificate is its identity */
    CLOUD_AUTH_PSK,    /* signature, and over TLS-PSK only */
};

enum cloud_state {
    CLOUD_ENABLED,
    CLOUD_DISABLED,
    CLOUD_DELETED,
};

enum cloud_register {
    CLOUD_REGISTER_OFF,
    CLOUD_REGISTER_LISTED, /* devices of the book */
    CLOUD_REGISTER_NEW,    /* any */
};

struct cloud_product {
    char key[CLOUD_KEY_MAX + 1];
    char secret[CLOUD_SECRET_MAX + 1];   /* empty: none */
    char model[CLOUD_FILE_NAME_MAX + 1]; /* name of the file; empty: none */
    bool gateway;                        /* its devices may use the topics of gateways */
    bool raw;
    uint8_t registers; /* of enum cloud_register */
};

struct cloud_topic {
    uint16_t product;
    uint8_t access;                 /* of enum cloud_access */
    char path[CLOUD_TOPIC_MAX + 1]; /* what follows /{pk}/{dn}/ */
};

struct cloud_device {
    uint16_t product;
    uint8_t auth, state;
    char name[CLOUD_NAME_MAX + 1];
    char secret[CLOUD_SECRET_MAX + 1]; /* empty: none, or none yet */
    bool activated;                    /* it has logged in */
    char cid[33], token[33];           /* of a device that registered itself; empty: it did not */
};

/* Topics that end so are answered with this code. code: 0, free. */
struct cloud_reply_code {
    char suffix[CLOUD_SUFFIX_MAX + 1];
    uint32_t code;
};

/** Rules that the platform has, or is said to have, all off by default; and faults of its answers. */
struct cloud_rules {
    bool keepalive_limits;  /* "keepalive-limits": refuse a keep-alive outside 30..1200 s */
    uint32_t publish_rate;  /* "publish-rate": messages a device may send in a second; 0: any */
    uint32_t deliver_rate;  /* "deliver-rate": messages it may get in a second; 0: any */
    uint32_t connect_rate;  /* "connect-rate": connections it may make in a minute; 0: any */
    uint32_t flow_wait_s;   /* "flow-wait-s": how long flow control then shuts it out; 300 */
    uint32_t subscriptions; /* "subscriptions": how many a connection may have; 0: any */
    uint32_t
        log_payload; /* "log-payload": so many bytes of a device's message are in the log; 0: none */
    bool post_strict; /* "post-strict": one wrong property refuses the whole post */
    bool
        no_will; /* "will off": a CONNECT with a will is refused; on, and else: wills are ignored */
    bool
        no_retain; /* "retain off": a PUBLISH with RETAIN is dropped; on, and else: the flag is ignored */
    bool no_config;          /* "config off": there is no remote configuration */
    uint32_t reply_delay_ms; /* "reply-delay-ms": answers come so much later */
    uint32_t reply_drop;     /* "reply-drop": each so many-th answer is lost; 0: none */
    uint32_t reply_double;   /* "reply-double": each so many-th answer comes twice; 0: none */
    uint32_t rrpc_wait_ms;   /* "rrpc-wait-ms": how long a device has for its answer; 8000 */
    char region[CLOUD_REGION_MAX + 1]; /* "region": whose hosts devices are sent to; cn-shanghai */
    uint32_t http_token_s;  /* "http-token-s": life of the data channel's token; 172800 */
    uint32_t http_expire_s; /* "http-expire-s": life of a file's address; 86400 */
    uint32_t http_delay_ms; /* "http-delay-ms": answers come so much later */
    uint32_t http_status;   /* "http-status": of every answer; 0: its own */
    uint32_t http_cut;  /* "http-cut": after so many bytes of a body the connection ends; 0: not */
    uint32_t http_slow; /* "http-slow": bytes of a body in a second; 0: any */
    bool http_norange;  /* "http-norange": Range is not understood */
    bool http_chunked;  /* "http-chunked": bodies come chunked, without Content-Length */
    uint32_t coap_token_s;    /* "coap-token-s": life of CoAP's token; 172800 */
    uint8_t coap_code;        /* "coap-code": "CODE N": with this code, as 5.00, ... */
    uint32_t coap_code_left;  /* ... the next N requests are answered, and not looked at */
    uint32_t coap_drop_ack;   /* "coap-drop-ack": each so many-th answer is lost; 0: none */
    uint32_t coap_double_ack; /* "coap-double-ack": each so many-th answer comes twice */
    uint32_t coap_separate;   /* "coap-separate": each so many-th comes apart from its ACK */
    uint32_t coap_delay_ms;   /* "coap-delay-ms": answers come so much later */
    bool coap_no_seq_check;   /* "coap-seq-check off": numbers are taken whatever they are */
    bool coap_answer_seq;     /* "coap-answer-seq": answers have the number of the request, too */
    struct cloud_reply_code
        reply_codes[CLOUD_REPLY_CODES_MAX]; /* "reply-code": "SUFFIX CODE"; 0: no more */
};

struct cloud_book {
    struct cloud_rules rules;
    uint16_t product_count, topic_count, device_count;
    struct cloud_product products[CLOUD_PRODUCTS_MAX];
    struct cloud_topic topics[CLOUD_TOPICS_MAX];
    struct cloud_device devices[CLOUD_DEVICES_MAX];
};

/**
 * Read a book.
 *
 * book  out.
 * name  of the file, for messages.
 * why   out, after a failure: "NAME:LINE: what is wrong"; no secret is in it.
 */
bool cloud_book_read(struct cloud_book *book, const char *name, const char *text, char *why,
                     size_t cap);

/** Set one rule by its name in the file; the value of reply-code is two words. False: `why` says what is wrong. */
bool cloud_book_option(struct cloud_rules *rules, const char *name, const char *value, char *why,
                       size_t cap);

/** Is it the name of a region that the platform has? */
bool cloud_book_is_region(const char *text);

/** Is it the name of a device? */
bool cloud_book_is_name(const char *text);

/** Index, or -1. */
int cloud_book_product(const struct cloud_book *book, const char *key);
int cloud_book_device(const struct cloud_book *book, const char *key, const char *name);

/** Product key of a device. */
const char *cloud_book_key(const struct cloud_book *book, int device);

#endif

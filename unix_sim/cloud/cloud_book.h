/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_book.h
 * What the emulated platform knows: products, their topics and devices, and its own rules. Read from
 * a text of lines; a `#` starts a comment:
 *
 *     product PK [secret=PS] [gateway]
 *     topic   PK PATH publish|subscribe|both        PATH follows /{pk}/{dn}/; + and # may stand in it
 *     device  PK DN [secret=DS] [auth=secret|x509|psk] [disabled]
 *     option  NAME VALUE                            see struct cloud_rules
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

struct cloud_product {
    char key[CLOUD_KEY_MAX + 1];
    char secret[CLOUD_SECRET_MAX + 1]; /* empty: none */
    bool gateway;                      /* its devices may use the topics of gateways */
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
    char secret[CLOUD_SECRET_MAX + 1]; /* empty: none */
};

/** Rules that the platform has, or is said to have; all off by default. */
struct cloud_rules {
    bool keepalive_limits;  /* "keepalive-limits": refuse a keep-alive outside 30..1200 s */
    uint32_t publish_rate;  /* "publish-rate": messages a device may send in a second; 0: any */
    uint32_t deliver_rate;  /* "deliver-rate": messages it may get in a second; 0: any */
    uint32_t connect_rate;  /* "connect-rate": connections it may make in a minute; 0: any */
    uint32_t flow_wait_s;   /* "flow-wait-s": how long flow control then shuts it out; 300 */
    uint32_t subscriptions; /* "subscriptions": how many a connection may have; 0: any */
    uint32_t
        log_payload; /* "log-payload": so many bytes of a device's message are in the log; 0: none */
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

/** Set one rule by its name in the file; false: `why` says what is wrong. */
bool cloud_book_option(struct cloud_rules *rules, const char *name, const char *value, char *why,
                       size_t cap);

/** Index, or -1. */
int cloud_book_product(const struct cloud_book *book, const char *key);
int cloud_book_device(const struct cloud_book *book, const char *key, const char *name);

/** Product key of a device. */
const char *cloud_book_key(const struct cloud_book *book, int device);

#endif

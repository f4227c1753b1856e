/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_core.h
 * The emulated platform: who may connect, what a connection may do, what the platform answers and says. It has
 * no sockets, clock, chance or cryptography of its own: a front tells it what happened (and when, in
 * ms of any clock that does not go back), does what a verdict says, and then takes the outputs with
 * cloud_next until there are none, which it does outside of calls in here. What it knows of a device's values and
 * documents is on the heap, each with a limit.
 */
#ifndef CLOUD_CORE_H
#define CLOUD_CORE_H

#include "cloud/cloud_book.h"
#include "cloud/cloud_login.h"

#define CLOUD_OUTPUTS_MAX     64
#define CLOUD_LATER_MAX       128               /* answers that wait for their time */
#define CLOUD_PAYLOAD_MAX     (256u * 1024u)    /* of a device's message */
#define CLOUD_SENT_MAX        CLOUD_PAYLOAD_MAX /* of a message that the platform sends */
#define CLOUD_CALLS_MAX       64                /* requests to devices that are remembered */
#define CLOUD_ANSWER_MAX      4096   /* bytes of an answer to one of them that are remembered */
#define CLOUD_REGISTRARS_MAX  16     /* connections that only register, at once */
#define CLOUD_REGISTER_MS     15000u /* ... and how long each may last */
#define CLOUD_GRACE_MS        5000u  /* silence after the keep-alive that is forgiven */
#define CLOUD_LAST_WORD_MS    250u   /* between thing/disable and the end of the connection */
#define CLOUD_PSK_LINKS_MAX   64
#define CLOUD_STORE_MAX       64 /* files that are published */
#define CLOUD_STORE_NAME_MAX  64
#define CLOUD_COAP_ONLINE_MS  600000u /* after a message by CoAP a device counts as online */
#define CLOUD_KEEPALIVE_S_MIN 30
#define CLOUD_KEEPALIVE_S_MAX 1200

/** Names a connection; the front's choice, unique among those that live. 0: none. */
typedef uint64_t cloud_link;

enum cloud_transport {
    CLOUD_PLAIN,
    CLOUD_TLS,
    CLOUD_TLS_PSK,
    CLOUD_TLS_X509, /* TLS, and the device showed a certificate that the front has verified */
};

/** How the core reaches what it does not have. `log` gets a line without "cloud: " and newline; it must
 *  not call back. */
struct cloud_config {
    /* HMAC of `text`; `out` has room for any. */
    bool (*hmac)(void *ctx, enum cloud_hash hash, const char *key, const char *text,
                 uint8_t out[CLOUD_DIGEST_MAX]);
    void (*log)(void *ctx, const char *line);
    /* Digest of `bytes`; NULL: no files of configuration. */
    bool (*digest)(void *ctx, enum cloud_hash hash, const void *bytes, size_t len,
                   uint8_t out[CLOUD_DIGEST_MAX]);
    /* For secrets and tokens; NULL: no registration of devices. */
    void (*random)(void *ctx, uint8_t *out, size_t len);
    /* All bytes of a published file (CLOUD_STORE_HEAD NAME), by malloc; NULL: it cannot be read. NULL: no such files. */
    void *(*load)(void *ctx, const char *file, size_t *len);
    void *ctx;
    /* Where the files are got from, as "https://ota.example.com:8443"; NULL: those hosts, at the usual ports. */
    const char *web_base, *plain_base;
    uint16_t mqtt_port; /* that devices are told; 0: 443 */
    uint64_t wall_ms;   /* UTC in ms when the front's clock was 0 */
    bool sees_silence;  /* the front reports every packet by cloud_heard: silence can be judged */
};

/** A CONNECT. */
struct cloud_login {
    cloud_link link;
    enum cloud_transport transport;
    unsigned protocol_level; /* 4: MQTT 3.1.1 */
    uint32_t keepalive_s;
    const char *client_id;
    const char *user_name, *password; /* NULL: none */
    const char *cert_key, *cert_name; /* CLOUD_TLS_X509: O and CN of its subject; else NULL */
    bool will;                        /* it has one; a front that cannot know says false */
};

enum cloud_answer {
    CLOUD_ACCEPT,
    CLOUD_REFUSE, /* CONNACK with `code`, then close */
    CLOUD_CLOSE,  /* flow control: close without CONNACK; TLS with close_notify */
};

struct cloud_verdict {
    enum cloud_answer answer;
    uint8_t code;     /* CONNACK, section 2.5 */
    char reason[512]; /* of a refusal, in words */
};

/** What becomes of a message from a device. */
enum cloud_route {
    CLOUD_DROP,
    CLOUD_TAKEN, /* it was for the platform, nobody else gets it */
    CLOUD_PASS,  /* custom topic: to whoever has subscribed it */
};

enum cloud_output_kind {
    CLOUD_OUT_PUBLISH, /* to those who have subscribed the topic */
    CLOUD_OUT_DIRECT,  /* to this connection, whether it has subscribed or not */
    CLOUD_OUT_KICK,    /* close this connection */
};

struct cloud_output {
    enum cloud_output_kind kind;
    cloud_link link;
    uint8_t qos;
    char topic[CLOUD_TOPIC_MAX + 1];
    char *payload; /* NULL for CLOUD_OUT_KICK; else with a NUL behind it, which does not count */
    uint32_t payload_len;
};

/* An answer that an option holds back. */
struct cloud_later {
    uint64_t due_ms;
    uint32_t order;  /* among those that are due at once */
    cloud_link link; /* which must be the device's still */
    uint16_t device;
    char topic[CLOUD_TOPIC_MAX + 1];
    char *payload; /* NULL: free */
    uint32_t payload_len;
};

/* So many in a span of time, counted anew in each span. */
struct cloud_rate {
    uint64_t since_ms;
    uint32_t count;
};

/* A device's life on the platform. link: 0, offline. */
struct cloud_session {
    cloud_link link;
    enum cloud_transport transport;
    uint32_t keepalive_s, ext;
    bool system_subscribed, flow; /* flow: shut out by command, until taken back */
    uint64_t heard_ms, close_ms;  /* close_ms: the connection ends then; 0: no */
    uint64_t flow_until_ms;
    struct cloud_rate connects, published, delivered;
};

struct cloud_psk_link {
    cloud_link link;
    uint16_t device;
};

/* A connection that came to register and may do nothing else. link: 0, free. */
struct cloud_registrar {
    cloud_link link;
    uint64_t close_ms;
};

/* What the platform asked of a device. */
enum cloud_call_state {
    CLOUD_CALL_WAITS,
    CLOUD_CALL_ANSWERED,
    CLOUD_CALL_WRONG, /* answered, but not as it should be */
    CLOUD_CALL_LATE,  /* no answer in time */
};

struct cloud_call {
    uint32_t id; /* 0: free */
    uint16_t device;
    uint8_t state; /* of enum cloud_call_state */
    bool plain;    /* the answer is bytes, not an envelope */
    bool json;     /* who waits for it wants JSON */
    uint64_t sent_ms, due_ms, answered_ms;
    char topic[CLOUD_TOPIC_MAX + 1]; /* where the answer comes */
    char service[64];                /* whose outputData it has to keep to; empty: none */
    char *answer;                    /* what came; NULL: nothing yet */
    char wrong[256];                 /* what is wrong with it */
};

/* A file that is published; see cloud_store.h. Without name: free. */
struct cloud_stored {
    char name[CLOUD_STORE_NAME_MAX + 1];
    uint32_t size;
    char md5[33], sha256[65];
};

/* What a device has got by HTTPS; empty: nothing. */
struct cloud_pass {
    char iot_id[33], iot_token[33]; /* user name and password of the older login */
    char token[33];                 /* of the data channel */
    uint64_t token_until_ms;
};

/* What a device has got by CoAP. Without token: nothing. */
struct cloud_coap_pass {
    char token[33];
    uint64_t token_until_ms;
    uint8_t way;       /* of enum cloud_coap_way, by which it came */
    uint8_t key[16];   /* of the symmetric mode */
    uint32_t seq_next; /* ... and the least number that may come */
    bool heard;
    uint64_t heard_ms; /* when a message of it was taken last */
};

struct cloud_model;
struct cloud_thing;
struct cloud_file;
struct cloud_ota;

/** All the memory there is; fields are private, but for `book`, which the front fills by
 *  cloud_book_read before cloud_init. */
struct cloud {
    struct cloud_book book;
    struct cloud_config config;
    struct cloud_session sessions[CLOUD_DEVICES_MAX];
    struct cloud_psk_link psk_links[CLOUD_PSK_LINKS_MAX];
    struct cloud_registrar registrars[CLOUD_REGISTRARS_MAX];
    struct cloud_call calls[CLOUD_CALLS_MAX];
    struct cloud_model *models[CLOUD_PRODUCTS_MAX];
    struct cloud_file *files[CLOUD_PRODUCTS_MAX]; /* remote configuration */
    struct cloud_thing *things[CLOUD_DEVICES_MAX];
    struct cloud_ota *ota; /* updates */
    struct cloud_stored stored[CLOUD_STORE_MAX];
    struct cloud_pass passes[CLOUD_DEVICES_MAX];
    struct cloud_coap_pass coap[CLOUD_DEVICES_MAX];
    uint32_t coap_answers;
    char store_key[33];
    uint32_t next_message;
    bool catching; /* an answer is wanted here, not on its topic */
    char *caught;
    size_t caught_len;
    uint32_t psk_next, next_id, next_call, out_first, out_count, replies, held, later_count;
    char *taken; /* payload of the output that was taken last */
    struct cloud_output outputs[CLOUD_OUTPUTS_MAX];
    struct cloud_later later[CLOUD_LATER_MAX];
};

void cloud_init(struct cloud *c, const struct cloud_config *config);

/** Free what it holds. Also good for a struct of zeros. */
void cloud_end(struct cloud *c);

/** The thing model of a product (index in the book), as text; see cloud_model.h. False: `why` says why not, and the
 *  product has the one that it had. */
bool cloud_set_model(struct cloud *c, int product, const char *text, char *why, size_t cap);

/** A CONNECT. After CLOUD_ACCEPT an older connection of the same device is to be closed: that is an
 *  output. */
void cloud_login(struct cloud *c, const struct cloud_login *login, uint64_t now_ms,
                 struct cloud_verdict *verdict);

/** The key of a TLS-PSK identity, as text: its bytes are the key. False: unknown, logged. */
bool cloud_psk_key(struct cloud *c, cloud_link link, const char *identity, char key[65]);

/** The connection has ended; one that the core does not know is ignored. */
void cloud_gone(struct cloud *c, cloud_link link);

/** A packet has come, of any kind. */
void cloud_heard(struct cloud *c, cloud_link link, uint64_t now_ms);

/** A filter in SUBSCRIBE; false: SUBACK 0x80. held: subscriptions that the connection has. */
bool cloud_subscribe(struct cloud *c, cloud_link link, const char *filter, uint32_t held);

/** May this message of the device be taken at all? Call once for each PUBLISH. */
bool cloud_may_publish(struct cloud *c, cloud_link link, const char *topic, size_t payload_len,
                       uint64_t now_ms);

/** May a PUBLISH with RETAIN be taken? Ask before cloud_may_publish. False: drop it; see the option `retain`. */
bool cloud_may_retain(struct cloud *c, cloud_link link, const char *topic);

/** A message that may. */
enum cloud_route cloud_publish(struct cloud *c, cloud_link link, const char *topic,
                               const void *payload, size_t len, uint64_t now_ms);

/**
 * A message that came without a connection of its own: from the data channel of HTTPS, or by CoAP.
 *
 * answer  out: what the platform has to say to it, by malloc; NULL: nothing.
 * often   out: it was dropped for there are too many.
 * Returns false: it is dropped, `why` says why.
 */
bool cloud_post(struct cloud *c, int device, const char *topic, const void *payload, size_t len,
                uint64_t now_ms, char **answer, size_t *answer_len, bool *often, char *why,
                size_t cap);

/** Is it connected, or has it reported by CoAP within CLOUD_COAP_ONLINE_MS? */
bool cloud_online(const struct cloud *c, int device, uint64_t now_ms);

/** May the device get this message? Call once for each delivery. */
bool cloud_may_deliver(struct cloud *c, cloud_link link, const char *topic, uint64_t now_ms);

/** What time brings: answers that are due, ends of connections. Call every 100 ms or so. */
void cloud_tick(struct cloud *c, uint64_t now_ms);

/** When cloud_tick has an answer to send that an option holds back; UINT64_MAX: never. */
uint64_t cloud_due(const struct cloud *c);

/** The oldest output that is not taken yet; NULL: none. Valid until the next call in here. */
const struct cloud_output *cloud_next(struct cloud *c);

/* ---- What the console's buttons do; cloud_command calls these ------------------------------- */

/** Change a device's state; a connected device is told, and after CLOUD_LAST_WORD_MS cut off unless it is
 *  enabled. */
void cloud_set_state(struct cloud *c, int device, enum cloud_state state, uint64_t now_ms);

/** Close its connection; false: it has none. */
bool cloud_kick(struct cloud *c, int device, const char *why);

/** Send it a message; false: `why` says why not. */
bool cloud_send(struct cloud *c, int device, const char *topic, const char *payload, size_t len,
                const char **why);

/** Refuse its connections as flow control does, and close the present one; or no longer. */
void cloud_set_flow(struct cloud *c, int device, bool on);

#endif

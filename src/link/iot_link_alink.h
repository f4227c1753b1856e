/* SPDX-License-Identifier: Apache-2.0 */
/* Alink, the platform's JSON over MQTT: requests with their replies, and answers to the platform's requests. The
 * memory of a device for it, and the envelope. Which message goes where: iot_link_route.h.
 * Protocol: Alibaba Cloud IoT platform, Alink 1.0 (topics and envelope). */
#ifndef IOT_LINK_ALINK_H
#define IOT_LINK_ALINK_H

#include "iot/iot_alink.h"
#include "iot/iot_device.h"
#include "iot/iot_shadow.h"
#include "link/iot_link_cloud.h"

struct iot_alink;
struct iot_thing;

#if IOT_FEATURE_ALINK

/** Longest topic that the platform takes, bytes. */
#define IOT_LINK_TOPIC_MAX 128u

struct iot_raw_handlers;

/** What alink needs of its device: a way up, as in iot_mqtt.h, and a few words. */
struct iot_alink_line {
    iot_err (*begin)(struct iot_device *dev, const struct iot_msg *msg, uint32_t max,
                     struct iot_writer *w);
    iot_err (*commit)(struct iot_writer *w, iot_ticket *ticket);
    void (*cancel)(struct iot_writer *w);
    iot_err (*subscribe)(struct iot_device *dev, const struct iot_filter *f, iot_ticket *ticket);
    /* The ticket of the next commit: it is the request's id as well. */
    iot_ticket (*next_ticket)(const struct iot_device *dev);
    /* This request is over: what becomes of its message nobody wants to know any more. */
    void (*hush)(struct iot_device *dev, iot_ticket ticket);
    void (*report)(struct iot_device *dev, const struct iot_event *ev);
    const struct iot_port *(*port)(const struct iot_device *dev);
    /* There is something to do in the next tick. */
    void (*wake)(struct iot_device *dev);
    /* May the peer of the present link be believed that it is now `unix_s`? */
    bool (*vouches)(struct iot_device *dev, int64_t unix_s);
    /* As of the last iot_poll; `now` below is that of the last one that had something to do. */
    iot_time (*now)(const struct iot_device *dev);
};

/* A request that awaits its reply. Its id is its ticket. */
struct iot_alink_request {
    iot_ticket ticket; /* 0: free */
    uint32_t deadline; /* low bits of iot_time; set in the first tick after the request */
    uint16_t topic;    /* a hash */
    uint8_t kind;      /* of enum iot_alink_kind: who digests the reply */
    uint8_t fresh : 1; /* the deadline is not set yet */
    uint8_t late : 1;  /* it has passed, while something was unread; another is set */
};

/** Who digests a reply before the application is told of it. */
enum iot_alink_kind {
    IOT_ALINK_PLAIN,
    IOT_ALINK_TIME,
    IOT_ALINK_RESET,
    IOT_ALINK_TSL,
    IOT_ALINK_SHADOW,
    IOT_ALINK_KINDS
};

/** `r` NULL: the request failed, and `code` is the error. IOT_OK: tell the application as well; IOT_ERR_STATE: there is
 *  nothing to tell; IOT_ERR_AGAIN, IOT_ERR_FULL: the reply is declined, it comes again. */
typedef iot_err (*iot_alink_digest)(struct iot_alink *a, int32_t code, const struct iot_reply *r);

/** Begins struct iot_device, so that whoever has the one has the other. */
struct iot_alink {
    const struct iot_link_identity *id; /* NULL: no device of the platform */
    const struct iot_alink_line *line;
    iot_time now;
#if IOT_FEATURE_THING
    struct iot_thing *thing; /* NULL: none is attached */
#endif
#if IOT_FEATURE_RAW
    const struct iot_raw_handlers *raw; /* NULL: none */
#endif
    uint16_t open_topic; /* of the request whose writer is open; */
    uint8_t open_kind;
    bool open_waits; /* it wants a reply */
    bool fresh;      /* some request is */
    bool up;         /* logged in */
    struct iot_alink_request requests[IOT_REQUESTS_MAX];
#if IOT_FEATURE_CLOUD
    struct iot_cloud cloud;
#endif
#if IOT_FEATURE_SHADOW
    struct iot_shadow *shadow; /* NULL: none is attached */
#endif
};

static inline struct iot_alink *iot_alink_of(struct iot_device *dev)
{
    return (struct iot_alink *)(void *)dev;
}

static inline struct iot_device *iot_alink_device(struct iot_alink *a)
{
    return (struct iot_device *)(void *)a;
}

void iot_alink_init(struct iot_alink *a, const struct iot_link_identity *id,
                    const struct iot_alink_line *line);

/** A hash of texts, one behind the other (FNV-1a); it begins with IOT_ALINK_HASH. */
#define IOT_ALINK_HASH 2166136261u
uint32_t iot_alink_hash(uint32_t h, const char *text, uint32_t len);

/* ---- Up ---- */

/** Topics of ours are `before`{pk}/{dn}/`after`, or without the last '/' and `after` if that is "". `part` stands for
 *  a '+' in `after`, if it is not NULL. Made in `text`, of `cap` bytes. IOT_ERR_ARG: no identity with names;
 *  IOT_ERR_SIZE: it is longer. */
iot_err iot_alink_topic(const struct iot_alink *a, const char *before, const char *after,
                        const char *part, char *text, uint32_t cap, struct iot_topic *topic);

/** The next request: a writer for a message whose end, and whose reply if it `waits` for one, is waited for.
 *  Commit with iot_alink_commit, which closes its object. Returns as iot_alink_begin. */
iot_err iot_alink_open(struct iot_alink *a, const struct iot_msg *msg, uint8_t kind, bool waits,
                       uint32_t max, struct iot_writer *w);

/** As iot_alink_begin, for a request whose reply `kind` digests first; `part` as above. */
iot_err iot_alink_ask(struct iot_alink *a, const char *method, const char *part, uint8_t kind,
                      uint32_t flags, uint32_t max, struct iot_writer *w);

/** A request with params that are written already. */
iot_err iot_alink_ask_bytes(struct iot_alink *a, const char *method, uint8_t kind, uint32_t flags,
                            struct iot_bytes params, iot_ticket *ticket);

/** A message of ours without an envelope, on the topic of `before` and `after` (iot_alink_topic). */
iot_err iot_alink_send(struct iot_alink *a, const char *before, const char *after, uint8_t qos,
                       struct iot_bytes payload, iot_ticket *ticket);

/** A request by QoS `flags` say, whose params `write` writes: it is called twice, and the first time they are only
 *  counted. IOT_ERR_SIZE also: longer than the outbox. */
typedef void (*iot_alink_words)(struct iot_writer *w, const void *what);
iot_err iot_alink_ask_words(struct iot_alink *a, const char *method, uint32_t flags,
                            iot_alink_words write, const void *what, iot_ticket *ticket);

/* ---- Down ---- */

/** A request that awaits its reply: by its ticket; or some one of a kind. NULL: there is none. */
struct iot_alink_request *iot_alink_find(struct iot_alink *a, iot_ticket ticket);
struct iot_alink_request *iot_alink_find_kind(struct iot_alink *a, uint8_t kind);

/** Does a topic that ends in "_reply" answer its topic? */
bool iot_alink_is_reply(const struct iot_alink_request *r, const struct iot_msg *msg);

/** It has come to its end: it is free again, then the application is told by `ev`, with its ticket. */
void iot_alink_finish(struct iot_alink *a, struct iot_alink_request *r, struct iot_event *ev);

/** What the platform says unasked, to the application; the last thing in a step. */
void iot_alink_notice(struct iot_alink *a, const struct iot_notice *notice);

/** Member `name` of an object, a string that is not empty. IOT_ERR_JSON_MISSING, _TYPE, _RANGE. */
iot_err iot_alink_get_text(struct iot_json object, const char *name, struct iot_json *v);

/** A request of the platform's, as it lies in the window. */
struct iot_alink_call {
    const struct iot_msg *msg;
    struct iot_json params; /* NONE: there are none */
    struct iot_json method; /* NONE: there is none */
    uint32_t id;
    bool has_id; /* without, there is nothing to answer */
};

/** Read it. IOT_OK; IOT_ERR_JSON_...: what it is not; IOT_ERR_JSON_TYPE also for an id that is no number up to
 *  4294967295 in digits or in a string. */
iot_err iot_alink_read(const struct iot_msg *msg, struct iot_alink_call *call);

/**
 * Begin the answer to request `id` on `topic`, by QoS 0: the writer stands behind `"data":`.
 * Returns as iot_mqtt_begin.
 */
iot_err iot_alink_answer_begin(struct iot_alink *a, const struct iot_topic *topic, uint32_t id,
                               int32_t code, uint32_t max, struct iot_writer *w);

/** The same on the request's own topic with "_reply" behind it. IOT_ERR_SIZE
 *  also: that is longer than the platform takes. */
iot_err iot_alink_answer_own_begin(struct iot_alink *a, const struct iot_alink_call *call,
                                   int32_t code, uint32_t max, struct iot_writer *w);

/** Close the envelope and queue it. Errors as iot_mqtt_commit. */
iot_err iot_alink_answer_commit(struct iot_alink *a, struct iot_writer *w);

/** The whole answer, `{"id":"55","code":200,"data":{}}`, on the request's own topic with "_reply" behind it. Without
 *  an id there is nothing to answer: IOT_OK. Errors as iot_mqtt_begin: nothing is sent, decline the request. */
iot_err iot_alink_answer(struct iot_alink *a, const struct iot_alink_call *call, int32_t code);

/** The end of a handler: the answer to a request was queued with `answered`, and the request was read with `err`. It is
 *  told, or dropped by that name; also without an answer, if that can never fit. Without room, or while a writer is open,
 *  nothing is done and it is declined. Returns as the handler. */
iot_err iot_alink_answered(struct iot_alink *a, const struct iot_alink_call *call, iot_err answered,
                           iot_err err, const struct iot_notice *notice);

/** The same with the usual answer: the request was read with `err`. It is answered by 200 and told, or answered by 400 and dropped;
 *  without an id only the latter. Returns as the handler. */
iot_err iot_alink_answer_notice(struct iot_alink *a, const struct iot_alink_call *call, iot_err err,
                                const struct iot_notice *notice);

/** A message that cannot be used is dropped: the application is told why by IOT_EV_SKIPPED. IOT_OK, always. */
iot_err iot_alink_drop(struct iot_alink *a, const struct iot_msg *msg, iot_err why);

/** A reply has come: whoever asked gets it; the application is told last. IOT_OK: it is dealt with, whatever it
 *  was; IOT_ERR_AGAIN, IOT_ERR_FULL: whoever digests it declines. */
iot_err iot_alink_reply(struct iot_alink *a, const struct iot_msg *msg);

/* ---- Time ---- */

/** A tick begins. */
void iot_alink_tick(struct iot_alink *a, iot_time now);

/** Requests without an answer end. While something is `unread`, which may be the answer, they get as long again. */
void iot_alink_expire(struct iot_alink *a, iot_time now, bool unread);

iot_time iot_alink_deadline(const struct iot_alink *a);
bool iot_alink_idle(const struct iot_alink *a);

/** An event of MQTT. False: it is about a request whose end is another event. */
bool iot_alink_event(struct iot_alink *a, const struct iot_event *ev);

#endif
#endif

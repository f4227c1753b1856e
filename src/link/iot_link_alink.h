/* SPDX-License-Identifier: Apache-2.0 */
/* Alink, the platform's JSON over MQTT: requests with their replies, and answers to the platform's requests. The
 * memory of a device for it, and the envelope. Which message goes where: iot_link_route.h.
 * Protocol: Alibaba Cloud IoT platform, Alink 1.0 (topics and envelope). */
#ifndef IOT_LINK_ALINK_H
#define IOT_LINK_ALINK_H

#include "iot/iot_alink.h"
#include "iot/iot_device.h"

#if IOT_FEATURE_ALINK

/** Longest topic that the platform takes, bytes. */
#define IOT_LINK_TOPIC_MAX 128u

struct iot_alink;
struct iot_raw_handlers;
struct iot_thing;

/** What alink needs of its device: a way up. As in iot_mqtt.h. */
struct iot_alink_line {
    iot_err (*begin)(struct iot_device *dev, const struct iot_msg *msg, uint32_t max,
                     struct iot_writer *w);
    iot_err (*commit)(struct iot_writer *w, iot_ticket *ticket);
    void (*cancel)(struct iot_writer *w);
    iot_err (*subscribe)(struct iot_device *dev, const struct iot_filter *f, iot_ticket *ticket);
    /* The ticket of the next commit: it is the request's id as well. */
    iot_ticket (*next_ticket)(const struct iot_device *dev);
    void (*report)(struct iot_device *dev, const struct iot_event *ev);
};

/* A request that awaits its reply. Its id is its ticket. */
struct iot_alink_request {
    iot_ticket ticket; /* 0: free */
    uint32_t deadline; /* low bits of iot_time; set in the first tick after the request */
    uint16_t topic;    /* a hash */
    uint8_t kind;      /* of enum iot_alink_kind: who digests the reply */
    bool fresh;        /* the deadline is not set yet */
};

/** Who digests a reply before the application is told of it. */
enum iot_alink_kind { IOT_ALINK_PLAIN, IOT_ALINK_KINDS };

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
    struct iot_alink_request requests[IOT_REQUESTS_MAX];
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

/* ---- Up ---- */

/** Topics of ours are `before`{pk}/{dn}/`after`, or without the last '/' and `after` if that is "". `part` stands for
 *  a '+' in `after`, if it is not NULL. Made in `text`, of `cap` bytes. IOT_ERR_ARG: no identity with names;
 *  IOT_ERR_SIZE: it is longer. */
iot_err iot_alink_topic(const struct iot_alink *a, const char *before, const char *after,
                        const char *part, char *text, uint32_t cap, struct iot_topic *topic);

/** As iot_alink_begin, for a request whose reply `kind` digests first; `part` as above. */
iot_err iot_alink_ask(struct iot_alink *a, const char *method, const char *part, uint8_t kind,
                      uint32_t flags, uint32_t max, struct iot_writer *w);

/** A request with params that are written already. */
iot_err iot_alink_ask_bytes(struct iot_alink *a, const char *method, uint8_t kind, uint32_t flags,
                            struct iot_bytes params, iot_ticket *ticket);

/** A message of ours without an envelope, on the topic of `before` and `after` (iot_alink_topic). */
iot_err iot_alink_send(struct iot_alink *a, const char *before, const char *after, uint8_t qos,
                       struct iot_bytes payload, iot_ticket *ticket);

/* ---- Down ---- */

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

/** Close the envelope and queue it. Errors as iot_mqtt_commit. */
iot_err iot_alink_answer_commit(struct iot_alink *a, struct iot_writer *w);

/** The whole answer, `{"id":"55","code":200,"data":{}}`, on the request's own topic with "_reply" behind it. Without
 *  an id there is nothing to answer: IOT_OK. Errors as iot_mqtt_begin: nothing is sent, decline the request. */
iot_err iot_alink_answer(struct iot_alink *a, const struct iot_alink_call *call, int32_t code);

/** A message that cannot be used is dropped: the application is told why by IOT_EV_SKIPPED. IOT_OK, always. */
iot_err iot_alink_drop(struct iot_alink *a, const struct iot_msg *msg, iot_err why);

/** A reply has come: whoever asked gets it; the application is told last. IOT_OK: it is dealt with, whatever it
 *  was; IOT_ERR_AGAIN, IOT_ERR_FULL: whoever digests it declines. */
iot_err iot_alink_reply(struct iot_alink *a, const struct iot_msg *msg);

/* ---- Time ---- */

/** A tick begins. */
void iot_alink_tick(struct iot_alink *a, iot_time now);

/** Requests without an answer end. */
void iot_alink_expire(struct iot_alink *a, iot_time now);

iot_time iot_alink_deadline(const struct iot_alink *a);
bool iot_alink_idle(const struct iot_alink *a);

/** An event of MQTT. False: it is about a request whose end is another event. */
bool iot_alink_event(struct iot_alink *a, const struct iot_event *ev);

#endif
#endif

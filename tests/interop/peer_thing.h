/* SPDX-License-Identifier: Apache-2.0 */
/* Things at the emulated platform, and a record of what it answers and tells. peer_every.json is a model with a property of
 * every type; peer_every.[ch] are made of it by `make thing`. */
#ifndef PEER_THING_H
#define PEER_THING_H

#include "peer_cloud.h"
#include "peer_every.h"

#define PEER_NOTICES (IOT_NOTICE_SHADOW + 1)
#define PEER_TSL_MAX 16384u

struct peer_thing {
    struct peer_seat seat; /* first: it is the context of the callbacks */
    struct iot_thing thing;
    struct iot_thing_options options;
    struct peer_every_values every;
    struct iot_shadow shadow;
    struct iot_listen_texts texts;

    uint32_t sets, calls;
    struct iot_properties changed; /* by the last set; it is posted, too */
    iot_call later;                /* 0, or a call that peer_thing_turn will answer */

    char reply[2048]; /* `data` of the last one */
    uint32_t notices[PEER_NOTICES];
    int32_t notice_code; /* of the last one */
    int64_t notice_ms;
    iot_err notice_err;
    char notice[2048]; /* its `data` */

    uint32_t tsl_len;
    char tsl[PEER_TSL_MAX];
};

/** A device of product `key` with system topics, RRPC and error notifications; with the model of PEER_EVERY, if it is
 *  one of that. Change id and options before it begins. */
void peer_thing(struct peer_thing *t, const char *key, const char *name, const char *secret);

/** Begin, with its thing if options.model is not NULL. */
void peer_thing_begin(struct peer_thing *t);
/** ... and turn until it is connected. */
void peer_thing_connect(struct peer_thing *t);
void peer_thing_close(struct peer_thing *t);

static inline struct iot_device *peer_thing_device(struct peer_thing *t)
{
    return &t->seat.one.dev;
}

/** A request must have been accepted; turn until its end. Its code; of a notice 200. No reply fails the test. */
int32_t peer_thing_code(struct peer_thing *t, iot_err err, const iot_ticket *ticket);

/** Note a request that was accepted; its end is awaited otherwise. */
void peer_thing_asked(struct peer_thing *t, iot_ticket ticket);

/** A command, while the devices live. It must be obeyed, or refused; the answer, valid until the next. */
const char *peer_thing_obeyed(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *peer_thing_refused(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** What the platform knows of the device, as one JSON text: this is in it. */
void peer_thing_shown(struct peer_thing *t, const char *part);
void peer_thing_not_shown(struct peer_thing *t, const char *part);

/** The number that it has as this property. */
double peer_thing_number(struct peer_thing *t, const char *id);

/** For iot_tsl_get: into t->tsl. */
iot_err peer_thing_sink(void *ctx, struct iot_device *dev, uint32_t offset, struct iot_bytes part);

#endif

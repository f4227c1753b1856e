/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_alink.h
 * The envelope of Alink (protocol 4.1): requests of devices are checked, given to who serves their method, and answered
 * with all of {code, data, id, message, method, version}.
 *
 * How strictly: `id` is decimal text or a whole number, 0..4294967295; `version` is "1.0"; `method` is the topic's;
 * `params` is of the kind that the method has. A message that is not JSON, or no object, is answered 400 with id ""; a
 * wrong id 460 with id ""; a method that is missing 6300, another one 460; params: missing 6304, null 6302, of the wrong
 * kind 6305 (6207 for thing/event/...). `sys` may hold `ack`, 0 or 1; with 0 nothing is answered, whatever came of it.
 * Other names are let pass.
 */
#ifndef CLOUD_ALINK_H
#define CLOUD_ALINK_H

#include "cloud/cloud_model.h"
#include "cloud/cloud_out.h"

#define CLOUD_MESSAGE_MAX 512

/** A request that is being served. `code` is 200 and `data` NULL, which is {}, until its server says otherwise. */
struct cloud_request {
    struct cloud *cloud;
    int device;
    uint64_t now_ms;
    const char *path; /* of its topic, behind /sys/{pk}/{dn}/ */
    json_t *params;   /* borrowed */
    json_t *data;     /* a new reference */
    int code;
    char message[CLOUD_MESSAGE_MAX];
};

/** Answer with a code and words. */
__attribute__((format(printf, 3, 4))) void cloud_refuse(struct cloud_request *r, int code,
                                                        const char *format, ...);

/** Answer with what is wrong with a value. */
void cloud_refuse_fault(struct cloud_request *r, const struct cloud_fault *fault);

/** A message of a device on one of the platform's topics: whatever is to be done with it. */
void cloud_serve(struct cloud *c, int device, const char *topic, const void *payload, size_t len,
                 uint64_t now_ms);

/** `id` of an envelope, as text. False: it is none. */
bool cloud_alink_id(const json_t *message, char id[11]);

#endif

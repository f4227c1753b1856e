/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_call.h
 * What the platform asks of devices, and their answers (protocol 4.4, 4.6, 4.7, 4.17): the last CLOUD_CALLS_MAX requests
 * are remembered. An answer is looked at: its topic and id belong to a request that waits; `code` is a number; `data` is
 * an object that, with code 200, keeps to the model's outputData and lacks nothing of it. The log says what is wrong.
 */
#ifndef CLOUD_CALL_H
#define CLOUD_CALL_H

#include "cloud/cloud_json.h"
#include "cloud/cloud_out.h"

/** How a request travels. */
enum cloud_way {
    CLOUD_WAY_TOPIC, /* /sys/{pk}/{dn}/PATH, answer on PATH_reply */
    CLOUD_WAY_RRPC,  /* /sys/{pk}/{dn}/rrpc/request/N, answer on .../rrpc/response/N */
    CLOUD_WAY_EXT,   /* /ext/rrpc/N/sys/{pk}/{dn}/PATH, answer on the same topic, or with _reply */
};

/**
 * Send a request in an envelope.
 *
 * path     as thing/service/property/set, which also gives the method.
 * service  whose outputs the answer has to keep to; NULL: any object.
 * params   borrowed.
 * why      out, if 0 is returned: in words.
 * Returns  its id, which is never 0.
 */
uint32_t cloud_call(struct cloud *c, int device, enum cloud_way way, const char *path,
                    const char *service, json_t *params, uint64_t now_ms, const char **why);

/** Send bytes on /ext/rrpc/N/TOPIC: TOPIC without its first slash, any of the device's; the answer is bytes. */
uint32_t cloud_call_bytes(struct cloud *c, int device, const char *topic, const void *payload,
                          size_t len, uint64_t now_ms, const char **why);

/** A message of a device: if it is an answer to a request, take it. */
bool cloud_call_take(struct cloud *c, int device, const char *topic, const void *payload,
                     size_t len, uint64_t now_ms);

/** NULL: not remembered. */
const struct cloud_call *cloud_call_find(const struct cloud *c, uint32_t id);

/** What came of it: {"id", "state", "ms", "answer", "wrong"}; a new reference. */
json_t *cloud_call_show(const struct cloud_call *call);

void cloud_call_tick(struct cloud *c, uint64_t now_ms);
void cloud_call_end(struct cloud *c);

#endif

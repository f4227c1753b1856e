/* SPDX-License-Identifier: Apache-2.0 */
/* A device's thing, going up: properties, events, desired values. What comes down: iot_link_call.h. */
#ifndef IOT_LINK_THING_H
#define IOT_LINK_THING_H

#include "iot/iot_thing.h"
#include "link/iot_link_alink.h"

#if IOT_FEATURE_THING

/** The model's properties; none without a model. */
const struct iot_field *iot_thing_properties(const struct iot_thing *t, uint32_t *count);

/** As a set does: store `params` all or nothing, and say what was named. `how` beside IOT_ACCESS_WRITE. Returns a code. */
int32_t iot_thing_store(struct iot_thing *t, struct iot_json params, uint32_t how,
                        struct iot_properties *changed, const struct iot_field **failed);

/** `which`, or all with an access. False: there are none, or they are not all known. */
bool iot_thing_choose(const struct iot_thing *t, const struct iot_properties *which, uint8_t access,
                      struct iot_properties *set);

/** NULL: the model has no such event. */
const struct iot_event_spec *iot_thing_event_spec(const struct iot_thing *t, uint32_t event);

/** An object of properties, NULL: of all that can be read. */
void iot_thing_put_properties(struct iot_thing *t, const struct iot_properties *which,
                              int64_t unix_ms, struct iot_writer *w);

#endif
#endif

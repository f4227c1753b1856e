/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_report.h
 * What devices report: properties, events, the two of the past or of others, raw data (protocol 4.3, 4.5, 4.8, 4.10).
 *
 * A value is plain or {"value", "time"}; time has 13 digits. thing/event/property/post with a property that is not in the
 * model, or does not keep to it: with the option `post-strict off`, the default, that property is dropped, and the answer
 * is 200 with a message that names it; with `on` the answer is the code, and nothing of the message counts. All the
 * others are refused whole. A product without a model has no properties: 6206.
 */
#ifndef CLOUD_REPORT_H
#define CLOUD_REPORT_H

#include "cloud/cloud_alink.h"

#define CLOUD_POST_PROPERTIES_MAX 200 /* of one message */
#define CLOUD_POST_EVENTS_MAX     200 /* of a history or batch; DOC has 20 for packs */
#define CLOUD_PACK_EVENTS_MAX     20
#define CLOUD_PACK_CHILDREN_MAX   20

/* Servers of cloud_alink.c. History: an array of {identity, properties, events}, both arrays of objects; batch: an object
 * of arrays; pack: as batch, values may be single ones, and subDevices, for gateways. Each value must have a time there,
 * and is stored unless a newer one is. Whom a gateway has, is not known here yet: any device but itself will do. */
void cloud_report_properties(struct cloud_request *r);
void cloud_report_event(struct cloud_request *r);
void cloud_report_history(struct cloud_request *r);
void cloud_report_batch(struct cloud_request *r);
void cloud_report_pack(struct cloud_request *r);

/** Raw data. The script of a product with `raw` answers with the same bytes, the first of them 0. Of others it is
 *  dropped. */
void cloud_report_raw(struct cloud *c, int device, const void *payload, size_t len,
                      uint64_t now_ms);

#endif

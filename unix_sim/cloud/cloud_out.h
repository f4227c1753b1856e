/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_out.h
 * What the parts of the core share: the log, who is who, and the way to a device.
 */
#ifndef CLOUD_OUT_H
#define CLOUD_OUT_H

#include "cloud/cloud_core.h"
#include "cloud/cloud_topic.h"

/** A line of the log. What came from outside may be in it. */
__attribute__((format(printf, 2, 3))) void cloud_say(struct cloud *c, const char *format, ...);

/** Of a device: product key, name. */
const char *cloud_key_of(const struct cloud *c, int device);
const char *cloud_name_of(const struct cloud *c, int device);

/** Its thing model; NULL: its product has none. */
struct cloud_model *cloud_model_of(const struct cloud *c, int device);

/** Whose connection is it? -1: no device's. */
int cloud_device_of(const struct cloud *c, cloud_link link);

/** 16 bytes of chance, in hexadecimal; config.random is not NULL. */
void cloud_draw(struct cloud *c, char text[33]);

/** UTC in ms. */
uint64_t cloud_wall_ms(const struct cloud *c, uint64_t now_ms);

/** What of `topic` follows HEAD{pk}/{dn}/, HEAD as "/sys/"; empty if it ends with the name. NULL: it does not start
 *  so. */
const char *cloud_own_path(const struct cloud *c, int device, const char *topic, const char *head);

/** An output; false: no room, which the log says. The payload is copied. */
bool cloud_put(struct cloud *c, enum cloud_output_kind kind, cloud_link link, const char *topic,
               const void *payload, size_t len);
bool cloud_put_kick(struct cloud *c, cloud_link link);

/** A message of the platform's own accord; the device is online. A device that asked for it (_ss=1) gets system
 *  topics without SUBSCRIBE. */
bool cloud_tell(struct cloud *c, int device, const char *topic, const void *payload, size_t len,
                enum cloud_topic_kind kind);

/** An answer: the same, with the faults that the options ask for. */
void cloud_answer(struct cloud *c, int device, const char *topic, const void *payload, size_t len,
                  uint64_t now_ms);

void cloud_out_tick(struct cloud *c, uint64_t now_ms);
void cloud_out_end(struct cloud *c);

#endif

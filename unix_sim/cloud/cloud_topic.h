/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_topic.h
 * Which topics a device may use: the platform's own, and the custom ones of its product.
 */
#ifndef CLOUD_TOPIC_H
#define CLOUD_TOPIC_H

#include "cloud/cloud_book.h"

/** What the platform has a topic for. */
enum cloud_topic_kind {
    CLOUD_TOPIC_NONE,   /* not defined, or of another device */
    CLOUD_TOPIC_SYSTEM, /* goes to the platform, comes from it */
    CLOUD_TOPIC_CUSTOM,
};

/**
 * May a device use a topic?
 *
 * device  index in the book.
 * topic   of a message; or, for CLOUD_SUBSCRIBE, a filter: its wildcards must stay in the device's own
 *         name space, and meet at least one topic that it may subscribe.
 * access  CLOUD_PUBLISH or CLOUD_SUBSCRIBE.
 * why     out: NULL, or why not, in words. May be NULL.
 * Returns the kind of the topic that allows it; CLOUD_TOPIC_NONE: it may not.
 */
enum cloud_topic_kind cloud_topic_allowed(const struct cloud_book *book, int device,
                                          const char *topic, enum cloud_access access,
                                          const char **why);

/** Are these well-formed: not empty, no longer than CLOUD_TOPIC_MAX, wildcards only in a filter and
 *  there only as whole levels? NULL, or what is wrong. */
const char *cloud_topic_wrong(const char *topic, bool filter);

#endif

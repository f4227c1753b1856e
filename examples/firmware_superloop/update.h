/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The product keeps itself new: what the platform offers is fetched by HTTPS into the slot that nobody runs from, beside
 * MQTT and with memory of its own. What power or network cut goes on where it was. Behind a bootloader only: without one nobody
 * would start what was fetched.
 *
 *     fw-key   in the store: who signs images (iot_ota_options.public_key). With it unsigned ones are refused. In a product it is a
 *              constant, as the bootloader's is.
 */
#ifndef UPDATE_H
#define UPDATE_H

#include "iot/iot.h"

/**
 * Once, after iot_device_init and before the device is connected; the identity of `dev` has system_topics.
 *
 * tls    whom to trust: its authorities are trusted for downloads as well.
 * ready  called when a new image waits for a restart: the device is to be closed first.
 */
void update_start(struct iot_device *dev, const struct iot_tls_options *tls, void (*ready)(void));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot_upgrade.h
 * Firmware updates from the Alibaba Cloud IoT platform: joins struct iot_ota (iot_ota.h), which fetches, to the messages by
 * which the platform offers, asks and is told.
 *
 *     static struct iot_http http;
 *     static struct iot_ota update;
 *     static struct iot_upgrade platform;
 *     iot_device_init(&lamp, &options);
 *     iot_http_init(&http, &lamp, &http_options);
 *     iot_ota_init(&update, &lamp, &ota_options);
 *     iot_upgrade_init(&platform, &lamp, &update, NULL);
 *     iot_device_connect(&lamp);
 *
 * After each login the versions of all modules are reported: that is what ends an update as succeeded at the platform. What it
 * offers, by itself or asked, comes as IOT_OTA_OFFERED; progress (0 to 100), and what failed (-1 in general, -2 download,
 * -3 verification, -4 burning; with the error's name), is told to it. When a URL is not valid any more, a new one is asked for.
 * An offer that cannot be used is told to both: IOT_OTA_FAILED with its error, and the platform. Files of remote configuration
 * come the same way: iot_ota_job_of_config.
 */
#ifndef IOT_UPGRADE_H
#define IOT_UPGRADE_H

#include "iot/iot_cloud.h"
#include "iot/iot_device.h"
#include "iot/iot_ota.h"

#ifdef __cplusplus
extern "C" {
#endif

#if IOT_FEATURE_OTA && IOT_FEATURE_ALINK

struct iot_upgrade;     /* complete in iot_static.h */
struct iot_upgrade_way; /* private */

/** Images may also come over MQTT (thing/file/download), for jobs that say so. Costs 1.5 KB of flash where it is named. */
extern const struct iot_upgrade_way iot_upgrade_over_mqtt;

/**
 * Attach; once, after iot_ota_init of `ota` and before iot_device_connect.
 *
 * way      &iot_upgrade_over_mqtt, or NULL: by HTTP alone; a job over MQTT then ends by IOT_ERR_OTA_JOB.
 * Returns  IOT_OK; IOT_ERR_ARG: the device has no platform identity; attached already; images over MQTT would be verified in
 *          MQTT's own arena.
 */
iot_err iot_upgrade_init(struct iot_upgrade *u, struct iot_device *dev, struct iot_ota *ota,
                         const struct iot_upgrade_way *way);

/** Subscribe to what the platform offers, by two slots; not needed, and not to be called, with `system_topics` in the identity.
 *  Returns as iot_mqtt_subscribe; the call may be repeated. */
iot_err iot_upgrade_listen(struct iot_upgrade *u);

/** Ask whether there is an update. An offer comes as IOT_OTA_OFFERED; that there is none is IOT_EV_REPLY with the empty data {}.
 *
 * module   "": the device itself; borrowed until return.
 * Returns  as iot_alink_begin; IOT_ERR_STATE: one is asked already. */
iot_err iot_upgrade_ask(struct iot_upgrade *u, const char *module);

/** The older question, /ota/device/request: only of the device itself, and answered only if there is an update; where the platform or
 *  a bridge to it knows no other. Subscribed to by iot_upgrade_listen. Returns as iot_mqtt_begin. */
iot_err iot_upgrade_ask_old(struct iot_upgrade *u);

/** A module's version has changed without a reboot: report all of them again. */
void iot_upgrade_report(struct iot_upgrade *u);

#if IOT_FEATURE_CLOUD

/**
 * A file of remote configuration as something to fetch: for iot_ota_start, into a module whose slot is the application's own, RAM
 * for instance. Its `version` is NULL: so the platform is told neither that nor how far it is, and cannot offer anything
 * for it. The policy has to be IOT_OTA_ANY, as what tells one configuration from another, which is the job's version, is no
 * number:
 *
 *     static const struct iot_ota_module modules[] = {{"config", NULL, &ram}};
 *     if (iot_config_read(notice->data, &info) == IOT_OK && iot_ota_job_of_config(&info, "config", &job) == IOT_OK)
 *         iot_ota_start(&files, &job);
 *
 * IOT_OTA_READY says that all of it is in the slot, and has the digest that was promised.
 *
 * info     of iot_config_read; borrowed until return.
 * job      out; a copy.
 * Returns  IOT_OK; IOT_ERR_OTA_MODULE, IOT_ERR_OTA_VERSION, IOT_ERR_HTTP_URL: name, id or URL are too long; IOT_ERR_JSON_...: these are no
 *          texts.
 */
iot_err iot_ota_job_of_config(const struct iot_config_info *info, const char *module,
                              struct iot_ota_job *job);

#endif
#endif

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The platform's messages about updates: what a device runs, what it is offered, how far it is. What is done with an
 * offer is another's (the OTA engine), who is told by struct iot_link_upgrade_hooks. Nothing in here is called unless that
 * does, so that a device without updates does not pay for it. Protocol: OTA.
 *
 * The engine is a part of the device (core/iot_core_part.h), and passes on its calls:
 *
 *     event   iot_link_upgrade_event
 *     take    iot_link_upgrade_take, then iot_link_file_take (iot_link_file.h)
 *     run     iot_link_upgrade_run, behind what the engine itself does
 *     deadline iot_link_upgrade_deadline
 */
#ifndef IOT_LINK_UPGRADE_H
#define IOT_LINK_UPGRADE_H

#include "link/iot_link_alink.h"
#include "link/iot_link_job.h"

#if IOT_FEATURE_OTA && IOT_FEATURE_ALINK

/** Who is told; all inside of iot_poll. From there everything may be called, these functions too. */
struct iot_link_upgrade_hooks {
    /** An update is offered, by push or as the answer to a query. `job` is valid until return. */
    void (*offered)(void *ctx, const struct iot_ota_job *job);
    /** One was offered that cannot be used: `err` as of iot_link_job_read. Of `job` only module and version are anything. */
    void (*refused)(void *ctx, const struct iot_ota_job *job, iot_err err);
    /** The answer to iot_link_upgrade_ask: there is nothing to do (IOT_OK); or there was no answer, or one that refuses
     *  (IOT_ERR_LINK_CODE, `detail` its code; LINK_TIMEOUT; CLOSED ...). */
    void (*nothing)(void *ctx, iot_err err, int32_t detail);
    /** Module number `i`, from 0 on: its name, "" or "default" for the device itself, and the version that runs; valid until return.
     *  False: there are no more. Version NULL: it is not reported. */
    bool (*module)(void *ctx, uint32_t i, const char **name, const char **version);
};

/** Private. */
struct iot_link_upgrade {
    const struct iot_link_upgrade_hooks *on;
    void *ctx;
    iot_time due;       /* before it no progress is sent */
    const char *desc;   /* of the step that is owed */
    const char *module; /* the same */
    iot_ticket asked;   /* of the query that awaits its answer; 0: none */
    uint16_t next;      /* module to be reported */
    bool reports;       /* there are more of them */
    bool owes;          /* a step is to be sent */
    int8_t step, shown; /* the newest; the one that was sent last */
};

/** `on` and `ctx` are borrowed for good. */
void iot_link_upgrade_init(struct iot_link_upgrade *u, const struct iot_link_upgrade_hooks *on,
                           void *ctx);

/** Memory for the texts of the subscriptions; private. */
struct iot_link_upgrade_texts {
    char text[2][IOT_PRODUCT_KEY_MAX + IOT_DEVICE_NAME_MAX + sizeof "/ota/device/upgrade//"];
};

/** As iot_alink_listen, for /ota/device/upgrade and /ota/device/request: two slots, QoS 1. Without `system_topics` only. */
iot_err iot_link_upgrade_listen(struct iot_alink *a, struct iot_link_upgrade_texts *texts);

/** A message of the platform's: as iot_part_ops.take. What is no offer at all is IOT_EV_SKIPPED, by name. */
iot_err iot_link_upgrade_take(struct iot_link_upgrade *u, struct iot_alink *a,
                              const struct iot_msg *msg);

/** An event of the device's: versions are reported after each IOT_EV_CONNECTED; answers to queries. */
void iot_link_upgrade_event(struct iot_link_upgrade *u, struct iot_alink *a,
                            const struct iot_event *ev);

/** Send what is owed, as far as there is room. */
void iot_link_upgrade_run(struct iot_link_upgrade *u, struct iot_alink *a, iot_time now);

/** When it wants to run; IOT_TIME_NEVER. */
iot_time iot_link_upgrade_deadline(const struct iot_link_upgrade *u, const struct iot_alink *a);

/** Report all versions again: one has changed. Not connected: after the next login. */
void iot_link_upgrade_report(struct iot_link_upgrade *u, struct iot_alink *a);

/**
 * Ask whether there is an update; the answer is offered, refused or nothing.
 *
 * module   "" or "default": the device itself.
 * Returns  as iot_alink_begin; IOT_ERR_STATE: one is asked already.
 */
iot_err iot_link_upgrade_ask(struct iot_link_upgrade *u, struct iot_alink *a, const char *module);

/** The older question, which the platform answers only if there is an update. Returns as iot_mqtt_begin. */
iot_err iot_link_upgrade_ask_old(struct iot_alink *a, const char *version);

/**
 * Send {"id":"...", what `write` writes behind it, and }: of whoever waits for no answer of alink's, or for one of his own.
 * `write` is called twice, and the first time its bytes are only counted. Its end is nobody's event.
 *
 * before   and `after`: as of iot_alink_topic.
 * id       out, may be NULL: the number that was sent.
 * Returns  as iot_mqtt_begin; IOT_ERR_SIZE also: longer than the outbox.
 */
iot_err iot_link_say(struct iot_alink *a, const char *before, const char *after, uint8_t qos,
                     iot_alink_words write, const void *what, iot_ticket *id);

/**
 * The update is at `step`: 0 to 100 per cent, or below 0, as iot_ota_step_of says. 0 (which begins it), 100 and failures are sent at
 * once, others when at least 5 more than the last and 50 ms after it. Of what cannot be sent, as the link is down
 * or the outbox full, the newest is kept and sent later; QoS 0.
 *
 * desc     in words, or NULL; and `module` ("" or "default": the device itself): used until the next call, or for good.
 */
void iot_link_upgrade_progress(struct iot_link_upgrade *u, iot_time now, int32_t step,
                               const char *desc, const char *module);

#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_ask.h
 * What devices ask of the platform, and small reports: desired values, the model, log, diagnosis, reset (protocol 4.9,
 * 4.12, 4.15, 4.16, 13.4). Servers of cloud_alink.c.
 */
#ifndef CLOUD_ASK_H
#define CLOUD_ASK_H

#include "cloud/cloud_alink.h"

#define CLOUD_LIST_MAX       200 /* names or log lines in a message */
#define CLOUD_LOG_LINE_BYTES 4096

/* Names without a desired value are left out; one that is no property: 6320. */
void cloud_ask_desired(struct cloud_request *r);

/* All of it or nothing: 6661 if one `version` is older than the platform's. */
void cloud_ask_desired_delete(struct cloud_request *r);

void cloud_ask_model(struct cloud_request *r);

/* Of each entry what `nodes` names; `type` of a property is that of its data. `addDefault` false leaves out what the
 * console made of the properties. */
void cloud_ask_short_model(struct cloud_request *r);

void cloud_ask_log_mode(struct cloud_request *r);

/* Both forms. */
void cloud_ask_log_post(struct cloud_request *r);
void cloud_ask_diag(struct cloud_request *r);

/* User bindings are gone, it stays activated; the log says so. */
void cloud_ask_reset(struct cloud_request *r);

#endif

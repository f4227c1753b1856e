/* SPDX-License-Identifier: Apache-2.0 */
/* An update that the platform offers, read into a value. Protocol: OTA, the upgrade push. */
#ifndef IOT_LINK_JOB_H
#define IOT_LINK_JOB_H

#include "iot/iot_json.h"
#include "iot/iot_ota.h"

#if IOT_FEATURE_OTA && IOT_FEATURE_JSON

/**
 * Read a job: the object `data` of a push, of the answer to a query.
 *
 * data     checked JSON (iot_json_check).
 * job      out, a copy but for `ext`, which points into `data`. Also with an error `module` and `version` are what could be
 *          read of them, or "", so that a refusal can name them.
 * Returns  IOT_OK; the first that is wrong, in this order:
 *          IOT_ERR_OTA_MODULE: a name with other characters than a module's, or too long;
 *          IOT_ERR_OTA_VERSION: empty, longer than IOT_SLOT_VERSION_MAX, or with control characters;
 *          IOT_ERR_OTA_SIZE: 0, negative, or more than 32 bits hold;
 *          IOT_ERR_OTA_METHOD: signMethod is unknown; or missing, and so is md5;
 *          IOT_ERR_OTA_DIGEST: not as many hexadecimal digits as the method has, of either case;
 *          IOT_ERR_OTA_SIGNATURE: digestsign is not base64 of one DER sequence of at most IOT_OTA_SIGNATURE_MAX bytes;
 *          IOT_ERR_HTTP_URL: no host, unknown scheme, a character that is none of a URL's, longer than IOT_HTTP_URL_MAX;
 *          IOT_ERR_OTA_JOB: it lacks a member, one has a wrong type, dProtocol is unknown. A package of several files
 *          (`files`) has no url of its own, and is this.
 */
iot_err iot_link_job_read(struct iot_json data, struct iot_ota_job *job);

/** What is offered: `data` of {"code":"1000","message":"success","data":{...}}, unread; of value 0 in the echo of our own question.
 *  IOT_ERR_LINK_CODE: another code; IOT_ERR_JSON_...: it is none. */
iot_err iot_link_job_offer(struct iot_bytes notice, struct iot_json *data);

/** Member `name`, a number in digits or in a text. IOT_ERR_JSON_MISSING, and as iot_json_u32_text. */
iot_err iot_link_get_u32(struct iot_json object, const char *name, uint32_t *to);

#endif
#endif

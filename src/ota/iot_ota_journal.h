/* SPDX-License-Identifier: Apache-2.0 */
/* What the port's kv remembers of an update that is under way: which image lies, in part, in the slot of a module, and by
 * which ETag the server knows it. Written before the slot is begun, so that what a slot holds is either described by it
 * or of another size or version.
 *
 *     form, kind of digest, lengths of version and etag | size, 4 bytes | digest, 32 | version | etag
 */
#ifndef IOT_OTA_JOURNAL_H
#define IOT_OTA_JOURNAL_H

#include "iot/iot_ota.h"

#if IOT_FEATURE_OTA

/** IOT_OK: the record is of this very image; `etag` gets its text, which may be "". IOT_ERR_STATE: there is none, or one of
 *  another image, in another form, or of no sense; or there is no kv. IOT_ERR_AGAIN. */
iot_err iot_ota_journal_read(const struct iot_port *port, const struct iot_ota_job *job,
                             char etag[IOT_HTTP_ETAG_MAX + 1]);

/** IOT_OK, also without kv; else what kv_set says. */
iot_err iot_ota_journal_write(const struct iot_port *port, const struct iot_ota_job *job,
                              const char *etag);

/** IOT_OK, also where kv is broken; IOT_ERR_AGAIN. */
iot_err iot_ota_journal_forget(const struct iot_port *port, const struct iot_ota_job *job);

#endif
#endif

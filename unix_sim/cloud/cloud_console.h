/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud_console.h
 * What else the console and an application's server do with a device: values, services, documents. Each is a command's
 * words behind its verb; cloud_command.h has the list.
 */
#ifndef CLOUD_CONSOLE_H
#define CLOUD_CONSOLE_H

#include "cloud/cloud_json.h"
#include "cloud/cloud_out.h"

/** A command that is being done. Its answer is a failure, words, a value, or what a request to a device will bring. */
struct cloud_order {
    struct cloud *cloud;
    char *rest; /* of the line; cut up */
    uint64_t now_ms;
    bool failed;
    uint32_t ticket; /* of the request whose answer is waited for; 0: none */
    json_t *value;   /* what there is to tell; NULL: nothing more than the words */
    char *words;     /* lines, for people; NULL: `value` in one line; by malloc */
};

/** One word off the front; empty: there is none left. */
char *cloud_order_word(struct cloud_order *o);

/** The device that the next two words name; -1: none, the order has failed. */
int cloud_order_device(struct cloud_order *o);

__attribute__((format(printf, 2, 3))) void cloud_order_fail(struct cloud_order *o,
                                                            const char *format, ...);
__attribute__((format(printf, 2, 3))) void cloud_order_say(struct cloud_order *o,
                                                           const char *format, ...);

void cloud_console_set(struct cloud_order *o);
void cloud_console_call(struct cloud_order *o);
void cloud_console_rrpc(struct cloud_order *o);
void cloud_console_raw(struct cloud_order *o);
void cloud_console_desired(struct cloud_order *o);
void cloud_console_shadow(struct cloud_order *o);
void cloud_console_config(struct cloud_order *o);
void cloud_console_log_mode(struct cloud_order *o);
void cloud_console_bootstrap(struct cloud_order *o);
void cloud_console_error(struct cloud_order *o);
void cloud_console_show(struct cloud_order *o);
void cloud_console_tsl(struct cloud_order *o);
void cloud_console_reply(struct cloud_order *o);

#endif

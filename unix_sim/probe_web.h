/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file probe_web.h
 * What the commands of build/probe that fetch something share: a device of its own, that knows HTTP alone, made anew for each
 * of them. Their words are URL, the command's own, and those of probe_tls.h.
 *
 * 127.0.0.1 is reached through the gateway; what is sent and checked is what the URL says.
 */
#ifndef PROBE_WEB_H
#define PROBE_WEB_H

#include "iot/iot_static.h"
#include "probe_event.h"
#include "probe_tls.h"

struct probe_web {
    struct iot_device device;
    struct iot_http http;
    struct iot_http_options options; /* zeros at probe_web_begin; complete with probe_web_make */
    struct probe_tls tls;
};

extern struct probe_web probe_web;

/** A new command. Its words are copied, since what is read of them is borrowed until the device is closed: `own` gets them.
 *  IOT_ERR_SIZE: they are too long. */
iot_err probe_web_begin(char **words, uint32_t count, char **own);

/** As probe_tls_word. */
enum probe_step probe_web_word(char *word, size_t name_len);

/** All words were read: whether TLS is known depends on them and on the URL. */
enum probe_step probe_web_ready(const char *url);

/** Make device and client; what else belongs to the device is attached afterwards. */
iot_err probe_web_make(void);

/** One tick. Returns ms to the next; IOT_MS_NEVER without a device. */
uint32_t probe_web_poll(void);

/** End what is under way, in good order as far as that goes. Called until probe_web_closed. */
void probe_web_close(void);

/** Nothing is under way. */
bool probe_web_closed(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file probe_mqtt.h
 * The MQTT commands of build/probe, and the one device they work on.
 */
#ifndef PROBE_MQTT_H
#define PROBE_MQTT_H

#include "probe_event.h"

#include <stdbool.h>
#include <stdint.h>

/** Words of one command. */
#define PROBE_WORDS_MAX 32u

/** A command: its words, words[0] is its name. `waited_ms` is 0 at the first call and
 *  only then. */
typedef enum probe_step (*probe_command)(char **words, uint32_t count, uint32_t waited_ms);

enum probe_step probe_connect(char **words, uint32_t count, uint32_t waited_ms);
enum probe_step probe_pub(char **words, uint32_t count, uint32_t waited_ms);
enum probe_step probe_sub(char **words, uint32_t count, uint32_t waited_ms);
enum probe_step probe_unsub(char **words, uint32_t count, uint32_t waited_ms);
enum probe_step probe_disc(char **words, uint32_t count, uint32_t waited_ms);

/** One tick. Returns ms to the next; IOT_MS_NEVER without a device. */
uint32_t probe_mqtt_poll(void);

/** Begin to end in good order; for the end of the program. */
void probe_mqtt_close(uint32_t drain_ms);

/** Nothing is connected, or about to be. */
bool probe_mqtt_closed(void);

/** A message ended in "EV failed", or the last attempt met a server that is not who it should be. */
bool probe_mqtt_failed(void);

/** An attempt to connect has not come to its outcome. */
bool probe_mqtt_waiting(void);

/** "EV pools NAME=USED/MAX NAME.high=MOST/MAX ...", if there ever was a device. */
void probe_mqtt_pools(void);

#endif

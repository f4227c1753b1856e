/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file probe_json.h
 * The command `json` of build/probe.
 */
#ifndef PROBE_JSON_H
#define PROBE_JSON_H

#include "probe_event.h"

#include <stdint.h>

/** json HEX|@FILE: "EV json ok" or "EV json NAME", which fails. A file of 1 MiB at most; a file may have any bytes. */
enum probe_step probe_json(char **words, uint32_t count, uint32_t waited_ms);

#endif

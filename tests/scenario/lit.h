/* SPDX-License-Identifier: Apache-2.0 */
/* A town (town.h) whose devices are lamps: things of the emulated platform, with the model of unix_sim/cloud/lamp.json. What
 * they ask is noted with how it ended; the platform asks by the emulator's own commands. */
#ifndef LIT_H
#define LIT_H

#include "town.h"

#include "cloud/cloud_command.h"
#include "lamp_model/lamp.h"

#define EMULATOR     (&town.cloud.cloud)
#define RULES        (EMULATOR->book.rules)
#define LIT_ENDS_MAX 64u

struct ending {
    iot_ticket ticket;
    enum iot_event_kind kind;
    iot_err err;
};

struct lit_lamp {
    struct iot_thing thing;
    struct lamp_values values;
    uint32_t skipped;
    iot_err skipped_as;                                /* the latest */
    uint32_t sets, sets_again, toggles, toggles_again; /* handlers were called; with `again` */
    bool later;    /* Toggle is answered later; Blink always is */
    iot_call call; /* the latest */
    struct iot_thing_options options;
    struct ending ends[LIT_ENDS_MAX];
    iot_ticket asked[LIT_ENDS_MAX];
    uint32_t end_count, asked_count;
};

/* ---- Begin ---------------------------------------------------------------------------------------- */

struct world_habit lit_habit(enum iot_session_kind session);
/* The platform knows the lamp's model. After town_begin or town_with. */
void lit_model(void);
/* One lamp, connected, its link a good one. */
struct world_life *lit_with(enum iot_session_kind session);
struct lit_lamp *lamp_of(const struct world_life *l);

/* ---- The device asks ------------------------------------------------------------------------------ */

/* Post a property; other requests are noted by lit_asked. */
iot_ticket lit_post(struct world_life *l, uint32_t flags);
void lit_asked(struct world_life *l, iot_ticket ticket);
/* It ends once, in this way, within this time. Returns how long it took. */
uint64_t lit_ends(struct world_life *l, iot_ticket ticket, enum iot_event_kind kind, iot_err err,
                  uint64_t within_ms);
/* All that it asked since its last boot has ended, once each. */
void lit_over(const struct world_life *l);
/* A device's handler of events, for a guest (world_life.h) that is no lamp. */
bool lit_event(struct world_life *l, const struct iot_event *ev);

/* ---- The platform asks ---------------------------------------------------------------------------- */

/* A command (cloud_command.h); it must not fail at once. Its ticket, or 0, and then the answer is in lit_said. */
extern char lit_said[65536];
uint32_t lit_console(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint32_t lit_set(struct world_life *l, const char *name);
uint32_t lit_toggle(struct world_life *l);
/* The device answers by code 200 within this time. */
void lit_answered(uint32_t ticket, uint64_t within_ms);
/* There is an answer, or none in time, and these words are in what the console says of it. */
bool lit_answer_has(uint32_t ticket, const char *words);
/* A message on /sys/{pk}/{dn}/PATH as it is. */
void lit_send(struct world_life *l, const char *path, const char *payload);
/* These words are in what the platform knows of it. */
bool lit_known(const struct world_life *l, const char *words);

/* Its link is reset, and works again; it has noticed. */
void lit_break(struct world_life *l);

#endif

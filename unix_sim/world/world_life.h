/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file world_life.h
 * One device in the world: the library, an application on it, its board; a ledger and a linter watch
 * both. What the application does is drawn from the seed; what happens to it comes from outside.
 */
#ifndef WORLD_LIFE_H
#define WORLD_LIFE_H

#include "iot/iot_static.h"
#include "world/world_board.h"
#include "world/world_cloud.h"
#include "world/world_ledger.h"
#include "world/world_lint.h"
#include "world/world_loop.h"
#include "world/world_show.h"

#define WORLD_LIFE_REFS      3u
#define WORLD_LIFE_REF_BYTES 900u

/** Where a device is, as its surroundings see it. Rows of the campaign's matrix. */
enum world_stand {
    WORLD_STAND_WAIT,    /* between two attempts */
    WORLD_STAND_RESOLVE, /* a name is asked for */
    WORLD_STAND_TCP,     /* SYN is out */
    WORLD_STAND_LOGIN,   /* TCP is up, CONNACK has not been read */
    WORLD_STAND_UP,      /* connected, nothing under way */
    WORLD_STAND_FLIGHT,  /* connected, messages of its own are not done */
    WORLD_STAND_DECLINE, /* connected, the application takes no messages */
    WORLD_STAND_CLOSE,   /* between iot_device_close and IOT_EV_CLOSED */
    WORLD_STAND_OFF,     /* closed, or without power */
    WORLD_STANDS
};
extern const char *const world_stand_names[WORLD_STANDS];

struct world_life;

/** An application beside the life's own: any of these may be NULL. */
struct world_guest {
    void (*booted)(struct world_life *l); /* iot_device_init is done */
    void (*opened)(struct world_life *l); /* ... iot_device_connect */
    /* It gets each event first. True: it was its own, and the life's application does not get it. */
    bool (*event)(struct world_life *l, const struct iot_event *ev);
    /* Ahead of each iot_poll while the device is open. Returns when it wants the next one. */
    uint64_t (*act)(struct world_life *l, uint64_t now);
    bool (*is_well)(const struct world_life *l); /* it has nothing under way */
    void (*over)(struct world_life *l);
};

/** What kind of device it is, and how busy its application. */
struct world_habit {
    const struct world_guest
        *guest; /* NULL: none. With one the platform subscribes its topics for the device */
    const char *product; /* of the platform; NULL: WORLD_CLOUD_KEY */
    bool platform;       /* logs in as a device of the emulated platform; QoS 1 at most */
    enum iot_session_kind session;
    bool hand_back, echo, parts;
    uint8_t policy; /* of the options */
    uint8_t qos_max;
    uint16_t keepalive_s;
    uint32_t publish_ms; /* mean time between two messages of its own; 0: none */
};

struct world_life {
    uint32_t number;
    char name[8]; /* "d007" */
    struct world_habit habit;

    /* set from outside, before a run of the loop or with world_loop_stir_all */
    bool quiet;        /* publishes nothing of its own */
    uint64_t asleep;   /* so long nobody polls it */
    uint64_t excused;  /* so long nothing is late: what hinders it is not its fault */
    uint64_t declines; /* so long it takes no messages */

    /* to be read */
    bool powered, begun, closing, up;
    bool want_room;
    bool check_pools; /* it has closed */
    uint32_t acts;    /* events, and bytes to TCP */
    uint32_t boots, losses, connects, closes;
    iot_err last_loss;
    uint32_t rungs, waits; /* losses since the last good link; those that were looked at */
    uint64_t waited_ms, ladder_ms;
    uint64_t lost_at, up_since;
    struct world_ledger ledger;
    struct world_lint lint;
    struct iot_device dev;
    struct world_board board;

    /* private */
    void *guest;      /* its own */
    uint8_t link;     /* what the tap saw last */
    bool hinted_down; /* while it was closed: the next attempt waits for that */
    bool was_full;    /* TCP took no more bytes */
    uint64_t attempt_by, not_before, promised, polled_at, power_at, reopen_at, next_publish,
        closed_by;
    uint32_t close_within;
    uint32_t serial;
    uint8_t part_head[16]; /* of the message that comes, perhaps in parts */
    uint32_t part_at;
    iot_ticket stream_ticket; /* of a streamed message that is under way, or 0 */
    uint32_t stream_pause;
    uint64_t stream_serial;
    struct world_show show_sent, show_heard;
    struct world_chance chance;
    struct world_actor actor;
    struct iot_options opt;
    struct iot_port port;
    struct iot_link_identity identity;
    struct world_cloud_identity identity_text;
    char up_topic[64], down_filter[64];
    struct {
        bool busy;
        iot_ticket ticket;
        uint8_t bytes[WORLD_LIFE_REF_BYTES];
    } refs[WORLD_LIFE_REFS];
};

/** A blank device with power, its options made, an actor of the loop. `host` lives as long as it. */
void world_life_start(struct world_life *l, uint64_t seed, uint32_t number,
                      const struct world_habit *habit, const char *host);

enum world_stand world_life_stand(const struct world_life *l);

/** The application begins an orderly end; it opens again `pause_ms` after it. False: it is not open. */
bool world_life_close(struct world_life *l, uint32_t drain_ms, uint64_t pause_ms);
/** Power goes, and comes back after `ms`, or when lwIP has forgotten its name request. RAM is lost. */
void world_life_power_cut(struct world_life *l, uint64_t ms);
/** Tell it what the interface did. */
void world_life_hint(struct world_life *l, enum iot_network_change change);

/** Nothing of it is left anywhere: pools are empty, the ledger is closed. Violations say what is not so. */
void world_life_over(struct world_life *l);

#endif

/* Made from the thing model of product a1EveryTyp1 by `make thing`: change the model, not this file. */
/* clang-format off */
#ifndef PEER_EVERY_H
#define PEER_EVERY_H

#include "iot/iot_thing.h"

struct peer_every_struct_ {
    int32_t a; /* 0 to 255 */
    char b[20 + 1];
    double c;
    bool d;
    int64_t e; /* ms since 1970 UTC */
    float f;
    int32_t g; /* 1 one, 2 two */
};

struct peer_every_ints {
    uint16_t count;
    int32_t item[8];
};

struct peer_every_doubles {
    uint16_t count;
    double item[4];
};

struct peer_every_texts {
    uint16_t count;
    char item[3][16 + 1];
};

struct peer_every_structs_item {
    int32_t id; /* 0 to 9 */
    char label[16 + 1];
};

struct peer_every_structs {
    uint16_t count;
    struct peer_every_structs_item item[3];
};

struct peer_every_told_event {
    char text[32 + 1];
};

struct peer_every_warned_event {
    int32_t level; /* 0 to 9 */
    double share;
};

struct peer_every_failed_event_ints {
    uint16_t count;
    int32_t item[4];
};

struct peer_every_failed_event {
    int64_t when; /* ms since 1970 UTC */
    struct peer_every_failed_event_ints ints;
};

struct peer_every_add_in {
    int32_t a; /* -1000 to 1000 */
    int32_t b; /* -1000 to 1000 */
};

struct peer_every_add_out {
    int32_t sum; /* -2000 to 2000 */
};

struct peer_every_echo_in {
    char text[100 + 1];
    double double_;
};

struct peer_every_echo_out {
    char text[100 + 1];
    double double_;
};

struct peer_every_later_out {
    bool bool_;
};

/** All there is of it: properties, and what events and services carry. Clear it, or begin with your values. */
struct peer_every_values {
    int32_t int_; /* INT32_MIN to 2147483647; int */
    float float_; /* float */
    double double_; /* double */
    bool bool_; /* bool */
    int32_t enum_; /* 0 none, 7 seven, 65 many; enum */
    char text[100 + 1]; /* text */
    int64_t date; /* ms since 1970 UTC; date */
    struct peer_every_struct_ struct_; /* struct */
    struct peer_every_ints ints; /* ints */
    struct peer_every_doubles doubles; /* doubles */
    struct peer_every_texts texts; /* texts */
    struct peer_every_structs structs; /* structs */
    struct peer_every_told_event told_event;
    struct peer_every_warned_event warned_event;
    struct peer_every_failed_event failed_event;
    struct peer_every_add_in add_in;
    struct peer_every_add_out add_out;
    struct peer_every_echo_in echo_in;
    struct peer_every_echo_out echo_out;
    struct peer_every_later_out later_out;
};

/** Properties, for iot_thing_post. */
enum peer_every_property {
    PEER_EVERY_INT_,
    PEER_EVERY_FLOAT_,
    PEER_EVERY_DOUBLE_,
    PEER_EVERY_BOOL_,
    PEER_EVERY_ENUM_,
    PEER_EVERY_TEXT,
    PEER_EVERY_DATE,
    PEER_EVERY_STRUCT_,
    PEER_EVERY_INTS,
    PEER_EVERY_DOUBLES,
    PEER_EVERY_TEXTS,
    PEER_EVERY_STRUCTS,
    PEER_EVERY_PROPERTIES
};

/** Events, for iot_thing_event. */
enum peer_every_event {
    PEER_EVERY_EVENT_TOLD,
    PEER_EVERY_EVENT_WARNED,
    PEER_EVERY_EVENT_FAILED,
    PEER_EVERY_EVENTS
};

/** Services: the application's, as iot_call_handler says. */
int32_t peer_every_on_add(void *ctx, struct iot_thing *thing, iot_call call);
int32_t peer_every_on_echo(void *ctx, struct iot_thing *thing, iot_call call);
int32_t peer_every_on_later(void *ctx, struct iot_thing *thing, iot_call call);
int32_t peer_every_on_refuse(void *ctx, struct iot_thing *thing, iot_call call);

extern const struct iot_model peer_every_model;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A thing with every type and every kind of limit, for tests: by hand, as `make thing` would make it. */
#ifndef ROOM_MODEL_H
#define ROOM_MODEL_H

#include "iot/iot.h"

#include <stddef.h>

struct room_point {
    int32_t x;
    float y;
};

struct room_values {
    int32_t level;
    float temp;
    bool on;
    int32_t mode;
    char name[9];
    int64_t since;
    struct {
        int32_t r, g;
        char tag[5];
    } color;
    double exact;
    struct {
        uint16_t count;
        int32_t item[3];
    } numbers;
    struct {
        uint16_t count;
        struct room_point item[2];
    } points;
    struct {
        struct {
            uint16_t count;
            struct room_point item[2];
        } list;
        int32_t id;
    } box;
    int32_t serial, secret, any;
    struct {
        uint16_t count;
        char item[2][4];
    } words;
    int32_t event_code;
    char event_why[5];
    int32_t add_a, add_b, add_note, add_sum;
};

enum room_property {
    ROOM_LEVEL,
    ROOM_TEMP,
    ROOM_ON,
    ROOM_MODE,
    ROOM_NAME,
    ROOM_SINCE,
    ROOM_COLOR,
    ROOM_EXACT,
    ROOM_NUMBERS,
    ROOM_POINTS,
    ROOM_BOX,
    ROOM_SERIAL,
    ROOM_SECRET,
    ROOM_ANY,
    ROOM_WORDS,
    ROOM_FAN, /* not in the values */
    ROOM_PROPERTIES
};

enum room_event { ROOM_ALARM, ROOM_BARE };
enum room_service { ROOM_ADD, ROOM_RESET };

/* The fan's driver. */
static int32_t room_fan, room_fan_sets;
static iot_err room_fan_says;

static inline void room_fan_get(void *ctx, const struct iot_field *f, struct iot_writer *w)
{
    (void)ctx, (void)f;
    iot_json_put_i32(w, room_fan);
}

static inline iot_err room_fan_set(void *ctx, const struct iot_field *f, struct iot_json value)
{
    (void)ctx, (void)f;
    room_fan_sets++;
    return room_fan_says != IOT_OK ? room_fan_says : iot_json_i32(value, &room_fan);
}

static int32_t room_on_add(void *ctx, struct iot_thing *thing, iot_call call);
static int32_t room_on_reset(void *ctx, struct iot_thing *thing, iot_call call);

#define RW             (IOT_ACCESS_READ | IOT_ACCESS_WRITE)
#define ROOM_AT(field) offsetof(struct room_values, field)

static const struct iot_ints room_level_limits = {-10, 100}, room_r_limits = {0, 255};
static const struct iot_reals room_temp_limits = {-40, 80.1}, room_exact_limits = {-1e300, 0.1};
static const int32_t room_modes[] = {0, 1, 7};
static const struct iot_accessor room_fan_via = {room_fan_get, room_fan_set};

static const struct iot_field room_color_fields[] = {
    {"R", IOT_TYPE_INT, 0, 0, 0, 0, {.ints = &room_r_limits}, NULL},
    {"G", IOT_TYPE_INT, 0, 4, 0, 0, {.ints = &room_r_limits}, NULL},
    {"Tag", IOT_TYPE_TEXT, 0, 8, 0, 4, {NULL}, NULL},
};
static const struct iot_field room_point_fields[] = {
    {"X", IOT_TYPE_INT, 0, offsetof(struct room_point, x), 0, 0, {NULL}, NULL},
    {"Y", IOT_TYPE_FLOAT, 0, offsetof(struct room_point, y), 0, 0, {NULL}, NULL},
};
static const struct iot_field room_point = {
    NULL, IOT_TYPE_STRUCT, 0, 4, sizeof(struct room_point), 2, {.fields = room_point_fields}, NULL};
static const struct iot_field room_number = {NULL, IOT_TYPE_INT, 0, 4, 4, 0, {NULL}, NULL};
static const struct iot_field room_word = {NULL, IOT_TYPE_TEXT, 0, 2, 4, 3, {NULL}, NULL};
static const struct iot_field room_box_fields[] = {
    {"List", IOT_TYPE_ARRAY, 0, 0, 0, 2, {.fields = &room_point}, NULL},
    {"Id", IOT_TYPE_INT, 0, ROOM_AT(box.id) - ROOM_AT(box), 0, 0, {NULL}, NULL},
};

static const struct iot_field room_properties[] = {
    {"Level", IOT_TYPE_INT, RW, ROOM_AT(level), 0, 0, {.ints = &room_level_limits}, NULL},
    {"Temp", IOT_TYPE_FLOAT, RW, ROOM_AT(temp), 0, 0, {.reals = &room_temp_limits}, NULL},
    {"On", IOT_TYPE_BOOL, RW, ROOM_AT(on), 0, 0, {NULL}, NULL},
    {"Mode", IOT_TYPE_ENUM, RW, ROOM_AT(mode), 0, 3, {.values = room_modes}, NULL},
    {"Name", IOT_TYPE_TEXT, RW, ROOM_AT(name), 0, 8, {NULL}, NULL},
    {"Since", IOT_TYPE_DATE, RW, ROOM_AT(since), 0, 0, {NULL}, NULL},
    {"Color", IOT_TYPE_STRUCT, RW, ROOM_AT(color), 0, 3, {.fields = room_color_fields}, NULL},
    {"Exact", IOT_TYPE_DOUBLE, RW, ROOM_AT(exact), 0, 0, {.reals = &room_exact_limits}, NULL},
    {"Numbers", IOT_TYPE_ARRAY, RW, ROOM_AT(numbers), 0, 3, {.fields = &room_number}, NULL},
    {"Points", IOT_TYPE_ARRAY, RW, ROOM_AT(points), 0, 2, {.fields = &room_point}, NULL},
    {"Box", IOT_TYPE_STRUCT, RW, ROOM_AT(box), 0, 2, {.fields = room_box_fields}, NULL},
    {"Serial", IOT_TYPE_INT, IOT_ACCESS_READ, ROOM_AT(serial), 0, 0, {NULL}, NULL},
    {"Secret", IOT_TYPE_INT, IOT_ACCESS_WRITE, ROOM_AT(secret), 0, 0, {NULL}, NULL},
    {"Any", IOT_TYPE_ENUM, RW, ROOM_AT(any), 0, 0, {NULL}, NULL},
    {"Words", IOT_TYPE_ARRAY, RW, ROOM_AT(words), 0, 2, {.fields = &room_word}, NULL},
    {"Fan", IOT_TYPE_INT, RW, 0, 0, 0, {.ints = &room_level_limits}, &room_fan_via},
};

static const struct iot_field room_alarm_out[] = {
    {"Code", IOT_TYPE_INT, 0, ROOM_AT(event_code), 0, 0, {NULL}, NULL},
    {"Why", IOT_TYPE_TEXT, 0, ROOM_AT(event_why), 0, 4, {NULL}, NULL},
};
static const struct iot_event_spec room_events[] = {
    {"Alarm", room_alarm_out, 2, IOT_LEVEL_ALERT},
    {"Bare", NULL, 0, IOT_LEVEL_INFO},
};

static const struct iot_field room_add_in[] = {
    {"A", IOT_TYPE_INT, 0, ROOM_AT(add_a), 0, 0, {.ints = &room_r_limits}, NULL},
    {"B", IOT_TYPE_INT, 0, ROOM_AT(add_b), 0, 0, {.ints = &room_r_limits}, NULL},
    {"Note", IOT_TYPE_INT, IOT_ACCESS_OPTIONAL, ROOM_AT(add_note), 0, 0, {NULL}, NULL},
};
static const struct iot_field room_add_out[] = {
    {"Sum", IOT_TYPE_INT, 0, ROOM_AT(add_sum), 0, 0, {NULL}, NULL},
};
static const struct iot_service_spec room_services[] = {
    {"Add", room_add_in, room_add_out, 3, 1, room_on_add},
    {"Reset", NULL, NULL, 0, 0, room_on_reset},
};

static const struct iot_model room_model = {room_properties, room_events, room_services,
                                            ROOM_PROPERTIES, 2,           2};

#endif

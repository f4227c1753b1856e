/* Made from the thing model of product a1B2c3D4e5F by `make thing`: change the model, not this file. */
/* clang-format off */
#ifndef LAMP_H
#define LAMP_H

#include "iot/iot_thing.h"

struct lamp_rgb_color {
    int32_t r; /* 0 to 255 */
    int32_t g; /* 0 to 255 */
    int32_t b; /* 0 to 255 */
};

struct lamp_schedule {
    uint16_t count;
    int32_t item[4];
};

struct lamp_scenes_item {
    int32_t id; /* 0 to 9 */
    char label[16 + 1];
};

struct lamp_scenes {
    uint16_t count;
    struct lamp_scenes_item item[3];
};

struct lamp_error_event {
    int32_t error_code; /* 0 none, 1 lamp, 2 driver, 3 sensor, 4 supply */
    char message[64 + 1];
};

struct lamp_started_event {
    int32_t reason; /* 0 power, 1 reset, 2 update, 3 watchdog */
};

struct lamp_overheated_event {
    float temp; /* -40 to 125 */
};

struct lamp_toggle_out {
    bool light_switch;
};

struct lamp_blink_in {
    int32_t times; /* 1 to 10 */
    int32_t interval_ms; /* 50 to 2000 ms */
};

struct lamp_blink_out {
    int32_t done; /* 0 to 10 */
};

struct lamp_measure_out {
    float temp; /* -40 to 125 */
    double energy;
};

/** All there is of it: properties, and what events and services carry. Clear it, or begin with your values. */
struct lamp_values {
    bool light_switch; /* light switch */
    int32_t brightness; /* 0 to 100 %; brightness */
    int32_t mode; /* 0 white, 1 colour, 2 night; mode */
    float temp; /* -40 to 125; temperature */
    double energy; /* energy */
    char name[64 + 1]; /* name */
    int64_t started_at; /* ms since 1970 UTC; started at */
    struct lamp_rgb_color rgb_color; /* colour */
    struct lamp_schedule schedule; /* minutes of the day */
    struct lamp_scenes scenes; /* scenes */
    struct lamp_error_event error_event;
    struct lamp_started_event started_event;
    struct lamp_overheated_event overheated_event;
    struct lamp_toggle_out toggle_out;
    struct lamp_blink_in blink_in;
    struct lamp_blink_out blink_out;
    struct lamp_measure_out measure_out;
};

/** Properties, for iot_thing_post. */
enum lamp_property {
    LAMP_LIGHT_SWITCH,
    LAMP_BRIGHTNESS,
    LAMP_MODE,
    LAMP_TEMP,
    LAMP_ENERGY,
    LAMP_NAME,
    LAMP_STARTED_AT,
    LAMP_RGB_COLOR,
    LAMP_SCHEDULE,
    LAMP_SCENES,
    LAMP_PROPERTIES
};

/** Events, for iot_thing_event. */
enum lamp_event {
    LAMP_EVENT_ERROR,
    LAMP_EVENT_STARTED,
    LAMP_EVENT_OVERHEATED,
    LAMP_EVENTS
};

/** Services: the application's, as iot_call_handler says. */
int32_t lamp_on_toggle(void *ctx, struct iot_thing *thing, iot_call call);
int32_t lamp_on_blink(void *ctx, struct iot_thing *thing, iot_call call);
int32_t lamp_on_measure(void *ctx, struct iot_thing *thing, iot_call call);

extern const struct iot_model lamp_model;

#endif

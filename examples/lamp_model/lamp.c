/* Made from the thing model of product a1B2c3D4e5F by `make thing`: change the model, not this file. */
/* clang-format off */
#include "lamp.h"

#include <stddef.h>

#if IOT_PROPERTIES_MAX < 10
#error "IOT_PROPERTIES_MAX: this model has 10 properties; raise it"
#endif
/* Offsets have 16 bits. */
typedef char lamp_values_fit[sizeof(struct lamp_values) <= 65535 ? 1 : -1];

static const struct iot_ints lamp_brightness_range = {0, 100};
static const int32_t lamp_mode_values[] = {0, 1, 2};
static const struct iot_reals lamp_temp_range = {-40, 125};
static const struct iot_ints lamp_rgb_color_r_range = {0, 255};
static const struct iot_ints lamp_rgb_color_g_range = {0, 255};
static const struct iot_ints lamp_rgb_color_b_range = {0, 255};
static const struct iot_field lamp_rgb_color_fields[] = {
    {.id = "R", .type = IOT_TYPE_INT, .access = 0, .offset = offsetof(struct lamp_rgb_color, r), .of.ints = &lamp_rgb_color_r_range},
    {.id = "G", .type = IOT_TYPE_INT, .access = 0, .offset = offsetof(struct lamp_rgb_color, g), .of.ints = &lamp_rgb_color_g_range},
    {.id = "B", .type = IOT_TYPE_INT, .access = 0, .offset = offsetof(struct lamp_rgb_color, b), .of.ints = &lamp_rgb_color_b_range},
};
static const struct iot_ints lamp_schedule_item_range = {0, 1440};
static const struct iot_field lamp_schedule_items =
    {.id = NULL, .type = IOT_TYPE_INT, .access = 0, .offset = offsetof(struct lamp_schedule, item), .of.ints = &lamp_schedule_item_range, .size = sizeof(((struct lamp_schedule *)0)->item[0])};
static const struct iot_ints lamp_scenes_item_id_range = {0, 9};
static const struct iot_field lamp_scenes_item_fields[] = {
    {.id = "Id", .type = IOT_TYPE_INT, .access = 0, .offset = offsetof(struct lamp_scenes_item, id), .of.ints = &lamp_scenes_item_id_range},
    {.id = "Label", .type = IOT_TYPE_TEXT, .access = 0, .offset = offsetof(struct lamp_scenes_item, label), .max = 16},
};
static const struct iot_field lamp_scenes_items =
    {.id = NULL, .type = IOT_TYPE_STRUCT, .access = 0, .offset = offsetof(struct lamp_scenes, item), .max = 2, .of.fields = lamp_scenes_item_fields, .size = sizeof(((struct lamp_scenes *)0)->item[0])};
static const int32_t lamp_error_event_error_code_values[] = {0, 1, 2, 3, 4};
static const struct iot_field lamp_error_event_fields[] = {
    {.id = "ErrorCode", .type = IOT_TYPE_ENUM, .access = 0, .offset = offsetof(struct lamp_values, error_event.error_code), .max = 5, .of.values = lamp_error_event_error_code_values},
    {.id = "Message", .type = IOT_TYPE_TEXT, .access = 0, .offset = offsetof(struct lamp_values, error_event.message), .max = 64},
};
static const int32_t lamp_started_event_reason_values[] = {0, 1, 2, 3};
static const struct iot_field lamp_started_event_fields[] = {
    {.id = "Reason", .type = IOT_TYPE_ENUM, .access = 0, .offset = offsetof(struct lamp_values, started_event.reason), .max = 4, .of.values = lamp_started_event_reason_values},
};
static const struct iot_reals lamp_overheated_event_temp_range = {-40, 125};
static const struct iot_field lamp_overheated_event_fields[] = {
    {.id = "Temp", .type = IOT_TYPE_FLOAT, .access = 0, .offset = offsetof(struct lamp_values, overheated_event.temp), .of.reals = &lamp_overheated_event_temp_range},
};
static const struct iot_field lamp_toggle_out_fields[] = {
    {.id = "LightSwitch", .type = IOT_TYPE_BOOL, .access = 0, .offset = offsetof(struct lamp_values, toggle_out.light_switch)},
};
static const struct iot_ints lamp_blink_in_times_range = {1, 10};
static const struct iot_ints lamp_blink_in_interval_ms_range = {50, 2000};
static const struct iot_field lamp_blink_in_fields[] = {
    {.id = "Times", .type = IOT_TYPE_INT, .access = 0, .offset = offsetof(struct lamp_values, blink_in.times), .of.ints = &lamp_blink_in_times_range},
    {.id = "IntervalMs", .type = IOT_TYPE_INT, .access = 0, .offset = offsetof(struct lamp_values, blink_in.interval_ms), .of.ints = &lamp_blink_in_interval_ms_range},
};
static const struct iot_ints lamp_blink_out_done_range = {0, 10};
static const struct iot_field lamp_blink_out_fields[] = {
    {.id = "Done", .type = IOT_TYPE_INT, .access = 0, .offset = offsetof(struct lamp_values, blink_out.done), .of.ints = &lamp_blink_out_done_range},
};
static const struct iot_reals lamp_measure_out_temp_range = {-40, 125};
static const struct iot_field lamp_measure_out_fields[] = {
    {.id = "Temp", .type = IOT_TYPE_FLOAT, .access = 0, .offset = offsetof(struct lamp_values, measure_out.temp), .of.reals = &lamp_measure_out_temp_range},
    {.id = "Energy", .type = IOT_TYPE_DOUBLE, .access = 0, .offset = offsetof(struct lamp_values, measure_out.energy)},
};

static const struct iot_field lamp_properties[] = {
    {.id = "LightSwitch", .type = IOT_TYPE_BOOL, .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE, .offset = offsetof(struct lamp_values, light_switch)},
    {.id = "Brightness", .type = IOT_TYPE_INT, .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE, .offset = offsetof(struct lamp_values, brightness), .of.ints = &lamp_brightness_range},
    {.id = "Mode", .type = IOT_TYPE_ENUM, .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE, .offset = offsetof(struct lamp_values, mode), .max = 3, .of.values = lamp_mode_values},
    {.id = "Temp", .type = IOT_TYPE_FLOAT, .access = IOT_ACCESS_READ, .offset = offsetof(struct lamp_values, temp), .of.reals = &lamp_temp_range},
    {.id = "Energy", .type = IOT_TYPE_DOUBLE, .access = IOT_ACCESS_READ, .offset = offsetof(struct lamp_values, energy)},
    {.id = "Name", .type = IOT_TYPE_TEXT, .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE, .offset = offsetof(struct lamp_values, name), .max = 64},
    {.id = "StartedAt", .type = IOT_TYPE_DATE, .access = IOT_ACCESS_READ, .offset = offsetof(struct lamp_values, started_at)},
    {.id = "RGBColor", .type = IOT_TYPE_STRUCT, .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE, .offset = offsetof(struct lamp_values, rgb_color), .max = 3, .of.fields = lamp_rgb_color_fields},
    {.id = "Schedule", .type = IOT_TYPE_ARRAY, .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE, .offset = offsetof(struct lamp_values, schedule), .max = 4, .of.fields = &lamp_schedule_items},
    {.id = "Scenes", .type = IOT_TYPE_ARRAY, .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE, .offset = offsetof(struct lamp_values, scenes), .max = 3, .of.fields = &lamp_scenes_items},
};

static const struct iot_event_spec lamp_events[] = {
    {.id = "Error", .out = lamp_error_event_fields, .out_count = 2, .level = IOT_LEVEL_ERROR},
    {.id = "Started", .out = lamp_started_event_fields, .out_count = 1, .level = IOT_LEVEL_INFO},
    {.id = "Overheated", .out = lamp_overheated_event_fields, .out_count = 1, .level = IOT_LEVEL_ALERT},
};

static const struct iot_service_spec lamp_services[] = {
    {.id = "Toggle", .in = NULL, .out = lamp_toggle_out_fields, .in_count = 0, .out_count = 1, .on_call = lamp_on_toggle},
    {.id = "Blink", .in = lamp_blink_in_fields, .out = lamp_blink_out_fields, .in_count = 2, .out_count = 1, .on_call = lamp_on_blink},
    {.id = "Measure", .in = NULL, .out = lamp_measure_out_fields, .in_count = 0, .out_count = 2, .on_call = lamp_on_measure},
};

const struct iot_model lamp_model = {
    .properties = lamp_properties,
    .property_count = 10,
    .events = lamp_events,
    .event_count = 3,
    .services = lamp_services,
    .service_count = 3,
};

/* Made from the thing model of product a1EveryTyp1 by `make thing`: change the model, not this file. */
/* clang-format off */
#include "peer_every.h"

#include <stddef.h>

#if IOT_PROPERTIES_MAX < 12
#error "IOT_PROPERTIES_MAX: this model has 12 properties; raise it"
#endif
/* Offsets have 16 bits. */
typedef char peer_every_values_fit[sizeof(struct peer_every_values) <= 65535 ? 1 : -1];

static const struct iot_ints peer_every_int__range = {INT32_MIN, 2147483647};
static const int32_t peer_every_enum__values[] = {0, 7, 65};
static const struct iot_ints peer_every_struct__a_range = {0, 255};
static const int32_t peer_every_struct__g_values[] = {1, 2};
static const struct iot_field peer_every_struct__fields[] = {
    {.id = "A", .type = IOT_TYPE_INT, .access = 0, .offset = offsetof(struct peer_every_struct_, a), .of.ints = &peer_every_struct__a_range},
    {.id = "B", .type = IOT_TYPE_TEXT, .access = 0, .offset = offsetof(struct peer_every_struct_, b), .max = 20},
    {.id = "C", .type = IOT_TYPE_DOUBLE, .access = 0, .offset = offsetof(struct peer_every_struct_, c)},
    {.id = "D", .type = IOT_TYPE_BOOL, .access = 0, .offset = offsetof(struct peer_every_struct_, d)},
    {.id = "E", .type = IOT_TYPE_DATE, .access = 0, .offset = offsetof(struct peer_every_struct_, e)},
    {.id = "F", .type = IOT_TYPE_FLOAT, .access = 0, .offset = offsetof(struct peer_every_struct_, f)},
    {.id = "G", .type = IOT_TYPE_ENUM, .access = 0, .offset = offsetof(struct peer_every_struct_, g), .max = 2, .of.values = peer_every_struct__g_values},
};
static const struct iot_ints peer_every_ints_item_range = {-100000, 100000};
static const struct iot_field peer_every_ints_items =
    {.id = NULL, .type = IOT_TYPE_INT, .access = 0, .offset = offsetof(struct peer_every_ints, item), .of.ints = &peer_every_ints_item_range, .size = sizeof(((struct peer_every_ints *)0)->item[0])};
static const struct iot_field peer_every_doubles_items =
    {.id = NULL, .type = IOT_TYPE_DOUBLE, .access = 0, .offset = offsetof(struct peer_every_doubles, item), .size = sizeof(((struct peer_every_doubles *)0)->item[0])};
static const struct iot_field peer_every_texts_items =
    {.id = NULL, .type = IOT_TYPE_TEXT, .access = 0, .offset = offsetof(struct peer_every_texts, item), .max = 16, .size = sizeof(((struct peer_every_texts *)0)->item[0])};
static const struct iot_ints peer_every_structs_item_id_range = {0, 9};
static const struct iot_field peer_every_structs_item_fields[] = {
    {.id = "Id", .type = IOT_TYPE_INT, .access = 0, .offset = offsetof(struct peer_every_structs_item, id), .of.ints = &peer_every_structs_item_id_range},
    {.id = "Label", .type = IOT_TYPE_TEXT, .access = 0, .offset = offsetof(struct peer_every_structs_item, label), .max = 16},
};
static const struct iot_field peer_every_structs_items =
    {.id = NULL, .type = IOT_TYPE_STRUCT, .access = 0, .offset = offsetof(struct peer_every_structs, item), .max = 2, .of.fields = peer_every_structs_item_fields, .size = sizeof(((struct peer_every_structs *)0)->item[0])};
static const struct iot_field peer_every_told_event_fields[] = {
    {.id = "Text", .type = IOT_TYPE_TEXT, .access = 0, .offset = offsetof(struct peer_every_values, told_event.text), .max = 32},
};
static const struct iot_ints peer_every_warned_event_level_range = {0, 9};
static const struct iot_field peer_every_warned_event_fields[] = {
    {.id = "Level", .type = IOT_TYPE_INT, .access = 0, .offset = offsetof(struct peer_every_values, warned_event.level), .of.ints = &peer_every_warned_event_level_range},
    {.id = "Share", .type = IOT_TYPE_DOUBLE, .access = 0, .offset = offsetof(struct peer_every_values, warned_event.share)},
};
static const struct iot_ints peer_every_failed_event_ints_item_range = {0, 9};
static const struct iot_field peer_every_failed_event_ints_items =
    {.id = NULL, .type = IOT_TYPE_INT, .access = 0, .offset = offsetof(struct peer_every_failed_event_ints, item), .of.ints = &peer_every_failed_event_ints_item_range, .size = sizeof(((struct peer_every_failed_event_ints *)0)->item[0])};
static const struct iot_field peer_every_failed_event_fields[] = {
    {.id = "When", .type = IOT_TYPE_DATE, .access = 0, .offset = offsetof(struct peer_every_values, failed_event.when)},
    {.id = "Ints", .type = IOT_TYPE_ARRAY, .access = 0, .offset = offsetof(struct peer_every_values, failed_event.ints), .max = 4, .of.fields = &peer_every_failed_event_ints_items},
};
static const struct iot_ints peer_every_add_in_a_range = {-1000, 1000};
static const struct iot_ints peer_every_add_in_b_range = {-1000, 1000};
static const struct iot_field peer_every_add_in_fields[] = {
    {.id = "A", .type = IOT_TYPE_INT, .access = 0, .offset = offsetof(struct peer_every_values, add_in.a), .of.ints = &peer_every_add_in_a_range},
    {.id = "B", .type = IOT_TYPE_INT, .access = 0, .offset = offsetof(struct peer_every_values, add_in.b), .of.ints = &peer_every_add_in_b_range},
};
static const struct iot_ints peer_every_add_out_sum_range = {-2000, 2000};
static const struct iot_field peer_every_add_out_fields[] = {
    {.id = "Sum", .type = IOT_TYPE_INT, .access = 0, .offset = offsetof(struct peer_every_values, add_out.sum), .of.ints = &peer_every_add_out_sum_range},
};
static const struct iot_field peer_every_echo_in_fields[] = {
    {.id = "Text", .type = IOT_TYPE_TEXT, .access = 0, .offset = offsetof(struct peer_every_values, echo_in.text), .max = 100},
    {.id = "Double", .type = IOT_TYPE_DOUBLE, .access = 0, .offset = offsetof(struct peer_every_values, echo_in.double_)},
};
static const struct iot_field peer_every_echo_out_fields[] = {
    {.id = "Text", .type = IOT_TYPE_TEXT, .access = 0, .offset = offsetof(struct peer_every_values, echo_out.text), .max = 100},
    {.id = "Double", .type = IOT_TYPE_DOUBLE, .access = 0, .offset = offsetof(struct peer_every_values, echo_out.double_)},
};
static const struct iot_field peer_every_later_out_fields[] = {
    {.id = "Bool", .type = IOT_TYPE_BOOL, .access = 0, .offset = offsetof(struct peer_every_values, later_out.bool_)},
};

static const struct iot_field peer_every_properties[] = {
    {.id = "Int", .type = IOT_TYPE_INT, .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE, .offset = offsetof(struct peer_every_values, int_), .of.ints = &peer_every_int__range},
    {.id = "Float", .type = IOT_TYPE_FLOAT, .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE, .offset = offsetof(struct peer_every_values, float_)},
    {.id = "Double", .type = IOT_TYPE_DOUBLE, .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE, .offset = offsetof(struct peer_every_values, double_)},
    {.id = "Bool", .type = IOT_TYPE_BOOL, .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE, .offset = offsetof(struct peer_every_values, bool_)},
    {.id = "Enum", .type = IOT_TYPE_ENUM, .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE, .offset = offsetof(struct peer_every_values, enum_), .max = 3, .of.values = peer_every_enum__values},
    {.id = "Text", .type = IOT_TYPE_TEXT, .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE, .offset = offsetof(struct peer_every_values, text), .max = 100},
    {.id = "Date", .type = IOT_TYPE_DATE, .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE, .offset = offsetof(struct peer_every_values, date)},
    {.id = "Struct", .type = IOT_TYPE_STRUCT, .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE, .offset = offsetof(struct peer_every_values, struct_), .max = 7, .of.fields = peer_every_struct__fields},
    {.id = "Ints", .type = IOT_TYPE_ARRAY, .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE, .offset = offsetof(struct peer_every_values, ints), .max = 8, .of.fields = &peer_every_ints_items},
    {.id = "Doubles", .type = IOT_TYPE_ARRAY, .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE, .offset = offsetof(struct peer_every_values, doubles), .max = 4, .of.fields = &peer_every_doubles_items},
    {.id = "Texts", .type = IOT_TYPE_ARRAY, .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE, .offset = offsetof(struct peer_every_values, texts), .max = 3, .of.fields = &peer_every_texts_items},
    {.id = "Structs", .type = IOT_TYPE_ARRAY, .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE, .offset = offsetof(struct peer_every_values, structs), .max = 3, .of.fields = &peer_every_structs_items},
};

static const struct iot_event_spec peer_every_events[] = {
    {.id = "Told", .out = peer_every_told_event_fields, .out_count = 1, .level = IOT_LEVEL_INFO},
    {.id = "Warned", .out = peer_every_warned_event_fields, .out_count = 2, .level = IOT_LEVEL_ALERT},
    {.id = "Failed", .out = peer_every_failed_event_fields, .out_count = 2, .level = IOT_LEVEL_ERROR},
};

static const struct iot_service_spec peer_every_services[] = {
    {.id = "Add", .in = peer_every_add_in_fields, .out = peer_every_add_out_fields, .in_count = 2, .out_count = 1, .on_call = peer_every_on_add},
    {.id = "Echo", .in = peer_every_echo_in_fields, .out = peer_every_echo_out_fields, .in_count = 2, .out_count = 2, .on_call = peer_every_on_echo},
    {.id = "Later", .in = NULL, .out = peer_every_later_out_fields, .in_count = 0, .out_count = 1, .on_call = peer_every_on_later},
    {.id = "Refuse", .in = NULL, .out = NULL, .in_count = 0, .out_count = 0, .on_call = peer_every_on_refuse},
};

const struct iot_model peer_every_model = {
    .properties = peer_every_properties,
    .property_count = 12,
    .events = peer_every_events,
    .event_count = 3,
    .services = peer_every_services,
    .service_count = 4,
};

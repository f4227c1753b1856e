/* SPDX-License-Identifier: Apache-2.0 */
#include "link_device.h"
#include "room_model.h"

static struct room_values values;
static struct iot_thing thing;
static struct iot_thing_options options;

/* What the application does when it is asked, and what it saw. */
static struct {
    int32_t says; /* by on_call, on_request */
    uint32_t calls, sets;
    iot_call call;
    struct iot_properties changed;
    const struct iot_field *failed;
    void (*act)(void); /* in the handler */
    char request[128];
} app;

static int32_t room_on_add(void *ctx, struct iot_thing *t, iot_call call)
{
    assert_ptr_equal(ctx, &app);
    assert_ptr_equal(t, &thing);
    app.calls++;
    app.call = call;
    values.add_sum = values.add_a + values.add_b;
    if (app.act != NULL)
        app.act();
    return app.says;
}

static int32_t room_on_reset(void *ctx, struct iot_thing *t, iot_call call)
{
    (void)ctx, (void)t;
    app.calls++;
    app.call = call;
    return app.says;
}

static void on_set(void *ctx, struct iot_thing *t, const struct iot_properties *changed,
                   const struct iot_field *failed)
{
    assert_ptr_equal(ctx, &app);
    assert_ptr_equal(t, &thing);
    app.sets++;
    app.changed = *changed;
    app.failed = failed;
    if (app.act != NULL)
        app.act();
}

static int32_t on_request(void *ctx, struct iot_thing *t, const struct iot_request *r)
{
    (void)ctx, (void)t;
    app.calls++;
    app.call = r->call;
    snprintf(app.request, sizeof app.request, "%.*s %.*s", (int)r->name.len,
             (const char *)r->name.ptr, (int)r->params.len, (const char *)r->params.ptr);
    if (app.act != NULL)
        app.act();
    return app.says;
}

static void begin(const struct iot_model *model)
{
    link_setup();
    memset(&values, 0, sizeof values);
    memset(&app, 0, sizeof app);
    app.says = IOT_CODE_OK;
    room_fan = room_fan_sets = 0;
    room_fan_says = IOT_OK;
    options = (struct iot_thing_options){
        .model = model, .values = &values, .ctx = &app, .on_set = on_set};
    if (model == NULL)
        options.on_request = on_request;
    assert_err(iot_thing_attach(&dev, &thing, &options), IOT_OK);
    link_login();
}

/* As with a policy for the queue. */
static void begin_queue(uint8_t policy)
{
    begin(&room_model);
    opt.queue = policy;
    stub_init(&stub);
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    assert_err(iot_thing_attach(&dev, &thing, &options), IOT_OK);
    link_login();
}

static int setup(void **state)
{
    (void)state;
    begin(&room_model);
    return 0;
}

static int setup_low(void **state)
{
    (void)state;
    begin(NULL);
    return 0;
}

static bool is_free(void)
{
    for (uint32_t i = 0; i < IOT_CALLS_MAX; i++)
        if (thing.slots[i].call != 0)
            return false;
    return true;
}

#define SET       "thing/service/property/set"
#define SET_REPLY LINK_SYS SET "_reply "
#define ADD       "thing/service/Add"
#define ADD_REPLY LINK_SYS ADD "_reply "

/* ---- Sets ------------------------------------------------------------------------------------ */

static void a_set_is_stored_answered_and_told(void **state)
{
    (void)state;
    link_feed(SET, "{\"id\":\"55\",\"version\":\"1.0\",\"params\":{\"Level\":7,\"On\":1},"
                   "\"method\":\"thing.service.property.set\"}");
    assert_string_equal(link_said(), SET_REPLY "{\"id\":\"55\",\"code\":200,\"data\":{}}");
    assert_int_equal(values.level, 7);
    assert_true(values.on);
    assert_int_equal(app.sets, 1);
    assert_null(app.failed);
    assert_true(iot_properties_has(&app.changed, ROOM_LEVEL));
    assert_true(iot_properties_has(&app.changed, ROOM_ON));
    assert_false(iot_properties_has(&app.changed, ROOM_TEMP));
    assert_string_equal(link_said(), "");
    assert_true(is_free());
    assert_int_equal(events[IOT_EV_MESSAGE], 0);
    assert_int_equal(events[IOT_EV_DONE], 0); /* an answer is nobody's event */
}

/* ---- While the device closes ------------------------------------------------------------------ */

static void close_device(void)
{
    assert_err(iot_device_close(&dev, 5000), IOT_OK);
}

static void close_at_once(void)
{
    assert_err(iot_device_close(&dev, 0), IOT_OK);
}

/* "Reboot" is one. */
static void a_service_that_closes_the_device_is_answered(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        setup(NULL);
        app.act = i == 0 ? close_device : close_at_once;
        link_feed(ADD, "{\"id\":\"1\",\"params\":{\"A\":1,\"B\":2}}");
        assert_string_equal(link_said(),
                            ADD_REPLY "{\"id\":\"1\",\"code\":200,\"data\":{\"Sum\":3}}");
        run(1000);
        assert_int_equal(events[IOT_EV_CLOSED], 1);
        assert_true(is_free());
    }
}

static void an_answer_that_is_owed_leaves_before_the_close(void **state)
{
    (void)state;
    link_jam();
    link_feed(ADD, "{\"id\":\"1\",\"params\":{\"A\":1,\"B\":2}}");
    link_feed("thing/service/Reset", "{\"id\":\"2\",\"params\":{}}");
    assert_false(is_free());
    close_device();
    run(1000);
    assert_false(is_free());
    stub_allow(&stub, UINT32_MAX / 2);
    run(1000);
    assert_string_equal(link_said_behind_jam(),
                        ADD_REPLY "{\"id\":\"1\",\"code\":200,\"data\":{\"Sum\":3}}");
    assert_non_null(strstr(link_said(), "Reset_reply {\"id\":\"2\",\"code\":200"));
    assert_int_equal(events[IOT_EV_WRITABLE], 0); /* the application has nothing to say */
    assert_int_equal(events[IOT_EV_CLOSED], 1);
}

static struct iot_writer open_writer;

static void cancel_writer(void)
{
    iot_mqtt_cancel(&open_writer);
}

static void an_answer_that_waits_for_a_writer_leaves_before_the_close(void **state)
{
    struct iot_msg msg = {.topic = IOT_TOPIC("t")};

    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        setup(NULL);
        assert_err(iot_mqtt_begin(&dev, &msg, 20, &open_writer), IOT_OK);
        link_feed(ADD, "{\"id\":\"1\",\"params\":{\"A\":1,\"B\":2}}");
        close_device();
        run(1000);
        assert_string_equal(link_said(), "");
        app.act = cancel_writer;
        if (i == 0)
            cancel_writer();
        else /* in a tick that has looked for owed answers already */
            link_feed(SET, "{\"params\":{\"Level\":1}}");
        run(1);
        assert_string_equal(link_said(),
                            ADD_REPLY "{\"id\":\"1\",\"code\":200,\"data\":{\"Sum\":3}}");
        run(1000);
        assert_int_equal(events[IOT_EV_CLOSED], 1);
    }
}

/* For as long as something drains. */
static void while_the_device_closes_requests_are_still_served(void **state)
{
    struct iot_msg msg = {.topic = IOT_TOPIC("t"), .qos = 1};

    (void)state;
    app.says = IOT_CALL_LATER;
    link_feed(ADD, "{\"id\":\"1\",\"params\":{\"A\":1,\"B\":2}}");
    assert_err(iot_mqtt_publish(&dev, &msg, NULL), IOT_OK);
    close_device();
    run(1000);
    assert_string_equal(link_said(), "t ");
    assert_err(iot_mqtt_publish(&dev, &msg, NULL), IOT_ERR_STATE);
    assert_err(iot_thing_post(&thing, NULL, 0, 0, NULL), IOT_ERR_STATE);
    link_feed(SET, "{\"id\":\"2\",\"params\":{\"Level\":9}}");
    assert_string_equal(link_said(), SET_REPLY "{\"id\":\"2\",\"code\":200,\"data\":{}}");
    assert_err(iot_thing_answer(&thing, app.call, IOT_CODE_OK), IOT_OK);
    run(1);
    assert_string_equal(link_said(), ADD_REPLY "{\"id\":\"1\",\"code\":200,\"data\":{\"Sum\":3}}");
    wire_ack(&in, 0x40, 1);
    receive();
    run(1000);
    assert_int_equal(events[IOT_EV_CLOSED], 1);
}

static void an_answer_that_finds_no_room_until_the_drain_ends_is_forgotten(void **state)
{
    (void)state;
    link_jam();
    link_feed(ADD, "{\"id\":\"1\",\"params\":{\"A\":1,\"B\":2}}");
    close_device();
    run(4000);
    assert_false(is_free());
    assert_int_equal(events[IOT_EV_CLOSED], 0);
    run(4000);
    assert_int_equal(events[IOT_EV_CLOSED], 1);
    assert_true(is_free());
    assert_true(iot_device_idle(&dev));
    assert_err(iot_thing_answer(&thing, app.call, IOT_CODE_OK), IOT_ERR_STATE);
}

/* The platform waits for each of them, and nobody would be told. */
static void answers_give_way_to_nothing_whatever_the_queues_policy(void **state)
{
    static const uint8_t policies[] = {IOT_MSG_REPLACE, IOT_MSG_DROP_OLDEST};
    static uint8_t fill[IOT_MQTT_TX_BYTES / 2];
    struct iot_msg msg = {.topic = IOT_TOPIC("jam"), .payload = {fill, sizeof fill}};
    char text[128];

    (void)state;
    for (uint32_t i = 0; i < COUNT(policies); i++) {
        begin_queue(policies[i]);
        stub.write_budget = 0;
        for (int n = 1; n <= 3; n++) {
            snprintf(text, sizeof text, "{\"id\":\"%d\",\"params\":{\"Level\":%d}}", n, n);
            link_feed(SET, text);
        }
        for (int n = 0; n < 3; n++) /* its own messages give way to each other */
            (void)iot_mqtt_publish(&dev, &msg, NULL);
        link_unjam();
        for (int n = 1; n <= 3; n++) {
            snprintf(text, sizeof text, SET_REPLY "{\"id\":\"%d\",\"code\":200,\"data\":{}}", n);
            assert_string_equal(link_said_behind_jam(), text);
        }
        assert_int_equal(values.level, 3);
    }
}

static void a_request_that_gives_way_ends_as_dropped(void **state)
{
    iot_ticket first, second;

    (void)state;
    begin_queue(IOT_MSG_REPLACE);
    stub.write_budget = 0;
    assert_err(iot_mqtt_publish(&dev, &(struct iot_msg){.topic = IOT_TOPIC("jam")}, NULL), IOT_OK);
    run(1);
    assert_err(iot_alink_request(&dev, "thing/event/a/post", 0, text_bytes("{}"), &first), IOT_OK);
    assert_err(iot_alink_request(&dev, "thing/event/a/post", 0, text_bytes("{}"), &second), IOT_OK);
    run(1);
    assert_int_equal(events[IOT_EV_FAILED], 1);
    assert_int_equal(last[IOT_EV_FAILED].ticket, first);
    assert_err(last[IOT_EV_FAILED].err, IOT_ERR_DROPPED);
    link_unjam();
    assert_non_null(strstr(link_said_behind_jam(), "thing/event/a/post"));
    assert_string_equal(link_said(), "");
}

/* Of a kept session: the handler cannot know by itself that it may have done this once. */
static void a_request_that_the_broker_delivers_again_says_so(void **state)
{
    static const char set[] = "{\"id\":\"5\",\"params\":{\"Level\":7}}";
    (void)state;
    wire_publish(&in, 2, LINK_SYS SET, 1, set, sizeof set - 1);
    receive();
    run(1);
    assert_int_equal(app.sets, 1);
    assert_false(thing.again);
    wire_publish(&in, 2 | 8, LINK_SYS SET, 1, set, sizeof set - 1);
    receive();
    run(1);
    assert_int_equal(app.sets, 2);
    assert_true(thing.again);
    link_feed(SET, set);
    assert_false(thing.again);
    wire_publish(&in, 2 | 8, LINK_SYS SET, 3, set, sizeof set - 1); /* the first was lost */
    receive();
    run(1);
    assert_int_equal(app.sets, 4);
    assert_true(thing.again);
}

static void an_id_is_a_number_a_string_or_missing_and_nothing_else(void **state)
{
    static const char *const good[] = {"55", "\"55\"", "0", "\"4294967295\"", "5.5e1"};
    static const char *const bad[] = {"-1",  "\"\"",   "\"x\"", "4294967296", "[]",
                                      "1.5", "\"1a\"", "null",  "true"};

    (void)state;
    for (uint32_t i = 0; i < COUNT(good); i++) {
        char text[128];
        snprintf(text, sizeof text, "{\"id\":%s,\"params\":{\"Level\":%u}}", good[i], i + 1);
        link_feed(SET, text);
        assert_int_equal(values.level, i + 1);
        assert_non_null(strstr(link_said(), "\"code\":200"));
    }
    for (uint32_t i = 0; i < COUNT(bad); i++) {
        char text[128];
        snprintf(text, sizeof text, "{\"id\":%s,\"params\":{\"Level\":99}}", bad[i]);
        link_feed(SET, text);
        assert_int_equal(values.level, COUNT(good));
        assert_string_equal(link_said(), "");
        assert_int_equal(events[IOT_EV_SKIPPED], i + 1);
    }
    link_feed(SET, "{\"params\":{\"Level\":50}}");
    assert_int_equal(values.level, 50);
    assert_string_equal(link_said(), ""); /* it asks for no answer */
    assert_true(is_free());
}

static void each_fault_of_a_set_has_its_code(void **state)
{
    static const struct {
        const char *params; /* behind the id */
        int32_t code;
    } bad[] = {
        {"", IOT_CODE_EMPTY},
        {",\"params\":{}", IOT_CODE_EMPTY},
        {",\"params\":[]", IOT_CODE_FORMAT},
        {",\"params\":null", IOT_CODE_FORMAT},
        {",\"params\":\"Level\"", IOT_CODE_FORMAT},
        {",\"params\":{\"Nobody\":1}", IOT_CODE_UNKNOWN},
        {",\"params\":{\"Serial\":1}", IOT_CODE_ACCESS},
        {",\"params\":{\"Level\":101}", IOT_CODE_INT},
        {",\"params\":{\"Temp\":\"hot\"}", IOT_CODE_FLOAT},
        {",\"params\":{\"On\":2}", IOT_CODE_BOOL},
        {",\"params\":{\"Mode\":3}", IOT_CODE_ENUM},
        {",\"params\":{\"Name\":5}", IOT_CODE_TEXT},
        {",\"params\":{\"Since\":\"today\"}", IOT_CODE_DATE},
        {",\"params\":{\"Color\":{\"B\":1}}", IOT_CODE_STRUCT},
        {",\"params\":{\"Exact\":1}", IOT_CODE_DOUBLE},
        {",\"params\":{\"Numbers\":[1,2,3,4]}", IOT_CODE_ARRAY},
        {",\"params\":{\"Level\":1,\"On\":5}", IOT_CODE_BOOL},
    };
    struct room_values before = values;

    (void)state;
    for (uint32_t i = 0; i < COUNT(bad); i++) {
        char text[256], expected[128];
        snprintf(text, sizeof text, "{\"id\":\"%u\"%s}", i, bad[i].params);
        snprintf(expected, sizeof expected, SET_REPLY "{\"id\":\"%u\",\"code\":%d,\"data\":{}}", i,
                 (int)bad[i].code);
        link_feed(SET, text);
        assert_string_equal(link_said(), expected);
        assert_memory_equal(&values, &before, sizeof values);
    }
    assert_int_equal(app.sets, 0);
    assert_true(is_free());
}

static void what_is_no_request_is_skipped_by_name(void **state)
{
    static char deep[10001], text[66000];
    struct room_values before = values;

    (void)state;
    link_feed(SET, "");
    assert_err(last[IOT_EV_SKIPPED].err, IOT_ERR_JSON_SYNTAX);
    link_feed(SET, "{\"id\":\"1\",\"params\":{\"Level\":1}");
    link_feed(SET, "{\"id\":\"1\",\"params\":{\"Level\":1}}x");
    link_feed(SET, "{\"id\":\"1\",\"params\":{\"Level\":01}}");
    link_feed_bytes(SET, BYTES("{\"id\":\"1\",\"params\":{\"Name\":\"\xff\"}}"));
    assert_int_equal(events[IOT_EV_SKIPPED], 5);
    assert_err(last[IOT_EV_SKIPPED].err, IOT_ERR_JSON_SYNTAX);
    link_feed(SET, "[1]");
    assert_err(last[IOT_EV_SKIPPED].err, IOT_ERR_JSON_TYPE);
    snprintf(text, sizeof text, "{\"id\":\"1\",\"params\":{\"Level\":%.*s",
             (int)(IOT_MQTT_RX_BYTES / 2), (char *)memset(deep, '[', sizeof deep - 1));
    link_feed(SET, text);
    assert_err(last[IOT_EV_SKIPPED].err, IOT_ERR_JSON_DEPTH);

    /* Larger than the window: ten thousand levels, a text of 10,240 characters, 64 KiB. */
    link_feed(SET, deep);
    assert_err(last[IOT_EV_SKIPPED].err, IOT_ERR_MQTT_TOO_LARGE);
    static const uint32_t sizes[] = {10240, 65000};
    for (uint32_t i = 0; i < COUNT(sizes); i++) {
        last[IOT_EV_SKIPPED].err = IOT_OK;
        memset(text, 'x', sizes[i]);
        memcpy(text, "{\"id\":\"1\",\"params\":{\"Name\":\"", 28);
        memcpy(text + sizes[i] - 3, "\"}}", 4);
        link_feed(SET, text);
        assert_err(last[IOT_EV_SKIPPED].err, IOT_ERR_MQTT_TOO_LARGE);
    }
    assert_int_equal(events[IOT_EV_SKIPPED], 10);
    assert_memory_equal(&values, &before, sizeof values);
    assert_string_equal(link_said(), "");
    assert_true(iot_device_connected(&dev));
}

static void a_setter_that_fails_is_answered_and_told(void **state)
{
    (void)state;
    room_fan_says = IOT_ERR_KV;
    link_feed(SET, "{\"id\":\"1\",\"params\":{\"Level\":1,\"Fan\":2}}");
    assert_string_equal(link_said(), SET_REPLY "{\"id\":\"1\",\"code\":6150,\"data\":{}}");
    assert_int_equal(app.sets, 1);
    assert_ptr_equal(app.failed, &room_properties[ROOM_FAN]);
    assert_int_equal(values.level, 0);
    room_fan_says = IOT_OK;
    link_feed(SET, "{\"id\":\"2\",\"params\":{\"Level\":1,\"Fan\":2}}");
    assert_string_equal(link_said(), SET_REPLY "{\"id\":\"2\",\"code\":200,\"data\":{}}");
    assert_int_equal(room_fan, 2);
    assert_int_equal(values.level, 1);
    assert_null(app.failed);
}

static void a_set_of_forty_members_works_where_it_fits_the_window(void **state)
{
    static int32_t many[40];
    static char names[40][24];
    static struct iot_field fields[40];
    static const struct iot_model model = {fields, NULL, NULL, 40, 0, 0};
    char text[2048] = "{\"id\":\"1\",\"params\":{";

    (void)state;
    for (uint32_t i = 0; i < 40; i++) {
        snprintf(names[i], sizeof names[i], "SomewhatLongName%02u", i);
        fields[i] = (struct iot_field){
            .id = names[i], .type = IOT_TYPE_INT, .access = RW, .offset = (uint16_t)(i * 4)};
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s\"%s\":%u", i == 0 ? "" : ",",
                 names[i], 100000 + i);
    }
    strcat(text, "}}");
    assert_true(strlen(text) > 1000 && strlen(text) < 1800);
    link_setup();
    options.model = &model;
    options.values = many;
    assert_err(iot_thing_attach(&dev, &thing, &options), IOT_OK);
    link_login();
    link_feed(SET, text);
#if IOT_MQTT_RX_BYTES >= 2048
    for (uint32_t i = 0; i < 40; i++)
        assert_int_equal(many[i], 100000 + i);
    assert_string_equal(link_said(), SET_REPLY "{\"id\":\"1\",\"code\":200,\"data\":{}}");
    assert_int_equal(app.sets, 1);
#else
    assert_err(last[IOT_EV_SKIPPED].err, IOT_ERR_MQTT_TOO_LARGE);
    assert_int_equal(many[0], 0);
    assert_string_equal(link_said(), "");
#endif
}

/* ---- Gets ------------------------------------------------------------------------------------ */

static void a_get_names_what_it_wants(void **state)
{
    (void)state;
    values.level = 3;
    link_feed("thing/service/property/get",
              "{\"id\":\"8\",\"params\":[\"Fan\",\"Level\",\"Level\"]}");
    assert_string_equal(link_said(),
                        LINK_SYS "thing/service/property/get_reply "
                                 "{\"id\":\"8\",\"code\":200,\"data\":{\"Level\":3,\"Fan\":0}}");
    link_feed("thing/service/property/get", "{\"id\":\"8\",\"params\":[]}");
    assert_non_null(strstr(link_said(), "\"code\":200,\"data\":{}}"));
    link_feed("thing/service/property/get", "{\"id\":\"8\",\"params\":[\"Nobody\"]}");
    assert_non_null(strstr(link_said(), "\"code\":6320,\"data\":{}}"));
    link_feed("thing/service/property/get", "{\"id\":\"8\",\"params\":[\"Secret\"]}");
    assert_non_null(strstr(link_said(), "\"code\":6315,\"data\":{}}"));
    link_feed("thing/service/property/get", "{\"id\":\"8\",\"params\":{}}");
    assert_non_null(strstr(link_said(), "\"code\":6301,\"data\":{}}"));
    link_feed("thing/service/property/get", "{\"id\":\"8\",\"params\":[1]}");
    assert_non_null(strstr(link_said(), "\"code\":6320,\"data\":{}}"));
    assert_true(is_free());
}

static void a_get_waits_for_room_and_is_answered_with_what_is_true_then(void **state)
{
    (void)state;
    link_jam();
    values.level = 1;
    link_feed("thing/service/property/get", "{\"id\":\"8\",\"params\":[\"Level\"]}");
    values.level = 2;
    assert_true(is_free());
    link_unjam();
    assert_string_equal(link_said_behind_jam(),
                        LINK_SYS "thing/service/property/get_reply "
                                 "{\"id\":\"8\",\"code\":200,\"data\":{\"Level\":2}}");
    assert_string_equal(link_said(), "");
}

/* ---- Services -------------------------------------------------------------------------------- */

static void a_service_is_answered_at_once_with_its_output(void **state)
{
    (void)state;
    link_feed(ADD, "{\"id\":\"77\",\"version\":\"1.0\",\"params\":{\"A\":10,\"B\":20},"
                   "\"method\":\"thing.service.Add\"}");
    assert_string_equal(link_said(),
                        ADD_REPLY "{\"id\":\"77\",\"code\":200,\"data\":{\"Sum\":30}}");
    assert_int_equal(app.calls, 1);
    app.says = 7001;
    link_feed(ADD, "{\"id\":78,\"params\":{\"A\":1,\"B\":2,\"Note\":9}}");
    assert_string_equal(link_said(), ADD_REPLY "{\"id\":\"78\",\"code\":7001,\"data\":{}}");
    assert_int_equal(values.add_note, 9);
    app.says = IOT_CODE_OK;
    link_feed("thing/service/Reset", "{\"id\":\"79\"}");
    assert_string_equal(link_said(), LINK_SYS "thing/service/Reset_reply "
                                              "{\"id\":\"79\",\"code\":200,\"data\":{}}");
    link_feed("thing/service/Reset", "{\"id\":\"79\",\"params\":{}}");
    assert_non_null(strstr(link_said(), "\"code\":200"));
    assert_true(is_free());
}

static void each_fault_of_a_call_has_its_code_and_nobody_is_called(void **state)
{
    static const struct {
        const char *topic, *text, *code;
    } bad[] = {
        {ADD, "{\"id\":\"1\"}", "6302"},
        {ADD, "{\"id\":\"1\",\"params\":[]}", "6301"},
        {ADD, "{\"id\":\"1\",\"params\":{}}", "6304"},
        {ADD, "{\"id\":\"1\",\"params\":{\"A\":1}}", "6304"},
        {ADD, "{\"id\":\"1\",\"params\":{\"A\":1,\"B\":256}}", "6306"},
        {ADD, "{\"id\":\"1\",\"params\":{\"A\":1,\"B\":2,\"C\":3}}", "6320"},
        {"thing/service/Nobody", "{\"id\":\"1\",\"params\":{}}", "6313"},
        {"thing/service/add", "{\"id\":\"1\",\"params\":{\"A\":1,\"B\":2}}", "6313"},
        {"thing/service/Reset", "{\"id\":\"1\",\"params\":{\"X\":1}}", "6320"},
    };
    struct room_values before = values;

    (void)state;
    for (uint32_t i = 0; i < COUNT(bad); i++) {
        char expected[256];
        snprintf(expected, sizeof expected,
                 LINK_SYS "%s_reply {\"id\":\"1\",\"code\":%s,\"data\":{}}", bad[i].topic,
                 bad[i].code);
        link_feed(bad[i].topic, bad[i].text);
        assert_string_equal(link_said(), expected);
        assert_memory_equal(&values, &before, sizeof values);
    }
    assert_int_equal(app.calls, 0);
    assert_true(is_free());
}

static void topics_of_nobody_are_the_applications(void **state)
{
    static const char *const topics[] = {
        "thing/service/",
        "thing/service/a/b",
        "thing/service",
        "thing/service/property/x",
        "rrpc/request/",
        "rrpc/request/1/2",
        "/sys/other/dev001/thing/service/Add",
        "/ext/rrpc/1",
        "/ext/rrpc/1/",
        "/ext/rrpc/1/any/topic",
        "/ext/rrpc/1/sys/" LINK_PK "/other/" ADD,
        "thing/model/down_raw",
        "/ext/rrpc/1/sys/" LINK_PK "/" LINK_DN "/thing/service/a/b",
    };

    (void)state;
    for (uint32_t i = 0; i < COUNT(topics); i++) {
        link_feed(topics[i], "{\"id\":\"1\",\"params\":{\"A\":1,\"B\":2}}");
        assert_int_equal(events[IOT_EV_MESSAGE], i + 1);
    }
    assert_int_equal(app.calls + app.sets, 0);
    assert_string_equal(link_said(), "");
}

static void a_call_is_answered_later_and_only_once(void **state)
{
    (void)state;
    app.says = IOT_CALL_LATER;
    link_feed(ADD, "{\"id\":\"77\",\"params\":{\"A\":10,\"B\":20}}");
    assert_string_equal(link_said(), "");
    assert_false(iot_device_idle(&dev));
    run(IOT_CALL_MS - 100);
    assert_err(iot_thing_answer(&thing, app.call, IOT_CALL_LATER), IOT_ERR_STATE);
    assert_err(iot_thing_answer(&thing, app.call, IOT_CODE_OK), IOT_OK);
    run(1);
    assert_string_equal(link_said(),
                        ADD_REPLY "{\"id\":\"77\",\"code\":200,\"data\":{\"Sum\":30}}");
    assert_err(iot_thing_answer(&thing, app.call, IOT_CODE_OK), IOT_ERR_STATE);
    assert_err(iot_thing_answer(&thing, 0, IOT_CODE_OK), IOT_ERR_STATE);
    assert_err(iot_thing_answer(&thing, app.call + 256, IOT_CODE_OK), IOT_ERR_STATE);
    assert_true(iot_device_idle(&dev));
    run(IOT_CALL_MS);
    assert_string_equal(link_said(), "");
}

static void a_call_whose_time_is_up_is_answered_for_the_application(void **state)
{
    iot_call late;

    (void)state;
    app.says = IOT_CALL_LATER;
    link_feed(ADD, "{\"id\":\"77\",\"params\":{\"A\":10,\"B\":20}}");
    late = app.call;
    run(IOT_CALL_MS - 50);
    assert_string_equal(link_said(), "");
    run(100);
    assert_string_equal(link_said(), ADD_REPLY "{\"id\":\"77\",\"code\":6151,\"data\":{}}");
    assert_err(iot_thing_answer(&thing, late, IOT_CODE_OK), IOT_ERR_STATE);
    link_feed(ADD, "{\"id\":\"78\",\"params\":{\"A\":1,\"B\":2}}"); /* in the same slot */
    assert_err(iot_thing_answer(&thing, late, IOT_CODE_OK), IOT_ERR_STATE);
    assert_err(iot_thing_answer(&thing, app.call, IOT_CODE_OK), IOT_OK);
    run(1);
    assert_string_equal(link_said(), ADD_REPLY "{\"id\":\"78\",\"code\":200,\"data\":{\"Sum\":3}}");
}

static void calls_wait_for_a_free_slot_in_their_order(void **state)
{
    iot_call calls[IOT_CALLS_MAX];

    (void)state;
    app.says = IOT_CALL_LATER;
    for (uint32_t i = 0; i < IOT_CALLS_MAX; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"id\":%u,\"params\":{\"A\":%u,\"B\":0}}", i, i);
        link_feed(ADD, text);
        calls[i] = app.call;
    }
    assert_int_equal(app.calls, IOT_CALLS_MAX);
    link_feed("thing/service/Reset", "{\"id\":\"100\"}");
    link_feed(SET, "{\"id\":\"101\",\"params\":{\"Level\":1}}");
    run(100);
    assert_int_equal(app.calls, IOT_CALLS_MAX);
    assert_int_equal(values.level, 0);
    assert_err(iot_thing_answer(&thing, calls[1], IOT_CODE_OK), IOT_OK);
    run(100);
    assert_string_equal(link_said(), ADD_REPLY "{\"id\":\"1\",\"code\":200,\"data\":{\"Sum\":1}}");
    assert_int_equal(app.calls, IOT_CALLS_MAX + 1);
    assert_int_equal(values.level, 0);
    assert_err(iot_thing_answer(&thing, app.call, 9), IOT_OK);
    run(100);
    assert_non_null(strstr(link_said(), "Reset_reply {\"id\":\"100\",\"code\":9,\"data\":{}}"));
    assert_non_null(strstr(link_said(), "set_reply {\"id\":\"101\",\"code\":200"));
    assert_int_equal(values.level, 1);
    assert_int_equal(events[IOT_EV_SKIPPED], 0);
}

static void a_handler_may_decline_a_call(void **state)
{
    (void)state;
    app.says = IOT_ERR_AGAIN;
    link_feed(ADD, "{\"id\":\"1\",\"params\":{\"A\":1,\"B\":2}}");
    run(100);
    assert_true(app.calls > 1);
    assert_true(is_free());
    app.says = IOT_CODE_OK;
    run(100);
    assert_string_equal(link_said(), ADD_REPLY "{\"id\":\"1\",\"code\":200,\"data\":{\"Sum\":3}}");
    assert_string_equal(link_said(), "");
    app.says = IOT_ERR_KV; /* no code */
    link_feed(ADD, "{\"id\":\"2\",\"params\":{\"A\":1,\"B\":2}}");
    assert_string_equal(link_said(), ADD_REPLY "{\"id\":\"2\",\"code\":6151,\"data\":{}}");
}

/* ---- A full outbox --------------------------------------------------------------------------- */

static void an_answer_is_owed_while_the_outbox_is_full(void **state)
{
    (void)state;
    link_jam();
    link_feed(SET, "{\"id\":\"1\",\"params\":{\"Level\":1,\"Fan\":4}}");
    run(100);
    assert_int_equal(values.level, 1);
    assert_int_equal(app.sets, 1);
    assert_int_equal(room_fan_sets, 1);
    assert_false(iot_device_idle(&dev));
    link_feed(ADD, "{\"id\":\"2\",\"params\":{\"A\":1,\"B\":2}}");
    run(100);
    assert_int_equal(app.calls, 1);
    /* Both slots are owed now. */
    link_feed(SET, "{\"id\":\"3\",\"params\":{\"Level\":3}}");
    run(100);
    assert_int_equal(values.level, 1);
    link_unjam();
    assert_string_equal(link_said_behind_jam(),
                        SET_REPLY "{\"id\":\"1\",\"code\":200,\"data\":{}}");
    assert_string_equal(link_said_behind_jam(),
                        ADD_REPLY "{\"id\":\"2\",\"code\":200,\"data\":{\"Sum\":3}}");
    assert_string_equal(link_said_behind_jam(),
                        SET_REPLY "{\"id\":\"3\",\"code\":200,\"data\":{}}");
    assert_string_equal(link_said(), "");
    assert_int_equal(values.level, 3);
    assert_int_equal(app.sets, 2);
    assert_int_equal(app.calls, 1);
    assert_int_equal(room_fan_sets, 1);
    assert_true(is_free());
}

static void an_answer_waits_for_a_writer_to_close(void **state)
{
    struct iot_batch batch;

    (void)state;
    assert_err(iot_thing_batch_begin(&thing, IOT_BATCH, IOT_ASK_NO_REPLY, 100, &batch), IOT_OK);
    link_feed(SET, "{\"id\":\"1\",\"params\":{\"Level\":1}}");
    link_feed("thing/service/property/get", "{\"id\":\"2\",\"params\":[\"Level\"]}");
    run(50);
    assert_int_equal(values.level, 1);
    assert_string_equal(link_said(), "");
    assert_err(iot_thing_batch_commit(&batch, NULL), IOT_OK);
    run(100);
    assert_non_null(strstr(link_said(), "batch/post"));
    assert_non_null(strstr(link_said(), "set_reply {\"id\":\"1\",\"code\":200"));
    assert_non_null(strstr(link_said(), "get_reply {\"id\":\"2\",\"code\":200"));
    assert_string_equal(link_said(), "");
    assert_int_equal(app.sets, 1);

    struct iot_writer w; /* or to be given back */
    assert_err(iot_alink_begin(&dev, "thing/reset", 0, 10, &w), IOT_OK);
    link_feed(SET, "{\"id\":\"3\",\"params\":{\"Level\":2}}");
    run(50);
    iot_mqtt_cancel(&w);
    run(1);
    assert_non_null(strstr(link_said(), "set_reply {\"id\":\"3\",\"code\":200"));
}

static void output_that_is_owed_is_not_overwritten_by_the_next_call(void **state)
{
    (void)state;
    link_jam();
    link_feed(ADD, "{\"id\":\"1\",\"params\":{\"A\":1,\"B\":2}}");
    link_feed(ADD, "{\"id\":\"2\",\"params\":{\"A\":10,\"B\":20}}");
    run(100);
    assert_int_equal(app.calls, 1);
    link_unjam();
    assert_string_equal(link_said_behind_jam(),
                        ADD_REPLY "{\"id\":\"1\",\"code\":200,\"data\":{\"Sum\":3}}");
    assert_string_equal(link_said_behind_jam(),
                        ADD_REPLY "{\"id\":\"2\",\"code\":200,\"data\":{\"Sum\":30}}");

    iot_call first;
    app.says = IOT_CALL_LATER;
    link_feed(ADD, "{\"id\":\"3\",\"params\":{\"A\":1,\"B\":2}}");
    first = app.call;
    link_feed(ADD, "{\"id\":\"4\",\"params\":{\"A\":1,\"B\":2}}");
    link_jam();
    assert_true(iot_thing_can_answer(&thing, app.call));
    assert_err(iot_thing_answer(&thing, first, IOT_CODE_OK), IOT_OK);
    assert_false(iot_thing_can_answer(&thing, first));
    assert_false(iot_thing_can_answer(&thing, app.call)); /* its output would be in the way */
    assert_err(iot_thing_answer(&thing, app.call, IOT_CODE_OK), IOT_ERR_FULL);
    link_unjam();
    assert_true(iot_thing_can_answer(&thing, app.call));
    assert_err(iot_thing_answer(&thing, app.call, IOT_CODE_OK), IOT_OK);
    assert_false(iot_thing_can_answer(&thing, app.call));
    assert_false(iot_thing_can_answer(&thing, 0));
    run(1);
    assert_non_null(strstr(link_said_behind_jam(), "\"id\":\"3\""));
    assert_non_null(strstr(link_said_behind_jam(), "\"id\":\"4\""));
}

static void output_that_can_never_be_sent_is_an_error_not_a_silence(void **state)
{
    static char large[IOT_MQTT_TX_BYTES + 64];
    static const struct iot_field out[] = {
        {"Text", IOT_TYPE_TEXT, 0, 0, 0, sizeof large - 1, {NULL}, NULL}};
    static const struct iot_field all[] = {
        {"Text", IOT_TYPE_TEXT, IOT_ACCESS_READ, 0, 0, sizeof large - 1, {NULL}, NULL}};
    static const struct iot_service_spec services[] = {{"Tell", NULL, out, 0, 1, room_on_reset}};
    static const struct iot_model model = {all, NULL, services, 1, 0, 1};

    (void)state;
    link_setup();
    memset(large, 'x', sizeof large - 1);
    options.model = &model;
    options.values = large;
    assert_err(iot_thing_attach(&dev, &thing, &options), IOT_OK);
    link_login();
    link_feed("thing/service/Tell", "{\"id\":\"1\"}");
    assert_string_equal(link_said(), LINK_SYS "thing/service/Tell_reply "
                                              "{\"id\":\"1\",\"code\":6151,\"data\":{}}");
    link_feed("thing/service/property/get", "{\"id\":\"2\",\"params\":[\"Text\"]}");
    assert_string_equal(link_said(), LINK_SYS "thing/service/property/get_reply "
                                              "{\"id\":\"2\",\"code\":6151,\"data\":{}}");
    assert_true(is_free());
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void calls_outlive_a_lost_link_but_not_the_device(void **state)
{
    (void)state;
    app.says = IOT_CALL_LATER;
    link_feed(ADD, "{\"id\":\"1\",\"params\":{\"A\":1,\"B\":2}}");
    stub_end(&stub, IOT_ERR_TCP_RESET, 0);
    run(10);
    assert_int_equal(events[IOT_EV_LOST], 1);
    accept_login(false);
    link_heard = 0; /* a new stream */
    assert_err(iot_thing_answer(&thing, app.call, IOT_CODE_OK), IOT_OK);
    run(1);
    assert_string_equal(link_said(), ADD_REPLY "{\"id\":\"1\",\"code\":200,\"data\":{\"Sum\":3}}");

    link_feed(ADD, "{\"id\":\"2\",\"params\":{\"A\":1,\"B\":2}}");
    assert_err(iot_device_close(&dev, 100), IOT_OK);
    run(5000);
    assert_int_equal(events[IOT_EV_CLOSED], 1);
    assert_err(iot_thing_answer(&thing, app.call, IOT_CODE_OK), IOT_ERR_STATE);
    assert_true(is_free());
    link_heard = 0;
    link_login(); /* it is still the device's thing */
    app.says = IOT_CODE_OK;
    link_feed(ADD, "{\"id\":\"3\",\"params\":{\"A\":1,\"B\":2}}");
    assert_non_null(strstr(link_said(), "\"id\":\"3\",\"code\":200"));
}

static void post_changed(void)
{
    assert_err(iot_thing_post(&thing, &app.changed, IOT_ASK_NO_REPLY, 0, NULL), IOT_OK);
}

static void close_it(void)
{
    assert_err(iot_device_close(&dev, 1000), IOT_OK);
}

static void answer_it(void)
{
    assert_err(iot_thing_answer(&thing, app.call, 201), IOT_OK);
}

static void poll_it(void)
{
    assert_int_equal(iot_poll(&dev, now_ms), 0);
}

static void handlers_may_call_back(void **state)
{
    (void)state;
    app.act = post_changed;
    link_feed(SET, "{\"id\":\"1\",\"params\":{\"Level\":5}}");
    assert_string_equal(link_said(), SET_REPLY "{\"id\":\"1\",\"code\":200,\"data\":{}}");
    assert_non_null(strstr(link_said(), "\"params\":{\"Level\":5}}"));

    app.act = answer_it; /* and says 200 besides */
    link_feed(ADD, "{\"id\":\"2\",\"params\":{\"A\":1,\"B\":2}}");
    assert_string_equal(link_said(), ADD_REPLY "{\"id\":\"2\",\"code\":201,\"data\":{}}");
    assert_string_equal(link_said(), "");
    link_jam();
    link_feed(ADD, "{\"id\":\"3\",\"params\":{\"A\":1,\"B\":2}}");
    link_unjam();
    assert_string_equal(link_said_behind_jam(),
                        ADD_REPLY "{\"id\":\"3\",\"code\":201,\"data\":{}}");
    assert_string_equal(link_said_behind_jam(), "");

    app.act = poll_it;
    link_feed(ADD, "{\"id\":\"4\",\"params\":{\"A\":1,\"B\":2}}");
    assert_non_null(strstr(link_said(), "\"id\":\"4\",\"code\":200"));

    app.act = close_it;
    link_feed(ADD, "{\"id\":\"5\",\"params\":{\"A\":1,\"B\":2}}");
    run(5000);
    assert_int_equal(events[IOT_EV_CLOSED], 1);
    assert_true(is_free());
}

/* ---- Synchronous calls ----------------------------------------------------------------------- */

static void old_rrpc_names_its_method_and_is_answered_on_its_own_topic(void **state)
{
    (void)state;
    link_feed("rrpc/request/123456789012345678", "{\"id\":\"9\",\"params\":{\"Level\":9},"
                                                 "\"method\":\"thing.service.property.set\"}");
    assert_string_equal(link_said(), LINK_SYS "rrpc/response/123456789012345678 "
                                              "{\"id\":\"9\",\"code\":200,\"data\":{}}");
    assert_int_equal(values.level, 9);
    link_feed("rrpc/request/5", "{\"id\":\"10\",\"params\":{\"A\":1,\"B\":2},"
                                "\"method\":\"thing.service.Add\"}");
    assert_string_equal(link_said(), LINK_SYS "rrpc/response/5 "
                                              "{\"id\":\"10\",\"code\":200,\"data\":{\"Sum\":3}}");
    link_feed("rrpc/request/6",
              "{\"params\":[\"Level\"],\"method\":\"thing.service.property.get\"}");
    assert_string_equal(link_said(), LINK_SYS
                        "rrpc/response/6 {\"id\":\"0\",\"code\":200,\"data\":{\"Level\":9}}");
    link_feed("rrpc/request/7", "{\"id\":\"11\",\"method\":\"thing.service.Nobody\"}");
    assert_string_equal(link_said(), LINK_SYS "rrpc/response/7 "
                                              "{\"id\":\"11\",\"code\":6313,\"data\":{}}");
    app.says = IOT_CALL_LATER;
    link_feed("rrpc/request/8", "{\"id\":\"12\",\"params\":{\"A\":1,\"B\":2},"
                                "\"method\":\"thing.service.Add\"}");
    assert_err(iot_thing_answer(&thing, app.call, 5), IOT_OK);
    run(1);
    assert_string_equal(link_said(), LINK_SYS "rrpc/response/8 "
                                              "{\"id\":\"12\",\"code\":5,\"data\":{}}");
    /* Any bytes may come there. */
    link_feed("rrpc/request/9", "hello");
    link_feed("rrpc/request/9", "{\"id\":\"1\"}");
    link_feed("rrpc/request/9", "{\"id\":\"1\",\"method\":\"thing.event.x\"}");
    link_feed("rrpc/request/9", "{\"id\":\"1\",\"method\":\"thing.service.\"}");
    assert_int_equal(events[IOT_EV_MESSAGE], 4);
    assert_int_equal(events[IOT_EV_SKIPPED], 0);
}

#define EXT "/ext/rrpc/1234567890/sys/" LINK_PK "/" LINK_DN "/"

static void new_rrpc_is_answered_where_it_came(void **state)
{
    (void)state;
    link_feed(EXT SET, "{\"id\":\"1\",\"params\":{\"Level\":9}}");
    assert_string_equal(link_said(), EXT SET " {\"id\":\"1\",\"code\":200,\"data\":{}}");
    link_feed(EXT ADD, "{\"id\":\"2\",\"params\":{\"A\":1,\"B\":2}}");
    assert_string_equal(link_said(), EXT ADD " {\"id\":\"2\",\"code\":200,\"data\":{\"Sum\":3}}");
    link_feed(EXT ADD, "{\"params\":{\"A\":1,\"B\":2}}"); /* somebody waits, id or not */
    assert_string_equal(link_said(), EXT ADD " {\"id\":\"0\",\"code\":200,\"data\":{\"Sum\":3}}");
    link_feed(EXT "thing/service/property/get", "{\"id\":\"3\",\"params\":[\"Level\"]}");
    assert_string_equal(link_said(), EXT "thing/service/property/get "
                                         "{\"id\":\"3\",\"code\":200,\"data\":{\"Level\":9}}");
    link_feed(EXT ADD, "hello");
    assert_err(last[IOT_EV_SKIPPED].err, IOT_ERR_JSON_SYNTAX);
    link_jam();
    link_feed(EXT SET, "{\"id\":\"4\",\"params\":{\"Level\":10}}");
    assert_int_equal(values.level, 10);
    link_unjam();
    assert_string_equal(link_said_behind_jam(), EXT SET " {\"id\":\"4\",\"code\":200,\"data\":{}}");
    assert_true(is_free());
}

static void a_call_whose_answer_has_no_topic_is_skipped_by_name(void **state)
{
    char topic[160] = LINK_SYS "thing/service/", fits[200];

    (void)state;
    memset(topic + strlen(topic), 'x', 122 - strlen(topic));
    link_jam(); /* asked again, not owed: its name is in no slot */
    link_feed(topic, "{\"id\":\"1\"}");
    assert_true(is_free());
    snprintf(fits, sizeof fits, "%s_reply {\"id\":\"1\",\"code\":6313,\"data\":{}}", topic);
    link_unjam();
    assert_string_equal(link_said_behind_jam(), fits);
    topic[122] = 'x';
    link_feed(topic, "{\"id\":\"1\"}");
    assert_string_equal(link_said(), "");
    assert_err(last[IOT_EV_SKIPPED].err, IOT_ERR_SIZE);
    assert_true(is_free());
}

static void a_token_that_is_too_long_is_refused_and_told(void **state)
{
    char topic[256], said[320], token[IOT_CALL_TOKEN_BYTES + 2];

    (void)state;
    memset(token, '7', sizeof token);
    snprintf(topic, sizeof topic, "rrpc/request/%.*s", IOT_CALL_TOKEN_BYTES + 1, token);
    link_feed(topic, "{\"id\":\"1\",\"params\":{\"Level\":9},\"method\":"
                     "\"thing.service.property.set\"}");
    assert_err(last[IOT_EV_SKIPPED].err, IOT_ERR_SIZE);
    snprintf(said, sizeof said,
             LINK_SYS "rrpc/response/%.*s {\"id\":\"1\",\"code\":6151,\"data\":{}}",
             IOT_CALL_TOKEN_BYTES + 1, token);
    assert_string_equal(link_said(), said);
    snprintf(topic, sizeof topic, "/ext/rrpc/%.*s/sys/" LINK_PK "/" LINK_DN "/" SET,
             IOT_CALL_TOKEN_BYTES + 1, token);
    link_feed(topic, "{\"id\":\"1\",\"params\":{\"Level\":9}}");
    assert_int_equal(events[IOT_EV_SKIPPED], 2);
    snprintf(said, sizeof said, "%s {\"id\":\"1\",\"code\":6151,\"data\":{}}", topic);
    assert_string_equal(link_said(), said);
    assert_int_equal(values.level, 0);
    assert_true(is_free());
    snprintf(topic, sizeof topic, "/ext/rrpc/%.*s/sys/" LINK_PK "/" LINK_DN "/" SET,
             IOT_CALL_TOKEN_BYTES, token);
    link_feed(topic, "{\"id\":\"1\",\"params\":{\"Level\":9}}");
    assert_int_equal(values.level, 9);
    assert_int_equal(strncmp(link_said(), topic, strlen(topic)), 0);
    assert_true(is_free());
}

/* ---- Without a model ------------------------------------------------------------------------- */

static void answer_data(void)
{
    assert_err(iot_thing_answer_bytes(&thing, app.call, IOT_CODE_OK, BYTES("{\"x\":1}")), IOT_OK);
}

static void answer_data_or_decline(void)
{
    app.says = iot_thing_answer_bytes(&thing, app.call, IOT_CODE_OK, BYTES("{\"x\":1}"));
    if (app.says == IOT_OK)
        app.says = IOT_CALL_LATER;
}

static void without_a_model_the_application_gets_it_all(void **state)
{
    (void)state;
    link_feed(SET, "{\"id\":\"1\",\"params\":{\"Level\":[1, 2]}}");
    assert_string_equal(app.request, "property/set {\"Level\":[1, 2]}");
    assert_string_equal(link_said(), SET_REPLY "{\"id\":\"1\",\"code\":200,\"data\":{}}");
    link_feed("thing/service/Anything", "{\"id\":\"2\"}");
    assert_string_equal(app.request, "Anything ");
    assert_string_equal(link_said(), LINK_SYS "thing/service/Anything_reply "
                                              "{\"id\":\"2\",\"code\":200,\"data\":{}}");
    app.act = answer_data;
    link_feed("rrpc/request/5", "{\"id\":\"3\",\"method\":\"thing.service.property.get\","
                                "\"params\":[]}");
    assert_string_equal(app.request, "property/get []");
    assert_string_equal(link_said(), LINK_SYS "rrpc/response/5 "
                                              "{\"id\":\"3\",\"code\":200,\"data\":{\"x\":1}}");
    link_feed("/ext/rrpc/4/sys/" LINK_PK "/" LINK_DN "/thing/service/Any", "{\"id\":\"4\"}");
    assert_string_equal(link_said(), "/ext/rrpc/4/sys/" LINK_PK "/" LINK_DN "/thing/service/Any "
                                     "{\"id\":\"4\",\"code\":200,\"data\":{\"x\":1}}");
    assert_string_equal(link_said(), "");
    app.act = NULL;
    app.says = IOT_CALL_LATER;
    link_feed("thing/service/Later", "{\"id\":\"5\"}");
    assert_err(iot_thing_answer(&thing, app.call, 7), IOT_OK);
    run(1);
    assert_string_equal(link_said(), LINK_SYS "thing/service/Later_reply "
                                              "{\"id\":\"5\",\"code\":7,\"data\":{}}");
    assert_err(iot_thing_answer_bytes(&thing, app.call, 7, BYTES("1")), IOT_ERR_STATE);
    link_feed("thing/service/Later", "{\"id\":\"6\"}");
    assert_err(iot_thing_answer_bytes(&thing, app.call, IOT_CALL_LATER, BYTES("1")), IOT_ERR_STATE);
    assert_err(iot_thing_answer(&thing, app.call, IOT_CALL_LATER), IOT_ERR_STATE);
    run(1);
    assert_string_equal(link_said(), "");
    assert_err(iot_thing_answer_bytes(&thing, app.call, 7, BYTES("1")), IOT_OK);
    run(1);
    assert_string_equal(link_said(), LINK_SYS "thing/service/Later_reply "
                                              "{\"id\":\"6\",\"code\":7,\"data\":1}");
}

#define NUMBER19 "1234567890123456789" /* the platform's longest */

/* As shipped, so that nobody finds out on the day of his first synchronous call. */
static void the_platforms_longest_token_leaves_room_for_names_of_services(void **state)
{
    static const char *const names[] = {"property/set", "property/get", "Toggle",
                                        "TwentyLettersLongAsI"};
    char topic[160], said[256];
    (void)state;

    for (uint32_t i = 0; i < COUNT(names); i++)
        for (int32_t later = 0; later < 2; later++) {
            app.says = later ? IOT_CALL_LATER : 7;
            snprintf(topic, sizeof topic,
                     "/ext/rrpc/" NUMBER19 "/sys/" LINK_PK "/" LINK_DN "/thing/service/%s",
                     names[i]);
            link_feed(topic, "{\"id\":\"6\",\"params\":[]}");
            snprintf(said, sizeof said, "%s []", names[i]);
            assert_string_equal(app.request, said);
            if (later)
                assert_err(iot_thing_answer(&thing, app.call, 7), IOT_OK);
            run(1);
            snprintf(said, sizeof said, "%s {\"id\":\"6\",\"code\":7,\"data\":{}}", topic);
            assert_string_equal(link_said(), said);
            assert_true(is_free());
        }
    link_feed("thing/service/ServiceOfTwentyFiveLetters", "{\"id\":\"6\"}");
    assert_string_equal(app.request, "ServiceOfTwentyFiveLetters ");
    assert_int_equal(events[IOT_EV_SKIPPED], 0);
}

static void a_name_that_is_too_long_is_refused_and_told(void **state)
{
    char topic[160], said[256], name[IOT_CALL_TOKEN_BYTES + 2] = {0};
    (void)state;

    memset(name, 'x', sizeof name - 1);
    snprintf(topic, sizeof topic, LINK_SYS "thing/service/%s", name);
    snprintf(said, sizeof said, "%s_reply {\"id\":\"6\",\"code\":6151,\"data\":{}}", topic);
    link_feed(topic, "{\"id\":\"6\"}");
    assert_string_equal(link_said(), said);
    assert_err(last[IOT_EV_SKIPPED].err, IOT_ERR_SIZE);
    assert_int_equal(app.calls, 0);
    link_jam(); /* no room for the answer: it comes again */
    link_feed(topic, "{\"id\":\"6\"}");
    assert_int_equal(events[IOT_EV_SKIPPED], 1);
    link_unjam();
    run(50);
    assert_string_equal(link_said_behind_jam(), said);
    assert_int_equal(events[IOT_EV_SKIPPED], 2);
    link_feed(topic, "{}"); /* nobody waits for an answer: it is served */
    assert_int_equal(app.calls, 1);
    assert_string_equal(link_said(), "");
    assert_true(is_free());
}

static void an_answer_with_data_finds_room_or_the_call_comes_again(void **state)
{
    (void)state;
    app.act = answer_data_or_decline;
    link_jam();
    link_feed("thing/service/Any", "{\"id\":\"1\"}");
    run(50);
    assert_err(app.says, IOT_ERR_FULL);
    assert_true(is_free());
    link_unjam();
    run(50);
    assert_string_equal(link_said_behind_jam(), LINK_SYS
                        "thing/service/Any_reply {\"id\":\"1\",\"code\":200,\"data\":{\"x\":1}}");
    assert_string_equal(link_said_behind_jam(), "");
    assert_true(is_free());
}

/* ---- Two of them ----------------------------------------------------------------------------- */

struct plug_values {
    bool on;
};

static struct iot_device other;
static struct stub_stream other_stub;
static struct plug_values plug;

static void other_run(void)
{
    for (uint32_t i = 0; i < 20; i++)
        (void)iot_poll(&other, now_ms + i);
}

static void two_devices_of_different_products_do_not_know_each_other(void **state)
{
    static const struct iot_field fields[] = {{"On", IOT_TYPE_BOOL, RW, 0, 0, 0, {NULL}, NULL}};
    static const struct iot_model model = {fields, NULL, NULL, 1, 0, 0};
    static const struct iot_thing_options plug_options = {.model = &model, .values = &plug};
    static struct iot_thing plug_thing;
    struct iot_link_identity plug_identity = link_identity;
    struct iot_options plug_opt = opt;
    const char *expected = "/sys/a1PlugPlug1/plug/thing/service/property/set_reply"
                           "{\"id\":\"4\",\"code\":200,\"data\":{}}";

    (void)state;
    plug_identity.product_key = "a1PlugPlug1";
    plug_identity.device_name = "plug";
    plug_opt.link = &plug_identity;
    plug_opt.stream = &other_stub.base;
    stub_init(&other_stub);
    plug.on = false;
    assert_err(iot_device_init(&other, &plug_opt), IOT_OK);
    assert_err(iot_thing_attach(&other, &plug_thing, &plug_options), IOT_OK);
    assert_err(iot_device_connect(&other), IOT_OK);
    other_run();
    wire_connack(&in, 0, 0);
    stub_receive(&other_stub, wire_bytes(&in));
    wire_clear(&in);
    other_run();
    assert_true(iot_device_connected(&other));

    app.says = IOT_CALL_LATER;
    link_feed(ADD, "{\"id\":\"4\",\"params\":{\"A\":1,\"B\":2}}");
    struct iot_bytes set = BYTES("{\"id\":\"4\",\"params\":{\"On\":1}}");
    wire_publish(&in, 0, "/sys/a1PlugPlug1/plug/" SET, 0, set.ptr, set.len);
    stub_receive(&other_stub, wire_bytes(&in));
    wire_clear(&in);
    other_run();
    assert_true(plug.on);
    assert_false(values.on);
    assert_int_equal(app.sets, 0);
    struct iot_bytes sent = stub_sent(&other_stub);
    assert_non_null(memmem(sent.ptr, sent.len, expected, strlen(expected)));
    assert_err(iot_thing_answer(&plug_thing, app.call, 1), IOT_ERR_STATE);
    assert_err(iot_thing_answer(&thing, app.call, 1), IOT_OK);
    link_feed("/sys/a1PlugPlug1/plug/" SET, "{\"id\":\"5\",\"params\":{\"On\":0}}");
    assert_int_equal(events[IOT_EV_MESSAGE], 1); /* of the other's, on this one's link */
    assert_true(plug.on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_set_is_stored_answered_and_told, setup),
        cmocka_unit_test_setup(a_service_that_closes_the_device_is_answered, setup),
        cmocka_unit_test_setup(an_answer_that_is_owed_leaves_before_the_close, setup),
        cmocka_unit_test_setup(an_answer_that_waits_for_a_writer_leaves_before_the_close, setup),
        cmocka_unit_test_setup(while_the_device_closes_requests_are_still_served, setup),
        cmocka_unit_test_setup(an_answer_that_finds_no_room_until_the_drain_ends_is_forgotten,
                               setup),
        cmocka_unit_test_setup(answers_give_way_to_nothing_whatever_the_queues_policy, setup),
        cmocka_unit_test_setup(a_request_that_gives_way_ends_as_dropped, setup),
        cmocka_unit_test_setup(a_request_that_the_broker_delivers_again_says_so, setup),
        cmocka_unit_test_setup(an_id_is_a_number_a_string_or_missing_and_nothing_else, setup),
        cmocka_unit_test_setup(each_fault_of_a_set_has_its_code, setup),
        cmocka_unit_test_setup(what_is_no_request_is_skipped_by_name, setup),
        cmocka_unit_test_setup(a_setter_that_fails_is_answered_and_told, setup),
        cmocka_unit_test_setup(a_set_of_forty_members_works_where_it_fits_the_window, setup),
        cmocka_unit_test_setup(a_get_names_what_it_wants, setup),
        cmocka_unit_test_setup(a_get_waits_for_room_and_is_answered_with_what_is_true_then, setup),
        cmocka_unit_test_setup(a_service_is_answered_at_once_with_its_output, setup),
        cmocka_unit_test_setup(each_fault_of_a_call_has_its_code_and_nobody_is_called, setup),
        cmocka_unit_test_setup(topics_of_nobody_are_the_applications, setup),
        cmocka_unit_test_setup(a_call_is_answered_later_and_only_once, setup),
        cmocka_unit_test_setup(a_call_whose_time_is_up_is_answered_for_the_application, setup),
        cmocka_unit_test_setup(calls_wait_for_a_free_slot_in_their_order, setup),
        cmocka_unit_test_setup(a_handler_may_decline_a_call, setup),
        cmocka_unit_test_setup(an_answer_is_owed_while_the_outbox_is_full, setup),
        cmocka_unit_test_setup(an_answer_waits_for_a_writer_to_close, setup),
        cmocka_unit_test_setup(output_that_is_owed_is_not_overwritten_by_the_next_call, setup),
        cmocka_unit_test_setup(output_that_can_never_be_sent_is_an_error_not_a_silence, setup),
        cmocka_unit_test_setup(calls_outlive_a_lost_link_but_not_the_device, setup),
        cmocka_unit_test_setup(handlers_may_call_back, setup),
        cmocka_unit_test_setup(old_rrpc_names_its_method_and_is_answered_on_its_own_topic, setup),
        cmocka_unit_test_setup(new_rrpc_is_answered_where_it_came, setup),
        cmocka_unit_test_setup(a_call_whose_answer_has_no_topic_is_skipped_by_name, setup),
        cmocka_unit_test_setup(a_token_that_is_too_long_is_refused_and_told, setup),
        cmocka_unit_test_setup(without_a_model_the_application_gets_it_all, setup_low),
        cmocka_unit_test_setup(the_platforms_longest_token_leaves_room_for_names_of_services,
                               setup_low),
        cmocka_unit_test_setup(a_name_that_is_too_long_is_refused_and_told, setup_low),
        cmocka_unit_test_setup(an_answer_with_data_finds_room_or_the_call_comes_again, setup_low),
        cmocka_unit_test_setup(two_devices_of_different_products_do_not_know_each_other, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

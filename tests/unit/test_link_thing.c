/* SPDX-License-Identifier: Apache-2.0 */
#include "link_device.h"
#include "room_model.h"

static struct room_values values;
static struct iot_thing thing;
static struct iot_thing_options options;
static iot_ticket ticket;

static int32_t room_on_add(void *ctx, struct iot_thing *t, iot_call call)
{
    (void)ctx, (void)t, (void)call;
    return IOT_CODE_OK;
}

static int32_t room_on_reset(void *ctx, struct iot_thing *t, iot_call call)
{
    (void)ctx, (void)t, (void)call;
    return IOT_CODE_OK;
}

static int setup(void **state)
{
    (void)state;
    link_setup();
    memset(&values, 0, sizeof values);
    options = (struct iot_thing_options){.model = &room_model, .values = &values};
    memset(&thing, 0xee, sizeof thing);
    room_fan = 0;
    assert_err(iot_thing_attach(&dev, &thing, &options), IOT_OK);
    link_login();
    return 0;
}

#define POST LINK_SYS "thing/event/property/post "

static uint32_t id_; /* of the request that was said last */

/* It was said, with whatever id it has in place of "ID". */
static void says(const char *expected)
{
    char text[4096];
    const char *said = link_said(), *at = strstr(said, "{\"id\":\""),
               *hole = strstr(expected, "ID");

    if (at == NULL || hole == NULL) {
        assert_string_equal(said, expected);
        return;
    }
    id_ = (uint32_t)strtoul(at + 7, NULL, 10);
    snprintf(text, sizeof text, "%.*s%u%s", (int)(hole - expected), expected, (unsigned)id_,
             hole + 2);
    assert_string_equal(said, text);
}

static void a_post_is_byte_for_byte_what_the_platform_reads(void **state)
{
    (void)state;
    values.level = 42;
    assert_err(iot_thing_post(&thing, IOT_PROPERTIES(ROOM_LEVEL), 0, 0, &ticket), IOT_OK);
    run(1);
    says(POST "{\"id\":\"ID\",\"version\":\"1.0\",\"method\":\"thing.event.property.post\","
              "\"params\":{\"Level\":42}}");
    assert_int_equal(id_, ticket);
    link_feed("thing/event/property/post_reply", "{\"code\":200,\"data\":{},\"id\":\"999\"}");
    assert_int_equal(events[IOT_EV_REPLY], 0);
    assert_err(last[IOT_EV_SKIPPED].err, IOT_ERR_LINK_REPLY);
    char reply[64];
    snprintf(reply, sizeof reply, "{\"code\":200,\"data\":{},\"id\":\"%u\"}", (unsigned)ticket);
    link_feed("thing/event/property/post_reply", reply);
    assert_int_equal(events[IOT_EV_REPLY], 1);
    assert_int_equal(last[IOT_EV_REPLY].ticket, ticket);
    link_feed("thing/event/property/post_reply", reply); /* doubled */
    assert_int_equal(events[IOT_EV_REPLY], 1);
}

static void properties_go_in_the_order_of_the_model_with_time_or_flags(void **state)
{
    struct iot_properties set = {{0}};

    (void)state;
    values.on = true;
    values.color.r = 30;
    memcpy(values.color.tag, "red", 4);
    values.temp = 21.5f;
    room_fan = 3;
    iot_properties_add(&set, ROOM_FAN);
    iot_properties_add(&set, ROOM_COLOR);
    iot_properties_add(&set, ROOM_ON);
    iot_properties_add(&set, ROOM_TEMP);
    assert_err(iot_thing_post(&thing, &set, IOT_ASK_NO_REPLY, 1700000000000, NULL), IOT_OK);
    run(1);
    says(POST "{\"id\":\"ID\",\"version\":\"1.0\",\"sys\":{\"ack\":0},"
              "\"method\":\"thing.event.property.post\",\"params\":{"
              "\"Temp\":{\"value\":21.5,\"time\":1700000000000},"
              "\"On\":{\"value\":1,\"time\":1700000000000},"
              "\"Color\":{\"value\":{\"R\":30,\"G\":0,\"Tag\":\"red\"},\"time\":1700000000000},"
              "\"Fan\":{\"value\":3,\"time\":1700000000000}}}");
}

static void a_post_of_all_leaves_out_what_cannot_be_read(void **state)
{
    (void)state;
    assert_err(iot_thing_post(&thing, NULL, 0, 0, NULL), IOT_OK);
    run(1);
    says(POST
         "{\"id\":\"ID\",\"version\":\"1.0\",\"method\":\"thing.event.property.post\",\"params\":{"
         "\"Level\":0,\"Temp\":0,\"On\":0,\"Mode\":0,\"Name\":\"\",\"Since\":\"0\","
         "\"Color\":{\"R\":0,\"G\":0,\"Tag\":\"\"},\"Exact\":0,\"Numbers\":[],\"Points\":[],"
         "\"Box\":{\"List\":[],\"Id\":0},\"Serial\":0,\"Any\":0,\"Words\":[],\"Fan\":0}}");
}

static void what_cannot_be_posted_is_refused(void **state)
{
    struct iot_properties none = {{0}};

    (void)state;
    assert_err(iot_thing_post(&thing, &none, 0, 0, NULL), IOT_ERR_ARG);
    assert_err(iot_thing_post(&thing, IOT_PROPERTIES(ROOM_PROPERTIES), 0, 0, NULL), IOT_ERR_ARG);
    assert_err(iot_thing_event(&thing, 2, 0, 0, NULL), IOT_ERR_ARG);
    assert_string_equal(link_said(), "");
}

static void events_go_with_and_without_time_and_output(void **state)
{
    (void)state;
    values.event_code = 7;
    memcpy(values.event_why, "hot", 4);
    assert_err(iot_thing_event(&thing, ROOM_ALARM, 0, 0, NULL), IOT_OK);
    assert_err(iot_thing_event(&thing, ROOM_ALARM, IOT_ASK_QOS_1, 1700000000000, NULL), IOT_OK);
    assert_err(iot_thing_event(&thing, ROOM_BARE, 0, 0, NULL), IOT_OK);
    run(1);
    says(LINK_SYS "thing/event/Alarm/post {\"id\":\"ID\",\"version\":\"1.0\",\"method\":"
                  "\"thing.event.Alarm.post\",\"params\":{\"Code\":7,\"Why\":\"hot\"}}");
    says(LINK_SYS "thing/event/Alarm/post {\"id\":\"ID\",\"version\":\"1.0\",\"method\":"
                  "\"thing.event.Alarm.post\",\"params\":{\"value\":{\"Code\":7,\"Why\":\"hot\"},"
                  "\"time\":1700000000000}}");
    says(LINK_SYS "thing/event/Bare/post {\"id\":\"ID\",\"version\":\"1.0\",\"method\":"
                  "\"thing.event.Bare.post\",\"params\":{}}");
}

static void a_full_outbox_is_full_and_what_never_fits_is_too_large(void **state)
{
    static char long_name[IOT_MQTT_TX_BYTES + 200];
    static const struct iot_field fields[] = {
        {"Name", IOT_TYPE_TEXT, IOT_ACCESS_READ, 0, 0, sizeof long_name - 1, {NULL}, NULL}};
    static const struct iot_model model = {fields, NULL, NULL, 1, 0, 0};
    static const struct iot_thing_options wide = {.model = &model, .values = long_name};

    (void)state;
    link_jam();
    assert_err(iot_thing_post(&thing, IOT_PROPERTIES(ROOM_LEVEL), 0, 0, NULL), IOT_ERR_FULL);
    assert_err(iot_thing_event(&thing, ROOM_ALARM, 0, 0, NULL), IOT_ERR_FULL);
    assert_err(iot_thing_desired_get(&thing, NULL, NULL), IOT_ERR_FULL);
    link_unjam();
    assert_int_equal(events[IOT_EV_WRITABLE], 1);
    assert_err(iot_thing_post(&thing, IOT_PROPERTIES(ROOM_LEVEL), 0, 0, NULL), IOT_OK);
    run(1);

    link_setup();
    memset(long_name, 'x', sizeof long_name - 1);
    assert_err(iot_thing_attach(&dev, &thing, &wide), IOT_OK);
    link_login();
    assert_err(iot_thing_post(&thing, NULL, 0, 0, NULL), IOT_ERR_SIZE);
    memset(long_name + 900, 0, 1);
    assert_err(iot_thing_post(&thing, NULL, 0, 0, NULL),
               IOT_ERR_SIZE); /* with topic and envelope */
    long_name[600] = 0;
    assert_err(iot_thing_post(&thing, NULL, 0, 0, NULL), IOT_OK);
}

static void requests_without_replies_are_bounded(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < IOT_REQUESTS_MAX; i++) {
        assert_err(iot_thing_post(&thing, IOT_PROPERTIES(ROOM_LEVEL), 0, 0, NULL), IOT_OK);
        run(1);
    }
    assert_err(iot_thing_post(&thing, IOT_PROPERTIES(ROOM_LEVEL), 0, 0, NULL), IOT_ERR_FULL);
    assert_err(iot_thing_post(&thing, IOT_PROPERTIES(ROOM_LEVEL), IOT_ASK_NO_REPLY, 0, NULL),
               IOT_OK);
    run(IOT_REQUEST_MS + 10);
    assert_int_equal(events[IOT_EV_FAILED], IOT_REQUESTS_MAX);
    assert_err(last[IOT_EV_FAILED].err, IOT_ERR_LINK_TIMEOUT);
}

static void desired_values_are_asked_for_applied_and_deleted(void **state)
{
    static uint32_t versions[ROOM_PROPERTIES];
    struct iot_properties set = {{0}}, applied;
    struct iot_json data;

    (void)state;
    iot_properties_add(&set, ROOM_LEVEL);
    iot_properties_add(&set, ROOM_ON);
    assert_err(iot_thing_desired_get(&thing, &set, NULL), IOT_OK);
    run(1);
    says(LINK_SYS "thing/property/desired/get {\"id\":\"ID\",\"version\":\"1.0\",\"method\":"
                  "\"thing.property.desired.get\",\"params\":[\"Level\",\"On\"]}");

    static const char good[] = "{\"Level\":{\"value\":50,\"version\":2},\"On\":{\"version\":3,"
                               "\"value\":1},\"Level\":{\"value\":51,\"version\":9}}";
    memset(versions, 0xff, sizeof versions);
    assert_err(iot_json_check(text_bytes(good), &data, NULL), IOT_OK);
    assert_int_equal(iot_thing_desired_apply(&thing, data, &applied, versions), IOT_CODE_OK);
    assert_int_equal(values.level, 50);
    assert_true(values.on);
    assert_memory_equal(&applied, &set, sizeof set);
    assert_int_equal(versions[ROOM_LEVEL], 2);
    assert_int_equal(versions[ROOM_ON], 3);
    assert_int_equal(versions[ROOM_TEMP], UINT32_MAX);

    static const struct {
        const char *text;
        int32_t code;
    } bad[] = {
        {"[]", IOT_CODE_FORMAT},
        {"{\"Level\":{\"value\":1,\"version\":2},\"On\":{\"value\":2}}", IOT_CODE_BOOL},
        {"{\"Level\":{\"value\":1},\"On\":1}", IOT_CODE_BOOL},
        {"{\"Level\":{\"value\":1},\"On\":{\"version\":1}}", IOT_CODE_BOOL},
        {"{\"Level\":{\"value\":1},\"Nobody\":{\"value\":1}}", IOT_CODE_UNKNOWN},
        {"{\"Level\":{\"value\":1},\"Serial\":{\"value\":1}}", IOT_CODE_ACCESS},
    };
    for (uint32_t i = 0; i < COUNT(bad); i++) {
        assert_err(iot_json_check(text_bytes(bad[i].text), &data, NULL), IOT_OK);
        assert_int_equal(iot_thing_desired_apply(&thing, data, &applied, versions), bad[i].code);
        assert_int_equal(values.level, 50);
        assert_int_equal(versions[ROOM_LEVEL], 2);
    }

    assert_err(iot_thing_desired_delete(&thing, &set, versions, NULL), IOT_OK);
    assert_err(iot_thing_desired_delete(&thing, &set, NULL, NULL), IOT_OK);
    run(1);
    says(LINK_SYS "thing/property/desired/delete {\"id\":\"ID\",\"version\":\"1.0\",\"method\":"
                  "\"thing.property.desired.delete\",\"params\":{\"Level\":{\"version\":2},"
                  "\"On\":{\"version\":3}}}");
    says(LINK_SYS "thing/property/desired/delete {\"id\":\"ID\",\"version\":\"1.0\",\"method\":"
                  "\"thing.property.desired.delete\",\"params\":{\"Level\":{},\"On\":{}}}");
}

static void a_batch_lists_values_by_name(void **state)
{
    struct room_values then = {.level = 20};
    struct iot_batch batch;

    (void)state;
    assert_err(iot_thing_batch_begin(&thing, IOT_BATCH, 0, 300, &batch), IOT_OK);
    assert_err(iot_thing_batch_property(&batch, ROOM_LEVEL, &then, 1700000000000), IOT_OK);
    then.level = 21;
    assert_err(iot_thing_batch_property(&batch, ROOM_LEVEL, &then, 1700000060000), IOT_OK);
    assert_err(iot_thing_batch_property(&batch, ROOM_ON, &then, 1700000060001), IOT_OK);
    assert_err(iot_thing_batch_event(&batch, ROOM_ALARM, &then, 1700000030000), IOT_OK);
    assert_err(iot_thing_batch_event(&batch, ROOM_ALARM, &then, 1700000030001), IOT_OK);
    assert_err(iot_thing_batch_property(&batch, ROOM_ON, &then, 1), IOT_ERR_STATE);
    assert_err(iot_thing_batch_property(&batch, ROOM_PROPERTIES, &then, 1), IOT_ERR_ARG);
    assert_err(iot_thing_batch_event(&batch, 2, &then, 1), IOT_ERR_ARG);
    assert_err(iot_thing_batch_commit(&batch, NULL), IOT_OK);
    run(1);
    says(LINK_SYS "thing/event/property/batch/post {\"id\":\"ID\",\"version\":\"1.0\",\"method\":"
                  "\"thing.event.property.batch.post\",\"params\":{\"properties\":{\"Level\":["
                  "{\"value\":20,\"time\":1700000000000},{\"value\":21,\"time\":1700000060000}],"
                  "\"On\":[{\"value\":0,\"time\":1700000060001}]},\"events\":{\"Alarm\":["
                  "{\"value\":{\"Code\":0,\"Why\":\"\"},\"time\":1700000030000},"
                  "{\"value\":{\"Code\":0,\"Why\":\"\"},\"time\":1700000030001}]}}}");
}

static void a_history_lists_names_with_values(void **state)
{
    struct iot_batch batch;

    (void)state;
    values.level = 20;
    assert_err(iot_thing_batch_begin(&thing, IOT_HISTORY, 0, 300, &batch), IOT_OK);
    assert_err(iot_thing_batch_property(&batch, ROOM_LEVEL, &values, 1700000000000), IOT_OK);
    assert_err(iot_thing_batch_property(&batch, ROOM_LEVEL, &values, 1700000060000), IOT_OK);
    assert_err(iot_thing_batch_event(&batch, ROOM_ALARM, &values, 1700000030000), IOT_OK);
    assert_err(iot_thing_batch_commit(&batch, NULL), IOT_OK);
    run(1);
    says(LINK_SYS
         "thing/event/property/history/post {\"id\":\"ID\",\"version\":\"1.0\",\"method\":"
         "\"thing.event.property.history.post\",\"params\":[{\"identity\":{\"productKey\":"
         "\"a1B2c3D4e5F\",\"deviceName\":\"dev001\"},\"properties\":[{\"Level\":{\"value\":20,"
         "\"time\":1700000000000}},{\"Level\":{\"value\":20,\"time\":1700000060000}}],\"events\":["
         "{\"Alarm\":{\"value\":{\"Code\":0,\"Why\":\"\"},\"time\":1700000030000}}]}]}");
}

static void batches_may_be_empty_or_of_events_only(void **state)
{
    static const char *const properties[] = {"{}", "[]"};
    struct iot_batch batch;

    (void)state;
    for (uint32_t kind = IOT_BATCH; kind <= IOT_HISTORY; kind++) {
        char part[64];
        assert_err(iot_thing_batch_begin(&thing, kind, 0, 200, &batch), IOT_OK);
        assert_err(iot_thing_batch_commit(&batch, NULL), IOT_OK);
        assert_err(iot_thing_batch_begin(&thing, kind, 0, 200, &batch), IOT_OK);
        assert_err(iot_thing_batch_event(&batch, ROOM_BARE, &values, 5), IOT_OK);
        assert_err(iot_thing_batch_commit(&batch, NULL), IOT_OK);
        run(1);
        snprintf(part, sizeof part, "\"properties\":%s}%s}", properties[kind],
                 kind == IOT_HISTORY ? "]" : "");
        assert_non_null(strstr(link_said(), part));
        snprintf(part, sizeof part, "\"properties\":%s,\"events\":%s\"Bare\":", properties[kind],
                 kind == IOT_HISTORY ? "[{" : "{");
        assert_non_null(strstr(link_said(), part));
    }
}

static void a_batch_takes_as_many_as_fit_and_stays_json(void **state)
{
    (void)state;
    for (uint32_t max = 0; max < 200; max++)
        for (uint32_t kind = IOT_BATCH; kind <= IOT_HISTORY; kind++) {
            struct iot_batch batch;
            struct iot_json root;
            iot_err err;
            uint32_t n = 0;
            err = iot_thing_batch_begin(&thing, kind, IOT_ASK_NO_REPLY, max, &batch);
            if (err != IOT_OK) { /* not even the head fits */
                assert_err(err, IOT_ERR_SIZE);
                assert_true(max < 100);
                continue;
            }
            do
                err = n == 4 ? IOT_ERR_FULL
                             : iot_thing_batch_property(&batch, ROOM_LEVEL, &values, 1 + n);
            while (err == IOT_OK && ++n != 0);
            assert_err(err, IOT_ERR_FULL);
            assert_err(iot_thing_batch_commit(&batch, NULL), IOT_OK);
            run(1);
            const char *json = strchr(link_said(), ' ') + 1;
            assert_err(iot_json_check(text_bytes(json), &root, NULL), IOT_OK);
            uint32_t got = 0;
            while ((json = strstr(json, "\"value\"")) != NULL && ++got != 0)
                json++;
            assert_int_equal(got, n);
        }
}

static void a_thing_is_attached_once_and_a_wrong_one_not_at_all(void **state)
{
    static const struct iot_service_spec deaf[] = {{"X", NULL, NULL, 0, 0, NULL}};
    static const struct iot_model no_call = {NULL, NULL, deaf, 0, 0, 1};
    struct iot_model large = room_model;

    (void)state;
    assert_err(iot_thing_attach(&dev, &thing, &options), IOT_ERR_STATE);
    link_setup();
    options.model = NULL;
    assert_err(iot_thing_attach(&dev, &thing, &options), IOT_ERR_ARG);
    options.model = &room_model;
    options.values = NULL;
    assert_err(iot_thing_attach(&dev, &thing, &options), IOT_ERR_ARG);
    options.values = &values;
    options.model = &no_call;
    assert_err(iot_thing_attach(&dev, &thing, &options), IOT_ERR_ARG);
    large.property_count = IOT_PROPERTIES_MAX + 1;
    options.model = &large;
    assert_err(iot_thing_attach(&dev, &thing, &options), IOT_ERR_SIZE);
    large = room_model;
    large.service_count = 251;
    assert_err(iot_thing_attach(&dev, &thing, &options), IOT_ERR_SIZE);
    options.model = &room_model;
    assert_err(iot_thing_attach(&dev, &thing, &options), IOT_OK);
}

static void before_connect_and_after_close_nothing_is_posted(void **state)
{
    (void)state;
    link_setup();
    assert_err(iot_thing_attach(&dev, &thing, &options), IOT_OK);
    assert_err(iot_thing_post(&thing, NULL, 0, 0, NULL), IOT_ERR_STATE);
    link_login();
    assert_err(iot_thing_post(&thing, NULL, 0, 0, NULL), IOT_OK);
    assert_err(iot_device_close(&dev, 100), IOT_OK);
    run(5000);
    assert_int_equal(events[IOT_EV_CLOSED], 1);
    assert_int_equal(events[IOT_EV_FAILED], 1); /* its reply cannot come any more */
    assert_err(iot_thing_post(&thing, NULL, 0, 0, NULL), IOT_ERR_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_post_is_byte_for_byte_what_the_platform_reads, setup),
        cmocka_unit_test_setup(properties_go_in_the_order_of_the_model_with_time_or_flags, setup),
        cmocka_unit_test_setup(a_post_of_all_leaves_out_what_cannot_be_read, setup),
        cmocka_unit_test_setup(what_cannot_be_posted_is_refused, setup),
        cmocka_unit_test_setup(events_go_with_and_without_time_and_output, setup),
        cmocka_unit_test_setup(a_full_outbox_is_full_and_what_never_fits_is_too_large, setup),
        cmocka_unit_test_setup(requests_without_replies_are_bounded, setup),
        cmocka_unit_test_setup(desired_values_are_asked_for_applied_and_deleted, setup),
        cmocka_unit_test_setup(a_batch_lists_values_by_name, setup),
        cmocka_unit_test_setup(a_history_lists_names_with_values, setup),
        cmocka_unit_test_setup(batches_may_be_empty_or_of_events_only, setup),
        cmocka_unit_test_setup(a_batch_takes_as_many_as_fit_and_stays_json, setup),
        cmocka_unit_test_setup(a_thing_is_attached_once_and_a_wrong_one_not_at_all, setup),
        cmocka_unit_test_setup(before_connect_and_after_close_nothing_is_posted, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

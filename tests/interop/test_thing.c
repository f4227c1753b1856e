/* SPDX-License-Identifier: Apache-2.0 */
/* A thing lives at the platform, over real lwIP, TLS and mosquitto: its properties of every type both ways, its events and
 * services, bytes, and several things in one process. What the platform offers beside: test_thing_cloud.c. */
#include "peer_thing.h"

#include <float.h>

#define EVERY PEER_EVERY " every001"
#define SYS   "/sys/" PEER_EVERY "/every001/"

static struct peer_thing one, two;
static iot_ticket ticket;

static void every(void)
{
    peer_thing(&one, PEER_EVERY, "every001", PEER_DS_EVERY);
}

static void every_connects(void)
{
    every();
    peer_thing_connect(&one);
}

/* Posted alone; its code. */
static int32_t posts(uint32_t property)
{
    struct iot_properties set = {{0}};

    iot_properties_add(&set, property);
    return peer_thing_code(&one, iot_thing_post(&one.thing, &set, 0, 0, &ticket), &ticket);
}

/* The platform sets these values, and has what the thing then posts. */
static void is_set(const char *values)
{
    uint32_t sets = one.sets;

    peer_thing_obeyed("set " EVERY " %s", values);
    assert_int_equal(one.sets, sets + 1);
    UNTIL(iot_device_idle(peer_thing_device(&one)));
}

/* ---- Properties ---------------------------------------------------------------------------- */

static void numbers_go_both_ways_to_the_last_bit(void **state)
{
    static const int32_t ints[] = {INT32_MIN, -1, 0, 1, INT32_MAX};
    static const float floats[] = {FLT_MAX, -FLT_MIN, 1.4e-45f, 0.1f, -0.0f, 16777216.0f};
    static const double doubles[] = {DBL_MAX, -DBL_MAX, DBL_MIN, 4.9e-324,
                                     0.1,     -0.0,     1e23,    9007199254740993.0};
    char text[128];
    (void)state;
    every_connects();
    /* The emulator's reader takes "-0" for an integer, so the sign of nothing is looked at on the way down. */
    for (size_t i = 0; i < COUNT(ints); i++) {
        one.every.int_ = ints[i];
        assert_int_equal(posts(PEER_EVERY_INT_), 200);
        assert_true(peer_thing_number(&one, "Int") == ints[i]);
        one.every.int_ = 5;
        snprintf(text, sizeof text, "{\"Int\":%d}", (int)ints[i]);
        is_set(text);
        assert_int_equal(one.every.int_, ints[i]);
    }
    for (size_t i = 0; i < COUNT(floats); i++) {
        one.every.float_ = floats[i];
        assert_int_equal(posts(PEER_EVERY_FLOAT_), 200);
        assert_true((float)peer_thing_number(&one, "Float") == floats[i]);
        one.every.float_ = 5;
        snprintf(text, sizeof text, "{\"Float\":%.9e}", (double)floats[i]);
        is_set(text);
        assert_memory_equal(&one.every.float_, &floats[i], sizeof floats[i]);
    }
    for (size_t i = 0; i < COUNT(doubles); i++) {
        one.every.double_ = doubles[i];
        assert_int_equal(posts(PEER_EVERY_DOUBLE_), 200);
        double shown = peer_thing_number(&one, "Double");
        if (shown != doubles[i])
            fail_msg("%.17g became %.17g", doubles[i], shown);
        one.every.double_ = 5;
        snprintf(text, sizeof text, "{\"Double\":%.17e}", doubles[i]);
        is_set(text);
        assert_memory_equal(&one.every.double_, &doubles[i], sizeof doubles[i]);
    }
    assert_int_equal(one.sets, COUNT(ints) + COUNT(floats) + COUNT(doubles));
    peer_thing_close(&one);
}

static void words_dates_and_switches_go_both_ways(void **state)
{
    (void)state;
    every_connects();
    one.every.bool_ = true;
    one.every.enum_ = 65;
    one.every.date = 1795656818835;
    strcpy(one.every.text, "\"q\" \\ / \n\t\x01 \xc3\xa9 \xe6\xb1\x89 \xf0\x9f\x92\xa1");
    assert_int_equal(posts(PEER_EVERY_BOOL_), 200);
    assert_int_equal(posts(PEER_EVERY_ENUM_), 200);
    assert_int_equal(posts(PEER_EVERY_DATE), 200);
    assert_int_equal(posts(PEER_EVERY_TEXT), 200);
    peer_thing_shown(&one, "\"Bool\":{\"value\":1,");
    peer_thing_shown(&one, "\"Enum\":{\"value\":65,");
    peer_thing_shown(&one, "\"Date\":{\"value\":\"1795656818835\",");
    peer_thing_shown(&one, "\"Text\":{\"value\":\"\\\"q\\\" \\\\ / \\n\\t\\u0001 "
                           "\xc3\xa9 \xe6\xb1\x89 \xf0\x9f\x92\xa1\",");
    is_set("{\"Bool\":0,\"Enum\":7,\"Date\":\"1\",\"Text\":\"\\u0041\\u6c49\\ud83d\\udca1 \\\"\\\\"
           "\\/\\u0007 \xc3\xa9\"}");
    assert_false(one.every.bool_);
    assert_int_equal(one.every.enum_, 7);
    assert_true(one.every.date == 1);
    assert_string_equal(one.every.text, "A\xe6\xb1\x89\xf0\x9f\x92\xa1 \"\\/\a \xc3\xa9");
    peer_thing_shown(&one, "\"Date\":{\"value\":\"1\",");

    /* As long as the model allows, and empty. */
    char longest[101], line[128];
    memset(longest, 'x', 100);
    longest[100] = 0;
    snprintf(line, sizeof line, "{\"Text\":\"%s\"}", longest);
    is_set(line);
    assert_string_equal(one.every.text, longest);
    is_set("{\"Text\":\"\",\"Date\":\"253402300799999\"}");
    assert_string_equal(one.every.text, "");
    assert_true(one.every.date == 253402300799999);
    peer_thing_shown(&one, "\"Text\":{\"value\":\"\",");
    peer_thing_close(&one);
}

static void structs_and_arrays_go_both_ways(void **state)
{
    struct peer_every_values *v = &one.every;
    (void)state;
    every_connects();
    v->struct_.a = 255;
    strcpy(v->struct_.b, "{\"}");
    v->struct_.c = -0.5;
    v->struct_.d = true;
    v->struct_.e = 1;
    v->struct_.f = 1.5f;
    v->struct_.g = 2;
    v->ints.count = 8;
    for (int i = 0; i < 8; i++)
        v->ints.item[i] = i * -1000;
    v->texts.count = 2;
    strcpy(v->texts.item[1], "\xe6\xb1\x89");
    v->structs.count = 1;
    v->structs.item[0].id = 9;
    strcpy(v->structs.item[0].label, "nine");
    for (uint32_t p = PEER_EVERY_STRUCT_; p <= PEER_EVERY_STRUCTS; p++)
        assert_int_equal(posts(p), 200);
    peer_thing_shown(&one,
                     "\"Struct\":{\"value\":{\"A\":255,\"B\":\"{\\\"}\",\"C\":-0.5,\"D\":1,\"E\":"
                     "\"1\",\"F\":1.5,\"G\":2},");
    peer_thing_shown(&one, "\"Ints\":{\"value\":[0,-1000,-2000,-3000,-4000,-5000,-6000,-7000],");
    peer_thing_shown(&one, "\"Doubles\":{\"value\":[],");
    peer_thing_shown(&one, "\"Texts\":{\"value\":[\"\",\"\xe6\xb1\x89\"],");
    peer_thing_shown(&one, "\"Structs\":{\"value\":[{\"Id\":9,\"Label\":\"nine\"}],");

    is_set(
        "{\"Struct\":{\"A\":1,\"B\":\"b\",\"C\":1e300,\"D\":0,\"E\":\"1795656818835\",\"F\":0.25,"
        "\"G\":1},"
        "\"Ints\":[100000,-100000],\"Doubles\":[0.1,-1e-300,3,4],\"Texts\":[\"one\",\"two\",\"\"],"
        "\"Structs\":[{\"Id\":1,\"Label\":\"a\"},{\"Label\":\"\\\"\",\"Id\":2},{\"Id\":3,\"Label\":"
        "\"c\"}]}");
    assert_int_equal(v->struct_.a, 1);
    assert_string_equal(v->struct_.b, "b");
    assert_true(v->struct_.c == 1e300 && v->struct_.f == 0.25f);
    assert_false(v->struct_.d);
    assert_true(v->struct_.e == 1795656818835);
    assert_int_equal(v->struct_.g, 1);
    assert_int_equal(v->ints.count, 2);
    assert_int_equal(v->ints.item[0], 100000);
    assert_int_equal(v->ints.item[1], -100000);
    assert_int_equal(v->doubles.count, 4);
    assert_true(v->doubles.item[0] == 0.1 && v->doubles.item[1] == -1e-300);
    assert_int_equal(v->texts.count, 3);
    assert_string_equal(v->texts.item[1], "two");
    assert_int_equal(v->structs.count, 3);
    assert_int_equal(v->structs.item[1].id, 2);
    assert_string_equal(v->structs.item[1].label, "\"");
    assert_string_equal(v->structs.item[2].label, "c");
    peer_thing_shown(&one, "\"Structs\":{\"value\":[{\"Id\":1,\"Label\":\"a\"},{\"Id\":2,\"Label\":"
                           "\"\\\"\"},{\"Id\":3,\"Label\":\"c\"}],");
    is_set("{\"Structs\":[],\"Ints\":[]}");
    assert_int_equal(v->structs.count, 0);
    assert_int_equal(v->ints.count, 0);
    peer_thing_close(&one);
}

static void all_properties_are_posted_at_once_with_their_time(void **state)
{
    (void)state;
    every_connects();
    one.every.int_ = 77;
    assert_int_equal(
        peer_thing_code(&one, iot_thing_post(&one.thing, NULL, IOT_ASK_QOS_1, 0, &ticket), &ticket),
        200);
    peer_thing_shown(&one, "\"Int\":{\"value\":77,");
    peer_thing_shown(&one, "\"Structs\":{\"value\":[],");

    one.every.int_ = 78;
    assert_int_equal(peer_thing_code(&one,
                                     iot_thing_post(&one.thing, IOT_PROPERTIES(PEER_EVERY_INT_), 0,
                                                    1524448722000, &ticket),
                                     &ticket),
                     200);
    peer_thing_shown(&one, "\"Int\":{\"value\":78,\"time\":1524448722000}");

    /* Nobody answers, nobody waits. */
    one.every.int_ = 79;
    assert_err(iot_thing_post(&one.thing, IOT_PROPERTIES(PEER_EVERY_INT_),
                              IOT_ASK_NO_REPLY | IOT_ASK_QOS_1, 0, &ticket),
               IOT_OK);
    peer_thing_asked(&one, ticket);
    UNTIL(peer_last_for(&one.seat.one, IOT_EV_DONE, ticket) != NULL);
    peer_thing_shown(&one, "\"Int\":{\"value\":79,");
    peer_thing_close(&one);
}

static void what_is_not_as_the_model_says_is_refused_by_the_device(void **state)
{
    static const struct {
        const char *params, *code;
    } wrong[] = {
        {"{\"Int\":\"1\"}", "6306"},
        {"{\"Enum\":8}", "6309"},
        {"{\"Bool\":2}", "6308"},
        {"{\"Nothing\":1}", "6320"},
        {"{\"Int\":1,\"Texts\":[1]}", "63"},
        {"[]", "6301"},
        {"{}", "6302"},
        {"{\"Ints\":[1,2,3,4,5,6,7,8,9]}", "6328"},
        {"{\"Int\":1,\"Float\":{}}", "6307"},
        {"{\"Struct\":{\"A\":256}}", "63"},
    };
    (void)state;
    every_connects();
    one.every.int_ = 5;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char part[160];
        peer_thing_obeyed("publish " EVERY " " SYS "thing/service/property/set "
                          "{\"id\":\"%u\",\"version\":\"1.0\",\"params\":%s,"
                          "\"method\":\"thing.service.property.set\"}",
                          (unsigned)(900 + i), wrong[i].params);
        snprintf(part, sizeof part,
                 "> " SYS "thing/service/property/set_reply {\"id\":\"%u\",\"code\":%s",
                 (unsigned)(900 + i), wrong[i].code);
        UNTIL(strstr(one.seat.board.log, part) != NULL);
        snprintf(part, sizeof part, SYS "thing/service/property/set_reply id '%u'",
                 (unsigned)(900 + i));
        peer_cloud_await(part);
    }
    assert_int_equal(one.sets, 0);
    assert_int_equal(one.every.int_, 5);
    peer_thing_close(&one);
}

static void what_is_desired_of_a_thing_that_is_away_is_done_later(void **state)
{
    struct iot_properties applied;
    uint32_t versions[PEER_EVERY_PROPERTIES] = {0};
    (void)state;
    every_connects();
    peer_thing_close(&one);
    peer_thing_obeyed("desired " EVERY " {\"Int\":41,\"Text\":\"later\"}");
    peer_thing_obeyed("desired " EVERY " {\"Int\":42}");

    every_connects();
    assert_int_equal(
        peer_thing_code(&one, iot_thing_desired_get(&one.thing, NULL, &ticket), &ticket), 200);
    const struct iot_json data = {(const uint8_t *)one.reply, (uint32_t)strlen(one.reply)};
    assert_int_equal(iot_thing_desired_apply(&one.thing, data, &applied, versions), IOT_CODE_OK);
    assert_int_equal(one.every.int_, 42);
    assert_string_equal(one.every.text, "later");
    assert_int_equal(versions[PEER_EVERY_INT_], 2);
    assert_int_equal(versions[PEER_EVERY_TEXT], 1);
    assert_true(iot_properties_has(&applied, PEER_EVERY_INT_));
    assert_false(iot_properties_has(&applied, PEER_EVERY_FLOAT_));
    peer_thing_shown(&one, "\"desired\":{\"Int\":{\"value\":42,\"version\":2}");

    /* One that is newer meanwhile stays, and all with it. */
    versions[PEER_EVERY_INT_] = 1;
    assert_int_equal(
        peer_thing_code(&one, iot_thing_desired_delete(&one.thing, &applied, versions, &ticket),
                        &ticket),
        6661);
    peer_thing_shown(&one, "\"desired\":{\"Int\":{\"value\":42,\"version\":2}");
    assert_int_equal(peer_thing_code(&one,
                                     iot_thing_desired_delete(&one.thing, &applied, NULL, &ticket),
                                     &ticket),
                     200);
    peer_thing_shown(&one, "\"desired\":{}");

    /* A thing that is there is told at once. */
    peer_thing_obeyed("desired " EVERY " {\"Int\":43}");
    UNTIL(one.sets == 1);
    assert_int_equal(one.every.int_, 43);
    peer_thing_obeyed("desired " EVERY " {\"Int\":null}");
    peer_thing_close(&one);
}

static void many_values_are_posted_in_one_message_each_with_its_time(void **state)
{
    struct iot_batch batch;
    (void)state;
    every_connects();
    for (uint32_t kind = IOT_BATCH; kind <= IOT_HISTORY; kind++) {
        assert_err(iot_thing_batch_begin(&one.thing, kind, 0, 600, &batch), IOT_OK);
        for (int32_t i = 0; i < 3; i++) {
            one.every.int_ = 10 * (int32_t)kind + i;
            assert_err(
                iot_thing_batch_property(&batch, PEER_EVERY_INT_, &one.every, 1524448722000 + i),
                IOT_OK);
        }
        strcpy(one.every.told_event.text, kind == IOT_BATCH ? "batch" : "history");
        assert_err(iot_thing_batch_event(&batch, PEER_EVERY_EVENT_TOLD, &one.every, 1524448723000),
                   IOT_OK);
        assert_int_equal(peer_thing_code(&one, iot_thing_batch_commit(&batch, &ticket), &ticket),
                         200);
        peer_thing_shown(&one, kind == IOT_BATCH ? "\"Text\":\"batch\"" : "\"Text\":\"history\"");
    }
    peer_thing_close(&one);
}

static void forty_members_are_set_and_posted(void **state)
{
    static struct iot_field fields[40];
    static int32_t values[40];
    static char ids[40][4];
    static const struct iot_ints range = {-1000000, 1000000};
    static const struct iot_model wide = {.properties = fields, .property_count = 40};
    char line[1024];
    (void)state;
    for (uint32_t i = 0; i < 40; i++) {
        snprintf(ids[i], sizeof ids[i], "P%02u", (unsigned)(i + 1) % 100);
        fields[i] = (struct iot_field){.id = ids[i],
                                       .type = IOT_TYPE_INT,
                                       .access = IOT_ACCESS_READ | IOT_ACCESS_WRITE,
                                       .offset = (uint16_t)(i * sizeof values[0]),
                                       .of.ints = &range};
    }
    peer_thing(&one, PEER_WIDE, "wide001", PEER_DS_WIDE);
    one.options.model = &wide;
    one.options.values = values;
    peer_thing_connect(&one);
    /* As short as it gets, and as long: 700 bytes. */
    for (int32_t factor = 0; factor <= 1; factor++) {
        size_t n = 0;
        for (int32_t i = 0; i < 40; i++)
            n += (size_t)snprintf(line + n, sizeof line - n, "%s\"%s\":%d", i == 0 ? "{" : ",",
                                  ids[i], (int)(factor * (i - 1000000)));
        snprintf(line + n, sizeof line - n, "}");
        peer_thing_obeyed("set " PEER_WIDE " wide001 %s", line);
        for (int32_t i = 0; i < 40; i++)
            assert_int_equal(values[i], factor * (i - 1000000));
    }
    UNTIL(iot_device_idle(peer_thing_device(&one)));
    for (uint32_t i = 0; i < 40; i++)
        assert_true(peer_thing_number(&one, ids[i]) == values[i]);
    peer_thing_close(&one);
}

/* ---- Events -------------------------------------------------------------------------------- */

static void events_of_the_three_kinds_arrive(void **state)
{
    struct peer_every_values *v = &one.every;
    (void)state;
    every_connects();
    strcpy(v->told_event.text, "hello \"you\"");
    v->warned_event.level = 9;
    v->warned_event.share = 0.75;
    v->failed_event.when = 1524448722000;
    v->failed_event.ints.count = 2;
    v->failed_event.ints.item[1] = 9;
    for (uint32_t e = 0; e < PEER_EVERY_EVENTS; e++)
        assert_int_equal(peer_thing_code(&one,
                                         iot_thing_event(&one.thing, e, IOT_ASK_QOS_1, 0, &ticket),
                                         &ticket),
                         200);
    peer_thing_shown(&one, "{\"identifier\":\"Told\",\"type\":\"info\",\"value\":{\"Text\":\"hello "
                           "\\\"you\\\"\"},");
    peer_thing_shown(&one, "{\"identifier\":\"Warned\",\"type\":\"alert\",\"value\":{\"Level\":9,"
                           "\"Share\":0.75},");
    peer_thing_shown(&one, "{\"identifier\":\"Failed\",\"type\":\"error\",\"value\":{\"When\":"
                           "\"1524448722000\",\"Ints\":[0,9]},");
    v->warned_event.level = 10; /* the model's end is 9 */
    assert_int_not_equal(
        peer_thing_code(&one, iot_thing_event(&one.thing, PEER_EVERY_EVENT_WARNED, 0, 0, &ticket),
                        &ticket),
        200);
    peer_thing_close(&one);
}

/* ---- Services ------------------------------------------------------------------------------ */

static void services_are_called_in_each_way(void **state)
{
    static const char *const ways[] = {"async", "sync", "rrpc", "ext"};
    (void)state;
    every_connects();
    for (size_t i = 0; i < COUNT(ways); i++) {
        assert_non_null(
            strstr(peer_thing_obeyed("--json call " EVERY " Add {\"A\":%d,\"B\":-1000} %s", (int)i,
                                     ways[i]),
                   i == 3 ? "\"data\":{\"Sum\":-997}" : "\"data\":{\"Sum\":-"));
        assert_non_null(strstr(peer_thing_obeyed("--json call " EVERY
                                                 " Echo {\"Text\":\"a\\\"\xc3\xa9\",\"Double\":"
                                                 "0.125} %s",
                                                 ways[i]),
                               "\"data\":{\"Text\":\"a\\\"\xc3\xa9\",\"Double\":0.125}"));
        assert_non_null(strstr(peer_thing_obeyed("--json call " EVERY " Later {} %s", ways[i]),
                               "\"data\":{\"Bool\":1}"));
        assert_int_equal(one.later, 0);
        assert_non_null(
            strstr(peer_thing_refused("--json call " EVERY " Refuse {} %s", ways[i]), "100042"));
    }
    assert_int_equal(one.calls, 4 * COUNT(ways));
    peer_thing_refused("call " EVERY " Add {\"A\":1001,\"B\":0}"); /* never sent */
    assert_int_equal(one.calls, 4 * COUNT(ways));
    peer_thing_obeyed("set " EVERY " {\"Int\":12}");
    assert_int_equal(one.every.int_, 12);
    peer_thing_close(&one);
}

/* ---- Answers that do not come -------------------------------------------------------------- */

static void a_request_ends_once_whatever_the_platform_does(void **state)
{
    struct peer_device *p = &one.seat.one;
    (void)state;
    every_connects();
    peer_thing_obeyed("option reply-double 1");
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(posts(PEER_EVERY_INT_), 200);
    peer_thing_obeyed("option reply-double 0");
    peer_thing_obeyed("option reply-drop 1");
    assert_err(iot_thing_post(&one.thing, IOT_PROPERTIES(PEER_EVERY_INT_), 0, 0, &ticket), IOT_OK);
    peer_thing_asked(&one, ticket);
    uint32_t since = peer_clock_ms();
    UNTIL_FAST(peer_ended(p, ticket));
    peer_thing_obeyed("option reply-drop 0");
    assert_err(peer_result(p, ticket), IOT_ERR_LINK_TIMEOUT);
    assert_in_range(peer_clock_ms() - since, IOT_REQUEST_MS, IOT_REQUEST_MS + 2000);
    peer_thing_obeyed("option reply-code property/post 500");
    assert_int_equal(posts(PEER_EVERY_INT_), 500);
    peer_thing_obeyed("option reply-code property/post 0");
    assert_int_equal(posts(PEER_EVERY_INT_), 200);

    /* As many as there are places, and one more. */
    iot_ticket tickets[IOT_REQUESTS_MAX];
    uint32_t n = 0;
    while (n < IOT_REQUESTS_MAX &&
           iot_thing_post(&one.thing, IOT_PROPERTIES(PEER_EVERY_INT_), 0, 0, &tickets[n]) == IOT_OK)
        peer_thing_asked(&one, tickets[n++]);
    assert_err(iot_thing_post(&one.thing, IOT_PROPERTIES(PEER_EVERY_INT_), 0, 0, NULL),
               IOT_ERR_FULL);
    for (uint32_t i = 0; i < n; i++)
        UNTIL(peer_ended(p, tickets[i]));
    peer_thing_close(&one);
}

static void a_thing_survives_that_its_platform_is_gone_for_a_while(void **state)
{
    struct peer_device *p = &one.seat.one;
    (void)state;
    every_connects();
    peer_cloud_pass(31000); /* or it would stay away for long */
    host_cloud_cut(&peer_cloud);
    peer_expect_lost(p, 0, IOT_ERR_TLS_EOF, false);
    assert_err(iot_thing_post(&one.thing, IOT_PROPERTIES(PEER_EVERY_INT_), 0, 0, &ticket), IOT_OK);
    peer_thing_asked(&one, ticket);
    if (!host_cloud_restore(&peer_cloud))
        fail_msg("%s", peer_cloud.why);
    UNTIL_FAST(iot_device_connected(peer_thing_device(&one)));
    UNTIL(peer_ended(p, ticket));
    is_set("{\"Int\":17}");
    assert_true(peer_thing_number(&one, "Int") == 17);
    peer_thing_close(&one);
}

/* ---- Bytes --------------------------------------------------------------------------------- */

static uint8_t came[8192];
static uint32_t came_len, replies, parts;

static iot_err on_down(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    static const uint8_t good[] = {0xff, 0x00, 0x01};
    (void)ctx;

    if (msg->offset + msg->payload.len == msg->total) {
        iot_err err = iot_raw_answer(dev, msg, (struct iot_bytes){good, sizeof good});
        if (err != IOT_OK)
            return err;
    }
    if (msg->total <= sizeof came)
        memcpy(came + msg->offset, msg->payload.ptr, msg->payload.len);
    came_len = msg->total;
    parts++;
    return IOT_OK;
}

static iot_err on_reply(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    (void)ctx;
    (void)dev;
    (void)msg;
    replies++;
    return IOT_OK;
}

static iot_err on_rrpc(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    char answer[64];
    (void)ctx;

    int n = snprintf(answer, sizeof answer, "<%.*s>", (int)msg->payload.len,
                     (const char *)msg->payload.ptr);
    return iot_raw_answer(dev, msg, (struct iot_bytes){(const uint8_t *)answer, (uint32_t)n});
}

static const struct iot_raw_handlers raw = {
    .on_down = on_down, .on_reply = on_reply, .on_rrpc = on_rrpc};

static void bytes_begin(struct peer_thing *t)
{
    came_len = replies = parts = 0;
    peer_thing(t, PEER_RAW, "raw001", PEER_DS_RAW);
    peer_thing_begin(t);
    iot_raw_attach(peer_thing_device(t), &raw);
    UNTIL(iot_device_connected(peer_thing_device(t)));
}

static void bytes_go_both_ways_and_large_ones_in_parts(void **state)
{
    static char hex[2 * 3000 + 1];
    (void)state;
    bytes_begin(&one);
    assert_err(iot_raw_post(peer_thing_device(&one), peer_payload(300, 1), 1, &ticket), IOT_OK);
    peer_thing_asked(&one, ticket);
    UNTIL(peer_ended(&one.seat.one, ticket) && replies == 1);
    peer_cloud_said("raw001 /sys/" PEER_RAW "/raw001/thing/model/up_raw: 300 bytes");

    assert_non_null(
        strstr(peer_thing_obeyed("--json raw " PEER_RAW " raw001 0102ff rrpc"), "ff0001"));
    assert_int_equal(came_len, 3);
    assert_memory_equal(came, "\x01\x02\xff", 3);
    for (uint32_t i = 0; i < 3000; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned)(i * 7 & 0xff));
    parts = 0;
    peer_thing_obeyed("raw " PEER_RAW " raw001 %s", hex);
    UNTIL(came_len == 3000 && iot_device_idle(peer_thing_device(&one)));
    assert_true(parts >= 3000 / IOT_MQTT_RX_BYTES);
    for (uint32_t i = 0; i < 3000; i++)
        assert_int_equal(came[i], (uint8_t)(i * 7));
    peer_cloud_await("raw answer of " PEER_RAW " raw001: 3 bytes\n");
    assert_non_null(
        strstr(peer_thing_obeyed("--json rrpc " PEER_RAW " raw001 hallo"), "3c68616c6c6f3e"));
    peer_thing_close(&one);
}

static void a_thing_has_topics_and_calls_of_its_own_beside(void **state)
{
    (void)state;
    every();
    peer_thing_begin(&one);
    iot_raw_attach(peer_thing_device(&one), &raw);
    UNTIL(iot_device_connected(peer_thing_device(&one)));
    peer_subscribed(&one.seat.one, "/" PEER_EVERY "/every001/user/bytes", 1);
    for (uint32_t i = 0; i < 3; i++) {
        peer_thing_obeyed("publish " EVERY " /" PEER_EVERY "/every001/user/bytes down");
        ticket = peer_publish(&one.seat.one, "/" PEER_EVERY "/every001/user/bytes", "up", 1, 0);
        UNTIL(peer_ended(&one.seat.one, ticket));
        is_set("{\"Bool\":1}");
        assert_int_equal(posts(PEER_EVERY_BOOL_), 200);
        assert_non_null(strstr(peer_thing_obeyed("--json rrpc " EVERY " what"), "3c776861743e"));
        assert_non_null(
            strstr(peer_thing_obeyed("--json rrpc " EVERY " /my/own/topic hm"), "3c686d3e"));
        assert_non_null(strstr(
            peer_thing_obeyed("--json call " EVERY " Add {\"A\":1,\"B\":2} sync"), "\"Sum\":3"));
    }
    UNTIL(one.seat.one.inbox_count == 6);
    peer_thing_close(&one);
}

/* ---- Several, and otherwise ---------------------------------------------------------------- */

static void two_things_of_different_products_live_in_one_process(void **state)
{
    (void)state;
    every_connects();
    bytes_begin(&two);
    for (uint32_t i = 0; i < 5; i++) {
        is_set(i % 2 == 0 ? "{\"Int\":2}" : "{\"Int\":3}");
        assert_int_equal(one.every.int_, i % 2 == 0 ? 2 : 3);
        assert_non_null(strstr(
            peer_thing_obeyed("--json raw " PEER_RAW " raw001 0%u rrpc", (unsigned)i), "ff0001"));
        assert_int_equal(came[0], i);
        assert_err(iot_raw_post(peer_thing_device(&two), peer_payload(20, i), 1, &ticket), IOT_OK);
        peer_thing_asked(&two, ticket);
        assert_int_equal(posts(PEER_EVERY_INT_), 200);
        UNTIL(replies == i + 1);
    }
    peer_thing_close(&two);
    is_set("{\"Int\":4}");
    peer_thing_close(&one);
}

static void a_thing_that_subscribes_itself_has_all_of_it_too(void **state)
{
    (void)state;
    every();
    one.seat.id.system_topics = false;
    peer_thing_begin(&one);
    iot_raw_attach(peer_thing_device(&one), &raw);
    assert_err(iot_alink_listen(peer_thing_device(&one), IOT_LISTEN_ALL, &one.texts), IOT_OK);
    UNTIL(one.seat.one.kinds[IOT_EV_SUBACK] == 4);
    assert_int_equal(posts(PEER_EVERY_INT_), 200);
    is_set("{\"Int\":5}");
    assert_non_null(strstr(peer_thing_obeyed("--json call " EVERY " Add {\"A\":1,\"B\":2} async"),
                           "\"Sum\":3"));
    assert_non_null(
        strstr(peer_thing_obeyed("--json call " EVERY " Add {\"A\":1,\"B\":2} sync"), "\"Sum\":3"));
    assert_non_null(
        strstr(peer_thing_obeyed("--json call " EVERY " Add {\"A\":1,\"B\":2} ext"), "\"Sum\":3"));
    assert_non_null(strstr(peer_thing_obeyed("--json rrpc " EVERY " what"), "3c776861743e"));
    assert_int_equal(peer_thing_code(&one, iot_time_ask(peer_thing_device(&one), &ticket), &ticket),
                     200);
    peer_thing_obeyed("error " EVERY " 5240 too much");
    UNTIL(one.notices[IOT_NOTICE_ERROR] == 1);
    assert_int_equal(one.notice_code, 5240);

    /* Without those subscriptions nothing comes, and that has an end. */
    peer_thing_close(&one);
    every();
    one.seat.id.system_topics = false;
    peer_thing_connect(&one);
    assert_err(iot_thing_post(&one.thing, IOT_PROPERTIES(PEER_EVERY_INT_), 0, 0, &ticket), IOT_OK);
    peer_thing_asked(&one, ticket);
    UNTIL_FAST(peer_ended(&one.seat.one, ticket));
    assert_err(peer_result(&one.seat.one, ticket), IOT_ERR_LINK_TIMEOUT);
    peer_thing_close(&one);
}

static void a_thing_over_plain_tcp_is_the_same(void **state)
{
    (void)state;
    every();
    peer_seat_plain(&one.seat);
    peer_thing_connect(&one);
    assert_int_equal(posts(PEER_EVERY_STRUCT_), 200);
    is_set("{\"Int\":6}");
    peer_thing_close(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOUD_TEST(numbers_go_both_ways_to_the_last_bit),
        CLOUD_TEST(words_dates_and_switches_go_both_ways),
        CLOUD_TEST(structs_and_arrays_go_both_ways),
        CLOUD_TEST(all_properties_are_posted_at_once_with_their_time),
        CLOUD_TEST(what_is_not_as_the_model_says_is_refused_by_the_device),
        CLOUD_TEST(what_is_desired_of_a_thing_that_is_away_is_done_later),
        CLOUD_TEST(many_values_are_posted_in_one_message_each_with_its_time),
        CLOUD_TEST(forty_members_are_set_and_posted),
        CLOUD_TEST(events_of_the_three_kinds_arrive),
        CLOUD_TEST(services_are_called_in_each_way),
        CLOUD_TEST(a_request_ends_once_whatever_the_platform_does),
        CLOUD_TEST(a_thing_survives_that_its_platform_is_gone_for_a_while),
        CLOUD_TEST(bytes_go_both_ways_and_large_ones_in_parts),
        CLOUD_TEST(a_thing_has_topics_and_calls_of_its_own_beside),
        CLOUD_TEST(two_things_of_different_products_live_in_one_process),
        CLOUD_TEST(a_thing_that_subscribes_itself_has_all_of_it_too),
        CLOUD_TEST(a_thing_over_plain_tcp_is_the_same),
    };
    return cmocka_run_group_tests_name("thing", tests, peer_cloud_group_setup,
                                       peer_cloud_group_teardown);
}

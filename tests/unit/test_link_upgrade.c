/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of updates: what goes up, byte for byte; what is offered; when progress is told. */
#include "alink_line.h"
#include "link/iot_link_upgrade.h"

#define OWN      "a1B2c3D4e5F/dev001"
#define UPGRADE  "/ota/device/upgrade/" OWN
#define REQUEST  "/ota/device/request/" OWN
#define INFORM   "/ota/device/inform/" OWN
#define PROGRESS "/ota/device/progress/" OWN
#define GET      "/sys/" OWN "/thing/ota/firmware/get"
#define MD5      "b2ea9f7fcea831a4a63b213f41a8855b"
#define DATA                                                                                       \
    "{\"size\":1024,\"version\":\"2.0.0\",\"isDiff\":0,\"module\":\"MCU\","                        \
    "\"url\":\"https://ota.example.com/fw/app-2.0.0.bin?Expires=1700003600&Signature=Y\","         \
    "\"signMethod\":\"Md5\",\"sign\":\"" MD5 "\",\"md5\":\"" MD5 "\","                             \
    "\"extData\":{\"key1\":\"value1\",\"note\":\"text\"}}"
#define PUSH(code, message, data)                                                                  \
    "{\"code\":" code ",\"id\":1700000000000,\"message\":" message ",\"data\":" data "}"

static const struct iot_link_identity who = {.product_key = "a1B2c3D4e5F", .device_name = "dev001"};
static struct iot_link_upgrade up;
static const char *modules[4][2]; /* name, version */
static uint32_t module_count;
static char said[1024]; /* what the engine was told */

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
    size_t at = strlen(said);
    va_list args;

    va_start(args, format);
    vsnprintf(said + at, sizeof said - at, format, args);
    va_end(args);
}

static void on_offered(void *ctx, const struct iot_ota_job *job)
{
    assert_ptr_equal(ctx, modules);
    note("offered(%s,%s,%u,%.*s)", job->module, job->version, (unsigned)job->size,
         (int)job->ext.len, (const char *)job->ext.ptr);
}

static void on_refused(void *ctx, const struct iot_ota_job *job, iot_err err)
{
    assert_ptr_equal(ctx, modules);
    note("refused(%s,%s,%s)", job->module, job->version, iot_err_name(err));
}

static void on_nothing(void *ctx, iot_err err, int32_t detail)
{
    assert_ptr_equal(ctx, modules);
    note("nothing(%s,%d)", iot_err_name(err), (int)detail);
}

static bool on_module(void *ctx, uint32_t i, const char **name, const char **version)
{
    assert_ptr_equal(ctx, modules);
    if (i >= module_count)
        return false;
    *name = modules[i][0];
    *version = modules[i][1];
    return true;
}

static const struct iot_link_upgrade_hooks hooks = {on_offered, on_refused, on_nothing, on_module};

static int setup(void **state)
{
    (void)state;
    line_setup(&who);
    line.alink.up = true;
    iot_link_upgrade_init(&up, &hooks, modules);
    module_count = 0;
    said[0] = 0;
    return 0;
}

#define assert_said(words)                                                                         \
    do {                                                                                           \
        assert_string_equal(said, words);                                                          \
        said[0] = 0;                                                                               \
    } while (0)

/* Exactly one message more was sent, and it is this. */
static void sent_is(uint8_t qos, const char *topic, const char *payload)
{
    assert_int_equal(line.sent, 1);
    line.sent = 0;
    assert_string_equal(line.topic, topic);
    assert_string_equal(line.payload, payload);
    assert_int_equal(line.qos, qos);
}

#define assert_silence() assert_int_equal(line.sent, 0)

static void event(enum iot_event_kind kind)
{
    struct iot_event ev = {.kind = kind};
    iot_link_upgrade_event(&up, &line.alink, &ev);
}

static void run(iot_time now)
{
    line.alink.now = now;
    heap_trap_on();
    iot_link_upgrade_run(&up, &line.alink, now);
    heap_trap_off();
}

/* A message that ends where its memory ends. */
static iot_err hear(const char *topic, const char *payload)
{
    struct iot_msg msg = {.topic = {topic, (uint16_t)strlen(topic), 0},
                          .payload = guarded(text_bytes(payload))};
    heap_trap_on();
    iot_err err = iot_link_upgrade_take(&up, &line.alink, &msg);
    heap_trap_off();
    return err;
}

/* ---- Up -------------------------------------------------------------------------------------- */

static void versions_are_reported_after_each_login(void **state)
{
    (void)state;
    modules[0][0] = "";
    modules[0][1] = "1.0.0";
    module_count = 1;
    run(1);
    assert_silence();
    for (int i = 0; i < 2; i++) {
        event(IOT_EV_CONNECTED);
        line.ticket = 1;
        run(2);
        sent_is(1, INFORM, "{\"id\":\"1\",\"params\":{\"version\":\"1.0.0\"}}");
        assert_int_equal(line.flags, IOT_MSG_SILENT | IOT_MSG_REFUSE);
        run(3);
        assert_silence();
        assert_int_equal(iot_link_upgrade_deadline(&up, &line.alink), IOT_TIME_NEVER);
    }
}

static void each_module_has_its_report(void **state)
{
    (void)state;
    modules[0][0] = "";
    modules[0][1] = NULL; /* not reported */
    modules[1][0] = "mcu";
    modules[1][1] = "1.4.0";
    modules[2][0] = "x";
    modules[2][1] = "a\"b";
    module_count = 3;
    event(IOT_EV_CONNECTED);
    line.ticket = 2;
    line.begin_says = IOT_ERR_FULL;
    run(1);
    assert_silence();
    assert_int_equal(iot_link_upgrade_deadline(&up, &line.alink), 51);
    line.begin_says = IOT_OK;
    line.commit_says = IOT_ERR_AGAIN;
    run(51);
    assert_silence();
    line.commit_says = IOT_OK;
    module_count = 2;
    run(101);
    sent_is(1, INFORM, "{\"id\":\"2\",\"params\":{\"version\":\"1.4.0\",\"module\":\"mcu\"}}");
    module_count = 3;
    iot_link_upgrade_report(&up, &line.alink);
    modules[1][1] = NULL;
    run(102);
    sent_is(1, INFORM, "{\"id\":\"3\",\"params\":{\"version\":\"a\\\"b\",\"module\":\"x\"}}");
}

static void what_can_never_be_sent_holds_up_nothing(void **state)
{
    static char endless[IOT_MQTT_TX_BYTES + 1];

    (void)state;
    memset(endless, '1', sizeof endless - 1);
    modules[0][0] = "";
    modules[0][1] = endless;
    modules[1][0] = "mcu";
    modules[1][1] = "1";
    module_count = 2;
    event(IOT_EV_CONNECTED);
    run(1);
    sent_is(1, INFORM, "{\"id\":\"1\",\"params\":{\"version\":\"1\",\"module\":\"mcu\"}}");
    assert_int_equal(iot_link_upgrade_deadline(&up, &line.alink), IOT_TIME_NEVER);
}

static void nothing_is_sent_while_the_link_is_down(void **state)
{
    (void)state;
    modules[0][0] = "";
    modules[0][1] = "1";
    module_count = 1;
    event(IOT_EV_CONNECTED);
    iot_link_upgrade_progress(&up, 1, 50, NULL, "");
    line.alink.up = false;
    run(1);
    assert_silence();
    assert_int_equal(iot_link_upgrade_deadline(&up, &line.alink), IOT_TIME_NEVER);
}

static void both_questions_are_as_the_protocol_has_them(void **state)
{
    (void)state;
    line.ticket = 3;
    assert_err(iot_link_upgrade_ask_old(&line.alink, "1.0.0"), IOT_OK);
    sent_is(1, REQUEST, "{\"id\":\"3\",\"params\":{\"version\":\"1.0.0\"}}");
    assert_err(iot_link_upgrade_ask(&up, &line.alink, "MCU"), IOT_OK);
    sent_is(0, GET,
            "{\"id\":\"4\",\"version\":\"1.0\",\"method\":\"thing.ota.firmware.get\","
            "\"params\":{\"module\":\"MCU\"}}");
    assert_err(iot_link_upgrade_ask(&up, &line.alink, "MCU"), IOT_ERR_STATE);
    assert_silence();
    up.asked = 0;
    assert_err(iot_link_upgrade_ask(&up, &line.alink, ""), IOT_OK);
    sent_is(0, GET,
            "{\"id\":\"5\",\"version\":\"1.0\",\"method\":\"thing.ota.firmware.get\","
            "\"params\":{}}");
    up.asked = 0;
    line.begin_says = IOT_ERR_FULL;
    assert_err(iot_link_upgrade_ask(&up, &line.alink, ""), IOT_ERR_FULL);
    assert_int_equal(up.asked, 0);
    assert_err(iot_link_upgrade_ask_old(&line.alink, "1"), IOT_ERR_FULL);
}

static void both_topics_are_subscribed_on_demand(void **state)
{
    struct iot_link_upgrade_texts texts;

    (void)state;
    assert_err(iot_link_upgrade_listen(&line.alink, &texts), IOT_OK);
    assert_string_equal(line.filters, UPGRADE ":1 " REQUEST ":1");
    line.subscribe_says = IOT_ERR_FULL;
    assert_err(iot_link_upgrade_listen(&line.alink, &texts), IOT_ERR_FULL);
    assert_int_equal(line.subscribes, 2);
    struct iot_link_identity longest = {.product_key = "12345678901234567890",
                                        .device_name = "12345678901234567890123456789012"};
    line_setup(&longest);
    assert_err(iot_link_upgrade_listen(&line.alink, &texts), IOT_OK);
    line_setup(NULL);
    assert_err(iot_link_upgrade_listen(&line.alink, &texts), IOT_ERR_ARG);
}

/* ---- Progress -------------------------------------------------------------------------------- */

static void progress(iot_time now, int32_t step)
{
    iot_link_upgrade_progress(&up, now, step, "downloading", "MCU");
    run(now);
}

static void progress_is_as_the_protocol_has_it(void **state)
{
    (void)state;
    line.ticket = 5;
    progress(1, 30);
    sent_is(
        0, PROGRESS,
        "{\"id\":\"5\",\"params\":{\"step\":\"30\",\"desc\":\"downloading\",\"module\":\"MCU\"}}");
    assert_int_equal(line.flags, IOT_MSG_SILENT | IOT_MSG_REFUSE);
    iot_link_upgrade_progress(&up, 2, -2, NULL, "");
    run(2);
    sent_is(0, PROGRESS, "{\"id\":\"6\",\"params\":{\"step\":\"-2\"}}");
}

/* What the steps from 0 to 100 make of it, one each `ms`. */
static void steps(uint32_t ms, char *words, size_t cap)
{
    size_t at = 0;

    for (uint32_t i = 0; i <= 100; i++) {
        progress(1000 + i * ms, (int32_t)i);
        unsigned step;
        if (line.sent != 0 && sscanf(strstr(line.payload, "step"), "step\":\"%u\"", &step) == 1)
            at += (size_t)snprintf(words + at, cap - at, "%u ", step);
        assert_in_range(line.sent, 0, 1);
        line.sent = 0;
    }
}

static void progress_is_throttled_by_steps_and_by_time(void **state)
{
    char words[256];

    (void)state;
    steps(50, words, sizeof words);
    assert_string_equal(words, "0 5 10 15 20 25 30 35 40 45 50 55 60 65 70 75 80 85 90 95 100 ");
    steps(5, words, sizeof words); /* 10 in 50 ms */
    assert_string_equal(words, "0 10 20 30 40 50 60 70 80 90 100 ");
    steps(0, words, sizeof words);
    assert_string_equal(words, "0 100 ");
    assert_int_equal(iot_link_upgrade_deadline(&up, &line.alink), IOT_TIME_NEVER);
}

static void what_was_held_back_by_time_is_sent_when_it_is_due(void **state)
{
    (void)state;
    progress(100, 0);
    line.sent = 0;
    progress(120, 5);
    progress(130, 7);
    assert_silence();
    assert_int_equal(iot_link_upgrade_deadline(&up, &line.alink), 150);
    run(149);
    assert_silence();
    run(150);
    assert_non_null(strstr(line.payload, "\"7\""));
    line.sent = 0;
    progress(500, 11); /* 4 more than 7 */
    assert_silence();
    progress(501, 12);
    assert_int_equal(line.sent, 1);
}

static void failures_are_sent_at_once(void **state)
{
    (void)state;
    progress(100, 0);
    for (int32_t step = -1; step >= -4; step--) {
        char want[16];
        line.sent = 0;
        progress(101, step);
        snprintf(want, sizeof want, "\"%d\"", (int)step);
        assert_int_equal(line.sent, 1);
        assert_non_null(strstr(line.payload, want));
    }
    line.sent = 0;
    progress(102, 0); /* the next update */
    assert_int_equal(line.sent, 1);
}

static void of_what_finds_no_room_the_newest_is_sent_later(void **state)
{
    (void)state;
    line.begin_says = IOT_ERR_FULL;
    progress(100, 0);
    progress(101, 40);
    assert_int_equal(iot_link_upgrade_deadline(&up, &line.alink), 150);
    run(150);
    progress(160, 43);
    assert_int_equal(iot_link_upgrade_deadline(&up, &line.alink), 200);
    line.begin_says = IOT_OK;
    run(200);
    assert_int_equal(line.sent, 1);
    assert_non_null(strstr(line.payload, "\"43\""));
    line.alink.up = false;
    progress(300, 100);
    progress(301, -3);
    line.alink.up = true;
    assert_true(iot_link_upgrade_deadline(&up, &line.alink) <= 301);
    run(400);
    assert_int_equal(line.sent, 2);
    assert_non_null(strstr(line.payload, "\"-3\""));
    run(1000);
    assert_int_equal(line.sent, 2);
}

/* ---- Down ------------------------------------------------------------------------------------ */

static void a_push_is_offered(void **state)
{
    static const char offered[] = "offered(MCU,2.0.0,1024,{\"key1\":\"value1\",\"note\":\"text\"})";

    (void)state;
    assert_err(hear(UPGRADE, PUSH("\"1000\"", "\"success\"", DATA)), IOT_OK);
    assert_said(offered);
    assert_err(hear(UPGRADE, PUSH("1000", "\"success\"", DATA)), IOT_OK);
    assert_said(offered);
    assert_err(hear(UPGRADE, "{\"data\":" DATA ",\"message\":\"success\",\"code\":\"1000\"}"),
               IOT_OK);
    assert_said(offered);
    assert_err(hear(REQUEST, PUSH("\"1000\"", "\"success\"", DATA)), IOT_OK);
    assert_said(offered);
    assert_string_equal(line_told(), "");
    assert_silence();
}

static void what_is_no_offer_is_skipped_by_name(void **state)
{
    static const char *const bad[][2] = {
        {"", "JSON_SYNTAX"},
        {"{", "JSON_SYNTAX"},
        {"[]", "JSON_MISSING"},
        {"7", "JSON_MISSING"},
        {PUSH("\"1001\"", "\"success\"", DATA), "LINK_CODE"},
        {PUSH("200", "\"success\"", DATA), "LINK_CODE"},
        {PUSH("\"1000\"", "\"failed\"", DATA), "LINK_CODE"},
        {PUSH("\"1000\"", "\"successful\"", DATA), "LINK_CODE"},
        {PUSH("\"1000\"", "1", DATA), "LINK_CODE"},
        {PUSH("\"x\"", "\"success\"", DATA), "JSON_TYPE"},
        {PUSH("null", "\"success\"", DATA), "JSON_TYPE"},
        {PUSH("-1000", "\"success\"", DATA), "JSON_RANGE"},
        {PUSH("\"1000\"", "\"success\"", "[]"), "JSON_TYPE"},
        {PUSH("\"1000\"", "\"success\"", "null"), "JSON_TYPE"},
        {"{\"code\":\"1000\",\"message\":\"success\"}", "JSON_MISSING"},
        {"{\"code\":\"1000\",\"data\":" DATA "}", "JSON_MISSING"},
        {"{\"message\":\"success\",\"data\":" DATA "}", "JSON_MISSING"},
        {"{\"id\":\"3\",\"params\":{\"version\":\"1.0.0\"}}", "JSON_MISSING"},
    };
    char want[64];

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_err(hear(UPGRADE, bad[i][0]), IOT_OK);
        snprintf(want, sizeof want, "skipped(%s)", bad[i][1]);
        const char *told = line_told();
        if (strcmp(told, want) != 0)
            fail_msg("%s: %s", bad[i][0], told);
    }
    assert_said("");
}

static void our_own_question_comes_back_and_is_ignored(void **state)
{
    (void)state;
    assert_err(hear(REQUEST, "{\"id\":\"3\",\"params\":{\"version\":\"1.0.0\"}}"), IOT_OK);
    assert_said("");
    assert_string_equal(line_told(), "");
    assert_err(hear(REQUEST, "{\"id\":\"3\"}"), IOT_OK);
    assert_string_equal(line_told(), "skipped(JSON_MISSING)");
}

static void an_offer_that_cannot_be_used_is_refused_by_name(void **state)
{
    (void)state;
    assert_err(hear(UPGRADE, PUSH("\"1000\"", "\"success\"", "{}")), IOT_OK);
    assert_said("refused(,,OTA_JOB)");
    assert_err(hear(UPGRADE, PUSH("\"1000\"", "\"success\"",
                                  "{\"module\":\"MCU\",\"version\":\"2\",\"size\":0}")),
               IOT_OK);
    assert_said("refused(MCU,2,OTA_SIZE)");
    assert_string_equal(line_told(), "");
}

static void other_topics_are_others(void **state)
{
    static const char *const topics[] = {"/ota/device/upgrade/" OWN "2",
                                         "/ota/device/upgrade/" OWN "/",
                                         "/ota/device/upgrade/a1B2c3D4e5F/dev00",
                                         "/ota/device/upgrade/a1B2c3D4e5G/dev001",
                                         "/ota/device/inform/" OWN,
                                         "/ota/device/",
                                         "/ota",
                                         "/ext/error/" OWN,
                                         GET "_reply"};

    (void)state;
    for (size_t i = 0; i < COUNT(topics); i++)
        assert_err(hear(topics[i], PUSH("\"1000\"", "\"success\"", DATA)), IOT_ERR_STATE);
    line_setup(NULL);
    assert_err(hear(UPGRADE, PUSH("\"1000\"", "\"success\"", DATA)), IOT_ERR_STATE);
    assert_said("");
    assert_string_equal(line_told(), "");
}

/* ---- Answers to the newer question ------------------------------------------------------------ */

static void answered(iot_ticket ticket, int32_t code, const char *data)
{
    struct iot_reply reply = {{NULL, 0}, {NULL, 0}};
    struct iot_event ev = {.kind = IOT_EV_REPLY,
                           .ticket = ticket,
                           .err = code == 200 ? IOT_OK : IOT_ERR_LINK_CODE,
                           .detail = code,
                           .reply = &reply};

    if (*data != 0)
        assert_err(iot_json_check(guarded(text_bytes(data)), &reply.data, NULL), IOT_OK);
    iot_link_upgrade_event(&up, &line.alink, &ev);
}

static void answers_are_offers_or_nothing(void **state)
{
    static const struct {
        int32_t code;
        const char *data, *said;
    } rows[] = {
        {200, DATA, "offered(MCU,2.0.0,1024,{\"key1\":\"value1\",\"note\":\"text\"})"},
        {200, "{}", "nothing(OK,200)"},
        {200, "", "nothing(OK,200)"},
        {200, "null", "nothing(OK,200)"},
        {200, "{\"size\":1}", "refused(,,OTA_JOB)"},
        {9112, "{}", "nothing(LINK_CODE,9112)"},
        {9112, DATA, "nothing(LINK_CODE,9112)"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        iot_ticket ticket = line.ticket;
        assert_err(iot_link_upgrade_ask(&up, &line.alink, "MCU"), IOT_OK);
        answered(ticket + 1, rows[i].code, rows[i].data); /* another's */
        assert_said("");
        answered(ticket, rows[i].code, rows[i].data);
        assert_said(rows[i].said);
        answered(ticket, rows[i].code, rows[i].data); /* twice */
        assert_said("");
        memset(line.alink.requests, 0, sizeof line.alink.requests);
    }
    answered(0, 200, DATA);
    assert_said("");
}

static void a_question_without_an_answer_is_told(void **state)
{
    struct iot_event ev = {.kind = IOT_EV_FAILED, .err = IOT_ERR_LINK_TIMEOUT};

    (void)state;
    ev.ticket = line.ticket;
    assert_err(iot_link_upgrade_ask(&up, &line.alink, ""), IOT_OK);
    iot_link_upgrade_event(&up, &line.alink, &ev);
    assert_said("nothing(LINK_TIMEOUT,0)");
}

/* As it really comes: through alink, whose requests know their replies. */
static void the_answer_comes_by_way_of_alink(void **state)
{
    (void)state;
    assert_err(iot_link_upgrade_ask(&up, &line.alink, ""), IOT_OK);
    assert_err(line_hear_text(GET "_reply", "{\"id\":\"1\",\"code\":200,\"data\":{}}"), IOT_OK);
    assert_string_equal(line_told(), "reply(1,200,{})");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(versions_are_reported_after_each_login, setup),
        cmocka_unit_test_setup(each_module_has_its_report, setup),
        cmocka_unit_test_setup(what_can_never_be_sent_holds_up_nothing, setup),
        cmocka_unit_test_setup(nothing_is_sent_while_the_link_is_down, setup),
        cmocka_unit_test_setup(both_questions_are_as_the_protocol_has_them, setup),
        cmocka_unit_test_setup(both_topics_are_subscribed_on_demand, setup),
        cmocka_unit_test_setup(progress_is_as_the_protocol_has_it, setup),
        cmocka_unit_test_setup(progress_is_throttled_by_steps_and_by_time, setup),
        cmocka_unit_test_setup(what_was_held_back_by_time_is_sent_when_it_is_due, setup),
        cmocka_unit_test_setup(failures_are_sent_at_once, setup),
        cmocka_unit_test_setup(of_what_finds_no_room_the_newest_is_sent_later, setup),
        cmocka_unit_test_setup(a_push_is_offered, setup),
        cmocka_unit_test_setup(what_is_no_offer_is_skipped_by_name, setup),
        cmocka_unit_test_setup(our_own_question_comes_back_and_is_ignored, setup),
        cmocka_unit_test_setup(an_offer_that_cannot_be_used_is_refused_by_name, setup),
        cmocka_unit_test_setup(other_topics_are_others, setup),
        cmocka_unit_test_setup(answers_are_offers_or_nothing, setup),
        cmocka_unit_test_setup(a_question_without_an_answer_is_told, setup),
        cmocka_unit_test_setup(the_answer_comes_by_way_of_alink, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

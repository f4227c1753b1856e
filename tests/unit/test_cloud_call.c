/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud_lamp.h"

#include "cloud/cloud_call.h"

#define RRPC "1700000000000000001"

static const char *why;

static int device(void)
{
    return cloud_fake_device("dev001");
}

/* Ask; the request is in lamp_said. */
static uint32_t call(enum cloud_way way, const char *path, const char *service, const char *params)
{
    char words[200];
    json_t *p = cloud_json_read(params, strlen(params), words, sizeof words);
    uint32_t id = cloud_call(&cloud, device(), way, path, service, p, lamp_now, &why);

    json_decref(p);
    if (id != 0)
        lamp_next();
    return id;
}

static void answer(const char *topic, const char *message)
{
    assert_null(lamp_say(topic, message, strlen(message)));
}

static const char *came(uint32_t id)
{
    static char text[8192];
    json_t *v = cloud_call_show(cloud_call_find(&cloud, id));
    char *shown = cloud_json_text(v);

    snprintf(text, sizeof text, "%s", shown);
    free(shown);
    json_decref(v);
    return text;
}

static void a_set_is_sent_and_answered_as_in_the_reference(void **state)
{
    (void)state;
    cloud.next_id = 55;
    assert_int_equal(
        call(CLOUD_WAY_TOPIC, "thing/service/property/set", NULL, "{\"LightSwitch\":0}"), 55);
    assert_string_equal(lamp_topic, SYS "thing/service/property/set");
    assert_string_equal(
        lamp_said, "{\"id\":\"55\",\"version\":\"1.0\",\"params\":{\"LightSwitch\":0},\"method\":"
                   "\"thing.service.property.set\"}");
    assert_string_equal(came(55), "{\"id\":\"55\",\"state\":\"waits\"}");
    lamp_now += 7;
    answer(SYS "thing/service/property/set_reply", "{\"id\":\"55\",\"code\":200,\"data\":{}}");
    assert_string_equal(
        came(55),
        "{\"id\":\"55\",\"state\":\"answered\",\"ms\":7,\"answer\":{\"id\":\"55\",\"code\":200,"
        "\"data\":{}}}");
    assert_contains(cloud_log, "answer of " PK " dev001 " SYS
                               "thing/service/property/set_reply id '55': code 200");
}

static void a_service_is_called_in_three_ways(void **state)
{
    (void)state;
    uint32_t id =
        call(CLOUD_WAY_TOPIC, "thing/service/Blink", "Blink", "{\"Times\":1,\"IntervalMs\":50}");
    assert_string_equal(lamp_topic, SYS "thing/service/Blink");
    answer(SYS "thing/service/Blink_reply", "{\"id\":1,\"code\":200,\"data\":{\"Done\":1}}");
    assert_contains(came(id), "\"state\":\"answered\"");

    lamp_start("");
    id = call(CLOUD_WAY_RRPC, "thing/service/Measure", "Measure", "{}");
    assert_string_equal(lamp_topic, SYS "rrpc/request/" RRPC);
    assert_contains(lamp_said, "\"method\":\"thing.service.Measure\"");
    answer(SYS "rrpc/response/" RRPC,
           "{\"id\":\"1\",\"code\":200,\"data\":{\"Temp\":1,\"Energy\":2.5}}");
    assert_contains(came(id), "\"state\":\"answered\"");

    assert_int_equal(call(CLOUD_WAY_EXT, "thing/service/Toggle", "Toggle", "{}"), 0);
    assert_contains(why, "did not say ext=1");
    cloud.sessions[device()].ext = 3;
    id = call(CLOUD_WAY_EXT, "thing/service/Toggle", "Toggle", "{}");
    assert_string_equal(lamp_topic, "/ext/rrpc/1700000000000000002" SYS "thing/service/Toggle");
    answer("/ext/rrpc/1700000000000000002" SYS "thing/service/Toggle",
           "{\"id\":\"2\",\"code\":200,\"data\":{\"LightSwitch\":1}}");
    assert_contains(came(id), "\"state\":\"answered\"");
    id = call(CLOUD_WAY_EXT, "thing/service/Toggle", "Toggle", "{}");
    answer("/ext/rrpc/1700000000000000003" SYS "thing/service/Toggle_reply",
           "{\"id\":\"3\",\"code\":200,\"data\":{\"LightSwitch\":1}}");
    assert_contains(came(id), "\"state\":\"answered\"");
}

static void a_wrong_answer_is_told_as_wrong(void **state)
{
    static const struct {
        const char *answer, *wrong;
    } rows[] = {
        {"{", "not JSON"},
        {"{\"code\":200,\"data\":{}}", "it has no id"},
        {"{\"id\":\"%u\",\"data\":{}}", "its code is no number"},
        {"{\"id\":\"%u\",\"code\":\"200\",\"data\":{}}", "its code is no number"},
        {"{\"id\":\"%u\",\"code\":200}", "its data is no object"},
        {"{\"id\":\"%u\",\"code\":200,\"data\":[]}", "its data is no object"},
        {"{\"id\":\"%u\",\"code\":500,\"data\":[]}", "its data is no object"},
        {"{\"id\":\"%u\",\"code\":200,\"data\":{}}", "data: 6304 Done is missing"},
        {"{\"id\":\"%u\",\"code\":200,\"data\":{\"Done\":11}}", "data: 6306 Done is no int"},
        {"{\"id\":\"%u\",\"code\":200,\"data\":{\"Done\":1,\"X\":1}}",
         "data: 6320 X is not in the model"},
    };
    char message[128];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint32_t id = call(CLOUD_WAY_TOPIC, "thing/service/Blink", "Blink", "{}");
        const char *mark = strstr(rows[i].answer, "%u");
        if (mark == NULL)
            snprintf(message, sizeof message, "%s", rows[i].answer);
        else
            snprintf(message, sizeof message, "%.*s%u%s", (int)(mark - rows[i].answer),
                     rows[i].answer, (unsigned)id, mark + 2);
        answer(SYS "thing/service/Blink_reply", message);
        assert_contains(came(id), "\"state\":\"wrong\"");
        assert_contains(came(id), rows[i].wrong);
        assert_contains(cloud_log, rows[i].wrong);
    }
    uint32_t id = call(CLOUD_WAY_TOPIC, "thing/service/Blink", "Blink", "{}");
    snprintf(message, sizeof message, "{\"id\":\"%u\",\"code\":5001}", (unsigned)id);
    answer(SYS "thing/service/Blink_reply", message); /* a code of its own needs no data */
    assert_contains(came(id), "\"state\":\"answered\"");
}

static void an_answer_that_nobody_waits_for_is_noted(void **state)
{
    (void)state;
    answer(SYS "thing/service/Blink_reply", "{\"id\":\"9\",\"code\":200,\"data\":{}}");
    assert_contains(cloud_log, "id '9': nobody waits for it");
    uint32_t id = call(CLOUD_WAY_TOPIC, "thing/service/property/set", NULL, "{}");
    answer(SYS "thing/service/property/set_reply", "{\"id\":\"2\",\"code\":200,\"data\":{}}");
    assert_contains(cloud_log, "id '2': nobody waits for it");
    answer(SYS "thing/service/Blink_reply",
           "{\"id\":\"1\",\"code\":200,\"data\":{}}"); /* another topic */
    assert_contains(came(id), "waits");
    answer(SYS "thing/service/property/set_reply", "{\"id\":\"1\",\"code\":200,\"data\":{}}");
    answer(SYS "thing/service/property/set_reply", "{\"id\":\"1\",\"code\":400,\"data\":{}}");
    assert_contains(cloud_log, "id '1': a second one");
    assert_contains(came(id), "\"code\":200");
}

static void the_wait_ends(void **state)
{
    (void)state;
    uint32_t id = call(CLOUD_WAY_RRPC, "thing/service/Measure", "Measure", "{}");
    cloud_tick(&cloud, lamp_now + 7999);
    assert_contains(came(id), "waits");
    cloud_tick(&cloud, lamp_now + 8000);
    assert_string_equal(came(id), "{\"id\":\"1\",\"state\":\"late\"}");
    assert_contains(cloud_log, "no answer of " PK " dev001 to id '1' within 8000 ms");
    answer(SYS "rrpc/response/" RRPC,
           "{\"id\":\"1\",\"code\":200,\"data\":{\"Temp\":1,\"Energy\":2}}");
    assert_contains(cloud_log, "id '1': too late");
    cloud.book.rules.rrpc_wait_ms = 5;
    id = call(CLOUD_WAY_RRPC, "thing/service/Measure", "Measure", "{}");
    cloud_tick(&cloud, lamp_now + 5);
    assert_contains(came(id), "late");
}

static void bytes_are_answered_by_bytes(void **state)
{
    static const uint8_t bytes[] = {0, 255, 7};
    (void)state;
    cloud.sessions[device()].ext = 1;
    uint32_t id =
        cloud_call_bytes(&cloud, device(), PK "/dev001/user/get", bytes, 3, lamp_now, &why);
    const struct cloud_output *o = cloud_next(&cloud);
    assert_int_equal(o->kind, CLOUD_OUT_DIRECT);
    assert_string_equal(o->topic, "/ext/rrpc/" RRPC "/" PK "/dev001/user/get");
    assert_int_equal(o->payload_len, 3);
    assert_memory_equal(o->payload, bytes, 3);
    assert_null(lamp_say("/ext/rrpc/" RRPC "/" PK "/dev001/user/get", "\0{\xff", 3));
    assert_string_equal(came(id),
                        "{\"id\":\"1\",\"state\":\"answered\",\"ms\":0,\"hex\":\"007bff\"}");
    char topic[CLOUD_TOPIC_MAX + 1];
    memset(topic, 'x', sizeof topic);
    topic[CLOUD_TOPIC_MAX - 30] = 0; /* 10 + 19 + 1 are in front */
    assert_int_not_equal(cloud_call_bytes(&cloud, device(), topic, "", 0, lamp_now, &why), 0);
    memset(topic, 'x', sizeof topic);
    topic[CLOUD_TOPIC_MAX - 29] = 0;
    assert_int_equal(cloud_call_bytes(&cloud, device(), topic, "", 0, lamp_now, &why), 0);
    assert_contains(why, "longer than 128 bytes");
}

static void an_offline_device_is_not_called(void **state)
{
    (void)state;
    cloud_gone(&cloud, 1);
    assert_int_equal(call(CLOUD_WAY_TOPIC, "thing/service/Blink", "Blink", "{}"), 0);
    assert_contains(why, "offline");
    assert_int_equal(cloud_call_bytes(&cloud, device(), "x", "", 0, lamp_now, &why), 0);
}

static void a_raw_answer_belongs_to_no_request(void **state)
{
    (void)state;
    assert_null(lamp_say(SYS "thing/model/down_raw_reply", "\0\xff", 2));
    assert_contains(cloud_log, "raw answer of " PK " dev001: 2 bytes");
}

static void the_last_64_requests_are_remembered(void **state)
{
    (void)state;
    uint32_t first = call(CLOUD_WAY_TOPIC, "thing/service/Blink", "Blink", "{}");
    for (int i = 1; i < CLOUD_CALLS_MAX; i++)
        call(CLOUD_WAY_TOPIC, "thing/service/Blink", "Blink", "{}");
    assert_non_null(cloud_call_find(&cloud, first));
    call(CLOUD_WAY_TOPIC, "thing/service/Blink", "Blink", "{}");
    assert_null(cloud_call_find(&cloud, first));
    assert_non_null(cloud_call_find(&cloud, first + 1));
    assert_null(cloud_call_find(&cloud, 0));
}

static void bytes_that_answer_bytes_have_no_id(void **state)
{
    (void)state;
    uint32_t id = call(CLOUD_WAY_TOPIC, "thing/service/property/set", NULL, "{}");
    cloud_publish(&cloud, 1, SYS "thing/model/down_raw_reply", "\xff", 1, 0);
    assert_contains(cloud_log, "raw answer of " PK " dev001: 1 bytes\n");
    assert_contains(came(id), "waits");
}

static void answers_of_other_devices_do_not_count(void **state)
{
    (void)state;
    uint32_t id = call(CLOUD_WAY_TOPIC, "thing/service/property/set", NULL, "{}");
    cloud_fake_connect(2, "dev002", 0);
    assert_false(cloud_may_publish(&cloud, 2, SYS "thing/service/property/set_reply", 1, 0));
    cloud.sessions[device()].ext = 1;
    cloud_call_bytes(&cloud, device(), "x", "", 0, lamp_now, &why);
    cloud_publish(&cloud, 2, "/ext/rrpc/1700000000000000002/x", "y", 1, 0);
    assert_contains(cloud_log,
                    "answer of " PK
                    " dev002 /ext/rrpc/1700000000000000002/x id '': nobody waits for it");
    assert_contains(came(id), "waits");
}

static void a_disabled_device_says_that_it_knows(void **state)
{
    (void)state;
    cloud_set_state(&cloud, device(), CLOUD_DISABLED, lamp_now);
    lamp_next();
    answer(SYS "thing/disable_reply", "{\"id\":\"1\",\"code\":200,\"data\":{}}");
    assert_contains(cloud_log,
                    "answer of " PK " dev001 " SYS "thing/disable_reply id '1': code 200");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAMP_TEST(a_set_is_sent_and_answered_as_in_the_reference),
        LAMP_TEST(a_service_is_called_in_three_ways),
        LAMP_TEST(a_wrong_answer_is_told_as_wrong),
        LAMP_TEST(an_answer_that_nobody_waits_for_is_noted),
        LAMP_TEST(the_wait_ends),
        LAMP_TEST(bytes_are_answered_by_bytes),
        LAMP_TEST(an_offline_device_is_not_called),
        LAMP_TEST(a_raw_answer_belongs_to_no_request),
        LAMP_TEST(the_last_64_requests_are_remembered),
        LAMP_TEST(bytes_that_answer_bytes_have_no_id),
        LAMP_TEST(answers_of_other_devices_do_not_count),
        LAMP_TEST(a_disabled_device_says_that_it_knows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

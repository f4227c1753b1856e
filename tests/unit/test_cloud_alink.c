/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud_lamp.h"

#define POST   "thing/event/property/post"
#define METHOD "\"method\":\"thing.event.property.post\""
#define PARAMS "\"params\":{\"LightSwitch\":1}"

static void expect(const char *message, int code, const char *words)
{
    lamp_expect_code(lamp_ask(POST, message), code, words);
}

static void the_post_of_the_reference_is_answered_as_there(void **state)
{
    (void)state;
    assert_string_equal(
        lamp_ask(
            POST,
            "{\"id\":\"1\",\"version\":\"1.0\",\"method\":\"thing.event.property.post\",\n"
            " \"params\":{\"LightSwitch\":1,\"RGBColor\":{\"R\":30,\"G\":50,\"B\":63},\"Temp\":"
            "{\"value\":21.5,\"time\":1700000000000}}}"),
        "{\"code\":200,\"data\":{},\"id\":\"1\",\"message\":\"success\",\"method\":\"thing.event."
        "property.post\",\"version\":\"1.0\"}");
    assert_contains(cloud_log, "answer to " PK " dev001 " POST " id '1': 200 success");
    assert_string_equal(lamp_known("exchanges"), "[{\"time\":1700000001000,\"topic\":\"" SYS POST
                                                 "\",\"id\":\"1\",\"code\":200}]");
}

static void what_is_no_envelope_is_refused(void **state)
{
    (void)state;
    expect("", 400, "\"id\":\"\",\"message\":\"not JSON: it is empty\"");
    expect("{\"id\":\"1\"", 400, "not JSON");
    expect("[1]", 400, "the message is no JSON object");
    expect("{\"id\":\"1\",\"id\":\"2\",\"version\":\"1.0\"," METHOD "," PARAMS "}", 400,
           "duplicate");
    expect("{\"id\":\"5\"," METHOD "," PARAMS "}", 460,
           "\"id\":\"5\",\"message\":\"version has to be");
    expect("{\"id\":\"5\",\"version\":1.0," METHOD "," PARAMS "}", 460, "version has to be");
    expect("{\"id\":\"5\",\"version\":\"1.1\"," METHOD "," PARAMS "}", 460, "version has to be");
    expect("{\"id\":\"5\",\"version\":\"1.0\"," PARAMS "}", 6300, "method is missing");
    expect("{\"id\":\"5\",\"version\":\"1.0\",\"method\":\"thing.reset\"," PARAMS "}", 460,
           "method has to be thing.event.property.post on this topic");
    expect("{\"id\":\"5\",\"version\":\"1.0\",\"method\":5," PARAMS "}", 460, "method has to be");
    expect("{\"id\":\"5\",\"version\":\"1.0\"," METHOD "}", 6304, "params is missing");
    expect("{\"id\":\"5\",\"version\":\"1.0\",\"params\":null," METHOD "}", 6302, "params is null");
    expect("{\"id\":\"5\",\"version\":\"1.0\",\"params\":[]," METHOD "}", 6207, "an object");
    expect("{\"id\":\"5\",\"version\":\"1.0\",\"params\":7," METHOD "}", 6207, "an object");
    assert_code("thing/deviceinfo/update", "{}", 6305, "params has to be an array");
    assert_code("thing/reset", "[]", 6305, "params has to be an object");
    assert_string_equal(lamp_known("properties"), "{}");
}

static void ids_are_texts_of_32_bits_or_such_numbers(void **state)
{
    static const struct {
        const char *id, *echo; /* NULL: refused */
    } rows[] = {
        {"\"0\"", "0"},
        {"\"4294967295\"", "4294967295"},
        {"4294967295", "4294967295"},
        {"0", "0"},
        {"\"0123\"", "0123"},
        {"\"4294967296\"", NULL},
        {"4294967296", NULL},
        {"\"\"", NULL},
        {"\"-1\"", NULL},
        {"-1", NULL},
        {"1.0", NULL},
        {"\"x1\"", NULL},
        {"\"00000000001\"", NULL},
        {"null", NULL},
        {"{}", NULL},
    };
    char message[256], words[64];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        snprintf(message, sizeof message, "{\"id\":%s,\"version\":\"1.0\"," METHOD "," PARAMS "}",
                 rows[i].id);
        snprintf(words, sizeof words, "\"id\":\"%s\"", rows[i].echo != NULL ? rows[i].echo : "");
        expect(message, rows[i].echo != NULL ? 200 : 460, words);
    }
    expect("{\"version\":\"1.0\"," METHOD "," PARAMS "}", 460, "id has to be");
}

static void nothing_is_answered_when_the_device_asks_for_that(void **state)
{
    static const char quiet[] =
        "{\"id\":\"1\",\"version\":\"1.0\",\"sys\":{\"ack\":0}," METHOD "," PARAMS "}";
    (void)state;
    assert_null(lamp_say(SYS POST, quiet, strlen(quiet)));
    assert_contains(cloud_log, "no answer to " PK " dev001 " POST " id '1': 200");
    assert_contains(lamp_known("properties"), "LightSwitch"); /* but taken */
    expect("{\"id\":\"1\",\"version\":\"1.0\",\"sys\":{\"ack\":1}," METHOD "," PARAMS "}", 200, "");
    expect("{\"id\":\"1\",\"version\":\"1.0\",\"sys\":{}," METHOD "," PARAMS "}", 200, "");
    expect("{\"id\":\"1\",\"version\":\"1.0\",\"sys\":{\"ack\":2}," METHOD "," PARAMS "}", 460,
           "sys");
    expect("{\"id\":\"1\",\"version\":\"1.0\",\"sys\":{\"ack\":\"0\"}," METHOD "," PARAMS "}", 460,
           "sys");
    expect("{\"id\":\"1\",\"version\":\"1.0\",\"sys\":0," METHOD "," PARAMS "}", 460, "sys");
}

static void hostile_messages_are_answered_and_forgotten(void **state)
{
    static char big[65536 + 64];
    (void)state;
    memset(big, '[', 20000);
    big[20000] = 0;
    expect(big, 400, "not JSON");
    size_t n = (size_t)snprintf(
        big, sizeof big, "{\"id\":\"9\",\"version\":\"1.0\"," METHOD ",\"params\":{\"Name\":\"");
    memset(big + n, 'n', 65536 - n - 3);
    snprintf(big + 65533, 4, "\"}}");
    expect(big, 200, "dropped: Name (6310: ");
    n = (size_t)snprintf(big, sizeof big,
                         "{\"id\":\"9\",\"version\":\"1.0\"," METHOD ",\"params\":{\"");
    for (; n < 65000; n += 2)
        memcpy(big + n, "\xc3\xa4", 2); /* a cut must not fall within a letter */
    snprintf(big + n, 8, "\":1}}");
    expect(big, 200, "dropped: \xc3\xa4");
}

static void answers_go_to_who_subscribed_or_straight_to_who_asked_for_that(void **state)
{
    char id[128];
    (void)state;
    struct cloud_login login = cloud_fake_login(1, "dev001");
    snprintf(id, sizeof id, PK ".dev001|securemode=2,signmethod=hmacsha256,_ss=1|");
    login.client_id = id;
    assert_int_equal(cloud_publish(&cloud, 1, SYS POST, "{}", 2, 0), CLOUD_TAKEN);
    assert_int_equal(cloud_next(&cloud)->kind, CLOUD_OUT_PUBLISH);
    assert_int_equal(cloud_fake_judge(&login, 0).answer, CLOUD_ACCEPT);
    assert_int_equal(cloud_publish(&cloud, 1, SYS POST, "{}", 2, 0), CLOUD_TAKEN);
    assert_int_equal(cloud_next(&cloud)->kind, CLOUD_OUT_DIRECT);
}

static void time_is_told_to_who_says_when_he_asked(void **state)
{
    static const char topic[] = "/ext/ntp/" PK "/dev001/request";
    static const char *const bad[] = {"",
                                      "{}",
                                      "{\"deviceSendTime\":-1}",
                                      "{\"deviceSendTime\":\"x\"}",
                                      "{\"deviceSendTime\":1.5}",
                                      "[]"};
    (void)state;
    lamp_now = 110;
    assert_string_equal(
        lamp_say(topic, "{\"deviceSendTime\":\"1700000000000\"}", 34),
        "{\"deviceSendTime\":\"1700000000000\",\"serverRecvTime\":\"1700000000110\","
        "\"serverSendTime\":\"1700000000110\"}");
    assert_string_equal(lamp_topic, "/ext/ntp/" PK "/dev001/response");
    assert_contains(lamp_say(topic, "{\"deviceSendTime\":1234}", 23),
                    "\"deviceSendTime\":\"1234\"");
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_null(lamp_say(topic, bad[i], strlen(bad[i])));
    assert_contains(cloud_log, "deviceSendTime has to be a number or its digits");
}

static void an_option_chooses_the_code_and_then_nothing_is_done(void **state)
{
    char why[256];
    (void)state;
    assert_true(cloud_book_option(&cloud.book.rules, "reply-code", "property/post 500", why, 256));
    expect("{\"id\":\"1\",\"version\":\"1.0\"," METHOD "," PARAMS "}", 500, "by an option");
    assert_string_equal(lamp_known("properties"), "{}");
    assert_code("thing/event/Error/post", "{\"ErrorCode\":1}", 200, "success");
    assert_true(cloud_book_option(&cloud.book.rules, "reply-code", "property/post 0", why, 256));
    expect("{\"id\":\"1\",\"version\":\"1.0\"," METHOD "," PARAMS "}", 200, "success");
}

static void topics_that_nobody_serves_are_only_noted(void **state)
{
    (void)state;
    assert_null(lamp_say("/ota/device/inform/" PK "/dev001", "{}", 2));
    assert_null(lamp_say(SYS "thing/job/get", "{}", 2));
}

/* One or a few bytes of good messages are changed, doubled or lost, on any topic: what comes back is JSON. */
static void spoilt_messages_do_no_harm(void **state)
{
    static const char *const topics[] = {
        SYS POST,
        SYS "thing/event/Error/post",
        SYS "thing/event/property/history/post",
        SYS "thing/event/property/batch/post",
        SYS "thing/property/desired/get",
        SYS "thing/property/desired/delete",
        SYS "thing/deviceinfo/update",
        SYS "thing/deviceinfo/delete",
        SYS "thing/dynamicTsl/get",
        SYS "thing/log/post",
        SYS "_thing/diag/post",
        SYS "thing/config/get",
        SYS "thing/service/Blink_reply",
        "/shadow/update/" PK "/dev001",
        "/ext/ntp/" PK "/dev001/request",
    };
    static const char *const messages[] = {
        "{\"id\":\"1\",\"version\":\"1.0\"," METHOD
        ",\"params\":{\"LightSwitch\":1,\"RGBColor\":{\"R\":30},\"Temp\":"
        "{\"value\":21.5,\"time\":1700000000000},\"Scenes\":[{\"Id\":1,\"Label\":\"\\u00e4\"}]}}",
        "{\"id\":1,\"version\":\"1.0\",\"method\":\"thing.deviceinfo.update\",\"params\":[{"
        "\"attrKey\":\"site\","
        "\"attrValue\":\"hall\"}]}",
        "{\"id\":\"1\",\"version\":\"1.0\",\"method\":\"thing.event.property.history.post\","
        "\"params\":[{\"identity\":{"
        "\"productKey\":\"" PK
        "\",\"deviceName\":\"dev001\"},\"properties\":[{\"Temp\":{\"value\":20,\"time\":"
        "1700000000000}}],\"events\":[{\"Error\":{\"value\":{\"ErrorCode\":3},\"time\":"
        "1700000030000}}]}]}",
        "{\"id\":\"1\",\"version\":\"1.0\",\"method\":\"thing.property.desired.delete\",\"params\":"
        "{\"Mode\":{\"version\":2}}}",
        "{\"method\":\"update\",\"state\":{\"reported\":{\"color\":\"red\",\"x\":null},\"desired\":"
        "\"null\"},\"version\":1,"
        "\"clientToken\":\"t\"}",
        "{\"method\":\"delete\",\"state\":{\"reported\":{\"color\":\"null\"}},\"version\":-1}",
        "{\"id\":\"1\",\"code\":200,\"data\":{\"Done\":3}}",
        "{\"deviceSendTime\":\"1700000000000\"}",
    };
    char text[1024], why[200];
    uint32_t seed = test_seed();
    (void)state;
    for (int i = 0; i < 20000; i++) {
        const char *topic = topics[test_random(&seed, COUNT(topics))];
        size_t len = (size_t)snprintf(text, sizeof text, "%s",
                                      messages[test_random(&seed, COUNT(messages))]);
        for (uint32_t n = test_random(&seed, 4); n > 0 && len > 1; n--) {
            size_t at = test_random(&seed, (uint32_t)len);
            uint32_t kind = test_random(&seed, 3);
            if (kind == 0)
                text[at] = (char)test_random(&seed, 256);
            else if (kind == 1)
                memmove(text + at, text + at + 1, --len - at);
            else if (len < sizeof text / 2) {
                memmove(text + len, text + at, len - at);
                len += len - at;
            }
        }
        cloud_log[0] = 0;
        cloud_publish(&cloud, 1, topic,
                      guarded((struct iot_bytes){(uint8_t *)text, (uint32_t)len}).ptr, len,
                      lamp_now);
        for (const struct cloud_output *o; (o = cloud_next(&cloud)) != NULL;) {
            json_t *said = cloud_json_read(o->payload, o->payload_len, why, sizeof why);
            if (!json_is_object(said))
                fail_msg("%s: %s", why, o->payload);
            json_decref(said);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAMP_TEST(the_post_of_the_reference_is_answered_as_there),
        LAMP_TEST(what_is_no_envelope_is_refused),
        LAMP_TEST(ids_are_texts_of_32_bits_or_such_numbers),
        LAMP_TEST(nothing_is_answered_when_the_device_asks_for_that),
        LAMP_TEST(hostile_messages_are_answered_and_forgotten),
        LAMP_TEST(answers_go_to_who_subscribed_or_straight_to_who_asked_for_that),
        LAMP_TEST(time_is_told_to_who_says_when_he_asked),
        LAMP_TEST(an_option_chooses_the_code_and_then_nothing_is_done),
        LAMP_TEST(topics_that_nobody_serves_are_only_noted),
        LAMP_TEST(spoilt_messages_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

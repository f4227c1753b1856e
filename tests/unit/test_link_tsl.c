/* SPDX-License-Identifier: Apache-2.0 */
/* The TSL: its bytes reach the sink, whole and in order, however the message is cut and however its members are ordered;
 * and only the answer to the request ends it. */
#include "alink_device.h"

#include "link/iot_link_alink.h"

#define TSL                                                                                        \
    "{\"schema\":\"https:\\/\\/"                                                                   \
    "x\",\"a\":[1,{\"id\":\"7\",\"code\":1}],\"s\":\"\\\"}]\\\\\",\"data\":{}}"

static const struct iot_port port = {.random = even_bytes};
static char got[65536];
static uint32_t got_len, calls, declines;
static iot_err sink_says;
static const char reply_topic[] = SYS "thing/dsltemplate/get_reply";

static iot_err sink(void *ctx, struct iot_device *d, uint32_t offset, struct iot_bytes part)
{
    assert_ptr_equal(ctx, &got);
    assert_ptr_equal(d, &dev);
    assert_int_not_equal(part.len, 0);
    calls++;
    if (declines != 0) {
        declines--;
        return IOT_ERR_AGAIN;
    }
    if (sink_says != IOT_OK)
        return sink_says;
    assert_true(offset == 0 || offset == got_len);
    assert_true(offset + part.len < sizeof got);
    memcpy(got + offset, part.ptr, part.len);
    got_len = offset + part.len;
    got[got_len] = 0;
    return IOT_OK;
}

static int setup(void **state)
{
    (void)state;
    alink_setup(&port);
    alink_begin();
    got_len = calls = declines = 0;
    got[0] = 0;
    sink_says = IOT_OK;
    return 0;
}

static void ask(void)
{
    assert_err(iot_tsl_get(&dev, false, sink, &got, NULL), IOT_OK);
    published();
}

/* As MQTT hands parts on. */
static iot_err part(const char *text, uint32_t from, uint32_t to)
{
    struct iot_msg msg = {.topic = {reply_topic, sizeof reply_topic - 1, 0},
                          .payload =
                              guarded((struct iot_bytes){(const uint8_t *)text + from, to - from}),
                          .offset = from,
                          .total = (uint32_t)strlen(text)};

    return iot_link_take_tsl(&dev.alink, &msg, (struct iot_bytes){NULL, 0});
}

static void it_is_asked_for_whole_or_reduced_once_at_a_time(void **state)
{
    (void)state;

    assert_err(iot_tsl_get(&dev, false, NULL, NULL, NULL), IOT_ERR_ARG);
    assert_err(iot_tsl_get(&dev, false, sink, &got, NULL), IOT_OK);
    assert_published(
        "0 " SYS "thing/dsltemplate/get "
        "{\"id\":\"1\",\"version\":\"1.0\",\"method\":\"thing.dsltemplate.get\",\"params\":{}}\n");
    assert_err(iot_tsl_get(&dev, true, sink, &got, NULL), IOT_ERR_FULL);
    feed_reply("thing/dsltemplate/get", 1, 200, TSL);
    assert_string_equal(got, TSL);
    assert_told("REPLY 1 OK 200 \n");
    assert_err(iot_tsl_get(&dev, true, sink, &got, NULL), IOT_OK);
    assert_published(
        "0 " SYS "thing/dynamicTsl/get "
        "{\"id\":\"2\",\"version\":\"1.0\",\"method\":\"thing.dynamicTsl.get\",\"params\":"
        "{\"nodes\":[\"type\",\"identifier\"],\"addDefault\":false}}\n");
    feed_reply("thing/dsltemplate/get", 2, 200, "{}"); /* not what was asked */
    assert_told("SKIPPED LINK_REPLY\n");
    feed_reply("thing/dynamicTsl/get", 2, 200, "{\"x\":1}");
    feed_reply("thing/dynamicTsl/get", 2, 200, "{\"x\":1}"); /* doubled */
    assert_told("REPLY 2 OK 200 \nSKIPPED LINK_REPLY\n");
    assert_string_equal(got, "{\"x\":1}");
}

static void it_is_the_same_at_every_cut_and_in_every_order(void **state)
{
    static const char *const all[] = {
        "{\"id\":\"1\",\"code\":200,\"data\":" TSL ",\"message\":\"m\",\"version\":\"1.0\"}",
        "{\"data\":" TSL ",\"code\":200,\"id\":1}",
        " {\t\"code\" : 200 ,\r\n\"data\" : " TSL " , \"id\" : \"1\" } \n",
        "{\"code\":\"200\",\"i\\\"d\":5,\"identity\":9,\"dat\":[],\"datas\":{},\"x\":{\"data\":[\"}"
        "\"]},\"data\":" TSL ",\"data\":3,\"id\":1,\"id\":2}",
    };
    (void)state;

    for (uint32_t i = 0; i < COUNT(all); i++) {
        uint32_t len = (uint32_t)strlen(all[i]);
        for (uint32_t first = 1; first <= len; first++) {
            for (uint32_t second = first; second <= len; second += second == first ? 1 : 7) {
                setup(NULL);
                ask();
                assert_err(part(all[i], 0, first), IOT_OK);
                if (second != first)
                    assert_err(part(all[i], first, second), IOT_OK);
                if (second != len)
                    assert_err(part(all[i], second, len), IOT_OK);
                assert_string_equal(got, TSL);
                assert_told("REPLY 1 OK 200 \n");
            }
        }
        setup(NULL);
        ask();
        for (uint32_t at = 0; at < len; at++)
            assert_err(part(all[i], at, at + 1), IOT_OK);
        assert_string_equal(got, TSL);
        assert_told("REPLY 1 OK 200 \n");
    }
}

static void a_value_that_is_no_object_is_handed_on_as_well(void **state)
{
    static const char *const values[] = {"null", "12", "\"a\\\"b\"", "[]"};
    char text[128];
    (void)state;

    for (uint32_t i = 0; i < COUNT(values); i++) {
        setup(NULL);
        ask();
        snprintf(text, sizeof text, "{\"data\":%s,\"id\":1,\"code\":200}", values[i]);
        for (uint32_t at = 0; at < strlen(text); at++)
            part(text, at, at + 1);
        assert_string_equal(got, values[i]);
        assert_told("REPLY 1 OK 200 \n");
    }
}

static void other_codes_end_it_and_other_ids_do_not(void **state)
{
    (void)state;

    ask();
    feed_reply("thing/dsltemplate/get", 7, 200, TSL);
    assert_told("SKIPPED LINK_REPLY\n");
    feed(reply_topic, "{\"id\":\"7\",\"code\":200,\"data\":" TSL "}");
    assert_told("SKIPPED LINK_REPLY\n");
    assert_int_equal(calls, 0); /* it was known in time */
    feed(reply_topic, "{\"id\":\"1\",\"code\":6100,\"data\":{}}");
    assert_told("REPLY 1 LINK_CODE 6100 \n");
    assert_int_equal(calls, 0);
    ask();
    feed(reply_topic, "{\"code\":460,\"id\":\"2\"}");
    assert_told("REPLY 2 LINK_CODE 460 \n");
}

static void what_is_no_reply_is_dropped_by_name_and_still_waited_for(void **state)
{
    static const char *const bad[][2] = {
        {"", "SYNTAX"},
        {"[]", "SYNTAX"},
        {"{\"id\":\"1\",\"code\":200,\"data\":{}", "SYNTAX"},
        {"{\"id\":\"1\",\"code\":200,\"data\":{}}}", "SYNTAX"},
        {"{\"id\":\"1\",\"code\":200,\"data\":{}} x", "SYNTAX"},
        {"{\"id\":\"1\" \"code\":200}", "SYNTAX"},
        {"{\"id\":\"1\",,\"code\":200}", "SYNTAX"},
        {"{\"id\":\"1\",\"code\":}", "SYNTAX"},
        {"{\"id\":\"1\",\"code\":200,}", "SYNTAX"},
        {"{\"id\":\"x\",\"code\":200}", "SYNTAX"},
        {"{\"id\":4294967296,\"code\":200}", "SYNTAX"},
        {"{\"id\":1,\"code\":-1}", "SYNTAX"},
        {"{\"id\":1,\"code\":[200]}", "SYNTAX"},
        {"{\"id\":1,\"code\":2.0e2}", "SYNTAX"},
        {"{id:1}", "SYNTAX"},
        {"{}", "MISSING"},
        {"{\"code\":200}", "MISSING"},
        {"{\"id\":\"1\",\"data\":{}}", "MISSING"},
    };
    char text[400];
    (void)state;

    ask();
    for (uint32_t i = 0; i < COUNT(bad); i++) {
        if (bad[i][0][0] != 0)
            feed(reply_topic, bad[i][0]);
        else
            feed(reply_topic, " ");
        snprintf(text, sizeof text, "SKIPPED JSON_%s\n", bad[i][1]);
        assert_string_equal(heard(), text);
    }
    strcpy(text, "{\"data\":");
    memset(text + 8, '[', 101);
    memset(text + 109, ']', 101);
    strcpy(text + 210, ",\"id\":1,\"code\":200}");
    feed(reply_topic, text);
    assert_told("SKIPPED JSON_SYNTAX\n"); /* too deep */
    feed_reply("thing/dsltemplate/get", 1, 200, TSL);
    assert_told("REPLY 1 OK 200 \n");
}

static void random_bytes_change_nothing_but_the_scan(void **state)
{
    static const char letters[] = "{}[]\":,\\ 0129idcoeat-\n";
    uint32_t seed = 1;
    char text[64];
    (void)state;

    ask();
    for (uint32_t round = 0; round < 20000; round++) {
        for (uint32_t i = 0; i < sizeof text - 1; i++) {
            seed = seed * 1664525u + 1013904223u;
            text[i] = letters[(seed >> 16) % (sizeof letters - 1)];
        }
        text[sizeof text - 1] = 0;
        memcpy(text, "{\"data\":", round % 2 ? 8 : 1);
        got_len = 0;
        part(text, 0, 20);
        part(text, 20, sizeof text - 1);
        heard();
    }
}

static void a_sink_that_declines_gets_the_same_again(void **state)
{
    (void)state;

    ask();
    declines = 2;
    feed_reply("thing/dsltemplate/get", 1, 200, TSL);
    run(1000);
    assert_string_equal(got, TSL);
    assert_int_equal(calls, 3);
    assert_told("REPLY 1 OK 200 \n");
}

static void a_sink_that_fails_ends_it(void **state)
{
    const char *text = "{\"id\":1,\"code\":200,\"data\":" TSL "}";
    (void)state;

    ask();
    sink_says = IOT_ERR_SIZE;
    part(text, 0, 40);
    assert_told("FAILED 1 SIZE\n");
    part(text, 40, (uint32_t)strlen(text));
    assert_told("");
    assert_int_equal(calls, 1);
}

static void time_out_and_close_end_it_and_progress_delays_the_time_out(void **state)
{
    const char *text = "{\"id\":1,\"code\":200,\"data\":" TSL "}";
    (void)state;

    ask();
    for (uint32_t i = 0; i < 5; i++) {
        run(IOT_REQUEST_MS - 100);
        dev.wake = true; /* they come in a tick */
        run(0);
        part(text, i * 10, i * 10 + 10);
    }
    assert_told("");
    run(IOT_REQUEST_MS + 100);
    assert_told("FAILED 1 LINK_TIMEOUT\n");
    part(text, 50, (uint32_t)strlen(text)); /* late */
    part(text, 0, (uint32_t)strlen(text));
    assert_told("SKIPPED LINK_REPLY\nSKIPPED LINK_REPLY\n");
    ask();
    iot_device_close(&dev, 100);
    run(5000);
    assert_told("FAILED 2 CLOSED\nCLOSED\n");
}

static void a_message_that_breaks_off_begins_anew(void **state)
{
    const char *text = "{\"id\":1,\"code\":200,\"data\":" TSL "}";
    (void)state;

    ask();
    part(text, 0, 60);
    assert_true(got_len > 0);
    part(text, 70, 80); /* nothing that follows */
    part(text, 0, 30);
    part(text, 30, (uint32_t)strlen(text));
    assert_string_equal(got, TSL);
    assert_told("REPLY 1 OK 200 \n");
}

static void one_of_many_windows_comes_through_a_small_one(void **state)
{
    static char payload[20000];
    static char data[16000];
    struct wire *w = &in;
    uint32_t at = 0;
    (void)state;

    ask();
    data[at++] = '[';
    while (at < sizeof data - 32)
        at += (uint32_t)snprintf(data + at, 32, "{\"n\":%u},", at);
    data[at - 1] = ']';
    data[at] = 0;
    uint32_t n = (uint32_t)snprintf(payload, sizeof payload,
                                    "{\"code\":200,\"data\":%s,\"id\":\"1\"}", data);
    wire_publish(w, 0, reply_topic, 0, payload, n);
    stub.read_max = 333;
    receive();
    run(100);
    assert_string_equal(got, data);
    assert_told("REPLY 1 OK 200 \n");
    assert_true(calls > 10);
    wire_publish(w, 0, reply_topic, 0, payload, n); /* nobody waits: told once */
    receive();
    run(100);
    assert_told("SKIPPED LINK_REPLY\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_is_asked_for_whole_or_reduced_once_at_a_time, setup),
        cmocka_unit_test(it_is_the_same_at_every_cut_and_in_every_order),
        cmocka_unit_test(a_value_that_is_no_object_is_handed_on_as_well),
        cmocka_unit_test_setup(other_codes_end_it_and_other_ids_do_not, setup),
        cmocka_unit_test_setup(what_is_no_reply_is_dropped_by_name_and_still_waited_for, setup),
        cmocka_unit_test_setup(random_bytes_change_nothing_but_the_scan, setup),
        cmocka_unit_test_setup(a_sink_that_declines_gets_the_same_again, setup),
        cmocka_unit_test_setup(a_sink_that_fails_ends_it, setup),
        cmocka_unit_test_setup(time_out_and_close_end_it_and_progress_delays_the_time_out, setup),
        cmocka_unit_test_setup(a_message_that_breaks_off_begins_anew, setup),
        cmocka_unit_test_setup(one_of_many_windows_comes_through_a_small_one, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

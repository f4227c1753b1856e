/* SPDX-License-Identifier: Apache-2.0 */
/* Requests with their replies, the envelope, and the ends that each request has: over a line that remembers. */
#include "test.h"

#include "alink_line.h"

#define ME "/sys/a1B2c3D4e5F/dev001/"

static const struct iot_link_identity me = {.product_key = "a1B2c3D4e5F", .device_name = "dev001"};

static int setup(void **state)
{
    (void)state;
    line_setup(&me);
    iot_alink_tick(&line.alink, 0xfffffff0u); /* soon past 2^32 ms */
    return 0;
}

static iot_err ask(const char *method, uint32_t flags, const char *params, iot_ticket *ticket)
{
    struct iot_bytes bytes = {(const uint8_t *)params, (uint32_t)strlen(params)};
    return iot_alink_request(DEV, method, flags, bytes, ticket);
}

static void expect_post(iot_ticket *ticket)
{
    assert_err(ask("thing/event/property/post", 0, "{}", ticket), IOT_OK);
    iot_alink_tick(&line.alink, line.alink.now);
}

static void pass(uint32_t ms)
{
    iot_alink_tick(&line.alink, line.alink.now + ms);
    iot_alink_expire(&line.alink, line.alink.now, false);
}

/* ---- Requests ------------------------------------------------------------------------------ */

static void a_request_is_an_envelope_on_its_topic(void **state)
{
    iot_ticket ticket = 0;
    (void)state;
    line.ticket = 123;
    assert_err(ask("thing/event/property/post", 0, "{\"LightSwitch\":1}", &ticket), IOT_OK);
    assert_int_equal(ticket, 123);
    assert_string_equal(line.topic, ME "thing/event/property/post");
    assert_string_equal(line.payload,
                        "{\"id\":\"123\",\"version\":\"1.0\",\"method\":"
                        "\"thing.event.property.post\",\"params\":{\"LightSwitch\":1}}");
    assert_int_equal(line.qos, 0);
}

static void without_a_reply_the_platform_is_told_so_and_nobody_waits(void **state)
{
    (void)state;
    assert_err(ask("thing/deviceinfo/update", IOT_ASK_NO_REPLY | IOT_ASK_QOS_1, "[]", NULL),
               IOT_OK);
    assert_string_equal(line.payload,
                        "{\"id\":\"1\",\"version\":\"1.0\",\"sys\":{\"ack\":0},\"method\":"
                        "\"thing.deviceinfo.update\",\"params\":[]}");
    assert_int_equal(line.qos, 1);
    assert_true(iot_alink_idle(&line.alink));
    assert_true(iot_alink_deadline(&line.alink) == IOT_TIME_NEVER);
    struct iot_event done = {.kind = IOT_EV_DONE, .ticket = 1};
    assert_true(iot_alink_event(&line.alink, &done)); /* its end is the application's */
}

static void the_largest_envelope_has_its_room(void **state)
{
    struct iot_writer w;
    (void)state;
    line.ticket = 4294967295u;
    assert_err(iot_alink_begin(DEV, "thing/event/property/history/post", IOT_ASK_NO_REPLY, 10, &w),
               IOT_OK);
    iot_writer_text(&w, "0123456789");
    assert_err(iot_alink_commit(&w, NULL), IOT_OK);
    assert_non_null(strstr(line.payload, ":0123456789}"));
}

static void what_overflows_its_room_is_not_sent(void **state)
{
    struct iot_writer w;
    (void)state;
    assert_err(iot_alink_begin(DEV, "thing/reset", 0, 2, &w), IOT_OK);
    for (int i = 0; i < 30; i++)
        iot_writer_text(&w, "0123456789");
    assert_err(iot_alink_commit(&w, NULL), IOT_ERR_SIZE);
    assert_int_equal(line.sent, 0);
    assert_true(iot_alink_idle(&line.alink));
    assert_err(iot_alink_commit(&w, NULL), IOT_ERR_STATE); /* closed in every case */
}

static void a_topic_of_128_bytes_is_sent_and_a_longer_one_refused(void **state)
{
    char method[160];
    size_t room = 128 - strlen(ME);
    (void)state;
    memset(method, 'm', sizeof method);
    method[room] = 0;
    assert_err(ask(method, 0, "{}", NULL), IOT_OK);
    assert_int_equal(strlen(line.topic), 128);
    method[room] = 'm';
    method[room + 1] = 0;
    assert_err(ask(method, 0, "{}", NULL), IOT_ERR_SIZE);
    assert_int_equal(line.sent, 1);
}

static void who_has_no_names_asks_nothing(void **state)
{
    static const struct iot_link_identity nobody = {.x509 = true};
    (void)state;
    line_setup(&nobody);
    assert_err(ask("thing/reset", 0, "{}", NULL), IOT_ERR_ARG);
    line_setup(NULL);
    assert_err(ask("thing/reset", 0, "{}", NULL), IOT_ERR_ARG);
    assert_err(line_hear_text(ME "thing/reset_reply", "{}"), IOT_ERR_STATE);
}

static void one_request_more_than_can_wait_is_refused_before_anything_is_written(void **state)
{
    iot_ticket last = 0;
    (void)state;
    for (int i = 0; i < IOT_REQUESTS_MAX; i++)
        expect_post(&last);
    uint32_t begins = line.begins;
    assert_err(ask("thing/reset", 0, "{}", NULL), IOT_ERR_FULL);
    assert_int_equal(line.begins, begins);
    assert_err(ask("thing/reset", IOT_ASK_NO_REPLY, "{}", NULL), IOT_OK); /* takes no place */
    assert_err(line_hear_text(ME "thing/event/property/post_reply",
                              "{\"id\":\"1\",\"code\":200,\"data\":{}}"),
               IOT_OK);
    assert_err(ask("thing/reset", 0, "{}", NULL), IOT_OK);
}

static void a_line_that_is_full_leaves_everything_as_it_was(void **state)
{
    (void)state;
    line.begin_says = IOT_ERR_FULL;
    assert_err(ask("thing/reset", 0, "{}", NULL), IOT_ERR_FULL);
    line.begin_says = IOT_OK;
    line.commit_says = IOT_ERR_AGAIN;
    assert_err(ask("thing/reset", 0, "{}", NULL), IOT_ERR_AGAIN);
    assert_true(iot_alink_idle(&line.alink));
}

/* ---- Replies ------------------------------------------------------------------------------- */

static void a_reply_ends_its_request_once(void **state)
{
    iot_ticket ticket;
    (void)state;
    expect_post(&ticket);
    assert_false(iot_alink_idle(&line.alink));
    struct iot_event done = {.kind = IOT_EV_DONE, .ticket = ticket};
    assert_false(iot_alink_event(&line.alink, &done)); /* delivered is not answered */
    static const char reply[] =
        "{\"code\":200,\"data\":{\"a\":1},\"id\":\"1\",\"message\":\"success\","
        "\"method\":\"thing.event.property.post\",\"version\":\"1.0\"}";
    assert_err(line_hear_text(ME "thing/event/property/post_reply", reply), IOT_OK);
    assert_string_equal(line_told(), "reply(1,200,{\"a\":1})");
    assert_true(iot_alink_idle(&line.alink));
    assert_err(line_hear_text(ME "thing/event/property/post_reply", reply), IOT_OK);
    assert_string_equal(line_told(), "skipped(LINK_REPLY)");
    pass(IOT_REQUEST_MS * 2);
    assert_string_equal(line_told(), "");
}

/* A time-out while the message waits, or a reply ahead of PUBACK: its DONE or FAILED must not come as a second end. */
static void the_message_of_a_request_that_is_over_is_hushed(void **state)
{
    iot_ticket first, second;
    (void)state;
    expect_post(&first);
    assert_int_equal(line.hushed, 0);
    pass(IOT_REQUEST_MS);
    assert_string_equal(line_told(), "failed(1,LINK_TIMEOUT)");
    assert_int_equal(line.hushed, first);
    expect_post(&second);
    assert_err(line_hear_text(ME "thing/event/property/post_reply",
                              "{\"id\":\"2\",\"code\":200,\"data\":{}}"),
               IOT_OK);
    assert_int_equal(line.hushed, second);
}

static void a_refusal_is_a_reply_with_its_code(void **state)
{
    (void)state;
    expect_post(NULL);
    assert_err(line_hear_text(ME "thing/event/property/post_reply",
                              "{\"id\":1,\"code\":6207,\"message\":\"no\"}"),
               IOT_OK); /* ids come as numbers, too */
    assert_string_equal(line_told(), "reply(1,6207,)");
}

static void replies_find_their_requests_in_any_order(void **state)
{
    (void)state;
    assert_err(ask("thing/reset", 0, "{}", NULL), IOT_OK);
    expect_post(NULL);
    assert_err(line_hear_text(ME "thing/event/property/post_reply", "{\"id\":\"2\",\"code\":200}"),
               IOT_OK);
    assert_err(line_hear_text(ME "thing/reset_reply", "{\"id\":\"1\",\"code\":200}"), IOT_OK);
    assert_string_equal(line_told(), "reply(2,200,) reply(1,200,)");
}

static void a_reply_on_another_topic_is_not_this_ones(void **state)
{
    (void)state;
    expect_post(NULL);
    assert_err(line_hear_text(ME "thing/reset_reply", "{\"id\":\"1\",\"code\":200}"), IOT_OK);
    assert_string_equal(line_told(), "skipped(LINK_REPLY)");
    assert_false(iot_alink_idle(&line.alink));
}

static void a_reply_to_somebody_else_is_nobodys(void **state)
{
    (void)state;
    expect_post(NULL);
    static const char *const topics[] = {
        "/sys/a1B2c3D4e5F/dev002/thing/event/property/post_reply",
        "/sys/a1B2c3D4e5F/dev0012/thing/event/property/post_reply",
        "/sys/a1B2c3D4e5/dev001/thing/event/property/post_reply",
        "/sys/a1B2c3D4e5F/dev001",
        "/sys/a1B2c3D4e5F/dev001_reply",
        "/sys/",
        "/sys",
        "/",
        "_reply",
        "sys/a1B2c3D4e5F/dev001/x_reply",
        "/ext/a1B2c3D4e5F/dev001/x_reply",
    };
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
        assert_err(line_hear_text(topics[i], "{\"id\":\"1\",\"code\":200}"), IOT_ERR_STATE);
    assert_string_equal(line_told(), "");
}

static void a_reply_that_is_none_is_dropped_by_name_and_the_request_waits_on(void **state)
{
    static const struct {
        const char *payload, *name;
    } cases[] = {
        {"", "JSON_SYNTAX"},
        {"{", "JSON_SYNTAX"},
        {"[]", "JSON_MISSING"},
        {"1", "JSON_MISSING"},
        {"{}", "JSON_MISSING"},
        {"{\"id\":\"1\"}", "JSON_MISSING"},
        {"{\"code\":200}", "JSON_MISSING"},
        {"{\"id\":\"1\",\"code\":\"200\"}", "JSON_TYPE"},
        {"{\"id\":\"1\",\"code\":4294967296}", "JSON_RANGE"},
        {"{\"id\":\"x\",\"code\":200}", "JSON_TYPE"},
        {"{\"id\":\"\",\"code\":200}", "JSON_TYPE"},
        {"{\"id\":null,\"code\":200}", "JSON_TYPE"},
        {"{\"id\":{},\"code\":200}", "JSON_TYPE"},
        {"{\"id\":-1,\"code\":200}", "JSON_RANGE"},
        {"{\"id\":4294967296,\"code\":200}", "JSON_RANGE"},
        {"{\"id\":\"0\",\"code\":200}", "LINK_REPLY"},
        {"{\"id\":\"2\",\"code\":200}", "LINK_REPLY"},
        {"{\"id\":\"1\",\"code\":200}x", "JSON_SYNTAX"},
    };
    (void)state;
    expect_post(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char told[64];
        assert_err(line_hear_text(ME "thing/event/property/post_reply", cases[i].payload), IOT_OK);
        snprintf(told, sizeof told, "skipped(%s)", cases[i].name);
        assert_string_equal(line_told(), told);
    }
    assert_false(iot_alink_idle(&line.alink));
    assert_err(line_hear_text(ME "thing/event/property/post_reply", "{\"id\":\"1\",\"code\":200}"),
               IOT_OK);
    assert_string_equal(line_told(), "reply(1,200,)");
}

/* ---- Ends without a reply ------------------------------------------------------------------ */

static void without_a_reply_it_ends_by_name_at_its_deadline_and_not_before(void **state)
{
    (void)state;
    assert_err(ask("thing/reset", 0, "{}", NULL), IOT_OK);
    assert_true(iot_alink_deadline(&line.alink) == 0); /* a tick has to say what time it is */
    pass(5000);                                        /* the caller had slept: time begins here */
    assert_true(iot_alink_deadline(&line.alink) == line.alink.now + IOT_REQUEST_MS);
    pass(IOT_REQUEST_MS - 1);
    assert_string_equal(line_told(), "");
    assert_true(iot_alink_deadline(&line.alink) == line.alink.now + 1);
    iot_alink_tick(&line.alink, line.alink.now + 1);
    iot_alink_expire(&line.alink, line.alink.now, true); /* its reply may wait to be read */
    assert_string_equal(line_told(), "");
    assert_true(iot_alink_deadline(&line.alink) == line.alink.now + IOT_REQUEST_MS);
    pass(0); /* all is read, and it was not there */
    assert_string_equal(line_told(), "failed(1,LINK_TIMEOUT)");
    assert_true(iot_alink_idle(&line.alink));
    assert_err(line_hear_text(ME "thing/reset_reply", "{\"id\":\"1\",\"code\":200}"), IOT_OK);
    assert_string_equal(line_told(), "skipped(LINK_REPLY)"); /* late */
}

static void what_is_unread_doubles_the_patience_and_no_more(void **state)
{
    (void)state;
    expect_post(NULL);
    for (uint32_t ms = 0; ms < 2 * IOT_REQUEST_MS; ms += 100) {
        iot_alink_expire(&line.alink, line.alink.now, true);
        assert_string_equal(line_told(), "");
        iot_alink_tick(&line.alink, line.alink.now + 100);
    }
    iot_alink_expire(&line.alink, line.alink.now, true);
    assert_string_equal(line_told(), "failed(1,LINK_TIMEOUT)");
}

static void a_message_that_fails_ends_its_request(void **state)
{
    iot_ticket ticket;
    (void)state;
    expect_post(&ticket);
    struct iot_event failed = {.kind = IOT_EV_FAILED, .ticket = ticket, .err = IOT_ERR_UNKNOWN};
    assert_false(iot_alink_event(&line.alink, &failed));
    assert_string_equal(line_told(), "failed(1,UNKNOWN)");
    pass(IOT_REQUEST_MS);
    assert_string_equal(line_told(), "");
    failed.ticket = 77;
    assert_true(iot_alink_event(&line.alink, &failed)); /* not a request */
}

static void closing_ends_every_request_before_it_is_closed(void **state)
{
    struct iot_event closed = {.kind = IOT_EV_CLOSED};
    (void)state;
    expect_post(NULL);
    expect_post(NULL);
    assert_true(iot_alink_event(&line.alink, &closed));
    assert_string_equal(line_told(), "failed(1,CLOSED) failed(2,CLOSED)");
    assert_true(iot_alink_idle(&line.alink));
}

/* ---- Requests of the platform's ------------------------------------------------------------ */

static iot_err read_call(const char *payload, struct iot_alink_call *call)
{
    static struct iot_msg msg;
    msg = (struct iot_msg){.topic = IOT_TOPIC(ME "thing/service/property/set"),
                           .payload = {(const uint8_t *)payload, (uint32_t)strlen(payload)}};
    return iot_alink_read(&msg, call);
}

static void an_answer_goes_to_the_topic_of_the_request(void **state)
{
    struct iot_alink_call call;
    (void)state;
    assert_err(
        read_call("{\"id\":\"55\",\"version\":\"1.0\",\"params\":{\"LightSwitch\":0},\"method\":"
                  "\"thing.service.property.set\"}",
                  &call),
        IOT_OK);
    assert_int_equal(call.params.len, strlen("{\"LightSwitch\":0}"));
    assert_true(iot_json_is(call.method, "thing.service.property.set"));
    assert_err(iot_alink_answer(&line.alink, &call, 200), IOT_OK);
    assert_string_equal(line.topic, ME "thing/service/property/set_reply");
    assert_string_equal(line.payload, "{\"id\":\"55\",\"code\":200,\"data\":{}}");
    assert_int_equal(line.qos, 0);
    assert_int_equal(line.flags, IOT_MSG_SILENT | IOT_MSG_REFUSE);
    assert_true(iot_alink_idle(&line.alink));
}

static void ids_are_numbers_or_texts_or_missing_and_nothing_else(void **state)
{
    struct iot_alink_call call;
    (void)state;
    assert_err(read_call("{\"id\":4294967295}", &call), IOT_OK);
    assert_true(call.has_id);
    assert_true(call.id == 4294967295u);
    assert_err(read_call("{\"id\":\"7\"}", &call), IOT_OK);
    assert_int_equal(call.id, 7);
    assert_err(read_call("{\"id\":\"007\"}", &call), IOT_ERR_JSON_TYPE); /* as no number may be */
    assert_err(read_call("{\"params\":1}", &call), IOT_OK);
    assert_false(call.has_id);
    assert_err(iot_alink_answer(&line.alink, &call, 200), IOT_OK);
    assert_int_equal(line.sent, 0); /* nobody could match it */
    assert_err(read_call("{\"id\":\"4294967296\"}", &call), IOT_ERR_JSON_RANGE);
    assert_err(read_call("{\"id\":\"12 \"}", &call), IOT_ERR_JSON_TYPE);
    assert_err(read_call("{\"id\":true}", &call), IOT_ERR_JSON_TYPE);
    assert_err(read_call("[]", &call), IOT_ERR_JSON_TYPE);
    assert_err(read_call("{\"id\"}", &call), IOT_ERR_JSON_SYNTAX);
}

/* ---- Subscriptions ------------------------------------------------------------------------- */

static void who_listens_subscribes_what_the_platform_sends(void **state)
{
    struct iot_listen_texts texts;
    (void)state;
    assert_err(iot_alink_listen(DEV, IOT_LISTEN_ALL, &texts), IOT_OK);
    assert_string_equal(line.filters, "/sys/a1B2c3D4e5F/dev001/#:1 "
                                      "/ext/ntp/a1B2c3D4e5F/dev001/response:1 "
                                      "/ext/error/a1B2c3D4e5F/dev001:1 /ext/rrpc/+/#:1");
    assert_err(iot_alink_listen(DEV, 0, &texts), IOT_ERR_ARG);
    assert_err(iot_alink_listen(DEV, 16, &texts), IOT_ERR_ARG);
    assert_err(iot_alink_listen(DEV, IOT_LISTEN_SYSTEM, NULL), IOT_ERR_ARG);
    line.filters[0] = 0;
    assert_err(iot_alink_listen(DEV, IOT_LISTEN_RRPC, NULL), IOT_OK);
    assert_string_equal(line.filters, "/ext/rrpc/+/#:1");
    line.subscribe_says = IOT_ERR_FULL;
    assert_err(iot_alink_listen(DEV, IOT_LISTEN_ALL, &texts), IOT_ERR_FULL);
}

static void the_longest_names_fit_the_texts(void **state)
{
    static const struct iot_link_identity longest = {
        .product_key = "12345678901234567890", .device_name = "12345678901234567890123456789012"};
    struct iot_listen_texts texts;
    (void)state;
    line_setup(&longest);
    assert_err(iot_alink_listen(DEV, IOT_LISTEN_ALL, &texts), IOT_OK);
    assert_int_equal(line.subscribes, 4);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_request_is_an_envelope_on_its_topic),
        CASE(without_a_reply_the_platform_is_told_so_and_nobody_waits),
        CASE(the_largest_envelope_has_its_room),
        CASE(what_overflows_its_room_is_not_sent),
        CASE(a_topic_of_128_bytes_is_sent_and_a_longer_one_refused),
        CASE(who_has_no_names_asks_nothing),
        CASE(one_request_more_than_can_wait_is_refused_before_anything_is_written),
        CASE(a_line_that_is_full_leaves_everything_as_it_was),
        CASE(a_reply_ends_its_request_once),
        CASE(the_message_of_a_request_that_is_over_is_hushed),
        CASE(a_refusal_is_a_reply_with_its_code),
        CASE(replies_find_their_requests_in_any_order),
        CASE(a_reply_on_another_topic_is_not_this_ones),
        CASE(a_reply_to_somebody_else_is_nobodys),
        CASE(a_reply_that_is_none_is_dropped_by_name_and_the_request_waits_on),
        CASE(without_a_reply_it_ends_by_name_at_its_deadline_and_not_before),
        CASE(what_is_unread_doubles_the_patience_and_no_more),
        CASE(a_message_that_fails_ends_its_request),
        CASE(closing_ends_every_request_before_it_is_closed),
        CASE(an_answer_goes_to_the_topic_of_the_request),
        CASE(ids_are_numbers_or_texts_or_missing_and_nothing_else),
        CASE(who_listens_subscribes_what_the_platform_sends),
        CASE(the_longest_names_fit_the_texts),
    };
    return cmocka_run_group_tests_name("link_alink", tests, NULL, NULL);
}

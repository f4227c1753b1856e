/* SPDX-License-Identifier: Apache-2.0 */
/* What the thing model says over the platform's CoAP channel, as JSON and as CBOR. */
#include "uplink_rig.h"

#include "iot/iot_cbor.h"
#include "link/iot_link_uplink.h"
#include "room_model.h"

#define AT " 12=50 17=50 2088=" TOKEN_1 " "

static struct room_values values;

static int32_t room_on_add(void *ctx, struct iot_thing *thing, iot_call call)
{
    (void)ctx, (void)thing, (void)call;
    return IOT_CODE_OK;
}

static int32_t room_on_reset(void *ctx, struct iot_thing *thing, iot_call call)
{
    (void)ctx, (void)thing, (void)call;
    return IOT_CODE_OK;
}

static int setup(void **state)
{
    uplink_begin(state);
    memset(&values, 0, sizeof values);
    values.level = 40;
    values.temp = 21.5f;
    values.on = true;
    values.event_code = -7;
    strcpy(values.event_why, "hot");
    with_token();
    return 0;
}

static void post_level(void)
{
    assert_err(iot_uplink_properties(&up, &room_model, &values, IOT_PROPERTIES(ROOM_LEVEL), 0),
               IOT_OK);
}

static void properties_are_posted_in_the_envelope(void **state)
{
    struct iot_properties which = {{0}};
    (void)state;
    iot_properties_add(&which, ROOM_LEVEL);
    iot_properties_add(&which, ROOM_TEMP);
    iot_properties_add(&which, ROOM_ON);
    assert_err(iot_uplink_properties(&up, &room_model, &values, &which, 0), IOT_OK);
    asks("CON /topic" TOPIC AT "{\"id\":\"1\",\"version\":\"1.0\",\"params\":{\"Level\":40,"
         "\"Temp\":21.5,\"On\":1},\"method\":\"thing.event.property.post\"}");
    answers(DONE, "{\"id\":\"1\",\"code\":200,\"data\":{}}");
    ended(2, IOT_OK, 0, "{\"id\":\"1\",\"code\":200,\"data\":{}}");
    assert_err(
        iot_uplink_properties(&up, &room_model, &values, IOT_PROPERTIES(ROOM_ON), 1700000000000),
        IOT_OK);
    asks("CON /topic" TOPIC AT "{\"id\":\"2\",\"version\":\"1.0\",\"params\":{\"On\":{\"value\":1,"
         "\"time\":1700000000000}},\"method\":\"thing.event.property.post\"}");
    answers(DONE, "");
    ended(3, IOT_OK, 0, "");
}

/* As in the reference, to the byte. */
static void the_reference_has_the_same(void **state)
{
    static const struct iot_field light = {"LightSwitch", IOT_TYPE_BOOL, RW, ROOM_AT(on), 0, 0,
                                           {NULL},        NULL};
    static const struct iot_model model = {&light, NULL, NULL, 1, 0, 0};
    (void)state;
    assert_err(iot_uplink_properties(&up, &model, &values, NULL, 0), IOT_OK);
    asks("CON /topic" TOPIC AT "{\"id\":\"1\",\"version\":\"1.0\",\"params\":{\"LightSwitch\":1},"
         "\"method\":\"thing.event.property.post\"}");
}

static void all_that_may_be_read_are_posted_and_accessors_are_asked(void **state)
{
    struct iot_coap_message m;
    (void)state;
    room_fan = 3;
    assert_err(iot_uplink_properties(&up, &room_model, &values, NULL, 0), IOT_OK);
    run(0);
    m = last_sent();
    const char *text = words_of(&m);
    assert_non_null(strstr(text, "\"Serial\":0"));
    assert_non_null(strstr(text, "\"Fan\":3"));
    assert_null(strstr(text, "Secret"));
}

static void events_are_posted_by_their_name(void **state)
{
    (void)state;
    assert_err(iot_uplink_event(&up, &room_model, &values, ROOM_ALARM, 0), IOT_OK);
    asks("CON /topic/sys/" PK "/" DN "/thing/event/Alarm/post" AT
         "{\"id\":\"1\",\"version\":\"1.0\",\"params\":{\"Code\":-7,\"Why\":\"hot\"},"
         "\"method\":\"thing.event.Alarm.post\"}");
    answers(DONE, "{\"code\":\"200\"}");
    ended(2, IOT_OK, 0, "{\"code\":\"200\"}");
    assert_err(iot_uplink_event(&up, &room_model, &values, ROOM_BARE, 1700000000000), IOT_OK);
    asks("CON /topic/sys/" PK "/" DN "/thing/event/Bare/post" AT
         "{\"id\":\"2\",\"version\":\"1.0\",\"params\":{\"value\":{},\"time\":1700000000000},"
         "\"method\":\"thing.event.Bare.post\"}");
}

static void what_the_model_has_not_is_refused(void **state)
{
    struct iot_properties none = {{0}};
    struct iot_model large = room_model;
    (void)state;
    assert_err(iot_uplink_event(&up, &room_model, &values, 2, 0), IOT_ERR_ARG);
    assert_err(iot_uplink_properties(&up, &room_model, &values, &none, 0), IOT_ERR_ARG);
    iot_properties_add(&none, ROOM_PROPERTIES);
    assert_err(iot_uplink_properties(&up, &room_model, &values, &none, 0), IOT_ERR_ARG);
    iot_properties_add(&none, ROOM_LEVEL);
    assert_err(iot_uplink_properties(&up, &room_model, &values, &none, 0), IOT_ERR_ARG);
    large.property_count = IOT_PROPERTIES_MAX + 1;
    assert_err(iot_uplink_properties(&up, &large, &values, NULL, 0), IOT_ERR_SIZE);
    asks_nothing();
}

static void the_platform_says_how_it_went(void **state)
{
    static const struct {
        const char *json;
        iot_err err;
        int32_t detail;
        bool repeat;
    } rows[] = {
        {"{\"code\":200}", IOT_OK, 0, true},
        {"{\"code\":460,\"message\":\"request parameter error\"}", IOT_ERR_LINK_CODE, 460, false},
        {"{\"code\":429}", IOT_ERR_LINK_CODE, 429, true},
        {"{\"code\":500}", IOT_ERR_LINK_CODE, 500, true},
        {"{\"code\":6100}", IOT_ERR_LINK_CODE, 6100, false},
        {"{\"code\":4294967295}", IOT_ERR_LINK_CODE, INT32_MAX, false},
        {"{}", IOT_ERR_JSON_MISSING, 0, true},
        {"{\"code\":true}", IOT_ERR_JSON_TYPE, 0, true},
        {"{\"code\":-1}", IOT_ERR_JSON_RANGE, 0, true},
        {"{\"code\":200", IOT_ERR_JSON_SYNTAX, 0, true},
        {"200", IOT_ERR_JSON_MISSING, 0, true},
        {"\xff\xff", IOT_ERR_JSON_SYNTAX, 0, true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        setup(NULL);
        post_level();
        run(0);
        asked = net.tx_count;
        answers(DONE, rows[i].json);
        bool has = rows[i].err == IOT_OK || rows[i].err == IOT_ERR_LINK_CODE;
        ended(2, rows[i].err, rows[i].detail, has ? rows[i].json : "");
        assert_int_equal(result.retry_ms == IOT_MS_NEVER, !rows[i].repeat);
    }
}

static void a_call_that_is_under_way_is_not_disturbed(void **state)
{
    (void)state;
    post_level();
    assert_err(iot_uplink_properties(&up, &room_model, &values, NULL, 0), IOT_ERR_STATE);
    assert_err(iot_uplink_event(&up, &room_model, &values, ROOM_ALARM, 0), IOT_ERR_STATE);
    run(0);
    struct iot_coap_message m = last_sent();
    assert_non_null(strstr(words_of(&m), "{\"Level\":40}"));
}

static void memory_of_any_size(void **state)
{
    uint32_t sent = 0;
    (void)state;
    for (int cbor = 0; cbor <= IOT_FEATURE_CBOR; cbor++) {
        setup(NULL);
        up_options.cbor = cbor != 0;
        for (uint32_t bytes = 0; bytes < 400; bytes++) {
            give_memory(bytes);
            iot_err err = iot_uplink_event(&up, &room_model, &values, ROOM_ALARM, 1700000000000);
            assert_memory();
            if (err == IOT_OK) {
                run(0);
                answers(DONE, "");
                sent++;
            } else {
                assert_err(err, IOT_ERR_SIZE);
            }
            assert_true(is_wiped());
        }
    }
    assert_true(sent > 100);
}

#if IOT_FEATURE_CBOR
static void post_cbor(void)
{
    up_options.cbor = true;
    post_level();
}

/* {"id": "1", "version": "1.0", "params": {"Level": 40}, "method": "thing.event.property.post"} */
#define LEVEL_CBOR                                                                                 \
    "a4626964613167"                                                                               \
    "76657273696f6e63312e3066706172616d73a1654c6576656c1828666d6574686f6478197468"                 \
    "696e672e6576656e742e70726f70657274792e706f7374"

static void the_same_goes_as_cbor(void **state)
{
    (void)state;
    post_cbor();
    asks("CON /topic" TOPIC " 12=60 17=42 2088=" TOKEN_1 " " LEVEL_CBOR);
    answers_bytes(DONE, IOT_COAP_CBOR, BYTES("\xa1\x64\x63ode\x18\xc8"));
    ended(2, IOT_OK, 0, "\xa1\x64\x63ode\x18\xc8");
    assert_int_equal(result.reply_format, IOT_COAP_CBOR);
    post_level(); /* an answer as JSON is one, too */
    run(0);
    asked = net.tx_count;
    answers(DONE, "{\"code\":200}");
    ended(3, IOT_OK, 0, "{\"code\":200}");
}

static void the_platform_says_how_it_went_as_cbor(void **state)
{
    static const struct {
        const char *hex;
        iot_err err;
        int32_t detail;
    } rows[] = {
        {"a164636f646518c8", IOT_OK, 0},
        {"a164636f64651901cc", IOT_ERR_LINK_CODE, 460},
        {"a164636f6465fa43480000", IOT_OK, 0},
        {"a0", IOT_ERR_CBOR_MISSING, 0},
        {"a164636f64656132", IOT_ERR_CBOR_KIND, 0},
        {"a164636f646538c7", IOT_ERR_CBOR_RANGE, 0},
        {"a164636f6465", IOT_ERR_CBOR_CUT, 0},
        {"a164636f646518c800", IOT_ERR_CBOR_FORMAT, 0},
        {"bf64636f646518c8ff", IOT_ERR_CBOR_RANGE, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t bytes[32];
        setup(NULL);
        post_cbor();
        run(0);
        asked = net.tx_count;
        answers_bytes(DONE, IOT_COAP_CBOR,
                      (struct iot_bytes){bytes, from_hex(rows[i].hex, bytes, sizeof bytes)});
        assert_int_equal(results, 2);
        assert_err(result.err, rows[i].err);
        assert_int_equal(result.detail, rows[i].detail);
    }
}

static void same(struct iot_json j, struct iot_cbor c);

static void same_text(struct iot_json j, struct iot_cbor c)
{
    struct iot_bytes got;
    char text[64];

    assert_int_equal(iot_cbor_kind(c), IOT_CBOR_TEXT);
    assert_err(iot_json_text(j, text, sizeof text, NULL), IOT_OK);
    assert_err(iot_cbor_string(c, &got), IOT_OK);
    assert_bytes(got, text_bytes(text));
}

static void same_members(struct iot_json j, struct iot_cbor c, bool keys)
{
    struct iot_json_walk w = iot_json_walk(j);
    struct iot_json key, value;

    assert_int_equal(iot_cbor_kind(c), keys ? IOT_CBOR_MAP : IOT_CBOR_ARRAY);
    assert_int_equal(iot_cbor_count(c), iot_json_count(j));
    c = iot_cbor_first(c);
    while (iot_json_next(&w, &key, &value)) {
        if (keys) {
            same_text(key, c);
            c = iot_cbor_next(c);
        }
        same(value, c);
        c = iot_cbor_next(c);
    }
}

static void same(struct iot_json j, struct iot_cbor c)
{
    enum iot_json_kind kind = iot_json_kind(j);
    double left, right;

    if (kind == IOT_JSON_OBJECT || kind == IOT_JSON_ARRAY) {
        same_members(j, c, kind == IOT_JSON_OBJECT);
    } else if (kind == IOT_JSON_STRING) {
        same_text(j, c);
    } else if (kind == IOT_JSON_NULL) {
        assert_int_equal(iot_cbor_kind(c), IOT_CBOR_NULL);
    } else {
        assert_int_equal(kind, IOT_JSON_NUMBER);
        assert_err(iot_json_double(j, &left), IOT_OK);
        assert_err(iot_cbor_f64(c, &right), IOT_OK);
        assert_true(left == right); /* zero has no sign: it is an integer */
    }
}

static struct iot_bytes posted(bool cbor, uint32_t i, uint8_t *room)
{
    struct iot_properties which = {{0}};

    iot_properties_add(&which, i);
    up_options.cbor = cbor;
    assert_err(iot_uplink_properties(&up, &room_model, &values, &which, 1700000000000), IOT_OK);
    run(0);
    asked = net.tx_count;
    struct iot_coap_message m = last_sent();
    memcpy(room, m.payload.ptr, m.payload.len);
    answers(DONE, "");
    up.id = 0;
    return (struct iot_bytes){room, m.payload.len};
}

/* Whatever is in a table: nested, by accessors, with escapes, fractions and without. */
static void both_say_the_same(void **state)
{
    static uint8_t left[1100], right[1100];
    static const double reals[] = {0.1, -0.0, 1e300, 5e-324, 1e21, 65504, 65505, -3, 1 / 3.0};
    static const int64_t dates[] = {0, 1700000000000, INT64_MAX, INT64_MIN};
    struct iot_json j;
    struct iot_cbor c;
    (void)state;
    give_memory(sizeof work);
    strcpy(values.name, "a\"\\\n\xc3\xbc\t");
    strcpy(values.color.tag, "/\x7f");
    strcpy(values.words.item[0], "\xe6\xb0\xb4");
    strcpy(values.words.item[1], "");
    values.words.count = values.points.count = 2;
    values.numbers.count = 3;
    values.numbers.item[0] = INT32_MIN;
    values.numbers.item[1] = INT32_MAX;
    values.points.item[0].y = 0.1f;
    values.points.item[1].y = 3.4028235e38f;
    values.box.list.count = 1;
    values.box.list.item[0].y = -1.5f;
    room_fan = -24;
    for (size_t i = 0; i < COUNT(reals); i++) {
        values.exact = reals[i];
        values.temp = (float)reals[i];
        values.since = dates[i % COUNT(dates)];
        for (uint32_t p = 0; p < ROOM_PROPERTIES; p++) {
            if (p == ROOM_SECRET)
                continue;
            assert_err(iot_json_check(posted(false, p, left), &j, NULL), IOT_OK);
            assert_err(iot_cbor_check(posted(true, p, right), &c, NULL), IOT_OK);
            same(j, c);
        }
    }
}

static void put_nonsense(void *ctx, const struct iot_field *f, struct iot_writer *w)
{
    (void)f;
    assert_ptr_equal(ctx, &results);
    iot_json_put(w, "]");
}

static void what_an_accessor_wrote_wrongly_is_found(void **state)
{
    static const struct iot_accessor via = {put_nonsense, NULL};
    static const struct iot_field field = {"X",    IOT_TYPE_INT, IOT_ACCESS_READ, 0, 0, 0,
                                           {NULL}, &via};
    static const struct iot_model model = {&field, NULL, NULL, 1, 0, 0};
    (void)state;
    up_options.cbor = true;
    assert_err(iot_uplink_properties(&up, &model, &values, NULL, 0), IOT_ERR_JSON_SYNTAX);
    assert_true(is_wiped());
    asks_nothing();
}

static void cbor_and_the_symmetric_mode_go_together(void **state)
{
    uint8_t bytes[128], want[128];
    struct iot_coap_message m;
    uint32_t len = 0;
    (void)state;
    assert_err(iot_uplink_forget(&up), IOT_OK);
    up_options.symmetric = &iot_uplink_symmetric;
    post_cbor();
    run(0);
    answers(DONE, "{\"random\":\"abc\",\"seqOffset\":1,\"token\":\"t\"}");
    m = last_sent();
    memcpy(bytes, m.payload.ptr, m.payload.len);
    assert_true(
        iot_aes_decrypt(up.key, (const uint8_t *)"543yhjy97ae7fyfg", bytes, m.payload.len, &len));
    assert_int_equal(len, from_hex(LEVEL_CBOR, want, sizeof want));
    assert_memory_equal(bytes, want, len);
}
#endif

int main(void)
{
#define CASE(test) cmocka_unit_test_setup(test, setup)
    const struct CMUnitTest tests[] = {
        CASE(properties_are_posted_in_the_envelope),
        CASE(the_reference_has_the_same),
        CASE(all_that_may_be_read_are_posted_and_accessors_are_asked),
        CASE(events_are_posted_by_their_name),
        CASE(what_the_model_has_not_is_refused),
        CASE(the_platform_says_how_it_went),
        CASE(a_call_that_is_under_way_is_not_disturbed),
        CASE(memory_of_any_size),
#if IOT_FEATURE_CBOR
        CASE(the_same_goes_as_cbor),
        CASE(the_platform_says_how_it_went_as_cbor),
        CASE(both_say_the_same),
        CASE(what_an_accessor_wrote_wrongly_is_found),
        CASE(cbor_and_the_symmetric_mode_go_together),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the platform offers beside the thing model, over real lwIP, TLS and mosquitto: tags, time, remote configuration, reset,
 * logs, the thing's description, shadow, registration; and what it tells a device unasked. */
#include "peer_thing.h"

#include <time.h>

#define EVERY PEER_EVERY " every001"

static struct peer_thing one;
static iot_ticket ticket;

#define DEV (peer_thing_device(&one))

/* The code of a request that was just made: CODE(iot_...(DEV, ..., &ticket)). */
#define CODE(call) peer_thing_code(&one, (call), &ticket)

static void every(void)
{
    peer_thing(&one, PEER_EVERY, "every001", PEER_DS_EVERY);
}

static void every_connects(void)
{
    every();
    peer_thing_connect(&one);
}

static struct iot_json json(const char *text)
{
    return (struct iot_json){(const uint8_t *)text, (uint32_t)strlen(text)};
}

/* ---- Tags ---------------------------------------------------------------------------------- */

static void tags_are_set_changed_and_deleted(void **state)
{
    struct iot_tag tags[] = {{.key = "colour", .value = "\"red\" \xe6\xb1\x89"},
                             {.key = "Place_1", .value = "hall"}};
    (void)state;
    every_connects();
    assert_int_equal(CODE(iot_tags_update(DEV, tags, 2, &ticket)), 200);
    peer_thing_shown(&one, "\"colour\":{\"value\":\"\\\"red\\\" \xe6\xb1\x89\"}");
    peer_thing_shown(&one, "\"Place_1\":{\"value\":\"hall\"}");
    tags[1].value = "cellar";
    assert_int_equal(CODE(iot_tags_update(DEV, tags + 1, 1, &ticket)), 200);
    peer_thing_shown(&one, "\"Place_1\":{\"value\":\"cellar\"}");
    assert_int_equal(CODE(iot_tags_delete(DEV, tags, 1, &ticket)), 200);
    peer_thing_not_shown(&one, "\"colour\"");
    peer_thing_shown(&one, "\"Place_1\"");
    assert_int_equal(CODE(iot_tags_delete(DEV, tags, 2, &ticket)), 200);
    assert_int_equal(CODE(iot_tags_sdk(DEV, &ticket)), 200);
    peer_thing_not_shown(&one, "\"tags\":{}");
    tags[0].key = "1st";
    assert_err(iot_tags_update(DEV, tags, 1, NULL), IOT_ERR_ARG);
    peer_thing_close(&one);
}

/* ---- Time ---------------------------------------------------------------------------------- */

static void the_platforms_time_is_trusted_over_tls_and_not_over_plain_tcp(void **state)
{
    int64_t wall;
    (void)state;
    for (uint32_t plain = 0; plain <= 1; plain++) {
        every();
        if (plain)
            peer_seat_plain(&one.seat);
        one.seat.board.knows_time = false;
        peer_thing_connect(&one);
        assert_err(iot_device_wall(DEV, &wall), IOT_ERR_AGAIN);
        assert_int_equal(CODE(iot_time_ask(DEV, &ticket)), 200);
        assert_int_equal(one.notices[IOT_NOTICE_TIME], 1);
        int64_t wrong = one.notice_ms - (int64_t)time(NULL) * 1000;
        assert_true(wrong > -3000 && wrong < 3000);
        assert_int_equal(one.notice_code, !plain);
        assert_err(iot_device_wall(DEV, &wall), plain ? IOT_ERR_AGAIN : IOT_OK);
        if (!plain) {
            int64_t before = wall;
            peer_pass_fast(5000);
            assert_err(iot_device_wall(DEV, &wall), IOT_OK);
            assert_in_range(wall - before, 4000, 7000);
        }
        peer_thing_close(&one);
    }
}

/* ---- Remote configuration ------------------------------------------------------------------ */

static void the_configuration_is_asked_for_and_pushed(void **state)
{
    struct iot_config_info info;
    char url[256];
    (void)state;
    every_connects();
    peer_thing_obeyed("config " PEER_EVERY " none");
    assert_int_equal(CODE(iot_config_ask(DEV, &ticket)), 6710);
    peer_thing_obeyed("config " PEER_EVERY " {\"interval\":30}");
    assert_int_equal(CODE(iot_config_ask(DEV, &ticket)), 200);
    assert_err(iot_config_read(json(one.reply), &info), IOT_OK);
    assert_int_equal(info.size, 15);
    assert_int_equal(info.sign_method, IOT_CONFIG_SIGN_SHA256);
    assert_int_equal(info.sign.len, 64);
    assert_err(iot_json_text(info.url, url, sizeof url, NULL), IOT_OK);
    assert_int_equal(strncmp(url, "https://", 8), 0);

    peer_thing_obeyed("config " PEER_EVERY " md5 {\"interval\":300}");
    peer_thing_obeyed("config push " EVERY); /* it waits for the answer */
    assert_int_equal(one.notices[IOT_NOTICE_CONFIG], 1);
    assert_err(iot_config_read(json(one.notice), &info), IOT_OK);
    assert_int_equal(info.size, 16);
    assert_int_equal(info.sign_method, IOT_CONFIG_SIGN_MD5);
    assert_int_equal(info.sign.len, 32);
    peer_thing_obeyed("option config off");
    assert_int_equal(CODE(iot_config_ask(DEV, &ticket)), 6713);
    peer_thing_obeyed("option config on");
    peer_thing_close(&one);
}

/* ---- Reset --------------------------------------------------------------------------------- */

static void a_reset_is_asked_for_until_it_is_confirmed_also_by_the_next_boot(void **state)
{
    (void)state;
    every_connects();
    peer_thing_obeyed("option reply-drop 1");
    assert_err(iot_reset(DEV), IOT_OK);
    assert_err(iot_reset(DEV), IOT_ERR_STATE);
    peer_cloud_await("reset of " EVERY);
    assert_non_null(peer_trust_kv_begins(&one.seat.board, IOT_RESET_KEY));
    assert_int_equal(one.notices[IOT_NOTICE_RESET], 0);

    /* The power goes; the note stays. */
    assert_err(iot_device_close(DEV, 0), IOT_OK);
    UNTIL(one.seat.one.kinds[IOT_EV_CLOSED] != 0);
    peer_leave(&one.seat.one);
    memset(one.seat.one.kinds, 0, sizeof one.seat.one.kinds);
    peer_thing_obeyed("option reply-drop 0");
    peer_begin(&one.seat.one);
    UNTIL(one.notices[IOT_NOTICE_RESET] != 0);
    assert_err(one.notice_err, IOT_OK);
    assert_null(peer_trust_kv_begins(&one.seat.board, IOT_RESET_KEY));
    peer_thing_shown(&one, "\"reset\":true");
    UNTIL(iot_device_idle(DEV));
    peer_seat_close(&one.seat);
    assert_int_equal(one.notices[IOT_NOTICE_RESET], 1);
}

/* ---- Logs ---------------------------------------------------------------------------------- */

static void logs_are_wanted_or_not_and_arrive(void **state)
{
    const struct iot_log_item items[] = {
        {.level = IOT_LOG_WORD_WARN, .module = "lamp", .content = "too \"warm\""},
        {.level = IOT_LOG_WORD_ERROR, .module = "lamp", .content = "too hot", .code = "7"},
    };
    const struct iot_diag_error errors[] = {{0x10, 0x02, 3}};
    const struct iot_diag diag = {
        .rssi = -67, .snr = 20, .per = 1, .errors = errors, .error_count = 1};
    int32_t mode;
    (void)state;
    every_connects();
    assert_int_equal(CODE(iot_log_ask(DEV, &ticket)), 200);
    assert_err(iot_log_read(json(one.reply), &mode), IOT_OK);
    assert_int_equal(mode, 0);
    peer_thing_obeyed("log-mode " EVERY " 1");
    UNTIL(one.notices[IOT_NOTICE_LOG] == 1);
    assert_int_equal(one.notice_code, 1);
    assert_int_equal(CODE(iot_log_ask(DEV, &ticket)), 200);
    assert_err(iot_log_read(json(one.reply), &mode), IOT_OK);
    assert_int_equal(mode, 1);
    assert_int_equal(CODE(iot_log_post(DEV, items, 2, &ticket)), 200);
    peer_cloud_said("log of " EVERY ": 2 lines");
    assert_int_equal(CODE(iot_diag_post(DEV, &diag, &ticket)), 200);
    peer_thing_obeyed("log-mode " EVERY " 0");
    UNTIL(one.notices[IOT_NOTICE_LOG] == 2);
    assert_int_equal(one.notice_code, 0);
    peer_thing_close(&one);
}

/* ---- The thing's description --------------------------------------------------------------- */

static void the_description_comes_in_parts_and_is_whole(void **state)
{
    struct iot_json root, found;
    (void)state;
    every_connects();
    for (uint32_t dynamic = 0; dynamic <= 1; dynamic++) {
        one.tsl_len = 0;
        assert_int_equal(CODE(iot_tsl_get(DEV, dynamic != 0, peer_thing_sink, &one, &ticket)), 200);
        assert_true(dynamic || one.tsl_len > 2 * IOT_MQTT_RX_BYTES);
        assert_err(iot_json_check((struct iot_bytes){(uint8_t *)one.tsl, one.tsl_len}, &root, NULL),
                   IOT_OK);
        assert_err(iot_json_get(root, "properties", &found), IOT_OK);
        assert_int_equal(iot_json_count(found), PEER_EVERY_PROPERTIES);
        assert_non_null(strstr(one.tsl, "\"Structs\""));
    }
    /* It lives on beside. */
    peer_thing_obeyed("set " EVERY " {\"Int\":3}");
    assert_int_equal(one.every.int_, 3);
    peer_thing_close(&one);
}

/* ---- Shadow -------------------------------------------------------------------------------- */

static void shadow_connects(void)
{
    every();
    peer_thing_begin(&one);
    assert_err(iot_shadow_attach(DEV, &one.shadow, &ticket), IOT_OK);
    UNTIL(peer_last_for(&one.seat.one, IOT_EV_SUBACK, ticket) != NULL);
    assert_err(peer_last_for(&one.seat.one, IOT_EV_SUBACK, ticket)->err, IOT_OK);
}

static void the_shadow_is_updated_read_and_deleted(void **state)
{
    const struct iot_shadow_value values[] = {{.name = "colour", .text = "\"red\""},
                                              {.name = "level", .number = -7}};
    struct iot_shadow_state s;
    (void)state;
    shadow_connects();
    assert_int_equal(CODE(iot_shadow_report(DEV, values, 2, IOT_SHADOW_RESET, &ticket)), 200);
    assert_non_null(strstr(peer_thing_obeyed("--json shadow " EVERY),
                           "\"reported\":{\"colour\":\"\\\"red\\\"\",\"level\":-7}"));
    assert_int_equal(CODE(iot_shadow_get(DEV, &ticket)), 200);
    assert_err(iot_shadow_read(json(one.reply), &s), IOT_OK);
    assert_int_equal(iot_json_count(s.reported), 2);
    assert_int_equal(CODE(iot_shadow_delete(DEV, "level", IOT_SHADOW_NEXT, &ticket)), 200);
    assert_null(strstr(peer_thing_obeyed("--json shadow " EVERY), "\"level\""));

    /* Somebody else was faster: a conflict, and the way out of it. */
    assert_int_equal(CODE(iot_shadow_report(DEV, values, 2, one.shadow.version, &ticket)), 409);
    one.shadow.version = 0;
    assert_int_equal(CODE(iot_shadow_report(DEV, values, 2, IOT_SHADOW_NEXT, &ticket)), 409);
    assert_int_equal(CODE(iot_shadow_get(DEV, &ticket)), 200);
    assert_int_equal(CODE(iot_shadow_report(DEV, values, 2, IOT_SHADOW_NEXT, &ticket)), 200);
    assert_int_equal(
        CODE(iot_shadow_update(DEV, BYTES("{\"deep\":{\"a\":[1,2]}}"), IOT_SHADOW_NEXT, &ticket)),
        200);
    assert_non_null(strstr(peer_thing_obeyed("--json shadow " EVERY), "\"deep\":{\"a\":[1,2]}"));
    assert_int_equal(CODE(iot_shadow_delete(DEV, NULL, IOT_SHADOW_NEXT, &ticket)), 200);
    assert_null(strstr(peer_thing_obeyed("--json shadow " EVERY), "\"colour\""));
    peer_thing_close(&one);
}

static void what_is_desired_of_the_shadow_is_told_done_and_forgotten(void **state)
{
    struct iot_shadow_state s;
    struct iot_json level;
    int32_t number;
    (void)state;
    peer_thing_obeyed("shadow " EVERY " {\"desired\":{\"level\":30}}"); /* it is away */
    shadow_connects();
    assert_int_equal(CODE(iot_shadow_get(DEV, &ticket)), 200);
    assert_err(iot_shadow_read(json(one.reply), &s), IOT_OK);
    assert_err(iot_json_get(s.desired, "level", &level), IOT_OK);
    assert_err(iot_json_i32(level, &number), IOT_OK);
    assert_int_equal(number, 30);

    uint32_t before = one.notices[IOT_NOTICE_SHADOW];
    peer_thing_obeyed("shadow " EVERY " {\"desired\":{\"level\":31}}");
    UNTIL(one.notices[IOT_NOTICE_SHADOW] > before);
    assert_err(iot_shadow_read(json(one.notice), &s), IOT_OK);
    assert_err(iot_json_get(s.desired, "level", &level), IOT_OK);
    assert_err(iot_json_i32(level, &number), IOT_OK);
    assert_int_equal(number, 31);
    assert_int_equal(
        CODE(iot_shadow_clear_desired(DEV, BYTES("{\"level\":31}"), IOT_SHADOW_NEXT, &ticket)),
        200);
    const char *said = peer_thing_obeyed("--json shadow " EVERY);
    assert_null(strstr(said, "\"desired\":{\"level\""));
    assert_non_null(strstr(said, "\"reported\":{\"level\":31}"));
    peer_thing_close(&one);
}

/* ---- Told unasked -------------------------------------------------------------------------- */

static void a_disabled_thing_is_told_and_comes_back_when_it_is_enabled(void **state)
{
    (void)state;
    every_connects();
    peer_thing_obeyed("disable " EVERY);
    peer_expect_lost(&one.seat.one, 0, IOT_ERR_LINK_DISABLED, false);
    assert_int_equal(one.notices[IOT_NOTICE_DISABLED], 1);
    assert_true(peer_last(&one.seat.one, IOT_EV_LOST)->delay_ms >= 300000);
    peer_thing_obeyed("enable " EVERY);
    UNTIL_FAST(iot_device_connected(DEV));
    peer_thing_obeyed("set " EVERY " {\"Int\":4}");
    peer_thing_close(&one);
}

static void a_deleted_device_is_told(void **state)
{
    (void)state;
    peer_thing(&one, PEER_PK, "gone001", PEER_DS_GONE);
    peer_thing_connect(&one);
    peer_thing_obeyed("delete " PEER_PK " gone001");
    UNTIL(one.seat.one.kinds[IOT_EV_LOST] == 1);
    assert_int_equal(one.notices[IOT_NOTICE_DELETED], 1);
    peer_seat_close(&one.seat);
}

static void errors_and_a_new_address_are_told(void **state)
{
    (void)state;
    every_connects();
    peer_thing_obeyed("error " EVERY " 5240 more than it may");
    UNTIL(one.notices[IOT_NOTICE_ERROR] == 1);
    assert_int_equal(one.notice_code, 5240);
    peer_thing_obeyed("bootstrap " EVERY); /* it waits for the answer */
    assert_int_equal(one.notices[IOT_NOTICE_BOOTSTRAP], 1);
    assert_int_equal(one.notice_code, 0);
    peer_thing_close(&one);
}

/* ---- Registration -------------------------------------------------------------------------- */

static void registers(const char *key, const char *name, const char *secret,
                      enum iot_register_kind kind)
{
    static struct iot_registration registration;

    peer_thing(&one, key, name, NULL);
    registration = (struct iot_registration){.kind = kind, .product_secret = secret};
    one.seat.id.registration = &registration;
    peer_trust_secret(&one.seat.board, text_bytes(secret));
}

static void a_device_registers_once_and_keeps_what_it_got(void **state)
{
    static const struct {
        const char *key, *name, *secret;
        enum iot_register_kind kind;
    } rows[] = {
        {PEER_PK, "new001", "Ps16CharSecret01", IOT_REGISTER_SECRET},
        {PEER_WIDE, "nobody-knows", "WideProductSecrt", IOT_REGISTER_NWL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        registers(rows[i].key, rows[i].name, rows[i].secret, rows[i].kind);
        peer_thing_connect(&one);
        assert_int_equal(one.seat.one.kinds[IOT_EV_REGISTERED], 1);
        assert_int_equal(one.seat.one.kinds[IOT_EV_LOST], 0);
        struct peer_kv *kv = peer_trust_kv(&one.seat.board, "iot-ds");
        assert_non_null(kv);
        assert_int_equal(CODE(iot_time_ask(DEV, &ticket)), 200);
        peer_thing_close(&one);

        static struct peer_kv kept;
        kept = *kv;
        registers(rows[i].key, rows[i].name, rows[i].secret, rows[i].kind); /* the next boot */
        one.seat.board.kv[0] = kept;
        peer_thing_connect(&one);
        assert_int_equal(one.seat.one.kinds[IOT_EV_REGISTERED], 0);
        assert_int_equal(CODE(iot_time_ask(DEV, &ticket)), 200);
        peer_thing_close(&one);
    }
}

static void who_may_not_register_is_told_and_stays_away(void **state)
{
    (void)state;
    registers(PEER_PK, "nobody001", "Ps16CharSecret01", IOT_REGISTER_SECRET);
    peer_begin(&one.seat.one);
    peer_expect_lost(&one.seat.one, 0, IOT_ERR_LINK_REGISTER, false);
    assert_true(peer_last(&one.seat.one, IOT_EV_LOST)->delay_ms >= 300000);
    peer_cloud_said("unknown device nobody001");
    peer_seat_close(&one.seat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOUD_TEST(tags_are_set_changed_and_deleted),
        CLOUD_TEST(the_platforms_time_is_trusted_over_tls_and_not_over_plain_tcp),
        CLOUD_TEST(the_configuration_is_asked_for_and_pushed),
        CLOUD_TEST(a_reset_is_asked_for_until_it_is_confirmed_also_by_the_next_boot),
        CLOUD_TEST(logs_are_wanted_or_not_and_arrive),
        CLOUD_TEST(the_description_comes_in_parts_and_is_whole),
        CLOUD_TEST(the_shadow_is_updated_read_and_deleted),
        CLOUD_TEST(what_is_desired_of_the_shadow_is_told_done_and_forgotten),
        CLOUD_TEST(a_disabled_thing_is_told_and_comes_back_when_it_is_enabled),
        CLOUD_TEST(a_deleted_device_is_told),
        CLOUD_TEST(errors_and_a_new_address_are_told),
        CLOUD_TEST(a_device_registers_once_and_keeps_what_it_got),
        CLOUD_TEST(who_may_not_register_is_told_and_stays_away),
    };
    return cmocka_run_group_tests_name("thing_cloud", tests, peer_cloud_group_setup,
                                       peer_cloud_group_teardown);
}

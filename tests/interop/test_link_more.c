/* SPDX-License-Identifier: Apache-2.0 */
/* Tags, time, configuration, reset, logs, the TSL, notices and the shadow, with the emulated platform over TLS and lwIP. */
#include "peer_cloud.h"

#include <time.h>

#define SYS "/sys/" PEER_PK "/dev001/"

static struct peer_seat seat;
static struct iot_shadow shadow;

/* What the last reply and the last notice said. */
static struct {
    uint32_t replies, notices;
    iot_err err;
    int32_t code;
    enum iot_notice_kind kind;
    iot_err notice_err;
    int32_t notice_code;
    int64_t unix_ms;
    iot_err config;
    char desired[64];
} said;

static void note(struct peer_device *p, const struct iot_event *ev)
{
    struct iot_config_info info;
    struct iot_shadow_state state;

    if (ev->ticket != 0 && ev->kind != IOT_EV_SUBACK) /* nobody keeps them here: one end is right */
        peer_accepted(p, ev->ticket);
    if (ev->kind == IOT_EV_REPLY) {
        said.replies++;
        said.err = ev->err;
        said.code = ev->detail;
        said.config = iot_config_read(ev->reply->data, &info);
    }
    if (ev->kind != IOT_EV_NOTICE)
        return;
    said.notices++;
    said.kind = ev->notice->kind;
    said.notice_err = ev->err;
    said.notice_code = ev->notice->code;
    said.unix_ms = ev->notice->unix_ms;
    said.config = iot_config_read(ev->notice->data, &info);
    if (iot_shadow_read(ev->notice->data, &state) == IOT_OK)
        snprintf(said.desired, sizeof said.desired, "%.*s", (int)state.desired.len,
                 (const char *)state.desired.ptr);
}

static void prepare(void)
{
    memset(&said, 0, sizeof said);
    memset(&shadow, 0, sizeof shadow);
    peer_seat(&seat, "dev001", PEER_DS);
    seat.id.system_topics = true;
    seat.id.ext = IOT_LINK_EXT_ERROR;
    seat.one.also = note;
    seat.one.asks = true;
}

static void connects(void)
{
    prepare();
    peer_seat_connect(&seat);
}

#define DEVICE (&seat.one.dev)

static void is_answered(iot_err accepted, int32_t code)
{
    uint32_t before = said.replies;

    assert_err(accepted, IOT_OK);
    UNTIL(said.replies != before);
    assert_int_equal(said.code, code);
    assert_err(said.err, code == 200 ? IOT_OK : IOT_ERR_LINK_CODE);
}

static void is_told(enum iot_notice_kind kind, int32_t code)
{
    UNTIL(said.notices != 0);
    assert_int_equal(said.notices, 1);
    assert_int_equal(said.kind, kind);
    assert_int_equal(said.notice_code, code);
    assert_err(said.notice_err, IOT_OK);
    said.notices = 0;
}

static void questions_and_reports_are_answered(void **state)
{
    const struct iot_tag tag = {"site", "hall-3", false};
    const struct iot_log_item line = {0, IOT_LOG_WORD_WARN, "m", "text", "1001", "tc-1"};
    const struct iot_diag_error errors[] = {{0x10, 2, 1}};
    const struct iot_diag diag = {
        .rssi = -60, .snr = 25, .per = 3, .errors = errors, .error_count = 1};
    (void)state;

    connects();
    is_answered(iot_tags_sdk(DEVICE, NULL), 200);
    is_answered(iot_tags_update(DEVICE, &tag, 1, NULL), 200);
    is_answered(iot_tags_delete(DEVICE, &tag, 1, NULL), 200);
    is_answered(iot_log_ask(DEVICE, NULL), 200);
    is_answered(iot_log_post(DEVICE, &line, 1, NULL), 200);
    is_answered(iot_diag_post(DEVICE, &diag, NULL), 200);
    is_answered(iot_config_ask(DEVICE, NULL), 6710);
    peer_cloud_command("config " PEER_PK " {\"interval\":5}");
    is_answered(iot_config_ask(DEVICE, NULL), 200);
    assert_err(said.config, IOT_OK);
    peer_cloud_command("config " PEER_PK " none");
    peer_seat_close(&seat);
}

static void what_the_platform_says_unasked_is_told(void **state)
{
    (void)state;

    connects();
    peer_cloud_command("log-mode " PEER_PK " dev001 1");
    is_told(IOT_NOTICE_LOG, 1);
    peer_cloud_command("log-mode " PEER_PK " dev001 0");
    is_told(IOT_NOTICE_LOG, 0);
    /* by hand: the commands for these two wait for the answer, and here it is us who give it */
    peer_cloud_command("publish " PEER_PK " dev001 " SYS
                       "thing/bootstrap/notify {\"id\":\"900\",\"params\":{\"cmd\":0}}");
    is_told(IOT_NOTICE_BOOTSTRAP, 0);
    peer_cloud_command(
        "publish " PEER_PK " dev001 " SYS
        "thing/config/push {\"id\":\"901\",\"params\":{\"configId\":\"c\",\"configSize\":2,"
        "\"signMethod\":\"Md5\",\"sign\":\"0123456789abcdef0123456789abcdef\",\"url\":\"https:\\/"
        "\\/c\"}}");
    is_told(IOT_NOTICE_CONFIG, 0);
    assert_err(said.config, IOT_OK);
    peer_cloud_command("error " PEER_PK " dev001 520 session is gone");
    is_told(IOT_NOTICE_ERROR, 520);
    peer_seat_close(&seat);
}

static void over_tls_its_time_is_trusted(void **state)
{
    int64_t ms, now_ms = (int64_t)time(NULL) * 1000;
    (void)state;

    prepare();
    seat.board.knows_time = false;
    peer_seat_connect(&seat);
    assert_err(iot_device_wall(DEVICE, &ms), IOT_ERR_AGAIN);
    assert_err(iot_time_ask(DEVICE, NULL), IOT_OK);
    is_told(IOT_NOTICE_TIME, 1);
    assert_in_range(said.unix_ms, now_ms - 1000, now_ms + 60000);
    assert_err(iot_device_wall(DEVICE, &ms), IOT_OK);
    assert_in_range(ms, said.unix_ms, said.unix_ms + 60000);

    /* by it the next certificate is judged: that it has begun, too */
    peer_cloud_command("kick " PEER_PK " dev001");
    UNTIL(seat.one.kinds[IOT_EV_LOST] == 1);
    peer_cloud_pass(peer_last(&seat.one, IOT_EV_LOST)->delay_ms);
    UNTIL_FAST(seat.one.kinds[IOT_EV_CONNECTED] == 2);
    assert_false(DEVICE->tls.core.doubtful);
    peer_seat_close(&seat);
}

static void without_tls_it_is_only_told(void **state)
{
    int64_t ms;
    (void)state;

    prepare();
    seat.board.knows_time = false;
    peer_seat_plain(&seat);
    peer_seat_connect(&seat);
    assert_err(iot_time_ask(DEVICE, NULL), IOT_OK);
    is_told(IOT_NOTICE_TIME, 0);
    assert_true(said.unix_ms != 0);
    assert_err(iot_device_wall(DEVICE, &ms), IOT_ERR_AGAIN);
    peer_seat_close(&seat);
}

static void a_reset_is_asked_until_it_is_confirmed(void **state)
{
    (void)state;

    connects();
    peer_cloud_command("option reply-drop 1"); /* none comes through */
    assert_err(iot_reset(DEVICE), IOT_OK);
    assert_non_null(peer_trust_kv_begins(&seat.board, IOT_RESET_KEY));
    peer_cloud_await("reset of " PEER_PK " dev001");
    peer_cloud_command("option reply-drop 0");
    assert_int_equal(said.notices, 0);
    peer_cloud_pass(12000);
    is_told(IOT_NOTICE_RESET, 0);
    assert_null(peer_trust_kv_begins(&seat.board, IOT_RESET_KEY));
    peer_seat_close(&seat);
}

static char tsl[65536];
static uint32_t tsl_len;

static iot_err sink(void *ctx, struct iot_device *dev, uint32_t offset, struct iot_bytes part)
{
    (void)ctx, (void)dev;
    if (offset + part.len > sizeof tsl)
        return IOT_ERR_SIZE;
    memcpy(tsl + offset, part.ptr, part.len);
    tsl_len = offset + part.len;
    return IOT_OK;
}

static void the_description_of_the_thing_is_fetched_whole(void **state)
{
    struct iot_json root;
    (void)state;

    connects();
    is_answered(iot_tsl_get(DEVICE, false, sink, NULL, NULL), 200);
    assert_true(tsl_len > IOT_MQTT_RX_BYTES);
    assert_err(iot_json_check((struct iot_bytes){(uint8_t *)tsl, tsl_len}, &root, NULL), IOT_OK);
    uint32_t whole = tsl_len;
    is_answered(iot_tsl_get(DEVICE, true, sink, NULL, NULL), 200);
    assert_true(tsl_len < whole);
    assert_err(iot_json_check((struct iot_bytes){(uint8_t *)tsl, tsl_len}, &root, NULL), IOT_OK);
    peer_seat_close(&seat);
}

static void a_shadow_is_reported_desired_and_cleared(void **state)
{
    const struct iot_shadow_value values[] = {{"color", "red", 0}, {"temp", NULL, 21}};
    iot_ticket ticket;
    (void)state;

    connects();
    assert_err(iot_shadow_attach(DEVICE, &shadow, &ticket), IOT_OK);
    UNTIL(peer_last_for(&seat.one, IOT_EV_SUBACK, ticket) != NULL);
    is_answered(iot_shadow_report(DEVICE, values, 2, IOT_SHADOW_NEXT, NULL), 200);
    assert_int_equal(shadow.version, 1);
    is_answered(iot_shadow_update(DEVICE, BYTES("{\"color\":\"blue\"}"), 1, NULL), 409);
    is_answered(iot_shadow_get(DEVICE, NULL), 200);
    assert_int_equal(shadow.version, 1);
    peer_cloud_command("shadow " PEER_PK " dev001 {\"desired\":{\"color\":\"green\"}}");
    is_told(IOT_NOTICE_SHADOW, 0);
    assert_string_equal(said.desired, "{\"color\":\"green\"}");
    assert_int_equal(shadow.version, 2);
    is_answered(
        iot_shadow_clear_desired(DEVICE, BYTES("{\"color\":\"green\"}"), IOT_SHADOW_NEXT, NULL),
        200);
    is_answered(iot_shadow_delete(DEVICE, "temp", IOT_SHADOW_NEXT, NULL), 200);
    is_answered(iot_shadow_delete(DEVICE, NULL, IOT_SHADOW_RESET, NULL), 200);
    peer_seat_close(&seat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOUD_TEST(questions_and_reports_are_answered),
        CLOUD_TEST(what_the_platform_says_unasked_is_told),
        CLOUD_TEST(over_tls_its_time_is_trusted),
        CLOUD_TEST(without_tls_it_is_only_told),
        CLOUD_TEST(a_reset_is_asked_until_it_is_confirmed),
        CLOUD_TEST(the_description_of_the_thing_is_fetched_whole),
        CLOUD_TEST(a_shadow_is_reported_desired_and_cleared),
    };

    return cmocka_run_group_tests(tests, peer_cloud_group_setup, peer_cloud_group_teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A device's CoAP channel and the emulated platform, over real UDP: by certificate, by key, in the symmetric mode. */
#include "peer_cloud.h"
#include "test.h"

#include "host/host_loop.h"
#include "host/host_net.h"
#include "heap_trap.h"
#include "iot/iot_static.h"
#include "iot/iot_uplink.h"
#include "peer_clock.h"

#define COAP_HOST PEER_PK ".coap.cn-shanghai.link.aliyuncs.com"
#define TOPIC     "/sys/" PEER_PK "/dev001/thing/event/property/post"

static struct peer_seat seat;
static struct iot_device dev;
static struct iot_coap coap;
static struct iot_uplink up;
static struct iot_options options;
static struct iot_coap_options client;
static struct iot_uplink_options uplink;
static uint8_t work[1024];

static uint32_t results, closes;
static struct iot_uplink_result last;
static char reply[512];

static int group_setup(void **state)
{
    return peer_cloud_group_setup(state) == 0 && host_name_add(COAP_HOST, peer_loopback) ? 0 : -1;
}

static void on_event(void *ctx, struct iot_device *d, const struct iot_event *ev)
{
    (void)ctx;
    (void)d;
    closes += ev->kind == IOT_EV_CLOSED;
}

static void on_result(void *ctx, struct iot_uplink *u, const struct iot_uplink_result *r)
{
    (void)ctx;
    (void)u;
    last = *r;
    results++;
    snprintf(reply, sizeof reply, "%.*s", (int)r->reply.len, (const char *)r->reply.ptr);
}

static void turn(void)
{
    uint32_t ms = iot_poll(&dev, peer_clock_ms());
    host_turn(ms < 20 ? ms : 20);
}

enum way { BY_CERTIFICATE, BY_KEY, BY_THE_PLATFORMS_KEY, SYMMETRIC };

static void begin(enum way way)
{
    bool key = way == BY_KEY || way == BY_THE_PLATFORMS_KEY;
    const uint16_t port = way == BY_CERTIFICATE ? peer_cloud.coap.cert
                          : key                 ? peer_cloud.coap.psk
                                                : peer_cloud.coap.plain;

    peer_seat(&seat, "dev001", PEER_DS);
    if (key) {
        seat.board.tls.kinds =
            IOT_TLS_PSK | (way == BY_THE_PLATFORMS_KEY ? (uint32_t)IOT_TLS_PLATFORM : 0u);
        seat.board.tls.ca = NULL;
        seat.board.tls.ca_count = 0;
    }
    seat.id.method = IOT_SIGN_HMACMD5;
    options = (struct iot_options){.on_event = on_event, .port_ops = &seat.board.port};
    client = (struct iot_coap_options){.host = COAP_HOST,
                                       .port = port,
                                       .tls = way == SYMMETRIC ? NULL : &seat.board.tls,
                                       .doubt_after = way == SYMMETRIC ? 0 : 2,
                                       .link = key ? &seat.id : NULL};
    uplink =
        (struct iot_uplink_options){.coap = &coap,
                                    .link = &seat.id,
                                    .port = &seat.board.port,
                                    .work = work,
                                    .work_bytes = sizeof work,
                                    .symmetric = way == SYMMETRIC ? &iot_uplink_symmetric : NULL,
                                    .on_result = on_result};
    results = closes = 0;
    assert_err(iot_device_init(&dev, &options), IOT_OK);
    assert_err(iot_coap_init(&coap, &dev, &client), IOT_OK);
    assert_err(iot_uplink_init(&up, &uplink), IOT_OK);
}

static void end(void)
{
    assert_err(iot_device_close(&dev, 5000), IOT_OK);
    UNTIL_WITH(turn, closes == 1);
}

static void report(int value)
{
    static char text[160];
    uint32_t before = results;
    const struct iot_uplink_post post = {
        .topic = TOPIC,
        .payload = {(const uint8_t *)text,
                    (uint32_t)snprintf(text, sizeof text,
                                       "{\"id\":\"1\",\"version\":\"1.0\",\"params\":{"
                                       "\"Brightness\":%d},\"method\":\"thing.event.property."
                                       "post\"}",
                                       value)},
        .format = IOT_COAP_JSON};

    assert_err(iot_uplink_post(&up, &post), IOT_OK);
    UNTIL_WITH(turn, results == before + 1);
}

static void is_known(int value)
{
    static char shown[65536];
    char expected[64];

    assert_true(host_cloud_command(peer_cloud.dir, "show " PEER_PK " dev001", shown, sizeof shown));
    snprintf(expected, sizeof expected, "Brightness {\"value\":%d,", value);
    if (strstr(shown, expected) == NULL)
        fail_msg("no %s in %s", expected, shown);
}

static void reports(enum way way, int value)
{
    begin(way);
    report(value);
    if (last.err != IOT_OK)
        fail_msg("%s %d", iot_err_name(last.err), (int)last.detail);
    assert_non_null(strstr(reply, "{\"code\":200"));
    is_known(value);
    report(value + 1);
    assert_err(last.err, IOT_OK);
    is_known(value + 1);
}

static void by_certificate(void **state)
{
    (void)state;
    reports(BY_CERTIFICATE, 10);
    end();
}

static void by_key(void **state)
{
    (void)state;
    reports(BY_KEY, 20);
    end();
}

static void by_key_with_the_suite_that_the_platform_has(void **state)
{
    (void)state;
    reports(BY_THE_PLATFORMS_KEY, 30);
    end();
}

static void in_the_symmetric_mode(void **state)
{
    (void)state;
    reports(SYMMETRIC, 40);
    end();
}

static void a_token_that_ends_is_got_anew(void **state)
{
    static const enum way ways[] = {BY_KEY, SYMMETRIC};
    (void)state;
    peer_cloud_command("option coap-token-s 0");
    for (size_t i = 0; i < COUNT(ways); i++) {
        begin(ways[i]);
        report(50); /* the new one is none, either */
        assert_err(last.err, IOT_ERR_UPLINK_TOKEN);
        peer_cloud_command("option coap-token-s 172800");
        report(51 + (int)i);
        assert_err(last.err, IOT_OK);
        is_known(51 + (int)i);
        end();
        peer_cloud_command("option coap-token-s 0");
    }
    peer_cloud_command("option coap-token-s 172800");
}

static void what_the_platform_answers_is_told(void **state)
{
    (void)state;
    begin(BY_CERTIFICATE);
    report(60);
    assert_err(last.err, IOT_OK);
    peer_cloud_command("option coap-code 5.00 1");
    report(61);
    assert_err(last.err, IOT_ERR_UPLINK_STATUS);
    assert_int_equal(last.detail, 500);
    report(200); /* not within the model */
    is_known(60);
    end();
    begin(SYMMETRIC);
    seat.id.device_secret = "0" PEER_DS;
    report(62);
    assert_err(last.err, IOT_ERR_UPLINK_STATUS);
    assert_int_equal(last.detail, 401);
    end();
}

static void faults_of_the_platform_cost_nothing(void **state)
{
    static const enum way ways[] = {BY_KEY, SYMMETRIC};
    static const char *const faults[] = {"drop-ack", "double-ack", "separate"};
    char line[64];
    (void)state;
    for (size_t w = 0; w < COUNT(ways); w++) {
        begin(ways[w]);
        for (size_t i = 0; i < COUNT(faults); i++) {
            snprintf(line, sizeof line, "option coap-%s 1", faults[i]);
            peer_cloud_command(line);
            report(70 + (int)i);
            assert_err(last.err, IOT_OK);
            is_known(70 + (int)i);
            snprintf(line, sizeof line, "option coap-%s 0", faults[i]);
            peer_cloud_command(line);
        }
        end();
    }
}

/* Over DTLS the association is gone, and without it the token, the key and the numbers. */
static void a_platform_that_was_cut_off_is_found_again(void **state)
{
    static const enum way ways[] = {BY_KEY, SYMMETRIC};
    (void)state;
    for (size_t w = 0; w < COUNT(ways); w++) {
        reports(ways[w], 80);
        heap_trap_off();
        host_cloud_cut(&peer_cloud);
        assert_true(host_cloud_restore(&peer_cloud));
        heap_trap_on();
        report(82);
        assert_err(last.err, IOT_OK);
        is_known(82);
        end();
    }
}

static void an_update_is_offered_to_who_asks(void **state)
{
    struct iot_ota_job job;
    (void)state;
    begin(BY_KEY);
    assert_err(iot_uplink_version(&up, NULL, "1.0.0"), IOT_OK);
    UNTIL_WITH(turn, results == 1);
    assert_err(last.err, IOT_OK);
    assert_err(iot_uplink_upgrade(&up, "1.0.0"), IOT_OK);
    UNTIL_WITH(turn, results == 2);
    assert_err(last.err, IOT_OK);
    assert_int_equal(last.reply.len, 0);
    peer_cloud_command("ota publish " PEER_PK
                       " dev001 https://ota.example.com/fw.bin version=2.0.0 "
                       "sign=sha256 size=10 digest=00112233445566778899aabbccddeeff"
                       "00112233445566778899aabbccddeeff");
    assert_err(iot_uplink_upgrade(&up, "1.0.0"), IOT_OK);
    UNTIL_WITH(turn, results == 3);
    assert_err(last.err, IOT_OK);
    assert_err(iot_ota_job_of_notice(text_bytes(reply), &job), IOT_OK);
    assert_err(iot_uplink_progress(&up, NULL, 30, NULL), IOT_OK);
    UNTIL_WITH(turn, results == 4);
    assert_err(iot_uplink_version(&up, NULL, "2.0.0"), IOT_OK);
    UNTIL_WITH(turn, results == 5);
    char shown[4096];
    assert_true(
        host_cloud_command(peer_cloud.dir, "ota show " PEER_PK " dev001", shown, sizeof shown));
    if (strstr(shown, "succeeded") == NULL)
        fail_msg("%s", shown);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOUD_TEST(by_certificate),
        CLOUD_TEST(by_key),
        CLOUD_TEST(by_key_with_the_suite_that_the_platform_has),
        CLOUD_TEST(in_the_symmetric_mode),
        CLOUD_TEST(a_token_that_ends_is_got_anew),
        CLOUD_TEST(what_the_platform_answers_is_told),
        CLOUD_TEST(faults_of_the_platform_cost_nothing),
        CLOUD_TEST(a_platform_that_was_cut_off_is_found_again),
        CLOUD_TEST(an_update_is_offered_to_who_asks),
    };
    return cmocka_run_group_tests(tests, group_setup, peer_cloud_group_teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the platform does by HTTPS, at the emulated one: over TLS, lwIP and its HTTP server, beside a device of MQTT. */
#include "peer_cloud.h"

#include "host/host_net.h"
#include "iot/iot_register.h"
#include "peer_broker.h"

#define PS    "Ps16CharSecret01"
#define TOPIC "/sys/" PEER_PK "/dev001/thing/event/property/post"

static struct peer_seat seat;
static struct iot_registration registration;

static struct iot_http http;
static struct iot_tls_options http_tls;
static struct iot_http_options http_options;
_Alignas(8) static uint8_t http_arena[PEER_ARENA_MAX];

static struct iot_web web;
static struct iot_web_options web_options;
static uint8_t work[1024];
static char auth[80], global[80], data[80];
static uint32_t results;
static struct iot_web_result result;
static uint8_t reply[256];
static bool waits; /* the device does not connect before the answer is in */

static void on_result(void *ctx, struct iot_web *w, const struct iot_web_result *r)
{
    (void)ctx;
    (void)w;
    result = *r;
    results++;
}

static iot_err login(struct peer_seat *s, struct iot_credentials *c)
{
    (void)s;
    return waits && results == 0 ? IOT_ERR_AGAIN : iot_web_credentials(&web, c);
}

/* A device that has an HTTP client; it does not connect before there was a result, if it `waits`. */
static void begin(const char *name, const char *secret, bool first)
{
    peer_seat(&seat, name, secret);
    if (secret == NULL) {
        registration = (struct iot_registration){.product_secret = PS};
        seat.id.registration = &registration;
        peer_trust_secret(&seat.board, text_bytes(PS));
    }
    seat.login = login;
    waits = first;
    results = 0;
    http_tls = seat.board.tls;
    http_tls.arena = http_arena;
    http_tls.arena_bytes = sizeof http_arena;
    http_tls.session_key = NULL;
    http_options = (struct iot_http_options){.tls = &http_tls};
    snprintf(auth, sizeof auth, "https://iot-auth.cn-shanghai.aliyuncs.com:%u",
             (unsigned)peer_cloud.https_port);
    snprintf(global, sizeof global, "https://iot-auth-global.aliyuncs.com:%u",
             (unsigned)peer_cloud.https_port);
    snprintf(data, sizeof data, "https://iot-as-http.cn-shanghai.aliyuncs.com:%u",
             (unsigned)peer_cloud.https_port);
    web_options = (struct iot_web_options){.http = &http,
                                           .link = &seat.id,
                                           .port = &seat.board.port,
                                           .work = work,
                                           .work_bytes = sizeof work,
                                           .auth = auth,
                                           .global = global,
                                           .data = data,
                                           .on_result = on_result};
    peer_begin(&seat.one);
    assert_err(iot_http_init(&http, &seat.one.dev, &http_options), IOT_OK);
    assert_err(iot_web_init(&web, &web_options), IOT_OK);
}

static void ended(uint32_t n, iot_err err, int32_t detail)
{
    UNTIL(results == n);
    if (result.err != err || result.detail != detail)
        fail_msg("%s, %d", iot_err_name(result.err), (int)result.detail);
}

static void connected(void)
{
    UNTIL(seat.one.kinds[IOT_EV_CONNECTED] == 1);
    assert_int_equal(seat.one.kinds[IOT_EV_LOST], 0);
}

static void bootstrap_says_where_and_the_device_connects_there(void **state)
{
    (void)state;
    for (int where = IOT_WEB_GLOBAL; where <= IOT_WEB_REGION_ID; where++) {
        begin("dev001", PEER_DS, true);
        seat.one.options.port = 1; /* nobody is there */
        assert_err(iot_web_bootstrap(&web, (enum iot_web_where)where), IOT_OK);
        ended(1, IOT_OK, 0);
        connected();
        peer_seat_close(&seat);
    }
}

static void bootstrap_leads_to_another_region(void **state)
{
    (void)state;
    peer_cloud_command("option region us-west-1");
    begin("dev001", PEER_DS, true);
    assert_err(iot_web_bootstrap(&web, IOT_WEB_GLOBAL), IOT_OK);
    ended(1, IOT_OK, 0);
    assert_string_equal(web.host, PEER_PK ".iot-as-mqtt.us-west-1.aliyuncs.com");
    connected();
    peer_cloud_command("option region cn-shanghai");
    peer_seat_close(&seat);
}

static void pre_authentication_gives_a_login(void **state)
{
    (void)state;
    begin("dev001", PEER_DS, true);
    assert_err(iot_web_login(&web), IOT_OK);
    ended(1, IOT_OK, 0);
    assert_string_equal(web.host, "public.iot-as-mqtt.cn-shanghai.aliyuncs.com");
    connected();
    assert_int_equal(peer_cloud_says("pre-authentication of " PEER_PK " dev001"), 1);
    assert_int_equal(peer_cloud_says("login " PEER_PK " dev001 accepted"), 1);
    peer_seat_close(&seat);
}

static void a_wrong_secret_is_refused_by_code(void **state)
{
    const struct iot_web_post post = {.topic = TOPIC};
    (void)state;
    begin("dev001", "1111111111111111", true);
    assert_err(iot_web_login(&web), IOT_OK);
    ended(1, IOT_ERR_LINK_CODE, 6600);
    assert_err(iot_web_post(&web, &post, peer_clock_ms()), IOT_OK);
    ended(2, IOT_ERR_LINK_CODE, 20000);
    peer_seat_close(&seat);
}

static void a_device_registers_and_logs_in(void **state)
{
    (void)state;
    begin("new001", NULL, true);
    seat.board.kv_again = 0;
    assert_err(iot_web_register(&web), IOT_OK);
    ended(1, IOT_OK, 0);
    const struct peer_kv *v = peer_trust_kv(&seat.board, "iot-ds");
    assert_non_null(v);
    assert_int_equal(v->len, 32);
    peer_trust_secret(&seat.board, (struct iot_bytes){v->bytes, v->len});
    connected();
    assert_int_equal(seat.one.kinds[IOT_EV_REGISTERED], 0); /* not by MQTT */
    assert_int_equal(peer_cloud_says("registration of " PEER_PK " new001 by https"), 1);
    /* activated now */
    assert_err(iot_web_register(&web), IOT_OK);
    ended(2, IOT_ERR_LINK_REGISTER, 6289);
    assert_int_equal(result.retry_ms, IOT_MS_NEVER);
    peer_seat_close(&seat);
}

static const char message[] = "{\"id\":\"1\",\"version\":\"1.0\",\"params\":{\"LightSwitch\":1},"
                              "\"method\":\"thing.event.property.post\"}";
static const struct iot_web_post post = {.topic = TOPIC,
                                         .payload = {(const uint8_t *)message, sizeof message - 1},
                                         .reply = reply,
                                         .reply_bytes = sizeof reply};

static void messages_go_up_and_are_answered(void **state)
{
    char shown[4096];
    (void)state;
    peer_cloud_command("option http-token-s 172800");
    begin("dev001", PEER_DS, false);
    assert_err(iot_web_post(&web, &post, peer_clock_ms()), IOT_OK);
    ended(1, IOT_OK, 0);
    assert_memory_equal(reply, "{\"code\":200,", 12);
    assert_true(host_cloud_command(peer_cloud.dir, "show " PEER_PK " dev001", shown, sizeof shown));
    assert_non_null(strstr(shown, "LightSwitch {\"value\":1"));
    assert_err(iot_web_post(&web, &post, peer_clock_ms()), IOT_OK);
    ended(2, IOT_OK, 0);
    assert_int_equal(peer_cloud_says("http token for " PEER_PK " dev001"), 1);
    const struct iot_web_post foreign = {.topic = "/" PEER_PK "/dev002/user/update"};
    assert_err(iot_web_post(&web, &foreign, peer_clock_ms()), IOT_OK);
    ended(3, IOT_ERR_LINK_CODE, 30001);
    connected(); /* beside it */
    peer_seat_close(&seat);
}

static void a_token_that_has_expired_is_renewed(void **state)
{
    (void)state;
    peer_cloud_command("option http-token-s 172800");
    begin("dev001", PEER_DS, false);
    assert_err(iot_web_post(&web, &post, peer_clock_ms()), IOT_OK);
    ended(1, IOT_OK, 0);
    web.token[0] = web.token[0] == 'a' ? 'b' : 'a'; /* as if the platform had forgotten it */
    assert_err(iot_web_post(&web, &post, peer_clock_ms()), IOT_OK);
    ended(2, IOT_OK, 0);
    assert_int_equal(peer_cloud_says("http token for " PEER_PK " dev001"), 2);
    peer_cloud_command("option http-token-s 0"); /* each is stale when it comes */
    web.token[0] = '\0';
    assert_err(iot_web_post(&web, &post, peer_clock_ms()), IOT_OK);
    ended(3, IOT_ERR_LINK_CODE, 20001);
    assert_int_equal(peer_cloud_says("http token for " PEER_PK " dev001"), 3);
    peer_cloud_command("option http-token-s 172800");
    peer_seat_close(&seat);
}

static void faults_of_the_server_have_names(void **state)
{
    (void)state;
    begin("dev001", PEER_DS, false);
    peer_cloud_command("option http-status 503");
    assert_err(iot_web_bootstrap(&web, IOT_WEB_GLOBAL), IOT_OK);
    ended(1, IOT_ERR_HTTP_STATUS, 503);
    peer_cloud_command("option http-status 0");
    peer_cloud_command("option http-cut 20");
    assert_err(iot_web_bootstrap(&web, IOT_WEB_GLOBAL), IOT_OK);
    UNTIL(results == 2);
    assert_true(result.err == IOT_ERR_HTTP_CUT || result.err == IOT_ERR_TLS_EOF ||
                result.err == IOT_ERR_TCP_RESET || result.err == IOT_ERR_TLS_CLOSED);
    peer_cloud_command("option http-cut 0");
    peer_cloud_command("option http-chunked on");
    assert_err(iot_web_bootstrap(&web, IOT_WEB_GLOBAL), IOT_OK);
    ended(3, IOT_OK, 0);
    peer_cloud_command("option http-chunked off");
    peer_cloud_command("option http-delay-ms 100");
    assert_err(iot_web_bootstrap(&web, IOT_WEB_GLOBAL), IOT_OK);
    assert_err(iot_web_cancel(&web), IOT_OK);
    ended(4, IOT_ERR_CLOSED, 0);
    peer_cloud_command("option http-delay-ms 0");
    peer_seat_close(&seat);
}

static int group_setup(void **state)
{
    static const char *const hosts[] = {
        "iot-auth.cn-shanghai.aliyuncs.com", "iot-auth-global.aliyuncs.com",
        "iot-as-http.cn-shanghai.aliyuncs.com", "public.iot-as-mqtt.cn-shanghai.aliyuncs.com",
        "public.iot-as-mqtt.us-west-1.aliyuncs.com"};
    if (peer_cloud_group_setup(state) != 0)
        return -1;
    for (uint32_t i = 0; i < COUNT(hosts); i++)
        if (!host_name_add(hosts[i], peer_loopback))
            return -1;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOUD_TEST(bootstrap_says_where_and_the_device_connects_there),
        CLOUD_TEST(bootstrap_leads_to_another_region),
        CLOUD_TEST(pre_authentication_gives_a_login),
        CLOUD_TEST(a_wrong_secret_is_refused_by_code),
        CLOUD_TEST(a_device_registers_and_logs_in),
        CLOUD_TEST(messages_go_up_and_are_answered),
        CLOUD_TEST(a_token_that_has_expired_is_renewed),
        CLOUD_TEST(faults_of_the_server_have_names),
    };
    return cmocka_run_group_tests_name("web", tests, group_setup, peer_cloud_group_teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "heap_trap.h"
#include "link/iot_link_profile.h"

#define AWAY_MS 300000u

static struct iot_link link_;
static struct iot_link_identity id;
static uint8_t scratch[1024];
static uint32_t signs;
static iot_err sign_says;

static iot_err sign(void *ctx, enum iot_sign_method method, struct iot_bytes text, uint8_t mac[32])
{
    (void)ctx;
    (void)method;
    (void)text;
    signs++;
    memset(mac, 0xab, 32);
    return sign_says;
}

static int setup(void **state)
{
    (void)state;
    id = (struct iot_link_identity){
        .product_key = "a1B2c3D4e5F", .device_name = "dev001", .device_secret = "5ecret"};
    memset(&link_, 0xee, sizeof link_);
    assert_err(iot_link_init(&link_, &id, NULL), IOT_OK);
    assert_false(link_.disabled);
    memset(scratch, 0xee, sizeof scratch);
    signs = 0;
    sign_says = IOT_OK;
    heap_trap_on();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    heap_trap_off();
    return 0;
}

/* ---- credentials ------------------------------------------------------------------------- */

static void init_refuses_what_is_no_identity(void **state)
{
    (void)state;
    id.device_secret = NULL;
    assert_err(iot_link_init(&link_, &id, NULL), IOT_ERR_ARG);
    id.sign = sign;
    assert_err(iot_link_init(&link_, &id, NULL), IOT_OK);
    id.device_name = "with blank";
    assert_err(iot_link_init(&link_, &id, NULL), IOT_ERR_ARG);
    assert_int_equal(signs, 0);
}

static void host_and_port_are_those_of_the_transport(void **state)
{
    static const struct {
        enum iot_link_transport transport;
        bool x509;
        const char *host;
        uint16_t port;
    } table[] = {
        {IOT_LINK_TLS, false, "a1B2c3D4e5F.iot-as-mqtt.cn-shanghai.aliyuncs.com", 443},
        {IOT_LINK_PLAIN, false, "a1B2c3D4e5F.iot-as-mqtt.cn-shanghai.aliyuncs.com", 1883},
        {IOT_LINK_TLS_PSK, false, "a1B2c3D4e5F.itls.cn-shanghai.aliyuncs.com", 1883},
        {IOT_LINK_TLS, true, "x509.itls.cn-shanghai.aliyuncs.com", 1883},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(table); i++) {
        for (int own = 0; own <= 1; own++) {
            struct iot_credentials c = {.host = own ? "own.example" : NULL, .port = own ? 8443 : 0};
            id.x509 = table[i].x509;
            assert_err(iot_link_credentials(&link_, c.host, table[i].transport, scratch,
                                            sizeof scratch, &c),
                       IOT_OK);
            assert_string_equal(c.host, own ? "own.example" : table[i].host);
            assert_int_equal(c.port, own ? 8443 : table[i].port);
            assert_int_equal(c.password.ptr == NULL, table[i].x509);
            /* all texts of its own lie in the scratch, one behind the other */
            assert_true(c.client_id.ptr >= scratch && c.user_name.ptr > c.client_id.ptr);
            assert_true(c.user_name.ptr + c.user_name.len <= scratch + sizeof scratch);
            assert_bytes(c.user_name, BYTES("dev001&a1B2c3D4e5F"));
        }
    }
}

static void each_scratch_that_is_too_small_is_said_to_be_and_not_overrun(void **state)
{
    struct iot_credentials c;
    uint32_t cap = 0;
    (void)state;
    for (;; cap++) {
        memset(&c, 0, sizeof c);
        iot_err err =
            iot_link_credentials(&link_, NULL, IOT_LINK_TLS, at_guard(NULL, cap), cap, &c);
        if (err == IOT_OK)
            break;
        assert_err(err, IOT_ERR_SIZE);
        assert_null(c.password.ptr);
    }
    assert_int_equal(cap, strlen(c.host) + 1 + c.client_id.len + c.user_name.len + c.password.len);
}

static void what_sign_says_is_handed_up(void **state)
{
    static const iot_err says[] = {IOT_ERR_AGAIN, IOT_ERR_KV, IOT_ERR_RANDOM};
    struct iot_credentials c = {0};
    (void)state;
    id.sign = sign;
    id.device_secret = NULL;
    for (uint32_t i = 0; i < COUNT(says); i++) {
        sign_says = says[i];
        assert_err(iot_link_credentials(&link_, NULL, IOT_LINK_TLS, scratch, sizeof scratch, &c),
                   says[i]);
        assert_null(c.password.ptr);
    }
    assert_int_equal(signs, COUNT(says));
}

/* What init checks has to be what connects. */
static void a_dry_run_asks_nobody_and_has_the_real_lengths(void **state)
{
    static const enum iot_link_transport transports[] = {IOT_LINK_TLS, IOT_LINK_PLAIN,
                                                         IOT_LINK_TLS_PSK};
    static uint8_t other[1024];
    (void)state;
    for (uint32_t i = 0; i < 3 * 3 * 2 * 2 * 2; i++) {
        setup(NULL);
        enum iot_link_transport transport = transports[i % 3];
        id.method = (enum iot_sign_method)(i / 3 % 3);
        id.sign = i / 9 % 2 ? sign : NULL;
        id.device_secret = i / 9 % 2 ? NULL : "5ecret";
        id.x509 = i / 18 % 2;
        id.custom = "a=b";
        const char *host = i / 36 % 2 ? "own.example" : NULL;
        struct iot_credentials dry = {0}, real = {0};
        link_.disabled = true;
        iot_err err =
            iot_link_dry_run(&link_, false, host, transport, scratch, sizeof scratch, &dry);
        assert_int_equal(signs, 0);
        assert_true(link_.disabled); /* nothing has happened */
        assert_int_equal(err,
                         iot_link_credentials(&link_, host, transport, other, sizeof other, &real));
        assert_err(err, id.x509 && transport == IOT_LINK_PLAIN ? IOT_ERR_ARG : IOT_OK);
        if (err != IOT_OK)
            continue;
        assert_false(link_.disabled); /* a new attempt */
        assert_int_equal(signs, id.sign != NULL && !id.x509);
        assert_string_equal(dry.host, real.host);
        assert_int_equal(dry.port, real.port);
        assert_bytes(dry.client_id, real.client_id);
        assert_bytes(dry.user_name, real.user_name);
        assert_int_equal(dry.password.len, real.password.len);
        assert_int_equal(dry.password.ptr == NULL, real.password.ptr == NULL);
    }
}

/* ---- why did it end? --------------------------------------------------------------------- */

static const enum iot_mqtt_stage stages[] = {IOT_MQTT_OPENING, IOT_MQTT_ASKED, IOT_MQTT_ACCEPTED,
                                             IOT_MQTT_STABLE};

static void assert_judged(enum iot_mqtt_stage stage, iot_err reason, int32_t detail,
                          iot_err expected)
{
    iot_err judged = reason;
    uint32_t away = iot_link_judge(&link_, stage, &judged, detail);
    assert_err(judged, expected);
    assert_int_equal(away, expected != reason ? AWAY_MS : 0);
}

static void refusals_are_named_by_their_code(void **state)
{
    (void)state;
    for (int32_t code = 0; code < 256; code++) {
        iot_err expected = code == 2   ? IOT_ERR_LINK_CLIENT_ID
                           : code == 4 ? IOT_ERR_LINK_SECRET
                           : code == 5 ? IOT_ERR_LINK_DENIED
                                       : IOT_ERR_MQTT_REFUSED;
        assert_judged(IOT_MQTT_ASKED, IOT_ERR_MQTT_REFUSED, code, expected);
        link_.disabled = true; /* a code says more */
        assert_judged(IOT_MQTT_ASKED, IOT_ERR_MQTT_REFUSED, code, expected);
        link_.disabled = false;
    }
}

static void every_reason_in_every_stage(void **state)
{
#define NUMBER(name, value, text) IOT_ERR_##name,
    static const iot_err all[] = {IOT_ERR_LIST(NUMBER)};
#undef NUMBER
    (void)state;
    for (uint32_t d = 0; d <= 1; d++) {
        for (uint32_t s = 0; s < COUNT(stages); s++) {
            for (uint32_t i = 0; i < COUNT(all); i++) {
                iot_err r = all[i], expected = r;
                bool in_order = r == IOT_ERR_TCP_EOF || r == IOT_ERR_TLS_CLOSED;
                bool by_peer = in_order || r == IOT_ERR_TCP_RESET || r == IOT_ERR_TLS_EOF;
                if (r == IOT_ERR_MQTT_REFUSED)
                    continue;
                if (by_peer && d)
                    expected = IOT_ERR_LINK_DISABLED;
                else if (in_order && stages[s] == IOT_MQTT_ACCEPTED)
                    expected = IOT_ERR_LINK_TWICE;
                else if (in_order && stages[s] == IOT_MQTT_ASKED)
                    expected = IOT_ERR_LINK_FLOW;
                else if (r == IOT_ERR_TLS_CLOSED && stages[s] == IOT_MQTT_OPENING)
                    expected = IOT_ERR_LINK_FLOW;
                link_.disabled = d;
                assert_judged(stages[s], r, 4, expected);
            }
        }
    }
}

/* ---- what the platform says about us ----------------------------------------------------- */

static bool disables(const char *topic)
{
    struct iot_msg msg = {.topic = {topic, (uint16_t)strlen(topic), 0}};
    /* a topic ends where it ends, not at a NUL */
    uint8_t *end = at_guard(topic, msg.topic.len);
    msg.topic.text = (const char *)end;
    link_.disabled = false;
    iot_link_notice(&link_, &msg);
    return link_.disabled;
}

static void disable_and_delete_are_heard(void **state)
{
    (void)state;
    assert_true(disables("/sys/a1B2c3D4e5F/dev001/thing/disable"));
    assert_true(disables("/sys/a1B2c3D4e5F/dev001/thing/delete"));
    assert_judged(IOT_MQTT_STABLE, IOT_ERR_TCP_EOF, 0, IOT_ERR_LINK_DISABLED);
}

static void enable_takes_it_back(void **state)
{
    (void)state;
    assert_true(disables("/sys/a1B2c3D4e5F/dev001/thing/disable"));
    struct iot_msg msg = {.topic = IOT_TOPIC("/sys/a1B2c3D4e5F/dev002/thing/enable")};
    iot_link_notice(&link_, &msg);
    assert_true(link_.disabled); /* another's */
    msg.topic = (struct iot_topic)IOT_TOPIC("/sys/a1B2c3D4e5F/dev001/thing/enable");
    iot_link_notice(&link_, &msg);
    assert_false(link_.disabled);
    assert_judged(IOT_MQTT_STABLE, IOT_ERR_TCP_EOF, 0, IOT_ERR_TCP_EOF);
}

static void other_topics_are_not_about_that(void **state)
{
    static const char *const topics[] = {
        "",
        "/",
        "/sys",
        "/sys/",
        "/thing/disable",
        "/sys/thing/disable",
        "/sys/a1B2c3D4e5F/dev001/thing/enable",
        "/sys/a1B2c3D4e5F/dev001/thing/disable_reply",
        "/sys/a1B2c3D4e5F/dev001/thing/disable/",
        "/sys/a1B2c3D4e5F/dev001/thing/disabl",
        "/ext/a1B2c3D4e5F/dev001/thing/disable",
        "sys/a1B2c3D4e5F/dev001/thing/disable",
        "/a1B2c3D4e5F/dev001/user/thing/disable",
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(topics); i++)
        assert_false(disables(topics[i]));
}

/* They come over the gateway's own connection. */
static void sub_devices_of_a_gateway_are_not_the_gateway(void **state)
{
    (void)state;
    assert_false(disables("/sys/a1B2c3D4e5F/dev002/thing/disable"));
    assert_false(disables("/sys/a1B2c3D4e5F/dev0011/thing/disable"));
    assert_false(disables("/sys/a1B2c3D4e5F/dev00/thing/delete"));
    assert_false(disables("/sys/another/dev001/thing/delete"));
    assert_false(disables("/sys/a1B2c3D4e5F/dev001/x/thing/delete"));
}

static void who_does_not_know_its_names_takes_all_for_itself(void **state)
{
    (void)state;
    id = (struct iot_link_identity){.x509 = true};
    assert_err(iot_link_init(&link_, &id, NULL), IOT_OK);
    assert_true(disables("/sys/a1B2c3D4e5F/dev001/thing/disable"));
    assert_false(disables("/sys/a1B2c3D4e5F/dev001/thing/enable"));
    assert_false(disables("/ext/x/thing/disable"));
}

static void a_new_attempt_starts_with_a_clean_slate(void **state)
{
    struct iot_credentials c = {0};
    (void)state;
    assert_true(disables("/sys/a1B2c3D4e5F/dev001/thing/disable"));
    assert_err(iot_link_credentials(&link_, NULL, IOT_LINK_TLS, scratch, sizeof scratch, &c),
               IOT_OK);
    assert_judged(IOT_MQTT_STABLE, IOT_ERR_TCP_EOF, 0, IOT_ERR_TCP_EOF);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(init_refuses_what_is_no_identity),
        CASE(host_and_port_are_those_of_the_transport),
        CASE(each_scratch_that_is_too_small_is_said_to_be_and_not_overrun),
        CASE(what_sign_says_is_handed_up),
        CASE(a_dry_run_asks_nobody_and_has_the_real_lengths),
        CASE(refusals_are_named_by_their_code),
        CASE(every_reason_in_every_stage),
        CASE(disable_and_delete_are_heard),
        CASE(enable_takes_it_back),
        CASE(other_topics_are_not_about_that),
        CASE(sub_devices_of_a_gateway_are_not_the_gateway),
        CASE(who_does_not_know_its_names_takes_all_for_itself),
        CASE(a_new_attempt_starts_with_a_clean_slate),
    };
    return cmocka_run_group_tests_name("link_profile", tests, NULL, NULL);
}

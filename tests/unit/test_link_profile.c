/* SPDX-License-Identifier: Apache-2.0 */
/* What the platform means when it ends a connection, and what it says about a device before. */
#include "test.h"

#include "link/iot_link_profile.h"

#define PK   "a1B2c3D4e5F"
#define AWAY 300000u

static struct iot_link_identity id;
static struct iot_link plat;

static int setup(void **state)
{
    (void)state;
    id = (struct iot_link_identity){
        .product_key = PK, .device_name = "dev001", .device_secret = "0f1e"};
    return iot_link_init(&plat, &id) == IOT_OK ? 0 : -1;
}

static void hear(const char *topic)
{
    struct iot_msg msg = {.topic = {(const char *)at_guard(topic, (uint32_t)strlen(topic)),
                                    (uint16_t)strlen(topic), 0}};

    iot_link_notice(&plat, &msg);
}

static void judged(enum iot_mqtt_stage stage, iot_err err, int32_t detail, iot_err expected)
{
    iot_err reason = err;
    uint32_t away = iot_link_judge(&plat, stage, &reason, detail);

    assert_err(reason, expected);
    assert_int_equal(away, expected == err ? 0 : AWAY);
}

/* ---- judge ------------------------------------------------------------------------------- */

static void refusals_have_names(void **state)
{
    (void)state;
    judged(IOT_MQTT_ASKED, IOT_ERR_MQTT_REFUSED, 2, IOT_ERR_LINK_CLIENT_ID);
    judged(IOT_MQTT_ASKED, IOT_ERR_MQTT_REFUSED, 4, IOT_ERR_LINK_SECRET);
    judged(IOT_MQTT_ASKED, IOT_ERR_MQTT_REFUSED, 5, IOT_ERR_LINK_DENIED);
    judged(IOT_MQTT_ASKED, IOT_ERR_MQTT_REFUSED, 1, IOT_ERR_MQTT_REFUSED);
    judged(IOT_MQTT_ASKED, IOT_ERR_MQTT_REFUSED, 3, IOT_ERR_MQTT_REFUSED);
    judged(IOT_MQTT_ASKED, IOT_ERR_MQTT_REFUSED, 6, IOT_ERR_MQTT_REFUSED);
}

static void an_end_by_the_peer_is_judged_by_when_it_comes(void **state)
{
    static const iot_err ends[] = {IOT_ERR_TLS_CLOSED, IOT_ERR_TLS_EOF, IOT_ERR_TCP_EOF,
                                   IOT_ERR_TCP_RESET};
    (void)state;
    for (uint32_t i = 0; i < COUNT(ends); i++) {
        judged(IOT_MQTT_OPENING, ends[i], 0, i == 0 ? IOT_ERR_LINK_FLOW : ends[i]);
        judged(IOT_MQTT_ASKED, ends[i], 0, IOT_ERR_LINK_FLOW);
        judged(IOT_MQTT_ACCEPTED, ends[i], 0, IOT_ERR_LINK_TWICE);
        judged(IOT_MQTT_STABLE, ends[i], 0, ends[i]);
        plat.disabled = true;
        judged(IOT_MQTT_STABLE, ends[i], 0, IOT_ERR_LINK_DISABLED);
        judged(IOT_MQTT_ACCEPTED, ends[i], 0, IOT_ERR_LINK_DISABLED);
        plat.disabled = false;
    }
}

static void other_ends_are_what_they_are(void **state)
{
    static const iot_err ends[] = {IOT_ERR_NET_DOWN,    IOT_ERR_NET_CHANGED, IOT_ERR_TLS_VERIFY,
                                   IOT_ERR_TCP_REFUSED, IOT_ERR_KV,          IOT_ERR_TLS_ALERT};
    (void)state;
    for (uint32_t disabled = 0; disabled <= 1; disabled++) {
        plat.disabled = disabled;
        for (uint32_t i = 0; i < COUNT(ends); i++)
            for (int stage = IOT_MQTT_OPENING; stage <= IOT_MQTT_STABLE; stage++)
                judged((enum iot_mqtt_stage)stage, ends[i], 0, ends[i]);
    }
}

/* ---- notice ------------------------------------------------------------------------------ */

static void only_what_is_said_about_itself_counts(void **state)
{
    static const char *const others[] = {
        "/sys/a1SubPr0d01/sub001/thing/disable", /* a sub-device's, to its gateway */
        "/sys/" PK "/dev0011/thing/disable",
        "/sys/" PK "/dev00/thing/disable",
        "/sys/" PK "/dev001/thing/disable/x",
        "/sys/" PK "/dev001/thing/disabl",
        "/sys/" PK "/dev001/x/thing/disable",
        "/sys/" PK "/dev001/thing/disable_reply",
        "/sys/" PK "/dev001/",
        "/sys/" PK "/dev001",
        "/sys/" PK,
        "/sys/",
        "/sys",
        "/",
        "/" PK "/dev001/thing/disable",
        "thing/disable",
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(others); i++) {
        hear(others[i]);
        assert_false(plat.disabled);
    }
    hear("/sys/" PK "/dev001/thing/disable");
    assert_true(plat.disabled);
    hear("/sys/a1SubPr0d01/sub001/thing/enable");
    assert_true(plat.disabled);
    hear("/sys/" PK "/dev001/thing/enable");
    assert_false(plat.disabled);
    hear("/sys/" PK "/dev001/thing/delete");
    assert_true(plat.disabled);
}

static void who_does_not_know_its_names_believes_any(void **state)
{
    (void)state;
    id = (struct iot_link_identity){.x509 = true, .client_id = "box"};
    assert_err(iot_link_init(&plat, &id), IOT_OK);
    hear("/sys//thing/disable");
    hear("/sys/a/thing/disable");
    hear("/sys/a");
    hear("/sys/a/");
    assert_false(plat.disabled);
    hear("/sys/a/b/thing/disable");
    assert_true(plat.disabled);
}

/* ---- credentials ------------------------------------------------------------------------- */

static void an_attempt_begins_enabled_and_says_where_it_goes(void **state)
{
    static uint8_t scratch[IOT_LINK_HOST_MAX + 1 + IOT_LINK_LOGIN_MAX];
    struct iot_credentials who = {.port = 0};
    (void)state;
    plat.disabled = true;
    assert_err(iot_link_credentials(&plat, NULL, IOT_LINK_TLS, scratch, sizeof scratch, &who),
               IOT_OK);
    assert_false(plat.disabled);
    assert_string_equal(who.host, PK ".iot-as-mqtt.cn-shanghai.aliyuncs.com");
    assert_int_equal(who.port, 443);
    assert_bytes(who.user_name, BYTES("dev001&" PK));

    who.port = 1884;
    assert_err(iot_link_credentials(&plat, "own", IOT_LINK_PLAIN, scratch, sizeof scratch, &who),
               IOT_OK);
    assert_string_equal(who.host, "own");
    assert_int_equal(who.port, 1884);
    assert_ptr_equal(who.client_id.ptr, scratch);

    who.port = 0;
    assert_err(iot_link_credentials(&plat, NULL, IOT_LINK_TLS_PSK, scratch, sizeof scratch, &who),
               IOT_OK);
    assert_int_equal(who.port, 1883);
}

/* Each size in turn, at the end of memory: it fits, or says that it does not. */
static void a_scratch_that_is_too_small_says_so_and_keeps_no_password(void **state)
{
    struct iot_credentials who = {.port = 0};
    uint32_t n = 0;
    (void)state;
    for (iot_err err = IOT_ERR_SIZE; err != IOT_OK; n++) {
        uint8_t *scratch = at_guard(NULL, n);
        memset(scratch, 0, n);
        who.password = (struct iot_bytes){NULL, 0};
        err = iot_link_credentials(&plat, NULL, IOT_LINK_TLS, scratch, n, &who);
        if (err != IOT_OK) {
            assert_err(err, IOT_ERR_SIZE);
            assert_null(who.password.ptr);
        }
    }
    assert_in_range(n, 200, 300);
    assert_ptr_equal(who.password.ptr + who.password.len, at_guard(NULL, 0));
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(refusals_have_names),
        CASE(an_end_by_the_peer_is_judged_by_when_it_comes),
        CASE(other_ends_are_what_they_are),
        CASE(only_what_is_said_about_itself_counts),
        CASE(who_does_not_know_its_names_believes_any),
        CASE(an_attempt_begins_enabled_and_says_where_it_goes),
        CASE(a_scratch_that_is_too_small_says_so_and_keeps_no_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

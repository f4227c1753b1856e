/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "mqtt/iot_mqtt_login.h"

static void options_become_credentials(void **state)
{
    struct iot_credentials who;
    struct iot_options opt = {.host = "h", .client_id = "c", .password = BYTES("p")};
    (void)state;
    iot_mqtt_credentials(&opt, &who);
    assert_ptr_equal(who.host, opt.host);
    assert_bytes(who.client_id, BYTES("c"));
    assert_null(who.user_name.ptr);
    assert_bytes(who.password, BYTES("p"));
    opt.user_name = "";
    iot_mqtt_credentials(&opt, &who);
    assert_non_null(who.user_name.ptr); /* present and empty is not absent */
    assert_int_equal(who.user_name.len, 0);
}

static void the_port_is_that_of_the_transport_unless_it_is_given(void **state)
{
    static const struct iot_tls_options tls;
    static const struct iot_link_identity identity;
    struct iot_credentials who;
    struct iot_options opt = {.host = "h"};
    (void)state;
    iot_mqtt_credentials(&opt, &who);
    assert_int_equal(who.port, 1883);
    opt.tls = &tls;
    iot_mqtt_credentials(&opt, &who);
    assert_int_equal(who.port, 8883);
    opt.link = &identity;
    iot_mqtt_credentials(&opt, &who);
    assert_int_equal(who.port, 0); /* src/link knows */
    opt.port = 77;
    iot_mqtt_credentials(&opt, &who);
    assert_int_equal(who.port, 77);
}

static void connect_and_staged_texts_share_the_window_and_never_a_byte(void **state)
{
    static uint8_t window[1025];
    uint32_t cap;
    (void)state;
    for (uint32_t bytes = 128; bytes <= sizeof window; bytes++) {
        struct iot_credentials who = {.client_id = BYTES("c")};
        uint8_t *scratch = iot_mqtt_login_scratch(window, bytes, &cap);
        assert_true(scratch + cap == window + bytes);
        assert_int_equal(iot_mqtt_login_room(window, bytes, &who), bytes);
        who.password = (struct iot_bytes){scratch, 1};
        assert_true(window + iot_mqtt_login_room(window, bytes, &who) == scratch);
        who.password = (struct iot_bytes){window + bytes, 1}; /* right behind it */
        assert_int_equal(iot_mqtt_login_room(window, bytes, &who), bytes);
        who.user_name = (struct iot_bytes){window + bytes - 1, 1};
        assert_true(iot_mqtt_login_room(window, bytes, &who) <= (uint32_t)(scratch - window));
        who.user_name = (struct iot_bytes){NULL, 0};
        who.client_id = (struct iot_bytes){scratch + 3, 1};
        assert_true(iot_mqtt_login_room(window, bytes, &who) <= (uint32_t)(scratch - window));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_become_credentials),
        cmocka_unit_test(the_port_is_that_of_the_transport_unless_it_is_given),
        cmocka_unit_test(connect_and_staged_texts_share_the_window_and_never_a_byte),
    };
    return cmocka_run_group_tests_name("mqtt_login", tests, NULL, NULL);
}

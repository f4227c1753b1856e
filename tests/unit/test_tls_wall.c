/* SPDX-License-Identifier: Apache-2.0 */
/* A device asks the platform for the time, and its TLS judges certificates by the answer, if it may. */
#include "alink_device.h"

#include "device/iot_device_wall.h"
#include "tls/iot_tls_mbedtls.h"

static const struct iot_port port = {.random = even_bytes};
static struct iot_tls_options tls;
static struct iot_tls_state peer; /* as of a link whose chain is good from 1000 to 2000 s */

static int setup(void **state)
{
    (void)state;
    alink_setup(&port);
    alink_begin();
    memset(&peer, 0, sizeof peer);
    iot_tls_init(&dev.tls, &stub.base, &tls, &port);
    iot_device_wall_init(&dev, &dev.tls.core);
    dev.tls.core.state = &peer;
    dev.tls.core.valid_from_s = 1000;
    dev.tls.core.valid_to_s = 2000;
    opt.tls = &tls;
    return 0;
}

static void tell_time(int64_t ms)
{
    char payload[200];

    assert_err(iot_time_ask(&dev, NULL), IOT_OK);
    published();
    snprintf(payload, sizeof payload,
             "{\"deviceSendTime\":%lld,\"serverRecvTime\":%lld,\"serverSendTime\":%lld}",
             (long long)dev.alink.cloud.time_sent, (long long)ms, (long long)ms);
    feed("/ext/ntp/" OURS "/response", payload);
}

static void tls_judges_by_what_an_authenticated_server_told(void **state)
{
    int64_t now_s;
    (void)state;

    assert_false(iot_tls_wall(&dev.tls.core, &now_s));
    tell_time(1500999);
    assert_told("TIME OK 1 \n");
    assert_true(iot_tls_wall(&dev.tls.core, &now_s));
    assert_int_equal(now_s, 1500);
    run(1000);
    dev.wake = true;
    run(0);
    assert_true(iot_tls_wall(&dev.tls.core, &now_s));
    assert_int_equal(now_s, 1501);
}

static void nobody_vouches_for_a_time_at_which_his_certificate_is_bad(void **state)
{
    int64_t now_s;
    (void)state;

    tell_time(2001000);
    tell_time(999000);
    assert_told("TIME OK 0 \nTIME OK 0 \n");
    assert_false(iot_tls_wall(&dev.tls.core, &now_s));
    tell_time(1500000);
    tell_time(2001000); /* the trusted one stays */
    assert_told("TIME OK 1 \nTIME OK 0 \n");
    assert_true(iot_tls_wall(&dev.tls.core, &now_s));
    assert_int_equal(now_s, 1500);
}

static void over_plain_tcp_time_is_told_and_not_trusted(void **state)
{
    int64_t now_s;
    (void)state;

    opt.tls = NULL;
    tell_time(1500000);
    assert_told("TIME OK 0 \n");
    assert_false(iot_tls_wall(&dev.tls.core, &now_s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(tls_judges_by_what_an_authenticated_server_told, setup),
        cmocka_unit_test_setup(nobody_vouches_for_a_time_at_which_his_certificate_is_bad, setup),
        cmocka_unit_test_setup(over_plain_tcp_time_is_told_and_not_trusted, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

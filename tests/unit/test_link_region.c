/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "heap_trap.h"
#include "link/iot_link_region.h"

static struct iot_link_identity identity(void)
{
    return (struct iot_link_identity){
        .product_key = "a1B2c3D4e5F", .device_name = "dev001", .device_secret = "0f1e"};
}

static void assert_host(const struct iot_link_identity *id, enum iot_link_transport transport,
                        const char *expected)
{
    char host[IOT_LINK_HOST_MAX + 1];

    heap_trap_on();
    iot_err err = iot_link_host(id, transport, host, sizeof host);
    heap_trap_off();
    assert_err(err, IOT_OK);
    assert_string_equal(host, expected);
}

static void without_a_region_it_is_shanghai(void **state)
{
    struct iot_link_identity id = identity();
    (void)state;

    assert_host(&id, IOT_LINK_TLS, "a1B2c3D4e5F.iot-as-mqtt.cn-shanghai.aliyuncs.com");
    assert_host(&id, IOT_LINK_PLAIN, "a1B2c3D4e5F.iot-as-mqtt.cn-shanghai.aliyuncs.com");
}

static void every_region_has_its_host_newer_ones_too(void **state)
{
    static const char *const regions[] = {"cn-shanghai",  "ap-southeast-1", "ap-northeast-1",
                                          "us-west-1",    "eu-central-1",   "us-east-1",
                                          "on-the-moon-9"};
    struct iot_link_identity id = identity();
    char expected[IOT_LINK_HOST_MAX + 1];
    (void)state;

    for (size_t i = 0; i < COUNT(regions); i++) {
        id.region = regions[i];
        snprintf(expected, sizeof expected, "a1B2c3D4e5F.iot-as-mqtt.%s.aliyuncs.com", regions[i]);
        assert_host(&id, IOT_LINK_TLS, expected);
    }
}

static void an_instance_goes_before_the_region(void **state)
{
    struct iot_link_identity id = identity();
    (void)state;

    id.region = "us-west-1";
    id.instance_id = "iot-06z00abc";
    for (int t = IOT_LINK_TLS; t <= IOT_LINK_TLS_PSK; t++)
        assert_host(&id, (enum iot_link_transport)t, "iot-06z00abc.mqtt.iothub.aliyuncs.com");
    id.instance_id = ""; /* the public one */
    assert_host(&id, IOT_LINK_TLS, "a1B2c3D4e5F.iot-as-mqtt.us-west-1.aliyuncs.com");
}

static void psk_and_client_certificates_have_hosts_of_their_own(void **state)
{
    struct iot_link_identity id = identity();
    (void)state;

    assert_host(&id, IOT_LINK_TLS_PSK, "a1B2c3D4e5F.itls.cn-shanghai.aliyuncs.com");
    id.x509 = true;
    assert_host(&id, IOT_LINK_TLS, "x509.itls.cn-shanghai.aliyuncs.com");
    id = (struct iot_link_identity){.x509 = true}; /* names are read from the certificate */
    assert_host(&id, IOT_LINK_TLS, "x509.itls.cn-shanghai.aliyuncs.com");
}

static void what_is_no_identity_has_no_host(void **state)
{
    struct iot_link_identity id = identity();
    char host[IOT_LINK_HOST_MAX + 1];
    (void)state;

    id.product_key = NULL;
    assert_err(iot_link_host(&id, IOT_LINK_TLS, host, sizeof host), IOT_ERR_ARG);
    id = identity();
    id.region = "evil.example.org/";
    assert_err(iot_link_host(&id, IOT_LINK_TLS, host, sizeof host), IOT_ERR_ARG);
}

static void the_longest_host_fits_just_and_is_never_cut(void **state)
{
    struct iot_link_identity ids[2] = {identity(), identity()};
    uint32_t longest = 0;
    (void)state;

    ids[0].product_key = "12345678901234567890";
    ids[0].region = "12345678901234567890123456789012";
    ids[1].instance_id = "123456789012345678901234567890123456789012345678";
    for (size_t i = 0; i < COUNT(ids); i++) {
        char whole[IOT_LINK_HOST_MAX + 1];
        assert_err(iot_link_host(&ids[i], IOT_LINK_TLS, whole, sizeof whole), IOT_OK);
        uint32_t need = (uint32_t)strlen(whole) + 1;
        for (uint32_t cap = 0; cap <= need; cap++) {
            char *room = (char *)at_guard(NULL, cap);
            iot_err err = iot_link_host(&ids[i], IOT_LINK_TLS, room, cap);
            assert_err(err, cap < need ? IOT_ERR_SIZE : IOT_OK);
            if (err == IOT_OK)
                assert_string_equal(room, whole);
        }
        if (need - 1 > longest)
            longest = need - 1;
    }
    assert_true(longest <= IOT_LINK_HOST_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_region_it_is_shanghai),
        cmocka_unit_test(every_region_has_its_host_newer_ones_too),
        cmocka_unit_test(an_instance_goes_before_the_region),
        cmocka_unit_test(psk_and_client_certificates_have_hosts_of_their_own),
        cmocka_unit_test(what_is_no_identity_has_no_host),
        cmocka_unit_test(the_longest_host_fits_just_and_is_never_cut),
    };
    return cmocka_run_group_tests_name("link_region", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A client of CoAP whose key for DTLS is made of the platform's identity. */
#include "stub_coap.h"

#include "iot/iot_register.h"

#define PK "a1B2c3D4e5F"
#define DN "dev001"
#define DS "0f1e2d3c4b5a69788796a5b4c3d2e1f0"

static struct iot_link_identity id;
static struct iot_registration registration;
static struct iot_port kv_port;
static iot_err kv_says, sign_says;
static char kv_secret[65];

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    (void)ctx;
    assert_string_equal(key, "iot-ds");
    if (kv_says == IOT_OK) {
        *len = (uint32_t)strlen(kv_secret);
        assert_true(*len <= cap);
        memcpy(into, kv_secret, *len);
    }
    return kv_says;
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    (void)ctx, (void)key, (void)bytes, (void)len;
    return IOT_ERR_KV;
}

static iot_err sign(void *ctx, enum iot_sign_method method, struct iot_bytes text, uint8_t mac[32])
{
    (void)ctx;
    assert_int_equal(method, IOT_SIGN_HMACSHA256);
    assert_bytes(text, BYTES("id" PK "&" DN "timestamp2524608000000"));
    memset(mac, 0xa5, 32);
    return sign_says;
}

static int setup(void **state)
{
    stub_coap_blank(state);
    kv_port = stub_coap_port;
    kv_port.kv_get = kv_get;
    kv_port.kv_set = kv_set;
    opt.port_ops = &kv_port;
    id = (struct iot_link_identity){.product_key = PK, .device_name = DN, .device_secret = DS};
    registration = (struct iot_registration){.product_secret = "Ps16CharSecret01"};
    registration.kind = IOT_REGISTER_SECRET;
    kv_says = sign_says = IOT_OK;
    strcpy(kv_secret, DS);
    tls.kinds = IOT_TLS_PSK;
    options.tls = &tls;
    options.link = &id;
    assert_err(iot_device_init(&dev, &opt), IOT_OK);
    return 0;
}

static iot_err init(void)
{
    psk_source = false;
    memset(&hub, 0xee, sizeof hub);
    return iot_coap_init(&hub, &dev, &options);
}

static iot_err psk(char *name, char *key)
{
    uint8_t identity[IOT_TLS_PSK_IDENTITY_MAX], bytes[IOT_TLS_PSK_MAX];
    uint32_t len = 77;
    iot_err err;

    heap_trap_on();
    err = hub.dtls.core.psk(hub.dtls.core.psk_ctx, identity, &len, bytes);
    heap_trap_off();
    sprintf(name, "%.*s", err == IOT_OK ? (int)len : 0, (char *)identity);
    sprintf(key, "%.*s", err == IOT_OK ? 64 : 0, (char *)bytes);
    return err;
}

/* As the reference has it. */
static void has_the_platforms_key(void)
{
    char name[128], key[128];

    assert_err(psk(name, key), IOT_OK);
    assert_string_equal(name, "devicename|hmacsha256|" PK "&" DN "|2524608000000");
    assert_string_equal(key, "A7D53EBFA05AEF3B659F5D637B923FC992E833FE01F79956FA3C6CB739C2C6BE");
}

static void a_secret_makes_the_key(void **state)
{
    (void)state;
    assert_err(init(), IOT_OK);
    assert_true(psk_source);
    has_the_platforms_key();
    tls.kinds |= IOT_TLS_PLATFORM;
    setup(NULL);
    assert_err(init(), IOT_OK);
    has_the_platforms_key();
}

static void a_secure_element_makes_it(void **state)
{
    char name[128], key[128];
    (void)state;
    id.device_secret = NULL;
    id.sign = sign;
    assert_err(init(), IOT_OK);
    assert_true(psk_source);
    sign_says = IOT_ERR_AGAIN;
    assert_err(psk(name, key), IOT_ERR_AGAIN);
    sign_says = IOT_OK;
    assert_err(psk(name, key), IOT_OK);
    assert_string_equal(key, "A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5");
}

static void a_secret_that_was_registered_is_read_each_time(void **state)
{
    char name[128], key[128];
    (void)state;
    id.device_secret = NULL;
    id.registration = &registration;
    assert_err(init(), IOT_OK);
    assert_true(psk_source);
    has_the_platforms_key();
    kv_says = IOT_ERR_AGAIN;
    assert_err(psk(name, key), IOT_ERR_AGAIN);
    kv_says = IOT_ERR_STATE; /* it does not register by CoAP: MQTT, or HTTPS, has to */
    assert_err(psk(name, key), IOT_ERR_KV);
    kv_says = IOT_OK;
    has_the_platforms_key();
    kv_port.kv_get = NULL;
    setup(NULL);
    id.device_secret = NULL;
    id.registration = &registration;
    kv_port.kv_get = NULL;
    assert_err(init(), IOT_ERR_ARG);
}

static void who_has_no_secret_has_no_key(void **state)
{
    (void)state;
    id.device_secret = NULL;
    id.x509 = true;
    assert_err(init(),
               IOT_OK); /* iot_dtls_check is a stub here: told that there is none, it refuses PSK */
    assert_false(psk_source);
    setup(NULL);
    id.device_secret = NULL;
    id.registration = &registration;
    registration.kind = IOT_REGISTER_NWL;
#if IOT_FEATURE_REGISTER
    assert_err(init(), IOT_OK);
    assert_false(psk_source);
#endif
    setup(NULL);
    options.link = NULL;
    assert_err(init(), IOT_OK);
    assert_false(psk_source);
}

static void an_identity_that_cannot_be_is_refused(void **state)
{
    (void)state;
    id.device_name = NULL;
    assert_err(init(), IOT_ERR_ARG);
    setup(NULL);
    id.device_secret = "not a secret";
    assert_err(init(), IOT_ERR_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_secret_makes_the_key, setup),
        cmocka_unit_test_setup(a_secure_element_makes_it, setup),
        cmocka_unit_test_setup(a_secret_that_was_registered_is_read_each_time, setup),
        cmocka_unit_test_setup(who_has_no_secret_has_no_key, setup),
        cmocka_unit_test_setup(an_identity_that_cannot_be_is_refused, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

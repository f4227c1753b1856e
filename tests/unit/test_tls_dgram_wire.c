/* SPDX-License-Identifier: Apache-2.0 */
/* DTLS against a server, in virtual time: what a network does to each single datagram, and who may do what to us. */
#include "test.h"

#include "certs.h"
#include "tls_dgram_world.h"

static struct dgram_world world, *const w = &world;

static int setup(void **state)
{
    (void)state;
    dworld_init(w);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dworld_end(w);
    return 0;
}

static void a_key_opens_with_ccm_8(void **state)
{
    (void)state;
    dworld_connect(w);
    assert_string_equal(iot_dtls_suite(&w->dtls), "TLS-PSK-WITH-AES-128-CCM-8");
    dworld_talk(w);
    dworld_close(w);
}

static void a_certificate_opens(void **state)
{
    (void)state;
    dworld_by_certificate(w);
    dworld_connect(w);
    assert_string_equal(iot_dtls_suite(&w->dtls), "TLS-ECDHE-ECDSA-WITH-AES-128-CCM-8");
    dworld_talk(w);
    dworld_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_opens_with_ccm_8, setup, teardown),
        cmocka_unit_test_setup_teardown(a_certificate_opens, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* DTLS with a server that is not ours, or to whom we are nobody: each has its name, soon. */
#include "test.h"

#include "certs.h"
#include "tls_dgram_world.h"

#define GCM 0x00A8

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

/* It ends so, within `ms`, with nothing left; and the next attempt, with everything right, comes up. */
static void assert_refused(iot_err expected, int32_t detail, uint32_t ms)
{
    iot_time began = w->now;
    assert_err(dworld_open(w), IOT_OK);
    assert_err(dworld_run(w), expected);
    assert_int_equal(w->dtls.base.ops->detail(&w->dtls.base), detail);
    assert_true(w->now - began <= ms);
    assert_err(dworld_poll(w), expected); /* it sticks */
    assert_false(dtls_server_up(w->server, w->address));
    assert_null(w->dtls.core.state);
    assert_int_equal(w->stub.state, DGRAM_CLOSED);
}

static void another_key_is_named(void **state)
{
    (void)state;
    w->opt.psk = BYTES("a key of 16 bytf");
    assert_refused(IOT_ERR_TLS_PSK, 20, 1000);
    uint32_t said = w->count;
    assert_true(said == 6 && !w->log[5].ours);
    w->count = 0;
    w->trick = WIRE_LOSE; /* a server that only drops what it cannot decrypt: it spoke until then */
    w->trick_at = said;
    assert_refused(IOT_ERR_TLS_PSK, 0, IOT_TLS_HANDSHAKE_MS);
    w->opt.psk = BYTES("a key of 16 byte");
    dworld_connect(w);
}

static void another_identity_is_named(void **state)
{
    (void)state;
    w->opt.psk_identity = BYTES("lump");
    assert_refused(IOT_ERR_TLS_PSK, 115, 1000);
    w->opt.psk_identity = BYTES("lamp");
    dworld_connect(w);
}

static void nothing_in_common_is_named(void **state)
{
    static const int suites[] = {0xC02F, 0}; /* RSA, which it does not have */
    (void)state;
    w->sopt.suites = suites;
    assert_refused(IOT_ERR_TLS_KIND, 40, 1000);
}

static void another_authority_is_named(void **state)
{
    (void)state;
    dworld_by_certificate(w);
    w->ca[0] = cert_edge; /* which is none */
    assert_refused(IOT_ERR_TLS_VERIFY, IOT_TLS_FAULT_CA, 0);
    w->ca[0] = cert_ca;
    dworld_connect(w);
}

static void another_name_is_named(void **state)
{
    (void)state;
    dworld_by_certificate(w);
    w->opt.server_name = "b.example";
    assert_refused(IOT_ERR_TLS_VERIFY, IOT_TLS_FAULT_NAME, 0);
    w->opt.server_name = "a.example";
    dworld_connect(w);
}

static void dates_are_judged(void **state)
{
    (void)state;
    dworld_by_certificate(w);
    w->wall_says = IOT_OK;
    w->wall_s = 1709164799; /* a second before its first day, 2024-02-29 */
    assert_refused(IOT_ERR_TLS_VERIFY, IOT_TLS_FAULT_NOT_YET, 0);
    w->wall_s = 2524608000; /* a second behind its last, 2049-12-31 */
    assert_refused(IOT_ERR_TLS_VERIFY, IOT_TLS_FAULT_EXPIRED, 0);
    w->wall_says = IOT_ERR_AGAIN; /* not known: but so late it is at least */
    w->opt.min_wall_s = 2524608000;
    assert_refused(IOT_ERR_TLS_VERIFY, IOT_TLS_FAULT_EXPIRED, 0);
    w->opt.min_wall_s = 0;
    dworld_connect(w);
}

static void dates_are_judged_again_when_time_becomes_known(void **state)
{
    static const int64_t when[] = {1709164800, 2524608000};
    (void)state;
    dworld_by_certificate(w);
    for (uint32_t i = 0; i < COUNT(when); i++) {
        w->wall_says = IOT_ERR_AGAIN;
        dworld_connect(w);
        w->wall_says = IOT_OK;
        w->wall_s = when[i];
        w->now += 9999;
        assert_err(dworld_poll(w), IOT_OK);
        w->now += 1;
        assert_err(dworld_poll(w), i == 0 ? IOT_OK : IOT_ERR_TLS_VERIFY);
        if (i == 0)
            dworld_close(w);
        dworld_kv(w, IOT_TLS_TIME_KEY)->len = 0;
    }
    assert_int_equal(w->dtls.base.ops->detail(&w->dtls.base), IOT_TLS_FAULT_EXPIRED);
}

static void a_server_that_wants_a_certificate_gets_one_or_refuses(void **state)
{
    (void)state;
    dworld_by_certificate(w);
    w->sopt.ca = cert_ca;
    assert_refused(IOT_ERR_TLS_ALERT, 40, 1000);
}

/* A plain alert may be anybody's: when the handshake goes on all the same it was. */
static void an_alert_counts_if_nothing_better_comes(void **state)
{
    static const uint8_t alert[] = "\x15\xfe\xfd\0\0\0\0\0\0\x7f\x01\0\x02\x02\x28";
    (void)state;
    for (uint32_t at = 1; at <= 6; at++) {
        dworld_init(w);
        w->trick = WIRE_FORGE;
        w->trick_at = at;
        w->forge = (struct iot_bytes){alert, sizeof alert - 1};
        dworld_connect(w);
        /* behind the server's last word but one it comes in no epoch that counts, or too late */
        assert_true(iot_dtls_dropped(&w->dtls) == 1);
        dworld_end(w);
    }
    dworld_init(w);
    w->deaf = true;
    iot_time began = w->now;
    assert_err(dworld_open(w), IOT_OK);
    assert_err(dworld_settle(w), IOT_ERR_AGAIN);
    stub_dgram_receive(&w->stub, (struct iot_bytes){alert, sizeof alert - 1});
    w->now += 999;
    assert_err(dworld_settle(w), IOT_ERR_AGAIN);
    w->now += 1;
    assert_err(dworld_settle(w), IOT_ERR_TLS_KIND);
    assert_int_equal(w->now - began, 1000);
    assert_int_equal(w->count, 1);
}

static void a_session_is_only_for_the_same_way_and_identity(void **state)
{
    (void)state;
    w->opt.session_key = WORLD_SESSION;
    w->sopt.resume = DTLS_SERVER_RESUME_TICKET;
    w->sopt.suites = NULL;
    dworld_connect(w);
    dworld_talk(w);
    uint8_t tag[IOT_TLS_TAG_BYTES];
    memcpy(tag, w->dtls.core.state->tag, sizeof tag);
    assert_memory_equal(dworld_kv(w, WORLD_SESSION)->bytes, tag, sizeof tag);
    dworld_close(w);

    w->deaf = false;
    dworld_connect(w); /* by it */
    assert_int_equal(dtls_server_counts(w->server).resumptions, 1);
    w->dtls.core.dgram = false; /* as a stream would name it */
    iot_tls_saved_tag(&w->dtls.core);
    assert_memory_not_equal(w->dtls.core.state->tag, tag, sizeof tag);
    w->dtls.core.dgram = true;
    dworld_close(w);

    w->opt.kinds |= IOT_TLS_ECDHE_ECDSA;
    w->opt.ca = w->ca;
    w->opt.ca_count = 1;
    dworld_connect(w); /* not by it: options allow more */
    assert_int_equal(dtls_server_counts(w->server).resumptions, 1);
    assert_int_equal(dtls_server_counts(w->server).handshakes, 3);
}

static void a_session_that_is_refused_is_forgotten(void **state)
{
    (void)state;
    dworld_by_certificate(w);
    w->opt.session_key = WORLD_SESSION;
    w->sopt.resume = DTLS_SERVER_RESUME_TICKET;
    dworld_connect(w);
    dworld_talk(w);
    dworld_close(w);
    dworld_connect(w);
    assert_true(iot_dtls_is_resumed(&w->dtls));
    assert_false(w->dtls.core.judged);
    dworld_talk(w);
    iot_tls_core_refused(&w->dtls.core);
    assert_int_equal(dworld_kv(w, WORLD_SESSION)->len, 0);
    dworld_close(w);
    dworld_connect(w);
    assert_true(w->dtls.core.judged && !iot_dtls_is_resumed(&w->dtls));
}

/* Two who take up a session with other secrets do not understand each other, and drop what they hear. */
static void a_session_that_leads_to_silence_is_forgotten(void **state)
{
    static uint8_t good[2048];
    uint32_t silent = 0;
    (void)state;
    dworld_by_certificate(w);
    w->opt.session_key = WORLD_SESSION;
    w->sopt.resume = DTLS_SERVER_RESUME_TICKET;
    dworld_connect(w);
    dworld_talk(w);
    dworld_close(w);
    struct kv_entry *e = dworld_kv(w, WORLD_SESSION);
    uint32_t len = e->len;
    memcpy(good, e->bytes, len);
    for (uint32_t i = 0; i < len; i += 7) {
        memcpy(e->bytes, good, e->len = len);
        e->bytes[i] ^= 0xff;
        w->count = 0;
        w->address++;
        assert_err(dworld_open(w), IOT_OK);
        iot_err err = dworld_run(w);
        silent += err == IOT_ERR_TLS_TIMEOUT;
        w->count = 0;
        if (err != IOT_OK) {
            w->address++;
            dworld_connect(w);
        }
        dworld_talk(w);
        dworld_close(w);
    }
    assert_in_range(silent, 5, 9); /* those were bytes of the secret */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(another_key_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(another_identity_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_in_common_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(another_authority_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(another_name_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(dates_are_judged, setup, teardown),
        cmocka_unit_test_setup_teardown(dates_are_judged_again_when_time_becomes_known, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_server_that_wants_a_certificate_gets_one_or_refuses,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(an_alert_counts_if_nothing_better_comes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_session_is_only_for_the_same_way_and_identity, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_session_that_is_refused_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(a_session_that_leads_to_silence_is_forgotten, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

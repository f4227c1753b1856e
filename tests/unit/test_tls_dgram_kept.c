/* SPDX-License-Identifier: Apache-2.0 */
/* DTLS associations that outlive the device's sleep. Whatever happens, no record number is used twice under the same keys
 * (the world watches over that), and the worst is another handshake. */
#include "test.h"

#include "certs.h"
#include "tls_dgram_world.h"

static struct dgram_world world, *const w = &world;

static int setup(void **state)
{
    (void)state;
    dworld_init(w);
    w->dopt.context_key = WORLD_CONTEXT;
    w->dopt.cid = w->sopt.cid = true;
    w->sopt.cid_len = 4;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dworld_end(w);
    return 0;
}

static uint32_t handshakes(void)
{
    return dtls_server_counts(w->server).handshakes;
}

static uint32_t kept_len(void)
{
    return dworld_kv(w, WORLD_CONTEXT)->len;
}

static void sleep_well(void)
{
    dworld_talk(w);
    dworld_park(w);
    dworld_reboot(w);
    w->now += 3600000;
}

static void assert_woken(bool kept)
{
    uint32_t before = handshakes();
    w->count = 0;
    dworld_connect(w);
    if (iot_dtls_is_kept(&w->dtls) != kept)
        fail_msg("kept: %d", !kept);
    assert_int_equal(handshakes(), before + !kept);
    assert_int_equal(w->count == 0, kept);
    assert_int_equal(kept_len(), 0); /* erased before it was used */
    dworld_talk(w);
    assert_false(iot_dtls_is_kept(&w->dtls));
}

static void it_goes_on_where_it_was_without_a_handshake(void **state)
{
    (void)state;
    dworld_connect(w);
    assert_false(iot_dtls_is_kept(&w->dtls));
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t count = w->count;
        sleep_well();
        assert_int_equal(w->count, count + 2); /* what was said, and no farewell */
        assert_in_range(kept_len(), 200, 450);
        w->address = 1 + i; /* by its connection ID it is known behind each */
        assert_woken(true);
        assert_string_equal(iot_dtls_suite(&w->dtls), "TLS-PSK-WITH-AES-128-GCM-SHA256");
    }
    assert_int_equal(handshakes(), 1);
}

static void what_the_server_said_before_is_not_heard_again(void **state)
{
    (void)state;
    dworld_connect(w);
    sleep_well();
    uint32_t count = w->count;
    assert_true(count < 20);
    static uint8_t old[20][512];
    uint32_t len[20];
    for (uint32_t i = 0; i < count; i++)
        memcpy(old[i], w->log[i].bytes, len[i] = w->log[i].ours ? 0 : w->log[i].len);
    dworld_connect(w);
    for (uint32_t i = 0; i < count; i++) {
        stub_dgram_receive(&w->stub, (struct iot_bytes){old[i], len[i]});
        assert_null(dworld_hear(w));
    }
    assert_true(iot_dtls_is_kept(&w->dtls)); /* that was nobody */
    dworld_talk(w);
}

static void a_certificate_is_kept_with_its_dates(void **state)
{
    (void)state;
    dworld_by_certificate(w);
    w->wall_says = IOT_OK;
    w->wall_s = 1709164800;
    dworld_connect(w);
    sleep_well();
    assert_woken(true);
    assert_false(w->dtls.core.doubtful);
    sleep_well();
    w->wall_says = IOT_ERR_AGAIN; /* by then it may be anything: judged again when known */
    assert_woken(true);
    assert_true(w->dtls.core.doubtful);
    sleep_well();
    w->wall_says = IOT_OK;
    w->wall_s = 2524608000; /* out of date meanwhile: a handshake, which is refused */
    w->count = 0;
    assert_err(dworld_open(w), IOT_OK);
    assert_err(dworld_run(w), IOT_ERR_TLS_VERIFY);
    assert_int_equal(kept_len(), 0);
}

static void another_host_identity_or_kind_makes_a_handshake(void **state)
{
    (void)state;
    for (int what = 0; what < 3; what++) {
        dworld_connect(w);
        sleep_well();
        if (what == 0)
            w->opt.server_name = "b.example";
        else if (what == 1)
            w->opt.kinds |= IOT_TLS_ECDHE_ECDSA;
        else
            w->opt.psk = BYTES("another 16 bytes");
        if (what == 1) {
            w->opt.ca = w->ca;
            w->opt.ca_count = 1;
        }
        if (what < 2) {
            assert_woken(false);
            dworld_close(w);
            continue;
        }
        assert_err(dworld_open(w), IOT_OK);
        assert_err(dworld_run(w), IOT_ERR_TLS_PSK);
        assert_int_equal(kept_len(), 0);
    }
}

/* Nothing protects what is in the store but the store: so a changed key is not noticed; but it does no harm. */
static void a_blob_that_is_damaged_makes_a_handshake(void **state)
{
    static uint8_t good[2048];
    (void)state;
    dworld_connect(w);
    sleep_well();
    struct kv_entry *e = dworld_kv(w, WORLD_CONTEXT);
    uint32_t len = e->len;
    memcpy(good, e->bytes, len);
    for (uint32_t n = 0; n < len; n++) {
        memcpy(e->bytes, good, n);
        e->len = n;
        assert_woken(false);
        w->dtls.base.ops->abort(&w->dtls.base);
    }
    memcpy(e->bytes, good, len);
    e->bytes[e->len = len] = 0; /* longer */
    e->len++;
    assert_woken(false);
    w->dtls.base.ops->abort(&w->dtls.base);
    memset(e->bytes, 0xff, sizeof e->bytes);
    e->len = sizeof e->bytes; /* larger than any: it stays, as nobody can read it */
    dworld_connect(w);
    assert_false(iot_dtls_is_kept(&w->dtls));
    dworld_talk(w);
    for (uint32_t i = 0; i < len; i++) {
        w->dtls.base.ops->abort(&w->dtls.base);
        memcpy(e->bytes, good, len);
        e->bytes[i] ^= 0xff;
        e->len = len;
        w->count = 0;
        w->number_count = 0; /* under keys that nobody else has */
        assert_err(dworld_open(w), IOT_OK);
        assert_err(dworld_run(w), IOT_OK);
        if (i < IOT_TLS_TAG_BYTES + 8)
            assert_false(iot_dtls_is_kept(&w->dtls) && i < IOT_TLS_TAG_BYTES);
        assert_int_equal(e->len, 0);
    }
}

/* Sleeps and wakes until something stops it; a step that was not reached is one in which power failed. */
static void days(uint32_t cut_at, bool behind)
{
    volatile uint32_t day = 0;
    w->kv_calls = 0;
    w->cut_at = cut_at;
    w->cut_behind = behind;
    for (; day < 3; day++) {
        if (setjmp(w->power) != 0) {
            dworld_reboot(w);
            w->now += 1000;
            continue;
        }
        w->count = 0;
        dworld_connect(w);
        dworld_talk(w);
        dworld_park(w);
    }
}

static void power_may_fail_in_each_call_of_the_store(void **state)
{
    (void)state;
    days(0, false);
    uint32_t calls = w->kv_calls;
    assert_in_range(calls, 9, 60);
    assert_int_equal(handshakes(), 1);
    for (uint32_t i = 1; i <= calls; i++)
        for (int behind = 0; behind < 2; behind++) {
            dworld_end(w);
            setup(NULL);
            w->opt.session_key = i % 2 == 0 ? WORLD_SESSION : NULL;
            days(i, behind);
            w->cut_at = 0;
            assert_in_range(handshakes(), 1, 3);
            dworld_reboot(w);
            w->count = 0;
            dworld_connect(w);
            dworld_talk(w);
        }
}

/* The same, and power fails without a call of the store, in use: what was kept is gone by then. */
static void power_may_fail_while_it_is_used(void **state)
{
    (void)state;
    dworld_connect(w);
    sleep_well();
    dworld_connect(w);
    assert_true(iot_dtls_is_kept(&w->dtls));
    uint8_t got[16];
    uint32_t n, from;
    assert_true(dworld_say(w, "half a wo"));
    assert_true(dtls_server_read(w->server, &from, got, sizeof got, &n));
    dworld_reboot(w);
    w->address = 2;
    assert_woken(false);
}

static void a_store_that_is_slow_is_waited_for(void **state)
{
    (void)state;
    dworld_connect(w);
    w->kv_again = 7;
    sleep_well();
    assert_in_range(kept_len(), 200, 450);
    assert_woken(true);
    sleep_well();
    w->again_key = WORLD_CONTEXT; /* for ever */
    w->kv_again = UINT32_MAX;
    iot_time began = w->now;
    assert_err(dworld_open(w), IOT_OK);
    assert_err(dworld_run(w), IOT_OK);
    assert_false(iot_dtls_is_kept(&w->dtls));
    assert_in_range(w->now - began, 4000, 6000);
    dworld_talk(w);
    began = w->now;
    dworld_park(w);
    assert_in_range(w->now - began, 4000, 6000);
}

/* How often it is asked has nothing to do with how long: others wake the device, too. And dates that are still in doubt
 * are not looked at again while it is put away. */
static void a_slow_store_has_its_time_however_often_it_is_asked(void **state)
{
    (void)state;
    dworld_by_certificate(w);
    dworld_connect(w);
    assert_true(w->dtls.core.doubtful);
    dworld_talk(w);
    w->now += 9990;
    assert_err(dworld_poll(w), IOT_OK);
    w->again_key = WORLD_CONTEXT;
    w->kv_again = UINT32_MAX;
    iot_time began = w->now;
    iot_dtls_park(&w->dtls);
    for (; w->now < began + 4900; w->now++) {
        assert_err(dworld_poll(w), IOT_ERR_AGAIN);
        assert_true(w->dtls.base.ops->deadline(&w->dtls.base) > w->now);
    }
    w->kv_again = 0;
    assert_err(dworld_run(w), IOT_ERR_CLOSED);
    assert_in_range(kept_len(), 200, 450);

    w->kv_again = UINT32_MAX;
    assert_err(dworld_open(w), IOT_OK);
    for (began = w->now; w->now < began + 4900; w->now++)
        assert_err(dworld_poll(w), IOT_ERR_AGAIN);
    w->kv_again = 0;
    assert_err(dworld_run(w), IOT_OK);
    assert_true(iot_dtls_is_kept(&w->dtls));
    dworld_talk(w);
}

static void a_store_that_fails_costs_a_handshake(void **state)
{
    (void)state;
    dworld_connect(w);
    w->set_says = IOT_ERR_FULL;
    sleep_well();
    assert_int_equal(kept_len(), 0);
    w->set_says = IOT_OK;
    assert_woken(false);
    sleep_well();
    w->get_says = IOT_ERR_KV;
    w->count = 0;
    dworld_connect(w);
    assert_false(iot_dtls_is_kept(&w->dtls));
    w->get_says = IOT_OK;
    dworld_talk(w);
    dworld_park(w);
    w->del_says = IOT_ERR_KV; /* not erased: not used, however often */
    for (int i = 0; i < 3; i++) {
        w->count = 0;
        dworld_connect(w);
        assert_false(iot_dtls_is_kept(&w->dtls));
        assert_true(kept_len() != 0);
        dworld_talk(w);
        dworld_close(w);
    }
    w->del_says = IOT_OK;
    w->count = 0;
    w->number_count = 0;
    assert_err(dworld_open(w), IOT_OK); /* old by now, but nobody has used it */
    assert_err(dworld_run(w), IOT_OK);
    assert_true(iot_dtls_is_kept(&w->dtls));
}

static void without_a_key_or_a_store_it_only_ends(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        if (i == 0)
            w->dopt.context_key = NULL;
        else
            w->port.kv_del = NULL;
        dworld_connect(w);
        uint32_t count = w->count;
        iot_dtls_park(&w->dtls);
        iot_dtls_park(&w->dtls);
        assert_err(dworld_run(w), IOT_ERR_CLOSED);
        assert_int_equal(w->count, count); /* and says nothing */
        iot_dtls_park(&w->dtls);
        assert_err(dworld_poll(w), IOT_ERR_CLOSED);
        w->dopt.context_key = WORLD_CONTEXT;
    }
}

static void parking_is_allowed_at_any_time(void **state)
{
    (void)state;
    iot_dtls_park(&w->dtls);
    assert_err(dworld_poll(w), IOT_ERR_CLOSED);
    for (uint32_t ticks = 0;; ticks++) {
        iot_err err = IOT_ERR_AGAIN;
        assert_err(dworld_open(w), IOT_OK);
        for (uint32_t i = 0; i < ticks && err == IOT_ERR_AGAIN; i++)
            err = dworld_poll(w);
        iot_dtls_park(&w->dtls);
        assert_err(dworld_run(w), IOT_ERR_CLOSED);
        assert_int_equal(kept_len(), 0);
        dtls_server_forget(w->server);
        w->count = 0;
        if (err == IOT_ERR_AGAIN && ticks > 12)
            break;
    }
}

static void closing_while_it_is_parked_changes_nothing(void **state)
{
    (void)state;
    dworld_connect(w);
    dworld_talk(w);
    uint32_t count = w->count;
    w->kv_again = 3;
    iot_dtls_park(&w->dtls);
    assert_err(dworld_poll(w), IOT_ERR_AGAIN);
    w->dtls.base.ops->close(&w->dtls.base, w->now);
    assert_false(dworld_say(w, "x"));
    assert_err(dworld_run(w), IOT_ERR_CLOSED);
    assert_int_equal(w->count, count);
    assert_true(kept_len() != 0);
    assert_woken(true);
    iot_dtls_park(&w->dtls);
    w->dtls.base.ops->abort(&w->dtls.base); /* at once: not kept */
    assert_int_equal(kept_len(), 0);
}

/* What lies in the buffers is lost, as datagrams are; the association is not. */
static void what_has_come_and_was_not_read_is_lost(void **state)
{
    (void)state;
    dworld_connect(w);
    dworld_talk(w);
    for (int i = 0; i < 3; i++)
        assert_true(dtls_server_write(w->server, w->address, BYTES("unread")));
    dworld_settle(w);
    dworld_park(w);
    assert_woken(true);
}

/* The same with what the carrier had no room for: its number is used, and that is all there is to it. */
static void what_could_not_leave_is_lost(void **state)
{
    (void)state;
    dworld_connect(w);
    dworld_talk(w);
    w->stub.write_budget = 0;
    assert_true(dworld_say(w, "not sent"));
    dworld_park(w);
    dworld_reboot(w);
    assert_woken(true);
    w->stub.write_budget = 0;
    assert_true(dworld_say(w, "sent late"));
    w->stub.write_budget = 1; /* nobody has told us */
    dworld_park(w);
    uint8_t got[16];
    uint32_t n, from;
    assert_true(dtls_server_read(w->server, &from, got, sizeof got, &n));
    assert_bytes(((struct iot_bytes){got, n}), BYTES("sent late"));
    w->stub.write_budget = UINT32_MAX;
    assert_woken(true);
}

static void tickets_are_not_kept_twice(void **state)
{
    (void)state;
    w->opt.session_key = WORLD_SESSION;
    w->sopt.resume = DTLS_SERVER_RESUME_TICKET;
    dworld_connect(w);
    sleep_well();
    assert_in_range(kept_len(), 200, 450);
    uint32_t session = dworld_kv(w, WORLD_SESSION)->len;
    assert_true(session > kept_len() - 100);
    assert_woken(true);
    assert_int_equal(dworld_kv(w, WORLD_SESSION)->len, session); /* that one stays */
    sleep_well();
    dtls_server_forget(w->server); /* now neither helps */
    dworld_connect(w);
    assert_true(iot_dtls_is_kept(&w->dtls));
    assert_true(dworld_say(w, "anybody?"));
    dworld_idle(w, 10000);
    assert_true(iot_dtls_is_kept(&w->dtls)); /* nobody */
    w->dtls.base.ops->abort(&w->dtls.base);
    assert_woken(false);
}

static void secrets_are_wiped(void **state)
{
    (void)state;
    dworld_connect(w);
    sleep_well();
    for (uint32_t i = 0; i < sizeof w->arena; i++) /* which the reboot filled */
        assert_int_equal(w->arena[i], 0xa5);
    dworld_connect(w);
    dworld_talk(w);
    dworld_park(w);
    for (uint32_t i = 0; i < sizeof w->arena; i++)
        assert_int_equal(w->arena[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_goes_on_where_it_was_without_a_handshake, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_the_server_said_before_is_not_heard_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_certificate_is_kept_with_its_dates, setup, teardown),
        cmocka_unit_test_setup_teardown(another_host_identity_or_kind_makes_a_handshake, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_blob_that_is_damaged_makes_a_handshake, setup, teardown),
        cmocka_unit_test_setup_teardown(power_may_fail_in_each_call_of_the_store, setup, teardown),
        cmocka_unit_test_setup_teardown(power_may_fail_while_it_is_used, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_that_is_slow_is_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(a_slow_store_has_its_time_however_often_it_is_asked, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_store_that_fails_costs_a_handshake, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_key_or_a_store_it_only_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(parking_is_allowed_at_any_time, setup, teardown),
        cmocka_unit_test_setup_teardown(closing_while_it_is_parked_changes_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_has_come_and_was_not_read_is_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(what_could_not_leave_is_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(tickets_are_not_kept_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(secrets_are_wiped, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <mbedtls/oid.h>

#include "certs.h"
#include "crypto/iot_crypto_arena.h"
#include "heap_trap.h"
#include "tls/iot_tls_mbedtls.h"

#define DAY 86400

static struct iot_tls_core tls;
static struct iot_tls_state state;
static struct iot_tls_options opt;
static struct iot_port port;
static uint8_t room[16384] __attribute__((aligned(8)));

static iot_err wall_says;
static int64_t wall_s;
static iot_err get_says, set_says;
static uint8_t kv[16];
static uint32_t kv_len, gets, sets;

static iot_err wall(void *ctx, int64_t *unix_s)
{
    assert_ptr_equal(ctx, &wall_s);
    if (wall_says == IOT_OK)
        *unix_s = wall_s;
    return wall_says;
}

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    (void)ctx;
    gets++;
    assert_in_range(strlen(key), 1, 15);
    if (get_says != IOT_OK)
        return get_says;
    if (kv_len == 0)
        return IOT_ERR_STATE;
    if (kv_len > cap)
        return IOT_ERR_SIZE;
    memcpy(into, kv, kv_len);
    *len = kv_len;
    return IOT_OK;
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    (void)ctx;
    sets++;
    assert_in_range(strlen(key), 1, 15);
    if (set_says != IOT_OK)
        return set_says;
    assert_true(len <= sizeof kv);
    memcpy(kv, bytes, len);
    kv_len = len;
    return IOT_OK;
}

static iot_err kv_del(void *ctx, const char *key)
{
    (void)ctx;
    (void)key;
    kv_len = 0;
    return IOT_OK;
}

static int setup(void **unused)
{
    (void)unused;
    memset(&tls, 0, sizeof tls);
    memset(&state, 0, sizeof state);
    memset(&opt, 0, sizeof opt);
    port = (struct iot_port){
        .ctx = &wall_s, .wall = wall, .kv_get = kv_get, .kv_set = kv_set, .kv_del = kv_del};
    opt.server_name = "a.example";
    tls.opt = &opt;
    tls.port = &port;
    tls.state = &state;
    wall_says = get_says = set_says = IOT_OK;
    wall_s = 0;
    kv_len = gets = sets = 0;
    heap_trap_on();
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    heap_trap_off();
    return 0;
}

/* A certificate as far as it is looked at. */
static mbedtls_x509_crt crt_of(mbedtls_x509_time from, mbedtls_x509_time to, bool san)
{
    mbedtls_x509_crt crt;
    memset(&crt, 0, sizeof crt);
    crt.valid_from = from;
    crt.valid_to = to;
    crt.MBEDTLS_PRIVATE(ext_types) = san ? MBEDTLS_X509_EXT_SUBJECT_ALT_NAME : 0;
    crt.subject_alt_names.buf.tag = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2; /* dNSName */
    crt.subject_alt_names.buf.p = (unsigned char *)(uintptr_t) "a.example";
    crt.subject_alt_names.buf.len = 9;
    return crt;
}

static const mbedtls_x509_time first = {1950, 1, 1, 0, 0, 0}, never = {9999, 12, 31, 23, 59, 59};

static uint32_t look(mbedtls_x509_crt crt, int depth, uint32_t flags)
{
    assert_int_equal(iot_tls_on_certificate(&tls, &crt, depth, &flags), 0);
    return flags;
}

static int64_t to_seconds(mbedtls_x509_time t)
{
    tls.judged = false;
    look(crt_of(first, t, true), 1, 0);
    return tls.valid_to_s;
}

/* ---- dates ------------------------------------------------------------------------------- */

/* Values of date -u -d '...' +%s. */
static void dates_are_seconds_since_1970(void **unused)
{
    static const struct {
        mbedtls_x509_time t;
        int64_t s;
    } table[] = {
        {{1970, 1, 1, 0, 0, 0}, 0},
        {{1970, 1, 1, 0, 0, 1}, 1},
        {{1969, 12, 31, 23, 59, 59}, -1},
        {{1950, 1, 1, 0, 0, 0}, -631152000},
        {{1999, 12, 31, 23, 59, 59}, 946684799},
        {{2000, 2, 28, 23, 59, 59}, 951782399},
        {{2000, 2, 29, 0, 0, 0}, 951782400},
        {{2000, 3, 1, 0, 0, 0}, 951868800},
        {{2023, 2, 28, 12, 0, 0}, 1677585600},
        {{2023, 3, 1, 12, 0, 0}, 1677672000},
        {{2024, 2, 29, 0, 0, 0}, 1709164800},
        {{2024, 12, 31, 23, 59, 59}, 1735689599},
        {{2038, 1, 19, 3, 14, 7}, INT32_MAX},
        {{2038, 1, 19, 3, 14, 8}, (int64_t)INT32_MAX + 1},
        {{2049, 12, 31, 23, 59, 59}, 2524607999},
        {{2050, 1, 1, 0, 0, 0}, 2524608000},
        {{2100, 2, 28, 0, 0, 0}, 4107456000},
        {{2100, 3, 1, 0, 0, 0}, 4107542400}, /* no leap year */
        {{2106, 2, 7, 6, 28, 16}, (int64_t)UINT32_MAX + 1},
        {{2400, 2, 29, 0, 0, 0}, 13574563200},
        {{9999, 12, 31, 23, 59, 59}, 253402300799},
    };
    (void)unused;
    for (uint32_t i = 0; i < COUNT(table); i++)
        assert_int_equal(to_seconds(table[i].t), table[i].s);
}

static void no_day_from_1950_to_2450_is_lost_or_counted_twice(void **unused)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t expected = -631152000;
    (void)unused;
    for (int year = 1950; year < 2450; year++) {
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        for (int month = 1; month <= 12; month++) {
            int n = lengths[month - 1] + (leap && month == 2);
            for (int day = 1; day <= n; day++, expected += DAY)
                assert_int_equal(to_seconds((mbedtls_x509_time){year, month, day, 0, 0, 0}),
                                 expected);
        }
    }
}

static void both_ends_belong_to_the_time_of_a_certificate(void **unused)
{
    (void)unused;
    tls.valid_from_s = 1000;
    tls.valid_to_s = 2000;
    assert_int_equal(iot_tls_dates(tls.valid_from_s, tls.valid_to_s, 999), IOT_TLS_FAULT_NOT_YET);
    assert_int_equal(iot_tls_dates(tls.valid_from_s, tls.valid_to_s, 1000), 0);
    assert_int_equal(iot_tls_dates(tls.valid_from_s, tls.valid_to_s, 2000), 0);
    assert_int_equal(iot_tls_dates(tls.valid_from_s, tls.valid_to_s, 2001), IOT_TLS_FAULT_EXPIRED);
    tls.valid_from_s = 3000; /* a chain whose parts were never valid together */
    assert_int_equal(iot_tls_dates(tls.valid_from_s, tls.valid_to_s, 2500),
                     IOT_TLS_FAULT_NOT_YET | IOT_TLS_FAULT_EXPIRED);
}

static void the_narrowest_dates_of_a_chain_count(void **unused)
{
    (void)unused;
    wall_says = IOT_ERR_AGAIN;
    look(crt_of(first, (mbedtls_x509_time){2030, 1, 1, 0, 0, 0}, false), 2, 0);
    look(crt_of((mbedtls_x509_time){2020, 1, 1, 0, 0, 0}, never, false), 1, 0);
    assert_false(tls.doubtful); /* decided at the leaf */
    look(crt_of((mbedtls_x509_time){2010, 1, 1, 0, 0, 0}, (mbedtls_x509_time){2040, 1, 1, 0, 0, 0},
                true),
         0, 0);
    assert_int_equal(tls.valid_from_s, 1577836800);
    assert_int_equal(tls.valid_to_s, 1893456000);
    assert_true(tls.doubtful);
    /* the next handshake begins anew */
    tls.judged = false;
    look(crt_of(first, never, true), 0, 0);
    assert_int_equal(tls.valid_from_s, -631152000);
    assert_int_equal(tls.valid_to_s, 253402300799);
}

static void with_trusted_time_both_ends_are_looked_at(void **unused)
{
    static const struct {
        int64_t now;
        uint16_t faults;
        uint32_t flags;
    } table[] = {
        {1577836799, IOT_TLS_FAULT_NOT_YET, MBEDTLS_X509_BADCERT_FUTURE},
        {1577836800, 0, 0},
        {1893456000, 0, 0},
        {1893456001, IOT_TLS_FAULT_EXPIRED, MBEDTLS_X509_BADCERT_EXPIRED},
    };
    (void)unused;
    for (uint32_t i = 0; i < COUNT(table); i++) {
        tls.judged = false;
        state.floor_s = INT64_MAX; /* nobody asks it */
        wall_s = table[i].now;
        uint32_t flags = look(crt_of((mbedtls_x509_time){2020, 1, 1, 0, 0, 0},
                                     (mbedtls_x509_time){2030, 1, 1, 0, 0, 0}, true),
                              0, 0);
        assert_int_equal(flags, table[i].flags);
        assert_int_equal(tls.faults, table[i].faults);
        assert_false(tls.doubtful);
    }
}

static void without_trusted_time_the_end_is_compared_with_the_floor(void **unused)
{
    static const struct {
        int64_t floor;
        uint16_t faults;
    } table[] = {
        {0, 0}, /* long before its beginning: who knows */
        {1893456000, 0},
        {1893456001, IOT_TLS_FAULT_EXPIRED},
    };
    (void)unused;
    for (int how = 0; how < 2; how++) {
        wall_says = IOT_ERR_AGAIN;
        if (how == 1)
            port.wall = NULL;
        for (uint32_t i = 0; i < COUNT(table); i++) {
            tls.judged = false;
            state.floor_s = table[i].floor;
            uint32_t flags = look(crt_of((mbedtls_x509_time){2020, 1, 1, 0, 0, 0},
                                         (mbedtls_x509_time){2030, 1, 1, 0, 0, 0}, true),
                                  0, 0);
            assert_int_equal(flags, table[i].faults != 0 ? MBEDTLS_X509_BADCERT_EXPIRED : 0);
            assert_int_equal(tls.faults, table[i].faults);
            assert_true(tls.doubtful);
        }
    }
}

/* ---- flags and names --------------------------------------------------------------------- */

static void each_flag_of_mbedtls_has_its_fault(void **unused)
{
    static const struct {
        uint32_t flag;
        uint16_t fault;
    } table[] = {
        {MBEDTLS_X509_BADCERT_NOT_TRUSTED, IOT_TLS_FAULT_CA},
        {MBEDTLS_X509_BADCERT_CN_MISMATCH, IOT_TLS_FAULT_NAME},
        {MBEDTLS_X509_BADCERT_KEY_USAGE, IOT_TLS_FAULT_USAGE},
        {MBEDTLS_X509_BADCERT_EXT_KEY_USAGE, IOT_TLS_FAULT_USAGE},
        {MBEDTLS_X509_BADCERT_NS_CERT_TYPE, IOT_TLS_FAULT_USAGE},
        {MBEDTLS_X509_BADCERT_BAD_MD, IOT_TLS_FAULT_DIGEST},
        {MBEDTLS_X509_BADCERT_BAD_PK, IOT_TLS_FAULT_KEY},
        {MBEDTLS_X509_BADCERT_BAD_KEY, IOT_TLS_FAULT_KEY},
        {MBEDTLS_X509_BADCERT_MISSING, IOT_TLS_FAULT_MISSING},
        {MBEDTLS_X509_BADCERT_REVOKED, IOT_TLS_FAULT_OTHER},
        {MBEDTLS_X509_BADCERT_OTHER, IOT_TLS_FAULT_OTHER},
        {MBEDTLS_X509_BADCERT_SKIP_VERIFY, IOT_TLS_FAULT_OTHER},
        {MBEDTLS_X509_BADCRL_NOT_TRUSTED, IOT_TLS_FAULT_OTHER},
        {0x80000000, IOT_TLS_FAULT_OTHER},
    };
    (void)unused;
    for (uint32_t i = 0; i < COUNT(table); i++) {
        tls.judged = false;
        assert_int_equal(look(crt_of(first, never, true), 0, table[i].flag), table[i].flag);
        assert_int_equal(tls.faults, table[i].fault);
        for (uint32_t k = 0; k < COUNT(table); k++) {
            tls.judged = false;
            look(crt_of(first, never, true), 0, table[i].flag | table[k].flag);
            assert_int_equal(tls.faults, table[i].fault | table[k].fault);
        }
    }
    tls.judged = false;
    assert_int_equal(look(crt_of(first, never, true), 0, 0), 0);
    assert_int_equal(tls.faults, 0);
}

static void faults_of_the_whole_chain_are_collected(void **unused)
{
    (void)unused;
    look(crt_of(first, never, false), 2, MBEDTLS_X509_BADCERT_BAD_MD);
    look(crt_of(first, never, false), 1, MBEDTLS_X509_BADCERT_BAD_KEY);
    look(crt_of(first, never, true), 0, 0);
    assert_int_equal(tls.faults, IOT_TLS_FAULT_DIGEST | IOT_TLS_FAULT_KEY);
}

static void a_leaf_without_alternative_names_has_none(void **unused)
{
    (void)unused;
    assert_int_equal(look(crt_of(first, never, false), 1, 0), 0); /* an authority needs none */
    assert_int_equal(look(crt_of(first, never, false), 0, 0), MBEDTLS_X509_BADCERT_CN_MISMATCH);
    assert_int_equal(tls.faults, IOT_TLS_FAULT_NAME);
}

/* ---- the floor --------------------------------------------------------------------------- */

static void save(int64_t s)
{
    memcpy(kv, &s, sizeof s);
    kv_len = sizeof s;
}

static int64_t floor_now(void)
{
    int64_t floor_s = -1;
    assert_err(iot_tls_floor(&tls, &floor_s), IOT_OK);
    return floor_s;
}

static void the_floor_is_the_later_of_options_and_store(void **unused)
{
    (void)unused;
    assert_int_equal(floor_now(), 0);
    opt.min_wall_s = 5000;
    assert_int_equal(floor_now(), 5000);
    save(4999);
    assert_int_equal(floor_now(), 5000);
    save(5001);
    assert_int_equal(floor_now(), 5001);
    save(-5);
    assert_int_equal(floor_now(), 5000);
    port.kv_get = NULL;
    assert_int_equal(floor_now(), 5000);
}

static void a_broken_store_costs_the_floor_only_its_age(void **unused)
{
    static const iot_err says[] = {IOT_ERR_KV, IOT_ERR_STATE, IOT_ERR_SIZE, -9999};
    (void)unused;
    opt.min_wall_s = 5000;
    save(9000);
    for (uint32_t i = 0; i < COUNT(says); i++) {
        get_says = says[i];
        assert_int_equal(floor_now(), 5000);
    }
    get_says = IOT_OK;
    for (kv_len = 1; kv_len < sizeof kv; kv_len++)
        assert_int_equal(floor_now(), kv_len == 8 ? 9000 : 5000);
}

static void a_slow_store_is_waited_for(void **unused)
{
    int64_t floor_s = -1;
    (void)unused;
    get_says = IOT_ERR_AGAIN;
    assert_err(iot_tls_floor(&tls, &floor_s), IOT_ERR_AGAIN);
    assert_int_equal(floor_s, -1);
}

static void trusted_time_is_saved_once_a_day(void **unused)
{
    (void)unused;
    wall_s = 1700000000;
    iot_tls_floor_save(&tls);
    assert_int_equal(sets, 1);
    assert_int_equal(floor_now(), 1700000000);
    iot_tls_floor_save(&tls); /* in the same connection: recheck */
    assert_int_equal(sets, 1);
    for (uint32_t connections = 0; connections < 1000; connections++) {
        assert_err(iot_tls_floor(&tls, &state.floor_s), IOT_OK);
        iot_tls_floor_save(&tls);
        wall_s += 3600;
    }
    assert_int_equal(sets, 1 + 999 / 24);
    assert_true(wall_s - floor_now() <= DAY);
}

static void a_floor_in_the_future_is_taken_back(void **unused)
{
    (void)unused;
    state.floor_s = 1700000000;
    wall_s = 1700000000 - 10 * DAY;
    iot_tls_floor_save(&tls);
    assert_int_equal(sets, 1);
    assert_int_equal(floor_now(), wall_s);
    /* but the options' own, which no saving can change, is not fought with */
    opt.min_wall_s = 1700000000;
    state.floor_s = opt.min_wall_s;
    iot_tls_floor_save(&tls);
    assert_int_equal(sets, 1);
}

static void time_that_is_unknown_or_hardly_changed_is_not_saved(void **unused)
{
    (void)unused;
    state.floor_s = 1700000000;
    wall_s = 1700000000 - DAY + 1;
    iot_tls_floor_save(&tls);
    wall_s = 1700000000 + DAY - 1;
    iot_tls_floor_save(&tls);
    wall_says = IOT_ERR_AGAIN;
    wall_s = 1800000000;
    iot_tls_floor_save(&tls);
    port.wall = NULL;
    iot_tls_floor_save(&tls);
    assert_int_equal(sets, 0);
    port.wall = wall;
    wall_says = IOT_OK;
    port.kv_set = NULL;
    iot_tls_floor_save(&tls);
    port.kv_set = kv_set;
    iot_tls_floor_save(&tls);
    assert_int_equal(sets, 1);
}

static void a_store_that_does_not_take_it_is_asked_again_next_time(void **unused)
{
    static const iot_err says[] = {IOT_ERR_AGAIN, IOT_ERR_FULL, IOT_ERR_KV};
    (void)unused;
    wall_s = 1700000000;
    for (uint32_t i = 0; i < COUNT(says); i++) {
        set_says = says[i];
        iot_tls_floor_save(&tls);
        assert_int_equal(sets, i + 1);
    }
    set_says = IOT_OK;
    iot_tls_floor_save(&tls);
    assert_int_equal(floor_now(), 1700000000);
}

/* ---- real certificates ------------------------------------------------------------------- */

static uint32_t verify(struct iot_bytes leaf, const char *name, int64_t now_s)
{
    struct iot_arena arena;
    mbedtls_x509_crt ca, crt;
    uint32_t flags = 0;

    assert_true(iot_arena_init(&arena, room, sizeof room));
    iot_arena_enter(&arena);
    mbedtls_x509_crt_init(&ca);
    mbedtls_x509_crt_init(&crt);
    assert_int_equal(mbedtls_x509_crt_parse_der_nocopy(&ca, cert_ca.ptr, cert_ca.len), 0);
    assert_int_equal(mbedtls_x509_crt_parse_der_nocopy(&crt, leaf.ptr, leaf.len), 0);
    wall_s = now_s;
    tls.judged = false;
    int ret = mbedtls_x509_crt_verify(&crt, &ca, NULL, name, &flags, iot_tls_on_certificate, &tls);
    assert_int_equal(ret, flags != 0 ? MBEDTLS_ERR_X509_CERT_VERIFY_FAILED : 0);
    mbedtls_x509_crt_free(&crt);
    mbedtls_x509_crt_free(&ca);
    assert_int_equal(arena.used + arena.failed, 0);
    iot_arena_enter(NULL);
    return flags;
}

static void real_certificates_are_judged_to_the_second(void **unused)
{
    static const struct {
        const struct iot_bytes *leaf;
        int64_t now;
        uint16_t faults;
    } table[] = {
        {&cert_edge, 1709164799, IOT_TLS_FAULT_NOT_YET}, /* 2024-02-28 23:59:59 */
        {&cert_edge, 1709164800, 0},
        {&cert_edge, 2524607999, 0}, /* the last second of UTCTime */
        {&cert_edge, 2524608000, IOT_TLS_FAULT_EXPIRED},
        {&cert_far, 2524607999, IOT_TLS_FAULT_NOT_YET},
        {&cert_far, 2524608000, 0},
        {&cert_far, 253402300799, 0}, /* "no end", RFC 5280, section 4.1.2.5 */
        {&cert_far, 253402300800, IOT_TLS_FAULT_EXPIRED},
        {&cert_edge, -631152001, IOT_TLS_FAULT_NOT_YET},
    };
    (void)unused;
    for (uint32_t i = 0; i < COUNT(table); i++) {
        uint32_t flags = verify(*table[i].leaf, "a.example", table[i].now);
        assert_int_equal(tls.faults, table[i].faults);
        assert_int_equal(flags != 0, table[i].faults != 0);
    }
}

static void real_certificates_are_for_the_names_they_list(void **unused)
{
    (void)unused;
    assert_int_equal(verify(cert_edge, "a.example", 2000000000), 0);
    assert_int_equal(verify(cert_edge, "A.Example", 2000000000), 0);
    assert_int_not_equal(verify(cert_edge, "b.example", 2000000000), 0);
    assert_int_equal(tls.faults, IOT_TLS_FAULT_NAME);
    assert_int_not_equal(verify(cert_cn, "a.example", 2000000000), 0);
    assert_int_equal(tls.faults, IOT_TLS_FAULT_NAME);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(dates_are_seconds_since_1970),
        CASE(no_day_from_1950_to_2450_is_lost_or_counted_twice),
        CASE(both_ends_belong_to_the_time_of_a_certificate),
        CASE(the_narrowest_dates_of_a_chain_count),
        CASE(with_trusted_time_both_ends_are_looked_at),
        CASE(without_trusted_time_the_end_is_compared_with_the_floor),
        CASE(each_flag_of_mbedtls_has_its_fault),
        CASE(faults_of_the_whole_chain_are_collected),
        CASE(a_leaf_without_alternative_names_has_none),
        CASE(the_floor_is_the_later_of_options_and_store),
        CASE(a_broken_store_costs_the_floor_only_its_age),
        CASE(a_slow_store_is_waited_for),
        CASE(trusted_time_is_saved_once_a_day),
        CASE(a_floor_in_the_future_is_taken_back),
        CASE(time_that_is_unknown_or_hardly_changed_is_not_saved),
        CASE(a_store_that_does_not_take_it_is_asked_again_next_time),
        CASE(real_certificates_are_judged_to_the_second),
        CASE(real_certificates_are_for_the_names_they_list),
    };
    return cmocka_run_group_tests_name("tls_verify", tests, NULL, NULL);
}

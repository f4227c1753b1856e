/* SPDX-License-Identifier: Apache-2.0 */
/* TLS over a stream of the test's, as far as it goes without a server: opening, the first flight, every
 * kind of answer that is no handshake, endings. What comes behind a handshake is shown with one that is
 * jumped over, so that records travel in the clear. Real servers: tests/interop/test_tls_*.c. */
#include "test.h"

#include "certs.h"
#include "heap_trap.h"
#include "stub_stream.h"
#include "tls/iot_tls_mbedtls.h"

#define ARENA_BYTES 49152u
#define WORLDS      2

static struct world {
    struct stub_stream stub;
    struct iot_tls tls;
    struct iot_tls_options opt;
    struct iot_port port;
    struct iot_bytes ca[2];
    bool wake;
    uint32_t busy[2];
    iot_err random_says, get_says, set_says;
    uint32_t randoms, sets, dels;
    uint8_t blob[2048]; /* the one value of the store */
    uint32_t blob_len;
    iot_err wall_says;
    int64_t wall_s;
    uint8_t arena[ARENA_BYTES + 16] __attribute__((aligned(8)));
} worlds[WORLDS], *const w = &worlds[0];

static iot_time now;

static iot_err random_bytes(void *ctx, void *into, uint32_t n)
{
    struct world *x = ctx;
    x->randoms++;
    if (x->random_says == IOT_OK)
        memset(into, (int)(x - worlds) + 1, n);
    return x->random_says;
}

static bool is_session(const char *key)
{
    return strcmp(key, "s") == 0;
}

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    struct world *x = ctx;
    if (x->get_says != IOT_OK)
        return x->get_says;
    if (!is_session(key) || x->blob_len == 0)
        return IOT_ERR_STATE;
    if (x->blob_len > cap)
        return IOT_ERR_SIZE;
    memcpy(into, x->blob, x->blob_len);
    *len = x->blob_len;
    return IOT_OK;
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    struct world *x = ctx;
    if (is_session(key))
        x->sets++;
    if (x->set_says == IOT_OK && is_session(key)) {
        assert_true(len <= sizeof x->blob);
        memcpy(x->blob, bytes, len);
        x->blob_len = len;
    }
    return x->set_says;
}

static iot_err kv_del(void *ctx, const char *key)
{
    struct world *x = ctx;
    assert_true(is_session(key));
    x->dels++;
    x->blob_len = 0;
    return IOT_OK;
}

static iot_err wall(void *ctx, int64_t *unix_s)
{
    struct world *x = ctx;
    if (x->wall_says == IOT_OK)
        *unix_s = x->wall_s;
    return x->wall_says;
}

static void on_busy(void *ctx, bool begins)
{
    ((struct world *)ctx)->busy[begins]++;
}

static void init(struct world *x)
{
    iot_tls_init(&x->tls, &x->stub.base, &x->opt, &x->port);
    x->tls.base.wake = &x->wake;
    x->tls.base.on_busy = on_busy;
    x->tls.base.busy_ctx = x;
}

static int setup(void **state)
{
    (void)state;
    heap_trap_off();
    iot_arena_enter(NULL);
    iot_drbg_enter(NULL);
    now = (1ull << 32) - 5000;
    for (uint32_t i = 0; i < WORLDS; i++) {
        struct world *x = &worlds[i];
        memset(x, 0, sizeof *x);
        memset(x->arena, 0xaa, sizeof x->arena);
        stub_init(&x->stub);
        x->ca[0] = cert_ca;
        x->opt.ca = x->ca;
        x->opt.ca_count = 1;
        x->opt.arena = x->arena;
        x->opt.arena_bytes = ARENA_BYTES;
        x->wall_says = IOT_ERR_AGAIN;
        x->get_says = IOT_ERR_STATE;
        x->port = (struct iot_port){.ctx = x,
                                    .random = random_bytes,
                                    .wall = wall,
                                    .kv_get = kv_get,
                                    .kv_set = kv_set,
                                    .kv_del = kv_del};
        init(x);
    }
    return 0;
}

static const struct iot_endpoint there = {.host = "a.example", .port = 8883};

static iot_err open_(struct world *x)
{
    heap_trap_on();
    iot_err err = x->tls.base.ops->open(&x->tls.base, &there, now);
    heap_trap_off();
    return err;
}

static iot_time deadline(const struct world *x)
{
    return x->tls.base.ops->deadline(&x->tls.base);
}

static bool idle(const struct world *x)
{
    return x->tls.base.ops->idle(&x->tls.base);
}

static int32_t detail(const struct world *x)
{
    return x->tls.base.ops->detail(&x->tls.base);
}

static bool is_wiped(const struct world *x)
{
    for (uint32_t i = 0; i < x->opt.arena_bytes / 8 * 8; i++)
        if (x->arena[i] != 0)
            return false;
    return true;
}

static bool is_behind_untouched(const struct world *x)
{
    for (uint32_t i = x->opt.arena_bytes; i < sizeof x->arena; i++)
        if (x->arena[i] != 0xaa)
            return false;
    return true;
}

/* One tick. */
static iot_err poll(struct world *x)
{
    x->wake = false;
    heap_trap_on();
    iot_err err = x->tls.base.ops->poll(&x->tls.base, now);
    heap_trap_off();
    return err;
}

/* Ticks at this moment, until it ends or waits for something that is to come. */
static iot_err settle(struct world *x)
{
    iot_err err;
    uint32_t ticks = 0;
    do {
        err = poll(x);
        assert_true(++ticks < 5000);
    } while (err == IOT_ERR_AGAIN && (x->wake || deadline(x) <= now));
    assert_true(deadline(x) > now);
    return err;
}

/* It is over, for this reason, each time it is asked; nothing is left of it. */
static void assert_over(struct world *x, iot_err reason)
{
    struct iot_tls_memory memory;
    for (int i = 0; i < 3; i++)
        assert_err(poll(x), reason);
    assert_int_equal(deadline(x), IOT_TIME_NEVER);
    iot_tls_memory(&x->tls, &memory);
    assert_int_equal(memory.used + memory.blocks, 0);
    assert_null(x->tls.core.state);
    assert_true(is_wiped(x));
    assert_true(is_behind_untouched(x));
    assert_string_equal(iot_tls_suite(&x->tls), "");
    assert_int_equal(x->tls.base.ops->released(&x->tls.base), x->tls.written);
    assert_null(iot_arena_enter(NULL)); /* nobody's arena is left entered */
    assert_null(iot_drbg_enter(NULL));
}

static void abort_(struct world *x)
{
    x->tls.base.ops->abort(&x->tls.base);
    assert_over(x, IOT_ERR_CLOSED);
    assert_int_equal(x->stub.state, STUB_CLOSED);
    assert_true(idle(x));
    assert_int_equal(detail(x), 0);
}

static void abort_and_check(struct world *x)
{
    abort_(x);
    assert_int_equal(x->stub.opens, x->stub.aborts + x->stub.closes_asked);
}

static void receive(struct world *x, const void *bytes, uint32_t n)
{
    stub_receive(&x->stub, (struct iot_bytes){bytes, n});
}

/* ClientHello is out. */
static void greet(struct world *x)
{
    assert_err(open_(x), IOT_OK);
    assert_err(settle(x), IOT_ERR_AGAIN);
    assert_true(x->stub.tx_len > 50);
    assert_int_equal(x->stub.tx[0], MBEDTLS_SSL_MSG_HANDSHAKE);
    assert_false(idle(x));
}

/* ---- opening ----------------------------------------------------------------------------- */

static void a_lower_stream_that_cannot_open_yet_is_asked_again(void **state)
{
    (void)state;
    w->stub.open_again = 2;
    assert_err(poll(w), IOT_ERR_CLOSED);
    for (int i = 0; i < 2; i++) {
        assert_err(open_(w), IOT_ERR_AGAIN);
        assert_err(poll(w), IOT_ERR_CLOSED);
        assert_true(idle(w));
    }
    greet(w);
    abort_and_check(w);
    w->stub.open_again = 1; /* and behind another connection */
    assert_err(open_(w), IOT_ERR_AGAIN);
    assert_int_not_equal(poll(w), IOT_OK);
    greet(w);
    abort_and_check(w);
}

/* ... and nothing of it is in the arena: that may be another's for now. */
static void a_stream_that_waits_to_open_leaves_its_memory_alone(void **state)
{
    (void)state;
    w->stub.open_again = 1;
    assert_err(open_(w), IOT_ERR_AGAIN);
    assert_err(iot_tls_check(&w->opt, false), IOT_OK);
    memset(w->arena, 0xaa, sizeof w->arena);
    assert_err(iot_tls_check(&w->opt, false), IOT_OK);
    w->tls.base.ops->abort(&w->tls.base);
    for (uint32_t i = 0; i < sizeof w->arena; i++)
        assert_int_equal(w->arena[i], 0xaa);
    greet(w);
    abort_and_check(w);
}

static void a_lower_stream_that_fails_gives_the_reason_and_its_number(void **state)
{
    static const iot_err errs[] = {IOT_ERR_DNS_UNKNOWN, IOT_ERR_TCP_REFUSED, IOT_ERR_TCP_TIMEOUT,
                                   IOT_ERR_TCP_EOF, IOT_ERR_TCP_RESET};
    (void)state;
    for (uint32_t i = 0; i < COUNT(errs); i++) {
        w->stub.open_result = errs[i];
        w->stub.detail = -14;
        assert_err(open_(w), errs[i]);
        assert_over(w, errs[i]);
        assert_int_equal(detail(w), -14);
        abort_(w);
        w->stub.open_result = IOT_OK;
        w->stub.connects = false;
        assert_err(open_(w), IOT_OK);
        assert_int_equal(detail(w), 0);
        assert_err(settle(w), IOT_ERR_AGAIN);
        stub_end(&w->stub, errs[i], -15);
        assert_true(w->wake);         /* the lower stream wakes our owner */
        assert_err(poll(w), errs[i]); /* TCP's own reason: TLS has not begun */
        assert_over(w, errs[i]);
        assert_int_equal(detail(w), -15);
        abort_(w);
        w->stub.connects = true;
    }
    greet(w);
    abort_(w);
}

static void the_endpoint_is_handed_down(void **state)
{
    (void)state;
    greet(w);
    assert_string_equal(w->stub.to.host, "a.example");
    assert_int_equal(w->stub.to.port, 8883);
    assert_ptr_equal(w->stub.base.wake, &w->wake);
    abort_and_check(w);
}

static void memory_that_is_no_arena_opens_nothing(void **state)
{
    static const struct {
        uint32_t off, bytes;
    } table[] = {{1, 4096}, {4, 4096}, {0, 0}, {0, 63}, {0, IOT_ARENA_BYTES_MAX + 1}};
    (void)state;
    for (uint32_t i = 0; i < COUNT(table); i++) {
        w->opt.arena = w->arena + table[i].off;
        w->opt.arena_bytes = table[i].bytes;
        assert_err(open_(w), IOT_ERR_TLS_MEMORY);
        assert_err(poll(w), IOT_ERR_TLS_MEMORY);
        assert_int_equal(deadline(w), IOT_TIME_NEVER);
        assert_int_equal(w->stub.opens, 0);
    }
    w->opt.arena = NULL;
    assert_err(open_(w), IOT_ERR_TLS_MEMORY);
}

static void an_arena_that_is_too_small_is_named_and_wiped_at_every_size(void **state)
{
    uint32_t enough = 0;
    (void)state;
    for (uint32_t bytes = 64; enough == 0 && bytes <= ARENA_BYTES; bytes += bytes < 2048 ? 8 : 72) {
        setup(NULL);
        memset(w->arena, 0, sizeof w->arena);
        memset(w->arena + bytes, 0xaa, sizeof w->arena - bytes);
        w->opt.arena_bytes = bytes;
        assert_err(open_(w), IOT_OK);
        iot_err err = settle(w);
        if (err == IOT_ERR_AGAIN) {
            enough = bytes;
            abort_(w);
            break;
        }
        assert_err(err, IOT_ERR_TLS_MEMORY);
        assert_true(detail(w) > 0);
        assert_over(w, IOT_ERR_TLS_MEMORY);
        assert_int_equal(w->stub.tx_len, 0);
        abort_and_check(w);
    }
    assert_true(enough > IOT_TLS_RX_BYTES + IOT_TLS_TX_BYTES);
    print_message("ClientHello needs an arena of %u bytes\n", (unsigned)enough);
}

static void the_highest_use_outlives_the_connection(void **state)
{
    struct iot_tls_memory m;
    (void)state;
    iot_tls_memory(&w->tls, &m);
    assert_int_equal(m.used + m.high + m.blocks, 0);
    assert_int_equal(m.max, ARENA_BYTES);
    greet(w);
    iot_tls_memory(&w->tls, &m);
    uint32_t high = m.high;
    assert_true(m.used > IOT_TLS_RX_BYTES + IOT_TLS_TX_BYTES);
    assert_true(high >= m.used && m.blocks > 5);
    abort_(w);
    iot_tls_memory(&w->tls, &m);
    assert_int_equal(m.high, high);
    w->stub.open_result = IOT_ERR_DNS_UNKNOWN;
    assert_err(open_(w), IOT_ERR_DNS_UNKNOWN);
    iot_tls_memory(&w->tls, &m);
    assert_int_equal(m.high, high);
}

/* ---- preparing --------------------------------------------------------------------------- */

static void chance_and_store_are_waited_for_in_small_steps(void **state)
{
    (void)state;
    for (int what = 0; what < 3; what++) {
        setup(NULL);
        w->opt.session_key = what == 2 ? "s" : NULL;
        if (what == 0)
            w->random_says = IOT_ERR_AGAIN;
        else
            w->get_says = IOT_ERR_AGAIN;
        assert_err(open_(w), IOT_OK);
        for (uint32_t i = 0; i < 50; i++) {
            assert_err(settle(w), IOT_ERR_AGAIN);
            assert_in_range(deadline(w), now + 1, now + 20);
            assert_null(w->tls.core.state);
            assert_int_equal(w->tls.core.arena.blocks, 0);
            now = deadline(w);
        }
        assert_int_equal(w->stub.tx_len, 0);
        w->random_says = IOT_OK;
        w->get_says = IOT_ERR_STATE;
        assert_err(settle(w), IOT_ERR_AGAIN);
        assert_true(w->stub.tx_len > 0);
        abort_and_check(w);
    }
}

static void what_never_comes_is_named_at_the_deadline(void **state)
{
    (void)state;
    for (int what = 0; what < 2; what++) {
        setup(NULL);
        if (what == 0)
            w->random_says = IOT_ERR_AGAIN;
        else
            w->get_says = IOT_ERR_AGAIN;
        assert_err(open_(w), IOT_OK);
        iot_time due = now + IOT_TLS_HANDSHAKE_MS;
        assert_err(settle(w), IOT_ERR_AGAIN);
        now = due - 1;
        assert_err(settle(w), IOT_ERR_AGAIN);
        assert_int_equal(deadline(w), due);
        now = due;
        iot_err name = what == 0 ? IOT_ERR_RANDOM : IOT_ERR_KV;
        assert_err(settle(w), name);
        assert_over(w, name);
        abort_and_check(w);
    }
}

static void without_chance_there_is_no_handshake(void **state)
{
    (void)state;
    w->random_says = IOT_ERR_RANDOM;
    assert_err(open_(w), IOT_OK);
    assert_err(settle(w), IOT_ERR_RANDOM);
    assert_over(w, IOT_ERR_RANDOM);
    assert_int_equal(w->stub.tx_len, 0);
    abort_and_check(w);
}

static void a_broken_store_is_no_reason_not_to_connect(void **state)
{
    (void)state;
    w->opt.session_key = "s";
    w->get_says = IOT_ERR_KV;
    greet(w);
    abort_and_check(w);
}

static void a_lower_stream_that_ends_while_preparing_is_the_end(void **state)
{
    (void)state;
    w->random_says = IOT_ERR_AGAIN;
    assert_err(open_(w), IOT_OK);
    assert_err(settle(w), IOT_ERR_AGAIN);
    stub_end(&w->stub, IOT_ERR_TCP_STALLED, 5);
    assert_err(settle(w), IOT_ERR_TCP_STALLED);
    assert_over(w, IOT_ERR_TCP_STALLED);
    assert_int_equal(detail(w), 5);
    abort_and_check(w);
}

static void a_certificate_or_key_that_is_none_is_named(void **state)
{
    static const uint8_t junk[] = {0x30, 0x82, 1, 2, 3};
    static struct iot_bytes own[2];
    (void)state;
    for (uint32_t i = 0; i < 5; i++) {
        setup(NULL);
        own[0] = cert_edge;
        w->opt.cert = own;
        w->opt.key = cert_key;
        if (i == 0) {
            w->ca[0] = (struct iot_bytes){junk, sizeof junk};
        } else if (i == 1) {
            w->ca[1] = (struct iot_bytes){cert_far.ptr, cert_far.len - 1};
            w->opt.ca_count = 2;
        } else {
            w->opt.cert_count = 1;
        }
        if (i == 2)
            own[0].len--;
        if (i == 3)
            w->opt.key = (struct iot_bytes){junk, sizeof junk};
        iot_err expected = i < 4 ? IOT_ERR_TLS_CREDENTIAL : IOT_ERR_AGAIN;
        assert_err(open_(w), IOT_OK);
        assert_err(settle(w), expected);
        if (i < 4) {
            assert_int_not_equal(detail(w), 0);
            assert_over(w, expected);
        }
        abort_and_check(w);
    }
}

/* ---- what is asked of options ------------------------------------------------------------ */

static void options_that_cannot_work_are_refused(void **state)
{
    static struct iot_bytes own[1];
    (void)state;
    own[0] = cert_edge;
#define CHECK(changes, source, expected)                                                           \
    do {                                                                                           \
        setup(NULL);                                                                               \
        struct iot_tls_options *o = &w->opt;                                                       \
        changes;                                                                                   \
        assert_err(iot_tls_check(o, source), expected);                                            \
    } while (0)
#define PSK_SET (o->psk = BYTES("key"), o->psk_identity = BYTES("me"))
#define NO_CA   (o->ca = NULL, o->ca_count = 0)
    CHECK((void)o, false, IOT_OK);
    CHECK(o->kinds = 16, false, IOT_ERR_ARG);
    CHECK(o->kinds = 0x80000001, false, IOT_ERR_ARG);
    CHECK(o->kinds = IOT_TLS_PLATFORM, false, IOT_FEATURE_TLS_PLATFORM ? IOT_OK : IOT_ERR_ARG);
    CHECK(o->kinds = IOT_TLS_ECDHE_RSA, false, IOT_FEATURE_TLS_RSA ? IOT_OK : IOT_ERR_ARG);
    CHECK(o->ca = NULL, false, IOT_ERR_ARG);
    CHECK(o->ca_count = 0, false, IOT_ERR_ARG);
    CHECK((NO_CA, o->kinds = IOT_TLS_PLATFORM), false, IOT_ERR_ARG);
    CHECK(o->kinds = IOT_TLS_PSK, false, IOT_ERR_ARG);
    CHECK(o->kinds = IOT_TLS_PSK, true, IOT_OK);
    CHECK((NO_CA, o->kinds = IOT_TLS_PSK), true, IOT_OK);
    CHECK((NO_CA, o->kinds = IOT_TLS_PSK | IOT_TLS_PLATFORM), true,
          IOT_FEATURE_TLS_PLATFORM ? IOT_OK : IOT_ERR_ARG);
    CHECK((NO_CA, o->kinds = IOT_TLS_PSK, PSK_SET), false, IOT_OK);
    CHECK((NO_CA, o->kinds = IOT_TLS_PSK | IOT_TLS_ECDHE_RSA, PSK_SET), false, IOT_ERR_ARG);
    CHECK((o->kinds = IOT_TLS_PSK, PSK_SET, o->psk.len = 0), false, IOT_ERR_ARG);
    CHECK((o->kinds = IOT_TLS_PSK, PSK_SET, o->psk_identity.len = 0), false, IOT_ERR_ARG);
    CHECK((o->kinds = IOT_TLS_PSK, PSK_SET, o->psk_identity.len = 0), true, IOT_ERR_ARG);
    CHECK((o->kinds = IOT_TLS_PSK, PSK_SET, o->psk.len = 64), false, IOT_OK);
    CHECK((o->kinds = IOT_TLS_PSK, PSK_SET, o->psk.len = 65), false, IOT_ERR_ARG);
    CHECK((o->kinds = IOT_TLS_PSK, PSK_SET, o->psk_identity.len = 100), false, IOT_OK);
    CHECK((o->kinds = IOT_TLS_PSK, PSK_SET, o->psk_identity.len = 101), false, IOT_ERR_ARG);
    CHECK(o->cert_count = 1, false, IOT_ERR_ARG);
    CHECK((o->cert_count = 1, o->cert = own), false, IOT_ERR_ARG);
    CHECK((o->cert_count = 1, o->key = cert_key), false, IOT_ERR_ARG);
    CHECK(o->key = cert_key, false, IOT_ERR_ARG);
    CHECK((o->cert_count = 1, o->cert = own, o->key = cert_key), false, IOT_OK);
    CHECK(o->arena = NULL, false, IOT_ERR_ARG);
    CHECK(o->arena = w->arena + 4, false, IOT_ERR_ARG);
    CHECK(o->arena_bytes = 0, false, IOT_ERR_ARG);
    CHECK(o->arena_bytes = IOT_ARENA_BYTES_MAX + 1, false, IOT_ERR_ARG);
    CHECK(o->session_key = "", false, IOT_ERR_ARG);
    CHECK(o->session_key = "iot-time", false, IOT_ERR_ARG); /* where the trusted time is kept */
    CHECK(o->session_key = "iot-tim", false, IOT_OK);
    CHECK(o->session_key = "iot-time2", false, IOT_OK);
    CHECK(o->session_key = "fifteen-letters", false, IOT_OK);
    CHECK(o->session_key = "sixteen--letters", false, IOT_ERR_ARG);
#undef CHECK
}

/* ---- the first flight -------------------------------------------------------------------- */

static struct hello {
    struct iot_bytes suites;
    struct iot_bytes ext[64]; /* by number */
    bool has[64];
} hello;

static uint32_t u16_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

/* RFC 5246, section 7.4.1.2. */
static void read_hello(struct world *x)
{
    const uint8_t *p = x->stub.tx, *end = p + x->stub.tx_len;
    memset(&hello, 0, sizeof hello);
    assert_int_equal(u16_at(p + 3) + 5, x->stub.tx_len);
    assert_int_equal(p[5], 1);
    p += 5 + 4 + 2 + 32;
    p += 1 + p[0];
    hello.suites = (struct iot_bytes){p + 2, u16_at(p)};
    p += 2 + hello.suites.len;
    p += 1 + p[0];
    assert_ptr_equal(p + 2 + u16_at(p), end);
    for (p += 2; p != end; p += 4 + u16_at(p + 2)) {
        uint32_t number = u16_at(p);
        if (number < COUNT(hello.ext)) {
            assert_false(hello.has[number]);
            hello.has[number] = true;
            hello.ext[number] = (struct iot_bytes){p + 4, u16_at(p + 2)};
        }
    }
}

static bool offers(uint32_t suite)
{
    for (uint32_t i = 0; i < hello.suites.len; i += 2)
        if (u16_at(hello.suites.ptr + i) == suite)
            return true;
    return false;
}

static void the_suites_that_are_offered_are_those_of_the_kinds(void **state)
{
    static const struct {
        uint32_t kinds;
        uint16_t suites[14];
    } table[] = {
        {0, {0xc02b, 0xc02c, 0xc0ac, 0xc02f, 0xc030}},
        {IOT_TLS_ECDHE_ECDSA, {0xc02b, 0xc02c, 0xc0ac}},
        {IOT_TLS_ECDHE_RSA, {0xc02f, 0xc030}},
        {IOT_TLS_PSK, {0xa8, 0xc0a4, 0xc0a8}},
        {IOT_TLS_PLATFORM, {0x9c, 0x3d, 0x3c}},
        {IOT_TLS_PSK | IOT_TLS_PLATFORM, {0xa8, 0xc0a4, 0xc0a8, 0x9c, 0x3d, 0x3c, 0x8c}},
        {15,
         {0xa8, 0xc0a4, 0xc0a8, 0xc02b, 0xc02c, 0xc0ac, 0xc02f, 0xc030, 0x9c, 0x3d, 0x3c, 0x8c}},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(table); i++) {
        setup(NULL);
        w->opt.kinds = table[i].kinds;
        w->opt.psk = BYTES("key");
        w->opt.psk_identity = BYTES("me");
        greet(w);
        read_hello(w);
        uint32_t count = 0;
        for (uint32_t k = 0; table[i].suites[k] != 0; k++, count++)
            assert_true(offers(table[i].suites[k]));
        /* beside them: no renegotiation (RFC 5746), and what 1.3 brings where all are welcome */
        bool with_13 = IOT_FEATURE_TLS_13 && (table[i].kinds == 0 || table[i].kinds == 15);
        assert_true(offers(0xff));
        assert_int_equal(offers(0x1301), with_13);
        assert_int_equal(hello.suites.len / 2, count + 1 + (with_13 ? 3 : 0));
        abort_(w);
    }
}

static void without_authorities_only_psk_is_offered(void **state)
{
    (void)state;
    w->opt.ca_count = 0;
    w->opt.kinds = IOT_TLS_PSK | IOT_TLS_PLATFORM;
    w->opt.psk = BYTES("key");
    w->opt.psk_identity = BYTES("me");
    greet(w);
    read_hello(w);
    assert_true(offers(0xa8) && offers(0x8c));
    assert_false(offers(0x9c) || offers(0x3c));
    abort_(w);
}

static void sni_names_whom_we_want_and_never_an_address(void **state)
{
    static const struct {
        const char *option, *endpoint, *host, *sni;
    } table[] = {
        {NULL, NULL, "h.example", "h.example"},
        {NULL, "e.example", "h.example", "e.example"},
        {"o.example", "e.example", "h.example", "o.example"},
        {"o.example", NULL, "10.0.2.2", "o.example"},
        {NULL, NULL, "10.0.2.2", NULL},
        {NULL, NULL, "fe80::1", NULL},
        {NULL, NULL, "::ffff:10.0.2.2", NULL},
        {"10.0.2.2", NULL, "h.example", NULL},
        {NULL, NULL, "10.example", "10.example"},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(table); i++) {
        setup(NULL);
        struct iot_endpoint to = {
            .host = table[i].host, .server_name = table[i].endpoint, .port = 443};
        w->opt.server_name = table[i].option;
        assert_err(w->tls.base.ops->open(&w->tls.base, &to, now), IOT_OK);
        assert_err(settle(w), IOT_ERR_AGAIN);
        read_hello(w);
        assert_int_equal(hello.has[0], table[i].sni != NULL);
        if (table[i].sni != NULL) {
            uint32_t n = (uint32_t)strlen(table[i].sni);
            assert_int_equal(hello.ext[0].len, n + 5);
            assert_memory_equal(hello.ext[0].ptr + 5, table[i].sni, n);
        }
        abort_(w);
    }
}

static void small_records_protocols_and_tickets_are_asked_for(void **state)
{
    static const char *const alpn[] = {"mqtt", "x-mqtt", NULL};
    (void)state;
    greet(w);
    read_hello(w);
    bool small = !IOT_FEATURE_TLS_13 && /* where openssl and mbedTLS disagree about it */
                 (IOT_TLS_RX_BYTES == 512 || IOT_TLS_RX_BYTES == 1024 || IOT_TLS_RX_BYTES == 2048 ||
                  IOT_TLS_RX_BYTES == 4096);
    assert_int_equal(hello.has[1], small); /* max_fragment_length */
    if (small)
        assert_int_equal(256 << hello.ext[1].ptr[0], IOT_TLS_RX_BYTES);
    assert_false(hello.has[16] || hello.has[35]);
    assert_true(hello.has[23]); /* extended master secret */
    abort_(w);
    w->opt.alpn = alpn;
    w->opt.session_key = "s";
    greet(w);
    read_hello(w);
    assert_true(hello.has[16] && hello.has[35]);
    assert_bytes(hello.ext[16], BYTES("\0\14\4mqtt\6x-mqtt"));
    abort_(w);
}

static void a_wire_that_takes_a_few_bytes_gets_the_same_hello(void **state)
{
    static uint8_t whole[1024];
    (void)state;
    greet(w);
    uint32_t n = w->stub.tx_len;
    memcpy(whole, w->stub.tx, n);
    abort_(w);
    w->stub.write_max = 1;
    greet(w);
    assert_int_equal(w->stub.tx_len, n);
    assert_memory_equal(w->stub.tx, whole, n);
    abort_(w);
    w->stub.write_max = UINT32_MAX;
    w->stub.write_budget = 0;
    assert_err(open_(w), IOT_OK);
    for (uint32_t i = 0; i < n; i++) {
        assert_err(settle(w), IOT_ERR_AGAIN);
        assert_int_equal(w->stub.tx_len, i);
        stub_allow(&w->stub, 1);
        assert_true(w->wake);
    }
    assert_err(settle(w), IOT_ERR_AGAIN);
    assert_memory_equal(w->stub.tx, whole, n);
    assert_true(w->stub.flushes > n);
    abort_and_check(w);
}

static void two_at_once_use_their_own_memory_and_chance(void **state)
{
    struct world *v = &worlds[1];
    (void)state;
    assert_err(open_(w), IOT_OK);
    assert_err(open_(v), IOT_OK);
    for (uint32_t i = 0; i < 100; i++) {
        assert_err(poll(w), IOT_ERR_AGAIN);
        assert_err(poll(v), IOT_ERR_AGAIN);
    }
    assert_int_equal(w->stub.tx_len, v->stub.tx_len);
    assert_memory_not_equal(w->stub.tx + 11, v->stub.tx + 11, 32); /* client random */
    receive(v, "\x15\3\3\0\2\2\x28", 7);
    assert_err(settle(v), IOT_ERR_TLS_KIND);
    assert_over(v, IOT_ERR_TLS_KIND);
    assert_err(settle(w), IOT_ERR_AGAIN);
    assert_non_null(w->tls.core.state);
    assert_false(is_wiped(w));
    abort_and_check(w);
    abort_and_check(v);
}

/* ---- answers that are no handshake ------------------------------------------------------- */

static void a_silent_server_is_given_up_at_the_deadline(void **state)
{
    (void)state;
    w->stub.connect_ms = 700;
    assert_err(open_(w), IOT_OK);
    assert_err(settle(w), IOT_ERR_AGAIN);
    assert_int_equal(deadline(w), now + 700);
    now += 700;
    iot_time due = now + IOT_TLS_HANDSHAKE_MS;
    assert_err(settle(w), IOT_ERR_AGAIN);
    assert_int_equal(deadline(w), due);
    now = due - 1;
    assert_err(settle(w), IOT_ERR_AGAIN);
    now = due;
    assert_err(settle(w), IOT_ERR_TLS_TIMEOUT);
    assert_over(w, IOT_ERR_TLS_TIMEOUT);
    abort_and_check(w);
}

/* A handshake message of 64 KiB, a byte per second. */
static void a_trickle_does_not_move_the_deadline(void **state)
{
    static const uint8_t head[] = {0x16, 3, 3, 1, 0, 2, 0, 0, 0x60};
    (void)state;
    greet(w);
    iot_time due = now + IOT_TLS_HANDSHAKE_MS;
    iot_err err = IOT_ERR_AGAIN;
    for (uint32_t i = 0; err == IOT_ERR_AGAIN; i++) {
        receive(w, i < sizeof head ? &head[i] : head, 1);
        now += 1000;
        err = settle(w);
        assert_int_equal(err != IOT_ERR_AGAIN, now >= due);
    }
    assert_err(err, IOT_ERR_TLS_TIMEOUT);
    assert_over(w, IOT_ERR_TLS_TIMEOUT);
    abort_and_check(w);
}

static void who_speaks_no_tls_is_named_so(void **state)
{
    static const struct iot_bytes answers[] = {
        {(const uint8_t *)"HTTP/1.1 400 Bad Request\r\n\r\n", 28},
        {(const uint8_t *)"\x20\2\0\0\x20\2\0\0", 8}, /* MQTT */
        {(const uint8_t *)"SSH-2.0-x\r\n", 11},
        {(const uint8_t *)"\0\0\0\0\0\0\0\0", 8},
        {(const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff", 8},
        {(const uint8_t *)"\x16\3\3\xff\xff\0\0\0", 8}, /* no TLS has such records */
        {(const uint8_t *)"\x16\3\3\0\0\0\0\0", 8},     /* an empty handshake record */
        {(const uint8_t *)"\x16\3\3\0\4\2\0\0\0", 9},   /* an empty ServerHello */
        {(const uint8_t *)"\x16\3\3\0\4\x0e\0\0\0", 9}, /* ServerHelloDone first */
#if !IOT_FEATURE_TLS_13                         /* which ignores them (RFC 8446, appendix D.4) */
        {(const uint8_t *)"\x14\3\3\0\1\1", 6}, /* ChangeCipherSpec first */
#endif
        {(const uint8_t *)"\x17\3\3\0\1\1", 6}, /* data first */
        {(const uint8_t *)"\x15\3\3\0\1\1", 6}, /* half an alert */
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(answers); i++) {
        setup(NULL);
        greet(w);
        receive(w, answers[i].ptr, answers[i].len);
        assert_err(settle(w), IOT_ERR_TLS_PROTOCOL);
        assert_true(detail(w) < 0);
        assert_over(w, IOT_ERR_TLS_PROTOCOL);
        abort_and_check(w);
        /* byte by byte it is the same */
        setup(NULL);
        greet(w);
        iot_err err = IOT_ERR_AGAIN;
        for (uint32_t k = 0; k < answers[i].len && err == IOT_ERR_AGAIN; k++) {
            receive(w, answers[i].ptr + k, 1);
            err = settle(w);
        }
        assert_err(err, IOT_ERR_TLS_PROTOCOL);
        abort_and_check(w);
    }
}

/* RFC 5246, section 7.2: names by what the user can do about it, the number as detail. */
static iot_err name_of_alert(uint32_t alert)
{
    switch (alert) {
    case 40:
    case 71:
        return IOT_ERR_TLS_KIND;
    case 70:
        return IOT_ERR_TLS_VERSION;
    case 115:
        return IOT_ERR_TLS_PSK;
    default:
        return IOT_ERR_TLS_ALERT;
    }
}

static void every_alert_as_first_answer_is_named_with_its_number(void **state)
{
    (void)state;
    for (uint32_t alert = 0; alert < 256; alert++) {
        uint8_t record[] = {0x15, 3, 3, 0, 2, 2, (uint8_t)alert};
        setup(NULL);
        greet(w);
        receive(w, record, sizeof record);
        if (alert % 2)
            stub_end(&w->stub, IOT_ERR_TCP_EOF, 0); /* right behind it, as servers do */
        assert_err(settle(w), name_of_alert(alert));
        assert_int_equal(detail(w), alert);
        assert_over(w, name_of_alert(alert));
        abort_and_check(w);
    }
}

static void a_warning_is_waited_over_but_for_the_goodbye(void **state)
{
    (void)state;
    for (uint32_t alert = 0; alert < 256; alert++) {
        uint8_t record[] = {0x15, 3, 3, 0, 2, 1, (uint8_t)alert};
        setup(NULL);
        greet(w);
        receive(w, record, sizeof record);
        if (alert == 0) {
            assert_err(settle(w), IOT_ERR_TLS_CLOSED);
            assert_int_equal(detail(w), 0);
            assert_over(w, IOT_ERR_TLS_CLOSED);
        } else {
            /* 100, no renegotiation: nobody asked for one */
            assert_err(settle(w), alert == 100 ? IOT_ERR_TLS_PROTOCOL : IOT_ERR_AGAIN);
        }
        abort_and_check(w);
    }
}

static void a_record_that_does_not_fit_says_its_size(void **state)
{
    static const uint32_t sizes[] = {IOT_TLS_RX_BYTES + 600, 8192, 16384, 16384 + 256};
    (void)state;
    for (uint32_t i = 0; i < COUNT(sizes); i++) {
        if (sizes[i] <= IOT_TLS_RX_BYTES + 512)
            continue;
        uint8_t record[] = {0x16, 3, 3, (uint8_t)(sizes[i] >> 8), (uint8_t)sizes[i], 2, 0, 0x40, 0};
        setup(NULL);
        greet(w);
        receive(w, record, sizeof record);
        assert_err(settle(w), IOT_ERR_TLS_RECORD);
        assert_int_equal(detail(w), sizes[i]);
        assert_over(w, IOT_ERR_TLS_RECORD);
        abort_and_check(w);
    }
}

static void an_end_within_the_handshake_is_an_end_within_tls(void **state)
{
    static const struct {
        iot_err lower, name;
    } table[] = {
        {IOT_ERR_TCP_EOF, IOT_ERR_TLS_EOF},
        {IOT_ERR_TCP_RESET, IOT_ERR_TLS_EOF},
        {IOT_ERR_TCP_ABORTED, IOT_ERR_TCP_ABORTED},
        {IOT_ERR_TCP_STALLED, IOT_ERR_TCP_STALLED},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(table); i++) {
        for (uint32_t part = 0; part < 6; part++) {
            setup(NULL);
            greet(w);
            receive(w, "\x16\3\3\0\x40\2", part);
            stub_end(&w->stub, table[i].lower, -13);
            assert_err(settle(w), table[i].name);
            assert_int_equal(detail(w), -13);
            assert_over(w, table[i].name);
            abort_and_check(w);
        }
        /* before all of ClientHello has left */
        setup(NULL);
        w->stub.write_budget = 20;
        assert_err(open_(w), IOT_OK);
        assert_err(settle(w), IOT_ERR_AGAIN);
        stub_end(&w->stub, table[i].lower, -13);
        stub_allow(&w->stub, 1000); /* an ended stream is not written to: the stub looks */
        assert_err(settle(w), table[i].name);
        assert_over(w, table[i].name);
        abort_and_check(w);
    }
}

/* An alert in front of the end, while there is still something to be said. */
static void the_last_words_of_who_hangs_up_are_the_reason(void **state)
{
    (void)state;
    for (uint32_t budget = 0; budget <= 100; budget += 20) {
        setup(NULL);
        w->stub.write_budget = budget;
        assert_err(open_(w), IOT_OK);
        assert_err(settle(w), IOT_ERR_AGAIN);
        receive(w, "\x15\3\3\0\2\2\x74", 7);
        stub_end(&w->stub, IOT_ERR_TCP_RESET, -14);
        assert_err(settle(w), IOT_ERR_TLS_ALERT);
        assert_int_equal(detail(w), 116);
        assert_int_equal(w->stub.tx_len, budget);
        assert_over(w, IOT_ERR_TLS_ALERT);
        abort_and_check(w);
    }
}

/* What we answer to nonsense goes nowhere then. */
static void nonsense_with_the_end_right_behind_it_writes_nothing(void **state)
{
    (void)state;
    greet(w);
    uint32_t sent = w->stub.tx_len;
    receive(w, "\x16\3\3\0\4\2\0\0\0", 9);
    stub_end(&w->stub, IOT_ERR_TCP_EOF, 0);
    assert_err(settle(w), IOT_ERR_TLS_PROTOCOL);
    assert_int_equal(w->stub.tx_len, sent);
    assert_over(w, IOT_ERR_TLS_PROTOCOL);
    abort_and_check(w);
    greet(w); /* and while it lives an alert says why */
    sent = w->stub.tx_len;
    uint32_t flushes = w->stub.flushes;
    receive(w, "\x16\3\3\0\4\2\0\0\0", 9);
    assert_err(settle(w), IOT_ERR_TLS_PROTOCOL);
    assert_int_equal(w->stub.tx_len, sent + 7);
    assert_int_equal(w->stub.tx[sent], 0x15);
    assert_true(w->stub.flushes > flushes);
    abort_and_check(w);
}

/* ---- behind the handshake, which is jumped over ------------------------------------------ */

static void jump(struct world *x)
{
    greet(x);
    x->tls.core.state->ssl.MBEDTLS_PRIVATE(state) = MBEDTLS_SSL_FLUSH_BUFFERS;
    x->tls.core.state->ssl.MBEDTLS_PRIVATE(tls_version) = MBEDTLS_SSL_VERSION_TLS1_2;
    x->tls.core.state->ssl.MBEDTLS_PRIVATE(session_negotiate)->MBEDTLS_PRIVATE(tls_version) =
        MBEDTLS_SSL_VERSION_TLS1_2;
    assert_err(settle(x), IOT_OK);
    assert_err(settle(x), IOT_OK);
    stub_release(&x->stub, x->stub.taken);
    assert_err(settle(x), IOT_OK);
    x->stub.tx_len = 0;
    x->stub.let_go = x->stub.taken = 0;
    x->tls.lower_written = x->tls.mark_lower = 0;
}

static void receive_record(struct world *x, uint8_t type, const void *bytes, uint32_t n)
{
    uint8_t head[] = {type, 3, 3, (uint8_t)(n >> 8), (uint8_t)n};
    receive(x, head, sizeof head);
    receive(x, bytes, n);
}

static iot_err read_(struct world *x, void *into, uint32_t cap, uint32_t *got)
{
    heap_trap_on();
    iot_err err = x->tls.base.ops->read(&x->tls.base, into, cap, got);
    heap_trap_off();
    return err;
}

static iot_err write_(struct world *x, const void *bytes, uint32_t n, uint32_t *taken)
{
    heap_trap_on();
    iot_err err = x->tls.base.ops->write(&x->tls.base, (struct iot_bytes){bytes, n},
                                         IOT_STREAM_COPY, now, taken);
    heap_trap_off();
    return err;
}

static void one_record_is_decrypted_per_tick(void **state)
{
    uint8_t b[64];
    uint32_t got = 99;
    (void)state;
    jump(w);
    assert_err(read_(w, b, sizeof b, &got), IOT_ERR_AGAIN);
    receive_record(w, 0x17, "hello", 5);
    receive_record(w, 0x17, "world", 5);
    assert_true(w->wake);
    assert_err(poll(w), IOT_OK);
    assert_err(read_(w, b, 3, &got), IOT_OK);
    assert_int_equal(got, 3);
    assert_err(read_(w, b + 3, sizeof b - 3, &got), IOT_OK);
    assert_int_equal(got, 2);
    assert_memory_equal(b, "hello", 5);
    for (int i = 0; i < 3; i++) {
        assert_err(read_(w, b, sizeof b, &got), IOT_OK);
        assert_int_equal(got, 0); /* perhaps more, but not now */
    }
    assert_err(poll(w), IOT_OK);
    assert_err(read_(w, b, sizeof b, &got), IOT_OK);
    assert_int_equal(got, 5);
    assert_memory_equal(b, "world", 5);
    assert_err(poll(w), IOT_OK);
    assert_err(read_(w, b, sizeof b, &got), IOT_ERR_AGAIN);
    abort_and_check(w);
}

static void a_record_in_pieces_is_none_until_its_last_byte(void **state)
{
    uint8_t b[64];
    uint32_t got;
    (void)state;
    jump(w);
    for (uint32_t i = 0; i < 8; i++) {
        assert_err(poll(w), IOT_OK);
        assert_err(read_(w, b, sizeof b, &got), IOT_ERR_AGAIN);
        receive(w, &"\x17\3\3\0\3abc"[i], 1);
    }
    assert_err(poll(w), IOT_OK);
    assert_err(read_(w, b, sizeof b, &got), IOT_OK);
    assert_int_equal(got, 3);
    abort_and_check(w);
}

static void the_servers_goodbye_is_the_reason_also_with_the_end_behind_it(void **state)
{
    (void)state;
    for (int with_end = 0; with_end <= 1; with_end++) {
        uint8_t b[64];
        uint32_t got;
        setup(NULL);
        jump(w);
        receive_record(w, 0x17, "last", 4);
        receive_record(w, 0x15, "\1\0", 2);
        if (with_end)
            stub_end(&w->stub, IOT_ERR_TCP_EOF, 0);
        poll(w);
        assert_err(read_(w, b, sizeof b, &got), IOT_OK);
        assert_int_equal(got, 4);
        poll(w);
        assert_err(read_(w, b, sizeof b, &got), IOT_ERR_AGAIN);
        assert_err(poll(w), IOT_ERR_TLS_CLOSED);
        assert_err(read_(w, b, sizeof b, &got), IOT_ERR_AGAIN);
        assert_err(poll(w), IOT_ERR_TLS_CLOSED);
        assert_err(write_(w, "x", 1, &got), IOT_ERR_AGAIN);
        abort_and_check(w);
    }
}

static void what_came_before_the_end_can_be_read(void **state)
{
    uint8_t b[64];
    uint32_t got;
    (void)state;
    jump(w);
    receive_record(w, 0x17, "last", 4);
    stub_end(&w->stub, IOT_ERR_TCP_RESET, -14);
    assert_err(poll(w), IOT_ERR_TCP_RESET);
    assert_int_equal(detail(w), -14);
    assert_err(read_(w, b, sizeof b, &got), IOT_OK);
    assert_int_equal(got, 4);
    assert_err(poll(w), IOT_ERR_TCP_RESET);
    assert_err(write_(w, "x", 1, &got), IOT_ERR_AGAIN); /* the stub takes none after its end */
    w->tls.base.ops->flush(&w->tls.base);
    abort_and_check(w);
}

static void nonsense_behind_the_handshake_is_answered_named_and_sticks(void **state)
{
    uint8_t b[64];
    uint32_t got;
    (void)state;
    for (int with_end = 0; with_end <= 1; with_end++) {
        setup(NULL);
        jump(w);
        receive(w, "GARBAGE!", 8);
        if (with_end)
            stub_end(&w->stub, IOT_ERR_TCP_EOF, 0);
        poll(w);
        assert_err(read_(w, b, sizeof b, &got), IOT_ERR_AGAIN);
        assert_err(poll(w), IOT_ERR_TLS_PROTOCOL);
        assert_err(read_(w, b, sizeof b, &got), IOT_ERR_AGAIN);
        assert_err(poll(w), IOT_ERR_TLS_PROTOCOL);
        abort_and_check(w);
    }
}

static void bytes_offered_once_are_frozen_until_taken(void **state)
{
    uint32_t taken = 0;
    (void)state;
    jump(w);
    w->stub.write_budget = 3;
    assert_err(write_(w, "abc", 3, &taken), IOT_ERR_AGAIN);
    assert_int_equal(w->tls.written, 0);
    assert_err(write_(w, "abcdef", 6, &taken), IOT_ERR_AGAIN); /* more behind them */
    stub_allow(&w->stub, 100);
    assert_err(write_(w, "abcdef", 6, &taken), IOT_OK);
    assert_int_equal(taken, 3);
    assert_bytes(stub_sent(&w->stub), BYTES("\x17\3\3\0\3abc"));
    assert_err(write_(w, "def", 3, &taken), IOT_OK);
    assert_bytes(stub_sent(&w->stub), BYTES("\x17\3\3\0\3abc\x17\3\3\0\3def"));
    abort_and_check(w);
}

static void a_long_write_is_cut_to_the_records_we_send(void **state)
{
    static uint8_t bytes[3 * IOT_TLS_TX_BYTES];
    uint32_t taken = 0;
    (void)state;
    jump(w);
    w->stub.write_budget = 0;
    assert_err(write_(w, bytes, sizeof bytes, &taken), IOT_ERR_AGAIN);
    stub_allow(&w->stub, UINT32_MAX);
    assert_err(write_(w, bytes, sizeof bytes, &taken), IOT_OK);
    assert_true(taken >= 512 && taken <= IOT_TLS_TX_BYTES);
    if (IOT_TLS_RX_BYTES >= IOT_TLS_TX_BYTES)
        assert_int_equal(taken, IOT_TLS_TX_BYTES);
    assert_int_equal(w->stub.tx_len, taken + 5);
    abort_and_check(w);
}

/* max_fragment_length binds both sides: with IOT_TLS_RX_BYTES 512 we send no more either. Bytes that wait
 * are those of one such record. */
static void a_negotiated_size_binds_what_we_send(void **state)
{
    static uint8_t bytes[IOT_TLS_TX_BYTES];
    uint32_t taken = 0;
    (void)state;
    jump(w);
    mbedtls_ssl_context *ssl = &w->tls.core.state->ssl;
    w->tls.core.state->conf.MBEDTLS_PRIVATE(mfl_code) = MBEDTLS_SSL_MAX_FRAG_LEN_512;
    w->stub.write_budget = 0;
    assert_err(write_(w, bytes, sizeof bytes, &taken), IOT_ERR_AGAIN);
    stub_allow(&w->stub, UINT32_MAX);
    /* an alert of our own carries it out: a reading finds nonsense */
    assert_int_equal(mbedtls_ssl_send_alert_message(ssl, 1, 100), 0);
    assert_int_equal(w->stub.tx_len, 512 + 5);
    assert_err(write_(w, bytes, sizeof bytes, &taken), IOT_OK);
    assert_int_equal(taken, 512);
    abort_and_check(w);
}

static void released_is_what_the_peers_tcp_has_confirmed(void **state)
{
    uint32_t taken = 0;
    (void)state;
    jump(w);
    w->stub.releases = false;
    assert_err(write_(w, "abc", 3, &taken), IOT_OK);
    assert_int_equal(w->tls.base.ops->released(&w->tls.base), 0);
    stub_release(&w->stub, w->stub.taken - 1);
    assert_err(poll(w), IOT_OK);
    assert_int_equal(w->tls.base.ops->released(&w->tls.base), 0);
    stub_release(&w->stub, w->stub.taken);
    assert_err(poll(w), IOT_OK);
    assert_int_equal(w->tls.base.ops->released(&w->tls.base), 3);
    for (uint32_t i = 0; i < 5; i++)
        assert_err(write_(w, "de", 2, &taken), IOT_OK);
    stub_release(&w->stub, w->stub.taken);
    assert_err(poll(w), IOT_OK); /* one look is enough: nobody may ask again */
    assert_int_equal(w->tls.base.ops->released(&w->tls.base), 13);
    abort_and_check(w);
}

static void dates_are_looked_at_again_when_time_becomes_known(void **state)
{
    (void)state;
    for (int good = 0; good <= 1; good++) {
        setup(NULL);
        jump(w);
        w->tls.core.doubtful = true; /* as a chain without trusted time leaves it */
        w->tls.core.valid_from_s = 1000;
        w->tls.core.valid_to_s = 2000;
        w->tls.core.deadline = now + 10000;
        for (int i = 0; i < 5; i++) {
            now = deadline(w);
            assert_err(poll(w), IOT_OK);
            assert_int_equal(deadline(w), now + 10000);
        }
        w->wall_says = IOT_OK;
        w->wall_s = good ? 1500 : 2001;
        assert_err(poll(w), IOT_OK); /* not before it is due */
        now = deadline(w);
        if (good) {
            assert_err(poll(w), IOT_OK);
            assert_int_equal(deadline(w), IOT_TIME_NEVER);
        } else {
            assert_err(poll(w), IOT_ERR_TLS_VERIFY);
            assert_int_equal(detail(w), IOT_TLS_FAULT_EXPIRED);
            assert_over(w, IOT_ERR_TLS_VERIFY);
        }
        abort_and_check(w);
    }
}

static int64_t told_s; /* 0: nothing */

static bool told(void *ctx, int64_t *now_s)
{
    assert_ptr_equal(ctx, &told_s);
    *now_s = told_s;
    return told_s != 0;
}

/* What the peer says of time is believed where it is itself good; then dates are judged by it, though the port has no
 * clock at all and nothing was waited for. */
static void the_peers_word_for_the_time_counts_within_its_own_dates(void **state)
{
    (void)state;
    setup(NULL);
    told_s = 0;
    w->port.wall = NULL;
    w->tls.core.wall = told;
    w->tls.core.wall_ctx = &told_s;
    assert_false(iot_tls_vouches(&w->tls, 1500)); /* no link */
    jump(w);
    w->tls.core.doubtful = true;
    w->tls.core.valid_from_s = 1000;
    w->tls.core.valid_to_s = 2000;
    w->tls.core.state->floor_s = 1200;
    assert_false(iot_tls_vouches(&w->tls, 999));
    assert_false(iot_tls_vouches(&w->tls, 1199)); /* that has passed for certain */
    assert_false(iot_tls_vouches(&w->tls, 2001));
    assert_int_equal(deadline(w), IOT_TIME_NEVER);
    assert_true(iot_tls_vouches(&w->tls, 1200));
    assert_true(iot_tls_vouches(&w->tls, 2000));
    told_s = 2000;
    assert_err(poll(w), IOT_OK);
    assert_false(w->tls.core.doubtful);
    assert_int_equal(deadline(w), IOT_TIME_NEVER);
    abort_and_check(w);
}

static void a_slow_store_gets_the_session_later(void **state)
{
    (void)state;
    w->opt.session_key = "s";
    w->set_says = IOT_ERR_AGAIN;
    jump(w);
    uint32_t sets = w->sets;
    assert_true(sets > 0);
    for (uint32_t i = 1; i < 10; i++) {
        assert_in_range(deadline(w), now + 1, now + 20);
        now = deadline(w);
        assert_err(poll(w), IOT_OK);
        assert_int_equal(w->sets, sets + i);
    }
    w->set_says = IOT_OK;
    now = deadline(w);
    assert_err(poll(w), IOT_OK);
    assert_err(poll(w), IOT_OK);
    assert_int_equal(w->sets, sets + 10);
    assert_int_equal(deadline(w), IOT_TIME_NEVER);
    abort_and_check(w);
}

/* ---- sessions that are kept -------------------------------------------------------------- */

/* A session as a handshake leaves it, in the store; dates of its chain: 1000 to 2000. */
static void keep_a_session(void)
{
    w->opt.session_key = "s";
    w->get_says = IOT_OK;
    greet(w);
    w->tls.core.valid_from_s = 1000;
    w->tls.core.valid_to_s = 2000;
    mbedtls_ssl_context *ssl = &w->tls.core.state->ssl;
    ssl->MBEDTLS_PRIVATE(state) = MBEDTLS_SSL_FLUSH_BUFFERS;
    ssl->MBEDTLS_PRIVATE(tls_version) = MBEDTLS_SSL_VERSION_TLS1_2;
    ssl->MBEDTLS_PRIVATE(session_negotiate)->MBEDTLS_PRIVATE(tls_version) =
        MBEDTLS_SSL_VERSION_TLS1_2;
    assert_err(settle(w), IOT_OK);
    assert_err(settle(w), IOT_OK);
    assert_int_equal(w->sets, 1);
    assert_true(w->blob_len > 40);
    abort_(w);
}

static bool offers_it(const struct iot_endpoint *to)
{
    assert_err(w->tls.base.ops->open(&w->tls.base, to, now), IOT_OK);
    assert_err(settle(w), IOT_ERR_AGAIN);
    bool offered = w->tls.core.state->offered;
    abort_(w);
    return offered;
}

static void a_session_is_offered_to_whom_it_is_from(void **state)
{
    static struct iot_bytes own[1];
    struct iot_endpoint to;
    (void)state;
    for (uint32_t change = 0; change < 10; change++) {
        setup(NULL);
        own[0] = cert_edge;
        w->opt.server_name = change == 9 ? "d.example" : NULL;
        keep_a_session();
        to = there;
        if (change == 1 || change == 9) /* 9: two servers of one name */
            to.host = "b.example";
        if (change == 2)
            to.port++;
        if (change == 3)
            to.server_name = "c.example";
        if (change == 4)
            w->opt.server_name = "d.example";
        if (change == 5)
            w->opt.kinds = IOT_TLS_ECDHE_RSA;
        if (change == 6)
            w->ca[0] = cert_far;
        if (change == 7)
            w->ca[1] = cert_ca, w->opt.ca_count = 2;
        if (change == 8)
            w->opt.cert = own, w->opt.cert_count = 1, w->opt.key = cert_key;
        assert_int_equal(offers_it(&to), change == 0);
        assert_int_equal(w->dels, 0);
    }
}

static void a_session_ends_with_the_certificates_it_rests_on(void **state)
{
    static const struct {
        iot_err wall_says;
        int64_t wall, floor;
        bool offered;
    } table[] = {
        {IOT_OK, 999, 0, false},         {IOT_OK, 1000, 0, true},
        {IOT_OK, 2000, 0, true},         {IOT_OK, 2001, 0, false},
        {IOT_ERR_AGAIN, 0, 0, true},     {IOT_ERR_AGAIN, 0, 2000, true},
        {IOT_ERR_AGAIN, 0, 2001, false},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(table); i++) {
        setup(NULL);
        keep_a_session();
        w->wall_says = table[i].wall_says;
        w->wall_s = table[i].wall;
        w->opt.min_wall_s = table[i].floor;
        assert_int_equal(offers_it(&there), table[i].offered);
    }
}

static void a_session_cut_short_or_with_a_wrong_byte_is_no_error(void **state)
{
    static uint8_t good[2048];
    (void)state;
    keep_a_session();
    uint32_t n = w->blob_len;
    memcpy(good, w->blob, n);
    assert_true(offers_it(&there));
    for (uint32_t len = 1; len < n; len++) {
        w->blob_len = len;
        assert_false(offers_it(&there));
    }
    w->blob_len = n;
    for (uint32_t i = 0; i < n; i++) {
        w->blob[i] ^= 0xff;
        (void)offers_it(&there);
        w->blob[i] ^= 0xff;
    }
    assert_memory_equal(w->blob, good, n);
    w->blob_len = sizeof w->blob; /* longer than any of ours */
    assert_false(offers_it(&there));
}

static void a_session_that_was_offered_in_vain_is_forgotten(void **state)
{
    (void)state;
    for (int offered = 0; offered <= 1; offered++) {
        setup(NULL);
        keep_a_session();
        w->opt.kinds = offered ? 0 : IOT_TLS_ECDHE_RSA;
        greet(w);
        assert_int_equal(w->tls.core.state->offered, offered);
        receive(w, "\x15\3\3\0\2\2\x14", 7);
        assert_err(settle(w), IOT_ERR_TLS_ALERT);
        assert_int_equal(w->dels, offered);
        abort_(w);
        assert_false(offers_it(&there) && offered);
    }
}

static void a_refused_login_forgets_the_session_it_came_by(void **state)
{
    (void)state;
    iot_tls_refused(&w->tls); /* nothing there */
    keep_a_session();
    iot_tls_refused(&w->tls);
    assert_int_equal(w->dels, 0);
    greet(w);
    iot_tls_refused(&w->tls);
    assert_int_equal(w->dels, 1);
    iot_tls_refused(&w->tls);
    assert_int_equal(w->dels, 1);
    abort_(w);
}

static void without_room_for_it_a_session_is_neither_kept_nor_offered(void **state)
{
    (void)state;
    keep_a_session();
    /* leave just what a hello needs */
    uint32_t enough = 0;
    for (uint32_t bytes = 8192; enough == 0; bytes += 64) {
        memset(w->arena, 0xaa, sizeof w->arena);
        w->opt.arena_bytes = bytes;
        assert_err(open_(w), IOT_OK);
        iot_err err = settle(w);
        if (err == IOT_ERR_AGAIN) {
            enough = bytes;
            assert_int_equal(w->tls.core.arena.failed, 0); /* forgiven, if it was */
        } else {
            assert_err(err, IOT_ERR_TLS_MEMORY);
        }
        abort_(w);
    }
}

/* ---- endings ----------------------------------------------------------------------------- */

static void close_(struct world *x, iot_time until)
{
    x->wake = false;
    x->tls.base.ops->close(&x->tls.base, until);
    assert_true(x->wake);
}

static void close_says_goodbye_and_waits_for_the_lower_stream(void **state)
{
    (void)state;
    jump(w);
    close_(w, now + 1000);
    assert_err(settle(w), IOT_ERR_CLOSED);
    assert_bytes(stub_sent(&w->stub), BYTES("\x15\3\3\0\2\1\0"));
    assert_int_equal(w->stub.closes_asked, 1);
    assert_over(w, IOT_ERR_CLOSED);
    assert_int_equal(w->stub.aborts, 0);
    greet(w);
    abort_(w);
}

static void close_finishes_the_record_under_way_first(void **state)
{
    uint32_t taken = 0;
    (void)state;
    jump(w);
    w->stub.write_budget = 2;
    assert_err(write_(w, "abc", 3, &taken), IOT_ERR_AGAIN);
    close_(w, now + 1000);
    assert_err(settle(w), IOT_ERR_AGAIN);
    assert_int_equal(w->stub.closes_asked, 0);
    stub_allow(&w->stub, 7);
    assert_err(settle(w), IOT_ERR_AGAIN);
    stub_allow(&w->stub, 100);
    assert_err(settle(w), IOT_ERR_CLOSED);
    assert_bytes(stub_sent(&w->stub), BYTES("\x17\3\3\0\3abc\x15\3\3\0\2\1\0"));
    assert_over(w, IOT_ERR_CLOSED);
}

static void a_goodbye_that_cannot_leave_is_cut_at_the_deadline(void **state)
{
    (void)state;
    jump(w);
    w->stub.write_budget = 0;
    w->stub.closes = w->stub.releases = false;
    iot_time due = now + 1000;
    close_(w, due);
    assert_err(settle(w), IOT_ERR_AGAIN);
    assert_int_equal(deadline(w), due);
    now = due;
    (void)settle(w);
    assert_int_equal(w->stub.closes_asked, 1);
    assert_over(w, IOT_ERR_CLOSED);
}

static void a_close_that_is_cut_says_so(void **state)
{
    uint32_t taken = 0;
    (void)state;
    jump(w);
    w->stub.closes = w->stub.releases = false;
    assert_err(write_(w, "abc", 3, &taken), IOT_OK);
    close_(w, now + 1000);
    assert_err(settle(w), IOT_ERR_AGAIN);
    assert_true(is_wiped(w)); /* keys are not needed for that */
    assert_int_equal(deadline(w), now + 1000);
    now += 1000;
    assert_err(settle(w), IOT_ERR_CUT);
    assert_over(w, IOT_ERR_CUT);
}

enum stop {
    IN_IDLE,
    IN_LOWER,
    IN_PREPARE,
    IN_HELLO,
    IN_HANDSHAKE,
    IN_UP,
    IN_UP_BROKEN,
    IN_BYE,
    IN_CLOSING,
    IN_OVER,
    STOPS
};

static void go_to(struct world *x, enum stop stop)
{
    switch (stop) {
    case IN_IDLE:
    case STOPS:
        return;
    case IN_LOWER:
        x->stub.connects = false;
        break;
    case IN_PREPARE:
        x->random_says = IOT_ERR_AGAIN;
        break;
    case IN_HELLO:
        x->stub.write_budget = 20;
        break;
    case IN_HANDSHAKE:
        break;
    case IN_UP:
    case IN_UP_BROKEN:
    case IN_BYE:
    case IN_CLOSING:
        jump(x);
        if (stop == IN_UP_BROKEN)
            stub_end(&x->stub, IOT_ERR_TCP_RESET, 0);
        if (stop == IN_BYE)
            x->stub.write_budget = 0;
        x->stub.closes = false;
        if (stop == IN_BYE || stop == IN_CLOSING)
            close_(x, now + 5000);
        (void)settle(x);
        return;
    case IN_OVER:
        x->random_says = IOT_ERR_RANDOM;
        break;
    }
    assert_err(open_(x), IOT_OK);
    (void)settle(x);
}

static void abort_is_allowed_in_every_phase(void **state)
{
    (void)state;
    for (uint32_t stop = IN_IDLE; stop < STOPS; stop++) {
        setup(NULL);
        memset(w->arena, 0, ARENA_BYTES);
        go_to(w, (enum stop)stop);
        abort_(w);
        abort_(w);
        stub_init(&w->stub);
        w->random_says = IOT_OK;
        greet(w);
        abort_(w);
    }
}

static void close_is_allowed_from_begin_to_end(void **state)
{
    (void)state;
    for (uint32_t stop = IN_LOWER; stop < STOPS; stop++) {
        setup(NULL);
        go_to(w, (enum stop)stop);
        if (stop == IN_BYE || stop == IN_CLOSING)
            continue; /* closed already */
        iot_err before = stop == IN_OVER        ? IOT_ERR_RANDOM
                         : stop == IN_UP_BROKEN ? IOT_ERR_TCP_RESET /* no good order is left */
                                                : IOT_ERR_CLOSED;
        close_(w, now + 1000);
        iot_err err = settle(w);
        if (err == IOT_ERR_AGAIN) {
            assert_int_equal(deadline(w), now + 1000);
            now += 1000;
            err = settle(w);
        }
        assert_err(err, before);
        assert_over(w, before);
        abort_(w);
    }
}

static void every_byte_of_the_arena_is_wiped_when_it_ends(void **state)
{
    (void)state;
    for (uint32_t bytes = ARENA_BYTES; bytes < ARENA_BYTES + 8; bytes++) {
        setup(NULL);
        w->opt.arena_bytes = bytes;
        jump(w);
        abort_(w);
    }
}

/* ---- long steps -------------------------------------------------------------------------- */

static void steps_with_rsa_are_long(void **state)
{
    static const struct {
        int suite, state;
        bool is_long;
    } table[] = {
        {MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, MBEDTLS_SSL_SERVER_HELLO, false},
        {MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, MBEDTLS_SSL_SERVER_CERTIFICATE, true},
        {MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, MBEDTLS_SSL_SERVER_KEY_EXCHANGE, true},
        {MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, MBEDTLS_SSL_SERVER_FINISHED, false},
        {MBEDTLS_TLS_RSA_WITH_AES_128_CBC_SHA256, MBEDTLS_SSL_CLIENT_KEY_EXCHANGE, true},
        /* its chain may hold RSA */
        {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, MBEDTLS_SSL_SERVER_CERTIFICATE, true},
        {MBEDTLS_TLS_PSK_WITH_AES_128_GCM_SHA256, MBEDTLS_SSL_SERVER_CERTIFICATE, false},
        {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, MBEDTLS_SSL_SERVER_KEY_EXCHANGE, false},
        {MBEDTLS_TLS_PSK_WITH_AES_128_GCM_SHA256, MBEDTLS_SSL_SERVER_KEY_EXCHANGE, false},
    };
    (void)state;
    greet(w);
    for (uint32_t i = 0; i < COUNT(table); i++) {
        mbedtls_ssl_context *ssl = &w->tls.core.state->ssl;
        int before = ssl->MBEDTLS_PRIVATE(state);
        ssl->MBEDTLS_PRIVATE(tls_version) = MBEDTLS_SSL_VERSION_TLS1_2;
        ssl->MBEDTLS_PRIVATE(state) = table[i].state;
        ssl->MBEDTLS_PRIVATE(session_negotiate)->MBEDTLS_PRIVATE(ciphersuite) = table[i].suite;
        assert_int_equal(iot_tls_long_step(w->tls.core.state), table[i].is_long);
        ssl->MBEDTLS_PRIVATE(state) = before;
    }
    abort_(w);
}

static void only_long_steps_are_announced(void **state)
{
    (void)state;
    jump(w);
    assert_int_equal(w->busy[0], w->busy[1]);
    assert_int_equal(w->busy[0] != 0,
                     IOT_FEATURE_TLS_13); /* no RSA in sight; 1.3 is not sliced at all */
    abort_(w);
}

static void nobody_needs_to_listen(void **state)
{
    (void)state;
    w->tls.base.on_busy = NULL;
    w->tls.base.wake = NULL;
    assert_err(open_(w), IOT_OK);
    for (int i = 0; i < 20; i++)
        assert_err(w->tls.base.ops->poll(&w->tls.base, now), IOT_ERR_AGAIN);
    assert_true(w->stub.tx_len > 50);
    w->tls.base.ops->abort(&w->tls.base);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_lower_stream_that_cannot_open_yet_is_asked_again),
        CASE(a_stream_that_waits_to_open_leaves_its_memory_alone),
        CASE(a_lower_stream_that_fails_gives_the_reason_and_its_number),
        CASE(the_endpoint_is_handed_down),
        CASE(memory_that_is_no_arena_opens_nothing),
        CASE(an_arena_that_is_too_small_is_named_and_wiped_at_every_size),
        CASE(the_highest_use_outlives_the_connection),
        CASE(chance_and_store_are_waited_for_in_small_steps),
        CASE(what_never_comes_is_named_at_the_deadline),
        CASE(without_chance_there_is_no_handshake),
        CASE(a_broken_store_is_no_reason_not_to_connect),
        CASE(a_lower_stream_that_ends_while_preparing_is_the_end),
        CASE(a_certificate_or_key_that_is_none_is_named),
        CASE(options_that_cannot_work_are_refused),
        CASE(the_suites_that_are_offered_are_those_of_the_kinds),
        CASE(without_authorities_only_psk_is_offered),
        CASE(sni_names_whom_we_want_and_never_an_address),
        CASE(small_records_protocols_and_tickets_are_asked_for),
        CASE(a_wire_that_takes_a_few_bytes_gets_the_same_hello),
        CASE(two_at_once_use_their_own_memory_and_chance),
        CASE(a_silent_server_is_given_up_at_the_deadline),
        CASE(a_trickle_does_not_move_the_deadline),
        CASE(who_speaks_no_tls_is_named_so),
        CASE(every_alert_as_first_answer_is_named_with_its_number),
        CASE(a_warning_is_waited_over_but_for_the_goodbye),
        CASE(a_record_that_does_not_fit_says_its_size),
        CASE(an_end_within_the_handshake_is_an_end_within_tls),
        CASE(the_last_words_of_who_hangs_up_are_the_reason),
        CASE(nonsense_with_the_end_right_behind_it_writes_nothing),
        CASE(one_record_is_decrypted_per_tick),
        CASE(a_record_in_pieces_is_none_until_its_last_byte),
        CASE(the_servers_goodbye_is_the_reason_also_with_the_end_behind_it),
        CASE(what_came_before_the_end_can_be_read),
        CASE(nonsense_behind_the_handshake_is_answered_named_and_sticks),
        CASE(bytes_offered_once_are_frozen_until_taken),
        CASE(a_long_write_is_cut_to_the_records_we_send),
        CASE(a_negotiated_size_binds_what_we_send),
        CASE(released_is_what_the_peers_tcp_has_confirmed),
        CASE(dates_are_looked_at_again_when_time_becomes_known),
        CASE(the_peers_word_for_the_time_counts_within_its_own_dates),
        CASE(a_slow_store_gets_the_session_later),
        CASE(a_session_is_offered_to_whom_it_is_from),
        CASE(a_session_ends_with_the_certificates_it_rests_on),
        CASE(a_session_cut_short_or_with_a_wrong_byte_is_no_error),
        CASE(a_session_that_was_offered_in_vain_is_forgotten),
        CASE(a_refused_login_forgets_the_session_it_came_by),
        CASE(without_room_for_it_a_session_is_neither_kept_nor_offered),
        CASE(close_says_goodbye_and_waits_for_the_lower_stream),
        CASE(close_finishes_the_record_under_way_first),
        CASE(a_goodbye_that_cannot_leave_is_cut_at_the_deadline),
        CASE(a_close_that_is_cut_says_so),
        CASE(abort_is_allowed_in_every_phase),
        CASE(close_is_allowed_from_begin_to_end),
        CASE(every_byte_of_the_arena_is_wiped_when_it_ends),
        CASE(steps_with_rsa_are_long),
        CASE(only_long_steps_are_announced),
        CASE(nobody_needs_to_listen),
    };
    return cmocka_run_group_tests_name("tls_stream", tests, NULL, NULL);
}

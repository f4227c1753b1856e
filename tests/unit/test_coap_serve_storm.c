/* SPDX-License-Identifier: Apache-2.0 */
/* A server's rules under chance: anything from anybody at any time; then our own client (iot_coap_exchange) against them over a link that
 * loses, doubles and delays, where all comes out right and nothing is done twice. */
#include "coap_guest.h"
#include "fuzz/coap_serve_one.h"

/* ---- Anything from anybody ---------------------------------------------------------------- */

static uint32_t chance;

static uint32_t pick(uint32_t below)
{
    return test_random(&chance, below);
}

#define PUTS_MAX 65536u

static uint8_t executed[PUTS_MAX]; /* how often body number n was executed */
static uint32_t puts_made;

/* The number that a body ends with was given out once. */
static void count_put(struct thing *t)
{
    if (t->call.last && iot_coap_unsafe(t->call.method) && t->got_len >= 4) {
        uint32_t n;
        memcpy(&n, t->got + t->got_len - 4, 4);
        if (n >= 1 && n <= puts_made)
            executed[n]++;
    }
}

static void count_light(void)
{
    count_put(&things[LIGHT]);
}

static void count_paper(void)
{
    count_put(&things[PAPER]);
}

static uint32_t calls_open[16], calls_next;

static void note_slow(void)
{
    count_put(&things[SLOW]);
    if (things[SLOW].call.id != 0)
        calls_open[calls_next++ % 16] = things[SLOW].call.id;
}

static bool one_host(const struct iot_coap_via *a, const struct iot_coap_via *b)
{
    return memcmp(a->peer.addr, b->peer.addr, 16) == 0;
}

/* No host has more than its half of any table, and what waits for an answer has a place for it. */
static void look_at_tables(void)
{
    for (uint32_t i = 0; i < IOT_COAP_TASKS; i++) {
        const struct iot_coap_task *t = &desk.x.tasks[i];
        uint32_t n = 0, from = i < IOT_COAP_CALLS ? 0 : IOT_COAP_CALLS;
        uint32_t to = i < IOT_COAP_CALLS ? IOT_COAP_CALLS : IOT_COAP_TASKS;
        if (t->kind == IOT_COAP_TASK_FREE)
            continue;
        assert_int_equal(t->kind == IOT_COAP_TASK_WATCH, i >= IOT_COAP_CALLS);
        for (uint32_t k = from; k < to; k++)
            n += desk.x.tasks[k].kind != IOT_COAP_TASK_FREE &&
                 one_host(&desk.x.tasks[k].via, &t->via);
        assert_true(n <= (to - from + 1) / 2);
        if (t->kind == IOT_COAP_TASK_LATER || t->kind == IOT_COAP_TASK_REPLY) {
            assert_true(t->kept < IOT_COAP_ANSWERS);
            assert_true(iot_coap_via_same(&desk.x.kept[t->kept].via, &t->via));
            assert_int_equal(desk.x.kept[t->kept].code == 0, t->kind == IOT_COAP_TASK_LATER);
        }
        for (uint32_t k = 0; k < i; k++)
            assert_true(desk.x.tasks[k].kind == IOT_COAP_TASK_FREE ||
                        desk.x.tasks[k].kept == IOT_COAP_KEPT_NONE ||
                        desk.x.tasks[k].kept != t->kept);
    }
    for (uint32_t i = 0; i < IOT_COAP_ANSWERS; i++) {
        uint32_t n = 0;
        for (uint32_t k = 0; k < IOT_COAP_ANSWERS; k++)
            n += desk.x.kept[k].until > desk.now &&
                 one_host(&desk.x.kept[k].via, &desk.x.kept[i].via);
        assert_true(n <= (IOT_COAP_ANSWERS + 1) / 2);
    }
}

static bool waits_for(const struct ask *a)
{
    for (uint32_t i = 0; i < IOT_COAP_CALLS; i++) {
        const struct iot_coap_task *t = &desk.x.tasks[i];
        if (t->kind == IOT_COAP_TASK_LATER && t->id == a->id && iot_coap_via_same(&t->via, &a->via))
            return true;
    }
    return false;
}

static struct iot_coap_via anybody(void)
{
    uint32_t n = 1 + pick(5);
    struct iot_coap_via via = pick(2) != 0 ? udp(n) : dtls(n);

    if (via.session == 0)
        via.peer.port = (uint16_t)(1000 + pick(3));
    return via;
}

/* All that wants to leave does; some of it is acknowledged, reset, or lost. */
static void drain(void)
{
    for (uint32_t bound = 0; desk_out(); bound++) {
        uint32_t fate = pick(8);
        if (bound > 200)
            fail_msg("no end of what it says");
        if (desk.m.type == IOT_COAP_CON && fate < 6)
            give_bare(&desk.to, fate < 5 ? IOT_COAP_ACK : IOT_COAP_RST, desk.m.id);
    }
}

static struct ask random_ask(void)
{
    static const char *const paths[] = {"big",  "files/x", "light", "light",           "log",
                                        "many", "news",    "paper", "paper",           "secret",
                                        "slow", "none",    "own",   ".well-known/core"};
    static uint8_t bodies[32][64];
    uint8_t *body = bodies[puts_made % 32];
    struct ask a = asking((uint8_t)(1 + pick(8)), paths[pick(COUNT(paths))]);
    static const char *const tokens[] = {"", "a", "bb", "cccccccc"};
    uint32_t n = pick(3) == 0 ? 4 + pick(61) : 4;

    a.via = anybody();
    a.type = (uint8_t)pick(2);
    a.to_many = a.via.session == 0 && pick(12) == 0;
    a.token = tokens[pick(COUNT(tokens))];
    a.echo = pick(4) != 0;
    if (pick(3) == 0)
        a.observe = pick(4) == 0;
    if (pick(6) == 0)
        a.block2 = (int64_t)pick(40);
    if (a.code != IOT_COAP_GET && pick(3) == 0) {
        uint32_t szx = pick(2);
        a.block1 = BLOCK(pick(3), pick(3) != 0, szx);
        n = (a.block1 & 8) != 0 ? 16u << szx : 4 + pick((16u << szx) - 4);
    }
    if (pick(10) == 0)
        a.tag = tokens[pick(COUNT(tokens))];
    if (pick(20) == 0)
        a.odd = (uint16_t)pick(300);
    memset(body, 'b', sizeof bodies[0]);
    puts_made++;
    assert_true(puts_made < PUTS_MAX);
    memcpy(body + n - 4, &puts_made, 4);
    if (a.code != IOT_COAP_GET && pick(10) != 0)
        a.body = (struct iot_bytes){body, n};
    return a;
}

/* One that was used for this peer a moment ago, or will be. */
static uint16_t near_id(const struct iot_coap_via *via)
{
    desk.x.next_id = (uint16_t)(desk.x.next_id - 1);
    return (uint16_t)(iot_coap_new_id(&desk.x, &via->peer) - pick(4));
}

static void storm(uint32_t seed)
{
    static struct ask old[16];
    uint32_t olds = 0;

    chance = seed * 2654435761u | 1;
    desk_init(seed);
    memset(executed, 0, sizeof executed);
    puts_made = 0;
    things[LIGHT].hook = count_light;
    things[PAPER].hook = count_paper;
    things[SLOW].hook = note_slow;
    things[SLOW].later = true;
    for (uint32_t i = 0; i < THINGS; i++)
        things[i].mixed = true;
    things[BIG].body = things[LIGHT].body = things[MANY].body = pattern_bytes(1000);
    things[BIG].len = 1000;
    things[LOG].source_len = 5000;
    for (uint32_t step = 0; step < 400; step++) {
        uint32_t what = pick(20);
        things[LIGHT].len = things[MANY].len = pick(4) == 0 ? 100 : 5;
        if (what < 10) {
            struct ask a = random_ask();
            desk.id = (uint16_t)pick(65536); /* anything may come again by the same id */
            a.id = 0;
            build(&a);
            int code = give_again(&a);
            if (code == 0 && a.type == IOT_COAP_CON && !a.to_many)
                assert_true(waits_for(&a));
            if (a.to_many)
                assert_int_equal(code, 0);
            if (pick(3) == 0 && a.type == IOT_COAP_CON && !a.to_many && code > 0)
                assert_int_equal(give_again(&a), code); /* a copy, at once */
            if (a.via.session == 0)
                old[olds++ % 16] = a;
        } else if (what < 13 && olds != 0) {
            give_again(&old[olds < 16 ? pick(olds) : pick(16)]); /* of any age */
        } else if (what == 13) {
            iot_coap_serve_changed(&desk.x, pick(2) != 0 ? "light" : "news");
        } else if (what == 14) {
            struct iot_coap_answer a;
            iot_coap_serve_answer_init(&desk.x, (uint8_t)(1 + pick(7)), &a);
            iot_writer_text(&a.body, "late");
            iot_coap_serve_answer(&desk.x, calls_open[pick(16)], &a, desk.now);
        } else if (what == 15 && pick(10) == 0) {
            iot_coap_serve_gone(&desk.x, 1 + pick(5));
        } else if (what == 16) {
            struct iot_coap_via via = anybody();
            give_bare(&via, (uint8_t)pick(4), near_id(&via));
        } else if (what == 17) {
            desk.room = pick(6) == 0 ? 0 : pick(3) == 0 ? 128 : IOT_COAP_BYTES;
            desk_on(pick(3) == 0 ? 100000 : 3000);
        } else if (what == 18) {
            desk_after(pick(30000));
        }
        if (desk.room == 0)
            desk.room = IOT_COAP_BYTES;
        drain();
        look_at_tables();
        for (uint32_t n = 1; n <= puts_made; n++) {
            if (executed[n] > 1)
                fail_msg("seed %u: number %u was executed %u times", seed, n, executed[n]);
        }
    }
    /* It comes to rest: each deadline brings it nearer. */
    iot_time end = desk.now + IOT_COAP_DAY_MS / 2;
    for (uint32_t bound = 0; iot_coap_serve_deadline(&desk.x) < end; bound++) {
        if (bound > 1000)
            fail_msg("seed %u: it spins", seed);
        desk_on(IOT_COAP_DAY_MS);
        drain();
    }
    desk.now = end;
    for (uint32_t i = 0; i < IOT_COAP_CALLS; i++)
        assert_int_equal(desk.x.tasks[i].kind, IOT_COAP_TASK_FREE);
}

static void whatever_comes_nothing_is_done_twice_and_each_request_is_answered(void **state)
{
    (void)state;
    uint32_t first = test_seed();

    for (uint32_t i = 0; i < 600; i++)
        storm(first + i);
}

/* ---- Our own client ----------------------------------------------------------------------- */

#define CLIENTS 2u
#define LINK    256u

struct datagram {
    bool used, up;
    uint32_t client;
    iot_time at;
    uint32_t len;
    uint8_t bytes[IOT_COAP_BYTES];
};

static struct datagram link_[LINK];
static struct rig clients[CLIENTS];
static uint32_t bad_percent;
static bool secure;

static void link_put(bool up, uint32_t client, const uint8_t *bytes, uint32_t len)
{
    uint32_t copies = 1;

    for (uint32_t i = 0; i < copies; i++) {
        uint32_t delay = 20, fate = pick(100) < bad_percent ? pick(4) : 9;
        if (fate < 2)
            continue;
        if (fate == 2)
            delay += pick(3) == 0 ? pick(secure ? 300 : 20000) : pick(200);
        if (fate == 3 && i == 0)
            copies = 2;
        struct datagram *d = link_;
        while (d != link_ + LINK && d->used)
            d++;
        assert_true(d != link_ + LINK);
        *d = (struct datagram){.used = true, .up = up, .client = client, .len = len};
        d->at = desk.now + delay + i * (secure ? 10 : 3000);
        memcpy(d->bytes, bytes, len);
    }
}

static struct iot_coap_via via_of(uint32_t client)
{
    return secure ? dtls(client + 1) : udp(client + 1);
}

static void link_settle(void)
{
    struct iot_coap_via via;
    bool again = true;

    for (uint32_t bound = 0; again; bound++) {
        again = false;
        if (bound > 1000)
            fail_msg("the link does not come to rest");
        for (struct datagram *d = link_; d != link_ + LINK; d++) {
            if (!d->used || d->at > desk.now)
                continue;
            struct datagram now = *d;
            d->used = false;
            again = true;
            via = via_of(now.client);
            if (now.up)
                desk_take(&via, (struct iot_bytes){now.bytes, now.len}, false);
            else
                rig_take(&clients[now.client], (struct iot_bytes){now.bytes, now.len});
            break;
        }
        while (desk_out()) {
            for (uint32_t i = 0; i < CLIENTS; i++) {
                via = via_of(i);
                if (iot_coap_via_same(&via, &desk.to))
                    link_put(false, i, desk.bytes, desk.len);
            }
            again = true;
        }
        for (uint32_t i = 0; i < CLIENTS; i++) {
            clients[i].now = desk.now;
            rig_expire(&clients[i]);
            while (rig_out(&clients[i])) {
                link_put(true, i, clients[i].bytes, clients[i].len);
                again = true;
            }
        }
    }
}

static void link_until(iot_time when)
{
    link_settle();
    for (uint32_t bound = 0;; bound++) {
        iot_time next = iot_coap_serve_deadline(&desk.x);
        if (bound > 20000)
            fail_msg("it spins");
        for (uint32_t i = 0; i < CLIENTS; i++) {
            iot_time at = iot_coap_exchange_deadline(&clients[i].x);
            next = at < next ? at : next;
        }
        for (const struct datagram *d = link_; d != link_ + LINK; d++)
            next = d->used && d->at < next ? d->at : next;
        if (next > when)
            break;
        desk.now = next > desk.now ? next : desk.now;
        link_settle();
    }
    desk.now = when;
    link_settle();
}

static void link_init(uint32_t seed, uint32_t bad, bool dtls_)
{
    desk_init(seed);
    chance = seed * 2654435761u | 1;
    memset(link_, 0, sizeof link_);
    memset(executed, 0, sizeof executed);
    puts_made = 0;
    bad_percent = bad;
    secure = dtls_;
    for (uint32_t i = 0; i < CLIENTS; i++) {
        rig_init(&clients[i], seed * 7 + i);
        clients[i].now = desk.now;
    }
    things[LIGHT].hook = count_light;
    things[PAPER].hook = count_paper;
}

/* Until it ends. */
static void link_run(const struct app *app)
{
    for (uint32_t i = 0; app->ends == 0; i++) {
        if (i > 2000)
            fail_msg("it does not end: %s", app->said);
        link_until(desk.now + 1000);
    }
}

static bool may_fail(const struct app *app)
{
    return app->err == IOT_ERR_COAP_TIMEOUT || app->err == IOT_ERR_COAP_SILENT ||
           app->err == IOT_ERR_COAP_ECHO || app->err == IOT_ERR_COAP_BLOCK ||
           app->err == IOT_ERR_COAP_CHANGED;
}

static void our_client_reads_large_bodies_over_a_bad_link(void **state)
{
    (void)state;
    uint32_t seed = test_seed(), good = 0, n = 0;

    for (uint32_t i = 0; i < 300; i++) {
        bool big = i % 2 != 0;
        link_init(seed + i, i % 5 * 8, i % 3 == 0);
        things[BIG].body = pattern_bytes(1000);
        things[BIG].len = 1000;
        things[LOG].source_len = 5000;
        struct app *app = app_new();
        struct iot_coap_request r = asks(app, IOT_COAP_GET);
        r.path = big ? "/big" : "/log";
        r.block_bytes = (uint16_t)(16u << (2 + i % 5));
        rig_start(&clients[i % CLIENTS], &r);
        link_run(app);
        if (bad_percent == 0 || app->err != IOT_OK)
            assert_true(app->err == IOT_OK || (bad_percent != 0 && may_fail(app)));
        if (app->err == IOT_OK) {
            assert_int_equal(app->code, IOT_COAP_CODE(2, 5));
            assert_int_equal(app->len, big ? 1000 : 5000);
            assert_memory_equal(app->body, pattern_bytes(app->len), app->len);
            good++;
        }
        n++;
    }
    assert_true(good > n * 9 / 10);
}

/* A body of `len` bytes, the next number at its end. */
static const uint8_t *numbered(uint32_t len)
{
    static uint8_t body[8][4096];
    uint8_t *b = body[++puts_made % 8];

    memcpy(b, pattern_bytes(len), len);
    memcpy(b + len - 4, &puts_made, 4);
    return b;
}

static void our_client_writes_and_each_body_is_executed_once(void **state)
{
    (void)state;
    uint32_t seed = test_seed(), good = 0, n = 0;

    for (uint32_t i = 0; i < 150; i++) {
        link_init(seed + i, i % 5 * 8, i % 3 == 0);
        for (uint32_t k = 0; k < 8; k++) {
            struct app *apps[CLIENTS];
            struct iot_coap_request r[CLIENTS];
            uint32_t number[CLIENTS], len = pick(2) != 0 ? 4 + pick(60) : 4 + pick(2000);
            things[PAPER].body = pattern_bytes(100);
            things[PAPER].len = pick(2) * 100;
            for (uint32_t c = 0; c < CLIENTS; c++) {
                apps[c] = app_new();
                r[c] = asks(apps[c], pick(2) != 0 ? IOT_COAP_PUT : IOT_COAP_POST);
                r[c].path = r[c].method == IOT_COAP_PUT ? "/light" : "/paper";
                r[c].body = (struct iot_bytes){numbered(len), len};
                r[c].block_bytes = (uint16_t)(pick(2) * (64u << pick(4)));
                number[c] = puts_made;
                rig_start(&clients[c], &r[c]);
            }
            for (uint32_t c = 0; c < CLIENTS; c++) {
                link_run(apps[c]);
                if (executed[number[c]] > 1)
                    fail_msg("seed %u: executed %u times", seed + i, executed[number[c]]);
                if (bad_percent == 0)
                    assert_int_equal(apps[c]->err, IOT_OK);
                if (apps[c]->err == IOT_OK && apps[c]->code >> 5 == 2) {
                    assert_int_equal(executed[number[c]], 1);
                    if (r[c].method == IOT_COAP_POST && things[PAPER].len != 0) {
                        assert_int_equal(apps[c]->len, 100);
                        assert_memory_equal(apps[c]->body, pattern_bytes(100), 100);
                    }
                    good++;
                } else if (apps[c]->err != IOT_OK && !may_fail(apps[c])) {
                    fail_msg("seed %u: %s", seed + i, apps[c]->said);
                } else if (bad_percent == 0) {
                    fail_msg("seed %u: %s", seed + i, apps[c]->said);
                }
                n++;
            }
        }
        link_until(desk.now + 300000); /* what is late changes nothing */
        for (uint32_t k = 1; k <= puts_made; k++)
            assert_true(executed[k] <= 1);
    }
    print_message("%u of %u\n", good, n);
    assert_true(good > n * 85 / 100);
}

static void our_client_observes_and_sees_the_last_state(void **state)
{
    (void)state;
    uint32_t seed = test_seed(), good = 0, n = 0;

    for (uint32_t i = 0; i < 200; i++) {
        uint32_t len = i % 2 != 0 ? 20 : 700;
        link_init(seed + i, i % 4 * 8, i % 3 == 0);
        const char *path = i % 5 == 0 ? "news" : "light";
        struct thing *t = &things[i % 5 == 0 ? NEWS : LIGHT];
        static uint8_t text[1024];
        struct app *app = app_new();
        struct iot_coap_request r = asks(app, IOT_COAP_GET);
        r.path = i % 5 == 0 ? "/news" : "/light";
        r.observe = true;
        r.block_bytes = i % 4 == 1 ? 64 : 0;
        memset(text, 'a', sizeof text);
        t->body = text;
        t->len = len;
        iot_ticket ticket = rig_start(&clients[0], &r);
        link_until(desk.now + 10000);
        for (uint32_t k = 0; k < 5; k++) {
            memset(text, (int)('b' + k), sizeof text);
            iot_coap_serve_changed(&desk.x, path);
            link_until(desk.now + pick(20000));
        }
        link_until(desk.now + 250000);
        n++;
        if (app->ends != 0) {
            if (bad_percent == 0 || !may_fail(app))
                fail_msg("seed %u: %s", seed + i, app->said);
            continue;
        }
        good++;
        assert_int_equal(app->len, len);
        assert_int_equal(app->body[0], 'f');
        assert_memory_equal(app->body, text, len);
        assert_true(app->observed);
        assert_int_equal(iot_coap_exchange_cancel(&clients[0].x, ticket), IOT_OK);
        link_run(app);
        bad_percent = 0;
        iot_coap_serve_changed(&desk.x, path);
        link_until(desk.now + 300000);
        assert_int_equal(iot_coap_serve_observers(&desk.x, NULL), 0);
    }
    assert_true(good > n * 9 / 10);
}

static void our_client_waits_for_an_answer_that_comes_later(void **state)
{
    (void)state;
    uint32_t seed = test_seed(), good = 0;

    for (uint32_t i = 0; i < 200; i++) {
        link_init(seed + i, i % 4 * 8, i % 3 == 0);
        struct app *app = app_new();
        struct iot_coap_request r = asks(app, i % 2 != 0 ? IOT_COAP_GET : IOT_COAP_POST);
        struct iot_coap_answer a;
        r.path = "/slow";
        things[SLOW].later = true;
        things[SLOW].hook = note_slow;
        rig_start(&clients[0], &r);
        for (uint32_t k = 0; app->ends == 0 && k < 500; k++) {
            link_until(desk.now + pick(8000));
            iot_coap_serve_answer_init(&desk.x, r.method, &a);
            iot_writer_text(&a.body, "late");
            for (uint32_t n = 0; n < 16; n++) /* some of them are nobody's */
                (void)iot_coap_serve_answer(&desk.x, calls_open[n], &a, desk.now);
        }
        assert_int_equal(app->ends, 1);
        if (app->err == IOT_OK) {
            good++;
            if (app->len != 4)
                fail_msg("seed %u: %s", seed + i, app->said);
            assert_memory_equal(app->body, "late", 4);
        } else {
            assert_true(bad_percent != 0 && may_fail(app));
        }
        if (r.method == IOT_COAP_POST)
            assert_true(things[SLOW].whole <= 1);
    }
    assert_true(good > 180);
}

/* ---- Noise ------------------------------------------------------------------------------- */

static void noise_and_broken_requests_harm_nothing(void **state)
{
    (void)state;
    uint8_t bytes[400];
    uint32_t n;

    chance = test_seed();
    for (uint32_t i = 0; i < 20000; i++) {
        n = pick(sizeof bytes);
        for (uint32_t k = 0; k < n; k++)
            bytes[k] = (uint8_t)pick(256);
        /* Some of it is nearly right: heads, lengths, times of the fuzz target's. */
        for (uint32_t k = 0; k + 8 < n; k += 4 + pick(40)) {
            static const uint8_t head[] = {0, 1, 18, 0x40, 1, 0x12, 0x34, 0xb5};
            memcpy(bytes + k, head, sizeof head);
            bytes[k + 4] = (uint8_t)(1 + pick(7));
        }
        assert_int_equal(coap_serve_fuzz_one(bytes, n), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_comes_nothing_is_done_twice_and_each_request_is_answered),
        cmocka_unit_test(our_client_reads_large_bodies_over_a_bad_link),
        cmocka_unit_test(our_client_writes_and_each_body_is_executed_once),
        cmocka_unit_test(our_client_observes_and_sees_the_last_state),
        cmocka_unit_test(our_client_waits_for_an_answer_that_comes_later),
        cmocka_unit_test(noise_and_broken_requests_harm_nothing),
    };
    return cmocka_run_group_tests_name("coap_serve_storm", tests, NULL, NULL);
}

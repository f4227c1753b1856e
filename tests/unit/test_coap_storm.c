/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange and a server over a bad wire, in virtual time: each datagram lost, doubled, late; then chance, thousands of times. */
#include "coap_peer.h"

static struct world world;

/* Body number `k`: that number, and bytes that follow from it. Until the next call. */
static const uint8_t *numbered(uint32_t k, uint32_t len)
{
    static uint8_t room[PEER_BODY_MAX];

    for (uint32_t i = 0; i < len; i++)
        room[i] = (uint8_t)(k * 31 + i * 7 + i / 97);
    if (len >= 2) {
        room[0] = (uint8_t)k;
        room[1] = (uint8_t)(k >> 8);
    }
    return room;
}

static bool is_numbered(const uint8_t *body, uint32_t len)
{
    return len < 2 || memcmp(body, numbered(body[0] | (uint32_t)body[1] << 8, len), len) == 0;
}

/* ---- One or two faults, all of them ------------------------------------------------------ */

struct fault {
    uint32_t nth, copies, delay_ms;
};

struct plan {
    struct fault faults[2];
};

static uint32_t planned(void *ctx, uint32_t nth, uint32_t *delay_ms)
{
    const struct plan *plan = ctx;

    for (uint32_t i = 0; i < 2; i++) {
        if (plan->faults[i].nth == nth) {
            *delay_ms = plan->faults[i].delay_ms;
            return plan->faults[i].copies;
        }
    }
    return 1;
}

/* Lost; doubled; behind its successors; behind a retransmission; behind several; doubled and late. */
static const struct fault kinds[] = {
    {0, 0, 0}, {0, 2, 0}, {0, 1, 60}, {0, 1, 3500}, {0, 1, 30000}, {0, 2, 3500},
};

enum { GET, DOWNLOAD, UPLOAD, BOTH, SCENES };
enum { PIGGYBACKED, SEPARATE, SEPARATE_NON, MANNERS };

/* One request of a kind under faults. Returned is how many datagrams were sent. */
static uint32_t play(uint32_t scene, uint32_t manner, const struct plan *plan, bool lossy)
{
    static uint8_t body[PEER_BODY_MAX];
    struct app *app = app_new();
    struct iot_coap_request r = asks(app, scene == UPLOAD ? IOT_COAP_PUT
                                          : scene == BOTH ? IOT_COAP_POST
                                                          : IOT_COAP_GET);
    uint32_t len = scene == GET ? 40 : 250;

    world_init(&world, 5);
    world.peer.separate = manner != PIGGYBACKED;
    world.peer.non = manner == SEPARATE_NON;
    world.peer.szx = 2;
    world.peer.answer = scene == BOTH ? 200 : 0;
    world.wire.fate = planned;
    world.wire.ctx = (void *)(uintptr_t)plan;
    if (r.method == IOT_COAP_GET) {
        memcpy(world.peer.body, numbered(77, len), len);
        world.peer.len = len;
    } else {
        memcpy(body, numbered(77, len), len);
        r.body = (struct iot_bytes){body, len};
        r.block_bytes = 64;
    }
    rig_start(&world.rig, &r);
    world_run(&world, app, 2000000);
    assert_int_equal(app->ends, 1);
    assert_true(iot_coap_exchange_idle(&world.rig.x));
    if (app->err != IOT_OK && !(lossy && app->err == IOT_ERR_COAP_SILENT))
        fail_msg("scene %u manner %u: %s", scene, manner, app->said);
    world_until(&world, world.rig.now + 300000); /* what is late reaches nobody */
    if (r.method == IOT_COAP_GET) {
        if (app->err == IOT_OK) {
            assert_int_equal(app->len, len);
            assert_memory_equal(app->body, world.peer.body, len);
        }
    } else {
        assert_true(world.peer.executed[r.method] <= 1);
        if (app->err == IOT_OK) {
            assert_int_equal(world.peer.written[77], 1);
            assert_int_equal(world.peer.len, len);
            assert_memory_equal(world.peer.body, numbered(77, len), len);
            assert_int_equal(app->code, IOT_COAP_CODE(2, 4));
            assert_int_equal(app->len, scene == BOTH ? 200 : 0);
            assert_memory_equal(app->body, pattern_bytes(app->len), app->len);
        }
    }
    assert_false(iot_coap_exchange_wants(&world.rig.x));
    return world.wire.sent;
}

static const struct plan no_faults = {{{UINT32_MAX, 1, 0}, {UINT32_MAX, 1, 0}}};

static void each_datagram_of_a_request_is_lost_doubled_and_late(void **state)
{
    (void)state;
    for (uint32_t scene = 0; scene < SCENES; scene++) {
        for (uint32_t manner = 0; manner < MANNERS; manner++) {
            uint32_t n = play(scene, manner, &no_faults, false);
            assert_true(n >= (scene == GET ? 2u : 8u));
            for (uint32_t nth = 0; nth < n; nth++) {
                for (uint32_t kind = 0; kind < COUNT(kinds); kind++) {
                    struct plan plan = no_faults;
                    plan.faults[0] = kinds[kind];
                    plan.faults[0].nth = nth;
                    /* Only a response that nobody repeats can be missing for good. */
                    play(scene, manner, &plan, manner == SEPARATE_NON && kind == 0);
                }
            }
        }
    }
}

static void each_two_datagrams_of_a_request_are_lost_doubled_and_late(void **state)
{
    (void)state;
    for (uint32_t scene = 0; scene < SCENES; scene++) {
        for (uint32_t manner = 0; manner < MANNERS; manner++) {
            uint32_t n = play(scene, manner, &no_faults, false) + 2;
            for (uint32_t a = 0; a < n; a++) {
                for (uint32_t b = a + 1; b < n && b < a + 6; b++) {
                    for (uint32_t kind = 0; kind < 25; kind++) {
                        struct plan plan = no_faults;
                        plan.faults[0] = kinds[kind % 5];
                        plan.faults[1] = kinds[kind / 5];
                        plan.faults[0].nth = a;
                        plan.faults[1].nth = b;
                        play(scene, manner, &plan, manner == SEPARATE_NON);
                    }
                }
            }
        }
    }
}

/* ---- An observation ---------------------------------------------------------------------- */

static uint32_t newest; /* number of the body that was told last */

static void on_news(struct app *app)
{
    uint32_t k = app->body[0] | (uint32_t)app->body[1] << 8;

    assert_true(is_numbered(app->body, app->len));
    assert_true(k >= newest); /* never back */
    newest = k;
}

static uint32_t watch(uint32_t manner, uint32_t len, const struct plan *plan)
{
    struct app *app = app_new();
    struct iot_coap_request r = asks(app, IOT_COAP_GET);
    iot_ticket ticket;

    world_init(&world, 9);
    world.peer.separate = manner == SEPARATE;
    world.peer.non = manner == SEPARATE_NON;
    world.peer.szx = 2;
    world.wire.fate = planned;
    world.wire.ctx = (void *)(uintptr_t)plan;
    newest = 0;
    app->on_whole = on_news;
    r.observe = true;
    peer_change(&world, numbered(1, len), len);
    ticket = rig_start(&world.rig, &r);
    for (uint32_t k = 2; k <= 4; k++) {
        world_until(&world, world.rig.now + 5000);
        peer_change(&world, numbered(k, len), len);
    }
    world_until(&world, world.rig.now + 250000);
    if (app->ends != 0)
        fail_msg("manner %u: %s", manner, app->said);
    assert_int_equal(newest, 4); /* whatever was lost, the last state arrives */
    assert_int_equal(app->len, len);
    assert_int_equal(iot_coap_exchange_cancel(&world.rig.x, ticket), IOT_OK);
    world_run(&world, app, 200000);
    assert_int_equal(app->ends, 1);
    assert_int_equal(app->err, IOT_OK);
    world_until(&world, world.rig.now + 300000);
    assert_false(world.peer.watched);
    return world.wire.sent;
}

static void each_datagram_of_an_observation_is_lost_doubled_and_late(void **state)
{
    (void)state;
    for (uint32_t len = 30; len <= 150; len += 120) {
        for (uint32_t manner = 0; manner < MANNERS; manner++) {
            uint32_t n = watch(manner, len, &no_faults);
            assert_true(n >= 10);
            for (uint32_t nth = 0; nth < n; nth++) {
                for (uint32_t kind = 0; kind < COUNT(kinds); kind++) {
                    struct plan plan = no_faults;
                    plan.faults[0] = kinds[kind];
                    plan.faults[0].nth = nth;
                    watch(manner, len, &plan);
                }
            }
        }
    }
}

/* ---- Chance ------------------------------------------------------------------------------ */

static uint32_t chance;
static uint32_t bad_percent;

static uint32_t weather(void *ctx, uint32_t nth, uint32_t *delay_ms)
{
    (void)ctx;
    (void)nth;
    if (test_random(&chance, 100) >= bad_percent)
        return 1;
    switch (test_random(&chance, 4)) {
    case 0:
    case 1:
        return 0;
    case 2:
        *delay_ms =
            test_random(&chance, 2) == 0 ? test_random(&chance, 100) : test_random(&chance, 20000);
        return 1;
    default:
        *delay_ms = test_random(&chance, 5000);
        return 2;
    }
}

static bool is_fair(iot_err err)
{
    return err == IOT_OK || err == IOT_ERR_COAP_TIMEOUT || err == IOT_ERR_COAP_SILENT ||
           err == IOT_ERR_CLOSED || err == IOT_ERR_COAP_CHANGED || err == IOT_ERR_UNKNOWN ||
           err == IOT_ERR_COAP_RESET;
}

/* One life: requests of all kinds, as many at once as there is room for, all of which end. */
static void storm(uint32_t seed, bool forgets)
{
    static struct app pool[IOT_COAP_REQUESTS];
    static uint8_t bodies[IOT_COAP_REQUESTS][PEER_BODY_MAX];
    struct app *apps[IOT_COAP_REQUESTS] = {NULL};
    struct iot_coap_request reqs[IOT_COAP_REQUESTS];
    iot_ticket tickets[IOT_COAP_REQUESTS];
    uint32_t begun = 0, renewals = 0, number[IOT_COAP_REQUESTS] = {0};

    chance = seed * 2654435761u | 1;
    world_init(&world, seed);
    world.peer.separate = test_random(&chance, 2) != 0;
    world.peer.non = test_random(&chance, 3) == 0;
    world.peer.szx = (uint8_t)test_random(&chance, 4);
    world.peer.forgets = forgets;
    world.peer.len = test_random(&chance, 300);
    world.peer.max_age_s = test_random(&chance, 3) == 0 ? 5 : 0;
    memcpy(world.peer.body, numbered(1000, world.peer.len), world.peer.len);
    world.wire.fate = weather;
    bad_percent = test_random(&chance, 60);
    for (uint32_t step = 0; step < 40 || !iot_coap_exchange_idle(&world.rig.x); step++) {
        for (uint32_t i = 0; i < IOT_COAP_REQUESTS; i++) {
            if (apps[i] == NULL || apps[i]->ends != 0) {
                if (apps[i] != NULL) {
                    if (!is_fair(apps[i]->err) && !forgets)
                        fail_msg("seed %u: %s", seed, apps[i]->said);
                    bool ok = apps[i]->err == IOT_OK;
                    if (reqs[i].method == IOT_COAP_GET && ok && !reqs[i].observe)
                        assert_true(is_numbered(apps[i]->body, apps[i]->len));
                    if (number[i] != 0 && !forgets) {
                        /* What may be repeated is, over a new association; POST never. */
                        assert_true(world.peer.written[number[i]] <=
                                    (reqs[i].method == IOT_COAP_POST ? 1 : 1 + renewals));
                        if (ok && apps[i]->code == IOT_COAP_CODE(2, 4))
                            assert_int_not_equal(world.peer.written[number[i]], 0);
                    }
                    apps[i] = NULL;
                    number[i] = 0;
                }
                if (step >= 40)
                    continue;
                uint32_t what = test_random(&chance, 8), len = 2 + test_random(&chance, 300);
                apps[i] = &pool[i];
                memset(apps[i], 0, offsetof(struct app, body));
                reqs[i] = asks(apps[i], what < 3   ? IOT_COAP_GET
                                        : what < 5 ? IOT_COAP_PUT
                                                   : IOT_COAP_POST);
                if (what == 7) {
                    reqs[i].method = IOT_COAP_PING;
                    reqs[i].path = NULL;
                } else {
                    reqs[i].non = test_random(&chance, 6) == 0;
                    reqs[i].observe = what == 0;
                    reqs[i].block_bytes =
                        (uint16_t)(test_random(&chance, 2) * (16u << test_random(&chance, 4)));
                }
                if (what >= 3 && what < 7) {
                    number[i] = ++begun;
                    memcpy(bodies[i], numbered(begun, len), len);
                    reqs[i].body = (struct iot_bytes){bodies[i], len};
                }
                if (what < 3 && test_random(&chance, 4) == 0)
                    apps[i]->decline = 1;
                tickets[i] = rig_start(&world.rig, &reqs[i]);
            } else if (test_random(&chance, 8) == 0 || (step >= 40 && reqs[i].observe)) {
                iot_err err = iot_coap_exchange_cancel(&world.rig.x, tickets[i]);
                assert_true(err == IOT_OK);
            }
        }
        world_until(&world, world.rig.now + test_random(&chance, 30000));
        if (test_random(&chance, 10) == 0 && !forgets) {
            uint32_t len = 2 + test_random(&chance, 200);
            peer_change(&world, numbered(1000, len), len);
        }
        if (test_random(&chance, 40) == 0) {
            renewals++;
            iot_coap_exchange_renew(&world.rig.x);
            rig_expire(&world.rig);
        }
        if (step > 400)
            fail_msg("seed %u: does not end", seed);
    }
    world_until(&world, world.rig.now + 300000);
    assert_false(iot_coap_exchange_wants(&world.rig.x));
    assert_int_equal(iot_coap_exchange_deadline(&world.rig.x), IOT_TIME_NEVER);
}

static void storms_end_every_request_once_and_execute_nothing_twice(void **state)
{
    (void)state;
    uint32_t first = test_seed();

    for (uint32_t i = 0; i < 1000; i++)
        storm(first + i, false);
}

static void storms_around_a_server_that_remembers_nothing(void **state)
{
    (void)state;
    uint32_t first = test_seed() + 500000;

    for (uint32_t i = 0; i < 400; i++)
        storm(first + i, true);
}

/* ---- Bytes that are not what they were ---------------------------------------------------- */

/* A GET is out; this comes. Its options are those that we read, its payload is a block. */
static struct app *before_bytes(struct iot_coap_request *get, struct peer_datagram *d, uint8_t type)
{
    struct app *app = app_new();
    struct made made;

    world_init(&world, 3);
    *get = asks(app, IOT_COAP_GET);
    rig_start(&world.rig, get);
    assert_true(rig_out(&world.rig));
    struct seen req = seen_of(&world.rig);
    make(&made, type, IOT_COAP_CODE(2, 5), type == IOT_COAP_ACK ? req.id : 9, token_of(&req));
    iot_coap_put(&made.e, IOT_COAP_ETAG, text_bytes("etag"));
    iot_coap_put_uint(&made.e, IOT_COAP_OBSERVE, 77);
    iot_coap_put_uint(&made.e, IOT_COAP_CONTENT_FORMAT, 50);
    iot_coap_put_uint(&made.e, IOT_COAP_MAX_AGE, 300);
    iot_coap_put_uint(&made.e, IOT_COAP_BLOCK2, (uint32_t)BLOCK(0, 1, 0));
    iot_coap_put_uint(&made.e, IOT_COAP_SIZE2, 400);
    iot_coap_put_uint(&made.e, IOT_COAP_ECHO, 123456);
    iot_coap_put_payload(&made.e, text_bytes("0123456789abcdef"));
    d->len = made_bytes(&made).len;
    memcpy(d->bytes, made.bytes, d->len);
    return app;
}

static void a_response_that_is_cut_anywhere_harms_nobody(void **state)
{
    (void)state;
    struct iot_coap_request get;
    struct peer_datagram d;

    for (uint8_t type = 0; type < 4; type++) {
        uint32_t len = 1000;
        for (uint32_t cut = 0; cut <= len; cut++) {
            struct app *app = before_bytes(&get, &d, type);
            len = d.len;
            rig_take(&world.rig, (struct iot_bytes){d.bytes, cut});
            if (cut < 12 || type == IOT_COAP_RST)
                assert_string_equal(app->said, "");
            if (cut == len && type != IOT_COAP_RST)
                assert_string_equal(app->said, "2.05 +16 ");
        }
    }
}

static void a_flipped_bit_of_id_or_token_is_another_message(void **state)
{
    (void)state;
    struct iot_coap_request get;
    struct peer_datagram d;

    for (uint8_t type = IOT_COAP_CON; type <= IOT_COAP_ACK; type++) {
        for (uint32_t bit = 0; bit < 8 * 600; bit++) {
            struct app *app = before_bytes(&get, &d, type);
            if (bit >= 8 * d.len)
                break;
            d.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            rig_take(&world.rig, (struct iot_bytes){d.bytes, d.len});
            if ((bit >= 16 && bit < 96 && (type == IOT_COAP_ACK || bit >= 32)) || bit / 8 == 0)
                assert_true(app->said[0] == '\0' || (bit / 8 == 0 && type != IOT_COAP_ACK) ||
                            bit == 4 || bit == 5);
            rig_on(&world.rig);
            assert_true(app->ends <= 1);
        }
    }
}

static void noise_in_every_state_ends_nothing_twice(void **state)
{
    (void)state;
    uint32_t seed = test_seed();
    struct iot_coap_request get;
    struct peer_datagram d, clean;

    for (uint32_t round = 0; round < 60000; round++) {
        struct app *app = before_bytes(&get, &clean, (uint8_t)test_random(&seed, 4));
        get.observe = test_random(&seed, 2) != 0;
        for (uint32_t i = 0; i < 4; i++) {
            d = clean;
            for (uint32_t k = test_random(&seed, 4); k != 0; k--)
                d.bytes[test_random(&seed, d.len)] = (uint8_t)test_random(&seed, 256);
            if (test_random(&seed, 4) == 0)
                d.len = test_random(&seed, d.len + 1);
            if (test_random(&seed, 3) == 0 && app->ends == 0) { /* what is out now */
                d.bytes[2] = (uint8_t)(world.rig.m.id >> 8);
                d.bytes[3] = (uint8_t)world.rig.m.id;
                memcpy(d.bytes + 4, world.rig.m.token.ptr, world.rig.m.token.len);
            }
            rig_take(&world.rig, (struct iot_bytes){d.bytes, d.len});
            while (rig_out(&world.rig) && world.rig.m.code == 0) {}
        }
        rig_on(&world.rig);
        assert_true(app->ends <= 1);
        assert_true(app->ends == 0 || app->err == IOT_OK || iot_coap_exchange_idle(&world.rig.x));
    }
}

#define CASE(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_datagram_of_a_request_is_lost_doubled_and_late),
        CASE(each_two_datagrams_of_a_request_are_lost_doubled_and_late),
        CASE(each_datagram_of_an_observation_is_lost_doubled_and_late),
        CASE(storms_end_every_request_once_and_execute_nothing_twice),
        CASE(storms_around_a_server_that_remembers_nothing),
        CASE(a_response_that_is_cut_anywhere_harms_nobody),
        CASE(a_flipped_bit_of_id_or_token_is_another_message),
        CASE(noise_in_every_state_ends_nothing_twice),
    };
    return cmocka_run_group_tests_name("coap_storm", tests, NULL, NULL);
}

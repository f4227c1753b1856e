/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and responses: RFC 7252, section 5; Echo. */
#include "coap_rig.h"

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    rig_init(&rig, 11);
    return 0;
}

/* ---- What a request looks like ----------------------------------------------------------- */

static void options_leave_in_the_order_of_their_numbers_the_callers_between_ours(void **state)
{
    (void)state;
    static const struct iot_coap_option more[] = {
        {65001, {(const uint8_t *)"z", 1}},
        {4, {(const uint8_t *)"\x01\x02", 2}},
        {28, {NULL, 0}},
        {4, {(const uint8_t *)"\x03", 1}},
        {1, {(const uint8_t *)"m", 1}},
        {300, {(const uint8_t *)"q", 1}},
        {5, {NULL, 0}},
        {16, {(const uint8_t *)"h", 1}},
    };
    struct iot_coap_request put = asks(app_new(), IOT_COAP_PUT);
    char hex[200];

    rig.x.rules.uri_host = "h.x";
    put.path = "/a/b%2Fc?q=1&r";
    put.token = text_bytes("T");
    put.has_format = put.has_accept = true;
    put.format = IOT_COAP_JSON;
    put.accept = 0x1234;
    put.block_bytes = 64;
    put.body = text_bytes("{}");
    put.options = more;
    put.option_count = COUNT(more);
    rig_start(&rig, &put);
    assert_true(rig_out(&rig));
    assert_int_equal(rig.m.type, IOT_COAP_CON);
    to_hex((struct iot_bytes){rig.m.token.ptr, rig.len - 4}, hex, sizeof hex);
    assert_string_equal(hex, "54"
                             "116d"     /* 1 If-Match */
                             "23682e78" /* 3 Uri-Host */
                             "120102"   /* 4 ETag */
                             "0103"     /* 4 */
                             "10"       /* 5 If-None-Match */
                             "6161"     /* 11 Uri-Path */
                             "03622f63" /* 11 */
                             "1132"     /* 12 Content-Format */
                             "33713d31" /* 15 Uri-Query */
                             "0172"     /* 15 */
                             "1168"     /* 16 */
                             "121234"   /* 17 Accept */
                             "6102"     /* 23 Block2 0/0/64 */
                             "50"       /* 28 Size2 */
                             "e1000371" /* 300 */
                             "e1fbb07a" /* 65001 */
                             "ff7b7d");
}

static void tokens_are_long_unlike_and_another_each_time(void **state)
{
    (void)state;
    static uint8_t all[2000][8];
    uint32_t n = 0;

    for (uint32_t seed = 1; seed <= 200; seed++) {
        rig_init(&rig, seed);
        for (uint32_t i = 0; i < 10; i++) {
            struct iot_coap_request get = asks(app_new(), IOT_COAP_GET);
            rig_start(&rig, &get);
            assert_true(rig_out(&rig));
            assert_int_equal(rig.m.token.len, 8);
            memcpy(all[n++], rig.m.token.ptr, 8);
            struct seen req = seen_of(&rig);
            give_text(&rig, IOT_COAP_ACK, req.id, &req, "");
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < i; k++) {
            assert_memory_not_equal(all[i], all[k], 8);
            if (i / 10 != k / 10) /* the upper half is what nobody can guess */
                assert_memory_not_equal(all[i], all[k], 4);
        }
    }
}

static void a_token_of_the_callers_is_used_and_only_by_one_at_a_time(void **state)
{
    (void)state;
    struct app *app = app_new(), *other = app_new();
    struct iot_coap_request get = asks(app, IOT_COAP_GET), twin = asks(other, IOT_COAP_GET);

    get.token = twin.token = text_bytes("abc");
    iot_ticket ticket = rig_start(&rig, &get);
    assert_int_equal(iot_coap_exchange_start(&rig.x, &twin, NULL), IOT_ERR_ARG);
    struct seen early = {0, "abc", 3};
    give_text(&rig, IOT_COAP_NON, 3, &early, "not sent yet");
    assert_true(rig_out(&rig));
    assert_bytes(rig.m.token, text_bytes("abc"));
    assert_int_equal(iot_coap_exchange_start(&rig.x, &twin, NULL), IOT_ERR_ARG);
    struct seen req = seen_of(&rig);
    give_text(&rig, IOT_COAP_ACK, req.id, &req, "x");
    assert_string_equal(app->said, "2.05 +1 whole end OK");
    assert_int_equal(iot_coap_exchange_cancel(&rig.x, ticket), IOT_ERR_STATE);
    rig_start(&rig, &twin);
    twin.token.len = 8;
    twin.token = text_bytes("12345678");
    assert_true(rig_out(&rig));
    assert_bytes(rig.m.token, text_bytes("12345678"));
}

static void what_cannot_be_asked_is_refused_and_nothing_begins(void **state)
{
    (void)state;
    static const uint8_t zeros[2000];
    struct iot_coap_request good = asks(app_new(), IOT_COAP_GET), r;
    struct iot_coap_option o = {0, {zeros, 0}};
    static const uint16_t ours[] = {3, 6, 7, 11, 12, 15, 17, 23, 27, 60, 252, 292};
    static const struct {
        uint16_t number, len, ok;
    } lengths[] = {
        {1, 0, 1},    {1, 8, 1},    {1, 9, 0},    {4, 0, 0},      {4, 1, 1},
        {4, 8, 1},    {4, 9, 0},    {5, 0, 1},    {5, 1, 0},      {28, 4, 1},
        {28, 5, 0},   {35, 0, 0},   {35, 900, 1}, {35, 1035, 0},  {39, 0, 0},
        {39, 255, 1}, {39, 256, 0}, {2000, 0, 1}, {2000, 900, 1}, {2000, 2000, 0},
    };

#define REFUSED(change, error)                                                                     \
    r = good;                                                                                      \
    change;                                                                                        \
    assert_int_equal(iot_coap_exchange_start(&rig.x, &r, NULL), IOT_ERR_##error)

    REFUSED(r.method = 8, ARG);
    REFUSED(r.on = NULL, ARG);
    REFUSED(r.token = ((struct iot_bytes){zeros, 9}), ARG);
    REFUSED(r.body = text_bytes("x"), ARG);
    REFUSED(r.source = app_source, ARG);
    REFUSED(r.has_format = true, ARG);
    REFUSED((r.method = IOT_COAP_DELETE, r.body = text_bytes("x")), ARG);
    REFUSED((r.method = IOT_COAP_POST, r.observe = true), ARG);
    REFUSED((r.method = IOT_COAP_DELETE, r.observe = true), ARG);
    REFUSED((r.method = IOT_COAP_PUT, r.body = text_bytes("x"), r.source = app_source), ARG);
    REFUSED(r.method = IOT_COAP_PING, ARG); /* has a path */
    REFUSED((r.method = IOT_COAP_PING, r.path = NULL, r.non = true), ARG);
    REFUSED((r.method = IOT_COAP_PING, r.path = NULL, r.token = text_bytes("x")), ARG);
    for (uint32_t bytes = 1; bytes < 3000; bytes++) {
        if (bytes >= 16 && bytes <= 1024 && (bytes & (bytes - 1)) == 0)
            continue;
        REFUSED(r.block_bytes = (uint16_t)bytes, ARG);
    }
    for (uint32_t i = 0; i < COUNT(ours); i++) {
        o.number = ours[i];
        REFUSED((r.options = &o, r.option_count = 1), ARG);
    }
    REFUSED(r.path = "a", COAP_URI);
    REFUSED(r.path = "/a/../b", COAP_URI);
    REFUSED(r.path = "/%", COAP_URI);
    assert_true(iot_coap_exchange_idle(&rig.x));
    assert_false(iot_coap_exchange_wants(&rig.x));
    for (uint32_t i = 0; i < COUNT(lengths); i++) {
        iot_ticket ticket = 0;
        o.number = lengths[i].number;
        o.value.len = lengths[i].len;
        r = good;
        r.options = &o;
        r.option_count = 1;
        assert_int_equal(iot_coap_exchange_start(&rig.x, &r, &ticket),
                         lengths[i].ok ? IOT_OK : IOT_ERR_ARG);
        if (lengths[i].ok)
            rig_init(&rig, 1);
    }
}

static void a_request_that_leaves_no_room_for_a_block_is_refused(void **state)
{
    (void)state;
    char path[IOT_COAP_BYTES + 2];
    uint32_t taken = 0;

    /* Whatever is taken can be sent with a block of 16, and that it is refused is not for a few bytes. */
    for (uint32_t len = 1; len < sizeof path; len++) {
        struct iot_coap_request put = asks(app_new(), IOT_COAP_PUT);
        for (uint32_t i = 0; i < len; i++)
            path[i] = i % 200 == 0 ? '/' : 'p';
        path[len] = '\0';
        put.path = path;
        put.body = (struct iot_bytes){pattern_bytes(1000), 1000};
        rig_init(&rig, 3);
        iot_err err = iot_coap_exchange_start(&rig.x, &put, NULL);
        if (err != IOT_OK) {
            assert_int_equal(err, IOT_ERR_SIZE);
            continue;
        }
        taken = len;
        assert_true(rig_out(&rig));
        assert_true(rig.m.payload.len >= 16);
    }
    assert_in_range(taken, IOT_COAP_BYTES - 80, IOT_COAP_BYTES - 40);
}

/* ---- What a response says ---------------------------------------------------------------- */

static struct app *asked(struct seen *req)
{
    struct app *app = app_new();
    static struct iot_coap_request get[8];
    static uint32_t turn;
    struct iot_coap_request *r = &get[turn++ % 8];

    *r = asks(app, IOT_COAP_GET);
    rig_start(&rig, r);
    while (!rig_out(&rig) || rig.m.code == 0) {}
    *req = seen_of(&rig);
    return app;
}

static void every_code_of_the_classes_2_4_and_5_is_a_response(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 256; code++) {
        struct seen req;
        struct made made;
        char want[40];
        rig_init(&rig, code);
        struct app *app = asked(&req);
        make_ack(&made, &req, (uint8_t)code);
        if (code == 0)
            made.e.len = 4, made.bytes[0] &= 0xf0;
        give(&rig, &made, NULL, 0);
        snprintf(want, sizeof want, "%u.%02u whole end OK", code >> 5, code & 31);
        if (code == IOT_COAP_CODE(2, 31))
            assert_string_equal(app->said,
                                "end COAP_BLOCK"); /* there is nothing to continue with */
        else if (code >> 5 == 2 || code >> 5 == 4 || code >> 5 == 5)
            assert_string_equal(app->said, want);
        else
            assert_string_equal(app->said, "");
    }
}

static void a_critical_option_that_its_request_understands_is_welcome(void **state)
{
    (void)state;
    for (uint16_t understands = 2087; understands <= 2091; understands += 2) {
        struct app *app = app_new();
        struct iot_coap_request req = asks(app, IOT_COAP_POST);
        struct made made;

        rig_init(&rig, 3);
        req.understands = understands;
        (void)rig_start(&rig, &req);
        assert_true(rig_out(&rig));
        struct seen seen = seen_of(&rig);
        make_ack(&made, &seen, IOT_COAP_CODE(2, 5));
        iot_coap_put(&made.e, 2089, BYTES("number"));
        give(&rig, &made, "x", 1);
        assert_string_equal(app->said,
                            understands == 2089 ? "2.05 +1 whole end OK" : "end COAP_OPTION");
    }
}

static void a_critical_option_that_is_unknown_rejects_the_response_and_says_which(void **state)
{
    (void)state;
    /* number, length */
    static const uint16_t bad[][2] = {
        {1, 1},  {3, 1},  {5, 0},  {7, 1},  {9, 3},  {11, 1}, {13, 0},    {15, 2},   {17, 0},
        {19, 0}, {21, 1}, {23, 4}, {27, 4}, {35, 3}, {39, 1}, {65535, 0}, {2049, 5},
    };

    for (uint32_t i = 0; i < COUNT(bad); i++) {
        for (uint8_t type = IOT_COAP_CON; type <= IOT_COAP_ACK; type++) {
            struct made made;
            struct seen req;
            rig_init(&rig, i);
            struct app *app = asked(&req);
            make(&made, type, IOT_COAP_CODE(2, 5), type == IOT_COAP_ACK ? req.id : 99,
                 token_of(&req));
            iot_coap_put(&made.e, bad[i][0], (struct iot_bytes){pattern_bytes(8), bad[i][1]});
            give(&rig, &made, "x", 1);
            assert_string_equal(app->said, "end COAP_OPTION");
            assert_int_equal(app->detail, bad[i][0]);
            for (uint32_t k = 0; k < 2 && type == IOT_COAP_CON; k++) {
                assert_true(rig_out(&rig));
                assert_int_equal(rig.m.type, IOT_COAP_RST);
                assert_int_equal(rig.m.id, 99);
                rig_take(&rig, made_bytes(&made)); /* its copy, too */
            }
        }
    }
}

static void elective_options_that_are_unknown_or_of_a_wrong_length_are_not_there(void **state)
{
    (void)state;
    static const uint16_t odd[][2] = {
        {4, 0},  {4, 9},  {6, 4},  {8, 3},   {12, 3},   {14, 5},  {16, 1},
        {20, 2}, {28, 5}, {60, 5}, {252, 0}, {252, 41}, {258, 1}, {292, 9},
    };
    struct made made;
    struct seen req;
    struct app *app = asked(&req);

    make_ack(&made, &req, IOT_COAP_CODE(2, 5));
    for (uint32_t i = 0; i < COUNT(odd); i++)
        iot_coap_put(&made.e, odd[i][0], (struct iot_bytes){pattern_bytes(50), odd[i][1]});
    give(&rig, &made, "x", 1);
    assert_string_equal(app->said, "2.05 +1 whole end OK");
    assert_int_equal(app->max_age_s, 60);
}

static struct iot_coap_head head_seen;
static uint8_t etag_seen[8];

static iot_err keep_head(void *ctx, const struct iot_coap_head *head)
{
    head_seen = *head;
    memcpy(etag_seen, head->etag.ptr, head->etag.len);
    return app_head(ctx, head);
}

static const struct iot_coap_handlers keeping = {keep_head, app_part, app_whole, app_end};

static void a_repeated_option_counts_once_and_rejects_if_it_is_critical(void **state)
{
    (void)state;
    for (uint32_t twice = 0; twice < 3; twice++) {
        struct app *app = app_new();
        struct iot_coap_request get = asks(app, IOT_COAP_GET);
        struct made made;
        rig_init(&rig, 5);
        get.on = &keeping;
        rig_start(&rig, &get);
        assert_true(rig_out(&rig));
        struct seen req = seen_of(&rig);
        make_ack(&made, &req, IOT_COAP_CODE(2, 5));
        iot_coap_put(&made.e, IOT_COAP_ETAG, text_bytes("one"));
        iot_coap_put(&made.e, IOT_COAP_ETAG, text_bytes("two"));
        iot_coap_put_uint(&made.e, IOT_COAP_CONTENT_FORMAT, 50);
        iot_coap_put_uint(&made.e, IOT_COAP_CONTENT_FORMAT, 60);
        iot_coap_put_uint(&made.e, IOT_COAP_MAX_AGE, 7);
        iot_coap_put_uint(&made.e, IOT_COAP_MAX_AGE, 8);
        iot_coap_put_uint(&made.e, IOT_COAP_BLOCK2, 2);
        if (twice == 1)
            iot_coap_put_uint(&made.e, IOT_COAP_BLOCK2, 2);
        if (twice == 2) {
            iot_coap_put_uint(&made.e, IOT_COAP_BLOCK1, 2);
            iot_coap_put_uint(&made.e, IOT_COAP_BLOCK1, 2);
        }
        iot_coap_put_uint(&made.e, IOT_COAP_SIZE2, 1);
        iot_coap_put_uint(&made.e, IOT_COAP_SIZE2, 2);
        give(&rig, &made, "x", 1);
        assert_string_equal(app->said, twice != 0 ? "end COAP_OPTION" : "2.05 +1 whole end OK");
        if (twice == 0) {
            assert_memory_equal(etag_seen, "one", 3);
            assert_int_equal(head_seen.format, 50);
            assert_int_equal(head_seen.max_age_s, 7);
            assert_int_equal(head_seen.total, 1);
            assert_true(head_seen.has_format && head_seen.has_total);
        } else {
            assert_int_equal(app->detail, twice == 1 ? 23 : 27);
        }
    }
}

static void freshness_is_60_seconds_unless_it_is_said(void **state)
{
    (void)state;
    static const uint8_t codes[] = {IOT_COAP_CODE(2, 5), IOT_COAP_CODE(5, 3), IOT_COAP_CODE(4, 29)};
    struct made made;
    struct seen req;

    for (uint32_t i = 0; i < COUNT(codes); i++) {
        struct app *app = asked(&req);
        make_ack(&made, &req, codes[i]);
        give(&rig, &made, NULL, 0);
        assert_int_equal(app->max_age_s, 60);
        app = asked(&req);
        make_ack(&made, &req, codes[i]);
        iot_coap_put_uint(&made.e, IOT_COAP_MAX_AGE, UINT32_MAX);
        give(&rig, &made, NULL, 0);
        assert_int_equal(app->max_age_s, UINT32_MAX);
        assert_false(rig_out(&rig)); /* who was told to come back later decides that himself */
        app = asked(&req);
        make_ack(&made, &req, codes[i]);
        iot_coap_put_uint(&made.e, IOT_COAP_MAX_AGE, 0);
        give(&rig, &made, NULL, 0);
        assert_int_equal(app->max_age_s, 0);
    }
}

static void valid_has_no_body_whatever_comes_with_it(void **state)
{
    (void)state;
    struct made made;
    struct seen req;
    struct app *app = asked(&req);

    make_ack(&made, &req, IOT_COAP_CODE(2, 3));
    iot_coap_put(&made.e, IOT_COAP_ETAG, text_bytes("v1"));
    give(&rig, &made, "what is this", 12);
    assert_string_equal(app->said, "2.03 whole end OK");
}

static void the_text_of_an_error_is_a_body_and_bounded_like_one(void **state)
{
    (void)state;
    struct app *app = app_new();
    struct iot_coap_request get = asks(app, IOT_COAP_GET);

    get.max_bytes = 4;
    for (uint32_t i = 4; i <= 5; i++) {
        *app = (struct app){.len = 0};
        rig_start(&rig, &get);
        assert_true(rig_out(&rig));
        struct made made;
        struct seen req = seen_of(&rig);
        make_ack(&made, &req, IOT_COAP_CODE(4, 4));
        give(&rig, &made, "\xff\0\xfe no", i);
        assert_string_equal(app->said, i == 4 ? "4.04 +4 whole end OK" : "end COAP_LIMIT");
    }
}

/* ---- Echo: RFC 9175 2 -------------------------------------------------------------------- */

static void give_echo(const struct seen *req, uint32_t len, uint8_t fill)
{
    struct made made;
    uint8_t value[40];

    memset(value, fill, sizeof value);
    make_ack(&made, req, IOT_COAP_CODE(4, 1));
    iot_coap_put(&made.e, IOT_COAP_ECHO, (struct iot_bytes){value, len});
    give(&rig, &made, NULL, 0);
}

static void a_request_is_repeated_once_with_the_servers_echo(void **state)
{
    (void)state;
    for (uint32_t len = 1; len <= 40; len++) {
        struct app *app = app_new();
        struct iot_coap_request post = asks(app, IOT_COAP_POST);
        struct iot_coap_option o;
        rig_init(&rig, len);
        post.body = text_bytes("open");
        rig_start(&rig, &post);
        assert_true(rig_out(&rig));
        assert_int_equal(option_count(&rig.m, IOT_COAP_ECHO), 0);
        struct seen req = seen_of(&rig);
        give_echo(&req, len, (uint8_t)len);
        assert_string_equal(app->said, "");
        assert_true(rig_out(&rig));
        struct seen again = seen_of(&rig);
        assert_int_not_equal(again.id, req.id);
        assert_memory_not_equal(again.token, req.token, 8);
        assert_true(option_of(&rig.m, IOT_COAP_ECHO, &o));
        assert_int_equal(o.value.len, len);
        assert_int_equal(o.value.ptr[len - 1], len);
        assert_bytes(rig.m.payload, text_bytes("open"));
        assert_true(rig_on(&rig)); /* lost: the same again */
        assert_true(rig_out(&rig));
        assert_int_equal(rig.m.id, again.id);
        assert_true(option_of(&rig.m, IOT_COAP_ECHO, &o));
        if (len % 2 != 0) {
            give_echo(&again, len, 0);
            assert_string_equal(app->said, "end COAP_ECHO");
        } else {
            give_text(&rig, IOT_COAP_ACK, again.id, &again, "opened");
            assert_string_equal(app->said, "2.05 +6 whole end OK");
        }
        assert_false(rig_out(&rig));
    }
}

static void unauthorized_without_an_echo_is_a_response_like_others(void **state)
{
    (void)state;
    struct seen req;
    struct app *app = asked(&req);

    give_echo(&req, 0, 0); /* one without a value is none */
    assert_string_equal(app->said, "4.01 whole end OK");
}

static void what_another_request_has_out_stays_the_same_when_a_new_echo_comes(void **state)
{
    (void)state;
    struct app *one = app_new(), *two = app_new();
    struct iot_coap_request slow = asks(one, IOT_COAP_GET), fast = asks(two, IOT_COAP_GET);
    uint8_t first[IOT_COAP_BYTES];
    struct made made;

    rig_start(&rig, &slow);
    assert_true(rig_out(&rig));
    struct seen slow_req = seen_of(&rig);
    give_empty(&rig, IOT_COAP_ACK, slow_req.id); /* its response is separate */
    rig_start(&rig, &fast);
    assert_true(rig_out(&rig));
    struct seen fast_req = seen_of(&rig);
    give_echo(&fast_req, 8, 1);
    assert_true(rig_out(&rig));
    memcpy(first, rig.bytes, rig.len);
    make(&made, IOT_COAP_CON, IOT_COAP_CODE(4, 1), 6, token_of(&slow_req));
    iot_coap_put(&made.e, IOT_COAP_ECHO, text_bytes("another!"));
    give(&rig, &made, NULL, 0);
    assert_true(rig_out(&rig));
    assert_int_equal(rig.m.type, IOT_COAP_ACK);
    assert_true(rig_on(&rig));
    assert_true(rig_out(&rig));
    assert_memory_equal(rig.bytes, first, rig.len);
}

/* ---- Ends and beginnings ----------------------------------------------------------------- */

static void a_full_pool_takes_no_more_and_forgets_nothing(void **state)
{
    (void)state;
    struct iot_coap_request gets[IOT_COAP_REQUESTS + 1];
    iot_ticket tickets[IOT_COAP_REQUESTS], none = 99;

    for (uint32_t i = 0; i <= IOT_COAP_REQUESTS; i++)
        gets[i] = asks(app_new(), IOT_COAP_GET);
    for (uint32_t i = 0; i < IOT_COAP_REQUESTS; i++)
        tickets[i] = rig_start(&rig, &gets[i]);
    assert_int_equal(iot_coap_exchange_start(&rig.x, &gets[IOT_COAP_REQUESTS], &none),
                     IOT_ERR_FULL);
    assert_int_equal(none, 99);
    assert_int_equal(iot_coap_exchange_cancel(&rig.x, tickets[0]), IOT_OK);
    assert_int_equal(iot_coap_exchange_start(&rig.x, &gets[IOT_COAP_REQUESTS], NULL), IOT_ERR_FULL);
    rig_expire(&rig);
    assert_int_equal(iot_coap_exchange_start(&rig.x, &gets[IOT_COAP_REQUESTS], NULL), IOT_OK);
    for (uint32_t i = 1; i < IOT_COAP_REQUESTS; i++)
        assert_int_equal(iot_coap_exchange_cancel(&rig.x, tickets[i]), IOT_OK);
}

static iot_ticket to_cancel;

static void cancel_it(struct app *app)
{
    (void)app;
    assert_int_equal(iot_coap_exchange_cancel(&rig.x, to_cancel), IOT_OK);
}

static void a_handler_may_cancel_its_own_request(void **state)
{
    (void)state;
    struct app *app = app_new();
    struct iot_coap_request get = asks(app, IOT_COAP_GET);

    app->on_whole = cancel_it;
    to_cancel = rig_start(&rig, &get);
    assert_true(rig_out(&rig));
    struct seen req = seen_of(&rig);
    give_text(&rig, IOT_COAP_ACK, req.id, &req, "x");
    assert_string_equal(app->said, "2.05 +1 whole end CLOSED");
}

static void a_handlers_error_ends_the_request_by_it(void **state)
{
    (void)state;
    struct app *app = app_new(), *body = app_new();
    struct iot_coap_request get = asks(app, IOT_COAP_GET), other = asks(body, IOT_COAP_GET);

    app->verdict = IOT_ERR_SIZE;
    body->on_body = IOT_ERR_KV;
    rig_start(&rig, &get);
    rig_start(&rig, &other);
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(rig_out(&rig));
        struct seen req = seen_of(&rig);
        give_text(&rig, IOT_COAP_ACK, req.id, &req, "x");
    }
    assert_string_equal(app->said, "2.05 end SIZE");
    assert_string_equal(body->said, "2.05 end KV");
}

static void a_new_association_begins_what_may_be_repeated_and_ends_the_rest(void **state)
{
    (void)state;
    struct app *get_app = app_new(), *post_app = app_new(), *again_app = app_new(),
               *wait_app = app_new();
    struct iot_coap_request get = asks(get_app, IOT_COAP_GET), post = asks(post_app, IOT_COAP_POST),
                            again = asks(again_app, IOT_COAP_POST),
                            wait = asks(wait_app, IOT_COAP_POST);
    struct seen out[3];

    again.repeatable = true;
    rig_start(&rig, &get);
    rig_start(&rig, &post);
    rig_start(&rig, &again);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(rig_out(&rig));
        out[i] = seen_of(&rig);
        give_empty(&rig, IOT_COAP_ACK, out[i].id);
    }
    rig_start(&rig, &wait);
    give_text(&rig, IOT_COAP_CON, 70, &(struct seen){0, {1, 2}, 2}, "?");
    iot_coap_exchange_renew(&rig.x);
    rig_expire(&rig);
    assert_string_equal(post_app->said, "end UNKNOWN");
    for (uint32_t i = 0; i < 3; i++) { /* and nothing is said to the old one's messages */
        assert_true(rig_out(&rig));
        struct seen req = seen_of(&rig);
        assert_int_equal(rig.m.code, i == 0 ? IOT_COAP_GET : IOT_COAP_POST);
        for (uint32_t k = 0; k < 3; k++) {
            assert_int_not_equal(req.id, out[k].id);
            assert_memory_not_equal(req.token, out[k].token, 8); /* R3 */
        }
        give_text(&rig, IOT_COAP_ACK, req.id, &out[i], "old");
        give_text(&rig, IOT_COAP_ACK, req.id, &req, "new");
    }
    assert_string_equal(get_app->said, "2.05 +3 whole end OK");
    assert_string_equal(again_app->said, "2.05 +3 whole end OK");
    assert_string_equal(wait_app->said, "2.05 +3 whole end OK");
}

static void without_an_association_all_end_by_its_reason(void **state)
{
    (void)state;
    struct app *one = app_new(), *two = app_new();
    struct iot_coap_request get = asks(one, IOT_COAP_GET), other = asks(two, IOT_COAP_PUT);

    rig_start(&rig, &get);
    rig_start(&rig, &other);
    assert_true(rig_out(&rig));
    iot_coap_exchange_fail(&rig.x, IOT_ERR_TLS_PSK, 115);
    rig_expire(&rig);
    assert_string_equal(one->said, "end TLS_PSK");
    assert_string_equal(two->said, "end TLS_PSK");
    assert_int_equal(two->detail, 115);
    assert_true(iot_coap_exchange_idle(&rig.x));
    assert_false(iot_coap_exchange_wants(&rig.x));
}

static void transmissions_in_vain_are_counted_until_something_comes(void **state)
{
    (void)state;
    struct app *app = app_new();
    struct iot_coap_request get = asks(app, IOT_COAP_GET);

    rig_start(&rig, &get);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(iot_coap_exchange_unheard(&rig.x), i);
        assert_true(rig_out(&rig));
        assert_int_equal(iot_coap_exchange_unheard(&rig.x), i);
        assert_true(rig_on(&rig));
    }
    assert_int_equal(iot_coap_exchange_unheard(&rig.x), 3);
    rig_take(&rig, (struct iot_bytes){(const uint8_t *)"\x40\0\7\7", 4}); /* whatever it is */
    assert_int_equal(iot_coap_exchange_unheard(&rig.x), 0);
    while (app->ends == 0) {
        while (rig_out(&rig)) {}
        assert_true(rig_on(&rig));
    }
    assert_int_equal(iot_coap_exchange_unheard(&rig.x), 2);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(options_leave_in_the_order_of_their_numbers_the_callers_between_ours),
        CASE(tokens_are_long_unlike_and_another_each_time),
        CASE(a_token_of_the_callers_is_used_and_only_by_one_at_a_time),
        CASE(what_cannot_be_asked_is_refused_and_nothing_begins),
        CASE(a_request_that_leaves_no_room_for_a_block_is_refused),
        CASE(every_code_of_the_classes_2_4_and_5_is_a_response),
        CASE(a_critical_option_that_its_request_understands_is_welcome),
        CASE(a_critical_option_that_is_unknown_rejects_the_response_and_says_which),
        CASE(elective_options_that_are_unknown_or_of_a_wrong_length_are_not_there),
        CASE(a_repeated_option_counts_once_and_rejects_if_it_is_critical),
        CASE(freshness_is_60_seconds_unless_it_is_said),
        CASE(valid_has_no_body_whatever_comes_with_it),
        CASE(the_text_of_an_error_is_a_body_and_bounded_like_one),
        CASE(a_request_is_repeated_once_with_the_servers_echo),
        CASE(unauthorized_without_an_echo_is_a_response_like_others),
        CASE(what_another_request_has_out_stays_the_same_when_a_new_echo_comes),
        CASE(a_full_pool_takes_no_more_and_forgets_nothing),
        CASE(a_handler_may_cancel_its_own_request),
        CASE(a_handlers_error_ends_the_request_by_it),
        CASE(a_new_association_begins_what_may_be_repeated_and_ends_the_rest),
        CASE(without_an_association_all_end_by_its_reason),
        CASE(transmissions_in_vain_are_counted_until_something_comes),
    };
    return cmocka_run_group_tests_name("coap_request", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies in blocks: RFC 7959; Request-Tag: RFC 9175, section 3. */
#include "coap_rig.h"

static struct rig rig;
static struct seen req;
static struct app *app;
static uint8_t *careful_at; /* where a message is made */

static int setup(void **state)
{
    (void)state;
    rig_init(&rig, 23);
    app = app_new();
    return 0;
}

/* The next request: what it says about blocks, -1 where it says nothing. */
static void wants(int64_t block1, int64_t block2)
{
    assert_true(rig_out(&rig));
    assert_int_equal(option_uint(&rig.m, IOT_COAP_BLOCK1), block1);
    assert_int_equal(option_uint(&rig.m, IOT_COAP_BLOCK2), block2);
    req = seen_of(&rig);
}

/* Bytes of our body in the request that is out. */
static void carries(uint32_t from, uint32_t len)
{
    assert_int_equal(rig.m.payload.len, len);
    assert_memory_equal(rig.m.payload.ptr, pattern_bytes(from + len) + from, len);
}

static void answer(uint8_t code, int64_t block1, int64_t block2, const char *etag, uint32_t from,
                   uint32_t len)
{
    struct made made;

    make_ack(&made, &req, code);
    if (etag != NULL)
        iot_coap_put(&made.e, IOT_COAP_ETAG, text_bytes(etag));
    if (block2 >= 0)
        iot_coap_put_uint(&made.e, IOT_COAP_BLOCK2, (uint32_t)block2);
    if (block1 >= 0)
        iot_coap_put_uint(&made.e, IOT_COAP_BLOCK1, (uint32_t)block1);
    give(&rig, &made, pattern_bytes(from + len) + from, len);
}

/* One of a response's. */
static void block(uint32_t num, bool more, uint8_t szx, uint32_t len)
{
    answer(IOT_COAP_CODE(2, 5), -1, BLOCK(num, more, szx), NULL, num << (4 + szx), len);
}

static void body_is(uint32_t len)
{
    assert_int_equal(app->ends, 1);
    assert_int_equal(app->err, IOT_OK);
    assert_int_equal(app->len, len);
    assert_int_equal(app->wholes, 1);
    assert_memory_equal(app->body, pattern_bytes(len), len);
}

/* ---- A response in blocks ---------------------------------------------------------------- */

static void a_body_comes_in_blocks_and_each_is_a_part(void **state)
{
    (void)state;
    struct iot_coap_request get = asks(app, IOT_COAP_GET);
    uint8_t tokens[4][8];

    rig_start(&rig, &get);
    wants(-1, -1);
    memcpy(tokens[0], req.token, 8);
    block(0, true, 2, 64);
    wants(-1, BLOCK(1, 0, 2));
    memcpy(tokens[1], req.token, 8);
    block(1, true, 2, 64);
    wants(-1, BLOCK(2, 0, 2));
    memcpy(tokens[2], req.token, 8);
    assert_int_equal(app->len, 128);
    block(2, false, 2, 5);
    assert_string_equal(app->said, "2.05 +64 +64 +5 whole end OK");
    body_is(133);
    assert_memory_not_equal(tokens[0], tokens[1], 8);
    assert_memory_not_equal(tokens[1], tokens[2], 8);
}

static void the_size_is_asked_for_at_once_if_the_caller_wishes_one(void **state)
{
    (void)state;
    for (uint8_t szx = 0; szx <= 6; szx++) {
        struct iot_coap_request get = asks(app = app_new(), IOT_COAP_GET);
        uint32_t size = 16u << szx;
        get.block_bytes = (uint16_t)size;
        rig_start(&rig, &get);
        wants(-1, BLOCK(0, 0, szx));
        block(0, true, szx, size);
        wants(-1, BLOCK(1, 0, szx));
        block(1, false, szx, 0); /* nothing more came */
        body_is(size);
    }
}

static void the_server_may_make_blocks_smaller_on_the_way(void **state)
{
    (void)state;
    struct iot_coap_request get = asks(app, IOT_COAP_GET);

    get.block_bytes = 256;
    rig_start(&rig, &get);
    wants(-1, BLOCK(0, 0, 4));
    block(0, true, 3, 128);
    wants(-1, BLOCK(1, 0, 3));
    block(4, true, 1, 32); /* the same place, counted in 32 */
    wants(-1, BLOCK(5, 0, 1));
    block(10, true, 0, 16);
    wants(-1, BLOCK(11, 0, 0));
    block(11, false, 0, 1);
    body_is(128 + 32 + 16 + 1);
}

static void the_server_may_not_make_them_larger_on_the_way(void **state)
{
    (void)state;
    struct iot_coap_request get = asks(app, IOT_COAP_GET);

    get.block_bytes = 64;
    rig_start(&rig, &get);
    wants(-1, BLOCK(0, 0, 2));
    block(0, true, 3, 128); /* at the beginning, well: but the rest comes as we want it */
    wants(-1, BLOCK(2, 0, 2));
    answer(IOT_COAP_CODE(2, 5), -1, BLOCK(1, 1, 3), NULL, 128, 128);
    assert_string_equal(app->said, "2.05 +128 end COAP_BLOCK");
    app = app_new();
    struct iot_coap_request other = asks(app, IOT_COAP_GET);
    rig_start(&rig, &other);
    wants(-1, -1);
    block(0, true, 1, 32);
    wants(-1, BLOCK(1, 0, 1));
    answer(IOT_COAP_CODE(2, 5), -1, BLOCK(0, 1, 2), NULL, 0, 64);
    assert_string_equal(app->said, "2.05 +32 end COAP_BLOCK");
}

static void blocks_that_do_not_fit_together_end_it(void **state)
{
    (void)state;
    static const struct {
        uint32_t num;
        uint16_t len;
        bool more;
        uint8_t szx;
    } bad[] = {
        {0, 64, true, 2},  {2, 64, true, 2}, {3, 64, false, 2}, /* not the one that was asked for */
        {1, 63, true, 2},  {1, 0, true, 2},  {1, 65, true, 2},  /* in the middle, and not full */
        {1, 65, false, 2}, {1, 16, true, 0}, {0x3ffff, 64, true, 2}, {0xfffff, 64, true, 2},
    };

    for (uint32_t i = 0; i < COUNT(bad); i++) {
        struct iot_coap_request get = asks(app = app_new(), IOT_COAP_GET);
        rig_start(&rig, &get);
        wants(-1, -1);
        block(0, true, 2, 64);
        wants(-1, BLOCK(1, 0, 2));
        answer(IOT_COAP_CODE(2, 5), -1, BLOCK(bad[i].num, bad[i].more, bad[i].szx), NULL, 0,
               bad[i].len);
        assert_string_equal(app->said, "2.05 +64 end COAP_BLOCK");
        assert_int_equal(app->detail, bad[i].num);
        assert_false(rig_out(&rig));
    }
    /* The first one, too. */
    for (uint32_t i = 0; i < 3; i++) {
        struct iot_coap_request get = asks(app = app_new(), IOT_COAP_GET);
        rig_start(&rig, &get);
        wants(-1, -1);
        block(i == 0 ? 1 : 0, i != 2, 2, i == 0 ? 64 : i == 1 ? 63 : 65);
        assert_string_equal(app->said, "end COAP_BLOCK");
    }
}

static void a_response_without_a_number_does_not_continue_a_body(void **state)
{
    (void)state;
    struct iot_coap_request get = asks(app, IOT_COAP_GET);

    rig_start(&rig, &get);
    wants(-1, -1);
    block(0, true, 0, 16);
    wants(-1, BLOCK(1, 0, 0));
    answer(IOT_COAP_CODE(2, 5), -1, -1, NULL, 0, 16);
    assert_string_equal(app->said, "2.05 +16 end COAP_BLOCK");
}

static void the_reserved_size_is_an_error(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        struct iot_coap_request get = asks(app = app_new(), IOT_COAP_GET);
        rig_start(&rig, &get);
        wants(-1, -1);
        answer(IOT_COAP_CODE(2, 5), i == 0 ? -1 : BLOCK(0, 0, 7), i == 0 ? BLOCK(0, 0, 7) : -1,
               NULL, 0, 4);
        assert_string_equal(app->said, "end COAP_BLOCK");
        assert_int_equal(app->detail, i == 0 ? 23 : 27);
    }
}

static void another_etag_means_from_the_beginning_three_times_at_most(void **state)
{
    (void)state;
    static const char *const tags[] = {"a", "b", "bb", NULL, "a"};
    struct iot_coap_request get = asks(app, IOT_COAP_GET);

    rig_start(&rig, &get);
    for (uint32_t i = 0; i < 4; i++) {
        wants(-1, i == 0 ? -1 : BLOCK(0, 0, 0));
        answer(IOT_COAP_CODE(2, 5), -1, BLOCK(0, 1, 0), tags[i], 0, 16);
        wants(-1, BLOCK(1, 0, 0));
        answer(IOT_COAP_CODE(2, 5), -1, BLOCK(1, 1, 0), tags[i], 16, 16);
        wants(-1, BLOCK(2, 0, 0));
        answer(IOT_COAP_CODE(2, 5), -1, BLOCK(2, 0, 0), tags[i + 1], 32, 1);
    }
    assert_string_equal(app->said,
                        "2.05 +16 +16 2.05 +16 +16 2.05 +16 +16 2.05 +16 +16 end COAP_CHANGED");
    app = app_new();
    struct iot_coap_request other = asks(app, IOT_COAP_GET);
    rig_start(&rig, &other);
    wants(-1, -1);
    answer(IOT_COAP_CODE(2, 5), -1, BLOCK(0, 1, 0), "1", 0, 16);
    wants(-1, BLOCK(1, 0, 0));
    answer(IOT_COAP_CODE(2, 5), -1, BLOCK(1, 0, 0), "2", 16, 3); /* it is this one's tail */
    wants(-1, BLOCK(0, 0, 0));
    answer(IOT_COAP_CODE(2, 5), -1, BLOCK(0, 1, 0), "2", 0, 16);
    wants(-1, BLOCK(1, 0, 0));
    answer(IOT_COAP_CODE(2, 5), -1, BLOCK(1, 0, 0), "2", 16, 3);
    body_is(19);
    assert_int_equal(app->heads, 2);
}

static void what_changes_something_is_not_asked_again_for_another_body(void **state)
{
    (void)state;
    struct iot_coap_request post = asks(app, IOT_COAP_POST);

    rig_start(&rig, &post);
    wants(-1, -1);
    answer(IOT_COAP_CODE(2, 4), -1, BLOCK(0, 1, 0), "a", 0, 16);
    wants(-1, BLOCK(1, 0, 0));
    answer(IOT_COAP_CODE(2, 4), -1, BLOCK(1, 0, 0), "b", 16, 16);
    assert_string_equal(app->said, "2.04 +16 end COAP_CHANGED");
}

static void an_error_in_the_middle_takes_the_place_of_what_had_come(void **state)
{
    (void)state;
    struct iot_coap_request get = asks(app, IOT_COAP_GET);

    rig_start(&rig, &get);
    wants(-1, -1);
    block(0, true, 0, 16);
    wants(-1, BLOCK(1, 0, 0));
    answer(IOT_COAP_CODE(4, 4), -1, -1, NULL, 0, 3);
    assert_string_equal(app->said, "2.05 +16 4.04 +3 whole end OK");
}

static void a_server_that_lost_the_blocks_is_asked_from_the_beginning(void **state)
{
    (void)state;
    struct iot_coap_request get = asks(app, IOT_COAP_GET);

    rig_start(&rig, &get);
    wants(-1, -1);
    for (uint32_t i = 0; i < 4; i++) {
        block(0, true, 0, 16);
        wants(-1, BLOCK(1, 0, 0));
        answer(IOT_COAP_CODE(4, 8), -1, -1, NULL, 0, 0);
        if (i < 3)
            wants(-1, BLOCK(0, 0, 0));
    }
    assert_string_equal(app->said, "2.05 +16 2.05 +16 2.05 +16 2.05 +16 end COAP_CHANGED");
}

static void a_body_has_65536_bytes_at_most_or_what_the_caller_says(void **state)
{
    (void)state;
    for (uint32_t limit = 0; limit <= 100; limit += 50) {
        for (uint32_t over = 0; over < 2; over++) {
            struct iot_coap_request get = asks(app = app_new(), IOT_COAP_GET);
            uint32_t most = limit != 0 ? limit : 65536, n = 0;
            uint8_t szx = limit != 0 ? 0 : 6;
            uint32_t size = 16u << szx;
            get.max_bytes = limit;
            rig_start(&rig, &get);
            while (app->ends == 0) { /* a server that has more for ever */
                uint32_t left = most + over - n;
                assert_true(rig_out(&rig));
                req = seen_of(&rig);
                block(n / size, left > size, szx, left > size ? size : left);
                n += size;
                assert_true(n <= 2 * 65536);
            }
            if (over != 0) {
                assert_int_equal(app->err, IOT_ERR_COAP_LIMIT);
                assert_true(app->len <= most);
            } else {
                body_is(most);
            }
        }
    }
    struct iot_coap_request get = asks(app = app_new(), IOT_COAP_GET);
    get.max_bytes = 10; /* in one message */
    rig_start(&rig, &get);
    wants(-1, -1);
    answer(IOT_COAP_CODE(2, 5), -1, -1, NULL, 0, 11);
    assert_string_equal(app->said, "end COAP_LIMIT");
}

static void sizes_that_are_announced_are_told_and_not_believed(void **state)
{
    (void)state;
    struct iot_coap_request get = asks(app, IOT_COAP_GET);
    struct made made;

    rig_start(&rig, &get);
    wants(-1, -1);
    make_ack(&made, &req, IOT_COAP_CODE(2, 5));
    iot_coap_put_uint(&made.e, IOT_COAP_BLOCK2, (uint32_t)BLOCK(0, 1, 0));
    iot_coap_put_uint(&made.e, IOT_COAP_SIZE2, UINT32_MAX);
    give(&rig, &made, pattern_bytes(16), 16);
    wants(-1, BLOCK(1, 0, 0));
    block(1, false, 0, 4);
    body_is(20);
}

static void numbers_end_at_20_bits(void **state)
{
    (void)state;
    struct iot_coap_request get = asks(app, IOT_COAP_GET);

    get.max_bytes = UINT32_MAX;
    rig_start(&rig, &get);
    wants(-1, -1);
    block(0, true, 0, 16);
    wants(-1, BLOCK(1, 0, 0));
    /* As after 16 MiB, which would take a while. */
    for (uint32_t i = 0; i < IOT_COAP_REQUESTS; i++) {
        if (rig.x.slots[i].req == &get)
            rig.x.slots[i].from = 0xfffffu * 16;
    }
    app->len = 0xfffffu * 16;
    app->on_body = IOT_ERR_KV;
    answer(IOT_COAP_CODE(2, 5), -1, BLOCK(0xfffff, 1, 0), NULL, 0, 16);
    assert_string_equal(app->said, "2.05 +16 end COAP_LIMIT");
}

static void copies_of_blocks_and_blocks_of_others_are_not_assembled(void **state)
{
    (void)state;
    struct iot_coap_request get = asks(app, IOT_COAP_GET);
    struct made copy;

    rig_start(&rig, &get);
    wants(-1, -1);
    struct seen first = req;
    block(0, true, 0, 16);
    wants(-1, BLOCK(1, 0, 0));
    make(&copy, IOT_COAP_NON, IOT_COAP_CODE(2, 5), 5,
         token_of(&first)); /* of the first, by another way */
    iot_coap_put_uint(&copy.e, IOT_COAP_BLOCK2, (uint32_t)BLOCK(1, 1, 0));
    give(&rig, &copy, "wrong bytes here", 16);
    make(&copy, IOT_COAP_ACK, IOT_COAP_CODE(2, 5), req.id, token_of(&first));
    iot_coap_put_uint(&copy.e, IOT_COAP_BLOCK2, (uint32_t)BLOCK(1, 1, 0));
    give(&rig, &copy, "wrong bytes here", 16);
    block(1, false, 0, 16);
    body_is(32);
}

static void a_part_that_is_not_taken_is_asked_for_again_after_half_a_second_or_resume(void **state)
{
    (void)state;
    struct iot_coap_request get = asks(app, IOT_COAP_GET);

    rig_start(&rig, &get);
    wants(-1, -1);
    block(0, true, 0, 16);
    for (uint32_t i = 0; i < 3; i++) {
        wants(-1, BLOCK(1, 0, 0));
        app->decline = 1;
        block(1, i == 0, 0, 16);
        assert_false(rig_out(&rig));
        assert_false(iot_coap_exchange_wants(&rig.x));
        assert_int_equal(iot_coap_exchange_deadline(&rig.x), rig.now + 500);
        if (i == 0) {
            rig_after(&rig, 499);
            assert_false(rig_out(&rig));
            rig_after(&rig, 1);
        } else {
            iot_coap_exchange_resume(&rig.x);
        }
    }
    wants(-1, BLOCK(1, 0, 0));
    block(1, false, 0, 16);
    assert_string_equal(app->said, "2.05 +16 later later later +16 whole end OK");
    body_is(32);
}

static void the_first_part_can_be_put_off_only_if_that_repeats_nothing(void **state)
{
    (void)state;
    for (uint8_t method = IOT_COAP_GET; method <= IOT_COAP_IPATCH; method++) {
        struct iot_coap_request r = asks(app = app_new(), method);
        app->decline = 1;
        rig_start(&rig, &r);
        wants(-1, -1);
        answer(IOT_COAP_CODE(2, 5), -1, -1, NULL, 0, 4);
        if (method == IOT_COAP_GET || method == IOT_COAP_FETCH) {
            rig_after(&rig, 500);
            wants(-1, -1);
            answer(IOT_COAP_CODE(2, 5), -1, -1, NULL, 0, 4);
            assert_string_equal(app->said, "2.05 later 2.05 +4 whole end OK");
        } else {
            assert_string_equal(app->said, "2.05 later end AGAIN");
        }
    }
    struct iot_coap_request post = asks(app = app_new(), IOT_COAP_POST); /* behind the first */
    rig_start(&rig, &post);
    wants(-1, -1);
    answer(IOT_COAP_CODE(2, 4), -1, BLOCK(0, 1, 0), NULL, 0, 16);
    wants(-1, BLOCK(1, 0, 0));
    app->decline = 1;
    answer(IOT_COAP_CODE(2, 4), -1, BLOCK(1, 0, 0), NULL, 16, 1);
    rig_after(&rig, 500);
    wants(-1, BLOCK(1, 0, 0));
    answer(IOT_COAP_CODE(2, 4), -1, BLOCK(1, 0, 0), NULL, 16, 1);
    assert_string_equal(app->said, "2.04 +16 later +1 whole end OK");
}

/* ---- Our body in blocks ------------------------------------------------------------------ */

static struct iot_coap_request puts_bytes(uint32_t len, uint16_t block_bytes)
{
    struct iot_coap_request put = asks(app, IOT_COAP_PUT);

    put.body = (struct iot_bytes){pattern_bytes(len), len};
    put.block_bytes = block_bytes;
    return put;
}

static void continued(uint32_t num, uint8_t szx)
{
    answer(IOT_COAP_CODE(2, 31), BLOCK(num, 1, szx), -1, NULL, 0, 0);
}

static void a_body_that_fits_into_one_message_is_not_in_blocks(void **state)
{
    (void)state;
    for (uint32_t len = 1; len <= 1024; len += len < 1000 ? 333 : 8) {
        struct iot_coap_request put = puts_bytes(len, 0);
        app = app_new();
        put.ctx = app;
        rig_start(&rig, &put);
        wants(-1, -1);
        carries(0, len);
        assert_int_equal(option_count(&rig.m, IOT_COAP_REQUEST_TAG), 0);
        assert_int_equal(option_count(&rig.m, IOT_COAP_SIZE1), 0);
        answer(IOT_COAP_CODE(2, 4), -1, -1, NULL, 0, 0);
        assert_string_equal(app->said, "2.04 whole end OK");
    }
}

static void a_longer_one_is_sent_in_blocks_by_one_tag(void **state)
{
    (void)state;
    struct iot_coap_request put = puts_bytes(150, 64);
    struct iot_coap_option tag;
    uint8_t first[8];

    rig_start(&rig, &put);
    wants(BLOCK(0, 1, 2), -1);
    carries(0, 64);
    assert_int_equal(option_uint(&rig.m, IOT_COAP_SIZE1), 150);
    assert_true(option_of(&rig.m, IOT_COAP_REQUEST_TAG, &tag));
    assert_in_range(tag.value.len, 1, 8);
    memcpy(first, tag.value.ptr, tag.value.len);
    continued(0, 2);
    wants(BLOCK(1, 1, 2), -1);
    carries(64, 64);
    assert_int_equal(option_uint(&rig.m, IOT_COAP_SIZE1), -1);
    assert_true(option_of(&rig.m, IOT_COAP_REQUEST_TAG, &tag));
    assert_memory_equal(tag.value.ptr, first, tag.value.len);
    continued(1, 2);
    wants(BLOCK(2, 0, 2), BLOCK(0, 0, 2));
    carries(128, 22);
    assert_true(option_of(&rig.m, IOT_COAP_REQUEST_TAG, &tag));
    assert_memory_equal(tag.value.ptr, first, tag.value.len);
    answer(IOT_COAP_CODE(2, 4), BLOCK(2, 0, 2), -1, NULL, 0, 0);
    assert_string_equal(app->said, "2.04 whole end OK");
}

static void a_source_gives_a_body_whose_length_nobody_knows(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {0, 1, 15, 16, 17, 32, 33, 47, 48, 100};

    for (uint32_t i = 0; i < COUNT(lengths); i++) {
        struct iot_coap_request put = asks(app = app_new(), IOT_COAP_PUT);
        uint32_t len = lengths[i], at = 0;
        put.source = app_source;
        put.block_bytes = 16;
        app->source = pattern_bytes(len);
        app->source_len = len;
        rig_start(&rig, &put);
        for (;;) {
            bool more = len - at > 16;
            wants(len <= 16 ? -1 : BLOCK(at / 16, more, 0), more ? -1 : BLOCK(0, 0, 0));
            carries(at, more ? 16 : len - at);
            assert_int_equal(option_uint(&rig.m, IOT_COAP_SIZE1), -1);
            if (!more)
                break;
            continued(at / 16, 0);
            at += 16;
        }
        answer(IOT_COAP_CODE(2, 1), len <= 16 ? -1 : BLOCK(at / 16, 0, 0), -1, NULL, 0, 0);
        assert_string_equal(app->said, "2.01 whole end OK");
    }
}

static void a_source_that_has_nothing_is_asked_later_and_one_that_fails_ends_it(void **state)
{
    (void)state;
    struct iot_coap_request put = asks(app, IOT_COAP_PUT);

    put.source = app_source;
    put.block_bytes = 16;
    app->source = pattern_bytes(40);
    app->source_len = 40;
    app->source_busy = 3;
    rig_start(&rig, &put);
    for (uint32_t i = 0; i < 3; i++) {
        assert_false(rig_out(&rig));
        assert_int_equal(app->source_calls, i + 1);
        assert_true(iot_coap_exchange_deadline(&rig.x) > rig.now);
        assert_true(rig_on(&rig));
    }
    wants(BLOCK(0, 1, 0), -1);
    app->source_busy = 1; /* when it is sent again, too */
    assert_true(rig_on(&rig));
    assert_false(rig_out(&rig));
    iot_coap_exchange_resume(&rig.x);
    uint16_t id = rig.m.id;
    wants(BLOCK(0, 1, 0), -1);
    assert_int_equal(rig.m.id, id);
    continued(0, 0);
    put.ctx = NULL;
    assert_string_equal(app->said, "");
}

static iot_err bad_source(void *ctx, uint32_t offset, uint8_t *into, uint32_t cap, uint32_t *got,
                          bool *last)
{
    (void)ctx;
    if (offset == 16)
        return IOT_ERR_KV;
    memset(into, 0, cap);
    *got = cap == 32 ? 31 : cap; /* fewer, and not the last */
    *last = false;
    return IOT_OK;
}

static void a_sources_error_ends_the_request_by_it(void **state)
{
    (void)state;
    struct iot_coap_request put = asks(app, IOT_COAP_PUT);

    put.source = bad_source;
    put.block_bytes = 16;
    rig_start(&rig, &put);
    wants(BLOCK(0, 1, 0), -1);
    continued(0, 0);
    assert_false(rig_out(&rig));
    assert_string_equal(app->said, "end KV");
    put.ctx = app = app_new();
    put.block_bytes = 32;
    rig_start(&rig, &put);
    assert_false(rig_out(&rig));
    assert_string_equal(app->said, "end ARG");
}

static void the_server_may_want_smaller_blocks_of_ours(void **state)
{
    (void)state;
    struct iot_coap_request put = puts_bytes(200, 128);

    rig_start(&rig, &put);
    wants(BLOCK(0, 1, 3), -1);
    carries(0, 128);
    continued(0, 1);
    wants(BLOCK(4, 1, 1), -1); /* 128 bytes are there: the fourth of 32 */
    carries(128, 32);
    continued(4, 6); /* larger ones are not made of it */
    wants(BLOCK(5, 1, 1), -1);
    carries(160, 32);
    continued(5, 0);
    wants(BLOCK(12, 0, 0), BLOCK(0, 0, 3));
    carries(192, 8);
    answer(IOT_COAP_CODE(2, 4), BLOCK(12, 0, 0), -1, NULL, 0, 0);
    assert_string_equal(app->said, "2.04 whole end OK");
}

static void too_large_with_a_hint_means_smaller_and_from_the_beginning(void **state)
{
    (void)state;
    struct iot_coap_request put = puts_bytes(100, 0);
    uint8_t tag[8] = {0};
    struct iot_coap_option o;

    rig_start(&rig, &put); /* in one message, even */
    wants(-1, -1);
    answer(IOT_COAP_CODE(4, 13), BLOCK(0, 0, 2), -1, NULL, 0, 0);
    wants(BLOCK(0, 1, 2), -1);
    carries(0, 64);
    assert_true(option_of(&rig.m, IOT_COAP_REQUEST_TAG, &o));
    memcpy(tag, o.value.ptr, o.value.len);
    continued(0, 2);
    wants(BLOCK(1, 0, 2), -1);
    answer(IOT_COAP_CODE(4, 13), BLOCK(1, 0, 1), -1, NULL, 0, 0);
    wants(BLOCK(0, 1, 1), -1);
    carries(0, 32);
    assert_true(option_of(&rig.m, IOT_COAP_REQUEST_TAG, &o));
    assert_memory_not_equal(tag, o.value.ptr, o.value.len);       /* another body now */
    answer(IOT_COAP_CODE(4, 13), BLOCK(0, 0, 1), -1, NULL, 0, 0); /* no hint that helps */
    assert_string_equal(app->said, "4.13 whole end OK");
}

static void an_incomplete_body_is_sent_from_the_beginning_three_times_at_most(void **state)
{
    (void)state;
    struct iot_coap_request put = puts_bytes(40, 16);
    uint8_t tags[8][8] = {{0}};
    struct iot_coap_option o;

    rig_start(&rig, &put);
    for (uint32_t i = 0; i < 4; i++) {
        wants(BLOCK(0, 1, 0), -1);
        carries(0, 16);
        assert_true(option_of(&rig.m, IOT_COAP_REQUEST_TAG, &o));
        memcpy(tags[i], o.value.ptr, o.value.len);
        for (uint32_t k = 0; k < i; k++)
            assert_memory_not_equal(tags[i], tags[k], 8);
        continued(0, 0);
        wants(BLOCK(1, 1, 0), -1);
        answer(IOT_COAP_CODE(4, 8), BLOCK(1, 1, 0), -1, NULL, 0, 0);
    }
    assert_string_equal(app->said, "4.08 whole end OK");
}

static void continue_is_for_blocks_that_are_not_the_last(void **state)
{
    (void)state;
    struct iot_coap_request put = puts_bytes(20, 16), whole = puts_bytes(16, 16);

    rig_start(&rig, &put);
    wants(BLOCK(0, 1, 0), -1);
    continued(0, 0);
    wants(BLOCK(1, 0, 0), BLOCK(0, 0, 0));
    continued(1, 0);
    assert_string_equal(app->said, "end COAP_BLOCK");
    whole.ctx = app = app_new();
    rig_start(&rig, &whole);
    wants(-1, BLOCK(0, 0, 0));
    continued(0, 0);
    assert_string_equal(app->said, "end COAP_BLOCK");
}

static void success_for_a_part_counts_only_with_its_number(void **state)
{
    (void)state;
    static const struct {
        uint8_t code;
        int64_t block1;
    } bad[] = {
        {IOT_COAP_CODE(2, 31), -1},
        {IOT_COAP_CODE(2, 31), BLOCK(1, 1, 0)},
        {IOT_COAP_CODE(2, 4), -1},
        {IOT_COAP_CODE(2, 4), BLOCK(2, 0, 0)},
    };

    for (uint32_t i = 0; i < COUNT(bad); i++) {
        struct iot_coap_request put = puts_bytes(40, 16);
        put.ctx = app = app_new();
        rig_start(&rig, &put);
        wants(BLOCK(0, 1, 0), -1);
        answer(bad[i].code, bad[i].block1, -1, NULL, 0, 0);
        assert_string_equal(app->said, "end COAP_BLOCK");
    }
    /* A server that executes each as it comes says so, block by block; the last response is the one. */
    struct iot_coap_request put = puts_bytes(40, 16);
    put.ctx = app = app_new();
    rig_start(&rig, &put);
    for (uint32_t i = 0; i < 3; i++) {
        wants(BLOCK(i, i < 2, 0), i < 2 ? -1 : BLOCK(0, 0, 0));
        answer(IOT_COAP_CODE(2, 4), BLOCK(i, 0, 0), -1, NULL, 0, 0);
    }
    assert_string_equal(app->said, "2.04 whole end OK");
}

static void an_error_for_a_part_is_the_response(void **state)
{
    (void)state;
    struct iot_coap_request put = puts_bytes(40, 16);

    rig_start(&rig, &put);
    wants(BLOCK(0, 1, 0), -1);
    answer(IOT_COAP_CODE(4, 3), BLOCK(0, 1, 0), -1, NULL, 0, 2);
    assert_string_equal(app->said, "4.03 +2 whole end OK");
    assert_false(rig_out(&rig));
}

static void a_large_answer_to_a_large_body(void **state)
{
    (void)state;
    struct iot_coap_request post = puts_bytes(40, 16);
    uint8_t tag[8];
    struct iot_coap_option o;

    post.method = IOT_COAP_POST;
    rig_start(&rig, &post);
    wants(BLOCK(0, 1, 0), -1);
    continued(0, 0);
    wants(BLOCK(1, 1, 0), -1);
    continued(1, 0);
    wants(BLOCK(2, 0, 0), BLOCK(0, 0, 0));
    assert_true(option_of(&rig.m, IOT_COAP_REQUEST_TAG, &o));
    memcpy(tag, o.value.ptr, o.value.len);
    answer(IOT_COAP_CODE(2, 4), BLOCK(2, 0, 0), BLOCK(0, 1, 0), NULL, 0, 16);
    wants(-1, BLOCK(1, 0, 0)); /* without our body: RFC 7959 3.3 */
    carries(0, 0);
    assert_int_equal(rig.m.code, IOT_COAP_POST);
    assert_true(option_of(&rig.m, IOT_COAP_REQUEST_TAG, &o));
    assert_memory_equal(tag, o.value.ptr, o.value.len);
    answer(IOT_COAP_CODE(2, 4), -1, BLOCK(1, 0, 0), NULL, 16, 9);
    assert_string_equal(app->said, "2.04 +16 +9 whole end OK");
    body_is(25);
}

static void fetch_says_what_it_wants_with_each_block(void **state)
{
    (void)state;
    struct iot_coap_request fetch = puts_bytes(10, 16);

    fetch.method = IOT_COAP_FETCH;
    rig_start(&rig, &fetch);
    wants(-1, BLOCK(0, 0, 0));
    carries(0, 10);
    block(0, true, 0, 16);
    wants(-1, BLOCK(1, 0, 0));
    carries(0, 10);
    block(1, false, 0, 1);
    body_is(17);
}

static void two_bodies_are_not_mixed(void **state)
{
    (void)state;
    struct iot_coap_request one = puts_bytes(40, 16), two = puts_bytes(40, 16), get;
    struct app *first = app, *second = app_new(), *third = app_new();
    struct iot_coap_option o;
    uint8_t tag[8];

    two.ctx = second;
    get = asks(third, IOT_COAP_GET);
    rig_start(&rig, &one);
    rig_start(&rig, &two);
    rig_start(&rig, &get);
    wants(BLOCK(0, 1, 0), -1);
    assert_true(option_of(&rig.m, IOT_COAP_REQUEST_TAG, &o));
    memcpy(tag, o.value.ptr, o.value.len);
    continued(0, 0);
    wants(-1, -1); /* what has no body goes between */
    answer(IOT_COAP_CODE(2, 5), -1, -1, NULL, 0, 1);
    wants(BLOCK(1, 1, 0),
          -1); /* a server that knows no Request-Tag takes what comes for one body */
    continued(1, 0);
    wants(BLOCK(2, 0, 0), BLOCK(0, 0, 0));
    answer(IOT_COAP_CODE(2, 4), BLOCK(2, 0, 0), -1, NULL, 0, 0);
    assert_string_equal(first->said, "2.04 whole end OK");
    wants(BLOCK(0, 1, 0), -1);
    assert_true(option_of(&rig.m, IOT_COAP_REQUEST_TAG, &o));
    assert_memory_not_equal(tag, o.value.ptr, o.value.len);
}

static void blocks_fit_into_what_a_datagram_may_have(void **state)
{
    (void)state;
    for (uint32_t room = 20; room <= IOT_COAP_BYTES; room++) {
        struct iot_coap_request put = puts_bytes(3000, 0);
        uint32_t at = 0;
        put.ctx = app = app_new();
        rig_init(&rig, room);
        rig.room = room;
        rig_start(&rig, &put);
        while (rig_out(&rig)) {
            uint32_t len = rig.m.payload.len;
            carries(at, len);
            at += len;
            req = seen_of(&rig);
            int64_t value = option_uint(&rig.m, IOT_COAP_BLOCK1);
            assert_true(value >= 0);
            uint8_t szx = (uint8_t)(value & 7);
            assert_true(16u << szx == 1024 || room - rig.len < (16u << szx) + 2 + 5 + 3 ||
                        at == 3000);
            answer(at == 3000 ? IOT_COAP_CODE(2, 4) : IOT_COAP_CODE(2, 31), value, -1, NULL, 0, 0);
        }
        if (room < 50)
            assert_true(app->err == IOT_ERR_SIZE || at == 3000);
        else
            assert_string_equal(app->said, "2.04 whole end OK");
    }
}

static void echo_is_sent_with_each_block_from_then_on(void **state)
{
    (void)state;
    struct iot_coap_request put = puts_bytes(40, 16);
    struct made made;
    struct iot_coap_option o;

    rig_start(&rig, &put);
    for (uint32_t i = 0; i < 3; i++) {
        wants(BLOCK(i, i < 2, 0), i < 2 ? -1 : BLOCK(0, 0, 0));
        make_ack(&made, &req, IOT_COAP_CODE(4, 1));
        iot_coap_put_uint(&made.e, IOT_COAP_ECHO, i + 1);
        give(&rig, &made, NULL, 0);
        wants(BLOCK(i, i < 2, 0), i < 2 ? -1 : BLOCK(0, 0, 0)); /* the same block, once more */
        carries(i * 16, i < 2 ? 16 : 8);
        assert_true(option_of(&rig.m, IOT_COAP_ECHO, &o));
        assert_int_equal(iot_coap_uint(&o), i + 1);
        if (i < 2)
            continued(i, 0);
    }
    answer(IOT_COAP_CODE(2, 4), BLOCK(2, 0, 0), -1, NULL, 0, 0);
    assert_string_equal(app->said, "2.04 whole end OK");
}

/* A source may write where it is told to, and nowhere else. */
static iot_err careful_source(void *ctx, uint32_t offset, uint8_t *into, uint32_t cap,
                              uint32_t *got, bool *last)
{
    assert_true(into >= careful_at && cap <= rig.room && into + cap <= careful_at + rig.room);
    return app_source(ctx, offset, into, cap, got, last);
}

/* An interface went away, or the way leads over another now. */
static void blocks_become_smaller_when_datagrams_do(void **state)
{
    (void)state;
    static uint8_t memory[2 * IOT_COAP_BYTES];
    for (int from_source = 0; from_source < 2; from_source++) {
        struct iot_coap_request put = puts_bytes(2500, 0);
        uint32_t len = 0;
        put.ctx = app = app_new();
        rig_init(&rig, 5);
        if (from_source == 1) {
            put.body.len = 0;
            put.source = careful_source;
            app->source = pattern_bytes(2500);
            app->source_len = 2500;
        }
        careful_at = memory + IOT_COAP_BYTES;
        rig_start(&rig, &put);
        for (uint32_t i = 0; i < 4; i++) {
            static const uint32_t rooms[] = {IOT_COAP_BYTES, 548, 548, 1100};
            static const uint32_t numbers[] = {0, 2, 3, 4};
            rig.room = rooms[i];
            assert_int_equal(iot_coap_exchange_next(&rig.x, careful_at, rig.room, rig.now, &len),
                             IOT_OK);
            iot_coap_exchange_sent(&rig.x, rig.now);
            assert_int_equal(iot_coap_decode((struct iot_bytes){careful_at, len}, &rig.m), IOT_OK);
            req = seen_of(&rig);
            assert_int_equal(option_uint(&rig.m, IOT_COAP_BLOCK1),
                             BLOCK(numbers[i], i < 3, i == 0 ? 6 : 5));
            carries(i == 0 ? 0 : 512 + 512 * i, i == 0 ? 1024 : i < 3 ? 512 : 452);
            if (i == 1) { /* and once more in less: that cannot be done, and does no harm */
                rig_on(&rig);
                rig.room = 300;
                if (from_source == 1 && iot_coap_exchange_wants(&rig.x)) {
                    struct rig copy = rig;
                    assert_int_equal(
                        iot_coap_exchange_next(&copy.x, careful_at, 300, rig.now, &len),
                        IOT_ERR_AGAIN);
                }
            }
            answer(i < 3 ? IOT_COAP_CODE(2, 31) : IOT_COAP_CODE(2, 4),
                   BLOCK(numbers[i], i < 3, i == 0 ? 6 : 5), -1, NULL, 0, 0);
        }
        assert_string_equal(app->said, "2.04 whole end OK");
    }
}

/* What the server wants to see on the way may take the room that a block had. */
static void an_echo_in_the_middle_makes_blocks_smaller(void **state)
{
    (void)state;
    static const uint8_t long_echo[40] = {1, 2, 3};
    struct iot_coap_request put = puts_bytes(2000, 0);
    struct made made;

    rig.room = 512 + 50;
    rig_start(&rig, &put);
    wants(BLOCK(0, 1, 5), -1);
    continued(0, 5);
    wants(BLOCK(1, 1, 5), -1);
    make_ack(&made, &req, IOT_COAP_CODE(4, 1));
    iot_coap_put(&made.e, IOT_COAP_ECHO, (struct iot_bytes){long_echo, sizeof long_echo});
    give(&rig, &made, NULL, 0);
    wants(BLOCK(2, 1, 4), -1);
    carries(512, 256);
}

/* Neither has ended, both have to say their first block once more: one of them begins. */
static void two_bodies_that_both_began_do_not_wait_for_each_other(void **state)
{
    (void)state;
    struct iot_coap_request one = puts_bytes(600, 0), two = puts_bytes(600, 0);
    struct app *first = app, *second = app_new();
    struct seen reqs[2];
    struct made made;

    two.ctx = second;
    rig.room = 400;
    rig_start(&rig, &one);
    rig_start(&rig, &two);
    for (uint32_t i = 0; i < 2; i++) {
        wants(BLOCK(0, 1, 4), -1);
        reqs[i] = req;
        give_empty(&rig, IOT_COAP_ACK, req.id);
    }
    for (uint32_t i = 0; i < 2; i++) {
        make(&made, IOT_COAP_CON, IOT_COAP_CODE(4, 1), (uint16_t)(7000 + i), token_of(&reqs[i]));
        iot_coap_put_uint(&made.e, IOT_COAP_ECHO, 9);
        give(&rig, &made, NULL, 0);
        assert_true(rig_out(&rig)); /* acknowledged */
        if (i == 1)
            break;
        iot_coap_exchange_resume(&rig.x);
    }
    for (uint32_t bound = 0; first->ends + second->ends < 2; bound++) {
        assert_true(bound < 20);
        if (!rig_out(&rig) && !rig_on(&rig))
            fail_msg("they wait for each other");
        if (rig.m.type != IOT_COAP_CON)
            continue;
        req = seen_of(&rig);
        int64_t value = option_uint(&rig.m, IOT_COAP_BLOCK1);
        answer((value & 8) != 0 ? IOT_COAP_CODE(2, 31) : IOT_COAP_CODE(2, 4), value, -1, NULL, 0,
               0);
    }
    assert_string_equal(first->said, "2.04 whole end OK");
    assert_string_equal(second->said, "2.04 whole end OK");
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_body_comes_in_blocks_and_each_is_a_part),
        CASE(the_size_is_asked_for_at_once_if_the_caller_wishes_one),
        CASE(the_server_may_make_blocks_smaller_on_the_way),
        CASE(the_server_may_not_make_them_larger_on_the_way),
        CASE(blocks_that_do_not_fit_together_end_it),
        CASE(a_response_without_a_number_does_not_continue_a_body),
        CASE(the_reserved_size_is_an_error),
        CASE(another_etag_means_from_the_beginning_three_times_at_most),
        CASE(what_changes_something_is_not_asked_again_for_another_body),
        CASE(an_error_in_the_middle_takes_the_place_of_what_had_come),
        CASE(a_server_that_lost_the_blocks_is_asked_from_the_beginning),
        CASE(a_body_has_65536_bytes_at_most_or_what_the_caller_says),
        CASE(sizes_that_are_announced_are_told_and_not_believed),
        CASE(numbers_end_at_20_bits),
        CASE(copies_of_blocks_and_blocks_of_others_are_not_assembled),
        CASE(a_part_that_is_not_taken_is_asked_for_again_after_half_a_second_or_resume),
        CASE(the_first_part_can_be_put_off_only_if_that_repeats_nothing),
        CASE(a_body_that_fits_into_one_message_is_not_in_blocks),
        CASE(a_longer_one_is_sent_in_blocks_by_one_tag),
        CASE(a_source_gives_a_body_whose_length_nobody_knows),
        CASE(a_source_that_has_nothing_is_asked_later_and_one_that_fails_ends_it),
        CASE(a_sources_error_ends_the_request_by_it),
        CASE(the_server_may_want_smaller_blocks_of_ours),
        CASE(too_large_with_a_hint_means_smaller_and_from_the_beginning),
        CASE(an_incomplete_body_is_sent_from_the_beginning_three_times_at_most),
        CASE(continue_is_for_blocks_that_are_not_the_last),
        CASE(success_for_a_part_counts_only_with_its_number),
        CASE(an_error_for_a_part_is_the_response),
        CASE(a_large_answer_to_a_large_body),
        CASE(fetch_says_what_it_wants_with_each_block),
        CASE(two_bodies_are_not_mixed),
        CASE(blocks_fit_into_what_a_datagram_may_have),
        CASE(echo_is_sent_with_each_block_from_then_on),
        CASE(blocks_become_smaller_when_datagrams_do),
        CASE(an_echo_in_the_middle_makes_blocks_smaller),
        CASE(two_bodies_that_both_began_do_not_wait_for_each_other),
    };
    return cmocka_run_group_tests_name("coap_block", tests, NULL, NULL);
}

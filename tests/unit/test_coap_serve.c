/* SPDX-License-Identifier: Apache-2.0 */
/* What a server answers at once: messages (RFC 7252 4), paths, methods and options (5), duplicates. Blocks: test_coap_serve_block.c;
 * answers that come later, and groups: test_coap_serve_later.c; observers: test_coap_serve_watch.c; chance, and our own client:
 * test_coap_serve_storm.c. */
#include "coap_guest.h"

/* ---- Messages ---------------------------------------------------------------------------- */

static void a_request_is_answered_in_its_acknowledgement(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_GET, "light");

    things[LIGHT].body = pattern_bytes(5);
    things[LIGHT].len = 5;
    things[LIGHT].has_format = true;
    things[LIGHT].format = 50;
    things[LIGHT].max_age_s = 9;
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_payload(pattern_bytes(5), 5);
    assert_int_equal(option_uint(&desk.m, IOT_COAP_CONTENT_FORMAT), 50);
    assert_int_equal(option_uint(&desk.m, IOT_COAP_MAX_AGE), 9);
    assert_int_equal(option_uint(&desk.m, IOT_COAP_BLOCK2), -1);
    assert_int_equal(option_uint(&desk.m, IOT_COAP_ETAG), -1);
    assert_int_equal(option_uint(&desk.m, IOT_COAP_OBSERVE), -1);
    assert_false(desk_out());
    assert_int_equal(iot_coap_serve_deadline(&desk.x), IOT_TIME_NEVER);
}

static void a_request_that_nobody_confirms_is_answered_by_such_a_message(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_GET, "light");
    uint16_t id;

    a.type = IOT_COAP_NON;
    assert_int_equal(give_ask(&a), C(2, 5));
    id = desk.m.id;
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_not_equal(desk.m.id, id);
}

static void tokens_of_0_to_8_bytes_come_back(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_GET, "light");

    for (uint32_t n = 0; n <= 8; n++) {
        char token[9] = "abcdefgh";
        token[n] = '\0';
        a.token = token;
        assert_int_equal(give_ask(&a), C(2, 5));
    }
}

static void ids_begin_anywhere(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_GET, "light");
    uint32_t high = 0, same = 0;
    uint16_t before = 0;

    for (uint32_t seed = 0; seed < 64; seed++) {
        desk_init(seed);
        a.type = IOT_COAP_NON;
        assert_int_equal(give_ask(&a), C(2, 5));
        high += desk.m.id >= 0x8000;
        same += desk.m.id == before;
        before = desk.m.id;
    }
    assert_true(high > 16 && high < 48 && same < 2);
}

static void give_hex(const char *hex, bool to_many)
{
    struct iot_coap_via via = udp(1);
    uint8_t bytes[64];
    uint32_t n = from_hex(hex, bytes, sizeof bytes);

    desk_after(1000);
    desk_take(&via, (struct iot_bytes){bytes, n}, to_many);
}

static void what_cannot_be_processed_is_reset_if_it_is_confirmable_and_else_ignored(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "0 00 1234",                    /* a ping */
        "1 00 1234 00",                 /* a token without a code */
        "0 00 1234 ff",                 /* bytes behind an empty message */
        "9 01 1234 010203040506070809", /* a long token */
        "4 01 1234 0102",               /* one beyond the end */
        "0 01 1234 f0",                 /* nibbles of 15 */
        "0 01 1234 0f",
        "0 01 1234 ff",              /* no payload behind the marker */
        "0 01 1234 b5 61",           /* a value beyond the end */
        "0 01 1234 e0 ffff e0 ffff", /* a number that is none */
        "0 20 1234",                 /* classes that are reserved */
        "0 21 1234",
        "0 c0 1234",
        "0 e1 1234",
        "0 60 1234",
        "1 45 1234 aa ff 61", /* a response that nobody asked for */
        "0 84 1234",
    };

    for (uint32_t i = 0; i < COUNT(bad); i++) {
        for (uint32_t type = 0; type < 4; type++) {
            char hex[80];
            snprintf(hex, sizeof hex, "%c%s", "4567"[type], bad[i]);
            give_hex(hex, false);
            if (type == IOT_COAP_CON) {
                assert_true(desk_out());
                assert_int_equal(desk.len, 4);
                assert_int_equal(desk.m.type, IOT_COAP_RST);
                assert_int_equal(desk.m.id, 0x1234);
            }
            assert_false(desk_out());
            give_hex(hex, true); /* a group: never */
            assert_false(desk_out());
        }
    }
    assert_int_equal(desk.x.counters.ignored, COUNT(bad) * 8);
    assert_int_equal(desk.x.counters.received, COUNT(bad) * 8);
}

static void other_versions_and_crumbs_are_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {"",         "40",       "4001",    "400112",
                                      "00011234", "80011234", "c0011234"};

    for (uint32_t i = 0; i < COUNT(bad); i++) {
        give_hex(bad[i], false);
        assert_false(desk_out());
    }
    assert_int_equal(desk.x.counters.ignored, COUNT(bad));
}

static void requests_that_come_as_ack_or_rst_are_nothing(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_GET, "light");

    for (a.type = IOT_COAP_ACK; a.type <= IOT_COAP_RST; a.type++) {
        build(&a);
        assert_int_equal(give_again(&a), 0);
    }
    assert_int_equal(things[LIGHT].calls, 0);
}

static void pings_are_answered_but_not_each_of_a_flood(void **state)
{
    (void)state;
    struct iot_coap_via via = udp(1);
    uint32_t n = 0;

    for (uint32_t i = 0; i < 1000; i++) {
        give_bare(&via, IOT_COAP_CON, (uint16_t)i);
        n += desk_out();
        desk_after(1);
    }
    assert_in_range(n, 10, 30);
    desk_after(1000);
    give_bare(&via, IOT_COAP_CON, 9);
    assert_true(desk_out());
    assert_int_equal(desk.m.type, IOT_COAP_RST);
    assert_int_equal(desk.m.id, 9);
    /* Who has a session is not asked to wait for others. */
    via = dtls(2);
    for (uint16_t i = 0; i < 3; i++) {
        give_bare(&via, IOT_COAP_CON, i);
        assert_true(desk_out());
        assert_int_equal(desk.m.id, i);
    }
}

/* ---- Paths ------------------------------------------------------------------------------- */

static int get(const char *path)
{
    struct ask a = asking(IOT_COAP_GET, path);

    a.via = dtls(1);
    return give_ask(&a);
}

static void each_resource_of_the_table_is_found_and_nothing_else(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < THINGS; i++) {
        if ((resources[i].flags & IOT_COAP_CAN_GET) == 0)
            continue;
        uint32_t before = things[i].calls;
        assert_int_equal(get(resources[i].path), C(2, 5));
        assert_int_equal(things[i].calls, before + 1);
        assert_string_equal(things[i].rest, "");
        assert_true(things[i].call.secure);
    }
    static const char *const none[] = {
        "",        "a",      "bi",        "bigg",    "light/", "/light",      "Light",
        "light/x", "zzz",    "big/files", "secret0", "file",   ".well-known", ".well-known/cor",
        "files//", "./files"};
    for (uint32_t i = 0; i < COUNT(none); i++) {
        uint32_t before = things[FILES].calls;
        int code = get(none[i]);
        if (strncmp(none[i], "files", 5) != 0 || none[i][5] != '/')
            assert_int_equal(code, C(4, 4));
        else
            assert_int_equal(things[FILES].calls, before + 1);
    }
}

static void a_subtree_gets_what_is_below_it_but_for_what_has_a_row_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(get("files/a"), C(2, 5));
    assert_string_equal(things[FILES].rest, "a");
    assert_int_equal(get("files/a/b"), C(2, 5));
    assert_string_equal(things[FILES].rest, "a/b");
    assert_int_equal(get("files/own"), C(2, 5));
    assert_int_equal(things[FILES_OWN].calls, 1);
    assert_int_equal(get("files/own/x"), C(2, 5));
    assert_string_equal(things[FILES].rest, "own/x");
    assert_int_equal(get("files"), C(2, 5));
    assert_string_equal(things[FILES].rest, "");
}

static void segments_are_not_what_separates_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t len;
    } odd[] = {{"files/own", 9}, {".", 1}, {"..", 2}, {"a\0b", 3}};

    for (uint32_t i = 0; i < COUNT(odd); i++) {
        for (uint32_t below = 0; below < 2; below++) {
            struct made made;
            struct iot_coap_via via = udp(1);
            make(&made, IOT_COAP_CON, IOT_COAP_GET, (uint16_t)(i * 2 + below), text_bytes("t"));
            if (below)
                iot_coap_put(&made.e, IOT_COAP_URI_PATH, text_bytes("files"));
            iot_coap_put(&made.e, IOT_COAP_URI_PATH,
                         (struct iot_bytes){(const uint8_t *)odd[i].text, odd[i].len});
            desk_take(&via, made_bytes(&made), false);
            assert_true(desk_out());
            assert_int_equal(desk.m.code, IOT_COAP_CODE(4, 4));
        }
    }
    assert_int_equal(things[FILES].calls + things[FILES_OWN].calls, 0);
}

static void paths_may_be_as_long_as_there_is_room_for(void **state)
{
    (void)state;
    char path[200];

    for (uint32_t n = 6; n < 190; n++) {
        memset(path, 'x', sizeof path);
        memcpy(path, "files/", 6);
        path[n] = '\0';
        int code = get(path);
        assert_int_equal(code, n <= IOT_COAP_PATH_MAX ? C(2, 5) : C(4, 4));
        if (code == C(2, 5))
            assert_string_equal(things[FILES].rest, path + 6);
    }
}

static void discovery_is_there_by_itself(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_GET, ".well-known/core");

    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(option_uint(&desk.m, IOT_COAP_CONTENT_FORMAT), IOT_COAP_LINK);
    assert_payload("xxxxxxxxxxxx", 12);
    a.code = IOT_COAP_PUT;
    assert_int_equal(give_ask(&a), C(4, 5));
    a.code = IOT_COAP_GET;
    links_none = true;
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(desk.m.payload.len, 0);
    links_none = false;
    links_len = IOT_COAP_BODY_BYTES + 1;
    assert_int_equal(give_ask(&a), C(5, 0));
}

/* ---- Methods and options ----------------------------------------------------------------- */

static void methods_that_a_resource_does_not_have_are_refused(void **state)
{
    (void)state;
    for (uint32_t code = 1; code < 32; code++) {
        struct ask a = asking((uint8_t)code, "paper");
        a.via = dtls(1);
        int got = give_ask(&a);
        if (code <= IOT_COAP_FETCH)
            assert_int_equal(got,
                             code == IOT_COAP_GET || code == IOT_COAP_FETCH ? C(2, 5) : C(2, 4));
        else
            assert_int_equal(got, C(4, 5));
        a.path = "log";
        if (code != IOT_COAP_GET)
            assert_int_equal(give_ask(&a), C(4, 5));
    }
}

static void a_critical_option_that_is_unknown_is_named_bad_and_an_elective_one_is_nothing(
    void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_GET, "light");
    static const uint16_t odd[] = {9, 10, 49, 50, 253, 254, 2049, 65001, 65000};

    for (uint32_t i = 0; i < COUNT(odd); i++) {
        a.odd = odd[i];
        a.type = IOT_COAP_CON;
        assert_int_equal(give_ask(&a), (odd[i] & 1) != 0 ? C(4, 2) : C(2, 5));
        a.type = IOT_COAP_NON; /* rejected: RFC 7252 5.4.1 */
        assert_int_equal(give_ask(&a), (odd[i] & 1) != 0 ? 0 : C(2, 5));
    }
}

static void options_of_a_wrong_length_or_there_twice_are_unknown(void **state)
{
    (void)state;
    static const struct {
        uint16_t number;
        uint8_t len, times;
        bool bad;
    } odd[] = {
        {IOT_COAP_IF_MATCH, 8, 2, false},       {IOT_COAP_IF_MATCH, 9, 1, true},
        {IOT_COAP_URI_HOST, 0, 1, true},        {IOT_COAP_URI_HOST, 255, 1, false},
        {IOT_COAP_URI_HOST, 3, 2, true},        {IOT_COAP_ETAG, 0, 1, false},
        {IOT_COAP_ETAG, 9, 1, false},           {IOT_COAP_IF_NONE_MATCH, 0, 1, false},
        {IOT_COAP_IF_NONE_MATCH, 1, 1, true},   {IOT_COAP_OBSERVE, 4, 1, false},
        {IOT_COAP_URI_PORT, 2, 1, false},       {IOT_COAP_URI_PORT, 3, 1, true},
        {IOT_COAP_URI_PORT, 1, 2, true},        {IOT_COAP_ACCEPT, 3, 1, true},
        {IOT_COAP_BLOCK2, 4, 1, true},          {IOT_COAP_BLOCK1, 4, 1, true},
        {IOT_COAP_URI_QUERY, 255, 3, false},    {IOT_COAP_ECHO, 41, 1, false},
        {IOT_COAP_CONTENT_FORMAT, 3, 1, false}, {IOT_COAP_REQUEST_TAG, 9, 1, false},
        {IOT_COAP_REQUEST_TAG, 8, 3, false},    {IOT_COAP_SIZE1, 4, 2, false},
    };
    static const uint8_t zeros[256];

    for (uint32_t i = 0; i < COUNT(odd); i++) {
        struct iot_coap_via via = dtls(1);
        struct made made;
        bool put = false;
        make(&made, IOT_COAP_CON, IOT_COAP_GET, (uint16_t)i, text_bytes("t"));
        for (uint32_t n = 0; n < odd[i].times; n++) {
            if (odd[i].number > IOT_COAP_URI_PATH && !put) {
                iot_coap_put(&made.e, IOT_COAP_URI_PATH, text_bytes("light"));
                put = true;
            }
            iot_coap_put(&made.e, odd[i].number, (struct iot_bytes){zeros, odd[i].len});
        }
        if (!put)
            iot_coap_put(&made.e, IOT_COAP_URI_PATH, text_bytes("light"));
        desk_take(&via, made_bytes(&made), false);
        assert_true(desk_out());
        if (desk.m.code != (odd[i].bad ? IOT_COAP_CODE(4, 2) : IOT_COAP_CODE(2, 5)))
            fail_msg("option %u of %u bytes %u times: %02x", odd[i].number, odd[i].len,
                     odd[i].times, desk.m.code);
    }
}

static void we_are_no_proxy(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_GET, "light");

    a.odd = IOT_COAP_PROXY_URI;
    assert_int_equal(give_ask(&a), C(5, 5));
    a.odd = IOT_COAP_PROXY_SCHEME;
    assert_int_equal(give_ask(&a), C(5, 5));
    assert_int_equal(things[LIGHT].calls, 0);
    a.odd = 0;
    a.host = "anybody";
    assert_int_equal(give_ask(&a), C(2, 5));
}

static void what_is_not_accepted_is_not_sent(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_GET, "light");

    things[LIGHT].has_format = true;
    things[LIGHT].format = 50;
    a.accept = 50;
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_true(things[LIGHT].call.has_accept);
    assert_int_equal(things[LIGHT].call.accept, 50);
    a.accept = 0;
    assert_int_equal(give_ask(&a), C(4, 6));
    assert_int_equal(option_uint(&desk.m, IOT_COAP_CONTENT_FORMAT), -1);
    things[LIGHT].etag = "v1";
    assert_int_equal(give_ask(&a), C(4, 6));
    assert_int_equal(option_uint(&desk.m, IOT_COAP_ETAG), -1);
    things[LIGHT].format = 0;
    things[LIGHT].has_format = false;
    assert_int_equal(give_ask(&a), C(4, 6)); /* not guessed */
    a.accept = -1;
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_false(things[LIGHT].call.has_accept);
    /* What has changed something has. */
    a = asking(IOT_COAP_PUT, "light");
    a.accept = 99;
    a.via = dtls(1);
    assert_int_equal(give_ask(&a), C(2, 4));
    assert_true(things[LIGHT].call.has_accept);
}

static void a_body_that_the_client_has_is_not_sent(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_GET, "light");
    char etag[9] = "";

    things[LIGHT].body = pattern_bytes(20);
    things[LIGHT].len = 20;
    things[LIGHT].etag = "v1";
    a.etag = "v1";
    assert_int_equal(give_ask(&a), C(2, 3));
    assert_int_equal(desk.m.payload.len, 0);
    assert_int_equal(option_uint(&desk.m, IOT_COAP_ETAG), 'v' << 8 | '1');
    a.etag = "v2";
    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(desk.m.payload.len, 20);
    things[LIGHT].etag = NULL; /* made of the body */
    things[LIGHT].body = (const uint8_t *)"abcdefghijklmnopqrstuvwxyz";
    assert_int_equal(give_ask(&a), C(2, 5));
    struct iot_coap_option o;
    assert_true(option_of(&desk.m, IOT_COAP_ETAG, &o));
    assert_int_equal(o.value.len, 4);
    memcpy(etag, o.value.ptr, 4);
    if (strlen(etag) == 4) {
        a.etag = etag;
        assert_int_equal(give_ask(&a), C(2, 3));
    }
}

static void conditions_formats_and_queries_reach_the_handler(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_PUT, "light");
    struct iot_coap_message m;

    a.via = dtls(3);
    a.format = 60;
    a.query = "x=1&y";
    a.body = text_bytes("on");
    assert_int_equal(give_ask(&a), C(2, 4));
    assert_true(things[LIGHT].call.has_format);
    assert_int_equal(things[LIGHT].call.format, 60);
    assert_true(things[LIGHT].call.last);
    assert_int_equal(things[LIGHT].got_len, 2);
    assert_int_equal(things[LIGHT].call.method, IOT_COAP_PUT);
    assert_int_equal(things[LIGHT].call.identity.len, 3);
    memset(&m, 0, sizeof m);
    m.options = (struct iot_bytes){things[LIGHT].options, things[LIGHT].options_len};
    assert_int_equal(option_count(&m, IOT_COAP_URI_QUERY), 2);
}

static void an_answer_that_is_none_is_an_error_of_ours(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_GET, "light");

    static const uint8_t codes[] = {1, 0x20, 0x60, 0xc0, 0xe0};
    for (uint32_t i = 0; i < COUNT(codes); i++) {
        things[LIGHT].code = codes[i];
        assert_int_equal(give_ask(&a), C(5, 0));
    }
    things[LIGHT].code = 0;
    things[LIGHT].body = pattern_bytes(IOT_COAP_BODY_BYTES + 1);
    things[LIGHT].len = IOT_COAP_BODY_BYTES + 1;
    assert_int_equal(give_ask(&a), C(5, 0));
    things[LIGHT].len = 0;
    things[LIGHT].etag = "123456789";
    assert_int_equal(give_ask(&a), C(5, 0));
    /* ... of what changes something: what can be kept. */
    a = asking(IOT_COAP_PUT, "light");
    a.via = dtls(1);
    things[LIGHT].etag = NULL;
    things[LIGHT].len = IOT_COAP_ANSWER_BYTES;
    assert_int_equal(give_ask(&a), C(2, 4));
    things[LIGHT].len++;
    assert_int_equal(give_ask(&a), C(5, 0));
    assert_int_equal(desk.m.payload.len, 0);
}

/* ---- Duplicates -------------------------------------------------------------------------- */

static void what_comes_twice_is_done_once_and_answered_alike(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_PUT, "light");
    uint8_t first[IOT_COAP_BYTES];
    uint32_t len;

    a.via = dtls(1);
    a.body = text_bytes("on");
    things[LIGHT].body = (const uint8_t *)"done";
    things[LIGHT].len = 4;
    assert_int_equal(give_ask(&a), C(2, 4));
    memcpy(first, desk.bytes, len = desk.len);
    for (uint32_t i = 0; i < 24; i++) {
        desk_after(10000);
        things[LIGHT].len = 0; /* it would say something else now */
        assert_int_equal(give_again(&a), C(2, 4));
        assert_int_equal(desk.len, len);
        assert_memory_equal(desk.bytes, first, len);
    }
    assert_int_equal(things[LIGHT].calls, 1);
    assert_int_equal(desk.x.counters.duplicates, 24);
    desk_after(10000); /* EXCHANGE_LIFETIME is over */
    assert_int_equal(give_again(&a), C(2, 4));
    assert_int_equal(things[LIGHT].calls, 2);
    /* Another peer has ids of its own, and other bytes are another request. */
    a.via = dtls(2);
    assert_int_equal(give_again(&a), C(2, 4));
    assert_int_equal(things[LIGHT].calls, 3);
    a.body = text_bytes("off");
    build(&a);
    assert_int_equal(give_again(&a), C(2, 4));
    assert_int_equal(things[LIGHT].calls, 4);
}

/* Two messages of the same hash: the ids tell them apart. */
static void what_only_looks_alike_is_no_copy(void **state)
{
    (void)state;
    static const char *const bodies[] = {"6qrfrqjr", "o24qp53e"};
    struct ask a = asking(IOT_COAP_PUT, "light");
    uint32_t hash[2];

    a.via = dtls(1);
    for (uint16_t i = 0; i < 2; i++) {
        a.id = (uint16_t)(i + 1);
        a.body = text_bytes(bodies[i]);
        build(&a);
        hash[i] = iot_coap_hash(0, a.made.e.ptr, a.made.e.len);
        assert_int_equal(give_again(&a), C(2, 4));
        assert_int_equal(things[LIGHT].calls, i + 1);
    }
    assert_int_equal(hash[0], hash[1]);
}

static void a_copy_that_nobody_confirms_is_nothing(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_PUT, "light");

    a.via = dtls(1);
    a.type = IOT_COAP_NON;
    assert_int_equal(give_ask(&a), C(2, 4));
    assert_int_equal(give_again(&a), 0);
    assert_int_equal(things[LIGHT].calls, 1);
}

static void what_only_reads_is_asked_again(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_GET, "light");

    assert_int_equal(give_ask(&a), C(2, 5));
    assert_int_equal(give_again(&a), C(2, 5));
    assert_int_equal(things[LIGHT].calls, 2);
    assert_int_equal(desk.x.counters.duplicates, 0);
}

static void a_host_has_half_of_the_answers_and_its_oldest_gives_way(void **state)
{
    (void)state;
    const uint32_t share = (IOT_COAP_ANSWERS + 1) / 2;
    struct ask mine[IOT_COAP_ANSWERS + 1], other = asking(IOT_COAP_PUT, "paper");

    other.via = dtls(9);
    assert_int_equal(give_ask(&other), C(2, 4));
    for (uint32_t i = 0; i <= share; i++) {
        mine[i] = asking(IOT_COAP_PUT, "light");
        mine[i].via = dtls(1);
        mine[i].via.peer.port = (uint16_t)i; /* ports do not make it another host */
        desk_after(1);
        assert_int_equal(give_ask(&mine[i]), C(2, 4));
    }
    assert_int_equal(give_again(&other), C(2, 4));
    assert_int_equal(things[PAPER].calls, 1);
    for (uint32_t i = 1; i <= share; i++)
        assert_int_equal(give_again(&mine[i]), C(2, 4));
    assert_int_equal(things[LIGHT].calls, share + 1);
    assert_int_equal(give_again(&mine[0]), C(2, 4));
    assert_int_equal(things[LIGHT].calls, share + 2);
}

/* That one of its sessions goes on does not mean that another has got its answer. */
static void a_session_s_own_answers_give_way_before_those_of_its_neighbour(void **state)
{
    (void)state;
    struct ask lost = asking(IOT_COAP_PUT, "paper"), a = asking(IOT_COAP_PUT, "light");

    lost.via = a.via = dtls(1);
    a.via.peer.port++;
    a.via.session++;
    assert_int_equal(give_ask(&lost), C(2, 4));
    for (uint32_t i = 0; i < 9; i++) {
        desk_after(1);
        assert_int_equal(give_ask(&a), C(2, 4));
    }
    assert_int_equal(give_again(&lost), C(2, 4));
    assert_int_equal(things[PAPER].calls, 1);
}

static void a_table_full_of_new_answers_to_others_refuses(void **state)
{
    (void)state;
    struct ask a = asking(IOT_COAP_PUT, "light");

    for (uint32_t i = 0; i < IOT_COAP_ANSWERS; i++) {
        a.via = dtls(i + 1);
        assert_int_equal(give_ask(&a), C(2, 4));
        desk_after(1);
    }
    a.via = dtls(100);
    assert_int_equal(give_ask(&a), C(5, 3));
    assert_int_equal(option_uint(&desk.m, IOT_COAP_MAX_AGE), IOT_COAP_RETRY_S);
    assert_int_equal(desk.x.counters.refused, 1);
    assert_int_equal(things[LIGHT].calls, IOT_COAP_ANSWERS);
    desk_after(IOT_COAP_FRESH_MS);
    assert_int_equal(give_ask(&a), C(2, 4));
    /* Who only reads needs no place. */
    a = asking(IOT_COAP_GET, "light");
    assert_int_equal(give_ask(&a), C(2, 5));
}

/* What is answered without Echo may come from anybody, in anybody's name. */
static void who_need_not_show_that_it_is_there_keeps_nobody_out(void **state)
{
    (void)state;
    struct ask own = asking(IOT_COAP_POST, "own"), put = asking(IOT_COAP_PUT, "light");

    for (uint32_t i = 0; i < 3 * IOT_COAP_ANSWERS; i++) {
        own.via = udp(i + 10);
        assert_int_equal(give_ask(&own), C(2, 4));
    }
    for (uint32_t i = 0; i < 8; i++) {
        put.via = dtls(1 + i % 2);
        assert_int_equal(give_ask(&put), C(2, 4));
        own.via = udp(i + 100);
        assert_int_equal(give_ask(&own), C(2, 4));
    }
    assert_int_equal(things[LIGHT].calls, 8);
    desk_init(7);
    assert_int_equal(give_ask(&own), C(2, 4));
    for (uint32_t i = 0; i < 9; i++) {
        desk_after(10400); /* a client repeats what it asks for 93 s */
        assert_int_equal(give_again(&own), C(2, 4));
    }
    assert_int_equal(things[OWN].calls, 1);
}

#define CASE(f) cmocka_unit_test_setup(f, desk_setup)

static void ids_count_up_for_each_peer_from_another_place(void **state)
{
    static uint8_t seen[1u << 16];
    struct iot_peer one = {.addr = {10, 0, 0, 1}, .port = 5683, .family = 4}, two = one;
    uint32_t next_to = 0;
    (void)state;

    two.addr[3] = 2;
    desk_init(1);
    memset(seen, 0, sizeof seen);
    for (uint32_t i = 0; i < sizeof seen / 2; i++) {
        uint16_t id = iot_coap_new_id(&desk.x, &one);
        assert_int_equal(seen[id]++, 0);
        next_to += (uint16_t)(iot_coap_new_id(&desk.x, &two) - id) == 1;
    }
    assert_in_range(next_to, 0, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_request_is_answered_in_its_acknowledgement),
        CASE(a_request_that_nobody_confirms_is_answered_by_such_a_message),
        CASE(tokens_of_0_to_8_bytes_come_back),
        CASE(ids_begin_anywhere),
        CASE(ids_count_up_for_each_peer_from_another_place),
        CASE(what_cannot_be_processed_is_reset_if_it_is_confirmable_and_else_ignored),
        CASE(other_versions_and_crumbs_are_nothing),
        CASE(requests_that_come_as_ack_or_rst_are_nothing),
        CASE(pings_are_answered_but_not_each_of_a_flood),
        CASE(each_resource_of_the_table_is_found_and_nothing_else),
        CASE(a_subtree_gets_what_is_below_it_but_for_what_has_a_row_of_its_own),
        CASE(segments_are_not_what_separates_them),
        CASE(paths_may_be_as_long_as_there_is_room_for),
        CASE(discovery_is_there_by_itself),
        CASE(methods_that_a_resource_does_not_have_are_refused),
        CASE(a_critical_option_that_is_unknown_is_named_bad_and_an_elective_one_is_nothing),
        CASE(options_of_a_wrong_length_or_there_twice_are_unknown),
        CASE(we_are_no_proxy),
        CASE(what_is_not_accepted_is_not_sent),
        CASE(a_body_that_the_client_has_is_not_sent),
        CASE(conditions_formats_and_queries_reach_the_handler),
        CASE(an_answer_that_is_none_is_an_error_of_ours),
        CASE(what_comes_twice_is_done_once_and_answered_alike),
        CASE(what_only_looks_alike_is_no_copy),
        CASE(a_copy_that_nobody_confirms_is_nothing),
        CASE(what_only_reads_is_asked_again),
        CASE(a_host_has_half_of_the_answers_and_its_oldest_gives_way),
        CASE(a_session_s_own_answers_give_way_before_those_of_its_neighbour),
        CASE(a_table_full_of_new_answers_to_others_refuses),
        CASE(who_need_not_show_that_it_is_there_keeps_nobody_out),
    };
    return cmocka_run_group_tests_name("coap_serve", tests, NULL, NULL);
}

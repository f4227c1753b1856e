/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client against a stock nginx: plain and TLS, ranges, chunked bodies, kept connections, redirects. */
#include "peer_http.h"
#include "peer_nginx.h"
#include "peer_relay.h"
#include "peer_run.h"

#define LARGE_BYTES (200u * 1024u)
#define SMALL       "a small file\n"

#define EXT_MAX_FRAGMENT 1 /* RFC 6066, section 4 */
#define RECORD_MAX       16384u
#define RECORD_MORE      64u /* header, nonce, tag */

static struct peer_nginx nginx;
static struct peer_relay relay;
static uint8_t large[LARGE_BYTES];
static char place[512];

/* On either port. */
static const char *url(bool tls, const char *path)
{
    snprintf(place, sizeof place, "http%s://" PEER_NAME ":%u%s", tls ? "s" : "",
             tls ? nginx.secure : nginx.port, path);
    return place;
}

static void assert_body(const void *bytes, uint32_t len)
{
    assert_int_equal(peer_web.len, len);
    assert_memory_equal(peer_web.body, bytes, len);
}

static void assert_small(void)
{
    peer_http_assert(IOT_OK, 200);
    assert_body(SMALL, sizeof SMALL - 1);
}

static int group_setup(void **state)
{
    if (peer_trust_group_setup(state) != 0)
        return -1;
    for (uint32_t i = 0; i < LARGE_BYTES; i++)
        large[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
    peer_nginx_start(&nginx, CERT_EC_GOOD);
    peer_nginx_file(&nginx, "small", BYTES(SMALL));
    peer_nginx_file(&nginx, "large", (struct iot_bytes){large, LARGE_BYTES});
    peer_nginx_file(&nginx, "empty", BYTES(""));
    return 0;
}

static int group_teardown(void **state)
{
    peer_nginx_stop(&nginx);
    return peer_trust_group_teardown(state);
}

static int setup(void **state)
{
    (void)state;
    peer_http_prepare(CERT_EC_ROOT);
    return 0;
}

/* ---- bodies ------------------------------------------------------------------------------ */

static void a_file_comes_whole_and_correct(void **state)
{
    (void)state;
    for (uint32_t tls = 0; tls < 2; tls++) {
        peer_http_get(url(tls, "/small"));
        assert_small();
        assert_true(peer_web.head.has_length && peer_web.head.has_total);
        assert_int_equal(peer_web.head.total, sizeof SMALL - 1);
        assert_true(peer_web.etag[0] == '"');
        peer_http_get(url(tls, "/large"));
        peer_http_assert(IOT_OK, 200);
        assert_body(large, LARGE_BYTES);
        assert_true(peer_web.pieces >= LARGE_BYTES / IOT_HTTP_RX_BYTES);
        peer_http_get(url(tls, "/empty"));
        peer_http_assert(IOT_OK, 200);
        assert_body("", 0);
    }
    peer_http_close();
}

static void bodies_without_a_known_length_come_whole_too(void **state)
{
    (void)state;
    static const char *const paths[] = {"/chunked/large", "/close/large", "/chunked/empty"};
    for (uint32_t tls = 0; tls < 2; tls++)
        for (uint32_t i = 0; i < COUNT(paths); i++) {
            peer_http_get(url(tls, paths[i]));
            peer_http_assert(IOT_OK, 200);
            assert_true(i == 2 || !peer_web.head.has_length);
            assert_body(large, i < 2 ? LARGE_BYTES : 0);
        }
    peer_http_close();
}

static void what_is_packed_for_others_comes_plain_to_us(void **state)
{
    (void)state;
    peer_http_get(url(false, "/packed/large"));
    peer_http_assert(IOT_OK, 200);
    assert_body(large, LARGE_BYTES);
    peer_http_close();
}

static void heads_and_statuses_come_as_they_are(void **state)
{
    (void)state;
    peer_http_get(url(false, "/none"));
    peer_http_assert(IOT_OK, 404);
    assert_true(peer_web.len != 0);
    peer_web.request.method = IOT_HTTP_HEAD;
    peer_http_get(url(true, "/large"));
    peer_http_assert(IOT_OK, 200);
    assert_int_equal(peer_web.head.total, LARGE_BYTES);
    assert_int_equal(peer_web.len, 0);
    peer_http_close();
}

static uint32_t given;

static iot_err source(void *ctx, uint8_t *into, uint32_t cap, uint32_t *got)
{
    (void)ctx;
    *got = cap < 7 ? cap : 7;
    for (uint32_t i = 0; i < *got; i++)
        into[i] = (uint8_t)('a' + given++ % 26);
    return IOT_OK;
}

static void what_is_posted_arrives(void **state)
{
    (void)state;
    peer_web.request.method = IOT_HTTP_POST;
    peer_web.request.body = BYTES("said by a device");
    peer_http_get(url(true, "/echo"));
    peer_http_assert(IOT_OK, 200);
    assert_body("said by a device", 16);
    peer_web.request.body = BYTES("");
    peer_web.request.source = source;
    peer_web.request.body_bytes = 3000;
    given = 0;
    peer_http_get(url(false, "/echo"));
    peer_http_assert(IOT_OK, 200);
    assert_int_equal(peer_web.len, 3000);
    for (uint32_t i = 0; i < 3000; i++)
        assert_int_equal(peer_web.body[i], 'a' + i % 26);
    peer_web.request.body_bytes = 1u << 20; /* more than it takes: it says so before it has all */
    peer_http_get(url(false, "/echo"));
    assert_true(peer_web.err == IOT_OK ? peer_web.head.status == 413
                                       : peer_web.err == IOT_ERR_HTTP_CUT);
    peer_http_close();
}

/* ---- ranges ------------------------------------------------------------------------------ */

static void ranges_make_the_file(void **state)
{
    (void)state;
    static const uint32_t steps[] = {10000, 4096, 65536, LARGE_BYTES + 5};
    uint32_t before = peer_nginx_connections(&nginx);
    peer_web.request.has_range = true;
    for (uint32_t s = 0; s < COUNT(steps); s++) {
        char etag[IOT_HTTP_ETAG_MAX + 1] = "";
        for (uint32_t at = 0; at < LARGE_BYTES; at += steps[s]) {
            peer_web.request.range_from = at;
            peer_web.request.range_to = at + steps[s] - 1;
            peer_web.request.if_range = etag[0] != '\0' ? etag : NULL;
            peer_http_get(url(s & 1, "/large"));
            peer_http_assert(IOT_OK, 206);
            assert_int_equal(peer_web.head.from, at);
            assert_int_equal(peer_web.head.total, LARGE_BYTES);
            uint32_t left = LARGE_BYTES - at;
            assert_body(large + at, left < steps[s] ? left : steps[s]);
            memcpy(etag, peer_web.etag, sizeof etag);
        }
    }
    assert_int_equal(peer_nginx_connections(&nginx), before + COUNT(steps)); /* one each, kept */
    peer_http_close();
}

static void a_range_of_another_version_is_all_of_this_one(void **state)
{
    (void)state;
    peer_web.request.has_range = true;
    peer_web.request.range_from = 5;
    peer_web.request.range_to = UINT32_MAX;
    peer_web.request.if_range = "\"not-this-one\"";
    peer_http_get(url(true, "/small"));
    assert_small();
    assert_false(peer_web.head.partial);
    peer_web.request.if_range = NULL;
    peer_http_get(url(true, "/small"));
    peer_http_assert(IOT_OK, 206);
    assert_int_equal(peer_web.first, 5);
    assert_body(&SMALL[5], sizeof SMALL - 6);
    peer_http_close();
}

static void a_range_behind_the_end_is_told(void **state)
{
    (void)state;
    peer_web.request.has_range = true;
    peer_web.request.range_from = 5000;
    peer_web.request.range_to = 6000;
    peer_http_get(url(false, "/small"));
    peer_http_assert(IOT_OK, 416);
    assert_int_equal(peer_web.head.total, sizeof SMALL - 1);
    peer_http_close();
}

/* ---- records ----------------------------------------------------------------------------- */

/* What was asked of nginx through the relay; of the records that came the largest. */
static uint32_t get_through(const char *path)
{
    uint32_t largest = 0;

    snprintf(place, sizeof place, "https://" PEER_NAME ":%u%s", relay.port, path);
    peer_http_get(place);
    for (uint32_t i = 0; i < relay.down.records && i < PEER_RECORDS_MAX; i++)
        if (relay.down.types[i] == PEER_RECORD_DATA && relay.down.sizes[i] > largest)
            largest = relay.down.sizes[i];
    return largest;
}

/* It sends records of 16 KiB to who takes them, and smaller ones to who asks for these; a build that does neither is told, and
 * comes through by ranges. */
static void records_are_as_large_as_we_take(void **state)
{
    (void)state;
    peer_relay_start(&relay, nginx.secure);
    uint32_t largest = get_through("/large");
    bool asked = peer_relay_extension(&relay, EXT_MAX_FRAGMENT).ptr != NULL;
    uint32_t limit = asked ? IOT_TLS_RX_BYTES : RECORD_MAX;
    if (limit <= IOT_TLS_RX_BYTES) {
        peer_http_assert(IOT_OK, 200);
        assert_body(large, LARGE_BYTES);
        assert_in_range(largest, limit, limit + RECORD_MORE);
    } else {
        assert_err(peer_web.err, IOT_ERR_TLS_RECORD);
        assert_in_range(peer_web.detail, IOT_TLS_RX_BYTES + 1, RECORD_MAX + RECORD_MORE);
        peer_web.request.has_range = true;
        peer_web.request.range_to = IOT_TLS_RX_BYTES / 2 - 1;
        get_through("/large");
        peer_http_assert(IOT_OK, 206);
        assert_body(large, IOT_TLS_RX_BYTES / 2);
    }
    peer_http_close();
}

/* ---- connections ------------------------------------------------------------------------- */

static void requests_share_a_connection(void **state)
{
    (void)state;
    for (uint32_t tls = 0; tls < 2; tls++) {
        uint32_t before = peer_nginx_connections(&nginx);
        for (uint32_t i = 0; i < 5; i++) {
            peer_http_get(url(tls, "/small"));
            assert_small();
        }
        assert_int_equal(peer_nginx_connections(&nginx), before + 1);
        peer_http_get(url(tls, "/once/small"));
        assert_small();
        peer_http_get(url(tls, "/small"));
        assert_small();
        assert_int_equal(peer_nginx_connections(&nginx), before + 2);
    }
    peer_http_close();
}

/* It ends an idle connection after a second; whether we notice before we ask or behind it, nobody hears of it. */
static void a_connection_that_it_ends_is_made_anew(void **state)
{
    (void)state;
    for (uint32_t tls = 0; tls < 2; tls++) {
        uint32_t before = peer_nginx_connections(&nginx);
        for (uint32_t i = 0; i < 2; i++) {
            peer_http_get(url(tls, "/brief/small"));
            assert_small();
            for (uint64_t end = peer_clock_ms() + 1500; i == 0 && peer_clock_ms() < end;)
                peer_http_turn();
        }
        assert_int_equal(peer_nginx_connections(&nginx), before + 2);
    }
    peer_http_close();
}

static void redirects_lead_there(void **state)
{
    (void)state;
    for (uint32_t tls = 0; tls < 2; tls++) {
        peer_http_get(url(tls, "/moved/small"));
        assert_small();
        peer_http_get(url(tls, "/gone/moved/moved/small"));
        assert_small();
    }
    peer_http_get(url(false, "/to-tls"));
    assert_small();
    assert_true(peer_nginx_logged(&nginx, " GET /to-tls 302") == 1);
    peer_http_close();
}

static void redirects_that_lead_nowhere_end(void **state)
{
    (void)state;
    uint32_t before = peer_nginx_logged(&nginx, "GET /small");
    peer_http_get(url(false, "/loop"));
    peer_http_assert(IOT_ERR_HTTP_REDIRECT, 0);
    assert_int_equal(peer_nginx_logged(&nginx, "GET /loop 302"), 5);
    peer_http_get(url(true, "/to-plain"));
    peer_http_assert(IOT_ERR_HTTP_REDIRECT, 0);
    assert_int_equal(peer_nginx_logged(&nginx, "GET /small"), before);
    peer_http_get(url(false, "/to-plain")); /* there it may */
    assert_small();
    peer_http_close();
}

/* ---- trust ------------------------------------------------------------------------------- */

static void a_stranger_is_not_asked(void **state)
{
    (void)state;
    uint32_t before = peer_nginx_connections(&nginx);
    peer_http_prepare(CERT_STRANGE_ROOT);
    peer_http_get(url(true, "/small"));
    peer_http_assert(IOT_ERR_TLS_VERIFY, 0);
    assert_int_equal(peer_web.detail, IOT_TLS_FAULT_CA);
    peer_http_get(url(false, "/to-tls")); /* nor behind a redirect */
    peer_http_assert(IOT_ERR_TLS_VERIFY, 0);
    peer_http_close();
    peer_http_prepare(CERT_EC_ROOT);
    peer_web.trust.tls.server_name = "b.test.lwlink";
    peer_http_get(url(true, "/small"));
    peer_http_assert(IOT_ERR_TLS_VERIFY, 0);
    assert_int_equal(peer_web.detail, IOT_TLS_FAULT_NAME);
    peer_http_close();
    peer_http_prepare(CERT_EC_ROOT);
    peer_trust_days(&peer_web.trust, PEER_LEAF_DAYS + 1);
    peer_http_get(url(true, "/small"));
    peer_http_assert(IOT_ERR_TLS_VERIFY, 0);
    assert_int_equal(peer_web.detail, IOT_TLS_FAULT_EXPIRED);
    peer_http_close();
    assert_int_equal(peer_nginx_connections(&nginx), before + 1); /* the plain one */
}

static void tls_is_asked_for_at_a_plain_port_in_vain(void **state)
{
    (void)state;
    char wrong[128];
    snprintf(wrong, sizeof wrong, "https://" PEER_NAME ":%u/small", nginx.port);
    peer_http_get(wrong);
    assert_true(peer_web.err == IOT_ERR_TLS_PROTOCOL || peer_web.err == IOT_ERR_TLS_EOF ||
                peer_web.err == IOT_ERR_TLS_VERSION);
    snprintf(wrong, sizeof wrong, "http://" PEER_NAME ":%u/small", nginx.secure);
    peer_http_get(wrong);
    peer_http_assert(IOT_OK, 400);
    peer_http_close();
}

static void nobody_there_is_told_by_name(void **state)
{
    (void)state;
    peer_http_get("http://nobody.test.lwlink/");
    peer_http_assert(IOT_ERR_DNS_UNKNOWN, 0);
    peer_http_get("http://" PEER_NAME ":1/");
    peer_http_assert(IOT_ERR_TCP_REFUSED, 0);
    peer_http_close();
}

/* ---- time and consumers ------------------------------------------------------------------ */

static void a_slow_server_is_left_if_the_options_say_so(void **state)
{
    (void)state;
    peer_web.options.min_rate = 100000;
    peer_web.options.rate_ms = 1000;
    peer_http_get(url(false, "/slow/large"));
    peer_http_assert(IOT_ERR_HTTP_SLOW, 200);
    assert_true(peer_web.len < LARGE_BYTES);
    peer_http_close();
}

static void a_consumer_that_rests_loses_nothing(void **state)
{
    (void)state;
    for (uint32_t tls = 0; tls < 2; tls++) {
        peer_web.hold = 3000;
        peer_http_ask(url(tls, "/large"));
        UNTIL_WITH(peer_http_turn, peer_web.len == 3000);
        for (uint32_t i = 0; i < 50; i++)
            peer_http_turn();
        assert_int_equal(peer_web.len, 3000);
        assert_int_equal(peer_web.ends, 0);
        peer_web.hold = UINT32_MAX;
        iot_http_resume(&peer_web.http);
        UNTIL_WITH(peer_http_turn, peer_web.ends != 0);
        peer_http_assert(IOT_OK, 200);
        assert_body(large, LARGE_BYTES);
    }
    peer_http_close();
}

static void a_download_is_cancelled_and_its_arena_is_free(void **state)
{
    (void)state;
    peer_web.hold = 3000;
    peer_http_ask(url(true, "/large"));
    UNTIL_WITH(peer_http_turn, peer_web.len == 3000);
    assert_err(iot_http_cancel(&peer_web.http), IOT_OK);
    UNTIL_WITH(peer_http_turn, peer_web.ends != 0);
    peer_http_assert(IOT_ERR_CLOSED, 200);
    assert_true(iot_http_idle(&peer_web.http));
    peer_web.hold = UINT32_MAX;
    peer_http_get(url(true, "/small"));
    assert_small();
    iot_http_hang_up(&peer_web.http);
    UNTIL_WITH(peer_http_turn, iot_http_idle(&peer_web.http));
    peer_http_close();
}

/* ---- the program ------------------------------------------------------------------------- */

static void the_probe_gets(void **state)
{
    (void)state;
    char command[HOST_PATH_MAX + 256], ca[HOST_PATH_MAX + 64];
    const char *argv[] = {peer_program("probe"), "-c", command, NULL};
    snprintf(command, sizeof command, "get http://127.0.0.1:%u/small range=2-6", nginx.port);
    assert_int_equal(peer_run(argv), 0);
    assert_non_null(strstr(peer_output, "EV status 206\nEV body 2 736d616c6c\nEV end OK\n"));
    snprintf(command, sizeof command, "get http://127.0.0.1:%u/none", nginx.port);
    assert_int_equal(peer_run(argv), 1);
    assert_non_null(strstr(peer_output, "EV status 404\nEV body 0 "));
    assert_non_null(strstr(peer_output, "EV end STATUS\n"));
    snprintf(ca, sizeof ca, "%s", peer_cert(CERT_EC_ROOT)->pem);
    snprintf(command, sizeof command, "get https://127.0.0.1:%u/moved/small ca=%s name=%s",
             nginx.secure, ca, PEER_NAME);
    assert_int_equal(peer_run(argv), 0); /* back to where it was asked, through the gateway again */
    assert_non_null(strstr(peer_output, "EV status 200\n"));
    assert_null(strstr(peer_output, "EV status 302\n"));
    snprintf(command, sizeof command, "get https://127.0.0.1:%u/small ca=%s", nginx.secure, ca);
    assert_int_equal(peer_run(argv), 0);
    assert_non_null(strstr(peer_output, "EV status 200\n"));
    snprintf(command, sizeof command, "get https://127.0.0.1:%u/small ca=%s name=b.test.lwlink",
             nginx.secure, ca);
    assert_int_equal(peer_run(argv), 1);
    assert_non_null(strstr(peer_output, "EV end TLS_VERIFY\n"));
    snprintf(command, sizeof command, "get https://127.0.0.1:%u/small", nginx.secure);
    assert_int_equal(peer_run(argv), 1);
    assert_non_null(strstr(peer_output, "EV err USAGE "));
    snprintf(command, sizeof command, "get ftp://127.0.0.1/");
    assert_int_equal(peer_run(argv), 1);
    assert_non_null(strstr(peer_output, "EV end HTTP_URL\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, peer_trust_test_teardown)
        T(a_file_comes_whole_and_correct),
        T(bodies_without_a_known_length_come_whole_too),
        T(what_is_packed_for_others_comes_plain_to_us),
        T(heads_and_statuses_come_as_they_are),
        T(what_is_posted_arrives),
        T(ranges_make_the_file),
        T(a_range_of_another_version_is_all_of_this_one),
        T(a_range_behind_the_end_is_told),
        T(records_are_as_large_as_we_take),
        T(requests_share_a_connection),
        T(a_connection_that_it_ends_is_made_anew),
        T(redirects_lead_there),
        T(redirects_that_lead_nowhere_end),
        T(a_stranger_is_not_asked),
        T(tls_is_asked_for_at_a_plain_port_in_vain),
        T(nobody_there_is_told_by_name),
        T(a_slow_server_is_left_if_the_options_say_so),
        T(a_consumer_that_rests_loses_nothing),
        T(a_download_is_cancelled_and_its_arena_is_free),
        T(the_probe_gets),
#undef T
    };
    return cmocka_run_group_tests_name("http_nginx", tests, group_setup, group_teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* build/probe fetches a firmware from a stock nginx, plain and by TLS, and boots it; and what is wrong with a job is named. */
#include "test.h"

#include "ecdsa_vectors.h"
#include "peer_board.h"
#include "peer_broker.h"
#include "peer_nginx.h"
#include "peer_run.h"
#include "peer_tls.h"
#include "peer_trust.h"
#include "unix/iot_nor_unix.h"

#include <ctype.h>

#define IMAGE_BYTES 13000u /* more than three sectors */
#define LARGE_BYTES (1024u * 1024u + 1)

static struct peer_nginx nginx;
static uint8_t image[IMAGE_BYTES], other[IMAGE_BYTES], large[LARGE_BYTES], made[ECDSA_SIGNED_BYTES];
static const struct iot_bytes first = {image, IMAGE_BYTES}, second = {other, IMAGE_BYTES};
static const struct iot_bytes signed_one = {made, ECDSA_SIGNED_BYTES};

/* ---- Commands ------------------------------------------------------------------------------ */

static char command[8192];

/* "ota http://.../PATH WORDS" */
static const char *ota(const char *path, const char *format, ...)
{
    va_list args;
    int n = snprintf(command, sizeof command, "ota http://127.0.0.1:%u/%s ", nginx.port, path);

    va_start(args, format);
    vsnprintf(command + n, sizeof command - (size_t)n, format, args);
    va_end(args);
    return command;
}

/* ... by TLS. */
static const char *ota_tls(const char *path, const char *ca, const char *format, ...)
{
    va_list args;
    int n = snprintf(command, sizeof command, "ota https://127.0.0.1:%u/%s ca=%s ", nginx.secure,
                     path, ca);

    va_start(args, format);
    vsnprintf(command + n, sizeof command - (size_t)n, format, args);
    va_end(args);
    return command;
}

static int run(const char *one, const char *two, const char *three)
{
    const char *commands[PEER_COMMANDS_MAX] = {one, two, three, NULL};

    return peer_board_run(NULL, 0, 0, commands);
}

static void assert_said(const char *text)
{
    if (strstr(peer_output, text) == NULL) {
        print_message("%s", peer_output);
        fail_msg("no '%s'", text);
    }
}

static uint32_t count_of(const char *text)
{
    uint32_t n = 0;

    for (const char *at = peer_output; (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

static void assert_ends_well(const char *line)
{
    int code = run(line, NULL, NULL);

    if (code != 0)
        print_message("%s\n%s", line, peer_output);
    assert_int_equal(code, 0);
    assert_said(" ready\nEV end OK\n");
    assert_int_equal(count_of("EV end "), 1);
    assert_int_equal(count_of("EV err "), 0);
}

/* It fails; `name` is how. */
static void assert_ends_by(const char *name, const char *line)
{
    char end[64];
    int code = run(line, NULL, NULL);

    snprintf(end, sizeof end, "EV end %s\n", name);
    if (code != 1 || strstr(peer_output, end) == NULL || count_of("EV end ") != 1 ||
        count_of("EV err ") != 1 || count_of(" ready") != 0) {
        print_message("%.300s\n%s", line, peer_output);
        fail_msg("exit %d, not by %s", code, name);
    }
}

/* ... and nothing was written. */
static void assert_refused(const char *name, const char *line)
{
    assert_ends_by(name, line);
    assert_said("EV flash 0\n");
}

static void assert_boots(const char *line)
{
    int code = run("boot", NULL, NULL);

    assert_int_equal(code, 0);
    assert_said(line);
}

/* ---- What goes well ------------------------------------------------------------------------ */

static void an_image_comes_plain_and_by_tls_is_tried_and_stays(void **state)
{
    (void)state;
    peer_board_new();
    assert_ends_well(
        ota("first", "version=1.0 size=%u sha256=%s", IMAGE_BYTES, peer_board_sha256(first)));
    assert_said("EV ota 0 13000 fetching\n");
    assert_said("EV status 200\n");
    assert_said("EV ota 13000 13000 checking\n");
    assert_int_equal(count_of("EV status "), 1);
    assert_boots("EV boot slot-b 1.0 trial\n");
    assert_int_equal(run("confirm", "boot", NULL), 0);
    assert_said("EV boot slot-b 1.0 ok\n");
    peer_board_holds(1, first);
    assert_ends_well(ota_tls("second", peer_cert(CERT_EC_ROOT)->pem,
                             "version=2.0 sha256=%s chunk=5000", peer_board_sha256(second)));
    assert_said("EV status 206\n");
    assert_boots("EV boot slot-a 2.0 trial\n");
    assert_int_equal(run("confirm", "boot", NULL), 0);
    assert_said("EV boot slot-a 2.0 ok\n");
    peer_board_holds(0, second);
    peer_board_holds(1, first);
}

static void in_one_run_as_in_three(void **state)
{
    (void)state;
    peer_board_new();
    assert_int_equal(
        run(ota("first", "version=1.0 sha256=%s", peer_board_sha256(first)), "boot", "confirm"), 0);
    assert_boots("EV boot slot-b 1.0 ok\n");
}

static void a_size_that_nobody_said_is_asked_for(void **state)
{
    (void)state;
    peer_board_new();
    uint32_t before = peer_nginx_logged(&nginx, "HEAD /first 200");
    assert_ends_well(ota("first", "version=1.0 sha256=%s", peer_board_sha256(first)));
    assert_int_equal(peer_nginx_logged(&nginx, "HEAD /first 200"), before + 1);
    assert_ends_well(ota("first", "sha256=%s size=13000", peer_board_sha256(first)));
    assert_int_equal(peer_nginx_logged(&nginx, "HEAD /first 200"), before + 1);
    assert_boots("EV boot slot-b - trial\n"); /* nor the version */
    assert_refused("OTA_SIZE", ota("empty", "sha256=%s", peer_board_sha256(first)));
    assert_refused("OTA_SIZE", ota("chunked/first", "sha256=%s", peer_board_sha256(first)));
    assert_refused("STATUS", ota("none", "sha256=%s", peer_board_sha256(first)));
    assert_said("EV status 404\n");
}

static void a_digest_is_read_in_either_case_and_of_either_kind(void **state)
{
    char upper[65];
    const char *hex = peer_board_sha256(first);
    (void)state;

    for (uint32_t i = 0; i < sizeof upper; i++)
        upper[i] = (char)toupper((unsigned char)hex[i]);
    peer_board_new();
    assert_ends_well(ota("first", "version=1.0 size=13000 sha256=%s", upper));
    assert_ends_well(ota("first", "version=1.1 size=13000 md5=%s", peer_board_md5(first)));
    assert_ends_by("OTA_DIGEST",
                   ota("first", "version=1.2 size=13000 md5=%s", peer_board_md5(second)));
    /* with both the stronger one counts */
    assert_ends_well(ota("first", "version=1.3 size=13000 md5=%s sha256=%s",
                         "00000000000000000000000000000000", upper));
    assert_ends_well(ota("first", "version=1.4 size=13000 sha256=%s md5=%s", upper,
                         "00000000000000000000000000000000"));
    assert_boots("EV boot slot-b 1.4 trial\n");
}

static void the_same_job_twice_comes_to_the_same(void **state)
{
    (void)state;
    peer_board_new();
    for (uint32_t i = 0; i < 3; i++)
        assert_ends_well(ota("first", "%s version=1.0 size=13000 sha256=%s", i == 2 ? "resume" : "",
                             peer_board_sha256(first)));
    assert_boots("EV boot slot-b 1.0 trial\n");
    /* while it is being tried there is no room for another */
    assert_ends_by("STATE",
                   ota("first", "version=1.0 size=13000 sha256=%s", peer_board_sha256(first)));
    assert_int_equal(run("confirm", "boot", NULL), 0);
    assert_said("EV boot slot-b 1.0 ok\n");
    assert_ends_well(
        ota("first", "resume version=1.0 size=13000 sha256=%s", peer_board_sha256(first)));
    assert_boots("EV boot slot-a 1.0 trial\n");
}

/* More does not fit: the simulated chip's slots have 1 MiB. */
static void the_largest_image_comes_through_the_small_window(void **state)
{
    (void)state;
    peer_board_new();
    assert_int_equal(peer_board_room(), LARGE_BYTES - 1);
    struct iot_bytes whole = {large, LARGE_BYTES - 1};
    assert_ends_well(ota("whole", "version=1.0 sha256=%s", peer_board_sha256(whole)));
    peer_board_holds(1, whole);
    assert_boots("EV boot slot-b 1.0 trial\n");
}

static void a_slow_flash_comes_to_the_same(void **state)
{
    const char *commands[PEER_COMMANDS_MAX] = {NULL};
    (void)state;
    peer_board_new();
    commands[0] = ota("first", "version=1.0 size=13000 sha256=%s", peer_board_sha256(first));
    assert_int_equal(peer_board_run(NULL, 2, 7, commands), 0);
    assert_boots("EV boot slot-b 1.0 trial\n");
    peer_board_holds(1, first);
}

/* Each of the two has an arena of its own. */
static void a_connection_to_a_broker_by_tls_outlives_it(void **state)
{
    static struct host_broker broker;
    char connect[HOST_PATH_MAX + 128], ca[HOST_PATH_MAX + 64];
    (void)state;
    snprintf(ca, sizeof ca, "%s", peer_cert(CERT_EC_ROOT)->pem);
    peer_broker_start(&broker, 0, peer_tls_lines(CERT_EC_GOOD, NULL), NULL);
    snprintf(connect, sizeof connect, "connect 127.0.0.1 %u tls ca=%s id=both", broker.port, ca);
    const char *commands[PEER_COMMANDS_MAX] = {
        connect,
        "wait connected 20000",
        ota_tls("first", ca, "sha256=%s chunk=4000", peer_board_sha256(first)),
        "pub still/there 1 0 00",
        "wait done 20000",
        "boot"};
    peer_board_new();
    int code = peer_board_run(NULL, 0, 0, commands);
    if (code != 0)
        print_message("%s", peer_output);
    assert_int_equal(code, 0);
    assert_said("EV boot slot-b - trial\n");
    assert_int_equal(count_of("EV lost"), 0);
    peer_broker_kill_all();
}

/* The server keeps no state: what matters is that its ETag, ranges and records fit. All operations: test_probe_ota_cut.c. */
static void a_power_cut_is_gone_on_with_by_either_way(void **state)
{
    char sum[65], ca[HOST_PATH_MAX + 64], cut[32];
    (void)state;
    snprintf(sum, sizeof sum, "%s", peer_board_sha256(first));
    snprintf(ca, sizeof ca, "%s", peer_cert(CERT_EC_ROOT)->pem);
    uint32_t before = peer_nginx_logged(&nginx, "GET /first 206");
    for (uint32_t i = 0; i < 10; i++) {
        const char *words = "%s version=1.0 size=13000 sha256=%s";
        const char *commands[PEER_COMMANDS_MAX] = {NULL};
        peer_board_new();
        snprintf(cut, sizeof cut, "%u:%s", 20 + 20 * i,
                 iot_nor_unix_cut_name((enum iot_nor_cut)(i % IOT_NOR_CUT_KINDS)));
        commands[0] = i & 1 ? ota_tls("first", ca, words, "", sum) : ota("first", words, "", sum);
        assert_int_equal(peer_board_run(cut, 0, 9, commands), PEER_CUT);
        assert_said("EV cut ");
        assert_int_equal(count_of("EV end "), 0);
        assert_ends_well(i & 1 ? ota_tls("first", ca, words, "resume", sum)
                               : ota("first", words, "resume", sum));
        assert_boots("EV boot slot-b 1.0 trial\n");
        peer_board_holds(1, first);
    }
    assert_true(peer_nginx_logged(&nginx, "GET /first 206") >= before + 4);
}

/* ---- Policy and signature ------------------------------------------------------------------ */

static void the_policy_compares_with_what_runs(void **state)
{
    char sum[65];
    (void)state;
    snprintf(sum, sizeof sum, "%s", peer_board_sha256(first));
    peer_board_new();
    assert_int_equal(run(ota("first", "version=1.9 sha256=%s", sum), "boot", "confirm"), 0);
    assert_ends_by("OTA_VERSION",
                   ota("first", "version=1.9 size=13000 policy=newer sha256=%s", sum));
    assert_ends_by("OTA_VERSION",
                   ota("first", "version=1.8 size=13000 policy=newer sha256=%s", sum));
    assert_ends_by("OTA_VERSION",
                   ota("first", "version=1.9 size=13000 policy=different sha256=%s", sum));
    assert_ends_well(ota("first", "version=1.8 size=13000 policy=different sha256=%s", sum));
    assert_ends_well(ota("first", "version=1.10 size=13000 policy=newer sha256=%s", sum));
    assert_ends_well(ota("first", "version=1.9 size=13000 policy=any sha256=%s", sum));
}

static void a_signature_is_verified_where_there_is_a_key(void **state)
{
    char sum[65];
    (void)state;
    snprintf(sum, sizeof sum, "%s", peer_board_sha256(signed_one));
    peer_board_new();
    assert_ends_well(
        ota("signed", "sha256=%s sign=%s public=%s", sum, ECDSA_SIGNED_SIGNATURE, ECDSA_KEY));
    assert_ends_well(ota("signed", "sha256=%s sign=%s", sum, ECDSA_IMAGE_SIGNATURE));
    assert_ends_by("OTA_SIGNATURE", ota("signed", "sha256=%s sign=%s public=%s", sum,
                                        ECDSA_SIGNED_SIGNATURE, ECDSA_OTHER_KEY));
    assert_ends_by("OTA_SIGNATURE", ota("signed", "sha256=%s size=2000 public=%s", sum, ECDSA_KEY));
    assert_refused("OTA_SIGNATURE", ota("signed", "sha256=%s sign=xyz public=%s", sum, ECDSA_KEY));
    assert_refused("OTA_SIGNATURE", ota("signed", "sha256=%s sign=", sum));
}

/* ---- What is wrong ------------------------------------------------------------------------- */

static void wrong_words_are_named_and_write_nothing(void **state)
{
    static const struct {
        const char *words, *name;
    } rows[] = {
        {"size=0 sha256=%s", "OTA_SIZE"},
        {"size=4294967296 sha256=%s", "OTA_SIZE"},
        {"size=99999999999999999999 sha256=%s", "OTA_SIZE"},
        {"size=x sha256=%s", "OTA_JOB"},
        {"size=-1 sha256=%s", "OTA_JOB"},
        {"size= sha256=%s", "OTA_JOB"},
        {"size=13000", "OTA_METHOD"},
        {"", "OTA_METHOD"},
        {"size=13000 sha256=", "OTA_DIGEST"},
        {"size=13000 sha256=%s00", "OTA_DIGEST"},
        {"size=13000 sha256=0%s", "OTA_DIGEST"},
        {"size=13000 md5=%s", "OTA_DIGEST"},
        {"size=13000 sha256=00112233445566778899aabbccddeeff", "OTA_DIGEST"},
        {"size=13000 sha256=%.63sg", "OTA_DIGEST"},
        {"size=13000 version= sha256=%s", "OTA_VERSION"},
        {"size=13000 sha256=%s "
         "version=12345678901234567890123456789012345678901234567890123456789012345",
         "OTA_VERSION"},
    };
    (void)state;
    peer_board_new();
    uint32_t before = peer_nginx_connections(&nginx);
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        char words[512];
        const char *mark = strchr(rows[i].words, '%');
        snprintf(words, sizeof words, "%.*s%.*s%s",
                 mark != NULL ? (int)(mark - rows[i].words) : (int)strlen(rows[i].words),
                 rows[i].words,
                 mark == NULL     ? 0
                 : mark[1] == '.' ? 63
                                  : 64,
                 peer_board_sha256(first), mark == NULL ? "" : strchr(mark, 's') + 1);
        assert_refused(rows[i].name, ota("first", "%s", words));
    }
    assert_int_equal(peer_nginx_connections(&nginx), before); /* nor is anybody asked */
}

static void wrong_urls_are_named(void **state)
{
    static const char *const urls[] = {
        "ftp://127.0.0.1/first", "http://",          "http:///first",          "https:///first",
        "127.0.0.1/first",       "http://:80/first", "mqtt://127.0.0.1/first", "http:first",
    };
    (void)state;
    peer_board_new();
    for (uint32_t sized = 0; sized < 2; sized++)
        for (uint32_t i = 0; i < COUNT(urls); i++) {
            snprintf(command, sizeof command, "ota %s sha256=%s %s ca=%s", urls[i],
                     peer_board_sha256(first), sized ? "size=13000" : "",
                     peer_cert(CERT_EC_ROOT)->pem);
            assert_ends_by("HTTP_URL", command);
        }
    char path[2100];
    memset(path, 'a', sizeof path);
    path[2048] = '\0';
    assert_refused("HTTP_URL", ota(path, "size=13000 sha256=%s", peer_board_sha256(first)));
}

static void what_is_no_word_is_a_wrong_use(void **state)
{
    static const char *const wrong[] = {
        "policy=older", "chunk=0", "chunk=x",    "idle-ms=", "min-rate=-1",
        "public=04",    "often",   "colour=red", "ca=/none", "resume=1"};
    (void)state;
    peer_board_new();
    for (uint32_t i = 0; i < COUNT(wrong); i++) {
        int code = run(ota("first", "size=13000 sha256=%s %s", peer_board_sha256(first), wrong[i]),
                       NULL, NULL);
        assert_int_equal(code, 1);
        assert_said("EV err USAGE ");
        assert_int_equal(count_of("EV end "), 0);
    }
    assert_int_equal(run("ota", NULL, NULL), 1);
    assert_said("EV err USAGE ");
}

/* One that runs stays what is started, whatever became of the next. */
static void what_cannot_be_fetched_leaves_what_runs(void **state)
{
    char sum[65];
    (void)state;
    snprintf(sum, sizeof sum, "%s", peer_board_sha256(second));
    peer_board_new();
    assert_int_equal(
        run(ota("first", "version=1.0 sha256=%s", peer_board_sha256(first)), "boot", "confirm"), 0);
    assert_ends_by("STATUS", ota("none", "version=2.0 size=13000 sha256=%s", sum));
    assert_said("EV status 404\nEV err OTA_EXPIRED 404 ");
    assert_ends_by("OTA_DIGEST", ota("first", "version=2.0 size=13000 sha256=%s", sum));
    assert_ends_by("OTA_CHANGED", ota("second", "version=2.0 size=12999 sha256=%s", sum));
    assert_ends_by("OTA_CHANGED", ota("second", "version=2.0 size=13001 sha256=%s", sum));
    assert_ends_by("OTA_SIZE", ota("large", "version=2.0 sha256=%s", sum));
    assert_ends_by("OTA_SIZE", ota("large", "version=2.0 size=%u sha256=%s", LARGE_BYTES, sum));
    assert_boots("EV boot slot-b 1.0 ok\n");
    peer_board_holds(1, first);
    assert_ends_well(ota("moved/second", "version=2.0 size=13000 sha256=%s", sum));
    assert_boots("EV boot slot-a 2.0 trial\n");
}

static void a_stranger_gives_nothing(void **state)
{
    (void)state;
    peer_board_new();
    assert_ends_by("TLS_VERIFY", ota_tls("first", peer_cert(CERT_STRANGE_ROOT)->pem,
                                         "size=13000 sha256=%s", peer_board_sha256(first)));
    assert_said("EV err OTA_FAILED ");
    snprintf(command, sizeof command, "ota http://127.0.0.1:1/first size=13000 sha256=%s",
             peer_board_sha256(first));
    assert_ends_by("TCP_REFUSED", command);
}

/* ---- Life ---------------------------------------------------------------------------------- */

static int group_setup(void **state)
{
    if (peer_trust_group_setup(state) != 0 || !peer_board_begin())
        return -1;
    for (uint32_t i = 0; i < IMAGE_BYTES; i++) {
        image[i] = (uint8_t)(i * 31 + (i >> 8) * 7);
        other[i] = (uint8_t)(i * 29 + (i >> 7) * 5 + 1);
    }
    for (uint32_t i = 0; i < LARGE_BYTES; i++)
        large[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
    for (uint32_t i = 0; i < ECDSA_SIGNED_BYTES; i++)
        made[i] = (uint8_t)(i * 7 + i / 251);
    peer_nginx_start(&nginx, CERT_EC_GOOD);
    peer_nginx_file(&nginx, "first", first);
    peer_nginx_file(&nginx, "second", second);
    peer_nginx_file(&nginx, "large", (struct iot_bytes){large, LARGE_BYTES});
    peer_nginx_file(&nginx, "whole", (struct iot_bytes){large, LARGE_BYTES - 1});
    peer_nginx_file(&nginx, "signed", signed_one);
    peer_nginx_file(&nginx, "empty", BYTES(""));
    return 0;
}

static int group_teardown(void **state)
{
    peer_nginx_stop(&nginx);
    peer_board_end();
    return peer_trust_group_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_comes_plain_and_by_tls_is_tried_and_stays),
        cmocka_unit_test(in_one_run_as_in_three),
        cmocka_unit_test(a_size_that_nobody_said_is_asked_for),
        cmocka_unit_test(a_digest_is_read_in_either_case_and_of_either_kind),
        cmocka_unit_test(the_same_job_twice_comes_to_the_same),
        cmocka_unit_test(the_largest_image_comes_through_the_small_window),
        cmocka_unit_test(a_slow_flash_comes_to_the_same),
        cmocka_unit_test(a_power_cut_is_gone_on_with_by_either_way),
        cmocka_unit_test(a_connection_to_a_broker_by_tls_outlives_it),
        cmocka_unit_test(the_policy_compares_with_what_runs),
        cmocka_unit_test(a_signature_is_verified_where_there_is_a_key),
        cmocka_unit_test(wrong_words_are_named_and_write_nothing),
        cmocka_unit_test(wrong_urls_are_named),
        cmocka_unit_test(what_is_no_word_is_a_wrong_use),
        cmocka_unit_test(what_cannot_be_fetched_leaves_what_runs),
        cmocka_unit_test(a_stranger_gives_nothing),
    };
    return cmocka_run_group_tests_name("probe_ota", tests, group_setup, group_teardown);
}

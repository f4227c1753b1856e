/* SPDX-License-Identifier: Apache-2.0 */
/* build/probe fetches a firmware, and is cut: by power at any operation of its flash, by the server at any byte. Afterwards there
 * is a whole image to start, and the next run brings the update to its end.
 *
 *     OTA_CUTS     power cuts that are tried, spread over all operations (24)
 *     SOAK_PAIRS   rounds of random cuts (3); SOAK_S: seconds of them instead, and nothing else; SEED: of the first of them
 */
#include "test.h"

#include "host/host_child.h"
#include "peer_board.h"
#include "peer_image.h"
#include "peer_run.h"
#include "peer_trust.h"
#include "unix/iot_nor_unix.h"

#include <signal.h>

#define IMAGE_BYTES 14000u /* more than three sectors */
#define HALF        10000u
#define DURABLE     8192u /* of these: whole sectors */
#define CHUNK       6000u
#define CUTS        24u
#define PAIRS       3u
#define SERVER_CUTS 2u /* of one run, at most: the engine gives up after four that bring nothing */

static struct peer_image server;
static uint8_t old_image[IMAGE_BYTES], new_image[IMAGE_BYTES], more_image[IMAGE_BYTES];
static const struct iot_bytes old = {old_image, IMAGE_BYTES}, new = {new_image, IMAGE_BYTES},
                              more = {more_image, IMAGE_BYTES};

static uint32_t number_in(const char *name, uint32_t otherwise)
{
    const char *text = getenv(name);

    return text != NULL && *text != '\0' ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

static const char *ota(const char *version, struct iot_bytes image, const char *words)
{
    static char command[512];

    snprintf(command, sizeof command, "ota http://127.0.0.1:%u/f version=%s size=%u sha256=%s %s",
             server.rude.port, version, image.len, peer_board_sha256(image), words);
    return command;
}

static int run(const char *cut, uint32_t slow, const char *one, const char *two, const char *three)
{
    const char *commands[PEER_COMMANDS_MAX] = {one, two, three, NULL};

    return peer_board_run_beside(cut, slow, 5, commands);
}

static void assert_run(const char *line, const char *one, const char *two, const char *three)
{
    int code = run(NULL, 0, one, two, three);

    if (code != 0 || strstr(peer_output, line) == NULL) {
        print_message("%s", peer_output);
        fail_msg("exit %d, no '%s'", code, line);
    }
}

/* A board that runs `old`, kept. */
static void prepare_board(void)
{
    peer_image_says(&server, old, "\"old\"");
    peer_board_new();
    assert_run("EV boot slot-b 1.0 trial\n", ota("1.0", old, ""), "boot", "confirm");
    peer_board_keep();
    peer_image_says(&server, new, "\"new\"");
}

/* The new one is tried, and stays. */
static void finish(void)
{
    assert_run("EV boot slot-a 2.0 trial\n", "boot", "confirm", NULL);
    assert_run("EV boot slot-a 2.0 ok\n", "boot", NULL, NULL);
    peer_board_holds(0, new);
    peer_board_holds(1, old);
}

static void assert_asked(const char *text)
{
    if (strstr(server.rude.in, text) == NULL)
        fail_msg("no '%s' in: %s", text, server.rude.in);
}

/* ---- The network --------------------------------------------------------------------------- */

static void what_the_server_cuts_goes_on_in_the_same_run(void **state)
{
    static const enum peer_rude_end ends[] = {RUDE_FIN, RUDE_RST, RUDE_STAYS};
    (void)state;
    for (uint32_t i = 0; i < COUNT(ends); i++) {
        prepare_board();
        server.cuts = 1;
        server.cut_at = HALF;
        server.how = ends[i];
        assert_run(" ready\nEV end OK\n", ota("2.0", new, "idle-ms=500"), NULL, NULL);
        assert_int_equal(server.rude.requests, 2);
        assert_asked("\r\nIf-Range: \"new\"\r\n");
        if (ends[i] == RUDE_FIN) {
            char range[64];
            uint32_t head = (uint32_t)strlen("HTTP/1.1 200 OK\r\nETag: \"new\"\r\n"
                                             "Content-Length: 14000\r\n\r\n");
            snprintf(range, sizeof range, "\r\nRange: bytes=%u-\r\n", HALF - head);
            assert_asked(range);
        }
        finish();
    }
}

static void a_cut_at_any_byte_of_the_head_costs_nothing(void **state)
{
    static const uint32_t at[] = {0, 1, 16, 40, 56};
    (void)state;
    for (uint32_t i = 0; i < COUNT(at); i++) {
        prepare_board();
        server.cuts = 1;
        server.cut_at = at[i];
        assert_run(" ready\nEV end OK\n", ota("2.0", new, ""), NULL, NULL);
        assert_int_equal(server.cuts_made, 1);
        finish();
    }
}

static void a_server_that_only_cuts_is_left(void **state)
{
    (void)state;
    prepare_board();
    server.cuts = UINT32_MAX;
    server.cut_at = 60;
    assert_int_equal(run(NULL, 0, ota("2.0", new, ""), NULL, NULL), 1);
    assert_non_null(strstr(peer_output, "EV err OTA_FAILED "));
    assert_non_null(strstr(peer_output, "EV end HTTP_CUT\n"));
    server.cuts = 0;
    server.status = "503 Busy";
    assert_int_equal(run(NULL, 0, ota("2.0", new, ""), NULL, NULL), 1);
    assert_non_null(strstr(peer_output, "EV status 503\n"));
    assert_non_null(strstr(peer_output, "EV end STATUS\n"));
    assert_run("EV boot slot-b 1.0 ok\n", "boot", NULL, NULL);
}

static void a_size_is_had_without_head_too(void **state)
{
    char command[256];
    (void)state;
    prepare_board();
    server.no_head = true;
    snprintf(command, sizeof command, "ota http://127.0.0.1:%u/f version=2.0 sha256=%s",
             server.rude.port, peer_board_sha256(new));
    assert_run(" ready\nEV end OK\n", command, NULL, NULL);
    assert_int_equal(server.rude.requests, 3);
    finish();
}

/* ---- Power, while the server stands still -------------------------------------------------- */

/* A board that has half of it, and gets this signal then; its exit code. */
static int be_stopped(int sig)
{
    const char *commands[PEER_COMMANDS_MAX] = {NULL};

    prepare_board();
    commands[0] = ota("2.0", new, "");
    server.cuts = 1;
    server.cut_at = HALF;
    server.how = RUDE_STAYS;
    return peer_board_until("EV ota 99", sig, commands); /* 9 942, that is */
}

/* ... power goes; next time the server has `after`. */
static void be_cut_in_the_middle(struct iot_bytes after, const char *etag)
{
    assert_int_equal(be_stopped(SIGKILL), 128 + SIGKILL);
    assert_run("EV boot slot-b 1.0 ok\n", "boot", NULL, NULL);
    peer_image_says(&server, after, etag);
}

static void asked_to_end_it_keeps_what_is_durable(void **state)
{
    (void)state;
    assert_int_equal(be_stopped(SIGTERM), 0);
    assert_non_null(strstr(peer_output, "EV end CLOSED\n"));
    assert_run("EV ota 8192 14000 fetching\nEV status 206\n", ota("2.0", new, "resume"), NULL,
               NULL);
    finish();
}

static void resume_goes_on_where_the_flash_was_durable(void **state)
{
    char range[64];
    (void)state;
    be_cut_in_the_middle(new, "\"new\"");
    snprintf(range, sizeof range, "\r\nRange: bytes=%u-\r\n", DURABLE);
    assert_run("EV ota 8192 14000 fetching\nEV status 206\n", ota("2.0", new, "resume"), NULL,
               NULL);
    assert_asked(range);
    assert_asked("\r\nIf-Range: \"new\"\r\n");
    finish();
}

static void without_resume_it_begins_anew(void **state)
{
    (void)state;
    be_cut_in_the_middle(new, "\"new\"");
    assert_run("EV ota 0 14000 fetching\nEV status 200\n", ota("2.0", new, ""), NULL, NULL);
    assert_null(strstr(server.rude.in, "Range: "));
    finish();
}

static void another_job_does_not_go_on(void **state)
{
    (void)state;
    be_cut_in_the_middle(more, "\"more\"");
    assert_run("EV ota 0 14000 fetching\nEV status 200\n", ota("2.0", more, "resume"), NULL, NULL);
    assert_null(strstr(server.rude.in, "Range: "));
    peer_board_holds(0, more);
}

static void a_server_without_ranges_begins_anew(void **state)
{
    (void)state;
    be_cut_in_the_middle(new, "\"new\"");
    server.no_ranges = true;
    assert_run("EV status 200\n", ota("2.0", new, "resume"), NULL, NULL);
    finish();
    be_cut_in_the_middle(new, "\"renamed\""); /* it is the same, and nobody can know */
    assert_run("EV status 200\n", ota("2.0", new, "resume"), NULL, NULL);
    finish();
}

static void an_image_that_changed_is_not_taken(void **state)
{
    (void)state;
    be_cut_in_the_middle(more, "\"more\"");
    assert_int_equal(run(NULL, 0, ota("2.0", new, "resume"), NULL, NULL), 1);
    assert_non_null(strstr(peer_output, "EV end OTA_DIGEST\n"));
    be_cut_in_the_middle(more, "\"new\""); /* under the old name: two halves that do not fit */
    assert_int_equal(run(NULL, 0, ota("2.0", new, "resume"), NULL, NULL), 1);
    assert_non_null(strstr(peer_output, "EV end OTA_DIGEST\n"));
    assert_run("EV boot slot-b 1.0 ok\n", "boot", NULL, NULL);
    peer_board_holds(1, old);
}

/* ---- Power at each operation --------------------------------------------------------------- */

/* What is started after a cut: 1.0, or 2.0 on trial. */
static bool boots_the_new_one(void)
{
    int code = run(NULL, 0, "boot", NULL, NULL);
    bool tried = strstr(peer_output, "EV boot slot-a 2.0 trial\n") != NULL;

    if (code != 0 || (!tried && strstr(peer_output, "EV boot slot-b 1.0 ok\n") == NULL)) {
        print_message("%s", peer_output);
        fail_msg("it does not boot: exit %d", code);
    }
    return tried;
}

static void go_on(bool tried, const char *words)
{
    if (!tried)
        assert_run(" ready\nEV end OK\n", ota("2.0", new, words), NULL, NULL);
    finish();
}

static uint32_t count_operations(void)
{
    const char *said = strstr(peer_output, "EV flash ");

    assert_non_null(said);
    return (uint32_t)strtoul(said + 9, NULL, 10);
}

/* One cut. How many operations there are depends a little on the portions that the network makes: near the end it may
 * be over before. */
static bool cut_at(uint32_t at, enum iot_nor_cut kind, const char *words)
{
    char cut[32];

    snprintf(cut, sizeof cut, "%u:%s", at, iot_nor_unix_cut_name(kind));
    peer_board_back();
    int code = run(cut, 0, ota("2.0", new, words), NULL, NULL);
    if (code != PEER_CUT && (code != 0 || count_operations() >= at)) {
        print_message("%s", peer_output);
        fail_msg("--cut %s: exit %d", cut, code);
    }
    go_on(boots_the_new_one(), words);
    return code == PEER_CUT;
}

static void power_may_go_at_any_operation(void **state)
{
    uint32_t cuts = number_in("OTA_CUTS", CUTS), operations, tried = 0;
    char words[64];
    (void)state;
    prepare_board();
    snprintf(words, sizeof words, "resume chunk=%u", CHUNK);
    assert_run(" ready\nEV end OK\n", ota("2.0", new, words), NULL, NULL);
    operations = count_operations();
    bool all = cuts >= operations * IOT_NOR_CUT_KINDS;
    cuts = all ? operations * IOT_NOR_CUT_KINDS : cuts < 2 ? 2 : cuts;
    for (uint32_t i = 0; i < cuts; i++) {
        uint32_t at =
            all ? i / IOT_NOR_CUT_KINDS : (uint32_t)((uint64_t)i * (operations - 1) / (cuts - 1));
        tried += cut_at(1 + at, (enum iot_nor_cut)(i % IOT_NOR_CUT_KINDS), words);
    }
    print_message("%u power cuts, over %u operations, 0 failures\n", tried, operations);
}

/* ---- Both, by chance ----------------------------------------------------------------------- */

static uint32_t chance_state, rounds, rounds_done, power_cuts, server_cuts;

static uint32_t chance(uint32_t below)
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 17;
    chance_state ^= chance_state << 5;
    return (chance_state >> 4) % below;
}

static void choose_cut(struct peer_image *s)
{
    s->cut_at = chance(3) == 0 ? chance(64) : chance(IMAGE_BYTES + 64);
    s->how = (enum peer_rude_end)chance(3);
}

static const char *any_cut(uint32_t operations)
{
    static char cut[32];

    snprintf(cut, sizeof cut, "%u:%s", 1 + chance(operations),
             iot_nor_unix_cut_name((enum iot_nor_cut)chance(IOT_NOR_CUT_KINDS)));
    return cut;
}

/* One run with the cuts of both kinds that chance brings. */
static void be_cut(uint32_t operations, const char *command)
{
    const char *cut = any_cut(operations);
    uint32_t before = server.cuts_made;

    server.cuts = chance(SERVER_CUTS + 1);
    server.cut = choose_cut;
    choose_cut(&server);
    int code = run(cut, chance(3), command, NULL, NULL);
    power_cuts += code == PEER_CUT;
    server_cuts += server.cuts_made - before;
    server.cuts = 0;
    if (code != PEER_CUT && code != 0) {
        print_message("--cut %s: %s\n%s", cut, command, peer_output);
        fail_msg("exit %d", code);
    }
}

/* Cut, boot, which may be cut, cut again; then all goes well. */
static void one_round(uint32_t seed, uint32_t operations)
{
    char words[96];
    bool tried;

    chance_state = seed * 2654435761u | 1u;
    peer_board_back();
    peer_image_says(&server, new, chance(4) != 0 ? "\"new\"" : NULL);
    snprintf(words, sizeof words, "resume idle-ms=400 %s", chance(2) != 0 ? "chunk=5000" : "");
    be_cut(operations, ota("2.0", new, words));
    for (uint32_t i = 0; i < 2; i++) {
        if (chance(3) == 0) {
            int code = run(any_cut(3), 0, "boot", NULL, NULL);
            assert_true(code == 0 || code == PEER_CUT);
            power_cuts += code == PEER_CUT;
        }
        tried = boots_the_new_one();
        if (tried)
            break;
        if (i == 0)
            be_cut(operations, ota("2.0", new, words));
    }
    go_on(tried, words);
}

static void pairs_of_cuts_of_power_and_network(void **state)
{
    uint32_t pairs = number_in("SOAK_PAIRS", PAIRS), seconds = number_in("SOAK_S", 0);
    uint32_t seed = number_in("SEED", seconds != 0 ? (uint32_t)host_clock_ms() : 1);
    uint64_t end = host_clock_ms() + (uint64_t)seconds * 1000;
    (void)state;
    prepare_board();
    assert_run(" ready\nEV end OK\n", ota("2.0", new, "resume"), NULL, NULL);
    uint32_t operations = count_operations();
    while (seconds != 0 ? host_clock_ms() < end : rounds < pairs) {
        rounds++;
        print_message("seed %u\n", seed); /* SEED= begins here */
        one_round(seed++, operations);
        rounds_done++;
    }
}

/* ---- Life ---------------------------------------------------------------------------------- */

static int group_setup(void **state)
{
    if (peer_trust_group_setup(state) != 0 || !peer_board_begin())
        return -1;
    for (uint32_t i = 0; i < IMAGE_BYTES; i++) {
        old_image[i] = (uint8_t)(i * 31 + (i >> 8) * 7);
        new_image[i] = (uint8_t)(i * 29 + (i >> 7) * 5 + 1);
        more_image[i] = (uint8_t)(i * 23 + (i >> 6) * 3 + 2);
    }
    peer_image_start(&server);
    return 0;
}

static int group_teardown(void **state)
{
    print_message("%u rounds: %u power cuts, %u server cuts, %u failures\n", rounds, power_cuts,
                  server_cuts, rounds - rounds_done);
    peer_image_stop(&server);
    peer_board_end();
    return peer_trust_group_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_server_cuts_goes_on_in_the_same_run),
        cmocka_unit_test(a_cut_at_any_byte_of_the_head_costs_nothing),
        cmocka_unit_test(a_server_that_only_cuts_is_left),
        cmocka_unit_test(a_size_is_had_without_head_too),
        cmocka_unit_test(asked_to_end_it_keeps_what_is_durable),
        cmocka_unit_test(resume_goes_on_where_the_flash_was_durable),
        cmocka_unit_test(without_resume_it_begins_anew),
        cmocka_unit_test(another_job_does_not_go_on),
        cmocka_unit_test(a_server_without_ranges_begins_anew),
        cmocka_unit_test(an_image_that_changed_is_not_taken),
        cmocka_unit_test(power_may_go_at_any_operation),
        cmocka_unit_test(pairs_of_cuts_of_power_and_network),
    };
    const struct CMUnitTest soak[] = {cmocka_unit_test(pairs_of_cuts_of_power_and_network)};

    if (number_in("SOAK_S", 0) != 0)
        return cmocka_run_group_tests_name("soak_ota", soak, group_setup, group_teardown);
    return cmocka_run_group_tests_name("probe_ota_cut", tests, group_setup, group_teardown);
}

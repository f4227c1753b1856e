/* SPDX-License-Identifier: Apache-2.0 */
/* build/board and build/flash as people start them. */
#include "test.h"

#include "host/host_child.h"
#include "host/host_dir.h"
#include "host/host_flash.h"
#include "interop/peer_run.h"
#include "rig_board.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 60000u

static char folder[HOST_PATH_MAX], flash[HOST_PATH_MAX];

static int setup(void **state)
{
    static const char *const words[] = {"FOR", "BOARD", "LOGIN", "FIRMWARE", "FLASH"};

    (void)state;
    for (size_t i = 0; i < COUNT(words); i++)
        unsetenv(words[i]);
    if (!host_dir_make("programs", folder))
        return -1;
    snprintf(flash, sizeof flash, "%.1000s/flash", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    host_dir_remove(folder);
    return 0;
}

/* In this order, other text may stand between; the last is NULL. */
static void assert_printed(const char *const *words)
{
    const char *at = peer_output;

    for (; *words != NULL; words++) {
        const char *found = strstr(at, *words);
        if (found == NULL)
            fail_msg("'%s' was not printed in its place:\n%s", *words, peer_output);
        at = found + strlen(*words);
    }
}

#define ASSERT_PRINTED(...) assert_printed((const char *const[]){__VA_ARGS__, NULL})
#define RUN(...)            peer_run((const char *const[]){__VA_ARGS__, NULL})

/* ---- board ------------------------------------------------------------------------------------- */

static void the_demonstration_shows_a_board_that_lives(void **state)
{
    (void)state;
    setenv("FOR", "3", 1);
    assert_int_equal(RUN(peer_program("board")), 0);
    ASSERT_PRINTED("the emulated platform is up", "mps2-an385", "boot 1: lwlink ",
                   "net: address 10.0.2.15", "iot: connected", "iot: reading 2 done", "led: on",
                   "led: off", "the time is over", "readings");
    ASSERT_PRINTED("login a1B2c3D4e5F dev001 accepted: hmacsha256, tls", "{\"boot\":1,\"n\":1}");
    assert_null(strchr(peer_output, '\033')); /* plain, as it is no terminal */
}

static void a_second_run_with_its_flash_is_its_next_boot(void **state)
{
    (void)state;
    setenv("FOR", "1", 1);
    setenv("FLASH", flash, 1);
    setenv("LOGIN", "psk", 1);
    setenv("BOARD", "an386", 1);
    assert_int_equal(RUN(peer_program("board")), 0);
    ASSERT_PRINTED("boot 1: ", "login a1B2c3D4e5F psk001 accepted: hmacsha256, tls-psk");
    assert_int_equal(RUN(peer_program("board")), 0);
    ASSERT_PRINTED("boot 2: ", "on mps2-an386", "iot: connected");
}

static void a_flash_may_log_in_another_way_the_next_time(void **state)
{
    static const char *const logins[] = {"psk", "x509", "ecdsa"};

    (void)state;
    setenv("FOR", "1", 1);
    setenv("FLASH", flash, 1);
    for (size_t i = 0; i < COUNT(logins); i++) {
        setenv("LOGIN", logins[i], 1);
        assert_int_equal(RUN(peer_program("board")), 0);
        ASSERT_PRINTED("iot: connected", "iot: reading 1 done");
    }
}

static void what_it_does_not_understand_it_says(void **state)
{
    (void)state;
    setenv("LOGIN", "fingerprint", 1);
    assert_int_equal(RUN(peer_program("board")), 1);
    ASSERT_PRINTED("LOGIN=fingerprint: ecdsa, psk or x509");
    unsetenv("LOGIN");
    setenv("BOARD", "an1", 1);
    assert_int_equal(RUN(peer_program("board")), 1);
    ASSERT_PRINTED("BOARD=an1: an385, an386 or an500");
    unsetenv("BOARD");
    setenv("FIRMWARE", folder, 1);
    assert_int_equal(RUN(peer_program("board")), 1);
    ASSERT_PRINTED("/an385/firmware_superloop.elf; `make firmware` builds it");
}

/* The children of a process, which has one thread. */
static uint32_t children_of(pid_t pid, pid_t *children, uint32_t cap)
{
    char path[64];
    uint32_t n = 0;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    for (int child; n < cap && fscanf(f, "%d", &child) == 1;)
        children[n++] = child;
    fclose(f);
    return n;
}

/* Where nobody collects orphans one that has ended stays as a zombie. */
static bool has_ended(pid_t pid)
{
    char path[64], text[512], *state;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return true;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    state = strrchr(text, ')');
    return state == NULL || state[1] == 0 || state[2] == 'Z';
}

static void await_words(int fd, const char *words)
{
    static char text[65536];
    uint64_t end_ms = host_clock_ms() + PATIENCE_MS;
    size_t len = 0;

    for (text[0] = 0; strstr(text, words) == NULL;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (host_clock_ms() > end_ms)
            fail_msg("it does not say '%s':\n%s", words, text);
        if (poll(&p, 1, 1000) <= 0)
            continue;
        ssize_t n = read(fd, text + len, sizeof text - 1 - len);
        if (n <= 0)
            fail_msg("it has ended before it said '%s':\n%s", words, text);
        len += (size_t)n;
        text[len] = 0;
    }
}

/* Board and platform are children of it. */
static pid_t start_board(int *output, pid_t children[2])
{
    char *argv[] = {(char *)peer_program("board"), NULL};

    setenv("FOR", "0", 1);
    pid_t pid = host_spawn(argv, NULL, output);
    assert_true(pid > 0);
    await_words(*output, "iot: connected");
    assert_int_equal(children_of(pid, children, 2), 2);
    return pid;
}

static void await_end_of(const pid_t children[2])
{
    uint64_t end_ms = host_clock_ms() + PATIENCE_MS;

    while (!has_ended(children[0]) || !has_ended(children[1])) {
        if (host_clock_ms() > end_ms)
            fail_msg("a child outlives the program");
        host_pause_ms(10);
    }
}

static void an_interrupt_ends_all_in_order(void **state)
{
    pid_t children[2];
    int output, status;

    (void)state;
    pid_t pid = start_board(&output, children);
    kill(pid, SIGINT);
    await_words(output, "asked to");
    uint64_t end_ms = host_clock_ms() + PATIENCE_MS;
    while (host_alive(pid, &status) && host_clock_ms() < end_ms)
        host_pause_ms(10);
    close(output);
    await_end_of(children);
    assert_true(WIFEXITED(status));
}

static void board_and_platform_end_with_the_program_also_when_it_is_killed(void **state)
{
    pid_t children[2];
    int output;

    (void)state;
    pid_t pid = start_board(&output, children);
    host_kill(pid);
    close(output);
    await_end_of(children);
}

/* ---- flash ------------------------------------------------------------------------------------- */

static void expect_in_flash(const char *key, const char *text)
{
    struct host_flash f;
    char found[64];

    assert_true(host_flash_open(&f, flash));
    bool there = host_flash_get(&f, key, found, sizeof found);
    host_flash_close(&f);
    if (text == NULL)
        assert_false(there);
    else
        assert_string_equal(there ? found : "(nothing)", text);
}

static void the_factory_writes_texts_and_files_and_adds_to_what_is_there(void **state)
{
    char file[HOST_PATH_MAX], word[HOST_PATH_MAX + 8];

    (void)state;
    snprintf(file, sizeof file, "%.1000s/value", folder);
    snprintf(word, sizeof word, "ca=@%s", file);
    FILE *f = fopen(file, "we");
    assert_non_null(f);
    fputs("of=a file", f);
    fclose(f);
    assert_int_equal(RUN(peer_program("flash"), flash, "pk=one", "dn=two=2", word), 0);
    expect_in_flash("pk", "one");
    expect_in_flash("dn", "two=2");
    expect_in_flash("ca", "of=a file");
    expect_in_flash("ds", NULL);
    assert_int_equal(RUN(peer_program("flash"), flash, "pk=1", "ds=three"), 0);
    expect_in_flash("pk", "1");
    expect_in_flash("dn", "two=2");
    expect_in_flash("ds", "three");
}

static void the_factory_refuses_by_name(void **state)
{
    (void)state;
    assert_int_equal(RUN(peer_program("flash")), 2);
    ASSERT_PRINTED("usage: ");
    assert_int_equal(RUN(peer_program("flash"), flash, "word"), 1);
    ASSERT_PRINTED("flash: word is neither KEY=VALUE nor KEY=@FILE");
    assert_int_equal(RUN(peer_program("flash"), flash, "ca=@/nonexistent"), 1);
    ASSERT_PRINTED("flash: cannot read /nonexistent: ");
    assert_int_equal(RUN(peer_program("flash"), flash, "a-key-that-is-too-long=1"), 1);
    ASSERT_PRINTED("flash: a-key-that-is-too-long with 1 bytes: ");
    assert_int_equal(truncate(flash, 4096), 0);
    assert_int_equal(RUN(peer_program("flash"), flash, "pk=1"), 1);
    ASSERT_PRINTED("is no flash of this board: it has another size");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_demonstration_shows_a_board_that_lives),
        TEST(a_second_run_with_its_flash_is_its_next_boot),
        TEST(a_flash_may_log_in_another_way_the_next_time),
        TEST(what_it_does_not_understand_it_says),
        TEST(an_interrupt_ends_all_in_order),
        TEST(board_and_platform_end_with_the_program_also_when_it_is_killed),
        TEST(the_factory_writes_texts_and_files_and_adds_to_what_is_there),
        TEST(the_factory_refuses_by_name),
    };
    return cmocka_run_group_tests_name("firmware_programs", tests, NULL, NULL);
}

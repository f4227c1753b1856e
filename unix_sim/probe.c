/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file probe.c
 * build/probe: one test device for scripts. The real library on real lwIP, driven by lines, one
 * event per line on standard output.
 *
 *     probe [--log LEVEL] [FLASH] [--script FILE | -c COMMAND ...]        without either: standard input
 *
 *     --log 1..5: that much of the library's log on standard error
 *     FLASH: [--flash FILE --flash-map --cut N[:KIND] --seed N --slow N --erase-count], see probe_flash.h
 *
 *     connect HOST PORT plain|tls [id= user= pass= keepalive=60 clean=1 reconnect=0 first-id=1
 *                                  will-topic= will-hex= will-qos=0 will-retain=0]
 *                                 with tls: [ca= cert= key= name= alpn= psk= psk-id= kinds=
 *                                  suites=platform time=unknown arena=], see probe_tls.h
 *                                 With --flash, clean=0 is a session that outlives a reboot.
 *     pub TOPIC QOS RETAIN [HEX]      sub FILTER QOS      unsub FILTER      disc
 *     netif up|down     sleep MS     run MS     wait EVENT MS     quit
 *     json HEX|@FILE              get URL [range=A-B] [TLS words], see probe_http.h
 *     ota URL [resume] [version= size= sha256= md5= sign= public= chunk= policy= idle-ms= min-rate=] [TLS words],
 *                                 a firmware into the spare slot of the flash, see probe_ota.h
 *     coap METHOD URI [con|non] [HEX] [opt=NUM:HEX ...] [szx=N] [token=HEX] [cid=0|1] [TLS words]
 *     observe URI [...]           unobserve URI, see probe_coap.h
 *     boot     confirm           the two halves of the boot contract, on the flash
 *
 *     EV connected sp=0            EV lost NAME DETAIL [WORD: what it means]
 *     EV err NAME ...
 *     EV msg TOPIC QOS RETAIN DUP HEX                        EV skipped NAME DETAIL TOPIC QOS
 *     EV done TICKET               EV failed TICKET NAME     EV suback TICKET CODE
 *     EV json ok                   EV json NAME              (no JSON: fails)
 *     EV status CODE               EV body OFFSET HEX        EV end OK|NAME     (NAME: fails)
 *     EV option NUM HEX            (CoAP)
 *     EV ota BYTES TOTAL STATE
 *     EV boot SLOT VERSION ok|trial                          EV boot none NAME (nothing to start: fails)
 *     EV pools NAME=USED/MAX NAME.high=MOST/MAX ...          (once, at the end)
 *     EV flash COUNT               EV wear SECTOR COUNT      (at the end)
 *     EV cut N erase|program|set|del ADDRESS LENGTH          (power has gone: exit 42)
 *
 * The first failed command ends the run with exit 1; otherwise 0, or 1 if a message failed, or if the
 * server's certificate was rejected (TLS_VERIFY) and no later attempt met a better one.
 */
#include "host/host_loop.h"
#include "host/host_net.h"
#include "host/host_signal.h"
#include "host/host_text.h"
#include "iot/iot.h"
#include "probe_boot.h"
#include "probe_coap.h"
#include "probe_event.h"
#include "probe_flash.h"
#include "probe_http.h"
#include "probe_input.h"
#include "probe_json.h"
#include "probe_mqtt.h"
#include "probe_ota.h"
#include "probe_web.h"
#include "unix/iot_port_unix.h"

#include "lwip/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMANDS_PER_TURN 64
#define SPAN_MS_MAX       (24u * 3600u * 1000u)
#define QUIT_DRAIN_MS     600u /* for messages; the rest of the second is for the goodbye */
#define QUIT_VERDICT_MS   600u /* for the outcome of a connect; nothing is pending then */
#define QUIT_MS_MAX       900u
#define AGAIN_MS          20u /* a command that waits is asked again so often, at least */

/* run: the command at work, NULL between commands. words point into line. */
static struct {
    probe_command run;
    char *words[PROBE_WORDS_MAX];
    uint32_t word_count;
    uint32_t since;
    bool again;  /* the command said so */
    bool asleep; /* no iot_poll */
    bool ended, failed;
    char line[PROBE_LINE_MAX];
} script;

/* ---- Commands of the script itself --------------------------------------------------------- */

static enum probe_step pass_time(const char *text, uint32_t waited_ms, const char *name)
{
    uint32_t ms;

    if (!host_text_number(text, 0, SPAN_MS_MAX, &ms))
        return probe_usage("%s MS", name);
    return waited_ms < ms ? PROBE_AGAIN : PROBE_DONE;
}

static enum probe_step do_run(char **words, uint32_t count, uint32_t waited_ms)
{
    return count == 2 ? pass_time(words[1], waited_ms, "run") : probe_usage("run MS");
}

static enum probe_step do_sleep(char **words, uint32_t count, uint32_t waited_ms)
{
    enum probe_step step =
        count == 2 ? pass_time(words[1], waited_ms, "sleep") : probe_usage("sleep MS");

    script.asleep = step == PROBE_AGAIN;
    return step;
}

static enum probe_step do_wait(char **words, uint32_t count, uint32_t waited_ms)
{
    uint32_t ms;

    if (count != 3 || !host_text_number(words[2], 0, SPAN_MS_MAX, &ms))
        return probe_usage("wait EVENT MS");
    if (!probe_event_known(words[1]))
        return probe_usage("wait: there is no event %s", words[1]);
    if (probe_event_take(words[1]))
        return PROBE_DONE;
    if (waited_ms < ms)
        return PROBE_AGAIN;
    probe_event("err TIMEOUT wait: no %s within %lu ms", words[1], (unsigned long)ms);
    return PROBE_FAILED;
}

static enum probe_step do_netif(char **words, uint32_t count, uint32_t waited_ms)
{
    (void)waited_ms;
    if (count != 2 || (strcmp(words[1], "up") != 0 && strcmp(words[1], "down") != 0))
        return probe_usage("netif up|down");
    host_link(strcmp(words[1], "up") == 0);
    return PROBE_DONE;
}

static enum probe_step do_quit(char **words, uint32_t count, uint32_t waited_ms)
{
    (void)words;
    (void)waited_ms;
    if (count != 1)
        return probe_usage("quit takes no words");
    script.ended = true;
    return PROBE_DONE;
}

static const struct {
    const char *name;
    probe_command run;
} commands[] = {
    {"connect", probe_connect},
    {"pub", probe_pub},
    {"sub", probe_sub},
    {"unsub", probe_unsub},
    {"disc", probe_disc},
    {"netif", do_netif},
    {"run", do_run},
    {"sleep", do_sleep},
    {"wait", do_wait},
    {"quit", do_quit},
    {"json", probe_json},
    {"get", probe_get},
    {"ota", probe_ota},
    {"boot", probe_boot},
    {"confirm", probe_confirm},
    {"coap", probe_coap},
    {"observe", probe_observe},
    {"unobserve", probe_unobserve},
};

/* ---- Running them -------------------------------------------------------------------------- */

/* Split at blanks, in place. Returns the count; PROBE_WORDS_MAX + 1 if there are more. */
static uint32_t split_words(char *line, char **words)
{
    uint32_t count = 0;

    for (char *save = NULL, *word = strtok_r(line, " \t", &save); word != NULL;
         word = strtok_r(NULL, " \t", &save)) {
        if (count == PROBE_WORDS_MAX)
            return PROBE_WORDS_MAX + 1;
        words[count++] = word;
    }
    return count;
}

static void fail(void)
{
    script.failed = true;
    script.ended = true;
}

static void begin_line(uint32_t now)
{
    if (script.line[0] == '#')
        return;
    script.word_count = split_words(script.line, script.words);
    if (script.word_count == 0)
        return;
    if (script.word_count <= PROBE_WORDS_MAX) {
        for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
            if (strcmp(commands[i].name, script.words[0]) == 0)
                script.run = commands[i].run;
        script.since = now;
        script.again = false;
    }
    if (script.run == NULL) {
        probe_usage("unknown command or too many words: %s", script.words[0]);
        fail();
    }
}

/* 0 at the first call only, also if the clock has not moved since. */
static uint32_t time_waited(void)
{
    uint32_t ms = sys_now() - script.since;

    if (!script.again)
        return 0;
    return ms > 0 ? ms : 1;
}

/* Commands, until one has to wait or there is no line. */
static void run_commands(void)
{
    for (int i = 0; i < COMMANDS_PER_TURN && !script.ended; i++) {
        if (script.run == NULL) {
            switch (probe_input_next(script.line)) {
            case PROBE_LINE:
                begin_line(sys_now());
                break;
            case PROBE_LINE_NONE:
                return;
            case PROBE_LINE_END:
                script.ended = true;
                return;
            case PROBE_LINE_WRONG:
                probe_usage("line too long, or with a NUL");
                fail();
                return;
            }
        }
        if (script.run == NULL)
            continue;
        switch (script.run(script.words, script.word_count, time_waited())) {
        case PROBE_AGAIN:
            script.again = true;
            return;
        case PROBE_FAILED:
            fail();
            break;
        case PROBE_DONE:
            break;
        }
        script.run = NULL;
    }
}

/* One tick of all there is. */
static uint32_t poll_all(void)
{
    uint32_t mqtt_ms = probe_mqtt_poll(), web_ms = probe_web_poll(), coap_ms = probe_coap_poll();
    uint32_t first = mqtt_ms < web_ms ? mqtt_ms : web_ms;

    return first < coap_ms ? first : coap_ms;
}

static void loop(void)
{
    while (!script.ended) {
        run_commands();
        if (script.ended || host_signal_seen() != 0 || !probe_event_heard())
            break;
        uint32_t printed = probe_event_total();
        uint32_t wait_ms = script.asleep ? AGAIN_MS : poll_all();
        if (printed != probe_event_total())
            wait_ms = 0; /* perhaps what the command waits for */
        else if (script.run != NULL && wait_ms > AGAIN_MS)
            wait_ms = AGAIN_MS;
        probe_input_watch(script.run == NULL);
        host_turn(wait_ms);
    }
}

/* What is pending goes out, then DISCONNECT; in under a second, whatever the network does. */
static void end_in_order(void)
{
    uint32_t since = sys_now();

    probe_input_watch(false);
    while (probe_mqtt_waiting() && sys_now() - since < QUIT_VERDICT_MS) {
        uint32_t wait_ms = probe_mqtt_poll();
        host_turn(wait_ms < AGAIN_MS ? wait_ms : AGAIN_MS);
    }
    probe_mqtt_close(QUIT_DRAIN_MS);
    probe_web_close();
    probe_coap_close();
    while (!(probe_mqtt_closed() && probe_web_closed() && probe_coap_closed()) &&
           sys_now() - since < QUIT_MS_MAX) {
        uint32_t wait_ms = poll_all();
        host_turn(wait_ms < AGAIN_MS ? wait_ms : AGAIN_MS);
    }
    host_turn(0); /* what lwIP sent last has reached slirp; slirp hands it on */
    probe_mqtt_pools();
    probe_flash_end();
}

static int complain(void)
{
    probe_usage("probe [--log LEVEL] [--flash FILE] [--flash-map] [--cut N[:KIND]] [--seed N] "
                "[--slow N] [--erase-count] [--script FILE | -c COMMAND ...]");
    return 1;
}

/* As probe_flash_option. */
static int read_log(int argc, char **argv)
{
    uint32_t level;

    if (argc < 2 || strcmp(argv[0], "--log") != 0)
        return 0;
    if (!host_text_number(argv[1], 0, IOT_LOG_DUMP, &level))
        return -complain();
    iot_port_unix_log((enum iot_log_level)level);
    return 2;
}

/* How many words are options, or -1. */
static int read_options(int argc, char **argv)
{
    int at = 0;

    while (at < argc) {
        int words = read_log(argc - at, argv + at);
        if (words == 0)
            words = probe_flash_option(argc - at, argv + at);
        if (words < 0)
            return -1;
        if (words == 0)
            break;
        at += words;
    }
    return at;
}

/* Fills `list` with the arguments of each -c. Returns their count, or -1. */
static int collect_commands(int argc, char **argv, char **list)
{
    int count = 0;

    for (int i = 0; i < argc; i += 2) {
        if (strcmp(argv[i], "-c") != 0 || i + 1 == argc)
            return -1;
        list[count++] = argv[i + 1];
    }
    return count;
}

/* Where commands come from, by the words behind the options. */
static bool choose_input(int argc, char **argv)
{
    if (argc == 0) {
        probe_input_file(STDIN_FILENO);
        return true;
    }
    if (argc == 2 && strcmp(argv[0], "--script") == 0) {
        int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            probe_usage("%s: %s", argv[1], strerror(errno));
        probe_input_file(fd);
        return fd >= 0;
    }
    /* In place: the list is never longer than what was read of argv. */
    int count = collect_commands(argc, argv, argv);
    if (count < 0)
        return complain() == 0;
    probe_input_commands(argv, (uint32_t)count);
    return true;
}

int main(int argc, char **argv)
{
    static char out[BUFSIZ];

    setvbuf(stdout, out, _IOFBF, sizeof out);
    int options = read_options(argc - 1, argv + 1);
    if (options < 0)
        return 1;
    argc -= 1 + options;
    argv += 1 + options;
    if (!choose_input(argc, argv) || !probe_flash_boot())
        return 1;
    if (argc == 0 && probe_flash_mapped())
        return 0;
    if (!host_init(NULL) || !host_signal_catch()) {
        probe_event("err HOST cannot start the simulated network");
        return 1;
    }
    loop();
    end_in_order();
    return script.failed || probe_mqtt_failed() || probe_coap_failed() || !probe_event_heard();
}

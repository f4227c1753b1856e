/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cloud.c
 * build/cloud: the emulated platform on loopback, until Ctrl-C; or, with a command, one word to it.
 *
 *     build/cloud [--dir DIR] [--devices FILE] [--address A] [--port P] [--plain-port P] [--psk-port P] [--x509-port P]
 *                 [--https-port P] [--http-port P] [--coap-port P] [--coap-psk-port P] [--coap-plain-port P]
 *     build/cloud [--dir DIR] [--json] COMMAND [WORDS...]
 *
 * MOSQUITTO and OPENSSL name the programs it starts. Exit 0: done; 1: no, and why is in words.
 */
#include "cloud/cloud_command.h"
#include "host/host_child.h"
#include "host/host_cloud.h"
#include "host/host_signal.h"
#include "host/host_text.h"
#include "host/host_web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_SHOWN 65536u
#define STEP_MS   100u

static const char usage[] =
    "build/cloud [--dir DIR] [--devices FILE] [--address A] [--port P] [--plain-port P]\n"
    "            [--psk-port P] [--x509-port P] [--https-port P] [--http-port P]\n"
    "            [--coap-port P] [--coap-psk-port P] [--coap-plain-port P]\n"
    "                                                the emulated platform, until Ctrl-C\n"
    "build/cloud [--dir DIR] [--json] COMMAND        to the one that runs:\n"
    "  list                         its devices\n"
    "  disable|enable|delete PK DN  as the buttons of the console\n"
    "  kick PK DN                   close the device's connection\n"
    "  publish PK DN TOPIC PAYLOAD  a message to the device\n"
    "  flow PK DN on|off            shut it out as flow control does\n"
    "  option NAME VALUE            keepalive-limits on|off; publish-rate, deliver-rate,\n"
    "                               connect-rate, subscriptions N (0: any); flow-wait-s N;\n"
    "                               post-strict, retain, config on|off; reply-delay-ms,\n"
    "                               reply-drop, reply-double, rrpc-wait-ms N;\n"
    "                               reply-code TOPIC-SUFFIX CODE (0: no more); region NAME;\n"
    "                               http-token-s, http-expire-s, http-delay-ms, http-status,\n"
    "                               http-cut, http-slow N (0: no); http-norange, http-chunked "
    "on|off;\n"
    "                               coap-token-s, coap-drop-ack, coap-double-ack,\n"
    "                               coap-separate, coap-delay-ms N (0: no); coap-code CODE N;\n"
    "                               coap-seq-check, coap-answer-seq on|off\n"
    "  show PK DN                   all that is known of the device\n"
    "  set PK DN '{\"Name\":VALUE}' [rrpc|ext]\n"
    "                               set properties, wait for the device's answer\n"
    "  call PK DN SERVICE ['{\"Name\":VALUE}'] [sync|async|rrpc|ext]\n"
    "                               call a service, wait for the answer\n"
    "  rrpc PK DN [/TOPIC] TEXT|hex:HEX, raw PK DN HEX [rrpc]\n"
    "                               bytes to the device\n"
    "  desired PK DN '{...}'        desired values; null takes one away\n"
    "  shadow PK DN ['{\"desired\":{...}}']\n"
    "                               its shadow; change what is desired\n"
    "  config PK [[md5] '{...}'|none], config push PK DN\n"
    "                               remote configuration of the product\n"
    "  log-mode PK DN 0|1, bootstrap PK DN, error PK DN CODE [WORDS]\n"
    "                               notifications\n"
    "  reply PK DN ID, tsl PK       what came of a request; the model\n"
    "  ota publish PK DN|all FILE|URL version=V [module=M] [sign=md5|sha256] [key=PEM]\n"
    "      [protocol=https|mqtt] [diff=1] [ext={...}] [url=] [file=] [size=] [digest=]\n"
    "                               an update; of a URL alone size and digest are needed\n"
    "  ota show [PK DN], ota push PK DN, ota cancel ID, ota fault crc|offset|cut|silent N\n"
    "                               how far devices are; tell one again; no more of it\n"
    "  file PATH [NAME]             publish firmware; says where it can be got\n"
    "  log                          what it has logged\n";

static int complain(const char *what, const char *word)
{
    fprintf(stderr, "cloud: %s%s\n", what, word);
    return 1;
}

/* Where the one that runs is. */
static bool find(const char *dir, char path[HOST_PATH_MAX])
{
    if (dir != NULL)
        return snprintf(path, HOST_PATH_MAX, "%s", dir) < HOST_PATH_MAX;
    return host_cloud_find(path);
}

static int show_log(const char *dir)
{
    static char text[LOG_SHOWN];

    if (!host_cloud_log(dir, text, sizeof text))
        return complain("no log in ", dir);
    fputs(text, stdout);
    return 0;
}

/* file PATH [NAME]: as it is called, unless NAME says otherwise. */
static int publish(const char *dir, char *const words[], int count)
{
    char answer[2048];

    if (count != 2 && count != 3)
        return complain("it has to be: file PATH [NAME]", "");
    const char *slash = strrchr(words[1], '/');
    const char *name = count == 3 ? words[2] : slash != NULL ? slash + 1 : words[1];
    if (!host_web_publish(dir, words[1], name, 0, answer, sizeof answer))
        return complain(answer, "");
    fputs(answer, stdout);
    return 0;
}

/* `ota publish PK DN FILE key=FILE`: the emulator may live in another folder. In `room`, of `cap` bytes, or as it is. */
static const char *as_seen(char *const words[], int i, char *room, size_t cap)
{
    const char *word = words[i], *path = strncmp(word, "key=", 4) == 0 ? word + 4 : word;

    if (i < 4 || strcmp(words[0], "ota") != 0 || strcmp(words[1], "publish") != 0 ||
        (i > 4 && path == word))
        return word;
    char *full = realpath(path, NULL);
    if (full == NULL)
        return word;
    int n = snprintf(room, cap, "%.*s%s", (int)(path - word), word, full);
    free(full);
    return n < (int)cap ? room : word;
}

static int command(const char *dir, bool json, char *const words[], int count)
{
    static char line[CLOUD_LINE_MAX], answer[CLOUD_REPLY_MAX];
    char path[HOST_PATH_MAX], room[HOST_PATH_MAX];
    size_t len = 0;

    if (!find(dir, path))
        return complain("no emulator runs here; start one with `build/cloud` or `make run`", "");
    if (strcmp(words[0], "log") == 0)
        return show_log(path);
    if (strcmp(words[0], "file") == 0)
        return publish(path, words, count);
    if (json)
        len = (size_t)snprintf(line, sizeof line, "--json ");
    for (int i = 0; i < count && len < sizeof line; i++)
        len += (size_t)snprintf(line + len, sizeof line - len, "%s%s", i > 0 ? " " : "",
                                as_seen(words, i, room, sizeof room));
    if (len >= sizeof line)
        return complain("the command is too long", "");
    if (!host_cloud_command(path, line, answer, sizeof answer)) {
        if (!json || answer[0] != '{')
            return complain(answer, "");
        printf("%s\n", answer);
        return 1;
    }
    fputs(answer, stdout);
    return 0;
}

/* What is new in the log since the last call; whole lines. */
static void follow_log(const char *dir, long *at)
{
    char path[HOST_PATH_MAX], line[2048];

    if (snprintf(path, sizeof path, "%s/cloud.log", dir) >= (int)sizeof path)
        return;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return;
    if (fseek(f, *at, SEEK_SET) == 0) {
        while (fgets(line, sizeof line, f) != NULL && strchr(line, '\n') != NULL) {
            fputs(line, stdout);
            *at = ftell(f);
        }
    }
    fclose(f);
    fflush(stdout);
}

static int serve(const struct host_cloud_options *options)
{
    static struct host_cloud cloud;
    long at = 0;

    if (!host_signal_catch())
        return complain("cannot catch signals", "");
    if (!host_cloud_start(&cloud, options))
        return complain(cloud.why, "");
    printf("the emulated platform is up\n"
           "  TLS                       %s:%u   trust %s (DER: ca.der)\n"
           "  plain TCP                 %s:%u\n"
           "  TLS-PSK                   %s:%u   TLS_PSK_WITH_AES_128_CBC_SHA\n"
           "  TLS, client certificates  %s:%u\n"
           "  HTTPS                     %s:%u\n"
           "  HTTP, files alone         %s:%u\n"
           "  CoAP, DTLS                %s:%u\n"
           "  CoAP, DTLS-PSK            %s:%u\n"
           "  CoAP, symmetric           %s:%u\n"
           "  files                     %s\n"
           "Ctrl-C ends it; `%s list` and others command it.\n",
           cloud.address, (unsigned)cloud.tls_port, cloud.ca_pem, cloud.address,
           (unsigned)cloud.plain_port, cloud.address, (unsigned)cloud.psk_port, cloud.address,
           (unsigned)cloud.x509_port, cloud.address, (unsigned)cloud.https_port, cloud.address,
           (unsigned)cloud.http_port, cloud.address, (unsigned)cloud.coap.cert, cloud.address,
           (unsigned)cloud.coap.psk, cloud.address, (unsigned)cloud.coap.plain, cloud.dir,
           options->dir != NULL ? "build/cloud --dir DIR" : "build/cloud");
    fflush(stdout);
    while (host_signal_seen() == 0) {
        int status;
        follow_log(cloud.dir, &at);
        if (!host_alive(cloud.broker.pid, &status)) {
            cloud.broker.pid = 0;
            return complain("the broker has ended", "");
        }
        if (!host_alive(cloud.web, &status)) {
            cloud.web = 0;
            host_cloud_stop(&cloud);
            return complain("cloud_https has ended", "");
        }
        if (!host_alive(cloud.coap_pid, &status)) {
            cloud.coap_pid = 0;
            host_cloud_stop(&cloud);
            return complain("cloud_coap has ended", "");
        }
        host_pause_ms(STEP_MS); /* a signal ends it early */
    }
    follow_log(cloud.dir, &at);
    host_cloud_stop(&cloud);
    return 0;
}

int main(int argc, char **argv)
{
    struct host_cloud_options o = {.announce = true};
    const struct {
        const char *name;
        const char **text;
        uint16_t *port;
    } words[] = {
        {"--dir", &o.dir, NULL},
        {"--devices", &o.devices, NULL},
        {"--address", &o.address, NULL},
        {"--port", NULL, &o.tls_port},
        {"--plain-port", NULL, &o.plain_port},
        {"--psk-port", NULL, &o.psk_port},
        {"--x509-port", NULL, &o.x509_port},
        {"--https-port", NULL, &o.https_port},
        {"--http-port", NULL, &o.http_port},
        {"--coap-port", NULL, &o.coap.cert},
        {"--coap-psk-port", NULL, &o.coap.psk},
        {"--coap-plain-port", NULL, &o.coap.plain},
    };
    bool json = false;
    int i = 1;

    while (i < argc && strncmp(argv[i], "--", 2) == 0) {
        size_t w = 0;
        uint32_t number;
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return 0;
        }
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
            i++;
            continue;
        }
        while (w < sizeof words / sizeof words[0] && strcmp(argv[i], words[w].name) != 0)
            w++;
        if (w == sizeof words / sizeof words[0] || i + 1 == argc) {
            fputs(usage, stderr);
            return complain("not understood: ", argv[i]);
        }
        if (words[w].text != NULL) {
            *words[w].text = argv[i + 1];
        } else if (host_text_number(argv[i + 1], 1, 65535, &number)) {
            *words[w].port = (uint16_t)number;
        } else {
            return complain("no port: ", argv[i + 1]);
        }
        i += 2;
    }
    return i < argc ? command(o.dir, json, argv + i, argc - i) : serve(&o);
}

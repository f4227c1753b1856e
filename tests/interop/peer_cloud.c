/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_cloud.h"

#include "heap_trap.h"
#include "host/host_child.h"
#include "host/host_net.h"
#include "host/host_pem.h"
#include "peer_broker.h"
#include "peer_relay.h"

#include <time.h>
#include <unistd.h>

#define STEP_MS   2000u
#define SEATS_MAX 2u
#define AWAY_MS   300000u

struct host_cloud peer_cloud;

static struct peer_seat *seats[SEATS_MAX];
static struct host_pem authority;
static char text[262144];

static const char *const hosts[] = {
    PEER_HOST,
    PEER_PK ".iot-as-mqtt.ap-southeast-1.aliyuncs.com",
    PEER_PK ".iot-as-mqtt.ap-northeast-1.aliyuncs.com",
    PEER_PK ".iot-as-mqtt.us-west-1.aliyuncs.com",
    PEER_PK ".iot-as-mqtt.eu-central-1.aliyuncs.com",
    PEER_PK ".itls.cn-shanghai.aliyuncs.com",
    "x509.itls.cn-shanghai.aliyuncs.com",
    "iot-0123abcd.mqtt.iothub.aliyuncs.com",
    "cloud.example",
    PEER_EVERY ".iot-as-mqtt.cn-shanghai.aliyuncs.com",
    PEER_WIDE ".iot-as-mqtt.cn-shanghai.aliyuncs.com",
    PEER_RAW ".iot-as-mqtt.cn-shanghai.aliyuncs.com",
};

/* See peer_thing.h. The model's name is seen from where the sample identities are. */
#define PEER_THINGS                                                                                \
    "product " PEER_EVERY " secret=EveryProductSec1\n"                                             \
    "model   " PEER_EVERY " ../../tests/interop/peer_every.json\n"                                 \
    "topic   " PEER_EVERY " user/bytes both\n"                                                     \
    "device  " PEER_EVERY " every001 secret=" PEER_DS_EVERY "\n"

/* ---- Groups ------------------------------------------------------------------------------ */

int peer_cloud_group_setup(void **state)
{
    struct host_cloud_options o = {.address = peer_loopback,
                                   .more = "device " PEER_PK " gone001 secret=" PEER_DS_GONE
                                           "\n" PEER_THINGS};
    char why[128];

    if (peer_group_setup(state) != 0)
        return -1;
    heap_trap_off(); /* its own programs and files */
    bool ok = host_cloud_start(&peer_cloud, &o);
    heap_trap_on();
    if (!ok) {
        print_error("%s\n", peer_cloud.why);
        return -1;
    }
    for (uint32_t i = 0; i < COUNT(hosts); i++)
        if (!host_name_add(hosts[i], peer_loopback))
            return -1;
    return host_pem_read(&authority, peer_cloud.ca_der, HOST_PEM_CERTIFICATES, why) &&
                   authority.count == 1
               ? 0
               : -1;
}

int peer_cloud_group_teardown(void **state)
{
    char dir[HOST_PATH_MAX];

    snprintf(dir, sizeof dir, "%s", peer_cloud.dir);
    heap_trap_off();
    host_cloud_stop(&peer_cloud);
    peer_certs_remove();
    heap_trap_on();
    return peer_group_teardown(state) | (access(dir, F_OK) == 0 ? -1 : 0);
}

int peer_cloud_test_setup(void **state)
{
    char path[HOST_PATH_MAX + 16];

    (void)state;
    snprintf(path, sizeof path, "%s/cloud.log", peer_cloud.dir);
    return truncate(path, 0);
}

/* Its last eight bytes are too much. */
static bool tells(const char *log, struct iot_bytes secret)
{
    uint32_t n = secret.len < 8 ? secret.len : 8;
    char part[9] = {0};

    memcpy(part, secret.ptr + secret.len - n, n);
    return strlen(part) == n && strcasestr(log, part) != NULL;
}

/* The platform's log and its broker's; the devices' own are looked at by peer_trust. */
static bool platform_tells(const struct peer_seat *s)
{
    bool told = false;

    for (uint32_t log = 0; log < 2; log++) {
        if (log == 0)
            host_cloud_log(peer_cloud.dir, text, sizeof text);
        else
            host_broker_log(&peer_cloud.broker, text, sizeof text);
        for (uint32_t i = 0; i < PEER_SECRETS_MAX && s->board.secrets[i].ptr != NULL; i++)
            told |= tells(text, s->board.secrets[i]);
    }
    return told;
}

/* Also after a test that failed half-way. */
static void forgive(void)
{
    static const char *const lines[] = {"option connect-rate 0", "flow " PEER_PK " dev001 off",
                                        "enable " PEER_PK " dev001"};
    char said[256];

    if (peer_cloud.cut)
        host_cloud_restore(&peer_cloud);
    for (uint32_t i = 0; i < COUNT(lines); i++)
        host_cloud_command(peer_cloud.dir, lines[i], said, sizeof said);
}

int peer_cloud_test_teardown(void **state)
{
    bool told = false;

    forgive();

    for (uint32_t i = 0; i < SEATS_MAX; i++)
        told |= seats[i] != NULL && platform_tells(seats[i]);
    int result = peer_trust_test_teardown(state);
    memset(seats, 0, sizeof seats);
    if (told)
        fail_msg("a secret is in the platform's log");
    return result;
}

/* ---- One device -------------------------------------------------------------------------- */

static void note(char *into, size_t cap, struct iot_bytes b)
{
    size_t n = b.len < cap ? b.len : cap - 1;

    if (n != 0)
        memcpy(into, b.ptr, n);
    into[n] = '\0';
}

/* What is in a password is known here first; the board's list of secrets points to our copies. */
static void note_password(struct peer_seat *s)
{
    for (uint32_t i = 0; i < s->passwords; i++)
        if (strcmp(s->secrets[i], s->password) == 0)
            return;
    if (s->password[0] == '\0' || s->passwords == COUNT(s->secrets))
        return;
    char *copy = s->secrets[s->passwords++];
    memcpy(copy, s->password, sizeof s->password);
    for (uint32_t i = 0; i < PEER_SECRETS_MAX; i++) {
        if (s->board.secrets[i].ptr == NULL) {
            s->board.secrets[i] = text_bytes(copy);
            return;
        }
    }
}

static iot_err on_credentials(void *ctx, struct iot_device *dev, struct iot_credentials *c)
{
    struct peer_seat *s = ctx;
    (void)dev;

    s->attempts++;
    s->port = c->port;
    snprintf(s->host, sizeof s->host, "%s", c->host != NULL ? c->host : "");
    note(s->client_id, sizeof s->client_id, c->client_id);
    note(s->user_name, sizeof s->user_name, c->user_name);
    note(s->password, sizeof s->password, c->password);
    note_password(s);
    return s->login != NULL ? s->login(s, c) : IOT_OK;
}

void peer_seat(struct peer_seat *s, const char *name, const char *secret)
{
    uint32_t i = 0;

    while (i < SEATS_MAX && seats[i] != NULL && seats[i] != s)
        i++;
    assert_true(i < SEATS_MAX);
    if (seats[i] == s && platform_tells(s))
        fail_msg("a secret is in the platform's log");
    seats[i] = s;
    peer_trust_prepare(&s->board, CERT_COUNT);
    peer_trust_device(&s->one, &s->board, name, peer_cloud.tls_port);
    s->board.now_s = (int64_t)time(NULL);
    s->board.tls.ca = authority.items;
    s->board.tls.ca_count = authority.count;
    s->id = (struct iot_link_identity){
        .product_key = PEER_PK, .device_name = name, .device_secret = secret};
    s->attempts = s->passwords = 0;
    s->login = NULL;
    memset(s->secrets, 0, sizeof s->secrets);
    if (secret != NULL)
        peer_trust_secret(&s->board, text_bytes(secret));
    s->one.options.host = NULL;
    s->one.options.client_id = NULL;
    s->one.options.link = &s->id;
    s->one.options.keepalive_s = 1200;
    s->one.options.backoff_cap_ms = 0;
    s->one.options.on_credentials = on_credentials;
}

void peer_seat_plain(struct peer_seat *s)
{
    s->one.options.tls = NULL;
    s->one.options.port = peer_cloud.plain_port;
}

void peer_seat_connect(struct peer_seat *s)
{
    peer_trust_connect(&s->one);
}

void peer_seat_close(struct peer_seat *s)
{
    if (s->one.options.tls != NULL)
        peer_trust_close(&s->one);
    else
        peer_close(&s->one);
}

void peer_seat_visits(struct peer_seat *s, const char *name, const char *how)
{
    char line[160];

    snprintf(line, sizeof line, "cloud: login " PEER_PK " %s accepted: %s\n", name, how);
    uint32_t before = peer_cloud_says(line);
    peer_seat_connect(s);
    if (peer_cloud_says(line) != before + 1)
        fail_msg("'%s' is not in the platform's log:\n%s", line, text);
    peer_seat_close(s);
}

void peer_seat_exiled(struct peer_seat *s, iot_err err)
{
    static const enum iot_network_change hints[] = {IOT_NETWORK_UP, IOT_NETWORK_CHANGED,
                                                    IOT_NETWORK_DOWN, IOT_NETWORK_UP};
    struct peer_device *p = &s->one;

    peer_expect_lost(p, p->kinds[IOT_EV_LOST], err, false);
    uint32_t delay_ms = peer_last(p, IOT_EV_LOST)->delay_ms, before = p->kinds[IOT_EV_CONNECTING];
    uint32_t since_ms = peer_clock_ms();
    assert_in_range(delay_ms, AWAY_MS, AWAY_MS + AWAY_MS / 2);
    for (uint32_t i = 0; i < COUNT(hints); i++) {
        iot_network(&p->dev, hints[i]);
        peer_cloud_pass(10000);
    }
    peer_cloud_pass(AWAY_MS - 3 * STEP_MS - (peer_clock_ms() - since_ms));
    assert_int_equal(p->kinds[IOT_EV_CONNECTING], before);
    UNTIL_WITH(peer_turn_fast, p->kinds[IOT_EV_CONNECTING] != before);
    assert_true(peer_clock_ms() - since_ms >= AWAY_MS);
}

/* ---- Time -------------------------------------------------------------------------------- */

/* It waits for its next attempt, or neither it nor the platform owes an answer. */
static bool quiet(const struct peer_device *p)
{
    if (!p->joined)
        return true;
    if (iot_sleep_ms(&p->dev, peer_clock_ms()) == 0)
        return false;
    if (!iot_device_connected(&p->dev))
        return p->kinds[IOT_EV_LOST] == p->kinds[IOT_EV_CONNECTING];
    return iot_device_idle(&p->dev) && !p->dev.mqtt.session.watch.want_ping &&
           p->dev.mqtt.session.watch.ping_deadline == IOT_TIME_NEVER;
}

static bool all_quiet(void)
{
    for (uint32_t i = 0; i < SEATS_MAX; i++)
        if (seats[i] != NULL && !quiet(&seats[i]->one))
            return false;
    return true;
}

void peer_cloud_pass(uint32_t ms)
{
    uint32_t start = peer_clock_ms();

    for (uint32_t passed = 0; passed < ms; passed = peer_clock_ms() - start) {
        peer_turn_fast();
        UNTIL(all_quiet());
        passed = peer_clock_ms() - start;
        if (passed < ms)
            peer_clock_skip(ms - passed < STEP_MS ? ms - passed : STEP_MS);
    }
}

/* ---- The platform ------------------------------------------------------------------------ */

void peer_cloud_command(const char *line)
{
    char said[512];

    if (!host_cloud_command(peer_cloud.dir, line, said, sizeof said))
        fail_msg("%s: %s", line, said);
}

uint32_t peer_cloud_says(const char *what)
{
    uint32_t n = 0;

    assert_true(host_cloud_log(peer_cloud.dir, text, sizeof text));
    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what))
        n++;
    return n;
}

void peer_cloud_await(const char *what)
{
    UNTIL(peer_cloud_says(what) != 0);
}

void peer_cloud_said(const char *what)
{
    if (peer_cloud_says(what) == 0)
        fail_msg("'%s' is not in the platform's log:\n%s", what, text);
}

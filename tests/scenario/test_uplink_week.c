/* SPDX-License-Identifier: Apache-2.0 */
/* A week of two devices that report each minute by CoAP, one in the symmetric mode, one in the form that DTLS has (on a channel
 * without it), over a bad network and to a platform that restarts, forgets, lets tokens expire and answers badly.
 *
 * What has to hold: each call that began ends exactly once; what ended well was taken by the platform; and nothing was taken
 * twice unless its call ended badly, or the platform restarted or the device's address changed while it was under way:
 * then nobody is left who could know that it came before (iot_uplink.h). In the end the platform has the last value. */
#include "scenario.h"

#include "iot/iot_static.h"
#include "iot/iot_uplink.h"
#include "world/world_board.h"
#include "world/world_chance.h"
#include "world/world_cloud.h"
#include "world/world_coap.h"
#include "world/world_trace.h"
#include "world/world_wire.h"

#include "cloud/cloud_command.h"

#include <stdlib.h>

#if IOT_FEATURE_UPLINK

#define SECOND     1000u
#define MINUTE     (60u * SECOND)
#define HOUR       (60u * MINUTE)
#define DAY        (24u * HOUR)
#define WEEK       (7u * DAY)
#define PORT       5682u /* and the one behind it */
#define PATIENCE   (10u * MINUTE)
#define CALLS_MAX  (7u * 24u * 60u + 100u)
#define WORK_BYTES 1024u
#define DEVICES    2u

/* Of one call. */
struct fate {
    bool begun, ended, well;
    bool excused; /* the platform or the address was another one when it ended */
    uint32_t taken;
};

struct reporter {
    struct iot_device dev;
    struct iot_coap coap;
    struct iot_uplink up;
    struct world_board board;
    struct iot_port port;
    struct iot_options options;
    struct iot_coap_options client;
    struct iot_uplink_options uplink;
    struct iot_link_identity identity;
    struct world_cloud_identity who;
    char topic[128], payload[256];
    uint32_t payload_len;
    uint8_t work[WORK_BYTES];
    struct world_actor actor;
    uint64_t next_ms;
    bool stopped;
    uint32_t now_id, last_well; /* of the call under way, 0: none; of the last that ended well */
    uint32_t calls, well, bad, skipped;
    int last_err, last_detail;
    struct fate fates[CALLS_MAX]; /* by id; 0 is not used */
};

static struct reporter reporters[DEVICES];
static struct world_cloud cloud;
static struct world_coap fronts[DEVICES];
static struct world_chance chance;
static uint32_t upheavals;

/* ---- What the platform took ------------------------------------------------------------------ */

/* "answer to PK d000 thing/event/property/post id '17': 200 success" */
static void on_log(void *ctx, const char *line)
{
    char head[96];
    (void)ctx;

    world_trace("%s", line);
    for (uint32_t i = 0; i < DEVICES; i++) {
        snprintf(head, sizeof head,
                 "answer to " WORLD_CLOUD_KEY " %s thing/event/property/post id '",
                 reporters[i].who.name);
        if (strncmp(line, head, strlen(head)) != 0)
            continue;
        uint32_t id = (uint32_t)atoi(line + strlen(head));
        assert_non_null(strstr(line, "': 200 "));
        assert_in_range(id, 1, CALLS_MAX - 1);
        assert_true(reporters[i].fates[id].begun);
        reporters[i].fates[id].taken++;
    }
}

/* ---- A device -------------------------------------------------------------------------------- */

static void on_event(void *ctx, struct iot_device *dev, const struct iot_event *ev)
{
    (void)ctx;
    (void)dev;
    (void)ev;
}

static void on_result(void *ctx, struct iot_uplink *up, const struct iot_uplink_result *result)
{
    struct reporter *r = ctx;
    struct fate *f = &r->fates[r->now_id];
    (void)up;

    assert_int_equal(result->call, IOT_UPLINK_POST);
    assert_true(r->now_id != 0 && f->begun && !f->ended);
    f->ended = true;
    f->well = result->err == IOT_OK;
    r->well += f->well;
    r->bad += !f->well;
    if (f->well) {
        r->last_well = r->now_id;
    } else {
        r->last_err = result->err;
        r->last_detail = result->detail;
    }
    world_trace("%s: %u ended, %s %d", r->who.name, (unsigned)r->now_id, iot_err_name(result->err),
                (int)result->detail);
    r->now_id = 0;
}

/* {"id":"N","version":"1.0","params":{"Energy":N},"method":"thing.event.property.post"} */
static void write_json(struct reporter *r, uint32_t id)
{
    r->payload_len =
        (uint32_t)snprintf(r->payload, sizeof r->payload,
                           "{\"id\":\"%u\",\"version\":\"1.0\",\"params\":{\"Energy\":%u},"
                           "\"method\":\"thing.event.property.post\"}",
                           (unsigned)id, (unsigned)id);
}

static void put(struct reporter *r, const void *bytes, size_t len)
{
    assert_true(r->payload_len + len <= sizeof r->payload);
    memcpy(r->payload + r->payload_len, bytes, len);
    r->payload_len += (uint32_t)len;
}

static void put_text(struct reporter *r, const char *text)
{
    const uint8_t head[] = {0x78, (uint8_t)strlen(text)}, small = (uint8_t)(0x60 | strlen(text));

    put(r, strlen(text) < 24 ? &small : head, strlen(text) < 24 ? 1 : 2);
    put(r, text, strlen(text));
}

static void write_cbor(struct reporter *r, uint32_t id)
{
    char text[12];

    r->payload_len = 0;
    snprintf(text, sizeof text, "%u", (unsigned)id);
    put(r, "\xa4", 1);
    put_text(r, "id");
    put_text(r, text);
    put_text(r, "version");
    put_text(r, "1.0");
    put_text(r, "params");
    put(r, "\xa1", 1);
    put_text(r, "Energy");
    put(r, (const uint8_t[]){0xfb}, 1); /* a double */
    double value = id;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (int i = 7; i >= 0; i--)
        put(r, (const uint8_t[]){(uint8_t)(bits >> (8 * i))}, 1);
    put_text(r, "method");
    put_text(r, "thing.event.property.post");
}

static void report(struct reporter *r)
{
    uint32_t id = r->calls + 1;
    bool cbor = r == &reporters[1] && id % 2 == 0;

    if (r->now_id != 0) {
        r->skipped++;
        return;
    }
    assert_true(id < CALLS_MAX);
    (cbor ? write_cbor : write_json)(r, id);
    const struct iot_uplink_post post = {
        .topic = r->topic,
        .payload = {(const uint8_t *)r->payload, r->payload_len},
        .format = cbor ? IOT_COAP_CBOR : IOT_COAP_JSON,
    };
    r->calls = r->now_id = id;
    r->fates[id].begun = true;
    assert_err(iot_uplink_post(&r->up, &post), IOT_OK);
}

static uint64_t tick(void *ctx, uint64_t now)
{
    struct reporter *r = ctx;

    if (now >= r->next_ms && !r->stopped) {
        report(r);
        r->next_ms = now + MINUTE;
    }
    uint32_t ms = iot_poll(&r->dev, (uint32_t)now);
    uint64_t due = ms == IOT_MS_NEVER ? WORLD_NEVER : now + ms;
    return r->stopped || due < r->next_ms ? due : r->next_ms;
}

static void begin_reporter(uint32_t n)
{
    struct reporter *r = &reporters[n];

    world_board_start(&r->board, scenario_seed(), n);
    world_board_port(&r->board, &r->port);
    r->identity = (struct iot_link_identity){.product_key = WORLD_CLOUD_KEY,
                                             .device_name = r->who.name,
                                             .device_secret = r->who.secret,
                                             .method = IOT_SIGN_HMACMD5};
    snprintf(r->topic, sizeof r->topic, "/sys/" WORLD_CLOUD_KEY "/%s/thing/event/property/post",
             r->who.name);
    r->options = (struct iot_options){.on_event = on_event, .port_ops = &r->port};
    r->client = (struct iot_coap_options){
        .host = WORLD_CLOUD_ADDRESS, .port = (uint16_t)(PORT + n), .netif = world_wire_dev()};
    r->uplink = (struct iot_uplink_options){.coap = &r->coap,
                                            .link = &r->identity,
                                            .port = &r->port,
                                            .work = r->work,
                                            .work_bytes = sizeof r->work,
                                            .symmetric = n == 0 ? &iot_uplink_symmetric : NULL,
                                            .numbers = n == 0 ? IOT_UPLINK_OPTIONS_2088
                                                              : IOT_UPLINK_OPTIONS_61,
                                            .on_result = on_result,
                                            .ctx = r};
    assert_err(iot_device_init(&r->dev, &r->options), IOT_OK);
    assert_err(iot_coap_init(&r->coap, &r->dev, &r->client), IOT_OK);
    assert_err(iot_uplink_init(&r->up, &r->uplink), IOT_OK);
    r->next_ms = world_ms() + SECOND;
    r->actor = (struct world_actor){.tick = tick, .ctx = r};
    world_loop_add(&r->actor);
}

/* ---- All together ---------------------------------------------------------------------------- */

static void begin(void)
{
    struct world_broker_policy policy;
    char why[256];

    world_chance_seed(&chance, scenario_seed(), WORLD_STREAM_TEST);
    if (!world_cloud_start(&cloud, NULL, DEVICES, &policy, why, sizeof why) ||
        !world_cloud_model(&cloud, WORLD_CLOUD_KEY, "unix_sim/cloud/lamp.json", why, sizeof why))
        fail_msg("%s", why);
    cloud.log = on_log;
    for (uint32_t i = 0; i < DEVICES; i++) {
        world_cloud_identity(i, &reporters[i].who);
        world_coap_start(&fronts[i], &cloud.cloud, (uint16_t)(PORT + i));
        fronts[i].way = i == 0 ? CLOUD_COAP_SYMMETRIC : CLOUD_COAP_CERT;
    }
    for (uint32_t i = 0; i < DEVICES; i++)
        begin_reporter(i);
}

static void option(const char *name, uint32_t value)
{
    char text[16], why[640];

    snprintf(text, sizeof text, "%u", (unsigned)value);
    if (!cloud_book_option(&cloud.cloud.book.rules, name, text, why, sizeof why))
        fail_msg("%s", why);
}

static void run(uint32_t ms)
{
    assert_true(world_loop_until(world_ms() + ms));
}

/* Who is under way now may be taken twice. */
static void upheaval(void)
{
    upheavals++;
    for (uint32_t i = 0; i < DEVICES; i++)
        reporters[i].fates[reporters[i].now_id].excused = true;
}

static void restart(uint32_t down_ms)
{
    for (uint32_t i = 0; i < DEVICES; i++)
        fronts[i].down = true;
    run(down_ms);
    upheaval();
    for (uint32_t i = 0; i < DEVICES; i++) {
        world_coap_forget(&fronts[i]);
        fronts[i].down = false;
    }
}

static void bad_network(void)
{
    for (int way = WORLD_UP; way <= WORLD_DOWN; way++) {
        struct world_lane *l = world_lane((enum world_way)way);
        l->loss = world_chance_below(&chance, 300000);
        l->duplicate = world_chance_below(&chance, 300000);
        l->reorder = world_chance_below(&chance, 300000);
        l->jitter_ms = world_chance_below(&chance, 2000);
    }
}

static void bad_answers(void)
{
    option("coap-drop-ack", world_chance_below(&chance, 5));
    option("coap-double-ack", world_chance_below(&chance, 5));
    option("coap-separate", world_chance_below(&chance, 5));
    option("coap-delay-ms", world_chance_below(&chance, 2) * world_chance_below(&chance, 8000));
}

static void good_again(void)
{
    world_wire_calm();
    option("coap-drop-ack", 0);
    option("coap-double-ack", 0);
    option("coap-separate", 0);
    option("coap-delay-ms", 0);
    cloud.cloud.book.rules.coap_code_left = 0;
}

static bool is_busy(void *ctx)
{
    (void)ctx;
    for (uint32_t i = 0; i < DEVICES; i++)
        if (reporters[i].now_id != 0)
            return true;
    return false;
}

/* The last report of each goes well, and that is what the platform shows. */
static void judge(void)
{
    static char answer[65536];
    char line[64], expected[64];

    for (uint32_t i = 0; i < DEVICES; i++)
        reporters[i].stopped = true;
    assert_true(world_loop_while(is_busy, NULL, PATIENCE) && !is_busy(NULL));
    for (uint32_t i = 0; i < DEVICES; i++) {
        reporters[i].stopped = false;
        reporters[i].next_ms = world_ms();
    }
    run(5 * SECOND);
    assert_false(is_busy(NULL));
    for (uint32_t i = 0; i < DEVICES; i++) {
        struct reporter *r = &reporters[i];
        uint32_t twice = 0;
        assert_int_equal(r->last_well, r->calls);
        for (uint32_t id = 1; id <= r->calls; id++) {
            const struct fate *f = &r->fates[id];
            assert_true(f->begun && f->ended);
            if (f->well && f->taken == 0)
                fail_msg("%s: %u ended well, and was not taken", r->who.name, (unsigned)id);
            if (f->well && f->taken > 1 && !f->excused)
                fail_msg("%s: %u was taken %u times", r->who.name, (unsigned)id,
                         (unsigned)f->taken);
            twice += f->taken > 1;
        }
        snprintf(line, sizeof line, "show " WORLD_CLOUD_KEY " %s", r->who.name);
        cloud_command(&cloud.cloud, line, answer, sizeof answer, world_ms());
        snprintf(expected, sizeof expected, "Energy {\"value\":%u", (unsigned)r->calls);
        if (strstr(answer, expected) == NULL)
            fail_msg("no %s in %s", expected, answer);
        print_message("%s: %u calls, %u well, %u badly, %u minutes skipped, %u taken twice\n",
                      r->who.name, (unsigned)r->calls, (unsigned)r->well, (unsigned)r->bad,
                      (unsigned)r->skipped, (unsigned)twice);
    }
}

static void end(void)
{
    for (uint32_t i = 0; i < DEVICES; i++) {
        world_loop_remove(&reporters[i].actor);
        world_coap_end(&fronts[i]);
    }
    world_cloud_over(&cloud);
}

/* ---- Nothing goes wrong ---------------------------------------------------------------------- */

static void good_week(void)
{
    begin();
    run(WEEK);
    judge();
    for (uint32_t i = 0; i < DEVICES; i++) {
        struct reporter *r = &reporters[i];
        if (r->bad != 0)
            fail_msg("%s: the last that ended badly: %s %d", r->who.name, iot_err_name(r->last_err),
                     r->last_detail);
        assert_int_equal(r->skipped, 0);
        assert_in_range(r->calls, 7 * 24 * 60, 7 * 24 * 60 + 2);
        for (uint32_t id = 1; id <= r->calls; id++)
            assert_int_equal(r->fates[id].taken, 1);
        /* a token of two days: four of them */
        assert_in_range(fronts[i].requests - r->calls, 4, 8);
        assert_int_equal(fronts[i].ill, 0);
    }
    end();
}

static void in_a_good_week_each_report_is_taken_once(void **state)
{
    (void)state;
    scenario_run(good_week);
}

/* ---- All does -------------------------------------------------------------------------------- */

static void one_trouble(void)
{
    switch (world_chance_below(&chance, 7)) {
    case 0:
    case 1:
        bad_network();
        run(world_chance_between(&chance, MINUTE, HOUR));
        break;
    case 2:
        bad_answers();
        run(world_chance_between(&chance, MINUTE, HOUR));
        break;
    case 3:
        world_lane(WORLD_UP)->cut = world_lane(WORLD_DOWN)->cut = true;
        run(world_chance_between(&chance, SECOND, 5 * MINUTE));
        break;
    case 4:
        bad_network();
        restart(world_chance_between(&chance, 1, 2 * MINUTE));
        break;
    case 5:
        upheaval();
        world_wire_address((uint8_t)world_chance_between(&chance, WORLD_DEVICE_FIRST, 200));
        break;
    case 6:
        cloud.cloud.book.rules.coap_code = CLOUD_COAP_CODE(5, 0);
        cloud.cloud.book.rules.coap_code_left = world_chance_between(&chance, 1, 5);
        bad_network();
        run(5 * MINUTE);
        break;
    }
}

static void bad_week(void)
{
    begin();
    option("coap-token-s", 7 * 3600 + 17);
    for (uint64_t until = world_ms() + WEEK - HOUR * 2; world_ms() < until;) {
        run(world_chance_between(&chance, SECOND, 20 * MINUTE));
        one_trouble();
        if (world_chance_below(&chance, 3) == 0)
            one_trouble();
        good_again();
    }
    run(HOUR);
    judge();
    for (uint32_t i = 0; i < DEVICES; i++) {
        assert_true(reporters[i].bad > 0 && reporters[i].well > 5000);
        assert_true(fronts[i].copies > 100);
    }
    assert_true(upheavals > 20);
    end();
}

static void in_a_bad_week_each_report_ends_once_and_what_ended_well_was_taken(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 3; i++)
        scenario_run_seed(bad_week, test_seed() + i);
}

/* A token ends in the middle, each time; the symmetric mode gets a new key and new numbers with it. */
static void short_tokens(void)
{
    begin();
    option("coap-token-s", 90);
    run(DAY);
    judge();
    for (uint32_t i = 0; i < DEVICES; i++) {
        assert_int_equal(reporters[i].bad, 0);
        assert_true(fronts[i].requests > 2 * reporters[i].calls - 10);
        for (uint32_t id = 1; id <= reporters[i].calls; id++)
            assert_int_equal(reporters[i].fates[id].taken, 1);
    }
    end();
}

static void a_token_that_ends_each_time_costs_requests_and_no_report(void **state)
{
    (void)state;
    scenario_run(short_tokens);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_good_week_each_report_is_taken_once),
        cmocka_unit_test(in_a_bad_week_each_report_ends_once_and_what_ended_well_was_taken),
        cmocka_unit_test(a_token_that_ends_each_time_costs_requests_and_no_report),
    };
    return cmocka_run_group_tests_name("uplink: a week", tests, NULL, NULL);
}

#else
int main(void)
{
    return 0;
}
#endif

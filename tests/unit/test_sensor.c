/* SPDX-License-Identifier: Apache-2.0 */
/* What the sensor of examples/coap_sensor makes of its numbers and its store, whatever store and network do. The library is
 * played: a test says how a request ends. With the real one it is tests/interop/test_sensor_wakes.c. */
#include "test.h"

#include "coap_sensor/sensor.c"

#define POLLS_MAX 1000u

/* ---- A store ----------------------------------------------------------------------------------- */

/* slow: each call is answered AGAIN so often first. fail_at: this set fails, the first is 1. */
static struct {
    uint8_t value[256];
    uint32_t len, sets, fail_at, slow, waited;
    bool there;
    iot_err get_err;
} store;

static bool is_slow(void)
{
    if (store.waited++ < store.slow)
        return true;
    store.waited = 0;
    return false;
}

static iot_err kv_get(void *ctx, const char *key, void *into, uint32_t cap, uint32_t *len)
{
    (void)ctx;
    assert_string_equal(key, KEPT_KEY);
    if (is_slow())
        return IOT_ERR_AGAIN;
    if (store.get_err != IOT_OK)
        return store.get_err;
    if (!store.there)
        return IOT_ERR_STATE;
    if (store.len > cap)
        return IOT_ERR_SIZE;
    memcpy(into, store.value, store.len);
    *len = store.len;
    return IOT_OK;
}

static iot_err kv_set(void *ctx, const char *key, const void *bytes, uint32_t len)
{
    (void)ctx;
    assert_string_equal(key, KEPT_KEY);
    assert_true(len <= sizeof store.value);
    if (is_slow())
        return IOT_ERR_AGAIN;
    if (++store.sets == store.fail_at)
        return IOT_ERR_KV;
    memcpy(store.value, bytes, len);
    store.len = len;
    store.there = true;
    return IOT_OK;
}

static const struct iot_port stored = {.kv_get = kv_get, .kv_set = kv_set};

/* ---- The library, played ------------------------------------------------------------------------- */

static struct {
    const struct iot_coap_options *opt;
    const struct iot_coap_request *req; /* under way; NULL: none */
    char posted[512];
    uint32_t requests, cancels, parks, sets_before;
    bool wake;       /* something was asked for since the last tick */
    bool mute, busy; /* no answer comes; parking lasts */
    uint8_t code;
    iot_err err, init_err, start_err;
} lib;

iot_err iot_device_init_checked(struct iot_device *dev, const struct iot_options *options,
                                uint32_t size, uint32_t config_hash)
{
    (void)dev;
    (void)size;
    (void)config_hash;
    assert_null(options->host);
    assert_non_null(options->on_event);
    return IOT_OK;
}

iot_err iot_coap_init(struct iot_coap *c, struct iot_device *dev,
                      const struct iot_coap_options *options)
{
    (void)c;
    (void)dev;
    lib.opt = options;
    return lib.init_err;
}

iot_err iot_coap_start(struct iot_coap *c, const struct iot_coap_request *req, iot_ticket *out)
{
    (void)c;
    assert_null(lib.req);
    if (lib.start_err != IOT_OK)
        return lib.start_err;
    lib.req = req;
    lib.requests++;
    lib.wake = true;
    lib.sets_before = store.sets;
    assert_int_equal(req->method, IOT_COAP_POST);
    assert_true(req->repeatable && !req->non);
    snprintf(lib.posted, sizeof lib.posted, "%.*s", (int)req->body.len,
             (const char *)req->body.ptr);
    assert_int_equal(strlen(lib.posted), req->body.len);
    *out = 7;
    return IOT_OK;
}

static void end_request(iot_err err, uint8_t code)
{
    const struct iot_coap_request *req = lib.req;
    const struct iot_coap_head head = {.code = code};

    lib.req = NULL;
    if (code != 0) {
        assert_err(req->on->head(req->ctx, &head), IOT_OK);
        assert_err(req->on->body(req->ctx, 0, text_bytes("words")), IOT_OK);
    }
    req->on->end(req->ctx, err, 0);
}

iot_err iot_coap_cancel(struct iot_coap *c, iot_ticket ticket)
{
    (void)c;
    assert_int_equal(ticket, 7);
    lib.cancels++;
    lib.wake = true;
    lib.mute = false;
    lib.err = IOT_ERR_CLOSED;
    lib.code = 0;
    return IOT_OK;
}

uint32_t iot_poll(struct iot_device *dev, uint32_t now_ms)
{
    (void)dev;
    (void)now_ms;
    lib.wake = false;
    if (lib.req != NULL && !lib.mute)
        end_request(lib.err, lib.code);
    return IOT_MS_NEVER;
}

uint32_t iot_sleep_ms(const struct iot_device *dev, uint32_t now_ms)
{
    (void)dev;
    (void)now_ms;
    return lib.wake ? 0 : IOT_MS_NEVER;
}

bool iot_coap_idle(const struct iot_coap *c)
{
    (void)c;
    return lib.parks > 0 && !lib.busy;
}

iot_err iot_coap_park(struct iot_coap *c)
{
    (void)c;
    assert_null(lib.req);
    lib.parks++;
    lib.wake = true;
    return IOT_OK;
}

void iot_coap_counters(const struct iot_coap *c, struct iot_coap_counters *out)
{
    (void)c;
    memset(out, 0, sizeof *out);
}

void iot_coap_tls_memory(const struct iot_coap *c, struct iot_tls_memory *out)
{
    (void)c;
    memset(out, 0, sizeof *out);
}

/* ---- Wakes --------------------------------------------------------------------------------------- */

static uint32_t now;

static int setup(void **state)
{
    (void)state;
    memset(&store, 0, sizeof store);
    now = UINT32_MAX - 20; /* it wraps soon */
    return 0;
}

/* RAM as after power: the sensor's and the library's. */
static void boot(int16_t tenths)
{
    const struct sensor_options options = {.port = &stored, .host = "h", .key = BYTES("k")};

    memset(&lib, 0, sizeof lib);
    lib.code = IOT_COAP_CODE(2, 4);
    phase = LOAD;
    online = ended = false;
    memset(&kept, 0xa5, sizeof kept);
    memset(&report, 0, sizeof report);
    store.sets = store.waited = 0;
    assert_err(sensor_start(&options, tenths, now), IOT_OK);
}

/* Until it is asleep, or wants nothing more. It never asks for more than the wake may last. */
static void live(void)
{
    for (uint32_t i = 0; i < POLLS_MAX && !sensor_asleep(); i++) {
        uint32_t ms = sensor_poll(now);
        if (ms == IOT_MS_NEVER)
            break;
        assert_true(ms <= SENSOR_AWAKE_MS);
        now += ms;
    }
}

static void wakes(int16_t tenths)
{
    boot(tenths);
    sensor_online();
}

static void posts(int16_t tenths, const char *body_text)
{
    wakes(tenths);
    live();
    assert_true(sensor_asleep());
    assert_int_equal(lib.requests, 1);
    assert_string_equal(lib.posted, body_text);
    assert_true(sensor_report()->arrived);
    assert_int_equal(store.sets, 2);
}

/* One whose reading does not arrive. */
static void fails(int16_t tenths, iot_err err, uint8_t code)
{
    wakes(tenths);
    lib.err = err;
    lib.code = code;
    live();
    assert_true(sensor_asleep());
    assert_int_equal(lib.requests, 1);
    assert_false(sensor_report()->arrived);
    assert_err(sensor_report()->err, err);
    assert_int_equal(sensor_report()->code, code);
    assert_int_equal(store.sets, 1);
}

static void readings_are_numbered_from_1_on(void **state)
{
    (void)state;
    posts(215, "{\"n\":1,\"t\":[215]}");
    posts(-7, "{\"n\":2,\"t\":[-7]}");
    posts(0, "{\"n\":3,\"t\":[0]}");
    assert_int_equal(sensor_report()->first, 3);
    assert_int_equal(sensor_report()->count, 1);
}

static void it_offers_what_a_sleepy_sensor_wants(void **state)
{
    (void)state;
    posts(1, "{\"n\":1,\"t\":[1]}");
    assert_int_equal(lib.opt->tls->kinds, IOT_TLS_PSK);
    assert_true(lib.opt->dtls->cid);
    assert_non_null(lib.opt->dtls->context_key);
    assert_string_not_equal(lib.opt->dtls->context_key, KEPT_KEY);
    assert_bytes(lib.opt->tls->psk, BYTES("k"));
}

static void what_is_not_acknowledged_is_posted_again_with_its_number(void **state)
{
    (void)state;
    posts(1, "{\"n\":1,\"t\":[1]}");
    fails(2, IOT_ERR_COAP_TIMEOUT, 0);
    fails(3, IOT_OK, IOT_COAP_CODE(4, 3));
    fails(4, IOT_OK, IOT_COAP_CODE(5, 3));
    fails(5, IOT_ERR_COAP_BLOCK, IOT_COAP_CODE(2, 4)); /* half an answer is none */
    posts(6, "{\"n\":2,\"t\":[2,3,4,5,6]}");
    posts(7, "{\"n\":7,\"t\":[7]}");
}

static void when_too_many_wait_the_oldest_is_given_up(void **state)
{
    char want[256], *to = want;
    (void)state;
    for (int16_t i = 0; i < (int16_t)SENSOR_READINGS_MAX; i++)
        fails((int16_t)(INT16_MIN + i), IOT_ERR_COAP_TIMEOUT, 0);
    assert_int_equal(sensor_report()->count, SENSOR_READINGS_MAX);
    to += sprintf(to, "{\"n\":2,\"t\":[");
    for (int i = 1; i < (int)SENSOR_READINGS_MAX; i++)
        to += sprintf(to, "%d,", INT16_MIN + i);
    sprintf(to, "-1]}");
    posts(-1, want);
    posts(5, "{\"n\":18,\"t\":[5]}");
}

static void the_longest_body_fits(void **state)
{
    struct kept full = {.first = UINT32_MAX - SENSOR_READINGS_MAX, .count = SENSOR_READINGS_MAX};
    (void)state;
    for (uint32_t i = 0; i < SENSOR_READINGS_MAX; i++)
        full.value[i] = INT16_MIN;
    memcpy(store.value, &full, sizeof full);
    store.len = sizeof full;
    store.there = true;
    wakes(INT16_MIN);
    live();
    assert_true(strlen(lib.posted) > 130 && strlen(lib.posted) <= BODY_BYTES);
}

static void nobody_sees_a_number_that_is_not_in_the_store(void **state)
{
    (void)state;
    wakes(1);
    store.fail_at = 1;
    live();
    assert_true(sensor_asleep());
    assert_int_equal(lib.requests, 0);
    assert_err(sensor_report()->err, IOT_ERR_KV);
    store.fail_at = 0;
    posts(2, "{\"n\":1,\"t\":[2]}");
    assert_int_equal(lib.sets_before, 1);
}

static void what_cannot_be_crossed_out_is_posted_again(void **state)
{
    (void)state;
    wakes(1);
    store.fail_at = 2;
    live();
    assert_true(sensor_asleep());
    assert_true(sensor_report()->arrived);
    store.fail_at = 0;
    posts(2, "{\"n\":1,\"t\":[1,2]}");
}

static void a_slow_store_is_asked_until_it_answers(void **state)
{
    (void)state;
    store.slow = 5;
    posts(1, "{\"n\":1,\"t\":[1]}");
    posts(2, "{\"n\":2,\"t\":[2]}");
}

static void a_store_that_cannot_be_read_is_left_alone(void **state)
{
    static const iot_err errs[] = {IOT_ERR_KV, IOT_ERR_SIZE};
    (void)state;
    posts(1, "{\"n\":1,\"t\":[1]}");
    for (uint32_t i = 0; i < COUNT(errs); i++) {
        wakes(2);
        store.get_err = errs[i];
        live();
        assert_true(sensor_asleep());
        assert_int_equal(lib.requests + store.sets, 0);
        assert_err(sensor_report()->err, errs[i]);
    }
    store.get_err = IOT_OK;
    store.len--;
    wakes(2);
    live();
    assert_err(sensor_report()->err, IOT_ERR_KV);
    store.len++;
    ((struct kept *)(void *)store.value)->count = SENSOR_READINGS_MAX + 1;
    wakes(2);
    live();
    assert_err(sensor_report()->err, IOT_ERR_KV);
    assert_int_equal(lib.requests + store.sets, 0);
}

static void without_a_network_it_sleeps_again_in_time(void **state)
{
    uint32_t began = now;
    (void)state;
    boot(1);
    live();
    assert_true(sensor_asleep());
    assert_int_equal(now - began, SENSOR_AWAKE_MS);
    assert_int_equal(lib.requests, 0);
    assert_false(sensor_report()->arrived);
    assert_err(sensor_report()->err, IOT_ERR_UDP_ROUTE);
    posts(2, "{\"n\":1,\"t\":[1,2]}");
}

static void a_network_may_come_late(void **state)
{
    (void)state;
    boot(1);
    for (uint32_t i = 0; i < 10; i++)
        sensor_poll(now);
    now += SENSOR_AWAKE_MS - 1;
    assert_true(sensor_poll(now) <= 1);
    assert_int_equal(lib.requests, 0);
    sensor_online();
    live();
    assert_true(sensor_report()->arrived);
}

static void without_an_answer_it_sleeps_again_in_time(void **state)
{
    uint32_t began = now;
    (void)state;
    wakes(1);
    lib.mute = true;
    live();
    assert_true(sensor_asleep());
    assert_int_equal(now - began, SENSOR_AWAKE_MS);
    assert_int_equal(lib.cancels, 1);
    assert_err(sensor_report()->err, IOT_ERR_CLOSED);
    posts(2, "{\"n\":1,\"t\":[1,2]}");
}

static void it_is_not_asleep_before_the_association_is_kept(void **state)
{
    (void)state;
    wakes(1);
    lib.busy = true;
    for (uint32_t i = 0; i < 20; i++)
        sensor_poll(now);
    assert_false(sensor_asleep());
    assert_true(lib.parks > 0);
    lib.busy = false;
    live();
    assert_true(sensor_asleep());
}

static void options_that_cannot_work_are_told(void **state)
{
    const struct sensor_options options = {.port = &stored};
    (void)state;
    memset(&lib, 0, sizeof lib);
    lib.init_err = IOT_ERR_ARG;
    assert_err(sensor_start(&options, 1, now), IOT_ERR_ARG);
    wakes(1);
    lib.start_err = IOT_ERR_SIZE;
    live();
    assert_true(sensor_asleep());
    assert_err(sensor_report()->err, IOT_ERR_SIZE);
    posts(2, "{\"n\":1,\"t\":[1,2]}");
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(readings_are_numbered_from_1_on),
        TEST(it_offers_what_a_sleepy_sensor_wants),
        TEST(what_is_not_acknowledged_is_posted_again_with_its_number),
        TEST(when_too_many_wait_the_oldest_is_given_up),
        TEST(the_longest_body_fits),
        TEST(nobody_sees_a_number_that_is_not_in_the_store),
        TEST(what_cannot_be_crossed_out_is_posted_again),
        TEST(a_slow_store_is_asked_until_it_answers),
        TEST(a_store_that_cannot_be_read_is_left_alone),
        TEST(without_a_network_it_sleeps_again_in_time),
        TEST(a_network_may_come_late),
        TEST(without_an_answer_it_sleeps_again_in_time),
        TEST(it_is_not_asleep_before_the_association_is_kept),
        TEST(options_that_cannot_work_are_told),
    };
    return cmocka_run_group_tests_name("sensor", tests, NULL, NULL);
}

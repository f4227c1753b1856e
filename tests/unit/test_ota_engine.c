/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "fake_http.h"
#include "iot/iot_device.h"
#include "ota/iot_ota_engine.h"
#include "ram_slot.h"

#define BYTES_ALL 5000u
#define TURNS_MAX 100000

static struct ram_slot ram, mcu;
static struct ram_kv kv;
static struct iot_http web;
static struct iot_ota ota;
static struct iot_ota_job job;
static struct iot_ota_options opt;
static struct iot_ota_module modules[2];
static uint8_t bytes[BYTES_ALL], arena[4096] __attribute__((aligned(8)));
static uint8_t key[IOT_ECDSA_KEY_BYTES] = {4};
static iot_time now;
static bool mark;

/* What happens, a letter each: O offered, R ready, F failed; u, b, e: URL asked, block asked, ended; + and -: room. */
static char log_text[64];
static uint32_t progress_count, last_bytes, told_count, asks;
static iot_err last_err, ended_err, room_says;
static int32_t last_detail;
static void (*in_event)(const struct iot_ota_event *ev);
static struct iot_ota_job renewed;

static void note(char what)
{
    size_t n = strlen(log_text);
    assert_true(n + 1 < sizeof log_text);
    log_text[n] = what;
    log_text[n + 1] = '\0';
}

static void on_event(void *ctx, struct iot_ota *o, const struct iot_ota_event *ev)
{
    assert_ptr_equal(ctx, &opt);
    assert_ptr_equal(o, &ota);
    assert_non_null(ev->module);
    assert_ptr_equal(ev->job, iot_ota_job(&ota));
    last_bytes = ev->bytes;
    last_err = ev->err;
    last_detail = ev->detail;
    if (ev->what == IOT_OTA_PROGRESS)
        progress_count++;
    else
        note("O?RF"[ev->what]);
    if (in_event != NULL)
        in_event(ev);
}

static iot_err ask_url(void *ctx, const struct iot_ota_job *about)
{
    (void)ctx;
    (void)about;
    note('u');
    return iot_ota_offer(&ota, &renewed);
}

static void progress(void *ctx, const struct iot_ota_job *about, uint32_t at)
{
    (void)ctx;
    assert_true(at <= about->size);
    told_count++;
}

static void ended(void *ctx, const struct iot_ota_job *about, iot_err err, int32_t detail)
{
    (void)ctx;
    (void)detail;
    assert_ptr_equal(about, iot_ota_job(&ota));
    ended_err = err;
    note('e');
}

static iot_err make_room(void *ctx, bool wanted)
{
    (void)ctx;
    note(wanted ? '+' : '-');
    asks++;
    assert_false(web.connected); /* its memory is not given away under its feet */
    return room_says;
}

static const struct iot_ota_cloud cloud = {
    .ask_url = ask_url, .progress = progress, .ended = ended, .make_room = make_room};

static void make_job(const char *version, const char *module)
{
    struct iot_digest d;

    memset(&job, 0, sizeof job);
    job.size = BYTES_ALL;
    strcpy(job.version, version);
    strcpy(job.module, module);
    strcpy(job.url, "https://ota.example.com/a");
    iot_digest_begin(&d, IOT_DIGEST_SHA256);
    iot_digest_put(&d, (struct iot_bytes){bytes, BYTES_ALL});
    iot_digest_end(&d, job.digest);
}

static int setup(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    ram_slot_init(&ram);
    ram_slot_init(&mcu);
    ram_kv_init(&kv);
    fake_init(&web, bytes, BYTES_ALL);
    web.portion = 10;
    modules[0] = (struct iot_ota_module){"", "1.9", &ram.slot};
    modules[1] = (struct iot_ota_module){"mcu", "3", &mcu.slot};
    memset(&opt, 0, sizeof opt);
    opt.modules = modules;
    opt.module_count = 2;
    opt.http = &web;
    opt.port = &kv.port;
    opt.on_event = on_event;
    opt.ctx = &opt;
    make_job("1.10", "");
    renewed = job;
    now = 5000;
    log_text[0] = '\0';
    progress_count = told_count = asks = 0;
    in_event = NULL;
    room_says = IOT_OK;
    assert_err(iot_ota_engine_init(&ota, &opt, &mark), IOT_OK);
    iot_ota_serve(&ota, &cloud, NULL);
    return 0;
}

static void turn(void)
{
    iot_time next;

    ota.part.ops->run(&ota.part, now);
    next = ota.part.ops->deadline(&ota.part);
    if (fake_tick(&web))
        now++;
    else if (next != IOT_TIME_NEVER && next > now)
        now = next;
}

static void run(void)
{
    for (int i = 0; i < TURNS_MAX && (ota.state != IOT_OTA_NONE); i++)
        turn();
}

static void run_to(uint32_t at)
{
    for (int i = 0; i < TURNS_MAX && ota.fetch.image.at < at; i++)
        turn();
}

static void accept(const struct iot_ota_event *ev)
{
    if (ev->what == IOT_OTA_OFFERED)
        assert_err(iot_ota_accept(&ota), IOT_OK);
}

static void refuse(const struct iot_ota_event *ev)
{
    if (ev->what == IOT_OTA_OFFERED)
        assert_err(iot_ota_refuse(&ota), IOT_OK);
}

static void assert_log(const char *want)
{
    assert_string_equal(log_text, want);
}

static void an_offer_that_is_accepted_becomes_ready(void **state)
{
    (void)state;
    in_event = accept;
    assert_null(iot_ota_job(&ota));
    assert_err(iot_ota_offer(&ota, &job), IOT_OK);
    assert_false(ota.part.ops->idle(&ota.part));
    run();
    assert_log("OeR");
    assert_true(ram.chosen && !mcu.chosen);
    assert_int_equal(last_bytes, BYTES_ALL);
    assert_err(ended_err, IOT_OK);
    assert_int_equal(progress_count, 101); /* a per cent each */
    assert_int_equal(told_count, 101);
    assert_true(ota.part.ops->idle(&ota.part));
    assert_int_equal(ota.part.ops->deadline(&ota.part), IOT_TIME_NEVER);
}

static void without_a_handler_everything_is_accepted(void **state)
{
    (void)state;
    opt.on_event = NULL;
    strcpy(job.module, "mcu");
    assert_err(iot_ota_offer(&ota, &job), IOT_OK);
    run();
    assert_log("e");
    assert_true(mcu.chosen && !ram.chosen);
    job.is_diff = true; /* nobody there who could apply it */
    strcpy(job.version, "1.11");
    assert_err(iot_ota_offer(&ota, &job), IOT_OK);
    run();
    assert_log("ee");
    assert_err(ended_err, IOT_ERR_OTA_REFUSED);
    assert_int_equal(web.requests, 1);
}

static void an_offer_waits_and_comes_again_when_it_is_deferred(void **state)
{
    (void)state;
    job.ext = BYTES("{}");
    assert_err(iot_ota_offer(&ota, &job), IOT_OK);
    assert_log("O");
    assert_null(iot_ota_job(&ota)->ext.ptr);
    assert_int_equal(ota.part.ops->deadline(&ota.part), IOT_TIME_NEVER);
    assert_true(ota.part.ops->idle(&ota.part));
    turn();
    assert_err(iot_ota_defer(&ota, 60000), IOT_OK);
    now += 1000000; /* no tick for long */
    iot_time later = now + 60000;
    turn();
    assert_int_equal(now, later);
    assert_log("O");
    turn();
    assert_log("OO");
    assert_int_equal(now, later);
    assert_err(iot_ota_defer(&ota, IOT_MS_NEVER), IOT_OK);
    turn();
    assert_int_equal(ota.part.ops->deadline(&ota.part), IOT_TIME_NEVER);
    assert_err(iot_ota_accept(&ota), IOT_OK);
    assert_err(iot_ota_accept(&ota), IOT_ERR_STATE);
    assert_err(iot_ota_defer(&ota, 1), IOT_ERR_STATE);
    assert_err(iot_ota_refuse(&ota), IOT_ERR_STATE);
    run();
    assert_log("OOeR");
}

/* Called outside of a tick they make the next one look. */
static void every_call_marks_the_device(void **state)
{
    (void)state;
#define MARKS(call)                                                                                \
    mark = false;                                                                                  \
    assert_true((call) == IOT_OK && mark)
    opt.on_event = NULL;
    MARKS(iot_ota_offer(&ota, &job));
    opt.on_event = on_event;
    setup(state);
    MARKS(iot_ota_start(&ota, &job));
    run_to(1000);
    MARKS(iot_ota_pause(&ota));
    MARKS(iot_ota_resume(&ota));
    MARKS(iot_ota_cancel(&ota));
    run();
    assert_err(iot_ota_offer(&ota, &job), IOT_OK);
    MARKS(iot_ota_defer(&ota, 0));
    MARKS(iot_ota_accept(&ota));
    mark = false;
    ota.part.ops->close(&ota.part);
    assert_true(mark);
}

static void a_refusal_is_told(void **state)
{
    (void)state;
    in_event = refuse;
    assert_err(iot_ota_offer(&ota, &job), IOT_OK);
    assert_log("O");
    run();
    assert_log("OeF");
    assert_err(ended_err, IOT_ERR_OTA_REFUSED);
    assert_int_equal(web.requests + kv.sets, 0);
    assert_err(iot_ota_refuse(&ota), IOT_ERR_STATE);
    assert_err(iot_ota_cancel(&ota), IOT_ERR_STATE);
    assert_err(iot_ota_pause(&ota), IOT_ERR_STATE);
    assert_err(iot_ota_resume(&ota), IOT_ERR_STATE);
}

static void jobs_that_cannot_be_are_refused_by_name(void **state)
{
    static const char *const urls[] = {"",         "ftp://a/b",    "http://",  "https:///a",
                                       "//host/a", "https://:80/", "HTTPS//a", "http://?a"};
    (void)state;
    for (uint32_t i = 0; i < COUNT(urls); i++) {
        strcpy(job.url, urls[i]);
        assert_err(iot_ota_start(&ota, &job), IOT_ERR_HTTP_URL);
    }
    make_job("2", "");
    job.size = 0;
    assert_err(iot_ota_start(&ota, &job), IOT_ERR_OTA_SIZE);
    make_job("2", "wifi");
    assert_err(iot_ota_start(&ota, &job), IOT_ERR_OTA_MODULE);
    make_job("2", "");
    job.by_mqtt = true;
    assert_err(iot_ota_start(&ota, &job), IOT_ERR_OTA_JOB);
    assert_log("");
    assert_null(iot_ota_job(&ota));
    make_job("2", "default"); /* the device itself has two names */
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run();
    assert_log("eR");
}

static bool allow_none(void *ctx, const struct iot_ota_module *m, const struct iot_ota_job *j)
{
    assert_ptr_equal(ctx, &opt);
    return strcmp(m->version, "1.9") != 0 || strcmp(j->version, "9") != 0;
}

static void versions_are_judged_by_the_policy(void **state)
{
    static const struct {
        enum iot_ota_policy policy;
        const char *version;
        bool taken;
    } rows[] = {
        {IOT_OTA_ANY, "1.0", true},        {IOT_OTA_ANY, "1.9", true},
        {IOT_OTA_NEWER, "1.8", false},     {IOT_OTA_NEWER, "1.9", false},
        {IOT_OTA_NEWER, "1.9.0", false},   {IOT_OTA_NEWER, "1.10", true},
        {IOT_OTA_DIFFERENT, "1.9", false}, {IOT_OTA_DIFFERENT, "1.8", true},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        setup(state);
        opt.policy = rows[i].policy;
        make_job(rows[i].version, "");
        assert_err(iot_ota_offer(&ota, &job), rows[i].taken ? IOT_OK : IOT_ERR_OTA_VERSION);
        assert_log(rows[i].taken ? "O" : "");
    }
    setup(state);
    opt.allow = allow_none;
    make_job("9", "");
    assert_err(iot_ota_offer(&ota, &job), IOT_ERR_OTA_VERSION);
    make_job("8", "");
    assert_err(iot_ota_offer(&ota, &job), IOT_OK);
}

static void the_same_job_again_only_brings_its_url(void **state)
{
    (void)state;
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run_to(2000);
    strcpy(job.url, "https://ota.example.com/b");
    assert_err(iot_ota_offer(&ota, &job), IOT_OK);
    assert_string_equal(iot_ota_job(&ota)->url, "https://ota.example.com/a"); /* in use */
    run();
    assert_log("eR");
    assert_int_equal(web.requests, 1);
    setup(state);
    assert_err(iot_ota_offer(&ota, &job), IOT_OK);
    strcpy(job.url, "https://ota.example.com/b");
    assert_err(iot_ota_offer(&ota, &job), IOT_OK);
    assert_log("O"); /* asked once */
    assert_string_equal(iot_ota_job(&ota)->url, "https://ota.example.com/b");
}

static void an_expired_url_comes_anew(void **state)
{
    (void)state;
    web.status[0] = 403;
    strcpy(renewed.url, "https://ota.example.com/c");
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run();
    assert_log("ueR");
    assert_string_equal(web.last.url, "https://ota.example.com/c");
}

static void another_job_takes_the_place_of_the_one_under_way(void **state)
{
    (void)state;
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run_to(2000);
    make_job("1.11", "mcu");
    assert_err(iot_ota_offer(&ota, &job), IOT_ERR_FULL); /* for another module: later */
    make_job("1.11", "");
    assert_err(iot_ota_offer(&ota, &job), IOT_ERR_AGAIN);
    assert_err(iot_ota_offer(&ota, &job), IOT_ERR_AGAIN);
    run();
    assert_log("eF");
    assert_err(last_err, IOT_ERR_OTA_REPLACED);
    assert_false(ram.info.whole);
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run();
    assert_log("eFeR");
    assert_string_equal(ram.info.version, "1.11");
    setup(state); /* one that is only on offer gives way as well */
    assert_err(iot_ota_offer(&ota, &job), IOT_OK);
    make_job("1.11", "");
    assert_err(iot_ota_offer(&ota, &job), IOT_ERR_AGAIN);
    run();
    assert_log("OeF");
    assert_err(last_err, IOT_ERR_OTA_REPLACED);
}

static void start_again(const struct iot_ota_event *ev)
{
    if (ev->what == IOT_OTA_FAILED || ev->what == IOT_OTA_READY)
        assert_err(iot_ota_start(&ota, &job), IOT_ERR_AGAIN);
}

static void a_cancel_at_any_moment_ends_it(void **state)
{
    bool ready = false;
    (void)state;
    for (int at = 0; !ready; at += 7) {
        setup(state);
        in_event = start_again; /* from inside its end nothing new is taken */
        assert_err(iot_ota_start(&ota, &job), IOT_OK);
        for (int i = 0; i < at; i++)
            turn();
        if (ota.state == IOT_OTA_NONE || ota.state == IOT_OTA_ENDING)
            assert_err(iot_ota_cancel(&ota), IOT_ERR_STATE);
        else
            assert_err(iot_ota_cancel(&ota), IOT_OK);
        run();
        ready = ended_err == IOT_OK;
        assert_log(ready ? "eR" : "eF");
        assert_int_equal(web.phase, FAKE_READY);
    }
}

static void a_pause_holds_it_and_a_resume_goes_on(void **state)
{
    (void)state;
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run_to(2000);
    assert_err(iot_ota_pause(&ota), IOT_OK);
    for (int i = 0; i < 50; i++)
        turn();
    assert_int_equal(ota.part.ops->deadline(&ota.part), IOT_TIME_NEVER);
    assert_err(iot_ota_resume(&ota), IOT_OK);
    run();
    assert_log("eR");
    assert_int_equal(web.sent, BYTES_ALL);
}

static void a_closing_device_keeps_what_it_has(void **state)
{
    (void)state;
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run_to(2000);
    ota.part.ops->close(&ota.part);
    run();
    assert_log("eF");
    assert_err(last_err, IOT_ERR_CLOSED);
    assert_true(kv.there && ota.part.ops->idle(&ota.part));
    assert_err(iot_ota_start(&ota, &job), IOT_OK); /* before it has closed */
    run();
    assert_log("eFeF");
    assert_err(last_err, IOT_ERR_CLOSED);
    assert_true(kv.there);
    assert_int_equal(web.requests, 1);
    ota.part.ops->event(&ota.part, &(const struct iot_event){.kind = IOT_EV_CLOSED});
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run();
    assert_int_equal(web.last.range_from, 2000);
    setup(state);
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    ota.part.ops->close(&ota.part);
    run();
    assert_log("eF");
    ota.part.ops->close(&ota.part); /* nothing to end */
    assert_true(ota.part.ops->idle(&ota.part));
}

static void instead_of_mqtt_waits_for_room_and_gives_it_back(void **state)
{
    (void)state;
    opt.memory = IOT_OTA_INSTEAD_OF_MQTT;
    room_says = IOT_ERR_AGAIN;
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    for (int i = 0; i < 6; i++)
        turn();
    assert_int_equal(web.requests, 0);
    assert_true(strlen(log_text) >= 3);
    log_text[1] = '\0';
    room_says = IOT_OK;
    run();
    assert_log("++-eR");
    setup(state);
    opt.memory = IOT_OTA_INSTEAD_OF_MQTT;
    room_says = IOT_ERR_AGAIN;
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    turn();
    assert_err(iot_ota_cancel(&ota), IOT_OK);
    run();
    assert_log("+-eF");
}

static void a_url_is_asked_for_with_mqtt_back(void **state)
{
    (void)state;
    opt.memory = IOT_OTA_INSTEAD_OF_MQTT;
    opt.chunk = 2500;
    web.status[1] = 403; /* over a connection that is kept */
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run();
    assert_log("+-u+-eR");
    assert_int_equal(web.requests, 3);
    assert_true(ram.chosen);
}

static void a_pause_gives_the_memory_back(void **state)
{
    (void)state;
    opt.memory = IOT_OTA_INSTEAD_OF_MQTT;
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run_to(2000);
    assert_err(iot_ota_pause(&ota), IOT_OK);
    for (int i = 0; i < 50; i++)
        turn();
    assert_log("+-");
    assert_int_equal(ota.part.ops->deadline(&ota.part), IOT_TIME_NEVER);
    room_says = IOT_ERR_AGAIN;
    assert_err(iot_ota_resume(&ota), IOT_OK);
    turn();
    iot_time since = now;
    asks = 0;
    for (int i = 0; i < 10; i++) /* however often the device ticks for others */
        ota.part.ops->run(&ota.part, now);
    assert_in_range(asks, 0, 1);
    asks = 0;
    while (asks < 5)
        turn();
    assert_in_range(now - since, 4 * IOT_OTA_ROOM_MS, 6 * IOT_OTA_ROOM_MS);
    assert_int_equal(web.requests, 1);
    room_says = IOT_OK;
    run();
    assert_string_equal(log_text + strlen(log_text) - 5, "++-eR");
    assert_int_equal(web.requests, 2);
    assert_memory_equal(ram.bytes, bytes, BYTES_ALL);
}

static void what_fails_gives_the_memory_back_behind_http(void **state)
{
    (void)state;
    opt.memory = IOT_OTA_INSTEAD_OF_MQTT;
    job.digest[0] ^= 1;
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run_to(2000);
    assert_err(iot_ota_cancel(&ota), IOT_OK);
    run();
    assert_log("+-eF");
    setup(NULL);
    opt.memory = IOT_OTA_INSTEAD_OF_MQTT;
    opt.chunk = 2500;
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run_to(2400);
    web.start_err = IOT_ERR_STATE;
    for (int i = 0; i < 50; i++)
        turn();
    assert_true(web.connected); /* kept for the next range */
    assert_err(iot_ota_cancel(&ota), IOT_OK);
    run();
    assert_log("+-eF");
    assert_true(web.hang_ups != 0);
}

static void who_cannot_make_room_ends_it_by_that_name(void **state)
{
    (void)state;
    opt.memory = IOT_OTA_INSTEAD_OF_MQTT;
    room_says = IOT_ERR_SIZE;
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run();
    assert_log("+-eF");
    assert_err(last_err, IOT_ERR_SIZE);
    setup(NULL);
    opt.memory = IOT_OTA_INSTEAD_OF_MQTT;
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run_to(2000);
    assert_err(iot_ota_pause(&ota), IOT_OK);
    for (int i = 0; i < 50; i++)
        turn();
    room_says = IOT_ERR_SIZE;
    assert_err(iot_ota_resume(&ota), IOT_OK);
    run();
    assert_log("+-+-eF");
    assert_err(last_err, IOT_ERR_SIZE);
}

static void what_waits_for_room_again_can_be_ended(void **state)
{
    (void)state;
    for (int close = 0; close < 2; close++) {
        setup(NULL);
        opt.memory = IOT_OTA_INSTEAD_OF_MQTT;
        assert_err(iot_ota_start(&ota, &job), IOT_OK);
        run_to(2000);
        assert_err(iot_ota_pause(&ota), IOT_OK);
        for (int i = 0; i < 50; i++)
            turn();
        room_says = IOT_ERR_AGAIN;
        assert_err(iot_ota_resume(&ota), IOT_OK);
        for (int i = 0; i < 3; i++)
            turn();
        if (close)
            ota.part.ops->close(&ota.part);
        else
            assert_err(iot_ota_cancel(&ota), IOT_OK);
        run();
        assert_err(last_err, close ? IOT_ERR_CLOSED : IOT_ERR_OTA_REFUSED);
        assert_true(kv.there == (close != 0));
        assert_string_equal(log_text + strlen(log_text) - 3, "-eF");
    }
}

static iot_err bring(void *ctx, const struct iot_ota_job *about, uint32_t at, uint32_t n,
                     const struct iot_http_handlers *on, void *on_ctx)
{
    (void)ctx, (void)about, (void)at, (void)n, (void)on, (void)on_ctx;
    note('b');
    return IOT_OK;
}

static void what_comes_over_mqtt_needs_no_room(void **state)
{
    (void)state;
    struct iot_ota_cloud over = cloud;
    over.bring = bring;
    iot_ota_serve(&ota, &over, NULL);
    opt.memory = IOT_OTA_INSTEAD_OF_MQTT;
    job.by_mqtt = true;
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    for (int i = 0; i < 10; i++)
        turn();
    assert_null(strpbrk(log_text, "+-"));
    assert_int_equal(web.starts, 0);
}

static void plain_takes_http_and_wants_signatures(void **state)
{
    (void)state;
    opt.memory = IOT_OTA_PLAIN;
    assert_err(iot_ota_engine_init(&ota, &opt, &mark), IOT_ERR_ARG);
    opt.public_key = key;
    assert_err(iot_ota_engine_init(&ota, &opt, &mark), IOT_ERR_ARG); /* no arena */
    opt.arena = arena;
    opt.arena_bytes = 100;
    assert_err(iot_ota_engine_init(&ota, &opt, &mark), IOT_ERR_ARG);
    opt.arena_bytes = sizeof arena;
    assert_err(iot_ota_engine_init(&ota, &opt, &mark), IOT_OK);
    memcpy(job.url, "HTTPS", 5); /* schemes have no case */
    assert_err(iot_ota_start(&ota, &job), IOT_ERR_OTA_SIGNATURE);
    job.signature_bytes = 70;
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    assert_string_equal(iot_ota_job(&ota)->url, "http://ota.example.com/a");
    run();
    assert_err(last_err, IOT_ERR_ARG); /* that key is none */
    opt.public_key = NULL;
    opt.memory = IOT_OTA_BESIDE_MQTT;
    opt.module_count = 0;
    assert_err(iot_ota_engine_init(&ota, &opt, &mark), IOT_ERR_ARG);
}

static void failures_are_told_with_the_number_beside_them(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < FAKE_SCRIPT; n++)
        web.no_answer[n] = IOT_ERR_TCP_REFUSED;
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    run();
    assert_log("eF");
    assert_err(last_err, IOT_ERR_OTA_FAILED);
    assert_int_equal(last_detail, IOT_ERR_TCP_REFUSED);
}

static void versions_have_an_order(void **state)
{
    static const struct {
        const char *a, *b;
        int order; /* of a */
    } rows[] = {
        {"1", "1", 0},
        {"1.9", "1.10", -1},
        {"1.2", "1.2.0", 0},
        {"1.2", "1.2.1", -1},
        {"1.09", "1.9", 0},
        {"v1.2", "1.2", 0},
        {"V2", "v1", 1},
        {"2.0-rc1", "2.0", -1},
        {"2.0-rc1", "2.0-rc2", -1},
        {"2.0-rc2", "2.0-rc10", -1},
        {"1.0+b7", "1.0+b8", 0},
        {"", "0", 0},
        {"", "", 0},
        {"", "1", -1},
        {"1..2", "1.2", 0},
        {"alpha", "beta", -1},
        {"1_2_3", "1.2.3", 0},
        {"1.2a", "1.2", -1},
        {"20240101", "20231231", 1},
        {"99999999999999999999", "100000000000000000000", -1},
        {"0.0.0.1", "0", 1},
        {"\xff\xfe", "", 0},
        {"1.0-x", "1.0.1", -1},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        int order = iot_ota_compare(rows[i].a, rows[i].b);
        int back = iot_ota_compare(rows[i].b, rows[i].a);
        if ((order > 0) - (order < 0) != rows[i].order || (back > 0) - (back < 0) != -rows[i].order)
            fail_msg("%s and %s: %d, %d", rows[i].a, rows[i].b, order, back);
    }
}

static void errors_have_the_platforms_steps(void **state)
{
    static const struct {
        iot_err err;
        int step;
    } rows[] = {
        {IOT_OK, 0},
        {IOT_ERR_OTA_JOB, -1},
        {IOT_ERR_OTA_SIZE, -1},
        {IOT_ERR_OTA_VERSION, -1},
        {IOT_ERR_OTA_MODULE, -1},
        {IOT_ERR_OTA_REFUSED, -1},
        {IOT_ERR_OTA_REPLACED, -1},
        {IOT_ERR_CLOSED, -1},
        {IOT_ERR_SIZE, -1},
        {IOT_ERR_MQTT_REFUSED, -1},
        {IOT_ERR_DROPPED, -1},
        {IOT_ERR_HTTP_URL, -2},
        {IOT_ERR_HTTP_SLOW, -2},
        {IOT_ERR_HTTP_STATUS, -2},
        {IOT_ERR_NET_DOWN, -2},
        {IOT_ERR_TLS_VERIFY, -2},
        {IOT_ERR_TLS_CREDENTIAL, -2},
        {IOT_ERR_OTA_CHANGED, -2},
        {IOT_ERR_OTA_EXPIRED, -2},
        {IOT_ERR_OTA_FAILED, -2},
        {IOT_ERR_OTA_BLOCK, -2},
        {IOT_ERR_LINK_TIMEOUT, -2},
        {IOT_ERR_LINK_CODE, -2},
        {IOT_ERR_TCP_RESET, -2},
        {IOT_ERR_MQTT_MALFORMED, -1},
        {IOT_ERR_JSON_SYNTAX, -1},
        {IOT_ERR_OTA_METHOD, -3},
        {IOT_ERR_OTA_DIGEST, -3},
        {IOT_ERR_OTA_SIGNATURE, -3},
        {IOT_ERR_KV, -4},
        {IOT_ERR_FULL, -4},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT(rows); i++)
        if (iot_ota_step_of(rows[i].err) != rows[i].step)
            fail_msg("%s: %d", iot_err_name(rows[i].err), iot_ota_step_of(rows[i].err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, setup)
        T(an_offer_that_is_accepted_becomes_ready),
        T(without_a_handler_everything_is_accepted),
        T(an_offer_waits_and_comes_again_when_it_is_deferred),
        T(every_call_marks_the_device),
        T(a_refusal_is_told),
        T(jobs_that_cannot_be_are_refused_by_name),
        T(versions_are_judged_by_the_policy),
        T(the_same_job_again_only_brings_its_url),
        T(an_expired_url_comes_anew),
        T(another_job_takes_the_place_of_the_one_under_way),
        T(a_cancel_at_any_moment_ends_it),
        T(a_pause_holds_it_and_a_resume_goes_on),
        T(a_closing_device_keeps_what_it_has),
        T(instead_of_mqtt_waits_for_room_and_gives_it_back),
        T(a_url_is_asked_for_with_mqtt_back),
        T(a_pause_gives_the_memory_back),
        T(what_fails_gives_the_memory_back_behind_http),
        T(who_cannot_make_room_ends_it_by_that_name),
        T(what_waits_for_room_again_can_be_ended),
        T(what_comes_over_mqtt_needs_no_room),
        T(plain_takes_http_and_wants_signatures),
        T(failures_are_told_with_the_number_beside_them),
        T(versions_have_an_order),
        T(errors_have_the_platforms_steps),
    };
    return cmocka_run_group_tests_name("ota_engine", tests, NULL, NULL);
}

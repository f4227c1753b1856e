/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "fake_http.h"
#include "ota/iot_ota_fetch.h"
#include "ota/iot_ota_journal.h"
#include "ram_slot.h"

#define BYTES_ALL 5000u
#define TURNS_MAX 200000

static struct ram_slot ram;
static struct ram_kv kv;
static struct iot_http web;
static struct iot_ota_fetch fetch;
static struct iot_ota_job job;
static struct iot_ota_options opt;
static uint8_t bytes[BYTES_ALL], other[BYTES_ALL];
static iot_time now;
static iot_time waited;     /* in all, between two requests */
static const char *new_url; /* what is given when a URL is asked for; NULL: nothing */
static uint32_t urls_asked;

/* The cloud's own way: what is asked of it. */
static struct {
    const struct iot_http_handlers *on;
    void *ctx;
    uint32_t at, end, asked, stopped;
} file;

static iot_err ask_says;

static iot_err ask_url(void *ctx, const struct iot_ota_job *about)
{
    (void)ctx;
    assert_ptr_equal(about, &job);
    urls_asked++;
    if (ask_says == IOT_OK && new_url != NULL)
        assert_true(iot_ota_fetch_url(&fetch, new_url));
    return ask_says;
}

static iot_err bring(void *ctx, const struct iot_ota_job *about, uint32_t at, uint32_t n,
                     const struct iot_http_handlers *on, void *on_ctx)
{
    (void)ctx;
    assert_ptr_equal(about, &job);
    file.asked++;
    if (ask_says != IOT_OK)
        return ask_says;
    file.on = on;
    file.ctx = on_ctx;
    file.at = at;
    file.end = at + n;
    return IOT_OK;
}

static void bring_no_more(void *ctx)
{
    (void)ctx;
    assert_non_null(file.on);
    file.on = NULL;
    file.stopped++;
}

/* Some of it; its end, when that was the last, or it is to end by something else. */
static void file_tick(uint32_t most, iot_err end)
{
    const struct iot_http_handlers *on = file.on;
    uint32_t used, n = file.end - file.at < most ? file.end - file.at : most;

    if (on == NULL)
        return;
    iot_err err = end;
    if (n != 0 && err == IOT_OK) {
        err = on->body(file.ctx, file.at, (struct iot_bytes){bytes + file.at, n}, &used);
        file.at += used;
        if (err == IOT_ERR_AGAIN || (err == IOT_OK && file.at != file.end))
            return;
    }
    file.on = NULL;
    on->end(file.ctx, err, 5);
}

static const struct iot_ota_cloud cloud = {
    .ask_url = ask_url, .bring = bring, .bring_no_more = bring_no_more};

static void make_job(const uint8_t *of)
{
    struct iot_digest d;

    memset(&job, 0, sizeof job);
    job.size = BYTES_ALL;
    strcpy(job.version, "2.0");
    strcpy(job.url, "https://ota.example.com/a");
    iot_digest_begin(&d, IOT_DIGEST_SHA256);
    iot_digest_put(&d, (struct iot_bytes){of, BYTES_ALL});
    iot_digest_end(&d, job.digest);
}

static int setup(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 251);
        other[i] = (uint8_t)(i * 5 + i / 249);
    }
    ram_slot_init(&ram);
    ram_kv_init(&kv);
    fake_init(&web, bytes, BYTES_ALL);
    memset(&opt, 0, sizeof opt);
    opt.http = &web;
    opt.port = &kv.port;
    opt.attempts = 4;
    make_job(bytes);
    now = UINT32_MAX - 500u;
    waited = 0;
    new_url = NULL;
    urls_asked = 0;
    memset(&file, 0, sizeof file);
    ask_says = IOT_OK;
    return 0;
}

static void start(void)
{
    assert_err(iot_ota_fetch_start(&fetch, &opt, &ram.slot, &job, &cloud, NULL, now), IOT_OK);
}

/* One turn of the tick. A wait is over at once. */
static iot_err turn(void)
{
    iot_err err = iot_ota_fetch_step(&fetch, now);
    iot_time next = iot_ota_fetch_deadline(&fetch);

    if (err != IOT_ERR_AGAIN)
        return err;
    if (fake_tick(&web)) {
        now++;
        return err;
    }
    if (next == IOT_TIME_NEVER || next <= now)
        return err;
    waited += next - now;
    now = next;
    return err;
}

static iot_err run(void)
{
    iot_err err = IOT_ERR_AGAIN;

    for (int i = 0; i < TURNS_MAX && err == IOT_ERR_AGAIN; i++)
        err = turn();
    return err;
}

static void run_to(uint32_t at)
{
    for (int i = 0; i < TURNS_MAX && fetch.image.at < at; i++)
        assert_err(turn(), IOT_ERR_AGAIN);
}

static void reboot(void)
{
    web.phase = FAKE_READY;
    web.connected = false;
    web.hang_ups = 0;
    web.cut_at = UINT32_MAX;
    memset(&fetch, 0xa5, sizeof fetch);
    start();
}

static void assert_ready(void)
{
    assert_true(ram.info.whole && ram.chosen);
    assert_memory_equal(ram.bytes, bytes, BYTES_ALL);
    assert_false(kv.there);
    assert_int_equal(web.phase, FAKE_READY);
    assert_int_equal(iot_ota_fetch_deadline(&fetch), IOT_TIME_NEVER);
    assert_err(iot_ota_fetch_step(&fetch, now), IOT_OK);
}

static void assert_range(uint32_t from, uint32_t to)
{
    assert_true(web.last.has_range);
    assert_int_equal(web.last.range_from, from);
    assert_int_equal(web.last.range_to, to);
}

/* ---- What works --------------------------------------------------------------------------- */

static void one_request_brings_all_of_it(void **state)
{
    (void)state;
    opt.headers = "Accept: */*\r\n";
    start();
    assert_err(run(), IOT_OK);
    assert_ready();
    assert_int_equal(web.requests, 1);
    assert_false(web.last.has_range);
    assert_null(web.last.if_range);
    assert_string_equal(web.last.headers, "Accept: */*\r\n");
    assert_string_equal(web.last.url, "https://ota.example.com/a");
    assert_int_equal(kv.sets, 1);
    assert_int_equal(ram.calls[RAM_BEGIN], 1);
}

static void ranges_of_any_size_bring_it(void **state)
{
    static const uint32_t chunks[] = {1, 99, 1000, 2500, 4999, 5000, 5001, UINT32_MAX};
    (void)state;
    for (uint32_t i = 0; i < COUNT(chunks); i++) {
        setup(state);
        opt.chunk = chunks[i];
        web.portion = 333;
        start();
        assert_err(run(), IOT_OK);
        assert_ready();
        assert_int_equal(web.requests, (BYTES_ALL - 1) / chunks[i] + 1);
        if (web.requests > 1) {
            assert_range((web.requests - 1) * chunks[i], UINT32_MAX);
            assert_string_equal(web.last_if_range, "\"v1\"");
        }
        assert_int_equal(kv.sets, 1);
        assert_true(waited <=
                    IOT_OTA_BUSY_MS); /* for the end of the connection, not between them */
    }
}

static void ranges_that_fit_keep_head_and_body_in_one_record(void **state)
{
    static const uint32_t records[] = {1024, 1025, 2048, 4096, 600};
    static const uint32_t heads[] = {150, 300, 450};
    (void)state;
    for (uint32_t i = 0; i < COUNT(records) * COUNT(heads); i++) {
        setup(state);
        opt.fit = true;
        opt.record_bytes = web.record = records[i % COUNT(records)];
        web.head_bytes = heads[i / COUNT(records)];
        start();
        assert_err(run(), IOT_OK);
        assert_ready();
        /* Those after the first are as large as they can be. */
        uint32_t best = web.record - web.head_bytes - IOT_OTA_HEAD_MARGIN;
        best = best > IOT_OTA_FIT_MIN && best < web.record ? best : IOT_OTA_FIT_MIN;
        assert_true(web.requests <= 3 + BYTES_ALL / best);
    }
}

static void a_record_that_is_too_large_all_the_same_makes_ranges_smaller(void **state)
{
    (void)state;
    opt.fit = true;
    opt.record_bytes = 4096;
    web.record = 1000;  /* it says so, and is not so */
    web.head_bytes = 0; /* not known */
    start();
    assert_err(run(), IOT_OK);
    assert_ready();
    setup(state);
    opt.fit = true;
    strcpy(job.url, "http://ota.example.com/a"); /* no TLS, no records */
    start();
    assert_err(run(), IOT_OK);
    assert_int_equal(web.requests, 1);
}

static void a_slow_slot_and_a_slow_store_only_take_longer(void **state)
{
    (void)state;
    for (uint32_t again = 1; again < 4; again++) {
        setup(state);
        ram.again = kv.again = again;
        ram.portion = 70;
        opt.chunk = 2000;
        web.waits = again != 2;
        start();
        assert_err(run(), IOT_OK);
        assert_ready();
        assert_true(web.resumes > 0 || !web.waits);
    }
}

static void a_port_without_a_store_will_do(void **state)
{
    (void)state;
    kv.port.kv_get = NULL;
    kv.port.kv_set = NULL;
    kv.port.kv_del = NULL;
    start();
    assert_err(run(), IOT_OK);
    assert_ready();
    setup(state);
    kv.port.kv_get = NULL;
    start();
    run_to(2000);
    web.portion = 100;
    reboot();
    assert_err(run(), IOT_OK);
    assert_int_equal(ram.calls[RAM_BEGIN], web.sent > BYTES_ALL ? 2 : 1);
}

/* ---- Cuts --------------------------------------------------------------------------------- */

static void a_cut_connection_goes_on_at_that_byte(void **state)
{
    (void)state;
    for (uint32_t at = 0; at < BYTES_ALL; at += 61) {
        setup(state);
        web.portion = 100;
        web.cut_at = at;
        web.cut_err = at % 2 == 0 ? IOT_ERR_HTTP_CUT : IOT_ERR_TCP_RESET;
        start();
        assert_err(run(), IOT_OK);
        assert_ready();
        assert_int_equal(web.requests, 2);
        assert_int_equal(web.sent, BYTES_ALL);
        if (at != 0) {
            assert_range(at, UINT32_MAX);
            assert_string_equal(web.last_if_range, "\"v1\"");
        }
        assert_true(waited >= 500 && waited <= 1000);
    }
}

static void attempts_that_bring_nothing_are_counted_and_those_that_do_are_not(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 8; n++)
        web.no_answer[n] = IOT_ERR_TCP_TIMEOUT;
    start();
    assert_err(run(), IOT_ERR_OTA_FAILED);
    assert_int_equal(fetch.detail, IOT_ERR_TCP_TIMEOUT);
    assert_int_equal(web.requests, 4);
    assert_true(waited >= 3500 && waited <= 7000); /* 1, 2, 4 s, less chance */
    assert_int_equal(ram.calls[RAM_BEGIN] + kv.sets, 0);

    setup(state);
    opt.attempts = 2;
    web.limit = 100; /* every other request brings some */
    for (uint32_t n = 1; n < FAKE_SCRIPT; n += 2)
        web.no_answer[n] = IOT_ERR_HTTP_TIMEOUT;
    start();
    web.limit = 200;
    opt.chunk = 200;
    assert_err(run(), IOT_OK);
    assert_ready();
    assert_true(web.requests > 40);

    setup(state);
    opt.attempts = 0; /* the usual ones */
    for (uint32_t n = 0; n < FAKE_SCRIPT; n++)
        web.no_answer[n] = IOT_ERR_DNS_TIMEOUT;
    start();
    assert_err(run(), IOT_ERR_OTA_FAILED);
    assert_int_equal(web.requests, IOT_OTA_ATTEMPTS);
}

/* The record stays: offered again, it goes on. */
static void what_was_given_up_goes_on_when_it_is_offered_again(void **state)
{
    (void)state;
    web.cut_at = 2500;
    for (uint32_t n = 1; n < FAKE_SCRIPT; n++)
        web.no_answer[n] = IOT_ERR_TCP_REFUSED;
    start();
    assert_err(run(), IOT_ERR_OTA_FAILED);
    assert_true(kv.there);
    memset(web.no_answer, 0, sizeof web.no_answer);
    start();
    assert_err(run(), IOT_OK);
    assert_ready();
    assert_int_equal(web.last.range_from, 2500);
    assert_int_equal(ram.calls[RAM_BEGIN], 1);
}

static void a_reboot_goes_on_where_the_slot_was_durable(void **state)
{
    (void)state;
    ram.sector = 512;
    web.portion = 100;
    for (uint32_t at = 100; at < BYTES_ALL; at += 700) {
        setup(state);
        ram.sector = 512;
        web.portion = 100;
        start();
        run_to(at);
        at = fetch.image.at;
        reboot();
        assert_err(run(), IOT_OK);
        assert_ready();
        assert_int_equal(web.requests, 2);
        if (at >= 512)
            assert_range(at - at % 512, UINT32_MAX);
        else
            assert_false(web.last.has_range);
        assert_int_equal(ram.calls[RAM_BEGIN], at >= 512 ? 1 : 2);
    }
}

static void a_reboot_after_the_slot_was_done_asks_for_nothing(void **state)
{
    (void)state;
    start();
    while (!ram.info.whole)
        assert_err(turn(), IOT_ERR_AGAIN);
    assert_false(ram.chosen);
    reboot();
    assert_err(run(), IOT_OK);
    assert_ready();
    assert_int_equal(web.requests, 1);
    /* ... but what rotted meanwhile is fetched anew. */
    setup(state);
    start();
    while (!ram.info.whole)
        assert_err(turn(), IOT_ERR_AGAIN);
    ram.bytes[99] ^= 1;
    reboot();
    assert_err(run(), IOT_OK);
    assert_ready();
    assert_int_equal(web.requests, 2);
}

static void a_record_of_anything_else_is_as_none(void **state)
{
    char etag[IOT_HTTP_ETAG_MAX + 1];
    uint8_t good[256];
    uint32_t len;
    (void)state;
    web.portion = 100;
    start();
    run_to(2000);
    assert_err(iot_ota_journal_read(&kv.port, &job, etag), IOT_OK);
    assert_string_equal(etag, "\"v1\"");
    len = kv.len;
    memcpy(good, kv.value, len);
    for (kv.len = 0; kv.len < len + 3; kv.len++)
        assert_err(iot_ota_journal_read(&kv.port, &job, etag),
                   kv.len == len ? IOT_OK : IOT_ERR_STATE);
    kv.len = len;
    for (uint32_t bit = 0; bit < len * 8; bit++) {
        bool in_etag = bit / 8 >= 43; /* behind "2.0" */
        kv.value[bit / 8] ^= (uint8_t)(1u << bit % 8);
        iot_err err = iot_ota_journal_read(&kv.port, &job, etag);
        if (!in_etag)
            assert_err(err, IOT_ERR_STATE);
        else if (err == IOT_OK)
            assert_true(strlen(etag) == 4 && strpbrk(etag, "\r\n ") == NULL);
        kv.value[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    kv.value[44] = '\r'; /* no line of a header */
    assert_err(iot_ota_journal_read(&kv.port, &job, etag), IOT_ERR_STATE);
    memcpy(kv.value, good, len);
    kv.value[3] = IOT_HTTP_ETAG_MAX + 1; /* longer than there is room for */
    kv.len = 43 + IOT_HTTP_ETAG_MAX + 1;
    memset(kv.value + 43, 'x', IOT_HTTP_ETAG_MAX + 1);
    kv.value[43] = kv.value[kv.len - 1] = '"';
    assert_err(iot_ota_journal_read(&kv.port, &job, etag), IOT_ERR_STATE);
    memcpy(kv.value, good, len);
    kv.len = len;
    assert_err(iot_ota_journal_read(&kv.port, &job, etag), IOT_OK);
    struct iot_ota_job another = job;
    another.digest[31] ^= 1;
    assert_err(iot_ota_journal_read(&kv.port, &another, etag), IOT_ERR_STATE);
    assert_string_equal(etag, "");
    another = job;
    strcpy(another.module, "mcu");
    assert_err(iot_ota_journal_read(&kv.port, &another, etag), IOT_ERR_STATE);
    kv.fail_get = IOT_ERR_KV;
    assert_err(iot_ota_journal_read(&kv.port, &job, etag), IOT_ERR_STATE);
    kv.fail_get = IOT_ERR_SIZE;
    assert_err(iot_ota_journal_read(&kv.port, &job, etag), IOT_ERR_STATE);
    kv.fail_get = IOT_OK;
    kv.value[0]++; /* another form: from zero, though the slot would fit */
    reboot();
    assert_err(run(), IOT_OK);
    assert_ready();
    assert_int_equal(ram.calls[RAM_BEGIN], 2);
    assert_false(web.last.has_range);
}

static void a_longest_version_and_etag_fit_the_record(void **state)
{
    static char longest[IOT_HTTP_ETAG_MAX + 1];
    char etag[IOT_HTTP_ETAG_MAX + 1];
    (void)state;
    memset(longest, 'e', IOT_HTTP_ETAG_MAX);
    longest[0] = longest[IOT_HTTP_ETAG_MAX - 1] = '"';
    memset(job.version, '9', IOT_SLOT_VERSION_MAX);
    assert_err(iot_ota_journal_write(&kv.port, &job, longest), IOT_OK);
    assert_err(iot_ota_journal_read(&kv.port, &job, etag), IOT_OK);
    assert_string_equal(etag, longest);
}

/* ---- What changed ------------------------------------------------------------------------- */

static void a_200_to_a_range_begins_anew_and_never_appends(void **state)
{
    (void)state;
    web.portion = 100;
    web.cut_at = 2500;
    web.no_ranges = true;
    start();
    assert_err(run(), IOT_OK);
    assert_ready();
    assert_int_equal(web.requests, 2);
    assert_int_equal(web.sent, 2500 + BYTES_ALL);
    assert_int_equal(ram.calls[RAM_BEGIN], 2);
}

static void a_server_without_ranges_on_a_bad_line_is_given_up_in_the_end(void **state)
{
    (void)state;
    web.portion = 100;
    web.no_ranges = true;
    web.cut_at = web.cut_every = 2500;
    start();
    assert_err(run(), IOT_ERR_OTA_FAILED);
    assert_true(web.requests >= 3 && web.requests <= 6);
}

/* Cut in the middle; then the server has another image of that name. */
static void change_at_half(bool know_etags, bool honours_if_range)
{
    web.portion = 100;
    web.cut_at = 2500;
    web.bytes = other;
    web.etag = know_etags ? "\"v1\"" : "";
    web.no_if_range = !honours_if_range;
    start();
    run_to(2500);
    web.bytes = bytes; /* this is the one of the job */
    web.etag = know_etags ? "\"v2\"" : "";
}

static void an_image_that_changed_on_the_server_begins_anew(void **state)
{
    (void)state;
    change_at_half(true, true); /* 200, as If-Range says */
    assert_err(run(), IOT_OK);
    assert_ready();
    assert_int_equal(web.requests, 2);
    setup(state);
    change_at_half(true, false); /* a 206 with another ETag */
    assert_err(run(), IOT_OK);
    assert_ready();
    assert_int_equal(web.requests, 3);
    setup(state);
    change_at_half(false, false); /* nothing tells, but the digest */
    assert_err(run(), IOT_OK);
    assert_ready();
    assert_int_equal(web.requests, 3);
    assert_int_equal(ram.calls[RAM_BEGIN], 2);
    setup(state); /* a 206 that has lost its ETag says as little */
    change_at_half(true, false);
    web.etag = "";
    assert_err(run(), IOT_OK);
    assert_ready();
    assert_int_equal(ram.calls[RAM_BEGIN], 2);
    setup(state); /* and so over a reboot */
    change_at_half(true, false);
    reboot();
    assert_err(run(), IOT_OK);
    assert_ready();
    assert_int_equal(web.requests, 3);
    setup(state);
    change_at_half(false, true);
    reboot();
    assert_err(run(), IOT_OK);
    assert_ready();
}

/* The record is this image's, the slot is not: power went between the two. */
static void a_slot_of_another_image_that_looks_alike_is_found_out(void **state)
{
    (void)state;
    assert_err(iot_ota_journal_write(&kv.port, &job, "\"v1\""), IOT_OK);
    assert_err(ram_begin(&ram, BYTES_ALL, "2.0"), IOT_OK);
    uint32_t used;
    assert_err(ram_write(&ram, other, 3000, &used), IOT_OK);
    start();
    assert_err(run(), IOT_OK);
    assert_ready();
    assert_int_equal(web.requests, 2);
}

static void a_wrong_digest_of_one_image_is_final(void **state)
{
    (void)state;
    web.bytes = other;
    start();
    assert_err(run(), IOT_ERR_OTA_DIGEST);
    assert_int_equal(web.requests, 1);
    assert_false(ram.info.whole || ram.chosen || kv.there);
    setup(state); /* also in parts, if the ETag stayed */
    web.bytes = other;
    opt.chunk = 1000;
    start();
    assert_err(run(), IOT_ERR_OTA_DIGEST);
    assert_int_equal(web.requests, 5);
    setup(state); /* without: it may have been two. Not for ever. */
    web.bytes = other;
    web.etag = "";
    opt.chunk = 1000;
    start();
    assert_err(run(), IOT_ERR_OTA_FAILED);
    assert_int_equal(fetch.detail, IOT_ERR_OTA_CHANGED);
    assert_false(ram.info.whole || ram.chosen);
}

static void another_length_than_the_jobs_is_never_taken(void **state)
{
    (void)state;
    for (uint32_t chunk = 0; chunk <= 1000; chunk += 1000) {
        for (int more = -1; more <= 1; more += 2) {
            setup(state);
            opt.chunk = chunk;
            web.size = (uint32_t)((int)BYTES_ALL - 100 + more);
            start();
            assert_err(run(), IOT_ERR_OTA_FAILED);
            assert_int_equal(fetch.detail, IOT_ERR_OTA_CHANGED);
            assert_int_equal(web.sent + ram.calls[RAM_BEGIN], 0);
        }
    }
    setup(state); /* without lengths it is seen later */
    web.no_length = true;
    web.extra = 1;
    start();
    assert_err(run(), IOT_ERR_OTA_FAILED);
    assert_int_equal(fetch.detail, IOT_ERR_OTA_CHANGED);
    assert_false(ram.info.whole);
    setup(state);
    web.no_length = true;
    web.size -= 1;
    start();
    assert_err(run(), IOT_ERR_OTA_FAILED);
    assert_int_equal(fetch.detail, IOT_ERR_OTA_CHANGED);
    setup(state); /* and when it fits, it does */
    web.no_length = true;
    start();
    assert_err(run(), IOT_OK);
    assert_ready();
}

static void a_206_without_a_total_is_not_appended(void **state)
{
    (void)state;
    web.no_total = true;
    opt.chunk = 1000;
    start();
    assert_err(run(), IOT_ERR_OTA_FAILED);
    assert_int_equal(fetch.detail, IOT_ERR_HTTP_RANGE);
    assert_int_equal(fetch.failures, 4);
}

static void a_206_from_elsewhere_is_not_appended(void **state)
{
    (void)state;
    for (int32_t by = -1; by <= 1; by += 2) {
        setup(state);
        web.portion = 100;
        web.cut_at = 2500;
        web.wrong_from = by;
        start();
        assert_err(run(), IOT_ERR_OTA_FAILED);
        assert_int_equal(fetch.detail, IOT_ERR_HTTP_RANGE);
        assert_int_equal(ram.taken, 2500);
    }
}

/* Its memory may be lent to the signature. */
static void the_connection_is_gone_before_the_image_is_checked(void **state)
{
    (void)state;
    for (int kept = 0; kept < 2; kept++) {
        setup(state);
        start();
        if (kept) { /* the image is whole already, and the client has a connection of somebody else's */
            while (!ram.info.whole)
                assert_err(turn(), IOT_ERR_AGAIN);
            reboot();
            web.connected = true;
        }
        iot_err err = IOT_ERR_AGAIN;
        bool checked = false;
        for (int i = 0; i < TURNS_MAX && err == IOT_ERR_AGAIN; i++) {
            uint32_t reads = ram.calls[RAM_READ];
            bool idle = iot_http_idle(&web);
            err = turn();
            if (ram.calls[RAM_READ] != reads) {
                assert_true(idle);
                checked = true;
            }
        }
        assert_true(checked);
        assert_ready();
    }
}

static void responses_that_end_too_early_in_good_order_are_followed_by_others(void **state)
{
    (void)state;
    opt.chunk = 2000;
    web.short_by = 500;
    start();
    assert_err(run(), IOT_OK);
    assert_ready();
    setup(state);
    web.short_by = 500; /* but a 200 is all there is */
    start();
    assert_err(run(), IOT_ERR_OTA_FAILED);
    assert_int_equal(fetch.detail, IOT_ERR_OTA_CHANGED);
}

static void a_416_begins_anew(void **state)
{
    (void)state;
    web.portion = 100;
    web.cut_at = 2500;
    web.status[1] = 416;
    start();
    assert_err(run(), IOT_OK);
    assert_ready();
    assert_int_equal(web.requests, 3);
    assert_int_equal(ram.calls[RAM_BEGIN], 2);
}

/* ---- What the server says ----------------------------------------------------------------- */

static void a_server_in_trouble_is_asked_again_later(void **state)
{
    static const uint16_t codes[] = {500, 502, 503, 504, 429, 400, 401, 204, 304, 302};
    (void)state;
    for (uint32_t i = 0; i < COUNT(codes); i++) {
        setup(state);
        web.status[0] = web.status[1] = codes[i];
        start();
        assert_err(run(), IOT_OK);
        assert_ready();
        assert_int_equal(web.requests, 3);
        assert_true(waited >= 1500 && waited <= 3000);
    }
    setup(state);
    for (uint32_t n = 0; n < 8; n++)
        web.status[n] = 503;
    start();
    assert_err(run(), IOT_ERR_OTA_FAILED);
    assert_int_equal(fetch.detail, IOT_ERR_HTTP_STATUS);
}

static void an_expired_url_is_asked_for_anew_and_it_goes_on(void **state)
{
    static const uint16_t codes[] = {403, 404, 410};
    (void)state;
    for (uint32_t i = 0; i < COUNT(codes); i++) {
        setup(state);
        web.portion = 100;
        web.cut_at = 2500;
        web.status[1] = codes[i];
        new_url = "https://ota.example.com/b";
        start();
        assert_err(run(), IOT_OK);
        assert_ready();
        assert_int_equal(urls_asked, 1);
        assert_string_equal(web.last.url, new_url);
        assert_range(2500, UINT32_MAX);
    }
}

static void urls_that_expire_again_and_again_are_given_up(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 8; n++)
        web.status[n] = 403;
    new_url = "https://ota.example.com/b";
    start();
    assert_err(run(), IOT_ERR_OTA_FAILED);
    assert_int_equal(fetch.detail, IOT_ERR_OTA_EXPIRED);
    assert_int_equal(urls_asked, 3);
    setup(state); /* nobody answers: the old one is tried again */
    for (uint32_t n = 0; n < 8; n++)
        web.status[n] = 403;
    start();
    assert_err(run(), IOT_ERR_OTA_FAILED);
    assert_true(waited >= IOT_OTA_URL_MS);
    setup(state); /* nobody can be asked now, and then it goes */
    web.status[0] = 403;
    ask_says = IOT_ERR_FULL;
    start();
    while (urls_asked < 5)
        assert_err(turn(), IOT_ERR_AGAIN);
    ask_says = IOT_OK;
    new_url = "https://ota.example.com/b";
    assert_err(run(), IOT_OK);
    setup(state); /* nobody to ask */
    web.status[0] = 403;
    assert_err(iot_ota_fetch_start(&fetch, &opt, &ram.slot, &job, NULL, NULL, now), IOT_OK);
    assert_err(run(), IOT_ERR_OTA_EXPIRED);
    assert_int_equal(fetch.detail, 403);
}

static void a_url_that_is_none_ends_it_by_name(void **state)
{
    (void)state;
    strcpy(job.url, "ftp://a/b");
    start();
    assert_err(run(), IOT_ERR_HTTP_URL);
    setup(state);
    web.start_err = IOT_ERR_STATE; /* the client is somebody else's for a while */
    start();
    while (web.starts < 20)
        assert_err(turn(), IOT_ERR_AGAIN);
    web.start_err = IOT_OK;
    assert_err(run(), IOT_OK);
    assert_ready();
}

static void a_url_is_not_changed_under_a_request(void **state)
{
    (void)state;
    web.portion = 100;
    start();
    run_to(500);
    assert_false(iot_ota_fetch_url(&fetch, "https://ota.example.com/b"));
    assert_string_equal(job.url, "https://ota.example.com/a");
    assert_err(run(), IOT_OK);
}

/* ---- Slot, store, application ------------------------------------------------------------- */

static void a_slot_or_a_store_that_fails_is_final_and_told_by_name(void **state)
{
    (void)state;
    for (int call = 0; call < RAM_CALLS; call++) {
        setup(state);
        ram.fail = call;
        ram.fail_err = call % 2 == 0 ? IOT_ERR_KV : IOT_ERR_FULL;
        start();
        assert_err(run(), ram.fail_err);
        assert_false(ram.chosen || kv.there);
        assert_true(web.requests <= 1);
        assert_int_equal(iot_ota_step_of(ram.fail_err), -4);
    }
    setup(state);
    kv.fail_set = IOT_ERR_FULL;
    start();
    assert_err(run(), IOT_ERR_FULL);
    assert_int_equal(ram.calls[RAM_BEGIN], 0); /* the record comes first */
    setup(state);
    kv.fail_del = IOT_ERR_KV;
    start();
    assert_err(run(), IOT_OK);
    assert_true(ram.chosen);
}

static void an_image_larger_than_the_slot_is_refused_before_it_is_asked_for(void **state)
{
    (void)state;
    ram.info.room = BYTES_ALL - 1;
    start();
    assert_err(run(), IOT_ERR_OTA_SIZE);
    assert_int_equal(web.requests + ram.calls[RAM_BEGIN] + kv.sets, 0);
    job.size = 0;
    assert_err(iot_ota_fetch_start(&fetch, &opt, &ram.slot, &job, &cloud, NULL, now),
               IOT_ERR_OTA_SIZE);
}

static void a_pause_loses_nothing(void **state)
{
    (void)state;
    web.portion = 100;
    start();
    run_to(2000);
    assert_err(iot_ota_fetch_pause(&fetch, false), IOT_ERR_STATE);
    assert_err(iot_ota_fetch_pause(&fetch, true), IOT_OK);
    assert_err(iot_ota_fetch_pause(&fetch, true), IOT_ERR_STATE);
    for (int i = 0; i < 100; i++)
        assert_err(turn(), IOT_ERR_AGAIN);
    assert_int_equal(iot_ota_fetch_deadline(&fetch), IOT_TIME_NEVER);
    assert_int_equal(web.phase, FAKE_READY);
    assert_err(iot_ota_fetch_pause(&fetch, false), IOT_OK);
    assert_err(run(), IOT_OK);
    assert_ready();
    assert_int_equal(web.sent, BYTES_ALL);
    assert_int_equal(web.requests, 2);
    assert_err(iot_ota_fetch_pause(&fetch, true), IOT_ERR_STATE);
}

/* At each turn once: it ends by that name, and nobody refers to it any more. */
static void a_stop_at_any_moment_ends_it(void **state)
{
    int turns = 0;
    iot_err err = IOT_ERR_AGAIN;
    (void)state;
    for (int at = 0; err != IOT_OK; at++) {
        setup(state);
        ram.again = kv.again = 1;
        web.portion = 400;
        start();
        err = IOT_ERR_AGAIN;
        for (turns = 0; turns < at && err == IOT_ERR_AGAIN; turns++)
            err = turn();
        bool late = fetch.state >= IOT_FETCH_FORGET;
        iot_ota_fetch_stop(&fetch, IOT_ERR_OTA_REPLACED, at % 2 == 0);
        iot_ota_fetch_stop(&fetch, IOT_ERR_CLOSED, false);
        if (err == IOT_ERR_AGAIN)
            assert_err(run(), late ? IOT_OK : IOT_ERR_OTA_REPLACED);
        assert_int_equal(web.phase, FAKE_READY);
        if (kv.sets != 0 && !late)
            assert_int_equal(kv.there, at % 2 == 0);
    }
    assert_true(turns > 40);
}

/* ---- The cloud's own way ------------------------------------------------------------------ */

static iot_err run_file(uint32_t most)
{
    iot_err err = IOT_ERR_AGAIN;

    for (int i = 0; i < TURNS_MAX && err == IOT_ERR_AGAIN; i++) {
        err = turn();
        file_tick(most, IOT_OK);
    }
    return err;
}

static void by_mqtt(void)
{
    job.by_mqtt = true;
    job.url[0] = '\0';
    start();
}

static void an_image_comes_by_the_clouds_own_connection(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        setup(state);
        opt.chunk = i < 3 ? 700 : 0;
        ram.again = i == 2 ? 3 : 0;
        ram.portion = i == 2 ? 100 : 0;
        by_mqtt();
        assert_err(run_file(i == 1 ? 99 : UINT32_MAX), IOT_OK);
        assert_true(ram.chosen);
        assert_memory_equal(ram.bytes, bytes, BYTES_ALL);
        assert_int_equal(file.asked, i < 3 ? 8 : 1);
        assert_int_equal(web.starts + web.hang_ups + web.resumes, 0);
    }
    setup(state);
    job.by_mqtt = true;
    assert_err(iot_ota_fetch_start(&fetch, &opt, &ram.slot, &job, NULL, NULL, now),
               IOT_ERR_OTA_JOB);
}

/* Signatures may be verified in memory of HTTP's: an image that came without it has to wait for that, too. */
static void a_connection_of_http_is_gone_before_such_an_image_is_checked(void **state)
{
    iot_err err = IOT_ERR_AGAIN;
    uint32_t checks = 0;
    (void)state;

    by_mqtt();
    web.connected = true; /* somebody else's, and kept */
    for (int i = 0; i < TURNS_MAX && err == IOT_ERR_AGAIN; i++) {
        uint32_t reads = ram.calls[RAM_READ];
        bool idle = iot_http_idle(&web);
        err = turn();
        file_tick(500, IOT_OK);
        assert_true(idle || ram.calls[RAM_READ] == reads);
        checks += ram.calls[RAM_READ] != reads;
    }
    assert_err(err, IOT_OK);
    assert_true(checks != 0);
}

static void what_the_clouds_connection_says_is_tried_again_too(void **state)
{
    (void)state;
    by_mqtt();
    while (fetch.image.at < 1000) {
        assert_err(turn(), IOT_ERR_AGAIN);
        file_tick(500, IOT_OK);
    }
    file_tick(0, IOT_ERR_LINK_TIMEOUT);
    assert_err(run_file(500), IOT_OK); /* behind what it has */
    assert_int_equal(file.asked, 2);
    assert_true(ram.chosen);
    setup(state);
    by_mqtt();
    iot_err err = IOT_ERR_AGAIN;
    for (int i = 0; i < TURNS_MAX && err == IOT_ERR_AGAIN; i++) {
        err = turn();
        file_tick(0, IOT_ERR_LINK_CODE);
    }
    assert_err(err, IOT_ERR_OTA_FAILED);
    assert_int_equal(fetch.detail, IOT_ERR_LINK_CODE);
    assert_int_equal(file.asked, 4);
    setup(state); /* not now, and then it goes */
    ask_says = IOT_ERR_FULL;
    by_mqtt();
    while (file.asked < 20)
        assert_err(turn(), IOT_ERR_AGAIN);
    ask_says = IOT_OK;
    assert_err(run_file(500), IOT_OK);
    setup(state); /* never */
    ask_says = IOT_ERR_SIZE;
    by_mqtt();
    assert_err(run_file(500), IOT_ERR_SIZE);
}

static void the_clouds_connection_is_stopped_for_a_pause_and_at_an_end(void **state)
{
    (void)state;
    by_mqtt();
    while (fetch.image.at < 1000) {
        assert_err(turn(), IOT_ERR_AGAIN);
        file_tick(500, IOT_OK);
    }
    assert_err(iot_ota_fetch_pause(&fetch, true), IOT_OK);
    assert_int_equal(file.stopped, 1);
    for (int i = 0; i < 10; i++)
        assert_err(turn(), IOT_ERR_AGAIN);
    assert_int_equal(file.asked, 1);
    assert_err(iot_ota_fetch_pause(&fetch, false), IOT_OK);
    assert_err(turn(), IOT_ERR_AGAIN);
    assert_int_equal(file.at, 1000);
    iot_ota_fetch_stop(&fetch, IOT_ERR_OTA_REFUSED, false);
    assert_int_equal(file.stopped, 2);
    assert_err(run(), IOT_ERR_OTA_REFUSED);
    assert_false(kv.there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, setup)
        T(one_request_brings_all_of_it),
        T(ranges_of_any_size_bring_it),
        T(ranges_that_fit_keep_head_and_body_in_one_record),
        T(a_record_that_is_too_large_all_the_same_makes_ranges_smaller),
        T(a_slow_slot_and_a_slow_store_only_take_longer),
        T(a_port_without_a_store_will_do),
        T(a_cut_connection_goes_on_at_that_byte),
        T(attempts_that_bring_nothing_are_counted_and_those_that_do_are_not),
        T(what_was_given_up_goes_on_when_it_is_offered_again),
        T(a_reboot_goes_on_where_the_slot_was_durable),
        T(a_reboot_after_the_slot_was_done_asks_for_nothing),
        T(a_record_of_anything_else_is_as_none),
        T(a_longest_version_and_etag_fit_the_record),
        T(a_200_to_a_range_begins_anew_and_never_appends),
        T(a_server_without_ranges_on_a_bad_line_is_given_up_in_the_end),
        T(an_image_that_changed_on_the_server_begins_anew),
        T(a_slot_of_another_image_that_looks_alike_is_found_out),
        T(a_wrong_digest_of_one_image_is_final),
        T(another_length_than_the_jobs_is_never_taken),
        T(a_206_without_a_total_is_not_appended),
        T(a_206_from_elsewhere_is_not_appended),
        T(the_connection_is_gone_before_the_image_is_checked),
        T(responses_that_end_too_early_in_good_order_are_followed_by_others),
        T(a_416_begins_anew),
        T(a_server_in_trouble_is_asked_again_later),
        T(an_expired_url_is_asked_for_anew_and_it_goes_on),
        T(urls_that_expire_again_and_again_are_given_up),
        T(a_url_that_is_none_ends_it_by_name),
        T(a_url_is_not_changed_under_a_request),
        T(a_slot_or_a_store_that_fails_is_final_and_told_by_name),
        T(an_image_larger_than_the_slot_is_refused_before_it_is_asked_for),
        T(a_pause_loses_nothing),
        T(a_stop_at_any_moment_ends_it),
        T(an_image_comes_by_the_clouds_own_connection),
        T(a_connection_of_http_is_gone_before_such_an_image_is_checked),
        T(what_the_clouds_connection_says_is_tried_again_too),
        T(the_clouds_connection_is_stopped_for_a_pause_and_at_an_end),
    };
    return cmocka_run_group_tests_name("ota_fetch", tests, NULL, NULL);
}

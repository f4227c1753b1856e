/* SPDX-License-Identifier: Apache-2.0 */
/* Images over MQTT: the binary answer, whatever is wrong with it, and the way from block to block. */
#include "alink_line.h"
#include "link/iot_link_file.h"

#define OWN       "a1B2c3D4e5F/dev001"
#define DOWN      "/sys/" OWN "/thing/file/download"
#define REPLY     DOWN "_reply"
#define BYTES_MAX 4096u

static const struct iot_link_identity who = {.product_key = "a1B2c3D4e5F", .device_name = "dev001"};
static const struct iot_ota_job job = {
    .by_mqtt = true, .size = 1600, .stream_id = 7001, .file_id = 1};
static struct iot_link_file file;
static uint8_t image[BYTES_MAX], got[BYTES_MAX], answer[BYTES_MAX + 512];
static uint32_t got_bytes, takes, answer_bytes; /* takes: what the consumer takes at once */
static iot_err body_says;
static char ended[64];

static iot_err on_body(void *ctx, uint32_t offset, struct iot_bytes part, uint32_t *used)
{
    assert_ptr_equal(ctx, got);
    assert_int_equal(offset, got_bytes);
    assert_true(part.len != 0);
    *used = part.len < takes ? part.len : takes;
    memcpy(got + got_bytes, part.ptr, *used);
    got_bytes += *used;
    return body_says != IOT_OK ? body_says : *used < part.len ? IOT_ERR_AGAIN : IOT_OK;
}

static void on_end(void *ctx, iot_err err, int32_t detail)
{
    assert_ptr_equal(ctx, got);
    assert_true(iot_link_file_idle(&file));
    snprintf(ended + strlen(ended), sizeof ended - strlen(ended), "end(%s,%d)", iot_err_name(err),
             (int)detail);
}

static const struct iot_http_handlers handlers = {.body = on_body, .end = on_end};

static int setup(void **state)
{
    (void)state;
    line_setup(&who);
    line.alink.up = true;
    memset(&file, 0, sizeof file);
    for (uint32_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 7 + i / 256);
    got_bytes = 0;
    takes = UINT32_MAX;
    body_says = IOT_OK;
    ended[0] = 0;
    return 0;
}

/* Put together a message: header, data, check sum. */
static void frame(const char *header, const void *data, uint32_t n)
{
    uint32_t len = (uint32_t)strlen(header);
    uint16_t crc = iot_link_crc16(0, (struct iot_bytes){data, n});

    answer[0] = (uint8_t)(len >> 8);
    answer[1] = (uint8_t)len;
    memcpy(answer + 2, header, len);
    memcpy(answer + 2 + len, data, n);
    answer[2 + len + n] = (uint8_t)crc;
    answer[3 + len + n] = (uint8_t)(crc >> 8);
    answer_bytes = 4 + len + n;
}

static void block(uint32_t id, uint32_t total, uint32_t offset, uint32_t n)
{
    char header[256];

    snprintf(header, sizeof header,
             "{\"id\":\"%u\",\"code\":200,\"msg\":\"success\",\"data\":{\"fileToken\":\"default\","
             "\"fileLength\":%u,\"bSize\":%u,\"bOffset\":%u}}",
             id, total, n, offset);
    frame(header, image + offset, n);
}

static iot_err hear_bytes(uint32_t n)
{
    struct iot_msg msg = {.topic = {REPLY, sizeof REPLY - 1, 0},
                          .payload = {at_guard(answer, n), n}};
    heap_trap_on();
    iot_err err = iot_link_file_take(&file, &line.alink, &msg);
    heap_trap_off();
    return err;
}

static iot_err hear(void)
{
    return hear_bytes(answer_bytes);
}

static void run(iot_time now)
{
    line.alink.now = now;
    heap_trap_on();
    iot_link_file_run(&file, &line.alink, now);
    heap_trap_off();
}

static void begin(uint32_t at, uint32_t bytes)
{
    assert_err(iot_link_file_begin(&file, &job, at, 0, bytes, &handlers, got), IOT_OK);
    got_bytes = at;
}

/* Exactly one request was sent since the last look. */
static void assert_asked(uint32_t id, uint32_t size, uint32_t offset)
{
    char want[256];

    snprintf(want, sizeof want,
             "{\"id\":\"%u\",\"version\":\"1.0\",\"params\":{\"fileToken\":\"default\","
             "\"fileInfo\":{\"streamId\":7001,\"fileId\":1},\"fileBlock\":{\"size\":%u,"
             "\"offset\":%u}}}",
             id, size, offset);
    assert_int_equal(line.sent, 1);
    assert_string_equal(line.topic, DOWN);
    assert_string_equal(line.payload, want);
    assert_int_equal(line.qos, 0);
    line.sent = 0;
}

#define assert_ended(words)                                                                        \
    do {                                                                                           \
        assert_string_equal(ended, words);                                                         \
        ended[0] = 0;                                                                              \
    } while (0)

/* ---- The block ------------------------------------------------------------------------------- */

static void the_check_sum_is_the_protocols(void **state)
{
    uint8_t all[256];

    (void)state;
    for (uint32_t i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    assert_int_equal(iot_link_crc16(0, BYTES("123456789")), 0xbb3d);
    assert_int_equal(iot_link_crc16(0, (struct iot_bytes){all, 256}), 0xbad3);
    assert_int_equal(iot_link_crc16(0, (struct iot_bytes){NULL, 0}), 0);
    assert_int_equal(iot_link_crc16(iot_link_crc16(0, BYTES("1234")), BYTES("56789")), 0xbb3d);
}

static void the_protocols_answer_is_read(void **state)
{
    struct iot_link_block b;

    (void)state;
    frame("{\"id\":\"7\",\"code\":200,\"msg\":\"success\",\"data\":{\"fileToken\":\"ft01\","
          "\"fileLength\":20480,\"bSize\":9,\"bOffset\":0}}",
          "123456789", 9);
    assert_int_equal(answer[answer_bytes - 2], 0x3d);
    assert_int_equal(answer[answer_bytes - 1], 0xbb);
    assert_err(iot_link_block_read((struct iot_bytes){answer, answer_bytes}, &b), IOT_OK);
    assert_int_equal(b.id, 7);
    assert_int_equal(b.code, 200);
    assert_int_equal(b.total, 20480);
    assert_int_equal(b.offset, 0);
    assert_bytes(b.data, BYTES("123456789"));
    frame("{\"data\":{\"bOffset\":5,\"bSize\":9,\"fileLength\":14},\"message\":\"success\","
          "\"code\":200,\"id\":7}",
          "123456789", 9);
    assert_err(iot_link_block_read((struct iot_bytes){answer, answer_bytes}, &b), IOT_OK);
    assert_int_equal(b.offset, 5);
}

static void refusals_are_read_with_or_without_a_frame(void **state)
{
    static const char refusal[] = "{\"id\":\"7\",\"code\":6100,\"msg\":\"no\"}";
    struct iot_link_block b;

    (void)state;
    frame(refusal, "", 0);
    for (uint32_t less = 0; less <= 2; less += 2) { /* without the check sum of nothing, too */
        assert_err(iot_link_block_read((struct iot_bytes){answer, answer_bytes - less}, &b),
                   IOT_ERR_LINK_CODE);
        assert_int_equal(b.id, 7);
        assert_int_equal(b.code, 6100);
    }
    assert_err(iot_link_block_read(text_bytes(refusal), &b), IOT_ERR_LINK_CODE);
    assert_int_equal(b.code, 6100);
    assert_err(
        iot_link_block_read(text_bytes("{\"id\":\"7\",\"code\":200,\"data\":{\"fileLength\":1,"
                                       "\"bSize\":1,\"bOffset\":0}}"),
                            &b),
        IOT_ERR_OTA_BLOCK);
}

static void an_answer_cut_anywhere_is_none(void **state)
{
    struct iot_link_block b;

    (void)state;
    block(7, 1600, 256, 64);
    for (uint32_t n = 0; n < answer_bytes; n++) {
        iot_err err = iot_link_block_read((struct iot_bytes){at_guard(answer, n), n}, &b);
        assert_err(err, IOT_ERR_OTA_BLOCK);
        assert_int_equal(b.data.len == 0 || b.data.ptr != NULL, true);
    }
    assert_err(iot_link_block_read((struct iot_bytes){answer, answer_bytes + 1}, &b),
               IOT_ERR_OTA_BLOCK);
}

static void each_changed_byte_of_a_block_is_noticed(void **state)
{
    struct iot_link_block b;

    (void)state;
    block(7, 1600, 256, 64);
    for (uint32_t i = answer_bytes - 66; i < answer_bytes; i++) {
        answer[i] ^= 0x10;
        assert_err(iot_link_block_read((struct iot_bytes){answer, answer_bytes}, &b),
                   IOT_ERR_OTA_BLOCK);
        answer[i] ^= 0x10;
    }
    assert_err(iot_link_block_read((struct iot_bytes){answer, answer_bytes}, &b), IOT_OK);
}

static void hostile_headers_are_named(void **state)
{
    static const struct {
        const char *header;
        iot_err err;
    } rows[] = {
        {"", IOT_ERR_JSON_SYNTAX},
        {"nonsense", IOT_ERR_JSON_SYNTAX},
        {"[]", IOT_ERR_JSON_MISSING},
        {"{}", IOT_ERR_JSON_MISSING},
        {"{\"id\":\"7\"}", IOT_ERR_JSON_MISSING},
        {"{\"id\":\"7\",\"code\":200}", IOT_ERR_JSON_MISSING},
        {"{\"id\":\"7\",\"code\":\"200\",\"data\":{}}", IOT_ERR_JSON_TYPE},
        {"{\"id\":\"x\",\"code\":200,\"data\":{}}", IOT_ERR_JSON_TYPE},
        {"{\"id\":\"7\",\"code\":200,\"data\":[]}", IOT_ERR_JSON_MISSING},
        {"{\"id\":\"7\",\"code\":200,\"data\":{\"fileLength\":9,\"bSize\":9}}",
         IOT_ERR_JSON_MISSING},
        {"{\"id\":\"7\",\"code\":200,\"data\":{\"fileLength\":9,\"bOffset\":0}}",
         IOT_ERR_JSON_MISSING},
        {"{\"id\":\"7\",\"code\":200,\"data\":{\"bSize\":9,\"bOffset\":0}}", IOT_ERR_JSON_MISSING},
        {"{\"id\":\"7\",\"code\":200,\"data\":{\"fileLength\":9,\"bSize\":-9,\"bOffset\":0}}",
         IOT_ERR_JSON_RANGE},
        {"{\"id\":\"7\",\"code\":200,\"data\":{\"fileLength\":9,\"bSize\":4294967295,\"bOffset\":0}"
         "}",
         IOT_ERR_OTA_BLOCK},
        {"{\"id\":\"7\",\"code\":200,\"data\":{\"fileLength\":9,\"bSize\":8,\"bOffset\":0}}",
         IOT_ERR_OTA_BLOCK},
        {"{\"id\":\"7\",\"code\":200,\"data\":{\"fileLength\":9,\"bSize\":10,\"bOffset\":0}}",
         IOT_ERR_OTA_BLOCK},
    };
    struct iot_link_block b;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        frame(rows[i].header, "123456789", 9);
        iot_err err = iot_link_block_read(
            (struct iot_bytes){at_guard(answer, answer_bytes), answer_bytes}, &b);
        if (err != rows[i].err)
            fail_msg("%s: %s", rows[i].header, iot_err_name(err));
    }
    answer[0] = answer[1] = 0xff; /* a header longer than the message */
    assert_err(iot_link_block_read((struct iot_bytes){answer, 300}, &b), IOT_ERR_OTA_BLOCK);
}

/* ---- Block by block -------------------------------------------------------------------------- */

static void an_image_comes_block_by_block(void **state)
{
    (void)state;
    begin(0, 512);
    for (uint32_t at = 0, id = 1; at < job.size; id++) {
        uint32_t n = job.size - at < 512 ? job.size - at : 512;
        run(id);
        assert_asked(id, n, at);
        assert_int_equal(iot_link_file_deadline(&file, &line.alink), id + 10000);
        assert_ended("");
        block(id, job.size, at, n);
        assert_err(hear(), IOT_OK);
        at += n;
        assert_int_equal(got_bytes, at);
    }
    assert_ended("end(OK,0)");
    assert_memory_equal(got, image, job.size);
    assert_int_equal(iot_link_file_deadline(&file, &line.alink), IOT_TIME_NEVER);
    run(100);
    assert_int_equal(line.sent, 0);
}

static void a_part_of_an_image_is_fetched_and_no_more(void **state)
{
    (void)state;
    assert_err(iot_link_file_begin(&file, &job, 512, 700, 512, &handlers, got), IOT_OK);
    got_bytes = 512;
    run(1);
    assert_asked(1, 512, 512);
    block(1, job.size, 512, 512);
    assert_err(hear(), IOT_OK);
    run(2);
    assert_asked(2, 188, 1024);
    assert_ended("");
    block(2, job.size, 1024, 188);
    assert_err(hear(), IOT_OK);
    assert_ended("end(OK,0)");
    assert_err(iot_link_file_begin(&file, &job, 1500, UINT32_MAX, 512, &handlers, got), IOT_OK);
    run(3);
    assert_asked(3, 100, 1500);
}

static void the_window_bounds_the_block(void **state)
{
    static const uint32_t room = (IOT_MQTT_RX_BYTES - 291) & ~15u;
    static const uint32_t asked[][2] = {{0, room},         {1, 256},     {256, 256},
                                        {257, 257},        {room, room}, {room + 1, room},
                                        {UINT32_MAX, room}};

    (void)state;
    for (size_t i = 0; i < COUNT(asked); i++) {
        uint32_t want = asked[i][1] < job.size ? asked[i][1] : job.size;
        begin(0, asked[i][0]);
        line.ticket = 1;
        run(1);
        assert_asked(1, want, 0);
        iot_link_file_stop(&file);
    }
    /* the longest names, the longest numbers, and a block of that size: it is one window */
    char header[256];
    int n = snprintf(header, sizeof header,
                     "{\"id\":\"4294967295\",\"code\":200,\"message\":\"success\",\"data\":{"
                     "\"fileToken\":\"default\",\"fileLength\":4294967295,\"bSize\":131072,"
                     "\"bOffset\":4294967295}}");
    size_t topic = strlen("/sys///thing/file/download_reply") + 20 + 32;
    assert_true(5 + 2 + topic + 2 + 2 + (size_t)n + room + 2 <= IOT_MQTT_RX_BYTES);
    assert_ended("");
}

static void what_cannot_begin_is_refused(void **state)
{
    struct iot_ota_job other = job;

    (void)state;
    other.by_mqtt = false;
    assert_err(iot_link_file_begin(&file, &other, 0, 0, 0, &handlers, got), IOT_ERR_ARG);
    assert_err(iot_link_file_begin(&file, &job, 1600, 0, 0, &handlers, got), IOT_ERR_ARG);
    assert_true(iot_link_file_idle(&file));
    begin(1599, 0);
    assert_err(iot_link_file_begin(&file, &job, 0, 0, 0, &handlers, got), IOT_ERR_STATE);
    run(1);
    assert_asked(1, 1, 1599);
}

static void a_slow_consumer_gets_the_rest_again(void **state)
{
    (void)state;
    begin(0, 512);
    takes = 100;
    run(1);
    line.sent = 0;
    block(1, job.size, 0, 512);
    for (uint32_t i = 1; i <= 5; i++) {
        line.alink.now = i * 9000;
        assert_err(hear(), IOT_ERR_AGAIN);
        assert_int_equal(got_bytes, i * 100);
        run(i * 9000 + 8000); /* while it waits here it is not late */
        assert_int_equal(line.sent, 0);
    }
    assert_err(hear(), IOT_OK);
    assert_int_equal(got_bytes, 512);
    assert_memory_equal(got, image, 512);
    run(60000);
    assert_asked(2, 512, 512);
    takes = 0;
    block(2, job.size, 512, 512);
    assert_err(hear(), IOT_ERR_AGAIN);
    /* the link breaks in the middle: the rest is asked for */
    takes = 10;
    assert_err(hear(), IOT_ERR_AGAIN);
    iot_link_file_event(&file, &(struct iot_event){.kind = IOT_EV_CONNECTED});
    run(60001);
    assert_asked(3, 512, 522);
}

static void what_the_consumer_says_ends_it(void **state)
{
    (void)state;
    begin(0, 512);
    run(1);
    body_says = IOT_ERR_KV;
    block(1, job.size, 0, 512);
    assert_err(hear(), IOT_OK);
    assert_ended("end(KV,0)");
}

static void no_answer_is_asked_for_again_and_given_up_after_three(void **state)
{
    (void)state;
    begin(0, 512);
    run(1);
    assert_asked(1, 512, 0);
    run(10000);
    assert_int_equal(line.sent, 0);
    run(10001);
    assert_asked(2, 512, 0);
    block(1, job.size, 0, 512); /* the first one, late */
    assert_err(hear(), IOT_OK);
    assert_string_equal(line_told(), "skipped(LINK_REPLY)");
    assert_int_equal(got_bytes, 0);
    run(20001);
    assert_asked(3, 512, 0);
    assert_ended("");
    run(30001);
    assert_int_equal(line.sent, 0);
    assert_ended("end(LINK_TIMEOUT,0)");
}

static void attempts_are_counted_for_each_block_and_each_link(void **state)
{
    iot_time now = 1;

    (void)state;
    begin(0, 512);
    for (uint32_t i = 0; i < 3; i++) {
        run(now);
        run(now + 10000);
        run(now + 20000);
        now += 20001;
        if (i == 1) {
            iot_link_file_event(&file, &(struct iot_event){.kind = IOT_EV_CONNECTED});
            continue;
        }
        block(line.ticket - 1, job.size, file.from, file.asked);
        assert_err(hear(), IOT_OK);
    }
    assert_int_equal(got_bytes, 1024);
    assert_ended("");
    line.alink.up = false; /* while it is down nothing is late */
    assert_int_equal(iot_link_file_deadline(&file, &line.alink), IOT_TIME_NEVER);
    run(now + 1000000);
    assert_ended("");
}

static void bad_blocks_are_asked_for_again_at_once(void **state)
{
    (void)state;
    begin(512, 512);
    for (uint32_t i = 1; i <= 3; i++) {
        assert_ended("");
        run(i);
        assert_asked(i, 512, 512);
        if (i == 1)
            block(i, job.size, 256, 512); /* another place */
        else
            block(i, job.size, 512, i == 2 ? 511 : 512); /* another size */
        if (i == 3)
            answer[answer_bytes - 1] ^= 1;
        assert_err(hear(), IOT_OK);
    }
    assert_int_equal(got_bytes, 512);
    assert_ended("end(OTA_BLOCK,0)");
    begin(512, 512);
    run(9);
    for (uint32_t i = 0; i < 3; i++) {
        run(9);
        frame("?", "", 0);
        assert_err(hear(), IOT_OK);
    }
    assert_ended("end(JSON_SYNTAX,0)");
}

static void refusals_and_other_files_end_it(void **state)
{
    (void)state;
    begin(0, 512);
    run(1);
    frame("{\"id\":\"1\",\"code\":6100,\"msg\":\"no\"}", "", 0);
    assert_err(hear(), IOT_OK);
    assert_ended("end(LINK_CODE,6100)");
    begin(0, 512);
    run(2);
    block(2, job.size + 1, 0, 512);
    assert_err(hear(), IOT_OK);
    assert_ended("end(OTA_CHANGED,0)");
    assert_int_equal(got_bytes, 0);
}

static void answers_that_nobody_waits_for_are_skipped(void **state)
{
    (void)state;
    block(1, job.size, 0, 512);
    assert_err(hear(), IOT_OK); /* nothing is fetched */
    begin(0, 512);
    assert_err(hear(), IOT_OK); /* nothing is asked */
    run(1);
    block(2, job.size, 0, 512);
    assert_err(hear(), IOT_OK); /* something else is */
    frame("{\"id\":\"2\",\"code\":6100}", "", 0);
    assert_err(hear(), IOT_OK);
    assert_string_equal(line_told(), "skipped(LINK_REPLY) skipped(LINK_REPLY) skipped(LINK_REPLY) "
                                     "skipped(LINK_REPLY)");
    assert_int_equal(got_bytes, 0);
    block(1, job.size, 0, 512);
    assert_err(hear(), IOT_OK);
    assert_err(hear(), IOT_OK); /* twice */
    assert_string_equal(line_told(), "skipped(LINK_REPLY)");
    assert_int_equal(got_bytes, 512);
    assert_ended("");
}

static void every_truncation_of_an_answer_is_survived(void **state)
{
    (void)state;
    for (uint32_t n = 0;; n++) {
        setup(NULL);
        begin(0, 256);
        run(1);
        block(1, job.size, 0, 256);
        if (n == answer_bytes)
            break;
        assert_err(hear_bytes(n), IOT_OK);
        assert_int_equal(got_bytes, 0);
        line.sent = 0;
        run(2);
        assert_asked(2, 256, 0);
    }
}

static void no_room_to_ask_is_waited_out(void **state)
{
    (void)state;
    begin(0, 512);
    line.begin_says = IOT_ERR_FULL;
    run(1);
    assert_int_equal(iot_link_file_deadline(&file, &line.alink), 51);
    line.begin_says = IOT_OK;
    line.commit_says = IOT_ERR_AGAIN;
    run(51);
    line.commit_says = IOT_OK;
    assert_int_equal(line.sent, 0);
    run(101);
    assert_asked(1, 512, 0);
}

static void what_can_never_be_asked_ends_it(void **state)
{
    (void)state;
    begin(0, 512);
    line.begin_says = IOT_ERR_SIZE;
    run(1);
    assert_ended("end(SIZE,0)");
}

static iot_err stop_it(void *ctx, uint32_t offset, struct iot_bytes part, uint32_t *used)
{
    (void)ctx, (void)offset;
    *used = part.len;
    iot_link_file_stop(&file);
    return IOT_OK;
}

static iot_err begin_anew(void *ctx, uint32_t offset, struct iot_bytes part, uint32_t *used)
{
    (void)ctx, (void)offset;
    *used = part.len;
    iot_link_file_stop(&file);
    begin(256, 512);
    return IOT_OK;
}

static void it_may_be_stopped_and_begun_in_the_handler(void **state)
{
    struct iot_http_handlers on = {.body = stop_it, .end = on_end};

    (void)state;
    assert_err(iot_link_file_begin(&file, &job, 0, 0, 512, &on, got), IOT_OK);
    run(1);
    block(1, job.size, 0, 512);
    assert_err(hear(), IOT_OK);
    assert_true(iot_link_file_idle(&file));
    on.body = begin_anew;
    assert_err(iot_link_file_begin(&file, &job, 0, 0, 512, &on, got), IOT_OK);
    run(2);
    block(2, job.size, 0, 512);
    assert_err(hear(), IOT_OK);
    line.sent = 0;
    run(3);
    assert_asked(3, 512, 256);
    assert_ended("");
}

static void alink_leaves_the_answer_to_who_fetches(void **state)
{
    (void)state;
    assert_err(line_hear(REPLY, "\0\2{}\0\0", 6), IOT_ERR_STATE);
    assert_string_equal(line_told(), "");
    block(1, job.size, 0, 16);
    struct iot_msg msg = {.topic = IOT_TOPIC("/sys/" OWN "2/thing/file/download_reply"),
                          .payload = {answer, answer_bytes}};
    assert_err(iot_link_file_take(&file, &line.alink, &msg), IOT_ERR_STATE);
    msg.topic = (struct iot_topic)IOT_TOPIC(DOWN);
    assert_err(iot_link_file_take(&file, &line.alink, &msg), IOT_ERR_STATE);
    line_setup(NULL);
    assert_err(hear(), IOT_ERR_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_check_sum_is_the_protocols, setup),
        cmocka_unit_test_setup(the_protocols_answer_is_read, setup),
        cmocka_unit_test_setup(refusals_are_read_with_or_without_a_frame, setup),
        cmocka_unit_test_setup(an_answer_cut_anywhere_is_none, setup),
        cmocka_unit_test_setup(each_changed_byte_of_a_block_is_noticed, setup),
        cmocka_unit_test_setup(hostile_headers_are_named, setup),
        cmocka_unit_test_setup(an_image_comes_block_by_block, setup),
        cmocka_unit_test_setup(a_part_of_an_image_is_fetched_and_no_more, setup),
        cmocka_unit_test_setup(the_window_bounds_the_block, setup),
        cmocka_unit_test_setup(what_cannot_begin_is_refused, setup),
        cmocka_unit_test_setup(a_slow_consumer_gets_the_rest_again, setup),
        cmocka_unit_test_setup(what_the_consumer_says_ends_it, setup),
        cmocka_unit_test_setup(no_answer_is_asked_for_again_and_given_up_after_three, setup),
        cmocka_unit_test_setup(attempts_are_counted_for_each_block_and_each_link, setup),
        cmocka_unit_test_setup(bad_blocks_are_asked_for_again_at_once, setup),
        cmocka_unit_test_setup(refusals_and_other_files_end_it, setup),
        cmocka_unit_test_setup(answers_that_nobody_waits_for_are_skipped, setup),
        cmocka_unit_test_setup(every_truncation_of_an_answer_is_survived, setup),
        cmocka_unit_test_setup(no_room_to_ask_is_waited_out, setup),
        cmocka_unit_test_setup(what_can_never_be_asked_ends_it, setup),
        cmocka_unit_test_setup(it_may_be_stopped_and_begun_in_the_handler, setup),
        cmocka_unit_test_setup(alink_leaves_the_answer_to_who_fetches, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

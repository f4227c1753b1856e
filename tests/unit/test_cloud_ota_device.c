/* SPDX-License-Identifier: Apache-2.0 */
/* The library's messages of updates and the emulated platform's, each judged by the other: what one writes the other has to
 * read, from the first report to the last. */
#include "cloud_lamp.h" /* ahead of the other, whose `line` would hide arguments in here */

#include "alink_line.h"

#include "cloud/cloud_command.h"
#include "cloud/cloud_ota.h"
#include "link/iot_link_file.h"
#include "link/iot_link_upgrade.h"

#define SIZE 5000u

static const struct iot_link_identity who = {.product_key = PK, .device_name = "dev001"};
static struct iot_link_upgrade up;
static struct iot_link_file file;
static struct iot_ota_job job;
static uint8_t image[SIZE], got[SIZE];
static uint32_t got_bytes, offers, nothings;
static iot_err ended;
static const char *version;

static bool find(void *ctx, const char *name, uint32_t *size, char md5[33], char sha256[65])
{
    (void)ctx;
    *size = SIZE;
    snprintf(md5, 33, "%032x", 0xabcdef);
    snprintf(sha256, 65, "%064x", 0xabcdef);
    return strcmp(name, "app.bin") == 0;
}

static bool read_file(void *ctx, const char *name, uint32_t offset, void *into, uint32_t len)
{
    (void)ctx, (void)name;
    memcpy(into, image + offset, len);
    return true;
}

static const struct cloud_ota_hooks hooks = {.find = find, .read = read_file};

static void on_offered(void *ctx, const struct iot_ota_job *j)
{
    (void)ctx;
    job = *j;
    offers++;
}

static void on_refused(void *ctx, const struct iot_ota_job *j, iot_err err)
{
    (void)ctx, (void)j;
    fail_msg("refused: %s", iot_err_name(err));
}

static void on_nothing(void *ctx, iot_err err, int32_t detail)
{
    (void)ctx, (void)detail;
    assert_err(err, IOT_OK);
    nothings++;
}

static bool on_module(void *ctx, uint32_t i, const char **name, const char **runs)
{
    (void)ctx;
    *name = "mcu";
    *runs = version;
    return i == 0;
}

static const struct iot_link_upgrade_hooks device = {on_offered, on_refused, on_nothing, on_module};

static iot_err on_body(void *ctx, uint32_t offset, struct iot_bytes part, uint32_t *used)
{
    (void)ctx;
    assert_int_equal(offset, got_bytes);
    memcpy(got + offset, part.ptr, part.len);
    got_bytes += part.len;
    *used = part.len;
    return IOT_OK;
}

static void on_end(void *ctx, iot_err err, int32_t detail)
{
    (void)ctx, (void)detail;
    ended = err;
}

static const struct iot_http_handlers fetch = {.body = on_body, .end = on_end};

static int setup(void **state)
{
    lamp_setup(state);
    cloud_ota_hooks(&cloud, &hooks);
    line_setup(&who);
    line.alink.up = true;
    iot_link_upgrade_init(&up, &device, NULL);
    memset(&file, 0, sizeof file);
    for (uint32_t i = 0; i < SIZE; i++)
        image[i] = (uint8_t)(i * 31 + i / 251);
    got_bytes = offers = nothings = 0;
    ended = IOT_ERR_AGAIN;
    version = "1.0.0";
    return 0;
}

/* What the platform says goes to the device, as alink and its parts get it. */
static void deliver(void)
{
    const struct cloud_output *o;

    while ((o = cloud_next(&cloud)) != NULL) {
        iot_err err = line_hear(o->topic, o->payload, o->payload_len);
        struct iot_msg msg = {.topic = {o->topic, (uint16_t)strlen(o->topic), 0},
                              .payload = {(const uint8_t *)o->payload, o->payload_len}};
        if (err == IOT_ERR_STATE)
            err = iot_link_upgrade_take(&up, &line.alink, &msg);
        if (err == IOT_ERR_STATE)
            err = iot_link_file_take(&file, &line.alink, &msg);
        assert_err(err, IOT_OK);
    }
}

/* What the device has said goes to the platform. */
static void carry(void)
{
    assert_in_range(line.sent, 0, 1);
    if (line.sent != 0) {
        line.sent = 0;
        assert_int_equal(
            cloud_publish(&cloud, 1, line.topic, line.payload, strlen(line.payload), lamp_now),
            CLOUD_TAKEN);
    }
    deliver();
}

static void command(const char *line_text)
{
    static char copy[512], answer[65536];

    snprintf(copy, sizeof copy, "%s", line_text);
    cloud_command(&cloud, copy, answer, sizeof answer, lamp_now);
    if (strncmp(answer, "ok\n", 3) != 0)
        fail_msg("%s", answer);
}

static void report(void)
{
    iot_link_upgrade_event(&up, &line.alink, &(struct iot_event){.kind = IOT_EV_CONNECTED});
    iot_link_upgrade_run(&up, &line.alink, lamp_now);
    carry();
}

static void progress(int32_t step)
{
    lamp_now += 100;
    iot_link_upgrade_progress(&up, lamp_now, step, "on its way", "mcu");
    iot_link_upgrade_run(&up, &line.alink, lamp_now);
    carry();
}

static const char *state_of(void)
{
    static char text[32];
    json_t *all = cloud_ota_show(&cloud, cloud_fake_device("dev001"), lamp_now);
    const json_t *first = json_array_get(json_object_get(all, "images"), 0);

    snprintf(
        text, sizeof text, "%s",
        cloud_json_string(json_object_get(json_object_get(first, "tasks"), "dev001"), "state"));
    json_decref(all);
    return text;
}

static void an_update_over_mqtt_goes_all_the_way(void **state)
{
    (void)state;
    command("ota publish " PK " dev001 app.bin version=2.0.0 module=mcu protocol=mqtt");
    command("ota fault crc 5");
    command("ota fault silent 7");
    deliver();
    assert_int_equal(offers, 1);
    report();
    assert_int_equal(offers, 2); /* once more, as it reported another version */
    assert_true(job.by_mqtt);
    assert_string_equal(job.module, "mcu");
    assert_err(iot_link_file_begin(&file, &job, 0, 0, 256, &fetch, NULL), IOT_OK);
    progress(0);
    for (int i = 0; i < 100 && ended == IOT_ERR_AGAIN; i++) {
        lamp_now += 10000;
        line.alink.now = lamp_now;
        iot_link_file_run(&file, &line.alink, lamp_now);
        carry();
        progress((int32_t)(got_bytes * 100 / SIZE));
    }
    assert_err(ended, IOT_OK);
    assert_int_equal(got_bytes, SIZE);
    assert_memory_equal(got, image, SIZE);
    assert_string_equal(state_of(), "running");
    version = "2.0.0";
    report();
    assert_string_equal(state_of(), "succeeded");
    assert_null(strstr(cloud_log, "dropped"));
    assert_int_equal(offers, 2);
}

static void both_questions_find_it(void **state)
{
    (void)state;
    assert_err(iot_link_upgrade_ask(&up, &line.alink, "mcu"), IOT_OK);
    line.sent = 0;
    assert_int_equal(
        cloud_publish(&cloud, 1, line.topic, line.payload, strlen(line.payload), lamp_now),
        CLOUD_TAKEN);
    const char *answer = lamp_next();
    assert_non_null(answer);
    assert_err(line_hear_text(lamp_topic, answer), IOT_OK);
    assert_string_equal(line_told(), "reply(1,200,{})"); /* the device's event, which brings it */
    command("ota publish " PK
            " dev001 http://h/a version=2 size=7 digest=b2ea9f7fcea831a4a63b213f41a8855b"
            " sign=MD5");
    deliver();
    assert_err(iot_link_upgrade_ask_old(&line.alink, "1.0.0"), IOT_OK);
    carry(); /* our own question comes back, and the answer behind it */
    assert_int_equal(offers, 2);
    assert_string_equal(job.url, "http://h/a");
    assert_int_equal(job.digest_kind, IOT_OTA_MD5);
    assert_string_equal(line_told(), "");
}

static void a_failure_ends_it(void **state)
{
    (void)state;
    command("ota publish " PK " dev001 app.bin version=2.0.0 module=mcu protocol=mqtt");
    deliver();
    progress(iot_ota_step_of(IOT_ERR_OTA_DIGEST));
    assert_string_equal(state_of(), "failed");
    offers = 0;
    report();
    assert_int_equal(offers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_update_over_mqtt_goes_all_the_way, setup, lamp_teardown),
        cmocka_unit_test_setup_teardown(both_questions_find_it, setup, lamp_teardown),
        cmocka_unit_test_setup_teardown(a_failure_ends_it, setup, lamp_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Updates on the emulated platform: versions, images, both questions, progress, images over MQTT, and the command. */
#include "cloud_lamp.h"

#include "cloud/cloud_command.h"
#include "cloud/cloud_ota.h"

#define INFORM   "/ota/device/inform/" PK "/dev001"
#define UPGRADE  "/ota/device/upgrade/" PK "/dev001"
#define PROGRESS "/ota/device/progress/" PK "/dev001"
#define REQUEST  "/ota/device/request/" PK "/dev001"
#define GET      "thing/ota/firmware/get"
#define MD5      "b2ea9f7fcea831a4a63b213f41a8855b"
#define SHA      "785b0751fc2c53dc14a4ce3d800e69ef9ce1009eb327ccf458afe09c242c26c9"

static char answer[65536];
static bool is_read_broken;

/* The protocol's sample of firmware: bytes 00..FF, four times. */
static bool find(void *ctx, const char *file, uint32_t *size, char md5[33], char sha256[65])
{
    assert_ptr_equal(ctx, answer);
    *size = 1024;
    strcpy(md5, MD5);
    strcpy(sha256, SHA);
    return strcmp(file, "app.bin") == 0;
}

static bool url_of(void *ctx, const char *file, uint64_t now_ms, char *url, size_t cap)
{
    (void)ctx;
    snprintf(url, cap, "https://ota.example.com/%s?Expires=%u", file, (unsigned)(now_ms / 1000));
    return true;
}

static bool read_file(void *ctx, const char *file, uint32_t offset, void *into, uint32_t len)
{
    (void)ctx;
    assert_string_equal(file, "app.bin");
    assert_true(offset + len <= 1024);
    for (uint32_t i = 0; i < len; i++)
        ((uint8_t *)into)[i] = (uint8_t)(offset + i);
    return !is_read_broken;
}

static bool sign(void *ctx, const char *key, const char *digest, char *base64, size_t cap)
{
    (void)ctx;
    snprintf(base64, cap, "signed+%.4s", digest);
    return strcmp(key, "key.pem") == 0;
}

static const struct cloud_ota_hooks hooks = {find, url_of, read_file, sign, answer};

static int setup(void **state)
{
    lamp_setup(state);
    cloud_ota_hooks(&cloud, &hooks);
    is_read_broken = false;
    return 0;
}

static const char *command(const char *line)
{
    static char copy[4096];

    snprintf(copy, sizeof copy, "%s", line);
    assert_int_equal(cloud_command(&cloud, copy, answer, sizeof answer, lamp_now), 0);
    return answer;
}

/* The device says it; nothing is answered. */
static void say(const char *topic, const char *payload)
{
    const char *said = lamp_say(topic, payload, strlen(payload));

    if (said != NULL)
        fail_msg("%s: %s", lamp_topic, said);
}

/* ... and it is told of an update. */
static const char *say_and_hear(const char *topic, const char *payload, const char *heard_on)
{
    const char *said = lamp_say(topic, payload, strlen(payload));

    assert_non_null(said);
    assert_string_equal(lamp_topic, heard_on);
    return said;
}

#define publish(words)                                                                             \
    assert_contains(command("ota publish " PK " dev001 app.bin version=2.0.0 " words), "ok\n")

/* State, last step and number of steps of dev001's task in the update with this number. */
static const char *task(size_t id)
{
    static char text[64];
    json_t *all = cloud_ota_show(&cloud, cloud_fake_device("dev001"), lamp_now), *image;
    size_t i;

    snprintf(text, sizeof text, "none");
    json_array_foreach (json_object_get(all, "images"), i, image) {
        json_t *t = json_object_get(json_object_get(image, "tasks"), "dev001");
        if (t != NULL && json_integer_value(json_object_get(image, "id")) == (json_int_t)id)
            snprintf(text, sizeof text, "%s %d %zu", cloud_json_string(t, "state"),
                     (int)json_integer_value(json_object_get(t, "step")),
                     json_array_size(json_object_get(t, "history")));
    }
    json_decref(all);
    return text;
}

/* ---- Telling --------------------------------------------------------------------------------- */

static void who_is_online_is_told_at_once(void **state)
{
    (void)state;
    publish("sign=md5 module=MCU ext={\"key1\":\"value1\",\"note\":\"text\"}");
    assert_string_equal(
        lamp_next(),
        "{\"code\":\"1000\",\"id\":1700000001000,\"message\":\"success\",\"data\":{\"size\":1024,"
        "\"version\":\"2.0.0\",\"isDiff\":0,\"module\":\"MCU\","
        "\"url\":\"https://ota.example.com/app.bin?Expires=1\",\"signMethod\":\"Md5\","
        "\"sign\":\"" MD5 "\",\"md5\":\"" MD5 "\",\"extData\":{\"key1\":\"value1\","
        "\"note\":\"text\"}}}");
    assert_string_equal(lamp_topic, UPGRADE);
    assert_null(lamp_next());
    assert_string_equal(task(1), "told 0 0");
}

static void the_usual_digest_is_sha256_and_a_key_signs_it(void **state)
{
    (void)state;
    publish("key=key.pem diff=1");
    assert_contains(lamp_next(),
                    "\"isDiff\":1,\"url\":\"https://ota.example.com/app.bin?Expires=1\","
                    "\"signMethod\":\"Sha256\",\"sign\":\"" SHA
                    "\",\"digestsign\":\"signed+785b\"}");
    assert_string_equal(command("ota publish " PK " dev001 app.bin version=3 key=other.pem"),
                        "error: the emulator cannot sign with this key\n");
}

static void an_address_given_is_told_as_it_is(void **state)
{
    (void)state;
    assert_contains(
        command("ota publish " PK " dev001 http://h/a version=2 size=7 digest=" MD5 " sign=MD5"),
        "ok\n");
    assert_contains(lamp_next(),
                    "\"data\":{\"size\":7,\"version\":\"2\",\"isDiff\":0,"
                    "\"url\":\"http://h/a\",\"signMethod\":\"MD5\",\"sign\":\"" MD5 "\"}");
    assert_contains(command("ota publish " PK " dev001 http://h/a version=2 size=7"),
                    "give size= and digest=");
    assert_contains(command("ota publish " PK " dev001 http://h/a version=2 file=app.bin"), "ok\n");
    assert_contains(lamp_next(),
                    "\"url\":\"http://h/a\",\"signMethod\":\"Sha256\",\"sign\":\"" SHA);
}

static void it_can_lie(void **state)
{
    (void)state;
    publish("sign=none size=0 digest=xyz url=nowhere digestsign=AAAA");
    assert_contains(lamp_next(), "\"data\":{\"size\":0,\"version\":\"2.0.0\",\"isDiff\":0,"
                                 "\"url\":\"nowhere\",\"sign\":\"xyz\",\"digestsign\":\"AAAA\"}");
}

static void who_was_offline_is_told_when_it_reports(void **state)
{
    (void)state;
    cloud_gone(&cloud, 1);
    publish("");
    assert_null(lamp_next());
    cloud_fake_connect(1, "dev001", lamp_now);
    assert_null(lamp_next());
    say(INFORM, "{\"id\":\"1\",\"params\":{\"version\":\"1.4.0\",\"module\":\"mcu\"}}");
    for (int i = 0; i < 2; i++)
        assert_contains(
            say_and_hear(INFORM, "{\"id\":\"1\",\"params\":{\"version\":\"1.0.0\"}}", UPGRADE),
            "\"version\":\"2.0.0\"");
    assert_string_equal(task(1), "told 0 0");
    say(INFORM, "{\"id\":2,\"params\":{\"version\":\"2.0.0\"}}");
    assert_string_equal(task(1), "succeeded 0 0");
    say(INFORM, "{\"id\":3,\"params\":{\"version\":\"1.0.0\"}}"); /* it is over */
}

static void who_runs_it_already_is_not_told(void **state)
{
    (void)state;
    say(INFORM, "{\"id\":\"1\",\"params\":{\"version\":\"2.0.0\",\"module\":\"default\"}}");
    publish("");
    assert_null(lamp_next());
    assert_string_equal(task(1), "waiting 0 0");
    assert_contains(command("ota push " PK " dev001"), "ok\n"); /* unless somebody insists */
    assert_non_null(lamp_next());
}

static void a_product_is_all_its_devices(void **state)
{
    (void)state;
    cloud_fake_connect(2, "dev002", lamp_now);
    assert_contains(command("ota publish " PK " all app.bin version=2"), "ok\n");
    for (cloud_link link = 1; link <= 2; link++) {
        const struct cloud_output *o = cloud_next(&cloud);
        assert_non_null(o);
        assert_int_equal(o->link, link);
    }
    assert_null(cloud_next(&cloud));
}

static void a_newer_image_takes_the_place_of_an_older(void **state)
{
    (void)state;
    publish("");
    assert_non_null(lamp_next());
    assert_contains(command("ota publish " PK " dev001 app.bin version=3.0.0"), "ok\n");
    assert_contains(lamp_next(), "\"3.0.0\"");
    assert_contains(say_and_hear(INFORM, "{\"id\":1,\"params\":{\"version\":\"2.0.0\"}}", UPGRADE),
                    "\"version\":\"3.0.0\"");
    assert_null(lamp_next());
    assert_string_equal(task(1), "told 0 0");
}

static void what_is_canceled_is_not_told(void **state)
{
    (void)state;
    publish("");
    assert_non_null(lamp_next());
    assert_string_equal(command("ota cancel 2"),
                        "error: which update? `ota show` has their numbers\n");
    assert_string_equal(command("ota cancel 1"), "ok\nupdate 1 canceled\n");
    assert_contains(command("ota cancel 1"), "error: ");
    say(INFORM, "{\"id\":1,\"params\":{\"version\":\"1.0.0\"}}");
    assert_contains(command("ota push " PK " dev001"), "error: no update");
    assert_code(GET, "{}", 200, "\"data\":{}");
}

static void images_have_room_for_so_many(void **state)
{
    char line[256];

    (void)state;
    for (int i = 1; i <= CLOUD_OTA_JOBS_MAX; i++) {
        snprintf(line, sizeof line, "ota publish " PK " dev001 app.bin version=%d", i);
        assert_contains(command(line), "ok\n");
        assert_non_null(lamp_next());
    }
    assert_contains(command(line), "error: there are too many images");
    command("ota cancel 3");
    assert_contains(command(line), "ok\n");
}

/* ---- What devices say ------------------------------------------------------------------------ */

static void wrong_reports_are_dropped_by_name(void **state)
{
    static const char *const bad[][2] = {
        {"", ""},
        {"[1]", "the message is no JSON object"},
        {"{\"params\":{\"version\":\"1\"}}", "id has to be"},
        {"{\"id\":\"x\",\"params\":{\"version\":\"1\"}}", "id has to be"},
        {"{\"id\":\"1\"}", "params has to be an object"},
        {"{\"id\":\"1\",\"params\":[]}", "params has to be an object"},
        {"{\"id\":\"1\",\"params\":{}}", "version has to be a text"},
        {"{\"id\":\"1\",\"params\":{\"version\":1}}", "version has to be a text"},
        {"{\"id\":\"1\",\"params\":{\"version\":\"\"}}", "version has 1 to 64 bytes"},
        {"{\"id\":\"1\",\"params\":{\"version\":"
         "\"12345678901234567890123456789012345678901234567890"
         "123456789012345\"}}",
         "version has 1 to 64 bytes"},
        {"{\"id\":\"1\",\"params\":{\"version\":\"1\",\"module\":1}}", "module has to be a text"},
        {"{\"id\":\"1\",\"params\":{\"version\":\"1\",\"module\":\"\"}}", "module has 1 to 64"},
        {"{\"id\":\"1\",\"params\":{\"version\":\"1\",\"module\":\"a b\"}}", "module has 1 to 64"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        cloud_log[0] = 0;
        say(INFORM, bad[i][0]);
        assert_contains(cloud_log, INFORM " dropped: ");
        assert_contains(cloud_log, bad[i][1]);
    }
    assert_contains(command("--json ota show " PK " dev001"), "\"versions\":{}");
    say(INFORM, "{\"id\":\"1\",\"params\":{\"version\":\"1\"}}");
    assert_contains(command("--json ota show " PK " dev001"), "\"versions\":{\"default\":\"1\"}");
}

static void progress_is_kept_with_its_history(void **state)
{
    (void)state;
    publish("module=MCU");
    lamp_next();
    say(PROGRESS, "{\"id\":5,\"params\":{\"step\":\"0\",\"desc\":\"begin\",\"module\":\"MCU\"}}");
    assert_string_equal(task(1), "running 0 1");
    say(PROGRESS,
        "{\"id\":5,\"params\":{\"step\":\"30\",\"desc\":\"downloading\",\"module\":\"MCU\"}}");
    say(PROGRESS, "{\"id\":\"6\",\"params\":{\"step\":100,\"module\":\"MCU\"}}");
    assert_string_equal(task(1), "running 100 3");
    assert_contains(command("ota show " PK " dev001"),
                    "update 1 for " PK " dev001, module MCU: version 2.0.0\n"
                    "  dev001           running   100 #################### \n");
    assert_contains(command("--json ota show"),
                    "\"history\":[{\"time\":1700000001000,\"step\":0,\"desc\":\"begin\"},"
                    "{\"time\":1700000001000,\"step\":30,\"desc\":\"downloading\"},");
    say(PROGRESS, "{\"id\":\"7\",\"params\":{\"step\":\"-3\",\"module\":\"MCU\"}}");
    assert_string_equal(task(1), "failed -3 4");
    assert_contains(command("ota show"), "failed     -3 ....................");
    cloud_log[0] = 0;
    say(PROGRESS, "{\"id\":\"7\",\"params\":{\"step\":\"5\",\"module\":\"MCU\"}}");
    assert_contains(cloud_log, "no update of this module is under way");
    say(INFORM,
        "{\"id\":1,\"params\":{\"version\":\"1\",\"module\":\"MCU\"}}"); /* not told again */
}

static void wrong_steps_are_dropped_by_name(void **state)
{
    static const char *const bad[] = {"\"\"", "\"-\"", "\"-5\"", "\"-0\"", "\"101\"", "\"3.0\"",
                                      "101",  "-5",    "1.5",    "null",   "\"x\""};
    char text[128];

    (void)state;
    publish("");
    lamp_next();
    for (size_t i = 0; i < COUNT(bad); i++) {
        cloud_log[0] = 0;
        snprintf(text, sizeof text, "{\"id\":1,\"params\":{\"step\":%s,\"desc\":\"\"}}", bad[i]);
        say(PROGRESS, text);
        assert_contains(cloud_log, PROGRESS " dropped: step has to be");
    }
    say(PROGRESS, "{\"id\":1,\"params\":{\"step\":\"1\",\"desc\":1}}");
    assert_contains(cloud_log, "desc has to be a text");
    say(PROGRESS, "{\"id\":1,\"params\":{\"step\":\"1\",\"module\":\"MCU\"}}");
    assert_contains(cloud_log, "no update of this module is under way");
    assert_string_equal(task(1), "told 0 0");
}

static void the_older_question_is_answered_on_its_own_topic(void **state)
{
    static const char question[] = "{\"id\":\"3\",\"params\":{\"version\":\"1.0.0\"}}";

    (void)state;
    publish("");
    lamp_next();
    /* it hears itself, as a device that has subscribed does */
    assert_string_equal(say_and_hear(REQUEST, question, REQUEST), question);
    assert_contains(lamp_next(),
                    "{\"code\":\"1000\",\"id\":1700000001000,\"message\":\"success\",");
    assert_string_equal(lamp_topic, REQUEST);
    assert_contains(lamp_said, "\"url\":\"https://");
    assert_null(lamp_next());
    say_and_hear(REQUEST, "{\"id\":\"3\",\"params\":{\"version\":\"2.0.0\"}}", REQUEST);
    assert_null(lamp_next()); /* that is what it has */
    say_and_hear(REQUEST, "{\"id\":\"3\",\"params\":{}}", REQUEST);
    assert_null(lamp_next());
    assert_contains(cloud_log, REQUEST " dropped: version has to be a text");
}

static void the_newer_question_is_answered_with_a_job_or_nothing(void **state)
{
    (void)state;
    assert_string_equal(
        lamp_ask(GET, "{\"id\":\"4\",\"version\":\"1.0\",\"params\":{\"module\":\"MCU\"},"
                      "\"method\":\"thing.ota.firmware.get\"}"),
        "{\"code\":200,\"data\":{},\"id\":\"4\",\"message\":\"success\","
        "\"method\":\"thing.ota.firmware.get\",\"version\":\"1.0\"}");
    cloud_gone(&cloud, 1);
    publish("module=MCU");
    cloud_fake_connect(1, "dev001", lamp_now);
    lamp_now = 5000; /* each answer has a new address */
    assert_code(GET, "{\"module\":\"MCU\"}", 200, "\"data\":{\"size\":1024,\"version\":\"2.0.0\"");
    assert_contains(lamp_said, "Expires=5\"");
    assert_string_equal(task(1), "told 0 0");
    assert_code(GET, "{}", 200, "\"data\":{}");
    assert_code(GET, "{\"module\":7}", 460, "module has to be a text");
    assert_code(GET, "{\"module\":\"a b\"}", 460, "module has 1 to 64");
    assert_code(GET, "[]", 6305, "");
    say(INFORM, "{\"id\":1,\"params\":{\"version\":\"2.0.0\",\"module\":\"MCU\"}}");
    assert_code(GET, "{\"module\":\"MCU\"}", 200, "\"data\":{}");
}

/* ---- Over MQTT ------------------------------------------------------------------------------- */

static size_t heard;

/* The binary answer is in lamp_said; its header. */
static const char *download(const char *params)
{
    static char message[512], header[512];

    snprintf(message, sizeof message, "{\"id\":\"7\",\"version\":\"1.0\",\"params\":%s}", params);
    if (!cloud_may_publish(&cloud, 1, SYS "thing/file/download", strlen(message), lamp_now))
        fail_msg("%s", cloud_log);
    cloud_publish(&cloud, 1, SYS "thing/file/download", message, strlen(message), lamp_now);
    const struct cloud_output *o = cloud_next(&cloud);
    if (o == NULL)
        return NULL;
    assert_string_equal(o->topic, SYS "thing/file/download_reply");
    heard = o->payload_len;
    memcpy(lamp_said, o->payload, heard);
    size_t n = (size_t)((uint8_t)lamp_said[0] << 8 | (uint8_t)lamp_said[1]);
    assert_true(n < sizeof header && 2 + n <= heard);
    memcpy(header, lamp_said + 2, n);
    header[n] = 0;
    return header;
}

#define BLOCK(size, offset)                                                                        \
    "{\"fileToken\":\"ft01\",\"fileInfo\":{\"streamId\":7001,\"fileId\":1},"                       \
    "\"fileBlock\":{\"size\":" #size ",\"offset\":" #offset "}}"

static void images_are_given_block_by_block(void **state)
{
    (void)state;
    publish("protocol=mqtt");
    assert_contains(lamp_next(), "\"isDiff\":0,\"dProtocol\":\"mqtt\",\"streamId\":7001,"
                                 "\"streamFileId\":1,\"signMethod\"");
    assert_null(strstr(lamp_said, "url"));
    const char *header = download(BLOCK(256, 0));
    assert_string_equal(header, "{\"id\":\"7\",\"code\":200,\"msg\":\"success\",\"data\":{"
                                "\"fileToken\":\"ft01\",\"fileLength\":1024,\"bSize\":256,"
                                "\"bOffset\":0}}");
    const uint8_t *block = (const uint8_t *)lamp_said + 2 + strlen(header);
    assert_int_equal(heard, 2 + strlen(header) + 256 + 2);
    for (int i = 0; i < 256; i++)
        assert_int_equal(block[i], i);
    assert_int_equal(block[256], 0xd3); /* CRC-16/ARC of 00..FF is 0xbad3 */
    assert_int_equal(block[257], 0xba);
    assert_contains(download(BLOCK(131072, 1000)), "\"bSize\":24,\"bOffset\":1000");
    assert_contains(download(BLOCK(24, 1000)), "\"bSize\":24,\"bOffset\":1000");
}

static void wrong_wishes_are_refused_by_code(void **state)
{
    static const char *const bad[][2] = {
        {BLOCK(255, 0), "\"code\":460,\"msg\":\"only the last block"},
        {BLOCK(131073, 0), "\"code\":460,\"msg\":\"fileBlock"},
        {BLOCK(0, 0), "\"code\":460,\"msg\":\"fileBlock"},
        {BLOCK(256, -1), "\"code\":460,\"msg\":\"fileBlock"},
        {BLOCK(256, 1024), "\"code\":460,\"msg\":\"offset is behind"},
        {"{\"fileInfo\":{\"streamId\":7001,\"fileId\":1}}", "\"code\":460,\"msg\":\"fileBlock"},
        {"{\"fileBlock\":{\"size\":256,\"offset\":0}}", "\"code\":460,\"msg\":\"fileInfo"},
        {"{\"fileToken\":1}", "\"code\":460,\"msg\":\"params"},
        {"[]", "\"code\":460,\"msg\":\"params"},
        {"{\"fileInfo\":{\"streamId\":7002,\"fileId\":1},\"fileBlock\":{\"size\":256,\"offset\":0}"
         "}",
         "\"code\":6100,\"msg\":\"no such stream"},
        {"{\"fileInfo\":{\"streamId\":7001,\"fileId\":2},\"fileBlock\":{\"size\":256,\"offset\":0}"
         "}",
         "\"code\":6100,"},
    };

    (void)state;
    publish("protocol=mqtt");
    lamp_next();
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_contains(download(bad[i][0]), bad[i][1]);
    is_read_broken = true;
    assert_contains(download(BLOCK(256, 0)), "\"code\":6100,\"msg\":\"the file cannot be read\"");
    is_read_broken = false;
    command("ota cancel 1");
    assert_contains(download(BLOCK(256, 0)), "\"code\":6100,");
    /* published for another device, or for HTTPS */
    command("ota publish " PK " dev002 app.bin version=2 protocol=mqtt");
    command("ota publish " PK " dev001 app.bin version=2");
    lamp_next();
    assert_contains(download("{\"fileInfo\":{\"streamId\":7002,\"fileId\":1},"
                             "\"fileBlock\":{\"size\":256,\"offset\":0}}"),
                    "\"code\":6100,");
    assert_contains(download("{\"fileInfo\":{\"streamId\":7003,\"fileId\":1},"
                             "\"fileBlock\":{\"size\":256,\"offset\":0}}"),
                    "\"code\":6100,");
}

static void blocks_go_wrong_on_demand(void **state)
{
    (void)state;
    publish("protocol=mqtt");
    lamp_next();
    assert_string_equal(command("ota fault crc 2"), "ok\n");
    download(BLOCK(256, 0));
    assert_int_equal((uint8_t)lamp_said[heard - 2], 0xd3);
    download(BLOCK(256, 0));
    assert_int_equal((uint8_t)lamp_said[heard - 2], 0xd2);
    command("ota fault crc 0");
    command("ota fault offset 1");
    assert_contains(download(BLOCK(256, 0)), "\"bOffset\":1}");
    command("ota fault offset 0");
    size_t whole = heard;
    command("ota fault cut 1");
    download(BLOCK(256, 0));
    assert_int_equal(heard, whole - 1);
    command("ota fault silent 1");
    assert_null(download(BLOCK(256, 0)));
    assert_contains(command("ota fault loud 1"), "error: ");
    assert_contains(command("ota fault crc x"), "error: ");
}

/* ---- The command ----------------------------------------------------------------------------- */

static void wrong_orders_are_refused_in_words(void **state)
{
    static const char *const bad[][2] = {
        {"ota", "it has to be: ota publish|show"},
        {"ota publish", "it has to be: ota publish PK"},
        {"ota publish " PK " dev001", "it has to be: ota publish PK"},
        {"ota publish nobody dev001 app.bin version=1", "no device nobody dev001"},
        {"ota publish " PK " nobody app.bin version=1", "no device " PK " nobody"},
        {"ota publish nobody all app.bin version=1", "no device nobody all"},
        {"ota publish " PK " dev001 app.bin", "version has 1 to 64 bytes"},
        {"ota publish " PK " dev001 app.bin version=", "version has 1 to 64 bytes"},
        {"ota publish " PK " dev001 app.bin version=1 module=a+b", "module has 1 to 64"},
        {"ota publish " PK " dev001 app.bin version=1 diff=2", "diff=2? words are"},
        {"ota publish " PK " dev001 app.bin version=1 protocol=ftp", "protocol=ftp? words are"},
        {"ota publish " PK " dev001 app.bin version=1 ext={", "ext={? words are"},
        {"ota publish " PK " dev001 app.bin version=1 ext={} ext={}", "ext={}? words are"},
        {"ota publish " PK " dev001 app.bin version=1 hello", "hello? words are"},
        {"ota publish " PK " dev001 app.bin version=1 ext={} hello=1", "hello=1? words are"},
        {"ota publish " PK " dev001 app.bin version=1 size=x ext={}", "size has to be a number"},
        {"ota publish " PK " dev001 other.bin version=1", "there is no such file"},
        {"ota publish " PK " dev001 http://h/a version=1 protocol=mqtt size=1 digest=1",
         "by mqtt the emulator has to have the file"},
        {"ota push " PK " dev002", "the device is offline"},
        {"ota push " PK " nobody", "no device"},
        {"ota show " PK " nobody", "no device"},
        {"ota cancel x", "which update?"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(strncmp(command(bad[i][0]), "error: ", 7), 0);
        assert_contains(answer, bad[i][1]);
    }
    cloud_ota_hooks(&cloud, NULL);
    assert_contains(command("ota publish " PK " dev001 app.bin version=1"),
                    "there is no such file");
    assert_contains(command("ota publish " PK " dev001 http://h/a version=1 size=1 digest=00"),
                    "ok\n");
}

static void the_command_answers_in_json_too(void **state)
{
    (void)state;
    assert_string_equal(command("--json ota publish " PK " dev001 app.bin version=1"),
                        "ok\n{\"ok\":true,\"id\":1}\n");
    assert_contains(command("--json ota show"),
                    "\"ok\":true,\"images\":[{\"id\":1,\"productKey\":\"" PK
                    "\",\"deviceName\":\"dev001\",\"module\":\"default\","
                    "\"version\":\"1\",\"canceled\":false,");
    assert_string_equal(command("--json ota cancel 1"),
                        "ok\n{\"ok\":true,\"text\":\"update 1 canceled\"}\n");
}

#define OTA_TEST(f) cmocka_unit_test_setup_teardown(f, setup, lamp_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OTA_TEST(who_is_online_is_told_at_once),
        OTA_TEST(the_usual_digest_is_sha256_and_a_key_signs_it),
        OTA_TEST(an_address_given_is_told_as_it_is),
        OTA_TEST(it_can_lie),
        OTA_TEST(who_was_offline_is_told_when_it_reports),
        OTA_TEST(who_runs_it_already_is_not_told),
        OTA_TEST(a_product_is_all_its_devices),
        OTA_TEST(a_newer_image_takes_the_place_of_an_older),
        OTA_TEST(what_is_canceled_is_not_told),
        OTA_TEST(images_have_room_for_so_many),
        OTA_TEST(wrong_reports_are_dropped_by_name),
        OTA_TEST(progress_is_kept_with_its_history),
        OTA_TEST(wrong_steps_are_dropped_by_name),
        OTA_TEST(the_older_question_is_answered_on_its_own_topic),
        OTA_TEST(the_newer_question_is_answered_with_a_job_or_nothing),
        OTA_TEST(images_are_given_block_by_block),
        OTA_TEST(wrong_wishes_are_refused_by_code),
        OTA_TEST(blocks_go_wrong_on_demand),
        OTA_TEST(wrong_orders_are_refused_in_words),
        OTA_TEST(the_command_answers_in_json_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

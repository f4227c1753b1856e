/* SPDX-License-Identifier: Apache-2.0 */
/* Updates over the air from the emulated platform: MQTT over TLS, images by its HTTPS front or over MQTT, and what both sides
 * say of them. */
#include "peer_cloud.h"

#include "host/host_cert.h"
#include "host/host_child.h"
#include "host/host_net.h"
#include "iot/iot_upgrade.h"
#include "peer_run.h"
#include "ram_slot.h"

#include <fcntl.h>
#include <unistd.h>

#define DEVICE      PEER_PK " dev001"
#define IMAGE_BYTES 6000u

/* What the application does with an offer. */
enum wish { ACCEPT, REFUSE, DEFER, WAIT };

static struct peer_seat seat;
static struct iot_http http;
static struct iot_http_options http_options;
static struct iot_tls_options http_tls;
_Alignas(8) static uint8_t http_arena[PEER_ARENA_MAX];

static struct iot_ota ota;
static struct iot_ota_options options;
static struct iot_upgrade platform;
static struct ram_slot slots[3];
static struct iot_ota_module modules[3];

static enum wish wish;
static uint32_t offers, readies, failures, last_job;
static uint32_t lowest, highest; /* bytes of progress since the last offer; and it never fell */
static uint32_t most;            /* ... before it fell */
static bool fell;
static iot_err why;
static int32_t detail;
static char offered_version[IOT_SLOT_VERSION_MAX + 1], offered_ext[64];

static uint8_t image[IMAGE_BYTES], other[IMAGE_BYTES];
static char file[HOST_PATH_MAX + 32];

static char said[1 << 20];

/* ---- The device ------------------------------------------------------------------------------ */

static void on_offer(const struct iot_ota_job *job)
{
    offers++;
    lowest = UINT32_MAX;
    highest = 0;
    snprintf(offered_version, sizeof offered_version, "%s", job->version);
    snprintf(offered_ext, sizeof offered_ext, "%.*s", (int)job->ext.len,
             (const char *)job->ext.ptr);
}

static void on_ota(void *ctx, struct iot_ota *o, const struct iot_ota_event *ev)
{
    (void)ctx;
    why = ev->err;
    detail = ev->detail;
    switch (ev->what) {
    case IOT_OTA_OFFERED:
        on_offer(ev->job);
        if (wish == ACCEPT)
            iot_ota_accept(o);
        else if (wish == REFUSE)
            iot_ota_refuse(o);
        else if (wish == DEFER)
            iot_ota_defer(o, 300);
        if (wish == DEFER)
            wish = ACCEPT;
        break;
    case IOT_OTA_PROGRESS:
        if (ev->bytes < highest && !fell)
            most = highest;
        fell |= ev->bytes < highest;
        lowest = ev->bytes < lowest ? ev->bytes : lowest;
        highest = ev->bytes;
        break;
    case IOT_OTA_READY:
        readies++;
        break;
    case IOT_OTA_FAILED:
        failures++;
        break;
    }
}

/* The library asks by itself, and the application sees the answers. */
static void on_reply(struct peer_device *p, const struct iot_event *ev)
{
    if (ev->kind == IOT_EV_REPLY || ev->kind == IOT_EV_FAILED)
        peer_accepted(p, ev->ticket);
}

/* Options may be changed between this and `begin`. */
static void prepare(void)
{
    peer_seat(&seat, "dev001", PEER_DS);
    seat.id.system_topics = true;
    seat.one.asks = true;
    http_tls = seat.board.tls;
    http_tls.arena = http_arena;
    http_tls.arena_bytes = sizeof http_arena;
    http_tls.session_key = NULL;
    http_options = (struct iot_http_options){.tls = &http_tls, .connect_ms = 3000, .idle_ms = 1000};
    for (uint32_t i = 0; i < COUNT(slots); i++)
        ram_slot_init(&slots[i]);
    modules[0] = (struct iot_ota_module){"", "1.0", &slots[0].slot};
    modules[1] = (struct iot_ota_module){"mcu", "0.1", &slots[1].slot};
    modules[2] = (struct iot_ota_module){"config", NULL, &slots[2].slot};
    options = (struct iot_ota_options){.modules = modules,
                                       .module_count = COUNT(modules),
                                       .http = &http,
                                       .port = &seat.board.port,
                                       .fit = IOT_TLS_RX_BYTES < 16384, /* as records are there */
                                       .on_event = on_ota};
    seat.one.also = on_reply;
    wish = ACCEPT;
    offers = readies = failures = highest = 0;
    fell = false;
}

static void begin(void)
{
    peer_begin(&seat.one);
    assert_err(iot_http_init(&http, &seat.one.dev, &http_options), IOT_OK);
    assert_err(iot_ota_init(&ota, &seat.one.dev, &options), IOT_OK);
    assert_err(iot_upgrade_init(&platform, &seat.one.dev, &ota, &iot_upgrade_over_mqtt), IOT_OK);
    UNTIL(seat.one.kinds[IOT_EV_CONNECTED] == 1);
}

static void connected(void)
{
    prepare();
    begin();
    peer_cloud_await("version of " DEVICE ", module default: 1.0");
}

/* ---- The platform ---------------------------------------------------------------------------- */

static void write_file(const uint8_t *bytes, uint32_t n)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
}

/* An image of the device, which is in `image`; more: words of the command. */
static void publish(const char *version, const char *more)
{
    char line[HOST_PATH_MAX + 512];

    snprintf(line, sizeof line, "ota publish " DEVICE " %s version=%s %s", file, version, more);
    if (!host_cloud_command(peer_cloud.dir, line, said, sizeof said))
        fail_msg("%s: %s", line, said);
    assert_int_equal(sscanf(said, " published as update %u", &last_job), 1);
}

/* What the platform knows of the last one, JSON; it stays in `said`. */
static const char *shown(void)
{
    char id[32];

    assert_true(host_cloud_command(peer_cloud.dir, "--json ota show " DEVICE, said, sizeof said));
    snprintf(id, sizeof id, "\"id\":%u,", last_job);
    const char *at = strstr(said, id);
    if (at == NULL)
        fail_msg("no update %u in %s", last_job, said);
    return at;
}

static bool has(const char *words)
{
    return strstr(shown(), words) != NULL;
}

#define SUCCEEDED "\"state\":\"succeeded\""
#define FAILED    "\"state\":\"failed\""

static void forget_updates(void)
{
    char line[64];

    for (; last_job > 0; last_job--) {
        snprintf(line, sizeof line, "ota cancel %u", last_job);
        host_cloud_command(peer_cloud.dir, line, said, sizeof said);
    }
}

/* The platform does not want the last one any more. */
static void cancel(void)
{
    char line[64];

    snprintf(line, sizeof line, "ota cancel %u", last_job);
    peer_cloud_command(line);
}

static int setup(void **state)
{
    forget_updates();
    peer_cloud_command("option http-slow 0");
    peer_cloud_command("option http-cut 0");
    peer_cloud_command("option http-norange off");
    peer_cloud_command("option http-expire-s 86400");
    for (uint32_t i = 0; i < IMAGE_BYTES; i++) {
        image[i] = (uint8_t)(i * 7 + i / 251);
        other[i] = (uint8_t)(i * 5 + i / 127);
    }
    write_file(image, IMAGE_BYTES);
    return peer_cloud_test_setup(state);
}

#define UPDATE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, peer_cloud_test_teardown)

static void ready(uint32_t slot, const uint8_t *bytes)
{
    UNTIL(readies + failures == 1);
    if (readies != 1)
        fail_msg("%s, %d", iot_err_name(why), (int)detail);
    assert_true(slots[slot].chosen);
    assert_int_equal(slots[slot].info.bytes, IMAGE_BYTES);
    assert_memory_equal(slots[slot].bytes, bytes, IMAGE_BYTES);
}

static void failed(iot_err err)
{
    UNTIL(readies + failures == 1);
    if (why != err)
        fail_msg("%s, %d", iot_err_name(why), (int)detail);
    assert_false(slots[0].chosen);
}

/* ---- Stories --------------------------------------------------------------------------------- */

static void an_update_goes_from_the_offer_to_the_report_of_its_version(void **state)
{
    (void)state;
    connected();
    publish("2.0", "ext={\"colour\":\"blue\"}");
    ready(0, image);
    assert_string_equal(offered_version, "2.0");
    assert_string_equal(offered_ext, "{\"colour\":\"blue\"}");
    UNTIL(has("\"step\":100,"));
    assert_true(has("\"state\":\"running\""));
    modules[0].version = "2.0";
    iot_upgrade_report(&platform);
    UNTIL(has(SUCCEEDED));
    assert_true(has("\"step\":100,\"desc\":\"\""));
    peer_seat_close(&seat);
}

static void it_is_offered_again_after_each_login_until_it_is_done(void **state)
{
    (void)state;
    publish("2.0", "");
    prepare();
    wish = WAIT;
    begin();
    UNTIL(offers == 1);
    peer_seat_close(&seat);
    connected();
    ready(0, image);
    modules[0].version = "2.0";
    iot_upgrade_report(&platform);
    UNTIL(has(SUCCEEDED));
    peer_seat_close(&seat);
}

static void a_cut_link_does_not_begin_it_anew(void **state)
{
    (void)state;
    peer_cloud_command("option http-slow 4000");
    connected();
    publish("2.0", "");
    for (uint32_t i = 1; i <= 2; i++) {
        UNTIL(highest > i * IMAGE_BYTES / 3);
        host_link(false);
        uint32_t before = highest;
        uint64_t end = host_clock_ms() + 1500;
        UNTIL(host_clock_ms() > end);
        assert_true(highest < before + 1500); /* what was received already */
        host_link(true);
    }
    ready(0, image);
    assert_false(fell);
    assert_true(peer_cloud_says("https GET /fw/") >= 3);
    peer_seat_close(&seat);
}

/* Its records are small while it is slow: it sends what it has. */
static void a_server_without_ranges_is_asked_for_all_again_until_all_came(void **state)
{
    (void)state;
    peer_cloud_command("option http-norange on");
    peer_cloud_command("option http-slow 4000");
    peer_cloud_command("option http-cut 3000");
    connected();
    publish("2.0", "");
    UNTIL(fell); /* behind the cut it began anew */
    assert_in_range(most, IMAGE_BYTES / 4, 3000);
    assert_int_equal(readies + failures, 0);
    peer_cloud_command("option http-cut 0");
    ready(0, image);
    assert_in_range(slots[0].calls[RAM_BEGIN], 2, 3);
    assert_int_equal(peer_cloud_says(": 206"), 0);
    UNTIL(has("\"step\":100,"));
    peer_seat_close(&seat);
}

/* It always cuts at the same place: nothing new comes, and that is bounded. */
static void a_server_without_ranges_that_never_comes_further_is_left(void **state)
{
    (void)state;
    peer_cloud_command("option http-norange on");
    peer_cloud_command("option http-cut 3000");
    prepare();
    options.attempts = 2;
    begin();
    publish("2.0", "");
    failed(IOT_ERR_OTA_FAILED);
    assert_int_equal(detail, IOT_ERR_HTTP_CUT);
    assert_int_equal(slots[0].calls[RAM_BEGIN], 2); /* what the first one brought was new */
    assert_int_equal(slots[0].calls[RAM_DONE] + slots[0].calls[RAM_CHOOSE], 0);
    UNTIL(has(FAILED));
    assert_true(has("\"step\":-2,\"desc\":\"OTA_FAILED\""));
    peer_seat_close(&seat);
}

/* The platform's server asks nobody how large a record may be. */
static void records_larger_than_ours_end_it_by_name_unless_ranges_fit(void **state)
{
    (void)state;
    prepare();
    options.fit = false;
    options.attempts = 2;
    begin();
    publish("2.0", "");
    if (IOT_TLS_RX_BYTES >= 16384) {
        ready(0, image);
    } else {
        failed(IOT_ERR_OTA_FAILED);
        assert_int_equal(detail, IOT_ERR_TLS_RECORD);
        assert_int_equal(slots[0].calls[RAM_BEGIN], 0);
        UNTIL(has(FAILED));
        readies = failures = 0;
        options.fit = true; /* it is looked at when a job begins */
        publish("2.1", "");
        ready(0, image);
        assert_true(peer_cloud_says(" bytes=") >= 2);
    }
    peer_seat_close(&seat);
}

static void an_expired_url_is_asked_for_again(void **state)
{
    (void)state;
    peer_cloud_command("option http-expire-s 1");
    prepare();
    wish = WAIT;
    begin();
    publish("2.0", "");
    UNTIL(offers == 1);
    uint64_t end = host_clock_ms() + 2100;
    UNTIL(host_clock_ms() > end);
    peer_cloud_command("option http-expire-s 86400");
    assert_err(iot_ota_accept(&ota), IOT_OK);
    ready(0, image);
    peer_cloud_said("the address has expired");
    peer_cloud_said("thing/ota/firmware/get");
    peer_seat_close(&seat);
}

static void a_module_has_a_sink_and_a_version_of_its_own(void **state)
{
    (void)state;
    connected();
    peer_cloud_await("version of " DEVICE ", module mcu: 0.1");
    publish("0.2", "module=mcu sign=md5");
    ready(1, image);
    assert_int_equal(slots[0].calls[RAM_OPEN], 0);
    UNTIL(has("\"step\":100,"));
    modules[1].version = "0.2";
    iot_upgrade_report(&platform);
    UNTIL(has(SUCCEEDED));
    peer_cloud_said("version of " DEVICE ", module default: 1.0");
    peer_seat_close(&seat);
}

static void a_module_that_is_not_there_is_refused(void **state)
{
    (void)state;
    connected();
    publish("0.2", "module=radio");
    failed(IOT_ERR_OTA_MODULE);
    UNTIL(has(FAILED));
    assert_true(has("\"step\":-1,\"desc\":\"OTA_MODULE\""));
    assert_int_equal(offers, 0);
    peer_seat_close(&seat);
}

static void the_application_refuses(void **state)
{
    (void)state;
    connected();
    wish = REFUSE;
    publish("2.0", "");
    failed(IOT_ERR_OTA_REFUSED);
    UNTIL(has(FAILED));
    assert_true(has("\"step\":-1,\"desc\":\"OTA_REFUSED\""));
    assert_int_equal(peer_cloud_says("https GET"), 0);
    peer_seat_close(&seat);
}

static void the_application_defers(void **state)
{
    (void)state;
    connected();
    wish = DEFER;
    publish("2.0", "");
    ready(0, image);
    assert_int_equal(offers, 2);
    peer_seat_close(&seat);
}

static void the_application_cancels(void **state)
{
    (void)state;
    peer_cloud_command("option http-slow 4000");
    connected();
    publish("2.0", "");
    UNTIL(highest > 1000);
    assert_err(iot_ota_cancel(&ota), IOT_OK);
    failed(IOT_ERR_OTA_REFUSED);
    UNTIL(has(FAILED));
    assert_null(iot_ota_job(&ota));
    peer_seat_close(&seat);
}

/* It tells nobody: what the device has begun it ends, and is not offered again. */
static void the_platform_cancels_and_the_device_is_not_told(void **state)
{
    (void)state;
    peer_cloud_command("option http-slow 4000");
    connected();
    publish("2.0", "");
    UNTIL(highest > 1000);
    cancel();
    ready(0, image);
    peer_seat_close(&seat);
    connected(); /* another boot, of the old version */
    uint32_t before = seat.one.kinds[IOT_EV_REPLY];
    assert_err(iot_upgrade_ask(&platform, ""), IOT_OK);
    UNTIL(seat.one.kinds[IOT_EV_REPLY] > before);
    assert_int_equal(offers + readies + failures, 0);
    peer_seat_close(&seat);
}

/* When it has to ask for a URL, the answer is that there is nothing. The old one is tried again, and that is bounded. */
static void what_the_platform_has_cancelled_ends_when_its_url_does(void **state)
{
    (void)state;
    peer_cloud_command("option http-expire-s 1");
    prepare();
    options.attempts = 2;
    wish = WAIT;
    begin();
    publish("2.0", "");
    UNTIL(offers == 1);
    cancel();
    uint64_t end = host_clock_ms() + 2100;
    UNTIL(host_clock_ms() > end);
    uint32_t before = seat.one.kinds[IOT_EV_REPLY];
    assert_err(iot_ota_accept(&ota), IOT_OK);
    UNTIL(seat.one.kinds[IOT_EV_REPLY] > before);
    assert_int_equal(readies + failures, 0);
    UNTIL_FAST(readies + failures == 1);
    failed(IOT_ERR_OTA_FAILED);
    assert_int_equal(detail, IOT_ERR_OTA_EXPIRED);
    assert_int_equal(offers, 1);
    assert_int_equal(slots[0].calls[RAM_BEGIN], 0);
    peer_seat_close(&seat);
}

static void a_newer_one_takes_the_place_of_the_one_under_way(void **state)
{
    (void)state;
    peer_cloud_command("option http-slow 4000");
    connected();
    publish("2.0", "");
    UNTIL(highest > 1000);
    write_file(other, IMAGE_BYTES);
    publish("3.0", "");
    UNTIL(failures == 1);
    assert_err(why, IOT_ERR_OTA_REPLACED);
    failures = 0;
    peer_cloud_command("option http-slow 0");
    ready(0, other);
    assert_string_equal(offered_version, "3.0");
    assert_string_equal(slots[0].info.version, "3.0");
    assert_false(has(FAILED));
    peer_seat_close(&seat);
}

static void an_image_comes_over_mqtt(void **state)
{
    (void)state;
    connected();
    publish("2.0", "protocol=mqtt");
    ready(0, image);
    assert_int_equal(peer_cloud_says("https GET"), 0);
    UNTIL(has("\"step\":100,"));
    peer_seat_close(&seat);
}

static void damaged_blocks_are_asked_for_again(void **state)
{
    (void)state;
    connected();
    peer_cloud_command("ota fault crc 3");
    publish("2.0", "protocol=mqtt");
    ready(0, image);
    peer_cloud_command("ota fault crc 0");
    peer_seat_close(&seat);
}

/* A device that is not told by itself asks; in this form and in the older one. */
static void both_questions_are_answered_by_an_offer(void **state)
{
    static struct iot_listen_texts texts;
    (void)state;
    for (uint32_t older = 0; older < 2; older++) {
        prepare();
        seat.id.system_topics = false;
        begin();
        publish("2.0", ""); /* the device does not listen */
        peer_cloud_await("version of " DEVICE ", module default: 1.0");
        if (older)
            assert_err(iot_upgrade_listen(&platform), IOT_OK);
        else
            assert_err(iot_alink_listen(&seat.one.dev, IOT_LISTEN_SYSTEM, &texts), IOT_OK);
        UNTIL(seat.one.kinds[IOT_EV_SUBACK] == (older ? 2 : 1));
        assert_int_equal(offers, 0);
        if (older)
            assert_err(iot_link_upgrade_ask_old(&seat.one.dev.alink, "1.0"), IOT_OK);
        else
            assert_err(iot_upgrade_ask(&platform, ""), IOT_OK);
        ready(0, image);
        assert_int_equal(offers, 1);
        peer_seat_close(&seat);
    }
}

static void that_there_is_none_is_an_answer_too(void **state)
{
    (void)state;
    connected();
    uint32_t before = seat.one.kinds[IOT_EV_REPLY];
    assert_err(iot_upgrade_ask(&platform, ""), IOT_OK);
    UNTIL(seat.one.kinds[IOT_EV_REPLY] > before);
    assert_int_equal(offers + failures, 0);
    assert_err(iot_upgrade_ask(&platform, "mcu"), IOT_OK); /* the first one is over */
    UNTIL(seat.one.kinds[IOT_EV_REPLY] > before + 1);
    peer_seat_close(&seat);
}

static void a_wrong_digest_is_reported_and_never_chosen(void **state)
{
    (void)state;
    connected();
    publish("2.0", "digest=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    failed(IOT_ERR_OTA_DIGEST);
    assert_int_equal(slots[0].calls[RAM_CHOOSE], 0);
    assert_int_equal(slots[0].calls[RAM_DONE], 0);
    UNTIL(has(FAILED));
    assert_true(has("\"step\":-3,\"desc\":\"OTA_DIGEST\""));
    peer_seat_close(&seat);
}

static void a_server_that_is_not_there_is_tried_so_often(void **state)
{
    char more[128];
    (void)state;
    prepare();
    options.attempts = 2;
    begin();
    snprintf(more, sizeof more, "url=https://" HOST_CERT_FILES ":%u/fw",
             (unsigned)host_free_port());
    publish("2.0", more);
    failed(IOT_ERR_OTA_FAILED);
    UNTIL(has(FAILED));
    assert_true(has("\"step\":-2,\"desc\":\"OTA_FAILED\""));
    peer_seat_close(&seat);
}

static void an_image_larger_than_its_slot_is_not_begun(void **state)
{
    (void)state;
    connected();
    publish("2.0", "size=9000");
    UNTIL(failures == 1);
    assert_int_equal(slots[0].calls[RAM_BEGIN], 0);
    assert_int_equal(peer_cloud_says("https GET"), 0);
    UNTIL(has(FAILED));
    peer_seat_close(&seat);
}

/* The console runs in a folder of its own. */
static void a_file_is_found_from_where_it_is_published(void **state)
{
    char here[HOST_PATH_MAX];
    (void)state;
    connected();
    const char *argv[] = {peer_program("cloud"),
                          "--dir",
                          peer_cloud.dir,
                          "ota",
                          "publish",
                          PEER_PK,
                          "dev001",
                          "app.bin",
                          "version=2.0",
                          NULL};
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(peer_cloud.dir), 0);
    int code = peer_run(argv);
    assert_int_equal(chdir(here), 0);
    if (code != 0)
        fail_msg("exit %d: %s", code, peer_output);
    assert_int_equal(sscanf(peer_output, "published as update %u", &last_job), 1);
    ready(0, image);
    peer_seat_close(&seat);
}

/* ---- Signatures ------------------------------------------------------------------------------ */

static uint8_t public_key[65];
_Alignas(8) static uint8_t work[4096];

/* The platform's own key will do: its last 65 bytes are the point. */
static void read_key(void)
{
    char key[HOST_PATH_MAX + 16], out[HOST_PATH_MAX + 16];
    uint8_t der[128];

    snprintf(key, sizeof key, "%s/server.key", peer_cloud.dir);
    snprintf(out, sizeof out, "%s/public.der", peer_cloud.dir);
    const char *argv[] = {peer_cloud.openssl, "pkey", "-in",  key, "-pubout",
                          "-outform",         "DER",  "-out", out, NULL};
    assert_int_equal(peer_run(argv), 0);
    int fd = open(out, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, der, sizeof der);
    close(fd);
    assert_in_range(n, 65, sizeof der - 1);
    memcpy(public_key, der + n - 65, 65);
    assert_int_equal(public_key[0], 4);
}

static void with_a_key_only_signed_images_are_taken(void **state)
{
    char more[HOST_PATH_MAX + 32];
    (void)state;
    read_key();
    snprintf(more, sizeof more, "key=%s/server.key", peer_cloud.dir);
    prepare();
    options.public_key = public_key;
    options.arena = work;
    options.arena_bytes = sizeof work;
    begin();
    publish("2.0", "");
    failed(IOT_ERR_OTA_SIGNATURE);
    UNTIL(has(FAILED));
    assert_true(has("\"step\":-3,\"desc\":\"OTA_SIGNATURE\""));
    failures = 0;
    publish("2.1", more);
    ready(0, image);
    peer_seat_close(&seat);

    /* of another image */
    char signature[128] = "";
    const char *at = strstr(shown(), "\"digestsign\":\"");
    assert_non_null(at);
    sscanf(at, "\"digestsign\":\"%127[^\"]", signature);
    forget_updates();
    write_file(other, IMAGE_BYTES);
    snprintf(more, sizeof more, "digestsign=%s", signature);
    prepare();
    options.public_key = public_key;
    options.arena = work;
    options.arena_bytes = sizeof work;
    begin();
    publish("2.2", more);
    failed(IOT_ERR_OTA_SIGNATURE);
    assert_int_equal(slots[0].calls[RAM_CHOOSE], 0);
    peer_seat_close(&seat);
}

/* ---- Remote configuration -------------------------------------------------------------------- */

static iot_ticket config_asked;
static struct iot_ota_job config_job;
static uint32_t configs;

static void on_config(struct peer_device *p, const struct iot_event *ev)
{
    struct iot_config_info info;
    struct iot_json data;

    on_reply(p, ev);
    if (ev->kind == IOT_EV_REPLY && ev->ticket == config_asked && ev->err == IOT_OK)
        data = ev->reply->data;
    else if (ev->kind == IOT_EV_NOTICE && ev->notice->kind == IOT_NOTICE_CONFIG)
        data = ev->notice->data;
    else
        return;
    if (iot_config_read(data, &info) == IOT_OK &&
        iot_ota_job_of_config(&info, "config", &config_job) == IOT_OK &&
        iot_ota_start(&ota, &config_job) == IOT_OK)
        configs++;
}

static void a_configuration_comes_into_the_sink_of_the_application(void **state)
{
    static const char text[] = "{\"interval\":30}";
    (void)state;
    for (uint32_t md5 = 0; md5 < 2; md5++) {
        peer_cloud_command(md5 ? "config " PEER_PK " md5 {\"interval\":30}"
                               : "config " PEER_PK " {\"interval\":30}");
        prepare();
        seat.one.also = on_config;
        configs = 0;
        begin();
        assert_err(iot_config_ask(&seat.one.dev, &config_asked), IOT_OK);
        UNTIL(readies + failures == 1);
        assert_int_equal(readies, 1);
        assert_int_equal(slots[2].info.bytes, sizeof text - 1);
        assert_memory_equal(slots[2].bytes, text, sizeof text - 1);
        assert_int_equal(config_job.digest_kind, md5 ? IOT_OTA_MD5 : IOT_OTA_SHA256);
        assert_string_equal(slots[2].info.version, config_job.version);
        assert_null(strstr(said, "module config")); /* no version of it is told */
        peer_seat_close(&seat);
    }
    peer_cloud_command("config " PEER_PK " none");
}

static void a_configuration_that_was_damaged_is_not_taken(void **state)
{
    (void)state;
    peer_cloud_command("config " PEER_PK " {\"interval\":30}");
    prepare();
    seat.one.also = on_config;
    slots[2].rot = 3;
    begin();
    assert_err(iot_config_ask(&seat.one.dev, &config_asked), IOT_OK);
    UNTIL(readies + failures == 1);
    assert_err(why, IOT_ERR_OTA_DIGEST);
    assert_false(slots[2].chosen);
    peer_seat_close(&seat);
    peer_cloud_command("config " PEER_PK " none");
}

/* ---- The program ----------------------------------------------------------------------------- */

static struct peer_child child;

static void the_story_of_make_run_ota_ends_well(void **state)
{
    const char *argv[] = {peer_program("updater"), NULL};
    static const char *const lines[] = {"device        boot slot-a 1.0.0 ok",
                                        "device        offered 2.0.0 32768",
                                        "the link is cut",
                                        "bytes are not fetched again",
                                        "the power is cut",
                                        "bytes are not fetched again",
                                        "the link is cut",
                                        "bytes are not fetched again",
                                        "device        ready",
                                        "device        boot slot-b 2.0.0 trial",
                                        "device        confirmed",
                                        "module default: 2.0.0",
                                        "succeeded 100",
                                        "known as succeeded"};
    (void)state;
    setenv("SIZE", "32", 1);
    setenv("FOR", "60", 1);
    peer_child_start(&child, argv);
    unsetenv("SIZE");
    unsetenv("FOR");
    peer_child_says(&child, "the power is cut"); /* each of them waits for half a minute */
    int code = peer_child_end(&child);
    if (code != 0)
        fail_msg("exit %d:\n%s", code, child.said);
    const char *at = child.said;
    for (uint32_t i = 0; i < COUNT(lines); i++) {
        at = strstr(at, lines[i]);
        if (at == NULL)
            fail_msg("'%s' is not in its place:\n%s", lines[i], child.said);
    }
    assert_null(strstr(child.said, PEER_DS));
}

static void it_does_not_end_well_when_there_is_no_time(void **state)
{
    const char *argv[] = {peer_program("updater"), NULL};
    (void)state;
    setenv("SIZE", "32", 1);
    setenv("FOR", "2", 1);
    peer_child_start(&child, argv);
    unsetenv("SIZE");
    unsetenv("FOR");
    assert_int_equal(peer_child_end(&child), 1);
    assert_non_null(strstr(child.said, "missing: restarted it on trial"));
}

static int group_setup(void **state)
{
    if (peer_cloud_group_setup(state) != 0)
        return -1;
    snprintf(file, sizeof file, "%s/app.bin", peer_cloud.dir);
    return host_name_add(HOST_CERT_FILES, peer_loopback) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UPDATE_TEST(an_update_goes_from_the_offer_to_the_report_of_its_version),
        UPDATE_TEST(it_is_offered_again_after_each_login_until_it_is_done),
        UPDATE_TEST(a_cut_link_does_not_begin_it_anew),
        UPDATE_TEST(a_server_without_ranges_is_asked_for_all_again_until_all_came),
        UPDATE_TEST(a_server_without_ranges_that_never_comes_further_is_left),
        UPDATE_TEST(records_larger_than_ours_end_it_by_name_unless_ranges_fit),
        UPDATE_TEST(an_expired_url_is_asked_for_again),
        UPDATE_TEST(a_module_has_a_sink_and_a_version_of_its_own),
        UPDATE_TEST(a_module_that_is_not_there_is_refused),
        UPDATE_TEST(the_application_refuses),
        UPDATE_TEST(the_application_defers),
        UPDATE_TEST(the_application_cancels),
        UPDATE_TEST(the_platform_cancels_and_the_device_is_not_told),
        UPDATE_TEST(what_the_platform_has_cancelled_ends_when_its_url_does),
        UPDATE_TEST(a_newer_one_takes_the_place_of_the_one_under_way),
        UPDATE_TEST(an_image_comes_over_mqtt),
        UPDATE_TEST(damaged_blocks_are_asked_for_again),
        UPDATE_TEST(both_questions_are_answered_by_an_offer),
        UPDATE_TEST(that_there_is_none_is_an_answer_too),
        UPDATE_TEST(a_wrong_digest_is_reported_and_never_chosen),
        UPDATE_TEST(a_server_that_is_not_there_is_tried_so_often),
        UPDATE_TEST(an_image_larger_than_its_slot_is_not_begun),
        UPDATE_TEST(a_file_is_found_from_where_it_is_published),
        UPDATE_TEST(with_a_key_only_signed_images_are_taken),
        UPDATE_TEST(a_configuration_comes_into_the_sink_of_the_application),
        UPDATE_TEST(a_configuration_that_was_damaged_is_not_taken),
        UPDATE_TEST(the_story_of_make_run_ota_ends_well),
        UPDATE_TEST(it_does_not_end_well_when_there_is_no_time),
    };
    return cmocka_run_group_tests_name("update", tests, group_setup, peer_cloud_group_teardown);
}

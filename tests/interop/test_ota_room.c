/* SPDX-License-Identifier: Apache-2.0 */
/* An update in the place of MQTT, over real TLS: one arena serves mosquitto, then nginx, then mosquitto again; the image is
 * whole, no message is lost, and nobody hears of a will. */
#define RAM_ROOM 65536u

#include "peer_broker.h"
#include "peer_nginx.h"
#include "peer_tls.h"
#include "peer_trust.h"

#include "crypto/iot_crypto_digest.h"
#include "ram_slot.h"

#include "lwip/tcp.h"

#define IMAGE_BYTES 60000u

static struct host_broker broker;
static struct peer_nginx nginx;
static struct peer_trust board, other_board;
static struct peer_device one, two; /* the other looks for the will of the first */
static struct ram_slot ram;
static struct iot_http web;
static struct iot_tls_options web_tls;
static struct iot_http_options web_options;
static struct iot_ota ota;
static struct iot_ota_options ota_options;
static struct iot_ota_module modules[1];
static struct iot_ota_job job;
static uint8_t image[IMAGE_BYTES];
static uint32_t readies, failures, both, fetches;
static iot_err why;

static void on_ota(void *ctx, struct iot_ota *o, const struct iot_ota_event *ev)
{
    (void)ctx, (void)o;
    readies += ev->what == IOT_OTA_READY;
    failures += ev->what == IOT_OTA_FAILED;
    why = ev->err;
}

/* At no time both live in the arena. */
static void turn(void)
{
    struct iot_tls_memory of_web;

    peer_turn();
    iot_tls_memory(&web.tls, &of_web);
    both += of_web.blocks != 0 && peer_trust_memory(&one).blocks != 0;
    fetches += of_web.blocks != 0;
}

static void begin(const char *path)
{
    struct iot_digest d;

    peer_trust_prepare(&other_board, CERT_EC_ROOT);
    peer_trust_device(&two, &other_board, "watcher", broker.port);
    peer_trust_connect(&two);
    peer_subscribed(&two, "gone", 1);
    peer_trust_prepare(&board, CERT_EC_ROOT);
    peer_trust_device(&one, &board, "updated", broker.port);
    one.options.will.topic = peer_topic("gone");
    one.options.will.payload = BYTES("!");
    one.options.session = IOT_SESSION_KEEP;
    peer_trust_connect(&one);
    peer_subscribed(&one, "down", 1);

    memset(&web_options, 0, sizeof web_options);
    web_tls = board.tls; /* the same memory */
    web_options.tls = &web_tls;
    assert_err(iot_http_init(&web, &one.dev, &web_options), IOT_OK);
    ram_slot_init(&ram);
    modules[0] = (struct iot_ota_module){"", "1", &ram.slot};
    memset(&ota_options, 0, sizeof ota_options);
    ota_options.modules = modules;
    ota_options.module_count = 1;
    ota_options.http = &web;
    ota_options.port = &board.port;
    ota_options.chunk = 25000;
    ota_options.attempts = 1;
    ota_options.on_event = on_ota;
    ota_options.memory = IOT_OTA_INSTEAD_OF_MQTT;
    assert_err(iot_ota_init(&ota, &one.dev, &ota_options), IOT_OK);

    memset(&job, 0, sizeof job);
    job.size = IMAGE_BYTES;
    strcpy(job.version, "2");
    snprintf(job.url, sizeof job.url, "https://" PEER_NAME ":%u/%s", nginx.secure, path);
    iot_digest_begin(&d, IOT_DIGEST_SHA256);
    iot_digest_put(&d, (struct iot_bytes){image, IMAGE_BYTES});
    iot_digest_end(&d, job.digest);
    readies = failures = both = fetches = 0;
    peer_watch_resets();
}

static void end(void)
{
    assert_int_equal(both, 0);
    assert_true(fetches != 0);
    assert_int_equal(peer_count_of(&two, "gone"), 0);
    peer_trust_close(&one);
    UNTIL(iot_device_idle(&two.dev));
    assert_int_equal(peer_count_of(&two, "gone"), 0);
    peer_trust_close(&two);
}

static void an_update_takes_the_memory_of_mqtt_and_gives_it_back(void **state)
{
    struct iot_tls_memory of_mqtt, of_web;
    (void)state;

    begin("firmware");
    for (uint32_t i = 0; i < 6; i++)
        peer_publish(&one, "up", "before", (uint8_t)(i % 3), 0);
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    UNTIL_WITH(turn, one.kinds[IOT_EV_LOST] != 0);
    assert_err(peer_last(&one, IOT_EV_LOST)->err, IOT_ERR_OTA_ROOM);
    assert_int_equal(peer_resets_sent(), 0);
    assert_true(peer_all_ended(&one)); /* before it went */
    assert_int_equal(one.kinds[IOT_EV_FAILED], 0);
    peer_publish(&one, "up", "meanwhile", 1, 0);
    peer_publish(&two, "down", "meanwhile", 1, 0);
    UNTIL_WITH(turn, readies + failures != 0);
    assert_err(why, IOT_OK);
    assert_true(ram.chosen);
    assert_memory_equal(ram.bytes, image, IMAGE_BYTES);
    UNTIL_WITH(turn, iot_device_connected(&one.dev));
    UNTIL_WITH(turn, peer_all_ended(&one) && peer_count_of(&one, "down") == 1);
    assert_int_equal(one.kinds[IOT_EV_FAILED], 0);
    assert_int_equal(one.kinds[IOT_EV_LOST], 1);
    assert_int_equal(one.kinds[IOT_EV_CONNECTED], 2);
    of_mqtt = peer_trust_memory(&one);
    iot_tls_memory(&web.tls, &of_web);
    assert_int_equal(of_web.blocks, 0);
    print_message("one arena: MQTT %u bytes, HTTPS %u bytes, records of %u\n",
                  (unsigned)of_mqtt.high, (unsigned)of_web.high, (unsigned)IOT_TLS_RX_BYTES);
    end();
}

static void it_comes_back_from_a_failed_one_too(void **state)
{
    (void)state;
    begin("none");
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    UNTIL_WITH(turn, failures != 0);
    assert_err(why, IOT_ERR_OTA_EXPIRED);
    UNTIL_WITH(turn, iot_device_connected(&one.dev));
    end();
}

static void what_is_called_off_in_the_middle_gives_it_back(void **state)
{
    (void)state;
    begin("firmware");
    ram.portion = 100; /* slowly */
    assert_err(iot_ota_start(&ota, &job), IOT_OK);
    UNTIL_WITH(turn, ram.taken > 10000);
    assert_false(iot_device_connected(&one.dev));
    assert_err(iot_ota_cancel(&ota), IOT_OK);
    UNTIL_WITH(turn, failures != 0 && iot_device_connected(&one.dev));
    assert_err(why, IOT_ERR_OTA_REFUSED);
    assert_int_equal(both, 0);
    assert_int_equal(peer_count_of(&two, "gone"), 0);
    peer_trust_close(&one);
    peer_trust_close(&two);
}

/* What the others would have seen. */
static void a_link_that_is_cut_fires_the_will(void **state)
{
    (void)state;
    begin("firmware");
    tcp_abort(one.dev.tcp.pcb);
    UNTIL(peer_count_of(&two, "gone") == 1);
    peer_trust_close(&one);
    peer_trust_close(&two);
}

static int group_setup(void **state)
{
    if (peer_trust_group_setup(state) != 0)
        return -1;
    for (uint32_t i = 0; i < IMAGE_BYTES; i++)
        image[i] = (uint8_t)(i * 31 + (i >> 8) * 7);
    peer_broker_start(&broker, 0, peer_tls_lines(CERT_EC_GOOD, NULL), NULL);
    peer_nginx_start(&nginx, CERT_EC_GOOD);
    peer_nginx_file(&nginx, "firmware", (struct iot_bytes){image, IMAGE_BYTES});
    return 0;
}

static int group_teardown(void **state)
{
    peer_nginx_stop(&nginx);
    return peer_trust_group_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRUST_TEST(an_update_takes_the_memory_of_mqtt_and_gives_it_back),
        TRUST_TEST(it_comes_back_from_a_failed_one_too),
        TRUST_TEST(what_is_called_off_in_the_middle_gives_it_back),
        TRUST_TEST(a_link_that_is_cut_fires_the_will),
    };
    return cmocka_run_group_tests_name("ota_room", tests, group_setup, group_teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* How fast an image comes, compared with bytes that lwIP's raw callbacks throw away: same wire, same server, same window.
 * 10 Mbit/s, 20 ms there and back, without and with 1 % of the frames lost. */
#include "scenario.h"

#include "world/world_trace.h"
#include "world/world_update.h"
#include "world/world_wire.h"

#include "lwip/tcp.h"

#define IMAGE_BYTES (1u << 20)
#define RATE_BPS    10000000u
#define DELAY_MS    10u
#define PATIENCE_MS 3600000u
#define LOSSY_RUNS  100u
#define PERCENT(n)  ((n)*10000u)

static uint8_t old_image[IMAGE_BYTES], new_image[IMAGE_BYTES];
/* Of all runs, which are processes: ms that each way took. */
static struct result {
    uint64_t raw_ms, ota_ms;
} * result;
static uint32_t loss, range, sector;

static struct world_web *begin(void)
{
    for (int way = 0; way < 2; way++)
        *world_lane((enum world_way)way) = (struct world_lane){
            .rate_bps = RATE_BPS, .queue_ms_max = 4000, .delay_ms = DELAY_MS, .loss = loss};
    for (uint32_t i = 0; i < IMAGE_BYTES; i++)
        new_image[i] = (uint8_t)(i * 7 + i / 251 + (i >> 16));
    struct world_web *web = world_web_start();
    web->image = (struct iot_bytes){new_image, IMAGE_BYTES};
    web->etag = "\"v2\"";
    return web;
}

/* ---- lwIP's raw receive ------------------------------------------------------------------- */

static uint32_t heard;

static err_t raw_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)arg;
    (void)err;
    assert_non_null(p);
    heard += p->tot_len;
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return ERR_OK;
}

static err_t raw_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    static const char get[] = "GET /image HTTP/1.1\r\nHost: 10.2.0.1\r\n\r\n";
    (void)arg;
    assert_int_equal(err, ERR_OK);
    assert_int_equal(tcp_write(pcb, get, sizeof get - 1, TCP_WRITE_FLAG_COPY), ERR_OK);
    assert_int_equal(tcp_output(pcb), ERR_OK);
    return ERR_OK;
}

static bool raw_goes_on(void *ctx)
{
    (void)ctx;
    return heard < IMAGE_BYTES;
}

static void raw(void)
{
    ip_addr_t ip;
    struct tcp_pcb *pcb = tcp_new();

    begin();
    assert_true(ipaddr_aton(WORLD_CLOUD_ADDRESS, &ip));
    tcp_bind_netif(pcb, world_wire_dev());
    tcp_recv(pcb, raw_recv);
    uint64_t since = world_ms();
    assert_int_equal(tcp_connect(pcb, &ip, WORLD_WEB_PORT, raw_connected), ERR_OK);
    assert_true(world_loop_while(raw_goes_on, NULL, PATIENCE_MS));
    result->raw_ms += world_ms() - since;
}

/* ---- An update ---------------------------------------------------------------------------- */

static void ota(void)
{
    static struct world_update update;
    static uint32_t room[2000000], factory_room[2000000];
    struct world_update_shape shape = {
        .sector = sector, .write_bytes = 8, .image_bytes = IMAGE_BYTES, .range = range};

    struct world_web *web = begin();
    assert_true(world_update_room(&shape) <= sizeof room);
    assert_true(world_update_make(&update, scenario_seed(), &shape, room, factory_room, old_image,
                                  new_image));
    assert_int_equal(world_update_live(&update), WORLD_UPDATE_FETCHED);
    assert_int_equal(web->bodies, IMAGE_BYTES);
    result->ota_ms += update.fetched_ms - update.asked_ms;
}

/* ---- Both --------------------------------------------------------------------------------- */

static void compare(const char *what, uint32_t runs)
{
    memset(result, 0, sizeof *result);
    for (uint32_t i = 0; i < runs; i++) {
        scenario_run_seed(raw, 1 + i);
        scenario_run_seed(ota, 1 + i);
    }
    uint64_t bytes = (uint64_t)IMAGE_BYTES * runs * 1000u;
    print_message("figure: %s: raw %u bytes/s, update %u bytes/s: %.1f %%\n", what,
                  (unsigned)(bytes / result->raw_ms), (unsigned)(bytes / result->ota_ms),
                  100.0 * (double)result->raw_ms / (double)result->ota_ms);
}

static void assert_share(uint32_t per_cent)
{
    assert_true(result->raw_ms * 100 >= result->ota_ms * per_cent);
}

static void an_update_comes_as_fast_as_bytes_that_are_thrown_away(void **state)
{
    (void)state;
    compare("0 % loss", 1);
    assert_share(95);
}

static void so_it_does_when_frames_are_lost(void **state)
{
    (void)state;
    loss = PERCENT(1);
    compare("1 % loss", LOSSY_RUNS);
    assert_share(95);
}

/* A round trip each. */
static void ranges_cost_little(void **state)
{
    (void)state;
    range = 65536;
    compare("0 % loss, ranges of 64 KiB", 1);
    assert_share(90);
}

/* A sector that is full makes the slot ask for another call. */
static void nor_do_small_sectors(void **state)
{
    (void)state;
    sector = 512;
    compare("0 % loss, sectors of 512 bytes", 1);
    assert_share(95);
}

static int setup_one(void **state)
{
    (void)state;
    loss = range = 0;
    sector = 4096;
    return 0;
}

static int setup(void **state)
{
    (void)state;
    result = mmap(NULL, sizeof *result, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return result == MAP_FAILED;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_update_comes_as_fast_as_bytes_that_are_thrown_away, setup_one),
        cmocka_unit_test_setup(so_it_does_when_frames_are_lost, setup_one),
        cmocka_unit_test_setup(ranges_cost_little, setup_one),
        cmocka_unit_test_setup(nor_do_small_sectors, setup_one),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}

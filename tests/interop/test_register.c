/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that come without a secret, at the emulated platform: over TLS, mosquitto, and lwIP. */
#include "peer_cloud.h"

#include "heap_trap.h"
#include "host/host_dir.h"
#include "iot/iot_register.h"
#include "peer_run.h"

#include <unistd.h>

#define PS      "Ps16CharSecret01"
#define PS_WIDE "WideProductSecrt" /* of a1WideProd1, whose devices need not be listed */

static struct peer_seat seat;
static struct iot_registration registration;

/* A board that has left the factory. */
static void fresh(const char *key, const char *name, const char *product_secret)
{
    peer_seat(&seat, name, NULL);
    registration = (struct iot_registration){.product_secret = product_secret};
    seat.id.product_key = key;
    seat.id.registration = &registration;
    seat.one.options.host = PEER_HOST; /* one emulator for all products */
    peer_trust_secret(&seat.board, text_bytes(product_secret));
}

/* The next boot of the same board. */
static void boots(const char *key, const char *name, const char *product_secret)
{
    struct peer_kv kept[PEER_KV_MAX];

    memcpy(kept, seat.board.kv, sizeof kept);
    fresh(key, name, product_secret);
    memcpy(seat.board.kv, kept, sizeof kept);
}

static struct iot_bytes kept(void)
{
    const struct peer_kv *v = peer_trust_kv(&seat.board, "iot-ds");

    assert_non_null(v);
    return (struct iot_bytes){v->bytes, v->len};
}

static void connects(void)
{
    peer_begin(&seat.one);
    UNTIL(seat.one.kinds[IOT_EV_CONNECTED] == 1);
    assert_int_equal(seat.one.kinds[IOT_EV_LOST], 0);
}

static void a_listed_device_gets_its_secret_once_and_lives_by_it(void **state)
{
    (void)state;
    fresh(PEER_PK, "new001", PS);
    connects();
    assert_int_equal(seat.one.kinds[IOT_EV_REGISTERED], 1);
    assert_int_equal(seat.one.kinds[IOT_EV_CONNECTING], 2);
    peer_trust_secret(&seat.board, kept());
    assert_int_equal(kept().len, 32);
    assert_int_equal(peer_cloud_says("registration of " PEER_PK " new001: register"), 1);
    assert_int_equal(peer_cloud_says("login " PEER_PK " new001 accepted: hmacsha256, tls"), 1);
    peer_seat_close(&seat);

    boots(PEER_PK, "new001", PS);
    connects();
    assert_int_equal(seat.one.kinds[IOT_EV_REGISTERED], 0);
    assert_int_equal(seat.attempts, 1);
    assert_int_equal(peer_cloud_says("registration of"), 1);
    peer_seat_close(&seat);

    /* whoever loses it now is not given it again */
    fresh(PEER_PK, "new001", PS);
    peer_begin(&seat.one);
    peer_seat_exiled(&seat, IOT_ERR_LINK_REGISTER);
    assert_null(peer_trust_kv(&seat.board, "iot-ds"));
    peer_seat_close(&seat);
}

static void another_products_secret_is_refused_by_name(void **state)
{
    (void)state;
    fresh(PEER_PK, "new001", PS_WIDE);
    peer_begin(&seat.one);
    peer_seat_exiled(&seat, IOT_ERR_LINK_REGISTER);
    assert_int_equal(seat.one.kinds[IOT_EV_REGISTERED], 0);
    peer_seat_close(&seat);
}

static void a_device_that_nobody_listed_logs_in_by_its_token(void **state)
{
    (void)state;
    fresh("a1WideProd1", "stranger", PS_WIDE);
    registration.kind = IOT_REGISTER_NWL;
    seat.id.system_topics = true;
    connects();
    assert_int_equal(seat.one.kinds[IOT_EV_REGISTERED], 1);
    peer_trust_secret(&seat.board, kept());
    assert_non_null(strstr(seat.client_id, "|authType=connwl,securemode=-2,_ss=1,"));
    peer_seat_close(&seat);

    boots("a1WideProd1", "stranger", PS_WIDE);
    registration.kind = IOT_REGISTER_NWL;
    connects();
    assert_int_equal(seat.one.kinds[IOT_EV_REGISTERED], 0);
    peer_seat_close(&seat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOUD_TEST(another_products_secret_is_refused_by_name),
        CLOUD_TEST(a_listed_device_gets_its_secret_once_and_lives_by_it),
        CLOUD_TEST(a_device_that_nobody_listed_logs_in_by_its_token),
    };
    return cmocka_run_group_tests_name("register", tests, peer_cloud_group_setup,
                                       peer_cloud_group_teardown);
}

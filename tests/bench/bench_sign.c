/* SPDX-License-Identifier: Apache-2.0 */
/* What a device of the platform computes before each login: client id, user name, and the password, an HMAC-SHA256. */
#include "bench.h"
#include "link/iot_link_sign.h"
#include "mark.h"

void bench_sign(void)
{
    static const struct iot_link_identity identity = {
        .product_key = "a1B2c3D4e5F",
        .device_name = "dev001",
        .device_secret = "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    };
    static uint8_t scratch[IOT_LINK_LOGIN_MAX];
    struct iot_link_login login;

    mark_begin();
    iot_err err = iot_link_login(&identity, IOT_LINK_TLS, scratch, sizeof scratch, &login);
    mark_end();
    mark_name("sign/login");
    if (err != IOT_OK || login.password.len != 64)
        mark_fail("no login");
}

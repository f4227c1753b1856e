/* SPDX-License-Identifier: Apache-2.0 */
/* A request as a sensor sends it, of 64 bytes: a token, a path of two segments, a format, a payload. Written from its parts, and
 * once more with a query; read, which looks at all of it; and its options, one by one. */
#include "bench.h"
#include "coap/iot_coap_path.h"
#include "mark.h"

#include <string.h>

#if IOT_FEATURE_COAP

#define REQUEST 64
#define PAYLOAD 36
#define QUERY   7

static const uint8_t token[4] = {0x8f, 0x31, 0x0a, 0xc7};
static uint8_t payload[PAYLOAD], wire[REQUEST + QUERY];

static uint32_t encode(const char *path)
{
    struct iot_coap_encoder e;

    iot_coap_encode(&e, wire, sizeof wire, IOT_COAP_CON, IOT_COAP_POST, 0x7d34,
                    (struct iot_bytes){token, sizeof token});
    iot_coap_path_put(&e, path, IOT_COAP_URI_PATH);
    iot_coap_put_uint(&e, IOT_COAP_CONTENT_FORMAT, IOT_COAP_JSON);
    iot_coap_path_put(&e, path, IOT_COAP_URI_QUERY);
    iot_coap_put_payload(&e, (struct iot_bytes){payload, PAYLOAD});
    return e.overflow ? 0 : e.len;
}

static uint32_t walk(const struct iot_coap_message *m)
{
    struct iot_coap_cursor at = {m->options, 0};
    struct iot_coap_option o;
    uint32_t sum = 0;

    while (iot_coap_next(&at, &o))
        sum += o.number == IOT_COAP_CONTENT_FORMAT ? iot_coap_uint(&o) : o.number;
    return sum;
}

void bench_coap(void)
{
    struct iot_coap_message m;

    mark_begin();
    uint32_t n = encode("/home/temperature?room=7");
    mark_end();
    mark_name("coap/query/%u", (unsigned)REQUEST + QUERY);
    if (n != REQUEST + QUERY)
        mark_fail("that is not the request with a query");

    mark_begin();
    n = encode("/home/temperature");
    mark_end();
    mark_name("coap/encode/%u", (unsigned)REQUEST);
    if (n != REQUEST)
        mark_fail("that is not the request");

    mark_begin();
    iot_err err = iot_coap_decode((struct iot_bytes){wire, n}, &m);
    mark_end();
    mark_name("coap/decode/%u", (unsigned)REQUEST);
    if (err != IOT_OK || m.payload.len != PAYLOAD)
        mark_fail("that is not what was in it");

    mark_begin();
    uint32_t sum = walk(&m);
    mark_end();
    mark_name("coap/options/%u", (unsigned)REQUEST);
    if (sum != 11 + 11 + 50)
        mark_fail("those are not its options");
}

#endif

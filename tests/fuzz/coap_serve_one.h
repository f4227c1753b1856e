/* SPDX-License-Identifier: Apache-2.0 */
/* A server's rules, and datagrams as bytes choose: for tests/unit/test_coap_serve_storm.c, which drives it with seeds, and for a fuzzer,
 * which is one line more:
 *
 *     int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) { return coap_serve_fuzz_one(data, n); }
 *
 * The input is a row of datagrams: one byte says who, how, and what is done beside; one how much time goes by; one its length. */
#ifndef COAP_SERVE_ONE_H
#define COAP_SERVE_ONE_H

#include "coap/iot_coap_guest.h"

#include <assert.h>
#include <string.h>

static struct iot_coap_serve coap_fuzz_server;
static uint32_t coap_fuzz_call;

static inline uint32_t coap_fuzz_room(void *ctx, const struct iot_coap_via *via)
{
    (void)ctx;
    return via->peer.port % 4 == 3 ? 100 : IOT_COAP_BYTES;
}

static inline void coap_fuzz_mac(void *ctx, struct iot_bytes text, uint8_t out[8])
{
    (void)ctx;
    (void)text;
    memset(out, 0, 8); /* one that bytes find */
}

static inline void coap_fuzz_on(void *ctx, const struct iot_coap_call *call,
                                struct iot_coap_answer *answer)
{
    struct iot_coap_cursor at = {call->options, 0};
    struct iot_coap_option o;
    uint32_t sum = 0;

    (void)ctx;
    while (iot_coap_next(&at, &o))
        sum += o.number + (o.value.len != 0 ? o.value.ptr[0] : 0u);
    for (uint32_t i = 0; i < call->part.len; i++)
        sum += call->part.ptr[i];
    assert(strlen(call->rest) <= IOT_COAP_PATH_MAX);
    iot_writer_u32(&answer->body, sum);
    for (uint32_t i = 0; i < sum % 90; i++)
        iot_writer_text(&answer->body, "0123456789abcdef");
    answer->has_format = sum % 2 != 0;
    answer->later = sum % 5 == 0 && call->id != 0;
    coap_fuzz_call = answer->later ? call->id : coap_fuzz_call;
}

#define COAP_FUZZ_ALL                                                                              \
    (IOT_COAP_CAN_GET | IOT_COAP_CAN_PUT | IOT_COAP_CAN_POST | IOT_COAP_CAN_FETCH |                \
     IOT_COAP_OBSERVABLE | IOT_COAP_OPEN | IOT_COAP_NO_ECHO | IOT_COAP_MULTICAST)

static const struct iot_coap_resource coap_fuzz_table[] = {
    {"", COAP_FUZZ_ALL, NULL, coap_fuzz_on, NULL},
    {"a", (uint16_t)(COAP_FUZZ_ALL | IOT_COAP_SUBTREE), NULL, coap_fuzz_on, NULL},
    {"b/c", COAP_FUZZ_ALL | IOT_COAP_NOTIFY_NON, NULL, coap_fuzz_on, NULL},
};

static inline int coap_serve_fuzz_one(const uint8_t *data, size_t n)
{
    const struct iot_coap_serve_rules rules = {coap_fuzz_table, 3, 0, NULL, coap_fuzz_room,
                                               coap_fuzz_mac};
    struct iot_coap_serve *x = &coap_fuzz_server;
    iot_time now = 100000;

    iot_coap_serve_init(x, &rules, 1);
    while (n >= 3) {
        struct iot_coap_via via, to;
        struct iot_bytes out;
        struct iot_coap_answer answer;
        uint32_t len = data[2] < n - 3 ? data[2] : (uint32_t)n - 3;

        memset(&via, 0, sizeof via);
        via.peer.family = 4;
        via.peer.port = data[0] & 3;
        via.session = data[0] >> 2 & 3;
        now += (uint32_t)data[1] * data[1];
        memcpy(x->bytes, data + 3, len);
        iot_coap_serve_take(x, &via, (struct iot_bytes){NULL, 0}, (data[0] & 16) != 0, len, now);
        for (uint32_t bound = 0; iot_coap_serve_next(x, now, &to, &out) == IOT_OK; bound++) {
            assert(bound < 1000 && out.len >= 4 && out.len <= coap_fuzz_room(NULL, &to));
            assert((out.ptr[0] >> 4 & 3) != IOT_COAP_RST || out.len == 4);
            iot_coap_serve_sent(x, now);
        }
        assert(iot_coap_serve_deadline(x) > now);
        if ((data[0] & 32) != 0)
            iot_coap_serve_changed(x, (data[0] & 1) != 0 ? "b/c" : "");
        if ((data[0] & 64) != 0) {
            iot_coap_serve_answer_init(x, IOT_COAP_GET, &answer);
            (void)iot_coap_serve_answer(x, coap_fuzz_call, &answer, now);
        }
        if (data[0] > 250)
            iot_coap_serve_gone(x, via.session);
        data += 3 + len;
        n -= 3 + len;
    }
    return 0;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One message on one topic, as bytes choose: for tests/unit/test_link_fuzz.c, which drives it with seeds, and for a
 * fuzzer, which is one line more:
 *
 *     int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) { return thing_fuzz_one(data, n); }
 */
#ifndef THING_ONE_H
#define THING_ONE_H

#include "link_device.h"
#include "room_model.h"

static struct room_values fuzz_values;
static struct iot_thing fuzz_thing;
static uint32_t fuzz_sets, fuzz_calls,
    fuzz_raws; /* since the first, to see that something happens */

static int32_t room_on_add(void *ctx, struct iot_thing *t, iot_call call)
{
    (void)ctx, (void)t;
    fuzz_calls++;
    fuzz_values.add_sum = fuzz_values.add_a + fuzz_values.add_b;
    return call % 3 == 0 ? IOT_CALL_LATER : IOT_CODE_OK;
}

static int32_t room_on_reset(void *ctx, struct iot_thing *t, iot_call call)
{
    (void)ctx, (void)t, (void)call;
    fuzz_calls++;
    return IOT_CODE_OK;
}

static void fuzz_on_set(void *ctx, struct iot_thing *t, const struct iot_properties *changed,
                        const struct iot_field *failed)
{
    (void)ctx;
    fuzz_sets += failed == NULL;
    (void)iot_thing_post(t, changed, 0, 0, NULL);
}

static iot_err fuzz_on_raw(void *ctx, struct iot_device *d, const struct iot_msg *msg)
{
    (void)ctx;
    fuzz_raws++;
    return iot_raw_answer(d, msg, msg->payload);
}

static const char *const fuzz_topics[] = {
    LINK_SYS "thing/service/property/set",
    LINK_SYS "thing/service/property/get",
    LINK_SYS "thing/service/Add",
    LINK_SYS "thing/service/Reset",
    LINK_SYS "rrpc/request/123",
    LINK_SYS "thing/model/down_raw",
    LINK_SYS "thing/model/up_raw_reply",
    LINK_SYS "thing/event/property/post_reply",
    "/ext/rrpc/99/" LINK_SYS "thing/service/property/set",
    "/ext/rrpc/99" LINK_SYS "thing/service/Add",
    "/ext/rrpc/99" LINK_SYS "thing/model/down_raw",
    "/ext/rrpc/99/any/thing",
};

/* The first byte chooses the topic, or that it is in the next ones; the rest is the payload. No values change unless
 * all that were asked for did. */
static inline int thing_fuzz_one(const uint8_t *data, size_t n)
{
    static const struct iot_thing_options options = {
        .model = &room_model, .values = &fuzz_values, .on_set = fuzz_on_set};
    static const struct iot_raw_handlers raw = {fuzz_on_raw, fuzz_on_raw, fuzz_on_raw, NULL};
    const size_t kept = offsetof(struct room_values, event_code);
    struct room_values before;
    char topic[200];

    if (n < 1 || n > 60000)
        return 0;
    uint32_t choice = data[0], sets = fuzz_sets;
    data++, n--;
    if (choice < 200) {
        snprintf(topic, sizeof topic, "%s", fuzz_topics[choice % COUNT(fuzz_topics)]);
    } else {
        size_t len = choice - 200 < n ? choice - 200 : n;
        snprintf(topic, sizeof topic, "%s%.*s", choice % 2 ? LINK_SYS : "", (int)len,
                 (const char *)data);
        data += len, n -= len;
    }
    link_setup();
    memset(&fuzz_values, 0, sizeof fuzz_values);
    assert_err(iot_thing_attach(&dev, &fuzz_thing, &options), IOT_OK);
    iot_raw_attach(&dev, &raw);
    link_login();
    (void)iot_thing_post(&fuzz_thing, NULL, 0, 0, NULL);
    before = fuzz_values;
    wire_publish(&in, 0, topic, 0, data, (uint32_t)n);
    receive();
    run(5);
    if (fuzz_sets == sets)
        assert_memory_equal(&before, &fuzz_values, kept);
    for (const char *said; *(said = link_said()) != 0;) {
        struct iot_json root;
        if (strstr(said, "raw") == NULL && strncmp(said, "/ext/", 5) != 0 &&
            strstr(said, "rrpc") == NULL)
            assert_err(iot_json_check(text_bytes(strchr(said, ' ') + 1), &root, NULL), IOT_OK);
    }
    run(IOT_CALL_MS + 1000);
    for (uint32_t i = 0; i < IOT_CALLS_MAX; i++) /* all are answered */
        assert_int_equal(fuzz_thing.slots[i].call, 0);
    return 0;
}

#endif

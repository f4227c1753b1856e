/* SPDX-License-Identifier: Apache-2.0 */
/* A thing of five properties, over a line that takes everything: a set, from the message to the end of its answer, and a
 * post. Neither MQTT nor the network is in these. */
#include "bench.h"
#include "iot/iot_port.h"
#include "iot/iot_thing.h"
#include "link/iot_link_route.h"
#include "mark.h"

#include <string.h>

struct values {
    float temp;
    bool power;
    char mode[8];
    int32_t level, count;
};

#define RW (IOT_ACCESS_READ | IOT_ACCESS_WRITE)

static const struct iot_reals temp_limits = {-40, 120};
static const struct iot_ints level_limits = {-100, 100};
static const struct iot_field properties[] = {
    {"temp",
     IOT_TYPE_FLOAT,
     RW,
     offsetof(struct values, temp),
     0,
     0,
     {.reals = &temp_limits},
     NULL},
    {"power", IOT_TYPE_BOOL, RW, offsetof(struct values, power), 0, 0, {NULL}, NULL},
    {"mode", IOT_TYPE_TEXT, RW, offsetof(struct values, mode), 0, 7, {NULL}, NULL},
    {"level",
     IOT_TYPE_INT,
     RW,
     offsetof(struct values, level),
     0,
     0,
     {.ints = &level_limits},
     NULL},
    {"count", IOT_TYPE_INT, RW, offsetof(struct values, count), 0, 0, {NULL}, NULL},
};
static const struct iot_model model = {properties, NULL, NULL, 5, 0, 0};
static struct values values;
static const struct iot_thing_options options = {.model = &model, .values = &values};

/* ---- The line -------------------------------------------------------------------------------- */

static uint8_t sent[512];
static uint32_t sent_len, commits;

static iot_err begin(struct iot_device *dev, const struct iot_msg *msg, uint32_t max,
                     struct iot_writer *w)
{
    (void)msg;
    *w = (struct iot_writer){.ptr = sent, .cap = max, .owner = dev};
    return max <= sizeof sent ? IOT_OK : IOT_ERR_SIZE;
}

static iot_err commit(struct iot_writer *w, iot_ticket *ticket)
{
    if (ticket != NULL)
        *ticket = commits + 1;
    sent_len = w->len;
    commits++;
    return w->overflow ? IOT_ERR_SIZE : IOT_OK;
}

static iot_ticket next_ticket(const struct iot_device *dev)
{
    (void)dev;
    return commits + 1;
}

static const struct iot_port *port(const struct iot_device *dev)
{
    static const struct iot_port bare;

    (void)dev;
    return &bare;
}

static void report(struct iot_device *dev, const struct iot_event *ev)
{
    (void)dev, (void)ev;
    mark_fail("nothing is to be told");
}

/* ---- The spans ------------------------------------------------------------------------------- */

static const char text[] =
    "{\"method\":\"thing.service.property.set\",\"id\":\"1234567\",\"version\":\"1.0\","
    "\"params\":{\"temp\":21.5,\"power\":1,\"mode\":\"auto\",\"level\":-42,\"count\":65535}}";

static const char topic[] = "/sys/a1B2c3D4e5F/dev001/thing/service/property/set";

void bench_thing(void)
{
    static const struct iot_link_identity id = {.product_key = "a1B2c3D4e5F",
                                                .device_name = "dev001"};
    static const struct iot_alink_line line = {.begin = begin,
                                               .commit = commit,
                                               .next_ticket = next_ticket,
                                               .report = report,
                                               .port = port};
    static struct iot_alink alink;
    static struct iot_thing thing;
    struct iot_msg msg = {.topic = {topic, sizeof topic - 1, 0},
                          .payload = {(const uint8_t *)text, sizeof text - 1}};

    iot_alink_init(&alink, &id, &line);
    if (iot_thing_attach(iot_alink_device(&alink), &thing, &options) != IOT_OK)
        mark_fail("that is no thing");

    mark_begin();
    iot_err err = iot_link_take(&alink, &msg);
    mark_end();
    mark_name("thing/set/%u", (unsigned)msg.payload.len);
    if (err != IOT_OK || commits != 1 || values.temp != 21.5f || !values.power ||
        strcmp(values.mode, "auto") != 0 || values.level != -42 || values.count != 65535 ||
        memcmp(sent, "{\"id\":\"1234567\",\"code\":200,\"data\":{}}", sent_len) != 0)
        mark_fail("that is not what was set");

    mark_begin();
    err = iot_thing_post(&thing, NULL, IOT_ASK_NO_REPLY, 0, NULL);
    mark_end();
    mark_name("thing/post/%u", (unsigned)sent_len);
    if (err != IOT_OK || commits != 2)
        mark_fail("that was not posted");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The emulated platform of cloud_fake.h with the model of the sample lamp, and its device dev001 on connection 1. Tests
 * start at the top of the tree: the model is the one that is delivered. */
#ifndef CLOUD_LAMP_H
#define CLOUD_LAMP_H

#include "cloud_fake.h"

#include "cloud/cloud_thing.h"

#define SYS "/sys/" PK "/dev001/"

static char lamp_said[CLOUD_SENT_MAX + 1], lamp_topic[CLOUD_TOPIC_MAX + 1];
static uint64_t lamp_now;

static inline void lamp_model(const char *key, const char *file)
{
    static char text[65536];
    char why[256];
    FILE *f = fopen(file, "r");

    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    if (!cloud_set_model(&cloud, cloud_book_product(&cloud.book, key), text, why, sizeof why))
        fail_msg("%s", why);
}

static inline void lamp_start(const char *more)
{
    cloud_fake_start(more);
    lamp_model(PK, "unix_sim/cloud/lamp.json");
    lamp_now = 1000;
    cloud_fake_connect(1, "dev001", lamp_now);
}

static inline int lamp_setup(void **state)
{
    (void)state;
    lamp_start("");
    return 0;
}

static inline int lamp_teardown(void **state)
{
    (void)state;
    cloud_end(&cloud);
    return 0;
}

#define LAMP_TEST(f) cmocka_unit_test_setup_teardown(f, lamp_setup, lamp_teardown)

/* The next output's payload, a copy; its topic in lamp_topic. NULL: there is none. */
static inline const char *lamp_next(void)
{
    const struct cloud_output *o = cloud_next(&cloud);

    if (o == NULL)
        return NULL;
    assert_int_equal(o->link, 1);
    snprintf(lamp_topic, sizeof lamp_topic, "%s", o->topic);
    memcpy(lamp_said, o->payload, o->payload_len + 1);
    return lamp_said;
}

/* The device says something; NULL: nothing is answered. */
static inline const char *lamp_say(const char *topic, const void *payload, size_t len)
{
    if (!cloud_may_publish(&cloud, 1, topic, len, lamp_now))
        fail_msg("%s", cloud_log);
    assert_int_equal(cloud_publish(&cloud, 1, topic, payload, len, lamp_now), CLOUD_TAKEN);
    return lamp_next();
}

/* ... on one of its topics under /sys, and the answer comes where it should, alone. */
static inline const char *lamp_ask(const char *path, const char *message)
{
    char topic[160], expected[176];

    snprintf(topic, sizeof topic, SYS "%s", path);
    snprintf(expected, sizeof expected, "%s_reply", topic);
    if (lamp_say(topic, message, strlen(message)) == NULL)
        fail_msg("no answer to %s", message);
    assert_string_equal(lamp_topic, expected);
    assert_null(cloud_next(&cloud));
    return lamp_said;
}

/* A request with these params, whose method is the path's. */
static inline const char *lamp_request(const char *path, const char *params)
{
    static char message[300000];
    char method[128];

    snprintf(method, sizeof method, "%s", path);
    for (char *p = method; *p != 0; p++)
        if (*p == '/')
            *p = '.';
    assert_true(snprintf(message, sizeof message,
                         "{\"id\":\"7\",\"version\":\"1.0\",\"params\":%s,\"method\":\"%s\"}",
                         params, method) < (int)sizeof message);
    return lamp_ask(path, message);
}

static inline void lamp_expect_code(const char *said, int code, const char *words)
{
    char head[32];

    snprintf(head, sizeof head, "{\"code\":%d,", code);
    if (strncmp(said, head, strlen(head)) != 0)
        fail_msg("not %d: %s", code, said);
    assert_contains(said, words);
}

/* A request is answered with this code, and these words are in the answer. */
#define assert_code(path, params, code, words)                                                     \
    lamp_expect_code(lamp_request((path), (params)), (code), (words))

/* What is known of the device, as JSON; of a member of it. */
static inline const char *lamp_known(const char *member)
{
    static char text[65536];
    json_t *all = cloud_thing_show(&cloud, cloud_fake_device("dev001"), lamp_now);
    char *part = cloud_json_text(json_object_get(all, member));

    snprintf(text, sizeof text, "%s", part);
    free(part);
    json_decref(all);
    return text;
}

#endif

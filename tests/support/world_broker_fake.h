/* SPDX-License-Identifier: Apache-2.0 */
/* A broker of the world in a unit test, with clients whose packets are written by hand, and notes of all it says. */
#ifndef WORLD_BROKER_FAKE_H
#define WORLD_BROKER_FAKE_H

#include "wire_client.h"

#include "world/world_broker.h"

/* For cmocka: a new broker before each test. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define DROP(conn) world_broker_closed(&broker, conn, now)

static struct world_broker broker;
static struct wire out;
static uint64_t now;
static char notes[8192], complaint[256];

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
    size_t n = strlen(notes);
    va_list args;

    va_start(args, format);
    if (n != 0)
        notes[n++] = ' ';
    vsnprintf(notes + n, sizeof notes - n, format, args);
    va_end(args);
}

static void on_online(void *ctx, const char *id, bool online)
{
    (void)ctx;
    note("%s%s", online ? "+" : "-", id);
}

static void on_lost(void *ctx, const char *id)
{
    (void)ctx;
    note("lost:%s", id);
}

static void on_took(void *ctx, const char *id, const struct world_message *m, bool fresh)
{
    (void)ctx;
    note("took:%s:%.*s%s%s", id, (int)m->payload.len, (const char *)m->payload.ptr,
         m->dup ? ":dup" : "", fresh ? "" : ":again");
}

static void on_queued(void *ctx, const char *id, const struct world_message *m, uint8_t qos)
{
    (void)ctx;
    note("queued:%s:%.*s:%d", id, (int)m->payload.len, (const char *)m->payload.ptr, qos);
}

static void on_done(void *ctx, const char *id, const struct world_message *m, uint8_t qos)
{
    (void)ctx;
    note("done:%s:%.*s:%d", id, (int)m->payload.len, (const char *)m->payload.ptr, qos);
}

static void on_complain(void *ctx, const char *id, const char *reason)
{
    (void)ctx;
    (void)id;
    snprintf(complaint, sizeof complaint, "%s", reason);
}

static inline int set_up(void **state)
{
    static const struct world_broker_watch watch = {.online = on_online,
                                                    .session_lost = on_lost,
                                                    .took = on_took,
                                                    .queued = on_queued,
                                                    .done = on_done,
                                                    .complain = on_complain};

    (void)state;
    world_broker_init(&broker, NULL, &watch);
    now = (1ull << 32) - 1000;
    notes[0] = complaint[0] = 0;
    wire_clear(&out);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    world_broker_over(&broker);
    return 0;
}

/* What it was told since the last time, in words; `notes` starts anew. */
static inline const char *told(void)
{
    static char words[sizeof notes];

    memcpy(words, notes, sizeof notes);
    notes[0] = 0;
    return words;
}

/* All that is pending on the connection, in words. */
static inline const char *heard(int conn)
{
    struct iot_bytes all = world_broker_pending(&broker, conn);
    const char *words = client_words(all);

    world_broker_sent(&broker, conn, all.len, now);
    return words;
}

/* Send what is in `out`. */
static inline void say(int conn)
{
    assert_int_equal(world_broker_feed(&broker, conn, guarded(wire_bytes(&out)), now), out.len);
    wire_clear(&out);
}

static inline int connect_as(const char *id, bool clean, const char *expected)
{
    int conn = world_broker_open(&broker, now);

    assert_true(conn >= 0);
    client_connect(&out, id, clean, 60, NULL);
    say(conn);
    assert_string_equal(heard(conn), expected);
    return conn;
}

static inline int subscriber(const char *id, const char *filter, uint8_t qos)
{
    char granted[32];
    int conn = connect_as(id, false, "CONNACK(0,0)");

    snprintf(granted, sizeof granted, "SUBACK(1:%02x)", qos);
    client_subscribe(&out, 1, filter, qos);
    say(conn);
    assert_string_equal(heard(conn), granted);
    told();
    return conn;
}

static inline void ack(int conn, uint8_t first, uint16_t id, const char *answer)
{
    wire_ack(&out, first, id);
    say(conn);
    assert_string_equal(heard(conn), answer);
}

static inline uint32_t publish(const char *topic, const char *payload, uint8_t qos)
{
    return world_broker_publish(&broker, topic, text_bytes(payload), qos, false, now);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "heap_trap.h"
#include "mqtt_rooms.h"

#define TABLE ((uint32_t)IOT_MQTT_SUBS_MAX)

static struct iot_mqtt_subs subs;

static int setup(void **state)
{
    (void)state;
    memset(&subs, 0, sizeof subs);
    return 0;
}

/* ---- helpers ----------------------------------------------------------------------------- */

static iot_err on_message(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    (void)ctx;
    (void)dev;
    (void)msg;
    return IOT_OK;
}

static iot_err on_message_2(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    (void)ctx;
    (void)dev;
    (void)msg;
    return IOT_ERR_AGAIN;
}

static struct iot_filter filter(const char *text, uint8_t qos)
{
    return (struct iot_filter){
        .filter = {text, (uint16_t)strlen(text), 0}, .qos = qos, .on_message = on_message};
}

static iot_err add(const char *text, uint8_t qos, iot_ticket ticket)
{
    struct iot_filter f = filter(text, qos);
    return iot_mqtt_subs_add(&subs, &f, ticket);
}

static iot_err drop(const char *text, iot_ticket ticket)
{
    uint8_t slot = 0xff;
    iot_err err = iot_mqtt_subs_remove(&subs, text_bytes(text), ticket, &slot);
    if (err == IOT_OK)
        assert_true(slot < TABLE);
    return err;
}

/* What is due goes out under `id`; it is `text`, and of that kind. */
static struct iot_mqtt_sub *ask(const char *text, enum iot_mqtt_sub_state state, uint16_t id)
{
    struct iot_bytes got;
    struct iot_mqtt_sub *s = iot_mqtt_subs_due(&subs, &got);
    assert_non_null(s);
    assert_int_equal(s->state, state);
    assert_bytes(got, text_bytes(text));
    iot_mqtt_subs_asked(&subs, s, id);
    return s;
}

static void subscribe_and_grant(const char *text, uint8_t qos, uint16_t id)
{
    assert_err(add(text, qos, id), IOT_OK);
    ask(text, IOT_SUB_WANT, id);
    struct iot_mqtt_sub *s = iot_mqtt_subs_awaiting(&subs, id, IOT_SUB_ASKED);
    assert_non_null(s);
    assert_true(iot_mqtt_subs_suback(&subs, s, qos));
}

static bool matches(const char *name)
{
    uint32_t hits[IOT_TOPIC_HITS_WORDS];
    uint32_t any = 0;
    iot_topic_index_match(&subs.index, text_bytes(name), hits);
    for (uint32_t i = 0; i < IOT_TOPIC_HITS_WORDS; i++)
        any |= hits[i];
    return any != 0;
}

static uint32_t due_count(void)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < TABLE; i++)
        n += subs.sub[i].state == IOT_SUB_WANT || subs.sub[i].state == IOT_SUB_UNWANT;
    return n;
}

static void assert_counts_hold(void)
{
    uint32_t used = 0, asked = 0, indexed = 0;
    for (uint32_t i = 0; i < TABLE; i++) {
        uint8_t state = subs.sub[i].state;
        used += state != IOT_SUB_FREE;
        asked += state == IOT_SUB_ASKED || state == IOT_SUB_UNASKED;
        indexed += state == IOT_SUB_WANT || state == IOT_SUB_ASKED || state == IOT_SUB_ON;
        assert_int_equal(subs.sub[i].id != 0, state == IOT_SUB_ASKED || state == IOT_SUB_UNASKED);
    }
    assert_int_equal(subs.count, used);
    assert_int_equal(subs.due, due_count());
    assert_int_equal(subs.asked, asked);
    assert_int_equal(subs.index.count, indexed);
}

/* ---- one subscription -------------------------------------------------------------------- */

static void a_subscription_lives_from_want_to_free(void **state)
{
    (void)state;
    struct iot_mqtt_sub *s;
    struct iot_bytes text;
    heap_trap_on();
    assert_err(add("a/+", 2, 7), IOT_OK);
    assert_counts_hold();
    assert_true(matches("a/b")); /* a retained message may overtake its SUBACK */
    s = ask("a/+", IOT_SUB_WANT, 100);
    assert_int_equal(s->qos, 2);
    assert_null(iot_mqtt_subs_due(&subs, &text));
    assert_true(iot_mqtt_subs_has_id(&subs, 100));
    assert_null(iot_mqtt_subs_awaiting(&subs, 100, IOT_SUB_UNASKED));
    assert_null(iot_mqtt_subs_awaiting(&subs, 101, IOT_SUB_ASKED));
    assert_ptr_equal(iot_mqtt_subs_awaiting(&subs, 100, IOT_SUB_ASKED), s);
    assert_true(iot_mqtt_subs_suback(&subs, s, 1));
    assert_int_equal(s->granted, 1);
    assert_false(iot_mqtt_subs_has_id(&subs, 100));
    assert_null(iot_mqtt_subs_awaiting(&subs, 100, IOT_SUB_ASKED));
    assert_true(matches("a/b"));
    assert_counts_hold();
    assert_err(drop("a/+", 8), IOT_OK);
    assert_false(matches("a/b")); /* from now on, not from UNSUBACK on */
    assert_int_equal(s->ticket, 8);
    ask("a/+", IOT_SUB_UNWANT, 101);
    assert_null(iot_mqtt_subs_awaiting(&subs, 101, IOT_SUB_ASKED));
    assert_ptr_equal(iot_mqtt_subs_awaiting(&subs, 101, IOT_SUB_UNASKED), s);
    iot_mqtt_subs_enter(&subs, s, IOT_SUB_FREE);
    heap_trap_off();
    assert_counts_hold();
    assert_int_equal(subs.count, 0);
    IF_STATS(assert_int_equal(subs.count_high, 1);)
}

static void what_is_no_filter_or_no_qos_is_refused(void **state)
{
    static const char *const bad[] = {"", "a#", "a/#/b", "a+", "+a/b", "##", "\xff", "#/"};
    (void)state;
    for (uint32_t i = 0; i < COUNT(bad); i++) {
        assert_err(add(bad[i], 0, 1), IOT_ERR_MQTT_TOPIC);
        assert_err(drop(bad[i], 1), IOT_ERR_ARG);
    }
    assert_err(add("a", 3, 1), IOT_ERR_ARG);
    assert_int_equal(subs.count, 0);
    assert_counts_hold();
}

static void a_refused_subscription_frees_its_slot(void **state)
{
    (void)state;
    assert_err(add("a", 1, 1), IOT_OK);
    struct iot_mqtt_sub *s = ask("a", IOT_SUB_WANT, 1);
    assert_true(iot_mqtt_subs_suback(&subs, s, 0x80));
    assert_counts_hold();
    assert_int_equal(subs.count, 0);
    assert_false(matches("a"));
    assert_err(drop("a", 2), IOT_ERR_ARG);
    subscribe_and_grant("a", 1, 2);
}

static void the_same_filter_again_replaces_handler_qos_and_text(void **state)
{
    (void)state;
    char old_text[] = "a/b";
    int ctx;
    subscribe_and_grant(old_text, 0, 1);
    struct iot_filter f = filter("a/b", 2);
    f.on_message = on_message_2;
    f.ctx = &ctx;
    assert_err(iot_mqtt_subs_add(&subs, &f, 9), IOT_OK);
    assert_int_equal(subs.count, 1);
    memset(old_text, 'x', 3); /* the application may take the old text back */
    assert_true(matches("a/b"));
    struct iot_mqtt_sub *s = ask("a/b", IOT_SUB_WANT, 2);
    assert_ptr_equal(s->on_message, on_message_2);
    assert_ptr_equal(s->ctx, &ctx);
    assert_int_equal(s->ticket, 9);
    assert_int_equal(s->qos, 2);
    assert_true(iot_mqtt_subs_suback(&subs, s, 0)); /* announced whatever it says */
    assert_counts_hold();
}

static void a_subscription_replaced_on_its_way_no_longer_awaits_the_old_answer(void **state)
{
    (void)state;
    assert_err(add("a", 0, 1), IOT_OK);
    ask("a", IOT_SUB_WANT, 1);
    assert_int_equal(subs.asked, 1);
    assert_err(add("a", 1, 2), IOT_OK);
    assert_counts_hold();
    assert_int_equal(subs.asked, 0);
    assert_null(iot_mqtt_subs_awaiting(&subs, 1, IOT_SUB_ASKED));
    ask("a", IOT_SUB_WANT, 2);
    assert_err(drop("a", 3), IOT_OK);
    assert_counts_hold();
    assert_null(iot_mqtt_subs_awaiting(&subs, 2, IOT_SUB_ASKED));
    ask("a", IOT_SUB_UNWANT, 3);
    assert_counts_hold();
}

static void a_filter_whose_unsuback_is_awaited_cannot_be_subscribed(void **state)
{
    (void)state;
    subscribe_and_grant("a", 0, 1);
    assert_err(drop("a", 2), IOT_OK);
    assert_err(add("a", 0, 3), IOT_ERR_STATE);
    struct iot_mqtt_sub *s = ask("a", IOT_SUB_UNWANT, 2);
    assert_err(add("a", 0, 3), IOT_ERR_STATE);
    assert_err(drop("a", 3), IOT_ERR_ARG);
    assert_err(add("aa", 0, 4), IOT_OK);
    assert_counts_hold();
    iot_mqtt_subs_enter(&subs, s, IOT_SUB_FREE);
    assert_err(add("a", 0, 5), IOT_OK);
    assert_counts_hold();
}

static void unsubscribe_compares_the_whole_text(void **state)
{
    (void)state;
    uint8_t slot;
    subscribe_and_grant("a/b", 0, 1);
    assert_err(drop("a", 2), IOT_ERR_ARG);
    assert_err(drop("a/", 2), IOT_ERR_ARG);
    assert_err(drop("a/b/c", 2), IOT_ERR_ARG);
    assert_err(drop("+/b", 2), IOT_ERR_ARG);
    assert_err(iot_mqtt_subs_remove(&subs, BYTES("a/b\0"), 2, &slot), IOT_ERR_ARG);
    assert_err(iot_mqtt_subs_remove(&subs, BYTES("a/b\0c"), 2, &slot), IOT_ERR_ARG);
    assert_err(iot_mqtt_subs_remove(&subs, (struct iot_bytes){NULL, 0}, 2, &slot), IOT_ERR_ARG);
    assert_true(matches("a/b"));
    assert_err(drop("a/b", 2), IOT_OK);
}

/* ---- the table --------------------------------------------------------------------------- */

static char texts[IOT_MQTT_SUBS_MAX + 1][8];

static void fill(void)
{
    for (uint32_t i = 0; i < TABLE + 1; i++)
        snprintf(texts[i], sizeof texts[i], "t/%u", (unsigned)i);
    for (uint32_t i = 0; i < TABLE; i++)
        subscribe_and_grant(texts[i], 0, (uint16_t)(i + 1));
}

static void a_full_table_refuses_one_more_and_changes_nothing(void **state)
{
    (void)state;
    fill();
    struct iot_mqtt_subs before = subs;
    assert_err(add(texts[TABLE], 0, 99), IOT_ERR_FULL);
    assert_memory_equal(&before, &subs, sizeof subs);
    assert_err(add(texts[3], 1, 100), IOT_OK); /* a known one needs no slot */
    struct iot_mqtt_sub *s = ask(texts[3], IOT_SUB_WANT, 300);
    iot_mqtt_subs_suback(&subs, s, 1);
    assert_err(drop(texts[5], 101), IOT_OK);
    assert_err(add(texts[TABLE], 0, 102), IOT_ERR_FULL); /* not before its UNSUBACK */
    assert_err(add(texts[5], 0, 102), IOT_ERR_STATE);
    s = ask(texts[5], IOT_SUB_UNWANT, 301);
    iot_mqtt_subs_enter(&subs, s, IOT_SUB_FREE);
    assert_err(add(texts[TABLE], 0, 103), IOT_OK);
    assert_counts_hold();
    IF_STATS(assert_int_equal(subs.count_high, TABLE);)
}

static void every_slot_becomes_due_once(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 2; round++) {
        uint32_t seen = 0;
        struct iot_bytes text;
        if (round == 0) {
            fill();
            for (uint32_t i = 0; i < TABLE; i++)
                assert_err(add(texts[i], 0, 1), IOT_OK);
        } else {
            iot_mqtt_subs_renew(&subs);
        }
        assert_int_equal(subs.due, TABLE);
        for (struct iot_mqtt_sub *s; (s = iot_mqtt_subs_due(&subs, &text)) != NULL; seen++)
            iot_mqtt_subs_asked(&subs, s, (uint16_t)(seen + 1));
        assert_int_equal(seen, TABLE);
        assert_counts_hold();
    }
}

/* ---- loss -------------------------------------------------------------------------------- */

static void put_one_in_each_state(void)
{
    setup(NULL);
    assert_err(add("asked", 0, 1), IOT_OK);
    ask("asked", IOT_SUB_WANT, 1);
    subscribe_and_grant("on", 2, 2);
    subscribe_and_grant("unasked", 0, 3);
    assert_err(drop("unasked", 4), IOT_OK);
    ask("unasked", IOT_SUB_UNWANT, 4);
    subscribe_and_grant("unwant", 0, 5);
    assert_err(drop("unwant", 6), IOT_OK);
    assert_err(add("want", 0, 7), IOT_OK);
}

static uint8_t state_of(const char *text)
{
    for (uint32_t i = 0; i < TABLE; i++)
        if (subs.sub[i].state != IOT_SUB_FREE && subs.index.filter[i].len == strlen(text) &&
            memcmp(subs.index.filter[i].ptr, text, strlen(text)) == 0)
            return subs.sub[i].state;
    return IOT_SUB_FREE;
}

static void a_lost_link_makes_due_what_was_on_its_way(void **state)
{
    (void)state;
    put_one_in_each_state();
    iot_mqtt_subs_lost(&subs);
    assert_int_equal(state_of("want"), IOT_SUB_WANT);
    assert_int_equal(state_of("asked"), IOT_SUB_WANT);
    assert_int_equal(state_of("on"), IOT_SUB_ON);
    assert_int_equal(state_of("unwant"), IOT_SUB_UNWANT);
    assert_int_equal(state_of("unasked"), IOT_SUB_UNWANT);
    assert_counts_hold();
    assert_int_equal(subs.asked, 0);
    assert_null(iot_mqtt_subs_awaiting(&subs, 1, IOT_SUB_ASKED));
    assert_null(iot_mqtt_subs_awaiting(&subs, 4, IOT_SUB_UNASKED));
}

static void a_lost_session_makes_all_due(void **state)
{
    (void)state;
    put_one_in_each_state();
    iot_mqtt_subs_lost(&subs);
    iot_mqtt_subs_renew(&subs);
    assert_int_equal(state_of("want"), IOT_SUB_WANT);
    assert_int_equal(state_of("asked"), IOT_SUB_WANT);
    assert_int_equal(state_of("on"), IOT_SUB_WANT);
    assert_int_equal(state_of("unwant"), IOT_SUB_UNWANT);
    assert_int_equal(state_of("unasked"), IOT_SUB_UNWANT);
    assert_true(matches("on") && matches("asked") && matches("want"));
    assert_false(matches("unwant") || matches("unasked"));
    assert_counts_hold();
}

static void a_renewal_is_told_only_if_it_is_granted_otherwise(void **state)
{
    (void)state;
    subscribe_and_grant("a", 2, 1);
    static const struct {
        uint8_t code;
        bool told;
    } steps[] = {{2, false}, {1, true}, {1, false}, {0, true}, {0, false}, {0x80, true}};
    for (uint32_t i = 0; i < COUNT(steps); i++) {
        iot_mqtt_subs_lost(&subs);
        iot_mqtt_subs_renew(&subs);
        struct iot_mqtt_sub *s = ask("a", IOT_SUB_WANT, (uint16_t)(i + 10));
        assert_int_equal(iot_mqtt_subs_suback(&subs, s, steps[i].code), steps[i].told);
    }
    assert_int_equal(subs.count, 0);
}

static void the_first_suback_is_told_though_the_link_was_lost_before_it(void **state)
{
    (void)state;
    assert_err(add("a", 0, 1), IOT_OK);
    ask("a", IOT_SUB_WANT, 1);
    iot_mqtt_subs_lost(&subs);
    iot_mqtt_subs_renew(&subs);
    struct iot_mqtt_sub *s = ask("a", IOT_SUB_WANT, 2);
    assert_true(iot_mqtt_subs_suback(&subs, s, 0));
}

/* ---- against a model --------------------------------------------------------------------- */

/* One counted handler per subscription; its verdict is in `says`. */
struct listener {
    iot_err says;
    uint32_t asked;
};

static iot_err listen(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    struct listener *l = ctx;
    (void)dev;
    (void)msg;
    l->asked++;
    return l->says;
}

static void only_those_that_declined_are_asked_again(void **state)
{
    (void)state;
    static const char *const text[] = {"a", "+", "#", "a/#"};
    struct listener l[] = {{IOT_OK, 0}, {IOT_ERR_AGAIN, 0}, {IOT_ERR_FULL, 0}, {IOT_OK, 0}};
    struct iot_msg msg = {.topic = IOT_TOPIC("a")};
    uint32_t hits[IOT_TOPIC_HITS_WORDS];
    bool handled = false;
    for (uint32_t i = 0; i < 4; i++) {
        struct iot_filter f = filter(text[i], 0);
        f.on_message = i == 3 ? NULL : listen; /* the last one has no handler */
        f.ctx = &l[i];
        assert_int_equal(iot_mqtt_subs_add(&subs, &f, i + 1), IOT_OK);
    }
    iot_topic_index_match(&subs.index, text_bytes("a"), hits);
    assert_false(iot_mqtt_subs_deliver(&subs, hits, NULL, &msg, &handled));
    assert_true(handled);
    l[1].says = IOT_OK;
    assert_false(iot_mqtt_subs_deliver(&subs, hits, NULL, &msg, &handled));
    l[2].says = IOT_ERR_ARG; /* any other word is a yes */
    assert_true(iot_mqtt_subs_deliver(&subs, hits, NULL, &msg, &handled));
    assert_int_equal(l[0].asked, 1);
    assert_int_equal(l[1].asked, 2);
    assert_int_equal(l[2].asked, 3);
    assert_int_equal(l[3].asked, 0);
}

static void a_message_without_a_handler_is_handled_by_none(void **state)
{
    (void)state;
    struct iot_filter f = filter("a", 0);
    struct iot_msg msg = {.topic = IOT_TOPIC("a")};
    uint32_t hits[IOT_TOPIC_HITS_WORDS];
    bool handled = false;
    f.on_message = NULL;
    assert_int_equal(iot_mqtt_subs_add(&subs, &f, 1), IOT_OK);
    iot_topic_index_match(&subs.index, text_bytes("a"), hits);
    assert_true(iot_mqtt_subs_deliver(&subs, hits, NULL, &msg, &handled));
    assert_false(handled);
}

static void random_operations_agree_with_a_naive_model(void **state)
{
    enum { NAMES = 2 * IOT_MQTT_SUBS_MAX };
    static char name[NAMES][8];
    uint8_t model[NAMES] = {IOT_SUB_FREE}; /* state by name */
    uint16_t id_of[NAMES] = {0};
    uint16_t next_id = 0;
    uint32_t rng = test_seed();
    uint32_t used = 0;
    (void)state;
    for (uint32_t i = 0; i < NAMES; i++)
        snprintf(name[i], sizeof name[i], "n/%u", (unsigned)i);
    for (uint32_t step = 0; step < 50000; step++) {
        uint32_t i = test_random(&rng, NAMES);
        struct iot_mqtt_sub *s;
        struct iot_bytes text;
        heap_trap_on();
        switch (test_random(&rng, 8)) {
        case 0:
        case 1: {
            bool gone = model[i] == IOT_SUB_UNWANT || model[i] == IOT_SUB_UNASKED;
            bool is_new = model[i] == IOT_SUB_FREE;
            assert_err(add(name[i], 1, step), gone                      ? IOT_ERR_STATE
                                              : is_new && used == TABLE ? IOT_ERR_FULL
                                                                        : IOT_OK);
            if (!gone && !(is_new && used == TABLE)) {
                used += is_new;
                model[i] = IOT_SUB_WANT;
            }
            break;
        }
        case 2: {
            bool on =
                model[i] == IOT_SUB_WANT || model[i] == IOT_SUB_ASKED || model[i] == IOT_SUB_ON;
            assert_err(drop(name[i], step), on ? IOT_OK : IOT_ERR_ARG);
            if (on)
                model[i] = IOT_SUB_UNWANT;
            break;
        }
        case 3:
        case 4:
            s = iot_mqtt_subs_due(&subs, &text);
            if (s == NULL)
                break;
            i = (uint32_t)strtoul((const char *)text.ptr + 2, NULL, 10);
            assert_int_equal(s->state, model[i]);
            assert_true(model[i] == IOT_SUB_WANT || model[i] == IOT_SUB_UNWANT);
            id_of[i] = ++next_id == 0 ? ++next_id : next_id;
            iot_mqtt_subs_asked(&subs, s, id_of[i]);
            model[i] = model[i] == IOT_SUB_WANT ? IOT_SUB_ASKED : IOT_SUB_UNASKED;
            break;
        case 5:
        case 6: {
            bool unsub = model[i] == IOT_SUB_UNASKED;
            s = iot_mqtt_subs_awaiting(&subs, id_of[i], unsub ? IOT_SUB_UNASKED : IOT_SUB_ASKED);
            if (model[i] != IOT_SUB_ASKED && !unsub)
                break;
            assert_non_null(s);
            if (unsub)
                iot_mqtt_subs_enter(&subs, s, IOT_SUB_FREE);
            else
                iot_mqtt_subs_suback(&subs, s, test_random(&rng, 5) == 0 ? 0x80 : 1);
            model[i] = unsub || s->state == IOT_SUB_FREE ? IOT_SUB_FREE : IOT_SUB_ON;
            used -= model[i] == IOT_SUB_FREE;
            break;
        }
        default:
            if (test_random(&rng, 20) != 0)
                break;
            bool renew = test_random(&rng, 2);
            iot_mqtt_subs_lost(&subs);
            if (renew)
                iot_mqtt_subs_renew(&subs);
            for (i = 0; i < NAMES; i++) {
                if (model[i] == IOT_SUB_ASKED || (renew && model[i] == IOT_SUB_ON))
                    model[i] = IOT_SUB_WANT;
                else if (model[i] == IOT_SUB_UNASKED)
                    model[i] = IOT_SUB_UNWANT;
            }
            break;
        }
        heap_trap_off();
        assert_counts_hold();
        assert_int_equal(subs.count, used);
        for (i = 0; i < NAMES; i++)
            assert_int_equal(matches(name[i]), model[i] == IOT_SUB_WANT ||
                                                   model[i] == IOT_SUB_ASKED ||
                                                   model[i] == IOT_SUB_ON);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        CASE(a_subscription_lives_from_want_to_free),
        CASE(what_is_no_filter_or_no_qos_is_refused),
        CASE(a_refused_subscription_frees_its_slot),
        CASE(the_same_filter_again_replaces_handler_qos_and_text),
        CASE(a_subscription_replaced_on_its_way_no_longer_awaits_the_old_answer),
        CASE(a_filter_whose_unsuback_is_awaited_cannot_be_subscribed),
        CASE(unsubscribe_compares_the_whole_text),
        CASE(a_full_table_refuses_one_more_and_changes_nothing),
        CASE(every_slot_becomes_due_once),
        CASE(a_lost_link_makes_due_what_was_on_its_way),
        CASE(a_lost_session_makes_all_due),
        CASE(a_renewal_is_told_only_if_it_is_granted_otherwise),
        CASE(the_first_suback_is_told_though_the_link_was_lost_before_it),
        CASE(only_those_that_declined_are_asked_again),
        CASE(a_message_without_a_handler_is_handled_by_none),
        CASE(random_operations_agree_with_a_naive_model),
    };
    return cmocka_run_group_tests_name("mqtt_subs", tests, NULL, NULL);
}

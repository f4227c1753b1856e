/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

/* The largest index there may be, whatever the library was built with. */
#undef IOT_MQTT_SUBS_MAX
#define IOT_MQTT_SUBS_MAX 255
#include "mqtt/iot_mqtt_topic.c"
#include "mqtt/iot_mqtt_filter.c"
#include "mqtt/iot_mqtt_index.c"
#include "mqtt/iot_mqtt_list.c"

#include "heap_trap.h"

/* ---- the same rules, written the slow way: texts become lists of levels --------------------- */

#define LEVELS_MAX 40

struct levels {
    struct iot_bytes level[LEVELS_MAX];
    uint32_t count;
};

static struct levels split(struct iot_bytes text)
{
    struct levels l = {.count = 1};

    l.level[0].ptr = text.ptr;
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '/') {
            assert_in_range(l.count, 1, LEVELS_MAX - 1);
            l.level[l.count++].ptr = text.ptr + i + 1;
        } else {
            l.level[l.count - 1].len++;
        }
    }
    return l;
}

static bool is(struct iot_bytes level, const char *text)
{
    return level.len == strlen(text) && memcmp(level.ptr, text, level.len) == 0;
}

static bool has_wildcard(struct iot_bytes text)
{
    return memchr(text.ptr, '+', text.len) != NULL || memchr(text.ptr, '#', text.len) != NULL;
}

static bool naive_is_filter(struct iot_bytes text)
{
    struct levels l = split(text);

    for (uint32_t i = 0; i < l.count; i++) {
        bool hash = is(l.level[i], "#");
        if (has_wildcard(l.level[i]) && !is(l.level[i], "+") && !hash)
            return false;
        if (hash && i + 1 != l.count)
            return false;
    }
    return text.len != 0;
}

static bool naive_match(struct iot_bytes filter, struct iot_bytes name)
{
    struct levels f = split(filter);
    struct levels n = split(name);

    if (name.ptr[0] == '$' && (is(f.level[0], "+") || is(f.level[0], "#")))
        return false;
    for (uint32_t i = 0; i < f.count; i++) {
        if (is(f.level[i], "#"))
            return n.count >= i; /* the parent level, too */
        if (i == n.count)
            return false;
        if (!is(f.level[i], "+") && (f.level[i].len != n.level[i].len ||
                                     memcmp(f.level[i].ptr, n.level[i].ptr, n.level[i].len) != 0))
            return false;
    }
    return f.count == n.count;
}

/* ---- all short texts over an alphabet with everything that means something ------------------ */

#define TEXT_MAX    5
#define TEXTS       (6 + 36 + 216 + 1296 + 7776)
#define NAMES       (4 + 16 + 64 + 256 + 1024)
#define FILTERS_MAX 4000

static char texts[TEXTS][TEXT_MAX + 1];
static struct iot_bytes names[NAMES], filters[FILTERS_MAX];
static uint32_t filter_count;
static bool matches[FILTERS_MAX][NAMES]; /* what the slow way says */

static int make_texts(void **state)
{
    uint32_t count = 0, name_count = 0;
    (void)state;

    for (uint32_t len = 1, all = 6; len <= TEXT_MAX; len++, all *= 6) {
        for (uint32_t value = 0; value < all; value++, count++) {
            uint32_t rest = value;
            for (uint32_t i = 0; i < len; i++, rest /= 6)
                texts[count][i] = "ab/+#$"[rest % 6];
            struct iot_bytes text = text_bytes(texts[count]);
            if (!has_wildcard(text))
                names[name_count++] = text;
            if (naive_is_filter(text))
                filters[filter_count++] = text;
        }
    }
    for (uint32_t f = 0; f < filter_count; f++) {
        for (uint32_t n = 0; n < NAMES; n++)
            matches[f][n] = naive_match(filters[f], names[n]);
    }
    return count == TEXTS && name_count == NAMES ? 0 : -1;
}

/* ---- checks -------------------------------------------------------------------------------- */

static void names_are_checked(void **state)
{
    static const struct iot_bytes good[] = {
        {(const uint8_t *)"a", 1},        {(const uint8_t *)"/", 1},
        {(const uint8_t *)"//", 2},       {(const uint8_t *)" ", 1},
        {(const uint8_t *)"$SYS/x", 6},   {(const uint8_t *)"a b/\xc3\xa4", 6},
        {(const uint8_t *)"\x01\x7f", 2}, {(const uint8_t *)"\xf0\x9f\x92\xa1/on", 7},
    };
    static const struct iot_bytes bad[] = {
        {(const uint8_t *)"", 0},
        {NULL, 0},
        {(const uint8_t *)"+", 1},
        {(const uint8_t *)"a/#", 3},
        {(const uint8_t *)"abc+", 4},
        {(const uint8_t *)"a#bcdefg", 8},
        {(const uint8_t *)"a\0b", 3},
        {(const uint8_t *)"\0", 1},
        {(const uint8_t *)"a\xed\xa0\x80", 4},
        {(const uint8_t *)"abcd\xff", 5},
        {(const uint8_t *)"abc\xc3", 4},
        {(const uint8_t *)"\xc3\xa4+", 3},
        {(const uint8_t *)"+\xc3\xa4", 3},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(good); i++) {
        assert_err(iot_topic_check_name(guarded(good[i])), IOT_OK);
        assert_err(iot_topic_check_filter(guarded(good[i])), IOT_OK);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_err(iot_topic_check_name(guarded(bad[i])), IOT_ERR_MQTT_TOPIC);
}

static void filters_are_checked(void **state)
{
    static const char *const good[] = {"#",   "+",  "/#", "+/#",    "+/+",       "a/+/b",
                                       "a/#", "/+", "+/", "$SYS/#", "a/+/+/b/#", "\xc3\xa4/+"};
    static const char *const bad[] = {"",   "##",   "#/",       "#/a",   "a#",   "a+",
                                      "+a", "a/b#", "a/#/b",    "++",    "a/++", "+#",
                                      "#+", "a/+b", "a/\xff/+", "+/\xc3"};
    (void)state;

    for (size_t i = 0; i < COUNT(good); i++)
        assert_err(iot_topic_check_filter(guarded(text_bytes(good[i]))), IOT_OK);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_err(iot_topic_check_filter(guarded(text_bytes(bad[i]))), IOT_ERR_MQTT_TOPIC);
    assert_err(iot_topic_check_filter(guarded(BYTES("a/\0/+"))), IOT_ERR_MQTT_TOPIC);
}

static void a_topic_has_65535_bytes_at_most(void **state)
{
    uint8_t *end = at_guard(NULL, 65536);
    (void)state;

    memset(end, 'x', 65536);
    assert_err(iot_topic_check_name((struct iot_bytes){end + 1, 65535}), IOT_OK);
    assert_err(iot_topic_check_name((struct iot_bytes){end, 65536}), IOT_ERR_MQTT_TOPIC);
    assert_err(iot_topic_check_filter((struct iot_bytes){end + 1, 65535}), IOT_OK);
    assert_err(iot_topic_check_filter((struct iot_bytes){end, 65536}), IOT_ERR_MQTT_TOPIC);
}

static void all_short_texts_are_checked_as_the_slow_way_does(void **state)
{
    (void)state;
    heap_trap_on();
    for (uint32_t i = 0; i < TEXTS; i++) {
        struct iot_bytes text = guarded(text_bytes(texts[i]));
        iot_err name = has_wildcard(text) ? IOT_ERR_MQTT_TOPIC : IOT_OK;
        iot_err filter = naive_is_filter(text) ? IOT_OK : IOT_ERR_MQTT_TOPIC;
        if (iot_topic_check_name(text) != name || iot_topic_check_filter(text) != filter)
            fail_msg("%s", texts[i]);
    }
    heap_trap_off();
}

/* ---- one filter ---------------------------------------------------------------------------- */

static void the_examples_of_the_standard_match(void **state)
{
    static const struct {
        const char *filter, *name;
        bool match;
    } rows[] = {
        {"sport/tennis/player1/#", "sport/tennis/player1", true},
        {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
        {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
        {"sport/tennis/player1/#", "sport/tennis/player10", false},
        {"sport/#", "sport", true},
        {"sport/#", "sports", false},
        {"sport/tennis/+", "sport/tennis/player1", true},
        {"sport/tennis/+", "sport/tennis/player1/ranking", false},
        {"sport/+", "sport", false},
        {"sport/+", "sport/", true},
        {"+/+", "/finance", true},
        {"/+", "/finance", true},
        {"+", "/finance", false},
        {"#", "$SYS/monitor/Clients", false},
        {"+/monitor/Clients", "$SYS/monitor/Clients", false},
        {"$SYS/#", "$SYS/monitor/Clients", true},
        {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
        {"ACCOUNTS", "Accounts", false},
        {"/finance", "finance", false},
        {"+/#", "a", true},
        {"a/$b/+", "a/$b/c", true},
        {"+/$b", "a/$b", true},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct iot_bytes filter = text_bytes(rows[i].filter);
        struct iot_bytes name = text_bytes(rows[i].name);
        if (iot_topic_match(filter, name) != rows[i].match ||
            naive_match(filter, name) != rows[i].match)
            fail_msg("%s, %s", rows[i].filter, rows[i].name);
    }
}

static void every_short_filter_matches_what_the_slow_way_does(void **state)
{
    (void)state;
    assert_in_range(filter_count, 1365, FILTERS_MAX);
    heap_trap_on();
    for (uint32_t f = 0; f < filter_count; f++) {
        struct iot_bytes filter = guarded(filters[f]);
        for (uint32_t n = 0; n < NAMES; n++) {
            if (iot_topic_match(filter, names[n]) != matches[f][n])
                fail_msg("%.*s, %.*s", (int)filters[f].len, filters[f].ptr, (int)names[n].len,
                         names[n].ptr);
        }
    }
    heap_trap_off();
}

/* ---- the index ----------------------------------------------------------------------------- */

static struct iot_topic_index ix;
static int slot_of[FILTERS_MAX];         /* or IOT_TOPIC_NO_SLOT */
static int filter_in[IOT_MQTT_SUBS_MAX]; /* or -1 */

static void start(void)
{
    memset(&ix, 0, sizeof ix);
    for (uint32_t i = 0; i < FILTERS_MAX; i++)
        slot_of[i] = IOT_TOPIC_NO_SLOT;
    for (uint32_t i = 0; i < IOT_MQTT_SUBS_MAX; i++)
        filter_in[i] = -1;
}

static void put(uint32_t slot, uint32_t f)
{
    heap_trap_on();
    iot_topic_index_add(&ix, (uint8_t)slot, filters[f]);
    heap_trap_off();
    slot_of[f] = (int)slot;
    filter_in[slot] = (int)f;
}

static void take(uint32_t slot)
{
    heap_trap_on();
    iot_topic_index_remove(&ix, (uint8_t)slot);
    heap_trap_off();
    slot_of[filter_in[slot]] = IOT_TOPIC_NO_SLOT;
    filter_in[slot] = -1;
}

static void check_name_at(uint32_t n)
{
    uint32_t hits[IOT_TOPIC_HITS_WORDS];

    memset(hits, 0xff, sizeof hits);
    heap_trap_on();
    iot_topic_index_match(&ix, names[n], hits);
    heap_trap_off();
    for (uint32_t slot = 0; slot < 32 * IOT_TOPIC_HITS_WORDS; slot++) {
        bool got = hits[slot / 32] >> slot % 32 & 1;
        int f = slot < IOT_MQTT_SUBS_MAX ? filter_in[slot] : -1;
        if (got != (f >= 0 && matches[f][n]))
            fail_msg("name %.*s, slot %u (%.*s), of %u filters: hit is %d", (int)names[n].len,
                     names[n].ptr, slot, f < 0 ? 0 : (int)filters[f].len,
                     f < 0 ? "" : (const char *)filters[f].ptr, ix.count, got);
    }
}

static void check_all_names(void)
{
    for (uint32_t n = 0; n < NAMES; n++)
        check_name_at(n);
}

static void an_empty_index_matches_nothing(void **state)
{
    (void)state;
    start();
    check_all_names();
    assert_int_equal(iot_topic_index_find(&ix, BYTES("a")), IOT_TOPIC_NO_SLOT);
}

static void an_index_of_one_filter_is_right_for_every_filter(void **state)
{
    (void)state;
    start();
    for (uint32_t f = 0; f < filter_count; f++) {
        put(f % IOT_MQTT_SUBS_MAX, f);
        for (uint32_t n = 0; n < NAMES; n++) {
            uint32_t hits[IOT_TOPIC_HITS_WORDS];
            uint32_t any = 0;
            iot_topic_index_match(&ix, names[n], hits);
            for (uint32_t i = 0; i < IOT_TOPIC_HITS_WORDS; i++)
                any |= hits[i];
            if ((any != 0) != matches[f][n])
                fail_msg("%.*s, %.*s", (int)filters[f].len, filters[f].ptr, (int)names[n].len,
                         names[n].ptr);
        }
        take(f % IOT_MQTT_SUBS_MAX);
    }
}

static void neighbours_fill_the_index_and_every_name_finds_its_filters(void **state)
{
    (void)state;
    /* Runs of filters in the order they were made, and others taken evenly from all. */
    for (uint32_t from = 0; from < filter_count; from += IOT_MQTT_SUBS_MAX) {
        start();
        for (uint32_t i = 0; i < IOT_MQTT_SUBS_MAX && from + i < filter_count; i++)
            put(IOT_MQTT_SUBS_MAX - 1 - i, from + i);
        check_all_names();
    }
    uint32_t step = filter_count / IOT_MQTT_SUBS_MAX;
    for (uint32_t from = 0; from < step; from++) {
        start();
        for (uint32_t i = 0; i < IOT_MQTT_SUBS_MAX; i++)
            put(i, from + i * step);
        assert_int_equal(ix.count, IOT_MQTT_SUBS_MAX);
        check_all_names();
    }
}

static void filters_come_and_go_at_random_and_the_rest_stay(void **state)
{
    uint32_t seed = test_seed();
    (void)state;

    start();
    for (uint32_t round = 0; round < 20000; round++) {
        uint32_t slot = test_random(&seed, IOT_MQTT_SUBS_MAX);
        uint32_t f = test_random(&seed, filter_count);
        /* Tides: mostly adding, then mostly removing, so that full and empty are both reached. */
        bool add = test_random(&seed, 8) < (round / 2000 % 2 == 0 ? 7u : 1u);

        if (filter_in[slot] >= 0 && !add)
            take(slot);
        else if (filter_in[slot] < 0 && slot_of[f] < 0 && add)
            put(slot, f);
        for (uint32_t i = 0; i < 4; i++) {
            f = test_random(&seed, filter_count);
            assert_int_equal(iot_topic_index_find(&ix, filters[f]), slot_of[f]);
            check_name_at(test_random(&seed, NAMES));
        }
        if (filter_in[slot] >= 0)
            assert_int_equal(iot_topic_index_find(&ix, filters[filter_in[slot]]), slot);
        if (round % 1000 == 999)
            check_all_names();
    }
}

static void a_full_index_takes_no_more(void **state)
{
    (void)state;
    start();
    for (uint32_t i = 0; i < IOT_MQTT_SUBS_MAX; i++)
        put(i, i);
    for (uint32_t i = 0; i < IOT_MQTT_SUBS_MAX; i++)
        assert_int_equal(iot_topic_index_find(&ix, filters[i]), i);
#if IOT_ASSERTS
    struct iot_topic_index before = ix;
    expect_assert_failure(iot_topic_index_add(&ix, 0, filters[IOT_MQTT_SUBS_MAX]));
    expect_assert_failure(iot_topic_index_add(&ix, 254, filters[IOT_MQTT_SUBS_MAX]));
    assert_memory_equal(&before, &ix, sizeof ix);
#endif
    take(17);
    put(17, IOT_MQTT_SUBS_MAX);
    check_all_names();
}

static void a_removed_filter_leaves_its_text_in_its_slot(void **state)
{
    (void)state;
    start();
    put(3, 100);
    take(3);
    assert_int_equal(iot_topic_index_find(&ix, filters[100]), IOT_TOPIC_NO_SLOT);
    assert_bytes(((struct iot_bytes){ix.filter[3].ptr, ix.filter[3].len}), filters[100]);
    put(3, 100); /* and may come back */
    assert_int_equal(iot_topic_index_find(&ix, filters[100]), 3);
}

static void mistakes_of_the_caller_are_noticed(void **state)
{
    (void)state;
#if IOT_ASSERTS
    start();
    put(3, 0);
    expect_assert_failure(iot_topic_index_add(&ix, 4, filters[0])); /* twice the same */
    expect_assert_failure(iot_topic_index_remove(&ix, 4));
    assert_int_equal(ix.count, 1);
#endif
}

/* ---- longer texts, other characters ---------------------------------------------------------- */

#define LONG_MAX 64
static char long_text[IOT_MQTT_SUBS_MAX][LONG_MAX];

static void check_long_name(struct iot_bytes name)
{
    uint32_t hits[IOT_TOPIC_HITS_WORDS];

    heap_trap_on();
    iot_topic_index_match(&ix, name, hits);
    heap_trap_off();
    for (uint32_t slot = 0; slot < ix.count; slot++) {
        bool got = hits[slot / 32] >> slot % 32 & 1;
        if (got != naive_match(text_bytes(long_text[slot]), name))
            fail_msg("name %.*s, filter %s: hit is %d", (int)name.len, name.ptr, long_text[slot],
                     got);
    }
}

/* The text goes into the next slot unless it is there already. */
static void put_long(const char *text)
{
    if (ix.count == IOT_MQTT_SUBS_MAX || iot_topic_index_find(&ix, text_bytes(text)) >= 0)
        return;
    assert_err(iot_topic_check_filter(text_bytes(text)), IOT_OK);
    strcpy(long_text[ix.count], text);
    iot_topic_index_add(&ix, ix.count, text_bytes(long_text[ix.count]));
}

static void make_long(uint32_t *seed, bool wildcards, uint32_t words, char *into)
{
    /* Around '/', '#' and '+' in the order of bytes, and prefixes of each other. */
    static const char *const word[] = {
        "a",    "",    "b",      "a-",       "a.",        "a!",       "ab", "a\x01", "$",
        "\x02", "a$b", "sensor", "sensor-1", "sensor-12", "\xc3\xa4", "a,", "\x7f",  "a0"};
    uint32_t levels = 1 + test_random(seed, 5);

    into[0] = '\0';
    for (uint32_t i = 0; i < levels; i++) {
        const char *level = word[test_random(seed, words < COUNT(word) ? words : COUNT(word))];
        if (i != 0)
            strcat(into, "/");
        if (wildcards && test_random(seed, 4) == 0)
            level = i + 1 == levels && test_random(seed, 2) == 0 ? "#" : "+";
        strcat(into, level);
    }
    if (into[0] == '\0')
        strcpy(into, "a");
}

static void filters_of_many_levels_and_odd_characters_match_as_the_slow_way_does(void **state)
{
    uint32_t seed = test_seed();
    (void)state;

    for (uint32_t round = 0; round < 200; round++) {
        uint32_t words = 1 + round % 20; /* few: dense, with '+' at every branch */
        uint32_t want = round % 3 == 0 ? IOT_MQTT_SUBS_MAX : 1 + test_random(&seed, 20);
        start();
        for (uint32_t i = 0; i < 4 * want && ix.count < want; i++) {
            char text[LONG_MAX];
            make_long(&seed, true, words, text);
            put_long(text);
        }
        for (uint32_t i = 0; i < 300; i++) {
            char name[LONG_MAX];
            make_long(&seed, false, words, name);
            check_long_name(guarded(text_bytes(name)));
        }
    }
}

static void wildcards_at_every_depth_are_all_found(void **state)
{
    char stem[LONG_MAX] = "";
    (void)state;

    /* At each of 24 levels four filters go off at '+' and the way goes on with 'a'. */
    start();
    for (uint32_t depth = 0; depth < 24; depth++) {
        static const char *const tails[] = {"+/#", "+/a/#", "+/+/#", "+/a/b/#"};
        for (size_t i = 0; i < COUNT(tails); i++) {
            char text[LONG_MAX];
            snprintf(text, sizeof text, "%s%s", stem, tails[i]);
            put_long(text);
        }
        strcat(stem, "a/");
        check_long_name(text_bytes(stem));
    }
    put_long(stem);
    assert_int_equal(ix.count, 24 * 4 + 1);
    check_long_name(text_bytes(stem));
    for (uint32_t at = 0; at < strlen(stem); at += 2) { /* one level is another, at each depth */
        stem[at] = 'b';
        check_long_name(text_bytes(stem));
        check_long_name((struct iot_bytes){(const uint8_t *)stem, at + 1});
        stem[at] = 'a';
    }
}

static void filters_that_begin_and_end_alike_share_a_bucket_and_leave_it_in_any_order(void **state)
{
    static const uint8_t order[] = {0, 19, 10, 11, 9, 1, 18, 5}; /* newest, oldest, in between */
    uint32_t hits[IOT_TOPIC_HITS_WORDS];
    bool in[20];
    char text[LONG_MAX];
    (void)state;

    start();
    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof text, "s/+/%d/quit", i);
        put_long(text);
        in[i] = true;
        assert_int_equal(ix.filter[i].key, ix.filter[0].key);
    }
    for (size_t k = 0; k < COUNT(order); k++) {
        iot_topic_index_remove(&ix, order[k]);
        in[order[k]] = false;
        for (uint32_t i = 0; i < 20; i++) {
            snprintf(text, sizeof text, "s/room/%u/quit", i);
            iot_topic_index_match(&ix, text_bytes(text), hits);
            assert_int_equal(hits[0], in[i] ? 1u << i : 0);
            assert_int_equal(iot_topic_index_find(&ix, text_bytes(long_text[i])),
                             in[i] ? (int)i : IOT_TOPIC_NO_SLOT);
        }
    }
}

static void a_hundred_devices_are_told_apart(void **state)
{
    char name[LONG_MAX];
    (void)state;

    start();
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "devices/sensor-%03d/telemetry", i * 37 % 100);
        put_long(name);
    }
    for (int i = -1; i <= 100; i++) {
        snprintf(name, sizeof name, "devices/sensor-%03d/telemetry", i);
        check_long_name(text_bytes(name));
        name[strlen(name) - 1] = '\0';
        check_long_name(text_bytes(name));
        snprintf(name, sizeof name, "devices/sensor-%03d", i);
        check_long_name(text_bytes(name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(filters_are_checked),
        cmocka_unit_test(a_topic_has_65535_bytes_at_most),
        cmocka_unit_test(all_short_texts_are_checked_as_the_slow_way_does),
        cmocka_unit_test(the_examples_of_the_standard_match),
        cmocka_unit_test(every_short_filter_matches_what_the_slow_way_does),
        cmocka_unit_test(an_empty_index_matches_nothing),
        cmocka_unit_test(an_index_of_one_filter_is_right_for_every_filter),
        cmocka_unit_test(neighbours_fill_the_index_and_every_name_finds_its_filters),
        cmocka_unit_test(filters_come_and_go_at_random_and_the_rest_stay),
        cmocka_unit_test(a_full_index_takes_no_more),
        cmocka_unit_test(a_removed_filter_leaves_its_text_in_its_slot),
        cmocka_unit_test(mistakes_of_the_caller_are_noticed),
        cmocka_unit_test(filters_of_many_levels_and_odd_characters_match_as_the_slow_way_does),
        cmocka_unit_test(wildcards_at_every_depth_are_all_found),
        cmocka_unit_test(filters_that_begin_and_end_alike_share_a_bucket_and_leave_it_in_any_order),
        cmocka_unit_test(a_hundred_devices_are_told_apart),
    };
    return cmocka_run_group_tests_name("mqtt_topic", tests, make_texts, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The link breaks in the middle of an exchange of one message: at each of its points, in each of the ways there are,
 * with each kind of session, both ways. What the broker took, what the application got and was told. */
#include "town.h"

#define ONE_WAY 50u /* ms */
#define HOLD    60u /* longer than what is on its way, shorter than TCP's first repetition */
#define DOWN_MS 5000u

enum broken_by { BY_HINT, BY_SILENCE, BY_RESET, BY_RESTART, BY_FORGETTING, BY_REBOOT, WAYS };
static const char *const way_names[WAYS] = {"hint",    "silence",          "reset",
                                            "restart", "restart, forgets", "reboot"};
static const char *const session_names[] = {"clean", "keep", "keep across reboot"};

/* Which packet of the exchange is lost: the n-th; -1: nothing has left yet. The one behind the last: none is. */
#define UNSENT (-1)

/* Of a message from the device. */
struct up {
    uint8_t qos;
    int lost;
    uint8_t took, took_again, dups; /* first, the same QoS 2 message once more; with DUP */
    uint8_t done, unknown, powerless;
};

static const struct up up_session_lives[] = {
    {1, UNSENT, 1, 0, 0, 1, 0, 0}, {1, 0, 1, 0, 1, 1, 0, 0}, /* PUBLISH */
    {1, 1, 2, 0, 1, 1, 0, 0},                                /* PUBACK */
    {1, 2, 1, 0, 0, 1, 0, 0},      {2, UNSENT, 1, 0, 0, 1, 0, 0},
    {2, 0, 1, 0, 1, 1, 0, 0},                                /* PUBLISH */
    {2, 1, 1, 1, 1, 1, 0, 0},                                /* PUBREC */
    {2, 2, 1, 0, 0, 1, 0, 0},      {2, 3, 1, 0, 0, 1, 0, 0}, /* PUBREL, PUBCOMP */
    {2, 4, 1, 0, 0, 1, 0, 0},
};

/* Of a clean session, or handed back. */
static const struct up up_handed_back[] = {
    {1, UNSENT, 1, 0, 0, 1, 0, 0}, {1, 0, 0, 0, 0, 0, 1, 0},      {1, 1, 1, 0, 0, 0, 1, 0},
    {1, 2, 1, 0, 0, 1, 0, 0},      {2, UNSENT, 1, 0, 0, 1, 0, 0}, {2, 0, 0, 0, 0, 0, 1, 0},
    {2, 1, 1, 0, 0, 0, 1, 0},      {2, 2, 1, 0, 0, 0, 1, 0},      {2, 3, 1, 0, 0, 0, 1, 0},
    {2, 4, 1, 0, 0, 1, 0, 0},
};

/* What has no PUBREC goes out once more, as another message. */
static const struct up up_sent_as_new[] = {
    {1, UNSENT, 1, 0, 0, 1, 0, 0}, {1, 0, 1, 0, 0, 1, 0, 0},      {1, 1, 2, 0, 0, 1, 0, 0},
    {1, 2, 1, 0, 0, 1, 0, 0},      {2, UNSENT, 1, 0, 0, 1, 0, 0}, {2, 0, 1, 0, 0, 1, 0, 0},
    {2, 1, 2, 0, 0, 1, 0, 0},      {2, 2, 1, 0, 0, 0, 1, 0},      {2, 3, 1, 0, 0, 0, 1, 0},
    {2, 4, 1, 0, 0, 1, 0, 0},
};

static const struct up up_gone_with_the_ram[] = {
    {1, UNSENT, 0, 0, 0, 0, 0, 1}, {1, 0, 0, 0, 0, 0, 0, 1},      {1, 1, 1, 0, 0, 0, 0, 1},
    {1, 2, 1, 0, 0, 1, 0, 0},      {2, UNSENT, 0, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 0, 0, 1},
    {2, 1, 1, 0, 0, 0, 0, 1},      {2, 2, 1, 0, 0, 0, 0, 1},      {2, 3, 1, 0, 0, 0, 0, 1},
    {2, 4, 1, 0, 0, 1, 0, 0},
};

/* Of a message to the device: UNSENT is written while it is away. */
struct down {
    uint8_t qos;
    int lost;
    uint8_t got;
};

static const struct down down_session_lives[] = {
    {1, UNSENT, 1}, {1, 0, 1}, {1, 1, 2}, {1, 2, 1}, {2, UNSENT, 1},
    {2, 0, 1},      {2, 1, 1}, {2, 2, 1}, {2, 3, 1}, {2, 4, 1},
};

/* The device has forgotten which QoS 2 ids it had. */
static const struct down down_ids_are_gone[] = {
    {1, UNSENT, 1}, {1, 0, 1}, {1, 1, 2}, {1, 2, 1}, {2, UNSENT, 1},
    {2, 0, 1},      {2, 1, 2}, {2, 2, 1}, {2, 3, 1}, {2, 4, 1},
};

static const struct down down_session_ends[] = {
    {1, UNSENT, 0}, {1, 0, 0}, {1, 1, 1}, {1, 2, 1}, {2, UNSENT, 0},
    {2, 0, 0},      {2, 1, 1}, {2, 2, 1}, {2, 3, 1}, {2, 4, 1},
};

static struct {
    enum iot_session_kind session;
    bool hand_back;
    enum broken_by way;
} now_with;

/* ---- Breaking -------------------------------------------------------------------------------------- */

/* In silence, if packets of the exchange are to be lost; ends it. */
static void break_link(struct world_life *l)
{
    static const iot_err silence[] = {IOT_ERR_MQTT_ACK_TIMEOUT, IOT_ERR_MQTT_PING_TIMEOUT,
                                      IOT_ERR_TCP_STALLED, IOT_OK};
    if (now_with.way == BY_SILENCE) {
        town_cut(true, true);
        town_loses_any(l, silence, 55 * SECOND);
    } else if (now_with.way == BY_RESET) {
        town_run(HOLD);
        town_cut(false, false);
        world_broker_kick(&town.broker, l->name, WORLD_END_RESET, world_ms());
        town_loses(l, IOT_ERR_TCP_RESET, 4 * ONE_WAY);
    } else if (now_with.way == BY_REBOOT) {
        world_life_power_cut(l, SECOND);
    } else { /* TCP would repeat on both sides what was lost: both have to forget it */
        if (now_with.way != BY_HINT)
            world_server_restart(DOWN_MS, now_with.way == BY_RESTART, world_ms());
        world_life_hint(l, IOT_NETWORK_CHANGED);
        town_loses(l, IOT_ERR_NET_CHANGED, 1);
    }
    town_run(HOLD);
    town_cut(false, false);
}

/* Lets packets pass until the n-th of them is on its way, which is lost with all behind it. */
static void lose_packet(struct world_life *l, int n)
{
    town_run((uint64_t)n * ONE_WAY + ONE_WAY / 2);
    town_cut(true, true);
    break_link(l);
}

/* All is quiet, the device is connected and its link a good one. */
static void rest(struct world_life *l)
{
    town_connects(l, MINUTE + 20 * SECOND);
    town_settles(10 * SECOND);
    town_run(40 * SECOND);
}

static struct world_life *begin(void)
{
    struct world_life *l = town_with((struct world_habit){.session = now_with.session,
                                                          .hand_back = now_with.hand_back,
                                                          .qos_max = 2,
                                                          .keepalive_s = 60});
    town_delay(ONE_WAY);
    return l;
}

#define CHANGE(field) (counts(l)->field - before.field)

static void say_and_break(struct world_life *l, const struct up *u)
{
    struct world_counts before = *counts(l);
    uint32_t dups = told_of(l)->dups;

    if (u->lost == UNSENT && now_with.way != BY_REBOOT) {
        break_link(l);
        assert_err(town_say(l, u->qos, 40), IOT_OK);
    } else {
        assert_err(town_say(l, u->qos, 40), IOT_OK);
        if (u->lost == UNSENT)
            break_link(l);
        else
            lose_packet(l, u->lost);
    }
    rest(l);
    if (CHANGE(took[u->qos]) != u->took ||
        CHANGE(took_again) != u->took_again + (u->took == 2 ? 1u : 0u) ||
        told_of(l)->dups - dups != u->dups || CHANGE(done[u->qos]) != u->done ||
        CHANGE(failed_as[-IOT_ERR_UNKNOWN]) != u->unknown || CHANGE(failed) != u->unknown ||
        CHANGE(powerless) != u->powerless)
        fail_msg(
            "%s, %s, QoS %u up, packet %d lost: took %u and %u again, DUP %u, done %u, unknown "
            "%u, failed %u, powerless %u",
            session_names[now_with.session], way_names[now_with.way], u->qos, u->lost,
            CHANGE(took[u->qos]), CHANGE(took_again), told_of(l)->dups - dups, CHANGE(done[u->qos]),
            CHANGE(failed_as[-IOT_ERR_UNKNOWN]), CHANGE(failed), CHANGE(powerless));
}

static void hear_and_break(struct world_life *l, const struct down *d)
{
    struct world_counts before = *counts(l);

    if (d->lost == UNSENT) {
        break_link(l);
        (void)town_write(l, d->qos, 40);
    } else {
        assert_int_equal(town_write(l, d->qos, 40), 1);
        lose_packet(l, d->lost);
    }
    rest(l);
    if (CHANGE(got[d->qos]) != d->got)
        fail_msg("%s, %s, QoS %u down, packet %d lost: got %u times",
                 session_names[now_with.session], way_names[now_with.way], d->qos, d->lost,
                 CHANGE(got[d->qos]));
}

/* ---- Tables against ways --------------------------------------------------------------------------- */

static void all_points(void)
{
    bool reboots = now_with.way == BY_REBOOT, clean = now_with.session == IOT_SESSION_CLEAN;
    bool ends = clean || now_with.way == BY_FORGETTING;
    const struct up *up = reboots                                 ? up_gone_with_the_ram
                          : clean || (ends && now_with.hand_back) ? up_handed_back
                          : ends                                  ? up_sent_as_new
                                                                  : up_session_lives;
    const struct down *down = ends      ? down_session_ends
                              : reboots ? down_ids_are_gone
                                        : down_session_lives;
    struct world_life *l = begin();

    for (uint32_t i = 0; i < COUNT(up_session_lives); i++)
        say_and_break(l, &up[i]);
    for (uint32_t i = 0; i < COUNT(down_session_lives); i++)
        hear_and_break(l, &down[i]);
    town_end();
}

static void run_all(enum iot_session_kind session, enum broken_by first, enum broken_by last,
                    bool hand_back)
{
    for (enum broken_by way = first; way <= last; way++) {
        now_with.session = session;
        now_with.way = way;
        now_with.hand_back = hand_back;
        scenario_run(all_points);
    }
}

static void a_kept_session_finishes_each_exchange_wherever_the_link_broke(void **state)
{
    (void)state;
    run_all(IOT_SESSION_KEEP, BY_HINT, BY_RESTART, false);
    run_all(IOT_SESSION_KEEP_REBOOT, BY_HINT, BY_RESTART, true);
}

static void a_clean_session_hands_back_what_was_sent_and_sends_what_was_not(void **state)
{
    (void)state;
    run_all(IOT_SESSION_CLEAN, BY_HINT, BY_FORGETTING, false);
}

static void a_broker_that_forgets_gets_everything_again_as_new(void **state)
{
    (void)state;
    run_all(IOT_SESSION_KEEP, BY_FORGETTING, BY_FORGETTING, false);
    run_all(IOT_SESSION_KEEP_REBOOT, BY_FORGETTING, BY_FORGETTING, false);
}

static void a_broker_that_forgets_gets_nothing_again_if_the_application_wants_it_back(void **state)
{
    (void)state;
    run_all(IOT_SESSION_KEEP, BY_FORGETTING, BY_FORGETTING, true);
    run_all(IOT_SESSION_KEEP_REBOOT, BY_FORGETTING, BY_FORGETTING, true);
}

static void a_reboot_takes_what_was_accepted_and_leaves_what_the_broker_has(void **state)
{
    (void)state;
    run_all(IOT_SESSION_CLEAN, BY_REBOOT, BY_REBOOT, false);
    run_all(IOT_SESSION_KEEP, BY_REBOOT, BY_REBOOT, false);
    run_all(IOT_SESSION_KEEP_REBOOT, BY_REBOOT, BY_REBOOT, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kept_session_finishes_each_exchange_wherever_the_link_broke),
        cmocka_unit_test(a_clean_session_hands_back_what_was_sent_and_sends_what_was_not),
        cmocka_unit_test(a_broker_that_forgets_gets_everything_again_as_new),
        cmocka_unit_test(a_broker_that_forgets_gets_nothing_again_if_the_application_wants_it_back),
        cmocka_unit_test(a_reboot_takes_what_was_accepted_and_leaves_what_the_broker_has),
    };

    return cmocka_run_group_tests_name("life: one exchange", tests, NULL, NULL);
}

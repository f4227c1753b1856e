/* SPDX-License-Identifier: Apache-2.0 */
#include "link/iot_link_reset.h"

#include "core/iot_core_assert.h"

#include <string.h>

#if IOT_FEATURE_CLOUD

#define KEY_BYTES   (sizeof IOT_RESET_KEY "01234567")
#define CODE_OK     200
#define KV_RETRY_MS 100u
#define ASK_MS      10000u /* the platform's SDKs ask as often */
#define BUSY_MS     1000u  /* the outbox is full */

IOT_STATIC_ASSERT(KEY_BYTES - 1 <= 15, "the port's names are not longer");

enum reset {
    RESET_LOOK, /* is one left from before the reboot? */
    RESET_NONE,
    RESET_STORE, /* accepted, and not written down yet */
    RESET_ASK,   /* written down, and not confirmed yet */
    RESET_CLEAR, /* confirmed; the note has still to go */
};

static const struct iot_port *port_of(struct iot_alink *a)
{
    return a->line->port(iot_alink_device(a));
}

static void enter(struct iot_alink *a, enum reset next, iot_time due)
{
    a->cloud.reset = (uint8_t)next;
    a->cloud.reset_due = due;
}

static void finish(struct iot_alink *a, iot_err err)
{
    struct iot_notice notice = {.kind = IOT_NOTICE_RESET};
    struct iot_event ev = {.kind = IOT_EV_NOTICE, .err = err, .notice = &notice};

    enter(a, RESET_NONE, IOT_TIME_NEVER);
    a->line->report(iot_alink_device(a), &ev);
}

/* ---- Steps --------------------------------------------------------------------------------- */

/* A store may serve several devices, and a device may get another identity: each has a note of its own. */
static const char *key_of(const struct iot_alink *a, char text[KEY_BYTES])
{
    const char *const names[] = {a->id->product_key, "/", a->id->device_name};
    uint32_t h = IOT_ALINK_HASH, at = sizeof IOT_RESET_KEY - 1;

    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++)
        h = iot_alink_hash(h, names[i], (uint32_t)strlen(names[i]));
    memcpy(text, IOT_RESET_KEY, at);
    for (; at < KEY_BYTES - 1; at++, h <<= 4)
        text[at] = "0123456789abcdef"[h >> 28];
    text[at] = 0;
    return text;
}

static iot_err store(struct iot_alink *a)
{
    char key[KEY_BYTES];

    return port_of(a)->kv_set(port_of(a)->ctx, key_of(a, key), "1", 1);
}

static iot_err clear(struct iot_alink *a)
{
    char key[KEY_BYTES];

    return port_of(a)->kv_del(port_of(a)->ctx, key_of(a, key));
}

static void look(struct iot_alink *a)
{
    char key[KEY_BYTES];
    uint8_t note;
    uint32_t len;

    iot_err err = port_of(a)->kv_get(port_of(a)->ctx, key_of(a, key), &note, sizeof note, &len);
    if (err == IOT_ERR_AGAIN)
        enter(a, RESET_LOOK, a->now + KV_RETRY_MS);
    else if (err == IOT_OK || err == IOT_ERR_SIZE)
        enter(a, RESET_ASK, a->now);
    else
        enter(a, RESET_NONE, IOT_TIME_NEVER);
}

/* While a request is out, its own end says what comes next. Offline nothing is queued: the next login asks. */
static void ask(struct iot_alink *a)
{
    static const uint8_t params[] = {'{', '}'};
    iot_time due = IOT_TIME_NEVER;

    if (a->up && iot_alink_find_kind(a, IOT_ALINK_RESET) == NULL) {
        iot_err err = iot_alink_ask_bytes(a, "thing/reset", IOT_ALINK_RESET, IOT_ASK_QOS_1,
                                          (struct iot_bytes){params, sizeof params}, NULL);
        due = a->now + (err == IOT_OK ? ASK_MS : BUSY_MS);
    }
    enter(a, RESET_ASK, due);
}

void iot_link_reset_step(struct iot_alink *a)
{
    iot_err err;

    if (a->now < a->cloud.reset_due)
        return;
    switch ((enum reset)a->cloud.reset) {
    case RESET_LOOK:
        look(a);
        break;
    case RESET_NONE:
        break;
    case RESET_STORE:
        err = store(a);
        if (err == IOT_OK)
            enter(a, RESET_ASK, a->now);
        else if (err == IOT_ERR_AGAIN)
            enter(a, RESET_STORE, a->now + KV_RETRY_MS);
        else
            finish(a, err);
        break;
    case RESET_ASK:
        ask(a);
        break;
    case RESET_CLEAR:
        err = clear(a);
        if (err == IOT_ERR_AGAIN)
            enter(a, RESET_CLEAR, a->now + KV_RETRY_MS);
        else
            finish(a, err);
        break;
    }
}

/* ---- What happens -------------------------------------------------------------------------- */

iot_err iot_link_reset_digest(struct iot_alink *a, int32_t code, const struct iot_reply *r)
{
    if (r == NULL)
        a->cloud.reset_due = a->now; /* no answer: again */
    else if (code == CODE_OK)
        enter(a, RESET_CLEAR, a->now);
    else
        a->cloud.reset_due = a->now + ASK_MS; /* `ask` may have left it to this reply */
    return IOT_ERR_STATE;
}

static void on_close(struct iot_alink *a)
{
    iot_err err = IOT_ERR_CLOSED;

    if (a->cloud.reset == RESET_CLEAR)
        err = clear(a);
    if (a->cloud.reset == RESET_CLEAR || a->cloud.reset == RESET_STORE)
        finish(a, err == IOT_ERR_AGAIN ? IOT_ERR_CLOSED : err);
}

void iot_link_reset_event(struct iot_alink *a, const struct iot_event *ev)
{
    if (ev->kind == IOT_EV_CONNECTED && a->cloud.reset == RESET_ASK)
        a->cloud.reset_due = a->now;
    if (ev->kind == IOT_EV_CLOSED)
        on_close(a);
}

iot_time iot_link_reset_deadline(const struct iot_alink *a)
{
    return a->cloud.reset_due;
}

bool iot_link_reset_idle(const struct iot_alink *a)
{
    return a->cloud.reset != RESET_STORE && a->cloud.reset != RESET_CLEAR;
}

/* ---- Life ---------------------------------------------------------------------------------- */

static bool is_able(struct iot_alink *a)
{
    return a->id != NULL && a->id->product_key != NULL && a->id->device_name != NULL &&
           port_of(a)->kv_get != NULL && port_of(a)->kv_set != NULL && port_of(a)->kv_del != NULL;
}

void iot_link_reset_init(struct iot_alink *a)
{
    bool able = is_able(a);

    enter(a, able ? RESET_LOOK : RESET_NONE, able ? 0 : IOT_TIME_NEVER);
}

iot_err iot_reset(struct iot_device *dev)
{
    struct iot_alink *a = iot_alink_of(dev);

    if (!is_able(a))
        return IOT_ERR_ARG;
    if (a->cloud.reset != RESET_NONE && a->cloud.reset != RESET_LOOK)
        return IOT_ERR_STATE;
    iot_err err = store(a);
    if (err != IOT_OK && err != IOT_ERR_AGAIN)
        return err;
    enter(a, err == IOT_OK ? RESET_ASK : RESET_STORE, a->now);
    a->line->wake(dev);
    return IOT_OK;
}

#endif

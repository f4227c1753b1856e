/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world_app.h"

#include "world/world_serial.h"
#include "world/world_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Payloads ------------------------------------------------------------------------------ */

static uint8_t filler(uint64_t serial, uint32_t i)
{
    return (uint8_t)((uint32_t)serial * 31 + i * 7 + (i >> 8));
}

void world_app_fill(uint64_t serial, uint8_t *into, uint32_t n)
{
    world_serial_encode(serial, into);
    for (uint32_t i = WORLD_SERIAL_BYTES; i < n; i++)
        into[i] = filler(serial, i);
}

bool world_app_is(uint64_t serial, struct iot_bytes bytes, uint32_t offset)
{
    uint8_t head[WORLD_SERIAL_BYTES];
    world_serial_encode(serial, head);
    for (uint32_t i = 0; i < bytes.len; i++) {
        uint32_t at = offset + i;
        if (bytes.ptr[i] != (at < sizeof head ? head[at] : filler(serial, at)))
            return false;
    }
    return true;
}

static uint64_t next_serial(struct world_life *l)
{
    return world_serial((uint16_t)(l->number + 1), (uint16_t)l->boots, ++l->serial);
}

/* ---- Messages to it ------------------------------------------------------------------------ */

void world_app_down_topic(const struct world_life *l, bool large, uint64_t serial, char *into,
                          uint32_t cap)
{
    int stem = (int)strlen(l->down_filter) - 1; /* without the wildcard */
    if (large)                                  /* a skipped message is known by its topic alone */
        snprintf(into, cap, "%.*sbig/%016llx", stem, l->down_filter, (unsigned long long)serial);
    else
        snprintf(into, cap, "%.*ssmall", stem, l->down_filter);
}

static iot_err echo(struct world_life *l, const struct iot_msg *msg);

/* A handler that declines is asked again; the ledger counts what it took. */
iot_err world_app_take(void *ctx, struct iot_device *dev, const struct iot_msg *msg)
{
    struct world_life *l = ctx;
    (void)dev;
    uint64_t now = world_ms();
    bool declines = now < l->declines;
    if (declines) {
        world_lint_declines(&l->lint, true, now);
        return IOT_ERR_AGAIN;
    }
    if (msg->offset == 0)
        l->part_at = 0;
    for (uint32_t i = 0; i < msg->payload.len && msg->offset + i < sizeof l->part_head; i++)
        l->part_head[msg->offset + i] = msg->payload.ptr[i];
    struct iot_bytes head = {l->part_head, sizeof l->part_head};
    uint64_t serial = world_serial_decode(head);
    bool known = msg->offset + msg->payload.len >= sizeof l->part_head;
    if (msg->offset != l->part_at || (known && serial == 0))
        world_violation("life %s: a part at %u, after %u bytes", l->name, msg->offset, l->part_at);
    else if (known && !world_app_is(serial, msg->payload, msg->offset))
        world_violation("life %s: payload of %016llx is not what was sent", l->name,
                        (unsigned long long)serial);
    bool last = msg->offset + msg->payload.len == msg->total;
    if (last && l->habit.echo) {
        iot_err err = echo(l, msg);
        if (err != IOT_OK) {
            world_lint_declines(&l->lint, true, now);
            return err;
        }
    }
    l->part_at += msg->payload.len;
    if (last)
        world_ledger_got(&l->ledger, serial, msg->qos, (msg->flags & IOT_MSG_DUP) != 0, now);
    world_lint_declines(&l->lint, false, now);
    return IOT_OK;
}

void world_app_skipped(struct world_life *l, const struct iot_event *ev)
{
    uint64_t serial = 0;
    char topic[80] = "";
    if (ev->msg->topic.len < sizeof topic)
        memcpy(topic, ev->msg->topic.text, ev->msg->topic.len);
    const char *hex = strstr(topic, "big/");
    serial = hex != NULL ? strtoull(hex + 4, NULL, 16) : world_serial_decode(ev->msg->payload);
    if (serial != 0)
        world_ledger_skipped(&l->ledger, serial);
}

/* ---- Messages of its own ------------------------------------------------------------------- */

static void accepted(struct world_life *l, iot_err err, iot_ticket ticket, uint64_t serial,
                     uint8_t qos, bool may_drop)
{
    if (err == IOT_OK)
        world_ledger_accepted(&l->ledger, ticket, serial, qos, may_drop, world_ms());
    else
        world_ledger_refused(&l->ledger, err);
    l->want_room |= err == IOT_ERR_FULL;
    if (err != IOT_OK && err != IOT_ERR_FULL && err != IOT_ERR_AGAIN && err != IOT_ERR_KV &&
        err != IOT_ERR_SIZE)
        world_violation("life %s: publish is refused as %s", l->name, iot_err_name(err));
}

static iot_err echo(struct world_life *l, const struct iot_msg *msg)
{
    uint8_t bytes[64];
    uint64_t serial = next_serial(l);
    iot_ticket ticket = 0;
    uint8_t qos = msg->qos < l->habit.qos_max ? msg->qos : l->habit.qos_max;
    uint32_t n = msg->total < sizeof bytes ? msg->total : (uint32_t)sizeof bytes;
    struct iot_msg out = {.topic = {l->up_topic, (uint16_t)strlen(l->up_topic), 0},
                          .payload = {bytes, n},
                          .qos = qos,
                          .flags = IOT_MSG_REFUSE};
    world_app_fill(serial, bytes, n);
    iot_err err = iot_mqtt_publish(&l->dev, &out, &ticket);
    if (err == IOT_ERR_STATE) /* it is being closed */
        return IOT_OK;
    accepted(l, err, ticket, serial, qos, false);
    if (err == IOT_OK || err == IOT_ERR_FULL)
        return err;
    l->serial--;
    return IOT_ERR_AGAIN;
}

static iot_err source(void *ctx, struct iot_device *dev, uint32_t offset, struct iot_writer *w)
{
    struct world_life *l = ctx;
    uint8_t bytes[IOT_MQTT_CONTROL_BYTES];
    (void)dev;
    if (l->stream_pause != 0) {
        l->stream_pause--;
        world_lint_excuse(&l->lint, world_ms() + 30);
        return IOT_ERR_AGAIN;
    }
    l->stream_pause = world_chance_hit(&l->chance, 100000) ? world_chance_below(&l->chance, 40) : 0;
    uint32_t n = world_chance_between(&l->chance, 1, w->cap);
    uint8_t head[WORLD_SERIAL_BYTES];
    world_serial_encode(l->stream_serial, head);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = offset + i;
        bytes[i] = at < sizeof head ? head[at] : filler(l->stream_serial, at);
    }
    iot_writer_put(w, bytes, n);
    return IOT_OK;
}

static uint8_t draw_policy(struct world_life *l)
{
    static const uint8_t policies[] = {0, 0, IOT_MSG_REFUSE, IOT_MSG_DROP_OLDEST, IOT_MSG_REPLACE};
    return policies[world_chance_below(&l->chance, sizeof policies)];
}

static bool may_drop(const struct world_life *l, uint8_t flags)
{
    uint8_t policy = flags & IOT_MSG_POLICY;
    if (policy == 0)
        policy = l->habit.policy;
    return policy == IOT_MSG_DROP_OLDEST || policy == IOT_MSG_REPLACE;
}

/* One message in one of the ways there are. */
void world_app_publish(struct world_life *l)
{
    static uint8_t bytes[WORLD_LIFE_REF_BYTES];
    uint64_t serial = next_serial(l);
    iot_ticket ticket = 0;
    uint32_t way = world_chance_below(&l->chance, 10);
    uint32_t n = WORLD_SERIAL_BYTES + (world_chance_hit(&l->chance, 100000)
                                           ? world_chance_below(&l->chance, 800)
                                           : world_chance_below(&l->chance, 120));
    struct iot_msg msg = {.topic = {l->up_topic, (uint16_t)strlen(l->up_topic), 0},
                          .payload = {bytes, n},
                          .qos = (uint8_t)world_chance_below(&l->chance, l->habit.qos_max + 1u),
                          .flags = draw_policy(l)};
    iot_err err;
    if (way == 0 && !l->habit.platform) { /* larger than the ring */
        msg.qos = 0;
        uint32_t total = world_chance_between(&l->chance, WORLD_SERIAL_BYTES, 5000);
        if (l->stream_ticket != 0) { /* one at a time */
            l->serial--;
            return;
        }
        l->stream_serial = serial;
        l->stream_pause = 0;
        err = iot_mqtt_stream(&l->dev, &msg, total, source, l, &ticket);
        l->stream_ticket = err == IOT_OK ? ticket : 0;
        accepted(l, err, ticket, serial, 0, true);
    } else if (way == 1) {
        uint32_t i = world_chance_below(&l->chance, WORLD_LIFE_REFS);
        if (l->refs[i].busy) {
            l->serial--;
            return;
        }
        msg.flags |= IOT_MSG_BY_REF;
        msg.payload.ptr = l->refs[i].bytes;
        world_app_fill(serial, l->refs[i].bytes, n);
        err = iot_mqtt_publish(&l->dev, &msg, &ticket);
        l->refs[i].busy = err == IOT_OK;
        l->refs[i].ticket = ticket;
        accepted(l, err, ticket, serial, msg.qos, may_drop(l, msg.flags));
    } else if (way == 2) {
        struct iot_writer w;
        world_app_fill(serial, bytes, n);
        err = iot_mqtt_begin(&l->dev, &msg, n + world_chance_below(&l->chance, 40), &w);
        if (err == IOT_OK) {
            iot_writer_put(&w, bytes, n);
            err = iot_mqtt_commit(&w, &ticket);
        }
        accepted(l, err, ticket, serial, msg.qos, may_drop(l, msg.flags));
    } else {
        world_app_fill(serial, bytes, n);
        err = iot_mqtt_publish(&l->dev, &msg, &ticket);
        accepted(l, err, ticket, serial, msg.qos, may_drop(l, msg.flags));
    }
    if (err != IOT_OK)
        l->serial--;
}

void world_app_ended(struct world_life *l, const struct iot_event *ev)
{
    for (uint32_t i = 0; i < WORLD_LIFE_REFS; i++) {
        if (!l->refs[i].busy || l->refs[i].ticket != ev->ticket)
            continue;
        l->refs[i].busy = false;
        memset(l->refs[i].bytes, 0xdd, sizeof l->refs[i].bytes); /* whoever reads it is caught */
    }
    if (l->stream_ticket == ev->ticket)
        l->stream_ticket = 0;
    world_ledger_ended(&l->ledger, ev->ticket, ev->err, world_ms());
}

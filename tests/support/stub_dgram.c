/* SPDX-License-Identifier: Apache-2.0 */
#include "stub_dgram.h"

#include "test.h"

static struct stub_dgram *stub(struct iot_dgram *d)
{
    return (struct stub_dgram *)(void *)d;
}

static const struct stub_dgram *const_stub(const struct iot_dgram *d)
{
    return (const struct stub_dgram *)(const void *)d;
}

static void push(struct stub_dgrams *q, struct iot_bytes bytes)
{
    assert_true(q->count < STUB_DGRAMS_MAX && bytes.len <= STUB_DGRAM_BYTES);
    uint32_t i = (q->at + q->count++) % STUB_DGRAMS_MAX;
    q->len[i] = bytes.len;
    if (bytes.len != 0)
        memcpy(q->bytes[i], bytes.ptr, bytes.len);
}

static bool pop(struct stub_dgrams *q, struct iot_bytes *out)
{
    if (q->count == 0)
        return false;
    *out = (struct iot_bytes){q->bytes[q->at], q->len[q->at]};
    q->at = (q->at + 1) % STUB_DGRAMS_MAX;
    q->count--;
    return true;
}

static iot_err stub_open(struct iot_dgram *d, const struct iot_endpoint *to, iot_time now)
{
    struct stub_dgram *s = stub(d);
    (void)now;
    if (s->state != DGRAM_CLOSED && s->state != DGRAM_ENDED)
        fail_msg("opened while open");
    if (s->open_again != 0) {
        s->open_again--;
        return IOT_ERR_AGAIN;
    }
    if (s->open_result != IOT_OK)
        return s->open_result;
    s->opens++;
    s->to = *to;
    s->end = IOT_OK;
    s->rx.count = s->tx.count = 0;
    s->state = DGRAM_OPENING;
    return IOT_OK;
}

static iot_err stub_poll(struct iot_dgram *d, iot_time now)
{
    struct stub_dgram *s = stub(d);
    if (s->end != IOT_OK) {
        s->state = DGRAM_ENDED;
        return s->end;
    }
    switch (s->state) {
    case DGRAM_CLOSED:
        return IOT_ERR_CLOSED;
    case DGRAM_OPENING:
        if (!s->connects)
            return IOT_ERR_AGAIN;
        s->state = DGRAM_UP;
        return IOT_OK;
    case DGRAM_UP:
        return IOT_OK;
    case DGRAM_CLOSING:
        if (!s->closes && now < s->close_deadline)
            return IOT_ERR_AGAIN;
        s->state = DGRAM_ENDED;
        s->end = IOT_ERR_CLOSED;
        return s->end;
    case DGRAM_ENDED:
        return s->end;
    }
    return IOT_ERR_STATE;
}

static iot_err stub_read(struct iot_dgram *d, uint8_t *into, uint32_t cap, uint32_t *got)
{
    struct stub_dgram *s = stub(d);
    struct iot_bytes next;
    s->reads++;
    if (s->state != DGRAM_UP)
        fail_msg("read from a channel that is not up");
    if (!pop(&s->rx, &next))
        return IOT_ERR_AGAIN;
    *got = next.len;
    if (next.len > cap)
        return IOT_ERR_SIZE;
    if (next.len != 0)
        memcpy(into, next.ptr, next.len);
    return IOT_OK;
}

static iot_err stub_write(struct iot_dgram *d, struct iot_bytes bytes, iot_time now)
{
    struct stub_dgram *s = stub(d);
    (void)now;
    if (s->state != DGRAM_UP)
        fail_msg("written to a channel that is not up");
    if (bytes.len > s->room)
        return IOT_ERR_SIZE;
    if (s->write_budget == 0)
        return IOT_ERR_AGAIN;
    if (s->write_budget != UINT32_MAX)
        s->write_budget--;
    s->writes++;
    push(&s->tx, bytes);
    return IOT_OK;
}

static uint32_t stub_room(const struct iot_dgram *d)
{
    return const_stub(d)->room;
}

static void stub_close(struct iot_dgram *d, iot_time deadline)
{
    struct stub_dgram *s = stub(d);
    s->closes_asked++;
    s->rx.count = 0;
    s->close_deadline = deadline;
    if (s->state == DGRAM_OPENING || s->state == DGRAM_UP)
        s->state = DGRAM_CLOSING;
}

static void stub_abort(struct iot_dgram *d)
{
    struct stub_dgram *s = stub(d);
    s->aborts++;
    s->rx.count = 0;
    s->state = DGRAM_CLOSED;
    s->end = IOT_OK;
}

static iot_time stub_deadline(const struct iot_dgram *d)
{
    const struct stub_dgram *s = const_stub(d);
    return s->state == DGRAM_CLOSING && s->close_deadline < s->wants ? s->close_deadline : s->wants;
}

static bool stub_idle(const struct iot_dgram *d)
{
    const struct stub_dgram *s = const_stub(d);
    return s->is_idle && (s->state == DGRAM_CLOSED || s->state == DGRAM_ENDED);
}

static int32_t stub_detail(const struct iot_dgram *d)
{
    return const_stub(d)->detail;
}

static const struct iot_dgram_ops stub_ops = {
    .open = stub_open,
    .poll = stub_poll,
    .read = stub_read,
    .write = stub_write,
    .room = stub_room,
    .close = stub_close,
    .abort = stub_abort,
    .deadline = stub_deadline,
    .idle = stub_idle,
    .detail = stub_detail,
};

void stub_dgram_init(struct stub_dgram *s)
{
    memset(s, 0, sizeof *s);
    s->base.ops = &stub_ops;
    s->connects = s->closes = s->is_idle = true;
    s->write_budget = UINT32_MAX;
    s->room = STUB_DGRAM_BYTES;
    s->wants = IOT_TIME_NEVER;
}

void stub_dgram_receive(struct stub_dgram *s, struct iot_bytes bytes)
{
    push(&s->rx, bytes);
    iot_dgram_wake(&s->base);
}

void stub_dgram_end(struct stub_dgram *s, iot_err why, int32_t detail)
{
    s->end = why;
    s->detail = detail;
    iot_dgram_wake(&s->base);
}

void stub_dgram_allow(struct stub_dgram *s, uint32_t n)
{
    s->write_budget += n;
    iot_dgram_wake(&s->base);
}

bool stub_dgram_sent(struct stub_dgram *s, struct iot_bytes *out)
{
    return pop(&s->tx, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "stub_stream.h"

#include "test.h"

static struct stub_stream *stub(struct iot_stream *s)
{
    return (struct stub_stream *)(void *)s;
}

static const struct stub_stream *const_stub(const struct iot_stream *s)
{
    return (const struct stub_stream *)(const void *)s;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void check_ref(const struct stub_stream *s, const struct stub_ref *r)
{
    if (memcmp(s->tx + r->at, r->ptr, r->len) != 0)
        fail_msg("referenced bytes changed before the stream let go of them");
}

static void let_go(struct stub_stream *s, uint32_t count)
{
    assert_true(count <= s->taken && count >= s->let_go);
    s->let_go = count;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->ref_count; i++) {
        check_ref(s, &s->refs[i]);
        if (s->refs[i].at + s->refs[i].len > count)
            s->refs[kept++] = s->refs[i];
    }
    s->ref_count = kept;
}

static void forget(struct stub_stream *s, enum stub_state state)
{
    let_go(s, s->taken);
    s->state = state;
    s->frozen_len = 0;
    s->rx_at = s->rx_len = 0;
    s->end = IOT_OK;
}

static iot_err stub_open(struct iot_stream *base, const struct iot_endpoint *to, iot_time now)
{
    struct stub_stream *s = stub(base);
    assert_int_equal(s->state, STUB_CLOSED);
    s->now = now;
    if (s->open_again != 0) {
        s->open_again--;
        return IOT_ERR_AGAIN;
    }
    forget(s, STUB_OPENING);
    s->opens++;
    s->opened_at = now;
    s->to = *to;
    s->taken = s->let_go = s->tx_len = 0;
    s->up_at = now + s->connect_ms;
    if (s->open_result != IOT_OK) {
        s->state = STUB_ENDED;
        s->end = s->open_result;
    }
    return s->open_result;
}

static iot_err stub_poll(struct iot_stream *base, iot_time now)
{
    struct stub_stream *s = stub(base);
    bool cut;
    assert_true(now >= s->now);
    s->now = now;
    switch (s->state) {
    case STUB_CLOSED:
        return IOT_ERR_CLOSED;
    case STUB_OPENING:
        if (s->end != IOT_OK) {
            s->state = STUB_ENDED;
            return s->end;
        }
        if (!s->connects || now < s->up_at)
            return IOT_ERR_AGAIN;
        s->state = STUB_UP;
        return IOT_OK;
    case STUB_UP:
        if (s->end == IOT_OK)
            return IOT_OK;
        s->state = STUB_ENDED;
        return s->end;
    case STUB_CLOSING:
        if (!s->closes && now < s->close_deadline)
            return IOT_ERR_AGAIN;
        cut = !s->closes && s->let_go != s->taken;
        forget(s, STUB_CLOSED);
        return cut ? IOT_ERR_CUT : IOT_ERR_CLOSED;
    case STUB_ENDED:
        return s->end;
    }
    return IOT_ERR_CLOSED;
}

static iot_err stub_read(struct iot_stream *base, uint8_t *into, uint32_t cap, uint32_t *got)
{
    struct stub_stream *s = stub(base);
    assert_true(s->state == STUB_UP || s->state == STUB_ENDED);
    assert_int_not_equal(cap, 0);
    if (s->read_later != 0) {
        s->read_later--;
        s->reads++;
        *got = 0;
        return IOT_OK;
    }
    uint32_t n = least(least(cap, s->read_max), s->rx_len - s->rx_at);
    if (n == 0)
        return IOT_ERR_AGAIN;
    memcpy(into, s->rx + s->rx_at, n);
    s->rx_at += n;
    s->reads++;
    *got = n;
    return IOT_OK;
}

static iot_err stub_write(struct iot_stream *base, struct iot_bytes bytes,
                          enum iot_stream_write_flag how, iot_time now, uint32_t *taken)
{
    struct stub_stream *s = stub(base);
    assert_int_equal(s->state, STUB_UP);
    assert_int_not_equal(bytes.len, 0);
    assert_true(now >= s->now);
    s->now = now;
    /* what was offered once is frozen */
    uint32_t same = least(s->frozen_len, bytes.len);
    assert_memory_equal(s->frozen, bytes.ptr, same);
    uint32_t n = least(least(bytes.len, s->write_max), s->write_budget);
    s->frozen_len = least(bytes.len - n, (uint32_t)sizeof s->frozen);
    memcpy(s->frozen, bytes.ptr + n, s->frozen_len);
    if (n == 0)
        return IOT_ERR_AGAIN;
    assert_true(n <= STUB_TX_MAX - s->tx_len);
    memcpy(s->tx + s->tx_len, bytes.ptr, n);
    if (how == IOT_STREAM_REF) {
        struct stub_ref *r = s->ref_count != 0 ? &s->refs[s->ref_count - 1] : NULL;
        if (r != NULL && r->ptr + r->len == bytes.ptr && r->at + r->len == s->tx_len) {
            r->len += n;
        } else {
            assert_true(s->ref_count < STUB_REFS_MAX);
            s->refs[s->ref_count++] = (struct stub_ref){bytes.ptr, n, s->tx_len};
        }
    }
    s->tx_len += n;
    s->taken += n;
    s->writes++;
    if (s->write_budget != UINT32_MAX)
        s->write_budget -= n;
    if (s->releases)
        let_go(s, s->taken);
    *taken = n;
    return IOT_OK;
}

static void stub_flush(struct iot_stream *base)
{
    struct stub_stream *s = stub(base);
    assert_int_equal(s->state, STUB_UP);
    s->flushes++;
}

static uint32_t stub_released(const struct iot_stream *base)
{
    return const_stub(base)->let_go;
}

static void stub_close(struct iot_stream *base, iot_time deadline)
{
    struct stub_stream *s = stub(base);
    assert_true(s->state == STUB_UP || s->state == STUB_ENDED);
    assert_true(deadline >= s->now);
    s->closes_asked++;
    s->close_deadline = deadline;
    s->state = STUB_CLOSING;
}

static void stub_abort(struct iot_stream *base)
{
    struct stub_stream *s = stub(base);
    if (s->state != STUB_CLOSED)
        s->aborts++;
    forget(s, STUB_CLOSED);
}

static iot_time stub_deadline(const struct iot_stream *base)
{
    const struct stub_stream *s = const_stub(base);
    if (s->state == STUB_OPENING && s->connects && s->up_at < s->wants)
        return s->up_at;
    if (s->state == STUB_CLOSING)
        return s->closes ? 0 : s->close_deadline;
    return s->wants;
}

static bool stub_idle(const struct iot_stream *base)
{
    return const_stub(base)->is_idle && const_stub(base)->state == STUB_CLOSED;
}

static int32_t stub_detail(const struct iot_stream *base)
{
    return const_stub(base)->detail;
}

static const struct iot_stream_ops ops = {
    .open = stub_open,
    .poll = stub_poll,
    .read = stub_read,
    .write = stub_write,
    .flush = stub_flush,
    .released = stub_released,
    .close = stub_close,
    .abort = stub_abort,
    .deadline = stub_deadline,
    .idle = stub_idle,
    .detail = stub_detail,
};

void stub_init(struct stub_stream *s)
{
    memset(s, 0, sizeof *s);
    s->base.ops = &ops;
    s->connects = s->releases = s->closes = s->is_idle = true;
    s->read_max = s->write_max = s->write_budget = UINT32_MAX;
    s->wants = IOT_TIME_NEVER;
}

void stub_receive(struct stub_stream *s, struct iot_bytes bytes)
{
    if (s->rx_at != 0) {
        s->rx_len -= s->rx_at;
        memmove(s->rx, s->rx + s->rx_at, s->rx_len);
        s->rx_at = 0;
    }
    assert_true(bytes.len <= STUB_RX_MAX - s->rx_len);
    if (bytes.len != 0)
        memcpy(s->rx + s->rx_len, bytes.ptr, bytes.len);
    s->rx_len += bytes.len;
    iot_stream_wake(&s->base);
}

void stub_end(struct stub_stream *s, iot_err why, int32_t detail)
{
    if (s->end == IOT_OK) {
        s->end = why;
        s->detail = detail;
    }
    iot_stream_wake(&s->base);
}

void stub_allow(struct stub_stream *s, uint32_t n)
{
    s->write_budget = n > UINT32_MAX - s->write_budget ? UINT32_MAX : s->write_budget + n;
    iot_stream_wake(&s->base);
}

void stub_release(struct stub_stream *s, uint32_t count)
{
    let_go(s, count);
    iot_stream_wake(&s->base);
}

struct iot_bytes stub_sent(const struct stub_stream *s)
{
    return (struct iot_bytes){s->tx, s->tx_len};
}
